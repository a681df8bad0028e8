"""The methods page tells the truth: its examples run, its reasons, names and quoted figures are those of the project.

Parsing the page and holding it against the project belong here. Whether a method is right is what the other golden
tests ask, with published vectors.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import duckdb
import jinja2
import pytest
import yaml

from pipelines.model import duckdb_functions
from pipelines.model.methods import forecast
from pipelines.model.methods.slope_index import Reason

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "dbt_project" / "models"
PAGE = (REPOSITORY / "dbt_project" / "docs" / "methods.md").read_text(encoding="utf-8")

SHAPE = ["Question", "Formula", "Unit", "Used", "Refused", "Valid", "Source", "Example"]
"""What is said of every method, in this order."""

REASON_COLUMNS = {
    "not_computed_reason",
    "no_trend_reason",
    "not_compared_to_england_reason",
    "footprint_reason",
    "no_slope_reason",
    "not_standardised_reason",
    "not_assessable_reason",
    "no_forecast_reason",
}
"""Columns whose codes the page lists."""


@dataclass(frozen=True)
class Example:
    """A block of code on the page and what it has to yield.

    Attributes:
        heading: The heading above it.
        language: ``sql`` or ``python``.
        code: The block.
        expected: The block of text that follows.
    """

    heading: str
    language: str
    code: str
    expected: str


def sections_of(page: str) -> dict[str, str]:
    """Return the text below each heading of a method (third level), up to the next heading of any level."""
    parts = re.split(r"^(#{1,3}) (.+)\n", re.sub(r"^```.*?^```$", blanked, page, flags=re.S | re.M), flags=re.M)
    return {
        title: text for level, title, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True) if level == "###"
    }


def blanked(block: re.Match[str]) -> str:
    """Return a fenced block with its comment signs gone, so that no line of code looks like a heading."""
    return re.sub(r"^#", "", block[0], flags=re.M)


def examples_of(page: str) -> list[Example]:
    """Return the examples in their order.

    Raises:
        ValueError: A fenced block is neither code with its output straight below nor such an output.
    """
    heading, found, lines = "", [], iter(enumerate(page.splitlines(), start=1))
    open_code: tuple[str, str] | None = None
    for number, line in lines:
        if open_code and line != "```text":
            raise ValueError(f"line {number}: code without its output straight below")
        if line.startswith("```"):
            language, body = line.removeprefix("```"), "\n".join(block_of(lines, number))
            if open_code:
                found.append(Example(heading, *open_code, body.strip()))
                open_code = None
            elif language in ("sql", "python"):
                open_code = language, body
            else:
                raise ValueError(f"line {number}: a block of {language or 'no language'} that belongs to no code")
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    if open_code:
        raise ValueError("code without its output at the end of the page")
    return found


def block_of(lines: Iterator[tuple[int, str]], start: int) -> list[str]:
    """Return the lines up to the end of a fenced block."""
    body: list[str] = []
    for _, line in lines:
        if line.startswith("```"):
            return body
        body.append(line)
    raise ValueError(f"line {start}: a block without end")


def listed_reasons(page: str) -> dict[str, dict[str, str]]:
    """Return column, code and explanation of the lists headed by "Reasons in"."""
    lists = re.findall(r"^Reasons in `(\w+)`:\n\n((?:- .+\n(?:  .+\n)*)+)", page, flags=re.M)
    return {column: dict(re.findall(r"^- `(\w+)`: (.+(?:\n  .+)*)", items, flags=re.M)) for column, items in lists}


def described_reasons() -> dict[str, set[str]]:
    """Return the codes that the descriptions of the columns name, over all facts."""
    facts = yaml.safe_load((MODELS / "marts/facts.yml").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {column: set() for column in REASON_COLUMNS}
    for model in facts["models"]:
        for column in model["columns"]:
            if column["name"] in found:
                found[column["name"]] |= set(re.findall(r"[a-z]+(?:_[a-z0-9]+)+", column["description"]))
    return found


def known_reasons() -> dict[str, set[str]]:
    """Return the codes that each column can hold: of the code or the seed where these say it, else as described."""
    made = (MODELS / "intermediate/int_commitment_forecasts__made.sql").read_text(encoding="utf-8")
    refusals = re.findall(r"\n +case((?:(?!\bcase\b).)*?)end as reason,", made, flags=re.S)
    assert len(refusals) == 1
    return {
        **described_reasons(),
        "no_slope_reason": set(get_args(Reason)),
        "not_assessable_reason": {row["reason_code"] for row in seed("not_assessable_reasons")},
        "no_forecast_reason": {*get_args(forecast.Reason), *re.findall(r"then '(\w+)'", refusals[0])},
    }


def assessing_sql() -> str:
    """Return the models of commitments as one text."""
    files = sorted((MODELS / "intermediate").glob("int_commitment*.sql"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def prose(page: str) -> str:
    """Return the page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.S | re.M)


