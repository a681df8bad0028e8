-- What every area is made of, at any depth: upper-tier authorities, districts, neighbourhoods and wards of a system.
-- One row per area and part; only what is valid on the as-at day. A part of a part is a part.
with recursive
    edges as (
        select upper_tier_code as area_code, area_code as part_code
        from {{ ref("areas") }}
        where upper_tier_code is not null and valid_to is null
        union
        select icb_code, area_code
        from {{ ref("areas") }}
        where
            icb_code is not null
            and valid_to is null
            and area_type in ('county', 'unitary_authority', 'metropolitan_district', 'london_borough', 'district')
        union
        select combined_authority_code, area_code
        from {{ ref("areas") }}
        where
            combined_authority_code is not null
            and valid_to is null
            and area_type in ('county', 'unitary_authority', 'metropolitan_district', 'london_borough')
        union
        select footprint_code, constituent_code
        from {{ ref("area_footprints") }}
        where (valid_from is null or valid_from <= {{ as_at() }}) and (valid_to is null or valid_to > {{ as_at() }})
    ),

    nested as (
        select area_code, part_code
        from edges
        where area_code <> part_code
        union
        select n.area_code, e.part_code
        from nested as n
        inner join edges as e on n.part_code = e.area_code
        where e.part_code <> n.area_code
    )

select area_code, part_code
from nested
