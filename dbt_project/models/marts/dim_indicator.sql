select
    {{ surrogate_key(["id"]) }} as indicator_key,
    cast(id as varchar) as indicator_id,
    cast(name as varchar) as indicator_name,
    {{ surrogate_key(["source_id"]) }} as source_key,
    cast(source_id as varchar) as source_id,
    cast(fingertips_id as varchar) as fingertips_id,
    cast(value_type as varchar) as value_type,
    cast(unit as varchar) as unit,
    cast(multiplier as double) as multiplier,
    cast(polarity as varchar) as polarity,
    cast(minimum as double) as minimum_value,
    cast(maximum as double) as maximum_value,
    cast(decimals as smallint) as decimal_places,
    cast(ci_method as varchar) as ci_method,
    cast(limits_method as varchar) as ci_method_computed,
    cast(comparator_method as varchar) as comparator_method,
    cast(comparator_confidence as varchar) as comparator_confidence,
    cast(comparator_reason as varchar) as comparator_reason,
    cast(aggregation as varchar) as aggregation_rule,
    cast(aggregation = 'sum' as smallint) as is_additive,
    cast(definition as varchar) as definition
from {{ ref("int_indicators__described") }}
union all by name
select *
from
    (
        values
            (-1::bigint, 'unknown', 'Unknown', -1::bigint, 0::smallint),
            (-2::bigint, 'not_applicable', 'Not applicable', -2::bigint, 0::smallint)
    ) as special(indicator_key, indicator_id, indicator_name, source_key, is_additive)
order by indicator_key
