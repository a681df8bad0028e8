{#- The label of a period that nobody has published yet, in the spelling of the sources: `2027`, `2027/28`, `2026 - 28`,
    `2025/26 - 27/28`; for other kinds of period the months of its ends. Takes the type and the dates. -#}
{% macro label_of_period(period_type, period_start, period_end) -%}
    {%- set years -%}round(date_diff('month', {{ period_start }}, {{ period_end }} + 1) / 12.0){%- endset -%}
    case
        when {{ period_type }} = 'calendar' and {{ years }} = 1
        then strftime({{ period_start }}, '%Y')
        when {{ period_type }} = 'calendar'
        then strftime({{ period_start }}, '%Y') || ' - ' || strftime({{ period_end }}, '%y')
        when {{ period_type }} in ('financial', 'academic') and {{ years }} = 1
        then strftime({{ period_start }}, '%Y') || '/' || strftime({{ period_end }}, '%y')
        when {{ period_type }} in ('financial', 'academic')
        then
            strftime({{ period_start }}, '%Y')
            || '/'
            || strftime({{ period_start }} + interval 1 year, '%y')
            || ' - '
            || strftime({{ period_end }} - interval 1 year, '%y')
            || '/'
            || strftime({{ period_end }}, '%y')
        when {{ period_type }} in ('month', 'snapshot')
        then strftime({{ period_end }}, '%b %Y')
        else strftime({{ period_start }}, '%b %Y') || ' - ' || strftime({{ period_end }}, '%b %Y')
    end
{%- endmacro %}
