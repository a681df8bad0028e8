{% macro process_series(value, order_by) -%}
    list({{ value }} order by {{ order_by }}) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro process_mean(series) -%} list_avg({{ series }}) {%- endmacro %}

{% macro moving_ranges(series) -%}
    list_transform(range(2, len({{ series }}) + 1), lambda i:abs({{ series }} [i] - {{ series }} [i - 1]))
{%- endmacro %}

{% macro average_moving_range(series, screened=true) -%}
    {%- set ranges -%}{{ moving_ranges(series) }}{%- endset -%}
    {% if screened -%} list_avg(list_filter({{ ranges }}, lambda r:r = 0 or r < 3.267 * list_avg({{ ranges }})))
    {%- else -%} list_avg({{ ranges }})
    {%- endif %}
{%- endmacro %}

{% macro process_limit(series, side, screened=true) -%}
    {%- set sign = {"lower": "-", "upper": "+"}[side] -%}
    ({{ process_mean(series) }} {{ sign }} 2.66 * {{ average_moving_range(series, screened) }})
{%- endmacro %}

{% macro assurance(improvement_direction, lower_process_limit, upper_process_limit, target) -%}
    case
        when {{ lower_process_limit }} is null or {{ upper_process_limit }} is null or {{ target }} is null
        then null
        when {{ target }} > {{ upper_process_limit }}
        then
            case
                {{ improvement_direction }}
                when 'increase'
                then 'consistent_fail'
                when 'decrease'
                then 'consistent_pass'
            end
        when {{ target }} < {{ lower_process_limit }}
        then
            case
                {{ improvement_direction }}
                when 'increase'
                then 'consistent_pass'
                when 'decrease'
                then 'consistent_fail'
            end
        when {{ improvement_direction }} in ('increase', 'decrease')
        then 'inconsistent'
    end
{%- endmacro %}
