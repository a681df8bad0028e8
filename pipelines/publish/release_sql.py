"""The SQL that compares releases, for use outside dbt.

The macros of ``dbt_project/macros/releases`` name relations and use nothing of dbt, so that the model and the commands
cannot disagree. Rendering them belongs here; what they say does not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from pathlib import Path


def release_sql(dbt_project: Path, macro: str, /, **relations: str) -> str:
    """Return the SELECT that a macro writes.

    Args:
        dbt_project: The dbt project.
        macro: Its name, such as ``value_changes``.
        **relations: Its arguments: relations or expressions, as SQL.

    Returns:
        One SELECT statement.
    """
    return str(getattr(_macros(dbt_project), macro)(**relations))


@lru_cache
def _macros(dbt_project: Path) -> object:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 - SQL, not HTML
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((dbt_project / "macros" / "releases").glob("*.sql"))
    )
    return environment.from_string(text).module
