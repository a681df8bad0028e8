"""What published rows mean beyond their numbers: every row of ``readings.txt``, in the published tables.

How a commitment fares on such rows is in ``cases.txt``.
"""

from __future__ import annotations

import datetime as dt

import pytest


@pytest.fixture(scope="session")
def values(rows):
    """Return a function from an indicator of ``readings.txt`` to its published values, with area, period and group."""

    def find(indicator):
        return rows(
            """
            select v.*, a.area_type, a.area_name, p.period_label, p.period_months, g.sex, g.age
            from fct_indicator_value as v
            inner join dim_area as a on v.area_key = a.area_key
            inner join dim_period as p on v.period_key = p.period_key
            inner join dim_population_group as g on v.population_group_key = g.population_group_key
            where v.indicator_id = 'fingertips.' || ?
            order by v.area_code, a.area_type, p.period_end, p.period_months, g.sex, g.age
            """,
            indicator,
        )

    return find


@pytest.fixture(scope="session")
def duplicates(rows):
    """Return a function from an indicator to its named duplicates: area as published, period and reason."""

    def find(indicator):
        found = rows(
            """
            select area_code_published, period_label, age, duplicate_reason
            from intermediate.int_indicator_values__deduplicated
            where indicator_id = 'fingertips.' || ? and duplicate_reason is not null
            """,
            indicator,
        )
        return {(row["area_code_published"], row["period_label"], row["age"]): row["duplicate_reason"] for row in found}

    return find


# Why a value is absent, and on what it stands.


@pytest.mark.parametrize(
    ("area", "status"),
    [
        ("E08000001", "suppressed"),
        ("E08000002", "not_calculable"),
        ("E08000003", "not_available"),
        ("E08000004", "missing"),
        ("E08000005", "missing"),
        ("E08000006", "estimated"),
        ("E08000007", "low_reliability"),  # "underestimate" warns; it names no method
        ("E08000008", "present"),  # there is a value, whatever the note says
        ("E08000009", "estimated"),
        ("E08000010", "missing"),  # nothing there that was estimated
        ("E06000001", "present"),
        ("E06000007", "present"),
        ("E06000008", "present"),  # nought is a value
    ],
)
def test_note_says_why(values, area, status):
    row = next(row for row in values("noted") if row["area_code"] == area)
    assert row["value_status_code"] == status
    assert (row["value"] is None) == (status in {"suppressed", "not_calculable", "not_available", "missing"})


@pytest.mark.parametrize(
    ("area", "status"),
    [
        ("E08000001", "suppressed"),
        ("E08000002", "not_available"),
        ("E08000003", "not_applicable"),
        ("E08000004", "suppressed"),  # NA says nothing; the note does
        ("E08000005", "suppressed"),  # the marker is the publisher's own word for this cell
        ("E08000006", "not_calculable"),
    ],
)
def test_marker_says_why(values, area, status):
    row = next(row for row in values("marked") if row["area_code"] == area)
    assert (row["value_status_code"], row["value"]) == (status, None)


@pytest.mark.parametrize(
    ("area", "basis"),
    [
        ("E06000001", "aggregated_from_lower"),
        ("E06000002", "merged_authorities"),
        ("E06000003", "combined_areas"),
        ("E06000004", "county_value_applied"),
        ("E06000005", "larger_area_applied"),
        ("E06000006", "rounded_count"),
        ("E06000007", "own_area"),
        ("E08000006", "modelled"),
        ("E08000001", "own_area"),
    ],
)
def test_note_says_on_what_a_value_stands(values, area, basis):
    row = next(row for row in values("noted") if row["area_code"] == area)
    assert row["value_basis_code"] == basis


def test_every_basis_and_status_is_explained(rows):
    assert rows("from dim_value_basis where value_basis_key > 0 and description is null") == []
    assert rows("from dim_value_status where value_status_key > 0 and description is null") == []


# Periods and areas.


def test_periods_that_share_their_first_day_stay_apart(values):
    found = values("lengths")
    assert [(row["period_months"], row["value"]) for row in found] == [(3, 13), (6, 14), (12, 10), (12, 12), (36, 11)]
    assert len({row["period_key"] for row in found}) == 5


def test_one_code_under_two_types_is_two_areas(values):
    found = [row for row in values("shared") if row["area_code"].startswith("E38")]
    assert [(row["area_type"], row["value"]) for row in found] == [("ccg", 20), ("sub_icb_location", 21)]
    # The register knows the part of the board; the group's name comes from the data.
    assert [row["area_name"] for row in found] == ["NHS Test CCG", "Test board, part 01X"]
    assert {row["area_code_published"] for row in found} == {"E38999901", "nE38999901"}


def test_a_partnership_and_a_board_are_two_areas_even_where_they_agree(values):
    found = [row for row in values("shared") if row["area_code"].startswith("E54")]
    assert [(row["area_type"], row["period_label"], row["value"]) for row in found] == [
        ("icb", "2023", 30),
        ("icb", "2024", 31),  # without a label the register decides
        ("stp", "2023", 30),
    ]


