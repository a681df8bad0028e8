{#- The day that the release speaks for, as a DATE. Given by the runner in OUTCOMES_AS_AT; never the clock: a past release can
    be rebuilt exactly. An environment variable and not a dbt variable, because a changed variable throws the parsed project
    away (6 of 25 s of a build, measured on 2 cores), and it is read at run time only. -#}
{% macro as_at() -%}
    {%- if execute -%}
        {%- set day = env_var("OUTCOMES_AS_AT", "") -%}
        {%- if not day -%}
            {{
                exceptions.raise_compiler_error(
                    "OUTCOMES_AS_AT is not set: run through `outcomes refresh`, or set it to a date such as 2026-11-22."
                )
            }}
        {%- endif -%}
        cast('{{ day }}' as date)
    {%- else -%} cast(null as date)
    {%- endif -%}
{%- endmacro %}
