"""XmR charts and assurance: examples of Making Data Count, and the edges of the rules."""

from __future__ import annotations

import math

import pytest


@pytest.fixture
def chart(methods):
    """Return mean, average moving range and process limits of values in the order of their periods."""

    def run(values, screened, order=None):
        rows = [{"period": period, "value": value} for period, value in enumerate(values)]
        rows = rows if order is None else [rows[i] for i in order]
        methods.table("points", {"period": "integer", "value": "double"}, rows)
        series = methods.sql("process_series", value="value", order_by="period")
        methods.connection.execute(f"create or replace table series as select 0 as i, {series} as xs from points")

        def one(macro, **arguments):
            return methods.over("series", "i", macro, series="xs", **arguments)[0]

        return {
            "mean": one("process_mean"),
            "range": one("average_moving_range", screened=screened),
            "upper": one("process_limit", side="upper", screened=screened),
            "lower": one("process_limit", side="lower", screened=screened),
        }

    return run


def test_charts_of_the_r_package_are_reproduced(chart, spc_xmr_file, read_vectors):
    rows = read_vectors(spc_xmr_file)
    for row in rows:
        found = chart([float(value) for value in row["series"].split()], screened=row["screened"] == "yes")
        limits = [round(found[name], 2) for name in ("mean", "upper", "lower")]
        assert limits == [float(row[name]) for name in ("mean", "upl", "lpl")]
    assert [row["screened"] for row in rows] == ["yes", "no"]


def test_limits_are_the_mean_and_the_average_step_from_one_period_to_the_next(chart):
    # Steps 2, 1 and 3: mean 2.
    found = chart([10, 12, 11, 14], screened=False)
    assert found == pytest.approx({"mean": 11.75, "range": 2, "upper": 17.07, "lower": 6.43})


def test_the_order_of_periods_counts_and_not_that_of_rows(chart):
    values = [0.1, 0.2, 0.7, 0.3, 1e16, -1e16, 0.4]
    found = chart(values, screened=False)
    assert chart(values, screened=False, order=[6, 2, 4, 0, 5, 1, 3]) == found
    assert chart(sorted(values), screened=False) != found


def test_missing_values_are_stepped_over(chart):
    assert chart([10, None, 12, 11, None, 14, None], screened=True) == chart([10, 12, 11, 14], screened=True)


@pytest.mark.parametrize("screened", [True, False])
def test_a_chart_needs_two_points(chart, screened):
    nothing = {"range": None, "upper": None, "lower": None}
    assert chart([], screened) == nothing | {"mean": None}
    assert chart([None], screened) == nothing | {"mean": None}
    assert chart([5], screened) == nothing | {"mean": 5}
    assert chart([5, 7], screened) == pytest.approx({"mean": 6, "range": 2, "upper": 11.32, "lower": 0.68})


@pytest.mark.parametrize("screened", [True, False])
def test_a_series_that_never_moves_has_its_mean_for_limits(chart, screened):
    assert chart([3, 3, 3, 3], screened) == {"mean": 3, "range": 0, "upper": 3, "lower": 3}


def test_screening_is_done_once(chart):
    # Steps of 1 except one of 30 and one of 6: mean 3.27 leaves out 30 and keeps 6, though 6 exceeds 3.267 times the
    # new mean of 1.36.
    steps = [1, 1, 1, 1, 30, 1, 1, 1, 1, 6, *[1] * 5]
    values = [0.0]
    for step in steps:
        values.append(values[-1] + step)
    assert chart(values, screened=False)["range"] == pytest.approx(49 / 15)
    assert chart(values, screened=True)["range"] == pytest.approx(19 / 14)


def test_a_step_on_the_limit_of_screening_is_left_out(chart):
    # Steps of 3267, 733, 0 and 0: the average step is 1000, so that the first is exactly on the limit.
    assert 3.267 * 1000.0 == 3267.0
    assert chart([0.0, 3267.0, 2534.0, 2534.0, 2534.0], screened=False)["range"] == 1000
    assert chart([0.0, 3267.0, 2534.0, 2534.0, 2534.0], screened=True)["range"] == pytest.approx(733 / 3)


def test_assurance_of_the_r_package_is_reproduced(methods, spc_assurance_file, read_vectors):
    rows = read_vectors(spc_assurance_file)
    found = [
        methods.value(
            "assurance",
            improvement_direction=row["improvement_direction"],
            **{name: float(row[name]) for name in ("lower_process_limit", "upper_process_limit", "target")},
        )
        for row in rows
    ]
    assert found == [row["expected"] for row in rows]
    assert len(rows) == 13


@pytest.mark.parametrize(
    ("target", "increase", "decrease"),
    [
        (math.nextafter(2, 0), "consistent_pass", "consistent_fail"),
        (2, "inconsistent", "inconsistent"),
        (6, "inconsistent", "inconsistent"),
        (math.nextafter(6, 7), "consistent_fail", "consistent_pass"),
        (None, None, None),
    ],
)
def test_a_target_on_a_process_limit_is_missed_now_and_then(methods, target, increase, decrease):
    for direction, expected in (("increase", increase), ("decrease", decrease), ("neutral", None), (None, None)):
        found = methods.value(
            "assurance",
            improvement_direction=direction,
            lower_process_limit=2,
            upper_process_limit=6,
            target=target,
        )
        assert found == expected


@pytest.mark.parametrize(("lower", "upper"), [(None, 6), (2, None)])
def test_assurance_needs_both_process_limits(methods, lower, upper):
    for target in (1, 4, 7):
        found = methods.value(
            "assurance",
            improvement_direction="increase",
            lower_process_limit=lower,
            upper_process_limit=upper,
            target=target,
        )
        assert found is None
