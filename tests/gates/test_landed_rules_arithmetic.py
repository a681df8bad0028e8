"""Where the arithmetic of the landed rules draws its lines: what is just refused, and what is just let through.

Each rule runs alone, on a handful of rows, with reference views made of the lines that it needs. That every rule of a
real suite fails on a broken load is shown in ``test_landed_rules`` and by the corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.acquire.landed_schema import INDICATOR_VALUES
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import CheckResult, run_gate

SUITE = load_suite(Path(__file__).resolve().parents[2] / "expectations" / "landed" / "fingertips.json")
NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)

KNOWN: dict[str, tuple[str, ...]] = {
    "known_area": ("area_code", "area_name", "area_type"),
    "known_area_type": ("area_type_label", "area_type", "boundary_vintage", "is_open_list", "code_pattern"),
    "known_age": ("age", "age_from", "age_to"),
    "known_category": ("category_type", "category"),
    "known_succession": ("area_code", "successor_code", "change"),
    "known_correction": (
        "correction_id", "source_id", "indicator_id", "area_code", "period_label", "sex", "age", "category_type",
        "category", "action", "expected_value",
    ),
}  # fmt: skip
VOCABULARY = {
    "known_area": [("E92000001", "England", "england"), ("E54000057", "NHS Greater Manchester", "icb")],
    "known_area_type": [
        ("GPs", "gp_practice", None, "1", "[A-Z][0-9]{5}"),
        ("UA", "single_tier_authority", None, "0", None),
    ],
    "known_age": [("All ages", "0", None), ("0-15 yrs", "0", "15"), ("16-64 yrs", "16", "64"), ("65+ yrs", "65", None)],
    "known_category": [("Disability", "Disabled"), ("Disability", "Not disabled")],
    "known_succession": [("E06000028", "E06000058", "merged")],
}
INDICATORS: list[dict[str, Any]] = [
    {"id": "share", "value_type": "proportion", "multiplier": 100, "typical_minimum": 4.0, "typical_maximum": 25.0},
    {"id": "survey", "value_type": "proportion", "multiplier": 100, "ci_method": "survey_weighted"},
    {"id": "open", "value_type": "proportion", "multiplier": 100, "typical_maximum": 25.0},
    {"id": "rate", "value_type": "crude_rate", "multiplier": 100_000},
    {"id": "people", "value_type": "count", "multiplier": 1, "aggregation": "sum"},
]
INDICATOR_TYPES: dict[str, Any] = {
    "id": pl.String, "source_id": pl.String, "name": pl.String, "labels": pl.List(pl.String), "value_type": pl.String,
    "unit": pl.String, "multiplier": pl.Int64, "minimum": pl.Float64, "maximum": pl.Float64,
    "typical_minimum": pl.Float64, "typical_maximum": pl.Float64, "ci_method": pl.String, "aggregation": pl.String,
}  # fmt: skip

Row = dict[str, Any]
Found = Callable[..., CheckResult]


def row(**columns: Any) -> Row:
    """One landed row for England in 2022/23, with what a test changes."""
    year = columns.pop("year", 2022)
    if columns.get("value") is not None:
        columns.setdefault("value_as_published", f"{columns['value']:g}")
    return {
        "source_id": "fingertips",
        "source_release": "2024-10",
        "source_table": "indicator_values",
        "indicator_id": "share",
        "area_code": "E92000001",
        "sex": "Persons",
        "age": "All ages",
        "period_label": f"{year}/{(year + 1) % 100:02}",
        "period_type": "financial",
        "period_start": date(year, 4, 1),
        "period_end": date(year + 1, 3, 31),
        **columns,
    }


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Landed columns and types; rows are numbered as in a file with a header."""
    numbered = [
        {"source_file": "file.csv", "source_row_number": number, "source_column": "Value", **one}
        for number, one in enumerate(rows, start=2)
    ]
    return pl.DataFrame(
        [{name: one.get(name) for name in INDICATOR_VALUES} for one in numbered], schema=INDICATOR_VALUES
    )


