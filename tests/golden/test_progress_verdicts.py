"""Ten cases under all rules side by side, and the edges of the verdicts that other bodies publish."""

from __future__ import annotations

import datetime as dt

import pytest

END = {year: dt.date(year, 12, 31) for year in (2015, 2019, 2020, 2024, 2028, 2030)}

# Baseline, its year, latest (2024), operator, target, year of the deadline, standard error. The comparison of rules
# names the standard error of the small area only; a quarter makes the moves of the others plain.
TEN_CASES = """
A 18   2015 12   <= 5  2030 0.25
B 88.6 2019 88.9 >= 95 2028 0.25
C 22.6 2015 26.6 <= 20 2030 0.25
D 80   2015 78   >= 75 2030 0.25
E 4    2015 2    <= 0  2030 0.25
F 0    2015 1.5  >= 5  2030 0.25
G -6   2015 -5   >= -3 2030 0.25
H 30   2015 25   <= 20 2030 8
I 14   2015 11   <= 10 2020 0.25
J -1   2015 1    >= 3  2030 0.25
"""
# Level, change, pace, Healthy People, linear pace, Fingertips goal by value and by limits, as the comparison has them.
OUTCOMES = """
A not_met_confident   improving            0.77  improving           moderate   worse  worse
B not_met_confident   no_detectable_change 0.08  little_or_no_change stagnating worse  worse
C not_met_confident   getting_worse        -2.56 getting_worse       decreasing worse  worse
D met_confident       getting_worse        -     target_met          met        better better
E not_met_confident   improving            0.83  improving           moderate   worse  worse
F not_met_confident   improving            0.50  improving           moderate   worse  worse
G not_met_confident   improving            0.56  improving           moderate   worse  worse
H not_distinguishable no_detectable_change 0.83  little_or_no_change moderate   worse  similar
I not_met_confident   improving            0.42  improving           missed     worse  worse
J not_met_confident   improving            0.83  improving           moderate   worse  worse
"""
# The same without limits, where the rules of a tenth and of the value alone are left.
WITHOUT_LIMITS = {
    "D": {"change": "no_detectable_change"},
    "H": {"change": "improving", "healthy_people": "improving"},
}


def judged(methods, baseline, since, latest, operator, target, due, error):
    """Return all verdicts of one case, by the macros in the order in which the models call them."""
    sign = 1 if operator == ">=" else -1
    half = None if error is None else 1.96 * error
    limits = {"lower": None, "upper": None} if half is None else {"lower": latest - half, "upper": latest + half}
    before = (
        {"baseline_lower": None, "baseline_upper": None}
        if half is None
        else {"baseline_lower": baseline - half, "baseline_upper": baseline + half}
    )
    meets = int(bool(methods.value("meets", value=latest, operator=operator, target=target)))
    change = methods.value(
        "change_since_baseline", value=latest, baseline=baseline, target=target, sign=sign, **limits, **before
    )
    pace = methods.value(
        "pace_ratio",
        value=latest,
        value_date=END[2024],
        baseline=baseline,
        baseline_date=END[since],
        target=target,
        due_date=END[due],
        sign=sign,
    )
    return {
        "level": methods.value(
            "level_against_target",
            value=latest,
            target=target,
            operator=operator,
            lower=limits["lower"],
            upper=limits["upper"],
        ),
        "change": change,
        "pace": pace,
        "healthy_people": methods.value("healthy_people_category", point_meets=meets, target=target, change=change),
        "linear_pace": methods.value(
            "linear_pace_verdict", ratio=pace, point_meets=meets, is_answered=END[2024] >= END[due]
        ),
        "goal_by_value": methods.value("fingertips_goal_by_value", value=latest, target=target, sign=sign),
        "goal_by_limits": methods.value("fingertips_goal_by_limits", **limits, target=target, sign=sign),
    }


NAMES = ("level", "change", "pace", "healthy_people", "linear_pace", "goal_by_value", "goal_by_limits")
FIGURES = {line.split()[0]: line.split()[1:] for line in TEN_CASES.strip().splitlines()}
EXPECTED = {line.split()[0]: dict(zip(NAMES, line.split()[1:], strict=True)) for line in OUTCOMES.strip().splitlines()}


