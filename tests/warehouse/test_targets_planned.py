"""The periods still to come: which one answers a deadline, when that is to be expected, and the path to the target."""

from __future__ import annotations

import datetime as dt

import jinja2
import pytest

from pipelines.acquire.period_labels import parse_period

from .conftest import REPOSITORY

# Release of the figures, the day that stands for its month.
PUBLISHED = dt.date(2025, 10, 1)


@pytest.fixture(scope="module")
def macro():
    """Return a function from a macro of these models to the SQL that it writes."""
    folder = REPOSITORY / "dbt_project" / "macros"
    text = "".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in ("label_of_period", "released_on"))
    module = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).module
    return lambda name, *arguments: str(getattr(module, name)(*arguments))


@pytest.fixture(scope="session")
def planned(rows):
    """Return a function from a commitment to its periods still to come, in their order."""

    def find(commitment):
        return rows(
            """
            select p.period_label, p.period_type, p.period_start, p.period_end, p.pooled_years, t.*
            from fct_target as t
            inner join dim_commitment as c on t.commitment_key = c.commitment_key
            inner join dim_period as p on t.period_key = p.period_key
            where c.commitment_id = ? and t.is_planned = 1
            order by p.period_end
            """,
            commitment,
        )

    return find


# From baseline to target in years between the last days, to a hundredth.
@pytest.mark.parametrize(
    ("commitment", "periods"),
    [
        # 18 in 2015 to 5 by mid 2027, in 11.5 years; the path ends at the target.
        ("yearly_path", {"2025": 18 - 13 * 10 / 11.5, "2026": 18 - 13 * 11 / 11.5, "2027": 5}),
        # 50 to 60 in 11 years from March 2016.
        ("financial_path", {"2024/25": 50 + 10 * 9 / 11, "2025/26": 50 + 10 * 10 / 11, "2026/27": 60}),
        # A pooled series moves on by a year; 50 to 30 in 12.25 years from the end of 2015.
        (
            "pooled_march",
            {
                "2023 - 25": 50 - 20 * 10 / 12.25,
                "2024 - 26": 50 - 20 * 11 / 12.25,
                "2025 - 27": 50 - 20 * 12 / 12.25,
                "2026 - 28": 30,
            },
        ),
        # 50 to 45 in 136 days, 0.37 years, from the end of November 2025.
        ("monthly_path", {"Feb 2026": 50 - 5 * 0.25 / 0.37, "Mar 2026": 50 - 5 * 0.33 / 0.37, "Apr 2026": 45}),
        # Due in the middle of January: the year that holds the day answers, not the one before.
        ("january_due", {"2025": 50 + 10 * 10 / 11.04, "2026": 50 + 10 * 11 / 11.04, "2027": 60}),
    ],
)
def test_periods_run_from_the_latest_to_the_one_that_answers(planned, commitment, periods):
    found = planned(commitment)
    assert [row["period_label"] for row in found] == list(periods)
    assert [row["trajectory_value"] for row in found] == pytest.approx(list(periods.values()), abs=1e-9)
    target = list(periods.values())[-1]
    assert {row["target_value"] for row in found} == {target}
    assert {row["target_vs_actual_key"] for row in found} == {None}


@pytest.mark.parametrize(
    ("commitment", "start", "end", "kind", "pooled_years"),
    [
        ("yearly_path", dt.date(2027, 1, 1), dt.date(2027, 12, 31), "calendar", 1),
        ("financial_path", dt.date(2026, 4, 1), dt.date(2027, 3, 31), "financial", 1),
        ("pooled_march", dt.date(2026, 1, 1), dt.date(2028, 12, 31), "calendar", 3),
        ("monthly_path", dt.date(2026, 4, 1), dt.date(2026, 4, 30), "month", 1),
    ],
)
def test_dates_of_the_period_that_answers(planned, commitment, start, end, kind, pooled_years):
    row = planned(commitment)[-1]
    assert (row["period_start"], row["period_end"], row["period_type"]) == (start, end, kind)
    assert row["pooled_years"] == pooled_years


@pytest.mark.parametrize(
    ("commitment", "answers", "latest"),
    [
        ("yearly_path", dt.date(2027, 12, 31), dt.date(2024, 12, 31)),
        ("financial_path", dt.date(2027, 3, 31), dt.date(2024, 3, 31)),
        # March 2028 on three pooled years: the figures of 2026 to 2028, in autumn 2029.
        ("pooled_march", dt.date(2028, 12, 31), dt.date(2024, 12, 31)),
        ("january_due", dt.date(2027, 12, 31), dt.date(2024, 12, 31)),
        ("path_of_match", dt.date(2030, 12, 31), dt.date(2024, 12, 31)),
    ],
)
def test_the_answer_is_expected_as_long_after_its_period_as_the_latest_figures_took(shown, commitment, answers, latest):
    row = shown(commitment)
    assert row["answering_period_end"] == answers
    assert row["answer_expected_on"] == answers + (PUBLISHED - latest)


def test_march_2028_on_three_pooled_years_is_answered_in_autumn_2029(shown):
    assert shown("pooled_march")["answer_expected_on"] == dt.date(2029, 10, 1)


