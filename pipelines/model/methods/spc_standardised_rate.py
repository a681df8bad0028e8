"""Comparison of a directly standardised rate with another area by control limits (Fingertips comparator method 6).

The limits around the comparator's rate and the outcome belong here. Which of lower and higher is good does not: that is
a matter of the indicator's polarity.

Method (methods 2.1): the events that an area would have at the comparator's rate are
``E = comparator * denominator2 / multiplier``, a real number, where the second denominator is the one that belongs to
the rate. The limits are those of a Poisson count of ``E``: half the chi-squared quantiles with ``2 E`` and ``2 E + 2``
degrees of freedom, scaled back to the rate. A value strictly outside is different. Units: those of the rates, such as
per 100,000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

# Half a chi-squared quantile is a gamma quantile. scipy.stats has it as well, but takes 1.2 s more to import.
from scipy.special import gammainccinv, gammaincinv

Outcome = Literal["lower", "similar", "higher"]


@dataclass(frozen=True, slots=True)
class ControlLimits:
    """Control limits around the rate of a comparator.

    Attributes:
        expected: Events expected at the comparator's rate.
        lower: Lower limit, as a rate.
        upper: Upper limit, as a rate.
    """

    expected: float
    lower: float
    upper: float


def control_limits(
    comparator: float | None, denominator2: float | None, multiplier: float | None, confidence: float = 0.95
) -> ControlLimits | None:
    """Compute the limits within which an area's rate differs from the comparator's by chance only.

    Args:
        comparator: Rate of the area compared with.
        denominator2: Second denominator of the area that is compared.
        multiplier: What the rates are per, such as 100000.
        confidence: Fingertips uses 0.95 and 0.998, by indicator.

    Returns:
        The limits, or None when a number is missing, the comparator is negative, or one of the others not positive.

    Raises:
        ValueError: The confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence is above 0 and below 1, not {confidence}")
    if comparator is None or denominator2 is None or multiplier is None:
        return None
    if not (0 <= comparator < math.inf and 0 < denominator2 < math.inf and 0 < multiplier < math.inf):
        return None
    expected = comparator * denominator2 / multiplier
    tail = (1 - confidence) / 2
    lower = float(gammaincinv(expected, tail)) if expected > 0 else 0.0
    upper = float(gammainccinv(expected + 1, tail))
    return ControlLimits(expected, lower * multiplier / denominator2, upper * multiplier / denominator2)


def compared_by_control_limits(value: float | None, limits: ControlLimits | None) -> Outcome | None:
    """Compare a rate with control limits; a rate on a limit is similar.

    Args:
        value: Rate of the area that is compared.
        limits: As returned by :func:`control_limits`.

    Returns:
        Where the rate lies, or None when it or the limits are missing.
    """
    if limits is None or value is None or math.isnan(value):
        return None
    if value < limits.lower:
        return "lower"
    return "higher" if value > limits.upper else "similar"
