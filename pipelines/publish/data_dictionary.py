"""The data dictionary: a sentence for every table, view and column, as a table in the published file.

ODBC hides comments, so a user of Power BI or Excel has only this table. Examples of values belong here too, because
they are read from the file that the dictionary describes. Writing descriptions does not: they come from the dbt models,
as do the roles of ``column_roles``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.problems import NotPublished
from pipelines.publish.catalogue import MARTS_SCHEMA, quoted, read_columns, read_relations
from pipelines.publish.column_roles import column_roles
from pipelines.publish.view_sources import read_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    import duckdb

    from pipelines.publish.catalogue import Column, Relation
    from pipelines.publish.column_roles import ColumnRole

KEY_SUFFIX = "_key"

EXAMPLE_LENGTH = 60
"""Characters of an example at most; a longer value ends in an ellipsis."""

WITHOUT_EXAMPLES = frozenset({"data_dictionary", "relationships", "release"})
"""Tables that are filled after the dictionary is written."""

Examples = dict[tuple[str, str], str | None]
"""(table, column) -> a value of it as text, None where there is none."""


@dataclass(frozen=True, slots=True)
class DictionaryEntry:
    """One row of ``data_dictionary``: a column, with the description of its table beside it.

    Attributes:
        table_name: Table or view.
        column_name: Column.
        data_type: DuckDB type as text.
        description: What the column holds.
        ordinal_position: 1 for the first column.
        is_key: 1 when the column is in the primary key or is a surrogate key of another table (name ends in ``_key``).
        table_description: What the table or view holds.
        aggregation_rule: How it may be aggregated: one of ``column_roles.ROLES``.
        can_sum: 1 when a plain sum over any rows is true.
        unit: Unit of its numbers, None where they have none.
        example: A value of the column as text, None where it has none.
        is_personal: 1 when the column holds data about people who can be identified.
    """

    table_name: str
    column_name: str
    data_type: str
    description: str
    ordinal_position: int
    is_key: int
    table_description: str
    aggregation_rule: str
    can_sum: int
    unit: str | None = None
    example: str | None = None
    is_personal: int = 0


def data_dictionary(
    relations: Sequence[Relation],
    columns: Sequence[Column],
    declared_roles: Mapping[tuple[str, str], ColumnRole] | None = None,
) -> list[DictionaryEntry]:
    """Describe every column.

    A column of a view that has no description of its own takes the one of the column of the same name in a table (or
    view) that the view reads, the first one mentioned. One that nothing it reads describes under that name, because the
    view computes or renames it, needs its own.

    Args:
        relations: Tables and views to describe.
        columns: Their columns.
        declared_roles: What the models declare of aggregation and units; None where there are no models.

    Returns:
        One entry a column, in the order of ``columns``, without examples.

    Raises:
        NotPublished: A table, view or column has no description, or nothing says whether a number may be added up; the
            message lists all of them, one a line.
    """
    by_name = {relation.name: relation for relation in relations}
    missing = [relation.name for relation in relations if relation.description is None]
    entries: list[DictionaryEntry] = []
    roles = column_roles(relations, columns, declared_roles)
    for column, role in zip(columns, roles, strict=True):
        relation = by_name[column.relation]
        description = column.description or _inherited_description(relation, column.name, by_name, columns)
        if description is None:
            missing.append(f"{column.relation}.{column.name}")
            continue
        entries.append(
            DictionaryEntry(
                table_name=column.relation,
                column_name=column.name,
                data_type=column.data_type,
                description=description,
                ordinal_position=column.position,
                is_key=int(column.in_primary_key or column.name.endswith(KEY_SUFFIX)),
                table_description=relation.description or "",
                aggregation_rule=role.aggregation,
                can_sum=int(role.can_sum),
                unit=role.unit,
            )
        )
    if missing:
        raise NotPublished(
            "These have no description. Write one in the model's YAML, with persist_docs on:\n  " + "\n  ".join(missing)
        )
    return entries


def with_examples(entries: Sequence[DictionaryEntry], examples: Examples) -> list[DictionaryEntry]:
    """Return the entries with the examples that :func:`read_examples` found."""
    return [replace(entry, example=examples.get((entry.table_name, entry.column_name))) for entry in entries]


def read_examples(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    relations: Sequence[Relation],
    columns: Sequence[Column],
    without: Set[str] = WITHOUT_EXAMPLES,
) -> Examples:
    """Read an example of every column: of text the first in the alphabet, of anything else the largest.

    The first row would do as well, but then the content of the dictionary would depend on the order of rows, which the
    checksum of a release does not; and the smallest of a column of counts is the one that might point at somebody. A
    column of a view takes the example of the column of the same name in what the view reads.

    Args:
        connection: Connection to which the database is attached.
        database: Name under which it is attached; a view must find there what it reads.
        relations: Tables and views to read.
        columns: Their columns.
        without: Tables to leave out.

    Returns:
        An example a column, at most :data:`EXAMPLE_LENGTH` characters long; None where all is NULL.
    """
    by_name = {relation.name: relation for relation in relations if relation.name not in without}
    reads = {name: read_by(relation, by_name) for name, relation in by_name.items()}
    examples: Examples = {}
    # A view reads more than each of the views that it reads.
    for relation in sorted(by_name, key=lambda name: len(reads[name])):
        own: list[Column] = []
        for column in (column for column in columns if column.relation == relation):
            behind = next(((name, column.name) for name in reads[relation] if (name, column.name) in examples), None)
            if behind:
                examples[relation, column.name] = examples[behind]
            else:
                own.append(column)
        if own:
            values = ", ".join(map(_example_of, own))
            source = f"{quoted(database)}.{MARTS_SCHEMA}.{quoted(relation)}"
            (found,) = connection.execute(f"select {values} from {source}").fetchall()
            examples |= {(relation, c.name): _shortened(value) for c, value in zip(own, found, strict=True)}
    return examples


def rewrite_examples(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Read every example of ``data_dictionary`` anew, for a file whose values are no longer those of its source.

    Args:
        connection: Connection to which the file is attached for writing, and whose current database it is.
        database: Name under which it is attached.
    """
    relations, columns = read_relations(connection, database), read_columns(connection, database)
    examples = read_examples(connection, database, relations, columns)
    dictionary = f"{quoted(database)}.{MARTS_SCHEMA}.data_dictionary"
    connection.execute(f"update {dictionary} set example = null")
    connection.execute(
        f"""
        update {dictionary} as d set example = found.example
        from (select unnest($tables) as t, unnest($columns) as c, unnest($examples) as example) as found
        where d.table_name = found.t and d.column_name = found.c
        """,
        {
            "tables": [table for table, _ in examples],
            "columns": [column for _, column in examples],
            "examples": list(examples.values()),
        },
    )


def _example_of(column: Column) -> str:
    """Return the expression that finds an example of one column."""
    name = quoted(column.name)
    if column.data_type != "VARCHAR":
        return f"cast(max({name}) as varchar)"
    # A minus or a quotation mark would come first, and the shorthand for an absent figure is no example of one.
    return f"coalesce(min({name}) filter (where {name} >= '0' and {name} not like '[%'), min({name}))"


def _shortened(value: str | None) -> str | None:
    """Return a value that fits the column of examples."""
    if value is None or len(value) <= EXAMPLE_LENGTH:
        return value
    return value[: EXAMPLE_LENGTH - 1] + "…"


def _inherited_description(
    relation: Relation, column_name: str, by_name: dict[str, Relation], columns: Sequence[Column]
) -> str | None:
    """Find the description of a column of the same name in what a view reads, as :func:`data_dictionary` states."""
    described = {c.relation: c.description for c in columns if c.name == column_name and c.description}
    return next((described[name] for name in read_by(relation, by_name) if name in described), None)
