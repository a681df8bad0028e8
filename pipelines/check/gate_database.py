"""The throw-away DuckDB database in which one suite runs: the batch, what it may be compared with, and our functions.

Opening it and reading from it belong here. Which rules run, and what their answers mean, do not.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

Engine = Literal["great_expectations", "duckdb"]
"""Who puts the rules to the batch: Great Expectations, which gates every load, or DuckDB alone, for a quick look."""

LIST_PREFIX = "known_"
"""References of this prefix are lists to look things up in: small, and copied into the database."""

SMALL_BYTES = 20_000_000
"""A load of fewer bytes is copied into memory by the quick engine: fifty rules spend their time on opening it again."""

TINY_BYTES = 100_000
"""Below this, about a thousand rows, a second thread costs more than it brings."""

MACROS = (
    # Fingertips puts an n before the codes of integrated care boards (E54) and sub-ICB locations (E38).
    "create macro plain_area_code(code) as regexp_replace(code, '^n(E38|E54)', '\\1')",
    # A figure may be so large, in a damaged file, that no whole number holds it: it is shown as it is.
    "create macro figure(x) as case when not coalesce(abs(cast(x as double)) < 1e18, false) then cast(x as varchar) "
    "when x = round(x) then format('{:,}', cast(x as hugeint)) "
    "else rtrim(format('{:,.4f}', cast(x as double)), '0') end",
    # A figure printed to one decimal can be off by half of that decimal.
    "create macro half_unit(published) as 0.5 * pow(10, -length(regexp_extract(published, '\\.([0-9]+)', 1))) + 1e-9",
    # What a person types into the register: a day, a number, a whole number from 1, the label of a period.
    "create macro is_day(x) as regexp_full_match(x, '[0-9]{4}-[0-9]{2}-[0-9]{2}') "
    "and (x is null or try_cast(x as date) is not null)",
    "create macro is_number(x) as regexp_full_match(x, '-?[0-9]+(\\.[0-9]+)?')",
    "create macro is_whole(x) as regexp_full_match(x, '[1-9][0-9]*')",
    "create macro years_after(earlier, later) as (try_cast(later as int) - try_cast(earlier as int) + 100) % 100",
    "create macro is_period_label(x) as case when x is null then null "
    "when regexp_full_match(x, '[0-9]{4}') then true "
    "when regexp_full_match(x, '[0-9]{4}/[0-9]{2}') then years_after(x[3:4], x[6:7]) = 1 "
    "when regexp_full_match(x, '[0-9]{4} - [0-9]{2}') then years_after(x[3:4], x[8:9]) between 1 and 9 "
    "when regexp_full_match(x, '[0-9]{4}/[0-9]{2} - [0-9]{2}/[0-9]{2}') then years_after(x[3:4], x[6:7]) = 1 "
    "and years_after(x[11:12], x[14:15]) = 1 and years_after(x[3:4], x[11:12]) between 1 and 9 "
    "else false end",
    # One spelling of a unit: a share of a hundred is a percentage, and whom a rate is about is said elsewhere.
    "create macro plain_unit(unit) as case "
    "when regexp_full_match(lower(trim(unit)), '(%|per ?cent|per 100|percentage)( points?)?( .*)?') then '%' "
    "when regexp_matches(lower(trim(unit)), '^per [0-9,]+') "
    "then 'per ' || replace(regexp_extract(lower(trim(unit)), '^per ([0-9,]+)', 1), ',', '') "
    "when regexp_full_match(lower(trim(unit)), '(years?|life years|years of life)') then 'years' "
    "when regexp_full_match(lower(trim(unit)), '(people|persons?|residents|number of people|children|number of children"
    "|children and young people)') then 'people' "
    "else lower(trim(unit)) end",
)
"""SQL functions that every query of a suite may use."""


@dataclass(frozen=True, slots=True)
class BuildTable:
    """One table or view of a DuckDB build file; the others can be read by the suite under their own names.

    Attributes:
        build_file: The file, opened read-only.
        table: Name in schema ``main``.
    """

    build_file: Path
    table: str


@dataclass(frozen=True, slots=True)
class GateDatabase:
    """A throw-away DuckDB file: its address, how every connection opens it, and our own connection.

    Attributes:
        url: SQLAlchemy address.
        connect_args: What every connection has to pass, because DuckDB shares one instance only between equals.
        sql: Our connection.
    """

    url: str
    connect_args: dict[str, Any]
    sql: Any

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return a query's rows as dictionaries."""
        cursor = self.sql.execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def number(self, statement: str) -> int:
        """Return a query's only value, a whole number."""
        return int(self.sql.execute(statement).fetchone()[0])

    def another_connection(self) -> GateDatabase:
        """Return the same database through a connection of its own, for another thread."""
        return replace(self, sql=self.sql.cursor())

    def columns(self) -> tuple[str, ...]:
        """Return the names of the batch's columns."""
        return tuple(str(row["column_name"]) for row in self.rows("describe batch"))


