"""What the commands share: the console, the exit codes, and how a command ends.

Words on the screen do not belong here.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PUBLISHED, NOT_PUBLISHED, SOURCES_BLOCKED, LIVE_FAILED = 0, 1, 2, 3


def console_of_now() -> Console:
    """Return a console on the standard output of now, which a run redirects for the tools that it calls."""
    from rich.console import Console

    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)


def leave(code: int) -> None:
    """End with ``code``, and let nothing be written to stderr any more.

    DuckDB 2.0 prints a page of "leaked instances" while the interpreter shuts down after its SQLAlchemy dialect was
    used; harmless, but alarming under a summary.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stderr.fileno())
    sys.exit(code)
