-- A progress record of a current commitment that no row of the milestones shows would be lost in silence: an instance
-- that does not exist, or one outside the life of the output. The gate of the register names the line.
select p.commitment_id, p.instance, p.recorded_on
from {{ ref("milestone_progress") }} as p
inner join {{ ref("int_commitments__scoped") }} as c on p.commitment_id = c.commitment_id
anti join
    {{ ref("int_milestones__dated") }} as m
    on p.commitment_id = m.commitment_id
    and p.instance is not distinct from m.instance
where p.recorded_on <= {{ as_at() }}
group by all
