"""Comma-separated text: its header, its number of records, and a lazy scan of its cells as text.

Encodings, byte order marks, quoting and record numbers belong here; what a column means does not.

Every file is walked once with the standard library's parser before polars scans it, because polars fills short records
up with nulls and cuts long ones off, names no record when bytes cannot be decoded, guesses at stray quotes, and reads
names by position. The walk also gives the number of records that the landed rows are reconciled with.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.problems import Problem

ROW_NUMBER: Final = "source_row_number"
_MOST_LISTED: Final = 20
_UTF8: Final = frozenset({"utf-8", "utf-8-sig", "ascii"})
_OTHER_DELIMITERS: Final = {"\t": "tabs", ";": "semicolons", "|": "bars"}
_WELL_QUOTED: Final = re.compile(r'(?:[^",]*|"(?:[^"]|"")*")(?:,(?:[^",]*|"(?:[^"]|"")*"))*')
_UNDECODED: Final = re.compile("[\udc80-\udcff]")
_FIRST_RECORDS: Final = 100
_LONGEST_RECORD: Final = 1_000_000
_LONGEST_VALUE: Final = 200
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Records:
    """What the walk through a file found.

    Attributes:
        filled: Data records with at least one filled cell.
        blank: Data records without any; they are not landed.
        ragged: Record number to number of cells, for the filled records that have fewer cells than the header, or
            filled cells beyond it. Empty cells beyond the header do no harm and make no record ragged.
        problems: What makes the file unreadable; empty if it can be scanned.
    """

    filled: int
    blank: int
    ragged: Mapping[int, int]
    problems: tuple[Problem, ...]


def position_name(position: int) -> str:
    """Return the name that the scan gives to the column at a position, counted from 0."""
    return f"cell_{position}"


def read_header(path: Path, encoding: str, name: str) -> tuple[str, ...] | Problem:
    """Read the first record alone.

    Args:
        path: The file.
        encoding: Its declared encoding; a byte order mark is left out.
        name: The file's name for messages.

    Returns:
        The headers with outer whitespace stripped, or why there are none.
    """
    if (problem := _contradicts_its_bytes(path, encoding, name)) is not None:
        return problem
    try:
        with path.open(encoding=_python_encoding(encoding), newline="") as stream:
            first = next(csv.reader(stream, strict=True), list[str]())
    except UnicodeError:
        return _undecodable(path, encoding, name)
    except csv.Error as error:
        return _malformed(name, 1, error)
    header = tuple(cell.strip() for cell in first)
    if not any(header):
        return Problem(
            "no_header",
            "The first record is blank, where the column names should be.",
            "Remove the lines above the column names, or file the table as the publisher has it.",
            file=name,
            row=1,
        )
    if len(header) == 1 and (other := next((mark for mark in _OTHER_DELIMITERS if mark in header[0]), None)):
        return Problem(
            "not_comma_separated",
            f"The column names are separated by {_OTHER_DELIMITERS[other]}, not by commas.",
            "Save the file again as CSV with commas (in a spreadsheet: CSV UTF-8, comma delimited).",
            file=name,
            row=1,
            value=header[0][:80],
        )
    return header


def walk(path: Path, encoding: str, name: str, width: int) -> Records:
    """Count the data records and find those that cannot be read.

    Args:
        path: The file.
        encoding: Its declared encoding.
        name: The file's name for messages.
        width: Number of header cells.

    Returns:
        Counts, the ragged records, and the problems that leave the file unreadable: undecodable bytes, quoting that
        cannot be followed, lone carriage returns, no filled record, or more than half of the first hundred filled
        records ragged.
    """
    filled = blank = early = 0
    number = 1
    ragged: dict[int, int] = {}
    problems: list[Problem] = []
    line_ends = None
    try:
        with path.open(encoding=_python_encoding(encoding), newline="") as stream:
            for number, record in enumerate(islice(_records(stream), 1, None), start=2):
                if not _is_filled(record):
                    blank += 1
                    continue
                filled += 1
                cells = record.count(",") + 1 if isinstance(record, str) else len(record)
                if cells != width and (cells < width or any(_cells(record)[width:])):
                    ragged[number] = cells
                    early += filled <= _FIRST_RECORDS
            line_ends = stream.newlines
    except UnicodeError:
        problems.append(_undecodable(path, encoding, name))
    except csv.Error as error:
        problems += stray_quotes(path, encoding, name) or (_malformed(name, number + 1, error),)
    if line_ends is not None and "\r" in line_ends and line_ends != "\r\n":
        problems += _lone_carriage_return(path, encoding, name)
    if not problems and early * 2 > min(filled, _FIRST_RECORDS):
        problems.append(_ragged_file(name, ragged, early, min(filled, _FIRST_RECORDS), width))
    if not problems and not filled:
        problems.append(
            Problem(
                "header_only",
                "The file has a header but no filled data record.",
                "Download the file again and look at it before filing it.",
                file=name,
            )
        )
    return Records(filled, blank, ragged, tuple(problems))


def scan(path: Path, encoding: str, width: int, workspace: Path) -> pl.LazyFrame:
    """Scan a walked file lazily, every cell as text.

    Args:
        path: The file.
        encoding: Its declared encoding. Anything but UTF-8 is first copied as UTF-8.
        width: Number of header cells.
        workspace: Existing folder for that copy; it has to live until the frame is collected.

    Returns:
        ``source_row_number`` (the header is record 1, a record with line breaks inside quotes counts once), then
        ``cell_0`` to ``cell_<width - 1>`` as text. A short record's missing cells are null; cells beyond the header are
        left out, which is why the walk lists the records that have any.
    """
    return pl.scan_csv(
        path if _is_utf8(encoding) else _as_utf8(path, encoding, workspace),
        infer_schema=False,
        new_columns=[position_name(position) for position in range(width)],
        row_index_name=ROW_NUMBER,
        row_index_offset=2,
        glob=False,
        truncate_ragged_lines=True,
    )


def stray_quotes(path: Path, encoding: str, name: str) -> tuple[Problem, ...]:
    """Find the records whose quoting cannot be followed, or is followed differently by different parsers.

    Args:
        path: A file in the encoding.
        encoding: Its declared encoding.
        name: The file's name for messages.

    Returns:
        At most twenty problems: every record with a quote inside an unquoted cell, up to the first record that no
        parser can follow.
    """
    found: list[Problem] = []
    lines: list[str] = []

    def kept(stream: Iterable[str]) -> Iterator[str]:
        for line in stream:
            lines.append(line)
            yield line

    number = 0
    with path.open(encoding=_python_encoding(encoding), newline="") as stream:
        try:
            for number, record in enumerate(csv.reader(kept(stream), strict=True), start=1):
                text = "".join(lines)
                lines.clear()
                if not _is_well_quoted(text, record):
                    found.append(_stray_quote(name, number, record))
                if len(found) == _MOST_LISTED:
                    break
        except csv.Error as error:
            found.append(_malformed(name, number + 1, error))
    return tuple(found)


def _records(stream: TextIOWrapper) -> Iterator[str | list[str]]:
    """Yield every record: the line itself where it holds no quote, otherwise its cells.

    Without a quote a line is a record and its commas separate its cells, so only lines with one need the parser: for a
    file of a million Fingertips records that takes half the time. A record is complete when its quotes are even in
    number.

    Raises:
        csv.Error: The quoting cannot be followed, or a quote stands inside an unquoted cell.
    """
    for line in stream:
        if '"' not in line:
            yield line
            continue
        text = line
        lines: Iterable[str] = (line,)
        if line.count('"') % 2:
            text += _rest_of_record(stream)
            lines = StringIO(text, newline="")
        record = next(csv.reader(lines, strict=True))
        if not _is_well_quoted(text, record):
            raise csv.Error("a quote stands inside a cell that is not quoted")
        yield record


def _rest_of_record(stream: TextIOWrapper) -> str:
    """Read on to the line that closes the quote which is open."""
    lines: list[str] = []
    size = 0
    for line in stream:
        lines.append(line)
        size += len(line)
        if line.count('"') % 2:
            return "".join(lines)
        if size > _LONGEST_RECORD:
            break
    raise csv.Error("a quote is opened and not closed")


def _is_well_quoted(text: str, record: list[str]) -> bool:
    """Tell whether quotes only enclose cells or are doubled inside them.

    Parsers differ about all others: polars takes ``a"b,c"d`` for two cells in one place and for one in another.
    """
    return '"' not in "".join(record) or _WELL_QUOTED.fullmatch(text.rstrip("\r\n")) is not None


def _cells(record: str | list[str]) -> list[str]:
    return record.rstrip("\r\n").split(",") if isinstance(record, str) else record


def _is_filled(record: str | list[str]) -> bool:
    return bool(record.strip(",\r\n")) if isinstance(record, str) else any(record)


def _codec(encoding: str) -> str:
    return codecs.lookup(encoding).name


def _is_utf8(encoding: str) -> bool:
    return _codec(encoding) in _UTF8


def _python_encoding(encoding: str) -> str:
    return "utf-8-sig" if _is_utf8(encoding) else encoding


def _as_utf8(path: Path, encoding: str, workspace: Path) -> Path:
    copy = workspace / f"{hashlib.sha256(str(path).encode()).hexdigest()}.csv"
    with (
        path.open(encoding=_python_encoding(encoding), newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        shutil.copyfileobj(source, target)
    return copy


def _contradicts_its_bytes(path: Path, encoding: str, name: str) -> Problem | None:
    """Compare the declared encoding with the byte order mark, and a legacy encoding with what only UTF-8 looks like."""
    with path.open("rb") as stream:
        start = stream.read(len(codecs.BOM_UTF8))
    codec = _codec(encoding)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not codec.startswith("utf-16"):
        found = "UTF-16, which spreadsheets call Unicode text"
        remedy = "Save the file again as CSV UTF-8 (comma delimited)."
    elif not _is_utf8(encoding) and not codec.startswith(("utf-16", "utf-32")) and _can_only_be_utf8(path):
        found = "UTF-8"
        remedy = "Declare the encoding utf-8."
    else:
        return None
    return Problem(
        "wrong_encoding",
        f"The file is declared as {encoding}, but its bytes are those of {found}.",
        remedy,
        file=name,
        row=1,
    )


def _can_only_be_utf8(path: Path) -> bool:
    """Tell whether a file has bytes beyond ASCII and all of them are UTF-8, which text in another encoding never is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    beyond_ascii = False
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(_CHUNK_BYTES):
                beyond_ascii |= not chunk.isascii()
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return beyond_ascii


