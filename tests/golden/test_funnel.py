"""Funnels for proportions: limits and labels of the R package's own tests, and the edges of the rule."""

from __future__ import annotations

import math

import pytest

LIMITS = {
    ("0.025", "lower"): "Lower2s0025limit",
    ("0.025", "upper"): "Upper2s0025limit",
    ("0.001", "lower"): "Lower3s0001limit",
    ("0.001", "upper"): "Upper3s0001limit",
}
AVERAGE = 0.80642448
"""Average of all areas of the vectors; `Baseline` of the limits, as a share."""
HALF = {"average": "0.5", "denominator": "1024"}
"""A denominator that is a power of two: dividing by it and multiplying with it lose nothing."""


def test_limits_of_the_r_package_are_reproduced(methods, funnel_prop_limits_file, read_vectors):
    rows = read_vectors(funnel_prop_limits_file)
    columns = ("Population", "Baseline")
    methods.table(
        "funnel",
        {"i": "integer", **dict.fromkeys(columns, "double")},
        [{"i": i, **{name: float(row[name]) for name in columns}} for i, row in enumerate(rows)],
    )
    for (tail, side), name in LIMITS.items():
        found = methods.over(
            "funnel",
            "i",
            "funnel_proportion_limit",
            average="(Baseline / 100)",
            denominator="Population",
            confidence_z=methods.sql("funnel_z", tail=tail),
            side=side,
        )
        # Printed to six decimals of a per cent, as is the average that goes in.
        assert [100 * limit for limit in found] == pytest.approx([float(row[name]) for row in rows], abs=2e-6, rel=0)
    assert len(rows) == 100


def test_labels_of_the_r_package_are_reproduced(methods, funnel_prop_significance_file, read_vectors):
    rows = [
        {"i": i, **row, "numerator": float(row["numerator"]), "denominator": float(row["denominator"])}
        for i, row in enumerate(read_vectors(funnel_prop_significance_file))
    ]
    if len(rows) == 303:
        average = math.fsum(row["numerator"] for row in rows) / math.fsum(row["denominator"] for row in rows)
        assert average == pytest.approx(AVERAGE, abs=5e-9, rel=0)
    methods.table("areas", {"i": "integer", "numerator": "double", "denominator": "double"}, rows)
    found = methods.over(
        "areas",
        "i",
        "funnel_proportion_significance",
        numerator="numerator",
        denominator="denominator",
        average=str(AVERAGE),
    )
    assert found == [row["significance"] for row in rows]
    assert len(rows) in (93, 303)
    assert len(set(found)) == 5


def test_points_of_the_normal_distribution_are_not_rounded(methods):
    for tail in ("0.025", "0.001"):
        z = float(methods.sql("funnel_z", tail=tail))
        assert math.erfc(z / math.sqrt(2)) / 2 == pytest.approx(float(tail), rel=1e-12)


@pytest.fixture
def limit(methods):
    def run(average, denominator, side, z="2.0"):
        (found,) = methods.over(
            "(select 0 as i)",
            "i",
            "funnel_proportion_limit",
            average=average,
            denominator=denominator,
            confidence_z=z,
            side=side,
        )
        return found

    return run


def test_limits_are_held_within_nought_and_one(limit):
    assert (limit("0.5", "100", "lower"), limit("0.5", "100", "upper")) == pytest.approx((0.4, 0.6))
    assert (limit("0.5", "1", "lower"), limit("0.5", "1", "upper")) == (0, 1)
    assert (limit("0.0", "5", "lower"), limit("0.0", "5", "upper")) == (0, 0)
    assert (limit("1.0", "5", "lower"), limit("1.0", "5", "upper")) == (1, 1)


@pytest.mark.parametrize(
    ("average", "denominator"),
    [("0.5", "0"), ("0.5", "-1"), ("0.5", "null"), ("null", "10"), ("1.01", "10"), ("-0.01", "10")],
)
def test_without_people_or_a_proportion_there_is_no_limit(methods, limit, average, denominator):
    assert [limit(average, denominator, side) for side in ("lower", "upper")] == [None, None]
    significance = {"numerator": "0.0", "denominator": denominator, "average": average}
    assert methods.over("(select 0 as i)", "i", "funnel_proportion_significance", **significance) == [None]


def labels(methods, numerators, average, denominator):
    methods.table(
        "areas", {"i": "integer", "numerator": "double"}, [{"i": i, "numerator": n} for i, n in enumerate(numerators)]
    )
    columns = {"numerator": "numerator", "average": average, "denominator": denominator}
    return methods.over("areas", "i", "funnel_proportion_significance", **columns)


def test_only_strictly_outside_a_limit_is_significant(methods, limit):
    cases = []
    for tail, side, outside, inside in (
        ("0.001", "lower", "Low (0.001)", "Low (0.025)"),
        ("0.025", "lower", "Low (0.025)", "Not significant"),
        ("0.025", "upper", "High (0.025)", "Not significant"),
        ("0.001", "upper", "High (0.001)", "High (0.025)"),
    ):
        on_limit = 1024 * limit(**HALF, side=side, z=methods.sql("funnel_z", tail=tail))
        away = -math.inf if side == "lower" else math.inf
        cases += [(on_limit, inside), (math.nextafter(on_limit, away), outside)]
    found = labels(methods, [numerator for numerator, _ in cases], **HALF)
    assert found == [label for _, label in cases]
    assert len(cases) == 8


def test_a_numerator_has_to_be_a_part_of_its_denominator(methods):
    found = labels(methods, [-0.1, 0, 1024, 1024.1, None], **HALF)
    assert found == [None, "Low (0.001)", "High (0.001)", None, None]
    # A funnel as wide as the scale: the end of the scale is not outside it.
    assert labels(methods, [0, 1], average="0.5", denominator="1") == ["Not significant"] * 2
