"""One status explained on a terminal, from the words of the document down to the record of the file.

Layout belongs here; reading the rows and computing them again do not.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.report import words
from pipelines.report.words import day, exact, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from pipelines.report.derivation import Derivation, Stand
    from pipelines.report.derivation_checks import Step
    from pipelines.report.derivation_rows import AddedUpRow, AssessedRow, CommitmentRow, FigureRow, GapRow

INDENT = 2
SHA_SHOWN = 12
Fact = tuple[str, str | None]


def print_derivation(console: Console, derivation: Derivation, steps: Sequence[Step]) -> None:
    """Print everything behind one status.

    Args:
        console: Where to.
        derivation: What was read.
        steps: What was computed again.
    """
    _print_head(console, derivation)
    _print_commitment(console, derivation)
    row = derivation.row
    if row is None:
        _section(console, "Status")
        _say(console, "The release has no status for this commitment: it is not in force on the day of the release.")
        return
    _print_choices(console, derivation)
    _print_measures(console, derivation)
    _print_milestones(console, derivation)
    _print_not_assessable(console, derivation)
    _print_rows(console, derivation)
    _print_steps(console, steps)
    _print_rule(console, row)
    if row.period_label is not None:
        _print_deadline(console, row)
        _print_forecast(console, row, derivation.commitment)
        _print_comparisons(console, derivation)
        _print_groups(console, derivation)
    _print_others(console, derivation)
    _print_series(console, derivation)
    _print_outcome(console, steps)


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))


def _say(console: Console, text: str, indent: int = INDENT) -> None:
    console.print(Padding(Text(text), (0, 0, 0, indent)), highlight=False)


def _facts(console: Console, facts: Iterable[Fact]) -> None:
    """Print names with what they stand for; what is absent is left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, content in facts:
        if content:
            grid.add_row(Text(name), Text(content))
    console.print(Padding(grid, (0, 0, 0, INDENT)), highlight=False)


