"""The commitment register as a person wrote it: its CSV files, every row with the line on which it begins.

Reading the files, and refusing one that is no table, belongs here. What may stand in them is said by the suites in
``expectations/register``.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

from pipelines.acquire.source_registry import read_yaml
from pipelines.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipelines.settings import Settings

_PROPERTIES: Final = "_seeds.yml"
_ADDED: Final = {"source_file": pl.String(), "source_row_number": pl.Int64(), "row_id": pl.String()}


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """One seed of the register, read or refused.

    Attributes:
        seed: Name of the seed.
        file: Its file, relative to the project.
        columns: The declared columns, in the order of the declaration.
        rows: Its rows as text, an empty cell as ``None``; each with ``source_file``, ``source_row_number`` (the line
            on which it begins) and ``row_id`` (what stands in its first column).
        problems: Why it is no table; empty when it is one.
    """

    seed: str
    file: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str | int | None], ...]
    problems: tuple[Problem, ...]

    def write(self, folder: Path) -> Path:
        """Write the rows as ``<seed>.parquet``.

        Args:
            folder: Existing folder.

        Returns:
            The file, with every column although it may have no row.
        """
        path = folder / f"{self.seed}.parquet"
        types: dict[str, pl.DataType] = {**_ADDED, **dict.fromkeys(self.columns, pl.String())}
        pl.DataFrame(list(self.rows), schema=types, orient="row").write_parquet(path)
        return path


def declared_columns(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the columns of every seed, from the types that dbt reads it with.

    Args:
        settings: Folders.

    Returns:
        Name of the seed to its columns.

    Raises:
        ConfigurationError: The properties of the seeds cannot be read.
    """
    content = cast("dict[str, Any]", read_yaml(settings.seeds / _PROPERTIES) or {})
    seeds: list[dict[str, Any]] = content.get("seeds") or []
    columns: dict[str, tuple[str, ...]] = {}
    for seed in seeds:
        config: dict[str, Any] = seed.get("config") or {}
        types: dict[str, str] = config.get("column_types") or {}
        columns[str(seed["name"])] = tuple(types)
    return columns


def read_register(settings: Settings, seeds: Sequence[str]) -> dict[str, RegisterFile]:
    """Read seeds of the register.

    Args:
        settings: Folders.
        seeds: Which.

    Returns:
        Name of the seed to its file; one that is no table has problems and no rows.

    Raises:
        ConfigurationError: A seed has no declared columns.
    """
    declared = declared_columns(settings)
    if missing := [seed for seed in seeds if not declared.get(seed)]:
        raise ConfigurationError(f"data/seeds/{_PROPERTIES}: {missing[0]} has no column_types")
    return {seed: _read(settings, seed, declared[seed]) for seed in seeds}


def _read(settings: Settings, seed: str, columns: tuple[str, ...]) -> RegisterFile:
    path = settings.seeds / f"{seed}.csv"
    file = path.relative_to(settings.project).as_posix()
    try:
        rows = _rows(path.read_bytes(), file, columns)
    except FileNotFoundError:
        gone = _problem(file, "The file is missing.", "Put it back; a table without rows is a file with its header.")
        return RegisterFile(seed, file, columns, (), (gone,))
    except _NoTableError as refused:
        return RegisterFile(seed, file, columns, (), refused.problems)
    return RegisterFile(seed, file, columns, rows, ())


class _NoTableError(Exception):
    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


def _rows(content: bytes, file: str, columns: tuple[str, ...]) -> tuple[dict[str, str | int | None], ...]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _NoTableError(
            _problem(
                file, "The line has a byte that is not UTF-8.", "Save the file as CSV UTF-8 without a mark.", row=line
            )
        ) from error
    records = _records(text, file)
    if not records:
        raise _NoTableError(_problem(file, "The file is empty.", f"Give it its header: {','.join(columns)}."))
    header = records[0][1]
    _check_header(header, file, columns)
    ragged = [
        _problem(
            file,
            f"The row has {len(cells)} cells and the header {len(header)}.",
            "Count the commas: a text that has one stands in double quotation marks.",
            row=line,
        )
        for line, cells in records[1:]
        if len(cells) != len(header)
    ]
    if ragged:
        raise _NoTableError(*ragged)
    return tuple(
        {
            "source_file": file,
            "source_row_number": line,
            "row_id": cells[0],
            **{name: cell or None for name, cell in zip(header, cells, strict=True)},
        }
        for line, cells in records[1:]
    )


def _records(text: str, file: str) -> list[tuple[int, list[str]]]:
    """Return every record with the line on which it begins: a text in quotation marks may run over several."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in reader:
            records.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _NoTableError(
            _problem(
                file,
                f"From here on the file is no CSV: {error}.",
                "Close the quotation mark, and write one inside a text twice.",
                row=begins,
            )
        ) from error
    return records


def _check_header(header: Sequence[str], file: str, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in header]
    unknown = [name for name in header if name not in columns]
    twice = sorted({name for name in header if header.count(name) > 1})
    found = [
        _problem(file, f"The column {name} {fault}.", remedy, row=1, column=name)
        for names, fault, remedy in (
            (missing, "is missing", "Add it, with empty cells where there is nothing to say."),
            (unknown, "is not declared", f"Take it out, or declare it in data/seeds/{_PROPERTIES} and give it rules."),
            (twice, "is there twice", "Keep one of them."),
        )
        for name in names
    ]
    if found:
        raise _NoTableError(*found)


def _problem(file: str, message: str, remedy: str, *, row: int | None = None, column: str | None = None) -> Problem:
    return Problem("readable", message, remedy, file=file, row=row, column=column)
