select
    {{
        surrogate_key(
            [
                "e.commitment_id",
                "e.valid_from",
                "e.area_code",
                "e.indicator_id",
                "e.sex",
                "e.age",
                "e.category_type",
                "e.category",
                "e.period_start",
                "e.period_end",
            ]
        )
    }} as target_vs_actual_key,
    {{ surrogate_key(["e.commitment_id", "e.valid_from"]) }} as commitment_key,
    {{ surrogate_key(["a.area_code", "a.area_type"]) }} as area_key,
    case
        when e.indicator_id is null
        then -2
        else {{ surrogate_key(["e.sex", "e.age", "e.category_type", "e.category"]) }}
    end as population_group_key,
    case
        when e.period_end is null then -2 else {{ surrogate_key(["e.period_type", "e.period_start", "e.period_end"]) }}
    end as period_key,
    case when e.indicator_id is null then -2 else {{ surrogate_key(["e.indicator_id"]) }} end as indicator_key,
    {{ surrogate_key(["e.status_code"]) }} as status_key,
    e.commitment_id,
    e.area_code,
    e.place_role,
    e.status_code,
    e.not_assessable_reason,
    e.explanation,
    e.indicator_confidence,
    case
        when e.indicator_id is null
        then 'none'
        when e.versus_indicator_id is not null
        then 'gap_between_indicators'
        when e.dimension is not null
        then 'gap_across_groups'
        else 'value'
    end as measured_as,
    e.value as actual_value,
    e.lower_ci_95 as actual_lower_ci_95,
    e.upper_ci_95 as actual_upper_ci_95,
    case
        when e.lower_ci_95 is null or e.upper_ci_95 is null
        then null
        when e.value_type = 'gap'
        then 'computed'
        else e.limits_basis
    end as actual_limits_basis,
    e.value_status_code,
    case when e.is_footprint_value = 0 then e.value_key end as actual_value_key,
    case when e.is_footprint_value = 1 then e.value_key end as actual_footprint_value_key,
    e.inequality_key as actual_inequality_key,
    e.source_release as actual_source_release,
    e.baseline_value_used as baseline_value,
    e.baseline_label_used as baseline_period_label,
    e.baseline_basis,
    e.baseline_refused_reason,
    case when e.is_footprint_value = 0 then e.baseline_value_key end as baseline_value_key,
    case when e.is_footprint_value = 1 then e.baseline_value_key end as baseline_footprint_value_key,
    e.baseline_inequality_key,
    e.baseline_source_release,
    e.baseline_value as baseline_value_stated,
    e.comparator_value,
    e.comparator_value_key,
    e.baseline_comparator_value,
    e.target_value_used as target_value,
    e.operator_used as target_operator,
    e.trajectory_value,
    e.value - e.target_value_used as gap_to_target,
    -- Whole people still to move, rounded up (after the noise of the arithmetic is rounded away); withheld when the
    -- counts are small enough to identify somebody.
    case
        when
            e.value_type = 'proportion'
            and e.point_meets_target = 0
            and e.denominator is not null
            and coalesce(e.is_count_numerator, 1) = 1
            and coalesce(e.count, e.value / e.multiplier * e.denominator) >= {{ var("disclosure_minimum") }}
            and e.denominator - coalesce(e.count, e.value / e.multiplier * e.denominator)
            >= {{ var("disclosure_minimum") }}
        then cast(ceil(round(abs(e.value - e.target_value_used) / e.multiplier * e.denominator, 6)) as bigint)
    end as gap_in_people,
    case
        when
            e.has_straight_path
            and coalesce(e.is_overlapping_baseline, 0) = 0
            and e.sign * (e.target_value_used - e.baseline_value_used) > 0
        then (e.value - e.baseline_value_used) / (e.target_value_used - e.baseline_value_used)
    end as share_of_distance,
    case
        when e.has_straight_path and e.point_meets_target = 0 and e.due_date > e.period_end
        then (e.target_value_used - e.value) / nullif({{ years_between("e.period_end", "e.due_date") }}, 0)
    end as required_annual_change,
    case
        when e.period_end > e.baseline_end and coalesce(e.is_overlapping_baseline, 0) = 0
        then (e.value - e.baseline_value_used) / nullif({{ years_between("e.baseline_end", "e.period_end") }}, 0)
    end as observed_annual_change,
    e.level_code,
    cast(e.point_meets_target as smallint) as is_target_met_by_point,
    e.change_code,
    e.change_method,
    cast(coalesce(e.is_overlapping_baseline, 0) as smallint) as is_overlapping_baseline,
    e.pace_ratio,
    e.pace_band,
    cast(coalesce(e.is_slipping, 0) as smallint) as is_slipping,
    e.healthy_people_category,
    e.linear_pace_verdict,
    e.fingertips_goal_by_value,
    e.fingertips_goal_by_limits,
    e.assurance_code,
    e.forecast_value,
    e.forecast_lower_80,
    e.forecast_upper_80,
    e.forecast_probability,
    e.forecast_method,
    cast(e.forecast_points as integer) as forecast_points,
    e.no_forecast_reason,
    e.deadline_state,
    e.due_date,
    e.answering_period_end,
    e.answer_expected_on,
    e.status_rule_order,
    e.status_rule_why,
    cast(coalesce(l.is_stale, 0) as smallint) as is_stale,
    cast(coalesce(e.is_scorecard_period, 0) as smallint) as is_scorecard_period,
    {{ date_key("e.due_date", "-2") }} as due_date_key,
    {{ date_key("e.period_end", "-2") }} as period_end_date_key,
    cast(
        row_number() over (
            partition by
                e.commitment_id, e.valid_from, e.area_code, e.indicator_id, e.sex, e.age, e.category_type, e.category
            order by e.period_end desc nulls last, e.period_start desc nulls last
        )
        = 1 as smallint
    ) as is_latest,
    e.unit as measure_unit,
    cast(e.decimals as smallint) as decimal_places
from {{ ref("int_commitments__explained") }} as e
left join {{ ref("areas") }} as a on e.area_code = a.area_code
left join {{ source("registry", "indicators") }} as i on e.indicator_id = i.id
left join {{ source("check_log", "loads") }} as l on i.source_id = l.source_id and e.value_key is not null
order by e.commitment_id, e.area_code, e.period_end, target_vs_actual_key
