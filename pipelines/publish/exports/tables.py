"""Tables and views of a release as Parquet and as CSV, cell by cell what the file says.

Parquet is written by DuckDB, the CSV from that Parquet by Polars, so that the two cannot differ. Which tables there are
and how they are described does not belong here.

CSV follows RFC 4180: UTF-8 without a byte order mark, CR LF, quotes where they are needed. Dates are ISO 8601, doubles
are the shortest decimal that reads back as the same double, and a cell that holds nothing is empty. For that an empty
text may not occur.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from pipelines.problems import NotPublished
from pipelines.publish.catalogue import literal
from pipelines.publish.exports.described_release import select_sorted
from pipelines.publish.exports.file_names import CSV_SUFFIX, PARQUET_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.publish.exports.described_release import DescribedRelease, DescribedTable

LINE_END = "\r\n"
DATE_FORMAT = "%Y-%m-%d"
MOMENT_FORMAT = "%Y-%m-%dT%H:%M:%S%.f"
"""ISO 8601; a fraction of a second only where there is one."""


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """The two files of one table.

    Attributes:
        described: The table.
        rows: Rows in each file.
        csv: The CSV.
        parquet: The Parquet.
    """

    described: DescribedTable
    rows: int
    csv: Path
    parquet: Path


def write_table(
    connection: duckdb.DuckDBPyConnection, release: DescribedRelease, table: DescribedTable, folder: Path
) -> ExportedTable:
    """Write one table or view.

    Args:
        connection: The open release.
        release: What the file says about itself.
        table: The table.
        folder: Where its files go.

    Returns:
        What was written.

    Raises:
        NotPublished: A text is empty or a number is not one, which CSV could not tell from a cell that holds nothing.
    """
    parquet, csv = folder / f"{table.name}{PARQUET_SUFFIX}", folder / f"{table.name}{CSV_SUFFIX}"
    said = {
        "release_id": release.release_id,
        "edition": release.edition,
        "table": table.name,
        "description": table.description,
        "columns": json.dumps({column.name: column.description for column in table.columns}, ensure_ascii=False),
    }
    metadata = ", ".join(f"{literal(name)}: {literal(text)}" for name, text in said.items())
    try:
        connection.execute(
            f"copy ({select_sorted(table)}) to {literal(str(parquet))} "
            f"(format parquet, compression zstd, kv_metadata {{{metadata}}})"
        )
    except duckdb.Error as error:
        raise NotPublished(f"{table.name} cannot be exported: {error}") from error
    frame = pl.read_parquet(parquet)
    _require_writable(table.name, frame)
    frame.write_csv(
        csv,
        include_bom=False,
        line_terminator=LINE_END,
        quote_style="necessary",
        null_value="",
        date_format=DATE_FORMAT,
        datetime_format=MOMENT_FORMAT,
    )
    return ExportedTable(described=table, rows=frame.height, csv=csv, parquet=parquet)


def _require_writable(table: str, frame: pl.DataFrame) -> None:
    """Refuse contents that a reader of the CSV could not tell apart."""
    empty = [name for name in frame.select(pl.col(pl.String)).columns if (frame[name] == "").any()]
    broken = [name for name in frame.select(pl.col(pl.Float64)).columns if not frame[name].is_finite().all()]
    if empty or broken:
        refused = [f"{table}.{name} has an empty text: make it NULL in its mart" for name in empty]
        refused += [f"{table}.{name} has a number that is not finite: guard its division" for name in broken]
        raise NotPublished("These cannot be exported to CSV:\n  " + "\n  ".join(refused))