@pytest.mark.parametrize(
    ("commitment", "answers"),
    [
        ("answered_met", dt.date(2022, 12, 31)),  # not the later one
        ("answered_direction", dt.date(2023, 12, 31)),
        ("i_year_passed", dt.date(2024, 12, 31)),
    ],
)
def test_an_answer_that_is_there_was_given_by_its_own_release(shown, planned, commitment, answers):
    row = shown(commitment)
    assert (row["answering_period_end"], row["answer_expected_on"]) == (answers, PUBLISHED)
    assert planned(commitment) == []


@pytest.mark.parametrize("commitment", ["no_due_date", "all_suppressed", "no_indicator"])
def test_without_a_date_or_a_figure_nothing_is_expected(shown, planned, commitment):
    row = shown(commitment)
    assert (row["answering_period_end"], row["answer_expected_on"]) == (None, None)
    assert planned(commitment) == []


@pytest.mark.parametrize(
    ("label", "year_type", "expected"),
    [
        ("2027", "calendar", None),
        ("1999 - 01", "calendar", None),
        ("2026 - 28", "calendar", None),
        ("2027/28", "financial", None),
        ("1999/00", "financial", None),
        ("2025/26 - 27/28", "financial", None),
        ("2025/26 - 26/27", "financial", None),
        ("2027/28", "academic", None),
        ("2025/26 - 27/28", "academic", None),
        ("Apr 2026", "month", None),
        # Quarters are spelled in more than one way: the months say which one is meant.
        ("2026/27 Q1", "financial", "Apr 2026 - Jun 2026"),
    ],
)
def test_a_period_to_come_is_labelled_as_sources_label_theirs(rows, macro, label, year_type, expected):
    period = parse_period(label, year_type=year_type)
    found = rows(
        f"select {macro('label_of_period', '$1', 'cast($2 as date)', 'cast($3 as date)')} as label",
        period.period_type,
        period.start_date,
        period.end_date,
    )
    assert found == [{"label": expected or period.label}]


@pytest.mark.parametrize(
    ("release", "day"),
    [
        ("2026-05", dt.date(2026, 5, 1)),
        ("2026-05-b", dt.date(2026, 5, 1)),
        ("2026-05-14", dt.date(2026, 5, 14)),
        ("2026-13", None),
        ("latest", None),
        (None, None),
    ],
)
def test_the_day_of_a_release_is_read_from_its_name(rows, macro, release, day):
    assert rows(f"select {macro('released_on', 'cast($1 as varchar)')} as day", release) == [{"day": day}]


def test_a_moving_comparator_has_no_target_yet(rows, planned):
    assert planned("path_of_match") == []
    past = rows("""
        select t.target_value, t.trajectory_value
        from fct_target as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        inner join dim_period as p on t.period_key = p.period_key
        where c.commitment_id = 'path_of_match' order by p.period_end
    """)
    assert [tuple(row.values()) for row in past] == [(60, None), (61, None), (61, None)]


def test_external_targets_are_planned_where_their_table_holds_a_year_that_is_known(planned):
    # 2026 has no value; 2028 is published after the day for which the build speaks.
    found = {row["period_label"]: (row["target_value"], row["trajectory_value"]) for row in planned("yearly_met")}
    assert found == {"2025": (52, 52), "2027": (46, 46)}


def test_a_direction_is_held_against_its_baseline_and_has_no_path(planned):
    found = planned("gap_of_two_low")
    assert [row["period_label"] for row in found] == ["2025", "2026", "2027", "2028", "2029", "2030"]
    assert {(row["target_operator"], row["target_value"], row["trajectory_value"]) for row in found} == {
        ("<", 10, None)
    }


def test_targets_of_past_and_coming_periods_are_one_series(rows):
    found = rows("""
        select p.period_label, t.is_planned, t.target_vs_actual_key is null as is_without_actual
        from fct_target as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        inner join dim_period as p on t.period_key = p.period_key
        where c.commitment_id = 'yearly_path'
        order by p.period_end
    """)
    assert [tuple(row.values()) for row in found] == [
        ("2015", 0, False),
        ("2023", 0, False),
        ("2024", 0, False),
        ("2025", 1, True),
        ("2026", 1, True),
        ("2027", 1, True),
    ]
    assert rows("select count(*) - count(distinct target_key) as n from fct_target") == [{"n": 0}]


def test_every_row_that_is_judged_has_a_forecast_or_a_reason(rows):
    missing = rows("""
        select commitment_id from fct_target_vs_actual
        where
            is_scorecard_period = 1
            and period_key <> -2
            and not_assessable_reason is null
            and status_code <> 'no_target'
            and (forecast_value is null) = (no_forecast_reason is null)
    """)
    assert missing == []


@pytest.mark.parametrize(
    ("commitment", "reason"),
    [
        ("no_due_date", "no_due_date"),
        ("answered_met", "already_answered"),
        ("monthly_path", "not_yearly"),
        ("yearly_year_missing", "not_assessable"),
        ("similar_as_printed", "no_comparator_value"),
    ],
)
def test_why_there_is_no_forecast(rows, commitment, reason):
    found = rows("select forecast_value, no_forecast_reason from v_scorecard where commitment_id = ?", commitment)
    assert found == [{"forecast_value": None, "no_forecast_reason": reason}]


def test_a_scenario_of_growth_plans_the_years_that_it_holds(planned):
    [row] = planned("growth_turned")
    assert (row["period_label"], row["target_value"], row["trajectory_value"]) == (
        "2030",
        pytest.approx(44 * 0.9, rel=1e-12),
        pytest.approx(44 * 0.9, rel=1e-12),
    )
