"""Codes and figures of the file in the words of the report.

Sentences and cells belong here; which of them stands on which page does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.report import words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pipelines.report.derivation_rows import AssessedRow, CommitmentRow
    from pipelines.report.scorecard import ScorecardLine
    from pipelines.report.site.release_rows import SiteRows

ATTENTION: Final = ("missed", "off_track", "overdue", "at_risk", "achieved_but_slipping")
"""Statuses that somebody has to look at, the worst first."""

OUTCOMES: Final = {
    "assessed": ("Judged by figures", "There are figures and a target, so that it has a status."),
    "recorded": ("Progress is recorded", "An action or a recurring output of which somebody has recorded the state."),
    "not_recorded": ("No record", "An action of which nobody has recorded progress; nothing is claimed either way."),
    "no_target": ("No target", "The document names a measure, but no target."),
    "optional": ("Optional", "The wording permits the action rather than promising it."),
    "not_assessable": (
        "Not assessable",
        "Figures, a target or a baseline are missing; see the reasons.",
    ),
    "repeated": ("Repeats another", "The same commitment stands elsewhere and is counted there."),
}
"""Outcome of ``v_coverage`` -> what it is called, and what that means; in the order in which they are shown."""

LEVELS: Final = {
    "met": "met",
    "not_met": "not met",
    "met_confident": "met, by more than chance",
    "not_met_confident": "not met, by more than chance",
    "not_distinguishable": "too close to the target to tell, given the limits",
}
CHANGES: Final = {
    "improving": "improving",
    "no_detectable_change": "no change beyond chance",
    "getting_worse": "getting worse",
    "baseline_only": "only the baseline is known",
}
PACES: Final = {
    "fast_enough": "fast enough for the straight path to the target",
    "too_slow": "too slow: at least half of the pace that is needed",
    "far_too_slow": "far too slow: less than half of the pace that is needed",
    "wrong_way": "the wrong way",
    "no_pace": "no pace can be computed",
}
CONFIDENCE: Final = {
    "high": "high: it is what was promised",
    "medium": "medium: it is close to what was promised",
    "low": "low: it is a stand-in for what was promised",
}
_OPERATORS: Final = {"<=": "{} or less", ">=": "{} or more", "<": "less than {}", ">": "more than {}"}
_TARGETS: Final = {
    "absolute_level": "{number}",
    "percent_change_from_baseline": "A change from the baseline of {number}",
    "absolute_change_from_baseline": "A change from the baseline of {number}",
    "max_rise_from_baseline": "A rise of no more than {amount} from the baseline",
    "match_comparator": "As good as {comparator}",
    "statistically_better_than_comparator": "Better than {comparator} by more than chance",
    "statistically_similar_or_better_than_comparator": "Not worse than {comparator} by more than chance",
    "reduction_vs_counterfactual": "{amount} below what would be expected without action",
    "sustained_annual_reduction": "A fall in every year",
    "direction_only_from_baseline": "{direction} than the baseline, by any amount",
    "gap_reduction": "A smaller gap than at the baseline",
    "meet_external_annual_target": "The level that another body sets for the year",
    "completion_by_date": "Completed by its date",
    "none": "No target is named",
}
_GAPS: Final = {
    "absolute_gap": "as a difference",
    "relative_gap": "as a ratio",
    "slope_index": "as the slope index of inequality",
    "relative_index": "as the relative index of inequality",
    "published_gap": "as the publisher prints it",
}


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning.

    Args:
        text: The text.
    """
    return text[:1].upper() + text[1:]


def target_of(commitment: CommitmentRow, area_names: Mapping[str, str]) -> str:
    """Return what a commitment asks for, as it is registered.

    Args:
        commitment: The commitment.
        area_names: Names of the areas that serve as comparators.

    Returns:
        ``5% or less``, ``A smaller gap than at the baseline, as a ratio, across deprivation``.
    """
    value, unit = commitment.target_value, commitment.target_unit
    amount = "" if value is None else words.with_unit(words.exact(abs(value)), unit)
    number = "" if value is None else words.with_unit(words.exact(value), unit)
    number = _OPERATORS.get(commitment.operator or "", "{}").format(number) if number else "a level that is not given"
    code = commitment.comparator_area_code
    said = _TARGETS.get(commitment.target_type, words.plain(commitment.target_type)).format(
        number=number,
        amount=amount or "an amount that is not given",
        comparator=area_names.get(code, code) if code else "its comparator",
        direction={"increase": "Higher", "decrease": "Lower"}.get(commitment.desired_direction or "", "Better"),
    )
    details = [
        _GAPS.get(commitment.gap_measure or ""),
        f"across {commitment.gap_dimension}" if commitment.gap_dimension else None,
        {"absolute": "in points", "relative": "in per cent of it"}.get(commitment.change_basis or ""),
        "the whole 95% interval has to meet it" if commitment.level_rule == "confident" else None,
    ]
    return sentence(", ".join([said, *(one for one in details if one)]))


