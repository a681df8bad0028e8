select
    {{ surrogate_key(["a.area_code", "a.area_type"]) }} as area_key,
    a.area_code,
    a.area_name,
    a.area_type,
    a.area_type_label,
    a.region_code,
    region.area_name as region_name,
    a.icb_code,
    icb.area_name as icb_name,
    a.upper_tier_code,
    upper_tier.area_name as upper_tier_name,
    a.combined_authority_code,
    combined_authority.area_name as combined_authority_name,
    a.valid_from,
    a.valid_to,
    a.successor_code,
    a.successor_change,
    a.is_registered,
    cast(a.valid_to is null or a.valid_to >= {{ as_at() }} as smallint) as is_current
from {{ ref("int_areas__named") }} as a
left join {{ ref("areas") }} as region on a.region_code = region.area_code
left join {{ ref("areas") }} as icb on a.icb_code = icb.area_code
left join {{ ref("areas") }} as upper_tier on a.upper_tier_code = upper_tier.area_code
left join {{ ref("areas") }} as combined_authority on a.combined_authority_code = combined_authority.area_code
union all by name
select *
from
    (
        values
            (-1::bigint, 'unknown', 'Unknown', 'unknown', 0::smallint, 0::smallint),
            (-2::bigint, 'not_applicable', 'Not applicable', 'not_applicable', 0::smallint, 0::smallint)
    ) as special(area_key, area_code, area_name, area_type, is_registered, is_current)
order by area_key
