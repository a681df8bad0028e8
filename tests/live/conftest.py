"""A service on this machine that answers like Fingertips, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from pipelines.acquire.fingertips_api import ApiOptions
from pipelines.acquire.live_extracts import fetch_live
from pipelines.acquire.raw_snapshots import find_releases
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
ANSWERS = Path(__file__).parent / "answers"
TABLES = "all_data/csv/by_indicator_id"
ICBS = 221


@dataclass
class Reply:
    """One answer, good unless told otherwise; ``cut`` sends that many bytes of the body and then stops."""

    body: bytes
    content_type: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    chunked: bool = False
    reset: bool = False
    seconds: float = 0.0


class Service(ThreadingHTTPServer):
    """Answers from the small files beside this one; every request is remembered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http"
        self.asked: list[tuple[str, dict[str, str], float]] = []
        self.stamps: dict[str, str | None] = {}
        self.levels: dict[str, set[int]] = {}
        self.scripts: list[tuple[str, list[Callable[[bytes], dict[str, Any]]], bool]] = []

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/api/"

    def next(self, path: str, *behaviours: Callable[[bytes], dict[str, Any]]) -> None:
        """Answer the next requests for a path so, each once: changes to the good reply, made from its body."""
        self.scripts.append((path, list(behaviours), False))

    def always(self, path: str, behaviour: Callable[[bytes], dict[str, Any]]) -> None:
        self.scripts.append((path, [behaviour], True))

    def behave(self) -> None:
        self.scripts.clear()

    def count(self, path: str = "") -> int:
        return sum(one.startswith(path) for one, _, _ in self.asked)

    def reply_to(self, path: str, query: dict[str, str]) -> Reply:
        good = self._good(path, query)
        for wanted, behaviours, for_ever in self.scripts:
            if path.startswith(wanted) and behaviours:
                changes = (behaviours[0] if for_ever else behaviours.pop(0))(good.body)
                return Reply(**{**vars(good), **changes})
        return good

    def _good(self, path: str, query: dict[str, str]) -> Reply:
        if path == TABLES:
            return Reply(table(query["indicator_ids"].split(","), int(query["child_area_type_id"])), "text/csv")
        content: object = {"Message": "No HTTP resource was found"}
        if path == "indicator_metadata/by_indicator_id":
            content = {
                one: {"IID": int(one), "Descriptive": {}, "DataChange": {"LastUploadedAt": self.stamp(one)}}
                for one in query["indicator_ids"].split(",")
            }
        elif path == "data_changes":
            content = {"IndicatorId": int(query["indicator_id"]), "LastUploadedAt": self.stamp(query["indicator_id"])}
        elif path == "available_data":
            one = query["indicator_id"]
            levels = self.levels.get(one, {6, 15, 221, 501, 502})
            content = [{"IndicatorId": int(one), "AreaTypeId": level} for level in sorted(levels)]
        return Reply(json.dumps(content).encode(), "application/json; charset=utf-8")

    def stamp(self, indicator: str) -> str | None:
        return self.stamps.get(indicator, "2026-02-03T09:30:00")

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that has hung up is what some of these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; without this each answer waits 40 ms for the client to acknowledge the first.
    disable_nagle_algorithm = True

    @property
    def service(self) -> Service:
        assert isinstance(self.server, Service)
        return self.server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/api/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.service.asked.append((path, query, time.monotonic()))
        reply = self.service.reply_to(path, query)
        time.sleep(reply.seconds)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.chunked:
            self.wfile.write(f"{len(reply.body):x}\r\n".encode())
        self.wfile.write(reply.body[: reply.cut])
        if reply.chunked and reply.cut is None:
            self.wfile.write(b"\r\n0\r\n\r\n")
        if reply.cut is not None:
            self.close_connection = True
        if reply.reset:
            time.sleep(0.02)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:
        pass


def table(indicators: list[str], area_type: int) -> bytes:
    """Real records, given to every indicator that is asked for."""
    text = (ANSWERS / ("icbs.csv" if area_type == ICBS else "counties_uas.csv")).read_text("utf-8")
    header, *records = text.splitlines(keepends=True)
    return "".join([header, *(f"{one},{row.partition(',')[2]}" for one in indicators for row in records)]).encode()


