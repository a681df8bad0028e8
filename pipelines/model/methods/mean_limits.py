"""Mean of a sample with limits from Student's t distribution.

The arithmetic mean of measured values belongs here. Means of tables of counts, and which indicators are means, do not.

Method: that of ``phe_mean`` in the R package PHEindicatormethods 2.1.0 (methods 4): the limits are the mean plus and
minus ``t * s / sqrt(n)``, where ``s`` is the standard deviation with ``n - 1`` and ``t`` the quantile of the t
distribution with ``n - 1`` degrees of freedom. Units: those of the values. It supposes independent values of roughly
normal distribution, or enough of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Not scipy.stats, whose quantile is this very function: importing it takes 1.2 s more than scipy.special's 0.3 s.
from scipy.special import stdtrit


@dataclass(frozen=True, slots=True)
class MeanLimits:
    """A mean, its spread and its limits.

    Attributes:
        count: Number of values.
        mean: Arithmetic mean; None without values, or when one is missing.
        standard_deviation: With ``count - 1``; None for fewer than two values.
        lower: Lower limit of the mean; None for fewer than two values.
        upper: Upper limit of the mean; None for fewer than two values.
    """

    count: int
    mean: float | None
    standard_deviation: float | None
    lower: float | None
    upper: float | None


def mean_limits(values: Sequence[float | None], confidence: float = 0.95) -> MeanLimits:
    """Compute the mean of values with its limits.

    Sums are exact before their one rounding (``math.fsum``), so that the order of the values does not matter.

    Args:
        values: The measured values; a mean over the known ones only would describe another group, so a missing one
            leaves everything but the count empty.
        confidence: Level of the limits, between 0 and 1.

    Returns:
        Mean, standard deviation and limits, each None where it does not exist.

    Raises:
        ValueError: The confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence is above 0 and below 1, not {confidence}")
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    count = len(values)
    if not known or len(known) < count:
        return MeanLimits(count, None, None, None, None)
    mean = math.fsum(known) / count
    if count == 1:
        return MeanLimits(count, mean, None, None, None)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (count - 1))
    margin = float(stdtrit(count - 1, (1 + confidence) / 2)) * deviation / math.sqrt(count)
    return MeanLimits(count, mean, deviation, mean - margin, mean + margin)
