"""Dagster's records in PostgreSQL, as a team runs it: the web server, the daemon and a run, through our configuration.

What reaches the tables of the server belongs here, and that the password reaches nothing else.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy

from pipelines.problems import ConfigurationError
from pipelines.schedule.dagster_storage import POSTGRES_VARIABLES, storage_yaml
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 180.0
LOCATION = "pipelines.definitions"

Server = Any
"""The type of the fixture is in conftest, which tests do not import."""


@dataclass(frozen=True)
class Team:
    """A running deployment.

    Attributes:
        ask: Puts a question in GraphQL to its web server.
        rows: Puts one in SQL to its PostgreSQL.
        settings: Folders.
        said: What it printed.
        password: Of the PostgreSQL.
    """

    ask: Callable[..., dict[str, Any]]
    rows: Callable[[str], list[tuple[Any, ...]]]
    settings: Settings
    said: Path
    password: str


@pytest.fixture(scope="module")
def team(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Team]:
    """Start `outcomes ui` as its service does, with the variables that name the server and nothing else."""
    settings = Settings(project=REPOSITORY, warehouse=tmp_path_factory.mktemp("team") / "warehouse")
    said = tmp_path_factory.mktemp("said") / "ui.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("OUTCOMES_", "DAGSTER_"))}
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "ui", "--port", str(port)],
            cwd=REPOSITORY,
            env={
                **kept,
                **postgres.variables,
                "OUTCOMES_PROJECT": str(settings.project),
                "OUTCOMES_WAREHOUSE": str(settings.warehouse),
                "PYTHONPATH": str(REPOSITORY),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment knows nothing of this machine's servers

    def ask(query: str, **variables: Any) -> dict[str, Any]:
        answer = session.post(
            f"http://127.0.0.1:{port}/graphql", json={"query": query, "variables": variables}, timeout=60
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    named = postgres.variables
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "postgresql",
            named["OUTCOMES_POSTGRES_USER"],
            named["OUTCOMES_POSTGRES_PASSWORD"],
            named["OUTCOMES_POSTGRES_HOST"],
            int(named["OUTCOMES_POSTGRES_PORT"]),
            named["OUTCOMES_POSTGRES_DATABASE"],
        )
    )

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sqlalchemy.text(sql))]

    def answers() -> bool:
        assert process.poll() is None, said.read_text(encoding="utf-8", errors="replace")
        try:
            return bool(ask("{ version }"))
        except requests.RequestException:
            return False

    try:
        wait_until(answers, said)
        yield Team(ask, rows, settings, said, postgres.password)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
        engine.dispose()


def wait_until(holds: Callable[[], bool], said: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(said.read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.2)  # between two looks at another process


@pytest.fixture(scope="module")
def run_id(team: Team) -> str:
    """Have the web server launch the job `refresh` for its first asset, and wait for the end."""
    repository = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"}
    launched = team.ask(
        """
        mutation ($params: ExecutionParams!) {
          launchRun(executionParams: $params) {
            __typename
            ... on LaunchRunSuccess { run { runId } }
            ... on PythonError { message }
          }
        }
        """,
        params={
            "selector": {
                **repository,
                "jobName": "refresh",
                "assetSelection": [{"path": ["registry", "sources"]}, {"path": ["registry", "indicators"]}],
                "assetCheckSelection": [],
            }
        },
    )["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]

    def ended() -> bool:
        return bool(team.rows(f"select 1 from runs where run_id = '{run_id}' and status in ('SUCCESS', 'FAILURE')"))

    wait_until(ended, team.said)
    return run_id


@pytest.mark.slow
def test_the_real_graph_is_served(team: Team) -> None:
    jobs = team.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }")
    names = {job["name"] for node in jobs["repositoriesOrError"]["nodes"] for job in node["jobs"]}
    assert "refresh" in names


@pytest.mark.slow
def test_the_daemon_reports_to_the_server(team: Team) -> None:
    wait_until(lambda: len(team.rows("select daemon_type from daemon_heartbeats")) >= 3, team.said)
    assert ("SCHEDULER",) in team.rows("select daemon_type from daemon_heartbeats")


@pytest.mark.slow
def test_a_run_and_its_events_are_in_the_tables(team: Team, run_id: str) -> None:
    assert team.rows("select run_id, pipeline_name, status from runs") == [(run_id, "refresh", "SUCCESS")]
    [(events,)] = team.rows(f"select count(*) from event_logs where run_id = '{run_id}'")
    assert events > 5
    assert ('["registry", "sources"]',) in team.rows("select asset_key from asset_keys")
    history = team.settings.dagster_home / "history"
    assert not list(history.rglob("*.db")), "runs went to files, too"


@pytest.mark.slow
def test_a_switched_schedule_is_in_the_tables(team: Team) -> None:
    selector = {
        "repositoryLocationName": LOCATION,
        "repositoryName": "__repository__",
        "scheduleName": "daily_refresh",
    }
    started = team.ask(
        """
        mutation ($selector: ScheduleSelector!) {
          startSchedule(scheduleSelector: $selector) {
            __typename
            ... on ScheduleStateResult { scheduleState { status } }
          }
        }
        """,
        selector=selector,
    )["startSchedule"]
    assert started == {"__typename": "ScheduleStateResult", "scheduleState": {"status": "RUNNING"}}
    switched = "select status from instigators where instigator_type = 'SCHEDULE'"
    assert team.rows(switched) == [("RUNNING",)]


@pytest.mark.slow
def test_the_password_is_nowhere(team: Team, run_id: str) -> None:
    """Neither in files of the warehouse, nor in what is printed, nor in what the web server tells of itself."""
    written = [team.said, *(path for path in team.settings.warehouse.rglob("*") if path.is_file())]
    assert [path.name for path in written if team.password.encode() in path.read_bytes()] == []
    told = team.ask("{ instance { info } }")["instance"]["info"]
    assert "PostgresRunStorage" in told or "DagsterPostgresStorage" in told
    assert team.password not in told
    configuration = (team.settings.dagster_home / "dagster.yaml").read_text(encoding="utf-8")
    assert configuration.endswith(storage_yaml(dict.fromkeys(POSTGRES_VARIABLES, "x")))


def test_nothing_is_said_of_storage_without_a_server() -> None:
    assert storage_yaml({}) == ""
    assert storage_yaml(dict.fromkeys(POSTGRES_VARIABLES, "")) == ""


@pytest.mark.parametrize("missing", POSTGRES_VARIABLES)
def test_a_half_named_server_is_refused_without_its_values(missing: str) -> None:
    environment = {name: "s3cret" for name in POSTGRES_VARIABLES if name != missing}
    with pytest.raises(ConfigurationError, match=f"not set {missing}\\.") as refused:
        storage_yaml(environment)
    assert "s3cret" not in str(refused.value)
