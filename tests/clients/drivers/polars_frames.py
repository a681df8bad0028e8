"""Polars, by its reader of databases over a connection of DuckDB."""

import duckdb
import polars
from answering import Rows, answer


def connect() -> duckdb.DuckDBPyConnection:
    return duckdb.connect("outcomes.duckdb", read_only=True)


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    frame = polars.read_database(sql, connection)
    return frame.columns, frame.rows()


answer(polars.__version__, connect, ask)
