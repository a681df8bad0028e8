"""A PostgreSQL server of the tests' own: made by initdb, on a free port of this machine, gone at the end.

Starting and stopping the server belongs here. Without the server's programs the tests that need one are skipped with
the reason, unless OUTCOMES_TEST_SERVERS=required says that they have to run.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL.

    Attributes:
        variables: What the project is told of it, by environment variable.
        password: Of its only user.
    """

    variables: dict[str, str]
    password: str


def programs() -> Path | None:
    """Return the folder of the server's programs: on the path, or where Debian keeps them."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return kept[-1].parent if kept else None


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    found = programs()
    if found is None:
        if os.environ.get("OUTCOMES_TEST_SERVERS") == "required":
            pytest.fail("the program initdb of PostgreSQL is missing, and OUTCOMES_TEST_SERVERS=required")
        pytest.skip("the program initdb of PostgreSQL is missing")
    # PostgreSQL refuses to run as root, and another user cannot enter the folders that pytest makes for root.
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="outcomes-postgres-"))
    password = secrets.token_urlsafe(16)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        # What the server says goes to a file: a pipe would stay open as long as it runs.
        said = folder / f"{program}.txt"
        with said.open("wb") as log:
            done = subprocess.run(
                [str(found / program), *arguments],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
            )
        assert done.returncode == 0, said.read_text(encoding="utf-8", errors="replace")

    try:
        (folder / "password").write_text(password, encoding="utf-8")
        if user:
            for path in (folder, folder / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "outcomes", "--pwfile", str(folder / "password"), "-A", "scram-sha-256", "-N")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "server.log"), "-o", options, "start")
        try:
            yield Server(
                {
                    "OUTCOMES_POSTGRES_HOST": "127.0.0.1",
                    "OUTCOMES_POSTGRES_PORT": str(port),
                    "OUTCOMES_POSTGRES_DATABASE": "postgres",
                    "OUTCOMES_POSTGRES_USER": "outcomes",
                    "OUTCOMES_POSTGRES_PASSWORD": password,
                },
                password,
            )
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
