select
    {{ surrogate_key(["c.commitment_id", "c.valid_from"]) }} as commitment_key,
    c.commitment_id,
    h.choice,
    h.chosen,
    h.alternative,
    h.reason
from {{ ref("commitment_choices") }} as h
inner join {{ ref("commitments") }} as c on h.commitment_id = c.commitment_id
order by c.commitment_id, h.choice, c.valid_from
