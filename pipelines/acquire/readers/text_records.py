"""The records of a comma-separated text file one by one, for files of which only a part is the table.

Decoding and splitting belong here. A file that is a table from its first record to its last is scanned instead, which
is much faster: see ``delimited_text``.
"""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

from pipelines.acquire.readers.delimited_text import walk
from pipelines.acquire.readers.table_bounds import Record, TableNotThere
from pipelines.problems import Problem


def read_records(path: Path, encoding: str, name: str) -> tuple[Record, ...]:
    """Read every record.

    Args:
        path: The file.
        encoding: Its declared encoding; a byte order mark is left out.
        name: The file's name for messages.

    Returns:
        Its records, blank ones included, numbered from 1; a record with line breaks inside quotes counts once.

    Raises:
        TableNotThere: The bytes cannot be decoded, the quoting cannot be followed, or there is no record at all.
    """
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    try:
        with path.open(encoding=codec, newline="") as stream:
            records = tuple(
                Record(number, tuple(cells)) for number, cells in enumerate(csv.reader(stream, strict=True), start=1)
            )
    except (UnicodeError, csv.Error) as error:
        # The walk is slower at good files and better at saying what is wrong with a bad one.
        found = walk(path, encoding, name, 0).problems
        raise TableNotThere(*(found or (_unreadable(name, error),))) from error
    if not records:
        raise TableNotThere(
            Problem("no_header", "The file has no record.", "Download the file again and look at it.", file=name)
        )
    return records


def _unreadable(name: str, error: Exception) -> Problem:
    return Problem(
        "malformed_csv",
        f"The file cannot be read as comma-separated text ({error}).",
        "Look at the quoting of its cells.",
        file=name,
    )
