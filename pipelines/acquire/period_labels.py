"""What a published period label means: the dates, the kind of period and the number of years pooled.

The grammar of labels belongs here, with the one expression that applies it to a column. Which labels an indicator may
have, and which period is the latest, do not.

Labels and sortable numbers follow the Fingertips conventions: a financial year starts on 1 April, an academic year on
1 September, and a sortable is ``first year * 10000 + quarter * 100 + month``, where the months of a financial year
count from April. Dates follow the published Fingertips rules, with two departures: a cumulative quarter ends on its
last day, and a month of an academic year is read from its name because its published numbers disagree.
"""

from __future__ import annotations

import re
from calendar import month_abbr, month_name
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

import polars as pl
from dateutil.relativedelta import relativedelta

YearType = Literal["calendar", "financial", "academic", "month", "snapshot"]
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
_MONTHS: Final = {
    name.lower(): number for names in (month_abbr, month_name) for number, name in enumerate(names) if name
}


class PeriodLabelError(ValueError):
    """A label does not say which period it means, or contradicts the sortable number or range beside it."""


@dataclass(frozen=True, slots=True)
class Period:
    """One period.

    Attributes:
        label: The label in its one canonical spelling, such as ``2018 - 20``, ``2021/22``, ``Nov 2023``.
        period_type: calendar, financial or academic years, quarter, month, rolling (several quarters or months) or
            snapshot (one day).
        start_date: First day.
        end_date: Last day, included.
        pooled_years: Number of years for calendar, financial and academic periods, otherwise None.
    """

    label: str
    period_type: PeriodType
    start_date: date
    end_date: date
    pooled_years: int | None = None

    @property
    def months(self) -> int:
        """Whole months from the first day to the last; 0 for a snapshot."""
        span = relativedelta(self.end_date + timedelta(days=1), self.start_date)
        return span.years * 12 + span.months


def parse_period(
    label: str, *, year_type: YearType, period_range: str | None = None, sortable: int | None = None
) -> Period:
    """Read one label.

    Args:
        label: Text as published; outer whitespace is ignored.
        year_type: What the source means by labels that do not say it themselves: ``2021/22`` is a financial or an
            academic year, ``2021-02-01`` a month or a snapshot. ``2021`` is always a calendar year.
        period_range: Length as published beside the label (``1y``, ``3y``, ``3m``), if any.
        sortable: Fingertips sortable number published beside the label, if any.

    Returns:
        The period, with its label in canonical spelling.

    Raises:
        PeriodLabelError: The label is not in the grammar, does not fit the year type, or contradicts the range or the
            sortable number.
    """
    text = " ".join(label.split())
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
    return _years("calendar", int(match["first"]), 1)


def _read_split_year(match: re.Match[str], year_type: YearType) -> Period:
    return _years(_split_type(year_type, match[0]), _split(match), 1)


def _read_dashed_years(match: re.Match[str], year_type: YearType) -> Period:
    first = int(match["first"])
    years = _last_year(first, match["last"]) - first + 1
    if not 2 <= years <= 20:
        raise PeriodLabelError(f"{match[0]!r} does not name two to twenty years")
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
    if (last + 1) % 100 != int(match["end"]) or not 2 <= last - first + 1 <= 20:
        raise PeriodLabelError(f"{match[0]!r} does not name two to twenty years in a row")
    return _years(_split_type(year_type, match[0]), first, last - first + 1)


def _read_year_to_year(match: re.Match[str], year_type: YearType) -> Period:
    return _years(_split_type(year_type, match[0]), _split(match), 1)


def _quarter_start(year: int, following: str | None, quarter: int, year_type: YearType, text: str) -> date:
    """Return the first day of ``2021/22 Q1`` or ``2019 Q4``."""
    if following is None:
        kind = "calendar"
    else:
        kind = _split_type(year_type, text)
        if int(following) != (year + 1) % 100:
            raise PeriodLabelError(f"{text!r} does not name two years that follow each other")
    return date(year, _FIRST_MONTH[kind], 1) + relativedelta(months=3 * (quarter - 1))


def _quarter_label(year: str, following: str | None, quarter: str) -> str:
    return f"{year}/{following} Q{quarter}" if following else f"{year} Q{quarter}"


def _read_quarter(match: re.Match[str], year_type: YearType) -> Period:
    start = _quarter_start(int(match["year"]), match["following"], int(match["quarter"]), year_type, match[0])
    label = _quarter_label(match["year"], match["following"], match["quarter"])
    return Period(label, "quarter", start, _after(start, 3))


def _read_quarters(match: re.Match[str], year_type: YearType) -> Period:
    last_year = match["year2"] or match["year"]
    last_following = match["following2"] if match["year2"] else match["following"]
    if (match["following"] is None) != (last_following is None):
        raise PeriodLabelError(f"{match[0]!r} mixes calendar and other years")
    start = _quarter_start(int(match["year"]), match["following"], int(match["quarter"]), year_type, match[0])
    last = _quarter_start(int(last_year), last_following, int(match["quarter2"]), year_type, match[0])
    if last <= start:
        raise PeriodLabelError(f"{match[0]!r} ends before it starts")
    first_label = _quarter_label(match["year"], match["following"], match["quarter"])
    last_label = _quarter_label(last_year, last_following, match["quarter2"])
    return Period(f"{first_label} - {last_label}", "rolling", start, _after(last, 3))


