-- The rows that are kept, with the corrections of the seed `corrections` made. The number as supplied stays beside the
-- value. Of a corrected row, the limits, the counts and what the publisher printed about the wrong figure are left
-- out: they belong to that figure. A view: it is read column by column, and a copy of the rows costs as much as all
-- comparisons.
{{ config(materialized="view") }}
{% set left_out_of_a_corrected_row = [
    "lower_ci_95",
    "upper_ci_95",
    "lower_ci_99_8",
    "upper_ci_99_8",
    "count",
    "denominator",
    "recent_trend_published",
    "compared_to_england_published",
    "compared_to_parent_published",
    "compared_to_goal_published",
] %}
with corrections_made as (select * from {{ ref("int_corrections__matched") }} where is_guard_met)

select
    v.* exclude (duplicate_reason) replace (
        case
            when c.correction_id is null then v.value when c.action = 'replace_value' then c.corrected_value
        end as value,
        case
            when c.correction_id is null
            then v.value_status_code
            when c.action = 'replace_value'
            then 'corrected'
            else 'withheld'
        end as value_status_code,
        {% for column in left_out_of_a_corrected_row %}
            case when c.correction_id is null then v.{{ column }} end as {{ column }} {% if not loop.last %},{% endif %}
        {% endfor %}
    ),
    v.value as value_supplied,
    c.correction_id
from {{ ref("int_indicator_values__deduplicated") }} as v
left join corrections_made as c on v.value_key = c.value_key
where v.duplicate_reason is null
