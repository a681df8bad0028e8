"""The arithmetic of a status once more, in plain functions of numbers.

What the model computes in SQL (macros/methods: LEVEL, CHANGE, PACE, GOAL, PROCESS CONTROL, PROGRESS VERDICTS) is
computed here a second time, so that what a person is shown can be checked against what the file says. Reading and
wording do not belong here.
"""

from __future__ import annotations

import math
import operator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

CHANGE_Z = 1.6448536269514722
CHANGE_FALLBACK_PERCENT = 10.0
PACE_ON_TRACK = 1.0
PACE_AT_RISK = 0.5
ASSURANCE_MINIMUM_POINTS = 12
DISCLOSURE_MINIMUM = 10
WIDTH_IN_ERRORS = 3.92
"""Width of 95 % limits in standard errors."""

POINT_FAMILIES = {"direction", "sequence"}
FAMILIES = {
    "completion_by_date": "milestone",
    "direction_only_from_baseline": "direction",
    "gap_reduction": "direction",
    "sustained_annual_reduction": "sequence",
    "max_rise_from_baseline": "cap",
    "none": "none",
}
WITHOUT_PATH = ("meet_external_annual_target", "reduction_vs_counterfactual")

_MEETS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


def agrees(computed: object, stored: object) -> bool:
    """Whether a figure or code that was computed again is the stored one.

    Args:
        computed: What comes out here.
        stored: What the file holds.

    Returns:
        True for equal texts and absences, and for numbers that differ by less than a part in a thousand million.
    """
    if isinstance(computed, int | float) and isinstance(stored, int | float):
        return math.isclose(computed, stored, rel_tol=1e-9, abs_tol=1e-9)
    return computed == stored


def family_of(target_type: str, recurrence: str | None, is_measured: bool) -> str:
    """Return how the status rules treat a type of target.

    Args:
        target_type: Type of the commitment.
        recurrence: How often it is promised, if it is.
        is_measured: Whether an indicator measures it.
    """
    if recurrence is not None and not is_measured:
        return "milestone"
    return "comparator" if target_type.endswith("comparator") else FAMILIES.get(target_type, "level")


def sign_of(desired_direction: str | None, comparison: str | None) -> int | None:
    """Return +1 when the commitment wants more of the measure, -1 when it wants less, None when neither.

    Args:
        desired_direction: As registered.
        comparison: Operator as registered.
    """
    by_direction = {"increase": 1, "decrease": -1, "cap": -1}
    by_operator = {">=": 1, ">": 1, "<=": -1, "<": -1}
    return by_direction.get(desired_direction or "") or by_operator.get(comparison or "")


def years_between(start: date, finish: date) -> float:
    """Return days / 365.25, to a hundredth of a year.

    Args:
        start: First day.
        finish: Last day.
    """
    return round((finish - start).days / 365.25, 2)


def meets(value: float | None, comparison: str | None, target: float | None) -> bool | None:
    """Whether a value meets a target; None where one of the three is absent.

    Args:
        value: The value.
        comparison: Operator between the two.
        target: The target.
    """
    if value is None or target is None or comparison is None:
        return None
    return _MEETS[comparison](value, target)


def level(
    value: float | None, lower: float | None, upper: float | None, target: float | None, comparison: str | None
) -> str | None:
    """Return whether a value meets a target, and whether all of its 95 % interval does.

    Args:
        value: The value.
        lower: Lower limit.
        upper: Upper limit.
        target: The target.
        comparison: Operator between value and target.
    """
    by_point = meets(value, comparison, target)
    if by_point is None:
        return None
    at_lower, at_upper = meets(lower, comparison, target), meets(upper, comparison, target)
    if at_lower is None or at_upper is None:
        return "met" if by_point else "not_met"
    if at_lower != at_upper:
        return "not_distinguishable"
    return "met_confident" if at_lower else "not_met_confident"


def side_by_limits(
    value: float | None, lower: float | None, upper: float | None, comparator: float | None, sign: int
) -> str | None:
    """Return better, similar or worse than a comparator, by one 95 % interval; None without it.

    Args:
        value: The value.
        lower: Lower limit.
        upper: Upper limit.
        comparator: The other value.
        sign: Which side is better.
    """
    if value is None or lower is None or upper is None or comparator is None:
        return None
    if lower <= comparator <= upper:
        return "similar"
    return "better" if sign * (value - comparator) > 0 else "worse"


