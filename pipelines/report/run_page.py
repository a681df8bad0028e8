"""One page a run that a person reads in a browser, offline, years later; and the list of them.

Turning what ``run_results`` gathered into words and HTML, writing it in one step, and keeping the last pages belong
here. A page asks for nothing but itself: no script, no picture, no font. Nothing of it is part of a release, so that it
may say how long things took.
"""

from __future__ import annotations

import functools
import json
import os
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import jinja2
import polars as pl

from pipelines.check.intended_checks import STAGES
from pipelines.dates_in_words import in_words
from pipelines.problems import ConfigurationError, OutcomesError
from pipelines.publish.check_rows import COLUMNS, without_zone
from pipelines.report.run_results import RunRecord, RunResults, failing_rows, gather
from pipelines.run_inputs import read_inputs, read_last_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipelines.check.intended_checks import IntendedCheck
    from pipelines.publish.check_rows import CheckRow
    from pipelines.refresh_progress import StageTime
    from pipelines.report.run_results import FailingRow
    from pipelines.settings import Settings

__all__ = ["RUNS_KEPT", "RunRecord", "run_id_of", "run_record", "write_run_page"]

RUNS_KEPT: Final = 60
INDEX: Final = "index.html"
CHECKS_SUFFIX: Final = ".checks.parquet"
PAGE_SUFFIX: Final = ".html"

LONGEST_CELL: Final = 160
"""Characters of a value of a failing row that are shown; of the rest, the page says how many there are."""
LONGEST_TEXT: Final = 1_000
"""The same for a sentence."""
LONGEST_NOTES: Final = 100_000
"""The same for the notes of a release, and for one reason of a failure."""

OUTCOMES: Final = ("passed", "warned", "quarantined", "blocked", "not_evaluated")
_FAILED: Final = ("blocked", "quarantined", "warned")
"""Outcomes that a person has to look at, the worst first."""

SYMBOLS: Final = {
    "passed": "\N{CHECK MARK}",
    "warned": "!",
    "quarantined": "\N{CIRCLED DIVISION SLASH}",
    "blocked": "\N{MULTIPLICATION X}",
    "not_evaluated": "?",
    "accepted": "\N{CHECK MARK}",
    "refused": "\N{MULTIPLICATION X}",
    "not_checked": "?",
    "published": "\N{CHECK MARK}",
    "not_published": "\N{MULTIPLICATION X}",
}
"""A status is told by its word and its symbol; the colour only helps."""

STAGE_TITLES: Final = {
    "register": "The commitment register",
    "landed": "Landed sources",
    "model": "The model",
    "published": "The finished tables and the file",
}
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_METADATA: Final = "outcomes_run"


@dataclass(frozen=True, slots=True)
class _Listed:
    """One run in the list of runs."""

    run_id: str
    started_at: str
    outcome: str
    release_id: str
    as_at: str
    seconds: float
    counts: Mapping[str, int]
    failure: str


def run_id_of(started_at: datetime, input_fingerprint: str | None = None) -> str:
    """Return the name of a run that sorts by time, made like that of a release.

    Args:
        started_at: When it began; must carry a zone.
        input_fingerprint: Fingerprint of what went in; ``None`` for a run that died before there was one.
    """
    return f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{(input_fingerprint or 'unknown')[:8]}"


def run_record(
    settings: Settings,
    began: datetime,
    seconds: float,
    failures: Sequence[str],
    *,
    stages: Sequence[StageTime] = (),
    previous_release_id: str | None = None,
    release_notes: str | None = None,
    trigger: str | None = None,
) -> RunRecord:
    """Put together what is known of a run that has just ended.

    Args:
        settings: Folders.
        began: When it was started, with a zone; what an earlier run left about its inputs is not taken for this one's.
        seconds: How long it took.
        failures: Why nothing was published; empty when something was.
        stages: How long everything took.
        previous_release_id: Release that was served when it began.
        release_notes: What changed, as text.
        trigger: What started it.

    Returns:
        The record; of a run that died before its inputs were fixed, without them.
    """
    try:
        inputs = read_inputs(settings.run_inputs_file)
    except (OutcomesError, KeyError, ValueError):
        inputs = None
    if inputs is not None and inputs.started_at < began:
        inputs = None
    last = None if failures else read_last_run(settings.state_file)
    started_at = began if inputs is None else inputs.started_at
    fingerprint = None if inputs is None else inputs.fingerprint
    return RunRecord(
        run_id=run_id_of(started_at, fingerprint),
        outcome="not_published" if failures else "published",
        started_at=started_at,
        seconds=seconds,
        as_at=None if inputs is None else inputs.as_at,
        release_id=None if last is None else last.release_id,
        previous_release_id=previous_release_id,
        code_version=None if inputs is None else inputs.code_version,
        input_fingerprint=fingerprint,
        failures=tuple(failures),
        stages=tuple(stages),
        release_notes=release_notes,
        trigger=trigger,
    )