def _undecodable(path: Path, encoding: str, name: str) -> Problem:
    """Find the cell that cannot be decoded, with a slower walk that keeps the undecodable bytes as surrogates."""
    row = value = None
    try:
        with path.open(encoding=_python_encoding(encoding), errors="surrogateescape", newline="") as stream:
            for number, record in enumerate(csv.reader(stream), start=1):
                value = next((cell for cell in record if _UNDECODED.search(cell)), None)
                if value is not None:
                    row, value = number, value[:_LONGEST_VALUE].encode("ascii", "backslashreplace").decode("ascii")
                    break
    except (UnicodeError, csv.Error):
        value = None  # an encoding that knows no surrogates, or bytes that are no table: the file as a whole is wrong
    return Problem(
        "undecodable_bytes",
        f"The file is not {encoding}: this record holds bytes that mean nothing in it.",
        "Declare the right encoding (often cp1252 for files saved by a spreadsheet).",
        file=name,
        row=row,
        value=value,
    )


def _lone_carriage_return(path: Path, encoding: str, name: str) -> Iterator[Problem]:
    """Yield the first record that ends with a carriage return alone; polars would run it into the next one."""
    with path.open(encoding=_python_encoding(encoding), newline="") as stream:
        quotes, row = 0, 1
        for line in stream:
            quotes += line.count('"')
            if quotes % 2:
                continue
            if line.endswith("\r"):
                yield Problem(
                    "line_ends",
                    "The record ends with a carriage return alone, as old spreadsheets write them.",
                    "Save the file again as CSV (UTF-8).",
                    file=name,
                    row=row,
                )
                return
            row += 1


def _ragged_file(name: str, ragged: Mapping[int, int], early: int, looked_at: int, width: int) -> Problem:
    row, cells = next(iter(ragged.items()))
    return Problem(
        "ragged_file",
        f"{early} of the first {looked_at} records do not have the {width} cells of the header; this one has {cells}.",
        "Check the delimiter, the quoting and the header of the whole file.",
        file=name,
        row=row,
    )


def _stray_quote(name: str, row: int, record: Iterable[str]) -> Problem:
    return Problem(
        "malformed_csv",
        "A quote stands inside a cell that is not quoted.",
        "Ask the publisher to quote the cell and double the quotes in it.",
        file=name,
        row=row,
        value=next((cell for cell in record if '"' in cell), None),
    )


def _malformed(name: str, row: int, error: csv.Error) -> Problem:
    return Problem(
        "malformed_csv",
        f"The quoting of this record cannot be followed ({error}).",
        "Look for a quote that is opened and not closed, or text after a closing quote.",
        file=name,
        row=row,
    )
