"""A declared table of a verified file, ready for the reader of its layout.

Choosing where the cells come from, a text file or the sheet of a workbook, belongs here. How the cells are laid out is
the reader's business.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.acquire.readers.companion_file import describe
from pipelines.acquire.readers.table_bounds import Grid, TableNotThere, find_table
from pipelines.acquire.readers.table_file import TableFile, table_name
from pipelines.acquire.readers.text_records import read_records
from pipelines.acquire.readers.workbook_sheet import read_sheet
from pipelines.problems import SourceRefused

if TYPE_CHECKING:
    from pipelines.acquire.raw_snapshots import RawFile
    from pipelines.acquire.source_registry import Source
    from pipelines.acquire.table_declaration import Table


def open_table(source: Source, table: Table, raw: RawFile, workspace: Path) -> TableFile:
    """Find a table in its file, and what stands around and beside it.

    A text file without parse steps is left to be scanned; every other table is read into memory.

    Args:
        source: Its source.
        table: Its declaration.
        raw: The file, verified.
        workspace: Existing folder for temporary copies.

    Returns:
        The table's file.

    Raises:
        SourceRefused: The table is not where the declaration says it is.
    """
    name, encoding = table_name(raw, table), source.encoding_of(table)
    grid: Grid | None = None
    texts: dict[str, str] = {}
    try:
        if table.parse.bounds:
            sheet = table.parse.sheet
            records = read_sheet(raw.path, sheet, name) if sheet else read_records(raw.path, encoding, name)
            grid = find_table(records, table.parse, name)
            texts |= grid.texts
        if table.parse.metadata:
            texts |= describe(raw.path, raw.inside, table.parse.metadata, encoding, name)
    except TableNotThere as absent:
        raise SourceRefused(source.id, absent.problems) from absent
    return TableFile(source, table, raw, workspace, grid, texts)
