"""Where in a sheet or a text file the table is: one pure step for each way in which publishers surround their tables.

Finding the header, the end and the texts around a table belongs here. What its columns mean does not, and neither does
where the cells come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.problems import OutcomesError, Problem

if TYPE_CHECKING:
    from pipelines.acquire.table_declaration import Parse

_MOST_LISTED: Final = 20
_BLANK: Final = "blank"


class Record(NamedTuple):
    """One record: its number as a spreadsheet shows it, and the text of its cells."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose place is known.

    Attributes:
        header: Its headers, without notes, with every run of whitespace as one space.
        header_row: Number of the record that holds them.
        records: Its filled data records.
        blank: Records between header and end without a filled cell.
        outside: Filled records that are neither header nor data.
        texts: Landed column to the text that stands for it above the header.
    """

    header: tuple[str, ...]
    header_row: int
    records: tuple[Record, ...]
    blank: int = 0
    outside: int = 0
    texts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def ragged(self) -> dict[int, int]:
        """Record number to number of cells, for the records with too few cells or filled cells beyond the header."""
        width = len(self.header)
        return {
            record.number: len(record.cells)
            for record in self.records
            if len(record.cells) < width or any(cell.strip() for cell in record.cells[width:])
        }


class TableNotThere(OutcomesError):  # noqa: N818 - says what happened, as the words of the field do
    """A step did not find what the declaration says is there.

    Args:
        problems: At least one problem.
    """

    def __init__(self, *problems: Problem) -> None:
        """Keep the problems."""
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


def plain(text: str) -> str:
    """Return text with every run of whitespace, line breaks and no-break spaces included, as one space."""
    return " ".join(text.split())


def is_filled(record: Record) -> bool:
    """Tell whether a record has a cell with more than whitespace in it."""
    return any(cell.strip() for cell in record.cells)


def first_filled(record: Record) -> str:
    """Return the first filled cell of a record as plain text; empty if there is none."""
    return next((plain(cell) for cell in record.cells if cell.strip()), "")


def below(records: Sequence[Record], text: str, name: str) -> Sequence[Record]:
    """Leave out everything down to a title.

    Args:
        records: The records of the sheet or file.
        text: Text with which the first filled cell of the title starts.
        name: The file's name for messages.

    Returns:
        The records below the title.

    Raises:
        TableNotThere: ``title_not_found``: no record starts with the text.
    """
    for position, record in enumerate(records):
        if first_filled(record).startswith(plain(text)):
            return records[position + 1 :]
    raise TableNotThere(
        Problem(
            "title_not_found",
            f"No record starts with {text!r}, below which the table should be.",
            "Adapt parse.below of the table to the title as the publisher writes it.",
            file=name,
            value=text,
        )
    )


def header_at(records: Sequence[Record], text: str | None, name: str, *, notes: str | None = None) -> int:
    """Find the header.

    Args:
        records: The records to look at.
        text: Text of its first filled cell; None if the header is the first record.
        name: The file's name for messages.
        notes: Regular expression of what is taken out of a header before it is compared.

    Returns:
        Its position among the records.

    Raises:
        TableNotThere: ``header_not_found``, or ``no_header`` if the first record should be the header and is blank.
    """
    if text is None:
        if records and is_filled(records[0]):
            return 0
        raise TableNotThere(
            Problem(
                "no_header",
                "The first record is blank, where the column names should be.",
                "Name the first column in parse.header_at of the table.",
                file=name,
                row=records[0].number if records else None,
            )
        )
    for position, record in enumerate(records):
        if without_notes(first_filled(record), notes) == plain(text):
            return position
    raise TableNotThere(
        Problem(
            "header_not_found",
            f"No record's first filled cell is {text!r}, with which the header should start.",
            "Adapt parse.header_at of the table to the first column name as the publisher writes it.",
            file=name,
            value=text,
        )
    )


def until(records: Sequence[Record], mark: str | None, name: str) -> Sequence[Record]:
    """Leave out everything from the end of the table on.

    Args:
        records: The records below the header.
        mark: ``blank``, the text with which the first filled cell after the table starts, or None for no end.
        name: The file's name for messages.

    Returns:
        The records before the end. A blank record that never comes means that the table goes on to the last record.

    Raises:
        TableNotThere: ``end_not_found``: no record starts with the text.
    """
    if mark is None:
        return records
    for position, record in enumerate(records):
        if not is_filled(record) if mark == _BLANK else first_filled(record).startswith(plain(mark)):
            return records[:position]
    if mark == _BLANK:
        return records
    raise TableNotThere(
        Problem(
            "end_not_found",
            f"No record below the header starts with {mark!r}, before which the table should end.",
            "Adapt parse.until of the table to what follows it.",
            file=name,
            value=mark,
        )
    )


def without_notes(header: str, notes: str | None) -> str:
    r"""Return a header as plain text without the notes in it.

    Args:
        header: The text of the cell.
        notes: Regular expression of a note, such as ``\s*\[note \d+\]``; None if there are none.

    Returns:
        The header; where a note stood between words, one space is left.
    """
    return plain(re.sub(notes, " ", plain(header))) if notes else plain(header)


def drop_empty_columns(
    header: Sequence[str], records: Sequence[Record], name: str
) -> tuple[tuple[str, ...], tuple[Record, ...]]:
    """Leave out the columns without a name.

    Args:
        header: The headers.
        records: The data records.
        name: The file's name for messages.

    Returns:
        The headers that are names, and the records with the cells under them.

    Raises:
        TableNotThere: ``cell_without_header``: a cell is filled in a column without a name; at most twenty are listed.
    """
    kept = [position for position, cell in enumerate(header) if cell]
    named = set(kept)
    astray = (
        Problem(
            "cell_without_header",
            f"The cell in column {position + 1} is filled, but the column has no name.",
            "Ask the publisher what the cell is; if it belongs to a column, name that column in the header.",
            file=name,
            row=record.number,
            value=cell,
        )
        for record in records
        for position, cell in enumerate(record.cells)
        if position not in named and cell.strip()
    )
    if problems := tuple(islice(astray, _MOST_LISTED)):
        raise TableNotThere(*problems)
    return tuple(header[position] for position in kept), tuple(
        Record(record.number, tuple(record.cells[position] for position in kept if position < len(record.cells)))
        for record in records
    )


def preamble(records: Iterable[Record], labels: Mapping[str, str], name: str) -> dict[str, str]:
    """Find the texts beside labels above the header.

    Args:
        records: The records above the header.
        labels: Landed column to label.
        name: The file's name for messages.

    Returns:
        Landed column to the next filled cell after the first cell that is the label.

    Raises:
        TableNotThere: ``missing_preamble``: a label is not there, or no filled cell follows it in its record.
    """
    above = list(records)
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for landed, label in labels.items():
        text = next(filter(None, (_beside(record, plain(label)) for record in above)), None)
        if text is not None:
            found[landed] = text
            continue
        problems.append(
            Problem(
                "missing_preamble",
                f"No text stands beside {label!r} above the header, from which {landed} should come.",
                "Adapt parse.preamble of the table to the labels as the publisher writes them.",
                file=name,
                value=label,
            )
        )
    if problems:
        raise TableNotThere(*problems)
    return found


def _beside(record: Record, label: str) -> str | None:
    cells = [plain(cell) for cell in record.cells]
    if label not in cells:
        return None
    return next(filter(None, cells[cells.index(label) + 1 :]), None)


def _width(header: Sequence[str], records: Iterable[Record]) -> int:
    """Return where a table ends on the right: a sheet is as wide as its widest table."""
    named = [position for position, cell in enumerate(header) if cell]
    filled = (position for record in records for position, cell in enumerate(record.cells) if cell.strip())
    return max((*named, *filled), default=-1) + 1


def find_table(records: Sequence[Record], parse: Parse, name: str) -> Grid:
    """Apply the declared steps in their order: below, header_at, until, header_notes, preamble, drop_empty_columns.

    Args:
        records: Every record of the sheet or file, blank ones included.
        parse: The steps.
        name: The file's name for messages.

    Returns:
        The table.

    Raises:
        TableNotThere: A step did not find what it looks for, or the table has no filled data record (``header_only``).
    """
    under_title = below(records, parse.below, name) if parse.below else records
    at = header_at(under_title, parse.header_at, name, notes=parse.header_notes)
    heading = under_title[at]
    inside = until(under_title[at + 1 :], parse.until, name)
    filled = tuple(record for record in inside if is_filled(record))
    # Of two tables on a sheet each may have its own date: what stands nearer, below the title, comes first.
    above = [*under_title[:at], *records[: len(records) - len(under_title)]]
    texts = preamble(above, parse.preamble, name)
    header = tuple(without_notes(cell, parse.header_notes) for cell in heading.cells)
    if parse.sheet:
        header = header[: _width(header, filled)]
    if not filled:
        raise TableNotThere(
            Problem(
                "header_only",
                "The table has a header but no filled data record.",
                "Look at the file: adapt parse of the table if its records are elsewhere.",
                file=name,
                row=heading.number,
            )
        )
    rows = filled
    if parse.drop_empty_columns:
        header, rows = drop_empty_columns(header, filled, name)
    outside = sum(map(is_filled, records)) - 1 - len(filled)
    return Grid(header, heading.number, rows, len(inside) - len(filled), outside, texts)
