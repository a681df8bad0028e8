"""Header generations of Fingertips, beyond the slices in test_readers: names never seen, columns without a name."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import loose_release
from pipelines.acquire.source_registry import Source
from pipelines.problems import Problem

RealSource = Callable[[str], Source]
Landed = Callable[..., pl.DataFrame]
Refused = Callable[..., tuple[Problem, ...]]

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "fingertips"
EXTRACTS = {
    "91547_all_area_types_2024-10.csv": 17_627,
    "93861_all_area_types_written_by_r_2022-11.csv": 1_202,
    "93881_counties_uas_2026-02.csv": 2_223,
    "93881_england_bom_2026-05.csv": 9,
    "eight_indicators_east_midlands_2019-11.csv": 87,
    "suicides_east_midlands_2019-06.csv": 55,
    "suicides_north_west_2019-06.csv": 125,
    "suicides_yorkshire_2019-06.csv": 85,
}

HEADER = (
    "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,Category Type,Category,"
    "Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,Lower CI 99.8 limit,Upper CI 99.8 limit,Count,"
    "Denominator,Value note,Recent Trend,Compared to England value or percentiles,Column not used,"
    "Time period Sortable,New data,Compared to goal,Time period range"
)
ROW = (
    "91547,Smoking prevalence in adults (15+) - current smokers (QOF),E92000001,England,E06000015,Derby,UA,Persons,"
    "15+ yrs,,,2013/14,17.8,17.7,17.9,,,395046,2219197,,Cannot be calculated,Better,Worse,20130000,,,1y"
)


def fields(line: str) -> list[str]:
    return line.split(",")


@pytest.mark.parametrize(
    "name",
    [
        "Compared to PCNs (v. 27/10/23) value or percentiles",
        "Compared to CCGs (from Apr 2021) value or percentiles",
        "Compared_to_ICBs_value_or_percentiles",
        "Compared to percentiles",
        "Column not used",
        "Column.not.used",
        "Benchmarked against the neighbours",
        "Neighbours",
    ],
)
def test_the_comparison_with_the_parent_whatever_its_name(real_source: RealSource, landed: Landed, name: str) -> None:
    row = landed(real_source("fingertips"), f"{HEADER.replace('Column not used', name)}\n{ROW}\n").row(0, named=True)
    assert (row["compared_to_parent_published"], row["compared_to_england_published"]) == ("Worse", "Better")


def test_the_place_behind_england_counts_where_columns_before_it_are_missing(
    real_source: RealSource, landed: Landed
) -> None:
    kept = [place for place in range(27) if place not in (15, 16)]
    header, row = (
        ",".join(fields(line)[place] for place in kept)
        for line in (HEADER.replace("Column not used", "Neighbours"), ROW)
    )
    frame = landed(real_source("fingertips"), f"{header}\n{row}\n")
    assert frame["compared_to_parent_published"].to_list() == ["Worse"]


def test_a_file_without_the_comparison_with_the_parent(real_source: RealSource, landed: Landed) -> None:
    header, row = (",".join(fields(line)[:22] + fields(line)[23:]) for line in (HEADER, ROW))
    frame = landed(real_source("fingertips"), f"{header}\n{row}\n")
    assert frame.select("compared_to_parent_published", "period_sortable").row(0) == (None, 20130000)


@pytest.mark.parametrize("first", ["", "Unnamed: 0", "...1"])
def test_row_numbers_of_other_programs_are_left_out(real_source: RealSource, landed: Landed, first: str) -> None:
    header = HEADER.replace("Column not used", "Neighbours")
    frame = landed(real_source("fingertips"), f'"{first}",{header}\n"1",{ROW}\n')
    assert frame.select("indicator_id", "compared_to_parent_published").row(0) == ("91547", "Worse")


def test_a_second_column_without_a_name_does_not_go_unnoticed(real_source: RealSource, refused: Refused) -> None:
    (problem,) = refused(real_source("fingertips"), f'"",{HEADER},\n"1",{ROW},left over\n')
    assert (problem.rule, problem.column) == ("unknown_column", "")


def test_a_header_of_symbols_is_not_an_unnamed_one(real_source: RealSource, refused: Refused) -> None:
    (problem,) = refused(real_source("fingertips"), f'"",{HEADER},%\n"1",{ROW},5\n')
    assert (problem.rule, problem.column) == ("unknown_column", "%")


def test_r_without_a_name_for_its_row_numbers(real_source: RealSource, refused: Refused) -> None:
    # write.table(sep = ",") leaves the header one cell short, so every value stands under the name of its neighbour.
    (problem,) = refused(real_source("fingertips"), f'{HEADER}\n"1",{ROW}\n"2",{ROW}\n')
    assert (problem.rule, problem.row) == ("ragged_file", 2)


def test_a_last_cell_that_is_missing_does_no_harm(real_source: RealSource, landed: Landed) -> None:
    short = ROW.removesuffix(",1y")
    frame = landed(real_source("fingertips"), f"{HEADER}\n{ROW}\n{short}\n{short.removesuffix(',')}\n{ROW}\n{ROW}\n")
    assert frame["unreadable_cells"].null_count() == 5
    assert frame["period_range"].to_list() == ["1y", None, None, "1y", "1y"]


def test_a_record_that_ends_before_its_period_is_noted(real_source: RealSource, landed: Landed) -> None:
    short = ",".join(fields(ROW)[:23])
    frame = landed(real_source("fingertips"), f"{HEADER}\n{ROW}\n{short}\n{ROW}\n")
    assert frame["unreadable_cells"].to_list() == [None, "record has 23 of 27 cells", None]


@pytest.mark.parametrize("name", EXTRACTS)
def test_every_real_extract_lands_whole(real_source: RealSource, tmp_path: Path, name: str) -> None:
    path = SHARED / name
    if not path.is_file():
        pytest.skip("needs the extracts beside the project, too large for it")
    record = land(real_source("fingertips"), [loose_release("fingertips", path)], tmp_path, every_table=False)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        records = sum(1 for _ in csv.reader(stream)) - 1
    frame = pl.read_parquet(tmp_path / "fingertips.parquet")
    assert record.rows == frame.height == records == EXTRACTS[name]
    assert frame["unreadable_cells"].null_count() == records
    assert frame["period_type"].null_count() == 0
