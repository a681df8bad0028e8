-- A mapping that names a breakdown without a group measures the gap across its groups, for the whole population.
select
    {{ surrogate_key(["c.commitment_id", "c.valid_from"]) }} as commitment_key,
    {{ surrogate_key(["m.indicator_id"]) }} as indicator_key,
    {{
        surrogate_key(
            [
                "m.sex",
                "m.age",
                "case when m.category is null then 'Total' else coalesce(m.category_type, 'Total') end",
                "coalesce(m.category, 'Total')",
            ]
        )
    }} as population_group_key,
    case
        when m.versus_indicator_id is not null then {{ surrogate_key(["m.versus_indicator_id"]) }}
    end as versus_indicator_key,
    case when m.category is null then m.category_type end as gap_category_type,
    m.confidence,
    m.reason
from {{ ref("commitment_indicators") }} as m
inner join {{ ref("commitments") }} as c on m.commitment_id = c.commitment_id
order by all
