-- The gap between two groups of one area, period, sex and age; one row per dimension.
--
-- Deprivation: the two ends; where one of them has no value the row says how many groups have one, and no gap. Sex:
-- men and women. Any other: the highest and the lowest, which has no limits because the two were picked by their
-- values. The direction is said with every row: where the indicator is judged, a positive gap between the ends of
-- deprivation means that the most deprived are worse off.
{% set grain = "indicator_id, area_code, area_type, period_type, period_start, period_end, sex, age, dimension" %}
with
    counted as (
        select
            {{ grain }},
            any_value(is_deprivation) as is_deprivation,
            any_value(quantile_count) as quantile_count,
            any_value(polarity) as polarity,
            cast(count(value) as integer) as groups,
            max_by(g, group_number) filter (where is_end and value is not null) as last_group,
            min_by(g, group_number) filter (where is_end and value is not null) as first_group,
            max_by(g, (value, value_key)) filter (where value is not null) as highest_group,
            min_by(g, (value, value_key)) filter (where value is not null) as lowest_group
        from
            (
                select
                    *,
                    group_number in (1, case when dimension = 'Sex' then 2 else quantile_count end) as is_end,
                    {
                        'name':group_name,
                        'value':value,
                        'lower':lower_95,
                        'upper':upper_95,
                        'value_key':value_key,
                        'number':group_number
                    } as g
                from {{ ref("int_inequality_groups__ordered") }}
                where group_number is not null
            )
        group by {{ grain }}
    ),

    directed as (
        select
            *,
            case
                when is_deprivation and polarity = 'high_is_good'
                then 'least_minus_most_deprived'
                when is_deprivation
                then 'most_minus_least_deprived'
                when dimension = 'Sex'
                then 'male_minus_female'
                else 'highest_minus_lowest'
            end as gap_direction
        from counted
    ),

    paired as (
        select
            *,
            case
                gap_direction
                when 'least_minus_most_deprived'
                then last_group
                when 'highest_minus_lowest'
                then highest_group
                else first_group
            end as a,
            case
                gap_direction
                when 'least_minus_most_deprived'
                then first_group
                when 'highest_minus_lowest'
                then lowest_group
                else last_group
            end as b
        from directed
    ),

    -- One end alone is no pair.
    complete as (
        select
            * replace (
                case when a.value_key <> b.value_key then a end as a,
                case when a.value_key <> b.value_key then b end as b
            )
        from paired
    )

select
    {{ grain }},
    gap_direction,
    groups,
    a.name as group_a,
    b.name as group_b,
    a.value as value_a,
    b.value as value_b,
    a.value_key as value_a_key,
    b.value_key as value_b_key,
    a.value - b.value as absolute_gap,
    case
        when gap_direction <> 'highest_minus_lowest'
        then {{ gap_limit("a.value", "a.lower", "a.upper", "b.value", "b.lower", "b.upper", "lower") }}
    end as absolute_gap_lower_ci_95,
    case
        when gap_direction <> 'highest_minus_lowest'
        then {{ gap_limit("a.value", "a.lower", "a.upper", "b.value", "b.lower", "b.upper", "upper") }}
    end as absolute_gap_upper_ci_95,
    case when a.value > 0 and b.value > 0 then a.value / b.value end as relative_gap,
    case
        when gap_direction <> 'highest_minus_lowest'
        then {{ ratio_limit("a.value", "a.lower", "a.upper", "b.value", "b.lower", "b.upper", "lower") }}
    end as relative_gap_lower_ci_95,
    case
        when gap_direction <> 'highest_minus_lowest'
        then {{ ratio_limit("a.value", "a.lower", "a.upper", "b.value", "b.lower", "b.upper", "upper") }}
    end as relative_gap_upper_ci_95
from complete
where a is not null or is_deprivation
