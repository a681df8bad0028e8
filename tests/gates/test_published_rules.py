"""Every rule on the published tables, shown passing on a sound build file and failing on a broken one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import GateReport, run_gate
from pipelines.check.gate_database import BuildTable

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations" / "published"

SOUND = """
create table dim_commitment as select * from (values
    (1, 'traf-smoking', 1), (2, 'ces-hle', 1), (3, 'ces-old', 0)
) as t(commitment_key, commitment_id, is_current);
create table dim_status as select * from (values
    (10, 'on_track', 'overall', 1), (11, 'not_assessable', 'overall', 0)
) as t(status_key, status_code, status_family, is_judgement);
create table dim_value_status as
    select * from (values ('present', 1), ('suppressed', 0)) as t(value_status_code, has_value);
create table fct_target_vs_actual as select * from (values
    (1, 5, 7, 9, 10, 'traf-smoking', 'E08000009', 'on_track', null, '12.0 % in 2022/23; the target is 10 %.', 11.98, 1),
    (1, 5, 7, 9, 10, 'traf-smoking', 'E08000009', 'on_track', null, '12.3 % in 2021/22; the target is 10 %.', 12.30, 0),
    (2, 6, 8, 9, 11, 'ces-hle', 'E54000057', 'not_assessable', 'no_baseline', 'The baseline is missing.', null, 1)
) as t(commitment_key, area_key, indicator_key, population_group_key, status_key, commitment_id, area_code, status_code,
       not_assessable_reason, explanation, actual_value, is_scorecard_period);
create view v_scorecard as
    select 'CES' as framework, 'a title' as title, 'a place' as area_name, * from fct_target_vs_actual
    where is_scorecard_period = 1;
create table fct_indicator_value as select * from (values
    (7, 5, 3, 9, 1, '91547', 'E08000009', 11.97772011, '11.97772011', 11.83, 12.13, 'present', 'f.csv', 2),
    (7, 5, 4, 9, 1, '91547', 'E08000009', null, null, null, null, 'suppressed', 'f.csv', 3)
) as t(indicator_key, area_key, period_key, population_group_key, source_key, indicator_id, area_code, value,
       value_as_published, lower_ci_95, upper_ci_95, value_status_code, source_file, source_row_number);
alter table fct_indicator_value add column source_file_sha256 varchar default repeat('a', 64);
create table source_load as select * from (values ('fingertips', 1, 5, 3, 2, 0, 3, 2, 1))
    as t(source_id, source_key, landed_rows, staged_rows, quarantined_rows, refused_rows, served_rows, published_rows,
         duplicate_rows);
"""

TVA, SCORECARD, VALUE, LOAD = "fct_target_vs_actual", "v_scorecard", "fct_indicator_value", "source_load"
SCORECARD_TABLE = "create table s as from v_scorecard; drop view v_scorecard; alter table s rename to v_scorecard;"

# suite, broken rules, how the build file was broken
BROKEN: list[tuple[str, set[str], str]] = [
    (TVA, {"rows_present", "current_commitments_assessed"}, f"delete from {TVA}"),
    (
        TVA,
        {"status_known", "judged_on_a_figure", "explanation_present", "one_scorecard_period"},
        f"update {TVA} set status_key = 99 where is_scorecard_period = 0; update {TVA} set actual_value = null, "
        f"explanation = ' ', is_scorecard_period = 0 where commitment_key = 1",
    ),
    (TVA, {"reason_exactly_when_not_assessable"}, f"update {TVA} set not_assessable_reason = null"),
    (
        SCORECARD,
        {"rows_present", "current_commitments_shown", "places_shown"},
        f"{SCORECARD_TABLE} delete from v_scorecard",
    ),
    (
        SCORECARD,
        {"one_row_per_commitment_and_place", "names_filled", "status_known", "explanation_present"}
        | {"reason_exactly_when_not_assessable"},
        f"{SCORECARD_TABLE} insert into v_scorecard from v_scorecard; update v_scorecard set area_name = null, "
        "status_code = 'green', explanation = null, not_assessable_reason = 'no_baseline' where commitment_key = 1",
    ),
    (VALUE, {"rows_present"}, f"delete from {VALUE}"),
    (
        VALUE,
        {"one_value_per_key", "value_exactly_when_status_says", "limits_around_value", "traceable_to_a_row"},
        f"update {VALUE} set period_key = 3, value = 14, value_as_published = '14', lower_ci_95 = 15, "
        "upper_ci_95 = 16, source_file_sha256 = 'unknown'",
    ),
    (LOAD, {"rows_present"}, f"delete from {LOAD}"),
    (LOAD, {"every_row_accounted_for"}, f"update {LOAD} set landed_rows = 6"),
    (LOAD, {"every_served_row_published"}, f"delete from {VALUE} where source_row_number = 3"),
]

Built = Callable[[str], Path]


@pytest.fixture
def built(tmp_path: Path) -> Built:
    def make(broken_by: str) -> Path:
        path = tmp_path / "build.duckdb"
        with duckdb.connect(path) as sql:
            sql.execute(SOUND)
            sql.execute(broken_by)
        return path

    return make


def gate(build_file: Path, table: str, now: datetime) -> GateReport:
    return run_gate(BuildTable(build_file, table), load_suite(EXPECTATIONS / f"{table}.json"), {}, now=now)


@pytest.mark.parametrize("table", [TVA, SCORECARD, VALUE, LOAD])
def test_a_sound_build_passes(table: str, built: Built, now: datetime) -> None:
    build_file = built("select 1")
    before = build_file.read_bytes()
    report = gate(build_file, table, now)
    assert {one.check_id: one.observed for one in report.results if one.outcome != "passed"} == {}
    assert {one.stage for one in report.results} == {"published"}
    assert build_file.read_bytes() == before


@pytest.mark.parametrize(("table", "rules", "broken_by"), BROKEN, ids=[f"{one[0]}-{min(one[1])}" for one in BROKEN])
def test_a_broken_build_is_blocked(table: str, rules: set[str], broken_by: str, built: Built, now: datetime) -> None:
    report = gate(built(broken_by), table, now)
    assert {one.check_id for one in report.results if one.outcome == "blocked"} == rules
    assert not [one for one in report.results if one.outcome == "not_evaluated"]


def test_every_published_rule_is_shown_failing() -> None:
    for path in EXPECTATIONS.glob("*.json"):
        suite = load_suite(path)
        shown = set().union(*(rules for table, rules, _ in BROKEN if table == suite.table))
        assert {one.check_id for one in suite.expectations} == shown, path.name
        assert {one.severity for one in suite.expectations} == {"critical"}


def test_a_table_that_was_not_built_is_not_evaluated(built: Built, now: datetime) -> None:
    report = gate(built("drop view v_scorecard"), SCORECARD, now)
    assert {one.outcome for one in report.results} == {"not_evaluated"}
    assert "build.duckdb has no table v_scorecard" in report.results[0].observed
