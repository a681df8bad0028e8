"""The index of what a run intends to check: it has all that the suites, the declarations and dbt's tests ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.acquire.source_registry import load_sources
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import not_evaluated
from pipelines.check.intended_checks import (
    MODEL_CHECKS,
    IntendedCheck,
    checks_of_model,
    checks_of_release,
    checks_of_suite,
    intended_checks,
    model_tests,
    read_intended,
    read_suites,
)
from pipelines.problems import ConfigurationError
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
SUITES = sorted(
    path
    for folder in ("landed", "register", "published")
    for path in (PROJECT / "expectations" / folder).glob("*.json")
)


def dbt_test(unique_id: str, kind: str, table: str, **more: Any) -> tuple[str, dict[str, Any]]:
    column = more.get("column_name")
    usual = {
        "resource_type": "test",
        "name": "_".join(part for part in (kind, table, column) if part),
        "attached_node": f"model.outcomes.{table}",
        "column_name": None,
        "config": {"severity": "ERROR"},
        "description": "",
        "test_metadata": {"name": kind, "kwargs": {}},
    }
    return unique_id, {**usual, **more}


@pytest.mark.parametrize("path", SUITES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_rule_of_a_suite_is_intended_and_one_that_is_taken_out_is_not(path: Path) -> None:
    suite = load_suite(path)
    found = checks_of_suite(suite)
    stage = path.parent.name
    prefix = "" if stage == "landed" else f"{path.stem}."
    readable = [] if stage == "published" else [f"{prefix}readable"]
    assert [one.check_id for one in found] == [*readable, *(f"{prefix}{one.check_id}" for one in suite.expectations)]
    assert {(one.stage, one.subject, one.source_id) for one in found} == {
        (stage, path.stem, path.stem if stage == "landed" else None)
    }
    assert all(len(one.why) >= 20 for one in found)
    fewer = suite.model_copy(update={"expectations": suite.expectations[1:]})
    assert set(found) - set(checks_of_suite(fewer)) == {found[len(readable)]}


def test_the_model_is_asked_of_every_source_and_of_those_with_indicators() -> None:
    sources = load_sources(PROJECT / "pipelines/acquire/sources")
    found = checks_of_model(sources.values())
    assert {one.subject for one in found if one.check_id == "rows_accounted_for"} == set(sources)
    with_values = {source_id for source_id, source in sources.items() if source.indicators}
    assert 0 < len(with_values) < len(sources)
    for name, _, _ in MODEL_CHECKS:
        assert {one.subject for one in found if one.check_id == name} == with_values
    sql = (PROJECT / "dbt_project/models/marts/fct_data_quality_check.sql").read_text(encoding="utf-8")
    for name, kind, why in MODEL_CHECKS:
        assert all(any(f"{mark}{text}{mark}" in sql for mark in ("'", '"')) for text in (name, kind, why)), name


def test_a_test_of_the_model_is_named_after_what_it_looks_at() -> None:
    nodes = dict(
        [
            dbt_test("test.o.a.11", "not_null", "dim_area", column_name="area_key"),
            dbt_test(
                "test.o.b.22", "grain", "fct_target", test_metadata={"name": "grain", "kwargs": {"columns": ["a", "b"]}}
            ),
            dbt_test(
                "test.o.c.33",
                "relationships",
                "fct_target",
                column_name="area_key",
                test_metadata={"name": "relationships", "kwargs": {"to": "ref('dim_area')", "field": "area_key"}},
            ),
            dbt_test(
                "test.o.d.44", "every_row", "fct_target", name="targets_are_whole", description="Because of this."
            ),
            dbt_test("test.o.e.55", "unique", "dim_area", column_name="code", config={"severity": "WARN"}),
            dbt_test("test.o.f.66", "unique", "dim_area", column_name="code"),
            dbt_test("test.o.g", "", "", name="every_record_is_shown", attached_node=None, test_metadata=None),
        ]
    )
    nodes["model.o.dim_area"] = {"resource_type": "model"}
    found = {one.check.check_id: one for one in model_tests({"nodes": nodes})}
    assert {name: one.rule for name, one in found.items()} == {
        "dim_area.not_null_area_key": "area_key is never empty",
        "dim_area.unique_code_55": "every code stands once",
        "dim_area.unique_code_66": "every code stands once",
        "every_record_is_shown": "every record is shown",
        "fct_target.grain": "one row for every a, b",
        "fct_target.relationships_area_key": "every area_key is found in dim_area.area_key",
        "fct_target.targets_are_whole": "targets are whole",
    }
    checks = {name: one.check for name, one in found.items()}
    assert checks["dim_area.unique_code_55"].severity == "info"
    assert checks["dim_area.unique_code_66"].severity == "critical"
    assert checks["fct_target.targets_are_whole"].why == "Because of this."
    assert checks["every_record_is_shown"].subject == "every_record_is_shown"
    assert {(one.stage, one.source_id) for one in checks.values()} == {("model", None)}


def test_the_index_of_this_project_has_every_part_once(tmp_path: Path) -> None:
    settings = Settings(PROJECT, tmp_path)
    folder = tmp_path / "dbt"
    folder.mkdir()
    nodes = dict([dbt_test("test.o.a.11", "not_null", "dim_area", column_name="area_key")])
    (folder / "manifest.json").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    sources = load_sources(settings.sources)
    gate = IntendedCheck("published", "some_gate", "some_gate.rule", "comparison", None, "critical", "Because of this.")
    index = read_intended(settings, sources, [gate])
    suites = [load_suite(path) for path in SUITES]
    assert len(list(read_suites(settings, sources))) == len(suites)
    expected = sum(len(checks_of_suite(suite)) for suite in suites) + len(checks_of_model(sources.values())) + 1 + 1
    assert len(index) == len({one.identity for one in index}) == expected + len(checks_of_release())
    assert gate in index
    assert [one.stage for one in index] == sorted(
        (one.stage for one in index), key=["register", "landed", "model", "published"].index
    )


def test_two_checks_of_one_name_are_refused() -> None:
    check = checks_of_release()[0]
    with pytest.raises(ConfigurationError, match=r"Two checks are called published release\.allowed_types"):
        intended_checks((), (), None, [check])


@pytest.mark.parametrize(
    "path", [SUITES[0], PROJECT / "expectations/register/priorities.json"], ids=lambda path: path.stem
)
def test_rules_that_were_not_put_have_not_passed(path: Path, now: Any) -> None:
    suite = load_suite(path)
    found = not_evaluated(suite, "the load could not be read", now)
    assert [one.check_id for one in found] == [one.check_id for one in suite.expectations]
    assert {(one.outcome, one.observed, one.rows_failed) for one in found} == {
        ("not_evaluated", "not evaluated: the load could not be read", None)
    }
    assert {one.stage for one in found} == {path.parent.name}
    assert all(one.why for one in found)
