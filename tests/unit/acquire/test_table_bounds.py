"""Each parse step alone, over records written out here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipelines.acquire.readers.table_bounds import (
    Grid,
    Record,
    TableNotThere,
    below,
    drop_empty_columns,
    find_table,
    header_at,
    preamble,
    until,
    without_notes,
)
from pipelines.acquire.table_declaration import Parse

FILE = "example/2024-10/values.csv"


def records(*rows: str) -> tuple[Record, ...]:
    """Records from text with a bar between cells."""
    return tuple(Record(number, tuple(row.split("|"))) for number, row in enumerate(rows, start=1))


def absent(step: Callable[[], object]) -> list[tuple[str, int | None, str | None]]:
    """Rule, row and value of every problem of a step that finds nothing."""
    with pytest.raises(TableNotThere) as error:
        step()
    assert all(problem.file == FILE for problem in error.value.problems)
    return [(problem.rule, problem.row, problem.value) for problem in error.value.problems]


SHEET = records("Infections", "Table 1  Rates by area", "a|b", "1|2", "", "Table 2 Counts", "a|b", "3|4")


@pytest.mark.parametrize(("title", "first"), [("Table 1 Rates", 3), ("Table 2", 7)])
def test_below_a_title(title: str, first: int) -> None:
    assert below(SHEET, title, FILE)[0].number == first


def test_a_title_that_is_not_there() -> None:
    assert absent(lambda: below(SHEET, "Table 3", FILE)) == [("title_not_found", None, "Table 3")]


def test_the_header_is_the_first_record_or_the_one_that_starts_as_declared() -> None:
    assert header_at(SHEET, None, FILE) == 0
    assert header_at(SHEET, "a", FILE) == 2
    assert header_at(records("x", "|Area  Code [note 1]|b"), "Area Code", FILE, notes=r"\s*\[note \d+\]") == 1


def test_a_header_only_begins_like_the_declared_one() -> None:
    assert absent(lambda: header_at(records("Area code|x", "Area Codes|x"), "Area Code", FILE)) == [
        ("header_not_found", None, "Area Code")
    ]


def test_a_blank_first_record_is_no_header() -> None:
    assert absent(lambda: header_at(records(" | ", "a|b"), None, FILE)) == [("no_header", 1, None)]


@pytest.mark.parametrize(
    ("mark", "last"), [(None, 5), ("blank", 2), ("Source:", 4), ("Sour", 4)], ids=["no end", "blank", "text", "start"]
)
def test_the_end_of_a_table(mark: str | None, last: int) -> None:
    rows = records("1|2", "3|4", " |\u00a0", "5|6", "|Source: the publisher")
    assert until(rows, mark, FILE)[-1].number == last


def test_a_blank_record_that_never_comes_is_no_fault_but_a_text_is() -> None:
    rows = records("1|2", "3|4")
    assert until(rows, "blank", FILE) == rows
    assert absent(lambda: until(rows, "Source", FILE)) == [("end_not_found", None, "Source")]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Community-\nonset cases [Note 1]", "Community- onset cases"),
        ("Case fatality rate [Note 10] [Note 13]", "Case fatality rate"),
        ("Referred  [Note 18] cases", "Referred cases"),
        ("Value", "Value"),
    ],
)
def test_notes_are_taken_out_of_headers(header: str, name: str) -> None:
    assert without_notes(header, r"\s*\[Note \d+\]") == name


def test_columns_without_a_name_are_left_out_when_they_are_empty() -> None:
    header, rows = drop_empty_columns(("a", "", "b", "", ""), records("1||2||", "3| |4", "5"), FILE)
    assert header == ("a", "b")
    assert [row.cells for row in rows] == [("1", "2"), ("3", "4"), ("5",)]


def test_a_filled_cell_under_no_header_is_named_by_row() -> None:
    rows = records("1|2|", "3|4|r", "5|6||7")
    assert absent(lambda: drop_empty_columns(("a", "b", ""), rows, FILE)) == [
        ("cell_without_header", 2, "r"),
        ("cell_without_header", 3, "7"),
    ]


def test_texts_beside_labels_above_the_header() -> None:
    above = records("|Indicator:||Smokers|(Back)", "Date: |2017-2019")
    assert preamble(above, {"indicator_name": "Indicator:", "period_label": "Date:"}, FILE) == {
        "indicator_name": "Smokers",
        "period_label": "2017-2019",
    }


def test_a_label_that_is_missing_and_one_with_nothing_beside_it() -> None:
    above = records("Date:||", "Published|2019")
    assert absent(lambda: preamble(above, {"period_label": "Date:", "area_name": "Coverage:"}, FILE)) == [
        ("missing_preamble", None, "Date:"),
        ("missing_preamble", None, "Coverage:"),
    ]


def test_all_steps_together_and_every_record_is_somewhere() -> None:
    rows = records(
        "By:|us|", "Date:|2019|", "x|9|", "Table 2", "Date:|2020|", "", "Area [n 1]|Value|", "E1|1|", "||", "E2|2|",
        "Source: them", "end",
    )  # fmt: skip
    parse = Parse.model_validate(
        {
            "below": "Table 2",
            "header_at": "Area",
            "until": "Source",
            "drop_empty_columns": True,
            "header_notes": r" \[n \d\]",
            "preamble": {"period_label": "Date:", "value_note": "By:"},
        }
    )
    grid = find_table(rows, parse, FILE)
    assert (grid.header, grid.header_row) == (("Area", "Value"), 7)
    # Of two dates the one of the table counts; what only the head of the sheet says holds for all its tables.
    assert grid.texts == {"period_label": "2020", "value_note": "us"}
    assert [(record.number, record.cells) for record in grid.records] == [(8, ("E1", "1")), (10, ("E2", "2"))]
    filled = sum(any(cell.strip() for cell in row.cells) for row in rows)
    assert (grid.blank, grid.outside) == (1, 7)
    assert 1 + len(grid.records) + grid.outside == filled


def test_a_table_without_records() -> None:
    assert absent(lambda: find_table(records("a|b", "", "end"), Parse(until="blank"), FILE)) == [
        ("header_only", 1, None)
    ]


def test_ragged_records_are_listed_with_their_number_of_cells() -> None:
    grid = Grid(("a", "b"), 1, records("1|2", "1", "1|2|", "1|2|3"))
    assert grid.ragged == {2: 1, 4: 3}
