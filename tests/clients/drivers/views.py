"""A digest of all rows of every view, on which the oldest and the newest DuckDB have to agree, whatever views come."""

import hashlib
import json

import duckdb

with duckdb.connect("outcomes.duckdb", read_only=True) as connection:
    names = connection.execute("select view_name from duckdb_views() where not internal order by view_name").fetchall()
    digests: dict[str, list[object]] = {}
    for (name,) in names:
        rows = sorted(repr(row) for row in connection.execute(f'select * from "{name}"').fetchall())
        digests[name] = [len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()]
print(json.dumps(digests))
