"""One published release of the data in this repository, shared by every folder of tests that reads the finished file.

Making that release belongs here, once a session whatever the number of workers. What is wrong or right about it belongs
in the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
RELEASE_OF_THESE_TESTS = "OUTCOMES_TEST_WAREHOUSE"
"""Names a warehouse that `outcomes refresh` has filled, to be read instead of making one: for work on one test."""

SPEAKS_FOR = "2026-11-22"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the whole refreshes, which take longest, so that nobody waits for them at the end."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the folders of a warehouse in which the data of this repository are published. Only to be read."""
    if given := os.environ.get(RELEASE_OF_THESE_TESTS):
        return Settings(project=REPOSITORY, warehouse=Path(given).resolve())
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    settings = Settings(project=REPOSITORY, warehouse=shared / "published" / "warehouse")
    with FileLock(shared / "published.lock"):
        if not settings.served_file.exists():
            done = subprocess.run(
                [sys.executable, "-m", "pipelines.cli", "refresh", "--plain", "--as-at", SPEAKS_FOR],
                cwd=REPOSITORY,
                env={
                    **{name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"},
                    "OUTCOMES_PROJECT": str(settings.project),
                    "OUTCOMES_WAREHOUSE": str(settings.warehouse),
                    "PYTHONPATH": str(REPOSITORY),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, done.stdout
    return settings
