"""Numbers and codes as a person reads them.

How a figure, a unit, a date, a chance or a code is written belongs here; where it comes from does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.dates_in_words import in_words

if TYPE_CHECKING:
    from datetime import date

OPERATORS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}
"""Operator as the file writes it -> as it is printed."""

RECURRENCES = {
    "weekly": "every week",
    "fortnightly": "every fortnight",
    "monthly": "every month",
    "bimonthly": "every two months",
    "quarterly": "every quarter",
    "annual": "every year",
}
"""How often an output is promised -> an adverb."""


def exact(number: float | None) -> str:
    """Write a number with all the digits that matter, and none that arithmetic on doubles left behind.

    Args:
        number: A figure, or None.

    Returns:
        Up to ten significant digits, such as ``24.1`` for 24.099999999999994; ``none`` for None.
    """
    if number is None:
        return "none"
    text = f"{number:,.10g}"
    return "0" if text == "-0" else text


def added(number: float) -> str:
    """Write a number as a term of a sum: ``+ 5`` or ``- 20``.

    Args:
        number: The term.
    """
    return f"{'-' if number < 0 else '+'} {exact(abs(number))}"


def factor(number: float) -> str:
    """Write a number as a factor or divisor, in brackets when it is negative.

    Args:
        number: The factor.
    """
    return f"({exact(number)})" if number < 0 else exact(number)


def rounded(number: float, decimals: int | None) -> str:
    """Write a number as the sentences of the file do.

    Args:
        number: A figure.
        decimals: Decimal places of its indicator; one when it names none.
    """
    return f"{number:,.{1 if decimals is None else decimals}f}"


def with_unit(text: str, unit: str | None) -> str:
    """Put a unit behind a number that is written already: ``12.3%``, ``27.5 per 100,000``.

    Args:
        text: The number.
        unit: Its unit, if it has one.
    """
    return f"{text}%" if unit == "%" else f"{text} {unit}" if unit else text


def unit_of(indicator_unit: str | None, measured_as: str, gap_measure: str | None) -> str | None:
    """Return the unit of what is measured: that of the indicator, unless it is a gap.

    Args:
        indicator_unit: Unit of the indicator.
        measured_as: ``value``, ``gap_across_groups``, ``gap_between_indicators`` or ``none``.
        gap_measure: How a gap across groups is taken.
    """
    if gap_measure in ("relative_gap", "relative_index"):
        return "times"
    return "percentage points" if indicator_unit == "%" and measured_as.startswith("gap") else indicator_unit


def actual_words(
    value: float, limits: tuple[float | None, float | None], unit: str | None, decimals: int | None
) -> str:
    """Write a value with its unit and, where both are published, its 95 % limits.

    Args:
        value: The value.
        limits: Its lower and upper limit.
        unit: Its unit.
        decimals: Decimal places.

    Returns:
        ``17.2% (17.1 to 17.3)``.
    """
    lower, upper = limits
    written = with_unit(rounded(value, decimals), unit)
    if lower is None or upper is None:
        return written
    return f"{written} ({rounded(lower, decimals)} to {rounded(upper, decimals)})"


def chance(probability: float | None) -> str:
    """Write the probability of meeting a target; its ends are never called certain.

    Args:
        probability: From 0 to 1, or None without a forecast.
    """
    if probability is None:
        return "-"
    if probability < 0.01:
        return "<1%"
    return ">99%" if probability > 0.99 else f"{100 * probability:.0f}%"


def day(when: date | None) -> str:
    """Write a date: ``31 December 2035``; ``none`` for None.

    Args:
        when: The date.
    """
    return "none" if when is None else f"{in_words(when)}"


def short_day(when: date | None) -> str:
    """Write a date in a column: ``31 Dec 2035``.

    Args:
        when: The date.
    """
    return "no date" if when is None else f"{when.day} {when:%b %Y}"


def plain(code: str | None) -> str:
    """Write a code of the file in words; ``none`` for None.

    Args:
        code: Such as ``no_data_source_connected``.
    """
    return "none" if code is None else code.replace("_", " ")


def cut(text: str, width: int) -> str:
    """Shorten a text to a width; what is left out shows as an ellipsis.

    Args:
        text: One line.
        width: Columns that it may take.
    """
    return text if len(text) <= width else f"{text[: max(width - 1, 0)].rstrip()}…"
