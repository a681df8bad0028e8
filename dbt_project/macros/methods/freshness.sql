{#- FRESHNESS of a source or an indicator on a day: what was to be expected, and what is at hand.

    Dates; months and days are whole numbers. The same rules as pipelines/schedule/freshness.py, which says why; a test
    holds both to each other. NULL where an input that a rule needs is absent.

    The last day on which a release may have been retrieved, from its name: `2026-05` stands for the whole month. -#}
{% macro release_last_day(release) -%}
    coalesce(
        try_cast(regexp_extract({{ release }}, '^\d{4}-\d{2}-\d{2}') as date),
        last_day(try_cast(regexp_extract({{ release }}, '^\d{4}-\d{2}') || '-01' as date))
    )
{%- endmacro %}

{#- Months between two releases; NULL where the cadence promises none. -#}
{% macro cadence_months(cadence) -%}
    case {{ cadence }} when 'monthly' then 1 when 'quarterly' then 3 when 'annual' then 12 end
{%- endmacro %}

{#- A day that is a number of steps of so many months after another. -#}
{% macro months_after(day, months, steps) -%}
    cast({{ day }} + to_months(cast({{ months }} * ({{ steps }}) as integer)) as date)
{%- endmacro %}

{#- The day of the next release: the declared one, or the first after it, at the cadence, for which the newest release is
    not the one that was expected. A release counts for a day from `grace_days` before it. Whole steps up to the month of
    the release give the last day that may lie behind it; the one before lies in an earlier month. -#}
{% macro release_expected_on(next_release, months, grace_days, newest_day) -%}
    {%- set here_until = "(" ~ newest_day ~ " + " ~ grace_days ~ ")" -%}
    {%- set steps = "date_diff('month', " ~ next_release ~ ", " ~ here_until ~ ") // " ~ months -%}
    case
        when {{ newest_day }} is null or {{ next_release }} > {{ here_until }}
        then {{ next_release }}
        when {{ months_after(next_release, months, steps) }} > {{ here_until }}
        then {{ months_after(next_release, months, steps) }}
        else {{ months_after(next_release, months, steps ~ " + 1") }}
    end
{%- endmacro %}

{#- The end of the next period; the last day of a month is followed by the last day of a month. -#}
{% macro next_period_end(latest_end, months) -%}
    case
        when {{ latest_end }} = last_day({{ latest_end }})
        then last_day({{ latest_end }} + to_months(cast({{ months }} as integer)))
        else cast({{ latest_end }} + to_months(cast({{ months }} as integer)) as date)
    end
{%- endmacro %}

{#- `no release`, `stale`, `no calendar`, `late`, `due` or `current`, in this order. -#}
{% macro freshness_state(day, newest, expected_on, grace_days, stale_after) -%}
    case
        when {{ newest }} is null
        then 'no release'
        when {{ day }} > {{ stale_after }}
        then 'stale'
        when {{ expected_on }} is null
        then 'no calendar'
        when {{ day }} > {{ expected_on }} + {{ grace_days }}
        then 'late'
        when {{ day }} >= {{ expected_on }}
        then 'due'
        else 'current'
    end
{%- endmacro %}

{#- Days since the expected day once it is late, otherwise 0; NULL where nothing is expected. -#}
{% macro days_late(day, expected_on, grace_days) -%}
    case
        when {{ day }} > {{ expected_on }} + {{ grace_days }}
        then date_diff('day', {{ expected_on }}, {{ day }})
        when {{ expected_on }} is not null
        then 0
    end
{%- endmacro %}

{#- Whether anybody has looked, and what was found; NULL, for no poll, is `not polled`. -#}
{% macro poll_state(outcome) -%}
    case
        when {{ outcome }} is null
        then 'not polled'
        when {{ outcome }} in ('unchanged', 'changed')
        then concat('polled, ', {{ outcome }})
        else 'poll failed'
    end
{%- endmacro %}

{% macro day_words(day) -%} strftime({{ day }}, '%-d %B %Y') {%- endmacro %}

{% macro days_words(days) -%} case when {{ days }} = 1 then '1 day' else concat({{ days }}, ' days') end {%- endmacro %}

{#- The last sentence about a source or an indicator. -#}
{% macro poll_words(outcome, polled_at) -%}
    case
        when {{ outcome }} is null
        then 'Not polled.'
        when {{ outcome }} = 'unchanged'
        then concat('Polled on ', {{ day_words(polled_at) }}, ': unchanged.')
        when {{ outcome }} = 'changed'
        then concat('Polled on ', {{ day_words(polled_at) }}, ': changed since it was last fetched.')
        else concat('The poll on ', {{ day_words(polled_at) }}, ' failed.')
    end
{%- endmacro %}

{#- What can be said of a source. -#}
{% macro source_freshness_words(state, expected_on, grace_days, days_late, stale_after, newest, served) -%}
    case
        {{ state }}
        when 'no release'
        then 'No release is at hand.'
        when 'stale'
        then
            concat(
                'The newest release that is served is ',
                {{ served }},
                ': stale since ',
                {{ day_words(stale_after ~ " + 1") }},
                '.',
                case
                    when {{ days_late }} > 0
                    then
                        concat(
                            ' The release expected on ',
                            {{ day_words(expected_on) }},
                            ' is ',
                            {{ days_words(days_late) }},
                            ' late.'
                        )
                end
            )
        when 'late'
        then
            concat(
                'The release expected on ',
                {{ day_words(expected_on) }},
                ' is ',
                {{ days_words(days_late) }},
                ' late; the newest at hand is ',
                {{ newest }},
                '.'
            )
        when 'due'
        then
            concat(
                'A release is due since ',
                {{ day_words(expected_on) }},
                ' and late after ',
                {{ day_words(expected_on ~ " + " ~ grace_days) }},
                '; the newest at hand is ',
                {{ newest }},
                '.'
            )
        when 'current'
        then
            concat(
                'The next release is expected on ',
                {{ day_words(expected_on) }},
                '; the newest at hand is ',
                {{ newest }},
                '.'
            )
        else concat('No next release is promised; the newest at hand is ', {{ newest }}, '.')
    end
{%- endmacro %}

{#- What can be said of an indicator. -#}
{% macro indicator_freshness_words(
    state, expected_on, grace_days, days_late, stale_after, release, latest_end, following_end
) -%}
    case
        {{ state }}
        when 'no release'
        then 'No value is published.'
        when 'stale'
        then
            concat(
                'The newest release with a value is ',
                {{ release }},
                ': stale since ',
                {{ day_words(stale_after ~ " + 1") }},
                '.',
                case
                    when {{ days_late }} > 0
                    then
                        concat(
                            ' The period to ',
                            {{ day_words(following_end) }},
                            ' is ',
                            {{ days_words(days_late) }},
                            ' late.'
                        )
                end
            )
        when 'late'
        then
            concat(
                'The period to ',
                {{ day_words(following_end) }},
                ' was expected on ',
                {{ day_words(expected_on) }},
                ' and is ',
                {{ days_words(days_late) }},
                ' late; the latest ends on ',
                {{ day_words(latest_end) }},
                '.'
            )
        when 'due'
        then
            concat(
                'The period to ',
                {{ day_words(following_end) }},
                ' is due since ',
                {{ day_words(expected_on) }},
                ' and late after ',
                {{ day_words(expected_on ~ " + " ~ grace_days) }},
                '; the latest ends on ',
                {{ day_words(latest_end) }},
                '.'
            )
        when 'current'
        then
            concat(
                'The period to ',
                {{ day_words(following_end) }},
                ' is expected on ',
                {{ day_words(expected_on) }},
                '; the latest ends on ',
                {{ day_words(latest_end) }},
                '.'
            )
        else concat('Nobody can say when the next period comes; the latest ends on ', {{ day_words(latest_end) }}, '.')
    end
{%- endmacro %}
