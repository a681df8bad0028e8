"""Records of which the report is made, each attribute a column of the published file.

Shapes belong here; the queries that fill them are in ``read_release``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.report.derivation_rows import (
    AddedUpRow,
    AssessedRow,
    BreakdownRow,
    ChoiceRow,
    CommitmentRow,
    ComparisonRow,
    FigureRow,
    MeasureRow,
    MilestoneRow,
)

if TYPE_CHECKING:
    from datetime import date, datetime

    from pipelines.report.scorecard import Scorecard, ScorecardLine


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """Which release the file is; each attribute is the column of that name of ``release``."""

    release_id: str
    built_at: datetime
    as_at: date
    code_version: str
    input_fingerprint: str
    table_count: int
    row_count: int
    content_checksum: str


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A status and what it means (``dim_status``)."""

    status_code: str
    status_family: str
    status_label: str
    status_symbol: str
    status_colour: str
    is_judgement: int
    description: str | None


@dataclass(frozen=True, slots=True)
class ValueStatusRow:
    """Why a value is present or absent (``dim_value_status``)."""

    value_status_code: str
    value_status_label: str
    shorthand: str | None
    has_value: int
    description: str | None


@dataclass(frozen=True, slots=True)
class FrameworkRow:
    """A strategy document (``dim_framework``)."""

    framework_id: str
    framework: str
    organisation: str | None
    system_name: str | None
    document_file: str | None
    published_on: date | None
    period_start: date | None
    period_end: date | None
    horizon_date: date | None
    note: str | None


@dataclass(frozen=True, slots=True)
class PriorityRow:
    """An aim or priority of a document (``framework_priority``)."""

    framework_id: str
    aim: str | None
    priority: str | None
    sequence: int | None
    document_line: int | None
    commitments: int
    note: str | None


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place that is on the scorecard (``dim_area``)."""

    area_key: int
    area_code: str
    area_name: str
    area_type_label: str
    region_name: str | None
    icb_name: str | None
    upper_tier_name: str | None


@dataclass(frozen=True, slots=True)
class KeyedChoice(ChoiceRow):
    """A choice with the commitment that it is about."""

    commitment_key: int


@dataclass(frozen=True, slots=True)
class KeyedMeasure(MeasureRow):
    """A measure with the commitment that it measures."""

    commitment_key: int


@dataclass(frozen=True, slots=True)
class KeyedMilestone(MilestoneRow):
    """A milestone with its commitment."""

    commitment_key: int


@dataclass(frozen=True, slots=True)
class KeyedComparison(ComparisonRow):
    """A comparator with the commitment and the place that it is about."""

    commitment_key: int
    area_key: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class KeyedBreakdown(BreakdownRow):
    """A group with the commitment and the place that it is about."""

    commitment_key: int
    area_key: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """An indicator that measures a commitment (``dim_indicator``)."""

    indicator_key: int
    indicator_id: str
    indicator_name: str
    source_id: str
    fingertips_id: str | None
    value_type: str | None
    unit: str | None
    polarity: str | None
    decimal_places: int | None
    ci_method: str | None
    ci_method_computed: str | None
    comparator_method: str | None
    comparator_confidence: str | None
    comparator_reason: str | None
    aggregation_rule: str | None
    definition: str | None


@dataclass(frozen=True, slots=True)
class LatestRow:
    """The newest value of an indicator at a place of the scorecard (``v_indicator_latest``)."""

    indicator_id: str
    area_code: str
    area_name: str
    period_label: str
    population_group: str
    value: float | None
    lower_ci_95: float | None
    upper_ci_95: float | None
    value_status_code: str
    england_value: float | None
    compared_to_england_computed: str | None


@dataclass(frozen=True, slots=True)
class IndicatorFreshness:
    """How old an indicator is, in words (``indicator_freshness``)."""

    indicator_id: str
    source_id: str
    freshness_state: str
    latest_period: str | None
    newest_release: str | None
    expected_on: date | None
    days_late: int | None
    is_late: int
    freshness_words: str | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with its last load and how old it is (``dim_source``, ``source_load``, ``source_freshness``)."""

    source_id: str
    source_title: str
    publisher: str | None
    licence: str | None
    owner: str | None
    homepage: str | None
    release_cadence: str | None
    load_state: str | None
    is_stale: int | None
    load_reason: str | None
    source_releases: str | None
    landed_rows: int | None
    quarantined_rows: int | None
    refused_rows: int | None
    duplicate_rows: int | None
    published_rows: int | None
    checked_at: datetime | None
    freshness_state: str | None
    freshness_words: str | None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check that did not pass or was not evaluated (``fct_data_quality_check``)."""

    stage: str
    subject_name: str
    check_id: str
    severity: str | None
    outcome: str
    rows_evaluated: int | None
    rows_failed: int | None
    observed: str | None
    why: str | None
    is_carried_over: int


@dataclass(frozen=True, slots=True)
class CheckTotals:
    """Checks of a stage by outcome (``v_data_quality``)."""

    stage: str
    intended: int
    passed: int
    warned: int
    quarantined: int
    blocked: int
    not_evaluated: int


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """Records that one rule set aside (``quarantined_row``)."""

    source_id: str
    rule: str
    records: int


@dataclass(frozen=True, slots=True)
class IssueRow:
    """A known fault (``known_issue``)."""

    issue_id: str
    severity: str
    subject: str
    subject_id: str
    title: str
    detail: str | None
    evidence: str | None
    issue_status: str


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A correction of a published figure (``correction``)."""

    correction_id: str
    source_id: str | None
    indicator_id: str
    area_code: str
    period_label: str
    correction_action: str
    reason: str
    evidence: str
    correction_state: str


