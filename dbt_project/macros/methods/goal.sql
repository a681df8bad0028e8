{#- GOAL of Fingertips: is the goal of an indicator met?

    The macros `goal_outcome_...` return `better`, `similar` or `worse`, NULL where an input is absent or the
    polarity is neither `low_is_good` nor `high_is_good`. Value, limits and goal share one unit. Of a goal that has
    more than one form Fingertips takes the first of: bespoke, range (an upper limit is set), single value.
    Source: open Fingertips code, as restated in the design notes. The rule of commitments (`level_against_target`)
    differs where an interval is a single point or touches the goal, and is kept apart.

    Single value, without intervals: on the goal is met; nothing is `similar`. -#}
{% macro goal_outcome_single(value, limit, polarity) -%}
    case
        when {{ value }} is null or {{ limit }} is null
        then null
        when {{ polarity }} = 'low_is_good'
        then case when {{ value }} <= {{ limit }} then 'better' else 'worse' end
        when {{ polarity }} = 'high_is_good'
        then case when {{ value }} >= {{ limit }} then 'better' else 'worse' end
    end
{%- endmacro %}

{#- Single value, with 95 % limits: the whole interval has to lie on one side. A lower limit on the goal counts as
    above it, an upper limit on the goal does not count as below it; an interval that is one point on the goal is
    above it. -#}
{% macro goal_outcome_single_with_limits(lower, upper, limit, polarity) -%}
    case
        when {{ lower }} is null or {{ upper }} is null or {{ limit }} is null
        then null
        when {{ lower }} >= {{ limit }}
        then case {{ polarity }} when 'low_is_good' then 'worse' when 'high_is_good' then 'better' end
        when {{ upper }} < {{ limit }}
        then case {{ polarity }} when 'low_is_good' then 'better' when 'high_is_good' then 'worse' end
        when {{ polarity }} in ('low_is_good', 'high_is_good')
        then 'similar'
    end
{%- endmacro %}

{#- Range: below the lower limit, from it up to but not including the upper limit, and from the upper limit.
    Intervals play no part. -#}
{% macro goal_outcome_range(value, lower_limit, upper_limit, polarity) -%}
    case
        when {{ value }} is null or {{ lower_limit }} is null or {{ upper_limit }} is null
        then null
        when {{ value }} < {{ lower_limit }}
        then case {{ polarity }} when 'low_is_good' then 'better' when 'high_is_good' then 'worse' end
        when {{ value }} >= {{ upper_limit }}
        then case {{ polarity }} when 'low_is_good' then 'worse' when 'high_is_good' then 'better' end
        when {{ polarity }} in ('low_is_good', 'high_is_good')
        then 'similar'
    end
{%- endmacro %}

{#- A rule for the register of goals, not for values: a lower limit above the upper one is refused; equal limits,
    and a limit that is absent, are in order. -#}
{% macro goal_limits_are_in_order(lower_limit, upper_limit) -%}
    coalesce({{ lower_limit }} <= {{ upper_limit }}, true)
{%- endmacro %}

{#- Bespoke goal `last-year-england`: the value of England a year before. The polarity is not asked, so that more
    always counts as better: fit only for indicators where high is good. -#}
{% macro goal_outcome_previous_england(value, previous_england) -%}
    case
        when {{ value }} < {{ previous_england }} then 'worse' when {{ value }} >= {{ previous_england }} then 'better'
    end
{%- endmacro %}

{#- Bespoke goal `nth-percentile-range`: a range between two percentiles of the values of upper-tier local
    authorities. Takes the values at the two percentiles (inclusive percentile) and how many values are behind them;
    four are needed. -#}
{% macro goal_outcome_percentile_range(value, lower_bound, upper_bound, count_of_values, polarity) -%}
    case when {{ count_of_values }} > 3 then {{ goal_outcome_range(value, lower_bound, upper_bound, polarity) }} end
{%- endmacro %}

{#- The words of the column `Compared to goal`. Fingertips leaves it empty where an indicator has no goal; the
    caller knows. -#}
{% macro goal_label(outcome) -%}
    case
        {{ outcome }} when 'better' then 'Green' when 'similar' then 'Amber' when 'worse' then 'Red' else 'Not compared'
    end
{%- endmacro %}

{#- The value at a share (0 to 1) of a sorted list, by inclusive percentile: place n = (N - 1) p + 1, straight
    between neighbours; the rule of `quantile_cont`, which takes no share from a column. NULL for an empty list. -#}
{% macro inclusive_percentile(sorted_values, share) -%}
    case
        when len({{ sorted_values }}) > 0
        then
            {{ sorted_values }} [cast(floor((len({{ sorted_values }}) - 1) * {{ share }}) as integer) + 1]
            + ((len({{ sorted_values }}) - 1) * {{ share }} - floor((len({{ sorted_values }}) - 1) * {{ share }}))
            * (
                {{ sorted_values }} [cast(ceil((len({{ sorted_values }}) - 1) * {{ share }}) as integer) + 1]
                - {{ sorted_values }} [cast(floor((len({{ sorted_values }}) - 1) * {{ share }}) as integer) + 1]
            )
    end
{%- endmacro %}

{#- The outcome of a goal of any type: `single_value`, `single_value_with_limits`, `range`, `previous_year_england`
    or `percentile_range`, as the seed `indicator_goals` names them. Takes the value with its 95 % limits, the two
    bounds that the goal means for the period, and the number of values behind a percentile. -#}
{% macro goal_outcome(goal_type, value, lower, upper, lower_bound, upper_bound, count_of_values, polarity) -%}
    case
        {{ goal_type }}
        when 'single_value'
        then {{ goal_outcome_single(value, lower_bound, polarity) }}
        when 'single_value_with_limits'
        then {{ goal_outcome_single_with_limits(lower, upper, lower_bound, polarity) }}
        when 'range'
        then {{ goal_outcome_range(value, lower_bound, upper_bound, polarity) }}
        when 'previous_year_england'
        then {{ goal_outcome_previous_england(value, lower_bound) }}
        when 'percentile_range'
        then {{ goal_outcome_percentile_range(value, lower_bound, upper_bound, count_of_values, polarity) }}
    end
{%- endmacro %}
