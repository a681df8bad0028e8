"""A table that a spreadsheet shows as it is: RFC 4180, and nothing in it that runs."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from pipelines.report.scorecard_csv import safe_cell, scorecard_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_begins_like_a_formula_gets_a_quote(start):
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize(
    "content", [-5.5, 0, 12, None, date(2030, 12, 31), "", "a = b", "1-2", "'quoted", "≤ 5", "NHS +"]
)
def test_everything_else_is_left_alone(content):
    assert safe_cell(content) == content
    assert type(safe_cell(content)) is type(content)


def test_rows_are_rfc_4180(line, scorecard):
    title = 'One, "two"\nthree'
    text = scorecard_csv(scorecard(line(title=title, target_value=-3.0, actual_value=-5.25)))
    header, body = text.split("\r\n", 1)
    assert header.startswith("release_id,as_at,framework_id,")
    assert body.endswith("\r\n")
    assert '"One, ""two""\nthree"' in body
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["title"] == title
    assert (row["target_value"], row["actual_value"], row["due_date"]) == ("-3.0", "-5.25", "2035-12-31")
    assert row["not_assessable_reason"] == ""


def test_a_formula_in_any_text_is_disarmed(line, scorecard):
    evil = '=HYPERLINK("http://example.org";"x")'
    text = scorecard_csv(scorecard(line(title=evil, owner="@home", explanation="-1 or so", data_needed="\tx")))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["title"], row["owner"], row["explanation"], row["data_needed"]) == (
        f"'{evil}",
        "'@home",
        "'-1 or so",
        "'\tx",
    )


def test_rows_that_a_screen_holds_back_are_in_the_table(line, scorecard):
    held_back = line(figures=False, status_code="unknown")
    answer = scorecard(line(), held_back)
    assert answer.shown == (line(),)
    assert len(list(csv.DictReader(io.StringIO(scorecard_csv(answer), newline="")))) == 2


def test_no_rows_is_a_header_alone(scorecard):
    assert scorecard_csv(scorecard()).count("\r\n") == 1
