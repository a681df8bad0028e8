"""Goals of Fingertips: the engine's own tests, and the edges of each kind of goal."""

from __future__ import annotations

import math
import re

import pytest

POLARITY = {"-1": "not_applicable", "0": "low_is_good", "1": "high_is_good"}
WORDS = {"Better": "better", "Same": "similar", "Worse": "worse", "None": None}
LIMIT = 10


def number(text):
    # The engine writes an absent number as -1.
    return None if text in (None, "-1") else float(text)


def goal(methods, row):
    """Return the outcome of a row of the vectors by the macro of its type of goal."""
    kind = row["target_type"]
    polarity = POLARITY.get(row["polarity_id"] or "")
    value, limit, upper_limit = number(row["value"]), number(row["lower_limit"]), number(row["upper_limit"])
    if kind == "range":
        return methods.value(
            "goal_outcome_range", value=value, lower_limit=limit, upper_limit=upper_limit, polarity=polarity
        )
    if kind == "single value" and row["use_cis"] == "yes":
        lower, upper = number(row["lower95"]), number(row["upper95"])
        return methods.value(
            "goal_outcome_single_with_limits", lower=lower, upper=upper, limit=limit, polarity=polarity
        )
    if kind == "single value":
        return methods.value("goal_outcome_single", value=value, limit=limit, polarity=polarity)
    if kind == "bespoke last-year-england":
        previous = number(row["benchmark_value"])
        return methods.value("goal_outcome_previous_england", value=value, previous_england=previous)
    assert kind.startswith("bespoke nth-percentile-range")
    # The values at the two percentiles stand in the name of the type; one row has none.
    bounds = [float(found) for found in re.findall(r"th value ([\d.]+)", kind)] or [None, None]
    return methods.value(
        "goal_outcome_percentile_range",
        value=value,
        lower_bound=bounds[0],
        upper_bound=bounds[1],
        count_of_values=150,
        polarity=polarity,
    )


def test_goals_of_the_legacy_engine(methods, target_unit_file, read_vectors):
    rows = read_vectors(target_unit_file)
    compared = [row for row in rows if not row["expected"].startswith("ERROR")]
    refused = [row for row in rows if row["expected"].startswith("ERROR")]

    assert [goal(methods, row) for row in compared] == [WORDS[row["expected"]] for row in compared]
    assert len(compared) == 35

    assert [(number(row["lower_limit"]), number(row["upper_limit"])) for row in refused] == [(2, 1)]
    for row in rows:
        lower, upper = number(row["lower_limit"]), number(row["upper_limit"])
        in_order = methods.value("goal_limits_are_in_order", lower_limit=lower, upper_limit=upper)
        assert in_order is (row in compared)


@pytest.mark.parametrize(
    ("lower", "upper", "in_order"),
    [(2, 1, False), (1.0000001, 1, False), (1, 1, True), (1, 2, True), (1, None, True), (None, None, True)],
)
def test_limits_of_a_goal_in_order(methods, lower, upper, in_order):
    assert methods.value("goal_limits_are_in_order", lower_limit=lower, upper_limit=upper) is in_order


BELOW, ABOVE = math.nextafter(LIMIT, -math.inf), math.nextafter(LIMIT, math.inf)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (BELOW, "better", "worse"),
        (LIMIT, "better", "better"),
        (ABOVE, "worse", "better"),
        (None, None, None),
    ],
)
def test_a_single_value_on_the_goal_meets_it(methods, value, low, high):
    for polarity, outcome in (("low_is_good", low), ("high_is_good", high), ("no_judgement", None), (None, None)):
        assert methods.value("goal_outcome_single", value=value, limit=LIMIT, polarity=polarity) == outcome
        assert methods.value("goal_outcome_single", value=value, limit=None, polarity=polarity) is None


