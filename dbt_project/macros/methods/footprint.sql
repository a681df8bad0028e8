{#- ADDING UP the members of a footprint: value = multiplier * sum of counts / sum of denominators.

    `exact_sum`: a sum whose last bit does not depend on the order of the rows: added up as decimals of eight places and
    returned as a double. Takes what is added and which rows. Exact up to 20 digits before the point.
    Valid for proportions and crude rates with the counts of every member, and for counts themselves. Not for standardised
    rates, life expectancies, medians and scores, whose sum over areas is not the measure of the whole.
    Source: average calculator of the open Fingertips code, as restated in the design notes on methods; there, members
    without a figure are left out of the sum, here they refuse it. -#}
{% macro exact_sum(value, condition) -%}
    cast(sum(cast({{ value }} as decimal(28, 8))) filter (where {{ condition }}) as double)
{%- endmacro %}
