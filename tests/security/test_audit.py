"""The audit of the locked packages: it fails on a vulnerability, passes without one, and takes silence for neither.

A service of this machine stands for the real one, with the protocol of OSV.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
AUDIT = PROJECT / ".ci" / "audit.py"
LOCK = f"""\
jinja2[i18n]==2.10 \\
    --hash=sha256:{"0" * 64}
flask==3.0.0 ; python_version > '3' \\
    --hash=sha256:{"1" * 64}
"""
ADVISORY = {
    "id": "PYSEC-2019-217",
    "summary": "A sandbox escape.",
    "aliases": ["CVE-2019-10906"],
    "published": "2019-04-07T00:29:00Z",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10.1"}]}],
            "versions": ["2.10"],
        }
    ],
}

Service = Callable[[dict[str, list[dict[str, Any]]]], str]


@pytest.fixture
def service() -> Generator[Service]:
    """Start a service that knows some advisories by package, and return its address."""
    known: dict[str, list[dict[str, Any]]] = {}

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps({"vulns": known.get(asked["package"]["name"], [])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()

        def start(advisories: dict[str, list[dict[str, Any]]]) -> str:
            known.update(advisories)
            return f"http://127.0.0.1:{server.server_port}/v1/query"

        yield start
        server.shutdown()
        thread.join()


def audit(lock: Path, address: str, **environment: str) -> tuple[int, str]:
    kept = {name: text for name, text in os.environ.items() if name not in ("AUDIT_REQUIRED", "CI")}
    done = subprocess.run(
        [sys.executable, str(AUDIT), str(lock), "--", "--vulnerability-service=osv", f"--osv-url={address}"],
        env={**kept, "NO_PROXY": "127.0.0.1", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK, encoding="utf-8")
    return path


def test_a_known_vulnerability_fails(lock: Path, service: Service) -> None:
    code, said = audit(lock, service({"jinja2": [ADVISORY]}))
    assert (code, said) == (1, "jinja2 2.10: PYSEC-2019-217, mended in 2.10.1\n")


def test_nothing_known_passes(lock: Path, service: Service) -> None:
    assert audit(lock, service({})) == (0, "audited: 2 locked packages, no known vulnerability\n")


@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_an_unreachable_service_is_said_and_fails_where_required(lock: Path, required: str, code: int) -> None:
    found, said = audit(lock, "http://127.0.0.1:9/v1/query", AUDIT_REQUIRED=required)
    assert found == code
    assert said.startswith("not audited: 2 of 2 locked packages (")


def test_every_locked_package_is_asked_about() -> None:
    audit_module: dict[str, Any] = {"__name__": "audit", "__file__": str(AUDIT)}
    exec(compile(AUDIT.read_text(encoding="utf-8"), str(AUDIT), "exec"), audit_module)
    for name in ("requirements.lock", "tests/browser/requirements.lock"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        assert len(audit_module["_PINNED"].findall(text)) == len(re.findall(r"^\w\S*==", text, flags=re.MULTILINE)) > 1
