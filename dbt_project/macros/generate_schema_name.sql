{#- Marts go to `main`, everything else to the schema it names; dbt's default would prefix `main_`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
