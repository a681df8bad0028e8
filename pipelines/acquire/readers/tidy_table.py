"""Tables with one value, or one member of a set, a row, and named columns.

Nothing about a particular publisher belongs here.
"""

from __future__ import annotations

import polars as pl

from pipelines.acquire.readers.shaping import ReadFile, TableFile, bind, cell, cells_of, header_of, shape


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
    bound = bind(
        header,
        file.source.columns_of(file.table),
        ignored=file.source.ignored_of(file.table),
        optional=file.source.optional_columns,
        file=file,
    )
    cells = cells_of(file, len(header))
    holder = bound.get("value", bound.get("neighbour_code"))
    frame = shape(
        cells.frame,
        file,
        {landed: cell(position) for landed, position in bound.items()},
        pl.lit(None if holder is None else header[holder], pl.String),
    )
    return ReadFile(frame, cells.records, cells.blank_records)
