"""The page of one commitment: what was promised, where it stands, why, and from which record of which file.

Which facts stand in which table belongs here. Layout is in ``templates/commitment.html.j2``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pipelines.report import words
from pipelines.report.site import links
from pipelines.report.site.components import Cell, Column, Page, Table, link
from pipelines.report.site.wording import (
    CHANGES,
    CONFIDENCE,
    LEVELS,
    PACES,
    Figures,
    counted,
    due_of,
    held,
    sentence,
    target_of,
)
from pipelines.report.words import day, exact, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.report.derivation_rows import AssessedRow, FigureRow
    from pipelines.report.site.chart_source import ChartSource
    from pipelines.report.site.components import Components
    from pipelines.report.site.release_rows import (
        CommitmentRows,
        KeyedBreakdown,
        KeyedComparison,
        KeyedMilestone,
        Lineage,
        SiteRows,
    )

Fact = tuple[str, Cell | None]


class CommitmentPages:
    """Pages of commitments.

    Args:
        rows: The release.
        components: For tags.
        charts: Where the charts come from.
    """

    def __init__(self, rows: SiteRows, components: Components, charts: ChartSource) -> None:
        """Keep what all of them need."""
        self._rows = rows
        self._components = components
        self._charts = charts
        self._figures = Figures(rows)

    def page(self, commitment_id: str) -> Page:
        """Return the page of a commitment.

        Args:
            commitment_id: Its id.
        """
        found = self._rows.commitments[commitment_id]
        commitment = found.commitment
        path = links.commitment(commitment_id)
        root = links.root_of(path)
        charts = self._charts.of_commitment(commitment_id)
        context: dict[str, Any] = {
            "commitment": commitment,
            "signed": found.signed,
            "parts": found.parts,
            "facts": self._facts(found, root),
            "standing": {role: self._standing(found, root, role) for role in ("signed", "part")},
            "missing": self._missing(found),
            "places": [self._place(found, row) for row in _speaking(found)],
            "charts": charts,
            "held_back": self._charts.held_back(commitment_id),
            "measures": self._measures(found, root),
            "choices": self._choices(found),
            "milestones": self._milestones(found.milestones),
            "lineage": self._lineage(found),
            "has_figures": any(row.actual_value is not None for row in found.assessed),
        }
        trail = (
            ("Scorecard", links.INDEX),
            (commitment.framework, links.framework(commitment.framework_id)),
        )
        return Page(path, commitment.title, "commitment.html.j2", context, links.ALL_COMMITMENTS, trail)

    def _facts(self, found: CommitmentRows, root: str) -> list[Fact]:
        commitment = found.commitment
        ties = Markup("<br>").join(
            Markup("{}: {}").format(sentence(relation), link(title, f"{root}{links.commitment(other)}"))
            for relation, other, title in found.links
        )
        baseline = None
        if commitment.baseline_period_label:
            baseline = f"{commitment.baseline_period_label} ({plain(commitment.baseline_period_source)})"
        if commitment.baseline_value_stated is not None:
            printed = words.with_unit(exact(commitment.baseline_value_stated), commitment.target_unit)
            baseline = f"{baseline + '; ' if baseline else ''}printed in the document as {printed}"
        document = None
        if commitment.document_file:
            line = f", line {commitment.document_line}" if commitment.document_line is not None else ""
            document = f"{commitment.document_file}{line}"
        return [
            ("Target", target_of(commitment, self._rows.area_names)),
            ("Due", due_of(commitment)),
            ("Promised", words.RECURRENCES.get(commitment.recurrence or "")),
            ("Baseline", baseline),
            ("Wording", "It permits the action rather than promising it." if commitment.is_permissive else None),
            ("Owner", commitment.owner),
            ("Aim", commitment.aim),
            ("Priority", commitment.priority if commitment.priority != commitment.aim else None),
            (
                "Document",
                Markup("{}<br>{}").format(
                    link(commitment.framework, f"{root}{links.framework(commitment.framework_id)}"), document or ""
                ),
            ),
            ("Organisation", commitment.organisation),
            ("In force", f"from {day(commitment.valid_from)}" if commitment.valid_from else None),
            ("Related", ties or None),
            ("Note", commitment.analyst_note),
            ("Reference", Markup("<code>{}</code>").format(commitment.commitment_id)),
        ]

    def _standing(self, found: CommitmentRows, root: str, role: str) -> Table:
        """Return every place of a role with its measures, groups and statuses."""
        gap = found.commitment.gap_measure
        rows = [row for row in found.assessed if (row.place_role == "signed") == (role == "signed")]
        is_measured = any(row.period_label for row in rows)
        lines_of = Counter(row.area_key for row in rows)
        ordered = sorted(rows, key=lambda row: (row.area_name, row.area_code, not row.speaks))
        columns = [Column("Place")]
        if is_measured:
            columns += [Column("Measure and group"), Column("Figure"), Column("Target")]
        columns.append(Column("Status"))
        table: list[list[Cell]] = []
        for row in ordered:
            cells: list[Cell] = [link(row.area_name, f"{root}{links.place(row.area_code)}")]
            if is_measured:
                unit = words.unit_of(row.indicator_unit, row.measured_as, gap)
                actual = self._figures.assessed_actual(row, gap)
                cells += [
                    _measure_of(row, is_one_of_many=lines_of[row.area_key] > 1),
                    f"{actual} in {row.period_label}" if actual and row.period_label else actual,
                    held(row.target_value, row.target_operator, unit, row.decimal_places),
                ]
            status = self._components.status(row.status_code)
            if row.not_assessable_reason is not None:
                status = Markup("{}<br>{}").format(status, sentence(plain(row.not_assessable_reason)))
            cells.append(status)
            table.append(cells)
        captions = {"signed": "Status of every place that signed", "part": "Status of places inside them"}
        return Table(f"{captions[role]}, by measure and group", columns, table, is_caption_hidden=True)

    def _missing(self, found: CommitmentRows) -> list[tuple[str, str]]:
        """Return why it cannot be judged somewhere, and what would make it so."""
        said: dict[str, None] = {}
        for line in found.signed:
            if line.not_assessable_reason is not None:
                _, _, reason = (line.explanation or "").partition("Not assessable: ")
                said.setdefault(reason or sentence(plain(line.not_assessable_reason)) + ".")
        return [(reason, found.commitment.data_needed or "") for reason in said]

    def _place(self, found: CommitmentRows, row: AssessedRow) -> dict[str, Any]:
        """Return what is said of a place that signed, beyond its line in the table."""
        line = next((one for one in found.signed if one.area_code == row.area_code), None)
        return {
            "row": row,
            "explanation": line.explanation if line is not None else row.explanation,
            "verdicts": self._verdicts(found, row),
            "others": _others(row),
            "comparisons": self._comparisons(found.comparisons.get(row.area_key, []), row),
            "breakdown": self._breakdown(found.breakdowns.get(row.area_key, []), row),
        }

    def _verdicts(self, found: CommitmentRows, row: AssessedRow) -> list[Fact]:
        unit = words.unit_of(row.indicator_unit, row.measured_as, found.commitment.gap_measure)

        def number(value: float | None) -> str | None:
            return None if value is None else words.with_unit(words.rounded(value, row.decimal_places), unit)

        baseline = number(row.baseline_value)
        if baseline is not None:
            basis = "" if row.baseline_basis == "named_period" else f" ({plain(row.baseline_basis)})"
            baseline = f"{baseline} in {row.baseline_period_label}{basis}"
        elif row.baseline_refused_reason is not None:
            baseline = f"not used: {plain(row.baseline_refused_reason)}"
        change = CHANGES.get(row.change_code or "")
        if change and row.change_method:
            change += f" ({plain(row.change_method)})"
        pace = PACES.get(row.pace_band or "")
        if pace and row.pace_ratio is not None:
            pace += f" ({row.pace_ratio:.2f} times the pace required)"
        rule = None
        if row.status_rule_order is not None:
            rule = f"{row.status_rule_why} (rule {row.status_rule_order})"
        people = None if row.gap_in_people is None else counted(row.gap_in_people, "person", "people")
        return [
            ("Figure", self._figures.assessed_actual(row, found.commitment.gap_measure) or None),
            ("Target", held(row.target_value, row.target_operator, unit, row.decimal_places) or None),
            ("Gap to the target", number(row.gap_to_target)),
            ("Gap in people", people),
            ("Level", LEVELS.get(row.level_code or "")),
            ("Baseline", baseline),
            ("Change since the baseline", change),
            ("Change a year so far", number(row.observed_annual_change)),
            ("Change a year that is needed", number(row.required_annual_change)),
            ("Pace", pace),
            ("Straight path stands at", number(row.trajectory_value)),
            ("Forecast", self._forecast(row, number)),
            ("Deadline", _deadline(row)),
            ("Rule that decided", rule),
            (
                "State of the source",
                "An older load is served, because the last one was refused." if row.is_stale else None,
            ),
        ]

    def _forecast(self, row: AssessedRow, number: Any) -> str | None:
        if row.forecast_value is None:
            return f"none: {plain(row.no_forecast_reason)}" if row.no_forecast_reason else None
        interval = f"{number(row.forecast_lower_80)} to {number(row.forecast_upper_80)}"
        return (
            f"about {number(row.forecast_value)} when the deadline is answered, if the pattern so far holds "
            f"(80% interval {interval}); chance of meeting the target {words.chance(row.forecast_probability)}"
        )

    def _comparisons(self, found: Sequence[KeyedComparison], row: AssessedRow) -> Table | None:
        if not found:
            return None
        rows: list[list[Cell]] = []
        for one in found:
            as_of = f" ({one.comparator_as_of})" if one.comparator_as_of else ""
            verdict = one.compared or ""
            if one.place_among_neighbours is not None:
                among = counted(one.neighbours_with_value or 0, "neighbour")
                verdict = f"place {one.place_among_neighbours} among {among} with a figure and itself"
            value = one.comparator_value
            rows.append(
                [
                    f"{one.comparator_name}{as_of}",
                    "" if value is None else words.with_unit(words.rounded(value, row.decimal_places), one.unit),
                    plain(one.comparator_basis) if one.comparator_basis else "",
                    verdict,
                ]
            )
        columns = [Column("Compared with"), Column("Its figure", True), Column("Basis"), Column("Verdict")]
        return Table(f"{row.area_name}, {row.period_label}: beside others", columns, rows)

    def _breakdown(self, found: Sequence[KeyedBreakdown], row: AssessedRow) -> Table | None:
        if len(found) < 2:
            return None
        places = row.decimal_places
        rows: list[list[Cell]] = [
            [
                f"{one.population_group}{' (scored)' if one.is_group_scored else ''}",
                self._figures.value(
                    one.value, (one.lower_ci_95, one.upper_ci_95), one.unit, places, one.value_status_code
                ),
                "" if one.gap_to_target is None else words.rounded(one.gap_to_target, places),
                "" if one.difference_from_scored is None else words.rounded(one.difference_from_scored, places),
                "" if one.is_target_met_by_point is None else ("yes" if one.is_target_met_by_point else "no"),
            ]
            for one in found
        ]
        columns = [
            Column("Group"),
            Column("Figure (95% limits)", True),
            Column("To the target", True),
            Column("To the scored group", True),
            Column("Meets the target"),
        ]
        return Table(f"{row.area_name}, {row.period_label}: groups of the same indicator", columns, rows)

    def _measures(self, found: CommitmentRows, root: str) -> Table | None:
        if not found.measures:
            return None
        rows: list[list[Cell]] = []
        for one in found.measures:
            about: Markup = link(one.indicator_name, f"{root}{links.indicator(one.indicator_id)}")
            if one.versus_indicator_id is not None:
                other = link(one.versus_indicator_name or "", f"{root}{links.indicator(one.versus_indicator_id)}")
                about = Markup("{}, held against {}").format(about, other)
            if one.gap_category_type:
                about = Markup("{}, gap across {}").format(about, one.gap_category_type)
            rows.append([about, one.population_group, CONFIDENCE.get(one.confidence, one.confidence), one.reason or ""])
        columns = [Column("Indicator"), Column("Group"), Column("Confidence"), Column("Why this one")]
        return Table("Indicators that measure the commitment", columns, rows, is_caption_hidden=True)

    def _choices(self, found: CommitmentRows) -> Table | None:
        if not found.choices:
            return None
        columns = [Column("What"), Column("Chosen"), Column("Or else"), Column("Why")]
        rows: list[list[Cell]] = [
            [sentence(plain(one.choice)), one.chosen, one.alternative or "", one.reason] for one in found.choices
        ]
        return Table("Readings that an analyst chose", columns, rows, is_caption_hidden=True)

    def _milestones(self, found: Sequence[KeyedMilestone]) -> Table | None:
        if not found:
            return None
        rows: list[list[Cell]] = []
        for one in found:
            record = "no progress record"
            if one.recorded_state is not None:
                completed = f", completed on {day(one.completed_on)}" if one.completed_on else ""
                record = f"{sentence(plain(one.recorded_state))}, recorded on {day(one.recorded_on)}{completed}"
            line = f", line {one.evidence_line}" if one.evidence_line is not None else ""
            rows.append(
                [
                    one.instance or "Action",
                    day(one.due_date) if one.due_date else "no date",
                    self._components.status(one.milestone_state),
                    record,
                    Markup("<code>{}</code>{}").format(one.evidence_document, line) if one.evidence_document else "",
                    one.note or "",
                ]
            )
        columns = [
            Column("What"),
            Column("Due"),
            Column("State"),
            Column("Record"),
            Column("Evidence"),
            Column("What the record says"),
        ]
        return Table("Actions, and what is recorded of them", columns, rows, is_caption_hidden=True)

    def _lineage(self, found: CommitmentRows) -> dict[str, Table]:
        """Return the records behind the figures: of the places that signed, and of their parts."""
        signed: list[list[Cell]] = []
        parts: list[list[Cell]] = []
        for row in found.assessed:
            into = signed if row.place_role == "signed" else parts
            into += [self._record(row, one) for one in found.lineage.get(row.target_vs_actual_key, [])]
        columns = [
            Column("Figure"),
            Column("Value (95% limits)"),
            Column("Text of the cell"),
            Column("File and record"),
            Column("Release and source"),
            Column("SHA-256 of the file"),
        ]
        tables = {
            "signed": Table("Records behind the figures of the places that signed", columns, signed),
            "parts": Table("Records behind the figures of places inside them", columns, parts),
        }
        return {name: table for name, table in tables.items() if table.rows}

    def _record(self, row: AssessedRow, one: Lineage) -> list[Cell]:
        if one.figure is not None:
            return self._figure_record(one.part, one.figure, row.decimal_places)
        added = one.added_up
        if added is None:
            raise ValueError(f"{one.part} of {row.target_vs_actual_key} has no row")
        limits = (added.lower_ci_95, added.upper_ci_95)
        return [
            f"{one.part}: {added.area_name}, {added.period_label}",
            self._figures.value(added.value, limits, row.indicator_unit, row.decimal_places, None),
            "",
            f"Added up here from {added.constituents_with_value} of {counted(added.constituents, 'part')} of the place "
            f"(fct_footprint_value, key {added.footprint_value_key})",
            "",
            "",
        ]

    def _figure_record(self, part: str, figure: FigureRow, decimals: int | None) -> list[Cell]:
        value = self._figures.value(figure.value, figure.limits, None, decimals, figure.value_status_code)
        counts = ""
        if figure.count is not None or figure.denominator is not None:
            counts = f"; {exact(figure.count)} of {exact(figure.denominator)}"
        column = f", column {figure.source_column}" if figure.source_column else ""
        corrected = f" (corrected by {figure.correction_id})" if figure.correction_id else ""
        note = f" Publisher's note: {figure.value_note}." if figure.value_note else ""
        return [
            f"{part}: {figure.area_name}, {figure.period_label}, {figure.population_group}",
            f"{value}{counts}{corrected}",
            Markup("<code>{}</code>").format(figure.value_as_published) if figure.value_as_published else "",
            f"{figure.source_file}, record {figure.source_row_number}{column}.{note}",
            f"{figure.source_release}, {figure.source_title}",
            Markup('<code class="app-hash">{}</code>').format(figure.source_file_sha256),
        ]


def _speaking(found: CommitmentRows) -> list[AssessedRow]:
    """Return the rows that speak on the scorecard for places that signed and have figures."""
    return [row for row in found.assessed if row.place_role == "signed" and row.speaks and row.period_label is not None]


def _measure_of(row: AssessedRow, *, is_one_of_many: bool) -> str:
    """Return what is measured in which group, and whether it is this that speaks on the scorecard."""
    if row.measured_as == "none":
        return ""
    spoken = " (shown on the scorecard)" if row.speaks and is_one_of_many else ""
    return f"{row.indicator_name}, {row.population_group}{spoken}"


def _others(row: AssessedRow) -> list[Fact]:
    """Return what published rules would say of the same figures."""
    verdicts = (
        ("Healthy People", row.healthy_people_category),
        ("Sustainable Development Goals Index", row.linear_pace_verdict),
        ("Fingertips goal, by value", row.fingertips_goal_by_value),
        ("Fingertips goal, by limits", row.fingertips_goal_by_limits),
        ("Making Data Count, assurance", row.assurance_code),
    )
    return [(name, sentence(plain(code))) for name, code in verdicts if code is not None]


def _deadline(row: AssessedRow) -> str | None:
    if row.due_date is None:
        return "no date is registered by which it is due"
    if row.deadline_state == "answered":
        return f"{day(row.due_date)}: answered by {row.period_label}"
    if row.answering_period_end is None or row.answer_expected_on is None:
        return day(row.due_date)
    return (
        f"{day(row.due_date)}: answered by the period that ends on {day(row.answering_period_end)}, whose figures are "
        f"to be expected on {day(row.answer_expected_on)}"
    )
