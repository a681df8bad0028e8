"""How numbers, units, dates and chances are written."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.report import words


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (24.099999999999994, "24.1"),
        (0.1 + 0.2, "0.3"),
        (17.17717468, "17.17717468"),
        (-3.0, "-3"),
        (-0.0, "0"),
        (1234567.5, "1,234,567.5"),
        (65696, "65,696"),
        (None, "none"),
    ],
)
def test_a_number_has_the_digits_that_matter(number, text):
    assert words.exact(number) == text


def test_terms_and_factors_keep_their_sign():
    assert (words.added(-20.0), words.added(5), words.added(-0.0)) == ("- 20", "+ 5", "+ 0")
    assert (words.factor(-3.0), words.factor(3.0)) == ("(-3)", "3")


@pytest.mark.parametrize(
    ("probability", "text"),
    [(None, "-"), (0.0, "<1%"), (0.0099, "<1%"), (0.01, "1%"), (0.87, "87%"), (0.99, "99%"), (1.0, ">99%")],
)
def test_a_chance_is_never_called_certain(probability, text):
    assert words.chance(probability) == text


@pytest.mark.parametrize(
    ("limits", "unit", "decimals", "text"),
    [
        ((17.05, 17.3), "%", 1, "17.2% (17.1 to 17.3)"),
        ((None, None), "%", None, "17.2%"),
        ((17.05, None), "years", 0, "17 years"),
        ((None, None), None, 2, "17.20"),
    ],
)
def test_a_value_with_its_limits_and_unit(limits, unit, decimals, text):
    assert words.actual_words(17.2, limits, unit, decimals) == text


@pytest.mark.parametrize(
    ("unit", "measured_as", "gap", "expected"),
    [
        ("%", "value", None, "%"),
        ("%", "gap_across_groups", "absolute_gap", "percentage points"),
        ("%", "gap_between_indicators", None, "percentage points"),
        ("%", "gap_across_groups", "relative_gap", "times"),
        ("years", "gap_across_groups", "slope_index", "years"),
    ],
)
def test_the_unit_of_a_gap(unit, measured_as, gap, expected):
    assert words.unit_of(unit, measured_as, gap) == expected


def test_dates_and_codes():
    assert words.day(date(2035, 2, 1)) == "1 February 2035"
    assert words.short_day(date(2035, 2, 1)) == "1 Feb 2035"
    assert (words.day(None), words.short_day(None)) == ("none", "no date")
    assert (words.plain("no_data_source_connected"), words.plain(None)) == ("no data source connected", "none")


def test_what_is_cut_ends_in_an_ellipsis():
    assert words.cut("Nottingham", 10) == "Nottingham"
    assert words.cut("Nottingham", 9) == "Nottingh…"
    assert words.cut("Not at all", 5) == "Not…"
