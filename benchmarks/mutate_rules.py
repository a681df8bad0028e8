"""Mutation test of the rules that judge commitments: does a test fail when a rule is changed?

Changing one rule at a time, and judging the change by the tests, belongs here; nothing of the project imports it.

    .venv/bin/python benchmarks/mutate_rules.py --part macros
    .venv/bin/python benchmarks/mutate_rules.py --part table
    .venv/bin/python benchmarks/mutate_rules.py --part models --limit 100

Parts: the macros of the methods and the limits in ``dbt_project.yml``, judged by ``tests/golden``; the table
``status_rules.csv``, likewise; the models that assess commitments, judged by ``tests/warehouse`` over one dbt build, in
which the changed model and all that follows it are made anew for each change and rolled back after it, and by the dbt
tests of these models. All happens in a copy of the project in a temporary folder, in one process.

A change is `killed` (a test failed), `invalid` (the SQL or Jinja cannot be read or bound, which shows nothing), or
`survived`. A survivor is `equivalent` where ``equivalent_mutations.csv`` names it with the reason why no test can tell
it from the original. Exit status: 0 when nothing else survived, 1 when something did, 2 when the tests fail before
anything was changed.

A tool of our own: universalmutator reads one line at a time, while conditions and branches of this SQL run over
several, and it takes comments for code.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import duckdb
import jinja2
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent_mutations.csv")
METHODS = "dbt_project/macros/methods"
INTERMEDIATE = "dbt_project/models/intermediate"
SETTINGS = "dbt_project/dbt_project.yml"
TABLE = "data/seeds/status_rules.csv"

COPIED = ("dbt_project", "data/seeds", "tests/golden", "tests/warehouse", "pipelines", "pyproject.toml")
EDGES = "tests/golden/test_rule_edges.py"

MACRO_TESTS: Mapping[str, tuple[str, ...]] = {
    "level": ("test_level", "test_comparison"),
    "change": ("test_change",),
    "pace": ("test_pace",),
    "gap": ("test_gap",),
    "progress_verdicts": ("test_progress_verdicts",),
    "process_control": ("test_process_control",),
    "goal": ("test_goal",),
}
"""File of macros to the files of ``tests/golden`` that judge it, as far as they exist; the edges always do as well."""

SETTING_TESTS: Mapping[str, tuple[str, ...]] = {
    "pace_on_track": ("test_pace",),
    "pace_at_risk": ("test_pace",),
    "change_z": ("test_change",),
    "change_fallback_percent": ("test_change",),
}

MODELS = (
    "int_commitments__scoped",
    "int_commitment_values__joined",
    "int_commitment_values__matched",
    "int_commitment_values__assessed",
    "int_commitment_values__judged",
    "int_commitment_answers__expected",
    "int_milestones__dated",
    "int_targets__planned",
)
MODEL_TESTS: Mapping[str, tuple[str, ...]] = {"int_commitment_values__judged": ("test_status_rules",)}
"""Models that files of ``tests/golden`` run as well."""
OF_COMMITMENTS = re.compile("fct_target|fct_milestone|v_scorecard|v_commitment|dim_commitment")
"""Files of ``tests/warehouse`` that name one of these judge models."""
BY_FILE = re.compile(r"\bbuilt\b")
"""Files that name this fixture read the file of the build, which a mutation leaves as it is; they judge nothing."""


LIMITS: dict[str, Any] = {"threads": 2, "memory_limit": "2GB", "max_temp_directory_size": "2GB"}
PATIENCE = 20.0
"""Seconds that a changed model, and all that follows it, may take; unchanged they take one or two. A change that takes
longer is killed, since the build would not end."""


# --- rules of mutation ------------------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """One way to change SQL: every match of a pattern is a mutation.

    Attributes:
        name: What it is called in reports.
        pattern: Regular expression over the code; comments and text in single quotes are blanked out first.
        replacement: What takes the place of the match, with groups as in ``re.sub``.
    """

    name: str
    pattern: str
    replacement: str


RULES = (
    # Operators: the other side of equality, and the other direction.
    Rule("equality", r" >= ", " > "),
    Rule("equality", r" <= ", " < "),
    Rule("equality", r" > ", " >= "),
    Rule("equality", r" < ", " <= "),
    Rule("direction", r" >= ", " <= "),
    Rule("direction", r" <= ", " >= "),
    Rule("direction", r" > ", " < "),
    Rule("direction", r" < ", " > "),
    Rule("negate", r" = ", " <> "),
    Rule("negate", r" <> ", " = "),
    Rule("negate", r"\bnot (?=\w|\{\{)(?!null|distinct)", ""),
    Rule("negate", r"\bbetween\b(?! unbounded)", "not between"),
    Rule("negate", r" in \(", " not in ("),
    Rule("negate", r"\bis not distinct from\b", "is distinct from"),
    Rule("absence", r"\bis null\b", "is not null"),
    Rule("absence", r"\bis not null\b", "is null"),
    # Arithmetic.
    Rule("arithmetic", r"(?<=\s)\+(?=\s)", "-"),
    Rule("arithmetic", r"(?<=\s)-(?=\s)", "+"),
    Rule("arithmetic", r"(?<=\s)\*(?= [\w({])(?! (?:replace|exclude)\b)", "/"),
    Rule("arithmetic", r"(?<=\s)/(?= )", "*"),
    Rule("arithmetic", r"(?<=[ (])-(?=\{\{|\d)", ""),
    Rule("size", r"\b(?:abs|sqrt|ln|exp|last_day)\(", "("),
    Rule("rounding", r"\bfloor\(", "ceil("),
    Rule("rounding", r"\bceil\(", "floor("),
    Rule("extreme", r"\bleast\(", "greatest("),
    Rule("extreme", r"\bgreatest\(", "least("),
    Rule("extreme", r"\bmin\(", "max("),
    Rule("extreme", r"\bmax\(", "min("),
    Rule("extreme", r"\barg_min\(", "arg_max("),
    Rule("extreme", r"\barg_max\(", "arg_min("),
    Rule("average", r"\blist_avg\(", "list_median("),
    # What the commitment wants, and the interval.
    Rule("sign", r"\{\{ sign \}\}(?! \d)", "(-{{ sign }})"),
    Rule("sign", r"(?<![\w.\"])sign(?![\w\"])(?! (?:\}\}|~))", "(-sign)"),
    Rule("sign", r'(?<=")sign(?=")', "-sign"),
    Rule("swap the limits", r"\b(\w*)lower(\w*)\b(?!\(|\":)", r"\1upper\2"),
    Rule("swap the limits", r"\b(\w*)upper(\w*)\b(?!\(|\":)", r"\1lower\2"),
    Rule("swap the limits", r'"-"', '"+"'),
    Rule("swap the limits", r'"\+"', '"-"'),
    Rule("drop the interval", r"\{\{ \w*(?:lower|upper)\w* \}\}", "cast(null as double)"),
    Rule("drop the interval", r'"[\w.]*(?:lower|upper)_ci_95"', '"cast(null as double)"'),
    # Rows and their order.
    Rule("join", r"\binner join\b", "left join"),
    Rule("join", r"\bleft join\b", "inner join"),
    Rule("rows", r"\bunion all\b", "union"),
    Rule("rows", r" ignore nulls\b", ""),
    Rule("rows", r"\bdistinct (?!from)", ""),
    Rule("rows", r"\blag\(", "lead("),
    Rule("rows", r"\bbool_and\(", "bool_or("),
    Rule("rows", r"(\border by (?:[\w.]+|\{\{ \w+ \}\}))(?=[\s)])", r"\1 desc"),
    # Choices of the macro's writer.
    Rule("choice", r"\{% if (?=\w)", "{% if not "),
    Rule("choice", r"(?<==)true\b", "false"),
)
"""Rules by pattern. Those that need to know where a condition, a branch or a call ends are functions below."""

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|\{#.*?#\})|(?P<text>'(?:[^']|'')*')|(?P<open>\{\{|\{%-?|[(\[{])|(?P<close>-?\}\}|-?%\}|[)\]}])"
    r"|(?P<number>(?<![\w.])\d+(?:\.\d+)?(?:e0)?(?![\w.]))|(?P<word>[A-Za-z_][\w.]*)|(?P<other>::|\S)",
    re.DOTALL,
)
_SCOPE = re.compile(r"\{%-? macro (\w+)|^\s*(\w+) as \($", re.MULTILINE)
# Words that end a condition at its own depth.
_ENDS = frozenset(
    {
        *("and", "or", "then", "when", "else", "as", "where", "on", "group", "order", "window"),
        *("union", "left", "inner", "from", "select", "having", "rows"),
    }
)
_OTHER_TEXT: Mapping[str, str] = {
    "high_is_good": "low_is_good",
    "low_is_good": "high_is_good",
    "day": "month",
    "month": "year",
    "year": "month",
    "quarter": "month",
    "%Y": "%y",
    "%Y-%m": "%y-%m",
}


class Token(NamedTuple):
    """A piece of a file of SQL and Jinja; ``depth`` counts brackets, braces and cases that are open around it."""

    kind: str
    text: str
    start: int
    end: int
    depth: int


class Edit(NamedTuple):
    """One change of a text."""

    rule: str
    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Mutation:
    """A changed file.

    Attributes:
        file: Path within the repository.
        line: First line that differs.
        within: Macro, common table expression, rule or setting that it stands in.
        rule: Name of the rule of mutation.
        original: The lines as they were, as one.
        mutated: The lines as they are now, as one.
        text: The whole file.
    """

    file: str
    line: int
    within: str
    rule: str
    original: str
    mutated: str
    text: str = field(repr=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names it in the list of equivalent mutations, whatever its line."""
        return self.file, self.within, self.original, self.mutated


