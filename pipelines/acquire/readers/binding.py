"""Which column of a file holds what: the declared headers found by name, and the refusal of a file that lacks one.

Finding columns belongs here. Turning their text into values belongs to ``shaping``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

import polars as pl

from pipelines.acquire.readers.delimited_text import position_name
from pipelines.acquire.readers.table_bounds import plain
from pipelines.acquire.readers.table_file import TableFile
from pipelines.problems import Problem

if TYPE_CHECKING:
    pass

_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")


def bind(
    header: tuple[str, ...],
    declared: Mapping[str, str],
    *,
    ignored: Collection[str],
    optional: Collection[str],
    file: TableFile,
    key: Callable[[str], str] = plain,
) -> dict[str, int]:
    """Find the position of every declared column by its name.

    Args:
        header: The file's headers.
        declared: Publisher's header to landed column; several spellings may lead to one column.
        ignored: Headers that are known and not landed.
        optional: Landed columns that the file may lack.
        file: The file, for messages.
        key: What makes two spellings of a header the same.

    Returns:
        Landed column to position, counted from 0.

    Raises:
        SourceRefused: A header is unknown, a declared column is missing, or two headers claim one column.
    """
    by_key = {key(name): landed for name, landed in declared.items()}
    ignored_keys = {key(name) for name in ignored}
    bound: dict[str, int] = {}
    problems: list[Problem] = []
    for position, name in enumerate(header):
        landed = by_key.get(key(name))
        if landed is None:
            if key(name) not in ignored_keys:
                problems.append(_unknown(file, name, position))
        elif landed in bound:
            problems.append(_claimed_twice(file, name, landed, header[bound[landed]]))
        else:
            bound[landed] = position
    for landed in dict.fromkeys(declared.values()):
        if landed not in bound and landed not in optional:
            spellings = [name for name, column in declared.items() if column == landed]
            problems.append(_missing(file, spellings, landed))
    if problems:
        raise file.refused(*problems)
    return bound


def _unknown(file: TableFile, name: str, position: int) -> Problem:
    return Problem(
        "unknown_column",
        f"Column {position + 1} of the file is not declared.",
        f"Map it in columns of {file.source.id}.yml, or list it in ignored_columns.",
        file=file.name,
        row=file.header_row,
        column=name,
    )


def _claimed_twice(file: TableFile, name: str, landed: str, other: str) -> Problem:
    return Problem(
        "column_twice",
        f"Both {other!r} and {name!r} would land as {landed}.",
        "Keep one of them and list the other in ignored_columns.",
        file=file.name,
        row=file.header_row,
        column=name,
    )


def _missing(file: TableFile, spellings: list[str], landed: str) -> Problem:
    return Problem(
        "missing_column",
        f"The file has no column for {landed} (declared spellings: {', '.join(map(repr, spellings))}).",
        f"Add the new spelling to columns of {file.source.id}.yml, or ask the publisher what became of the column.",
        file=file.name,
        row=file.header_row,
        column=spellings[0],
    )


def cell(position: int) -> pl.Expr:
    """Return the text of the cell at a position, counted from 0."""
    return pl.col(position_name(position))


def text_of(expression: pl.Expr, markers: Collection[str]) -> pl.Expr:
    """Return stripped text (no-break spaces too); null if it is empty or one of the markers."""
    stripped = expression.str.strip_chars()
    return pl.when(~stripped.is_in(["", *markers])).then(stripped)


def bind_cells(
    header: tuple[str, ...], file: TableFile, declared: Mapping[str, str], *, ignored: Collection[str] = ()
) -> dict[str, pl.Expr]:
    """Find the text of every landed column that cells of the table fill, alone or composed.

    Args:
        header: The file's headers.
        file: The file.
        declared: Publisher's header to landed column.
        ignored: Headers that are known and not landed, over and above the declared ones.

    Returns:
        Landed column to the expression of its text. A composed text is null if one of its cells is empty or a marker.

    Raises:
        SourceRefused: See :func:`bind`; or a header of a template is missing.
    """
    used = {plain(name) for text in file.table.composed.values() for name in _PLACEHOLDER.findall(text)}
    positions = {plain(name): position for position, name in enumerate(header)}
    if missing := [
        _missing(file, [name], landed)
        for landed, text in file.table.composed.items()
        for name in _PLACEHOLDER.findall(text)
        if plain(name) not in positions
    ]:
        raise file.refused(*missing)
    bound = bind(
        header,
        declared,
        ignored={*file.source.ignored_of(file.table), *ignored, *used},
        optional=file.source.optional_of(file.table),
        file=file,
    )
    return {
        **{landed: cell(position) for landed, position in bound.items()},
        **{landed: _composed(text, positions, file) for landed, text in file.table.composed.items()},
    }


def _composed(template: str, positions: Mapping[str, int], file: TableFile) -> pl.Expr:
    markers = file.source.markers_of(file.table)
    # The pattern has one group, so every second part is a header.
    return pl.concat_str(
        text_of(cell(positions[plain(part)]), markers) if odd % 2 else pl.lit(part)
        for odd, part in enumerate(_PLACEHOLDER.split(template))
    )
