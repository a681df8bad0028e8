"""The raw releases are what their passports say, and every area in them is known.

Comparisons of files under ``data/raw`` with their passports and with the area seeds belong here. Whether the figures
are plausible does not: that is the gate's business.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

DATA = Path(__file__).resolve().parents[2] / "data"
RAW = DATA / "raw"
SEEDS = DATA / "seeds"
RELEASES = sorted(path for path in RAW.glob("*/*") if path.is_dir())
MAXIMUM_BYTES = 4 * 1024 * 1024
PASSPORT_KEYS = {
    "publisher",
    "title",
    "licence",
    "licence_url",
    "source_url",
    "retrieved",
    "retrieved_precision",
    "period_covered",
    "selection",
    "files",
}
AREA_CODE_HEADERS = {"areacode", "parentcode", "sustainabilitytransformationpartnershipscodeons"}
PREFIXED_CODE = re.compile(r"^n(?=E38|E54)")


def passport_of(release: Path) -> dict[str, object]:
    """Read the passport of a release folder.

    Args:
        release: Folder ``data/raw/<source>/<release>``.

    Returns:
        The passport as written.
    """
    return yaml.safe_load((release / "passport.yml").read_text(encoding="utf-8"))


def listed_files() -> Iterator[tuple[Path, dict[str, object]]]:
    """Give every file that a passport lists.

    Yields:
        Path of the file, and its entry in the passport.
    """
    for release in RELEASES:
        entries = passport_of(release)["files"]
        assert isinstance(entries, list)
        for entry in entries:
            yield release / str(entry["file"]), entry


def read_records(path: Path, encoding: str) -> list[list[str]]:
    """Read a CSV as records of text, header first; a line break inside quotes does not end a record.

    Args:
        path: The file.
        encoding: The encoding that its passport states.

    Returns:
        One list of cells a record.

    Raises:
        UnicodeDecodeError: The file is not in that encoding.
    """
    return list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline="")))


def plain_header(header: str) -> str:
    """Reduce a header to its lower-case letters, so that ``Area Code`` and ``area_code`` are one.

    Args:
        header: A column header as published.

    Returns:
        Letters only.
    """
    return re.sub(r"[^a-z]", "", header.lower())


def area_codes_of(path: Path, encoding: str) -> set[str]:
    """Collect the codes in the area and parent columns of a file.

    Args:
        path: The file.
        encoding: The encoding that its passport states.

    Returns:
        Codes without the ``n`` that Fingertips puts before integrated care boards; empty cells left out.
    """
    header, *records = read_records(path, encoding)
    columns = [index for index, name in enumerate(header) if plain_header(name) in AREA_CODE_HEADERS]
    return {PREFIXED_CODE.sub("", record[index]) for record in records for index in columns if record[index]}


FILES = list(listed_files())
each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.relative_to(RAW).as_posix())
each_file = pytest.mark.parametrize(
    ("path", "entry"), FILES, ids=[path.relative_to(RAW).as_posix() for path, _ in FILES]
)


def test_there_are_releases_of_every_source() -> None:
    """An empty folder must not pass for a complete one."""
    sources = {release.parent.name for release in RELEASES}
    expected = {"fingertips", "trafford_jsna", "trafford_localities", "trafford_neighbours", "ukhsa_bacteraemia"}
    assert sources >= expected


@each_release
def test_passport_is_complete_and_openly_licensed(release: Path) -> None:
    """Every key is there, and the licence lets the figures be passed on."""
    passport = passport_of(release)
    assert set(passport) == PASSPORT_KEYS
    assert passport["licence"] == "Open Government Licence v3.0"
    assert all(passport[key] for key in PASSPORT_KEYS - {"source_url"})


@each_release
def test_release_name_is_the_month_of_retrieval(release: Path) -> None:
    """Release folders sort by time because their names are the month in which the file was obtained."""
    passport = passport_of(release)
    retrieved = passport["retrieved"]
    assert isinstance(retrieved, dt.date)
    assert release.name == f"{retrieved:%Y-%m}"
    assert passport["retrieved_precision"] in {"month", "day"}


@each_release
def test_passport_lists_every_file(release: Path) -> None:
    """No file is missing and none is unlisted."""
    entries = passport_of(release)["files"]
    assert isinstance(entries, list)
    listed = [entry["file"] for entry in entries]
    present = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}
    assert len(listed) == len(set(listed))
    assert set(listed) == present - {"passport.yml"}


@each_file
def test_file_is_the_one_in_the_passport(path: Path, entry: dict[str, object]) -> None:
    """Bytes, hash, encoding and number of records are those of the passport."""
    content = path.read_bytes()
    header, *records = read_records(path, str(entry["encoding"]))
    assert len(content) == entry["bytes"]
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert len(records) == entry["rows"]
    assert {len(record) for record in records} == {len(header)}


def test_windows_1252_is_stated_only_where_utf8_fails() -> None:
    """Windows-1252 decodes almost anything, so reading without an error does not show that it is the encoding."""
    stated = [path for path, entry in FILES if entry["encoding"] == "cp1252"]
    assert stated
    for path in stated:
        with pytest.raises(UnicodeDecodeError):
            path.read_bytes().decode("utf-8")


def test_raw_stays_small() -> None:
    """A clone carries selected figures, not whole extracts."""
    assert sum(path.stat().st_size for path in RAW.rglob("*") if path.is_file()) < MAXIMUM_BYTES


@each_file
def test_every_area_is_in_the_seed(path: Path, entry: dict[str, object]) -> None:
    """A figure for an area that nobody described could not be modelled."""
    known = set(pl.read_csv(SEEDS / "areas.csv", infer_schema=False)["area_code"])
    assert area_codes_of(path, str(entry["encoding"])) - known == set()


def test_area_codes_are_looked_for_where_they_are() -> None:
    """The headers that hold codes are recognised in every table that names areas by code."""
    without = {path.parent.parent.name for path, entry in FILES if not area_codes_of(path, str(entry["encoding"]))}
    assert without == {"trafford_localities"}


def test_area_seed_has_one_row_for_each_code_and_type() -> None:
    """Code and type identify a row, and rows are sorted so that a change is one line of a diff."""
    areas = pl.read_csv(SEEDS / "areas.csv", infer_schema=False)
    keys = areas.select("area_type", "area_code")
    assert keys.is_duplicated().sum() == 0
    assert keys.equals(keys.sort("area_type", "area_code"))


def test_parents_successors_and_footprints_are_areas() -> None:
    """A code that points to an area points to one in the seed."""
    areas = pl.read_csv(SEEDS / "areas.csv", infer_schema=False)
    footprints = pl.read_csv(SEEDS / "area_footprints.csv", infer_schema=False)
    known = set(areas["area_code"])
    parents = ["region_code", "icb_code", "upper_tier_code", "combined_authority_code", "successor_code"]
    for column in parents:
        assert set(areas[column].drop_nulls()) - known == set(), column
    for column in ("footprint_code", "constituent_code"):
        assert set(footprints[column]) - known == set(), column
