-- Every day of the years in which any date of the published tables lies, without a gap.
with
    used as (
        select {{ as_at() }} as day
        union all
        select cast({{ built_at() }} as date)
        union all
        select {{ released_on("source_release") }}
        from (select distinct source_release from {{ ref("fct_indicator_value") }})
        union all
        select unnest([valid_from, valid_to])
        from {{ ref("bridge_area_footprint") }}
        union all
        select unnest([reported_on])
        from {{ ref("correction") }}
        union all
        select unnest([valid_from, valid_to])
        from {{ ref("dim_area") }}
        union all
        select unnest([due_date, earliest_date, valid_from, valid_to])
        from {{ ref("dim_commitment") }}
        union all
        select unnest([published_on, period_start, period_end, horizon_date])
        from {{ ref("dim_framework") }}
        union all
        select unnest([period_start, period_end])
        from {{ ref("dim_period") }}
        union all
        select unnest([due_date, recorded_on, completed_on])
        from {{ ref("fct_milestone") }}
        union all
        select unnest([answering_period_end, answer_expected_on])
        from {{ ref("fct_target_vs_actual") }}
        union all
        select unnest([next_period_end, expected_on, late_after, stale_after])
        from {{ ref("indicator_freshness") }}
        union all
        select unnest([first_seen])
        from {{ ref("known_issue") }}
        union all
        select unnest([expected_on, late_after, stale_after])
        from {{ ref("source_freshness") }}
        union all
        -- A revision may be of a period that is gone.
        select unnest([min(period_start), max(period_end)])
        from {{ source("previous", "indicator_values") }}
        union all
        select unnest([period_start, period_end, cast(first_seen as date)])
        from {{ source("previous", "revisions") }}
    ),

    years as (select date_trunc('year', min(day)) as first_day, date_trunc('year', max(day)) as last_year from used),

    days as (
        select
            cast(
                unnest(generate_series(first_day, last_year + interval 1 year - interval 1 day, interval 1 day)) as date
            ) as day
        from years
    )

select
    {{ date_key("day") }} as date_key,
    day as full_date,
    cast(year(day) as integer) as calendar_year,
    cast(quarter(day) as integer) as calendar_quarter,
    cast(month(day) as integer) as month_number,
    strftime(day, '%B') as month_name,
    concat(
        cast(year(day - interval 3 month) as varchar),
        '/',
        lpad(cast((year(day - interval 3 month) + 1) % 100 as varchar), 2, '0')
    ) as financial_year
from days
union all by name
select *
from (values (-1, 'Unknown'), (-2, 'Not applicable')) as special(date_key, month_name)
order by date_key
