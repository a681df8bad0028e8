"""What the model and the gate say of a build when an earlier release is there to compare it with.

The build of the other tests is taken as it is. The earlier release is its own snapshots with one thing altered a
source, so that what must come out is known to the row; only the models that compare are built again.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest

from pipelines.check.approvals import approve, read_pending
from pipelines.check.published_gates import release_comparison_gate
from pipelines.check.release_comparison import (
    MART,
    RULES,
    compare_releases,
    findings,
    read_changes,
    read_limits,
)
from pipelines.problems import OutcomesError
from pipelines.publish.snapshot_schemas import SNAPSHOTS, VALUE_KEY, write_empty, write_snapshot
from pipelines.publish.snapshots import match_release, read_snapshots, take_snapshots, write_previous
from pipelines.refresh_progress import SilentProgress
from pipelines.release_archive import Archive, Manifest
from pipelines.report.release_diff import ValueChange, diff_snapshots
from pipelines.report.release_notes import notes_of
from pipelines.run_inputs import LastRun, RunInputs, write_inputs, write_last_run
from pipelines.schedule.poll_log import write_polls
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
BEFORE = "20260201T060000Z-0a0b0c0d"
NOW = dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC)
MOMENT = dt.datetime(2026, 3, 1, 6)
REASON = "The wards were counted again on new boundaries."
MODELS = (
    "int_release_values__kept",
    "int_release_values__changed",
    "int_release_statuses__kept",
    "int_release_statuses__changed",
    "int_source_changes__counted",
    "fct_revision",
    "release_note",
    "release_approval",
)
TIMES_TEN, HALVED, GROWS = "ons_subnational", "fingertips", "icb_metrics"
CASE = "a_falls_fast"
"""The source whose values are all ten times what they were, the one that lost half of its areas, and the one that only
has a new period."""


@dataclass(frozen=True)
class Compared:
    """A build that was compared with an earlier release.

    Attributes:
        settings: Folders, with the build and what it knew of the earlier release.
        before: Snapshots of the earlier release.
        now: Snapshots of the build as published.
    """

    settings: Settings
    before: dict[str, pl.DataFrame]
    now: dict[str, pl.DataFrame]


def _dbt(project: Path, settings: Settings, target: Path, *models: str) -> None:
    dbt = Path(sys.executable).with_name("dbt")
    done = subprocess.run(
        [
            str(dbt) if dbt.exists() else "dbt",
            *("run", "--quiet", "--select", *models),
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(target), "--log-path", str(target / "logs")),
        ],
        env={
            **os.environ,
            "OUTCOMES_WAREHOUSE": settings.warehouse.as_posix(),
            "OUTCOMES_BUILD_FILE": settings.build_file.as_posix(),
            "OUTCOMES_AS_AT": "2026-03-01",
            "OUTCOMES_BUILT_AT": "2026-03-01 06:00:00",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _earlier(now: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the release before: that of now, with what happened to each source undone."""
    values, source = now["indicator_values"], pl.col("source_id")
    # A new raw release brought the wards' newest period.
    newest = values.filter(source == GROWS)["period_end"].max()
    values = values.filter(~((source == GROWS) & (pl.col("period_end") == newest)))
    values = values.with_columns(
        pl.when(source == TIMES_TEN).then(pl.col("value") / 10).otherwise("value").alias("value"),
        pl.when(source == GROWS).then(pl.lit("2020-01")).otherwise("source_release").alias("source_release"),
    )
    lost = values.filter(source == HALVED).with_columns(
        ("X" + pl.col("area_code")).alias("area_code"), ("Lost " + pl.col("area_name")).alias("area_name")
    )
    statuses = now["statuses"].with_columns(
        # One commitment was judged by another rule.
        pl.when(pl.col("commitment_id") == CASE).then(pl.lit("Before")).otherwise("status_label").alias("status_label"),
        pl.when(pl.col("commitment_id") == CASE).then(pl.lit("before")).otherwise("status_code").alias("status_code"),
    )
    release = now["release"].with_columns(release_id=pl.lit(BEFORE), built_at=pl.lit(MOMENT - dt.timedelta(28)))
    carried = {
        **{name: kind for name, kind in values.rows(named=True)[0].items() if name in VALUE_KEY},
        "revision_key": 1,
        "source_id": TIMES_TEN,
        "indicator_name": "Kept",
        "area_name": "Kept",
        "area_code": "GONE",
        "period_label": "2001",
        "revision_kind": "revised",
        "old_value": 1.0,
        "new_value": 2.0,
        "is_beyond_5_percent": 1,
        "is_scheduled": 0,
        "cause": "rules",
        "reason": "Kept.",
        "previous_release_id": "long before",
        "first_seen": dt.datetime(2020, 1, 1),
    }
    return {
        **now,
        "release": release,
        "indicator_values": pl.concat([values, lost]),
        "statuses": statuses,
        "revisions": pl.DataFrame([carried], schema=SNAPSHOTS["revisions"]),
    }


