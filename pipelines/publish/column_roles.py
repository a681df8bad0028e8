"""How each column may be aggregated, and in what unit it is.

A BI tool adds up every number that it is not told to leave alone, and a sum of rates looks like a figure. The closed
list of roles belongs here, with the names that imply one and the reading of those that the dbt models declare. What a
column holds is said by ``data_dictionary``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.problems import ConfigurationError, NotPublished
from pipelines.publish.view_sources import read_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipelines.publish.catalogue import Column, Relation

SUM = "sum"
"""May be added over any rows of its table."""

SEMI_ADDITIVE = "semi_additive"
"""May be added over areas of one type that do not overlap, within one period and group (and one indicator); never over
periods, groups or nested areas."""

NONE = "none"
"""Never added or averaged: rates, limits, differences, ranks, durations."""

FLAG = "flag"
"""1 for yes and 0 for no: the sum counts the rows that say yes."""

KEY = "key"
"""Identifies a row or joins to a table; arithmetic on it means nothing."""

LABEL = "label"
"""Names, orders or dates a row: to show, sort, group and filter by."""

ROLES = frozenset({SUM, SEMI_ADDITIVE, NONE, FLAG, KEY, LABEL})

CAN_SUM = frozenset({SUM, FLAG})
"""Roles whose plain sum is true whatever rows a tool happens to add."""

NUMERIC_TYPES = frozenset({"SMALLINT", "INTEGER", "BIGINT", "DOUBLE"})

UNIT_OF_THE_INDICATOR = "unit of the indicator"

BY_NAME: tuple[tuple[str, str, str | None], ...] = (
    (r".+_key", KEY, None),
    (r"(is|has|can)_.+", FLAG, None),
    (r"(.+_)?(sort|order|sequence|number|line|position|year|quarter|decimals)|decimal_places", LABEL, None),
    (r"count|denominator", SEMI_ADDITIVE, "people or events, as the indicator counts them"),
    (r".+_count", NONE, None),
    (r".+_rows", SUM, "rows"),
    (r".+_checks", SUM, "checks"),
    (r".+_days|days_.+", NONE, "days"),
    (r".+_months", NONE, "months"),
    (r".+_years", NONE, "years"),
    (r".+_percent", NONE, "%"),
    (r".+_ratio", NONE, "ratio"),
    (r".+_probability", NONE, "probability from 0 to 1"),
    (r".+_annual_change", NONE, "unit of the indicator a year"),
    (r"(.+_)?value(_.+)?|(.+_)?(lower|upper)_.+", NONE, UNIT_OF_THE_INDICATOR),
)
"""What the name of a column says: pattern of the whole name, role, unit; the first that fits. Only names that mean the
same in every table are here; any other number says its role in the YAML of its model."""


@dataclass(frozen=True, slots=True)
class ColumnRole:
    """How a column may be aggregated.

    Attributes:
        aggregation: One of :data:`ROLES`.
        unit: Unit of its numbers, or None where they have none.
    """

    aggregation: str
    unit: str | None = None

    @property
    def can_sum(self) -> bool:
        """Whether a plain sum over any rows is true."""
        return self.aggregation in CAN_SUM


DeclaredRoles = dict[tuple[str, str], ColumnRole]
"""(table, column) -> what its model declares."""


def read_column_roles(manifest_file: Path) -> DeclaredRoles:
    """Read the roles that the models declare: ``config: {meta: {aggregation: ..., unit: ...}}`` on a column.

    Args:
        manifest_file: ``target/manifest.json`` of the run that built the marts.

    Returns:
        One role for each column that declares one. The unit may be left out.

    Raises:
        ConfigurationError: The manifest is missing or is not one, a role is not one of the closed list, or a unit
            stands without a role; the message names every such column.
    """
    try:
        nodes: dict[str, dict[str, Any]] = json.loads(manifest_file.read_text(encoding="utf-8"))["nodes"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{manifest_file} is not a dbt manifest ({error}). Run dbt first: its models say how columns add up."
        ) from error
    declared: DeclaredRoles = {}
    wrong: list[str] = []
    for node in nodes.values():
        columns: dict[str, dict[str, Any]] = node.get("columns") or {}
        for name, column in columns.items():
            config: dict[str, Any] = column.get("config") or {}
            meta: dict[str, str] = config.get("meta") or {}
            if not meta.keys() & {"aggregation", "unit"}:
                continue
            table = str(node.get("alias") or node["name"])
            role = ColumnRole(meta.get("aggregation", "nothing"), meta.get("unit"))
            if role.aggregation not in ROLES:
                wrong.append(f"{table}.{name}: {role.aggregation}")
            declared[table, name] = role
    if wrong:
        raise ConfigurationError(
            f"A column's aggregation is one of {', '.join(sorted(ROLES))}. These say otherwise:\n  "
            + "\n  ".join(wrong)
        )
    return declared


def role_of_name(name: str, data_type: str) -> ColumnRole | None:
    """Return what the name and type of a column imply.

    Args:
        name: Column name.
        data_type: DuckDB type as text.

    Returns:
        The role, or None for a number whose name does not tell.
    """
    if data_type not in NUMERIC_TYPES:
        return ColumnRole(LABEL)
    for pattern, aggregation, unit in BY_NAME:
        if re.fullmatch(pattern, name):
            return ColumnRole(aggregation, unit)
    return None


def column_roles(
    relations: Sequence[Relation], columns: Sequence[Column], declared: Mapping[tuple[str, str], ColumnRole] | None
) -> list[ColumnRole]:
    """Give every column its role.

    What the column's own model declares goes first; a column of a view then takes what is declared for the column of
    the same name in a table or view that it reads, the first one mentioned; then the name decides.

    Args:
        relations: Tables and views.
        columns: Their columns.
        declared: Roles from the models; None where there are no models, and then a number whose name does not tell is
            never to be added.

    Returns:
        One role a column, in the order of ``columns``.

    Raises:
        NotPublished: Roles are given and a number has none; the message lists all of them, one a line.
    """
    by_name = {relation.name: relation for relation in relations}
    roles: list[ColumnRole] = []
    missing: list[str] = []
    for column in columns:
        own = [column.relation, *read_by(by_name[column.relation], by_name)]
        found = next((role for name in own if (role := (declared or {}).get((name, column.name)))), None)
        role = found or role_of_name(column.name, column.data_type)
        if role is None and declared is not None:
            missing.append(f"{column.relation}.{column.name}")
        roles.append(role or ColumnRole(NONE))
    if missing:
        raise NotPublished(
            "Nothing says whether these numbers may be added up. Give each an aggregation "
            f"({', '.join(sorted(ROLES))}) in the model's YAML, under config, meta:\n  " + "\n  ".join(missing)
        )
    return roles
