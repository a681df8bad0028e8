"""The only place where assets, checks, jobs and schedules meet.

``build_defs`` takes everything as arguments, so that a test can build the same graph over another folder; Dagster calls
``defs``. Nothing is read from the environment at import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.acquire.landed_assets import LIVE_KEY, declared_sources_asset, landed_asset
from pipelines.acquire.live_asset import live_asset
from pipelines.acquire.source_registry import load_sources
from pipelines.check.expectation_suites import import_great_expectations
from pipelines.check.landed_gates import accepted_asset, gate_log_asset
from pipelines.check.published_gates import published_gate, published_suites, release_comparison_gate
from pipelines.check.register_assets import register_asset, register_keys
from pipelines.check.release_comparison import MART
from pipelines.companions import companions_of_new_release
from pipelines.model.dbt_bridge import mart_keys, model_assets, prepare_manifest
from pipelines.problems import ConfigurationError
from pipelines.publish.archive_release import keep_inputs
from pipelines.publish.previous_asset import previous_asset
from pipelines.publish.published_asset import published_asset
from pipelines.refresh import WRITER_TAGS
from pipelines.refresh_lock import refresh_lock
from pipelines.refresh_progress import SilentProgress
from pipelines.run_inputs import read_inputs
from pipelines.schedule.automation import schedules_and_sensors
from pipelines.schedule.freshness_assets import fresh_checks
from pipelines.schedule.poll_log import record_poll, write_polls
from pipelines.settings import Settings

if TYPE_CHECKING:
    from datetime import date

    from pipelines.refresh_progress import RefreshProgress
    from pipelines.run_inputs import RunInputs

JOB = "refresh"
LIVE_JOB = "refresh_live"
WAIT_SECONDS = 900
"""How long a run that Dagster started waits for a refresh that somebody started from a terminal."""


def build_defs(
    settings: Settings,
    progress: RefreshProgress | None = None,
    as_at: date | None = None,
    orders: RunInputs | None = None,
) -> dg.Definitions:
    """Build the whole graph.

    Args:
        settings: Folders.
        progress: Where the stages report; nowhere by default.
        as_at: The day the release speaks for; the day of the run by default.
        orders: Day and times of a release that is made again.

    Returns:
        Assets in the order of the flow, their checks, the jobs ``refresh`` and ``refresh_live``, schedules and sensors.
        Those that open runs are stopped; those that only tell of runs are on.

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

    everything = dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()
    refresh = dg.define_asset_job(
        JOB,
        selection=everything - dg.AssetSelection.assets(LIVE_KEY) - dg.AssetSelection.checks_for_assets(LIVE_KEY),
        description="Land, gate, model and publish every source that has changed.",
        executor_def=dg.in_process_executor,
        tags=WRITER_TAGS,
    )
    refresh_live = dg.define_asset_job(
        LIVE_JOB,
        selection=everything,
        description="Fetch what has changed in Fingertips; then land, gate, model and publish.",
        executor_def=dg.in_process_executor,
        tags=WRITER_TAGS,
    )
    automation = schedules_and_sensors(settings, refresh, refresh_live)

    @dg.resource(description="Held for the whole run, so that two refreshes never write at once.")
    def one_refresh_at_a_time(_: dg.InitResourceContext) -> Iterator[None]:
        with refresh_lock(settings, WAIT_SECONDS):
            yield

    return dg.Definitions(
        assets=[
            live_asset(settings, record_poll),
            declared_sources_asset(settings, as_at, orders, keep=keep_inputs),
            *(landed_asset(source, settings, reporter) for source in sources.values()),
            *(accepted_asset(source, settings, reporter) for source in sources.values()),
            register_asset(settings, reporter),
            previous_asset(settings, lambda one: write_polls(one, read_inputs(one.run_inputs_file).as_at)),
            gate_log_asset(sources, register_keys(settings), settings),
            model_assets(manifest, sources, settings, reporter),
            published_asset(marts, settings, reporter, companions_of_new_release),
        ],
        asset_checks=[
            *(published_gate(file, by_name[file.stem], settings, reporter) for file in published_suites(settings)),
            release_comparison_gate(by_name[MART], settings, reporter),
            fresh_checks(settings, sources),
        ],
        jobs=[refresh, refresh_live],
        schedules=automation.schedules,
        sensors=automation.sensors,
        resources={"one_refresh_at_a_time": one_refresh_at_a_time},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the graph over this checkout, or over the folders that the environment names."""
    return build_defs(Settings.from_environment())
