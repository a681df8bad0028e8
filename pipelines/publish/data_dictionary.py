"""The data dictionary: a sentence for every table, view and column, as a table in the published file.

ODBC hides comments, so a user of Power BI or Excel has only this table. Writing descriptions does not belong here: they
come from the dbt models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.problems import NotPublished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.publish.catalogue import Column, Relation

KEY_SUFFIX = "_key"


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
    """

    table_name: str
    column_name: str
    data_type: str
    description: str
    ordinal_position: int
    is_key: int
    table_description: str


def data_dictionary(relations: Sequence[Relation], columns: Sequence[Column]) -> list[DictionaryEntry]:
    """Describe every column.

    A column of a view that has no description of its own takes the one of the column of the same name in a table (or
    view) that the view reads, the first one mentioned. One that nothing it reads describes under that name, because the
    view computes or renames it, needs its own.

    Args:
        relations: Tables and views to describe.
        columns: Their columns.

    Returns:
        One entry a column, in the order of ``columns``.

    Raises:
        NotPublished: A table, view or column has no description; the message lists all of them, one a line.
    """
    by_name = {relation.name: relation for relation in relations}
    missing = [relation.name for relation in relations if relation.description is None]
    entries: list[DictionaryEntry] = []
    for column in columns:
        relation = by_name[column.relation]
        description = column.description
        if description is None and relation.kind == "VIEW":
            description = _inherited_description(relation, column.name, by_name, columns)
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
            )
        )
    if missing:
        raise NotPublished(
            "These have no description. Write one in the model's YAML, with persist_docs on:\n  " + "\n  ".join(missing)
        )
    return entries


def _inherited_description(
    view: Relation, column_name: str, by_name: dict[str, Relation], columns: Sequence[Column]
) -> str | None:
    """Find the description of a column of the same name in what the view reads, as :func:`data_dictionary` states."""
    described = {c.relation: c.description for c in columns if c.name == column_name and c.description}
    return next((described[name] for name in _read_by(view, by_name) if name in described), None)


def _read_by(view: Relation, by_name: dict[str, Relation]) -> list[str]:
    """List the relations whose names occur in a view's definition, first mentioned first, each before what it reads."""
    found: list[str] = []
    for name in re.findall(r"\w+", view.sql):
        if name in by_name and name != view.name and name not in found:
            found.append(name)
            if by_name[name].kind == "VIEW":
                found += [inner for inner in _read_by(by_name[name], by_name) if inner not in found]
    return found
