"""Which surrogate key stands for what, remembered from release to release.

The keys themselves are hashes of natural keys and need no memory (``dbt_project/macros/surrogate_key.sql``). What needs
one is the promise that a key never comes to stand for something else: remembering every key that was ever published,
and refusing a release that breaks the promise, belong here. Making keys does not.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Final

import polars as pl

from pipelines.problems import NotPublished
from pipelines.publish.catalogue import literal, quoted
from pipelines.publish.snapshot_schemas import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import duckdb

REGISTRY_TABLE: Final = "key_registry"

NATURAL_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "dim_area": ("area_code", "area_type"),
    "dim_commitment": ("commitment_id", "valid_from"),
    "dim_date": ("full_date",),
    "dim_framework": ("framework_id",),
    "dim_indicator": ("indicator_id",),
    "dim_period": ("period_type", "period_start", "period_end"),
    "dim_population_group": ("sex", "age", "category_type", "category"),
    "dim_source": ("source_id",),
    "dim_status": ("status_code",),
    "dim_value_basis": ("value_basis_code",),
    "dim_value_status": ("value_status_code",),
}
"""Dimension -> columns whose values its surrogate key is the hash of (for a day: the day itself)."""

MEMBERS_FOR_ABSENCE: Final[Mapping[int, str]] = {-1: "Unknown", -2: "Not applicable"}
"""Keys that every dimension has, and what they stand for: their natural keys say it differently, or are empty."""

SEPARATOR: Final = " | "

_LISTED: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class RegisteredKey:
    """One row of ``key_registry``.

    Attributes:
        table_name: Dimension.
        surrogate_key: The key.
        natural_key: What it stands for: the parts of the natural key, with :data:`SEPARATOR` between them.
        first_release_id: Release that first had it.
        last_release_id: Newest release that had it.
        is_current: 1 when this release has it, otherwise 0.
    """

    table_name: str
    surrogate_key: int
    natural_key: str
    first_release_id: str
    last_release_id: str
    is_current: int

    @property
    def member(self) -> Member:
        """Which key stands for what, without the releases."""
        return Member(self.table_name, self.surrogate_key, self.natural_key)


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """One member of a dimension: which key stands for what.

    Attributes:
        table_name: Dimension.
        surrogate_key: The key.
        natural_key: What it stands for.
    """

    table_name: str
    surrogate_key: int
    natural_key: str


def key_column(dimension: str) -> str:
    """Return the name of a dimension's surrogate key: ``dim_area`` has ``area_key``."""
    return f"{dimension.removeprefix('dim_')}_key"


def read_members(
    connection: duckdb.DuckDBPyConnection, database: str, columns: Mapping[str, Iterable[str]]
) -> list[Member]:
    """Read the members of every dimension of a database.

    Args:
        connection: Connection to which the database is attached.
        database: Name under which it is attached.
        columns: Table -> its columns. A dimension that lacks its key or a part of its natural key is left out: it says
            nothing that could be remembered.

    Returns:
        Every member, those for absence included.
    """
    found: list[Member] = []
    for dimension, parts in NATURAL_KEYS.items():
        key = key_column(dimension)
        if not {key, *parts} <= set(columns.get(dimension, ())):
            continue
        special = " ".join(f"when {number} then {literal(name)}" for number, name in MEMBERS_FOR_ABSENCE.items())
        named = ", ".join(f"coalesce(cast({quoted(part)} as varchar), '')" for part in parts)
        found += [
            Member(dimension, int(number), str(natural))
            for number, natural in connection.execute(
                f"select {quoted(key)}, case {quoted(key)} {special} "
                f"else concat_ws({literal(SEPARATOR)}, {named}) end "
                f"from {quoted(database)}.main.{quoted(dimension)} order by all"
            ).fetchall()
        ]
    return found


