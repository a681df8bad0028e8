"""Forecasts: known answers, refusals, the probability of a target, and a backtest on published series."""

from __future__ import annotations

import itertools
import math
import random

import duckdb
import numpy as np
import pytest

from pipelines.model.forecast_functions import forecast_of, register_forecast
from pipelines.model.methods.forecast import (
    MOVEMENT_SHARES,
    TREND_DEVIATIONS,
    Forecast,
    NoForecast,
    forecast,
    probability_of_meeting,
)

# Upper tenths of Student's t, from printed tables.
T_90 = {4: 1.5332063, 5: 1.4758840, 9: 1.3830287}

SOME = [20.1, 19.4, 21.0, 18.2, 18.9, 17.5]
YEARS = [2018, 2019, 2020, 2021, 2022, 2023]


def made(*arguments, **more):
    found = forecast(*arguments, **more)
    assert isinstance(found, Forecast)
    return found


def by_contrasts(values, years, horizon):
    """Centre and scale another way: normal regression on differences from the first value, without any filter."""
    count = len(values)
    times = np.array([*years, years[-1] + horizon], dtype=float) - years[0]
    contrast = np.column_stack([-np.ones(count), np.eye(count)])
    changes = np.array(values[1:]) - values[0]
    weights, centres, squares = [], [], []
    for deviation, share in itertools.product(TREND_DEVIATIONS, MOVEMENT_SHARES):
        covariance = share * np.minimum.outer(times, times) + (1 - share) * np.eye(count + 1)
        covariance = contrast @ (covariance + deviation**2 * np.outer(times, times)) @ contrast.T
        known, cross = covariance[:-1, :-1], covariance[-1, :-1]
        total = changes @ np.linalg.solve(known, changes)
        centres.append(values[0] + cross @ np.linalg.solve(known, changes))
        squares.append((covariance[-1, -1] - cross @ np.linalg.solve(known, cross)) * total / (count - 1))
        weights.append(-np.linalg.slogdet(known)[1] / 2 - (count - 1) / 2 * math.log(total))
    likely = np.exp(np.array(weights) - max(weights))
    likely /= likely.sum()
    centre = likely @ centres
    return centre, math.sqrt(likely @ (np.array(squares) + (np.array(centres) - centre) ** 2))


@pytest.mark.parametrize("horizon", [0.3, 1, 2.5, 5])
@pytest.mark.parametrize("seed", range(4))
def test_single_years_agree_with_the_regression_that_needs_no_filter(seed, horizon):
    draw = random.Random(seed)
    count = draw.randrange(5, 13)
    years = sorted(draw.sample(range(2005, 2025), count))
    values = [50 + draw.gauss(0, 3) + 0.4 * year for year in years]
    found = made(values, years, horizon)
    assert (found.centre, found.standard_error) == pytest.approx(by_contrasts(values, years, horizon), rel=1e-8)
    assert (found.method, found.points_used, found.degrees_of_freedom) == ("local_level_and_trend", count, count - 1)


def test_pooled_years_are_a_random_walk_from_the_last_value():
    # Yearly changes 1, -2, 3, -2: a variance of 18 / 4 a year. Two years apart -1 and 1: (1/2 + 1/2) / 2.
    found = made([10, 11, 9, 12, 10], [0, 1, 2, 3, 4], 2, pooled_years=2)
    assert (found.centre, found.standard_error) == pytest.approx((10, math.sqrt(4.5 * 2)), rel=1e-12)
    assert found.upper_80 - 10 == pytest.approx(T_90[4] * 3, rel=1e-6)
    assert 10 - found.lower_80 == pytest.approx(T_90[4] * 3, rel=1e-6)
    assert (found.method, found.points_used) == ("last_value", 5)


def test_overlapping_periods_do_not_hide_a_steady_movement():
    # Yearly changes of 1 give a variance of 1 a year; changes of 3 between periods three years apart give 9 / 3.
    found = made([0, 1, 2, 3, 4, 5, 6], range(7), 4, pooled_years=3)
    assert (found.value, found.standard_error) == pytest.approx((6, math.sqrt(3 * 4)), rel=1e-12)


