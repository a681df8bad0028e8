"""A warehouse folder of its own, moments, and servers on this machine that behave as told."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from pipelines.schedule.notifiers import Alert, Patience
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 4, 7, 20, tzinfo=UTC)
QUICK = Patience(attempts=3, backoff=0.01, jitter=0.01, longest_wait=0.02, timeout=0.3)


@pytest.fixture(scope="session", autouse=True)
def no_proxy() -> Iterator[None]:
    """A proxy cannot reach this machine, and no certificate of another test counts."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            environment.delenv(name, raising=False)
            environment.delenv(name.lower(), raising=False)
        yield


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    """Two sources: one with a calendar and a release of October 2024, one published once."""
    settings = Settings(tmp_path / "project", tmp_path / "warehouse")
    settings.sources.mkdir(parents=True)
    declare(settings, "annual", {"cadence": "annual", "stale_after_days": 600, "next_release": "2025-09-25"})
    declare(settings, "single", {"cadence": "once", "stale_after_days": None})
    release(settings, "annual", "2024-10")
    release(settings, "single", "2022-05")
    return settings


def declare(settings: Settings, source_id: str, calendar: dict[str, object]) -> None:
    content = yaml.safe_load((REPOSITORY / "tests/corpus/sources/two_tables_a_sheet.yml").read_text("utf-8"))
    content |= {"id": source_id, "release_calendar": calendar}
    for one in content["indicators"]:
        one["id"] = f"{source_id}.{one['id'].rpartition('.')[2]}"
    for one in content["tables"]:
        if "indicator_id" in one.get("constants", {}):
            one["constants"]["indicator_id"] = f"{source_id}.{one['constants']['indicator_id'].rpartition('.')[2]}"
    (settings.sources / f"{source_id}.yml").write_text(yaml.safe_dump(content), "utf-8")


def release(settings: Settings, source_id: str, release_id: str, *, passport: bool = True) -> Path:
    """File a release; its passport lists one file."""
    folder = settings.raw / source_id / release_id
    folder.mkdir(parents=True)
    (folder / "values.csv").write_text("a\n1\n", "utf-8")
    if passport:
        write_passport(folder)
    return folder


def write_passport(folder: Path) -> None:
    day = f"{folder.name[:7]}-01" if len(folder.name) < 10 else folder.name[:10]
    content = {
        "publisher": "A council",
        "title": "Example",
        "licence": "Open Government Licence v3.0",
        "licence_url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        "source_url": None,
        "retrieved": day,
        "period_covered": "2022/23",
        "selection": "All rows.",
        "files": [{"file": "values.csv", "bytes": 4, "sha256": "0" * 64, "encoding": "utf-8", "rows": 1}],
    }
    (folder / "passport.yml").write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")


@pytest.fixture
def alert() -> Alert:
    return Alert(
        key="release_late:annual",
        kind="release_late",
        state="raised",
        title="annual: the release expected on 25 September 2025 is late",
        text="The release expected on 25 September 2025 is 160 days late. Café open.",
        since=NOW,
        at=NOW,
        source_id="annual",
    )


@dataclass
class Mailbox:
    """Receives mail and answers as told: the first of ``answers`` for each message, then 250."""

    messages: list[Envelope] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.messages.append(envelope)
        return answer

    def authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"letmein", handled=False)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody has signed, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command makes the certificate, and it is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    path, key = folder / "self_signed.pem", folder / "key.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
