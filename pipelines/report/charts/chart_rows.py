"""Rows of a published file that charts are made of.

The queries belong here, a few for the whole file; what is made of the rows does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.report.published_rows import records

if TYPE_CHECKING:
    from datetime import date

    import duckdb


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A row of ``fct_target_vs_actual`` with a period; each attribute is a column of the file under its name there.

    ``second_value`` is the figure of the comparator, or of England where the commitment names none; ``versus_name`` the
    indicator against which a gap is taken; ``value_shorthand`` and ``value_label`` the words of the value status.
    """

    commitment_id: str
    area_code: str
    area_name: str
    area_type_label: str
    place_role: str
    indicator_id: str
    indicator_name: str
    versus_name: str | None
    unit: str | None
    decimal_places: int | None
    sex: str
    age: str
    category_type: str
    category: str
    measured_as: str
    gap_measure: str | None
    gap_dimension: str | None
    target_type: str
    comparator_area_code: str | None
    comparator_name: str | None
    comparator_rule: str | None
    period_label: str
    period_end: date
    period_months: int
    series_number: int | None
    actual_value: float | None
    actual_lower_ci_95: float | None
    actual_upper_ci_95: float | None
    actual_limits_basis: str | None
    actual_source_release: str | None
    value_shorthand: str | None
    value_label: str
    second_value: float | None
    baseline_value: float | None
    baseline_period_label: str | None
    baseline_refused_reason: str | None
    target_operator: str | None
    target_value: float | None
    trajectory_value: float | None
    forecast_value: float | None
    forecast_lower_80: float | None
    forecast_upper_80: float | None
    answering_period_end: date | None
    due_date: date | None
    change_code: str | None
    is_overlapping_baseline: int | None
    status_label: str
    not_assessable_reason: str | None
    is_scorecard_period: int


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row of ``fct_target`` for a period still to come; each attribute is a column of the file."""

    commitment_id: str
    area_code: str
    indicator_id: str
    sex: str
    age: str
    category_type: str
    category: str
    period_label: str
    period_end: date
    period_months: int
    target_value: float | None
    trajectory_value: float | None


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Commitments of a framework by status; ``places`` counts the rows of the scorecard that belong in a total."""

    framework_id: str
    framework: str
    status_code: str
    status_label: str
    status_symbol: str
    status_colour: str
    status_sort: int
    is_judgement: int
    places: int


_VALUES = """
from (
    select
        t.*,
        a.area_name,
        a.area_type_label,
        i.indicator_id,
        i.indicator_name,
        o.indicator_name as versus_name,
        i.unit,
        i.decimal_places,
        g.sex,
        g.age,
        g.category_type,
        g.category,
        c.gap_measure,
        c.gap_dimension,
        c.target_type,
        c.comparator_area_code,
        (select min(n.area_name) from dim_area as n where n.area_code = c.comparator_area_code) as comparator_name,
        c.comparator_rule,
        p.period_label,
        p.period_end,
        p.period_months,
        p.period_sort,
        v.series_number,
        w.shorthand as value_shorthand,
        coalesce(w.value_status_label, 'Not available') as value_label,
        case
            when t.measured_as <> 'value' then null
            when c.comparator_area_code is not null then t.comparator_value
            when t.area_code <> 'E92000001' then coalesce(v.england_value, f.england_value)
        end as second_value,
        coalesce(s.status_label, 'Not shown') as status_label
    from fct_target_vs_actual as t
    inner join dim_commitment as c on t.commitment_key = c.commitment_key
    inner join dim_area as a on t.area_key = a.area_key
    inner join dim_indicator as i on t.indicator_key = i.indicator_key
    inner join dim_population_group as g on t.population_group_key = g.population_group_key
    inner join dim_period as p on t.period_key = p.period_key
    left join dim_status as s on t.status_key = s.status_key
    left join dim_value_status as w on t.value_status_code = w.value_status_code
    left join bridge_commitment_indicator as b
        on t.commitment_key = b.commitment_key
        and t.indicator_key = b.indicator_key
        and t.population_group_key = b.population_group_key
    left join dim_indicator as o on b.versus_indicator_key = o.indicator_key and o.indicator_key > 0
    left join fct_indicator_value as v on t.actual_value_key = v.indicator_value_key
    left join fct_footprint_value as f on t.actual_footprint_value_key = f.footprint_value_key
    where t.period_key > 0
)
order by
    commitment_id, place_role desc, area_name, area_code, indicator_name, indicator_id, sex, age, category_type,
    category, period_end, period_months, period_sort
"""
_PLANNED = """
from (
    select
        c.commitment_id,
        a.area_code,
        i.indicator_id,
        g.sex,
        g.age,
        g.category_type,
        g.category,
        p.period_label,
        p.period_end,
        p.period_months,
        t.target_value,
        t.trajectory_value
    from fct_target as t
    inner join dim_commitment as c on t.commitment_key = c.commitment_key
    inner join dim_area as a on t.area_key = a.area_key
    inner join dim_indicator as i on t.indicator_key = i.indicator_key
    inner join dim_population_group as g on t.population_group_key = g.population_group_key
    inner join dim_period as p on t.period_key = p.period_key
    where t.is_planned = 1 and t.period_key > 0
)
order by commitment_id, area_code, indicator_id, sex, age, category_type, category, period_end, period_months
"""
_STATUSES = """
from (
    select
        s.framework_id,
        s.framework,
        s.status_code,
        s.status_label,
        s.status_symbol,
        s.status_colour,
        s.status_sort,
        d.is_judgement,
        count(*) as places
    from v_scorecard as s
    inner join dim_status as d on s.status_key = d.status_key
    where s.is_counted = 1
    group by all
)
order by framework, framework_id, status_sort, status_code
"""


def read_value_rows(connection: duckdb.DuckDBPyConnection) -> list[ValueRow]:
    """Return every period of every commitment that is measured, in the order in which charts are shown.

    Args:
        connection: An open published file.
    """
    return records(connection, ValueRow, _VALUES)


def read_planned_rows(connection: duckdb.DuckDBPyConnection) -> list[PlannedRow]:
    """Return the periods still to come of every commitment with a due date.

    Args:
        connection: An open published file.
    """
    return records(connection, PlannedRow, _PLANNED)


def read_status_rows(connection: duckdb.DuckDBPyConnection) -> list[StatusRow]:
    """Return how many rows of the scorecard have which status, by framework.

    Args:
        connection: An open published file.
    """
    return records(connection, StatusRow, _STATUSES)
