with
    population_groups as (
        select distinct sex, age, category_type, category
        from {{ ref("int_indicator_values__deduplicated") }}
        union
        select distinct sex, age, category_type, category
        from {{ ref("int_commitments__scoped") }}
        where indicator_id is not null
        -- The whole of each sex and age, and all persons of each age: groups within which inequality is measured.
        union
        select distinct sex, age, 'Total' as category_type, 'Total' as category
        from {{ ref("int_indicator_values__deduplicated") }}
        union
        select distinct 'Persons' as sex, age, 'Total' as category_type, 'Total' as category
        from {{ ref("int_indicator_values__deduplicated") }}
        -- All ages, for what is standardised from age bands.
        union
        select distinct sex, 'All ages' as age, 'Total' as category_type, 'Total' as category
        from {{ ref("int_age_bands__standardised") }}
    )

select
    {{ surrogate_key(["sex", "age", "category_type", "category"]) }} as population_group_key,
    sex,
    age,
    category_type,
    category,
    concat_ws(', ', sex, age, nullif(category, 'Total')) as population_group,
    cast(category_type = 'Total' as smallint) as is_total
from population_groups
union all by name
select *
from
    (values (-1::bigint, 'Unknown', 0::smallint), (-2::bigint, 'Not applicable', 0::smallint)) as special(
        population_group_key, population_group, is_total
    )
order by population_group_key
