"""Counting records and finding those that cannot be read, against the standard library's parser."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.acquire.readers.delimited_text import read_header, scan, stray_quotes, walk
from pipelines.problems import Problem


def save(folder: Path, content: bytes | str) -> Path:
    path = folder / "values.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_row_numbers_count_records_not_lines(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b\n"one\nof two\r\nlines",1\n\ntwo,2\n,\n"th""ree",3')
    found = walk(path, "utf-8", "f", 2)
    assert (found.filled, found.blank, found.problems) == (3, 2, ())
    assert scan(path, "utf-8", 2, tmp_path).collect().rows() == [
        (2, "one\nof two\r\nlines", "1"),
        (3, None, None),
        (4, "two", "2"),
        (5, None, None),
        (6, 'th"ree', "3"),
    ]


def test_too_few_and_too_many_cells_are_found(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b,c\n1,2,3\n1,2\n1,"2,2",3\n1,"2",3,4\n,\n')
    short, long = walk(path, "utf-8", "f", 3).problems
    assert (short.rule, short.file, short.row) == ("ragged_row", "f", 3)
    assert "2 cells, the header has 3" in short.message
    assert (long.row, "4 cells" in long.message) == (5, True)


def test_many_ragged_rows_are_summed_up(tmp_path: Path) -> None:
    problems = walk(save(tmp_path, "a,b\n" + "1\n" * 50), "utf-8", "f", 2).problems
    assert len(problems) == 21
    assert "50 records" in problems[-1].message


def test_undecodable_bytes_are_found_by_row(tmp_path: Path) -> None:
    path = save(tmp_path, b'a,b\nx,1\n"two\nlines",2\nMRSA\xa0rate,3\n')
    (problem,) = walk(path, "utf-8", "f", 2).problems
    assert (problem.rule, problem.row, problem.value) == ("undecodable_bytes", 4, "MRSA\\udca0rate")
    assert "cp1252" in problem.remedy
    assert walk(path, "cp1252", "f", 2).problems == ()
    assert scan(path, "cp1252", 2, tmp_path).collect()["cell_0"].to_list()[-1] == "MRSA\u00a0rate"


def test_an_undecodable_header(tmp_path: Path) -> None:
    problem = read_header(save(tmp_path, b"a,\xff\n1,2\n"), "utf-8", "f")
    assert isinstance(problem, Problem)
    assert (problem.rule, problem.row) == ("undecodable_bytes", 1)


def test_an_open_quote_is_found(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, 'a,b\n1,2\n"3,4\n5,6\n'), "utf-8", "f", 2).problems
    assert (problem.rule, problem.row) == ("malformed_csv", 3)


def test_text_after_a_closing_quote_is_found(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, 'a,b\n1,2\n"3"x,4\n'), "utf-8", "f", 2).problems
    assert (problem.rule, problem.row) == ("malformed_csv", 3)


def test_a_quote_inside_an_unquoted_cell_is_found(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b\n"fine, ""really""",2\n5" pipe,4\n')
    assert walk(path, "utf-8", "f", 2).problems == ()
    (problem,) = stray_quotes(path, "utf-8", "f")
    assert (problem.rule, problem.row, problem.value) == ("malformed_csv", 3, '5" pipe')


def test_lines_that_end_with_a_carriage_return_alone(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, "a,b\r1,2\r3,4\r"), "utf-8", "f", 2).problems
    assert problem.rule == "line_ends"


def test_only_blank_records(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, 'a,b\n"",""\n,\n'), "utf-8", "f", 2).problems
    assert problem.rule == "header_only"


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = save(tmp_path, b'\xef\xbb\xbf"a"," b "\n1,2\n')
    assert read_header(path, "utf-8", "f") == ("a", "b")
    assert scan(path, "utf-8", 2, tmp_path).collect().rows() == [(2, "1", "2")]


@pytest.mark.parametrize("content", ["\na,b\n1,2\n", ",\n1,2\n"])
def test_a_blank_first_record_is_no_header(tmp_path: Path, content: str) -> None:
    problem = read_header(save(tmp_path, content), "utf-8", "f")
    assert isinstance(problem, Problem)
    assert (problem.rule, problem.row) == ("no_header", 1)


cells = st.text(alphabet='ab ,"\n\u00e9', max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_counts_and_cells_agree_with_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory, records: list[list[str]], line_end: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(["a", "b"])
    writer.writerows(records)
    folder = tmp_path_factory.mktemp("walk")
    path = save(folder, text.getvalue())
    found = walk(path, "utf-8", "f", 2)
    filled = [record for record in records if any(record)]
    assert (found.filled, found.blank) == (len(filled), len(records) - len(filled))
    rows = [(first or "", second or "") for _, first, second in scan(path, "utf-8", 2, folder).collect().rows()]
    assert rows == [tuple(record) for record in records]
