"""Expectation suites as files: read, validated, and turned into Great Expectations objects.

What a suite may say belongs here. Running one does not (see ``gate``), and neither do the rules themselves, which are
the JSON files in ``expectations/``.
"""

from __future__ import annotations

import functools
import importlib
import json
import re
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from pipelines.problems import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    import great_expectations as gx

Severity = Literal["critical", "warning", "info"]

ROWS_QUERY = "unexpected_rows_expectation"
QUERY_KEY = "unexpected_rows_query"

IDENTITY = ("source_file", "source_row_number", "source_column")
"""The columns that name one landed row."""

ROW_RULE_COLUMNS = (*IDENTITY, "column_name", "value", "detail")
"""What a query must select when its rows are set aside: which row, which column, what it holds, and why not."""

FINDING_COLUMNS = ("source_file", "source_row_number", "column_name", "value", "detail")
"""What a query about the register must select: where a person has to look, what is there, and what is wrong with it."""

COLUMN_RULES = frozenset(
    {
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_not_be_null",
        "expect_column_value_lengths_to_be_between",
    }
)
"""Column rules whose complete list of failing rows Great Expectations can give as SQL on DuckDB."""

TABLE_RULES = frozenset(
    {
        "expect_column_distinct_values_to_be_in_set",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_unique_value_count_to_be_between",
        "expect_compound_columns_to_be_unique",
        "expect_table_columns_to_match_set",
        "expect_table_row_count_to_be_between",
    }
)
"""Rules that run on DuckDB but cannot name every failing row, so they may refuse or warn, not set rows aside."""

KNOWN_TYPES = COLUMN_RULES | TABLE_RULES | {ROWS_QUERY}


class Expectation(BaseModel):
    """One rule, what happens when it fails, and why it is there.

    Attributes:
        check_id: Name of the rule in the check log; unique in its suite.
        type: Great Expectations type, one of ``KNOWN_TYPES``.
        kwargs: Its arguments. A query may be a list of lines.
        severity: ``critical`` refuses the load or the register, ``warning`` sets the failing rows aside (those of the
            register are published nevertheless), ``info`` only says so.
        why: One sentence for the person who has to defend the rule.
        remedy: What the person who broke the rule does next; every rule of the register has one.
        found: What a failing row is called, one and many: ``["sum differs", "sums differ"]``.
        of_whole_load: Whether the rule makes sense only of everything that a source has, and not of one file of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    check_id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: str
    kwargs: dict[str, JsonValue]
    severity: Severity
    why: str = Field(min_length=20)
    remedy: str | None = Field(default=None, min_length=10)
    found: tuple[str, str] = ("row fails", "rows fail")
    of_whole_load: bool = False

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KNOWN_TYPES:
            raise ValueError(f"{value!r} is not a type that this gate runs; known: {', '.join(sorted(KNOWN_TYPES))}")
        return value

    @field_validator("kwargs")
    @classmethod
    def _join_lines(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        query = value.get(QUERY_KEY)
        if isinstance(query, list):
            return {**value, QUERY_KEY: "\n".join(str(line) for line in query)}
        return value

    @model_validator(mode="after")
    def _runnable(self) -> Self:
        if self.type == ROWS_QUERY:
            _check_query(self.kwargs.get(QUERY_KEY))
        elif self.severity == "warning" and self.type not in COLUMN_RULES:
            raise ValueError(
                f"{self.type} cannot name every failing row, so it cannot set rows aside: "
                f"use severity critical or info, or {ROWS_QUERY}"
            )
        return self

    @property
    def column(self) -> str | None:
        """Column that the rule is about, if it is about one."""
        value = self.kwargs.get("column")
        return value if isinstance(value, str) else None

    @property
    def query(self) -> str | None:
        """SQL that returns the failing rows, over the view ``batch``; ``None`` for the built-in rules."""
        value = self.kwargs.get(QUERY_KEY)
        return value.format(batch="batch").rstrip("; \n") if isinstance(value, str) else None


class Inclusion(BaseModel):
    """Rules taken over from a shared file.

    Attributes:
        file: Path relative to the suite that includes it.
        leave_out: Rules that do not apply to this source, each with the reason (``except`` in the file).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    leave_out: dict[str, str] = Field(default_factory=dict, alias="except")

    @field_validator("leave_out")
    @classmethod
    def _reasons(cls, value: dict[str, str]) -> dict[str, str]:
        for check_id, reason in value.items():
            if len(reason) < 20:  # same floor as `why`: a word is not a reason
                raise ValueError(f"leaving out {check_id} needs a reason of at least 20 characters")
        return value


