"""Which further figures have to be withheld so that no small count can be worked out from those that are left.

The search for partners belongs here: a flagged count is safe when the reader's linear programme, all identities and
bounds together, still allows it every number that it would be withheld for. What adds up to what is found in
``identities``, what is flagged in ``flags``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from scipy.optimize import linprog  # pyright: ignore[reportUnknownVariableType]
from scipy.sparse import (
    csr_array,
    hstack,  # pyright: ignore[reportUnknownVariableType]
    vstack,  # pyright: ignore[reportUnknownVariableType]
)

from pipelines.problems import NotPublished
from pipelines.publish.disclosure.identities import (
    TOTAL_CATEGORY,
    TOTAL_SEX,
    Relations,
    age_range,
    is_cell_number,
    twins,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pipelines.publish.disclosure.flags import Cell
    from pipelines.publish.disclosure.history import ShownNumbers
    from pipelines.publish.disclosure.identities import Geography, Identity

_CLOSE: Final = 1e-6
_INFEASIBLE: Final = 2
_LEAST_TOP: Final = 1e4
_MOST_AT_ONCE: Final = 40


@dataclass(frozen=True, slots=True)
class Wish:
    """A number that must stay uncertain.

    Attributes:
        position: Cell that it belongs to.
        factors: Variable to factor: a count, a denominator, or the difference of the two.
        constant: What is added, where a part of it is known.
        at_most: Smallest number that the reader must not be able to rule out.
        at_least: Largest such number.
        width: Smallest width of the interval, where the number itself is not known.
    """

    position: int
    factors: tuple[tuple[Hashable, float], ...]
    constant: float
    at_most: float
    at_least: float
    width: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Which cells are withheld, and why.

    Attributes:
        primary: Positions of cells that are small themselves.
        inherited: Cells that the publisher withholds.
        sticky: Cells that an earlier public edition withheld.
        twin: Cells that say the same as a withheld one under another indicator, series or table.
        partner: Cells that protect others against subtraction.
        exposed_before: Flagged cells that earlier public editions showed, or let be worked out.
        identities: Sums looked at, by kind.
    """

    primary: frozenset[int]
    inherited: frozenset[int]
    sticky: frozenset[int]
    twin: frozenset[int]
    partner: frozenset[int]
    exposed_before: frozenset[int]
    identities: Mapping[str, int]

    @property
    def withheld(self) -> frozenset[int]:
        """All cells that are withheld."""
        return self.primary | self.inherited | self.sticky | self.twin | self.partner

    @property
    def secondary(self) -> frozenset[int]:
        """Cells that are withheld for the sake of others, or because they once were."""
        return self.withheld - self.primary - self.inherited


def decide(
    cells: Sequence[Cell],
    geography: Geography,
    suppressed_before: frozenset[str] = frozenset(),
    shown_before: Mapping[str, ShownNumbers] | None = None,
) -> Decision:
    """Decide which cells of a release are withheld.

    Args:
        cells: Flagged cells of the release, from columns as they are.
        geography: Which areas lie in which.
        suppressed_before: Cell ids that an earlier public edition withheld.
        shown_before: Cell ids that an earlier public edition showed, with count and denominator.

    Returns:
        The decision. With the same arguments it is the same.

    Raises:
        NotProtectedError: A flagged count cannot be protected whatever is withheld.
    """
    shown = shown_before or {}
    primary = {i for i, cell in enumerate(cells) if cell.reasons}
    inherited = {i for i, cell in enumerate(cells) if cell.is_withheld_by_publisher and cell.policy is not None}
    sticky = {i for i, cell in enumerate(cells) if cell.cell_id in suppressed_before and cell.has_numbers}
    first = primary | inherited | sticky
    if not first:
        nobody: frozenset[int] = frozenset()
        return Decision(nobody, nobody, nobody, nobody, nobody, nobody, {})
    search = _Search(cells, geography, first)
    known = frozenset(i for i, cell in enumerate(cells) if _is_as_shown(cell, shown))
    # A partner that an earlier edition shows protects nothing from a reader who kept it: others are tried first.
    lost = search.protect(known, lambda i: i not in known)
    failed = search.protect(frozenset(), lambda _: True)
    if failed:
        names = "\n  ".join(sorted(cells[i].cell_id for i in failed))
        raise NotProtectedError(f"These small counts can be worked out whatever else is withheld:\n  {names}")
    return Decision(
        primary=frozenset(primary),
        inherited=frozenset(inherited - primary),
        sticky=frozenset(sticky - primary - inherited),
        twin=frozenset(search.twin),
        partner=frozenset(search.partner),
        exposed_before=frozenset(lost | {i for i in primary if cells[i].cell_id in shown and i in known}),
        identities=dict(sorted(search.counted.items())),
    )


