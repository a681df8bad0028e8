"""Means and their Student t limits, against the R package's expected values."""

from __future__ import annotations

import math
from dataclasses import astuple

import pytest

from pipelines.model.methods.mean_limits import MeanLimits, mean_limits


def test_means_of_the_package(mean_expected_file, read_vectors):
    inputs = read_vectors(mean_expected_file.with_name("mean_inputs.csv"))
    expected = read_vectors(mean_expected_file)
    assert (len(inputs), len(expected)) == (26, 3)
    for row in expected:
        values = [float(one["values"]) for one in inputs if row["area"] in (one["area"], "No grouping")]
        for confidence, columns in ((0.95, "95_0cl"), (0.998, "99_8cl")):
            found = mean_limits(values, confidence)
            assert found.count == int(row["value_count"])
            assert (found.mean, found.standard_deviation, found.lower, found.upper) == pytest.approx(
                [float(row[name]) for name in ("value", "stdev", f"lower{columns}", f"upper{columns}")], rel=1e-12
            )


def test_two_values_have_limits_and_one_has_none():
    # With one degree of freedom t is the tangent: 12.706 at 95 %.
    margin = math.tan(0.95 * math.pi / 2)
    assert astuple(mean_limits([1, 3])) == pytest.approx((2, 2, math.sqrt(2), 2 - margin, 2 + margin), rel=1e-12)
    assert mean_limits([7]) == MeanLimits(1, 7, None, None, None)
    assert mean_limits([]) == MeanLimits(0, None, None, None, None)


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_missing_value_leaves_no_mean(missing):
    assert mean_limits([1, 2, missing]) == MeanLimits(3, None, None, None, None)


def test_the_order_of_the_values_does_not_matter():
    values = [1e16, 1.0, -1e16, 0.1, 0.2, 0.3]
    assert mean_limits(values) == mean_limits(values[::-1]) == mean_limits(sorted(values))
    assert mean_limits(values).mean == math.fsum([1.0, 0.1, 0.2, 0.3]) / 6


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_a_confidence_outside_its_range_is_a_mistake(confidence):
    with pytest.raises(ValueError, match="confidence"):
        mean_limits([1, 2], confidence)
