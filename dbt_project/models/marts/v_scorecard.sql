-- One row per current commitment and place: the period that answers the deadline, or the latest one. Where a
-- commitment is measured in several ways, the measure closest to what was promised speaks for it; among its groups
-- (men and women), the one with the worst status.
with
    ranked as (
        select
            t.*,
            s.status_label,
            s.status_symbol,
            s.status_colour,
            s.status_sort,
            row_number() over (
                partition by t.commitment_key, t.area_key
                order by
                    t.not_assessable_reason is not null,
                    case t.indicator_confidence when 'high' then 1 when 'medium' then 2 else 3 end,
                    s.status_sort,
                    t.indicator_key,
                    t.population_group_key
            ) as place_in_line,
            count(*) over (partition by t.commitment_key, t.area_key) as groups_scored
        from {{ ref("fct_target_vs_actual") }} as t
        inner join {{ ref("dim_status") }} as s on t.status_key = s.status_key
        where t.is_scorecard_period = 1
    )

select
    f.framework_id,
    f.framework,
    c.commitment_id,
    c.aim,
    c.priority,
    c.title,
    c.target_type,
    a.area_code,
    a.area_name,
    a.area_type,
    r.place_role,
    cast(r.place_role = 'signed' and c.same_as_commitment_id is null as smallint) as is_counted,
    r.status_code,
    r.status_label,
    r.status_symbol,
    r.status_colour,
    r.status_sort,
    r.not_assessable_reason,
    r.explanation,
    r.measured_as,
    i.indicator_id,
    i.indicator_name,
    g.population_group,
    r.indicator_confidence,
    cast(r.groups_scored as integer) as groups_scored,
    p.period_label,
    p.period_end,
    r.actual_value,
    r.actual_lower_ci_95,
    r.actual_upper_ci_95,
    r.target_operator,
    r.target_value,
    r.baseline_value,
    r.baseline_period_label,
    r.baseline_basis,
    r.comparator_value,
    r.gap_to_target,
    r.gap_in_people,
    r.level_code,
    r.change_code,
    r.pace_ratio,
    r.trajectory_value,
    r.required_annual_change,
    r.observed_annual_change,
    r.forecast_value,
    r.forecast_lower_80,
    r.forecast_upper_80,
    r.forecast_probability,
    r.no_forecast_reason,
    r.healthy_people_category,
    r.linear_pace_verdict,
    r.fingertips_goal_by_value,
    r.fingertips_goal_by_limits,
    r.assurance_code,
    r.deadline_state,
    r.is_stale,
    c.due_date,
    c.due_date_source,
    r.answer_expected_on,
    i.unit,
    c.owner,
    c.data_needed,
    c.parent_commitment_id,
    c.same_as_commitment_id,
    c.sibling_group,
    c.analyst_note,
    f.document_file,
    c.document_line,
    r.commitment_key,
    r.area_key,
    r.indicator_key,
    r.population_group_key,
    r.period_key,
    r.status_key,
    r.actual_value_key,
    r.baseline_value_key,
    r.actual_footprint_value_key,
    r.baseline_footprint_value_key
from ranked as r
inner join {{ ref("dim_commitment") }} as c on r.commitment_key = c.commitment_key
inner join {{ ref("dim_framework") }} as f on c.framework_key = f.framework_key
inner join {{ ref("dim_area") }} as a on r.area_key = a.area_key
inner join {{ ref("dim_indicator") }} as i on r.indicator_key = i.indicator_key
inner join {{ ref("dim_population_group") }} as g on r.population_group_key = g.population_group_key
inner join {{ ref("dim_period") }} as p on r.period_key = p.period_key
where r.place_in_line = 1 and c.is_current = 1
