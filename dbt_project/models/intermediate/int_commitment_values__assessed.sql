-- Level, change and pace of every commitment, place, group and period that has data. The methods live in
-- macros/methods.
--
-- A moving comparator has no path of its own: its pace is that of the gap to the comparator, whose target is zero.
-- A direction-only commitment compares points, since the sentence asks for movement; `change_code` says whether the
-- movement is more than chance.
{% set scope = "commitment_id, area_code, indicator_id, sex, age, category_type, category" %}
with
    stepped as (
        select
            *,
            lag(value ignore nulls) over (partition by {{ scope }} order by period_end) as previous_value,
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
            case
                when target_family = 'comparator' then 0.0 when target_family = 'level' then target_value_used
            end as pace_target,
            coalesce(
                bool_and(
                    period_end <= baseline_end or value is null or coalesce(sign * (value - previous_value) > 0, false)
                ) over (partition by {{ scope }} order by period_end rows between unbounded preceding and current row),
                false
            ) as every_step_right
        from stepped
    ),

    reasoned as (
        select
            *,
            case
                when target_type in ('meet_external_annual_target', 'reduction_vs_counterfactual')
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
                when baseline_end is null or period_end = baseline_end
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
                            "case when target_family = 'level' then target_value_used end",
                            "sign",
                        )
                    }}
            end as change_code,
            case
                when value is null or baseline_end is null or period_end = baseline_end
                then null
                when
                    lower_ci_95 is not null
                    and upper_ci_95 is not null
                    and baseline_lower_ci_95 is not null
                    and baseline_upper_ci_95 is not null
                then 'one_sided_normal_test'
                else 'ten_percent_rule'
            end as change_method,
            cast(
                baseline_end is not null and period_end > baseline_end and period_start <= baseline_end as smallint
            ) as is_overlapping_baseline,
            {{
                pace_ratio(
                    "pace_value", "period_end", "pace_baseline", "baseline_end", "pace_target", "due_date", "sign"
                )
            }} as pace_ratio,
            case
                when target_family = 'level'
                then
                    {{
                        trajectory_value(
                            "baseline_value_used", "baseline_end", "target_value_used", "due_date", "period_end"
                        )
                    }}
            end as trajectory_value
        from reasoned
    )

select
    *,
    {{ pace_band("pace_ratio") }} as pace_band,
    -- Slipping: the point has moved away from the target since the baseline, and no test says that chance explains
    -- it. A cap
    -- permits the rise that it names.
    cast(
        coalesce(
            target_family <> 'cap'
            and sign * (value - baseline_value_used) < 0
            and (change_method = 'ten_percent_rule' or change_code = 'getting_worse'),
            false
        ) as smallint
    ) as is_slipping,
    cast(period_end = coalesce(answering_end, latest_end, last_end) as smallint) as is_scorecard_period
from levelled
