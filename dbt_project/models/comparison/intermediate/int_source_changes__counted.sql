-- How much of each source changed since the release that is served, without what a passport explains: what the gate
-- release_comparison decides on. Commitments that no source measures count for `register`.
--
-- change_id names exactly this change: release before, source, and every unexplained row with old and new figure.
-- Another
-- figure, another row or another release before gives another id, so that an approval covers nothing else. New
-- periods are
-- no part of it.
with
    before as (
        select
            source_id,
            count(value) as values_before,
            count(distinct case when value is not null then area_code end) as areas_before
        from {{ source("previous", "indicator_values") }}
        group by source_id
    ),

    unexplained as (
        select *, old_value is not null and new_value is null as is_lost
        from {{ ref("int_release_values__changed") }}
        where was_there and announced_reason is null
    ),

    -- Areas with a value before and none now.
    areas_lost as (
        select u.source_id, count(distinct u.area_code) as areas_lost, min(u.area_name) as area_lost
        from unexplained as u
        anti join
            (
                select distinct source_id, area_code from {{ ref("int_release_values__kept") }} where value is not null
            ) as n
            on u.source_id = n.source_id
            and u.area_code = n.area_code
        where u.is_lost
        group by u.source_id
    ),

    counted as (
        select
            source_id,
            count(*) filter (where is_beyond_5_percent = 1) as values_beyond,
            count(*) filter (where is_lost) as values_lost
        from unexplained
        group by source_id
    ),

    judged_before as (
        select coalesce(source_id, 'register') as source_id, count(*) as statuses_before
        from {{ source("previous", "statuses") }}
        where is_judged = 1
        group by all
    ),

    announced as (
        select distinct source_id from {{ ref("int_release_values__changed") }} where announced_reason is not null
    ),

    statuses as (
        select coalesce(c.source_id, 'register') as source_id, c.* exclude (source_id)
        from {{ ref("int_release_statuses__changed") }} as c
        left join announced as a on c.source_id = a.source_id
        where
            c.old_is_judged = 1
            and c.cause not in ('new_data', 'time_passed')
            and not (c.cause = 'revised_data' and a.source_id is not null)
    ),

    statuses_counted as (select source_id, count(*) as statuses_changed from statuses group by source_id),

    rows_of_change as (
        select
            source_id,
            md5(
                concat_ws(
                    '|',
                    indicator_id,
                    area_code,
                    area_type,
                    period_type,
                    period_start,
                    period_end,
                    sex,
                    age,
                    category_type,
                    category,
                    revision_kind,
                    coalesce(cast(old_value as varchar), 'none'),
                    coalesce(cast(new_value as varchar), 'none')
                )
            ) as row_digest
        from unexplained
        where is_lost or revision_kind = 'revised'
        union all
        select
            source_id,
            md5(
                concat_ws(
                    '|',
                    commitment_id,
                    area_code,
                    old_status_code,
                    coalesce(new_status_code, 'none'),
                    cause,
                    md5(concat_ws('|', old_register, new_register))
                )
            )
        from statuses
    ),

    ids as (
        select
            c.source_id,
            concat(
                c.source_id,
                '-',
                substr(
                    sha256(
                        concat_ws('|', r.release_id, c.source_id, string_agg(c.row_digest, '|' order by c.row_digest))
                    ),
                    1,
                    16
                )
            ) as change_id
        from rows_of_change as c
        cross join {{ source("previous", "release") }} as r
        group by c.source_id, r.release_id
    ),

    sources as (
        select source_id
        from before
        union
        select source_id
        from judged_before
    )

select
    s.source_id,
    i.change_id,
    r.release_id as previous_release_id,
    coalesce(b.values_before, 0) as values_before,
    coalesce(b.values_before, 0) - coalesce(c.values_lost, 0) as values_compared,
    coalesce(c.values_beyond, 0) as values_beyond,
    coalesce(c.values_lost, 0) as values_lost,
    coalesce(b.areas_before, 0) as areas_before,
    coalesce(a.areas_lost, 0) as areas_lost,
    a.area_lost,
    coalesce(j.statuses_before, 0) as statuses_before,
    coalesce(t.statuses_changed, 0) as statuses_changed,
    p.approved_by,
    p.approved_at
from sources as s
cross join {{ source("previous", "release") }} as r
left join before as b on s.source_id = b.source_id
left join counted as c on s.source_id = c.source_id
left join areas_lost as a on s.source_id = a.source_id
left join judged_before as j on s.source_id = j.source_id
left join statuses_counted as t on s.source_id = t.source_id
left join ids as i on s.source_id = i.source_id
left join {{ source("previous", "approvals") }} as p on i.change_id = p.change_id