@dataclass(frozen=True)
class Project:
    """A project folder with only what a fetch reads."""

    settings: Settings

    @property
    def releases(self) -> list[str]:
        return [release.release_id for release in find_releases(self.settings.raw, "fingertips")]

    @property
    def tree(self) -> dict[str, str]:
        """Every file below ``data/raw`` and its hash."""
        return {
            path.relative_to(self.settings.raw).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.settings.raw.rglob("*"))
            if path.is_file()
        }

    def measure(self, indicators: dict[str, list[str]]) -> None:
        """Register one commitment an indicator: indicator id to the codes of its places."""
        rows = [(f"c-{one}", one, places) for one, places in indicators.items()]
        self.seed("commitment_indicators", "commitment_id,indicator_id", *(f"{id_},{one}" for id_, one, _ in rows))
        self.seed(
            "commitment_places",
            "commitment_id,area_code",
            *(f"{id_},{one}" for id_, _, places in rows for one in places),
        )

    def declare(self, indicators: list[str]) -> None:
        """Write the project's own declaration, with these indicators only: reading all of them takes a second."""
        content = yaml.safe_load((REPOSITORY / "pipelines/acquire/sources/fingertips.yml").read_text("utf-8"))
        one = content["indicators"][0]
        content["indicators"] = [
            {**one, "id": id_, "fingertips_id": int(id_), "name": f"No {id_}"} for id_ in indicators
        ]
        self.settings.sources.mkdir(parents=True, exist_ok=True)
        (self.settings.sources / "fingertips.yml").write_text(yaml.safe_dump(content), "utf-8")

    def seed(self, name: str, *lines: str) -> None:
        self.settings.seeds.mkdir(parents=True, exist_ok=True)
        (self.settings.seeds / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture(scope="session", autouse=True)
def no_proxy() -> Iterator[None]:
    """A proxy cannot reach this machine, and should not be asked about hosts that do not exist."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            environment.delenv(name, raising=False)
            environment.delenv(name.lower(), raising=False)
        yield


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Service()) as running:
        yield running


@contextlib.contextmanager
def serving(service: Service) -> Generator[Service]:
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(Settings(tmp_path_factory.mktemp("project"), Path("unused")))
    project.declare(["91547", "93881"])
    project.seed(
        "areas",
        "area_code,area_type",
        "E92000001,england",
        "E12000004,region",
        "E54000060,icb",
        "E06000018,unitary_authority",
        "E10000024,county",
        "E08000032,metropolitan_district",
        "E07000170,district",
        "E05000001,ward",
    )
    project.measure({"91547": ["E54000060", "E06000018"], "93881": ["E08000032"]})
    return project.settings.project


@pytest.fixture
def project(small_project: Path, tmp_path: Path) -> Project:
    """Two indicators: 91547 at boards and upper-tier authorities, 93881 at upper-tier authorities."""
    shutil.copytree(small_project, tmp_path / "project")
    return Project(Settings(tmp_path / "project", tmp_path / "warehouse"))


@pytest.fixture(scope="session")
def fetched_project(small_project: Path, tmp_path_factory: pytest.TempPathFactory, no_proxy: None) -> Settings:
    """The same project after a good fetch on 4 March 2026."""
    folder = tmp_path_factory.mktemp("fetched")
    shutil.copytree(small_project, folder / "project")
    settings = Settings(folder / "project", folder / "warehouse")
    with serving(Service()) as running:
        assert fetch_live(settings, options_for(running), day=date(2026, 3, 4)).status == "fetched"
    return settings


@pytest.fixture
def filed(fetched_project: Settings, project: Project, service: Service) -> dict[str, str]:
    """The files of a good release of 4 March; since then both indicators have been uploaded again."""
    shutil.copytree(fetched_project.raw, project.settings.raw)
    shutil.copytree(fetched_project.warehouse, project.settings.warehouse)
    service.stamps = {"91547": "2026-03-05T10:00:00", "93881": "2026-03-05T10:00:00"}
    return project.tree


@pytest.fixture
def fast(service: Service) -> ApiOptions:
    return options_for(service)


def options_for(service: Service) -> ApiOptions:
    """Ask the service on this machine, without the patience that the public one needs."""
    return ApiOptions(
        base_url=service.url,
        seconds_between_requests=0.0,
        connect_timeout=0.5,
        read_timeout=0.5,
        retries=2,
        backoff=0.01,
        backoff_jitter=0.01,
    )
