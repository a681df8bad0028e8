"""Every result of a run as rows of ``fct_data_quality_check``, held against the index of what was intended.

Giving results of the gates, of dbt's tests and of publishing one shape belongs here, and naming the checks that have no
result. Running checks does not, and neither does showing them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import duckdb
import polars as pl

from pipelines.acquire.source_registry import load_sources
from pipelines.check.intended_checks import RELEASE, checks_of_release, model_tests, read_intended, read_manifest
from pipelines.check.release_rules import RELEASE_RULES
from pipelines.problems import NotPublished
from pipelines.publish.catalogue import read_columns, read_relations
from pipelines.publish.release import CHECKS_TABLE
from pipelines.publish.storage_format import STORAGE_HEADER, STORAGE_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pipelines.check.intended_checks import IntendedCheck
    from pipelines.settings import Settings

CheckRow = dict[str, Any]
"""A row of ``fct_data_quality_check``: column -> value."""

NOT_APPLICABLE: Final = -2
"""``source_key`` of a check that is not about one source."""

COLUMNS: Final[dict[str, pl.DataType]] = {
    "data_quality_check_key": pl.Int64(),
    "source_key": pl.Int64(),
    "source_id": pl.String(),
    "subject_name": pl.String(),
    "stage": pl.String(),
    "check_id": pl.String(),
    "expectation_type": pl.String(),
    "column_name": pl.String(),
    "severity": pl.String(),
    "outcome": pl.String(),
    "rows_evaluated": pl.Int64(),
    "rows_failed": pl.Int64(),
    "observed": pl.String(),
    "details_json": pl.String(),
    "why": pl.String(),
    "evaluated_at": pl.Datetime("us"),
    "is_carried_over": pl.Int16(),
}
"""Columns of ``fct_data_quality_check``, in its order."""

NO_RESULT: Final = "No result was recorded in this run."
_NOT_RUN: Final = "dbt did not run this test in this run, because only a part of the model was built."
_OUTCOME_OF_TEST: Final = {"pass": "passed", "fail": "blocked", "warn": "warned"}
_MESSAGE_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class TestResult:
    """What dbt says of one of its tests.

    Attributes:
        status: ``pass``, ``fail``, ``warn``, ``error`` or ``skipped``.
        failures: Rows that fail; ``None`` when it did not run.
        message: dbt's words.
        query: The query that returns the failing rows, over the build file; empty when it was not compiled.
    """

    status: str
    failures: int | None
    message: str
    query: str

    __test__ = False


def surrogate_key(*parts: str | None) -> int:
    """Return the key that the macro ``surrogate_key`` gives: the upper 48 bits of the lower half of the MD5.

    Args:
        *parts: The natural key, an empty part as ``None``.
    """
    digest = hashlib.md5("|".join(part or "" for part in parts).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") >> 16


def check_row(
    check: IntendedCheck,
    outcome: str,
    observed: str,
    moment: datetime,
    *,
    rows_evaluated: int | None = None,
    rows_failed: int | None = None,
) -> CheckRow:
    """Return the row of a check that this run made, or should have made.

    Args:
        check: The check.
        outcome: ``passed``, ``warned``, ``quarantined``, ``blocked`` or ``not_evaluated``.
        observed: What was seen, or why nothing was.
        moment: When the run began, UTC.
        rows_evaluated: Rows that it looked at, if it can say.
        rows_failed: Rows that failed, if it can say.
    """
    return {
        "data_quality_check_key": surrogate_key(*check.identity),
        "source_key": NOT_APPLICABLE if check.source_id is None else surrogate_key(check.source_id),
        "source_id": check.source_id,
        "subject_name": check.subject,
        "stage": check.stage,
        "check_id": check.check_id,
        "expectation_type": check.expectation_type,
        "column_name": check.column,
        "severity": check.severity,
        "outcome": outcome,
        "rows_evaluated": rows_evaluated,
        "rows_failed": rows_failed,
        "observed": observed,
        "details_json": None,
        "why": check.why,
        "evaluated_at": without_zone(moment),
        "is_carried_over": 0,
    }


def without_zone(moment: datetime) -> datetime:
    """Return a moment as the tables hold it: in UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def identity(row: CheckRow) -> tuple[str, str, str]:
    """Return what a row is recognised by: source (empty if none), stage, name."""
    return (row["source_id"] or "", row["stage"], row["check_id"])


