"""The storage format of a published file, and how to read which one a file has.

Choosing the format belongs here, with its reason. Writing a file in it is ``release``'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STORAGE_VERSION = "v1.0.0"
"""Oldest storage format that keeps keys and comments. What DuckDB 2 writes by default, no 1.x client opens."""

BLOCK_SIZE = 32_768
"""Bytes of a block of the file. Every column has blocks of its own, so that a file of small tables is mostly padding
with the 262,144 of DuckDB's default: 20.9 MB against 8.4 MB (25 November 2026). Clients from 1.1 on read both."""

STORAGE_HEADER = 64
"""The number that this storage format has in the file's header."""


def storage_header(file: Path) -> int | None:
    """Return the number of a file's storage format.

    Args:
        file: Any file.

    Returns:
        The number in its header; None when it is no DuckDB file.
    """
    with file.open("rb") as stream:
        header = stream.read(20)
    # Eight bytes of checksum, the letters DUCK, then the format as a 64-bit number.
    return int.from_bytes(header[12:20], "little") if header[8:12] == b"DUCK" else None
