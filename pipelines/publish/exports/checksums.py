"""SHA-256 of every file of a folder, in the form that ``sha256sum --check`` reads.

Listing and hashing files belong here; what is in them does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.durable_files import sha256_of
from pipelines.publish.exports.file_names import CHECKSUMS

if TYPE_CHECKING:
    from pathlib import Path


def write_checksums(folder: Path) -> Path:
    """List every file below a folder with its hash.

    Args:
        folder: The folder; a list that it has already is replaced.

    Returns:
        The list: a line a file, in order of path, paths relative to the folder.
    """
    target = folder / CHECKSUMS
    named = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    lines = [f"{sha256_of(named[path])}  {path}\n" for path in sorted(named) if named[path] != target]
    target.write_bytes("".join(lines).encode())
    return target
