"""What different published rules say of the same figures, side by side on the row of the scorecard."""

from __future__ import annotations

import pytest

COLUMNS = (
    "level_code",
    "change_code",
    "pace_ratio",
    "status_code",
    "healthy_people_category",
    "linear_pace_verdict",
    "fingertips_goal_by_value",
    "fingertips_goal_by_limits",
)

# Our level, change, pace and status. First the ten cases of the comparison of rules, which have limits in one of them
# only; then others, where the rules part company on other ground.
OURS = """
a_falls_fast        not_met             improving            0.77  at_risk
b_barely_moves      not_met             no_detectable_change 0.08  off_track
c_worsens           not_met             getting_worse        -2.56 off_track
d_met_slipping      met                 no_detectable_change -     achieved_but_slipping
e_target_nought     not_met             improving            0.83  at_risk
f_baseline_nought   not_met             improving            0.50  at_risk
g_negative          not_met             improving            0.56  at_risk
h_small_area        not_distinguishable no_detectable_change 0.83  at_risk
i_year_passed       not_met             improving            0.42  missed
j_sign_change       not_met             improving            0.83  at_risk

strict_operator     not_met             improving            1.67  on_track
sure_of_it          met_confident       no_detectable_change -     achieved
sure_asked_met      met_confident       improving            2.50  achieved
sure_at_due_doubt   not_distinguishable improving            1.10  missed
sure_at_due_below   not_distinguishable improving            0.90  missed
not_quite_hundred   not_met_confident   improving            1.65  on_track
awaiting_data       not_met             improving            0.67  at_risk
no_due_date         not_met             improving            -     at_risk
first_value         not_met             baseline_only        -     at_risk
overlaps_baseline   not_met             baseline_only        -     at_risk
break_level_not_met not_met             baseline_only        -     at_risk
match_equal         met                 no_detectable_change 1.67  achieved
match_not_worse     met                 no_detectable_change 0.83  achieved
growth_held_down    met                 getting_worse        -     achieved
growth_not_held     not_met             getting_worse        -     off_track
yearly_not_met      not_met             no_detectable_change -     at_risk
rise_over_cap       not_met             getting_worse        -     off_track
"""
# Healthy People, the linear pace of the Sustainable Development Goals Index, the Fingertips goal by value and limits.
THEIRS = """
a_falls_fast        improving           moderate   worse  -
b_barely_moves      little_or_no_change stagnating worse  -
c_worsens           getting_worse       decreasing worse  -
d_met_slipping      target_met          met        better -
e_target_nought     improving           moderate   worse  -
f_baseline_nought   improving           moderate   worse  -
g_negative          improving           moderate   worse  -
h_small_area        little_or_no_change moderate   worse  similar
i_year_passed       improving           missed     worse  -
j_sign_change       improving           moderate   worse  -

strict_operator     improving           on_track   better -
sure_of_it          target_met          met        better better
sure_asked_met      target_met          met        better better
sure_at_due_doubt   target_met          met        better similar
sure_at_due_below   improving           missed     worse  similar
not_quite_hundred   improving           on_track   worse  worse
awaiting_data       improving           moderate   worse  -
no_due_date         improving           -          worse  -
first_value         baseline_only       -          worse  -
overlaps_baseline   baseline_only       -          worse  -
break_level_not_met baseline_only       -          worse  -
match_equal         target_met          met        better -
match_not_worse     little_or_no_change moderate   worse  similar
growth_held_down    target_met          met        better -
growth_not_held     getting_worse       -          worse  -
yearly_not_met      little_or_no_change -          worse  -
rise_over_cap       getting_worse       -          worse  -
"""


def read(table):
    return dict(line.split(maxsplit=1) for line in table.strip().splitlines() if line)


def words(cells):
    return ["-" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else cell for cell in cells]


@pytest.mark.parametrize("commitment", read(OURS))
def test_verdicts_side_by_side(shown, commitment):
    row = shown(commitment)
    expected = [*read(OURS)[commitment].split(), *read(THEIRS)[commitment].split()]
    assert words(row[name] for name in COLUMNS) == expected


@pytest.mark.parametrize("commitment", ["direction_right", "direction_wrong", "gap_of_ends", "gap_widens"])
def test_without_a_level_the_other_rules_say_nothing_of_a_level(shown, commitment):
    row = shown(commitment)
    assert row["level_code"] in ("met", "not_met")
    others = ("healthy_people_category", "linear_pace_verdict", "fingertips_goal_by_value", "fingertips_goal_by_limits")
    assert [row[name] for name in others] == ["informational", None, None, None]


@pytest.mark.parametrize("commitment", ["all_suppressed", "named_without_goal", "yearly_year_missing", "break_between"])
def test_where_nothing_can_be_judged_no_rule_judges(shown, commitment):
    row = shown(commitment)
    assert row["status_code"] in ("not_assessable", "no_target")
    others = ("linear_pace_verdict", "fingertips_goal_by_value", "fingertips_goal_by_limits")
    assert [row[name] for name in others] == [None, None, None]
    assert row["healthy_people_category"] == ("informational" if row["status_code"] == "no_target" else None)


def test_of_a_comparator_that_is_known_by_its_printed_verdict_only_nothing_is_said(shown):
    row = shown("similar_as_printed")
    assert (row["level_code"], row["status_code"], row["target_value"]) == ("met", "achieved", None)
    assert [row[name] for name in COLUMNS[4:]] == [None, None, None, None]


def test_the_scorecard_carries_them(rows):
    [row] = rows("from v_scorecard where commitment_id = 'h_small_area'")
    assert [row[name] for name in COLUMNS[4:]] == ["little_or_no_change", "moderate", "worse", "similar"]


def test_what_stands_still_has_a_pace_of_nought_without_a_sign(shown):
    row = shown("all_residents")
    assert str(row["pace_ratio"]) == "0.0"
    assert "It is moving at 0.00 times the pace required." in row["explanation"]


@pytest.mark.parametrize(
    ("commitment", "is_slipping"),
    [
        ("d_met_slipping", 1),
        ("chance_and_slipping", 1),
        ("sure_of_it", 0),  # it moved away by no more than chance
        ("growth_held_down", 0),  # the scenario permits the rise
        ("growth_not_held", 0),
        ("rise_within_cap", 0),
        ("c_worsens", 1),
        ("overlaps_and_meets", 0),  # no second point
    ],
)
def test_slipping(shown, commitment, is_slipping):
    assert shown(commitment)["is_slipping"] == is_slipping