@pytest.fixture(scope="module")
def compared(built, published, tmp_path_factory) -> Compared:
    root = tmp_path_factory.mktemp("revisions")
    settings = Settings(project=REPOSITORY, warehouse=root / "warehouse")
    settings.build_file.parent.mkdir(parents=True)
    shutil.copyfile(built.file, settings.build_file)
    for part in ("accepted", "quarantine", "check_log", "registry"):
        shutil.copytree(built.warehouse / part, settings.warehouse / part)
    now = {name: pl.read_parquet(path) for name, path in take_snapshots(published, root / "now").items()}
    before = _earlier(now)
    write_empty(settings.previous)
    for name, frame in before.items():
        write_snapshot(settings.previous / f"{name}.parquet", frame)
    shutil.copytree(built.target, root / "target", ignore=shutil.ignore_patterns("compiled", "run"))
    _dbt(built.warehouse.parent / "dbt_project", settings, root / "target", *MODELS)
    return Compared(settings, before, now)


@pytest.fixture
def ask(compared) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    with duckdb.connect(str(compared.settings.build_file), read_only=True) as connection:

        def run(query: str, *parameters: object) -> list[tuple[Any, ...]]:
            return connection.execute(query, list(parameters)).fetchall()

        yield run


def test_a_first_release_has_one_note_and_no_revision(rows):
    (note,) = rows("from release_note")
    assert note["section"] == "first_release"
    values = rows("select count(*) as n from fct_indicator_value")[0]["n"]
    assert f"{values:,} values" in note["sentence"]
    assert rows("from fct_revision") == []
    assert rows("from release_approval") == []


def test_snapshots_are_the_same_bytes_again(published, tmp_path):
    first, again = (take_snapshots(published, tmp_path / name) for name in ("one", "two"))
    assert first.keys() == again.keys() == SNAPSHOTS.keys()
    for name, path in first.items():
        assert path.read_bytes() == again[name].read_bytes(), name
        frame = pl.read_parquet(path)
        assert dict(frame.schema) == SNAPSHOTS[name], name


def test_snapshots_hold_every_value_and_every_line_of_the_scorecard(compared, rows):
    values = compared.now["indicator_values"]
    assert values.height == rows("select count(*) as n from fct_indicator_value")[0]["n"]
    assert values.select(VALUE_KEY).n_unique() == values.height
    statuses = compared.now["statuses"]
    assert statuses.height == rows("select count(*) as n from v_scorecard")[0]["n"]
    assert statuses.select("commitment_id", "area_code").n_unique() == statuses.height


def test_every_altered_value_is_one_revision(compared, ask):
    before, now = compared.before["indicator_values"], compared.now["indicator_values"]
    multiplied = now.filter((pl.col("source_id") == TIMES_TEN) & pl.col("value").is_not_null() & (pl.col("value") != 0))
    lost = before.filter(pl.col("area_name").str.starts_with("Lost "))
    assert multiplied.height > 20
    assert lost.height > 20
    found = dict(ask("select revision_kind, count(*) from fct_revision where first_seen = ? group by all", MOMENT))
    assert found == {"revised": multiplied.height, "withdrawn": lost.height}
    assert ask(
        "select distinct source_id, cause, is_scheduled, is_beyond_5_percent, round(change_percent), "
        "previous_release_id from fct_revision where revision_kind = 'revised' and first_seen = ? and old_value > 0",
        MOMENT,
    ) == [(TIMES_TEN, "rules", 0, 1, 900.0, BEFORE)]


def test_earlier_revisions_are_carried_with_keys_of_today(ask):
    assert ask(
        "select old_value, new_value, reason, indicator_key >= 0, area_key from fct_revision where first_seen < ?",
        MOMENT,
    ) == [(1.0, 2.0, "Kept.", True, -1)]


@pytest.mark.parametrize("table", ["fct_revision", "release_note"])
def test_every_key_is_in_its_dimension(ask, table):
    keys = [name for (name,) in ask("select column_name from duckdb_columns() where table_name = ?", table)]
    checked = 0
    for key in keys:
        dimension = f"dim_{key.removesuffix('_key')}"
        if key.endswith("_key") and ask("select 1 from duckdb_tables() where table_name = ?", dimension):
            assert ask(f"select {key} from {table} anti join {dimension} using ({key})") == []
            checked += 1
    assert checked >= 3


