-- The recent trend of each series at the newest period of its indicator, with the points behind it or the reason why there
-- is none. One row per value of that period; other values have no row, as Fingertips prints the trend there only.
--
-- The five points of a series are picked by one aggregate (no sort of the table, no self-join), and everything after works
-- on one row per series. Five terms are added up in the order of time, so that the last bit is always the same.
-- A series is cut at each documented break, and holds periods of one year only.
{% set series = "indicator_id, area_code, area_type, sex, age, category_type, category, series_number, period_type" %}
{% set points = range(1, 6) %}
with
    periods as (select indicator_id, max(period_end) as newest_end from {{ ref("int_indicator_values__compared") }} group by all),

    points as (
        select
            {{ series }},
            period_end,
            period_label,
            polarity,
            value_type = 'proportion' as is_proportion,
            value is not null as has_value,
            coalesce(is_count_numerator = 0, false) as has_other_count,
            count as c,
            denominator as n,
            value as y,
            pow(({{ limits_pair("upper") }} - {{ limits_pair("lower") }}) / 3.92, 2) as variance,
            -- Counts that are not numerators of the value are barred.
            case
                when value_type = 'proportion'
                then coalesce(is_count_numerator = 1, false)
                else value is not null and {{ limits_pair("upper") }} is not null
            end as is_valid
        from {{ ref("int_indicator_values__compared") }}
        where period_months = 12
    ),

    newest_five as (
        select
            {{ series }},
            any_value(polarity) as polarity,
            any_value(is_proportion) as is_proportion,
            cast(count(*) filter (where has_value) as integer) as points_with_value,
            bool_or(has_other_count) as has_other_count,
            max_by(
                {'label': period_label, 'c': c, 'n': n, 'y': y, 'v': variance}, period_end, 5
            ) filter (where is_valid) as newest_first
        from points
        group by {{ series }}
    ),

    pointed as (
        select * exclude (newest_first), list_reverse(newest_first) as p, coalesce(len(newest_first), 0) as points
        from newest_five
    ),

    termed as (
        select
            {{ series }},
            polarity,
            is_proportion,
            points_with_value,
            has_other_count,
            points,
            list_transform(p, lambda one: one.label) as labels,
            {% for i in points %}
                p[{{ i }}].c as c{{ i }},
                p[{{ i }}].n as n{{ i }},
                p[{{ i }}].y as y{{ i }},
                1 / nullif(p[{{ i }}].v, 0) as w{{ i }},
                ln(p[{{ i }}].c / nullif(p[{{ i }}].n - p[{{ i }}].c, 0)) as x{{ i }},
            {% endfor %}
        from pointed
    ),

    tested as (
        select
            {{ series }},
            polarity,
            points,
            labels,
            case
                when points < 5 and points_with_value >= 5
                then
                    case
                        when has_other_count
                        then 'count_is_not_numerator'
                        when is_proportion
                        then 'no_counts'
                        else 'no_limits'
                    end
                when points < 5
                then 'fewer_than_five_points'
                when is_proportion and ({% for i in points %} c{{ i }} in (0, n{{ i }}) {{ "or" if not loop.last }} {% endfor %})
                then 'count_is_none_or_all'
                when not is_proportion and ({% for i in points %} w{{ i }} is null {{ "or" if not loop.last }} {% endfor %})
                then 'limits_without_width'
            end as no_trend_reason,
            case
                when is_proportion
                then {{ trend_chi_squared_proportion("n", "c") }}
                else {{ trend_chi_squared_limits("w", "y") }}
            end as chi_squared,
            case
                when is_proportion
                then {{ slope_is_upward("1", "x", points) }}
                else {{ slope_is_upward("w", "y", points) }}
            end as is_upward,
            -- The sign of the slope without each point in turn.
            {% for left_out in points %}
                {% set others = points | reject("equalto", left_out) | list %}
                is_upward = case
                    when is_proportion
                    then {{ slope_is_upward("1", "x", others) }}
                    else {{ slope_is_upward("w", "y", others) }}
                end
                {{ "and" if not loop.last else "as all_signs_agree" }}
            {% endfor %}
        from termed
    )

select
    v.value_key,
    case
        when t.points = 5 and t.no_trend_reason is null and t.chi_squared is not null
        then
            {{
                trend_label(
                    "(t.chi_squared > " ~ trend_threshold() ~ " and t.all_signs_agree)", "t.is_upward", "v.polarity"
                )
            }}
        else 'Cannot be calculated'
    end as recent_trend_computed,
    case
        when v.period_months <> 12
        then 'period_is_not_one_year'
        when t.points is null
        then 'fewer_than_five_points'
        when t.no_trend_reason is null and t.chi_squared is null
        then 'count_is_none_or_all'
        else t.no_trend_reason
    end as no_trend_reason,
    cast(coalesce(t.points, 0) as integer) as recent_trend_points,
    array_to_string(t.labels, ', ') as recent_trend_periods,
    case when t.points = 5 and t.no_trend_reason is null then t.chi_squared end as recent_trend_chi_squared
from {{ ref("int_indicator_values__compared") }} as v
inner join periods as n on v.indicator_id = n.indicator_id and v.period_end = n.newest_end
left join tested as t on {% for c in series.split(", ") %} v.{{ c }} = t.{{ c }} {{ "and" if not loop.last }} {% endfor %}
