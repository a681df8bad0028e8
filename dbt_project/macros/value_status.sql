{#- Why a value is present or absent, as a code of the seed `value_statuses`.
    Fingertips never marks suppression by a symbol: the cell is empty and the note says why (design notes on the format).
    Markers follow the government's shorthand: [c] confidential, [x] not available, [z] not applicable. -#}
{% macro value_status(value, as_published, note) -%}
    case
        when {{ value }} is not null and {{ note }} ilike '%estimate%'
        then 'estimated'
        when {{ value }} is not null
        then 'present'
        when {{ note }} ilike '%suppressed%' or trim({{ as_published }}) in ('[c]', '*')
        then 'suppressed'
        when {{ note }} ilike '%cannot be calculated%'
        then 'not_calculable'
        when trim({{ as_published }}) = '[z]'
        then 'not_applicable'
        when trim({{ as_published }}) in ('[x]', 'x', ':')
        then 'not_available'
        else 'missing'
    end
{%- endmacro %}
