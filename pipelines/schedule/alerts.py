"""What somebody has to be told, once, and again while it lasts, until it is over and until it has arrived.

Deciding which alerts there are, remembering them and seeing to their delivery belong here. How one is delivered does
not (``notifiers``), nor does judging freshness (``freshness``).

Nothing here makes a refresh fail: what goes wrong is in the report, and waits for the next occasion.
"""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl

from pipelines.acquire.raw_snapshots import find_releases, known_by
from pipelines.acquire.source_registry import load_sources
from pipelines.dates_in_words import in_words
from pipelines.problems import OutcomesError
from pipelines.run_inputs import LONDON
from pipelines.schedule.freshness import Freshness, source_freshness
from pipelines.schedule.ledger import ledger
from pipelines.schedule.notifiers import Alert, DeliveryFailed, LogNotifier, Notifier, notifiers_from_environment
from pipelines.schedule.poll_log import PollSummary, poll_for, read_polls

if TYPE_CHECKING:
    import sqlite3

    from pipelines.acquire.source_registry import Source
    from pipelines.refresh import RefreshResult
    from pipelines.settings import Settings

_LOG: Final = logging.getLogger(__name__)
REPEAT_AFTER: Final = timedelta(days=7)
"""A condition that lasts is told again after this time."""
POLL_FAILING_AFTER: Final = timedelta(days=2)
"""Polls that fail for less than this are the weather; the service was down for longer than a day more than once."""
_CLAIMED_FOR: Final = timedelta(minutes=10)
_GIVEN_UP_AFTER: Final = timedelta(days=30)

