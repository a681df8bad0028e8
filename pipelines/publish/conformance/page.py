"""The linter's result for a person: one line a rule, then every violation.

Words and columns on the screen belong here; looking does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from pipelines.publish.conformance.lint import lint_file
from pipelines.publish.conformance.promises import PROMISES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from pipelines.publish.conformance.findings import RuleResult
    from pipelines.publish.conformance.promises import Promises

CONFORMS, BROKEN = 0, 1


def summary_line(results: Sequence[RuleResult]) -> str:
    """Return the result in one line.

    Args:
        results: One a rule.
    """
    broken = sum(1 for one in results if one.violations)
    violations = sum(len(one.violations) for one in results)
    if not broken:
        return f"{len(results)} rules hold."
    return f"{broken} of {len(results)} rules do not hold: {violations:,} violation{'' if violations == 1 else 's'}."


def conformance_table(results: Sequence[RuleResult]) -> Table:
    """Return one line a rule: what holds, how many things were looked at, how many do not keep it.

    Args:
        results: One a rule.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("Rule")
    table.add_column("What holds", overflow="fold")
    table.add_column("Looked at", justify="right")
    table.add_column("Violations", justify="right")
    for one in results:
        sign = "✖" if one.violations else "✔" if one.looked_at else ""
        table.add_row(
            sign, one.rule.rule_id, escape(one.rule.sentence), f"{one.looked_at:,}", f"{len(one.violations):,}"
        )
    return table


def tell_conformance(console: Console, file: Path, promises: Promises = PROMISES) -> int:
    """Hold a file against every rule and say what came of it.

    Args:
        console: Where to say it.
        file: A published file.
        promises: What it has to hold.

    Returns:
        The exit code: 0 when every rule holds, 1 when one does not.

    Raises:
        NotOurFile: It is no DuckDB file, or cannot be opened.
    """
    results = lint_file(file, promises=promises)
    console.print(conformance_table(results))
    console.print()
    console.print(summary_line(results))
    for one in results:
        if one.violations:
            console.print(f"\n{one.rule.rule_id}: {escape(one.rule.why)}")
        for violation in one.violations:
            console.print(f"  {escape(str(violation))}")
    return BROKEN if any(one.violations for one in results) else CONFORMS
