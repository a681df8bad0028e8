"""A change of the raw files is seen once, when all of it has arrived, however long ago it was."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from pipelines.schedule.raw_watch import Cursor, look
from tests.schedule.conftest import release, write_passport


def age(folder: Path, seconds: float) -> None:
    """Make every file of a folder look as if it had changed so many seconds ago."""
    moment = time.time() - seconds
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (moment, moment))


@pytest.fixture
def settled(project):
    """The project, and the cursor that says that all of it has been dealt with."""
    age(project.raw, 3600)
    found = look(project, Cursor(), time.time())
    assert (found.changed, found.waiting) == (("annual/2024-10", "single/2022-05"), None)
    return project, found.cursor


def test_what_has_been_dealt_with_is_no_change(settled):
    project, cursor = settled
    found = look(project, cursor, time.time())
    assert (found.changed, found.waiting) == ((), None)
    assert Cursor.read(cursor.write()) == cursor


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '{"number": 1}', '{"number": 1, "marks": []}'])
def test_a_cursor_that_cannot_be_read_is_an_empty_one(text):
    assert Cursor.read(text) == Cursor()


def test_a_new_release_waits_until_it_has_settled(settled):
    project, cursor = settled
    folder = release(project, "annual", "2025-10")
    found = look(project, cursor, time.time())
    assert found.changed == ("annual/2025-10",)
    assert found.waiting is not None and found.waiting.startswith("annual/2025-10 changed ")
    assert "may still be arriving" in found.waiting
    age(folder, 59)
    assert look(project, cursor, time.time()).waiting is not None
    age(folder, 61)
    later = look(project, cursor, time.time())
    assert (later.changed, later.waiting, later.said) == (("annual/2025-10",), None, "annual/2025-10")
    assert look(project, later.cursor, time.time()).changed == ()


def test_a_release_waits_for_its_passport_and_for_the_files_that_it_lists(settled):
    project, cursor = settled
    folder = release(project, "annual", "2025-10", passport=False)
    age(folder, 3600)
    assert look(project, cursor, time.time()).waiting == "annual/2025-10 has no passport.yml yet."
    write_passport(folder)
    values = folder / "values.csv"
    for content in (None, "a\n"):
        values.unlink(missing_ok=True)
        if content is not None:
            values.write_text(content)
        age(folder, 3600)
        expected = "annual/2025-10: values.csv is not there yet as its passport describes it."
        assert look(project, cursor, time.time()).waiting == expected
    values.write_text("a\n1\n")
    age(folder, 3600)
    assert look(project, cursor, time.time()).waiting is None


def test_a_passport_that_cannot_be_read_is_for_landing_to_refuse(settled):
    project, cursor = settled
    folder = release(project, "annual", "2025-10")
    (folder / "passport.yml").write_text("title: [")
    age(folder, 3600)
    assert look(project, cursor, time.time()).waiting is None


def test_a_release_that_is_being_put_together_is_waited_for(settled):
    project, cursor = settled
    age(release(project, "annual", "2025-10"), 3600)
    incoming = release(project, "annual", ".incoming", passport=False)
    found = look(project, cursor, time.time())
    assert found.waiting is not None and found.waiting.startswith("annual/.incoming changed")
    # What a killed process left there is not waited for, and is no release.
    age(incoming, 3600)
    later = look(project, cursor, time.time())
    assert (later.changed, later.waiting) == (("annual/2025-10",), None)


def test_a_release_that_is_still_arriving_does_not_hide_behind_one_that_has(settled):
    project, cursor = settled
    age(release(project, "annual", "2025-10"), 3600)
    release(project, "single", "2025-10")
    found = look(project, cursor, time.time())
    assert found.changed == ("annual/2025-10", "single/2025-10")
    assert found.waiting is not None and "single/2025-10" in found.waiting


def test_a_change_in_place_and_a_release_that_is_gone_are_changes(settled):
    project, cursor = settled
    (project.raw / "single" / "2022-05" / "values.csv").write_text("a\n2\n")
    age(project.raw, 1800)
    shutil.rmtree(project.raw / "annual" / "2024-10")
    found = look(project, cursor, time.time())
    assert (found.changed, found.waiting) == (("annual/2024-10", "single/2022-05"), None)
    shutil.rmtree(project.raw)
    assert look(project, cursor, time.time()).changed == ("annual/2024-10", "single/2022-05")


def test_a_clock_that_is_wrong_does_not_block_for_ever(settled):
    project, cursor = settled
    age(release(project, "annual", "2025-10"), -86400)
    assert look(project, cursor, time.time()).waiting is None


def test_all_that_was_missed_is_one_change_with_one_key(settled):
    project, cursor = settled
    for name in ("2025-10", "2025-11", "2025-12"):
        age(release(project, "annual", name), 3600)
        age(release(project, "single", name), 3600)
    found = look(project, cursor, time.time())
    assert len(found.changed) == 6
    assert found.said == ("annual/2025-10, annual/2025-11, annual/2025-12, single/2025-10, single/2025-11 and 1 more")
    # Asked again before the cursor was kept, as after a crash: the same key.
    assert look(project, cursor, time.time() + 5).key == found.key
    assert found.cursor.number == cursor.number + 1


def test_a_change_there_and_back_again_is_two_changes(settled):
    project, cursor = settled
    folder = release(project, "annual", "2025-10")
    age(folder, 3600)
    first = look(project, cursor, time.time())
    kept = folder.with_name(".kept")
    folder.rename(kept)
    second = look(project, first.cursor, time.time())
    kept.rename(folder)
    third = look(project, second.cursor, time.time())
    assert len({first.key, second.key, third.key}) == 3
    assert first.cursor.marks == third.cursor.marks != second.cursor.marks
