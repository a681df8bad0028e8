{#- One and the same series on both sides: commitment, place, indicator and group. Takes two aliases. -#}
{% macro same_scope(left, right) -%}
    {% for column in ["commitment_id", "area_code", "indicator_id", "sex", "age", "category_type", "category"] -%}
        {{ left }}.{{ column }} = {{ right }}.{{ column }} {%- if not loop.last %} and {% endif %}
    {%- endfor %}
{%- endmacro %}
