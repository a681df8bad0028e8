"""Dated actions and outputs that are promised once a period: states, instances, and what the scorecard says of them.

The states of dated actions are in ``cases.txt`` too.
"""

from __future__ import annotations

import datetime as dt

import pytest


@pytest.fixture(scope="session")
def instances(rows):
    """Return a function from a commitment to its rows in their order."""

    def find(commitment):
        return rows("from fct_milestone where commitment_id = ? order by due_date", commitment)

    return find


def test_every_action_and_every_instance_has_one_row_of_the_present_version(rows):
    found = rows("""
        select
            count(*) as n,
            count(distinct (m.commitment_id, m.instance)) as instances,
            count(*) filter (where m.instance is null) as actions,
            count(*) filter (where c.is_current = 0) as of_the_past
        from fct_milestone as m
        inner join dim_commitment as c on m.commitment_key = c.commitment_key
    """)
    # 18 actions of the strategy and 3 of the plan; weekly and fortnightly outputs have one row each as well.
    assert found == [{"n": 48, "instances": 48, "actions": 25, "of_the_past": 0}]
    assert rows("select count(*) as n from fct_milestone where milestone_state is null") == [{"n": 0}]


@pytest.mark.parametrize(
    ("commitment", "state"),
    [
        ("action_unknown", "unknown"),
        ("action_late_unknown", "unknown"),  # silence is no failure
        ("action_undated", "unknown"),
        ("action_not_started", "not_started"),
        ("action_in_progress", "in_progress"),
        ("action_due_today", "in_progress"),  # the day itself is in time
        ("action_due_day_ago", "overdue"),
        ("action_idle_late", "overdue"),
        ("action_overdue", "overdue"),
        ("action_done", "done"),
        ("action_undated_done", "done"),
        ("action_done_late", "done_late"),
        ("action_noted_later", "done"),  # the day of completion decides, not that of the record
        ("action_ended_later", "done_late"),
        ("action_reopened", "overdue"),
        ("action_permissive", "permissive"),
        ("action_may_be_late", "permissive"),  # never missed
        ("action_newest_word", "in_progress"),  # the record of the future is not known yet
    ],
)
def test_state_of_an_action(rows, instances, commitment, state):
    [row] = instances(commitment)
    assert row["milestone_state"] == state
    [scored] = rows("select status_code, not_assessable_reason from v_scorecard where commitment_id = ?", commitment)
    assert scored == {"status_code": state, "not_assessable_reason": None}


@pytest.mark.parametrize(
    ("commitment", "recorded_on", "completed_on", "recorded_state"),
    [
        ("action_noted_later", dt.date(2025, 6, 1), dt.date(2024, 12, 31), "done"),
        ("action_done", dt.date(2024, 12, 31), None, "done"),
        # An earlier word that it was done is not mixed into the newest one.
        ("action_reopened", dt.date(2025, 6, 1), None, "in_progress"),
        ("action_newest_word", dt.date(2025, 9, 1), None, "in_progress"),
        ("action_unknown", None, None, None),
    ],
)
def test_the_newest_record_stands_beside_the_state(instances, commitment, recorded_on, completed_on, recorded_state):
    [row] = instances(commitment)
    assert (row["recorded_on"], row["completed_on"], row["recorded_state"]) == (
        recorded_on,
        completed_on,
        recorded_state,
    )
    assert row["evidence_document"] == (None if recorded_on is None else "minutes")


# Instance, last day and state, seen on 1 March 2026.
INSTANCES = {
    "output_annual": [
        ("2021", "2021-12-31", "done"),
        ("2022", "2022-12-31", "done_late"),
        ("2023", "2023-12-31", "unknown"),
        ("2024", "2024-12-31", "done"),
        ("2025", "2025-12-31", "overdue"),
        ("2026", "2026-12-31", "done"),
    ],
    "output_quarterly": [
        ("2024-Q4", "2024-12-31", "unknown"),
        ("2025-Q1", "2025-03-31", "unknown"),
        ("2025-Q2", "2025-06-30", "unknown"),
        ("2025-Q3", "2025-09-30", "done"),
    ],
    "output_monthly": [
        ("2025-11", "2025-11-30", "unknown"),
        ("2025-12", "2025-12-31", "done_late"),
        ("2026-01", "2026-01-31", "done"),
        ("2026-02", "2026-02-28", "unknown"),
        ("2026-03", "2026-03-31", "unknown"),
    ],
    "output_bimonthly": [
        ("2025-10", "2025-11-30", "unknown"),
        ("2025-12", "2026-01-31", "done_late"),
        ("2026-02", "2026-03-31", "unknown"),
    ],
    "output_before_start": [("2020", "2020-12-31", "done")],
    "output_first_runs": [("2026", "2026-12-31", "in_progress")],
    "output_optional": [
        ("2024", "2024-12-31", "permissive"),
        ("2025", "2025-12-31", "permissive"),
        ("2026", "2026-12-31", "permissive"),
    ],
    # Hundreds of rows without a record would say nothing.
    "output_weekly": [(None, "2022-04-30", "unknown")],
    "output_fortnightly": [(None, None, "done")],
}


@pytest.mark.parametrize("commitment", INSTANCES)
def test_instances_run_from_the_first_day_to_the_last_as_far_as_they_have_begun(instances, commitment):
    found = [
        (row["instance"], row["due_date"] and row["due_date"].isoformat(), row["milestone_state"])
        for row in instances(commitment)
    ]
    assert found == INSTANCES[commitment]


@pytest.mark.parametrize(
    ("commitment", "instance", "state", "due", "done"),
    [
        ("output_annual", "2025", "overdue", 5, 3),  # what was done for 2026 in advance is not one of the five
        ("output_quarterly", "2025-Q3", "done", 4, 1),
        ("output_monthly", "2026-02", "unknown", 4, 2),
        ("output_bimonthly", "2025-12", "done_late", 2, 1),
        ("output_first_runs", "2026", "in_progress", 0, 0),  # none is over: the one that runs
        ("output_optional", "2025", "permissive", 2, 0),
        ("output_weekly", None, "unknown", None, None),
        ("action_done", None, "done", None, None),
    ],
)
def test_the_last_instance_that_is_over_speaks_for_the_output(rows, commitment, instance, state, due, done):
    [row] = rows("from intermediate.int_milestones__summarised where commitment_id = ?", commitment)
    assert (row["instance"], row["state"]) == (instance, state)
    assert (row["instances_due"], row["instances_done"]) == (due, done)


def test_the_record_of_an_output_is_that_of_the_instance_that_speaks(rows):
    [row] = rows("from intermediate.int_milestones__summarised where commitment_id = 'output_monthly'")
    assert (row["recorded_on"], row["recorded_state"]) == (None, None)