def tokens_of(text: str) -> list[Token]:
    """Split SQL with Jinja into tokens.

    Double quotes are no text: in calls of macros they hold SQL. What stands in a Jinja statement (``{% %}``) is left
    out, as are comments.

    Args:
        text: Content of a file.

    Returns:
        Tokens in order; a closing one has the depth of its opening one.
    """
    found: list[Token] = []
    depth, is_statement = 0, False
    for match in _TOKEN.finditer(text):
        kind, piece = str(match.lastgroup), match[0]
        if kind == "open" and piece.startswith("{%"):
            is_statement = True
        elif kind == "close" and piece.endswith("%}"):
            is_statement = False
        elif kind != "comment" and not is_statement:
            if kind == "word" and piece in ("case", "end"):
                kind = "open" if piece == "case" else "close"
            depth -= kind == "close"
            found.append(Token(kind, piece, match.start(), match.end(), depth))
            depth += kind == "open"
    return found


def _blanked(text: str) -> str:
    """Return the text with comments and quoted text as blanks, so that patterns find code alone."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", "\0", match[0]) if match.lastgroup in ("comment", "text") else match[0]

    # A macro's head names parameters; renaming one there would only break it.
    code = _TOKEN.sub(blank, text)
    return re.sub(r"\{%-? (?:macro|set|for)\b.*?%\}", lambda match: re.sub(r"[^\n=]", "\0", match[0]), code)


def _by_pattern(text: str) -> Iterator[Edit]:
    code = _blanked(text)
    for rule in RULES:
        # The names of limits in heads are blanked, but a default value such as `screened=true` is a choice.
        where = text if rule.name == "choice" else code
        for match in re.finditer(rule.pattern, where):
            yield Edit(rule.name, match.start(), match.end(), match.expand(rule.replacement))


def _constants(tokens: Sequence[Token]) -> Iterator[Edit]:
    for token in tokens:
        if token.kind == "number":
            yield Edit("constant", token.start, token.end, _other_number(token.text))


def _other_number(number: str) -> str:
    """Return the next number in the last printed place, at most the sixth."""
    digits, exponent = (number[:-2], "e0") if number.endswith("e0") else (number, "")
    places = min(len(digits.partition(".")[2]), 6)
    return f"{Decimal(digits) + Decimal(1).scaleb(-places)}{exponent}"


def _texts(text: str, tokens: Sequence[Token]) -> Iterator[Edit]:
    """An outcome becomes the next outcome of its macro or query; a value that is compared becomes one that never is."""
    outcomes: dict[str, list[str]] = {}
    for before, token in pairwise(tokens):
        if token.kind == "text" and before.text in ("then", "else"):
            listed = outcomes.setdefault(_within(text, token.start), [])
            listed += [token.text] if token.text not in listed else []
    for before, token in pairwise(tokens):
        if token.kind != "text" or token.text == "''":
            continue
        if before.text in ("then", "else"):
            listed = outcomes[_within(text, token.start)]
            other = listed[(listed.index(token.text) + 1) % len(listed)]
            yield Edit("outcome", token.start, token.end, other if other != token.text else "'another'")
        else:
            inner = token.text[1:-1]
            other = _OTHER_TEXT.get(inner, "another%" if inner.endswith("%") else "another")
            yield Edit("value", token.start, token.end, f"'{other}'")


def _conditions(tokens: Sequence[Token]) -> Iterator[Edit]:
    """Flip `and` and `or`; drop each condition of a chain; drop whole branches and whole conditions of rows."""
    for place, token in enumerate(tokens):
        if token.text in ("and", "or") and not _belongs_to_between(tokens, place):
            neutral = "true" if token.text == "and" else "false"
            yield Edit("and/or", token.start, token.end, "or" if token.text == "and" else "and")
            yield Edit("drop a condition", *_operand(tokens, place, +1), neutral)
            before = _operand(tokens, place, -1)
            # Later ones are dropped as the right side of the operator before them.
            if _word_before(tokens, before[0]) not in ("and", "or"):
                yield Edit("drop a condition", *before, neutral)
        elif token.text == "when" and _is_searched(tokens, place):
            yield Edit("drop a branch", *_operand(tokens, place, +1, {"then"}), "false")
        elif token.text == "else":
            start, end = _operand(tokens, place, +1, ())
            yield Edit("drop a branch", start, end, "null")
        elif token.text in ("where", "on"):
            start, end = _operand(tokens, place, +1)
            if _word_after(tokens, end) not in ("and", "or"):
                yield Edit("drop a condition", start, end, "true")


def _belongs_to_between(tokens: Sequence[Token], place: int) -> bool:
    depth = tokens[place].depth
    for token in reversed(tokens[:place]):
        if token.depth < depth or (token.depth == depth and token.text in _ENDS - {"rows"}):
            return False
        if token.depth == depth and token.text == "between":
            return True
    return False


def _operand(
    tokens: Sequence[Token], place: int, step: int, ends: Iterable[str] = _ENDS | {",", ":"}
) -> tuple[int, int]:
    """Return start and end of what stands beside a token, up to a word that ends it or the bracket around it."""
    depth, at = tokens[place].depth, place + step
    first = at
    while 0 <= at < len(tokens):
        token = tokens[at]
        is_around = token.depth < depth
        is_end = token.depth == depth and token.text in ends and not _belongs_to_between(tokens, at)
        if is_around or is_end:
            break
        at += step
    last = at - step
    span = (first, last) if step > 0 else (last, first)
    return tokens[span[0]].start, tokens[span[1]].end


def _word_before(tokens: Sequence[Token], start: int) -> str | None:
    return next((token.text for token in reversed(tokens) if token.end <= start), None)


def _word_after(tokens: Sequence[Token], end: int) -> str | None:
    return next((token.text for token in tokens if token.start >= end), None)


def _is_searched(tokens: Sequence[Token], place: int) -> bool:
    """Say whether a `when` holds a condition and not a value: no word stands between `case` and the first of them."""
    for at in range(place - 1, -1, -1):
        if tokens[at].text == "case" and tokens[at].depth == tokens[place].depth - 1:
            return tokens[at + 1].text == "when"
    return False


def _calls(text: str, tokens: Sequence[Token]) -> Iterator[Edit]:
    """Of `coalesce`, `nullif` and `round` the first argument alone; of a filtered aggregate every row."""
    for place, token in enumerate(tokens[:-1]):
        if tokens[place + 1].text != "(":
            continue
        inside = tokens[place + 1].depth + 1
        close = next(other for other in tokens[place + 2 :] if other.depth < inside)
        if token.text == "filter":
            yield Edit("rows", token.start, close.end, "")
        if token.text in ("coalesce", "nullif", "round"):
            comma = next(other for other in tokens[place + 2 :] if other.depth == inside and other.text == ",")
            yield Edit("drop a guard", token.start, close.start, text[token.end : comma.start])


def mutations_of_sql(file: str, text: str) -> list[Mutation]:
    """Return every mutation of a file of SQL and Jinja, in the order of the file.

    Args:
        file: Path within the repository.
        text: Its content.

    Returns:
        Mutations, none twice.
    """
    tokens = tokens_of(text)
    edits = [*_by_pattern(text), *_constants(tokens), *_texts(text, tokens)]
    edits += [*_conditions(tokens), *_calls(text, tokens)]
    made = [_mutation(file, text, edit) for edit in sorted(edits, key=lambda edit: (edit.start, edit.end))]
    return list({one.text: one for one in reversed(made) if one.original != one.mutated}.values())[::-1]


def _mutation(file: str, text: str, edit: Edit) -> Mutation:
    begin = text.rfind("\n", 0, edit.start) + 1
    finish = text.find("\n", edit.end)
    finish = len(text) if finish < 0 else finish
    changed = text[begin : edit.start] + edit.new + text[edit.end : finish]
    return Mutation(
        file,
        text.count("\n", 0, edit.start) + 1,
        _within(text, edit.start),
        edit.rule,
        " ".join(text[begin:finish].split()),
        " ".join(changed.split()),
        text[:begin] + changed + text[finish:],
    )


def _within(text: str, place: int) -> str:
    names = [match[1] or match[2] for match in _SCOPE.finditer(text, 0, place)]
    # The query behind the last common table expression begins at the margin.
    last = re.search(r"^select\b", text[:place], re.MULTILINE)
    return "result" if last or not names else names[-1]


def mutations_of_settings(text: str) -> list[Mutation]:
    """Return the mutations of the limits in ``dbt_project.yml``: the next number in the last printed place."""
    found: list[Mutation] = []
    for name in SETTING_TESTS:
        match = re.search(rf"^  {name}: ([\d.]+)$", text, re.MULTILINE)
        if match is None:
            sys.exit(f"{SETTINGS} has no setting {name}")
        edit = Edit("constant", match.start(1), match.end(1), _other_number(match[1]))
        made = _mutation(SETTINGS, text, edit)
        found.append(Mutation(SETTINGS, made.line, name, made.rule, made.original, made.mutated, made.text))
    return found


def mutations_of_table(text: str) -> list[Mutation]:
    """Return the mutations of the table of status rules.

    Each rule: left out; with each other status; with each of its conditions blanked; in the place of the next.

    Args:
        text: Content of ``status_rules.csv``.

    Returns:
        Mutations in the order of the rules.
    """
    reader = csv.DictReader(io.StringIO(text))
    columns, rules = list(reader.fieldnames or ()), list(reader)
    statuses = list(dict.fromkeys(rule["status_code"] for rule in rules))
    conditions = [name for name in columns if name not in ("rule_order", "status_code", "why")]

    def written(changed: Sequence[Mapping[str, str]]) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(changed)
        return out.getvalue()

    def worded(rule: Mapping[str, str]) -> str:
        return ",".join(rule[name] for name in columns if name != "why")

    found: list[Mutation] = []

    def add(place: int, what: str, now: str, *changed: Mapping[str, str], over: int = 1) -> None:
        text_now = written([*rules[:place], *changed, *rules[place + over :]])
        rule = rules[place]
        found.append(Mutation(TABLE, place + 2, f"rule {rule['rule_order']}", what, worded(rule), now, text_now))

    for place, rule in enumerate(rules):
        add(place, "delete a rule", "")
        for status in statuses:
            if status != rule["status_code"]:
                changed = {**rule, "status_code": status}
                add(place, "status", worded(changed), changed)
        for name in conditions:
            if rule[name]:
                changed = {**rule, name: ""}
                add(place, "blank a condition", worded(changed), changed)
        if place + 1 < len(rules):
            after = rules[place + 1]
            pair = ({**after, "rule_order": rule["rule_order"]}, {**rule, "rule_order": after["rule_order"]})
            add(place, "swap with the next", " / ".join(map(worded, pair)), *pair, over=2)
    return found


# --- judging ----------------------------------------------------------------------------------------------------------

UNREADABLE = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    jinja2.TemplateError,
)


class Verdict(NamedTuple):
    """What became of a mutation: `killed`, `survived` or `invalid`, and by which test or error."""

    outcome: str
    by: str = ""


class Watch:
    """A pytest plugin: notes failures, the build of ``tests/warehouse``, and hands out a database of our own.

    Attributes:
        failures: Test and error of each failure, in order.
        built: The finished build of ``tests/warehouse``, once it was made.
        warehouse: Database that its tests get in place of the file of the build.
        passed: Number of tests that passed.
    """

    def __init__(self, built: object = None, warehouse: object = None) -> None:
        """Hand out a finished build and an open database, where given."""
        self.failures: list[tuple[str, BaseException]] = []
        self.built = built
        self.warehouse = warehouse
        self.passed = 0

    def pytest_exception_interact(
        self, node: pytest.Item | pytest.Collector, call: pytest.CallInfo[object], report: object
    ) -> None:
        """Note what failed."""
        del report
        if call.excinfo is not None:
            self.failures.append((node.nodeid, call.excinfo.value))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what passed."""
        self.passed += report.when == "call" and report.passed

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """Keep the build when it is made; give ours in its place when there is one."""
        given = {"built": self.built, "warehouse": self.warehouse}.get(fixturedef.argname)
        if given is not None:
            # The function of the fixture gives way; everything that pytest does around it stays.
            object.__setattr__(fixturedef, "func", lambda: given)
            object.__setattr__(fixturedef, "argnames", ())
        result = yield
        if fixturedef.argname == "built":
            self.built = result
        return result


