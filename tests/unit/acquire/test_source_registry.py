"""What a declaration must say, and the tables made of all declarations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
import yaml

from pipelines.acquire.landed_schema import DECLARABLE, LANDED, PROVENANCE
from pipelines.acquire.source_registry import ReleaseCalendar, load_source, load_sources, write_registry
from pipelines.problems import ConfigurationError

SOURCES = Path(__file__).resolve().parents[3] / "pipelines" / "acquire" / "sources"
Declaration = dict[str, Any]


def save(folder: Path, declaration: Declaration, name: str = "example") -> Path:
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(declaration), encoding="utf-8")
    return path


def without(key: str) -> Callable[[Declaration], object]:
    return lambda declaration: declaration.pop(key)


def with_(**changes: Any) -> Callable[[Declaration], object]:
    return lambda declaration: declaration.update(changes)


def table(**changes: Any) -> Callable[[Declaration], object]:
    return lambda declaration: declaration["tables"][0].update(changes)


def indicator(**changes: Any) -> Callable[[Declaration], object]:
    return lambda declaration: declaration["indicators"][0].update(changes)


def calendar(**changes: Any) -> Callable[[Declaration], object]:
    return lambda declaration: declaration["release_calendar"].update(changes)


def disclosure(**changes: Any) -> Callable[[Declaration], object]:
    return lambda declaration: declaration["disclosure"].update(changes)


def twice(key: str) -> Callable[[Declaration], object]:
    return lambda declaration: declaration[key].append(declaration[key][0])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("licence"), "licence: Field required"),
        (without("owner"), "owner: Field required"),
        (without("release_calendar"), "release_calendar: Field required"),
        (without("disclosure"), "disclosure: Field required"),
        (disclosure(min_count=None), "min_count: needed for threshold and round"),
        (disclosure(min_count=2), "disclosure.min_count: Input should be greater than or equal to 3"),
        (disclosure(method="none"), "min_count: needed for threshold and round, and empty (null) for none"),
        (disclosure(method="round"), "round_to: needed for round"),
        (disclosure(round_to=5), "round_to: needed for round"),
        (disclosure(secondary=False), "a threshold without it can be undone by subtraction"),
        (disclosure(levels=[]), "disclosure.levels"),
        (disclosure(levels="national"), "disclosure.levels"),
        (disclosure(threshold=5), "disclosure.threshold: Extra inputs are not permitted"),
        (with_(licence=" "), "licence: String should have at least 1 character"),
        (with_(release_calendar={"cadence": "annual"}), "release_calendar.stale_after_days: Field required"),
        (calendar(next_release=None), "a source with the cadence annual says when its next release is due"),
        (calendar(next_release="soon"), "release_calendar.next_release: Input should be a valid date"),
        (calendar(cadence="weekly"), "release_calendar.cadence: Input should be 'monthly', 'quarterly'"),
        (calendar(cadence="once"), "a source that is published once has no next release to wait for"),
        (calendar(cadence="once", next_release=None, poll="0 7 * * *"), "published once has no next release"),
        (calendar(lag_days=-1), "release_calendar.lag_days: Input should be greater than or equal to 0"),
        (calendar(grace_days=-1), "release_calendar.grace_days: Input should be greater than or equal to 0"),
        (calendar(grace_days=183), "nobody could tell which of them has come"),
        (calendar(stale_after_days=364), "is less than the 365 days between two releases"),
        (calendar(poll="0 7 * *"), "'0 7 * *' is no cron text"),
        (calendar(poll="* 7 * * *"), "asks more often than once an hour"),
        (calendar(poll="*/5 * * * *"), "asks more often than once an hour"),
        (calendar(poll="0 24 * * *"), "'24' is no hour from 0 to 23"),
        (calendar(poll="60 7 * * *"), "'60' is no minute from 0 to 59"),
        (calendar(poll="0 9-7 * * *"), "'9-7' is no hour from 0 to 23"),
        (calendar(poll="0 */0 * * *"), "has a step of 0"),
        (calendar(poll="0 7 * * mon"), "'mon' is no weekday from 0 to 7"),
        (with_(polarity="good"), "polarity: Extra inputs are not permitted"),
        (with_(reader="tidy"), "'tidy' is not one of fingertips_csv, "),
        (with_(encoding="utf-99"), "'utf-99' is not a text encoding"),
        (with_(columns={"Wert": "wert"}), "columns.Wert: 'wert' is not a landed column of indicator_values"),
        (with_(columns={"Row": "source_row_number"}), "columns.Row: 'source_row_number' is not a landed column"),
        (with_(optional_columns=["range"]), "optional_columns.range: 'range' is not a landed column"),
        (with_(period_columns="[0-9]+"), "only the wide_table reader uses them"),
        (with_(reader="wide_table"), "the wide_table reader needs the pattern"),
        (with_(reader="wide_table", period_columns="("), "period_columns: not a regular expression"),
        (with_(indicators=[]), "names at least one indicator"),
        (with_(tables=[]), "tables: Tuple should have at least 1 item"),
        (with_(id="other"), "id: 'other' must be the name of the file, 'example'"),
        (with_(gate={"max_quarantined_share": 2}), "gate.max_quarantined_share"),
        (table(constants={"wert": "1"}), "tables.values.constants.wert: 'wert' is not a landed column"),
        (table(constants={"area_code": "E1"}), "tables.values: area_code is filled in two ways"),
        (
            table(lookups={"parent_code": {"column": "area_name", "values": {"North": "N"}}}),
            "tables.values.lookups.parent_code: nothing fills area_name",
        ),
        (twice("tables"), "tables: 'values' is declared twice"),
        (twice("indicators"), "indicators: 'example.one' is declared twice"),
        (indicator(labels=["One two", "One\u00a0 two"]), "indicators.labels: 'One two' is declared twice"),
        (indicator(id=91547), "indicators.0.id: Input should be a valid string"),
        (indicator(polarity="good"), "indicators.0.polarity: Input should be 'high_is_good'"),
        (indicator(multiplier=7), "indicators.0.multiplier"),
        (indicator(minimum=100, maximum=0), "minimum must be below maximum"),
        (indicator(typical_minimum=9, typical_maximum=8), "typical_minimum must be below typical_maximum"),
        (indicator(typical_maximum=101), "must lie within minimum and maximum"),
        (indicator(period={"years": 0}), "indicators.0.period.years"),
        (with_(markers={"*": "hidden"}), "markers.*: Input should be 'missing', 'suppressed'"),
        (table(reader="tidy"), "tables.values.reader: 'tidy' is not one of"),
        (table(encoding="utf-99"), "'utf-99' is not a text encoding"),
        (table(reader="wide_table"), "the wide_table reader needs the pattern"),
        (table(period_columns="[0-9]+"), "tables.values.period_columns, indicator_column: only the wide_table reader"),
        (table(reader="fingertips_csv", composed={"sex": "{a}"}), "tables.values.composed: only the readers"),
        (table(percentages=["sex"]), "tables.values.percentages: 'sex' is not a landed number"),
        (table(columns={"Wert": "wert"}), "tables.values.columns.Wert: 'wert' is not a landed column"),
        (table(composed={"area_code": "{a}"}), "tables.values: area_code is filled in two ways"),
        (table(parse={"preamble": {"area_code": "Area:"}}), "tables.values: area_code is filled in two ways"),
        (table(parse={"preamble": {"wert": "Area:"}}), "tables.values.parse.preamble.wert: 'wert' is not a landed"),
        (table(parse={"header_notes": "["}), "header_notes: not a regular expression"),
        (table(parse={"untill": "blank"}), "parse.untill: Extra inputs are not permitted"),
        (
            table(parse={"metadata": {"file": "m.csv", "listed_in": "data", "columns": {"geo": "geo"}}}),
            "tables.values.parse.metadata.columns.geo: 'geo' is not a landed column",
        ),
        (table(lookups={"value": {"column": "area_code", "values": {"a": "1"}}}), "a number cannot be looked up"),
        (table(lookups={"sex": {"column": "area_code"}}), "values: name at least one text"),
        (
            table(lookups={"sex": {"column": ["area_code", "indicator_id"], "values": {"a": "b"}}}),
            "values: as many levels as there are columns",
        ),
        (
            table(lookups={"sex": {"column": ["area_code", "age"], "values": {"a": {"b": "c"}}}}),
            "tables.values.lookups.sex: nothing fills age",
        ),
        (table(lookups={"sex": {"column": "area_code", "patterns": {"(": "c"}}}), "patterns: not a regular expression"),
    ],
)
def test_an_incomplete_declaration_is_refused_by_file_and_key(
    tmp_path: Path, declaration: Declaration, spoil: Callable[[Declaration], object], said: str
) -> None:
    spoil(declaration)
    with pytest.raises(ConfigurationError) as error:
        load_source(save(tmp_path, declaration))
    assert said in str(error.value)
    assert "example.yml" in str(error.value)


@pytest.mark.parametrize(
    ("cadence", "days"), [("monthly", 7), ("quarterly", 21), ("annual", 42), ("irregular", 42), ("once", 0)]
)
def test_a_late_release_has_the_grace_of_its_cadence(cadence: Literal["monthly"], days: int) -> None:
    due = None if cadence == "once" else date(2026, 9, 24)
    assert ReleaseCalendar(cadence=cadence, stale_after_days=None, next_release=due).grace_days == days
    if due:
        one = ReleaseCalendar(cadence=cadence, stale_after_days=None, next_release=due, grace_days=3)
        assert one.grace_days == 3


@pytest.mark.parametrize("poll", ["20 7,13 * * 1-5", "0 */2 * * *", "5 6-20/2 1 1-6 0"])
def test_the_hours_of_a_poll_are_cron_text(tmp_path: Path, declaration: Declaration, poll: str) -> None:
    declaration["release_calendar"]["poll"] = poll
    assert load_source(save(tmp_path, declaration)).release_calendar.poll == poll


def test_a_key_given_twice_is_refused(tmp_path: Path, declaration: Declaration) -> None:
    path = save(tmp_path, declaration)
    path.write_text(path.read_text(encoding="utf-8") + "\nowner: Somebody else\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"example\.yml.*\n?.*'owner' is given twice"):
        load_source(path)


def test_an_indicator_belongs_to_one_source(tmp_path: Path, declaration: Declaration) -> None:
    save(tmp_path, declaration)
    save(tmp_path, {**declaration, "id": "later"}, "later")
    with pytest.raises(ConfigurationError, match=r"later\.yml.*'example\.one' is already defined in example\.yml"):
        load_sources(tmp_path)


def test_an_empty_folder_is_no_registry(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no source declaration"):
        load_sources(tmp_path)


def test_the_declarations_of_this_project_load_sorted() -> None:
    sources = load_sources(SOURCES)
    assert list(sources) == sorted(path.stem for path in SOURCES.glob("*.yml"))
    assert {"fingertips", "trafford_jsna", "ukhsa_bacteraemia"} <= set(sources)
    for source in sources.values():
        declared = {one.id for one in source.indicators}
        constant = {one.constants["indicator_id"] for one in source.tables if "indicator_id" in one.constants}
        assert constant <= declared, source.id


def test_the_digest_changes_with_the_bytes(tmp_path: Path, declaration: Declaration) -> None:
    path = save(tmp_path, declaration)
    before = load_source(path).digest
    path.write_text(path.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert load_source(path).digest != before


def test_the_registry_holds_every_field(tmp_path: Path) -> None:
    sources = load_sources(SOURCES)
    write_registry(sources, tmp_path)
    indicators = pl.read_parquet(tmp_path / "indicators.parquet")
    assert indicators.height == sum(len(source.indicators) for source in sources.values())
    assert indicators.filter(id="ukhsa_bacteraemia.mrsa").row(0, named=True) == {
        "source_id": "ukhsa_bacteraemia",
        **sources["ukhsa_bacteraemia"].indicators[3].model_dump(exclude={"period"}),
        "labels": ["Methicillin-resistant Staphylococcus aureus (MRSA)"],
        "period_year_type": None,
        "period_years": None,
    }
    rows = pl.read_parquet(tmp_path / "sources.parquet")
    neighbours = rows.filter(id="trafford_neighbours")
    assert neighbours.select("id", "cadence", "stale_after_days", "provides").row(0) == (
        "trafford_neighbours",
        "irregular",
        None,
        "neighbour_sets",
    )
    for source in sources.values():
        row = rows.filter(id=source.id).row(0, named=True)
        calendar = source.release_calendar.model_dump()
        assert {key: row[key] for key in calendar} == calendar


def test_an_empty_registry_has_the_same_types(tmp_path: Path) -> None:
    write_registry(load_sources(SOURCES), tmp_path / "full")
    write_registry({}, tmp_path / "empty")
    for name in ("indicators", "sources"):
        empty = pl.read_parquet(tmp_path / "empty" / f"{name}.parquet")
        assert empty.height == 0
        assert empty.schema == pl.read_parquet(tmp_path / "full" / f"{name}.parquet").schema
        assert pl.Null not in empty.schema.dtypes()


@pytest.mark.parametrize("provides", ["indicator_values", "neighbour_sets"])
def test_what_may_be_declared_is_landed(provides: Any) -> None:
    computed = {"period_type", "period_start", "period_end", "period_pooled_years", "value_as_published"}
    rest = set(LANDED[provides]) - set(PROVENANCE) - computed - {"value_marker_meaning", "unreadable_cells"}
    assert DECLARABLE[provides] == rest


def test_a_table_overrides_its_source(tmp_path: Path, declaration: Declaration) -> None:
    declaration["markers"] = {"NA": "missing", "*": "suppressed"}
    declaration["optional_columns"] = ["count"]
    declaration["tables"][0] |= {
        "reader": "wide_table",
        "encoding": "cp1252",
        "period_columns": "[0-9]{4}",
        "indicator_column": "Species",
        "markers": {"*": "not_applicable"},
        "columns": {"count": None, "period": None, "value": None, "Area": "area_name"},
        "optional_columns": ["area_name"],
    }
    declaration["tables"].append({"id": "other", "file": "*.txt"})
    source = load_source(save(tmp_path, declaration))
    first, other = source.tables
    assert (source.reader_of(first), source.reader_of(other)) == ("wide_table", "tidy_table")
    assert (source.encoding_of(first), source.encoding_of(other)) == ("cp1252", "utf-8")
    assert (source.period_columns_of(first), source.indicator_column_of(first)) == ("[0-9]{4}", "Species")
    assert source.markers_of(first) == {"NA": "missing", "*": "not_applicable"}
    assert source.columns_of(first) == {"area_code": "area_code", "Area": "area_name"}
    assert (source.optional_of(first), source.optional_of(other)) == ({"count", "area_name"}, {"count"})


def test_the_registry_holds_periods_and_plausible_ranges(tmp_path: Path, declaration: Declaration) -> None:
    declaration["indicators"][0] |= {
        "period": {"year_type": "academic", "years": 3},
        "typical_minimum": 5,
        "typical_maximum": 30,
    }
    write_registry({"example": load_source(save(tmp_path, declaration))}, tmp_path / "registry")
    indicators = pl.read_parquet(tmp_path / "registry" / "indicators.parquet")
    columns = ("period_year_type", "period_years", "typical_minimum", "typical_maximum")
    assert indicators.select(columns).rows() == [("academic", 3, 5.0, 30.0)]
