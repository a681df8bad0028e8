"""A whole warehouse from three tables of text: one dbt build, of the project as it is, over small data.

Turning ``cases.txt``, ``readings.txt`` and ``numbers.txt`` into seeds and Parquet, and building, belong here. What has
to come out is in ``cases.txt`` and in the tests.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from filelock import FileLock

from pipelines.acquire.landed_schema import INDICATOR_VALUES, LANDED
from pipelines.acquire.period_labels import parse_period
from pipelines.acquire.source_registry import Indicator, load_sources, write_registry
from pipelines.check.check_log import LoadRow, write_checks, write_load
from pipelines.check.gate import CheckResult
from pipelines.check.quarantine import QUARANTINE
from pipelines.publish.column_roles import read_column_roles
from pipelines.publish.relationships import read_relationships
from pipelines.publish.release import ReleaseRecord, publish
from pipelines.publish.snapshot_schemas import write_empty
from pipelines.schedule.poll_log import write_polls
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
CASES = Path(__file__).with_name("cases.txt")
READINGS = Path(__file__).with_name("readings.txt")
"""Rows as sources publish them, with a meaning beyond the number; ``test_readings`` says what becomes of them."""
NUMBERS = Path(__file__).with_name("numbers.txt")
"""Figures from which the model computes others, with the measures, areas and goals that they need."""
AS_AT = "2026-03-01"
MOMENT = dt.datetime(2026, 2, 1, 6, 30)
SOURCE = "fingertips"
COMPUTED = "ons_subnational"
"""Source of the figures of ``numbers.txt``, unless a measure names another."""
PLACE = "E08000009"
ENGLAND = "E92000001"
NEIGHBOUR = "E08000007"
NEAR = ("X1801", "X1811", "X1812", "X1821")
"""Neighbours of a council; X1812 has no figures."""
QUARANTINED_ROWS = 1

Row = dict[str, Any]

_POINT = re.compile(
    r"(?P<period>(?:[A-Z][a-z]{2} )?\d{4}(?:[-/]\d\d)?) (?P<value>-?[\d.]+|c|m)"
    r"(?: \[(?P<lower>\S+) (?P<upper>\S+)\])?(?: \{(?P<verdict>[^}]+)\})?(?: (?P<count>[\d.]*)/(?P<denominator>\d*))?"
)


@dataclass(frozen=True)
class Case:
    """One line of ``cases.txt``.

    Attributes:
        name: Name of the case; of its indicator and commitment too, unless it says otherwise.
        cells: Column to text.
        also: What the column ``also`` sets.
    """

    name: str
    cells: Mapping[str, str]
    also: Mapping[str, str]

    @property
    def commitment(self) -> str:
        """Id of the commitment."""
        return self.also.get("of", self.name)

    @property
    def indicator(self) -> str | None:
        """Id of the indicator, if the commitment has one."""
        name = self.also.get("indicator", self.name)
        return None if name == "-" else name if "." in name else f"{SOURCE}.{name}"

    @property
    def area_as_published(self) -> str:
        """Area code as the source writes it."""
        return self.also.get("area", PLACE)

    @property
    def area(self) -> str:
        """Area code of the place."""
        return self.area_as_published.removeprefix("n")

    @property
    def places(self) -> list[str]:
        """Area codes of the places that the register names."""
        return self.also.get("places", self.area).split("; ")

    @property
    def polarity(self) -> str:
        """Polarity of the indicator, unless said otherwise that of the wish."""
        return self.also.get("polarity", "high_is_good" if self.cells["wants"] == "increase" else "low_is_good")

    @property
    def sex(self) -> str:
        """Sex of the measured group."""
        return self.also.get("sex", "Persons")

    @property
    def age(self) -> str:
        """Age of the measured group."""
        return "18+ yrs" if self.also.get("twice") == "age" else "All ages"

    def expected(self, column: str) -> str | None:
        """Return what has to come out in a column: None for no value."""
        return None if self.cells[column] == "-" else self.cells[column]


def read_cases() -> list[Case]:
    """Read the table: cells between bars, lines that begin with ``#`` left out."""
    lines = [line for line in CASES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    header, *body = rows
    cases: list[Case] = []
    for row in body:
        cells = dict(zip(header, row, strict=True))
        pairs = (pair.split("=", 1) for pair in cells["also"].split(", ") if pair)
        cases.append(Case(cells["case"], cells, {key: value for key, value in pairs}))
    return cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``case`` every case."""
    if "case" in metafunc.fixturenames:
        cases = read_cases()
        metafunc.parametrize("case", cases, ids=[case.name for case in cases])


# --- data -------------------------------------------------------------------------------------------------------------


def _points(text: str) -> Iterator[Row]:
    for part in filter(None, (part.strip() for part in text.split(";"))):
        found = _POINT.fullmatch(part)
        assert found is not None, f"{part!r} is not a point"
        cell = found["value"]
        label = found["period"].replace("-", " - ")
        period = parse_period(label, year_type="financial" if "/" in label else "calendar")
        yield {
            "period_label": period.label,
            "period_type": period.period_type,
            "period_start": period.start_date,
            "period_end": period.end_date,
            "period_pooled_years": period.pooled_years,
            "value": None if cell in "cm" else float(cell),
            "value_as_published": None if cell in "cm" else cell,
            "value_note": "Value suppressed for disclosure control" if cell == "c" else None,
            "lower_ci_95": _number(found["lower"]),
            "upper_ci_95": _number(found["upper"]),
            "compared_to_england_published": found["verdict"],
            "count": _number(found["count"]),
            "denominator": _number(found["denominator"]),
        }


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def _case_rows(case: Case) -> Iterator[Row]:
    common = {
        "source_release": "2025-10",
        "source_file": f"{SOURCE}/2025-10/values.csv",
        "indicator_id": case.indicator,
        "indicator_name": case.indicator,
        "sex": case.sex,
        "age": case.age,
    }
    here = [{**common, "area_code": case.area_as_published, **point} for point in _points(case.cells["points"])]
    england = [{**common, "area_code": ENGLAND, **point} for point in _points(case.cells["england"])]
    yield from here
    yield from england
    twice = case.also.get("twice")
    if twice == "england":
        yield from ({**row, "parent_code": ENGLAND} for row in england)
    if twice == "age":
        yield from ({**row, "age": None} for row in here)
    if twice == "file":
        yield from ({**row, "source_file": f"{SOURCE}/2025-10/values_again.csv"} for row in here)
    older = {"source_release": "2024-10", "source_file": f"{SOURCE}/2024-10/values.csv", "area_code": PLACE}
    yield from ({**common, **older, **point} for point in _points(case.also.get("older", "")))


_READING_DEFAULTS = {"release": "2025-10", "sex": "Persons", "age": "All ages"}


def read_readings() -> list[dict[str, str]]:
    """Read ``readings.txt``: cells between bars, an empty one for nothing."""
    lines = [line for line in READINGS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    header, *body = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in body]


def _reading_row(reading: Mapping[str, str]) -> Row:
    given = {key: text or _READING_DEFAULTS.get(key) for key, text in reading.items()}
    also = dict(pair.split("=", 1) for pair in (given["also"] or "").split("; ") if pair)
    period = parse_period(str(given["period"]), year_type="financial")
    count, _, denominator = (given["counts"] or "").partition("/")
    return {
        "source_release": given["release"],
        "source_file": f"{SOURCE}/{given['release']}/readings.csv",
        "indicator_id": f"{SOURCE}.{given['indicator']}",
        "indicator_name": also.get("name", given["indicator"]),
        "area_code": given["area"],
        "area_name": also.get("area_name"),
        "area_type": given["area_type"],
        "sex": given["sex"],
        "age": given["age"],
        "period_label": period.label,
        "period_type": period.period_type,
        "period_start": period.start_date,
        "period_end": period.end_date,
        "period_pooled_years": period.pooled_years,
        "value": _number(given["value"]),
        "value_as_published": also.get("marker", given["value"]),
        "value_marker_meaning": also.get("meaning"),
        "value_note": given["note"],
        "lower_ci_95": _number(also.get("lower")),
        "upper_ci_95": _number(also.get("upper")),
        "compared_to_england_published": also.get("verdict"),
        "recent_trend_published": also.get("trend"),
        "count": _number(count),
        "denominator": _number(denominator),
    }


def read_numbers() -> dict[str, list[dict[str, str]]]:
    """Read ``numbers.txt``: heading to rows, each as column to cell, an empty cell for nothing."""
    tables: dict[str, list[list[str]]] = {}
    table: list[list[str]] = []
    for line in NUMBERS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = tables.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            table.append([cell.strip() for cell in line.split("|")])
    return {name: [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] for name, rows in tables.items()}


def _pairs(text: str) -> dict[str, str]:
    return {key: value for key, _, value in (pair.partition("=") for pair in text.split("; ") if pair)}


def _measure_sources() -> dict[str, str]:
    """Return the source of every measure of ``numbers.txt``."""
    return {row["measure"]: _pairs(row["more"]).get("source", COMPUTED) for row in read_numbers()["measures"]}


_PRINTED_COLUMNS = {
    "parent": "parent_code",
    "note": "value_note",
    "trend": "recent_trend_published",
    "parent_verdict": "compared_to_parent_published",
    "goal": "compared_to_goal_published",
    "table": "source_table",
    "sex": "sex",
    "age": "age",
}
_PRINTED_LIMITS = {
    "lower": "lower_ci_95",
    "upper": "upper_ci_95",
    "lower_99_8": "lower_ci_99_8",
    "upper_99_8": "upper_ci_99_8",
}


def _number_rows(source: str) -> Iterator[Row]:
    """Give the rows of one source in ``numbers.txt``."""
    tables = read_numbers()
    sources = _measure_sources()
    of_measure = {
        "source_release": "2025-10",
        "source_file": f"{source}/2025-10/numbers.csv",
        "sex": "Persons",
        "age": "All ages",
    }
    for row in tables["values"]:
        if sources[row["measure"]] != source:
            continue
        also = _pairs(row["also"])
        more: Row = {column: also.pop(key) for key, column in _PRINTED_COLUMNS.items() if key in also}
        more |= {column: float(also.pop(key)) for key, column in _PRINTED_LIMITS.items() if key in also}
        assert not also, f"numbers.txt: {also} means nothing"
        identity = {"indicator_id": f"{source}.{row['measure']}", "area_code": row["area"]}
        trend = more.pop("recent_trend_published", None)
        *earlier, last = _points(row["points"])
        yield from ({**of_measure, **identity, **point, **more} for point in earlier)
        yield {**of_measure, **identity, **last, **more, "recent_trend_published": trend}
    dimensions = {row["dimension"]: row for row in tables["dimensions"]}
    for row in tables["groups"]:
        if sources[row["measure"]] != source:
            continue
        dimension = dimensions[row["dimension"]]
        identity = {
            "indicator_id": f"{source}.{row['measure']}",
            "area_code": row["area"],
            "category_type": dimension["category_type"],
        }
        points = [part.strip() for part in row["points"].split(";")]
        for category, point in zip(dimension["categories"].split(", "), points, strict=True):
            if point != "-":
                (read,) = _points(f"{row['year']} {point}")
                yield {**of_measure, **identity, "category": category, **read}


BAND_AGES = [f"{age}-{age + 4} yrs" for age in range(0, 90, 5)] + ["90+ yrs"]
"""The five-year bands of the European standard population."""
LIFE_AGES = ["<1 yr", "1-4 yrs", *BAND_AGES[1:]]
"""The bands of the life table."""

Bands = dict[str, tuple[float, float]]
"""Age to count and population."""


def read_vectors(name: str) -> list[dict[str, str]]:
    """Read a committed selection of published vectors."""
    with (REPOSITORY / "tests" / "golden" / "vectors" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("# ")))


def bands_of(start: str) -> Bands:
    """Return the bands that a row of ``[bands]`` starts from."""
    if start == "none":
        return {}
    if start == "even":
        return {age: (number, 1000.0 * number) for number, age in enumerate(BAND_AGES, start=1)}
    if start in ("life", "few", "sparse"):
        # few: 250 people a band, 5,000 in all. sparse: a death in each of a thousand, with a wide interval at birth.
        fixed = {"few": (10.0, 250.0), "sparse": (0.0, 251.0)}.get(start)
        rows = read_vectors("life_expectancy")
        found = {
            age: fixed or (float(row["deaths"]), float(row["population"]))
            for age, row in zip(LIFE_AGES, rows, strict=True)
        }
        return found | ({"90+ yrs": (1.0, 251.0)} if start == "sparse" else {})
    # The vectors write one label wrongly (55-69); bands go by their place.
    if start == "reference":
        rows = [row for row in read_vectors("isr_inputs") if row["area"] == "testdata_big"]
        pairs = [(row["refcount"], row["refpop"]) for row in rows]
    else:
        pairs = [(row["count"] or "0", row["pop"]) for row in read_vectors("dsr_inputs") if row["area"] == start]
    return {age: (float(count), float(people)) for age, (count, people) in zip(BAND_AGES, pairs, strict=True)}


def _band_rows(source: str) -> Iterator[Row]:
    """Give the rows by age band of one source in ``numbers.txt``."""
    sources = _measure_sources()
    for row in read_numbers()["bands"]:
        if sources[row["measure"]] != source:
            continue
        cells = {age: f"{count:.0f}/{people:.0f}" for age, (count, people) in bands_of(row["start"]).items()}
        cells |= {age: cell for age, _, cell in (part.strip().partition(": ") for part in row["change"].split(";"))}
        more = _pairs(row["more"])
        first, _, last = row["years"].partition(" to ")
        for year in range(int(first), int(last or first) + 1):
            for age, cell in cells.items():
                if age and cell != "-":
                    yield _band_row(source, row, str(year), age, cell, more)


def _band_row(source: str, row: Mapping[str, str], year: str, age: str, cell: str, more: Mapping[str, str]) -> Row:
    (period,) = _points(f"{year} {'c' if cell == 'c' else 'm'}")
    note = more.get("note") or period["value_note"]
    counts, is_printed, printed = cell.partition("!")
    count, people = (_number(text) for text in counts.partition("/")[::2]) if cell != "c" else (None, None)
    value = _number(printed)
    if not is_printed and count is not None and people:
        value = count / people * 100000
    return {
        **period,
        "source_release": "2025-10",
        "source_file": f"{source}/2025-10/numbers.csv",
        "indicator_id": f"{source}.{row['measure']}",
        "area_code": row["area"],
        "sex": more.get("sex", "Persons"),
        "category_type": more.get("category_type"),
        "category": more.get("category"),
        "age": age,
        "value": value,
        "value_as_published": None if value is None else str(value),
        "value_note": note,
        "count": count,
        "denominator": people,
    }


def indicator_rows(cases: Iterable[Case]) -> pl.DataFrame:
    """Return the accepted rows of every case and reading, in the landed shape."""
    rows = [row for case in cases for row in _case_rows(case)]
    return _landed(SOURCE, [*rows, *(_reading_row(reading) for reading in read_readings())])


def _landed(source: str, rows: Iterable[Row]) -> pl.DataFrame:
    provenance = {
        "source_id": source,
        "source_table": "indicator_values",
        "source_column": "Value",
    }
    return pl.DataFrame(
        [
            {**provenance, "source_file_sha256": f"sha of {row['source_file']}", "source_row_number": number, **row}
            for number, row in enumerate(rows, start=2)
        ],
        schema=INDICATOR_VALUES,
        orient="row",
    )


_KINDS = {
    "count": ("count", "people", 1),
    "life": ("life_expectancy", "years", 1),
    "share": ("proportion", "%", 100),
    "rate": ("crude_rate", "per 100,000", 100000),
    "standardised": ("directly_standardised_rate", "per 100,000", 100000),
}


def _measures(source: str) -> tuple[Indicator, ...]:
    """Return the measures of one source in ``numbers.txt``."""
    found: list[Indicator] = []
    for row in read_numbers()["measures"]:
        more = _pairs(row["more"])
        if more.pop("source", COMPUTED) != source:
            continue
        kind, unit, multiplier = _KINDS[row["kind"]]
        rounding = more.pop("rounding", None)
        found.append(
            Indicator.model_validate(
                {
                    "id": f"{source}.{row['measure']}",
                    "name": row["measure"].replace("_", " ").capitalize(),
                    "value_type": kind,
                    "unit": unit,
                    "multiplier": multiplier,
                    "polarity": row["polarity"],
                    "minimum": None,
                    "maximum": None,
                    "decimals": 1,
                    "ci_method": more.pop("ci_method", None),
                    "count_rounding": None if rounding is None else int(rounding),
                    "aggregation": row["aggregation"],
                    "definition": "A measure of these tests.",
                }
            )
        )
        assert not more, f"numbers.txt: {more} means nothing"
    return tuple(found)


def _indicators(cases: Iterable[Case]) -> tuple[Indicator, ...]:
    found: dict[str, Indicator] = {}
    for case in cases:
        if case.indicator is None or case.indicator in found or not case.indicator.startswith(SOURCE):
            continue
        is_share = case.also.get("unit") == "%"
        found[case.indicator] = Indicator.model_validate(
            {
                "id": case.indicator,
                "name": case.indicator.removeprefix(f"{SOURCE}.").replace("_", " ").capitalize(),
                "value_type": "proportion" if is_share else "crude_rate",
                "unit": "%" if is_share else "per 100,000",
                "multiplier": 100 if is_share else 100000,
                "polarity": case.polarity,
                "minimum": None,
                "maximum": None,
                "decimals": 1,
                "ci_method": None,
                "aggregation": "not_additive",
                "definition": "A measure of these tests.",
            }
        )
    for reading in read_readings():
        indicator = f"{SOURCE}.{reading['indicator']}"
        kind, unit, multiplier = _KINDS[reading["kind"]]
        found[indicator] = Indicator.model_validate(
            {
                "id": indicator,
                "name": reading["indicator"],
                "value_type": kind,
                "unit": unit,
                "multiplier": multiplier,
                "polarity": "low_is_good",
                "minimum": None,
                "maximum": None,
                "decimals": 1,
                "ci_method": None,
                "aggregation": "not_additive",
                "definition": "A measure of these tests.",
            }
        )
    return tuple(found.values())


def _write_data(warehouse: Path, cases: Sequence[Case]) -> None:
    sources = load_sources(REPOSITORY / "pipelines" / "acquire" / "sources")
    sources = {
        key: source.model_copy(update={"indicators": _indicators(cases) if key == SOURCE else _measures(key)})
        for key, source in sources.items()
    }
    write_registry(sources, warehouse / "registry")
    (warehouse / "accepted").mkdir(parents=True)
    (warehouse / "quarantine").mkdir()
    write_empty(warehouse / "previous")
    write_polls(Settings(project=REPOSITORY, warehouse=warehouse))
    accepted = {key: pl.DataFrame(schema=LANDED[source.provides]) for key, source in sources.items()}
    accepted[SOURCE] = indicator_rows(cases)
    accepted |= {key: _landed(key, [*_number_rows(key), *_band_rows(key)]) for key in set(_measure_sources().values())}
    accepted["trafford_neighbours"] = neighbour_rows()
    for key, frame in accepted.items():
        frame.write_parquet(warehouse / "accepted" / f"{key}.parquet")
        _write_log(warehouse, key, frame.height, QUARANTINED_ROWS if key == SOURCE else 0)


def neighbour_rows() -> pl.DataFrame:
    """Sets of neighbours.

    A set of one in two releases: one member left, and the one that stayed stands twice in the later release. Two sets
    of the council of ``numbers.txt`` that has parts.
    """
    members = [
        ("2024-10", "set", 2, "test", PLACE, NEIGHBOUR),
        ("2024-10", "set", 3, "test", PLACE, "E08000008"),
        ("2025-10", "set", 2, "test", PLACE, NEIGHBOUR),
        ("2025-10", "set_again", 2, "test", PLACE, NEIGHBOUR),
        *(("2025-10", "near", 2 + i, "near", "X1802", area) for i, area in enumerate(NEAR)),
        ("2025-10", "far", 2, "far", "X1802", "X1850"),
    ]
    rows = [
        {
            "source_id": "trafford_neighbours",
            "source_release": release,
            "source_file": f"trafford_neighbours/{release}/{file}.csv",
            "source_file_sha256": "sha",
            "source_row_number": number,
            "set_id": set_id,
            "set_title": f"The set {set_id}",
            "set_as_of": release,
            "area_code": area,
            "neighbour_code": member,
        }
        for release, file, number, set_id, area, member in members
    ]
    return pl.DataFrame(rows, schema=LANDED["neighbour_sets"], orient="row")


def _write_log(warehouse: Path, source_id: str, rows: int, quarantined: int) -> None:
    write_load(
        warehouse / "check_log",
        LoadRow(
            source_id=source_id,
            load_id="load",
            load_state="accepted",
            is_stale=0,
            reason=None,
            source_releases="2024-10, 2025-10",
            files=1,
            landed_rows=rows + quarantined,
            quarantined_rows=quarantined,
            refused_rows=0,
            staged_rows=rows,
            served_rows=rows,
            served_load_id="load",
            checked_at=MOMENT,
            served_since=MOMENT,
        ),
    )
    result = CheckResult(
        check_id="some_rule",
        stage="landed",
        expectation_type="unexpected_rows_expectation",
        column_name="value",
        severity="warning",
        outcome="quarantined" if quarantined else "passed",
        rows_evaluated=rows + quarantined,
        rows_failed=quarantined,
        observed=f"{quarantined} of {rows + quarantined} rows",
        details=(),
        why="A rule of these tests.",
        evaluated_at=MOMENT,
    )
    write_checks(warehouse / "check_log", source_id, [result])
    aside = {
        "source_id": source_id,
        "source_release": "2025-10",
        "source_file": f"{source_id}/2025-10/values.csv",
        "source_file_sha256": "sha",
        "source_row_number": 99999,
        "source_column": "Value",
        "column_name": "value",
        "value": "-1",
        "rule": "some_rule",
        "reason": "Set aside by a rule of these tests.",
        "record_json": "{}",
        "first_seen": MOMENT,
    }
    pl.DataFrame([aside] * quarantined, schema=QUARANTINE, orient="row").write_parquet(
        warehouse / "quarantine" / f"{source_id}.parquet"
    )


# --- seeds ------------------------------------------------------------------------------------------------------------


def _write_seed(seeds: Path, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    with (seeds / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    with (seeds / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)


# Areas that exist nowhere, so that no change of the register reaches these tests.
_AREAS = [
    ("X0701", "Oldham-on-Test", "district", "District"),
    ("X0702", "Newham-on-Test", "district", "District"),
    ("X0703", "Latest-on-Test", "district", "District"),
    ("X0704", "Swallowed", "district", "District"),
    ("X0705", "Swallower", "district", "District"),
    ("X0706", "Half", "district", "District"),
    ("X0707", "Other half", "district", "District"),
    ("E38999901", "Test board, part 01X", "sub_icb_location", "Sub-ICB location"),
    ("E54999901", "Test board", "icb", "Integrated care board"),
    ("E54999902", "Moved board", "icb", "Integrated care board"),
    ("E54999903", "Moved board", "icb", "Integrated care board"),
]
_BREAKS = [
    {"indicator_id": f"{SOURCE}.broken", "first_period_start": "2022-01-01", "reason": "A new questionnaire."},
    {"indicator_id": f"{SOURCE}.broken", "first_period_start": "2024-01-01", "reason": "Another mode."},
]


def _correction(name: str, area: str, action: str, expected: float, **more: object) -> Row:
    return {
        "correction_id": name,
        "source_id": SOURCE,
        "indicator_id": f"{SOURCE}.wrong",
        "area_code": area,
        "period_label": "2024",
        "action": action,
        "expected_value": expected,
        "reason": "A digit is missing.",
        "evidence": "The parts do not add up.",
        **more,
    }


_CONFORMANCE: dict[str, list[Row]] = {
    "area_types": [
        {"area_type_label": label, "area_type": kind, "boundary_vintage": vintage, "is_open_list": 0}
        for label, kind, vintage in (
            ("CCG", "ccg", "2020-04"),
            ("ICB sub-locations", "sub_icb_location", "2022-07"),
            ("STP", "stp", "2022-06-before"),
            ("ICBs", "icb", "2022-07"),
            ("GPs", "gp_practice", None),
            ("District & UA (pre 4/19)", "lower_tier_authority", "2019-04-before"),
            ("Districts & UAs (from Apr 2023)", "lower_tier_authority", "2023-04"),
        )
    ]
    + [{"area_type_label": "PCNs", "area_type": "pcn", "is_open_list": 1, "code_pattern": r"U\d{5}"}],
    "area_successions": [
        {"area_code": old, "successor_code": new, "change": change, "effective_date": "2023-04-01", "evidence": "Law"}
        for old, new, change in (
            ("X0701", "X0702", "recoded"),
            ("X0702", "X0703", "recoded"),
            ("E54999902", "E54999903", "recoded"),
            ("X0704", "X0705", "merged"),
            ("X0706", "X0707", "split"),
            ("X0706", "X0705", "split"),
            ("X1302", "X1303", "merged"),
        )
    ],
    "corrections": [
        _correction("replaced", "E08000009", "replace_value", 5610, corrected_value=56100),
        _correction("held_back", "E08000007", "withhold", 12.5),
        _correction("overtaken", "E08000008", "replace_value", 10, corrected_value=100),
        _correction("women_only", "E08000003", "withhold", 30, sex="Female"),
        _correction("absent", "E08000001", "withhold", 1),
        _correction("under_the_old_code", "X0701", "withhold", 77),
    ],
}


def _commitment(case: Case) -> Row:
    cells = case.cells
    rule = cells["rule"] or None
    return {
        "commitment_id": case.commitment,
        "framework_id": case.also.get("under", "strategy"),
        "aim": "Aim",
        "priority": "Priority",
        "title": case.commitment.replace("_", " ").capitalize(),
        "kind": "outcome",
        "target_type": cells["type"],
        "operator": cells["op"],
        "target_value": cells["target"],
        "change_basis": rule if rule in ("relative", "absolute") else None,
        "comparator_area_code": ENGLAND if cells["type"].endswith("comparator") else None,
        "comparator_rule": rule if rule in ("point", "not_significantly_worse") else None,
        "level_rule": case.also.get("level"),
        "sequence_rule": case.also.get("steps"),
        "gap_measure": case.also.get("gap_measure"),
        "desired_direction": cells["wants"],
        "earliest_date": case.also.get("window"),
        "recurrence": case.also.get("every"),
        "due_date": cells["due"],
        "due_date_precision": "day" if cells["due"] else None,
        "due_date_source": "stated" if cells["due"] else None,
        "baseline_period_label": cells["baseline"],
        "baseline_value": case.also.get("stated"),
        "data_gap_reason": case.also.get("gap"),
        "is_permissive": case.also.get("permissive", "0"),
        "document_line": 1,
        "same_as_commitment_id": case.also.get("repeats"),
        "valid_from": case.also.get("from", "2016-01-01"),
        "valid_to": case.also.get("until"),
        "superseded_by": case.also.get("by"),
    }


def _versions(case: Case) -> Iterator[Row]:
    """Give the versions of a commitment in their order."""
    present = _commitment(case)
    if "earlier" in case.also:
        yield {**present, "title": "As first worded", "valid_from": "2014-01-01", "valid_to": present["valid_from"]}
    if "restated" in case.also:
        day, target = case.also["restated"].split()
        yield {**present, "title": "As first worded", "target_value": target, "valid_to": day}
        present["valid_from"] = day
    yield present


_RECORD = re.compile(r"(?P<day>\S+) (?P<state>\S+)(?: for (?P<instance>\S+))?(?: on (?P<completed>\S+))?")


def _progress(case: Case) -> Iterator[Row]:
    for record in filter(None, case.also.get("record", "").split("; ")):
        found = _RECORD.fullmatch(record)
        assert found is not None, f"{record!r} is not a record"
        yield {
            "commitment_id": case.commitment,
            "instance": found["instance"],
            "recorded_on": found["day"],
            "completed_on": found["completed"],
            "state": found["state"],
            "evidence_document": "minutes",
        }


_YEARLY = re.compile(r"(?P<label>\S+) (?P<value>\S+)(?: at (?P<area>\S+))?(?: known (?P<known>\S+))?")


def _yearly(case: Case, key: str, column: str) -> Iterator[Row]:
    """Give the rows of a table by year: external targets, or a scenario."""
    for part in filter(None, case.also.get(key, "").split("; ")):
        found = _YEARLY.fullmatch(part)
        assert found is not None, f"{part!r} is not a year and a value"
        yield {
            "commitment_id": case.commitment,
            "area_code": found["area"],
            "period_label": found["label"],
            column: None if found["value"] == "?" else found["value"],
            "absent_reason": "Nobody prints it." if found["value"] == "?" else None,
            **({"published_on": found["known"]} if key == "yearly" else {"scenario": "growth"}),
        }


PRIORITIES: list[Row] = [
    {"framework_id": "strategy", "aim": "Aim", "priority": "Priority", "sequence": 1, "document_line": 1},
    {"framework_id": "strategy", "aim": "Aim", "priority": "Left open", "sequence": 2, "document_line": 2},
    {"framework_id": "plan", "aim": "Aim", "priority": "Priority", "sequence": 1, "document_line": 1},
]


def _write_seeds(seeds: Path, cases: Sequence[Case]) -> None:
    strategy = {
        "framework_id": "strategy",
        "title": "Strategy",
        "organisation": "Board",
        "system_name": "System",
        "document_file": "strategy.txt",
        "period_start": "2016-01-01",
        "period_end": "2030-12-31",
        "horizon_date": "2030-12-31",
    }
    _write_seed(seeds, "frameworks", [strategy, {**strategy, "framework_id": "plan", "title": "Plan"}])
    _write_seed(seeds, "priorities", PRIORITIES)
    _write_seed(seeds, "reported_figures", [])
    first = {case.commitment: case for case in reversed(cases)}
    _write_seed(seeds, "commitments", [version for case in first.values() for version in _versions(case)])
    choices = [
        {
            "commitment_id": case.commitment,
            "choice": "baseline",
            "chosen": "2015",
            "alternative": "2014",
            "reason": "It is there.",
        }
        for case in cases
        if "earlier" in case.also
    ]
    _write_seed(seeds, "commitment_choices", choices)
    places = [
        {"commitment_id": key, "area_code": place, "area_name": "Place"}
        for key, case in first.items()
        for place in case.places
    ]
    _write_seed(seeds, "commitment_places", places)
    _write_seed(seeds, "milestone_progress", [row for case in cases for row in _progress(case)])
    yearly = [row for case in cases for row in _yearly(case, "yearly", "target_value")]
    _write_seed(seeds, "external_annual_targets", yearly)
    scenarios = [row for case in cases for row in _yearly(case, "scenario", "value")]
    _write_seed(seeds, "counterfactual_scenarios", scenarios)
    measures = [
        {
            "commitment_id": case.commitment,
            "indicator_id": case.indicator,
            "versus_indicator_id": case.also.get("versus"),
            "sex": case.sex,
            "age": case.age,
            "category_type": case.also.get("across"),
            "confidence": case.also.get("confidence", "high"),
        }
        for case in cases
        if case.indicator is not None
    ]
    _write_seed(seeds, "commitment_indicators", measures)
    for name, rows in _CONFORMANCE.items():
        _write_seed(seeds, name, rows)
    breaks = [
        {"indicator_id": case.indicator, "first_period_start": case.also["break"], "reason": "A new questionnaire."}
        for case in cases
        if "break" in case.also
    ]
    evidence = {"evidence": "Metadata of the publisher."}
    _write_seed(seeds, "series_breaks", [{**row, **evidence} for row in [*breaks, *_BREAKS]])
    _write_number_seeds(seeds)


def _write_number_seeds(seeds: Path) -> None:
    tables = read_numbers()
    sources = _measure_sources()
    said = {"reason": "A rule of these tests.", "evidence": "These tests."}

    def indicator(measure: str) -> str:
        return f"{sources[measure]}.{measure}"

    names = {row["area_code"]: row["area_name"] for row in tables["areas"]}
    keys = ("area_code", "area_name", "area_type", "area_type_label")
    areas = [*(dict(zip(keys, row, strict=True)) for row in _AREAS), *tables["areas"]]
    # The register of health regions is replaced, so that a tier is complete whatever happens to the real one.
    with (seeds / "areas.csv").open(encoding="utf-8", newline="") as file:
        registered = [row for row in csv.DictReader(file) if row["area_type"] != "nhs_region"]
    _write_seed(seeds, "areas", [*registered, *areas])
    footprints = [
        {
            **row,
            "footprint_name": names[row["footprint_code"]],
            "constituent_name": names[row["constituent_code"]],
            "source": "These tests.",
        }
        for row in tables["footprints"]
    ]
    _write_seed(seeds, "area_footprints", footprints)
    rules: list[Row] = [
        {"rule_id": "default", "comparator_method": "single_overlapping_ci", "confidence": "95"},
        {"rule_id": "counts", "value_type": "count", "comparator_method": "none", "confidence": "95"},
        {
            "rule_id": "lives",
            "value_type": "life_expectancy",
            "comparator_method": "double_overlapping_ci",
            "confidence": "95",
        },
    ]
    for row in tables["measures"]:
        if row["rule"]:
            method, confidence = row["rule"].split(" ", 1)
            names_it = {"rule_id": row["measure"], "indicator_id": indicator(row["measure"])}
            rules.append({**names_it, "comparator_method": method, "confidence": confidence})
    _write_seed(seeds, "comparison_rules", [{**rule, **said} for rule in rules])
    trends = [
        {"rule_id": "by_limits", "source_id": COMPUTED, "source_table": "by_limits", "trend_method": "limits_for_all"},
        {"rule_id": "default", "trend_method": "counts_for_proportions"},
    ]
    _write_seed(seeds, "trend_rules", [{**rule, **said} for rule in trends])
    goals = [
        {
            **{key: text for key, text in row.items() if key != "measure"},
            "indicator_id": indicator(row["measure"]),
            **said,
        }
        for row in tables["goals"]
    ]
    _write_seed(seeds, "indicator_goals", goals)
    standardisations = [
        {
            "standardisation_id": row["standardisation_id"],
            "events_indicator_id": indicator(row["measure"]),
            "method": row["method"],
            "reference_area_code": row["reference"],
            "multiplier": row["multiplier"],
            "reason": "A rule of these tests.",
        }
        for row in tables["standardised"]
    ]
    _write_seed(seeds, "age_standardisations", standardisations)
    categories: list[Row] = []
    for row in tables["dimensions"]:
        listed = row["categories"].split(", ")
        # The seed numbers deprivation from the least deprived.
        ordered = listed[::-1] if "deprivation" in row["category_type"] else listed
        categories += (
            {"category_type": row["category_type"], "category": category, "sequence": number}
            for number, category in enumerate(ordered, start=1)
        )
    _write_seed(seeds, "categories", categories)


# --- build ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Built:
    """A finished build.

    Attributes:
        file: The DuckDB file.
        warehouse: The folder that its data came from.
        target: What dbt wrote about it.
    """

    file: Path
    warehouse: Path
    target: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build once for all workers: a build takes half a minute of two processors."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    root = shared / "warehouse_over_cases"
    made = Built(root / "warehouse" / "build" / "outcomes_build.duckdb", root / "warehouse", root / "target")
    with FileLock(shared / "warehouse_over_cases.lock"):
        if not (root / "complete").exists():
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            _build(root, made)
            (root / "complete").touch()
    return made


def _build(root: Path, made: Built) -> None:
    cases = read_cases()
    project, warehouse, target = root / "dbt_project", made.warehouse, made.target
    shutil.copytree(REPOSITORY / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copytree(REPOSITORY / "data" / "seeds", root / "data" / "seeds")
    _write_seeds(root / "data" / "seeds", cases)
    _write_data(warehouse, cases)
    build_file = made.file
    build_file.parent.mkdir()
    dbt = Path(sys.executable).with_name("dbt")
    done = subprocess.run(
        [
            str(dbt) if dbt.exists() else "dbt",
            *("build", "--quiet", "--no-partial-parse"),
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(target), "--log-path", str(root / "logs")),
        ],
        env={
            **os.environ,
            "OUTCOMES_WAREHOUSE": warehouse.as_posix(),
            "OUTCOMES_BUILD_FILE": build_file.as_posix(),
            "OUTCOMES_AS_AT": AS_AT,
            "OUTCOMES_BUILT_AT": f"{AS_AT}T06:00:00",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def published(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish the build as the pipeline does, and return the served file."""
    settings = Settings(project=REPOSITORY, warehouse=tmp_path_factory.mktemp("published"))
    record = ReleaseRecord(
        built_at=dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC),
        as_at=dt.date.fromisoformat(AS_AT),
        code_version="0",
        input_fingerprint="1a2b3c4d",
    )
    manifest = built.target / "manifest.json"
    return publish(
        settings,
        built.file,
        record,
        relationships=read_relationships(manifest),
        column_roles=read_column_roles(manifest),
    ).served_file


