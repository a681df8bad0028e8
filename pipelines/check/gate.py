"""Run one suite over one table, and say in words what was seen.

Running and reporting belong here. What to do about a failure does not (see ``load_decision`` and ``load_gate``), and
neither do the wording of the rules (see ``expectation_suites``) and the two engines that put them to the batch.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipelines.check import duckdb_engine, great_expectations_engine
from pipelines.check.expectation_suites import COLUMN_RULES, IDENTITY, ROWS_QUERY
from pipelines.check.gate_database import (
    BuildTable,
    Engine,
    GateDatabase,
    open_gate_database,
    quoted_name,
    text_literal,
)
from pipelines.check.rule_verdict import Verdict, first_line
from pipelines.problems import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipelines.check.expectation_suites import Expectation, Severity, Suite

Outcome = Literal["passed", "warned", "quarantined", "blocked", "not_evaluated"]
Stage = Literal["landed", "register", "published"]

OUTCOME_OF_FAILURE: dict[Severity, Outcome] = {"critical": "blocked", "warning": "quarantined", "info": "warned"}

DETAIL_ROWS = 20
SPOKEN_ROWS = 3
MEMORY_LIMIT = "2GB"

FAILING_COLUMNS = {
    "rule": "VARCHAR",
    "source_file": "VARCHAR",
    "source_row_number": "BIGINT",
    "source_column": "VARCHAR",
    "column_name": "VARCHAR",
    "value": "VARCHAR",
    "reason": "VARCHAR",
}
"""Columns of the Parquet that lists every row a warning rule found."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one rule said about one load.

    Attributes:
        check_id: Name of the rule.
        stage: ``landed``, ``register`` or ``published``.
        expectation_type: Great Expectations type.
        column_name: Column that the rule is about, if one.
        severity: As declared.
        outcome: ``passed``, ``warned``, ``quarantined``, ``blocked`` or ``not_evaluated``.
        rows_evaluated: Rows of the batch.
        rows_failed: Failing rows or groups; ``None`` when the rule cannot count them or did not run.
        observed: What was seen, with the numbers.
        details: Up to 20 failing rows.
        why: Why the rule is there.
        evaluated_at: UTC.
        remedy: What the person who broke the rule does next, if the rule says so.
    """

    check_id: str
    stage: Stage
    expectation_type: str
    column_name: str | None
    severity: Severity
    outcome: Outcome
    rows_evaluated: int | None
    rows_failed: int | None
    observed: str
    details: tuple[dict[str, Any], ...]
    why: str
    evaluated_at: datetime
    remedy: str | None = None

    @property
    def details_json(self) -> str:
        """The failing rows as a JSON list."""
        return json.dumps(self.details, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class GateReport:
    """What a whole suite said.

    Attributes:
        suite: Name of the suite.
        rows: Rows of the batch; ``None`` when it could not be opened.
        results: One result per rule, in the order of the suite.
        failing_rows: Parquet with every row that a warning rule found (``FAILING_COLUMNS``); ``None`` if not asked for.
    """

    suite: str
    rows: int | None
    results: tuple[CheckResult, ...]
    failing_rows: Path | None

    @property
    def refusals(self) -> tuple[CheckResult, ...]:
        """Results that refuse the load: a broken critical rule, or any rule that could not be evaluated."""
        return tuple(one for one in self.results if one.outcome in ("blocked", "not_evaluated"))


def run_gate(
    batch: Path | BuildTable,
    suite: Suite,
    references: Mapping[str, str],
    *,
    now: datetime,
    failing_rows: Path | None = None,
    memory_limit: str = MEMORY_LIMIT,
    engine: Engine = "great_expectations",
) -> GateReport:
    """Evaluate a suite and report every rule, whether it could be evaluated or not.

    Args:
        batch: Landed Parquet, a table of the register as Parquet, or a table of a build file.
        suite: As returned by ``load_suite``.
        references: Name to ``select`` text: what the queries may read besides the batch.
        now: UTC time to record.
        failing_rows: Where to write the complete list of rows that warning rules found.
        memory_limit: DuckDB's limit; what does not fit goes to a temporary directory.
        engine: Who runs the rules.

    Returns:
        The report. A batch or reference that cannot be opened makes every rule ``not_evaluated``: the gate fails
        closed.

    Raises:
        ConfigurationError: Great Expectations does not accept a rule's arguments.
    """
    stage = _stage(suite)
    with tempfile.TemporaryDirectory(prefix="gate_") as folder:
        try:
            with open_gate_database(Path(folder), batch, references, memory_limit, engine) as database:
                return _evaluate(database, suite, stage, now=now, failing_rows=failing_rows, engine=engine)
        except ConfigurationError:
            raise
        except Exception as error:  # whatever it is, a gate that did not run must refuse and say so
            return GateReport(suite.suite, None, not_evaluated(suite, first_line(error), now), None)


def not_evaluated(suite: Suite, reason: str, moment: datetime) -> tuple[CheckResult, ...]:
    """Return a result for every rule of a suite that was not put: a rule that was not asked has not passed.

    Args:
        suite: As returned by ``load_suite``.
        reason: Why it was not put, in words.
        moment: UTC time to record.

    Returns:
        One result ``not_evaluated`` a rule, in the order of the suite.
    """
    stage = _stage(suite)
    return tuple(_result(one, stage, moment, "not_evaluated", f"not evaluated: {reason}") for one in suite.expectations)


def _stage(suite: Suite) -> Stage:
    return "register" if suite.seed else "published" if suite.table else "landed"


def _evaluate(
    database: GateDatabase, suite: Suite, stage: Stage, *, now: datetime, failing_rows: Path | None, engine: Engine
) -> GateReport:
    rows = database.number("select count(*) from batch")
    run = duckdb_engine if engine == "duckdb" else great_expectations_engine
    verdicts = run.verdicts(database, suite, DETAIL_ROWS)
    declared = ", ".join(f"{name} {kind}" for name, kind in FAILING_COLUMNS.items())
    database.sql.execute(f"create table failing_rows ({declared})")
    results: list[CheckResult] = []
    for one in suite.expectations:
        result = _judge(one, verdicts.get(one.check_id), rows, stage, now)
        if result.outcome not in ("passed", "not_evaluated"):
            try:
                result = _with_rows(database, one, result, verdicts[one.check_id])
            except Exception as error:  # rows that cannot be listed cannot be set aside: refuse
                result = _result(one, stage, now, "not_evaluated", f"not evaluated: {first_line(error)}", rows=rows)
        results.append(result)
    if failing_rows is not None:
        database.sql.execute(f"copy failing_rows to {text_literal(failing_rows)} (format parquet, compression zstd)")
    return GateReport(suite.suite, rows, tuple(results), failing_rows)


def _judge(one: Expectation, verdict: Verdict | None, rows: int, stage: Stage, now: datetime) -> CheckResult:
    """Turn an engine's verdict into our result. A rule without a verdict, or with an error, has not been evaluated."""
    if verdict is None or verdict.error is not None:
        error = "the rule returned nothing" if verdict is None else verdict.error
        return _result(one, stage, now, "not_evaluated", f"not evaluated: {error}", rows=rows)
    result = verdict.result
    failed = result.get("observed_value") if one.type == ROWS_QUERY else result.get("unexpected_count")
    if verdict.success:
        if one.type == ROWS_QUERY:
            observed = f"0 {one.found[1]}; {rows:,} rows looked at"
        else:
            observed = _built_in_sentence(one, result, rows)
        return _result(one, stage, now, "passed", observed, rows=rows, failed=0)
    return _result(
        one,
        stage,
        now,
        # Nothing of the register is set aside: a commitment that raises a doubt is still a commitment.
        "warned" if stage == "register" and one.severity == "warning" else OUTCOME_OF_FAILURE[one.severity],
        "" if one.type == ROWS_QUERY else _built_in_sentence(one, result, rows),
        rows=rows,
        failed=None if failed is None else int(failed),
        details=_built_in_details(result),
    )