def names_on(page: str) -> set[str]:
    """Return what stands in inline code outside the fenced blocks."""
    return set(re.findall(r"`([^`\n]+)`", prose(page)))


def seed(name: str) -> list[dict[str, str]]:
    with (REPOSITORY / "data/seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shown(value: object) -> str:
    """Return a value as the page shows it; several are set apart by commas."""
    if isinstance(value, tuple):
        return ", ".join(shown(one) for one in value)
    return "NULL" if value is None else str(value)


def model_reader(environment: jinja2.Environment) -> Callable[..., str]:
    """Return what ``model`` is in an example: the SQL of a model by its name, reading the tables of the example."""
    released_on = (REPOSITORY / "dbt_project/macros/released_on.sql").read_text(encoding="utf-8")

    def model(name: str, as_at: str = "") -> str:
        (file,) = MODELS.rglob(f"{name}.sql")
        template = environment.from_string(released_on + file.read_text(encoding="utf-8"))
        return template.render(ref=lambda table: table, as_at=lambda: f"date '{as_at}'")

    return model


def yielded(example: Example, methods, connection: duckdb.DuckDBPyConnection) -> str:
    """Run an example: SQL rendered with the macros and read as one row, Python as its last expression."""
    if example.language == "sql":
        template = methods.environment.from_string(example.code)
        rows = connection.execute(template.render(model=model_reader(methods.environment))).fetchall()
        assert len(rows) == 1, f"{len(rows)} rows"
        return shown(rows[0])
    *statements, last = ast.parse(example.code).body
    assert isinstance(last, ast.Expr)
    names: dict[str, object] = {}
    exec(compile(ast.Module(statements, []), "<page>", "exec"), names)
    return shown(eval(compile(ast.Expression(last.value), "<page>", "eval"), names))


EXAMPLES = examples_of(PAGE)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": "1"}) as opened:
        duckdb_functions.register(opened)
        # Seeds are named from the root of the repository.
        opened.execute(f"set file_search_path = '{REPOSITORY}'")
        yield opened


# --- examples


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{one.heading}, {one.language}" for one in EXAMPLES])
def test_example_yields_what_the_page_says(example, methods, connection):
    assert yielded(example, methods, connection) == example.expected


def test_every_method_has_an_example():
    assert len(EXAMPLES) >= 30
    assert {one.language for one in EXAMPLES} == {"sql", "python"}
    assert {one.heading for one in EXAMPLES} == set(sections_of(PAGE))


def test_every_method_is_told_in_the_same_shape():
    shapes = {title: re.findall(r"^\*\*(\w+)\.?\*\*", text, flags=re.M) for title, text in sections_of(PAGE).items()}
    assert len(shapes) >= 30
    assert {title: shape for title, shape in shapes.items() if shape != SHAPE} == {}


def test_a_wrong_figure_would_be_seen(methods, connection):
    page = '### A\n```sql\nselect {{ quantile_rank("33", "151", 10) }}, null\n```\n```text\n3, NULL\n```\n'
    page += "```python\nx = 2\nx + 1, 'a'\n```\n```text\n4, a\n```\n"
    right, wrong = examples_of(page)
    assert yielded(right, methods, connection) == right.expected
    assert yielded(wrong, methods, connection) == "3, a" != wrong.expected


@pytest.mark.parametrize(
    "page",
    [
        "```sql\nselect 1\n```\n\nand so on\n```text\n1\n```\n",
        "```sql\nselect 1\n```\n",
        "```sql\nselect 1\n",
        "```text\n1\n```\n",
        "```\n1\n```\n",
        "```sql\nselect 1\n```\n```sql\nselect 1\n```\n",
    ],
)
def test_code_without_its_output_is_refused(page):
    with pytest.raises(ValueError, match=r"line \d+|end of the page"):
        examples_of(page)


# --- reasons


def test_reasons_are_those_of_the_project():
    listed, known, described = listed_reasons(PAGE), known_reasons(), described_reasons()
    assert set(listed) == set(known) == REASON_COLUMNS
    for column, codes in known.items():
        assert len(codes) >= 3, column
        assert described[column] <= codes, column
        assert set(listed[column]) == codes, column


def test_reasons_that_are_given_are_known():
    """The seed has the reasons that models and register give for no assessment, and none that is never given."""
    sql = assessing_sql()
    reasons = known_reasons()["not_assessable_reason"]
    given = {row["data_gap_reason"] for row in seed("commitments")} - {""}
    assert given <= reasons
    assert {reason for reason in reasons if f"'{reason}'" in sql} | given == reasons


def test_every_reason_is_explained():
    for column, reasons in listed_reasons(PAGE).items():
        short = [code for code, words in reasons.items() if len(words.split()) < 4]
        assert short == [], column


def test_a_list_of_reasons_is_read_to_its_end():
    page = "Reasons in `a`:\n\n- `one`: this is why\n  and more.\n- `two`: that is\n\n- `three`: no\n"
    assert listed_reasons(page) == {"a": {"one": "this is why\n  and more.", "two": "that is"}}


# --- targets


def test_target_types_are_those_of_the_project():
    types = re.findall(r"^\| `(\w+)` \|", sections_of(PAGE)["Target of each type"], flags=re.M)
    assert len(types) == len(set(types)) == 14
    assert {row["target_type"] for row in seed("commitments")} <= set(types)
    assert [kind for kind in types if f"'{kind}'" not in assessing_sql()] == []


# --- names


def known_text() -> str:
    """Return the code, the declarations and the seeds of the project as one text."""
    patterns = ("dbt_project/m*/**/*.sql", "dbt_project/m*/**/*.yml", "data/seeds/*.csv", "pipelines/**/*.py")
    files = [file for pattern in (*patterns, "pipelines/acquire/sources/*.yml") for file in REPOSITORY.glob(pattern)]
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted(files))


