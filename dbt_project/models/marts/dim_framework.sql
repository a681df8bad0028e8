select
    {{ surrogate_key(["framework_id"]) }} as framework_key,
    framework_id,
    title as framework,
    organisation,
    system_name,
    document_file,
    published_on,
    period_start,
    period_end,
    horizon_date,
    note
from {{ ref("frameworks") }}
union all by name
select *
from
    (values (-1::bigint, 'unknown', 'Unknown'), (-2::bigint, 'not_applicable', 'Not applicable')) as special(
        framework_key, framework_id, framework
    )
order by framework_key
