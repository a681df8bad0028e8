"""Extracts with identifiers beside labels: what the identifiers say, and what a year means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.acquire.landing import land
from pipelines.acquire.period_labels import label_from_first_year
from pipelines.acquire.raw_snapshots import loose_release
from pipelines.acquire.readers.pholio_csv import AGES, SEXES
from pipelines.acquire.source_registry import Source
from pipelines.problems import ConfigurationError, Problem

MakeSource = Callable[..., Source]
Landed = Callable[..., pl.DataFrame]
Refused = Callable[..., tuple[Problem, ...]]

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "fingertips" / "pholio_extract_31_indicators.csv"

HEADER = (
    "IndicatorId,Category,CategoryType,Age,Sex,Trend,Denominator,CategoryTypeId,UpperCI,Value,Count,AreaCode,SexID,AgeID,"
    "Year,LowerCI,CategoryId"
)
QOF = (
    '241,"","",17+ yrs,Persons,"",47886072,,6.93878531830596,6.93158962798202,3319266,E92000001,4,187,2018,6.92439909,'
)
COUNTY_TYPE = "County & UA deprivation deciles in England (IMD2019, 4/21 geography)"
COUNTY = f'"""{COUNTY_TYPE}""",<18 yrs,Female,""'
MOST = f"20401,Most deprived decile (IMD2019),{COUNTY},91451,146,21.4,20.4,1871,E92000001,2,173,2019,19.5,1"
SECOND = f"20401,Second most deprived decile (IMD2019),{COUNTY},58685,146,23.5,22.3,1312,E92000001,2,173,2019,21.1,2"
EXTRACT_COLUMNS = {
    "IndicatorId": "indicator_id",
    "AreaCode": "area_code",
    "Category": "category",
    "CategoryType": "category_type",
    "Age": "age",
    "Sex": "sex",
    "Trend": "recent_trend_published",
    "Denominator": "denominator",
    "Count": "count",
    "Value": "value",
    "LowerCI": "lower_ci_95",
    "UpperCI": "upper_ci_95",
    "Year": "period_label",
}
Extract = Callable[..., Source]


@pytest.fixture
def extract(make_source: MakeSource, declaration: dict[str, Any]) -> Extract:
    """A declaration of such extracts; ``periods`` are by indicator."""

    def make(*, table: dict[str, Any] | None = None, **periods: dict[str, Any] | None) -> Source:
        declared = {"241": {"year_type": "financial", "years": 1}, "20401": {"year_type": "calendar", "years": 3}}
        return make_source(
            reader="pholio_csv",
            columns=EXTRACT_COLUMNS,
            tables=[{"id": "extract", "file": "*.csv", **(table or {})}],
            indicators=[
                {**declaration["indicators"][0], "id": identifier, "name": identifier}
                | ({} if period is None else {"period": period})
                for identifier, period in {**declared, **{name[1:]: period for name, period in periods.items()}}.items()
            ],
        )

    return make


def rows(*lines: str, header: str = HEADER) -> str:
    return "\ufeff" + "\r\n".join((header, *lines)) + "\r\n"


def test_an_extract_lands(extract: Extract, landed: Landed) -> None:
    frame = landed(extract(), rows(QOF, MOST))
    first, second = frame.rows(named=True)
    assert {name: value for name, value in first.items() if value is not None and not name.startswith("source_")} == {
        "indicator_id": "241",
        "area_code": "E92000001",
        "sex": "Persons",
        "age": "17+ yrs",
        "period_label": "2018/19",
        "period_sortable": 20180000,
        "period_type": "financial",
        "period_start": date(2018, 4, 1),
        "period_end": date(2019, 3, 31),
        "period_pooled_years": 1,
        "value": 6.93158962798202,
        "value_as_published": "6.93158962798202",
        "lower_ci_95": 6.92439909,
        "upper_ci_95": 6.93878531830596,
        "count": 3319266.0,
        "denominator": 47886072.0,
    }
    assert (second["period_label"], second["period_sortable"], second["period_type"]) == (
        "2019 - 21",
        20190000,
        "calendar",
    )
    assert second["period_end"] == date(2021, 12, 31)


def test_literal_quotes_of_category_labels_are_taken_off(extract: Extract, landed: Landed) -> None:
    occupation = MOST.replace("Most deprived decile (IMD2019)", '"""Managerial, administrative"""')
    frame = landed(extract(), rows(occupation, SECOND))
    assert frame["category_type"].to_list() == [COUNTY_TYPE, COUNTY_TYPE]
    assert frame["category"].to_list() == ["Managerial, administrative", "Second most deprived decile (IMD2019)"]
    assert frame["unreadable_cells"].null_count() == 2


def test_the_order_of_the_columns_does_not_matter(extract: Extract, landed: Landed, tmp_path: Path) -> None:
    straight = landed(extract(), rows(QOF))
    (tmp_path / "raw" / "example" / "2024-10").rename(tmp_path / "before")
    reverse = [",".join(reversed(line.split(","))) for line in (HEADER, QOF)]
    reordered = landed(extract(), rows(reverse[1], header=reverse[0]))
    assert reordered.drop("source_file_sha256").equals(straight.drop("source_file_sha256"))


@pytest.mark.parametrize(
    ("year_type", "years", "label"),
    [
        ("calendar", 1, "1999"),
        ("calendar", 3, "1999 - 01"),
        ("calendar", 5, "1999 - 03"),
        ("financial", 1, "1999/00"),
        ("academic", 1, "1999/00"),
        ("financial", 3, "1999/00 - 01/02"),
        ("academic", 5, "1999/00 - 03/04"),
    ],
)
def test_labels_are_spelt_as_fingertips_spells_them(year_type: str, years: int, label: str) -> None:
    frame = pl.DataFrame({"year": [1999, None]}).select(label_from_first_year(pl.col("year"), year_type, years))
    assert frame.to_series().to_list() == [label, None]


@pytest.mark.parametrize("period", [None, {"year_type": "financial"}, {"year_type": "month", "years": 1}])
def test_a_year_that_nobody_has_explained_is_not_guessed(
    extract: Extract, landed: Landed, period: dict[str, Any] | None
) -> None:
    undeclared = QOF.replace("241,", "999,", 1)
    frame = landed(extract(_999=period), rows(QOF, undeclared))
    assert frame.select("period_label", "period_type", "period_start", "unreadable_cells").rows() == [
        ("2018/19", "financial", date(2018, 4, 1), None),
        ("2018", None, None, "period_label='2018'; the indicator has no declared period"),
    ]


def test_an_indicator_that_is_not_declared_at_all(extract: Extract, landed: Landed) -> None:
    frame = landed(extract(), rows(QOF, QOF.replace("241,", "999,", 1), QOF.replace("241,", ",", 1)))
    assert frame["period_type"].to_list() == ["financial", None, None]
    assert frame["unreadable_cells"].null_count() == 1


def test_indicators_of_one_file_may_mean_different_years(extract: Extract, landed: Landed) -> None:
    school = QOF.replace("241,", "92033,", 1)
    frame = landed(extract(_92033={"year_type": "academic", "years": 1}), rows(QOF, school, MOST))
    assert frame.select("period_label", "period_start").rows() == [
        ("2018/19", date(2018, 4, 1)),
        ("2018/19", date(2018, 9, 1)),
        ("2019 - 21", date(2019, 1, 1)),
    ]


@pytest.mark.parametrize("year", ["18", "2018.0", "Q1", "20180"])
def test_what_is_no_year_is_unreadable(extract: Extract, landed: Landed, year: str) -> None:
    frame = landed(extract(), rows(QOF, QOF.replace(",2018,", f",{year},")))
    assert frame["unreadable_cells"].to_list() == [None, f"period_label='{year}'"]
    assert frame["period_sortable"].to_list() == [20180000, None]


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        ((",4,187,", ",2,187,"), "sex='Persons' beside SexID 2"),
        ((",4,187,", ",7,187,"), "sex='Persons' beside SexID 7"),
        ((",4,187,", ",,187,"), "sex='Persons' beside SexID "),
        (("Persons", ""), "sex='' beside SexID 4"),
        (("Persons", "persons"), "sex='persons' beside SexID 4"),
        ((",4,187,", ",4,188,"), "age='17+ yrs' beside AgeID 188"),
        ((",4,187,", ",1,1,"), "sex='Persons' beside SexID 1; age='17+ yrs' beside AgeID 1"),
    ],
)
def test_a_label_beside_another_identifier_is_unreadable(
    extract: Extract, landed: Landed, spoil: tuple[str, str], note: str
) -> None:
    frame = landed(extract(), rows(QOF, QOF.replace(*spoil), MOST))
    assert frame.select("source_row_number", "unreadable_cells").rows() == [(2, None), (3, note), (4, None)]


def test_an_unknown_identifier_has_one_label_within_a_file(extract: Extract, landed: Landed) -> None:
    unknown = QOF.replace("17+ yrs", "8-9 yrs").replace(",187,", ",901,")
    other = unknown.replace("8-9 yrs", "9-10 yrs")
    frame = landed(extract(), rows(unknown, unknown, other, QOF))
    assert frame["unreadable_cells"].to_list() == [None, None, "age='9-10 yrs' beside AgeID 901", None]


def test_of_two_labels_as_frequent_neither_is_believed(extract: Extract, landed: Landed) -> None:
    unknown = QOF.replace("17+ yrs", "8-9 yrs").replace(",187,", ",901,")
    frame = landed(extract(), rows(unknown, unknown.replace("8-9 yrs", "9-10 yrs"), QOF))
    assert frame["unreadable_cells"].is_not_null().to_list() == [True, True, False]


def test_a_category_has_one_label_within_its_type(extract: Extract, landed: Landed) -> None:
    wrong = SECOND.removesuffix("2") + "1"
    frame = landed(extract(), rows(MOST, MOST, SECOND, wrong))
    assert frame["unreadable_cells"].to_list() == [
        None,
        None,
        None,
        "category='Second most deprived decile (IMD2019)' beside CategoryTypeId 146, CategoryId 1",
    ]


def test_categories_without_identifiers_land(extract: Extract, landed: Landed) -> None:
    ethnic = QOF.replace('241,"","",', "241,White British,Ethnic groups,")
    frame = landed(extract(), rows(ethnic, ethnic.replace("White British", "Indian")))
    assert frame["unreadable_cells"].null_count() == 2


def swapped(line: str) -> str:
    """Exchange the contents of the two category columns."""
    identifier, category, rest = line.split(",", 2)
    kind, rest = rest.split('""",', 1)
    return f'{identifier},{kind}""",{category},{rest}'