def test_notes_tell_each_of_it(compared, ask):
    notes = ask("select section, source_id, value_count, sentence from release_note order by note_number")
    of = {}
    for section, source_id, count, sentence in notes:
        of.setdefault((section, source_id), []).append((count, sentence))
    changed = ask("select count(*) from fct_revision where revision_kind = 'revised' and first_seen = ?", MOMENT)[0][0]
    assert sum(count for count, _ in of["changed_beyond_5_percent", TIMES_TEN]) == changed
    removed = [*of.get(("values_removed", HALVED), []), *of.get(("indicator_removed", HALVED), [])]
    lost = compared.before["indicator_values"].filter(pl.col("area_name").str.starts_with("Lost "))
    assert sum(count for count, _ in removed) == lost.height
    with_value = lost.filter(pl.col("value").is_not_null())
    assert len(of["area_lost", HALVED]) == with_value["area_code"].n_unique()
    newest = compared.now["indicator_values"].height - compared.before["indicator_values"].height + lost.height
    assert sum(count for (_, source), items in of.items() if source == GROWS for count, _ in items) == newest
    (status,) = (items for (section, _), items in of.items() if section == "status_changed")
    assert len(status) == 1
    assert "from Before to " in status[0][1]
    assert status[0][1].endswith("because the rules were changed.")


def test_the_model_and_the_command_say_the_same(compared, ask):
    diff = diff_snapshots(compared.before, compared.now, [], REPOSITORY / "dbt_project")
    names = [name for name in ValueChange.__dataclass_fields__ if name not in ("unit", "decimal_places")]
    modelled = ask(f"select {', '.join(names)} from fct_revision where first_seen = ?", MOMENT)
    assert sorted(modelled, key=repr) == sorted(
        (tuple(getattr(one, name) for name in names) for one in diff.values), key=repr
    )
    assert [(one.cause, one.old_status_label) for one in diff.statuses] == [("changed_rule", "Before")]


def _said(compared):
    return {one.check_id: one for one in compare_releases(compared.settings, NOW)}


def test_bad_changes_block_and_a_new_period_does_not(compared):
    said = _said(compared)
    assert {name: one.outcome for name, one in said.items()} == {
        "values_changed": "blocked",
        "values_lost": "blocked",
        "areas_lost": "blocked",
        "statuses_changed": "passed",
    }
    assert TIMES_TEN in said["values_changed"].observed
    assert HALVED not in said["values_changed"].observed
    assert HALVED in said["areas_lost"].observed
    limits = read_limits(compared.settings.registry)
    (grown,) = (one for one in read_changes(compared.settings.build_file) if one.source_id == GROWS)
    assert grown.values_before > 0
    assert (grown.values_beyond, grown.values_lost, grown.change_id) == (0, 0, None)
    assert findings(grown, limits[GROWS]) == ()


def test_what_blocks_waits_with_examples_and_says_what_to_do(compared):
    said = _said(compared)
    waiting = {one.source_id: one for one in read_pending(compared.settings)}
    assert waiting.keys() == {TIMES_TEN, HALVED}
    one = waiting[TIMES_TEN]
    assert f'outcomes approve {one.change_id} --reason "..."' in said["values_changed"].observed
    assert "outcomes diff served build" in said["values_changed"].observed
    assert one.previous_release_id == BEFORE
    assert all(" before, " in example for example in one.examples)
    assert any("Lost " in example for example in waiting[HALVED].examples)


def test_an_approval_lets_exactly_its_change_through(compared, built):
    settings = compared.settings
    _said(compared)
    waiting = {one.source_id: one.change_id for one in read_pending(settings)}
    for change_id in waiting.values():
        approve(settings, change_id, REASON, "intelligence lead", NOW)

    # One value of one source differs by a hair: another change, which nobody has approved.
    frame = compared.before["indicator_values"].with_row_index()
    number = frame.filter(pl.col("area_name").str.starts_with("Lost ") & pl.col("value").is_not_null())["index"][0]
    hair = pl.when(pl.col("index") == number).then(pl.col("value") * 1.0001).otherwise("value").alias("value")
    _archived(settings, {**compared.before, "indicator_values": frame.with_columns(hair).drop("index")})
    write_last_run(settings.state_file, LastRun(fingerprint="f", release_id=BEFORE))
    write_previous(settings)
    write_polls(settings)
    models = ("int_release_values__changed", "int_source_changes__counted", "release_approval", "release_note")
    _dbt(built.warehouse.parent / "dbt_project", settings, settings.warehouse.parent / "target", *models)

    said = _said(compared)
    assert {name: one.outcome for name, one in said.items()} == {
        "values_changed": "passed",
        "values_lost": "blocked",
        "areas_lost": "blocked",
        "statuses_changed": "passed",
    }
    assert "approved by intelligence lead" in said["values_changed"].observed
    again = {one.source_id: one.change_id for one in read_pending(settings)}
    assert again.keys() == {HALVED}
    assert again[HALVED] != waiting[HALVED]
    with duckdb.connect(str(settings.build_file), read_only=True) as connection:
        assert connection.execute(
            "select change_id, approval_reason, is_this_release, let_through_at from release_approval"
        ).fetchall() == [(waiting[TIMES_TEN], REASON, 1, MOMENT)]
        assert connection.execute(
            "select source_id, change_id from release_note where section = 'approved_change'"
        ).fetchall() == [(TIMES_TEN, waiting[TIMES_TEN])]


