-- One state for each dated action and each recurring output: the rows of the scorecard. A recurring output is judged by
-- the last instance that is over, the first one while none is; how many of those that are over are recorded as done
-- stands beside it.
with
    ranked as (
        select
            *,
            row_number() over (
                partition by commitment_id order by due_date < {{ as_at() }} desc, due_date desc
            ) as place_in_line,
            count(*) filter (where due_date < {{ as_at() }}) over (partition by commitment_id) as instances_due,
            count(*) filter (where due_date < {{ as_at() }} and state in ('done', 'done_late')) over (
                partition by commitment_id
            ) as instances_done
        from {{ ref("int_milestones__dated") }}
        where instance is not null
    )

select commitment_id, recurrence, instance, state, recorded_on, recorded_state, instances_due, instances_done
from ranked
where place_in_line = 1
union all by name
select
    commitment_id,
    recurrence,
    null as instance,
    state,
    recorded_on,
    recorded_state,
    null as instances_due,
    null as instances_done
from {{ ref("int_milestones__dated") }}
where instance is null
