-- What each row says beyond its number: why the value is present or absent, on what it stands, and of which area,
-- area type and boundaries it speaks. Nothing is dropped.
--
-- The register says of what type an area is. E38 and E54 are the exceptions: one code stands for a clinical
-- commissioning group and for a part of a board, or for a sustainability and transformation partnership and for a
-- board, which differ in boundaries and values. There the published label decides, and it is part of the key.
-- A row without a label is of an open list, such as general practices, if its code has the shape of one.
-- A recoded area goes by the code that stands today, beside the code as published; the other area that once had its
-- code does not.
with
    unlabelled as (
        select v.area_code, min(t.area_type) as area_type
        from (select distinct area_code from {{ ref("int_indicator_values__unioned") }}) as v
        join {{ ref("area_types") }} as t on regexp_full_match(v.area_code, t.code_pattern)
        group by v.area_code
    ),

    labelled as (
        select
            v.*,
            a.area_type as registered_type,
            case
                when v.area_code similar to '(E38|E54)\d+'
                then coalesce(t.area_type, a.area_type)
                else coalesce(a.area_type, t.area_type, u.area_type)
            end as published_type,
            t.boundary_vintage
        from {{ ref("int_indicator_values__unioned") }} as v
        left join {{ ref("areas") }} as a on v.area_code = a.area_code
        left join {{ ref("area_types") }} as t on v.area_type_published = t.area_type_label
        left join unlabelled as u on v.area_code = u.area_code
    )

select
    v.* exclude (registered_type, published_type) replace (coalesce(r.current_code, v.area_code) as area_code),
    {{ value_status("v.value", "v.value_marker_meaning", "n.note_status_code", "n.note_has_value") }}
    as value_status_code,
    coalesce(n.value_basis_code, 'own_area') as value_basis_code,
    coalesce(a.area_type, v.published_type, 'unknown') as area_type
from labelled as v
left join
    {{ ref("int_area_codes__recoded") }} as r on v.area_code = r.area_code and v.published_type = v.registered_type
left join {{ ref("areas") }} as a on r.current_code = a.area_code
left join {{ ref("int_value_notes__read") }} as n on v.value_note = n.value_note
