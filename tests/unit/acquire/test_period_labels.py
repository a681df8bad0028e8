"""The grammar of period labels, against published labels and dates and against labels that must be refused."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from dateutil.relativedelta import relativedelta

from pipelines.acquire.period_labels import PeriodLabelError, YearType, parse_period, period_of

HERE = Path(__file__).parent
FIRST_MONTH = {"calendar": 1, "financial": 4, "academic": 9}
PUBLISHED: dict[str, tuple[YearType, int]] = {
    "1": ("calendar", 1),
    "2": ("financial", 4),
    "3": ("academic", 9),
    "4": ("financial", 4),
    "5": ("calendar", 1),
    "6": ("calendar", 1),
    "7": ("financial", 4),
    "8": ("calendar", 8),
    "9": ("calendar", 3),
    "10": ("financial", 4),
    "13": ("calendar", 7),
}
"""Identifier of a published year type to the year type that reads its labels, and to its first month."""
CUMULATIVE = {"7", "10"}
ROLLING = {"4", "5", "6"}


def published(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


@pytest.mark.parametrize("row", published("published_period_labels.csv"), ids=lambda row: f"{row['year_type']}")
def test_published_labels_are_read_and_written_back(row: dict[str, str]) -> None:
    label, sortable = row["expected_label"], int(row["time_period_sortable"])
    year_type = PUBLISHED[row["year_type_id"]][0]
    period = parse_period(label, year_type=year_type, sortable=sortable)

    # One source writes cumulative quarters short; they come back in the form of the other.
    expected = f"{label[:10]} - {label[:8]}Q{label[-1]}" if row["year_type_id"] == "7" and "-" in label else label
    assert period.label == expected
    assert parse_period(period.label, year_type=year_type, sortable=sortable) == period


def published_days(row: dict[str, str]) -> tuple[date, date]:
    """Work out the days of a published period from its numbers, without its label."""
    kind, first = row["year_type_id"], PUBLISHED[row["year_type_id"]][1]
    years, quarter, month = int(row["year_range"]), int(row["quarter"]), int(row["month"])
    start, months = date(int(row["year"]), first, 1), 12 * years
    if kind in CUMULATIVE:
        months = 3 * quarter
    elif quarter > 0:
        start += relativedelta(months=3 * (quarter - 1))
        months = months if kind in ROLLING else 3
    elif month > 0:
        # The labels count the months of an academic year from April.
        start = start.replace(month=4 if kind == "3" else first) + relativedelta(months=month - 1)
        months = months if kind in ROLLING else 1
    return start, start + relativedelta(months=months, days=-1)


@pytest.mark.parametrize("row", published("published_period_labels.csv"), ids=lambda row: f"{row['year_type']}")
def test_published_labels_mean_the_days_of_their_numbers(row: dict[str, str]) -> None:
    period = parse_period(row["expected_label"], year_type=PUBLISHED[row["year_type_id"]][0])
    assert (period.start_date, period.end_date) == published_days(row)


def next_label(period_type: str, reporting: str, sortable: int) -> tuple[str, YearType]:
    """Write the label of a published sortable number, independently of the parser."""
    year, quarter, month = sortable // 10000, sortable // 100 % 100, sortable % 100
    kind: YearType = "calendar"
    years = int(reporting.split(maxsplit=1)[0]) if reporting[0].isdigit() else 1
    if period_type == "Financial year end point":
        return (str(year) if years == 1 else f"{year} - {(year + years - 1) % 100:02d}"), "financial_end_point"
    if period_type.startswith("Financial"):
        kind = "financial"
    elif period_type == "Academic":
        kind = "academic"
    if period_type.startswith("Yearly"):
        return f"Nov {year} - Oct {year + years}", kind
    if reporting == "monthly":
        return (date(year, FIRST_MONTH[kind], 1) + relativedelta(months=month - 1)).strftime("%b %Y"), kind
    split = f"{year}/{(year + 1) % 100:02d}"
    if reporting == "quarterly":
        return (f"{year} Q{quarter}" if kind == "calendar" else f"{split} Q{quarter}"), kind
    last = year + years - 1
    if kind == "calendar":
        return (str(year) if years == 1 else f"{year} - {last % 100:02d}"), kind
    return (split if years == 1 else f"{split} - {last % 100:02d}/{(last + 1) % 100:02d}"), kind


@pytest.mark.parametrize(
    "row",
    published("published_period_dates.csv"),
    ids=lambda row: f"{row['period_type']}, {row['reporting_period']}, {row['time_period_sortable']}",
)
def test_published_dates(row: dict[str, str]) -> None:
    sortable, reporting = int(row["time_period_sortable"]), row["reporting_period"]
    label, year_type = next_label(row["period_type"], reporting, sortable)
    length = {"yearly": "1y", "quarterly": "3m", "monthly": "1m"}.get(reporting, f"{reporting[0]}y")
    period = parse_period(label, year_type=year_type, sortable=sortable, period_range=length)
    assert (period.start_date.isoformat(), period.end_date.isoformat()) == (row["from_date"], row["to_date"])


@pytest.mark.parametrize(
    ("label", "year_type", "canonical", "period_type", "start", "end", "years"),
    [
        ("2019", "financial", "2019", "calendar", "2019-01-01", "2019-12-31", 1),
        ("2021/22", "financial", "2021/22", "financial", "2021-04-01", "2022-03-31", 1),
        ("2021-22", "financial", "2021/22", "financial", "2021-04-01", "2022-03-31", 1),
        ("2021/22", "academic", "2021/22", "academic", "2021-09-01", "2022-08-31", 1),
        ("1999/00", "financial", "1999/00", "financial", "1999-04-01", "2000-03-31", 1),
        ("2018 - 20", "financial", "2018 - 20", "calendar", "2018-01-01", "2020-12-31", 3),
        ("2018-20", "financial", "2018 - 20", "calendar", "2018-01-01", "2020-12-31", 3),
        ("2018-2020", "calendar", "2018 - 20", "calendar", "2018-01-01", "2020-12-31", 3),
        ("2018 - 2020", "calendar", "2018 - 20", "calendar", "2018-01-01", "2020-12-31", 3),
        ("1998 - 00", "calendar", "1998 - 00", "calendar", "1998-01-01", "2000-12-31", 3),
        ("2006-07", "calendar", "2006 - 07", "calendar", "2006-01-01", "2007-12-31", 2),
        ("2020/21 - 24/25", "academic", "2020/21 - 24/25", "academic", "2020-09-01", "2025-08-31", 5),
        ("2020/21 - 2024/25", "financial", "2020/21 - 24/25", "financial", "2020-04-01", "2025-03-31", 5),
        ("2021/22 Q1", "financial", "2021/22 Q1", "quarter", "2021-04-01", "2021-06-30", None),
        ("2019 Q4", "calendar", "2019 Q4", "quarter", "2019-10-01", "2019-12-31", None),
        ("2021/22 Q1 - 2021/22 Q2", "financial", None, "rolling", "2021-04-01", "2021-09-30", None),
        ("2020/21 Q3 - 2021/22 Q2", "financial", None, "rolling", "2020-10-01", "2021-09-30", None),
        ("Nov 2023", "calendar", "Nov 2023", "month", "2023-11-01", "2023-11-30", None),
        ("November 2023", "snapshot", "Nov 2023", "month", "2023-11-01", "2023-11-30", None),
        ("Feb 2009 - Jan 2010", "calendar", None, "rolling", "2009-02-01", "2010-01-31", None),
        ("2021-02-01", "month", "Feb 2021", "month", "2021-02-01", "2021-02-28", None),
        ("2021-02-01", "snapshot", "2021-02-01", "snapshot", "2021-02-01", "2021-02-01", None),
        ("2009 to 2010", "financial", "2009/10", "financial", "2009-04-01", "2010-03-31", 1),
        ("mid-2019", "snapshot", "mid-2019", "snapshot", "2019-06-30", "2019-06-30", None),
        ("2022-06-30", "snapshot", "2022-06-30", "snapshot", "2022-06-30", "2022-06-30", None),
        ("2017-2019", "financial", "2017 - 19", "calendar", "2017-01-01", "2019-12-31", 3),
        ("2021/2022", "academic", "2021/22", "academic", "2021-09-01", "2022-08-31", 1),
        ("2012 to 2013 Q1", "financial", "2012/13 Q1", "quarter", "2012-04-01", "2012-06-30", None),
        ("2021/22 Q1 - 2025/26 Q3", "financial", None, "rolling", "2021-04-01", "2025-12-31", None),
        ("2021/22 Q2-Q3", "financial", "2021/22 Q2 - 2021/22 Q3", "rolling", "2021-07-01", "2021-12-31", None),
        ("Sept 2023", "calendar", "Sep 2023", "month", "2023-09-01", "2023-09-30", None),
        ("04/2020", "calendar", "Apr 2020", "month", "2020-04-01", "2020-04-30", None),
        ("04/2020 - 12/2020", "calendar", "Apr 2020 - Dec 2020", "rolling", "2020-04-01", "2020-12-31", None),
        ("Jan 2012-Dec 2012", "calendar", "Jan 2012 - Dec 2012", "rolling", "2012-01-01", "2012-12-31", None),
        ("April to June 2019", "calendar", "Apr 2019 - Jun 2019", "rolling", "2019-04-01", "2019-06-30", None),
        ("April 2010 to March 2024", "financial", "Apr 2010 - Mar 2024", "rolling", "2010-04-01", "2024-03-31", None),
        ("2018 \u2013 20", "calendar", "2018 - 20", "calendar", "2018-01-01", "2020-12-31", 3),
        ("2009", "financial_end_point", "2009-03-31", "snapshot", "2009-03-31", "2009-03-31", None),
        ("2009 - 11", "financial_end_point", "2009-03-31 - 2011-03-31", "snapshot", "2009-03-31", "2011-03-31", 3),
        ("\u00a02018\u00a0-\u00a020 ", "calendar", "2018 - 20", "calendar", "2018-01-01", "2020-12-31", 3),
    ],
)
def test_grammar(
    *,
    label: str,
    year_type: YearType,
    canonical: str | None,
    period_type: str,
    start: str,
    end: str,
    years: int | None,
) -> None:
    period = parse_period(label, year_type=year_type)
    assert (period.label, period.period_type, period.pooled_years) == (canonical or label, period_type, years)
    assert (period.start_date.isoformat(), period.end_date.isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("label", "year_type"),
    [
        ("sometime", "calendar"),
        ("", "calendar"),
        ("19", "calendar"),
        ("2021/23", "financial"),
        ("2021/22", "calendar"),
        ("2021/22", "snapshot"),
        ("2021", "snapshot"),
        ("2020 - 18", "calendar"),
        ("2018 - 18", "calendar"),
        ("2018 - 2050", "calendar"),
        ("2009 to 2012", "financial"),
        ("2009 to 2010", "calendar"),
        ("2020/21 - 24/26", "financial"),
        ("2021/22 Q5", "financial"),
        ("2021/22 Q2 - 2021/22 Q1", "financial"),
        ("2021/22 Q1 - 2022 Q2", "financial"),
        ("Nob 2023", "calendar"),
        ("Nov 2023 - Oct 2023", "calendar"),
        ("2021-02-30", "snapshot"),
        ("2021-02-01", "calendar"),
        ("2021-02-02", "month"),
        ("01/02/2021", "month"),
        ("13/2020", "calendar"),
        ("00/2020", "calendar"),
        ("Dec to Jan 2020", "calendar"),
        ("Jan 1990 - Dec 2015", "calendar"),
        ("1990/91 Q1 - 2015/16 Q1", "financial"),
        ("2021/23 Q1", "financial"),
        ("2021/22 Q1-Q1", "financial"),
        ("2009/10", "financial_end_point"),
        ("2009-04-01", "financial_end_point"),
        ("2009-03-31 - 2010-03-31", "snapshot"),
        ("2010-03-31 - 2009-03-31", "financial_end_point"),
        ("20\u0662\u0661", "calendar"),
    ],
)
def test_anything_else_is_refused(label: str, year_type: YearType) -> None:
    with pytest.raises(PeriodLabelError):
        parse_period(label, year_type=year_type)


@pytest.mark.parametrize(
    ("label", "period_range", "sortable"),
    [
        ("2018 - 20", "1y", None),
        ("2018 - 20", "three", None),
        ("2019", "3y", 20190000),
        ("Nov 2023", "3m", None),
        ("2019", "\u0661y", None),
        ("2019", "0y", None),
        ("2021/22 Q2 - 2021/22 Q3", "3m", None),
        ("2021/22 Q2", "3y", None),
        ("Aug 2006 - Jul 2008", "1y", None),
        ("mid-2019", "3y", None),
        ("2018 - 20", "3y", 20170000),
        ("2021/22 Q2", None, 20210300),
        ("2021/22 Q2 - 2021/22 Q3", None, 20210300),
        ("2021/22 Q2 - 2021/22 Q4", None, 20210300),
        ("2021/22", None, 20210100),
        ("2021/22", None, 20210004),
        ("2021/22 Q1", None, 20210000),
        ("2021/22 Q1 - 2022/23 Q1", None, 20210400),
        ("Nov 2023", None, 20230000),
        ("Aug 2006 - Jul 2007", None, 20070000),
        ("Apr 2019 - Jun 2019", None, 20190000),
        ("2019", None, -1),
        ("2019", None, 10**30),
        ("Jan 2010", None, 20080010),
    ],
)
def test_a_label_that_contradicts_its_range_or_sortable_is_refused(
    label: str, period_range: str | None, sortable: int | None
) -> None:
    with pytest.raises(PeriodLabelError):
        parse_period(label, year_type="financial", period_range=period_range, sortable=sortable)


@pytest.mark.parametrize(
    ("label", "year_type", "period_range", "sortable"),
    [
        ("2013/14 Q1 - 2014/15 Q4", "financial", "5y", 20130800),
        ("2006/07 Q1 - 2007/08 Q4", "financial", "2y", 20060100),
        ("2006/07 Q3", "financial", "3m", 20060300),
        ("2006/07 Q1-Q3", "financial", "1y", 20060300),
        ("Aug 2006 - Jul 2008", "calendar", "2y", 20060000),
        ("Feb 2009 - Jan 2010", "financial", "1y", 20090002),
        ("Jan 2010", "financial", "1m", 20090010),
        ("Jan 2010", "financial", "1m", 20100001),
        ("2009", "financial_end_point", "1y", 20090000),
        ("2009 - 11", "financial_end_point", "3y", 20090000),
        ("2019", "calendar", " 12m ", 20190000),
        ("2019", "calendar", "  ", None),
    ],
)
def test_a_range_and_a_sortable_that_fit_are_accepted(
    label: str, year_type: YearType, period_range: str, sortable: int | None
) -> None:
    alone = parse_period(label, year_type=year_type)
    assert parse_period(label, year_type=year_type, period_range=period_range, sortable=sortable) == alone


def test_a_snapshot_lasts_no_month() -> None:
    assert parse_period("2009 - 11", year_type="financial_end_point").months == 0
    assert parse_period("2022-06-30", year_type="snapshot").months == 0


def test_a_column_keeps_its_order_and_the_labels_it_cannot_read() -> None:
    frame = pl.DataFrame(
        {
            "label": ["2018 - 20", "sometime", None, "2021/22", "2018-20", "2018 - 20"],
            "range": ["3y", "1y", None, None, None, "1y"],
            "sortable": [20180000, None, None, 20210000, None, 20180000],
        }
    )
    columns = (pl.col("label"), pl.col("range"), pl.col("sortable"))
    periods = frame.lazy().select(period_of(*columns, "financial").alias("p")).unnest("p").collect()
    assert periods.rows() == [
        ("2018 - 20", "calendar", date(2018, 1, 1), date(2020, 12, 31), 3),
        ("sometime", None, None, None, None),
        (None, None, None, None, None),
        ("2021/22", "financial", date(2021, 4, 1), date(2022, 3, 31), 1),
        ("2018 - 20", "calendar", date(2018, 1, 1), date(2020, 12, 31), 3),
        ("2018 - 20", None, None, None, None),
    ]
