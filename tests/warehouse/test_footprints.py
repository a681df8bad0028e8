"""Figures of regions, boards, counties and neighbourhoods that are added up here, from ``numbers.txt``."""

from __future__ import annotations

import pytest

COUNTED = ("value", "count", "denominator", "lower_ci_95", "upper_ci_95", "lower_ci_99_8", "upper_ci_99_8")


@pytest.fixture(scope="session")
def added_up(rows):
    """Return a function from a measure and an area to its rows that were added up here: period to row."""

    def find(measure, area="X1200"):
        found = rows(
            """
            select f.*, p.period_label
            from fct_footprint_value as f
            inner join dim_period as p on f.period_key = p.period_key
            where f.indicator_id = 'ons_subnational.' || ? and f.area_code = ?
            """,
            measure,
            area,
        )
        keyed = {row["period_label"]: row for row in found}
        assert len(keyed) == len(found)
        return keyed

    return find


# Sums.


@pytest.mark.parametrize(
    ("area", "kind", "count", "denominator", "value", "lower", "upper"),
    [
        # Of 30, 30 and 50 %; their mean is 36.7 %.
        ("X1200", "region", 240, 600, 40, 36.156, 43.972),
        ("X1290", "combined_authority", 90, 300, 30, 25.094, 35.412),
        ("X1203", "districts_of_county", 150, 300, 50, 44.378, 55.622),
        ("X1400", "icb", 240, 400, 60, 55.126, 64.684),
        ("X1600", "parts_of_board", 140, 400, 35, 30.489, 39.797),
    ],
)
def test_a_proportion_is_the_sum_of_counts_over_the_sum_of_denominators(
    added_up, area, kind, count, denominator, value, lower, upper
):
    row = added_up("added", area)["2024"]
    assert (row["footprint_type"], row["footprint_reason"], row["ci_method"]) == (kind, None, "wilson")
    assert (row["count"], row["denominator"], row["value"]) == (count, denominator, pytest.approx(value))
    assert (row["lower_ci_95"], row["upper_ci_95"]) == pytest.approx((lower, upper), abs=5e-4)


def test_limits_at_two_levels(added_up):
    row = added_up("added")["2024"]
    assert (row["lower_ci_99_8"], row["upper_ci_99_8"]) == pytest.approx((34.0228, 46.2905), abs=2e-4)


@pytest.mark.parametrize(
    ("measure", "area", "count", "value", "lower", "upper"),
    [
        ("added_rate", "X1200", 12, 6, 3.0968, 10.4815),  # Byar: the exact ones are 3.1003 and 10.4808
        ("added_rate", "X1290", 7, 7, 2.8144, 14.4227),  # exact: Byar's are 2.8044 and 14.4233
        ("in_wards", "X1500", 7, 7, 2.8144, 14.4227),  # one of the wards was redrawn; the neighbourhood was not
    ],
)
def test_a_rate_has_the_limits_of_its_summed_count(added_up, measure, area, count, value, lower, upper):
    row = added_up(measure, area)["2024"]
    assert (row["count"], row["value"], row["ci_method"]) == (count, pytest.approx(value), "byar_or_exact")
    assert (row["lower_ci_95"], row["upper_ci_95"]) == pytest.approx((lower, upper), abs=2e-4)


def test_values_that_are_themselves_counts_are_added_up_without_limits(added_up):
    row = added_up("added_sum")["2024"]
    assert (row["value"], row["footprint_reason"], row["ci_method"]) == (60.5, None, None)
    assert {name: row[name] for name in COUNTED[1:]} == dict.fromkeys(COUNTED[1:])


def test_a_survey_is_added_up_without_limits(added_up):
    row = added_up("added_survey")["2024"]
    assert (row["value"], row["count"]) == (pytest.approx(40), 240)
    assert (row["lower_ci_95"], row["upper_ci_95"], row["lower_ci_99_8"], row["upper_ci_99_8"]) == (None,) * 4


# Refusals.

