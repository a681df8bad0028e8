select
    {{ surrogate_key(["c.commitment_id", "c.valid_from"]) }} as commitment_key,
    {{ surrogate_key(["m.indicator_id"]) }} as indicator_key,
    {{ surrogate_key(["m.sex", "m.age", "coalesce(m.category_type, 'Total')", "coalesce(m.category, 'Total')"]) }}
    as population_group_key,
    m.confidence,
    m.reason
from {{ ref("commitment_indicators") }} as m
inner join {{ ref("commitments") }} as c on m.commitment_id = c.commitment_id
order by all
