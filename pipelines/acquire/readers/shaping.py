"""From a publisher's columns to the landed columns: binding by name, typing, and saying what could not be read.

What every reader shares belongs here. The layout of a particular format belongs to its reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, get_args

import polars as pl

from pipelines.acquire.landed_schema import FREE, LANDED, NUMERIC
from pipelines.acquire.period_labels import YearType, label_from_first_year, period_of
from pipelines.acquire.readers.delimited_text import ROW_NUMBER, position_name, read_header, scan, stray_quotes, walk
from pipelines.acquire.readers.table_bounds import Grid, plain
from pipelines.problems import Problem, SourceRefused

if TYPE_CHECKING:
    from pipelines.acquire.raw_snapshots import RawFile
    from pipelines.acquire.source_registry import Source
    from pipelines.acquire.table_declaration import Lookup, Table

RECORD_CELLS: Final = "_record_cells"
"""Column of a frame with ragged records: number of cells of such a record, null for the others."""
HEADER_CELLS: Final = "_header_cells"
"""Column beside it: number of cells of the header."""
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_BETWEEN_KEYS: Final = "\x1f"


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


def bind(
    header: tuple[str, ...],
    declared: Mapping[str, str],
    *,
    ignored: Collection[str],
    optional: Collection[str],
    file: TableFile,
    key: Callable[[str], str] = plain,
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
        file=file.name,
        row=file.header_row,
        column=name,
    )


def _claimed_twice(file: TableFile, name: str, landed: str, other: str) -> Problem:
    return Problem(
        "column_twice",
        f"Both {other!r} and {name!r} would land as {landed}.",
        "Keep one of them and list the other in ignored_columns.",
        file=file.name,
        row=file.header_row,
        column=name,
    )


def _missing(file: TableFile, spellings: list[str], landed: str) -> Problem:
    return Problem(
        "missing_column",
        f"The file has no column for {landed} (declared spellings: {', '.join(map(repr, spellings))}).",
        f"Add the new spelling to columns of {file.source.id}.yml, or ask the publisher what became of the column.",
        file=file.name,
        row=file.header_row,
        column=spellings[0],
    )


def cell(position: int) -> pl.Expr:
    """Return the text of the cell at a position, counted from 0."""
    return pl.col(position_name(position))


def bind_cells(
    header: tuple[str, ...], file: TableFile, declared: Mapping[str, str], *, ignored: Collection[str] = ()
) -> dict[str, pl.Expr]:
    """Find the text of every landed column that cells of the table fill, alone or composed.

    Args:
        header: The file's headers.
        file: The file.
        declared: Publisher's header to landed column.
        ignored: Headers that are known and not landed, over and above the declared ones.

    Returns:
        Landed column to the expression of its text. A composed text is null if one of its cells is empty or a marker.

    Raises:
        SourceRefused: See :func:`bind`; or a header of a template is missing.
    """
    used = {plain(name) for text in file.table.composed.values() for name in _PLACEHOLDER.findall(text)}
    positions = {plain(name): position for position, name in enumerate(header)}
    if missing := [
        _missing(file, [name], landed)
        for landed, text in file.table.composed.items()
        for name in _PLACEHOLDER.findall(text)
        if plain(name) not in positions
    ]:
        raise file.refused(*missing)
    bound = bind(
        header,
        declared,
        ignored={*file.source.ignored_of(file.table), *ignored, *used},
        optional=file.source.optional_of(file.table),
        file=file,
    )
    return {
        **{landed: cell(position) for landed, position in bound.items()},
        **{landed: _composed(text, positions, file) for landed, text in file.table.composed.items()},
    }


def _composed(template: str, positions: Mapping[str, int], file: TableFile) -> pl.Expr:
    markers = file.source.markers_of(file.table)
    # The pattern has one group, so every second part is a header.
    return pl.concat_str(
        _text(cell(positions[plain(part)]), markers) if odd % 2 else pl.lit(part)
        for odd, part in enumerate(_PLACEHOLDER.split(template))
    )


def shape(
    frame: pl.LazyFrame,
    file: TableFile,
    bound: Mapping[str, pl.Expr],
    source_column: pl.Expr,
    *,
    year_type: pl.Expr | None = None,
) -> pl.LazyFrame:
    """Type the bound columns, fill in the declared ones, and note every cell that could not be read.

    Args:
        frame: ``source_row_number`` and whatever the expressions need.
        file: The file.
        bound: Landed column to the expression of its text.
        source_column: Header of the column that holds the value.
        year_type: Text of a year type for each row, where the file says it; without it, and where it is null, it is the
            declared one of the row's indicator, of the table or of the source.

    Returns:
        The landed columns, in order. ``unreadable_cells`` lists ``column='text'`` for every number, period or name to
        be looked up that is filled, no marker, and could not be read. It begins with ``record has 25 of 26 cells`` for
        a record with filled cells beyond the header, and for one that is too short, unless all that its end leaves out
        is optional or free text and its typed cells can be read.
    """
    schema = LANDED[file.source.provides]
    markers = file.source.markers_of(file.table)
    filled = {
        **{name: _text(expression, markers) for name, expression in bound.items()},
        **{name: pl.lit(text) for name, text in (*file.table.constants.items(), *file.texts.items())},
    }
    ragged = [name for name in (RECORD_CELLS, HEADER_CELLS) if name in frame.collect_schema().names()]
    shaped = frame.select(
        pl.col(ROW_NUMBER).cast(pl.Int64),
        source_column.alias("source_column"),
        *ragged,
        *_as_published(bound, markers),
        *([] if year_type is None else [year_type.cast(pl.String).alias("_year_type")]),
        *(expression.alias(_raw(name)) for name, expression in filled.items()),
    ).with_columns(_typed(filled, file))
    shaped = shaped.with_columns(
        _looked_up(lookup).alias(_looked_up_name(name)) for name, lookup in file.table.lookups.items()
    )
    shaped = shaped.with_columns(_derived({*filled, *file.table.lookups}, file))
    if "period_label" in filled or "period_label" in file.table.lookups:
        columns = shaped.collect_schema().names()
        shaped = shaped.with_columns(_period(columns, file).alias("_period")).unnest("_period")
    known = {*shaped.collect_schema().names(), *_provenance(file), "unreadable_cells"}
    return shaped.with_columns(
        *(pl.lit(text).alias(name) for name, text in _provenance(file).items()),
        *(pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in known),
        _unreadable(filled, file, _cells_needed(bound, file), ragged=bool(ragged)),
    ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _raw(name: str) -> str:
    """Return the name under which a column's text is kept until the end."""
    return f"_{name}"