class Suite(BaseModel):
    """Every rule for one landed source, one published table or one seed of the commitment register.

    Attributes:
        suite: Name of the suite.
        source: Source that it is for, when it is about landed rows.
        table: Published table or view that it is for, if it is about one.
        seed: Seed of the register that it is for, if it is about one.
        description: What the suite protects.
        includes: Shared rules; after loading they are part of ``expectations``.
        expectations: The rules, in the order in which they are reported.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str
    source: str | None = None
    table: str | None = None
    seed: str | None = None
    description: str = Field(min_length=20)
    includes: tuple[Inclusion, ...] = ()
    expectations: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        seen: set[str] = set()
        for expectation in self.expectations:
            if expectation.check_id in seen:
                raise ValueError(f"check_id {expectation.check_id!r} is used twice")
            seen.add(expectation.check_id)
        return self

    @model_validator(mode="after")
    def _rows_named(self) -> Self:
        """A row that is set aside has to be named, and so has every row of the register that a person has to mend.

        Shared rules are for the one or for the other, and are looked at where they are included.
        """
        for one in self.expectations:
            if self.seed is not None:
                if one.type != ROWS_QUERY or one.remedy is None:
                    raise ValueError(f"{one.check_id}: a rule of the register is an {ROWS_QUERY} with a remedy")
                _check_selected(one, FINDING_COLUMNS, "says what a person has to mend")
            elif (self.source or self.table) and one.type == ROWS_QUERY and one.severity == "warning":
                _check_selected(one, ROW_RULE_COLUMNS, "sets rows aside")
        return self


def load_suite(path: Path) -> Suite:
    """Read one suite with everything that it includes.

    Args:
        path: JSON file in ``expectations/landed``, ``expectations/published`` or ``expectations/register``.

    Returns:
        The suite; ``expectations`` holds the included rules first.

    Raises:
        ConfigurationError: The file is missing, is no JSON, or breaks a rule of :class:`Suite`; the message names the
            file and the key.
    """
    suite = _read(path)
    if [suite.source, suite.table, suite.seed].count(None) != 2:
        raise ConfigurationError(
            f"{path}: give either 'source' (landed rows), 'table' (a published table) or 'seed' (the register)"
        )
    gathered: list[Expectation] = []
    for inclusion in suite.includes:
        shared = _read(path.parent / inclusion.file)
        known = {expectation.check_id for expectation in shared.expectations}
        if unknown := sorted(set(inclusion.leave_out) - known):
            raise ConfigurationError(
                f"{path}: includes.except names {unknown[0]!r}, which {inclusion.file} does not have"
            )
        gathered += [one for one in shared.expectations if one.check_id not in inclusion.leave_out]
    if not (gathered or suite.expectations):
        raise ConfigurationError(f"{path}: expectations is empty, so the gate would let everything pass")
    return _validated(path, {**suite.model_dump(by_alias=True), "expectations": [*gathered, *suite.expectations]})


def to_gx(suite: Suite) -> gx.ExpectationSuite:
    """Turn a suite into the Great Expectations object that runs it.

    Args:
        suite: As returned by :func:`load_suite`.

    Returns:
        A suite whose expectations carry ``check_id`` in their ``meta``, because results come back in another order.

    Raises:
        ConfigurationError: Great Expectations does not accept the arguments of a rule.
    """
    import great_expectations as gx  # noqa: PLC0415 - takes five seconds, so only when a gate runs
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: PLC0415
    from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: PLC0415

    built: list[Any] = []
    for one in suite.expectations:
        kwargs: dict[str, Any] = dict(one.kwargs)
        if one.query is not None:
            kwargs[QUERY_KEY] = _for_gx(one.query)
        rule: dict[str, Any] = {"meta": {"check_id": one.check_id}, "severity": FailureSeverity(one.severity)}
        try:
            if one.query is not None:
                built.append(_counting_expectation()(**kwargs, **rule))
            else:
                built.append(ExpectationConfiguration(type=one.type, kwargs=kwargs, **rule).to_domain_obj())
        except Exception as error:
            raise ConfigurationError(f"suite {suite.suite}, check_id {one.check_id}, kwargs: {error}") from error
    # Not add_expectation: it keeps only the last of several rules about the same table.
    return gx.ExpectationSuite(name=suite.suite, expectations=built)


@functools.cache
def _counting_expectation() -> Any:
    """Return ``UnexpectedRowsExpectation`` without its second query.

    The library runs every query twice, once to count the rows and once to fetch them. Only the count is used here, as
    the rows that are set aside must be complete and are fetched by ``gate``; without the other query a gate of 53 rules
    takes two thirds of the time (1.7 s and 1.1 s, measured on 2 cores).
    """
    from great_expectations.expectations.core.unexpected_rows_expectation import (  # noqa: PLC0415
        UnexpectedRowsExpectation,
    )

    class CountUnexpectedRowsExpectation(UnexpectedRowsExpectation):
        metric_dependencies = ("unexpected_rows_query.row_count",)

        def _validate(self, metrics: dict[str, Any], *_: object, **__: object) -> dict[str, Any]:
            failed = metrics["unexpected_rows_query.row_count"]
            return {"success": failed == 0, "result": {"observed_value": failed}}

    return CountUnexpectedRowsExpectation


def _for_gx(query: str) -> str:
    """Escape what Great Expectations and SQLAlchemy would read as placeholders.

    Great Expectations puts an alias after ``{batch}`` unless the query has a join, so one spelling cannot serve both;
    our queries name the view instead, and the placeholder that it insists on stands in a comment.
    """
    doubled = query.replace("{", "{{").replace("}", "}}")
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", doubled) + "\n/* {batch} */"


def _check_query(query: JsonValue) -> None:
    if not isinstance(query, str):
        raise ValueError(f"kwargs.{QUERY_KEY} must be SQL, as text or as a list of lines")
    try:
        query.format(batch="batch")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"kwargs.{QUERY_KEY}: {{batch}} is the only placeholder; double other braces ({error})"
        ) from error
    if "{batch}" not in query:
        raise ValueError(f"kwargs.{QUERY_KEY} never reads {{batch}}, so it says nothing about the load")


def _check_selected(one: Expectation, columns: tuple[str, ...], reason: str) -> None:
    missing = [column for column in columns if not re.search(rf"\b{column}\b", one.query or "")]
    if missing:
        raise ValueError(
            f"{one.check_id}: kwargs.{QUERY_KEY} {reason}, so it must select {', '.join(columns)}; "
            f"not found: {', '.join(missing)}"
        )


def _read(path: Path) -> Suite:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: no such suite; every source and every gated table needs one") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not JSON: {error}") from error
    return _validated(path, content)


def _validated(path: Path, content: object) -> Suite:
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(str(part) for part in one['loc']) or 'suite'}: {one['msg']}" for one in error.errors()
        ]
        raise ConfigurationError("\n".join(lines)) from error


def import_great_expectations() -> None:
    """Import Great Expectations, which takes about five seconds, at a moment when the process only waits."""
    importlib.import_module("great_expectations")
