"""What stands on each sheet of the workbook: which rows of the release, under which headings.

The questions and headings belong here, and what stands in a cell that has no content. How a sheet is laid out does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

Kind = Literal["text", "number", "whole", "date"]
Cell = Any
"""A text, a number or a date, as the release has it."""

NOT_APPLICABLE = "[z]"
NOT_AVAILABLE = "[x]"
SHORTHAND = {
    "[c]": "Confidential: withheld so that nobody can be identified.",
    "[e]": "Estimated or modelled by the publisher.",
    "[r]": "Revised or corrected: the figure as published is known to be wrong.",
    "[u]": "Low reliability: the publisher warns about the quality of the figure.",
    "[x]": "Not available: there should be a figure, and there is none.",
    "[z]": "Not applicable: nothing belongs in this cell.",
}
"""Shorthand of the Government Analysis Function -> what it means."""

_OPERATOR_WORDS = {"<=": "at most", ">=": "at least", "<": "below", ">": "above"}


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column of a sheet.

    Attributes:
        heading: What stands in the header row.
        field: Column of the sheet's query that has the content.
        kind: What a cell holds when it holds anything.
        width: Width in characters.
        described_by: ``table.column`` whose description in the data dictionary says what it holds.
        means: What it holds, where the dictionary has no such column.
        absent: Shorthand of a cell without content.
        absent_field: Column of the query that has the shorthand instead, row by row.
        take: Makes the content from a whole row of the query, where a column of it will not do.
    """

    heading: str
    field: str
    kind: Kind = "text"
    width: int = 16
    described_by: str | None = None
    means: str = ""
    absent: str = NOT_APPLICABLE
    absent_field: str | None = None
    take: Callable[[Mapping[str, Cell]], Cell] | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with one table.

    Attributes:
        name: Name of the sheet; also that of its table, with underscores.
        title: What is in it, as a title.
        about: How to read it, a sentence or two.
        query: The rows, in order; its columns are those that ``columns`` name.
        columns: The columns, from left to right.
    """

    name: str
    title: str
    about: str
    query: str
    columns: tuple[SheetColumn, ...]

    @property
    def table_name(self) -> str:
        """Name of the marked-up table: what a screen reader announces."""
        return self.name.lower().replace(" ", "_")


def read_sheet(connection: duckdb.DuckDBPyConnection, sheet: Sheet) -> list[list[Cell]]:
    """Read the cells of a sheet.

    Args:
        connection: The open release.
        sheet: The sheet.

    Returns:
        Its rows; a cell without content has its shorthand.
    """
    result = connection.execute(sheet.query)
    names = [str(column[0]) for column in result.description or ()]
    return [
        [_cell(column, row) for column in sheet.columns]
        for row in (dict(zip(names, found, strict=True)) for found in result.fetchall())
    ]


def _cell(column: SheetColumn, row: Mapping[str, Cell]) -> Cell:
    """Return what stands in a cell."""
    content = column.take(row) if column.take else row[column.field]
    if content is None or content == "":
        shorthand = row[column.absent_field] if column.absent_field else None
        return shorthand or column.absent
    return content


def _unit(row: Mapping[str, Cell]) -> str | None:
    """Return the unit of what is measured; that of a gap differs from that of its indicator."""
    if row["gap_measure"] in ("relative_gap", "relative_index"):
        return "times"
    is_gap = str(row["measured_as"]).startswith("gap")
    return "percentage points" if is_gap and row["unit"] == "%" else _unit_in_words(row["unit"])


def _unit_in_words(unit: str | None) -> str | None:
    """Write out the one unit that is no more than a sign, which a screen reader may pass over."""
    return "per cent" if unit == "%" else unit


def _target_is(row: Mapping[str, Cell]) -> str | None:
    """Return in words on which side of the target is the right one."""
    operator = row["target_operator"]
    return None if operator is None else _OPERATOR_WORDS[operator]


def _in_words(field: str) -> Callable[[Mapping[str, Cell]], str | None]:
    """Return what writes a code of the file as words."""

    def take(row: Mapping[str, Cell]) -> str | None:
        return None if row[field] is None else str(row[field]).replace("_", " ")

    return take


_MARKED = """
    case
        when m.shorthand is null then m.value_status_label
        else m.value_status_label || ' ' || m.shorthand
    end
