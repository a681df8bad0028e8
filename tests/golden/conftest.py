"""The SQL of the dbt project as functions: macros and models rendered by Jinja alone and evaluated in DuckDB.

Rendering, and finding the vectors, belong here. What a method has to return belongs in the tests; how models work
together is shown by ``tests/warehouse``, with dbt itself.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import jinja2
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "dbt_project"
VECTOR_FOLDERS = {
    "committed": Path(__file__).resolve().parent / "vectors",
    "whole": REPOSITORY.parent / "shared" / "vectors",
}
"""A selection of the published vectors travels with the code; where the whole files are at hand, they run as well."""

INTEGERS = {"sign", "decimals"}
"""Arguments that are integers in the warehouse; every other number is a double."""

Value = str | float | int | bool | dt.date | None
Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Methods:
    """Macros and models of the dbt project.

    Attributes:
        connection: DuckDB to evaluate in.
        environment: Jinja with ``var`` of ``dbt_project.yml`` and the macros as globals.
        macros: The macros by name.
    """

    connection: duckdb.DuckDBPyConnection
    environment: jinja2.Environment
    macros: Mapping[str, Callable[..., object]]

    def sql(self, macro: str, /, **arguments: str) -> str:
        """Return the SQL that a macro writes for SQL expressions."""
        return str(self.macros[macro](**arguments))

    def value(self, macro: str, /, **arguments: Value) -> Value:
        """Return what a macro's SQL yields for Python values."""
        literals = {name: literal(value, name in INTEGERS) for name, value in arguments.items()}
        found = self.connection.execute(f"select {self.sql(macro, **literals)}").fetchone()
        assert found is not None
        return found[0]

    def over(self, relation: str, order: str, macro: str, /, **columns: str) -> list[Value]:
        """Return what a macro's SQL yields for each row of a relation, in the order of a column."""
        query = f"select {self.sql(macro, **columns)} from {relation} order by {order}"
        return [row[0] for row in self.connection.execute(query).fetchall()]

    def model(self, path: str) -> str:
        """Return the SQL of a model; ``ref`` and ``source`` become plain table names."""
        text = (PROJECT / "models" / path).read_text(encoding="utf-8")
        return self.environment.from_string(text).render(
            ref=lambda name: name, source=lambda source_name, table: f"{source_name}_{table}"
        )

    def table(self, name: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, object]]) -> None:
        """Create a table with typed columns; a column that a row lacks is null."""
        declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        self.connection.execute(f'create or replace table "{name}" ({declared})')
        values = [[row.get(column) for column in columns] for row in rows]
        if values:
            marks = ", ".join("?" for _ in columns)
            self.connection.executemany(f'insert into "{name}" values ({marks})', values)

    def rows(self, query: str) -> list[dict[str, Value]]:
        """Return the rows of a query, each as column to value."""
        found = self.connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def literal(value: Value, is_integer: bool) -> str:
    """Return a Python value as a SQL expression of one type; a number is a double unless said to be an integer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"cast('{value!r}' as {'integer' if is_integer else 'double'})"
    if isinstance(value, dt.date):
        return f"date '{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


@pytest.fixture(scope="session")
def _rendering() -> tuple[jinja2.Environment, Mapping[str, Callable[..., object]]]:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.globals["var"] = variables.__getitem__
    files = [*sorted((PROJECT / "macros" / "methods").glob("*.sql"))]
    files += [PROJECT / "macros" / "display.sql", PROJECT / "macros" / "value_status.sql"]
    module = environment.from_string("\n".join(file.read_text(encoding="utf-8") for file in files)).module
    macros = {name: part for name, part in vars(module).items() if not name.startswith("_")}
    environment.globals.update(macros)
    return environment, macros


@pytest.fixture(scope="session")
def methods(
    _rendering: tuple[jinja2.Environment, Mapping[str, Callable[..., object]]],
) -> Iterator[Methods]:
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        yield Methods(connection, *_rendering)


@pytest.fixture
def read_vectors() -> Callable[[Path], Sequence[Row]]:
    """Read a vector file: provenance in lines that begin with ``#``, an empty cell as None."""

    def read(path: Path) -> Sequence[Row]:
        with path.open(encoding="utf-8", newline="") as file:
            lines = (line for line in file if not line.startswith("#"))
            return [{key: value or None for key, value in row.items()} for row in csv.DictReader(lines)]

    return read


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``<name>_file`` every copy of the vectors ``<name>.csv`` that exists."""
    for fixture in metafunc.fixturenames:
        if fixture.endswith("_file"):
            name = f"{fixture.removesuffix('_file')}.csv"
            found = {where: folder / name for where, folder in VECTOR_FOLDERS.items() if (folder / name).is_file()}
            metafunc.parametrize(fixture, list(found.values()), ids=list(found))
