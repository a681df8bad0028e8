-- When a deadline is answered by data: the period that reaches the due date, and the day on which its figures are to be
-- expected. One row per commitment, place and group with data and a due date.
--
-- The period: the first in the data that reaches the date; otherwise the steps of the series, counted on from its
-- latest
-- period (a pooled series moves by one year, not by its length). The day of publication: that of the answering period's
-- own release where it is in the data; otherwise the end of that period and the time that the latest figures took to
-- appear. That lag is an upper bound where a release holds older periods, and says nothing about a source that is late.
{% set scope = "commitment_id, area_code, indicator_id, sex, age, category_type, category" %}
with
    stepped as (
        select
            *,
            date_diff('month', lag(period_end) over (partition by {{ scope }} order by period_end), period_end) as step
        from {{ ref("int_commitment_values__matched") }}
        where due_date is not null and value is not null
    ),

    series as (
        select
            {{ scope }},
            any_value(due_date) as due_date,
            max(period_end) as latest_end,
            any_value(period_months) as period_months,
            -- A longer gap is a hole in the series and not its step: nothing at hand is published less than every
            -- other year.
            least(coalesce(min(step) filter (where step > 0), least(any_value(period_months), 12)), 24) as step_months,
            min(period_end) filter (where period_end >= due_date) as answered_end,
            arg_min(source_release, period_end) filter (where period_end >= due_date) as answered_release,
            arg_max(source_release, period_end) as latest_release
        from stepped
        group by {{ scope }}
    ),

    lagged as (
        select
            *,
            greatest(date_diff('day', latest_end, {{ released_on("latest_release") }}), 0) as publication_lag_days,
            -- From month to month, so that a due date within a month is answered by the period that holds it.
            cast(ceil(greatest(date_diff('month', latest_end, due_date), 0) / step_months) as integer) as steps_to_due
        from series
    )

select
    {{ scope }},
    coalesce(
        answered_end, last_day(cast(latest_end + to_months(cast(steps_to_due * step_months as integer)) as date))
    ) as answering_period_end,
    coalesce(
        {{ released_on("answered_release") }},
        cast(
            last_day(cast(latest_end + to_months(cast(steps_to_due * step_months as integer)) as date))
            + to_days(cast(publication_lag_days as integer)) as date
        )
    ) as answer_expected_on,
    answered_end is not null as is_answered,
    latest_end,
    step_months,
    publication_lag_days
from lagged