def _as_published(bound: Mapping[str, pl.Expr], markers: Mapping[str, str]) -> Iterator[pl.Expr]:
    if "value" not in bound:
        return
    published = bound["value"]
    yield pl.when(published != "").then(published).alias("value_as_published")
    if markers:
        meaning = published.str.strip_chars().replace_strict(markers, default=None, return_dtype=pl.String)
        yield meaning.alias("value_marker_meaning")


def _text(expression: pl.Expr, markers: Collection[str]) -> pl.Expr:
    """Return stripped text (no-break spaces too); null if it is empty or stands for a missing value."""
    stripped = expression.str.strip_chars()
    return pl.when(~stripped.is_in(["", *markers])).then(stripped)


def _typed(filled: Collection[str], file: TableFile) -> Iterator[pl.Expr]:
    for name in filled:
        text = pl.col(_raw(name))
        if name in NUMERIC:
            percentage = name in file.table.percentages
            yield _number(text, file.table.thousands_separator, percentage=percentage).alias(name)
        elif name == "period_sortable":
            yield text.cast(pl.Int64, strict=False).alias(name)
        elif name != "period_label":
            yield text.alias(name)


def _number(text: pl.Expr, thousands_separator: str | None, *, percentage: bool) -> pl.Expr:
    if thousands_separator:
        grouped = text.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
        text = pl.when(grouped).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
    number = text.cast(pl.Float64, strict=False)
    if percentage:
        signed = text.str.strip_suffix("%").str.strip_chars_end().cast(pl.Float64, strict=False)
        # Fifteen digits are what a spreadsheet keeps: 0.57 * 100 is 57, not 56.99999999999999.
        number = pl.when(text.str.ends_with("%")).then(signed).otherwise((number * 100).round_sig_figs(15))
    return pl.when(number.is_finite()).then(number)


def _looked_up_name(name: str) -> str:
    """Return where a lookup's result is kept; a period label is still to be parsed."""
    return "_period_label_meant" if name == "period_label" else name


def _looked_up(lookup: Lookup) -> pl.Expr:
    columns = [pl.col(_raw(column)).str.replace_all(r"\s+", " ") for column in lookup.columns]
    if len(columns) == 1:
        (text,) = columns
    else:
        joined = pl.concat_str((column.fill_null("") for column in columns), separator=_BETWEEN_KEYS)
        text = pl.when(pl.any_horizontal(column.is_not_null() for column in columns)).then(joined)
    values = {_BETWEEN_KEYS.join(map(plain, key)): meant for key, meant in lookup.pairs.items()}
    found = text.replace_strict(values, default=None, return_dtype=pl.String) if values else pl.lit(None, pl.String)
    return reduce(
        lambda before, one: pl.coalesce(before, pl.when(text.str.contains(f"^(?:{one[0]})$")).then(pl.lit(one[1]))),
        lookup.patterns.items(),
        found,
    )


def _derived(filled: Collection[str], file: TableFile) -> Iterator[pl.Expr]:
    identifiers = {plain(label): indicator.id for indicator in file.source.indicators for label in indicator.labels}
    if "indicator_id" not in filled and "indicator_name" in filled and identifiers:
        name = pl.col("indicator_name").str.replace_all(r"\s+", " ")
        yield name.replace_strict(identifiers, default=None, return_dtype=pl.String).alias("indicator_id")
    if text := file.table.category_type_when_category:
        yield pl.when(pl.col("category").is_not_null()).then(pl.lit(text)).alias("category_type")