@pytest.mark.parametrize(
    ("lower", "upper", "low", "high"),
    [
        (8, BELOW, "better", "worse"),
        (8, LIMIT, "similar", "similar"),
        (BELOW, 12, "similar", "similar"),
        (LIMIT, 12, "worse", "better"),
        (LIMIT, LIMIT, "worse", "better"),
        (None, 9, None, None),
        (11, None, None, None),
    ],
)
def test_an_interval_has_to_lie_on_one_side_of_the_goal(methods, lower, upper, low, high):
    macro, limits = "goal_outcome_single_with_limits", {"lower": lower, "upper": upper}
    for polarity, outcome in (("low_is_good", low), ("high_is_good", high), ("no_judgement", None), (None, None)):
        assert methods.value(macro, **limits, limit=LIMIT, polarity=polarity) == outcome
        assert methods.value(macro, **limits, limit=None, polarity=polarity) is None


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (BELOW, "better", "worse"),
        (LIMIT, "similar", "similar"),
        (math.nextafter(20, 0), "similar", "similar"),
        (20, "worse", "better"),
        (None, None, None),
    ],
)
def test_a_range_contains_its_lower_limit_only(methods, value, low, high):
    for polarity, outcome in (("low_is_good", low), ("high_is_good", high), ("no_judgement", None), (None, None)):
        arguments = {"value": value, "polarity": polarity}
        assert methods.value("goal_outcome_range", **arguments, lower_limit=LIMIT, upper_limit=20) == outcome
        assert methods.value("goal_outcome_range", **arguments, lower_limit=None, upper_limit=20) is None
        assert methods.value("goal_outcome_range", **arguments, lower_limit=LIMIT, upper_limit=None) is None
        bounds = {"lower_bound": LIMIT, "upper_bound": 20}
        for count, expected in ((4, outcome), (3, None), (None, None)):
            found = methods.value("goal_outcome_percentile_range", **arguments, **bounds, count_of_values=count)
            assert found == expected


@pytest.mark.parametrize(
    ("value", "previous", "outcome"),
    [
        (BELOW, LIMIT, "worse"),
        (LIMIT, LIMIT, "better"),
        (ABOVE, LIMIT, "better"),
        (None, LIMIT, None),
        (LIMIT, None, None),
    ],
)
def test_the_value_of_england_a_year_before(methods, value, previous, outcome):
    assert methods.value("goal_outcome_previous_england", value=value, previous_england=previous) == outcome


def test_colours_of_the_printed_column(methods):
    outcomes = ("better", "similar", "worse", None)
    labels = [methods.value("goal_label", outcome=outcome) for outcome in outcomes]
    assert labels == ["Green", "Amber", "Red", "Not compared"]


@pytest.mark.parametrize(
    ("goal_type", "polarity", "outcomes"),
    [
        ("single_value", "high_is_good", ["worse", "better", "better"]),
        ("single_value_with_limits", "high_is_good", ["similar", "similar", "similar"]),
        ("range", "high_is_good", ["worse", "similar", "better"]),
        ("previous_year_england", "low_is_good", ["worse", "better", "better"]),
        ("percentile_range", "low_is_good", ["better", "similar", "worse"]),
        ("unheard_of", "low_is_good", [None, None, None]),
    ],
)
def test_a_goal_is_judged_by_the_rule_of_its_type(methods, goal_type, polarity, outcomes):
    found = [
        methods.value(
            "goal_outcome",
            goal_type=goal_type,
            value=value,
            lower=5,
            upper=25,
            lower_bound=10,
            upper_bound=20,
            count_of_values=4,
            polarity=polarity,
        )
        for value in (9, 10, 20)
    ]
    assert found == outcomes


@pytest.mark.parametrize("values", [[7.0], [3.0, 4.5], [0.5, 1.25, 1.25, 8.0, 9.5], [float(i * i) for i in range(40)]])
def test_percentiles_of_a_list_are_those_of_the_aggregate(methods, values):
    for share in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0):
        found = methods.over(
            f"(select 0 as i, {values}::double[] as xs)",
            "i",
            "inclusive_percentile",
            sorted_values="xs",
            share=str(share),
        )
        query = f"select quantile_cont(x, {share}) as q from (select unnest({values}::double[])) as t(x)"
        assert found == [pytest.approx(methods.rows(query)[0]["q"])]


def test_an_empty_list_has_no_percentile(methods):
    found = methods.over(
        "(select 0 as i, []::double[] as xs)", "i", "inclusive_percentile", sorted_values="xs", share="0.5"
    )
    assert found == [None]
