"""The files for schedulers and hosts say what this project is and does, by the readers that the hosts use.

Unit files are put to systemd itself where it is installed, the task to its format, and every command of every file, the
guide too, to the command line of `outcomes`.
"""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
import yaml

from pipelines.cli import outcomes
from pipelines.problems import NotPublished
from pipelines.refresh_lock import refresh_lock
from pipelines.schedule.dagster_storage import POSTGRES_VARIABLES
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
HOSTS = PROJECT / "pipelines" / "schedule" / "hosts"
GUIDE = HOSTS / "operations.md"
SERVICES = ("outcomes-refresh.service", "outcomes-ui.service")
UNITS = (*SERVICES, "outcomes-refresh.timer")
INSTALLED = "/opt/outcomes"
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def wrong_call(arguments: Iterable[str], command: click.Group = outcomes) -> str | None:
    """Return what is wrong with a call of ``outcomes``; None when it would be taken."""
    name, *rest = arguments
    sub = command.commands.get(name)
    if sub is None:
        return f"no command {name}"
    if rest == ["--help"]:
        return None
    # FILE stands for whatever the reader has.
    rest = [__file__ if word == "FILE" else word for word in rest]
    try:
        sub.make_context(name, rest)
    except click.ClickException as error:
        return f"{name}: {error.format_message()}"
    return None


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """Read a unit file: section to key to values, because a key may be given again."""

    class Repeated(dict[str, str]):
        def __setitem__(self, key: str, value: object) -> None:
            if isinstance(value, list) and key in self:
                self[key].extend(value)  # type: ignore[attr-defined]
            else:
                super().__setitem__(key, value)  # type: ignore[assignment]

    parser = configparser.RawConfigParser(strict=False, dict_type=Repeated, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((HOSTS / name).read_text(encoding="utf-8"))
    return {section: {key: text.splitlines() for key, text in parser.items(section)} for section in parser.sections()}


# --- systemd ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_a_command_that_exists(name: str) -> None:
    [command] = unit(name)["Service"]["ExecStart"]
    program, *arguments = shlex.split(command)
    assert program == f"{INSTALLED}/.venv/bin/outcomes"
    assert wrong_call(arguments) is None


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_nobody_special_and_writes_two_folders(name: str) -> None:
    service = unit(name)["Service"]
    assert service["User"] == ["outcomes"]
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["ReadWritePaths"] == [f"{INSTALLED}/data/raw"]
    assert service["StateDirectory"] == ["outcomes"]
    warehouse = "OUTCOMES_WAREHOUSE=/var/lib/outcomes/warehouse"
    assert warehouse in service["Environment"]
    for path in (part for key in ("WorkingDirectory", "ReadWritePaths") for part in service[key]):
        assert (PROJECT / Path(path).relative_to(INSTALLED)).is_dir()


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_in_a_unit_file(name: str) -> None:
    """Unit files are readable by everybody; the file that they name is not."""
    assert unit(name)["Service"]["EnvironmentFile"] == ["-/etc/outcomes/environment"]
    assert not re.search(r"(?i)password|token|secret=", (HOSTS / name).read_text(encoding="utf-8"))
    assert "-m 0600" in GUIDE.read_text(encoding="utf-8")


def test_the_timer_catches_up() -> None:
    timer = unit("outcomes-refresh.timer")["Timer"]
    assert timer["Persistent"] == ["true"]
    assert timer["OnCalendar"] == ["*-*-* 06:00:00 Europe/London"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Put the units beside a stand-in for the installed command, since systemd looks whether it is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    folder = tmp_path_factory.mktemp("units")
    command = folder / "opt" / ".venv" / "bin" / "outcomes"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n", encoding="utf-8")
    command.chmod(0o755)
    for name in UNITS:
        text = (HOSTS / name).read_text(encoding="utf-8").replace(INSTALLED, str(folder / "opt"))
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def verify(*units: Path) -> str:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)], capture_output=True, text=True, check=False
    )
    said = (done.stdout + done.stderr).strip()
    return said or ("" if done.returncode == 0 else f"exit code {done.returncode}")


def test_systemd_takes_every_unit(installed: Path) -> None:
    said = verify(*(installed / name for name in UNITS))
    # Only what it says of our files: others of the machine may have faults of their own.
    assert [line for line in said.splitlines() if "outcomes" in line] == []


