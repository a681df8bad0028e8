"""Rows sorted into what one chart is about, and the table behind it. Nothing is drawn here."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.report.charts.series import assemble, group_words, slug, usual_step
from pipelines.report.charts.tables import table_of


def labels(runs):
    return [[point.label for point in run] for run in runs]


def cells(table, column):
    position = table.columns.index(column)
    return {line[0]: line[position] for line in table.rows}


def test_one_series_a_commitment_place_indicator_and_group(row):
    rows = [
        row(2020, 1.0),
        row(2021, 2.0),
        row(2020, 3.0, sex="Female"),
        row(2020, 4.0, indicator_id="publisher.other"),
        row(2020, 5.0, area_code="E06000019", area_name="Derby"),
        row(2020, 6.0, commitment_id="other"),
    ]
    series = assemble(rows, [])
    assert [[point.value for point in one.points] for one in series] == [[1.0, 2.0], [3.0], [4.0], [5.0], [6.0]]
    assert [one.id for one in series] == [
        "chart-fewer-smoke-e06000018-smoking",
        "chart-fewer-smoke-e06000018-smoking-female",
        "chart-fewer-smoke-e06000018-other",
        "chart-fewer-smoke-e06000019",
        "chart-other-e06000018",
    ]


def test_groups_that_differ_by_a_sign_have_different_ids():
    assert len({slug(age) for age in ("<75 yrs", "75+ yrs", "75 yrs", ">75 yrs")}) == 4


def test_places_of_one_name_are_told_apart(row):
    rows = [row(2020, 1.0, area_code=code, area_name="Hale", place_role="part") for code in ("E05000001", "E05000002")]
    assert [one.title for one in assemble(rows, [])] == [
        "Hale (E05000001): Smoking prevalence",
        "Hale (E05000002): Smoking prevalence",
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (("Persons", "All ages", "Total", "Total"), ""),
        (("Not applicable", "Not applicable", "Total", "Total"), ""),
        (("Female", "65+ yrs", "Total", "Total"), "female, 65+ yrs"),
        (("Persons", "All ages", "Deprivation", "Most deprived"), "Deprivation: Most deprived"),
    ],
)
def test_a_group_is_said_in_as_few_words_as_tell_it_apart(group, expected):
    assert group_words(*group) == expected


def test_the_line_breaks_where_a_figure_is_withheld(one):
    series = one({2018: 3.0, 2019: None, 2020: 2.0, 2021: 1.0})
    assert labels(series.segments) == [["2018"], ["2020", "2021"]]
    assert [point.label for point in series.drawn] == ["2018", "2020", "2021"]
    assert series.breaks == ()


def test_the_line_breaks_where_a_period_is_not_in_the_data(one):
    series = one({2016: 5.0, 2017: 4.0, 2019: 3.0, 2020: 2.0})
    assert labels(series.segments) == [["2016", "2017"], ["2019", "2020"]]


def test_the_line_breaks_where_the_measure_is_redefined(row):
    (series,) = assemble([row(2019, 9.0), row(2020, 8.0, series_number=2), row(2021, 7.0, series_number=2)], [])
    assert labels(series.segments) == [["2019"], ["2020", "2021"]]
    assert labels(series.breaks) == [["2019", "2020"]]


def test_releases_that_disagree_are_not_joined_and_others_are(row):
    def rows(reason):
        return [
            row(2019, 9.0, actual_source_release="2024-09"),
            row(2020, 8.0, baseline_refused_reason=reason, is_scorecard_period=1),
        ]

    (joined,) = assemble(rows(None), [])
    (apart,) = assemble(rows("baseline_vintage_mismatch"), [])
    assert (labels(joined.segments), labels(apart.segments)) == ([["2019", "2020"]], [["2019"], ["2020"]])


def test_periods_of_another_length_are_not_joined(row):
    pooled = row(2021, 7.0, period_label="2019 - 21", period_months=36)
    (series,) = assemble([row(2019, 9.0), row(2020, 8.0), pooled], [])
    assert labels(series.segments) == [["2019", "2020"], ["2019 - 21"]]


def test_the_second_line_breaks_by_its_own_gaps(row):
    rows = [row(year, 9.0, second_value=second) for year, second in ((2018, 3.0), (2019, None), (2020, 2.0))]
    (series,) = assemble(rows, [])
    assert labels(series.second_segments) == [["2018"], ["2020"]]
    assert labels(series.segments) == [["2018", "2019", "2020"]]


def test_the_usual_step_is_the_commonest(one):
    assert usual_step(one({2010: 1.0, 2013: 1.0, 2014: 1.0, 2015: 1.0}).points) == pytest.approx(365, abs=1)
    assert usual_step(one({2010: 1.0}).points) == 365


def test_limits_of_a_figure_that_is_blanked_are_dropped(one):
    (point,) = one({2020: None}, actual_lower_ci_95=1.0, actual_upper_ci_95=2.0).points
    assert (point.lower, point.upper) == (None, None)


def test_a_forecast_of_a_gap_is_no_forecast_of_the_value(one):
    expected = {"forecast_value": -2.0, "answering_period_end": date(2030, 12, 31), "comparator_area_code": "E92000001"}
    series = one({2020: 9.0}, target_type="match_comparator", second_value=8.0, **expected)
    assert series.forecast is None
    assert series.gap_forecast is not None
    assert series.gap_forecast.label == "the period to 31 December 2030"


def test_the_unit_of_a_gap_in_per_cent_is_points(one):
    series = one({2020: 9.0}, measured_as="gap_across_groups", gap_dimension="deprivation_quintile")
    assert series.unit == "percentage points"
    assert series.measure == "Gap across deprivation quintile in Smoking prevalence"


def test_the_table_holds_every_number_of_the_chart(full):
    table = table_of(full)
    assert table.columns == (
        "Period",
        "Nottingham (per cent)",
        "Lower 95% limit",
        "Upper 95% limit",
        "England",
        "Straight path",
        "Target",
        "Forecast",
        "Forecast, lower 80%",
        "Forecast, upper 80%",
        "Status of the value",
    )
    by_label = {line[0]: line[1:] for line in table.rows}
    assert by_label["2016"] == ("20.9", "15.0", "22.0", "14.0", "12.0", "5.0 or less", "[z]", "[z]", "[z]", "Present")
    assert by_label["2018"][:3] == ("[c]", "[c]", "[c]")
    assert by_label["2018"][-1] == "Suppressed [c]"
    expected = ("[z]", "[z]", "[z]", "[z]", "5.0", "5.0 or less", "15.1", "13.0", "17.2", "[z]")
    assert by_label["2025"] == expected
    assert list(by_label) == [str(year) for year in range(2016, 2026)]
    assert table.notes == (
        "[c] means suppressed. [z] means not applicable to this period. The baseline is 20.9% in 2016."
    )


def test_a_table_has_no_empty_column_and_no_empty_cell(one):
    table = table_of(one({2020: 9.0, 2021: 8.5}, target_value=None, target_type="none"))
    assert table.columns == ("Period", "Nottingham (per cent)", "Status of the value")
    assert all(cell for line in table.rows for cell in line)


def test_a_target_without_a_path_stands_in_the_last_period_ahead(one, ahead):
    table = table_of(one({2020: 9.0}, ahead(2021), ahead(2022), target_operator="<", target_value=9.0))
    assert cells(table, "Target") == {"2020": "less than 9.0", "2022": "less than 9.0"}


def test_a_mark_that_comes_with_a_figure_is_explained(row):
    (series,) = assemble([row(2020, 9.0, value_shorthand="[e]", value_label="Estimated")], [])
    table = table_of(series)
    assert table.rows[0][1] == "9.0"
    assert "[e] means estimated, a figure is given." in table.notes
