"""Gaps between groups and slopes across deprivation, from ``numbers.txt``."""

from __future__ import annotations

import math

import pytest

from pipelines.model.duckdb_functions import CONFIDENCE, REPETITIONS
from pipelines.model.methods.slope_index import Quantile, seed_of, slope_index

TENTHS = "Test deprivation deciles within area"
FIFTHS = "Test deprivation quintiles in England"
TONGUES = "First language"


@pytest.fixture(scope="session")
def inequality(rows):
    """Return a function from a measure, an area and a dimension to its row, or None where there is none."""

    def find(measure, area, dimension):
        found = rows(
            """
            select i.*, g.sex, g.age, g.category
            from fct_inequality as i
            inner join dim_population_group as g on i.population_group_key = g.population_group_key
            where i.indicator_id = 'ons_subnational.' || ? and i.area_code = ? and i.dimension = ?
            """,
            measure,
            area,
            dimension,
        )
        assert len(found) < 2
        return found[0] if found else None

    return find


# Gaps.


@pytest.mark.parametrize(
    ("measure", "area", "dimension", "direction", "groups", "ends", "gap", "ratio"),
    [
        ("steep", "X1201", TENTHS, "most_minus_least_deprived", 10, ("Tenth 1", "Tenth 10"), 15, 2),
        (
            "steep",
            "X1202",
            TENTHS,
            "most_minus_least_deprived",
            9,
            ("Tenth 1", "Tenth 10"),
            15,
            2,
        ),  # one between is not there
        ("steep", "X1211", FIFTHS, "most_minus_least_deprived", 5, ("Fifth 1", "Fifth 5"), 15, 2),
        ("steep_good", "X1201", FIFTHS, "least_minus_most_deprived", 5, ("Fifth 5", "Fifth 1"), 15, 1.25),
        ("steep_neutral", "X1201", FIFTHS, "most_minus_least_deprived", 5, ("Fifth 1", "Fifth 5"), -15, 0.8),
        (
            "steep_rate",
            "X1201",
            FIFTHS,
            "most_minus_least_deprived",
            5,
            ("Fifth 1", "Fifth 5"),
            50,
            None,
        ),  # beside nought
        ("steep", "X1201", "Sex", "male_minus_female", 2, ("Male", "Female"), 10, 1.5),
        # 99 and 1 are those of whom the language is not known.
        ("steep", "X1201", TONGUES, "highest_minus_lowest", 3, ("Tongue A", "Tongue B"), 12, 30 / 18),
    ],
)
def test_gap(inequality, measure, area, dimension, direction, groups, ends, gap, ratio):
    row = inequality(measure, area, dimension)
    assert (row["gap_direction"], row["group_count"]) == (direction, groups)
    assert (row["group_a"], row["group_b"]) == ends
    assert row["absolute_gap"] == pytest.approx(gap)
    assert row["absolute_gap"] == row["value_a"] - row["value_b"]
    assert row["relative_gap"] == (None if ratio is None else pytest.approx(ratio))
    assert (row["sex"], row["age"], row["category"]) == ("Persons", "All ages", "Total")


@pytest.mark.parametrize(
    ("area", "dimension"),
    [
        ("X1202", "Sex"),  # men only
        ("X1202", TONGUES),  # one language, and the unknown
    ],
)
def test_one_group_has_no_gap(inequality, area, dimension):
    assert inequality("steep", area, dimension) is None


def test_where_an_end_of_deprivation_has_no_value_the_row_says_so_and_gives_no_gap(inequality):
    # The most deprived fifth is not there.
    row = inequality("steep", "X1301", FIFTHS)
    assert (row["group_count"], row["no_slope_reason"]) == (4, "quantiles_incomplete")
    assert {row[name] for name in ("group_a", "group_b", "value_a", "value_b", "absolute_gap", "relative_gap")} == {
        None
    }


