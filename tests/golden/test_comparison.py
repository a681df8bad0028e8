"""Comparison with another area: as Fingertips prints it, and as a commitment sees it. Targets are in ``test_level``."""

from __future__ import annotations

import math
import re

import pytest

POLARITY = {"0": "low_is_good", "1": "high_is_good", "99": "no_judgement"}


def compare(methods, value, lower, upper, england, polarity):
    found = methods.value("single_overlapping_outcome", value=value, lower=lower, upper=upper, comparator=england)
    return methods.value("comparison_label", outcome=found, polarity=polarity)


@pytest.mark.parametrize(
    ("value", "lower", "upper", "high", "low", "neither"),
    [
        (11, 10, 12, "Similar", "Similar", "Similar"),
        (12, 11, 13, "Similar", "Similar", "Similar"),  # England on the lower limit
        (10, 9, 11, "Similar", "Similar", "Similar"),  # England on the upper limit
        (12, 11.0000001, 13, "Better", "Worse", "Higher"),
        (10, 9, 10.9999999, "Worse", "Better", "Lower"),
        (11, 11, 11, "Similar", "Similar", "Similar"),
        (None, 10, 12, *["Not compared"] * 3),
        (11, None, 12, *["Not compared"] * 3),
        (11, 10, None, *["Not compared"] * 3),
    ],
)
def test_comparison_with_an_england_value_of_eleven(methods, value, lower, upper, high, low, neither):
    assert compare(methods, value, lower, upper, 11, "high_is_good") == high
    assert compare(methods, value, lower, upper, 11, "low_is_good") == low
    assert compare(methods, value, lower, upper, 11, "no_judgement") == neither


def test_an_absent_england_is_not_compared(methods):
    assert compare(methods, 15, 14, 16, None, "high_is_good") == "Not compared"


@pytest.fixture
def published(methods, compare_published_file, read_vectors):
    """Rows as Fingertips printed them, in a table ``published``."""
    rows = [
        {
            "i": i,
            **{
                name: None if row[name] is None else float(row[name])
                for name in ("value", "lower95", "upper95", "comparator_value")
            },
            "polarity": POLARITY[row["polarity_id_inferred"]],
            # England repeated as a child of itself is printed as Similar; the warehouse drops that copy by name.
            "is_england": row["area_code"] == "E92000001" and not row["parent_code"] and not row["category"],
            "expected": row["expected"],
        }
        for i, row in enumerate(read_vectors(compare_published_file))
        if row["method_inferred"].startswith("1 ")
    ]
    columns = {
        "i": "integer",
        **dict.fromkeys(("value", "lower95", "upper95", "comparator_value"), "double"),
        "polarity": "varchar",
        "is_england": "boolean",
        "expected": "varchar",
    }
    methods.table("published", columns, rows)
    return rows


@pytest.mark.parametrize("sign", [1, -1])
def test_side_by_our_limits_is_the_side_by_the_printed_verdict(methods, published, sign):
    methods.connection.execute("delete from published where expected = 'Not compared'")
    sides = {
        verdict: methods.over(
            "published",
            "i",
            "side_of_comparator",
            value="value",
            lower=lower,
            upper=upper,
            comparator="comparator_value",
            sign=str(sign),
            published=verdict,
            polarity="polarity",
        )
        for lower, upper, verdict in (("lower95", "upper95", "null"), ("null", "null", "expected"))
    }
    assert sides["null"] == sides["expected"]
    assert set(sides["null"]) == {"better", "similar", "worse"}


# value, limits, comparator, sign, side
@pytest.mark.parametrize(
    ("value", "lower", "upper", "comparator", "sign", "side"),
    [
        (65, 63, 67, 61, 1, "better"),
        (65, 63, 67, 61, -1, "worse"),
        (59, 57, 60, 61, 1, "worse"),
        (59, 57, 60, 61, -1, "better"),
        (62, 60, 64, 61, 1, "similar"),
        (62, 61, 64, 61, 1, "similar"),
        (60, 58, 61, 61, -1, "similar"),
        (-5, -6, -4, 0, -1, "better"),
    ],
)
def test_side_by_our_own_limits_wins_over_the_printed_verdict(methods, value, lower, upper, comparator, sign, side):
    for published in (None, "Better", "Worse", "Similar"):
        found = methods.value(
            "side_of_comparator",
            value=value,
            lower=lower,
            upper=upper,
            comparator=comparator,
            sign=sign,
            published=published,
            polarity="high_is_good",
        )
        assert found == side


