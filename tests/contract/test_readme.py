"""The README tells the truth: its paths exist, its commands are commands, its tables are published.

Its two `make` commands are run by `.ci/run`, and its SQL by `tests/end_to_end`.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from pipelines.cli import outcomes
from pipelines.companions import ENTRY_PAGE
from pipelines.publish.release import METADATA_TABLES
from pipelines.settings import Settings

PROJECT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "data/raw/README.md", "CHANGELOG.md")
_COMMAND_OUTPUT = re.compile(r"^(?:warehouse|passport\.yml|\.venv)(?:/|$)")


def code_spans(markdown: str) -> list[str]:
    """Return the inline code of a document, without its fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL))


def fenced(markdown: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", markdown, flags=re.DOTALL)


def missing_paths(markdown: str, project: Path) -> list[str]:
    """Return the paths in inline code that match nothing in the project; `<id>` stands for anything."""
    missing: list[str] = []
    for span in code_spans(markdown):
        looks_like_a_path = re.fullmatch(r"[\w.<>*-]+(/[\w.<>*-]*)+|[\w-]+\.(?:md|toml|yml|csv|lock)|LICENSE", span)
        if looks_like_a_path and not _COMMAND_OUTPUT.match(span):
            pattern = re.sub(r"<[^>]+>", "*", span).rstrip("/")
            if not any(project.glob(pattern)):
                missing.append(span)
    return missing


def unknown_commands(markdown: str, makefile: str, command: click.Group) -> list[str]:
    """Return `make` targets and `outcomes` commands or options that do not exist."""
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    unknown: list[str] = []
    lines = [*code_spans(markdown), *"\n".join(fenced(markdown, "sh")).splitlines()]
    for line in (re.sub(r"#.*", "", line).strip() for line in lines):
        if (made := re.match(r"make (\w+)", line)) and made[1] not in targets:
            unknown.append(line)
        if called := re.match(r"(?:\.venv/bin/)?outcomes (\w+)(.*)", line):
            sub = command.commands.get(called[1])
            known = {option for parameter in (sub.params if sub else ()) for option in parameter.opts} | {"--help"}
            if sub is None or set(re.findall(r"--[a-z-]+", called[2])) - known:
                unknown.append(line)
    return unknown


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_exists(document: str) -> None:
    assert missing_paths((PROJECT / document).read_text(encoding="utf-8"), PROJECT) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_exists(document: str) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert unknown_commands((PROJECT / document).read_text(encoding="utf-8"), makefile, outcomes) == []


def test_generated_paths_are_those_of_the_settings() -> None:
    settings = Settings(project=PROJECT, warehouse=PROJECT / "warehouse")
    generated = {
        path.relative_to(PROJECT).as_posix()
        for path in (
            settings.served_file,
            settings.releases,
            settings.warehouse,
            settings.live,
            settings.history,
            settings.runs / "index.html",
            settings.public / ENTRY_PAGE,
            settings.public / "<release>",
            settings.exports / "<release>",
        )
    }
    named = {
        span for span in code_spans((PROJECT / "README.md").read_text(encoding="utf-8")) if span.startswith("warehouse")
    }
    assert named == generated


def test_every_table_is_a_mart_or_is_added_at_publication() -> None:
    marts = {path.stem for path in (PROJECT / "dbt_project/models").glob("**/marts/*.sql")} | set(METADATA_TABLES)
    rows = [line for line in (PROJECT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    table = rows[rows.index("| to answer | read |") + 1 : rows.index("| file | holds |")]
    named = {span for line in table for span in code_spans(line)}
    assert len(named) > 20
    assert named - marts == set()


def test_the_ci_script_runs_the_two_commands_of_the_readme() -> None:
    commands = {block.strip() for block in fenced((PROJECT / "README.md").read_text(encoding="utf-8"), "sh")[:2]}
    assert commands == {"make refresh", "make test"}
    assert commands <= set((PROJECT / ".ci/run").read_text(encoding="utf-8").splitlines())


def test_the_path_check_sees_a_path_that_is_gone() -> None:
    assert missing_paths("see `pipelines/acquire` and `pipelines/nowhere.py`", PROJECT) == ["pipelines/nowhere.py"]


def test_the_command_check_sees_a_command_that_is_gone() -> None:
    text = (
        "`make tea`, `make test`\n```sh\noutcomes refresh --strict\noutcomes refresh --fast  # no\noutcomes brew\n```"
    )
    assert unknown_commands(text, "test: x\n", outcomes) == ["make tea", "outcomes refresh --fast", "outcomes brew"]
