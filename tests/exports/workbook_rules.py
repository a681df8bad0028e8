"""What makes a workbook accessible, read from the parts of the file itself and not by the library that wrote it.

The rules are those of "Releasing statistics in spreadsheets" and its checklist (Government Analysis Function). Each
returns what is wrong, as ``rule: where``.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
CORE = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
}
SHORTHAND = {"[c]", "[e]", "[r]", "[u]", "[x]", "[z]"}
IN_BRACKETS = re.compile(r"\[\w+\]")
FIRST_SHEETS = ["Cover", "Contents", "Notes"]
NARROWEST, WIDEST = 8, 110


@dataclass(slots=True)
class Cell:
    """A cell: its text or number, and whether its format wraps text."""

    content: str | float | None
    wraps: bool


@dataclass(slots=True)
class Worksheet:
    """A sheet as its part says it is."""

    name: str
    state: str
    root: ElementTree.Element
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    tables: list[ElementTree.Element] = field(default_factory=list)

    def text(self, row: int, column: int = 1) -> str:
        cell = self.cells.get((row, column))
        return cell.content if cell and isinstance(cell.content, str) else ""

    @property
    def area(self) -> tuple[int, int, int, int]:
        """First row, first column, last row and last column of the table."""
        first, last = self.tables[0].attrib["ref"].split(":")
        return (*place(first), *place(last))

    @property
    def headings(self) -> list[str]:
        row, first, _, last = self.area
        return [self.text(row, column) for column in range(first, last + 1)]


def place(reference: str) -> tuple[int, int]:
    """Return row and column of a reference such as ``AB12``."""
    letters, digits = re.fullmatch(r"([A-Z]+)(\d+)", reference).groups()  # pyright: ignore[reportOptionalMemberAccess]
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - 64
    return int(digits), column


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """Return id -> part of everything that a part points at."""
    folder, name = part.rsplit("/", 1)
    path = f"{folder}/_rels/{name}.rels"
    if path not in archive.namelist():
        return {}
    root = ElementTree.fromstring(archive.read(path))
    return {
        one.attrib["Id"]: re.sub(r"[^/]+/\.\./", "", f"{folder}/{one.attrib['Target']}")
        for one in root.iter(f"{PACKAGE}Relationship")
        if one.attrib.get("TargetMode") != "External"
    }


def read_worksheets(file: Path) -> list[Worksheet]:
    """Read every sheet of a workbook."""
    with zipfile.ZipFile(file) as archive:
        strings = [
            "".join(text.text or "" for text in item.iter(f"{MAIN}t"))
            for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{MAIN}si")
        ]
        formats = ElementTree.fromstring(archive.read("xl/styles.xml")).find(f"{MAIN}cellXfs")
        assert formats is not None
        wraps = [any(one.attrib.get("wrapText") == "1" for one in style.iter(f"{MAIN}alignment")) for style in formats]
        parts = relations(archive, "xl/workbook.xml")
        sheets: list[Worksheet] = []
        for entry in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{MAIN}sheet"):
            part = parts[entry.attrib[f"{RELATION}id"]]
            sheet = Worksheet(
                entry.attrib["name"], entry.attrib.get("state", "visible"), ElementTree.fromstring(archive.read(part))
            )
            for cell in sheet.root.iter(f"{MAIN}c"):
                value = cell.find(f"{MAIN}v")
                content = None if value is None or value.text is None else value.text
                if content is not None:
                    content = strings[int(content)] if cell.attrib.get("t") == "s" else float(content)
                sheet.cells[place(cell.attrib["r"])] = Cell(content, wraps[int(cell.attrib.get("s", "0"))])
            related = relations(archive, part)
            sheet.tables = [
                ElementTree.fromstring(archive.read(related[one.attrib[f"{RELATION}id"]]))
                for one in sheet.root.iter(f"{MAIN}tablePart")
            ]
            sheets.append(sheet)
        return sheets


def broken_rules(file: Path) -> list[str]:
    """Return every rule that a workbook breaks, with the place."""
    sheets = read_worksheets(file)
    found = [*of_the_file(file), *of_the_order(sheets)]
    for sheet in sheets:
        rules = [*of_the_structure(sheet), *of_the_texts(sheet), *of_the_layout(sheet)]
        if len(sheet.tables) == 1:
            rules += [*of_the_headings(sheet), *of_the_spread(sheet), *of_the_cells(sheet)]
        found += [f"{rule}: {sheet.name}" for rule in rules]
    if all(sheet.tables for sheet in sheets[1:]):
        found += [*of_the_contents(sheets), *of_the_kinds(sheets)]
    return found


def of_the_file(file: Path) -> Iterator[str]:
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if re.search(r"drawing|media/|vbaProject|externalLinks|comments|chart", name):
                yield f"no pictures, text boxes, macros or outside links: {name}"
        core = ElementTree.fromstring(archive.read("docProps/core.xml"))
        for name in ("dc:title", "dc:subject", "dc:creator", "dc:language", "dcterms:created"):
            if not core.findtext(name, namespaces=CORE):
                yield f"document properties: {name}"
        if core.findtext("dc:language", namespaces=CORE) != "en-GB":
            yield "language of the document: not en-GB"


def of_the_order(sheets: list[Worksheet]) -> Iterator[str]:
    names = [sheet.name for sheet in sheets]
    if names[: len(FIRST_SHEETS)] != FIRST_SHEETS:
        yield "cover, contents and notes come first: workbook"
    tables = [table.attrib["name"] for sheet in sheets for table in sheet.tables]
    if len(set(tables)) < len(tables):
        yield "table names differ: workbook"


def of_the_structure(sheet: Worksheet) -> Iterator[str]:
    if sheet.root.find(f"{MAIN}mergeCells") is not None:
        yield "no merged cells"
    if sheet.state != "visible" or any(
        one.attrib.get("hidden") in ("1", "true") for tag in ("row", "col") for one in sheet.root.iter(f"{MAIN}{tag}")
    ):
        yield "nothing hidden"
    if next(sheet.root.iter(f"{MAIN}pane"), None) is not None:
        yield "no frozen panes"
    if next(sheet.root.iter(f"{MAIN}autoFilter"), None) is not None or any(
        table.find(f"{MAIN}autoFilter") is not None for table in sheet.tables
    ):
        yield "no filters"
    if next(sheet.root.iter(f"{MAIN}f"), None) is not None:
        yield "no formulas"


def of_the_texts(sheet: Worksheet) -> Iterator[str]:
    if not sheet.text(1):
        yield "title in A1"
    if re.fullmatch(r"(sheet|table)\s*\d*", sheet.name, re.IGNORECASE):
        yield "sheets have names that say something"
    wanted = 0 if sheet.name == FIRST_SHEETS[0] else 1
    if len(sheet.tables) != wanted:
        yield "one marked-up table a sheet, none on the cover"
    if wanted and not sheet.text(2).startswith("This worksheet contains one table."):
        yield "number of tables stated"


def of_the_layout(sheet: Worksheet) -> Iterator[str]:
    widths = {
        number: float(column.attrib["width"])
        for column in sheet.root.iter(f"{MAIN}col")
        for number in range(int(column.attrib["min"]), int(column.attrib["max"]) + 1)
    }
    for column in {column for (_, column), cell in sheet.cells.items() if cell.content is not None}:
        if not NARROWEST <= widths.get(column, 0) <= WIDEST:
            yield f"columns have a readable width ({column})"
    for (row, column), cell in sheet.cells.items():
        if isinstance(cell.content, str) and not cell.wraps and len(cell.content) > widths.get(column, 0):
            neighbours = any((row, other) in sheet.cells for other in range(column + 1, column + 40))
            if sheet.name == FIRST_SHEETS[0] or neighbours:
                yield f"long text wraps ({row}, {column})"


def of_the_headings(sheet: Worksheet) -> Iterator[str]:
    table = sheet.tables[0]
    if not re.fullmatch(r"[a-z][a-z_]+", table.attrib["name"]) or re.fullmatch(r"table_?\d*", table.attrib["name"]):
        yield "tables have names that say something"
    if table.attrib.get("headerRowCount") == "0":
        yield "one header row"
    headings = sheet.headings
    if not all(heading.strip() for heading in headings) or len(set(headings)) < len(headings):
        yield "headings are there and differ"
    if headings != [column.attrib["name"] for column in table.iter(f"{MAIN}tableColumn")]:
        yield "headings are those of the marked-up table"


def of_the_spread(sheet: Worksheet) -> Iterator[str]:
    top, left, bottom, right = sheet.area
    filled = {spot for spot, cell in sheet.cells.items() if cell.content not in (None, "")}
    inside = {(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
    if not inside <= filled:
        yield "no blank cell in a table"
    if any(row > bottom or (row >= top and not left <= column <= right) for row, column in filled):
        yield "nothing below or beside a table"
    if any((row, 1) not in filled for row in range(1, top)):
        yield "no blank row above a table"
    if any(row < top and column > 1 for row, column in filled):
        yield "what stands above a table is in column A"


def of_the_cells(sheet: Worksheet) -> Iterator[str]:
    top, _, bottom, _ = sheet.area
    contents = {cell.content for (row, _), cell in sheet.cells.items() if top <= row <= bottom}
    for content in contents:
        if isinstance(content, str) and IN_BRACKETS.fullmatch(content) and content not in SHORTHAND:
            yield f"shorthand is known ({content})"
        elif isinstance(content, str) and content and not re.search(r"[A-Za-z0-9]", content):
            yield f"no cell of symbols alone ({content})"


def of_the_contents(sheets: list[Worksheet]) -> Iterator[str]:
    contents = next((sheet for sheet in sheets if sheet.name == "Contents"), None)
    notes = next((sheet for sheet in sheets if sheet.name == "Notes"), None)
    if contents is None or notes is None:
        yield "contents and notes: missing"
        return
    top, _, bottom, _ = contents.area
    listed = [contents.text(row) for row in range(top + 1, bottom + 1)]
    others = [sheet.name for sheet in sheets if sheet.name not in ("Cover", "Contents")]
    if listed != others:
        yield "contents list every sheet: Contents"
    links = {
        place(link.attrib["ref"]): link.attrib.get("location", "") for link in contents.root.iter(f"{MAIN}hyperlink")
    }
    for row, name in enumerate(listed, start=top + 1):
        if links.get((row, 1), "").replace("'", "") != f"{name}!A1":
            yield f"contents link to every sheet: {name}"
    top, _, bottom, _ = notes.area
    if not {notes.text(row) for row in range(top + 1, bottom + 1)} >= SHORTHAND:
        yield "notes explain the shorthand: Notes"


def of_the_kinds(sheets: list[Worksheet]) -> Iterator[str]:
    """Check every cell against what the sheet of columns says that its column holds."""
    by_name = {sheet.name: sheet for sheet in sheets}
    columns = by_name.get("Columns")
    if columns is None:
        yield "a sheet says what every column holds: missing"
        return
    top, _, bottom, _ = columns.area
    kinds = {(columns.text(row, 1), columns.text(row, 2)): columns.text(row, 3) for row in range(top + 1, bottom + 1)}
    for sheet in sheets:
        if sheet.name in (*FIRST_SHEETS, "Columns") or not sheet.tables:
            continue
        first, left, last, _ = sheet.area
        for column, heading in enumerate(sheet.headings, start=left):
            kind = kinds.get((sheet.name, heading))
            if kind is None:
                yield f"a sheet says what every column holds: {sheet.name}, {heading}"
                continue
            for row in range(first + 1, last + 1):
                content = sheet.cells[row, column].content if (row, column) in sheet.cells else None
                is_number = isinstance(content, float)
                if kind != "text" and not is_number and content not in SHORTHAND:
                    yield f"numbers are numbers: {sheet.name}, {heading}, row {row}"
                if kind == "text" and is_number:
                    yield f"texts are texts: {sheet.name}, {heading}, row {row}"
                if kind == "whole number" and isinstance(content, float) and not content.is_integer():
                    yield f"whole numbers are whole: {sheet.name}, {heading}, row {row}"
