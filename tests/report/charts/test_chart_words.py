"""What a chart says in words: the finding first, right for every kind of commitment."""

from __future__ import annotations

from datetime import date

from pipelines.report.charts.overview import alternative as overview_words
from pipelines.report.charts.overview import table_of as overview_table
from pipelines.report.charts.sentences import alternative, axis_words, caption
from pipelines.report.charts.series import assemble

BASELINE = {"baseline_value": 20.9, "baseline_period_label": "2016"}


def test_change_target_and_status_are_one_sentence(one):
    series = one({2016: 20.9, 2022: 16.6}, **BASELINE)
    assert alternative(series) == (
        "Smoking prevalence in Nottingham fell from 20.9% (2016) to 16.6% (2022); "
        "the target is 5.0% or less by 31 March 2026; off track."
    )


def test_a_rise_and_what_may_be_chance(one):
    series = one({2016: 20.9, 2022: 21.6}, change_code="no_detectable_change", **BASELINE)
    assert "rose from 20.9% (2016) to 21.6% (2022), which may be chance;" in alternative(series)


def test_what_does_not_change_in_print_does_not_change_in_words(one):
    series = one({2016: 20.9, 2022: 20.93}, **BASELINE)
    assert "stayed at 20.9% (2022), as in 2016;" in alternative(series)


def test_without_a_baseline_the_first_figure_is_the_start(one):
    assert "rose from 1.0% (2010) to 3.0% (2012)" in alternative(one({2010: 1.0, 2011: 9.0, 2012: 3.0}))


def test_the_start_is_the_baseline_and_not_what_came_before(one):
    assert "fell from 20.9% (2016) to" in alternative(one({2012: 3.0, 2016: 20.9, 2022: 16.6}, **BASELINE))


def test_one_figure_alone(one):
    assert alternative(one({2022: 16.6})).startswith(
        "Smoking prevalence in Nottingham was 16.6% (2022), its only figure so far; the target"
    )


def test_nothing_that_can_be_shown(one):
    series = one({2021: None, 2022: None}, status_label="Not assessable", not_assessable_reason="value_missing")
    assert alternative(series) == (
        "Smoking prevalence in Nottingham has no figure that can be shown: 2021, 2022 (suppressed [c]); "
        "the target is 5.0% or less by 31 March 2026; not assessable (value missing)."
    )


def test_a_period_without_a_figure_is_named(one):
    text = alternative(one({2016: 20.9, 2018: None, 2022: 16.6}, **BASELINE))
    assert text.endswith("off track. No figure for 2018 (suppressed [c]).")


def test_a_baseline_that_is_withheld_is_no_start(one):
    text = alternative(one({2016: None, 2018: 18.0, 2022: 16.6}, baseline_period_label="2016"))
    assert "fell from 18.0% (2018) to 16.6% (2022)" in text
    assert "No figure for 2016 (suppressed [c])." in text


def test_figures_that_cannot_be_compared_are_not_compared(row):
    rows = [
        row(2016, 9.1),
        row(2017, 7.4, series_number=2, status_label="Not assessable", not_assessable_reason="series_break"),
    ]
    (series,) = assemble(rows, [])
    text = alternative(series)
    assert "fell" not in text
    assert text.startswith(
        "Smoking prevalence in Nottingham was 7.4% (2017); figures before 2017 were defined otherwise and cannot be "
        "compared with it, such as 9.1% (2016);"
    )
    assert "upright dotted line" in caption(series, None)


def test_releases_that_disagree_are_not_compared(row):
    rows = [
        row(2016, 9.1, actual_source_release="2024-09"),
        row(2017, 7.4, baseline_refused_reason="baseline_vintage_mismatch", is_scorecard_period=1),
    ]
    (series,) = assemble(rows, [])
    assert "figures before 2017 were of other releases and cannot be compared" in alternative(series)


def test_pooled_periods_that_overlap_say_so(one):
    assert ", periods that share years;" in alternative(one({2016: 20.9, 2017: 16.6}, is_overlapping_baseline=1))


