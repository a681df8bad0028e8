"""The finished public edition, read afresh as if by somebody who was handed it.

The refusal of a file in which something small is left belongs here. It shares the flags with the decision, and nothing
of the search for partners: that one is tried by the attack in the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.problems import NotPublished
from pipelines.publish.catalogue import MARTS_SCHEMA, quoted, read_columns
from pipelines.publish.disclosure.blanking import FLAGS
from pipelines.publish.disclosure.flags import read_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from pipelines.acquire.disclosure_policy import DisclosurePolicy
    from pipelines.publish.disclosure.flags import Cell
    from pipelines.publish.disclosure.treatments import Treatments

_MOST_NAMED = 20


def require_nothing_small(
    connection: duckdb.DuckDBPyConnection, database: str, policies: Mapping[str, DisclosurePolicy]
) -> None:
    """Refuse a file that states or implies a small count.

    Args:
        connection: Connection to which the finished file is attached.
        database: Name under which it is attached.
        policies: Source to policy.

    Raises:
        NotPublished: The message names the figures.
    """
    left = [
        f"{cell.cell_id} ({', '.join(cell.reasons)})"
        for cell in read_cells(connection, database, policies)
        if cell.reasons
    ]
    schema = f"{quoted(database)}.{MARTS_SCHEMA}"
    thresholds = {source: policy.min_count for source, policy in policies.items() if policy.min_count}
    columns = {(column.relation, column.name) for column in read_columns(connection, database)}
    for table, names in (
        ("fct_standardised_value", ("events", "population")),
        ("fct_revision", ("old_count", "new_count", "old_denominator", "new_denominator")),
    ):
        for name in names:
            if (table, name) not in columns:
                continue
            for source, least in thresholds.items():
                found = connection.execute(
                    f"""select count(*) from {schema}.{table} as t inner join {schema}.dim_indicator as i
                    on t.indicator_key = i.indicator_key
                    where i.source_id = ? and t.{name} > 0 and t.{name} < ?""",
                    [source, least],
                ).fetchone()
                if found and found[0]:
                    left.append(f"{table}.{name} of {source}: {found[0]} rows")
    if left:
        raise NotPublished(
            "The public edition would show small counts:\n  "
            + "\n  ".join(left[:_MOST_NAMED])
            + (f"\n  and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else "")
        )


def require_all_empty(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    treatments: Treatments,
    cells: list[Cell],
    withheld: frozenset[int],
) -> None:
    """Refuse a file in which a withheld figure has something left beside it.

    Args:
        connection: Connection to which the finished file is attached.
        database: Name under which it is attached.
        treatments: The decision for every column.
        cells: Figures of the release.
        withheld: Positions of those that are withheld.

    Raises:
        NotPublished: The message names table and column.
    """
    columns = {(column.relation, column.name) for column in read_columns(connection, database)}
    left: list[str] = []
    for table, key in (("fct_indicator_value", "indicator_value_key"), ("fct_footprint_value", "footprint_value_key")):
        treatment = treatments.tables.get(table)
        keys = [cells[i].key for i in withheld if cells[i].table == table]
        if treatment is None or table not in FLAGS or not keys:
            continue
        emptied = sorted(
            {name for name, flags in treatment.blank.items() if "cell" in flags or "always" in flags}
            | treatment.rounding
        )
        for name in emptied:
            if (table, name) not in columns:
                continue
            found = connection.execute(
                f"""select count(*) from {quoted(database)}.{MARTS_SCHEMA}.{table}
                where {key} in (select unnest(?::bigint[])) and {quoted(name)} is not null""",
                [keys],
            ).fetchone()
            if found and found[0]:
                left.append(f"{table}.{name}: {found[0]} rows")
    if left:
        raise NotPublished("Withheld figures have something left beside them:\n  " + "\n  ".join(left))
