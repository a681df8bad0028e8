"""Made-up rows of a scorecard. What a test shows belongs in the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from pipelines.report.published_rows import ReleaseLine
from pipelines.report.scorecard import CoverageLine, Scorecard, ScorecardFilters, ScorecardLine, StatusName

STATUSES = (
    StatusName("off_track", "Off track", "▼", "#d4351c", 20),
    StatusName("achieved_but_slipping", "Achieved, slipping", "▽", "#5a6e1f", 50),
    StatusName("on_track", "On track", "▲", "#1d70b8", 60),
    StatusName("unknown", "No record", "?", "#505a5f", 130),
    StatusName("not_assessable", "Not assessable", "·", "#505a5f", 150),
)
USUAL: dict[str, Any] = {
    "framework_id": "strategy",
    "framework": "Strategy",
    "aim": "Aim",
    "priority": "Priority",
    "commitment_id": "fewer-smoke",
    "title": "Fewer people smoke",
    "target_type": "absolute_level",
    "area_code": "E08000009",
    "area_name": "Trafford",
    "place_role": "signed",
    "is_counted": 1,
    "status_code": "on_track",
    "not_assessable_reason": None,
    "indicator_id": "smoking",
    "indicator_name": "Smoking",
    "population_group": "Persons, 18+ yrs",
    "indicator_confidence": "high",
    "measured_as": "value",
    "gap_measure": None,
    "period_label": "2024",
    "actual_value": 13.1,
    "actual_lower_ci_95": 11.0,
    "actual_upper_ci_95": 15.2,
    "unit": "%",
    "decimal_places": 1,
    "target_operator": "<=",
    "target_value": 5.0,
    "due_date": date(2035, 12, 31),
    "forecast_probability": 0.87,
    "no_forecast_reason": None,
    "deadline_state": "before_due",
    "is_stale": 0,
    "records": 0,
    "explanation": "It was 13.1% in 2024.",
    "data_needed": None,
    "owner": None,
    "document_file": "strategy.txt",
    "document_line": 7,
    "priority_sequence": 1,
}
WITHOUT_FIGURES = {
    "period_label": None,
    "actual_value": None,
    "actual_lower_ci_95": None,
    "actual_upper_ci_95": None,
    "target_operator": None,
    "target_value": None,
    "forecast_probability": None,
}


@pytest.fixture
def line() -> Callable[..., ScorecardLine]:
    """Return a function that makes a row; ``figures=False`` leaves the figures out."""

    def make(*, figures: bool = True, **more: Any) -> ScorecardLine:
        cells: dict[str, Any] = {**USUAL, **({} if figures else WITHOUT_FIGURES), **more}
        status = next(status for status in STATUSES if status.status_code == cells["status_code"])
        return ScorecardLine(
            **cells,
            status_label=status.status_label,
            status_symbol=status.status_symbol,
            status_colour=status.status_colour,
            status_sort=status.status_sort,
        )

    return make


@pytest.fixture
def scorecard() -> Callable[..., Scorecard]:
    """Return a function from rows, and attributes of the filters, to an answer."""

    def make(*lines: ScorecardLine, hint: str | None = None, **filters: Any) -> Scorecard:
        return Scorecard(
            release=ReleaseLine("20260301T060000Z-1a2b3c4d", date(2026, 3, 1)),
            filters=ScorecardFilters(**filters),
            lines=lines,
            statuses=STATUSES,
            coverage=(
                CoverageLine("strategy", "Strategy", "assessed", None, 3),
                CoverageLine("strategy", "Strategy", "not_assessable", "no_indicator", 2),
                CoverageLine("strategy", "Strategy", "not_assessable", "no_baseline", 4),
            ),
            hint=hint,
        )

    return make
