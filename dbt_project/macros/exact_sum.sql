{#- Sums whose last bit does not depend on the order of the rows: added up as decimals of eight places, returned as a double.
    Takes what is added and which rows. Exact up to 20 digits before the point. -#}
{% macro exact_sum(value, condition) -%}
    cast(sum(cast({{ value }} as decimal(28, 8))) filter (where {{ condition }}) as double)
{%- endmacro %}