# printed verdict, polarity of the indicator, side when more is wanted, side when less is wanted
@pytest.mark.parametrize(
    ("published", "polarity", "more", "less"),
    [
        ("Better", "high_is_good", "better", "worse"),
        ("Better", "low_is_good", "worse", "better"),
        ("Worse", "high_is_good", "worse", "better"),
        ("Worse", "low_is_good", "better", "worse"),
        ("Better 95%", "high_is_good", "better", "worse"),
        ("Worse 99.8%", "low_is_good", "better", "worse"),
        ("Higher", "no_judgement", "better", "worse"),
        ("Lower", "no_judgement", "worse", "better"),
        ("Similar", "low_is_good", "similar", "similar"),
        ("Not compared", "high_is_good", None, None),
        (None, "high_is_good", None, None),
    ],
)
def test_side_by_the_printed_verdict_when_limits_are_missing(methods, published, polarity, more, less):
    for sign, side in ((1, more), (-1, less)):
        found = methods.value(
            "side_of_comparator",
            value=62,
            lower=None,
            upper=None,
            comparator=None,
            sign=sign,
            published=published,
            polarity=polarity,
        )
        assert found == side


NUMBERS = (
    "value",
    "lower95",
    "upper95",
    "lower99_8",
    "upper99_8",
    "denominator",
    "unit",
    "comparator_value",
    "comparator_lower95",
    "comparator_upper95",
)
METHODS = {
    "1": (
        "single_overlapping_outcome",
        {"value": "value", "lower": "lower95", "upper": "upper95", "comparator": "comparator_value"},
    ),
    "5": (
        "spc_proportion_outcome",
        {"value": "value", "denominator": "denominator", "comparator": "comparator_value", "multiplier": "unit"},
    ),
    "12": (
        "double_overlapping_outcome",
        {
            "value": "value",
            "lower": "lower95",
            "upper": "upper95",
            "comparator": "comparator_value",
            "comparator_lower": "comparator_lower95",
            "comparator_upper": "comparator_upper95",
        },
    ),
    "17": (
        "single_overlapping_two_level_outcome",
        {
            "value": "value",
            "lower_95": "lower95",
            "upper_95": "upper95",
            "lower_99_8": "lower99_8",
            "upper_99_8": "upper99_8",
            "comparator": "comparator_value",
        },
    ),
}


@pytest.mark.parametrize(
    ("method", "confidence", "count"),
    [("1", "95", 13), ("17", "95+99.8", 10), ("12", "95", 8), ("5", "95", 7), ("5", "99.8", 5)],
)
def test_outcomes_of_the_legacy_engine(methods, compare_unit_file, read_vectors, method, confidence, count):
    rows = [
        {
            # The engine writes an absent number as -1.
            **{name: None if row[name] in (None, "-1") else float(row[name]) for name in NUMBERS},
            "i": i,
            "polarity": POLARITY[row["polarity_id"]],
            "expected": row["expected"],
        }
        for i, row in enumerate(read_vectors(compare_unit_file))
        if row["comparator_method_id"] == method and row["confidence"].split(" ")[0] == confidence
    ]
    types = {"i": "integer", **dict.fromkeys(NUMBERS, "double"), "polarity": "varchar"}
    methods.table("compared", types, rows)
    macro, columns = METHODS[method]
    z = {"z": methods.sql("spc_z", confidence=confidence)} if method == "5" else {}

    labels = methods.over(
        "compared",
        "i",
        "comparison_label",
        outcome=f"({methods.sql(macro, **columns, **z)})",
        polarity="polarity",
        two_level=method == "17",
    )

    words = {
        "Similar": "Same",
        "Not compared": "None",
        "Better 99.8%": "Best",
        "Better 95%": "Better",
        "Worse 95%": "Worse",
        "Worse 99.8%": "Worst",
    }
    assert [words.get(label, label) for label in labels] == [row["expected"] for row in rows]
    assert len(rows) == count


def test_published_comparisons_are_reproduced(methods, published):
    outcome = methods.sql(
        "single_overlapping_outcome",
        value="value",
        lower="lower95",
        upper="upper95",
        comparator="case when not is_england then comparator_value end",
    )
    found = methods.over("published", "i", "comparison_label", outcome=f"({outcome})", polarity="polarity")
    assert found == [row["expected"] for row in published]
    assert len(published) >= 100


