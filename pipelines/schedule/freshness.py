"""How fresh a source or an indicator is on a day: what its publisher was expected to release, and what is at hand.

The rules belong here, as functions of what they are given. Finding releases, periods and polls does not; nor does
telling anybody, which is ``alerts``.

The model publishes the same answers (``source_freshness``, ``indicator_freshness``); its rules are in the macros of
``dbt_project/macros/methods/freshness.sql``, and a test holds both to each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from dateutil.relativedelta import relativedelta

from pipelines.dates_in_words import in_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pipelines.acquire.source_registry import ReleaseCalendar

State = Literal["current", "due", "late", "stale", "no calendar", "no release"]
PollState = Literal["polled, unchanged", "polled, changed", "poll failed", "not polled"]
PollOutcome = Literal["unchanged", "changed", "unreachable", "refused"]

POLL_STATES: Final[dict[PollOutcome, PollState]] = {
    "unchanged": "polled, unchanged",
    "changed": "polled, changed",
    "unreachable": "poll failed",
    "refused": "poll failed",
}
_RELEASE_DAY: Final = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")
_POLL_WORDS: Final[dict[PollState, str]] = {
    "polled, unchanged": "Polled on {}: unchanged.",
    "polled, changed": "Polled on {}: changed since it was last fetched.",
    "poll failed": "The poll on {} failed.",
    "not polled": "Not polled.",
}


@dataclass(frozen=True, slots=True)
class LastPoll:
    """The last time that somebody, or the service's poll, looked for something new.

    Attributes:
        polled_at: When, in UTC.
        outcome: What was found.
    """

    polled_at: datetime
    outcome: PollOutcome


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a source or an indicator is on a day.

    Attributes:
        state: ``current`` (nothing was to be expected yet), ``due`` (expected, and within its grace), ``late`` (beyond
            it), ``stale`` (too old to be shown without a word about it, whether or not a release is late), ``no
            calendar`` (nothing can be expected) or ``no release`` (nothing is at hand).
        expected_on: When the next release, or the next period, is expected; None where nobody can say.
        late_after: Last day on which it is not late yet.
        days_late: Days since ``expected_on`` once it is late, otherwise 0; None where nothing is expected.
        stale_after: Last day on which the data are not stale yet; None if they never go stale.
        release: The newest release at hand.
        poll_state: Whether anybody has looked, and what was found.
        polled_at: When; None if nobody has.
        said: All of this in plain sentences.
    """

    state: State
    expected_on: date | None
    late_after: date | None
    days_late: int | None
    stale_after: date | None
    release: str | None
    poll_state: PollState
    polled_at: datetime | None
    said: str

    @property
    def is_late(self) -> bool:
        """Whether what was expected has not come within its grace, be the data stale or not."""
        return bool(self.days_late)


def release_days(release_id: str) -> tuple[date, date] | None:
    """Return the first and the last day on which a release may have been retrieved, by its name.

    Args:
        release_id: Such as ``2026-05``, ``2026-05-b`` or ``2026-05-14``; a name without a day stands for its month.

    Returns:
        Both days, equal where the name has a day; None for a name of another shape.
    """
    found = _RELEASE_DAY.match(release_id)
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        if day is not None:
            return date(int(year), int(month), int(day)), date(int(year), int(month), int(day))
    except ValueError:
        pass
    try:
        first = date(int(year), int(month), 1)
    except ValueError:
        return None
    return first, last_of_month(first)


def last_of_month(day: date) -> date:
    """Return the last day of the month of a day."""
    return day + relativedelta(day=31)


def newest_release(release_ids: Iterable[str]) -> str | None:
    """Return the release that was retrieved last, by the names; None if there is none whose name says so."""
    dated = [(days[1], one) for one in release_ids if (days := release_days(one)) is not None]
    return max(dated)[1] if dated else None


def expected_release(calendar: ReleaseCalendar, newest: str | None) -> date | None:
    """Return when the next release is expected.

    Args:
        calendar: The calendar of the source.
        newest: The newest release at hand. It counts as the expected one when it came on the day, after it, or no more
            than ``grace_days`` before it; then the one after that is expected.

    Returns:
        The day; None where the cadence promises none.
    """
    expected, days = calendar.next_release, release_days(newest) if newest else None
    if expected is None or days is None:
        return expected
    here_until = days[1] + timedelta(days=calendar.grace_days)
    if calendar.months is None:
        return expected if expected > here_until else None
    step = 0
    while calendar.next_release is not None and expected <= here_until:
        step += calendar.months
        expected = calendar.next_release + relativedelta(months=step)
    return expected


def step_months(ends: Collection[date], period_months: int, calendar: ReleaseCalendar) -> int | None:
    """Return how many months lie between the ends of two successive periods of an indicator.

    Args:
        ends: Ends of its periods, all of one type.
        period_months: Months that its latest period covers.
        calendar: The calendar of its source.

    Returns:
        The shortest distance that occurs. With one period only, its length, a year at most, and no less than the
        cadence. None where the cadence promises no release.
    """
    if calendar.months is None:
        return None
    found = [
        12 * (later.year - earlier.year) + later.month - earlier.month for earlier, later in pairwise(sorted({*ends}))
    ]
    return min((one for one in found if one > 0), default=max(calendar.months, min(period_months, 12)))


