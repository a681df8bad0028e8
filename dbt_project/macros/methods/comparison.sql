{#- COMPARISON with England by single overlapping 95 % interval (Fingertips comparator method 1).

    Takes: value, 95 % limits, the England value of the same indicator, period, sex and age (total, no category), the
    polarity of the indicator, and whether the row is England itself.
    Returns Better / Similar / Worse, or Higher / Similar / Lower where the indicator carries no judgement, `Not compared`
    for England and where an input is absent. The interval is inclusive: a comparator on a limit is Similar. -#}
{% macro compared_to_england(value, lower, upper, england, polarity, is_england) -%}
    case
        when
            {{ is_england }}
            or {{ value }} is null
            or {{ lower }} is null
            or {{ upper }} is null
            or {{ england }} is null
        then 'Not compared'
        when {{ england }} between {{ lower }} and {{ upper }}
        then 'Similar'
        when {{ polarity }} = 'high_is_good'
        then case when {{ value }} > {{ england }} then 'Better' else 'Worse' end
        when {{ polarity }} = 'low_is_good'
        then case when {{ value }} < {{ england }} then 'Better' else 'Worse' end
        when {{ value }} > {{ england }}
        then 'Higher'
        else 'Lower'
    end
{%- endmacro %}
