-- Every correction of a figure that is known to be wrong: what, why, on what evidence, and whether it is in force.
-- A correction whose guard no longer holds is not made: the publisher has changed the figure, so somebody must look.
with
    made as (
        select correction_id, count(*) as matched_rows, count(*) filter (where is_guard_met) as corrected_rows
        from {{ ref("int_corrections__matched") }}
        group by correction_id
    )

select
    {{ surrogate_key(["c.correction_id"]) }} as correction_key,
    c.correction_id,
    c.source_id,
    c.indicator_id,
    c.area_code,
    c.period_label,
    c.sex,
    c.age,
    c.category_type,
    c.category,
    c.action as correction_action,
    c.expected_value,
    c.corrected_value,
    c.reason,
    c.evidence,
    c.reported_on,
    c.reported_to,
    case
        when m.correction_id is null then 'not_in_data' when m.corrected_rows = 0 then 'guard_not_met' else 'applied'
    end as correction_state,
    cast(coalesce(m.matched_rows, 0) as bigint) as matched_rows,
    cast(coalesce(m.corrected_rows, 0) as bigint) as corrected_rows
from {{ ref("corrections") }} as c
left join made as m on c.correction_id = m.correction_id
order by c.correction_id
