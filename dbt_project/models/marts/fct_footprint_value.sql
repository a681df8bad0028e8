-- Values of systems, regions, counties and neighbourhoods as added up here; where nothing may be added up, the reason.
select
    f.value_key as footprint_value_key,
    {{ surrogate_key(["f.indicator_id"]) }} as indicator_key,
    {{ surrogate_key(["f.area_code", "f.area_type"]) }} as area_key,
    {{ surrogate_key(["f.period_type", "f.period_start", "f.period_end"]) }} as period_key,
    {{ surrogate_key(["f.sex", "f.age", "f.category_type", "f.category"]) }} as population_group_key,
    f.indicator_id,
    f.area_code,
    f.footprint_type,
    f.value,
    f.lower_ci_95_computed as lower_ci_95,
    f.upper_ci_95_computed as upper_ci_95,
    f.lower_ci_99_8_computed as lower_ci_99_8,
    f.upper_ci_99_8_computed as upper_ci_99_8,
    f.limits_method as ci_method,
    f.count,
    f.denominator,
    f.constituents,
    f.constituents_with_value,
    f.constituents_with_value / f.constituents as coverage,
    f.footprint_reason,
    f.published_value,
    case when f.value is not null then f.value - f.published_value end as difference_from_published,
    c.england_value,
    c.compared_to_england_computed,
    t.recent_trend_computed,
    t.no_trend_reason,
    cast(f.has_published_series as smallint) as has_published_series,
    f.published_value_key
from {{ ref("int_footprint_values__aggregated") }} as f
left join {{ ref("int_indicator_values__compared") }} as c on f.value_key = c.value_key and c.is_footprint_value = 1
left join {{ ref("int_recent_trends__computed") }} as t on c.value_key = t.value_key
order by f.indicator_id, f.area_code, f.period_end, footprint_value_key