"""
"""State of a figure, with its shorthand where it has one; ``m`` is ``dim_value_status``."""

_ABSENT = """
    case
        when t.measured_as = 'none' then '[z]'
        else coalesce(case when m.has_value = 0 then m.shorthand end, '[x]')
    end
"""
"""Shorthand of a figure that is not there; ``t`` has what is measured."""

_WITHHELD = "case when m.has_value = 0 and m.shorthand = '[c]' then '[c]' else '[z]' end"
"""Shorthand of what goes with a figure and is empty: confidential with it, otherwise there is nothing to say."""

_ACTUAL = (
    SheetColumn(
        "Actual value",
        "actual_value",
        "number",
        12,
        "fct_target_vs_actual.actual_value",
        absent_field="actual_absent",
    ),
    SheetColumn(
        "Lower 95% limit",
        "actual_lower_ci_95",
        "number",
        12,
        "fct_target_vs_actual.actual_lower_ci_95",
        absent_field="limits_absent",
    ),
    SheetColumn(
        "Upper 95% limit",
        "actual_upper_ci_95",
        "number",
        12,
        "fct_target_vs_actual.actual_upper_ci_95",
        absent_field="limits_absent",
    ),
    SheetColumn(
        "State of the value",
        "value_state",
        width=14,
        means="Whether the publisher gives the value, and with which warning; shorthand as on the notes sheet.",
    ),
)
_TARGET = (
    SheetColumn("Target is", "target_operator", width=10, described_by="v_scorecard.target_operator", take=_target_is),
    SheetColumn(
        "Target value",
        "target_value",
        "number",
        12,
        "fct_target_vs_actual.target_value",
        absent_field="withheld",
    ),
)
_STATUS = SheetColumn(
    "Status", "status", width=22, means="Symbol and words of the status; dim_status says what each means."
)
_COMMITMENT = (
    SheetColumn("Framework", "framework", width=28, described_by="v_scorecard.framework"),
    SheetColumn("Commitment id", "commitment_id", width=20, described_by="v_scorecard.commitment_id"),
    SheetColumn("Commitment", "title", width=40, described_by="v_scorecard.title"),
    SheetColumn("Place code", "area_code", width=13, described_by="v_scorecard.area_code"),
    SheetColumn("Place", "area_name", width=22, described_by="v_scorecard.area_name"),
)
_MEASURED = (
    SheetColumn("Indicator", "indicator_name", width=36, described_by="v_scorecard.indicator_name"),
    SheetColumn("Population group", "population_group", width=22, described_by="v_scorecard.population_group"),
    SheetColumn("Unit", "unit", width=14, described_by="v_scorecard.unit", take=_unit),
    SheetColumn("Period", "period_label", width=12, described_by="v_scorecard.period_label"),
)

SCORECARD = Sheet(
    name="Scorecard",
    title="Scorecard: every commitment at every place that signed it",
    about="Each row is one commitment at one place that the document names, with its latest figures and its status.",
    query=f"""
        select
            t.framework, t.priority, t.commitment_id, t.title, t.area_code, t.area_name,
            t.status_symbol || ' ' || t.status_label as status, t.not_assessable_reason, t.explanation,
            nullif(t.indicator_name, 'Not applicable') as indicator_name, t.unit, t.measured_as, c.gap_measure,
            case when t.measured_as <> 'none' then t.population_group end as population_group,
            case when t.period_key > 0 then t.period_label end as period_label,
            t.actual_value, t.actual_lower_ci_95, t.actual_upper_ci_95, {_MARKED} as value_state,
            {_ABSENT} as actual_absent, {_WITHHELD} as withheld,
            case when t.actual_value is null then {_ABSENT} else '[x]' end as limits_absent,
            t.target_operator, t.target_value,
            t.baseline_value, t.baseline_period_label,
            case
                when t.baseline_basis is null or t.baseline_basis = 'none' then '[z]'
                when t.actual_value is null then {_ABSENT}
                else '[x]'
            end as baseline_absent,
            t.due_date, t.owner
        from v_scorecard as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        left join framework_priority as p
            on c.framework_key = p.framework_key and t.aim = p.aim and t.priority = p.priority
        left join fct_target_vs_actual as v
            on t.commitment_key = v.commitment_key and t.area_key = v.area_key
            and t.indicator_key = v.indicator_key and t.population_group_key = v.population_group_key
            and t.period_key = v.period_key and v.is_scorecard_period = 1
        left join dim_value_status as m on v.value_status_code = m.value_status_code
        where t.place_role = 'signed'
        order by
            t.framework, t.framework_id, p.sequence nulls last, t.priority, t.title, t.commitment_id, t.area_name,
            t.area_code
    """,
    columns=(
        _COMMITMENT[0],
        SheetColumn("Priority", "priority", width=24, described_by="v_scorecard.priority"),
        *_COMMITMENT[1:],
        _STATUS,
        *_MEASURED,
        *_ACTUAL,
        *_TARGET,
        SheetColumn(
            "Baseline value",
            "baseline_value",
            "number",
            12,
            "v_scorecard.baseline_value",
            absent_field="baseline_absent",
        ),
        SheetColumn(
            "Baseline period",
            "baseline_period_label",
            width=12,
            described_by="v_scorecard.baseline_period_label",
        ),
        SheetColumn("Due date", "due_date", "date", 18, "v_scorecard.due_date"),
        SheetColumn(
            "Why not assessable",
            "not_assessable_reason",
            width=24,
            described_by="v_scorecard.not_assessable_reason",
            take=_in_words("not_assessable_reason"),
        ),
        SheetColumn(
            "Explanation",
            "explanation",
            width=70,
            described_by="v_scorecard.explanation",
            absent_field="withheld",
        ),
        SheetColumn("Owner", "owner", width=24, described_by="v_scorecard.owner"),
    ),
)
COVERAGE = Sheet(
    name="Coverage",
    title="Coverage: what can be said of the commitments of each framework",
    about="Each row counts the commitments of one framework with one outcome; together they are all of them.",
    query="""
        select framework, outcome, not_assessable_reason, commitments from v_coverage
        order by framework, framework_id, outcome, not_assessable_reason nulls first
    """,
    columns=(
        SheetColumn("Framework", "framework", width=60, described_by="v_coverage.framework"),
        SheetColumn("Outcome", "outcome", width=18, described_by="v_coverage.outcome", take=_in_words("outcome")),
        SheetColumn(
            "Why not assessable",
            "not_assessable_reason",
            width=30,
            described_by="v_coverage.not_assessable_reason",
            take=_in_words("not_assessable_reason"),
        ),
        SheetColumn("Commitments", "commitments", "whole", 14, "v_coverage.commitments"),
    ),
)
INDICATORS_LATEST = Sheet(
    name="Indicators latest",
    title="Latest values of the indicators behind the scorecard",
    about="Each row is the newest value of an indicator at a place that signed, or in England, beside England's.",
    query=f"""
        select
            v.indicator_id, v.indicator_name, v.unit, v.area_code, v.area_name, v.population_group, v.period_label,
            v.period_end, v.value, v.lower_ci_95, v.upper_ci_95, {_MARKED} as value_state,
            coalesce(case when m.has_value = 0 then m.shorthand end, '[x]') as absent, v.england_value,
            v.compared_to_england_computed, v.source_id
        from v_indicator_latest as v
        left join dim_value_status as m on v.value_status_code = m.value_status_code
        where
            v.indicator_id in (select s.indicator_id from v_scorecard as s where s.measured_as <> 'none')
            and (
                v.area_type = 'england'
                or v.area_code in (select s.area_code from v_scorecard as s where s.place_role = 'signed')
            )
            and v.is_total = 1
        order by
            v.indicator_name, v.indicator_id, v.area_type = 'england' desc, v.area_name, v.area_code, v.area_type,
            v.population_group, v.period_months, v.period_end
    """,
    columns=(
        SheetColumn("Indicator id", "indicator_id", width=18, described_by="v_indicator_latest.indicator_id"),
        SheetColumn("Indicator", "indicator_name", width=44, described_by="v_indicator_latest.indicator_name"),
        SheetColumn(
            "Unit",
            "unit",
            width=14,
            described_by="v_indicator_latest.unit",
            take=lambda row: _unit_in_words(row["unit"]),
        ),
        SheetColumn("Place code", "area_code", width=13, described_by="v_indicator_latest.area_code"),
        SheetColumn("Place", "area_name", width=24, described_by="v_indicator_latest.area_name"),
        SheetColumn(
            "Population group", "population_group", width=24, described_by="v_indicator_latest.population_group"
        ),
        SheetColumn("Period", "period_label", width=12, described_by="v_indicator_latest.period_label"),
        SheetColumn("End of period", "period_end", "date", 18, "v_indicator_latest.period_end"),
        SheetColumn("Value", "value", "number", 12, "v_indicator_latest.value", absent_field="absent"),
        SheetColumn(
            "Lower 95% limit", "lower_ci_95", "number", 12, "v_indicator_latest.lower_ci_95", absent_field="absent"
        ),
        SheetColumn(
            "Upper 95% limit", "upper_ci_95", "number", 12, "v_indicator_latest.upper_ci_95", absent_field="absent"
        ),
        SheetColumn("State of the value", "value_state", width=14, means=_ACTUAL[3].means),
        SheetColumn(
            "England value", "england_value", "number", 12, "v_indicator_latest.england_value", absent=NOT_AVAILABLE
        ),
        SheetColumn(
            "Compared with England",
            "compared_to_england_computed",
            width=18,
            described_by="v_indicator_latest.compared_to_england_computed",
            take=_in_words("compared_to_england_computed"),
        ),
        SheetColumn("Source id", "source_id", width=18, described_by="v_indicator_latest.source_id"),
    ),
)
OVER_TIME = Sheet(
    name="Targets vs actuals",
    title="Targets beside actual values over time",
    about=(
        "Each row is one period of one commitment at one place that signed it. The newest period has the status of the "
        "scorecard; an earlier one is judged as it would be, were it the newest."
    ),
    query=f"""
        select
            f.framework, t.commitment_id, c.title, t.area_code, a.area_name, i.indicator_name, i.unit, t.measured_as,
            c.gap_measure, g.population_group, case when t.period_key > 0 then p.period_label end as period_label,
            case when t.period_key > 0 then p.period_end end as period_end,
            t.actual_value, t.actual_lower_ci_95, t.actual_upper_ci_95, {_MARKED} as value_state,
            {_ABSENT} as actual_absent, {_WITHHELD} as withheld,
            case when t.actual_value is null then {_ABSENT} else '[x]' end as limits_absent,
            t.target_operator, t.target_value, t.trajectory_value, t.gap_to_target,
            case when t.actual_value is null then {_ABSENT} else {_WITHHELD} end as gap_absent,
            s.status_symbol || ' ' || s.status_label as status
        from fct_target_vs_actual as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        inner join dim_framework as f on c.framework_key = f.framework_key
        inner join dim_area as a on t.area_key = a.area_key
        inner join dim_indicator as i on t.indicator_key = i.indicator_key
        inner join dim_population_group as g on t.population_group_key = g.population_group_key
        inner join dim_period as p on t.period_key = p.period_key
        inner join dim_status as s on t.status_key = s.status_key
        left join dim_value_status as m on t.value_status_code = m.value_status_code
        where t.place_role = 'signed' and t.measured_as <> 'none' and c.is_current = 1
        order by
            f.framework, f.framework_id, c.title, t.commitment_id, a.area_name, t.area_code, i.indicator_name,
            t.indicator_key, g.population_group, t.population_group_key, p.period_end, t.target_vs_actual_key
    """,
    columns=(
        *_COMMITMENT,
        *_MEASURED,
        # What belongs into one line chart stands side by side, so that one drag selects it.
        _ACTUAL[0],
        _TARGET[1],
        SheetColumn(
            "Straight path",
            "trajectory_value",
            "number",
            12,
            "fct_target_vs_actual.trajectory_value",
            absent_field="withheld",
        ),
        *_ACTUAL[1:],
        _TARGET[0],
        SheetColumn("End of period", "period_end", "date", 18, "dim_period.period_end"),
        SheetColumn(
            "Gap to target",
            "gap_to_target",
            "number",
            12,
            "fct_target_vs_actual.gap_to_target",
            absent_field="gap_absent",
        ),
        _STATUS,
    ),
)
MILESTONES = Sheet(
    name="Milestones",
    title="Milestones: actions and recurring outputs, and what is recorded of them",
    about="Each row is one action, or one instance of a recurring output. Without a record nothing is claimed.",
    query="""
        select
            f.framework, m.commitment_id, c.title, m.recurrence, m.instance, m.due_date,
            s.status_symbol || ' ' || s.status_label as status, m.recorded_on, m.completed_on, m.note, c.owner
        from fct_milestone as m
        inner join dim_commitment as c on m.commitment_key = c.commitment_key
        inner join dim_framework as f on c.framework_key = f.framework_key
        inner join dim_status as s on m.status_key = s.status_key
        where c.is_current = 1
        order by
            f.framework, f.framework_id, m.due_date nulls last, c.title, m.commitment_id, m.instance, m.milestone_key
    """,
    columns=(
        _COMMITMENT[0],
        _COMMITMENT[1],
        _COMMITMENT[2],
        SheetColumn("How often", "recurrence", width=14, described_by="fct_milestone.recurrence"),
        SheetColumn("Instance", "instance", width=12, described_by="fct_milestone.instance"),
        SheetColumn("Due date", "due_date", "date", 18, "fct_milestone.due_date"),
        _STATUS,
        SheetColumn("Recorded on", "recorded_on", "date", 18, "fct_milestone.recorded_on"),
        SheetColumn("Completed on", "completed_on", "date", 18, "fct_milestone.completed_on"),
        SheetColumn("What the record says", "note", width=50, described_by="fct_milestone.note"),
        SheetColumn("Owner", "owner", width=26, described_by="dim_commitment.owner"),
    ),
)
SOURCES = Sheet(
    name="Sources",
    title="Sources and how fresh they are",
    about="Each row is one source: who publishes it, which releases of it were read and when the next is expected.",
    query="""
        select
            s.source_id, s.source_title, s.publisher, s.licence, s.homepage, s.owner, s.release_cadence,
            s.source_releases, f.freshness_state, f.expected_on, f.days_late, f.freshness_words, s.load_state,
            s.load_reason, l.published_rows
        from dim_source as s
        left join source_freshness as f on s.source_key = f.source_key
        left join source_load as l on s.source_key = l.source_key
        where s.source_key > 0 order by s.source_title, s.source_id
    """,
    columns=(
        SheetColumn("Source id", "source_id", width=20, described_by="dim_source.source_id"),
        SheetColumn("Source", "source_title", width=36, described_by="dim_source.source_title"),
        SheetColumn("Publisher", "publisher", width=28, described_by="dim_source.publisher"),
        SheetColumn("Licence", "licence", width=24, described_by="dim_source.licence"),
        SheetColumn("Address", "homepage", width=36, described_by="dim_source.homepage"),
        SheetColumn("Owner", "owner", width=26, described_by="dim_source.owner"),
        SheetColumn("How often", "release_cadence", width=12, described_by="dim_source.release_cadence"),
        SheetColumn("Releases read", "source_releases", width=26, described_by="dim_source.source_releases"),
        SheetColumn("Freshness", "freshness_state", width=14, described_by="source_freshness.freshness_state"),
        SheetColumn("Next expected on", "expected_on", "date", 18, "source_freshness.expected_on"),
        SheetColumn("Days late", "days_late", "whole", 10, "source_freshness.days_late"),
        SheetColumn("In words", "freshness_words", width=60, described_by="source_freshness.freshness_words"),
        SheetColumn("Load", "load_state", width=12, described_by="dim_source.load_state"),
        SheetColumn("Why refused", "load_reason", width=50, described_by="dim_source.load_reason"),
        SheetColumn("Published rows", "published_rows", "whole", 12, "source_load.published_rows"),
    ),
)
KNOWN_ISSUES = Sheet(
    name="Known issues",
    title="Known issues in the documents and data behind this release",
    about="Each row is one thing that is known to be wrong or that does not reconcile. Severity A is the worst.",
    query="""
        select issue_id, severity, subject, subject_id, title, detail, evidence, first_seen, issue_status
        from known_issue order by issue_status = 'open' desc, severity, issue_id
    """,
    columns=(
        SheetColumn("Issue id", "issue_id", width=10, described_by="known_issue.issue_id"),
        SheetColumn("Severity", "severity", width=10, described_by="known_issue.severity"),
        SheetColumn("Subject", "subject", width=12, described_by="known_issue.subject"),
        SheetColumn("Subject id", "subject_id", width=24, described_by="known_issue.subject_id"),
        SheetColumn("What is wrong", "title", width=44, described_by="known_issue.title"),
        SheetColumn("Detail", "detail", width=70, described_by="known_issue.detail"),
        SheetColumn("Evidence", "evidence", width=40, described_by="known_issue.evidence"),
        SheetColumn("First seen", "first_seen", "date", 18, "known_issue.first_seen"),
        SheetColumn("State", "issue_status", width=10, described_by="known_issue.issue_status"),
    ),
)
DATA_QUALITY = Sheet(
    name="Data quality",
    title="Data quality: checks behind this release and what they found",
    about="Each row counts the checks of one stage on one subject; the kinds of outcome add up to Intended.",
    query="""
        select
            stage, subject_name, intended_checks, passed_checks, warned_checks, quarantined_checks, blocked_checks,
            not_evaluated_checks, last_evaluated_at
        from v_data_quality order by all
    """,
    columns=(
        SheetColumn("Stage", "stage", width=12, described_by="v_data_quality.stage"),
        SheetColumn("Subject", "subject_name", width=34, described_by="v_data_quality.subject_name"),
        SheetColumn("Intended", "intended_checks", "whole", 12, "v_data_quality.intended_checks"),
        SheetColumn("Passed", "passed_checks", "whole", 12, "v_data_quality.passed_checks"),
        SheetColumn("Warned", "warned_checks", "whole", 12, "v_data_quality.warned_checks"),
        SheetColumn("Set rows aside", "quarantined_checks", "whole", 12, "v_data_quality.quarantined_checks"),
        SheetColumn("Refused the load", "blocked_checks", "whole", 12, "v_data_quality.blocked_checks"),
        SheetColumn("Not evaluated", "not_evaluated_checks", "whole", 12, "v_data_quality.not_evaluated_checks"),
        SheetColumn(
            "Last evaluated on",
            "last_evaluated_at",
            "date",
            18,
            "v_data_quality.last_evaluated_at",
            take=lambda row: None if row["last_evaluated_at"] is None else row["last_evaluated_at"].date(),
        ),
    ),
)
SHEETS = (
    SCORECARD,
    COVERAGE,
    INDICATORS_LATEST,
    OVER_TIME,
    MILESTONES,
    SOURCES,
    KNOWN_ISSUES,
    DATA_QUALITY,
)
"""Sheets with rows of the release, in order; cover, contents, notes and the columns' own sheet come from the layout."""
