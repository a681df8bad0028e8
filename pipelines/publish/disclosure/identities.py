"""What adds up to what among the figures of a release.

Proposing sums from labels, areas, dates and indicators, and dropping those that the numbers refute, belongs here. Using
them to find out what a reader could work out does not: that is ``secondary``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard, cast

import numpy as np
from scipy.optimize import nnls  # pyright: ignore[reportUnknownVariableType]

from pipelines.publish.catalogue import MARTS_SCHEMA, quoted
from pipelines.publish.disclosure.implied import decimals_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    import duckdb
    from numpy.typing import NDArray

    from pipelines.publish.disclosure.flags import Cell

Quantity = Literal["n", "d"]
CellNumber = tuple[Quantity, int]
"""The count or the denominator of the cell at a position."""

ENGLAND: Final = "E92000001"
_TIERS: Final = {
    "upper tier": frozenset({"county", "unitary_authority", "metropolitan_district", "london_borough"}),
    "lower tier": frozenset({"district", "unitary_authority", "metropolitan_district", "london_borough"}),
}
"""Types of areas that cover a region only together."""
TOTAL_SEX: Final = "Persons"
TOTAL_CATEGORY: Final = "Total"
OLDEST: Final = 200
_ALMOST: Final = 0.95
_FEWEST_SHARED: Final = 3
_MOST_PARTS: Final = 12


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a sum: a count of a cell, or an unknown that no cell states.

    Attributes:
        variable: ``("n", position)`` or ``("d", position)`` of a cell, or any other name for an unknown.
        factor: 1 or -1.
    """

    variable: Hashable
    factor: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Terms that add up to nothing, within a tolerance.

    Attributes:
        kind: Which relation it comes from.
        terms: The terms.
        tolerance: How far the sum may be off, because counts were worked out from rounded values.
    """

    kind: str
    terms: tuple[Term, ...]
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Geography:
    """Which areas lie in which.

    Attributes:
        members: Area to the sets of areas that may make it up, each with a name.
    """

    members: Mapping[str, tuple[tuple[str, frozenset[str]], ...]]


def is_cell_number(variable: Hashable) -> TypeGuard[CellNumber]:
    """Return whether a variable is a count or denominator of a cell, and not an unknown that no cell states."""
    return isinstance(variable, tuple) and len(cast("tuple[Any, ...]", variable)) == 2 and variable[0] in {"n", "d"}


def read_geography(connection: duckdb.DuckDBPyConnection, database: str) -> Geography:
    """Read parents from ``dim_area`` and footprints from ``bridge_area_footprint``.

    Args:
        connection: Connection to which the release is attached.
        database: Name under which it is attached.

    Returns:
        For every area the areas of one type or tier that name it as their parent, and the members of a footprint that
        it is. Every area is taken to lie in England: sums that do not hold are dropped when they are held against the
        numbers.
    """
    schema = f"{quoted(database)}.{MARTS_SCHEMA}"
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    rows = connection.execute(f"select * from {schema}.dim_area order by area_key")
    names = [str(one[0]) for one in rows.description or []]
    parents = [name for name in names if name.endswith("_code")]
    for row in rows.fetchall():
        area = dict(zip(names, row, strict=True))
        kind, code = str(area["area_type"]), str(area["area_code"])
        kinds = [kind, *(tier for tier, types in _TIERS.items() if kind in types)]
        above = {str(area[name]) for name in parents if name not in {"area_code", "successor_code"} and area[name]}
        for parent in sorted((above | {ENGLAND}) - {code}):
            for one in kinds:
                found[parent][one].add(code)
    for footprint, kind, member in connection.execute(
        f"""select footprint_code, coalesce(footprint_type, ''), constituent_code
        from {schema}.bridge_area_footprint order by all"""
    ).fetchall():
        found[str(footprint)]["footprint " + str(kind)].add(str(member))
    _add_covers(found)
    return Geography(
        {
            parent: tuple((kind, frozenset(areas)) for kind, areas in sorted(kinds.items()))
            for parent, kinds in sorted(found.items())
        }
    )


def _add_covers(found: dict[str, dict[str, set[str]]]) -> None:
    """Add, for every area, the areas that share out its members among them: two localities, say, for a district."""
    smaller: dict[str, dict[frozenset[str], str]] = defaultdict(dict)
    for area in sorted(found):
        for kind, members in sorted(found[area].items()):
            smaller[kind].setdefault(frozenset(members), area)
    for area in sorted(found):
        for kind, members in list(found[area].items()):
            for other, sets in sorted(smaller.items()):
                inside = [(own, name) for own, name in sets.items() if own < members and name != area]
                covered: set[str] = set()
                chosen: set[str] = set()
                for own, name in sorted(inside, key=lambda one: (-len(one[0]), one[1])):
                    if not own & covered:
                        covered |= own
                        chosen.add(name)
                if covered == members:
                    found[area][f"{kind} shared out as {other}"] = chosen


def age_range(label: str) -> tuple[int, int] | None:
    """Return the first age of a band and the first age above it.

    Args:
        label: ``15-44 yrs``, ``1 to 14``, ``65+ yrs``, ``85 and over``, ``<18 yrs``, ``Fewer than 1``, ``2 yrs``,
            ``All ages``.

    Returns:
        The half-open range, or None for a label that is not an age.
    """
    text = label.strip().lower()
    if text == "all ages":
        return 0, OLDEST
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if len(numbers) == 2 and numbers[0] <= numbers[1]:
        return numbers[0], numbers[1] + 1
    if len(numbers) != 1:
        return None
    if text.startswith(("<", "fewer than", "under")):
        return 0, numbers[0]
    if "+" in text or "over" in text:
        return numbers[0], OLDEST
    return (numbers[0], numbers[0] + 1) if re.fullmatch(r"\d+( yrs?)?", text) else None


class Relations:
    """The sums in which the cells of some indicators take part.

    Each sum is checked against the true counts once, when it is first asked for.
    """

    def __init__(self, cells: Sequence[Cell], geography: Geography, indicators: Iterable[str]) -> None:
        """Group the cells of the indicators into families in which one thing differs.

        Args:
            cells: All cells of the release.
            geography: Which areas lie in which.
            indicators: Indicators whose sums are wanted.
        """
        self.cells = cells
        wanted = set(indicators)
        self._own = [i for i, cell in enumerate(cells) if cell.indicator_id in wanted]
        self._families: list[tuple[str, list[int], Callable[[str, list[int]], list[Identity]]]] = []
        self._of_cell: dict[int, list[int]] = defaultdict(list)
        self._made: dict[int, list[Identity]] = {}
        self._geography = geography
        self._propose()

    def of(self, positions: Iterable[int]) -> list[Identity]:
        """Return the sums of every family in which one of the cells takes part."""
        families = sorted({family for position in positions for family in self._of_cell.get(position, ())})
        for family in families:
            if family not in self._made:
                kind, members, make = self._families[family]
                self._made[family] = make(kind, members)
        return [identity for family in families for identity in self._made[family]]

    def number(self, quantity: Quantity, position: int) -> float | None:
        """Return a true count or denominator."""
        cell = self.cells[position]
        return cell.implied_count if quantity == "n" else cell.denominator

    def _propose(self) -> None:
        by: dict[Hashable, list[int]] = defaultdict(list)
        for i in self._own:
            cell = self.cells[i]
            sex, age, category_type, category = cell.group
            place, series = (cell.table, cell.indicator_id, cell.area_code), cell.cell_id.rpartition("|")[2]
            by["sexes", place, cell.period, age, category_type, category, series].append(i)
            by["categories", place, cell.period, sex, age, series].append(i)
            by["ages", place, cell.period, sex, category_type, category, series].append(i)
            by["periods", place, cell.group, series].append(i)
            by["areas", cell.indicator_id, cell.period, cell.group].append(i)
            by["indicators", cell.source_id].append(i)
        makers: dict[str, Callable[[str, list[int]], list[Identity]]] = {
            "sexes": self._sexes,
            "categories": self._categories,
            "ages": self._ages,
            "periods": self._periods,
            "areas": self._areas,
            "indicators": self._indicators,
        }
        for key, members in by.items():
            kind = str(cast("tuple[Any, ...]", key)[0])
            if len(members) > 1:
                self._families.append((kind, members, makers[kind]))
                for member in members:
                    self._of_cell[member].append(len(self._families) - 1)

    def _total(self, kind: str, total: int, parts: Sequence[int]) -> list[Identity]:
        """Return that the parts add up to the total, or stay below it, where the numbers agree."""
        return [
            made
            for quantity in ("n", "d")
            for made in (self.sum_of(kind, (quantity, total), [(quantity, part) for part in parts]),)
            if made is not None
        ]

    def sum_of(self, kind: str, total: tuple[Quantity, int], parts: Sequence[tuple[Quantity, int]]) -> Identity | None:
        """Return that some counts add up to another, if the true numbers do not contradict it.

        Parts that fall short of the total by less than would hide a small count are a bound all the same: the rest of
        the total becomes an unknown of its own.

        Args:
            kind: Which relation it is.
            total: Quantity and position of the whole.
            parts: The same of the parts.
        """
        whole = self.number(*total)
        numbers = [self.number(*part) for part in parts]
        if whole is None or not parts:
            return None
        missing = [part for part, number in zip(parts, numbers, strict=True) if number is None]
        rest = whole - sum(number for number in numbers if number is not None)
        slack = 1e-6 * max(whole, 1.0)
        slack += sum(self.cells[i].tolerance for q, i in (total, *parts) if q == "n")
        threshold = max((self.cells[i].min_count for _, i in (total, *parts)), default=0)
        if rest < -slack:
            return None
        terms = [Term(total, 1.0), *(Term(part, -1.0) for part in parts)]
        exact = rest <= slack or (bool(missing) and rest <= 2 * threshold * len(missing))
        if not exact:
            if rest > 2 * threshold:
                return None
            terms.append(Term(("rest", kind, total, tuple(parts)), -1.0))
        return Identity(kind, tuple(terms), slack if slack > 1e-6 * max(whole, 1.0) else 0.0)

    def _sexes(self, kind: str, members: list[int]) -> list[Identity]:
        totals = [i for i in members if self.cells[i].group[0] == TOTAL_SEX]
        parts = [i for i in members if self.cells[i].group[0] not in {TOTAL_SEX, "Not applicable"}]
        return [identity for total in totals for identity in self._total(kind, total, parts)]

    def _categories(self, kind: str, members: list[int]) -> list[Identity]:
        totals = [i for i in members if self.cells[i].group[2] == TOTAL_CATEGORY]
        types: dict[str, list[int]] = defaultdict(list)
        for i in members:
            if self.cells[i].group[2] != TOTAL_CATEGORY:
                types[self.cells[i].group[2]].append(i)
        made = [
            identity for total in totals for parts in types.values() for identity in self._total(kind, total, parts)
        ]
        if not totals:  # two breakdowns of one whole that is not shown
            for first, second in pairwise(types[name] for name in sorted(types)):
                made += self._same_whole(kind, first, second)
        return made

    def _same_whole(self, kind: str, first: Sequence[int], second: Sequence[int]) -> list[Identity]:
        made: list[Identity] = []
        for quantity in ("n", "d"):
            numbers = [[self.number(quantity, i) for i in side] for side in (first, second)]
            if any(number is None for side in numbers for number in side):
                continue
            sums = [sum(number or 0.0 for number in side) for side in numbers]
            slack = 1e-6 * max(*sums, 1.0)
            slack += sum(self.cells[i].tolerance for i in (*first, *second)) if quantity == "n" else 0.0
            if abs(sums[0] - sums[1]) <= slack:
                terms = [Term((quantity, i), 1.0) for i in first] + [Term((quantity, i), -1.0) for i in second]
                made.append(Identity(kind, tuple(terms), slack))
        return made

    def _ages(self, kind: str, members: list[int]) -> list[Identity]:
        ranges = {i: found for i in members if (found := age_range(self.cells[i].group[1])) is not None}
        return self._along_a_line(kind, ranges)

    def _periods(self, kind: str, members: list[int]) -> list[Identity]:
        ranges: dict[int, tuple[int, int]] = {}
        for i in members:
            start, end = self.cells[i].period
            if start is not None and end is not None and end - start >= timedelta(days=27):
                ranges[i] = (start.toordinal(), end.toordinal() + 1)
        if not any(a[0] < b[1] and b[0] < a[1] and a != b for a, b in combinations(sorted(set(ranges.values())), 2)):
            return []
        return self._along_a_line(kind, ranges, quantities=("n",))

    def _along_a_line(
        self, kind: str, ranges: Mapping[int, tuple[int, int]], quantities: Sequence[Quantity] = ("n", "d")
    ) -> list[Identity]:
        """Return that each range is the sum of the pieces into which all of them cut the line."""
        if len(set(ranges.values())) < 2:
            return []
        edges = sorted({edge for one in ranges.values() for edge in one})
        made: list[Identity] = []
        for quantity in quantities:
            pieces: dict[tuple[int, int], Hashable] = {}
            for piece in pairwise(edges):
                own = next((i for i, one in ranges.items() if one == piece), None)
                pieces[piece] = (quantity, own) if own is not None else ("piece", kind, quantity, min(ranges), piece)
            sums: list[Identity] = []
            for i, (low, high) in ranges.items():
                if pieces.get((low, high)) == (quantity, i) or self.number(quantity, i) is None:
                    continue
                inside = [name for piece, name in pieces.items() if low <= piece[0] and piece[1] <= high]
                slack = sum(
                    self.cells[name[1]].tolerance
                    for name in ((quantity, i), *inside)
                    if is_cell_number(name) and name[0] == "n"
                )
                terms = (Term((quantity, i), 1.0), *(Term(name, -1.0) for name in inside))
                sums.append(Identity(kind, terms, slack))
            made += self._borne_out(sums)
        return made

    def _borne_out(self, sums: Sequence[Identity]) -> list[Identity]:
        """Keep the sums of a line that hold for the true counts: all of them, or those without an unknown."""
        names = sorted(
            {term.variable for one in sums for term in one.terms if self._true(term.variable) is None}, key=str
        )
        if not sums:
            return []
        if names:
            place = {name: i for i, name in enumerate(names)}
            matrix, wanted = np.zeros((len(sums), len(names))), np.zeros(len(sums))
            for row, one in enumerate(sums):
                for term in one.terms:
                    number = self._true(term.variable)
                    if number is None:
                        matrix[row, place[term.variable]] -= term.factor
                    else:
                        wanted[row] += term.factor * number
            residual = _nonnegative(matrix, wanted)[1]
            if residual <= 1e-6 * max(float(np.abs(wanted).max()), 1.0) + sum(one.tolerance for one in sums):
                return list(sums)
        kept: list[Identity] = []
        for one in sums:
            numbers = [self._true(term.variable) for term in one.terms]
            if all(number is not None for number in numbers):
                rest = sum(t.factor * (n or 0.0) for t, n in zip(one.terms, numbers, strict=True))
                if abs(rest) <= one.tolerance + 1e-6 * max(abs(numbers[0] or 0.0), 1.0):
                    kept.append(one)
        return kept

    def _true(self, variable: Hashable) -> float | None:
        return self.number(*variable) if is_cell_number(variable) else None

    def _areas(self, kind: str, members: list[int]) -> list[Identity]:
        at: dict[str, list[int]] = defaultdict(list)
        for i in members:
            at[self.cells[i].area_code].append(i)
        made: list[Identity] = []
        for area, own in at.items():
            for first, second in combinations(own, 2):  # as published and as added up here
                made += self._total("same figure twice", first, [second])
            for inside in self._inside(area, at):
                for total in own:
                    made += self._total(kind, total, inside)
        for area in sorted(self._geography.members.keys() - at.keys()):
            # Two ways to make up an area that has no figure of its own.
            for first, second in combinations(self._inside(area, at), 2):
                if set(first) != set(second):
                    made += self._same_whole(kind, first, second)
        return made

    def _inside(self, area: str, at: Mapping[str, Sequence[int]]) -> list[list[int]]:
        """Return, for each set of areas that may make up an area, the cells of those that have one."""
        found = [
            [at[part][0] for part in sorted(parts) if part in at] for _, parts in self._geography.members.get(area, ())
        ]
        return [inside for inside in found if inside]

    def _indicators(self, kind: str, members: list[int]) -> list[Identity]:
        """Return the sums of indicators of one source that hold at every area, period and group."""
        at: dict[str, dict[Hashable, int]] = defaultdict(dict)
        for i in members:
            cell = self.cells[i]
            if cell.implied_count is not None:
                at[cell.indicator_id][cell.table, cell.area_code, cell.period, cell.group] = i
        made: list[Identity] = []
        for whole in sorted(at):
            made += self._sums_to(kind, "n", at[whole], {name: at[name] for name in at if name != whole})
        made += self._shares_of_a_whole(kind, members)
        return made

    def _sums_to(
        self,
        kind: str,
        quantity: Quantity,
        whole: Mapping[Hashable, int],
        others: Mapping[str, Mapping[Hashable, int]],
    ) -> list[Identity]:
        near = {
            name: held for name, held in sorted(others.items()) if sum(key in held for key in whole) >= _FEWEST_SHARED
        }
        shared = [key for key in whole if sum(key in held for held in near.values()) > 1]
        common = [key for key in shared if all(key in held for held in near.values())]
        if not 1 < len(near) <= _MOST_PARTS or len(common) < len(near):
            return []
        matrix = np.array([[self.number("n", held[key]) or 0.0 for held in near.values()] for key in common])
        wanted = np.array([self.number(quantity, whole[key]) or 0.0 for key in common])
        factors = _nonnegative(matrix, wanted)[0]
        chosen = [name for name, factor in zip(near, factors, strict=True) if factor > 0.5]
        if len(chosen) < 2:
            return []
        keys = [key for key in whole if all(key in near[name] for name in chosen)]
        good = [
            found
            for key in keys
            if (found := self.sum_of(kind, (quantity, whole[key]), [("n", near[name][key]) for name in chosen]))
            and len(found.terms) == len(chosen) + 1
        ]
        return good if len(good) >= _FEWEST_SHARED and len(good) >= _ALMOST * len(keys) else []

    def _shares_of_a_whole(self, kind: str, members: list[int]) -> list[Identity]:
        """Return that the counts of indicators with one denominator add up to it, where they do everywhere."""
        at: dict[tuple[Hashable, float], list[int]] = defaultdict(list)
        for i in members:
            cell = self.cells[i]
            if cell.is_share and cell.denominator and cell.implied_count is not None:
                at[(cell.table, cell.area_code, cell.period, cell.group[0], cell.group[2:]), cell.denominator].append(i)
        found: dict[frozenset[str], list[list[int]]] = defaultdict(list)
        tried: dict[frozenset[str], int] = defaultdict(int)
        for (_, denominator), own in sorted(at.items(), key=str):
            one_each = {self.cells[i].indicator_id: i for i in own}
            names = sorted(one_each)[:_MOST_PARTS]
            for size in range(2, min(len(names), 5) + 1):
                for chosen in combinations(names, size):
                    parts = [one_each[name] for name in chosen]
                    tried[frozenset(chosen)] += 1
                    slack = 1e-6 * denominator + sum(self.cells[i].tolerance for i in parts)
                    if abs(sum(self.cells[i].implied_count or 0.0 for i in parts) - denominator) <= slack:
                        found[frozenset(chosen)].append(parts)
        return [
            identity
            for names, all_parts in sorted(found.items(), key=lambda one: sorted(one[0]))
            if len(all_parts) >= 2 and len(all_parts) >= _ALMOST * tried[names]
            for parts in all_parts
            if (identity := self.sum_of(kind, ("d", parts[0]), [("n", part) for part in parts]))
        ]


def _nonnegative(matrix: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the nonnegative factors that come closest to the wanted sums, and how far off they are."""
    return cast("tuple[NDArray[np.float64], float]", nnls(matrix, wanted))


