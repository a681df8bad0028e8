-- Values of systems, regions, counties and neighbourhoods, added up from the counts and denominators of their members;
-- one row per indicator, footprint, period and group, with a value or with the reason why there is none.
--
-- Nothing is added up unless every member has a count that is the numerator of its value: a total of the known members
-- would be too small, and would give a suppressed member away by subtraction. Standardised rates, life expectancies
-- and scores are refused, never averaged. Where the footprint itself is published that row is preferred, and stands
-- beside. Indicators that cannot be added up have rows for the declared footprints only (seed `area_footprints`). Sums
-- are exact (decimals), so that no order of rows changes them.
{% set group = [
    "indicator_id",
    "sex",
    "age",
    "category_type",
    "category",
    "period_type",
    "period_start",
    "period_end",
] %}
with
    contributions as (
        select
            m.set_key,
            m.footprint_code,
            m.footprint_area_type,
            m.footprint_type,
            m.is_declared,
            m.set_from,
            m.constituents,
            {% for column in group %} v.{{ column }}, {% endfor %}
            v.area_code,
            v.aggregation,
            v.period_label,
            v.period_months,
            v.source_id,
            v.source_release,
            v.series_number,
            case when v.aggregation = 'sum' then v.value else v.count end as count,
            v.denominator,
            v.value_basis_code = 'combined_areas' as is_combined,
            case
                when v.value_status_code = 'suppressed'
                then 'constituent_suppressed'
                when v.value is null
                then 'constituent_without_value'
                when v.value_basis_code in ('larger_area_applied', 'county_value_applied')
                then 'constituent_of_larger_area'
                when v.aggregation = 'sum_counts' and v.is_count_numerator = 0
                then 'count_is_not_numerator'
                when v.aggregation = 'sum_counts' and v.is_count_numerator is null
                then 'constituent_without_counts'
            end as constituent_reason
        from {{ ref("int_indicator_values__measured") }} as v
        inner join
            {{ ref("int_footprint_members__dated") }} as m on v.area_code = m.area_code and v.area_type = m.area_type
        where
            (v.aggregation in ('sum', 'sum_counts') or m.is_declared = 1)
            and (m.usable_before is null or v.period_start < m.usable_before)
    ),

    added as (
        select
            set_key,
            footprint_code,
            footprint_area_type,
            footprint_type,
            is_declared,
            set_from,
            constituents,
            {% for column in group %} {{ column }}, {% endfor %}
            aggregation,
            max(period_label) as period_label,
            max(period_months) as period_months,
            max(source_id) as source_id,
            max(source_release) as source_release,
            max(series_number) as series_number,
            cast(count(*) as integer) as constituents_present,
            cast(count(*) filter (where constituent_reason is null) as integer) as constituents_with_value,
            min(constituent_reason) as constituent_reason,
            bool_or(constituent_reason = 'constituent_suppressed') as has_suppressed,
            -- Two areas that show one figure for both count once.
            bool_or(is_combined)
            and (
                min(count) filter (where is_combined) <> max(count) filter (where is_combined)
                or min(denominator) filter (where is_combined) <> max(denominator) filter (where is_combined)
                or count(*) filter (where is_combined) < 2
            ) as has_several_combined,
            coalesce({{ exact_sum("count", "not is_combined") }}, 0)
            + coalesce(max(count) filter (where is_combined), 0) as count,
            coalesce({{ exact_sum("denominator", "not is_combined") }}, 0)
            + coalesce(max(denominator) filter (where is_combined), 0) as denominator
        from contributions
        group by all
    ),

    reasoned as (
        select
            *,
            case
                when aggregation not in ('sum', 'sum_counts')
                then 'indicator_is_not_additive'
                when has_suppressed
                then 'constituent_suppressed'
                when constituents_present < constituents
                then 'constituent_missing'
                when has_several_combined
                then 'constituent_combined_with_neighbour'
                else constituent_reason
            end as footprint_reason
        from added
    ),

    -- The newest set of members that is complete, else the newest.
    chosen as (
        select *
        from reasoned
        qualify
            row_number() over (
                partition by
                    footprint_code,
                    footprint_area_type,
                    {% for column in group %} {{ column }} {{ "," if not loop.last }} {% endfor %}
                order by footprint_reason is not null, is_declared desc, set_from desc, footprint_type
            )
            = 1
    ),

    keyed as (
        select
            c.* exclude (count, denominator, constituent_reason, has_suppressed, has_several_combined, aggregation),
            c.footprint_code as area_code,
            c.footprint_area_type as area_type,
            {{
                surrogate_key(
                    [
                        "c.indicator_id",
                        "c.footprint_code",
                        "c.footprint_area_type",
                        "c.sex",
                        "c.age",
                        "c.category_type",
                        "c.category",
                        "c.period_type",
                        "c.period_start",
                        "c.period_end",
                    ]
                )
            }} as value_key,
            i.polarity,
            i.value_type,
            i.multiplier,
            i.aggregation,
            i.count_rounding,
            i.comparator_method,
            i.comparator_confidence,
            i.limits_method as indicator_limits_method,
            a.region_code,
            case when footprint_reason is null and i.aggregation = 'sum_counts' then c.count end as count,
            case when footprint_reason is null and i.aggregation = 'sum_counts' then c.denominator end as denominator,
            case
                when footprint_reason is not null
                then null
                when i.aggregation = 'sum'
                then c.count
                else c.count / nullif(c.denominator, 0) * i.multiplier
            end as value
        from chosen as c
        inner join {{ ref("int_indicators__described") }} as i on c.indicator_id = i.id
        left join {{ ref("areas") }} as a on c.footprint_code = a.area_code
    ),

    published as (
        select *
        from {{ ref("int_indicator_values__measured") }}
        where area_code in (select footprint_code from {{ ref("int_footprint_members__dated") }})
    ),

    -- A series is published or added up, never both: the two may count different people, such as residents and
    -- patients. It is published when the publisher has a row of it, for whichever period, with a value or without.
    published_series as (
        select distinct indicator_id, area_code, area_type, sex, age, category_type, category from published
    )

select
    k.* exclude (indicator_limits_method, footprint_code, footprint_area_type),
    k.value as value_computed,
    'aggregated_here' as value_basis_code,
    case when k.value is null then 'not_calculable' else 'present' end as value_status_code,
    case when k.value is not null and k.aggregation = 'sum_counts' then 1::smallint end as is_count_numerator,
    {% for confidence in ["95", "99.8"] %}
        {% for side in ["lower", "upper"] %}
            case
                k.indicator_limits_method
                when 'wilson'
                then {{ proportion_limit("k.count", "k.denominator", "k.multiplier", confidence, side) }}
                when 'byar_or_exact'
                then {{ rate_limit("k.count", "k.denominator", "k.multiplier", confidence, side) }}
            end as {{ side }}_ci_{{ confidence | replace(".", "_") }}_computed,
        {% endfor %}
    {% endfor %}
    case when k.count is not null then k.indicator_limits_method end as limits_method,
    p.value_key as published_value_key,
    p.value as published_value,
    cast(s.indicator_id is not null as smallint) as has_published_series,
    p.value_as_published as published_as_published,
    p.source_file as published_file,
    p.source_row_number as published_row_number
from keyed as k
left join published as p on k.value_key = p.value_key and p.value is not null
left join
    published_series as s
    on k.indicator_id = s.indicator_id
    and k.area_code = s.area_code
    and k.area_type = s.area_type
    and k.sex = s.sex
    and k.age = s.age
    and k.category_type = s.category_type
    and k.category = s.category
