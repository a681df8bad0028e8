-- Adds the recent trend, computed, to the newest period of each indicator. Windows and one aggregate, no self-join of
-- the
-- values; the trend rows (one per series) are joined back by value_key.
{% set series = "indicator_id, area_code, sex, age, category_type, category" %}
with
    points as (
        select
            v.value_key,
            v.indicator_id,
            v.area_code,
            v.sex,
            v.age,
            v.category_type,
            v.category,
            v.period_end,
            v.period_months,
            v.polarity,
            i.value_type = 'proportion' as is_proportion,
            v.count as c,
            v.denominator as n,
            v.value as y,
            1 / nullif(pow((v.upper_ci_95 - v.lower_ci_95) / 3.92, 2), 0) as w,
            -- Counts that are not numerators of the value are barred: one indicator has counts of about 100 beside
            -- denominators of 17,000 and values of 20 to 35 %.
            case
                when i.value_type = 'proportion'
                then
                    v.value is not null
                    and v.count is not null
                    and v.denominator > 0
                    and abs(v.count / v.denominator * i.multiplier - v.value) <= 0.01 * greatest(abs(v.value), 1)
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

    sums as (
        select
            {{ series }},
            any_value(polarity) as polarity,
            any_value(is_proportion) as is_proportion,
            count(*) as k,
            bool_or(is_proportion and (c = n or c = 0)) as has_infinite_logit,
            bool_or(not is_proportion and w is null) as has_no_width,
            sum(n) as sn,
            sum(c) as sc,
            sum(n * t) as snt,
            sum(c * t) as sct,
            sum(n * t * t) as sntt,
            sum(t) as st,
            sum(x) as sx,
            sum(x * t) as sxt,
            sum(w) as sw,
            sum(w * t) as swt,
            sum(w * t * t) as swtt,
            sum(w * y) as swy,
            sum(w * y * t) as swyt
        from newest_five
        group by {{ series }}
    ),

    screened as (
        select
            {% for c in series.split(", ") %} s.{{ c }}, {% endfor %}
            any_value(s.polarity) as polarity,
            any_value(s.k) as k,
            any_value(s.has_infinite_logit or s.has_no_width) as cannot,
            any_value(
                case
                    when s.is_proportion
                    then {{ trend_chi_squared_proportion("s.sn", "s.sc", "s.snt", "s.sct", "s.sntt") }}
                    else {{ trend_chi_squared_limits("s.sw", "s.swt", "s.swtt", "s.swy", "s.swyt") }}
                end
            ) as chi_squared,
            any_value(
                case
                    when s.is_proportion
                    then {{ slope_is_upward("s.k", "s.sx", "s.st", "s.sxt") }}
                    else {{ slope_is_upward("s.sw", "s.swy", "s.swt", "s.swyt") }}
                end
            ) as is_upward,
            count(
                distinct
                case
                    when s.is_proportion
                    then {{ slope_is_upward("(s.k - 1)", "(s.sx - p.x)", "(s.st - p.t)", "(s.sxt - p.x * p.t)") }}
                    else
                        {{
                            slope_is_upward(
                                "(s.sw - p.w)",
                                "(s.swy - p.w * p.y)",
                                "(s.swt - p.w * p.t)",
                                "(s.swyt - p.w * p.y * p.t)",
                            )
                        }}
                end
            ) as signs_without_one,
            bool_or(
                case
                    when s.is_proportion
                    then {{ slope_is_upward("(s.k - 1)", "(s.sx - p.x)", "(s.st - p.t)", "(s.sxt - p.x * p.t)") }}
                    else
                        {{
                            slope_is_upward(
                                "(s.sw - p.w)",
                                "(s.swy - p.w * p.y)",
                                "(s.swt - p.w * p.t)",
                                "(s.swyt - p.w * p.y * p.t)",
                            )
                        }}
                end
            ) as upward_without_one
        from sums as s
        inner join
            newest_five as p
            on {% for c in series.split(", ") %}
                s.{{ c }} = p.{{ c }} {% if not loop.last %} and {% endif %}
            {% endfor %}
        group by {% for c in series.split(", ") %} s.{{ c }}{% if not loop.last %}, {% endif %} {% endfor %}
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
                    "(s.chi_squared > "
                    ~ trend_threshold()
                    ~ " and s.signs_without_one = 1 and s.upward_without_one = s.is_upward)",
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
