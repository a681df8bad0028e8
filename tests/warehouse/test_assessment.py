"""What the assessment keeps beside the status: targets, baselines, deadlines, people, and the sentence for a board.

The statuses themselves are in ``test_cases``.
"""

from __future__ import annotations

import datetime as dt

import pytest


@pytest.mark.parametrize(
    ("commitment", "operator", "target"),
    [
        ("a_falls_fast", "<=", 5),
        ("strict_operator", ">", 90),
        ("percent_change", "<=", 40),
        ("absolute_change", ">=", 65),
        ("rise_within_cap", "<=", 110),
        ("rise_in_points", "<=", 22),
        ("match_met", ">=", 61),
        ("match_equal", "<=", 61),
        ("better_by_limits", ">=", 61),
        ("falls_every_year", "<", 10),
        ("direction_right", ">", 60),
        ("gap_narrows", "<", 10),
        ("external_target", "<=", None),
        ("yearly_met", "<=", 55),
        ("yearly_for_place", "<=", 55),
        ("counterfactual", "<=", None),
        ("growth_held_down", "<=", 63),
        ("window_not_open", "<=", 10),
        ("strict_less", "<", 10),
        ("gap_of_two", "<", 20),
        ("gap_to_a_level", "<=", 12),
    ],
)
def test_target_of_each_type(shown, commitment, operator, target):
    row = shown(commitment)
    assert row["target_operator"] == operator
    assert row["target_value"] == (None if target is None else pytest.approx(target, rel=1e-12))


@pytest.mark.parametrize(
    ("commitment", "basis", "label", "value"),
    [
        ("a_falls_fast", "named_period", "2015", 18),
        ("position_at_start", "position_when_signed", "2015", 60),
        ("first_value", "none", None, None),
        ("baseline_not_there", "none", None, None),
        ("baseline_suppressed", "none", None, None),
        ("pooled_as_named", "named_period", "2013 - 15", 50),
        ("single_unnamed", "position_when_signed", "2015", 10),
    ],
)
def test_which_baseline_was_used(shown, commitment, basis, label, value):
    row = shown(commitment)
    assert (row["baseline_basis"], row["baseline_period_label"], row["baseline_value"]) == (basis, label, value)


def test_a_stated_baseline_is_kept_beside_the_one_of_the_extract(shown):
    row = shown("percent_change")
    assert (row["baseline_value_stated"], row["baseline_value"]) == (49, 50)


def test_baseline_and_actual_are_rows_of_the_published_values(rows):
    found = rows("""
        select a.value as actual, b.value as baseline
        from fct_target_vs_actual as t
        inner join fct_indicator_value as a on t.actual_value_key = a.indicator_value_key
        inner join fct_indicator_value as b on t.baseline_value_key = b.indicator_value_key
        where t.commitment_id = 'a_falls_fast' and t.is_scorecard_period = 1
    """)
    assert found == [{"actual": 12, "baseline": 18}]


@pytest.mark.parametrize(
    ("commitment", "refused"),
    [
        ("break_between", "series_break"),
        ("break_level_not_met", "series_break"),
        ("releases_disagree", "baseline_vintage_mismatch"),
        ("releases_agree", None),
        ("a_falls_fast", None),
    ],
)
def test_a_baseline_that_is_refused_says_why_and_leaves_no_number(shown, commitment, refused):
    row = shown(commitment)
    assert row["baseline_refused_reason"] == refused
    assert (row["baseline_value"] is None) == (refused is not None)
    assert (row["observed_annual_change"] is None) == (refused is not None)


def test_periods_of_different_lengths_never_mix(rows):
    lengths = rows("""
        select t.commitment_id, list(distinct p.period_months order by p.period_months) as months
        from fct_target_vs_actual as t
        inner join dim_period as p on t.period_key = p.period_key
        where t.commitment_id in ('pooled_as_named', 'single_unnamed')
        group by t.commitment_id
        order by t.commitment_id
    """)
    assert lengths == [
        {"commitment_id": "pooled_as_named", "months": [36]},
        {"commitment_id": "single_unnamed", "months": [12]},
    ]


@pytest.mark.parametrize(
    ("commitment", "overlaps"),
    [
        ("overlaps_baseline", 1),
        ("overlaps_direction", 1),
        ("overlaps_no_more", 0),
        ("pooled_as_named", 0),
        ("a_falls_fast", 0),
        ("one_point", 0),
    ],
)
def test_a_period_that_overlaps_its_baseline_is_marked(shown, commitment, overlaps):
    assert shown(commitment)["is_overlapping_baseline"] == overlaps