def test_systemd_would_name_a_misspelt_key(installed: Path, tmp_path: Path) -> None:
    text = (installed / SERVICES[0]).read_text(encoding="utf-8")
    (tmp_path / SERVICES[0]).write_text(text.replace("ProtectHome=", "ProtecHome="), encoding="utf-8")
    assert "ProtecHome" in verify(tmp_path / SERVICES[0])


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_exposed(installed: Path, name: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(installed / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd cannot judge a file")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


# --- Windows ----------------------------------------------------------------------------------------------------------


def task() -> ElementTree.Element:
    return ElementTree.parse(HOSTS / "outcomes-refresh.xml").getroot()


def test_the_task_has_the_parts_of_the_format() -> None:
    root = task()
    assert root.tag == f"{TASK}Task"
    assert root.attrib == {"version": "1.4"}
    assert {part.tag.removeprefix(TASK) for part in root} == {
        "RegistrationInfo",
        "Triggers",
        "Principals",
        "Settings",
        "Actions",
    }
    # An encoding in the first line makes Register-ScheduledTask refuse the text that PowerShell has read.
    assert (HOSTS / "outcomes-refresh.xml").read_bytes().startswith(b'<?xml version="1.0"?>')
    [principal] = root.findall(f".//{TASK}Principal")
    assert principal.get("id") == root.find(f"{TASK}Actions").get("Context")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Settings/StartWhenAvailable", "true"),
        ("Settings/MultipleInstancesPolicy", "IgnoreNew"),
        ("Settings/Enabled", "true"),
        ("Settings/ExecutionTimeLimit", "PT2H"),
        ("Principals/Principal/RunLevel", "LeastPrivilege"),
        ("Triggers/CalendarTrigger/ScheduleByDay/DaysInterval", "1"),
    ],
)
def test_the_task_says_how_it_runs(path: str, text: str) -> None:
    assert task().findtext("/".join(TASK + part for part in path.split("/"))) == text


def test_the_task_begins_at_six() -> None:
    begin = task().findtext(f"{TASK}Triggers/{TASK}CalendarTrigger/{TASK}StartBoundary")
    assert begin is not None
    assert begin.endswith("T06:00:00")


def test_the_task_starts_a_command_that_exists() -> None:
    [action] = task().iter(f"{TASK}Exec")
    command, arguments = action.findtext(f"{TASK}Command"), action.findtext(f"{TASK}Arguments")
    assert command == action.findtext(f"{TASK}WorkingDirectory") + "\\.venv\\Scripts\\outcomes.exe"  # type: ignore[operator]
    assert wrong_call(shlex.split(arguments or "")) is None


# --- container --------------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile: word and the rest, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (HOSTS / "Containerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_every_instruction_is_one() -> None:
    words = [word for word, _ in instructions()]
    known = {"ARG", "FROM", "RUN", "WORKDIR", "COPY", "ENV", "VOLUME", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert set(words) <= known
    assert words[:2] == ["ARG", "FROM"]
    # Whatever is set after the user is his; nothing is built after it.
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in ("RUN", "COPY"))


def test_the_image_is_of_no_one_registry_and_nobody_is_root() -> None:
    found = dict(instructions())
    assert found["FROM"] == "${PYTHON_IMAGE}"
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.1[123]-slim", found["ARG"])
    assert found["USER"] == "outcomes"


def test_every_copied_path_exists() -> None:
    copied = [
        part
        for word, rest in instructions()
        if word == "COPY"
        for part in [text for text in rest.split() if not text.startswith("--")][:-1]
    ]
    assert {"requirements.lock", "pyproject.toml", "pipelines", "dbt_project", "expectations"} <= set(copied)
    assert [path for path in copied if not (PROJECT / path).exists()] == []


def test_packages_are_the_locked_ones() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert all("--no-deps" in rest for rest in installs)
    assert "--require-hashes" in installs[0]
    assert "--no-index" in installs[1]


def test_the_container_runs_commands_that_exist() -> None:
    found = dict(instructions())
    program = yaml.safe_load(found["ENTRYPOINT"])
    assert program == [".venv/bin/outcomes"]
    assert wrong_call(yaml.safe_load(found["CMD"])) is None
    health = yaml.safe_load(found["HEALTHCHECK"].split("CMD", 1)[1])
    assert health == [*program, "status"]
    assert wrong_call(health[1:]) is None
    kept = yaml.safe_load(found["VOLUME"])
    assert kept == [f"{INSTALLED}/warehouse", f"{INSTALLED}/data/raw"]


# --- PostgreSQL and environment ---------------------------------------------------------------------------------------


def test_the_storage_names_variables_and_no_values() -> None:
    block = yaml.safe_load((HOSTS / "postgres_storage.yaml").read_text(encoding="utf-8"))
    named = block["storage"]["postgres"]["postgres_db"].values()
    assert sorted(value["env"] for value in named) == sorted(POSTGRES_VARIABLES)


def test_the_example_environment_sets_nothing_and_knows_every_variable() -> None:
    lines = (HOSTS / "environment.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    named = {line[1:].partition("=")[0] for line in lines if re.match(r"#[A-Z_]+=", line)}
    assert set(POSTGRES_VARIABLES) <= named
    code = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "pipelines").rglob("*.py"))
    read = set(re.findall(r'"(OUTCOMES_(?:SMTP|ALERT|WEBHOOK|POSTGRES)_[A-Z_]*[A-Z])"', code))
    assert len(read) > 10
    assert read - named == set()


# --- the guide --------------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)


