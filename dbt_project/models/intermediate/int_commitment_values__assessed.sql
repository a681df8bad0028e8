-- Level, change and pace of every commitment, place, group and period that has data. The methods live in
-- macros/methods.
--
-- A moving comparator has no path of its own: its pace is that of the gap to the comparator, whose target is zero.
-- A direction-only commitment compares points, since the sentence asks for movement; `change_code` says whether the
-- movement is more than chance. A pooled period that shares years with its baseline is no second, independent point: no
-- change and no pace is said of it. A target that another body sets for each year, or that follows a scenario, is
-- judged in each year and has no straight path either.
-- The verdicts of other published rules stand beside ours (macros of PROGRESS VERDICTS and PROCESS CONTROL).
{% set scope = "commitment_id, area_code, indicator_id, sex, age, category_type, category" %}
with
    stepped as (
        select
            *,
            lag(value ignore nulls) over (partition by {{ scope }} order by period_end) as previous_value,
            -- The limits of the same earlier point: those of a missing value do not count.
            -- A mark stands for limits that are absent until the point is found; not a number compares as above all.
            nullif(
                lag(case when value is not null then coalesce(lower_ci_95, 'nan'::double) end ignore nulls) over (
                    partition by {{ scope }} order by period_end
                ),
                'nan'::double
            ) as previous_lower_ci_95,
            nullif(
                lag(case when value is not null then coalesce(upper_ci_95, 'nan'::double) end ignore nulls) over (
                    partition by {{ scope }} order by period_end
                ),
                'nan'::double
            ) as previous_upper_ci_95,
            max(period_end) filter (where value is not null) over (partition by {{ scope }}) as latest_end,
            max(period_end) over (partition by {{ scope }}) as last_end,
            min(period_end) filter (where value is not null and deadline_state = 'answered') over (
                partition by {{ scope }}
            ) as answering_end
        from {{ ref("int_commitment_values__matched") }}
    ),

    sided as (
        select
            *,
            {{
                side_of_comparator(
                    "value",
                    "lower_ci_95",
                    "upper_ci_95",
                    "comparator_value",
                    "sign",
                    "compared_to_england_published",
                    "polarity",
                )
            }} as comparator_side,
            case when target_family = 'comparator' then value - comparator_value else value end as pace_value,
            case
                when target_family = 'comparator'
                then baseline_value_used - baseline_comparator_value
                else baseline_value_used
            end as pace_baseline,
            target_family = 'level'
            and target_type not in ('meet_external_annual_target', 'reduction_vs_counterfactual') as has_straight_path,
            case
                when target_family = 'comparator'
                then 0.0
                when
                    target_family = 'level'
                    and target_type not in ('meet_external_annual_target', 'reduction_vs_counterfactual')
                then target_value_used
            end as pace_target,
            baseline_end is not null
            and period_end > baseline_end
            and period_start <= baseline_end as is_overlapping_baseline,
            case
                when process_points >= {{ var("assurance_minimum_points") }}
                then
                    {{
                        assurance(
                            "case when sign > 0 then 'increase' when sign < 0 then 'decrease' end",
                            process_limit("process_values", "lower"),
                            process_limit("process_values", "upper"),
                            "target_value_used",
                        )
                    }}
            end as assurance_code,
            coalesce(
                bool_and(
                    period_end <= baseline_end
                    or value is null
                    or coalesce(
                        case
                            sequence_rule
                            when 'tested'
                            then
                                {{
                                    change_z_score(
                                        "value",
                                        "lower_ci_95",
                                        "upper_ci_95",
                                        "previous_value",
                                        "previous_lower_ci_95",
                                        "previous_upper_ci_95",
                                        "sign",
                                    )
                                }} > {{ var("change_z") }}
                            else sign * (value - previous_value) > 0
                        end,
                        false
                    )
                ) over (partition by {{ scope }} order by period_end rows between unbounded preceding and current row),
                false
            ) as every_step_right
        from stepped
    ),

    reasoned as (
        select
            *,
            case
                when
                    target_type in ('meet_external_annual_target', 'reduction_vs_counterfactual')
                    and target_value_used is null
                then 'no_target_value'
                when target_type = 'absolute_level' and target_value is null
                then 'no_target_value'
                when target_type = 'none'
                then null
                when value is null and value_status_code = 'suppressed'
                then 'suppressed'
                when value is null
                then 'value_missing'
                when
                    target_family in ('direction', 'sequence', 'cap')
                    or target_type in ('percent_change_from_baseline', 'absolute_change_from_baseline')
                then
                    case
                        when baseline_end is null
                        then coalesce(baseline_refused_reason, 'no_baseline')
                        when period_end = baseline_end
                        then 'one_point_only'
                    end
                when
                    target_type like 'statistically%'
                    or (target_type = 'match_comparator' and comparator_rule = 'not_significantly_worse')
                then case when comparator_side is null then 'no_limits' end
                when target_type = 'match_comparator' and comparator_value is null
                then 'no_comparator_value'
                when level_rule = 'confident' and (lower_ci_95 is null or upper_ci_95 is null)
                then 'no_limits'
            end as not_assessable_reason
        from sided
    ),

    levelled as (
        select
            *,
            case
                when not_assessable_reason is not null or target_type = 'none'
                then null
                when target_type = 'statistically_better_than_comparator'
                then
                    case
                        comparator_side
                        when 'better'
                        then 'met_confident'
                        when 'similar'
                        then 'not_met'
                        else 'not_met_confident'
                    end
                when
                    target_type = 'statistically_similar_or_better_than_comparator'
                    or (target_type = 'match_comparator' and comparator_rule = 'not_significantly_worse')
                then
                    case
                        comparator_side
                        when 'better'
                        then 'met_confident'
                        when 'similar'
                        then 'met'
                        else 'not_met_confident'
                    end
                when target_type = 'sustained_annual_reduction'
                then
                    case
                        when every_step_right and sign * (value - baseline_value_used) > 0 then 'met' else 'not_met'
                    end
                when target_family = 'direction'
                then case when sign * (value - baseline_value_used) > 0 then 'met' else 'not_met' end
                when target_type = 'match_comparator'
                then case when {{ meets("value", "operator_used", "target_value_used") }} then 'met' else 'not_met' end
                else
                    {{
                        level_against_target(
                            "value", "lower_ci_95", "upper_ci_95", "target_value_used", "operator_used"
                        )
                    }}
            end as level_code,
            case
                when not_assessable_reason is null and target_type <> 'none'
                then cast({{ meets("value", "operator_used", "target_value_used") }} as smallint)
            end as point_meets_target,
            case
                when value is null
                then null
                when baseline_end is null or period_end = baseline_end or is_overlapping_baseline
                then 'baseline_only'
                else
                    {{
                        change_since_baseline(
                            "value",
                            "lower_ci_95",
                            "upper_ci_95",
                            "baseline_value_used",
                            "baseline_lower_ci_95",
                            "baseline_upper_ci_95",
                            "case when has_straight_path then target_value_used end",
                            "sign",
                        )
                    }}
            end as change_code,
            case
                when value is null or baseline_end is null or period_end = baseline_end
                then null
                when is_overlapping_baseline
                then 'overlaps_baseline'
                when
                    {{
                        change_z_score(
                            "value",
                            "lower_ci_95",
                            "upper_ci_95",
                            "baseline_value_used",
                            "baseline_lower_ci_95",
                            "baseline_upper_ci_95",
                            "sign",
                        )
                    }} is not null
                then 'one_sided_normal_test'
                else 'ten_percent_rule'
            end as change_method,
            case
                when not is_overlapping_baseline
                then
                    {{
                        pace_ratio(
                            "pace_value",
                            "period_end",
                            "pace_baseline",
                            "baseline_end",
                            "pace_target",
                            "due_date",
                            "sign",
                        )
                    }}
            end as pace_ratio,
            case
                when has_straight_path
                then
                    {{
                        trajectory_value(
                            "baseline_value_used", "baseline_end", "target_value_used", "due_date", "period_end"
                        )
                    }}
                when target_family = 'level'
                then target_value_used
            end as trajectory_value
        from reasoned
    )

