"""Tables with one value, or one member of a set, a row, and named columns.

Nothing about a particular publisher belongs here.
"""

from __future__ import annotations

import polars as pl

from pipelines.acquire.readers.binding import bind_cells
from pipelines.acquire.readers.shaping import shape
from pipelines.acquire.readers.table_bounds import plain
from pipelines.acquire.readers.table_file import ReadFile, TableFile, cells_of, header_of


def read(file: TableFile) -> ReadFile:
    """Read one file; columns are found by name, so their order does not matter.

    Args:
        file: The file and its declaration.

    Returns:
        One landed row a filled record. For neighbour sets ``source_column`` is the header of ``neighbour_code``.

    Raises:
        SourceRefused: The file is not as declared.
    """
    header = header_of(file)
    declared = file.source.columns_of(file.table)
    bound = bind_cells(header, file, declared)
    cells = cells_of(file, len(header))
    holder = "value" if "value" in bound else "neighbour_code"
    named = {plain(name): landed for name, landed in declared.items()}
    source_column = next((name for name in header if named.get(plain(name)) == holder), None)
    frame = shape(cells.frame, file, bound, pl.lit(source_column, pl.String))
    return ReadFile(frame, cells.records, cells.blank_records)