@pytest.mark.parametrize(
    ("value", "lower", "upper", "comparator", "outcome"),
    [
        (12, 11, 13, 11, "similar"),
        (12, 11, 13, 13, "similar"),
        (12, 11, 13, 12, "similar"),
        (12, 11, 13, 10.9999999, "higher"),
        (12, 11, 13, 13.0000001, "lower"),
        (11, 11, 11, 11, "similar"),
        (0, 0, 0, 0.1, "lower"),
        # An interval that leaves out its own value: Fingertips calls equal values higher.
        (12, 13, 14, 12, "higher"),
        (None, 11, 13, 10, None),
        (12, None, 13, 10, None),
        (12, 11, None, 10, None),
        (12, 11, 13, None, None),
    ],
)
def test_single_overlapping_interval(methods, value, lower, upper, comparator, outcome):
    found = methods.value("single_overlapping_outcome", value=value, lower=lower, upper=upper, comparator=comparator)
    assert found == outcome


TWO_LEVELS = {"value": 26, "lower_95": 25, "upper_95": 27, "lower_99_8": 23, "upper_99_8": 29}


@pytest.mark.parametrize(
    ("comparator", "outcome"),
    [
        (22.9999999, "highest"),
        (23, "higher"),
        (24.9999999, "higher"),
        (25, "similar"),
        (27, "similar"),
        (27.0000001, "lower"),
        (29, "lower"),
        (29.0000001, "lowest"),
        (None, None),
    ],
)
def test_two_levels_and_their_limits(methods, comparator, outcome):
    found = methods.value("single_overlapping_two_level_outcome", **TWO_LEVELS, comparator=comparator)
    assert found == outcome


def test_two_levels_of_an_interval_that_leaves_out_its_own_value(methods):
    arguments = TWO_LEVELS | {"value": 20}
    assert methods.value("single_overlapping_two_level_outcome", **arguments, comparator=20) == "highest"


@pytest.mark.parametrize("absent", list(TWO_LEVELS))
def test_two_levels_need_the_value_and_all_four_limits(methods, absent):
    arguments = TWO_LEVELS | {absent: None}
    assert methods.value("single_overlapping_two_level_outcome", **arguments, comparator=20) is None


DOUBLE = {
    "value": 4,
    "lower": 3.5,
    "upper": 4.5,
    "comparator": 3,
    "comparator_lower": 2.5,
    "comparator_upper": 3.25,
}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "higher"),
        ({"comparator_upper": 3.5}, "similar"),
        ({"comparator_upper": 3.4999999}, "higher"),
        ({"comparator": 5, "comparator_lower": 4.5, "comparator_upper": 5.5}, "similar"),
        ({"comparator": 5, "comparator_lower": 4.5000001, "comparator_upper": 5.5}, "lower"),
        # The intervals decide, not whether one value lies in the other's interval.
        ({"comparator": 3, "comparator_upper": 3.6}, "similar"),
        ({"comparator": 4, "comparator_lower": 3.9, "comparator_upper": 4.1}, "similar"),
        # Equal values, one of them outside its own interval: one direction is looked at, as Fingertips does.
        ({"comparator": 4, "lower": 4.2, "comparator_lower": 3.5, "comparator_upper": 4.1}, "similar"),
    ],
)
def test_two_intervals_that_touch_overlap(methods, changes, outcome):
    assert methods.value("double_overlapping_outcome", **(DOUBLE | changes)) == outcome


@pytest.mark.parametrize("absent", list(DOUBLE))
def test_two_intervals_need_every_number(methods, absent):
    assert methods.value("double_overlapping_outcome", **(DOUBLE | {absent: None})) is None


@pytest.fixture
def control_limits(methods):
    """Return both control limits for a proportion, z as a fixed number."""

    def limits(comparator, denominator, multiplier, z="1.96"):
        names = ("comparator", "denominator", "multiplier")
        methods.table(
            "area",
            {"i": "integer", **dict.fromkeys(names, "double")},
            [{"i": 0, "comparator": comparator, "denominator": denominator, "multiplier": multiplier}],
        )
        columns = {name: name for name in names}
        return tuple(
            methods.over("area", "i", "spc_proportion_limit", **columns, z=z, side=side)[0]
            for side in ("lower", "upper")
        )

    return limits


