-- The target of each period, and the straight path to it: the periods with figures, and those still to come up to the
-- one that answers the deadline. A moving comparator has a target in every period with figures and no path.
with
    targets as (
        select
            target_vs_actual_key,
            commitment_key,
            area_key,
            population_group_key,
            period_key,
            indicator_key,
            target_operator,
            target_value,
            trajectory_value,
            due_date,
            cast(0 as smallint) as is_planned
        from {{ ref("fct_target_vs_actual") }}
        where target_value is not null and period_key <> -2
        union all by name
        select
            null::bigint as target_vs_actual_key,
            {{ surrogate_key(["p.commitment_id", "p.valid_from"]) }} as commitment_key,
            {{ surrogate_key(["p.area_code", "p.area_type"]) }} as area_key,
            {{ surrogate_key(["p.sex", "p.age", "p.category_type", "p.category"]) }} as population_group_key,
            {{ surrogate_key(["p.period_type", "p.period_start", "p.period_end"]) }} as period_key,
            {{ surrogate_key(["p.indicator_id"]) }} as indicator_key,
            p.operator_used as target_operator,
            p.target_value_used as target_value,
            p.trajectory_value,
            p.due_date,
            cast(1 as smallint) as is_planned
        from {{ ref("int_targets__planned") }} as p
    )

select
    {{ surrogate_key(["commitment_key", "area_key", "population_group_key", "period_key", "indicator_key"]) }}
    as target_key,
    *,
    {{ date_key("due_date", "-2") }} as due_date_key
from targets
order by commitment_key, area_key, indicator_key, population_group_key, period_key
