"""Dagster checks of the marts: one blocking ``gate`` per suite in ``expectations/published``.

Only the wiring belongs here. When one of these fails, nothing is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from pipelines.check.check_log import write_checks
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import run_gate
from pipelines.check.gate_database import BuildTable
from pipelines.check.intended_checks import COMPARISON
from pipelines.check.landed_gates import results_table
from pipelines.check.release_comparison import compare_releases
from pipelines.run_inputs import read_inputs

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
        moment = read_inputs(settings.run_inputs_file).started_at
        report = run_gate(BuildTable(settings.build_file, table), load_suite(suite_file), {}, now=moment)
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


def release_comparison_gate(
    mart: dg.AssetKey, settings: Settings, progress: RefreshProgress
) -> dg.AssetChecksDefinition:
    """Build the gate.

    Args:
        mart: The asset of the mart ``release_note``.
        settings: Folders.
        progress: Where to report.

    Returns:
        A blocking check ``release_comparison``.
    """

    @dg.asset_check(
        asset=mart,
        name=COMPARISON,
        blocking=True,
        description="No large change since the release that is served, unless a passport or an approval explains it.",
        required_resource_keys={"one_refresh_at_a_time"},
    )
    def release_comparison() -> dg.AssetCheckResult:
        progress.begin("check", COMPARISON)
        results = compare_releases(settings, read_inputs(settings.run_inputs_file).started_at)
        settings.published_checks.mkdir(parents=True, exist_ok=True)
        write_checks(settings.published_checks, COMPARISON, results)
        failed = [one for one in results if one.outcome != "passed"]
        progress.end(
            "check", COMPARISON, "failed" if failed else "passed", max(one.rows_evaluated or 0 for one in results)
        )
        return dg.AssetCheckResult(
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(one.observed for one in failed) or "No large change that nobody has explained.",
            metadata={"rules": results_table(results), **{one.check_id: one.observed for one in failed}},
        )

    return release_comparison