def _with_rows(database: GateDatabase, one: Expectation, result: CheckResult, verdict: Verdict) -> CheckResult:
    """Add the failing rows: all of them to ``failing_rows`` for a warning, the first few to the result."""
    query = one.query
    if query is None and one.type in COLUMN_RULES:
        query = _rows_of_column_rule(one, verdict.result.get("unexpected_index_query"))
    if result.outcome == "quarantined":
        if query is None:
            raise LookupError("the failing rows cannot be listed")
        _set_aside(database, one.check_id, query)
    if one.query is None:
        return result
    details = tuple(database.rows(f"select * from ({one.query}) order by all limit {DETAIL_ROWS}"))
    return replace(result, details=details, observed=_sentence(one, result.rows_failed or 0, details))


def _rows_of_column_rule(one: Expectation, index_query: Any) -> str | None:
    if not isinstance(index_query, str) or one.column is None:
        return None
    reason = f"{one.column} breaks {one.type}: {_arguments(one)}"
    return (
        f"select {', '.join(IDENTITY)}, {text_literal(one.column)} as column_name, "
        f"cast({quoted_name(one.column)} as varchar) as value, {text_literal(reason)} as detail "
        f"from ({index_query.rstrip('; ')})"
    )


def _set_aside(database: GateDatabase, check_id: str, query: str) -> None:
    database.sql.execute(
        f"insert into failing_rows select {text_literal(check_id)}, source_file, source_row_number, source_column, "
        f"column_name, cast(value as varchar), detail from ({query})"
    )
    nameless = database.number(
        f"select count(*) from failing_rows where rule = {text_literal(check_id)} "
        "and (source_file is null or source_row_number is null or source_column is null)"
    )
    if nameless:
        database.sql.execute(f"delete from failing_rows where rule = {text_literal(check_id)}")
        raise LookupError(f"{nameless} failing rows have no source file, row number or column to set them aside by")