REFUSED = [
    ("refused", "X1200", "2014", "constituent_missing", 2),
    ("refused", "X1200", "2015", "constituent_suppressed", 1),  # one member is missing besides
    ("refused", "X1200", "2016", "constituent_suppressed", 2),
    ("refused", "X1200", "2017", "constituent_without_value", 2),
    ("refused", "X1200", "2018", "constituent_without_counts", 2),
    ("refused", "X1200", "2019", "count_is_not_numerator", 2),
    ("refused", "X1200", "2020", "constituent_of_larger_area", 2),
    ("refused", "X1200", "2021", "constituent_of_larger_area", 2),  # the former county's
    ("combined", "X1200", "2023", "constituent_combined_with_neighbour", 3),  # two figures
    ("combined", "X1200", "2022", "constituent_combined_with_neighbour", 3),  # with a neighbour outside
    ("merged", "X1300", "2020", "constituent_missing", 1),
    ("merged", "X1700", "2024", "constituent_suppressed", 1),  # and not the total of the members of old
    ("averaged", "X1400", "2024", "indicator_is_not_additive", 3),
    ("both", "E92000001", "2023", "constituent_missing", 1),
]


@pytest.mark.parametrize(("measure", "area", "period", "reason", "with_value"), REFUSED)
def test_nothing_is_added_up_that_would_not_be_a_total(added_up, measure, area, period, reason, with_value):
    row = added_up(measure, area)[period]
    assert (row["footprint_reason"], row["constituents_with_value"]) == (reason, with_value)
    assert row["coverage"] == with_value / row["constituents"]


def test_no_refused_row_holds_a_number_from_which_a_member_could_be_subtracted(rows):
    found = rows("from fct_footprint_value where footprint_reason is not null")
    assert {row["footprint_reason"] for row in found} == {reason for _, _, _, reason, _ in REFUSED}
    for row in found:
        assert {name: row[name] for name in COUNTED} == dict.fromkeys(COUNTED), row
    inner = rows(
        "from intermediate.int_footprint_values__aggregated where footprint_reason is not null and "
        "(value is not null or count is not null or denominator is not null or value_computed is not null)"
    )
    assert inner == []


def test_what_cannot_be_added_up_is_said_of_agreed_systems_only(added_up):
    # Three members each have a value; the region is one of hundreds of rows that nobody asked for.
    assert added_up("averaged", "X1200") == {}
    assert added_up("averaged", "X1290") == {}


def test_two_areas_that_show_one_figure_count_once(added_up):
    row = added_up("combined")["2024"]
    assert (row["count"], row["denominator"], row["value"]) == (180, 400, pytest.approx(45))


# Members that change.


@pytest.mark.parametrize(
    ("period", "members", "count", "denominator"),
    [
        ("2021", 3, 80, 300),  # published on old boundaries only
        ("2022", 2, 130, 300),  # on both: the boundaries of today
        ("2024", 2, 130, 300),
    ],
)
def test_a_merger_has_old_members_or_new_ones_and_never_both(added_up, period, members, count, denominator):
    row = added_up("merged", "X1300")[period]
    assert (row["constituents"], row["count"], row["denominator"]) == (members, count, denominator)


@pytest.mark.parametrize(("period", "members", "count", "denominator"), [("2019", 1, 50, 100), ("2022", 2, 90, 300)])
def test_a_member_that_joined_counts_from_then_on(added_up, period, members, count, denominator):
    row = added_up("merged", "X1700")[period]
    assert (row["constituents"], row["count"], row["denominator"]) == (members, count, denominator)


def test_sets_of_a_merger(rows):
    found = rows("""
        select set_from, list(area_code order by area_code) as members
        from intermediate.int_footprint_members__dated
        where footprint_code = 'X1300' group by set_from order by set_from
    """)
    # One half ends in the register, the other by what is known of its succession.
    assert [(row["set_from"].isoformat(), row["members"]) for row in found] == [
        ("1900-01-01", ["X1301", "X1302", "X1304"]),
        ("2023-04-01", ["X1303", "X1304"]),
    ]


# Published beside added up.


