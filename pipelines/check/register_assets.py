"""Dagster assets that gate the commitment register: one ``register/<seed>`` a suite, each with its blocking ``gate``.

Only the wiring belongs here; the rules are put in ``register_lint``. A source that is refused leaves its last good data
to be served, but a register has no older version to fall back on: when a critical rule is broken nothing is modelled,
and the served file stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.acquire.landed_assets import REGISTRY_KEYS
from pipelines.check.check_log import write_checks
from pipelines.check.landed_gates import GROUP, results_table
from pipelines.check.register_lint import lint_register, register_suites
from pipelines.run_inputs import read_inputs

if TYPE_CHECKING:
    from pipelines.check.register_lint import RegisterReport, SeedReport
    from pipelines.refresh_progress import RefreshProgress
    from pipelines.settings import Settings

COMMAND = "outcomes register"
_EARLY = {"dagster/priority": "1"}
"""Before the sources: a person who has just edited the register need not wait for them to learn of a slip."""


def register_keys(settings: Settings) -> dict[str, dg.AssetKey]:
    """Return the asset of every seed of the register.

    Args:
        settings: Folders.

    Returns:
        Name of the seed to its key, sorted by name.
    """
    return {seed: dg.AssetKey(["register", seed]) for seed in register_suites(settings)}


def register_asset(settings: Settings, progress: RefreshProgress) -> dg.AssetsDefinition:
    """Build the step that gates the register before anything is modelled.

    Args:
        settings: Folders.
        progress: Where to report.

    Returns:
        A multi-asset with the keys of :func:`register_keys`, each with a blocking check ``gate``.
    """
    keys = register_keys(settings)

    @dg.multi_asset(
        name="register",
        group_name=GROUP,
        required_resource_keys={"one_refresh_at_a_time"},
        op_tags=_EARLY,
        specs=[
            dg.AssetSpec(
                key,
                deps=REGISTRY_KEYS,
                description=f"data/seeds/{seed}.csv as written. The rules are in expectations/register/{seed}.json.",
                kinds={"greatexpectations", "csv"},
            )
            for seed, key in keys.items()
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "gate",
                asset=key,
                blocking=True,
                description=f"{seed} satisfies every critical rule of the register; otherwise nothing is modelled.",
            )
            for seed, key in keys.items()
        ],
    )
    def register() -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        progress.begin("check", "register")
        inputs = read_inputs(settings.run_inputs_file)
        report = lint_register(settings, inputs.as_at, inputs.started_at)
        for one in report.seeds:
            write_checks(settings.check_log, one.seed, one.results)
        progress.end("check", "register", _in_words(report), report.rows)
        for one in report.seeds:
            yield dg.MaterializeResult(asset_key=keys[one.seed], metadata={"dagster/row_count": one.rows or 0})
        for one in report.seeds:
            yield _check_result(keys[one.seed], one)

    return register


def _check_result(key: dg.AssetKey, report: SeedReport) -> dg.AssetCheckResult:
    refusals = report.refusals
    warned = ", ".join(one.check_id for one in report.warnings)
    said = "; ".join(f"{one.check_id}: {one.observed}" for one in refusals)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="gate",
        passed=not refusals,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{said} Every finding: {COMMAND}." if refusals else f"Warned: {warned or 'nothing'}.",
        metadata={
            "expectations": results_table(report.results),
            "failing rows": dg.MetadataValue.json({one.check_id: list(one.details) for one in refusals}),
            **{one.check_id: one.observed for one in (*refusals, *report.warnings)},
        },
    )


def _in_words(report: RegisterReport) -> str:
    broken = sum(len(one.refusals) for one in report.seeds)
    if broken:
        return f"failed: {broken} {'rule' if broken == 1 else 'rules'} broken"
    warned = sum(len(one.warnings) for one in report.seeds)
    return f"passed, {warned} {'warning' if warned == 1 else 'warnings'}" if warned else "passed"
