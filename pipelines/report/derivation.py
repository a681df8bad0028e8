"""Everything that stands behind one status, read from a published file.

Choosing the row that is asked for and collecting what it rests on belong here; checking it and printing it do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.report import recompute
from pipelines.report.derivation_rows import (
    ADDED_UP,
    ASSESSED,
    COMMITMENTS,
    FIGURES,
    GAPS,
    LINKS,
    MEASURES,
    AddedUpRow,
    AssessedRow,
    BreakdownRow,
    ChoiceRow,
    CommitmentRow,
    ComparisonRow,
    FigureRow,
    GapRow,
    LinkRow,
    MeasureRow,
    MilestoneRow,
)
from pipelines.report.names import Place, UnknownName, close, match_place
from pipelines.report.published_rows import ReleaseLine, read_release, reading, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    import duckdb

Limits = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Stand:
    """What was measured in one period: the row or rows that say so.

    Attributes:
        figure: The published value; of a gap between two indicators, that of the first.
        other: Of a gap between two indicators, the published value of the second.
        added_up: The value that is added up from the parts of the place.
        gap: The gap across groups.
        ends: Of a gap across groups, the published values at its two ends.
    """

    figure: FigureRow | None = None
    other: FigureRow | None = None
    added_up: AddedUpRow | None = None
    gap: GapRow | None = None
    ends: tuple[FigureRow, ...] = ()

    @property
    def dated(self) -> FigureRow | AddedUpRow | GapRow | None:
        """The row that says for which period it is."""
        return self.figure or self.added_up or self.gap

    def measured(
        self, measured_as: str, gap_measure: str | None, polarity: str | None
    ) -> tuple[float | None, float | None, float | None]:
        """Return the value in the sense of the commitment, with its 95 % limits, from the rows alone.

        A status stands on the limits as published where both are printed, else on those that the counts give.

        Args:
            measured_as: How the commitment is measured.
            gap_measure: How a gap across groups is taken.
            polarity: Of the indicator; a gap between two indicators is positive where the first is worse off.
        """
        if self.gap is not None:
            return self.gap.measured(gap_measure)
        if self.figure is None:
            found = self.added_up
            return (found.value, found.lower_ci_95, found.upper_ci_95) if found else (None, None, None)
        own = (self.figure.value, *self.figure.limits)
        if measured_as != "gap_between_indicators":
            return own
        if self.other is None or self.other.value is None or own[0] is None:
            return None, None, None
        mine = (own[0], own[1], own[2])
        theirs = (self.other.value, *self.other.limits)
        first, second = (mine, theirs) if polarity == "low_is_good" else (theirs, mine)
        if gap_measure == "relative_gap":
            lower, upper = recompute.ratio_limits(first, second) or (None, None)
            return recompute.ratio(first[0], second[0]), lower, upper
        lower, upper = recompute.gap_limits(first, second) or (None, None)
        return first[0] - second[0], lower, upper


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything behind one status.

    Attributes:
        release: The release that it was read from.
        commitment: The version that is in force, or the newest one.
        versions: All versions, the oldest first.
        links: Commitments that are tied to it.
        choices: Readings that an analyst chose.
        measures: Indicators and groups that measure it.
        row: The row that is explained; None where the release has none.
        actual: What was measured in its period.
        baseline: What was measured in the period of its baseline.
        comparator: The row of the comparator.
        baseline_comparator: The comparator's row in the period of the baseline.
        others: Rows of the scorecard's periods for other measures, groups and places.
        parts: How many of the places within the signed ones have figures for it, left out of ``others``.
        series: All periods of the same place, measure and group, the oldest first.
        comparisons: Comparators of the place.
        groups: Other groups of the same indicator.
        milestones: Actions and instances with what is recorded of them.
        process: Values of the series from its last break up to the period, those before the baseline too; None where
            the file does not tell where a series breaks.
    """

    release: ReleaseLine
    commitment: CommitmentRow
    versions: tuple[CommitmentRow, ...]
    links: tuple[LinkRow, ...]
    choices: tuple[ChoiceRow, ...]
    measures: tuple[MeasureRow, ...]
    row: AssessedRow | None
    actual: Stand
    baseline: Stand
    comparator: FigureRow | None
    baseline_comparator: FigureRow | None
    others: tuple[AssessedRow, ...]
    parts: int
    series: tuple[AssessedRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    groups: tuple[BreakdownRow, ...]
    milestones: tuple[MilestoneRow, ...]
    process: tuple[float, ...] | None


def read_derivation(served_file: Path, commitment_id: str, place: str | None, group: str | None) -> Derivation:
    """Read what stands behind the status of a commitment at a place.

    Args:
        served_file: Any published file.
        commitment_id: Exact id of the commitment.
        place: Code or name of the place; the place of which most can be said where none is asked for.
        group: Part of the name of a group, or of the name or id of an indicator; the one that speaks on the scorecard
            where none is asked for.

    Returns:
        What was found.

    Raises:
        UnknownName: The file has no such commitment, place or group, or several groups fit.
        NotReadable: The file is not a release that this version can read.
    """
    with reading(served_file) as connection:
        release = read_release(connection)
        versions = _versions(connection, commitment_id)
        commitment = next((one for one in versions if one.is_current), versions[-1])
        key = [commitment.commitment_key]
        every = records(connection, AssessedRow, ASSESSED, key)
        row = _asked_row([one for one in every if one.is_scorecard_period], commitment_id, place, group)
        actual, baseline, pair = Stand(), Stand(), (None, None)
        comparisons: list[ComparisonRow] = []
        groups: list[BreakdownRow] = []
        process: tuple[float, ...] | None = None
        if row is not None:
            actual, baseline = _stands(connection, row)
            pair = _comparators(connection, row, commitment, baseline)
            comparisons, groups = _around(connection, row)
            process = _process(connection, row, commitment, actual)
        ours = {row.target_vs_actual_key} if row else set[int]()
        return Derivation(
            release=release,
            commitment=commitment,
            versions=tuple(versions),
            links=tuple(_links(connection, commitment)),
            choices=tuple(
                records(connection, ChoiceRow, "from commitment_choice where commitment_key = ? order by choice", key)
            ),
            measures=tuple(records(connection, MeasureRow, MEASURES, key)),
            row=row,
            actual=actual,
            baseline=baseline,
            comparator=pair[0],
            baseline_comparator=pair[1],
            others=tuple(
                one
                for one in every
                if one.is_scorecard_period
                and one.target_vs_actual_key not in ours
                and (one.place_role == "signed" or (row is not None and one.area_key == row.area_key))
            ),
            parts=len({one.area_key for one in every if one.place_role == "part" and one.period_label}),
            series=tuple(
                sorted(
                    (one for one in every if row is not None and one.scope == row.scope and one.period_end),
                    key=lambda one: str(one.period_end),
                )
            ),
            comparisons=tuple(comparisons),
            groups=tuple(groups),
            milestones=tuple(
                records(
                    connection,
                    MilestoneRow,
                    "from fct_milestone where commitment_key = ? order by due_date, instance",
                    key,
                )
            ),
            process=process,
        )


def _versions(connection: duckdb.DuckDBPyConnection, commitment_id: str) -> list[CommitmentRow]:
    found = records(
        connection,
        CommitmentRow,
        # Negative keys stand for no commitment at all.
        f"{COMMITMENTS} where commitment_id = ? and commitment_key > 0 order by valid_from",
        [commitment_id],
    )
    if found:
        return found
    known = connection.execute(
        "select distinct commitment_id, title from dim_commitment where commitment_key > 0 order by all"
    ).fetchall()
    titles: dict[str, str] = dict(known)
    near = close(commitment_id, titles)
    by_title = {title: own_id for own_id, title in titles.items()}
    near += [by_title[title] for title in close(commitment_id, by_title) if by_title[title] not in near]
    if near:
        listed = "\n".join(f"  {own_id}  {titles[own_id]}" for own_id in near)
        raise UnknownName(f"There is no commitment {commitment_id!r}. Did you mean one of these?\n{listed}")
    raise UnknownName(
        f"There is no commitment {commitment_id!r}, and none with an id or a title like it. "
        "The ids stand beside the titles in: outcomes scorecard --all"
    )


def _asked_row(
    rows: Sequence[AssessedRow], commitment_id: str, place: str | None, group: str | None
) -> AssessedRow | None:
    """Return the row that is asked for; of several places the one of which most can be said."""
    candidates = list(rows)
    if place is not None:
        places = dict.fromkeys((one.area_code, one.area_name, int(one.place_role == "signed")) for one in rows)
        if not places:
            return None
        codes = match_place(place, [Place(*one) for one in places])
        candidates = [one for one in candidates if one.area_code in codes]
    if group is not None:
        candidates = _of_group(candidates, commitment_id, group)
    else:
        candidates = [one for one in candidates if one.speaks] or candidates
    return min(
        candidates,
        key=lambda one: (
            one.place_role != "signed",
            one.status_code == "not_assessable",
            one.status_sort,
            one.area_code,
        ),
        default=None,
    )


def _of_group(rows: Iterable[AssessedRow], commitment_id: str, asked: str) -> list[AssessedRow]:
    """Return the rows of the one measure and group that fit."""
    wanted = asked.casefold()
    named: dict[tuple[int, int], list[AssessedRow]] = {}
    for row in rows:
        if row.indicator_id is not None and row.period_label is not None:
            named.setdefault((row.indicator_key, row.population_group_key), []).append(row)

    def texts(row: AssessedRow) -> tuple[str, ...]:
        said = (row.population_group, row.indicator_name or "", row.indicator_id or "")
        return (*(text.casefold() for text in said), _measure_name(row).casefold())

    whole = [found for found in named.values() if wanted in texts(found[0])]
    partly = [found for found in named.values() if any(wanted in text for text in texts(found[0]))]
    fitting = whole or partly
    if len(fitting) == 1:
        return fitting[0]
    listed = "\n".join(f"  {_measure_name(found[0])}" for found in (fitting or named.values()))
    if not named:
        raise UnknownName(f"{commitment_id} is not measured in groups: it has no figures here.")
    problem = f"Several groups fit {asked!r}:" if fitting else f"No group fits {asked!r}. There are:"
    raise UnknownName(f"{problem}\n{listed}")


def _measure_name(row: AssessedRow) -> str:
    return f"{row.indicator_id}: {row.indicator_name}, {row.population_group}"


def _links(connection: duckdb.DuckDBPyConnection, commitment: CommitmentRow) -> list[LinkRow]:
    found = connection.execute(
        f"select relation, commitment_id, title {LINKS}",
        {
            "own": commitment.commitment_id,
            "parent": commitment.parent_commitment_id,
            "same": commitment.same_as_commitment_id,
            "siblings": commitment.sibling_group,
        },
    ).fetchall()
    return [LinkRow(*row) for row in found]


def _figure(connection: duckdb.DuckDBPyConnection, key: int | None) -> FigureRow | None:
    found = records(connection, FigureRow, f"{FIGURES} where indicator_value_key = ?", [key]) if key else []
    return found[0] if found else None


def _stands(connection: duckdb.DuckDBPyConnection, row: AssessedRow) -> tuple[Stand, Stand]:
    """Return what was measured now and at the baseline."""
    versus: tuple[int] | None = None
    if row.measured_as == "gap_between_indicators":
        versus = connection.execute(
            """
            select versus_indicator_key from bridge_commitment_indicator
            where commitment_key = ? and indicator_key = ? and population_group_key = ?
            """,
            [row.commitment_key, row.indicator_key, row.population_group_key],
        ).fetchone()

    def stand(value: int | None, added_up: int | None, inequality: int | None) -> Stand:
        figure = _figure(connection, value)
        other = None
        if figure is not None and versus is not None:
            beside = records(
                connection,
                FigureRow,
                f"""{FIGURES} where indicator_key = ? and (area_key, population_group_key, period_key) = (
                    select (area_key, population_group_key, period_key)
                    from fct_indicator_value where indicator_value_key = ?
                )""",
                [versus[0], figure.indicator_value_key],
            )
            other = beside[0] if beside else None
        sums = records(connection, AddedUpRow, f"{ADDED_UP} where footprint_value_key = ?", [added_up])
        gaps = records(connection, GapRow, f"{GAPS} where inequality_key = ?", [inequality])
        ends = [_figure(connection, key) for gap in gaps for key in (gap.value_a_key, gap.value_b_key)]
        return Stand(
            figure=figure,
            other=other,
            added_up=sums[0] if sums else None,
            gap=gaps[0] if gaps else None,
            ends=tuple(end for end in ends if end is not None),
        )

    return (
        stand(row.actual_value_key, row.actual_footprint_value_key, row.actual_inequality_key),
        stand(row.baseline_value_key, row.baseline_footprint_value_key, row.baseline_inequality_key),
    )


def _process(
    connection: duckdb.DuckDBPyConnection, row: AssessedRow, commitment: CommitmentRow, actual: Stand
) -> tuple[float, ...] | None:
    """Return the values of the series from its last break up to the period of the row."""
    if actual.figure is None and actual.gap is None:
        return None
    same = """
        inner join dim_period as p on v.period_key = p.period_key
        inner join dim_period as o on o.period_key = $period
        where v.indicator_key = $indicator and v.area_key = $area and v.population_group_key = $group
            and p.period_months = o.period_months and p.period_end <= o.period_end
    """
    named: dict[str, object] = {
        "period": row.period_key,
        "indicator": row.indicator_key,
        "area": row.area_key,
        "group": row.population_group_key,
        "series": row.series_number,
    }
    if actual.gap is not None:
        if commitment.gap_measure is None:
            return ()
        named["dimension"] = actual.gap.dimension
        query = f"""
            select v.{commitment.gap_measure}
            from fct_inequality as v
            inner join fct_indicator_value as q on coalesce(v.value_a_key, v.value_b_key) = q.indicator_value_key
            {same} and v.dimension = $dimension and q.series_number = $series
        """
    elif row.measured_as == "gap_between_indicators":
        named["commitment"] = row.commitment_key
        first, second = ("v.value", "w.value") if row.polarity == "low_is_good" else ("w.value", "v.value")
        gap = f"{first} - {second}"
        if commitment.gap_measure == "relative_gap":
            gap = f"case when {first} > 0 and {second} > 0 then {first} / {second} end"
        query = f"""
            select {gap}
            from fct_indicator_value as v
            inner join bridge_commitment_indicator as b
                on b.commitment_key = $commitment and v.indicator_key = b.indicator_key
                and v.population_group_key = b.population_group_key
            inner join fct_indicator_value as w
                on b.versus_indicator_key = w.indicator_key and v.area_key = w.area_key
                and v.population_group_key = w.population_group_key and v.period_key = w.period_key
            {same} and v.series_number = $series
        """
    else:
        query = f"select v.value from fct_indicator_value as v {same} and v.series_number = $series"
    found = connection.execute(f"{query} order by p.period_end", named).fetchall()
    return tuple(value for (value,) in found if value is not None)


def _comparators(
    connection: duckdb.DuckDBPyConnection, row: AssessedRow, commitment: CommitmentRow, baseline: Stand
) -> tuple[FigureRow | None, FigureRow | None]:
    """Return the comparator's rows now and at the baseline; of a gap between indicators they are part of the stand."""
    if row.measured_as == "gap_between_indicators" or commitment.comparator_area_code is None:
        return None, None
    before: date | None = baseline.dated.period_end if baseline.dated else None
    then = records(
        connection,
        FigureRow,
        f"""{FIGURES}
        where indicator_key = ? and area_code = ? and period_end = ? and period_start = ? and category_type = 'Total'
            and (sex, age) = (select (sex, age) from dim_population_group where population_group_key = ?)
        """,
        [
            row.indicator_key,
            commitment.comparator_area_code,
            before,
            baseline.dated.period_start if baseline.dated else None,
            row.population_group_key,
        ],
    )
    return _figure(connection, row.comparator_value_key), then[0] if then else None


def _around(connection: duckdb.DuckDBPyConnection, row: AssessedRow) -> tuple[list[ComparisonRow], list[BreakdownRow]]:
    """Return comparators and groups of the same place, measure, group and period."""
    where = """
        where commitment_key = ? and area_key = ? and indicator_key = ? and period_key = ?
    """
    same = [row.commitment_key, row.area_key, row.indicator_key, row.period_key]
    comparisons = records(
        connection,
        ComparisonRow,
        f"""from fct_commitment_comparison {where} and population_group_key = ?
        order by list_position(
            ['england', 'region', 'combined_authority', 'icb', 'upper_tier', 'neighbours'], comparator_relation
        ), comparator_id""",
        [*same, row.population_group_key],
    )
    groups = records(
        connection,
        BreakdownRow,
        f"from v_commitment_breakdown {where} and is_group_scored = 0 order by category_type, category, sex, age",
        same,
    )
    return comparisons, groups
