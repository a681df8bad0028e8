"""One refresh from start to end: is there anything new, run the job, say how it went.

Deciding whether to run and reading the outcome belong here; the steps are assets, the words on the screen
are ``cli``'s.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelines.problems import NotPublished
from pipelines.refresh_lock import refresh_lock
from pipelines.run_inputs import read_last_run, take_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import dagster as dg

    from pipelines.refresh_progress import RefreshProgress
    from pipelines.settings import Settings

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
    """

    outcome: Literal["published", "nothing_new", "not_published"]
    release_id: str | None
    seconds: float
    failures: tuple[str, ...] = ()


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
    return (
        last is None
        or not settings.served_file.is_file()
        or last.fingerprint != take_inputs(settings, as_at).fingerprint
    )


def refresh(
    settings: Settings, progress: RefreshProgress, *, as_at: date | None = None, force: bool = False
) -> RefreshResult:
    """Run the job ``refresh`` in this process, if there is anything new.

    Args:
        settings: Folders.
        progress: Where the stages report.
        as_at: The day the release speaks for; today by default.
        force: Run even when nothing is new.

    Returns:
        How it ended. Blocked sources do not make it fail: they are in the published ``source_load``.

    Raises:
        ConfigurationError: A declaration, a suite or the dbt project is wrong.
        NotPublished: Another refresh is writing to this warehouse.
    """
    began = time.monotonic()
    last = read_last_run(settings.state_file)
    if not force and not has_news(settings, as_at):
        return RefreshResult("nothing_new", last.release_id if last else None, time.monotonic() - began)

    with refresh_lock(settings):
        failures = _run_job(settings, progress, as_at)
    now = read_last_run(settings.state_file)
    return RefreshResult(
        "not_published" if failures else "published",
        now.release_id if now else None,
        time.monotonic() - began,
        failures,
    )


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
        raise NotPublished(f"No release can be built as at {day:%-d %B %Y}: {'; '.join(result.failures)}")
    return own.served_file


def _run_job(settings: Settings, progress: RefreshProgress, as_at: date | None) -> tuple[str, ...]:
    """Run the job and return why it failed; empty when it succeeded."""
    progress.begin("prepare", "pipeline")
    home = prepare_dagster_home(settings)
    settings.logs.mkdir(parents=True, exist_ok=True)
    with (settings.logs / "refresh.log").open("w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        import dagster as dg

        from pipelines.definitions import JOB, build_defs

        job = build_defs(settings, progress, as_at).resolve_job_def(JOB)
        progress.end("prepare", "pipeline", "ready")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            run = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
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
    configuration = home / "dagster.yaml"
    if not configuration.is_file() or configuration.read_text(encoding="utf-8") != _DAGSTER_YAML:
        configuration.write_text(_DAGSTER_YAML, encoding="utf-8")
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
