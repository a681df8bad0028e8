"""Every source and indicator of the build has its freshness, as the rules say for its own releases and periods."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipelines.acquire.source_registry import load_sources
from pipelines.schedule.freshness import indicator_freshness, source_freshness
from tests.warehouse.conftest import AS_AT, REPOSITORY

DAY = dt.date.fromisoformat(AS_AT)
COLUMNS = ("freshness_state", "expected_on", "late_after", "days_late", "stale_after", "poll_state", "freshness_words")


def shown(row):
    return tuple(row[column] for column in COLUMNS)


def of(fresh):
    said = (fresh.expected_on, fresh.late_after, fresh.days_late, fresh.stale_after, fresh.poll_state, fresh.said)
    return (fresh.state, *said)


def test_every_source_has_its_freshness(rows):
    sources = load_sources(REPOSITORY / "pipelines" / "acquire" / "sources")
    found = {row["source_id"]: row for row in rows("from source_freshness")}
    released = {
        row["source_id"]: [(row[key] or "").split(", ") for key in ("at_hand", "served")]
        for row in rows("""
            select d.source_id, l.source_releases as at_hand, d.source_releases as served
            from dim_source as d
            inner join source_load as l on d.source_key = l.source_key
        """)
    }
    assert set(found) == set(sources) == set(released)
    for source_id, source in sources.items():
        wanted = source_freshness(source.release_calendar, *released[source_id], poll=None, day=DAY)
        assert shown(found[source_id]) == of(wanted), source_id
        assert found[source_id]["poll_times"] == source.release_calendar.poll
    assert {row["freshness_state"] for row in found.values()} >= {"current", "no calendar"}


def test_every_indicator_has_its_freshness(rows):
    sources = load_sources(REPOSITORY / "pipelines" / "acquire" / "sources")
    found = {row["indicator_id"]: row for row in rows("from indicator_freshness")}
    known = rows("from dim_indicator where indicator_key not in (-1, -2)")
    declared = {row["indicator_id"]: row["source_id"] for row in known}
    assert set(found) == set(declared)
    periods: dict[str, list[dict[str, Any]]] = {}
    for row in rows("""
        select v.indicator_id, p.period_type, p.period_end, max(p.period_months) as months,
            max(v.source_release) as newest
        from fct_indicator_value as v
        inner join dim_period as p on v.period_key = p.period_key
        group by all
        order by all
    """):
        periods.setdefault(row["indicator_id"], []).append(row)
    states = set()
    for indicator_id, source_id in declared.items():
        mine = periods.get(indicator_id, [])
        latest = max(mine, key=lambda row: (row["period_end"], row["months"], row["period_type"]), default=None)
        wanted = indicator_freshness(
            sources[source_id].release_calendar,
            [row["period_end"] for row in mine if latest and row["period_type"] == latest["period_type"]],
            latest["months"] if latest else 0,
            release_id=max((row["newest"] for row in mine), default=None),
            poll=None,
            day=DAY,
        )
        assert shown(found[indicator_id]) == of(wanted), indicator_id
        assert found[indicator_id]["latest_period_end"] == (latest["period_end"] if latest else None)
        states.add(wanted.state)
    assert states >= {"current", "late", "no calendar"}
