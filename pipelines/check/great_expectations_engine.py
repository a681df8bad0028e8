"""Put a suite to a batch with Great Expectations, running as SQL on DuckDB.

What the library needs to work on DuckDB belongs here, with the one place that reads its results. It is imported inside
functions only, because importing it takes five seconds.
"""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING, Any

from pipelines.check.expectation_suites import IDENTITY, to_gx
from pipelines.check.rule_verdict import Verdict, first_line

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

    from pipelines.check.expectation_suites import Suite
    from pipelines.check.gate_database import GateDatabase


def verdicts(database: GateDatabase, suite: Suite, detail_rows: int) -> dict[str, Verdict]:
    """Run the suite.

    Args:
        database: Opened for Great Expectations.
        suite: The rules.
        detail_rows: How many failing values to list.

    Returns:
        ``check_id`` to verdict. A rule on which the library says nothing is absent.

    Raises:
        ConfigurationError: The library does not accept a rule's arguments.
    """
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
                "partial_unexpected_count": detail_rows,
                "unexpected_index_column_names": [*IDENTITY],
            }
            if set(database.columns()).issuperset(IDENTITY)
            else {"result_format": "SUMMARY", "partial_unexpected_count": detail_rows},
        )
        return {one.expectation_config.meta["check_id"]: _verdict(one) for one in validated.results}
    finally:
        engine = source.get_execution_engine()
        engine.close()
        engine.engine.dispose()
        sources.delete(name)


def _verdict(answer: Any) -> Verdict:
    """An empty result means an error, and an error is no verdict."""
    error = _exception_of(answer)
    if error is None and not answer.result:
        error = "the rule returned nothing"
    return Verdict(bool(answer.success), dict(answer.result or {}), error)


def _exception_of(answer: Any) -> str | None:
    """Find the first message in ``exception_info``, which is one record or one record per metric."""
    info: dict[str, Any] = answer.exception_info or {}
    records: list[Any] = [info, *info.values()]
    for record in records:
        message: Any = record.get("exception_message") if hasattr(record, "get") else None
        if message:
            return first_line(message)
    return None


def _roll_back_after_errors(engine: Any) -> None:
    """Keep one rule's SQL error from failing the rules after it, which share its connection and its transaction."""
    from sqlalchemy import event  # noqa: PLC0415 - slow, and only a gate needs it

    def roll_back(context: Any) -> None:
        if context.connection is not None:
            # The dialect's own rollback does nothing where nothing is open.
            context.dialect.do_rollback(context.connection.connection)

    event.listen(engine, "handle_error", roll_back)


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
