"""From a publisher's columns to the landed columns: binding by name, typing, and saying what could not be read.

What every reader shares belongs here. The layout of a particular format belongs to its reader.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

from pipelines.acquire.landed_schema import LANDED, NUMERIC
from pipelines.acquire.period_labels import period_of
from pipelines.acquire.readers.delimited_text import ROW_NUMBER, position_name, read_header, scan, stray_quotes, walk
from pipelines.problems import Problem, SourceRefused

if TYPE_CHECKING:
    from pipelines.acquire.raw_snapshots import RawFile
    from pipelines.acquire.source_registry import Source, Table


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file to read.

    Attributes:
        source: Its source.
        table: The table that it belongs to.
        raw: The file, verified.
        workspace: Existing folder for temporary copies, kept until the frame is written.
    """

    source: Source
    table: Table
    raw: RawFile
    workspace: Path

    def refused(self, *problems: Problem) -> SourceRefused:
        """Return the refusal of the source for these problems of this file."""
        return SourceRefused(self.source.id, problems)


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
        frame: ``source_row_number`` and one text column a header cell.
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
    header = read_header(file.raw.path, file.source.encoding, file.raw.name)
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
    encoding = file.source.encoding
    records = walk(file.raw.path, encoding, file.raw.name, width)
    if records.problems:
        raise file.refused(*records.problems)
    frame = scan(file.raw.path, encoding, width, file.workspace)
    if records.blank:
        frame = frame.filter(
            pl.any_horizontal(pl.col(position_name(position)).str.len_bytes() > 0 for position in range(width))
        )
    return Cells(frame, records.filled, records.blank)


def require_scannable(file: TableFile) -> None:
    """Scan a file's cells alone, to tell a file that cannot be scanned from any other failure.

    Args:
        file: A file whose walk found no problem.

    Raises:
        SourceRefused: The scan fails; the problems name the records with a quote inside an unquoted cell.
    """
    path, encoding, name = file.raw.path, file.source.encoding, file.raw.name
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


def bind(
    header: tuple[str, ...],
    declared: Mapping[str, str],
    *,
    ignored: Collection[str],
    optional: Collection[str],
    file: TableFile,
    key: Callable[[str], str] = str.strip,
) -> dict[str, int]:
    """Find the position of every declared column by its name.

    Args:
        header: The file's headers.
        declared: Publisher's header to landed column; several spellings may lead to one column.
        ignored: Headers that are known and not landed.
        optional: Landed columns that the file may lack.
        file: The file, for messages.
        key: What makes two spellings of a header the same.

    Returns:
        Landed column to position, counted from 0.

    Raises:
        SourceRefused: A header is unknown, a declared column is missing, or two headers claim one column.
    """
    by_key = {key(name): landed for name, landed in declared.items()}
    ignored_keys = {key(name) for name in ignored}
    bound: dict[str, int] = {}
    problems: list[Problem] = []
    for position, name in enumerate(header):
        landed = by_key.get(key(name))
        if landed is None:
            if key(name) not in ignored_keys:
                problems.append(_unknown(file, name, position))
        elif landed in bound:
            problems.append(_claimed_twice(file, name, landed, header[bound[landed]]))
        else:
            bound[landed] = position
    for landed in dict.fromkeys(declared.values()):
        if landed not in bound and landed not in optional:
            spellings = [name for name, column in declared.items() if column == landed]
            problems.append(_missing(file, spellings, landed))
    if problems:
        raise file.refused(*problems)
    return bound


def _unknown(file: TableFile, name: str, position: int) -> Problem:
    return Problem(
        "unknown_column",
        f"Column {position + 1} of the file is not declared.",
        f"Map it in columns of {file.source.id}.yml, or list it in ignored_columns.",
        file=file.raw.name,
        row=1,
        column=name,
    )


def _claimed_twice(file: TableFile, name: str, landed: str, other: str) -> Problem:
    return Problem(
        "column_twice",
        f"Both {other!r} and {name!r} would land as {landed}.",
        "Keep one of them and list the other in ignored_columns.",
        file=file.raw.name,
        row=1,
        column=name,
    )


def _missing(file: TableFile, spellings: list[str], landed: str) -> Problem:
    return Problem(
        "missing_column",
        f"The file has no column for {landed} (declared spellings: {', '.join(map(repr, spellings))}).",
        f"Add the new spelling to columns of {file.source.id}.yml, or ask the publisher what became of the column.",
        file=file.raw.name,
        row=1,
        column=spellings[0],
    )


def cell(position: int) -> pl.Expr:
    """Return the text of the cell at a position, counted from 0."""
    return pl.col(position_name(position))


