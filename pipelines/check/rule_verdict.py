"""What an engine answers about one rule, in one form for every engine.

The words for people are made from it in ``gate``; how an engine finds its answer does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one rule.

    Attributes:
        success: Whether the batch keeps the rule; without meaning when there is an error.
        result: What was seen, under the names of a Great Expectations result: ``observed_value``,
            ``unexpected_count``, ``partial_unexpected_list``, ``partial_unexpected_index_list``,
            ``unexpected_index_query``, ``details``.
        error: Why the rule could not be evaluated; ``None`` if it was.
    """

    success: bool
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str | None = None


def first_line(error: object) -> str:
    """Return the first line of an error that says something, or the name of its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
