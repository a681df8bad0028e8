-- Every value beside each area that it lies in: England, its region, combined authority, board and county; one row per
-- value and such area that has a value of the same period, sex and age. By the method and confidence of the indicator.
-- A comparator without a published value is the one added up from its members, and the row says so.
with
    comparators as (
        select
            indicator_key,
            area_key,
            period_key,
            population_group_key,
            value,
            {{ limit_in_use("lower") }} as lower_95,
            {{ limit_in_use("upper") }} as upper_95,
            'published' as basis
        from {{ ref("fct_indicator_value") }}
        where value is not null
        union all by name
        select
            indicator_key,
            area_key,
            period_key,
            population_group_key,
            value,
            lower_ci_95 as lower_95,
            upper_ci_95 as upper_95,
            'added_up' as basis
        from {{ ref("fct_footprint_value") }}
        where value is not null and has_published_series = 0
    ),

    parents as (
        {% for relation, code in [
            ("england", "'E92000001'"),
            ("region", "a.region_code"),
            ("combined_authority", "a.combined_authority_code"),
            ("icb", "a.icb_code"),
            ("upper_tier", "a.upper_tier_code"),
        ] %}
            select
                a.area_key,
                '{{ relation }}' as comparator_relation,
                p.area_key as comparator_area_key,
                p.area_code,
                p.area_name
            from {{ ref("dim_area") }} as a
            inner join {{ ref("dim_area") }} as p on {{ code }} = p.area_code and p.is_registered = 1
            where
                a.area_code <> p.area_code and (a.area_code like 'E%' or a.region_code is not null)
                {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    -- Told which areas compare at all, DuckDB does not first pair every area with every other one: a tenth of the time.
    comparing as (select * from comparators where area_key in (select comparator_area_key from parents)),

    beside as (
        select
            v.indicator_value_key,
            v.indicator_key,
            v.area_key,
            v.period_key,
            v.population_group_key,
            v.indicator_id,
            i.polarity,
            i.multiplier,
            i.comparator_method,
            i.comparator_confidence,
            v.area_code,
            v.value,
            v.denominator,
            {% for confidence in ["95", "99.8"] %}
                {% for side in ["lower", "upper"] %}
                    {{ limit_in_use(side, confidence, "v") }} as {{ side }}_{{ confidence | replace(".", "_") }},
                {% endfor %}
            {% endfor %}
            p.comparator_relation,
            p.comparator_area_key,
            p.area_code as comparator_area_code,
            p.area_name as comparator_area_name,
            c.value as comparator_value,
            c.lower_95 as comparator_lower_95,
            c.upper_95 as comparator_upper_95,
            c.basis as comparator_basis
        from {{ ref("fct_indicator_value") }} as v
        inner join {{ ref("dim_indicator") }} as i on v.indicator_key = i.indicator_key
        inner join {{ ref("dim_population_group") }} as g on v.population_group_key = g.population_group_key
        inner join
            {{ ref("dim_population_group") }} as whole_group
            on g.sex = whole_group.sex
            and g.age = whole_group.age
            and whole_group.is_total = 1
        inner join parents as p on v.area_key = p.area_key
        inner join
            comparing as c
            on v.indicator_key = c.indicator_key
            and v.period_key = c.period_key
            and p.comparator_area_key = c.area_key
            and whole_group.population_group_key = c.population_group_key
    ),

    compared as (
        select
            *,
            {{ outcome_by_declared_method("comparator_value", "comparator_lower_95", "comparator_upper_95") }}
            as outcome
        from beside
    )

select
    indicator_id,
    area_code,
    comparator_relation,
    comparator_area_code,
    comparator_area_name,
    value,
    comparator_value,
    comparator_basis,
    comparator_method,
    comparator_confidence,
    {{ label_by_declared_method("outcome", "polarity") }} as compared,
    {{ not_compared_reason("outcome", "comparator_value") }} as not_compared_reason,
    indicator_value_key,
    indicator_key,
    area_key,
    period_key,
    population_group_key,
    comparator_area_key
from compared
