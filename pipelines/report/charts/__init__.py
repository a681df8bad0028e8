"""Charts of the report: one a commitment, place and scored group, drawn from any published file without a network.

Reading what is charted, laying it out, drawing it and saying it in words belong here; where a chart stands on a page
does not. The file may be the whole edition or the public one: what is blank in it is marked, never drawn.
"""

from pipelines.report.charts.chart import Chart, ChartTable
from pipelines.report.charts.chart_data import ChartData, read_chart_data
from pipelines.report.charts.collection import charts_held_back, commitment_charts, overview_chart, place_charts

__all__ = [
    "Chart",
    "ChartData",
    "ChartTable",
    "charts_held_back",
    "commitment_charts",
    "overview_chart",
    "place_charts",
    "read_chart_data",
]
