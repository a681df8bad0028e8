-- One overall status per assessed row: the first rule of the seed `status_rules` that fits; a blank cell of a rule
-- fits anything.
with
    candidates as (
        select
            a.commitment_id,
            a.area_code,
            a.indicator_id,
            a.sex,
            a.age,
            a.category_type,
            a.category,
            a.period_end,
            arg_min(r.status_code, r.rule_order) as status_code,
            min(r.rule_order) as status_rule_order,
            arg_min(r.why, r.rule_order) as status_rule_why
        from {{ ref("int_commitment_values__assessed") }} as a
        inner join
            {{ ref("status_rules") }} as r
            on (r.target_family is null or r.target_family = a.target_family)
            and (r.deadline_state is null or r.deadline_state = a.deadline_state)
            and (r.level_code is null or r.level_code = a.level_code)
            and (r.point_meets_target is null or r.point_meets_target = a.point_meets_target)
            and (r.is_slipping is null or r.is_slipping = a.is_slipping)
            and (r.needs_confidence is null or r.needs_confidence = a.needs_confidence)
            and (r.change_code is null or r.change_code = a.change_code)
            and (r.pace_band is null or r.pace_band = a.pace_band)
        where a.not_assessable_reason is null and a.target_type <> 'none'
        group by all
    )

select
    a.*,
    case
        when a.target_type = 'none'
        then 'no_target'
        when a.not_assessable_reason is not null
        then 'not_assessable'
        else c.status_code
    end as status_code,
    c.status_rule_order,
    c.status_rule_why
from {{ ref("int_commitment_values__assessed") }} as a
left join
    candidates as c
    on a.commitment_id = c.commitment_id
    and a.area_code = c.area_code
    and a.indicator_id = c.indicator_id
    and a.sex = c.sex
    and a.age = c.age
    and a.category_type = c.category_type
    and a.category = c.category
    and a.period_end = c.period_end
