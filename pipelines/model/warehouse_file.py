"""The DuckDB file under construction.

Making room for a build and looking into a finished one belong here. Building is dbt's, serving is ``publish``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipelines.check.gate_database import quoted_name

if TYPE_CHECKING:
    from pathlib import Path


def fresh_build_file(build_file: Path) -> Path:
    """Make room for a new build: no file, no write-ahead log, an existing folder.

    A build never reuses a file: repeated rebuilds bloat it (252 to 503 MB after the second run, measured), and a fresh
    file cannot hold a table of yesterday that nobody builds any more.

    Args:
        build_file: Path of the file to be built.

    Returns:
        The same path.
    """
    build_file.parent.mkdir(parents=True, exist_ok=True)
    for leftover in (build_file, build_file.with_name(build_file.name + ".wal")):
        leftover.unlink(missing_ok=True)
    return build_file


def count_rows(build_file: Path) -> dict[str, int]:
    """Count the rows of every table and view, whatever its schema.

    Args:
        build_file: A finished build, or one that stopped half-way; it may be missing.

    Returns:
        Relation name to exact number of rows, sorted by name.
    """
    if not build_file.is_file():
        return {}
    with duckdb.connect(str(build_file), read_only=True) as connection:
        relations = connection.execute(
            """
            select schema_name, table_name from duckdb_tables()
            union all
            select schema_name, view_name from duckdb_views() where not internal
            order by 2
            """
        ).fetchall()
        counts: dict[str, int] = {}
        for schema, name in relations:
            relation = f"{quoted_name(str(schema))}.{quoted_name(str(name))}"
            found = connection.execute(f"select count(*) from {relation}").fetchone()
            counts[str(name)] = int(found[0]) if found else 0
    return counts
