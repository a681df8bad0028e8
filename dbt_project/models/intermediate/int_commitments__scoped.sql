-- One row per current commitment, place and measured group; a commitment without an indicator has one row per place.
--
-- place_role: `signed` is a place that the register names; `part` is one of its parts (an authority of a system, a
-- district, a neighbourhood, a ward), at which a measured commitment is shown too, where there are figures for it.
-- sign: +1 when the commitment wants more of the measure, -1 when it wants less (polarity belongs to the commitment).
-- target_family: how the overall status rules treat the type.
-- dimension: a mapping that names a breakdown without a group means the gap across the groups of that breakdown.
with
    places as (
        select commitment_id, area_code, 'signed' as place_role
        from {{ ref("commitment_places") }}
        union all
        select p.commitment_id, n.part_code, 'part'
        from {{ ref("commitment_places") }} as p
        inner join {{ ref("int_area_parts__nested") }} as n on p.area_code = n.area_code
        where p.commitment_id in (select commitment_id from {{ ref("commitment_indicators") }})
        group by all
    ),

    -- A place that the register names is signed, even where it lies within another one that is named too.
    named_places as (
        select commitment_id, area_code, max(place_role) as place_role from places group by commitment_id, area_code
    )

select
    c.*,
    p.area_code,
    p.place_role,
    a.area_type,
    m.indicator_id,
    m.versus_indicator_id,
    m.sex,
    m.age,
    case
        when m.indicator_id is null
        then null
        when m.category is null
        then 'Total'
        else coalesce(m.category_type, 'Total')
    end as category_type,
    case when m.indicator_id is not null then coalesce(m.category, 'Total') end as category,
    case when m.category is null then m.category_type end as dimension,
    m.confidence as indicator_confidence,
    i.name as indicator_name,
    i.source_id,
    case
        when c.gap_measure in ('relative_gap', 'relative_index')
        then 'times'
        when
            (m.versus_indicator_id is not null or (m.category is null and m.category_type is not null)) and i.unit = '%'
        then 'percentage points'
        else i.unit
    end as unit,
    i.multiplier,
    case
        when m.versus_indicator_id is not null or (m.category is null and m.category_type is not null)
        then 'gap'
        else i.value_type
    end as value_type,
    i.polarity,
    i.decimals,
    f.period_start as framework_start,
    case
        when c.desired_direction = 'increase'
        then 1
        when c.desired_direction in ('decrease', 'cap')
        then -1
        when c.operator in ('>=', '>')
        then 1
        when c.operator in ('<=', '<')
        then -1
    end as sign,
    case
        when c.target_type = 'completion_by_date' or (c.recurrence is not null and m.indicator_id is null)
        then 'milestone'
        when c.target_type in ('direction_only_from_baseline', 'gap_reduction')
        then 'direction'
        when c.target_type = 'sustained_annual_reduction'
        then 'sequence'
        when c.target_type = 'max_rise_from_baseline'
        then 'cap'
        when c.target_type like '%comparator'
        then 'comparator'
        when c.target_type = 'none'
        then 'none'
        else 'level'
    end as target_family
from {{ ref("commitments") }} as c
inner join {{ ref("frameworks") }} as f on c.framework_id = f.framework_id
inner join named_places as p on c.commitment_id = p.commitment_id
left join {{ ref("areas") }} as a on p.area_code = a.area_code
left join {{ ref("commitment_indicators") }} as m on c.commitment_id = m.commitment_id
left join {{ source("registry", "indicators") }} as i on m.indicator_id = i.id
where c.valid_from <= {{ as_at() }} and (c.valid_to is null or c.valid_to > {{ as_at() }})
