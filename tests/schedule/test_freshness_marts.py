"""The published freshness says what the rules in Python say, for every source and indicator of a made-up warehouse."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

from pipelines.acquire.source_registry import ReleaseCalendar
from pipelines.schedule.freshness import Freshness, LastPoll, indicator_freshness, source_freshness

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
# Days around every edge of the calendars below: releases, grace, staleness, leap years, ends of months.
DAYS = [
    date(2024, 2, 29),
    date(2024, 3, 1),
    *(date(2025, 9, 20) + timedelta(days=number) for number in range(0, 60)),
    *(date(2026, 2, 10) + timedelta(days=number) for number in range(0, 10)),
    date(2026, 5, 5),
    date(2028, 2, 29),
]
CALENDARS = {
    "annual": {"cadence": "annual", "stale_after_days": 500, "lag_days": 179, "next_release": date(2025, 9, 25)},
    "prompt": {"cadence": "annual", "stale_after_days": 500, "next_release": date(2024, 2, 29), "grace_days": 0},
    "quarterly": {"cadence": "quarterly", "stale_after_days": 400, "lag_days": 60, "next_release": date(2024, 11, 30)},
    "monthly": {"cadence": "monthly", "stale_after_days": None, "lag_days": 0, "next_release": date(2024, 1, 31)},
    "irregular": {"cadence": "irregular", "stale_after_days": 200, "lag_days": 30},
    "announced": {"cadence": "irregular", "stale_after_days": None, "next_release": date(2025, 10, 1)},
    "once": {"cadence": "once", "stale_after_days": None},
}
RELEASES = [
    (None, None),
    ("unreleased", None),
    ("2024-10", "2024-10"),
    ("2024-10, 2025-10", "2024-10"),
    ("2024-02, 2024-02-b", "2024-02, 2024-02-b"),
    ("2025-08-13", "2025-08-13"),
    ("2025-08-14, unreleased", "2025-08-14"),
    ("2025-09-25-02", "2025-09-25-02"),
    ("2019-06", "2019-06"),
]
SERIES = [
    [],
    [("financial", date(2024, 3, 31), 12)],
    [("financial", date(2022, 3, 31), 12), ("financial", date(2024, 3, 31), 12), ("financial", date(2025, 3, 31), 12)],
    [("quarter", date(2025, 3, 31), 3), ("quarter", date(2025, 6, 30), 3), ("financial", date(2024, 3, 31), 12)],
    [("calendar", date(2023, 12, 31), 36), ("calendar", date(2024, 12, 31), 36)],
    [("month", date(2024, 2, 29), 1), ("month", date(2024, 1, 31), 1)],
    [("snapshot", date(2025, 6, 15), 0)],
]
POLLS = [
    None,
    LastPoll(datetime(2025, 9, 24, 23, 30, tzinfo=UTC), "unchanged"),
    LastPoll(datetime(2025, 10, 1, 6, tzinfo=UTC), "changed"),
    LastPoll(datetime(2026, 2, 10, tzinfo=UTC), "unreachable"),
    LastPoll(datetime(2023, 1, 9, tzinfo=UTC), "refused"),
]
COLUMNS = {
    "state": "freshness_state",
    "expected_on": "expected_on",
    "late_after": "late_after",
    "days_late": "days_late",
    "stale_after": "stale_after",
    "release": "newest_release",
    "poll_state": "poll_state",
    "said": "freshness_words",
}


def calendar_of(name: str) -> ReleaseCalendar:
    return ReleaseCalendar.model_validate(CALENDARS[name])


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": "1"}) as opened:
        yield opened


@pytest.fixture(scope="module")
def render() -> Iterator[jinja2.Environment]:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    texts = [(PROJECT / "macros" / name).read_text("utf-8") for name in ("methods/freshness.sql", "released_on.sql")]
    module = environment.from_string("\n".join(texts)).module
    environment.globals.update({name: part for name, part in vars(module).items() if not name.startswith("_")})
    yield environment


def mart(environment: jinja2.Environment, name: str) -> str:
    """Return the SQL of a mart that takes the day from the table ``day``."""
    text = (PROJECT / "models" / "marts" / f"{name}.sql").read_text("utf-8")
    return environment.from_string(text).render(
        ref=lambda model: model,
        source=lambda source, table: f"{source}_{table}",
        as_at=lambda: "(select spoken_for from day)",
    )


def fill(connection: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    connection.execute(f"create or replace table {table} ({columns})")
    connection.executemany(f"insert into {table} values ({', '.join('?' for _ in rows[0])})", rows)


def fill_sources(connection: duckdb.DuckDBPyConnection, rows: list[tuple[int, str]]) -> None:
    declared = [(number, f"s{number}", calendar_of(name)) for number, name in rows]
    fill(
        connection,
        "registry_sources",
        "id text, cadence text, stale_after_days bigint, lag_days bigint, next_release date, grace_days bigint,"
        " poll text",
        [
            (one, c.cadence, c.stale_after_days, c.lag_days, c.next_release, c.grace_days, c.poll)
            for _, one, c in declared
        ],
    )


POLL_COLUMNS = """
    source_id text, indicator_id text, last_polled_at timestamp, last_outcome text, last_detail text,
    last_changed_at timestamp, last_answered_at timestamp, failing_since timestamp