def test_limits_of_a_gap_are_those_of_independent_groups(inequality):
    row = inequality("steep", "X1201", "Sex")
    # 30 (27 to 33) less 20 (18 to 22): half the widths, 3 and 2, are added up squared.
    assert row["absolute_gap_lower_ci_95"] == pytest.approx(10 - math.sqrt(13))
    assert row["absolute_gap_upper_ci_95"] == pytest.approx(10 + math.sqrt(13))
    half = math.hypot(math.log(33 / 27), math.log(22 / 18)) / 2
    assert row["relative_gap_lower_ci_95"] == pytest.approx(1.5 / math.exp(half))
    assert row["relative_gap_upper_ci_95"] == pytest.approx(1.5 * math.exp(half))


def test_limits_of_a_gap_without_printed_ones_come_from_counts(inequality):
    row = inequality("steep", "X1211", FIFTHS)
    # Wilson: 300 of 1,000 is 27.24 to 32.91, 75 of 500 is 12.14 to 18.40.
    half = math.hypot((32.9124 - 27.2407) / 2, (18.3961 - 12.1376) / 2)
    assert row["absolute_gap_lower_ci_95"] == pytest.approx(15 - half, abs=5e-3)
    assert row["absolute_gap_upper_ci_95"] == pytest.approx(15 + half, abs=5e-3)


def test_groups_picked_by_their_values_have_no_limits(inequality):
    row = inequality("steep", "X1201", TONGUES)
    assert [row[f"{kind}_gap_{side}_ci_95"] for kind in ("absolute", "relative") for side in ("lower", "upper")] == [
        None,
        None,
        None,
        None,
    ]


def test_the_two_values_of_a_gap_are_published_rows(inequality, figures):
    row = inequality("steep", "X1201", TENTHS)
    groups = figures("steep")
    assert row["value_a_key"] == groups["X1201", "2024", "Tenth 1"]["indicator_value_key"]
    assert row["value_b_key"] == groups["X1201", "2024", "Tenth 10"]["indicator_value_key"]


# Slopes.

STEEP = [
    # value, lower, upper and population of each tenth, the most deprived first
    (30, 27, 33, 1000),
    (28, 25, 31, 1000),
    (27, 24, 30, 1000),
    (25, 22, 28, 2000),
    (24, 21, 27, 1000),
    (22, 19, 25, 1000),
    (21, 18, 24, 1000),
    (20, 17, 23, 1000),
    (18, 15, 21, 1000),
    (15, 12, 18, 500),
]
GOOD = [(60, 57, 63, 1000), (62, 59, 65, 1000), (65, 62, 68, 2000), (70, 67, 73, 1000), (75, 72, 78, 1000)]
RATES = [(50, 40, 62, 1e5), (45, 35, 57, 1e5), (40, 31, 51, 2e5), (32, 23, 43, 1e5), (30, 21, 41, 1e5)]


