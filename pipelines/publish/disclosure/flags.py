"""Every figure of a release that may state or imply a count of people, and which of them are small.

Reading figures, working out the counts in them and comparing those with the policy belong here, all from the columns as
they are. What else has to be withheld because of a small one is decided in ``secondary``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from pipelines.publish.catalogue import MARTS_SCHEMA, quoted
from pipelines.publish.disclosure.implied import byar_count, decimals_of, dobson_count, wilson_denominator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import duckdb

    from pipelines.acquire.disclosure_policy import DisclosurePolicy

VALUES: Final = "fct_indicator_value"
FOOTPRINTS: Final = "fct_footprint_value"
SUPPRESSED: Final = "suppressed"

_WITHHELD_BY_PUBLISHER: Final = frozenset({SUPPRESSED, "not_calculable"})
# Limits from a model or a weighted survey follow an effective sample and not a count of people.
_NOT_FROM_COUNTS: Final = frozenset({"survey_weighted", "model_based", "simulation", "sullivan", "chiang_silcocks"})


@dataclass(slots=True)
class Cell:
    """One figure: an indicator, an area, a period and a group, in one of the two tables that hold figures.

    Attributes:
        table: ``fct_indicator_value`` or ``fct_footprint_value``.
        key: Primary key of the row.
        cell_id: What it is, in words that stay the same from release to release.
        source_id: Source of the indicator.
        indicator_id: Indicator.
        area_code: Area.
        area_type: Its type.
        period: First and last day; None for both where the period has no dates.
        group: Sex, age, type of category, category.
        keys: Keys of indicator, area, period and group.
        value: The value, or None.
        count: Count as stated, or None.
        denominator: Denominator as stated, or None.
        implied_count: Count stated or worked out from value and denominator, or None.
        tolerance: How far a count that was worked out may be off, from the rounding of the value.
        from_limits: Count worked out from limits, or None.
        from_population: Count worked out from a population of the same area, or None.
        rate_per: Population that a crude rate is per, or None for other figures.
        is_share: Whether the value is a share of the denominator, so that those outside the count are people too.
        is_withheld_by_publisher: Whether the publisher gives no value because it is small.
        policy: Policy that applies, or None.
        reasons: Why it is flagged; empty when it is not.
    """

    table: str
    key: int
    cell_id: str
    source_id: str
    indicator_id: str
    area_code: str
    area_type: str
    period: tuple[date | None, date | None]
    group: tuple[str, str, str, str]
    keys: tuple[int, int, int, int]
    value: float | None
    count: float | None
    denominator: float | None
    implied_count: float | None
    tolerance: float
    from_limits: float | None
    from_population: float | None
    rate_per: float | None
    is_share: bool
    is_withheld_by_publisher: bool
    policy: DisclosurePolicy | None
    reasons: list[str] = field(default_factory=list[str])

    @property
    def min_count(self) -> int:
        """Smallest count that may be shown; 0 when no policy applies."""
        return self.policy.min_count or 0 if self.policy is not None else 0

    @property
    def has_numbers(self) -> bool:
        """Whether there is anything to withhold."""
        return self.value is not None or self.count is not None or self.denominator is not None


def is_small(number: float | None, policy: DisclosurePolicy) -> bool:
    """Return whether a count may not be shown under a policy. Half a person is nobody or somebody: it counts."""
    if number is None or policy.min_count is None:
        return False
    if number <= 0:
        return number == 0 and not policy.zero_is_safe
    return number < policy.min_count


_QUERY: Final = """
select
    v.{key}, i.source_id, i.indicator_id, a.area_code, a.area_type, p.period_start, p.period_end, p.period_label,
    v.period_key, g.sex, g.age, g.category_type, g.category, v.indicator_key, v.area_key, v.population_group_key,
    {series}, v.value, v.count, v.denominator, {is_numerator}, {status},
    i.value_type, i.multiplier, coalesce(i.ci_method, ''), v.lower_ci_95, v.upper_ci_95
