"""Paths from passports, declarations and the disk: none leads out of its release, and none is waited for.

What is refused, and that nothing beyond was read, belongs here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.acquire.announced_revisions import read_announced
from pipelines.acquire.landing import LoadRecord, land
from pipelines.acquire.raw_snapshots import PassportFile, find_releases, known_by
from pipelines.acquire.source_registry import load_source
from pipelines.problems import ConfigurationError, SourceRefused
from pipelines.run_inputs import UNREADABLE, take_inputs
from pipelines.settings import Settings

# The types of the fixtures are in conftest, which tests do not import.
Project = Any
InTime = Callable[[Callable[[], Any]], Any]
DAY = date(2026, 11, 22)
CLIMBING = (
    "../secret.csv",
    "a/../../secret.csv",
    "/etc/passwd",
    "..",
    "a\\..\\b.csv",
    "\\\\host\\share\\x.csv",
    "C:/x.csv",
)
UNPRINTABLE = ("a\0b.csv", "a\nb.csv", "a\x1b[31m.csv", "a\u202evsc.csv")


def loaded(project: Project, source: Any = None) -> LoadRecord:
    declared = source or project.declare()
    return land(declared, find_releases(project.raw, "example"), project.root / "landed")


def refusal(project: Project, source: Any = None) -> list[tuple[str, str | None]]:
    with pytest.raises(SourceRefused) as refused:
        loaded(project, source)
    assert not (project.root / "landed" / "example.parquet").exists()
    return [(problem.rule, problem.file) for problem in refused.value.problems]


def settings(project: Project) -> Settings:
    return Settings(project=project.root, warehouse=project.root / "warehouse")


# --- passports --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CLIMBING, *UNPRINTABLE, "a//b.csv", "./a.csv", ""])
def test_a_passport_cannot_name_a_file_elsewhere(name: str) -> None:
    with pytest.raises(ValidationError):
        PassportFile(file=name, bytes=1, sha256="0" * 64, encoding="utf-8", rows=1)


@pytest.mark.parametrize("name", CLIMBING)
def test_a_climbing_passport_is_a_problem_of_its_source(project: Project, table: str, name: str) -> None:
    (project.root / "data" / "raw").mkdir(parents=True)
    (project.raw / "secret.csv").write_text(table, encoding="utf-8")
    project.file({}, listed={name: table})
    assert refusal(project) == [("wrong_passport", "example/2024-10/passport.yml")]


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path, table: str) -> Path:
    """A good table, and a whole release, beyond the project."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "values.csv").write_text(table, encoding="utf-8")
    return folder


def test_a_file_that_is_a_link_is_refused(project: Project, table: str, outside: Path) -> None:
    folder = project.file({}, listed={"values.csv": table})
    (folder / "values.csv").symlink_to(outside / "values.csv")
    assert refusal(project) == [("link_in_release", "example/2024-10/values.csv")]


def test_a_link_within_the_release_is_refused_too(project: Project, table: str) -> None:
    """What a link leads to can change without a trace, wherever that is."""
    folder = project.file({"values.csv": table}, listed={"values.csv": table, "again.csv": table})
    (folder / "again.csv").symlink_to("values.csv")
    assert refusal(project) == [("link_in_release", "example/2024-10/again.csv")]


def test_a_folder_in_a_release_that_is_a_link_is_refused(project: Project, table: str, outside: Path) -> None:
    folder = project.file({"values.csv": table}, listed={"values.csv": table, "in/values.csv": table})
    (folder / "in").symlink_to(outside)
    assert set(refusal(project)) == {
        ("link_in_release", "example/2024-10/in"),
        ("link_in_release", "example/2024-10/in/values.csv"),
    }


def test_a_release_that_is_a_link_is_refused(project: Project, table: str, outside: Path) -> None:
    project.file({"values.csv": table}).rename(outside / "release")
    (project.raw / "example" / "2024-10").symlink_to(outside / "release")
    assert refusal(project) == [("link_in_release", "example/2024-10/passport.yml")]


def test_a_source_that_is_a_link_is_refused(project: Project, table: str, outside: Path) -> None:
    project.file({"values.csv": table})
    (project.raw / "example").rename(outside / "example")
    (project.raw / "example").symlink_to(outside / "example")
    assert refusal(project) == [("link_in_release", "example/2024-10/passport.yml")]


