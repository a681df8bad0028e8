"""What has changed below ``data/raw`` since it was last looked at, and whether it has all arrived.

Looking and deciding belong here, without an orchestrator. Opening a run is ``automation``'s; whether the bytes are the
ones that a passport describes is for landing to say.

Files are told apart by name, size and time of change: reading a gigabyte twice a minute would be a load of its own, and
a run opens only where the hashes of the inputs differ too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.acquire.raw_snapshots import PASSPORT_NAME, RawRelease, read_passport
from pipelines.problems import SourceRefused

if TYPE_CHECKING:
    from pipelines.settings import Settings

SETTLED_AFTER: Final = 60.0
"""Seconds without a change after which files count as arrived."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class SeenRelease:
    """A release as it lies there.

    Attributes:
        mark: Stands for its names, sizes and times of change.
        changed_at: When a file of it changed last, in seconds since 1970.
        is_hidden: Whether its name begins with a full stop: something is putting it together.
        has_passport: Whether it has one.
    """

    mark: str
    changed_at: float
    is_hidden: bool
    has_passport: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """What has been dealt with.

    Attributes:
        number: How many changes have been.
        marks: ``source/release`` to its mark then.
    """

    number: int = 0
    marks: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Return the cursor that was written, or an empty one where there is none that can be read."""
        try:
            found = json.loads(text or "")
            return cls(int(found["number"]), {str(name): str(mark) for name, mark in found["marks"].items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self) -> str:
        """Return the cursor as text."""
        return json.dumps({"number": self.number, "marks": self.marks}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at ``data/raw`` found.

    Attributes:
        changed: ``source/release`` of what has changed since the cursor, gone or new; all of it, however long ago that
            was.
        waiting: Why it has not all arrived, in a sentence; None when it has.
        cursor: The cursor that says that all of this has been dealt with.
        key: Names this change: the same before and after a restart, another one for every later change.
    """

    changed: tuple[str, ...]
    waiting: str | None
    cursor: Cursor
    key: str

    @property
    def said(self) -> str:
        """The change in a few words."""
        more = len(self.changed) - _SHOWN
        return ", ".join(self.changed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def look(settings: Settings, cursor: Cursor, now: float, settled_after: float = SETTLED_AFTER) -> Look:
    """Look at ``data/raw``.

    Args:
        settings: Folders.
        cursor: What has been dealt with.
        now: The moment, in seconds since 1970.
        settled_after: Seconds without a change after which files count as arrived.

    Returns:
        What has changed, and whether it has all arrived: no file changed just now, none is being put together, and
        every release has its passport and the files that it lists, in their size.
    """
    seen = dict(sorted(_seen(settings.raw)))
    marks = {name: one.mark for name, one in seen.items() if not one.is_hidden}
    changed = tuple(name for name in sorted({*marks, *cursor.marks}) if marks.get(name) != cursor.marks.get(name))
    key = hashlib.sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()[:16]
    following = Cursor(cursor.number + 1, marks)
    waiting = _waiting(settings, seen, changed, now, settled_after) if changed else None
    return Look(changed, waiting, following, f"{following.number}-{key}")


def _waiting(
    settings: Settings, seen: Mapping[str, SeenRelease], changed: tuple[str, ...], now: float, settled_after: float
) -> str | None:
    for name, one in seen.items():
        # A time in the future is a clock that is wrong, not a file that is being written.
        if 0 <= now - one.changed_at < settled_after and (one.is_hidden or name in changed):
            return f"{name} changed {now - one.changed_at:.0f} seconds ago; it may still be arriving."
    for name in changed:
        one = seen.get(name)
        if one is not None and (missing := _missing(settings, name, one)):
            return missing
    return None


def _missing(settings: Settings, name: str, one: SeenRelease) -> str | None:
    source_id, _, release_id = name.partition("/")
    if not one.has_passport:
        return f"{name} has no {PASSPORT_NAME} yet."
    folder = settings.raw / source_id / release_id
    try:
        listed = read_passport(RawRelease(source_id, release_id, folder)).files
    except SourceRefused:
        # Whoever wrote it has finished; landing says what is wrong.
        return None
    for file in listed:
        path = folder / file.file
        size = path.stat().st_size if path.is_file() else -1
        if size < file.bytes:
            return f"{name}: {file.file} is not there yet as its passport describes it."
    return None


def _seen(raw: Path) -> Iterator[tuple[str, SeenRelease]]:
    """Yield ``source/release`` and what lies there."""
    for source in sorted(raw.iterdir()) if raw.is_dir() else ():
        if source.is_dir() and not source.name.startswith("."):
            for release in sorted(source.iterdir()):
                if release.is_dir():
                    yield f"{source.name}/{release.name}", _seen_release(release)


def _seen_release(folder: Path) -> SeenRelease:
    digest, changed_at = hashlib.sha256(), 0.0
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent) / name
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            changed_at = max(changed_at, facts.st_mtime)
            digest.update(f"{path.relative_to(folder).as_posix()}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return SeenRelease(
        digest.hexdigest()[:16], changed_at, folder.name.startswith("."), (folder / PASSPORT_NAME).is_file()
    )
