"""What the linter says: a rule, what it looked at, and what does not keep it; and the file that it looks at.

The shapes belong here, and reading the catalogue of the file once for all rules. The rules do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipelines.publish.catalogue import Column, literal, quoted, read_columns, read_relations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from pipelines.check.release_rules import ReleaseRule
    from pipelines.publish.catalogue import Relation
    from pipelines.publish.conformance.promises import Promises
    from pipelines.publish.key_registry import RegisteredKey

NUMBERS = frozenset({"SMALLINT", "INTEGER", "BIGINT", "DOUBLE"})
KEY_SUFFIX = "_key"
NATURAL_KEY = "natural_key"
FLAG_PREFIXES = ("is_", "has_", "can_")


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that does not keep a rule.

    Attributes:
        table: Table or view; empty when the whole file is meant.
        column: Column, if one is meant.
        seen: What was seen, as the end of a sentence that begins with the place.
        remedy: What to do about it.
        value: An offending value, as text, if there is one.
    """

    table: str
    column: str | None
    seen: str
    remedy: str
    value: str | None = None

    @property
    def place(self) -> str:
        """Where it is: ``table.column``, ``table`` or ``the file``."""
        return f"{self.table}.{self.column}" if self.column else self.table or "the file"

    def __str__(self) -> str:
        """Return place, what was seen, the value, and what to do."""
        value = "" if self.value is None else f" ({self.value!r})"
        return f"{self.place} {self.seen}{value}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a rule found.

    Attributes:
        count: How many things it looked at: columns, rows or whatever the rule is about.
        violations: Those that do not keep it.
    """

    count: int
    violations: Sequence[Violation] = ()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule and what it found in a file.

    Attributes:
        rule: The rule, in words.
        looked_at: How many things it looked at.
        violations: Those that do not keep it.
    """

    rule: ReleaseRule
    looked_at: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class LintedFile:
    """A published file, opened as a client opens it.

    Attributes:
        path: Where it is.
        connection: Read-only, with no other file in reach.
        promises: What it has to hold beyond what every published file has to be.
        previous_keys: Keys that the release before remembers; None when there is none.
    """

    path: Path
    connection: duckdb.DuckDBPyConnection
    promises: Promises
    previous_keys: Sequence[RegisteredKey] | None

    @cached_property
    def database(self) -> str:
        """Name of the database in the connection."""
        return str(self.ask("select current_database()")[0][0])

    @cached_property
    def relations(self) -> list[Relation]:
        """Tables, then views."""
        return read_relations(self.connection, self.database)

    @cached_property
    def columns(self) -> list[Column]:
        """Every column of every table and view."""
        return read_columns(self.connection, self.database)

    @cached_property
    def of(self) -> Mapping[str, Mapping[str, Column]]:
        """Table or view -> column name -> column."""
        found: dict[str, dict[str, Column]] = {relation.name: {} for relation in self.relations}
        for column in self.columns:
            found[column.relation][column.name] = column
        return found

    @cached_property
    def tables(self) -> list[str]:
        """Names of the tables."""
        return [relation.name for relation in self.relations if relation.kind == "TABLE"]

    @cached_property
    def primary_keys(self) -> Mapping[str, tuple[str, ...]]:
        """Table -> columns of its declared primary key, for those that have one."""
        rows = self.ask(
            "select table_name, constraint_column_names from duckdb_constraints() "
            "where database_name = current_database() and constraint_type = 'PRIMARY KEY' order by all"
        )
        return {table: tuple(columns) for table, columns in rows}

    @cached_property
    def relationships(self) -> list[tuple[str, str, str, str, str]]:
        """Rows of ``relationships``: from table and column, to table and column, cardinality."""
        if not self.has("relationships", "from_table", "from_column", "to_table", "to_column", "cardinality"):
            return []
        return [
            (str(a), str(b), str(c), str(d), str(e))
            for a, b, c, d, e in self.ask(
                "select from_table, from_column, to_table, to_column, cardinality from relationships order by all"
            )
        ]

    @cached_property
    def row_counts(self) -> Mapping[str, int]:
        """Table -> its number of rows."""
        counts = " union all ".join(f"select {literal(name)}, count(*) from {quoted(name)}" for name in self.tables)
        return {str(name): int(count) for name, count in (self.ask(counts) if counts else [])}

    def has(self, table: str, *columns: str) -> bool:
        """Return whether there is such a table or view with these columns."""
        return table in self.of and all(column in self.of[table] for column in columns)

    def columns_of_tables(self, wanted: Callable[[Column], bool]) -> dict[str, list[str]]:
        """Return table -> names of the columns that are wanted, without tables that have none."""
        tables = set(self.tables)
        found: dict[str, list[str]] = {}
        for column in self.columns:
            if column.relation in tables and wanted(column):
                found.setdefault(column.relation, []).append(column.name)
        return found

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(sql, list(parameters)).fetchall()

    def count_rows(self, table: str, condition: str = "true") -> int:
        """Return how many rows of a table keep a condition."""
        return int(self.ask(f"select count(*) from {quoted(table)} where {condition}")[0][0])

    def per_column(
        self, columns: Mapping[str, Sequence[str]], breaks: Callable[[str], str]
    ) -> list[tuple[str, str, int, str]]:
        """Count the rows that break a condition, in one scan of each table and one more of each column that breaks it.

        Args:
            columns: Table -> columns to look at.
            breaks: Quoted column -> condition that is true where the column breaks the rule.

        Returns:
            Table, column, rows that break it, and one of their values, for each column that has such rows.
        """
        found: list[tuple[str, str, int, str]] = []
        for table, names in columns.items():
            # Most columns keep every rule, so the rows are counted only where one does not.
            seen = self.ask(
                f"select {', '.join(f'bool_or({breaks(quoted(name))})' for name in names)} from {quoted(table)}"
            )
            for name in (name for name, is_broken in zip(names, seen[0], strict=True) if is_broken):
                condition = breaks(quoted(name))
                count, value = self.ask(
                    f"select count(*), any_value({quoted(name)}) from {quoted(table)} where {condition}"
                )[0]
                found.append((table, name, int(count), str(value)))
        return found


def rows(count: int) -> str:
    """Return ``1 row`` or ``1,234 rows``."""
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def is_key(column: Column) -> bool:
    """Return whether a column is a surrogate key by its name."""
    return column.name.endswith(KEY_SUFFIX) and column.name != NATURAL_KEY and not is_flag(column)


def is_flag(column: Column) -> bool:
    """Return whether a column is a flag by its name."""
    return column.name.startswith(FLAG_PREFIXES)