@dataclass(frozen=True, slots=True)
class NoteRow:
    """An item of the notes of the release (``release_note``)."""

    section: str
    commitment_id: str | None
    value_count: int | None
    old_text: str | None
    new_text: str | None
    cause: str | None
    sentence: str
    previous_release_id: str | None


@dataclass(frozen=True, slots=True)
class RevisionCount:
    """Values that changed, by source, kind and cause (``fct_revision``)."""

    source_id: str
    revision_kind: str
    cause: str | None
    revisions: int
    beyond: int


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A large change that a person approved (``release_approval``)."""

    source_id: str
    change_summary: str | None
    approval_reason: str | None
    approved_by: str | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """A published figure behind a status, and which part it plays.

    Attributes:
        part: Actual, baseline, comparator and so on, in words.
        figure: The published row; None for a value that is added up.
        added_up: The added-up row.
    """

    part: str
    figure: FigureRow | None = None
    added_up: AddedUpRow | None = None


@dataclass(frozen=True, slots=True)
class CommitmentRows:
    """All that the file says of one commitment.

    Attributes:
        commitment: The version in force.
        lines: Its rows of the scorecard, signed places first.
        assessed: Its rows in the periods of the scorecard, for every place, measure and group.
        links: Commitments that are tied to it: relation, id, title.
        choices: Readings that an analyst chose.
        measures: What measures it.
        milestones: Actions and what is recorded of them.
        comparisons: Comparators by place.
        breakdowns: Groups by place.
        lineage: Rows of files by assessed row.
    """

    commitment: CommitmentRow
    lines: list[ScorecardLine] = field(default_factory=list)
    assessed: list[AssessedRow] = field(default_factory=list)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    choices: list[KeyedChoice] = field(default_factory=list)
    measures: list[KeyedMeasure] = field(default_factory=list)
    milestones: list[KeyedMilestone] = field(default_factory=list)
    comparisons: dict[int, list[KeyedComparison]] = field(default_factory=dict)
    breakdowns: dict[int, list[KeyedBreakdown]] = field(default_factory=dict)
    lineage: dict[int, list[Lineage]] = field(default_factory=dict)

    @property
    def signed(self) -> list[ScorecardLine]:
        """The places that signed."""
        return [one for one in self.lines if one.place_role == "signed"]

    @property
    def parts(self) -> list[ScorecardLine]:
        """The places that lie inside a signed one."""
        return [one for one in self.lines if one.place_role != "signed"]


@dataclass(frozen=True, slots=True)
class SiteRows:
    """A whole release.

    Attributes:
        release: Which one.
        scorecard: Its scorecard, parts of places included.
        statuses: By code, from the worst to the best.
        value_statuses: By code.
        frameworks: By id, by title.
        priorities: By framework, in the order of the document.
        commitments: By id.
        places: By code.
        area_names: Names of areas with which a commitment is compared, by code.
        indicators: Those that measure a commitment, by id.
        latest: Newest values by indicator, at places of the scorecard.
        indicator_freshness: By indicator.
        sources: All of them.
        checks: Those that did not pass or were not evaluated.
        check_totals: By stage.
        quarantined: Records set aside.
        issues: Known faults.
        corrections: Of published figures.
        notes: Of the release.
        revisions: Values that changed, counted.
        approvals: Of this release.
    """

    release: ReleaseRow
    scorecard: Scorecard
    statuses: dict[str, StatusRow]
    value_statuses: dict[str, ValueStatusRow]
    frameworks: dict[str, FrameworkRow]
    priorities: dict[str, list[PriorityRow]]
    commitments: dict[str, CommitmentRows]
    places: dict[str, PlaceRow]
    area_names: dict[str, str]
    indicators: dict[str, IndicatorRow]
    latest: dict[str, list[LatestRow]]
    indicator_freshness: dict[str, IndicatorFreshness]
    sources: list[SourceRow]
    checks: list[CheckRow]
    check_totals: list[CheckTotals]
    quarantined: list[QuarantineCount]
    issues: list[IssueRow]
    corrections: list[CorrectionRow]
    notes: list[NoteRow]
    revisions: list[RevisionCount]
    approvals: list[ApprovalRow]

    def lines_of(self, framework_id: str | None = None, area_code: str | None = None) -> list[ScorecardLine]:
        """Return rows of the scorecard.

        Args:
            framework_id: Only those of a framework.
            area_code: Only those of a place.
        """
        return [
            one
            for one in self.scorecard.lines
            if (framework_id is None or one.framework_id == framework_id)
            and (area_code is None or one.area_code == area_code)
        ]
