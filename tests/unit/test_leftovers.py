"""What killed runs leave is cleared away, and nothing else is."""

from __future__ import annotations

from pathlib import Path

from pipelines.leftovers import clear_leftovers
from pipelines.settings import Settings

HALF_WRITTEN = (
    ".gate_abc/accepted.parquet",
    "landed/.fingertips-xyz/landed.parquet",
    "landed/.fingertips.landing.json.partial",
    "accepted/.fingertips.parquet.restored",
    "check_log/.fingertips.load.parquet.part",
    "history/objects/ab/.incoming-123",
    "history/releases/.20261126T060000Z-00000000.json.partial",
    ".state.json.partial",
)
FINISHED = (
    "outcomes.duckdb",
    "state.json",
    ".refresh.lock",
    ".refresh.holder.json",
    "landed/fingertips.parquet",
    "landed/fingertips.landing.json",
    "accepted/fingertips.parquet",
    "accepted/fingertips.parquet.damaged",
    "check_log/fingertips.gate.json",
    "history/objects/ab/abcdef",
    "history/releases/20261126T060000Z-00000000.json",
    "releases/20261126T060000Z-00000000.duckdb",
    "dagster/.telemetry",
)


def test_only_what_is_half_written_goes(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "project", tmp_path / "warehouse")
    for name in (*HALF_WRITTEN, *FINISHED):
        path = settings.warehouse / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    cleared = clear_leftovers(settings)
    left = {path.relative_to(settings.warehouse).as_posix() for path in settings.warehouse.rglob("*") if path.is_file()}
    assert left == set(FINISHED)
    assert len(cleared) == len(HALF_WRITTEN)
    assert clear_leftovers(settings) == []


def test_a_link_is_taken_away_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "project", tmp_path / "warehouse")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("kept", encoding="utf-8")
    settings.landed.mkdir(parents=True)
    (settings.landed / ".linked").symlink_to(elsewhere, target_is_directory=True)
    assert clear_leftovers(settings) == ["landed/.linked"]
    assert (elsewhere / "kept.txt").is_file()


def test_a_warehouse_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert clear_leftovers(Settings(tmp_path / "project", tmp_path / "warehouse")) == []
