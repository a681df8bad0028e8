"""The gate that holds a new release against the one that is served: a large change that nobody explains blocks it.

Reading the counts of the model, deciding, and the words for it belong here. What counts as changed, and as explained by
a passport, is the model's (``int_source_changes__counted``); who may let a change through is in ``approvals``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl

from pipelines.acquire.source_registry import Gate
from pipelines.check.approvals import PendingChange, forget_pending, write_pending
from pipelines.check.gate import DETAIL_ROWS, SPOKEN_ROWS, CheckResult
from pipelines.check.intended_checks import COMPARISON, IntendedCheck
from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipelines.settings import Settings

MART: Final = "release_note"
"""The mart that the gate is attached to: what it says is about the notes of the release."""

_LIMITS: Final = (
    "max_changed_share",
    "max_lost_share",
    "max_lost_areas_share",
    "max_status_share",
    "min_values",
    "min_statuses",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may not change much without an explanation.

    Attributes:
        check_id: Name.
        part: Count of what changed, as in :class:`SourceChange`.
        whole: Count that it is a share of.
        limit: Share that blocks, as in :class:`~pipelines.acquire.source_registry.Gate`.
        floor: Number from which on it blocks, as in ``Gate``.
        counted: Count that the floor applies to.
        words: What is counted, after "n of m".
        why: Why the rule is there.
    """

    check_id: str
    part: str
    whole: str
    limit: str
    floor: str
    counted: str
    words: str
    why: str


RULES: Final = (
    Rule(
        "values_changed",
        "values_beyond",
        "values_compared",
        "max_changed_share",
        "min_values",
        "values_beyond",
        "values that both releases have changed by more than 5%",
        "A publisher seldom rewrites its past; a wrong unit, column or multiplier does, and looks like news.",
    ),
    Rule(
        "values_lost",
        "values_lost",
        "values_before",
        "max_lost_share",
        "min_values",
        "values_lost",
        "values of the release before are gone",
        "A file that was cut short, or read in part, looks like a publisher who withdrew its figures.",
    ),
    Rule(
        "areas_lost",
        "areas_lost",
        "areas_before",
        "max_lost_areas_share",
        "min_values",
        "values_lost",
        "areas have no value left",
        "A place that falls out of a file falls off the scorecard, and nobody at that place is told.",
    ),
    Rule(
        "statuses_changed",
        "statuses_changed",
        "statuses_before",
        "max_status_share",
        "min_statuses",
        "statuses_changed",
        "judged commitments have another status for another reason than new data",
        "A status that turns without new data turned on a revision, a register entry or a rule: a person checks that.",
    ),
)


