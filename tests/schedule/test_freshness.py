"""When something is expected, and from which day on it is late or stale."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.acquire.source_registry import ReleaseCalendar
from pipelines.schedule.freshness import (
    LastPoll,
    expected_release,
    indicator_freshness,
    newest_release,
    next_period_end,
    release_days,
    source_freshness,
    step_months,
)


def calendar(cadence="annual", next_release: date | None = date(2025, 9, 25), **more) -> ReleaseCalendar:
    given = {"cadence": cadence, "stale_after_days": 500, "next_release": next_release, "grace_days": 42, **more}
    return ReleaseCalendar.model_validate(given)


@pytest.mark.parametrize(
    ("release", "days"),
    [
        ("2024-10", (date(2024, 10, 1), date(2024, 10, 31))),
        ("2024-02-b", (date(2024, 2, 1), date(2024, 2, 29))),
        ("2025-02", (date(2025, 2, 1), date(2025, 2, 28))),
        ("2026-03-04", (date(2026, 3, 4), date(2026, 3, 4))),
        ("2026-03-04-02", (date(2026, 3, 4), date(2026, 3, 4))),
        ("2026-02-30", (date(2026, 2, 1), date(2026, 2, 28))),
        ("2026-13", None),
        ("unreleased", None),
        ("", None),
    ],
)
def test_the_name_of_a_release_says_when_it_was_retrieved(release, days):
    assert release_days(release) == days


def test_the_newest_release_is_the_one_retrieved_last():
    assert newest_release(["2026-02", "2026-02-10", "2025-12-31"]) == "2026-02"
    assert newest_release(["2026-05", "2026-05-b"]) == "2026-05-b"
    assert newest_release(["unreleased"]) is newest_release([]) is None


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (None, date(2025, 9, 25)),
        ("2024-10", date(2025, 9, 25)),
        # More than the grace before the day it is the release of the year before; from then on it is the expected one.
        ("2025-08-13", date(2025, 9, 25)),
        ("2025-08-14", date(2026, 9, 25)),
        ("2025-09-25", date(2026, 9, 25)),
        ("2025-09", date(2026, 9, 25)),
        ("2026-02-01", date(2026, 9, 25)),
        ("2026-08-14", date(2027, 9, 25)),
        ("2031-01", date(2031, 9, 25)),
        ("unreleased", date(2025, 9, 25)),
    ],
)
def test_after_a_release_the_next_is_expected_a_cadence_later(newest, expected):
    assert expected_release(calendar(), newest) == expected


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        ("2024-01-31", date(2024, 2, 29)),  # a leap year
        ("2024-02-29", date(2024, 3, 31)),  # not the 29th: the day is that of the calendar
        ("2024-03-31", date(2024, 4, 30)),
        ("2025-01-31", date(2025, 2, 28)),
    ],
)
def test_a_calendar_at_the_end_of_the_month_keeps_to_it(newest, expected):
    monthly = calendar("monthly", date(2024, 1, 31), grace_days=7)
    assert expected_release(monthly, newest) == expected


def test_the_leap_day_comes_back():
    leap = calendar("annual", date(2024, 2, 29))
    assert expected_release(leap, "2024-03-01") == date(2025, 2, 28)
    assert expected_release(leap, "2027-03-01") == date(2028, 2, 29)


def test_without_a_cadence_one_announced_release_is_all_that_is_expected():
    announced = calendar("irregular", date(2026, 1, 15))
    assert expected_release(announced, "2025-01") == date(2026, 1, 15)
    assert expected_release(announced, "2026-01-15") is None
    assert expected_release(calendar("irregular", None), "2025-01") is None


@pytest.mark.parametrize(
    ("day", "state", "days_late"),
    [
        (date(2025, 9, 24), "current", 0),
        (date(2025, 9, 25), "due", 0),  # the day of the release
        (date(2025, 11, 6), "due", 0),  # the last day of grace
        (date(2025, 11, 7), "late", 43),
        (date(2026, 2, 13), "late", 141),  # 500 days after the first of October 2024
        (date(2026, 2, 14), "stale", 142),
    ],
)
def test_a_source_is_due_then_late_then_stale(day, state, days_late):
    found = source_freshness(calendar(), ["2024-10"], ["2024-10"], poll=None, day=day)
    assert (found.state, found.days_late, found.is_late) == (state, days_late, days_late > 0)
    assert (found.expected_on, found.late_after) == (date(2025, 9, 25), date(2025, 11, 6))
    assert found.stale_after == date(2026, 2, 13)


def test_what_is_said_of_a_source():
    words = {
        date(2025, 9, 24): "The next release is expected on 25 September 2025; the newest at hand is 2024-10.",
        date(
            2025, 9, 25
        ): "A release is due since 25 September 2025 and late after 6 November 2025; the newest at hand is 2024-10.",
        date(2025, 11, 7): "The release expected on 25 September 2025 is 43 days late; the newest at hand is 2024-10.",
        date(2026, 2, 14): "The newest release that is served is 2024-10: stale since 14 February 2026. The release "
        "expected on 25 September 2025 is 142 days late.",
    }
    for day, said in words.items():
        assert source_freshness(calendar(), ["2024-10"], ["2024-10"], poll=None, day=day).said == f"{said} Not polled."
    strict = calendar(grace_days=0)
    assert "is 1 day late" in source_freshness(strict, ["2024-10"], ["2024-10"], poll=None, day=date(2025, 9, 26)).said


def test_a_refused_load_is_a_release_of_the_publisher_and_does_not_make_served_data_fresh():
    found = source_freshness(calendar(), ["2024-10", "2025-10"], ["2024-10"], poll=None, day=date(2026, 2, 14))
    assert (found.state, found.expected_on, found.is_late) == ("stale", date(2026, 9, 25), False)
    assert found.said.startswith("The newest release that is served is 2024-10: stale since 14 February 2026. Not")


def test_without_a_release_or_a_calendar():
    nothing = source_freshness(calendar(), [], [], poll=None, day=date(2026, 1, 1))
    assert (nothing.state, nothing.is_late, nothing.said) == ("no release", True, "No release is at hand. Not polled.")
    once = calendar("once", None, stale_after_days=None, grace_days=0)
    published = source_freshness(once, ["2022-05"], ["2022-05"], poll=None, day=date(2030, 1, 1))
    assert (published.state, published.expected_on, published.days_late) == ("no calendar", None, None)
    assert published.said == "No next release is promised; the newest at hand is 2022-05. Not polled."
    old = calendar("irregular", None, stale_after_days=800)
    assert source_freshness(old, ["2022-05"], ["2022-05"], poll=None, day=date(2030, 1, 1)).state == "stale"
    assert (
        source_freshness(calendar(), ["unreleased"], ["unreleased"], poll=None, day=date(2026, 1, 1)).state
        == "no release"
    )


@pytest.mark.parametrize(
    ("outcome", "state", "said"),
    [
        ("unchanged", "polled, unchanged", "Polled on 5 November 2025: unchanged."),
        ("changed", "polled, changed", "Polled on 5 November 2025: changed since it was last fetched."),
        ("unreachable", "poll failed", "The poll on 5 November 2025 failed."),
        ("refused", "poll failed", "The poll on 5 November 2025 failed."),
    ],
)
def test_a_poll_is_told_apart_from_no_poll(outcome, state, said):
    poll = LastPoll(datetime(2025, 11, 5, 7, 20, tzinfo=UTC), outcome)
    found = source_freshness(calendar(), ["2024-10"], ["2024-10"], poll=poll, day=date(2025, 11, 5))
    assert (found.poll_state, found.polled_at) == (state, poll.polled_at)
    assert found.said.endswith(said)
    before = source_freshness(calendar(), ["2024-10"], ["2024-10"], poll=poll, day=date(2025, 11, 4))
    assert (before.poll_state, before.polled_at) == ("not polled", None)
    assert before.said.endswith("Not polled.")


@pytest.mark.parametrize(
    ("ends", "period_months", "cadence", "months"),
    [
        ([date(2022, 3, 31), date(2023, 3, 31), date(2024, 3, 31)], 12, "quarterly", 12),
        ([date(2023, 9, 30), date(2023, 12, 31), date(2024, 3, 31)], 3, "quarterly", 3),
        ([date(2022, 12, 31), date(2023, 12, 31)], 36, "quarterly", 12),  # three years, rolled every year
        ([date(2022, 3, 31), date(2024, 3, 31), date(2025, 3, 31)], 12, "annual", 12),  # a year left out
        ([date(2024, 3, 31)], 36, "quarterly", 12),
        ([date(2024, 3, 31)], 1, "annual", 12),
        ([date(2024, 3, 31)], 1, "quarterly", 3),
        ([date(2024, 3, 1), date(2024, 3, 31)], 1, "monthly", 1),  # two in one month tell nothing
        ([date(2024, 3, 31), date(2025, 3, 31)], 12, "irregular", None),
    ],
)
def test_periods_follow_each_other_at_the_shortest_distance_that_occurs(ends, period_months, cadence, months):
    next_release = None if cadence == "irregular" else date(2025, 9, 25)
    assert step_months(ends, period_months, calendar(cadence, next_release, grace_days=7)) == months


@pytest.mark.parametrize(
    ("end", "months", "following"),
    [
        (date(2023, 2, 28), 12, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 9, 30), 3, date(2024, 12, 31)),
        (date(2024, 11, 30), 3, date(2025, 2, 28)),
        (date(2024, 1, 30), 1, date(2024, 2, 29)),
        (date(2024, 3, 15), 12, date(2025, 3, 15)),
    ],
)
def test_the_last_day_of_a_month_is_followed_by_the_last_day_of_a_month(end, months, following):
    assert next_period_end(end, months) == following


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2025, 9, 25), "current"),
        (date(2025, 9, 26), "due"),
        (date(2025, 11, 7), "due"),
        (date(2025, 11, 8), "late"),
        (date(2026, 2, 14), "stale"),
    ],
)
def test_an_indicator_is_expected_a_lag_after_the_end_of_its_next_period(day, state):
    ends = [date(2023, 3, 31), date(2024, 3, 31)]
    found = indicator_freshness(calendar(lag_days=179), ends, 12, release_id="2024-10", poll=None, day=day)
    assert (found.state, found.expected_on) == (state, date(2025, 9, 26))
    assert found.late_after == date(2025, 9, 26) + timedelta(days=42)


def test_what_is_said_of_an_indicator():
    def said(day: date, **more) -> str:
        found = indicator_freshness(
            calendar(lag_days=more.get("lag_days", 179)),
            [date(2024, 3, 31)],
            12,
            release_id="2024-10",
            poll=None,
            day=day,
        )
        return found.said.removesuffix(" Not polled.")

    ends = "the latest ends on 31 March 2024."
    period = "The period to 31 March 2025"
    assert said(date(2025, 9, 25)) == f"{period} is expected on 26 September 2025; {ends}"
    assert said(date(2025, 9, 26)) == f"{period} is due since 26 September 2025 and late after 7 November 2025; {ends}"
    assert said(date(2025, 11, 8)) == f"{period} was expected on 26 September 2025 and is 43 days late; {ends}"
    stale = "The newest release with a value is 2024-10: stale since 14 February 2026."
    assert said(date(2026, 2, 14)) == f"{stale} {period} is 141 days late."
    assert said(date(2025, 9, 25), lag_days=None) == f"Nobody can say when the next period comes; {ends}"
    nothing = indicator_freshness(calendar(lag_days=179), [], 0, release_id=None, poll=None, day=date(2025, 9, 25))
    assert (nothing.state, nothing.said) == ("no release", "No value is published. Not polled.")
