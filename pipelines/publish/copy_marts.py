"""Copy the marts, and nothing else, from one attached database to another.

``COPY FROM DATABASE`` would also take the staging views, which read Parquet files by path and so break in a reader's
hands, and the intermediate tables. What the copy is for, and where it goes, does not belong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipelines.problems import NotPublished
from pipelines.publish.catalogue import MARTS_SCHEMA, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.publish.catalogue import Column, Relation


def copy_marts(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    target: str,
    relations: Sequence[Relation],
    columns: Sequence[Column],
) -> None:
    """Copy every table (rows, keys, checks, comments) and view (definition, comments) of schema ``main``.

    Rows keep their order, so tables sorted for BI stay sorted.

    Args:
        connection: Connection to which both databases are attached.
        source: Name of the database to read.
        target: Name of an empty database to fill.
        relations: What to copy.
        columns: Their columns.

    Raises:
        NotPublished: A view reads something that is not published.
    """
    connection.execute(f"use {quoted(target)}")

    def create_table(table: Relation) -> None:
        connection.execute(table.sql)
        connection.execute(
            f"insert into {_qualified(target, table.name)} select * from {_qualified(source, table.name)}"
        )

    def create_view(view: Relation) -> None:
        connection.execute(view.sql)

    _create_all([relation for relation in relations if relation.kind == "TABLE"], create_table)
    _create_all([relation for relation in relations if relation.kind == "VIEW"], create_view)
    connection.begin()  # one commit for all comments
    for relation in relations:
        if relation.description:
            comment_on(connection, relation.kind, _qualified(target, relation.name), relation.description)
    for column in columns:
        if column.description:
            name = f"{_qualified(target, column.relation)}.{quoted(column.name)}"
            comment_on(connection, "COLUMN", name, column.description)
    connection.commit()


def comment_on(connection: duckdb.DuckDBPyConnection, kind: str, name: str, text: str) -> None:
    """Set one comment.

    Args:
        connection: Connection to the database.
        kind: ``TABLE``, ``VIEW`` or ``COLUMN``.
        name: Quoted name.
        text: The comment.
    """
    connection.execute(f"comment on {kind} {name} is {literal(text)}")


def _qualified(database: str, relation: str) -> str:
    """Return the full SQL name of a relation of schema ``main``."""
    return ".".join(quoted(part) for part in (database, MARTS_SCHEMA, relation))


def _create_all(relations: Sequence[Relation], create: Callable[[Relation], None]) -> None:
    """Create relations that may need one another, in whatever order works.

    Raises:
        NotPublished: Some still fail when all that could be created exist.
    """
    waiting = list(relations)
    while waiting:
        failed: list[tuple[Relation, duckdb.Error]] = []
        for relation in waiting:
            try:
                create(relation)
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                failed.append((relation, error))
        if len(failed) == len(waiting):
            raise NotPublished(
                "These cannot be made from published tables alone:\n"
                + "\n".join(f"  {relation.name}: {error}" for relation, error in failed)
            )
        waiting = [relation for relation, _ in failed]
