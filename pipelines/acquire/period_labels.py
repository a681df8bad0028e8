"""What a published period label means: the dates, the kind of period and the number of years pooled.

The grammar of labels belongs here, with the one expression that applies it to a column. Which labels an indicator may
have, and which period is the latest, do not.

Labels and sortable numbers follow the Fingertips conventions (methods 3.3): a financial year starts on 1 April, an
academic year on 1 September, and a sortable is ``first year * 10000 + quarter * 100 + month``, where the months of a
financial year count from April. Dates follow the published Fingertips rules, with two departures: a cumulative quarter
ends on its last day, and a month of an academic year is read from its name because its published numbers disagree. The
year types that Fingertips knows and :data:`YearType` does not (rolling years, years from July, August, March or
November) name their months or quarters in the label.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

import polars as pl
from dateutil.relativedelta import relativedelta

YearType = Literal["calendar", "financial", "academic", "month", "snapshot", "financial_end_point"]
PeriodType = Literal["calendar", "financial", "academic", "quarter", "month", "rolling", "snapshot"]

PERIOD_STRUCT: Final = pl.Struct(
    {
        "period_label": pl.String,
        "period_type": pl.String,
        "period_start": pl.Date,
        "period_end": pl.Date,
        "period_pooled_years": pl.Int32,
    }
)
"""What :func:`period_of` returns for every row; the type and the dates are null when the label cannot be read."""

_FIRST_MONTH: Final = {"calendar": 1, "financial": 4, "academic": 9}
_MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTHS: Final = {
    spelling.lower(): number
    for number, name in enumerate(_MONTH_NAMES, start=1)
    for spelling in (name, name[:3], name[:4] if name == "September" else name)
}
"""English whatever the locale is, which is why they are not taken from the calendar module."""

_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_LONGEST_YEARS: Final = 25
"""A cumulative series may count up to a hundred quarters; anything longer is a slip of the pen in a year."""


class PeriodLabelError(ValueError):
    """A label does not say which period it means, or contradicts the sortable number or range beside it."""


@dataclass(frozen=True, slots=True)
class Period:
    """One period.

    Attributes:
        label: The label in its one canonical spelling, such as ``2018 - 20``, ``2021/22``, ``Nov 2023`` or
            ``2009-03-31``.
        period_type: calendar, financial or academic years, quarter, month, rolling (several quarters or months) or
            snapshot (one day, or the ends of several financial years).
        start_date: First day.
        end_date: Last day, included.
        pooled_years: Number of years for calendar, financial and academic periods, number of days for several year
            ends, otherwise None.
    """

    label: str
    period_type: PeriodType
    start_date: date
    end_date: date
    pooled_years: int | None = None

    @property
    def months(self) -> int:
        """Whole months from the first day to the last; 0 for a snapshot."""
        if self.period_type == "snapshot":
            return 0
        span = relativedelta(self.end_date + timedelta(days=1), self.start_date)
        return span.years * 12 + span.months


def parse_period(
    label: str, *, year_type: YearType, period_range: str | None = None, sortable: int | None = None
) -> Period:
    """Read one label.

    Args:
        label: Text as published; outer and repeated whitespace and the kind of dash are ignored.
        year_type: What the source means by labels that do not say it themselves: ``2021/22`` is a financial or an
            academic year, ``2021-02-01`` a month or a snapshot. ``2021`` is a calendar year, except that under
            ``financial_end_point`` it is 31 March 2021.
        period_range: Length as published beside the label (``1y``, ``3y``, ``3m``), if any.
        sortable: Fingertips sortable number published beside the label, if any.

    Returns:
        The period, with its label in canonical spelling.

    Raises:
        PeriodLabelError: The label is not in the grammar, does not fit the year type, or contradicts the range or the
            sortable number.
    """
    text = " ".join(label.translate(_DASHES).split())
    for pattern, read in _GRAMMAR:
        if match := pattern.fullmatch(text):
            period = read(match, year_type)
            _require_range(period, period_range)
            _require_sortable(period, year_type, sortable)
            return period
    raise PeriodLabelError(f"{label!r} is not a period label that this project reads")


def period_of(label: pl.Expr, period_range: pl.Expr, sortable: pl.Expr, year_type: YearType) -> pl.Expr:
    """Read a column of labels; each distinct combination is parsed once, so ten million rows cost what a few dozen do.

    Args:
        label: Label text (String).
        period_range: Published range (String), or a null literal.
        sortable: Published sortable number (Int64), or a null literal.
        year_type: See :func:`parse_period`.

    Returns:
        Expression of type :data:`PERIOD_STRUCT`. Where the label cannot be read the label stays as published and the
        other fields are null.
    """

    def read(column: pl.Series) -> pl.Series:
        keys = column.struct.unnest()
        distinct = keys.unique()
        parsed = pl.Series(
            "period", [_fields(*row, year_type) for row in distinct.iter_rows()], dtype=PERIOD_STRUCT, strict=True
        )
        joined = keys.join(
            distinct.with_columns(parsed), on=keys.columns, how="left", nulls_equal=True, maintain_order="left"
        )
        return joined["period"]

    key = pl.struct(
        label.cast(pl.String).alias("label"),
        period_range.cast(pl.String).alias("range"),
        sortable.cast(pl.Int64).alias("sortable"),
    )
    return key.map_batches(read, return_dtype=PERIOD_STRUCT, is_elementwise=True)


def label_from_first_year(year: pl.Expr, year_type: str, years: int) -> pl.Expr:
    """Build the label of periods of which only the first year is published.

    Args:
        year: First year (Int64).
        year_type: calendar, financial or academic.
        years: Number of years.

    Returns:
        ``2019``, ``2019 - 21``, ``2019/20`` or ``2019/20 - 21/22`` (methods 3.3).
    """

    def short(shift: int) -> pl.Expr:
        return ((year + shift) % 100).cast(pl.String).str.zfill(2)

    first = year.cast(pl.String)
    if year_type == "calendar":
        return first if years == 1 else pl.format("{} - {}", first, short(years - 1))
    one = pl.format("{}/{}", first, short(1))
    return one if years == 1 else pl.format("{} - {}/{}", one, short(years - 1), short(years))


@lru_cache(maxsize=65536)
def _fields(
    label: str | None, period_range: str | None, sortable: int | None, year_type: YearType
) -> dict[str, str | date | int | None]:
    period = None
    if label is not None:
        try:
            period = parse_period(label, year_type=year_type, period_range=period_range, sortable=sortable)
        except PeriodLabelError:
            period = None
    return {
        "period_label": period.label if period else label,
        "period_type": period.period_type if period else None,
        "period_start": period.start_date if period else None,
        "period_end": period.end_date if period else None,
        "period_pooled_years": period.pooled_years if period else None,
    }


def _after(start: date, months: int) -> date:
    """Return the last day of a period of whole months."""
    return start + relativedelta(months=months) - timedelta(days=1)


def _years(kind: Literal["calendar", "financial", "academic"], first: int, years: int) -> Period:
    start = date(first, _FIRST_MONTH[kind], 1)
    last = first + years - 1
    if kind == "calendar":
        label = f"{first}" if years == 1 else f"{first} - {last % 100:02d}"
    elif years == 1:
        label = _split_year(first)
    else:
        label = f"{_split_year(first)} - {last % 100:02d}/{(last + 1) % 100:02d}"
    return Period(label, kind, start, _after(start, 12 * years), years)


def _split_year(first: int) -> str:
    return f"{first}/{(first + 1) % 100:02d}"


def _split_type(year_type: YearType, text: str) -> Literal["financial", "academic"]:
    if year_type in ("financial", "academic"):
        return year_type
    raise PeriodLabelError(f"{text!r} may be a financial or an academic year: the source's year_type is {year_type}")


def _split(match: re.Match[str], first: str = "first", second: str = "second") -> int:
    """Return the first year of ``2021/22``, or refuse ``2021/23``."""
    year, following = int(match[first]), match[second]
    if int(following) != (year + 1 if len(following) == 4 else (year + 1) % 100):
        raise PeriodLabelError(f"{match[0]!r} does not name two years that follow each other")
    return year


def _last_year(first: int, text: str) -> int:
    """Return the year that ``20`` means in ``2018 - 20``."""
    if len(text) == 4:
        return int(text)
    last = first - first % 100 + int(text)
    return last if last >= first else last + 100


def _read_year(match: re.Match[str], year_type: YearType) -> Period:
    if year_type == "snapshot":
        raise PeriodLabelError(f"{match[0]!r} names a year, but the source publishes snapshots: which day is meant?")
    if year_type == "financial_end_point":
        return _year_ends(int(match["first"]), 1)
    return _years("calendar", int(match["first"]), 1)


def _read_split_year(match: re.Match[str], year_type: YearType) -> Period:
    return _years(_split_type(year_type, match[0]), _split(match), 1)


def _read_dashed_years(match: re.Match[str], year_type: YearType) -> Period:
    first = int(match["first"])
    years = _last_year(first, match["last"]) - first + 1
    if not 2 <= years <= _LONGEST_YEARS:
        raise PeriodLabelError(f"{match[0]!r} does not name two to {_LONGEST_YEARS} years")
    if year_type == "financial_end_point":
        return _year_ends(first, years)
    tight = " " not in match[0]
    if tight and years == 2 and year_type in ("financial", "academic"):
        return _years(year_type, first, 1)
    if year_type == "snapshot":
        raise PeriodLabelError(f"{match[0]!r} names years, but the source publishes snapshots")
    return _years("calendar", first, years)


def _read_split_years(match: re.Match[str], year_type: YearType) -> Period:
    first, last = _split(match), int(match["last"])
    if len(match["last"]) == 2:
        last = _last_year(first, match["last"])
    if (last + 1) % 100 != int(match["end"]) or not 2 <= last - first + 1 <= _LONGEST_YEARS:
        raise PeriodLabelError(f"{match[0]!r} does not name two to {_LONGEST_YEARS} years in a row")
    return _years(_split_type(year_type, match[0]), first, last - first + 1)


def _year_ends(first: int, years: int) -> Period:
    """Return the last day of a financial year, or of several, which are as many days and not the time between them."""
    start, end = date(first, 3, 31), date(first + years - 1, 3, 31)
    if years == 1:
        return _snapshot(start.isoformat(), start)
    return Period(f"{start.isoformat()} - {end.isoformat()}", "snapshot", start, end, years)


def _read_year_ends(match: re.Match[str], year_type: YearType) -> Period:
    first, last = int(match["first"]), int(match["last"])
    if year_type != "financial_end_point" or not 2 <= last - first + 1 <= _LONGEST_YEARS:
        raise PeriodLabelError(
            f"{match[0]!r} names year ends, which needs year_type financial_end_point and two to {_LONGEST_YEARS} years"
        )
    return _year_ends(first, last - first + 1)


def _quarter_start(match: re.Match[str], suffix: str, year_type: YearType) -> date:
    """Return the first day of ``2021/22 Q1``, ``2021 to 2022 Q1`` or ``2019 Q4``."""
    kind = "calendar"
    if match[f"following{suffix}"]:
        kind = _split_type(year_type, match[0])
        _split(match, f"year{suffix}", f"following{suffix}")
    quarter = int(match["quarter" + suffix])
    return date(int(match[f"year{suffix}"]), _FIRST_MONTH[kind], 1) + relativedelta(months=3 * (quarter - 1))


def _quarter_label(match: re.Match[str], suffix: str) -> str:
    year = int(match[f"year{suffix}"])
    return f"{_split_year(year) if match[f'following{suffix}'] else year} Q{match[f'quarter{suffix}']}"


def _read_quarter(match: re.Match[str], year_type: YearType) -> Period:
    start = _quarter_start(match, "", year_type)
    return Period(_quarter_label(match, ""), "quarter", start, _after(start, 3))


def _read_quarters(match: re.Match[str], year_type: YearType) -> Period:
    if (match["following"] is None) != (match["following2"] is None):
        raise PeriodLabelError(f"{match[0]!r} mixes calendar and other years")
    start, last = _quarter_start(match, "", year_type), _quarter_start(match, "2", year_type)
    label = f"{_quarter_label(match, '')} - {_quarter_label(match, '2')}"
    return _rolling(label, start, last, _after(last, 3), match[0])


def _read_quarters_of_one_year(match: re.Match[str], year_type: YearType) -> Period:
    start = _quarter_start(match, "", year_type)
    last = start + relativedelta(months=3 * (int(match["last"]) - int(match["quarter"])))
    label = _quarter_label(match, "")
    return _rolling(f"{label} - {label[:-1]}{match['last']}", start, last, _after(last, 3), match[0])


def _rolling(label: str, start: date, last: date, end: date, text: str) -> Period:
    """Return a row of quarters or months; ``last`` is the first day of the last one."""
    if last <= start:
        raise PeriodLabelError(f"{text!r} ends before it starts")
    if end >= start + relativedelta(years=_LONGEST_YEARS):
        raise PeriodLabelError(f"{text!r} lasts more than {_LONGEST_YEARS} years")
    return Period(label, "rolling", start, end)


def _month(name: str, year: str) -> date:
    """Return the first day of a month, given by its name or its number."""
    number = int(name) if name.isdecimal() else _MONTHS.get(name.lower(), 0)
    if not 1 <= number <= len(_MONTH_NAMES):
        raise PeriodLabelError(f"{name!r} is not a month")
    return date(int(year), number, 1)


def _month_label(start: date) -> str:
    return f"{_MONTH_NAMES[start.month - 1][:3]} {start.year}"


def _one_month(start: date) -> Period:
    return Period(_month_label(start), "month", start, _after(start, 1))


def _read_month(match: re.Match[str], year_type: YearType) -> Period:
    return _one_month(_month(match["month"], match["year"]))


def _read_months(match: re.Match[str], year_type: YearType) -> Period:
    start, last = _month(match["month"], match["year"] or match["year2"]), _month(match["month2"], match["year2"])
    return _rolling(f"{_month_label(start)} - {_month_label(last)}", start, last, _after(last, 1), match[0])


def _snapshot(label: str, day: date) -> Period:
    return Period(label, "snapshot", day, day)


def _read_iso(match: re.Match[str], year_type: YearType) -> Period:
    try:
        day = date.fromisoformat(match[0])
    except ValueError as error:
        raise PeriodLabelError(f"{match[0]!r} is not a day of the calendar") from error
    if year_type == "snapshot" or (year_type == "financial_end_point" and (day.month, day.day) == (3, 31)):
        return _snapshot(day.isoformat(), day)
    if year_type == "month" and day.day == 1:
        return _one_month(day)
    raise PeriodLabelError(
        f"{match[0]!r} is one day: it is a period only where year_type is snapshot, month (day 1) or "
        "financial_end_point (31 March)"
    )


def _read_mid_year(match: re.Match[str], year_type: YearType) -> Period:
    return _snapshot(f"mid-{match['year']}", date(int(match["year"]), 6, 30))


_YEAR: Final = r"(?:19|20)\d\d"
_QUARTER: Final = rf"(?P<year>{_YEAR})(?:(?:/| to )(?P<following>{_YEAR}|\d\d))?,? ?Q(?P<quarter>[1-4])"
_QUARTER2: Final = rf"(?P<year2>{_YEAR})(?:(?:/| to )(?P<following2>{_YEAR}|\d\d))?,? ?Q(?P<quarter2>[1-4])"
_GRAMMAR: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], YearType], Period]], ...]] = tuple(
    (re.compile(pattern, re.ASCII), read)
    for pattern, read in (
        (rf"(?P<first>{_YEAR})", _read_year),
        (rf"(?P<first>{_YEAR})/(?P<second>{_YEAR}|\d\d)", _read_split_year),
        (rf"(?P<first>{_YEAR}) to (?P<second>{_YEAR})", _read_split_year),
        (rf"(?P<first>{_YEAR}) ?- ?(?P<last>{_YEAR}|\d\d)", _read_dashed_years),
        (rf"(?P<first>{_YEAR})/(?P<second>\d\d) ?- ?(?P<last>{_YEAR}|\d\d)/(?P<end>\d\d)", _read_split_years),
        (_QUARTER, _read_quarter),
        (rf"{_QUARTER} ?- ?Q(?P<last>[1-4])", _read_quarters_of_one_year),
        (rf"{_QUARTER} ?- ?{_QUARTER2}", _read_quarters),
        (rf"(?P<month>[A-Za-z]+) (?P<year>{_YEAR})", _read_month),
        (rf"(?P<month>\d\d)/(?P<year>{_YEAR})", _read_month),
        (
            rf"(?P<month>[A-Za-z]+)(?: (?P<year>{_YEAR}))?(?: ?- ?| to )(?P<month2>[A-Za-z]+) (?P<year2>{_YEAR})",
            _read_months,
        ),
        (rf"(?P<month>\d\d)/(?P<year>{_YEAR}) ?- ?(?P<month2>\d\d)/(?P<year2>{_YEAR})", _read_months),
        (rf"{_YEAR}-\d\d-\d\d", _read_iso),
        (rf"(?P<first>{_YEAR})-03-31 - (?P<last>{_YEAR})-03-31", _read_year_ends),
        (rf"mid-(?P<year>{_YEAR})", _read_mid_year),
    )
)


def _require_range(period: Period, period_range: str | None) -> None:
    if period_range is None or not period_range.strip():
        return
    match = re.fullmatch(r"(\d{1,2})([my])", period_range.strip(), re.ASCII)
    if match is None:
        raise PeriodLabelError(f"the range {period_range!r} is not a number of months or years")
    months = int(match[1]) * (12 if match[2] == "y" else 1)
    shortest, longest = _range_limits(period)
    if not shortest <= months <= longest:
        raise PeriodLabelError(f"{period.label!r} does not have the range {period_range!r}")


def _range_limits(period: Period) -> tuple[int, int]:
    """Return the least and the most months that the range beside a label may state.

    The range is the length of the period, except beside quarters: there it may be the length of the whole year or, from
    a first quarter, of the cumulative series, which the period is only the beginning of.
    """
    if period.period_type == "snapshot":
        length = 12 * (period.pooled_years or 1)
        return length, length
    quarter = _first_quarter(period)
    if quarter is None:
        return period.months, period.months
    return period.months, 12 * _LONGEST_YEARS if quarter == 1 else max(12, period.months)


def _require_sortable(period: Period, year_type: YearType, sortable: int | None) -> None:
    if sortable is None:
        return
    expected = sorted({10000 * year + 100 * quarter + month for year, quarter, month in _keys(period, year_type)})
    if sortable not in expected:
        listed = " or ".join(map(str, expected))
        raise PeriodLabelError(f"{period.label!r} has the sortable number {sortable}, which should be {listed}")


def _keys(period: Period, year_type: YearType) -> set[tuple[int, int, int]]:
    """Return every year, quarter and month that a sortable number of the period may be made of."""
    start = period.start_date
    quarter = _first_quarter(period)
    if quarter is not None:
        first = int(period.label[:4])
        # A cumulative series from the first quarter is numbered by its last quarter, counted on beyond four.
        return {(first, quarter, 0)} | ({(first, period.months // 3, 0)} if quarter == 1 else set())
    if period.period_type == "month":
        # One source holds indicators of several year types, so that the months may count from January all the same;
        # the months of an academic year are published as counted from April and from September.
        shifts = {"financial": (0, 3), "academic": (0, 3, 8)}.get(year_type, (0,))
        numbered = [start - relativedelta(months=shift) for shift in shifts]
        return {(day.year, 0, day.month) for day in numbered}
    if period.period_type == "rolling":
        return {(start.year, 0, start.month)} | ({(start.year, 0, 0)} if period.months % 12 == 0 else set())
    return {(start.year, 0, 0)}


def _first_quarter(period: Period) -> int | None:
    """Return the number of the quarter that the period starts with, or None when it is not made of quarters."""
    found = re.search(r"Q([1-4])", period.label)
    return int(found[1]) if found else None
