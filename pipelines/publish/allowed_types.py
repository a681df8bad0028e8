"""Which column types a published table or view may have.

The list and the check against it belong here; casting a column to an allowed type is the business of the mart that
makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.problems import NotPublished

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.publish.catalogue import Column

ALLOWED_TYPES = frozenset({"SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"})
"""Types that ODBC, JDBC and older DuckDB clients all show as what they are. ``sum`` of an integer is HUGEINT, ``now()``
has a time zone and a BOOLEAN reaches ODBC as text, so each of those must be cast in the mart."""


def require_allowed_types(columns: Iterable[Column]) -> None:
    """Refuse columns that some driver cannot show.

    Args:
        columns: Every column that is about to be published, views included.

    Raises:
        NotPublished: At least one column has another type; the message lists ``table.column type``, one a line.
    """
    refused = [f"{c.relation}.{c.name} {c.data_type}" for c in columns if c.data_type not in ALLOWED_TYPES]
    if refused:
        raise NotPublished(
            "These columns have a type that BI drivers cannot show. Cast each in its mart to one of "
            f"{', '.join(sorted(ALLOWED_TYPES))}:\n  " + "\n  ".join(refused)
        )
