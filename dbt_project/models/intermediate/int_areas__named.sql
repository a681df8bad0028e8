-- Every area: the register, and the areas that only the data name, such as general practices, whose lists are open,
-- or a code that the register holds under another type. One row per code and type. What became of a code is known of
-- the registered area only.
with
    only_in_data as (
        select
            v.area_code,
            v.area_type,
            arg_max(v.area_name_published, (v.source_release, v.area_name_published)) filter (
                where v.area_name_published is not null
            ) as area_name,
            max(v.area_type_published) as area_type_published
        from {{ ref("int_indicator_values__typed") }} as v
        anti join {{ ref("areas") }} as a on v.area_code = a.area_code and v.area_type = a.area_type
        group by v.area_code, v.area_type
    ),

    words as (select area_type, min(area_type_label) as area_type_label from {{ ref("areas") }} group by area_type),

    successions as (
        select
            area_code,
            string_agg(successor_code, ', ' order by successor_code) as successor_codes,
            string_agg(distinct change, ', ' order by change) as successor_change,
            cast(min(cast(effective_date as date)) - interval 1 day as date) as last_day
        from {{ ref("area_successions") }}
        group by area_code
    ),

    named as (
        select *, 1::smallint as is_registered
        from {{ ref("areas") }}
        union all by name
        select
            o.area_code,
            coalesce(o.area_name, o.area_code) as area_name,
            o.area_type,
            coalesce(w.area_type_label, o.area_type_published, o.area_type) as area_type_label,
            0::smallint as is_registered
        from only_in_data as o
        left join words as w on o.area_type = w.area_type
    )

select
    n.* exclude (valid_to, successor_code),
    coalesce(n.valid_to, s.last_day) as valid_to,
    coalesce(s.successor_codes, n.successor_code) as successor_code,
    s.successor_change
from named as n
left join successions as s on n.area_code = s.area_code and n.is_registered = 1
