{#- Why a value is present or absent, as a code of the seed `value_statuses`; an absent value is never 0.

    Takes the value, the declared meaning of the marker in its cell (NULL when there is none), and the status that the
    publisher's note names together with whether such a status has a value (both NULL when the note names none).
    A marker that says why goes first; one that only says `missing`, like an empty cell, leaves the reason to the note:
    Fingertips never marks suppression by a symbol. A note of the other kind (a reason for absence beside a value, or
    the reverse) is kept as text and decides nothing. -#}
{% macro value_status(value, marker_meaning, note_status, note_has_value) -%}
    case
        when {{ value }} is not null
        then case when {{ note_has_value }} = 1 then {{ note_status }} else 'present' end
        when coalesce({{ marker_meaning }}, 'missing') <> 'missing'
        then {{ marker_meaning }}
        when {{ note_has_value }} = 0
        then {{ note_status }}
        else 'missing'
    end
{%- endmacro %}
