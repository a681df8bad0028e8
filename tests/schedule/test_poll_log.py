"""A poll is remembered whole or not at all, and what it did not tell is not said."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pipelines.acquire.live_extracts import LiveResult
from pipelines.problems import ConfigurationError
from pipelines.schedule.freshness import PollOutcome
from pipelines.schedule.ledger import LedgerUnavailable, ledger
from pipelines.schedule.poll_log import (
    OTHERS,
    POLLS,
    Poll,
    add_poll,
    poll_for,
    poll_of,
    read_polls,
    record_look,
    record_poll,
    write_polls,
)
from tests.schedule.conftest import NOW, REPOSITORY

DAY = timedelta(days=1)


def test_polled_and_unchanged_is_not_the_same_as_not_polled(project):
    add_poll(project.ledger, Poll("annual", NOW, "unchanged", "Nothing new.", {"annual.one": "unchanged"}))
    polls = read_polls(project.ledger)
    assert set(polls) == {("annual", None), ("annual", "annual.one")}
    found = poll_for(polls, "annual", "annual.one")
    assert found is not None
    assert (found.last_outcome, found.last_polled_at, found.last_changed_at, found.polls) == ("unchanged", NOW, None, 1)
    # A poll that names indicators says nothing of the others.
    assert poll_for(polls, "annual", "annual.two") is None
    assert poll_for(polls, "single") is None


def test_a_poll_that_names_none_or_failed_speaks_for_all(project):
    add_poll(project.ledger, Poll("annual", NOW, "changed", "", {"annual.one": "changed"}))
    add_poll(project.ledger, Poll("annual", NOW + DAY, "unreachable", "No network."))
    add_poll(project.ledger, Poll("annual", NOW + 2 * DAY, "refused", "Odd.", {"annual.two": "unchanged"}))
    polls = read_polls(project.ledger)
    outcomes = {key: (one.last_outcome, one.failing_since) for key, one in polls.items()}
    assert outcomes == {
        ("annual", None): ("refused", NOW + DAY),
        ("annual", OTHERS): ("refused", NOW + DAY),
        ("annual", "annual.one"): ("refused", NOW + DAY),
        ("annual", "annual.two"): ("unchanged", None),
    }
    one, three = poll_for(polls, "annual", "annual.one"), poll_for(polls, "annual", "annual.three")
    assert one is not None and three is not None
    assert (one.last_changed_at, one.last_answered_at, one.polls) == (NOW, NOW, 3)
    assert (three.last_changed_at, three.last_answered_at, three.polls) == (None, None, 2)


def test_failures_count_from_the_first_after_an_answer(project):
    outcomes: list[PollOutcome] = ["unreachable", "unchanged", "refused", "unreachable"]
    for number, outcome in enumerate(outcomes):
        add_poll(project.ledger, Poll("annual", NOW + number * DAY, outcome, ""))
    found = read_polls(project.ledger)["annual", None]
    assert (found.failing_since, found.last_answered_at) == (NOW + 2 * DAY, NOW + DAY)
    add_poll(project.ledger, Poll("annual", NOW + 4 * DAY, "unchanged", ""))
    assert read_polls(project.ledger)["annual", None].failing_since is None


def test_the_last_poll_is_the_latest_in_time_not_in_order(project):
    add_poll(project.ledger, Poll("annual", NOW + DAY, "changed", "later"))
    add_poll(project.ledger, Poll("annual", NOW, "unchanged", "earlier"))
    assert read_polls(project.ledger)["annual", None].last_detail == "later"


def test_a_day_that_is_over_knows_no_later_polls(project):
    add_poll(project.ledger, Poll("annual", NOW, "unchanged", ""))
    add_poll(project.ledger, Poll("annual", NOW + DAY, "changed", ""))
    assert read_polls(project.ledger, NOW.date())["annual", None].last_outcome == "unchanged"
    assert read_polls(project.ledger, NOW.date() - DAY) == {}
    assert pl.read_parquet(write_polls(project, NOW.date())).get_column("last_outcome").to_list() == ["unchanged"] * 2


@pytest.mark.parametrize(
    ("result", "outcome", "indicators"),
    [
        (
            LiveResult("fetched", "Fetched.", release_id="2026-03-04", fetched=(1, 2), unchanged=(3,)),
            "changed",
            {"1": "changed", "2": "changed", "3": "unchanged"},
        ),
        (LiveResult("unchanged", "Nothing new.", unchanged=(1, 3)), "unchanged", {"1": "unchanged", "3": "unchanged"}),
        (LiveResult("no_network", "No network."), "unreachable", {}),
        (LiveResult("failed", "Refused.", unchanged=(3,)), "refused", {"3": "unchanged"}),
    ],
)
def test_a_live_fetch_is_a_poll(project, result, outcome, indicators):
    poll = poll_of(result, "fingertips", NOW)
    assert poll == Poll("fingertips", NOW, outcome, result.message, indicators)
    assert record_poll(project, result, at=NOW) == poll
    assert read_polls(project.ledger)["fingertips", None].last_outcome == outcome


def test_a_person_who_looked_is_recorded(project):
    record_look(project, "annual", note=" still  the\nreport of 2024 ", at=NOW)
    record_look(project, "single", changed=True, at=NOW)
    polls = read_polls(project.ledger)
    assert polls["annual", None].last_detail == "A person looked: nothing new. still the report of 2024"
    found = poll_for(polls, "annual", "annual.one")
    assert found is not None and found.last_outcome == "unchanged"
    assert (polls["single", None].last_outcome, polls["single", None].last_changed_at) == ("changed", NOW)
    with pytest.raises(ConfigurationError, match=r"no source 'anual'\. The sources are: annual, single"):
        record_look(project, "anual")


def test_the_model_is_told_with_types_even_of_nothing(project):
    assert not project.ledger.exists()
    empty = pl.read_parquet(write_polls(project))
    assert (empty.height, dict(empty.schema)) == (0, dict(POLLS))
    add_poll(project.ledger, Poll("annual", NOW, "changed", "Seen.", {"annual.one": "changed"}))
    path = write_polls(project)
    first = path.read_bytes()
    assert pl.read_parquet(path).to_dicts() == [
        {
            "source_id": "annual",
            "indicator_id": indicator,
            "last_polled_at": NOW.replace(tzinfo=None),
            "last_outcome": "changed",
            "last_detail": "Seen.",
            "last_changed_at": NOW.replace(tzinfo=None),
            "last_answered_at": NOW.replace(tzinfo=None),
            "failing_since": None,
            "polls": 1,
        }
        for indicator in (None, "annual.one")
    ]
    assert dict(pl.read_parquet(path).schema) == dict(POLLS)
    assert write_polls(project).read_bytes() == first


def test_half_a_poll_is_no_poll(project):
    with pytest.raises(LedgerUnavailable, match=r"ledger.sqlite cannot be used: .*CHECK constraint failed"):
        add_poll(project.ledger, Poll("annual", NOW, "changed", "", {"a": "changed", "b": "unreachable"}))
    assert read_polls(project.ledger) == {}


def test_a_process_that_is_killed_leaves_whole_polls(project):
    """The child writes polls of 50 indicators as fast as it can, and dies in the middle of one."""
    code = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from pipelines.schedule.poll_log import Poll, add_poll\n"
        "while True:\n"
        "    named = {str(number): 'unchanged' for number in range(50)}\n"
        "    add_poll(Path(sys.argv[1]), Poll('annual', datetime.now(UTC), 'unchanged', '', named))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(project.ledger)], cwd=REPOSITORY)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (project.ledger.exists() and project.ledger.stat().st_size > 60_000):
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    before = read_polls(project.ledger)
    assert before["annual", None].polls == before["annual", "0"].polls == before["annual", "49"].polls > 0
    add_poll(project.ledger, Poll("annual", datetime.now(UTC), "unchanged", ""))
    assert read_polls(project.ledger)["annual", None].polls == before["annual", None].polls + 1


def _add_ten(path, number: int) -> None:
    for _ in range(10):
        add_poll(path, Poll(f"source{number}", NOW, "unchanged", ""))


def test_processes_write_at_once(project):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_ten, args=(project.ledger, number)) for number in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert [one.exitcode for one in writers] == [0] * 4
    polls = read_polls(project.ledger)
    assert {key: one.polls for key, one in polls.items() if key[1] is None} == {
        (f"source{number}", None): 10 for number in range(4)
    }


def test_a_ledger_that_is_held_for_long_is_said(project, monkeypatch):
    monkeypatch.setattr("pipelines.schedule.ledger._WAIT_SECONDS", 0.05)
    add_poll(project.ledger, Poll("annual", NOW, "unchanged", ""))
    with closing(sqlite3.connect(project.ledger, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(LedgerUnavailable, match="locked"):
            add_poll(project.ledger, Poll("annual", NOW, "unchanged", ""))
        other.execute("rollback")
    add_poll(project.ledger, Poll("annual", NOW, "unchanged", ""))
    assert read_polls(project.ledger)["annual", None].polls == 2


@pytest.mark.parametrize(
    "content", [b"not a database, and long enough to have a header" * 40, b"SQLite format 3\x00" * 99]
)
def test_a_ledger_that_is_damaged_is_moved_aside(project, content, caplog):
    project.ledger.parent.mkdir(parents=True)
    project.ledger.write_bytes(content)
    add_poll(project.ledger, Poll("annual", NOW, "unchanged", ""))
    assert read_polls(project.ledger)["annual", None].polls == 1
    assert project.ledger.with_name("ledger.sqlite.damaged").read_bytes() == content
    assert "moved to ledger.sqlite.damaged" in caplog.text


def test_a_folder_that_nobody_may_write_is_said(project):
    project.ledger.mkdir(parents=True)
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        add_poll(project.ledger, Poll("annual", NOW, "unchanged", ""))


def test_an_error_inside_takes_everything_back(project):
    with pytest.raises(ZeroDivisionError), ledger(project.ledger) as connection:
        connection.execute("insert into poll values (1, 'annual', 'now', 'unchanged', '')")
        _ = 1 / 0
    assert read_polls(project.ledger) == {}
