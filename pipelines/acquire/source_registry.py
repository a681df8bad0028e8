"""What a source declares about itself, and the refusal of a declaration that is incomplete.

The shape of ``sources/<source_id>.yml`` belongs here. Reading the source's files does not.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast

import polars as pl
import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from pipelines.acquire.landed_schema import DECLARABLE, Provides
from pipelines.acquire.period_labels import YearType
from pipelines.acquire.readers import READERS
from pipelines.problems import ConfigurationError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
IndicatorId = Annotated[str, StringConstraints(pattern=r"^([0-9]+|[a-z][a-z0-9_]*\.[a-z0-9_]+)$")]


class _Declared(BaseModel):
    """Settings shared by every part of a declaration: an unknown key is an error, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReleaseCalendar(_Declared):
    """How often the publisher releases, and how old served data may be before they are called stale.

    Attributes:
        cadence: How often a release is expected.
        stale_after_days: Days since the release after which data count as stale; None if they never do.
    """

    cadence: Literal["monthly", "quarterly", "annual", "irregular", "once"]
    stale_after_days: Annotated[int, Field(gt=0)] | None


class Gate(_Declared):
    """Limits of the source's gate that are not expectations.

    Attributes:
        max_quarantined_share: Share of the rows (0 to 1) above which quarantining becomes a refusal.
    """

    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = 0.2


class Indicator(_Declared):
    """One indicator that the source publishes.

    Attributes:
        id: The bare number for Fingertips, otherwise ``<source_id>.<name>``.
        name: Name for readers.
        labels: The publisher's spellings, where rows are recognised by name; runs of whitespace count as one space.
        fingertips_id: The Fingertips indicator that carries the same figures, if there is one.
        value_type: What kind of number it is; chooses the methods of later stages.
        unit: Unit in words.
        multiplier: Population that a value refers to: 100 for per cent, 100000 for a rate per 100,000, otherwise 1.
        polarity: Which direction is good, from public health practice.
        minimum: Smallest value that is possible, in units of the value; None if there is no bound.
        maximum: Largest value that is possible.
        decimals: Decimal places for display.
        ci_method: How the publisher computes the limits, in words; None if it publishes none.
        comparator_method: How the publisher compares areas, in words; None if it does not.
        aggregation: How to combine areas: sum_counts (sum numerators and denominators), sum (sum the values) or
            not_additive.
        definition: What is counted, of whom, in one or two sentences.
    """

    id: IndicatorId
    name: Text
    labels: tuple[Text, ...] = ()
    fingertips_id: Annotated[int, Field(gt=0)] | None = None
    value_type: Literal[
        "proportion",
        "crude_rate",
        "directly_standardised_rate",
        "life_expectancy",
        "slope_index_of_inequality",
        "score",
        "count",
    ]
    unit: Text
    multiplier: Literal[1, 100, 1000, 10000, 100000]
    polarity: Literal["high_is_good", "low_is_good", "no_judgement"]
    minimum: float | None
    maximum: float | None
    decimals: Annotated[int, Field(ge=0, le=6)]
    ci_method: Text | None
    comparator_method: Text | None
    aggregation: Literal["sum_counts", "not_additive", "sum"]
    definition: Text

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        return self


class Lookup(_Declared):
    """Codes for a column whose source gives names only.

    Attributes:
        column: Landed column that holds the name.
        values: Code for each name; a name that is missing here makes the cell unreadable.
    """

    column: Text
    values: Annotated[dict[str, Text], Field(min_length=1)]


class Table(_Declared):
    """One table of the source: the files that match a pattern, in every release.

    Attributes:
        id: Name of the table, unique in the source.
        file: Glob for the file name inside the release folder.
        columns: Publisher's header to landed column, over and above the source's ``columns``.
        constants: Landed column to text, for what the file leaves to its title.
        ignored_columns: Publisher's headers that are not landed.
        year_type: Meaning of labels such as 2014/15, where it differs from the source's.
        category_type_when_category: Text for ``category_type`` in the rows that have a category.
        thousands_separator: ``,`` if numbers may be written 237,354.
        lookups: Landed column to the names and codes that fill it.
    """

    id: Identifier
    file: Text
    columns: dict[str, Text] = {}
    constants: dict[str, Text] = {}
    ignored_columns: tuple[str, ...] = ()
    year_type: YearType | None = None
    category_type_when_category: Text | None = None
    thousands_separator: Literal[","] | None = None
    lookups: dict[str, Lookup] = {}


