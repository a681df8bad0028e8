"""Figures that documents report: each check on the documents' own numbers, and the verdicts over the whole register."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

SEEDS = Path(__file__).resolve().parents[2] / "data" / "seeds"
MODEL = "intermediate/int_reported_figures__checked.sql"


# --- checks


@pytest.mark.parametrize(
    ("value", "decimals", "base", "outcome", "words"),
    [
        # Staff of the council: 2,469, of whom 1,556 declared whether they are disabled.
        (9.44, 2, 2469, "rounded", "9.44% of 2,469: 233 are 9.44%"),
        (27.18, 2, 2469, "rounded", "27.18% of 2,469: 671 are 27.18%"),
        (36.98, 2, 2469, "rounded", "36.98% of 2,469: 913 are 36.98%"),
        (3.93, 2, 2469, "rounded", "3.93% of 2,469: 97 are 3.93%"),
        (3.93, 2, 1556, "unattainable", "3.93% of 1,556: 61 are 3.92%, 62 are 3.98%"),
        # Staff of the commissioning group: 133 by the headline.
        (19.62, 2, 133, "unattainable", "19.62% of 133: 26 are 19.55%, 27 are 20.30%"),
        (0.9, 1, 133, "unattainable", "0.9% of 133: 1 are 0.75%, 2 are 1.50%"),
        (6.5, 1, 133, "unattainable", "6.5% of 133: 8 are 6.02%, 9 are 6.77%"),
        (10.2, 1, 133, "unattainable", "10.2% of 133: 13 are 9.77%, 14 are 10.53%"),
        # All four can be made from 107, two of them by cutting off.
        (19.62, 2, 107, "truncated", "19.62% of 107: 21 are 19.626%, cut off and not rounded"),
        (0.9, 1, 107, "rounded", "0.9% of 107: 1 are 0.93%"),
        (6.5, 1, 107, "rounded", "6.5% of 107: 7 are 6.54%"),
        (10.2, 1, 107, "truncated", "10.2% of 107: 11 are 10.28%, cut off and not rounded"),
        # A half may be rounded up or down.
        (12, 0, 8, "rounded", "12% of 8: 1 are 12.50%"),
        (13, 0, 8, "rounded", "13% of 8: 1 are 12.50%"),
        (14, 0, 8, "unattainable", "14% of 8: 1 are 12.50%, 2 are 25.00%"),
        # A base from which every percentage can be made decides nothing, nor do none and all.
        (3, 0, 99, "rounded", "3% of 99: 3 are 3.03%"),
        (3, 0, 100, None, None),
        (99, 0, 237354, None, None),
        (3.0, 1, 999, "rounded", "3.0% of 999: 30 are 3.00%"),
        (3.0, 1, 1000, None, None),
        (0, 0, 7, None, None),
        (100, 0, 11, None, None),
        (20, 0, 6.65, None, None),
        (None, 0, 133, None, None),
        (20, None, 133, None, None),
        (20, 0, None, None, None),
        (20, 0, 0, None, None),
    ],
)
def test_a_percentage_has_to_come_from_a_whole_count(methods, value, decimals, base, outcome, words):
    arguments = {"value": value, "decimals": decimals, "base": base}
    assert methods.value("share_attainable", **arguments) == outcome
    assert methods.value("attainable_in_words", **arguments) == words


@pytest.mark.parametrize(
    ("base", "decimals"),
    [(7, 0), (60, 0), (97, 0), (7, 1), (97, 1), (133, 1), (999, 1), (7, 2), (133, 2), (999, 2), (2469, 2)],
)
def test_every_share_of_a_whole_count_is_attainable_and_no_other(methods, base, decimals):
    methods.connection.execute(f"""
        create or replace temp table grid as
        select s.s as step, s.s / pow(10.0, {decimals}) as value from range(1, {100 * 10**decimals}) as s(s)
    """)
    arguments = {"value": "value", "decimals": str(decimals), "base": str(base)}
    found = methods.over("grid", "step", "share_attainable", **arguments)
    # In whole numbers: the steps within half a step of 100 k / base.
    scale, attained = 10**decimals, set[int]()
    for k in range(base + 1):
        lowest, highest = -((base - 200 * scale * k) // (2 * base)), (base + 200 * scale * k) // (2 * base)
        attained |= set(range(lowest, highest + 1))
    expected = [step in attained for step in range(1, 100 * scale)]
    assert [one == "rounded" for one in found] == expected
    assert set(expected) == {True, False}


@pytest.mark.parametrize(
    ("value", "decimals", "count", "base", "bound", "outcome", "words"),
    [
        (14.5, 1, 32744, 226578, None, "agrees", "32,744 of 226,578 are 14.45%, printed 14.5%"),
        (
            *(14.5, 1, 32744, 237354, None, "differs"),
            "32,744 of 237,354 are 13.80%, printed 14.5%, which needs a base from 225,045 to 226,602",
        ),
        (17, 0, 38603, 226578, None, "agrees", "38,603 of 226,578 are 17.04%, printed 17%"),
        (
            *(17, 0, 38603, 237354, None, "differs"),
            "38,603 of 237,354 are 16.26%, printed 17%, which needs a base from 220,589 to 233,957",
        ),
        (10.4, 1, 23509, 226578, None, "agrees", "23,509 of 226,578 are 10.38%, printed 10.4%"),
        (25.7, 1, 60956, 237354, None, "agrees", "60,956 of 237,354 are 25.68%, printed 25.7%"),
        (57, 0, 135215, 237354, None, "agrees", "135,215 of 237,354 are 56.97%, printed 57%"),
        (
            *(87.4, 1, 143639, 212300, "about", "differs"),
            "143,639 of about 212,300 are 67.66%, printed 87.4%, which needs a base from 164,253 to 164,440",
        ),
        # A base that is about known may be off by 1 %, and by no more.
        (87.4, 1, 143639, 163000, "about", "agrees", "143,639 of about 163,000 are 88.12%, printed 87.4%"),
        (
            *(87.4, 1, 143639, 163000, None, "differs"),
            "143,639 of 163,000 are 88.12%, printed 87.4%, which needs a base from 164,253 to 164,440",
        ),
        (
            *(87.4, 1, 143639, 162000, "about", "differs"),
            "143,639 of about 162,000 are 88.67%, printed 87.4%, which needs a base from 164,253 to 164,440",
        ),
        # 12.5 rounds either way.
        (12, 0, 1, 8, None, "agrees", "1 of 8 are 12.50%, printed 12%"),
        (13, 0, 1, 8, None, "agrees", "1 of 8 are 12.50%, printed 13%"),
        # A printed 0 has no largest base.
        (0, 0, 5, 100, None, "differs", "5 of 100 are 5.00%, printed 0%"),
        (14.5, 1, None, 226578, None, None, None),
        (14.5, 1, 32744, None, None, None, None),
        (14.5, 1, 32744, 0, None, None, None),
        (14.5, None, 32744, 226578, None, None, None),
        (None, 1, 32744, 226578, None, None, None),
    ],
)
def test_a_count_over_its_base_is_the_percentage(methods, value, decimals, count, base, bound, outcome, words):
    arguments = {"value": value, "decimals": decimals, "count": count, "base": base, "base_bound": bound}
    assert methods.value("share_of_count", **arguments) == outcome
    assert methods.value("share_of_count_in_words", **arguments) == words


def test_the_bases_that_are_named_are_those_that_fit(methods):
    fits = {
        base: methods.value("share_of_count", value=17, decimals=0, count=38603, base=base, base_bound=None)
        for base in (220588, 220589, 233957, 233958)
    }
    assert fits == {220588: "differs", 220589: "agrees", 233957: "agrees", 233958: "differs"}


@pytest.mark.parametrize(
    ("total", "whole", "tolerance", "outcome"),
    [
        (60956 + 135215 + 41183, 237354, 0, "agrees"),
        (121276 + 116078, 237354, 0, "agrees"),
        (48205 + 78602 + 56076 + 5610, 237354, 0, "differs"),
        (237353, 237354, 0, "differs"),
        # Printed to 0.1, 1 and 0.1.
        (25.7 + 57 + 17.4, 100, 0.05 + 0.5 + 0.05, "agrees"),
        (25.7 + 57 + 17.4, 100, 0.05, "differs"),
        (100.6, 100, 0.6, "agrees"),
        (100.7, 100, 0.6, "differs"),
        (None, 237354, 0, None),
        (237354, None, 0, None),
    ],
)
def test_parts_add_up_to_their_whole(methods, total, whole, tolerance, outcome):
    assert methods.value("parts_of_whole", total=total, whole=whole, tolerance=tolerance) == outcome


@pytest.mark.parametrize(
    ("value", "bound", "listed", "outcome"),
    [
        # Seats of a board: 3, 1 and 0 in the row of totals. Outside partners: 13 seats. Networks of staff: four names.
        (5, None, 3 + 1 + 0, "differs"),
        (16, None, 3 + 1 + 2 + 1 + 1 + 1 + 2 + 1 + 1, "differs"),
        (4, None, 4, "agrees"),
        (7, None, 8, "differs"),
        (7, "at_least", 8, "agrees"),
        (7, "at_least", 6, "differs"),
        (7, "at_most", 8, "differs"),
        (7, "at_most", 6, "agrees"),
        (18, "about", 4, None),
        (4, None, None, None),
        (None, None, 4, None),
    ],
)
def test_as_many_are_listed_as_stated(methods, value, bound, listed, outcome):
    assert methods.value("number_listed", value=value, value_bound=bound, listed=listed) == outcome


@pytest.mark.parametrize(
    ("value", "unit", "base", "outcome"),
    [
        (100, "%", None, None),
        (100.1, "%", None, "differs"),
        (0, "%", None, None),
        (-0.1, "%", None, "differs"),
        (2, "ratio", None, None),
        (0, "ratio", None, "differs"),
        (1, "rank", 10, None),
        (0, "rank", 10, "differs"),
        (11, "rank", 10, "differs"),
        (-3.3, "percentage points", None, None),
        (-1, "people", None, "differs"),
        (0, "people", None, None),
        (None, "%", None, None),
        (5, None, None, None),
    ],
)
def test_a_value_is_possible_in_its_unit(methods, value, unit, base, outcome):
    assert methods.value("value_out_of_range", value=value, unit=unit, base=base) == outcome


@pytest.mark.parametrize(
    ("value", "decimals", "unit", "count", "base", "base_unit", "people", "disclosive"),
    [
        # The best paid twentieth of 2,469 and of 133.
        (3, 0, "%", None, 123, "people", 4, 1),
        (4, 0, "%", None, 123, "people", 5, 0),
        (20, 0, "%", None, 7, "people", 1, 1),
        (0, 0, "%", None, 7, "people", 0, 1),
        (0.9, 1, "%", None, 133, "people", 1, 1),
        (6.5, 1, "%", None, 133, "people", 9, 0),
        (19.62, 2, "%", None, 133, "people", 26, 0),
        # The least of the counts that fit is what matters: 4 to 6 of 600 are 1 %.
        (1, 0, "%", None, 600, "people", 3, 1),
        (1, 0, "%", 6, 600, "people", 6, 0),
        (1, 0, "%", 4, 600, "people", 4, 1),
        # A percentage above 0 stands for somebody.
        (0.01, 2, "%", None, 133, "people", 1, 1),
        (0, 0, "%", None, 133, "people", 0, 0),
        (20, None, "%", None, 100, "people", 20, 0),
        # A share of fewer than ten speaks of individuals.
        (100, 0, "%", None, 9, "people", 9, 1),
        (100, 0, "%", None, 10, "people", 10, 0),
        (20, 0, "%", None, 7, "libraries", None, 0),
        (4, 0, "people", None, None, None, 4, 1),
        (5, 0, "people", None, None, None, 5, 0),
        (0, 0, "people", None, None, None, 0, 0),
        (4, 0, "number", None, None, None, None, 0),
        (None, None, "%", None, 133, "people", None, 0),
        (96, 0, "%", None, None, None, None, 0),
    ],
)
def test_few_people_are_disclosive(methods, value, decimals, unit, count, base, base_unit, people, disclosive):
    arguments = {"value": value, "decimals": decimals, "unit": unit, "count": count, "base": base}
    assert methods.value("people_meant", **arguments, base_unit=base_unit) == people
    found = methods.value("is_disclosive", people=people, unit=unit, base=base, base_unit=base_unit)
    assert found == disclosive


@pytest.mark.parametrize(
    ("value", "any_differs", "disclosive", "has_finding", "any_agrees", "verdict"),
    [
        (1, True, True, True, True, "inconsistent"),
        (1, False, True, True, True, "disclosive"),
        (1, False, False, True, True, "disputed"),
        (None, False, False, True, False, "disputed"),
        (1, False, False, False, True, "consistent"),
        (None, False, False, False, False, "no_value"),
        (1, False, False, False, False, "not_checkable"),
    ],
)
def test_the_most_severe_outcome_is_the_verdict(
    methods, value, any_differs, disclosive, has_finding, any_agrees, verdict
):
    found = methods.value(
        "figure_verdict",
        value=value,
        any_differs=any_differs,
        disclosive=disclosive,
        has_finding=has_finding,
        any_agrees=any_agrees,
    )
    assert found == verdict


# --- the register


def column_types():
    text = (SEEDS / "_reported_figures.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["seeds"][0]["config"]["column_types"]


def register():
    with (SEEDS / "reported_figures.csv").open(encoding="utf-8", newline="") as file:
        return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def judge(methods):
    """Return id to judged figure for the rows of a register, by the model as it stands."""

    def run(rows):
        with (SEEDS / "frameworks.csv").open(encoding="utf-8", newline="") as file:
            frameworks = list(csv.DictReader(file))
        methods.table("reported_figures", column_types(), rows)
        methods.table("frameworks", {"framework_id": "varchar", "document_file": "varchar"}, frameworks)
        found = methods.rows(methods.model(MODEL))
        assert len(found) == len(rows)
        return {row["figure_id"]: row for row in found}

    return run


@pytest.fixture(scope="module")
def judged(judge):
    return judge(register())


EQUALITY = "traf-ces-stat-"
MINUTES = "traf-hwbmin-"
# Number of the error in the list of known errors of the documents, figure, verdict, arithmetic.
KNOWN = [
    (
        1,
        EQUALITY + "pop-west",
        "inconsistent",
        "188,493 of 237,354, 48,861 missing, and this one alone has fewer",
    ),
    (2, EQUALITY + "pop-north", "inconsistent", "4 localities add up to 188,493 of 237,354, 48,861 missing"),
    (2, EQUALITY + "pop-south", "inconsistent", "4 localities add up to 188,493 of 237,354, 48,861 missing"),
    (2, EQUALITY + "pop-central", "inconsistent", "4 localities add up to 188,493 of 237,354, 48,861 missing"),
    (3, MINUTES + "smi-employment-71-2015-16", "disputed", ""),
    (3, MINUTES + "smi-employment-67-7-2017-18", "disputed", ""),
    (4, EQUALITY + "ccg-bame", "inconsistent", "19.62% of 133: 26 are 19.55%, 27 are 20.30%"),
    (
        4,
        EQUALITY + "ccg-ethnicity-unknown",
        "inconsistent",
        "Withheld: fewer than 5 people; the arithmetic does not fit",
    ),
    (4, EQUALITY + "ccg-disabled", "inconsistent", "6.5% of 133: 8 are 6.02%, 9 are 6.77%"),
    (4, EQUALITY + "ccg-disability-unknown", "inconsistent", "10.2% of 133: 13 are 9.77%, 14 are 10.53%"),
    (5, EQUALITY + "council-disabled", "inconsistent", "61 are 3.92%, 62 are 3.98%; 97 are 3.93% of 2,469 (all staff"),
    # The figure is right for all staff; the share of those whose group is known stands beside it.
    (6, EQUALITY + "council-bame", "consistent", "9.44% of 2,469: 233 are 9.44%; 233 are 12.96% of 1,798"),
    (8, EQUALITY + "ccg-bame-top5", "disclosive", "Withheld: a share of fewer than 10 people"),
    (8, EQUALITY + "ccg-disabled-top5", "disclosive", "Withheld: a share of fewer than 10 people"),
    (8, EQUALITY + "council-bame-top5", "disclosive", "Withheld: fewer than 5 people"),
    # Right on the Census that its line names; the population of its section would not give it.
    (9, EQUALITY + "bame", "consistent", "32,744 of 226,578 are 14.45%, printed 14.5%; 32,744 are 13.80% of 237,354"),
    (10, EQUALITY + "disabled", "inconsistent", "38,603 of 237,354 are 16.26%, printed 17%"),
    (11, EQUALITY + "disabled-core-or-wl", "disputed", ""),
    (11, EQUALITY + "disabled-core", "disputed", ""),
    (11, EQUALITY + "disabled-wl", "disputed", ""),
    (12, EQUALITY + "christian", "inconsistent", "needs a base from 164,253 to 164,440; 143,639 are 63.39% of 226,578"),
    (12, EQUALITY + "muslim", "inconsistent", "needs a base from 163,447 to 165,528; 12,994 are 5.73% of 226,578"),
    (13, EQUALITY + "child-deprivation-bucklow", "disputed", ""),
    (13, EQUALITY + "child-deprivation-timperley", "not_checkable", ""),
    (14, "traf-hwbs-stat-gap-16-years", "disputed", ""),
    (14, EQUALITY + "hle-16-years-deciles", "disputed", ""),
    (15, MINUTES + "alcohol-admissions-worse", "disputed", "no number"),
    (16, MINUTES + "smi-premature-death-reduced", "disputed", "no number"),
    (17, MINUTES + "year6-obesity-quintile-ratio", "disputed", ""),
    (18, MINUTES + "smoking-routine-manual-reduction", "disputed", "no number"),
    (19, MINUTES + "covid-second-45-64", "disputed", "no number"),
    (20, MINUTES + "covid-above-england", "disputed", "no number"),
    (21, EQUALITY + "contact-centre-calls", "disputed", ""),
    (22, "traf-hwb-stat-board-members", "inconsistent", "5 stated, 4 listed"),
    (23, "traf-hwb-stat-external-partners", "inconsistent", "16 stated, 13 listed"),
    (24, "traf-hwbs-seven-priorities", "inconsistent", "7 stated, 8 listed"),
    (32, "stw-stat-ten-pledges", "disputed", "10 stated, 10 listed"),
    (39, EQUALITY + "lgbt-gm", "disputed", ""),
    (39, EQUALITY + "lgbt-uk", "disputed", ""),
    (40, EQUALITY + "speak-english", "disputed", ""),
]


@pytest.mark.parametrize(("number", "figure", "verdict", "words"), KNOWN, ids=[f"{n}-{f}" for n, f, _, _ in KNOWN])
def test_known_errors_are_found(judged, number, figure, verdict, words):
    assert judged[figure]["verdict"] == verdict
    assert words in judged[figure]["verdict_detail"]


def test_what_is_right_passes(judged):
    """Ages, sexes and carers add up or divide, and shares of the council's staff can be made from its headcount."""
    passed = {name.removeprefix(EQUALITY) for name, row in judged.items() if row["verdict"] == "consistent"}
    assert passed == {
        *("pop-2019", "age-0-19", "age-20-64", "age-65", "females", "males", "bame", "carers"),
        *("council-bame", "council-ethnicity-unknown", "council-disability-unknown"),
        *("neighbourhoods", "staff-networks", "strategic-boards"),
    }


