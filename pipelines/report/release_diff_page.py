"""A comparison of two releases as lines of a terminal.

Layout belongs here; what differs is found in ``release_diff``.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.text import Text

from pipelines.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from pipelines.report.release_diff import IndicatorChanges, ReleaseDiff, StatusChange, ValueChange

SHOWN: Final = 20
"""Lines of a section; --csv has all."""

STATUS_CAUSES: Final = {
    "new_data": "New data",
    "revised_data": "Revised data",
    "changed_target": "Changed in the register",
    "changed_rule": "Changed rule",
    "time_passed": "A deadline has passed",
    "added": "Commitments added",
    "withdrawn": "Commitments withdrawn",
}
KINDS: Final = {
    "new_period": "new",
    "new_indicator": "of a new indicator",
    "late_addition": "added to earlier periods",
    "revised": "revised",
    "revised_limits": "with other limits or counts",
    "suppressed_now": "now withheld",
    "no_longer_suppressed": "no longer withheld",
    "value_gone": "now empty",
    "value_found": "no longer empty",
    "status_changed": "marked otherwise",
    "withdrawn": "removed",
}
CAUSES: Final = {
    "new_release": "new release of the source",
    "source_withdrawn": "source no longer read",
    "file_replaced": "file replaced",
    "release_withdrawn": "release no longer read",
    "correction": "correction",
    "declaration": "files read in another way",
    "rules": "rule or code changed",
}


def print_diff(console: Console, diff: ReleaseDiff) -> None:
    """Print what differs: statuses by cause, values by indicator, the largest changes, areas lost.

    Args:
        console: Where to print.
        diff: The comparison.
    """
    for side, name in ((diff.old, "From"), (diff.new, "To")):
        _print(console, f"{name} {side.release_id}, as at {words.day(side.as_at)}, {side.values:,} values.")
    asked = [
        f"{name} {one}"
        for name, one in (("source", diff.filters.source), ("commitment", diff.filters.commitment))
        if one
    ]
    if asked:
        _print(console, f"Only {', '.join(asked)}.")
    if not (diff.statuses or diff.indicators):
        _print(console, "")
        _print(console, "Nothing differs: the same values and the same statuses.")
        return
    _print_section(console, "Statuses", len(diff.statuses))
    for cause, found in groupby(sorted(diff.statuses, key=_cause_order), key=lambda one: one.cause):
        lines = list(found)
        _print(console, f"  {STATUS_CAUSES[cause]}: {len(lines):,}")
        _print_some(console, [f"    {_status(one)}" for one in lines])
    _print_section(console, "Values", sum(one.values for one in diff.indicators))
    for source_id, found in groupby(diff.indicators, key=lambda one: one.source_id):
        lines = list(found)
        counted: Counter[tuple[str, str]] = Counter()
        for one in lines:
            counted[one.kind, one.cause] += one.values
        named = "; ".join(
            f"{number:,} {KINDS[kind]} ({CAUSES[cause]})" for (kind, cause), number in counted.most_common()
        )
        _print(console, f"  {source_id}: {named}")
        _print_some(console, [f"    {_indicator(one)}" for one in lines])
    beyond = [one for one in diff.values if one.is_beyond_5_percent]
    _print_section(console, "Changed by more than 5%", len(beyond))
    _print_some(console, [f"  {_value(one)}" for one in beyond])
    _print_section(console, "Areas without any value left", len(diff.areas_lost))
    _print_some(
        console,
        [
            f"  {one.area_name} ({one.area_code}), {one.source_id}: {one.values:,} values before"
            for one in diff.areas_lost
        ],
    )


def _cause_order(one: StatusChange) -> tuple[int, str, str]:
    return (list(STATUS_CAUSES).index(one.cause), one.commitment_id, one.area_code)


def _status(one: StatusChange) -> str:
    line = f"{one.commitment_id}, {one.area_name}: {one.old_status_label or 'none'} → {one.new_status_label or 'none'}"
    if one.old_actual_value is not None or one.new_actual_value is not None:
        old = f"{words.exact(one.old_actual_value)} ({one.old_period_label or 'no period'})"
        line += f"; actual {old} → {words.exact(one.new_actual_value)} ({one.new_period_label or 'no period'})"
    if one.old_target_value != one.new_target_value and one.cause not in ("added", "withdrawn"):
        line += f"; target {words.exact(one.old_target_value)} → {words.exact(one.new_target_value)}"
    return line + (f"; also {words.plain(one.other_causes)}" if one.other_causes else "")


def _indicator(one: IndicatorChanges) -> str:
    beyond = f", {one.beyond:,} by more than 5%" if one.beyond else ""
    return f"{one.indicator_name} ({one.indicator_id}): {one.values:,} {KINDS[one.kind]}{beyond}"


def _value(one: ValueChange) -> str:
    group = ", ".join(
        part for part, usual in ((one.sex, "Persons"), (one.age, ""), (one.category, "Total")) if part != usual
    )
    percent = "" if one.change_percent is None else f" ({one.change_percent:+.0f}%)"
    return (
        f"{one.indicator_name}, {one.area_name}, {one.period_label}, {group}: "
        f"{words.exact(one.old_value)} → {words.exact(one.new_value)}{percent}"
    )


def _print_section(console: Console, title: str, number: int) -> None:
    console.print()
    console.print(Text(f"{title}: {number:,}" if number else f"{title}: none", style="bold"))


def _print_some(console: Console, lines: Sequence[str] | Iterable[str]) -> None:
    every = list(lines)
    for line in every[:SHOWN]:
        _print(console, line)
    if len(every) > SHOWN:
        indent = " " * (len(every[0]) - len(every[0].lstrip()))
        _print(console, f"{indent}and {len(every) - SHOWN:,} more; --csv lists them.")


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