def figures_of(case):
    baseline, since, latest, operator, target, due, error = FIGURES[case]
    return float(baseline), int(since), float(latest), operator, float(target), int(due), float(error)


def words(found):
    return {**found, "pace": "-" if found["pace"] is None else f"{found['pace']:.2f}"}


@pytest.mark.parametrize("case", FIGURES)
def test_ten_cases_under_every_rule(methods, case):
    assert words(judged(methods, *figures_of(case))) == EXPECTED[case]


@pytest.mark.parametrize("case", FIGURES)
def test_ten_cases_without_limits(methods, case):
    bare = {"level": "met" if case == "D" else "not_met", "goal_by_limits": None}
    found = judged(methods, *figures_of(case)[:-1], None)
    assert words(found) == {**EXPECTED[case], **bare, **WITHOUT_LIMITS.get(case, {})}


# Whether the value meets the target, the target, the change, the category.
@pytest.mark.parametrize(
    ("meets", "target", "change", "category"),
    [
        (1, 20, "getting_worse", "target_met"),  # also when it was met at baseline and slips
        (1, 20, "baseline_only", "target_met"),
        (1, 0, "improving", "target_met"),
        (0, 0, "improving", "improving"),
        (0, 20, "improving", "improving"),
        (0, 20, "no_detectable_change", "little_or_no_change"),
        (0, 20, "getting_worse", "getting_worse"),
        (0, 20, "baseline_only", "baseline_only"),
        (0, None, "improving", "informational"),
        (1, None, "improving", "informational"),
        (None, None, None, "informational"),
        (0, 20, None, None),
    ],
)
def test_healthy_people(methods, meets, target, change, category):
    assert methods.value("healthy_people_category", point_meets=meets, target=target, change=change) == category


# Pace, whether the value meets the target, whether the period answers the deadline, the verdict.
@pytest.mark.parametrize(
    ("ratio", "meets", "answered", "verdict"),
    [
        (1.0, 0, False, "on_track"),
        (0.9999, 0, False, "moderate"),
        (0.5, 0, False, "moderate"),
        (0.4999, 0, False, "stagnating"),
        (0.0, 0, False, "stagnating"),
        (-0.0001, 0, False, "decreasing"),
        (-0.0001, 1, False, "met"),
        (None, 1, False, "met"),
        (None, 1, True, "met"),
        (3.0, 0, True, "missed"),  # at the deadline no pace helps
        (None, 0, True, "missed"),
        (None, 0, False, None),
        (1.2, None, True, "on_track"),  # nothing is known of the level
    ],
)
def test_linear_pace(methods, ratio, meets, answered, verdict):
    found = methods.value("linear_pace_verdict", ratio=ratio, point_meets=meets, is_answered=answered)
    assert found == verdict


@pytest.mark.parametrize(
    ("value", "sign", "verdict"),
    [(20, 1, "better"), (19.9, 1, "worse"), (20, -1, "better"), (20.1, -1, "worse"), (None, 1, None)],
)
def test_fingertips_goal_by_value_takes_equality_as_met(methods, value, sign, verdict):
    assert methods.value("fingertips_goal_by_value", value=value, target=20, sign=sign) == verdict


# Asymmetric at equality, as Fingertips is: a lower limit on the target counts as above it, an upper limit does not
# count as below it.
@pytest.mark.parametrize(
    ("lower", "upper", "more", "less"),
    [
        (20, 22, "better", "worse"),
        (19.9, 22, "similar", "similar"),
        (18, 20, "similar", "similar"),
        (18, 19.9, "worse", "better"),
        (None, 22, None, None),
        (18, None, None, None),
    ],
)
def test_fingertips_goal_by_limits(methods, lower, upper, more, less):
    found = [methods.value("fingertips_goal_by_limits", lower=lower, upper=upper, target=20, sign=s) for s in (1, -1)]
    assert found == [more, less]


def test_without_a_target_fingertips_says_nothing(methods):
    assert methods.value("fingertips_goal_by_value", value=20, target=None, sign=1) is None
    assert methods.value("fingertips_goal_by_limits", lower=18, upper=22, target=None, sign=1) is None