from {table} as v
inner join {schema}.dim_indicator as i on v.indicator_key = i.indicator_key
inner join {schema}.dim_area as a on v.area_key = a.area_key
inner join {schema}.dim_period as p on v.period_key = p.period_key
inner join {schema}.dim_population_group as g on v.population_group_key = g.population_group_key
order by v.{key}
"""


def read_cells(
    connection: duckdb.DuckDBPyConnection, database: str, policies: Mapping[str, DisclosurePolicy]
) -> list[Cell]:
    """Read every figure with its counts, and flag the small ones.

    Args:
        connection: Connection to which the release is attached.
        database: Name under which it is attached.
        policies: Source to policy.

    Returns:
        The cells of both tables, each table in order of its key.

    Raises:
        KeyError: A source of the release has no policy.
    """
    cells = [_cell(table, row, policies) for table, row in _read(connection, database)]
    _add_populations(cells, policies)
    for cell in cells:
        _flag(cell)
    return cells


def read_numbers(
    connection: duckdb.DuckDBPyConnection, database: str
) -> list[tuple[str, str, float | None, float | None]]:
    """Read what a file shows of every figure.

    Args:
        connection: Connection to which the file is attached.
        database: Name under which it is attached.

    Returns:
        Cell id, value status, value and count of those figures that are withheld or shown.
    """
    found: list[tuple[str, str, float | None, float | None]] = []
    for table, row in _read(connection, database):
        value, count, status = _number(row[17]), _number(row[18]), str(row[21])
        if status == SUPPRESSED or value is not None or count is not None:
            found.append((_cell_id(table, row), status, value, count))
    return found


def _read(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield every row of the tables of figures, with the name of its table."""
    schema = f"{quoted(database)}.{MARTS_SCHEMA}"
    tables = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ?", [database, MARTS_SCHEMA]
    ).fetchall()
    for table, key, series, is_numerator, status in (
        (FOOTPRINTS, "footprint_value_key", "0", "1", "coalesce(v.footprint_reason, 'present')"),
        (VALUES, "indicator_value_key", "v.series_number", "coalesce(v.is_count_numerator, -1)", "v.value_status_code"),
    ):
        if (table,) not in tables:
            continue
        query = _QUERY.format(
            key=key,
            series=series,
            is_numerator=is_numerator,
            status=status,
            table=f"{schema}.{table}",
            schema=schema,
        )
        yield from ((table, row) for row in connection.execute(query).fetchall())


def _cell_id(table: str, row: Sequence[object]) -> str:
    """Name a figure in words that stay the same from release to release."""
    return f"{table}|{row[2]}|{row[3]}|{row[7]}|{row[9]}|{row[10]}|{row[11]}|{row[12]}|{row[16]}"


def _cell(table: str, row: Sequence[object], policies: Mapping[str, DisclosurePolicy]) -> Cell:
    """Make a cell of a row of the query."""
    (
        key, source, indicator, area, area_type, start, end, _, period_key, sex, age, category_type, category,
        indicator_key, area_key, group_key, _, value, count, denominator, is_numerator, status,
        value_type, multiplier, ci_method, lower, upper,
    ) = row  # fmt: skip
    number = _number(value)
    stated, base, factor = _number(count), _number(denominator), _number(multiplier) or 1.0
    policy = policies[str(source)]
    group = (str(sex), str(age), str(category_type), str(category))
    cell = Cell(
        table=table,
        key=int(str(key)),
        cell_id=_cell_id(table, row),
        source_id=str(source),
        indicator_id=str(indicator),
        area_code=str(area),
        area_type=str(area_type),
        period=(start if isinstance(start, date) else None, end if isinstance(end, date) else None),
        group=group,
        keys=(int(str(indicator_key)), int(str(area_key)), int(str(period_key)), int(str(group_key))),
        value=number,
        count=stated,
        denominator=base,
        implied_count=stated,
        tolerance=0.0,
        from_limits=None,
        from_population=None,
        rate_per=factor if value_type == "crude_rate" else None,
        is_share=value_type == "proportion" and is_numerator != 0,
        is_withheld_by_publisher=status in _WITHHELD_BY_PUBLISHER,
        policy=policy if policy.applies_to(str(area_type)) else None,
    )
    if number is None:
        return cell
    if stated is None:
        if value_type == "count":
            cell.implied_count = number
        elif base is not None and value_type in {"proportion", "crude_rate"}:
            cell.implied_count = number * base / factor
            cell.tolerance = 0.5 * 10 ** -min(decimals_of(number), 10) * base / factor
            if abs(cell.implied_count - round(cell.implied_count)) <= max(cell.tolerance, 1e-6 * cell.implied_count):
                cell.implied_count = float(round(cell.implied_count))
                cell.tolerance = cell.tolerance if cell.tolerance >= 0.5 else 0.0
    if cell.implied_count is None or base is None:
        low, high = _number(lower), _number(upper)
        if low is not None and high is not None and ci_method not in _NOT_FROM_COUNTS:
            cell.from_limits = _from_limits(str(value_type), number, low, high, factor)
    return cell


