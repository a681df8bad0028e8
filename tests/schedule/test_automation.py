"""What opens a run and what does not, in a real Dagster instance: with news, without, after downtime, twice at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._utils.schedules import schedule_execution_time_iterator

from pipelines.acquire.source_registry import load_sources
from pipelines.refresh_lock import refresh_lock
from pipelines.run_inputs import take_inputs, write_inputs
from pipelines.schedule import automation
from pipelines.schedule.alerts import send_alerts
from pipelines.schedule.automation import (
    REASON_TAG,
    TRIGGER_TAG,
    WRITER_TAGS,
    Automation,
    schedules_and_sensors,
)
from pipelines.schedule.freshness_assets import fresh_checks
from pipelines.schedule.live_poll import PollResult
from pipelines.schedule.poll_log import Poll, add_poll
from pipelines.settings import Settings
from tests.schedule.conftest import NOW, REPOSITORY, declare, release, write_passport
from tests.schedule.test_raw_watch import age

LONDON = ZoneInfo("Europe/London")
SIX = datetime(2026, 3, 4, 6, tzinfo=LONDON)


@dg.op
def work(context) -> None:
    if context.run.tags.get("fails"):
        raise dg.Failure("The gate of the mart failed.")


@dg.job
def refresh() -> None:
    work()


@dg.job
def refresh_live() -> None:
    work()


class World:
    """A project with a Dagster instance, and switches for what there is to be seen."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance = settings, instance
        self.news = True
        self.poll = PollResult("unchanged", "Nothing new at Fingertips.")
        self.polled = 0
        self.cursor: str | None = None
        self.automation = self._built()

    def _built(self) -> Automation:
        def poll(_: Settings) -> PollResult:
            self.polled += 1
            return self.poll

        return schedules_and_sensors(self.settings, refresh, refresh_live, poll=poll)

    def schedule(self, name: str) -> dg.ScheduleDefinition:
        return next(one for one in self.automation.schedules if one.name == name)

    def sensor(self, name: str) -> dg.SensorDefinition:
        return next(one for one in self.automation.sensors if one.name == name)

    def tick(self, name: str, at: datetime = SIX):
        context = dg.build_schedule_context(instance=self.instance, scheduled_execution_time=at)
        return self.schedule(name).evaluate_tick(context)

    def look(self):
        """Evaluate the sensor of the raw files as the daemon does, and keep its cursor."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        found = self.sensor("raw_files").evaluate_tick(context)
        self.cursor = found.cursor
        return found

    def queue(self, job: dg.JobDefinition) -> dg.DagsterRun:
        # Only a run of a code location can be queued; nothing listens at this one.
        location = GrpcServerCodeLocationOrigin(host="localhost", port=1)
        origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "outcomes"), job.name)
        run = self.instance.create_run_for_job(job, remote_job_origin=origin)
        kind = DagsterEventType.PIPELINE_ENQUEUED.value
        self.instance.report_dagster_event(DagsterEvent(event_type_value=kind, job_name=job.name), run.run_id)
        return run


@pytest.fixture(scope="module")
def kept_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance on disk, as schedules and sensors want; making its databases takes two seconds."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


@pytest.fixture
def instance(kept_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    for run in kept_instance.get_runs():
        kept_instance.delete_run(run.run_id)
    return kept_instance


@pytest.fixture
def world(project: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> World:
    declare(project, "service", {"cadence": "quarterly", "stale_after_days": 400, "next_release": "2026-05-05",
                                 "poll": "20 7,13 * * 1-5"})  # fmt: skip
    age(project.raw, 3600)
    made = World(project, instance)
    monkeypatch.setattr(automation, "has_news", lambda _: made.news)
    return made


# --- the morning's refresh --------------------------------------------------------------------------------------------


def test_everything_is_off_until_somebody_switches_it_on(world):
    assert {one.name for one in world.automation.schedules} == {"daily_refresh", "service_poll"}
    assert {one.name for one in world.automation.sensors} == {
        "raw_files",
        "refresh_failed",
        "refresh_succeeded",
        "alerts",
    }
    assert {one.default_status for one in world.automation.schedules} == {dg.DefaultScheduleStatus.STOPPED}
    # What opens no run and only tells of one is on.
    telling = {"refresh_failed", "refresh_succeeded"}
    assert {one.name: one.default_status for one in world.automation.sensors} == {
        one.name: dg.DefaultSensorStatus.RUNNING if one.name in telling else dg.DefaultSensorStatus.STOPPED
        for one in world.automation.sensors
    }
    assert all(one.description for one in (*world.automation.schedules, *world.automation.sensors))


def test_the_morning_opens_a_run_only_when_there_is_news(world):
    (request,) = world.tick("daily_refresh").run_requests
    assert request.tags[TRIGGER_TAG] == "daily_refresh"
    assert request.tags[REASON_TAG].startswith("Raw files, register, code or checks differ")
    assert WRITER_TAGS.items() <= request.tags.items()
    world.news = False
    found = world.tick("daily_refresh")
    assert found.run_requests == []
    assert found.skip_message.startswith("Nothing new: raw files, register, code and checks are those of release")


def test_a_run_that_waits_is_not_joined_by_another(world):
    waiting = world.queue(refresh)
    world.queue(refresh_live)
    found = world.tick("daily_refresh")
    assert found.run_requests == []
    assert found.skip_message == f"Run {waiting.run_id} is waiting to start, and will take all that has come by then."


def test_nothing_is_opened_while_another_process_writes(world):
    code = (
        "import sys; from pathlib import Path; from pipelines.settings import Settings\n"
        "from pipelines.refresh_lock import refresh_lock\n"
        "with refresh_lock(Settings(Path(sys.argv[1]), Path(sys.argv[2]))):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    given = [str(world.settings.project), str(world.settings.warehouse)]
    other = subprocess.Popen(
        [sys.executable, "-c", code, *given], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    for found in (world.tick("daily_refresh"), world.look()):
        assert found.run_requests == []
        assert found.skip_message.startswith("Not now: Another refresh is writing to this warehouse")
    # Killed, as by the system: nothing is left that would have to be cleared away.
    other.kill()
    other.communicate()
    assert len(world.tick("daily_refresh").run_requests) == 1
    assert len(world.look().run_requests) == 1


def test_a_run_whose_process_was_killed_does_not_block_the_next(world):
    world.instance.create_run_for_job(refresh, status=dg.DagsterRunStatus.STARTED)
    assert len(world.tick("daily_refresh").run_requests) == 1


def times(cron: str, start: datetime, number: int) -> list[datetime]:
    found = schedule_execution_time_iterator(start.timestamp(), cron, "Europe/London")
    return [one.astimezone(LONDON) for one in islice(found, number)]


@pytest.mark.parametrize(
    ("start", "offsets"),
    [
        # The clocks go forward on 29 March and back on 25 October 2026.
        (datetime(2026, 3, 28, tzinfo=LONDON), [0, 1, 1]),
        (datetime(2026, 10, 24, tzinfo=LONDON), [1, 0, 0]),
    ],
)
def test_six_in_london_is_six_when_the_clocks_change(world, start, offsets):
    schedule = world.schedule("daily_refresh")
    assert schedule.execution_timezone == "Europe/London"
    found = times(str(schedule.cron_schedule), start, 3)
    assert [(one.hour, one.minute) for one in found] == [(6, 0)] * 3
    assert [one.date() for one in found] == [start.date() + timedelta(days=number) for number in range(3)]
    assert [one.utcoffset() for one in found] == [timedelta(hours=hours) for hours in offsets]
    for one in found:
        assert len(world.tick("daily_refresh", one).run_requests) == 1


# --- the raw files ----------------------------------------------------------------------------------------------------


def test_one_change_opens_one_run(world):
    (request,) = world.look().run_requests
    assert request.tags[TRIGGER_TAG] == "raw_files"
    assert request.tags[REASON_TAG] == "Changed in data/raw: annual/2024-10, single/2022-05."
    found = world.look()
    assert (found.run_requests, found.skip_message) == ([], "Nothing has changed in data/raw.")


def test_a_release_that_is_still_arriving_opens_none(world):
    world.look()
    folder = release(world.settings, "annual", "2025-10", passport=False)
    assert "it may still be arriving" in world.look().skip_message
    age(folder, 3600)
    assert world.look().skip_message == "Waiting: annual/2025-10 has no passport.yml yet."
    write_passport(folder)
    age(folder, 3600)
    (request,) = world.look().run_requests
    assert request.tags[REASON_TAG] == "Changed in data/raw: annual/2025-10."


def test_after_downtime_one_run_takes_all_that_was_missed(world):
    world.look()
    for month in range(1, 10):
        age(release(world.settings, "annual", f"2026-0{month}"), 86400 * month)
    (request,) = world.look().run_requests
    assert "and 4 more" in request.tags[REASON_TAG]
    assert world.look().run_requests == []


def test_a_daemon_that_dies_before_it_keeps_the_cursor_asks_for_the_same_run(world):
    """The daemon opens no second run for a key that it has seen."""
    before = world.cursor
    (first,) = world.look().run_requests
    world.cursor = before
    (again,) = world.look().run_requests
    assert again.run_key == first.run_key is not None
    age(release(world.settings, "annual", "2025-10"), 3600)
    (later,) = world.look().run_requests
    assert later.run_key != first.run_key


def test_files_that_were_touched_without_a_change_open_none(world):
    world.look()
    age(world.settings.raw, 1800)
    world.news = False
    found = world.look()
    assert (found.run_requests, found.skip_message[:12]) == ([], "Nothing new:")
    world.news = True
    assert world.look().skip_message == "Nothing has changed in data/raw."


def test_files_that_came_during_a_run_are_looked_at_again_after_it(world):
    waiting = world.queue(refresh)
    assert world.look().run_requests == []
    world.instance.report_run_canceled(waiting)
    assert len(world.look().run_requests) == 1


# --- the poll ---------------------------------------------------------------------------------------------------------


def test_the_poll_opens_a_run_only_when_something_changed(world):
    schedule = world.schedule("service_poll")
    assert (schedule.cron_schedule, schedule.job_name) == ("20 7,13 * * 1-5", "refresh_live")
    found = world.tick("service_poll")
    assert (found.run_requests, found.skip_message) == ([], "Nothing new at Fingertips.")
    world.poll = PollResult("changed", "New at Fingertips: 1 indicator of 2 to be fetched.", ("93881",), ("91547",))
    (request,) = world.tick("service_poll").run_requests
    assert request.tags[TRIGGER_TAG] == "fingertips_poll"
    assert request.tags[REASON_TAG] == "New at Fingertips: 1 indicator of 2 to be fetched."
    assert world.polled == 2


@pytest.mark.parametrize("outcome", ["unreachable", "refused"])
def test_a_poll_that_failed_opens_none_and_says_why(world, outcome):
    world.poll = PollResult(outcome, "No network: no name.")
    found = world.tick("service_poll")
    assert (found.run_requests, found.skip_message) == ([], "No network: no name.")


def test_a_fetch_that_waits_is_not_joined_by_another(world):
    world.queue(refresh_live)
    world.poll = PollResult("changed", "New.", ("93881",))
    found = world.tick("service_poll")
    assert found.run_requests == []
    assert found.skip_message.startswith("New. Run ")
    # It was polled all the same: that somebody looked is worth knowing.
    assert world.polled == 1


def test_a_change_that_could_not_be_fetched_is_asked_for_again(world):
    """Nothing ties a poll to the run of an earlier one, so a fetch that failed is repeated at the next time."""
    world.poll = PollResult("changed", "New.", ("93881",))
    requests = [world.tick("service_poll").run_requests[0] for _ in range(2)]
    assert [one.run_key for one in requests] == [None, None]


def test_the_poll_of_this_project_is_twice_a_working_day():
    calendar = load_sources(REPOSITORY / "pipelines" / "acquire" / "sources")["fingertips"].release_calendar
    assert calendar.poll is not None
    found = times(calendar.poll, datetime(2026, 10, 23, tzinfo=LONDON), 4)
    assert [f"{one:%a %H:%M}" for one in found] == ["Fri 07:20", "Fri 13:20", "Mon 07:20", "Mon 13:20"]


# --- telling somebody -------------------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch):
    """What the sensors told, while the alerts themselves are remembered as always."""
    reports = []

    def send(settings, result):
        reports.append((result, send_alerts(settings, result, now=NOW, notifiers=[])))
        return reports[-1][1]

    monkeypatch.setattr(automation, "send_alerts", send)
    return reports


def run_context(world: World, name: str, **tags: str) -> dg.RunStatusSensorContext:
    done = refresh.execute_in_process(instance=world.instance, raise_on_error=False, tags=tags)
    kind = "PIPELINE_FAILURE" if tags else "PIPELINE_SUCCESS"
    event = next(one for one in done.all_events if one.event_type_value == kind)
    return dg.build_run_status_sensor_context(
        sensor_name=name, dagster_instance=world.instance, dagster_run=done.dagster_run, dagster_event=event
    )


def test_a_run_that_failed_is_told_with_its_causes_and_its_end(world, told):
    context = run_context(world, "refresh_failed", fails="yes").for_run_failure()
    said = world.sensor("refresh_failed")(context)
    result, report = told[0]
    assert result.outcome == "not_published"
    assert result.failures[0] == "work: The gate of the mart failed."
    assert context.dagster_run.run_id in result.failures[1]
    assert "not_published" in {one.key for one in report.alerts}
    assert said.skip_message.startswith("Alerts: 2 new")
    world.sensor("refresh_succeeded")(run_context(world, "refresh_succeeded"))
    result, report = told[1]
    assert result.outcome == "published"
    assert [(one.key, one.state) for one in report.alerts] == [("not_published", "recovered")]


def test_between_two_runs_alerts_are_sent_without_a_word_on_publishing(world, told):
    found = world.sensor("alerts").evaluate_tick(dg.build_sensor_context(instance=world.instance))
    assert found.skip_message == "Alerts: 1 new, 0 delivered, 0 waiting."
    assert told[0][0] is None
    assert [one.key for one in told[0][1].alerts] == ["release_late:annual"]


def test_freshness_is_a_check_of_every_source_that_warns_and_never_blocks(world):
    sources = load_sources(world.settings.sources)
    day = date(2026, 3, 4)
    write_inputs(world.settings.run_inputs_file, take_inputs(world.settings, day, datetime(2026, 3, 4, 6, tzinfo=UTC)))
    add_poll(world.settings.ledger, Poll("annual", NOW, "unchanged", ""))
    checks = fresh_checks(world.settings, sources)
    assets = [dg.AssetSpec(["accepted", source_id]) for source_id in sources]
    definitions = dg.Definitions(
        assets=assets,
        asset_checks=[checks],
        jobs=[dg.define_asset_job("check", selection=dg.AssetSelection.all_asset_checks())],
    )
    done = definitions.resolve_job_def("check").execute_in_process(instance=world.instance)
    found = {one.asset_key.path[-1]: one for one in done.get_asset_check_evaluations()}
    assert {name: one.passed for name, one in found.items()} == {"annual": False, "single": True, "service": True}
    late = found["annual"]
    assert late.severity == dg.AssetCheckSeverity.WARN and not late.blocking
    assert late.description == (
        "The release expected on 25 September 2025 is 160 days late; the newest at hand is 2024-10. "
        "Polled on 4 March 2026: unchanged."
    )
    assert late.metadata["days_late"].value == "160"


def test_the_lock_is_free_after_every_look(world):
    world.tick("daily_refresh")
    world.look()
    with refresh_lock(world.settings):
        pass
