"""What is asked of Fingertips: which indicators at which area types, and in how many calls.

Deriving the questions from the register and the declarations belongs here. Asking them, and judging the answers, does
not: everything here is a function of its arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pipelines.acquire.source_registry import Source

PARENT_AREA_TYPE_ID: Final = 15
"""England: the parent of every question, so that every answer also holds the figures of England."""

INDICATORS_A_CALL: Final = 100
"""The service refuses more indicator ids than this in one call."""


@dataclass(frozen=True, slots=True)
class AreaLevel:
    """One area type of Fingertips.

    Attributes:
        area_type_id: The number that the service knows it by.
        name: What the service calls it; the label changes now and then, the number does not.
        area_types: The area types of ``areas.csv`` that it holds.
    """

    area_type_id: int
    name: str
    area_types: frozenset[str]


AREA_LEVELS: Final[tuple[AreaLevel, ...]] = (
    AreaLevel(PARENT_AREA_TYPE_ID, "England", frozenset({"england"})),
    AreaLevel(6, "Regions (statistical)", frozenset({"region"})),
    AreaLevel(66, "ICB sub-locations", frozenset({"sub_icb_location"})),
    AreaLevel(126, "Combined authorities", frozenset({"combined_authority"})),
    AreaLevel(221, "ICBs", frozenset({"icb"})),
    AreaLevel(223, "NHS regions", frozenset({"nhs_region"})),
    AreaLevel(501, "Districts & UAs (from Apr 2023)", frozenset({"district"})),
    AreaLevel(
        502,
        "Counties & UAs (from Apr 2023)",
        frozenset({"county", "unitary_authority", "metropolitan_district", "london_borough"}),
    ),
)
"""The area types that a commitment's place can be at; ids and names as listed by the service's ``area_types``.

A unitary authority is in 501 and in 502. It is asked for in 502, where every upper-tier measure is published. Wards and
localities are missing on purpose: no commitment of theirs is measured by Fingertips.
"""

_LEVEL_OF: Final = {area_type: level for level in AREA_LEVELS for area_type in level.area_types}
_NAMES: Final = {level.area_type_id: level.name for level in AREA_LEVELS}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the commitments need of Fingertips.

    Attributes:
        pairs: Indicator id and area type id.
        undeclared: Indicators that measure a commitment under another source's name but that the Fingertips declaration
            does not describe. They are not asked for: their rows could not be gated.
        without_level: Codes of places at an area type that is not in :data:`AREA_LEVELS`.
    """

    pairs: frozenset[tuple[int, int]]
    undeclared: tuple[int, ...] = ()
    without_level: tuple[str, ...] = ()

    @property
    def indicators(self) -> tuple[int, ...]:
        """The indicator ids, in order."""
        return tuple(sorted({indicator for indicator, _ in self.pairs}))

    def area_types_of(self, indicator: int) -> frozenset[int]:
        """Return the area type ids at which one indicator is wanted."""
        return frozenset(area_type for one, area_type in self.pairs if one == indicator)


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """One call for values, whose answer is one file.

    Attributes:
        area_type_id: Area type of the rows; the parent is always England.
        indicators: At most :data:`INDICATORS_A_CALL` indicator ids, in order.
    """

    area_type_id: int
    indicators: tuple[int, ...]

    @property
    def file_name(self) -> str:
        """Name of the file that holds the answer: the same question always has the same name."""
        match self.indicators:
            case (only,):
                what = str(only)
            case several:
                ids = hashlib.sha256(",".join(str(one) for one in several).encode()).hexdigest()[:8]
                what = f"{len(several)}_indicators_{ids}"
        return f"area_type_{self.area_type_id}_{what}.csv"

    def __str__(self) -> str:
        """Return the question in words."""
        ids = ", ".join(str(one) for one in self.indicators)
        return f"{ids} at {area_type_name(self.area_type_id)}"


def area_type_name(area_type_id: int) -> str:
    """Return the name of an area type with its number, for messages and passports."""
    return f"{_NAMES.get(area_type_id, 'area type')} ({area_type_id})"


def wanted_list(
    indicator_rows: Iterable[Mapping[str, str]],
    place_rows: Iterable[Mapping[str, str]],
    area_rows: Iterable[Mapping[str, str]],
    sources: Mapping[str, Source],
    source_id: str,
) -> Wanted:
    """Derive what to ask for.

    A commitment needs its indicators at the area types of its own places. An indicator is one of Fingertips when its id
    is a bare number, or when its declaration, in whatever source, names the Fingertips indicator that carries the same
    figures.

    Args:
        indicator_rows: Rows of ``commitment_indicators.csv``.
        place_rows: Rows of ``commitment_places.csv``.
        area_rows: Rows of ``areas.csv``.
        sources: Every declaration, by source id.
        source_id: The source that receives the answers.

    Returns:
        The pairs, and what was left out. England is a pair only where nothing else is wanted of an indicator: it comes
        with every answer.
    """
    declared = {indicator.id: indicator for source in sources.values() for indicator in source.indicators}
    receivable = {indicator.id for indicator in sources[source_id].indicators}
    types_of: dict[str, set[str]] = {}
    for row in area_rows:
        types_of.setdefault(row["area_code"], set()).add(row["area_type"])
    places_of: dict[str, set[str]] = {}
    for row in place_rows:
        places_of.setdefault(row["commitment_id"], set()).add(row["area_code"])

    pairs: set[tuple[int, int]] = set()
    undeclared: set[int] = set()
    without_level: set[str] = set()
    for row in indicator_rows:
        indicator = _fingertips_id(row["indicator_id"], {key: one.fingertips_id for key, one in declared.items()})
        if indicator is None:
            continue
        if str(indicator) not in receivable:
            undeclared.add(indicator)
            continue
        for place in places_of.get(row["commitment_id"], set()):
            levels = {_LEVEL_OF[one] for one in types_of.get(place, set()) if one in _LEVEL_OF}
            if not levels:
                without_level.add(place)
            pairs |= {(indicator, level.area_type_id) for level in levels}
    beyond_england = {indicator for indicator, area_type in pairs if area_type != PARENT_AREA_TYPE_ID}
    return Wanted(
        frozenset(pair for pair in pairs if pair[1] != PARENT_AREA_TYPE_ID or pair[0] not in beyond_england),
        tuple(sorted(undeclared)),
        tuple(sorted(without_level)),
    )


def batches(indicators: Sequence[int], at_most: int = INDICATORS_A_CALL) -> Iterator[tuple[int, ...]]:
    """Cut indicator ids into calls.

    Args:
        indicators: Indicator ids, in order.
        at_most: Most ids a call.

    Yields:
        Between one and ``at_most`` ids, in order.
    """
    remaining = iter(indicators)
    while batch := tuple(islice(remaining, at_most)):
        yield batch


def questions(pairs: Iterable[tuple[int, int]], at_most: int = INDICATORS_A_CALL) -> tuple[Question, ...]:
    """Cut what is wanted into calls, one area type each.

    Args:
        pairs: Indicator id and area type id.
        at_most: Most indicator ids a call.

    Returns:
        The questions, by area type and indicator.
    """
    by_type: dict[int, set[int]] = {}
    for indicator, area_type in pairs:
        by_type.setdefault(area_type, set()).add(indicator)
    return tuple(
        Question(area_type, batch)
        for area_type in sorted(by_type)
        for batch in batches(sorted(by_type[area_type]), at_most)
    )


def _fingertips_id(indicator_id: str, equivalents: Mapping[str, int | None]) -> int | None:
    return int(indicator_id) if indicator_id.isdecimal() else equivalents.get(indicator_id)
