"""What runs that were killed left half written.

Finding and deleting it belongs here, and nothing else: whoever calls holds the lock of the warehouse.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.settings import Settings

_PATTERNS: Final = (
    ".gate_*",
    "landed/.*",
    "accepted/.*",
    "quarantine/.*",
    "check_log/.*",
    "check_log/published/.*",
    "registry/.*",
    "previous/.*",
    "history/objects/*/.incoming-*",
    "history/releases/.*.partial",
    ".*.partial",
)
"""Everything that is not finished has a name with a dot in front; in these folders nothing else has."""


def clear_leftovers(settings: Settings) -> list[str]:
    """Delete what earlier runs left half written.

    Args:
        settings: Folders. The lock of the warehouse is held.

    Returns:
        What was deleted, below the warehouse.
    """
    found = [path for pattern in _PATTERNS for path in settings.warehouse.glob(pattern)]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return sorted(path.relative_to(settings.warehouse).as_posix() for path in found)