@pytest.mark.parametrize(
    ("measure", "area", "area_type", "dimension", "groups", "kind", "multiplier", "basis"),
    [
        # Low is good: a positive slope means that the most deprived are worse off, so the line is turned.
        ("steep", "X1201", "unitary_authority", TENTHS, STEEP, "proportion", -100, "denominators"),
        ("steep", "X1203", "county", TENTHS, [(*one[:3], 1) for one in STEEP], "proportion", -100, "equal_shares"),
        ("steep_good", "X1201", "unitary_authority", FIFTHS, GOOD, "proportion", 100, "denominators"),
        ("steep_neutral", "X1201", "unitary_authority", FIFTHS, GOOD, "proportion", -100, "denominators"),
        ("steep_rate", "X1202", "metropolitan_district", FIFTHS, RATES, "rate", -1, "denominators"),
    ],
)
def test_slope(inequality, measure, area, area_type, dimension, groups, kind, multiplier, basis):
    row = inequality(measure, area, dimension)
    assert (row["no_slope_reason"], row["population_basis"]) == (None, basis)
    key = (
        f"ons_subnational.{measure}",
        area,
        area_type,
        "2024-01-01",
        "2024-12-31",
        "Persons",
        "All ages",
        dimension,
    )
    unit = 100 if kind == "proportion" else 1
    expected = slope_index(
        [
            Quantile(number, population, value / unit, lower95=lower / unit, upper95=upper / unit)
            for number, (value, lower, upper, population) in enumerate(groups, start=1)
        ],
        quantile_count=len(groups),
        seed=seed_of(*key),
        value_type=kind,
        multiplier=multiplier,
        confidences=(CONFIDENCE,),
        repetitions=REPETITIONS,
    )
    (limits,) = expected.limits
    assert row["slope_index"] == pytest.approx(expected.sii, rel=1e-12)
    assert row["relative_index"] == pytest.approx(expected.rii, rel=1e-12)
    # The same seed draws the same numbers: another would differ in the third digit.
    assert row["slope_index_lower_ci_95"] == pytest.approx(limits.sii_lower, rel=1e-9)
    assert row["slope_index_upper_ci_95"] == pytest.approx(limits.sii_upper, rel=1e-9)
    assert row["relative_index_lower_ci_95"] == pytest.approx(limits.rii_lower, rel=1e-9)
    assert row["relative_index_upper_ci_95"] == pytest.approx(limits.rii_upper, rel=1e-9)


def test_slope_by_hand(inequality):
    """Fit the line to groups of 1, 1, 2, 1 and 1 sixths of the people: their middles are 1, 3, 6, 9, 11 twelfths."""
    middles = [1 / 12, 3 / 12, 6 / 12, 9 / 12, 11 / 12]
    values, weights = [60, 62, 65, 70, 75], [1, 1, 2, 1, 1]
    spread = sum(w * (b - 0.5) ** 2 for w, b in zip(weights, middles, strict=True))
    slope = sum(w * (b - 0.5) * v for w, b, v in zip(weights, middles, values, strict=True)) / spread
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / 6
    row = inequality("steep_good", "X1201", FIFTHS)
    assert row["slope_index"] == pytest.approx(slope)
    assert row["relative_index"] == pytest.approx((mean + slope / 2) / (mean - slope / 2))
    # Judged the other way round, or not at all, the most deprived come first.
    turned = inequality("steep_neutral", "X1201", FIFTHS)
    assert turned["slope_index"] == pytest.approx(-slope)
    assert turned["relative_index"] == pytest.approx((mean - slope / 2) / (mean + slope / 2))


@pytest.mark.parametrize(
    ("measure", "area", "dimension", "reason", "has_index"),
    [
        ("steep", "X1202", TENTHS, "quantiles_incomplete", False),
        ("steep", "X1212", FIFTHS, "value_missing", False),  # suppressed
        ("steep", "X1302", FIFTHS, "limits_missing", True),  # of the last fifth, whose denominator is missing, too
        ("steep_rate", "X1201", FIFTHS, "limits_off_scale", True),  # nought has no logarithm
    ],
)
def test_why_there_is_no_slope(inequality, measure, area, dimension, reason, has_index):
    row = inequality(measure, area, dimension)
    assert row["no_slope_reason"] == reason
    assert (row["slope_index"] is not None, row["slope_index_lower_ci_95"]) == (has_index, None)
    assert (row["relative_index"] is not None, row["relative_index_lower_ci_95"]) == (has_index, None)


def test_one_denominator_that_is_missing_makes_all_shares_equal(inequality):
    assert inequality("steep", "X1302", FIFTHS)["population_basis"] == "equal_shares"


def test_only_deprivation_has_a_slope(rows):
    found = rows("""
        select dimension, count(*) as n from fct_inequality
        where slope_index is not null or no_slope_reason is not null or population_basis is not null
        group by dimension order by dimension
    """)
    assert [row["dimension"] for row in found] == [TENTHS, FIFTHS]
