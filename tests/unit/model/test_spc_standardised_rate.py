"""Control limits around a standardised rate, against the legacy engine, the chi-squared distribution and a table."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from pipelines.model.methods.spc_standardised_rate import (
    ControlLimits,
    compared_by_control_limits,
    control_limits,
)

LOW_IS_GOOD = {"lower": "Better", "similar": "Same", "higher": "Worse"}


def test_comparisons_of_the_legacy_engine(compare_unit_file, read_vectors):
    rows = [row for row in read_vectors(compare_unit_file) if row["comparator_method_id"] == "6"]
    found: list[str | None] = []
    for row in rows:
        assert row["polarity_id"] == "0"
        comparator, denominator2, unit = (float(row[name]) for name in ("comparator_value", "denominator2", "unit"))
        limits = control_limits(comparator, denominator2, unit, float(row["confidence"].split()[0]) / 100)
        outcome = compared_by_control_limits(float(row["value"]), limits)
        found.append(outcome and LOW_IS_GOOD[outcome])
    assert found == [row["expected"] for row in rows]
    assert len(rows) == 6


@pytest.mark.parametrize(
    ("expected", "lower", "upper", "lower_99_8", "upper_99_8"),
    [
        (0, 0, 3.6888794541, 0, 6.9077552790),
        (1, 0.0253178080, 5.5716433909, 0.0010005003, 9.2334134765),
        (5, 1.6234863901, 11.6683320793, 0.7393717319, 16.4547452037),
        (9, 4.1153730974, 17.0848034514, 2.4524244044, 22.6573733091),
    ],
)
def test_whole_numbers_of_events_have_the_exact_poisson_limits(expected, lower, upper, lower_99_8, upper_99_8):
    for confidence, wanted in ((0.95, (lower, upper)), (0.998, (lower_99_8, upper_99_8))):
        limits = control_limits(expected, 1, 1, confidence)
        assert limits is not None
        assert (limits.lower, limits.upper) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("comparator", [0.003, 0.7, 13.1434995, 812.25, 63_000.5])
@pytest.mark.parametrize("confidence", [0.95, 0.998])
def test_limits_are_chi_squared_quantiles_per_unit(comparator, confidence):
    limits = control_limits(comparator, 250_000, 100_000, confidence)
    assert limits is not None
    tail, expected = (1 - confidence) / 2, 2.5 * comparator
    assert limits.expected == pytest.approx(expected, rel=1e-15)
    assert limits.lower == pytest.approx(stats.chi2.ppf(tail, 2 * expected) / 2 / 2.5, rel=1e-11)
    assert limits.upper == pytest.approx(stats.chi2.isf(tail, 2 * expected + 2) / 2 / 2.5, rel=1e-11)


def test_a_rate_on_a_limit_is_similar():
    limits = ControlLimits(10, 5.0, 15.0)
    rates = [math.nextafter(5, 0), 5.0, 10.0, 15.0, math.nextafter(15, 16)]
    assert [compared_by_control_limits(rate, limits) for rate in rates] == ["lower", *["similar"] * 3, "higher"]


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -1.0])
def test_without_a_number_there_are_no_limits(missing):
    assert control_limits(missing, 1_000, 100_000) is None
    assert control_limits(5, missing, 100_000) is None
    assert control_limits(5, 1_000, missing) is None
    assert control_limits(5, 0, 100_000) is None
    assert control_limits(5, 1_000, 0) is None


def test_without_limits_or_rate_there_is_no_outcome():
    assert compared_by_control_limits(5, None) is None
    assert compared_by_control_limits(None, ControlLimits(10, 5, 15)) is None
    assert compared_by_control_limits(math.nan, ControlLimits(10, 5, 15)) is None


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_a_confidence_outside_its_range_is_a_mistake(confidence):
    with pytest.raises(ValueError, match="confidence"):
        control_limits(1, 1, 1, confidence)
