"""The charts of a page: of a commitment, of a place, of the whole.

Which charts a page shows belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.report.charts import sentences
from pipelines.report.charts.chart import Chart
from pipelines.report.charts.overview import overview_of
from pipelines.report.charts.parts import parts_charts
from pipelines.report.charts.picture import picture_of
from pipelines.report.charts.spec import specification
from pipelines.report.charts.svg import cleaned, drawing
from pipelines.report.charts.tables import table_of

if TYPE_CHECKING:
    from pipelines.report.charts.chart_data import ChartData
    from pipelines.report.charts.series import Series

MOST = 20
"""Charts on the page of a commitment; with more, the parts of places share one chart of their latest figures there."""


def commitment_charts(data: ChartData, commitment_id: str) -> list[Chart]:
    """Return the charts of a commitment, one a place and scored group; places that signed come first.

    All charts of places that signed are shown. Those of their parts are shown where that makes no more than 20 in all;
    else one chart a measure shows the latest figures of all parts, and ``charts_held_back`` says so.

    Args:
        data: The data of a release.
        commitment_id: A commitment.
    """
    charts = [_chart(data, series) for series in _shown(data, commitment_id)]
    return charts + parts_charts(_held(data, commitment_id))


def charts_held_back(data: ChartData, commitment_id: str) -> str:
    """Say which charts the page of a commitment leaves to the pages of places; empty when none.

    Args:
        data: The data of a release.
        commitment_id: A commitment.
    """
    held = _held(data, commitment_id)
    if not held:
        return ""
    places = len({series.area_code for series in held})
    return (
        f"{len(held)} more charts, of {places} parts of the places above over time, are on the pages of those parts; "
        "here their latest figures stand beside each other."
    )


def place_charts(data: ChartData, area_code: str) -> list[Chart]:
    """Return every chart of a place.

    Args:
        data: The data of a release.
        area_code: A place.
    """
    return [_chart(data, series) for series in data.series if series.area_code == area_code]


def overview_chart(data: ChartData) -> Chart:
    """Return the chart of statuses by framework.

    Args:
        data: The data of a release.
    """
    return overview_of(data.statuses)


def _shown(data: ChartData, commitment_id: str) -> list[Series]:
    every = [series for series in data.series if series.commitment_id == commitment_id]
    signed = [series for series in every if series.place_role == "signed"]
    # Parts alone, of a place that has no figure itself, are all there is to see.
    return every if len(every) <= MOST or not signed else signed


def _held(data: ChartData, commitment_id: str) -> list[Series]:
    shown = {series.id for series in _shown(data, commitment_id)}
    return [series for series in data.series if series.commitment_id == commitment_id and series.id not in shown]


def _chart(data: ChartData, series: Series) -> Chart:
    if series.id not in data.drawn:
        data.drawn[series.id] = chart_of(series)
    return data.drawn[series.id]


def chart_of(series: Series) -> Chart:
    """Draw a series.

    Args:
        series: The series.
    """
    picture = picture_of(series)
    alt = sentences.alternative(series)
    start = None if picture.y.low == 0 else picture.y.ticks[0][1]
    return Chart(
        id=series.id,
        title=series.title,
        svg=cleaned(drawing(specification(picture)), series.id, series.title, alt),
        alt=alt,
        caption=sentences.caption(series, start),
        table=table_of(series),
        commitment_id=series.commitment_id,
        area_code=series.area_code,
        place_role=series.place_role,
    )
