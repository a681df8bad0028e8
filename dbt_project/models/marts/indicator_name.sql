-- Every name under which a source has published an indicator, with the releases that use it. Publishers rename: the
-- id is
-- the identity, the name is not.
select
    {{ surrogate_key(["v.indicator_id", "v.indicator_name_published"]) }} as indicator_name_key,
    {{ surrogate_key(["v.indicator_id"]) }} as indicator_key,
    v.indicator_id,
    v.indicator_name_published,
    min(v.source_release) as first_release,
    max(v.source_release) as last_release,
    cast(count(*) as bigint) as published_rows,
    cast(v.indicator_name_published = any_value(i.name) as smallint) as is_registered_name
from {{ ref("int_indicator_values__deduplicated") }} as v
left join {{ source("registry", "indicators") }} as i on v.indicator_id = i.id
where v.indicator_name_published is not null
group by v.indicator_id, v.indicator_name_published
order by v.indicator_id, v.indicator_name_published
