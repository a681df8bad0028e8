-- Every published value that a correction speaks of, and whether its guard holds: a correction is made only while the
-- publisher still prints the figure that was found wrong. A blank cell of a correction fits anything.
select
    c.correction_id,
    c.action,
    c.corrected_value,
    v.value_key,
    v.source_id,
    v.value is not null and abs(v.value - c.expected_value) <= 1e-9 * greatest(abs(c.expected_value), 1) as is_guard_met
from {{ ref("corrections") }} as c
inner join
    {{ ref("int_indicator_values__deduplicated") }} as v
    on c.indicator_id = v.indicator_id
    and c.period_label = v.period_label
    and c.area_code in (v.area_code, v.area_code_published)
    and coalesce(c.source_id, v.source_id) = v.source_id
    and coalesce(c.sex, v.sex) = v.sex
    and coalesce(c.age, v.age) = v.age
    and coalesce(c.category_type, v.category_type) = v.category_type
    and coalesce(c.category, v.category) = v.category
where v.duplicate_reason is null
