"""Everything that happens to one source between landing and use: gate, split, decision, promotion, record.

The order of these steps belongs here, without any orchestrator. The rules are in ``expectations/``, the steps
themselves in the other modules of this folder.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl

from pipelines.acquire.landed_schema import LANDED, Provides
from pipelines.acquire.landing import read_load_record
from pipelines.check.check_log import LoadRow, LoadState, read_load, write_checks, write_load
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import CheckResult, not_evaluated, run_gate
from pipelines.check.gate_database import Engine, text_literal
from pipelines.check.load_decision import Decision, decide
from pipelines.check.quarantine import QUARANTINE, SplitCounts, count_split, split
from pipelines.problems import NOT_YET_RELEASED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.check.expectation_suites import Suite
    from pipelines.problems import Problem
    from pipelines.settings import Settings

READABLE = "readable"
READABLE_WHY = "A file that cannot be read as declared cannot be trusted in part, so nothing of it is used."


class _GateLimits(Protocol):
    @property
    def max_quarantined_share(self) -> float: ...


class GatedSource(Protocol):
    """What the gate needs to know of a source declaration."""

    @property
    def id(self) -> str:
        """Name of the source."""
        ...

    @property
    def provides(self) -> Provides:
        """Shape of its landed table."""
        ...

    @property
    def gate(self) -> _GateLimits:
        """Limits that are not expectations."""
        ...


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What became of a load.

    Attributes:
        load: The row written to the check log: state, reason, counts.
        results: What every rule said.
    """

    load: LoadRow
    results: tuple[CheckResult, ...]

    @property
    def accepted(self) -> bool:
        """Whether the load is now served."""
        return self.load.load_state == "accepted"


