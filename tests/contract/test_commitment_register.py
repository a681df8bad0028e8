"""The commitment register holds together before anything is built from it.

Rules about the six register seeds themselves belong here: keys, references, allowed words, and values that must or must
not be there. Each rule is a pure function from the tables to a list of findings, and each is shown failing on a broken
copy of the real register. What the model makes of a commitment does not belong here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pytest

SEEDS = Path(__file__).resolve().parents[2] / "data" / "seeds"
TABLES = (
    "frameworks",
    "commitments",
    "commitment_places",
    "commitment_indicators",
    "milestones",
    "known_issues",
    "areas",
)

Row = dict[str, str]
Register = dict[str, list[Row]]
Lint = Callable[[Register], list[str]]

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
TYPES_WITH_VALUE = {
    "absolute_level",
    "percent_change_from_baseline",
    "absolute_change_from_baseline",
    "max_rise_from_baseline",
    "reduction_vs_counterfactual",
}
TYPES_WITH_OPERATOR = TYPES_WITH_VALUE | {"match_comparator", "meet_external_annual_target"}
TYPES_WITH_BASIS = {"percent_change_from_baseline", "absolute_change_from_baseline", "max_rise_from_baseline"}
TYPES_WITHOUT_DATA = {"completion_by_date", "none"}
RULES_BY_COMPARATOR_TYPE = {
    "match_comparator": {"point", "not_significantly_worse"},
    "statistically_better_than_comparator": {"significantly_better"},
    "statistically_similar_or_better_than_comparator": {"not_significantly_worse"},
}
ALLOWED: dict[tuple[str, str], set[str]] = {
    ("commitments", "kind"): {
        "outcome_target",
        "output_target",
        "direction_only",
        "match_comparator",
        "milestone_action",
        "success_measure",
    },
    ("commitments", "target_type"): TYPES_IN_USE | {"absolute_change_from_baseline"},
    ("commitments", "operator"): {">=", ">", "<=", "<", ""},
    ("commitments", "change_basis"): {"relative", "absolute", ""},
    ("commitments", "comparator_area_code"): {"E92000001", ""},
    ("commitments", "comparator_rule"): {"point", "not_significantly_worse", "significantly_better", ""},
    ("commitments", "desired_direction"): {"increase", "decrease", "cap", "maintain", "complete", ""},
    ("commitments", "due_date_precision"): {"day", "month", "quarter", "financial_year", "year", ""},
    ("commitments", "due_date_source"): {"stated", "inherited", "defaulted", "analyst_chosen", "none"},
    ("commitments", "baseline_period_source"): {"stated", "analyst_chosen", "none"},
    ("commitments", "baseline_value_source"): {"stated", "from_data", "none"},
    ("commitments", "data_gap_reason"): {
        "no_indicator",
        "no_data_source_connected",
        "not_measurable",
        "no_target_value",
        "one_point_only",
        "",
    },
    ("commitments", "is_permissive"): {"0", "1"},
    ("commitment_indicators", "sex"): {"Persons", "Male", "Female"},
    ("commitment_indicators", "confidence"): {"high", "medium", "low"},
    ("milestones", "state"): {"not_started", "in_progress", "done"},
    ("known_issues", "severity"): {"A", "B", "C"},
    ("known_issues", "subject"): {"source", "framework", "indicator"},
    ("known_issues", "status"): {"open", "closed"},
}
FILLED: dict[str, tuple[str, ...]] = {
    "frameworks": ("framework_id", "title", "organisation", "system_name", "document_file"),
    "commitments": ("commitment_id", "framework_id", "title", "owner", "document_line", "analyst_note", "valid_from"),
    "commitment_places": ("commitment_id", "area_code", "area_name", "reason"),
    "commitment_indicators": ("commitment_id", "indicator_id", "sex", "age", "reason"),
    "milestones": ("commitment_id", "recorded_on", "evidence_document", "evidence_line", "note"),
    "known_issues": ("issue_id", "subject_id", "title", "detail", "evidence", "first_seen"),
}
DATES: dict[str, tuple[str, ...]] = {
    "frameworks": ("published_on", "period_start", "period_end", "horizon_date"),
    "commitments": ("due_date", "earliest_date", "valid_from", "valid_to"),
    "milestones": ("recorded_on",),
    "known_issues": ("first_seen",),
}
KEYS: dict[str, tuple[str, ...]] = {
    "frameworks": ("framework_id",),
    "commitments": ("commitment_id",),
    "commitment_places": ("commitment_id", "area_code"),
    "commitment_indicators": ("commitment_id", "indicator_id", "sex", "age", "category_type", "category"),
    "milestones": ("commitment_id", "recorded_on"),
    "known_issues": ("issue_id",),
}
QUOTATION_MARKS = re.compile('["\u2018\u201c\u201d]')
YEAR_LABEL = re.compile(r"\d{4}")
SPLIT_YEAR_LABEL = re.compile(r"(\d{4})/(\d{2})")
POOLED_LABEL = re.compile(r"(\d{4}) - (\d{2})")
POOLED_SPLIT_LABEL = re.compile(r"(\d{4})/(\d{2}) - (\d{2})/(\d{2})")


def read_register(folder: Path = SEEDS) -> Register:
    """Read the register seeds and the areas they refer to.

    Args:
        folder: Folder that holds the seed files.

    Returns:
        For each table its rows as text, empty cells as empty text.
    """
    register: Register = {}
    for table in TABLES:
        with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            register[table] = list(csv.DictReader(file, strict=True))
    return register


def repeated(values: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Give the values that occur more than once."""
    return [value for value, times in Counter(values).items() if times > 1]


