with
    repeated as (
        select source_id, duplicate_reason
        from {{ ref("int_indicator_values__deduplicated") }}
        union all by name
        select source_id, duplicate_reason
        from {{ ref("int_neighbour_members__deduplicated") }}
    )

select
    {{ surrogate_key(["source_id"]) }} as source_key,
    source_id,
    duplicate_reason,
    cast(count(*) as bigint) as duplicate_rows
from repeated
where duplicate_reason is not null
group by source_id, duplicate_reason
order by source_id, duplicate_reason
