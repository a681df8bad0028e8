"""Many places beside each other: ranked, withheld ones last, one chart a measure and period."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from pipelines.report.charts import ChartData, charts_held_back, collection, commitment_charts, place_charts
from pipelines.report.charts.parts import parts_charts, picture_of, ranked_by_figure, table_of
from pipelines.report.charts.series import assemble

WITHHELD = {"value_shorthand": "[c]", "value_label": "Suppressed"}


@pytest.fixture
def wards(row):
    def ward(code, name, year, value, **changes):
        return row(year, value, area_code=code, area_name=name, place_role="part", area_type_label="Ward", **changes)

    return assemble(
        [
            ward("E05000001", "Hale", 2023, 4.0, second_value=6.0, actual_lower_ci_95=3.0, actual_upper_ci_95=5.0),
            ward("E05000002", "Sale", 2023, None, second_value=6.0, **WITHHELD),
            ward("E05000003", "Urmston", 2023, 9.0, second_value=6.0),
            ward("E05000004", "Hale", 2021, 8.0, second_value=7.0),
        ],
        [],
    )


def test_a_chart_a_measure_and_period(wards):
    older, newer = parts_charts(wards)
    assert (older.title, newer.title) == (
        "Parts of places in 2021: Smoking prevalence",
        "Parts of places in 2023: Smoking prevalence",
    )
    assert newer.id == "chart-fewer-smoke-parts-smoking-prevalence-2023"
    assert newer.alt == (
        "Smoking prevalence in 3 parts of places in 2023: from 4.0% (Hale) to 9.0% (Urmston). England was 6.0%. "
        "Without a figure: 1."
    )
    assert older.alt == "Smoking prevalence in 1 part of a place in 2021: 8.0% (Hale). England was 7.0%."


def test_the_highest_is_at_the_top_and_withheld_ones_are_last(wards):
    ranked = ranked_by_figure(wards[:3])
    assert [series.place for series in ranked] == ["Urmston", "Hale", "Sale"]
    picture = picture_of(ranked)
    assert [mark.x for mark in picture.points if mark.y >= picture.y.low] == [9.0, 4.0]
    assert [line.points for line in picture.lines if line.name.startswith("limits")] == [((3.0, -30.0), (5.0, -30.0))]
    assert [mark.text for mark in picture.texts if mark.y == -50.0] == ["Sale", "[c]"]
    table = table_of(ranked)
    assert table.rows[2] == ("Sale", "2023", "[c]", "[c]", "[c]", "6.0", "Off track")
    assert table.notes == "[c] means suppressed. [x] means not available."


def test_namesakes_in_one_chart_are_told_apart(wards, row):
    both = assemble(
        [
            row(2023, 1.0, area_code=code, area_name="Hale", place_role="part", area_type_label="Ward")
            for code in ("E05000001", "E05000004")
        ],
        [],
    )
    assert [line[0] for line in table_of(both).rows] == ["Hale (E05000001)", "Hale (E05000004)"]


def test_nothing_to_show(row):
    blank = assemble([row(2023, None, place_role="part", **WITHHELD)], [])
    (chart,) = parts_charts(blank)
    assert chart.alt == "Smoking prevalence in 1 part of a place in 2023: no figure can be shown."
    assert ElementTree.fromstring(chart.svg).get("role") == "img"


def test_a_page_with_too_many_shows_the_parts_together(row, monkeypatch):
    monkeypatch.setattr(collection, "MOST", 4)

    def data(parts):
        rows = [row(2023, 5.0)]
        rows += [
            row(2023, 1.0 + n, area_code=f"E{n:08}", area_name=f"W{n:02}", place_role="part") for n in range(parts)
        ]
        return ChartData(tuple(assemble(rows, [])), ())

    few, many = data(3), data(4)
    assert len(commitment_charts(few, "fewer-smoke")) == 4
    assert charts_held_back(few, "fewer-smoke") == ""
    shown = commitment_charts(many, "fewer-smoke")
    assert [chart.area_code for chart in shown] == ["E06000018", None]
    assert len(shown[1].table.rows) == 4
    assert charts_held_back(many, "fewer-smoke").startswith("4 more charts, of 4 parts of the places above")
    assert [chart.area_code for chart in place_charts(many, "E00000003")] == ["E00000003"]
