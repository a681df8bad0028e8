"""Dagster's schedules and sensors: what opens a run, and what tells somebody of it.

Only the wiring belongs here: each looks, asks a function of this folder, and says in plain words why a run is opened or
why not. All of them are off until a person switches them on. What a run does does not belong here.

After the daemon was down, one evaluation takes all that was missed: a schedule runs its latest time only, a sensor
compares with what it had dealt with before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import dagster as dg

from pipelines.acquire.source_registry import Source, load_sources
from pipelines.problems import NotPublished, OutcomesError
from pipelines.refresh import COMMAND, WRITER_TAGS, RefreshResult, has_news, leave_page
from pipelines.refresh_lock import refresh_lock
from pipelines.run_inputs import read_last_run
from pipelines.schedule.alerts import send_alerts
from pipelines.schedule.dagster_storage import forget_old_runs
from pipelines.schedule.live_poll import PollResult, poll_live
from pipelines.schedule.raw_watch import SETTLED_AFTER, Cursor, look

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

    from pipelines.settings import Settings

    Job = dg.JobDefinition | UnresolvedAssetJobDefinition

TRIGGER_TAG: Final = "outcomes/trigger"
REASON_TAG: Final = "outcomes/reason"
"""Tags of every job that writes the warehouse. Where Dagster may run several jobs at once, its configuration limits
this tag to one; the lock of the warehouse holds in any case."""
LONDON: Final = "Europe/London"
_REASON_LENGTH: Final = 250
Trigger = Literal["daily_refresh", "raw_files", "fingertips_poll"]


@dataclass(frozen=True, slots=True)
class Automation:
    """What opens runs by itself, and what tells somebody.

    Attributes:
        schedules: ``daily_refresh``, and one poll of each source that has a service.
        sensors: ``raw_files``, ``refresh_failed``, ``refresh_succeeded`` and ``alerts``.
    """

    schedules: tuple[dg.ScheduleDefinition, ...]
    sensors: tuple[dg.SensorDefinition, ...]


def schedules_and_sensors(
    settings: Settings,
    refresh_job: Job,
    live_job: Job,
    *,
    poll: Callable[[Settings], PollResult] = poll_live,
    settled_after: float = SETTLED_AFTER,
) -> Automation:
    """Build all schedules and sensors, switched off.

    Args:
        settings: Folders.
        refresh_job: Job that lands, gates, models and publishes.
        live_job: The same after fetching from the live service.
        poll: Asks the live service for changes.
        settled_after: Seconds without a change after which raw files count as arrived.

    Returns:
        Schedules and sensors.

    Raises:
        ConfigurationError: A source declaration is wrong.
    """
    polls = [
        _poll_schedule(settings, source, live_job, poll)
        for source in load_sources(settings.sources).values()
        if source.release_calendar.poll is not None
    ]
    return Automation(
        schedules=(_daily_refresh(settings, refresh_job), *polls),
        sensors=(
            _raw_files(settings, refresh_job, settled_after),
            _refresh_failed(settings, [refresh_job, live_job]),
            _refresh_succeeded(settings, [refresh_job, live_job]),
            _alerts(settings),
        ),
    )


def _daily_refresh(settings: Settings, job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="daily_refresh",
        job=job,
        cron_schedule="0 6 * * *",
        execution_timezone=LONDON,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every morning at six, London time, if there is anything new. Switch it on in the UI.",
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if reason := _busy(context.instance, settings, job):
            return dg.SkipReason(reason)
        if not has_news(settings):
            return dg.SkipReason(_nothing_new(settings))
        return _request("daily_refresh", "Raw files, register, code or checks differ from those behind the release.")

    return daily_refresh


def _poll_schedule(
    settings: Settings, source: Source, job: Job, poll: Callable[[Settings], PollResult]
) -> dg.ScheduleDefinition:
    name = f"{source.id}_poll"

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=str(source.release_calendar.poll),
        execution_timezone=LONDON,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Asks whether anything has changed at {source.publisher}, and fetches only then.",
    )
    def polled(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        found = poll(settings)
        if found.outcome != "changed":
            return dg.SkipReason(found.message)
        if reason := _busy(context.instance, settings, job):
            return dg.SkipReason(f"{found.message} {reason}")
        return _request("fingertips_poll", found.message)

    return polled


def _raw_files(settings: Settings, job: Job, settled_after: float) -> dg.SensorDefinition:
    @dg.sensor(
        name="raw_files",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Opens one run when releases in data/raw have changed and have all arrived.",
    )
    def raw_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        found = look(settings, Cursor.read(context.cursor), time.time(), settled_after)
        if not found.changed:
            return dg.SkipReason("Nothing has changed in data/raw.")
        if found.waiting:
            return dg.SkipReason(f"Waiting: {found.waiting}")
        # The cursor stays: whether the run that is under way has seen these files is known when it ends.
        if reason := _busy(context.instance, settings, job):
            return dg.SkipReason(reason)
        dealt_with = found.cursor.write()
        if not has_news(settings):
            return dg.SensorResult(skip_reason=dg.SkipReason(_nothing_new(settings)), cursor=dealt_with)
        request = _request("raw_files", f"Changed in data/raw: {found.said}.", found.key)
        return dg.SensorResult(run_requests=[request], cursor=dealt_with)

    return raw_files


def _refresh_failed(settings: Settings, jobs: Sequence[Job]) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="refresh_failed",
        monitored_jobs=[*jobs],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Leaves the page of a run that failed, and tells somebody.",
    )
    def refresh_failed(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        causes = [f"{event.step_key}: {_cause(event)}" for event in context.get_step_failure_events()]
        causes = causes or [context.failure_event.message or "The run ended without saying why."]
        _leave_page(context, settings, tuple(causes))
        where = f"Run {context.dagster_run.run_id} of {context.dagster_run.job_name} in Dagster has the details."
        return _told(settings, RefreshResult("not_published", None, 0.0, (*causes, where)))

    return refresh_failed


def _refresh_succeeded(settings: Settings, jobs: Sequence[Job]) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="refresh_succeeded",
        monitored_jobs=[*jobs],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Leaves the page of a run, and tells somebody what it found: refused sources, late releases.",
    )
    def refresh_succeeded(context: dg.RunStatusSensorContext) -> dg.SkipReason:
        _leave_page(context, settings, ())
        forget_old_runs(context.instance)
        last = read_last_run(settings.state_file)
        return _told(settings, RefreshResult("published", last.release_id if last else None, 0.0))

    return refresh_succeeded


def _alerts(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=3600,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Every hour: late releases, failing polls, and alerts that could not be delivered before.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _told(settings, None)

    return alerts


def _leave_page(context: dg.RunStatusSensorContext, settings: Settings, failures: tuple[str, ...]) -> None:
    """Leave the page of a run that Dagster started; the command leaves those of its own."""
    run = context.dagster_run
    if run.tags.get(TRIGGER_TAG) == COMMAND:
        return
    stats = context.instance.get_run_stats(run.run_id)
    began = stats.start_time or stats.launch_time
    if began is None or stats.end_time is None:
        return
    moment = datetime.fromtimestamp(began, UTC).replace(microsecond=0)
    trigger = f"Dagster, {run.tags.get(TRIGGER_TAG, 'by hand')}"
    leave_page(settings, moment, stats.end_time - began, failures, trigger=trigger)


def _told(settings: Settings, result: RefreshResult | None) -> dg.SkipReason:
    report = send_alerts(settings, result)
    counts = f"{len(report.alerts)} new, {report.delivered} delivered, {report.waiting} waiting."
    return dg.SkipReason(" ".join([f"Alerts: {counts}", *report.problems]))


def _busy(instance: dg.DagsterInstance, settings: Settings, job: Job) -> str | None:
    """Return why no run is opened now: one is writing, or one waits that will take all that has come by its start.

    The lock and not Dagster says whether one is writing: a run whose process was killed stays "started" for ever.
    """
    queued = instance.get_runs(
        dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.QUEUED]),
        limit=1,
    )
    if queued:
        return f"Run {queued[0].run_id} is waiting to start, and will take all that has come by then."
    try:
        with refresh_lock(settings):
            return None
    except NotPublished as held:
        return f"Not now: {held}"


def _nothing_new(settings: Settings) -> str:
    last = read_last_run(settings.state_file)
    return f"Nothing new: raw files, register, code and checks are those of release {last.release_id if last else '?'}."


def _request(trigger: Trigger, reason: str, run_key: str | None = None) -> dg.RunRequest:
    tags = {TRIGGER_TAG: trigger, REASON_TAG: reason[:_REASON_LENGTH], **WRITER_TAGS}
    return dg.RunRequest(run_key=run_key, tags=tags)


def _cause(event: Any) -> str:
    """Return the first cause of a step's failure in its own words, without a traceback."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    said = event.step_failure_data.user_failure_data
    text = (said.description if said else None) or (error.message if error else event.message) or ""
    return text.strip().removeprefix(f"{OutcomesError.__module__}.")
