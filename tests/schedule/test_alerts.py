"""A condition is told once, again while it lasts, and once more when it is over; what does not arrive waits."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from aiosmtpd.controller import Controller
from pytest_httpserver import HTTPServer

from pipelines.acquire.source_registry import load_sources
from pipelines.check.check_log import LOAD, LoadRow, LoadState, write_load
from pipelines.refresh import RefreshResult
from pipelines.schedule.alerts import (
    Condition,
    Remembered,
    freshness_conditions,
    judge,
    poll_conditions,
    refresh_conditions,
    refused_conditions,
    send_alerts,
    send_test,
)
from pipelines.schedule.freshness import source_freshness
from pipelines.schedule.ledger import ledger
from pipelines.schedule.notifiers import Alert, DeliveryFailed, LogNotifier, SmtpNotifier, WebhookNotifier
from pipelines.schedule.poll_log import Poll, add_poll, read_polls
from tests.schedule.conftest import NOW, QUICK, REPOSITORY, free_port, release

DAY = timedelta(days=1)
PUBLISHED = RefreshResult("published", "2026-03-04", 1.0)
FAILED = RefreshResult("not_published", None, 1.0, ("marts/fct_target: gate failed.", "A second reason."))
LATE = Condition("release_late", "annual: late", "It is late.", "annual")


@dataclass
class Listener:
    """Hears alerts, or does not while it is deaf."""

    channel: str = "ear"
    heard: list[Alert] = field(default_factory=list)
    deaf: bool = False
    breaks: bool = False

    def send(self, alert: Alert) -> None:
        if self.breaks:
            raise KeyError("a fault of the way itself")
        if self.deaf:
            raise DeliveryFailed(f"{self.channel}: nobody answers")
        self.heard.append(alert)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.key, one.state) for one in self.heard]


def remembered(since=NOW, alerted_at=NOW, condition=LATE) -> dict[str, Remembered]:
    return {condition.key: Remembered(condition.key, condition.kind, since, alerted_at, condition.title)}


# --- which alerts there are -------------------------------------------------------------------------------------------


def test_a_new_condition_is_told_once():
    (alert,) = judge([LATE], {"release_late"}, {}, NOW)
    assert (alert.key, alert.state, alert.title, alert.text) == ("release_late:annual", "raised", LATE.title, LATE.text)
    assert (alert.since, alert.at, alert.source_id) == (NOW, NOW, "annual")
    assert judge([LATE], {"release_late"}, remembered(), NOW + 7 * DAY - timedelta(seconds=1)) == []


def test_a_condition_that_lasts_is_told_again_after_a_week():
    (alert,) = judge([LATE], {"release_late"}, remembered(since=NOW - 30 * DAY), NOW + 7 * DAY)
    assert (alert.state, alert.title, alert.since) == ("repeated", "Still: annual: late", NOW - 30 * DAY)


def test_a_condition_that_is_over_is_told_but_not_one_that_nobody_judged():
    (alert,) = judge([], {"release_late"}, remembered(), NOW + DAY)
    assert (alert.state, alert.title, alert.source_id) == ("recovered", "Over: annual: late", "annual")
    assert "since 4 March 2026 07:20 UTC" in alert.text
    assert judge([], {"not_published"}, remembered(), NOW + DAY) == []
    assert judge([], set(), remembered(), NOW + 30 * DAY) == []


def test_each_source_has_its_own_condition():
    other = Condition("release_late", "other: late", "", "other")
    assert [one.key for one in judge([LATE, other], {"release_late"}, remembered(), NOW)] == ["release_late:other"]


def test_the_conditions_of_a_refresh():
    assert refresh_conditions(()) == []
    (found,) = refresh_conditions(FAILED.failures)
    assert found.key == "not_published"
    assert "- marts/fct_target: gate failed.\n- A second reason." in found.text
    assert [one.key for one in refused_conditions({"b": None, "a": "It does not add up."})] == [
        "source_refused:a",
        "source_refused:b",
    ]


def test_the_conditions_of_freshness(project):
    calendar = load_sources(project.sources)["annual"].release_calendar

    def on(day: datetime) -> list[str]:
        found = source_freshness(calendar, ["2024-10"], ["2024-10"], poll=None, day=day.date())
        return [one.key for one in freshness_conditions({"annual": found})]

    assert on(datetime(2025, 11, 6)) == []
    assert on(datetime(2025, 11, 7)) == ["release_late:annual"]
    assert on(datetime(2026, 5, 25)) == ["source_stale:annual"]


def test_the_conditions_of_polls(project):
    add_poll(project.ledger, Poll("annual", NOW, "unreachable", "No network."))
    polls = read_polls(project.ledger)
    assert poll_conditions(polls, NOW + 2 * DAY - timedelta(seconds=1)) == []
    (found,) = poll_conditions(polls, NOW + 2 * DAY)
    assert (found.key, found.text) == ("poll_failing:annual", "The last one: No network.")
    assert found.title == "annual: every poll since 4 March 2026 has failed"
    add_poll(project.ledger, Poll("annual", NOW + 2 * DAY, "unchanged", ""))
    assert poll_conditions(read_polls(project.ledger), NOW + 3 * DAY) == []


# --- telling, remembering ---------------------------------------------------------------------------------------------


def test_a_late_release_is_told_once_then_weekly_then_over(project):
    ear = Listener()
    for number in range(9):
        report = send_alerts(project, PUBLISHED, now=NOW + number * DAY, notifiers=[ear])
        assert report.problems == ()
    assert ear.told == [("release_late:annual", "raised"), ("release_late:annual", "repeated")]
    assert ear.heard[0].text == (
        "The release expected on 25 September 2025 is 160 days late; the newest at hand is 2024-10. Not polled."
    )
    release(project, "annual", "2026-03-13")
    send_alerts(project, now=NOW + 9 * DAY, notifiers=[ear])
    send_alerts(project, now=NOW + 10 * DAY, notifiers=[ear])
    assert ear.told[2:] == [("release_late:annual", "recovered")]


def test_a_failed_refresh_is_told_until_one_succeeds(project):
    ear = Listener()
    send_alerts(project, FAILED, now=NOW, notifiers=[ear])
    send_alerts(project, FAILED, now=NOW + DAY, notifiers=[ear])
    # An occasion without a refresh knows nothing of publishing, so it does not call it over.
    send_alerts(project, now=NOW + 2 * DAY, notifiers=[ear])
    send_alerts(project, PUBLISHED, now=NOW + 3 * DAY, notifiers=[ear])
    assert [one for one in ear.told if one[0] == "not_published"] == [
        ("not_published", "raised"),
        ("not_published", "recovered"),
    ]


def refuse(settings, source_id: str, state: LoadState) -> None:
    row = LoadRow(source_id, "1a", state, 1, "It does not add up.", "2025-10", 1, 5, 0, 5, 0, 3, "0b", NOW, NOW)
    write_load(settings.check_log, row)


def test_a_refused_source_is_told_and_its_release_is_at_hand(project):
    ear = Listener()
    release(project, "annual", "2025-10")
    refuse(project, "annual", "refused")
    project.accepted.mkdir(parents=True)
    pl.DataFrame({"source_release": ["2024-10"]}).write_parquet(project.accepted / "annual.parquet")
    send_alerts(project, now=NOW, notifiers=[ear])
    assert ear.told == [("source_refused:annual", "raised")]
    assert "It does not add up." in ear.heard[0].text
    # The data that are served go stale all the same: 600 days after October 2024.
    send_alerts(project, now=datetime(2026, 5, 26, 6, tzinfo=UTC), notifiers=[ear])
    assert ("source_stale:annual", "raised") in ear.told
    refuse(project, "annual", "accepted")
    send_alerts(project, now=datetime(2026, 5, 27, 6, tzinfo=UTC), notifiers=[ear])
    assert ear.told[-2:] == [("source_refused:annual", "recovered"), ("source_stale:annual", "recovered")]
    assert set(LOAD) == {*pl.read_parquet_schema(project.check_log / "annual.load.parquet")}


# --- delivery ---------------------------------------------------------------------------------------------------------


def test_what_does_not_arrive_waits_and_is_told_by_the_other_ways(project):
    ear, deaf = Listener(), Listener("deaf", deaf=True)
    first = send_alerts(project, PUBLISHED, now=NOW, notifiers=[ear, deaf])
    assert (first.delivered, first.waiting) == (1, 1)
    assert first.problems == ("An alert could not be delivered and waits: deaf: nobody answers",)
    second = send_alerts(project, now=NOW + DAY, notifiers=[ear, deaf])
    assert ear.told == [("release_late:annual", "raised"), ("undelivered:deaf", "raised")]
    assert ear.heard[1].text == "1 waiting since 4 March 2026. deaf: nobody answers"
    assert second.waiting == 1
    deaf.deaf = False
    third = send_alerts(project, now=NOW + 2 * DAY, notifiers=[ear, deaf])
    assert (third.delivered, third.waiting, third.problems) == (1, 0, ())
    assert deaf.told == [("release_late:annual", "raised")]
    send_alerts(project, now=NOW + 3 * DAY, notifiers=[ear, deaf])
    assert ear.told[2:] == deaf.told[1:] == [("undelivered:deaf", "recovered")]


def test_waiting_alerts_arrive_in_their_order(project):
    deaf = Listener("deaf", deaf=True)
    release(project, "single", "2022-06")
    send_alerts(project, FAILED, now=NOW, notifiers=[deaf])
    send_alerts(project, PUBLISHED, now=NOW + DAY, notifiers=[deaf])
    deaf.deaf = False
    send_alerts(project, PUBLISHED, now=NOW + DAY, notifiers=[deaf])
    assert deaf.told == [
        ("not_published", "raised"),
        ("release_late:annual", "raised"),
        ("not_published", "recovered"),
    ]


def test_a_way_that_breaks_takes_nothing_with_it(project):
    ear, broken = Listener(), Listener("broken", breaks=True)
    report = send_alerts(project, PUBLISHED, now=NOW, notifiers=[broken, ear])
    assert ear.told == [("release_late:annual", "raised")]
    assert report.problems == ("An alert could not be delivered and waits: broken: KeyError",)


@pytest.mark.parametrize("spoil", ["ledger", "log", "source"])
def test_sending_never_raises(project, spoil):
    ear = Listener()
    if spoil == "ledger":
        project.ledger.mkdir(parents=True)
    elif spoil == "log":
        project.check_log.mkdir(parents=True)
        (project.check_log / "annual.load.parquet").write_bytes(b"torn")
    else:
        (project.sources / "annual.yml").write_text("id: [", "utf-8")
    report = send_alerts(project, FAILED, now=NOW, notifiers=[ear])
    assert len(report.problems) == {"ledger": 2, "log": 2, "source": 1}[spoil]
    # What can be judged is told all the same.
    assert (("not_published", "raised") in ear.told) == (spoil != "ledger")


def test_what_cannot_be_judged_is_not_called_over(project):
    ear = Listener()
    send_alerts(project, now=NOW, notifiers=[ear])
    (project.sources / "annual.yml").write_text("id: [", "utf-8")
    send_alerts(project, now=NOW + DAY, notifiers=[ear])
    assert ear.told == [("release_late:annual", "raised")]


def test_wrong_settings_leave_the_log(project, monkeypatch, caplog):
    monkeypatch.setenv("OUTCOMES_WEBHOOK_URL", "http://chat.example.org/hooks/s3cr3t")
    report = send_alerts(project, now=NOW)
    assert report.delivered == 1
    assert report.problems == (
        "Alerts go to the log only: OUTCOMES_WEBHOOK_URL: chat.example.org is not protected; use https.",
    )
    assert "is late" in caplog.text and "s3cr3t" not in caplog.text


def test_an_alert_that_waits_for_a_month_is_given_up(project):
    deaf = Listener("deaf", deaf=True)
    send_alerts(project, now=NOW, notifiers=[deaf])
    report = send_alerts(project, now=NOW + 31 * DAY, notifiers=[deaf])
    assert report.waiting == 1  # the repetition of today
    with ledger(project.ledger) as connection:
        ((content,),) = connection.execute("select alert from outbox").fetchall()
    assert json.loads(content)["state"] == "repeated"


def test_two_processes_do_not_deliver_the_same_alert_twice(project):
    """The second looks for something to deliver while the first is delivering."""
    reports = []

    class Slow(Listener):
        def send(self, alert: Alert) -> None:
            if not reports:
                reports.append(None)
                reports.append(send_alerts(project, now=NOW, notifiers=[self]))
            super().send(alert)

    slow = Slow()
    send_alerts(project, now=NOW, notifiers=[slow])
    assert reports[1].delivered == 0
    assert slow.told == [("release_late:annual", "raised")]


@pytest.mark.parametrize("moment", ["before", "while"])
def test_a_process_that_is_killed_loses_no_alert(project, moment):
    """It dies after it has decided what to tell, before or while telling; the next one tells it."""
    code = (
        "import os, signal, sys; from datetime import datetime; from pathlib import Path\n"
        "from pipelines.settings import Settings; from pipelines.schedule import alerts\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "class Way:\n"
        "    channel = 'ear'\n"
        "    send = die\n"
        "if sys.argv[3] == 'before': alerts._deliver = die\n"
        "settings = Settings(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "alerts.send_alerts(settings, now=datetime.fromisoformat(sys.argv[4]), notifiers=[Way()])\n"
    )
    given = [str(project.project), str(project.warehouse), moment, NOW.isoformat()]
    died = subprocess.run([sys.executable, "-c", code, *given], cwd=REPOSITORY, check=False)
    assert died.returncode == -signal.SIGKILL
    ear = Listener()
    send_alerts(project, now=NOW + timedelta(minutes=11), notifiers=[ear])
    assert ear.told == [("release_late:annual", "raised")]


@pytest.fixture
def reachable(mailbox) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def test_by_real_servers(project, mailbox, reachable, httpserver: HTTPServer, caplog):
    """A hook that is out of order, then mends; the mail arrives meanwhile."""
    httpserver.expect_oneshot_request("/hook").respond_with_data("no", status=404)
    mail = SmtpNotifier(
        "127.0.0.1", reachable.port, "none", "outcomes@example.org", ("analyst@example.org",), patience=QUICK
    )
    ways = [LogNotifier(), mail, WebhookNotifier(httpserver.url_for("/hook"), patience=QUICK)]
    first = send_alerts(project, FAILED, now=NOW, notifiers=ways)
    assert (first.delivered, first.waiting) == (4, 2)
    assert len(mailbox.messages) == 2
    httpserver.expect_request("/hook").respond_with_data("ok")
    second = send_alerts(project, FAILED, now=NOW + DAY, notifiers=ways)
    assert (second.waiting, second.problems) == (0, ())
    posted = [request.get_json()["key"] for request, response in httpserver.log if response.status_code == 200]
    assert posted == ["not_published", "release_late:annual"]
    assert "Alerts by webhook do not arrive" in caplog.text


def test_every_way_can_be_tried(project):
    ear, deaf, broken = Listener(), Listener("deaf", deaf=True), Listener("broken", breaks=True)
    assert send_test([ear, deaf, broken], NOW) == {
        "ear": None,
        "deaf": "deaf: nobody answers",
        "broken": "broken: KeyError",
    }
    assert ear.told == [("test", "raised")]
    assert not project.ledger.exists()