def _table(console: Console, headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(Padding(table, (0, 0, 0, INDENT)), highlight=False)


def _print_head(console: Console, derivation: Derivation) -> None:
    row, commitment = derivation.row, derivation.commitment
    console.print(Text(commitment.title, style="bold"))
    if row is not None:
        line = Text(f"{row.status_symbol} {row.status_label}", style=row.status_colour)
        line.append(f"  {row.area_name} ({row.area_code})", style="default")
        console.print(line, highlight=False)
        if row.explanation:
            _say(console, row.explanation, 0)
    _say(console, f"Release {derivation.release.release_id}, as at {day(derivation.release.as_at)}.", 0)


def _print_commitment(console: Console, derivation: Derivation) -> None:
    commitment = derivation.commitment
    _section(console, "The commitment as registered")
    document = f"{commitment.document_file}, line {commitment.document_line}" if commitment.document_file else None
    versions = [
        f"from {day(one.valid_from)}" + (f" until before {day(one.valid_to)}" if one.valid_to else "")
        for one in derivation.versions
    ]
    _facts(
        console,
        [
            ("Id", commitment.commitment_id),
            ("Framework", f"{commitment.framework} ({commitment.framework_id}), {commitment.organisation}"),
            ("Under", ": ".join(part for part in (commitment.aim, commitment.priority) if part)),
            ("Document", document),
            ("Owner", commitment.owner),
            ("In force", "; ".join(versions) + ("" if commitment.is_current else ": no version is in force")),
            ("Superseded by", commitment.superseded_by),
            ("Target", _target_words(commitment)),
            ("Due", _due_words(commitment)),
            (
                "Baseline",
                f"{commitment.baseline_period_label}{_in_brackets(commitment.baseline_period_source)}"
                if commitment.baseline_period_label
                else None,
            ),
            (
                "Baseline as printed",
                f"{exact(commitment.baseline_value_stated)}{_in_brackets(commitment.baseline_value_source)}"
                if commitment.baseline_value_stated is not None
                else None,
            ),
            ("Promised", words.RECURRENCES.get(commitment.recurrence or "")),
            ("Wording", "it permits the action rather than promising it" if commitment.is_permissive else None),
            *((link.relation.capitalize(), f"{link.commitment_id}: {link.title}") for link in derivation.links),
            ("Data needed", commitment.data_needed),
            ("Note", commitment.analyst_note),
        ],
    )


def _in_brackets(code: str | None) -> str:
    return f" ({plain(code)})" if code else ""


def _target_words(commitment: CommitmentRow) -> str:
    said = plain(commitment.target_type)
    if commitment.target_value is not None:
        number = words.with_unit(exact(commitment.target_value), commitment.target_unit)
        said += f" {words.OPERATORS.get(commitment.operator or '', '')} {number}".replace("  ", " ")
    details = [
        commitment.change_basis,
        f"comparator {commitment.comparator_area_code}" if commitment.comparator_area_code else None,
        plain(commitment.comparator_rule) if commitment.comparator_rule else None,
        f"level rule {plain(commitment.level_rule)}" if commitment.level_rule else None,
        f"sequence rule {plain(commitment.sequence_rule)}" if commitment.sequence_rule else None,
        plain(commitment.gap_measure) if commitment.gap_measure else None,
        f"across {commitment.gap_dimension}" if commitment.gap_dimension else None,
        f"wanted: {plain(commitment.desired_direction)}" if commitment.desired_direction else None,
    ]
    return ", ".join([said, *(detail for detail in details if detail)])


def _due_words(commitment: CommitmentRow) -> str:
    if commitment.due_date is None:
        return "no date"
    said = f"precision: {plain(commitment.due_date_precision)}, {plain(commitment.due_date_source)}"
    return f"{day(commitment.due_date)} ({said})"


def _print_choices(console: Console, derivation: Derivation) -> None:
    if not derivation.choices:
        return
    _section(console, "What an analyst chose where the document leaves a choice")
    _table(
        console,
        ("What", "Chosen", "Or else", "Reason"),
        [(plain(one.choice), one.chosen, one.alternative or "", one.reason) for one in derivation.choices],
    )


def _print_measures(console: Console, derivation: Derivation) -> None:
    row = derivation.row
    if not derivation.measures:
        return
    _section(console, "How it is measured")
    for one in derivation.measures:
        speaks = row is not None and (one.indicator_key, one.population_group_key) == (
            row.indicator_key,
            row.population_group_key,
        )
        against = f", against {one.versus_indicator_id}: {one.versus_indicator_name}" if one.versus_indicator_id else ""
        across = f", gap across {one.gap_category_type}" if one.gap_category_type else ""
        _say(
            console,
            f"{'→' if speaks else ' '} {one.indicator_id}: {one.indicator_name}, {one.population_group}"
            f"{against}{across}{' (shown here)' if speaks else ''}",
        )
        _say(console, f"confidence {one.confidence}: {one.reason or 'no reason given'}", INDENT + 2)


def _print_milestones(console: Console, derivation: Derivation) -> None:
    if not derivation.milestones:
        return
    _section(console, "What is recorded of it")
    for one in derivation.milestones:
        state = plain(one.milestone_state)
        which = f"{one.instance}, due {day(one.due_date)}" if one.instance else f"Due {day(one.due_date)}"
        if one.recorded_state is None:
            _say(console, f"{which}: {state}; no progress record.")
            continue
        completed = f", completed on {day(one.completed_on)}" if one.completed_on else ""
        evidence = one.evidence_document or "no document"
        line = f", line {one.evidence_line}" if one.evidence_line is not None else ""
        _say(
            console, f"{which}: {state}; recorded as {plain(one.recorded_state)} on {day(one.recorded_on)}{completed}."
        )
        _say(console, f"Evidence: {evidence}{line}. {one.note or ''}".rstrip(), INDENT + 2)


def _print_not_assessable(console: Console, derivation: Derivation) -> None:
    row = derivation.row
    if row is None or row.not_assessable_reason is None:
        return
    _section(console, "Why it cannot be assessed")
    _, _, sentence = (row.explanation or "").partition("Not assessable: ")
    _facts(
        console,
        [
            ("Reason", plain(row.not_assessable_reason)),
            ("In words", sentence),
            ("Data needed", derivation.commitment.data_needed or "not registered"),
        ],
    )


def _print_rows(console: Console, derivation: Derivation) -> None:
    row = derivation.row
    if row is None or row.period_label is None:
        return
    _section(console, "The rows behind it")
    unit = words.unit_of(row.indicator_unit, row.measured_as, derivation.commitment.gap_measure)
    _facts(
        console,
        [
            ("Measured as", f"{plain(row.measured_as)}, in {unit or 'no unit'}"),
            ("Baseline", _baseline_words(row)),
            (
                "State of the source",
                "stale: an older load is served because the last one was refused" if row.is_stale else None,
            ),
        ],
    )
    for name, stand in (("Actual", derivation.actual), ("Baseline", derivation.baseline)):
        _print_stand(console, name, stand)
    for name, figure in (
        ("Comparator", derivation.comparator),
        ("Comparator at the baseline", derivation.baseline_comparator),
    ):
        if figure is not None:
            _print_figure(console, name, figure)
    if row.comparator_value is not None and derivation.comparator is None and row.measured_as == "value":
        _say(console, f"Comparator: {exact(row.comparator_value)}; the file names no row for it.")


def _baseline_words(row: AssessedRow) -> str:
    if row.baseline_refused_reason is not None:
        return f"refused: {plain(row.baseline_refused_reason)}"
    return f"{plain(row.baseline_basis)}{f', {row.baseline_period_label}' if row.baseline_period_label else ''}"


def _print_stand(console: Console, name: str, stand: Stand) -> None:
    if stand.figure is not None:
        _print_figure(console, name, stand.figure)
    if stand.other is not None:
        _print_figure(console, f"{name}, the other indicator", stand.other)
    if stand.added_up is not None:
        _print_added_up(console, name, stand.added_up)
    if stand.gap is not None:
        _print_gap(console, name, stand.gap, stand.ends)


def _print_figure(console: Console, name: str, figure: FigureRow) -> None:
    counts = ""
    if figure.count is not None or figure.denominator is not None:
        counts = f", count {exact(figure.count)} of {exact(figure.denominator)}"
    if figure.limits != (figure.lower_ci_95, figure.upper_ci_95):
        lower, upper = figure.limits
        counts += f", 95% limits from the counts {exact(lower)} to {exact(upper)}"
    state = "" if figure.value_status_code == "present" else f", {plain(figure.value_status_code)}"
    _say(
        console,
        f"{name}: {_value_words(figure.value, figure.lower_ci_95, figure.upper_ci_95)}{counts}{state}; "
        f"{figure.period_label} ({day(figure.period_start)} to {day(figure.period_end)}), "
        f"{figure.area_name}, {figure.population_group}",
    )
    where = (
        f"{figure.source_file}, record {figure.source_row_number}"
        f"{f', column {figure.source_column}' if figure.source_column else ''}; "
        f"release {figure.source_release} of {figure.source_title}; SHA-256 {figure.source_file_sha256[:SHA_SHOWN]}…"
    )
    printed = f"; printed as {figure.value_as_published!r}" if figure.value_as_published is not None else ""
    corrected = f"; corrected by {figure.correction_id}" if figure.correction_id else ""
    _say(console, f"{where}{printed}{corrected}", INDENT + 2)
    if figure.value_note:
        _say(console, f"Note of the publisher: {figure.value_note}", INDENT + 2)


def _print_added_up(console: Console, name: str, found: AddedUpRow) -> None:
    _say(
        console,
        f"{name}: {_value_words(found.value, found.lower_ci_95, found.upper_ci_95)}, count {exact(found.count)} of "
        f"{exact(found.denominator)}; {found.period_label} ({day(found.period_start)} to {day(found.period_end)}), "
        f"{found.area_name}",
    )
    published = "" if found.published_value is None else f"; published for it: {exact(found.published_value)}"
    _say(
        console,
        f"added up here from {found.constituents_with_value} of {found.constituents} parts of the place "
        f"(fct_footprint_value {found.footprint_value_key}){published}; computed limits play no part in a status",
        INDENT + 2,
    )


def _print_gap(console: Console, name: str, gap: GapRow, ends: Sequence[FigureRow]) -> None:
    kinds = (
        ("absolute gap", gap.absolute_gap, gap.absolute_gap_lower_ci_95, gap.absolute_gap_upper_ci_95),
        ("relative gap", gap.relative_gap, gap.relative_gap_lower_ci_95, gap.relative_gap_upper_ci_95),
        ("slope index", gap.slope_index, gap.slope_index_lower_ci_95, gap.slope_index_upper_ci_95),
        ("relative index", gap.relative_index, gap.relative_index_lower_ci_95, gap.relative_index_upper_ci_95),
    )
    said = "; ".join(
        f"{kind} {_value_words(value, lower, upper)}" for kind, value, lower, upper in kinds if value is not None
    )
    _say(
        console,
        f"{name}: {said}; {gap.period_label} ({day(gap.period_start)} to {day(gap.period_end)}), across "
        f"{gap.group_count} groups of {gap.dimension} (fct_inequality {gap.inequality_key})",
    )
    for group, end in zip((gap.group_a, gap.group_b), ends, strict=False):
        _print_figure(console, f"  {group}", end)


def _value_words(value: float | None, lower: float | None, upper: float | None, name: str = "95% limits ") -> str:
    limits = f" ({name}{exact(lower)} to {exact(upper)})" if lower is not None and upper is not None else ""
    return f"{exact(value) if value is not None else 'no value'}{limits}"


def _print_steps(console: Console, steps: Sequence[Step]) -> None:
    for section, found in groupby(steps, key=lambda step: step.section):
        _section(console, f"{section}, computed again")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column()
        grid.add_column(no_wrap=True)
        for step in found:
            verdict = "✓ as in the file" if step.agrees else "✖ NOT AS IN THE FILE"
            grid.add_row(Text(step.name), Text(step.said), Text(verdict, style="" if step.agrees else "bold red"))
        console.print(Padding(grid, (0, 0, 0, INDENT)), highlight=False)
        for step in steps:
            if step.section == section and not step.agrees:
                _say(console, f"✖ {step.complaint}")


def _print_rule(console: Console, row: AssessedRow) -> None:
    if row.status_rule_order is None:
        return
    _section(console, "The rule that decided")
    _say(console, f"Rule {row.status_rule_order} of the status table: {row.status_rule_why} → {row.status_label}")


def _print_deadline(console: Console, row: AssessedRow) -> None:
    _section(console, "When the deadline is answered")
    if row.due_date is None:
        _say(console, "No date is registered by which it is due.")
        return
    if row.deadline_state == "answered":
        _say(console, f"Due {day(row.due_date)}: answered by {row.period_label}.")
        return
    _say(
        console,
        f"Due {day(row.due_date)}: answered by the period that ends on {day(row.answering_period_end)}, whose figures "
        f"are to be expected on {day(row.answer_expected_on)}.",
    )


def _print_forecast(console: Console, row: AssessedRow, commitment: CommitmentRow) -> None:
    _section(console, "Forecast for the period that answers the deadline")
    if row.forecast_value is None:
        _say(console, f"None: {plain(row.no_forecast_reason)}.")
        return
    is_gap = commitment.target_type.endswith("comparator")
    _say(
        console,
        f"{'Gap to the comparator ' if is_gap else ''}{exact(row.forecast_value)}, 80% interval "
        f"{exact(row.forecast_lower_80)} to {exact(row.forecast_upper_80)}; probability of meeting the target "
        f"{exact(row.forecast_probability)}.",
    )
    _say(console, f"Method: {plain(row.forecast_method)}, from {row.forecast_points} points; not computed again here.")


def _print_comparisons(console: Console, derivation: Derivation) -> None:
    _section(console, "Comparators of the place, same period and group")
    if not derivation.comparisons:
        _say(console, "None has a figure for what is shown here.")
        return
    _table(
        console,
        ("Comparator", "Name", "Value", "Basis", "Compared"),
        [
            (
                plain(one.comparator_relation),
                f"{one.comparator_name}{f' ({one.comparator_as_of})' if one.comparator_as_of else ''}",
                exact(one.comparator_value),
                plain(one.comparator_basis),
                f"place {one.place_among_neighbours} among {one.neighbours_with_value} of {one.neighbours} and itself"
                if one.place_among_neighbours is not None
                else one.compared or "",
            )
            for one in derivation.comparisons
        ],
        right=(2,),
    )
    if derivation.actual.other is not None and derivation.actual.figure is not None:
        figure = derivation.actual.figure
        _say(
            console,
            f"These are values of {figure.indicator_name} itself, which is {exact(figure.value)} here, not of the gap.",
        )


def _print_groups(console: Console, derivation: Derivation) -> None:
    if not derivation.groups:
        return
    _section(console, "Other groups at the place; the target is held against them for orientation only")
    _table(
        console,
        ("Group", "Value (95% limits)", "To the target", "To the value above", "Target met"),
        [
            (
                one.population_group,
                _value_words(one.value, one.lower_ci_95, one.upper_ci_95, ""),
                exact(one.gap_to_target) if one.gap_to_target is not None else "",
                exact(one.difference_from_scored) if one.difference_from_scored is not None else "",
                {1: "yes", 0: "no"}.get(-1 if one.is_target_met_by_point is None else one.is_target_met_by_point, ""),
            )
            for one in derivation.groups
        ],
        right=(2, 3),
    )


def _print_others(console: Console, derivation: Derivation) -> None:
    if derivation.others:
        _section(console, "Other measures, groups and places of the commitment")
        _table(
            console,
            ("Place", "Measure and group", "Confidence", "Period", "Actual", "Status", "Speaks, or reason"),
            [
                (
                    one.area_name,
                    f"{one.indicator_id}, {one.population_group}"
                    if one.indicator_id and one.measured_as != "none"
                    else "",
                    one.indicator_confidence or "",
                    one.period_label or "",
                    exact(one.actual_value) if one.actual_value is not None else "",
                    f"{one.status_symbol} {one.status_label}",
                    plain(one.not_assessable_reason) if one.not_assessable_reason else "speaks" if one.speaks else "",
                )
                for one in derivation.others
            ],
            right=(4,),
        )
    if derivation.parts:
        _say(
            console,
            f"And {derivation.parts} parts of these places have figures: outcomes scorecard --parts, or --place here.",
        )


def _print_series(console: Console, derivation: Derivation) -> None:
    row = derivation.row
    if row is None or len(derivation.series) < 2:
        return
    _section(console, "All periods since the baseline")
    _table(
        console,
        ("Period", "Actual (95% limits)", "Target", "Straight path", "Level", "Change", "Status"),
        [
            (
                f"{'→ ' if one.period_key == row.period_key else '  '}{one.period_label}",
                _value_words(one.actual_value, one.actual_lower_ci_95, one.actual_upper_ci_95, "")
                if one.actual_value is not None
                else plain(one.value_status_code),
                _held(one),
                exact(one.trajectory_value) if one.trajectory_value is not None else "",
                plain(one.level_code) if one.level_code else "",
                plain(one.change_code) if one.change_code else "",
                f"{one.status_symbol} {one.status_label}",
            )
            for one in derivation.series
        ],
    )


def _held(row: AssessedRow) -> str:
    if row.target_value is None or row.target_operator is None:
        return ""
    return f"{words.OPERATORS[row.target_operator]} {exact(row.target_value)}"


def _print_outcome(console: Console, steps: Sequence[Step]) -> None:
    wrong = [step for step in steps if not step.agrees]
    if not steps:
        return
    console.print()
    if not wrong:
        _say(console, f"All {len(steps)} figures and codes that can be computed again agree with the file.", 0)
        return
    console.print(Text(f"{len(wrong)} of {len(steps)} figures and codes do not agree with the file:", style="bold red"))
    for step in wrong:
        _say(console, f"✖ {step.complaint}")
