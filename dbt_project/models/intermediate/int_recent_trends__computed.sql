-- The recent trend of each series at the newest period of its indicator, with the points behind it or the reason why
-- there is none. One row per value of that period; other values have no row, as Fingertips prints the trend there
-- only.
--
-- Which method a series follows is said by the seed `trend_rules`, for the table that its newest value comes from: the
-- publisher's old and new services compute the same marker in two ways.
--
-- The five points of a series are picked by one window over a few narrow columns, with no self-join, and everything
-- after works on one row per series. A series goes by two hashes of its key, 128 bits together: a sort by nine columns
-- of text takes three times as long, and an aggregate that keeps five records per series does not fit into memory.
-- Five terms are added up in the order of time, so that the last bit is always the same. A series is cut at each
-- documented break, and holds periods of one year only.
{% set series = "indicator_id, area_code, area_type, sex, age, category_type, category, series_number, period_type" %}
{% set series_of_v = "v." ~ series | replace(", ", ", v.") %}
{% set points = range(1, 6) %}
with
    rules as (
        select t.source_id, t.source_table, arg_max(r.trend_method, r.source_table is not null) as trend_method
        from (select distinct source_id, source_table from {{ ref("int_indicator_values__valued") }}) as t
        inner join
            {{ ref("trend_rules") }} as r
            on coalesce(r.source_id, t.source_id) is not distinct from t.source_id
            and coalesce(r.source_table, t.source_table) is not distinct from t.source_table
        group by all
    ),

    periods as (
        select indicator_id, max(period_end) as newest_end from {{ ref("int_indicator_values__valued") }} group by all
    ),

    points as (
        select
            hash({{ series_of_v }}) as series_hash,
            hash('second', {{ series_of_v }}) as second_hash,
            v.period_end,
            v.period_label,
            {{ has_trend("v.value_type") }} as has_trend,
            v.value_type = 'proportion' and r.trend_method = 'counts_for_proportions' as by_counts,
            v.value is not null as has_value,
            v.value_type = 'proportion'
            and r.trend_method = 'counts_for_proportions'
            and coalesce(v.is_count_numerator = 0, false) as has_other_count,
            v.value_type = 'proportion'
            and r.trend_method = 'counts_for_proportions'
            or r.trend_method = 'limits_for_all'
            and v.count is null as lacks_counts,
            v.count as c,
            v.denominator as n,
            v.value as y,
            v.lower_ci_95 is null or v.upper_ci_95 is null as is_limit_computed,
            pow(({{ limit_in_use("upper") }} - {{ limit_in_use("lower") }}) / 3.92, 2) as variance,
            -- Counts that are not numerators of the value are barred from the method that uses them.
            case
                when v.value_type = 'proportion' and r.trend_method = 'counts_for_proportions'
                then coalesce(v.is_count_numerator = 1, false)
                when r.trend_method = 'limits_for_all'
                then
                    v.value is not null
                    and v.count is not null
                    and v.denominator > 0
                    and {{ limit_in_use("upper") }} is not null
                else v.value is not null and {{ limit_in_use("upper") }} is not null
            end as is_valid
        from {{ ref("int_indicator_values__valued") }} as v
        inner join
            rules as r
            on v.source_id is not distinct from r.source_id
            and v.source_table is not distinct from r.source_table
        where v.period_months = 12
    ),

    newest_five as (
        select *, 6 - row_number() over (partition by series_hash, second_hash order by period_end desc) as t
        from points
        where is_valid
        qualify t >= 1
    ),

    counted as (
        select
            series_hash,
            second_hash,
            any_value(has_trend) as has_trend,
            max_by(by_counts, period_end) as by_counts,
            cast(count(*) filter (where has_value) as integer) as points_with_value,
            bool_or(has_other_count) as has_other_count,
            bool_or(lacks_counts) as lacks_counts
        from points
        group by series_hash, second_hash
    ),

    -- The newest point is t = 5.
    pivoted as (
        select
            series_hash,
            second_hash,
            cast(count(*) as integer) as points,
            {% for i in points %}
                {% for number in ["c", "n", "y", "variance"] %}
                    max({{ number }}) filter (where t = {{ i }}) as {{ number }}{{ i }},
                {% endfor %}
                max(period_label) filter (where t = {{ i }}) as label{{ i }},
            {% endfor %}
            bool_or(is_limit_computed) as has_computed_limits
        from newest_five
        group by series_hash, second_hash
    ),

    termed as (
        select
            c.*,
            coalesce(p.points, 0) as points,
            p.has_computed_limits,
            {% for i in points %}
                {% for number in ["c", "n", "y"] %} p.{{ number }}{{ i }}, {% endfor %}
                1 / nullif(p.variance{{ i }}, 0) as w{{ i }},
                ln(p.c{{ i }} / nullif(p.n{{ i }} - p.c{{ i }}, 0)) as x{{ i }},
            {% endfor %}
            nullif(concat_ws(', ' {% for i in points %}, p.label{{ i }} {% endfor %}), '') as labels
        from counted as c
        left join pivoted as p on c.series_hash = p.series_hash and c.second_hash = p.second_hash
    ),

    tested as (
        select
            series_hash,
            second_hash,
            points,
            labels,
            by_counts,
            has_computed_limits,
            case
                when not has_trend
                then 'type_has_no_trend'
                when points < 5 and points_with_value >= 5
                then
                    case
                        when has_other_count
                        then 'count_is_not_numerator'
                        when lacks_counts
                        then 'no_counts'
                        else 'no_limits'
                    end
                when points < 5
                then 'fewer_than_five_points'
                when
                    {% for i in points %}
                        coalesce(c{{ i }} = n{{ i }} or by_counts and c{{ i }} = 0, false) {{ "or" if not loop.last }}
                    {% endfor %}
                then 'count_is_none_or_all'
                when not by_counts and ({% for i in points %}w{{ i }} is null {{ "or" if not loop.last }} {% endfor %})
                then 'limits_without_width'
            end as no_trend_reason,
            case
                when by_counts
                then {{ trend_chi_squared_proportion("n", "c") }}
                else {{ trend_chi_squared_limits("w", "y") }}
            end as chi_squared,
            {% set slope = slope_sign("1", "x", points), slope_sign("w", "y", points) %}
            case when by_counts then {{ slope[0] }} else {{ slope[1] }} end as slope_sign,
            -- Without each point in turn.
            {% for left_out in points %}
                {% set others = points | reject("equalto", left_out) | list %}
                case
                    when by_counts
                    then {{ slope_sign("1", "x", others) }} * {{ slope[0] }}
                    else {{ slope_sign("w", "y", others) }} * {{ slope[1] }}
                end
                >= 0 {{ "and" if not loop.last else "as no_sign_turns" }}
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
                    "(t.chi_squared > " ~ trend_threshold() ~ " and t.no_sign_turns)",
                    "t.slope_sign >= 0",
                    "v.polarity",
                )
            }}
        else 'Cannot be calculated'
    end as recent_trend_computed,
    case
        when not {{ has_trend("v.value_type") }}
        then 'type_has_no_trend'
        when v.period_months <> 12
        then 'period_is_not_one_year'
        when t.points is null
        then 'fewer_than_five_points'
        when t.no_trend_reason is null and t.chi_squared is null
        then 'count_is_none_or_all'
        else t.no_trend_reason
    end as no_trend_reason,
    cast(coalesce(t.points, 0) as integer) as recent_trend_points,
    t.labels as recent_trend_periods,
    case when t.points = 5 and t.no_trend_reason is null then t.chi_squared end as recent_trend_chi_squared,
    case
        when t.points < 5 or t.no_trend_reason is not null
        then null
        when t.by_counts
        then 'counts'
        when t.has_computed_limits
        then 'computed_limits'
        else 'published_limits'
    end as recent_trend_basis
from {{ ref("int_indicator_values__valued") }} as v
inner join periods as n on v.indicator_id = n.indicator_id and v.period_end = n.newest_end
left join tested as t on hash({{ series_of_v }}) = t.series_hash and hash('second', {{ series_of_v }}) = t.second_hash
