with
    bounds as (
        select
            least(
                (select min(period_start) from {{ ref("int_indicator_values__deduplicated") }}),
                (select min(coalesce(earliest_date, due_date)) from {{ ref("commitments") }})
            ) as first_day,
            greatest(
                (select max(period_end) from {{ ref("int_indicator_values__deduplicated") }}),
                (select max(due_date) from {{ ref("commitments") }}),
                {{ as_at() }}
            ) as last_day
    ),

    days as (
        select cast(unnest(generate_series(date_trunc('year', first_day), last_day, interval 1 day)) as date) as day
        from bounds
    )

select
    cast(strftime(day, '%Y%m%d') as integer) as date_key,
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