def ids_of(register: Register, table: str, column: str) -> set[str]:
    """Give the distinct values of a column."""
    return {row[column] for row in register[table]}


def is_label_of_a_period(label: str) -> bool:
    """Whether a text is a period label in a shape that the sources use, and its years follow one another.

    Args:
        label: Such as ``2019``, ``2020/21``, ``2018 - 20`` or ``2020/21 - 24/25``.

    Returns:
        True when the shape is known and no year runs backwards.
    """
    if YEAR_LABEL.fullmatch(label):
        return True
    if match := SPLIT_YEAR_LABEL.fullmatch(label):
        return (int(match[1]) + 1) % 100 == int(match[2])
    if match := POOLED_LABEL.fullmatch(label):
        return 0 < (int(match[2]) - int(match[1])) % 100 < 10
    if match := POOLED_SPLIT_LABEL.fullmatch(label):
        first, second, third, fourth = (int(part) for part in match.groups())
        return (first + 1) % 100 == second and (third + 1) % 100 == fourth and 0 < (third - first) % 100 < 10
    return False


def lint_keys_are_unique(register: Register) -> list[str]:
    """One row for each key; a mapping or a place is not given twice."""
    return [
        f"{table}: {key} occurs more than once"
        for table, columns in KEYS.items()
        for key in repeated(tuple(row[column] for column in columns) for row in register[table])
    ]


def lint_cells_are_filled(register: Register) -> list[str]:
    """Columns that explain a row are never empty."""
    return [
        f"{table} row {number}: {column} is empty"
        for table, columns in FILLED.items()
        for number, row in enumerate(register[table], start=2)
        for column in columns
        if not row[column].strip()
    ]


