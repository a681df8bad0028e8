"""Whether an answer of the Fingertips service is what was asked for, and what it says.

Judging and reading the bytes of one answer belongs here. Getting them, and keeping them, does not: everything here is a
function of its arguments. What the figures mean is the gate's business.

It is strict, because the service answers a wrong question with an empty table, and a machine in between answers any
question with a page of its own.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pipelines.acquire.fingertips_wanted import PARENT_AREA_TYPE_ID, Question
from pipelines.acquire.raw_snapshots import tables_for
from pipelines.acquire.readers.fingertips_csv import PARENT_COMPARISON_HEADER, same_header
from pipelines.acquire.source_registry import Source
from pipelines.problems import ConfigurationError, OutcomesError, Problem

_TABLE_TYPES: Final = frozenset(
    {"text/csv", "application/csv", "text/plain", "application/octet-stream", "application/vnd.ms-excel", ""}
)
_JSON_TYPES: Final = frozenset({"application/json", "text/json", ""})
_FIRST_BYTES: Final = 80
_ENGLAND: Final = "E92000001"
_AGAIN: Final = "Run outcomes refresh --live again later; if it stays so, open the address in a browser."


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service sent back.

    Attributes:
        url: What was asked.
        status: HTTP status.
        content_type: Media type in lower case, without parameters; empty if none was stated.
        body: The bytes as received.
        location: Where a redirect points, if it is one.
        broken: Why the body ended before the length or the last chunk that was announced, if it did.
    """

    url: str
    status: int
    content_type: str
    body: bytes = field(repr=False)
    location: str | None = None
    broken: str | None = None


