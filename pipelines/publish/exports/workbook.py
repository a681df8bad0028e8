"""The workbook that people without a database open: what the report shows, as accessible spreadsheets.

Layout belongs here: it follows "Releasing statistics in spreadsheets" of the Government Analysis Function, by its own
library (gptables over XlsxWriter), so cover, contents and notes come first, each further sheet has its title in A1 and
one named table, text is wrapped, and nothing is merged, hidden, frozen or filtered. Which rows stand on which sheet
does not belong here.

XLSX, not the ODS that the guidance prefers: gptables writes XLSX only. ODS would need the layout a second time with
another library, or an office suite to convert it, whose bytes differ each time. Every current office suite opens XLSX.
"""

from __future__ import annotations

import io
import textwrap
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import gptables
import pandas as pd

from pipelines.dates_in_words import in_words
from pipelines.publish.exports.data_package import DESCRIPTIONS, TITLES
from pipelines.publish.exports.sheets import NOT_APPLICABLE, SHEETS, SHORTHAND, Sheet, SheetColumn, read_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from pipelines.publish.exports.described_release import DescribedRelease
    from pipelines.publish.exports.sheets import Cell

LANGUAGE = "en-GB"
SUBJECT = "Commitments of integrated care systems beside published public health figures"
COVER, CONTENTS, NOTES, COLUMNS = "Cover", "Contents", "Notes", "Columns"
NO_ROWS = "There are no rows in this release."
A3 = 8
"""What the format calls this size of paper."""

COVER_WIDTH = 90
CONTENTS_WIDTHS = (24, 80)
CHARACTERS_A_WIDTH = 0.95
"""Letters of the theme's 12 points in a unit of column width, which is a digit of 11 points."""

LINE_POINTS = 16.0
TITLE_POINTS = 24.0
HIGHEST_POINTS = 409.0
"""The format allows no higher row."""

LONGEST_TEXT = 32_767
"""Characters that a cell of a workbook may hold."""

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_CORE = "docProps/core.xml"
_FORMATS: dict[str, dict[str, str]] = {
    "text": {},
    "number": {"num_format": "#,##0.0##"},
    "whole": {"num_format": "#,##0"},
    "date": {"num_format": "d mmmm yyyy"},
}
_NOTES_COLUMNS = (
    SheetColumn("Note", "note", width=14, means="Number of the note, or a shorthand."),
    SheetColumn("What it means", "meaning", width=100, means="The note in words."),
)
_COLUMNS_COLUMNS = (
    SheetColumn("Sheet", "sheet", width=22, means="Sheet that has the column."),
    SheetColumn("Column", "column", width=26, means="Heading of the column."),
    SheetColumn("Holds", "kind", width=16, means="What a cell holds: text, number, whole number or date."),
    SheetColumn("Meaning", "meaning", width=100, means="What the column says."),
)
_KIND_WORDS = {"text": "text", "number": "number", "whole": "whole number", "date": "date"}


def write_workbook(connection: duckdb.DuckDBPyConnection, release: DescribedRelease, file: Path) -> None:
    """Write the workbook. The same release gives the same bytes.

    Args:
        connection: The open release.
        release: What the file says about itself.
        file: Where the workbook goes.
    """
    contents = [(sheet, read_sheet(connection, sheet)) for sheet in SHEETS]
    notes = Sheet(NOTES, "Notes and shorthand", "It says what the shorthand in the cells means.", "", _NOTES_COLUMNS)
    columns = Sheet(
        COLUMNS, "Columns: what each column of each sheet says", "Each row is one column.", "", _COLUMNS_COLUMNS
    )
    laid_out = [
        (notes, _notes(release)),
        *contents,
        (columns, _dictionary(release, [sheet for sheet, _ in contents])),
    ]
    file.write_bytes(_with_language(_workbook(release, laid_out)))


