"""Run one suite over one table with Great Expectations as SQL on DuckDB, and say in words what was seen.

Running and reporting belong here. What to do about a failure does not (see ``load_decision`` and ``load_gate``), and
neither does the wording of the rules (see ``expectation_suites``).
"""

from __future__ import annotations

import functools
import json
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipelines.check.expectation_suites import COLUMN_RULES, IDENTITY, ROWS_QUERY, to_gx
from pipelines.problems import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from sqlalchemy.engine import Engine

    from pipelines.check.expectation_suites import Expectation, Severity, Suite

Outcome = Literal["passed", "warned", "quarantined", "blocked", "not_evaluated"]
Stage = Literal["landed", "published"]

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

MACROS = (
    # Fingertips puts an n before the codes of integrated care boards (E54) and sub-ICB locations (E38).
    "create macro plain_area_code(code) as regexp_replace(code, '^n(E38|E54)', '\\1')",
    "create macro figure(x) as case when not isfinite(cast(x as double)) then cast(x as varchar) "
    "when x = round(x) then format('{:,}', cast(x as hugeint)) "
    "else rtrim(format('{:,.4f}', cast(x as double)), '0') end",
    # A figure printed to one decimal can be off by half of that decimal.
    "create macro half_unit(published) as 0.5 * pow(10, -length(regexp_extract(published, '\\.([0-9]+)', 1))) + 1e-9",
)
"""SQL functions that every query of a suite may use."""


@dataclass(frozen=True, slots=True)
class BuildTable:
    """One table or view of a DuckDB build file; the others can be read by the suite under their own names.

    Attributes:
        build_file: The file, opened read-only.
        table: Name in schema ``main``.
    """

    build_file: Path
    table: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one rule said about one load.

    Attributes:
        check_id: Name of the rule.
        stage: ``landed`` or ``published``.
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
) -> GateReport:
    """Evaluate a suite and report every rule, whether it could be evaluated or not.

    Args:
        batch: Landed Parquet, or a table of a build file.
        suite: As returned by ``load_suite``.
        references: Name to ``select`` text: what the queries may read besides the batch.
        now: UTC time to record.
        failing_rows: Where to write the complete list of rows that warning rules found.
        memory_limit: DuckDB's limit; what does not fit goes to a temporary directory.

    Returns:
        The report. A batch or reference that cannot be opened makes every rule ``not_evaluated``: the gate fails
        closed.

    Raises:
        ConfigurationError: Great Expectations does not accept a rule's arguments.
    """
    stage: Stage = "landed" if isinstance(batch, Path) else "published"
    with tempfile.TemporaryDirectory(prefix="gate_") as folder:
        try:
            with _throw_away_database(Path(folder), batch, references, memory_limit) as database:
                return _evaluate(database, suite, stage, now, failing_rows)
        except ConfigurationError:
            raise
        except Exception as error:  # whatever it is, a gate that did not run must refuse and say so
            message = f"not evaluated: {_first_line(error)}"
            results = tuple(_result(one, stage, now, "not_evaluated", message) for one in suite.expectations)
            return GateReport(suite.suite, None, results, None)


@dataclass(frozen=True, slots=True)
class _Database:
    """A throw-away DuckDB file: its address, how every connection opens it, and our own connection."""

    url: str
    connect_args: dict[str, Any]
    sql: Any

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return a query's rows as dictionaries."""
        cursor = self.sql.execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def number(self, statement: str) -> int:
        """Return a query's only value, a whole number."""
        return int(self.sql.execute(statement).fetchone()[0])