def spans() -> list[str]:
    text = re.sub(r"```.*?```", "", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def shell_lines() -> list[list[str]]:
    return [shlex.split(line) for block in blocks("sh") for line in block.splitlines() if line.strip()]


def calls() -> list[list[str]]:
    """Return the arguments of every call of ``outcomes`` in the guide, whatever stands before it."""
    found: list[list[str]] = []
    for words in [*shell_lines(), *(shlex.split(span) for span in spans() if span.startswith("outcomes "))]:
        for place, word in enumerate(words):
            is_command = word.endswith("/bin/outcomes") or (word == "outcomes" and place == 0)
            is_image = word == "outcomes" and words[0] == "podman" and words[1] == "run"
            if is_command or is_image:
                found.append(words[place + 1 :])
    return found


def test_every_call_in_the_guide_would_be_taken() -> None:
    found = calls()
    assert len(found) >= 8
    assert [problem for call in found if (problem := wrong_call(call))] == []


def test_a_call_that_is_gone_would_be_seen() -> None:
    assert wrong_call(["brew"]) == "no command brew"
    assert "--fast" in str(wrong_call(["refresh", "--fast"]))
    assert wrong_call(["ui", "--port", "tea"]) is not None


def test_every_block_is_shell(tmp_path: Path) -> None:
    for block in blocks("sh"):
        script = tmp_path / "block.sh"
        script.write_text(block, encoding="utf-8")
        assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0, block


def test_every_program_is_one_that_the_guide_may_ask_for() -> None:
    known = {
        *("useradd", "make", "chown", "install", "systemctl", "journalctl", "sudo", "podman", "createuser"),
        *("createdb", "flock", "pg_dump", "pg_restore", "tar", "git"),
    }
    used = {words[0] for words in shell_lines()}
    assert used <= known
    assert {"systemctl", "podman", "flock", "pg_dump"} <= used


def test_every_target_is_one_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    used = {words[-1] for words in shell_lines() if words[0] == "make"}
    used |= {span.split()[1] for span in spans() if span.startswith("make ")}
    assert used
    assert used <= targets


def test_every_file_of_the_project_in_the_guide_exists() -> None:
    words = {word for words in shell_lines() for word in words}
    words |= {word.replace("\\", "/") for block in blocks("powershell") for word in re.split(r"[\s()]+", block)}
    paths = {word.removeprefix(f"{INSTALLED}/") for word in words if "pipelines/schedule/hosts/" in word}
    assert len(paths) >= 5
    assert [path for path in paths if not (PROJECT / path).is_file()] == []


def test_every_file_for_a_host_is_in_the_guide_and_every_named_one_is_there() -> None:
    named = {
        span for span in spans() if re.fullmatch(r"[\w-]+\.(?:service|timer|xml|yaml|example)|Containerfile", span)
    }
    there = {path.name for path in HOSTS.iterdir() if path.is_file()} - {GUIDE.name}
    assert named == there


def test_every_unit_in_the_guide_is_ours() -> None:
    used = {word for words in shell_lines() if words[0] in ("systemctl", "journalctl") for word in words}
    assert {word for word in used if word.startswith("outcomes-")} <= set(UNITS)


def test_folders_of_the_warehouse_in_the_guide_are_those_of_the_settings() -> None:
    settings = Settings(project=PROJECT, warehouse=PROJECT / "warehouse")
    known = {
        path.relative_to(PROJECT).as_posix()
        for name in dir(Settings)
        if not name.startswith("_") and isinstance(path := getattr(settings, name), Path) and path != PROJECT
    }
    logs = settings.logs.relative_to(PROJECT).as_posix()
    used = {span for span in spans() if re.fullmatch(r"warehouse/[\w./]+", span)}
    assert len(used) >= 5
    assert {span for span in used if span not in known and not span.startswith(f"{logs}/")} == set()
    excluded = {word.partition("=")[2] for words in shell_lines() for word in words if word.startswith("--exclude=")}
    made_again = (settings.build_file.parent, settings.exports, settings.public)
    assert excluded == {*(path.relative_to(PROJECT).as_posix() for path in made_again), "warehouse/dbt"}


def test_every_variable_in_the_guide_is_read_by_somebody() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "pipelines").rglob("*.py"))
    example = (HOSTS / "environment.example").read_text(encoding="utf-8")
    used = set(re.findall(r"OUTCOMES_[A-Z]+(?:_[A-Z]+)*(?!\w*\*)\b", GUIDE.read_text(encoding="utf-8")))
    assert used
    assert {name for name in used if name not in code and name not in example} == set()


def test_the_lock_of_a_backup_is_the_lock_of_a_refresh(tmp_path: Path) -> None:
    """`flock` of the guide and the refresh keep each other out."""
    if shutil.which("flock") is None:
        pytest.skip("flock is not here")
    [backup] = [words for words in shell_lines() if words[0] == "flock"]
    lock = Path(backup[3])
    settings = Settings(project=PROJECT, warehouse=tmp_path / "warehouse")
    assert lock.parent.name == settings.warehouse.name
    held = settings.warehouse / lock.name
    with refresh_lock(settings):
        assert subprocess.run(["flock", "--timeout", "0", str(held), "true"], check=False).returncode == 1
    assert subprocess.run(["flock", "--timeout", "0", str(held), "true"], check=False).returncode == 0
    with subprocess.Popen(
        ["flock", str(held), "sh", "-c", "echo held; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(NotPublished, match="Another refresh"), refresh_lock(settings):
            pass
        other.communicate(b"\n")
