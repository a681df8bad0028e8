# ruff: noqa: C901, E501 - tables of invented rows
"""An invented release full of small counts: wards, sexes, ages, groups, overlapping years, footprints, two sources.

The tables are those of a real release, emptied and filled anew, so that every column that the public edition has to
know is there. What a test shows belongs in the test.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from pipelines.acquire.disclosure_policy import DisclosurePolicy
from pipelines.publish.catalogue import literal, quoted, read_columns, read_relations
from pipelines.publish.disclosure.implied import Z_95, byar_factor

ENGLAND = "E92000001"
SEXES = ("Persons", "Male", "Female")
AGES = ("All ages", "0-17 yrs", "18-64 yrs", "65+ yrs")
KEPT = ("dim_status", "dim_value_status", "dim_value_basis", "dim_date")
THRESHOLD = DisclosurePolicy(
    method="threshold",
    min_count=8,
    round_to=None,
    zero_is_safe=True,
    secondary=True,
    levels="all",
    population_indicators=("dirty.residents",),
    owner="Public health intelligence lead",
    review_date=date(2027, 11, 30),
    reason="Invented for a test.",
)
POLICIES = {"dirty": THRESHOLD, "dirty_copy": THRESHOLD}

Group = tuple[str, str, str, str]
ALL_OF_THEM: Group = ("Persons", "All ages", "Total", "Total")


@dataclass
class World:
    """Counts of people from which a release is made.

    Attributes:
        counts: (indicator, area, period, group) to numerator and denominator.
        areas: Area to type and parents (district, region).
        footprints: Footprint to its members.
    """

    counts: dict[tuple[str, str, str, Group], tuple[int, int]] = field(default_factory=dict)
    areas: dict[str, tuple[str, str | None, str | None]] = field(default_factory=dict)
    footprints: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, indicator: str, area: str, period: str, group: Group, n: int, d: int) -> None:
        """Add people to a cell."""
        old = self.counts.get((indicator, area, period, group), (0, 0))
        self.counts[indicator, area, period, group] = (old[0] + n, old[1] + d)


INDICATORS: dict[str, dict[str, Any]] = {
    "dirty.cases": {"value_type": "proportion", "multiplier": 100.0, "ci_method": "wilson"},
    "dirty.others": {"value_type": "proportion", "multiplier": 100.0, "ci_method": "wilson"},
    "dirty.cases_or_others": {"value_type": "proportion", "multiplier": 100.0, "ci_method": "wilson"},
    "dirty.without": {"value_type": "proportion", "multiplier": 100.0, "ci_method": "wilson"},
    "dirty.admissions": {"value_type": "crude_rate", "multiplier": 1000.0, "ci_method": "byar"},
    "dirty.standardised": {"value_type": "directly_standardised_rate", "multiplier": 1000.0, "ci_method": "dobson"},
    "dirty.residents": {"value_type": "count", "multiplier": 1.0, "ci_method": None},
    "dirty_copy.cases": {"value_type": "proportion", "multiplier": 100.0, "ci_method": None},
}
PERIODS: dict[str, tuple[date, date]] = {
    "2020": (date(2020, 1, 1), date(2020, 12, 31)),
    "2021": (date(2021, 1, 1), date(2021, 12, 31)),
    "2022": (date(2022, 1, 1), date(2022, 12, 31)),
    "2023": (date(2023, 1, 1), date(2023, 12, 31)),
    "2020 - 22": (date(2020, 1, 1), date(2022, 12, 31)),
    "2021 - 23": (date(2021, 1, 1), date(2023, 12, 31)),
}


def invent(
    seed: int,
    wards: int = 2,
    years: tuple[str, ...] = ("2020", "2021", "2022"),
    mean: float = 10.0,
    revised: float = 0.0,
) -> World:
    """Invent people in wards of two districts, and add them up to everything that is published.

    Args:
        seed: Of the random numbers.
        wards: Wards of a district.
        years: Years that have data.
        mean: People of one sex and age band in a ward and year who are cases, on average.
        revised: Share of the counts that differ by a few people from those of the same seed without revisions.

    Returns:
        The counts.
    """
    rng, changes = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    world = World()
    world.areas[ENGLAND] = ("england", None, None)
    world.areas["E12000001"] = ("region", None, None)
    # A region of two types of authority, which add up to it only together.
    districts = {"E07000001": "E12000001", "E06000002": "E12000001"}
    for district, region in districts.items():
        world.areas[district] = ("district" if district.startswith("E07") else "unitary_authority", None, region)
        for number in range(wards):
            world.areas[f"E0500{district[-1]}{number:03}"] = ("ward", district, region)
        own = [area for area, (kind, parent, _) in world.areas.items() if kind == "ward" and parent == district]
        world.footprints[f"NORTH-{district[-1]}"] = tuple(own[: wards // 2])
        world.footprints[f"SOUTH-{district[-1]}"] = tuple(own[wards // 2 :])
    for area, (kind, district, region) in list(world.areas.items()):
        if kind != "ward":
            continue
        above = [place for place in (area, district, region, ENGLAND) if place]
        above += [name for name, members in world.footprints.items() if area in members]
        for year in years:
            for sex in SEXES[1:]:
                for age in AGES[1:]:
                    cases, others = int(rng.poisson(mean)), int(rng.poisson(3 * mean))
                    if changes.random() < revised:
                        cases = max(cases + int(changes.integers(-5, 6)), 0)
                    people = cases + others + int(rng.poisson(8 * mean))
                    # A stream of its own, so that a revised count does not change those after it.
                    origins = np.random.default_rng(
                        [seed, int(area[-6:]), int(year), SEXES.index(sex), AGES.index(age)]
                    )
                    by_origin = origins.multinomial(cases, [0.7, 0.2, 0.1])
                    for place in above:
                        _count(world, place, year, sex, age, cases, others, people)
                        for origin, n in zip(("White", "Asian", "Other"), by_origin, strict=True):
                            group = ("Persons", "All ages", "Ethnic group", origin)
                            share = people * (7 if origin == "White" else 2 if origin == "Asian" else 1) // 10
                            world.add("dirty.cases", place, year, group, int(n), max(share, int(n)))
    _add_copies(world)
    return world


def _count(world: World, place: str, year: str, sex: str, age: str, cases: int, others: int, people: int) -> None:
    """Count the people of one ward, sex, age and year at one place, in every period and group they belong to."""
    spans = [label for label, (start, end) in PERIODS.items() if start.year <= int(year) <= end.year]
    for period in spans:
        groups: list[Group] = [(s, a, "Total", "Total") for s in (sex, "Persons") for a in (age, "All ages")]
        if " - " in period:
            groups = [ALL_OF_THEM]
        for group in groups:
            world.add("dirty.cases", place, period, group, cases, people)
            world.add("dirty.others", place, period, group, others, people)
            world.add("dirty.cases_or_others", place, period, group, cases + others, people)


def _add_copies(world: World) -> None:
    """Publish some counts again: the rest of a whole, a rate with limits alone, and a rounded copy."""
    for (indicator, area, period, group), (n, d) in list(world.counts.items()):
        if indicator != "dirty.cases" or group[2] != "Total" or area in world.footprints:
            continue
        world.counts["dirty.without", area, period, group] = (d - n, d)
        if area != ENGLAND:
            world.counts["dirty_copy.cases", area, period, group] = (n, d)
        if group[1] == "All ages":
            world.counts["dirty.admissions", area, period, group] = (max(n - 1, 0), 20 * d)
            world.counts["dirty.standardised", area, period, group] = (n, 20 * d)
            world.counts["dirty.residents", area, period, group] = (40 * d, 0)


def figures(indicator: str, n: int, d: int) -> dict[str, float | None]:
    """Return value and limits of a count, as a publisher would print them."""
    kind, factor = INDICATORS[indicator]["value_type"], INDICATORS[indicator]["multiplier"]
    if kind == "count":
        return {"value": float(n)}
    if d == 0:
        return {"value": None}
    share = n / d
    if kind == "proportion":
        middle, z = (share + Z_95**2 / (2 * d)) / (1 + Z_95**2 / d), Z_95
        half = z / (1 + z**2 / d) * (share * (1 - share) / d + z**2 / (4 * d**2)) ** 0.5
        limits = (middle - half, middle + half)
    elif n == 0:
        limits = (0.0, 3.7 / d)
    else:
        limits = (share * byar_factor(n, -1), share * byar_factor(n, 1))
        if kind == "directly_standardised_rate":
            share *= 1.1
            limits = (share + 0.9 * (limits[0] - n / d), share + 0.9 * (limits[1] - n / d))
    numbers = {"value": share * factor, "lower_ci_95": limits[0] * factor, "upper_ci_95": limits[1] * factor}
    return numbers if indicator != "dirty_copy.cases" else {"value": round(share * factor, 1)}


class Builder:
    """Fills the emptied tables of a real release."""

    def __init__(self, schema_file: Path, file: Path) -> None:
        """Make the file with every table and view of a real release, and with its fixed tables filled.

        Args:
            schema_file: A real release.
            file: The file to make.
        """
        file.unlink(missing_ok=True)
        self.connection = duckdb.connect()
        self.connection.execute(f"attach {literal(str(schema_file))} as real (read_only)")
        self.connection.execute(f"attach {literal(str(file))} as dirty (storage_version 'v1.0.0')")
        self.connection.execute("use dirty")
        relations = read_relations(self.connection, "real")
        self.columns = read_columns(self.connection, "real")
        for relation in (one for one in relations if one.kind == "TABLE"):
            self.connection.execute(relation.sql)
            if relation.name in KEPT:
                self.connection.execute(f"insert into {relation.name} select * from real.main.{relation.name}")
        waiting = [one for one in relations if one.kind == "VIEW"]
        while waiting:
            left = []
            for view in waiting:
                try:
                    self.connection.execute(view.sql)
                except duckdb.CatalogException:
                    left.append(view)
            assert len(left) < len(waiting)
            waiting = left
        required = self.connection.execute(
            "select table_name, column_name from duckdb_columns() where database_name = 'dirty' and not is_nullable"
        ).fetchall()
        self._required: dict[str, list[str]] = defaultdict(list)
        for table, column in required:
            self._required[table].append(column)
        self._types = {(column.relation, column.name): column.data_type for column in self.columns}

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Insert rows; columns that may not be empty and are not given get a plain nothing."""
        if not rows:
            return
        nothing = {"VARCHAR": "", "DATE": date(2020, 1, 1), "TIMESTAMP": datetime(2020, 1, 1)}
        names = list(dict.fromkeys([*self._required[table], *(name for row in rows for name in row)]))
        types = {name: self._types[table, name] for name in names}
        lists = [[row.get(name, nothing.get(types[name], 0)) if name in self._required[table] else row.get(name)
                  for row in rows] for name in names]  # fmt: skip
        selected = ", ".join(f"unnest(?::{types[name]}[]) as {quoted(name)}" for name in names)
        self.connection.execute(f"insert into {table} by name select {selected}", lists)


