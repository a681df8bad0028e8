-- Every published value with its labels, for charts without joins.
select
    i.indicator_id,
    i.indicator_name,
    i.unit,
    i.polarity,
    a.area_code,
    a.area_name,
    a.area_type,
    p.period_label,
    p.period_start,
    p.period_end,
    p.period_months,
    g.population_group,
    g.sex,
    g.age,
    g.category_type,
    g.category,
    g.is_total,
    v.series_number,
    v.value,
    v.lower_ci_95,
    v.upper_ci_95,
    v.count,
    v.denominator,
    v.value_status_code,
    v.value_basis_code,
    v.value_note,
    v.england_value,
    v.compared_to_england_published,
    v.compared_to_england_computed,
    s.source_id,
    s.source_title,
    v.correction_id,
    v.is_stale,
    v.source_file,
    v.source_file_sha256,
    v.source_row_number,
    v.indicator_value_key
from {{ ref("fct_indicator_value") }} as v
inner join {{ ref("dim_indicator") }} as i on v.indicator_key = i.indicator_key
inner join {{ ref("dim_area") }} as a on v.area_key = a.area_key
inner join {{ ref("dim_period") }} as p on v.period_key = p.period_key
inner join {{ ref("dim_population_group") }} as g on v.population_group_key = g.population_group_key
inner join {{ ref("dim_source") }} as s on v.source_key = s.source_key
