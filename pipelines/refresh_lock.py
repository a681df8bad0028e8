"""One refresh at a time, across processes.

The lock belongs here, and nothing else.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipelines.problems import NotPublished

if TYPE_CHECKING:
    from collections.abc import Generator

    from pipelines.settings import Settings


@contextmanager
def refresh_lock(settings: Settings) -> Generator[None]:
    """Hold the warehouse for one refresh; the system releases it when the process ends, however it ends.

    May be entered again in the process that holds it.

    Args:
        settings: Folders.

    Yields:
        Nothing; the lock is held inside the block.

    Raises:
        NotPublished: Another process is refreshing this warehouse.
    """
    settings.warehouse.mkdir(parents=True, exist_ok=True)
    # One lock object a path in this process: the command holds it around the run, and the run takes it again.
    lock = FileLock(settings.warehouse / ".refresh.lock", is_singleton=True, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as held:
        raise NotPublished(
            "Another refresh is writing to this warehouse. Wait for it to end (outcomes status shows the last release)."
        ) from held
    try:
        yield
    finally:
        lock.release()