def test_a_published_figure_is_preferred_and_its_twin_kept_beside(added_up, figures):
    row = added_up("both")["2023"]
    assert (row["value"], row["published_value"]) == (pytest.approx(40), 41)
    assert row["difference_from_published"] == pytest.approx(-1)
    assert row["published_value_key"] == figures("both")["X1200", "2023"]["indicator_value_key"]
    assert added_up("both")["2024"]["published_value"] is None


@pytest.mark.parametrize(
    ("measure", "area", "published"),
    [
        ("both", "X1200", 1),
        ("both_withheld", "X1200", 1),  # published without a value
        ("both_apart", "X1200", 1),  # published in a year of which the members are not
        ("both", "X1290", 0),
        ("added", "X1200", 0),
        ("added", "X1203", 1),
    ],
)
def test_a_series_is_published_or_added_up(rows, added_up, measure, area, published):
    found = added_up(measure, area).values()
    assert {row["has_published_series"] for row in found} == {published}
    in_use = rows(
        "from intermediate.int_indicator_values__compared "
        "where indicator_id = 'ons_subnational.' || ? and area_code = ? and is_footprint_value = 1",
        measure,
        area,
    )
    assert len(in_use) == (0 if published else len(found))


@pytest.mark.parametrize("measure", ["both", "both_withheld", "both_apart"])
def test_an_added_up_twin_is_not_compared_and_has_no_trend(added_up, measure):
    row = added_up(measure)["2024"]
    assert row["value"] == pytest.approx(50)
    assert (row["compared_to_england_computed"], row["recent_trend_computed"], row["no_trend_reason"]) == (None,) * 3


@pytest.mark.parametrize(
    ("measure", "area", "period", "comparison"),
    [
        ("added", "X1200", "2024", "Worse"),  # 36.2 to 44.0 beside 30
        ("added", "X1290", "2024", "Similar"),
        ("added", "X1200", "2015", "Similar"),
        ("added", "X1200", "2023", "Not compared"),  # England has no value
    ],
)
def test_an_added_up_series_is_compared_by_its_own_limits(added_up, measure, area, period, comparison):
    row = added_up(measure, area)[period]
    assert row["compared_to_england_computed"] == comparison
    assert row["england_value"] == {"2024": 30, "2015": 50, "2023": None}[period]


def test_an_added_up_series_has_a_trend(added_up):
    assert added_up("added")["2024"]["recent_trend_computed"] == "Increasing and getting worse"
    assert added_up("added", "X1400")["2024"]["no_trend_reason"] == "fewer_than_five_points"


# Commitments.


@pytest.fixture(scope="session")
def assessed(rows):
    """Return a function from a commitment to its rows: period to row."""

    def find(commitment):
        found = rows(
            """
            select t.*, p.period_label
            from fct_target_vs_actual as t
            inner join dim_period as p on t.period_key = p.period_key
            where t.commitment_id = ?
            """,
            commitment,
        )
        return {row["period_label"]: row for row in found}

    return find


def test_an_added_up_series_feeds_a_commitment_and_says_so(assessed, added_up):
    row = assessed("added_up_region")["2024"]
    source = added_up("added")
    assert row["actual_footprint_value_key"] == source["2024"]["footprint_value_key"]
    assert row["baseline_footprint_value_key"] == source["2015"]["footprint_value_key"]
    assert (row["actual_value_key"], row["baseline_value_key"]) == (None, None)
    assert row["explanation"] == (
        "Added in Test region was 40.0% in 2024 (95% limits 36.2 to 44.0). The target is 42.0% or less by 31 December "
        "2030; it was 50.0% in 2015. The figure meets the target, but chance could explain that. The figure is added "
        "up here from the parts of the area; none is published for it."
    )


def test_a_commitment_never_mixes_a_published_series_with_its_twin(assessed, figures):
    found = assessed("published_in_part")
    # The members have 2019 and 2024 as well.
    assert {period: row["actual_value"] for period, row in found.items()} == {
        "2020": 11,
        "2021": 21,
        "2022": 31,
        "2023": 41,
    }
    published = figures("both")
    for period, row in found.items():
        assert row["actual_value_key"] == published["X1200", period]["indicator_value_key"]
        assert row["actual_footprint_value_key"] is None
        assert "added up here" not in row["explanation"]