def lint_references_resolve(register: Register) -> list[str]:
    """Framework, parent, place and commitment all exist, and no commitment is among its own ancestors."""
    commitments = ids_of(register, "commitments", "commitment_id")
    frameworks = ids_of(register, "frameworks", "framework_id")
    areas = {(row["area_code"], row["area_name"]) for row in register["areas"]}
    parent_of = {row["commitment_id"]: row["parent_commitment_id"] for row in register["commitments"]}
    findings = [
        f"{row['commitment_id']}: framework {row['framework_id']} does not exist"
        for row in register["commitments"]
        if row["framework_id"] not in frameworks
    ]
    for commitment, parent in parent_of.items():
        if parent and parent not in commitments:
            findings.append(f"{commitment}: parent {parent} does not exist")
        ancestors: list[str] = []
        ancestor = parent
        while ancestor and ancestor not in ancestors:
            ancestors.append(ancestor)
            ancestor = parent_of.get(ancestor, "")
        if commitment in ancestors:
            findings.append(f"{commitment}: is among its own ancestors")
    findings += [
        f"{table}: commitment {row['commitment_id']} does not exist"
        for table in ("commitment_places", "commitment_indicators", "milestones")
        for row in register[table]
        if row["commitment_id"] not in commitments
    ]
    findings += [
        f"{row['commitment_id']}: place {row['area_code']} {row['area_name']} is not among the areas"
        for row in register["commitment_places"]
        if (row["area_code"], row["area_name"]) not in areas
    ]
    findings += [
        f"{row['issue_id']}: framework {row['subject_id']} does not exist"
        for row in register["known_issues"]
        if row["subject"] == "framework" and row["subject_id"] not in frameworks
    ]
    return findings


def lint_words_are_allowed(register: Register) -> list[str]:
    """Enumerated columns hold only the words of their list."""
    return [
        f"{table} row {number}: {column} is {row[column]!r}"
        for (table, column), allowed in ALLOWED.items()
        for number, row in enumerate(register[table], start=2)
        if row[column] not in allowed
    ]


def lint_dates_are_dates(register: Register) -> list[str]:
    """Every date is written as year-month-day and exists."""
    findings: list[str] = []
    for table, columns in DATES.items():
        for number, row in enumerate(register[table], start=2):
            for column in columns:
                if row[column]:
                    try:
                        date.fromisoformat(row[column])
                    except ValueError:
                        findings.append(f"{table} row {number}: {column} is {row[column]!r}")
    return findings


def lint_target_fits_its_type(register: Register) -> list[str]:
    """Value, operator, basis and comparator are there exactly when the target type needs them."""
    findings: list[str] = []
    for row in register["commitments"]:
        needs = {
            "target_value": row["target_type"] in TYPES_WITH_VALUE,
            "operator": row["target_type"] in TYPES_WITH_OPERATOR,
            "change_basis": row["target_type"] in TYPES_WITH_BASIS,
            "comparator_area_code": row["target_type"] in RULES_BY_COMPARATOR_TYPE,
            "comparator_rule": row["target_type"] in RULES_BY_COMPARATOR_TYPE,
        }
        findings += [
            f"{row['commitment_id']}: {column} {'is missing' if needed else 'has no meaning'} for {row['target_type']}"
            for column, needed in needs.items()
            if bool(row[column]) is not needed
        ]
        rules = RULES_BY_COMPARATOR_TYPE.get(row["target_type"])
        if rules and row["comparator_rule"] not in rules:
            findings.append(f"{row['commitment_id']}: rule {row['comparator_rule']!r} does not fit the type")
    return findings


def lint_numbers_are_numbers(register: Register) -> list[str]:
    """Target and baseline values are numbers; document and evidence lines are whole and positive."""
    findings: list[str] = []
    for row in register["commitments"]:
        for column in ("target_value", "baseline_value"):
            if row[column]:
                try:
                    float(row[column])
                except ValueError:
                    findings.append(f"{row['commitment_id']}: {column} is {row[column]!r}")
    lines = [(row["commitment_id"], row["document_line"]) for row in register["commitments"]]
    lines += [(row["commitment_id"], row["evidence_line"]) for row in register["milestones"]]
    findings += [f"{name}: line is {line!r}" for name, line in lines if not line.isdecimal() or int(line) < 1]
    return findings


def lint_sign_follows_direction(register: Register) -> list[str]:
    """A wish for less has no lower bound as its target, a wish for more no upper one, and a signed change agrees."""
    findings: list[str] = []
    for row in register["commitments"]:
        wants_more = row["desired_direction"] == "increase"
        if row["operator"] and row["operator"].startswith(">") is not wants_more:
            findings.append(f"{row['commitment_id']}: {row['operator']} against {row['desired_direction']}")
        change = row["target_value"] if row["target_type"] == "percent_change_from_baseline" else ""
        if change and (float(change) > 0) is not wants_more:
            findings.append(f"{row['commitment_id']}: change of {change} against {row['desired_direction']}")
    return findings


