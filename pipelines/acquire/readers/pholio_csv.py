"""Extracts of the Fingertips database that carry identifiers beside their labels, and a year in place of a period.

What the identifiers say about the labels, and how a year becomes a period, belongs here. Which columns are landed
stands in the declaration; of the identifiers only that of the indicator is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipelines.acquire.period_labels import label_from_first_year
from pipelines.acquire.readers.binding import bind, cell
from pipelines.acquire.readers.delimited_text import ROW_NUMBER
from pipelines.acquire.readers.fingertips_csv import same_header
from pipelines.acquire.readers.shaping import shape
from pipelines.acquire.readers.table_file import ReadFile, TableFile, cells_of, header_of
from pipelines.problems import ConfigurationError, Problem

_BANDS: Final = {
    identifier: f"{low}-{low + 4} yrs" for identifier, low in zip(range(4, 20), range(5, 85, 5), strict=True)
}

SEXES: Final[Mapping[str, str]] = {"-1": "Not applicable", "1": "Male", "2": "Female", "4": "Persons"}
"""Identifier to label of every sex (methods 3.5)."""

AGES: Final[Mapping[str, str]] = {
    "1": "All ages",
    **{str(identifier): label for identifier, label in _BANDS.items()},
    "20": "85+ yrs",
    "21": "85-89 yrs",
    "22": "90+ yrs",
    "27": "65+ yrs",
    "28": "0-4 yrs",
    "31": "2 yrs",
    "157": "25-34 yrs",
    "158": "35-44 yrs",
    "159": "45-54 yrs",
    "160": "55-64 yrs",
    "161": "65-74 yrs",
    "163": "<75 yrs",
    "164": "16+ yrs",
    "165": "75-84 yrs",
    "168": "18+ yrs",
    "169": "<16 yrs",
    "173": "<18 yrs",
    "179": "15-44 yrs",
    "183": "18-64 yrs",
    "187": "17+ yrs",
    "188": "15+ yrs",
    "200": "4-5 yrs",
    "201": "10-11 yrs",
    "204": "16-64 yrs",
    "219": "40-74 yrs",
    "225": "53-70 yrs",
    "227": "12+ yrs",
    "230": "30+ yrs",
    "252": "19-24 yrs",
    "261": "18-24 yrs",
    "279": "<65 yrs",
    "281": "90-94 yrs",
    "282": "95+ yrs",
    "298": "19+ yrs",
    "332": "15-55 yrs",
}
"""Identifier to label of the ages that methods 3.5 and extracts of this format show; others are only compared within
their file."""

_IDENTIFIERS: Final[Mapping[str, str]] = {
    "sex": "SexID",
    "age": "AgeID",
    "category_type": "CategoryTypeId",
    "category": "CategoryId",
}
"""Landed label to the header of the identifier that vouches for it."""

_IDENTIFIED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "sex": ("sex",),
    "age": ("age",),
    "category_type": ("category_type",),
    "category": ("category_type", "category"),
}
"""Landed label to the identifiers that together stand for it: a category is numbered within its type."""

_NEEDED: Final = frozenset({"indicator_id", "period_label", "value"})
_CATEGORIES: Final = frozenset({"category_type", "category"})
_COMPLETE: Final = frozenset({"sex"})
_KNOWN: Final[Mapping[str, Mapping[str, str]]] = {"sex": SEXES, "age": AGES}
_YEAR: Final = r"^(?:19|20)\d\d$"
_FINGERTIPS_YEARS: Final = frozenset({"calendar", "financial", "academic"})
_UNDECLARED: Final = "snapshot"
_NOTE: Final = "_note"
_ROWS: Final = "_rows"
_MEANING: Final = "_meaning"


def read(file: TableFile) -> ReadFile:
    """Read one file; columns are found by name, so their order does not matter.

    The declaration maps the column of the year to ``period_label``, and each indicator says in ``period`` what kind of
    year it means and how many of them; the label is built from that in the spelling of Fingertips (methods 3.3). The
    columns SexID, AgeID, CategoryTypeId and CategoryId have to be there: a row whose label is not what its identifier
    stands for is noted as unreadable.

    Args:
        file: The file and its declaration.

    Returns:
        One landed row a filled record.

    Raises:
        SourceRefused: The file is not as declared, or its two category columns hold each other's labels.
        ConfigurationError: The declaration maps no header to indicator_id, period_label or value.
    """
    declared = file.source.columns_of(file.table)
    if undeclared := sorted(_NEEDED - set(declared.values())):
        raise ConfigurationError(f"{file.source.id}.yml: pholio_csv needs headers for {', '.join(undeclared)}")
    header = header_of(file)
    places = _identifier_places(file, header)
    bound = bind(
        header,
        declared,
        ignored={*file.source.ignored_of(file.table), *(header[position] for position in places.values())},
        optional=file.source.optional_of(file.table),
        file=file,
        key=same_header,
    )
    cells = cells_of(file, len(header))
    texts = {landed: _label(landed, cell(position)) for landed, position in bound.items()}
    vouched = _vouched(texts, places)
    combinations = cells.frame.group_by(vouched).agg(pl.len().alias(_ROWS)).collect(engine="streaming")
    _require_category_columns_in_place(file, header, bound, combinations)
    contradictions = _contradictions(combinations).drop(_ROWS)
    label, kind = _period_texts(file, texts)
    sortable = (_year(_plain(texts["period_label"])) * 10000).cast(pl.String)
    frame = shape(
        cells.frame,
        file,
        {**texts, "period_label": label, "period_sortable": sortable},
        pl.lit(header[bound["value"]]),
        year_type=kind,
    )
    frame = _explained(frame, file)
    if not contradictions.is_empty():
        numbered = cells.frame.select(pl.col(ROW_NUMBER).cast(pl.Int64), *vouched)
        notes = numbered.join(contradictions.lazy(), on=contradictions.drop(_NOTE).columns).select(ROW_NUMBER, _NOTE)
        noted = frame.join(notes, on=ROW_NUMBER, how="left", maintain_order="left")
        frame = _noted(noted, pl.col(_NOTE)).drop(_NOTE)
    return ReadFile(frame, cells.records, cells.blank_records)


def _identifier_places(file: TableFile, header: tuple[str, ...]) -> dict[str, int]:
    places: dict[str, int] = {}
    problems: list[Problem] = []
    for label, name in _IDENTIFIERS.items():
        found = [position for position, other in enumerate(header) if same_header(other) == same_header(name)]
        if len(found) == 1:
            places[label] = found[0]
            continue
        problems.append(
            Problem(
                "column_twice" if found else "missing_column",
                f"The file has {len(found)} columns {name}, whose identifiers vouch for the labels of {label}.",
                "File the extract with all its identifiers, each once; a table without them is for tidy_table.",
                file=file.name,
                row=file.header_row,
                column=name,
            )
        )
    if problems:
        raise file.refused(*problems)
    return places


def _plain(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars().fill_null("")


def _label(landed: str, text: pl.Expr) -> pl.Expr:
    """Take off the quotes that category labels with a comma keep inside their quoting."""
    return _plain(text).str.replace(r'^"(.*)"$', "${1}") if landed in _CATEGORIES else text


def _vouched(texts: Mapping[str, pl.Expr], places: Mapping[str, int]) -> list[pl.Expr]:
    """Return the labels (by landed name) and identifiers (``<landed name>_id``), empty text where there is none."""
    return [
        *(_plain(texts[label]).alias(label) for label in _IDENTIFIERS if label in texts),
        *(_plain(cell(position)).alias(f"{label}_id") for label, position in places.items()),
    ]


def _require_category_columns_in_place(
    file: TableFile, header: tuple[str, ...], bound: Mapping[str, int], combinations: pl.DataFrame
) -> None:
    """Refuse a file in which the labels that go one to one with the types stand in the column of the categories."""
    if not {"category", "category_type"} <= bound.keys():
        return
    typed = combinations.filter(pl.col("category_type_id") != "")
    if _one_to_one(typed, "category_type") or not _one_to_one(typed, "category"):
        return
    types, categories = header[bound["category_type"]], header[bound["category"]]
    raise file.refused(
        Problem(
            "category_columns_swapped",
            f"Every {_IDENTIFIERS['category_type']} goes with one label of column {categories!r} and with "
            f"{typed['category_type'].n_unique()} labels of {types!r}: the columns hold each other's labels.",
            f"Map the two headers the other way round in the table's columns in {file.source.id}.yml: "
            f"{types}: category, {categories}: category_type.",
            file=file.name,
            row=file.header_row,
            column=types,
            value=typed["category_type"].min(),  # pyright: ignore[reportArgumentType]
        )
    )


def _one_to_one(typed: pl.DataFrame, label: str) -> bool:
    pairs = typed.select("category_type_id", label).unique()
    return pairs["category_type_id"].is_unique().all() and pairs[label].is_unique().all()


def _contradictions(combinations: pl.DataFrame) -> pl.DataFrame:
    """Return the combinations in which a label is not what its identifier stands for, each with a note.

    What an identifier stands for is fixed where it is known, and otherwise its most frequent label in the file; if two
    labels are as frequent, neither is believed.
    """
    notes: list[pl.Expr] = []
    for label, parts in _IDENTIFIED_BY.items():
        if label not in combinations.columns:
            continue
        keys = [f"{part}_id" for part in parts]
        known = pl.col(keys[-1]).replace_strict(_KNOWN.get(label, {}), default=None, return_dtype=pl.String)
        frequent = pl.lit(None, pl.String) if label in _COMPLETE else pl.col(_MEANING)
        combinations = combinations.join(_frequent_label(combinations, label, keys), on=keys, how="left").with_columns(
            pl.coalesce(known, frequent).alias(_MEANING)
        )
        filled = pl.all_horizontal(pl.col(key) != "" for key in keys)
        # Some category types are published without identifiers; sexes and ages never are.
        unvouched = ~filled & (pl.col(label) != "") if label in _KNOWN else pl.lit(False)
        wrong = unvouched | (filled & (pl.col(_MEANING).is_null() | (pl.col(_MEANING) != pl.col(label))))
        stands = pl.concat_str(
            [pl.format(f"{_IDENTIFIERS[part]} {{}}", pl.col(f"{part}_id")) for part in parts], separator=", "
        )
        combinations = combinations.with_columns(
            pl.when(wrong).then(pl.format(f"{label}='{{}}' beside {{}}", pl.col(label), stands)).alias(f"_{label}")
        ).drop(_MEANING)
        notes.append(pl.col(f"_{label}"))
    listed = combinations.with_columns(pl.concat_str(notes, separator="; ", ignore_nulls=True).alias(_NOTE))
    return listed.filter(pl.col(_NOTE) != "").drop(expression.meta.output_name() for expression in notes)


def _frequent_label(combinations: pl.DataFrame, label: str, keys: list[str]) -> pl.DataFrame:
    """Return the keys with the label that stands beside them most often (``_meaning``), null if there is no such."""
    counted = combinations.filter(pl.col(label) != "").group_by(*keys, label).agg(pl.col(_ROWS).sum())
    most = counted.filter(pl.col(_ROWS) == pl.col(_ROWS).max().over(keys))
    return most.group_by(keys).agg(pl.when(pl.len() == 1).then(pl.col(label).first()).alias(_MEANING))


def _period_texts(file: TableFile, texts: Mapping[str, pl.Expr]) -> tuple[pl.Expr, pl.Expr]:
    """Return the label that the year stands for, and the kind of year that explains it.

    The bare year of an indicator whose period is not declared goes with a kind of year under which it is no period, so
    that it stays unreadable instead of being taken for a calendar year.
    """
    raw, identifier = _plain(texts["period_label"]), _plain(texts["indicator_id"])
    year = _year(raw)
    label, kind = raw, pl.lit(_UNDECLARED)
    for (year_type, years), identifiers in _declared_periods(file).items():
        declared = identifier.is_in(identifiers)
        built = label_from_first_year(year, year_type, years)
        label = pl.when(declared & year.is_not_null()).then(built).otherwise(label)
        kind = pl.when(declared).then(pl.lit(year_type)).otherwise(kind)
    return label, kind


def _year(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_YEAR)).then(text).cast(pl.Int64)


def _explained(frame: pl.LazyFrame, file: TableFile) -> pl.LazyFrame:
    """Say beside an unreadable year that nobody has declared what it means."""
    known = [identifier for identifiers in _declared_periods(file).values() for identifier in identifiers]
    undeclared = pl.col("period_label").is_not_null() & ~pl.col("indicator_id").is_in(known).fill_null(False)
    reason = pl.when(undeclared & pl.col("period_type").is_null()).then(pl.lit("the indicator has no declared period"))
    return _noted(frame, reason)


def _declared_periods(file: TableFile) -> dict[tuple[str, int], list[str]]:
    """Return kind of year and number of years, to the spellings of the indicators that have such periods."""
    declared: dict[tuple[str, int], list[str]] = {}
    for indicator in file.source.indicators:
        year_type = indicator.period.year_type or file.table.year_type or file.source.year_type
        if indicator.period.years is not None and year_type in _FINGERTIPS_YEARS:
            spellings = [indicator.id, *indicator.labels]
            if indicator.fingertips_id is not None:
                spellings.append(str(indicator.fingertips_id))
            declared.setdefault((year_type, indicator.period.years), []).extend(spellings)
    return declared


def _noted(frame: pl.LazyFrame, note: pl.Expr) -> pl.LazyFrame:
    """Add a text to the unreadable cells of the rows for which it is not null."""
    listed = pl.concat_str("unreadable_cells", note, separator="; ", ignore_nulls=True)
    return frame.with_columns(pl.when(listed != "").then(listed).alias("unreadable_cells"))
