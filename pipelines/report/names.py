"""What a person typed, matched with what the file knows.

Exact matching, and the words for a name that is not known, belong here; nothing is guessed on a person's behalf.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN = 8
CUTOFF = 0.6


class UnknownName(OutcomesError):  # noqa: N818 - says what was found
    """A name that the file does not have; the message says which it has."""


class Place(NamedTuple):
    """A place of the scorecard; one that a commitment names is signed at least once."""

    area_code: str
    area_name: str
    is_signed: int


def close(asked: str, known: Iterable[str], most: int = SHOWN) -> list[str]:
    """Return the known names that come close to what was asked: alike in letters, or holding all of its words.

    Args:
        asked: What was typed.
        known: Names to compare with.
        most: How many to return at most.

    Returns:
        The closest first.
    """
    by_fold = {name.casefold(): name for name in known}
    words = asked.casefold().replace("-", " ").split()
    holding = [name for name in by_fold if words and all(word in name.replace("-", " ") for word in words)]
    alike = difflib.get_close_matches(asked.casefold(), by_fold, n=most, cutoff=CUTOFF)
    return [by_fold[name] for name in dict.fromkeys([*alike, *sorted(holding, key=len)])][:most]


def match_code(asked: str, known: Sequence[str], kind: str) -> str:
    """Return the known code that was asked for, whatever its case.

    Args:
        asked: What was typed.
        known: Codes of the file.
        kind: What they are, for the message: ``framework``.

    Raises:
        UnknownName: There is no such code; all of them are named, close ones first.
    """
    for code in known:
        if code.casefold() == asked.strip().casefold():
            return code
    near = close(asked, known)
    suggestion = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UnknownName(f"There is no {kind} {asked!r}.{suggestion} Known: {', '.join(known)}.")


def match_place(asked: str, places: Sequence[Place]) -> tuple[str, ...]:
    """Return the codes of the place that was asked for by code or name, whatever the case.

    Args:
        asked: What was typed.
        places: Places of the file.

    Returns:
        One code, or several for a name that several places have.

    Raises:
        UnknownName: There is no such place; close ones are named, or else all that signed.
    """
    wanted = asked.strip().casefold()
    found = tuple(
        place.area_code for place in places if wanted in (place.area_code.casefold(), place.area_name.casefold())
    )
    if found:
        return found
    near = close(asked, [name for place in places for name in (place.area_name, place.area_code)])
    if near:
        raise UnknownName(f"There is no place {asked!r} here. Did you mean {' or '.join(near)}?")
    signed = sorted({f"{place.area_name} ({place.area_code})" for place in places if place.is_signed})
    raise UnknownName(f"There is no place {asked!r} here. Places that signed: {', '.join(signed)}.")
