"""A picture as a Vega-Lite specification, by Altair.

The specification is built and checked once; every picture fills in its data, axes and size. Nothing in it reads from
anywhere else.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import altair as alt

from pipelines.report.charts.picture import FONT_SIZE, GRID, RIGHT, TEXT

if TYPE_CHECKING:
    from pipelines.report.charts.picture import Picture

FONTS = "Arial, Helvetica, 'Liberation Sans', 'Noto Sans', sans-serif"
"""Any of them has the same widths, nearly; the browser takes the first that it has."""


def specification(picture: Picture) -> dict[str, Any]:
    """Return what the drawing library needs.

    Args:
        picture: A picture.

    Returns:
        A Vega-Lite specification.
    """
    return {
        **_template(picture.has_axes),
        "width": picture.plot_width,
        "height": picture.plot_height,
        "autosize": {"type": "none"},
        "padding": {"left": picture.left, "right": RIGHT, "top": picture.top, "bottom": picture.bottom},
        "params": [
            {"name": "x_low", "value": picture.x.low},
            {"name": "x_high", "value": picture.x.high},
            {"name": "y_low", "value": picture.y.low},
            {"name": "y_high", "value": picture.y.high},
            {"name": "x_ticks", "value": [value for value, _ in picture.x.ticks]},
            {"name": "y_ticks", "value": [value for value, _ in picture.y.ticks]},
            {"name": "x_labels", "value": _by_position(picture.x.ticks)},
            {"name": "y_labels", "value": _by_position(picture.y.ticks)},
        ],
        "datasets": {
            "lines": [
                {"n": line.name, "x": x, "y": y, "c": line.colour, "w": line.width, "d": list(line.dash)}
                for line in picture.lines
                for x, y in line.points
            ],
            "points": [
                {"x": mark.x, "y": mark.y, "s": mark.shape, "a": mark.size, "f": mark.fill, "c": mark.stroke}
                for mark in picture.points
            ],
            "left": _texts(picture, "left"),
            "center": _texts(picture, "center"),
        },
    }


def _by_position(ticks: tuple[tuple[float, str], ...]) -> dict[str, str]:
    """Return labels by where the tick stands among the others, which is exact where a number is not."""
    span = max(len(ticks) - 1, 1)
    return {f"{index / span:.3f}": label for index, (_, label) in enumerate(ticks)}


def _texts(picture: Picture, align: str) -> list[dict[str, Any]]:
    return [
        {"x": mark.x, "y": mark.y, "t": mark.text, "c": mark.colour} for mark in picture.texts if mark.align == align
    ]


@cache
def _template(has_axes: bool) -> dict[str, Any]:
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[alt.ExprRef("x_low"), alt.ExprRef("x_high")], nice=False, zero=False),
        axis=alt.Axis(
            values=alt.ExprRef("x_ticks"),
            labelExpr="split(x_labels[format(datum.index, '.3f')], '\\n')",
            title=None,
            grid=False,
        )
        if has_axes
        else None,
    )
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[alt.ExprRef("y_low"), alt.ExprRef("y_high")], nice=False, zero=False),
        axis=alt.Axis(
            values=alt.ExprRef("y_ticks"),
            labelExpr="y_labels[format(datum.index, '.3f')]",
            title=None,
            domain=False,
            ticks=False,
        )
        if has_axes
        else None,
    )
    colour = alt.Stroke("c:N", scale=None, legend=None)
    lines = (
        alt.Chart(alt.NamedData("lines"))
        .mark_line()
        .encode(
            x=x,
            y=y,
            detail="n:N",
            stroke=colour,
            strokeWidth=alt.StrokeWidth("w:Q", scale=None, legend=None),
            strokeDash=alt.StrokeDash("d:N", scale=None, legend=None),
        )
    )
    points = (
        alt.Chart(alt.NamedData("points"))
        .mark_point(strokeWidth=2, opacity=1)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("s:N", scale=None, legend=None),
            size=alt.Size("a:Q", scale=None, legend=None),
            fill=alt.Fill("f:N", scale=None, legend=None),
            stroke=colour,
        )
    )
    texts = [
        alt.Chart(alt.NamedData(align))
        .mark_text(align=align, baseline="middle", fontSize=FONT_SIZE)
        .encode(x=x, y=y, text="t:N", fill=alt.Fill("c:N", scale=None, legend=None))
        for align in ("left", "center")
    ]
    chart = alt.layer(lines, points, *texts).configure(
        font=FONTS,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelFontSize=FONT_SIZE,
            labelColor=TEXT,
            labelOverlap=False,
            labelBound=False,
            labelFlush=False,
            gridColor=GRID,
            domainColor=TEXT,
            tickColor=TEXT,
        ),
    )
    return chart.to_dict()