def build(schema_file: Path, file: Path, world: World, release: str = "R1", old: World | None = None) -> Path:
    """Write a release.

    Args:
        schema_file: A real release, for the tables.
        file: The release to make.
        world: Its counts.
        release: Its name.
        old: Counts of the release before, for the table of revisions.

    Returns:
        The file.
    """
    b = Builder(schema_file, file)
    areas = {area: key for key, area in enumerate([*world.areas, *world.footprints], start=1)}
    indicators = {name: key for key, name in enumerate(INDICATORS, start=1)}
    periods = {label: key for key, label in enumerate(PERIODS, start=1)}
    groups = {group: key for key, group in enumerate(sorted({key[3] for key in world.counts}), start=1)}
    sources = {"dirty": 1, "dirty_copy": 2}
    b.insert("dim_source", [{"source_key": k, "source_id": s, "source_title": s} for s, k in sources.items()])
    b.insert("dim_indicator", [
        {"indicator_key": key, "indicator_id": name, "indicator_name": f"Indicator {name}", "source_id": name.split(".")[0],
         "source_key": sources[name.split(".")[0]], "comparator_method": "single_overlapping_ci", "decimal_places": 1,
         "polarity": "low_is_good", **INDICATORS[name]}
        for name, key in indicators.items()
    ])  # fmt: skip
    b.insert("dim_area", [
        {"area_key": areas[area], "area_code": area, "area_name": f"Place {area}", "area_type": kind,
         "upper_tier_code": district, "region_code": region, "is_current": 1}
        for area, (kind, district, region) in world.areas.items()
    ] + [{"area_key": areas[one], "area_code": one, "area_name": f"Place {one}", "area_type": "locality"}
         for one in world.footprints])  # fmt: skip
    b.insert("dim_period", [
        {"period_key": periods[label], "period_label": label, "period_type": "calendar", "period_start": start,
         "period_end": end, "period_months": 12 * (end.year - start.year + 1), "period_sort": end.toordinal()}
        for label, (start, end) in PERIODS.items()
    ])  # fmt: skip
    b.insert("dim_population_group", [
        {"population_group_key": key, "sex": group[0], "age": group[1], "category_type": group[2], "category": group[3],
         "population_group": ", ".join(group[:2]), "is_total": int(group == ALL_OF_THEM)}
        for group, key in groups.items()
    ])  # fmt: skip
    b.insert("bridge_area_footprint", [
        {"footprint_area_key": areas[name], "area_key": areas[member], "footprint_code": name, "footprint_name": name,
         "footprint_type": "locality_set", "constituent_code": member, "constituent_name": member}
        for name, members in world.footprints.items() for member in members
    ])  # fmt: skip
    values, footprints = _values(world, areas, indicators, periods, groups)
    b.insert("fct_indicator_value", values)
    b.insert("fct_footprint_value", footprints)
    _derived(
        b,
        world,
        areas,
        indicators,
        periods,
        groups,
        {
            (row["indicator_id"], row["area_code"], row["period_key"], row["population_group_key"]): row
            for row in values
        },
    )
    if old is not None:
        _revisions(b, world, old, areas, indicators, periods, groups)
    b.insert("data_dictionary", [
        {"table_name": c.relation, "column_name": c.name, "data_type": c.data_type, "description": "A column.",
         "ordinal_position": c.position, "table_description": "A table."}
        for c in b.columns if c.relation not in {"data_dictionary"}
    ])  # fmt: skip
    b.insert("release", [{"release_id": release, "code_version": "test", "storage_version": "v1.0.0"}])
    b.connection.execute("use memory")
    b.connection.execute("checkpoint dirty")
    b.connection.close()
    return file


