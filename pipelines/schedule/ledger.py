"""The SQLite file that remembers what happens between releases, opened so that nothing can be half written.

Opening it, its tables and one transaction at a time belong here. What the rows mean belongs to ``poll_log`` and
``alerts``.

The library's rollback journal is kept, and every commit reaches the disk: a process that is killed leaves either the
whole record or none. Several processes may write; one waits a few seconds for another.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_LOG: Final = logging.getLogger(__name__)
_WAIT_SECONDS: Final = 5.0
_TABLES: Final = """
create table if not exists poll (
    poll_id integer primary key,
    source_id text not null,
    polled_at text not null,
    outcome text not null check (outcome in ('unchanged', 'changed', 'unreachable', 'refused')),
    detail text not null
) strict;
create index if not exists poll_by_source on poll (source_id, polled_at);
create table if not exists poll_indicator (
    poll_id integer not null references poll,
    indicator_id text not null,
    outcome text not null check (outcome in ('unchanged', 'changed')),
    primary key (poll_id, indicator_id)
) strict, without rowid;
create table if not exists condition (
    key text primary key,
    kind text not null,
    since text not null,
    alerted_at text not null,
    title text not null
) strict, without rowid;
create table if not exists outbox (
    message_id text not null,
    channel text not null,
    alert text not null,
    created_at text not null,
    attempts integer not null default 0,
    claimed_at text,
    delivered_at text,
    last_error text,
    primary key (message_id, channel)
) strict, without rowid;
"""


class LedgerUnavailable(OutcomesError):  # noqa: N818 - says what is the case
    """The ledger cannot be opened or written: no right to, no room, or another process holds it for too long."""


@contextmanager
def ledger(path: Path) -> Generator[sqlite3.Connection]:
    """Open the ledger for one transaction, and make it when there is none.

    A file that is no database is moved aside, with ``.damaged`` after its name: what happened before is lost to the
    ledger, and nothing else waits for a person.

    Args:
        path: The file.

    Yields:
        A connection inside a transaction that is committed when the block ends and rolled back when it fails.

    Raises:
        LedgerUnavailable: It cannot be opened or written.
    """
    try:
        with contextlib.closing(_opened(path)) as connection:
            # Taken at the start: two processes that read before they write would otherwise both find nothing.
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnavailable(f"{path.name} cannot be used: {error}.") from error


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connected(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        aside = path.with_name(f"{path.name}.damaged")
        _LOG.warning("%s is no database (%s): moved to %s, and a new one is begun.", path.name, error, aside.name)
        path.replace(aside)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    try:
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        if connection.execute("select count(*) from sqlite_master where name = 'outbox'").fetchone() != (1,):
            connection.executescript(f"begin immediate; {_TABLES} commit;")
    except BaseException:
        connection.close()
        raise
    return connection
