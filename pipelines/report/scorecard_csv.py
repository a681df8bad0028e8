"""The scorecard as a table for a spreadsheet: RFC 4180, with no text that a spreadsheet would run.

Writing cells belongs here; which rows there are does not.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pipelines.report.scorecard import CSV_COLUMNS

if TYPE_CHECKING:
    from pipelines.report.scorecard import Scorecard

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters with which a spreadsheet takes a text for a formula, or drops what stands before one."""


def safe_cell(content: object) -> object:
    """Return a cell that a spreadsheet shows as it is.

    Args:
        content: A text, a number, a date or None.

    Returns:
        A text that begins like a formula with a single quote before it; everything else, numbers too, unchanged.
    """
    return f"'{content}" if isinstance(content, str) and content.startswith(FORMULA_STARTS) else content


def scorecard_csv(scorecard: Scorecard) -> str:
    """Return all rows that fit, those too that a screen holds back, under one header.

    Args:
        scorecard: The answer.

    Returns:
        RFC 4180 text: a line ends with CR and LF, a cell with a comma, a quote or a line break stands in quotes.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["release_id", "as_at", *CSV_COLUMNS])
    for line in scorecard.lines:
        cells = [scorecard.release.release_id, scorecard.release.as_at, *(getattr(line, name) for name in CSV_COLUMNS)]
        writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue()