Kind = Literal["not_published", "source_refused", "source_stale", "release_late", "poll_failing", "undelivered"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds now and that somebody should know.

    Attributes:
        kind: What kind of thing.
        title: One line.
        text: The whole, in plain sentences.
        about: What tells conditions of a kind apart: a source, a way of delivery, or nothing.
    """

    kind: Kind
    title: str
    text: str
    about: str = ""

    @property
    def key(self) -> str:
        """What the condition is remembered by."""
        return f"{self.kind}:{self.about}" if self.about else self.kind


@dataclass(frozen=True, slots=True)
class Remembered:
    """A condition that somebody has been told of.

    Attributes:
        key: What it is remembered by.
        kind: What kind of thing.
        since: Since when it is known.
        alerted_at: When it was last told.
        title: Its line then.
    """

    key: str
    kind: str
    since: datetime
    alerted_at: datetime
    title: str


@dataclass(frozen=True, slots=True)
class AlertReport:
    """What became of the alerts of one occasion.

    Attributes:
        alerts: Alerts that were raised now.
        delivered: Deliveries that succeeded, earlier ones that had waited among them.
        waiting: Deliveries that wait for the next occasion.
        problems: What went wrong, one sentence each.
    """

    alerts: tuple[Alert, ...] = ()
    delivered: int = 0
    waiting: int = 0
    problems: tuple[str, ...] = ()


def refresh_conditions(failures: Sequence[str]) -> list[Condition]:
    """Return what is to be told of the last refresh.

    Args:
        failures: Why it published nothing; empty when it went well.
    """
    if not failures:
        return []
    listed = "\n".join(f"- {failure}" for failure in failures)
    return [
        Condition(
            "not_published",
            "Nothing was published: the served release is the one before",
            f"The last refresh stopped before publishing. The served file is as it was.\n{listed}",
        )
    ]


def refused_conditions(refused: Mapping[str, str | None]) -> list[Condition]:
    """Return what is to be told of loads that were refused.

    Args:
        refused: Source to the reason.
    """
    return [
        Condition(
            "source_refused",
            f"{source_id}: the last load was refused",
            f"Older data of {source_id} are served, or none. {reason or 'No reason was given.'}",
            source_id,
        )
        for source_id, reason in sorted(refused.items())
    ]


def freshness_conditions(found: Mapping[str, Freshness]) -> list[Condition]:
    """Return what is to be told of sources that are late or stale; one that is both is told as stale.

    Args:
        found: Source to its freshness.
    """
    conditions: list[Condition] = []
    for source_id, fresh in sorted(found.items()):
        if fresh.state == "stale":
            conditions.append(Condition("source_stale", f"{source_id}: the data are stale", fresh.said, source_id))
        elif fresh.is_late and fresh.expected_on:
            day = f"{in_words(fresh.expected_on)}"
            title = f"{source_id}: the release expected on {day} is late"
            conditions.append(Condition("release_late", title, fresh.said, source_id))
    return conditions


def poll_conditions(polls: Mapping[tuple[str, str | None], PollSummary], now: datetime) -> list[Condition]:
    """Return what is to be told of polls that have failed for days.

    Args:
        polls: All polls, summed up.
        now: The moment, with a time zone.
    """
    conditions: list[Condition] = []
    for (source_id, indicator), poll in polls.items():
        since = poll.failing_since
        if indicator is None and since is not None and now - since >= POLL_FAILING_AFTER:
            title = f"{source_id}: every poll since {in_words(since)} has failed"
            conditions.append(Condition("poll_failing", title, f"The last one: {poll.last_detail}", source_id))
    return conditions


def judge(
    conditions: Iterable[Condition], judged: Collection[str], remembered: Mapping[str, Remembered], now: datetime
) -> list[Alert]:
    """Decide what is told: new conditions, those that last, and those that are over.

    Args:
        conditions: All that hold, of the kinds that were judged.
        judged: Kinds that were judged; a condition of another kind is neither over nor told again.
        remembered: Key to what has been told before.
        now: The moment.

    Returns:
        The alerts, in the order of the conditions, recoveries last.
    """
    alerts: list[Alert] = []
    holding = {condition.key: condition for condition in conditions}
    for key, condition in holding.items():
        before = remembered.get(key)
        if before is not None and now - before.alerted_at < REPEAT_AFTER:
            continue
        alerts.append(
            Alert(
                key=key,
                kind=condition.kind,
                state="repeated" if before else "raised",
                title=f"Still: {condition.title}" if before else condition.title,
                text=condition.text,
                since=before.since if before else now,
                at=now,
                source_id=condition.about or None,
            )
        )
    for key, before in sorted(remembered.items()):
        if before.kind in judged and key not in holding:
            about = key.partition(":")[2] or None
            text = f"This holds no more. It had been known since {in_words(before.since)} {before.since:%H:%M} UTC."
            title = f"Over: {before.title}"
            alerts.append(Alert(key, before.kind, "recovered", title, text, before.since, now, about))
    return alerts


def freshness_of_sources(
    settings: Settings, sources: Mapping[str, Source], polls: Mapping[tuple[str, str | None], PollSummary], day: date
) -> dict[str, Freshness]:
    """Judge every source by its calendar, the releases at hand and what is served.

    Args:
        settings: Folders.
        sources: The declarations.
        polls: All polls, summed up.
        day: The day to speak for.

    Returns:
        Source to its freshness. What is served is read from the log of the loads; of a source whose last load was
        refused, releases that came with it are at hand and not served.
    """
    refused = refused_loads(settings)
    found: dict[str, Freshness] = {}
    for source_id, source in sources.items():
        at_hand = [one.release_id for one in known_by(find_releases(settings.raw, source_id), day)]
        served = _served_releases(settings, source_id) if source_id in refused else at_hand
        poll = poll_for(polls, source_id)
        found[source_id] = source_freshness(
            source.release_calendar, at_hand, served, poll=poll.last if poll else None, day=day
        )
    return found


def refused_loads(settings: Settings) -> dict[str, str | None]:
    """Return the sources whose last load was refused, with the reason.

    Args:
        settings: Folders.
    """
    refused: dict[str, str | None] = {}
    for path in sorted(settings.check_log.glob("*.load.parquet")):
        for row in pl.read_parquet(path, columns=["source_id", "load_state", "reason"]).iter_rows(named=True):
            if row["load_state"] == "refused":
                refused[row["source_id"]] = row["reason"]
    return refused


def send_alerts(
    settings: Settings,
    result: RefreshResult | None = None,
    *,
    now: datetime | None = None,
    notifiers: Sequence[Notifier] | None = None,
) -> AlertReport:
    """Tell what is to be told after a refresh, or between two, and try again what could not be delivered.

    Args:
        settings: Folders.
        result: How the refresh ended; None on an occasion without one, which says nothing of publishing.
        now: The moment; the clock by default.
        notifiers: The ways; those that the environment names by default.

    Returns:
        What became of it. Nothing is raised: an alert that fails must not take the refresh with it.
    """
    moment = now or datetime.now(UTC)
    problems: list[str] = []
    try:
        ways = tuple(notifiers) if notifiers is not None else notifiers_from_environment(os.environ)
    except OutcomesError as error:
        problems.append(f"Alerts go to the log only: {error}")
        ways = (LogNotifier(),)
    alerts: list[Alert] = []
    delivered = waiting = 0
    try:
        conditions, judged = _conditions(settings, result, moment, problems)
        alerts = _remember(settings, conditions, judged, ways, moment)
        delivered, waiting, unsent = _deliver(settings, ways, moment)
        problems += unsent
    except Exception as error:  # whatever it is, the refresh has done its work
        # Its type only for what is not ours: a library may quote anything.
        problems.append(str(error) if isinstance(error, OutcomesError) else f"Alerts failed: {type(error).__name__}.")
    for problem in problems:
        _LOG.warning("%s", problem)
    return AlertReport(tuple(alerts), delivered, waiting, tuple(problems))


def send_test(notifiers: Sequence[Notifier], now: datetime) -> dict[str, str | None]:
    """Try every way with an alert that is about nothing; nothing of it is remembered.

    Args:
        notifiers: The ways.
        now: The moment, with a time zone.

    Returns:
        Way to why the alert could not be delivered; None where it was.
    """
    text = "This is a test. Nothing has happened, and nothing is to be done."
    alert = Alert("test", "test", "raised", "A test of the alerts", text, since=now, at=now)
    return {way.channel: _failure(way, alert) for way in notifiers}


def _conditions(
    settings: Settings, result: RefreshResult | None, now: datetime, problems: list[str]
) -> tuple[list[Condition], set[str]]:
    """Return what holds and which kinds were judged; a part that fails leaves its kinds unjudged."""
    conditions: list[Condition] = []
    judged: set[str] = set()
    if result is not None:
        conditions += refresh_conditions(
            (result.failures or ("No reason was given.",)) if result.outcome == "not_published" else ()
        )
        judged.add("not_published")
    try:
        conditions += refused_conditions(refused_loads(settings))
        judged.add("source_refused")
    except (OSError, pl.exceptions.PolarsError) as error:
        problems.append(f"The log of the loads cannot be read ({type(error).__name__}).")
    try:
        polls = read_polls(settings.ledger)
        conditions += poll_conditions(polls, now)
        judged.add("poll_failing")
        day = now.astimezone(LONDON).date()
        sources = load_sources(settings.sources)
        conditions += freshness_conditions(freshness_of_sources(settings, sources, polls, day))
        judged |= {"source_stale", "release_late"}
    except (OutcomesError, OSError, pl.exceptions.PolarsError) as error:
        problems.append(f"Freshness cannot be judged: {error}")
    return conditions, judged


def _remember(
    settings: Settings, conditions: list[Condition], judged: set[str], ways: Sequence[Notifier], now: datetime
) -> list[Alert]:
    """Decide in one transaction what is told, and put it into the outbox: a process that is killed loses none."""
    with ledger(settings.ledger) as connection:
        failing = connection.execute(
            "select channel, count(*), min(created_at), max(last_error) from outbox"
            " where delivered_at is null and attempts > 0 group by channel order by channel"
        ).fetchall()
        # Told by the other ways: the log at least is always there.
        conditions = conditions + [
            Condition(
                "undelivered",
                f"Alerts by {channel} do not arrive",
                f"{number} waiting since {in_words(datetime.fromisoformat(since))}. {error or ''}".strip(),
                channel,
            )
            for channel, number, since, error in failing
        ]
        remembered = {
            key: Remembered(key, kind, datetime.fromisoformat(since), datetime.fromisoformat(told), title)
            for key, kind, since, told, title in connection.execute(
                "select key, kind, since, alerted_at, title from condition"
            )
        }
        alerts = judge(conditions, {*judged, "undelivered"}, remembered, now)
        titles = {condition.key: condition.title for condition in conditions}
        for number, alert in enumerate(alerts):
            if alert.state == "recovered":
                connection.execute("delete from condition where key = ?", [alert.key])
            else:
                row = (alert.key, alert.kind, _text(alert.since), _text(now), titles[alert.key])
                connection.execute("insert or replace into condition values (?, ?, ?, ?, ?)", row)
            _put_out(connection, alert, ways, now=now, number=number)
    return alerts


def _put_out(
    connection: sqlite3.Connection, alert: Alert, ways: Sequence[Notifier], *, now: datetime, number: int
) -> None:
    # The number keeps the alerts of one occasion in their order.
    message_id, content = f"{number:04}-{uuid.uuid4().hex}", json.dumps(asdict(alert), default=_text)
    for channel in dict.fromkeys(way.channel for way in ways):
        if alert.kind == "undelivered" and alert.key == f"undelivered:{channel}" and alert.state != "recovered":
            continue
        row = (message_id, channel, content, _text(now))
        connection.execute("insert into outbox (message_id, channel, alert, created_at) values (?, ?, ?, ?)", row)


def _deliver(settings: Settings, ways: Sequence[Notifier], now: datetime) -> tuple[int, int, list[str]]:
    """Deliver all that waits, oldest first; a way that fails is left for the next occasion.

    Each delivery is claimed before it is tried, so that two processes do not send it twice; a claim that a killed
    process left ends by itself.
    """
    delivered, problems = 0, list[str]()
    for way in ways:
        for message_id, alert in _claimed(settings, way.channel, now):
            failed = _failure(way, alert)
            with ledger(settings.ledger) as connection:
                connection.execute(
                    "update outbox set attempts = attempts + 1, claimed_at = null, last_error = ?, delivered_at = ?"
                    " where message_id = ? and channel = ?",
                    [failed, None if failed else _text(now), message_id, way.channel],
                )
                if failed:
                    connection.execute("update outbox set claimed_at = null where channel = ?", [way.channel])
            if failed:
                problems.append(f"An alert could not be delivered and waits: {failed}")
                break
            delivered += 1
    with ledger(settings.ledger) as connection:
        connection.execute("delete from outbox where created_at < ?", [_text(now - _GIVEN_UP_AFTER)])
        (waiting,) = connection.execute("select count(*) from outbox where delivered_at is null").fetchone()
    return delivered, waiting, problems


def _claimed(settings: Settings, channel: str, now: datetime) -> list[tuple[str, Alert]]:
    with ledger(settings.ledger) as connection:
        where = "channel = ? and delivered_at is null and (claimed_at is null or claimed_at < ?)"
        given = [channel, _text(now - _CLAIMED_FOR)]
        found = connection.execute(
            f"select message_id, alert from outbox where {where} order by created_at, message_id", given
        ).fetchall()
        connection.execute(f"update outbox set claimed_at = ? where {where}", [_text(now), *given])
    return [(message_id, _read(content)) for message_id, content in found]


def _failure(way: Notifier, alert: Alert) -> str | None:
    try:
        way.send(alert)
    except DeliveryFailed as failed:
        return str(failed)
    except Exception as error:  # a way that breaks must not keep the others from telling
        return f"{way.channel}: {type(error).__name__}"
    return None


def _read(content: str) -> Alert:
    found: dict[str, Any] = json.loads(content)
    alert = Alert(**found)
    return replace(alert, since=datetime.fromisoformat(found["since"]), at=datetime.fromisoformat(found["at"]))


def _served_releases(settings: Settings, source_id: str) -> list[str]:
    path = settings.accepted / f"{source_id}.parquet"
    if not path.is_file():
        return []
    return pl.scan_parquet(path).select("source_release").unique().collect().to_series().to_list()


def _text(moment: object) -> str:
    if not isinstance(moment, datetime):
        raise TypeError(f"{type(moment).__name__} is not kept")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
