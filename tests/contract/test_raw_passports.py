"""The raw releases are what their passports say, and every area in them is known.

Comparisons of files under ``data/raw`` with their passports and with the area seeds belong here. Whether the figures
are plausible does not: that is the gate's business.
"""

from __future__ import annotations

import csv
import datetime as dt
import fnmatch
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import find_releases
from pipelines.acquire.source_registry import load_sources

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "data"
RAW = DATA / "raw"
SEEDS = DATA / "seeds"
# What a live fetch filed on this machine is named by the day, is not in git, and is checked when it is filed.
FETCHED_LIVE = re.compile(r"\d{4}-\d\d-\d\d.*")
RELEASES = sorted(path for path in RAW.glob("*/*") if path.is_dir() and not FETCHED_LIVE.fullmatch(path.name))
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
CODE_COLUMNS = ("area_code", "parent_code", "neighbour_code")
PREFIXED_CODE = r"^n(E38|E54)"
WORKBOOKS = {".ods", ".xlsx"}


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


def is_text(path: Path) -> bool:
    """Tell a text table, whose records can be counted without its declaration, from a workbook."""
    return path.suffix not in WORKBOOKS


@pytest.fixture(scope="session")
def landed_codes(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Every code of an area in any landed row: ``source_id``, ``source_file``, ``code`` without the leading ``n``."""
    folder = tmp_path_factory.mktemp("landed")
    found: list[pl.DataFrame] = []
    for source in load_sources(REPOSITORY / "pipelines" / "acquire" / "sources").values():
        land(source, find_releases(RAW, source.id), folder)
        rows = pl.read_parquet(folder / f"{source.id}.parquet")
        for column in set(CODE_COLUMNS) & set(rows.columns):
            found.append(rows.select("source_id", "source_file", pl.col(column).alias("code")).unique())
    codes = pl.concat(found).with_columns(pl.col("code").str.replace(PREFIXED_CODE, "${1}"))
    return codes.filter(pl.col("code").is_not_null()).unique()


FILES = list(listed_files())
each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.relative_to(RAW).as_posix())
each_file = pytest.mark.parametrize(
    ("path", "entry"), FILES, ids=[path.relative_to(RAW).as_posix() for path, _ in FILES]
)


def test_there_are_releases_of_every_source() -> None:
    """An empty folder must not pass for a complete one."""
    sources = {release.parent.name for release in RELEASES}
    assert sources == set(load_sources(REPOSITORY / "pipelines" / "acquire" / "sources"))


@each_release
def test_passport_is_complete_and_openly_licensed(release: Path) -> None:
    """Every key is there, and the licence lets the figures be passed on."""
    passport = passport_of(release)
    assert set(passport) == PASSPORT_KEYS
    assert passport["licence"] == "Open Government Licence v3.0"
    assert all(passport[key] for key in PASSPORT_KEYS - {"source_url"})


@each_release
def test_release_name_is_the_month_of_retrieval(release: Path) -> None:
    """Release folders sort by time: the month or day on which the files were obtained, a letter for a second one."""
    passport = passport_of(release)
    retrieved = passport["retrieved"]
    assert isinstance(retrieved, dt.date)
    precision = passport["retrieved_precision"]
    assert precision in {"month", "day"}
    day = f"{retrieved:%Y-%m}(-{retrieved:%d})?" if precision == "day" else f"{retrieved:%Y-%m}"
    assert re.fullmatch(f"{day}(-[b-z])?", release.name)


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
    assert len(content) == entry["bytes"]
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    if is_text(path):
        header, *records = read_records(path, str(entry["encoding"]))
        assert len(records) == entry["rows"]
        assert {len(record) for record in records} == {len(header)}
    else:
        assert zipfile.is_zipfile(path)
        assert str(entry["encoding"]).startswith("application/")


def test_windows_1252_is_stated_only_where_utf8_fails() -> None:
    """Windows-1252 decodes almost anything, so reading without an error does not show that it is the encoding."""
    stated = [path for path, entry in FILES if entry["encoding"] == "cp1252"]
    assert stated
    for path in stated:
        with pytest.raises(UnicodeDecodeError):
            path.read_bytes().decode("utf-8")


def test_raw_stays_small() -> None:
    """A clone carries selected figures, not whole extracts."""
    assert (
        sum(path.stat().st_size for folder in RELEASES for path in folder.rglob("*") if path.is_file()) < MAXIMUM_BYTES
    )


def test_every_area_is_in_the_seed_or_on_an_open_list(landed_codes: pl.DataFrame) -> None:
    """A figure for an area that nobody described could not be modelled."""
    known = pl.read_csv(SEEDS / "areas.csv", infer_schema=False)["area_code"]
    patterns = pl.read_csv(SEEDS / "area_types.csv", infer_schema=False)["code_pattern"].drop_nulls().to_list()
    strange = landed_codes.filter(~pl.col("code").is_in(known.implode()))
    assert [row for row in strange.iter_rows() if not any(re.fullmatch(one, row[2]) for one in patterns)] == []


def test_every_file_of_figures_has_areas(landed_codes: pl.DataFrame) -> None:
    """No table is landed without codes, which would leave the test above with nothing to look at."""
    sources = load_sources(REPOSITORY / "pipelines" / "acquire" / "sources")
    companions = {source.id: source.companions for source in sources.values()}
    for path, _ in FILES:
        name = path.relative_to(RAW).as_posix()
        source_id, _, inside = name.split("/", 2)
        if not any(fnmatch.fnmatchcase(inside, pattern) for pattern in companions[source_id]):
            assert landed_codes.filter(pl.col("source_file").str.starts_with(name)).height > 0, name


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
