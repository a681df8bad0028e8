select
    {{ surrogate_key(["status_code"]) }} as status_key,
    status_code,
    family as status_family,
    label as status_label,
    symbol as status_symbol,
    colour_hex as status_colour,
    sort_order as status_sort,
    is_judgement,
    description
from {{ ref("statuses") }}
union all by name
select *
from
    (
        values
            (-1::bigint, 'unknown_status', 'Unknown', 990, 0::smallint),
            (-2::bigint, 'not_applicable', 'Not applicable', 991, 0::smallint)
    ) as special(status_key, status_code, status_label, status_sort, is_judgement)
order by status_key
