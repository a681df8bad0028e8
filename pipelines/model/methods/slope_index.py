"""Slope index of inequality (SII) and relative index of inequality (RII), with limits by simulation.

The regression, the simulation and the reasons for refusing a group belong here. Which indicators get an index, and
where their quantiles come from, do not.

Method: that of ``phe_sii`` in the R package PHEindicatormethods 2.1.0 (methods 4). The population is ordered from the
most deprived quantile (number 1) to the least deprived. With ``a`` the share of the population in a quantile and ``b``
the cumulative share at the middle of the quantile, the values are regressed on ``b`` with weights ``a``; the SII is the
difference between the fitted values at the two ends, ``b = 1`` and ``b = 0``, and the RII is their ratio.

Units: the SII is in the unit of the values times the multiplier, the RII is a ratio. Rates may have any unit;
proportions run from 0 to 1, not to 100. The line is a description: nothing here tests whether the values lie on one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

ValueType = Literal["default", "rate", "proportion"]
Reason = Literal[
    "too_few_quantiles",
    "too_many_quantiles",
    "quantiles_incomplete",
    "population_not_positive",
    "value_missing",
    "value_outside_0_1",
    "value_off_scale",
    "standard_error_negative",
    "limits_missing",
    "limits_outside_0_1",
    "limits_off_scale",
]
"""Why something is absent. ``off_scale`` is a number without logarithm (rates) or logit (proportions), such as 0."""

FEWEST_QUANTILES: Final = 5
MOST_QUANTILES: Final = 100
FEWEST_REPETITIONS: Final = 1_000

_Z95: Final = 1.959963984540054
_Array: TypeAlias = npt.NDArray[np.float64]
_Found: TypeAlias = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True)
class Quantile:
    """One quantile of the population, for instance a deprivation tenth.

    Attributes:
        number: 1 for the most deprived.
        population: People in it.
        value: The indicator for these people.
        standard_error: On the scale of the simulation: that of the values, of their logarithms for rates, of their
            logits for proportions. Where it is known, the limits are not looked at.
        lower95: Lower 95 % limit of the value, on the scale of the value.
        upper95: Upper 95 % limit of the value, on the scale of the value.
    """

    number: int
    population: float | None
    value: float | None
    standard_error: float | None = None
    lower95: float | None = None
    upper95: float | None = None


@dataclass(frozen=True, slots=True)
class SlopeLimits:
    """Limits at one confidence; a limit that is not finite is None, and so is one of the RII that is not positive.

    Attributes:
        confidence: Such as 0.95.
        sii_lower: Lower limit of the SII.
        sii_upper: Upper limit of the SII.
        rii_lower: Lower limit of the RII.
        rii_upper: Upper limit of the RII.
    """

    confidence: float
    sii_lower: float | None
    sii_upper: float | None
    rii_lower: float | None
    rii_upper: float | None


@dataclass(frozen=True, slots=True)
class SlopeIndex:
    """The indices of one group, or the reason why they are absent.

    Attributes:
        sii: Slope index; None when the group is refused.
        rii: Relative index; also None when a fitted end of the line is not positive, since no ratio describes it.
        intercept: Fitted value at the most deprived end, in the unit of the values (not multiplied).
        limits: One item per confidence asked for, in that order; empty when they cannot be simulated.
        reason: Why there is no index, or an index without limits; None when there is nothing to explain.
    """

    sii: float | None
    rii: float | None
    intercept: float | None
    limits: tuple[SlopeLimits, ...]
    reason: Reason | None


def seed_of(*key: str) -> int:
    """Turn the natural key of a group into the seed of its simulation.

    A seed from the key, not from a counter, makes the result of a group the same whatever else is computed, in which
    order, and in how many threads.

    Args:
        *key: The parts of the key, in a fixed order.

    Returns:
        A whole number from 0 to 2**64 - 1, the same in every process and on every machine.
    """
    return int.from_bytes(hashlib.blake2b(json.dumps(key).encode(), digest_size=8).digest(), "big")


def slope_index(
    quantiles: Sequence[Quantile],
    *,
    quantile_count: int,
    seed: int,
    value_type: ValueType = "default",
    transform: bool = False,
    multiplier: float = 1.0,
    confidences: Sequence[float] = (0.95,),
    repetitions: int = 100_000,
) -> SlopeIndex:
    """Compute SII and RII of one group, and simulate their limits.

    Each repetition draws every quantile from a normal distribution around its value (on the log scale for rates, on the
    logit scale for proportions) and fits the line again; the limits are order statistics of the results. With
    ``transform`` they come from the order statistics of the slope on the log or logit scale: the fitted line is turned
    about its middle until it has that slope.

    A group that cannot be computed is refused with a reason, because one bad group among many is data and not an error.
    When only the uncertainty of a quantile is missing or unusable (``standard_error_negative``, which is also the word
    for limits in the wrong order, and the reasons that begin with ``limits_``), the indices are returned without
    limits; the R package refuses those groups as well.

    Args:
        quantiles: The quantiles, in any order.
        quantile_count: How many quantiles the population was cut into; a missing tenth cannot be seen otherwise.
        seed: Seed of the simulation, see :func:`seed_of`.
        value_type: "rate" draws on the log scale, "proportion" on the logit scale, "default" as it is.
        transform: Fit the line on the log or logit scale as well; the indices are then differences and ratios of the
            fitted ends after turning them back.
        multiplier: Scales the SII. A negative one turns its sign, and turns the RII into its reciprocal: for
            indicators where a high value is bad.
        confidences: Levels of the limits, each at least 0.9 and below 1.
        repetitions: Number of simulations, at least 1,000.

    Returns:
        The indices, or the reason for their absence.

    Raises:
        ValueError: An argument other than the quantiles is outside its range; this is a mistake of the caller.
    """
    _check_arguments(value_type, transform, multiplier, confidences, repetitions)
    ordered = sorted(quantiles, key=lambda quantile: quantile.number)
    if reason := _why_no_line(ordered, quantile_count, value_type, transform):
        return SlopeIndex(None, None, None, (), reason)

    values = [_number(quantile.value) for quantile in ordered]
    weights = _end_weights([_number(quantile.population) for quantile in ordered])
    fitted = [_forward(value, value_type) for value in values] if transform else values
    ends = [math.fsum(weight * value for weight, value in zip(end, fitted, strict=True)) for end in weights]
    most, least = _back(np.array(ends), value_type).tolist() if transform else ends
    rii = None
    if most > 0 and least > 0:
        rii = least / most if multiplier > 0 else most / least

    limits: tuple[SlopeLimits, ...] = ()
    errors, reason = _standard_errors(ordered, value_type)
    if reason is None and confidences:
        normals = [(_forward(value, value_type), error) for value, error in zip(values, errors, strict=True)]
        places = [place for confidence in confidences for place in _places(confidence, repetitions)]
        # A standard error so wide that a draw overflows ends as a limit that is not finite, which is left out.
        with np.errstate(all="ignore"):
            fits = _simulate(normals, weights, "default" if transform else value_type, repetitions, seed)
            found = _turned(*fits, places, sum(ends) / 2, value_type) if transform else _sorted(*fits, places)
        limits = tuple(_pair(found, i, confidence, multiplier) for i, confidence in enumerate(confidences))
    return SlopeIndex(multiplier * (least - most), rii, most, limits, reason)


def _check_arguments(
    value_type: str, transform: bool, multiplier: float, confidences: Sequence[float], repetitions: int
) -> None:
    if value_type not in ("default", "rate", "proportion"):
        raise ValueError(f"value_type is default, rate or proportion, not {value_type}")
    if transform and value_type == "default":
        raise ValueError("there is no transformation for the value type default")
    if not math.isfinite(multiplier) or multiplier == 0:
        raise ValueError(f"multiplier is a number other than 0, not {multiplier}")
    if repetitions < FEWEST_REPETITIONS:
        raise ValueError(f"repetitions is at least {FEWEST_REPETITIONS}, not {repetitions}")
    for confidence in confidences:
        if not 0.9 <= confidence < 1:
            raise ValueError(f"a confidence is at least 0.9 and below 1, not {confidence}")
        if _places(confidence, repetitions)[0] < 0:
            raise ValueError(f"{repetitions} repetitions are too few for limits at {confidence}")


def _why_no_line(
    ordered: Sequence[Quantile], quantile_count: int, value_type: ValueType, transform: bool
) -> Reason | None:
    """Return the first reason why no line can be fitted to the quantiles, or None."""
    populations = [_number(quantile.population) for quantile in ordered]
    values = [_number(quantile.value) for quantile in ordered]
    reason: Reason | None = None
    if quantile_count < FEWEST_QUANTILES:
        reason = "too_few_quantiles"
    elif quantile_count > MOST_QUANTILES:
        reason = "too_many_quantiles"
    elif [quantile.number for quantile in ordered] != list(range(1, quantile_count + 1)):
        reason = "quantiles_incomplete"
    elif not all(0 < population < math.inf for population in populations):
        reason = "population_not_positive"
    elif not all(map(math.isfinite, values)):
        reason = "value_missing"
    elif value_type == "proportion" and not all(0 <= value <= 1 for value in values):
        reason = "value_outside_0_1"
    elif transform and not all(_is_on_scale(value, value_type) for value in values):
        reason = "value_off_scale"
    return reason


def _standard_errors(ordered: Sequence[Quantile], value_type: ValueType) -> tuple[list[float], Reason | None]:
    """Return the standard errors on the scale of the simulation, or the first reason why one of them is absent."""
    errors: list[float] = []
    for quantile in ordered:
        value, error = _number(quantile.value), _number(quantile.standard_error)
        lower, upper = _number(quantile.lower95), _number(quantile.upper95)
        if math.isfinite(error):
            lower = upper = value
        if not (math.isfinite(lower) and math.isfinite(upper)):
            return [], "limits_missing"
        if value_type == "proportion" and not (0 <= lower <= 1 and 0 <= upper <= 1):
            return [], "limits_outside_0_1"
        if not all(_is_on_scale(one, value_type) for one in (value, lower, upper)):
            return [], "limits_off_scale"
        if not math.isfinite(error):
            error = (_forward(upper, value_type) - _forward(lower, value_type)) / (2 * _Z95)
        if error < 0:
            return [], "standard_error_negative"
        errors.append(error)
    return errors, None


def _end_weights(populations: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return what each value adds to the fitted line at the most and at the least deprived end.

    Least squares are linear in the values, so that two rows of weights fit any number of simulations.
    """
    total = math.fsum(populations)
    shares = [population / total for population in populations]
    middles = [math.fsum(shares[:i]) + share / 2 for i, share in enumerate(shares)]
    centre = math.fsum(share * middle for share, middle in zip(shares, middles, strict=True))
    spread = math.fsum(share * (middle - centre) ** 2 for share, middle in zip(shares, middles, strict=True))
    slopes = [share * (middle - centre) / spread for share, middle in zip(shares, middles, strict=True)]
    most = [share - centre * slope for share, slope in zip(shares, slopes, strict=True)]
    least = [start + slope for start, slope in zip(most, slopes, strict=True)]
    return most, least


