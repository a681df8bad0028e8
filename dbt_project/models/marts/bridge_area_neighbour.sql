select
    {{ surrogate_key(["n.set_id"]) }} as neighbour_set_key,
    cast(n.set_id as varchar) as neighbour_set_id,
    cast(n.set_title as varchar) as neighbour_set,
    cast(n.set_as_of as varchar) as neighbour_set_as_of,
    case
        when area.area_code is null then -1 else {{ surrogate_key(["area.area_code", "area.area_type"]) }}
    end as area_key,
    case
        when neighbour.area_code is null
        then -1
        else {{ surrogate_key(["neighbour.area_code", "neighbour.area_type"]) }}
    end as neighbour_area_key,
    cast(n.area_code as varchar) as area_code,
    cast(n.neighbour_code as varchar) as neighbour_code,
    cast(n.source_file as varchar) as source_file,
    cast(n.source_file_sha256 as varchar) as source_file_sha256,
    cast(n.source_row_number as bigint) as source_row_number
from {{ ref("int_neighbour_members__deduplicated") }} as n
left join {{ ref("areas") }} as area on n.area_code = area.area_code
left join {{ ref("areas") }} as neighbour on n.neighbour_code = neighbour.area_code
where n.duplicate_reason is null
order by all
