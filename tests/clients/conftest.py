"""The clients, asked once: each in its own process, all over one link to the published file.

Starting them and keeping their reports belongs here. Without a client its tests are skipped with the reason, unless
OUTCOMES_TEST_SERVERS=required says that they have to run.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from pipelines.settings import Settings
from tests.clients.matrix import CLIENTS, FILE, Answer, Client, Report, ask, expected


def absent(what: str) -> NoReturn:
    """Skip because something is missing here, or fail where it has to be there."""
    if os.environ.get("OUTCOMES_TEST_SERVERS") == "required":
        pytest.fail(f"{what} is missing, and OUTCOMES_TEST_SERVERS=required")
    pytest.skip(f"{what} is missing")


def require(client: Client) -> None:
    """Leave the test where the client has no build for this Python, or is not installed."""
    if client.has_no_build:
        pytest.skip(f"{client.name} has no build for this Python")
    if reason := client.why_not():
        absent(reason)


@pytest.fixture(scope="session")
def beside_the_file(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a link to the served file in it: what a client leaves behind is seen there."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / FILE).symlink_to(published.served_file)
    return folder


@pytest.fixture(scope="session")
def answers_and_catalogue(published: Settings) -> tuple[dict[str, Answer], Report]:
    """Return what the DuckDB of this project answers."""
    return expected(published.served_file)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def bytes_before(published: Settings) -> str:
    """Return the SHA-256 of the served file before any client was asked."""
    return digest_of(published.served_file)


@pytest.fixture(scope="session")
def reports(beside_the_file: Path, bytes_before: str) -> dict[Client, Report]:
    """Ask every client that is here, two at a time."""
    here = [client for client in CLIENTS if not client.has_no_build and client.why_not() is None]
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(here, pool.map(lambda client: ask(client, beside_the_file), here), strict=True))
