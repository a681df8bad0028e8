-- The target of each period, and the straight path to it. A moving comparator has a target in every period and no path.
select
    target_vs_actual_key as target_key,
    commitment_key,
    area_key,
    population_group_key,
    period_key,
    indicator_key,
    target_operator,
    target_value,
    trajectory_value,
    due_date
from {{ ref("fct_target_vs_actual") }}
where target_value is not null and period_key <> -2
order by all