@pytest.mark.parametrize(
    ("commitment", "method"),
    [
        ("h_small_area", "one_sided_normal_test"),
        ("a_falls_fast", "ten_percent_rule"),
        ("sure_without_limits", "ten_percent_rule"),  # limits at the baseline only
        ("limits_of_no_width", "ten_percent_rule"),  # nothing to divide by
        ("overlaps_baseline", "overlaps_baseline"),
        ("overlaps_no_more", "ten_percent_rule"),
        ("one_point", None),
        ("baseline_suppressed", None),
    ],
)
def test_how_the_change_was_judged(shown, commitment, method):
    assert shown(commitment)["change_method"] == method


@pytest.mark.parametrize(
    ("commitment", "basis"),
    [
        ("h_small_area", "published"),
        ("people_exact", "computed"),  # 600 of 1,000
        ("added_up_region", "computed"),
        ("people_other_counts", None),  # counts that are not what was divided
        ("a_falls_fast", None),
        ("gap_of_two", "computed"),
        ("gap_of_ends", "computed"),
        ("gap_of_two_low", None),
        ("all_suppressed", None),
    ],
)
def test_whose_limits_are_shown(shown, commitment, basis):
    row = shown(commitment)
    assert row["actual_limits_basis"] == basis
    assert (row["actual_lower_ci_95"] is None) == (row["actual_upper_ci_95"] is None) == (basis is None)


def test_limits_from_counts_are_those_of_the_share(shown):
    # Wilson: 600 of 1,000 is 56.93 to 62.99.
    row = shown("people_exact")
    assert (row["actual_lower_ci_95"], row["actual_upper_ci_95"]) == pytest.approx((56.93094, 62.99252), abs=1e-5)


@pytest.mark.parametrize(
    ("commitment", "state"),
    [
        ("a_falls_fast", "before_due"),
        ("awaiting_data", "due_awaiting_data"),
        ("due_today", "before_due"),
        ("window_not_open", "before_due"),  # a window is judged when it closes
        ("window_met_early", "before_due"),
        ("answered_met", "answered"),
        ("i_year_passed", "answered"),
        ("no_due_date", "no_due_date"),
    ],
)
def test_deadline_state(shown, commitment, state):
    assert shown(commitment)["deadline_state"] == state


def test_the_path_is_stored_with_the_target(rows):
    path = rows("""
        select p.period_label, t.target_value, t.trajectory_value
        from fct_target as t
        inner join dim_period as p on t.period_key = p.period_key
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        where c.commitment_id = 'a_falls_fast' and t.is_planned = 0
        order by p.period_end
    """)
    assert [(row["period_label"], row["target_value"]) for row in path] == [("2015", 5), ("2024", 5)]
    # 13 points in 15 years: 9 years on, at 18 - 13 * 9 / 15.
    assert [row["trajectory_value"] for row in path] == pytest.approx([18, 10.2], abs=0.01)


@pytest.mark.parametrize(
    ("commitment", "people"),
    [
        ("people_rounded_up", 25),  # 2.5 % of 990 is 24.75
        ("people_exact", 1),  # 0.1 % of 1,000
        ("people_ten", 10),
        ("people_nine", None),  # nine people are in the numerator
        ("people_all_but_nine", None),  # nine people are not in it
        ("people_not_counted", None),
        ("people_other_counts", None),  # 120 of 990 is not 60 %: whatever was counted, it is not these people
        ("a_falls_fast", None),  # a rate, not a share of people
    ],
)
def test_gap_in_people(shown, commitment, people):
    assert shown(commitment)["gap_in_people"] == people


def test_what_stands_on_a_second_point_is_not_said_of_a_period_that_overlaps(shown):
    columns = ("share_of_distance", "observed_annual_change")
    assert [shown("overlaps_baseline")[name] for name in columns] == [None, None]
    # 50 in 2019 to 2021 and 40 in 2022 to 2024, where 30 are wanted.
    assert [shown("overlaps_no_more")[name] for name in columns] == pytest.approx([0.5, -10 / 3])


@pytest.mark.parametrize("commitment", ["yearly_not_met", "growth_not_held", "match_not_met"])
def test_no_yearly_change_is_required_toward_a_target_that_moves(shown, commitment):
    row = shown(commitment)
    assert row["is_target_met_by_point"] == 0
    assert (row["required_annual_change"], row["share_of_distance"]) == (None, None)


