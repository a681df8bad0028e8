{#- LEVEL: does a value meet its target?

    Takes SQL expressions: value, 95 % limits (may be NULL), target, operator text ('>=', '>', '<=', '<').
    Returns `met_confident`, `not_met_confident`, `not_distinguishable` where both limits exist, else `met` or `not_met`;
    NULL when value or target is NULL.
    Rule: confident means that every point of the interval satisfies the operator, or that none does. A limit that lies
    exactly on the target follows the operator, so `<= 20` with an upper limit of 20 is confidently met and `< 20` is not.
    Source: targets rule book (ours); the Fingertips goal rule differs at equality and is kept apart. -#}
{% macro meets(value, operator, target) -%}
    case
        {{ operator }}
        when '>='
        then {{ value }} >= {{ target }}
        when '>'
        then {{ value }} > {{ target }}
        when '<='
        then {{ value }} <= {{ target }}
        when '<'
        then {{ value }} < {{ target }}
    end
{%- endmacro %}

{% macro level_against_target(value, lower, upper, target, operator) -%}
    case
        when {{ value }} is null or {{ target }} is null or {{ operator }} is null
        then null
        when {{ lower }} is null or {{ upper }} is null
        then case when {{ meets(value, operator, target) }} then 'met' else 'not_met' end
        when {{ meets(lower, operator, target) }} and {{ meets(upper, operator, target) }}
        then 'met_confident'
        when not {{ meets(lower, operator, target) }} and not {{ meets(upper, operator, target) }}
        then 'not_met_confident'
        else 'not_distinguishable'
    end
{%- endmacro %}

{#- LEVEL against a comparator that must be beaten, or matched, beyond chance.

    Takes: value, 95 % limits, comparator value, sign (+1 when the commitment wants more, -1 when less), the comparison
    that the publisher printed (Better, Worse, Higher, Lower, Similar, with or without ` 95%` or ` 99.8%`) and the
    polarity of the indicator. Returns `better`, `similar`, `worse` from the commitment's point of view, or NULL.
    Our own limits are used first (single overlapping interval, Fingertips comparator method 1, inclusive); without
    limits the printed verdict counts. -#}
{% macro side_of_comparator(value, lower, upper, comparator, sign, published, polarity) -%}
    case
        when {{ lower }} is not null and {{ upper }} is not null and {{ comparator }} is not null
        then
            case
                when {{ comparator }} between {{ lower }} and {{ upper }}
                then 'similar'
                when {{ sign }} * ({{ value }} - {{ comparator }}) > 0
                then 'better'
                else 'worse'
            end
        when {{ published }} ilike 'similar%'
        then 'similar'
        when {{ published }} ilike 'higher%'
        then case when {{ sign }} > 0 then 'better' else 'worse' end
        when {{ published }} ilike 'lower%'
        then case when {{ sign }} < 0 then 'better' else 'worse' end
        when {{ published }} ilike 'better%'
        then case when ({{ polarity }} = 'high_is_good') = ({{ sign }} > 0) then 'better' else 'worse' end
        when {{ published }} ilike 'worse%'
        then case when ({{ polarity }} = 'high_is_good') = ({{ sign }} > 0) then 'worse' else 'better' end
    end
{%- endmacro %}
