"""One source from landing to use: what is served, what is set aside, what is written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.acquire.landed_schema import LANDED
from pipelines.check.check_log import CHECKS, LOAD, LoadRow
from pipelines.check.expectation_suites import Expectation, load_suite
from pipelines.check.gate_database import Engine
from pipelines.check.load_gate import LoadOutcome, check_load
from pipelines.check.quarantine import QUARANTINE
from pipelines.problems import NOT_YET_RELEASED, ConfigurationError, Problem
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
Good = Mapping[str, Callable[[], pl.DataFrame]]
Land = Callable[..., Path]
Check = Callable[..., LoadOutcome]


@pytest.fixture
def check(settings: Settings, land: Land, source: Callable[..., Any], now: datetime) -> Check:
    """Land a frame (or nothing) and check it, some days after the first time."""

    def run(
        rows: pl.DataFrame | None,
        source_id: str = "fingertips",
        *,
        load_id: str = "0123456789ab",
        day: int = 0,
        problems: tuple[Problem, ...] = (),
        engine: Engine = "duckdb",
    ) -> LoadOutcome:
        landed = None if rows is None else land(rows, source_id, load_id)
        provides = "neighbour_sets" if source_id == "trafford_neighbours" else "indicator_values"
        moment = now + timedelta(days=day)
        outcome = check_load(source(source_id, provides), landed, problems, settings, moment, engine=engine)
        assert_accounts(outcome.load)
        return outcome

    return run


def assert_accounts(row: LoadRow) -> None:
    assert row.landed_rows == row.staged_rows + row.quarantined_rows + row.refused_rows


def many_rows(good: Good, bad: int) -> pl.DataFrame:
    """3,000 rows of the real extract under different row numbers, the first ``bad`` of them with an unknown area."""
    base = good["fingertips"]().filter(pl.col("parent_code").is_null())
    rows = pl.concat([base] * (3_000 // base.height + 1)).head(3_000)
    return rows.with_columns(
        source_row_number=pl.int_range(2, 3_002, dtype=pl.Int64),
        category=pl.concat_str(pl.lit("Group "), pl.int_range(0, 3_000)),
        area_code=pl.when(pl.int_range(0, 3_000) < bad).then(pl.lit("E08000099")).otherwise(pl.col("area_code")),
    )


def unreadable() -> tuple[Problem, ...]:
    return (
        Problem(
            "missing_column", "There is no column Value.", "Download the file again.", file="fingertips/2024-10/a.csv"
        ),
    )


def outcome_rules(source_id: str) -> tuple[Expectation, ...]:
    return load_suite(PROJECT / f"expectations/landed/{source_id}.json").expectations


def test_a_good_load_is_served_and_written_down(check: Check, good: Good, settings: Settings, now: datetime) -> None:
    rows = good["fingertips"]()
    outcome = check(rows)
    assert outcome.accepted
    assert pl.read_parquet(settings.accepted / "fingertips.parquet").equals(rows)
    load = pl.read_parquet(settings.check_log / "fingertips.load.parquet")
    checks = pl.read_parquet(settings.check_log / "fingertips.checks.parquet")
    quarantine = pl.read_parquet(settings.quarantine / "fingertips.parquet")
    assert load.schema == LOAD
    assert checks.schema == CHECKS
    assert quarantine.schema == QUARANTINE
    assert quarantine.is_empty()
    row = load.row(0, named=True)
    assert row == {
        "source_id": "fingertips",
        "load_id": "0123456789ab",
        "load_state": "accepted",
        "is_stale": 0,
        "reason": None,
        "source_releases": "2024-10",
        "files": 1,
        "landed_rows": rows.height,
        "quarantined_rows": 0,
        "refused_rows": 0,
        "staged_rows": rows.height,
        "served_rows": rows.height,
        "served_load_id": "0123456789ab",
        "checked_at": now.replace(tzinfo=None),
        "served_since": now.replace(tzinfo=None),
    }
    assert set(checks["outcome"]) == {"passed"}
    assert all(len(why) >= 20 for why in checks["why"])
    assert all(checks["observed"])
    assert checks["rows_evaluated"].unique().to_list() == [rows.height]


def test_a_refused_load_leaves_the_last_good_file_as_it_is(check: Check, good: Good, settings: Settings) -> None:
    rows = good["fingertips"]()
    check(rows)
    served = (settings.accepted / "fingertips.parquet").read_bytes()
    refused = check(rows.filter(pl.col("area_code") == "E92000001"), load_id="bad", day=1)
    assert refused.load.load_state == "refused"
    assert refused.load.is_stale == 1
    assert refused.load.reason is not None
    assert "1 areas, the last accepted load had 5" in refused.load.reason
    assert (settings.accepted / "fingertips.parquet").read_bytes() == served
    assert refused.load.served_load_id == "0123456789ab"
    assert refused.load.served_rows == rows.height
    unread = check(None, problems=unreadable(), day=2)
    assert (settings.accepted / "fingertips.parquet").read_bytes() == served
    assert (unread.load.load_state, unread.load.is_stale, unread.load.landed_rows) == ("refused", 1, 0)
    assert unread.load.served_load_id == "0123456789ab"
    result, *unasked = unread.results
    assert [one.check_id for one in unasked] == [one.check_id for one in outcome_rules("fingertips")]
    assert {(one.outcome, one.observed) for one in unasked} == {
        ("not_evaluated", "not evaluated: the load could not be read")
    }
    assert (result.check_id, result.outcome) == ("readable", "blocked")
    assert "There is no column Value." in result.observed
    assert json.loads(result.details_json)[0]["file"] == "fingertips/2024-10/a.csv"
    again = check(rows, day=3)
    assert again.load.served_since == unread.load.served_since, "the same load is served since it was first accepted"
    assert again.load.checked_at > unread.load.checked_at


def test_data_that_are_younger_than_the_day_are_taken_away(check: Check, good: Good, settings: Settings) -> None:
    assert check(good["fingertips"]()).accepted
    outcome = check(None, problems=(Problem(NOT_YET_RELEASED, "No release was at hand.", "Nothing to do."),), day=1)
    assert (outcome.load.load_state, outcome.load.is_stale, outcome.load.served_rows) == ("refused", 0, 0)
    accepted = pl.read_parquet(settings.accepted / "fingertips.parquet")
    assert accepted.is_empty()
    assert accepted.schema == LANDED["indicator_values"]


def test_a_source_that_was_never_accepted_still_has_its_files(check: Check, settings: Settings) -> None:
    outcome = check(None, "trafford_neighbours", problems=unreadable())
    assert (outcome.load.is_stale, outcome.load.served_rows, outcome.load.served_load_id) == (0, 0, None)
    accepted = pl.read_parquet(settings.accepted / "trafford_neighbours.parquet")
    assert accepted.schema == LANDED["neighbour_sets"]
    assert pl.read_parquet(settings.quarantine / "trafford_neighbours.parquet").schema == QUARANTINE


def test_the_printed_locality_table_is_not_served(
    check: Check, printed_localities: pl.DataFrame, settings: Settings
) -> None:
    outcome = check(printed_localities, "trafford_localities")
    assert outcome.load.reason is not None
    assert "237,354, localities sum to 188,493, difference 48,861" in outcome.load.reason
    assert (outcome.load.landed_rows, outcome.load.refused_rows, outcome.load.served_rows) == (5, 5, 0)
    assert pl.read_parquet(settings.accepted / "trafford_localities.parquet").is_empty()


def test_every_bad_row_is_set_aside_and_keeps_its_first_date(
    check: Check, good: Good, settings: Settings, now: datetime
) -> None:
    rows = many_rows(good, bad=500)
    first = check(rows)
    assert first.accepted
    assert (first.load.staged_rows, first.load.quarantined_rows) == (2_500, 500)
    path = settings.quarantine / "fingertips.parquet"
    quarantine = pl.read_parquet(path)
    assert quarantine.schema == QUARANTINE
    assert quarantine["source_row_number"].to_list() == list(range(2, 502))
    assert set(quarantine["rule"]) == {"unknown_area"}
    assert set(quarantine["value"]) == {"E08000099"}
    record = json.loads(quarantine["record_json"][0])
    assert list(record) == rows.columns
    assert record["value_as_published"] == rows["value_as_published"][0]

    accepted_path = settings.accepted / "fingertips.parquet"
    accepted = pl.read_parquet(accepted_path)
    assert accepted.schema == rows.schema
    assert accepted.equals(rows.slice(500)), "the other rows keep their order, columns and values"
    assert json.loads(pl.read_parquet_metadata(accepted_path)["load_record"])["load_id"] == "0123456789ab"

    # The same bytes again, with one more bad row: the old ones keep the date on which they were first seen.
    check(many_rows(good, bad=501), day=7)
    later = pl.read_parquet(path)
    assert later.height == 501
    assert set(later.head(500)["first_seen"]) == {now.replace(tzinfo=None)}
    assert later["first_seen"][500] == (now + timedelta(days=7)).replace(tzinfo=None)


def test_too_many_bad_rows_refuse_the_load_and_are_still_listed(check: Check, good: Good, settings: Settings) -> None:
    outcome = check(many_rows(good, bad=601))
    assert outcome.load.reason == (
        "601 of 3,000 rows (20.0%) would be set aside; more than 20% puts the whole load in doubt"
    )
    assert (outcome.load.quarantined_rows, outcome.load.refused_rows, outcome.load.staged_rows) == (601, 2_399, 0)
    assert pl.read_parquet(settings.quarantine / "fingertips.parquet").height == 601
    assert pl.read_parquet(settings.accepted / "fingertips.parquet").is_empty()


def test_a_torn_landed_file_is_refused(
    check: Check, good: Good, settings: Settings, land: Land, source: Any, now: datetime
) -> None:
    check(good["trafford_neighbours"](), "trafford_neighbours")
    served = (settings.accepted / "trafford_neighbours.parquet").read_bytes()
    torn = settings.landed / "trafford_neighbours.parquet"
    torn.write_bytes(torn.read_bytes()[:-50])
    outcome = check_load(source("trafford_neighbours", "neighbour_sets"), torn, (), settings, now)
    assert outcome.load.load_state == "refused"
    readable, *others = outcome.results
    assert (readable.check_id, readable.outcome) == ("readable", "blocked")
    assert {one.outcome for one in others} == {"not_evaluated"}
    assert (settings.accepted / "trafford_neighbours.parquet").read_bytes() == served
    assert list(settings.warehouse.glob(".gate_*")) == []


def test_a_source_without_a_suite_is_a_configuration_error(check: Check, good: Good) -> None:
    with pytest.raises(ConfigurationError, match=r"landed/nobody\.json: no such suite"):
        check(good["fingertips"](), "nobody")


def test_a_time_without_a_zone_is_refused(settings: Settings, source: Any, now: datetime) -> None:
    with pytest.raises(ValueError, match="time zone"):
        check_load(source("fingertips"), None, unreadable(), settings, now.replace(tzinfo=None))


def test_nothing_landed_and_no_reason_is_refused(settings: Settings, source: Any, now: datetime) -> None:
    with pytest.raises(ValueError, match="no problem given"):
        check_load(source("fingertips"), None, (), settings, now)
