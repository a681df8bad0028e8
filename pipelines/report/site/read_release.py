"""Everything that the report says, read from a published file by one query a table.

Queries belong here, and how rows are put together by commitment. Words and layout do not.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from pipelines.report.derivation_rows import (
    ADDED_UP,
    COMMITMENTS,
    FIGURES,
    GAPS,
    MEASURES,
    ON_SCORECARD,
    AddedUpRow,
    AssessedRow,
    CommitmentRow,
    FigureRow,
    GapRow,
)
from pipelines.report.published_rows import reading, records
from pipelines.report.scorecard import Scorecard, ScorecardFilters, read_scorecard
from pipelines.report.site.release_rows import (
    ApprovalRow,
    CheckRow,
    CheckTotals,
    CommitmentRows,
    CorrectionRow,
    FrameworkRow,
    IndicatorFreshness,
    IndicatorRow,
    IssueRow,
    KeyedBreakdown,
    KeyedChoice,
    KeyedComparison,
    KeyedMeasure,
    KeyedMilestone,
    LatestRow,
    Lineage,
    NoteRow,
    PlaceRow,
    PriorityRow,
    QuarantineCount,
    ReleaseRow,
    RevisionCount,
    SiteRows,
    SourceRow,
    StatusRow,
    ValueStatusRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from pathlib import Path

    import duckdb

Row = TypeVar("Row")
Key = TypeVar("Key", bound="Hashable")

_SOURCES = """
from (
    select s.*, l.landed_rows, l.quarantined_rows, l.refused_rows, l.duplicate_rows, l.published_rows, l.checked_at,
        f.freshness_state, f.freshness_words
    from dim_source as s
    left join source_load as l on s.source_key = l.source_key
    left join source_freshness as f on s.source_key = f.source_key
    where s.source_key > 0
) order by source_title, source_id
"""
_TOTALS = """
from (
    select stage, sum(intended_checks) as intended, sum(passed_checks) as passed, sum(warned_checks) as warned,
        sum(quarantined_checks) as quarantined, sum(blocked_checks) as blocked,
        sum(not_evaluated_checks) as not_evaluated
    from v_data_quality group by stage
) order by case stage when 'register' then 1 when 'landed' then 2 when 'model' then 3 else 4 end
"""
_CHECKS = """
from fct_data_quality_check
where outcome <> 'passed'
order by
    case outcome when 'blocked' then 1 when 'quarantined' then 2 when 'warned' then 3 else 4 end,
    case stage when 'register' then 1 when 'landed' then 2 when 'model' then 3 else 4 end, subject_name, check_id
"""
_LATEST = """
from v_indicator_latest
where
    is_total = 1
    and (area_code = 'E92000001' or area_code in (select area_code from v_scorecard))
    and indicator_id in (
        select i.indicator_id from dim_indicator as i
        inner join bridge_commitment_indicator as b on i.indicator_key in (b.indicator_key, b.versus_indicator_key)
    )
order by population_group, area_code <> 'E92000001', area_name, area_code, period_months
"""
_OTHER_SIDE = """
select t.target_vs_actual_key, v.indicator_value_key = t.actual_value_key, o.indicator_value_key
from fct_target_vs_actual as t
inner join bridge_commitment_indicator as b
    on t.commitment_key = b.commitment_key
    and t.indicator_key = b.indicator_key
    and t.population_group_key = b.population_group_key
inner join fct_indicator_value as v on v.indicator_value_key in (t.actual_value_key, t.baseline_value_key)
inner join fct_indicator_value as o
    on b.versus_indicator_key = o.indicator_key
    and v.area_key = o.area_key
    and v.population_group_key = o.population_group_key
    and v.period_key = o.period_key
