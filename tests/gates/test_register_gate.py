"""What a broken rule of the register stops, where it is recorded, and what a person at the terminal is told.

The command and the wiring belong here, shown on copies of the real register. The rules themselves are shown in
``test_register_rules``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.check.check_log import CHECKS
from pipelines.check.expectation_suites import load_suite
from pipelines.check.landed_gates import gate_log_asset
from pipelines.check.register_assets import register_asset, register_keys
from pipelines.check.register_lint import register_suites
from pipelines.refresh import _failures
from pipelines.refresh_progress import PlainProgress
from pipelines.run_inputs import RunInputs, write_inputs
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
BROKEN = ("an unknown place", "a note with a space at its end")

Copy = Callable[..., Settings]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Copy the register of this project, and spoil it: a critical finding, a warning, or both."""

    def make(*broken: str) -> Settings:
        settings = Settings(project=tmp_path / "project", warehouse=tmp_path / "warehouse")
        shutil.copytree(PROJECT / "data" / "seeds", settings.seeds)
        shutil.copytree(PROJECT / "pipelines" / "acquire" / "sources", settings.sources)
        settings.dbt_project.mkdir()
        settings.expectations.symlink_to(PROJECT / "expectations")
        places = settings.seeds / "commitment_places.csv"
        lines = places.read_text(encoding="utf-8").splitlines()
        if BROKEN[0] in broken:
            commitment_id, _, *rest = lines[2].split(",")
            lines[2] = ",".join((commitment_id, "E54000099", *rest))
        if BROKEN[1] in broken:
            lines[3] = lines[3].rstrip('"').rstrip(".") + (' "' if lines[3].endswith('"') else " ")
        places.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return settings

    return make


def run_command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "register", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "OUTCOMES_PROJECT": str(settings.project),
            "OUTCOMES_WAREHOUSE": str(settings.warehouse),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_command_accepts_the_register_and_makes_nothing(copy: Copy) -> None:
    settings = copy()
    said = run_command(settings)
    assert said.returncode == 0, said.stdout
    assert said.stderr == ""
    assert "critical: " not in said.stdout
    assert said.stdout.splitlines()[-1].startswith("Accepted: ")
    assert not settings.warehouse.exists()


def test_the_command_names_file_line_column_value_rule_and_what_to_do(copy: Copy) -> None:
    said = run_command(copy(*BROKEN), "--as-at", DAY.isoformat())
    assert said.returncode == 1
    lines = said.stdout.splitlines()
    [critical] = [line for line in lines if line.startswith("critical: ")]
    assert critical.startswith("critical: data/seeds/commitment_places.csv:3: area_code 'E54000099': [area_known] ")
    assert critical.endswith("there is no area E54000099. Take code and name from areas.csv.")
    assert any(
        line.startswith("warning: data/seeds/commitment_places.csv:4: reason ") and "[cells_trimmed]" in line
        for line in lines
    )
    assert lines.index(critical) == 0
    assert lines[-1].startswith("Refused: ")
    assert "1 refuse the register" in lines[-1]


def test_the_command_imports_neither_great_expectations_nor_dagster(copy: Copy) -> None:
    """It has to answer in about a second, and importing them takes five."""
    settings = copy()
    program = """
import json, runpy, sys
sys.argv = ["outcomes", "register"]
def leave(code):
    print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
    raise SystemExit(code)
import pipelines.cli
pipelines.cli.leave = leave
pipelines.cli.main()
"""
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OUTCOMES_PROJECT": str(settings.project)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    loaded = set(json.loads(said.stdout.splitlines()[-1]))
    assert "duckdb" in loaded
    assert not loaded & {"great_expectations", "dagster", "dbt", "pandas", "sqlalchemy"}


def run_graph(settings: Settings) -> tuple[dg.ExecuteInProcessResult, list[str]]:
    """Run the gates of the register, the log that the model waits for, and something that stands for the model."""
    write_inputs(settings.run_inputs_file, RunInputs(as_at=DAY, started_at=NOW, fingerprint="f", code_version="c"))
    said: list[str] = []

    @dg.asset(deps=[dg.AssetKey(["check_log", "checks"])])
    def model() -> None:
        said.append("modelled")

    settings.quarantine.mkdir(parents=True)
    for name, folder in (
        ("made.load", settings.check_log),
        ("made.checks", settings.check_log),
        ("made", settings.quarantine),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(schema=CHECKS).write_parquet(folder / f"{name}.parquet")
    sources = {"made": object()}
    run = dg.materialize(
        [
            register_asset(settings, PlainProgress(said.append)),
            gate_log_asset(sources, register_keys(settings), settings),  # pyright: ignore[reportArgumentType]
            model,
        ],
        resources={"one_refresh_at_a_time": dg.ResourceDefinition.none_resource()},
        raise_on_error=False,
    )
    return run, said


def checks_of(settings: Settings, seed: str) -> pl.DataFrame:
    return pl.read_parquet(settings.check_log / f"{seed}.checks.parquet")


@pytest.mark.slow
def test_a_warning_is_recorded_and_the_model_goes_on(copy: Copy) -> None:
    settings = copy(BROKEN[1])
    run, said = run_graph(settings)
    assert run.success
    assert said[-1] == "modelled"
    assert said[0].startswith("check    register               passed, ")
    for seed, path in register_suites(settings).items():
        found = checks_of(settings, seed)
        assert found["check_id"].to_list() == ["readable", *(one.check_id for one in load_suite(path).expectations)]
        assert set(found["stage"]) == {"register"}
        assert set(found["source_id"]) == {seed}
        assert not set(found["outcome"]) - {"passed", "warned"}
    [warned] = checks_of(settings, "commitment_places").filter(pl.col("outcome") == "warned").rows(named=True)
    assert (warned["check_id"], warned["severity"], warned["rows_failed"]) == ("cells_trimmed", "warning", 1)
    [row] = json.loads(warned["details_json"])
    assert (row["source_file"], row["source_row_number"]) == ("data/seeds/commitment_places.csv", 4)
    assert "commitment_places.csv row 4" in warned["observed"]
    assert warned["observed"].endswith("Take the space away.")


@pytest.mark.slow
def test_a_critical_finding_stops_everything_that_is_modelled(copy: Copy) -> None:
    settings = copy(BROKEN[0])
    run, said = run_graph(settings)
    assert not run.success
    assert "modelled" not in said
    assert said[0].startswith("check    register               failed: 1 rule broken")
    [failure] = _failures(run.all_events)
    assert failure.startswith("register/commitment_places: gate failed. area_known: 1 area is unknown: ")
    assert "data/seeds/commitment_places.csv row 3: " in failure
    assert failure.endswith("Take code and name from areas.csv. Every finding: outcomes register.")
    assert "blocked" in checks_of(settings, "commitment_places")["outcome"]
    assert not run.asset_materializations_for_node("gate_log")
