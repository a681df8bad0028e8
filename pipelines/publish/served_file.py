"""Files of a release on disk: write durably, put one in the served place, keep the last few.

Bytes and names belong here; what is inside a release does not.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from pipelines.durable_files import sha256_of, sync
from pipelines.problems import NotPublished

if TYPE_CHECKING:
    from pathlib import Path

RELEASE_SUFFIX = ".duckdb"
PARTIAL_SUFFIX = ".partial"
READ_ONLY = 0o444
_ATTEMPTS = 6
_FIRST_PAUSE = 0.1


def store_release(partial: Path, release_file: Path) -> str:
    """Move a finished file to its place among the releases, read-only, with its checksum beside it.

    Args:
        partial: The finished file, on the same file system; gone afterwards.
        release_file: Its place.

    Returns:
        SHA-256 of the file, as written to ``<release>.sha256`` in the form that ``sha256sum --check`` reads.
    """
    partial.chmod(READ_ONLY)
    sync(partial)
    digest = sha256_of(partial)
    release_file.with_suffix(".sha256").write_text(f"{digest}  {release_file.name}\n", encoding="utf-8")
    partial.replace(release_file)
    sync(release_file.parent)
    return digest


def is_stored_release(file: Path, releases: Path, release_id: str) -> str | None:
    """Return whether a file has the bytes of a stored release.

    Args:
        file: The file.
        releases: Folder of releases.
        release_id: The release.

    Returns:
        Its SHA-256 when the checksum that stands beside the stored release says the same, otherwise ``None``.
    """
    try:
        noted = (releases / f"{release_id}.sha256").read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    found = sha256_of(file)
    return found if noted[:1] == [found] else None


def serve(release_file: Path, served_file: Path) -> None:
    """Make a release the served one in a single step.

    Readers that have the old file open keep it; whoever opens the path afterwards gets the new one. The two names share
    one file where the file system can do that, so a release costs its size once.

    Args:
        release_file: A stored release.
        served_file: The path that readers open, on the same file system.

    Raises:
        NotPublished: The system does not let an open file be replaced.
    """
    incoming = served_file.with_name(served_file.name + PARTIAL_SUFFIX)
    incoming.unlink(missing_ok=True)
    try:
        incoming.hardlink_to(release_file)
    except (OSError, NotImplementedError):
        shutil.copyfile(release_file, incoming)
        incoming.chmod(READ_ONLY)
        sync(incoming)
    # A write-ahead log left by somebody who opened the old file for writing would be replayed over the new one.
    served_file.with_name(served_file.name + ".wal").unlink(missing_ok=True)
    try:
        # Windows refuses while a scanner or a reader has the file for a moment; elsewhere nothing is tried twice.
        for attempt in Retrying(
            retry=retry_if_exception_type(PermissionError),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=_FIRST_PAUSE, max=1, jitter=_FIRST_PAUSE),
            reraise=True,
        ):
            with attempt:
                incoming.replace(served_file)
    except OSError as error:
        incoming.unlink(missing_ok=True)
        raise NotPublished(
            f"{served_file} could not be replaced ({error}). Close the programs that have it open, or move away what "
            "stands there and is no file, and refresh again; readers still see the previous release."
        ) from error
    sync(served_file.parent)


def remove_release(release_file: Path) -> None:
    """Delete a stored release and its checksum, whichever of them exist."""
    release_file.unlink(missing_ok=True)
    release_file.with_suffix(".sha256").unlink(missing_ok=True)


def clear_partials(releases: Path) -> None:
    """Delete what an interrupted publish left: unfinished files, lone checksums, write-ahead logs, spill folders."""
    for checksum in releases.glob("*.sha256"):
        if not checksum.with_suffix(RELEASE_SUFFIX).exists():
            checksum.unlink()
    for leftover in releases.glob(f"*{PARTIAL_SUFFIX}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def prune_releases(releases: Path, kept: int, served: Path) -> list[str]:
    """Delete the oldest releases.

    Args:
        releases: Folder of releases, whose names sort by time.
        kept: How many to keep; the served one is kept whatever this says.
        served: The stored release that is being served.

    Returns:
        Names of the files deleted, oldest first.
    """
    newest_first = sorted(releases.glob(f"*{RELEASE_SUFFIX}"), reverse=True)
    removed: list[str] = []
    for release_file in reversed(newest_first[max(kept, 1) :]):
        if release_file == served:
            continue
        # A reader on Windows may hold an old release open: it goes next time.
        with suppress(PermissionError):
            remove_release(release_file)
            removed.append(release_file.name)
    return removed
