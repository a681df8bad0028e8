"""What every Python client does alike: take the questions, answer them, try to write, and print one report as JSON.

It runs in a process of its own beside whichever library the client has, so it imports nothing but the standard library.
How a client connects and asks belongs in its driver.
"""

from __future__ import annotations

import datetime
import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

Rows = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""Names of the columns, and the rows as the client gives them."""

TABLES = """
select table_name as name, 'table' as kind, comment from duckdb_tables()
where database_name = current_database() and not internal
union all
select view_name, 'view', comment from duckdb_views() where database_name = current_database() and not internal
"""
COLUMNS = """
select table_name, column_name, comment from duckdb_columns()
where database_name = current_database() and not internal
"""
KEYS = """
select table_name, array_to_string(constraint_column_names, ',') as columns from duckdb_constraints()
where database_name = current_database() and constraint_type = 'PRIMARY KEY'
"""


def plain(cell: Any) -> Any:
    """Write a cell as JSON can carry it, without losing a bit of it."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, datetime.date):
        return None if str(cell) == "NaT" else cell.isoformat()
    # numpy's own numbers know how to become Python's
    return getattr(cell, "item", lambda: cell)()


def catalogue_by_sql(ask: Callable[[str], Rows]) -> dict[str, Any]:
    """Read tables, comments and keys through the client's own way of asking."""
    tables = list(ask(TABLES)[1])
    comments = {str(name): comment for name, _, comment in tables}
    comments |= {f"{table}.{column}": comment for table, column, comment in ask(COLUMNS)[1]}
    return {
        "tables": {str(name): str(kind) for name, kind, _ in tables},
        "comments": {name: comment for name, comment in comments.items() if comment},
        "keys": sorted(f"{table}({columns})" for table, columns in ask(KEYS)[1]),
    }


def answer(
    version: str,
    connect: Callable[[], Any],
    ask: Callable[[Any, str], Rows],
    catalogue: Callable[[Any], dict[str, Any]] | None = None,
) -> None:
    """Print the report of one client: its version, its answers, what of the catalogue it shows, what it refused.

    Args:
        version: Version of the client, or of the DuckDB in it.
        connect: Opens the file; its failure is the report.
        ask: Puts one statement to what ``connect`` gave.
        catalogue: Reads tables, comments and keys in the client's own way; by SQL when there is none.
    """
    order = json.load(sys.stdin)
    try:
        connection = connect()
        engine = str(ask(connection, "select version() as version")[1][0][0]).lstrip("v")
    except Exception as problem:
        print(json.dumps({"version": version, "error": str(problem)}))
        return
    answers: dict[str, Any] = {}
    for name, sql in order["questions"].items():
        columns, rows = ask(connection, sql)
        answers[name] = {"columns": list(columns), "rows": [[plain(cell) for cell in row] for row in rows]}
    found = catalogue(connection) if catalogue else catalogue_by_sql(lambda sql: ask(connection, sql))
    refusals: dict[str, str | None] = {}
    for sql in order["writes"]:
        try:
            ask(connection, sql)
            refusals[sql] = None
        except Exception as problem:
            refusals[sql] = str(problem)
    print(json.dumps({"version": version, "engine": engine, "answers": answers, "refusals": refusals, **found}))
