"""What a finished release says about itself: its tables and views, their columns, keys, joins and sources.

Reading that, as plain values for whoever describes an export, belongs here. The rows themselves do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from pipelines.problems import NotPublished
from pipelines.publish.catalogue import MARTS_SCHEMA, quoted, read_relations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

Edition = Literal["whole", "public"]

_ALLOWED_VALUES = re.compile(r"CHECK\(+\"?(?P<column>\w+)\"? IN \((?P<values>[^()]*)\)\)+")
_ONE_VALUE = re.compile(r"'((?:[^']|'')*)'|(-?\d+)")
_OWN_COLUMNS = frozenset(
    {"table_name", "column_name", "data_type", "description", "ordinal_position", "is_key", "table_description"}
)
"""Columns of ``data_dictionary`` that every release has; what else it says of a column is passed on as it stands."""


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """One column of an exported table.

    Attributes:
        name: Its name.
        data_type: DuckDB type as text.
        description: What it holds.
        is_required: Whether it may not be empty.
        is_unique: Whether no two rows may have the same content.
        allowed: The only contents that it may have, or none when anything goes.
        more: What else the data dictionary says of it, such as how it may be added up.
    """

    name: str
    data_type: str
    description: str
    is_required: bool = False
    is_unique: bool = False
    allowed: tuple[str | int, ...] = ()
    more: Mapping[str, str | int] = field(default_factory=dict[str, "str | int"])


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that points at the row of another table, or of its own.

    Attributes:
        column: Column that holds the reference.
        to_table: Table that is referred to.
        to_column: Its column, unique there.
    """

    column: str
    to_table: str
    to_column: str


