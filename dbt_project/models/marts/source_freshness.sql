with
    -- Releases at hand, those of a refused load too, and those behind what is served.
    releases as (
        select source_key, trim(unnest(string_split(source_releases, ','))) as release_id, 0 as is_served
        from {{ ref("source_load") }}
        union all
        select source_key, trim(unnest(string_split(source_releases, ','))) as release_id, 1 as is_served
        from {{ ref("dim_source") }}
    ),

    dated as (
        select
            source_key,
            release_id,
            is_served,
            {{ released_on("release_id") }} as first_day,
            {{ release_last_day("release_id") }} as last_day
        from releases
    ),

    newest as (
        select
            source_key,
            max(struct_pack(last_day := last_day, release_id := release_id)) as newest,
            max(struct_pack(last_day := last_day, release_id := release_id)) filter (where is_served = 1) as served
        from dated
        where last_day is not null
        group by source_key
    ),

    polled as (
        select source_id, last_polled_at, last_outcome, last_detail, last_changed_at, last_answered_at, failing_since
        from {{ source("previous", "polls") }}
        where indicator_id is null and cast(last_polled_at as date) <= {{ as_at() }}
    ),

    known as (
        select
            d.source_key,
            d.source_id,
            d.release_cadence,
            {{ cadence_months("d.release_cadence") }} as months,
            r.next_release,
            cast(r.grace_days as integer) as grace_days,
            cast(r.lag_days as integer) as lag_days,
            r.poll as poll_times,
            n.newest.release_id as newest_release,
            n.newest.last_day as newest_day,
            n.served.release_id as served_release,
            {{ released_on("n.served.release_id") }} + d.stale_after_days as stale_after,
            p.* exclude (source_id)
        from {{ ref("dim_source") }} as d
        inner join {{ source("registry", "sources") }} as r on d.source_id = r.id
        left join newest as n on d.source_key = n.source_key
        left join polled as p on d.source_id = p.source_id
    ),

    expected as (
        select *, {{ release_expected_on("next_release", "months", "grace_days", "newest_day") }} as expected_on
        from known
    ),

    judged as (
        select
            *,
            {{ days_late(as_at(), "expected_on", "grace_days") }} as days_late,
            {{ freshness_state(as_at(), "newest_release", "expected_on", "grace_days", "stale_after") }}
            as freshness_state
        from expected
    )

select
    source_key,
    source_id,
    release_cadence,
    lag_days,
    grace_days,
    poll_times,
    freshness_state,
    newest_release,
    served_release,
    cast(expected_on as date) as expected_on,
    cast(expected_on + grace_days as date) as late_after,
    cast(days_late as integer) as days_late,
    cast(coalesce(days_late, 0) > 0 as smallint) as is_late,
    cast(stale_after as date) as stale_after,
    {{ poll_state("last_outcome") }} as poll_state,
    last_polled_at,
    last_changed_at,
    last_answered_at,
    failing_since as poll_failing_since,
    last_detail as poll_detail,
    concat(
        {{
            source_freshness_words(
                "freshness_state",
                "expected_on",
                "grace_days",
                "days_late",
                "stale_after",
                "newest_release",
                "served_release",
            )
        }},
        ' ',
        {{ poll_words("last_outcome", "last_polled_at") }}
    ) as freshness_words
from judged
order by source_id
