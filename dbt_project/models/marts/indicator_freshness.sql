with
    -- Every period of every indicator, with the releases behind its values.
    periods as (
        select
            v.indicator_key,
            p.period_type,
            p.period_end,
            max(p.period_months) as period_months,
            arg_max(p.period_label, p.period_months) as period_label,
            max(
                struct_pack(last_day := {{ release_last_day("v.source_release") }}, release_id := v.source_release)
            ) as newest
        from {{ ref("fct_indicator_value") }} as v
        inner join {{ ref("dim_period") }} as p on v.period_key = p.period_key
        group by v.indicator_key, p.period_type, p.period_end
    ),

    latest as (
        select
            indicator_key,
            max(
                struct_pack(
                    period_end := period_end,
                    period_months := period_months,
                    period_type := period_type,
                    period_label := period_label
                )
            ) as latest,
            max(newest).release_id as newest_release
        from periods
        group by indicator_key
    ),

    -- How far apart the periods of the latest one's type end.
    spaced as (
        select
            p.indicator_key,
            date_diff(
                'month', lag(p.period_end) over (partition by p.indicator_key order by p.period_end), p.period_end
            ) as months
        from periods as p
        inner join latest as l on p.indicator_key = l.indicator_key and p.period_type = l.latest.period_type
    ),

    steps as (select indicator_key, min(months) as months from spaced where months > 0 group by indicator_key),

    polled as (
        select source_id, indicator_id, last_polled_at, last_outcome, last_changed_at
        from {{ source("previous", "polls") }}
        where indicator_id is not null and cast(last_polled_at as date) <= {{ as_at() }}
    ),

    known as (
        select
            i.indicator_key,
            i.indicator_id,
            i.source_key,
            i.source_id,
            cast(r.grace_days as integer) as grace_days,
            cast(r.lag_days as integer) as lag_days,
            l.newest_release,
            l.latest.period_label as latest_period,
            l.latest.period_end as latest_period_end,
            case
                when {{ cadence_months("r.cadence") }} is not null
                then coalesce(s.months, greatest({{ cadence_months("r.cadence") }}, least(l.latest.period_months, 12)))
            end as step_months,
            {{ released_on("l.newest_release") }} + cast(r.stale_after_days as integer) as stale_after,
            coalesce(own.last_outcome, others.last_outcome) as last_outcome,
            coalesce(own.last_polled_at, others.last_polled_at) as last_polled_at,
            case
                when own.indicator_id is not null then own.last_changed_at else others.last_changed_at
            end as last_changed_at
        from {{ ref("dim_indicator") }} as i
        inner join {{ source("registry", "sources") }} as r on i.source_id = r.id
        left join latest as l on i.indicator_key = l.indicator_key
        left join steps as s on i.indicator_key = s.indicator_key
        left join polled as own on i.source_id = own.source_id and i.indicator_id = own.indicator_id
        left join polled as others on i.source_id = others.source_id and others.indicator_id = '*'
    ),

    expected as (
        select
            *,
            {{ next_period_end("latest_period_end", "step_months") }} as next_period_end,
            {{ next_period_end("latest_period_end", "step_months") }} + lag_days as expected_on
        from known
    ),

    judged as (
        select
            *,
            {{ days_late(as_at(), "expected_on", "grace_days") }} as days_late,
            {{ freshness_state(as_at(), "latest_period_end", "expected_on", "grace_days", "stale_after") }}
            as freshness_state
        from expected
    )

select
    indicator_key,
    indicator_id,
    source_key,
    source_id,
    freshness_state,
    latest_period,
    latest_period_end,
    newest_release,
    cast(next_period_end as date) as next_period_end,
    cast(expected_on as date) as expected_on,
    cast(expected_on + grace_days as date) as late_after,
    cast(days_late as integer) as days_late,
    cast(coalesce(days_late, 0) > 0 as smallint) as is_late,
    cast(stale_after as date) as stale_after,
    {{ poll_state("last_outcome") }} as poll_state,
    last_polled_at,
    last_changed_at,
    concat(
        {{
            indicator_freshness_words(
                "freshness_state",
                "expected_on",
                "grace_days",
                "days_late",
                "stale_after",
                "newest_release",
                "latest_period_end",
                "next_period_end",
            )
        }},
        ' ',
        {{ poll_words("last_outcome", "last_polled_at") }}
    ) as freshness_words
from judged
order by indicator_id
