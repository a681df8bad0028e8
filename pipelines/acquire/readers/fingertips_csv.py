"""The CSV of Fingertips in all its header generations.

The publisher has changed the spelling, number and order of its 26 to 28 columns, and people save copies with other
spellings still. What the differences are belongs here; which columns there are stands in the declaration.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from pipelines.acquire.readers.binding import bind, cell
from pipelines.acquire.readers.shaping import shape
from pipelines.acquire.readers.table_file import ReadFile, TableFile, cells_of, header_of

_ENGLAND_COMPARISON: Final = "compared_to_england_published"
_PARENT_COMPARISON: Final = "compared_to_parent_published"
_PARENT_POSITION: Final = 22
PARENT_COMPARISON_HEADER: Final = re.compile(r"comparedto(?!england|goal).+|columnnotused")
"""What every name of the comparison with the parent area looks like to :func:`same_header`."""
_ROW_NUMBER_HEADER: Final = re.compile(r"|Unnamed: 0|\.\.\.1")
_ROW_NUMBER: Final = "row number of the program that saved the file"


def same_header(name: str) -> str:
    """Return what ``Lower CI 95.0 limit``, ``Lower_CI_95.0_limit`` and ``Lower.CI.95.0.limit`` have in common."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read(file: TableFile) -> ReadFile:
    """Read one file.

    The column that compares with the parent area changes its name with the kind of parent (``Compared to Region value
    or percentiles``, ``Column not used``): it is recognised by its pattern, or by its place: the column after the
    comparison with England, or the 23rd, which has not changed. A first column without a name is the row number that R
    writes, and is left out.

    Args:
        file: The file and its declaration.

    Returns:
        One landed row a filled record.

    Raises:
        SourceRefused: The file is not as declared.
    """
    header = header_of(file)
    declared = file.source.columns_of(file.table)
    ignored = set(file.source.ignored_of(file.table))
    numbered = _ROW_NUMBER_HEADER.fullmatch(header[0]) is not None
    if numbered:
        # By a name that no other column has: a second column without a name must not go unnoticed.
        header = (_ROW_NUMBER, *header[1:])
        ignored.add(_ROW_NUMBER)
    parent = _parent_comparison(header, declared, ignored, offset=int(numbered))
    if parent is not None:
        declared[parent] = _PARENT_COMPARISON
    bound = bind(
        header,
        declared,
        ignored=ignored,
        optional={*file.source.optional_of(file.table), _PARENT_COMPARISON},
        file=file,
        key=same_header,
    )
    cells = cells_of(file, len(header))
    frame = shape(
        cells.frame,
        file,
        {landed: cell(position) for landed, position in bound.items()},
        pl.lit(header[bound["value"]]),
    )
    return ReadFile(frame, cells.records, cells.blank_records)


def _parent_comparison(
    header: tuple[str, ...], declared: Mapping[str, str], ignored: Collection[str], *, offset: int
) -> str | None:
    """Return the header of the comparison with the parent area, if it is neither declared nor ignored by name."""
    known = {same_header(name) for name in (*declared, *ignored)}
    unknown = {
        position: name for position, name in enumerate(header) if same_header(name) and same_header(name) not in known
    }
    for name in unknown.values():
        if PARENT_COMPARISON_HEADER.fullmatch(same_header(name)):
            return name
    england = {same_header(name) for name, landed in declared.items() if landed == _ENGLAND_COMPARISON}
    after_england = (position + 1 for position, name in enumerate(header) if same_header(name) in england)
    return next((unknown[place] for place in (*after_england, _PARENT_POSITION + offset) if place in unknown), None)