def side_as_printed(printed: str | None, sign: int, polarity: str | None) -> str | None:
    """Return what a printed comparison means from the point of view of the commitment.

    Args:
        printed: Better, Worse, Higher, Lower or Similar, with or without a percentage.
        sign: Which side the commitment calls better.
        polarity: Which side the indicator calls better.
    """
    word = (printed or "").lower()
    if word.startswith("similar"):
        return "similar"
    sides = {"higher": sign > 0, "lower": sign < 0}
    wanted = (polarity == "high_is_good") == (sign > 0)
    sides |= {"better": wanted, "worse": not wanted}
    for start, is_better in sides.items():
        if word.startswith(start):
            return "better" if is_better else "worse"
    return None


def z_score(
    now: tuple[float | None, float | None, float | None],
    before: tuple[float | None, float | None, float | None],
    sign: int,
) -> float | None:
    """Return how many standard errors a value has moved the right way; None without limits on both or without width.

    Args:
        now: Value, lower and upper limit.
        before: The same earlier.
        sign: Which way is right.
    """
    (x, xl, xu), (b, bl, bu) = now, before
    if x is None or xl is None or xu is None or b is None or bl is None or bu is None:
        return None
    error = math.sqrt(((xu - xl) / WIDTH_IN_ERRORS) ** 2 + ((bu - bl) / WIDTH_IN_ERRORS) ** 2)
    return sign * (x - b) / error if error else None


def change_by_z(z: float) -> str:
    """Return what a one-sided test at 5 % says of a change.

    Args:
        z: Of ``z_score``.
    """
    if z > CHANGE_Z:
        return "improving"
    return "getting_worse" if z < -CHANGE_Z else "no_detectable_change"


def change_threshold(moved: float, baseline: float, target: float | None, sign: int) -> float:
    """Return how far a value without limits has to move to count as changed: a tenth of the way, or of the baseline.

    Args:
        moved: How far it has moved the right way.
        baseline: From where.
        target: To where, if there is a straight path.
        sign: Which way is right.
    """
    distance = 0.0 if target is None else sign * (target - baseline)
    whole = distance if moved > 0 and distance > 0 else abs(baseline)
    return CHANGE_FALLBACK_PERCENT / 100.0 * whole


def change_by_tenth(value: float, baseline: float, target: float | None, sign: int) -> str:
    """Return what the 10 % rule says of a change.

    Args:
        value: Now.
        baseline: Then.
        target: The target, if there is a straight path.
        sign: Which way is right.
    """
    moved = sign * (value - baseline)
    if moved == 0 or abs(moved) < change_threshold(moved, baseline, target, sign):
        return "no_detectable_change"
    return "improving" if moved > 0 else "getting_worse"


def annual_change(value: float, before: float, years: float) -> float | None:
    """Return the change a year; None when no time has passed.

    Args:
        value: At the end.
        before: At the start.
        years: Between them.
    """
    return (value - before) / years if years else None


def pace_band(ratio: float | None) -> str:
    """Return the band of a pace.

    Args:
        ratio: Observed over required annual change.
    """
    if ratio is None:
        return "no_pace"
    if ratio >= PACE_ON_TRACK:
        return "fast_enough"
    if ratio >= PACE_AT_RISK:
        return "too_slow"
    return "far_too_slow" if ratio >= 0 else "wrong_way"


def healthy_people(point_meets: bool | None, target: float | None, change: str | None) -> str | None:
    """Return the category of Healthy People.

    Args:
        point_meets: Whether the value meets the target.
        target: The target, None where there is none in their sense.
        change: Code of the change since the baseline.
    """
    if target is None:
        return "informational"
    if point_meets:
        return "target_met"
    return "little_or_no_change" if change == "no_detectable_change" else change


def linear_pace(ratio: float | None, point_meets: bool | None, is_answered: bool) -> str | None:
    """Return the arrow of the Sustainable Development Goals Index in words.

    Args:
        ratio: The pace.
        point_meets: Whether the value meets the target.
        is_answered: Whether the period answers the deadline.
    """
    if point_meets:
        return "met"
    if point_meets is False and is_answered:
        return "missed"
    if ratio is None:
        return None
    bands = ((1.0, "on_track"), (0.5, "moderate"), (0.0, "stagnating"))
    return next((word for least, word in bands if ratio >= least), "decreasing")


