"""What readers see of a number: why it is absent, how it is rounded, its unit. Sentences are in ``tests/warehouse``."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("value", "as_published", "note", "status"),
    [
        (12.5, "12.5", None, "present"),
        (0.0, "0", None, "present"),
        (12.5, "12.5", "Value is estimated from a model", "estimated"),
        (12.5, "12.5", "Value for Isles of Scilly combined with Cornwall", "present"),
        (None, None, "Value suppressed for disclosure control due to small count", "suppressed"),
        (None, None, "VALUE SUPPRESSED", "suppressed"),
        (None, "[c]", None, "suppressed"),
        (None, " [c] ", None, "suppressed"),
        (None, "*", None, "suppressed"),
        (None, None, "Value cannot be calculated as number of cases is too small", "not_calculable"),
        (None, "[z]", None, "not_applicable"),
        (None, "[x]", None, "not_available"),
        (None, "x", None, "not_available"),
        (None, ":", None, "not_available"),
        (None, None, None, "missing"),
        (None, "", None, "missing"),
        (None, None, "Value is estimated", "missing"),
    ],
)
def test_why_a_value_is_present_or_absent(methods, value, as_published, note, status):
    assert methods.value("value_status", value=value, as_published=as_published, note=note) == status


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (12.345, 1, "12.3"),
        (12.0, 0, "12"),
        (12.0, 2, "12.00"),
        (1234567.891, 1, "1,234,567.9"),
        (-0.56, 1, "-0.6"),
        (0.0, 1, "0.0"),
        (12.345, None, "12.3"),
        (None, 1, None),
    ],
)
def test_a_number_is_rounded_with_separators_and_one_place_unless_told(methods, value, decimals, text):
    assert methods.value("rounded", value=value, decimals=decimals) == text


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (12.34, "%", 1, "12.3%"),
        (63.4, "years", 1, "63.4 years"),
        (1027.5, "per 100,000", 1, "1,027.5 per 100,000"),
        (5.0, None, 0, "5"),
        (None, "%", 1, None),
        (None, "years", 1, None),
    ],
)
def test_a_unit_follows_its_number(methods, value, unit, decimals, text):
    assert methods.value("with_unit", value=value, unit=unit, decimals=decimals) == text