def _values(world: World, areas: dict[str, int], indicators: dict[str, int], periods: dict[str, int], groups: dict[Group, int]
            ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:  # fmt: skip
    """Make the rows of the two tables of figures."""
    values: list[dict[str, Any]] = []
    footprints: list[dict[str, Any]] = []
    for number, ((indicator, area, period, group), (n, d)) in enumerate(sorted(world.counts.items()), start=1):
        numbers = figures(indicator, n, d)
        keys = {"indicator_key": indicators[indicator], "area_key": areas[area], "period_key": periods[period],
                "population_group_key": groups[group], "indicator_id": indicator, "area_code": area}  # fmt: skip
        shows_counts = INDICATORS[indicator]["value_type"] == "proportion" and indicator != "dirty_copy.cases"
        counts = {"count": float(n), "denominator": float(d)} if shows_counts else {}
        if area in world.footprints:
            footprints.append({"footprint_value_key": number, **keys, "footprint_type": "locality_set", **numbers,
                               **counts, "constituents": len(world.footprints[area]),
                               "england_value": _england(world, indicator, period, group)})  # fmt: skip
            continue
        kind, district, region = world.areas[area]
        parent = district or region or (None if kind == "england" else ENGLAND)
        values.append({
            "indicator_value_key": number, **keys, "source_key": 1 if indicator.startswith("dirty.") else 2,
            "area_code_published": area, "series_number": 1, **numbers, **counts,
            "is_count_numerator": 1 if counts else None,
            "value_status_code": "present", "value_basis_code": "own_area",
            "value_as_published": str(numbers["value"]), "value_supplied": numbers["value"],
            "value_computed": numbers["value"] if counts else None,
            "lower_ci_95_computed": numbers.get("lower_ci_95") if counts else None,
            "upper_ci_95_computed": numbers.get("upper_ci_95") if counts else None,
            "england_value": _england(world, indicator, period, group), "parent_code": parent,
            "parent_value": None if parent in {None, ENGLAND} else _value(world, indicator, str(parent), period, group),
            "region_value": None if region is None else _value(world, indicator, region, period, group),
            "value_note": f"Based on {n} people", "source_release": "2026-01", "source_file": "f.csv",
            "source_file_sha256": "0", "source_row_number": number, "source_column": "Value",
            "recent_trend_chi_squared": float(n), "recent_trend_points": 5,
        })  # fmt: skip
    return values, footprints


def _value(world: World, indicator: str, area: str, period: str, group: Group) -> float | None:
    found = world.counts.get((indicator, area, period, group))
    return figures(indicator, *found)["value"] if found else None


def _england(world: World, indicator: str, period: str, group: Group) -> float | None:
    return _value(world, indicator, ENGLAND, period, group)


def _derived(b: Builder, world: World, areas: dict[str, int], indicators: dict[str, int], periods: dict[str, int],
             groups: dict[Group, int], rows: dict[Any, dict[str, Any]]) -> None:  # fmt: skip
    """Make what is worked out from figures: statuses, targets, gaps, comparisons, texts and records."""
    statuses = dict(b.connection.execute("select status_code, status_key from dim_status").fetchall())
    b.insert("dim_framework", [{"framework_key": 1, "framework_id": "f", "framework": "Framework"}])
    b.insert("dim_commitment", [{"commitment_key": 1, "commitment_id": "c", "framework_key": 1, "title": "Fewer cases",
                                 "baseline_value_stated": None, "is_current": 1}])  # fmt: skip
    targets, plans, beside, gaps, notes, records = [], [], [], [], [], []
    number = 0
    for area, (kind, _, _) in world.areas.items():
        if kind not in {"ward", "district"}:
            continue
        for group in (g for g in groups if g[2] == "Total"):
            base = rows.get(("dirty.cases", area, periods["2020"], groups[group]))
            now = rows.get(("dirty.cases", area, periods["2022"], groups[group]))
            if base is None or now is None or base["value"] is None or now["value"] is None:
                continue
            number += 1
            target, actual, start = round(base["value"] * 0.9, 12), now["value"], base["value"]
            keys = {name: now[name] for name in ("indicator_key", "area_key", "period_key", "population_group_key")}
            count, denominator = now["count"], now["denominator"]
            targets.append({
                "target_vs_actual_key": number, "commitment_key": 1, **keys, "status_key": statuses["off_track"],
                "commitment_id": "c", "area_code": area, "place_role": "signed", "status_code": "off_track",
                "explanation": f"Indicator dirty.cases in Place {area} was {actual:.4f}% in 2022. Not met.",
                "measured_as": "value", "actual_value": actual, "actual_lower_ci_95": now["lower_ci_95"],
                "actual_upper_ci_95": now["upper_ci_95"], "value_status_code": "present",
                "actual_value_key": now["indicator_value_key"], "baseline_value": start,
                "baseline_value_key": base["indicator_value_key"], "target_value": target, "target_operator": "<=",
                "gap_to_target": actual - target, "gap_in_people": int(np.ceil((actual - target) * denominator / 100)),
                "share_of_distance": (actual - start) / (target - start) if target != start else None,
                "required_annual_change": (target - start) / 5, "observed_annual_change": (actual - start) / 2,
                "pace_ratio": ((actual - start) / 2) / ((target - start) / 5) if target != start else None,
                "trajectory_value": start + (target - start) * 2 / 5, "forecast_value": actual * 1.01,
                "forecast_lower_80": actual * 0.9, "forecast_upper_80": actual * 1.1, "forecast_probability": 0.2,
                "comparator_value": now["england_value"], "is_scorecard_period": 1, "level_code": "not_met",
                "is_target_met_by_point": int(actual <= target),
            })  # fmt: skip
            plans.append({"target_key": number, "target_vs_actual_key": number, "commitment_key": 1, **keys,
                          "target_operator": "<=", "target_value": target, "is_planned": 1})  # fmt: skip
            beside.append({"commitment_comparison_key": number, "commitment_key": 1, **keys, "commitment_id": "c",
                           "area_code": area, "area_name": area, "place_role": "signed", "status_code": "off_track",
                           "period_label": "2022", "actual_value": actual, "comparator_relation": "england",
                           "comparator_id": ENGLAND, "comparator_name": "England", "comparator_basis": "published",
                           "comparator_value": now["england_value"] or 0.0})  # fmt: skip
            notes.append({"release_note_key": number, "note_number": number, "section": "values_changed",
                          "indicator_key": keys["indicator_key"], "source_id": "dirty", "indicator_id": "dirty.cases",
                          "area_code": area, "old_text": f"{start:.4f}", "new_text": f"{actual:.4f}", "cause": "revised",
                          "sentence": f"Indicator dirty.cases in Place {area} in 2022 is {actual:.4f}%."})  # fmt: skip
            records.append({
                "quarantined_row_key": number, "source_key": 1, "source_id": "dirty", "source_release": "2026-01",
                "source_row_number": number, "offending_value": str(count), "rule": "a_rule", "reason": f"count {count}",
                "record_json": json.dumps({"indicator_id": "dirty.cases", "area_code": area, "period_label": "2022",
                                           "sex": group[0], "age": group[1], "category_type": group[2],
                                           "category": group[3], "count": count, "value": actual}),
            })  # fmt: skip
    for area in world.areas:
        for year in ("2020", "2021", "2022"):
            a, c = (rows.get(("dirty.cases", area, periods[year], groups.get(("Persons", "All ages", "Ethnic group", o), 0)))
                    for o in ("Asian", "White"))  # fmt: skip
            if a is None or c is None or a["value"] is None or c["value"] is None:
                continue
            gaps.append({
                "inequality_key": len(gaps) + 1, **{k: a[k] for k in ("indicator_key", "area_key", "period_key")},
                "population_group_key": groups[ALL_OF_THEM], "indicator_id": "dirty.cases", "area_code": area,
                "dimension": "Ethnic group", "gap_direction": "high", "group_count": 3, "group_a": "Asian",
                "group_b": "White", "value_a": a["value"], "value_b": c["value"], "absolute_gap": a["value"] - c["value"],
                "relative_gap": a["value"] / c["value"] if c["value"] else None,
                "value_a_key": a["indicator_value_key"], "value_b_key": c["indicator_value_key"],
            })  # fmt: skip
    b.insert("fct_target_vs_actual", targets)
    b.insert("fct_target", plans)
    b.insert("fct_commitment_comparison", beside)
    b.insert("fct_inequality", gaps)
    b.insert("release_note", notes)
    b.insert("quarantined_row", records)
    b.insert("fct_data_quality_check", [{
        "data_quality_check_key": 1, "source_key": 1, "source_id": "dirty", "subject_name": "dirty", "stage": "landed",
        "check_id": "count_impossible", "severity": "warn", "outcome": "warned", "rows_failed": len(records),
        "observed": records[0]["record_json"] if records else "", "why": "Because.",
        "details_json": json.dumps([json.loads(row["record_json"]) for row in records[:20]]),
    }])  # fmt: skip
    b.insert("fct_standardised_value", [
        {"standardised_value_key": place, **{k: row[k] for k in ("indicator_key", "area_key", "period_key",
         "population_group_key", "indicator_id", "area_code")}, "standardisation_id": "s", "method": "direct",
         "value": row["value"], "events": row["count"], "population": row["denominator"], "bands": 3, "multiplier": 100.0}
        for place, row in enumerate(rows.values(), start=1)
        if row["indicator_id"] == "dirty.cases"
    ])  # fmt: skip


def _revisions(b: Builder, world: World, old: World, areas: dict[str, int], indicators: dict[str, int],
               periods: dict[str, int], groups: dict[Group, int]) -> None:  # fmt: skip
    """Make a row for every count that changed."""
    rows = []
    for key in sorted(world.counts.keys() & old.counts.keys()):
        indicator, area, period, group = key
        if world.counts[key] == old.counts[key] or area in world.footprints or indicator != "dirty.cases":
            continue
        (n, d), (m, e) = world.counts[key], old.counts[key]
        rows.append({
            "revision_key": len(rows) + 1, "indicator_key": indicators[indicator], "area_key": areas[area],
            "period_key": periods[period], "population_group_key": groups[group], "source_key": 1, "source_id": "dirty",
            "indicator_id": indicator, "area_code": area, "area_type": world.areas[area][0], "period_label": period,
            "sex": group[0], "age": group[1], "category_type": group[2], "category": group[3], "revision_kind": "changed",
            "old_value": figures(indicator, m, e)["value"], "new_value": figures(indicator, n, d)["value"],
            "old_count": float(m), "new_count": float(n), "old_denominator": float(e), "new_denominator": float(d),
        })  # fmt: skip
    b.insert("fct_revision", rows)
