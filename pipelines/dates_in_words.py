"""Days as people write them in this country.

Only the wording belongs here; it is not left to ``strftime``, which has no portable day without a leading zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


def in_words(day: date) -> str:
    """Return a day, or the day of a moment, such as ``5 November 2026``.

    Args:
        day: The day.

    Returns:
        Day of the month, month in full, year.
    """
    return f"{day.day} {day:%B %Y}"
