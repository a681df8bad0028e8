-- One row per indicator, area, period and group, with the England value of the same period, sex and age beside it.
-- A window, not a self-join: inequality rows are compared with the England total, as Fingertips does.
with
    with_england as (
        select
            v.* exclude (duplicate_reason, parent_code),
            i.polarity,
            max(v.value) filter (where v.area_code = 'E92000001' and v.category_type = 'Total') over same_population
            as england_value,
            max(v.value_key) filter (where v.area_code = 'E92000001' and v.category_type = 'Total') over same_population
            as england_value_key
        from {{ ref("int_indicator_values__deduplicated") }} as v
        left join {{ source("registry", "indicators") }} as i on v.indicator_id = i.id
        where v.duplicate_reason is null
        window
            same_population as (partition by v.indicator_id, v.period_type, v.period_start, v.period_end, v.sex, v.age)
    )

select
    *,
    {{
        compared_to_england(
            "value",
            "lower_ci_95",
            "upper_ci_95",
            "england_value",
            "polarity",
            "(area_code = 'E92000001' and category_type = 'Total')",
        )
    }} as compared_to_england_computed
from with_england
