"""The second arithmetic of a status, by hand-made numbers, and its constants by those of the model."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pytest
import yaml

from pipelines.report import recompute

REPOSITORY = Path(__file__).resolve().parents[2]


def test_constants_are_those_of_the_model():
    configured = yaml.safe_load((REPOSITORY / "dbt_project" / "dbt_project.yml").read_text("utf-8"))["vars"]
    assert {name: configured[name] for name in configured if not name.endswith("_models")} == {
        "pace_on_track": recompute.PACE_ON_TRACK,
        "pace_at_risk": recompute.PACE_AT_RISK,
        "change_z": recompute.CHANGE_Z,
        "change_fallback_percent": recompute.CHANGE_FALLBACK_PERCENT,
        "assurance_minimum_points": recompute.ASSURANCE_MINIMUM_POINTS,
        "disclosure_minimum": recompute.DISCLOSURE_MINIMUM,
    }


@pytest.mark.parametrize(
    ("computed", "stored", "same"),
    [
        (0.1 + 0.2, 0.3, True),
        (1.0, 1.00000001, False),
        (5e10, 5e10 + 1, True),
        (None, None, True),
        (None, 0.0, False),
        (0.0, None, False),
        ("met", "met", True),
        ("met", "not_met", False),
        (3, 3.0, True),
    ],
)
def test_when_two_results_agree(computed, stored, same):
    assert recompute.agrees(computed, stored) is same


@pytest.mark.parametrize(
    ("kind", "recurrence", "is_measured", "family"),
    [
        ("absolute_level", None, True, "level"),
        ("percent_change_from_baseline", None, True, "level"),
        ("meet_external_annual_target", None, True, "level"),
        ("match_comparator", None, True, "comparator"),
        ("gap_reduction", None, True, "direction"),
        ("sustained_annual_reduction", None, True, "sequence"),
        ("max_rise_from_baseline", None, True, "cap"),
        ("completion_by_date", None, False, "milestone"),
        ("none", "annual", False, "milestone"),
        ("none", None, True, "none"),
    ],
)
def test_families(kind, recurrence, is_measured, family):
    assert recompute.family_of(kind, recurrence, is_measured) == family


@pytest.mark.parametrize(
    ("wants", "operator", "sign"),
    [("increase", "<=", 1), ("decrease", None, -1), ("cap", None, -1), ("maintain", ">", 1), (None, "<", -1)],
)
def test_signs(wants, operator, sign):
    assert recompute.sign_of(wants, operator) == sign
    assert recompute.sign_of("maintain", None) is None


def test_years_are_hundredths():
    assert recompute.years_between(date(2015, 12, 31), date(2024, 12, 31)) == 9.0
    assert recompute.years_between(date(2023, 3, 31), date(2035, 12, 31)) == 12.75


@pytest.mark.parametrize(
    ("value", "lower", "upper", "target", "operator", "code"),
    [
        (20, 18, 20, 20, "<=", "met_confident"),
        (20, 18, 20, 20, "<", "not_distinguishable"),
        (22, 21, 23, 20, "<=", "not_met_confident"),
        (20, None, 21, 20, ">=", "met"),
        (20, None, None, 20, ">", "not_met"),
        (None, None, None, 20, ">", None),
        (20, 19, 21, None, ">", None),
    ],
)
def test_level(value, lower, upper, target, operator, code):
    assert recompute.level(value, lower, upper, target, operator) == code


@pytest.mark.parametrize(
    ("limits", "comparator", "sign", "side"),
    [
        ((58, 62), 62, 1, "similar"),
        ((58, 62), 62.1, 1, "worse"),
        ((58, 62), 62.1, -1, "better"),
        ((None, 62), 61, 1, None),
    ],
)
def test_side_by_limits(limits, comparator, sign, side):
    assert recompute.side_by_limits(60, limits[0], limits[1], comparator, sign) == side


@pytest.mark.parametrize(
    ("printed", "sign", "polarity", "side"),
    [
        ("Better 95%", -1, "low_is_good", "better"),
        ("Better", 1, "low_is_good", "worse"),
        ("Worse", 1, "high_is_good", "worse"),
        ("Worse 99.8%", -1, "high_is_good", "better"),
        ("Higher", 1, None, "better"),
        ("Lower", 1, None, "worse"),
        ("Similar", 1, None, "similar"),
        ("Not compared", 1, None, None),
        (None, 1, None, None),
    ],
)
def test_side_as_printed(printed, sign, polarity, side):
    assert recompute.side_as_printed(printed, sign, polarity) == side


def test_z():
    # Errors of 3 and 4 have a root sum of squares of 5.
    z = recompute.z_score((70, 70 - 1.96 * 3, 70 + 1.96 * 3), (60, 60 - 1.96 * 4, 60 + 1.96 * 4), 1)
    assert z == pytest.approx(2.0)
    assert recompute.z_score((70, 70, 70), (60, 60, 60), 1) is None
    assert recompute.z_score((70, None, 71), (60, 59, 61), 1) is None
    assert [recompute.change_by_z(z) for z in (1.65, 1.64, -1.64, -1.65)] == [
        "improving",
        "no_detectable_change",
        "no_detectable_change",
        "getting_worse",
    ]


@pytest.mark.parametrize(
    ("value", "baseline", "target", "sign", "code"),
    [
        (49, 50, 40, -1, "improving"),
        (49.1, 50, 40, -1, "no_detectable_change"),
        (45.1, 50, None, -1, "no_detectable_change"),
        (45, 50, None, -1, "improving"),
        (54.9, 50, 40, -1, "no_detectable_change"),
        (55, 50, 40, -1, "getting_worse"),
        (1, 0, None, 1, "improving"),
        (0, 0, None, 1, "no_detectable_change"),
        (-5.5, -6, -3, 1, "improving"),
    ],
)
def test_change_by_a_tenth(value, baseline, target, sign, code):
    assert recompute.change_by_tenth(value, baseline, target, sign) == code


@pytest.mark.parametrize(
    ("ratio", "band"),
    [(None, "no_pace"), (1.0, "fast_enough"), (0.99, "too_slow"), (0.49, "far_too_slow"), (-0.1, "wrong_way")],
)
def test_pace_bands(ratio, band):
    assert recompute.pace_band(ratio) == band


@pytest.mark.parametrize(
    ("meets", "target", "change", "category"),
    [
        (True, 5, "getting_worse", "target_met"),
        (False, 5, "no_detectable_change", "little_or_no_change"),
        (False, 5, "improving", "improving"),
        (False, None, "improving", "informational"),
    ],
)
def test_healthy_people(meets, target, change, category):
    assert recompute.healthy_people(meets, target, change) == category


@pytest.mark.parametrize(
    ("ratio", "meets", "answered", "verdict"),
    [
        (None, True, True, "met"),
        (2.0, False, True, "missed"),
        (1.0, False, False, "on_track"),
        (0.5, False, False, "moderate"),
        (0.0, False, False, "stagnating"),
        (-0.1, False, False, "decreasing"),
        (None, False, False, None),
    ],
)
def test_linear_pace(ratio, meets, answered, verdict):
    assert recompute.linear_pace(ratio, meets, answered) == verdict


def test_goals_of_fingertips():
    assert [recompute.goal_by_value(x, 5, 1) for x in (4, 5, 6, None)] == ["worse", "better", "better", None]
    assert [recompute.goal_by_value(x, 5, -1) for x in (4, 5, 6)] == ["better", "better", "worse"]
    assert [recompute.goal_by_limits(lower, upper, 5, 1) for lower, upper in ((5, 6), (4, 5), (3, 4), (None, 5))] == [
        "better",
        "similar",
        "worse",
        None,
    ]
    assert recompute.goal_by_limits(5, 6, 5, -1) == "worse"


def test_process_limits_screen_moving_ranges_once():
    assert recompute.process_limits([1.0]) is None
    assert recompute.process_limits([5.0, 5.0, 5.0]) == (5.0, 5.0)
    assert recompute.process_limits([1.0, 2.0, 1.0, 2.0]) == pytest.approx((1.5 - 2.66, 1.5 + 2.66))
    jump = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 30.0]
    middle = sum(jump) / 7
    assert recompute.process_limits(jump) == pytest.approx((middle - 2.66, middle + 2.66))


@pytest.mark.parametrize(
    ("target", "sign", "code"),
    [
        (11, 1, "consistent_fail"),
        (11, -1, "consistent_pass"),
        (4, 1, "consistent_pass"),
        (4, -1, "consistent_fail"),
        (10, 1, "inconsistent"),
        (11, None, None),
        (None, 1, None),
    ],
)
def test_assurance(target, sign, code):
    assert recompute.assurance((5.0, 10.0), target, sign) == code


@pytest.mark.parametrize(
    ("value", "target", "count", "denominator", "people"),
    [
        (60, 62.5, 594, 990, 25),
        (60, 60.1, 600, 1000, 1),
        (1, 2, 10, 1000, 10),
        (0.9, 2, 9, 1000, None),
        (99.1, 100, 991, 1000, None),
        (60, 62.5, None, 990, 25),
    ],
)
def test_people(value, target, count, denominator, people):
    assert recompute.people_to_move(value, target, 100, count, denominator) == people


def test_limits_of_a_gap():
    spread = 1.96 * math.hypot(3, 4)
    found = recompute.gap_limits((70, 70 - 1.96 * 3, 70 + 1.96 * 3), (60, 60 - 1.96 * 4, 60 + 1.96 * 4))
    assert found == pytest.approx((10 - spread, 10 + spread))
    assert recompute.gap_limits((70, None, 71), (60, 59, 61)) is None
