"""The gate itself: it fails closed, names every failing row, and keeps to itself."""

from __future__ import annotations

import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.check import great_expectations_engine
from pipelines.check.expectation_suites import COLUMN_RULES, KNOWN_TYPES, Expectation, Suite
from pipelines.check.gate import GateReport, run_gate
from pipelines.check.gate_database import Engine, text_literal
from pipelines.problems import ConfigurationError

WHY = "A rule that exists only to be broken by this test."
ROWS = 500


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 rows: the value is the row's number, the name is always the same."""
    path = tmp_path_factory.mktemp("batch") / "it's a batch.parquet"
    numbers = list(range(2, ROWS + 2))
    pl.DataFrame(
        {
            "source_file": ["file.csv"] * ROWS,
            "source_row_number": numbers,
            "source_column": ["Value"] * ROWS,
            "value": [float(number) for number in numbers],
            "gap": [None] * ROWS,
            "name": ["a"] * ROWS,
        },
        schema_overrides={"gap": pl.String},
    ).write_parquet(path)
    return path


def expectation(type_: str, kwargs: dict[str, Any], severity: str = "critical", check_id: str = "") -> Expectation:
    return Expectation.model_validate(
        {"check_id": check_id or type_, "type": type_, "kwargs": kwargs, "severity": severity, "why": WHY}
    )


def rows_query(text: str, severity: str = "critical", check_id: str = "rows") -> Expectation:
    return expectation("unexpected_rows_expectation", {"unexpected_rows_query": text}, severity, check_id)


def suite_of(*expectations: Expectation) -> Suite:
    return Suite(suite="made", source="made", description="Made by this test and for it.", expectations=expectations)


FAILING: dict[str, dict[str, Any]] = {
    "expect_column_values_to_be_between": {"column": "value", "max_value": 1},
    "expect_column_values_to_be_in_set": {"column": "name", "value_set": ["b"]},
    "expect_column_values_to_be_unique": {"column": "name"},
    "expect_column_values_to_not_be_null": {"column": "gap"},
    "expect_column_value_lengths_to_be_between": {"column": "name", "min_value": 2},
    "expect_column_distinct_values_to_be_in_set": {"column": "name", "value_set": ["b"]},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "value", "column_B": "source_row_number"},
    "expect_column_unique_value_count_to_be_between": {"column": "name", "min_value": 2},
    "expect_compound_columns_to_be_unique": {"column_list": ["name", "source_file"]},
    "expect_table_columns_to_match_set": {"column_set": ["name", "other"], "exact_match": True},
    "expect_table_row_count_to_be_between": {"max_value": 10},
}
PASSING: dict[str, dict[str, Any]] = {
    "expect_column_values_to_be_between": {"column": "value", "max_value": 501},
    "expect_column_values_to_be_in_set": {"column": "name", "value_set": ["a"]},
    "expect_column_values_to_be_unique": {"column": "value"},
    "expect_column_values_to_not_be_null": {"column": "name"},
    "expect_column_value_lengths_to_be_between": {"column": "name", "min_value": 1},
    "expect_column_distinct_values_to_be_in_set": {"column": "name", "value_set": ["a", "b"]},
    "expect_column_pair_values_a_to_be_greater_than_b": {
        "column_A": "value",
        "column_B": "source_row_number",
        "or_equal": True,
    },
    "expect_column_unique_value_count_to_be_between": {"column": "value", "min_value": 500},
    "expect_compound_columns_to_be_unique": {"column_list": ["name", "value"]},
    "expect_table_columns_to_match_set": {"column_set": ["name"], "exact_match": False},
    "expect_table_row_count_to_be_between": {"min_value": 500},
}


