"""Part a load into the rows that may be used and the rows that are set aside, without losing one.

Splitting and the shape of the quarantine file belong here. Which rows are set aside is decided by the suite, and
whether the load is used at all by ``load_decision``.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl

from pipelines.check.gate_database import quoted_name, text_literal

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.check.gate import GateReport

MEMORY_LIMIT: Final = "2GB"

QUARANTINE: Final[dict[str, pl.DataType]] = {
    "source_id": pl.String(),
    "source_release": pl.String(),
    "source_file": pl.String(),
    "source_file_sha256": pl.String(),
    "source_row_number": pl.Int64(),
    "source_column": pl.String(),
    "column_name": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
    "reason": pl.String(),
    "record_json": pl.String(),
    "first_seen": pl.Datetime("us"),
}
"""Columns of the quarantine file; one row per landed row and rule."""


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """How many rows went where; ``landed`` is always the sum of the other two.

    Attributes:
        landed: Rows of the load.
        accepted: Rows that no warning rule found.
        quarantined: Landed rows set aside, each counted once however many rules found it.
    """

    landed: int
    accepted: int
    quarantined: int


def split(
    landed: Path, report: GateReport, accepted_tmp: Path, quarantine_tmp: Path, previous_quarantine: Path | None
) -> SplitCounts:
    """Write the usable rows and the quarantined rows of a load to two Parquet files.

    Args:
        landed: The load, with its key-value metadata.
        report: The gate's report, run with ``failing_rows``.
        accepted_tmp: Receives the landed rows that no warning rule found: same columns, types, order and metadata.
        quarantine_tmp: Receives one row per (landed row, rule) with the columns of ``QUARANTINE``.
        previous_quarantine: Quarantine of the load before. A row of the same file bytes that broke the same rule keeps
            its ``first_seen``.

    Returns:
        The counts.

    Raises:
        ValueError: The report was made without ``failing_rows``.
    """
    if report.failing_rows is None:
        raise ValueError("split needs a report that was made with failing_rows")
    with tempfile.TemporaryDirectory(prefix="split_") as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": folder,
        }
        with duckdb.connect(Path(folder) / "split.duckdb", config=settings) as sql:
            sql.execute(f"create view landed as select * from read_parquet({text_literal(landed)})")
            sql.execute(f"create view failing as select * from read_parquet({text_literal(report.failing_rows)})")
            counts = _write_accepted(sql, landed, accepted_tmp)
            _write_quarantine(sql, report.results[0].evaluated_at, quarantine_tmp, previous_quarantine)
    return counts


def count_split(landed: Path, report: GateReport) -> SplitCounts:
    """Count what :func:`split` would write, without writing it.

    Args:
        landed: The load.
        report: The gate's report, run with ``failing_rows``.

    Returns:
        The counts.

    Raises:
        ValueError: The report was made without ``failing_rows``.
    """
    if report.failing_rows is None:
        raise ValueError("count_split needs a report that was made with failing_rows")
    rows = pl.scan_parquet(landed).select(pl.len()).collect().item()
    identity = ("source_file", "source_row_number", "source_column")
    quarantined = pl.scan_parquet(report.failing_rows).select(identity).unique().select(pl.len()).collect().item()
    return SplitCounts(landed=rows, accepted=rows - quarantined, quarantined=quarantined)


_SAME_ROW: Final = "using (source_file, source_row_number, source_column)"
_SET_ASIDE: Final = "(select distinct source_file, source_row_number, source_column from failing)"


def _write_accepted(sql: duckdb.DuckDBPyConnection, landed: Path, accepted_tmp: Path) -> SplitCounts:
    rows = _number(sql, "select count(*) from landed")
    accepted = _number(sql, f"select count(*) from landed anti join {_SET_ASIDE} {_SAME_ROW}")
    if accepted == rows:
        shutil.copyfile(landed, accepted_tmp)
    else:
        sql.execute(
            # A join may hand rows on in any order, and the order of the file is part of what is accepted.
            "copy (select numbered.* exclude (file_row_number) "
            f"from read_parquet({text_literal(landed)}, file_row_number = true) as numbered "
            f"anti join {_SET_ASIDE} as set_aside {_SAME_ROW} order by file_row_number) "
            f"to {text_literal(accepted_tmp)} (format parquet, compression zstd{_metadata(sql, landed)})"
        )
    return SplitCounts(landed=rows, accepted=accepted, quarantined=rows - accepted)


def _write_quarantine(
    sql: duckdb.DuckDBPyConnection, now: datetime, quarantine_tmp: Path, previous_quarantine: Path | None
) -> None:
    if _number(sql, "select count(*) from failing") == 0:
        pl.DataFrame(schema=QUARANTINE).write_parquet(quarantine_tmp)
        return
    if previous_quarantine is not None and previous_quarantine.exists():
        before = f"select * from read_parquet({text_literal(previous_quarantine)})"
    else:
        before = (
            "select '' as source_file_sha256, 0::bigint as source_row_number, '' as source_column, '' as rule, "
            "null::timestamp as first_seen where false"
        )
    sql.execute(f"create view before as {before}")
    # A rule may find a row more than once (two limits of one value); the file still has it once, with both reasons.
    sql.execute(
        f"""
        copy (
            with found as (
                select
                    source_file, source_row_number, source_column, rule,
                    min(column_name) as column_name, min(value) as value,
                    string_agg(distinct reason, '; ' order by reason) as reason
                from failing
                group by all
            ),
            seen as (
                select source_file_sha256, source_row_number, source_column, rule, min(first_seen) as first_seen
                from before
                group by all
            )
            select
                landed.source_id, landed.source_release, landed.source_file, landed.source_file_sha256,
                landed.source_row_number, landed.source_column,
                found.column_name, found.value, found.rule, found.reason,
                cast(to_json(landed) as varchar) as record_json,
                coalesce(seen.first_seen, {_timestamp(now)}) as first_seen
            from landed
            join found {_SAME_ROW}
            left join seen
                on seen.source_file_sha256 = landed.source_file_sha256
                and seen.source_row_number = landed.source_row_number
                and seen.source_column = landed.source_column
                and seen.rule = found.rule
            order by landed.source_file, landed.source_row_number, landed.source_column, found.rule
        ) to {text_literal(quarantine_tmp)} (format parquet, compression zstd)
        """
    )


def _metadata(sql: duckdb.DuckDBPyConnection, landed: Path) -> str:
    """Return the COPY option that carries the load record and other key-value metadata over."""
    pairs: list[tuple[bytes, bytes]] = sql.execute(
        f"select key, value from parquet_kv_metadata({text_literal(landed)})"
    ).fetchall()
    # The Arrow schema is the writer's own note about types and would contradict the new writer's.
    kept = {key.decode(): value.decode() for key, value in pairs if key != b"ARROW:schema"}
    if not kept:
        return ""
    entries = ", ".join(f"{quoted_name(key)}: {text_literal(value)}" for key, value in kept.items())
    return f", kv_metadata {{{entries}}}"


def _number(sql: duckdb.DuckDBPyConnection, statement: str) -> int:
    row: tuple[Any, ...] | None = sql.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _timestamp(moment: datetime) -> str:
    return f"timestamp '{moment.replace(tzinfo=None).isoformat(sep=' ')}'"
