"""Cells of workbooks that are written here, part by part, as text."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.acquire.readers.table_bounds import TableNotThere
from pipelines.acquire.readers.workbook_sheet import CellValue, cell_text, is_workbook, read_sheet

Make = Callable[..., bytes]
FILE = "example/2024-10/values.ods#Rates"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2019.0, "2019"),
        (-3.0, "-3"),
        (54432436.900000006, "54432436.900000006"),
        (0.123, "0.123"),
        (7, "7"),
        (True, "TRUE"),
        ("[x] ", "[x] "),
        (datetime.date(2024, 3, 31), "2024-03-31"),
        (datetime.datetime(2024, 3, 31), "2024-03-31"),
        (datetime.datetime(2024, 3, 31, 9, 30), "2024-03-31 09:30:00"),
        (datetime.time(9, 30), "09:30:00"),
        (datetime.timedelta(days=1), "1 day, 0:00:00"),
    ],
)
def test_a_cell_as_text(value: CellValue, text: str) -> None:
    assert cell_text(value) == text


def write(folder: Path, content: bytes) -> Path:
    path = folder / "values.ods"
    path.write_bytes(content)
    return path


def test_rows_have_the_numbers_of_the_spreadsheet(make_ods: Make, tmp_path: Path) -> None:
    rows = [
        [None],
        ["Title"],
        [None, "Area", 2019, None],
        [None, "E1", 60.5, " "],
        [None, "E2", datetime.date(2024, 1, 2)],
    ]
    found = read_sheet(write(tmp_path, make_ods({"Cover": [["x"]], "Rates": rows})), "Rates", FILE)
    assert [(record.number, record.cells) for record in found] == [
        (1, ("", "", "")),
        (2, ("Title", "", "")),
        (3, ("", "Area", "2019")),
        (4, ("", "E1", "60.5")),
        (5, ("", "E2", "2024-01-02")),
    ]


def test_a_cell_merged_downwards_fills_the_cells_under_it_but_not_those_beside_it(
    make_xlsx: Make, tmp_path: Path
) -> None:
    rows = [["Area", "Sex", "Value"], ["E1", "Male", 1], [None, "Female", 2], ["E2", "Male", 3]]
    down = read_sheet(write(tmp_path, make_xlsx({"Rates": rows}, merged="A2:A3")), "Rates", FILE)
    assert [record.cells[0] for record in down] == ["Area", "E1", "E1", "E2"]
    across = [["Title", None], ["Area", "Value"]]
    beside = read_sheet(write(tmp_path, make_xlsx({"Rates": across}, merged="A1:B1")), "Rates", FILE)
    assert beside[0].cells == ("Title", "")


def test_a_missing_sheet_is_refused_with_the_sheets_there_are(make_ods: Make, tmp_path: Path) -> None:
    path = write(tmp_path, make_ods({"Cover": [["x"]], "Rate": [["y"]]}))
    with pytest.raises(TableNotThere) as error:
        read_sheet(path, "Rates", FILE)
    (problem,) = error.value.problems
    assert (problem.rule, problem.file, problem.value) == ("missing_sheet", FILE, "Rates")
    assert "'Cover', 'Rate'" in problem.message


def test_an_archive_that_is_no_workbook(tmp_path: Path) -> None:
    with pytest.raises(TableNotThere) as error:
        read_sheet(write(tmp_path, b"PK\x03\x04 and then something else"), "Rates", FILE)
    assert [problem.rule for problem in error.value.problems] == ["unreadable_workbook"]


def test_a_workbook_is_known_by_its_first_bytes(make_ods: Make, make_xlsx: Make) -> None:
    assert is_workbook(make_ods({"A": [["x"]]}))
    assert is_workbook(make_xlsx({"A": [["x"]]}))
    assert is_workbook(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert not is_workbook(b"Area Code,Value\n")
