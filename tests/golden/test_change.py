"""Change since baseline: the test where limits exist, the tenth where they do not.

Which row is the baseline is shown by ``tests/warehouse``.
"""

from __future__ import annotations

import math

import pytest

Z = 1.6448536269514722


def change(methods, value, baseline, target=None, sign=1, limits=None, baseline_limits=None):
    lower, upper = limits or (None, None)
    baseline_lower, baseline_upper = baseline_limits or (None, None)
    return methods.value(
        "change_since_baseline",
        value=value,
        lower=lower,
        upper=upper,
        baseline=baseline,
        baseline_lower=baseline_lower,
        baseline_upper=baseline_upper,
        target=target,
        sign=sign,
    )


# value, baseline, target, sign, change: no limits, so toward the target a tenth of the distance counts, away from it a
# tenth of the baseline.
TENTHS = [
    (95, 100, 50, -1, "improving"),
    (95.01, 100, 50, -1, "no_detectable_change"),
    (110, 100, 50, -1, "getting_worse"),
    (109.99, 100, 50, -1, "no_detectable_change"),
    (105, 100, 150, 1, "improving"),
    (104.99, 100, 150, 1, "no_detectable_change"),
    (90, 100, 150, 1, "getting_worse"),
    (90.01, 100, 150, 1, "no_detectable_change"),
    # Nothing moved.
    (100, 100, 50, -1, "no_detectable_change"),
    (0, 0, 5, 1, "no_detectable_change"),
    # Met at baseline, or no target at all: there is no distance, so the baseline is the measure both ways.
    (110, 100, 90, 1, "improving"),
    (109.99, 100, 90, 1, "no_detectable_change"),
    (110, 100, 100, 1, "improving"),
    (90, 100, 80, 1, "getting_worse"),
    (110, 100, None, 1, "improving"),
    (109.99, 100, None, 1, "no_detectable_change"),
    # A baseline of nought: the distance still serves toward the target; away from it every move is more than a tenth.
    (0.5, 0, 5, 1, "improving"),
    (0.49, 0, 5, 1, "no_detectable_change"),
    (-0.1, 0, 5, 1, "getting_worse"),
    # Below nought the size of the baseline counts, not its sign.
    (-9, -10, 0, 1, "improving"),
    (-9.01, -10, 0, 1, "no_detectable_change"),
    (-11, -10, 0, 1, "getting_worse"),
    (-10.99, -10, 0, 1, "no_detectable_change"),
    (-9, -10, -20, -1, "getting_worse"),
    # The ten cases of the comparison of rules: base, latest, target.
    (12, 18, 5, -1, "improving"),
    (88.9, 88.6, 95, 1, "no_detectable_change"),
    (26.6, 22.6, 20, -1, "getting_worse"),
    (2, 4, 0, -1, "improving"),
    (1.5, 0, 5, 1, "improving"),
    (-5, -6, -3, 1, "improving"),
    (11, 14, 10, -1, "improving"),
    (1, -1, 3, 1, "improving"),
    (None, 100, 50, 1, None),
    (100, None, 50, 1, None),
]


@pytest.mark.parametrize(("value", "baseline", "target", "sign", "expected"), TENTHS)
def test_without_limits_a_tenth_decides(methods, value, baseline, target, sign, expected):
    assert change(methods, value, baseline, target, sign) == expected


def test_with_limits_the_test_decides_even_when_a_tenth_was_passed(methods):
    # Small area of the ten cases: 30 to 25 toward 20, standard error 8, so z = 5 / sqrt(128) = 0.44.
    half = 1.96 * 8
    assert change(methods, 25, 30, 20, -1) == "improving"
    with_limits = change(methods, 25, 30, 20, -1, (25 - half, 25 + half), (30 - half, 30 + half))
    assert with_limits == "no_detectable_change"


def test_with_limits_a_small_sure_move_counts(methods):
    assert change(methods, 101, 100, 150, 1) == "no_detectable_change"
    assert change(methods, 101, 100, 150, 1, (100.9, 101.1), (99.9, 100.1)) == "improving"
    assert change(methods, 99, 100, 150, 1, (98.9, 99.1), (99.9, 100.1)) == "getting_worse"


# Limits 3.92 wide are a standard error of one, and a baseline without width has none: z is the move itself.
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (Z, "no_detectable_change"),
        (math.nextafter(Z, 2), "improving"),
        (-Z, "no_detectable_change"),
        (-math.nextafter(Z, 2), "getting_worse"),
    ],
)
def test_at_the_five_per_cent_point_nothing_is_detected(methods, sign, move, expected):
    assert change(methods, sign * move, 0, None, sign, (0, 3.92), (0, 0)) == expected


@pytest.mark.parametrize("limits", [((90, 100), None), (None, (95, 105)), ((None, 100), (95, 105))])
def test_limits_at_one_end_only_leave_the_tenth(methods, limits):
    now, then = limits
    assert change(methods, 95, 100, 50, -1, now, then) == "improving"


def test_limits_without_width_at_both_ends_leave_the_tenth(methods):
    assert change(methods, 95.01, 100, 50, -1, (95.01, 95.01), (100, 100)) == "no_detectable_change"


def test_z_is_negative_when_the_commitment_wants_the_other_direction(methods):
    arguments = {"value": 25, "lower": 23, "upper": 27, "baseline": 30, "baseline_lower": 28, "baseline_upper": 32}
    expected = 5 / math.sqrt(2 * (4 / 3.92) ** 2)
    assert methods.value("change_z_score", **arguments, sign=-1) == pytest.approx(expected, rel=1e-12)
    assert methods.value("change_z_score", **arguments, sign=1) == pytest.approx(-expected, rel=1e-12)
