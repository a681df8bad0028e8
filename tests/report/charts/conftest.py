"""Made-up rows of a release to be charted. What a test shows belongs in the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from pipelines.report.charts.chart_rows import PlannedRow, StatusRow, ValueRow
from pipelines.report.charts.series import Series, assemble

USUAL: dict[str, Any] = {
    "commitment_id": "fewer-smoke",
    "area_code": "E06000018",
    "area_name": "Nottingham",
    "area_type_label": "Unitary authority",
    "place_role": "signed",
    "indicator_id": "publisher.smoking",
    "indicator_name": "Smoking prevalence",
    "versus_name": None,
    "unit": "%",
    "decimal_places": 1,
    "sex": "Persons",
    "age": "All ages",
    "category_type": "Total",
    "category": "Total",
    "measured_as": "value",
    "gap_measure": None,
    "gap_dimension": None,
    "target_type": "absolute_level",
    "comparator_area_code": None,
    "comparator_name": None,
    "comparator_rule": None,
    "period_months": 12,
    "series_number": 1,
    "actual_lower_ci_95": None,
    "actual_upper_ci_95": None,
    "actual_limits_basis": None,
    "actual_source_release": "2026-05",
    "value_shorthand": None,
    "value_label": "Present",
    "second_value": None,
    "baseline_value": None,
    "baseline_period_label": None,
    "baseline_refused_reason": None,
    "target_operator": "<=",
    "target_value": 5.0,
    "trajectory_value": None,
    "forecast_value": None,
    "forecast_lower_80": None,
    "forecast_upper_80": None,
    "answering_period_end": None,
    "due_date": date(2026, 3, 31),
    "change_code": "improving",
    "is_overlapping_baseline": 0,
    "status_label": "Off track",
    "not_assessable_reason": None,
    "is_scorecard_period": 0,
}
SUPPRESSED: dict[str, Any] = {"value_shorthand": "[c]", "value_label": "Suppressed"}


@pytest.fixture(scope="session")
def row() -> Callable[..., ValueRow]:
    """Return a maker of a row of one calendar year."""

    def made(year: int, value: float | None, **changes: Any) -> ValueRow:
        usual: dict[str, Any] = {"period_label": str(year), "period_end": date(year, 12, 31), "actual_value": value}
        return ValueRow(**{**USUAL, **usual, **changes})

    return made


@pytest.fixture(scope="session")
def ahead() -> Callable[..., PlannedRow]:
    """Return a maker of a year still to come of the same measure."""

    def made(year: int, path: float | None = None, **changes: Any) -> PlannedRow:
        usual = {name: USUAL[name] for name in PlannedRow.__dataclass_fields__ if name in USUAL}
        usual |= {"period_label": str(year), "period_end": date(year, 12, 31), "trajectory_value": path}
        return PlannedRow(**{**usual, **changes})

    return made


@pytest.fixture(scope="session")
def one(row: Callable[..., ValueRow]) -> Callable[..., Series]:
    """Return a maker of a series: figures by year, the last of them the one of the scorecard."""

    def made(figures: dict[int, float | None], *planned: PlannedRow, **changes: Any) -> Series:
        last = max(figures)
        rows = [
            row(
                year,
                value,
                is_scorecard_period=int(year == last),
                **{**changes, **(SUPPRESSED if value is None else {})},
            )
            for year, value in figures.items()
        ]
        (series,) = assemble(rows, planned)
        return series

    return made


@pytest.fixture(scope="session")
def full(one: Callable[..., Series], ahead: Callable[..., PlannedRow]) -> Series:
    """Return a series with everything that a chart can show at once."""
    return one(
        {2016: 20.9, 2017: 19.9, 2018: None, 2019: 18.0, 2020: 17.7, 2021: 17.0, 2022: 16.6},
        *(ahead(year, 20.9 - 15.9 * (year - 2016) / 9) for year in range(2023, 2026)),
        baseline_value=20.9,
        baseline_period_label="2016",
        trajectory_value=12.0,
        actual_lower_ci_95=15.0,
        actual_upper_ci_95=22.0,
        actual_limits_basis="published",
        second_value=14.0,
        forecast_value=15.1,
        forecast_lower_80=13.0,
        forecast_upper_80=17.25,
        answering_period_end=date(2025, 12, 31),
    )


@pytest.fixture(scope="session")
def statuses() -> list[StatusRow]:
    """Return two frameworks, one of which has a part too narrow for its words."""

    def made(framework: str, code: str, places: int) -> StatusRow:
        label, symbol, colour, sort, judged = {
            "off_track": ("Off track", "▼", "#d4351c", 20, 1),
            "on_track": ("On track", "▲", "#1d70b8", 60, 1),
            "unknown": ("No record", "?", "#505a5f", 130, 0),
        }[code]
        return StatusRow(framework.lower(), framework, code, label, symbol, colour, sort, judged, places)

    return [made("Plan", "on_track", 1), made("Strategy", "off_track", 1), made("Strategy", "unknown", 99)]
