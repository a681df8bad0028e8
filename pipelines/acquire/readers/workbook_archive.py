"""Whether a workbook can be opened at all: the size of what an archive holds, and of the table that its cells span.

A workbook is a zip archive of XML. A file of a kilobyte can hold gigabytes, and two cells can span a table of billions:
the parser asks for the memory of all of it at once, and the system then ends the whole process, gates and all. So the
archive is measured before it is parsed. What the cells say does not belong here.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from pipelines.problems import Problem

MAX_PARTS: Final = 10_000
"""Files in the archive. A workbook has one a sheet, chart or picture, and a hundred sheets are many."""

MAX_BYTES: Final = 128 * 1024 * 1024
"""All files of the archive, unpacked: about five million filled cells of 26 bytes each."""

MAX_RATIO: Final = 300
"""Unpacked size as a multiple of the file's: published workbooks reach 20, one letter repeated reaches 1,000."""

RATIO_COUNTS_FROM: Final = 10 * 1024 * 1024
"""Unpacked bytes below which the multiple does not matter."""

MAX_CELLS: Final = 5_000_000
"""Cells from the first to the last filled one of a sheet, blank ones between them included: all are held in memory."""

_REMEDY: Final = (
    "Download it again, or open it in a spreadsheet, delete what is not needed, and save the sheet again without a "
    "password or as CSV."
)
_ARCHIVE: Final = b"PK\x03\x04"
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_ENCRYPTED: Final = 0x1
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, EOFError, NotImplementedError)
_INSIDE: Final = rb"(?=[\s/>])(?P<inside>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>"
_XLSX_TAG: Final = re.compile(rb"<(?:[\w.-]+:)?(?P<name>row|c)" + _INSIDE)
_ODS_TAG: Final = re.compile(rb"<(?P<end>/?)table:(?P<name>table|table-row|table-cell|covered-table-cell)" + _INSIDE)
_PLACE: Final = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]*)([0-9]*)[\"']")
_REPEATED: Final = re.compile(rb"\s[\w.-]+:number-(?:rows|columns)-repeated\s*=\s*[\"']([0-9]+)[\"']")


class _UnsafeError(Exception):
    """Why an archive is not opened."""


def unsafe_archive(path: Path, name: str) -> Problem | None:
    """Measure a workbook without parsing it.

    Args:
        path: The workbook.
        name: The file's name for messages.

    Returns:
        ``unsafe_workbook`` when unpacking or parsing it could exhaust the memory, or it is not what its list says;
        ``unreadable_workbook`` when it is cut off or damaged; None when it may be parsed, or is no archive (the older
        xls).
    """
    with path.open("rb") as stream:
        if stream.read(len(_ARCHIVE)) != _ARCHIVE:
            return None
        try:
            with zipfile.ZipFile(stream) as archive:
                parts = archive.infolist()
            _measure(parts, path.stat().st_size)
            for part in parts:
                _require_small(part.filename, _unpacked(stream, part))
        except _UnsafeError as reason:
            return Problem("unsafe_workbook", f"The workbook was not opened: {reason}.", _REMEDY, file=name)
        except _DAMAGED as error:
            return Problem(
                "unreadable_workbook",
                f"The file is no whole archive, as workbooks are ({error}).",
                _REMEDY,
                file=name,
            )
    return None


def _measure(parts: list[zipfile.ZipInfo], size: int) -> None:
    """Look at the list of the archive, which costs nothing."""
    if len(parts) > MAX_PARTS:
        raise _UnsafeError(f"it is an archive of {len(parts):,} files, and {MAX_PARTS:,} are allowed")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_BYTES:
        raise _UnsafeError(f"it holds {unpacked:,} bytes, and {MAX_BYTES:,} are allowed")
    if unpacked > RATIO_COUNTS_FROM and unpacked > MAX_RATIO * size:
        raise _UnsafeError(f"it holds {unpacked // size:,} times its size, and {MAX_RATIO} times are allowed")
    names = [part.filename for part in parts]
    if len(set(names)) < len(names):
        raise _UnsafeError("it holds two files of one name")
    if "xl/workbook.bin" in names:
        raise _UnsafeError("it is a binary workbook (xlsb), which cannot be measured")
    for part in parts:
        if part.flag_bits & _ENCRYPTED:
            raise _UnsafeError("it needs a password")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _UnsafeError(f"{part.filename!r} is packed in a way that workbooks are not")


def _unpacked(stream: BinaryIO, part: zipfile.ZipInfo) -> bytes:
    """Unpack one file, up to the size that the list gives: a list can lie, and whoever believes it unpacks the rest."""
    stream.seek(part.header_offset)
    signature, name_length, extra_length = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    if signature != _ARCHIVE:
        raise _UnsafeError(f"its list does not say where {part.filename!r} is")
    stream.seek(name_length + extra_length, 1)
    packed = stream.read(part.compress_size)
    if part.compress_type == zipfile.ZIP_STORED:
        content, ended = packed, True
    else:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        content = inflater.decompress(packed, part.file_size + 1)
        ended = inflater.eof
    if len(content) != part.file_size or not ended:
        raise _UnsafeError(f"{part.filename!r} does not have the size that its list gives")
    return content


def _require_small(part: str, content: bytes) -> None:
    for rows, columns in (_xlsx_extent(content), *_ods_extents(content)):
        if rows * columns > MAX_CELLS:
            raise _UnsafeError(
                f"the cells of {part!r} span {rows:,} rows and {columns:,} columns, and {MAX_CELLS:,} cells are allowed"
            )


def _xlsx_extent(xml: bytes) -> tuple[int, int]:
    """Return number of rows and columns up to the last filled cell of a sheet of an xlsx."""
    row = column = last_row = last_column = 0
    for tag in _XLSX_TAG.finditer(xml):
        place = _PLACE.search(tag["inside"])
        if tag["name"] == b"row":
            row, column = _number(place, 2, row + 1), 0
            continue
        column = _column(place[1]) if place and place[1] else column + 1
        # A cell without anything in it is only coloured, often down to the last row there is.
        is_empty = tag["inside"].endswith(b"/") or xml[tag.end() : tag.end() + 2] == b"</"
        if not is_empty:
            last_row, last_column = max(last_row, _number(place, 2, row)), max(last_column, column)
    return last_row, last_column


def _ods_extents(xml: bytes) -> Iterator[tuple[int, int]]:
    """Yield the same of every sheet of an ods, which holds them in one file."""
    row = column = last_row = last_column = 0
    for tag in _ODS_TAG.finditer(xml):
        name, inside = tag["name"], tag["inside"]
        if name == b"table":
            yield last_row, last_column
            row = last_row = last_column = 0
        elif name == b"table-row" and not tag["end"]:
            row, column = row + _number(_REPEATED.search(inside), 1, 1), 0
        elif name != b"table-row" and not tag["end"]:
            column += _number(_REPEATED.search(inside), 1, 1)
            if not inside.endswith(b"/") or b"value" in inside:
                last_row, last_column = row, max(last_column, column)
    yield last_row, last_column


def _number(found: re.Match[bytes] | None, group: int, otherwise: int) -> int:
    # Longer numbers than any sheet has are as good as this one.
    return int(found[group][:12]) if found is not None and found[group] else otherwise


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters[:8].upper():
        number = number * 26 + letter - ord("A") + 1
    return number