def write_run_page(
    settings: Settings, record: RunRecord, *, others: Sequence[IntendedCheck] = (), runs_kept: int = RUNS_KEPT
) -> Path:
    """Write the page of a run, its checks as a table, and the list of runs; and take away the oldest pages.

    Args:
        settings: Folders; the pages are in ``runs``.
        record: The run, however it ended.
        others: Checks of gates that have no suite.
        runs_kept: How many runs keep their page, this one included.

    Returns:
        The page, ``<run id>.html``; beside it is ``<run id>.checks.parquet``.

    Raises:
        ConfigurationError: The name of the run cannot be the name of a file, or ``runs_kept`` is below one.
        OSError: The folder cannot be written to.
    """
    if not _RUN_ID.fullmatch(record.run_id) or record.run_id == Path(INDEX).stem:
        raise ConfigurationError(f"{record.run_id!r} cannot be the name of a page.")
    if runs_kept < 1:
        raise ConfigurationError("At least one run keeps its page.")
    if record.started_at.tzinfo is None:
        raise ConfigurationError("started_at needs a time zone: the page is in UTC.")
    results = gather(settings, record, others)
    settings.runs.mkdir(parents=True, exist_ok=True)
    table = settings.runs / f"{record.run_id}{CHECKS_SUFFIX}"
    _write_checks(table, record, results)
    page = settings.runs / f"{record.run_id}{PAGE_SUFFIX}"
    _replace(page, render_run(record, results).encode())
    listed = _listed_runs(settings.runs)
    for old in listed[runs_kept:]:
        for suffix in (PAGE_SUFFIX, CHECKS_SUFFIX):
            (settings.runs / f"{old.run_id}{suffix}").unlink(missing_ok=True)
    _replace(
        settings.runs / INDEX, _environment().get_template("runs.html.j2").render(runs=listed[:runs_kept]).encode()
    )
    return page


def render_run(record: RunRecord, results: RunResults) -> str:
    """Return the page of a run.

    Args:
        record: The run.
        results: What it left behind.

    Returns:
        HTML that refers to nothing outside itself but the list of runs beside it.
    """
    checks = results.checks
    failed = sorted(
        (row for row in checks if row["outcome"] in _FAILED),
        key=lambda row: (_FAILED.index(row["outcome"]), row["is_carried_over"]),
    )
    return (
        _environment()
        .get_template("run.html.j2")
        .render(
            record=record,
            headline=_headline(record, checks),
            ended_at=record.started_at + timedelta(seconds=record.seconds),
            sources=results.sources,
            remarks=results.remarks,
            unintended=results.unintended,
            counts=_counts(checks),
            totals=Counter(row["outcome"] for row in checks),
            failed=[(row, failing_rows(row)) for row in failed],
            unevaluated=[row for row in checks if row["outcome"] == "not_evaluated"],
            by_stage=[(stage, [row for row in checks if row["stage"] == stage]) for stage in STAGES],
        )
    )


def shown(value: object, longest: int = LONGEST_TEXT) -> str:
    """Return a value as it may stand on a page: cut when it is very long, and with nothing in it that hides.

    Args:
        value: Anything; ``None`` is nothing.
        longest: Characters to show.

    Returns:
        The text. Control characters, and those that turn the direction of writing, are shown as their code.
    """
    text = "" if value is None else str(value)
    cut = "".join(one if one in "\n\t" or _is_plain(one) else f"\\u{ord(one):04x}" for one in text[:longest])
    return cut if len(text) <= longest else f"{cut}… (cut; {len(text):,} characters)"


