-- Every row of the scorecard that is measured by a value, in all the groups for which the indicator is published in the
-- same place and period: sex, age, deprivation, any other; one row per scorecard row and group. A target that was
-- signed
-- for the whole population is held against each group for orientation only: no status is given to a group.
select
    s.commitment_id,
    s.area_code,
    s.area_name,
    s.place_role,
    s.period_label,
    g.population_group,
    g.sex,
    g.age,
    g.category_type,
    g.category,
    cast(v.population_group_key = s.population_group_key as smallint) as is_group_scored,
    v.value,
    v.lower_ci_95,
    v.upper_ci_95,
    s.unit,
    s.target_operator,
    s.target_value,
    v.value - s.target_value as gap_to_target,
    v.value - s.actual_value as difference_from_scored,
    case
        s.target_operator
        when '>='
        then cast(v.value >= s.target_value as smallint)
        when '>'
        then cast(v.value > s.target_value as smallint)
        when '<='
        then cast(v.value <= s.target_value as smallint)
        when '<'
        then cast(v.value < s.target_value as smallint)
    end as is_target_met_by_point,
    v.value_status_code,
    v.indicator_value_key,
    s.commitment_key,
    s.area_key,
    s.indicator_key,
    v.population_group_key,
    s.period_key,
    {{ shown("v.value", "s.unit", "s.decimal_places", "w.shorthand") }} as value_formatted,
    s.target_formatted,
    s.unit_suffix,
    s.decimal_places,
    s.polarity_label,
    v.is_suppressed
from {{ ref("v_scorecard") }} as s
inner join
    {{ ref("fct_indicator_value") }} as v
    on s.indicator_key = v.indicator_key
    and s.area_key = v.area_key
    and s.period_key = v.period_key
inner join {{ ref("dim_population_group") }} as g on v.population_group_key = g.population_group_key
left join {{ ref("dim_value_status") }} as w on v.value_status_code = w.value_status_code
where s.measured_as = 'value' and s.actual_value_key is not null
