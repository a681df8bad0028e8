"""The tables of a release without what is withheld.

What each flag of ``columns.yml`` means, and the copies of the tables with cells emptied, belong here. All flags of all
tables are worked out from the release as it is before the first cell is emptied. Which figures are withheld is decided
in ``secondary``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.publish.catalogue import MARTS_SCHEMA, literal, quoted
from pipelines.publish.disclosure.flags import FOOTPRINTS, VALUES
from pipelines.publish.disclosure.treatments import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from pipelines.acquire.disclosure_policy import DisclosurePolicy
    from pipelines.publish.catalogue import Column
    from pipelines.publish.disclosure.flags import Cell
    from pipelines.publish.disclosure.treatments import TableTreatment, Treatments

BLANKED: Final = "blanked"
"""Name of the database in memory that receives the blanked tables."""

_WHOLE: Final = "whole"

# What is looked up by the flags. `touched` has the withheld and the rounded cells: whatever was computed from either
# would give the exact number away.
_LOOKUPS: Final = {
    "touched_series": "select distinct indicator_key, area_key, population_group_key from touched",
    "touched_indicators": """select distinct i.indicator_key, i.indicator_id
        from touched as h inner join {whole}.dim_indicator as i on h.indicator_key = i.indicator_key""",
    "touched_codes": """select distinct h.indicator_key, h.period_key, h.population_group_key, a.area_code
        from touched as h inner join {whole}.dim_area as a on h.area_key = a.area_key""",
    "touched_labels": """select distinct i.indicator_id, a.area_code, p.period_label from touched as h
        inner join {whole}.dim_indicator as i on h.indicator_key = i.indicator_key
        inner join {whole}.dim_area as a on h.area_key = a.area_key
        inner join {whole}.dim_period as p on h.period_key = p.period_key""",
    "touched_peers": """select distinct h.indicator_key, h.period_key, h.population_group_key from touched as h
        inner join {whole}.dim_indicator as i on h.indicator_key = i.indicator_key
        where i.comparator_method in ('quintiles', 'quartiles')""",
    "series_values": """select v.indicator_value_key as key from {whole}.fct_indicator_value as v
        inner join touched_series as s on v.indicator_key = s.indicator_key and v.area_key = s.area_key
        and v.population_group_key = s.population_group_key""",
    "touched_inequalities": """select t.inequality_key as key from {whole}.fct_inequality as t
        where t.value_a_key in (select key from touched where table_name = 'fct_indicator_value')
        or t.value_b_key in (select key from touched where table_name = 'fct_indicator_value')
        or (t.indicator_key, t.area_key, t.period_key)
            in (select (indicator_key, area_key, period_key) from touched)""",
    "touched_targets": """select t.target_vs_actual_key as key, t.commitment_key, t.area_key, t.indicator_key,
            t.population_group_key, t.period_key
        from {whole}.fct_target_vs_actual as t
        where t.actual_value_key in (select key from touched where table_name = 'fct_indicator_value')
        or t.baseline_value_key in (select key from touched where table_name = 'fct_indicator_value')
        or t.actual_footprint_value_key in (select key from touched where table_name = 'fct_footprint_value')
        or t.baseline_footprint_value_key in (select key from touched where table_name = 'fct_footprint_value')
        or t.actual_inequality_key in (select key from touched_inequalities)
        or t.baseline_inequality_key in (select key from touched_inequalities)
        or t.comparator_value_key in (select key from series_values)
        or (t.comparator_value is not null and t.comparator_value_key is null and (t.indicator_key,
            t.population_group_key) in (select (indicator_key, population_group_key) from touched))
        or (t.indicator_key, t.area_key, t.period_key, t.population_group_key)
            in (select (indicator_key, area_key, period_key, population_group_key) from touched)""",
    "touched_figures": """select f.figure_id, f.part_set, f.whole_id from {whole}.fct_reported_figure as f
        cross join (select coalesce(max(min_count), 0) as least from policies) as p
        where coalesce(f.unit in ('people', '%'), true) and coalesce(f.base_unit, 'people') = 'people' and (
            (f.count > 0 and f.count < p.least) or (f.base > 0 and f.base < p.least)
            or (f.base - f.count > 0 and f.base - f.count < p.least)
            or (f.unit = 'people' and f.value > 0 and f.value < p.least)
            or (f.unit = '%' and f.value > 0 and round(f.value * f.base / 100) < p.least)
            or (f.unit = '%' and f.value < 100 and round((100 - f.value) * f.base / 100) < p.least)
            or f.is_withheld = 1)""",
}

_IN_VALUES: Final = "in (select key from touched where table_name = 'fct_indicator_value')"
_SMALL: Final = "({0} > 0 and {0} < p.min_count)"

FLAGS: Final[Mapping[str, Mapping[str, str]]] = {
    VALUES: {
        "cell": "t.indicator_value_key in (select key from withheld where table_name = 'fct_indicator_value')",
        "rounded": "t.indicator_value_key in (select key from rounded where table_name = 'fct_indicator_value')",
        "series": """(t.indicator_key, t.area_key, t.population_group_key)
            in (select (indicator_key, area_key, population_group_key) from touched_series)""",
        "england": """(t.indicator_key, t.period_key, t.population_group_key) in (select
            (indicator_key, period_key, population_group_key) from touched_codes where area_code = 'E92000001')""",
        "region": """(t.indicator_key, t.period_key, t.population_group_key,
            (select a.region_code from {whole}.dim_area as a where a.area_key = t.area_key))
            in (select (indicator_key, period_key, population_group_key, area_code) from touched_codes)""",
        "parent": """(t.indicator_key, t.period_key, t.population_group_key, t.parent_code)
            in (select (indicator_key, period_key, population_group_key, area_code) from touched_codes)""",
        "peers": """(t.indicator_key, t.period_key, t.population_group_key)
            in (select (indicator_key, period_key, population_group_key) from touched_peers)""",
    },
    FOOTPRINTS: {
        "cell": "t.footprint_value_key in (select key from withheld where table_name = 'fct_footprint_value')",
        "rounded": "t.footprint_value_key in (select key from rounded where table_name = 'fct_footprint_value')",
        "series": """(t.indicator_key, t.area_key, t.population_group_key)
            in (select (indicator_key, area_key, population_group_key) from touched_series)""",
        "england": """(t.indicator_key, t.period_key, t.population_group_key) in (select
            (indicator_key, period_key, population_group_key) from touched_codes where area_code = 'E92000001')""",
    },
    "fct_inequality": {"cell": "t.inequality_key in (select key from touched_inequalities)"},
    "fct_standardised_value": {
        "cell": """(t.indicator_key, t.area_key, t.period_key)
                in (select (indicator_key, area_key, period_key) from touched)
            or exists (select 1 from policies as p inner join {whole}.dim_indicator as i on i.source_id = p.source_id
                where i.indicator_key = t.indicator_key and ("""
        + _SMALL.format("t.events")
        + " or "
        + _SMALL.format("t.population")
        + "))",
    },
    "fct_target_vs_actual": {
        "cell": "t.target_vs_actual_key in (select key from touched_targets)",
        "series": """(t.indicator_key, t.area_key, t.population_group_key)
                in (select (indicator_key, area_key, population_group_key) from touched_series)
            or (t.measured_as like 'gap%' and (t.indicator_key, t.area_key)
                in (select (indicator_key, area_key) from touched))""",
    },
    "fct_target": {
        "cell": """t.target_vs_actual_key in (select key from touched_targets)
            or (t.commitment_key, t.area_key, t.indicator_key, t.population_group_key) in
                (select (commitment_key, area_key, indicator_key, population_group_key) from touched_targets)""",
    },
    "fct_commitment_comparison": {
        "cell": """(t.indicator_key, t.area_key, t.period_key, t.population_group_key)
                in (select (indicator_key, area_key, period_key, population_group_key) from touched)
            or (t.commitment_key, t.area_key) in (select (commitment_key, area_key) from touched_targets)
            or (t.indicator_key, t.period_key, t.population_group_key, t.comparator_id)
                in (select (indicator_key, period_key, population_group_key, area_code) from touched_codes)
            or exists (select 1 from {whole}.bridge_area_neighbour as n
                where n.neighbour_set_id = t.comparator_id and n.area_key = t.area_key
                and (t.indicator_key, n.neighbour_area_key, t.period_key, t.population_group_key)
                    in (select (indicator_key, area_key, period_key, population_group_key) from touched))""",
    },
    "fct_revision": {
        "cell": """(t.indicator_key, t.area_key, t.period_key, t.population_group_key)
                in (select (indicator_key, area_key, period_key, population_group_key) from touched)
            or exists (select 1 from policies as p inner join {whole}.dim_indicator as i on i.source_id = p.source_id
                where i.indicator_key = t.indicator_key and ("""
        + " or ".join(
            _SMALL.format(number)
            for age in ("old", "new")
            for number in (
                f"t.{age}_count",
                f"t.{age}_denominator",
                f"(t.{age}_denominator - t.{age}_count)",
                f"round(t.{age}_value * t.{age}_denominator / i.multiplier)",
            )
        )
        + "))",
    },
    "fct_reported_figure": {
        "cell": """t.figure_id in (select figure_id from touched_figures)
            or t.part_set in (select part_set from touched_figures where part_set is not null)
            or t.figure_id in (select whole_id from touched_figures where whole_id is not null)""",
    },
    "fct_data_quality_check": {"failed": "coalesce(t.rows_failed, 0) > 0 or t.outcome <> 'passed'"},
    "release_note": {
        "cell": """t.indicator_id in (select indicator_id from touched_indicators)
            or t.commitment_key in (select commitment_key from touched_targets)""",
    },
    "known_issue": {"cell": "t.subject_id in (select indicator_id from touched_indicators)"},
    "correction": {
        "cell": """(t.indicator_id, t.area_code, t.period_label)
            in (select (indicator_id, area_code, period_label) from touched_labels)""",
    },
    "dim_commitment": {"cell": "t.commitment_key in (select commitment_key from touched_targets)"},
}
"""Table to flag to the condition, as SQL over the row ``t``, under which it is set."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """What is withheld of a release.

    Attributes:
        cells: Its figures.
        positions: Positions of those that are withheld.
        policies: Source to policy.
    """

    cells: Sequence[Cell]
    positions: frozenset[int]
    policies: Mapping[str, DisclosurePolicy]


def shown_numbers(cell: Cell) -> tuple[float | None, float | None, float | None]:
    """Return what is shown of a cell that is not withheld.

    Args:
        cell: The cell.

    Returns:
        Value, count and denominator, rounded where its policy rounds.
    """
    to = cell.policy.round_to if cell.policy is not None else None
    if to is None:
        return cell.value, cell.count, cell.denominator

    def near(number: float | None) -> float | None:
        return None if number is None else float(int(number / to + 0.5) * to)

    count, denominator = near(cell.count), near(cell.denominator)
    exact = cell.implied_count
    value = cell.value
    if exact is not None and value is not None and cell.denominator and exact > 0:
        # The value again from the rounded numbers: the exact one would undo the rounding.
        shown = near(exact) or 0.0
        value = value * (shown / exact) * (cell.denominator / (denominator or cell.denominator))
    elif exact is not None and cell.denominator is None:
        value = near(value)
    return value, count, denominator


def blank_tables(
    connection: duckdb.DuckDBPyConnection,
    treatments: Treatments,
    columns: Sequence[Column],
    tables: Sequence[str],
    what: Withheld,
) -> dict[str, int]:
    """Make a copy of every table, with cells emptied, in a database in memory called ``blanked``.

    Args:
        connection: Connection to which the release is attached as ``whole``.
        treatments: The decision for every column.
        columns: Columns of the release.
        tables: Its tables.
        what: What is withheld.

    Returns:
        Table to the number of rows in which a flag is set, for tables in which there are any.
    """
    connection.execute(f"attach ':memory:' as {BLANKED}")
    _make_lookups(connection, tables, what)
    counts = {table: _make_flags(connection, table, treatments) for table in tables}  # all of them before any blanking
    for table in tables:
        names = [column.name for column in columns if column.relation == table]
        treatment = treatments.tables.get(table)
        types = {column.name: column.data_type for column in columns if column.relation == table}
        shown = ", ".join(f"{_expression(name, types[name], treatment)} as {quoted(name)}" for name in names)
        kept = " and ".join(f"not f.{flag}" for flag in treatment.drop) if treatment is not None else ""
        connection.execute(
            f"""
            create table {BLANKED}.{MARTS_SCHEMA}.{quoted(table)} as
            select {shown} from {_WHOLE}.{MARTS_SCHEMA}.{quoted(table)} as t
            inner join flags_{table} as f on t.rowid = f.row_number
            {_rounded_numbers(table)}
            {f"where {kept}" if kept else ""}
            order by t.rowid
            """
        )
    return {table: count for table, count in counts.items() if count}


def _make_lookups(connection: duckdb.DuckDBPyConnection, tables: Sequence[str], what: Withheld) -> None:
    """Make the temporary tables in which the flags look up what is withheld."""
    rows = [(what.cells[i].table, what.cells[i].key, *what.cells[i].keys) for i in sorted(what.positions)]
    rounded = [
        (cell.table, cell.key, *cell.keys, *shown_numbers(cell))
        for i, cell in enumerate(what.cells)
        if i not in what.positions and cell.policy is not None and cell.policy.method == "round" and cell.has_numbers
    ]
    names = ["table_name", "key", "indicator_key", "area_key", "period_key", "population_group_key"]
    whole = dict.fromkeys(names[1:], "bigint")
    numbers = dict.fromkeys(("value", "count", "denominator"), "double")
    for name, given, types in (
        ("withheld", rows, {"table_name": "varchar", **whole}),
        ("rounded", rounded, {"table_name": "varchar", **whole, **numbers}),
        (
            "policies",
            [(source, one.min_count) for source, one in what.policies.items()],
            {"source_id": "varchar", "min_count": "bigint"},
        ),
    ):
        shown = ", ".join(f"unnest(?::{data_type}[]) as {column}" for column, data_type in types.items())
        lists = [[row[place] for row in given] for place in range(len(types))]
        connection.execute(f"create or replace temp table {name} as select {shown}", lists)
    columns = ", ".join(names)
    both = f"select {columns} from withheld union all select {columns} from rounded"
    connection.execute(f"create or replace temp table touched as {both}")
    needed = {
        "touched_inequalities": ("fct_inequality", "key"),
        "touched_targets": ("fct_target_vs_actual", "key, commitment_key, area_key, indicator_key"),
        "touched_figures": ("fct_reported_figure", "figure_id, part_set, whole_id"),
    }
    for name, sql in _LOOKUPS.items():
        table, empty = needed.get(name, ("", ""))
        if table and table not in tables:
            select = ", ".join(f"null::bigint as {column.strip()}" for column in empty.split(","))
            sql = f"select {select} where false"  # noqa: PLW2901 - of a table that the release does not have
        connection.execute(f"create or replace temp table {name} as {sql.format(whole=f'{_WHOLE}.{MARTS_SCHEMA}')}")


def _make_flags(connection: duckdb.DuckDBPyConnection, table: str, treatments: Treatments) -> int:
    """Work out the flags of one table, and return in how many rows one is set."""
    treatment = treatments.tables.get(table)
    used = sorted(treatment.flags) if treatment is not None else []
    known = FLAGS.get(table, {})
    whole = f"{_WHOLE}.{MARTS_SCHEMA}"
    flags = "".join(f", coalesce({known[flag].format(whole=whole)}, false) as {flag}" for flag in used)
    selected = f"select t.rowid as row_number{flags} from {whole}.{quoted(table)} as t"
    connection.execute(f"create or replace temp table flags_{table} as {selected}")
    if not used:
        return 0
    found = connection.execute(f"select count(*) from flags_{table} where {' or '.join(used)}").fetchone()
    return int(found[0]) if found else 0


def _rounded_numbers(table: str) -> str:
    """Return the join to rounded numbers, for the tables that have them."""
    key = {VALUES: "indicator_value_key", FOOTPRINTS: "footprint_value_key"}.get(table)
    if key is None:
        return ""
    return f"left join rounded as r on r.table_name = {literal(table)} and r.key = t.{key}"


def _expression(name: str, data_type: str, treatment: TableTreatment | None) -> str:
    """Return what a column holds in the public edition, as SQL."""
    column = f"t.{quoted(name)}"
    if treatment is None or name not in treatment.columns or name in treatment.keep:
        return column
    if name in treatment.rounding:
        return f"case when f.cell then null when f.rounded then r.{quoted(name)} else {column} end"
    if name in treatment.fixed:
        fixed = treatment.fixed[name]
        content = literal(fixed.content) if isinstance(fixed.content, str) else str(fixed.content)
        if fixed.is_status:
            content = f"(select status_key from {_WHOLE}.{MARTS_SCHEMA}.dim_status where status_code = {content})"
        return f"case when {_any(fixed.flags)} then cast({content} as {data_type}) else {column} end"
    return f"case when {_any(treatment.blank[name])} then null else {column} end"


def _any(flags: Sequence[str]) -> str:
    """Return the condition that one of the flags is set."""
    return "true" if ALWAYS in flags else " or ".join(f"f.{flag}" for flag in flags)