def _simulate(
    normals: Sequence[tuple[float, float]],
    weights: tuple[Sequence[float], Sequence[float]],
    drawn_as: ValueType,
    repetitions: int,
    seed: int,
) -> tuple[_Array, _Array]:
    """Return the fitted values at the most and at the least deprived end, one of each per repetition.

    Quantile by quantile with element-wise sums, never a matrix product: BLAS may add in another order on another
    machine or number of threads.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    most, least = np.zeros(repetitions), np.zeros(repetitions)
    for (mean, deviation), at_most, at_least in zip(normals, *weights, strict=True):
        drawn = _back(mean + deviation * generator.standard_normal(repetitions), drawn_as)
        most += at_most * drawn
        least += at_least * drawn
    return most, least


def _sorted(most: _Array, least: _Array, places: Sequence[int]) -> _Found:
    """Return the SII and the RII at places of their sorted simulations."""
    # As the fitted value at one end falls to nothing, the ratio goes to nothing or to infinity; it stays there.
    ratio = np.where(most > 0, np.maximum(least, 0.0) / most, np.inf)
    return _order_statistics(least - most, places).tolist(), _order_statistics(ratio, places).tolist()


def _turned(most: _Array, least: _Array, places: Sequence[int], middle: float, value_type: ValueType) -> _Found:
    """Return the SII and the RII of the line through its middle with the slope at places of the sorted slopes."""
    halves = _order_statistics(least - most, places) / 2
    starts, ends = _back(middle - halves, value_type), _back(middle + halves, value_type)
    return (ends - starts).tolist(), (ends / starts).tolist()


def _order_statistics(values: _Array, places: Sequence[int]) -> _Array:
    return np.partition(values, places)[list(places)]


def _pair(found: _Found, i: int, confidence: float, multiplier: float) -> SlopeLimits:
    sii, rii = (ends[2 * i : 2 * i + 2] for ends in found)
    sii = [multiplier * end for end in sii]
    if multiplier < 0:
        sii = sii[::-1]
        rii = [1 / end if end > 0 else math.inf for end in rii[::-1]]
    return SlopeLimits(
        confidence,
        *(_rounded(end) if math.isfinite(end) else None for end in sii),
        *(_rounded(end) if 0 < end < math.inf else None for end in rii),
    )


def _rounded(limit: float) -> float:
    """Return ten significant digits: the last bit of an exponential depends on the processor (AVX-512 or not).

    Simulation fixes three or four of them.
    """
    return float(f"{limit:.9e}")


def _places(confidence: float, repetitions: int) -> tuple[int, int]:
    """Return where the limits are among the sorted simulations, counted from 0; half-way goes to even, as in R."""
    tail = (1 - confidence) / 2
    return round(repetitions * tail) - 1, round(repetitions * (1 - tail)) - 1


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _is_on_scale(value: float, value_type: ValueType) -> bool:
    """Tell whether a value has a logarithm (rates) or a logit (proportions)."""
    return value_type == "default" or 0 < value < (1 if value_type == "proportion" else math.inf)


def _forward(value: float, value_type: ValueType) -> float:
    if value_type == "rate":
        return math.log(value)
    return math.log(value / (1 - value)) if value_type == "proportion" else value


def _back(values: _Array, value_type: ValueType) -> _Array:
    if value_type == "rate":
        return np.exp(values)
    return 1.0 / (1.0 + np.exp(-values)) if value_type == "proportion" else values