def log_rows(files: Iterable[Path], moment: datetime) -> list[CheckRow]:
    """Return what the gates wrote to their log.

    Args:
        files: Files ``<subject>.checks.parquet`` of ``check.check_log``.
        moment: When the run began, UTC; an older result is carried over.

    Returns:
        One row a result. The log names its subject in ``source_id``; only a landed source is one.
    """
    began = without_zone(moment)
    rows: list[CheckRow] = []
    for file in sorted(files):
        for found in pl.read_parquet(file).iter_rows(named=True):
            subject, stage = str(found["source_id"]), str(found["stage"])
            source_id = subject if stage == "landed" else None
            check_id = str(found["check_id"]) if source_id else f"{subject}.{found['check_id']}"
            rows.append(
                {
                    **{name: found.get(name) for name in COLUMNS},
                    "data_quality_check_key": surrogate_key(source_id, stage, check_id),
                    "source_key": surrogate_key(source_id) if source_id else NOT_APPLICABLE,
                    "source_id": source_id,
                    "subject_name": subject,
                    "check_id": check_id,
                    "is_carried_over": int(found["evaluated_at"] < began),
                }
            )
    return rows


def run_results_file(settings: Settings) -> Path:
    """Return where dbt says what came of its last build."""
    return settings.warehouse / "dbt" / "run_results.json"