def test_a_passport_that_is_a_link_is_refused(project: Project, table: str, outside: Path) -> None:
    folder = project.file({"values.csv": table})
    (folder / "passport.yml").rename(outside / "passport.yml")
    (folder / "passport.yml").symlink_to(outside / "passport.yml")
    assert refusal(project) == [("link_in_release", "example/2024-10/passport.yml")]


def test_all_raw_data_may_be_on_another_disk(project: Project, table: str, tmp_path: Path) -> None:
    project.file({"values.csv": table})
    project.raw.rename(tmp_path / "disk")
    project.raw.symlink_to(tmp_path / "disk")
    assert loaded(project).rows == 1


def test_a_link_is_no_input_of_a_release(project: Project, outside: Path) -> None:
    """The fingerprint, and so the archive, never takes in what a link leads to."""
    folder = project.file({})
    (folder / "values.csv").symlink_to(outside / "values.csv")
    taken = take_inputs(settings(project), DAY)
    assert taken.files["data/raw/example/2024-10/values.csv"] == UNREADABLE
    assert (taken.fingerprint, len(taken.files)) == (take_inputs(settings(project), DAY).fingerprint, 2)


# --- what is no file --------------------------------------------------------------------------------------------------


def test_a_pipe_is_not_waited_for(project: Project, table: str, in_time: InTime) -> None:
    folder = project.file({}, listed={"values.csv": table})
    os.mkfifo(folder / "values.csv")
    os.mkfifo(folder / "unlisted.csv")
    assert sorted(in_time(lambda: refusal(project))) == [
        ("missing_file", "example/2024-10/values.csv"),
        ("unlisted_file", "example/2024-10/unlisted.csv"),
    ]
    taken = in_time(lambda: take_inputs(settings(project), DAY))
    assert taken.files["data/raw/example/2024-10/values.csv"] == UNREADABLE


def test_a_passport_that_is_a_pipe_is_not_waited_for(project: Project, table: str, in_time: InTime) -> None:
    folder = project.file({"values.csv": table})
    (folder / "passport.yml").unlink()
    os.mkfifo(folder / "passport.yml")
    assert in_time(lambda: refusal(project)) == [("missing_passport", "example/2024-10/passport.yml")]
    assert in_time(lambda: take_inputs(settings(project), DAY)).files
    assert in_time(lambda: read_announced(project.raw)) == []
    assert in_time(lambda: len(known_by(find_releases(project.raw, "example"), DAY))) == 1


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin"])
def test_a_device_is_not_read(project: Project, table: str, in_time: InTime, device: str) -> None:
    folder = project.file({}, listed={"values.csv": table})
    (folder / "values.csv").symlink_to(device)
    assert in_time(lambda: refusal(project)) == [("link_in_release", "example/2024-10/values.csv")]
    assert in_time(lambda: take_inputs(settings(project), DAY)).files


def test_a_passport_that_is_an_endless_device_is_not_read(project: Project, table: str, in_time: InTime) -> None:
    folder = project.file({"values.csv": table})
    (folder / "passport.yml").unlink()
    (folder / "passport.yml").symlink_to("/dev/zero")
    assert in_time(lambda: refusal(project)) == [("link_in_release", "example/2024-10/passport.yml")]
    assert in_time(lambda: take_inputs(settings(project), DAY)).files
    assert in_time(lambda: read_announced(project.raw)) == []


def test_a_passport_that_is_no_text_is_a_problem_of_its_source(project: Project, table: str) -> None:
    folder = project.file({"values.csv": table})
    (folder / "passport.yml").write_bytes(b"\xff\xfe\0retrieved: 2024-10-01")
    assert refusal(project) == [("wrong_passport", "example/2024-10/passport.yml")]
    assert take_inputs(settings(project), DAY).files


# --- declarations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", [*CLIMBING, "a\nb.csv", "../*.csv", "**/../*.csv"])
def test_a_pattern_cannot_climb(project: Project, pattern: str) -> None:
    for changes in ({"tables": [{"id": "values", "file": pattern}]}, {"companions": [pattern]}):
        with pytest.raises(ConfigurationError, match="named by its path inside the release"):
            project.declare(**changes)


def described(file: str) -> dict[str, Any]:
    metadata = {"file": file, "listed_in": "data", "columns": {"area": "area_type"}}
    return {
        "tables": [
            {
                "id": "values",
                "file": "*values.csv",
                "constants": {"indicator_id": "example.one"},
                "parse": {"metadata": metadata},
            }
        ],
        "companions": ["*meta.csv"],
    }


