"""The commitment register of this project holds together, and holds what was read out of the documents.

How much is registered belongs here, with the rules shown on the real register: that it keeps them, and that each slip
a person can make in it is found. The rules are in ``expectations/register``; every one of them is shown failing on a
small register in ``tests/gates``.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.check.expectation_suites import load_suite
from pipelines.check.register_files import read_register
from pipelines.check.register_lint import RegisterReport, lint_register, register_suites
from pipelines.run_inputs import today
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(project=PROJECT, warehouse=PROJECT / "warehouse")
NOW = datetime.now(UTC)

COMMITMENTS = {
    "cp_priorities": 8,
    "nhse_integrating_care": 53,
    "notts_ics_strategy": 140,
    "stw_pledges": 19,
    "traf_climate_report": 6,
    "traf_equality_strategy": 116,
    "traf_hwb_minutes": 22,
    "traf_hwb_papers": 3,
    "traf_hwb_strategy": 6,
    "traf_integrating_care": 61,
    "wyh_think_piece": 12,
}
"""Commitments by document."""

DOCUMENTS = {
    "000_8c2ac29d5a9ea8cb.txt",
    "001_d4ef3ade94303eb1.txt",
    "002_2d984c322e63ba13.txt",
    "003_ab691bbc1b2c0b5b.txt",
    "004_28ce39d3fedba391.txt",
}
# absolute_change_from_baseline is a type of the model that no strategy uses as written.
TYPES_IN_USE = {
    "absolute_level",
    "percent_change_from_baseline",
    "max_rise_from_baseline",
    "match_comparator",
    "statistically_better_than_comparator",
    "statistically_similar_or_better_than_comparator",
    "reduction_vs_counterfactual",
    "sustained_annual_reduction",
    "direction_only_from_baseline",
    "gap_reduction",
    "meet_external_annual_target",
    "completion_by_date",
    "none",
}

Row = dict[str, str]
Rows = list[Row]


def read(seed: str) -> Rows:
    """Read a table of the register as text."""
    with (SETTINGS.seeds / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.fixture(scope="module")
def report() -> RegisterReport:
    return lint_register(SETTINGS, today(), NOW, engine="duckdb")


def test_nothing_refuses_the_register(report: RegisterReport) -> None:
    assert [str(found) for seed in report.seeds for found in seed.findings(seed.refusals)] == []


def test_every_table_of_the_register_has_its_rules(report: RegisterReport) -> None:
    found = {seed.seed: seed for seed in report.seeds}
    assert set(found) == {
        "commitment_choices",
        "commitment_indicators",
        "commitment_places",
        "commitments",
        "counterfactual_scenarios",
        "external_annual_targets",
        "frameworks",
        "known_issues",
        "milestone_progress",
        "priorities",
    }
    for seed, file in read_register(SETTINGS, tuple(found)).items():
        assert found[seed].rows == len(file.rows) > 0, seed


def test_every_promise_of_every_document_is_registered() -> None:
    ids = {(row["framework_id"], row["commitment_id"]) for row in read("commitments")}
    assert Counter(framework for framework, _ in ids) == COMMITMENTS
    assert sum(COMMITMENTS.values()) == 446
    assert {row["framework_id"]: row["document_file"] for row in read("frameworks")}.keys() == COMMITMENTS.keys()
    assert {row["document_file"] for row in read("frameworks")} == DOCUMENTS


def test_every_type_of_target_is_in_use() -> None:
    assert {row["target_type"] for row in read("commitments")} == TYPES_IN_USE


Spoil = Callable[[Rows], None]


def change(first: str, **cells: str) -> Spoil:
    """Overwrite cells of the first row whose first column is ``first``."""

    def spoil(rows: Rows) -> None:
        next(row for row in rows if next(iter(row.values())) == first).update(cells)

    return spoil


def repeat_the_first(rows: Rows) -> None:
    rows.append(dict(rows[0]))


def drop(first: str) -> Spoil:
    """Take out every row whose first column is ``first``."""

    def spoil(rows: Rows) -> None:
        rows[:] = [row for row in rows if next(iter(row.values())) != first]

    return spoil


HLE, BREASTFEEDING, SELF_HARM = (
    "notts-overarching-hle",
    "notts-cyp-breastfeeding-56",
    "notts-cyp-self-harm-annual-reduction",
)
SMOKEFREE, SMOKING, SUICIDE = (
    "notts-prev-smokefree-2040",
    "notts-prev-smoking-5pct-2035",
    "notts-prev-suicide-similar-england",
)
PLAN, WINDOW = "wyh-five-year-plan-2020", "notts-nz-80pct-2028-2032"
STATED = {"baseline_period_label": "2022/23", "baseline_period_source": "stated", "baseline_value_source": "stated"}

# table that is spoilt, how, table and rule that find it, part of what is said
SLIPS: list[tuple[str, Spoil, str, str, str]] = [
    ("commitment_indicators", repeat_the_first, "commitment_indicators", "keys_unique", "line 2"),
    ("commitments", change(HLE, analyst_note=" "), "commitments", "cells_filled", "analyst_note is empty"),
    ("commitments", change(HLE, framework_id="notts_strategy"), "commitments", "framework_known", "notts_strategy"),
    ("commitment_places", change(HLE, area_code="E54000015"), "commitment_places", "area_known", "Leicester"),
    ("commitment_places", drop(HLE), "commitments", "place_given", "has no place"),
    ("commitments", drop(HLE), "commitment_places", "commitment_known", HLE),
    ("commitments", change(SMOKEFREE, parent_commitment_id=SMOKEFREE), "commitments", "parents_end", "ancestors"),
    ("commitments", change(SMOKEFREE, parent_commitment_id="no-such"), "commitments", "parent_known", "no-such"),
    ("commitments", change(HLE, same_as_commitment_id=HLE), "commitments", "same_promise_counts_once", "itself"),
    ("commitments", change(HLE, superseded_by="no-such"), "commitments", "successor_known", "no-such"),
    ("commitment_indicators", change(HLE, confidence="certain"), "commitment_indicators", "words_allowed", "certain"),
    ("commitment_indicators", change(HLE, indicator_id="99999"), "commitment_indicators", "indicator_known", "99999"),
    ("commitments", change(HLE, due_date="2028-02-30"), "commitments", "days_are_days", "2028-02-30"),
    ("commitments", change(BREASTFEEDING, target_value=""), "commitments", "target_fits_its_type", "is missing"),
    ("commitments", change(BREASTFEEDING, target_value="56%"), "commitments", "numbers_are_numbers", "56%"),
    ("commitments", change(SUICIDE, comparator_rule="point"), "commitments", "comparator_rule_fits", "does not fit"),
    ("commitments", change(SMOKING, operator=">="), "commitments", "operator_follows_direction", ">= against decrease"),
    (
        "commitments",
        change("notts-prev-alcohol-admissions-10pct", target_value="10"),
        "commitments",
        "change_follows_direction",
        "a change of 10",
    ),
    (
        "commitments",
        change(BREASTFEEDING, **STATED, baseline_value="58"),
        "commitments",
        "target_beyond_baseline",
        "56 is on the wrong side of the stated baseline of 58",
    ),
    (
        "commitments",
        change(BREASTFEEDING, **STATED, baseline_value="56"),
        "commitments",
        "already_met_when_signed",
        "56 already meets the target >= 56",
    ),
    ("commitments", change(SMOKING, target_unit="per 100,000"), "commitments", "unit_of_indicator", "is in %"),
    ("commitments", change(HLE, data_gap_reason="no_indicator"), "commitments", "gap_reason_where_data_missing", HLE),
    ("commitments", change(HLE, due_date_source="none"), "commitments", "due_date_sourced", "source none"),
    ("commitments", change(WINDOW, earliest_date="2033-01-01"), "commitments", "window_in_order", "2033-01-01"),
    ("commitments", change(SMOKING, due_date="2023-12-31"), "commitments", "due_after_publication", "2023-12-31"),
    ("commitments", change(HLE, baseline_period_label="2018-20"), "commitments", "baseline_label_readable", "2018-20"),
    ("commitments", change(SELF_HARM, baseline_value=""), "commitments", "baseline_sourced", "(no value)"),
    ("commitments", change(HLE, title="x" * 161), "commitments", "title_short", "161 characters"),
    ("commitments", change(HLE, title="An “improvement” in years"), "commitments", "words_our_own", "quotation mark"),
    ("commitments", change(HLE, priority="Some heading"), "commitments", "priority_listed", "Some heading"),
    ("commitments", repeat_the_first, "commitments", "one_version_open", "neither has the version in line 2"),
    ("commitments", Rows.reverse, "commitments", "rows_sorted", "stands after"),
    ("commitment_choices", Rows.clear, "commitments", "choice_recorded", "nothing says against what"),
    ("commitment_choices", lambda rows: rows[0].update(chosen="?"), "commitment_choices", "choice_agrees", "?"),
    ("milestone_progress", change(PLAN, commitment_id=HLE), "milestone_progress", "progress_of_actions", HLE),
    (
        "milestone_progress",
        change(PLAN, instance="2020"),
        "milestone_progress",
        "instance_of_recurring",
        "promised once",
    ),
    ("milestone_progress", change(PLAN, recorded_on="2099-01-01"), "milestone_progress", "recorded_by_today", "2099"),
    ("milestone_progress", change(PLAN, recorded_on="2009-01-01"), "milestone_progress", "recorded_when_valid", "2009"),
    (
        "milestone_progress",
        change(PLAN, evidence_document="hearsay.txt"),
        "milestone_progress",
        "evidence_known",
        "hearsay.txt",
    ),
    ("known_issues", change("KI-001", subject_id="no_such"), "known_issues", "subject_known", "no_such"),
]


@pytest.mark.parametrize(
    ("spoilt", "spoil", "seed", "rule", "says"), SLIPS, ids=[f"{n}-{slip[3]}" for n, slip in enumerate(SLIPS)]
)
def test_a_slip_is_found_with_its_line(
    spoilt: str, spoil: Spoil, seed: str, rule: str, says: str, tmp_path: Path
) -> None:
    settings = Settings(project=tmp_path, warehouse=tmp_path / "warehouse")
    settings.seeds.parent.mkdir()
    shutil.copytree(SETTINGS.seeds, settings.seeds)
    for path in (settings.expectations, settings.sources):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(PROJECT / path.relative_to(tmp_path))
    rows = read(spoilt)
    columns = list(rows[0])
    spoil(rows)
    with (settings.seeds / f"{spoilt}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    [report] = lint_register(settings, today(), NOW, engine="duckdb", only=(seed,)).seeds
    assert report.file == f"data/seeds/{seed}.csv"
    [result] = [one for one in report.results if one.check_id == rule]
    severity = {one.check_id: one.severity for one in load_suite(register_suites(SETTINGS)[seed]).expectations}[rule]
    assert result.outcome == {"critical": "blocked", "warning": "warned"}[severity]
    found = [one for one in report.findings((result,)) if says in one.message]
    assert found
    assert found[0].row is not None
    assert found[0].remedy
