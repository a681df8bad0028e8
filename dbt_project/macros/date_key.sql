{#- A day as the integer yyyymmdd, the key of `dim_date`; -1 (unknown) where there is none, or -2 where none can be. -#}
{% macro date_key(day, absent="-1") -%}
    cast(coalesce(year({{ day }}) * 10000 + month({{ day }}) * 100 + day({{ day }}), {{ absent }}) as integer)
{%- endmacro %}

{#- `dim_date` in one of its roles: the same days under a key of that role's name, so that a tool that lets one join per
    pair of tables be active can filter by each role. -#}
{% macro date_role(key) -%}
    select date_key as {{ key }}, full_date, calendar_year, calendar_quarter, month_number, month_name, financial_year
    from {{ ref("dim_date") }}
{%- endmacro %}
