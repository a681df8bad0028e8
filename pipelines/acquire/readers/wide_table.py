"""Tables with a column a period, as statistical releases print them.

Turning periods from columns into rows belongs here. Nothing about a particular publisher does.
"""

from __future__ import annotations

import re

import polars as pl

from pipelines.acquire.readers.binding import bind_cells
from pipelines.acquire.readers.delimited_text import position_name
from pipelines.acquire.readers.shaping import shape
from pipelines.acquire.readers.table_file import ReadFile, TableFile, cells_of, header_of
from pipelines.problems import Problem


def read(file: TableFile) -> ReadFile:
    """Read one file and unpivot its period columns.

    Args:
        file: The file and its declaration; the headers that match ``period_columns`` are the periods.

    Returns:
        One landed row a filled record and period column; ``source_column`` and the period label are the header.

    Raises:
        SourceRefused: The file is not as declared, or no header matches ``period_columns``.
    """
    source = file.source
    header = header_of(file)
    periods_of = source.period_columns_of(file.table)
    pattern = re.compile(periods_of or "")
    periods = {position_name(position): name for position, name in enumerate(header) if pattern.fullmatch(name)}
    if not periods:
        raise file.refused(
            Problem(
                "no_period_columns",
                f"No header of the file matches period_columns ({periods_of}).",
                f"Adapt period_columns in {source.id}.yml to the headers of the file.",
                file=file.name,
                row=file.header_row,
            )
        )
    declared = source.columns_of(file.table)
    if indicator := source.indicator_column_of(file.table):
        declared[indicator] = "indicator_name"
    bound = bind_cells(header, file, declared, ignored=periods.values())
    cells = cells_of(file, len(header))
    kept = [name for name in cells.frame.collect_schema().names() if name not in periods]
    long = cells.frame.unpivot(
        on=list(periods), index=kept, variable_name="_position", value_name="_cell"
    ).with_columns(pl.col("_position").replace_strict(periods, return_dtype=pl.String).alias("_header"))
    frame = shape(long, file, {**bound, "period_label": pl.col("_header"), "value": pl.col("_cell")}, pl.col("_header"))
    return ReadFile(frame, cells.records * len(periods), cells.blank_records)
