"""What comes with a release: made as a whole or not at all, found by whoever looks for it, gone with its release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from pipelines import companions
from pipelines.cli import outcomes
from pipelines.companions import (
    ENTRY_PAGE,
    LATEST,
    PUBLIC_FILE,
    REPORT_PAGE,
    Companions,
    clear_unfinished,
    companions_of_new_release,
    have_companions,
    make_companions,
    mend_companions,
    point_to,
    prune_companions,
    read_memory,
)
from pipelines.problems import NotPublished
from pipelines.publish import public_edition
from pipelines.publish.exports.file_names import CHECKSUMS, WORKBOOK
from pipelines.run_inputs import read_last_run
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
NEEDED = (PUBLIC_FILE, WORKBOOK, f"data/{CHECKSUMS}", REPORT_PAGE)


@dataclass(frozen=True)
class Made:
    """A refreshed warehouse, only to be read, and the release that it serves."""

    settings: Settings
    release_id: str
    release_file: Path

    @property
    def public(self) -> Path:
        return self.settings.public / self.release_id

    @property
    def exports(self) -> Path:
        return self.settings.exports / self.release_id


@dataclass(frozen=True)
class Remade:
    """The same after its public folder was lost and made again."""

    settings: Settings
    companions: Companions


@pytest.fixture(scope="session")
def made(published: Settings) -> Made:
    last = read_last_run(published.state_file)
    assert last is not None
    return Made(published, last.release_id, published.releases / f"{last.release_id}.duckdb")


def copy_of(made: Made, folder: Path) -> Settings:
    """Copy what is published. Its files share their blocks with the original: tests replace and never change them."""
    for part in ("releases", "public", "exports"):
        shutil.copytree(made.settings.warehouse / part, folder / part, copy_function=os.link)
    return Settings(project=made.settings.project, warehouse=folder)


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Settings:
    """A copy to break."""
    return copy_of(made, tmp_path)


@pytest.fixture(scope="module")
def remade(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Remade:
    settings = copy_of(made, tmp_path_factory.mktemp("remade"))
    shutil.rmtree(settings.public)
    assert not have_companions(settings, made.release_id)
    made_again: list[Companions] = []

    def remember(*arguments: Any) -> Companions:
        made_again.append(make_companions(*arguments))
        return made_again[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(companions, "make_companions", remember)
        mend_companions(settings, made.release_id)
    return Remade(settings, made_again[0])


def withheld(file: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute("select source_id, suppressed_values from disclosure_policy order by 1").fetchall()


def test_a_release_comes_whole(made: Made) -> None:
    assert have_companions(made.settings, made.release_id)
    assert {path.name for path in made.public.iterdir()} == {
        PUBLIC_FILE,
        WORKBOOK,
        CHECKSUMS,
        "data",
        "report",
    }
    assert (made.exports / WORKBOOK).is_file()
    assert list(made.settings.public.glob("*.partial")) == []


def test_no_byte_of_what_is_handed_on_can_change_unseen(made: Made, copied: Settings) -> None:
    folder = copied.public / made.release_id
    check = ("sha256sum", "--check", "--quiet", CHECKSUMS)
    assert subprocess.run(check, cwd=folder, check=False, capture_output=True).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()}
    assert listed == {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / CHECKSUMS
    }
    page = folder / REPORT_PAGE
    text = page.read_text(encoding="utf-8")
    page.unlink()
    page.write_text(text.replace("Scorecard", "Scoreboard"), encoding="utf-8")
    assert subprocess.run(check, cwd=folder, check=False, capture_output=True).returncode != 0


def test_the_downloads_of_the_report_are_there(made: Made) -> None:
    report = made.public / "report"
    links = re.findall(r'href="(\.\./[^"#]+)"', (report / "downloads.html").read_text(encoding="utf-8"))
    assert len(links) >= 4
    assert [link for link in links if not (report / link).is_file()] == []


def test_people_and_programs_are_led_to_the_served_release(made: Made) -> None:
    page = (made.settings.public / ENTRY_PAGE).read_text(encoding="utf-8")
    (forward,) = re.findall(r'content="0; url=([^"]+)"', page)
    assert re.findall(r'<a href="([^"]+)"', page) == [forward]
    assert (made.settings.public / forward).is_file()
    latest = json.loads((made.settings.public / LATEST).read_text(encoding="utf-8"))
    assert latest == {"release_id": made.release_id, "folder": made.release_id, "report": forward}
    assert json.loads((made.settings.exports / LATEST).read_text(encoding="utf-8"))["folder"] == made.release_id


def test_what_is_handed_on_is_of_the_public_edition(made: Made) -> None:
    with duckdb.connect(str(made.public / PUBLIC_FILE), read_only=True) as connection:
        assert connection.execute("select edition from release").fetchall() == [("public",)]
    package = json.loads((made.public / "data" / "datapackage.json").read_text(encoding="utf-8"))
    whole = json.loads((made.exports / "datapackage.json").read_text(encoding="utf-8"))
    assert package["title"] != whole["title"]
    assert (made.public / "data" / "fct_indicator_value.csv").read_bytes() != (
        made.exports / "fct_indicator_value.csv"
    ).read_bytes()


@pytest.mark.parametrize("lost", [*NEEDED, "exports", "pointer", "page"])
def test_whatever_is_missing_is_noticed(made: Made, copied: Settings, lost: str) -> None:
    paths = {
        "exports": copied.exports / made.release_id / CHECKSUMS,
        "pointer": copied.exports / LATEST,
        "page": copied.public / ENTRY_PAGE,
    }
    assert have_companions(copied, made.release_id)
    paths.get(lost, copied.public / made.release_id / lost).unlink()
    assert not have_companions(copied, made.release_id)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"release_id": "another"}'])
def test_a_pointer_that_leads_elsewhere_is_noticed(made: Made, copied: Settings, text: str) -> None:
    pointer = copied.public / LATEST
    pointer.unlink()
    pointer.write_text(text, encoding="utf-8")
    assert not have_companions(copied, made.release_id)


def test_what_was_lost_is_made_again_and_withholds_the_same(made: Made, remade: Remade) -> None:
    assert have_companions(remade.settings, made.release_id)
    assert withheld(remade.companions.public / PUBLIC_FILE) == withheld(made.public / PUBLIC_FILE)
    assert sum(number for _, number in withheld(made.public / PUBLIC_FILE)) >= remade.companions.suppressed_figures > 0
    assert remade.companions.pages == len(list((made.public / "report").rglob("*.html"))) > 446
    assert list(remade.settings.public.glob("*.partial")) == []


def test_pointers_that_are_lost_are_set_again_and_nothing_is_made(
    made: Made, copied: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill between serving a release and leading to it."""
    monkeypatch.delattr(companions, "make_companions")
    for pointer in (copied.public / LATEST, copied.public / ENTRY_PAGE, copied.exports / LATEST):
        pointer.unlink()
    assert not have_companions(copied, made.release_id)
    mend_companions(copied, made.release_id)
    assert have_companions(copied, made.release_id)