@dataclass(frozen=True, slots=True)
class DescribedTable:
    """A table or view that is exported.

    Attributes:
        name: Its name, and that of its files.
        kind: ``TABLE`` or ``VIEW``.
        description: What one row of it is.
        columns: Its columns, in order.
        primary_key: Columns that together name a row; none for a view.
        references: Its joins.
    """

    name: str
    kind: Literal["TABLE", "VIEW"]
    description: str
    columns: tuple[DescribedColumn, ...]
    primary_key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher's data behind the release.

    Attributes:
        source_id: Our id of it.
        title: Its title.
        publisher: Who publishes it.
        licence: Licence in words.
        homepage: Where it is to be found, if it has an address.
        releases: Releases of it that were read, newest last.
    """

    source_id: str
    title: str
    publisher: str | None
    licence: str | None
    homepage: str | None
    releases: str | None


@dataclass(frozen=True, slots=True)
class DescribedRelease:
    """A release, described.

    Attributes:
        release_id: Its name.
        built_at: When it was built (UTC, without a zone).
        as_at: Day for which the statuses speak.
        edition: ``whole`` (for staff; small counts may be in it) or ``public``.
        contact: Role that answers for most sources.
        tables: Tables and then views, each in order of name.
        sources: What is behind it, in order of id.
    """

    release_id: str
    built_at: datetime
    as_at: date
    edition: Edition
    contact: str
    tables: tuple[DescribedTable, ...]
    sources: tuple[Source, ...]

    @property
    def built_at_text(self) -> str:
        """The moment of the build as ISO 8601 in UTC."""
        return f"{self.built_at:%Y-%m-%dT%H:%M:%SZ}"


DEFAULT_CONTACT = "Public health intelligence team"
"""Role to ask where no source names an owner."""


def open_release(release_file: Path) -> duckdb.DuckDBPyConnection:
    """Open a release to read it in the order of its rows.

    Args:
        release_file: The file.

    Returns:
        A connection that cannot write, with one thread: the same rows in the same order, always.

    Raises:
        NotPublished: The file cannot be opened.
    """
    try:
        return duckdb.connect(
            str(release_file),
            read_only=True,
            config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False},
        )
    except duckdb.Error as error:
        raise NotPublished(f"{release_file} cannot be exported: {error}") from error


def describe_release(connection: duckdb.DuckDBPyConnection, edition: Edition) -> DescribedRelease:
    """Read what a release says about itself.

    Args:
        connection: The open release.
        edition: Which edition of it the file is; nothing in the file says so.

    Returns:
        The description, in a fixed order.

    Raises:
        NotPublished: The file is not a finished release: a table of its own is missing, or a column is undescribed.
    """
    try:
        (database,) = connection.execute("select current_database()").fetchall()[0]
        ((release_id, built_at, as_at),) = connection.execute(
            "select release_id, built_at, as_at from release"
        ).fetchall()
        columns = _columns(connection, database)
        keys, references = _primary_keys(connection, database), _references(connection)
        dictionary = _records(connection, "select distinct table_name, table_description from data_dictionary")
        described = {str(row["table_name"]): str(row["table_description"]) for row in dictionary}
        tables = tuple(
            DescribedTable(
                name=relation.name,
                kind=relation.kind,
                description=described[relation.name],
                columns=tuple(columns[relation.name]),
                primary_key=keys.get(relation.name, ()),
                references=tuple(references.get(relation.name, ())),
            )
            for relation in read_relations(connection, database)
        )
        sources, contact = _sources(connection)
    except duckdb.Error as error:
        raise NotPublished(f"The file is not a finished release, so it cannot be exported: {error}") from error
    except KeyError as error:
        raise NotPublished(f"data_dictionary says nothing of {error}, so it cannot be exported.") from error
    return DescribedRelease(
        release_id=release_id,
        built_at=built_at,
        as_at=as_at,
        edition=edition,
        contact=contact,
        tables=tables,
        sources=sources,
    )


def _records(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """Return the rows of a query as column -> content."""
    result = connection.execute(sql)
    names = [str(column[0]) for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _constraints(connection: duckdb.DuckDBPyConnection, database: str, kind: str) -> list[tuple[str, list[str], str]]:
    """Return (table, columns, text) of every constraint of one kind."""
    return connection.execute(
        """
        select table_name, constraint_column_names, constraint_text from duckdb_constraints()
        where database_name = ? and schema_name = ? and constraint_type = ? order by table_name, constraint_index
        """,
        [database, MARTS_SCHEMA, kind],
    ).fetchall()


def _primary_keys(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[str, ...]]:
    """Return the primary key of each table that has one."""
    return {table: tuple(names) for table, names, _ in _constraints(connection, database, "PRIMARY KEY")}


def _references(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Reference]]:
    """Return the tested joins of each table, in order."""
    found: dict[str, list[Reference]] = {}
    for from_table, from_column, to_table, to_column in connection.execute(
        "select from_table, from_column, to_table, to_column from relationships order by all"
    ).fetchall():
        found.setdefault(from_table, []).append(Reference(from_column, to_table, to_column))
    return found


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[DescribedColumn]]:
    """Describe the columns of every table and view, in order."""
    required = {(table, name) for table, names, _ in _constraints(connection, database, "NOT NULL") for name in names}
    unique: set[tuple[str, str]] = {
        (table, names[0])
        for kind in ("PRIMARY KEY", "UNIQUE")
        for table, names, _ in _constraints(connection, database, kind)
        if len(names) == 1
    }
    allowed = {
        (table, found["column"]): allowed_values(found["values"])
        for table, _, text in _constraints(connection, database, "CHECK")
        if (found := _ALLOWED_VALUES.fullmatch(text))
    }
    dictionary = {
        (str(row["table_name"]), str(row["column_name"])): row
        for row in _records(connection, "select * from data_dictionary")
    }
    columns: dict[str, list[DescribedColumn]] = {}
    for table, name, data_type in connection.execute(
        """
        select table_name, column_name, data_type from duckdb_columns()
        where database_name = ? and schema_name = ? and not internal order by table_name, column_index
        """,
        [database, MARTS_SCHEMA],
    ).fetchall():
        entry = dictionary[table, name]
        more = {key: said for key, said in entry.items() if key not in _OWN_COLUMNS and said is not None}
        columns.setdefault(table, []).append(
            DescribedColumn(
                name=name,
                data_type=data_type,
                description=str(entry["description"]),
                is_required=(table, name) in required,
                is_unique=(table, name) in unique,
                allowed=allowed.get((table, name), ()),
                more=more,
            )
        )
    return columns


def allowed_values(listed: str) -> tuple[str | int, ...]:
    """Read the list of a CHECK constraint of the form ``column IN (...)``.

    Args:
        listed: What stands between the brackets: quoted texts or whole numbers.

    Returns:
        The values in order.
    """
    return tuple(
        int(number) if number else text.replace("''", "'")
        for text, number in (match.groups() for match in _ONE_VALUE.finditer(listed))
    )


def _sources(connection: duckdb.DuckDBPyConnection) -> tuple[tuple[Source, ...], str]:
    """Return the sources, and the role that answers for most of them."""
    if not connection.execute("select 1 from duckdb_tables() where table_name = 'dim_source'").fetchone():
        return (), DEFAULT_CONTACT
    rows = connection.execute(
        """
        select source_id, source_title, publisher, licence, homepage, source_releases
        from dim_source where source_key > 0 order by source_id
        """
    ).fetchall()
    owner = connection.execute(
        "select owner from dim_source where owner is not null group by owner order by count(*) desc, owner limit 1"
    ).fetchone()
    return tuple(Source(*row) for row in rows), str(owner[0]) if owner else DEFAULT_CONTACT


def select_sorted(table: DescribedTable) -> str:
    """Return the query that reads a table or view in its fixed order.

    Args:
        table: What to read.

    Returns:
        SQL: a table in the order in which the file has its rows, a view (which has no order of its own) sorted by its
        columns from left to right.
    """
    order = " order by all" if table.kind == "VIEW" else ""
    return f"select * from {MARTS_SCHEMA}.{quoted(table.name)}{order}"
