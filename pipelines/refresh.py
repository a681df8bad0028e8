"""One refresh from start to end: is there anything new, run the job, say how it went.

Deciding whether to run and reading the outcome belong here; the steps are assets, the words on the screen
are ``cli``'s.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pipelines.companions import have_companions, mend_companions
from pipelines.dates_in_words import in_words
from pipelines.problems import NotPublished, OutcomesError
from pipelines.refresh_lock import refresh_lock
from pipelines.refresh_progress import StageTime, TimedProgress
from pipelines.run_inputs import LastRun, is_as_served, read_last_run, take_inputs, today, write_last_run
from pipelines.schedule.dagster_storage import (
    forget_old_runs,
    quick_records,
    reached,
    set_aside_damaged_records,
    storage_yaml,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import dagster as dg

    from pipelines.refresh_progress import RefreshProgress
    from pipelines.run_inputs import RunInputs
    from pipelines.settings import Settings

COMMAND = "command"
"""What started a run, as its tag says, when it was a person or a scheduler outside Dagster."""

WRITER_TAGS = {"outcomes/writes": "warehouse"}
"""Tags of every run that writes to the warehouse, so that a limit can be put on them."""

_DAGSTER_YAML = """\
telemetry: {enabled: false}
nux: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 1}}
"""


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """How a refresh ended.

    Attributes:
        outcome: ``published``, ``nothing_new`` or ``not_published``.
        release_id: The release that is served now; ``None`` if none is.
        seconds: How long it took.
        failures: Why nothing was published, one sentence each.
        mended: Whether report, exports or public edition of the served release were missing and were made again.
    """

    outcome: Literal["published", "nothing_new", "not_published"]
    release_id: str | None
    seconds: float
    failures: tuple[str, ...] = ()
    mended: bool = False


def has_news(settings: Settings, as_at: date | None = None) -> bool:
    """Return whether any input differs from those behind the served file.

    Args:
        settings: Folders.
        as_at: The day to speak for; today by default.

    Returns:
        ``True`` when raw data, seeds, code or expectations changed, when a date of the register has passed since, or
        when nothing is served.
    """
    last = read_last_run(settings.state_file)
    if last is None or not is_as_served(settings.served_file, last):
        last = _adopt_served(settings)
    return last is None or last.fingerprint != take_inputs(settings, as_at).fingerprint


def _adopt_served(settings: Settings) -> LastRun | None:
    """Note the release that is served, when it is a whole one that the archive knows.

    A process that was killed between serving a release and noting it, or a person who put a kept release back, leaves
    a served file that the note does not speak of.

    Returns:
        What is noted now; ``None`` when the served file is missing, damaged or not of this archive.
    """
    if not settings.served_file.is_file():
        return None
    from pipelines.publish.published_state import NotOurFile, read_published
    from pipelines.publish.served_file import is_stored_release
    from pipelines.release_archive import Archive, ArchiveDamaged

    try:
        published = read_published(settings.served_file)
        if published is None:
            return None
        manifest = Archive(settings.history).read(published.release.release_id)
    except (NotOurFile, ArchiveDamaged):
        return None
    sha256 = is_stored_release(settings.served_file, settings.releases, manifest.release_id)
    if sha256 is None:
        return None
    last = LastRun(manifest.input_fingerprint, manifest.release_id, sha256)
    write_last_run(settings.state_file, last, settings.served_file)
    return last


def refresh(
    settings: Settings,
    progress: RefreshProgress,
    *,
    as_at: date | None = None,
    force: bool = False,
    wait_seconds: float = 0,
) -> RefreshResult:
    """Run the job ``refresh`` in this process, if there is anything new.

    Args:
        settings: Folders.
        progress: Where the stages report.
        as_at: The day the release speaks for; today by default.
        force: Run even when nothing is new, and read and gate every source again.
        wait_seconds: How long to wait for another refresh that is under way.

    Returns:
        How it ended. Blocked sources do not make it fail: they are in the published ``source_load``.

    Raises:
        ConfigurationError: A declaration, a suite or the dbt project is wrong.
        NotPublished: Another refresh is writing to this warehouse.
    """
    began = time.monotonic()
    if not force and not has_news(settings, as_at):
        return _nothing_new(settings, began, wait_seconds)
    with refresh_lock(settings, wait_seconds):
        if not force and wait_seconds and not has_news(settings, as_at):
            # The refresh that was waited for has done it.
            return _nothing_new(settings, began, 0)
        if force:
            _forget_loads(settings)
        failures = _run_and_leave_a_page(settings, progress, as_at)
    now = read_last_run(settings.state_file)
    return RefreshResult(
        "not_published" if failures else "published",
        now.release_id if now else None,
        time.monotonic() - began,
        failures,
    )


def _run_and_leave_a_page(settings: Settings, progress: RefreshProgress, as_at: date | None) -> tuple[str, ...]:
    """Run the job; however it ends, leave a page that says how.

    Raises:
        ConfigurationError: As :func:`run_job` says; the page is left all the same.
    """
    timed = TimedProgress(progress)
    # Whole seconds, as the run itself counts: what it leaves must not seem older than its start.
    began_at, began = datetime.now(UTC).replace(microsecond=0), time.monotonic()
    before = read_last_run(settings.state_file)
    failures: tuple[str, ...] = ("The run was broken off.",)
    try:
        failures = run_job(settings, timed, as_at)
    except OutcomesError as error:
        failures = (str(error),)
        raise
    finally:
        leave_page(
            settings,
            began_at,
            time.monotonic() - began,
            failures,
            stages=timed.times,
            previous_release_id=before.release_id if before else None,
        )
    return failures


def leave_page(
    settings: Settings,
    began: datetime,
    seconds: float,
    failures: tuple[str, ...],
    *,
    stages: tuple[StageTime, ...] = (),
    previous_release_id: str | None = None,
    trigger: str = "outcomes refresh",
) -> Path | None:
    """Write the page of a run that has just ended. That it cannot be written fails nothing: the run is over.

    Args:
        settings: Folders.
        began: Start of the run, in whole seconds.
        seconds: How long it took.
        failures: Why nothing was published; empty when something was.
        stages: How long each part took.
        previous_release_id: What was served when it began.
        trigger: What started it.

    Returns:
        The page; ``None`` when it could not be written, which is in the log.
    """
    from pipelines.check.release_comparison import comparison_checks
    from pipelines.report.release_notes import notes_of
    from pipelines.report.run_page import run_record, write_run_page

    try:
        has_notes = settings.keeps_history and not failures
        record = run_record(
            settings,
            began,
            seconds,
            failures,
            stages=stages,
            previous_release_id=previous_release_id,
            release_notes=notes_of(settings, "served") if has_notes else None,
            trigger=trigger,
        )
        return write_run_page(settings, record, others=comparison_checks())
    except (OSError, OutcomesError) as error:
        logging.getLogger(__name__).warning("The page of the run could not be written: %s", error)
        return None


def _nothing_new(settings: Settings, began: float, wait_seconds: float) -> RefreshResult:
    """Leave what is served as it is; what should lie beside it and does not is made again.

    Raises:
        NotPublished: Something is missing beside the served release and cannot be made.
    """
    last = read_last_run(settings.state_file)
    release_id = last.release_id if last else None
    mended = False
    if release_id is not None and settings.keeps_history and not have_companions(settings, release_id):
        with refresh_lock(settings, wait_seconds):
            if not have_companions(settings, release_id):
                mend_companions(settings, release_id)
                mended = True
    return RefreshResult("nothing_new", release_id, time.monotonic() - began, mended=mended)


def _forget_loads(settings: Settings) -> None:
    """Have every source read and gated again: what was noted of the last time is what keeps it from being done."""
    for note in (*settings.landed.glob("*.landing.json"), *settings.check_log.glob("*.gate.json")):
        note.unlink()


def looks_back(settings: Settings, as_at: date | None) -> bool:
    """Return whether a release for a day would take the place of a served one that speaks for a later day.

    Args:
        settings: Folders.
        as_at: The day to speak for; ``None`` for today.

    Returns:
        ``False`` when nothing is served.
    """
    from pipelines.publish.published_state import NotOurFile, read_published

    if as_at is None or as_at >= today():
        return False
    try:
        published = read_published(settings.served_file)
    except NotOurFile:
        return False
    return published is not None and published.release.as_at > as_at


def release_as_at(settings: Settings, progress: RefreshProgress, day: date) -> Path:
    """Return a published file that speaks for a day: the served one when it does, or one built for the day and kept.

    A day that is over is built from what was known on it: releases at hand, commitments in force, progress recorded.
    The served file is not touched.

    Args:
        settings: Folders.
        progress: Where the stages report while the file is built; a file that stands is returned at once.
        day: The day.

    Returns:
        The file.

    Raises:
        NotPublished: It cannot be built; the message says why.
        ConfigurationError: As :func:`refresh` says.
    """
    from pipelines.publish.published_state import read_published

    published = read_published(settings.served_file)
    if published is not None and published.release.as_at == day and not has_news(settings, day):
        return settings.served_file
    own = settings.speaking_for(day)
    result = refresh(own, progress, as_at=day)
    if result.outcome == "not_published":
        raise NotPublished(f"No release can be built as at {in_words(day)}: {'; '.join(result.failures)}")
    return own.served_file


def run_job(
    settings: Settings, progress: RefreshProgress, as_at: date | None, orders: RunInputs | None = None
) -> tuple[str, ...]:
    """Run the job in this process, whether or not there is anything new.

    Args:
        settings: Folders.
        progress: Where the stages report.
        as_at: The day the release speaks for; today by default.
        orders: Day and times of a release that is made again.

    Returns:
        Why it failed, one sentence each; empty when it succeeded.

    Raises:
        ConfigurationError: A declaration, a suite or the dbt project is wrong.
    """
    progress.begin("prepare", "pipeline")
    aside = set_aside_damaged_records(settings.dagster_home)
    if aside is not None:
        logging.getLogger(__name__).warning("The record of past runs was damaged, and lies in %s now.", aside)
    home = prepare_dagster_home(settings)
    settings.logs.mkdir(parents=True, exist_ok=True)
    with (settings.logs / "refresh.log").open("w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        import dagster as dg

        from pipelines.definitions import JOB, build_defs

        job = build_defs(settings, progress, as_at, orders).resolve_job_def(JOB)
        progress.end("prepare", "pipeline", "ready")
        with reached(lambda: dg.DagsterInstance.from_config(str(home))) as instance, quick_records(home):
            run = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                tags={"outcomes/trigger": COMMAND, **WRITER_TAGS},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
            forget_old_runs(instance)
            if run.success:
                return ()
            return tuple(_failures(run.all_events)) or ("The run failed without saying why; see the log.",)


def prepare_dagster_home(settings: Settings) -> Path:
    """Make Dagster's home and point Dagster to it, with telemetry and pop-ups off.

    Args:
        settings: Folders.

    Returns:
        The folder.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    configuration, wanted = home / "dagster.yaml", _DAGSTER_YAML + storage_yaml(os.environ)
    if not configuration.is_file() or configuration.read_text(encoding="utf-8") != wanted:
        configuration.write_text(wanted, encoding="utf-8")
    os.environ.update(DAGSTER_HOME=str(home), DAGSTER_DISABLE_TELEMETRY="yes", DBT_SEND_ANONYMOUS_USAGE_STATS="false")
    return home


def _failures(events: Sequence[dg.DagsterEvent]) -> list[str]:
    """Return one sentence per failed step or blocking check, the first cause first; else what Dagster says."""
    causes: list[str] = []
    for event in events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            if not check.passed and check.blocking:
                said = check.description or "No description."
                causes.append(f"{check.asset_key.to_user_string()}: {check.check_name} failed. {said}")
        elif event.event_type_value == "STEP_FAILURE":
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            failure = event.step_failure_data.user_failure_data
            said = (failure.description if failure else None) or (error.message if error else event.message or "")
            if "DagsterAssetCheckFailedError" not in said:
                causes.append(f"{event.step_key}: {said.strip()}")
    return causes or [str(event.message) for event in events if event.is_failure]
