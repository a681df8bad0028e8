"""Dagster checks of the marts: one blocking ``gate`` per suite in ``expectations/published``.

Only the wiring belongs here. When one of these fails, nothing is published.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.check.check_log import write_checks
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import run_gate
from pipelines.check.gate_database import BuildTable
from pipelines.check.landed_gates import results_table

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.refresh_progress import RefreshProgress
    from pipelines.settings import Settings


def published_suites(settings: Settings) -> list[Path]:
    """Return the suite files of the marts, sorted by name."""
    return sorted((settings.expectations / "published").glob("*.json"))


def published_gate(
    suite_file: Path, mart: dg.AssetKey, settings: Settings, progress: RefreshProgress
) -> dg.AssetChecksDefinition:
    """Build the gate of one mart.

    Args:
        suite_file: Its suite; the name of the file is the name of the table.
        mart: The asset it guards.
        settings: Folders.
        progress: Where to report.

    Returns:
        A blocking check ``gate``.
    """
    table = suite_file.stem

    @dg.asset_check(
        asset=mart,
        name="gate",
        blocking=True,
        description=f"{table} satisfies expectations/published/{suite_file.name}; otherwise nothing is published.",
        required_resource_keys={"one_refresh_at_a_time"},
    )
    def gate() -> dg.AssetCheckResult:
        progress.begin("check", table)
        report = run_gate(BuildTable(settings.build_file, table), load_suite(suite_file), {}, now=datetime.now(UTC))
        settings.published_checks.mkdir(parents=True, exist_ok=True)
        write_checks(settings.published_checks, table, report.results)
        failed = [one for one in report.results if one.outcome in ("blocked", "not_evaluated")]
        progress.end("check", table, "failed" if failed else "passed", report.rows)
        return dg.AssetCheckResult(
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(f"{one.check_id}: {one.observed}" for one in failed) or "Every expectation holds.",
            metadata={"expectations": results_table(report.results), **{one.check_id: one.observed for one in failed}},
        )

    return gate
