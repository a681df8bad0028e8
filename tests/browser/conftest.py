"""The user interface as a person meets it: `outcomes ui` over a gated source, and the system's Chromium looking at it.

Starting, finding and ending the processes belongs here; what is seen belongs in the tests. Without a browser or its
driver the tests are skipped with the reason, unless OUTCOMES_TEST_SERVERS=required says that they have to run.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = "trafford_localities"
"""A source whose gate refuses the file in this repository: a digit is missing in the printed report."""
SECONDS_TO_START = 120.0
# Chromium is not to look for updates or accounts, which a closed network refuses anyway.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Ui:
    """A running user interface.

    Attributes:
        address: Where it answers, without a slash at the end.
        process: The command ``outcomes ui``, which has become ``dagster dev``.
        settings: Folders; the repository is the project.
        said: File with everything that it printed.
    """

    address: str
    process: subprocess.Popen[bytes]
    settings: Settings
    said: Path


def require(found: object, what: str) -> None:
    """Skip when something is missing here, or fail where it has to be there."""
    if not found:
        if os.environ.get("OUTCOMES_TEST_SERVERS") == "required":
            pytest.fail(f"{what} is missing, and OUTCOMES_TEST_SERVERS=required")
        pytest.skip(f"{what} is missing")


def module(name: str) -> Any:
    """Import a package of ``tests/browser/requirements.lock``."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        require(None, f"the package {name.partition('.')[0]} (tests/browser/requirements.lock)")


def environment(settings: Settings) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("OUTCOMES_", "DAGSTER_"))}
    return {
        **kept,
        "OUTCOMES_PROJECT": str(settings.project),
        "OUTCOMES_WAREHOUSE": str(settings.warehouse),
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "PYTHONPATH": str(REPOSITORY),
    }


@pytest.fixture(scope="session")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Land and gate one source through the real definitions, which records the check with its failing rows."""
    require(shutil.which("chromium"), "the program chromium")
    module("playwright.sync_api")
    module("psutil")
    settings = Settings(project=REPOSITORY, warehouse=tmp_path_factory.mktemp("ui") / "warehouse")
    settings.dagster_home.mkdir(parents=True)
    (settings.dagster_home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dagster", "asset", "materialize", "-m", "pipelines.definitions"),
            *("--select", f'+key:"accepted/{SOURCE}"'),
        ],
        cwd=REPOSITORY,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS_TO_START,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return settings


@pytest.fixture(scope="session")
def ui(gated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Generator[Ui]:
    """Start ``outcomes ui`` on a free port, wait until it knows the pipeline, and end it with all it started."""
    psutil = module("psutil")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = tmp_path_factory.mktemp("said") / "ui.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "ui", "--port", str(port)],
            cwd=REPOSITORY,
            env=environment(gated),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, process, said)
        yield Ui(address, process, gated, said)
    finally:
        whole = tree(psutil, process.pid)
        # As Ctrl-C does: it ends the web server, the daemon and the code server in order.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
        for left in psutil.wait_procs(whole, timeout=10)[1]:
            left.kill()


def wait_for(address: str, process: subprocess.Popen[bytes], said: Path) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        try:
            # Straight to the port: a proxy of the environment knows nothing of this machine's servers.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{address}/server_info", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            ended = True
            try:
                process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                ended = False
            assert not ended, said.read_text(encoding="utf-8", errors="replace")
    pytest.fail(f"no answer in {SECONDS_TO_START:.0f} s:\n{said.read_text(encoding='utf-8', errors='replace')}")


def tree(psutil: Any, pid: int) -> list[Any]:
    """Return a process and all its descendants."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(scope="session")
def listening(ui: Ui):
    """Return a function that tells every address at which a process of the user interface takes connections."""
    psutil = module("psutil")

    def look() -> set[tuple[str, int]]:
        found: set[tuple[str, int]] = set()
        for process in tree(psutil, ui.process.pid):
            try:
                connections = process.net_connections("inet")
            except psutil.NoSuchProcess:  # a helper that has just ended
                continue
            found |= {tuple(one.laddr[:2]) for one in connections if one.status == psutil.CONN_LISTEN}
        return found

    return look


@pytest.fixture(scope="session")
def chromium() -> Generator[Any]:
    """Start Chromium without a window, once for all tests of a process: its driver does not start twice."""
    require(shutil.which("chromium"), "the program chromium")
    sync_api = module("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(QUIET))
        yield started
        started.close()


@pytest.fixture
def page(ui: Ui, chromium: Any) -> Generator[Any]:
    """Open an empty page, large enough for the graph."""
    context = chromium.new_context(viewport={"width": 1600, "height": 1000})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()
