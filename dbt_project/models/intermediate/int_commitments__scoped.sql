-- One row per current commitment, place and measured group; a commitment without an indicator has one row per place.
-- sign: +1 when the commitment wants more of the measure, -1 when it wants less (polarity belongs to the commitment).
-- target_family: how the overall status rules treat the type.
select
    c.*,
    p.area_code,
    a.area_type,
    m.indicator_id,
    m.sex,
    m.age,
    case when m.indicator_id is not null then coalesce(m.category_type, 'Total') end as category_type,
    case when m.indicator_id is not null then coalesce(m.category, 'Total') end as category,
    m.confidence as indicator_confidence,
    i.name as indicator_name,
    i.unit,
    i.multiplier,
    i.value_type,
    i.polarity,
    i.decimals,
    f.period_start as framework_start,
    case c.desired_direction when 'increase' then 1 when 'decrease' then -1 when 'cap' then -1 end as sign,
    case
        when c.target_type in ('direction_only_from_baseline', 'gap_reduction')
        then 'direction'
        when c.target_type = 'sustained_annual_reduction'
        then 'sequence'
        when c.target_type = 'max_rise_from_baseline'
        then 'cap'
        when c.target_type like '%comparator'
        then 'comparator'
        when c.target_type = 'completion_by_date'
        then 'milestone'
        when c.target_type = 'none'
        then 'none'
        else 'level'
    end as target_family
from {{ ref("commitments") }} as c
inner join {{ ref("frameworks") }} as f on c.framework_id = f.framework_id
inner join {{ ref("commitment_places") }} as p on c.commitment_id = p.commitment_id
left join {{ ref("areas") }} as a on p.area_code = a.area_code
left join {{ ref("commitment_indicators") }} as m on c.commitment_id = m.commitment_id
left join {{ source("registry", "indicators") }} as i on m.indicator_id = i.id
where c.valid_from <= {{ as_at() }} and (c.valid_to is null or c.valid_to > {{ as_at() }})
