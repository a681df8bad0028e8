"""What comes with a release: made as a whole or not at all, found by whoever looks for it, gone with its release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from pipelines import companions
from pipelines.companions import (
    ENTRY_PAGE,
    LATEST,
    PUBLIC_FILE,
    REPORT_PAGE,
    Companions,
    clear_unfinished,
    companions_of_new_release,
    have_companions,
    mend_companions,
    point_to,
    prune_companions,
    read_memory,
)
from pipelines.problems import NotPublished
from pipelines.publish.exports.file_names import CHECKSUMS, WORKBOOK
from pipelines.publish.public_edition import read_suppressed
from pipelines.settings import Settings

NEEDED = (PUBLIC_FILE, WORKBOOK, f"data/{CHECKSUMS}", REPORT_PAGE)


@dataclass(frozen=True)
class Made:
    settings: Settings
    companions: Companions
    release_id: str
    release_file: Path


@pytest.fixture(scope="module")
def made(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make the companions of a real release in a warehouse that has nothing but its file."""
    settings = Settings(project=published.project, warehouse=tmp_path_factory.mktemp("companions") / "warehouse")
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        (release_id,) = connection.execute("select release_id from release").fetchall()[0]
    settings.releases.mkdir(parents=True)
    release_file = settings.releases / f"{release_id}.duckdb"
    shutil.copyfile(published.served_file, release_file)
    found = companions_of_new_release(settings, release_file, release_id)
    found.lead_there(settings)
    return Made(settings, found, release_id, release_file)


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Settings:
    """A copy of that warehouse to break; the files share their blocks until one is changed."""
    for part in ("releases", "public", "exports"):
        shutil.copytree(made.settings.warehouse / part, tmp_path / part, copy_function=os.link)
    return Settings(project=made.settings.project, warehouse=tmp_path)


def withheld(file: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute("select source_id, suppressed_values from disclosure_policy order by 1").fetchall()


def test_a_release_comes_whole(made: Made) -> None:
    assert have_companions(made.settings, made.release_id)
    assert {path.name for path in made.companions.public.iterdir()} == {
        PUBLIC_FILE,
        WORKBOOK,
        CHECKSUMS,
        "data",
        "report",
    }
    assert (made.companions.exports / WORKBOOK).is_file()
    assert made.companions.pages > 446
    assert made.companions.suppressed_figures > 0
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
    report = made.companions.public / "report"
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
    with duckdb.connect(str(made.companions.public / PUBLIC_FILE), read_only=True) as connection:
        assert connection.execute("select edition from release").fetchall() == [("public",)]
    package = json.loads((made.companions.public / "data" / "datapackage.json").read_text(encoding="utf-8"))
    whole = json.loads((made.companions.exports / "datapackage.json").read_text(encoding="utf-8"))
    assert package["title"] != whole["title"]
    assert (made.companions.public / "data" / "fct_indicator_value.csv").read_bytes() != (
        made.companions.exports / "fct_indicator_value.csv"
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


def test_what_was_lost_is_made_again_and_withholds_the_same(made: Made, copied: Settings) -> None:
    shutil.rmtree(copied.public)
    again = mend_companions(copied, made.release_id)
    assert have_companions(copied, made.release_id)
    assert withheld(again.public / PUBLIC_FILE) == withheld(made.companions.public / PUBLIC_FILE)
    assert sum(number for _, number in withheld(again.public / PUBLIC_FILE)) > 0


def test_nothing_can_be_made_again_without_the_release(made: Made, copied: Settings) -> None:
    with pytest.raises(NotPublished, match=rf"{made.release_id}\.duckdb is missing.*--force"):
        shutil.rmtree(copied.releases)
        mend_companions(copied, made.release_id)


def test_a_part_that_fails_leaves_nothing_of_the_release(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(project=made.settings.project, warehouse=tmp_path)

    def disk_is_full(_public: Path) -> list[object]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(companions, "downloads_beside", disk_is_full)
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


def test_the_memory_comes_from_the_archive_or_else_from_the_editions_at_hand(made: Made, copied: Settings) -> None:
    from_editions = read_memory(copied)
    assert from_editions.suppressed == read_suppressed(made.companions.public / PUBLIC_FILE).suppressed
    assert from_editions.suppressed == made.companions.memory.suppressed
    copied.previous.mkdir()
    made.companions.snapshots(copied.previous)
    shutil.rmtree(copied.public)
    assert read_memory(copied).suppressed == made.companions.memory.suppressed
    shutil.rmtree(copied.previous)
    assert read_memory(copied).suppressed == frozenset()


def test_a_new_release_takes_the_place_of_the_old_in_both_pointers(made: Made, copied: Settings) -> None:
    point_to(copied, "20270101T000000Z-11111111")
    assert not have_companions(copied, made.release_id)
    assert "20270101T000000Z-11111111/report/index.html" in (copied.public / ENTRY_PAGE).read_text(encoding="utf-8")
