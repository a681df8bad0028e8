"""What a run left behind, gathered for its page: every check, every source, every failing row.

Reading the logs, the build and the release belongs here, and it never fails for want of one of them: a run may have
died anywhere. What the page looks like does not belong here (see ``run_page``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, cast

import duckdb
import polars as pl

from pipelines.acquire.source_registry import load_sources
from pipelines.check.intended_checks import (
    RELEASE,
    IntendedCheck,
    model_tests,
    read_intended,
    read_manifest,
)
from pipelines.check.load_gate import READABLE
from pipelines.problems import OutcomesError
from pipelines.publish.check_rows import (
    NO_RESULT,
    dbt_check_rows,
    identity,
    log_rows,
    missing_rows,
    modelled_rows,
    read_test_results,
    run_results_file,
    unintended,
    without_zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pipelines.publish.check_rows import CheckRow
    from pipelines.refresh_progress import StageTime
    from pipelines.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

FAILING_ROWS: Final = 20
_UNREADABLE: Final = (OSError, duckdb.Error, pl.exceptions.PolarsError, ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is known of a run when it has ended, well or badly.

    Attributes:
        run_id: Name of the run and of its page: letters, digits, full stop, hyphen and underscore.
        outcome: ``published`` or ``not_published``.
        started_at: When it began; must carry a zone.
        seconds: How long it took.
        as_at: Day that it spoke for; ``None`` when it died before that was fixed.
        release_id: Release that it published; ``None`` if none.
        previous_release_id: Release that was served when it began; ``None`` if none.
        code_version: Version of the code, if known.
        input_fingerprint: Fingerprint of what went in, if known.
        failures: Why nothing was published, one sentence each.
        stages: How long everything took.
        release_notes: What changed, as text, if that was worked out.
        trigger: What started it: a person, a schedule, a sensor.
    """

    run_id: str
    outcome: Literal["published", "not_published"]
    started_at: datetime
    seconds: float
    as_at: date | None = None
    release_id: str | None = None
    previous_release_id: str | None = None
    code_version: str | None = None
    input_fingerprint: str | None = None
    failures: tuple[str, ...] = ()
    stages: tuple[StageTime, ...] = ()
    release_notes: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class FailingRow:
    """One row that made a check fail; what the check did not say is empty."""

    file: str
    row: str
    column: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class SourceLine:
    """What became of one source in a run.

    Attributes:
        source_id: The source.
        state: ``accepted`` or ``refused``; ``not_checked`` when it has no record.
        is_stale: Whether older data are served in the place of a refused load.
        landed: Rows read.
        staged: Rows of this load that are used.
        quarantined: Rows set aside.
        refused: Rows turned away with the load.
        duplicates: Used rows that repeat another; ``None`` when nothing was modelled.
        served_since: When the load that is used was accepted, UTC.
        checked_at: When its gate spoke last, UTC.
        is_carried_over: Whether that was in an earlier run.
        reason: Why it was refused.
    """

    source_id: str
    state: str
    is_stale: bool = False
    landed: int | None = None
    staged: int | None = None
    quarantined: int | None = None
    refused: int | None = None
    duplicates: int | None = None
    served_since: datetime | None = None
    checked_at: datetime | None = None
    is_carried_over: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunResults:
    """Everything that a page shows of the checks and sources of a run.

    Attributes:
        checks: A row of ``fct_data_quality_check`` for every check, evaluated or not.
        sources: One line a source.
        unintended: Results that belong to no intended check, by name.
        remarks: What could not be found out, and why.
    """

    checks: tuple[CheckRow, ...]
    sources: tuple[SourceLine, ...]
    unintended: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def gather(settings: Settings, record: RunRecord, others: Sequence[IntendedCheck] = ()) -> RunResults:
    """Read what a run left behind.

    Args:
        settings: Folders.
        record: The run.
        others: Checks of gates that have no suite.

    Returns:
        Its results. Those of a published run are the ones in its release; those of another are put together from the
        logs, and a check that the run did not come to has a row that says so.
    """
    began = without_zone(record.started_at)
    remarks: list[str] = []
    sources: dict[str, Any] = {}
    intended: tuple[IntendedCheck, ...] = ()
    try:
        sources = dict(load_sources(settings.sources))
        intended = read_intended(settings, sources, others)
    except (OutcomesError, OSError) as error:
        remarks.append(f"What was intended cannot be listed, so a check without a result is not shown: {error}")
    if intended and read_manifest(settings) is None:
        remarks.append("The tests of the model are not listed, because the dbt project was not parsed.")
    database = _database_of(settings, record)
    checks = None if database is None else _try(modelled_rows, database)
    if checks is None or record.release_id is None:
        checks = _from_the_logs(settings, record, checks or [], remarks)
    checks = [*checks, *missing_rows(intended, checks, began, _reasons(record, checks))]
    strangers = unintended(intended, checks) if intended else []
    return RunResults(
        tuple(sorted(checks, key=lambda row: (row["stage"], row["subject_name"], row["check_id"]))),
        tuple(_source_lines(settings, sources, database, began)),
        tuple(strangers),
        tuple(remarks),
    )


def failing_rows(row: CheckRow) -> list[FailingRow]:
    """Return the failing rows that a check listed, at most twenty.

    Args:
        row: A row of ``fct_data_quality_check``.
    """
    try:
        found = cast("list[object]", json.loads(row["details_json"] or "[]"))
    except ValueError:
        return []
    return [_failing(cast("dict[str, Any]", one)) for one in found[:FAILING_ROWS] if isinstance(one, dict)]


