"""What earlier public editions withheld and showed, as far as the next one has to know it.

Reading it from a public edition, and keeping it as Parquet, belong here. All of it is public: it names withheld cells
and repeats shown numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import duckdb
import polars as pl

from pipelines.publish.catalogue import literal
from pipelines.publish.disclosure.flags import read_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA: Final = {
    "cell_id": pl.String(),
    "is_suppressed": pl.Int16(),
    "value": pl.Float64(),
    "count": pl.Float64(),
}


@dataclass(frozen=True, slots=True)
class ShownNumbers:
    """What a public edition shows of a cell.

    Attributes:
        value: Its value.
        count: Its count.
    """

    value: float | None
    count: float | None


@dataclass(frozen=True, slots=True)
class SuppressedCells:
    """Memory of the public editions so far.

    Attributes:
        suppressed: Ids of cells that one of them withheld.
        shown: Ids of cells that the newest of those with the cell shows, with its numbers.
    """

    suppressed: frozenset[str] = frozenset()
    shown: Mapping[str, ShownNumbers] = field(default_factory=dict[str, ShownNumbers])

    def and_then(self, newer: SuppressedCells) -> SuppressedCells:
        """Return the memory with a newer edition added: what was withheld or shown once is not forgotten."""
        return SuppressedCells(self.suppressed | newer.suppressed, {**self.shown, **newer.shown})


def read_suppressed(file: Path) -> SuppressedCells:
    """Read the memory.

    Args:
        file: A public edition (``.duckdb``), or the Parquet form that :func:`write_suppressed` makes.

    Returns:
        What the file withholds and shows.
    """
    if file.suffix == ".parquet":
        rows = pl.read_parquet(file).rows()
        return SuppressedCells(
            frozenset(cell for cell, is_suppressed, _, _ in rows if is_suppressed),
            {cell: ShownNumbers(value, count) for cell, is_suppressed, value, count in rows if not is_suppressed},
        )
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(file))} as public_edition (read_only)")
        numbers = read_numbers(connection, "public_edition")
    return SuppressedCells(
        frozenset(cell for cell, status, _, _ in numbers if status == "suppressed"),
        {cell: ShownNumbers(value, count) for cell, status, value, count in numbers if status != "suppressed"},
    )


def write_suppressed(memory: SuppressedCells, file: Path) -> None:
    """Keep the memory as Parquet: one row a cell, a cell that was both withheld and shown twice.

    Args:
        memory: What is to be kept.
        file: The Parquet file; replaced in one step.
    """
    rows = [(cell, 1, None, None) for cell in sorted(memory.suppressed)]
    shown = [(cell, 0, memory.shown[cell].value, memory.shown[cell].count) for cell in sorted(memory.shown)]
    partial = file.with_name(f".{file.name}.partial")
    pl.DataFrame([*rows, *shown], schema=SCHEMA, orient="row").write_parquet(partial)
    partial.replace(file)
