-- One row per indicator, area, period and group, with the England value of the same period, sex and age beside it.
-- A window, not a self-join: inequality rows are compared with the England total, as Fingertips does.
--
-- series_number: odd numbers count the series of an indicator, cut at each documented break. A period that spans a
-- break mixes two series, so it has the even number between them.
with
    with_england as (
        select
            v.*,
            i.polarity,
            {{
                is_count_numerator(
                    "i.value_type", "v.value", "v.count", "v.denominator", "i.multiplier", "v.value_as_published"
                )
            }} as is_count_numerator,
            cast(
                1 + (
                    select
                        count(*) filter (where b.first_period_start <= v.period_start)
                        + count(*) filter (where b.first_period_start <= v.period_end)
                    from {{ ref("series_breaks") }} as b
                    where b.indicator_id = v.indicator_id
                ) as smallint
            ) as series_number,
            max(v.value) filter (where v.area_code = 'E92000001' and v.category_type = 'Total') over same_population
            as england_value,
            max(v.value_key) filter (where v.area_code = 'E92000001' and v.category_type = 'Total') over same_population
            as england_value_key
        from {{ ref("int_indicator_values__corrected") }} as v
        left join {{ source("registry", "indicators") }} as i on v.indicator_id = i.id
        window
            same_population as (partition by v.indicator_id, v.period_type, v.period_start, v.period_end, v.sex, v.age)
    )

select
    *,
    {{
        compared_to_england(
            "value",
            "lower_ci_95",
            "upper_ci_95",
            "england_value",
            "polarity",
            "(area_code = 'E92000001' and category_type = 'Total')",
        )
    }} as compared_to_england_computed
from with_england