def test_pooled_years_with_gaps_use_the_years_between_the_points():
    # Steps of 4 in two years and 1 in one: (16/2 + 1 + 16/2 + 1) / 4. Three years apart: 5 and 5, 25 / 3.
    found = made([0, 4, 5, 9, 10], [0, 2, 3, 5, 6], 1, pooled_years=3)
    assert found.standard_error == pytest.approx(math.sqrt(25 / 3), rel=1e-12)


@pytest.mark.parametrize("pooled_years", [0, 1, 3])
@pytest.mark.parametrize("count", [5, 6, 10])
def test_the_interval_is_students_t_with_one_degree_less_than_points(count, pooled_years):
    values = [(7 * i * i) % 11 + 0.5 for i in range(count)]
    found = made(values, range(count), 3, pooled_years=pooled_years)
    margins = (found.centre - found.lower_80, found.upper_80 - found.centre)
    assert margins == pytest.approx([T_90[count - 1] * found.standard_error] * 2, rel=1e-7)
    assert found.value == found.centre


def test_a_steady_trend_goes_on_but_not_in_full():
    line = made([10 + 2 * year for year in range(10)], range(10), 5)
    assert 28 + 5 < line.value < 28 + 10
    assert line.lower_80 < 28 + 10 < line.upper_80
    # The same rise, but in scattered values, is believed in less.
    scattered = made([10, 15, 11, 19, 14, 23, 18, 20, 29, 28], range(10), 5)
    assert scattered.value - 28 < line.value - 28


def test_values_without_any_trend_are_expected_near_their_mean():
    found = made([50, 52, 49, 51, 48, 52, 50, 51, 49, 55], range(10), 1)
    assert 50 < found.value < 53


@pytest.mark.parametrize("pooled_years", [1, 3])
def test_uncertainty_grows_with_the_years_ahead_and_between_them(pooled_years):
    errors = [
        made(SOME, YEARS, horizon, pooled_years=pooled_years).standard_error for horizon in (0.25, 1, 1.5, 2, 3.75, 5)
    ]
    assert errors == sorted(errors)
    assert len(set(errors)) == len(errors)


@pytest.mark.parametrize(
    ("values", "times", "horizon", "pooled_years", "reason", "points"),
    [
        ([], [], 1, 1, "too_few_points", 0),
        ([1, 2, 3, 4], range(4), 1, 1, "too_few_points", 4),
        ([1, 2, None, 3, math.nan, 4], range(6), 1, 1, "too_few_points", 4),
        # Five periods of five years, a year apart: all of them share a year.
        ([1, 2, 3, 2, 4], range(5), 1, 5, "too_few_points", 5),
        ([1, 2, 3, 2, 4], range(5), 5.03, 1, "too_far_ahead", 5),
        ([1, 2, 3, 2, 4], range(5), math.inf, 1, "too_far_ahead", 5),
        ([1, 2, 3, 2, 4], range(5), 0, 1, "not_ahead", 5),
        ([1, 2, 3, 2, 4], range(5), -1, 3, "not_ahead", 5),
        ([1, 2, 3, 2, 4], [0, 1, 2, 2, 3], 1, 1, "irregular_points", 5),
        ([1, 2, 3, 2, 4], [0, 1, 2.25, 3, 4], 1, 1, "irregular_points", 5),
        ([1, 2, 3, 2, 4], [0, 1, math.nan, 3, 4], 1, 1, "irregular_points", 5),
        ([0, 0, 0, 0, 0, 0], range(6), 1, 1, "no_variation", 6),
        ([7.1, 7.1, 7.1, 7.1, 7.1], range(5), 1, 3, "no_variation", 5),
        ([0.3, 0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3], range(5), 1, 1, "no_variation", 5),
    ],
)
def test_refusals_say_why(values, times, horizon, pooled_years, reason, points):
    assert forecast(values, list(times), horizon, pooled_years=pooled_years) == NoForecast(reason, points)


