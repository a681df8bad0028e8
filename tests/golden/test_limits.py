"""Confidence limits of counts, proportions and rates: published limits, the edges, and the tabulated quantiles."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import pairwise, product

import pytest
from scipy.stats import chi2, norm

SIDES = [("95", "lower"), ("95", "upper"), ("99.8", "lower"), ("99.8", "upper")]
Z = {"95": 1.959963984540054, "99.8": 3.090232306167813}
ALPHA = {"95": 0.05, "99.8": 0.002}


def limit(methods, macro, confidence, side, **numbers):
    """What a macro yields for numbers; confidence and side are words of the template, no SQL."""
    written = {name: "null::double" if n is None else f"cast('{n!r}' as double)" for name, n in numbers.items()}
    sql = methods.sql(macro, **written, confidence=confidence, side=side)
    return methods.connection.execute(f"select {sql}").fetchone()[0]


def near(expected, tolerance=1e-13):
    return None if expected is None else pytest.approx(expected, rel=tolerance, abs=0)


def number(text):
    return None if text is None else float(text)


# --- published limits


def published(methods, rows, macro):
    """Pairs of found and published limits, four a row."""
    columns = ("Numerator", "Denominator", "multiplier")
    methods.table(
        "areas",
        {"i": "integer", **dict.fromkeys(columns, "double")},
        [{"i": i, **{name: number(row[name]) for name in columns}} for i, row in enumerate(rows)],
    )
    pairs = []
    for confidence, side in SIDES:
        found = methods.over(
            "areas",
            "i",
            macro,
            count="Numerator",
            denominator="Denominator",
            multiplier="multiplier",
            confidence=confidence,
            side=side,
        )
        column = f"{side}{confidence.replace('.', '_') if '.' in confidence else f'{confidence}_0'}cl"
        pairs += zip(found, [number(row[column]) for row in rows], strict=True)
    return pairs


def test_published_limits_of_proportions(methods, ci_proportion_file, read_vectors):
    rows = read_vectors(ci_proportion_file)
    pairs = published(methods, rows, "proportion_limit")
    assert [found for found, _ in pairs] == [near(expected, 1e-12) for _, expected in pairs]
    assert (len(rows), sum(expected is not None for _, expected in pairs)) == (19, 4 * 16)


def test_published_limits_of_rates(methods, ci_rate_file, read_vectors):
    rows = read_vectors(ci_rate_file)
    pairs = published(methods, rows, "rate_limit")
    assert [found for found, _ in pairs] == [near(expected, 1e-12) for _, expected in pairs]
    assert (len(rows), sum(expected is not None for _, expected in pairs)) == (20, 4 * 17)


def test_published_limits_of_plain_byar_and_wilson(methods, ci_byar_wilson_file, read_vectors):
    rows = read_vectors(ci_byar_wilson_file)
    for row in rows:
        numbers = {"count": float(row["x"])}
        if row["method"] == "Wilson":
            numbers["denominator"] = float(row["n"])
        macro = {"Wilson": "wilson_limit", "Byars": "byar_limit"}[row["method"]]
        for side in ("lower", "upper"):
            found = limit(methods, macro, row["confidence"].rstrip("%"), side, **numbers)
            assert found == near(number(row[f"{side}cl"])), row
    assert [row["method"] for row in rows].count("Byars") == 7
    assert [row["lowercl"] for row in rows].count(None) == 1
    assert len(rows) == 13


# --- confidence and side


@pytest.mark.parametrize("confidence", ["95", "99.8"])
def test_z_is_a_double_and_the_two_sided_normal_quantile(methods, confidence):
    z, kind = methods.connection.execute(
        f"select {methods.sql('z_of', confidence=confidence)} as z, typeof(z)"
    ).fetchone()
    assert (z, kind) == (Z[confidence], "DOUBLE")
    assert z == near(norm.isf(ALPHA[confidence] / 2), 1e-14)


@pytest.mark.parametrize("confidence", ["90", "99", "95.0", "0.95", "", "'95'", 95, 99.8, None])
def test_any_other_confidence_stops_the_rendering(methods, confidence):
    with pytest.raises(KeyError):
        methods.sql("z_of", confidence=confidence)
    for macro, arguments in MACROS.items():
        with pytest.raises(KeyError):
            methods.sql(macro, **arguments, confidence=confidence, side="lower")


@pytest.mark.parametrize("side", ["both", "Lower", "", "'upper'", None])
def test_any_other_side_stops_the_rendering(methods, side):
    for macro, arguments in MACROS.items():
        with pytest.raises(KeyError):
            methods.sql(macro, **arguments, confidence="95", side=side)


MACROS = {
    "wilson_limit": {"count": "3", "denominator": "4"},
    "byar_limit": {"count": "3"},
    "poisson_limit": {"count": "3"},
    "rate_limit": {"count": "3", "denominator": "4", "multiplier": "100"},
    "proportion_limit": {"count": "3", "denominator": "4", "multiplier": "100"},
}


# --- Wilson


def wilson(count, denominator, confidence, side):
    """The published form, with digits enough for its subtraction."""
    with localcontext() as context:
        context.prec = 80
        x, n, z = Decimal(count), Decimal(denominator), Decimal(Z[confidence])
        root = z * (z * z + 4 * x * (1 - x / n)).sqrt()
        return float((2 * x + z * z + (root if side == "upper" else -root)) / (2 * (n + z * z)))


@pytest.mark.parametrize(("confidence", "side"), SIDES)
@pytest.mark.parametrize("denominator", [1, 2, 7, 100, 12345, 56_000_000, 10_000_000_000])
def test_wilson_limits_keep_all_their_digits(methods, denominator, confidence, side):
    counts = {0, 1e-9, 0.445, 1, denominator / 3, denominator / 2, denominator - 1, denominator}
    for count in counts:
        found = limit(methods, "wilson_limit", confidence, side, count=count, denominator=denominator)
        assert found == near(wilson(count, denominator, confidence, side), 2e-15), count
        assert 0 <= found <= 1
        assert (found <= count / denominator) if side == "lower" else (found >= count / denominator)


@pytest.mark.parametrize("confidence", ["95", "99.8"])
@pytest.mark.parametrize("denominator", [*range(1, 200), 1e9, 56_489_800, 0.5])
def test_wilson_limits_of_none_and_of_all_are_exact(methods, denominator, confidence):
    arguments = {"methods": methods, "macro": "wilson_limit", "confidence": confidence, "denominator": denominator}
    assert limit(**arguments, side="lower", count=0) == 0
    assert limit(**arguments, side="upper", count=denominator) == 1
    assert limit(**arguments, side="upper", count=0) > 0
    assert limit(**arguments, side="lower", count=denominator) < 1


@pytest.mark.parametrize(
    ("count", "denominator"),
    [(None, 10), (5, None), (None, None), (0, 0), (5, 0), (-1, 10), (-1e-9, 10), (11, 10), (10.0001, 10), (-5, -10)],
)
def test_wilson_limits_that_do_not_exist(methods, count, denominator):
    for confidence, side in SIDES:
        numbers = {"count": count, "denominator": denominator}
        assert limit(methods, "wilson_limit", confidence, side, **numbers) is None
        assert limit(methods, "proportion_limit", confidence, side, **numbers, multiplier=100) is None


# --- Byar and Poisson


@pytest.mark.parametrize(("confidence", "side"), SIDES)
@pytest.mark.parametrize("count", [0.25, 0.5, 1, 2, 3.5, 9, 10, 10.5, 1234567])
def test_byar_limits(methods, count, confidence, side):
    x, sign = (count, -1) if side == "lower" else (count + 1, 1)
    root = 1 - 1 / (9 * x) + sign * Z[confidence] / (3 * math.sqrt(x))
    found = limit(methods, "byar_limit", confidence, side, count=count)
    assert found == near(None if root < 0 else x * root**3)


def test_byar_limits_at_the_edges(methods):
    for confidence in ("95", "99.8"):
        assert limit(methods, "byar_limit", confidence, "lower", count=0) is None
        assert limit(methods, "byar_limit", confidence, "upper", count=0) == near(
            (1 - 1 / 9 + Z[confidence] / 3) ** 3, 1e-13
        )
        for side in ("lower", "upper"):
            assert limit(methods, "byar_limit", confidence, side, count=None) is None
            assert limit(methods, "byar_limit", confidence, side, count=-0.5) is None
            assert limit(methods, "byar_limit", confidence, side, count=-2) is None
    # Below nought for one event at 99.8 %, above it at 95 %.
    assert limit(methods, "byar_limit", "99.8", "lower", count=1) is None
    assert limit(methods, "byar_limit", "95", "lower", count=1) > 0


@pytest.mark.parametrize(("confidence", "side"), SIDES)
@pytest.mark.parametrize("count", range(10))
def test_poisson_limits_below_ten_are_quantiles_of_chi_squared(methods, count, confidence, side):
    tail = ALPHA[confidence] / 2
    # Without an event there is nothing below.
    lower, upper = chi2.ppf(tail, 2 * count) / 2 if count else 0, chi2.isf(tail, 2 * count + 2) / 2
    expected = {"lower": lower, "upper": upper}[side]
    assert limit(methods, "poisson_limit", confidence, side, count=count) == near(expected, 2e-15)
    # That is another number than Byar's.
    assert limit(methods, "byar_limit", confidence, side, count=count) != near(expected, 1e-6)


@pytest.mark.parametrize(("confidence", "side"), SIDES)
def test_poisson_limits_from_ten_are_byar(methods, confidence, side):
    for count in (10, 10.5, 11, 1000, 7776456):
        found = limit(methods, "poisson_limit", confidence, side, count=count)
        assert found == limit(methods, "byar_limit", confidence, side, count=count)
    limits = [limit(methods, "poisson_limit", confidence, side, count=count) for count in range(40)]
    assert all(before < after for before, after in pairwise(limits))
    assert all((found < i) if side == "lower" else (found > i) for i, found in enumerate(limits) if i)


@pytest.mark.parametrize("count", [None, -1, -0.001, -20, 0.5, 8.999999, 9.5, 9.999999999])
def test_poisson_limits_that_do_not_exist(methods, count):
    for confidence, side in SIDES:
        assert limit(methods, "poisson_limit", confidence, side, count=count) is None
        assert limit(methods, "rate_limit", confidence, side, count=count, denominator=100, multiplier=100) is None


@pytest.mark.parametrize(("count", "denominator"), [(5, 0), (5, -100), (5, None), (50, 0), (50, -100), (0, 0)])
def test_rate_limits_need_a_denominator_above_nought(methods, count, denominator):
    for confidence, side in SIDES:
        numbers = {"count": count, "denominator": denominator, "multiplier": 1000}
        assert limit(methods, "rate_limit", confidence, side, **numbers) is None


def test_rate_limits_are_limits_of_the_count_scaled(methods):
    for (confidence, side), count in product(SIDES, (0, 3, 9, 10, 250)):
        found = limit(methods, "rate_limit", confidence, side, count=count, denominator=220, multiplier=1e5)
        assert found == limit(methods, "poisson_limit", confidence, side, count=count) / 220 * 1e5
    assert limit(methods, "rate_limit", "95", "lower", count=0, denominator=220, multiplier=1e5) == 0


# --- types of columns


@pytest.mark.parametrize("kind", ["integer", "bigint", "hugeint", "decimal(18, 3)", "decimal(38, 10)", "float"])
@pytest.mark.parametrize("macro", MACROS)
def test_the_type_of_a_column_changes_nothing(methods, macro, kind):
    pairs = [(0, 1), (1, 1), (3, 4), (9, 10), (10, 11), (65, 100), (2_000_000, 15_000_000), (None, 4), (-1, 4), (5, 4)]
    rows = [{"i": i, "count": count, "denominator": n, "multiplier": 100_000} for i, (count, n) in enumerate(pairs)]
    names = ("count", "denominator", "multiplier")
    for name, type_of_column in (("doubles", "double"), ("others", kind)):
        methods.table(name, {"i": "integer", **dict.fromkeys(names, type_of_column)}, rows)
    for confidence, side in SIDES:
        arguments = {name: f'"{name}"' for name in names if name in MACROS[macro]}
        found, expected = (
            methods.over(relation, "i", macro, **arguments, confidence=confidence, side=side)
            for relation in ("others", "doubles")
        )
        assert found == expected
        assert sum(value is not None for value in found) >= 4


@pytest.mark.parametrize("macro", MACROS)
def test_an_expression_stands_for_a_column(methods, macro):
    sums = {"count": "2 + 1", "denominator": "2 + 2", "multiplier": "50 + 50"}
    for confidence, side in SIDES:
        found, expected = (
            methods.connection.execute(
                f"select {methods.sql(macro, **arguments, confidence=confidence, side=side)}"
            ).fetchone()
            for arguments in ({name: sums[name] for name in MACROS[macro]}, MACROS[macro])
        )
        assert found == expected
