"""Results of a run as rows of the table of checks, and the checks that have none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.acquire.source_registry import load_sources
from pipelines.check.check_log import write_checks
from pipelines.check.gate import CheckResult
from pipelines.check.intended_checks import IntendedCheck, checks_of_release, read_intended
from pipelines.problems import NotPublished
from pipelines.publish.check_rows import (
    COLUMNS,
    NO_RESULT,
    check_row,
    checks_to_add,
    dbt_check_rows,
    identity,
    log_rows,
    missing_rows,
    read_test_results,
    release_check_rows,
    surrogate_key,
    unintended,
)
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
BEGAN = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
MOMENT = BEGAN.replace(tzinfo=None)
MANIFEST: dict[str, Any] = {
    "nodes": {
        f"test.outcomes.{name}": {
            "resource_type": "test",
            "name": f"not_null_dim_area_{name}",
            "attached_node": "model.outcomes.dim_area",
            "column_name": name,
            "config": {"severity": "ERROR"},
            "test_metadata": {"name": "not_null", "kwargs": {}},
        }
        for name in ("a", "b", "c", "d", "e", "f")
    }
}


def result(check_id: str, stage: Any = "landed", evaluated_at: datetime = MOMENT) -> CheckResult:
    return CheckResult(
        check_id,
        stage,
        "readable",
        None,
        "critical",
        "passed",
        5,
        0,
        "5 rows",
        ({"value": "é"},),
        "Because.",
        evaluated_at,
    )


def intended(check_id: str, stage: Any, subject: str, source_id: str | None = None) -> IntendedCheck:
    return IntendedCheck(stage, subject, check_id, "readable", None, "critical", "Because.", source_id)


INDEX = (
    intended("readable", "landed", "fingertips", "fingertips"),
    intended("rule", "landed", "fingertips", "fingertips"),
    intended("priorities.readable", "register", "priorities"),
    intended("v_scorecard.rows", "published", "v_scorecard"),
)


@pytest.fixture
def log(tmp_path: Path) -> list[Path]:
    return [
        write_checks(tmp_path, "fingertips", [result("readable"), result("rule")]),
        write_checks(tmp_path, "priorities", [result("readable", "register")]),
        write_checks(tmp_path, "v_scorecard", [result("rows", "published")]),
    ]


@pytest.mark.parametrize(
    "parts", [("fingertips", "landed", "readable"), (None, "model", "dim_area.not_null_é"), ("a",)]
)
def test_keys_are_those_of_the_model(parts: tuple[str | None, ...]) -> None:
    joined = ", ".join("coalesce(cast(? as varchar), '')" for _ in parts)
    query = f"select cast(md5_number_lower(concat_ws('|', {joined})) >> 16 as bigint)"
    assert duckdb.execute(query, list(parts)).fetchall() == [(surrogate_key(*parts),)]


def test_the_log_and_the_index_call_a_check_the_same(log: list[Path]) -> None:
    rows = log_rows(log, BEGAN)
    assert {identity(row) for row in rows} == {one.identity for one in INDEX}
    assert {(row["subject_name"], row["source_id"], row["check_id"]) for row in rows} == {
        (one.subject, one.source_id, one.check_id) for one in INDEX
    }
    assert {row["source_key"] for row in rows} == {-2, surrogate_key("fingertips")}
    assert len({row["data_quality_check_key"] for row in rows}) == len(INDEX)
    assert all(list(row) == list(COLUMNS) for row in rows)
    assert json.loads(rows[0]["details_json"]) == [{"value": "é"}]
    assert missing_rows(INDEX, rows, BEGAN) == []
    assert unintended(INDEX, rows) == []


def test_a_result_that_was_deleted_is_missed(log: list[Path]) -> None:
    pl.read_parquet(log[0]).filter(pl.col("check_id") != "rule").write_parquet(log[0])
    [row] = missing_rows(INDEX, log_rows(log, BEGAN), BEGAN)
    assert (row["subject_name"], row["check_id"], row["outcome"]) == ("fingertips", "rule", "not_evaluated")
    assert (row["observed"], row["evaluated_at"]) == ("No result was recorded in this run.", MOMENT)
    assert row["data_quality_check_key"] == surrogate_key("fingertips", "landed", "rule")
    assert list(row) == list(COLUMNS)
    [said] = missing_rows(INDEX[1:2], (), BEGAN, lambda check: f"Nobody asked {check.check_id}.")
    assert said["observed"] == "Nobody asked rule."


def test_a_result_that_nobody_intended_is_found(log: list[Path]) -> None:
    assert unintended(INDEX[1:], log_rows(log, BEGAN)) == ["fingertips landed readable"]


def test_a_result_of_an_earlier_run_is_carried_over(tmp_path: Path) -> None:
    old, new = result("readable", evaluated_at=MOMENT - timedelta(seconds=1)), result("rule")
    rows = log_rows([write_checks(tmp_path, "fingertips", [old, new])], BEGAN)
    assert [row["is_carried_over"] for row in rows] == [1, 0]


def write_run_results(path: Path, generated_at: str) -> Path:
    said = {
        "a": {"status": "pass", "failures": 0},
        "b": {"status": "fail", "failures": 1, "message": "Got 1 result"},
        "c": {"status": "warn", "failures": 2_000},
        "d": {"status": "skipped", "failures": None},
        "e": {"status": "error", "failures": None, "message": "Runtime Error\n  no such column" + "x" * 500},
    }
    results = [{"unique_id": f"test.outcomes.{name}", "execution_time": 0.1, **one} for name, one in said.items()]
    results.append({"unique_id": "model.outcomes.dim_area", "status": "success"})
    path.write_text(json.dumps({"metadata": {"generated_at": generated_at}, "results": results}), encoding="utf-8")
    return path


def test_every_test_of_the_model_has_a_row_run_or_not(tmp_path: Path) -> None:
    results = read_test_results(write_run_results(tmp_path / "run_results.json", "2026-03-02T06:31:00.000001Z"), BEGAN)
    rows = {row["column_name"]: row for row in dbt_check_rows(MANIFEST, results, BEGAN)}
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "a": "passed",
        "b": "blocked",
        "c": "warned",
        "d": "not_evaluated",
        "e": "not_evaluated",
        "f": "not_evaluated",
    }
    assert rows["a"]["observed"] == "It holds: a is never empty"
    assert rows["b"]["observed"] == "1 row does not keep it: b is never empty"
    assert rows["c"]["observed"] == "2,000 rows do not keep it: c is never empty"
    assert rows["c"]["rows_failed"] == 2_000
    assert "was not built" in rows["d"]["observed"]
    assert rows["e"]["observed"].startswith("dbt could not put it: Runtime Error no such columnxxx")
    assert len(rows["e"]["observed"]) < 350
    assert "only a part of the model was built" in rows["f"]["observed"]
    assert all(row["why"] for row in rows.values())


def test_rows_are_the_same_whatever_the_order_and_the_time_that_tests_took(tmp_path: Path) -> None:
    path = write_run_results(tmp_path / "run_results.json", "2026-03-02T06:31:00Z")
    first = dbt_check_rows(MANIFEST, read_test_results(path, BEGAN), BEGAN)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["results"] = [{**one, "execution_time": 9.9} for one in reversed(content["results"])]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert dbt_check_rows(MANIFEST, read_test_results(path, BEGAN), BEGAN) == first


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"metadata": {"generated_at": "2026-03-02T06:29:59Z"}, "results": []}']
)
def test_results_that_are_damaged_or_of_an_earlier_build_say_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run_results.json"
    assert read_test_results(path, BEGAN) == {}
    path.write_text(text, encoding="utf-8")
    assert read_test_results(path, BEGAN) == {}
    assert read_test_results(write_run_results(path, "2026-03-02T06:29:59Z"), BEGAN) == {}


def test_what_publishing_asks_is_answered_for_each_of_its_checks(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute("create table dim_area (area_key bigint, area_name varchar)")
        connection.execute("create view v_area as from dim_area")
    rows = release_check_rows(build, BEGAN)
    assert {identity(row) for row in rows} == {one.identity for one in checks_of_release()}
    seen = {row["check_id"]: row["observed"] for row in rows}
    assert seen["release.dictionary_complete"] == "2 tables and views, 4 columns, all described"
    assert str(tmp_path) not in json.dumps(rows, default=str)


def build_with(settings: Settings, rows: list[dict[str, Any]]) -> None:
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    frame.write_parquet(settings.warehouse / "rows.parquet")
    with duckdb.connect(str(settings.build_file)) as connection:
        table = f"create or replace table fct_data_quality_check as from '{settings.warehouse / 'rows.parquet'}'"
        connection.execute(table)


def test_a_release_lists_every_check_that_was_intended_and_none_that_was_not(tmp_path: Path) -> None:
    settings = Settings(PROJECT, tmp_path)
    (tmp_path / "dbt").mkdir()
    (tmp_path / "dbt" / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    write_run_results(tmp_path / "dbt" / "run_results.json", "2026-03-02T06:31:00Z")
    write_checks(settings.published_checks, "v_scorecard", [result("rows_present", "published")])
    index = read_intended(settings, load_sources(settings.sources))
    modelled = [check_row(one, "passed", "fine", BEGAN) for one in index if one.source_id or one.stage == "register"]
    build_with(settings, modelled)
    added = checks_to_add(settings, BEGAN)
    assert sorted(identity(row) for row in (*modelled, *added)) == sorted(one.identity for one in index)
    unanswered = {row["check_id"] for row in added if row["observed"] == NO_RESULT}
    assert "fct_indicator_value.rows_present" in unanswered
    assert "v_scorecard.rows_present" not in unanswered
    build_with(settings, [*modelled, check_row(intended("made_up", "model", "nobody"), "passed", "fine", BEGAN)])
    with pytest.raises(NotPublished, match=r"no check of this project \(1, the first of model made_up\)"):
        checks_to_add(settings, BEGAN)
