"""A whole refresh, killed with all that it started while the model is being built, and the next one.

The other moments, and the other faults, are those of ``benchmarks/faults.py``, which takes minutes for each.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.publish.verify_release import verify_release
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("dbt_project", "data", "expectations", "pipelines/acquire/sources")
UNSET = ("PYTHONDONTWRITEBYTECODE", "FORCE_COLOR", "TTY_COMPATIBLE", "CLICOLOR_FORCE", "DAGSTER_HOME")


def start(settings: Settings) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "pipelines.cli", "refresh", "--plain", "--as-at", "2026-11-22"],
        cwd=settings.project,
        env={
            **kept,
            "PYTHONPATH": str(REPOSITORY),
            "OUTCOMES_PROJECT": str(settings.project),
            "OUTCOMES_WAREHOUSE": str(settings.warehouse),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_killed_while_the_model_is_built(tmp_path: Path, tree: Callable[[Path], dict[str, str]]) -> None:
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("target", "logs")
        shutil.copytree(REPOSITORY / folder, tmp_path / "project" / folder, ignore=ignored)
    settings = Settings(tmp_path / "project", tmp_path / "warehouse")
    raw = tree(settings.raw)

    with start(settings) as killed:
        assert killed.stdout is not None
        said: list[str] = []
        for line in killed.stdout:
            said.append(line)
            gated = [one for one in said if one.startswith("check ") and " register " not in one]
            if len(gated) == len(raw_sources(settings)):
                break
        wait_for(lambda: settings.build_file.exists() and settings.build_file.stat().st_size > 0)
        os.killpg(killed.pid, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL, "".join(said)
    assert not settings.served_file.exists()
    assert tree(settings.raw) == raw

    with start(settings) as again:
        out, _ = again.communicate(timeout=300)
    assert again.returncode == 0, out
    assert "Traceback" not in out
    landed = [line for line in out.splitlines() if line.startswith("acquire ") and "unchanged" in line]
    assert len(landed) == len(raw_sources(settings)), "what was landed before the kill is not landed again"
    released = verify_release(settings.served_file)
    assert f"Published release {released.release_id}" in out
    assert tree(settings.raw) == raw


def raw_sources(settings: Settings) -> list[str]:
    return [path.name for path in settings.raw.iterdir() if path.is_dir()]


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)
