select
    coalesce({{ surrogate_key(["footprint.area_code", "footprint.area_type"]) }}, -1) as footprint_area_key,
    {{ surrogate_key(["constituent.area_code", "constituent.area_type"]) }} as area_key,
    f.footprint_code,
    f.footprint_name,
    f.footprint_type,
    f.constituent_code,
    f.constituent_name,
    f.valid_from,
    f.valid_to,
    f.source as footprint_source
from {{ ref("area_footprints") }} as f
inner join {{ ref("areas") }} as footprint on f.footprint_code = footprint.area_code
inner join {{ ref("areas") }} as constituent on f.constituent_code = constituent.area_code
order by all
