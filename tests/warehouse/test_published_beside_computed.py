"""Value and limits from counts beside printed ones, and the checks that compare the two, from ``numbers.txt``."""

from __future__ import annotations

import json

import pytest

LIMITS = ("lower_ci_95_computed", "upper_ci_95_computed", "lower_ci_99_8_computed", "upper_ci_99_8_computed")

# Limits from counts.


@pytest.mark.parametrize(
    ("measure", "area", "method", "value", "limits"),
    [
        ("wilson", "X1201", "wilson", 25.3, (22.7036, 28.0855, 21.2991, 29.7682)),
        ("wilson_stated", "X1201", "wilson", 25.3, (22.7036, 28.0855, 21.2991, 29.7682)),
        ("wilson", "X1302", "wilson", 100, (96.3007, 100, 91.2829, 100)),
        ("wilson", "X1303", "wilson", 0, (0, 0.3827, 0, 0.9459)),
        ("poisson", "X1201", "byar_or_exact", 10, (7.1433, 13.6175, 5.8083, 15.9232)),  # Byar
        ("poisson_stated", "X1201", "byar_or_exact", 10, (7.1433, 13.6175, 5.8083, 15.9232)),
        ("poisson", "X1202", "byar_or_exact", 1, (0.2725, 2.5604, 0.1071, 3.6985)),  # exact
        ("poisson", "X1211", "byar_or_exact", 2.625, (1.2835, 4.7598, 0.7949, 6.2307)),  # a fraction, from ten
        ("poisson", "X1212", "byar_or_exact", 0, (0, 0.9222, 0, 1.7269)),
    ],
)
def test_value_and_limits_from_counts(figures, measure, area, method, value, limits):
    row = figures(measure)[area, "2024"]
    assert (row["ci_method_computed"], row["not_computed_reason"]) == (method, None)
    assert row["value_computed"] == pytest.approx(value)
    assert [row[name] for name in LIMITS] == pytest.approx(limits, abs=1e-4)


@pytest.mark.parametrize(
    ("measure", "area", "reason"),
    [
        ("wilson", "X1202", "no_value"),
        ("wilson", "X1203", "no_counts"),
        ("wilson", "X1304", "no_counts"),  # a denominator only
        ("wilson", "X1401", "no_counts"),  # a count only
        ("wilson", "X1211", "no_denominator"),  # nought
        ("wilson", "X1212", "count_is_not_numerator"),
        ("wilson", "X1301", "count_above_denominator"),
        ("poisson", "X1203", "count_is_not_whole"),
        ("weighted", "X1201", "needs_more_than_counts"),
        ("modelled", "X1201", "needs_more_than_counts"),
        ("tally", "X1202", "is_a_count"),
        ("fixed", "X1201", "not_a_ratio_of_counts"),
    ],
)
def test_why_there_are_no_limits(figures, measure, area, reason):
    row = figures(measure)[area, "2024"]
    assert (row["not_computed_reason"], row["ci_method_computed"], row["value_computed"]) == (reason, None, None)
    assert [row[name] for name in LIMITS] == [None] * 4


def test_limits_are_there_or_the_reason_is_said(rows):
    assert (
        rows("""
        from fct_indicator_value
        where (not_computed_reason is null) <> (value_computed is not null)
        or (not_computed_reason is null) <> (upper_ci_95_computed is not null)
    """)
        == []
    )


@pytest.mark.parametrize(
    ("area", "trend", "basis"),
    [
        ("X1201", "Increasing and getting worse", "counts"),  # 50 to 66 % of 1,000 each
        ("X1202", "No significant change", "published_limits"),  # by limits 40 points apart
    ],
)
def test_the_table_of_a_source_decides_how_a_trend_is_computed(figures, area, trend, basis):
    row = figures("weighed")[area, "2024"]
    assert (row["recent_trend_computed"], row["recent_trend_basis"]) == (trend, basis)


# Checks.


@pytest.fixture(scope="session")
def reproduced(rows):
    """Return a function from a check to its row for the source whose figures are partly printed wrongly."""

    def find(check_id):
        (row,) = rows("from fct_data_quality_check where source_id = 'icb_metrics' and check_id = ?", check_id)
        return row

    return find