def _period(columns: Collection[str], file: TableFile) -> pl.Expr:
    meant = _looked_up_name("period_label")
    label = _label_meant(pl.col(meant if meant in columns else _raw("period_label")), columns, file)
    period_range = pl.col("period_range") if "period_range" in columns else pl.lit(None, pl.String)
    sortable = pl.col("period_sortable") if "period_sortable" in columns else pl.lit(None, pl.Int64)
    default: YearType = file.table.year_type or file.source.year_type
    of_indicator: dict[str, YearType] = {
        one.id: one.period.year_type for one in file.source.indicators if one.period.year_type
    }
    year_type = pl.lit(None, pl.String)
    if of_indicator and "indicator_id" in columns:
        year_type = pl.col("indicator_id").replace_strict(of_indicator, default=None, return_dtype=pl.String)
    possible: set[YearType] = set(of_indicator.values())
    if "_year_type" in columns:
        year_type = pl.coalesce("_year_type", year_type)
        possible = set(get_args(YearType))
    return reduce(
        lambda otherwise, one: (
            pl.when(year_type == one).then(period_of(label, period_range, sortable, one)).otherwise(otherwise)
        ),
        sorted(possible - {default}),
        period_of(label, period_range, sortable, default),
    )


def _label_meant(label: pl.Expr, columns: Collection[str], file: TableFile) -> pl.Expr:
    """Return the label, in which a bare year is spelled out where the indicator declares what it is the first of."""
    if "indicator_id" not in columns:
        return label
    declared: dict[tuple[YearType, int], list[str]] = {}
    for one in file.source.indicators:
        year_type = one.period.year_type or file.table.year_type or file.source.year_type
        if one.period.years is not None and year_type in ("financial", "academic"):
            declared.setdefault((year_type, one.period.years), []).append(one.id)
    year = pl.when(label.str.contains(r"^(?:19|20)\d\d$")).then(label).cast(pl.Int64)
    return reduce(
        lambda otherwise, one: (
            pl.when(pl.col("indicator_id").is_in(one[1]) & year.is_not_null())
            .then(label_from_first_year(year, *one[0]))
            .otherwise(otherwise)
        ),
        declared.items(),
        label,
    )


def _provenance(file: TableFile) -> dict[str, str]:
    return {
        "source_id": file.source.id,
        "source_release": file.raw.release_id,
        "source_table": file.table.id,
        "source_file": file.name,
        "source_file_sha256": file.raw.sha256,
    }


def _cells_needed(bound: Mapping[str, pl.Expr], file: TableFile) -> int | None:
    """Return how many cells a record needs so that nothing but optional and free text is missing; None for all."""
    spared = {*FREE, *file.source.optional_of(file.table)} - {
        column for lookup in file.table.lookups.values() for column in lookup.columns
    }
    needed = 0
    for landed, expression in bound.items():
        if landed in spared:
            continue
        for root in expression.meta.root_names():
            position = root.removeprefix(position_name(0)[:-1])
            if not position.isdecimal():
                return None
            needed = max(needed, int(position) + 1)
    return needed


def _unreadable(filled: Collection[str], file: TableFile, needed: int | None, *, ragged: bool) -> pl.Expr:
    """Return ``record has 25 of 26 cells; count='abc'; period_label='sometime'``, or null."""
    read = [((name,), name) for name in filled if name in NUMERIC or name == "period_sortable"]
    read += [(lookup.columns, name) for name, lookup in file.table.lookups.items() if name != "period_label"]
    if "period_label" in filled:
        read.append((("period_label",), "period_type"))
    cells = [_unread(columns, result) for columns, result in read]
    if not cells and not ragged:
        return pl.lit(None, pl.String).alias("unreadable_cells")
    listed = pl.concat_str(cells, separator="; ", ignore_nulls=True) if cells else pl.lit("")
    if ragged:
        listed = pl.concat_str(_misaligned(listed, filled, needed), listed, ignore_nulls=True)
    return pl.when(listed != "").then(listed.str.strip_chars_end("; ")).alias("unreadable_cells")


def _unread(columns: tuple[str, ...], result: str) -> pl.Expr:
    texts = [pl.col(_raw(name)) for name in columns]
    described = pl.format(", ".join(f"{name}='{{}}'" for name in columns), *(text.fill_null("") for text in texts))
    filled = pl.any_horizontal(text.is_not_null() for text in texts)
    return pl.when(filled & pl.col(result).is_null()).then(described)


def _misaligned(listed: pl.Expr, filled: Collection[str], needed: int | None) -> pl.Expr:
    """Return ``record has 25 of 26 cells; `` for ragged records whose cells may not be under their header."""
    record, header = pl.col(RECORD_CELLS), pl.col(HEADER_CELLS)
    harmful = (record > header) | (record < (header if needed is None else needed)) | (listed != "")
    if "period_sortable" in filled:
        # A cell that is lost before it leaves the text of the next one here, which is often empty.
        harmful |= pl.col("period_sortable").is_null()
    return pl.when(record.is_not_null() & harmful).then(pl.format("record has {} of {} cells; ", record, header))
