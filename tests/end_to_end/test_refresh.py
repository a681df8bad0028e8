"""From raw files to the published file, as a user meets it: every gate shown letting through and holding back.

What whole refreshes print, publish and leave alone belongs here. How each step does its work is tested beside the step.
"""

from __future__ import annotations

import csv
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from pipelines.companions import PUBLIC_FILE, have_companions
from pipelines.publish.public_edition import read_suppressed
from pipelines.refresh import has_news

pytestmark = pytest.mark.slow

RAW = Path(__file__).resolve().parents[2] / "data" / "raw"
README = Path(__file__).resolve().parents[2] / "README.md"
SOURCES = (
    "fingertips",
    "icb_metrics",
    "ons_subnational",
    "trafford_jsna",
    "trafford_localities",
    "trafford_neighbours",
    "trafford_wards",
    "ukhsa_bacteraemia",
    "ukhsa_bacteraemia_tables",
)
STALE = ("fingertips", "trafford_jsna", "ukhsa_bacteraemia")
ALLOWED_TYPES = {"SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"}
STORAGE_VERSION = 64
STORAGE_OFFSET = 12

# The names that other parts, and people's reports, rely on.
CONTRACT: dict[str, set[str]] = {
    "dim_framework": {"framework_key", "framework"},
    "dim_commitment": {"commitment_key", "commitment_id", "target_type", "is_current"},
    "dim_indicator": {"indicator_key", "indicator_id", "polarity", "unit"},
    "dim_area": {"area_key", "area_code", "area_name", "area_type"},
    "dim_period": {"period_key", "period_label", "period_start", "period_end"},
    "dim_population_group": {"population_group_key", "sex", "age", "category_type", "category", "is_total"},
    "dim_status": {"status_key", "status_code", "status_label", "status_symbol", "status_colour"},
    "dim_value_status": {"value_status_code", "value_status_label"},
    "dim_source": {"source_key", "source_id", "licence", "is_stale"},
    "dim_date": {"date_key", "full_date"},
    "bridge_commitment_indicator": {"commitment_key", "indicator_key"},
    "bridge_area_footprint": {"footprint_code", "constituent_code", "valid_from"},
    "bridge_area_neighbour": {"neighbour_set_id", "area_code", "neighbour_code"},
    "fct_indicator_value": {
        "value",
        "lower_ci_95",
        "upper_ci_95",
        "count",
        "denominator",
        "value_status_code",
        "compared_to_england_published",
        "compared_to_england_computed",
        "recent_trend_published",
        "recent_trend_computed",
        "source_file_sha256",
        "source_row_number",
        "is_stale",
    },
    "fct_target": {"target_value", "trajectory_value"},
    "fct_target_vs_actual": {"actual_value", "target_value", "baseline_value", "actual_value_key", "status_code"},
    "fct_milestone": {"due_date", "milestone_state"},
    "fct_data_quality_check": {"source_id", "subject_name", "check_id", "outcome", "observed", "is_carried_over"},
    "v_data_quality": {"stage", "subject_name", "intended_checks", "passed_checks", "not_evaluated_checks"},
    "data_dictionary": {"table_name", "column_name", "data_type", "description"},
    "relationships": {"from_table", "from_column", "to_table", "to_column"},
    "release": {"release_id", "built_at", "as_at", "input_fingerprint", "content_checksum"},
    "source_load": {"source_id", "load_state", "is_stale", "landed_rows", "published_rows"},
    "quarantined_row": {"source_id", "source_file", "source_row_number", "rule", "reason"},
    "known_issue": {"issue_id", "title"},
    "v_scorecard": {
        "framework",
        "commitment_id",
        "title",
        "area_code",
        "area_name",
        "status_code",
        "not_assessable_reason",
        "explanation",
        "actual_value",
        "target_value",
        "baseline_value",
        "period_label",
    },
    "v_coverage": {"framework_id", "outcome", "not_assessable_reason", "commitments"},
    "fct_commitment_comparison": {"commitment_id", "area_code", "comparator_relation", "comparator_value"},
    "v_commitment_breakdown": {"commitment_id", "area_code", "category_type", "category", "value", "target_value"},
    "fct_reported_figure": {"figure_id", "value", "verdict", "verdict_detail", "is_withheld"},
    "commitment_choice": {"commitment_id", "choice", "chosen", "alternative", "reason"},
    "framework_priority": {"framework_id", "aim", "priority", "commitments"},
    "v_indicator_latest": {"indicator_id", "area_code", "value"},
    "v_trend": {"indicator_id", "area_code", "period_label", "value"},
}

