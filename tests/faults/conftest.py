"""A workbench that does steps in processes that may die, and small projects to do them in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
LINKED = ("dbt_project", "expectations", "pipelines")

Answer = dict[str, Any]


@dataclass(frozen=True)
class Workbench:
    """The other side of ``workbench.py``."""

    process: subprocess.Popen[str]

    def do(self, settings: Settings, step: str, /, *, fault: dict[str, Any] | None = None, **given: Any) -> Answer:
        """Do a step, with a fault or without; see ``workbench.py``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {
            "step": step,
            "project": str(settings.project),
            "warehouse": str(settings.warehouse),
            "given": given,
            "fault": fault or {},
        }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def succeed(self, settings: Settings, step: str, /, **given: Any) -> Any:
        """Do a step that has to end well and return its result."""
        answer = self.do(settings, step, **given)
        assert answer["error"] is None, answer["error"]
        assert answer["killed"] is None, answer["killed"]
        return answer["result"]


@contextmanager
def open_workbench(*before: str, arguments: tuple[str, ...] = ()) -> Generator[Workbench]:
    """Start a workbench; ``before`` is the command that starts it, if not Python itself."""
    with subprocess.Popen(
        [*before, sys.executable, str(Path(__file__).with_name("workbench.py")), *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            if said != "ready\n":
                pytest.skip(f"no workbench behind {before}: it said {said!r}")
            yield Workbench(process)
        finally:
            process.stdin.close()


@pytest.fixture(scope="session")
def workbench() -> Generator[Workbench]:
    with open_workbench() as opened:
        yield opened


@pytest.fixture
def make_workbench() -> Generator[Callable[[], Workbench]]:
    """Start further workbenches, for steps at the same time."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(open_workbench())


MakeProject = Callable[..., Settings]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Make a project of this one's declarations and rules with the raw files of the named sources, and a warehouse."""

    def make(*sources: str, name: str = "here", own_seeds: bool = False) -> Settings:
        project = tmp_path / name / "project"
        project.mkdir(parents=True)
        for folder in LINKED:
            (project / folder).symlink_to(PROJECT / folder, target_is_directory=True)
        (project / "data" / "raw").mkdir(parents=True)
        if own_seeds:
            shutil.copytree(PROJECT / "data" / "seeds", project / "data" / "seeds")
        else:
            (project / "data" / "seeds").symlink_to(PROJECT / "data" / "seeds", target_is_directory=True)
        for source in sources:
            shutil.copytree(PROJECT / "data" / "raw" / source, project / "data" / "raw" / source)
        return Settings(project=project, warehouse=tmp_path / name / "warehouse")

    return make


def tree(folder: Path) -> dict[str, str]:
    """Return every file below a folder with the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session", name="tree")
def tree_fixture() -> Callable[[Path], dict[str, str]]:
    return tree


@pytest.fixture(scope="session")
def vouch() -> Callable[..., None]:
    """Write a raw file and have its passport vouch for the new bytes, as a careless person would."""

    def write(path: Path, content: bytes) -> None:
        path.write_bytes(content)
        release = path.parent
        while not (release / "passport.yml").is_file():
            release = release.parent
        passport = yaml.safe_load((release / "passport.yml").read_text(encoding="utf-8"))
        for entry in passport["files"]:
            if entry["file"] == path.relative_to(release).as_posix():
                entry.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        (release / "passport.yml").write_text(yaml.safe_dump(passport, allow_unicode=True), encoding="utf-8")

    return write


DISK_BYTES = 24_000_000


@pytest.fixture
def small_disk(make_project: MakeProject) -> Iterator[tuple[Workbench, Settings]]:
    """A workbench that alone sees a small disk at the warehouse; skips where this account may not mount one."""
    settings = make_project("trafford_neighbours")
    settings.warehouse.mkdir()
    given = (str(settings.warehouse), str(DISK_BYTES))
    with open_workbench("unshare", "--user", "--map-root-user", "--mount", arguments=given) as opened:
        yield opened, settings
