-- The periods that are still to come, up to the one that answers the deadline, with the target and the straight path
-- to it. One row per commitment, place, group and period for which a target is known today: a moving comparator has
-- none yet, and a target that another body sets has one only where its table holds the year.
with
    latest as (
        select e.*, x.answering_period_end, x.step_months
        from {{ ref("int_commitment_values__judged") }} as e
        inner join
            {{ ref("int_commitment_answers__expected") }} as x
            on {{ same_scope("e", "x") }}
            and e.period_end = x.latest_end
        where not x.is_answered and e.target_family <> 'comparator'
    ),

    stepped as (
        select
            * replace (
                last_day(
                    cast(period_end + to_months(cast(step_number * step_months as integer)) as date)
                ) as period_end,
                cast(period_start + to_months(cast(step_number * step_months as integer)) as date) as period_start
            )
        from
            (
                select
                    *,
                    unnest(
                        range(
                            1, cast(date_diff('month', period_end, answering_period_end) / step_months as integer) + 1
                        )
                    ) as step_number
                from latest
            )
    ),

    labelled as (
        select * replace ({{ label_of_period("period_type", "period_start", "period_end") }} as period_label)
        from stepped
    ),

    targeted as (
        select
            p.* replace (
                case
                    when p.target_type in ('meet_external_annual_target', 'reduction_vs_counterfactual')
                    then y.yearly_target
                    else p.target_value_used
                end as target_value_used
            )
        from labelled as p
        left join
            {{ ref("int_targets__yearly") }} as y
            on p.commitment_id = y.commitment_id
            and p.area_code = y.area_code
            and p.period_label = y.period_label
    )

select
    commitment_id,
    valid_from,
    area_code,
    area_type,
    indicator_id,
    sex,
    age,
    category_type,
    category,
    period_type,
    period_start,
    period_end,
    period_label,
    period_months,
    operator_used,
    target_value_used,
    case
        when has_straight_path
        then
            {{ trajectory_value("baseline_value_used", "baseline_end", "target_value_used", "due_date", "period_end") }}
        when target_family = 'level'
        then target_value_used
    end as trajectory_value,
    due_date
from targeted
where target_value_used is not null
