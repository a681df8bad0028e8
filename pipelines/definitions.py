"""The only place where assets, checks, jobs and schedules meet.

``build_defs`` takes everything as arguments, so that a test can build the same graph over another folder; Dagster calls
``defs``. Nothing is read from the environment at import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.acquire.landed_assets import declared_sources_asset, landed_asset
from pipelines.acquire.source_registry import load_sources
from pipelines.check.expectation_suites import import_great_expectations
from pipelines.check.landed_gates import accepted_asset, gate_log_asset
from pipelines.check.published_gates import published_gate, published_suites
from pipelines.check.register_assets import register_asset, register_keys
from pipelines.model.dbt_bridge import mart_keys, model_assets, prepare_manifest
from pipelines.problems import ConfigurationError
from pipelines.publish.published_asset import published_asset
from pipelines.refresh_lock import refresh_lock
from pipelines.refresh_progress import SilentProgress
from pipelines.settings import Settings

if TYPE_CHECKING:
    from datetime import date

    from pipelines.refresh_progress import RefreshProgress

JOB = "refresh"


def build_defs(
    settings: Settings, progress: RefreshProgress | None = None, as_at: date | None = None
) -> dg.Definitions:
    """Build the whole graph.

    Args:
        settings: Folders.
        progress: Where the stages report; nowhere by default.
        as_at: The day the release speaks for; the day of the run by default.

    Returns:
        Assets in the order of the flow, their checks, the job ``refresh`` and its daily schedule (stopped).

    Raises:
        ConfigurationError: A declaration, a suite or the dbt project is wrong.
    """
    reporter = progress or SilentProgress()
    sources = load_sources(settings.sources)
    manifest = prepare_manifest(settings, sources, meanwhile=import_great_expectations)
    marts = mart_keys(manifest)
    by_name = {key.path[-1]: key for key in marts}
    strangers = [file.name for file in published_suites(settings) if file.stem not in by_name]
    if strangers:
        raise ConfigurationError(
            f"expectations/published/{strangers[0]} guards no mart. The marts are: {', '.join(by_name)}."
        )

    refresh = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
        description="Land, gate, model and publish every source.",
        executor_def=dg.in_process_executor,
    )

    @dg.resource(description="Held for the whole run, so that two refreshes never write at once.")
    def one_refresh_at_a_time(_: dg.InitResourceContext) -> Iterator[None]:
        with refresh_lock(settings):
            yield

    return dg.Definitions(
        assets=[
            declared_sources_asset(settings, as_at),
            *(landed_asset(source, settings, reporter) for source in sources.values()),
            *(accepted_asset(source, settings, reporter) for source in sources.values()),
            register_asset(settings, reporter),
            gate_log_asset(sources, register_keys(settings), settings),
            model_assets(manifest, sources, settings, reporter),
            published_asset(marts, settings, reporter),
        ],
        asset_checks=[
            published_gate(file, by_name[file.stem], settings, reporter) for file in published_suites(settings)
        ],
        jobs=[refresh],
        schedules=[
            dg.ScheduleDefinition(
                name="daily_refresh",
                job=refresh,
                cron_schedule="0 6 * * *",
                execution_timezone="Europe/London",
                default_status=dg.DefaultScheduleStatus.STOPPED,
                description="Every morning at six, London time. Switch it on in the UI.",
            )
        ],
        resources={"one_refresh_at_a_time": one_refresh_at_a_time},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the graph over this checkout, or over the folders that the environment names."""
    return build_defs(Settings.from_environment())
