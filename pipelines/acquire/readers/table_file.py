"""One table of one file: what a reader is given, what it returns, and the table's header and cells as text.

Where the cells come from, a scanned text file or the records of a sheet, is settled here, so that every layout reads
both. What a column means does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from pipelines.acquire.readers.delimited_text import ROW_NUMBER, position_name, read_header, scan, stray_quotes, walk
from pipelines.acquire.readers.table_bounds import Grid
from pipelines.problems import Problem, SourceRefused

if TYPE_CHECKING:
    from pipelines.acquire.raw_snapshots import RawFile
    from pipelines.acquire.source_registry import Source
    from pipelines.acquire.table_declaration import Table

RECORD_CELLS: Final = "_record_cells"
"""Column of a frame with ragged records: number of cells of such a record, null for the others."""
HEADER_CELLS: Final = "_header_cells"
"""Column beside it: number of cells of the header."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """One table of one file to read.

    Attributes:
        source: Its source.
        table: The table that it belongs to.
        raw: The file, verified.
        workspace: Existing folder for temporary copies, kept until the frame is written.
        grid: The table's records, if it is on a sheet or only a part of a text file; None if the whole text file is the
            table, which is then scanned.
        texts: Landed column to the text that the surroundings of the table, or a file beside it, say for every row.
    """

    source: Source
    table: Table
    raw: RawFile
    workspace: Path
    grid: Grid | None = None
    texts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The file's name relative to ``data/raw``, and after ``#`` the sheet if it is a workbook."""
        return table_name(self.raw, self.table)

    @property
    def header_row(self) -> int:
        """Number of the record that holds the headers."""
        return 1 if self.grid is None else self.grid.header_row

    def refused(self, *problems: Problem) -> SourceRefused:
        """Return the refusal of the source for these problems of this file."""
        return SourceRefused(self.source.id, problems)


def table_name(raw: RawFile, table: Table) -> str:
    """Return a file's name and, after ``#``, the sheet that a table reads from it."""
    return raw.name if table.parse.sheet is None else f"{raw.name}#{table.parse.sheet}"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file in landed shape.

    Attributes:
        frame: Landed columns in landed order.
        rows: How many rows the frame must have, counted independently of it.
        blank_records: Data records without a single filled cell, which are not landed.
    """

    frame: pl.LazyFrame
    rows: int
    blank_records: int


class Reader(Protocol):
    """Reads one file of a table; raises :class:`SourceRefused` if the file is not as declared."""

    def __call__(self, file: TableFile) -> ReadFile:
        """Return the file in landed shape."""
        ...


@dataclass(frozen=True, slots=True)
class Cells:
    """A file whose header has been checked and whose records have been walked.

    Attributes:
        frame: ``source_row_number`` and one text column a header cell; with ragged records also
            :data:`RECORD_CELLS` and :data:`HEADER_CELLS`.
        records: Filled data records.
        blank_records: Blank data records, already left out of the frame.
    """

    frame: pl.LazyFrame
    records: int
    blank_records: int


def header_of(file: TableFile) -> tuple[str, ...]:
    """Read a file's header, or refuse the source.

    Args:
        file: The file.

    Returns:
        The headers, stripped.

    Raises:
        SourceRefused: The header cannot be read.
    """
    if file.grid is not None:
        return file.grid.header
    header = read_header(file.raw.path, file.source.encoding_of(file.table), file.raw.name)
    if isinstance(header, Problem):
        raise file.refused(header)
    return header


def cells_of(file: TableFile, width: int) -> Cells:
    """Walk a file and scan it as text; call it only after the header has been checked.

    Args:
        file: The file.
        width: Number of header cells.

    Returns:
        Its cells, without the blank records.

    Raises:
        SourceRefused: Some record cannot be read.
    """
    if file.grid is not None:
        grid = file.grid
        return Cells(_with_ragged(_frame_of(grid), grid.ragged, width), len(grid.records), grid.blank)
    encoding = file.source.encoding_of(file.table)
    records = walk(file.raw.path, encoding, file.raw.name, width)
    if records.problems:
        raise file.refused(*records.problems)
    frame = scan(file.raw.path, encoding, width, file.workspace)
    if records.blank:
        filled = pl.any_horizontal(pl.col(position_name(position)).str.len_bytes() > 0 for position in range(width))
        # A record may have no filled cell but one beyond the header: it is ragged and not blank.
        frame = frame.filter(filled | pl.col(ROW_NUMBER).is_in(list(records.ragged)))
    return Cells(_with_ragged(frame, records.ragged, width), records.filled, records.blank)


def _frame_of(grid: Grid) -> pl.LazyFrame:
    cells = {
        position_name(position): [
            record.cells[position] if position < len(record.cells) else None for record in grid.records
        ]
        for position in range(len(grid.header))
    }
    numbers = pl.Series(ROW_NUMBER, [record.number for record in grid.records], dtype=pl.Int64)
    return pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String())).insert_column(0, numbers).lazy()


def _with_ragged(frame: pl.LazyFrame, ragged: Mapping[int, int], width: int) -> pl.LazyFrame:
    if not ragged:
        return frame
    return frame.with_columns(
        pl.col(ROW_NUMBER)
        .cast(pl.Int64)
        .replace_strict(ragged, default=None, return_dtype=pl.Int64)
        .alias(RECORD_CELLS),
        pl.lit(width, pl.Int64).alias(HEADER_CELLS),
    )


def require_scannable(file: TableFile) -> None:
    """Scan a file's cells alone, to tell a file that cannot be scanned from any other failure.

    Args:
        file: A file whose walk found no problem.

    Raises:
        SourceRefused: The scan fails; the problems name the records with a quote inside an unquoted cell.
    """
    if file.grid is not None:
        return
    path, encoding, name = file.raw.path, file.source.encoding_of(file.table), file.raw.name
    width = len(header_of(file))
    try:
        scan(path, encoding, width, file.workspace).select(
            pl.col(position_name(position)).count() for position in range(width)
        ).collect(engine="streaming")
    except pl.exceptions.ComputeError as error:
        fallback = Problem(
            "malformed_csv", f"The file cannot be scanned ({error}).", "Look at the quoting of its cells.", file=name
        )
        raise file.refused(*(stray_quotes(path, encoding, name) or (fallback,))) from error