def _sentence(one: Expectation, failed: int, details: Sequence[Mapping[str, Any]]) -> str:
    seen = "; ".join(_spoken(row) for row in details[:SPOKEN_ROWS])
    more = f"; and {failed - SPOKEN_ROWS:,} more" if failed > SPOKEN_ROWS else ""
    remedy = f". {one.remedy}" if one.remedy else ""
    return f"{failed:,} {one.found[0] if failed == 1 else one.found[1]}: {seen}{more}{remedy}"


def _spoken(row: Mapping[str, Any]) -> str:
    if "detail" not in row:
        return ", ".join(f"{name} {value}" for name, value in row.items())
    if row.get("source_file") is None or row.get("source_row_number") is None:
        return str(row["detail"])
    return f"{row['source_file']} row {row['source_row_number']}: {row['detail']}"


def _built_in_sentence(one: Expectation, result: Mapping[str, Any], rows: int) -> str:
    wanted = _arguments(one)
    if one.type == "expect_table_columns_to_match_set":
        mismatched: dict[str, list[str]] = result.get("details", {}).get("mismatched", {})
        if not mismatched:
            return f"{len(result['observed_value'])} columns, all as declared"
        parts = [f"{kind}: {', '.join(sorted(names))}" for kind, names in sorted(mismatched.items())]
        return f"columns differ from the declaration; {'; '.join(parts)}"
    if one.type == "expect_table_row_count_to_be_between":
        return f"{rows:,} rows ({wanted})"
    if "unexpected_count" not in result:
        return f"observed {result.get('observed_value', 'nothing')} in {rows:,} rows; allowed: {wanted}"
    failed = int(result["unexpected_count"])
    listed: list[Any] = result.get("partial_unexpected_list") or []
    examples = ", ".join(dict.fromkeys(str(value) for value in listed[:DETAIL_ROWS]))
    tail = f", for example {examples}" if failed and examples else ""
    return f"{failed:,} of {rows:,} values of {one.column or 'the columns'} fail ({wanted}){tail}"


def _built_in_details(result: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    listed: list[Any] = result.get("partial_unexpected_index_list") or result.get("partial_unexpected_list") or []
    rows: list[dict[str, Any]] = [row if isinstance(row, dict) else {"value": row} for row in listed[:DETAIL_ROWS]]
    return tuple(rows)


def _arguments(one: Expectation) -> str:
    given = {name: value for name, value in one.kwargs.items() if name != "column"}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in given.items()) or one.type


def _result(
    one: Expectation,
    stage: Stage,
    now: datetime,
    outcome: Outcome,
    observed: str,
    *,
    rows: int | None = None,
    failed: int | None = None,
    details: tuple[dict[str, Any], ...] = (),
) -> CheckResult:
    return CheckResult(
        check_id=one.check_id,
        stage=stage,
        expectation_type=one.type,
        column_name=one.column,
        severity=one.severity,
        outcome=outcome,
        rows_evaluated=rows,
        rows_failed=failed,
        observed=observed,
        details=details,
        why=one.why,
        evaluated_at=now,
        remedy=one.remedy,
    )
