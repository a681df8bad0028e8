"""One load: which files go where, how it is identified, and that it appears whole or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.acquire import landing
from pipelines.acquire.landing import land, read_load_record
from pipelines.acquire.raw_snapshots import RawRelease, find_releases, loose_release
from pipelines.acquire.readers import READERS, tidy_table
from pipelines.acquire.readers.table_file import ReadFile, TableFile
from pipelines.acquire.source_registry import Source, load_sources
from pipelines.problems import OutcomesError, SourceRefused

MakeSource = Callable[..., Source]
MakeRelease = Callable[..., RawRelease]

PROJECT = Path(__file__).resolve().parents[3]
HEADER = "area_code,period,value,count\n"
ROW = "E1,2021/22,1,2\n"


def rules(refusal: pytest.ExceptionInfo[SourceRefused]) -> list[tuple[str, str | None]]:
    return [(problem.rule, problem.file) for problem in refusal.value.problems]


def test_releases_land_together_with_their_record(
    make_source: MakeSource, make_release: MakeRelease, tmp_path: Path
) -> None:
    make_release({"old.csv": HEADER + ROW + ",,,\n"}, release_id="2019-06")
    make_release({"new.csv": HEADER + ROW + "E2,2021/22,3,4\n"}, release_id="2024-10")
    record = land(make_source(), find_releases(tmp_path / "raw", "example"), tmp_path / "landed")

    assert (record.source_id, record.releases, record.rows) == ("example", ("2019-06", "2024-10"), 3)
    assert [(file.file, file.release, file.table, file.rows, file.blank_records) for file in record.files] == [
        ("example/2019-06/old.csv", "2019-06", "values", 1, 1),
        ("example/2024-10/new.csv", "2024-10", "values", 2, 0),
    ]
    parquet = tmp_path / "landed" / "example.parquet"
    assert read_load_record(parquet) == record
    assert [path.name for path in parquet.parent.iterdir()] == ["example.parquet"]
    frame = pl.read_parquet(parquet)
    assert frame.select("source_release", "source_row_number", "area_code").rows() == [
        ("2019-06", 2, "E1"),
        ("2024-10", 2, "E1"),
        ("2024-10", 3, "E2"),
    ]
    assert frame["source_file_sha256"].unique().sort().to_list() == sorted(file.sha256 for file in record.files)


def test_a_load_is_identified_by_files_and_declaration(
    make_source: MakeSource, make_release: MakeRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = [make_release({"values.csv": HEADER + ROW})]
    first = land(make_source(), releases, tmp_path / "landed").load_id
    assert len(first) == 12
    assert land(make_source(), releases, tmp_path / "landed").load_id == first
    assert land(make_source(title="Other"), releases, tmp_path / "landed").load_id != first
    more = [*releases, make_release({"values.csv": HEADER + ROW}, release_id="2025-01")]
    assert land(make_source(), more, tmp_path / "landed").load_id != first
    monkeypatch.setattr(landing, "READER_VERSION", "another")
    assert land(make_source(), releases, tmp_path / "landed").load_id != first


def test_files_and_tables_must_match(make_source: MakeSource, make_release: MakeRelease, tmp_path: Path) -> None:
    tables: list[dict[str, Any]] = [
        {"id": "one", "file": "a*.csv"},
        {"id": "two", "file": "*b.csv"},
        {"id": "three", "file": "c.csv"},
    ]
    release = make_release({"ab.csv": HEADER + ROW, "x.csv": HEADER + ROW})
    with pytest.raises(SourceRefused) as refusal:
        land(make_source(tables=tables), [release], tmp_path / "landed")
    assert rules(refusal) == [
        ("file_in_two_tables", "example/2024-10/ab.csv"),
        ("file_without_table", "example/2024-10/x.csv"),
        ("table_without_file", None),
        ("table_without_file", None),
        ("table_without_file", None),
    ]


def test_the_pattern_that_spells_out_most_of_a_name_takes_the_file(
    make_source: MakeSource, make_release: MakeRelease, tmp_path: Path
) -> None:
    tables: list[dict[str, Any]] = [{"id": "all", "file": "*.csv"}, {"id": "wards", "file": "*wards*.csv"}]
    release = make_release({"a_wards_2.csv": HEADER + ROW, "values.csv": HEADER + ROW})
    record = land(make_source(tables=tables), [release], tmp_path / "landed")
    assert {file.file.rsplit("/", 1)[-1]: file.table for file in record.files} == {
        "a_wards_2.csv": "wards",
        "values.csv": "all",
    }


def test_no_release(make_source: MakeSource, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as refusal:
        land(make_source(), (), tmp_path / "landed")
    assert rules(refusal) == [("no_release", None)]


def test_a_refused_load_leaves_the_last_one_and_lists_every_file(
    make_source: MakeSource, make_release: MakeRelease, tmp_path: Path
) -> None:
    good = make_release({"values.csv": HEADER + ROW})
    land(make_source(), [good], tmp_path / "landed")
    before = (tmp_path / "landed" / "example.parquet").read_bytes()
    bad = make_release({"a.csv": HEADER + "E1\n", "b.csv": "area\nE1\n"}, release_id="2025-01")
    with pytest.raises(SourceRefused) as refusal:
        land(make_source(), [good, bad], tmp_path / "landed")
    assert {file for _, file in rules(refusal)} == {"example/2025-01/a.csv", "example/2025-01/b.csv"}
    assert [path.name for path in (tmp_path / "landed").iterdir()] == ["example.parquet"]
    assert (tmp_path / "landed" / "example.parquet").read_bytes() == before


def test_a_reader_that_loses_rows_is_caught(
    make_source: MakeSource, make_release: MakeRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(file: TableFile) -> ReadFile:
        read = tidy_table.read(file)
        return dataclasses.replace(read, frame=read.frame.head(1))

    monkeypatch.setattr(landing, "READERS", {**READERS, "tidy_table": forgetful})
    release = make_release({"values.csv": HEADER + ROW + ROW})
    with pytest.raises(OutcomesError, match=r"values\.csv, table values: 2 in the file, 1 landed") as error:
        land(make_source(), [release], tmp_path / "landed")
    assert not isinstance(error.value, SourceRefused)
    assert list((tmp_path / "landed").iterdir()) == []


def test_one_loose_file_lands_without_the_other_tables(make_source: MakeSource, tmp_path: Path) -> None:
    tables = [{"id": "one", "file": "a.csv"}, {"id": "two", "file": "b.csv"}]
    path = tmp_path / "a.csv"
    path.write_text(HEADER + ROW, encoding="utf-8")
    record = land(make_source(tables=tables), [loose_release("example", path)], tmp_path / "landed", every_table=False)
    assert [(file.file, file.table) for file in record.files] == [("example/unreleased/a.csv", "one")]


def test_what_is_not_a_landed_file_has_no_record(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no", encoding="utf-8")
    for name in ("other.parquet", "text.parquet", "missing.parquet"):
        with pytest.raises(OutcomesError, match=f"{name} holds no load record"):
            read_load_record(tmp_path / name)


@pytest.mark.parametrize("source_id", sorted(load_sources(PROJECT / "pipelines" / "acquire" / "sources")))
def test_the_raw_data_of_this_project_land_and_every_unreadable_cell_is_a_known_one(
    source_id: str, tmp_path: Path
) -> None:
    source = load_sources(PROJECT / "pipelines" / "acquire" / "sources")[source_id]
    record = land(source, find_releases(PROJECT / "data" / "raw", source_id), tmp_path)
    frame = pl.read_parquet(tmp_path / f"{source_id}.parquet")
    assert frame.height == record.rows > 0
    unreadable = frame.filter(pl.col("unreadable_cells").is_not_null())
    if source_id == "fingertips":
        # NHS Health Checks are quarterly, and the extract of the database behind the tool prints the year alone.
        assert set(unreadable["indicator_id"]) == {"91040"}
        assert unreadable["unreadable_cells"].str.ends_with("the indicator has no declared period").all()
    else:
        assert unreadable.is_empty()
    if source.provides == "indicator_values":
        assert set(frame["indicator_id"]) <= {indicator.id for indicator in source.indicators}
        assert frame["period_start"].null_count() == unreadable.height


def test_a_file_that_only_describes_others_is_refused_with_words(
    make_source: MakeSource, make_release: MakeRelease, tmp_path: Path
) -> None:
    with pytest.raises(SourceRefused) as refusal:
        land(make_source(companions=["meta.csv"]), [make_release({"meta.csv": HEADER + ROW})], tmp_path / "landed")
    assert rules(refusal) == [("companion_without_table", "example/2024-10/meta.csv")]
