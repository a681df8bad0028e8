-- What the series behind a commitment will show when its deadline is answered, if the pattern so far holds: the
-- expected
-- value with an 80 % interval, and the probability of meeting the target. One row per commitment, place and group that
-- the scorecard shows, with a forecast or the reason why there is none.
--
-- The series: the values since the last break, up to the latest, of periods of one length. For a moving comparator it
-- is
-- the gap to the comparator, against a target of nought. The method was chosen by backtest
-- (benchmarks/forecast_backtest.py,
-- docs/methods.md). The horizon is the time from the end of the latest period to the end of the one that answers.
{% set scope = "commitment_id, area_code, indicator_id, sex, age, category_type, category" %}
with
    pointed as (
        select
            *,
            case when target_family = 'comparator' then value - comparator_value else value end as point,
            series_number
            is not distinct from arg_max(series_number, period_end) over (partition by {{ scope }}) as is_latest_series
        from {{ ref("int_commitment_values__joined") }}
    ),

    series as (
        select
            {{ scope }},
            list(point order by period_end) as points,
            -- The last day of a period in years, so that yearly points lie one apart.
            list(year(period_end) + month(period_end) / 12.0 order by period_end) as years,
            max(period_end) as latest_end,
            any_value(period_months) as period_months
        from pointed
        where point is not null and is_latest_series
        group by {{ scope }}
    ),

    asked as (
        select
            j.commitment_id,
            j.area_code,
            j.indicator_id,
            j.sex,
            j.age,
            j.category_type,
            j.category,
            s.points,
            s.years,
            greatest(cast(round(s.period_months / 12.0) as integer), 1) as pooled_years,
            {{ years_between("s.latest_end", "x.answering_period_end") }} as horizon_years,
            case
                when j.not_assessable_reason is not null
                then 'not_assessable'
                when j.due_date is null
                then 'no_due_date'
                when x.is_answered
                then 'already_answered'
                -- Judged by the printed verdict: there is no figure to set the gap against.
                when s.points is null
                then 'no_comparator_value'
                when s.period_months % 12 <> 0
                then 'not_yearly'
            end as reason,
            j.operator_used,
            -- A target of its own for each year is that of the period that answers, where its table holds it.
            case
                when j.target_family = 'comparator'
                then 0.0
                when j.target_type in ('meet_external_annual_target', 'reduction_vs_counterfactual')
                then p.target_value_used
                else j.target_value_used
            end as target,
            -- What the measure can be at all: shares of 100, rates and years of nought or more, gaps anything.
            case
                when
                    j.target_family <> 'comparator'
                    and j.value_type
                    in ('proportion', 'count', 'crude_rate', 'directly_standardised_rate', 'life_expectancy')
                then 0.0
            end as lower_bound,
            case when j.target_family <> 'comparator' and j.value_type = 'proportion' then 100.0 end as upper_bound
        from {{ ref("int_commitment_values__judged") }} as j
        left join series as s on {{ same_scope("j", "s") }}
        left join {{ ref("int_commitment_answers__expected") }} as x on {{ same_scope("j", "x") }}
        left join
            {{ ref("int_targets__planned") }} as p
            on {{ same_scope("j", "p") }}
            and x.answering_period_end = p.period_end
        where j.is_scorecard_period = 1
    ),

    made as (
        select
            *,
            case
                when reason is null
                then
                    forecast_of(
                        points, years, horizon_years, pooled_years, operator_used, target, lower_bound, upper_bound
                    )
            end as forecast
        from asked
    )

select
    {{ scope }},
    forecast.value as forecast_value,
    forecast.lower_80 as forecast_lower_80,
    forecast.upper_80 as forecast_upper_80,
    forecast.probability as forecast_probability,
    forecast.method as forecast_method,
    forecast.points_used as forecast_points,
    coalesce(reason, forecast.reason) as no_forecast_reason
from made
