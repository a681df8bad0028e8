"""How values compare with England, their region, their parent and their peers, from ``numbers.txt``.

England is 50 and low is good, unless a test says otherwise.
"""

from __future__ import annotations

import pytest

COMPARED = [
    # The default: one interval of 95 %.
    ("plain", ("X1201", "2024"), "Worse", None, "published"),
    ("plain", ("X1202", "2024"), "Similar", None, "published"),
    ("plain", ("X1203", "2024"), "Better", None, "published"),
    ("plain", ("X1211", "2024"), "Similar", None, "published"),  # England is on the limit
    ("plain", ("X1302", "2024"), "Worse", None, "computed"),  # 60 of 100: 50.2 to 69.1
    ("plain", ("X1303", "2024"), "Worse", None, "computed"),  # a lower limit of 10 is printed without an upper one
    ("plain_good", ("X1201", "2024"), "Better", None, "published"),
    ("plain_good", ("X1202", "2024"), "Worse", None, "published"),
    ("plain_neutral", ("X1201", "2024"), "Higher", None, "published"),
    ("plain_neutral", ("X1202", "2024"), "Lower", None, "published"),
    # Rules of an indicator.
    ("at_99_8", ("X1201", "2024"), "Similar", None, "published"),  # the limits of 95 % are 52 and 68
    ("at_99_8", ("X1202", "2024"), "Worse", None, "published"),  # these are 49 and 71
    ("at_99_8", ("X1203", "2024"), "Similar", None, "computed"),  # those of 95 % are printed
    ("two_levels", ("X1201", "2024"), "Worse 99.8%", None, "published"),
    ("two_levels", ("X1202", "2024"), "Worse 95%", None, "published"),
    ("two_levels", ("X1203", "2024"), "Similar", None, "published"),
    ("two_levels", ("X1211", "2024"), "Better 95%", None, "published"),
    ("two_levels", ("X1212", "2024"), "Better 99.8%", None, "published"),
    ("both_intervals", ("X1201", "2024"), "Similar", None, "published"),  # England's upper limit is 52
    ("both_intervals", ("X1202", "2024"), "Worse", None, "published"),
    ("both_intervals", ("X1203", "2023"), "Similar", None, "published"),  # England's, from counts, is 50.98
    ("both_intervals", ("X1211", "2023"), "Worse", None, "published"),
    # Control limits of 1,000 at England's 10 are 7.4 and 13.3, those of 95 % 8.3 and 12.0.
    ("control", ("X1201", "2024"), "Similar", None, None),
    ("control", ("X1202", "2024"), "Worse", None, None),
    ("control", ("X1203", "2024"), "Not compared", "no_denominator", None),
    ("control_95", ("X1201", "2024"), "Worse", None, None),
    ("uncompared", ("X1201", "2024"), "Not compared", "indicator_is_not_compared", None),
    # The rule of a value type goes before the default, and that of an indicator before both.
    ("tally", ("X1201", "2024"), "Not compared", "indicator_is_not_compared", None),
    ("tally_compared", ("X1201", "2024"), "Worse", None, "published"),
    ("years_of_life", ("X1201", "2024"), "Similar", None, "published"),  # by both intervals
    ("years_by_default", ("X1201", "2024"), "Better", None, "published"),
    # Why not.
    ("plain", ("E92000001", "2024"), "Not compared", "is_the_comparator", None),
    ("plain", ("X1212", "2024"), "Not compared", "no_value", None),
    ("plain", ("X1301", "2024"), "Not compared", "no_limits", None),
    ("plain", ("X1304", "2023"), "Not compared", "no_comparator_value", None),
    ("plain", ("X1401", "2024", "Male"), "Not compared", "no_comparator_value", None),  # England has persons only
    # A group is compared with the total of England, and that of England as well.
    ("plain", ("E92000001", "2024", "Fifth 1"), "Worse", None, "published"),
    ("plain", ("E92000001", "2024", "Fifth 3"), "Similar", None, "published"),
    ("plain", ("E92000001", "2024", "Fifth 5"), "Better", None, "published"),
    ("plain", ("X1201", "2024", "Fifth 1"), "Worse", None, "published"),  # England's first fifth is 60 too
    ("plain", ("X1201", "2024", "Fifth 5"), "Better", None, "published"),
]