def _month(name: str, year: str) -> date:
    number = _MONTHS.get(name.lower())
    if number is None:
        raise PeriodLabelError(f"{name!r} is not the name of a month")
    return date(int(year), number, 1)


def _month_label(start: date) -> str:
    return f"{month_abbr[start.month]} {start.year}"


def _one_month(start: date) -> Period:
    return Period(_month_label(start), "month", start, _after(start, 1))


def _read_month(match: re.Match[str], year_type: YearType) -> Period:
    return _one_month(_month(match["month"], match["year"]))


def _read_months(match: re.Match[str], year_type: YearType) -> Period:
    start, last = _month(match["month"], match["year"]), _month(match["month2"], match["year2"])
    if last <= start:
        raise PeriodLabelError(f"{match[0]!r} ends before it starts")
    return Period(f"{_month_label(start)} - {_month_label(last)}", "rolling", start, _after(last, 1))


def _snapshot(label: str, day: date) -> Period:
    return Period(label, "snapshot", day, day)


def _read_iso(match: re.Match[str], year_type: YearType) -> Period:
    try:
        day = date.fromisoformat(match[0])
    except ValueError as error:
        raise PeriodLabelError(f"{match[0]!r} is not a day of the calendar") from error
    if year_type == "snapshot":
        return _snapshot(day.isoformat(), day)
    if year_type == "month" and day.day == 1:
        return _one_month(day)
    raise PeriodLabelError(
        f"{match[0]!r} is one day: it is a period only where year_type is snapshot, or month (day 1)"
    )


def _read_mid_year(match: re.Match[str], year_type: YearType) -> Period:
    return _snapshot(f"mid-{match['year']}", date(int(match["year"]), 6, 30))


_YEAR: Final = r"(?:19|20)\d\d"
_QUARTER: Final = rf"(?P<year>{_YEAR})(?:/(?P<following>\d\d))? ?Q(?P<quarter>[1-4])"
_GRAMMAR: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], YearType], Period]], ...]] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (rf"(?P<first>{_YEAR})", _read_year),
        (rf"(?P<first>{_YEAR})/(?P<second>\d\d)", _read_split_year),
        (rf"(?P<first>{_YEAR}) ?- ?(?P<last>{_YEAR}|\d\d)", _read_dashed_years),
        (rf"(?P<first>{_YEAR})/(?P<second>\d\d) ?- ?(?P<last>{_YEAR}|\d\d)/(?P<end>\d\d)", _read_split_years),
        (rf"(?P<first>{_YEAR}) to (?P<second>{_YEAR})", _read_year_to_year),
        (_QUARTER, _read_quarter),
        (
            rf"{_QUARTER} ?- ?(?:(?P<year2>{_YEAR})(?:/(?P<following2>\d\d))? ?)?Q(?P<quarter2>[1-4])",
            _read_quarters,
        ),
        (rf"(?P<month>[A-Za-z]+) (?P<year>{_YEAR})", _read_month),
        (rf"(?P<month>[A-Za-z]+) (?P<year>{_YEAR}) ?- ?(?P<month2>[A-Za-z]+) (?P<year2>{_YEAR})", _read_months),
        (rf"{_YEAR}-\d\d-\d\d", _read_iso),
        (rf"mid-(?P<year>{_YEAR})", _read_mid_year),
    )
)


def _require_range(period: Period, period_range: str | None) -> None:
    if period_range is None or not period_range.strip():
        return
    match = re.fullmatch(r"(\d{1,2})([my])", period_range.strip())
    if match is None:
        raise PeriodLabelError(f"the range {period_range!r} is not a number of months or years")
    if period.pooled_years is None and period.period_type != "month":
        return  # the range beside a quarter is the length of the cumulative series, not of the period
    months = int(match[1]) * (12 if match[2] == "y" else 1)
    if months != period.months:
        raise PeriodLabelError(f"{period.label!r} lasts {period.months} months but its range is {period_range!r}")


def _require_sortable(period: Period, year_type: YearType, sortable: int | None) -> None:
    if sortable is None:
        return
    year, quarter, month = sortable // 10000, sortable // 100 % 100, sortable % 100
    allowed = {(period.start_date.year, period.start_date.month)}
    if period.period_type in ("month", "rolling", "quarter") and year_type in ("financial", "academic"):
        shifted = period.start_date - relativedelta(months=_FIRST_MONTH[year_type] - 1)
        april = period.start_date - relativedelta(months=3)
        allowed |= {(shifted.year, shifted.month), (april.year, april.month)}
    if not any(year == first and month in (0, number) for first, number in allowed):
        raise PeriodLabelError(f"{period.label!r} does not start in the year of its sortable number {sortable}")
    if quarter and not _quarter_fits(period, quarter):
        raise PeriodLabelError(f"{period.label!r} does not fit the quarter of its sortable number {sortable}")


def _quarter_fits(period: Period, quarter: int) -> bool:
    """Tell whether the label starts in this quarter, or accumulates this many quarters since a first quarter."""
    first = re.search(r"Q([1-4])", period.label)
    if first is None:
        return False
    return int(first[1]) == quarter or (first[1] == "1" and period.months == 3 * quarter)