def check_load(
    source: GatedSource,
    landed: Path | None,
    problems: Sequence[Problem],
    settings: Settings,
    now: datetime,
    *,
    engine: Engine = "great_expectations",
    whole_load: bool = True,
) -> LoadOutcome:
    """Gate one load, promote it if it passes, and record what happened.

    The last good data are replaced only by an accepted load, in one step. A refused load leaves them as they are, byte
    for byte; the rows its warning rules found are still written to the quarantine, because they are what a person has
    to look at. When nothing could be read, the quarantine of the load before stays. When the run looks back to a day on
    which the source had no release, the last good data are younger than that day and are taken away. After this call
    the accepted file, the quarantine file and both logs exist, if need be without rows.

    Args:
        source: The declaration.
        landed: Parquet as parsed, or ``None`` when reading was refused.
        problems: Why reading was refused.
        settings: Folders.
        now: Time of the check; must carry a zone.
        engine: Who runs the rules.
        whole_load: Whether this is everything that the source has. If not, the rules about a whole load are not asked,
            and nothing is promoted or set aside: only the outcome is of interest.

    Returns:
        The outcome, as recorded.

    Raises:
        ConfigurationError: The source's suite is missing or wrong.
        OutcomesError: The landed file holds no load record, so nobody knows which bytes it comes from.
        ValueError: ``now`` has no zone, or nothing landed and no problem says why.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a time zone: the check log is in UTC")
    if landed is None and not problems:
        raise ValueError(f"{source.id}: nothing landed and no problem given")
    moment = now.astimezone(UTC).replace(tzinfo=None)
    for folder in (settings.accepted, settings.quarantine, settings.check_log):
        folder.mkdir(parents=True, exist_ok=True)
    if any(problem.rule == NOT_YET_RELEASED for problem in problems):
        # The last good data are younger than the day that the run speaks for.
        _accepted(source, settings).unlink(missing_ok=True)
    _ensure_files(source, settings)
    if landed is None:
        suite = load_suite(settings.expectations / "landed" / f"{source.id}.json")
        return _record(source, settings, moment, _Verdict.of_problems(problems, moment, suite))
    with tempfile.TemporaryDirectory(prefix=".gate_", dir=settings.warehouse) as folder:
        verdict = _gate(source, landed, settings, moment, Path(folder), engine=engine, whole_load=whole_load)
        if whole_load and verdict.decision.accepted:
            (Path(folder) / "accepted.parquet").replace(_accepted(source, settings))
        if whole_load and verdict.split is not None:
            (Path(folder) / "quarantine.parquet").replace(_quarantine(source, settings))
    return _record(source, settings, moment, verdict)


@dataclass(frozen=True, slots=True)
class _Verdict:
    decision: Decision
    results: tuple[CheckResult, ...]
    split: SplitCounts | None
    load_id: str | None = None
    releases: str = ""
    files: int = 0

    @classmethod
    def of_problems(cls, problems: Sequence[Problem], moment: datetime, suite: Suite) -> _Verdict:
        """Return the refusal of a load that could not be read."""
        observed = "; ".join(str(problem) for problem in problems)
        result = CheckResult(
            check_id=READABLE,
            stage="landed",
            expectation_type=READABLE,
            column_name=None,
            severity="critical",
            outcome="blocked",
            rows_evaluated=None,
            rows_failed=None,
            observed=observed,
            details=tuple(_described(problem) for problem in problems[:20]),
            why=READABLE_WHY,
            evaluated_at=moment,
        )
        none_yet = any(problem.rule == NOT_YET_RELEASED for problem in problems)
        why_not = "no release was at hand on that day" if none_yet else "the load could not be read"
        unasked = not_evaluated(suite, why_not, moment)
        return cls(Decision(False, f"{READABLE}: {observed}"), (result, *unasked), None)


def _gate(
    source: GatedSource,
    landed: Path,
    settings: Settings,
    moment: datetime,
    folder: Path,
    *,
    engine: Engine,
    whole_load: bool,
) -> _Verdict:
    suite = load_suite(settings.expectations / "landed" / f"{source.id}.json")
    if not whole_load:
        kept = tuple(one for one in suite.expectations if not one.of_whole_load)
        suite = suite.model_copy(update={"expectations": kept})
    report = run_gate(
        landed,
        suite,
        gate_references(source, settings),
        now=moment,
        failing_rows=folder / "failing_rows.parquet",
        engine=engine,
    )
    if report.rows is None:
        return _Verdict(decide(report, 0, 0, 0), (_unopened(report.results[0]), *report.results), None)
    if whole_load:
        aside = folder / "quarantine.parquet"
        counts = split(landed, report, folder / "accepted.parquet", aside, _quarantine(source, settings))
    else:
        counts = count_split(landed, report)
    decision = decide(report, counts.landed, counts.quarantined, source.gate.max_quarantined_share)
    record = read_load_record(landed)
    results = (_readable(counts.landed, len(record.files), moment), *report.results)
    return _Verdict(decision, results, counts, record.load_id, ", ".join(record.releases), len(record.files))


def _readable(rows: int, files: int, moment: datetime) -> CheckResult:
    return CheckResult(
        check_id=READABLE,
        stage="landed",
        expectation_type=READABLE,
        column_name=None,
        severity="critical",
        outcome="passed",
        rows_evaluated=rows,
        rows_failed=0,
        observed=f"{rows:,} rows of {files:,} {'file' if files == 1 else 'files'} read as declared",
        details=(),
        why=READABLE_WHY,
        evaluated_at=moment,
    )


def _unopened(first: CheckResult) -> CheckResult:
    """Return ``readable`` for a landed file that the gate could not open; ``first`` is any of its other results."""
    blocked = _readable(0, 0, first.evaluated_at)
    return replace(blocked, outcome="blocked", rows_evaluated=None, rows_failed=None, observed=first.observed)


SEED_REFERENCES: Final = {
    "known_area": "areas",
    "known_area_type": "area_types",
    "known_age": "ages",
    "known_category": "categories",
    "known_succession": "area_successions",
    "known_correction": "corrections",
}
"""View of a landed suite to the seed that it shows, every column as text."""


def gate_references(source: GatedSource, settings: Settings) -> dict[str, str]:
    """Return what the queries of a landed suite may read besides the load.

    Args:
        source: The source.
        settings: Folders: the seeds, the registry, and the accepted data of the source.

    Returns:
        Name of the view to its ``select``.
    """
    indicators = text_literal(settings.registry / "indicators.parquet")
    seeds = {view: text_literal(settings.seeds / f"{seed}.csv") for view, seed in SEED_REFERENCES.items()}
    return {
        **{view: f"select * from read_csv({file}, header=true, all_varchar=true)" for view, file in seeds.items()},
        "known_indicator": f"select id as indicator_id, * exclude (id) from read_parquet({indicators})",
        "last_accepted": f"select * from read_parquet({text_literal(_accepted(source, settings))})",
    }


def _record(source: GatedSource, settings: Settings, moment: datetime, verdict: _Verdict) -> LoadOutcome:
    accepted = verdict.decision.accepted
    state: LoadState = "accepted" if accepted else "refused"
    before = read_load(settings.check_log, source.id)
    served_rows = int(pl.scan_parquet(_accepted(source, settings)).select(pl.len()).collect().item())
    counts = verdict.split or SplitCounts(0, 0, 0)
    row = LoadRow(
        source_id=source.id,
        load_id=verdict.load_id,
        load_state=state,
        is_stale=int(not accepted and served_rows > 0),
        reason=verdict.decision.reason,
        source_releases=verdict.releases,
        files=verdict.files,
        landed_rows=counts.landed,
        quarantined_rows=counts.quarantined,
        refused_rows=0 if accepted else counts.accepted,
        staged_rows=counts.accepted if accepted else 0,
        served_rows=served_rows,
        served_load_id=None,
        checked_at=moment,
        served_since=None,
    )
    row = _with_service(row, before)
    write_checks(settings.check_log, source.id, verdict.results)
    write_load(settings.check_log, row)
    return LoadOutcome(row, verdict.results)


def _with_service(row: LoadRow, before: LoadRow | None) -> LoadRow:
    """Say which load is served and since when; a load checked again keeps the time at which it was first accepted."""
    if row.load_state == "accepted":
        again = before is not None and before.served_load_id == row.load_id
        since = before.served_since if before is not None and again else row.checked_at
        return replace(row, served_load_id=row.load_id, served_since=since)
    if before is None or row.served_rows == 0:
        return row
    return replace(row, served_load_id=before.served_load_id, served_since=before.served_since)


def _ensure_files(source: GatedSource, settings: Settings) -> None:
    """Give the model stage something to read even when no load was ever accepted, or the file was damaged."""
    for path, schema in (
        (_accepted(source, settings), LANDED[source.provides]),
        (_quarantine(source, settings), QUARANTINE),
    ):
        if not _is_parquet(path):
            if path.exists():
                path.replace(path.with_name(f"{path.name}.damaged"))
            partial = path.with_name(f".{path.name}.partial")
            pl.DataFrame(schema=schema).write_parquet(partial)
            partial.replace(path)


def _is_parquet(path: Path) -> bool:
    try:
        pl.read_parquet_schema(path)
    except (OSError, pl.exceptions.PolarsError):
        return False
    return True


def _described(problem: Problem) -> dict[str, Any]:
    names = ("rule", "message", "remedy", "file", "row", "column", "value")
    return {name: getattr(problem, name) for name in names if getattr(problem, name) is not None}


def _accepted(source: GatedSource, settings: Settings) -> Path:
    return settings.accepted / f"{source.id}.parquet"


def _quarantine(source: GatedSource, settings: Settings) -> Path:
    return settings.quarantine / f"{source.id}.parquet"
