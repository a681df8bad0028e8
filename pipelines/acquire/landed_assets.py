"""Dagster assets that land sources: the declarations as tables, and one ``landed/<source>`` each.

Only the wiring belongs here; reading is in ``landing`` and below. A source that cannot be read fails its own check and
leaves a record of the problems for its gate; the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.acquire.landing_state import land_if_changed
from pipelines.acquire.source_registry import load_sources, write_registry
from pipelines.leftovers import clear_leftovers
from pipelines.run_inputs import read_inputs, repeated_inputs, take_inputs, write_inputs
from pipelines.step_retries import TRY_AGAIN, named_faults_are_final

if TYPE_CHECKING:
    from datetime import date

    from pipelines.acquire.source_registry import Source
    from pipelines.refresh_progress import RefreshProgress
    from pipelines.run_inputs import RunInputs
    from pipelines.settings import Settings

GROUP = "acquire"
LIVE_KEY = dg.AssetKey(["live", "fingertips"])
REGISTRY_KEYS = (dg.AssetKey(["registry", "indicators"]), dg.AssetKey(["registry", "sources"]))


def declared_sources_asset(
    settings: Settings,
    as_at: date | None,
    orders: RunInputs | None = None,
    *,
    keep: Callable[[Settings, RunInputs], None] = lambda _settings, _inputs: None,
) -> dg.AssetsDefinition:
    """Build the first asset of a run: it fixes the inputs and writes the declarations as tables.

    Args:
        settings: Folders.
        as_at: The day the release speaks for; ``None`` for the day of the run.
        orders: Day, start and moments of a release that is made again; the step fails when its inputs are others.
        keep: Keeps the inputs before anything is made from them.

    Returns:
        A multi-asset with the keys of :data:`REGISTRY_KEYS`.
    """

    @dg.multi_asset(
        name="declared_sources",
        retry_policy=TRY_AGAIN,
        group_name=GROUP,
        required_resource_keys={"one_refresh_at_a_time"},
        specs=[
            dg.AssetSpec(
                key,
                # What is fetched has to be there before the inputs of the run are fixed.
                deps=[LIVE_KEY],
                description=f"The declared {key.path[-1]} (pipelines/acquire/sources) as a table.",
                kinds={"yaml"},
            )
            for key in REGISTRY_KEYS
        ],
    )
    def declared_sources() -> Iterator[dg.MaterializeResult[Any]]:
        with named_faults_are_final():
            inputs = repeated_inputs(settings, orders) if orders else take_inputs(settings, as_at)
            clear_leftovers(settings)
            keep(settings, inputs)
            write_inputs(settings.run_inputs_file, inputs)
            sources = load_sources(settings.sources)
            write_registry(sources, settings.registry)
        counts = (sum(len(source.indicators) for source in sources.values()), len(sources))
        for key, rows in zip(REGISTRY_KEYS, counts, strict=True):
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": rows})

    return declared_sources


def landed_asset(source: Source, settings: Settings, progress: RefreshProgress) -> dg.AssetsDefinition:
    """Build the asset that lands one source.

    Args:
        source: The declaration.
        settings: Folders.
        progress: Where to report.

    Returns:
        Asset ``landed/<source>`` with the check ``readable``.
    """
    key = dg.AssetKey(["landed", source.id])

    @dg.asset(
        key=key,
        group_name=GROUP,
        deps=REGISTRY_KEYS,
        description=f"{source.title}, as parsed: typed, shape only, every row with its file and record number.",
        kinds={"polars", "parquet"},
        retry_policy=TRY_AGAIN,
        required_resource_keys={"one_refresh_at_a_time"},
        check_specs=[
            dg.AssetCheckSpec(
                "readable",
                asset=key,
                description="Files, passports and headers are what the declaration says they are.",
            )
        ],
    )
    def landed() -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        progress.begin("acquire", source.id)
        with named_faults_are_final():
            landing = land_if_changed(source, settings, read_inputs(settings.run_inputs_file))
        record = landing.record
        if record is None:
            progress.end("acquire", source.id, "refused, unchanged" if landing.is_unchanged else "refused", 0)
            yield dg.MaterializeResult(
                asset_key=key, metadata={"dagster/row_count": 0, "state": "refused: see the check"}
            )
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name="readable",
                passed=False,
                severity=dg.AssetCheckSeverity.ERROR,
                description=str(landing.problems[0]),
                metadata={"problems": dg.MetadataValue.md("\n".join(f"- {problem}" for problem in landing.problems))},
            )
            return
        progress.end("acquire", source.id, "unchanged" if landing.is_unchanged else "landed", record.rows)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": record.rows,
                "state": "unchanged: the last landing stands" if landing.is_unchanged else "landed",
                "load_id": record.load_id,
                "releases": ", ".join(record.releases),
                "files": dg.MetadataValue.table(
                    [
                        dg.TableRecord({"file": file.file, "rows": file.rows, "sha256": file.sha256})
                        for file in record.files
                    ]
                ),
            },
        )
        yield dg.AssetCheckResult(asset_key=key, check_name="readable", passed=True)

    return landed
