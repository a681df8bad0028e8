"""From publishers' layouts to landed rows, with real slices and spoiled copies of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.acquire.landed_schema import INDICATOR_VALUES, NEIGHBOUR_SETS
from pipelines.acquire.source_registry import Source
from pipelines.problems import Problem

MakeSource = Callable[..., Source]
RealSource = Callable[[str], Source]
Landed = Callable[..., pl.DataFrame]
Refused = Callable[..., tuple[Problem, ...]]

FILE = "example/2024-10/values.csv"
FINGERTIPS_FILE = "fingertips/2024-10/values.csv"

HEADER_27 = (
    "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,Category Type,Category,"
    "Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,Lower CI 99.8 limit,Upper CI 99.8 limit,Count,"
    "Denominator,Value note,Recent Trend,Compared to England value or percentiles,Column not used,"
    "Time period Sortable,New data,Compared to goal,Time period range"
)
SMOKING = (
    "91547,Smoking prevalence in adults (15+) - current smokers (QOF),E92000001,England,nE54000048,"
    '"NHS Norfolk, Waveney",ICBs,Persons,15+ yrs,,,2013/14,17.80130018,17.75102807,17.85168376,,,395046,2219197.452,'
    "Aggregated from all known lower geography values,Cannot be calculated,Better,Not compared,20130000,,,1y"
)
HEADER_26 = (
    "IndicatorID,IndicatorName,ParentCode,ParentName,AreaCode,AreaName,AreaType,Sex,Age,Category_Type,Category,"
    "Timeperiod,Value,Lower_CI_95.0_limit,Upper_CI_95.0_limit,Lower_CI_99.8_limit,Upper_CI_99.8_limit,Count,"
    "Denominator,Value_note,Recent_Trend,Compared_to_England_value_or_percentiles,"
    "Compared_to_Region_value_or_percentiles,Time_period_Sortable,New_data,Compared_to_goal"
)
SUICIDE = (
    "41001,Suicide rate,E12000004,East Midlands region,E06000015,Derby,County & UA,Male,10+ yrs,,,2015 - 17,,,,,,,,"
    "Value cannot be calculated as number of cases is too small,Cannot be calculated,Not compared,Similar,20150000,,"
)


def fingertips_rows(*rows: str, header: str = HEADER_27) -> str:
    return "\r\n".join((header, *rows)) + "\r\n"


def test_fingertips_of_today(real_source: RealSource, landed: Landed) -> None:
    frame = landed(real_source("fingertips"), fingertips_rows(SMOKING))
    assert dict(frame.schema) == INDICATOR_VALUES
    row = frame.row(0, named=True)
    assert len(row.pop("source_file_sha256")) == 64
    assert {name: value for name, value in row.items() if value is not None} == {
        "source_id": "fingertips",
        "source_release": "2024-10",
        "source_table": "indicator_values",
        "source_file": FINGERTIPS_FILE,
        "source_row_number": 2,
        "source_column": "Value",
        "indicator_id": "91547",
        "indicator_name": "Smoking prevalence in adults (15+) - current smokers (QOF)",
        "parent_code": "E92000001",
        "parent_name": "England",
        "area_code": "nE54000048",
        "area_name": "NHS Norfolk, Waveney",
        "area_type": "ICBs",
        "sex": "Persons",
        "age": "15+ yrs",
        "period_label": "2013/14",
        "period_sortable": 20130000,
        "period_range": "1y",
        "period_type": "financial",
        "period_start": date(2013, 4, 1),
        "period_end": date(2014, 3, 31),
        "period_pooled_years": 1,
        "value": 17.80130018,
        "value_as_published": "17.80130018",
        "lower_ci_95": 17.75102807,
        "upper_ci_95": 17.85168376,
        "count": 395046.0,
        "denominator": 2219197.452,
        "value_note": "Aggregated from all known lower geography values",
        "recent_trend_published": "Cannot be calculated",
        "compared_to_england_published": "Better",
        "compared_to_parent_published": "Not compared",
    }


def test_fingertips_of_2019_without_range_and_with_other_headers(real_source: RealSource, landed: Landed) -> None:
    row = landed(real_source("fingertips"), fingertips_rows(SUICIDE, header=HEADER_26)).row(0, named=True)
    assert (row["period_type"], row["period_pooled_years"], row["period_range"]) == ("calendar", 3, None)
    assert (row["compared_to_parent_published"], row["compared_to_england_published"]) == ("Similar", "Not compared")
    assert (row["value"], row["value_as_published"], row["unreadable_cells"]) == (None, None, None)


def test_fingertips_saved_from_the_website(real_source: RealSource, landed: Landed) -> None:
    header = HEADER_27.replace("Area Name", "AreaName").replace("Column not used", "Compared to percentiles")
    quoted = ",".join(f'"{name}"' for name in header.split(","))
    row = landed(real_source("fingertips"), ("\ufeff" + fingertips_rows(SMOKING, header=quoted))).row(0, named=True)
    assert (row["indicator_id"], row["compared_to_parent_published"]) == ("91547", "Not compared")


def test_fingertips_written_by_r(real_source: RealSource, landed: Landed) -> None:
    header = '"",' + HEADER_27.replace(" ", ".")
    row = landed(real_source("fingertips"), fingertips_rows('"1",' + SMOKING.replace(",,,", ",NA,NA,"), header=header))
    assert row["area_code"].to_list() == ["nE54000048"]
    assert row.select("category", "lower_ci_99_8", "unreadable_cells").row(0) == (None, None, None)


def test_the_comparison_with_the_parent_is_found_by_place(real_source: RealSource, landed: Landed) -> None:
    header = HEADER_27.replace("Column not used", "Parent comparison")
    row = landed(real_source("fingertips"), fingertips_rows(SMOKING, header=header)).row(0, named=True)
    assert row["compared_to_parent_published"] == "Not compared"


def test_a_new_comparison_with_england_is_not_taken_for_the_parent(real_source: RealSource, refused: Refused) -> None:
    header = HEADER_27.replace("Compared to England value or percentiles", "Compared to England")
    unknown, missing = refused(real_source("fingertips"), fingertips_rows(SMOKING, header=header))
    assert (unknown.rule, unknown.column) == ("unknown_column", "Compared to England")
    assert (missing.rule, missing.column) == ("missing_column", "Compared to England value or percentiles")


def test_reordered_fingertips_columns_land_the_same(real_source: RealSource, landed: Landed, tmp_path: Any) -> None:
    plain = SMOKING.replace('"NHS Norfolk, Waveney"', "NHS Norfolk")
    straight = landed(real_source("fingertips"), fingertips_rows(plain))
    reverse = [",".join(reversed(line.split(","))) for line in (HEADER_27, plain)]
    (tmp_path / "raw" / "fingertips" / "2024-10").rename(tmp_path / "before")
    reordered = landed(real_source("fingertips"), "\n".join(reverse))
    assert reordered.drop("source_file_sha256").equals(straight.drop("source_file_sha256"))


def test_an_unknown_fingertips_column_is_named(real_source: RealSource, refused: Refused) -> None:
    (problem,) = refused(real_source("fingertips"), fingertips_rows(SMOKING + ",x", header=HEADER_27 + ",Caveats"))
    assert (problem.rule, problem.file, problem.row) == ("unknown_column", FINGERTIPS_FILE, 1)
    assert problem.column == "Caveats"
    assert "ignored_columns" in problem.remedy


def test_a_missing_fingertips_column_is_named(real_source: RealSource, refused: Refused) -> None:
    (problem,) = refused(real_source("fingertips"), fingertips_rows(SMOKING, header=HEADER_27.replace("Sex,", "")))
    assert (problem.rule, problem.column) == ("missing_column", "Sex")


def test_the_old_name_of_a_limit_is_the_same_column(real_source: RealSource, refused: Refused) -> None:
    older = HEADER_27.replace("Lower CI 95.0 limit", "Lower CI limit").replace("Upper CI 95.0", "Upper CI")
    (problem,) = refused(
        real_source("fingertips"), fingertips_rows(SMOKING + ",1", header=older + ",Lower CI 95.0 limit")
    )
    assert (problem.rule, problem.column) == ("column_twice", "Lower CI 95.0 limit")
    assert "'Lower CI limit'" in problem.message


def test_a_renamed_limit_lands(real_source: RealSource, landed: Landed) -> None:
    older = HEADER_27.replace("Lower CI 95.0 limit", "Lower CI limit").replace("Upper CI 95.0", "Upper CI")
    row = landed(real_source("fingertips"), fingertips_rows(SMOKING, header=older)).row(0, named=True)
    assert (row["lower_ci_95"], row["upper_ci_95"]) == (17.75102807, 17.85168376)


TIDY = "area_code,period,value,count\n"


def test_what_cannot_be_read_is_noted_and_lands(make_source: MakeSource, landed: Landed) -> None:
    frame = landed(
        make_source(),
        TIDY
        + "E1,2021/22, 12.5 ,3\n"
        + "E2,sometime,1,abc\n"
        + "E3,2021/23,*,NA\n"
        + "E4,2021/22,inf,nan\n"
        + '"\u00a0E5\u00a0",2021/22,NA,"5,610"\n'
        + "E6,,,1e3\n",
    )
    assert frame.select(
        "source_row_number", "area_code", "value", "value_as_published", "count", "unreadable_cells"
    ).rows() == [
        (2, "E1", 12.5, " 12.5 ", 3.0, None),
        (3, "E2", 1.0, "1", None, "count='abc'; period_label='sometime'"),
        (4, "E3", None, "*", None, "value='*'; period_label='2021/23'"),
        (5, "E4", None, "inf", None, "value='inf'; count='nan'"),
        (6, "E5", None, "NA", None, "count='5,610'"),
        (7, "E6", None, None, 1000.0, None),
    ]
    assert frame["period_label"].to_list() == ["2021/22", "sometime", "2021/23", "2021/22", "2021/22", None]
    assert frame["period_start"].null_count() == 3


def test_thousands_separators_only_where_declared(make_source: MakeSource, landed: Landed) -> None:
    tables = [{"id": "values", "file": "*.csv", "thousands_separator": ","}]
    frame = landed(make_source(tables=tables), TIDY + 'E1,2021/22,"5,610","237,354.5"\nE2,2021/22,"56,10","5_,610"\n')
    assert frame.select("value", "count", "unreadable_cells").rows() == [
        (5610.0, 237354.5, None),
        (None, None, "value='56,10'; count='5_,610'"),
    ]


def test_reordered_columns_land_the_same(make_source: MakeSource, landed: Landed, tmp_path: Any) -> None:
    straight = landed(make_source(), TIDY + "E1,2021/22,1,2\n")
    (tmp_path / "raw" / "example" / "2024-10").rename(tmp_path / "before")
    reordered = landed(make_source(), "count,value,period,area_code\n2,1,2021/22,E1\n")
    assert reordered.drop("source_file_sha256").equals(straight.drop("source_file_sha256"))


def test_unknown_and_missing_columns_are_named_before_any_row_is_read(
    make_source: MakeSource, refused: Refused
) -> None:
    unknown, missing = refused(make_source(), "area_code,period,wert,count\n1,2,3,4,5\n")
    assert (unknown.rule, unknown.file, unknown.row, unknown.column) == ("unknown_column", FILE, 1, "wert")
    assert "example.yml" in unknown.remedy
    assert (missing.rule, missing.column) == ("missing_column", "value")


def test_an_ignored_column_is_not_landed(make_source: MakeSource, landed: Landed) -> None:
    frame = landed(make_source(ignored_columns=["note"]), TIDY.replace("count", "count,note") + "E1,2021/22,1,2,x\n")
    assert frame.height == 1


def test_a_header_given_twice(make_source: MakeSource, refused: Refused) -> None:
    (problem,) = refused(make_source(), "area_code,period,value,count,value\nE1,2021/22,1,2,3\n")
    assert (problem.rule, problem.column) == ("column_twice", "value")


def test_a_stray_quote_is_refused_by_row(make_source: MakeSource, refused: Refused) -> None:
    (problem,) = refused(make_source(), TIDY + 'E1,2021/22,1,2\nE"2,2021/22,1,2\n')
    assert (problem.rule, problem.file, problem.row, problem.value) == ("malformed_csv", FILE, 3, 'E"2')


def test_wrong_encoding_is_refused_by_row(make_source: MakeSource, refused: Refused) -> None:
    (problem,) = refused(make_source(), TIDY.encode() + b"E1,2021/22,1,2\nE\xa02,2021/22,1,2\n")
    assert (problem.rule, problem.file, problem.row) == ("undecodable_bytes", FILE, 3)


def test_blank_records_are_not_landed_and_keep_the_numbers(make_source: MakeSource, landed: Landed) -> None:
    frame = landed(make_source(), TIDY + "E1,2021/22,1,2\n,,,\n\nE2,2021/22,1,2\n,,,\n")
    assert frame.select("source_row_number", "area_code").rows() == [(2, "E1"), (5, "E2")]


def test_names_get_their_codes(real_source: RealSource, landed: Landed) -> None:
    frame = landed(
        real_source("trafford_localities"),
        'Locality,Electoral Wards,Population Estimates\nNorth,"Stretford, Longford","48,205"\nEast,Nowhere,"5,610"\n',
        "localities.csv",
    )
    assert frame.select("area_code", "parent_code", "value", "period_end", "unreadable_cells").rows() == [
        ("TRAFFORD-NORTH", "E08000009", 48205.0, date(2019, 6, 30), None),
        (None, "E08000009", 5610.0, date(2019, 6, 30), "area_name='East'"),
    ]


JSNA = "area_code,area_name,area_type,period,indicator,measure,unit,value,compared_to_England,inequality\n"


YEAR_6 = "Year 6 prevalence of obesity (including severe obesity)"


def test_one_header_means_different_things_in_different_tables(
    real_source: RealSource, landed: Landed, tmp_path: Any
) -> None:
    life = (
        JSNA
        + "E92000001,England,Country,2015 - 17,Healthy life expectancy at birth,Life expectancy,Years,63.3,Worse,Male\n"
    )
    obesity = (
        JSNA
        + f"E08000009,Trafford,UA,2020/21 - 24/25,{YEAR_6},Percentage,Persons,28.9,Worse,Most deprived quintile\n"
        + f"E08000009,Trafford,UA,2024/25,{YEAR_6},Percentage,Persons,NA,NA,NA\n"
    )
    columns = ("indicator_id", "sex", "unit", "category_type", "category", "period_type", "value")
    first = landed(real_source("trafford_jsna"), life, "healthy_life_expectancy.csv").select(columns)
    (tmp_path / "raw" / "trafford_jsna" / "2024-10").rename(tmp_path / "before")
    second = landed(real_source("trafford_jsna"), obesity, "obese_year6.csv").select(columns)
    assert first.rows() == [
        ("trafford_jsna.healthy_life_expectancy", "Male", "Years", None, None, "calendar", 63.3),
    ]
    quintiles = "Deprivation quintiles in England"
    assert second.rows() == [
        ("trafford_jsna.year_6_obesity", "Persons", "%", quintiles, "Most deprived quintile", "academic", 28.9),
        ("trafford_jsna.year_6_obesity", "Persons", "%", None, None, "academic", None),
    ]


UKHSA = (
    "Species,Sustainability transformation partnerships code (ONS),"
    "Sustainability transformation partnerships code (NHS),Integrated care board (ICB),2009 to 2010,2022 to 2023\r\n"
    "Methicillin-resistant Staphylococcus aureus\u00a0(MRSA),E54000008,QYG,NHS Cheshire and Merseyside,4.6,1.3\r\n"
    'Escherichia coli,E54000011,QOC,"NHS Shropshire, Telford",[x],86.2\r\n'
    "C. difficile ,E54000011,QOC,NHS Shropshire,12,13 (r)\r\n"
)


def test_wide_periods_become_rows(real_source: RealSource, landed: Landed) -> None:
    frame = landed(real_source("ukhsa_bacteraemia"), UKHSA.encode("cp1252"), "bacteraemia_rates_by_icb.csv")
    assert frame.sort("source_row_number", "source_column").select(
        "source_row_number",
        "source_column",
        "indicator_id",
        "period_label",
        "value",
        "value_as_published",
        "unreadable_cells",
    ).rows() == [
        (2, "2009 to 2010", "ukhsa_bacteraemia.mrsa", "2009/10", 4.6, "4.6", None),
        (2, "2022 to 2023", "ukhsa_bacteraemia.mrsa", "2022/23", 1.3, "1.3", None),
        (3, "2009 to 2010", "ukhsa_bacteraemia.e_coli", "2009/10", None, "[x]", None),
        (3, "2022 to 2023", "ukhsa_bacteraemia.e_coli", "2022/23", 86.2, "86.2", None),
        (4, "2009 to 2010", "ukhsa_bacteraemia.c_difficile", "2009/10", 12.0, "12", None),
        (4, "2022 to 2023", "ukhsa_bacteraemia.c_difficile", "2022/23", None, "13 (r)", "value='13 (r)'"),
    ]
    assert frame["indicator_name"].unique().sort().to_list() == [
        "C. difficile",
        "Escherichia coli",
        "Methicillin-resistant Staphylococcus aureus\u00a0(MRSA)",
    ]


def test_a_wide_table_without_periods(real_source: RealSource, refused: Refused) -> None:
    spoiled = UKHSA.replace(" to ", "/").encode("cp1252")
    (problem,) = refused(real_source("ukhsa_bacteraemia"), spoiled, "bacteraemia_rates_by_icb.csv")
    assert (problem.rule, problem.row) == ("no_period_columns", 1)


def test_a_wide_table_with_an_unknown_column(real_source: RealSource, refused: Refused) -> None:
    spoiled = UKHSA.replace("2022 to 2023", "Change").encode("cp1252")
    (problem,) = refused(real_source("ukhsa_bacteraemia"), spoiled, "bacteraemia_rates_by_icb.csv")
    assert (problem.rule, problem.column) == ("unknown_column", "Change")


def test_neighbour_sets(real_source: RealSource, landed: Landed) -> None:
    frame = landed(
        real_source("trafford_neighbours"), "area_code,area_name\r\nE06000030,Swindon\r\n", "cipfalga0724.csv"
    )
    assert dict(frame.schema) == NEIGHBOUR_SETS
    assert frame.select(
        "source_column", "set_id", "set_as_of", "area_code", "neighbour_code", "neighbour_name"
    ).rows() == [("area_code", "cipfalga0724", "2024-07", "E08000009", "E06000030", "Swindon")]


@pytest.mark.parametrize(
    ("period", "label", "start"),
    [
        ({}, "2018", date(2018, 1, 1)),
        ({"year_type": "financial"}, "2018", date(2018, 1, 1)),
        ({"year_type": "financial", "years": 1}, "2018/19", date(2018, 4, 1)),
        ({"year_type": "academic", "years": 3}, "2018/19 - 20/21", date(2018, 9, 1)),
    ],
)
def test_a_bare_year_is_what_the_indicator_declares(
    period: dict[str, Any], label: str, start: date, make_source: MakeSource, landed: Landed
) -> None:
    indicator = make_source().indicators[0].model_dump() | {"period": period}
    (row,) = landed(make_source(indicators=[indicator]), "area_code,period,value,count\nE1,2018,5,1\n").rows(named=True)
    assert (row["period_label"], row["period_start"]) == (label, start)