def _is_plain(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def _headline(record: RunRecord, checks: Iterable[CheckRow]) -> str:
    if record.outcome == "published":
        return "published"
    blocked = any(
        row["outcome"] == "blocked" and row["stage"] != "landed" and not row["is_carried_over"] for row in checks
    )
    return "not published, held back by a check" if blocked else "not published, the run failed"


def _counts(checks: Sequence[CheckRow]) -> list[tuple[str, str, Counter[str]]]:
    """Return stage, subject and how many checks had which outcome, in the order of the stages."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in checks:
        found.setdefault((row["stage"], row["subject_name"]), Counter())[row["outcome"]] += 1
    per_stage: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}
    for (stage, _), counter in found.items():
        per_stage[stage] += counter
    # Tables of the model are many and mostly pass: one line a stage, and one for each subject with a finding.
    return [
        line
        for stage in STAGES
        for line in (
            (stage, "", per_stage[stage]),
            *(
                (stage, subject, counter)
                for (of, subject), counter in sorted(found.items())
                if of == stage and set(counter) - {"passed"}
            ),
        )
    ]


def _write_checks(path: Path, record: RunRecord, results: RunResults) -> None:
    facts = {
        "run_id": record.run_id,
        "started_at": without_zone(record.started_at).isoformat(),
        "outcome": record.outcome,
        "release_id": record.release_id or "",
        "as_at": "" if record.as_at is None else record.as_at.isoformat(),
        "seconds": record.seconds,
        "counts": Counter(row["outcome"] for row in results.checks),
        "failure": shown(record.failures[0] if record.failures else "", LONGEST_TEXT),
    }
    part = path.with_name(f".{path.name}.part")
    rows = [{name: row[name] for name in COLUMNS} for row in results.checks]
    table = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table.write_parquet(part, metadata={_METADATA: json.dumps(facts, ensure_ascii=True)})
    os.replace(part, path)  # noqa: PTH105 - the atomic step, named as the standard library names it


def _listed_runs(folder: Path) -> list[_Listed]:
    """Return the runs that have a page, the newest first; of one whose table is damaged or gone, its name alone."""
    found: list[_Listed] = []
    for page in folder.glob(f"*{PAGE_SUFFIX}"):
        run_id = page.name.removesuffix(PAGE_SUFFIX)
        if page.name == INDEX or not _RUN_ID.fullmatch(run_id):
            continue
        try:
            metadata = pl.read_parquet_metadata(folder / f"{run_id}{CHECKS_SUFFIX}")
            facts: dict[str, Any] = json.loads(metadata[_METADATA])
            facts["run_id"] = run_id
            found.append(_Listed(**facts))
        except (OSError, pl.exceptions.PolarsError, KeyError, TypeError, ValueError):
            written = datetime.fromtimestamp(page.stat().st_mtime, UTC).replace(tzinfo=None)
            found.append(_Listed(run_id, written.isoformat(), "", "", "", 0.0, {}, ""))
    return sorted(found, key=lambda one: (one.started_at, one.run_id), reverse=True)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)  # noqa: PTH105 - the atomic step, named as the standard library names it


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        shown=shown,
        cell=functools.partial(shown, longest=LONGEST_CELL),
        notes=functools.partial(shown, longest=LONGEST_NOTES),
        number=_number,
        words=_words,
        moment=_moment,
        day=_day,
        duration=_duration,
    )
    names: dict[str, Any] = {
        "SYMBOLS": SYMBOLS,
        "OUTCOMES": OUTCOMES,
        "STAGE_TITLES": STAGE_TITLES,
        "columns_of": _columns_of,
        "style": _style,
    }
    environment.globals.update(names)
    return environment


def _style() -> str:
    """Return the style sheet; it holds no ``<``, so that it may stand in the page as it is."""
    return Path(__file__).with_name("templates").joinpath("runs.css").read_text(encoding="utf-8")


def _columns_of(rows: Sequence[FailingRow]) -> list[tuple[Literal["file", "row", "column", "value", "detail"], str]]:
    """Return the columns of a table of failing rows that have something in them, with their headings."""
    headings: list[tuple[Any, str]] = [
        ("file", "File"),
        ("row", "Row"),
        ("column", "Column"),
        ("value", "Value"),
        ("detail", "What is wrong"),
    ]
    return [(name, heading) for name, heading in headings if any(getattr(row, name) for row in rows)]


def _number(value: int | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:,}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _moment(value: datetime | str | None) -> str:
    if not value:
        return "\N{EN DASH}"
    moment = without_zone(datetime.fromisoformat(value) if isinstance(value, str) else value)
    return f"{in_words(moment)}, {moment:%H:%M} UTC"


def _day(value: date | str | None) -> str:
    if not value:
        return "\N{EN DASH}"
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{in_words(day)}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "did not end"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
