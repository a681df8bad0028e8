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

{% macro goal_limits_are_in_order(lower_limit, upper_limit) -%}
    coalesce({{ lower_limit }} <= {{ upper_limit }}, true)
{%- endmacro %}

{% macro goal_outcome_previous_england(value, previous_england) -%}
    case
        when {{ value }} < {{ previous_england }} then 'worse' when {{ value }} >= {{ previous_england }} then 'better'
    end
{%- endmacro %}

{% macro goal_outcome_percentile_range(value, lower_bound, upper_bound, count_of_values, polarity) -%}
    case when {{ count_of_values }} > 3 then {{ goal_outcome_range(value, lower_bound, upper_bound, polarity) }} end
{%- endmacro %}

{% macro goal_label(outcome) -%}
    case
        {{ outcome }} when 'better' then 'Green' when 'similar' then 'Amber' when 'worse' then 'Red' else 'Not compared'
    end
{%- endmacro %}

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