@pytest.fixture(scope="session")
def warehouse(built: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built.file), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def rows(warehouse: duckdb.DuckDBPyConnection):
    """Return a function from a query and its parameters to rows, each as column to value."""

    def run(query: str, *parameters: object) -> list[Row]:
        found = warehouse.execute(query, list(parameters))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return run


@pytest.fixture(scope="session")
def shown(rows: Callable[..., list[Row]]):
    """Return a function from a commitment at one place to the row of the period that the scorecard shows."""

    def find(commitment: str) -> Row:
        found = rows("from fct_target_vs_actual where commitment_id = ? and is_scorecard_period = 1", commitment)
        assert len(found) == 1
        return found[0]

    return find


@pytest.fixture(scope="session")
def figures(rows: Callable[..., list[Row]]):
    """Return a function from a measure of ``numbers.txt`` to its published rows: area, period and group to row."""
    sources = _measure_sources()

    def find(measure: str) -> dict[tuple[str, ...], Row]:
        found = rows(
            """
            select v.*, p.period_label, g.sex, g.category
            from fct_indicator_value as v
            inner join dim_period as p on v.period_key = p.period_key
            inner join dim_population_group as g on v.population_group_key = g.population_group_key
            where v.indicator_id = ?
            """,
            f"{sources[measure]}.{measure}",
        )
        assert found
        keyed: dict[tuple[str, ...], Row] = {}
        for row in found:
            group = [row["category"]] if row["category"] != "Total" else []
            group += [row["sex"]] if row["sex"] != "Persons" else []
            keyed[row["area_code"], row["period_label"], *group] = row
        assert len(keyed) == len(found)
        return keyed

    return find