@pytest.fixture(scope="module")
def reports(batch: Path, now: datetime, tmp_path_factory: pytest.TempPathFactory) -> dict[Engine, GateReport]:
    """Every built-in type once failing and once passing, plus our own queries, in one run of each engine."""
    failing = [
        expectation(name, kwargs, "warning" if name in COLUMN_RULES else "critical", f"{name}_failing")
        for name, kwargs in FAILING.items()
    ]
    passing = [expectation(name, kwargs, "critical", f"{name}_passing") for name, kwargs in PASSING.items()]
    identity = "source_file, source_row_number, source_column, 'value' as column_name, value"
    queries = [
        rows_query(f"select {identity}, 'too large' as detail from {{batch}}", "warning", "all_rows"),
        # One spelling with an alias, a join, a colon and doubled braces: what the two libraries would trip over.
        rows_query(
            "select b.value, 'at 10:30' as detail from {batch} as b join other as o on o.value = b.value "
            "where regexp_full_match(cast(b.source_row_number as varchar), '[0-9]{{3}}')",
            "info",
            "joined",
        ),
        rows_query("select 1 from {batch} as b where b.value < 0 or 'a:b' = 'c'", "critical", "none"),
        rows_query("select nonesuch from {batch}", "info", "unknown_column"),
        expectation("expect_column_values_to_not_be_null", {"column": "nonesuch"}, "info", "unknown_column_built_in"),
        rows_query("select * from nowhere, {batch}", "info", "unknown_table"),
        rows_query(
            f"select null as source_file, {identity.split(', ', 1)[1]}, 'x' as detail from {{batch}}",
            "warning",
            "nameless",
        ),
    ]
    engines: tuple[Engine, ...] = ("great_expectations", "duckdb")
    return {
        engine: run_gate(
            batch,
            suite_of(*failing, *passing, *queries),
            {"other": f"select value from read_parquet({text_literal(batch)}) where value < 200"},
            now=now,
            failing_rows=tmp_path_factory.mktemp(engine) / "failing.parquet",
            engine=engine,
        )
        for engine in engines
    }


@pytest.fixture(scope="module", params=["great_expectations", "duckdb"])
def both(request: pytest.FixtureRequest, reports: dict[Engine, GateReport]) -> GateReport:
    """The run of each engine in turn."""
    return reports[request.param]


def outcome(report: GateReport, check_id: str) -> str:
    return next(one.outcome for one in report.results if one.check_id == check_id)


def test_the_tables_of_examples_cover_every_known_type() -> None:
    assert set(FAILING) == set(PASSING) == KNOWN_TYPES - {"unexpected_rows_expectation"}


@pytest.mark.parametrize("name", sorted(FAILING))
def test_every_known_type_fails_and_passes_on_duckdb(name: str, both: GateReport) -> None:
    assert outcome(both, f"{name}_failing") == ("quarantined" if name in COLUMN_RULES else "blocked")
    assert outcome(both, f"{name}_passing") == "passed"


@pytest.mark.parametrize("rule", [*(f"{name}_failing" for name in sorted(COLUMN_RULES)), "all_rows"])
def test_every_failing_row_is_named_far_beyond_the_sample(rule: str, both: GateReport) -> None:
    assert both.failing_rows is not None
    found = pl.read_parquet(both.failing_rows).filter(pl.col("rule") == rule)
    assert sorted(found["source_row_number"]) == list(range(2, ROWS + 2))
    assert set(found["source_file"]) == {"file.csv"}
    result = next(one for one in both.results if one.check_id == rule)
    assert (result.rows_failed, len(result.details)) == (ROWS, 20)


@pytest.mark.parametrize("rule", ["unknown_column", "unknown_column_built_in", "unknown_table", "nameless"])
def test_a_rule_that_cannot_be_evaluated_refuses_whatever_its_severity(rule: str, both: GateReport) -> None:
    result = next(one for one in both.refusals if one.check_id == rule)
    assert result.outcome == "not_evaluated"
    assert result.observed.startswith("not evaluated: ")
    assert len(result.observed) > len("not evaluated: ")
    assert "returned nothing" not in result.observed
    assert both.failing_rows is not None
    assert pl.read_parquet(both.failing_rows).filter(pl.col("rule") == rule).is_empty()