class Source(_Declared):
    """A source declaration.

    Attributes:
        id: Name of the source and of its file.
        title: Title for readers.
        publisher: Who publishes the figures.
        licence: Licence that allows their use.
        owner: Role that answers for the source here.
        homepage: Where a person finds the publication; None if it has no page.
        provides: Shape of the landed table.
        reader: Name of the reader of its format.
        release_calendar: When releases come and when data are stale.
        encoding: Text encoding of its files.
        missing_markers: Texts that stand for "no value".
        year_type: Meaning of labels such as 2014/15.
        columns: Publisher's header to landed column. For ``fingertips_csv`` the spellings of all header generations.
        optional_columns: Landed columns that a file may lack.
        ignored_columns: Publisher's headers that are not landed.
        period_columns: For ``wide_table``, the pattern of the headers that are periods.
        indicator_column: For ``wide_table``, the header that names the indicator, if rows differ in it.
        tables: Its tables.
        indicators: Its indicators.
        gate: Limits of its gate.
    """

    id: Identifier
    title: Text
    publisher: Text
    licence: Text
    owner: Text
    homepage: Text | None
    provides: Provides
    reader: Text
    release_calendar: ReleaseCalendar
    encoding: Text = "utf-8"
    missing_markers: tuple[Text, ...] = ()
    year_type: YearType
    columns: dict[str, Text] = {}
    optional_columns: tuple[Text, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    period_columns: Text | None = None
    indicator_column: Text | None = None
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]
    indicators: tuple[Indicator, ...] = ()
    gate: Gate = Gate()

    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """SHA-256 of the declaration's bytes, as hex: part of what identifies a load."""
        return self._digest

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._undeclarable(), *self._filled_twice(), *self._format_problems(), *self._repeated()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _undeclarable(self) -> Iterator[str]:
        allowed = DECLARABLE[self.provides]

        def unknown(where: str, names: Mapping[str, str] | tuple[str, ...]) -> Iterator[str]:
            pairs = names.items() if isinstance(names, Mapping) else ((name, name) for name in names)
            for key, name in pairs:
                if name not in allowed:
                    yield f"{where}.{key}: {name!r} is not a landed column of {self.provides}"

        yield from unknown("columns", self.columns)
        yield from unknown("optional_columns", self.optional_columns)
        for table in self.tables:
            where = f"tables.{table.id}"
            yield from unknown(f"{where}.columns", table.columns)
            yield from unknown(f"{where}.constants", {key: key for key in table.constants})
            yield from unknown(f"{where}.lookups", {key: key for key in table.lookups})
            yield from unknown(f"{where}.lookups", {key: lookup.column for key, lookup in table.lookups.items()})

    def _filled_twice(self) -> Iterator[str]:
        for table in self.tables:
            from_header = set(self.columns_of(table).values())
            ways = [*from_header, *table.constants, *table.lookups]
            if table.category_type_when_category is not None:
                ways.append("category_type")
            for name in sorted({name for name in ways if ways.count(name) > 1}):
                yield f"tables.{table.id}: {name} is filled in two ways; keep one of columns, constants and lookups"
            for name, lookup in table.lookups.items():
                if lookup.column not in from_header and lookup.column not in table.constants:
                    yield f"tables.{table.id}.lookups.{name}: nothing fills {lookup.column}"

    def _format_problems(self) -> Iterator[str]:
        if self.reader not in READERS:
            yield f"reader: {self.reader!r} is not one of {', '.join(sorted(READERS))}"
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            yield f"encoding: {self.encoding!r} is not a text encoding"
        if self.reader == "wide_table" and self.period_columns is None:
            yield "period_columns: the wide_table reader needs the pattern of its period headers"
        if self.reader != "wide_table" and (self.period_columns or self.indicator_column):
            yield "period_columns, indicator_column: only the wide_table reader uses them"
        if self.period_columns is not None:
            try:
                re.compile(self.period_columns)
            except re.error as error:
                yield f"period_columns: not a regular expression ({error})"
        if self.provides == "indicator_values" and not self.indicators:
            yield "indicators: a source of indicator values names at least one indicator"

    def _repeated(self) -> Iterator[str]:
        for what, names in (
            ("tables", [table.id for table in self.tables]),
            ("indicators", [indicator.id for indicator in self.indicators]),
            ("indicators.labels", [normal_label(label) for one in self.indicators for label in one.labels]),
        ):
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"{what}: {name!r} is declared twice"

    def columns_of(self, table: Table) -> dict[str, str]:
        """Return publisher's header to landed column for one table: the source's, overridden by the table's."""
        return {**self.columns, **table.columns}

    def ignored_of(self, table: Table) -> frozenset[str]:
        """Return the headers that one table may have without landing them."""
        return frozenset((*self.ignored_columns, *table.ignored_columns))