def text_view(columns: Sequence[str], lines: Sequence[Sequence[str | None]]) -> str:
    """A view of text columns; a line may be shorter than the columns."""
    padded = [(*line, *[None] * (len(columns) - len(line))) for line in lines] or [(None,) * len(columns)]
    values = ", ".join("(" + ", ".join("null" if x is None else f"'{x}'" for x in line) + ")" for line in padded)
    cast = ", ".join(f"cast(column{number} as varchar) as {name}" for number, name in enumerate(columns))
    named = ", ".join(f"column{number}" for number in range(len(columns)))
    return f"select {cast} from (values {values}) as lines({named}) where column0 is not null"


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Run one rule over rows and return its result."""

    def run(
        check_id: str,
        rows: Sequence[Row],
        before: Sequence[Row] = (),
        corrections: Sequence[Sequence[str | None]] = (),
    ) -> CheckResult:
        frame(rows).write_parquet(tmp_path / "landed.parquet")
        frame(before).write_parquet(tmp_path / "before.parquet")
        declared = [{name: one.get(name) for name in INDICATOR_TYPES} for one in INDICATORS]
        pl.DataFrame(declared, schema=INDICATOR_TYPES).with_columns(
            name=pl.coalesce("name", "id"), source_id=pl.lit("fingertips")
        ).write_parquet(tmp_path / "indicators.parquet")
        rule = tuple(one for one in SUITE.expectations if one.check_id == check_id)
        lines = {**VOCABULARY, "known_correction": corrections}
        report = run_gate(
            tmp_path / "landed.parquet",
            SUITE.model_copy(update={"expectations": rule}),
            {
                **{name: text_view(columns, lines[name]) for name, columns in KNOWN.items()},
                "known_indicator": "select id as indicator_id, * exclude (id) from "
                f"read_parquet('{tmp_path / 'indicators.parquet'}')",
                "last_accepted": f"select * from read_parquet('{tmp_path / 'before.parquet'}')",
            },
            now=NOW,
            engine="duckdb",
        )
        (result,) = report.results
        assert result.outcome != "not_evaluated", result.observed
        return result

    return run


def family(whole: float, parts: Sequence[float], codes: Sequence[str] | None = None, **columns: Any) -> list[Row]:
    """A parent and its children, as counts."""
    codes = codes or [f"E0600{number:04}" for number in range(1, len(parts) + 1)]
    shared = {"indicator_id": "rate", **columns}
    children = [
        row(**shared, area_code=code, area_type="UA", parent_code="E12000002", count=part)
        for code, part in zip(codes, parts, strict=True)
    ]
    return [row(**shared, area_code="E12000002", area_type="Region", count=whole), *children]


@pytest.mark.parametrize(
    ("whole", "parts", "rows"),
    [
        (300.0, (101.0, 102.0, 97.0), 0),
        (300.0, (101.0, 107.0, 98.0), 4),
        # Each rounded to the nearest five, or up to it.
        (300.0, (105.0, 110.0, 100.0), 0),
        (300.0, (105.0, 115.0, 105.0), 4),
        # Hundreds, as in the labour force tables.
        (105_400.0, (52_900.0, 52_600.0), 0),
        # One in a hundred is said and let through.
        (10_000.0, (5_051.0, 5_048.0), 0),
        (10_000.0, (5_051.0, 5_052.0), 3),
    ],
)
def test_parts_may_exceed_their_whole_by_rounding(
    whole: float, parts: tuple[float, ...], rows: int, found: Found
) -> None:
    result = found("children_exceed_parent", family(whole, parts))
    assert result.rows_failed == rows
    slightly = found("children_exceed_parent_slightly", family(whole, parts))
    assert slightly.rows_failed == (1 if parts == (5_051.0, 5_048.0) else 0)


def test_an_area_that_stands_twice_is_summed_once(found: Found) -> None:
    rows = family(300.0, (150.0, 149.0))
    assert found("children_exceed_parent", [*rows, rows[1]]).outcome == "passed"


def test_an_area_and_the_one_it_was_merged_into_are_not_both_summed(found: Found) -> None:
    codes = ("E06000028", "E06000058")
    assert found("children_exceed_parent", family(300.0, (120.0, 299.0), codes)).outcome == "passed"
    codes = ("E06000027", "E06000058")
    assert found("children_exceed_parent", family(300.0, (120.0, 299.0), codes)).outcome == "quarantined"


def test_areas_of_different_kinds_are_different_families(found: Found) -> None:
    rows = family(300.0, (200.0, 200.0))
    rows[2]["area_type"] = "County"
    assert found("children_exceed_parent", rows).outcome == "passed"


def test_counts_that_fall_short_need_denominators_that_do_not(found: Found) -> None:
    rows = family(1_003.0, (502.0, 401.0), denominator=5_000.0)
    rows[0]["denominator"] = 10_000.0
    assert found("children_do_not_sum", rows).rows_failed == 3
    rows[1]["denominator"] = 4_000.0
    assert found("children_do_not_sum", rows).outcome == "passed"
    rows[1]["denominator"], rows[1]["count"] = 5_000.0, None
    assert found("children_do_not_sum", rows).outcome == "passed"


@pytest.mark.parametrize(
    ("persons", "indicator", "rows"),
    [(1_000.0, "rate", 0), (990.0, "rate", 3), (1_010.0, "rate", 0), (1_010.0, "people", 3), (1_001.0, "people", 0)],
)
def test_men_and_women_are_all_persons_only_in_a_count_of_people(
    persons: float, indicator: str, rows: int, found: Found
) -> None:
    people = {"Male": 489.0, "Female": 511.0, "Persons": persons}
    result = found("sexes_do_not_sum", [row(indicator_id=indicator, sex=sex, count=n) for sex, n in people.items()])
    assert result.rows_failed == rows


@pytest.mark.parametrize(
    ("bands", "rows"),
    [
        ({"0-15 yrs": 203.0, "16-64 yrs": 498.0, "65+ yrs": 301.0}, 0),
        ({"0-15 yrs": 203.0, "16-64 yrs": 498.0, "65+ yrs": 321.0}, 4),
        # A band is not in the table, so nothing has to add up.
        ({"0-15 yrs": 203.0, "65+ yrs": 301.0}, 0),
    ],
)
def test_only_ages_without_a_gap_have_to_add_up(bands: dict[str, float], rows: int, found: Found) -> None:
    people = {"All ages": 1_002.0, **bands}
    result = found("ages_do_not_sum", [row(indicator_id="people", age=age, value=n) for age, n in people.items()])
    assert result.rows_failed == rows


@pytest.mark.parametrize(
    ("printed", "base", "indicator", "attainable"),
    [
        ("19.62", 133.0, "share", False),
        ("19.62", 107.0, "share", True),  # 21 of 107 is 19.626, cut off
        ("19.63", 107.0, "share", True),  # and rounded
        ("19.64", 107.0, "share", False),
        ("3.93", 1_556.0, "share", False),
        ("3.93", 2_469.0, "share", True),
        ("0", 5.0, "share", True),
        ("100.0", 7.0, "share", True),
        ("33", 3.0, "share", True),
        ("34", 3.0, "share", False),
        ("9.5", 501.0, "share", True),  # at one decimal almost everything exists from about 500 on
        ("19.62", 133.5, "share", True),  # no whole number of people
        ("19.62", 133.0, "survey", True),  # weighted answers
        ("19.624060", 133.0, "share", True),  # not printed for readers but exported
    ],
)
def test_a_percentage_exists_on_its_base_or_not(
    printed: str, base: float, indicator: str, attainable: bool, found: Found
) -> None:
    rows = [row(indicator_id=indicator, value=float(printed), value_as_published=printed, denominator=base)]
    result = found("percentage_not_attainable", rows)
    assert result.outcome == ("passed" if attainable else "quarantined"), result.observed


@pytest.mark.parametrize(
    ("indicator", "value", "far", "unusual"),
    [
        ("share", 25.0, False, False),
        ("share", 25.1, False, True),
        ("share", 46.0, False, True),
        ("share", 46.1, True, False),
        ("share", 3.9, False, True),
        ("open", 99.0, False, True),
    ],
)
def test_far_from_the_plausible_is_further_than_it_is_wide(
    indicator: str, value: float, far: bool, unusual: bool, found: Found
) -> None:
    rows = [row(indicator_id=indicator, value=value)]
    assert (found("value_far_from_typical_range", rows).outcome == "quarantined") is far
    assert (found("value_outside_typical_range", rows).outcome == "warned") is unusual


@pytest.mark.parametrize(
    ("value", "count", "power_of_ten", "differs"),
    [
        (13.4, 134.0, False, False),
        (1.34, 134.0, True, False),
        (1_340.0, 134.0, True, False),
        (0.134, 134.0, True, False),
        (15.0, 134.0, False, True),
        (45.0, 134.0, False, True),
        (0.0, 134.0, False, True),
        (13.4, 0.0, False, True),
        (-13.4, 134.0, False, True),
    ],
)
def test_a_value_off_its_count_is_so_by_a_power_of_ten_or_otherwise(
    value: float, count: float, power_of_ten: bool, differs: bool, found: Found
) -> None:
    rows = [row(value=value, count=count, denominator=1_000.0)]
    assert (found("value_off_by_a_power_of_ten", rows).outcome == "quarantined") is power_of_ten
    assert (found("value_differs_from_its_count", rows).outcome == "warned") is differs


@pytest.mark.parametrize(
    ("factor", "areas", "jumps"),
    [(0.01, 3, True), (0.01, 2, False), (10.0, 3, True), (1.6, 3, False), (0.05, 3, False)],
)
def test_a_unit_jumps_for_all_areas_by_a_power_of_ten(factor: float, areas: int, jumps: bool, found: Found) -> None:
    before = [
        row(indicator_id="rate", area_code=f"E0600000{n}", value=40.0 + n, year=year)
        for n in range(areas)
        for year in (2021, 2022)
    ]
    rows = [{**one, "value": one["value"] * factor} for one in before]
    result = found("unit_jump", rows, before)
    assert (result.outcome == "blocked") is jumps
    if factor == 0.01 and jumps:
        assert "looks like per 1,000 instead of per 100,000" in result.observed


def test_one_area_that_is_revised_is_no_jump_of_the_unit(found: Found) -> None:
    before = [row(indicator_id="rate", area_code=f"E0600000{n}", value=40.0 + n) for n in range(5)]
    rows = [{**before[0], "value": 400.0}, *before[1:]]
    assert found("unit_jump", rows, before).outcome == "passed"
    changed = found("past_figures_changed", rows, before)
    assert "1 figure moved by more than 5 %, E06000000, 2022/23 from 40 to 400 the most" in changed.observed


@pytest.mark.parametrize(("lost", "refused"), [((2012,), False), ((2012, 2013, 2014), True), ((2021,), True)])
def test_a_fifth_of_the_periods_or_the_latest_may_not_be_lost(
    lost: tuple[int, ...], refused: bool, found: Found
) -> None:
    before = [row(value=10.0, year=year) for year in range(2012, 2022)]
    rows = [one for one in before if one["period_start"].year not in lost]
    assert (found("fewer_periods_than_last_load", rows, before).outcome == "blocked") is refused


@pytest.mark.parametrize(
    ("value", "other", "contradicts"), [(13.37, 13.4, False), (13.3, 13.4, True), (13.4, None, True)]
)
def test_a_rounded_figure_does_not_contradict_the_exact_one(
    value: float, other: float | None, contradicts: bool, found: Found
) -> None:
    result = found("key_published_with_two_values", [row(value=value), row(value=other)])
    assert (result.outcome == "quarantined") is contradicts


def test_one_label_over_two_ranges_is_two_keys(found: Found) -> None:
    rows = [row(value=13.0, period_range="1y"), row(value=14.0, period_range="3y")]
    assert found("key_published_with_two_values", rows).outcome == "passed"


@pytest.mark.parametrize(
    ("code", "kind", "known"),
    [
        ("E92000001", "England", True),
        ("nE54000057", "ICBs", True),
        ("P81001", "GPs", True),
        ("P81001", None, True),
        ("P8100", "GPs", False),
        ("P81001", "UA", False),
    ],
)
def test_an_open_list_knows_its_codes_by_their_form(code: str, kind: str | None, known: bool, found: Found) -> None:
    result = found("unknown_area", [row(area_code=code, area_type=kind)])
    assert (result.outcome == "passed") is known


CORRECTION = (
    "wrong-figure",
    "fingertips",
    "share",
    "E92000001",
    "2022/23",
    None,
    None,
    None,
    None,
    "withhold",
    "5,610",
)


@pytest.mark.parametrize(
    ("rows", "guard", "absent"),
    [
        ([row(value=5_610.0)], "passed", "passed"),
        ([row(value=54_471.0)], "blocked", "passed"),
        ([row(value=None)], "blocked", "passed"),
        ([row(value=1.0, year=2021)], "passed", "warned"),
        ([row(indicator_id="rate", value=1.0)], "passed", "passed"),
        ([row(value=1.0, source_id="trafford_jsna")], "passed", "passed"),
        # The release that counts is the newest one.
        ([row(value=5_610.0), row(value=54_471.0, source_release="2025-10")], "blocked", "passed"),
        ([row(value=54_471.0), row(value=5_610.0, source_release="2025-10")], "passed", "passed"),
    ],
)
def test_a_correction_is_guarded_by_the_figure_it_corrects(
    rows: list[Row], guard: str, absent: str, found: Found
) -> None:
    result = found("correction_guard_broken", rows, corrections=[CORRECTION])
    assert result.outcome == guard
    if guard == "blocked" and rows[-1]["value"]:
        assert "remove correction wrong-figure; it expects 5,610, the load has 54,471" in result.observed
    assert found("correction_without_row", rows, corrections=[CORRECTION]).outcome == absent


def test_a_correction_of_one_sex_leaves_the_other_alone(found: Found) -> None:
    men = (*CORRECTION[:5], "Male", *CORRECTION[6:])
    assert found("correction_guard_broken", [row(value=1.0, sex="Female")], corrections=[men]).outcome == "passed"
    assert found("correction_guard_broken", [row(value=1.0, sex="Male")], corrections=[men]).outcome == "blocked"


@pytest.mark.parametrize(
    ("whole", "suppressed", "derivable"), [(303.0, (2,), True), (303.0, (1, 2), False), (340.0, (2,), False)]
)
def test_a_lone_suppressed_count_can_be_worked_out(
    whole: float, suppressed: tuple[int, ...], derivable: bool, found: Found
) -> None:
    rows = family(whole, (200.0, 100.0, 3.0)) if suppressed != (2,) else family(whole, (200.0, 3.0, 100.0))
    for number in suppressed:
        rows[number] |= {"count": None, "value_marker_meaning": "suppressed"}
    result = found("suppressed_count_derivable", rows)
    assert (result.outcome == "warned") is derivable
    if derivable:
        assert "which leaves 3" in result.observed


@pytest.mark.parametrize(
    ("columns", "speaks"),
    [
        ({"count": 4.0}, True),
        ({"count": 5.0}, False),
        ({"count": 0.0}, False),
        ({"count": 2.6}, False),  # weighted, nobody in particular
        ({"value": 20.0, "denominator": 5.0}, True),
        ({"value": 20.0, "denominator": 500.0}, False),
        ({"count": 0.0, "denominator": 3.0}, True),
        ({"value": None, "denominator": 3.0}, False),
        ({"count": 3.0, "area_code": "E92000001"}, False),
        ({"count": 3.0, "indicator_id": "survey"}, False),
    ],
)
def test_fewer_than_five_people_below_england_are_named(columns: Row, speaks: bool, found: Found) -> None:
    result = found("small_counts", [row(**{"area_code": "E06000001", **columns})])
    assert (result.outcome == "warned") is speaks
