"""Dagster's own records: quick to write, and no reason to stop when they are damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy

from pipelines.schedule.dagster_storage import forget_old_runs, quick_records, set_aside_damaged_records

FULL, NORMAL = 2, 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the records that Dagster keeps in files."""
    home = tmp_path / "dagster"
    for name in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table event_logs (i integer)")
        connection.commit()
        connection.close()
    return home


def waits(database: str) -> int:
    """Return what a new connection of SQLAlchemy says of waiting for the disk."""
    engine = sqlalchemy.create_engine(database, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("pragma synchronous").scalar_one())


def test_the_disk_is_not_waited_for_inside_the_block_and_is_again_after_it(home: Path) -> None:
    database = f"sqlite:///{home / 'history' / 'runs.db'}"
    assert waits(database) == FULL
    with quick_records(home):
        assert waits(database) == NORMAL
    assert waits(database) == FULL


def test_the_log_is_not_folded_in_at_every_event(home: Path) -> None:
    index = home / "history" / "runs" / "index.db"
    with quick_records(home):
        connection = sqlite3.connect(index)
        connection.execute("insert into event_logs values (1)")
        connection.commit()
        connection.close()
        assert index.with_name("index.db-wal").is_file()
    assert not index.with_name("index.db-wal").exists()
    assert sqlite3.connect(index).execute("select count(*) from event_logs").fetchone() == (1,)


def test_other_databases_are_left_alone(home: Path) -> None:
    with quick_records(home):
        engine = sqlalchemy.create_engine("duckdb:///:memory:")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("select 1").scalar_one() == 1


def test_a_home_without_records_is_quick_too(tmp_path: Path) -> None:
    with quick_records(tmp_path / "nothing"):
        pass


def test_whole_records_stay(home: Path) -> None:
    assert set_aside_damaged_records(home) is None
    assert (home / "history" / "runs.db").is_file()
    assert set_aside_damaged_records(home.with_name("nothing")) is None


@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_damaged_records_are_moved_away_whole(home: Path, name: str) -> None:
    (home / name).write_bytes(b"no database at all" * 500)
    aside = set_aside_damaged_records(home)
    assert aside == home.with_name("dagster.damaged-1")
    assert not home.exists()
    assert (home.with_name("dagster.damaged-1") / name).read_bytes().startswith(b"no database")


def test_a_second_damage_does_not_overwrite_the_first(home: Path) -> None:
    home.with_name("dagster.damaged-1").mkdir()
    (home / "history" / "runs.db").write_bytes(b"no database at all" * 500)
    assert set_aside_damaged_records(home) == home.with_name("dagster.damaged-2")


def test_busy_is_not_damaged(home: Path) -> None:
    busy = sqlite3.connect(home / "history" / "runs.db")
    busy.execute("begin exclusive")
    assert set_aside_damaged_records(home) is None
    busy.close()


def test_old_runs_are_forgotten_with_their_files_and_the_newest_stay(tmp_path: Path) -> None:
    @dg.asset
    def one() -> None:
        """Do nothing."""

    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        runs = [dg.materialize([one], instance=instance).run_id for _ in range(4)]
        assert forget_old_runs(instance, kept=4) == 0
        assert forget_old_runs(instance, kept=2) == 2
        assert [record.dagster_run.run_id for record in instance.get_run_records()] == [runs[3], runs[2]]
        files = {path.stem for path in (tmp_path / "history" / "runs").glob("*.db")}
        assert files & set(runs) == {runs[3], runs[2]}
        assert instance.get_latest_materialization_event(dg.AssetKey("one")) is not None