def normal_label(text: str) -> str:
    """Return an indicator name with every run of whitespace, no-break spaces included, as one space."""
    return " ".join(text.split())


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping from keys that are all different."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = cast("Hashable", self.construct_object(key_node, deep=True))
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> object:
    """Read one YAML file without silent overrides.

    Args:
        path: A UTF-8 YAML file with one document.

    Returns:
        What the document holds.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or repeats a key.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path.name}: cannot be read as YAML: {error}") from error


def validation_lines(error: ValidationError) -> list[str]:
    """Return ``key: message`` for every fault that pydantic found, without those that only follow from another."""
    faults = error.errors(include_url=False)
    places = [fault["loc"] for fault in faults]
    return [
        f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
        for fault in faults
        # A list whose one item is wrong is also reported as too short.
        if fault["type"] != "too_short" or not any(place[:-1][: len(fault["loc"])] == fault["loc"] for place in places)
    ]


def load_source(path: Path) -> Source:
    """Read one source declaration.

    Args:
        path: ``<source_id>.yml``.

    Returns:
        The declaration.

    Raises:
        ConfigurationError: The file is not a complete declaration; the message names the file and each wrong key.
    """
    content = read_yaml(path)
    try:
        source = Source.model_validate(content)
    except ValidationError as error:
        lines = "\n".join(f"  {path.name}: {line}" for line in validation_lines(error))
        raise ConfigurationError(f"{path.name} is not a source declaration:\n{lines}") from error
    if source.id != path.stem:
        raise ConfigurationError(f"{path.name}: id: {source.id!r} must be the name of the file, {path.stem!r}")
    source._digest = hashlib.sha256(path.read_bytes()).hexdigest()  # pyright: ignore[reportPrivateUsage]
    return source


def load_sources(folder: Path) -> dict[str, Source]:
    """Read every source declaration of a folder.

    Args:
        folder: Folder with one YAML file a source.

    Returns:
        Source id to declaration, sorted by id.

    Raises:
        ConfigurationError: A declaration is wrong, two sources define one indicator, or there is none at all.
    """
    sources: dict[str, Source] = {}
    defined: dict[str, str] = {}
    for path in sorted(folder.glob("*.yml")):
        source = load_source(path)
        for indicator in source.indicators:
            other = defined.setdefault(indicator.id, path.name)
            if other != path.name:
                raise ConfigurationError(
                    f"{path.name}: indicators: {indicator.id!r} is already defined in {other}; "
                    "an indicator belongs to one source"
                )
        sources[source.id] = source
    if not sources:
        raise ConfigurationError(f"{folder} holds no source declaration (*.yml)")
    return sources


_INDICATOR_TYPES: Final[dict[str, pl.DataType]] = {
    "source_id": pl.String(),
    "id": pl.String(),
    "name": pl.String(),
    "labels": pl.List(pl.String()),
    "fingertips_id": pl.Int64(),
    "value_type": pl.String(),
    "unit": pl.String(),
    "multiplier": pl.Int64(),
    "polarity": pl.String(),
    "minimum": pl.Float64(),
    "maximum": pl.Float64(),
    "decimals": pl.Int32(),
    "ci_method": pl.String(),
    "comparator_method": pl.String(),
    "aggregation": pl.String(),
    "definition": pl.String(),
}
_SOURCE_TYPES: Final[dict[str, pl.DataType]] = {
    "id": pl.String(),
    "title": pl.String(),
    "publisher": pl.String(),
    "licence": pl.String(),
    "owner": pl.String(),
    "homepage": pl.String(),
    "cadence": pl.String(),
    "stale_after_days": pl.Int64(),
    "provides": pl.String(),
}


def write_registry(sources: Mapping[str, Source], folder: Path) -> None:
    """Write the declarations as Parquet, for the gate and the model.

    Args:
        sources: Source id to declaration.
        folder: Receives ``indicators.parquet`` (one row an indicator: ``source_id`` and every field of
            :class:`Indicator`) and ``sources.parquet`` (one row a source), each with fixed column types.
    """
    folder.mkdir(parents=True, exist_ok=True)
    indicators = [
        {"source_id": source.id, **indicator.model_dump()}
        for source in sources.values()
        for indicator in source.indicators
    ]
    rows = [
        {
            **{key: getattr(source, key) for key in _SOURCE_TYPES if key not in ("cadence", "stale_after_days")},
            **source.release_calendar.model_dump(),
        }
        for source in sources.values()
    ]
    for name, records, types in (("indicators", indicators, _INDICATOR_TYPES), ("sources", rows, _SOURCE_TYPES)):
        partial = folder / f".{name}.parquet.partial"
        pl.DataFrame(records, schema=types).write_parquet(partial)
        partial.replace(folder / f"{name}.parquet")
