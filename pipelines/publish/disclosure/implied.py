"""Counts that a figure gives away without stating them: from limits, back to the number of people.

The inversion of the formulas of limits belongs here. What counts as small does not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Z_95 = 1.959963984540054
_ENOUGH = 1_000_000.0


def wilson_denominator(share: float, limit: float) -> float | None:
    """Return the denominator whose Wilson limit is the given one.

    A Wilson limit ``l`` of a share ``p`` of ``n`` solves ``n (p - l)^2 = z^2 l (1 - l)`` (Wilson 1927).

    Args:
        share: The share, 0 to 1.
        limit: One of its 95 % limits, 0 to 1.

    Returns:
        The denominator, or None where the limit says nothing about it.
    """
    if not 0 <= share <= 1 or not 0 < limit < 1 or share == limit:
        return None
    return Z_95**2 * limit * (1 - limit) / (share - limit) ** 2


def byar_factor(count: float, sign: int) -> float:
    """Return the ratio of a limit by Byar's method to the rate itself.

    Args:
        count: Observed events, above 0.
        sign: -1 for the lower 95 % limit, 1 for the upper one.
    """
    if sign < 0:
        return max(0.0, 1 - 1 / (9 * count) - Z_95 / (3 * math.sqrt(count))) ** 3
    more = count + 1
    return more / count * (1 - 1 / (9 * more) + Z_95 / (3 * math.sqrt(more))) ** 3


def byar_count(value: float, limit: float) -> float | None:
    """Return the number of events whose rate has the given limit by Byar's method.

    Args:
        value: A rate, above 0.
        limit: One of its 95 % limits, in the same unit.

    Returns:
        The events, by halving the interval: the ratio of limit to rate falls or rises with the count alone.
    """
    if value <= 0 or limit <= 0 or limit == value:
        return None
    sign = 1 if limit > value else -1
    return _solve(lambda count: sign * (limit / value - byar_factor(count, sign)))


def dobson_count(value: float, lower: float, upper: float) -> float | None:
    """Return the number of events behind a directly standardised rate with limits by Dobson's method.

    The method stretches Byar's limits of the count by one factor on both sides, so that the ratio of the upper distance
    to the lower one belongs to the count alone (Dobson and others 1991).

    Args:
        value: The rate.
        lower: Its lower 95 % limit.
        upper: Its upper 95 % limit.
    """
    below, above = value - lower, upper - value
    if below <= 0 or above <= below:
        return None
    return _solve(lambda count: (byar_factor(count, 1) - 1) / (1 - byar_factor(count, -1)) - above / below)


def decimals_of(number: float) -> int:
    """Return how many decimal places a number is printed with."""
    text = f"{number:.10f}".rstrip("0")
    return len(text.partition(".")[2])


def _solve(difference: Callable[[float], float]) -> float | None:
    """Find where a monotone function of the count changes sign, between a hundredth of a person and a million."""
    low, high = 0.01, _ENOUGH
    at_low = difference(low)
    if at_low * difference(high) > 0:
        return None
    for _ in range(60):
        middle = math.sqrt(low * high)
        if difference(middle) * at_low > 0:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)
