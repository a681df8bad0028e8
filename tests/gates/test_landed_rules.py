"""Every landed rule, shown passing on real figures and failing on a really broken row or file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import CheckResult, GateReport

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations" / "landed"
CORPUS = Path(__file__).resolve().parents[1] / "corpus"

FIGURES_OF = ("fingertips", "trafford_jsna", "trafford_localities", "trafford_neighbours", "ukhsa_bacteraemia")
"""Sources with rules of their own, of which the fixtures hold figures; the others include the shared rules alone."""

SHOWN_BY_ARITHMETIC = {"correction_guard_broken", "correction_without_row", "value_outside_typical_range"}
"""Rules that ``test_landed_rules_arithmetic`` shows failing: no correction and no plausible range is of Fingertips."""

Good = Mapping[str, Callable[[], pl.DataFrame]]
Gate = Callable[..., GateReport]


@dataclass(frozen=True)
class BrokenRow:
    """One landed row changed; ``copies`` appends a changed copy instead, so that two rows are at odds."""

    source: str
    check_id: str
    outcome: str
    row: int
    change: dict[str, Any]
    copies: bool = False
    rows_named: tuple[int, ...] = ()

    @property
    def expected_rows(self) -> set[int]:
        return set(self.rows_named or (self.row,))


BROKEN_ROWS = [
    BrokenRow("fingertips", "unreadable_cells", "quarantined", 2, {"count": None, "unreadable_cells": "count='abc'"}),
    BrokenRow("fingertips", "missing_indicator_id", "quarantined", 3, {"indicator_id": None}),
    BrokenRow("fingertips", "unknown_indicator", "quarantined", 4, {"indicator_id": "91574"}),
    BrokenRow("fingertips", "missing_area_code", "quarantined", 5, {"area_code": None}),
    BrokenRow("fingertips", "unknown_area", "quarantined", 6, {"area_code": "E08000099"}),
    BrokenRow(
        "fingertips",
        "period_not_readable",
        "quarantined",
        7,
        {"period_label": "sometime", "period_start": None, "period_end": None},
    ),
    BrokenRow("fingertips", "missing_sex_or_age", "quarantined", 8, {"sex": None}),
    BrokenRow(
        "fingertips",
        "value_outside_range",
        "quarantined",
        9,
        {"value": 128.89, "value_as_published": "128.89", "lower_ci_95": 127.4, "upper_ci_95": 130.4}
        | {"count": None, "denominator": None},
    ),
    # The limits of the row above, as when a column is pasted one line off.
    BrokenRow("fingertips", "limits_not_around_value", "quarantined", 10, {"lower_ci_95": 12.74, "upper_ci_95": 13.04}),
    BrokenRow("fingertips", "limits_not_in_pairs", "quarantined", 11, {"upper_ci_95": None}),
    BrokenRow(
        "fingertips",
        "count_impossible",
        "quarantined",
        12,
        {"count": 170994.0, "denominator": 26478.0, "value": None, "lower_ci_95": None, "upper_ci_95": None}
        | {"value_as_published": None, "value_note": "There is a data quality issue with this value"},
    ),
    # A revised extract appended under the old one: Trafford 2022/23 with two values.
    BrokenRow(
        "fingertips",
        "key_published_with_two_values",
        "quarantined",
        18,
        {"value": 11.9, "value_as_published": "11.9", "source_row_number": 101},
        copies=True,
        rows_named=(18, 101),
    ),
    # As published in the real extract: 15.3283 beside 29,576 of 190,414.
    BrokenRow(
        "fingertips",
        "value_differs_from_its_count",
        "warned",
        13,
        {"value": 15.3283, "value_as_published": "15.3283", "count": 29576.0, "denominator": 190414.0}
        | {"lower_ci_95": 15.1, "upper_ci_95": 15.6},
    ),
    BrokenRow(
        "fingertips", "row_published_twice", "warned", 17, {"source_row_number": 102}, copies=True, rows_named=(17,)
    ),
    BrokenRow(
        "fingertips",
        "value_absent_without_note",
        "warned",
        15,
        {"value": None, "value_as_published": None, "lower_ci_95": None, "upper_ci_95": None},
    ),
    # A count (87 cases) in a column of rates.
    BrokenRow("ukhsa_bacteraemia", "rate_plausible", "quarantined", 5, {"value": 871.0, "value_as_published": "871"}),
    BrokenRow("trafford_neighbours", "neighbour_known", "quarantined", 4, {"neighbour_code": "E10000099"}),
    BrokenRow("trafford_neighbours", "neighbour_is_itself", "quarantined", 5, {"neighbour_code": "E08000009"}),
    BrokenRow(
        "trafford_neighbours",
        "neighbour_listed_twice",
        "quarantined",
        3,
        {"source_row_number": 103},
        copies=True,
        rows_named=(103,),
    ),
    BrokenRow("trafford_neighbours", "unreadable_cells", "quarantined", 6, {"unreadable_cells": "neighbour_name='x'"}),
]


def changed(rows: pl.DataFrame, change: Mapping[str, Any], row: int) -> pl.DataFrame:
    here = pl.col("source_row_number") == row
    return rows.with_columns(
        pl.when(here).then(pl.lit(value, dtype=rows.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in change.items()
    )


def with_broken_rows(rows: pl.DataFrame, breakages: list[BrokenRow]) -> pl.DataFrame:
    for one in breakages:
        if one.copies:
            copy = rows.filter(pl.col("source_row_number") == one.row)
            rows = pl.concat([rows, changed(copy, one.change, one.row)])
        else:
            rows = changed(rows, one.change, one.row)
    return rows


def without_columns(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop(rows.columns[-1])


BROKEN_LOADS: list[tuple[str, str, str, Callable[[pl.DataFrame], pl.DataFrame], str]] = [
    ("fingertips", "rows_present", "blocked", lambda rows: rows.clear(), "0 rows"),
    ("fingertips", "columns_as_declared", "blocked", without_columns, "missing: unreadable_cells"),
    (
        "fingertips",
        "fewer_areas_than_last_load",
        "blocked",
        lambda rows: rows.filter(pl.col("area_code").is_in(["E92000001", "E08000009"])),
        "2 areas, the last accepted load had 5",
    ),
    (
        "fingertips",
        "indicator_missing_from_load",
        "warned",
        lambda rows: rows.with_columns(indicator_id=pl.lit("93881")),
        "indicator 91547 was in the last accepted load",
    ),
    (
        "ukhsa_bacteraemia",
        "forty_two_boards",
        "blocked",
        lambda rows: rows.head(41),
        "ukhsa_bacteraemia.mrsa in 2023/24 has 41 boards, not 42",
    ),
    (
        "trafford_jsna",
        "england_missing",
        "warned",
        lambda rows: rows.with_columns(area_code=pl.lit("E08000009")),
        "has no figure for England",
    ),
    (
        "trafford_localities",
        "localities_sum_to_borough",
        "blocked",
        lambda rows: rows.filter(pl.col("area_code") != "E08000009"),
        "E08000009 resident population nothing, localities sum to 237,354",
    ),
    ("trafford_neighbours", "set_size", "blocked", lambda rows: rows.head(4), "set cssn has 4 members, not 5 to 20"),
    ("trafford_neighbours", "rows_present", "blocked", lambda rows: rows.clear(), "0 rows"),
    ("trafford_neighbours", "columns_as_declared", "blocked", without_columns, "missing: unreadable_cells"),
]


@pytest.fixture(scope="module")
def dirty(good: Good, gate: Gate) -> dict[str, GateReport]:
    """One gate run a source over a load with all of its broken rows, each in another place."""
    return {
        source: gate(source, with_broken_rows(good[source](), [one for one in BROKEN_ROWS if one.source == source]))
        for source in sorted({one.source for one in BROKEN_ROWS})
    }


def result_of(report: GateReport, check_id: str) -> CheckResult:
    return next(one for one in report.results if one.check_id == check_id)


@pytest.mark.parametrize("source_id", FIGURES_OF)
def test_real_figures_pass_every_rule(source_id: str, good: Good, gate: Gate) -> None:
    rows = good[source_id]()
    report = gate(source_id, rows, before=rows)
    failed = {one.check_id: one.observed for one in report.results if one.outcome != "passed"}
    # The localities that add up are not the printed ones, which a correction still expects.
    guard = failed.pop("correction_guard_broken", "")
    assert failed == {}
    assert ("it expects 5,610, the load has 54,471 for West" in guard) is (source_id == "trafford_localities")
    assert report.rows == rows.height


@pytest.mark.parametrize("broken", BROKEN_ROWS, ids=lambda one: f"{one.source}-{one.check_id}")
def test_a_broken_row_is_found_and_named(broken: BrokenRow, dirty: dict[str, GateReport]) -> None:
    report = dirty[broken.source]
    result = result_of(report, broken.check_id)
    assert result.outcome == broken.outcome
    assert result.rows_failed == (1 if broken.outcome == "warned" else len(broken.expected_rows))
    assert {row["source_row_number"] for row in result.details} == broken.expected_rows
    assert (
        f"row {min(broken.expected_rows)}" in result.observed
        or result.expectation_type != "unexpected_rows_expectation"
    )
    assert report.failing_rows is not None
    set_aside = pl.read_parquet(report.failing_rows).filter(pl.col("rule") == broken.check_id)
    wanted = broken.expected_rows if broken.outcome == "quarantined" else set[int]()
    assert set(set_aside["source_row_number"]) == wanted
    assert set_aside["reason"].null_count() == 0


def test_only_broken_rows_are_set_aside(dirty: dict[str, GateReport]) -> None:
    report = dirty["fingertips"]
    assert report.failing_rows is not None
    found = set(pl.read_parquet(report.failing_rows)["source_row_number"])
    broken = [one for one in BROKEN_ROWS if one.source == "fingertips" and one.outcome == "quarantined"]
    assert found == set().union(*(one.expected_rows for one in broken))


@pytest.mark.parametrize(
    ("source_id", "check_id", "outcome", "change", "says"),
    BROKEN_LOADS,
    ids=[f"{one[0]}-{one[1]}" for one in BROKEN_LOADS],
)
def test_a_broken_load_is_found(
    source_id: str,
    check_id: str,
    outcome: str,
    change: Callable[[pl.DataFrame], pl.DataFrame],
    says: str,
    good: Good,
    gate: Gate,
) -> None:
    rows = good[source_id]()
    result = result_of(gate(source_id, change(rows), before=rows), check_id)
    assert (result.outcome, says in result.observed) == (outcome, True), result.observed


def test_the_printed_locality_table_is_refused_with_its_arithmetic(
    printed_localities: pl.DataFrame, gate: Gate
) -> None:
    report = gate("trafford_localities", printed_localities)
    result = result_of(report, "localities_sum_to_borough")
    assert result.outcome == "blocked"
    assert result.observed == (
        "1 sum differs: E08000009 resident population 237,354, localities sum to 188,493, difference 48,861"
    )
    [row] = json.loads(result.details_json)
    assert row["parent_value"] - row["sum_of_localities"] == row["difference"] == 48_861
    outlier = result_of(report, "digit_count_outlier")
    assert (outlier.outcome, outlier.rows_failed) == ("warned", 1)
    assert "West 5,610" in outlier.observed


def rules_of_the_corpus() -> set[str]:
    """Every rule that a case of the corpus shows failing."""
    expected = [
        case["expect"]
        for path in sorted(CORPUS.glob("cases_*.yml"))
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
    return {rule for one in expected for key in ("blocked", "quarantined", "warned") for rule in one.get(key, ())}


def test_every_rule_of_every_suite_is_shown_failing() -> None:
    shown = {(one.source, one.check_id) for one in BROKEN_ROWS} | {(one[0], one[1]) for one in BROKEN_LOADS}
    shown |= {("trafford_localities", "localities_sum_to_borough"), ("trafford_localities", "digit_count_outlier")}
    # The shared rules are one text, so one source stands for all that include it.
    shared = {check_id for source, check_id in shown if source == "fingertips"}
    shared |= rules_of_the_corpus() | SHOWN_BY_ARITHMETIC
    for path in sorted(EXPECTATIONS.glob("*.json")):
        suite = load_suite(path)
        unshown = {
            one.check_id
            for one in suite.expectations
            if (suite.source, one.check_id) not in shown and not (suite.includes and one.check_id in shared)
        }
        assert unshown == set(), f"{path.name}: no test shows these rules failing"