def _workbook(release: DescribedRelease, sheets: Sequence[tuple[Sheet, list[list[Cell]]]]) -> bytes:
    """Lay out all sheets by gptables and return the file."""
    buffer, (intro, about, contact) = io.BytesIO(), _cover(release)
    with warnings.catch_warnings():
        # It suggests a sheet of numbered notes, which only headings could point at; ours has the shorthand, too.
        warnings.filterwarnings("ignore", message="No note text provided", category=UserWarning)
        # It calls pandas in ways that pandas 4 will refuse, and that 3, which is locked here, still takes.
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
        workbook: Any = gptables.produce_workbook(
            buffer,  # pyright: ignore[reportArgumentType] - XlsxWriter writes to any stream, and gptables hands it on
            {sheet.name: _table(sheet, rows) for sheet, rows in sheets},
            cover=gptables.Cover(
                title=TITLES[release.edition], intro=intro, about=about, contact=contact, width=COVER_WIDTH
            ),
            contentsheet_label=CONTENTS,
            contentsheet_options={
                "column_names": ["Sheet", "What it holds"],
                "title": "Contents",
                "instructions": "This worksheet contains one table. Each name in it is a link to the sheet.",
            },
            auto_width=False,
            gridlines="show_all",
            workbook_options={
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
            },
        )
    workbook.set_properties(
        {
            "title": f"{TITLES[release.edition]}, {in_words(release.as_at)}",
            "subject": SUBJECT,
            "author": release.contact,
            "keywords": "public health, integrated care, targets, indicators",
            "comments": f"Release {release.release_id}. {DESCRIPTIONS[release.edition]}",
            "created": release.built_at,
        }
    )
    described = {sheet.name: (sheet, rows) for sheet, rows in sheets}
    for worksheet in workbook.worksheets():
        worksheet.set_paper(A3)
        worksheet.set_landscape()
        worksheet.fit_to_pages(1, 0)
        worksheet.set_row(0, TITLE_POINTS)
        if worksheet.name == CONTENTS:
            for place, width in enumerate(CONTENTS_WIDTHS):
                worksheet.set_column(place, place, width)
        elif worksheet.name == COVER:
            texts = [text for part in (intro, about, contact) for text in (None, *part)]
            for row, text in enumerate(texts, start=1):
                worksheet.set_row(row, TITLE_POINTS if text is None else _height([text], [COVER_WIDTH]))
        else:
            _fit(worksheet, *described[worksheet.name])
    workbook.close()
    return buffer.getvalue()


def _fit(worksheet: Any, sheet: Sheet, rows: list[list[Cell]]) -> None:
    """Set widths, heights and the alternative text of a sheet that gptables has laid out.

    Heights are set because not every office suite finds them for wrapped text: LibreOffice prints line over line.
    """
    widths = [column.width for column in sheet.columns]
    for place, width in enumerate(widths):
        worksheet.set_column(place, place, width)
    for table in worksheet.tables:
        table["title"], table["description"] = sheet.title, sheet.about
        header = int(table["range"].split(":")[0].lstrip("A")) - 1
        worksheet.set_row(header, _height([column.heading for column in sheet.columns], widths))
        for row, cells in enumerate(rows, start=header + 1):
            worksheet.set_row(row, _height(cells, widths))


def _height(cells: Sequence[Cell], widths: Sequence[int]) -> float:
    """Return the height in points that a row needs so that all of its wrapped text shows."""
    lines = max(
        _lines(cell, int(width * CHARACTERS_A_WIDTH)) if isinstance(cell, str) else 1
        for cell, width in zip(cells, widths, strict=True)
    )
    return min(lines * LINE_POINTS, HIGHEST_POINTS)


def _lines(text: str, characters: int) -> int:
    """Return how many lines a text takes; wrapping is worked out only for one that is longer than a line."""
    return 1 if len(text) <= characters else max(len(textwrap.wrap(text, characters)), 1)


