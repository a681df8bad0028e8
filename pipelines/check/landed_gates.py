"""Dagster assets that gate sources: one ``accepted/<source>`` each, with its check ``gate``, and the log of all gates.

Only the wiring belongs here; what a gate does is in ``load_gate``. A refused load fails the check with severity ERROR
and keeps the last good data; it does not block, so that the other sources publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from pipelines.acquire.landed_assets import REGISTRY_KEYS
from pipelines.check.gate_state import gate_if_changed
from pipelines.dates_in_words import in_words
from pipelines.problems import OutcomesError
from pipelines.run_inputs import read_inputs
from pipelines.step_retries import TRY_AGAIN, named_faults_are_final

if TYPE_CHECKING:
    from pipelines.acquire.source_registry import Source
    from pipelines.check.gate import CheckResult
    from pipelines.refresh_progress import RefreshProgress
    from pipelines.settings import Settings

GROUP = "check"
GATE_LOG_KEYS = tuple(dg.AssetKey(["check_log", name]) for name in ("loads", "checks", "quarantined_rows"))


def results_table(results: Iterable[CheckResult]) -> dg.TableMetadataValue:
    """Return check results as a table for the UI, those that did not pass first."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "check": one.check_id,
                    "severity": one.severity,
                    "outcome": one.outcome,
                    "rows_failed": one.rows_failed or 0,
                    "observed": one.observed,
                    "why": one.why,
                }
            )
            for one in sorted(results, key=lambda one: one.outcome == "passed")
        ]
    )


def accepted_asset(source: Source, settings: Settings, progress: RefreshProgress) -> dg.AssetsDefinition:
    """Build the asset that gates one source.

    Args:
        source: The declaration.
        settings: Folders.
        progress: Where to report.

    Returns:
        Asset ``accepted/<source>`` with the check ``gate``.
    """
    key = dg.AssetKey(["accepted", source.id])

    @dg.asset(
        key=key,
        group_name=GROUP,
        deps=[dg.AssetKey(["landed", source.id]), *REGISTRY_KEYS],
        description=(
            f"{source.title}: the last load that passed its gate, less the rows in quarantine. "
            f"The rules are in expectations/landed/{source.id}.json."
        ),
        kinds={"greatexpectations", "duckdb"},
        retry_policy=TRY_AGAIN,
        required_resource_keys={"one_refresh_at_a_time"},
        check_specs=[
            dg.AssetCheckSpec("gate", asset=key, description="The load satisfies every critical expectation.")
        ],
    )
    def accepted() -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        progress.begin("check", source.id)
        with named_faults_are_final():
            gated = gate_if_changed(source, settings, read_inputs(settings.run_inputs_file))
        outcome, load = gated.outcome, gated.outcome.load
        words = _in_words(outcome.accepted, load.is_stale, load.quarantined_rows)
        progress.end("check", source.id, f"{words}, unchanged" if gated.is_unchanged else words, load.served_rows)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": load.served_rows,
                "state": f"{load.load_state}, unchanged since {in_words(load.checked_at)} {load.checked_at:%H:%M} UTC"
                if gated.is_unchanged
                else load.load_state,
                "stale": bool(load.is_stale),
                "landed rows": load.landed_rows,
                "quarantined rows": load.quarantined_rows,
                "refused rows": load.refused_rows,
                "served load": load.served_load_id or "none",
            },
        )
        # The rules of a load that could not be read are not evaluated, every one: the cause says it all.
        failed = [one for one in outcome.results if one.outcome == "blocked"] or [
            one for one in outcome.results if one.outcome == "not_evaluated"
        ]
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name="gate",
            passed=outcome.accepted,
            severity=dg.AssetCheckSeverity.ERROR,
            description=load.reason or f"{len(outcome.results)} expectations, none of them refuses the load.",
            metadata={
                **{one.check_id: one.observed for one in failed},
                "failing rows": dg.MetadataValue.json({one.check_id: list(one.details) for one in failed}),
                "expectations": results_table(outcome.results),
            },
        )

    return accepted


def gate_log_asset(
    sources: dict[str, Source], register: Mapping[str, dg.AssetKey], settings: Settings
) -> dg.AssetsDefinition:
    """Build the asset that stands for the log of all gates, which the model reads.

    It comes after the gates of the register, which block: with them it holds back everything that is modelled.

    Args:
        sources: Every declared source.
        register: Every seed of the register with its gated asset.
        settings: Folders.

    Returns:
        A multi-asset with the keys of :data:`GATE_LOG_KEYS`; it fails when a declared source, or a seed of the
        register, has no record.
    """
    folders = {
        "loads": (settings.check_log, ".load", (*sources,)),
        "checks": (settings.check_log, ".checks", (*sources, *register)),
        "quarantined_rows": (settings.quarantine, "", (*sources,)),
    }

    @dg.multi_asset(
        name="gate_log",
        group_name=GROUP,
        required_resource_keys={"one_refresh_at_a_time"},
        specs=[
            dg.AssetSpec(
                key,
                deps=[*(dg.AssetKey(["accepted", source_id]) for source_id in sources), *register.values()],
                description=f"What the gates of this run said: {key.path[-1].replace('_', ' ')} of every source.",
                kinds={"parquet"},
            )
            for key in GATE_LOG_KEYS
        ],
    )
    def gate_log() -> Iterator[dg.MaterializeResult[Any]]:
        # The gates over the marts have not spoken in this run yet.
        for old in settings.published_checks.glob("*.parquet"):
            old.unlink()
        for key in GATE_LOG_KEYS:
            folder, suffix, names = folders[key.path[-1]]
            files = [folder / f"{name}{suffix}.parquet" for name in names]
            # The model reads these folders whole: a source that is no longer declared leaves with its record.
            for note in settings.check_log.glob("*.gate.json"):
                if note.name.removesuffix(".gate.json") not in sources:
                    note.unlink()
            for stranger in set(folder.glob(f"*{suffix}.parquet")) - set(files):
                stranger.unlink()
            missing = [file.name for file in files if not file.is_file()]
            if missing:
                raise OutcomesError(
                    f"No gate has written {', '.join(missing)}: materialise the accepted and register assets first."
                )
            rows = pl.scan_parquet(files).select(pl.len()).collect().item()
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": int(rows)})

    return gate_log


def _in_words(accepted: bool, is_stale: int, quarantined: int) -> str:
    if accepted:
        return f"accepted, {quarantined:,} quarantined" if quarantined else "accepted"
    return "refused, older data served" if is_stale else "refused"
