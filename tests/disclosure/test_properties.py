"""What has to hold for any small table: flags, partners, order of operations, memory.

The figures are invented by Hypothesis; whole files are invented in ``test_public_edition``.
"""

from __future__ import annotations

import random
import sys
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from pipelines.publish.disclosure.flags import Cell, _flag
from pipelines.publish.disclosure.history import ShownNumbers
from pipelines.publish.disclosure.identities import Geography, age_range
from pipelines.publish.disclosure.implied import byar_count, byar_factor, dobson_count, wilson_denominator
from pipelines.publish.disclosure.secondary import decide

POLICY = sys.modules["dirty_release"].THRESHOLD
SEXES, AGES = ("Male", "Female"), ("0-17 yrs", "18-64 yrs", "65+ yrs")
YEAR = (date(2020, 1, 1), date(2020, 12, 31))
NOWHERE = Geography({})

tables = st.lists(st.integers(0, 30), min_size=6, max_size=6)


def cell(sex: str, age: str, n: float | None, d: float | None = 1000.0, **changes: Any) -> Cell:
    name = f"fct_indicator_value|x|A|2020|{sex}|{age}|Total|Total|1"
    made: dict[str, Any] = {
        "table": "fct_indicator_value", "key": hash(name), "cell_id": name, "source_id": "s", "indicator_id": "x",
        "area_code": "A", "area_type": "ward", "period": YEAR, "group": (sex, age, "Total", "Total"),
        "keys": (1, 1, 1, hash((sex, age))), "value": None if n is None or not d else 100 * n / d, "count": n,
        "denominator": d, "implied_count": n, "tolerance": 0.0, "from_limits": None, "from_population": None,
        "rate_per": None, "is_share": True, "is_withheld_by_publisher": False, "policy": POLICY,
    } | changes  # fmt: skip
    one = Cell(**made)
    _flag(one)
    return one


def margins(counts: list[int]) -> dict[tuple[str, str], int]:
    """Return a table of sex by age with its totals."""
    found = dict(zip(product(SEXES, AGES), counts, strict=True))
    found |= {(sex, "All ages"): sum(found[sex, age] for age in AGES) for sex in SEXES}
    found |= {("Persons", age): sum(found[sex, age] for sex in SEXES) for age in (*AGES, "All ages")}
    return found


def cells_of(counts: list[int]) -> list[Cell]:
    return [cell(sex, age, n) for (sex, age), n in margins(counts).items()]


def bounds_of(cells: list[Cell], withheld: frozenset[int], wanted: int) -> tuple[float, float]:
    """Return what a reader can tell of a cell, with sums written out here and not taken from the suppression."""
    place = {one.group[:2]: i for i, one in enumerate(cells)}
    sums = [[place["Persons", age], *(place[sex, age] for sex in SEXES)] for age in (*AGES, "All ages")]
    sums += [[place[sex, "All ages"], *(place[sex, age] for age in AGES)] for sex in (*SEXES, "Persons")]
    matrix, ends = np.zeros((len(sums), len(cells))), np.zeros(len(sums))
    for row, (total, *parts) in enumerate(sums):
        matrix[row, total] = 1
        matrix[row, parts] = -1
    limits = [(0, 1000) if i in withheld else (one.count, one.count) for i, one in enumerate(cells)]
    found = []
    for sign in (1, -1):
        goal = np.zeros(len(cells))
        goal[wanted] = sign
        found.append(sign * linprog(goal, A_eq=matrix, b_eq=ends, bounds=limits, method="highs").fun)
    return found[0], found[1]


@settings(max_examples=60, deadline=None)
@given(tables)
@example([3, 20, 20, 20, 20, 20])
@example([3, 0, 20, 0, 20, 20])
@example([1, 0, 0, 0, 0, 12])
def test_no_small_count_can_be_bounded_inside_the_threshold(counts: list[int]):
    cells = cells_of(counts)
    withheld = decide(cells, NOWHERE).withheld
    for i, one in enumerate(cells):
        if one.reasons:
            assert i in withheld
            low, high = bounds_of(cells, withheld, i)
            assert low <= 1 + 1e-6
            assert high >= 7 - 1e-6


def test_the_same_bounds_find_a_table_without_partners():
    cells = cells_of([3, 20, 20, 20, 20, 20])
    primary = frozenset(i for i, one in enumerate(cells) if one.reasons)
    assert [bounds_of(cells, primary, i) for i in primary] == [(3, 3)]