@contextmanager
def open_gate_database(
    folder: Path, batch: Path | BuildTable, references: Mapping[str, str], memory_limit: str, engine: Engine
) -> Generator[GateDatabase]:
    """Open a private file with the views, so that the gate shares no lock with anybody.

    For Great Expectations our connection goes through SQLAlchemy as well: DuckDB shares one instance, and with it the
    attached build file, only between connections of equal configuration, and the SQLAlchemy dialect adds to the
    configuration. Importing SQLAlchemy takes 0.4 seconds, which the quick engine saves.

    Args:
        folder: Existing folder for the file and for what does not fit into memory.
        batch: Landed Parquet, or a table of a build file; it becomes the view ``batch``.
        references: Name to ``select`` text; each becomes a view, or a table if its name says that it is a list.
        memory_limit: DuckDB's limit.
        engine: Who is going to run the rules.

    Yields:
        The database.
    """
    config: dict[str, Any] = {"memory_limit": memory_limit, "temp_directory": str(folder / "spill")}
    size = batch.stat().st_size if engine == "duckdb" and isinstance(batch, Path) and batch.is_file() else None
    small = size is not None and size < SMALL_BYTES
    if size is not None and size < TINY_BYTES:
        config["threads"] = 1
    path = ":memory:" if small else (folder / "gate.duckdb").as_posix()
    connect_args = {"config": config}
    with _connection(path, connect_args, engine) as sql:
        for macro in MACROS:
            sql.execute(macro)
        if isinstance(batch, Path):
            kind = "table" if small else "view"
            sql.execute(f"create {kind} batch as select * from read_parquet({text_literal(batch)})")
        else:
            _show_build_file(sql, batch)
        for name, select in references.items():
            # Fifty rules would parse a list that is a CSV again each; the accepted data may be too large to copy.
            kind = "table" if name.startswith(LIST_PREFIX) else "view"
            sql.execute(f"create {kind} {quoted_name(name)} as {select}")
        yield GateDatabase(f"duckdb:///{path}", connect_args, sql)


@contextmanager
def _connection(path: str, connect_args: dict[str, Any], engine: Engine) -> Generator[Any]:
    if engine == "duckdb":
        import duckdb  # noqa: PLC0415 - 0.1 s, and only a gate needs it

        with duckdb.connect(path, config=connect_args["config"]) as sql:
            yield sql
        return
    import sqlalchemy  # noqa: PLC0415 - slow, and only a gate needs it

    pool = sqlalchemy.create_engine(f"duckdb:///{path}", connect_args=connect_args, poolclass=sqlalchemy.pool.NullPool)
    raw = pool.raw_connection()
    try:
        yield raw.driver_connection
    finally:
        raw.close()
        pool.dispose()


def _show_build_file(sql: Any, batch: BuildTable) -> None:
    sql.execute(f"attach {text_literal(batch.build_file)} as build (read_only)")
    found = sql.execute(
        "select table_name from information_schema.tables where table_catalog = 'build' and table_schema = 'main'"
    )
    tables = {str(row[0]) for row in found.fetchall()}
    if batch.table not in tables:
        raise LookupError(f"{batch.build_file.name} has no table {batch.table}")
    for table in sorted(tables):
        sql.execute(f"create view {quoted_name(table)} as select * from build.main.{quoted_name(table)}")
    sql.execute(f"create view batch as select * from build.main.{quoted_name(batch.table)}")


def quoted_name(identifier: str) -> str:
    """Return a name as SQL reads it, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'


def text_literal(text: object) -> str:
    """Return a value as an SQL text literal."""
    return "'" + str(text).replace("'", "''") + "'"
