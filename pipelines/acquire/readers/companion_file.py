"""What a file beside a table says about it, such as the kind of area that all its rows are of.

Finding the record that describes one table belongs here; reading the table does not.
"""

from __future__ import annotations

import posixpath
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipelines.acquire.readers.table_bounds import Record, TableNotThere, plain
from pipelines.acquire.readers.text_records import read_records
from pipelines.problems import Problem

if TYPE_CHECKING:
    from pipelines.acquire.table_declaration import Metadata


def describe(table: Path, inside: str, metadata: Metadata, encoding: str, name: str) -> dict[str, str]:
    """Find the record of a companion that describes a table.

    Args:
        table: The table's file.
        inside: Its path inside the release, beyond which nothing is looked at.
        metadata: Where the companion is and what it fills.
        encoding: Text encoding of both.
        name: The table's name for messages.

    Returns:
        Landed column to text; a column whose cell is empty is left out.

    Raises:
        TableNotThere: ``missing_metadata`` (no such file), ``metadata_outside_release``, ``metadata_without_column``,
            ``table_without_metadata`` (no record lists the table, or several do), or the companion cannot be read as
            text.
    """
    if posixpath.normpath(PurePosixPath(inside).parent / metadata.file).split("/")[0] == "..":
        raise TableNotThere(
            Problem(
                "metadata_outside_release",
                f"The declaration looks for {metadata.file}, which from this table is outside the release.",
                "Correct parse.metadata.file of the table: a release describes itself.",
                file=name,
                value=metadata.file,
            )
        )
    path = table.parent / metadata.file
    if not path.is_file():
        raise TableNotThere(
            Problem(
                "missing_metadata",
                f"The file that describes the table, {metadata.file}, is not beside it.",
                "File it with the release, or take parse.metadata out of the table.",
                file=name,
                value=metadata.file,
            )
        )
    header, *records = read_records(path, encoding, f"{name} ({metadata.file})")
    positions = {plain(cell): position for position, cell in enumerate(header.cells)}
    if absent := [column for column in (metadata.listed_in, *metadata.columns) if plain(column) not in positions]:
        raise TableNotThere(
            Problem(
                "metadata_without_column",
                f"{metadata.file} has no column {', '.join(map(repr, absent))}.",
                "Adapt parse.metadata of the table to the columns as the publisher names them.",
                file=name,
                column=absent[0],
            )
        )
    listed = [record for record in records if _lists(record, positions[plain(metadata.listed_in)], table.name)]
    if len(listed) != 1:
        raise TableNotThere(
            Problem(
                "table_without_metadata",
                f"{metadata.file} lists the table {len(listed)} times in its column {metadata.listed_in!r}, not once.",
                "Ask the publisher for the description of the table, or for the one that holds.",
                file=name,
                value=table.name,
            )
        )
    cells = listed[0].cells
    return {
        landed: plain(cells[positions[plain(column)]])
        for column, landed in metadata.columns.items()
        if positions[plain(column)] < len(cells) and cells[positions[plain(column)]].strip()
    }


def _lists(record: Record, position: int, file: str) -> bool:
    """Tell whether a cell names a file, alone or at the end of a path or address."""
    return position < len(record.cells) and plain(record.cells[position]).replace("\\", "/").rsplit("/", 1)[-1] == file