def next_period_end(latest_end: date, months: int) -> date:
    """Return the end of the next period; the last day of a month is followed by the last day of a month."""
    later = latest_end + relativedelta(months=months)
    return last_of_month(later) if latest_end == last_of_month(latest_end) else later


def source_freshness(
    calendar: ReleaseCalendar,
    release_ids: Collection[str],
    served_ids: Collection[str],
    *,
    poll: LastPoll | None,
    day: date,
) -> Freshness:
    """Say how fresh a source is.

    Args:
        calendar: Its calendar.
        release_ids: Releases at hand, of a refused load too: that the publisher has released does not depend on us.
        served_ids: Releases behind what is served.
        poll: The last poll of the source.
        day: The day to speak for.

    Returns:
        Its freshness.
    """
    newest, served = newest_release({*release_ids, *served_ids}), newest_release(served_ids)
    expected = expected_release(calendar, newest)
    found = _judged(calendar, expected, newest, served, day)
    hand = f"the newest at hand is {newest}."
    words = {
        "no release": "No release is at hand.",
        "stale": f"The newest release that is served is {served}: stale {_since(found.stale_after)}."
        + (f" The release expected on {_said(expected)} is {_days(found.days_late)} late." if found.days_late else ""),
        "late": f"The release expected on {_said(expected)} is {_days(found.days_late)} late; {hand}",
        "due": f"A release is due since {_said(expected)} and late after {_said(found.late_after)}; {hand}",
        "current": f"The next release is expected on {_said(expected)}; {hand}",
        "no calendar": f"No next release is promised; {hand}",
    }
    return _with_poll(found, words[found.state], poll, day)


def indicator_freshness(
    calendar: ReleaseCalendar,
    ends: Collection[date],
    period_months: int,
    *,
    release_id: str | None,
    poll: LastPoll | None,
    day: date,
) -> Freshness:
    """Say how fresh an indicator is: when its next period is expected, and whether it is late.

    Args:
        calendar: The calendar of its source; without ``lag_days`` nothing can be expected.
        ends: Ends of its published periods of the type of the latest; empty when nothing is published.
        period_months: Months that the latest covers.
        release_id: The newest release behind its published values.
        poll: The last poll of the indicator.
        day: The day to speak for.

    Returns:
        Its freshness.
    """
    latest = max(ends, default=None)
    months = step_months(ends, period_months, calendar)
    following = next_period_end(latest, months) if latest and months else None
    expected = following + timedelta(days=calendar.lag_days) if following and calendar.lag_days is not None else None
    found = _judged(calendar, expected, release_id if latest else None, release_id, day)
    hand = f"the latest ends on {_said(latest)}."
    period = f"The period to {_said(following)}"
    words = {
        "no release": "No value is published.",
        "stale": f"The newest release with a value is {release_id}: stale {_since(found.stale_after)}."
        + (f" {period} is {_days(found.days_late)} late." if found.days_late else ""),
        "late": f"{period} was expected on {_said(expected)} and is {_days(found.days_late)} late; {hand}",
        "due": f"{period} is due since {_said(expected)} and late after {_said(found.late_after)}; {hand}",
        "current": f"{period} is expected on {_said(expected)}; {hand}",
        "no calendar": f"Nobody can say when the next period comes; {hand}",
    }
    return _with_poll(found, words[found.state], poll, day)


def _judged(
    calendar: ReleaseCalendar, expected: date | None, newest: str | None, served: str | None, day: date
) -> Freshness:
    late_after = expected + timedelta(days=calendar.grace_days) if expected else None
    days = release_days(served) if served else None
    stale_after = (
        days[0] + timedelta(days=calendar.stale_after_days) if days and calendar.stale_after_days is not None else None
    )
    late = bool(late_after and day > late_after)
    state: State = "current"
    if newest is None:
        state = "no release"
    elif stale_after and day > stale_after:
        state = "stale"
    elif expected is None:
        state = "no calendar"
    elif late:
        state = "late"
    elif day >= expected:
        state = "due"
    return Freshness(
        state=state,
        expected_on=expected,
        late_after=late_after,
        days_late=None if expected is None else (day - expected).days if late else 0,
        stale_after=stale_after,
        release=newest,
        poll_state="not polled",
        polled_at=None,
        said="",
    )


def _with_poll(found: Freshness, words: str, poll: LastPoll | None, day: date) -> Freshness:
    # A day that is over knows nothing of polls that came after it.
    known = poll if poll is not None and poll.polled_at.date() <= day else None
    state: PollState = POLL_STATES[known.outcome] if known else "not polled"
    said = _POLL_WORDS[state].format(_said(known.polled_at.date() if known else None))
    return Freshness(
        state=found.state,
        expected_on=found.expected_on,
        late_after=found.late_after,
        days_late=found.days_late,
        stale_after=found.stale_after,
        release=found.release,
        poll_state=state,
        polled_at=known.polled_at if known else None,
        said=f"{words} {said}",
    )


def _said(day: date | None) -> str:
    return in_words(day) if day else "no day"


def _since(stale_after: date | None) -> str:
    return f"since {_said(stale_after + timedelta(days=1))}" if stale_after else "for long"


def _days(number: int | None) -> str:
    return "1 day" if number == 1 else f"{number} days"