def updated_registry(
    previous: Iterable[RegisteredKey], members: Iterable[Member], release_id: str
) -> list[RegisteredKey]:
    """Carry the registry on to a release.

    Args:
        previous: What the release before remembers.
        members: The members of the dimensions of this release.
        release_id: This release.

    Returns:
        Every key that was ever published, sorted by table and key: those of this release as current, the others as the
        last release that had them left them. A key that comes back is current again and keeps its first release.

    Raises:
        NotPublished: A key stands for something else than before, or something has another key than before; each is
            named with both.
    """
    before = {(one.table_name, one.surrogate_key): one for one in previous}
    now = sorted(set(members))
    broken = key_conflicts(before.values(), now)
    if broken:
        left_out = len(broken) - _LISTED
        raise NotPublished(
            "Surrogate keys do not mean what they meant, so a saved report would show something else:\n  "
            + "\n  ".join(broken[:_LISTED])
            + (f"\n  and {left_out:,} more" if left_out > 0 else "")
            + "\nA natural key was changed, or the way in which keys are made. Give what is new a natural key of its "
            "own, and leave the old one as it was."
        )
    registry = {
        place: RegisteredKey(*place, one.natural_key, one.first_release_id, one.last_release_id, 0)
        for place, one in before.items()
    }
    for member in now:
        place = (member.table_name, member.surrogate_key)
        first = before[place].first_release_id if place in before else release_id
        registry[place] = RegisteredKey(*place, member.natural_key, first, release_id, 1)
    return sorted(registry.values())


def key_conflicts(previous: Iterable[RegisteredKey], members: Iterable[Member]) -> list[str]:
    """Say where keys and what they stand for no longer go together.

    Args:
        previous: What the release before remembers, keys that are gone included: they are never used again.
        members: The members of the dimensions of this release.

    Returns:
        One sentence a conflict, naming the dimension, the key or keys, and what they stand for.
    """
    meaning: dict[tuple[str, int], str] = {}
    key: dict[tuple[str, str], int] = {}
    for one in previous:
        meaning[one.table_name, one.surrogate_key] = one.natural_key
        key[one.table_name, one.natural_key] = one.surrogate_key
    conflicts: list[str] = []
    for one in members:
        stood_for = meaning.setdefault((one.table_name, one.surrogate_key), one.natural_key)
        had = key.setdefault((one.table_name, one.natural_key), one.surrogate_key)
        if stood_for != one.natural_key:
            conflicts.append(
                f"{one.table_name}: key {one.surrogate_key} stands for {one.natural_key!r} "
                f"and has stood for {stood_for!r}"
            )
        if had != one.surrogate_key:
            conflicts.append(f"{one.table_name}: {one.natural_key!r} has key {one.surrogate_key} and has had key {had}")
    return conflicts


def read_registry(file: Path) -> list[RegisteredKey]:
    """Read what the release before remembers.

    Args:
        file: The snapshot ``keys`` of that release; without rows when there was none.

    Returns:
        Its rows.

    Raises:
        NotPublished: There is no such file, or it holds something else: without it, nobody could say whether keys keep
            their meaning.
    """
    try:
        frame = pl.read_parquet(file, columns=list(KEYS))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise NotPublished(
            f"What the release before remembers of its keys cannot be read from {file}: {error}. Run the whole refresh."
        ) from error
    return [RegisteredKey(*row) for row in frame.iter_rows()]


def write_registry_rows(connection: duckdb.DuckDBPyConnection, table: str, registry: Sequence[RegisteredKey]) -> None:
    """Insert the registry into its table, in its order.

    Args:
        connection: Connection to which the table belongs.
        table: Qualified name of the empty table, with the columns of :class:`RegisteredKey`.
        registry: The rows.
    """
    names = [one.name for one in fields(RegisteredKey)]
    lists = [list(values) for values in zip(*(astuple(one) for one in registry), strict=True)] or [[] for _ in names]
    unnested = ", ".join(f"unnest(${place}) as {quoted(name)}" for place, name in enumerate(names, start=1))
    connection.execute(f"insert into {table} select {unnested}", lists)
