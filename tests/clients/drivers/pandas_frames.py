"""pandas, by data frames that DuckDB fills."""

import duckdb
import pandas
from answering import Rows, answer


def connect() -> duckdb.DuckDBPyConnection:
    return duckdb.connect("outcomes.duckdb", read_only=True)


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    frame = connection.execute(sql).df()
    # DuckDB hands dates over as timestamps at midnight.
    for name in frame.columns:
        if str(frame[name].dtype).startswith("datetime") and name not in {"built_at"}:
            frame[name] = frame[name].dt.date
    # A column of objects keeps whole numbers whole; a blank in a column of text may be NaN.
    rows = frame.astype(object).where(frame.notna(), None)
    return list(frame.columns), rows.values.tolist()


answer(pandas.__version__, connect, ask)
