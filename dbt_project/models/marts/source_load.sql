with
    published as (
        select source_id, count(*) as served, count(*) filter (where duplicate_reason is null) as published
        from {{ ref("int_indicator_values__deduplicated") }}
        group by source_id
        union all by name
        select source_id, count(*) as served, count(*) filter (where duplicate_reason is null) as published
        from {{ ref("int_neighbour_members__deduplicated") }}
        group by source_id
    )

select
    {{ surrogate_key(["l.source_id"]) }} as source_key,
    cast(l.source_id as varchar) as source_id,
    cast(l.load_id as varchar) as load_id,
    cast(l.load_state as varchar) as load_state,
    cast(l.is_stale as smallint) as is_stale,
    -- Of a load that was refused before it was read, nothing is known but why.
    nullif(trim(cast(l.reason as varchar)), '') as load_reason,
    nullif(trim(cast(l.source_releases as varchar)), '') as source_releases,
    cast(l.files as bigint) as files,
    cast(l.landed_rows as bigint) as landed_rows,
    cast(l.quarantined_rows as bigint) as quarantined_rows,
    cast(l.refused_rows as bigint) as refused_rows,
    cast(l.staged_rows as bigint) as staged_rows,
    cast(l.served_rows as bigint) as served_rows,
    cast(coalesce(p.served - p.published, 0) as bigint) as duplicate_rows,
    cast(coalesce(p.published, 0) as bigint) as published_rows,
    cast(l.served_load_id as varchar) as served_load_id,
    cast(l.checked_at as timestamp) as checked_at,
    cast(l.served_since as timestamp) as served_since
from {{ source("check_log", "loads") }} as l
left join published as p on l.source_id = p.source_id
order by source_id