def unknown_names(page: str, text: str) -> list[str]:
    """Return the identifiers in inline code that stand nowhere in a text as a whole word."""
    words = set(re.findall(r"\w+", text))
    names = {name for name in names_on(page) if re.fullmatch(r"[a-z]+(?:_[a-z0-9]+)+", name)}
    return sorted(names - words)


def test_every_name_is_one_of_the_project():
    assert unknown_names(PAGE, known_text()) == []


def test_a_name_that_is_gone_would_be_seen():
    assert unknown_names("`no_such` and `in_it`", "select in_it") == ["no_such"]


def test_every_path_exists():
    paths = {re.sub(r"<\w+>", "*", name) for name in names_on(PAGE) if "/" in name}
    assert len(paths) >= 15
    roots = (REPOSITORY, REPOSITORY / "data" / "raw")
    assert [path for path in sorted(paths) if not any(any(root.glob(path)) for root in roots)] == []


def columns_of_the_marts() -> set[str]:
    files = (REPOSITORY / "dbt_project/models").glob("**/marts/*.yml")
    models = [model for file in files for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]]
    return {column["name"] for model in models for column in model["columns"]}


def test_the_table_of_questions_names_columns_and_methods():
    rows = re.findall(r"^\| (.+) \| (.+) \| \[.+\]\(#(.+)\) \|$", PAGE, flags=re.M)
    assert len(rows) >= 25
    anchors = {
        re.sub(r"\W+", "-", title.lower()).strip("-") for title in re.findall(r"^#+ (.+)$", prose(PAGE), flags=re.M)
    }
    columns = columns_of_the_marts()
    for question, named, anchor in rows:
        assert set(re.findall(r"`(\w+)`", named)) <= columns, question
        assert anchor in anchors, question