@pytest.mark.parametrize("years", [1, 3])
def test_just_enough_is_enough(years):
    assert made([1, 2, 3, 2, 4], range(5), 5, pooled_years=years).points_used == 5
    # Ends of periods from dates: leap years, and a caller that rounds to hundredths.
    made([1, 2, 3, 2, 4], [2019.25, 2020.25, 2021.24, 2022.25, 2023.25], 5.01, pooled_years=years)


@pytest.mark.parametrize(
    ("arguments", "more", "words"),
    [
        (([1, 2], [1], 1), {}, "2 values"),
        ((SOME, YEARS, math.nan), {}, "horizon"),
        ((SOME, YEARS, 1), {"pooled_years": -1}, "-1 years"),
        ((SOME, YEARS, 1), {"lower_bound": 1, "upper_bound": 0}, "above"),
    ],
)
def test_mistakes_are_errors(arguments, more, words):
    with pytest.raises(ValueError, match=words):
        forecast(*arguments, **more)


@pytest.mark.parametrize("pooled_years", [1, 3])
def test_order_of_points_and_missing_ones_do_not_matter(pooled_years):
    expected = made(SOME, YEARS, 2, pooled_years=pooled_years)
    assert forecast(SOME[::-1], YEARS[::-1], 2, pooled_years=pooled_years) == expected
    # A year without a value at the end does not move the horizon: it is counted from the last value.
    assert forecast([None, *SOME, math.inf], [2010, *YEARS, 2024], 2, pooled_years=pooled_years) == expected
    assert forecast(SOME, [year + 100.25 for year in YEARS], 2, pooled_years=pooled_years) == expected


@pytest.mark.parametrize("pooled_years", [1, 3])
@pytest.mark.parametrize(("factor", "shift"), [(1, 1000), (1e-4, 0), (1e5, -7), (-1, 100)])
def test_other_units_give_the_same_forecast(factor, shift, pooled_years):
    before = made(SOME, YEARS, 3, pooled_years=pooled_years)
    after = made([factor * value + shift for value in SOME], YEARS, 3, pooled_years=pooled_years)
    assert after.centre == pytest.approx(factor * before.centre + shift, rel=1e-9)
    assert after.standard_error == pytest.approx(abs(factor) * before.standard_error, rel=1e-9)
    assert probability_of_meeting(after, ">=" if factor > 0 else "<=", factor * 18 + shift) == pytest.approx(
        probability_of_meeting(before, ">=", 18), rel=1e-8
    )


@pytest.mark.parametrize("pooled_years", [1, 3])
def test_probability_and_interval_are_of_one_distribution(pooled_years):
    found = made(SOME, YEARS, 2, pooled_years=pooled_years)
    for operator in (">=", ">"):
        assert probability_of_meeting(found, operator, found.lower_80) == pytest.approx(0.9, abs=1e-12)
        assert probability_of_meeting(found, operator, found.value) == pytest.approx(0.5, abs=1e-12)
        assert probability_of_meeting(found, operator, found.upper_80) == pytest.approx(0.1, abs=1e-12)
    for operator in ("<=", "<"):
        assert probability_of_meeting(found, operator, found.lower_80) == pytest.approx(0.1, abs=1e-12)
        assert probability_of_meeting(found, operator, found.upper_80) == pytest.approx(0.9, abs=1e-12)


def test_probability_is_monotone_in_the_target_and_complete():
    found = made(SOME, YEARS, 2, lower_bound=0, upper_bound=100)
    targets = [-5, 0, 0.001, 10, 17.9, 18, 18.1, 30, 99.999, 100, 105]
    at_least = [probability_of_meeting(found, ">=", target) for target in targets]
    at_most = [probability_of_meeting(found, "<=", target) for target in targets]
    assert at_least == sorted(at_least, reverse=True)
    assert at_most == sorted(at_most)
    for target in targets:
        assert probability_of_meeting(found, "<", target) + probability_of_meeting(found, ">=", target) == (
            pytest.approx(1, abs=1e-12)
        )
        assert probability_of_meeting(found, "<=", target) + probability_of_meeting(found, ">", target) == (
            pytest.approx(1, abs=1e-12)
        )


