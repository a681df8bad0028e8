"""Everything that the charts of a release need, read at once.

Opening the file and keeping what was drawn belong here; drawing does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.report.charts.chart_rows import StatusRow, read_planned_rows, read_status_rows, read_value_rows
from pipelines.report.charts.series import Series, assemble
from pipelines.report.published_rows import reading

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.report.charts.chart import Chart


@dataclass(frozen=True, slots=True)
class ChartData:
    """The series of a release, and the charts that were drawn of them.

    Attributes:
        series: All series, those of one commitment together, places that signed first.
        statuses: Commitments by framework and status.
        drawn: Charts by id: a chart that stands on several pages is drawn once.
    """

    series: tuple[Series, ...]
    statuses: tuple[StatusRow, ...]
    drawn: dict[str, Chart] = field(default_factory=dict[str, "Chart"], compare=False)

    @property
    def commitment_ids(self) -> tuple[str, ...]:
        """Commitments that have a chart, in order."""
        return tuple(sorted({series.commitment_id for series in self.series}))

    @property
    def area_codes(self) -> tuple[str, ...]:
        """Places that have a chart, in order."""
        return tuple(sorted({series.area_code for series in self.series}))


def read_chart_data(file: Path) -> ChartData:
    """Read what the charts of a release need.

    Args:
        file: A published file, whole or public.

    Returns:
        The data.

    Raises:
        NotReadable: The file is not a release that this version can read.
    """
    with reading(file) as connection:
        return ChartData(
            series=tuple(assemble(read_value_rows(connection), read_planned_rows(connection))),
            statuses=tuple(read_status_rows(connection)),
        )
