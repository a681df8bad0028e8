"""The register of reported figures holds together before anything is computed from it.

Rules about the seed itself belong here: keys, references, allowed words, and cells that must or must not be there. Each
rule is a pure function from the table to a list of findings, and each is shown failing on a spoilt copy of the real
one. What the model makes of a figure is shown by the golden tests and does not belong here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

SEEDS = Path(__file__).resolve().parents[2] / "data" / "seeds"
COLUMNS = [
    *("figure_id", "framework_id", "title", "area_code", "value", "value_bound", "unit", "decimals", "count"),
    *("base", "base_bound", "base_unit", "base_label", "other_base", "other_base_label", "listed_count"),
    *("period_label", "whole_id", "part_set", "direction_claimed", "document_line"),
    *("finding", "finding_severity", "finding_evidence", "note"),
]
FIGURES_OF_FRAMEWORK = {
    "cp_priorities": 1,
    "nhse_integrating_care": 1,
    "notts_ics_strategy": 6,
    "stw_pledges": 1,
    "traf_climate_report": 1,
    "traf_equality_strategy": 76,
    "traf_hwb_minutes": 36,
    "traf_hwb_papers": 2,
    "traf_hwb_strategy": 4,
    "traf_integrating_care": 6,
    "wyh_think_piece": 3,
}
"""How many statistics each document reports, 137 in all; a framework that reports none has no entry."""
PREFIX_OF_FRAMEWORK = {
    "cp_priorities": ("cp-",),
    "nhse_integrating_care": ("nhse-ic-",),
    "notts_ics_strategy": ("notts-stat-",),
    "stw_pledges": ("stw-stat-",),
    "traf_climate_report": ("traf-phar-stat-",),
    "traf_equality_strategy": ("traf-ces-stat-",),
    "traf_hwb_minutes": ("traf-hwbmin-",),
    "traf_hwb_papers": ("traf-hwb-stat-",),
    "traf_hwb_strategy": ("traf-hwbs-",),
    "traf_integrating_care": ("traf-tic-",),
    "wyh_think_piece": ("wyh-stat-",),
}
UNITS = {
    *("", "%", "people", "number", "years", "weeks", "ratio", "rank", "score", "level", "option"),
    *("percentage points", "per 100,000", "GBP", "GBP per year"),
    *("bed days per year", "calls per year", "meetings per week"),
}
ALLOWED: dict[str, set[str]] = {
    "value_bound": {"", "at_least", "at_most", "about"},
    "unit": UNITS,
    "decimals": {"", "0", "1", "2"},
    "base_bound": {"", "about"},
    "base_unit": {"", "people", "libraries", "boroughs"},
    "part_set": {"", "localities", "ages", "sexes"},
    "direction_claimed": {"", "rising", "falling", "better", "worse", "similar"},
    "finding_severity": {"", "A", "B", "C"},
}
WHOLE_NUMBERS = ("count", "base", "other_base", "listed_count", "document_line")
TEXTS = ("title", "base_label", "other_base_label", "finding", "finding_evidence", "note")
QUOTATION_MARKS = re.compile('["\u2018\u201c\u201d]')
SHAPES = (r"\d{4}", r"\d{4}/\d{2}", r"\d{4} - \d{2}", r"\d{4}/\d{2} - \d{2}/\d{2}")

Row = dict[str, str]


class Register(NamedTuple):
    """The figures with the ids of what they refer to."""

    figures: list[Row]
    frameworks: set[str]
    areas: set[str]


Lint = Callable[[Register], list[str]]


def read_seed(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_register() -> Register:
    """Read the seed, the frameworks and the areas, empty cells as empty text."""
    frameworks = {row["framework_id"] for row in read_seed("frameworks")}
    return Register(read_seed("reported_figures"), frameworks, {row["area_code"] for row in read_seed("areas")})


def lint_columns(register: Register) -> list[str]:
    """The seed has the columns of the register, in their order."""
    found = list(register.figures[0])
    return [] if found == COLUMNS else [f"columns are {found}"]


def lint_figures_of_each_framework(register: Register) -> list[str]:
    """Every statistic of every document is there, under an id of its document."""
    found = Counter(row["framework_id"] for row in register.figures)
    findings = [
        f"{name}: {found[name]} figures and not {FIGURES_OF_FRAMEWORK.get(name, 0)}"
        for name in sorted(found.keys() | FIGURES_OF_FRAMEWORK.keys())
        if found[name] != FIGURES_OF_FRAMEWORK.get(name, 0)
    ]
    return findings + [
        f"{row['figure_id']}: not an id of {row['framework_id']}"
        for row in register.figures
        if not row["figure_id"].startswith(PREFIX_OF_FRAMEWORK.get(row["framework_id"], ()))
    ]


def lint_keys_are_unique(register: Register) -> list[str]:
    """No figure and no title occurs twice."""
    return [
        f"{column}: {value} occurs more than once"
        for column in ("figure_id", "title")
        for value, times in Counter(row[column] for row in register.figures).items()
        if times > 1
    ]


def lint_rows_are_sorted(register: Register) -> list[str]:
    """Figures stand by framework, then by id, so that a change shows as one line."""
    keys = [(row["framework_id"], row["figure_id"]) for row in register.figures]
    return [] if keys == sorted(keys) else ["figures are not sorted by framework and id"]


def lint_references_resolve(register: Register) -> list[str]:
    """Framework, area and whole exist; a whole has a number and is no part itself."""
    by_id = {row["figure_id"]: row for row in register.figures}
    findings: list[str] = []
    for row in register.figures:
        name = row["figure_id"]
        if row["framework_id"] not in register.frameworks:
            findings.append(f"{name}: framework {row['framework_id']} does not exist")
        if row["area_code"] and row["area_code"] not in register.areas:
            findings.append(f"{name}: area {row['area_code']} does not exist")
        if row["whole_id"]:
            whole = by_id.get(row["whole_id"])
            if whole is None:
                findings.append(f"{name}: whole {row['whole_id']} does not exist")
            elif whole["whole_id"] or not whole["value"] or whole["framework_id"] != row["framework_id"]:
                findings.append(f"{name}: {row['whole_id']} cannot be its whole")
    return findings


def lint_words_are_allowed(register: Register) -> list[str]:
    """Enumerated columns hold only the words of their list."""
    return [
        f"{row['figure_id']}: {column} is {row[column]!r}"
        for column, allowed in ALLOWED.items()
        for row in register.figures
        if row[column] not in allowed
    ]


def lint_numbers_are_numbers(register: Register) -> list[str]:
    """Values are numbers with as many decimals as stated; counts, bases and lines are whole and positive."""
    findings: list[str] = []
    for row in register.figures:
        name = row["figure_id"]
        if row["value"] and not re.fullmatch(r"-?\d+(\.\d+)?", row["value"]):
            findings.append(f"{name}: value is {row['value']!r}")
        if row["decimals"] and len(row["value"].partition(".")[2]) != int(row["decimals"]):
            findings.append(f"{name}: {row['value']} has not {row['decimals']} decimals")
        findings += [
            f"{name}: {column} is {row[column]!r}"
            for column in WHOLE_NUMBERS
            if row[column] and not (row[column].isdecimal() and int(row[column]) > 0)
        ]
        if not row["document_line"]:
            findings.append(f"{name}: document_line is empty")
    return findings


def lint_cells_go_together(register: Register) -> list[str]:
    """What explains a cell is there exactly when the cell is."""
    findings: list[str] = []
    for row in register.figures:
        name = row["figure_id"]
        pairs = [("base", "base_unit"), ("base", "base_label"), ("other_base", "other_base_label")]
        pairs += [("whole_id", "part_set"), ("finding", "finding_severity"), ("finding", "finding_evidence")]
        findings += [
            f"{name}: {one} without {other}, or the reverse"
            for one, other in pairs
            if bool(row[one]) != bool(row[other])
        ]
        needs = [("unit", "value"), ("value", "value_bound"), ("value", "decimals"), ("value", "count")]
        needs += [("value", "base"), ("value", "listed_count"), ("base", "base_bound"), ("base", "count")]
        needs += [("base", "other_base")]
        findings += [f"{name}: {one} without {other}" for other, one in needs if row[one] and not row[other]]
        if row["count"] and row["unit"] != "%":
            findings.append(f"{name}: a numerator of something that is no percentage")
        if row["base"] and row["unit"] not in {"%", "rank"}:
            findings.append(f"{name}: a base of something that is no percentage")
        if row["listed_count"] and row["unit"] != "number":
            findings.append(f"{name}: a list of something that is no number of things")
        if row["base"] and int(row["count"] or 0) > int(row["base"]):
            findings.append(f"{name}: the count is above the base")
    return findings


def is_period(label: str) -> bool:
    """Whether a text is a day that exists or a period label in a shape that the sources use."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", label):
        try:
            return bool(date.fromisoformat(label))
        except ValueError:
            return False
    numbers = [int(part) % 100 for part in re.findall(r"\d+", label)]
    if not any(re.fullmatch(shape, label) for shape in SHAPES):
        return False
    years = list(zip(numbers[0::2], numbers[1::2], strict=False)) if "/" in label else []
    ordered = (numbers[-1] - numbers[0]) % 100 < 10
    return ordered and all((first + 1) % 100 == second for first, second in years)


