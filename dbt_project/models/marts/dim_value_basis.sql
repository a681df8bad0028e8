select
    {{ surrogate_key(["value_basis_code"]) }} as value_basis_key,
    value_basis_code,
    label as value_basis_label,
    description
from {{ ref("value_bases") }}
union all by name
select *
from
    (values (-1::bigint, 'unknown', 'Unknown'), (-2::bigint, 'not_in_use', 'Not applicable')) as special(
        value_basis_key, value_basis_code, value_basis_label
    )
order by value_basis_key
