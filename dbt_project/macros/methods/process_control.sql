{#- PROCESS CONTROL by XmR chart: what is ordinary variation from one period to the next?

    A series is a list in the order of periods without missing values; `process_series` makes it, in a query of its
    own: the other macros name the list several times, and an aggregate does not belong inside them. All sums run
    along the list, so that a result does not depend on the order in which rows were read.
    With values x_1 .. x_n and moving ranges mR_t = |x_t - x_(t-1)|:
        limits = mean(x) -+ 2.66 mean(mR)
    Screened (Jinja, the default), moving ranges of 3.267 mean(mR) or more are left out, once, before they are
    averaged again; ranges of nought stay, so that a series which never moves has its mean for limits. The
    spreadsheet tool of the programme does not screen.
    Source: NHS England, Making Data Count, and R package NHSRplotthedots, as restated in the design notes.
    Limits of validity: the caller requires enough points (about 12; the formula accepts two, and yearly series
    seldom have them), points of one series and equal spacing; pooled periods overlap and move too little. -#}
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

{#- Takes the side as Jinja text, 'lower' or 'upper'; NULL for a series of fewer than two points. A limit may be
    impossible for the measure, such as a share below 0; it is not held back, because `assurance` compares with it. -#}
{% macro process_limit(series, side, screened=true) -%}
    {%- set sign = {"lower": "-", "upper": "+"}[side] -%}
    ({{ process_mean(series) }} {{ sign }} 2.66 * {{ average_moving_range(series, screened) }})
{%- endmacro %}

{#- ASSURANCE: will a process that stays as it is meet its target?

    Takes the direction that is an improvement (`increase`, `decrease`; any other gives NULL), the limits at the
    newest point and the target. Returns `consistent_pass` where the target lies beyond the limit on the bad side,
    `consistent_fail` where it lies beyond the limit on the good side, otherwise, also on a limit, `inconsistent`;
    NULL without limits or target.
    Source: Making Data Count, as above. -#}
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