@pytest.mark.parametrize("file", ["../../meta.csv", "../../../meta.csv", "a/../../../meta.csv"])
def test_a_table_is_not_described_from_outside_its_release(project: Project, table: str, file: str) -> None:
    project.file({"in/values.csv": table})
    for folder in (project.raw, project.raw / "example", project.root):
        (folder / "meta.csv").write_text("data,area\nvalues.csv,secret\n", encoding="utf-8")
    assert refusal(project, project.declare(**described(file))) == [
        ("metadata_outside_release", "example/2024-10/in/values.csv")
    ]


def test_a_table_may_be_described_from_the_folder_above(project: Project, table: str) -> None:
    project.file({"in/values.csv": table, "meta.csv": "data,area\nvalues.csv,Ward\n"})
    assert loaded(project, project.declare(**described("../meta.csv"))).rows == 1


@pytest.mark.parametrize("file", ["/etc/passwd", "C:/meta.csv", "..\\meta.csv", "a\nb"])
def test_a_description_has_a_plain_path(project: Project, file: str) -> None:
    with pytest.raises(ConfigurationError, match="named by its path inside the release"):
        project.declare(**described(file))


IDS = ("a'b", 'a"b', "a;b", "a/b", "../a", "a\nb", "a\n", "a b", "A", "1a", "a*", "a[b]", "a--", "é", "")


@pytest.mark.parametrize("text", IDS)
def test_an_id_is_a_plain_word(project: Project, text: str) -> None:
    with pytest.raises(ConfigurationError, match="id: "):
        project.declare(id=text)
    with pytest.raises(ConfigurationError, match=r"tables\.0\.id"):
        project.declare(tables=[{"id": text, "file": "*.csv"}])
    [indicator] = project.declare().model_dump()["indicators"]
    for name in (text, f"example.{text}"):
        if name != "example.1a":
            with pytest.raises(ConfigurationError, match=r"indicators\.0\.id"):
                project.declare(indicators=[{**indicator, "id": name}])


def test_a_declaration_runs_nothing(project: Project, tmp_path: Path) -> None:
    """YAML can name a function to call; it is not called."""
    path = project.root / "example.yml"
    ran = tmp_path / "ran"
    path.write_text(f"!!python/object/apply:os.system ['touch {ran}']\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be read as YAML"):
        load_source(path)
    assert not ran.exists()


# --- names that mean something elsewhere ------------------------------------------------------------------------------

NAMES = (
    "'; drop table batch; --",
    'a "quoted" name',
    "it's",
    "[a-z]*",
    "*",
    "?",
    "{x,y}",
    "$(touch ran)",
    "`touch ran`",
    "%s%n",
    "a b",
    "größe ☃",
    "#sheet",
    "-rf",
    "a;b",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_releases_and_files_are_text(
    project: Project, table: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    project.file({f"{name}.csv": table}, release=f"2024-10 {name}")
    # A neighbour that a pattern would find instead.
    project.file({"b.csv": table.replace("E06000001", "E06000002")}, release="2024-11")
    assert loaded(project).rows == 2
    landed = pl.read_parquet(project.root / "landed" / "example.parquet")
    assert landed.filter(pl.col("area_code") == "E06000001").select("source_release", "source_file").rows() == [
        (f"2024-10 {name}", f"example/2024-10 {name}/{name}.csv")
    ]
    assert not list(project.root.rglob("ran"))


@pytest.mark.parametrize("variable", ["OUTCOMES_WAREHOUSE", "OUTCOMES_PROJECT"])
@pytest.mark.parametrize("name", ["it's", 'a"b', "[a]", "*", "a?", "a;b", "a\nb", "`a`"])
def test_a_folder_that_sql_would_not_take_as_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    folder = tmp_path / name
    (folder / "dbt_project").mkdir(parents=True)
    monkeypatch.setenv(variable, str(folder))
    with pytest.raises(ConfigurationError, match=variable):
        Settings.from_environment()


@pytest.mark.parametrize("name", ["a b", "größe", "a-b_c.d", "(a)", "a & b", "a,b", "$x", "%x", "{a}"])
def test_other_folders_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("OUTCOMES_WAREHOUSE", str(tmp_path / name))
    assert Settings.from_environment().warehouse == (tmp_path / name).resolve()