def lint_periods_are_periods(register: Register) -> list[str]:
    """Every period is a label in a known shape, or a day."""
    return [
        f"{row['figure_id']}: {row['period_label']!r} is no period"
        for row in register.figures
        if row["period_label"] and not is_period(row["period_label"])
    ]


def lint_texts_are_our_own(register: Register) -> list[str]:
    """Texts carry no quotation marks; titles are there and short, and notes and findings are sentences."""
    findings = [
        f"{row['figure_id']}: {column} with a quotation mark"
        for row in register.figures
        for column in TEXTS
        if QUOTATION_MARKS.search(row[column])
    ]
    for row in register.figures:
        if not 0 < len(row["title"]) <= 160:
            findings.append(f"{row['figure_id']}: title of {len(row['title'])} characters")
        findings += [
            f"{row['figure_id']}: {column} is no sentence"
            for column in ("finding", "finding_evidence", "note")
            if row[column] and not row[column].endswith(".")
        ]
    return findings


def lint_titles_do_not_give_the_number(register: Register) -> list[str]:
    """A title may stand beside a withheld figure, so it has no percentage."""
    return [
        f"{row['figure_id']}: the title has a percentage"
        for row in register.figures
        if row["unit"] == "%" and re.search(rf"(?<!\d){re.escape(row['value'] or '%')}(?!\d)|%", row["title"])
    ]


