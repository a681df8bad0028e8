-- An approval stands here when it let this release or an earlier one through: one that covers a change of this build,
-- or
-- that an earlier release was built with. An approval of a change that never came is not shown.
select
    a.change_id,
    case when s.source_key is null then -2 else s.source_key end as source_key,
    a.source_id,
    a.previous_release_id,
    a.summary as change_summary,
    a.reason as approval_reason,
    a.approved_by,
    a.approved_at,
    coalesce(a.let_through_at, {{ built_at() }}) as let_through_at,
    cast(a.let_through_at is null as smallint) as is_this_release
from {{ source("previous", "approvals") }} as a
left join {{ ref("int_source_changes__counted") }} as c on a.change_id = c.change_id
left join {{ ref("dim_source") }} as s on a.source_id = s.source_id
where a.let_through_at is not null or c.change_id is not null
order by a.approved_at, a.change_id
