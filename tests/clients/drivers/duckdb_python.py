"""DuckDB's own library for Python."""

import duckdb
from answering import Rows, answer


def connect() -> duckdb.DuckDBPyConnection:
    return duckdb.connect("outcomes.duckdb", read_only=True)


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    cursor = connection.execute(sql)
    return [column[0] for column in cursor.description or []], cursor.fetchall()


answer(duckdb.__version__, connect, ask)
