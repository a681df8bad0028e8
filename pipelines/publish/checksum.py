"""A fingerprint of what a database says, whatever order its rows are in.

Fingerprints of contents belong here. The SHA-256 of a file's bytes does not: two files with the same contents differ.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import duckdb

from pipelines.publish.catalogue import MARTS_SCHEMA, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipelines.publish.catalogue import Column


def table_fingerprint(
    connection: duckdb.DuckDBPyConnection, database: str, table: str, columns: Sequence[str]
) -> tuple[int, str]:
    """Fingerprint the rows of one table.

    Each row is written as JSON (numbers in their shortest exact form) and hashed with MD5, and the two halves of the
    hashes are added up: a sum does not depend on the order of rows and, unlike exclusive-or, sees a row that occurs
    twice. MD5, because DuckDB's own ``hash`` may change from one version to the next; nothing here resists an attacker.

    Args:
        connection: Connection to which the database is attached.
        database: Name under which it is attached.
        table: Table in schema ``main``.
        columns: Columns to include, in the order that counts.

    Returns:
        The number of rows, and the fingerprint as text that also covers the names of the table and its columns.
    """
    row = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in columns)
    source = ".".join(quoted(part) for part in (database, MARTS_SCHEMA, table))
    result = connection.execute(
        f"""
        with hashed as (select cast(to_json(struct_pack({row})) as varchar) as record from {source})
        select count(*), coalesce(sum(md5_number_lower(record)), 0), coalesce(sum(md5_number_upper(record)), 0)
        from hashed
        """
    ).fetchone()
    rows, lower, upper = result or (0, 0, 0)
    return int(rows), f"{table}({','.join(columns)}):{rows}:{lower}:{upper}"


def content_checksum(fingerprints: Iterable[str]) -> str:
    """Combine the fingerprints of tables, in any order, into one SHA-256 in hexadecimal."""
    return hashlib.sha256("\n".join(sorted(fingerprints)).encode()).hexdigest()


def columns_by_table(columns: Iterable[Column]) -> Mapping[str, list[str]]:
    """Group column names by the table or view that has them, keeping their order."""
    grouped: dict[str, list[str]] = {}
    for column in columns:
        grouped.setdefault(column.relation, []).append(column.name)
    return grouped


def ordered_tables(file: Path) -> dict[str, tuple[int, str]]:
    """Hash every table of a database file, row by row in the order in which the file has them.

    Args:
        file: A release.

    Returns:
        Table to its number of rows and the SHA-256 of its rows as JSON, one a line.
    """
    hashed: dict[str, tuple[int, str]] = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("set preserve_insertion_order = true")
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = ? and not internal order by 1", [MARTS_SCHEMA]
        ).fetchall()
        for (table,) in names:
            digest, rows = hashlib.sha256(), 0
            found = connection.execute(f"select cast(to_json(t) as varchar) from {quoted(table)} as t")
            while block := found.fetchmany(10_000):
                rows += len(block)
                digest.update("".join(f"{record}\n" for (record,) in block).encode())
            hashed[table] = (rows, digest.hexdigest())
    return hashed