select
    * replace (
        cast(is_overlapping_baseline as smallint) as is_overlapping_baseline,
        -- Nought without its sign: what stands still is not shown as -0.00.
        case when pace_ratio = 0 then 0.0 else pace_ratio end as pace_ratio
    ),
    {{ pace_band("pace_ratio") }} as pace_band,
    -- Slipping: the point has moved away from the target since the baseline, and no test says that chance explains
    -- it. A cap permits the rise that it names, and a scenario of growth the rise below it.
    cast(
        coalesce(
            target_family <> 'cap'
            and target_type <> 'reduction_vs_counterfactual'
            and sign * (value - baseline_value_used) < 0
            and (change_method = 'ten_percent_rule' or change_code = 'getting_worse'),
            false
        ) as smallint
    ) as is_slipping,
    cast(level_rule is not distinct from 'confident' as smallint) as needs_confidence,
    -- Not said where a comparator is known by its printed verdict only.
    case
        when not_assessable_reason is null and (target_family <> 'comparator' or target_value_used is not null)
        then
            {{
                healthy_people_category(
                    "point_meets_target",
                    "case when target_family <> 'direction' then target_value_used end",
                    "change_code",
                )
            }}
    end as healthy_people_category,
    case
        when not_assessable_reason is null and target_family <> 'direction'
        then {{ linear_pace_verdict("pace_ratio", "point_meets_target", "deadline_state = 'answered'") }}
    end as linear_pace_verdict,
    case
        when not_assessable_reason is null and target_family <> 'direction'
        then {{ fingertips_goal_by_value("value", "target_value_used", "sign") }}
    end as fingertips_goal_by_value,
    case
        when not_assessable_reason is null and target_family <> 'direction'
        then {{ fingertips_goal_by_limits("lower_ci_95", "upper_ci_95", "target_value_used", "sign") }}
    end as fingertips_goal_by_limits,
    cast(period_end = coalesce(answering_end, latest_end, last_end) as smallint) as is_scorecard_period
from levelled
