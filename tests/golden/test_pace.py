"""The straight path from baseline to target: where it stands, and how fast the measure moves along it."""

from __future__ import annotations

import datetime as dt

import pytest

END_2015, END_2019, END_2024 = dt.date(2015, 12, 31), dt.date(2019, 12, 31), dt.date(2024, 12, 31)
END_2020, END_2028, END_2030 = dt.date(2020, 12, 31), dt.date(2028, 12, 31), dt.date(2030, 12, 31)

# Ten cases of the comparison of rules: name, baseline, its end, latest (2024), target, due, sign, pace, band.
TEN_CASES = [
    ("A falls fast", 18, END_2015, 12, 5, END_2030, -1, 0.77, "too_slow"),
    ("B barely moves", 88.6, END_2019, 88.9, 95, END_2028, 1, 0.08, "far_too_slow"),
    ("C worsens", 22.6, END_2015, 26.6, 20, END_2030, -1, -2.56, "wrong_way"),
    ("D met at baseline", 80, END_2015, 78, 75, END_2030, 1, None, "no_pace"),
    ("E target nought", 4, END_2015, 2, 0, END_2030, -1, 0.83, "too_slow"),
    ("F baseline nought", 0, END_2015, 1.5, 5, END_2030, 1, 0.50, "too_slow"),
    ("G negative", -6, END_2015, -5, -3, END_2030, 1, 0.56, "too_slow"),
    ("H small area", 30, END_2015, 25, 20, END_2030, -1, 0.83, "too_slow"),
    ("I due year passed", 14, END_2015, 11, 10, END_2020, -1, 0.42, "far_too_slow"),
    ("J change of sign", -1, END_2015, 1, 3, END_2030, 1, 0.83, "too_slow"),
]


def pace(methods, value, baseline, target, sign, value_date=END_2024, baseline_date=END_2015, due_date=END_2030):
    return methods.value(
        "pace_ratio",
        value=value,
        value_date=value_date,
        baseline=baseline,
        baseline_date=baseline_date,
        target=target,
        due_date=due_date,
        sign=sign,
    )


@pytest.mark.parametrize(
    ("baseline", "start", "latest", "target", "due", "sign", "ratio", "band"),
    [case[1:] for case in TEN_CASES],
    ids=[case[0] for case in TEN_CASES],
)
def test_pace_of_the_ten_cases(methods, baseline, start, latest, target, due, sign, ratio, band):
    found = pace(methods, latest, baseline, target, sign, baseline_date=start, due_date=due)
    assert (None if found is None else round(found, 2)) == ratio
    assert methods.value("pace_band", ratio=found) == band


def test_pace_of_the_path_itself_is_one(methods):
    on_the_path = methods.value(
        "trajectory_value", baseline=18, baseline_date=END_2015, target=5, due_date=END_2030, at_date=END_2024
    )
    assert pace(methods, on_the_path, 18, 5, -1) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        {"value": 78, "baseline": 80, "target": 75, "sign": 1},  # met at baseline
        {"value": 78, "baseline": 75, "target": 75, "sign": 1},  # exactly met at baseline: nothing to divide by
        {"value": 12, "baseline": 18, "target": 5, "sign": -1, "due_date": END_2015},  # due on the day of the baseline
        {"value": 12, "baseline": 18, "target": 5, "sign": -1, "due_date": dt.date(2014, 12, 31)},
        {"value": 12, "baseline": 18, "target": 5, "sign": -1, "value_date": END_2015},
        {"value": 12, "baseline": 18, "target": 5, "sign": -1, "value_date": dt.date(2014, 12, 31)},
        {"value": 12, "baseline": 18, "target": None, "sign": -1},
        {"value": 12, "baseline": None, "target": 5, "sign": -1},
        {"value": None, "baseline": 18, "target": 5, "sign": -1},
        {"value": 12, "baseline": 18, "target": 5, "sign": None},
    ],
)
def test_no_pace_where_nothing_is_required_or_dates_are_out_of_order(methods, arguments):
    assert pace(methods, **arguments) is None


def test_no_pace_without_a_due_date(methods):
    sql = methods.sql(
        "pace_ratio",
        value="12",
        value_date="date '2024-12-31'",
        baseline="18",
        baseline_date="date '2015-12-31'",
        target="5",
        due_date="cast(null as date)",
        sign="-1",
    )
    assert methods.rows(f"select {sql} as pace") == [{"pace": None}]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (dt.date(2014, 12, 31), None),
        (END_2015, 18),
        (END_2024, 10.2),
        (END_2030, 5),
        (dt.date(2033, 12, 31), 5),  # the path ends at the target
    ],
)
def test_path_runs_from_baseline_to_target_and_stays_there(methods, at, expected):
    found = methods.value(
        "trajectory_value", baseline=18, baseline_date=END_2015, target=5, due_date=END_2030, at_date=at
    )
    # 9 of 15 years, to a day.
    assert found is None if expected is None else found == pytest.approx(expected, abs=0.01)


def test_no_path_when_due_before_the_baseline(methods):
    found = methods.value(
        "trajectory_value", baseline=14, baseline_date=END_2024, target=10, due_date=END_2020, at_date=END_2024
    )
    assert found is None


@pytest.mark.parametrize(("at", "value"), [("2024-12-31", 14), ("2025-01-01", 10), ("2026-12-31", 10)])
def test_a_deadline_within_days_of_the_baseline_is_a_step(methods, at, value):
    path = methods.value(
        "trajectory_value",
        baseline=14,
        baseline_date=END_2024,
        target=10,
        due_date=dt.date(2025, 1, 1),
        at_date=dt.date.fromisoformat(at),
    )
    assert path == value


@pytest.mark.parametrize(
    ("ratio", "band"),
    [
        (2.56, "fast_enough"),
        (1.0, "fast_enough"),
        (0.999, "too_slow"),
        (0.5, "too_slow"),
        (0.499, "far_too_slow"),
        (0.0, "far_too_slow"),
        (-0.001, "wrong_way"),
        (None, "no_pace"),
    ],
)
def test_bands_include_their_lower_end(methods, ratio, band):
    assert methods.value("pace_band", ratio=ratio) == band
