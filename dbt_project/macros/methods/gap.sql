{#- GAP between two groups, with 95 % limits from the limits of both; the groups are taken as independent.

    `gap_limit` (absolute, in the unit of the values): d -+ 1.96 sqrt(se_a^2 + se_b^2), se = width of the 95 % limits / 3.92.
    `ratio_limit` (relative): exp(ln(a / b) -+ 1.96 sqrt(s_a^2 + s_b^2)), s = ln(upper / lower) / 3.92; NULL unless all six
    numbers are above 0.
    Both are NULL where a limit is absent. Not valid for two groups that were picked because they lie furthest apart: the gap
    between the highest and the lowest of many groups is large by chance alone, so that callers give it no limits.
    Source: standard arithmetic of independent estimates, normal on the scale of the values and of their logarithms. -#}
{% macro gap_limit(a, a_lower, a_upper, b, b_lower, b_upper, side) -%}
    ({{ a }} - {{ b }})
    {{ {"lower": "-", "upper": "+"}[side] }}
    1.96e0 * sqrt(pow(({{ a_upper }} - {{ a_lower }}) / 3.92e0, 2) + pow(({{ b_upper }} - {{ b_lower }}) / 3.92e0, 2))
{%- endmacro %}

{% macro ratio_limit(a, a_lower, a_upper, b, b_lower, b_upper, side) -%}
    case
        when {{ a }} > 0 and {{ b }} > 0 and {{ a_lower }} > 0 and {{ b_lower }} > 0
        then
            exp(
                ln({{ a }} / {{ b }})
                {{ {"lower": "-", "upper": "+"}[side] }}
                1.96e0 * sqrt(
                    pow(ln({{ a_upper }} / {{ a_lower }}) / 3.92e0, 2)
                    + pow(ln({{ b_upper }} / {{ b_lower }}) / 3.92e0, 2)
                )
            )
    end
{%- endmacro %}