Seeds = Callable[[str], list[dict[str, str]]]
# The types of the fixtures are in conftest, which tests do not import.
FirstDay = Any
LaterDays = Any
Release = Any


@pytest.fixture(scope="session")
def first(first_day: FirstDay) -> Release:
    return first_day.release


@pytest.fixture(scope="session")
def damaged(later_days: LaterDays) -> Release:
    return later_days.damaged


def loads(release: Release) -> dict[str, dict[str, Any]]:
    return {row["source_id"]: row for row in release.records("select * from source_load")}


def source_lines(said: Any) -> dict[str, list[str]]:
    """Return the cells of the summary's table of sources, by source id."""
    table = said.out.split("\nSources")[1].split("\nCommitments by place")[0]
    return {line.split()[0]: line.split()[1:] for line in table.splitlines() if line.startswith(SOURCES)}


class TestFirstRefresh:
    def test_ends_well_and_names_the_release(self, first: Release):
        assert first.said.code == 0, first.said.err
        [(release_id,)] = first.rows("select release_id from release")
        assert f"Published release {release_id}" in first.said.words
        assert first.said.err == ""

    def test_the_served_file_is_there_read_only_with_no_log_beside_it(self, first: Release):
        assert {"outcomes.duckdb", "state.json"} <= first.generated.keys()
        assert [name for name in first.generated if name.endswith((".wal", ".partial"))] == []
        releases = [name for name in first.generated if name.startswith("releases/") and name.endswith(".duckdb")]
        assert len(releases) == 1
        assert first.generated[releases[0]][0] == first.generated["outcomes.duckdb"][0], "one file under two names"

    def test_old_clients_can_open_it(self, first: Release):
        header = first.served.read_bytes()[:64]
        assert header[8:12] == b"DUCK"
        assert int.from_bytes(header[STORAGE_OFFSET : STORAGE_OFFSET + 8], "little") == STORAGE_VERSION

    def test_cannot_be_written_to_by_a_reader(self, first: Release):
        with (
            duckdb.connect(str(first.served), read_only=True) as connection,
            pytest.raises(duckdb.InvalidInputException, match="read-only"),
        ):
            connection.execute("delete from source_load")

    def test_has_every_name_of_the_contract(self, first: Release):
        found: dict[str, set[str]] = {}
        for table, column in first.rows("select table_name, column_name from duckdb_columns() where not internal"):
            found.setdefault(table, set()).add(column)
        missing = {name: wanted - found.get(name, set()) for name, wanted in CONTRACT.items()}
        assert {name: columns for name, columns in missing.items() if columns} == {}

    def test_has_only_types_that_every_driver_shows(self, first: Release):
        types = first.rows("select data_type, min(table_name) from duckdb_columns() where not internal group by 1")
        assert {data_type for data_type, _ in types} - ALLOWED_TYPES == set()

    def test_holds_nothing_but_the_published_schema(self, first: Release):
        assert first.rows(
            "select distinct schema_name from duckdb_tables() union select distinct schema_name "
            "from duckdb_views() where not internal"
        ) == [("main",)]

    def test_says_which_day_it_speaks_for(self, first: Release):
        assert [str(day) for (day,) in first.rows("select as_at from release")] == ["2026-11-22"]