def wrong(measure, area, published, computed):
    return {
        "indicator_id": f"icb_metrics.{measure}",
        "area_code": area,
        "period": "2024",
        "group": "Persons, All ages",
        "published": published,
        "computed": computed,
        "file": "icb_metrics/2025-10/numbers.csv",
    }


CHECKS = {
    # Printed right: Worse, and Worse 95%. Undetermined: a verdict without limits.
    "comparison_with_england_reproduced": (
        4,
        "2 of 4 published comparisons with England reproduced; 1 cannot be determined from the rows at hand",
        [
            wrong("printed_verdict", "X1201", "Better", "Worse"),
            wrong("printed_verdict", "X1301", "Better", "Worse"),  # by limits from counts
        ],
    ),
    "comparison_with_parent_reproduced": (
        2,
        "1 of 2 published comparisons with the parent area reproduced; 1 cannot be determined from the rows at hand",
        [wrong("printed_verdict", "X1201", "Worse", "Similar")],
    ),
    # Printed right: one of five points, one that cannot be calculated from three. Undetermined: a trend over points
    # that are not there, and one by limits that are not printed.
    "recent_trend_reproduced": (
        3,
        "2 of 3 published trends reproduced; 2 cannot be determined from the rows at hand",
        [wrong("printed_trend", "X1201", "Decreasing and getting better", "Increasing and getting worse")],
    ),
    # Undetermined: a colour of an indicator whose goal is not known.
    "goal_reproduced": (
        2,
        "1 of 2 published comparisons with a goal reproduced; 1 cannot be determined from the rows at hand",
        [wrong("printed_goal", "X1201", "Red", "Green")],
    ),
    # Printed right: by Wilson, and of 41.5 and 38.5 events, printed as 40. Nearly: 0.034 off, of 5.4. Wrong: one side;
    # and of 37 and 43 events, which round to 35 and 45. Undetermined: five rows without counts.
    "limits_reproduced": (
        7,
        "3 of 7 published 95 % limits reproduced, 1 nearly; 5 cannot be determined from the rows at hand",
        [
            wrong("printed_limits", "X1202", "22.7 to 30.0", "22.70358 to 28.085462"),
            wrong("printed_rounded", "X1202", "6.51 to 12.75", "7.143325 to 13.617525"),
            wrong("printed_rounded", "X1203", "7.78 to 14.48", "7.143325 to 13.617525"),
        ],
    ),
    # Printed right: 40, and 41.6 where every count may be off by 2.5. Undetermined: a suppressed member.
    "aggregates_reproduced": (
        4,
        "2 of 4 published figures of larger areas reproduced; 1 cannot be determined from the rows at hand",
        [
            wrong("printed_sum", "X1200", "43.0", "40.0"),
            wrong("printed_sum_rounded", "X1200", "41.8", "40.0"),
        ],
    ),
}


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_figure_that_is_printed_wrongly_is_a_finding(reproduced, rows, check_id):
    evaluated, observed, expected = CHECKS[check_id]
    row = reproduced(check_id)
    assert (row["outcome"], row["rows_evaluated"], row["rows_failed"]) == ("warned", evaluated, len(expected))
    assert row["observed"] == observed
    details = sorted(json.loads(row["details_json"]), key=lambda one: (one["indicator_id"], one["area_code"]))
    for one in details:
        # File and record lead to the row itself.
        (found,) = rows(
            "select indicator_id, area_code from fct_indicator_value where source_file = ? and source_row_number = ?",
            one["file"],
            one.pop("record"),
        )
        assert found == {"indicator_id": one["indicator_id"], "area_code": one["area_code"]}
    assert details == expected


NO_GOALS = "The source has no published comparisons with a goal that can be computed from its rows"


@pytest.mark.parametrize(
    ("source", "observed"),
    [
        ("fingertips", f"{NO_GOALS}."),
        ("ons_subnational", f"{NO_GOALS}; 1 cannot be determined from the rows at hand"),
    ],
)
def test_a_source_with_nothing_to_compare_says_so(rows, source, observed):
    (row,) = rows("from fct_data_quality_check where source_id = ? and check_id = 'goal_reproduced'", source)
    assert (row["outcome"], row["rows_evaluated"], row["observed"]) == ("not_evaluated", 0, observed)
    assert row["details_json"] is None
