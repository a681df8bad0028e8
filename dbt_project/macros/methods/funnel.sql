{#- FUNNEL for proportions: which areas differ from the average of their group?

    Takes: the average as a share of 1 (sum of numerators over sum of denominators of the group; to test against a
    fixed standard, the standard), the denominator of the area, z as SQL (`funnel_z`), the side as Jinja text,
    'lower' or 'upper'. With average p and denominator n: limit = p -+ z sqrt(p (1 - p) / n), held within 0 to 1.
    NULL without a denominator above 0, and for an average outside 0 to 1.
    Source: R package PHEindicatormethods, as restated in the design notes (its quadratic reduces to this form). -#}
{% macro funnel_proportion_limit(average, denominator, confidence_z, side) -%}
    {%- set sign = {"lower": "-", "upper": "+"}[side] -%}
    case
        when {{ denominator }} > 0 and {{ average }} between 0 and 1
        then
            greatest(
                least(
                    {{ average }} {{ sign }} {{ confidence_z }}
                    * sqrt({{ average }} * (1 - {{ average }}) / {{ denominator }}),
                    1
                ),
                0
            )
    end
{%- endmacro %}

{#- Points of the normal distribution for one tail, as Jinja text: '0.025' (95 % limits) or '0.001' (99.8 %). Not
    rounded, as those of Fingertips comparisons are (`spc_z`). -#}
{% macro funnel_z(tail) -%} {{ {"0.025": "1.959963984540054", "0.001": "3.090232306167813"}[tail] }} {%- endmacro %}

{#- Strictly outside a limit is significant; the label names the tail. NULL where there is no limit, and for a
    numerator below 0 or above its denominator, which is no proportion. -#}
{% macro funnel_proportion_significance(numerator, denominator, average) -%}
    {%- set share -%}({{ numerator }} / {{ denominator }}){%- endset -%}
    case
        when {{ denominator }} > 0 and {{ numerator }} between 0 and {{ denominator }} and {{ average }} between 0 and 1
        then
            case
                when {{ share }} < {{ funnel_proportion_limit(average, denominator, funnel_z("0.001"), "lower") }}
                then 'Low (0.001)'
                when {{ share }} < {{ funnel_proportion_limit(average, denominator, funnel_z("0.025"), "lower") }}
                then 'Low (0.025)'
                when {{ share }} > {{ funnel_proportion_limit(average, denominator, funnel_z("0.001"), "upper") }}
                then 'High (0.001)'
                when {{ share }} > {{ funnel_proportion_limit(average, denominator, funnel_z("0.025"), "upper") }}
                then 'High (0.025)'
                else 'Not significant'
            end
    end
{%- endmacro %}
