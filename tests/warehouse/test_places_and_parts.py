"""Where a commitment is shown: at the places that signed it, and at their parts where there are figures.

With what a place is compared, its groups, and what is counted of a document.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def scored(rows):
    """Return a function from a commitment to area code to row of the scorecard."""

    def find(commitment):
        found = rows("from v_scorecard where commitment_id = ?", commitment)
        keyed = {row["area_code"]: row for row in found}
        assert len(keyed) == len(found)
        return keyed

    return find


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "parts"),
    [
        # County, districts, council, neighbourhood and ward. What was abolished, or left the neighbourhood, is no part.
        ("X1800", {"X1801", "X1811", "X1812", "X1802", "X1820", "X1821"}),
        ("X1801", {"X1811", "X1812"}),
        ("X1802", {"X1820", "X1821"}),
        ("X1820", {"X1821"}),
        ("X1890", {"X1802", "X1820", "X1821"}),
        ("X1821", set()),
        ("X1850", set()),  # a region is a comparator and has no parts here
        ("X1500", {"X1501", "X1502"}),
        ("X1600", set()),  # parts of a board that are no councils
    ],
)
def test_what_an_area_is_made_of(rows, area, parts):
    found = rows("select part_code from intermediate.int_area_parts__nested where area_code = ?", area)
    assert {row["part_code"] for row in found} == parts
    assert len(found) == len(parts)


# A part of its own is judged by its own baseline and value; a neighbourhood without a baseline has no pace.
PLACES = {
    "X1800": ("signed", 1, "achieved", 61),
    "X1801": ("part", 0, "at_risk", 55),
    "X1802": ("signed", 1, "achieved", 62),  # within the board, and named by the register as well
    "X1811": ("part", 0, "off_track", 51),
    "X1820": ("part", 0, "at_risk", 40),
    "X1821": ("part", 0, "at_risk", 30),
}


def test_a_signed_system_is_shown_with_its_parts(scored):
    found = scored("everywhere")
    columns = ("place_role", "is_counted", "status_code", "actual_value")
    assert {area: tuple(row[name] for name in columns) for area, row in found.items()} == PLACES
    assert [found[area]["pace_ratio"] for area in ("X1801", "X1811")] == pytest.approx([5 / 6, 1 / 6])
    assert (found["X1820"]["pace_ratio"], found["X1820"]["change_code"]) == (None, "baseline_only")


def test_a_part_without_figures_has_no_row_and_a_signed_place_has_one(scored):
    silent = scored("one_place_silent")
    assert {area: row["not_assessable_reason"] for area, row in silent.items()} == {
        "X1812": "no_value_for_area",
        "X1811": None,
    }
    assert {row["place_role"] for row in silent.values()} == {"signed"}
    only = scored("only_in_a_part")
    assert {area: (row["place_role"], row["status_code"]) for area, row in only.items()} == {
        "X1800": ("signed", "not_assessable"),
        "X1801": ("part", "achieved"),
    }


@pytest.mark.parametrize("commitment", ["plan_action", "plan_action_silent", "plan_without_goal", "plan_unmeasured"])
def test_what_is_not_measured_is_not_spread_over_parts(scored, commitment):
    assert {area: row["place_role"] for area, row in scored(commitment).items()} == {"X1800": "signed"}


def test_a_repetition_is_shown_and_not_counted(scored):
    found = scored("said_again")
    assert {area: (row["place_role"], row["is_counted"]) for area, row in found.items()} == {
        "X1801": ("signed", 0),
        "X1811": ("part", 0),
    }
    assert {row["same_as_commitment_id"] for row in found.values()} == {"everywhere"}


def test_each_signed_place_of_what_is_no_repetition_counts(rows):
    found = rows("""
        select is_counted, place_role, same_as_commitment_id is not null as is_repeated, count(*) as n
        from v_scorecard where framework_id = 'plan'
        group by all order by all
    """)
    assert [tuple(row.values()) for row in found] == [
        (0, "part", False, 6),
        (0, "part", True, 1),
        (0, "signed", True, 1),
        (1, "signed", False, 12),
    ]


# --- coverage ---------------------------------------------------------------------------------------------------------


def test_outcomes_of_a_document(rows):
    found = rows("select outcome, not_assessable_reason, commitments from v_coverage where framework_id = 'plan'")
    assert {(row["outcome"], row["not_assessable_reason"]): row["commitments"] for row in found} == {
        # One of them has figures at one of two places only.
        ("assessed", None): 3,
        ("repeated", None): 1,
        ("recorded", None): 1,
        ("not_recorded", None): 1,
        ("optional", None): 1,
        ("no_target", None): 1,
        ("not_assessable", "no_value_for_area"): 1,
        ("not_assessable", "not_measurable"): 1,
        ("not_assessable", "no_data_source_connected"): 1,
    }


def test_outcomes_add_up_to_the_commitments_in_force(rows):
    found = rows("""
        with
            said as (select framework_id, sum(commitments) as n from v_coverage group by framework_id),
            registered as (
                select f.framework_id, count(*) as n
                from dim_commitment as c
                inner join dim_framework as f on c.framework_key = f.framework_key
                where c.is_current = 1
                group by f.framework_id
            )
        select framework_id, said.n as said, registered.n as registered
        from said full join registered using (framework_id)
        order by framework_id
    """)
    assert [tuple(row.values()) for row in found] == [("plan", 11, 11), ("strategy", 213, 213)]


def test_priorities_with_and_without_commitments(rows):
    found = rows("select framework_id, priority, commitments from framework_priority order by framework_id, sequence")
    assert [tuple(row.values()) for row in found] == [
        ("plan", "Priority", 11),
        ("strategy", "Priority", 213),
        ("strategy", "Left open", 0),
    ]


def test_a_choice_holds_for_every_version(rows):
    found = rows("""
        select h.commitment_id, c.title, h.choice, h.chosen, h.alternative
        from commitment_choice as h
        inner join dim_commitment as c on h.commitment_key = c.commitment_key
        where h.commitment_id = 'percent_change'
        order by c.valid_from
    """)
    assert [tuple(row.values()) for row in found] == [
        ("percent_change", "As first worded", "baseline", "2015", "2014"),
        ("percent_change", "Percent change", "baseline", "2015", "2014"),
    ]


# --- comparison -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def beside(rows):
    """Return a function from a commitment and a place to comparator to row."""

    def find(commitment, area):
        found = rows("from fct_commitment_comparison where commitment_id = ? and area_code = ?", commitment, area)
        keyed = {(row["comparator_relation"], row["comparator_id"]): row for row in found}
        assert len(keyed) == len(found)
        return keyed

    return find


@pytest.mark.parametrize(
    ("area", "comparators"),
    [
        (
            "X1802",  # 62 (61 to 63)
            {
                ("england", "E92000001"): (58, "Better"),
                ("region", "X1850"): (59, "Better"),
                ("combined_authority", "X1890"): (61, "Similar"),
                ("icb", "X1800"): (61, "Similar"),
                ("neighbours", "near"): (51, None),
                ("neighbours", "far"): (59, None),
            },
        ),
        ("X1800", {("england", "E92000001"): (58, "Better"), ("region", "X1850"): (59, "Better")}),
        (
            "X1811",
            {
                ("england", "E92000001"): (58, "Worse"),
                ("region", "X1850"): (59, "Worse"),
                ("upper_tier", "X1801"): (55, "Worse"),
            },
        ),
        ("X1821", {}),
    ],
)
def test_a_place_beside_all_that_it_lies_in_and_its_neighbours(beside, area, comparators):
    found = beside("everywhere", area)
    assert {key: (row["comparator_value"], row["compared"]) for key, row in found.items()} == comparators
    assert {row["actual_value"] for row in found.values()} <= {PLACES[area][3]}


@pytest.mark.parametrize(
    ("commitment", "neighbours", "median", "place", "with_value", "members"),
    [
        ("everywhere", "near", 51, 1, 3, 4),  # 55, 51 and 30, where more is wanted; one has no figures
        ("less_everywhere", "near", 55, 3, 3, 4),  # 55, 62 and 30, where less is wanted: one does as well
        ("everywhere", "far", 59, 1, 1, 1),
    ],
)
def test_place_among_neighbours(beside, commitment, neighbours, median, place, with_value, members):
    row = beside(commitment, "X1802")["neighbours", neighbours]
    assert (row["comparator_value"], row["comparator_basis"]) == (median, "median_of_neighbours")
    assert (row["place_among_neighbours"], row["neighbours_with_value"], row["neighbours"]) == (
        place,
        with_value,
        members,
    )
    assert (row["comparator_name"], row["comparator_as_of"]) == (f"The set {neighbours}", "2025-10")


def test_a_set_of_neighbours_without_figures_is_no_comparator(beside):
    assert set(beside("less_everywhere", "X1802")) == {("england", "E92000001"), ("neighbours", "near")}


def test_each_place_is_compared_with_the_areas_around_it_of_the_period_that_is_scored(rows):
    found = rows("""
        select count(*) as n
        from fct_commitment_comparison as c
        inner join v_scorecard as s on c.commitment_key = s.commitment_key and c.area_key = s.area_key
        where c.period_key <> s.period_key or c.actual_value <> s.actual_value
    """)
    assert found == [{"n": 0}]
    [england] = rows("""
        select comparator_value, period_label from fct_commitment_comparison
        where commitment_id = 'answered_met' or commitment_id = 'match_met'
    """)
    assert england == {"comparator_value": 61, "period_label": "2024"}


# --- groups -----------------------------------------------------------------------------------------------------------


def test_a_place_in_all_its_groups(rows):
    found = rows("""
        select
            sex, category, is_group_scored, value, gap_to_target, difference_from_scored, is_target_met_by_point,
            value_status_code
        from v_commitment_breakdown
        where commitment_id = 'everywhere' and area_code = 'X1802'
    """)
    assert {(row["sex"], row["category"]): tuple(row.values())[2:] for row in found} == {
        ("Persons", "Total"): (1, 62, 2, 0, 1, "present"),
        ("Male", "Total"): (0, 65, 5, 3, 1, "present"),
        ("Female", "Total"): (0, 59, -1, -3, 0, "present"),
        ("Persons", "Fifth 1"): (0, 52, -8, -10, 0, "present"),
        ("Persons", "Fifth 2"): (0, None, None, None, None, "suppressed"),
        ("Persons", "Fifth 3"): (0, 63, 3, 1, 1, "present"),
        ("Persons", "Fifth 4"): (0, 66, 6, 4, 1, "present"),
        ("Persons", "Fifth 5"): (0, 70, 10, 8, 1, "present"),
    }


@pytest.mark.parametrize(
    ("commitment", "is_met"),
    [("strict_operator", 0), ("strict_less", 0), ("equal_is_enough", 1), ("whole_hundred", 1)],
)
def test_a_group_on_the_target_follows_the_operator(rows, commitment, is_met):
    found = rows("select is_target_met_by_point from v_commitment_breakdown where commitment_id = ?", commitment)
    assert found == [{"is_target_met_by_point": is_met}]


def test_groups_of_the_scored_period_only(rows):
    found = rows("select period_label from v_commitment_breakdown where commitment_id = 'answered_met'")
    assert found == [{"period_label": "2022"}]
