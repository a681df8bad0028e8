-- Every goal of the seed `indicator_goals` as the two values that it means for one indicator, period, sex and age: the
-- limits themselves, England's value a year before, or the values at two percentiles of the upper-tier councils.
with
    goals as (
        select g.*, i.polarity
        from {{ ref("indicator_goals") }} as g
        inner join {{ ref("int_indicators__described") }} as i on g.indicator_id = i.id
    ),

    totals as (
        select v.*
        from {{ ref("int_indicator_values__measured") }} as v
        where v.category_type = 'Total' and v.indicator_id in (select indicator_id from goals)
    ),

    periods as (
        select
            indicator_id,
            sex,
            age,
            period_type,
            period_start,
            period_end,
            list_sort(
                list(value) filter (where value is not null and {{ is_of_tier("area_type", "upper_tier") }})
            ) as upper_tier_values
        from totals
        group by all
    )

select
    g.goal_id,
    g.goal_type,
    p.indicator_id,
    p.sex,
    p.age,
    p.period_type,
    p.period_start,
    p.period_end,
    case
        g.goal_type
        when 'previous_year_england'
        then e.value
        when 'percentile_range'
        then {{ inclusive_percentile("p.upper_tier_values", "g.lower_limit / 100.0") }}
        else g.lower_limit
    end as lower_bound,
    case
        g.goal_type
        when 'percentile_range'
        then {{ inclusive_percentile("p.upper_tier_values", "g.upper_limit / 100.0") }}
        when 'range'
        then g.upper_limit
    end as upper_bound,
    cast(len(p.upper_tier_values) as integer) as count_of_values
from periods as p
inner join
    goals as g
    on p.indicator_id = g.indicator_id
    and coalesce(g.valid_from, p.period_end) <= p.period_end
    and coalesce(g.valid_to, p.period_end) >= p.period_end
left join
    totals as e
    on p.indicator_id = e.indicator_id
    and p.sex = e.sex
    and p.age = e.age
    and p.period_type = e.period_type
    and p.period_end = cast(e.period_end + interval 1 year as date)
    and p.period_start = cast(e.period_start + interval 1 year as date)
    and e.area_code = 'E92000001'
