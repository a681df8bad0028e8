{#- Numbers as people write them. Display only: no value is computed from the text. -#}
{% macro rounded(value, decimals) -%}
    format('{:,.' || cast(coalesce({{ decimals }}, 1) as varchar) || 'f}', {{ value }})
{%- endmacro %}

{#- A number with its unit: `12.3%`, `63.4 years`, `27.5 per 100,000`; NULL when the number is. -#}
{% macro with_unit(value, unit, decimals) -%}
    case
        when {{ value }} is null
        then null
        when {{ unit }} = '%'
        then concat({{ rounded(value, decimals) }}, '%')
        else concat_ws(' ', {{ rounded(value, decimals) }}, {{ unit }})
    end
{%- endmacro %}