def test_nothing_can_be_made_again_without_the_release(made: Made, copied: Settings) -> None:
    with pytest.raises(NotPublished, match=rf"{made.release_id}\.duckdb is missing.*--force"):
        shutil.rmtree(copied.releases)
        shutil.rmtree(copied.exports)
        mend_companions(copied, made.release_id)


def test_a_part_that_fails_leaves_nothing_of_the_release(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(project=made.settings.project, warehouse=tmp_path)

    def disk_is_full(_release: Path, public_file: Path, *_arguments: object) -> None:
        public_file.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(public_edition, "make_public_edition", disk_is_full)
    with pytest.raises(OSError, match="No space left"):
        companions_of_new_release(settings, made.release_file, made.release_id)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_companions_go_with_their_release(made: Made, copied: Settings) -> None:
    for folder in (copied.public, copied.exports):
        (folder / "20200101T000000Z-00000000").mkdir()
    assert prune_companions(copied) == ["20200101T000000Z-00000000"]
    assert prune_companions(copied) == []
    assert have_companions(copied, made.release_id)


def test_what_an_interrupted_run_left_is_cleared(copied: Settings, made: Made) -> None:
    left = copied.public / "20200101T000000Z-00000000.partial"
    (left / "report").mkdir(parents=True)
    clear_unfinished(copied)
    assert not left.exists()
    assert have_companions(copied, made.release_id)


def test_the_memory_comes_from_the_archive_or_else_from_the_editions_at_hand(remade: Remade, copied: Settings) -> None:
    memory = remade.companions.memory
    assert len(memory.suppressed) >= remade.companions.suppressed_figures
    assert read_memory(copied).suppressed == memory.suppressed
    copied.previous.mkdir()
    remade.companions.snapshots(copied.previous)
    shutil.rmtree(copied.public)
    assert read_memory(copied) == memory
    shutil.rmtree(copied.previous)
    assert read_memory(copied).suppressed == frozenset()


def test_a_new_release_takes_the_place_of_the_old_in_both_pointers(made: Made, copied: Settings) -> None:
    point_to(copied, "20270101T000000Z-11111111")
    assert not have_companions(copied, made.release_id)
    assert "20270101T000000Z-11111111/report/index.html" in (copied.public / ENTRY_PAGE).read_text(encoding="utf-8")


@pytest.fixture
def command(made: Made, copied: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return `outcomes`, run over a copy of the warehouse in which the release is served."""
    os.link(copied.releases / f"{made.release_id}.duckdb", copied.served_file)
    monkeypatch.setenv("OUTCOMES_PROJECT", str(PROJECT))
    monkeypatch.setenv("OUTCOMES_WAREHOUSE", str(copied.warehouse))
    # What ends a command closes the streams of the process, which here is the one of the tests.
    monkeypatch.setattr("pipelines.cli_published.leave", sys.exit)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(outcomes, arguments)

    return run


def test_the_command_says_where_the_report_is(command: Callable[..., Result], made: Made, copied: Settings) -> None:
    said = command("report")
    assert said.exit_code == 0
    assert str(copied.public / ENTRY_PAGE) in said.output
    assert str(copied.public / made.release_id) in said.output


def test_the_report_for_staff_is_written_elsewhere_and_says_what_it_is(
    command: Callable[..., Result], copied: Settings, tmp_path: Path
) -> None:
    assert command("report", "--restricted").exit_code == 2
    said = command("report", "--restricted", "--to", str(tmp_path / "staff"))
    assert said.exit_code == 0, said.output
    pages = int(re.findall(r"(\d+) pages", said.output)[0])
    assert pages == len(list((tmp_path / "staff").rglob("*.html")))
    assert "Restricted" in (tmp_path / "staff" / "index.html").read_text(encoding="utf-8")
    assert list(copied.public.rglob("staff")) == []


def test_a_folder_with_something_else_is_left_alone(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "minutes.txt").write_text("Minutes", encoding="utf-8")
    said = command("report", "--to", str(tmp_path / "papers"))
    assert said.exit_code != 0
    assert "holds something else" in f"{said.output} {said.exception}"
    assert [path.name for path in (tmp_path / "papers").iterdir()] == ["minutes.txt"]


@pytest.mark.parametrize("edition", ["served", "public"])
def test_both_editions_hold_to_every_rule(
    command: Callable[..., Result], made: Made, copied: Settings, edition: str
) -> None:
    said = command(
        "conformance", *([] if edition == "served" else [str(copied.public / made.release_id / PUBLIC_FILE)])
    )
    assert said.exit_code == 0, said.output
    assert re.search(r"\d\d rules hold\.", said.output)


def test_a_file_that_breaks_a_rule_is_named_with_the_place(
    command: Callable[..., Result], made: Made, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.duckdb"
    shutil.copyfile(made.release_file, broken)
    broken.chmod(0o644)
    with duckdb.connect(str(broken)) as connection:
        connection.execute("alter table dim_area add column since timestamptz")
    said = command("conformance", str(broken))
    assert said.exit_code == 1
    assert "dim_area.since" in said.output