def read_test_results(file: Path, since: datetime) -> dict[str, TestResult]:
    """Read what dbt says of the tests of one run.

    Args:
        file: dbt's ``run_results.json``.
        since: When the run began, UTC: results of an earlier build say nothing about this one.

    Returns:
        dbt's id of a test -> its result; empty when dbt has not built since then or left no readable results.
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        written = datetime.fromisoformat(str(content["metadata"]["generated_at"]))
        results = cast("list[dict[str, Any]]", content["results"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if without_zone(written) < without_zone(since):
        return {}
    return {
        str(one["unique_id"]): TestResult(
            str(one["status"]), one.get("failures"), str(one.get("message") or ""), str(one.get("compiled_code") or "")
        )
        for one in results
        if str(one["unique_id"]).startswith("test.")
    }


def dbt_check_rows(
    manifest: Mapping[str, Any], results: Mapping[str, TestResult], moment: datetime, not_run: str = _NOT_RUN
) -> list[CheckRow]:
    """Return the results of dbt's tests.

    Args:
        manifest: dbt's ``manifest.json``.
        results: As :func:`read_test_results` returns them.
        moment: When the run began, UTC.
        not_run: What to say of a test without a result.

    Returns:
        One row a test of the project, run or not, in the order of their names, whatever the order they ran in.
    """
    rows: list[CheckRow] = []
    for test in model_tests(manifest):
        result = results.get(test.unique_id)
        if result is None:
            outcome, observed = "not_evaluated", not_run
        elif result.status in _OUTCOME_OF_TEST:
            failed = result.failures or 0
            outcome = _OUTCOME_OF_TEST[result.status]
            observed = f"{failed:,} {'row does' if failed == 1 else 'rows do'} not keep it: {test.rule}"
            observed = f"It holds: {test.rule}" if outcome == "passed" else observed
        elif result.status == "skipped":
            outcome, observed = "not_evaluated", f"Not asked, because what it looks at was not built: {test.rule}"
        else:
            outcome, observed = "not_evaluated", f"dbt could not put it: {_one_line(result.message)}"
        rows.append(
            check_row(
                test.check, outcome, observed, moment, rows_failed=result.failures if result is not None else None
            )
        )
    return rows


def release_check_rows(build_file: Path, moment: datetime) -> list[CheckRow]:
    """Return what publishing finds of the file; a file in which one of these does not hold is never served.

    Args:
        build_file: The finished build.
        moment: When the run began, UTC.
    """
    with duckdb.connect(str(build_file), read_only=True) as connection:
        [(database,)] = connection.execute("select current_database()").fetchall()
        relations, columns = len(read_relations(connection, database)), len(read_columns(connection, database))
    seen = {
        "allowed_types": (f"{columns:,} columns of the marts, all of allowed types", columns),
        "dictionary_complete": (f"{relations:,} tables and views, {columns:,} columns, all described", columns),
        "storage_format": (f"storage format {STORAGE_HEADER} ({STORAGE_VERSION})", None),
        "reads_as_a_client": (
            f"{relations:,} tables and views of the marts read with no other file in reach",
            relations,
        ),
    }
    holds = {rule.rule_id: f"It holds: {rule.sentence}" for rule in RELEASE_RULES}
    rows: list[CheckRow] = []
    for check in checks_of_release():
        rule_id = check.check_id.removeprefix(f"{RELEASE}.")
        observed, counted = seen.get(rule_id) or (holds[rule_id], None)
        rows.append(check_row(check, "passed", observed, moment, rows_evaluated=counted, rows_failed=0))
    return rows


def missing_rows(
    intended: Sequence[IntendedCheck],
    rows: Iterable[CheckRow],
    moment: datetime,
    reason: Callable[[IntendedCheck], str] = lambda _: NO_RESULT,
) -> list[CheckRow]:
    """Return a row ``not_evaluated`` for every check that was intended and has no result.

    Args:
        intended: The index.
        rows: Every result.
        moment: When the run began, UTC.
        reason: Says why a check has none.
    """
    answered = {identity(row) for row in rows}
    return [
        check_row(check, "not_evaluated", reason(check), moment) for check in intended if check.identity not in answered
    ]


def unintended(intended: Sequence[IntendedCheck], rows: Iterable[CheckRow]) -> list[str]:
    """Return the results that nobody intended, by name: the index or the results are then of something else.

    Args:
        intended: The index.
        rows: Every result.
    """
    known = {check.identity for check in intended}
    return sorted(" ".join(part for part in identity(row) if part) for row in rows if identity(row) not in known)


def checks_to_add(settings: Settings, moment: datetime, others: Sequence[IntendedCheck] = ()) -> list[CheckRow]:
    """Return what a release has to add to the checks that the model already lists.

    Args:
        settings: Folders, with a finished build.
        moment: When the run began, UTC.
        others: Checks of gates that have no suite.

    Returns:
        The results of the gates over the marts, of dbt's tests and of publishing, and a row for every intended check
        without a result.

    Raises:
        NotPublished: There is a result that nobody intended, so the build was checked by other rules than these.
        ConfigurationError: A suite or a declaration is wrong.
    """
    intended = read_intended(settings, load_sources(settings.sources), others)
    added = [
        *log_rows(settings.published_checks.glob("*.checks.parquet"), moment),
        *dbt_check_rows(
            read_manifest(settings) or {"nodes": {}}, read_test_results(run_results_file(settings), moment), moment
        ),
        *release_check_rows(settings.build_file, moment),
    ]
    everything = [*modelled_rows(settings.build_file), *added]
    if strangers := unintended(intended, everything):
        raise NotPublished(
            f"There are results of no check of this project ({len(strangers)}, the first of {strangers[0]}): "
            "the build was made with other rules than there are now. Run the whole refresh again."
        )
    return [*added, *missing_rows(intended, everything, moment)]


def modelled_rows(database: Path) -> list[CheckRow]:
    """Return the checks that a build, or a release, lists.

    Args:
        database: A DuckDB file with ``fct_data_quality_check``.

    Returns:
        Its rows, sorted by stage, subject and name.

    Raises:
        duckdb.Error: The file cannot be read or has no such table.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            f"select {', '.join(COLUMNS)} from main.{CHECKS_TABLE} order by stage, subject_name, check_id"
        )
        return [dict(zip(COLUMNS, row, strict=True)) for row in found.fetchall()]


def _one_line(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= _MESSAGE_LENGTH else f"{said[:_MESSAGE_LENGTH]}…"