@settings(max_examples=40, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_the_decision_does_not_depend_on_the_order_of_rows(counts: list[int], shuffle: random.Random):
    cells = cells_of(counts)
    mixed = cells.copy()
    shuffle.shuffle(mixed)
    names = [{own[i].cell_id for i in decide(own, NOWHERE).withheld} for own in (cells, cells)]
    assert names[0] == names[1]
    assert {mixed[i].cell_id for i in decide(mixed, NOWHERE).primary} == {
        cells[i].cell_id for i in decide(cells, NOWHERE).primary
    }


@settings(max_examples=40, deadline=None)
@given(tables)
def test_an_edition_with_its_own_memory_withholds_the_same(counts: list[int]):
    cells = cells_of(counts)
    withheld = decide(cells, NOWHERE).withheld
    names = frozenset(cells[i].cell_id for i in withheld)
    shown = {one.cell_id: ShownNumbers(one.value, one.count) for i, one in enumerate(cells) if i not in withheld}
    again = decide(cells, NOWHERE, names, shown)
    assert again.withheld == withheld
    assert not again.exposed_before


@settings(max_examples=40, deadline=None)
@given(tables, tables)
def test_what_was_withheld_stays_withheld_whatever_the_numbers_become(old: list[int], new: list[int]):
    before = cells_of(old)
    withheld = decide(before, NOWHERE).withheld
    names = frozenset(before[i].cell_id for i in withheld)
    shown = {one.cell_id: ShownNumbers(one.value, one.count) for i, one in enumerate(before) if i not in withheld}
    after = cells_of(new)
    decision = decide(after, NOWHERE, names, shown)
    assert names <= {after[i].cell_id for i in decision.withheld}
    exposed = decision.exposed_before
    # A reader who takes unchanged figures of the first edition for those of the second learns nothing either.
    seen = frozenset(
        i for i in decision.withheld
        if after[i].cell_id not in shown or shown[after[i].cell_id].count != after[i].count
    )  # fmt: skip
    for i in decision.primary - exposed:
        low, high = bounds_of(after, seen, i)
        assert low <= 1 + 1e-6
        assert high >= 7 - 1e-6


@settings(max_examples=25, deadline=None)
@given(tables, st.integers(1, 7))
@example([20, 20, 20, 20, 20, 20], 4)
def test_a_figure_that_its_publisher_withholds_is_not_given_away_here(counts: list[int], hidden: int):
    counts[0] = hidden
    cells = cells_of(counts)
    gone = cell(SEXES[0], AGES[0], None, None, is_withheld_by_publisher=True)
    cells = [gone if one.cell_id == gone.cell_id else one for one in cells]
    decision = decide(cells, NOWHERE)
    low, high = bounds_of(cells, decision.withheld, next(i for i, one in enumerate(cells) if one is gone))
    assert high - low >= 6 - 1e-6


@pytest.mark.parametrize(
    ("n", "d", "reasons"),
    [
        (0, 100, []),
        (1, 100, ["count"]),
        (7, 100, ["count"]),
        (7.5, 100, ["count"]),
        (8, 100, []),
        (92, 100, []),
        (93, 100, ["complement"]),
        (99, 100, ["complement"]),
        (100, 100, []),
        (0, 3, ["denominator", "complement"]),
        (3, 3, ["count", "denominator"]),
        (4, 9, ["count", "complement"]),
        (None, 7, ["denominator"]),
        (0, 0, []),
    ],
)
def test_what_is_small(n: float | None, d: float, reasons: list[str]):
    assert cell("Male", "All ages", n, d).reasons == reasons


def test_nobody_is_withheld_where_nobody_is_not_safe():
    strict = POLICY.model_copy(update={"zero_is_safe": False})
    assert cell("Male", "All ages", 0, 100.0, policy=strict).reasons == ["count"]


def test_every_count_implied_by_limits_is_found():
    for count in range(1, 200):
        low, high = byar_factor(count, -1), byar_factor(count, 1)
        assert byar_count(5.0, 5.0 * high) == pytest.approx(count)
        assert dobson_count(9.0, 9.0 - 2 * (1 - low), 9.0 + 2 * (high - 1)) == pytest.approx(count, rel=1e-6)
        figures = sys.modules["dirty_release"].figures("dirty.cases", count, 300)
        share, limits = figures["value"] / 100, (figures["lower_ci_95"] / 100, figures["upper_ci_95"] / 100)
        for limit in limits:
            assert wilson_denominator(share, limit) == pytest.approx(300)


def test_limits_that_say_nothing_say_nothing():
    assert wilson_denominator(0.5, 0.5) is None
    assert wilson_denominator(1.5, 0.5) is None
    assert byar_count(0.0, 1.0) is None
    assert dobson_count(1.0, 0.5, 1.4) is None


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("All ages", (0, 200)),
        ("<18 yrs", (0, 18)),
        ("Fewer than 1", (0, 1)),
        ("1 to 14", (1, 15)),
        ("15-44 yrs", (15, 45)),
        ("65+ yrs", (65, 200)),
        ("85 and over", (85, 200)),
        ("2 yrs", (2, 3)),
        ("Not applicable", None),
    ],
)
def test_ages_are_read(label: str, found: tuple[int, int] | None):
    assert age_range(label) == found