def lint_gap_reason_is_blank_when_mapped(register: Register) -> list[str]:
    """A reason stands exactly where a commitment that needs data has no indicator; dated actions have neither."""
    mapped = ids_of(register, "commitment_indicators", "commitment_id")
    findings: list[str] = []
    for row in register["commitments"]:
        name = row["commitment_id"]
        expected = name not in mapped and row["target_type"] not in TYPES_WITHOUT_DATA
        if bool(row["data_gap_reason"]) is not expected:
            findings.append(f"{name}: a reason for the gap is {'missing' if expected else 'given without a gap'}")
        if row["target_type"] == "completion_by_date" and name in mapped:
            findings.append(f"{name}: a dated action is mapped to an indicator")
    return findings


def lint_due_date_has_a_source(register: Register) -> list[str]:
    """A date has a source and a precision, no date has neither, and a window opens before it closes."""
    findings: list[str] = []
    for row in register["commitments"]:
        dated = bool(row["due_date"])
        if (row["due_date_source"] != "none") is not dated:
            findings.append(f"{row['commitment_id']}: date {row['due_date']!r}, source {row['due_date_source']!r}")
        if bool(row["due_date_precision"]) is not dated:
            findings.append(f"{row['commitment_id']}: date {row['due_date']!r} without a fitting precision")
        if row["earliest_date"] and not row["earliest_date"] < row["due_date"]:
            findings.append(f"{row['commitment_id']}: the window opens after it closes")
    return findings


def lint_baseline_has_a_source(register: Register) -> list[str]:
    """Baseline labels can be read; label and stated value have a source exactly when they are there."""
    mapped = ids_of(register, "commitment_indicators", "commitment_id")
    findings: list[str] = []
    for row in register["commitments"]:
        name, label = row["commitment_id"], row["baseline_period_label"]
        if label and not is_label_of_a_period(label):
            findings.append(f"{name}: {label!r} is not a period label")
        if (row["baseline_period_source"] != "none") is not bool(label):
            findings.append(f"{name}: baseline {label!r}, source {row['baseline_period_source']!r}")
        if (row["baseline_value_source"] == "stated") is not bool(row["baseline_value"]):
            findings.append(
                f"{name}: baseline value {row['baseline_value']!r}, source {row['baseline_value_source']!r}"
            )
        if row["baseline_value_source"] == "from_data" and not (label and name in mapped):
            findings.append(f"{name}: baseline from data without a label and an indicator")
    return findings


def lint_every_commitment_has_a_place(register: Register) -> list[str]:
    """Every commitment is scored somewhere."""
    placed = ids_of(register, "commitment_places", "commitment_id")
    return [
        f"{row['commitment_id']}: has no place" for row in register["commitments"] if row["commitment_id"] not in placed
    ]


def lint_titles_are_our_own(register: Register) -> list[str]:
    """Titles are short and carry no quotation marks."""
    return [
        f"{row['commitment_id']}: title of {len(row['title'])} characters, or with a quotation mark"
        for row in register["commitments"]
        if len(row["title"]) > 160 or QUOTATION_MARKS.search(row["title"])
    ]


def lint_milestones_belong_to_actions(register: Register) -> list[str]:
    """Progress is recorded for dated actions only, from the document of their framework."""
    type_of = {row["commitment_id"]: row["target_type"] for row in register["commitments"]}
    framework_of = {row["commitment_id"]: row["framework_id"] for row in register["commitments"]}
    document_of = {row["framework_id"]: row["document_file"] for row in register["frameworks"]}
    findings: list[str] = []
    for row in register["milestones"]:
        name = row["commitment_id"]
        if type_of.get(name) != "completion_by_date":
            findings.append(f"{name}: progress recorded for something that is not a dated action")
        if document_of.get(framework_of.get(name, "")) != row["evidence_document"]:
            findings.append(f"{name}: evidence from {row['evidence_document']}, another document than its own")
    return findings


