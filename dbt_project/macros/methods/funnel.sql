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

{% macro funnel_z(tail) -%} {{ {"0.025": "1.959963984540054", "0.001": "3.090232306167813"}[tail] }} {%- endmacro %}

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
