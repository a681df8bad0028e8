with
    served_releases as (
        select source_id, string_agg(distinct source_release, ', ' order by source_release) as source_releases
        from
            (
                select source_id, source_release
                from {{ ref("int_indicator_values__unioned") }}
                {% for model in var("neighbour_set_models") %}
                    union all
                    select source_id, source_release
                    from {{ ref(model) }}
                {% endfor %}
            )
        group by source_id
    )

select
    {{ surrogate_key(["s.id"]) }} as source_key,
    cast(s.id as varchar) as source_id,
    cast(s.title as varchar) as source_title,
    cast(s.publisher as varchar) as publisher,
    cast(s.licence as varchar) as licence,
    cast(s.owner as varchar) as owner,
    cast(s.homepage as varchar) as homepage,
    cast(s.cadence as varchar) as release_cadence,
    cast(s.stale_after_days as integer) as stale_after_days,
    cast(l.load_state as varchar) as load_state,
    cast(l.is_stale as smallint) as is_stale,
    cast(l.reason as varchar) as load_reason,
    r.source_releases
from {{ source("registry", "sources") }} as s
left join served_releases as r on s.id = r.source_id
left join {{ source("check_log", "loads") }} as l on s.id = l.source_id
union all by name
select *
from
    (values (-1::bigint, 'unknown', 'Unknown'), (-2::bigint, 'not_applicable', 'Not applicable')) as special(
        source_key, source_id, source_title
    )
order by source_key
