"""Which column points at which, read from the relationship tests that dbt has already run.

ODBC hides keys and the marts carry no FOREIGN KEY (a parent could not be rebuilt alone), so the tested joins are
published as a table. Testing the joins does not belong here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.problems import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

MANY_TO_ONE = "many_to_one"
ONE_TO_ONE = "one_to_one"
UNIQUE_CONSTRAINTS = frozenset({"primary_key", "unique"})


@dataclass(frozen=True, slots=True, order=True)
class Relationship:
    """One row of ``relationships``.

    Attributes:
        from_table: Table that holds the reference.
        from_column: Its column.
        to_table: Table that is referred to.
        to_column: Its column, unique there.
        cardinality: ``one_to_one`` when ``from_column`` is unique too, otherwise ``many_to_one``.
    """

    from_table: str
    from_column: str
    to_table: str
    to_column: str
    cardinality: str


def read_relationships(manifest_file: Path) -> list[Relationship]:
    """Derive the relationships from a dbt manifest.

    Args:
        manifest_file: ``target/manifest.json`` of the run that built the marts.

    Returns:
        One relationship for each ``relationships`` test between models, sorted, without duplicates. Models that are not
        published are included: the caller knows what it publishes.

    Raises:
        ConfigurationError: The manifest is missing or is not one.
    """
    try:
        nodes: dict[str, dict[str, Any]] = json.loads(manifest_file.read_text(encoding="utf-8"))["nodes"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{manifest_file} is not a dbt manifest ({error}). Run dbt first: its tests say how the tables join."
        ) from error
    unique = _unique_columns(nodes)
    found: set[Relationship] = set()
    for node in nodes.values():
        test: dict[str, Any] = node.get("test_metadata") or {}
        source_id = node.get("attached_node")
        if test.get("name") != "relationships" or source_id not in nodes:
            continue
        # A test depends on the model that it is attached to and on the one it refers to; they are one when a table
        # refers to itself.
        targets = [name for name in node["depends_on"]["nodes"] if name != source_id] or [source_id]
        if targets[0] not in nodes:
            continue
        column = str(test["kwargs"]["column_name"])
        found.add(
            Relationship(
                from_table=_published_name(nodes[source_id]),
                from_column=column,
                to_table=_published_name(nodes[targets[0]]),
                to_column=str(test["kwargs"]["field"]),
                cardinality=ONE_TO_ONE if (source_id, column) in unique else MANY_TO_ONE,
            )
        )
    return sorted(found)


def _published_name(node: dict[str, Any]) -> str:
    """Return the name of the node's table in the database."""
    return str(node.get("alias") or node["name"])


def _unique_columns(nodes: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """Return (node id, column) of every column that a primary key, unique constraint or unique test makes unique."""
    unique: set[tuple[str, str]] = set()
    for node_id, node in nodes.items():
        test: dict[str, Any] = node.get("test_metadata") or {}
        if test.get("name") == "unique":
            unique.add((str(node.get("attached_node")), str(test["kwargs"]["column_name"])))
        constraints: list[dict[str, Any]] = node.get("constraints") or []
        columns: dict[str, dict[str, Any]] = node.get("columns") or {}
        keys: list[list[str]] = [c.get("columns") or [] for c in constraints if c.get("type") in UNIQUE_CONSTRAINTS]
        keys += [[name] for name, column in columns.items() if _is_unique(column)]
        unique |= {(node_id, key[0]) for key in keys if len(key) == 1}
    return unique


def _is_unique(column: dict[str, Any]) -> bool:
    """Return whether a column of the manifest has a constraint of its own that makes it unique."""
    constraints: list[dict[str, Any]] = column.get("constraints") or []
    return any(constraint.get("type") in UNIQUE_CONSTRAINTS for constraint in constraints)