class AnswerRefused(OutcomesError):  # noqa: N818 - the word the project uses for input that is turned away
    """An answer that is not data.

    Args:
        problem: What is wrong with it, with address, status and first bytes.
        outage: Whether the service as a whole is in trouble, so that further questions would only add to it.
    """

    def __init__(self, problem: Problem, *, outage: bool = False) -> None:
        """Keep the problem; it is also the message."""
        self.problem = problem
        self.outage = outage
        super().__init__(str(problem))


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What a table of values that passed says about itself.

    Attributes:
        rows: Records after the header, blank ones included.
        first_period: Sort key and label of its earliest period; ``None`` if no record has both.
        last_period: The same of its latest.
    """

    rows: int
    first_period: tuple[int, str] | None
    last_period: tuple[int, str] | None


def read_table(answer: Answer, question: Question, source: Source) -> TableFacts:
    """Check that an answer is a complete table of what was asked for.

    Args:
        answer: The answer to ``all_data/csv/by_indicator_id``.
        question: What was asked.
        source: The declaration whose header the table has to have.

    Returns:
        What it says about itself.

    Raises:
        AnswerRefused: It is no table, ends early, has a header that nobody has declared, or lacks an indicator.
        ConfigurationError: The declaration does not have exactly one table for it.
    """
    _require_complete(answer, _TABLE_TYPES, "csv")
    records = _records(answer)
    header = next(records, list[str]())
    columns = _bind(answer, header, source, question.file_name)
    found: dict[str, int] = {}
    periods: set[tuple[int, str]] = set()
    rows = 0
    last: list[str] = header
    for record in records:
        rows += 1
        if not any(record):
            continue
        last = record
        if len(record) < len(header):
            continue
        area, indicator = record[columns["area_code"]], record[columns["indicator_id"]].strip()
        beyond_england = question.area_type_id == PARENT_AREA_TYPE_ID or area != _ENGLAND
        found[indicator] = found.get(indicator, 0) + beyond_england
        key, label = record[columns["period_sortable"]].strip(), record[columns["period_label"]].strip()
        if key.isdecimal() and label:
            periods.add((int(key), label))
    if last is header:
        raise refusal(answer, "header_only", "a header and no record")
    if len(last) < len(header):
        raise refusal(
            answer, "truncated_answer", f"the last record has {len(last)} of {len(header)} cells: the table is cut off"
        )
    _require_indicators(answer, question, found)
    return TableFacts(rows, min(periods, default=None), max(periods, default=None))


def read_upload_stamps(answer: Answer, asked: Iterable[int]) -> dict[int, str | None]:
    """Read when the data of each indicator were last uploaded.

    Args:
        answer: The answer to ``indicator_metadata/by_indicator_id``.
        asked: Indicator ids that were asked for.

    Returns:
        Indicator id to the stamp as published; ``None`` where the metadata state none.

    Raises:
        AnswerRefused: It is not metadata, or an indicator is not in it.
    """
    content = _object(answer)
    stamps: dict[int, str | None] = {}
    missing: list[int] = []
    for indicator in asked:
        one: object = content.get(str(indicator))
        if isinstance(one, dict):
            change: object = cast("dict[str, Any]", one).get("DataChange")
            stamps[indicator] = _stamp(cast("dict[str, Any]", change)) if isinstance(change, dict) else None
        else:
            missing.append(indicator)
    if missing:
        raise _missing(answer, missing)
    return stamps


def read_data_change(answer: Answer) -> str | None:
    """Read when the data of one indicator were last uploaded.

    Args:
        answer: The answer to ``data_changes``.

    Returns:
        The stamp as published, or ``None`` if there is none.

    Raises:
        AnswerRefused: It is no such statement.
    """
    return _stamp(_object(answer))


def read_published_levels(answer: Answer, indicator: int) -> frozenset[int]:
    """Read at which area types an indicator is published.

    Args:
        answer: The answer to ``available_data``.
        indicator: The indicator that was asked for.

    Returns:
        Area type ids.

    Raises:
        AnswerRefused: It is no such list, or the indicator is published nowhere.
    """
    content = _json(answer)
    if not isinstance(content, list):
        raise refusal(answer, "unexpected_json", "JSON that is no list of area types")
    levels: set[int] = set()
    for row in cast("list[object]", content):
        pair = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
        level = pair.get("AreaTypeId")
        if not isinstance(level, int):
            raise refusal(answer, "unexpected_json", "a list in which an item has no AreaTypeId")
        if pair.get("IndicatorId") == indicator:
            levels.add(level)
    if not levels:
        raise _missing(answer, [indicator])
    return frozenset(levels)


def refusal(answer: Answer, rule: str, what: str, remedy: str = _AGAIN, *, outage: bool = False) -> AnswerRefused:
    """Describe an answer that is refused.

    Args:
        answer: The answer.
        rule: Name of the rule that it broke.
        what: What it is instead, as the end of a sentence.
        remedy: What to do about it.
        outage: Whether further questions would be in vain.

    Returns:
        The error to raise, with address, status, number of bytes and the first of them.
    """
    first = answer.body[:_FIRST_BYTES].decode("utf-8", "backslashreplace")
    message = f"{answer.url} answered {answer.status} with {len(answer.body)} bytes: {what}."
    return AnswerRefused(Problem(rule, message, remedy, value=first), outage=outage)


def _require_complete(answer: Answer, types: frozenset[str], kind: str) -> None:
    """Refuse what is no complete answer of the expected kind, the plainest cause first."""
    if answer.location is not None or 300 <= answer.status < 400:
        raise refusal(
            answer,
            "redirected",
            f"it points to {answer.location or 'nowhere'} instead of answering",
            "Find out whether the service has moved. A redirect is never followed: it may lead to anybody's page.",
        )
    if answer.status != 200:
        outage = answer.status == 429 or answer.status >= 500
        raise refusal(answer, "http_status", "that is an error, not data", outage=outage)
    start = answer.body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if answer.broken is not None:
        raise refusal(answer, "truncated_answer", f"the connection ended early ({answer.broken})")
    if not start:
        raise refusal(answer, "empty_answer", "nothing")
    if start.startswith(b"<") or answer.content_type == "text/html":
        raise refusal(
            answer,
            f"html_instead_of_{kind}",
            "a web page or XML",
            "Open the address in a browser: a proxy's sign-in page or a notice of maintenance is likely.",
        )
    if kind == "csv" and start.startswith((b"{", b"[")):
        raise refusal(answer, "json_instead_of_csv", "JSON, which is how the service says that it cannot answer")
    if answer.content_type not in types:
        raise refusal(answer, "wrong_content_type", f"the content type is {answer.content_type!r}")


def _records(answer: Answer) -> Iterator[list[str]]:
    stream = io.TextIOWrapper(io.BytesIO(answer.body), encoding="utf-8-sig", newline="")
    reader = csv.reader(stream, strict=True)
    while True:
        try:
            record = next(reader, None)
        except UnicodeDecodeError as error:
            raise refusal(answer, "undecodable_bytes", f"not UTF-8 near record {reader.line_num}") from error
        except csv.Error as error:
            ends_inside = "unexpected end of data" in str(error)
            rule, what = (
                ("truncated_answer", "it ends inside a quoted cell: the table is cut off")
                if ends_inside
                else ("malformed_csv", f"the quoting near line {reader.line_num} cannot be followed ({error})")
            )
            raise refusal(answer, rule, what) from error
        if record is None:
            return
        yield record


def _bind(answer: Answer, header: list[str], source: Source, file: str) -> dict[str, int]:
    """Return landed column to position, for a header in which every name is declared and no required one is missing."""
    tables = tables_for(file, source)
    if len(tables) != 1:
        raise ConfigurationError(f"{source.id}.yml needs one table that takes live extracts, such as {file}.")
    (table,) = tables
    declared = {same_header(name): landed for name, landed in source.columns_of(table).items()}
    columns: dict[str, int] = {}
    unknown: list[str] = []
    for position, name in enumerate(header):
        plain = same_header(name)
        landed = declared.get(plain) or ("" if PARENT_COMPARISON_HEADER.fullmatch(plain) else None)
        if landed is None or landed in columns:
            unknown.append(name)
        else:
            columns[landed] = position
    absent = sorted(set(declared.values()) - source.optional_of(table) - columns.keys())
    if unknown or absent:
        faults = [
            f"{what} {', '.join(repr(name) for name in names)}"
            for what, names in (("unknown or repeated", unknown[:5]), ("missing", absent[:5]))
            if names
        ]
        raise refusal(
            answer,
            "unknown_header",
            f"a header that has not been seen before: {'; '.join(faults)}",
            f"Look at the columns; if the publisher has changed them, declare them in {source.id}.yml.",
        )
    return columns


def _require_indicators(answer: Answer, question: Question, found: dict[str, int]) -> None:
    asked = {str(indicator) for indicator in question.indicators}
    if missing := sorted(int(one) for one in asked if not found.get(one)):
        raise _missing(answer, missing)
    if unasked := sorted(found.keys() - asked):
        names = ", ".join(repr(one) for one in unasked[:5])
        raise refusal(answer, "unasked_indicator", f"it holds rows of {names}, which nobody asked for")


def _missing(answer: Answer, indicators: Iterable[int]) -> AnswerRefused:
    names = ", ".join(str(indicator) for indicator in indicators)
    return refusal(
        answer,
        "missing_indicator",
        f"nothing about indicator {names}, which was asked for",
        "Look the indicator up on the site; if it was withdrawn, take it out of commitment_indicators.csv.",
    )


def _json(answer: Answer) -> object:
    _require_complete(answer, _JSON_TYPES, "json")
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise refusal(answer, "unexpected_json", f"JSON that cannot be read ({error})") from error


def _object(answer: Answer) -> dict[str, Any]:
    content = _json(answer)
    if not isinstance(content, dict) or "Message" in content:
        raise refusal(answer, "unexpected_json", "JSON that does not say what was asked")
    return cast("dict[str, Any]", content)


def _stamp(change: dict[str, Any]) -> str | None:
    stamp: object = change.get("LastUploadedAt")
    return stamp if isinstance(stamp, str) and stamp else None