@pytest.mark.parametrize(
    ("commitment", "assurance"),
    [
        ("process_of_twelve", {"2023": None, "2024": "consistent_fail"}),
        ("process_of_eleven", {"2023": None, "2024": None}),  # twelve, of which one lies before a break
    ],
)
def test_process_control_looks_back_beyond_the_baseline_to_the_last_break(rows, commitment, assurance):
    found = rows(
        """
        select p.period_label, t.assurance_code
        from fct_target_vs_actual as t
        inner join dim_period as p on t.period_key = p.period_key
        where t.commitment_id = ?
        """,
        commitment,
    )
    assert {row["period_label"]: row["assurance_code"] for row in found} == assurance


@pytest.mark.parametrize(
    ("commitment", "assurance"),
    [("assured_high", "consistent_pass"), ("assured_low", "consistent_fail"), ("assured_neither", "inconsistent")],
)
def test_a_process_that_stays_as_it_is_meets_its_target_or_not(shown, commitment, assurance):
    assert shown(commitment)["assurance_code"] == assurance


def test_a_measure_without_a_target_says_so(shown):
    assert shown("named_without_goal")["explanation"].endswith("The document names this measure without a target.")


def test_a_window_is_kept_with_its_first_day(rows):
    [row] = rows("select earliest_date, due_date from dim_commitment where commitment_id = 'window_not_open'")
    assert row == {"earliest_date": dt.date(2028, 1, 1), "due_date": dt.date(2032, 12, 31)}


def test_a_period_within_the_overlap_has_no_pace_and_the_next_one_has(rows):
    found = rows("""
        select p.period_label, t.change_code, t.change_method, t.pace_ratio is null as is_without_pace
        from fct_target_vs_actual as t
        inner join dim_period as p on t.period_key = p.period_key
        where t.commitment_id = 'overlaps_no_more'
        order by p.period_end
    """)
    assert [tuple(row.values()) for row in found] == [
        ("2019 - 21", "baseline_only", None, True),
        ("2020 - 22", "baseline_only", "overlaps_baseline", True),
        ("2022 - 24", "improving", "ten_percent_rule", False),
    ]


def test_each_year_is_held_against_its_own_target(rows):
    found = rows("""
        select
            p.period_label, t.target_value, t.trajectory_value, t.gap_to_target, t.status_code, t.not_assessable_reason
        from fct_target_vs_actual as t
        inner join dim_period as p on t.period_key = p.period_key
        where t.commitment_id = 'yearly_met'
        order by p.period_end
    """)
    assert [tuple(row.values()) for row in found] == [
        ("2015", None, None, None, "not_assessable", "no_target_value"),
        ("2023", 58, 58, -1, "achieved", None),
        ("2024", 55, 55, -1, "achieved", None),
    ]


