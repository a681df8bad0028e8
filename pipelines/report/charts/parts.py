"""The latest figures of many places beside each other: one row a place, where a chart each would be too many.

The rows, their key, table and words belong here; which places there are does not.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from pipelines.report import words
from pipelines.report.charts import sentences
from pipelines.report.charts.chart import Chart, ChartTable
from pipelines.report.charts.picture import (
    FONT_SIZE,
    GRID,
    LINE,
    PLACE,
    SECOND,
    SOLID,
    Key,
    LineMark,
    Picture,
    PointMark,
    TextMark,
)
from pipelines.report.charts.scale import Axis, value_axis, width_of
from pipelines.report.charts.series import slug
from pipelines.report.charts.spec import specification
from pipelines.report.charts.svg import cleaned, drawing
from pipelines.report.charts.tables import ABSENT, lower_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.report.charts.series import Point, Series

LABELS = 225
"""Room for names, at most."""

MOST_TICKS = 5


def parts_charts(held: Sequence[Series]) -> list[Chart]:
    """Draw the latest figures of places, a chart for every measure and latest period.

    Args:
        held: Series of one commitment.

    Returns:
        The charts, by measure and period.
    """

    def kind(series: Series) -> tuple[str, str]:
        return series.measure, _latest(series).label

    return [_chart(list(group)) for _, group in groupby(sorted(held, key=kind), key=kind)]


def _chart(group: list[Series]) -> Chart:
    ranked = ranked_by_figure(group)
    first = ranked[0]
    period = _latest(first).label
    chart_id = slug(f"chart-{first.commitment_id}-parts-{first.measure}-{period}")
    title = f"Parts of places in {period}: {first.measure}"
    picture = picture_of(ranked)
    alt = alternative(ranked)
    return Chart(
        id=chart_id,
        title=title,
        svg=cleaned(drawing(specification(picture)), chart_id, title, alt),
        alt=alt,
        caption=caption(ranked, None if picture.x.low == 0 else picture.x.ticks[0][1]),
        table=table_of(ranked),
        commitment_id=first.commitment_id,
        place_role="part",
    )


def ranked_by_figure(group: Sequence[Series]) -> list[Series]:
    """Return places by their latest figure, the highest first; those without one last, by name.

    Args:
        group: Series of one measure.
    """

    def order(series: Series) -> tuple[bool, float, str]:
        value = _latest(series).value
        return value is None, -(value or 0.0), series.place_title

    return sorted(group, key=order)


def _latest(series: Series) -> Point:
    return series.drawn[-1] if series.drawn else series.points[-1]


def _names(ranked: Sequence[Series]) -> list[str]:
    """Return names of places, in full where two in the chart have the same."""
    times = Counter(series.place for series in ranked)
    return [series.place if times[series.place] == 1 else series.place_title for series in ranked]


def _second(group: Sequence[Series]) -> tuple[str, float] | None:
    """Return whose figure all may be held against, where it is one figure."""
    found = {(series.second_name, _latest(series).second) for series in group if _latest(series).value is not None}
    if len(found) != 1:
        return None
    ((name, value),) = found
    return None if name is None or value is None else (name, value)


def picture_of(ranked: Sequence[Series]) -> Picture:
    """Lay out the rows.

    Args:
        ranked: Series of one measure, in the order of the rows.
    """
    latest = [_latest(series) for series in ranked]
    second = _second(ranked)
    shown = [value for point in latest for value in (point.value, point.lower, point.upper) if value is not None] + (
        [second[1]] if second else []
    )
    labels = [_label(series, name) for series, name in zip(ranked, _names(ranked), strict=True)]
    height = float(LINE * len(ranked))
    picture = Picture(
        x=value_axis(shown, MOST_TICKS),
        # Pixels are the unit of the upright axis.
        y=Axis(-height, 0, ()),
        left=min(max(width_of(label, FONT_SIZE) for label in labels) + 14, LABELS + 14),
        bottom=0,
        plot_height=height,
    )
    for number, (value, _) in enumerate(picture.x.ticks):
        picture.lines.append(LineMark(f"grid-{number}", ((value, -height), (value, 0)), GRID, 1))
    if second:
        picture.lines.append(LineMark("second", ((second[1], -height), (second[1], 0)), SECOND, 2))
    for number, (point, label) in enumerate(zip(latest, labels, strict=True)):
        y = -(number + 0.5) * LINE
        picture.texts.append(TextMark(picture.across(4 - picture.left), y, label, "left"))
        if point.value is None:
            picture.texts.append(TextMark(picture.across(16), y, point.mark, "center"))
            continue
        if point.lower is not None and point.upper is not None:
            picture.lines.append(LineMark(f"limits-{number}", ((point.lower, y), (point.upper, y)), PLACE, 1.5))
        picture.points.append(PointMark(point.value, y, "circle", 70, PLACE, PLACE))
    unit = sentences.axis_words(ranked[0].unit)
    picture.texts.append(TextMark(picture.across(4 - picture.left), picture.down(-16), unit, "left"))
    _key_of(Key(picture), ranked, second)
    return picture


def _label(series: Series, name: str) -> str:
    """Return a name and its figure, cut to the room that there is."""
    point = _latest(series)
    figure = "" if point.value is None else f": {series.short(point.value)}"
    for letters in range(len(name), 0, -1):
        if width_of(f"{words.cut(name, letters)}{figure}", FONT_SIZE) <= LABELS:
            return f"{words.cut(name, letters)}{figure}"
    return figure


def _key_of(key: Key, ranked: Sequence[Series], second: tuple[str, float] | None) -> None:
    has_limits = any(_latest(series).lower is not None for series in ranked)
    said = f"Figure of {_latest(ranked[0]).label}"
    key.add(
        f"{said} with its 95% limits" if has_limits else said,
        line=(PLACE, 1.5, SOLID) if has_limits else None,
        symbols=(("circle", 70, PLACE, PLACE),),
    )
    if second:
        key.add(f"{second[0]}: {ranked[0].short(second[1])}", line=(SECOND, 2, SOLID))
    absent = {point.mark: sentences.absence_words(point) for point in map(_latest, ranked) if point.value is None}
    for mark, reason in absent.items():
        key.add(f"No figure: {reason.removesuffix(mark).strip()}", mark=mark)
    key.picture.bottom = key.bottom


def counted(places: int) -> str:
    """Write a number of parts.

    Args:
        places: How many.
    """
    return "1 part of a place" if places == 1 else f"{places} parts of places"


def alternative(ranked: Sequence[Series]) -> str:
    """Say between what the figures lie.

    Args:
        ranked: Series of one measure, the highest figure first.
    """
    seen = [pair for pair in zip(ranked, _names(ranked), strict=True) if pair[0].drawn]
    start = f"{ranked[0].measure} in {counted(len(ranked))} in {_latest(ranked[0]).label}"
    if not seen:
        return f"{start}: no figure can be shown."
    least, most = (f"{series.written(_latest(series).value or 0.0)} ({name})" for series, name in (seen[-1], seen[0]))
    said = [f"{start}: from {least} to {most}" if len(seen) > 1 else f"{start}: {most}"]
    if second := _second(ranked):
        said.append(f"{second[0]} was {ranked[0].written(second[1])}")
    if len(seen) < len(ranked):
        said.append(f"Without a figure: {len(ranked) - len(seen)}")
    return " ".join(f"{sentence}." for sentence in said)


def caption(ranked: Sequence[Series], axis_start: str | None) -> str:
    """Say how to read the rows.

    Args:
        ranked: Series of one measure.
        axis_start: Where the axis starts, unless that is nought.
    """
    said = ["Each row is a place, with its latest figure as a dot; the highest is at the top."]
    if not any(_latest(series).lower is not None for series in ranked):
        said.append("No 95% limits are available.")
    if axis_start is not None:
        said.append(f"The axis starts at {axis_start}, not at 0.")
    said.append("The page of a place shows its figures over time.")
    return " ".join(said)


def table_of(ranked: Sequence[Series]) -> ChartTable:
    """Return the numbers of the rows.

    Args:
        ranked: Series of one measure, in the order of the rows.
    """
    held_against = next((series.second_name for series in ranked if series.second_name), None) or "England"
    columns = (
        "Place",
        "Period",
        f"Figure ({lower_unit(ranked[0].unit)})",
        "Lower 95% limit",
        "Upper 95% limit",
        held_against,
        "Status of the commitment",
    )
    rows: list[tuple[str, ...]] = []
    for series, name in zip(ranked, _names(ranked), strict=True):
        point = _latest(series)
        mark = point.mark if point.value is None else ABSENT
        numbers = (point.value, point.lower, point.upper)
        written = [mark if number is None else words.rounded(number, series.decimals) for number in numbers]
        second = ABSENT if point.second is None else words.rounded(point.second, series.decimals)
        rows.append((name, point.label, *written, second, series.status))
    kept = [
        position
        for position in range(len(columns))
        if position not in (3, 4, 5) or any(row[position] != ABSENT for row in rows)
    ]
    absent = {point.mark: point.status.lower() for point in map(_latest, ranked) if point.value is None}
    meanings = {ABSENT: "not available", **absent}
    shown = {row[position] for row in rows for position in kept}
    return ChartTable(
        columns=tuple(columns[position] for position in kept),
        rows=tuple(tuple(row[position] for position in kept) for row in rows),
        notes=" ".join(f"{mark} means {meaning}." for mark, meaning in sorted(meanings.items()) if mark in shown),
    )