def lint_coverage(register: Register) -> list[str]:
    """At least forty commitments, every target type in use, every document, and no framework without a commitment."""
    commitments = register["commitments"]
    used = ids_of(register, "commitments", "framework_id")
    documents = {row["document_file"] for row in register["frameworks"] if row["framework_id"] in used}
    findings = [f"only {len(commitments)} commitments"] if len(commitments) < 40 else []
    findings += [
        f"no commitment of type {kind}" for kind in TYPES_IN_USE - ids_of(register, "commitments", "target_type")
    ]
    findings += [f"no commitment from document {document}" for document in DOCUMENTS - documents]
    findings += [f"document {document} is not a source document" for document in documents - DOCUMENTS]
    findings += [
        f"framework {framework} has no commitment"
        for framework in ids_of(register, "frameworks", "framework_id") - used
    ]
    return findings


def lint_rows_are_sorted(register: Register) -> list[str]:
    """Commitments stand by framework, then by id, so that a change shows as one line."""
    keys = [(row["framework_id"], row["commitment_id"]) for row in register["commitments"]]
    return [] if keys == sorted(keys) else ["commitments are not sorted by framework and id"]


def change(register: Register, table: str, row_id: str, **cells: str) -> None:
    """Overwrite cells of the first row whose first column is ``row_id``."""
    row = next(row for row in register[table] if next(iter(row.values())) == row_id)
    row.update(cells)


def break_keys(register: Register) -> None:
    register["commitment_indicators"].append(dict(register["commitment_indicators"][0]))


def break_filled(register: Register) -> None:
    change(register, "commitments", "notts-overarching-hle", analyst_note=" ")


def break_references(register: Register) -> None:
    change(register, "commitment_places", "notts-overarching-hle", area_code="E54000015")


def break_parent(register: Register) -> None:
    change(register, "commitments", "notts-prev-smokefree-2040", parent_commitment_id="notts-prev-smoking-5pct-2035")


def break_words(register: Register) -> None:
    change(register, "commitment_indicators", "notts-overarching-hle", confidence="certain")


def break_dates(register: Register) -> None:
    change(register, "commitments", "notts-overarching-hle", due_date="2028-02-30")


def break_target(register: Register) -> None:
    change(register, "commitments", "notts-cyp-breastfeeding-56", target_value="")


def break_rule(register: Register) -> None:
    change(register, "commitments", "notts-prev-suicide-similar-england", comparator_rule="point")


def break_numbers(register: Register) -> None:
    change(register, "commitments", "notts-cyp-breastfeeding-56", target_value="56%")


def break_sign(register: Register) -> None:
    change(register, "commitments", "notts-prev-alcohol-admissions-10pct", target_value="10")


def break_operator(register: Register) -> None:
    change(register, "commitments", "notts-prev-smoking-5pct-2035", operator=">=")


def break_gap(register: Register) -> None:
    change(register, "commitments", "notts-prev-suicide-similar-england", data_gap_reason="")


def break_gap_of_mapped(register: Register) -> None:
    change(register, "commitments", "notts-overarching-hle", data_gap_reason="no_indicator")


def break_due_date(register: Register) -> None:
    change(register, "commitments", "notts-nz-fleet-lev-90", due_date_source="stated")


def break_window(register: Register) -> None:
    change(register, "commitments", "notts-nz-80pct-2028-2032", earliest_date="2033-01-01")


def break_baseline_label(register: Register) -> None:
    change(register, "commitments", "notts-overarching-hle", baseline_period_label="2018-20")


def break_baseline_value(register: Register) -> None:
    change(register, "commitments", "notts-cyp-self-harm-annual-reduction", baseline_value="")


def break_places(register: Register) -> None:
    register["commitment_places"] = [
        row for row in register["commitment_places"] if row["commitment_id"] != "notts-overarching-hle"
    ]


def break_title_length(register: Register) -> None:
    change(register, "commitments", "notts-overarching-hle", title="x" * 161)


