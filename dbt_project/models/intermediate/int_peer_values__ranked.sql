-- The place of a value among the areas of its tier, for each indicator whose declared method ranks areas (quintiles or
-- quartiles). One row per ranked value; only values without a category are ranked.
--
-- The publisher ranks every area of England. A selection of areas would give other quintiles without looking wrong, so
-- that nothing is ranked unless nine of ten areas that stood then have a value. Areas of open lists, such as
-- practices, have no tier here: nobody knows how many of them are missing.
with
    -- Single-tier councils are of both tiers.
    tiers as (
        {% for tier in ["upper_tier", "lower_tier"] %}
            select area_code, area_type, '{{ tier }}' as tier, valid_from, valid_to
            from {{ ref("areas") }}
            where {{ is_of_tier("area_type", tier) }} and area_code like 'E%'
            union all
        {% endfor %}
        select area_code, area_type, area_type as tier, valid_from, valid_to
        from {{ ref("areas") }}
        where area_type in ('region', 'icb', 'sub_icb_location', 'nhs_region')
    ),

    ranked as (
        select v.*, t.tier
        from {{ ref("int_indicator_values__measured") }} as v
        inner join tiers as t on v.area_code = t.area_code and v.area_type = t.area_type
        where v.category_type = 'Total' and v.value is not null and v.comparator_method in ('quintiles', 'quartiles')
    ),

    -- Areas that stood on the last day of the period.
    registered as (
        select p.period_end, t.tier, count(*) as areas
        from (select distinct period_end from ranked) as p
        inner join
            tiers as t
            on coalesce(t.valid_from, p.period_end) <= p.period_end
            and coalesce(t.valid_to, p.period_end) >= p.period_end
        group by all
    ),

    bounds as (
        select
            indicator_id,
            tier,
            period_type,
            period_start,
            period_end,
            sex,
            age,
            {{ quantile_bounds("value", 5) }} as quintile_bounds,
            {{ quantile_bounds("value", 4) }} as quartile_bounds,
            count(*) as areas_with_value
        from ranked
        group by all
    )

select
    v.value_key,
    v.tier,
    case
        when b.areas_with_value < 0.9 * r.areas
        then null
        when v.comparator_method = 'quintiles'
        then {{ quantile_outcome("v.value", "b.quintile_bounds", "b.areas_with_value", 5) }}
        else {{ quantile_outcome("v.value", "b.quartile_bounds", "b.areas_with_value", 4) }}
    end as outcome,
    b.areas_with_value,
    r.areas as areas_registered
from ranked as v
inner join bounds as b using (indicator_id, tier, period_type, period_start, period_end, sex, age)
inner join registered as r on v.period_end = r.period_end and v.tier = r.tier
-- A single-tier council is ranked in the tier that is nearer to complete.
qualify row_number() over (partition by v.value_key order by b.areas_with_value / r.areas desc, v.tier desc) = 1