def goal_by_value(value: float | None, target: float | None, sign: int | None) -> str | None:
    """Return what a Fingertips goal without limits would say.

    Args:
        value: The value.
        target: The goal.
        sign: Which side is good.
    """
    if value is None or target is None:
        return None
    return "better" if (value >= target if (sign or 0) > 0 else value <= target) else "worse"


def goal_by_limits(lower: float | None, upper: float | None, target: float | None, sign: int | None) -> str | None:
    """Return what a Fingertips goal with 95 % limits would say.

    Args:
        lower: Lower limit.
        upper: Upper limit.
        target: The goal.
        sign: Which side is good.
    """
    if lower is None or upper is None or target is None:
        return None
    is_high_good = (sign or 0) > 0
    if lower >= target:
        return "better" if is_high_good else "worse"
    if upper < target:
        return "worse" if is_high_good else "better"
    return "similar"


def process_limits(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the limits of an XmR chart, moving ranges screened once; None for fewer than two values.

    Args:
        values: Values in the order of their periods.
    """
    ranges = [abs(after - before) for before, after in pairwise(values)]
    if not ranges:
        return None
    first = math.fsum(ranges) / len(ranges)
    kept = [one for one in ranges if one == 0 or one < 3.267 * first]
    if not kept:
        return None
    middle, spread = math.fsum(values) / len(values), 2.66 * math.fsum(kept) / len(kept)
    return middle - spread, middle + spread


def assurance(limits: tuple[float, float] | None, target: float | None, sign: int | None) -> str | None:
    """Return whether a process that stays as it is will meet its target.

    Args:
        limits: Of ``process_limits``.
        target: The target.
        sign: Which way is an improvement.
    """
    if limits is None or target is None or sign is None:
        return None
    if limits[0] <= target <= limits[1]:
        return "inconsistent"
    return "consistent_pass" if (target > limits[1]) == (sign < 0) else "consistent_fail"


def people_to_move(
    value: float, target: float, multiplier: float, count: float | None, denominator: float
) -> int | None:
    """Return how many people would have to change side, rounded up; None where small counts would show.

    Args:
        value: A share in the unit of the indicator.
        target: The target.
        multiplier: That unit: 100 for per cent.
        count: Numerator, if it is one.
        denominator: Of the share.
    """
    events = value / multiplier * denominator if count is None else count
    if events < DISCLOSURE_MINIMUM or denominator - events < DISCLOSURE_MINIMUM:
        return None
    return math.ceil(round(abs(value - target) / multiplier * denominator, 6))


def ratio(first: float, second: float) -> float | None:
    """Return how many times the second value the first one is; None unless both are above nought.

    Args:
        first: The value that is divided.
        second: What it is divided by.
    """
    return first / second if first > 0 and second > 0 else None


def ratio_limits(
    first: tuple[float, float | None, float | None], second: tuple[float, float | None, float | None]
) -> tuple[float, float] | None:
    """Return the 95 % limits of a ratio of two independent values; None where a limit is absent or not above nought.

    Args:
        first: Value, lower and upper limit.
        second: What it is divided by: the same.
    """
    (a, al, au), (b, bl, bu) = first, second
    if al is None or au is None or bl is None or bu is None or min(a, b, al, bl) <= 0:
        return None
    errors = [math.log(upper / lower) / WIDTH_IN_ERRORS for lower, upper in ((al, au), (bl, bu))]
    spread = 1.96 * math.hypot(*errors)
    return math.exp(math.log(a / b) - spread), math.exp(math.log(a / b) + spread)


def gap_limits(
    first: tuple[float, float | None, float | None], second: tuple[float, float | None, float | None]
) -> tuple[float, float] | None:
    """Return the 95 % limits of a difference of two independent values; None where a limit is absent.

    Args:
        first: Value, lower and upper limit.
        second: What is taken away: the same.
    """
    (a, al, au), (b, bl, bu) = first, second
    if al is None or au is None or bl is None or bu is None:
        return None
    spread = 1.96 * math.sqrt(((au - al) / WIDTH_IN_ERRORS) ** 2 + ((bu - bl) / WIDTH_IN_ERRORS) ** 2)
    return a - b - spread, a - b + spread