def test_control_limits_are_the_interval_of_the_expected_count(control_limits):
    # The interval of Wilson for 10 of 100 and for 0 of 10.
    assert control_limits(10, 100, 100) == pytest.approx((5.52, 17.44), abs=0.005)
    assert control_limits(0, 10, 100) == pytest.approx((0, 27.75), abs=0.005)
    assert control_limits(0.1, 100, 1) == pytest.approx((0.0552, 0.1744), abs=0.00005)
    wide, narrow = control_limits(10, 100, 100, z="3.0902"), control_limits(10, 100, 100)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("comparator", "denominator"), [(10, 0), (10, -1), (10, None), (None, 100), (100.1, 100), (-0.1, 100)]
)
def test_control_limits_need_people_and_a_proportion(methods, control_limits, comparator, denominator):
    assert control_limits(comparator, denominator, 100) == (None, None)
    columns = {"denominator": "denominator", "comparator": "comparator", "multiplier": "multiplier"}
    assert methods.over("area", "i", "spc_proportion_outcome", value="10", **columns, z="1.96") == [None]


def test_whole_and_nought_are_proportions(control_limits):
    assert None not in control_limits(100, 100, 100)
    assert None not in control_limits(0, 1, 100)


def test_only_values_strictly_outside_the_control_limits_differ(methods, control_limits):
    lower, upper = control_limits(10, 100, 100)
    values = [
        (math.nextafter(lower, -math.inf), "lower"),
        (lower, "similar"),
        (10.0, "similar"),
        (upper, "similar"),
        (math.nextafter(upper, math.inf), "higher"),
        (None, None),
    ]
    methods.table(
        "area",
        {"i": "integer", "value": "double", "denominator": "double", "comparator": "double", "unit": "double"},
        [
            {"i": i, "value": value, "denominator": 100, "comparator": 10, "unit": 100}
            for i, (value, _) in enumerate(values)
        ],
    )
    columns = {"value": "value", "denominator": "denominator", "comparator": "comparator", "multiplier": "unit"}
    found = methods.over("area", "i", "spc_proportion_outcome", **columns, z=methods.sql("spc_z", confidence="95"))
    assert found == [outcome for _, outcome in values]


def test_points_of_the_normal_distribution_are_those_of_fingertips(methods):
    points = [float(methods.sql("spc_z", confidence=confidence)) for confidence in ("95", "99.8")]
    assert points == [1.96, 3.0902]


QUANTILES = {"quintile": 5, "quartile": 4}


@pytest.fixture
def categorise(methods):
    """Return the outcome of each value among all values, by the bounds that the values make."""

    def run(values, quantiles):
        methods.table(
            "areas", {"i": "integer", "value": "double"}, [{"i": i, "value": value} for i, value in enumerate(values)]
        )
        bounds = methods.sql("quantile_bounds", value="value", quantiles=quantiles)
        methods.connection.execute(f"""
            create or replace table bounded as
            select *, {bounds} over () as bounds, count(value) over () as count_of_values from areas
        """)
        columns = {"value": "value", "bounds": "bounds", "count_of_values": "count_of_values"}
        return methods.over("bounded", "i", "quantile_outcome", **columns, quantiles=quantiles)

    return run


def test_quantiles_of_the_legacy_engine(methods, categorise, quantile_unit_file, read_vectors):
    rows = read_vectors(quantile_unit_file)
    found = []
    for row in rows:
        kind, *rest = row["test"].split(" ")
        # `integers 1..50` and `4 values only` both say how far the numbers go.
        last = int(re.findall(r"(?:1\.\.)?(\d+)", row["input"])[0])
        numbers = range(1, last + 1)
        outcomes = categorise(numbers, QUANTILES[kind])
        if rest:
            value = re.search(r"value (\d+)", row["input"])
            outcome = outcomes[int(value.group(1)) - 1 if value else 0]
            # The engine numbers what it cannot place 0.
            polarity = POLARITY.get(row["polarity_id"] or "")
            found.append(methods.value("quantile_category", outcome=outcome, polarity=polarity) or 0)
        else:
            bounds = methods.rows("select bounds from bounded limit 1")[0]["bounds"]
            found.append(round(bounds[int(row["bound_index"])], 10))
    assert found == [float(row["expected"]) for row in rows]
    assert len(rows) == 27


