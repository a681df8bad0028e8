{#- The moment of this run, as a TIMESTAMP in UTC: what a row says that was first seen now. Given by the runner in
    OUTCOMES_BUILT_AT, for the reasons of `as_at`; without it, the first moment of the as-at day. -#}
{% macro built_at() -%}
    {%- if execute and env_var("OUTCOMES_BUILT_AT", "") -%} cast('{{ env_var("OUTCOMES_BUILT_AT") }}' as timestamp)
    {%- else -%} cast({{ as_at() }} as timestamp)
    {%- endif -%}
{%- endmacro %}
