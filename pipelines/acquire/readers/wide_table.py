"""Tables with a column a period, as statistical releases print them.

Turning periods from columns into rows belongs here. Nothing about a particular publisher does.
"""

from __future__ import annotations

import re

import polars as pl

from pipelines.acquire.readers.delimited_text import ROW_NUMBER, position_name
from pipelines.acquire.readers.shaping import ReadFile, TableFile, bind, cell, cells_of, header_of, shape
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
    pattern = re.compile(source.period_columns or "")
    periods = {position_name(position): name for position, name in enumerate(header) if pattern.fullmatch(name)}
    if not periods:
        raise file.refused(
            Problem(
                "no_period_columns",
                f"No header of the file matches period_columns ({source.period_columns}).",
                f"Adapt period_columns in {source.id}.yml to the headers of the file.",
                file=file.raw.name,
                row=1,
            )
        )
    declared = source.columns_of(file.table)
    if source.indicator_column:
        declared[source.indicator_column] = "indicator_name"
    bound = bind(
        header,
        declared,
        ignored={*source.ignored_of(file.table), *periods.values()},
        optional=source.optional_columns,
        file=file,
    )
    cells = cells_of(file, len(header))
    kept = [position_name(position) for position in bound.values()]
    long = cells.frame.unpivot(
        on=list(periods), index=[ROW_NUMBER, *kept], variable_name="_position", value_name="_cell"
    ).with_columns(pl.col("_position").replace_strict(periods, return_dtype=pl.String).alias("_header"))
    frame = shape(
        long,
        file,
        {
            **{landed: cell(position) for landed, position in bound.items()},
            "period_label": pl.col("_header"),
            "value": pl.col("_cell"),
        },
        pl.col("_header"),
    )
    return ReadFile(frame, cells.records * len(periods), cells.blank_records)
