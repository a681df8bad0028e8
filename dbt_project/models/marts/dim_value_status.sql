select
    {{ surrogate_key(["value_status_code"]) }} as value_status_key,
    value_status_code,
    label as value_status_label,
    shorthand,
    has_value,
    description
from {{ ref("value_statuses") }}
union all by name
select *
from
    (
        values
            (-1::bigint, 'unknown', 'Unknown', 0::smallint), (-2::bigint, 'not_in_use', 'Not applicable', 0::smallint)
    ) as special(value_status_key, value_status_code, value_status_label, has_value)
order by value_status_key
