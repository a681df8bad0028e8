"""Tables that are a part of their file, from declaration to landed rows and the counts of the load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import RawRelease, loose_release
from pipelines.acquire.source_registry import Source
from pipelines.problems import SourceRefused

MakeSource = Callable[..., Source]
MakeRelease = Callable[..., RawRelease]
Landed = Callable[..., pl.DataFrame]
Make = Callable[..., bytes]

RATES = [
    ["Table S1. Rates by area", None, None],
    ["This worksheet contains two tables.", None, None],
    ["Area [Note 1]", "2021 to 2022", "2022 to 2023"],
    ["E1", 60.5, 61.0],
    ["E2", "[x]", 70],
    [None, None, None],
    ["Table S1b. Counts", None, None],
    ["Area [Note 1]", "Year", "Cases"],
    ["E1", "2022 to 2023", 12.0],
    ["Source: the publisher", None, None],
]


def workbook_source(make_source: MakeSource, **changes: Any) -> Source:
    steps = {"sheet": "Table_S1", "header_at": "Area", "header_notes": r" \[Note \d\]"}
    rates = {
        "id": "rates",
        "file": "*.ods",
        "reader": "wide_table",
        "period_columns": r"\d{4} to \d{4}",
        "parse": {**steps, "until": "blank"},
        "constants": {"indicator_id": "example.one"},
    }
    counts = {
        "id": "counts",
        "file": "*.ods",
        "parse": {**steps, "below": "Table S1b", "until": "Source"},
        "columns": {"Year": "period_label", "Cases": "value"},
        "constants": {"indicator_id": "example.one"},
    }
    return make_source(
        columns={"Area": "area_code"}, markers={"[x]": "not_available"}, tables=[rates, {**counts, **changes}]
    )


def test_two_tables_of_one_sheet(
    make_source: MakeSource, make_release: MakeRelease, make_ods: Make, tmp_path: Path
) -> None:
    content = make_ods({"Cover": [["Notes"]], "Table_S1": RATES})
    record = land(workbook_source(make_source), [make_release({"tables.ods": content})], tmp_path / "landed")
    sheet = "example/2024-10/tables.ods#Table_S1"
    counted = [(one.file, one.table, one.rows, one.blank_records, one.outside_records) for one in record.files]
    # Nine filled records: the header and data of a table, and what is neither.
    assert counted == [(sheet, "rates", 4, 0, 6), (sheet, "counts", 1, 0, 7)]
    frame = pl.read_parquet(tmp_path / "landed" / "example.parquet")
    columns = ("source_table", "source_row_number", "source_column", "area_code", "period_label", "value")
    assert frame.sort("source_table", "source_row_number", "source_column").select(columns).rows() == [
        ("counts", 9, "Cases", "E1", "2022/23", 12.0),
        ("rates", 4, "2021 to 2022", "E1", "2021/22", 60.5),
        ("rates", 4, "2022 to 2023", "E1", "2022/23", 61.0),
        ("rates", 5, "2021 to 2022", "E2", "2021/22", None),
        ("rates", 5, "2022 to 2023", "E2", "2022/23", 70.0),
    ]
    assert set(frame["source_file"]) == {sheet}
    assert frame["value_as_published"].to_list().count("61") == 1
    assert frame["value_marker_meaning"].drop_nulls().to_list() == ["not_available"]


def test_every_table_that_is_not_there_is_named(
    make_source: MakeSource, make_release: MakeRelease, make_ods: Make, tmp_path: Path
) -> None:
    release = make_release({"tables.ods": make_ods({"Table_S1": RATES[:6], "Cover": [["x"]]})})
    source = workbook_source(make_source, parse={"sheet": "Table_S2"})
    with pytest.raises(SourceRefused) as refusal:
        land(source, [release], tmp_path / "landed")
    assert [(one.rule, one.file) for one in refusal.value.problems] == [
        ("missing_sheet", "example/2024-10/tables.ods#Table_S2"),
    ]


def test_a_missing_column_of_a_sheet_is_named_with_the_row_of_its_header(
    make_source: MakeSource, make_release: MakeRelease, make_ods: Make, tmp_path: Path
) -> None:
    release = make_release({"tables.ods": make_ods({"Table_S1": RATES})})
    source = workbook_source(make_source, columns={"Year": "period_label", "Number": "value"})
    with pytest.raises(SourceRefused) as refusal:
        land(source, [release], tmp_path / "landed")
    assert [(one.rule, one.row, one.column) for one in refusal.value.problems] == [
        ("unknown_column", 8, "Cases"),
        ("missing_column", 8, "Number"),
    ]


def test_text_saved_from_a_workbook(make_source: MakeSource, landed: Landed) -> None:
    table = {
        "id": "values",
        "file": "*.csv",
        "encoding": "cp1252",
        "parse": {"header_at": "Area Code", "drop_empty_columns": True, "preamble": {"period_label": "Date:"}},
        "columns": {"Area Code": "area_code", "%": "value"},
        "constants": {"indicator_id": "example.one", "area_name": "All"},
    }
    content = "Indicator:,Smokers\u00a0,,\nDate: ,2019/20,,\n,,,\nArea Code,%,,\nE1,15.9,,\n,,,\nE2,NA,,\nE3\n"
    frame = landed(make_source(columns={}, tables=[table]), content.encode("cp1252"))
    columns = ("source_row_number", "area_code", "period_label", "value", "unreadable_cells")
    assert frame.select(columns).rows() == [
        (5, "E1", "2019/20", 15.9, None),
        (7, "E2", "2019/20", None, None),
        (8, "E3", "2019/20", None, "record has 1 of 2 cells"),
    ]


@pytest.mark.parametrize(
    ("content", "rule", "row"),
    [
        (b"Title\nArea Code,%\nE\xa01,2\n", "undecodable_bytes", 3),
        (b'Title\nArea Code,%\nE1,"2\n', "malformed_csv", 3),
        (b"Title\nArea,%\nE1,2\n", "header_not_found", None),
    ],
)
def test_text_with_a_title_that_cannot_be_read(
    make_source: MakeSource, landed: Landed, content: bytes, rule: str, row: int | None
) -> None:
    columns = {"Area Code": "area_code", "%": "value"}
    table = {"id": "values", "file": "*.csv", "parse": {"header_at": "Area Code"}, "columns": columns}
    with pytest.raises(SourceRefused) as refusal:
        landed(make_source(columns={}, tables=[table]), content)
    (problem,) = refusal.value.problems
    assert (problem.rule, problem.file, problem.row) == (rule, "example/2024-10/values.csv", row)


META = {"file": "../meta.csv", "listed_in": "data", "columns": {"geography": "area_type"}}


def test_a_table_in_a_folder_with_its_description_beside_it(
    make_source: MakeSource, make_release: MakeRelease, tmp_path: Path
) -> None:
    table = {"id": "values", "file": "*/data/*.csv", "parse": {"metadata": META}}
    source = make_source(companions=["*meta.csv"], tables=[table])
    meta = "data,geography\nhttps://example.org/health/data/age.csv,Electoral ward\n"
    files = {"health/meta.csv": meta, "health/data/age.csv": "area_code,period,value,count\nE1,2021/22,1,2\n"}
    first = land(source, [make_release(files)], tmp_path / "landed")
    frame = pl.read_parquet(tmp_path / "landed" / "example.parquet")
    assert frame.select("source_file", "area_code", "area_type").rows() == [
        ("example/2024-10/health/data/age.csv", "E1", "Electoral ward")
    ]
    assert [one.file for one in first.files] == ["example/2024-10/health/data/age.csv"]
    # A companion that changes may change what lands: it is another load.
    (tmp_path / "raw" / "example" / "2024-10").rename(tmp_path / "before")
    files["health/meta.csv"] = meta + "other.csv,Parish\n"
    assert land(source, [make_release(files)], tmp_path / "landed").load_id != first.load_id


def test_a_loose_table_finds_its_description(make_source: MakeSource, tmp_path: Path) -> None:
    table = {"id": "values", "file": "health/data/*.csv", "parse": {"metadata": META}}
    path = tmp_path / "mine" / "health" / "data" / "age.csv"
    path.parent.mkdir(parents=True)
    path.write_text("area_code,period,value,count\nE1,2021/22,1,2\n", encoding="utf-8")
    (path.parents[1] / "meta.csv").write_text("data,geography\nage.csv,Ward\n", encoding="utf-8")
    land(make_source(tables=[table]), [loose_release("example", path)], tmp_path / "landed", every_table=False)
    assert pl.read_parquet(tmp_path / "landed" / "example.parquet")["area_type"].to_list() == ["Ward"]
