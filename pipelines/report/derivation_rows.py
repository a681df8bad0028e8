"""Records from which a status is explained, each attribute a column of the published file.

Shapes belong here, and the queries that give them; which of them explains what does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class CommitmentRow:
    """A version of a commitment with the document that makes it (``dim_commitment``, ``dim_framework``)."""

    commitment_key: int
    commitment_id: str
    framework_id: str
    framework: str
    organisation: str | None
    period_start: date | None
    aim: str | None
    priority: str | None
    title: str
    kind: str | None
    target_type: str
    operator: str | None
    target_value: float | None
    target_unit: str | None
    change_basis: str | None
    comparator_area_code: str | None
    comparator_rule: str | None
    level_rule: str | None
    sequence_rule: str | None
    gap_measure: str | None
    gap_dimension: str | None
    desired_direction: str | None
    due_date: date | None
    due_date_precision: str | None
    due_date_source: str | None
    recurrence: str | None
    baseline_period_label: str | None
    baseline_period_source: str | None
    baseline_value_stated: float | None
    baseline_value_source: str | None
    owner: str | None
    document_file: str | None
    document_line: int | None
    parent_commitment_id: str | None
    same_as_commitment_id: str | None
    sibling_group: str | None
    data_needed: str | None
    analyst_note: str | None
    is_permissive: int
    valid_from: date | None
    valid_to: date | None
    superseded_by: str | None
    is_current: int


COMMITMENTS = """
from (
    select c.*, f.framework_id, f.framework, f.organisation, f.period_start
    from dim_commitment as c inner join dim_framework as f on c.framework_key = f.framework_key
)
"""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """Another commitment that is tied to this one, and how."""

    relation: str
    commitment_id: str
    title: str


LINKS = """
from (
    select 'part of' as relation, p.commitment_id, p.title, 1 as place
    from dim_commitment as p where p.commitment_id = $parent and p.is_current = 1
    union all
    select 'repeats', p.commitment_id, p.title, 2
    from dim_commitment as p where p.commitment_id = $same and p.is_current = 1
    union all
    select 'has the part', p.commitment_id, p.title, 3
    from dim_commitment as p where p.parent_commitment_id = $own and p.is_current = 1
    union all
    select 'is repeated by', p.commitment_id, p.title, 4
    from dim_commitment as p where p.same_as_commitment_id = $own and p.is_current = 1
    union all
    select 'out of the same sentence as', p.commitment_id, p.title, 5
    from dim_commitment as p
    where p.sibling_group = $siblings and p.commitment_id <> $own and p.is_current = 1
)
order by place, commitment_id
"""


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """A reading that an analyst chose (``commitment_choice``)."""

    choice: str
    chosen: str
    alternative: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """An indicator and group that measure the commitment (``bridge_commitment_indicator``)."""

    indicator_key: int
    indicator_id: str
    indicator_name: str
    population_group_key: int
    population_group: str
    versus_indicator_id: str | None
    versus_indicator_name: str | None
    gap_category_type: str | None
    confidence: str
    reason: str | None


MEASURES = """
from (
    select
        b.*, i.indicator_id, i.indicator_name, g.population_group,
        v.indicator_id as versus_indicator_id, v.indicator_name as versus_indicator_name
    from bridge_commitment_indicator as b
    inner join dim_indicator as i on b.indicator_key = i.indicator_key
    inner join dim_population_group as g on b.population_group_key = g.population_group_key
    left join dim_indicator as v on b.versus_indicator_key = v.indicator_key
    where b.commitment_key = ?
)
order by case confidence when 'high' then 1 when 'medium' then 2 else 3 end, indicator_id, population_group
"""


@dataclass(frozen=True, slots=True)
class AssessedRow:
    """A row of ``fct_target_vs_actual`` with the names of what it is about."""

    target_vs_actual_key: int
    commitment_key: int
    area_key: int
    indicator_key: int
    population_group_key: int
    period_key: int
    area_code: str
    area_name: str
    place_role: str
    indicator_id: str | None
    indicator_name: str | None
    indicator_unit: str | None
    value_type: str | None
    polarity: str | None
    multiplier: float | None
    decimal_places: int | None
    population_group: str
    period_label: str | None
    period_start: date | None
    period_end: date | None
    status_code: str
    status_label: str
    status_symbol: str
    status_colour: str
    status_sort: int
    not_assessable_reason: str | None
    explanation: str | None
    indicator_confidence: str | None
    measured_as: str
    actual_value: float | None
    actual_lower_ci_95: float | None
    actual_upper_ci_95: float | None
    value_status_code: str | None
    actual_value_key: int | None
    actual_footprint_value_key: int | None
    actual_inequality_key: int | None
    actual_source_release: str | None
    baseline_value: float | None
    baseline_period_label: str | None
    baseline_basis: str | None
    baseline_refused_reason: str | None
    baseline_value_key: int | None
    baseline_footprint_value_key: int | None
    baseline_inequality_key: int | None
    baseline_source_release: str | None
    baseline_value_stated: float | None
    comparator_value: float | None
    comparator_value_key: int | None
    baseline_comparator_value: float | None
    target_value: float | None
    target_operator: str | None
    trajectory_value: float | None
    gap_to_target: float | None
    gap_in_people: int | None
    share_of_distance: float | None
    required_annual_change: float | None
    observed_annual_change: float | None
    level_code: str | None
    is_target_met_by_point: int | None
    change_code: str | None
    change_method: str | None
    is_overlapping_baseline: int | None
    pace_ratio: float | None
    pace_band: str | None
    is_slipping: int
    healthy_people_category: str | None
    linear_pace_verdict: str | None
    fingertips_goal_by_value: str | None
    fingertips_goal_by_limits: str | None
    assurance_code: str | None
    forecast_value: float | None
    forecast_lower_80: float | None
    forecast_upper_80: float | None
    forecast_probability: float | None
    forecast_method: str | None
    forecast_points: int | None
    no_forecast_reason: str | None
    deadline_state: str | None
    due_date: date | None
    answering_period_end: date | None
    answer_expected_on: date | None
    status_rule_order: int | None
    status_rule_why: str | None
    is_stale: int
    is_scorecard_period: int
    series_number: int | None
    speaks: int

    @property
    def scope(self) -> tuple[int, int, int]:
        """Place, indicator and group: what stays the same from period to period."""
        return self.area_key, self.indicator_key, self.population_group_key


_ASSESSED = """
from (
    select
        t.*, a.area_name, i.indicator_id, i.indicator_name, i.unit as indicator_unit, i.value_type, i.polarity,
        i.multiplier, i.decimal_places, g.population_group, p.period_start, p.period_end,
        case when t.period_key = -2 then null else p.period_label end as period_label,
        s.status_label, s.status_symbol, s.status_colour, s.status_sort,
        coalesce(v.series_number, q.series_number) as series_number,
        cast(
            c.commitment_key is not null
            and c.indicator_key = t.indicator_key
            and c.population_group_key = t.population_group_key as smallint
        ) as speaks
    from fct_target_vs_actual as t
    inner join dim_area as a on t.area_key = a.area_key
    inner join dim_indicator as i on t.indicator_key = i.indicator_key
    inner join dim_population_group as g on t.population_group_key = g.population_group_key
    inner join dim_period as p on t.period_key = p.period_key
    inner join dim_status as s on t.status_key = s.status_key
    left join v_scorecard as c on t.commitment_key = c.commitment_key and t.area_key = c.area_key
    left join fct_indicator_value as v on t.actual_value_key = v.indicator_value_key
    left join fct_inequality as n on t.actual_inequality_key = n.inequality_key
    left join fct_indicator_value as q on coalesce(n.value_a_key, n.value_b_key) = q.indicator_value_key
    where {rows}
)
order by place_role desc, status_sort, area_name, area_code, indicator_id, population_group, period_end
"""
ASSESSED = _ASSESSED.format(rows="t.commitment_key = ?")
ON_SCORECARD = _ASSESSED.format(rows="t.is_scorecard_period = 1")
"""The same for every commitment at once: the periods that the scorecard shows."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A published value with its file and record (``fct_indicator_value``)."""

    indicator_value_key: int
    indicator_id: str
    indicator_name: str
    area_code: str
    area_name: str
    population_group: str
    period_label: str
    period_start: date
    period_end: date
    value: float | None
    lower_ci_95: float | None
    upper_ci_95: float | None
    lower_ci_95_computed: float | None
    upper_ci_95_computed: float | None
    count: float | None
    denominator: float | None
    is_count_numerator: int | None
    value_status_code: str
    value_note: str | None
    series_number: int | None
    compared_to_england_published: str | None
    source_id: str
    source_title: str
    source_release: str
    source_file: str
    source_row_number: int
    source_column: str | None
    source_file_sha256: str
    value_as_published: str | None
    correction_id: str | None

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The 95 % limits in use: as published where both are printed, else as computed from the counts."""
        if self.lower_ci_95 is not None and self.upper_ci_95 is not None:
            return self.lower_ci_95, self.upper_ci_95
        return self.lower_ci_95_computed, self.upper_ci_95_computed


FIGURES = """
from (
    select v.*, i.indicator_name, a.area_name, g.population_group, g.sex, g.age, g.category_type, g.category,
        p.period_label, p.period_start, p.period_end, p.period_type, s.source_id, s.source_title
    from fct_indicator_value as v
    inner join dim_indicator as i on v.indicator_key = i.indicator_key
    inner join dim_area as a on v.area_key = a.area_key
    inner join dim_population_group as g on v.population_group_key = g.population_group_key
    inner join dim_period as p on v.period_key = p.period_key
    inner join dim_source as s on v.source_key = s.source_key
)
"""


@dataclass(frozen=True, slots=True)
class AddedUpRow:
    """A value that is added up from the parts of an area (``fct_footprint_value``)."""

    footprint_value_key: int
    indicator_id: str
    area_code: str
    area_name: str
    period_label: str
    period_start: date
    period_end: date
    value: float | None
    lower_ci_95: float | None
    upper_ci_95: float | None
    count: float | None
    denominator: float | None
    constituents: int
    constituents_with_value: int
    coverage: float | None
    footprint_reason: str | None
    published_value: float | None


ADDED_UP = """
from (
    select f.*, a.area_name, p.period_label, p.period_start, p.period_end
    from fct_footprint_value as f
    inner join dim_area as a on f.area_key = a.area_key
    inner join dim_period as p on f.period_key = p.period_key
)
"""


@dataclass(frozen=True, slots=True)
class GapRow:
    """A gap across the groups of a breakdown (``fct_inequality``)."""

    inequality_key: int
    dimension: str
    gap_direction: str | None
    group_count: int | None
    group_a: str | None
    group_b: str | None
    value_a: float | None
    value_b: float | None
    absolute_gap: float | None
    absolute_gap_lower_ci_95: float | None
    absolute_gap_upper_ci_95: float | None
    relative_gap: float | None
    relative_gap_lower_ci_95: float | None
    relative_gap_upper_ci_95: float | None
    slope_index: float | None
    slope_index_lower_ci_95: float | None
    slope_index_upper_ci_95: float | None
    relative_index: float | None
    relative_index_lower_ci_95: float | None
    relative_index_upper_ci_95: float | None
    no_slope_reason: str | None
    value_a_key: int | None
    value_b_key: int | None
    period_label: str
    period_start: date
    period_end: date

    def measured(self, gap_measure: str | None) -> tuple[float | None, float | None, float | None]:
        """Return the gap that a commitment is about, with its limits.

        Args:
            gap_measure: ``absolute_gap``, ``relative_gap``, ``slope_index`` or ``relative_index``; without one
                nothing is measured.
        """
        if gap_measure is None:
            return None, None, None
        value, lower, upper = (
            getattr(self, f"{gap_measure}{ending}") for ending in ("", "_lower_ci_95", "_upper_ci_95")
        )
        return value, lower, upper


GAPS = """
from (
    select n.*, p.period_label, p.period_start, p.period_end
    from fct_inequality as n inner join dim_period as p on n.period_key = p.period_key
)
"""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A comparator of the place (``fct_commitment_comparison``)."""

    comparator_relation: str
    comparator_id: str
    comparator_name: str
    comparator_as_of: str | None
    comparator_value: float | None
    comparator_basis: str | None
    compared: str | None
    place_among_neighbours: int | None
    neighbours_with_value: int | None
    neighbours: int | None


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """A group of the indicator at the place (``v_commitment_breakdown``)."""

    population_group: str
    is_group_scored: int
    value: float | None
    lower_ci_95: float | None
    upper_ci_95: float | None
    gap_to_target: float | None
    difference_from_scored: float | None
    is_target_met_by_point: int | None
    value_status_code: str | None


@dataclass(frozen=True, slots=True)
class MilestoneRow:
    """An action, or an instance of a recurring output, and what is recorded of it (``fct_milestone``)."""

    instance: str | None
    due_date: date | None
    milestone_state: str
    recorded_on: date | None
    completed_on: date | None
    recorded_state: str | None
    evidence_document: str | None
    evidence_line: int | None
    note: str | None