class NotProtectedError(NotPublished):
    """A flagged count cannot be protected."""


def _is_as_shown(cell: Cell, shown: Mapping[str, ShownNumbers]) -> bool:
    """Return whether an earlier edition shows the numbers that a cell has now."""
    before = shown.get(cell.cell_id)
    if before is None:
        return False
    now = cell.count if cell.count is not None else cell.implied_count
    return before.count == now if before.count is not None and now is not None else before.value == cell.value


class _Search:
    """Withheld cells, and the reader's programme over them, while partners are added."""

    def __init__(self, cells: Sequence[Cell], geography: Geography, first: Iterable[int]) -> None:
        self.cells = cells
        self.hidden: set[int] = set()
        self.twin: set[int] = set()
        self.partner: set[int] = set()
        self.counted: dict[str, int] = {}
        start = set(first)
        indicators = {cells[i].indicator_id for i in start}
        self._twins = twins(cells, indicators)
        self._same: dict[tuple[int, int, int, int], list[int]] = defaultdict(list)
        for i, cell in enumerate(cells):
            self._same[cell.keys].append(i)
        # Sums of indicators reach across a source, so its indicators are looked at together.
        sources = {cells[i].source_id for i in start}
        reached = indicators | {cells[j].indicator_id for found in self._twins.values() for j in found}
        reached |= {cell.indicator_id for cell in cells if cell.source_id in sources}
        self._relations = Relations(cells, geography, reached)
        self._safe: set[tuple[frozenset[Hashable], frozenset[int]]] = set()
        self._hide(start, self.twin)

    def _hide(self, positions: Iterable[int], said_to_be: set[int]) -> None:
        """Withhold cells, and whatever says the same as they do."""
        waiting = sorted(set(positions) - self.hidden)
        self.hidden |= set(waiting)
        while waiting:
            i = waiting.pop()
            others = {*self._twins.get(i, ()), *self._same[self.cells[i].keys]} - self.hidden
            others = {j for j in others if self.cells[j].has_numbers}
            self.hidden |= others
            said_to_be |= others
            waiting += sorted(others)

    def protect(self, known: frozenset[int], may_hide: Callable[[int], bool]) -> set[int]:
        """Withhold partners until every flagged count is safe.

        Args:
            known: Cells whose numbers the reader has although they are withheld.
            may_hide: Whether a cell may become a partner.

        Returns:
            Positions of flagged cells for which there is no partner left.
        """
        lost: set[int] = set()
        self._safe.clear()
        while True:
            self._protect_each_sum(known, may_hide)
            programmes = self._programmes(known)
            added: set[int] = set()
            for programme in programmes:
                if programme.name in self._safe:
                    continue
                failures = programme.failures(lost)
                if not failures:
                    self._safe.add(programme.name)
                for wish, binding in failures:
                    if any(_names_one_of(added, one) for one in binding):
                        continue  # may be safe already
                    partner = self._partner(binding, programme.identities, may_hide)
                    if partner is None:
                        lost.add(wish.position)
                    else:
                        added.add(partner)
            for i in sorted(added - self.hidden):
                self.partner.add(i)
                self._hide([i], self.twin)
            if not added and all(programme.name in self._safe for programme in programmes):
                return lost

    def _protect_each_sum(self, known: frozenset[int], may_hide: Callable[[int], bool]) -> None:
        """Give every sum with one withheld term, or with terms that add up to too little, a partner of its own.

        The programmes would find the same, one sum after another; this is the quick way through the obvious ones.
        """
        tried: set[Identity] = set()
        while True:
            secret = self.hidden - known
            found: set[int] = set()
            for one in self._relations.of(self.hidden):
                if one in tried or _names_one_of(found, one) or not self._is_bare(one, secret):
                    continue
                partner = self._partner([one], [], may_hide)
                if partner is None:
                    tried.add(one)
                else:
                    found.add(partner)
            if not found:
                return
            self.partner |= found
            self._hide(found, self.twin)

    def _is_bare(self, one: Identity, secret: set[int]) -> bool:
        """Return whether a sum on its own gives a withheld count away."""
        unknown = [term for term in one.terms if self.is_unknown(term.variable, secret)]
        named = [term.variable for term in unknown if is_cell_number(term.variable)]
        wanted = [i for _, i in named if i in secret]
        if not wanted or len(named) < len(unknown):
            return False
        if len(unknown) == 1:
            return True
        if any(term.factor > 0 for term in unknown) or not any(term.factor > 0 for term in one.terms):
            return False
        numbers = [self._relations.number(*name) for name in named]
        least = max(self.cells[i].min_count for i in wanted)
        return all(number is not None for number in numbers) and sum(n or 0.0 for n in numbers) < least - 1

    def _partner(
        self, binding: Sequence[Identity], all_of_them: Sequence[Identity], may_hide: Callable[[int], bool]
    ) -> int | None:
        """Choose the cell that costs least among those of the sums that give a count away."""
        for identities in (binding, all_of_them):
            found = {
                term.variable[1]
                for one in identities
                for term in one.terms
                if is_cell_number(term.variable) and term.variable[1] not in self.hidden
            }
            allowed = [i for i in found if self.cells[i].has_numbers and may_hide(i)]
            if allowed:
                return min(allowed, key=self._cost)
        return None

    def _cost(self, position: int) -> tuple[bool, int, float, str]:
        """Prefer parts to totals, and small figures to large ones that still hide something."""
        cell = self.cells[position]
        number = cell.implied_count or 0.0
        totals = (cell.group[0] == TOTAL_SEX) + (cell.group[2] == TOTAL_CATEGORY) + (cell.area_type == "england") * 2
        band = age_range(cell.group[1])
        totals += band is not None and band[1] - band[0] > 99
        return number < (cell.min_count or 1), totals, number, cell.cell_id

    def _programmes(self, known: frozenset[int]) -> list[_Programme]:
        """Cut the sums into parts that share no unknown, each with the counts that it must not give away."""
        secret = self.hidden - known
        identities = self._relations.of(self.hidden)
        self.counted = dict(Counter(one.kind for one in identities))
        linked = _Linked()
        unknown_of: list[tuple[Identity, Hashable]] = []
        for one in identities:
            names = [term.variable for term in one.terms if self.is_unknown(term.variable, secret)]
            if names:
                linked.link(names)
                unknown_of.append((one, names[0]))
        for i in secret:  # a count and its small denominator bound one another
            if self.is_unknown(("d", i), secret) and ("d", i) in linked and ("n", i) in linked:
                linked.link([("n", i), ("d", i)])
        parts: dict[Hashable, list[Identity]] = defaultdict(list)
        for one, name in unknown_of:
            parts[linked.of(name)].append(one)
        wishes: dict[Hashable, list[Wish]] = defaultdict(list)
        for wish in (wish for i in sorted(secret) for wish in self._wishes(i, secret)):
            for part in dict.fromkeys(linked.of(name) for name, _ in wish.factors if name in linked):
                wishes[part].append(wish)
        return [
            _Programme(self, part, wishes[name], secret)
            for name, part in sorted(parts.items(), key=lambda one: str(one[0]))
            if name in wishes
        ]

    def _wishes(self, position: int, secret: set[int]) -> Iterable[Wish]:
        cell = self.cells[position]
        least = cell.min_count
        if not least:
            return
        low = 0.0 if cell.policy is not None and not cell.policy.zero_is_safe else 1.0
        if "count" in cell.reasons or "limits" in cell.reasons or "population" in cell.reasons:
            yield Wish(position, ((("n", position), 1.0),), 0.0, low, least - 1, 0.0)
        elif cell.is_withheld_by_publisher:
            yield Wish(position, ((("n", position), 1.0),), 0.0, float("inf"), float("-inf"), least - 2)
        if "denominator" in cell.reasons:
            yield Wish(position, ((("d", position), 1.0),), 0.0, 1.0, least - 1, 0.0)
        if "complement" in cell.reasons:
            if self.is_unknown(("d", position), secret):
                yield Wish(position, ((("d", position), 1.0), (("n", position), -1.0)), 0.0, low, least - 1, 0.0)
            else:
                constant = cell.denominator or 0.0
                yield Wish(position, ((("n", position), -1.0),), constant, low, least - 1, 0.0)

    def is_unknown(self, variable: Hashable, secret: set[int]) -> bool:
        """Return whether the reader does not have a number: denominators that are not small are taken as known."""
        if not is_cell_number(variable):
            return True
        quantity, i = variable
        number = self._relations.number(quantity, i)
        if number is None:
            return True
        if i not in secret:
            return False
        return quantity == "n" or number < max(self.cells[i].min_count, 1)

    def number(self, variable: Hashable) -> float:
        """Return a number that the reader has."""
        return (self._relations.number(*variable) if is_cell_number(variable) else None) or 0.0