def _archived(settings: Settings, snapshots: dict[str, pl.DataFrame]) -> Archive:
    archive = Archive(settings.history)
    folder = settings.warehouse / "snapshots"
    files = {name: write_snapshot(folder / f"{name}.parquet", frame) for name, frame in snapshots.items()}
    archive.write(
        Manifest(
            release_id=BEFORE,
            previous_release_id=None,
            as_at=NOW.date(),
            started_at=NOW,
            code_version="c",
            input_fingerprint="f",
            content_checksum="s",
            packages={},
            inputs={},
            state={},
            checked_at={},
            snapshots=archive.put_all(folder, files),
        )
    )
    return archive


def test_what_a_run_is_told_is_what_was_archived(compared, tmp_path):
    settings = Settings(project=REPOSITORY, warehouse=tmp_path)
    write_previous(settings)
    assert {path.stem for path in settings.previous.glob("*.parquet")} == {*SNAPSHOTS, "announced"}
    for name, schema in SNAPSHOTS.items():
        frame = pl.read_parquet(settings.previous / f"{name}.parquet")
        assert (frame.height, dict(frame.schema)) == (0, schema)
    archive = _archived(settings, compared.before)
    # Nothing is served yet, although the archive has a release.
    write_previous(settings)
    assert pl.read_parquet(settings.previous / "release.parquet").height == 0
    write_last_run(settings.state_file, LastRun(fingerprint="f", release_id=BEFORE))
    write_previous(settings)
    for name in ("release", "indicator_values", "statuses", "revisions"):
        assert pl.read_parquet(settings.previous / f"{name}.parquet").equals(compared.before[name]), name
    # A snapshot of an older version lacks a column: it is empty, and the rest is there.
    older = {**compared.before, "statuses": compared.before["statuses"].drop("records")}
    other = _archived(Settings(project=REPOSITORY, warehouse=tmp_path / "older"), older)
    found = read_snapshots(other, BEFORE)["statuses"]
    assert dict(found.schema) == SNAPSHOTS["statuses"]
    assert found["records"].null_count() == found.height > 0
    assert match_release("20260201", archive, settings) == match_release("served", archive, settings) == BEFORE
    with pytest.raises(OutcomesError, match="is the first release"):
        match_release("previous", archive, settings)


def test_notes_of_a_release_are_read_from_the_archive(compared, ask, tmp_path):
    settings = Settings(project=REPOSITORY, warehouse=tmp_path)
    columns = ", ".join(SNAPSHOTS["notes"])
    notes = pl.DataFrame(
        ask(f"select {columns} from release_note order by note_number"), schema=SNAPSHOTS["notes"], orient="row"
    )
    _archived(settings, {**compared.before, "notes": notes})
    page = notes_of(settings, "2026020")
    assert page.startswith("# What is new as at 1 March 2026\n\nCommitments: 1 with another status.")
    assert "from Before to " in page
    assert "## Sources that were refused or are out of date\n\nNone.\n" in page


def test_the_check_of_the_run_fails_with_what_to_do(compared):
    settings = compared.settings
    write_inputs(
        settings.run_inputs_file, RunInputs(as_at=NOW.date(), started_at=NOW, fingerprint="f", code_version="c")
    )
    mart = dg.AssetSpec(["marts", MART])
    gate = release_comparison_gate(mart.key, settings, SilentProgress())
    job = dg.Definitions(
        assets=[mart],
        asset_checks=[gate],
        jobs=[dg.define_asset_job("check", selection=dg.AssetSelection.checks(gate))],
        resources={"one_refresh_at_a_time": dg.ResourceDefinition.none_resource()},
    ).resolve_job_def("check")
    (evaluation,) = job.execute_in_process(raise_on_error=False).get_asset_check_evaluations()
    assert not evaluation.passed
    assert "outcomes approve " in (evaluation.description or "")
    logged = pl.read_parquet(settings.published_checks / "release_comparison.checks.parquet")
    assert logged["check_id"].to_list() == [rule.check_id for rule in RULES]
    assert set(logged["outcome"]) == {"passed", "blocked"}
    assert logged.filter(pl.col("outcome") == "blocked")["details_json"].str.contains(HALVED).all()
