"""What a DuckDB database says about its own tables, views and columns, as plain values.

Reading the catalogue and quoting names for SQL belong here. Judging what was read does not: see ``allowed_types`` and
``data_dictionary``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import duckdb

MARTS_SCHEMA = "main"
"""The only schema that is published; staging, intermediate and seed schemas stay in the build file."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One table or view.

    Attributes:
        name: Name within the schema.
        kind: ``TABLE`` or ``VIEW``, as SQL spells it.
        description: Its comment, or None when it has none or an empty one.
        sql: The statement that creates it, with names as the database resolved them.
    """

    name: str
    kind: Literal["TABLE", "VIEW"]
    description: str | None
    sql: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or view.

    Attributes:
        relation: Table or view that has it.
        name: Column name.
        data_type: DuckDB type as text.
        position: 1 for the first column.
        description: Its comment, or None when it has none or an empty one.
        in_primary_key: Whether it is part of the primary key.
    """

    relation: str
    name: str
    data_type: str
    position: int
    description: str | None
    in_primary_key: bool


def quoted(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return ``text`` as an SQL string. For the statements that take no parameters (ATTACH, COMMENT, SET)."""
    return "'" + text.replace("'", "''") + "'"


def read_relations(connection: duckdb.DuckDBPyConnection, database: str) -> list[Relation]:
    """List the tables and then the views of one attached database, each in order of name.

    Args:
        connection: Any connection to which the database is attached.
        database: Name under which it is attached.

    Returns:
        The relations of schema ``main``.
    """
    rows = connection.execute(
        """
        select table_name, 'TABLE', comment, sql from duckdb_tables()
        where database_name = $database and schema_name = $schema and not internal
        union all
        select view_name, 'VIEW', comment, sql from duckdb_views()
        where database_name = $database and schema_name = $schema and not internal
        order by 2, 1
        """,
        {"database": database, "schema": MARTS_SCHEMA},
    ).fetchall()
    return [Relation(name, kind, comment or None, sql) for name, kind, comment, sql in rows]


def read_columns(connection: duckdb.DuckDBPyConnection, database: str) -> list[Column]:
    """List the columns of one attached database.

    Args:
        connection: Any connection to which the database is attached.
        database: Name under which it is attached.

    Returns:
        The columns of schema ``main``, in order of relation and position.
    """
    rows = connection.execute(
        """
        with primary_keys as (
            select table_oid, unnest(constraint_column_names) as column_name from duckdb_constraints()
            where database_name = $database and schema_name = $schema and constraint_type = 'PRIMARY KEY'
        )
        select
            columns.table_name, columns.column_name, columns.data_type, columns.column_index, columns.comment,
            primary_keys.column_name is not null
        from duckdb_columns() as columns
        left join primary_keys
            on primary_keys.table_oid = columns.table_oid and primary_keys.column_name = columns.column_name
        where columns.database_name = $database and columns.schema_name = $schema and not columns.internal
        order by columns.table_name, columns.column_index
        """,
        {"database": database, "schema": MARTS_SCHEMA},
    ).fetchall()
    return [
        Column(relation, name, data_type, position, comment or None, in_key)
        for relation, name, data_type, position, comment, in_key in rows
    ]
