"""Goals of indicators, in red, amber and green: five kinds, from ``numbers.txt``."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("measure", "area", "period", "colour"),
    [
        # 60 or more is met, limits or not.
        ("goal_single", "X1201", "2024", "Green"),
        ("goal_single", "X1202", "2024", "Red"),
        ("goal_single", "X1203", "2024", "Not compared"),
        ("goal_single_low", "X1201", "2024", "Green"),
        ("goal_single_low", "X1202", "2024", "Red"),
        # The whole interval on one side of 60.
        ("goal_limits", "X1201", "2024", "Green"),  # its lower limit is 60
        ("goal_limits", "X1202", "2024", "Red"),
        ("goal_limits", "X1203", "2024", "Amber"),
        ("goal_limits", "X1211", "2024", "Amber"),  # its upper limit is 60
        ("goal_limits", "X1212", "2024", "Green"),  # limits from its counts
        ("goal_limits", "X1301", "2024", "Not compared"),  # none
        # From 90 up to but not including 95.
        ("goal_range", "X1201", "2024", "Red"),
        ("goal_range", "X1202", "2024", "Amber"),
        ("goal_range", "X1203", "2024", "Amber"),
        ("goal_range", "X1211", "2024", "Green"),
        ("goal_range_low", "X1201", "2024", "Green"),
        ("goal_range_low", "X1202", "2024", "Amber"),
        ("goal_range_low", "X1211", "2024", "Red"),
        # England was 50 the year before and is 60.
        ("goal_previous", "X1201", "2024", "Green"),
        ("goal_previous", "X1202", "2024", "Green"),
        ("goal_previous", "X1203", "2024", "Red"),
        ("goal_previous", "E92000001", "2024", "Green"),
        ("goal_previous", "X1201", "2023", "Not compared"),
        # Of 10, 20, 30, 42 and 50, the quarters are at 20 and 42; districts and the region are of other tiers.
        ("goal_percentile", "X1201", "2024", "Green"),
        ("goal_percentile", "X1202", "2024", "Amber"),
        ("goal_percentile", "X1203", "2024", "Amber"),
        ("goal_percentile", "X1301", "2024", "Red"),
        ("goal_percentile", "X1200", "2024", "Red"),
        ("goal_percentile", "X1212", "2024", "Green"),
        ("goal_percentile", "X1201", "2023", "Not compared"),  # three councils are no distribution
    ],
)
def test_colour(figures, measure, area, period, colour):
    found = figures(measure)[area, period]
    assert found["compared_to_goal_computed"] == colour
    assert found["goal_id"] == measure.removeprefix("goal_")


@pytest.mark.parametrize(
    ("period", "goal", "colour"),
    [
        ("2019", None, None),  # before the first
        ("2020", "dated_old", "Green"),  # 88 is above 85
        ("2022", "dated_old", "Green"),  # ends on its last day
        ("2023", "dated_new", "Red"),  # and below 90
        ("2024", None, None),  # after the last
    ],
)
def test_a_goal_holds_in_its_years(figures, period, goal, colour):
    found = figures("goal_dated")["X1201", period]
    assert (found["goal_id"], found["compared_to_goal_computed"]) == (goal, colour)


def test_an_indicator_without_a_goal_has_no_colour(rows):
    found = rows("""
        select count(*) as n from fct_indicator_value
        where goal_id is null and compared_to_goal_computed is null
        and indicator_id not in (select indicator_id from seeds.indicator_goals)
    """)
    without = "indicator_id not in (select indicator_id from seeds.indicator_goals)"
    assert found == rows(f"select count(*) as n from fct_indicator_value where {without}")
    assert found[0]["n"] > 0