def test_swapped_category_columns_are_refused_with_the_repair(
    extract: Extract, refused: Refused, landed: Landed, tmp_path: Path
) -> None:
    content = rows(QOF, swapped(MOST), swapped(SECOND))
    (problem,) = refused(extract(), content)
    assert (problem.rule, problem.row, problem.column) == ("category_columns_swapped", 1, "CategoryType")
    assert problem.value == "Most deprived decile (IMD2019)"
    assert "CategoryType: category, Category: category_type" in problem.remedy
    (tmp_path / "raw" / "example" / "2024-10").rename(tmp_path / "before")
    repaired = extract(table={"columns": {"CategoryType": "category", "Category": "category_type"}})
    frame = landed(repaired, content)
    assert frame.select("category_type", "category", "unreadable_cells").rows() == [
        (None, None, None),
        (COUNTY_TYPE, "Most deprived decile (IMD2019)", None),
        (COUNTY_TYPE, "Second most deprived decile (IMD2019)", None),
    ]


def test_swapped_columns_show_in_one_category_of_two_types(extract: Extract, refused: Refused) -> None:
    district = swapped(MOST).replace("County", "District").replace(",146,", ",149,")
    (problem,) = refused(extract(), rows(swapped(MOST), district))
    assert problem.rule == "category_columns_swapped"