def _from_limits(value_type: str, value: float, lower: float, upper: float, factor: float) -> float | None:
    """Return the smallest count of people, in or outside the numerator, that the limits imply."""
    if value_type == "proportion":
        share = value / factor
        # The limit that is further away is the one that rounding disturbs least.
        limit = lower if value - lower > upper - value else upper
        people = wilson_denominator(share, limit / factor)
        if people is None:
            return None
        parts = [part for part in (people * share, people * (1 - share)) if part > 0.5]
        return min(parts, default=None)
    if value_type == "crude_rate":
        return byar_count(value, upper if upper - value > value - lower else lower)
    if value_type == "directly_standardised_rate":
        return dobson_count(value, lower, upper)
    return None


def _add_populations(cells: Iterable[Cell], policies: Mapping[str, DisclosurePolicy]) -> None:
    """Work out counts behind rates that have no denominator from populations of the same area, sex and age."""
    named = {name for policy in policies.values() for name in policy.population_indicators}
    held: dict[tuple[str, str, str], list[tuple[date, float]]] = defaultdict(list)
    for cell in cells:
        end = cell.period[1]
        if end is not None and cell.indicator_id in named and cell.value is not None:
            held[cell.area_code, cell.group[0], cell.group[1]].append((end, cell.value))
    for cell in cells:
        cell.from_population = _with_population(cell, held)


def _with_population(cell: Cell, held: Mapping[tuple[str, str, str], Sequence[tuple[date, float]]]) -> float | None:
    """Return the count that a rate implies with the population of the nearest date, or None."""
    end = cell.period[1]
    if end is None or cell.value is None or cell.implied_count is not None or cell.denominator is not None:
        return None
    if cell.rate_per is None or cell.group[2] != "Total":
        return None
    found = held.get((cell.area_code, cell.group[0], cell.group[1]))
    if not found:
        return None
    _, population = min(found, key=lambda one: (abs((one[0] - end).days), one[0]))
    return cell.value * population / cell.rate_per


def _flag(cell: Cell) -> None:
    """Write down why a cell may not be shown, if it may not."""
    policy = cell.policy
    if policy is None:
        return
    if is_small(cell.count, policy) or is_small(cell.implied_count, policy):
        cell.reasons.append("count")
    if is_small(cell.denominator, policy) and cell.denominator != 0:
        cell.reasons.append("denominator")
    if cell.is_share and cell.denominator is not None and cell.implied_count is not None:
        outside = cell.denominator - cell.implied_count
        if outside > max(cell.tolerance, 1e-9) and is_small(outside, policy):
            cell.reasons.append("complement")
    if cell.from_limits is not None and is_small(round(cell.from_limits), policy) and cell.from_limits > 0.5:
        cell.reasons.append("limits")
    if cell.from_population is not None and cell.value != 0 and is_small(max(round(cell.from_population), 1), policy):
        cell.reasons.append("population")


def _number(given: object) -> float | None:
    """Return a number of the database as a float."""
    return float(given) if isinstance(given, int | float) else None
