"""The scorecard: one row a commitment and place, and which of several measures, groups and periods speaks for it."""

from __future__ import annotations

import pytest

COMMITMENTS = 224
"""Current versions in ``cases.txt``."""


@pytest.mark.parametrize(
    ("commitment", "indicator", "group", "status", "scored"),
    [
        ("two_sexes", "fingertips.two_sexes", "Female, All ages", "off_track", 2),
        ("two_measures", "fingertips.close_measure", "Persons, All ages", "achieved", 2),
        ("measure_withheld", "fingertips.stand_in_published", "Persons, All ages", "off_track", 2),
        ("a_falls_fast", "fingertips.a_falls_fast", "Persons, All ages", "at_risk", 1),
    ],
)
def test_who_speaks_for_a_commitment(rows, commitment, indicator, group, status, scored):
    found = rows(
        """
        select indicator_id, population_group, status_code, groups_scored
        from v_scorecard where commitment_id = ?
        """,
        commitment,
    )
    assert found == [
        {"indicator_id": indicator, "population_group": group, "status_code": status, "groups_scored": scored}
    ]


def test_every_present_commitment_has_one_row_a_place(rows):
    found = rows("""
        select
            (select count(*) from v_scorecard) as n,
            (select count(distinct (commitment_id, area_code)) from v_scorecard) as places,
            (select count(distinct commitment_key) from v_scorecard where place_role = 'signed') as commitments_shown,
            (select count(*) from dim_commitment where is_current = 1) as commitments
    """)[0]
    assert found["n"] == found["places"]
    assert found["commitments_shown"] == found["commitments"] == COMMITMENTS


def test_a_commitment_signed_at_one_place_has_one_row_there(rows):
    signed = rows("select commitment_id, area_code from v_scorecard where place_role = 'signed'")
    assert len(signed) == COMMITMENTS + 2  # two are signed at two places
    assert {row["area_code"] for row in signed if row["commitment_id"] == "a_falls_fast"} == {"E08000009"}


@pytest.mark.parametrize(
    ("commitment", "period"),
    [
        ("answered_met", "2022"),
        ("answered_direction", "2023"),
        ("latest_suppressed", "2023"),
        ("all_suppressed", "2024"),
    ],
)
def test_which_period_is_shown(rows, commitment, period):
    found = rows("select period_label from v_scorecard where commitment_id = ?", commitment)
    assert found == [{"period_label": period}]


def test_a_withheld_period_stays_in_the_facts(rows):
    found = rows("""
        select p.period_label, t.status_code, t.not_assessable_reason, t.actual_value
        from fct_target_vs_actual as t
        inner join dim_period as p on t.period_key = p.period_key
        where t.commitment_id = 'latest_suppressed' and p.period_label = '2024'
    """)
    assert found == [
        {
            "period_label": "2024",
            "status_code": "not_assessable",
            "not_assessable_reason": "suppressed",
            "actual_value": None,
        }
    ]
