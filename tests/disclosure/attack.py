# ruff: noqa: C901, PLR0912 - one branch a formula is what an attack is
"""An attempt to read withheld counts from public files, by whoever has them and time.

The attacker knows how such tables are made (rates, limits, gaps, texts), all denominators that are not small, and which
counts add up to which: the last is learned from the whole file by looking for sums that hold, without the lists of
labels, parents and formulas that the suppression itself uses. Nothing of ``pipelines.publish.disclosure`` is used here.

:func:`attack` returns what was tried and what was recovered; to show that it works it is also run on files that are not
protected well, in the tests.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import connected_components

Z_95, Z_998 = 1.959963984540054, 3.090232306167813
COLUMNS = ("indicator_id", "area_code", "period_label", "sex", "age", "category_type", "category")
Cell = tuple[str, str, str, str, str, str, str]
"""Indicator, area, period, sex, age, type of category, category."""

MOST_LABELS = 11
FLOOR = 0.49


@dataclass
class File:
    """What one file says.

    Attributes:
        rows: Rows of the two tables of figures, each with its cell under ``cell``.
        tables: Every other table as dictionaries.
        cell_of: Key of a row of ``fct_indicator_value`` to its cell.
    """

    rows: list[dict[str, Any]]
    tables: dict[str, list[dict[str, Any]]]
    cell_of: dict[int, Cell]
    labels: dict[str, dict[int, Any]]
    multiplier: dict[str, float]
    value_type: dict[str, str]


@dataclass
class Result:
    """What came of an attack.

    Attributes:
        suppressed: Small counts that should not be found.
        tried: Identities and formulas tried, by kind.
        recovered: (kind, cell, number) of counts that were found exactly.
        pinned: Cells whose count is known to be small without being known exactly.
    """

    suppressed: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    recovered: set[tuple[str, Cell, int]] = field(default_factory=set)
    pinned: set[Cell] = field(default_factory=set)

    def __str__(self) -> str:
        """Return the figures in one paragraph."""
        kinds = Counter(kind for kind, _, _ in self.recovered)
        cells = {cell for _, cell, _ in self.recovered}
        return (
            f"{self.suppressed} small counts; {sum(self.tried.values())} identities tried "
            f"{dict(sorted(self.tried.items()))}; "
            f"{len(cells)} recovered {dict(sorted(kinds.items()))}; {len(self.pinned)} more known to be small"
        )


def read(path: Path) -> File:
    """Read a file as an analyst would."""
    with duckdb.connect(str(path), read_only=True) as c:

        def rows(table: str) -> list[dict[str, Any]]:
            found = c.execute(f'select * from "{table}"')
            names = [one[0] for one in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        names = [name for (name,) in c.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        tables = {name: rows(name) for name in names}
    labels: dict[str, dict[int, Any]] = {
        "indicator": {row["indicator_key"]: row for row in tables["dim_indicator"]},
        "area": {row["area_key"]: row for row in tables["dim_area"]},
        "period": {row["period_key"]: row for row in tables["dim_period"]},
        "group": {row["population_group_key"]: row for row in tables["dim_population_group"]},
    }
    file = File(
        [],
        tables,
        {},
        labels,
        {row["indicator_id"]: row["multiplier"] or 1.0 for row in tables["dim_indicator"]},
        {row["indicator_id"]: row["value_type"] or "" for row in tables["dim_indicator"]},
    )
    for table in ("fct_indicator_value", "fct_footprint_value"):
        for row in tables[table]:
            cell = cell_at(file, row)
            file.rows.append({**row, "cell": cell, "table": table})
            if table == "fct_indicator_value":
                file.cell_of[row["indicator_value_key"]] = cell
    return file


def cell_at(file: File, row: Mapping[str, Any]) -> Cell:
    """Return the cell that the keys of a row name."""
    group = file.labels["group"][row["population_group_key"]]
    return (
        str(file.labels["indicator"][row["indicator_key"]]["indicator_id"]),
        str(file.labels["area"][row["area_key"]]["area_code"]),
        str(file.labels["period"][row["period_key"]]["period_label"]),
        *(str(group[name]) for name in COLUMNS[3:]),
    )  # type: ignore[return-value]


def numerator(file: File, row: Mapping[str, Any]) -> float | None:
    """Return the count that a row states, or that its value and denominator imply."""
    kind, factor = file.value_type[row["cell"][0]], file.multiplier[row["cell"][0]]
    if row["count"] is not None:
        return float(row["count"])
    if row["value"] is None:
        return None
    if kind == "count":
        return float(row["value"])
    if row["denominator"] is not None and kind in {"proportion", "crude_rate"}:
        return float(row["value"] * row["denominator"] / factor)
    return None


def from_limits(kind: str, value: float, lower: float, upper: float, factor: float, z: float) -> Iterator[float]:
    """Yield counts that limits imply: of a share by Wilson, of a rate by Byar, of a standardised rate by Dobson."""
    if kind == "proportion":
        p = value / factor
        for limit in (lower / factor, upper / factor):
            if 0 < limit < 1 and abs(p - limit) > 1e-9:
                n = z * z * limit * (1 - limit) / (p - limit) ** 2
                yield p * n
                yield (1 - p) * n
    elif kind in {"crude_rate", "directly_standardised_rate"} and value > 0 and lower > 0:
        for count in range(1, 60):  # the attacker needs no algebra: there are few small numbers
            more = count + 1
            low = (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3
            high = more / count * (1 - 1 / (9 * more) + z / (3 * math.sqrt(more))) ** 3
            if kind == "crude_rate" and abs(lower / value - low) < 1e-6 and abs(upper / value - high) < 1e-6:
                yield float(count)
            if abs((upper - value) * (1 - low) - (value - lower) * (high - 1)) < 1e-9 * value:
                yield float(count)


class Attack:
    """One attacker with some public files and general knowledge."""

    def __init__(self, whole: Path, least: int) -> None:
        """Learn the truth (to judge guesses by), the denominators and the sums.

        Args:
            whole: The edition for staff.
            least: Smallest count that may be known.
        """
        self.least = least
        self.whole = read(whole)
        self.truth: dict[Cell, float] = {}
        self.base: dict[Cell, float] = {}
        for row in self.whole.rows:
            n = numerator(self.whole, row)
            if n is not None:
                self.truth.setdefault(row["cell"], float(round(n)) if abs(n - round(n)) < 0.01 else n)
            if row["denominator"] is not None:
                self.base.setdefault(row["cell"], float(row["denominator"]))
        self._add_limits_to_truth()
        self.known_base = {cell: d for cell, d in self.base.items() if d >= least}
        self.share = {name for name, kind in self.whole.value_type.items() if kind == "proportion"}
        self.result = Result()
        self.small_n = {cell for cell, n in self.truth.items() if FLOOR < n < least - FLOOR}
        self.small_d = {cell for cell, d in self.base.items() if 0 < d < least}
        self.small_c = {
            cell
            for cell, d in self.base.items()
            if cell[0] in self.share and cell in self.truth and FLOOR < d - self.truth[cell] < least - FLOOR
        }
        self.targets = self.small_n | self.small_d | self.small_c
        self.result.suppressed = len(self.targets)
        self.relations = {
            "n": list(self._learn(self.truth)),
            "d": list(self._learn(self.base)),
        }
        self.same_value = self._learn_copies()

    def _add_limits_to_truth(self) -> None:
        """Judge rates without counts by what their exact limits imply."""
        for row in self.whole.rows:
            cell = row["cell"]
            if cell in self.truth or row["value"] is None or row["lower_ci_95"] is None or row["upper_ci_95"] is None:
                continue
            kind, factor = self.whole.value_type[cell[0]], self.whole.multiplier[cell[0]]
            if kind in {"crude_rate", "directly_standardised_rate"}:
                found = list(from_limits(kind, row["value"], row["lower_ci_95"], row["upper_ci_95"], factor, Z_95))
                if found:
                    self.truth[cell] = found[0]

    # What adds up to what.

    def _learn(self, numbers: Mapping[Cell, float]) -> Iterator[tuple[str, dict[Cell, float]]]:
        """Yield every sum of the whole file: cell to factor, adding up to nothing.

        One thing varies at a time. Which labels add up to which is tried on the families with the largest numbers, all
        subsets of them, and kept when it holds wherever all of them occur.
        """
        for place, name in enumerate((*COLUMNS, "group")):
            families: dict[Any, dict[Any, Cell]] = defaultdict(dict)
            for cell in numbers:
                if name == "group":
                    families[cell[:5]][cell[5:]] = cell
                elif name not in {"category", "category_type"}:
                    families[(*cell[:place], *cell[place + 1 :])][cell[place]] = cell
            kept = [family for family in families.values() if len(family) > 1]
            for whole, parts in self._sums(kept, numbers, self._proposed(name)):
                for family in kept:
                    if all(label in family for label in (*whole, *parts)):
                        self.result.tried[f"sum over {name}"] += 1
                        terms = {family[label]: 1.0 for label in whole}
                        terms |= {family[label]: -1.0 for label in parts}
                        yield name, terms

    def _proposed(self, name: str) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """Return sums of areas that a map suggests, which are too many labels to try all subsets of."""
        if name != "area_code":
            return []
        inside: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for area in self.whole.tables["dim_area"]:
            inside["E92000001", area["area_type"], ""].add(area["area_code"])
            if area["area_code"][:3] in {"E06", "E07", "E08", "E09"} and area.get("region_code"):
                inside[area["region_code"], "authorities of any type", ""].add(area["area_code"])
                inside["E92000001", "authorities of any type", ""].add(area["area_code"])
            for column, parent in area.items():
                if column.endswith("_code") and column != "area_code" and parent and parent != area["area_code"]:
                    inside[parent, area["area_type"], column].add(area["area_code"])
        for row in self.whole.tables["bridge_area_footprint"]:
            inside[row["footprint_code"], row["footprint_type"] or "", "footprint"].add(row["constituent_code"])
        # Two footprints may make up a district.
        for parent, kind, _ in list(inside):
            members = inside[parent, kind, _]
            own = [foot for (foot, _, how), parts in inside.items() if how == "footprint" and parts < members]
            for pair in combinations(sorted(set(own)), 2):
                covered = [parts for (foot, _, how), parts in inside.items() if how == "footprint" and foot in pair]
                if set().union(*covered) == members:
                    inside[parent, "two footprints", "+".join(pair)] = set(pair)
        return [((parent,), tuple(sorted(parts))) for (parent, _, _), parts in sorted(inside.items()) if len(parts) > 1]

    @staticmethod
    def _sums(
        families: list[dict[Any, Cell]], numbers: Mapping[Cell, float], proposed: list[Any]
    ) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """Yield (labels, labels) of equal sums."""
        candidates = {(whole, parts) for whole, parts in proposed}
        by_labels: dict[frozenset[Any], list[dict[Any, Cell]]] = defaultdict(list)
        for family in families:
            if len(family) <= MOST_LABELS:
                by_labels[frozenset(family)].append(family)
        for labels, alike in sorted(by_labels.items(), key=lambda one: sorted(map(str, one[0]))):
            sample = max(alike, key=lambda one: sum(numbers[cell] for cell in one.values()))
            order = sorted(labels, key=str)
            values = [numbers[sample[label]] for label in order]
            found: dict[int, list[tuple[int, ...]]] = defaultdict(list)
            for size in range(1, len(order)):
                for chosen in combinations(range(len(order)), size):
                    found[round(sum(values[i] for i in chosen) * 1000)].append(chosen)
            for total, subsets in found.items():
                if total == 0:
                    continue
                for first, second in combinations(subsets, 2):
                    if not set(first) & set(second) and min(len(first), len(second)) <= 2:
                        pair = sorted((first, second), key=len)
                        candidates.add((tuple(order[i] for i in pair[0]), tuple(order[i] for i in pair[1])))
        for whole, parts in sorted(candidates, key=str):
            held = failed = 0
            for family in families:
                if all(label in family for label in (*whole, *parts)):
                    left = sum(numbers[family[label]] for label in whole)
                    right = sum(numbers[family[label]] for label in parts)
                    held, failed = (held + 1, failed) if abs(left - right) < FLOOR and left else (held, failed + 1)
            if held >= 2 and held >= 0.9 * (held + failed):
                yield whole, parts

    def _learn_copies(self) -> list[tuple[str, str, bool]]:
        """Return pairs of indicators with the same value, or values that make up the whole of the scale."""
        at: dict[Any, dict[str, float]] = defaultdict(dict)
        for row in self.whole.rows:
            if row["value"] is not None:
                at[row["cell"][1:]][row["cell"][0]] = row["value"]
        same: Counter[tuple[str, str, bool]] = Counter()
        both: Counter[tuple[str, str]] = Counter()
        for values in at.values():
            for one, other in combinations(sorted(values), 2):
                both[one, other] += 1
                if abs(values[one] - values[other]) <= 0.0501:
                    same[one, other, False] += 1
                if one in self.share and other in self.share and abs(100 - values[one] - values[other]) <= 0.0501:
                    same[one, other, True] += 1
        return [pair for pair, times in sorted(same.items()) if times >= 3 and times >= 0.95 * both[pair[0], pair[1]]]

    # What a file says without its figures.

    def _guesses(self, file: File) -> Iterator[tuple[str, Cell, str, float]]:
        """Yield (how, cell, ``n``, ``d`` or ``value``, number) for everything that can be computed from one row."""
        for row in file.rows:
            cell = row["cell"]
            kind, factor = file.value_type[cell[0]], file.multiplier[cell[0]]
            if row["count"] is not None:
                yield "count as stated", cell, "n", row["count"]
            if row["denominator"] is not None:
                yield "denominator as stated", cell, "d", row["denominator"]
            for column in ("value", "value_computed", "value_supplied", "published_value"):
                if row.get(column) is not None:
                    yield f"{column} times denominator", cell, "value", row[column]
            if row.get("value_as_published"):
                for number in re.findall(r"\d+(?:\.\d+)?", row["value_as_published"])[:1]:
                    yield "text of the cell", cell, "value", float(number)
            for z, limits in (
                (Z_95, ("lower_ci_95", "upper_ci_95")),
                (Z_998, ("lower_ci_99_8", "upper_ci_99_8")),
                (Z_95, ("lower_ci_95_computed", "upper_ci_95_computed")),
                (Z_998, ("lower_ci_99_8_computed", "upper_ci_99_8_computed")),
            ):
                low, high = (row.get(name) for name in limits)
                if low is None or high is None:
                    continue
                for value in {one for one in (row["value"], row.get("value_computed")) if one is not None}:
                    for n in from_limits(kind, value, low, high, factor, z):
                        yield "limits", cell, "limits", n
                if kind == "proportion" and row["value"] is None and cell in self.known_base:
                    d, low, high = self.known_base[cell], low / factor, high / factor
                    middle = (low + high) / 2
                    yield "middle of the limits", cell, "n", middle * (d + z * z) - z * z / 2
            for column, code in (
                ("england_value", "E92000001"),
                ("region_value", file.labels["area"][row["area_key"]].get("region_code")),
                ("parent_value", row.get("parent_code")),
            ):
                if row.get(column) is not None and code:
                    yield f"{column} of another row", (cell[0], str(code), *cell[2:]), "value", row[column]
            if row.get("difference_from_published") is not None and row["value"] is not None:
                yield "difference from published", cell, "value", row["value"] - row["difference_from_published"]
            if row.get("recent_trend_chi_squared") is not None:
                yield "trend", cell, "n", row["recent_trend_chi_squared"]
        yield from self._guesses_of_targets(file)
        yield from self._guesses_of_other_tables(file)
        yield from self._guesses_of_texts(file)

    def _guesses_of_targets(self, file: File) -> Iterator[tuple[str, Cell, str, float]]:
        for row in file.tables["fct_target_vs_actual"]:
            now = file.cell_of.get(row["actual_value_key"]) or cell_at(file, row)
            start = file.cell_of.get(row["baseline_value_key"] or 0)
            target = row["target_value"]
            base = row["baseline_value"]
            if row["actual_value"] is not None:
                yield "actual value", now, "value", row["actual_value"]
            if base is not None and start:
                yield "baseline value", start, "value", base
            if target is not None and row["gap_to_target"] is not None:
                yield "target and gap", now, "value", target + row["gap_to_target"]
                yield "target and gap", now, "value", target - row["gap_to_target"]
            if target is not None and row["gap_in_people"] is not None and now in self.known_base:
                people, d = row["gap_in_people"], self.known_base[now]
                for n in (target * d / 100 + people, target * d / 100 + people - 1):
                    yield "target and gap in people", now, "n", round(n)
            if target is not None and base is not None and row["share_of_distance"] is not None:
                yield "share of distance", now, "value", base + row["share_of_distance"] * (target - base)
            if base is not None and row["observed_annual_change"] is not None:
                for years in range(1, 6):
                    yield "observed change", now, "value", base + years * row["observed_annual_change"]
            if row["pace_ratio"] is not None and row["required_annual_change"] is not None and base is not None:
                for years in range(1, 6):
                    yield "pace", now, "value", base + years * row["pace_ratio"] * row["required_annual_change"]
            if row["comparator_value"] is not None:
                england = (now[0], "E92000001", *now[2:])
                yield "comparator", england, "value", row["comparator_value"]
            if start and target is not None:
                for percent in range(5, 55, 5):
                    yield "target from baseline", start, "value", target / (1 - percent / 100)
        for row in file.tables["fct_target"]:
            first = [p for p in file.labels["period"].values() if p["period_label"] == "2020"]
            for period in first:
                cell = cell_at(file, {**row, "period_key": period["period_key"]})
                for percent in range(5, 55, 5):
                    yield "planned target from baseline", cell, "value", row["target_value"] / (1 - percent / 100)

    def _guesses_of_other_tables(self, file: File) -> Iterator[tuple[str, Cell, str, float]]:
        for row in file.tables["fct_commitment_comparison"]:
            cell = cell_at(file, row)
            yield "comparison", cell, "value", row["actual_value"]
            yield "comparison", (cell[0], row["comparator_id"], *cell[2:]), "value", row["comparator_value"]
        for row in file.tables["fct_inequality"]:
            whole = cell_at(file, row)
            values = {"a": row["value_a"], "b": row["value_b"]}
            if row["absolute_gap"] is not None:
                values["a"] = values["a"] or (values["b"] or 0) + row["absolute_gap"]
                values["b"] = values["b"] or (values["a"] or 0) - row["absolute_gap"]
            for side in ("a", "b"):
                if values[side] is not None and row[f"group_{side}"]:
                    for sex, age in {(whole[3], whole[4])}:
                        cell = (*whole[:3], sex, age, row["dimension"], row[f"group_{side}"])
                        yield "inequality", cell, "value", values[side]
                key = row[f"value_{side}_key"]
                if values[side] is not None and key in file.cell_of:
                    yield "inequality", file.cell_of[key], "value", values[side]
        for row in file.tables["fct_revision"]:
            cell = cell_at(file, row)
            for age in ("old", "new"):
                if row[f"{age}_count"] is not None:
                    yield "revision", cell, "n", row[f"{age}_count"]
                if row[f"{age}_value"] is not None:
                    yield "revision", cell, "value", row[f"{age}_value"]
        for row in file.tables["fct_standardised_value"]:
            if row["events"] is not None:
                yield "standardised rate", cell_at(file, row), "n", row["events"]

    def _guesses_of_texts(self, file: File) -> Iterator[tuple[str, Cell, str, float]]:
        """Yield numbers in any text of any table, next to the place and indicator that the text or its row names."""
        names = {str(row["area_name"]): str(row["area_code"]) for row in file.tables["dim_area"]}
        for table, rows in file.tables.items():
            for row in rows:
                texts = [text for text in row.values() if isinstance(text, str) and re.search(r"\d", text)]
                if not texts or table.startswith(("dim_", "bridge_", "relationships", "data_dictionary")):
                    continue
                for text in texts:
                    yield from self._guesses_of_records(text)
                    found = re.search(r"in (.+?) (?:was|in|is) ", text)
                    area = names.get(found[1]) if found else row.get("area_code")
                    if "indicator_key" in row and "population_group_key" in row and "period_key" in row:
                        cell = cell_at(file, row)
                        for number in re.findall(r"\d+\.\d+", text):
                            yield "number in a text", cell, "value", float(number)
                        for number in re.findall(r"on (\d+) people", text):
                            yield "count in a text", cell, "n", float(number)
                    elif area:
                        for number in re.findall(r"\d+\.\d+", text):
                            for target in self.targets:
                                if target[1] == area and target[2] in text and target[0] in text:
                                    yield "number in a text", target, "value", float(number)

    @staticmethod
    def _guesses_of_records(text: str) -> Iterator[tuple[str, Cell, str, float]]:
        """Yield counts of records that a text holds as JSON."""
        if not text.startswith(("{", "[")):
            return
        try:
            held = json.loads(text)
        except ValueError:
            return
        for record in held if isinstance(held, list) else [held]:
            if isinstance(record, dict) and all(name in record for name in COLUMNS) and record.get("count") is not None:
                yield "record in a text", tuple(str(record[name]) for name in COLUMNS), "n", float(record["count"])  # type: ignore[misc]

    # Putting it together.

    def run(self, files: Iterable[File]) -> Result:
        """Attack public files, alone and together: what one withholds another may show, if it has not changed since."""
        every: list[dict[str, dict[Cell, float]]] = []
        for file in files:
            for how, cell, what, number in self._guesses(file):
                self.result.tried[how] += 1
                self._judge(how, cell, what, number)
            self._guess_copies(file)
            every.append(self._known(file))
        for known in every:
            for quantity in ("n", "d"):
                self._solve(quantity, known)
        if len(every) > 1:
            for order in (every, every[::-1]):  # the first that shows a cell is believed
                together = {
                    q: {cell: n for known in reversed(order) for cell, n in known[q].items()} for q in ("n", "d")
                }
                for quantity in ("n", "d"):
                    self._solve(quantity, together)
        return self.result

    def _known(self, file: File) -> dict[str, dict[Cell, float]]:
        """Return the counts and denominators that a file shows, or that its values imply."""
        known: dict[str, dict[Cell, float]] = {"n": {}, "d": dict(self.known_base)}
        for row in file.rows:
            n, cell = numerator(file, row), row["cell"]
            if row["denominator"] is not None:
                known["d"].setdefault(cell, row["denominator"])
            is_rate = file.value_type[cell[0]] in {"proportion", "crude_rate"}
            if n is None and row["value"] is not None and cell in known["d"] and is_rate:
                n = row["value"] * known["d"][cell] / file.multiplier[cell[0]]
            if n is not None:
                known["n"].setdefault(cell, n)
        return known

    def _guess_copies(self, file: File) -> None:
        """Take a figure from an indicator that has the same one, or the rest of it."""
        values = {row["cell"]: row["value"] for row in file.rows if row["value"] is not None}
        for one, other, is_rest in self.same_value:
            for cell, value in values.items():
                for here, there in ((one, other), (other, one)):
                    if cell[0] == here:
                        self.result.tried["same figure twice"] += 1
                        twin: Cell = (there, *cell[1:])  # type: ignore[assignment]
                        self._judge("same figure twice", twin, "value", 100 - value if is_rest else value)

    def _judge(self, how: str, cell: Cell, what: str, number: float) -> None:
        """Note a guess that is right about a small count."""
        if cell not in self.targets:
            return
        truth, d = self.truth.get(cell), self.base.get(cell)
        if what == "limits":
            wanted = [truth] if truth is not None else []
            wanted += [d - truth] if d is not None and truth is not None and cell[0] in self.share else []
            if any(w is not None and FLOOR < w < self.least - FLOOR and abs(number - w) < FLOOR for w in wanted):
                self.result.recovered.add((how, cell, round(number)))
            return
        if what == "value":
            if cell not in self.known_base and cell in self.small_d:
                return
            base = self.known_base.get(cell)
            if base is None:
                return
            number = number * base / self.whole.multiplier[cell[0]]
            # A guess has to be a whole number of people to be believed.
            if abs(number - round(number)) > max(0.02, 0.0006 * base):
                return
            what = "n"
        is_wanted = cell in self.small_n or (cell in self.small_c and cell in self.known_base)
        if what == "n" and is_wanted and truth is not None and abs(number - truth) < FLOOR:
            self.result.recovered.add((how, cell, round(number)))
        if what == "d" and cell in self.small_d and d is not None and abs(number - d) < FLOOR:
            self.result.recovered.add((how, cell, round(number)))

    def _solve(self, quantity: str, known: dict[str, dict[Cell, float]]) -> None:
        """Bound every small number by all sums at once."""
        names: dict[Cell, int] = {}
        rows: list[dict[int, float]] = []
        wanted: list[float] = []
        for _, terms in self.relations[quantity]:
            row: dict[int, float] = {}
            rest = 0.0
            for cell, factor in terms.items():
                if cell in known[quantity]:
                    rest -= factor * round(known[quantity][cell])
                else:
                    row[names.setdefault(cell, len(names))] = factor
            if row:
                rows.append(row)
                wanted.append(rest)
        if not rows:
            return
        self._complements(quantity, known, names, rows, wanted)
        self.result.tried[f"linear system in {quantity}"] += len(rows)
        data = [v for row in rows for v in row.values()]
        inside = [k for row in rows for k in row]
        starts = np.cumsum([0, *(len(row) for row in rows)])
        matrix = csr_array((data, inside, starts), shape=(len(rows), len(names)))
        bounds = [(0.0, known["d"].get(cell) if quantity == "n" and cell[0] in self.share else None) for cell in names]
        ends = np.array(wanted)
        matrix, ends = self._agreeing(matrix, ends, bounds)
        targets = self.small_n | self.small_c if quantity == "n" else self.small_d
        for part in self._parts(matrix):
            own = [cell for cell in sorted(names.keys() & targets) if names[cell] in part]
            if own:
                self._bound(
                    own,
                    quantity,
                    known,
                    {cell: part[names[cell]] for cell in own},
                    *self._cut(matrix, ends, bounds, part),
                )

    def _bound(
        self,
        cells: list[Cell],
        quantity: str,
        known: dict[str, dict[Cell, float]],
        place: dict[Cell, int],
        matrix: Any,
        ends: Any,
        bounds: list[tuple[float, float | None]],
    ) -> None:
        """Find the smallest and the largest number of each cell that the sums allow."""
        truth = self.truth if quantity == "n" else self.base

        def reach(goal: Any) -> Any:
            return linprog(goal, A_eq=matrix, b_eq=ends, bounds=bounds, method="highs")

        seen: list[Any] = []
        together = np.zeros(matrix.shape[1])
        together[[place[cell] for cell in cells]] = 1.0
        for goal in (together, -together):
            found = reach(goal)
            seen += [found.x] if found.status == 0 else []
        for cell in cells:
            column = place[cell]
            numbers = [point[column] for point in seen]
            goal = np.zeros(matrix.shape[1])
            goal[column] = 1.0
            least, most = min(numbers, default=math.inf), max(numbers, default=-math.inf)
            is_small = cell in (self.small_n if quantity == "n" else self.small_d)
            base = known["d"].get(cell) if quantity == "n" and cell in self.small_c else None
            if (
                most - least >= FLOOR
                and (not is_small or most >= self.least - 1)
                and (base is None or base - least >= self.least - 1)
            ):
                continue  # two answers that agree with everything: nothing is known
            low, high = reach(goal), reach(-goal)
            seen += [one.x for one in (low, high) if one.status == 0]
            least = low.fun if low.status == 0 else 0.0
            most = -high.fun if high.status == 0 else math.inf
            if most - least < FLOOR and abs(truth[cell] - (most + least) / 2) < 1:
                self.result.recovered.add(("linear programme", cell, round(least)))
            elif (is_small and most < self.least - 1 - FLOOR) or (
                base is not None and base - least < self.least - 1 - FLOOR
            ):
                self.result.pinned.add(cell)

    @staticmethod
    def _parts(matrix: Any) -> list[dict[int, int]]:
        """Cut the unknowns into parts that share no sum: column to its place in the part."""
        _, label = connected_components((abs(matrix).T @ abs(matrix)).tocsr(), directed=False)
        parts: dict[int, dict[int, int]] = defaultdict(dict)
        for column, part in enumerate(label):
            parts[part][column] = len(parts[part])
        return list(parts.values())

    @staticmethod
    def _cut(
        matrix: Any, ends: Any, bounds: list[tuple[float, float | None]], part: dict[int, int]
    ) -> tuple[Any, Any, list[tuple[float, float | None]]]:
        """Return the sums of one part."""
        columns = sorted(part)
        inside = matrix.tocsc()[:, columns].tocsr()
        rows = np.flatnonzero(np.diff(inside.indptr))
        return inside[rows], ends[rows], [bounds[column] for column in columns]

    @staticmethod
    def _agreeing(matrix: Any, ends: Any, bounds: list[tuple[float, float | None]]) -> tuple[Any, Any]:
        """Leave out the fewest sums that contradict the others, as those of two releases with revisions between do."""
        rows = matrix.shape[0]
        wide = hstack([matrix, csr_array(np.eye(rows)), csr_array(-np.eye(rows))]).tocsr()
        goal = np.concatenate([np.zeros(matrix.shape[1]), np.ones(2 * rows)])
        found = linprog(goal, A_eq=wide, b_eq=ends, bounds=[*bounds, *[(0, None)] * (2 * rows)], method="highs")
        off = found.x[matrix.shape[1] :]
        keep = np.flatnonzero(off[:rows] + off[rows:] < FLOOR)
        return matrix[keep], ends[keep]

    def _complements(
        self,
        quantity: str,
        known: dict[str, dict[Cell, float]],
        names: dict[Cell, int],
        rows: list[dict[int, float]],
        wanted: list[float],
    ) -> None:
        """Add that two indicators which are each the rest of the other share a denominator."""
        if quantity != "n":
            return
        for one, other, is_rest in self.same_value:
            for cell in list(names):
                for here, there in ((one, other), (other, one)):
                    twin: Cell = (there, *cell[1:])  # type: ignore[assignment]
                    if cell[0] != here or not is_rest or cell not in known["d"] or twin not in self.truth:
                        continue
                    if twin in known["n"]:
                        rows.append({names[cell]: 1.0})
                        wanted.append(known["d"][cell] - round(known["n"][twin]))
                    else:
                        rows.append({names[cell]: 1.0, names.setdefault(twin, len(names)): 1.0})
                        wanted.append(known["d"][cell])


def attack(public: Iterable[Path], whole: Path, least: int = 8) -> Result:
    """Try to read withheld counts.

    Args:
        public: Public files, the newest last.
        whole: The edition for staff that the newest was made from.
        least: Smallest count that may be known.

    Returns:
        What was tried, and what was recovered.
    """
    return Attack(whole, least).run([read(path) for path in public])
