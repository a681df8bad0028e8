"""Approvals of large changes: who let which change through, and why.

Pending changes, and approvals that are written once and never changed, as files below the history belong here. Which
changes need an approval is decided in ``release_comparison``.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.durable_files import sync, write_text
from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipelines.settings import Settings

_CHANGE_ID: Final = re.compile(r"[a-z][a-z0-9_]*-[0-9a-f]{16}")
_FEWEST_WORDS: Final = 3
_FEWEST_LETTERS: Final = 12
READ_ONLY: Final = 0o444


class NotApproved(OutcomesError):  # noqa: N818 - says what became of the approval
    """An approval that cannot be given; the message says why."""


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that blocked a release and that nobody has approved.

    Attributes:
        change_id: Its name.
        source_id: The source that changed, or ``register``.
        previous_release_id: The release that it was seen against.
        summary: How large it is, in a sentence.
        findings: What is too large, one sentence each.
        examples: Some of the changed rows.
        seen_at: When a run was last blocked by it, UTC.
    """

    change_id: str
    source_id: str
    previous_release_id: str
    summary: str
    findings: tuple[str, ...]
    examples: tuple[str, ...]
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A change that somebody let through.

    Attributes:
        change_id: The change; exactly this one.
        source_id: The source that changed, or ``register``.
        previous_release_id: The release that it was seen against.
        summary: How large it is, in a sentence.
        reason: Why it is right.
        approved_by: Role of the person who says so.
        approved_at: When, UTC.
    """

    change_id: str
    source_id: str
    previous_release_id: str
    summary: str
    reason: str
    approved_by: str
    approved_at: datetime


def write_pending(settings: Settings, change: PendingChange) -> Path:
    """Keep a change that blocked a release, so that it can be shown to whoever approves it.

    Args:
        settings: Folders.
        change: The change.

    Returns:
        ``history/pending/<change_id>.json``; a change that is there already is written again with the time it was last
        seen.
    """
    path = _pending_folder(settings) / f"{_safe(change.change_id)}.json"
    _write(path, {**asdict(change), "seen_at": change.seen_at.astimezone(UTC).isoformat()})
    return path


def forget_pending(settings: Settings, blocking: Collection[str]) -> None:
    """Take changes that no longer block off the list: what they would let through is not there any more.

    Args:
        settings: Folders.
        blocking: Names of the changes that block now.
    """
    for path in _pending_folder(settings).glob("*.json"):
        if path.stem not in blocking:
            path.unlink(missing_ok=True)


def read_pending(settings: Settings) -> list[PendingChange]:
    """Read the changes that wait for an approval.

    Args:
        settings: Folders.

    Returns:
        Those without an approval, the latest first.
    """
    approved = {one.change_id for one in read_approvals(settings)}
    found = [_pending(path) for path in sorted(_pending_folder(settings).glob("*.json"))]
    return sorted(
        (one for one in found if one.change_id not in approved),
        key=lambda one: (one.seen_at, one.change_id),
        reverse=True,
    )


def read_approvals(settings: Settings) -> list[Approval]:
    """Read every approval that was given, the oldest first.

    Args:
        settings: Folders.

    Raises:
        OutcomesError: A file is no approval: somebody has written into the folder.
    """
    found: list[Approval] = []
    for path in sorted(_approved_folder(settings).glob("*.json")):
        try:
            content = _read(path)
            content["approved_at"] = datetime.fromisoformat(content["approved_at"])
            approval = Approval(**content)
        except (ValueError, KeyError, TypeError) as error:
            raise OutcomesError(f"{path.name} in {path.parent} is no approval ({error}). Move it away.") from error
        if approval.change_id != path.stem:
            raise OutcomesError(f"{path.name} in {path.parent} names change {approval.change_id}. Move it away.")
        found.append(approval)
    return sorted(found, key=lambda one: (one.approved_at, one.change_id))


def approve(settings: Settings, change_id: str, reason: str, by: str, now: datetime) -> Approval:
    """Let one change through, for good.

    Args:
        settings: Folders.
        change_id: The change, as the gate names it.
        reason: Why the change is right; at least three words.
        by: Role of the person who says so.
        now: The moment, with a zone.

    Returns:
        The approval.

    Raises:
        NotApproved: Nobody is waiting for the change, it is approved already, or reason or role say nothing.
    """
    reason, by = " ".join(reason.split()), " ".join(by.split())
    if len(reason.split()) < _FEWEST_WORDS or sum(letter.isalpha() for letter in reason) < _FEWEST_LETTERS:
        raise NotApproved(
            f"The reason {reason!r} says too little: write in a sentence why the change is right, such as "
            "'The publisher moved to new population estimates, see the notes of 12 May.'"
        )
    if not any(letter.isalpha() for letter in by):
        raise NotApproved("Say in which role you approve, such as --by 'public health intelligence lead'.")
    given = {one.change_id: one for one in read_approvals(settings)}
    if change_id in given:
        before = given[change_id]
        raise NotApproved(
            f"{change_id} was approved on {before.approved_at:%d %B %Y} by {before.approved_by}: {before.reason}"
        )
    waiting = {one.change_id: one for one in read_pending(settings)}
    change = waiting.get(change_id)
    if change is None:
        known = ", ".join(waiting) or "none"
        raise NotApproved(f"No change {change_id!r} waits for an approval. Waiting: {known}.")
    approval = Approval(
        change_id=change.change_id,
        source_id=change.source_id,
        previous_release_id=change.previous_release_id,
        summary=change.summary,
        reason=reason,
        approved_by=by,
        approved_at=now.astimezone(UTC),
    )
    path = _approved_folder(settings) / f"{_safe(change_id)}.json"
    _write(path, {**asdict(approval), "approved_at": approval.approved_at.isoformat()}, once=True)
    return approval


def _pending_folder(settings: Settings) -> Path:
    return settings.history / "pending"


def _approved_folder(settings: Settings) -> Path:
    return settings.history / "approvals"


def _safe(change_id: str) -> str:
    """Return a change id that may be the name of a file."""
    if not _CHANGE_ID.fullmatch(change_id):
        raise NotApproved(f"{change_id!r} is not the name of a change: a source, a hyphen and 16 hexadecimal digits.")
    return change_id


def _pending(path: Path) -> PendingChange:
    content = _read(path)
    content["findings"], content["examples"] = tuple(content["findings"]), tuple(content["examples"])
    content["seen_at"] = datetime.fromisoformat(content["seen_at"])
    return PendingChange(**content)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, content: dict[str, Any], *, once: bool = False) -> None:
    """Write a file in one step; with ``once``, only if there is none, and read-only."""
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if not once:
        write_text(path, text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        partial.chmod(READ_ONLY)
        sync(partial)
        # Unlike a rename, a link fails when the name is taken: of two approvals at once, one stands.
        path.hardlink_to(partial)
        sync(path.parent)
    except FileExistsError as error:
        raise NotApproved(f"{path.stem} has been approved in the meantime.") from error
    finally:
        partial.unlink(missing_ok=True)
