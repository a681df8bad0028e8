"""No row is lost or counted twice on the way to the marts, and keys do not depend on the order of rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.acquire.source_registry import load_sources
from pipelines.check.intended_checks import checks_of_model
from pipelines.model.duckdb_functions import register
from pipelines.publish.check_rows import surrogate_key

REPOSITORY = Path(__file__).resolve().parents[2]
# Two England rows under a parent; two rows under a second age label, and a suppressed one; two in a second file; one
# that stands twice in its file; four in an older release; three under codes that were replaced.
DUPLICATES = {
    "age_band_repeated": 3,
    "recoded_area_repeated": 1,
    "repeated_across_files": 2,
    "repeated_in_file": 1,
    "repeated_per_parent": 2,
    "superseded_by_later_release": 4,
    "superseded_by_successor_code": 2,
}


def test_rows_that_repeat_others_are_counted_by_name(rows):
    found = rows("select duplicate_reason, duplicate_rows from named_duplicate where source_id = 'fingertips'")
    assert {row["duplicate_reason"]: row["duplicate_rows"] for row in found} == DUPLICATES


@pytest.mark.parametrize(
    ("indicator", "area", "values"),
    [
        ("england_twice", "E92000001", [60, 61]),
        ("age_twice", "E08000009", [50, 61]),
        ("file_twice", "E08000009", [50, 61]),
        ("revised", "E08000009", [50, 61]),
        ("board_with_prefix", "E54000057", [50, 61]),
    ],
)
def test_one_copy_of_a_repeated_row_is_published(rows, indicator, area, values):
    found = rows(
        """
        select v.value, a.area_type
        from fct_indicator_value as v
        inner join dim_area as a on v.area_key = a.area_key
        where v.indicator_id = 'fingertips.' || ? and v.area_code = ?
        order by v.value
        """,
        indicator,
        area,
    )
    assert [row["value"] for row in found] == values
    assert {row["area_type"] for row in found}.isdisjoint({"unknown"})


@pytest.mark.parametrize(
    ("indicator", "column", "kept"),
    [
        ("england_twice", "source_file", "fingertips/2025-10/values.csv"),
        ("file_twice", "source_file", "fingertips/2025-10/values.csv"),
        ("revised", "source_release", "2025-10"),
    ],
)
def test_which_copy_is_published(rows, indicator, column, kept):
    found = rows(
        f"select distinct {column} as kept from fct_indicator_value where indicator_id = 'fingertips.' || ?", indicator
    )
    assert found == [{"kept": kept}]


def test_age_label_that_names_the_band_is_kept(rows):
    found = rows("""
        select distinct g.age
        from fct_indicator_value as v
        inner join dim_population_group as g on v.population_group_key = g.population_group_key
        where v.indicator_id = 'fingertips.age_twice'
    """)
    assert found == [{"age": "18+ yrs"}]


def test_every_row_is_accounted_for(rows, built):
    accepted = pl.read_parquet(built.warehouse / "accepted" / "fingertips.parquet").height
    load = rows("from source_load where source_id = 'fingertips'")[0]
    assert load["landed_rows"] == load["staged_rows"] + load["quarantined_rows"] + load["refused_rows"]
    assert (load["quarantined_rows"], load["refused_rows"]) == (1, 0)
    assert load["served_rows"] == accepted
    assert load["duplicate_rows"] == sum(DUPLICATES.values())
    assert load["published_rows"] == accepted - sum(DUPLICATES.values())
    published = rows("select count(*) as n from fct_indicator_value where source_key = ?", load["source_key"])
    assert published == [{"n": load["published_rows"]}]
    assert rows("select count(*) as n from quarantined_row") == [{"n": load["quarantined_rows"]}]


def test_the_accounting_is_itself_a_published_check(rows):
    found = rows("from fct_data_quality_check where check_id = 'rows_accounted_for' order by source_id")
    declared = load_sources(REPOSITORY / "pipelines" / "acquire" / "sources")
    assert [row["source_id"] for row in found] == sorted(declared)
    assert {row["outcome"] for row in found} == {"passed"}


def test_the_model_answers_exactly_what_it_is_intended_to(rows, built):
    declared = load_sources(REPOSITORY / "pipelines" / "acquire" / "sources")
    # The small warehouse has indicators of some sources only.
    measured = set(pl.read_parquet(built.warehouse / "registry" / "indicators.parquet")["source_id"])
    assert measured < {source_id for source_id, one in declared.items() if one.indicators}
    sources = [one if one.id in measured else one.model_copy(update={"indicators": ()}) for one in declared.values()]
    intended = {one.identity: one for one in checks_of_model(sources)}
    found = {
        (row["source_id"], row["stage"], row["check_id"]): row
        for row in rows("from fct_data_quality_check where stage = 'model'")
    }
    assert found.keys() == intended.keys()
    for identity, row in found.items():
        check = intended[identity]
        assert (row["expectation_type"], row["severity"], row["why"]) == (
            check.expectation_type,
            check.severity,
            check.why,
        )
        assert (row["subject_name"], row["is_carried_over"]) == (check.subject, 0)
        assert row["data_quality_check_key"] == surrogate_key(*identity)


def test_a_gate_that_spoke_before_the_run_is_carried_over(rows):
    found = rows(
        "select distinct stage, is_carried_over, evaluated_at < timestamp '2026-03-01 06:00' as before "
        "from fct_data_quality_check order by all"
    )
    assert [(row["stage"], row["is_carried_over"], row["before"]) for row in found] == [
        ("landed", 1, True),
        ("model", 0, False),
    ]


def test_every_intended_check_is_counted_under_one_outcome(rows):
    [total] = rows(
        "select sum(intended_checks) as intended, sum(carried_over_checks) as old, sum(passed_checks + warned_checks "
        "+ quarantined_checks + blocked_checks + not_evaluated_checks) as told from v_data_quality"
    )
    [found] = rows("select count(*) as n, count(*) filter (where stage = 'landed') as old from fct_data_quality_check")
    assert total == {"intended": found["n"], "told": found["n"], "old": found["old"]}
    [load] = rows("from v_data_quality where stage = 'landed' and subject_name = 'fingertips'")
    assert (load["intended_checks"], load["carried_over_checks"]) == (1, 1)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_keys_and_results_do_not_depend_on_the_order_of_rows_or_on_threads(built, tmp_path, threads):
    """Run the SQL that dbt compiled again, over the same rows in another order, and compare every mart row for row."""
    shuffled = {}
    for accepted in sorted((built.warehouse / "accepted").glob("*.parquet")):
        frame = pl.read_parquet(accepted)
        if frame.height > 1:
            other_order = frame.sample(fraction=1, shuffle=True, seed=threads)
            other_order.write_parquet(tmp_path / accepted.name)
            shuffled[accepted.as_posix()] = (tmp_path / accepted.name).as_posix()
            assert not other_order.equals(frame)
    # The compiled SQL names the database after its file.
    copy = shutil.copy(built.file, tmp_path / built.file.name)
    nodes = json.loads((built.target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((built.target / "run_results.json").read_text(encoding="utf-8"))["results"]
    models = [result for result in results if result["unique_id"].startswith("model.")]
    marts = [nodes[model["unique_id"]]["name"] for model in models if "marts" in nodes[model["unique_id"]]["fqn"]]

    with duckdb.connect(copy, config={"threads": str(threads)}) as connection:
        register(connection)
        connection.execute(f"attach '{built.file}' as before (read_only)")
        seeds = "from before.seeds.commitments order by hash(title)"
        connection.execute(f"create or replace table seeds.commitments as {seeds}")
        rebuilt_from_shuffled = set()
        for model in models:
            kind = nodes[model["unique_id"]]["config"]["materialized"]
            sql = model["compiled_code"]
            for file, in_other_order in shuffled.items():
                rebuilt_from_shuffled |= {file} if file in sql else set()
                sql = sql.replace(file, in_other_order)
            connection.execute(f"create or replace {kind} {model['relation_name']} as {sql}")
        differing = {
            mart: rows
            for mart in marts
            if (
                rows := connection.execute(f"""
                    (from main.{mart} except all from before.main.{mart})
                    union all
                    (from before.main.{mart} except all from main.{mart})
                """).fetchall()
            )
        }

    assert rebuilt_from_shuffled == set(shuffled)
    assert len(shuffled) >= 3
    assert {"fct_indicator_value", "fct_target_vs_actual", "v_scorecard"} <= set(marts)
    assert differing == {}
