"""Secrets come from the environment and go nowhere: not to the screen, a log, a page, a table or the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.acquire.fingertips_api import ApiOptions
from pipelines.problems import ConfigurationError, NotPublished
from pipelines.schedule.dagster_storage import reached
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
MARK = "s3cretMark"
NOBODY = "127.0.0.1:9"
"""Port 9 is for discarding, and nobody listens on it."""

ENVIRONMENT = {
    "HTTPS_PROXY": f"http://joe:{MARK}0@{NOBODY}",
    "OUTCOMES_FINGERTIPS_URL": "https://fingertips.invalid/",
    "OUTCOMES_SMTP_HOST": "127.0.0.1",
    "OUTCOMES_SMTP_PORT": "9",
    "OUTCOMES_SMTP_SECURITY": "none",
    "OUTCOMES_SMTP_USER": "joe",
    "OUTCOMES_SMTP_PASSWORD": f"{MARK}1",
    "OUTCOMES_ALERT_FROM": "outcomes@example.org",
    "OUTCOMES_ALERT_TO": "analyst@example.org",
    "OUTCOMES_WEBHOOK_URL": f"http://{NOBODY}/hooks/{MARK}2",
    "OUTCOMES_WEBHOOK_TOKEN": f"{MARK}3",
    "OUTCOMES_POSTGRES_HOST": "127.0.0.1",
    "OUTCOMES_POSTGRES_PORT": "9",
    "OUTCOMES_POSTGRES_DATABASE": "outcomes",
    "OUTCOMES_POSTGRES_USER": "joe",
    "OUTCOMES_POSTGRES_PASSWORD": f"{MARK}4",
}


@dataclass(frozen=True)
class Said:
    """What commands said in an environment full of secrets, none of whose servers answers."""

    texts: dict[str, str]
    codes: dict[str, int]
    settings: Settings


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    settings = Settings(project=PROJECT, warehouse=tmp_path_factory.mktemp("secrets") / "warehouse")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("OUTCOMES_", "DAGSTER_"))}
    environment = {
        **{name: text for name, text in kept.items() if name.lower() not in ("no_proxy", "http_proxy", "https_proxy")},
        **ENVIRONMENT,
        "OUTCOMES_WAREHOUSE": str(settings.warehouse),
        "PYTHONPATH": str(PROJECT),
    }
    texts: dict[str, str] = {}
    codes: dict[str, int] = {}
    for command in (("refresh", "--plain", "--live"), ("status",), ("refresh", "--help")):
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *command],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        texts[" ".join(command)], codes[" ".join(command)] = done.stdout, done.returncode
    return Said(texts, codes, settings)


@pytest.mark.slow
def test_no_command_says_a_secret(said: Said) -> None:
    assert [name for name, text in said.texts.items() if MARK in text] == []
    # The fetch was tried and gave up, so that there was something to say.
    assert "Live:" in said.texts["refresh --plain --live"]


@pytest.mark.slow
def test_nothing_written_holds_a_secret(said: Said) -> None:
    written = [path for path in said.settings.warehouse.rglob("*") if path.is_file()]
    assert len(written) > 3
    assert [path.name for path in written if MARK.encode() in path.read_bytes()] == []


@pytest.mark.slow
def test_a_server_that_is_down_is_one_sentence(said: Said) -> None:
    text = said.texts["refresh --plain --live"]
    assert said.codes["refresh --plain --live"] == 1
    assert "The PostgreSQL that keeps Dagster's runs (OUTCOMES_POSTGRES_HOST) cannot be used: " in text
    assert "Traceback" not in text


def test_the_marks_are_secrets_of_the_code() -> None:
    """Every variable of a password, token or hook that the code reads is among those above."""
    code = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "pipelines").rglob("*.py"))
    read = set(re.findall(r"\bOUTCOMES_[A-Z_]*(?:PASSWORD|TOKEN|SECRET|KEY|WEBHOOK_URL)\b", code))
    assert read == {name for name, text in ENVIRONMENT.items() if MARK in text and name.startswith("OUTCOMES_")}


@pytest.mark.parametrize("address", [f"https://joe:{MARK}@example.org/", f"https://{MARK}@example.org/"])
def test_an_address_with_a_password_is_refused_without_saying_it(address: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ApiOptions(base_url=address)
    assert MARK not in str(refused.value)


def test_only_the_errors_of_the_server_become_a_sentence() -> None:
    class DownError(Exception):
        """As the driver raises it."""

    DownError.__module__ = "psycopg2"

    def fail(error: Exception) -> None:
        raise error

    with pytest.raises(NotPublished, match=r"cannot be used: connection refused$"):
        reached(lambda: fail(DownError("connection refused\nIs the server running?")))
    with pytest.raises(ZeroDivisionError):
        reached(lambda: fail(ZeroDivisionError()))
    assert reached(lambda: 7) == 7


def private_keys(*files: str) -> subprocess.CompletedProcess[str]:
    scanner = Path(sys.executable).with_name("detect-private-key")
    return subprocess.run([str(scanner), *files], cwd=PROJECT, capture_output=True, text=True, check=False)


def test_no_private_key_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    files = [name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()]
    assert len(files) > 100
    done = private_keys(*files)
    assert done.returncode == 0, done.stdout


def test_a_private_key_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("-----BEGIN " + "RSA PRIVATE KEY-----\n", encoding="utf-8")
    assert private_keys(str(tmp_path / "id")).returncode == 1