def break_title_quotation(register: Register) -> None:
    change(register, "commitments", "notts-overarching-hle", title="An “improvement” in years")


def break_milestones(register: Register) -> None:
    change(register, "milestones", "wyh-five-year-plan-2020", commitment_id="notts-overarching-hle")


def break_number_of_commitments(register: Register) -> None:
    register["commitments"] = register["commitments"][:39]


def break_types(register: Register) -> None:
    register["commitments"] = [row for row in register["commitments"] if row["target_type"] != "match_comparator"]


def break_documents(register: Register) -> None:
    register["commitments"] = [row for row in register["commitments"] if row["framework_id"] != "stw_pledges"]


def break_order(register: Register) -> None:
    register["commitments"].reverse()


EXAMPLES: list[tuple[Lint, Callable[[Register], None], str]] = [
    (lint_keys_are_unique, break_keys, "occurs more than once"),
    (lint_cells_are_filled, break_filled, "analyst_note is empty"),
    (lint_references_resolve, break_references, "E54000015"),
    (lint_references_resolve, break_parent, "its own ancestors"),
    (lint_words_are_allowed, break_words, "'certain'"),
    (lint_dates_are_dates, break_dates, "2028-02-30"),
    (lint_target_fits_its_type, break_target, "target_value is missing"),
    (lint_target_fits_its_type, break_rule, "does not fit the type"),
    (lint_numbers_are_numbers, break_numbers, "56%"),
    (lint_sign_follows_direction, break_sign, "change of 10"),
    (lint_sign_follows_direction, break_operator, ">= against decrease"),
    (lint_gap_reason_is_blank_when_mapped, break_gap, "is missing"),
    (lint_gap_reason_is_blank_when_mapped, break_gap_of_mapped, "given without a gap"),
    (lint_due_date_has_a_source, break_due_date, "source 'stated'"),
    (lint_due_date_has_a_source, break_window, "opens after it closes"),
    (lint_baseline_has_a_source, break_baseline_label, "'2018-20'"),
    (lint_baseline_has_a_source, break_baseline_value, "baseline value ''"),
    (lint_every_commitment_has_a_place, break_places, "has no place"),
    (lint_titles_are_our_own, break_title_length, "161 characters"),
    (lint_titles_are_our_own, break_title_quotation, "quotation mark"),
    (lint_milestones_belong_to_actions, break_milestones, "not a dated action"),
    (lint_coverage, break_number_of_commitments, "only 39"),
    (lint_coverage, break_types, "no commitment of type match_comparator"),
    (lint_coverage, break_documents, "000_8c2ac29d5a9ea8cb.txt"),
    (lint_rows_are_sorted, break_order, "not sorted"),
]
LINTS = list(dict.fromkeys(lint for lint, _, _ in EXAMPLES))


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.__name__)
def test_the_register_has_no_findings(lint: Lint) -> None:
    assert lint(read_register()) == []


@pytest.mark.parametrize(("lint", "spoil", "expected"), EXAMPLES, ids=[spoil.__name__ for _, spoil, _ in EXAMPLES])
def test_each_lint_finds_its_broken_example(lint: Lint, spoil: Callable[[Register], None], expected: str) -> None:
    register = read_register()
    spoil(register)
    findings = lint(register)
    assert any(expected in finding for finding in findings), findings


def test_every_lint_of_this_file_runs() -> None:
    written = {name for name in globals() if name.startswith("lint_")}
    assert written == {lint.__name__ for lint in LINTS}


@pytest.mark.parametrize("label", ["2019", "2020/21", "2018 - 20", "2009 - 13", "2020/21 - 24/25", "1999/00"])
def test_a_period_label_of_a_known_shape_is_accepted(label: str) -> None:
    assert is_label_of_a_period(label)


@pytest.mark.parametrize("label", ["2018-20", "2020/22", "2020 - 18", "20/21", "2020/21 - 24/26", "about 2020"])
def test_a_period_label_of_another_shape_is_refused(label: str) -> None:
    assert not is_label_of_a_period(label)
