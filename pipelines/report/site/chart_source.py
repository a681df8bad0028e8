"""Where the charts of the report come from.

Finding the charts of a commitment or a place belongs here; drawing them does not: see ``pipelines.report.charts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipelines.report import charts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipelines.report.charts import Chart


class ChartSource(Protocol):
    """Charts by what they are about."""

    def of_commitment(self, commitment_id: str) -> Sequence[Chart]:
        """Return the charts on the page of a commitment."""
        ...

    def held_back(self, commitment_id: str) -> str:
        """Return which charts are not on that page and where they are; empty when all of them are."""
        ...

    def of_place(self, area_code: str) -> Sequence[Chart]:
        """Return the charts of a place."""
        ...

    def overview(self) -> Chart | None:
        """Return the chart of the whole scorecard."""
        ...


class ReleaseCharts:
    """Charts of a published file.

    Args:
        file: The file, of either edition.
    """

    def __init__(self, file: Path) -> None:
        """Read what the charts show."""
        self._data = charts.read_chart_data(file)

    def of_commitment(self, commitment_id: str) -> Sequence[Chart]:
        """Return the charts on the page of a commitment."""
        return charts.commitment_charts(self._data, commitment_id)

    def held_back(self, commitment_id: str) -> str:
        """Return which charts are not on that page and where they are; empty when all of them are."""
        return charts.charts_held_back(self._data, commitment_id)

    def of_place(self, area_code: str) -> Sequence[Chart]:
        """Return the charts of a place."""
        return charts.place_charts(self._data, area_code)

    def overview(self) -> Chart | None:
        """Return the chart of the whole scorecard."""
        return charts.overview_chart(self._data)
