"""The cells of one sheet of a workbook (xlsx, xlsm, ods, xls) as text.

Opening workbooks and writing typed cells as text belong here; where on the sheet the table is does not.

A cell is read as it is stored, not as it is displayed: 12.3% is read as 0.123. A declaration names such columns in
``percentages``.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Final

from pipelines.acquire.readers.table_bounds import Record, TableNotThere
from pipelines.acquire.readers.workbook_archive import unsafe_archive
from pipelines.problems import Problem

_SIGNATURES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

CellValue = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta
"""What a cell of a workbook may hold."""


def is_workbook(head: bytes) -> bool:
    """Tell from the first bytes whether a file is a workbook, or at least an archive as workbooks are."""
    return head.startswith(_SIGNATURES)


def cell_text(value: CellValue) -> str:
    """Write a cell as text.

    Args:
        value: What the workbook holds. Its numbers are all floating-point.

    Returns:
        Whole numbers without a decimal point (``2019``), others as short as they can be read back, dates and times as
        ISO text (without the time at midnight), TRUE or FALSE, text as it is.
    """
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime.datetime():
            return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)


def read_sheet(path: Path, sheet: str, name: str) -> tuple[Record, ...]:
    """Read every record of one sheet.

    Args:
        path: The workbook.
        sheet: Exact name of the sheet.
        name: The file's name for messages.

    Returns:
        Its records from the first row on, blank ones included, numbered as a spreadsheet shows them. Columns that are
        empty to the last row are left out on the right. A cell that is merged downwards fills the cells under it, where
        the format tells (xlsx and xls; ods does not).

    Raises:
        TableNotThere: ``missing_sheet``, ``unsafe_workbook`` if opening it could exhaust the memory, or
            ``unreadable_workbook`` if the file cannot be opened (a password, a broken or foreign archive).
    """
    if unsafe := unsafe_archive(path, name):
        raise TableNotThere(unsafe)
    # Only a workbook needs the parser.
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - see above

    try:
        # From the stream, because a path is opened as what its suffix says.
        with path.open("rb") as stream, CalamineWorkbook.from_filelike(stream) as workbook:
            if sheet not in workbook.sheet_names:
                raise TableNotThere(_missing_sheet(sheet, workbook.sheet_names, name))
            opened = workbook.get_sheet_by_name(sheet)
            rows = [[cell_text(cell) for cell in row] for row in opened.to_python(skip_empty_area=False)]
            merged = opened.merged_cell_ranges or []
    except BaseException as error:
        # A parser that gives up on a malformed file raises what is no Exception.
        if not isinstance(error, CalamineError | OSError | ValueError) and type(error).__name__ != "PanicException":
            raise
        raise TableNotThere(
            Problem(
                "unreadable_workbook",
                f"The file cannot be opened as a workbook ({error}).",
                "Open it in a spreadsheet; save it again without a password, or download it again.",
                file=name,
            )
        ) from error
    for (top, left), (bottom, _) in merged:
        if top < len(rows) and left < len(rows[top]):  # cells may be merged where there is nothing
            for row in rows[top + 1 : bottom + 1]:
                row[left] = rows[top][left]
    width = max((position + 1 for row in rows for position, cell in enumerate(row) if cell.strip()), default=0)
    return tuple(Record(number, tuple(row[:width])) for number, row in enumerate(rows, start=1))


def _missing_sheet(sheet: str, sheets: list[str], name: str) -> Problem:
    return Problem(
        "missing_sheet",
        f"The workbook has no sheet {sheet!r}; its sheets are {', '.join(map(repr, sheets))}.",
        "Adapt parse.sheet of the table, or ask the publisher what became of the sheet.",
        file=name,
        value=sheet,
    )
