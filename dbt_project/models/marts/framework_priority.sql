-- A priority without a commitment is a row like any other: it is what the document left open.
select
    {{ surrogate_key(["p.framework_id"]) }} as framework_key,
    p.framework_id,
    p.aim,
    p.priority,
    p.sequence,
    p.document_line,
    cast(count(c.commitment_id) as integer) as commitments,
    p.note
from {{ ref("priorities") }} as p
left join
    {{ ref("commitments") }} as c
    on p.framework_id = c.framework_id
    and p.aim = c.aim
    and p.priority = c.priority
    and c.valid_from <= {{ as_at() }}
    and (c.valid_to is null or c.valid_to > {{ as_at() }})
group by p.framework_id, p.aim, p.priority, p.sequence, p.document_line, p.note
order by p.framework_id, p.sequence