def test_the_four_operators(one):
    def target(operator):
        return alternative(one({2020: 9.0}, target_operator=operator)).split("; ")[1]

    assert [target(operator) for operator in ("<=", ">=", "<", ">")] == [
        "the target is 5.0% or less by 31 March 2026",
        "the target is 5.0% or more by 31 March 2026",
        "the target is less than 5.0% by 31 March 2026",
        "the target is more than 5.0% by 31 March 2026",
    ]


def test_no_target_has_no_status(one):
    series = one({2016: 20.9, 2022: 16.6}, target_type="none", target_value=None, status_label="No target")
    assert alternative(series).endswith("to 16.6% (2022); no target is set.")


def test_a_target_that_nobody_can_work_out_is_not_called_none(one):
    series = one(
        {2022: 16.6}, target_value=None, status_label="Not assessable", not_assessable_reason="no_target_value"
    )
    assert alternative(series).endswith("the target cannot be given as a figure; not assessable (no target value).")


def test_a_target_that_moves_with_england(one):
    def text(kind, rule):
        series = one(
            {2020: 9.0},
            target_type=kind,
            target_value=8.0,
            target_operator=None,
            comparator_area_code="E92000001",
            comparator_name="England",
            comparator_rule=rule,
            second_value=8.0,
            forecast_value=0.5,
            forecast_lower_80=-0.5,
            forecast_upper_80=1.5,
            answering_period_end=date(2026, 12, 31),
        )
        return alternative(series)

    assert "the target is to match England by 31 March 2026; off track." in text("match_comparator", "point")
    kind = "statistically_better_than_comparator"
    assert "the target is to be better than England beyond chance by" in text(kind, "significantly_better")
    kind = "statistically_similar_or_better_than_comparator"
    assert "the target is to be no worse than England beyond chance by" in text(kind, "not_significantly_worse")
    assert text("match_comparator", "point").endswith(
        "If the pattern so far holds, the gap to England will be about 0.5% in the period to 31 December 2026 "
        "(80% interval -0.5 to 1.5). England was 8.0% in 2020."
    )


def test_gaps_say_between_what(one):
    across = one({2020: 14.0}, measured_as="gap_across_groups", gap_dimension="deprivation_quintile")
    assert alternative(across).startswith(
        "Gap across deprivation quintile in Smoking prevalence in Nottingham was 14.0 percentage points (2020)"
    )
    between = one({2020: 14.0}, measured_as="gap_between_indicators", versus_name="Smoking in pregnancy")
    assert alternative(between).startswith("Gap between Smoking prevalence and Smoking in pregnancy in Nottingham was")


def test_forecast_and_england_follow(full):
    text = alternative(full)
    assert "it will be about 15.1% in 2025 (80% interval 13.0 to 17.2)." in text
    assert "England was 14.0% in 2022." in text


def test_the_caption_says_what_is_there_and_no_more(full, one):
    said = caption(full, None)
    for part in ("95% limits, published", "mark in brackets", "straight path", "forecast"):
        assert part in said
    plain = caption(one({2020: 9.0}, target_value=None, target_type="none"), "5")
    assert plain == (
        "Dots are the figures as published; the line joins periods of one definition. No 95% limits are available. "
        "The vertical axis starts at 5, not at 0."
    )


def test_units_as_titles_of_an_axis():
    assert [axis_words(unit) for unit in ("%", "per 100,000", "years", None)] == [
        "Per cent",
        "Per 100,000",
        "Years",
        "Value",
    ]


def test_the_overview_counts_judged_ones_first(statuses):
    assert overview_words(statuses) == (
        "Of 101 commitments, counted once for every place that they name, in 2 frameworks: "
        "judged off track 1, on track 1; without a judgement no record 99."
    )
    table = overview_table(statuses)
    assert table.columns == ("Framework", "Off track", "On track", "No record", "All")
    assert table.rows == (("Plan", "0", "1", "0", "1"), ("Strategy", "1", "0", "99", "100"))
