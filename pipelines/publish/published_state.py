"""What is being served right now, read from the served file itself.

Reading belongs here; wording and colours are the command line's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from pathlib import Path

SCORECARD = "v_scorecard"


class NotOurFile(OutcomesError):  # noqa: N818 - says what was found
    """The file at the served path is not a release of this project, or cannot be read."""


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """The row of the table ``release``; each attribute is the column of that name."""

    release_id: str
    built_at: datetime
    as_at: date
    code_version: str
    input_fingerprint: str
    storage_version: str
    table_count: int
    row_count: int
    content_checksum: str


@dataclass(frozen=True, slots=True)
class PublishedState:
    """A served release.

    Attributes:
        served_file: Where it is.
        size_bytes: Size of the file.
        release: Its row of ``release``; ``built_at`` is in UTC and has no zone.
        statuses: Status code -> rows of ``v_scorecard``, most frequent first; None when there is no such view.
    """

    served_file: Path
    size_bytes: int
    release: ReleaseRow
    statuses: dict[str, int] | None

    def age(self, now: datetime) -> timedelta:
        """Return the time since the release was built.

        Args:
            now: A moment with a time zone.
        """
        return now - self.release.built_at.replace(tzinfo=UTC)


def read_published(served_file: Path) -> PublishedState | None:
    """Read what is served, without locking anybody out.

    Args:
        served_file: The path that readers open.

    Returns:
        The state, or None when nothing has been published yet.

    Raises:
        NotOurFile: There is a file, but it is not a readable release of this project.
    """
    if not served_file.exists():
        return None
    columns = ", ".join(field.name for field in fields(ReleaseRow))
    try:
        with duckdb.connect(str(served_file), read_only=True) as connection:
            rows = connection.execute(f"select {columns} from release").fetchall()
            statuses = _statuses(connection)
    except duckdb.Error as error:
        raise NotOurFile(
            f"{served_file} is not a release of this project, or is damaged: {error}\n"
            "Move it away and run a refresh; releases that are kept have the same contents."
        ) from error
    if len(rows) != 1:
        raise NotOurFile(f"{served_file} has {len(rows)} rows in its table release instead of one. Run a refresh.")
    return PublishedState(served_file, served_file.stat().st_size, ReleaseRow(*rows[0]), statuses)


def _statuses(connection: duckdb.DuckDBPyConnection) -> dict[str, int] | None:
    """Count the rows of the scorecard by status; None when the release has no scorecard with a status."""
    present = connection.execute(
        "select count(*) from duckdb_columns() where table_name = ? and column_name = 'status_code'", [SCORECARD]
    ).fetchall()
    if present == [(0,)]:
        return None
    counts = connection.execute(
        f"select coalesce(status_code, 'unknown'), count(*) from {SCORECARD} group by 1 order by 2 desc, 1"
    ).fetchall()
    return dict(counts)