def test_labels_of_other_boundaries_name_the_same_area(values, duplicates):
    (row,) = (row for row in values("shared") if row["area_code"] == "E08000001")
    assert (row["value"], row["area_type"]) == (41, "metropolitan_district")
    assert (row["area_type_published"], row["boundary_vintage"]) == ("Districts & UAs (from Apr 2023)", "2023-04")
    assert duplicates("shared") == {("E08000001", "2018", "All ages"): "superseded_by_later_release"}


def test_areas_of_an_open_list_join(values, rows):
    found = values("listed")
    assert [(row["area_code"], row["area_name"], row["area_type"]) for row in found] == [
        ("E99901", "New Surgery", "gp_practice"),
        ("E99901", "New Surgery", "gp_practice"),
        # Its file names no type: the code has the shape of a network's.
        ("U99903", "U99903", "pcn"),
        ("Y99902", "Y99902", "gp_practice"),
    ]
    listed = rows("select is_registered, is_current from dim_area where area_code = 'E99901'")
    assert listed == [{"is_registered": 0, "is_current": 1}]
    assert rows("from fct_indicator_value where area_key < 0") == []


def test_a_recoded_area_goes_on_under_its_last_code(values, duplicates):
    found = [row for row in values("moved") if row["area_code"] == "X0703"]
    assert [(row["period_label"], row["value"], row["area_code_published"]) for row in found] == [
        ("2022", 11.4, "X0701"),
        ("2023", 12.3457, "X0703"),
        ("2024", 14, "X0703"),
    ]
    assert duplicates("moved") == {
        ("X0701", "2023", "All ages"): "recoded_area_repeated",  # the same but for rounding
        ("X0701", "2024", "All ages"): "superseded_by_successor_code",
        ("X0702", "2024", "All ages"): "superseded_by_successor_code",
    }


def test_an_older_area_of_the_same_code_is_not_moved_with_it(values, rows):
    found = [row for row in values("moved") if row["area_code"].startswith("E54")]
    assert [(row["area_code"], row["area_type"], row["value"]) for row in found] == [
        ("E54999902", "stp", 22),
        ("E54999903", "icb", 21),
    ]
    ended = rows("select area_type, successor_code from dim_area where area_code = 'E54999902' order by area_type")
    assert [tuple(row.values()) for row in ended] == [("icb", "E54999903"), ("stp", None)]


def test_merged_and_split_areas_stay_what_they_were(values, rows):
    assert {row["area_code"]: row["value"] for row in values("moved") if row["area_code"] in ("X0704", "X0706")} == {
        "X0704": 50,
        "X0706": 60,
    }
    found = rows("""
        select area_code, successor_code, successor_change, valid_to, is_current
        from dim_area where area_code in ('X0701', 'X0704', 'X0705', 'X0706') order by area_code
    """)
    ended = dt.date(2023, 3, 31)
    assert [tuple(row.values()) for row in found] == [
        ("X0701", "X0702", "recoded", ended, 0),
        ("X0704", "X0705", "merged", ended, 0),
        ("X0705", None, None, None, 1),
        ("X0706", "X0705, X0707", "split", ended, 0),
    ]


def test_one_age_band_under_two_labels(values, duplicates):
    assert [(row["age"], row["value"]) for row in values("one_band")] == [
        ("18+ yrs", None),
        ("18+ yrs", 12),
        ("Not applicable", 13),  # another value: not the same band
    ]
    assert duplicates("one_band") == {("E08000001", "2024", "Not applicable"): "age_band_repeated"}


# Corrections.

PRINTED = (
    "lower_ci_95",
    "upper_ci_95",
    "count",
    "denominator",
    "compared_to_england_published",
    "recent_trend_published",
)


def corrected(values, area, period="2024"):
    return [row for row in values("wrong") if (row["area_code"], row["period_label"]) == (area, period)]


def test_a_replaced_value_keeps_the_one_as_published_beside_it(values):
    (row,) = corrected(values, "E08000009")
    assert (row["value"], row["value_supplied"], row["value_as_published"]) == (56100, 5610, "5610")
    assert (row["correction_id"], row["value_status_code"]) == ("replaced", "corrected")
    assert {name: row[name] for name in PRINTED} == dict.fromkeys(PRINTED)


def test_a_withheld_value_is_absent_and_says_so(values):
    (row,) = corrected(values, "E08000007")
    assert (row["value"], row["value_supplied"]) == (None, 12.5)
    assert (row["correction_id"], row["value_status_code"]) == ("held_back", "withheld")
    assert (row["lower_ci_95"], row["upper_ci_95"]) == (None, None)


def test_a_correction_is_not_made_when_the_publisher_prints_another_figure(values):
    (row,) = corrected(values, "E08000008")
    assert (row["value"], row["correction_id"], row["value_status_code"]) == (100, None, "present")


