-- One state for each dated action and each recurring output: the rows of the scorecard. A recurring output is judged by
-- the last instance that is over; how many are recorded as done stands beside it.
with
    counted as (
        select
            commitment_id,
            any_value(recurrence) as recurrence,
            arg_max(state, due_date) filter (where due_date < {{ as_at() }}) as last_due_state,
            arg_max(recorded_on, due_date) filter (where due_date < {{ as_at() }}) as last_due_recorded_on,
            arg_max(recorded_state, due_date) filter (where due_date < {{ as_at() }}) as last_due_recorded_state,
            arg_max(instance, due_date) filter (where due_date < {{ as_at() }}) as last_due_instance,
            count(*) filter (where due_date < {{ as_at() }}) as instances_due,
            count(*) filter (where state in ('done', 'done_late')) as instances_done
        from {{ ref("int_milestones__dated") }}
        where instance is not null
        group by commitment_id
    )

select
    commitment_id,
    recurrence,
    last_due_instance as instance,
    coalesce(last_due_state, 'unknown') as state,
    last_due_recorded_on as recorded_on,
    last_due_recorded_state as recorded_state,
    instances_due,
    instances_done
from counted
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
