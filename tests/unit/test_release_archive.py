"""The archive keeps bytes under their hash and manifests under their release, and says when it was tampered with."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.problems import OutcomesError
from pipelines.release_archive import Archive, ArchiveDamaged, Manifest

RELEASE = "20261122T153000Z-1a2b3c4d"
LATER = "20261123T060000Z-1a2b3c4d"


def manifest(release_id: str = RELEASE, **changes: object) -> Manifest:
    facts: dict[str, object] = {
        "release_id": release_id,
        "previous_release_id": None,
        "as_at": date(2026, 11, 22),
        "started_at": datetime(2026, 11, 22, 15, 30, tzinfo=UTC),
        "code_version": "abc",
        "input_fingerprint": "1a2b3c4d" * 8,
        "content_checksum": "ff" * 32,
        "packages": {"duckdb": "2.0.0"},
        "inputs": {"data/seeds/areas.csv": "00" * 32},
        "state": {},
        "checked_at": {"fingertips": datetime(2026, 11, 20, 6, 0, tzinfo=UTC)},
        "snapshots": {},
    }
    return Manifest.model_validate({**facts, **changes})


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "history")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "values.csv"
    path.write_bytes(b"a,b\n1,2\n")
    return path


def test_bytes_come_back_as_they_were_whatever_becomes_of_the_file(
    archive: Archive, file: Path, tmp_path: Path
) -> None:
    before = file.read_bytes()
    sha256 = archive.put(file)
    assert sha256 == hashlib.sha256(before).hexdigest()
    file.write_bytes(b"changed in place")
    archive.restore(sha256, tmp_path / "deep" / "copy.csv")
    assert (tmp_path / "deep" / "copy.csv").read_bytes() == before


def test_the_same_bytes_are_kept_once_and_read_only(archive: Archive, file: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.csv"
    twin.write_bytes(file.read_bytes())
    first = archive.object(archive.put(file))
    written = first.stat().st_mtime_ns
    assert archive.object(archive.put(twin)) == first
    assert first.stat().st_mtime_ns == written
    assert first.stat().st_mode & 0o222 == 0
    assert [path.name for path in (tmp_path / "history").rglob("*") if path.is_file()] == [first.name]


def test_a_half_written_object_is_written_again(archive: Archive, file: Path, tmp_path: Path) -> None:
    kept = archive.object(archive.put(file))
    kept.chmod(0o644)
    kept.write_bytes(b"a,b")
    archive.restore(archive.put(file), tmp_path / "copy.csv")
    assert (tmp_path / "copy.csv").read_bytes() == file.read_bytes()


def test_a_damaged_object_is_written_again_when_its_bytes_come(archive: Archive, file: Path, tmp_path: Path) -> None:
    kept = archive.object(archive.put(file))
    kept.chmod(0o644)
    kept.write_bytes(b"a,b\n1,3\n")
    archive.restore(archive.put(file), tmp_path / "copy.csv")
    assert (tmp_path / "copy.csv").read_bytes() == file.read_bytes()


def test_changed_bytes_of_the_same_length_are_found_and_not_handed_out(
    archive: Archive, file: Path, tmp_path: Path
) -> None:
    sha256 = archive.put(file)
    kept = archive.object(sha256)
    kept.chmod(0o644)
    kept.write_bytes(b"a,b\n1,3\n")
    with pytest.raises(ArchiveDamaged, match="was changed"):
        archive.restore(sha256, tmp_path / "copy.csv")
    assert not (tmp_path / "copy.csv").exists()


def test_what_is_not_there_is_said(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ArchiveDamaged, match="no object"):
        archive.restore("ab" * 32, tmp_path / "copy.csv")
    with pytest.raises(ArchiveDamaged, match="no readable manifest"):
        archive.read(RELEASE)
    with pytest.raises(OutcomesError, match="could not be kept"):
        archive.put_all(tmp_path, {"absent.csv": tmp_path / "absent.csv"})


@pytest.mark.parametrize("name", ["../../etc/passwd", "ab" * 31, "AB" * 32, ""])
def test_an_object_is_named_by_a_hash_and_by_nothing_else(archive: Archive, name: str) -> None:
    with pytest.raises(ArchiveDamaged, match="not the hash"):
        archive.object(name)


@pytest.mark.parametrize("name", ["../20261122T153000Z-1a2b3c4d", "20261122", "", "20261122T153000Z-1a2b3c4d/x"])
def test_a_manifest_is_named_by_a_release_and_by_nothing_else(archive: Archive, name: str) -> None:
    assert not archive.knows(name)
    with pytest.raises(ArchiveDamaged, match="not the name of a release"):
        archive.read(name)


def test_a_manifest_comes_back_as_it_was_and_is_never_replaced(archive: Archive) -> None:
    archive.write(manifest())
    archive.write(manifest())
    assert archive.read(RELEASE) == manifest()
    with pytest.raises(OutcomesError, match="another manifest"):
        archive.write(manifest(content_checksum="00" * 32))
    assert archive.read(RELEASE) == manifest()


def test_releases_are_listed_oldest_first_and_found_by_their_beginning(archive: Archive) -> None:
    for release_id in (LATER, RELEASE):
        archive.write(manifest(release_id))
    assert archive.release_ids() == [RELEASE, LATER]
    assert archive.find("20261123") == LATER
    with pytest.raises(OutcomesError, match="begins several"):
        archive.find("202611")
    with pytest.raises(OutcomesError, match=f"The last ones are: {RELEASE}, {LATER}"):
        archive.find("2025")


def test_a_manifest_that_was_cut_short_is_damage(archive: Archive) -> None:
    path = archive.write(manifest())
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    with pytest.raises(ArchiveDamaged, match="no readable manifest"):
        archive.read(RELEASE)
