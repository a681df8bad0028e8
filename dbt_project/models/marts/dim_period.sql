with
    periods as (
        select
            period_type,
            period_start,
            period_end,
            min(period_label) as period_label,
            max(period_pooled_years) as pooled_years
        from {{ ref("int_indicator_values__deduplicated") }}
        group by period_type, period_start, period_end
    ),

    -- Periods that only targets and forecasts have yet.
    planned as (
        select distinct
            period_type,
            period_start,
            period_end,
            period_label,
            case when period_months > 12 then cast(period_months / 12 as integer) else 1 end as pooled_years
        from {{ ref("int_targets__planned") }}
        where
            (period_type, period_start, period_end) not in (select (period_type, period_start, period_end) from periods)
    )

select
    {{ surrogate_key(["period_type", "period_start", "period_end"]) }} as period_key,
    period_label,
    period_type,
    period_start,
    period_end,
    cast(date_diff('month', period_start, period_end + interval 1 day) as integer) as period_months,
    cast(coalesce(pooled_years, 0) as integer) as pooled_years,
    cast(strftime(period_end, '%Y%m%d') as bigint) * 1000
    + cast(date_diff('month', period_start, period_end + interval 1 day) as bigint) as period_sort,
    period_start + cast(floor((period_end - period_start) / 2) as integer) as period_mid_date,
    {{ date_key("period_start") }} as period_start_date_key,
    {{ date_key("period_end") }} as period_end_date_key
from
    (
        select *
        from periods
        union all by name
        select *
        from planned
    )
union all by name
select *
from
    (
        values
            (-1::bigint, 'Unknown', 'unknown', 0::bigint, -1, -1),
            (-2::bigint, 'Not applicable', 'not_applicable', 0::bigint, -2, -2)
    ) as special(period_key, period_label, period_type, period_sort, period_start_date_key, period_end_date_key)
order by period_key
