"""Which wording of a commitment is in force on a day, and what the scorecard said on that day.

One build speaks for one day. The SQL that dbt compiled is run again over the same data with another day in its place.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pytest

from pipelines.model.duckdb_functions import register

from .conftest import AS_AT, REPOSITORY

SEEDS = REPOSITORY / "data" / "seeds"


ASKED = (
    "int_commitments__scoped",
    "dim_commitment",
    "dim_period",
    "fct_milestone",
    "fct_target",
    "fct_target_vs_actual",
    "v_scorecard",
)


class Days:
    """The built warehouse, made anew for other days, each once: what ``ASKED`` names, in a schema of the day."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, models: Mapping[str, tuple[str, str, str]]) -> None:
        self.connection = connection
        self.models = models
        self.made: set[str] = set()

    def rows(self, day: str, query: str, *parameters: object) -> list[tuple[object, ...]]:
        schema = f"on_{day.replace('-', '_')}"
        if day not in self.made:
            self.connection.execute("use main")
            for kind, relation, sql in self.models.values():
                self.connection.execute(f"create or replace {kind} {relation} as {sql.replace(AS_AT, day)}")
            self.connection.execute(f"create schema {schema}")
            for name in ASKED:
                self.connection.execute(f"create table {schema}.{name} as from {self.models[name][1]}")
            self.made.add(day)
        self.connection.execute(f"use {schema}")
        return self.connection.execute(query, list(parameters)).fetchall()


