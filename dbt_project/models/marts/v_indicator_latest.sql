-- The newest period of each indicator, area, group and period length.
with
    ranked as (
        select
            *,
            row_number() over (
                partition by indicator_id, area_code, area_type, population_group, period_months
                order by period_end desc
            ) as newest
        from {{ ref("v_trend") }}
    )

select
    indicator_id,
    indicator_name,
    unit,
    polarity,
    area_code,
    area_name,
    area_type,
    period_label,
    period_end,
    period_months,
    population_group,
    is_total,
    value,
    lower_ci_95,
    upper_ci_95,
    value_status_code,
    england_value,
    compared_to_england_published,
    compared_to_england_computed,
    source_id,
    is_stale,
    indicator_value_key
from ranked
where newest = 1
