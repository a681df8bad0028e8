-- Keys are looked up in the dimensions: hashing five natural keys of every row would take longer than sorting it. A
-- row without its dimension fails the contract.
with
    -- The newest period of each indicator, area, group and period length. A series of years and one of months both have
    -- a newest value.
    newest as (
        select max(struct_pack(period_end := period_end, value_key := value_key)).value_key as value_key
        from {{ ref("int_indicator_values__compared") }}
        where is_footprint_value = 0
        group by indicator_id, area_code, area_type, sex, age, category_type, category, period_months
    ),

    releases as (
        select source_release, {{ date_key(released_on("source_release")) }} as published_date_key
        from (select distinct source_release from {{ ref("int_indicator_values__compared") }})
    )

select
    v.value_key as indicator_value_key,
    i.indicator_key,
    a.area_key,
    p.period_key,
    g.population_group_key,
    s.source_key,
    v.indicator_id,
    v.area_code,
    v.area_code_published,
    v.area_type_published,
    v.boundary_vintage,
    v.series_number,
    v.value,
    v.lower_ci_95,
    v.upper_ci_95,
    v.lower_ci_99_8,
    v.upper_ci_99_8,
    v.count,
    v.denominator,
    v.is_count_numerator,
    v.value_status_code,
    v.value_basis_code,
    v.value_note,
    v.value_computed,
    v.lower_ci_95_computed,
    v.upper_ci_95_computed,
    v.lower_ci_99_8_computed,
    v.upper_ci_99_8_computed,
    v.limits_method as ci_method_computed,
    v.not_computed_reason,
    v.england_value,
    v.region_value,
    v.parent_code,
    v.parent_value,
    v.recent_trend_published,
    t.recent_trend_computed,
    t.no_trend_reason,
    t.recent_trend_points,
    t.recent_trend_periods,
    t.recent_trend_chi_squared,
    t.recent_trend_basis,
    v.compared_to_england_published,
    v.compared_to_england_computed,
    v.not_compared_to_england_reason,
    v.comparison_limits,
    v.compared_to_region_computed,
    v.compared_to_parent_published,
    v.compared_to_parent_computed,
    v.goal_id,
    v.compared_to_goal_published,
    v.compared_to_goal_computed,
    cast(coalesce(l.is_stale, 0) as smallint) as is_stale,
    v.source_release,
    v.source_file,
    v.source_file_sha256,
    v.source_row_number,
    v.source_column,
    v.value_as_published,
    v.value_supplied,
    v.correction_id,
    p.period_start_date_key,
    p.period_end_date_key,
    r.published_date_key,
    cast(n.value_key is not null as smallint) as is_latest,
    cast(v.value_status_code = 'suppressed' as smallint) as is_suppressed
from {{ ref("int_indicator_values__compared") }} as v
left join {{ ref("int_recent_trends__computed") }} as t on v.value_key = t.value_key
left join {{ source("check_log", "loads") }} as l on v.source_id = l.source_id
left join {{ ref("dim_indicator") }} as i on v.indicator_id = i.indicator_id
left join {{ ref("dim_area") }} as a on v.area_code = a.area_code and v.area_type = a.area_type
left join
    {{ ref("dim_period") }} as p
    on v.period_type = p.period_type
    and v.period_start = p.period_start
    and v.period_end = p.period_end
left join
    {{ ref("dim_population_group") }} as g
    on v.sex = g.sex
    and v.age = g.age
    and v.category_type = g.category_type
    and v.category = g.category
left join {{ ref("dim_source") }} as s on v.source_id = s.source_id
left join releases as r on v.source_release = r.source_release
left join newest as n on v.value_key = n.value_key
where v.is_footprint_value = 0
order by v.indicator_id, v.area_code, v.area_type, v.period_end, indicator_value_key
