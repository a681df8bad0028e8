"""From the text of bound columns to the landed columns: typing, periods, lookups, and saying what could not be read.

What every reader shares belongs here. The layout of a particular format belongs to its reader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Final, get_args

import polars as pl

from pipelines.acquire.landed_schema import FREE, LANDED, NUMERIC
from pipelines.acquire.period_labels import YearType, label_from_first_year, period_of
from pipelines.acquire.readers.binding import text_of
from pipelines.acquire.readers.delimited_text import ROW_NUMBER, position_name
from pipelines.acquire.readers.table_bounds import plain
from pipelines.acquire.readers.table_file import HEADER_CELLS, RECORD_CELLS, TableFile

if TYPE_CHECKING:
    from pipelines.acquire.table_declaration import Lookup

_BETWEEN_KEYS: Final = "\x1f"


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
        **{name: text_of(expression, markers) for name, expression in bound.items()},
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
