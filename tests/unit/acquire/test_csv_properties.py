"""What holds of every CSV, whatever is in it: cells come back as written, and no record is lost or invented.

The independent witness is the standard library's parser, given the whole text at once.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import loose_release
from pipelines.acquire.readers.delimited_text import ROW_NUMBER, read_header, scan, walk
from pipelines.acquire.source_registry import Source, load_source
from pipelines.problems import SourceRefused

PROJECT = Path(__file__).resolve().parents[3]
REAL = PROJECT.parent / "shared" / "data" / "fingertips" / "91547_all_area_types_2024-10.csv"

HEADER = (
    "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,Category Type,Category,"
    "Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,Lower CI 99.8 limit,Upper CI 99.8 limit,Count,"
    "Denominator,Value note,Recent Trend,Compared to England value or percentiles,Column not used,"
    "Time period Sortable,New data,Compared to goal,Time period range"
)
SMOKING = '91547,"Smoking prevalence in adults (15+) - current smokers (QOF)",E92000001,England,'
ROWS = (
    SMOKING + "E12000001,North East region,Region,Persons,15+ yrs,,,2013/14,21.3,21.2,21.4,,,475000,2230000,,,Worse,"
    "Not compared,20130000,,,1y",
    SMOKING + '"nE54000048","NHS Norfolk, Waveney",ICBs,Persons,15+ yrs,,,2014/15,17.8,17.7,17.9,,,395046,2219197.452,'
    '"Aggregated, from ""all"" known\nlower geography values",Increasing,Better,Not compared,20140000,,,1y',
    SMOKING + "A82003,A practice,GPs,Persons,15+ yrs,,,2015/16,,,,,,,,Value missing in source data,,Not compared,"
    "Not compared,20150000,,,1y",
    SMOKING
    + "E06000015,Derby,UA,Persons,15+ yrs,,,2023/24,17.8,17.7,17.9,,,395046,2219197,,No significant change,Better,"
    "Not compared,20230000,,,1y",
)
FINGERTIPS = "\r\n".join((HEADER, *ROWS, "," * 26, "")).encode()

quick = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def fingertips() -> Source:
    return load_source(PROJECT / "pipelines" / "acquire" / "sources" / "fingertips.yml")


@pytest.fixture
def tidy(make_source: Callable[..., Source]) -> Source:
    return make_source()


def witnessed(content: bytes) -> dict[int, list[str]]:
    """Return the filled data records of UTF-8 text by number, as the standard library reads them."""
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    return {n: record for n, record in enumerate(csv.reader(text, strict=True), start=1) if n > 1 and any(record)}


def landed(source: Source, folder: Path, content: bytes) -> tuple[pl.DataFrame, int] | None:
    """Return the landed rows and the number of blank records; None if the file is refused."""
    path = folder / "values.csv"
    path.write_bytes(content)
    try:
        record = land(source, [loose_release(source.id, path)], folder / "landed", every_table=False)
    except SourceRefused as refused:
        assert all(problem.message and problem.remedy for problem in refused.problems)
        return None
    frame = pl.read_parquet(folder / "landed" / f"{source.id}.parquet")
    assert frame.height == record.rows
    return frame, record.files[0].blank_records


def assert_nothing_lost(source: Source, folder: Path, content: bytes) -> None:
    result = landed(source, folder, content)
    if result is not None:
        frame, blank = result
        expected = witnessed(content)
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        assert sorted(frame[ROW_NUMBER]) == list(expected)
        assert frame.height + blank == sum(1 for _ in csv.reader(text)) - 1


awkward = st.text(alphabet='ab1 ,"\r\n\t;\u00e9\u00a0\u2019', max_size=6)
DIALECTS: list[tuple[Literal[0, 1], str, str]] = [
    (quoting, line_end, encoding)
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    for line_end in ("\n", "\r\n")
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16")
]


@quick
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(awkward, min_size=width, max_size=width), min_size=1, max_size=12)
    ),
    st.sampled_from(DIALECTS),
    st.booleans(),
)
def test_cells_come_back_as_written(
    tmp_path: Path, rows: list[list[str]], dialect: tuple[Literal[0, 1], str, str], final_line_end: bool
) -> None:
    quoting, line_end, encoding = dialect
    if line_end == "\n" and any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL  # before Python 3.13 the writer leaves a cell with a carriage return alone unquoted
    width = len(rows[0])
    header = [f"column {position}" for position in range(width)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    written = text.getvalue() if final_line_end else text.getvalue().removesuffix(line_end)
    path = tmp_path / "values.csv"
    path.write_bytes(written.encode(encoding))
    assert read_header(path, encoding, "f") == tuple(header)
    found = walk(path, encoding, "f", width)
    filled = {number: row for number, row in enumerate(rows, start=2) if any(row)}
    assert [one.rule for one in found.problems] == ([] if filled else ["header_only"])
    assert (found.filled, found.filled + found.blank, found.ragged) == (len(filled), len(rows), {})
    scanned = scan(path, encoding, width, tmp_path).collect(engine="streaming")
    read = {number: [cell or "" for cell in row] for number, *row in scanned.rows()}
    assert {number: row for number, row in read.items() if any(row)} == filled
    assert list(read) == list(range(2, len(rows) + 2))


@quick
@given(st.lists(st.lists(st.sampled_from(["", "x", "y,z", "1"]), min_size=1, max_size=6), min_size=1, max_size=12))
def test_ragged_records_are_all_listed(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "values.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["a", "b", "c"], *rows])
    found = walk(path, "utf-8", "f", 3)
    filled = {number: row for number, row in enumerate(rows, start=2) if any(row)}
    assert found.ragged == {number: len(row) for number, row in filled.items() if len(row) < 3 or any(row[3:])}
    scanned = scan(path, "utf-8", 3, tmp_path).collect().rows()
    assert {number: [cell or "" for cell in row] for number, *row in scanned if number in filled} == {
        number: [*row, "", ""][:3] for number, row in filled.items()
    }


@quick
@example(b"E1,2021/22,1,2\n,,,,only beyond the header\n\n")
@example(b"E1,2021/22,1,2\n\n\n\n,,,,,,\nE1,2021/22,1,2\r")
@example(b'E1,2021/22,1,2\n"E\x00\n2",2021/22,"",\n')
@example(b"E1,2021/22,1,2\r\xffE2,2021/22,1,2\n")
@example(b'"' + b"x" * 200_000 + b'",2021/22,1,2\n')
@example(b"\xff" + b'"' + b"x" * 200_000)
@given(
    st.lists(
        st.sampled_from(
            [b"E1", b",", b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"2021/22", b" ", b"\xa0", b"\xc3\xa9", b"\0"]
        ),
        max_size=40,
    ).map(b"".join)
)
def test_any_bytes_below_a_header_land_whole_or_are_refused(tmp_path: Path, tidy: Source, body: bytes) -> None:
    assert_nothing_lost(tidy, tmp_path, b"area_code,period,value,count\n" + body)


@quick
@example(b"\xff\xfea\x00")
@example(b"\xef\xbb\xbf")
@example(b'"area_code')
@example(b"\n")
@given(st.binary(max_size=60))
def test_any_bytes_at_all_land_whole_or_are_refused(tmp_path: Path, tidy: Source, content: bytes) -> None:
    assert_nothing_lost(tidy, tmp_path, content)


@quick
@given(st.integers(0, len(FINGERTIPS) - 1))
def test_a_file_cut_off_anywhere_loses_no_row_silently(tmp_path: Path, fingertips: Source, length: int) -> None:
    assert_nothing_lost(fingertips, tmp_path, FINGERTIPS[:length])


@quick
@given(
    st.integers(0, len(FINGERTIPS)),
    st.integers(0, 3),
    st.sampled_from(
        [b"", b",", b'"', b"\n", b"\r", b"\xa0", b'",', b',"', b"x", b"\0", b"\xef\xbb\xbf", b",,,,", b'""']
    ),
)
def test_bytes_put_in_or_taken_out_anywhere_lose_no_row_silently(
    tmp_path: Path, fingertips: Source, place: int, taken: int, put: bytes
) -> None:
    assert_nothing_lost(fingertips, tmp_path, FINGERTIPS[:place] + put + FINGERTIPS[place + taken :])


@quick
@given(st.integers(1, 4), st.integers(0, 26), st.booleans())
def test_a_lost_or_added_comma_is_noted_unless_it_does_no_harm(
    tmp_path: Path, fingertips: Source, row: int, place: int, lost: bool
) -> None:
    records = list(csv.reader(io.StringIO(FINGERTIPS.decode(), newline="")))
    spoiled = records[row]
    if lost:
        del spoiled[place]
    else:
        spoiled.insert(place, "")
    text = io.StringIO(newline="")
    csv.writer(text).writerows(records)
    result = landed(fingertips, tmp_path, text.getvalue().encode())
    assert result is not None
    noted = dict(result[0].select(ROW_NUMBER, "unreadable_cells").rows())
    assert [number for number, note in noted.items() if note and number != row + 1] == []
    # Behind the sortable number stand texts and the range, and nothing that could tell their places apart is in them.
    if place <= 23:
        assert f"record has {len(spoiled)} of 27 cells" in (noted[row + 1] or "")


def test_line_breaks_in_quotes_are_counted_right_in_parallel(tmp_path: Path) -> None:
    # Large enough for the scan to be split between threads, which have to find out whether they start inside quotes.
    path = tmp_path / "values.csv"
    records = 60_000
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["number", "text"])
        writer.writerows((number, 'one,\n"two",\r\n\n' * (number % 5)) for number in range(2, records + 2))
    found = walk(path, "utf-8", "f", 2)
    assert (found.filled, found.blank, found.ragged, found.problems) == (records, 0, {}, ())
    scanned = scan(path, "utf-8", 2, tmp_path).collect(engine="streaming")
    assert scanned.height == records
    assert scanned.filter(pl.col(ROW_NUMBER).cast(pl.String) != pl.col("cell_0")).is_empty()
    lengths = scanned["cell_1"].str.len_bytes().fill_null(0)
    assert lengths.to_list() == [14 * (number % 5) for number in range(2, records + 2)]


def content_of(frame: pl.DataFrame) -> pl.DataFrame:
    kept = frame.drop(ROW_NUMBER, "source_file_sha256")
    return kept.sort(kept.columns, nulls_last=True)


def assert_same_however_ordered(source: Source, folder: Path, content: bytes, seed: int) -> None:
    header, *rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if row]
    order = random.Random(seed)
    order.shuffle(rows)
    columns = list(range(len(header)))
    order.shuffle(columns)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([row[position] for position in columns] for row in (header, *rows))
    straight, shuffled = (landed(source, folder, one) for one in (content, text.getvalue().encode()))
    assert straight is not None
    assert shuffled is not None
    assert straight[0].schema == shuffled[0].schema
    assert_frame_equal(content_of(straight[0]), content_of(shuffled[0]), check_exact=True)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_rows_and_columns_does_not_matter(tmp_path: Path, fingertips: Source, seed: int) -> None:
    assert_same_however_ordered(fingertips, tmp_path, FINGERTIPS, seed)


@pytest.mark.skipif(not REAL.is_file(), reason="needs the extract of 17,627 rows beside the project, too large for it")
def test_order_does_not_matter_in_the_real_extract(tmp_path: Path, fingertips: Source) -> None:
    content = REAL.read_bytes()
    assert_same_however_ordered(fingertips, tmp_path, content, seed=2024)
    result = landed(fingertips, tmp_path, content)
    assert result is not None
    assert (result[0].height, result[1]) == (17_627, 0)