def test_a_small_probability_keeps_its_digits():
    found = Forecast(0, -1, 1, 0, 1, 4, "last_value", 5)
    # The upper tail of t with 4 degrees of freedom, in closed form.
    x = 1e3 / math.sqrt(1e6 + 4)
    assert probability_of_meeting(found, ">", 1e3) == pytest.approx((1 - x) ** 2 * (2 + x) / 4, rel=1e-4)
    assert 0 < probability_of_meeting(found, ">", 1e6) < 1e-20


def test_bounds_hold_everything_within():
    values = [3.0, 0.0, 2.0, 0.0, 1.0, 0.0]
    free = made(values, YEARS, 3)
    found = made(values, YEARS, 3, lower_bound=0)
    assert free.lower_80 < 0 == found.lower_80
    assert (found.upper_80, found.centre, found.standard_error) == (free.upper_80, free.centre, free.standard_error)
    # No rate is below 0: certain or impossible, while 0 itself takes what lies beyond.
    assert probability_of_meeting(found, "<", 0) == probability_of_meeting(found, "<=", -1) == 0
    assert probability_of_meeting(found, ">=", 0) == probability_of_meeting(found, ">", -1) == 1
    assert probability_of_meeting(found, "<=", 0) == probability_of_meeting(free, "<=", 0) > 0.1
    assert probability_of_meeting(found, ">", 0) == probability_of_meeting(free, ">", 0)
    high = made([97, 98, 98.5, 99, 99.9, 100], YEARS, 5, lower_bound=0, upper_bound=100)
    assert high.centre > high.value == high.upper_80 == 100
    assert probability_of_meeting(high, ">", 100) == probability_of_meeting(high, ">=", 101) == 0
    assert probability_of_meeting(high, "<=", 100) == probability_of_meeting(high, "<", 101) == 1
    assert 0.5 < probability_of_meeting(high, ">=", 100) < 1


@pytest.mark.parametrize(("operator", "target"), [("=", 1), ("", 1), (">=", math.nan)])
def test_a_target_that_cannot_be_judged_is_a_mistake(operator, target):
    with pytest.raises(ValueError, match=r"unknown operator|not a number"):
        probability_of_meeting(made(SOME, YEARS, 1), operator, target)


def test_sql_gives_what_python_gives_whatever_the_threads():
    query = """
        select f.* from (
            select
                i,
                forecast_of(
                    [20.1 + i % 7, 19.4, null, 21.0, 18.2, 18.9, 17.5]::double[],
                    [2017, 2018, 2019, 2020, 2021, 2022, 2023]::double[],
                    1 + i % 4,
                    cast(1 + 2 * (i % 2) as integer),
                    if(i % 3 = 0, null, '<='),
                    17,
                    0,
                    100
                ) as f
            from range(300) as r(i)
        )
        order by i
    """
    answers = []
    for threads in (1, 2):
        with duckdb.connect(config={"threads": threads}) as connection:
            register_forecast(connection)
            answers.append(connection.execute(query).fetchall())
    assert answers[0] == answers[1]
    assert len(answers[0]) == 300
    for i, row in enumerate(answers[0]):
        values = [20.1 + i % 7, 19.4, None, 21.0, 18.2, 18.9, 17.5]
        found = made(values, range(2017, 2024), 1 + i % 4, pooled_years=1 + 2 * (i % 2), lower_bound=0, upper_bound=100)
        chance = None if i % 3 == 0 else probability_of_meeting(found, "<=", 17)
        assert row[:3] == pytest.approx((found.value, found.lower_80, found.upper_80), rel=1e-9)
        assert row[3] == (None if chance is None else pytest.approx(chance, rel=1e-9))
        assert row[4:] == (found.method, 6, None)