class TestScorecard:
    def test_has_one_row_for_every_current_commitment_and_place(self, first: Release, seeds: Seeds):
        current = {
            row["commitment_id"]
            for row in seeds("commitments")
            if row["valid_from"] <= "2026-11-22" and (not row["valid_to"] or row["valid_to"] > "2026-11-22")
        }
        wanted = Counter(
            (row["commitment_id"], row["area_code"])
            for row in seeds("commitment_places")
            if row["commitment_id"] in current
        )
        assert wanted
        signed = "select commitment_id, area_code from v_scorecard where place_role = 'signed'"
        assert Counter(first.rows(signed)) == wanted
        assert current == {commitment for commitment, _ in wanted}

    def test_every_row_has_a_known_status_and_an_explanation(self, first: Release, seeds: Seeds):
        codes = {row["status_code"] for row in seeds("statuses")}
        for row in first.records("select * from v_scorecard"):
            assert row["status_code"] in codes
            assert row["status_label"]
            assert row["status_symbol"]
            assert len(row["explanation"].split()) > 3, row["commitment_id"]
            assert (row["status_code"] == "not_assessable") == (row["not_assessable_reason"] is not None)

    def test_every_judged_row_has_the_figures_it_was_judged_by(self, first: Release):
        judged = first.records(
            """
            select s.* from v_scorecard as s join dim_status as d using (status_key)
            where d.is_judgement = 1 and s.measured_as <> 'none'
            """
        )
        assert len(judged) > 20
        needed = ("actual_value", "target_value", "period_label", "indicator_name", "level_code")
        for row in judged:
            assert [name for name in needed if row[name] is None] == [], row["commitment_id"]
            assert (row["actual_value_key"] is None) == (row["measured_as"] == "gap_across_groups")
            if row["target_type"] != "absolute_level":
                assert row["baseline_value"] is not None
                assert row["baseline_period_label"]

    def test_every_figure_it_used_is_published(self, first: Release):
        orphans = first.rows(
            """
            select commitment_id from v_scorecard
            where (actual_value_key is not null
                   and actual_value_key not in (select indicator_value_key from fct_indicator_value))
               or (baseline_value_key is not null
                   and baseline_value_key not in (select indicator_value_key from fct_indicator_value))
            """
        )
        assert orphans == []


