"""Parquet and CSV say cell by cell what the release says, in its order, and the same release gives the same bytes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from pipelines.problems import NotPublished
from pipelines.publish.exports.described_release import describe_release, open_release, select_sorted
from pipelines.publish.exports.file_names import CHECKSUMS, CSVW_METADATA, DATA_PACKAGE, README, WORKBOOK
from pipelines.publish.exports.release_exports import write_exports

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.publish.exports.described_release import DescribedTable
    from pipelines.settings import Settings

POLARS = {
    "SMALLINT": pl.Int16,
    "INTEGER": pl.Int32,
    "BIGINT": pl.Int64,
    "DOUBLE": pl.Float64,
    "VARCHAR": pl.String,
    "DATE": pl.Date,
    "TIMESTAMP": pl.Datetime("us"),
}


def differences(release_file: Path, folder: Path) -> list[str]:
    """Compare every exported table, in order, with the release: by DuckDB and by Polars, both formats."""
    found: list[str] = []
    with open_release(release_file) as connection:
        for table in describe_release(connection, "whole").tables:
            names = ", ".join(f"'{c.name}': '{c.data_type}'" for c in table.columns)
            numbered = "select row_number() over () as place, * from "
            connection.execute(f"create or replace temp table here as {numbered}({select_sorted(table)})")
            others = {
                f"{table.name}.parquet": f"read_parquet('{folder / table.name}.parquet')",
                f"{table.name}.csv": (
                    f"read_csv('{folder / table.name}.csv', header = true, auto_detect = false, delim = ',', "
                    f"quote = '\"', escape = '\"', nullstr = '', strict_mode = true, columns = {{{names}}})"
                ),
            }
            for name, there in others.items():
                # As many rows, and none here that is not there in the same place.
                same = connection.execute(
                    f"""
                    select
                        (select count(*) from here) = (select count(*) from {there})
                        and not exists (from here except all {numbered} {there})
                    """
                ).fetchone()
                if same != (True,):
                    found.append(f"{name}: DuckDB reads other rows")
            if not polars_agrees(folder, table):
                found.append(f"{table.name}: Polars reads other cells from the CSV than from the Parquet")
    return found


def polars_agrees(folder: Path, table: DescribedTable) -> bool:
    types = {column.name: POLARS[column.data_type] for column in table.columns}
    parquet = pl.read_parquet(folder / f"{table.name}.parquet")
    text = pl.read_csv(folder / f"{table.name}.csv", schema=types, null_values="")
    return parquet.schema == pl.Schema(types) and text.equals(parquet, null_equal=True)


def test_every_cell_of_the_small_release_comes_back(small_release: Path, small_export: Path) -> None:
    assert differences(small_release, small_export) == []


def test_every_cell_of_the_real_release_comes_back(published: Settings, real_export: Path) -> None:
    assert differences(published.served_file, real_export) == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"0.30000000000000004", b"0.3"),
        (b"2026-11-22T15:30:00.250", b"2026-11-22T15:30:00"),
        (b"1.7976931348623157", b"1.7976931348623155"),
        (b"it's ours", b"published"),
        (b"2,2024,", b"2,2022,"),
    ],
)
def test_a_changed_cell_is_a_difference(small_release: Path, small_export: Path, was: bytes, becomes: bytes) -> None:
    file = small_export / "fct_value.csv"
    content = file.read_bytes()
    assert content.count(was) == 1
    file.write_bytes(content.replace(was, becomes))
    assert [found.split(":")[0] for found in differences(small_release, small_export)] == ["fct_value.csv", "fct_value"]


def test_rows_in_another_order_are_a_difference(small_release: Path, small_export: Path) -> None:
    file = small_export / "fct_value.csv"
    header, first, second, *rest = file.read_bytes().split(b"\r\n")
    file.write_bytes(b"\r\n".join([header, second, first, *rest]))
    assert differences(small_release, small_export)


def test_csv_is_rfc_4180(small_export: Path) -> None:
    content = (small_export / "dim_area.csv").read_bytes()
    assert not content.startswith(b"\xef\xbb\xbf")
    records = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    assert records == [
        ["area_key", "area_code", "area_name", "parent_key", "is_current", "valid_from"],
        ["1", "E92000001", "England", "", "1", "1974-04-01"],
        ["2", "00123", 'Stoke, "the" Potteries', "1", "1", ""],
        ["9007199254740993", "=1+1", "two\r\nlines", "1", "0", "2023-12-31"],
        ["-5", "łódź ✔", "tab\tand \r alone", "2", "", ""],
    ]
    assert content.endswith(b"\r\n")
    outside_quotes = b"".join(content.split(b'"')[::2])
    assert outside_quotes.count(b"\n") == outside_quotes.count(b"\r\n") == outside_quotes.count(b"\r") == 5
    assert b'""' not in content.replace(b'""the"" Potteries"', b""), "an empty text"


def test_tables_keep_the_order_of_the_file_and_views_are_sorted(small_export: Path) -> None:
    keys = pl.read_parquet(small_export / "fct_value.parquet")["period"].to_list()
    assert keys == [2024, 2023, 2025, 2024, 2023, 2024]
    view = pl.read_csv(small_export / "v_value.csv")
    assert view.rows() == sorted(view.rows(), key=lambda row: row[:3])


def test_an_empty_table_is_a_header_with_types(small_export: Path) -> None:
    assert (small_export / "fct_empty.csv").read_bytes() == b"empty_key,area_key,value,note\r\n"
    assert pl.read_parquet(small_export / "fct_empty.parquet").schema["value"] == pl.Float64


def test_parquet_says_what_its_columns_hold(small_export: Path) -> None:
    said = dict(
        duckdb.execute(
            "select decode(key), decode(value) from parquet_kv_metadata(?)", [str(small_export / "fct_value.parquet")]
        ).fetchall()
    )
    assert said["release_id"] == "20261122T153000Z-00000000"
    assert said["edition"] == "public"
    assert '"value": "What value holds."' in said["columns"]
    compression = duckdb.execute(
        "select distinct compression from parquet_metadata(?)", [str(small_export / "fct_value.parquet")]
    ).fetchall()
    assert compression == [("ZSTD",)]


def test_the_same_release_gives_the_same_bytes(published: Settings, real_export: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    report = write_exports(published.served_file, again, edition="whole", workbook=again / WORKBOOK)
    names = sorted(file.name for file in real_export.iterdir())
    assert sorted(file.name for file in again.iterdir()) == names
    assert [name for name in names if (again / name).read_bytes() != (real_export / name).read_bytes()] == []
    tables = {name.removesuffix(".csv") for name in names if name.endswith(".csv")}
    assert {name.removesuffix(".parquet") for name in names if name.endswith(".parquet")} == tables
    assert len(tables) == report.tables
    assert set(names) - {f"{table}{suffix}" for table in tables for suffix in (".csv", ".parquet")} == {
        CHECKSUMS,
        CSVW_METADATA,
        DATA_PACKAGE,
        README,
        WORKBOOK,
    }
    assert report.bytes == sum(file.stat().st_size for file in again.iterdir())


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (
            "update fct_value set limit_kind = '' where false; insert into fct_empty values (1, 1, 1, '')",
            "fct_empty.note",
        ),
        ("insert into fct_value values (1, 1, 'nan', null, null)", "fct_value.value"),
        ("insert into fct_value values (1, 1, '-infinity', null, null)", "fct_value.value"),
        ("delete from data_dictionary where table_name = 'v_value'", "v_value"),
        ("delete from data_dictionary where column_name = 'area_code'", "area_code"),
        ("drop table release", "release"),
    ],
)
def test_what_csv_could_not_tell_apart_is_refused(small_release: Path, tmp_path: Path, spoil: str, named: str) -> None:
    with duckdb.connect(str(small_release)) as connection:
        connection.execute(spoil)
    with pytest.raises(NotPublished, match=named):
        write_exports(small_release, tmp_path / "export", edition="public")


def test_a_folder_with_something_in_it_is_refused(small_release: Path, small_export: Path) -> None:
    with pytest.raises(NotPublished, match="not empty"):
        write_exports(small_release, small_export, edition="public")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_text("no database")
    with pytest.raises(NotPublished, match="cannot be exported"):
        write_exports(tmp_path / "x.duckdb", tmp_path / "export", edition="public")
