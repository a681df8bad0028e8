"""What a source declares about itself, and the refusal of a declaration that is incomplete.

The shape of ``sources/<source_id>.yml`` belongs here; that of one table in it is in ``table_declaration``. Reading the
source's files does not.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Hashable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast

import polars as pl
import yaml
from pydantic import (
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from pipelines.acquire.disclosure_policy import DisclosurePolicy
from pipelines.acquire.landed_schema import DECLARABLE, NUMERIC, MarkerMeaning, Provides
from pipelines.acquire.period_labels import YearType
from pipelines.acquire.readers import READERS
from pipelines.acquire.table_declaration import Declared, Identifier, InsidePath, Table, Text, normal_label
from pipelines.problems import ConfigurationError

IndicatorId = Annotated[str, StringConstraints(pattern=r"^([0-9]+|[a-z][a-z0-9_]*\.[a-z0-9_]+)$")]
_COMPOSING: Final = ("tidy_table", "wide_table")


Cadence = Literal["monthly", "quarterly", "annual", "irregular", "once"]
CADENCE_MONTHS: Final[Mapping[str, int]] = {"monthly": 1, "quarterly": 3, "annual": 12}
"""Months between two releases of a publisher that keeps to a calendar; other cadences promise no next release."""
_GRACE_DAYS: Final[Mapping[str, int]] = {"monthly": 7, "quarterly": 21, "annual": 42, "irregular": 42, "once": 0}
# The shortest that so many months can be.
_CADENCE_DAYS: Final[Mapping[str, int]] = {"monthly": 28, "quarterly": 89, "annual": 365}
_CRON_FIELDS: Final = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))


class ReleaseCalendar(Declared):
    """How often the publisher releases, when the next release is expected, and how old served data may be.

    Attributes:
        cadence: How often a release is expected.
        stale_after_days: Days since the release after which data count as stale; None if they never do.
        lag_days: Days from the end of a period to its publication, of the slowest indicator that the source publishes
            regularly; None if unknown.
        next_release: Day of the next release that is not at hand, as announced or judged; later ones follow at the
            cadence. None only where the cadence promises none.
        grace_days: Days after that day on which a missing release is due and not yet late, and days before it on which
            a release counts as the expected one. By default 7 for a monthly cadence, 21 quarterly, 42 otherwise.
        poll: When a service is asked whether anything has changed, as cron text in London time; None for a source
            without a service.
    """

    cadence: Cadence
    stale_after_days: Annotated[int, Field(gt=0)] | None
    lag_days: Annotated[int, Field(ge=0, le=3660)] | None = None
    next_release: date | None = None
    grace_days: Annotated[int, Field(ge=0)] = 0
    poll: Text | None = None

    @property
    def months(self) -> int | None:
        """Months between two releases; None where the cadence promises none."""
        return CADENCE_MONTHS.get(self.cadence)

    @model_validator(mode="before")
    @classmethod
    def _grace_of_the_cadence(cls, given: object) -> object:
        if isinstance(given, dict) and "grace_days" not in given:
            named = cast("dict[str, object]", given)
            return {**named, "grace_days": _GRACE_DAYS.get(str(named.get("cadence")), 0)}
        return cast("object", given)

    @field_validator("poll")
    @classmethod
    def _is_cron(cls, poll: str | None) -> str | None:
        if poll is not None:
            _refuse_cron(poll)
        return poll

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.months is not None and self.next_release is None:
            raise ValueError(
                f"next_release: a source with the cadence {self.cadence} says when its next release is due"
            )
        if self.cadence == "once" and (self.next_release is not None or self.poll is not None):
            raise ValueError("next_release, poll: a source that is published once has no next release to wait for")
        interval = _CADENCE_DAYS.get(self.cadence)
        if interval is not None:
            if 2 * self.grace_days >= interval:
                raise ValueError(
                    f"grace_days: {self.grace_days} is half of the {interval} days between two releases or more, so "
                    "nobody could tell which of them has come"
                )
            if self.stale_after_days is not None and self.stale_after_days < interval:
                raise ValueError(
                    f"stale_after_days: {self.stale_after_days} is less than the {interval} days between two releases, "
                    "so data would go stale before the publisher means to replace them"
                )
        return self


def _refuse_cron(text: str) -> None:
    """Refuse what is no cron text of five fields, or asks more often than once an hour.

    Raises:
        ValueError: The text cannot be meant.
    """
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise ValueError(f"{text!r} is no cron text: minute, hour, day, month and weekday, with spaces between them")
    if not fields[0].isdecimal():
        raise ValueError(f"{text!r} asks more often than once an hour; the first field, the minute, is one number")
    for given, (name, low, high) in zip(fields, _CRON_FIELDS, strict=True):
        for part in given.split(","):
            found = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
            numbers = [int(number) for number in found.groups()[:2] if number] if found else [-1]
            if found is None or numbers != sorted(numbers) or any(not low <= one <= high for one in numbers):
                raise ValueError(f"{text!r}: {part!r} is no {name} from {low} to {high}")
            if found[3] == "0":
                raise ValueError(f"{text!r}: {part!r} has a step of 0")


class Gate(Declared):
    """Limits of the source's gates that are not expectations.

    The others bound what may change from one release of this warehouse to the next without a reason that a passport or
    an approval gives: beyond a share, and from a number on, so that a single figure of a small source never blocks.

    Attributes:
        max_quarantined_share: Share of the rows (0 to 1) above which quarantining becomes a refusal.
        max_changed_share: Share of the values that both releases have, above which changes of more than 5 % block.
        max_lost_share: Share of the values before, above which values that are gone block.
        max_lost_areas_share: Share of the areas before, above which areas without any value left block.
        max_status_share: Share of the judged commitments before, above which other statuses block, unless new data or
            the passing of a deadline explain them.
        min_values: Values from which on changed and lost ones block.
        min_statuses: Statuses from which on changed ones block.
    """

    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    max_changed_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    max_lost_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    max_lost_areas_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    max_status_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    min_values: Annotated[int, Field(ge=1)] = 10
    min_statuses: Annotated[int, Field(ge=1)] = 3


class IndicatorPeriod(Declared):
    """How the labels of one indicator's periods are meant, where a file mixes indicators that mean them differently.

    Attributes:
        year_type: Meaning of labels such as 2014/15; None for the table's.
        years: Years that a period covers, where the label names only the first or the last; None if the label tells.
    """

    year_type: YearType | None = None
    years: Annotated[int, Field(gt=0)] | None = None


class Indicator(Declared):
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
        typical_minimum: Smallest value that is plausible, inside the possible ones; None if nobody has said.
        typical_maximum: Largest value that is plausible.
        decimals: Decimal places for display.
        ci_method: How the publisher computes the limits, in words; None if it publishes none. Limits are computed from
            counts only where it is ``wilson``, ``byar`` or None.
        count_rounding: Multiple to which the publisher rounds counts against disclosure; None if it does not. Printed
            limits belong to the count before rounding.
        aggregation: How to combine areas: sum_counts (sum numerators and denominators), sum (sum the values) or
            not_additive.
        definition: What is counted, of whom, in one or two sentences.
        period: How the labels of its periods are meant, where that differs from the table's.
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
    typical_minimum: float | None = None
    typical_maximum: float | None = None
    decimals: Annotated[int, Field(ge=0, le=6)]
    ci_method: Text | None
    count_rounding: Annotated[int, Field(gt=1)] | None = None
    aggregation: Literal["sum_counts", "not_additive", "sum"]
    definition: Text
    period: IndicatorPeriod = IndicatorPeriod()

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        for low, high in (("minimum", "maximum"), ("typical_minimum", "typical_maximum")):
            lower, upper = getattr(self, low), getattr(self, high)
            if lower is not None and upper is not None and lower >= upper:
                raise ValueError(f"{low} must be below {high}")
        for outer, inner in ((self.minimum, self.typical_minimum), (self.typical_maximum, self.maximum)):
            if outer is not None and inner is not None and outer > inner:
                raise ValueError("typical_minimum and typical_maximum must lie within minimum and maximum")
        return self


class Source(Declared):
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
        markers: Texts that stand for "no value" and what each means.
        companions: Globs for the files of a release that describe others and are not landed themselves.
        year_type: Meaning of labels such as 2014/15.
        columns: Publisher's header to landed column. For ``fingertips_csv`` the spellings of all header generations.
        optional_columns: Landed columns that a file may lack.
        ignored_columns: Publisher's headers that are not landed.
        period_columns: For ``wide_table``, the pattern of the headers that are periods.
        indicator_column: For ``wide_table``, the header that names the indicator, if rows differ in it.
        tables: Its tables.
        indicators: Its indicators.
        disclosure: What the public edition withholds of it; every source decides.
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
    markers: dict[str, MarkerMeaning] = Field(default_factory=dict[str, MarkerMeaning])
    companions: tuple[InsidePath, ...] = ()
    year_type: YearType
    columns: dict[str, Text] = Field(default_factory=dict[str, Text])
    optional_columns: tuple[Text, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    period_columns: Text | None = None
    indicator_column: Text | None = None
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]
    indicators: tuple[Indicator, ...] = ()
    disclosure: DisclosurePolicy
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
        named = [(f"columns.{header}", name) for header, name in self.columns.items()]
        named += ((f"optional_columns.{name}", name) for name in self.optional_columns)
        for table in self.tables:
            named += ((f"tables.{table.id}.{where}", name) for where, name in table.named())
        for where, name in named:
            if name not in allowed:
                yield f"{where}: {name!r} is not a landed column of {self.provides}"
        for table in self.tables:
            for name in sorted({*table.percentages} - NUMERIC):
                yield f"tables.{table.id}.percentages: {name!r} is not a landed number"
            for name in sorted({*table.lookups} & NUMERIC):
                yield f"tables.{table.id}.lookups.{name}: a number cannot be looked up"

    def _filled_twice(self) -> Iterator[str]:
        for table in self.tables:
            from_text = {*self.columns_of(table).values(), *table.composed, *table.constants, *table.parse.fills}
            if self.reader_of(table) == "wide_table":
                from_text |= {"period_label", "value"}
                if self.indicator_column_of(table):
                    from_text.add("indicator_name")
            ways = [
                *set(self.columns_of(table).values()),
                *table.composed,
                *table.constants,
                *table.parse.fills,
                *(name for name, lookup in table.lookups.items() if name not in lookup.columns),
            ]
            if table.category_type_when_category is not None:
                ways.append("category_type")
            for name in sorted({name for name in ways if ways.count(name) > 1}):
                yield f"tables.{table.id}: {name} is filled in two ways; keep one of columns, constants and lookups"
            for name, lookup in table.lookups.items():
                for column in lookup.columns:
                    if column not in from_text:
                        yield f"tables.{table.id}.lookups.{name}: nothing fills {column}"

    def _format_problems(self) -> Iterator[str]:
        used = {self.reader: "reader"} | {
            table.reader: f"tables.{table.id}.reader" for table in self.tables if table.reader
        }
        for reader, where in used.items():
            if reader not in READERS:
                yield f"{where}: {reader!r} is not one of {', '.join(sorted(READERS))}"
        for encoding in dict.fromkeys((self.encoding, *(table.encoding for table in self.tables if table.encoding))):
            try:
                codecs.lookup(encoding)
            except LookupError:
                yield f"encoding: {encoding!r} is not a text encoding"
        for table in self.tables:
            if table.composed and self.reader_of(table) not in _COMPOSING:
                yield f"tables.{table.id}.composed: only the readers {', '.join(_COMPOSING)} compose columns"
        yield from self._wide_problems()
        if self.provides == "indicator_values" and not self.indicators:
            yield "indicators: a source of indicator values names at least one indicator"

    def _wide_problems(self) -> Iterator[str]:
        wide = [table for table in self.tables if self.reader_of(table) == "wide_table"]
        if any(self.period_columns_of(table) is None for table in wide):
            yield "period_columns: the wide_table reader needs the pattern of its period headers"
        if not wide and (self.period_columns or self.indicator_column):
            yield "period_columns, indicator_column: only the wide_table reader uses them"
        for table in self.tables:
            if table not in wide and (table.period_columns or table.indicator_column):
                yield f"tables.{table.id}.period_columns, indicator_column: only the wide_table reader uses them"
        for pattern in dict.fromkeys((self.period_columns, *(table.period_columns for table in self.tables))):
            try:
                re.compile(pattern or "")
            except re.error as error:
                yield f"period_columns: not a regular expression ({error})"

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
        return {header: landed for header, landed in {**self.columns, **table.columns}.items() if landed is not None}

    def optional_of(self, table: Table) -> frozenset[str]:
        """Return the landed columns that a file of one table may lack."""
        return frozenset((*self.optional_columns, *table.optional_columns))

    def markers_of(self, table: Table) -> dict[str, MarkerMeaning]:
        """Return the texts of one table that stand for "no value": the source's, overridden by the table's."""
        return {**self.markers, **table.markers}

    def reader_of(self, table: Table) -> str:
        """Return the name of the reader of one table."""
        return table.reader or self.reader

    def encoding_of(self, table: Table) -> str:
        """Return the text encoding of one table."""
        return table.encoding or self.encoding

    def period_columns_of(self, table: Table) -> str | None:
        """Return the pattern of the period headers of one table."""
        return table.period_columns or self.period_columns

    def indicator_column_of(self, table: Table) -> str | None:
        """Return the header that names the indicator of one table."""
        return table.indicator_column or self.indicator_column

    def ignored_of(self, table: Table) -> frozenset[str]:
        """Return the headers that one table may have without landing them."""
        return frozenset((*self.ignored_columns, *table.ignored_columns))


# With libyaml the declarations are read in 0.1 s instead of 0.7 s, which is time that a person waits for.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_Loader):
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
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
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
    "typical_minimum": pl.Float64(),
    "typical_maximum": pl.Float64(),
    "decimals": pl.Int32(),
    "ci_method": pl.String(),
    "count_rounding": pl.Int32(),
    "aggregation": pl.String(),
    "definition": pl.String(),
    "period_year_type": pl.String(),
    "period_years": pl.Int32(),
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
    "lag_days": pl.Int64(),
    "next_release": pl.Date(),
    "grace_days": pl.Int64(),
    "poll": pl.String(),
    "provides": pl.String(),
    "max_changed_share": pl.Float64(),
    "max_lost_share": pl.Float64(),
    "max_lost_areas_share": pl.Float64(),
    "max_status_share": pl.Float64(),
    "min_values": pl.Int64(),
    "min_statuses": pl.Int64(),
}


def write_registry(sources: Mapping[str, Source], folder: Path) -> None:
    """Write the declarations as Parquet, for the gate and the model.

    Args:
        sources: Source id to declaration.
        folder: Receives ``indicators.parquet`` (one row an indicator: ``source_id`` and every field of
            :class:`Indicator`, those of ``period`` as ``period_year_type`` and ``period_years``) and
            ``sources.parquet`` (one row a source), each with fixed column types.
    """
    folder.mkdir(parents=True, exist_ok=True)
    indicators = [
        {
            "source_id": source.id,
            **indicator.model_dump(exclude={"period"}),
            **{f"period_{key}": value for key, value in indicator.period.model_dump().items()},
        }
        for source in sources.values()
        for indicator in source.indicators
    ]
    rows = [
        {
            **{key: getattr(source, key) for key in _SOURCE_TYPES if key in Source.model_fields},
            **source.release_calendar.model_dump(),
            **source.gate.model_dump(exclude={"max_quarantined_share"}),
        }
        for source in sources.values()
    ]
    for name, records, types in (("indicators", indicators, _INDICATOR_TYPES), ("sources", rows, _SOURCE_TYPES)):
        partial = folder / f".{name}.parquet.partial"
        pl.DataFrame(records, schema=types).write_parquet(partial)
        partial.replace(folder / f"{name}.parquet")
