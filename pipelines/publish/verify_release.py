"""Read a published file from end to end and hold it against what it says of itself.

Whether a file is a complete release belongs here, whoever asks: a test after a fault, a rebuild, a person with a copy.
Making one does not, and neither does wording its statuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from pipelines.publish.catalogue import quoted, read_columns, read_relations
from pipelines.publish.checksum import columns_by_table, content_checksum, table_fingerprint
from pipelines.publish.published_state import NotOurFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RELEASE_TABLE = "release"


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """A file that is what it says it is.

    Attributes:
        release_id: Its name.
        table_count: Tables in it.
        row_count: Rows in all of them.
        content_checksum: Of all tables but ``release``, whatever the order of rows; as computed and as stated.
        fingerprints: Table to its part of the checksum, so that two releases can be held against each other.
    """

    release_id: str
    table_count: int
    row_count: int
    content_checksum: str
    fingerprints: Mapping[str, str]


def verify_release(file: Path) -> VerifiedRelease:
    """Open a file as a BI tool does, read every table and view, and compare counts and checksum with its ``release``.

    Args:
        file: A published file; it is opened read-only with no other file in reach.

    Returns:
        What was found.

    Raises:
        NotOurFile: It cannot be opened or read to the end, or does not hold what it says it holds; every difference is
            listed.
    """
    try:
        with duckdb.connect(str(file), read_only=True, config={"enable_external_access": False}) as connection:
            return _verified(connection, file)
    except (duckdb.Error, OSError) as error:
        raise NotOurFile(f"{file} is not a release of this project, or is damaged: {error}") from error


def _verified(connection: duckdb.DuckDBPyConnection, file: Path) -> VerifiedRelease:
    database = str(connection.execute("select current_database()").fetchall()[0][0])
    relations, columns = read_relations(connection, database), read_columns(connection, database)
    names = columns_by_table(columns)
    tables = [relation.name for relation in relations if relation.kind == "TABLE"]
    counted = {
        table: table_fingerprint(connection, database, table, names[table])
        for table in tables
        if table != RELEASE_TABLE
    }
    for relation in relations:
        if relation.kind == "VIEW":
            connection.execute(f"select count(*) from (select * from {quoted(relation.name)})").fetchall()
    stated = connection.execute(
        f"select release_id, table_count, row_count, content_checksum from {RELEASE_TABLE}"
    ).fetchall()
    if len(stated) != 1:
        raise NotOurFile(f"{file} has {len(stated)} rows in its table {RELEASE_TABLE} instead of one.")
    release_id, *said = stated[0]
    found = [
        len(tables),
        sum(rows for rows, _ in counted.values()) + 1,
        content_checksum(fingerprint for _, fingerprint in counted.values()),
    ]
    differences = [
        f"{name}: {was} stated, {now} found"
        for name, was, now in zip(("table_count", "row_count", "content_checksum"), said, found, strict=True)
        if was != now
    ]
    if differences:
        raise NotOurFile(f"{file} does not hold what it says it holds: {'; '.join(differences)}.")
    return VerifiedRelease(
        release_id=str(release_id),
        table_count=int(said[0]),
        row_count=int(said[1]),
        content_checksum=str(said[2]),
        fingerprints={table: fingerprint for table, (_, fingerprint) in counted.items()},
    )
