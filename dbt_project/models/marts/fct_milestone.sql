select
    {{ surrogate_key(["m.commitment_id", "m.valid_from", "m.instance"]) }} as milestone_key,
    {{ surrogate_key(["m.commitment_id", "m.valid_from"]) }} as commitment_key,
    m.commitment_id,
    m.recurrence,
    m.instance,
    {{ surrogate_key(["m.state"]) }} as status_key,
    m.due_date,
    m.due_date_precision,
    m.state as milestone_state,
    m.recorded_on,
    m.completed_on,
    m.recorded_state,
    m.evidence_document,
    cast(m.evidence_line as integer) as evidence_line,
    m.note,
    {{ date_key("m.due_date", "-2") }} as due_date_key,
    {{ date_key("m.recorded_on", "-2") }} as recorded_date_key,
    {{ date_key("m.completed_on", "case when m.state in ('done', 'done_late') then -1 else -2 end") }}
    as completed_date_key
from {{ ref("int_milestones__dated") }} as m
order by m.commitment_id, m.due_date, milestone_key
