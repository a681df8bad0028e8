"""One refresh at a time, across processes.

The lock belongs here, and the note that says who holds it; nothing else.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipelines.durable_files import write_text
from pipelines.problems import NotPublished

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pipelines.settings import Settings

_LOCK = ".refresh.lock"
_HOLDER = ".refresh.holder.json"
_LOOK_EVERY = 0.5


@contextmanager
def refresh_lock(settings: Settings, wait_seconds: float = 0) -> Generator[None]:
    """Hold the warehouse for one refresh; the system releases it when the process ends, however it ends.

    May be entered again in the process that holds it.

    Args:
        settings: Folders.
        wait_seconds: How long to wait for a refresh that is under way.

    Yields:
        Nothing; the lock is held inside the block.

    Raises:
        NotPublished: Another process is refreshing this warehouse; the message says which, and since when.
    """
    try:
        settings.warehouse.mkdir(parents=True, exist_ok=True)
        # One lock object a path in this process: the command holds it around the run, and the run takes it again.
        lock = FileLock(settings.warehouse / _LOCK, is_singleton=True, thread_local=False)
        is_outermost = not lock.is_locked
        lock.acquire(timeout=wait_seconds, poll_interval=_LOOK_EVERY)
    except Timeout as held:
        waited = f" Waited {wait_seconds:.0f} seconds." if wait_seconds else ""
        raise NotPublished(
            f"Another refresh is writing to this warehouse{_holder(settings.warehouse / _HOLDER)}.{waited} Wait for it "
            "to end, or use --wait (outcomes status shows the last release)."
        ) from held
    except OSError as error:
        raise NotPublished(
            f"The warehouse {settings.warehouse} cannot be written: {error}. Give this account the right to write "
            "there, make room, or name another folder in OUTCOMES_WAREHOUSE."
        ) from error
    note = settings.warehouse / _HOLDER
    try:
        if is_outermost:
            _write_note(note)
        yield
    finally:
        if is_outermost:
            with suppress(OSError):
                note.unlink(missing_ok=True)
        lock.release()


def _write_note(note: Path) -> None:
    """Say who holds the lock. Without the note the lock holds all the same."""
    since = datetime.now(UTC).replace(microsecond=0)
    with suppress(OSError):
        write_text(note, json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": str(since)}) + "\n")


def _holder(note: Path) -> str:
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        return f" (process {found['process']} on {found['host']}, since {found['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
