-- The state of every dated action, from the newest progress record on or before the as-at day.
-- Without a record the state is `unknown`: silence is neither success nor failure.
with
    latest_record as (
        select
            commitment_id,
            max(recorded_on) as recorded_on,
            arg_max(state, recorded_on) as state,
            arg_max(evidence_document, recorded_on) as evidence_document,
            arg_max(evidence_line, recorded_on) as evidence_line,
            arg_max(note, recorded_on) as note
        from {{ ref("milestones") }}
        where recorded_on <= {{ as_at() }}
        group by commitment_id
    )

select
    c.commitment_id,
    c.valid_from,
    c.due_date,
    c.due_date_precision,
    r.recorded_on,
    r.state as recorded_state,
    r.evidence_document,
    r.evidence_line,
    r.note,
    case
        when c.is_permissive = 1
        then 'permissive'
        when r.state is null
        then 'unknown'
        when r.state in ('done', 'done_late')
        then case when r.state = 'done_late' or r.recorded_on > c.due_date then 'done_late' else 'done' end
        when c.due_date < {{ as_at() }}
        then 'overdue'
        else r.state
    end as state
from {{ ref("commitments") }} as c
left join latest_record as r on c.commitment_id = r.commitment_id
where
    c.target_type = 'completion_by_date'
    and c.valid_from <= {{ as_at() }}
    and (c.valid_to is null or c.valid_to > {{ as_at() }})
