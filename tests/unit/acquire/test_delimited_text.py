"""Counting records and finding those that cannot be read, against the standard library's parser."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.acquire.readers.delimited_text import read_header, scan, walk
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


def test_too_few_and_too_many_cells_are_counted(tmp_path: Path) -> None:
    full = '1,2,3\n"1",2,3\n' * 3
    path = save(tmp_path, "a,b,c\n" + full + '1,2\n1,"2,2",3\n1,"2",3,4\n1,2,3,\n1,"2",3,""\n,\n,,,,\n,,,4\n')
    found = walk(path, "utf-8", "f", 3)
    assert (found.filled, found.blank, found.problems) == (12, 2, ())
    assert found.ragged == {8: 2, 10: 4, 15: 4}
    rows = scan(path, "utf-8", 3, tmp_path).collect().rows()
    assert rows[6:10] == [(8, "1", "2", None), (9, "1", "2,2", "3"), (10, "1", "2", "3"), (11, "1", "2", "3")]


@pytest.mark.parametrize(("ragged", "refused"), [(50, False), (51, True)])
def test_a_file_whose_first_records_are_mostly_ragged_is_refused(tmp_path: Path, ragged: int, refused: bool) -> None:
    path = save(tmp_path, "a,b\n" + "1\n" * ragged + "1,2\n" * (100 - ragged) + "1\n" * 300)
    found = walk(path, "utf-8", "f", 2)
    assert [(one.rule, one.row) for one in found.problems] == ([("ragged_file", 2)] if refused else [])
    assert refused or len(found.ragged) == 350


def test_a_short_file_is_judged_by_the_records_it_has(tmp_path: Path) -> None:
    assert walk(save(tmp_path, "a,b\n1\n1,2\n\n\n"), "utf-8", "f", 2).problems == ()
    (problem,) = walk(save(tmp_path, "a,b\n1\n1,2,3\n1,2\n\n\n"), "utf-8", "f", 2).problems
    assert (problem.rule, problem.row) == ("ragged_file", 2)
    assert "2 of the first 3 records" in problem.message


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
    path = save(tmp_path, 'a,b\n"fine, ""really""",2\n5" pipe,4\n"one\nof two\nlines",5\n6" pipe,6\n')
    first, second = walk(path, "utf-8", "f", 2).problems
    assert (first.rule, first.row, first.value) == ("malformed_csv", 3, '5" pipe')
    assert (second.rule, second.row, second.value) == ("malformed_csv", 5, '6" pipe')


def test_quotes_that_parsers_read_in_different_ways_are_found(tmp_path: Path) -> None:
    # polars takes the first cell for 'a"b', the second for 'c"d', and is silent about the cell that is left over.
    (problem,) = walk(save(tmp_path, 'a,b,c\na"b,c"d,2,3\n1,2,3\n'), "utf-8", "f", 3).problems
    assert (problem.rule, problem.row) == ("malformed_csv", 2)


def test_a_quote_opened_in_a_long_file_is_found_where_it_is(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, 'a,b\n1,2\n1,"2\n' + "3,4\n" * 400_000), "utf-8", "f", 2).problems
    assert (problem.rule, problem.row) == ("malformed_csv", 3)


def test_lines_that_end_with_a_carriage_return_alone(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, "a,b\r1,2\r3,4\r"), "utf-8", "f", 2).problems
    assert (problem.rule, problem.row) == ("line_ends", 1)


def test_one_line_that_ends_with_a_carriage_return_alone(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, 'a,b\r\n"x\ry",2\r\n3,4\r5,6\r\n'), "utf-8", "f", 2).problems
    assert (problem.rule, problem.row) == ("line_ends", 3)


