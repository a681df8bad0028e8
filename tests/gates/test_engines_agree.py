"""DuckDB alone, which answers `outcomes check`, says what Great Expectations says in a refresh, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl
import pytest

from pipelines.check.gate import GateReport

Gate = Callable[..., GateReport]
# One source of each suite that has rules of its own; the shared rules are in the first of them.
SPOILED = ("fingertips", "trafford_localities", "trafford_neighbours")


def said(report: GateReport) -> list[tuple[str, str, int | None, str]]:
    return [(one.check_id, one.outcome, one.rows_failed, one.observed) for one in report.results]


def rows_set_aside(report: GateReport) -> pl.DataFrame:
    assert report.failing_rows is not None
    found = pl.read_parquet(report.failing_rows)
    return found.sort(found.columns)


def spoiled(rows: pl.DataFrame) -> pl.DataFrame:
    """Break as many rules as a few rows can: codes, values, limits, counts, periods and a contradiction."""
    if "value" not in rows.columns:
        return rows.with_columns(neighbour_code=pl.lit("E99999999"))
    number = pl.col("source_row_number")
    return pl.concat([rows, rows.head(3).with_columns(value=pl.col("value") + 1)]).with_columns(
        area_code=pl.when(number == 3).then(pl.lit("E99999999")).otherwise("area_code"),
        value=pl.when(number == 4).then(-1.0).otherwise("value"),
        sex=pl.when(number == 5).then(None).otherwise("sex"),
        period_start=pl.when(number == 6).then(None).otherwise("period_start"),
        unreadable_cells=pl.when(number == 6).then(pl.lit("count='abc'")),
        lower_ci_95=pl.when(number == 2).then(99.0).otherwise("lower_ci_95"),
        count=pl.when(number == 2).then(-5.0).otherwise("count"),
    )


@pytest.mark.parametrize(
    ("source_id", "state"), [*((one, "spoiled") for one in SPOILED), ("fingertips", "good"), ("trafford_jsna", "good")]
)
def test_both_engines_say_the_same(
    source_id: str, state: str, good: Mapping[str, Callable[[], pl.DataFrame]], gate: Gate
) -> None:
    rows = good[source_id]() if state == "good" else spoiled(good[source_id]())
    before = good[source_id]()
    library = gate(source_id, rows, before, engine="great_expectations")
    quick = gate(source_id, rows, before, engine="duckdb")
    assert said(quick) == said(library)
    assert rows_set_aside(quick).equals(rows_set_aside(library))
    if state == "spoiled":
        assert {one.outcome for one in library.results} & {"quarantined", "blocked"}