@pytest.mark.parametrize(("measure", "row", "label", "reason", "limits"), COMPARED)
def test_comparison_with_england(figures, measure, row, label, reason, limits):
    found = figures(measure)[row]
    assert found["compared_to_england_computed"] == label
    assert found["not_compared_to_england_reason"] == reason
    assert found["comparison_limits"] == limits


def test_a_value_is_compared_or_the_reason_is_said(rows):
    ranked = "compared_to_england_computed like '%quintile' or compared_to_england_computed like '%quartile'"
    unexplained = rows(f"""
        from fct_indicator_value
        where (compared_to_england_computed = 'Not compared') <> (not_compared_to_england_reason is not null)
        or comparison_limits is not null and ({ranked} or compared_to_england_computed = 'Not compared')
    """)
    assert unexplained == []
    reasons = rows(
        "select distinct not_compared_to_england_reason as reason from fct_indicator_value "
        "where source_file = 'ons_subnational/2025-10/numbers.csv'"
    )
    assert {row["reason"] for row in reasons} == {
        None,
        "is_the_comparator",
        "indicator_is_not_compared",
        "no_value",
        "no_comparator_value",
        "no_limits",
        "no_denominator",
        "too_few_peers",
        "ranked_among_peers",
    }


@pytest.mark.parametrize(
    ("area", "value", "label"),
    [
        ("X1201", 60, "Similar"),  # worse than England
        ("X1202", 60, "Better"),  # similar to England
        ("X1290", 60, "Worse"),
        ("X1200", None, "Not compared"),  # the region itself
        ("X1302", None, "Not compared"),  # its region has no row
    ],
)
def test_comparison_with_the_region(figures, area, value, label):
    found = figures("plain")[area, "2024"]
    assert (found["region_value"], found["compared_to_region_computed"]) == (value, label)


@pytest.mark.parametrize(
    ("area", "parent", "value", "label"),
    [
        ("X1201", "X1290", 70, "Better"),
        ("X1202", "E92000001", None, "Not compared"),  # that is the column for England
        ("X1203", "X1300", None, "Not compared"),  # has no row
        ("X1290", "X1290", None, "Not compared"),  # itself
        ("X1211", None, None, "Not compared"),
    ],
)
def test_comparison_with_the_parent_of_the_extract(figures, area, parent, value, label):
    found = figures("plain")[area, "2024"]
    assert (found["parent_code"], found["parent_value"], found["compared_to_parent_computed"]) == (parent, value, label)


QUINTILES = ("Lowest quintile", "2nd lowest quintile", "Middle quintile", "2nd highest quintile", "Highest quintile")
QUARTILES = ("Lowest quartile", "2nd lowest quartile", "2nd highest quartile", "Highest quartile")


@pytest.mark.parametrize(
    ("measure", "period", "places"),
    [
        ("fifths", "2024", [QUINTILES[i] for i in (0, 0, 1, 1, 2, 2, 3, 3, 4, 4)]),
        ("fifths", "2023", [QUINTILES[i] for i in (0, 0, 1, 1, 2, 3, 3, 4, 4)]),  # nine of ten
        ("fourths", "2024", [QUARTILES[i] for i in (0, 0, 0, 1, 1, 2, 2, 3, 3, 3)]),
    ],
)
def test_ranks_of_a_tier_that_is_nearly_complete(figures, measure, period, places):
    found = figures(measure)
    ranked = [found[f"X04{number:02}", period] for number in range(1, len(places) + 1)]
    assert [row["compared_to_england_computed"] for row in ranked] == places
    assert {row["not_compared_to_england_reason"] for row in ranked} == {None}
    assert {row["comparison_limits"] for row in ranked} == {None}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("X0401", "2022"), "too_few_peers"),  # eight of ten, two that do not stand then left out
        (("X0408", "2022"), "too_few_peers"),
        (("X0409", "2022"), "no_value"),
        (("X1201", "2024"), "ranked_among_peers"),  # of another type of area, alone
        (("X0401", "2024", "Fifth 1"), "ranked_among_peers"),
        (("E92000001", "2024"), "is_the_comparator"),
    ],
)
def test_what_has_no_rank(figures, row, reason):
    found = figures("fifths")[row]
    assert (found["compared_to_england_computed"], found["not_compared_to_england_reason"]) == ("Not compared", reason)


