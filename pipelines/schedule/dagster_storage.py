"""Where Dagster keeps runs, events and schedule states: files of this machine, or a PostgreSQL that a team shares.

Choosing by the environment belongs here; writing Dagster's configuration file does not.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from pipelines.problems import ConfigurationError, NotPublished

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import dagster as dg

Opened = TypeVar("Opened")

POSTGRES_VARIABLES: Final = (
    "OUTCOMES_POSTGRES_HOST",
    "OUTCOMES_POSTGRES_PORT",
    "OUTCOMES_POSTGRES_DATABASE",
    "OUTCOMES_POSTGRES_USER",
    "OUTCOMES_POSTGRES_PASSWORD",
)
"""What names the server. The block refers to them, so that no value is ever written to a file."""

RUNS_KEPT: Final = 60
"""As many as there are pages of runs: two months of mornings."""

_DRIVERS: Final = ("dagster_postgres", "psycopg2", "sqlalchemy")
_BLOCK: Final = Path(__file__).with_name("hosts") / "postgres_storage.yaml"


def storage_yaml(environment: Mapping[str, str]) -> str:
    """Return what Dagster's configuration says of its storage.

    Args:
        environment: Variables of the process.

    Returns:
        The block for PostgreSQL when all of :data:`POSTGRES_VARIABLES` are set; nothing, which means files below
        ``DAGSTER_HOME``, when none is.

    Raises:
        ConfigurationError: Some are set and others are not: runs would go where nobody looks for them.
    """
    missing = [name for name in POSTGRES_VARIABLES if not environment.get(name)]
    if len(missing) == len(POSTGRES_VARIABLES):
        return ""
    if missing:
        raise ConfigurationError(
            f"PostgreSQL is to keep Dagster's runs, but not all of it is named: not set {', '.join(missing)}. "
            "Set all of OUTCOMES_POSTGRES_HOST, _PORT, _DATABASE, _USER and _PASSWORD, or none."
        )
    return _BLOCK.read_text(encoding="utf-8")


def reached(open_instance: Callable[[], Opened]) -> Opened:
    """Open Dagster's records, and say in a sentence when their server does not let us.

    Args:
        open_instance: Opens them.

    Returns:
        What it returns.

    Raises:
        NotPublished: The server cannot be reached, or refuses the user. The reason is the driver's, which names server
            and user and never the password.
    """
    try:
        return open_instance()
    except Exception as error:
        # The drivers are not imported to name their errors: most installations have none.
        if type(error).__module__.partition(".")[0] not in _DRIVERS:
            raise
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise NotPublished(
            f"The PostgreSQL that keeps Dagster's runs (OUTCOMES_POSTGRES_HOST) cannot be used: {reason}"
        ) from error


@contextmanager
def quick_records(home: Path) -> Generator[None]:
    """Let SQLite keep Dagster's records without waiting for the disk at every event.

    A refresh writes some two thousand small records, each in a connection of its own: with the disk waited for, 9 of 68
    seconds (26 November 2026, 2 cores). A power cut may cost the last records of a run, and can damage nothing: the
    files are in write-ahead mode. Nothing that a release is made from is kept there.

    Args:
        home: Dagster's home.

    Yields:
        Nothing; the records are quick inside the block.
    """
    # Imported here: a PostgreSQL that a team shares has no use for it.
    from sqlalchemy import event  # noqa: PLC0415
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    def relax(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("pragma synchronous = normal")

    index = home / "history" / "runs" / "index.db"
    event.listen(Engine, "connect", relax)
    # While one connection stays, closing another does not fold the log into the file.
    held = sqlite3.connect(index) if index.is_file() else None
    try:
        if held is not None:
            held.execute("select count(*) from sqlite_master").fetchall()
        yield
    finally:
        if held is not None:
            held.close()
        event.remove(Engine, "connect", relax)


def forget_old_runs(instance: dg.DagsterInstance, kept: int = RUNS_KEPT) -> int:
    """Delete the oldest runs from Dagster's records, which grow by five megabytes a run and are never cleared by it.

    What a run found stays: in the release, and on its page.

    Args:
        instance: Dagster's records.
        kept: How many of the newest runs to keep.

    Returns:
        How many were deleted.
    """
    ended = [record.dagster_run for record in instance.get_run_records()[kept:] if record.dagster_run.is_finished]
    for run in ended:
        instance.delete_run(run.run_id)
        # The file of a run outlives the run in it.
        for leftover in Path(instance.root_directory).glob(f"history/runs/{run.run_id}.db*"):
            leftover.unlink(missing_ok=True)
    return len(ended)


def set_aside_damaged_records(home: Path) -> Path | None:
    """Move Dagster's records away when a file of theirs is no database any more, so that the next run makes new ones.

    The records are a history of runs for people; releases, archive and ledger are elsewhere.

    Args:
        home: Dagster's home.

    Returns:
        Where they are now; ``None`` when they are whole, or there are none.
    """
    if not any(_is_damaged(file) for file in home.glob("**/*.db")):
        return None
    number = 1
    while (aside := home.with_name(f"{home.name}.damaged-{number}")).exists():
        number += 1
    home.rename(aside)
    return aside


def _is_damaged(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as connection:
            connection.execute("select count(*) from sqlite_master").fetchall()
    except sqlite3.DatabaseError as error:
        # Busy or not allowed is not damaged.
        return not isinstance(error, sqlite3.OperationalError)
    return False
