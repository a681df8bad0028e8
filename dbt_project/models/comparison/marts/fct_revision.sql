-- Every change of a published value between one release and the next, the earlier ones carried along. A dimension row
-- that is gone is looked up as unknown; the natural key stands beside it.
with
    found as (
        select
            {{
                surrogate_key(
                    [
                        "c.indicator_id",
                        "c.area_code",
                        "c.area_type",
                        "c.period_type",
                        "c.period_start",
                        "c.period_end",
                        "c.sex",
                        "c.age",
                        "c.category_type",
                        "c.category",
                        built_at(),
                    ]
                )
            }} as revision_key,
            c.* exclude (is_scheduled),
            cast(c.is_scheduled as smallint) as is_scheduled,
            r.release_id as previous_release_id,
            {{ built_at() }} as first_seen
        from {{ ref("int_release_values__changed") }} as c
        cross join {{ source("previous", "release") }} as r
        where c.revision_kind not in ('new_period', 'new_indicator')
    ),

    {% set columns = [
        "revision_key",
        "source_id",
        "indicator_id",
        "indicator_name",
        "area_code",
        "area_type",
        "area_name",
        "period_type",
        "period_label",
        "period_start",
        "period_end",
        "sex",
        "age",
        "category_type",
        "category",
        "revision_kind",
        "old_value",
        "new_value",
        "change_percent",
        "is_beyond_5_percent",
        "old_lower_ci_95",
        "new_lower_ci_95",
        "old_upper_ci_95",
        "new_upper_ci_95",
        "old_count",
        "new_count",
        "old_denominator",
        "new_denominator",
        "old_value_status_code",
        "new_value_status_code",
        "old_source_release",
        "new_source_release",
        "is_scheduled",
        "cause",
        "reason",
        "previous_release_id",
        "first_seen",
    ] %}
    revisions as (
        select {{ columns | join(", ") }}
        from found
        union all
        select {{ columns | join(", ") }}
        from {{ source("previous", "revisions") }}
    )

select
    v.revision_key,
    coalesce(i.indicator_key, -1) as indicator_key,
    coalesce(a.area_key, -1) as area_key,
    coalesce(p.period_key, -1) as period_key,
    coalesce(g.population_group_key, -1) as population_group_key,
    coalesce(s.source_key, -1) as source_key,
    v.* exclude (revision_key),
    {{ date_key("v.first_seen") }} as first_seen_date_key
from revisions as v
left join {{ ref("dim_indicator") }} as i on v.indicator_id = i.indicator_id
left join {{ ref("dim_area") }} as a on v.area_code = a.area_code and v.area_type = a.area_type
left join
    {{ ref("dim_period") }} as p
    on v.period_type = p.period_type
    and v.period_start = p.period_start
    and v.period_end = p.period_end
left join
    {{ ref("dim_population_group") }} as g
    on v.sex = g.sex
    and v.age = g.age
    and v.category_type = g.category_type
    and v.category = g.category
left join {{ ref("dim_source") }} as s on v.source_id = s.source_id
order by v.first_seen desc, v.indicator_id, v.area_code, v.period_end desc, v.revision_key
