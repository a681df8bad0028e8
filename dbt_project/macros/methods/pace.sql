{#- PACE: the linear path from baseline to target.

    Years are days / 365.25 between the last days of periods and the due date, to a hundredth of a year: leap days must not
    carry a ratio across the edge of a band.
    `trajectory_value`: P(t) = b + (T - b) (t - t0) / (tT - t0); NULL when the dates are not in order. A deadline within
    days of the baseline has no length: the path is the baseline before it and the target from it on.
    `pace_ratio`: ((x - b) / (t - t0)) / ((T - b) / (tT - t0)); NULL when the target was already met at baseline (nothing is
    required, so there is nothing to divide by) or the dates are not in order. Linear, never a ratio of growth rates: those
    break at zero and at a change of sign. Source: targets rule book (standard arithmetic, ours). -#}
{% macro years_between(start, finish) -%} round(date_diff('day', {{ start }}, {{ finish }}) / 365.25, 2) {%- endmacro %}

{% macro trajectory_value(baseline, baseline_date, target, due_date, at_date) -%}
    case
        when {{ due_date }} > {{ baseline_date }} and {{ at_date }} >= {{ baseline_date }}
        then
            {{ baseline }}
            + ({{ target }} - {{ baseline }})
            * case
                when {{ years_between(baseline_date, due_date) }} > 0
                then
                    least(
                        {{ years_between(baseline_date, at_date) }} / {{ years_between(baseline_date, due_date) }}, 1.0
                    )
                else cast({{ at_date }} >= {{ due_date }} as integer)
            end
    end
{%- endmacro %}

{% macro pace_ratio(value, value_date, baseline, baseline_date, target, due_date, sign) -%}
    case
        when
            {{ value_date }} > {{ baseline_date }}
            and {{ due_date }} > {{ baseline_date }}
            and {{ sign }} * ({{ target }} - {{ baseline }}) > 0
        then
            (({{ value }} - {{ baseline }}) / nullif({{ years_between(baseline_date, value_date) }}, 0))
            / (({{ target }} - {{ baseline }}) / nullif({{ years_between(baseline_date, due_date) }}, 0))
    end
{%- endmacro %}

{% macro pace_band(ratio) -%}
    case
        when {{ ratio }} is null
        then 'no_pace'
        when {{ ratio }} >= {{ var("pace_on_track") }}
        then 'fast_enough'
        when {{ ratio }} >= {{ var("pace_at_risk") }}
        then 'too_slow'
        when {{ ratio }} >= 0
        then 'far_too_slow'
        else 'wrong_way'
    end
{%- endmacro %}
