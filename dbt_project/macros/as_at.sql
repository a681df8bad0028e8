{#- The day that the release speaks for, as a DATE. Given by the runner; never the clock. -#}
{% macro as_at() -%}
    {%- if execute and not var("as_at") -%}
        {{
            exceptions.raise_compiler_error(
                "The variable as_at is not set: run through `outcomes refresh`, or pass --vars '{as_at: 2026-11-22}'."
            )
        }}
    {%- endif -%}
    cast('{{ var("as_at") }}' as date)
{%- endmacro %}
