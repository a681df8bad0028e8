"""One refresh at a time: who is told what, and when the warehouse is free again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.problems import NotPublished
from pipelines.refresh_lock import refresh_lock
from pipelines.settings import Settings

HOLD = """
import sys, time
from pathlib import Path
from pipelines.refresh_lock import refresh_lock
from pipelines.settings import Settings

with refresh_lock(Settings(Path(sys.argv[1]), Path(sys.argv[2]))):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


@contextmanager
def held_elsewhere(settings: Settings, seconds: float) -> Generator[subprocess.Popen[str]]:
    """Hold the lock in another process for some seconds at most."""
    command = [sys.executable, "-c", HOLD, str(settings.project), str(settings.warehouse), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "project", tmp_path / "warehouse")


def test_a_second_refresh_is_told_who_is_at_work(settings: Settings) -> None:
    with held_elsewhere(settings, 60) as process:
        said = rf"Another refresh .* \(process {process.pid} on .*, since 20\d\d-"
        with pytest.raises(NotPublished, match=said), refresh_lock(settings):
            raise AssertionError("the lock was given twice")


def test_a_second_refresh_may_wait_and_gets_its_turn(settings: Settings) -> None:
    began = time.monotonic()
    with held_elsewhere(settings, 0.7), refresh_lock(settings, wait_seconds=30):
        assert time.monotonic() - began >= 0.5


def test_waiting_ends_and_says_how_long_it_was(settings: Settings) -> None:
    refused = pytest.raises(NotPublished, match="Waited 1 seconds")
    with held_elsewhere(settings, 60), refused, refresh_lock(settings, wait_seconds=0.6):
        raise AssertionError("the lock was given twice")


def test_a_killed_holder_leaves_the_warehouse_free(settings: Settings) -> None:
    with held_elsewhere(settings, 60) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with refresh_lock(settings):
            pass
    # The note of the one that was killed says nothing any more.
    assert not (settings.warehouse / ".refresh.holder.json").exists()


def test_the_process_that_holds_it_may_enter_again(settings: Settings) -> None:
    with refresh_lock(settings):
        with refresh_lock(settings):
            assert (settings.warehouse / ".refresh.holder.json").is_file()
        assert (settings.warehouse / ".refresh.holder.json").is_file()
    assert not (settings.warehouse / ".refresh.holder.json").exists()


def test_other_warehouses_are_not_held(settings: Settings, tmp_path: Path) -> None:
    with held_elsewhere(settings, 60), refresh_lock(Settings(settings.project, tmp_path / "another")):
        pass


def test_a_warehouse_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "warehouse").write_text("a file is in the way", encoding="utf-8")
    settings = Settings(tmp_path / "project", tmp_path / "warehouse")
    with pytest.raises(NotPublished, match=r"cannot be written.*OUTCOMES_WAREHOUSE"), refresh_lock(settings):
        raise AssertionError("there is no warehouse to hold")
