"""The light poll asks for the days of uploads and nothing else, and every poll is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipelines.refresh_lock import refresh_lock
from pipelines.schedule.live_poll import poll_live
from pipelines.schedule.poll_log import read_polls

NOW = datetime(2026, 3, 5, 13, 20, tzinfo=UTC)
BOTH = ("91547", "93881")


@pytest.fixture
def poll(project, fast):
    return lambda options=fast: poll_live(project.settings, options, at=NOW)


def test_what_was_never_fetched_has_changed_and_only_uploads_are_asked_for(project, service, poll):
    result = poll()
    assert (result.outcome, result.changed, result.unchanged) == ("changed", BOTH, ())
    assert result.message == "New at Fingertips: 2 indicators of 2 to be fetched."
    assert service.count() == service.count("indicator_metadata") == 1
    assert project.tree == {}
    polls = read_polls(project.settings.ledger)
    assert polls["fingertips", None].last_outcome == "changed"
    assert {polls["fingertips", one].last_outcome for one in BOTH} == {"changed"}


def test_an_indicator_that_was_uploaded_again_has_changed(project, service, filed, poll):
    service.stamps = {"91547": "2026-02-03T09:30:00", "93881": "2026-03-05T10:00:00"}
    result = poll()
    assert (result.outcome, result.changed, result.unchanged) == ("changed", ("93881",), ("91547",))
    service.stamps = {}
    again = poll()
    assert (again.outcome, again.changed, again.unchanged) == ("unchanged", (), BOTH)
    assert again.message == "Nothing new at Fingertips: 2 indicators polled, all as filed."
    assert project.tree == filed


def test_a_service_that_cannot_be_reached_is_a_poll_that_failed(project, filed, fast, poll):
    result = poll(replace(fast, base_url="https://fingertips.invalid/api/"))
    assert (result.outcome, result.changed) == ("unreachable", ())
    found = read_polls(project.settings.ledger)["fingertips", None]
    assert (found.last_outcome, found.failing_since) == ("unreachable", NOW)


def test_an_answer_that_cannot_be_read_is_a_poll_that_failed(project, service, filed, poll):
    service.always("indicator_metadata", lambda _: {"body": b"<html>maintenance</html>", "content_type": "text/html"})
    service.always("data_changes", lambda _: {"body": b"<html>maintenance</html>", "content_type": "text/html"})
    result = poll()
    assert (result.outcome, result.changed) == ("refused", ())
    assert "1 answer refused. " in read_polls(project.settings.ledger)["fingertips", None].last_detail
    assert project.tree == filed


def test_a_poll_does_not_wait_for_a_refresh(project, poll):
    with refresh_lock(project.settings):
        assert poll().outcome == "changed"
