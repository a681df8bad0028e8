"""Comparison with another area: as Fingertips prints it, and as a commitment sees it. Targets are in ``test_level``."""

from __future__ import annotations

import pytest

POLARITY = {"0": "low_is_good", "1": "high_is_good", "99": "no_judgement"}


def compare(methods, value, lower, upper, england, polarity, is_england=False):
    return methods.value(
        "compared_to_england",
        value=value,
        lower=lower,
        upper=upper,
        england=england,
        polarity=polarity,
        is_england=is_england,
    )


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


def test_england_itself_and_an_absent_england_are_not_compared(methods):
    assert compare(methods, 15, 14, 16, 11, "high_is_good", is_england=True) == "Not compared"
    assert compare(methods, 15, 14, 16, None, "high_is_good") == "Not compared"


def test_comparisons_of_the_legacy_engine(methods, compare_unit_file, read_vectors):
    rows = [row for row in read_vectors(compare_unit_file) if row["comparator_method_id"] == "1"]
    words = {"Same": "Similar", "None": "Not compared"}

    def number(text):
        # The engine writes an absent number as -1.
        return None if text in (None, "-1") else float(text)

    agree = sum(
        compare(
            methods,
            number(row["value"]),
            number(row["lower95"]),
            number(row["upper95"]),
            number(row["comparator_value"]),
            POLARITY[row["polarity_id"]],
        )
        == words.get(row["expected"], row["expected"])
        for row in rows
    )
    assert (agree, len(rows)) == (13, 13)


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


def test_published_comparisons_are_reproduced(methods, published):
    found = methods.over(
        "published",
        "i",
        "compared_to_england",
        value="value",
        lower="lower95",
        upper="upper95",
        england="comparator_value",
        polarity="polarity",
        is_england="is_england",
    )
    assert len(published) >= 100
    assert found == [row["expected"] for row in published]


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