def test_checks_are_those_of_the_release():
    model = (REPOSITORY / "dbt_project/models/marts/fct_data_quality_check.sql").read_text(encoding="utf-8")
    table = PAGE.split("## As published beside as computed")[1]
    checks = re.findall(r"^\| `(\w+)` \| [^|`]+ \| [^|`]+ \|$", table, flags=re.M)
    assert len(checks) == 8
    assert [check for check in checks if not re.search(rf"['\"]{check}['\"]", model)] == []


def test_methods_without_a_rule_have_none():
    """The page says of four methods that no rule names them at present, and of goals which kind is in use."""
    rules = seed("comparison_rules")
    assert {rule["comparator_method"] for rule in rules} == {
        "single_overlapping_ci",
        "spc_proportions",
        "quintiles",
        "none",
    }
    assert {rule["confidence"] for rule in rules} == {"95", "99.8"}
    assert {goal["goal_type"] for goal in seed("indicator_goals")} == {"range"}
    assert {rule["trend_method"] for rule in seed("trend_rules")} == {"counts_for_proportions", "limits_for_all"}


# --- published figures


def citations(page: str) -> list[tuple[str, str, list[int]]]:
    """Return heading, file and records of the published figures that the page quotes.

    A record that is named without a file is in the file named before it.
    """
    found: list[tuple[str, str, list[int]]] = []
    for title, text in sections_of(page).items():
        for file, rest in re.findall(
            r"`([\w./-]+\.csv)`,\s+(records?\s.*?)(?=`[\w./-]+\.csv`|\Z)", prose(text), flags=re.S
        ):
            numbers = re.findall(r"records?\s+(\d+)(?:\s+(?:and|to)\s+(\d+))?", rest)
            found.append((title, file, [int(number) for pair in numbers for number in pair if number]))
    return found


def numbers_in(texts: Sequence[str]) -> set[float]:
    return {float(text.replace(",", "")) for text in texts}


def unpublished(page: str) -> list[tuple[str, str, int]]:
    """Return heading, file and number of the records of which no figure stands in the example that quotes them.

    Figures are the decimal numbers and the counts of four digits or more; ids of indicators and years are none.
    """
    found: list[tuple[str, str, int]] = []
    sections = sections_of(page)
    for title, file, records in citations(page):
        # Figures are the same in every encoding of the sources.
        with (REPOSITORY / "data/raw" / file).open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            rows = list(csv.reader(opened))
        said = numbers_in(re.findall(r"(?<![\w.])\d[\d,]*\.?\d*(?<!,)", sections[title].split("**Example.**")[1]))
        for record in records:
            figures = numbers_in([cell for cell in rows[record - 1][1:] if re.fullmatch(r"\d+\.\d+|\d{4,}", cell)])
            if not {figure for figure in figures & said if figure not in range(1900, 2100)}:
                found.append((title, file, record))
    return found


def test_published_figures_are_published():
    assert len({(file, record) for _, file, records in citations(PAGE) for record in records}) >= 15
    assert unpublished(PAGE) == []


@pytest.mark.parametrize(
    ("record", "other"), [(4015, 4014), (373, 372), (145, 144), (1779, 1778), (3797, 3796), (39, 38)]
)
def test_a_figure_of_another_record_would_be_seen(record, other):
    page = re.sub(rf"record {record}\b", f"record {other}", PAGE)
    assert {found for _, _, found in unpublished(page)} == {other}
