-- Adds the recent trend, computed, to the newest period of each indicator. Windows and one aggregate, no self-join of
-- the values; the trend rows (one per series) are joined back by value_key. A series ends at a documented break.
{% set series = "indicator_id, area_code, area_type, sex, age, category_type, category, series_number" %}
with
    points as (
        select
            v.value_key,
            v.indicator_id,
            v.area_code,
            v.area_type,
            v.sex,
            v.age,
            v.category_type,
            v.category,
            v.series_number,
            v.period_end,
            v.period_months,
            v.polarity,
            i.value_type = 'proportion' as is_proportion,
            v.count as c,
            v.denominator as n,
            v.value as y,
            1 / nullif(pow((v.upper_ci_95 - v.lower_ci_95) / 3.92, 2), 0) as w,
            -- Counts that are not numerators of the value are barred.
            case
                when i.value_type = 'proportion'
                then coalesce(v.is_count_numerator = 1, false)
                else v.value is not null and v.lower_ci_95 is not null and v.upper_ci_95 is not null
            end as is_valid
        from {{ ref("int_indicator_values__compared") }} as v
        inner join {{ source("registry", "indicators") }} as i on v.indicator_id = i.id
    ),

    newest_five as (
        select
            *,
            6 - row_number() over (partition by {{ series }} order by period_end desc) as t,
            ln(c / nullif(n - c, 0)) as x
        from points
        where is_valid and period_months = 12
        qualify t >= 1
    ),

    -- Totals of the series beside each of its points, added up in the order of time so that the last bit is always
    -- the same.
    summed as (
        select
            *,
            count(*) over series as k,
            bool_or(case when is_proportion then c = n or c = 0 else w is null end) over series as cannot,
            sum(n) over series as sn,
            sum(c) over series as sc,
            sum(n * t) over series as snt,
            sum(c * t) over series as sct,
            sum(n * t * t) over series as sntt,
            sum(t) over series as st,
            sum(x) over series as sx,
            sum(x * t) over series as sxt,
            sum(w) over series as sw,
            sum(w * t) over series as swt,
            sum(w * t * t) over series as swtt,
            sum(w * y) over series as swy,
            sum(w * y * t) over series as swyt
        from newest_five
        window series as (partition by {{ series }} order by t rows between unbounded preceding and unbounded following)
    ),

    sloped as (
        select
            {{ series }},
            k,
            cannot,
            case
                when is_proportion
                then {{ trend_chi_squared_proportion("sn", "sc", "snt", "sct", "sntt") }}
                else {{ trend_chi_squared_limits("sw", "swt", "swtt", "swy", "swyt") }}
            end as chi_squared,
            case
                when is_proportion
                then {{ slope_is_upward("k", "sx", "st", "sxt") }}
                else {{ slope_is_upward("sw", "swy", "swt", "swyt") }}
            end as is_upward,
            case
                when is_proportion
                then {{ slope_is_upward("(k - 1)", "(sx - x)", "(st - t)", "(sxt - x * t)") }}
                else {{ slope_is_upward("(sw - w)", "(swy - w * y)", "(swt - w * t)", "(swyt - w * y * t)") }}
            end as is_upward_without_this_point
        from summed
    ),

    screened as (
        select
            {{ series }},
            any_value(k) as k,
            bool_or(cannot) as cannot,
            any_value(chi_squared) as chi_squared,
            any_value(is_upward) as is_upward,
            bool_and(is_upward_without_this_point = is_upward) as all_signs_agree
        from sloped
        group by {{ series }}
    ),

    carried as (
        select value_key, {{ series }}
        from points
        -- Fingertips prints the trend on the newest period of the indicator only; areas whose series ended earlier
        -- stay blank.
        qualify period_end = max(period_end) over (partition by indicator_id)
    )

select
    v.*,
    case
        when c.value_key is null
        then null
        when s.k is null or s.k < 5 or s.cannot or s.chi_squared is null
        then 'Cannot be calculated'
        else
            {{
                trend_label(
                    "(s.chi_squared > " ~ trend_threshold() ~ " and s.all_signs_agree)",
                    "s.is_upward",
                    "v.polarity",
                )
            }}
    end as recent_trend_computed
from {{ ref("int_indicator_values__compared") }} as v
left join carried as c on v.value_key = c.value_key
left join
    screened as s
    on {% for c in series.split(", ") %} v.{{ c }} = s.{{ c }} {% if not loop.last %} and {% endif %} {% endfor %}
