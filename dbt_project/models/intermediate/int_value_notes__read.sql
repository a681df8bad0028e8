-- What each note of a publisher says about its values: the status and the basis that the seed `value_notes` gives it.
-- Where several patterns fit, the longest one that names a status (a basis) decides: it is the most particular.
{{ config(materialized="view") }}
with
    notes as (select distinct value_note from {{ ref("int_indicator_values__unioned") }} where value_note is not null),

    read_notes as (
        select
            n.value_note,
            arg_max(p.value_status_code, (length(p.note_pattern), p.note_pattern)) filter (
                where p.value_status_code is not null
            ) as note_status_code,
            arg_max(p.value_basis_code, (length(p.note_pattern), p.note_pattern)) filter (
                where p.value_basis_code is not null
            ) as value_basis_code
        from notes as n
        inner join {{ ref("value_notes") }} as p on n.value_note ilike p.note_pattern
        group by n.value_note
    )

select r.value_note, r.note_status_code, s.has_value as note_has_value, r.value_basis_code
from read_notes as r
left join {{ ref("value_statuses") }} as s on r.note_status_code = s.value_status_code