@pytest.fixture(scope="module")
def days(built, tmp_path_factory) -> Iterator[Days]:
    # The compiled SQL names the database after its file.
    copy = shutil.copy(built.file, tmp_path_factory.mktemp("days") / built.file.name)
    nodes = json.loads((built.target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((built.target / "run_results.json").read_text(encoding="utf-8"))["results"]
    ran = [result for result in results if result["unique_id"].startswith("model.")]
    # What the asked models stand on, and of that what the day changes, in the order in which dbt ran it.
    needed = {result["unique_id"] for result in ran if nodes[result["unique_id"]]["name"] in ASKED}
    for result in reversed(ran):
        if result["unique_id"] in needed:
            needed |= set(nodes[result["unique_id"]]["depends_on"]["nodes"])
    again: dict[str, tuple[str, str, str]] = {}
    changed: set[str] = set()
    for result in ran:
        node, sql = nodes[result["unique_id"]], result["compiled_code"]
        if result["unique_id"] in needed and (f"'{AS_AT}'" in sql or changed & set(node["depends_on"]["nodes"])):
            changed.add(result["unique_id"])
            again[node["name"]] = (node["config"]["materialized"], result["relation_name"], sql)
    assert set(ASKED) <= again.keys()
    with duckdb.connect(copy, config={"threads": "1"}) as connection:
        register(connection)
        yield Days(connection, again)


@pytest.mark.parametrize(
    ("day", "title", "target", "status"),
    [
        # 54 against at least 53 as first worded; against at least 60 as worded since 1 June 2025.
        ("2025-05-31", "As first worded", 53, "achieved"),
        ("2025-06-01", "Restated target", 60, "at_risk"),
        (AS_AT, "Restated target", 60, "at_risk"),
    ],
)
def test_a_restated_commitment_is_judged_by_the_wording_in_force(days, day, title, target, status):
    found = days.rows(
        day, "select title, target_value, status_code from v_scorecard where commitment_id = 'restated_target'"
    )
    assert found == [(title, target, status)]
    path = days.rows(
        day,
        """
        select distinct t.target_value
        from fct_target as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        where c.commitment_id = 'restated_target'
        """,
    )
    assert path == [(target,)]


def test_both_wordings_are_kept_with_their_dates(rows):
    found = rows("""
        select title, cast(valid_from as varchar) as since, cast(valid_to as varchar) as until, target_value, is_current
        from dim_commitment where commitment_id = 'restated_target' order by valid_from
    """)
    assert [tuple(row.values()) for row in found] == [
        ("As first worded", "2016-01-01", "2025-06-01", 53, 0),
        ("Restated target", "2025-06-01", None, 60, 1),
    ]


@pytest.mark.parametrize(
    ("commitment", "day", "status"),
    [
        ("gone_measure", "2015-12-31", None),
        ("gone_measure", "2024-05-31", "achieved"),
        ("gone_measure", "2024-06-01", None),  # the day on which it ends is not its own
        ("gone_measure", AS_AT, None),
        ("gone_action", "2025-09-01", "in_progress"),
        ("gone_action", AS_AT, None),
        ("not_yet_in_force", AS_AT, None),
        ("not_yet_in_force", "2026-03-02", "achieved"),
    ],
)
def test_a_commitment_is_on_the_scorecard_while_it_is_in_force(days, commitment, day, status):
    found = days.rows(day, "select status_code from v_scorecard where commitment_id = ?", commitment)
    assert found == ([] if status is None else [(status,)])
    judged = days.rows(day, "select count(*) > 0 from fct_target_vs_actual where commitment_id = ?", commitment)
    assert judged == [(status is not None,)]


def test_a_commitment_that_is_not_in_force_leaves_no_trace_but_its_wording(rows):
    names = "('gone_measure', 'gone_action', 'not_yet_in_force')"
    for table in ("fct_target_vs_actual", "fct_milestone", "v_scorecard", "fct_commitment_comparison"):
        assert rows(f"select commitment_id from {table} where commitment_id in {names}") == [], table
    found = rows(f"select commitment_id, superseded_by, is_current from dim_commitment where commitment_id in {names}")
    assert {row["commitment_id"]: (row["superseded_by"], row["is_current"]) for row in found} == {
        "gone_measure": ("restated_target", 0),
        "gone_action": ("restated_target", 0),
        "not_yet_in_force": (None, 0),
    }


def test_progress_is_as_it_was_known_on_the_day(days):
    query = "select milestone_state from fct_milestone where commitment_id = 'action_newest_word'"
    found = {day: days.rows(day, query) for day in ("2025-05-31", "2025-06-01", "2025-09-01", "2026-06-01")}
    assert found == {
        "2025-05-31": [("unknown",)],
        "2025-06-01": [("not_started",)],
        "2025-09-01": [("in_progress",)],
        "2026-06-01": [("done",)],
    }


def test_instances_begin_as_time_goes_on(days):
    query = "select count(*) from fct_milestone where commitment_id = 'output_annual'"
    assert [days.rows(day, query) for day in ("2024-06-01", "2025-06-01", "2026-03-01")] == [[(4,)], [(5,)], [(6,)]]


def test_an_external_target_counts_from_the_day_on_which_it_was_published(days):
    query = "select status_code from v_scorecard where commitment_id = 'yearly_not_yet_said'"
    assert days.rows("2026-03-01", query) == [("not_assessable",)]
    assert days.rows("2026-03-02", query) == [("achieved",)]
    planned = """
        select count(*)
        from fct_target as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        inner join dim_period as p on t.period_key = p.period_key
        where c.commitment_id = 'yearly_met' and p.period_label = '2028'
    """
    assert days.rows("2026-03-02", planned) == [(0,)]
    assert days.rows("2026-06-01", planned) == [(1,)]


@pytest.mark.parametrize("day", [AS_AT, "2025-05-31", "2025-06-01", "2015-12-31"])
def test_no_commitment_has_two_wordings_on_one_day(days, day):
    twice = days.rows(
        day,
        """
        select commitment_id from int_commitments__scoped
        group by commitment_id having count(distinct valid_from) > 1
        """,
    )
    assert twice == []


# --- the register -----------------------------------------------------------------------------------------------------


def overlapping(commitments: Sequence[Mapping[str, str]]) -> list[str]:
    """Name every commitment of which two versions are in force on one day, or one that ends before it begins."""
    versions: dict[str, list[tuple[str, str]]] = {}
    for row in commitments:
        versions.setdefault(row["commitment_id"], []).append((row["valid_from"], row["valid_to"] or "9999-12-31"))
    return [
        name
        for name, spans in versions.items()
        if any(since >= until for since, until in spans)
        or any(until > since for (_, until), (since, _) in zip(sorted(spans), sorted(spans)[1:], strict=False))
    ]


def test_versions_of_a_commitment_do_not_overlap():
    with (SEEDS / "commitments.csv").open(encoding="utf-8", newline="") as file:
        register_rows = list(csv.DictReader(file))
    assert len(register_rows) > 400
    assert overlapping(register_rows) == []


@pytest.mark.parametrize(
    ("second", "is_in_order"),
    [
        (("2025-06-01", ""), True),
        (("2025-07-01", ""), True),
        (("2025-05-31", ""), False),
        (("2025-07-01", "2025-07-01"), False),
    ],
)
def test_an_overlap_is_found(second, is_in_order):
    versions = [
        {"commitment_id": "a", "valid_from": since, "valid_to": until}
        for since, until in (second, ("2024-01-01", "2025-06-01"))
    ]
    assert overlapping(versions) == ([] if is_in_order else ["a"])