EXPLANATIONS = {
    "a_falls_fast": (
        "A falls fast in Trafford was 12.0 per 100,000 in 2024. The target is 5.0 per 100,000 or less by 31 December "
        "2030; it was 18.0 per 100,000 in 2015. It is moving at 0.77 times the pace required."
    ),
    "d_met_slipping": (
        "D met slipping in Trafford was 78.0 per 100,000 in 2024. The target is 75.0 per 100,000 or more by "
        "31 December 2030; it was 80.0 per 100,000 in 2015. Meets the target, but has moved away from it since the "
        "baseline."
    ),
    "h_small_area": (
        "H small area in Trafford was 25.0 per 100,000 in 2024 (95% limits 9.3 to 40.7). The target is 20.0 per "
        "100,000 or less by 31 December 2030; it was 30.0 per 100,000 in 2015. It is moving at 0.83 times the "
        "pace required."
    ),
    "match_not_worse": (
        "Match not worse in Trafford was 60.0 per 100,000 in 2024 (95% limits 58.0 to 63.0). The commitment is to be "
        "no worse than England beyond chance (61.0 per 100,000) by 31 December 2030. Meets the target."
    ),
    "awaiting_data": (
        "Awaiting data in Trafford was 56.0 per 100,000 in 2024. The target is 60.0 per 100,000 or more by 31 December "
        "2025; it was 50.0 per 100,000 in 2015. The deadline has passed, but no value of a period that reaches it "
        "has been published. It is moving at 0.67 times the pace required."
    ),
    "all_suppressed": "Not assessable: The value is withheld so that nobody can be identified.",
    "action_late_unknown": "An action due by 31 December 2024; no progress has been recorded.",
    "break_level_not_met": (
        "Break level not met in Trafford was 56.0 per 100,000 in 2024. The target is 60.0 per 100,000 or more by "
        "31 December 2030. The series was redefined after the baseline, so no change or pace is given. "
        "Not met; no pace can be computed."
    ),
    "break_between": (
        "Break between in Trafford was 40.0 per 100,000 in 2024. Not assessable: The series was redefined between "
        "baseline and latest value."
    ),
    "sure_at_due_doubt": (
        "Sure at due doubt in Trafford was 71.0 per 100,000 in 2024 (95% limits 68.0 to 74.0). The target is 70.0 per "
        "100,000 or more by 31 December 2024; it was 60.0 per 100,000 in 2015. The figure meets the target, but the "
        "commitment asks for it beyond chance."
    ),
    "overlaps_baseline": (
        "Overlaps baseline in Trafford was 40.0 per 100,000 in 2022 - 24. The target is 30.0 per 100,000 or less by "
        "31 December 2030; it was 50.0 per 100,000 in 2020 - 22. The period shares years with the baseline, so no "
        "change or pace is given. Not met; no pace can be computed."
    ),
    "steps_tested": (
        "Steps tested in Trafford was 8.9 per 100,000 in 2022 (95% limits 8.7 to 9.1). The commitment is to lower it "
        "every year from 10.0 per 100,000 in 2020 by 31 December 2030. Has not moved the right way in every year since "
        "the baseline."
    ),
    "gap_of_ends": (
        "The gap across Test deprivation quintiles in England in Narrowed in East Test was 10.0 percentage points in "
        "2024 (95% limits 7.2 to 12.8). The commitment is to lower it from 15.0 percentage points in 2015 by 31 "
        "December 2030. Moved the right way since the baseline; judged for good at the deadline."
    ),
    "gap_as_ratio": (
        "The relative gap across Test deprivation quintiles in England in Narrowed in East Test was 1.6 times in 2024 "
        "(95% limits 1.4 to 1.9). The commitment is to lower it from 2.0 times in 2015 by 31 December 2030. Moved the "
        "right way since the baseline; judged for good at the deadline."
    ),
    "gap_of_two": (
        "The gap between All pupils and Gap of two in Trafford was 15.0 percentage points in 2024 (95% limits 12.8 to "
        "17.2). The commitment is to lower it from 20.0 percentage points in 2015 by 31 December 2030. Moved the right "
        "way since the baseline; judged for good at the deadline."
    ),
    "yearly_year_missing": (
        "Yearly year missing in Trafford was 54.0 per 100,000 in 2024. Not assessable: The target is set "
        "elsewhere or depends on a series that the document does not give, so there is no value to compare with."
    ),
    "output_annual": (
        "Promised every year: 3 of 5 due so far are recorded as done; recorded as in progress for 2025 on 1 November "
        "2025."
    ),
    "output_monthly": (
        "Promised every month: 2 of 4 due so far are recorded as done; for 2026-02 no progress has been recorded."
    ),
    "output_quarterly": (
        "Promised every quarter: 1 of 4 due so far is recorded as done; recorded as done for 2025-Q3 on 20 September "
        "2025."
    ),
    "output_first_runs": "Promised every year; recorded as in progress for 2026 on 1 February 2026.",
    "output_optional": (
        "Promised every year: 0 of 2 due so far are recorded as done; the wording permits it rather than promises it."
    ),
    "output_weekly": "Promised every week; no progress has been recorded.",
    "action_undated": "An action without a due date; no progress has been recorded.",
    "people_rounded_up": (
        "People rounded up in Trafford was 60.0% in 2024 (95% limits 56.9 to 63.0). The target is 62.5% or more by 31 "
        "December 2030; it was 50.0% in 2015. It is moving at 1.33 times the pace required."
    ),
}


@pytest.mark.parametrize("commitment", EXPLANATIONS)
def test_explanation(shown, commitment):
    assert shown(commitment)["explanation"] == EXPLANATIONS[commitment]


@pytest.mark.parametrize("commitment", ["falls_not_each_year", "stands_still_once"])
def test_a_fall_that_was_broken_is_not_said_to_be_no_fall(shown, commitment):
    # It fell from 10 to 8: what is not met is that it falls each year.
    assert "not moved the right way since the baseline" not in shown(commitment)["explanation"]


def test_every_row_has_a_status_and_a_sentence(rows):
    assert rows("from fct_target_vs_actual where status_code is null or explanation is null or explanation = ''") == []
    unexplained = "(status_code = 'not_assessable') <> (not_assessable_reason is not null)"
    assert rows(f"from fct_target_vs_actual where {unexplained}") == []


def test_an_earlier_version_is_kept_and_not_assessed(rows):
    of_it = "where commitment_id = 'percent_change'"
    versions = rows(f"select title, is_current from dim_commitment {of_it} order by valid_from")
    assert versions == [{"title": "As first worded", "is_current": 0}, {"title": "Percent change", "is_current": 1}]
    assessed = rows(f"select count(distinct commitment_key) as n from fct_target_vs_actual {of_it}")
    assert assessed == [{"n": 1}]