"""


def poll_row(source: str, indicator: str | None, poll: LastPoll) -> tuple[object, ...]:
    return source, indicator, poll.polled_at.replace(tzinfo=None), poll.outcome, "", None, None, None


def compare(found: dict[str, Any], wanted: Freshness) -> None:
    assert {name: found[column] for name, column in COLUMNS.items()} == {
        name: getattr(wanted, name) for name in COLUMNS
    }
    assert found["is_late"] == wanted.is_late
    at = found["last_polled_at"]
    assert wanted.poll_state == "not polled" or (at.replace(tzinfo=UTC) == wanted.polled_at)


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str, key: str) -> dict[str, dict[str, Any]]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert [row[key] for row in rows] == sorted(row[key] for row in rows)
    return {row[key]: row for row in rows}


def test_sources_are_published_as_the_rules_say(connection, render):
    made = list(enumerate(itertools.product(CALENDARS, RELEASES, range(2))))
    polls = {number: POLLS[number % len(POLLS)] for number, _ in made}
    fill_sources(connection, [(number, name) for number, (name, _, _) in made])
    fill(
        connection,
        "source_load",
        "source_key bigint, source_releases text",
        [(number, releases[0]) for number, (_, releases, _) in made],
    )
    fill(
        connection,
        "dim_source",
        "source_key bigint, source_id text, release_cadence text, stale_after_days integer, source_releases text",
        [
            (number, f"s{number}", calendar_of(name).cadence, calendar_of(name).stale_after_days, releases[1])
            for number, (name, releases, _) in made
        ],
    )
    fill(
        connection,
        "previous_polls",
        POLL_COLUMNS,
        [poll_row(f"s{number}", None, poll) for number, poll in polls.items() if poll],
    )
    sql, states = mart(render, "source_freshness"), set()
    for day in DAYS:
        fill(connection, "day", "spoken_for date", [(day,)])
        found = rows_of(connection, sql, "source_id")
        assert len(found) == len(made)
        for number, (name, releases, _) in made:
            at_hand, served = ((text or "").split(", ") for text in releases)
            wanted = source_freshness(calendar_of(name), at_hand, served, poll=polls[number], day=day)
            compare(found[f"s{number}"], wanted)
            states.add(wanted.state)
    assert states == {"current", "due", "late", "stale", "no calendar", "no release"}


def test_indicators_are_published_as_the_rules_say(connection, render):
    releases = ["2024-10", "2025-08-14", "2025-09-25-02", "2024-02-b"]
    made = list(enumerate(itertools.product(CALENDARS, SERIES, releases)))
    polls = {number: POLLS[number % len(POLLS)] for number, _ in made}
    fill_sources(connection, [(number, name) for number, (name, _, _) in made])
    fill(
        connection,
        "dim_indicator",
        "indicator_key bigint, indicator_id text, source_key bigint, source_id text",
        [(number, f"i{number}", number, f"s{number}") for number, _ in made],
    )
    periods = sorted({period for series in SERIES for period in series})
    fill(
        connection,
        "dim_period",
        "period_key bigint, period_label text, period_type text, period_end date, period_months integer",
        [(key, str(end), kind, end, months) for key, (kind, end, months) in enumerate(periods)],
    )
    fill(
        connection,
        "fct_indicator_value",
        "indicator_key bigint, period_key bigint, source_release text",
        [
            # The earlier periods are of an older release, the latest of the newest.
            (number, periods.index(period), release if period == max(series, key=lambda one: one[1]) else "2019-06")
            for number, (_, series, release) in made
            for period in series
        ],
    )
    # Half of the polls name the indicator; the others speak for those that none has named.
    fill(
        connection,
        "previous_polls",
        POLL_COLUMNS,
        [poll_row(f"s{number}", (f"i{number}", "*")[number % 2], poll) for number, poll in polls.items() if poll],
    )
    sql, states = mart(render, "indicator_freshness"), set()
    for day in DAYS[::4]:
        fill(connection, "day", "spoken_for date", [(day,)])
        found = rows_of(connection, sql, "indicator_id")
        assert len(found) == len(made)
        for number, (name, series, release) in made:
            latest = max(series, key=lambda one: one[1], default=None)
            ends = [end for kind, end, _ in series if latest and kind == latest[0]]
            wanted = indicator_freshness(
                calendar_of(name),
                ends,
                latest[2] if latest else 0,
                release_id=release if latest else None,
                poll=polls[number],
                day=day,
            )
            compare(found[f"i{number}"], wanted)
            states.add(wanted.state)
    assert states == {"current", "due", "late", "stale", "no calendar", "no release"}