def _cover(release: DescribedRelease) -> tuple[list[str], list[str], list[str]]:
    """Write the cover under its three headings: what this is and which release, how to read it, whom to ask."""
    return (
        [
            DESCRIPTIONS[release.edition],
            f"Release: {release.release_id}",
            f"The statuses speak for {in_words(release.as_at)}.",
            f"Built on {in_words(release.built_at)}.",
            f"Edition: {release.edition}.",
        ],
        [
            "[Contents of this workbook](internal:Contents!A1)",
            "Each sheet has one table with its title in cell A1. A cell without a figure says why in shorthand, such "
            "as [x] for not available; the sheet Notes has the key and the sheet Columns says what each column holds.",
            "A status is given in words and by a symbol. Rates and percentages must not be added up.",
            "Published figures: Open Government Licence v3.0; the sheet Sources names the publishers. What is added to "
            "them, such as statuses and explanations, is under the MIT License.",
        ],
        [release.contact],
    )


def _table(sheet: Sheet, rows: list[list[Cell]]) -> gptables.GPTable:
    """Hand one sheet to gptables."""
    filled = rows or [[NO_ROWS, *[NOT_APPLICABLE] * (len(sheet.columns) - 1)]]
    headings = [column.heading for column in sheet.columns]
    frame = pd.DataFrame([[_safe(cell) for cell in row] for row in filled], columns=headings, dtype=object)
    used = {cell for row in filled for cell in row if isinstance(cell, str) and cell in SHORTHAND}
    return gptables.GPTable(
        table=frame,
        table_name=sheet.table_name,
        title=sheet.title,
        instructions=f"This worksheet contains one table. {sheet.about}",
        legend=[] if sheet.name == NOTES else [f"{shorthand} {SHORTHAND[shorthand]}" for shorthand in sorted(used)],
        source="[Back to contents](internal:Contents!A1)",
        index_columns={},
        additional_formatting=[
            {
                "column": {
                    "columns": [place],
                    "include_names": False,
                    "format": {"valign": "top", **_FORMATS[column.kind]},
                }
            }
            for place, column in enumerate(sheet.columns)
        ],
    )


def _safe(cell: Cell) -> Cell:
    """Return a cell that stays what it is: gptables takes Markdown for a link and refuses a cell without a letter."""
    if not isinstance(cell, str):
        return cell
    text = cell.replace("](", "] (").replace("$$", "$ $")[:LONGEST_TEXT]
    return text if any(letter.isascii() and letter.isalnum() for letter in text) else f"the text {text}"


def _notes(release: DescribedRelease) -> list[list[Cell]]:
    """Return the notes: the shorthand, and how to take the figures."""
    return [
        *([shorthand, meaning] for shorthand, meaning in SHORTHAND.items()),
        [
            "note 1",
            "A figure that carries [e], [r] or [u] stands in its cell as a number; the column State of the "
            "value has the shorthand.",
        ],
        [
            "note 2",
            "Limits are 95% confidence limits: as published, or computed from the published counts where none are.",
        ],
        ["note 3", "Figures are shown with up to three decimals; the cell holds up to 16 digits."],
        [
            "note 4",
            "Differences between two periods or two places can be chance. A status takes the limits into account; the "
            "explanation beside it says what decided.",
        ],
        ["note 5", DESCRIPTIONS[release.edition]],
    ]


def _dictionary(release: DescribedRelease, sheets: Sequence[Sheet]) -> list[list[Cell]]:
    """Say what each column of each sheet holds, in the words of the data dictionary where it has them."""
    known = {f"{table.name}.{column.name}": column.description for table in release.tables for column in table.columns}
    return [
        [sheet.name, column.heading, _KIND_WORDS[column.kind], _meaning(column, known)]
        for sheet in sheets
        for column in sheet.columns
    ]


def _meaning(column: SheetColumn, known: Mapping[str, str]) -> str:
    """Return what a column holds."""
    return column.means or known[column.described_by or ""]


def _with_language(workbook: bytes) -> bytes:
    """Say in the document properties in which language the workbook is, which XlsxWriter cannot.

    Args:
        workbook: The file.

    Returns:
        The same parts in the same order, with fixed times.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == _CORE:
                content = content.replace(
                    b"</cp:coreProperties>", f"<dc:language>{LANGUAGE}</dc:language></cp:coreProperties>".encode()
                )
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0  # the same on every system that writes it
            new.writestr(entry, content)
    return buffer.getvalue()
