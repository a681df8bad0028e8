"""What a source declares about small counts: which of its figures the public edition withholds, and who answers for it.

The shape of the ``disclosure:`` block of ``sources/<source_id>.yml`` belongs here. What is withheld because of it is
worked out in ``pipelines.publish.disclosure``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.acquire.table_declaration import Declared, Text

Levels = Literal["all", "below_national"]
NATIONAL = frozenset({"england", "country"})
"""Area types that ``below_national`` leaves out."""


class DisclosurePolicy(Declared):
    """How small counts of a source are kept out of the public edition. Every field is to be given: none has a default.

    Attributes:
        method: ``threshold`` withholds figures of fewer than ``min_count`` people; ``round`` does that and rounds every
            other count of people; ``none`` withholds only what the publisher withholds.
        min_count: Smallest count that is shown; counts from 1 to one less are withheld, and so are counts of people
            outside the numerator (denominator less count) and denominators of that size. None with the method ``none``.
        round_to: Multiple to which counts are rounded; None unless the method is ``round``.
        zero_is_safe: Whether a count of nobody may be shown.
        secondary: Whether further figures are withheld so that none can be worked out from the rest. Only a method of
            ``none`` may do without.
        levels: Area types to which the policy applies: ``all``, ``below_national`` (every type but England and other
            countries) or a list of types. A level that is left out is published as it is.
        population_indicators: Indicators of this source whose values are numbers of residents, with which rates of
            other indicators, of the same area, sex and age, can be turned back into counts.
        owner: Role that decides on the policy.
        review_date: Day by which it is looked at again.
        reason: Why it is as it is.
    """

    method: Literal["none", "threshold", "round"]
    min_count: Annotated[int, Field(ge=3, le=100)] | None
    round_to: Annotated[int, Field(ge=2, le=100)] | None
    zero_is_safe: bool
    secondary: bool
    levels: Levels | Annotated[tuple[Text, ...], Field(min_length=1)]
    population_indicators: tuple[Text, ...]
    owner: Text
    review_date: date
    reason: Text

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.min_count is None) != (self.method == "none"):
            raise ValueError("min_count: needed for threshold and round, and empty (null) for none")
        if (self.round_to is None) != (self.method != "round"):
            raise ValueError("round_to: needed for round, and empty (null) otherwise")
        if self.method != "none" and not self.secondary:
            raise ValueError("secondary: a threshold without it can be undone by subtraction; use true")
        if not self.zero_is_safe and self.method == "none":
            raise ValueError("zero_is_safe: with the method none nothing is withheld here, zeros included; use true")
        return self

    def applies_to(self, area_type: str) -> bool:
        """Return whether figures of areas of a type fall under the policy."""
        if self.method == "none":
            return False
        if self.levels == "all":
            return True
        if self.levels == "below_national":
            return area_type not in NATIONAL
        return area_type in self.levels