def figure(register: Register, name: str) -> Row:
    return next(row for row in register.figures if row["figure_id"] == name)


def spoil(name: str, **cells: str) -> Callable[[Register], None]:
    """Return what overwrites cells of one figure."""
    return lambda register: figure(register, name).update(cells)


WEST = "traf-ces-stat-pop-west"
BAME = "traf-ces-stat-bame"
EXAMPLES: list[tuple[Lint, Callable[[Register], None], str]] = [
    (lint_columns, lambda register: register.figures[0].update(verdict="consistent"), "verdict"),
    (lint_figures_of_each_framework, lambda register: register.figures.remove(figure(register, WEST)), "75 figures"),
    (lint_figures_of_each_framework, spoil(WEST, framework_id="traf_hwb_papers"), "traf_hwb_papers: 3 figures"),
    (lint_figures_of_each_framework, spoil(WEST, framework_id="another"), "another: 1 figures and not 0"),
    (lint_figures_of_each_framework, spoil(WEST, figure_id="traf-hwbmin-pop-west"), "not an id of"),
    (lint_keys_are_unique, spoil(WEST, figure_id="traf-ces-stat-pop-north"), "traf-ces-stat-pop-north"),
    (lint_keys_are_unique, spoil(WEST, title="Residents of the North locality"), "North locality"),
    (lint_rows_are_sorted, lambda register: register.figures.reverse(), "not sorted"),
    (lint_references_resolve, spoil(WEST, framework_id="another"), "framework another"),
    (lint_references_resolve, spoil(WEST, area_code="E08000099"), "area E08000099"),
    (lint_references_resolve, spoil(WEST, whole_id="traf-ces-stat-pop-2017"), "pop-2017 does not exist"),
    (lint_references_resolve, spoil(WEST, whole_id="traf-ces-stat-pop-north"), "cannot be its whole"),
    (lint_references_resolve, spoil("traf-ces-stat-pop-2019", value=""), "cannot be its whole"),
    (lint_words_are_allowed, spoil(WEST, unit="residents"), "'residents'"),
    (lint_words_are_allowed, spoil(WEST, direction_claimed="up"), "'up'"),
    (lint_words_are_allowed, spoil(WEST, finding_severity="D"), "'D'"),
    (lint_words_are_allowed, spoil(WEST, value_bound="over"), "'over'"),
    (lint_words_are_allowed, spoil(WEST, part_set="locality"), "'locality'"),
    (lint_numbers_are_numbers, spoil(BAME, value="14.5%"), "14.5%"),
    (lint_numbers_are_numbers, spoil(BAME, decimals="2"), "14.5 has not 2 decimals"),
    (lint_numbers_are_numbers, spoil(BAME, count="32,744"), "32,744"),
    (lint_numbers_are_numbers, spoil(BAME, base="0"), "base is '0'"),
    (lint_numbers_are_numbers, spoil(BAME, document_line=""), "document_line is empty"),
    (lint_cells_go_together, spoil(BAME, base_label=""), "base without base_label"),
    (lint_cells_go_together, spoil(BAME, base_unit=""), "base without base_unit"),
    (lint_cells_go_together, spoil(BAME, other_base_label=""), "other_base without other_base_label"),
    (lint_cells_go_together, spoil(WEST, part_set=""), "whole_id without part_set"),
    (lint_cells_go_together, spoil(BAME, finding="Wrong."), "finding without finding_severity"),
    (lint_cells_go_together, spoil(BAME, value=""), "count without value"),
    (lint_cells_go_together, spoil(BAME, unit=""), "value without unit"),
    (lint_cells_go_together, spoil(BAME, unit="people"), "a numerator of something"),
    (lint_cells_go_together, spoil(WEST, base="7", base_unit="people", base_label="All"), "a base of something"),
    (lint_cells_go_together, spoil(WEST, listed_count="4"), "a list of something"),
    (lint_cells_go_together, spoil(BAME, count="226579"), "above the base"),
    (lint_periods_are_periods, spoil(BAME, period_label="Census 2011"), "'Census 2011'"),
    (lint_periods_are_periods, spoil(BAME, period_label="2019-06-31"), "'2019-06-31'"),
    (lint_texts_are_our_own, spoil(BAME, title="x" * 161), "161 characters"),
    (lint_texts_are_our_own, spoil(BAME, title=""), "0 characters"),
    (lint_texts_are_our_own, spoil(BAME, note="A \u201cgroup\u201d."), "quotation mark"),
    (lint_texts_are_our_own, spoil(BAME, note="no stop"), "note is no sentence"),
    (lint_titles_do_not_give_the_number, spoil(BAME, title="A share of 14.5 in 100"), "percentage"),
    (lint_titles_do_not_give_the_number, spoil(BAME, title="The best paid 5 %"), "percentage"),
]
LINTS = list(dict.fromkeys(lint for lint, _, _ in EXAMPLES))


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.__name__)
def test_the_register_has_no_findings(lint: Lint) -> None:
    assert lint(read_register()) == []


