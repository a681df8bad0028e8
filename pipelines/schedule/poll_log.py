"""Who looked at which publisher, when, and whether there was anything new.

Recording polls and telling the model of them belong here. Asking a service does not (``live_poll``), nor does judging
what a poll means for a release that is expected (``freshness``).

That a source was polled and is unchanged is never the same as that nobody has looked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from pipelines.acquire.source_registry import load_sources
from pipelines.problems import ConfigurationError
from pipelines.schedule.freshness import LastPoll, PollOutcome
from pipelines.schedule.ledger import ledger

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from pipelines.acquire.live_extracts import LiveResult
    from pipelines.settings import Settings

POLLS: Final[Mapping[str, pl.DataType]] = {
    "source_id": pl.String(),
    "indicator_id": pl.String(),
    "last_polled_at": pl.Datetime("us"),
    "last_outcome": pl.String(),
    "last_detail": pl.String(),
    "last_changed_at": pl.Datetime("us"),
    "last_answered_at": pl.Datetime("us"),
    "failing_since": pl.Datetime("us"),
    "polls": pl.Int64(),
}
"""Columns of ``polls.parquet``; times are UTC."""
OTHERS: Final = "*"
"""Stands in ``indicator_id`` for the indicators that no poll has named; NULL stands for the source as a whole."""
_ANSWERS: Final = ("unchanged", "changed")
_DETAIL_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Poll:
    """One look at a source.

    Attributes:
        source_id: The source.
        polled_at: When, with a time zone.
        outcome: ``unchanged``, ``changed``, ``unreachable`` (no way to the service) or ``refused`` (it answered,
            but not with anything that can be used).
        detail: What was seen, in a sentence.
        indicators: Indicator id to ``unchanged`` or ``changed``, as far as the poll told them apart. A poll that names
            none, or that failed, speaks for every indicator that it does not name.
    """

    source_id: str
    polled_at: datetime
    outcome: PollOutcome
    detail: str
    indicators: Mapping[str, PollOutcome] = field(default_factory=dict[str, PollOutcome])


@dataclass(frozen=True, slots=True)
class PollSummary:
    """All polls of a source, or of one indicator, in one row; the columns of :data:`POLLS` after the first two."""

    last_polled_at: datetime
    last_outcome: PollOutcome
    last_detail: str
    last_changed_at: datetime | None
    last_answered_at: datetime | None
    failing_since: datetime | None
    polls: int

    @property
    def last(self) -> LastPoll:
        """The last poll alone."""
        return LastPoll(self.last_polled_at, self.last_outcome)


def add_poll(path: Path, poll: Poll) -> None:
    """Write one poll, whole or not at all.

    Args:
        path: The ledger.
        poll: The poll.

    Raises:
        LedgerUnavailable: It cannot be written.
    """
    with ledger(path) as connection:
        row = (poll.source_id, _text(poll.polled_at), poll.outcome, poll.detail[:_DETAIL_LENGTH])
        made = connection.execute("insert into poll (source_id, polled_at, outcome, detail) values (?, ?, ?, ?)", row)
        connection.executemany(
            "insert into poll_indicator values (?, ?, ?)",
            [(made.lastrowid, indicator, outcome) for indicator, outcome in sorted(poll.indicators.items())],
        )


def poll_of(result: LiveResult, source_id: str, at: datetime) -> Poll:
    """Turn the outcome of a live fetch into a poll.

    Args:
        result: How the fetch ended.
        source_id: The source that was fetched.
        at: When, with a time zone.

    Returns:
        The poll. What could not be fetched is not said to be unchanged.
    """
    outcomes: dict[str, PollOutcome] = {"fetched": "changed", "no_network": "unreachable", "failed": "refused"}
    return Poll(
        source_id=source_id,
        polled_at=at,
        outcome=outcomes.get(result.status, "unchanged"),
        detail=result.message,
        indicators={
            **{str(one): "unchanged" for one in result.unchanged},
            **{str(one): "changed" for one in result.fetched},
        },
    )


def record_poll(settings: Settings, result: LiveResult, *, at: datetime | None = None) -> Poll:
    """Record what a live fetch found out about its source.

    Args:
        settings: Folders.
        result: How the fetch ended.
        at: When; now by default.

    Returns:
        The poll that was recorded.

    Raises:
        LedgerUnavailable: It cannot be written.
    """
    from pipelines.acquire.live_extracts import SOURCE_ID  # noqa: PLC0415 - imports requests, which a note does not need

    poll = poll_of(result, SOURCE_ID, at or datetime.now(UTC))
    add_poll(settings.ledger, poll)
    return poll


def record_look(
    settings: Settings, source_id: str, *, changed: bool = False, note: str = "", at: datetime | None = None
) -> Poll:
    """Record that a person looked at the publisher's page.

    Args:
        settings: Folders.
        source_id: The source.
        changed: Whether there was something that is not at hand.
        note: What was seen.
        at: When; now by default.

    Returns:
        The poll that was recorded.

    Raises:
        ConfigurationError: There is no such source.
        LedgerUnavailable: It cannot be written.
    """
    sources = load_sources(settings.sources)
    if source_id not in sources:
        raise ConfigurationError(f"There is no source {source_id!r}. The sources are: {', '.join(sources)}.")
    said = "something new was seen" if changed else "nothing new"
    detail = f"A person looked: {said}." + (f" {' '.join(note.split())}" if note.strip() else "")
    poll = Poll(source_id, at or datetime.now(UTC), "changed" if changed else "unchanged", detail)
    add_poll(settings.ledger, poll)
    return poll


def read_polls(path: Path, known_by: date | None = None) -> dict[tuple[str, str | None], PollSummary]:
    """Sum up all polls.

    Args:
        path: The ledger; without one there are no polls.
        known_by: The day that is spoken for; polls after it do not count.

    Returns:
        Source and indicator to the summary. The indicator is None for the source as a whole and :data:`OTHERS` for
        those that no poll has named.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    if not path.exists():
        return {}
    with ledger(path) as connection:
        polls = _stored(connection, known_by)
    summaries: dict[tuple[str, str | None], PollSummary] = {}
    for source_id in sorted({poll.source_id for poll in polls}):
        mine = [poll for poll in polls if poll.source_id == source_id]
        summaries[source_id, None] = _summary([(poll, poll.outcome) for poll in mine])
        for indicator in [OTHERS, *sorted({one for poll in mine for one in poll.indicators})]:
            judged: list[tuple[Poll, PollOutcome | None]] = [(poll, _outcome_for(poll, indicator)) for poll in mine]
            told: list[tuple[Poll, PollOutcome]] = [(poll, said) for poll, said in judged if said is not None]
            if told:
                summaries[source_id, indicator] = _summary(told)
    return summaries