def test_sql_says_why_there_is_no_forecast():
    with duckdb.connect() as connection:
        register_forecast(connection)
        found = connection.execute(
            "select forecast_of([1, null, 3]::double[], [1, 2, 3]::double[], 1, 1, '>=', 2, null, null), "
            "forecast_of([1, 2, 3, 2, 1]::double[], [1, 2, null, 4, 5]::double[], 1, null, null, null, null, null), "
            "forecast_of(null, null, 1, 1, null, null, null, null), "
            "forecast_of([1, 2, 3, 2, 1]::double[], [1, 2, 3, 4, 5]::double[], null, 1, '>=', 2, null, null)"
        ).fetchone()
    assert found is not None
    empty = dict.fromkeys(("value", "lower_80", "upper_80", "probability", "method"))
    assert found[0] == {**empty, "points_used": 2, "reason": "too_few_points"}
    assert found[1] == {**empty, "points_used": 5, "reason": "irregular_points"}
    assert found[2] == {**empty, "points_used": 0, "reason": "too_few_points"}
    assert found[3] is None


def test_numbers_for_sql_have_ten_digits():
    found = forecast_of(SOME, YEARS, 2, 1, "<=", 17, None, None)
    assert found is not None
    for name in ("value", "lower_80", "upper_80", "probability"):
        assert found[name] == float(f"{found[name]:.10g}")


@pytest.mark.parametrize(
    ("pooled", "series", "forecasts", "coverage", "to_last", "to_line"),
    [(False, 49, 548, 0.843, 0.932, 0.869), (True, 9, 210, 0.748, 1.0, 0.799)],
)
def test_published_series_are_forecast_as_well_as_recorded(
    pooled, series, forecasts, coverage, to_last, to_line, backtest_series_file, read_vectors
):
    """Every series is cut after each point from the fifth on, and what followed within five years is forecast."""
    grouped = {}
    for row in read_vectors(backtest_series_file):
        key = tuple(row[name] for name in ("indicator_id", "area_code", "sex", "age", "category", "pooled_years"))
        grouped.setdefault(key, []).append(row)
    chosen = [rows for key, rows in grouped.items() if (int(key[-1]) > 1) == pooled]
    assert len(chosen) == series
    inside, errors = [], {}
    for rows in chosen:
        years = [int(row["year"]) for row in rows]
        values = [float(row["value"]) for row in rows]
        bounds = [
            None if rows[0][name] is None else float(rows[0][name]) for name in ("minimum_value", "maximum_value")
        ]
        for cut in range(5, len(rows)):
            line = np.polynomial.Polynomial.fit(years[:cut], values[:cut], 1)
            for year, value in zip(years[cut:], values[cut:], strict=True):
                if year - years[cut - 1] > 5:
                    continue
                found = forecast(
                    values[:cut],
                    years[:cut],
                    year - years[cut - 1],
                    pooled_years=int(rows[0]["pooled_years"]),
                    lower_bound=bounds[0],
                    upper_bound=bounds[1],
                )
                if isinstance(found, NoForecast):
                    continue
                inside.append(found.lower_80 <= value <= found.upper_80)
                missed = (abs(value - found.value), abs(value - values[cut - 1]), abs(value - line(year)))
                errors.setdefault(rows[0]["indicator_id"], []).append(missed)
    assert len(inside) == forecasts
    share = sum(inside) / len(inside)
    assert 0.7 <= share <= 0.9
    # Units differ between indicators: means within each, then the geometric mean of their ratios.
    means = np.array([np.mean(one, axis=0) for one in errors.values()])
    ratios = np.exp(np.mean(np.log(means[:, :1] / means[:, 1:]), axis=0))
    assert (share, *ratios) == pytest.approx((coverage, to_last, to_line), abs=0.001)