@pytest.mark.parametrize(
    ("lint", "spoiled", "expected"), EXAMPLES, ids=[f"{lint.__name__}-{words}" for lint, _, words in EXAMPLES]
)
def test_each_lint_finds_its_spoilt_copy(lint: Lint, spoiled: Callable[[Register], None], expected: str) -> None:
    register = read_register()
    spoiled(register)
    findings = lint(register)
    assert any(expected in finding for finding in findings), findings


def test_every_lint_of_this_file_runs() -> None:
    written = {name for name in globals() if name.startswith("lint_")}
    assert written == {lint.__name__ for lint in LINTS}


def test_there_are_137_figures() -> None:
    assert len(read_seed("reported_figures")) == sum(FIGURES_OF_FRAMEWORK.values()) == 137


def test_lists_of_words_are_those_of_the_properties() -> None:
    """Words and columns that the seed's own properties allow are the ones allowed here."""
    text = (SEEDS / "_reported_figures.yml").read_text(encoding="utf-8")
    seed: dict[str, Any] = yaml.safe_load(text)["seeds"][0]
    assert list(seed["config"]["column_types"]) == COLUMNS
    assert [column["name"] for column in seed["columns"]] == COLUMNS
    listed: dict[str, set[str]] = {
        column["name"]: set(test["accepted_values"]["arguments"]["values"])
        for column in seed["columns"]
        for test in column.get("data_tests", [])
        if isinstance(test, dict) and "accepted_values" in test
    }
    assert len(listed) == 5
    assert listed == {name: ALLOWED[name] - {""} for name in listed}


@pytest.mark.parametrize("label", ["2019", "2020/21", "1999/00", "2009 - 13", "2015/16 - 18/19", "2020-03-31"])
def test_a_period_of_a_known_shape_is_accepted(label: str) -> None:
    assert is_period(label)


@pytest.mark.parametrize(
    "label", ["2018-20", "2020/22", "2020 - 18", "20/21", "2015/16 - 18/20", "2019-02-30", "2019-06", "mid-2019"]
)
def test_a_period_of_another_shape_is_refused(label: str) -> None:
    assert not is_period(label)