def test_areas_that_do_not_stand_in_a_year_are_not_missed(rows):
    found = rows("""
        select distinct p.period_label, r.areas_with_value, r.areas_registered
        from intermediate.int_peer_values__ranked as r
        inner join fct_indicator_value as v on r.value_key = v.indicator_value_key
        inner join dim_period as p on v.period_key = p.period_key
        where v.indicator_id = 'ons_subnational.fifths' order by 1
    """)
    assert [tuple(row.values()) for row in found] == [("2022", 8, 10), ("2023", 9, 10), ("2024", 10, 10)]


# Every area around (v_comparison).


@pytest.fixture(scope="session")
def around(rows):
    """Return a function from a measure and an area to what each area around it makes of its total in 2024."""

    def find(measure, area):
        found = rows(
            """
            select v.comparator_relation, v.comparator_area_code, v.comparator_value, v.comparator_basis, v.compared
            from v_comparison as v
            inner join dim_period as p on v.period_key = p.period_key
            inner join dim_population_group as g on v.population_group_key = g.population_group_key
            where v.indicator_id = 'ons_subnational.' || ? and v.area_code = ? and p.period_label = '2024'
                and g.is_total = 1 and g.sex = 'Persons'
            """,
            measure,
            area,
        )
        return {row.pop("comparator_relation"): tuple(row.values()) for row in found}

    return find


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (
            "X1201",  # 60, with limits of 55 and 65
            {
                "england": ("E92000001", 50, "published", "Worse"),
                "region": ("X1200", 60, "published", "Similar"),
                "combined_authority": ("X1290", 70, "published", "Better"),
            },
        ),
        (
            "X1211",  # 55, with limits of 50 and 60
            {
                "england": ("E92000001", 50, "published", "Similar"),
                "region": ("X1200", 60, "published", "Similar"),
                "upper_tier": ("X1203", 40, "published", "Worse"),
            },
        ),
        ("X1200", {"england": ("E92000001", 50, "published", "Worse")}),
        ("E92000001", {}),
    ],
)
def test_a_value_beside_every_area_that_it_lies_in(around, area, expected):
    assert around("plain", area) == expected


def test_a_comparator_that_is_not_published_is_the_added_up_one_and_says_so(around):
    # 30 of 100, 60 of 200 and 150 of 300 are 240 of 600.
    code, value, basis, compared = around("added", "X1201")["region"]
    assert (code, value, basis, compared) == ("X1200", pytest.approx(40), "added_up", "Better")


@pytest.mark.parametrize(
    ("relation", "column"), [("england", "compared_to_england_computed"), ("region", "compared_to_region_computed")]
)
def test_the_view_and_the_fact_never_disagree(rows, relation, column):
    found = rows(f"""
        select v.compared, f.{column} as in_the_fact
        from v_comparison as v
        inner join fct_indicator_value as f using (indicator_value_key)
        where v.comparator_relation = '{relation}' and v.comparator_basis = 'published'
            and v.comparator_method not in ('quintiles', 'quartiles')
    """)
    assert {"Better", "Similar", "Worse", "Not compared"} <= {row["compared"] for row in found}
    assert [row for row in found if row["compared"] != row["in_the_fact"]] == []
