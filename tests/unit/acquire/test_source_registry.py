"""What a declaration must say, and the tables made of all declarations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.acquire.landed_schema import DECLARABLE, LANDED, PROVENANCE
from pipelines.acquire.source_registry import load_source, load_sources, write_registry
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


def twice(key: str) -> Callable[[Declaration], object]:
    return lambda declaration: declaration[key].append(declaration[key][0])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("licence"), "licence: Field required"),
        (without("owner"), "owner: Field required"),
        (without("release_calendar"), "release_calendar: Field required"),
        (with_(licence=" "), "licence: String should have at least 1 character"),
        (with_(release_calendar={"cadence": "annual"}), "release_calendar.stale_after_days: Field required"),
        (with_(polarity="good"), "polarity: Extra inputs are not permitted"),
        (with_(reader="tidy"), "'tidy' is not one of fingertips_csv, tidy_table, wide_table"),
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
    assert list(sources) == [
        "fingertips",
        "trafford_jsna",
        "trafford_localities",
        "trafford_neighbours",
        "ukhsa_bacteraemia",
    ]
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
        **sources["ukhsa_bacteraemia"].indicators[3].model_dump(),
        "labels": ["Methicillin-resistant Staphylococcus aureus (MRSA)"],
    }
    rows = pl.read_parquet(tmp_path / "sources.parquet")
    assert rows.select("id", "cadence", "stale_after_days", "provides").rows()[3] == (
        "trafford_neighbours",
        "irregular",
        None,
        "neighbour_sets",
    )


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
    rest = set(LANDED[provides]) - set(PROVENANCE) - computed - {"unreadable_cells"}
    assert DECLARABLE[provides] == rest