def test_a_value_on_a_bound_is_in_the_quantile_below_it(categorise):
    # Bounds of these six values are 0, 1, 2, 3, 4, 5 and, for quartiles, 0, 1.25, 2.5, 3.75, 5.
    assert categorise([5, 3, 0, 1, 2, 4], 5) == [f"quintile_{i}" for i in (5, 3, 1, 1, 2, 4)]
    assert categorise([5, 3, 0, 1, 2, 4], 4) == [f"quartile_{i}" for i in (4, 3, 1, 1, 2, 4)]


def test_bounds_are_rounded_to_ten_decimals(categorise):
    # The second bound is the second value: with eleven decimals it is rounded down, and the value falls above it.
    assert categorise([0.0, 0.33333333333, 1.0, 2.0, 3.0, 4.0], 5)[1] == "quintile_2"
    assert categorise([0.0, 0.3333333333, 1.0, 2.0, 3.0, 4.0], 5)[1] == "quintile_1"


@pytest.mark.parametrize(("quantiles", "kind"), [(5, "quintile"), (4, "quartile")])
def test_quantiles_need_as_many_values_as_there_are_quantiles(categorise, quantiles, kind):
    few = [float(i) for i in range(quantiles - 1)]
    assert categorise([*few, None], quantiles) == [None] * quantiles
    assert categorise([*few, 9.0, None], quantiles) == [*(f"{kind}_{i + 1}" for i in range(quantiles)), None]
    assert categorise([7.0] * quantiles, quantiles) == [f"{kind}_1"] * quantiles


def test_only_quintiles_are_counted_from_the_good_end(methods):
    def categories(kind, polarity):
        return [
            methods.value("quantile_category", outcome=f"{kind}_{i + 1}", polarity=polarity)
            for i in range(QUANTILES[kind])
        ]

    assert categories("quintile", "high_is_good") == [5, 4, 3, 2, 1]
    for polarity in ("low_is_good", "no_judgement", None):
        assert categories("quintile", polarity) == [1, 2, 3, 4, 5]
    for polarity in ("high_is_good", "low_is_good", "no_judgement", None):
        assert categories("quartile", polarity) == [1, 2, 3, 4]
        assert methods.value("quantile_category", outcome=None, polarity=polarity) is None


OUTCOMES = ("lowest", "lower", "similar", "higher", "highest")


@pytest.mark.parametrize(
    ("polarity", "two_level", "labels"),
    [
        ("high_is_good", True, ["Worse 99.8%", "Worse 95%", "Similar", "Better 95%", "Better 99.8%"]),
        ("low_is_good", True, ["Better 99.8%", "Better 95%", "Similar", "Worse 95%", "Worse 99.8%"]),
        ("no_judgement", True, ["Lowest", "Lower", "Similar", "Higher", "Highest"]),
        (None, True, ["Lowest", "Lower", "Similar", "Higher", "Highest"]),
        ("high_is_good", False, ["Worse", "Worse", "Similar", "Better", "Better"]),
        ("low_is_good", False, ["Better", "Better", "Similar", "Worse", "Worse"]),
        ("no_judgement", False, ["Lower", "Lower", "Similar", "Higher", "Higher"]),
        (None, False, ["Lower", "Lower", "Similar", "Higher", "Higher"]),
        ("not_applicable", True, ["Not compared"] * 5),
        ("not_applicable", False, ["Not compared"] * 5),
    ],
)
def test_labels_follow_the_polarity(methods, polarity, two_level, labels):
    rows = [{"i": i, "outcome": outcome, "polarity": polarity} for i, outcome in enumerate((*OUTCOMES, None))]
    methods.table("outcomes", {"i": "integer", "outcome": "varchar", "polarity": "varchar"}, rows)
    columns = {"outcome": "outcome", "polarity": "polarity"}
    found = methods.over("outcomes", "i", "comparison_label", **columns, two_level=two_level)
    assert found == [*labels, "Not compared"]


def test_labels_of_quantiles_are_the_same_for_every_polarity(methods):
    names = {
        "quintile": ["Lowest", "2nd lowest", "Middle", "2nd highest", "Highest"],
        "quartile": ["Lowest", "2nd lowest", "2nd highest", "Highest"],
    }
    for polarity in ("high_is_good", "low_is_good", "no_judgement", "not_applicable", None):
        for kind, places in names.items():
            found = [
                methods.value("comparison_label", outcome=f"{kind}_{i + 1}", polarity=polarity)
                for i in range(len(places))
            ]
            assert found == [f"{place} {kind}" for place in places]
