"""ADBC, the database interface of Arrow, by the driver that DuckDB carries."""

from importlib.metadata import version
from typing import Any

import adbc_driver_duckdb
import adbc_driver_manager.dbapi  # pyright: ignore[reportMissingImports]
from answering import Rows, answer


def connect() -> Any:
    # The short adbc_driver_duckdb.dbapi.connect(path) has no read-only setting.
    return adbc_driver_manager.dbapi.connect(
        driver=adbc_driver_duckdb.driver_path(),
        entrypoint="duckdb_adbc_init",
        db_kwargs={"path": "outcomes.duckdb", "access_mode": "READ_ONLY"},
        autocommit=True,
    )


def ask(connection: Any, sql: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        table = cursor.fetch_arrow_table()
    return table.column_names, [list(row.values()) for row in table.to_pylist()]


answer(version("adbc-driver-manager"), connect, ask)
