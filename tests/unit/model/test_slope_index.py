"""Slope and relative index of inequality, against the R package, an independent regression and the normal formula."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.model.methods.slope_index import Quantile, SlopeIndex, SlopeLimits, seed_of, slope_index

VALUE_TYPES: dict[str, Any] = {"0": "default", "1": "rate", "2": "proportion"}
COLUMNS = ("sii_lowercl", "sii_uppercl", "rii_lowercl", "rii_uppercl")
TENTHS = [Quantile(i, 1_000.0 + 37 * i, 20.0 - i, lower95=18.0 - i, upper95=22.5 - i) for i in range(1, 11)]


@dataclass(frozen=True)
class Group:
    """Rows of one area of a test of the R package."""

    rows: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        return str(self.rows[0]["TestDescription"])

    @property
    def is_refused(self) -> bool:
        return "handling" in self.name

    @property
    def repetitions(self) -> int:
        return int(self.rows[0]["Repetitions"])

    @property
    def confidences(self) -> list[float]:
        """The levels of the columns; some groups say 95 in their column and 98 in their name."""
        said = re.findall(r"\b9[589]\b", self.name) or re.findall(r"\d+", self.rows[0]["Confidence"])
        return [int(one) / 100 for one in said]

    @property
    def multiplier(self) -> float:
        said = re.search(r"\(x (-?\d+)\)", self.name)
        return float(said[1]) if said else -1.0 if "negative multiplier" in self.name else 1.0

    def expected(self, column: str) -> float | None:
        """A result, which stands in the first row or in all of them."""
        text = self.rows[0][column]
        return None if text is None else float(text)

    def quantiles(self, with_errors: bool) -> list[Quantile]:
        def number(row, name):
            return None if row[name] is None else float(row[name])

        measures = {"standard_error": "StandardError"} if with_errors else {"lower95": "LowerCL", "upper95": "UpperCL"}
        return [
            Quantile(
                int(row["Quantile"]),
                number(row, "Population"),
                number(row, "Value"),
                **{ours: number(row, theirs) for ours, theirs in measures.items()},
            )
            for row in self.rows
        ]

    def index(self, with_errors: bool, value_type: Any = None) -> SlopeIndex:
        return slope_index(
            self.quantiles(with_errors),
            quantile_count=len(self.rows),
            seed=seed_of(self.name, str(self.rows[0]["Area"])),
            value_type=value_type or VALUE_TYPES[self.rows[0]["ValueType"]],
            transform="transform" in self.name,
            multiplier=self.multiplier,
            confidences=self.confidences,
            repetitions=self.repetitions,
        )


@pytest.fixture(scope="session")
def groups(sii_file, read_vectors) -> list[Group]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in read_vectors(sii_file):
        found.setdefault((row["TestDescription"], row["Area"]), []).append(row)
    assert (len(found), sum(map(len, found.values()))) in [(13, 125), (51, 505)]
    return [Group(rows) for rows in found.values()]


@pytest.mark.parametrize("with_errors", [True, False], ids=["standard errors", "limits"])
def test_indices_of_the_package(groups, with_errors):
    compared = {"sii": 0, "rii": 0, "Intercept": 0, "limits": 0}
    for group in groups:
        if group.is_refused:
            continue
        index = group.index(with_errors)
        assert index.reason is None
        for column, ours in (("sii", index.sii), ("rii", index.rii), ("Intercept", index.intercept)):
            theirs = group.expected(column)
            if theirs is not None:
                assert ours == pytest.approx(theirs, rel=1e-12), (group.name, column)
                compared[column] += 1
        for i, limits in enumerate(index.limits, start=1):
            for column, ours in zip(COLUMNS, astuple(limits)[1:], strict=True):
                theirs = group.expected(f"{column}_{i}")
                if theirs is None:
                    continue
                # The package accepts 0.05 of the limit; two simulations differ by less than 0.03 of the half width.
                centre = group.expected(column[:3])
                assert centre is not None and ours is not None
                assert ours == pytest.approx(theirs, rel=0.05), (group.name, column)
                wide = 0.04 if group.repetitions == 10_000 else 0.03
                assert ours == pytest.approx(theirs, abs=wide * abs(theirs - centre)), (group.name, column)
                compared["limits"] += 1
    counts = {
        13: {"sii": 9, "rii": 8, "Intercept": 4, "limits": 38},
        51: {"sii": 44, "rii": 40, "Intercept": 26, "limits": 184},
    }
    assert compared == counts[len(groups)]


def test_groups_that_the_package_refuses(groups):
    reasons = {
        "error handling - negative populations": ("population_not_positive", "population_not_positive"),
        "error handling - negative counts/standard error": ("standard_error_negative", None),
        "error handling - invalid proportion in CLs": (None, "limits_outside_0_1"),
        "error handling - missing value field": ("value_missing", "value_missing"),
        "error handling - missing confidence limits and se": ("limits_missing", "limits_missing"),
        "warning handling - missing populations, counts or values": ("population_not_positive",) * 2,
        "warning handling - large number of quantiles (>10)": (None, None),
    }
    refused = [group for group in groups if group.is_refused]
    assert len(refused) in (4, 7)
    for group in refused:
        # The package is given these limits as those of proportions, whatever the column says.
        value_type = "proportion" if "proportion" in group.name else None
        found = tuple(group.index(with_errors, value_type).reason for with_errors in (True, False))
        assert found == reasons[group.name], group.name


def numbers(result: SlopeIndex | SlopeLimits) -> tuple[float, ...]:
    """Return SII, RII and intercept of an index, or the four limits; all of them must be there."""
    found: list[Any] = (
        [result.sii, result.rii, result.intercept] if isinstance(result, SlopeIndex) else [*astuple(result)[1:]]
    )
    return tuple(float(number) for number in found)


def shares_and_middles(populations: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    shares = np.array(populations) / sum(populations)
    return shares, np.cumsum(shares) - shares / 2


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.floats(-1e3, 1e3)), min_size=5, max_size=100),
    st.floats(0.1, 1e3),
)
def test_the_line_is_the_weighted_regression(pairs, multiplier):
    quantiles = [Quantile(i, population, value) for i, (population, value) in enumerate(pairs, start=1)]
    index = slope_index(quantiles, quantile_count=len(pairs), seed=1, multiplier=multiplier)
    shares, middles = shares_and_middles([population for population, _ in pairs])
    slope, intercept = np.polyfit(middles, [value for _, value in pairs], 1, w=np.sqrt(shares))
    scale = 1e-9 * max(1.0, abs(slope), abs(intercept))
    assert index.intercept == pytest.approx(intercept, abs=scale)
    assert index.sii == pytest.approx(multiplier * slope, abs=multiplier * scale)
    assert (index.limits, index.reason) == ((), "limits_missing")


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.998])
def test_limits_of_untransformed_values_are_those_of_the_normal_distribution(confidence):
    z = {0.9: 1.6448536, 0.95: 1.9599640, 0.998: 3.0902323}[confidence]
    index = slope_index(TENTHS, quantile_count=10, seed=5, confidences=[confidence])
    shares, middles = shares_and_middles([1_000.0 + 37 * i for i in range(1, 11)])
    errors = np.full(10, 4.5 / 2 / 1.959964)
    centre = np.sum(shares * middles)
    weights = shares * (middles - centre) / np.sum(shares * (middles - centre) ** 2)
    half = z * float(np.sqrt(np.sum((weights * errors) ** 2)))
    (limits,) = index.limits
    assert index.sii is not None
    assert (limits.sii_lower, limits.sii_upper) == pytest.approx((index.sii - half, index.sii + half), abs=0.03 * half)


def test_neither_order_nor_company_changes_a_result():
    options: dict[str, Any] = {"quantile_count": 10, "seed": seed_of("E08000009", "90366"), "value_type": "rate"}
    alone = slope_index(TENTHS, **options)
    assert slope_index(random.Random(1).sample(TENTHS, 10), **options) == alone
    several = slope_index(TENTHS, **options, confidences=(0.998, 0.95))
    assert several.limits[1:] == alone.limits
    assert [one.confidence for one in several.limits] == [0.998, 0.95]
    assert slope_index(TENTHS, **options, confidences=()) == replace(alone, limits=())
    options["seed"] = seed_of("E08000009", "90367")
    assert slope_index(TENTHS, **options) != alone


def test_a_result_is_the_same_on_every_machine():
    seed = seed_of("E08000009", "90366")
    assert seed == 4889869664387407845
    index = slope_index(TENTHS, quantile_count=10, seed=seed, value_type="rate", repetitions=1_000)
    assert index.limits == (SlopeLimits(0.95, -12.30233317, -7.401370807, 0.3972001673, 0.5922596669),)


def test_seeds_differ_where_the_parts_of_a_key_do():
    assert (
        len({seed_of("ab", "c"), seed_of("a", "bc"), seed_of("abc"), seed_of("ab", "c", ""), seed_of("c", "ab")}) == 5
    )


@pytest.mark.parametrize(("value_type", "transform"), [("rate", False), ("rate", True), ("default", False)])
def test_a_negative_multiplier_mirrors_the_slope_and_inverts_the_ratio(value_type, transform):
    options: dict[str, Any] = {"quantile_count": 10, "seed": 3, "value_type": value_type, "transform": transform}
    plus, minus = (slope_index(TENTHS, **options, multiplier=multiplier) for multiplier in (100, -100))
    sii, rii, intercept = numbers(plus)
    assert numbers(minus) == (-sii, pytest.approx(1 / rii, rel=1e-12), intercept)
    sii_lower, sii_upper, rii_lower, rii_upper = numbers(plus.limits[0])
    mirrored = (-sii_upper, -sii_lower, 1 / rii_upper, 1 / rii_lower)
    assert numbers(minus.limits[0]) == pytest.approx(mirrored, rel=1e-9)
    assert sii_lower < sii < sii_upper < 0 < rii_lower < rii < rii_upper < 1


def changed(number: int, **fields: float | None) -> list[Quantile]:
    """Return the tenths with one of them changed."""
    return [replace(one, **fields) if one.number == number else one for one in TENTHS]


@pytest.mark.parametrize(
    ("quantiles", "count", "reason"),
    [
        (TENTHS[:4], 4, "too_few_quantiles"),
        ([Quantile(i, 1.0, 1.0) for i in range(1, 102)], 101, "too_many_quantiles"),
        (TENTHS[:9], 10, "quantiles_incomplete"),
        (TENTHS[1:], 10, "quantiles_incomplete"),
        ([*TENTHS[:9], TENTHS[0]], 10, "quantiles_incomplete"),
        (TENTHS, 5, "quantiles_incomplete"),
        ([], 10, "quantiles_incomplete"),
        (changed(3, population=0), 10, "population_not_positive"),
        (changed(3, population=-5), 10, "population_not_positive"),
        (changed(3, population=None), 10, "population_not_positive"),
        (changed(3, population=math.nan), 10, "population_not_positive"),
        (changed(3, population=math.inf), 10, "population_not_positive"),
        (changed(10, value=None), 10, "value_missing"),
        (changed(10, value=math.nan), 10, "value_missing"),
        (changed(10, value=-math.inf), 10, "value_missing"),
    ],
)
def test_without_a_line_there_is_only_a_reason(quantiles, count, reason):
    assert slope_index(quantiles, quantile_count=count, seed=1) == SlopeIndex(None, None, None, (), reason)


@pytest.mark.parametrize(
    ("value", "value_type", "transform", "reason"),
    [
        (1.01, "proportion", False, "value_outside_0_1"),
        (-0.01, "proportion", True, "value_outside_0_1"),
        (0.0, "proportion", True, "value_off_scale"),
        (1.0, "proportion", True, "value_off_scale"),
        (0.0, "rate", True, "value_off_scale"),
        (-1.0, "rate", True, "value_off_scale"),
    ],
)
def test_a_value_that_its_type_cannot_have(value, value_type, transform, reason):
    quantiles = [Quantile(i, 100, value if i == 2 else 0.5, 0.1) for i in range(1, 6)]
    found = slope_index(quantiles, quantile_count=5, seed=1, value_type=value_type, transform=transform)
    assert found == SlopeIndex(None, None, None, (), reason)


@pytest.mark.parametrize(
    ("value_type", "fields", "reason"),
    [
        ("default", {"standard_error": None}, "limits_missing"),
        ("default", {"standard_error": math.nan}, "limits_missing"),
        ("default", {"standard_error": None, "lower95": 0.4}, "limits_missing"),
        ("default", {"standard_error": None, "upper95": 0.6}, "limits_missing"),
        ("default", {"standard_error": -0.1}, "standard_error_negative"),
        ("default", {"standard_error": None, "lower95": 0.6, "upper95": 0.4}, "standard_error_negative"),
        ("proportion", {"standard_error": None, "lower95": -0.1, "upper95": 0.6}, "limits_outside_0_1"),
        ("proportion", {"standard_error": None, "lower95": 0.4, "upper95": 40.0}, "limits_outside_0_1"),
        ("proportion", {"standard_error": None, "lower95": 0.0, "upper95": 0.6}, "limits_off_scale"),
        ("proportion", {"standard_error": None, "lower95": 0.4, "upper95": 1.0}, "limits_off_scale"),
        ("rate", {"standard_error": None, "lower95": 0.0, "upper95": 0.6}, "limits_off_scale"),
        ("rate", {"value": 0.0}, "limits_off_scale"),
    ],
)
def test_without_uncertainty_the_indices_stand_alone(value_type, fields, reason):
    whole = [Quantile(i, 100, 0.5 + i / 100, 0.1) for i in range(1, 6)]
    quantiles = [replace(one, **fields) if one.number == 4 else one for one in whole]
    found = slope_index(quantiles, quantile_count=5, seed=1, value_type=value_type)
    assert (found.limits, found.reason) == ((), reason)
    assert found.sii is not None and found.rii is not None and found.intercept is not None
    assert slope_index(whole, quantile_count=5, seed=1, value_type=value_type).reason is None


def test_values_without_uncertainty_have_limits_on_the_index():
    quantiles = [Quantile(i, 100, 10.0 * i, 0.0) for i in range(1, 6)]
    index = slope_index(quantiles, quantile_count=5, seed=1)
    assert (index.sii, index.rii, index.intercept) == pytest.approx((50, 11, 5))
    assert astuple(index.limits[0])[1:] == pytest.approx((50, 50, 11, 11))


def test_a_line_that_reaches_nothing_has_no_ratio():
    falling = [Quantile(i, 100, 10.0 - 2.2 * i, 0.01) for i in range(1, 6)]
    index = slope_index(falling, quantile_count=5, seed=1)
    assert index.sii == pytest.approx(-11)
    assert index.rii is None
    assert index.limits[0].sii_lower is not None
    assert (index.limits[0].rii_lower, index.limits[0].rii_upper) == (None, None)


def test_a_ratio_may_be_bounded_on_one_side_only():
    vague = [Quantile(i, 100, 1.0 + i, 2.0) for i in range(1, 6)]
    (limits,) = slope_index(vague, quantile_count=5, seed=1).limits
    assert limits.rii_lower is not None and limits.rii_lower > 0
    assert limits.rii_upper is None
    (limits,) = slope_index(vague, quantile_count=5, seed=1, multiplier=-1).limits
    assert limits.rii_lower is None
    assert limits.rii_upper is not None


@pytest.mark.parametrize("transform", [False, True])
@pytest.mark.parametrize("value_type", ["rate", "proportion"])
def test_limits_beyond_all_numbers_are_absent(value_type, transform):
    wild = [Quantile(i, 100, 0.1 * i, 1e300) for i in range(1, 6)]
    index = slope_index(wild, quantile_count=5, seed=1, value_type=value_type, transform=transform)
    assert index.sii is not None
    for limit in astuple(index.limits[0])[1:]:
        assert limit is None or math.isfinite(limit)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"value_type": "ratio"}, "value_type"),
        ({"transform": True}, "transformation"),
        ({"multiplier": 0}, "multiplier"),
        ({"multiplier": math.nan}, "multiplier"),
        ({"repetitions": 999}, "repetitions"),
        ({"confidences": [0.95, 95]}, "confidence"),
        ({"confidences": [0.89]}, "confidence"),
        ({"confidences": [1.0]}, "confidence"),
        ({"confidences": [0.9995], "repetitions": 1_000}, "too few"),
    ],
)
def test_arguments_outside_their_range_are_mistakes(arguments, word):
    with pytest.raises(ValueError, match=word):
        slope_index(TENTHS, quantile_count=10, seed=1, **arguments)