@contextmanager
def _throw_away_database(
    folder: Path, batch: Path | BuildTable, references: Mapping[str, str], memory_limit: str
) -> Generator[_Database]:
    """Open a private file with the views, so that the gate shares no lock with anybody.

    Our connection goes through SQLAlchemy as well: DuckDB shares one instance, and with it the attached build file,
    only between connections of equal configuration, and the SQLAlchemy dialect adds to the configuration.
    """
    import sqlalchemy  # noqa: PLC0415 - slow, and only a gate needs it

    url = f"duckdb:///{(folder / 'gate.duckdb').as_posix()}"
    connect_args = {"config": {"memory_limit": memory_limit, "temp_directory": str(folder / "spill")}}
    engine: Engine = sqlalchemy.create_engine(url, connect_args=connect_args, poolclass=sqlalchemy.pool.NullPool)
    raw = engine.raw_connection()
    try:
        sql: Any = raw.driver_connection
        for macro in MACROS:
            sql.execute(macro)
        if isinstance(batch, Path):
            sql.execute(f"create view batch as select * from read_parquet({_text(str(batch))})")
        else:
            _show_build_file(sql, batch)
        for name, select in references.items():
            sql.execute(f"create view {_name(name)} as {select}")
        yield _Database(url, connect_args, sql)
    finally:
        raw.close()
        engine.dispose()


def _show_build_file(sql: Any, batch: BuildTable) -> None:
    sql.execute(f"attach {_text(str(batch.build_file))} as build (read_only)")
    found = sql.execute(
        "select table_name from information_schema.tables where table_catalog = 'build' and table_schema = 'main'"
    )
    tables = {str(row[0]) for row in found.fetchall()}
    if batch.table not in tables:
        raise LookupError(f"{batch.build_file.name} has no table {batch.table}")
    for table in sorted(tables):
        sql.execute(f"create view {_name(table)} as select * from build.main.{_name(table)}")
    sql.execute(f"create view batch as select * from build.main.{_name(batch.table)}")


def _evaluate(database: _Database, suite: Suite, stage: Stage, now: datetime, failing_rows: Path | None) -> GateReport:
    rows = database.number("select count(*) from batch")
    verdicts = _verdicts(database, suite)
    declared = ", ".join(f"{name} {kind}" for name, kind in FAILING_COLUMNS.items())
    database.sql.execute(f"create table failing_rows ({declared})")
    results: list[CheckResult] = []
    for one in suite.expectations:
        result = _judge(one, verdicts.get(one.check_id), rows, stage, now)
        if result.outcome not in ("passed", "not_evaluated"):
            try:
                result = _with_rows(database, one, result, verdicts[one.check_id])
            except Exception as error:  # rows that cannot be listed cannot be set aside: refuse
                result = _result(one, stage, now, "not_evaluated", f"not evaluated: {_first_line(error)}", rows=rows)
        results.append(result)
    if failing_rows is not None:
        database.sql.execute(f"copy failing_rows to {_text(str(failing_rows))} (format parquet, compression zstd)")
    return GateReport(suite.suite, rows, tuple(results), failing_rows)


def _verdicts(database: _Database, suite: Suite) -> dict[str, Any]:
    """Run the suite with Great Expectations and return its results by ``check_id``."""
    keep_connection_open()
    sources: Any = _context().data_sources
    name = f"gate_{uuid.uuid4().hex}"
    source = sources.add_sql(
        name,
        connection_string=database.url,
        create_temp_table=False,
        kwargs={"connect_args": database.connect_args},
    )
    try:
        _roll_back_after_errors(source.get_execution_engine().engine)
        # A table asset over a view: a query asset would read every row into Python.
        asset = source.add_table_asset("batch", table_name="batch")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        validated: Any = batch.validate(
            to_gx(suite),
            result_format={
                "result_format": "COMPLETE",
                "partial_unexpected_count": DETAIL_ROWS,
                "unexpected_index_column_names": [*IDENTITY],
            }
            if _names_rows(database)
            else {"result_format": "SUMMARY", "partial_unexpected_count": DETAIL_ROWS},
        )
        return {one.expectation_config.meta["check_id"]: one for one in validated.results}
    finally:
        engine = source.get_execution_engine()
        engine.close()
        engine.engine.dispose()
        sources.delete(name)


def _roll_back_after_errors(engine: Any) -> None:
    """Keep one rule's SQL error from failing the rules after it, which share its connection and its transaction."""
    from sqlalchemy import event  # noqa: PLC0415 - slow, and only a gate needs it

    def roll_back(context: Any) -> None:
        if context.connection is not None:
            # The dialect's own rollback does nothing where nothing is open.
            context.dialect.do_rollback(context.connection.connection)

    event.listen(engine, "handle_error", roll_back)


