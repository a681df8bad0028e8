"""Rows of a published file as frozen records.

Opening the file and turning rows into dataclasses belong here; which rows, and what is said of them, do not.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import date
    from pathlib import Path

Record = TypeVar("Record")


class NotReadable(OutcomesError):  # noqa: N818 - says what is the matter with the file
    """The file lacks a table or a column that the command reads: another version of the project made it."""


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """Which release a file is.

    Attributes:
        release_id: Its name.
        as_at: Day for which its statuses speak.
    """

    release_id: str
    as_at: date


@contextmanager
def reading(served_file: Path) -> Generator[duckdb.DuckDBPyConnection]:
    """Open a published file for reading, which keeps nobody out.

    Args:
        served_file: Any published file.

    Yields:
        The connection.

    Raises:
        NotReadable: It is no DuckDB file, or lacks what is asked of it.
    """
    try:
        with duckdb.connect(str(served_file), read_only=True) as connection:
            yield connection
    except duckdb.Error as error:
        raise NotReadable(
            f"{served_file} cannot be read by this version: {str(error).splitlines()[0]}\n"
            "Publish it again: outcomes refresh --force"
        ) from error


def records(
    connection: duckdb.DuckDBPyConnection, record: type[Record], tail: str, parameters: Sequence[object] = ()
) -> list[Record]:
    """Read rows as records, whose attributes name the columns.

    Args:
        connection: An open file.
        record: A dataclass.
        tail: The query from ``from`` on; it has to give every column that the dataclass names.
        parameters: Values for its question marks.

    Returns:
        One record a row, in the order of the query.
    """
    columns = ", ".join(field.name for field in fields(record))  # pyright: ignore[reportArgumentType]
    rows: list[tuple[Any, ...]] = connection.execute(f"select {columns} {tail}", list(parameters)).fetchall()
    return [record(*row) for row in rows]


def read_release(connection: duckdb.DuckDBPyConnection) -> ReleaseLine:
    """Return which release the file is.

    Args:
        connection: An open file.
    """
    return records(connection, ReleaseLine, "from release")[0]
