-- Gaps between groups, and slopes across deprivation; one row per indicator, area, period, sex, age and dimension.
select
    {{
        surrogate_key(
            [
                "g.indicator_id",
                "g.area_code",
                "g.area_type",
                "g.period_type",
                "g.period_start",
                "g.period_end",
                "g.sex",
                "g.age",
                "g.dimension",
            ]
        )
    }} as inequality_key,
    {{ surrogate_key(["g.indicator_id"]) }} as indicator_key,
    {{ surrogate_key(["g.area_code", "g.area_type"]) }} as area_key,
    {{ surrogate_key(["g.period_type", "g.period_start", "g.period_end"]) }} as period_key,
    {{ surrogate_key(["g.sex", "g.age", "'Total'", "'Total'"]) }} as population_group_key,
    g.indicator_id,
    g.area_code,
    g.dimension,
    g.gap_direction,
    g.groups as group_count,
    g.group_a,
    g.group_b,
    g.value_a,
    g.value_b,
    g.absolute_gap,
    g.absolute_gap_lower_ci_95,
    g.absolute_gap_upper_ci_95,
    g.relative_gap,
    g.relative_gap_lower_ci_95,
    g.relative_gap_upper_ci_95,
    s.slope_index,
    s.slope_index_lower_ci_95,
    s.slope_index_upper_ci_95,
    s.relative_index,
    s.relative_index_lower_ci_95,
    s.relative_index_upper_ci_95,
    s.no_slope_reason,
    s.population_basis,
    g.value_a_key,
    g.value_b_key
from {{ ref("int_inequality_gaps__measured") }} as g
left join
    {{ ref("int_inequality_slopes__simulated") }} as s using (
        indicator_id, area_code, area_type, period_type, period_start, period_end, sex, age, dimension
    )
order by g.indicator_id, g.area_code, g.period_end, g.dimension, g.sex, g.age, inequality_key