def due_of(commitment: CommitmentRow) -> str:
    """Return by when a commitment is due, and how that is known.

    Args:
        commitment: The commitment.
    """
    if commitment.due_date is None:
        return "No date is named"
    known = {
        "stated": "as the document says",
        "inherited": "the date of what it is part of",
        "defaulted": "the end of the document's period; it names no date",
        "analyst_chosen": "chosen by an analyst; the document names no date",
    }.get(commitment.due_date_source or "", words.plain(commitment.due_date_source))
    precise = commitment.due_date_precision
    about = f"; known to the {precise}" if precise in ("month", "quarter", "year") else ""
    return f"{words.day(commitment.due_date)} ({known}{about})"


class Figures:
    """Figures as cells, with the shorthand of government statistics where one is absent.

    Args:
        rows: The release.
    """

    def __init__(self, rows: SiteRows) -> None:
        """Keep why values can be absent."""
        self._value_statuses = rows.value_statuses

    def absent(self, value_status_code: str | None) -> str:
        """Return why there is no value: ``[c] Suppressed``; nothing where no value is meant to be.

        Args:
            value_status_code: Code of the value's status.
        """
        status = self._value_statuses.get(value_status_code or "")
        if status is None or status.has_value:
            return ""
        return f"{status.shorthand or ''} {status.value_status_label}".strip()

    def value(
        self,
        value: float | None,
        limits: tuple[float | None, float | None],
        unit: str | None,
        decimals: int | None,
        value_status_code: str | None,
    ) -> str:
        """Return a value with its limits, or why there is none.

        Args:
            value: The value.
            limits: Its 95 % limits.
            unit: Its unit.
            decimals: Decimal places.
            value_status_code: Why it is present or absent.
        """
        if value is None:
            return self.absent(value_status_code)
        said = words.actual_words(value, limits, unit, decimals)
        status = self._value_statuses.get(value_status_code or "")
        return f"{said} {status.shorthand}" if status is not None and status.shorthand else said

    def line_actual(self, line: ScorecardLine) -> str:
        """Return the figure of a row of the scorecard with its period.

        Args:
            line: The row.
        """
        if line.actual_value is None:
            return self.absent("suppressed") if line.not_assessable_reason == "suppressed" else ""
        unit = words.unit_of(line.unit, line.measured_as, line.gap_measure)
        limits = (line.actual_lower_ci_95, line.actual_upper_ci_95)
        return f"{words.actual_words(line.actual_value, limits, unit, line.decimal_places)} in {line.period_label}"

    def line_target(self, line: ScorecardLine) -> str:
        """Return the target of a row of the scorecard in the unit of its figure.

        Args:
            line: The row.
        """
        unit = words.unit_of(line.unit, line.measured_as, line.gap_measure)
        return held(line.target_value, line.target_operator, unit, line.decimal_places)

    def assessed_actual(self, row: AssessedRow, gap_measure: str | None) -> str:
        """Return the figure of an assessed row.

        Args:
            row: The row.
            gap_measure: How the commitment takes a gap.
        """
        unit = words.unit_of(row.indicator_unit, row.measured_as, gap_measure)
        limits = (row.actual_lower_ci_95, row.actual_upper_ci_95)
        return self.value(row.actual_value, limits, unit, row.decimal_places, row.value_status_code)


def held(value: float | None, operator: str | None, unit: str | None, decimals: int | None) -> str:
    """Return a target as a cell: ``≤ 5.0%``.

    Args:
        value: The target.
        operator: How it is compared.
        unit: Its unit.
        decimals: Decimal places.
    """
    if value is None:
        return ""
    # The sign stays with its number, however narrow the column.
    return f"{words.OPERATORS.get(operator or '', '')}\N{NO-BREAK SPACE}{words.rounded(value, decimals)}".strip() + (
        words.with_unit("", unit)
    )


def day_cell(when: date | None) -> str:
    """Return a day that no narrow column breaks: ``31 Dec 2035``.

    Args:
        when: The day.
    """
    return words.short_day(when).replace(" ", "\N{NO-BREAK SPACE}")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with what is counted: ``1 place``, ``1,204 places``.

    Args:
        number: How many.
        one: The word for one.
        many: The word for several; an ``s`` more by default.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