where t.is_scorecard_period = 1 and t.measured_as = 'gap_between_indicators'
order by 1, 2, 3
"""


def _grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def read_site_rows(file: Path) -> SiteRows:
    """Read a whole release.

    Args:
        file: Any published file, of either edition.

    Returns:
        What the pages say, in the order in which it is shown.

    Raises:
        NotReadable: The file is not a release that this version can read.
    """
    scorecard = read_scorecard(file, ScorecardFilters(parts=True, everything=True))
    with reading(file) as connection:
        release = records(connection, ReleaseRow, "from release")[0]
        statuses = records(
            connection, StatusRow, "from dim_status where status_symbol is not null order by status_sort"
        )
        places = records(
            connection,
            PlaceRow,
            "from dim_area where area_key in (select area_key from v_scorecard) order by area_name, area_code",
        )
        frameworks = records(
            connection, FrameworkRow, "from dim_framework where framework_key > 0 order by framework, framework_id"
        )
        indicators = records(
            connection,
            IndicatorRow,
            """from dim_indicator where indicator_key in (
                select unnest([indicator_key, versus_indicator_key]) from bridge_commitment_indicator
            ) order by indicator_name, indicator_id""",
        )
        return SiteRows(
            release=release,
            scorecard=scorecard,
            statuses={one.status_code: one for one in statuses},
            value_statuses={
                one.value_status_code: one
                for one in records(connection, ValueStatusRow, "from dim_value_status order by value_status_code")
            },
            frameworks={one.framework_id: one for one in frameworks},
            priorities=_grouped(
                records(connection, PriorityRow, "from framework_priority order by framework_id, sequence, priority"),
                lambda one: one.framework_id,
            ),
            commitments=_read_commitments(connection, scorecard),
            places={one.area_code: one for one in places},
            area_names=dict(
                connection.execute(
                    """
                    select area_code, min(area_name) from dim_area
                    where area_code in (select comparator_area_code from dim_commitment)
                    group by area_code order by area_code
                    """
                ).fetchall()
            ),
            indicators={one.indicator_id: one for one in indicators},
            latest=_grouped(records(connection, LatestRow, _LATEST), lambda one: one.indicator_id),
            indicator_freshness={
                one.indicator_id: one
                for one in records(
                    connection, IndicatorFreshness, "from indicator_freshness order by source_id, indicator_id"
                )
            },
            sources=records(connection, SourceRow, _SOURCES),
            checks=records(connection, CheckRow, _CHECKS),
            check_totals=records(connection, CheckTotals, _TOTALS),
            quarantined=records(
                connection,
                QuarantineCount,
                """from (select source_id, rule, count(*) as records from quarantined_row group by source_id, rule)
                order by source_id, rule""",
            ),
            issues=records(connection, IssueRow, "from known_issue order by severity, issue_id"),
            corrections=records(connection, CorrectionRow, "from correction order by correction_id"),
            notes=records(connection, NoteRow, "from release_note order by note_number"),
            revisions=records(
                connection,
                RevisionCount,
                """from (
                    select source_id, revision_kind, cause, count(*) as revisions, sum(is_beyond_5_percent) as beyond
                    from fct_revision group by source_id, revision_kind, cause
                ) order by source_id, revision_kind, cause""",
            ),
            approvals=records(
                connection,
                ApprovalRow,
                "from release_approval where is_this_release = 1 order by approved_at, change_id",
            ),
        )


def _read_commitments(connection: duckdb.DuckDBPyConnection, scorecard: Scorecard) -> dict[str, CommitmentRows]:
    versions = records(
        connection,
        CommitmentRow,
        f"{COMMITMENTS} where is_current = 1 and commitment_key > 0 order by framework, framework_id, commitment_id",
    )
    found = {one.commitment_key: CommitmentRows(one) for one in versions}
    by_id = {one.commitment.commitment_id: one for one in found.values()}
    for line in scorecard.lines:
        by_id[line.commitment_id].lines.append(line)
    measures = MEASURES.replace("where b.commitment_key = ?", "")
    for one in records(connection, KeyedMeasure, measures):
        _keep(found, one.commitment_key, "measures", one)
    for one in records(connection, KeyedChoice, "from commitment_choice order by choice"):
        _keep(found, one.commitment_key, "choices", one)
    for one in records(connection, KeyedMilestone, "from fct_milestone order by due_date, instance, milestone_key"):
        _keep(found, one.commitment_key, "milestones", one)
    assessed = records(connection, AssessedRow, ON_SCORECARD)
    for one in assessed:
        _keep(found, one.commitment_key, "assessed", one)
    for one in records(
        connection,
        KeyedComparison,
        """from fct_commitment_comparison
        order by list_position(
            ['england', 'region', 'combined_authority', 'icb', 'upper_tier', 'neighbours'], comparator_relation
        ), comparator_name, comparator_id""",
    ):
        if one.commitment_key in found:
            found[one.commitment_key].comparisons.setdefault(one.area_key, []).append(one)
    for one in records(
        connection,
        KeyedBreakdown,
        """from v_commitment_breakdown
        order by is_group_scored desc, category_type <> 'Total', category_type, category, sex, age,
            population_group_key""",
    ):
        if one.commitment_key in found:
            found[one.commitment_key].breakdowns.setdefault(one.area_key, []).append(one)
    _read_links(by_id)
    _read_lineage(connection, found, assessed)
    return by_id


def _keep(found: dict[int, CommitmentRows], key: int, attribute: str, row: object) -> None:
    """Put a row to its commitment, unless that is no longer in force."""
    if key in found:
        getattr(found[key], attribute).append(row)


def _read_links(by_id: dict[str, CommitmentRows]) -> None:
    """Tie commitments together, in both directions."""

    def tie(own: str, relation: str, other: str | None) -> None:
        if other in by_id and own in by_id and other != own:
            by_id[own].links.append((relation, str(other), by_id[str(other)].commitment.title))

    siblings = _grouped((one.commitment for one in by_id.values()), lambda one: one.sibling_group)
    for own, rows in by_id.items():
        commitment = rows.commitment
        tie(own, "part of", commitment.parent_commitment_id)
        tie(own, "repeats", commitment.same_as_commitment_id)
        if commitment.parent_commitment_id is not None:
            tie(commitment.parent_commitment_id, "has the part", own)
        if commitment.same_as_commitment_id is not None:
            tie(commitment.same_as_commitment_id, "is repeated by", own)
        if commitment.sibling_group is not None:
            for other in siblings[commitment.sibling_group]:
                tie(own, "out of the same sentence as", other.commitment_id)


def _read_lineage(
    connection: duckdb.DuckDBPyConnection, found: dict[int, CommitmentRows], assessed: list[AssessedRow]
) -> None:
    """Tell for every assessed row from which records of which files it comes."""
    keys = {key for row in assessed for key in (row.actual_inequality_key, row.baseline_inequality_key) if key}
    gaps = {
        one.inequality_key: one
        for one in records(connection, GapRow, f"{GAPS} where inequality_key in (select unnest(?))", [sorted(keys)])
    }
    other_sides: dict[int, list[tuple[bool, int]]] = defaultdict(list)
    for row_key, is_actual, value_key in connection.execute(_OTHER_SIDE).fetchall():
        other_sides[row_key].append((bool(is_actual), value_key))
    wanted = {
        key
        for row in assessed
        for key in (row.actual_value_key, row.baseline_value_key, row.comparator_value_key)
        if key is not None
    }
    wanted |= {key for one in gaps.values() for key in (one.value_a_key, one.value_b_key) if key is not None}
    wanted |= {key for sides in other_sides.values() for _, key in sides}
    figures = {
        one.indicator_value_key: one
        for one in records(
            connection, FigureRow, f"{FIGURES} where indicator_value_key in (select unnest(?))", [sorted(wanted)]
        )
    }
    sums = {
        one.footprint_value_key: one
        for one in records(
            connection,
            AddedUpRow,
            f"{ADDED_UP} where footprint_value_key in (select unnest(?))",
            [
                sorted(
                    key
                    for row in assessed
                    for key in (row.actual_footprint_value_key, row.baseline_footprint_value_key)
                    if key is not None
                )
            ],
        )
    }
    for row in assessed:
        if row.commitment_key not in found:
            continue
        behind: list[tuple[str, int | None]] = [("Actual", row.actual_value_key), ("Baseline", row.baseline_value_key)]
        for is_actual, key in other_sides.get(row.target_vs_actual_key, []):
            behind.append((f"{'Actual' if is_actual else 'Baseline'}, the other indicator", key))
        for part, gap_key in (("Actual", row.actual_inequality_key), ("Baseline", row.baseline_inequality_key)):
            gap = gaps.get(gap_key) if gap_key else None
            if gap is not None:
                behind += [
                    (f"{part}, {gap.group_a or 'one end'}", gap.value_a_key),
                    (f"{part}, {gap.group_b or 'other end'}", gap.value_b_key),
                ]
        behind.append(("Comparator", row.comparator_value_key))
        lineage = [Lineage(part, figure=figures[key]) for part, key in behind if key in figures]
        lineage += [
            Lineage(part, added_up=sums[key])
            for part, key in (
                ("Actual", row.actual_footprint_value_key),
                ("Baseline", row.baseline_footprint_value_key),
            )
            if key in sums
        ]
        if lineage:
            found[row.commitment_key].lineage[row.target_vs_actual_key] = lineage