def poll_for(
    polls: Mapping[tuple[str, str | None], PollSummary], source_id: str, indicator_id: str | None = None
) -> PollSummary | None:
    """Return the summary for a source or one indicator of it; None when nobody has looked.

    Args:
        polls: As :func:`read_polls` returns.
        source_id: The source.
        indicator_id: The indicator; None for the source as a whole.
    """
    found = polls.get((source_id, indicator_id))
    return found or (polls.get((source_id, OTHERS)) if indicator_id is not None else None)


def write_polls(settings: Settings, known_by: date | None = None) -> Path:
    """Write ``polls.parquet`` for the model: one row a source, one an indicator that was named, one for the others.

    Args:
        settings: Folders.
        known_by: The day that the release speaks for; polls after it are left out.

    Returns:
        The file; without rows when nobody has looked.

    Raises:
        LedgerUnavailable: The ledger cannot be read. That is no reason to say that nobody has looked.
    """
    rows = [
        {
            "source_id": source_id,
            "indicator_id": indicator_id,
            **{name: _naive(getattr(summary, name)) for name in list(POLLS)[2:]},
        }
        for (source_id, indicator_id), summary in read_polls(settings.ledger, known_by).items()
    ]
    settings.previous.mkdir(parents=True, exist_ok=True)
    path = settings.previous / "polls.parquet"
    partial = path.with_name(f".{path.name}.partial")
    frame = pl.DataFrame(rows, schema=dict(POLLS), orient="row")
    frame.sort("source_id", "indicator_id").write_parquet(partial)
    partial.replace(path)
    return path


def _outcome_for(poll: Poll, indicator: str) -> PollOutcome | None:
    if indicator in poll.indicators:
        return poll.indicators[indicator]
    return poll.outcome if not poll.indicators or poll.outcome not in _ANSWERS else None


def _summary(polls: list[tuple[Poll, PollOutcome]]) -> PollSummary:
    """Sum up polls in the order of time, at least one."""
    last, outcome = polls[-1]
    answered = [poll.polled_at for poll, said in polls if said in _ANSWERS]
    changed = [poll.polled_at for poll, said in polls if said == "changed"]
    number = max((index for index, (_, said) in enumerate(polls) if said in _ANSWERS), default=-1)
    return PollSummary(
        last_polled_at=last.polled_at,
        last_outcome=outcome,
        last_detail=last.detail,
        last_changed_at=changed[-1] if changed else None,
        last_answered_at=answered[-1] if answered else None,
        failing_since=polls[number + 1][0].polled_at if number + 1 < len(polls) else None,
        polls=len(polls),
    )


def _stored(connection: sqlite3.Connection, known_by: date | None) -> list[Poll]:
    named: dict[int, dict[str, PollOutcome]] = {}
    for poll_id, indicator, outcome in connection.execute("select poll_id, indicator_id, outcome from poll_indicator"):
        named.setdefault(poll_id, {})[indicator] = outcome
    found = connection.execute(
        "select poll_id, source_id, polled_at, outcome, detail from poll order by polled_at, poll_id"
    )
    polls = [
        Poll(source_id, datetime.fromisoformat(at), outcome, detail, named.get(poll_id, {}))
        for poll_id, source_id, at, outcome, detail in found
    ]
    return [poll for poll in polls if known_by is None or poll.polled_at.date() <= known_by]


def _text(moment: datetime) -> str:
    """Write a moment so that texts sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _naive(value: object) -> object:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
