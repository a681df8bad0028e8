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
YEAR_TYPES: dict[str, YearType] = {
    "1": "calendar",
    "2": "financial",
    "3": "academic",
    "4": "financial",
    "5": "calendar",
    "6": "calendar",
    "7": "financial",
    "8": "calendar",
    "9": "calendar",
    "10": "financial",
    "13": "calendar",
}


def published(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


@pytest.mark.parametrize("row", published("published_period_labels.csv"), ids=lambda row: f"{row['year_type']}")
def test_published_labels_are_read_and_written_back(row: dict[str, str]) -> None:
    label, sortable = row["expected_label"], int(row["time_period_sortable"])
    period = parse_period(label, year_type=YEAR_TYPES[row["year_type_id"]], sortable=sortable)

    # One source writes cumulative quarters short; they come back in the form of the other.
    expected = f"{label[:10]} - {label[:8]}Q{label[-1]}" if row["year_type_id"] == "7" and "-" in label else label
    assert period.label == expected
    again = parse_period(period.label, year_type=YEAR_TYPES[row["year_type_id"]])
    assert again == period


def next_label(period_type: str, reporting: str, sortable: int) -> tuple[str, YearType] | None:
    """Write the label of a published sortable number, independently of the parser."""
    year, quarter, month = sortable // 10000, sortable // 100 % 100, sortable % 100
    kind: YearType = "calendar"
    if period_type.startswith("Financial"):
        kind = "financial"
    elif period_type == "Academic":
        kind = "academic"
    years = int(reporting.split(maxsplit=1)[0]) if reporting[0].isdigit() else 1
    if period_type == "Financial year end point":
        return None
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


def test_published_dates() -> None:
    checked = 0
    for row in published("published_period_dates.csv"):
        sortable = int(row["time_period_sortable"])
        written = next_label(row["period_type"], row["reporting_period"], sortable)
        if written is None:
            continue
        label, year_type = written
        period = parse_period(label, year_type=year_type, sortable=sortable)
        assert (period.start_date.isoformat(), period.end_date.isoformat()) == (row["from_date"], row["to_date"]), label
        checked += 1
    # Four rows are days at the end of a financial year, which have no label of their own.
    assert checked == len(published("published_period_dates.csv")) - 4


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
        ("2018 - 20", "3y", 20170000),
        ("2021/22 Q2", None, 20210300),
        ("2021/22 Q2 - 2021/22 Q3", None, 20210300),
        ("2021/22", None, 20210100),
        ("Jan 2010", None, 20080010),
    ],
)
def test_a_label_that_contradicts_its_range_or_sortable_is_refused(
    label: str, period_range: str | None, sortable: int | None
) -> None:
    with pytest.raises(PeriodLabelError):
        parse_period(label, year_type="financial", period_range=period_range, sortable=sortable)


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
