"""Whole refreshes over copies of this project, run as a user runs them, and what they left behind.

The few full refreshes of this folder belong here, each once a session: a first one over the input as it is, one after
several sources were damaged, and one whose last gate cannot pass. What they show belongs in the tests.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from filelock import FileLock

from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("dbt_project", "data", "expectations", "pipelines/acquire/sources")
AS_AT = "2026-11-22"
"""The day that every release here speaks for, so that a test of today is still one next year."""

WEB_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"
TIME_LIMIT = 600.0
UNSET = ("PYTHONDONTWRITEBYTECODE", "FORCE_COLOR", "TTY_COMPATIBLE", "CLICOLOR_FORCE", "DAGSTER_HOME")


@dataclass(frozen=True)
class Said:
    """What one call of the command said: exit code, both streams, and seconds by the clock on the wall."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def words(self) -> str:
        """Everything it printed with the line breaks taken out, which depend on the width of the terminal."""
        return " ".join(f"{self.out} {self.err}".split())


@dataclass(frozen=True)
class Checkout:
    """A copy of the project and its warehouse."""

    settings: Settings

    def environment(self) -> dict[str, str]:
        """Return the variables under which ``outcomes`` works here."""
        kept = {name: value for name, value in os.environ.items() if name not in UNSET}
        return {
            **kept,
            "PYTHONPATH": str(REPOSITORY),
            "OUTCOMES_PROJECT": str(self.settings.project),
            "OUTCOMES_WAREHOUSE": str(self.settings.warehouse),
        }

    def kill_while_modelling(self) -> str:
        """Start a refresh of everything, kill it and all that it started while dbt builds, and return what it said."""
        with subprocess.Popen(
            [sys.executable, "-u", "-m", "pipelines.cli", "refresh", "--plain", "--force", "--as-at", AS_AT],
            cwd=self.settings.project,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            said: list[str] = []
            for line in process.stdout:
                said.append(line)
                # The gates follow the order of the sources, and the last one is followed by the model.
                if line.startswith("check    ukhsa_bacteraemia_tables"):
                    break
            before = self.settings.build_file.stat().st_mtime_ns if self.settings.build_file.exists() else 0
            limit = time.monotonic() + 60
            while time.monotonic() < limit:
                if self.settings.build_file.exists() and self.settings.build_file.stat().st_mtime_ns > before:
                    break
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL, "".join(said)
        return "".join(said)

    def start(self, *arguments: str, fingertips: str | None = None) -> Callable[[], Said]:
        """Start ``outcomes`` and return a function that waits for its end; Fingertips may be somewhere else."""
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", *arguments],
            cwd=self.settings.project,
            env={
                **self.environment(),
                **({} if fingertips is None else {"OUTCOMES_FINGERTIPS_URL": fingertips, "NO_PROXY": "127.0.0.1"}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

        def wait() -> Said:
            try:
                out, err = process.communicate(timeout=TIME_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise
            return Said(process.returncode, out, err, time.monotonic() - began)

        return wait

    def run(self, *arguments: str) -> Said:
        return self.start(*arguments)()

    def refresh(self, *arguments: str) -> Said:
        return self.run("refresh", "--as-at", AS_AT, *arguments)

    def copy(self, folder: Path) -> Checkout:
        """Copy project and warehouse as they are now."""
        for part in ("project", "warehouse"):
            shutil.copytree(getattr(self.settings, part), folder / part)
        return Checkout(Settings(project=folder / "project", warehouse=folder / "warehouse"))

    def generated(self) -> dict[str, tuple[int, int, int]]:
        """Return inode, size and time of every file of the warehouse but the logs."""
        root = self.settings.warehouse
        return {
            path.relative_to(root).as_posix(): ((found := path.stat()).st_ino, found.st_size, found.st_mtime_ns)
            for path in sorted(root.rglob("*"))
            if path.is_file() and self.settings.logs not in path.parents
        }

    def releases(self) -> list[str]:
        """Return the names of the releases on disk."""
        return [path.stem for path in self.settings.releases.glob("*.duckdb")]

    def file_raw(self, name: str, content: bytes, rows: int) -> None:
        """Replace a raw file and have its passport vouch for the new bytes, as a careless person would."""
        path = self.settings.raw / name
        path.write_bytes(content)
        passport_file = path.with_name("passport.yml")
        passport = yaml.safe_load(passport_file.read_text(encoding="utf-8"))
        for entry in passport["files"]:
            if entry["file"] == path.name:
                entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "rows": rows}
        passport_file.write_text(yaml.safe_dump(passport, allow_unicode=True), encoding="utf-8")


@dataclass(frozen=True)
class Release:
    """A served file as it was at one moment, kept aside, and how it came to be.

    Attributes:
        said: What the refresh said.
        served: Copy of the served file.
        sha256: Of its bytes.
        generated: Files of the warehouse at that moment.
    """

    said: Said
    served: Path
    sha256: str
    generated: dict[str, tuple[int, int, int]]

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the copy."""
        with duckdb.connect(str(self.served), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def records(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Ask the copy; rows come as column to value."""
        with duckdb.connect(str(self.served), read_only=True) as connection:
            found = connection.execute(sql, list(parameters))
            names = [str(column[0]) for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@dataclass(frozen=True)
class FirstDay:
    """The first refresh over the input as it is, and the short calls that followed it.

    Attributes:
        checkout: Where all of this happened.
        release: What was published.
        again: A second refresh with nothing new, and the warehouse after it.
        strict: A third with ``--strict``.
        held: A forced one while another process held the lock, and the warehouse after it.
        unreachable: One with ``--live`` where nobody listens.
        signed_out: One with ``--live`` where a sign-in page answers every question.
        status: ``outcomes status`` after all of them.
    """

    checkout: Checkout
    release: Release
    again: Said
    after_again: dict[str, tuple[int, int, int]]
    strict: Said
    held: Said
    after_held: dict[str, tuple[int, int, int]]
    unreachable: Said
    signed_out: Said
    status: Said


@dataclass(frozen=True)
class LaterDays:
    """Two refreshes that began from the first day, independent of each other.

    Attributes:
        damaged: The release after several sources were damaged and one was corrected.
        seen_by_reader: Release ids that a reader saw who had the file open all the time, and one who opened it after.
        blocked: A checkout in which a gate over the marts cannot pass.
        blocked_before: Its warehouse before.
        blocked_after: Its warehouse after.
        blocked_served: SHA-256 of its served file, before and after.
        blocked_said: What the refresh said there.
        blocked_status: ``outcomes status`` there, afterwards.
        releases_stored: Releases on disk after the damage was published.
        rebuilt: What was said when the damaged release was made again while ``data/raw`` was away.
        after_rebuilds: SHA-256 of the served file after that.
        killed: What a refresh said before it was killed while modelling, and SHA-256 of the served file after it.
        told: What further commands said of the damaged release, by the command.
    """

    damaged: Release
    seen_by_reader: tuple[str, str]
    blocked: Checkout
    blocked_before: dict[str, tuple[int, int, int]]
    blocked_after: dict[str, tuple[int, int, int]]
    blocked_served: tuple[str, str]
    blocked_said: Said
    blocked_status: Said
    releases_stored: int
    rebuilt: Said
    after_rebuilds: str
    killed: tuple[str, str]
    told: dict[str, Said]


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


READER = """
import sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    connection.execute("select 1 from release").fetchall()
    print("open", flush=True)
    sys.stdin.readline()
    print(connection.execute("select release_id from release").fetchall()[0][0], flush=True)
"""


@contextmanager
def reader(served_file: Path) -> Generator[Callable[[], str]]:
    """Open a served file in another process, as a BI tool does.

    Args:
        served_file: The file.

    Yields:
        A function that asks the reader, once, which release it sees.
    """
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(served_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout
        assert stdout.readline().strip() == "open", process.communicate()[1]

        def ask() -> str:
            stdin.write("\n")
            stdin.flush()
            return stdout.readline().strip()

        yield ask


def damage_sources(checkout: Checkout) -> None:
    """Spoil three sources in three ways, correct the misprint of a fourth and add a bad row to it; the fifth stays."""
    raw = checkout.settings.raw
    smoking = raw / "fingertips" / "2024-10" / "smoking_qof_91547.csv"
    smoking.write_bytes(smoking.read_bytes()[: smoking.stat().st_size // 2])
    checkout.file_raw("trafford_jsna/2026-05/life_expectancy.csv", WEB_PAGE, rows=972)
    bacteraemia = "ukhsa_bacteraemia/2024-10/bacteraemia_rates_by_icb.csv"
    as_published = (raw / bacteraemia).read_bytes()
    checkout.file_raw(bacteraemia, as_published.replace(b"Species,", b"Organism,", 1), rows=252)
    localities = "trafford_localities/2021-01/localities.csv"
    as_printed = (raw / localities).read_bytes()
    corrected = as_printed.replace(b'"5,610"', b'"54,471"', 1).rstrip()
    checkout.file_raw(localities, corrected + b"\nEast,Atlantis,about a hundred\n", rows=5)
    # The gate asks for this when the publisher has mended its figure.
    corrections = checkout.settings.seeds / "corrections.csv"
    kept = [line for line in corrections.read_text("utf-8").splitlines(True) if "trafford_localities" not in line]
    corrections.write_text("".join(kept), encoding="utf-8")


def make_a_mart_gate_impossible(settings: Settings) -> None:
    path = settings.expectations / "published" / "v_scorecard.json"
    suite = json.loads(path.read_text(encoding="utf-8"))
    suite["expectations"].append(
        {
            "check_id": "a_million_rows",
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"min_value": 1_000_000},
            "severity": "critical",
            "why": "No register is as long as this, so that the gate cannot pass.",
        }
    )
    path.write_text(json.dumps(suite), encoding="utf-8")


@pytest.fixture(scope="session")
def make_checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkout]:
    """Copy what a checkout needs, without anything generated."""

    def make(name: str) -> Checkout:
        root = tmp_path_factory.mktemp(name)
        for folder in FOLDERS:
            shutil.copytree(
                REPOSITORY / folder, root / "project" / folder, ignore=shutil.ignore_patterns("target", "logs")
            )
        return Checkout(Settings(project=root / "project", warehouse=root / "warehouse"))

    return make


@pytest.fixture(scope="session")
def seeds() -> Callable[[str], list[dict[str, str]]]:
    """Read a hand-kept table of this project as text."""

    def read(name: str) -> list[dict[str, str]]:
        with (REPOSITORY / "data" / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return read


@pytest.fixture(scope="session")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Checkout, Said], Release]:
    """Set aside what a refresh published."""

    def aside(checkout: Checkout, said: Said) -> Release:
        assert checkout.settings.served_file.is_file(), f"nothing was published:\n{said.out}\n{said.err}"
        generated = checkout.generated()
        served = tmp_path_factory.mktemp("kept") / "outcomes.duckdb"
        shutil.copyfile(checkout.settings.served_file, served)
        return Release(said, served, sha256_of(served), generated)

    return aside


@pytest.fixture(scope="session")
def first_day(make_checkout: Callable[[str], Checkout], keep: Callable[[Checkout, Said], Release]) -> FirstDay:
    checkout = make_checkout("first")
    release = keep(checkout, checkout.refresh())
    again = checkout.refresh()
    after_again = checkout.generated()
    strict = checkout.refresh("--strict")
    with FileLock(checkout.settings.warehouse / ".refresh.lock"):
        held = checkout.refresh("--force")
    after_held = checkout.generated()
    live = ("refresh", "--as-at", AS_AT, "--live")
    # Port 9 is for discarding, and nobody listens on it.
    unreachable = checkout.start(*live, fingertips="http://127.0.0.1:9/")()
    with sign_in_page() as address:
        signed_out = checkout.start(*live, fingertips=address)()
    status = checkout.run("status")
    return FirstDay(checkout, release, again, after_again, strict, held, after_held, unreachable, signed_out, status)


class _SignIn(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(WEB_PAGE)))
        self.end_headers()
        self.wfile.write(WEB_PAGE)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def sign_in_page() -> Generator[str]:
    """Answer every question with a sign-in page, as an inspecting proxy does, and yield the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _SignIn) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def later_days(
    first_day: FirstDay, keep: Callable[[Checkout, Said], Release], tmp_path_factory: pytest.TempPathFactory
) -> LaterDays:
    """Run both at once: each waits for one processor most of the time. The first day's warehouse moves on."""
    blocked = first_day.checkout.copy(tmp_path_factory.mktemp("blocked"))
    make_a_mart_gate_impossible(blocked.settings)
    blocked_before, served_before = blocked.generated(), sha256_of(blocked.settings.served_file)
    end_of_blocked = blocked.start("refresh", "--as-at", AS_AT)

    checkout = first_day.checkout
    killed = (checkout.kill_while_modelling(), sha256_of(checkout.settings.served_file))
    damage_sources(checkout)
    with reader(checkout.settings.served_file) as ask:
        damaged = keep(checkout, checkout.refresh())
        held_open = ask()
    with reader(checkout.settings.served_file) as ask:
        opened_after = ask()

    blocked_said = end_of_blocked()
    releases_stored = len(list(checkout.settings.releases.glob("*.duckdb")))
    told = {
        command: checkout.run(*shlex.split(command))
        for command in (
            "notes",
            "notes previous",
            "diff",
            "diff --source trafford_localities --csv",
            "diff nonsense served",
            "approve",
            'approve trafford_jsna-0000000000000000 --by analyst --reason "The publisher said so"',
            "polled ukhsa_bacteraemia",
            "polled nobody",
            "freshness",
            "freshness ukhsa_bacteraemia",
            "alerts",
        )
    }
    # Nothing that the release was made from is where it was: the archive alone has it.
    away = checkout.settings.raw.rename(checkout.settings.project / "raw_away")
    rebuilt = checkout.run("rebuild", max(checkout.releases()), "--keep")
    away.rename(checkout.settings.raw)
    return LaterDays(
        damaged=damaged,
        seen_by_reader=(held_open, opened_after),
        blocked=blocked,
        blocked_before=blocked_before,
        blocked_after=blocked.generated(),
        blocked_served=(served_before, sha256_of(blocked.settings.served_file)),
        blocked_said=blocked_said,
        blocked_status=blocked.run("status"),
        releases_stored=releases_stored,
        rebuilt=rebuilt,
        after_rebuilds=sha256_of(checkout.settings.served_file),
        killed=killed,
        told=told,
    )