@dataclass(frozen=True, slots=True)
class SourceChange:
    """How much of a source changed without an explanation; the columns of ``int_source_changes__counted``.

    Attributes:
        source_id: The source, or ``register`` for commitments that none measures.
        change_id: Name of exactly this change; None when nothing changed.
        previous_release_id: Release that it was seen against.
        values_before: Values of that release.
        values_compared: Of these, the ones that are there still.
        values_beyond: Of these, the ones that changed by more than 5 %.
        values_lost: Values that are gone.
        areas_before: Areas with a value.
        areas_lost: Of these, the ones without any value now.
        area_lost: Name of one of them.
        statuses_before: Judged lines of the scorecard.
        statuses_changed: Of these, the ones with another status, for another cause than new data or a deadline.
        approved_by: Who approved exactly this change, if anybody did.
    """

    source_id: str
    change_id: str | None
    previous_release_id: str
    values_before: int
    values_compared: int
    values_beyond: int
    values_lost: int
    areas_before: int
    areas_lost: int
    area_lost: str | None
    statuses_before: int
    statuses_changed: int
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that one source breaks.

    Attributes:
        check_id: The rule.
        change: The source's change.
        sentence: What was seen and what is allowed.
    """

    check_id: str
    change: SourceChange
    sentence: str

    @property
    def blocks(self) -> bool:
        """Whether nobody has approved the change."""
        return self.change.approved_by is None


def comparison_checks() -> tuple[IntendedCheck, ...]:
    """Return the checks of this gate, for the index of what a run intends."""
    return tuple(
        IntendedCheck(
            "published", COMPARISON, f"{COMPARISON}.{rule.check_id}", "release_comparison", None, "critical", rule.why
        )
        for rule in RULES
    )


def findings(change: SourceChange, limits: Gate) -> tuple[Finding, ...]:
    """Decide which rules a source breaks.

    Args:
        change: Its counts.
        limits: Its limits.

    Returns:
        One finding for each rule whose share is above its limit and whose number reaches its floor.
    """
    found: list[Finding] = []
    for rule in RULES:
        part, whole = getattr(change, rule.part), getattr(change, rule.whole)
        share = part / whole if whole else 0.0
        if share > getattr(limits, rule.limit) and getattr(change, rule.counted) >= getattr(limits, rule.floor):
            named = f", such as {change.area_lost}" if rule.check_id == "areas_lost" and change.area_lost else ""
            sentence = (
                f"{change.source_id}: {part:,} of {whole:,} {rule.words} ({share:.0%}; up to "
                f"{getattr(limits, rule.limit):.0%} may){named}"
            )
            found.append(Finding(rule.check_id, change, sentence))
    return tuple(found)


def read_changes(build_file: Path) -> tuple[SourceChange, ...]:
    """Read what the model counted.

    Args:
        build_file: A finished build.

    Returns:
        One row a source, sorted; none when there is no earlier release.
    """
    columns = ", ".join(field.name for field in fields(SourceChange))
    with duckdb.connect(str(build_file), read_only=True) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(
            f"select {columns} from intermediate.int_source_changes__counted order by source_id"
        ).fetchall()
    return tuple(SourceChange(*row) for row in rows)


def read_limits(registry: Path) -> dict[str, Gate]:
    """Read the limits of every declared source.

    Args:
        registry: Folder of the registry.
    """
    rows = pl.read_parquet(registry / "sources.parquet").select("id", *_LIMITS).to_dicts()
    return {row["id"]: Gate(**{name: row[name] for name in _LIMITS}) for row in rows}


def examples_of(build_file: Path, source_id: str, most: int = DETAIL_ROWS) -> tuple[str, ...]:
    """Return some rows of a source's change in words, the largest first.

    Args:
        build_file: A finished build.
        source_id: The source, or ``register``.
        most: How many of values, and of statuses.
    """
    with duckdb.connect(str(build_file), read_only=True) as connection:
        rows = connection.execute(
            """
            from (
                select
                    concat(
                        indicator_name, ', ', area_name, ', ', period_label, ', ', sex, ', ', age,
                        case when category <> 'Total' then ', ' || category else '' end, ': ',
                        coalesce(format('{:.10g}', old_value), 'no value'), ' before, ',
                        coalesce(format('{:.10g}', new_value), replace(revision_kind, '_', ' ')), ' now'
                    ) as example
                from intermediate.int_release_values__changed
                where source_id = $source and was_there and announced_reason is null
                    and (is_beyond_5_percent = 1 or old_value is not null and new_value is null)
                order by
                    abs(change_percent) desc nulls last, indicator_id, area_code, period_end desc, sex, age, category
                limit $most
            )
            union all
            from (
                select concat(
                    title, ', ', area_name, ': ', old_status_label, ' before, ',
                    coalesce(new_status_label, 'withdrawn'), ' now (', replace(cause, '_', ' '), ')'
                )
                from intermediate.int_release_statuses__changed
                where coalesce(source_id, 'register') = $source and old_is_judged = 1
                    and cause not in ('new_data', 'time_passed')
                order by commitment_id, area_code
                limit $most
            )
            """,
            {"source": source_id, "most": most},
        ).fetchall()
    return tuple(str(row[0]) for row in rows)


def compare_releases(settings: Settings, now: datetime) -> tuple[CheckResult, ...]:
    """Hold the build against the release that is served, and keep what has to be approved.

    Args:
        settings: Folders, with a finished build.
        now: Start of the run, with a zone.

    Returns:
        One result a rule: passed, or blocked with the changes, their names and what to do.
    """
    changes = read_changes(settings.build_file)
    limits = read_limits(settings.registry)
    found = [one for change in changes for one in findings(change, limits.get(change.source_id, Gate()))]
    blocking = [one for one in found if one.blocks]
    examples: dict[str, tuple[str, ...]] = {}
    for change in dict.fromkeys(one.change for one in blocking):
        examples[change.source_id] = examples_of(settings.build_file, change.source_id)
        if change.change_id is None:
            raise OutcomesError(f"{change.source_id}: a finding counts rows, and these rows have no name.")
        sentences = tuple(one.sentence for one in blocking if one.change == change)
        write_pending(
            settings,
            PendingChange(
                change_id=change.change_id,
                source_id=change.source_id,
                previous_release_id=change.previous_release_id,
                summary="; ".join(sentences),
                findings=sentences,
                examples=examples[change.source_id],
                seen_at=now,
            ),
        )
    forget_pending(settings, {str(one.change.change_id) for one in blocking})
    return tuple(
        _result(rule, changes, [one for one in found if one.check_id == rule.check_id], examples, now) for rule in RULES
    )


def _result(
    rule: Rule,
    changes: Sequence[SourceChange],
    found: Sequence[Finding],
    examples: Mapping[str, tuple[str, ...]],
    now: datetime,
) -> CheckResult:
    blocking = [one for one in found if one.blocks]
    approved = [one for one in found if not one.blocks]
    whole, part = (sum(getattr(one, name) for one in changes) for name in (rule.whole, rule.part))
    parts = [one.sentence for one in blocking]
    remedy = None
    if blocking:
        names = list(dict.fromkeys(one.change.change_id for one in blocking))
        remedy = (
            "Look at it with: outcomes diff served build. If it is right, say why: "
            + ", ".join(f'outcomes approve {name} --reason "..."' for name in names)
            + ", then refresh again. If it is wrong, correct the file or its declaration"
        )
        parts.append(remedy)
    elif not changes:
        parts.append("There is no earlier release, so nothing can have changed")
    else:
        parts.append(f"{part:,} of {whole:,} {rule.words}, without a reason in a passport")
        parts += [f"{one.sentence}: approved by {one.change.approved_by}" for one in approved]
    details: tuple[Mapping[str, Any], ...] = tuple(
        {
            "source_id": one.change.source_id,
            "change_id": one.change.change_id,
            "counted": getattr(one.change, rule.part),
            "of": getattr(one.change, rule.whole),
            "approved_by": one.change.approved_by,
            "examples": examples.get(one.change.source_id, ())[:SPOKEN_ROWS],
        }
        for one in found
    )
    return CheckResult(
        check_id=rule.check_id,
        stage="published",
        expectation_type="release_comparison",
        column_name=None,
        severity="critical",
        outcome="blocked" if blocking else "passed",
        rows_evaluated=whole,
        rows_failed=sum(getattr(one.change, rule.part) for one in blocking),
        observed="; ".join(parts),
        details=tuple(dict(one) for one in details),
        why=rule.why,
        evaluated_at=now,
        remedy=remedy,
    )
