"""What a chart shows, in words: the text alternative, the key and the caption.

Sentences made of a series belong here; where the picture puts them does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.report import words
from pipelines.report.charts.series import VINTAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.report.charts.series import Forecast, Point, Series

LIMITS = {"<=": "{} or less", ">=": "{} or more", "<": "less than {}", ">": "more than {}"}
"""Operator as the file writes it -> words around the value."""

COMPARATORS = {
    "significantly_better": "to be better than {} beyond chance",
    "not_significantly_worse": "to be no worse than {} beyond chance",
}
"""Rule of a comparator -> what is to be reached; any other rule is to match it."""

BY_CHANCE = "no_detectable_change"
NO_JUDGEMENT = "Not assessable"


def target_words(series: Series, written: Callable[[float], str]) -> str | None:
    """Write the target with its due date: ``5.0% or less by 31 December 2035``; None without one.

    Args:
        series: The series.
        written: How a value is written.
    """
    target = series.target
    due = f" by {words.day(target.due)}" if target.due else ""
    if target.is_comparator:
        rule = COMPARATORS.get(target.rule or "", "to match {}")
        return f"{rule.format(series.second_name or 'the comparator')}{due}"
    if target.value is None:
        return None
    return f"{LIMITS.get(target.operator or '', '{}').format(written(target.value))}{due}"


def alternative(series: Series) -> str:
    """Write what the chart shows: change, target and status in the first sentence, then what else can be seen.

    Args:
        series: The series.
    """
    target = target_words(series, series.written)
    reason = f" ({words.plain(series.reason)})" if series.reason else ""
    first = [
        finding(series),
        _target_sentence(series, target),
        f"{lower_first(series.status)}{reason}" if target or series.status == NO_JUDGEMENT else "",
    ]
    sentences = ["; ".join(part for part in first if part)]
    sentences.extend(_forecast_words(series))
    second = next((point for point in reversed(series.points) if point.second is not None), None)
    if series.second_name and second is not None and second.second is not None:
        sentences.append(f"{series.second_name} was {series.written(second.second)} in {second.label}")
    absent = [point for point in series.points if point.value is None]
    if absent and series.drawn:
        sentences.append(f"No figure for {_listed(absent)}")
    return " ".join(f"{sentence}." for sentence in sentences)


def _target_sentence(series: Series, target: str | None) -> str:
    if target:
        return f"the target is {target}"
    return "no target is set" if series.target.kind == "none" else "the target cannot be given as a figure"


def finding(series: Series) -> str:
    """Say how the measure changed, or what it was where there is nothing to compare it with.

    Args:
        series: The series.
    """
    subject = f"{series.measure} in {series.place}"
    if not series.drawn:
        return f"{subject} has no figure that can be shown: {_listed(list(series.points))}"
    latest = series.drawn[-1]
    now = f"{_value(series, latest)} ({latest.label})"
    start = series.baseline_point or series.drawn[0]
    if start is latest:
        only = ", its only figure so far" if len(series.drawn) == 1 else ", the baseline"
        return f"{subject} was {now}{only}"
    since = [after for _, after in series.breaks if start.end < after.end <= latest.end]
    if since:
        return (
            f"{subject} was {now}; figures before {since[-1].label} were "
            f"{'of other releases' if series.baseline_refused == VINTAGES else 'defined otherwise'} and cannot be "
            f"compared with it, such as {_value(series, start)} ({start.label})"
        )
    then = f"{_value(series, start)} ({start.label})"
    verb = _verb(series, start, latest)
    if verb is None:
        return f"{subject} stayed at {now}, as in {start.label}"
    said = ", periods that share years" if series.is_overlapping else ""
    said = ", which may be chance" if series.change_code == BY_CHANCE else said
    return f"{subject} {verb} from {then} to {now}{said}"


def _verb(series: Series, start: Point, latest: Point) -> str | None:
    before, after = start.value or 0.0, latest.value or 0.0
    if words.rounded(before, series.decimals) == words.rounded(after, series.decimals):
        return None
    return "rose" if after > before else "fell"


def _value(series: Series, point: Point) -> str:
    return series.written(point.value) if point.value is not None else point.mark


def _listed(points: list[Point]) -> str:
    """Name periods without a figure, those of one reason together: ``2020/21 (missing [x])``."""
    by_reason: dict[str, list[str]] = {}
    for point in points:
        by_reason.setdefault(absence_words(point), []).append(point.label)
    return "; ".join(f"{', '.join(labels)} ({reason})" for reason, labels in by_reason.items())


def absence_words(point: Point) -> str:
    """Say why a figure is absent, with its mark: ``suppressed [c]``.

    Args:
        point: A period without a figure.
    """
    return f"{lower_first('Not shown' if point.status == 'Present' else point.status)} {point.mark}"


def _forecast_words(series: Series) -> list[str]:
    if series.forecast:
        return [
            f"If the pattern so far holds, it will be about {forecast_words(series, series.forecast, series.written)}"
        ]
    if series.gap_forecast:
        gap = forecast_words(series, series.gap_forecast, series.written)
        return [f"If the pattern so far holds, the gap to {series.second_name or 'the comparator'} will be about {gap}"]
    return []


def forecast_words(
    series: Series, forecast: Forecast, wording: Callable[[float], str], interval: str = "80% interval "
) -> str:
    """Write a forecast: ``63.0% in 2025/26 (80% interval 60.5 to 65.5)``.

    Args:
        series: The series.
        forecast: Its forecast.
        wording: How a value is written.
        interval: What the interval is called.
    """
    written = f"{wording(forecast.value)} in {forecast.label}"
    if forecast.lower is None or forecast.upper is None:
        return written
    lower, upper = (words.rounded(limit, series.decimals) for limit in (forecast.lower, forecast.upper))
    return f"{written} ({interval}{lower} to {upper})"


def axis_words(unit: str | None) -> str:
    """Write a unit as the title of an axis: ``Per cent``, ``Years``, ``Per 100,000``.

    Args:
        unit: The unit.
    """
    if unit == "%":
        return "Per cent"
    return "Value" if unit is None else unit[:1].upper() + unit[1:]


def lower_first(text: str) -> str:
    """Write a text as the middle of a sentence.

    Args:
        text: Words that begin with a capital letter.
    """
    return text[:1].lower() + text[1:]


def caption(series: Series, axis_start: str | None) -> str:
    """Say how to read the picture, of what it really shows.

    Args:
        series: The series.
        axis_start: Where the vertical axis starts, unless that is nought.
    """
    sentences: list[str] = []
    if series.drawn:
        sentences.append("Dots are the figures as published; the line joins periods of one definition.")
    if any(point.lower is not None for point in series.points):
        whose = (
            "calculated here from the counts or from both sides of the gap" if series.limits_computed else "published"
        )
        sentences.append(f"Upright bars are 95% limits, {whose}.")
    elif series.drawn:
        sentences.append("No 95% limits are available.")
    if series.breaks:
        sentences.append("The line is broken at the upright dotted line: figures on its two sides cannot be compared.")
    if any(point.value is None for point in series.points):
        sentences.append("A mark in brackets stands above the axis where a period has no figure.")
    if any(row.path is not None for row in (*series.points, *series.planned)):
        sentences.append("The dashed line is the straight path from the baseline to the target.")
    if series.forecast:
        sentences.append("The open circle is the forecast, its bar an interval that holds with a chance of 80%.")
    if axis_start is not None:
        sentences.append(f"The vertical axis starts at {axis_start}, not at 0.")
    return " ".join(sentences)