def shape(frame: pl.LazyFrame, file: TableFile, bound: Mapping[str, pl.Expr], source_column: pl.Expr) -> pl.LazyFrame:
    """Type the bound columns, fill in the declared ones, and note every cell that could not be read.

    Args:
        frame: ``source_row_number`` and whatever the expressions need.
        file: The file.
        bound: Landed column to the expression of its text.
        source_column: Header of the column that holds the value.

    Returns:
        The landed columns, in order. ``unreadable_cells`` lists ``column='text'`` for every number, period or name to
        be looked up that is filled, no missing marker, and could not be read.
    """
    schema = LANDED[file.source.provides]
    filled = {
        **{name: _text(expression, file.source.missing_markers) for name, expression in bound.items()},
        **{name: pl.lit(text) for name, text in file.table.constants.items()},
    }
    shaped = frame.select(
        pl.col(ROW_NUMBER).cast(pl.Int64),
        source_column.alias("source_column"),
        *([_unstripped(bound["value"]).alias("value_as_published")] if "value" in bound else []),
        *(expression.alias(_raw(name)) for name, expression in filled.items()),
    ).with_columns(_typed(filled, file))
    if "period_label" in filled:
        shaped = shaped.with_columns(_period(filled, file).alias("_period")).unnest("_period")
    if file.table.lookups:
        shaped = shaped.with_columns(
            pl.col(lookup.column).replace_strict(lookup.values, default=None, return_dtype=pl.String).alias(name)
            for name, lookup in file.table.lookups.items()
        )
    shaped = shaped.with_columns(_derived(filled, file))
    known = {*shaped.collect_schema().names(), *_provenance(file), "unreadable_cells"}
    return shaped.with_columns(
        *(pl.lit(text).alias(name) for name, text in _provenance(file).items()),
        *(pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in known),
        _unreadable(filled, file),
    ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _raw(name: str) -> str:
    """Return the name under which a column's text is kept until the end."""
    return f"_{name}"


def _unstripped(expression: pl.Expr) -> pl.Expr:
    return pl.when(expression != "").then(expression)


def _text(expression: pl.Expr, missing_markers: Collection[str]) -> pl.Expr:
    """Return stripped text (no-break spaces too); null if it is empty or stands for a missing value."""
    stripped = expression.str.strip_chars()
    return pl.when(~stripped.is_in(["", *missing_markers])).then(stripped)


def _typed(filled: Collection[str], file: TableFile) -> Iterator[pl.Expr]:
    for name in filled:
        text = pl.col(_raw(name))
        if name in NUMERIC:
            yield _number(text, file.table.thousands_separator).alias(name)
        elif name == "period_sortable":
            yield text.cast(pl.Int64, strict=False).alias(name)
        elif name != "period_label":
            yield text.alias(name)


def _number(text: pl.Expr, thousands_separator: str | None) -> pl.Expr:
    if thousands_separator:
        grouped = text.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
        text = pl.when(grouped).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
    number = text.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _period(filled: Collection[str], file: TableFile) -> pl.Expr:
    return period_of(
        pl.col(_raw("period_label")),
        pl.col("period_range") if "period_range" in filled else pl.lit(None, pl.String),
        pl.col("period_sortable") if "period_sortable" in filled else pl.lit(None, pl.Int64),
        file.table.year_type or file.source.year_type,
    )


def _derived(filled: Collection[str], file: TableFile) -> Iterator[pl.Expr]:
    identifiers = {
        " ".join(label.split()): indicator.id for indicator in file.source.indicators for label in indicator.labels
    }
    if "indicator_id" not in filled and "indicator_name" in filled and identifiers:
        name = pl.col("indicator_name").str.replace_all(r"\s+", " ")
        yield name.replace_strict(identifiers, default=None, return_dtype=pl.String).alias("indicator_id")
    if text := file.table.category_type_when_category:
        yield pl.when(pl.col("category").is_not_null()).then(pl.lit(text)).alias("category_type")


def _provenance(file: TableFile) -> dict[str, str]:
    return {
        "source_id": file.source.id,
        "source_release": file.raw.release_id,
        "source_table": file.table.id,
        "source_file": file.raw.name,
        "source_file_sha256": file.raw.sha256,
    }


def _unreadable(filled: Collection[str], file: TableFile) -> pl.Expr:
    """Return ``count='abc'; period_label='sometime'``, or null."""
    read = {name: name for name in filled if name in NUMERIC or name == "period_sortable"}
    if "period_label" in filled:
        read["period_label"] = "period_type"
    read |= {lookup.column: name for name, lookup in file.table.lookups.items()}
    if not read:
        return pl.lit(None, pl.String).alias("unreadable_cells")
    listed = pl.concat_str(
        (
            pl.when(pl.col(_raw(name)).is_not_null() & pl.col(result).is_null()).then(
                pl.format(f"{name}='{{}}'", pl.col(_raw(name)))
            )
            for name, result in read.items()
        ),
        separator="; ",
        ignore_nulls=True,
    )
    return pl.when(listed != "").then(listed).alias("unreadable_cells")
