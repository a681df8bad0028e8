"""Gaps that a commitment wants to narrow: between two indicators, and across the groups of a breakdown."""

from __future__ import annotations

import math

import pytest

FIFTHS = "Test deprivation quintiles in England"


@pytest.fixture(scope="session")
def periods(rows):
    """Return a function from a commitment to period label to row."""

    def find(commitment):
        found = rows(
            """
            select t.*, p.period_label
            from fct_target_vs_actual as t
            inner join dim_period as p on t.period_key = p.period_key
            where t.commitment_id = ?
            """,
            commitment,
        )
        keyed = {row["period_label"]: row for row in found}
        assert len(keyed) == len(found) > 0
        return keyed

    return find


@pytest.mark.parametrize(
    ("commitment", "measured_as"),
    [
        ("gap_of_two", "gap_between_indicators"),
        ("gap_of_ends", "gap_across_groups"),
        ("gap_narrows", "value"),  # a gap that a publisher prints
        ("gap_without_measure", "gap_across_groups"),
        ("not_measurable", "none"),
    ],
)
def test_how_a_gap_is_measured(shown, commitment, measured_as):
    assert shown(commitment)["measured_as"] == measured_as


# Positive where the first are worse off: 70 less 50 where high is good, 30 less 20 where low is good.
@pytest.mark.parametrize(
    ("commitment", "gaps"),
    [
        ("gap_of_two", {"2015": 20, "2024": 15}),
        ("gap_of_two_low", {"2015": 10, "2023": 9, "2024": 8}),  # in 2020 one of them has no value
        ("gap_of_two_wider", {"2015": 10, "2024": 12}),
        ("gap_of_two_ratio", {"2015": 70 / 50, "2024": 75 / 60}),
    ],
)
def test_gap_between_two_indicators(periods, commitment, gaps):
    found = periods(commitment)
    assert {label: row["actual_value"] for label, row in found.items()} == pytest.approx(gaps)
    assert {row["baseline_value"] for row in found.values()} == {gaps["2015"]}


def test_a_gap_between_two_has_the_limits_of_independent_figures(periods):
    row = periods("gap_of_two")["2024"]
    # 60 (58 to 62) and 75 (74 to 76): half the widths, 2 and 1, added up squared.
    assert row["actual_lower_ci_95"] == pytest.approx(15 - math.sqrt(5), rel=1e-12)
    assert row["actual_upper_ci_95"] == pytest.approx(15 + math.sqrt(5), rel=1e-12)
    assert row["change_method"] == "one_sided_normal_test"
    bare = periods("gap_of_two_low")["2024"]
    assert (bare["actual_lower_ci_95"], bare["change_method"]) == (None, "ten_percent_rule")


def test_a_ratio_of_two_has_limits_on_the_scale_of_its_logarithm(periods):
    row = periods("gap_of_two_ratio")["2024"]
    half = math.hypot(math.log(76 / 74), math.log(62 / 58)) / 2
    limits = (row["actual_lower_ci_95"], row["actual_upper_ci_95"])
    assert limits == pytest.approx((1.25 / math.exp(half), 1.25 * math.exp(half)), rel=1e-12)


def test_both_ends_of_a_gap_are_published_rows(rows):
    found = rows("""
        select v.value, w.value as other
        from fct_target_vs_actual as t
        inner join fct_indicator_value as v on t.actual_value_key = v.indicator_value_key
        inner join fct_indicator_value as w on t.comparator_value_key = w.indicator_value_key
        where t.commitment_id = 'gap_of_two' and t.is_scorecard_period = 1
    """)
    assert found == [{"value": 60, "other": 75}]
    [bridge] = rows("""
        select i.indicator_id, w.indicator_id as versus_id
        from bridge_commitment_indicator as b
        inner join dim_commitment as c on b.commitment_key = c.commitment_key
        inner join dim_indicator as i on b.indicator_key = i.indicator_key
        inner join dim_indicator as w on b.versus_indicator_key = w.indicator_key
        where c.commitment_id = 'gap_of_two'
    """)
    assert bridge == {"indicator_id": "fingertips.gap_of_two", "versus_id": "fingertips.all_pupils"}


