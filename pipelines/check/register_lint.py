"""The rules of the commitment register put to its files: before anything is modelled, and while somebody writes it.

Which suites there are, what their queries may read besides the seed, and what a person is told belong here. The rules
are in ``expectations/register``; running one suite is ``gate``'s work.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.acquire.source_registry import load_sources, write_registry
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import DETAIL_ROWS, CheckResult, run_gate
from pipelines.check.gate_database import Engine, text_literal
from pipelines.check.load_gate import READABLE
from pipelines.check.register_files import RegisterFile, read_register
from pipelines.problems import Problem
from pipelines.run_inputs import LONDON

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date, datetime

    from pipelines.check.expectation_suites import Suite
    from pipelines.settings import Settings

READABLE_WHY = "A table that cannot be read as declared cannot be checked, and a guess would put words into a register."

_LISTS: Final = ("areas", "ages", "categories")
"""Seeds outside the register that its rows refer to."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What the rules said about one seed.

    Attributes:
        seed: Name of the seed.
        file: Its file, relative to the project.
        rows: Its rows; ``None`` when it is no table.
        results: One result per rule: ``readable`` first, then the rules of the suite in their order.
    """

    seed: str
    file: str
    rows: int | None
    results: tuple[CheckResult, ...]

    @property
    def refusals(self) -> tuple[CheckResult, ...]:
        """Results that stop a refresh: a broken critical rule, or any rule that could not be evaluated."""
        return tuple(one for one in self.results if one.outcome in ("blocked", "not_evaluated"))

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """Results that are published with the figures."""
        return tuple(one for one in self.results if one.outcome == "warned")

    def findings(self, results: tuple[CheckResult, ...]) -> Iterator[Problem]:
        """Yield what a person has to look at: file, line, column, value, rule, what is wrong and what to do.

        Args:
            results: Results of this report.

        Yields:
            One problem per listed row, at most twenty a rule; the rows beyond are one more problem, with their number.
        """
        for one in results:
            remedy = one.remedy or ""
            if not one.details:
                yield Problem(one.check_id, one.observed, remedy, file=self.file)
                continue
            for row in one.details:
                yield Problem(
                    one.check_id,
                    f"{str(row['detail']).rstrip('.')}.",
                    str(row.get("remedy") or remedy),
                    file=row["source_file"],
                    row=row["source_row_number"],
                    column=row["column_name"],
                    value=row["value"],
                )
            if (one.rows_failed or 0) > len(one.details):
                more = (one.rows_failed or 0) - len(one.details)
                yield Problem(one.check_id, f"{more:,} more rows break this rule.", remedy, file=self.file)


@dataclass(frozen=True, slots=True)
class RegisterReport:
    """What the rules said about the whole register.

    Attributes:
        seeds: One report per suite, sorted by name.
    """

    seeds: tuple[SeedReport, ...]

    @property
    def refused(self) -> bool:
        """Whether nothing may be modelled."""
        return any(seed.refusals for seed in self.seeds)

    @property
    def rows(self) -> int:
        """Rows of all seeds that could be read."""
        return sum(seed.rows or 0 for seed in self.seeds)


def register_suites(settings: Settings) -> dict[str, Path]:
    """Return the suites of the register.

    Args:
        settings: Folders.

    Returns:
        Name of the seed to its suite file, sorted by name; the name of the file is the name of the seed.
    """
    return {path.stem: path for path in sorted((settings.expectations / "register").glob("*.json"))}


def lint_register(
    settings: Settings,
    as_at: date,
    now: datetime,
    *,
    engine: Engine = "great_expectations",
    only: Collection[str] | None = None,
) -> RegisterReport:
    """Put every rule to the register.

    Args:
        settings: Folders.
        as_at: The day that the release speaks for.
        now: Time of the check; must carry a zone.
        engine: Who runs the rules. A refresh asks with Great Expectations, like every other gate; a person at the
            terminal with DuckDB alone, which needs no import of five seconds. A test holds the two to the same answers.
        only: Seeds whose rules are put; all by default. Every seed is read in any case, because they refer to one
            another.

    Returns:
        The report. When a seed is no table, no rule is put but ``readable``: most rules look into several seeds.

    Raises:
        ConfigurationError: A suite, the declared columns or a source declaration is wrong.
        ValueError: ``now`` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a time zone: the check log is in UTC")
    moment = now.astimezone(UTC).replace(tzinfo=None)
    suites = {seed: load_suite(path) for seed, path in register_suites(settings).items()}
    files = read_register(settings, tuple(suites))
    asked = [seed for seed in suites if only is None or seed in only]
    results: dict[str, tuple[CheckResult, ...]] = {seed: () for seed in suites}
    if not any(file.problems for file in files.values()):
        with tempfile.TemporaryDirectory(prefix="register_") as name:
            folder = Path(name)
            batches = {seed: file.write(folder) for seed, file in files.items()}
            references = _references(settings, batches, folder, as_at, now)
            for seed in asked:
                suite = suites[seed]
                report = run_gate(batches[seed], suite, _mentioned(suite, references), now=moment, engine=engine)
                results[seed] = report.results
    return RegisterReport(
        tuple(
            SeedReport(
                seed,
                files[seed].file,
                None if files[seed].problems else len(files[seed].rows),
                (_readable(files[seed], moment), *results[seed]),
            )
            for seed in asked
        )
    )


