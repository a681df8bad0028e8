"""The table behind a chart.

Which numbers stand in it, and the marks where there is none, belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.report import words
from pipelines.report.charts.chart import ChartTable
from pipelines.report.charts.sentences import LIMITS, axis_words

if TYPE_CHECKING:
    from datetime import date

    from pipelines.report.charts.series import Forecast, Series

ABSENT = "[x]"
NOT_APPLICABLE = "[z]"


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the table before columns without content are left out; None is a cell to which nothing applies."""

    label: str
    end: date
    value: str | None = None
    lower: str | None = None
    upper: str | None = None
    second: str | None = None
    path: str | None = None
    target: str | None = None
    forecast: str | None = None
    forecast_lower: str | None = None
    forecast_upper: str | None = None
    status: str | None = None


def table_of(series: Series) -> ChartTable:
    """Return the numbers of a series: published periods, then the periods of the path, the forecast and the target.

    Args:
        series: The series.

    Returns:
        The table; a column in which nothing would stand is left out.
    """
    lines = sorted([*_published(series), *_ahead(series)], key=lambda line: line.end)
    forecast_name = "Forecast" if series.gap_forecast is None else f"Forecast of the gap to {series.second_name}"
    headed = {
        "label": "Period",
        "value": f"{series.place} ({lower_unit(series.unit)})",
        "lower": "Lower 95% limit",
        "upper": "Upper 95% limit",
        "second": series.second_name or "",
        "path": "Straight path",
        "target": "Target",
        "forecast": forecast_name,
        "forecast_lower": "Forecast, lower 80%",
        "forecast_upper": "Forecast, upper 80%",
        "status": "Status of the value",
    }
    kept = [
        name for name in headed if name == "value" or any(getattr(line, name) not in (None, ABSENT) for line in lines)
    ]
    rows = tuple(tuple(str(getattr(line, name) or NOT_APPLICABLE) for name in kept) for line in lines)
    return ChartTable(columns=tuple(headed[name] for name in kept), rows=rows, notes=_notes(series, rows))


def lower_unit(unit: str | None) -> str:
    """Write a unit as part of a heading: ``per cent``.

    Args:
        unit: The unit.
    """
    written = axis_words(unit)
    return written[:1].lower() + written[1:]


def _number(series: Series, value: float | None, absent: str | None = ABSENT) -> str | None:
    return absent if value is None else words.rounded(value, series.decimals)


def _target(series: Series) -> str | None:
    target = series.target
    if target.value is None or target.is_comparator:
        return None
    return LIMITS.get(target.operator or "", "{}").format(words.rounded(target.value, series.decimals))


def _published(series: Series) -> list[_Line]:
    return [
        _Line(
            label=point.label,
            end=point.end,
            value=_number(series, point.value, point.mark),
            lower=_number(series, point.lower, point.mark if point.value is None else ABSENT),
            upper=_number(series, point.upper, point.mark if point.value is None else ABSENT),
            second=_number(series, point.second),
            path=_number(series, point.path, None),
            target=_target(series),
            status=f"{point.status} {point.shorthand}" if point.shorthand else point.status,
        )
        for point in series.points
    ]


def _ahead(series: Series) -> list[_Line]:
    forecast = series.forecast or series.gap_forecast
    asked = [row for row in series.planned if row.path is not None or (forecast and row.end == forecast.end)]
    if not asked and forecast is None and series.planned and _target(series):
        asked = [series.planned[-1]]
    lines = [
        _ahead_line(series, row.label, row.end, row.path, forecast if forecast and row.end == forecast.end else None)
        for row in asked
    ]
    if forecast and all(row.end != forecast.end for row in asked):
        lines.append(_ahead_line(series, forecast.label, forecast.end, None, forecast))
    return lines


def _ahead_line(series: Series, label: str, end: date, path: float | None, forecast: Forecast | None) -> _Line:
    return _Line(
        label=label,
        end=end,
        path=_number(series, path, None),
        target=_target(series),
        forecast=_number(series, forecast.value, None) if forecast else None,
        forecast_lower=_number(series, forecast.lower) if forecast else None,
        forecast_upper=_number(series, forecast.upper) if forecast else None,
    )


def _notes(series: Series, rows: tuple[tuple[str, ...], ...]) -> str:
    cells = {cell for row in rows for cell in row}
    meanings: dict[str, list[str]] = {}
    for point in series.points:
        if point.shorthand and point.value is None:
            meanings.setdefault(point.shorthand, []).append(point.status.lower())
        elif point.shorthand:
            meanings.setdefault(point.shorthand, []).append(f"{point.status.lower()}, a figure is given")
    meanings.setdefault(ABSENT, []).append("not available")
    meanings.setdefault(NOT_APPLICABLE, []).append("not applicable to this period")
    notes = [
        f"{mark} means {' or '.join(dict.fromkeys(meaning))}."
        for mark, meaning in sorted(meanings.items())
        if any(mark in cell for cell in cells)
    ]
    notes.extend(f"Figures from {after.label} on cannot be compared with those before." for _, after in series.breaks)
    if series.baseline:
        notes.append(f"The baseline is {series.written(series.baseline[0])} in {series.baseline[1]}.")
    return " ".join(notes)
