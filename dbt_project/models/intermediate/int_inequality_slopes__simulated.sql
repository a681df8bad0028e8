-- Slope and relative index of inequality over the deprivation tenths or fifths of one area, period, sex and age, with
-- simulated 95 % limits (Python: pipelines/model/methods/slope_index.py). One row per group, with the reason where
-- there is no index.
--
-- The seed of a simulation comes from the key of its group, so that the limits are the same in every run, in any
-- order. Populations are the denominators; where a publisher leaves one out, the quantiles count as equal, which they
-- are by making up to the size of the areas that were cut. The index is turned so that, where the indicator is judged,
-- a positive slope and a ratio above 1 mean that the most deprived are worse off.
{% set grain = "indicator_id, area_code, area_type, period_type, period_start, period_end, sex, age, dimension" %}
with
    grouped as (
        select
            {{ grain }},
            any_value(quantile_count) as quantile_count,
            case
                any_value(value_type)
                when 'proportion'
                then 'proportion'
                when 'crude_rate'
                then 'rate'
                when 'directly_standardised_rate'
                then 'rate'
                else 'default'
            end as simulated_as,
            any_value(multiplier) as multiplier,
            any_value(polarity) as polarity,
            count(denominator) = count(*) and bool_and(denominator > 0) as has_populations,
            list(
                {'number':group_number, 'population':denominator, 'value':value, 'lower95':lower_95, 'upper95':upper_95}
                order by group_number
            ) as quantiles
        from {{ ref("int_inequality_groups__ordered") }}
        where is_deprivation and group_number is not null
        group by {{ grain }}
    ),

    scaled as (
        select
            *,
            case when simulated_as = 'proportion' then multiplier else 1 end as unit,
            case when polarity = 'high_is_good' then 1 else -1 end as sign
        from grouped
    ),

    simulated as (
        select
            *,
            slope_index_of(
                list_transform(
                    quantiles,
                    lambda one:struct_pack(
                        number := cast(one.number as integer),
                        population := case when has_populations then cast(one.population as double) else 1.0 end,
                        value := cast(one.value / unit as double),
                        lower95 := cast(one.lower95 / unit as double),
                        upper95 := cast(one.upper95 / unit as double)
                    )
                ),
                cast(quantile_count as integer),
                simulated_as,
                cast(sign * unit as double),
                [
                    indicator_id,
                    area_code,
                    area_type,
                    cast(period_start as varchar),
                    cast(period_end as varchar),
                    sex,
                    age,
                    dimension
                ]
            ) as slope
        from scaled
    )

select
    {{ grain }},
    slope.sii as slope_index,
    slope.sii_lower as slope_index_lower_ci_95,
    slope.sii_upper as slope_index_upper_ci_95,
    slope.rii as relative_index,
    slope.rii_lower as relative_index_lower_ci_95,
    slope.rii_upper as relative_index_upper_ci_95,
    slope.reason as no_slope_reason,
    case when has_populations then 'denominators' else 'equal_shares' end as population_basis
from simulated
