"""The decision about a load, and the accounts of splitting it: no row is lost or served twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.check.gate import FAILING_COLUMNS, CheckResult, GateReport, Outcome
from pipelines.check.load_decision import decide
from pipelines.check.quarantine import QUARANTINE, count_split, split

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def result(outcome: Outcome) -> CheckResult:
    return CheckResult(
        check_id="rule",
        stage="landed",
        expectation_type="unexpected_rows_expectation",
        column_name=None,
        severity="info",
        outcome=outcome,
        rows_evaluated=10,
        rows_failed=1,
        observed="1 row fails",
        details=(),
        why="Because this test needs a rule.",
        evaluated_at=NOW,
    )


@pytest.mark.parametrize(
    ("outcome", "landed", "quarantined", "share", "reason"),
    [
        ("passed", 10, 0, 0.0, None),
        ("warned", 10, 0, 0.0, None),
        ("quarantined", 10, 2, 0.2, None),
        ("quarantined", 10, 3, 0.2, "3 of 10 rows (30.0%) would be set aside"),
        ("quarantined", 10, 10, 1.0, "all 10 rows would be set aside"),
        ("passed", 0, 0, 1.0, "an empty answer is an error"),
        ("blocked", 10, 0, 1.0, "rule: 1 row fails"),
        ("not_evaluated", 10, 0, 1.0, "rule: 1 row fails"),
    ],
)
def test_decision(outcome: Outcome, landed: int, quarantined: int, share: float, reason: str | None) -> None:
    decision = decide(GateReport("s", landed, (result(outcome),), None), landed, quarantined, share)
    assert decision.accepted is (reason is None)
    assert (decision.reason or "").startswith(reason or "") or (reason or "") in (decision.reason or "")


@settings(max_examples=25, deadline=None)
@given(data=st.data(), height=st.integers(1, 40))
def test_every_landed_row_is_accepted_or_quarantined_once(
    data: st.DataObject, height: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("split")
    # A wide table has one source row in several columns, so the row number alone does not name a landed row.
    rows = pl.DataFrame(
        {
            "source_id": ["s"] * height,
            "source_release": ["2024-10"] * height,
            "source_file": ["f.csv"] * height,
            "source_file_sha256": ["ab"] * height,
            "source_row_number": [number // 3 for number in range(height)],
            "source_column": ["xyz"[number % 3] for number in range(height)],
            "value": [float(number) for number in range(height)],
        }
    )
    found = data.draw(st.lists(st.tuples(st.integers(0, height - 1), st.sampled_from(["one", "two"])), max_size=60))
    failing = pl.DataFrame(
        [(rule, "f.csv", row // 3, "xyz"[row % 3], "value", str(row), f"reason {row}") for row, rule in found],
        schema={name: pl.Int64 if kind == "BIGINT" else pl.String for name, kind in FAILING_COLUMNS.items()},
        orient="row",
    )
    rows.write_parquet(folder / "landed.parquet", metadata={"load_record": '{"it\'s": "kept"}'})
    failing.write_parquet(folder / "failing.parquet")
    report = GateReport("s", height, (result("quarantined"),), folder / "failing.parquet")
    counts = split(folder / "landed.parquet", report, folder / "accepted.parquet", folder / "aside.parquet", None)

    bad = {row for row, _ in found}
    accepted = pl.read_parquet(folder / "accepted.parquet")
    aside = pl.read_parquet(folder / "aside.parquet")
    assert counts.landed == counts.accepted + counts.quarantined == height
    assert accepted["value"].to_list() == [float(row) for row in range(height) if row not in bad]
    assert accepted.schema == rows.schema
    assert pl.read_parquet_metadata(folder / "accepted.parquet")["load_record"] == '{"it\'s": "kept"}'
    assert sorted(zip(aside["value"].cast(pl.Int64), aside["rule"], strict=True)) == sorted(set(found))
    assert aside.schema == QUARANTINE
    assert counts.quarantined == len(bad)


def test_split_needs_the_complete_list_of_failing_rows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="failing_rows"):
        split(tmp_path, GateReport("s", 1, (result("passed"),), None), tmp_path, tmp_path, None)


def test_counting_says_what_splitting_writes(
    good: Mapping[str, Callable[[], pl.DataFrame]], gate: Any, tmp_path: Path
) -> None:
    rows = good["fingertips"]().with_columns(
        area_code=pl.when(pl.col("source_row_number") < 5).then(pl.lit("E99999999")).otherwise("area_code")
    )
    landed = tmp_path / "landed.parquet"
    rows.write_parquet(landed)
    report = gate("fingertips", rows)
    written = split(landed, report, tmp_path / "accepted.parquet", tmp_path / "quarantine.parquet", None)
    assert written.quarantined == 3
    assert count_split(landed, report) == written