def _names_rows(database: _Database) -> bool:
    columns = {row["column_name"] for row in database.rows("describe batch")}
    return columns.issuperset(IDENTITY)


def _judge(one: Expectation, verdict: Any, rows: int, stage: Stage, now: datetime) -> CheckResult:
    """Turn a Great Expectations result into ours. An empty result means an error, and an error is no verdict."""
    error = _exception_of(verdict)
    if error is not None or not verdict.result:
        message = f"not evaluated: {error or 'the rule returned nothing'}"
        return _result(one, stage, now, "not_evaluated", message, rows=rows)
    result: dict[str, Any] = verdict.result
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
        OUTCOME_OF_FAILURE[one.severity],
        "" if one.type == ROWS_QUERY else _built_in_sentence(one, result, rows),
        rows=rows,
        failed=None if failed is None else int(failed),
        details=_built_in_details(result),
    )


def _with_rows(database: _Database, one: Expectation, result: CheckResult, verdict: Any) -> CheckResult:
    """Add the failing rows: all of them to ``failing_rows`` for a warning, the first few to the result."""
    query = one.query
    if query is None and one.type in COLUMN_RULES:
        query = _rows_of_column_rule(one, verdict.result.get("unexpected_index_query"))
    if one.severity == "warning":
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
        f"select {', '.join(IDENTITY)}, {_text(one.column)} as column_name, "
        f"cast({_name(one.column)} as varchar) as value, {_text(reason)} as detail "
        f"from ({index_query.rstrip('; ')})"
    )


def _set_aside(database: _Database, check_id: str, query: str) -> None:
    database.sql.execute(
        f"insert into failing_rows select {_text(check_id)}, source_file, source_row_number, source_column, "
        f"column_name, cast(value as varchar), detail from ({query})"
    )
    nameless = database.number(
        f"select count(*) from failing_rows where rule = {_text(check_id)} "
        "and (source_file is null or source_row_number is null or source_column is null)"
    )
    if nameless:
        database.sql.execute(f"delete from failing_rows where rule = {_text(check_id)}")
        raise LookupError(f"{nameless} failing rows have no source file, row number or column to set them aside by")


def _sentence(one: Expectation, failed: int, details: Sequence[Mapping[str, Any]]) -> str:
    seen = "; ".join(_spoken(row) for row in details[:SPOKEN_ROWS])
    more = f"; and {failed - SPOKEN_ROWS:,} more" if failed > SPOKEN_ROWS else ""
    return f"{failed:,} {one.found[0] if failed == 1 else one.found[1]}: {seen}{more}"


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


def _exception_of(verdict: Any) -> str | None:
    """Find the first message in ``exception_info``, which is one record or one record per metric."""
    if verdict is None:
        return "the rule returned nothing"
    info: dict[str, Any] = verdict.exception_info or {}
    records: list[Any] = [info, *info.values()]
    for record in records:
        message: Any = record.get("exception_message") if hasattr(record, "get") else None
        if message:
            return _first_line(message)
    return None


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


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
    )


@functools.cache
def _context() -> EphemeralDataContext:
    """Return the one in-memory context of this process, with progress bars off."""
    import great_expectations as gx  # noqa: PLC0415 - takes five seconds, so only when a gate runs
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def keep_connection_open() -> None:
    """Make Great Expectations keep its DuckDB connection, as it does for SQLite.

    It runs a statement, closes the connection, and fetches afterwards. The rollback on closing empties a DuckDB
    result, so that every metric raises ``IndexError: list index out of range``. The name changed here is private to
    Great Expectations, which is why a test shows that a gate without it does not pass.
    """
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine  # noqa: PLC0415

    known: tuple[Any, ...] = engine._PERSISTED_CONNECTION_DIALECTS  # pyright: ignore[reportPrivateUsage]
    if "duckdb" not in known:
        engine._PERSISTED_CONNECTION_DIALECTS = (*known, _Dialect("duckdb"))  # pyright: ignore[reportPrivateUsage]


class _Dialect(str):
    """A dialect name that also has the ``value`` of Great Expectations' own enumeration."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(literal: str) -> str:
    return "'" + literal.replace("'", "''") + "'"