def _references(
    settings: Settings, batches: Mapping[str, Path], folder: Path, as_at: date, now: datetime
) -> dict[str, str]:
    """Return what the queries may read besides their seed: the other seeds, the areas, the declarations, two days."""
    sources = load_sources(settings.sources)
    write_registry(sources, folder / "registry")
    sets = sorted(
        {table.constants["set_id"] for one in sources.values() for table in one.tables if "set_id" in table.constants}
    )
    seeds = {f"known_{seed}": f"select * from read_parquet({text_literal(path)})" for seed, path in batches.items()}
    lists = {
        f"known_{seed}": (
            f"select * from read_csv({text_literal(settings.seeds / f'{seed}.csv')}, header=true, all_varchar=true)"
        )
        for seed in _LISTS
    }
    registry = {
        f"known_{name}": f"select * from read_parquet({text_literal(folder / 'registry' / f'{name}.parquet')})"
        for name in ("indicators", "sources")
    }
    return {
        **seeds,
        **lists,
        **registry,
        # Of several versions of a commitment, the one that counts last; every id once.
        "known_latest_commitments": (
            f"select * from read_parquet({text_literal(batches['commitments'])}) qualify row_number() over "
            "(partition by commitment_id order by valid_from desc, source_row_number desc) = 1"
        ),
        "known_neighbour_sets": (
            "select set_id from (values (null), "
            + ", ".join(f"({text_literal(one)})" for one in sets)
            + ") as t(set_id) where set_id is not null"
        ),
        "known_days": (
            f"select date {text_literal(as_at)} as as_at, date {text_literal(now.astimezone(LONDON).date())} as today"
        ),
    }


def _mentioned(suite: Suite, references: Mapping[str, str]) -> dict[str, str]:
    """Return the references that the suite's queries name: opening the others would be most of the time it takes."""
    queries = " ".join(one.query or "" for one in suite.expectations)
    return {name: select for name, select in references.items() if re.search(rf"\b{name}\b", queries)}


def _readable(file: RegisterFile, moment: datetime) -> CheckResult:
    refused = bool(file.problems)
    return CheckResult(
        check_id=READABLE,
        stage="register",
        expectation_type=READABLE,
        column_name=None,
        severity="critical",
        outcome="blocked" if refused else "passed",
        rows_evaluated=None if refused else len(file.rows),
        rows_failed=None if refused else 0,
        observed="; ".join(str(one) for one in file.problems)
        or f"{len(file.rows):,} rows of {len(file.columns)} columns",
        details=tuple(
            {
                "source_file": one.file,
                "source_row_number": one.row,
                "column_name": one.column,
                "value": one.value,
                "detail": one.message,
                "remedy": one.remedy,
            }
            for one in file.problems[:DETAIL_ROWS]
        ),
        why=READABLE_WHY,
        evaluated_at=moment,
    )
