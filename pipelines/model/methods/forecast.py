"""Forecast of a yearly published figure: value at a date, 80 % interval and the probability of meeting a target.

The two rules, their interval and the reasons for refusing a series belong here. Which series are forecast, to which
date, and what their breaks and natural bounds are, do not: the points given are those after the last break.

Both rules were chosen by a backtest with rolling origin on published series (``benchmarks/forecast_backtest.py``).

*Single years*: a structural model (Harvey 1989, chapter 2; Durbin and Koopman 2012, chapters 2 and 5) in which a level
moves at random from year to year, may have a steady trend, and every published value adds noise of its own. Five to
fifteen points cannot tell how much of the variance is movement, nor whether there is a trend: the most likely answer is
often none or all, and intervals built on it are too narrow. So five shares of movement, from none to all, and three
sizes of trend, from none to half a year's deviation, are alike probable beforehand, and their forecasts are averaged by
what the points say (Bayesian model averaging: Hoeting et al. 1999, Statistical Science 14:4). A trend is believed in
as far as the points are steady. With share and size given, and the usual vague priors for level and scale, the forecast
follows Student's t with one degree of freedom fewer than points; the average is taken as a t as well, with the mean and
the scale of the mixture. The Kalman filter with exact diffuse start is that of statsmodels; it also bridges years
without a value.

*Pooled years*, such as three-year periods that move on by one: the latest value. Every method with a trend or a mean
did worse, because neighbours share most of their years. For the same reason differences between them understate how far
an underlying level can move: the variance per year is the larger of the one from yearly differences and the one from
differences between periods that do not overlap. It grows with the years ahead; Student's t as above.

Units: those of the values and years. Intervals are for the figure that will be published, its own noise included.
Limits of validity: both rules know only the past of the one series. They foresee no policy, pandemic or new definition;
published confidence limits are not used; values are not transformed, so that bounds are kept by cutting.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

# Not scipy.stats, whose functions are these: importing it takes 1.2 s more than scipy.special's 0.3 s.
from scipy.special import stdtr, stdtrit

Method = Literal["local_level_and_trend", "last_value"]
Operator = Literal[">=", ">", "<=", "<"]
Reason = Literal["too_few_points", "not_ahead", "too_far_ahead", "irregular_points", "no_variation"]
"""Why there is no forecast: fewer than five points, or pooled ones that all overlap; a date not after the last point,
or more than five years after it; times that are not whole years apart; values that never differ, which says nothing
about how far they might move."""

FEWEST_POINTS: Final = 5
FURTHEST_YEARS: Final = 5
COVERAGE: Final = 0.8
MOVEMENT_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the variance that are movement of the level; the rest is noise. Nine or eleven shares change nothing."""
TREND_DEVIATIONS: Final = (0.0, 1 / 6, 1 / 2)
"""Standard deviations, around none, that a yearly trend may have, in those of a year's movement and noise together.
A trend free to take any size, like that of a straight line, overshoots."""
YEAR_TOLERANCE: Final = 0.02
"""Seven days: leap years move the ends of periods, and callers round times to hundredths."""

_Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected, and how uncertain it is.

    Attributes:
        value: Value expected, within the bounds.
        lower_80: Lower end of the 80 % interval, within the bounds.
        upper_80: Upper end, within the bounds.
        centre: Value expected before the bounds cut it: the centre of the distribution.
        standard_error: Scale of the t distribution around the centre.
        degrees_of_freedom: Those of the t distribution.
        method: Rule that made it.
        points_used: Points with a value; of pooled series overlapping ones are counted.
        lower_bound: Natural lower bound of the measure.
        upper_bound: Natural upper bound of the measure.
    """

    value: float
    lower_80: float
    upper_80: float
    centre: float
    standard_error: float
    degrees_of_freedom: int
    method: Method
    points_used: int
    lower_bound: float | None = None
    upper_bound: float | None = None


@dataclass(frozen=True, slots=True)
class NoForecast:
    """Why there is none.

    Attributes:
        reason: See :data:`Reason`.
        points_used: Points with a value.
    """

    reason: Reason
    points_used: int


def forecast(
    values: Sequence[float | None],
    times: Sequence[float],
    horizon_years: float,
    *,
    pooled_years: int = 1,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
) -> Forecast | NoForecast:
    """Forecast the figure of a period that ends some years after the last one with a value.

    A horizon between whole years is taken as it is: expected change and variance of both rules grow linearly with time.

    Args:
        values: Published values in any order; a missing or infinite one is left out.
        times: End of each period in years, such as 2024.25; whole years apart, gaps allowed.
        horizon_years: From the last time with a value to the end of the period wanted.
        pooled_years: Years that each period covers; 0 or 1 for single years.
        lower_bound: Least value that the measure can take.
        upper_bound: Greatest value that the measure can take.

    Returns:
        The forecast, or the reason why there is none.

    Raises:
        ValueError: Values and times differ in number, the pooled years are negative, the bounds are in the wrong order,
            or the horizon is not a number.
    """
    if len(values) != len(times):
        raise ValueError(f"{len(values)} values cannot stand at {len(times)} times")
    if pooled_years < 0:
        raise ValueError(f"a period cannot cover {pooled_years} years")
    if lower_bound is not None and upper_bound is not None and lower_bound > upper_bound:
        raise ValueError(f"the lower bound {lower_bound} is above the upper bound {upper_bound}")
    if math.isnan(horizon_years):
        raise ValueError("the horizon is not a number")
    points = sorted(
        (float(time), float(value))
        for time, value in zip(times, values, strict=True)
        if value is not None and math.isfinite(value)
    )
    count = len(points)
    years = _whole_years([time for time, _ in points])
    known = np.array([value for _, value in points], dtype=np.float64)
    reason = _refusal(known, years, horizon_years, pooled_years)
    if reason is not None or years is None:
        return NoForecast(reason or "irregular_points", count)
    # Around the last value and in units of the range, so that no unit of measurement strains the arithmetic.
    scale = float(np.ptp(known))
    scaled: _Array = (known - known[-1]) / scale
    method: Method
    if pooled_years <= 1:
        method = "local_level_and_trend"
        expected, spread = _level_and_trend(scaled, years, horizon_years)
    else:
        method = "last_value"
        expected, spread = _last_value(scaled, years, horizon_years, pooled_years)
    centre = float(known[-1]) + scale * expected
    error = scale * spread
    margin = float(stdtrit(count - 1, (1 + COVERAGE) / 2)) * error
    value, lower, upper = (
        _within(number, lower_bound, upper_bound) for number in (centre, centre - margin, centre + margin)
    )
    return Forecast(value, lower, upper, centre, error, count - 1, method, count, lower_bound, upper_bound)


def probability_of_meeting(found: Forecast, operator: Operator, target: float) -> float:
    """Compute the probability that the published figure will meet a target.

    The distribution is that of the interval. What lies beyond a natural bound is counted at the bound, so that a target
    on the bound can be met by ``<=`` and ``>=`` and one beyond it is certain or impossible.

    Args:
        found: A forecast.
        operator: Comparison of the figure with the target.
        target: Value to be met, in the unit of the forecast.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: The operator is unknown or the target is not a number.
    """
    if operator not in (">=", ">", "<=", "<"):
        raise ValueError(f"unknown operator {operator!r}")
    if math.isnan(target):
        raise ValueError("the target is not a number")
    wants_less = operator in {"<=", "<"}
    low, high = found.lower_bound, found.upper_bound
    # A target on a bound is met by everything beyond it when it may be equalled, by nothing when it may not.
    if low is not None and (target < low or (target == low and operator in {">=", "<"})):
        return 0.0 if wants_less else 1.0
    if high is not None and (target > high or (target == high and operator in {"<=", ">"})):
        return 1.0 if wants_less else 0.0
    distance = (target - found.centre) / found.standard_error
    # The upper tail by symmetry: one less the lower would lose the digits of a small probability.
    return float(stdtr(found.degrees_of_freedom, distance if wants_less else -distance))


def _within(value: float, lower: float | None, upper: float | None) -> float:
    """Cut a value at the bounds that exist."""
    if lower is not None:
        value = max(value, lower)
    return value if upper is None else min(value, upper)


def _whole_years(times: Sequence[float]) -> list[int] | None:
    """Years of sorted times since the first, or None unless all are whole and different."""
    if not all(math.isfinite(time) for time in times):
        return None
    years = [round(time - times[0]) for time in times]
    whole = all(abs(time - times[0] - year) <= YEAR_TOLERANCE for time, year in zip(times, years, strict=True))
    return years if whole and len(set(years)) == len(years) else None


def _refusal(known: _Array, years: Sequence[int] | None, horizon: float, pooled_years: int) -> Reason | None:
    """The first reason against a forecast."""
    if len(known) < FEWEST_POINTS or (years is not None and years[-1] < pooled_years):
        return "too_few_points"
    if years is None:
        return "irregular_points"
    if horizon <= 0:
        return "not_ahead"
    if horizon > FURTHEST_YEARS + YEAR_TOLERANCE:
        return "too_far_ahead"
    # Beyond the twelfth digit published decimals differ only by how they are stored.
    if float(np.ptp(known)) <= 1e-12 * float(np.max(np.abs(known))):
        return "no_variation"
    return None


def _level_and_trend(values: _Array, years: Sequence[int], horizon: float) -> tuple[float, float]:
    """Centre and scale by the level with movement, noise and perhaps a trend, averaged over how much there is of each.

    The variances of movement and noise add up to one; the scale comes from the errors of prediction.
    """
    # Importing them takes a second or two, and only a build of the warehouse needs them.
    from statsmodels.tsa.statespace import initialization, structural  # noqa: PLC0415

    # The library has no types, and what is guessed from its defaults is wrong.
    unobserved_components: Any = structural.UnobservedComponents
    yearly = np.full(years[-1] + 1, np.nan)
    yearly[list(years)] = values
    model: Any = unobserved_components(yearly, "local linear deterministic trend")
    freedom = len(values) - 1
    further = horizon - 1
    weights: list[float] = []
    centres: list[float] = []
    squares: list[float] = []
    for deviation, share in itertools.product(TREND_DEVIATIONS, MOVEMENT_SHARES):
        start: Any = initialization.Initialization(2)
        start.set(0, "diffuse")
        start.set(1, "known", constant=np.zeros(1), stationary_cov=np.full((1, 1), deviation**2))
        model.ssm.initialize(start)
        model.update(np.array([1 - share, share]))
        filtered: Any = model.ssm.filter()
        # The first value fixes the level; every later one has a prediction with an error and the error's variance.
        errors = np.asarray(filtered.forecasts_error, dtype=np.float64)[0, 1:]
        variances = np.asarray(filtered.forecasts_error_cov, dtype=np.float64)[0, 0, 1:]
        seen = np.isfinite(errors)
        total = float(np.sum(errors[seen] ** 2 / variances[seen]))
        # Logarithm of the probability of the points, with level, trend and scale integrated out.
        weights.append(-0.5 * float(np.sum(np.log(variances[seen]))) - freedom / 2 * math.log(total))
        level, trend = (float(one) for one in np.asarray(filtered.predicted_state)[:, -1])
        covariance = np.asarray(filtered.predicted_state_cov, dtype=np.float64)[:, :, -1]
        ahead = np.array([1.0, further])
        centres.append(level + further * trend)
        squares.append((float(ahead @ covariance @ ahead) + further * share + 1 - share) * total / freedom)
    likely = np.exp(np.array(weights) - max(weights))
    likely /= np.sum(likely)
    centre = float(np.sum(likely * np.array(centres)))
    return centre, math.sqrt(float(np.sum(likely * (np.array(squares) + (np.array(centres) - centre) ** 2))))


def _last_value(values: _Array, years: Sequence[int], horizon: float, pooled_years: int) -> tuple[float, float]:
    """Centre and scale by the latest value of a series of overlapping periods."""
    apart = [len(years) - 1]
    for index in range(len(years) - 2, -1, -1):
        if years[apart[-1]] - years[index] >= pooled_years:
            apart.append(index)
    neighbours = list(range(len(years)))[::-1]
    square = max(_yearly_variance(values, years, chosen) for chosen in (neighbours, apart))
    return float(values[-1]), math.sqrt(square * horizon)


def _yearly_variance(values: _Array, years: Sequence[int], chosen: Sequence[int]) -> float:
    """Variance per year of a random walk without drift, from the steps between the chosen points, the newest first."""
    steps = [
        float(values[later] - values[earlier]) ** 2 / (years[later] - years[earlier])
        for later, earlier in itertools.pairwise(chosen)
    ]
    return math.fsum(steps) / len(steps)
