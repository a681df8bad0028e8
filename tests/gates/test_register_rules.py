"""Every rule of the commitment register, shown letting a sound register pass and finding what was spoilt in it.

A small register that is made here belongs here, with a way to break each rule. The real register is tested in
``tests/contract``, and what a broken rule stops in ``test_register_gate``.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate_database import Engine
from pipelines.check.register_files import declared_columns
from pipelines.check.register_lint import RegisterReport, lint_register, register_suites
from pipelines.problems import ConfigurationError, Problem
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
REAL = Settings(project=PROJECT, warehouse=PROJECT / "warehouse")
NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
AS_AT = date(2026, 3, 1)
SOURCES = ("trafford_jsna", "trafford_neighbours", "ukhsa_bacteraemia")
LISTS = ("areas", "ages", "categories")

Row = dict[str, str]
Register = dict[str, list[Row]]

STRATEGY, PAPERS = "strategy", "papers"
HLE, SEPSIS = "trafford_jsna.healthy_life_expectancy", "ukhsa_bacteraemia.mrsa"
TRAFFORD = {"area_code": "E08000009", "area_name": "Trafford"}


def commitment(commitment_id: str, target_type: str, direction: str, **cells: str) -> Row:
    """A commitment of the strategy, without a date, a measure or a baseline unless its cells give one."""
    measured = target_type not in ("completion_by_date", "none")
    return {
        "commitment_id": commitment_id,
        "framework_id": STRATEGY,
        "aim": "Aim 1",
        "priority": "Years in good health",
        "title": f"What {commitment_id} promises",
        "kind": "outcome_target" if measured else "milestone_action",
        "target_type": target_type,
        "desired_direction": direction,
        "due_date_source": "none",
        "baseline_period_source": "none",
        "baseline_value_source": "none",
        "owner": "Health and Wellbeing Board",
        "document_line": "140",
        "data_gap_reason": "no_data_source_connected" if measured else "",
        "data_needed": "A yearly count, from the board.",
        "analyst_note": "Our reading of the line.",
        "is_permissive": "0",
        "valid_from": "2024-03-01",
        **cells,
    }


DEFAULTED = {"due_date": "2028-03-31", "due_date_precision": "month", "due_date_source": "defaulted"}
OF_PAPERS = {"framework_id": PAPERS, "aim": "Minutes", "priority": "Resolutions", "valid_from": "2021-01-21"}


def sound() -> Register:
    """Every table with rows that every rule lets pass, each kind of commitment once."""
    commitments = [
        commitment(
            "p-bulletin",
            "absolute_level",
            "increase",
            **OF_PAPERS,
            operator=">=",
            target_value="12",
            target_unit="bulletins per year",
            level_rule="point",
            recurrence="monthly",
            data_gap_reason="",
        ),
        commitment(
            "p-repeat", "direction_only_from_baseline", "increase", **OF_PAPERS, same_as_commitment_id="s-level"
        ),
        commitment("s-action", "completion_by_date", "complete", **DEFAULTED),
        commitment(
            "s-action-part", "completion_by_date", "complete", parent_commitment_id="s-action", sibling_group="pair"
        ),
        commitment(
            "s-change",
            "percent_change_from_baseline",
            "decrease",
            operator="<=",
            target_value="-10",
            target_unit="%",
            change_basis="relative",
            sibling_group="pair",
        ),
        commitment(
            "s-compare",
            "match_comparator",
            "decrease",
            operator="<=",
            comparator_area_code="E92000001",
            comparator_rule="point",
        ),
        commitment(
            "s-external",
            "meet_external_annual_target",
            "decrease",
            operator="<=",
            target_unit="per 100,000",
            data_gap_reason="",
        ),
        commitment(
            "s-gap", "gap_reduction", "decrease", gap_measure="absolute_gap", gap_dimension="deprivation decile"
        ),
        commitment(
            "s-level",
            "absolute_level",
            "increase",
            operator=">=",
            target_value="65",
            target_unit="years",
            level_rule="point",
            due_date="2028-03-31",
            due_date_precision="month",
            due_date_source="stated",
            earliest_date="2027-04-01",
            baseline_period_label="2018 - 20",
            baseline_period_source="stated",
            baseline_value="63.2",
            baseline_value_source="stated",
            data_gap_reason="",
        ),
        commitment("s-none", "none", "increase"),
        commitment(
            "s-old",
            "direction_only_from_baseline",
            "increase",
            valid_from="2019-01-01",
            valid_to="2024-03-01",
            superseded_by="s-level",
        ),
        commitment(
            "s-scenario", "reduction_vs_counterfactual", "decrease", operator="<=", target_value="5", target_unit="%"
        ),
        commitment("s-versions", "direction_only_from_baseline", "decrease", valid_to="2025-04-01"),
        commitment("s-versions", "direction_only_from_baseline", "decrease", valid_from="2025-04-01"),
    ]
    everywhere = {row["commitment_id"]: row for row in commitments}
    return {
        "frameworks": [
            framework(STRATEGY, published_on="2024-03-01", period_end="2028-03-31", horizon_date="2028-03-31"),
            framework(PAPERS, published_on="2021-01-21", period_start="2021-01-21"),
        ],
        "commitments": commitments,
        "commitment_places": [{"commitment_id": one, **TRAFFORD, "reason": "It signed."} for one in everywhere],
        "commitment_indicators": [mapping("s-external", SEPSIS), mapping("s-level", HLE)],
        "commitment_choices": [
            choice("s-change", "change_basis", "relative", "absolute"),
            choice("s-compare", "comparator_rule", "point", "not_significantly_worse"),
            choice("s-gap", "gap_measure", "absolute_gap", "slope_index"),
        ],
        "priorities": [
            {"framework_id": STRATEGY, "aim": "Aim 1", "priority": "Years in good health", "sequence": "1"},
            {"framework_id": PAPERS, "aim": "Minutes", "priority": "Resolutions", "sequence": "1"},
        ],
        "milestone_progress": [
            progress("p-bulletin", "2021-01-29", "done", "papers.txt", instance="2021-01"),
            progress("s-action", "2024-03-01", "in_progress", "strategy.txt"),
            progress(
                "s-action", "2025-05-01", "done", "strategy.txt", completed_on="2025-04-30", note="The board met."
            ),
        ],
        "external_annual_targets": [
            figure("s-external", "2024/25", target_value="1.5", unit="per 100,000", published_on="2024-04-01"),
            {"commitment_id": "s-external", "area_code": "E08000009", "period_label": "2025/26"}
            | {"absent_reason": "Set in a table that is not published."},
        ],
        "counterfactual_scenarios": [
            figure("s-scenario", "2024/25", scenario="unmitigated growth", value="1200", unit="admissions per year")
        ],
        "known_issues": [
            {
                "issue_id": "KI-001",
                "severity": "A",
                "subject": "framework",
                "subject_id": STRATEGY,
                "title": "A misprint",
            }
            | {"detail": "A digit is lost.", "evidence": "Line 668", "first_seen": "2020-12-15", "status": "open"}
        ],
    }


def framework(framework_id: str, **cells: str) -> Row:
    """A document named after its framework."""
    about = {"title": f"The {framework_id}", "organisation": "Trafford Council", "system_name": "Trafford"}
    return {"framework_id": framework_id, **about, "document_file": f"{framework_id}.txt", **cells}


def mapping(commitment_id: str, indicator_id: str, **cells: str) -> Row:
    """A commitment measured in everybody."""
    group = {"sex": "Persons", "age": "All ages", "confidence": "high", "reason": "It counts the same."}
    return {"commitment_id": commitment_id, "indicator_id": indicator_id, **group, **cells}


def choice(commitment_id: str, column: str, chosen: str, alternative: str) -> Row:
    """A decision of the analyst."""
    names = ("commitment_id", "choice", "chosen", "alternative", "reason")
    return dict(zip(names, (commitment_id, column, chosen, alternative, "The document leaves it open."), strict=True))


def progress(commitment_id: str, recorded_on: str, state: str, document: str, **cells: str) -> Row:
    """A state that a document reports."""
    found = {"evidence_document": document, "evidence_line": "12", "note": "Reported in the text."}
    return {"commitment_id": commitment_id, "recorded_on": recorded_on, "state": state, **found, **cells}


def figure(commitment_id: str, period_label: str, **cells: str) -> Row:
    """A figure of a year, from another document."""
    where = {"area_code": "E08000009", "source_document": "Planning guidance", "source_line": "7"}
    return {"commitment_id": commitment_id, "period_label": period_label, **where, **cells}


def write_register(register: Register, project: Path) -> Settings:
    """Write a register into a project of its own, with this project's rules and a few of its sources.

    Args:
        register: Table to rows; a cell that is not there is empty.
        project: Folder to make, or to fill again.

    Returns:
        Settings of that project.
    """
    settings = Settings(project=project, warehouse=project / "warehouse")
    for folder in (settings.seeds, settings.sources, settings.dbt_project):
        folder.mkdir(parents=True, exist_ok=True)
    if not settings.expectations.exists():
        settings.expectations.symlink_to(PROJECT / "expectations")
    for name in SOURCES:
        shutil.copy(PROJECT / "pipelines" / "acquire" / "sources" / f"{name}.yml", settings.sources)
    for name in ("_seeds.yml", *(f"{one}.csv" for one in LISTS)):
        shutil.copy(PROJECT / "data" / "seeds" / name, settings.seeds)
    columns = declared_columns(settings)
    for seed in register_suites(settings):
        with (settings.seeds / f"{seed}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns[seed], restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(register[seed])
    return settings


def spoil(register: Register, *steps: Sequence[Any]) -> Register:
    """Do to a register what an example says; lines are those of the sound one, in every step.

    Args:
        register: Changed in place.
        steps: Each a word of ``register_spoilt.yml`` and what it needs.

    Returns:
        The register.
    """
    lines = {table: list(rows) for table, rows in register.items()}
    for do, table, *what in steps:
        rows = register[table]
        match do, what:
            case "set", [line, cells]:
                lines[table][line - 2].update(cells)
            case "add", [cells]:
                rows.append(dict(cells))
            case "repeat", [line]:
                rows.append(dict(lines[table][line - 2]))
            case "repeat", [line, before]:
                rows.insert(before - 2, dict(lines[table][line - 2]))
            case "drop", [first]:
                register[table] = [row for row in rows if next(iter(row.values())) != first]
            case "move", [line, before]:
                rows.insert(before - 2, rows.pop(line - 2))
            case _:
                raise ValueError(f"{do} {what} is no way to spoil {table}")
    return register


@dataclass(frozen=True)
class Example:
    """A spoilt register and what has to be found in it: see ``register_spoilt.yml``."""

    seed: str
    rule: str
    line: int
    column: str
    says: str
    steps: Sequence[Sequence[Any]]
    also: frozenset[str]


def read_examples() -> list[Example]:
    """Read every way to spoil the register."""
    found: list[Example] = []
    for entry in yaml.safe_load((Path(__file__).parent / "register_spoilt.yml").read_text(encoding="utf-8")):
        seed, rule = entry["rule"].split(".")
        line, column = entry["at"]
        found.append(Example(seed, rule, line, column, entry["says"], entry["steps"], frozenset(entry.get("also", ()))))
    return found


EXAMPLES = read_examples()
COMMITMENTS, PLACES, CHOICES, PROGRESS = "commitments", "commitment_places", "commitment_choices", "milestone_progress"
BREAKDOWN = "LSOA11 deprivation quintiles within area (IMD  trend)"
# Lines of the sound file.
BULLETIN, ACTION, CHANGE, COMPARE, GAP, LEVEL = 2, 4, 6, 7, 9, 10

Lint = Callable[..., RegisterReport]


@pytest.fixture(scope="session")
def lint(tmp_path_factory: pytest.TempPathFactory) -> Lint:
    """Put the rules to a register, on DuckDB alone if not told otherwise."""

    def put(register: Register, *only: str, engine: Engine = "duckdb", as_at: date = AS_AT) -> RegisterReport:
        settings = write_register(register, tmp_path_factory.mktemp("register"))
        return lint_register(settings, as_at, NOW, engine=engine, only=only or None)

    return put


def broken(report: RegisterReport) -> dict[tuple[str, str], list[Problem]]:
    """Return table and rule to findings, for every rule that did not pass."""
    return {
        (seed.seed, one.check_id): list(seed.findings((one,)))
        for seed in report.seeds
        for one in seed.results
        if one.outcome != "passed"
    }


@pytest.mark.parametrize("engine", ["duckdb", "great_expectations"])
def test_a_sound_register_passes_every_rule(engine: Engine, lint: Lint) -> None:
    report = lint(sound(), engine=engine)
    assert broken(report) == {}
    assert not report.refused
    assert report.rows == sum(len(rows) for rows in sound().values())
    assert {one.stage for seed in report.seeds for one in seed.results} == {"register"}


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{number}-{one.seed}-{one.rule}" for number, one in enumerate(EXAMPLES)]
)
def test_a_spoilt_register_is_found_by_its_rule(example: Example, lint: Lint) -> None:
    report = lint(spoil(sound(), *example.steps), example.seed)
    found = broken(report)
    assert {rule for _, rule in found} == {example.rule, *example.also}
    finding = next(one for one in found[example.seed, example.rule] if example.says in one.message)
    assert (finding.file, finding.row, finding.column) == (
        f"data/seeds/{example.seed}.csv",
        example.line,
        example.column,
    )
    assert finding.remedy
    severities = {one.check_id: one.severity for one in load_suite(register_suites(REAL)[example.seed]).expectations}
    [result] = [one for seed in report.seeds for one in seed.results if one.check_id == example.rule]
    assert result.outcome == {"critical": "blocked", "warning": "warned"}[severities[example.rule]]
    assert report.refused is any(severities[rule] == "critical" for rule in (example.rule, *example.also))


def test_every_rule_is_shown_failing() -> None:
    rules = {
        (seed, one.check_id) for seed, path in register_suites(REAL).items() for one in load_suite(path).expectations
    }
    assert rules == {(one.seed, one.rule) for one in EXAMPLES}


@pytest.mark.parametrize("path", register_suites(REAL).values(), ids=lambda path: path.stem)
def test_every_suite_is_named_after_its_seed_and_says_what_to_do(path: Path) -> None:
    suite = load_suite(path)
    assert suite.seed == path.stem
    assert declared_columns(REAL)[path.stem]
    for one in suite.expectations:
        assert one.severity in ("critical", "warning"), one.check_id
        assert one.remedy
        assert one.remedy.endswith("."), one.check_id


def test_both_engines_say_the_same_of_a_spoilt_register(lint: Lint) -> None:
    # As much at once as can be: every cell that some example overwrites.
    steps = [step for example in EXAMPLES for step in example.steps if step[0] == "set"]

    def said(engine: Engine) -> list[tuple[str, str, str, int | None, str]]:
        report = lint(spoil(sound(), *steps), engine=engine)
        return [
            (seed.seed, one.check_id, one.outcome, one.rows_failed, one.observed)
            for seed in report.seeds
            for one in seed.results
        ]

    library = said("great_expectations")
    assert said("duckdb") == library
    assert sum(outcome in ("blocked", "warned") for _, _, outcome, _, _ in library) > 50
    assert [one for one in library if one[2] == "not_evaluated"] == []


def test_the_first_twenty_rows_are_listed_and_the_others_counted(lint: Lint) -> None:
    register = sound()
    register[PLACES] = [{**row, "area_name": "Salford"} for row in register[PLACES] * 2]
    found = broken(lint(register, PLACES))[PLACES, "area_known"]
    assert [one.row for one in found] == [*range(2, 22), None]
    assert found[-1].message == "6 more rows break this rule."


@pytest.mark.parametrize("label", ["2019", "2020/21", "2018 - 20", "2009 - 13", "2020/21 - 24/25", "1999/00"])
def test_a_period_label_of_a_known_shape_passes(label: str, lint: Lint) -> None:
    register = spoil(sound(), ("set", COMMITMENTS, LEVEL, {"baseline_period_label": label}))
    assert broken(lint(register, COMMITMENTS)) == {}


@pytest.mark.parametrize("label", ["2018-20", "2020/22", "2020 - 18", "20/21", "2020/21 - 24/26", "about 2020"])
def test_a_period_label_of_another_shape_is_found(label: str, lint: Lint) -> None:
    register = spoil(sound(), ("set", COMMITMENTS, LEVEL, {"baseline_period_label": label}))
    assert set(broken(lint(register, COMMITMENTS))) == {(COMMITMENTS, "baseline_label_readable")}


@pytest.mark.parametrize("unit", ["years", "Year", "life years"])
def test_two_words_for_one_unit_are_one(unit: str, lint: Lint) -> None:
    register = spoil(sound(), ("set", COMMITMENTS, LEVEL, {"target_unit": unit}))
    assert broken(lint(register, COMMITMENTS)) == {}


def test_what_is_allowed_is_let_pass(lint: Lint) -> None:
    register = spoil(
        sound(),
        # A cap that is kept from the start, a level without a number that says so, a gap that nobody describes,
        ("set", COMMITMENTS, LEVEL, {"desired_direction": "cap", "operator": "<=", "target_value": "70"}),
        ("set", COMMITMENTS, CHANGE, {"target_type": "absolute_level", "level_rule": "point", "change_basis": ""}),
        ("set", COMMITMENTS, CHANGE, {"target_value": "", "data_gap_reason": "no_target_value"}),
        ("set", COMMITMENTS, GAP, {"gap_measure": "", "gap_dimension": ""}),
        ("drop", CHOICES, "s-change"),
        ("drop", CHOICES, "s-gap"),
        # every group of a breakdown,
        ("set", "commitment_indicators", 3, {"category_type": BREAKDOWN}),
        # neighbours instead of England,
        ("set", COMMITMENTS, COMPARE, {"comparator_area_code": "", "comparator_neighbour_set": "cipfalga0724"}),
        ("add", CHOICES, choice("s-compare", "comparator_neighbour_set", "cipfalga0724", "cssn")),
        # something due before it was written down, but recorded, and a step back that a note explains.
        ("set", COMMITMENTS, ACTION, {"due_date": "2024-02-01", "due_date_source": "stated"}),
        ("add", PROGRESS, progress("s-action", "2025-09-01", "in_progress", "strategy.txt", note="It was dissolved.")),
    )
    assert broken(lint(register)) == {}


READABLE: list[tuple[str, Callable[[str], bytes], int | None, str]] = [
    (
        "a missing column",
        lambda text: text.replace(",reason\n", "\n").replace(",It signed.", "").encode(),
        1,
        "reason is missing",
    ),
    ("an unknown column", lambda text: text.replace("area_name", "place", 1).encode(), 1, "place is not declared"),
    (
        "a comma too many",
        lambda text: text.replace("It signed.", "It signed, too.", 1).encode(),
        2,
        "5 cells and the header 4",
    ),
    ("an open quotation mark", lambda text: text.replace("It signed.", '"It signed.', 1).encode(), 2, "no CSV"),
    ("another encoding", lambda text: text.replace("It signed.", "Señor", 1).encode("cp1252"), 2, "not UTF-8"),
    ("a mark of the encoding", lambda text: ("\ufeff" + text).encode(), 1, "commitment_id is missing"),
    ("nothing", lambda _: b"", None, "The file is empty"),
]


@pytest.mark.parametrize(("spoilt", "line", "says"), [one[1:] for one in READABLE], ids=[one[0] for one in READABLE])
def test_a_file_that_is_no_table_is_refused_with_its_line(
    spoilt: Callable[[str], bytes], line: int | None, says: str, tmp_path: Path
) -> None:
    settings = write_register(sound(), tmp_path)
    path = settings.seeds / "commitment_places.csv"
    path.write_bytes(spoilt(path.read_text(encoding="utf-8")))
    report = lint_register(settings, AS_AT, NOW, engine="duckdb")
    assert report.refused
    [found] = [
        one
        for (seed, _), all_found in broken(report).items()
        if seed == PLACES
        for one in all_found
        if says in one.message
    ]
    assert (found.rule, found.file, found.row) == ("readable", "data/seeds/commitment_places.csv", line)
    assert found.remedy
    assert {one.check_id for seed in report.seeds for one in seed.results} == {"readable"}


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    settings = write_register(sound(), tmp_path)
    (settings.seeds / "priorities.csv").unlink()
    assert list(broken(lint_register(settings, AS_AT, NOW, engine="duckdb"))) == [("priorities", "readable")]


def test_a_seed_without_declared_columns_is_refused(tmp_path: Path) -> None:
    settings = write_register(sound(), tmp_path)
    (settings.seeds / "_seeds.yml").write_text("seeds: [{name: priorities}]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="has no column_types"):
        lint_register(settings, AS_AT, NOW, engine="duckdb")


def test_a_row_is_named_by_the_line_on_which_it_begins(lint: Lint) -> None:
    register = spoil(
        sound(),
        ("set", COMMITMENTS, BULLETIN, {"analyst_note": "One line.\nAnother.\nA third."}),
        ("set", COMMITMENTS, LEVEL, {"kind": "promise"}),
    )
    [found] = broken(lint(register, COMMITMENTS))[COMMITMENTS, "words_allowed"]
    assert found.row == LEVEL + 2


def test_now_needs_a_zone(tmp_path: Path) -> None:
    settings = write_register(sound(), tmp_path)
    with pytest.raises(ValueError, match="time zone"):
        lint_register(settings, AS_AT, NOW.replace(tzinfo=None), engine="duckdb")
