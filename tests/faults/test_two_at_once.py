"""Two that want to write to one warehouse: the second waits or says why not, and a dead one is in nobody's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.publish.verify_release import verify_release
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
HOLD = """
import pathlib, sys, time
from pipelines.refresh_lock import refresh_lock
from pipelines.settings import Settings

with refresh_lock(Settings(pathlib.Path("nowhere"), pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def holder(warehouse: Path, seconds: float = 60.0) -> Generator[subprocess.Popen[str]]:
    """Another process that holds the lock of a warehouse."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(warehouse), str(seconds)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_second_says_who_holds_the_warehouse_and_touches_nothing(
    workbench: Any, make_project: Callable[..., Settings], tree: Callable[[Path], dict[str, str]]
) -> None:
    settings = make_project()
    workbench.succeed(settings, "locked_publish", marker="first", number=1)
    with holder(settings.warehouse) as other:
        before = tree(settings.warehouse)
        answer = workbench.do(settings, "locked_publish", marker="second", number=2)
        assert answer["error"]["ours"]
        assert f"Another refresh is writing to this warehouse (process {other.pid} on " in answer["error"]["message"]
        assert tree(settings.warehouse) == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_lock_of_a_killed_process_is_free(
    how: signal.Signals, workbench: Any, make_project: Callable[..., Settings]
) -> None:
    settings = make_project()
    with holder(settings.warehouse) as other:
        assert workbench.do(settings, "take_lock")["error"] is not None
        os.kill(other.pid, how)
        other.wait()
        released = workbench.succeed(settings, "locked_publish", marker="after", number=1)
    assert verify_release(settings.served_file).release_id == released["release_id"]


def test_lock_is_that_of_the_warehouse_by_whatever_path(
    workbench: Any, make_project: Callable[..., Settings], tmp_path: Path
) -> None:
    settings, other = make_project(name="one"), make_project(name="other")
    link = tmp_path / "link"
    settings.warehouse.mkdir()
    link.symlink_to(settings.warehouse, target_is_directory=True)
    roundabout = Settings(settings.project, settings.warehouse / ".." / "warehouse")
    with holder(link):
        workbench.succeed(other, "take_lock")
        for same in (settings, Settings(settings.project, link), roundabout):
            assert workbench.do(same, "take_lock")["error"] is not None, same.warehouse
    for same in (settings, Settings(settings.project, link), roundabout, other):
        workbench.succeed(same, "take_lock")


def test_second_waits_until_the_first_is_done(workbench: Any, make_project: Callable[..., Settings]) -> None:
    settings = make_project()
    with holder(settings.warehouse, seconds=1.5):
        began = time.monotonic()
        waited = workbench.succeed(settings, "locked_publish", marker="waited", number=2, wait_seconds=30)
        assert time.monotonic() - began > 1.0
    assert verify_release(settings.served_file).release_id == waited["release_id"]


def test_two_that_wait_for_each_other_all_publish_whole_releases(
    workbench: Any, make_workbench: Callable[[], Any], make_project: Callable[..., Settings]
) -> None:
    settings = make_project()
    benches = [workbench, make_workbench()]
    answers: list[Any] = []

    def publish(bench: Any, first: int) -> None:
        for number in range(first, first + 6, 2):
            step = {"marker": f"release {number}", "number": number, "wait_seconds": 60}
            answers.append(bench.do(settings, "locked_publish", **step))

    threads = [threading.Thread(target=publish, args=(bench, first)) for first, bench in enumerate(benches, start=1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["error"] for answer in answers] == [None] * 6
    released = {answer["result"]["release_id"]: answer["result"]["content_checksum"] for answer in answers}
    served = verify_release(settings.served_file)
    assert released[served.release_id] == served.content_checksum
    assert len(list(settings.releases.glob("*.duckdb"))) <= 4