def test_a_query_may_use_aliases_joins_colons_and_braces(both: GateReport) -> None:
    joined = next(one for one in both.results if one.check_id == "joined")
    assert (joined.outcome, joined.rows_failed) == ("warned", 100), joined.observed
    assert outcome(both, "none") == "passed"


def test_both_engines_say_the_same(reports: dict[Engine, GateReport]) -> None:
    def said(report: GateReport) -> list[tuple[str, str, int | None]]:
        return [(one.check_id, one.outcome, one.rows_failed) for one in report.results]

    def found(report: GateReport) -> pl.DataFrame:
        assert report.failing_rows is not None
        return pl.read_parquet(report.failing_rows).sort("rule", "source_row_number")

    library, quick = reports["great_expectations"], reports["duckdb"]
    assert said(quick) == said(library)
    assert found(quick).equals(found(library))


def test_results_keep_the_order_of_the_suite(both: GateReport) -> None:
    ids = [one.check_id for one in both.results]
    assert ids[: len(FAILING)] == [f"{name}_failing" for name in FAILING]
    assert len(ids) == len(set(ids))


def test_arguments_that_the_library_refuses_are_a_configuration_error(batch: Path, now: datetime) -> None:
    suite = suite_of(expectation("expect_column_values_to_be_between", {"column": "value", "maximum": 3}))
    with pytest.raises(ConfigurationError, match="check_id expect_column_values_to_be_between, kwargs"):
        run_gate(batch, suite, {}, now=now)


def test_without_the_kept_connection_the_gate_refuses(
    batch: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When this fails the library has mended itself, and ``keep_connection_open`` can go."""
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine  # noqa: PLC0415

    without = tuple(one for one in engine._PERSISTED_CONNECTION_DIALECTS if one.value != "duckdb")
    monkeypatch.setattr(engine, "_PERSISTED_CONNECTION_DIALECTS", without)
    suite = suite_of(rows_query("select value from {batch} where value < 0"))
    monkeypatch.setattr(great_expectations_engine, "keep_connection_open", lambda: None)
    assert [one.outcome for one in run_gate(batch, suite, {}, now=now).results] == ["not_evaluated"]
    monkeypatch.undo()
    assert [one.outcome for one in run_gate(batch, suite, {}, now=now).results] == ["passed"]


@pytest.mark.parametrize("broken", ["no_batch", "no_reference", "not_parquet"])
def test_what_cannot_be_opened_leaves_every_rule_unevaluated(
    broken: str, batch: Path, now: datetime, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(batch.read_bytes()[:-100])
    path = {"no_batch": tmp_path / "gone.parquet", "no_reference": batch, "not_parquet": torn}[broken]
    references = (
        {"known": f"select * from read_parquet('{tmp_path / 'gone.parquet'}')"} if broken == "no_reference" else {}
    )
    report = run_gate(path, suite_of(rows_query("select value from {batch}", "info")), references, now=now)
    assert report.rows is None
    assert [one.outcome for one in report.results] == ["not_evaluated"]
    assert ("torn" if broken == "not_parquet" else "gone") in report.results[0].observed


def test_the_gate_asks_no_network_and_leaves_nothing_behind(
    batch: Path, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(*args: object, **_: object) -> None:
        asked.append(args)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = batch.read_bytes()
    report = run_gate(batch, suite_of(rows_query("select value from {batch} where value < 0")), {}, now=now)
    assert [one.outcome for one in report.results] == ["passed"]
    assert asked == []
    assert list(tmp_path.iterdir()) == []
    assert batch.read_bytes() == before


def test_the_memory_limit_reaches_the_database(batch: Path, now: datetime) -> None:
    query = "select 1 from {batch} where current_setting('memory_limit') <> '95.3 MiB'"
    report = run_gate(batch, suite_of(rows_query(query)), {}, now=now, memory_limit="100MB")
    assert [one.outcome for one in report.results] == ["passed"]
