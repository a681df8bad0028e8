"""Releases that are not what their passport says, and files that are no tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.acquire.raw_snapshots import (
    RawRelease,
    find_releases,
    known_by,
    loose_release,
    read_passport,
    tables_for,
    verify,
)
from pipelines.acquire.source_registry import Source
from pipelines.problems import Problem, SourceRefused

GOOD = "area_code,value\nE92000001,1\n"
MakeRelease = Callable[..., RawRelease]
MakeSource = Callable[..., Source]


def problems_of(release: RawRelease, source: Source) -> tuple[Problem, ...]:
    with pytest.raises(SourceRefused) as refusal:
        verify(release, source)
    return refusal.value.problems


def test_a_release_as_described_passes(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD})
    (file,) = verify(release, make_source())
    assert (file.name, file.release_id) == ("example/2024-10/values.csv", "2024-10")
    assert file.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()


def test_releases_are_found_oldest_first(make_release: MakeRelease, tmp_path: Path) -> None:
    for release_id in ("2024-10", "2019-06", "2026-02"):
        make_release({"values.csv": GOOD}, release_id=release_id)
    (tmp_path / "raw" / "example" / ".cache").mkdir()
    (tmp_path / "raw" / "example" / "README.md").write_text("not a release", encoding="utf-8")
    found = find_releases(tmp_path / "raw", "example")
    assert [release.release_id for release in found] == ["2019-06", "2024-10", "2026-02"]
    assert find_releases(tmp_path / "raw", "nobody") == ()


@pytest.mark.parametrize(
    ("day", "known"),
    [
        (date(2024, 9, 30), []),
        (date(2024, 10, 1), ["2024-10"]),
        (date(2025, 3, 13), ["2024-10"]),
        (date(2025, 3, 14), ["2024-10", "2025-03"]),
    ],
)
def test_what_was_known_on_a_day(make_release: MakeRelease, tmp_path: Path, day: date, known: list[str]) -> None:
    make_release({"values.csv": GOOD}, release_id="2024-10")
    make_release({"values.csv": GOOD}, release_id="2025-03", spoil=lambda found: found.update(retrieved="2025-03-14"))
    found = known_by(find_releases(tmp_path / "raw", "example"), day)
    assert [release.release_id for release in found] == known


def test_a_release_that_cannot_say_when_it_was_known_is_not_left_out(make_release: MakeRelease) -> None:
    release = make_release({"values.csv": GOOD}, spoil=lambda found: found.pop("retrieved"))
    assert known_by((release,), date(1999, 1, 1)) == (release,)


def test_a_missing_file(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD})
    (release.folder / "values.csv").unlink()
    (problem,) = problems_of(release, make_source())
    assert (problem.rule, problem.file) == ("missing_file", "example/2024-10/values.csv")


def test_an_unlisted_file(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD})
    (release.folder / "extra.csv").write_text(GOOD, encoding="utf-8")
    (release.folder / ".DS_Store").write_bytes(b"\x00")
    (problem,) = problems_of(release, make_source())
    assert (problem.rule, problem.file) == ("unlisted_file", "example/2024-10/extra.csv")


def test_a_changed_byte_gives_both_hashes(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD})
    changed = GOOD.replace("1\n", "2\n")
    (release.folder / "values.csv").write_text(changed, encoding="utf-8", newline="")
    found, expected = (hashlib.sha256(text.encode()).hexdigest() for text in (changed, GOOD))
    (problem,) = problems_of(release, make_source())
    assert (problem.rule, problem.value) == ("wrong_hash", found)
    assert expected in problem.message
    assert found in problem.message


def test_a_truncated_file_gives_both_sizes(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD})
    (release.folder / "values.csv").write_text(GOOD[:-3], encoding="utf-8", newline="")
    size, digest = problems_of(release, make_source())
    assert (size.rule, size.value) == ("wrong_size", str(len(GOOD) - 3))
    assert str(len(GOOD)) in size.message
    assert digest.rule == "wrong_hash"


def test_a_release_without_passport(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD})
    (release.folder / "passport.yml").unlink()
    (problem,) = problems_of(release, make_source())
    assert (problem.rule, problem.file) == ("missing_passport", "example/2024-10/passport.yml")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda passport: passport.pop("licence"), "licence: Field required"),
        (lambda passport: passport.update(author="me"), "author: Extra inputs are not permitted"),
        (lambda passport: passport["files"][0].update(sha256="abc"), "files.0.sha256"),
        (lambda passport: passport["files"][0].update(file="../values.csv"), "named by its path inside the release"),
        (lambda passport: passport["files"][0].update(file="/values.csv"), "named by its path inside the release"),
        (lambda passport: passport["files"][0].update(file="data\\values.csv"), "with forward slashes"),
        (lambda passport: passport.update(files=[]), "files: Tuple should have at least 1 item"),
    ],
)
def test_an_incomplete_passport(
    make_release: MakeRelease, make_source: MakeSource, spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    (problem,) = problems_of(make_release({"values.csv": GOOD}, spoil=spoil), make_source())
    assert (problem.rule, problem.file) == ("wrong_passport", "example/2024-10/passport.yml")
    assert said in problem.message


def test_a_passport_that_is_not_yaml(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD})
    (release.folder / "passport.yml").write_text("files: [", encoding="utf-8")
    assert problems_of(release, make_source())[0].rule == "wrong_passport"


def test_a_year_as_period_covered_is_text(make_release: MakeRelease) -> None:
    release = make_release({"values.csv": GOOD}, spoil=lambda passport: passport.update(period_covered=2019))
    assert read_passport(release).period_covered == "2019"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty_file"),
        (b"area_code,value\r\n", "header_only"),
        (b"area_code,value", "header_only"),
        (b"area_code,value\n,\n ,\n\n", "header_only"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "html_instead_of_csv"),
        (b"\xef\xbb\xbf\n <html>\n", "html_instead_of_csv"),
        (b"<?xml version='1.0'?>\n<Error/>", "html_instead_of_csv"),
        (b"PK\x03\x04rest of a workbook\n1\n", "workbook_instead_of_csv"),
    ],
)
def test_what_is_not_a_table(make_release: MakeRelease, make_source: MakeSource, content: bytes, rule: str) -> None:
    (problem,) = problems_of(make_release({"values.csv": content}), make_source())
    assert (problem.rule, problem.file) == (rule, "example/2024-10/values.csv")


def test_every_problem_of_a_release_is_listed(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"a.csv": GOOD, "b.csv": "<html>\n", "c.csv": ""})
    (release.folder / "a.csv").unlink()
    assert [(problem.rule, problem.file) for problem in problems_of(release, make_source())] == [
        ("missing_file", "example/2024-10/a.csv"),
        ("html_instead_of_csv", "example/2024-10/b.csv"),
        ("empty_file", "example/2024-10/c.csv"),
    ]


def test_a_loose_file_needs_no_passport_but_must_be_a_table(make_source: MakeSource, tmp_path: Path) -> None:
    path = tmp_path / "download.csv"
    path.write_text(GOOD, encoding="utf-8")
    (file,) = verify(loose_release("example", path), make_source())
    assert file.path == path
    path.write_text("<html>", encoding="utf-8")
    assert [problem.rule for problem in problems_of(loose_release("example", path), make_source())] == [
        "html_instead_of_csv"
    ]


SHEET = {"id": "values", "file": "*.csv", "parse": {"sheet": "Rates"}}


def test_files_may_stand_in_folders(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"meta.csv": GOOD, "health/data/values.csv": GOOD})
    files = verify(release, make_source())
    assert [(file.name, file.inside) for file in files] == [
        ("example/2024-10/meta.csv", "meta.csv"),
        ("example/2024-10/health/data/values.csv", "health/data/values.csv"),
    ]
    (release.folder / "health" / "data" / "extra.csv").write_text(GOOD, encoding="utf-8")
    (release.folder / ".git").mkdir()
    (release.folder / ".git" / "config").write_text("", encoding="utf-8")
    (problem,) = problems_of(release, make_source())
    assert (problem.rule, problem.file) == ("unlisted_file", "example/2024-10/health/data/extra.csv")


@pytest.mark.parametrize(
    ("inside", "pattern", "taken"),
    [
        ("health/data/values.csv", "health/*/*.csv", True),
        ("health/data/values.csv", "values.csv", True),
        ("health/data/values.csv", "data/*.csv", False),
        ("/home/me/health/data/values.csv", "health/data/*.csv", True),
        ("/home/me/values.csv", "health/data/*.csv", False),
    ],
    ids=["by path", "by name", "not from the middle", "loose, by the end of its path", "loose, elsewhere"],
)
def test_a_table_takes_files_by_path_or_name(make_source: MakeSource, inside: str, pattern: str, taken: bool) -> None:
    source = make_source(tables=[{"id": "values", "file": pattern}])
    assert [table.id for table in tables_for(inside, source)] == (["values"] if taken else [])


def test_a_companion_may_be_anything_but_has_to_be_listed(make_release: MakeRelease, make_source: MakeSource) -> None:
    release = make_release({"values.csv": GOOD, "notes/about.pdf": b"%PDF-1.7", "notes/old.xls": b"\xd0\xcf\x11\xe0"})
    source = make_source(companions=["notes/*"])
    assert len(verify(release, source)) == 3
    (release.folder / "notes" / "about.pdf").write_bytes(b"%PDF-1.6")
    assert [problem.rule for problem in problems_of(release, source)] == ["wrong_hash"]


def test_a_workbook_needs_a_table_with_a_sheet_and_the_reverse(
    make_release: MakeRelease, make_source: MakeSource
) -> None:
    workbook = make_release({"values.csv": b"PK\x03\x04..."})
    assert [problem.rule for problem in problems_of(workbook, make_source())] == ["workbook_instead_of_csv"]
    (file,) = verify(workbook, make_source(tables=[SHEET]))
    assert file.inside == "values.csv"
    both = [SHEET, {"id": "text", "file": "values.csv"}]
    assert [one.rule for one in problems_of(workbook, make_source(tables=both))] == ["workbook_instead_of_csv"]
    text = make_release({"values.csv": GOOD}, release_id="2025-01")
    (problem,) = problems_of(text, make_source(tables=[SHEET]))
    assert (problem.rule, "'Rates'" in problem.message) == ("text_instead_of_workbook", True)