def test_a_gap_may_have_a_level_to_reach(shown):
    row = shown("gap_to_a_level")
    # 20 to 15 in 9 of 15 years, where 12 are wanted.
    assert (row["target_value"], row["gap_to_target"]) == (12, 3)
    assert row["pace_ratio"] == pytest.approx((5 / 9) / (8 / 15))
    assert row["trajectory_value"] == pytest.approx(20 - 8 * 9 / 15)
    assert row["gap_in_people"] is None


# 15 to 10 percentage points; 2 times to 1.625 times. Slopes by least squares, weighted by populations of 1, 2, 1, 1, 1.
@pytest.mark.parametrize(
    ("commitment", "column", "values"),
    [
        ("gap_of_ends", "absolute_gap", (15, 10)),
        ("gap_as_ratio", "relative_gap", (2, 1.625)),
        ("gap_as_slope", "slope_index", (288 / 17, 192 / 17)),
        ("gap_as_index", "relative_index", (845 / 413, 235 / 139)),
    ],
)
def test_gap_across_groups(rows, periods, commitment, column, values):
    found = periods(commitment)
    # In 2020 one of the ends is not there, and there is no gap without both.
    assert sorted(found) == ["2015", "2024"]
    assert [found[year]["actual_value"] for year in ("2015", "2024")] == pytest.approx(values, rel=1e-12)
    [of_it] = rows(
        f"""
        select i.{column} as value, i.{column}_lower_ci_95 as lower, i.{column}_upper_ci_95 as upper, i.dimension
        from fct_target_vs_actual as t
        inner join fct_inequality as i on t.actual_inequality_key = i.inequality_key
        where t.commitment_id = ? and t.is_scorecard_period = 1
        """,
        commitment,
    )
    row = found["2024"]
    assert of_it == {
        "value": row["actual_value"],
        "lower": row["actual_lower_ci_95"],
        "upper": row["actual_upper_ci_95"],
        "dimension": FIFTHS,
    }
    assert row["actual_lower_ci_95"] < row["actual_value"] < row["actual_upper_ci_95"]
    assert (row["baseline_value"], row["baseline_period_label"]) == (found["2015"]["actual_value"], "2015")
    assert row["baseline_inequality_key"] == found["2015"]["actual_inequality_key"]


def test_limits_of_the_gap_between_the_ends(periods):
    row = periods("gap_of_ends")["2024"]
    assert (row["actual_lower_ci_95"], row["actual_upper_ci_95"]) == pytest.approx(
        (10 - math.sqrt(8), 10 + math.sqrt(8))
    )
    # Five points with standard errors of sqrt(8) / 1.96 at both ends: z = 2.45.
    assert (row["change_code"], row["change_method"]) == ("improving", "one_sided_normal_test")


def test_a_gap_that_widened_by_no_more_than_chance(shown):
    row = shown("gap_of_ends_wider")
    assert (row["baseline_value"], row["actual_value"]) == (10, 12)
    assert (row["level_code"], row["change_code"], row["is_slipping"]) == ("not_met", "no_detectable_change", 0)


def test_a_gap_is_a_measure_of_the_whole_population(rows):
    [found] = rows("""
        select g.category, g.sex, b.gap_category_type, t.baseline_value_key, t.actual_value_key
        from fct_target_vs_actual as t
        inner join dim_population_group as g on t.population_group_key = g.population_group_key
        inner join bridge_commitment_indicator as b on t.commitment_key = b.commitment_key
        where t.commitment_id = 'gap_of_ends' and t.is_scorecard_period = 1
    """)
    assert tuple(found.values()) == ("Total", "Persons", FIFTHS, None, None)


@pytest.mark.parametrize("view", ["fct_commitment_comparison", "v_commitment_breakdown"])
def test_a_gap_is_not_set_beside_the_levels_of_other_areas_and_groups(rows, view):
    # The gap is 15 points; the level behind its first end is 60, in England 65.
    assert rows(f"from {view} where commitment_id = 'gap_of_two'") == []
