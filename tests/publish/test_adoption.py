"""What is served is known again when the note of it is gone, and a past day does not take its place unasked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.publish.release import PublishedRelease, ReleaseRecord, publish
from pipelines.refresh import has_news, looks_back
from pipelines.release_archive import Archive, Manifest
from pipelines.run_inputs import LastRun, is_as_served, read_last_run, take_inputs, write_last_run
from pipelines.settings import Settings

MakeBuild = Callable[..., Path]
MakeRecord = Callable[[int], ReleaseRecord]


@pytest.fixture
def served(settings: Settings, make_build: MakeBuild, record: MakeRecord) -> PublishedRelease:
    """A release of today's inputs, archived, noted and served, as the last step of a run leaves it."""
    inputs = take_inputs(settings)
    release = publish(
        settings,
        make_build("one"),
        replace(record(0), input_fingerprint=inputs.fingerprint, as_at=inputs.as_at),
    )
    Archive(settings.history).write(
        Manifest(
            release_id=release.release_id,
            previous_release_id=None,
            as_at=inputs.as_at,
            started_at=inputs.started_at,
            code_version=inputs.code_version,
            input_fingerprint=inputs.fingerprint,
            content_checksum=release.content_checksum,
            packages={},
            inputs={},
            state={},
            checked_at={},
            snapshots={},
        )
    )
    note = LastRun(inputs.fingerprint, release.release_id, release.sha256)
    write_last_run(settings.state_file, note, release.served_file)
    return release


def test_a_release_that_was_served_and_not_noted_is_no_reason_to_refresh(
    settings: Settings, served: PublishedRelease
) -> None:
    settings.state_file.unlink()
    assert not has_news(settings)
    last = read_last_run(settings.state_file)
    assert last is not None
    assert (last.release_id, last.sha256) == (served.release_id, served.sha256)


def test_a_kept_release_that_was_put_back_by_hand_is_known(settings: Settings, served: PublishedRelease) -> None:
    content = served.served_file.read_bytes()
    served.served_file.unlink()
    served.served_file.write_bytes(content)
    assert not has_news(settings)


def test_reading_the_time_of_the_file_is_enough_while_nothing_happens(
    settings: Settings, served: PublishedRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = read_last_run(settings.state_file)
    assert last is not None

    def never(_file: Path) -> str:
        raise AssertionError("the whole file was read")

    monkeypatch.setattr("pipelines.run_inputs.sha256_of", never)
    assert is_as_served(served.served_file, last)


@pytest.mark.parametrize("damage", ["truncated", "same size", "deleted", "a folder"])
def test_a_damaged_served_file_is_news(settings: Settings, served: PublishedRelease, damage: str) -> None:
    content = served.served_file.read_bytes()
    served.served_file.unlink()
    if damage == "truncated":
        served.served_file.write_bytes(content[: len(content) // 2])
    elif damage == "same size":
        served.served_file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "a folder":
        served.served_file.mkdir()
    assert has_news(settings)


def test_without_the_archive_a_note_that_is_gone_is_news(settings: Settings, served: PublishedRelease) -> None:
    settings.state_file.unlink()
    shutil.rmtree(settings.history)
    assert has_news(settings)


def test_a_past_day_does_not_take_the_place_of_what_is_served(settings: Settings, served: PublishedRelease) -> None:
    today = take_inputs(settings).as_at
    assert looks_back(settings, today - timedelta(days=1))
    assert not looks_back(settings, None)
    assert not looks_back(settings, today)
    assert not looks_back(settings, today + timedelta(days=400))


def test_where_nothing_is_served_or_an_older_day_a_past_day_may_be(settings: Settings) -> None:
    assert not looks_back(settings, date(2020, 1, 1))
    settings.served_file.parent.mkdir(parents=True, exist_ok=True)
    settings.served_file.write_bytes(b"not a release")
    assert not looks_back(settings, date(2020, 1, 1))
