"""What becomes of cells that are missing, markers, names for something else, or in the wrong place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl

from pipelines.acquire.source_registry import Source
from pipelines.problems import Problem

MakeSource = Callable[..., Source]
Landed = Callable[..., pl.DataFrame]
Refused = Callable[..., tuple[Problem, ...]]

TIDY = "area_code,period,value,count\n"
RAGGED = "area_code,period,value,count,sortable,trend,goal\n"


def ragged_source(make_source: MakeSource) -> Source:
    columns = {"sortable": "period_sortable", "trend": "recent_trend_published", "goal": "compared_to_goal_published"}
    return make_source(tables=[{"id": "values", "file": "*.csv", "columns": columns}])


def test_a_record_may_end_before_free_text_if_the_rest_fits(make_source: MakeSource, landed: Landed) -> None:
    rows = (
        "E1,2021/22,1,2,20210000,up,green\n"
        "E2,2021/22,1,2,20210000,up\n"
        "E3,2021/22,1,2,20210000\n"
        "E4,2021/22,1,2\n"
        "E5,1,2,20210000,up,green\n"
        "E6,2021/22,1,2,,green\n"
        "E7,2021/22,1,2,up,green\n"
        "E8,2021/22,1,2,20210000,up,green,,\n"
        "E9,2021/22,1,2,20210000,up,green,,x\n"
    )
    regular = "E0,2021/22,1,2,20210000,up,green\n" * 9
    frame = landed(ragged_source(make_source), RAGGED + rows + regular).filter(pl.col("area_code") != "E0")
    assert dict(frame.select("area_code", "unreadable_cells").rows()) == {
        "E1": None,
        "E2": None,
        "E3": None,
        "E4": "record has 4 of 7 cells",
        "E5": "record has 6 of 7 cells; period_sortable='up'; period_label='1'",
        "E6": "record has 6 of 7 cells",
        "E7": "record has 6 of 7 cells; period_sortable='up'",
        "E8": None,
        "E9": "record has 9 of 7 cells",
    }
    assert frame["source_row_number"].to_list() == list(range(2, 11))


def test_a_short_record_of_a_wide_table_is_set_aside_with_all_its_periods(
    make_source: MakeSource, landed: Landed
) -> None:
    source = make_source(
        reader="wide_table", columns={"Area": "area_code"}, period_columns=r"\d{4}", year_type="calendar"
    )
    frame = landed(source, "Area,2020,2021\nE1,1,2\nE2,3\nE3,4,5\n").sort("source_row_number", "source_column")
    assert frame.select("area_code", "value", "unreadable_cells").rows() == [
        ("E1", 1.0, None),
        ("E1", 2.0, None),
        ("E2", 3.0, "record has 2 of 3 cells"),
        ("E2", None, "record has 2 of 3 cells"),
        ("E3", 4.0, None),
        ("E3", 5.0, None),
    ]


def test_markers_say_why_there_is_no_value(make_source: MakeSource, landed: Landed) -> None:
    source = make_source(
        markers={"*": "suppressed", "NA": "missing"},
        tables=[{"id": "values", "file": "*.csv", "markers": {"[c]": "not_calculable", "NA": "not_applicable"}}],
    )
    rows = "".join(f"E{n},2021/22,{value},{value}\n" for n, value in enumerate(["1", " * ", "NA", "[c]", "", "x"]))
    frame = landed(source, TIDY + rows)
    assert frame.select("value", "value_marker_meaning", "value_as_published", "count", "unreadable_cells").rows() == [
        (1.0, None, "1", 1.0, None),
        (None, "suppressed", " * ", None, None),
        (None, "not_applicable", "NA", None, None),
        (None, "not_calculable", "[c]", None, None),
        (None, None, None, None, None),
        (None, None, "x", None, "value='x'; count='x'"),
    ]


def test_two_columns_together_choose_the_indicator(make_source: MakeSource, landed: Landed) -> None:
    lookups = {
        "indicator_id": {
            "column": ["indicator_name", "measure"],
            "values": {"Offending": {"Count": "example.one", "": "example.none"}},
        }
    }
    columns = {"indicator": "indicator_name", "measure": "measure", "count": None}
    table = {"id": "values", "file": "*.csv", "columns": columns, "lookups": lookups}
    header = "indicator,measure,area_code,period,value\n"
    rows = "Offending,Count,E1,2021/22,1\nOffending,,E1,2021/22,1\nOffending,Rate,E1,2021/22,1\n,,E1,2021/22,1\n"
    frame = landed(make_source(tables=[table]), header + rows)
    assert frame.select("indicator_id", "unreadable_cells").rows() == [
        ("example.one", None),
        ("example.none", None),
        (None, "indicator_name='Offending', measure='Rate'"),
        (None, None),
    ]


def test_texts_are_translated_in_place_and_by_pattern(make_source: MakeSource, landed: Landed) -> None:
    table = {
        "id": "values",
        "file": "*.csv",
        "columns": {"count": None, "unit": "sex"},
        "lookups": {
            "sex": {"column": "sex", "values": {"Females": "Female"}},
            "area_type": {"column": "area_code", "values": {"E92": "England"}, "patterns": {r"E0[6-9]\d": "UA"}},
            "period_label": {"column": "period_label", "values": {"04/2020 - 12/2020": "Apr 2020 - Dec 2020"}},
        },
    }
    header = "area_code,period,value,unit\n"
    frame = landed(
        make_source(tables=[table]),
        header + "E92,04/2020 - 12/2020,1,Females\nE069,2020,1,Men\nE0699,04/2020 - 12/2020,1,Females\n",
    )
    assert frame.select("sex", "area_type", "period_label", "period_type", "unreadable_cells").rows() == [
        ("Female", "England", "Apr 2020 - Dec 2020", "rolling", None),
        (None, "UA", None, None, "sex='Men'; period_label='2020'"),
        ("Female", None, "Apr 2020 - Dec 2020", "rolling", "area_code='E0699'"),
    ]


def test_several_columns_make_one_and_one_makes_two(make_source: MakeSource, landed: Landed) -> None:
    table = {
        "id": "values",
        "file": "*.csv",
        "columns": {"count": None, "period": None, "group": "category"},
        "composed": {"period_label": "{year} Q{quarter}", "sex": "{group}"},
    }
    header = "area_code,year,quarter,value,group\n"
    frame = landed(make_source(tables=[table]), header + "E1,2021/22,3,1,Male\nE1,2021/22,NA,1,Male\n")
    assert frame.select("period_label", "period_type", "sex", "category").rows() == [
        ("2021/22 Q3", "quarter", "Male", "Male"),
        (None, None, "Male", "Male"),
    ]


def test_a_column_of_a_template_has_to_be_there(make_source: MakeSource, refused: Refused) -> None:
    table = {"id": "values", "file": "*.csv", "columns": {"period": None}, "composed": {"period_label": "{year}"}}
    (problem,) = refused(make_source(tables=[table]), TIDY.replace("period", "when") + "E1,2021/22,1,2\n")
    assert (problem.rule, problem.column) == ("missing_column", "year")


def test_percentages_stored_as_fractions(make_source: MakeSource, landed: Landed) -> None:
    table = {"id": "values", "file": "*.csv", "percentages": ["value"]}
    frame = landed(make_source(tables=[table]), TIDY + "E1,2021/22,0.57,0.57\nE2,2021/22,57.1 %,1\n")
    assert frame.select("value", "value_as_published", "count").rows() == [(57.0, "0.57", 0.57), (57.1, "57.1 %", 1.0)]


def test_a_period_is_meant_as_its_indicator_means_it(make_source: MakeSource, landed: Landed, declaration: Any) -> None:
    (one,) = declaration["indicators"]
    indicators = [one, {**one, "id": "example.two", "period": {"year_type": "academic"}}]
    table = {"id": "values", "file": "*.csv", "columns": {"id": "indicator_id", "count": None}}
    source = make_source(indicators=indicators, tables=[table])
    frame = landed(source, "id,area_code,period,value\nexample.one,E1,2021/22,1\nexample.two,E1,2021/22,1\n")
    assert frame.select("period_type", "period_start").rows() == [
        ("financial", date(2021, 4, 1)),
        ("academic", date(2021, 9, 1)),
    ]
