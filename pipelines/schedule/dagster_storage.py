"""Where Dagster keeps runs, events and schedule states: files of this machine, or a PostgreSQL that a team shares.

Choosing by the environment belongs here; writing Dagster's configuration file does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from pipelines.problems import ConfigurationError, NotPublished

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Opened = TypeVar("Opened")

POSTGRES_VARIABLES: Final = (
    "OUTCOMES_POSTGRES_HOST",
    "OUTCOMES_POSTGRES_PORT",
    "OUTCOMES_POSTGRES_DATABASE",
    "OUTCOMES_POSTGRES_USER",
    "OUTCOMES_POSTGRES_PASSWORD",
)
"""What names the server. The block refers to them, so that no value is ever written to a file."""

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