def run_tests(folder: Path, files: Iterable[str], watch: Watch, *, stop: bool = True) -> Watch:
    """Run files of tests in this process, without a word.

    Args:
        folder: Copy of the project.
        files: Paths within it.
        watch: Plugin that notes what happens.
        stop: Stop at the first failure.

    Returns:
        The plugin.
    """
    arguments = ["-q", "--tb=no", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    arguments += ["--basetemp", str(folder.parent / f"pytest_{time.monotonic_ns()}"), *(["-x"] if stop else [])]
    before = Path.cwd()
    os.chdir(folder)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            code = pytest.main([*arguments, "-c", "pyproject.toml", *files], plugins=[watch])
    finally:
        os.chdir(before)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not watch.failures:
        sys.exit(f"pytest ended with {code!r} on {', '.join(files)}")
    return watch


def verdict_of(watch: Watch) -> Verdict:
    """Return what the tests say."""
    if not watch.failures:
        return Verdict("survived")
    test, error = watch.failures[0]
    if isinstance(error, UNREADABLE):
        return Verdict("invalid", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    return Verdict("killed", test.rsplit("/", 1)[-1])


def copy_project(folder: Path) -> None:
    """Copy what the tests need into an empty folder."""
    ignored = shutil.ignore_patterns("target", "logs", "__pycache__", "*.pyc")
    for name in COPIED:
        source, goal = REPOSITORY / name, folder / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, ignore=ignored)
        else:
            shutil.copy(source, goal)


def golden_tests(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the paths of those files of ``tests/golden`` that exist, and of the edges."""
    paths = [f"tests/golden/{name}.py" for name in names]
    return [path for path in (*paths, EDGES) if (folder / path).is_file()]


def tests_of(folder: Path, mutation: Mutation) -> list[str]:
    """Return the golden tests that judge a mutation of a macro, a setting or the table."""
    if mutation.file == TABLE:
        return golden_tests(folder, ["test_status_rules"])
    if mutation.file == SETTINGS:
        return golden_tests(folder, SETTING_TESTS[mutation.within])
    name = Path(mutation.file).stem
    return golden_tests(folder, MACRO_TESTS.get(name) or MODEL_TESTS[name])


def require_green(folder: Path, files: Sequence[str], watch: Watch) -> Watch:
    """Run the tests over the unchanged project and stop when they fail: they could judge nothing."""
    run_tests(folder, files, watch, stop=False)
    if watch.failures:
        for test, error in watch.failures[:10]:
            print(f"{test}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
        print(f"{len(watch.failures)} tests fail before anything was changed.", file=sys.stderr)
        sys.exit(2)
    print(f"Unchanged: {watch.passed} tests pass ({', '.join(files)}).", flush=True)
    return watch


def golden_judge(folder: Path, mutations: Sequence[Mutation]) -> Callable[[Mutation], Verdict]:
    """Return a function that judges mutations of macros, settings and the table by ``tests/golden``."""
    files = {file: None for mutation in mutations for file in tests_of(folder, mutation)}
    if files:
        require_green(folder, list(files), Watch())

    def judge(mutation: Mutation) -> Verdict:
        path = folder / mutation.file
        original = path.read_text(encoding="utf-8")
        path.write_text(mutation.text, encoding="utf-8")
        try:
            return verdict_of(run_tests(folder, tests_of(folder, mutation), Watch()))
        finally:
            path.write_text(original, encoding="utf-8")

    return judge


# --- models -----------------------------------------------------------------------------------------------------------


class Warehouse:
    """The build of ``tests/warehouse``, in which one model at a time is replaced.

    Attributes:
        built: What the fixture of the tests returned.
        connection: The finished database, open for changes; each is rolled back.
    """

    def __init__(self, folder: Path, built: Any) -> None:
        """Open the database and read what dbt compiled."""
        # pipelines is the installed project; only its functions for the connection are wanted.
        from pipelines.model.duckdb_functions import register  # noqa: PLC0415

        self.folder = folder
        self.built = built
        self.connection = duckdb.connect(str(built.file), config=LIMITS)
        register(self.connection)
        self._manifest = json.loads((built.target / "manifest.json").read_text(encoding="utf-8"))
        results = json.loads((built.target / "run_results.json").read_text(encoding="utf-8"))["results"]
        self._results: dict[str, dict[str, Any]] = {one["unique_id"]: one for one in results}
        self._environment = self._rendering()
        self.connection.execute("attach ':memory:' as before")
        for name, relation in self._read_by_tests(self._results).items():
            self.connection.execute(f"create table before.{name} as from {relation}")

    def _rendering(self) -> jinja2.Environment:
        nodes, sources = self._manifest["nodes"].values(), self._manifest["sources"].values()
        relations: dict[str, str] = {
            node["name"]: node["relation_name"] for node in nodes if node["resource_type"] != "test"
        }
        tables: dict[tuple[str, str], str] = {
            (one["source_name"], one["name"]): one["relation_name"] for one in sources
        }
        settings: dict[str, object] = yaml.safe_load((self.folder / SETTINGS).read_text(encoding="utf-8"))["vars"]
        day = re.search(r"cast\('(\d{4}-\d\d-\d\d)' as date\)", self._compiled("int_commitments__scoped"))
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"])

        def env_var(name: str, default: str = "") -> str:
            return day[1] if day and name == "OUTCOMES_AS_AT" else default

        def source(name: str, table: str) -> str:
            return tables[name, table]

        names = cast(dict[str, object], cast(object, environment.globals))
        names |= {"var": settings.__getitem__, "execute": True, "env_var": env_var}
        names |= {"ref": relations.__getitem__, "source": source}
        files = sorted((self.folder / "dbt_project" / "macros").rglob("*.sql"))
        texts = [file.read_text(encoding="utf-8") for file in files if "tests" not in file.parts[-2:]]
        texts = [text for text in texts if "{% macro" in text and "{% test " not in text]
        module = environment.from_string("\n".join(texts)).module
        names |= {name: part for name, part in vars(module).items() if not name.startswith("_")}
        return environment

    def _compiled(self, model: str) -> str:
        return str(self._results[f"model.outcomes.{model}"]["compiled_code"])

    def render(self, text: str) -> str:
        """Return the SQL of a model's text."""
        return self._environment.from_string(text).render()

    def require_same_rendering(self, model: str, text: str) -> None:
        """Stop when a model is not rendered as dbt did: a mutation would be judged by other SQL."""
        if self.render(text).split() != self._compiled(model).split():
            sys.exit(f"{model} is not rendered as dbt compiled it")

    def followers(self, model: str) -> list[str]:
        """Return the models that are made from a model, in the order of the build."""
        found, waiting = set[str](), [f"model.outcomes.{model}"]
        while waiting:
            for child in self._manifest["child_map"][waiting.pop()]:
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return [one for one in self._results if one in found and one.startswith("model.")]

    @contextmanager
    def in_time(self, seconds: float = PATIENCE) -> Generator[None]:
        """Interrupt the database after some seconds: a join without its condition may never end."""
        timer = threading.Timer(seconds, self.connection.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def rebuild(self, model: str, sql: str) -> None:
        """Make a model from other SQL, and all that follows it from what dbt compiled."""
        for one in (f"model.outcomes.{model}", *self.followers(model)):
            result = self._results[one]
            kind = self._manifest["nodes"][one]["config"]["materialized"]
            query = sql if one == f"model.outcomes.{model}" else result["compiled_code"]
            self.connection.execute(f"create or replace {kind} {result['relation_name']} as {query}")

    def _read_by_tests(self, models: Iterable[str]) -> dict[str, str]:
        """Return name and relation of those models that are published or that a test of the warehouse names."""
        nodes = {one: self._manifest["nodes"][one] for one in models if one.startswith("model.")}
        tests = "".join(path.read_text(encoding="utf-8") for path in (self.folder / "tests" / "warehouse").glob("*.py"))
        return {
            node["name"]: node["relation_name"]
            for node in nodes.values()
            if "marts" in node["fqn"] or re.search(rf"\b{node['name']}\b", tests)
        }

    def differing(self, model: str) -> list[str]:
        """Return which of the models that tests read are not what they were, of a model and those that follow it."""
        found: list[str] = []
        for name, relation in self._read_by_tests([f"model.outcomes.{model}", *self.followers(model)]).items():
            before = f"before.{name}"
            query = f"(from {relation} except all from {before}) union all (from {before} except all from {relation})"
            if self.connection.execute(f"from ({query}) limit 1").fetchone():
                found.append(name)
        return found

    def failing_dbt_test(self, model: str) -> str | None:
        """Return the first dbt test of a model, or of one that follows it, that fails."""
        concerned = {f"model.outcomes.{model}", *self.followers(model)}
        for one, result in self._results.items():
            node = self._manifest["nodes"].get(one)
            if node is None or node["resource_type"] != "test" or node["config"]["severity"].lower() != "error":
                continue
            if concerned & set(node["depends_on"]["nodes"]):
                found = self.connection.execute(f"select count(*) from ({result['compiled_code']})").fetchone()
                if found and found[0]:
                    return str(node["name"])
        return None


def warehouse_tests(folder: Path) -> list[str]:
    """Return the paths of those files of ``tests/warehouse`` that judge models, the one that finds most first."""
    texts = {path: path.read_text(encoding="utf-8") for path in (folder / "tests" / "warehouse").glob("test_*.py")}
    found = [path for path, text in texts.items() if OF_COMMITMENTS.search(text) and not BY_FILE.search(text)]
    found.sort(key=lambda path: (path.name != "test_cases.py", path.name))
    return [path.relative_to(folder).as_posix() for path in found]


def model_judge(folder: Path, mutations: Sequence[Mutation]) -> Callable[[Mutation], Verdict]:
    """Return a function that judges mutations of models by ``tests/warehouse`` and the dbt tests of models."""
    files = warehouse_tests(folder)
    watch = require_green(folder, files, Watch())
    warehouse = Warehouse(folder, watch.built)
    for file in {mutation.file for mutation in mutations}:
        text = (folder / file).read_text(encoding="utf-8")
        warehouse.require_same_rendering(Path(file).stem, text)
    judge_by_golden_tests = golden_judge(folder, [one for one in mutations if Path(one.file).stem in MODEL_TESTS])

    def judge(mutation: Mutation) -> Verdict:
        found = judge_by_warehouse(mutation)
        if found.outcome == "survived" and Path(mutation.file).stem in MODEL_TESTS:
            by_golden = judge_by_golden_tests(mutation)
            return by_golden if by_golden.outcome == "killed" else found
        return found

    def judge_by_warehouse(mutation: Mutation) -> Verdict:
        model = Path(mutation.file).stem
        warehouse.connection.execute("begin")
        try:
            with warehouse.in_time():
                warehouse.rebuild(model, warehouse.render(mutation.text))
                if test := warehouse.failing_dbt_test(model):
                    return Verdict("killed", f"dbt test {test}")
                if not (differing := warehouse.differing(model)):
                    return Verdict("survived", "no row that a test reads differs")
            found = verdict_of(run_tests(folder, files, Watch(warehouse.built, warehouse.connection)))
            return found if found.by else Verdict("survived", f"rows differ in {', '.join(differing)}")
        except UNREADABLE as error:
            return Verdict("invalid", f"{type(error).__name__}: {str(error).splitlines()[0]}")
        except duckdb.InterruptException:
            return Verdict("killed", f"the build takes more than {PATIENCE:.0f} s")
        except duckdb.Error as error:
            return Verdict("killed", f"the build fails: {str(error).splitlines()[0]}")
        finally:
            warehouse.connection.execute("rollback")

    return judge


# --- the whole --------------------------------------------------------------------------------------------------------


def mutations_of(part: str) -> list[Mutation]:
    """Return every mutation of a part of the rules: `macros`, `table` or `models`."""

    def read(file: str) -> str:
        return (REPOSITORY / file).read_text(encoding="utf-8")

    if part == "table":
        return mutations_of_table(read(TABLE))
    folder, names = (METHODS, MACRO_TESTS) if part == "macros" else (INTERMEDIATE, MODELS)
    found = [one for name in names for one in mutations_of_sql(f"{folder}/{name}.sql", read(f"{folder}/{name}.sql"))]
    return found + (mutations_of_settings(read(SETTINGS)) if part == "macros" else [])


def limited(mutations: Sequence[Mutation], limit: int | None) -> list[Mutation]:
    """Return as many mutations as wanted, always the same ones, in their order."""

    def drawn(mutation: Mutation) -> str:
        return hashlib.sha256("\n".join(mutation.key).encode()).hexdigest()

    if limit is None or limit >= len(mutations):
        return list(mutations)
    chosen = {one.text for one in sorted(mutations, key=drawn)[:limit]}
    return [one for one in mutations if one.text in chosen]


def read_equivalent(file: Path = EQUIVALENT) -> dict[tuple[str, str, str, str], str]:
    """Return the mutations that no test can tell from the original, each with the reason.

    A line of the file stands for every mutation that reads the same within one macro or query.
    """
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    found = {(row["file"], row["within"], row["original"], row["mutated"]): row["reason"] for row in rows}
    if len(found) < len(rows) or not all(reason.strip() for reason in found.values()):
        sys.exit(f"{file.name}: a mutation is listed twice, or has no reason")
    return found


def said(mutation: Mutation) -> str:
    """Return a mutation in one line."""
    where = f"{mutation.file}:{mutation.line} ({mutation.within})"
    return f"{where} [{mutation.rule}]\n    - {mutation.original}\n    + {mutation.mutated}"


def judged(
    mutations: Sequence[Mutation],
    judge: Callable[[Mutation], Verdict],
    equivalent: Mapping[tuple[str, str, str, str], str],
) -> tuple[dict[str, Counter[str]], list[Mutation]]:
    """Judge mutations one after the other and print each.

    Args:
        mutations: What to judge.
        judge: Function that judges one.
        equivalent: Mutations that may survive, with the reason.

    Returns:
        Outcomes by file, and the survivors that are not listed.
    """
    outcomes: dict[str, Counter[str]] = {}
    survivors: list[Mutation] = []
    for number, mutation in enumerate(mutations, start=1):
        verdict = judge(mutation)
        outcome = verdict.outcome
        if outcome == "survived" and mutation.key in equivalent:
            outcome, verdict = "equivalent", Verdict("equivalent", equivalent[mutation.key])
        elif mutation.key in equivalent:
            print(f"Listed as equivalent, but {outcome}:", flush=True)
        survivors += [mutation] if outcome == "survived" else []
        outcomes.setdefault(mutation.file, Counter())[outcome] += 1
        print(f"{number}/{len(mutations)} {outcome}: {said(mutation)}", flush=True)
        if verdict.by:
            print(f"    {verdict.by}", flush=True)
    return outcomes, survivors


def summary(outcomes: Mapping[str, Counter[str]], seconds: float) -> Iterator[str]:
    """Give the table of outcomes, line by line."""
    kinds = ("killed", "survived", "equivalent", "invalid")
    yield f"{'':58}" + "".join(f"{kind:>12}" for kind in kinds)
    for file, counts in outcomes.items():
        yield f"{file:58}" + "".join(f"{counts[kind]:12}" for kind in kinds)
    total = sum(outcomes.values(), Counter[str]())
    yield f"{'together':58}" + "".join(f"{total[kind]:12}" for kind in kinds)
    yield f"{sum(total.values())} mutations in {seconds:.0f} s"


def main() -> None:
    """Change the rules of one part, one at a time, and say what the tests made of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("macros", "table", "models"), required=True)
    parser.add_argument("--limit", type=int, help="judge this many, always the same ones; all by default")
    parser.add_argument("--file", default="", help="only files whose path contains this")
    parser.add_argument("--list", action="store_true", help="print the mutations and judge none")
    given = parser.parse_args()
    mutations = limited([one for one in mutations_of(given.part) if given.file in one.file], given.limit)
    if given.list or not mutations:
        print("\n".join(map(said, mutations)))
        print(f"{len(mutations)} mutations")
        return
    equivalent = read_equivalent()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        judge = (model_judge if given.part == "models" else golden_judge)(folder, mutations)
        begun = time.perf_counter()
        outcomes, survivors = judged(mutations, judge, equivalent)
        print("\n".join(summary(outcomes, time.perf_counter() - begun)))
    if survivors:
        print("\nSurvived, and not listed as equivalent:")
        print("\n".join(map(said, survivors)))
        sys.exit(1)


if __name__ == "__main__":
    main()
