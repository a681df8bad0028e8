"""A suite that is wrong is refused with its file and key, before any gate runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.acquire.landed_schema import LANDED
from pipelines.check.expectation_suites import load_suite
from pipelines.problems import ConfigurationError

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"

RULE: dict[str, Any] = {
    "check_id": "no_value",
    "type": "unexpected_rows_expectation",
    "kwargs": {
        "unexpected_rows_query": [
            "select source_file, source_row_number, source_column, 'value' as column_name, null as value,",
            "'no value' as detail from {batch} where value is null",
        ]
    },
    "severity": "warning",
    "why": "A row without a value says nothing about anybody.",
}
SUITE: dict[str, Any] = {
    "suite": "s",
    "source": "s",
    "description": "A suite that is made to be broken.",
    "expectations": [RULE],
}


def written(folder: Path, suite: object) -> Path:
    path = folder / "s.json"
    path.write_text(json.dumps(suite), encoding="utf-8")
    return path


def with_rule(**changes: Any) -> dict[str, Any]:
    return {**SUITE, "expectations": [{**RULE, **changes}]}


def query(text: str) -> dict[str, Any]:
    return {"unexpected_rows_query": text}


@pytest.mark.parametrize(
    ("suite", "says"),
    [
        (with_rule(severity="fatal"), "expectations.0.severity"),
        (with_rule(why="because"), "expectations.0.why"),
        (with_rule(type="expect_miracles"), "expect_miracles"),
        (with_rule(owner="somebody"), "expectations.0.owner"),
        (with_rule(check_id="No Value"), "expectations.0.check_id"),
        (with_rule(kwargs=query("select 1 from {batch} where {value}")), "only placeholder"),
        (with_rule(kwargs=query("select 1 from last_accepted"), severity="info"), "never reads {batch}"),
        (with_rule(kwargs=query("select source_file from {batch}")), "source_row_number, source_column"),
        (with_rule(kwargs={}), "must be SQL"),
        (
            with_rule(type="expect_table_row_count_to_be_between", kwargs={"min_value": 1}),
            "cannot name every failing row",
        ),
        ({**SUITE, "expectations": [RULE, RULE]}, "'no_value' is used twice"),
        ({**SUITE, "expectations": []}, "would let everything pass"),
        ({**SUITE, "table": "fct"}, "either 'source'"),
        ({**SUITE, "includes": [{"file": "nowhere.json"}]}, "nowhere.json: no such suite"),
        ({**SUITE, "includes": [{"file": "s.json", "except": {"no_value": "no"}}]}, "needs a reason"),
        ({**SUITE, "includes": [{"file": "s.json", "except": {"gone": "it is in another table"}}]}, "names 'gone'"),
        ([SUITE], "suite"),
    ],
)
def test_a_wrong_suite_is_refused_by_file_and_key(suite: object, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, suite)
    with pytest.raises(ConfigurationError) as refused:
        load_suite(path)
    assert str(tmp_path) in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize("content", ["{", ""])
def test_a_file_that_is_no_json_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"s\.json: not JSON"):
        load_suite(path)


def test_included_rules_come_first_and_may_be_left_out_with_a_reason(tmp_path: Path) -> None:
    shared = {**SUITE, "expectations": [RULE, {**RULE, "check_id": "other"}]}
    (tmp_path / "shared.json").write_text(json.dumps(shared), encoding="utf-8")
    left_out = {"file": "shared.json", "except": {"no_value": "this source has no values at all"}}
    own = {**RULE, "check_id": "own"}
    suite = load_suite(written(tmp_path, {**SUITE, "includes": [left_out], "expectations": [own]}))
    assert [one.check_id for one in suite.expectations] == ["other", "own"]


@pytest.mark.parametrize("path", sorted(EXPECTATIONS.glob("[lp]*/*.json")), ids=lambda path: path.stem)
def test_every_suite_of_the_project_is_named_after_its_file(path: Path) -> None:
    suite = load_suite(path)
    assert path.stem in (suite.source, suite.table)
    assert path.parent.name == ("landed" if suite.source else "published")


@pytest.mark.parametrize("path", sorted(EXPECTATIONS.glob("landed/*.json")), ids=lambda path: path.stem)
def test_the_declared_columns_are_the_landed_columns(path: Path) -> None:
    [rule] = [one for one in load_suite(path).expectations if one.type == "expect_table_columns_to_match_set"]
    assert rule.kwargs["column_set"] in [list(columns) for columns in LANDED.values()]
    assert rule.kwargs["exact_match"] is True