class TestReadme:
    @pytest.mark.parametrize(
        "query", re.findall(r"```sql\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
    def test_its_queries_answer(self, first: Release, query: str):
        assert first.rows(query)


class TestTracing:
    @pytest.mark.parametrize(
        ("source_id", "how_many"), [("fingertips", 5), ("trafford_jsna", 5), ("ukhsa_bacteraemia", 5)]
    )
    def test_values_lead_to_the_cell_they_were_read_from(self, first: Release, source_id: str, how_many: int):
        keys = first.rows(
            """
            select distinct t.actual_value_key
            from fct_target_vs_actual as t
            join fct_indicator_value as v on v.indicator_value_key = t.actual_value_key
            join dim_source as s using (source_key)
            where s.source_id = ? order by 1
            """,
            source_id,
        )
        chosen = random.Random(20210129).sample(keys, how_many)
        for (key,) in chosen:
            [fact] = first.records("select * from fct_indicator_value where indicator_value_key = ?", key)
            assert raw_cell(fact) == fact["value_as_published"]
            assert float(fact["value_as_published"].replace(",", "")) == pytest.approx(fact["value"])

    def test_every_file_is_named_with_the_hash_of_its_passport(self, first: Release):
        named = dict(first.rows("select distinct source_file, source_file_sha256 from fct_indicator_value"))
        assert len(named) > 10
        for file, sha256 in named.items():
            assert passport_entry(file)["sha256"] == sha256


def passport_entry(file: str) -> dict[str, Any]:
    source_id, release, inside = file.split("#", maxsplit=1)[0].split("/", 2)
    passport = yaml.safe_load((RAW / source_id / release / "passport.yml").read_text(encoding="utf-8"))
    [entry] = [one for one in passport["files"] if one["file"] == inside]
    return entry


def raw_cell(fact: dict[str, Any]) -> str:
    """Read a cell as a person would who opens the file at the record and the column that the fact names."""
    entry = passport_entry(fact["source_file"])
    assert entry["sha256"] == fact["source_file_sha256"]
    encoding = "utf-8-sig" if entry["encoding"] == "utf-8" else entry["encoding"]
    with (RAW / fact["source_file"]).open(encoding=encoding, newline="") as file:
        records = list(csv.reader(file))
    return records[fact["source_row_number"] - 1][records[0].index(fact["source_column"])]


class TestAccounting:
    @pytest.mark.parametrize("source_id", SOURCES)
    def test_no_row_is_lost(self, first: Release, source_id: str):
        load = loads(first)[source_id]
        if source_id != "ukhsa_bacteraemia_tables":  # a workbook: only its reader can count the records of its sheets
            assert load["landed_rows"] == raw_rows(source_id) > 0
        assert load["landed_rows"] == load["staged_rows"] + load["quarantined_rows"] + load["refused_rows"]
        assert load["served_rows"] == load["published_rows"] + load["duplicate_rows"]
        assert load["published_rows"] == rows_in_marts(first, source_id)
        duplicates = first.rows(
            "select coalesce(sum(duplicate_rows), 0) from named_duplicate where source_id = ?", source_id
        )
        assert duplicates == [(load["duplicate_rows"],)]

    def test_the_summary_says_the_same(self, first: Release):
        columns = ("landed", "staged", "quarantined", "refused", "duplicate", "published")
        for source_id, load in loads(first).items():
            assert source_lines(first.said)[source_id][1:] == [f"{load[f'{name}_rows']:,}" for name in columns]

    def test_every_intended_check_has_a_row(self, first: Release):
        checks = first.records("select source_id, check_id, outcome, why from fct_data_quality_check")
        assert {row["source_id"] for row in checks} >= set(SOURCES)
        assert {row["outcome"] for row in checks} <= {"passed", "warned", "quarantined", "blocked", "not_evaluated"}
        # No document prints a baseline that a connected source also has, not every source prints counts or trends, and
        # few are measured against a level; the check says so instead of passing.
        assert {row["check_id"] for row in checks if row["outcome"] == "not_evaluated"} == {
            "stated_baseline_found_in_extract",
            "counts_are_numerators",
            "comparison_with_england_reproduced",
            "comparison_with_parent_reproduced",
            "recent_trend_reproduced",
            "limits_reproduced",
            "aggregates_reproduced",
            "goal_reproduced",
            "published_trend_rests_on_numerators",
            "corrections_still_needed",
            "target_not_met_at_baseline",
        }
        assert all(row["why"] for row in checks)
        assert [row for row in checks if row["check_id"] == "v_scorecard.rows_present" and row["outcome"] == "passed"]


def raw_rows(source_id: str) -> int:
    """Count what landing should give, from the files alone: a row a record, or a row a record and period."""
    files = [
        (path.parent / entry["file"], entry["rows"])
        for path in (RAW / source_id).glob("*/passport.yml")
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["files"]
        if not entry["file"].endswith("meta.csv")
    ]
    if source_id == "ons_subnational":
        # Three records of title after the first, a blank one and the header stand above the figures.
        return sum(rows - 5 for _, rows in files)
    if source_id == "ukhsa_bacteraemia":
        return sum(rows * path.read_bytes().split(b"\n")[0].count(b" to ") for path, rows in files)
    return sum(rows for _, rows in files)


def rows_in_marts(release: Release, source_id: str) -> int:
    if source_id == "trafford_neighbours":
        [(count,)] = release.rows("select count(*) from bridge_area_neighbour")
    else:
        [(count,)] = release.rows(
            "select count(*) from fct_indicator_value join dim_source using (source_key) where source_id = ?", source_id
        )
    return count


class TestMisprint:
    """The four localities of the strategy sum to 188,493, the borough has 237,354."""

    def test_the_load_is_refused_with_the_difference(self, first: Release):
        blocked = first.records(
            "select * from fct_data_quality_check where source_id = 'trafford_localities' and outcome = 'blocked'"
        )
        assert [row["check_id"] for row in blocked] == ["localities_sum_to_borough"]
        assert "48,861" in blocked[0]["observed"]
        assert "48,861" in loads(first)["trafford_localities"]["load_reason"]

    def test_the_difference_is_on_the_screen(self, first: Release):
        assert "trafford_localities: localities_sum_to_borough" in first.said.words
        assert "48,861" in first.said.out
        assert source_lines(first.said)["trafford_localities"][0] == "blocked"

    def test_dagster_shows_a_failed_check_with_the_sum(self, first_day: FirstDay):
        with dg.DagsterInstance.from_config(str(first_day.checkout.settings.dagster_home)) as instance:
            keys = [dg.AssetCheckKey(dg.AssetKey(["accepted", source]), "gate") for source in SOURCES]
            latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        verdicts = {key.asset_key.path[-1]: found.event.dagster_event for key, found in latest.items() if found.event}
        evaluations = {name: event.asset_check_evaluation_data for name, event in verdicts.items() if event}
        assert {name for name, one in evaluations.items() if not one.passed} == {"trafford_localities"}
        failed = evaluations["trafford_localities"]
        assert failed.severity == dg.AssetCheckSeverity.ERROR
        assert not failed.blocking
        assert "difference 48,861" in str(failed.metadata["localities_sum_to_borough"].value)

    def test_no_row_of_it_is_published(self, first: Release):
        load = loads(first)["trafford_localities"]
        assert (load["load_state"], load["refused_rows"], load["published_rows"]) == ("refused", 5, 0)
        assert load["is_stale"] == 0, "there is no older data to be stale"
        assert rows_in_marts(first, "trafford_localities") == 0
        assert first.rows("select count(*) from v_trend where area_code like 'TRAFFORD-%'") == [(0,)]

    def test_the_others_are_published(self, first: Release):
        others = [row for source, row in loads(first).items() if source != "trafford_localities"]
        assert {row["load_state"] for row in others} == {"accepted"}
        assert all(row["published_rows"] > 0 for row in others)


class TestNothingNew:
    def test_says_so_and_is_quick(self, first_day: FirstDay):
        [(release_id,)] = first_day.release.rows("select release_id from release")
        assert first_day.again.code == 0
        assert first_day.again.out.startswith(f"Nothing new: release {release_id} stands")
        assert first_day.again.seconds < 5

    def test_touches_no_file(self, first_day: FirstDay):
        assert first_day.after_again == first_day.release.generated

    def test_strict_still_speaks_of_the_blocked_source(self, first_day: FirstDay):
        assert first_day.strict.code == 2
        assert "Nothing new" in first_day.strict.out

    def test_status_shows_the_release_and_the_blocked_source(self, first_day: FirstDay):
        [(release_id,)] = first_day.release.rows("select release_id from release")
        assert first_day.status.code == 0
        assert release_id in first_day.status.words
        assert "as at 22 November 2026" in first_day.status.words
        assert "48,861" in first_day.status.words


class TestLive:
    def test_without_a_network_it_says_so_and_goes_on(self, first_day: FirstDay):
        said = first_day.unreachable
        assert said.code == 0, said.words
        assert "Live: No network: 127.0.0.1 cannot be reached" in said.words
        assert f"Nothing new: release {release_id(first_day.release)} stands" in said.words

    def test_refused_answers_are_named_with_address_and_first_bytes_and_the_code_is_3(self, first_day: FirstDay):
        said = first_day.signed_out
        assert said.code == 3, said.words
        assert "http://127.0.0.1:" in said.words
        assert "<!DOCTYPE html>" in said.words
        assert f"Nothing new: release {release_id(first_day.release)} stands" in said.words

    def test_nothing_is_filed(self, first_day: FirstDay):
        raw = first_day.checkout.settings.raw / "fingertips"
        assert {path.name for path in raw.iterdir()} == {path.name for path in (RAW / "fingertips").iterdir()}


def release_id(release: Release) -> str:
    [(found,)] = release.rows("select release_id from release")
    return found


class TestTwoAtOnce:
    def test_the_second_gives_way_and_says_why(self, first_day: FirstDay):
        assert first_day.held.code == 1
        assert "Another refresh is writing to this warehouse" in first_day.held.words
        assert "Traceback" not in first_day.held.words

    def test_the_second_does_not_keep_anybody_waiting(self, first_day: FirstDay):
        assert first_day.held.seconds < 5

    def test_the_second_runs_no_step(self, first_day: FirstDay):
        def but_the_record_of_the_run(files: dict[str, Any]) -> dict[str, Any]:
            return {name: found for name, found in files.items() if not name.startswith("dagster/")}

        assert but_the_record_of_the_run(first_day.after_held) == but_the_record_of_the_run(first_day.release.generated)
        assert not any(line.startswith(("acquire", "check", "model")) for line in first_day.held.out.splitlines())


class TestDamagedSources:
    def test_the_refresh_still_publishes(self, first: Release, damaged: Release):
        assert damaged.said.code == 0, damaged.said.words
        assert damaged.rows("select release_id from release") != first.rows("select release_id from release")

    @pytest.mark.parametrize(
        ("source_id", "rule", "named"),
        [
            ("fingertips", "wrong_hash", "fingertips/2024-10/smoking_qof_91547.csv"),
            ("trafford_jsna", "html_instead_of_csv", "trafford_jsna/2026-05/life_expectancy.csv"),
            ("ukhsa_bacteraemia", "Organism", "ukhsa_bacteraemia/2024-10/bacteraemia_rates_by_icb.csv"),
        ],
    )
    def test_a_damaged_source_is_blocked_and_its_file_is_named(
        self, damaged: Release, source_id: str, rule: str, named: str
    ):
        load = loads(damaged)[source_id]
        assert load["load_state"] == "refused"
        assert named in load["load_reason"]
        assert rule in load["load_reason"]
        assert f"{source_id}: {load['load_reason']}" in damaged.said.words
        [check] = damaged.records(
            "select * from fct_data_quality_check where source_id = ? and outcome = 'blocked'", source_id
        )
        assert check["check_id"] == "readable"
        assert named in check["observed"]

    @pytest.mark.parametrize("source_id", STALE)
    def test_its_last_good_rows_are_still_served_and_marked_stale(
        self, first: Release, damaged: Release, source_id: str
    ):
        sql = (
            "select * exclude (is_stale) from fct_indicator_value where source_file like ? order by indicator_value_key"
        )
        served = damaged.rows(sql, f"{source_id}/%")
        assert served == first.rows(sql, f"{source_id}/%")
        assert served
        stale = "select distinct is_stale from fct_indicator_value where source_file like ?"
        assert first.rows(stale, f"{source_id}/%") == [(0,)]
        assert damaged.rows(stale, f"{source_id}/%") == [(1,)]
        assert damaged.rows("select is_stale from dim_source where source_id = ?", source_id) == [(1,)]

    @pytest.mark.parametrize("source_id", STALE)
    def test_the_record_says_which_load_is_served_and_since_when(
        self, first: Release, damaged: Release, source_id: str
    ):
        before, after = loads(first)[source_id], loads(damaged)[source_id]
        assert after["is_stale"] == 1
        for name in ("served_load_id", "served_since", "served_rows", "published_rows"):
            assert after[name] == before[name]
        assert after["checked_at"] > before["checked_at"]

    def test_the_summary_marks_them(self, damaged: Release):
        lines = source_lines(damaged.said)
        assert {source for source, cells in lines.items() if cells[:2] == ["blocked,", "stale"]} == set(STALE)
        assert {source for source, cells in lines.items() if cells[0] == "accepted"} == set(SOURCES) - set(STALE)

    def test_the_corrected_table_is_accepted_and_published(self, damaged: Release):
        load = loads(damaged)["trafford_localities"]
        assert (load["load_state"], load["is_stale"], load["published_rows"]) == ("accepted", 0, 5)
        people = dict(
            damaged.rows(
                "select area_code, value from fct_indicator_value where source_file like 'trafford_localities/%'"
            )
        )
        assert people["TRAFFORD-WEST"] == 54_471
        assert people.pop("E08000009") == sum(people.values()) == 237_354

    def test_a_bad_row_is_quarantined_and_the_rest_of_its_table_is_published(self, damaged: Release):
        load = loads(damaged)["trafford_localities"]
        assert (load["load_state"], load["landed_rows"], load["quarantined_rows"]) == ("accepted", 6, 1)
        quarantined = "select * from quarantined_row where source_id = ?"
        rows = {row["rule"]: row for row in damaged.records(quarantined, "trafford_localities")}
        assert set(rows) == {"unreadable_cells", "missing_area_code"}
        for row in rows.values():
            assert row["source_file"] == "trafford_localities/2021-01/localities.csv"
            assert row["source_row_number"] == 6
            assert "about a hundred" in row["record_json"]
            assert row["first_seen"] is not None

    def test_rows_are_still_accounted_for(self, damaged: Release):
        for source_id, load in loads(damaged).items():
            assert load["landed_rows"] == load["staged_rows"] + load["quarantined_rows"] + load["refused_rows"]
            assert load["served_rows"] == load["published_rows"] + load["duplicate_rows"]
            assert load["published_rows"] == rows_in_marts(damaged, source_id)

    def test_no_status_changes_because_of_damage(self, first: Release, damaged: Release):
        sql = "select commitment_id, area_code, status_code, actual_value from v_scorecard order by all"
        assert damaged.rows(sql) == first.rows(sql)

    def test_a_reader_keeps_its_release_and_the_next_one_gets_the_new(
        self, first: Release, damaged: Release, later_days: LaterDays
    ):
        held_open, opened_after = later_days.seen_by_reader
        assert [(held_open,)] == first.rows("select release_id from release")
        assert [(opened_after,)] == damaged.rows("select release_id from release")

    def test_the_release_before_is_kept(self, later_days: LaterDays):
        assert later_days.releases_stored == 2


class TestImpossibleMartGate:
    def test_nothing_is_published_and_the_check_is_named(self, later_days: LaterDays):
        said = later_days.blocked_said
        assert said.code == 1
        assert "Not published" in said.out
        assert "v_scorecard" in said.words
        assert "a_million_rows" in said.words
        assert "Traceback" not in said.words

    def test_the_served_file_is_as_it_was(self, first: Release, later_days: LaterDays):
        before, after = later_days.blocked_served
        assert before == after == first.sha256
        assert later_days.blocked_after["outcomes.duckdb"] == later_days.blocked_before["outcomes.duckdb"]
        assert later_days.blocked_after["state.json"] == later_days.blocked_before["state.json"]

    def test_no_release_is_left_behind(self, later_days: LaterDays):
        def releases(files: dict[str, Any]) -> dict[str, Any]:
            return {name: found for name, found in files.items() if name.startswith("releases/")}

        assert releases(later_days.blocked_after) == releases(later_days.blocked_before)

    def test_the_next_refresh_will_try_again(self, later_days: LaterDays):
        assert has_news(later_days.blocked.settings)

    def test_status_still_answers(self, first: Release, later_days: LaterDays):
        [(release_id,)] = first.rows("select release_id from release")
        assert later_days.blocked_status.code == 0
        assert release_id in later_days.blocked_status.words
        assert "New input is waiting" in later_days.blocked_status.words


class TestMistakesOfThePerson:
    def test_an_unknown_key_in_a_declaration_is_one_message(self, make_checkout: Callable[[str], Any]):
        checkout = make_checkout("mistake")
        declaration = checkout.settings.sources / "fingertips.yml"
        declaration.write_text(declaration.read_text(encoding="utf-8") + "colour: blue\n", encoding="utf-8")
        said = checkout.refresh()
        assert said.code == 1
        assert said.out == ""
        assert said.err.startswith("Error: fingertips.yml is not a source declaration")
        assert "fingertips.yml: colour: " in said.err
        assert "Traceback" not in said.err
        assert len(said.err.splitlines()) <= 2
        assert not checkout.settings.served_file.exists()

    def test_status_without_a_release_says_what_to_run(self, make_checkout: Callable[[str], Any]):
        checkout = make_checkout("empty")
        said = checkout.run("status")
        assert said.code == 1
        assert said.out == "Nothing is published yet. Run: outcomes refresh\n"
        assert not checkout.settings.warehouse.exists()

    def test_a_strange_file_in_the_served_place_is_named_and_left_alone(self, make_checkout: Callable[[str], Any]):
        checkout = make_checkout("strange")
        checkout.settings.warehouse.mkdir()
        checkout.settings.served_file.write_bytes(b"not a database" * 500)
        said = checkout.run("status")
        assert said.code == 1
        assert said.err.startswith(f"Error: {checkout.settings.served_file} is not a release of this project")
        assert "Traceback" not in said.err
        assert checkout.settings.served_file.read_bytes() == b"not a database" * 500


def test_a_release_is_made_again_byte_for_byte_from_the_archive(later_days: LaterDays) -> None:
    """One whose sources were refused and served from older data, while nothing it was made from was there any more."""
    said = later_days.rebuilt
    assert said.code == 0, said.out + said.err
    assert "made again. Identical to the file that was published." in said.words
    assert later_days.after_rebuilds == later_days.damaged.sha256


def test_a_rebuilt_file_holds_the_same_rows_in_the_same_order(first_day: FirstDay, later_days: LaterDays) -> None:
    settings = first_day.checkout.settings
    release_id = max(first_day.checkout.releases())
    now = settings.warehouse / "rebuilt" / release_id / "warehouse" / "outcomes.duckdb"
    compared = 0
    with duckdb.connect() as connection:
        connection.execute(f"attach '{later_days.damaged.served}' as was (read_only)")
        connection.execute(f"attach '{now}' as again (read_only)")
        tables = connection.execute("select table_name from duckdb_tables() where database_name = 'was'").fetchall()
        for (table,) in tables:
            before, after = (
                connection.execute(f"select * from {database}.main.{table}").fetchall() for database in ("was", "again")
            )
            assert before == after, table
            compared += len(before)
    assert len(tables) > 30
    assert compared > 40_000


def test_the_first_release_says_that_it_is_the_first(later_days: LaterDays) -> None:
    said = later_days.told["notes previous"]
    assert said.code == 0
    assert "first release" in said.out.lower()


def test_notes_and_difference_name_what_the_corrected_source_brought(later_days: LaterDays, damaged: Release) -> None:
    """The locality table had been refused; corrected, its figures are new, and nothing else is."""
    (new,) = damaged.rows(
        "select count(*) from fct_indicator_value join dim_source using (source_key) "
        "where source_id = 'trafford_localities'"
    )[0]
    assert new == 5
    notes, diff = later_days.told["notes"], later_days.told["diff"]
    assert (notes.code, diff.code) == (0, 0)
    assert "Resident population: 5 values of a new indicator" in notes.words
    assert "5 of a new indicator" in diff.words
    rows = list(csv.DictReader(later_days.told["diff --source trafford_localities --csv"].out.splitlines()))
    assert {(row["what"], row["source_id"], row["revision_kind"]) for row in rows} == {
        ("new value", "trafford_localities", "new_indicator")
    }
    assert len(rows) == new
    assert 54_471.0 in {float(row["new_value"]) for row in rows}
    assert later_days.told["diff nonsense served"].code == 1
    assert "nonsense" in later_days.told["diff nonsense served"].err


def test_nothing_waits_for_an_approval_and_nothing_else_can_be_approved(later_days: LaterDays) -> None:
    assert later_days.told["approve"].words == "No change waits for an approval."
    refused = later_days.told['approve trafford_jsna-0000000000000000 --by analyst --reason "The publisher said so"']
    assert refused.code == 1
    assert "trafford_jsna-0000000000000000" in refused.err


def test_looking_is_noted_and_shown_and_lateness_is_an_exit_code(later_days: LaterDays) -> None:
    assert later_days.told["polled ukhsa_bacteraemia"].code == 0
    assert later_days.told["polled nobody"].code == 1
    freshness = later_days.told["freshness"]
    looked = [line for line in freshness.out.splitlines() if line.startswith("ukhsa_bacteraemia ")]
    assert len(looked) == 1
    assert "polled, unchanged" in looked[0].lower()
    assert "not polled" in freshness.out.lower()
    # The annual report of 2025 was never filed here, so the source is late or stale on any later day.
    assert freshness.code == 1
    assert "MRSA" in later_days.told["freshness ukhsa_bacteraemia"].out


def test_every_run_left_a_page(later_days: LaterDays, first_day: FirstDay) -> None:
    runs = first_day.checkout.settings.runs
    pages = sorted(path.name for path in runs.glob("2*.html"))
    assert len(pages) == 2
    index = (runs / "index.html").read_text(encoding="utf-8")
    assert all(page in index for page in pages)
    last = (runs / pages[-1]).read_text(encoding="utf-8")
    assert "about a hundred" in last, "the row that was set aside is on the page, with its value"
    blocked = later_days.blocked.settings.runs
    newest = max(blocked.glob("2*.html")).read_text(encoding="utf-8")
    assert "a_million_rows" in newest
    assert "not published" in newest


def test_a_refresh_that_was_killed_leaves_what_was_served_and_the_next_one_goes_on(
    first: Release, later_days: LaterDays
) -> None:
    said, served_after = later_days.killed
    assert "publish " not in said
    assert served_after == first.sha256
    assert later_days.damaged.said.code == 0
    assert later_days.damaged.sha256 != first.sha256


def test_what_can_be_handed_on_is_of_the_release_that_is_served(first_day: FirstDay, later_days: LaterDays) -> None:
    served, blocked = first_day.checkout, later_days.blocked
    assert have_companions(served.settings, max(served.releases()))
    assert len(served.releases()) == 2
    kept = {folder.name for folder in served.settings.public.iterdir() if folder.is_dir()}
    assert kept == {folder.name for folder in served.settings.exports.iterdir() if folder.is_dir()}
    assert kept == set(served.releases())
    # The refresh that was held back has left the first release in its place.
    (stays,) = blocked.releases()
    assert have_companions(blocked.settings, stays)
    assert [folder.name for folder in blocked.settings.public.iterdir() if folder.is_dir()] == [stays]
    # Two editions in a row: what the first withheld, the second withholds, and both are what they say.
    editions = [read_suppressed(served.settings.public / one / PUBLIC_FILE) for one in sorted(served.releases())]
    assert editions[0].suppressed
    assert editions[0].suppressed <= editions[1].suppressed


def test_the_public_edition_shows_no_small_count_and_the_served_file_does(first_day: FirstDay) -> None:
    settings = first_day.checkout.settings
    small = "select count(*) from fct_indicator_value where count between 1 and 7"
    public = settings.public / max(first_day.checkout.releases()) / PUBLIC_FILE
    found: list[int] = []
    for file in (settings.served_file, public):
        with duckdb.connect(str(file), read_only=True) as connection:
            found.append(connection.execute(small).fetchall()[0][0])
    assert found[0] > 50
    assert found[1] == 0
