-- The values of the groups of one area, period, sex and age that can be set beside each other: deprivation tenths and
-- fifths in their order, men and women, and the categories of any other kind. One row per value.
--
-- group_number: for deprivation 1 is the most deprived; empty for categories that say that the group is not known.
-- Limits as published where both are printed, else as computed.
{{ config(materialized="view") }}
with
    categorised as (
        select
            v.*,
            case
                when v.category_type <> 'Total' then v.category_type when v.sex in ('Male', 'Female') then 'Sex'
            end as dimension,
            c.sequence,
            regexp_matches(v.category_type, '(?i)deciles') as is_decile,
            regexp_matches(v.category_type, '(?i)deprivation (deciles|quintiles)|IMD quintile') as is_deprivation
        from {{ ref("int_indicator_values__measured") }} as v
        left join {{ ref("categories") }} as c on v.category_type = c.category_type and v.category = c.category
        where v.category_type <> 'Total' or v.sex in ('Male', 'Female')
    )

select
    indicator_id,
    area_code,
    area_type,
    period_type,
    period_start,
    period_end,
    case when dimension = 'Sex' then 'Persons' else sex end as sex,
    age,
    dimension,
    case when dimension = 'Sex' then sex else category end as group_name,
    is_deprivation,
    case when is_deprivation then case when is_decile then 10 else 5 end end as quantile_count,
    case
        when regexp_matches(category, '(?i)unknown|not stated')
        then null
        when is_deprivation
        then case when is_decile then 11 else 6 end - sequence
        when dimension = 'Sex'
        then case sex when 'Male' then 1 else 2 end
        else coalesce(sequence, 0)
    end as group_number,
    value_type,
    multiplier,
    polarity,
    value,
    {{ limit_in_use("lower") }} as lower_95,
    {{ limit_in_use("upper") }} as upper_95,
    denominator,
    value_key
from categorised
