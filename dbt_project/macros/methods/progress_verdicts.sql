{#- VERDICTS OF OTHERS on the same figures, kept beside ours so that a user can defend, or attack, the colour.

    None of them knows a milestone or a reason why nothing can be said. Whether the value meets the target is asked with
    our operator, strict ones included, in the first two; a goal of Fingertips has none and passes at equality.

    `healthy_people_category`: Healthy People 2020 (CDC/NCHS; 2030 keeps the categories). Takes whether the value meets
    the target, the target (NULL where there is none), the change code of `change_since_baseline`, which is their test
    and their 10 % rule. Returns `target_met`, `improving`, `little_or_no_change`, `getting_worse`, `baseline_only`,
    `informational`. Met comes first, also when it was met at baseline and the value slips. -#}
{% macro healthy_people_category(point_meets, target, change) -%}
    case
        when {{ target }} is null
        then 'informational'
        when {{ point_meets }} = 1
        then 'target_met'
        when {{ change }} = 'no_detectable_change'
        then 'little_or_no_change'
        else {{ change }}
    end
{%- endmacro %}

{#- `linear_pace_verdict`: the arrows of the Sustainable Development Goals Index. Takes the pace ratio of `pace_ratio`,
    whether the value meets the target, and whether the period answers the deadline. Returns `met`, `missed`,
    `on_track` (1 or more), `moderate` (0.5 to under 1), `stagnating` (0 to under 0.5), `decreasing` (below 0); NULL
    without a pace. The bands are theirs and do not follow our configuration. Source: Sachs et al., Sustainable
    Development Report, as restated in the design notes. -#}
{% macro linear_pace_verdict(ratio, point_meets, is_answered) -%}
    case
        when {{ point_meets }} = 1
        then 'met'
        when {{ point_meets }} = 0 and {{ is_answered }}
        then 'missed'
        when {{ ratio }} >= 1
        then 'on_track'
        when {{ ratio }} >= 0.5
        then 'moderate'
        when {{ ratio }} >= 0
        then 'stagnating'
        when {{ ratio }} < 0
        then 'decreasing'
    end
{%- endmacro %}

{#- `fingertips_goal_by_value`, `fingertips_goal_by_limits`: the Fingertips goal with our target as its single limit, the
    two ways that Fingertips has (macros of GOAL); polarity is taken from the sign of the commitment, since a goal there
    has the polarity of its indicator. `better`, `similar` or `worse`. -#}
{% macro fingertips_goal_by_value(value, target, sign) -%}
    {{ goal_outcome_single(value, target, "case when " ~ sign ~ " > 0 then 'high_is_good' else 'low_is_good' end") }}
{%- endmacro %}

{% macro fingertips_goal_by_limits(lower, upper, target, sign) -%}
    {{
        goal_outcome_single_with_limits(
            lower, upper, target, "case when " ~ sign ~ " > 0 then 'high_is_good' else 'low_is_good' end"
        )
    }}
{%- endmacro %}