def test_every_inconsistency_of_the_register_is_a_known_error(judged):
    failed = {name for name, row in judged.items() if row["verdict"] == "inconsistent"}
    assert failed == {figure for _, figure, verdict, _ in KNOWN if verdict == "inconsistent"}


def test_nothing_of_a_withheld_figure_can_be_read_in_its_detail(judged):
    withheld = [row for row in judged.values() if row["is_disclosive"] == 1]
    assert {row["figure_id"].removeprefix(EQUALITY) for row in withheld} == {
        *("council-bame-top5", "ccg-bame-top5", "ccg-disabled-top5", "ccg-ethnicity-unknown"),
    }
    allowed = {
        "Withheld: fewer than 5 people",
        "Withheld: fewer than 5 people; the arithmetic does not fit either",
        "Withheld: a share of fewer than 10 people",
    }
    assert {row["verdict_detail"] for row in withheld} == allowed


def test_a_figure_without_a_number_has_no_verdict_but_that(judged):
    found = {row["verdict"] for row in judged.values() if row["value"] is None}
    assert found == {"no_value", "disputed"}
    assert {row["verdict_detail"] for row in judged.values() if row["verdict"] == "no_value"} == {
        "the document gives no number"
    }


def changed(**cells):
    """Return the register with cells of single figures overwritten: figure to column to cell."""
    rows = register()
    for row in rows:
        row.update(cells.get(str(row["figure_id"]).removeprefix(EQUALITY).replace("-", "_"), {}))
    return rows