def twins(cells: Sequence[Cell], wanted: set[str]) -> dict[int, set[int]]:
    """Find figures that say the same, or each the rest of the other, under two indicators.

    Two indicators are twins when their values agree, as far as both are printed, at nearly every area, period and group
    that both have, or their counts do, or their counts make up one denominator.

    Args:
        cells: All cells.
        wanted: Indicators whose twins are wanted.

    Returns:
        Position of a cell to the positions of its twins.
    """
    at: dict[Hashable, list[int]] = defaultdict(list)
    for i, cell in enumerate(cells):
        if cell.value is not None or cell.implied_count is not None:
            at[cell.area_code, cell.period, cell.group].append(i)
    agree: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
    shared: dict[tuple[str, str, str], int] = defaultdict(int)
    for i, j in (pair for own in at.values() for pair in combinations(own, 2)):
        first, second = sorted((cells[i].indicator_id, cells[j].indicator_id))
        if first == second or not wanted & {first, second}:
            continue
        for how, is_same in _agreement(cells[i], cells[j]):
            shared[first, second, how] += 1
            if is_same:
                agree[first, second, how].append((i, j))
    found: dict[int, set[int]] = defaultdict(set)
    for pair, both in agree.items():
        numbers = {cells[i].value if pair[2] == "value" else cells[i].implied_count for i, _ in both}
        if len(both) >= _FEWEST_SHARED and len(numbers) > 1 and len(both) >= _ALMOST * shared[pair]:
            for i, j in both:
                found[i].add(j)
                found[j].add(i)
    return found


def _agreement(first: Cell, second: Cell) -> Iterable[tuple[str, bool]]:
    """Yield each way in which two figures can be compared, and whether they agree in it."""
    if first.value is not None and second.value is not None:
        places = min(decimals_of(first.value), decimals_of(second.value))
        yield "value", abs(first.value - second.value) <= 0.5 * 10**-places + 1e-9
    if first.implied_count is not None and second.implied_count is not None:
        slack = first.tolerance + second.tolerance + 1e-6
        yield "count", first.implied_count > 0 and abs(first.implied_count - second.implied_count) <= slack
        if first.denominator and first.is_share and second.is_share:
            rest = first.denominator - first.implied_count - second.implied_count
            yield "complement", first.denominator == second.denominator and abs(rest) <= slack