def test_the_repair_of_a_file_that_needs_none_is_refused(extract: Extract, refused: Refused) -> None:
    repaired = extract(table={"columns": {"CategoryType": "category", "Category": "category_type"}})
    (problem,) = refused(repaired, rows(MOST, SECOND))
    assert (problem.rule, problem.column) == ("category_columns_swapped", "Category")


def test_one_type_with_one_category_shows_nothing(extract: Extract, landed: Landed) -> None:
    assert landed(extract(), rows(MOST))["unreadable_cells"].null_count() == 1


@pytest.mark.parametrize(
    ("header", "rule"),
    [(HEADER.replace("SexID,", "Gender,"), "missing_column"), (HEADER.replace("AgeID", "SexID"), "column_twice")],
)
def test_identifiers_have_to_be_there_once(extract: Extract, refused: Refused, header: str, rule: str) -> None:
    problems = refused(extract(), rows(QOF, header=header))
    assert (rule, "SexID") in {(problem.rule, problem.column) for problem in problems}


def test_unknown_and_missing_columns_are_named(extract: Extract, refused: Refused) -> None:
    unknown, missing = refused(extract(), rows(QOF, header=HEADER.replace("Denominator", "Population")))
    assert (unknown.rule, unknown.column) == ("unknown_column", "Population")
    assert (missing.rule, missing.column) == ("missing_column", "Denominator")


def test_a_declaration_without_a_year(make_source: MakeSource, tmp_path: Path) -> None:
    columns = {name: landed for name, landed in EXTRACT_COLUMNS.items() if name != "Year"}
    source = make_source(reader="pholio_csv", columns=columns, tables=[{"id": "extract", "file": "*.csv"}])
    path = tmp_path / "values.csv"
    path.write_text(rows(QOF), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="period_label"):
        land(source, [loose_release("example", path)], tmp_path / "landed")


def test_short_and_long_records_are_noted(extract: Extract, landed: Landed) -> None:
    frame = landed(extract(), rows(QOF, QOF, MOST, QOF.replace("47886072,", ""), QOF + ",x"))
    noted = dict(frame.select("source_row_number", "unreadable_cells").rows())
    assert [noted[number] for number in (2, 3, 4)] == [None, None, None]
    assert (noted[5] or "").startswith("record has 16 of 17 cells")
    assert (noted[6] or "").startswith("record has 18 of 17 cells")


def test_no_label_stands_for_two_identifiers() -> None:
    for known in (SEXES, AGES):
        assert len(set(known.values())) == len(known)


@pytest.mark.skipif(not REAL.is_file(), reason="needs the extract of 44,452 rows beside the project, too large for it")
def test_the_real_extract_agrees_with_every_known_identifier(extract: Extract, tmp_path: Path) -> None:
    record = land(extract(), [loose_release("example", REAL)], tmp_path / "landed")
    frame = pl.read_parquet(tmp_path / "landed" / "example.parquet")
    assert (record.rows, frame.filter(pl.col("unreadable_cells").str.contains("beside")).height) == (44_452, 0)
    types = frame["category_type"].drop_nulls()
    assert types.filter(types.str.contains('"')).is_empty()
    assert types.n_unique() == 20
    declared = frame.filter(pl.col("indicator_id").is_in(["241", "20401"]))
    assert declared["unreadable_cells"].null_count() == declared.height == 780