_PLACES: Final = {
    "file": ("source_file", "file"),
    "row": ("source_row_number", "row", "record"),
    "column": ("column_name", "column", "source_column"),
    "value": ("value",),
    "detail": ("detail", "message"),
}


def _failing(found: Mapping[str, Any]) -> FailingRow:
    """Sort what a check said of a row into the columns of the page; what has no column is part of the detail."""
    cells: dict[str, str] = {}
    used = {"remedy", "rule", "source_column"}
    for place, names in _PLACES.items():
        name = next((name for name in names if found.get(name) is not None), None)
        cells[place] = "" if name is None else str(found[name])
        used.update(names if place != "value" else ("value",))
    rest = ", ".join(f"{name} {value}" for name, value in found.items() if name not in used and value is not None)
    detail = cells["detail"] or rest
    return FailingRow(cells["file"], cells["row"], cells["column"], cells["value"], detail)


def _database_of(settings: Settings, record: RunRecord) -> Path | None:
    """Return the release of a published run, or the build that another run got as far as making."""
    if record.release_id is not None:
        kept = settings.releases / f"{record.release_id}.duckdb"
        return kept if kept.is_file() else settings.served_file
    rows = _try(modelled_rows, settings.build_file) if settings.build_file.is_file() else None
    began = without_zone(record.started_at)
    # The build of an earlier run is still there when this one did not come to the model.
    of_this_run = rows is not None and any(row["stage"] == "model" and row["evaluated_at"] >= began for row in rows)
    return settings.build_file if of_this_run else None


def _from_the_logs(
    settings: Settings, record: RunRecord, modelled: Sequence[CheckRow], remarks: list[str]
) -> list[CheckRow]:
    began = without_zone(record.started_at)
    rows: list[CheckRow] = []
    for folder in (settings.check_log, settings.published_checks):
        for file in sorted(folder.glob("*.checks.parquet")):
            found = _try(log_rows, [file], began)
            if found is None:
                remarks.append(f"The check log {file.name} cannot be read.")
            rows += found or []
    # Only an unchanged source speaks from an earlier run; what else is old was not asked again before the run ended.
    rows = [row for row in rows if row["stage"] == "landed" or not row["is_carried_over"]]
    known = {identity(row) for row in rows}
    rows += [row for row in modelled if row["stage"] == "model" and identity(row) not in known]
    manifest = read_manifest(settings)
    tests = read_test_results(run_results_file(settings), began)
    if manifest is not None and tests:
        rows += [
            _with_failing_rows(settings, row, tests[test.unique_id].query)
            for row, test in zip(dbt_check_rows(manifest, tests, began), model_tests(manifest), strict=True)
            if test.unique_id in tests
        ]
    return rows


def _with_failing_rows(settings: Settings, row: CheckRow, query: str) -> CheckRow:
    """Add the failing rows of a test of the model, which dbt only counts."""
    if row["outcome"] not in ("blocked", "warned") or not query:
        return row
    found = _try(_rows_of, settings.build_file, f"select * from ({query}) limit {FAILING_ROWS}")
    return {**row, "details_json": json.dumps(found, ensure_ascii=False, default=str)} if found else row


def _rows_of(database: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(query)
        names = [str(column[0]) for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _reasons(record: RunRecord, rows: Iterable[CheckRow]) -> Callable[[IntendedCheck], str]:
    """Return what says why a check has no result."""
    unreadable = {
        (row["stage"], row["subject_name"])
        for row in rows
        if row["expectation_type"] == READABLE and row["outcome"] == "blocked"
    }
    register_unreadable = any(stage == "register" for stage, _ in unreadable)

    def reason(check: IntendedCheck) -> str:
        if (check.stage, check.subject) in unreadable:
            return f"The {'load' if check.stage == 'landed' else 'table'} could not be read."
        if check.stage == "register" and register_unreadable:
            return "A table of the register could not be read, and most of its rules look into several."
        if record.outcome == "published":
            return NO_RESULT
        if check.subject == RELEASE:
            return "Publishing was not completed; why is said at the top."
        return "The run ended before it."

    return reason


def _source_lines(
    settings: Settings, sources: Mapping[str, Any], database: Path | None, began: datetime
) -> Iterable[SourceLine]:
    modelled = {} if database is None else _try(_loads_of, database) or {}
    logged = {file.name.removesuffix(".load.parquet"): file for file in settings.check_log.glob("*.load.parquet")}
    for source_id in sorted({*sources, *logged}):
        line = _try(_source_line, source_id, logged[source_id], began) if source_id in logged else None
        line = line or SourceLine(source_id, "not_checked")
        yield replace(line, duplicates=modelled.get(source_id))


def _source_line(source_id: str, file: Path, began: datetime) -> SourceLine:
    found = pl.read_parquet(file).row(0, named=True)
    return SourceLine(
        source_id,
        str(found["load_state"]),
        bool(found["is_stale"]),
        found["landed_rows"],
        found["staged_rows"],
        found["quarantined_rows"],
        found["refused_rows"],
        None,
        found["served_since"],
        found["checked_at"],
        found["checked_at"] < began,
        found["reason"],
    )


def _loads_of(database: Path) -> dict[str, int]:
    rows = _rows_of(database, "select source_id, duplicate_rows from main.source_load")
    return {row["source_id"]: row["duplicate_rows"] for row in rows}


def _try(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return what a reader finds, or ``None`` when the file is missing, damaged or of another version."""
    try:
        return read(*args, **kwargs)
    except _UNREADABLE:
        return None
