"""The notes of a release as a page that a board can read, in Markdown.

Headings, order and length belong here; what is said is in the mart ``release_note``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.publish.snapshots import match_release, read_snapshots
from pipelines.release_archive import Archive
from pipelines.report import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipelines.settings import Settings

SHOWN: Final = 25
"""Items of a section; the table release_note has all."""


@dataclass(frozen=True, slots=True)
class Note:
    """One item; the columns of ``release_note`` that are printed."""

    section: str
    value_count: int | None
    sentence: str
    previous_release_id: str | None


@dataclass(frozen=True, slots=True)
class Heading:
    """A part of the page.

    Attributes:
        title: Heading.
        sections: Sections of ``release_note`` that stand under it.
        headline: How its number is told at the top, ``{n}`` being the number; None when it is not told.
        counts_values: Whether that number is of values, and not of items.
    """

    title: str
    sections: tuple[str, ...]
    headline: str | None = None
    counts_values: bool = False


HEADINGS: Final = (
    Heading("Commitments with another status", ("status_changed",), "{n} with another status"),
    Heading("Figures that changed by more than 5%", ("changed_beyond_5_percent",), "{n} changed by more than 5%", True),
    Heading("Other revised figures", ("revised", "presence_changed"), "{n} revised in another way", True),
    Heading("New figures", ("new_period", "late_addition", "indicator_added"), "{n} new", True),
    Heading("Figures that were removed", ("values_removed", "indicator_removed"), "{n} removed", True),
    Heading("Places that were lost", ("area_lost",)),
    Heading("Commitments added or withdrawn", ("commitment_added", "commitment_withdrawn")),
    Heading("Sources that were refused or are out of date", ("source_blocked", "source_stale")),
    Heading("Large changes that were approved", ("approved_change",)),
)


def notes_of(settings: Settings, release: str = "served") -> str:
    """Return the notes of a release.

    Args:
        settings: Folders.
        release: Release id, the beginning of one, ``served`` or ``previous``.

    Returns:
        Markdown.

    Raises:
        OutcomesError: There is no such release.
    """
    archive = Archive(settings.history)
    kept = read_snapshots(archive, match_release(release, archive, settings))
    row = kept["release"].row(0, named=True)
    notes = [
        Note(one["section"], one["value_count"], one["sentence"], one["previous_release_id"])
        for one in kept["notes"].sort("note_number").to_dicts()
    ]
    return notes_markdown(row["release_id"], row["as_at"], notes)


def notes_markdown(release_id: str, as_at: date, notes: Sequence[Note]) -> str:
    """Write the notes.

    Args:
        release_id: The release.
        as_at: Day that it speaks for.
        notes: Its items, in their order.

    Returns:
        Markdown: what changed in one sentence, then every heading, with "None." where nothing is to be said.
    """
    lines = [f"# What is new as at {words.day(as_at)}", ""]
    alone = [one for one in notes if one.section in ("first_release", "nothing_changed")]
    if alone or not notes:
        told = alone[0].sentence if alone else "No notes were kept of this release."
        return "\n".join([*lines, _plain(told), "", f"Release {release_id}.", ""])
    before = next((one.previous_release_id for one in notes if one.previous_release_id), "the one before")
    lines += [_headline(notes), "", f"Release {release_id}, compared with release {before}.", ""]
    for heading in HEADINGS:
        found = [one for one in notes if one.section in heading.sections]
        lines += [f"## {heading.title}", ""]
        lines += [f"- {_plain(one.sentence)}" for one in found[:SHOWN]] or ["None."]
        if len(found) > SHOWN:
            lines.append(f"- And {len(found) - SHOWN:,} more; the table release_note lists them all.")
        lines.append("")
    return "\n".join(lines)


def _headline(notes: Sequence[Note]) -> str:
    told: dict[bool, list[str]] = {False: [], True: []}
    for heading in HEADINGS:
        if heading.headline is None:
            continue
        found = [one for one in notes if one.section in heading.sections]
        number = sum(one.value_count or 0 for one in found) if heading.counts_values else len(found)
        told[heading.counts_values].append(heading.headline.format(n=f"{number:,}" if number else "none"))
    return f"Commitments: {', '.join(told[False])}. Figures: {', '.join(told[True])}."


def _plain(sentence: str) -> str:
    """Return a sentence as one line in which Markdown sees no mark-up: names come from files of others."""
    line = " ".join(sentence.split())
    for sign in ("\\", "`", "*", "_", "[", "]", "<", ">", "#", "|"):
        line = line.replace(sign, f"\\{sign}")
    return line