def test_a_correction_reaches_its_own_rows_only(values):
    assert [(row["sex"], row["value"]) for row in corrected(values, "E08000003")] == [("Female", None), ("Male", 30)]
    (other_year,) = corrected(values, "E08000009", "2023")
    assert (other_year["value"], other_year["correction_id"]) == (5610, None)


def test_a_correction_may_name_the_code_as_published(values):
    (row,) = corrected(values, "X0703")
    assert (row["area_code_published"], row["correction_id"]) == ("X0701", "under_the_old_code")


def test_state_of_every_correction(rows):
    found = rows("select correction_id, correction_state, matched_rows, corrected_rows from correction")
    assert {row["correction_id"]: tuple(row.values())[1:] for row in found} == {
        "replaced": ("applied", 1, 1),
        "held_back": ("applied", 1, 1),
        "overtaken": ("guard_not_met", 1, 0),
        "women_only": ("applied", 1, 1),
        "absent": ("not_in_data", 0, 0),
        "under_the_old_code": ("applied", 1, 1),
    }


def test_a_correction_that_was_overtaken_is_a_finding(check):
    row = check("corrections_still_needed")
    assert (row["outcome"], row["rows_evaluated"], row["rows_failed"]) == ("warned", 6, 1)


# Counts, trends and breaks.


@pytest.fixture(scope="session")
def check(rows):
    """Return a function from the id of a check of the model to its row for the source of these tests."""

    def find(check_id):
        (row,) = rows(
            "from fct_data_quality_check where source_id = 'fingertips' and stage = 'model' and check_id = ?", check_id
        )
        return row

    return find


@pytest.mark.parametrize(
    ("indicator", "area", "flag"),
    [
        ("counted", "E08000001", 1),
        ("counted", "E08000002", 0),
        ("counted", "E08000003", None),
        ("counted", "E08000004", None),
        ("counted", "E08000005", 0),  # 25.6 is 1.2 % off
        ("counted_rate", "E08000001", 1),  # more than 1 % off, but rounding explains it
        ("counted_rate", "E08000002", 0),
        ("counted_standardised", "E08000001", None),
    ],
)
def test_whether_a_count_is_the_numerator(values, indicator, area, flag):
    (row,) = (row for row in values(indicator) if row["area_code"] == area)
    assert row["is_count_numerator"] == flag


def test_a_trend_is_not_computed_from_counts_of_something_else(values, check):
    assert values("trend_true")[-1]["recent_trend_computed"] == "Increasing and getting worse"
    assert values("trend_false")[-1]["recent_trend_computed"] == "Cannot be calculated"
    rests = check("published_trend_rests_on_numerators")
    assert (rests["outcome"], rests["rows_evaluated"], rests["rows_failed"]) == ("warned", 2, 1)
    reproduced = check("recent_trend_reproduced")
    assert (reproduced["outcome"], reproduced["rows_evaluated"]) == ("passed", 1)
    # Beside those of ``counted`` and ``trend_false``, those of people_other_counts in cases.txt.
    counts = check("counts_are_numerators")
    assert (counts["outcome"], counts["rows_failed"]) == ("warned", 5)


def test_a_trend_stops_at_a_break(values):
    found = values("broken")
    assert [(row["period_label"], row["series_number"]) for row in found] == [
        ("2020", 1),
        ("2021", 1),
        ("2022", 3),
        ("2023", 3),
        ("2021 - 23", 2),  # one year of the old series, two of the new one
        ("2024", 5),
    ]
    assert found[-1]["recent_trend_computed"] == "Cannot be calculated"


def test_names_of_an_indicator(rows):
    found = rows("""
        select indicator_name_published, first_release, last_release, published_rows, is_registered_name
        from indicator_name where indicator_id = 'fingertips.renamed' order by first_release
    """)
    assert [tuple(row.values()) for row in found] == [
        ("Smoking prevalence", "2019-11", "2024-10", 2, 0),
        ("renamed", "2025-10", "2025-10", 2, 1),
    ]


def test_the_latest_release_of_a_neighbour_set_replaces_the_one_before(rows):
    of_it = "where neighbour_set_id = 'test'"
    assert rows(f"select neighbour_code, source_file, source_row_number from bridge_area_neighbour {of_it}") == [
        {"neighbour_code": "E08000007", "source_file": "trafford_neighbours/2025-10/set.csv", "source_row_number": 2}
    ]
    named = rows(
        "select duplicate_reason, duplicate_rows from named_duplicate "
        "where source_id = 'trafford_neighbours' order by 1"
    )
    assert named == [
        {"duplicate_reason": "repeated_across_files", "duplicate_rows": 1},
        {"duplicate_reason": "superseded_by_later_release", "duplicate_rows": 2},
    ]
    [load] = rows(
        "select served_rows, duplicate_rows, published_rows from source_load where source_id = 'trafford_neighbours'"
    )
    assert load == {"served_rows": 9, "duplicate_rows": 3, "published_rows": 6}