class _Linked:
    """Names that have been put together, in groups."""

    def __init__(self) -> None:
        self._root: dict[Hashable, Hashable] = {}

    def __contains__(self, name: Hashable) -> bool:
        return name in self._root

    def of(self, name: Hashable) -> Hashable:
        """Return the name that stands for the group."""
        while self._root.setdefault(name, name) != name:
            self._root[name] = self._root[self._root[name]]
            name = self._root[name]
        return name

    def link(self, names: Sequence[Hashable]) -> None:
        """Put names into one group."""
        first = self.of(names[0])
        for name in names[1:]:
            self._root[self.of(name)] = first


def _names_one_of(positions: set[int], one: Identity) -> bool:
    """Return whether one of the cells is a term of a sum."""
    return any(is_cell_number(term.variable) and term.variable[1] in positions for term in one.terms)


_Row = tuple["Mapping[int, float]", float]
"""Factors of a sum by column, and what they add up to."""

_Side = tuple[Wish, "NDArray[np.float64]", int, float]
"""A wish for a low (1) or high (-1) number: what it is of, as factors by column, and how low or high."""


class _Programme:
    """The reader's linear programme over the unknowns of sums that hang together."""

    def __init__(
        self, search: _Search, identities: Sequence[Identity], wishes: Sequence[Wish], secret: set[int]
    ) -> None:
        self.identities = list(identities)
        self.wishes = list(wishes)
        names: dict[Hashable, int] = {}
        for one in identities:
            for term in one.terms:
                if search.is_unknown(term.variable, secret):
                    names.setdefault(term.variable, len(names))
        for wish in wishes:
            for name, _ in wish.factors:
                names.setdefault(name, len(names))
        self._names = names
        self.name = (frozenset(names), frozenset(wish.position for wish in wishes))
        equal: list[_Row] = []
        below: list[_Row] = []
        self._equal_of: list[Identity] = []
        self._below_of: list[Identity | None] = []
        for one in identities:
            row: dict[int, float] = defaultdict(float)
            rest = 0.0
            for term in one.terms:
                if term.variable in names:
                    row[names[term.variable]] += term.factor
                else:
                    rest -= term.factor * search.number(term.variable)
            if one.tolerance:
                below += [(row, rest + one.tolerance), ({k: -v for k, v in row.items()}, one.tolerance - rest)]
                self._below_of += [one, one]
            else:
                equal.append((row, rest))
                self._equal_of.append(one)
        self._bounds = [self._bound(search, name, secret, below) for name in names]
        largest = max((search.number(name) for name in names if is_cell_number(name)), default=0.0)
        self._top = max(10 * largest, _LEAST_TOP)
        self._equal = _matrix(equal, len(names))
        self._below = _matrix(below, len(names))
        self._points: list[NDArray[np.float64]] = []

    def _bound(
        self, search: _Search, name: Hashable, secret: set[int], below: list[_Row]
    ) -> tuple[float, float | None]:
        """Return the bounds of an unknown: a count is no larger than its denominator, known or not."""
        if not is_cell_number(name):
            return 0.0, None
        quantity, i = name
        cell = search.cells[i]
        if quantity != "n" or not cell.is_share or cell.denominator is None:
            return 0.0, None
        if ("d", i) in self._names:
            below.append(({self._names[name]: 1.0, self._names["d", i]: -1.0}, 0.0))
            self._below_of.append(None)
            return 0.0, None
        return 0.0, None if search.is_unknown(("d", i), secret) else cell.denominator

    def failures(self, given_up: set[int]) -> list[tuple[Wish, list[Identity]]]:
        """Return the wishes that are not met, each with the sums that are to blame; none when all are met."""
        failed: dict[int, tuple[Wish, list[Identity]]] = {}
        sides: list[_Side] = []
        for wish in (wish for wish in self.wishes if wish.position not in given_up):
            goal = np.zeros(len(self._names))
            for name, factor in wish.factors:
                goal[self._names[name]] += factor
            if not wish.width:
                sides.append((wish, goal, 1, wish.at_most - wish.constant))
                sides.append((wish, goal, -1, wish.at_least - wish.constant))
                continue
            low, blame = self._extreme(goal, 1)
            high, other = self._extreme(goal, -1)
            if high - low < wish.width - _CLOSE:
                failed[wish.position] = (wish, [*blame, *other])
        for wish, goal, sign, bound in self._met_together(sides):
            if wish.position in failed or len(failed) >= _MOST_AT_ONCE:
                continue
            if not self._unmet([(wish, goal, sign, bound)]):
                continue
            number, blame = self._extreme(goal, sign)
            if sign * number > sign * bound + _CLOSE:
                failed[wish.position] = (wish, blame)
        return list(failed.values())

    def _met_together(self, sides: Sequence[_Side]) -> list[_Side]:
        """Look for solutions that meet many wishes at once, and return those that are left."""
        left = self._unmet(sides)
        for sign in (1, -1):
            before = len(left) + 1
            while len(left) < before:
                before = len(left)
                mine = [side for side in left if side[2] == sign]
                if len(mine) > 1 and self._meet_together(mine, sign):
                    left = self._unmet(left)
        return left

    def _unmet(self, sides: Sequence[_Side]) -> list[_Side]:
        """Return the sides of wishes that no solution found so far meets."""
        if not self._points or not sides:
            return list(sides)
        numbers = np.array([goal for _, goal, _, _ in sides]) @ np.array(self._points).T
        return [
            side
            for side, found in zip(sides, numbers, strict=True)
            if not bool((side[2] * found <= side[2] * side[3] + _CLOSE).any())
        ]

    def _meet_together(self, sides: Sequence[_Side], sign: int) -> bool:
        """Look for one solution that meets as many wishes as possible: each counts up to its bound and no further."""
        rows, columns = len(sides), len(self._names)
        goals = csr_array(np.array([sign * goal for _, goal, _, _ in sides]))
        wide_below = _beside([goals, csr_array(-np.eye(rows))])  # sign * goal <= its own extra variable
        below, limits = wide_below, np.zeros(rows)
        if self._below[0] is not None:
            below = _below([_beside([self._below[0], csr_array((self._below[0].shape[0], rows))]), wide_below])
            limits = np.concatenate([self._below[1], limits])
        equal = None
        if self._equal[0] is not None:
            equal = _beside([self._equal[0], csr_array((self._equal[0].shape[0], rows))])
        found = _linprog(
            np.concatenate([np.zeros(columns), np.ones(rows)]),
            A_ub=below.tocsr(),
            b_ub=limits,
            A_eq=None if equal is None else equal.tocsr(),
            b_eq=self._equal[1],
            bounds=[*self._limited(), *((sign * bound, None) for _, _, _, bound in sides)],
            method="highs",
        )
        if found.x is None:
            return False
        self._points.append(np.asarray(found.x[:columns], dtype=np.float64))
        return True

    def _limited(self) -> list[tuple[float, float]]:
        """Return the bounds, with one from above where nothing bounds a count, so that no programme runs away."""
        return [(low, self._top if high is None else high) for low, high in self._bounds]

    def _extreme(self, goal: NDArray[np.float64], sign: int) -> tuple[float, list[Identity]]:
        """Return the smallest (1) or largest (-1) number that the sums allow, and the sums that stop it there."""
        found = self._solve(sign * goal)
        for _ in range(2):
            if found.status == _INFEASIBLE:
                self._drop_contradictions()
                found = self._solve(sign * goal)
        if found.x is None:
            return sign * float("inf"), []  # nothing can be said for it, so it is not safe
        point = np.asarray(found.x, dtype=np.float64)
        self._points.append(point)
        blame = [
            one for one, price in zip(self._equal_of, _prices(found, "eqlin"), strict=False) if abs(price) > _CLOSE
        ]
        blame += [
            one
            for one, price in zip(self._below_of, _prices(found, "ineqlin"), strict=False)
            if one is not None and abs(price) > _CLOSE
        ]
        return float(goal @ point), blame

    def _solve(self, goal: NDArray[np.float64]) -> Any:
        return _linprog(
            goal,
            A_ub=self._below[0],
            b_ub=self._below[1],
            A_eq=self._equal[0],
            b_eq=self._equal[1],
            bounds=self._limited(),
            method="highs",
        )

    def _drop_contradictions(self) -> None:
        """Leave out sums that cannot all hold: one with a figure that its publisher withholds was a wrong guess."""
        matrix, wanted = self._equal
        if matrix is None or wanted is None:
            self._below = (None, None)
            self._below_of = []
            return
        rows, columns = matrix.shape
        eye = csr_array(np.eye(rows))
        wide = _beside([matrix, eye, -eye]).tocsr()
        goal = np.concatenate([np.zeros(columns), np.ones(2 * rows)])
        bounds = [*self._limited(), *((0, None) for _ in range(2 * rows))]
        found = _linprog(goal, A_eq=wide, b_eq=wanted, bounds=bounds, method="highs")
        off = np.abs(found.x[columns : columns + rows]) + np.abs(found.x[columns + rows :])
        keep = np.flatnonzero(off <= _CLOSE * 10)
        if len(keep) == rows:  # the contradiction is in the inequalities
            self._below = (None, None)
            self._below_of = []
            return
        self._equal = (matrix[keep], wanted[keep])
        self._equal_of = [self._equal_of[i] for i in keep]


def _beside(parts: Sequence[Any]) -> Any:
    """Put sparse matrices side by side, by a function that has no types."""
    return cast("Any", hstack)(parts)


def _below(parts: Sequence[Any]) -> Any:
    """Put sparse matrices one below the other, by a function that has no types."""
    return cast("Any", vstack)(parts)


def _linprog(goal: NDArray[np.float64], **given: Any) -> Any:
    """Return the answer of the solver, which has no types."""
    return cast("Any", linprog)(goal, **given)


def _prices(found: Any, side: str) -> Sequence[float]:
    """Return the shadow prices of one kind of constraint."""
    return () if found.x is None else getattr(getattr(found, side, None), "marginals", ())


def _matrix(rows: Sequence[tuple[Mapping[int, float], float]], columns: int) -> Any:
    """Return sparse matrix and right-hand side, or two None when there are no rows."""
    if not rows:
        return None, None
    data = [value for row, _ in rows for value in row.values()]
    inside = [column for row, _ in rows for column in row]
    starts = np.cumsum([0, *(len(row) for row, _ in rows)])
    return csr_array((data, inside, starts), shape=(len(rows), columns)), np.array([rest for _, rest in rows])
