"""What readers see of a number: why it is absent, how it is rounded, its unit. Sentences are in ``tests/warehouse``."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("value", "marker", "note", "has_value", "status"),
    [
        (12.5, None, None, None, "present"),
        (0.0, None, None, None, "present"),
        (12.5, None, "estimated", 1, "estimated"),
        (12.5, None, "suppressed", 0, "present"),
        (12.5, "suppressed", None, None, "present"),
        (None, None, "suppressed", 0, "suppressed"),
        (None, "suppressed", None, None, "suppressed"),
        (None, "not_applicable", "suppressed", 0, "not_applicable"),
        (None, "missing", "suppressed", 0, "suppressed"),
        (None, "missing", None, None, "missing"),
        (None, None, None, None, "missing"),
        (None, None, "estimated", 1, "missing"),
    ],
)
def test_why_a_value_is_present_or_absent(methods, value, marker, note, has_value, status):
    found = methods.value(
        "value_status", value=value, marker_meaning=marker, note_status=note, note_has_value=has_value
    )
    assert found == status


@pytest.mark.parametrize(
    ("text", "half"), [("12.5", 0.05), ("12", 0.5), ("1,234", 0.5), ("0.123", 0.0005), (None, 0), ("-3.25", 0.005)]
)
def test_how_far_rounding_can_move_a_printed_number(methods, text, half):
    assert methods.value("half_unit", as_published=text) == pytest.approx(half)


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


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "shorthand", "text"),
    [
        (12.34, "%", 1, None, "12.3%"),
        (12.34, "%", 1, "[u]", "12.3% [u]"),
        (0.0, "years", 1, None, "0.0 years"),
        (-0.04, "%", 1, None, "0.0%"),
        (-0.06, "%", 1, None, "-0.1%"),
        (-0.4, None, 0, None, "0"),
        (5.0, None, 0, None, "5"),
        (None, "%", 1, "[c]", "[c]"),
        (None, "%", 1, "[z]", "[z]"),
        (None, "%", 1, None, "[x]"),
    ],
)
def test_a_figure_in_a_cell_is_never_empty(methods, value, unit, decimals, shorthand, text):
    assert methods.value("shown", value=value, unit=unit, decimals=decimals, shorthand=shorthand) == text


@pytest.mark.parametrize(("unit", "text"), [("%", "%"), ("years", " years"), ("per 1,000", " per 1,000"), (None, None)])
def test_what_stands_behind_a_bare_number(methods, unit, text):
    assert methods.value("unit_suffix", unit=unit) == text


@pytest.mark.parametrize(
    ("polarity", "words"),
    [
        ("high_is_good", "High is good"),
        ("low_is_good", "Low is good"),
        ("no_judgement", "No judgement"),
        (None, None),
    ],
)
def test_which_way_is_better_in_words(methods, polarity, words):
    assert methods.value("polarity_words", polarity=polarity) == words
