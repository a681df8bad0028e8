"""Ibis over DuckDB: tables by name, and SQL."""

from typing import Any

import ibis  # pyright: ignore[reportMissingImports]
from answering import Rows, answer, catalogue_by_sql


def connect() -> Any:
    return ibis.duckdb.connect("outcomes.duckdb", read_only=True)


def ask(connection: Any, sql: str) -> Rows:
    if not sql.lstrip().startswith(("select", "with")):
        connection.raw_sql(sql)
        return [], []
    table = connection.sql(sql).to_pyarrow()
    return table.column_names, [list(row.values()) for row in table.to_pylist()]


def catalogue(connection: Any) -> dict[str, Any]:
    found = catalogue_by_sql(lambda sql: ask(connection, sql))
    listed = {name: found["tables"].get(name, "unknown") for name in connection.list_tables()}
    return {**found, "tables": listed}


answer(ibis.__version__, connect, ask, catalogue)
