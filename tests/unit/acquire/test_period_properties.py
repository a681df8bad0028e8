"""What holds for every period label, whichever label it is.

Labels are generated from their parts, so that the days and the sortable number that they must have are known without
the parser. Single labels with their reasons stand in ``test_period_labels.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import get_args

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pipelines.acquire.period_labels import Period, PeriodLabelError, YearType, parse_period

FIRST_MONTH: dict[YearType, int] = {"calendar": 1, "financial": 4, "academic": 9}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YEAR_TYPES: tuple[YearType, ...] = get_args(YearType)
SPACES = " \t\n\u00a0\u2003"

properties = settings(derandomize=True, deadline=None, database=None, max_examples=100)
"""The same examples on every run; a failure is the program's, never the day's."""

starts = st.integers(1900, 2074)
"""First years from which the longest period still ends in a year that a label can name."""


@dataclass(frozen=True)
class Written:
    """A label in canonical spelling with what it has to mean.

    Attributes:
        label: The label.
        year_type: The year type under which it is read.
        start: First day.
        end: Last day, included.
        sortable: The sortable number by the published rule.
        months: Whole months; 0 for days.
    """

    label: str
    year_type: YearType
    start: date
    end: date
    sortable: int
    months: int


def lasting(label: str, year_type: YearType, start: date, months: int, sortable: int) -> Written:
    """Return a label whose period lasts whole months."""
    return Written(label, year_type, start, start + relativedelta(months=months, days=-1), sortable, months)


def split(year: int) -> str:
    """Return a year that runs into the next one, such as ``2006/07``."""
    return f"{year}/{(year + 1) % 100:02d}"


def quarter(number: int, year_type: YearType) -> str:
    """Return the label of a quarter, counted from the first one of the year 0."""
    year = number // 4
    return f"{year if year_type == 'calendar' else split(year)} Q{number % 4 + 1}"


@st.composite
def years(draw: st.DrawFn) -> Written:
    """One calendar, financial or academic year, or several pooled."""
    year_type = draw(st.sampled_from(tuple(FIRST_MONTH)))
    first, count = draw(starts), draw(st.integers(1, 25))
    last = first + count - 1
    if year_type == "calendar":
        label = f"{first}" if count == 1 else f"{first} - {last % 100:02d}"
    else:
        label = split(first) if count == 1 else f"{split(first)} - {split(last)[2:]}"
    return lasting(label, year_type, date(first, FIRST_MONTH[year_type], 1), 12 * count, first * 10000)


@st.composite
def quarters(draw: st.DrawFn) -> Written:
    """One quarter, or quarters in a row; numbered by the first, or as a cumulative series by the last."""
    year_type = draw(st.sampled_from(tuple(FIRST_MONTH)))
    year, place, count = draw(starts), draw(st.integers(0, 3)), draw(st.integers(1, 96))
    number = 4 * year + place
    label = quarter(number, year_type)
    if count > 1:
        label = f"{label} - {quarter(number + count - 1, year_type)}"
    start = date(year, FIRST_MONTH[year_type], 1) + relativedelta(months=3 * place)
    counted = count if place == 0 and draw(st.booleans()) else place + 1
    return lasting(label, year_type, start, 3 * count, year * 10000 + counted * 100)


@st.composite
def months(draw: st.DrawFn) -> Written:
    """One month numbered by its year type, or months in a row."""
    year_type = draw(st.sampled_from(tuple(FIRST_MONTH)))
    start = date(draw(starts), draw(st.integers(1, 12)), 1)
    count = draw(st.sampled_from((1, 2, 7, 12, 24, 36)))
    label, numbered = f"{MONTHS[start.month - 1]} {start.year}", start
    if count == 1:
        numbered = start - relativedelta(months=FIRST_MONTH[year_type] - 1)
    else:
        last = start + relativedelta(months=count - 1)
        label = f"{label} - {MONTHS[last.month - 1]} {last.year}"
    is_yearly = count % 12 == 0 and draw(st.booleans())
    sortable = start.year * 10000 if is_yearly else numbered.year * 10000 + numbered.month
    return lasting(label, year_type, start, count, sortable)


@st.composite
def days(draw: st.DrawFn) -> Written:
    """A day, the middle of a year, or the ends of financial years."""
    kind = draw(st.sampled_from(("day", "mid", "end", "ends")))
    year, count = draw(starts), draw(st.integers(2, 25))
    if kind == "day":
        day = draw(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
        return Written(day.isoformat(), "snapshot", day, day, day.year * 10000, 0)
    if kind == "mid":
        day = date(year, 6, 30)
        return Written(f"mid-{year}", draw(st.sampled_from(YEAR_TYPES)), day, day, year * 10000, 0)
    start = date(year, 3, 31)
    if kind == "end":
        return Written(start.isoformat(), "financial_end_point", start, start, year * 10000, 0)
    end = date(year + count - 1, 3, 31)
    label = f"{start.isoformat()} - {end.isoformat()}"
    return Written(label, "financial_end_point", start, end, year * 10000, 0)


written = st.one_of(years(), quarters(), months(), days())


def read(one: Written) -> Period:
    """Read a generated label without its sortable number."""
    return parse_period(one.label, year_type=one.year_type)


@properties
@given(written)
def test_a_canonical_label_is_read_as_its_days_and_written_as_it_stands(one: Written) -> None:
    period = read(one)
    assert (period.label, period.start_date, period.end_date) == (one.label, one.start, one.end)


@properties
@given(written)
def test_a_period_starts_before_it_ends_and_counts_its_months(one: Written) -> None:
    period = read(one)
    assert period.start_date <= period.end_date
    assert period.months == one.months
    if period.period_type == "snapshot":
        assert period.pooled_years is None or period.pooled_years == period.end_date.year - period.start_date.year + 1
    else:
        assert period.start_date + relativedelta(months=period.months) == period.end_date + timedelta(days=1)
        assert period.pooled_years is None or 12 * period.pooled_years == period.months


@properties
@given(written)
def test_the_sortable_number_of_a_period_is_accepted(one: Written) -> None:
    assert parse_period(one.label, year_type=one.year_type, sortable=one.sortable) == read(one)


@properties
@given(written, st.sampled_from((-10000, -1, 1, 100, 10000, 10100)))
def test_another_sortable_number_is_refused(one: Written, difference: int) -> None:
    wrong = one.sortable + difference
    # A month, a first quarter and a row of whole years have a second number that is right as well.
    others = {
        one.start.year * 10000 + one.start.month,
        one.start.year * 10000,
        *((day.year * 10000 + day.month) for day in (one.start - relativedelta(months=shift) for shift in (3, 8))),
    }
    assume(one.months in {0} or wrong not in others)
    assume("Q1" not in one.label.split(" - ")[0])
    with pytest.raises(PeriodLabelError, match="sortable"):
        parse_period(one.label, year_type=one.year_type, sortable=wrong)


@properties
@given(written, st.data())
def test_whitespace_and_the_kind_of_dash_make_no_difference(one: Written, data: st.DataObject) -> None:
    spaces = st.text(SPACES, min_size=1, max_size=3)
    text = "".join(data.draw(spaces) if character == " " else character for character in one.label)
    text = text.replace("-", data.draw(st.sampled_from("-\u2010\u2013\u2212")))
    around = st.text(SPACES, max_size=2)
    assert parse_period(data.draw(around) + text + data.draw(around), year_type=one.year_type) == read(one)


@properties
@given(written)
def test_a_range_of_another_length_is_refused(one: Written) -> None:
    assume("Q" not in one.label)
    with pytest.raises(PeriodLabelError, match="range"):
        parse_period(one.label, year_type=one.year_type, period_range="99m")


nearly = st.text("0123456789/- QJanuaryMbprtolmid.\u0661", max_size=24)
"""Text of the characters that labels are made of, so that it comes near the grammar."""


@properties
@given(
    st.one_of(st.text(max_size=24), nearly, written.map(lambda one: one.label)),
    st.sampled_from(YEAR_TYPES),
    st.one_of(st.none(), st.text(max_size=4), st.from_regex(r"\A[0-9]{1,3}[my]\Z")),
    st.one_of(st.none(), st.integers()),
)
@example("2099/00 Q4", "financial", "99y", 20990400)
@example("2021-02-30", "snapshot", None, None)
@example("20\u0661\u0661", "calendar", "\u0661y", None)
@example("\ud800", "month", "\ud800", 0)
def test_any_text_is_a_period_or_an_error_of_the_label(
    label: str, year_type: YearType, period_range: str | None, sortable: int | None
) -> None:
    try:
        period = parse_period(label, year_type=year_type, period_range=period_range, sortable=sortable)
    except PeriodLabelError as error:
        assert str(error)
    else:
        again = parse_period(period.label, year_type=year_type, period_range=period_range, sortable=sortable)
        assert again == period