def test_the_lost_digit_put_back_leaves_the_year(judge):
    """With 52,610 the localities add up to 235,493, the total of another year; with 54,471 they would fit."""
    mended = judge(changed(pop_west={"value": "52610"}))
    assert mended[EQUALITY + "pop-west"]["verdict"] == "inconsistent"
    assert mended[EQUALITY + "pop-west"]["verdict_detail"] == "4 localities add up to 235,493 of 237,354, 1,861 missing"
    fitting = judge(changed(pop_west={"value": "54471"}))
    assert fitting[EQUALITY + "pop-west"]["verdict"] == "consistent"
    assert fitting[EQUALITY + "pop-west"]["verdict_detail"] == "4 localities add up to 237,354"


def test_a_whole_falls_only_with_all_its_sets(judge):
    one_wrong = judge(changed(males={"value": "116079"}))
    assert one_wrong[EQUALITY + "females"]["verdict_detail"] == "2 sexes add up to 237,355 of 237,354, 1 too many"
    assert one_wrong[EQUALITY + "pop-2019"]["verdict"] == "consistent"
    all_wrong = judge(changed(males={"value": "116079"}, age_65={"count": "41184"}))
    assert all_wrong[EQUALITY + "pop-2019"]["verdict"] == "inconsistent"


def test_percentages_of_the_parts_add_up_too(judge):
    # 58 in the place of 57: the counts still add up, the percentages no longer do.
    found = judge(changed(age_20_64={"value": "58"}))[EQUALITY + "age-0-19"]
    assert (found["count_check"], found["parts_check"]) == ("agrees", "differs")
    assert found["verdict_detail"].endswith("3 ages add up to 237,354, the percentages to 101.1%, beyond rounding")


def test_a_part_without_a_number_leaves_its_set_open(judge):
    found = judge(changed(pop_west={"value": None}))
    assert found[EQUALITY + "pop-north"]["parts_check"] is None
    assert found[EQUALITY + "pop-north"]["verdict"] == "not_checkable"


def test_a_bound_is_not_tested_for_whole_counts(judge):
    found = judge(changed(ccg_bame={"value_bound": "about"}, ccg_disabled={"base_bound": "about"}))
    for name in ("ccg-bame", "ccg-disabled"):
        assert found[EQUALITY + name]["attainable_check"] is None
        assert found[EQUALITY + name]["verdict"] == "not_checkable"


def test_an_impossible_value_is_inconsistent(judge):
    found = judge(changed(schools_good={"value": "104"}))[EQUALITY + "schools-good"]
    assert (found["verdict"], found["verdict_detail"]) == ("inconsistent", "not a possible value of its unit")