def test_a_carriage_return_inside_quotes_is_text(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b\n"x\ry",2\n')
    assert walk(path, "utf-8", "f", 2).problems == ()
    assert scan(path, "utf-8", 2, tmp_path).collect().rows() == [(2, "x\ry", "2")]


def test_separators_of_other_alphabets_end_no_record(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b\nx\u2028y\x0b\x1c,"\x85z"\n')
    found = walk(path, "utf-8", "f", 2)
    assert (found.filled, found.ragged, found.problems) == (1, {}, ())
    assert scan(path, "utf-8", 2, tmp_path).collect().rows() == [(2, "x\u2028y\x0b\x1c", "\x85z")]


def test_thousands_of_blank_records_after_the_data(tmp_path: Path) -> None:
    found = walk(save(tmp_path, "a,b\r\n1,2\r\n" + ",\r\n" * 5000 + "\r\n" * 5000), "utf-8", "f", 2)
    assert (found.filled, found.blank, found.problems) == (1, 10_000, ())


def test_only_blank_records(tmp_path: Path) -> None:
    (problem,) = walk(save(tmp_path, 'a,b\n"",""\n,\n'), "utf-8", "f", 2).problems
    assert problem.rule == "header_only"


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = save(tmp_path, b'\xef\xbb\xbf"a"," b "\n1,2\n')
    assert read_header(path, "utf-8", "f") == ("a", "b")
    assert scan(path, "utf-8", 2, tmp_path).collect().rows() == [(2, "1", "2")]


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        ("a\tb\n1\t2\n".encode("utf-16"), "utf-8", "UTF-16"),
        (b"\xef\xbb\xbfa,b\n1,2\n", "cp1252", "UTF-8"),
        ("a,b\n1,2\nCaf\u00e9,2\n".encode(), "cp1252", "UTF-8"),
    ],
)
def test_bytes_of_another_encoding(tmp_path: Path, content: bytes, encoding: str, said: str) -> None:
    problem = read_header(save(tmp_path, content), encoding, "f")
    assert isinstance(problem, Problem)
    assert (problem.rule, problem.row) == ("wrong_encoding", 1)
    assert said in problem.message


@pytest.mark.parametrize("text", ["plain", "Caf\u00e9", "\u2013"])
def test_a_legacy_encoding_that_is_declared_rightly(tmp_path: Path, text: str) -> None:
    path = save(tmp_path, f"a,b\n{text},2\n".encode("cp1252"))
    assert read_header(path, "cp1252", "f") == ("a", "b")
    assert scan(path, "cp1252", 2, tmp_path).collect()["cell_0"].item() == text


def test_utf_16_can_be_declared(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b\r\n1,"\u00e9\n2"\r\n'.encode("utf-16"))
    assert read_header(path, "utf-16", "f") == ("a", "b")
    assert walk(path, "utf-16", "f", 2).filled == 1
    assert scan(path, "utf-16", 2, tmp_path).collect().rows() == [(2, "1", "\u00e9\n2")]


def test_half_a_character_at_the_end_of_utf_16(tmp_path: Path) -> None:
    path = save(tmp_path, "a,b\r\n1,2\r\n".encode("utf-16") + b"\x31")
    (problem,) = walk(path, "utf-16", "f", 2).problems
    assert problem.rule == "undecodable_bytes"


def test_a_copy_in_utf_8_is_made_for_every_file(tmp_path: Path) -> None:
    frames = []
    for folder in ("2023/wards", "2024/wards"):
        (tmp_path / folder).mkdir(parents=True)
        path = save(tmp_path / folder, f"a,b\n{folder},\xa0\n".encode("cp1252"))
        frames.append(scan(path, "cp1252", 2, tmp_path))
    assert [frame.collect()["cell_0"].item() for frame in frames] == ["2023/wards", "2024/wards"]


@pytest.mark.parametrize(("mark", "said"), [("\t", "tabs"), (";", "semicolons")])
def test_another_delimiter_is_named(tmp_path: Path, mark: str, said: str) -> None:
    problem = read_header(save(tmp_path, f"a{mark}b\n1{mark}2\n"), "utf-8", "f")
    assert isinstance(problem, Problem)
    assert problem.rule == "not_comma_separated"
    assert said in problem.message


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
