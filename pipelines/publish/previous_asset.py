"""The Dagster asset that tells a run what is served now, what was approved and what was polled.

Only the wiring belongs here; what is written is in ``snapshots`` and, for the polls, in ``schedule``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.acquire.landed_assets import REGISTRY_KEYS
from pipelines.publish.snapshots import write_previous
from pipelines.run_inputs import read_inputs
from pipelines.step_retries import TRY_AGAIN, named_faults_are_final

if TYPE_CHECKING:
    from pipelines.settings import Settings

NAMES = ("announced", "approvals", "indicator_values", "polls", "release", "revisions", "statuses")
KEYS = tuple(dg.AssetKey(["previous", name]) for name in NAMES)


def previous_asset(settings: Settings, write_polls: Callable[[Settings], object]) -> dg.AssetsDefinition:
    """Build the asset that writes what a run has to know of the time before it.

    Args:
        settings: Folders.
        write_polls: Writes what was polled, and when.

    Returns:
        A multi-asset with the keys of :data:`KEYS`. When a release is made again, what it knew is there already and
        stays as it is.
    """

    @dg.multi_asset(
        name="previous",
        retry_policy=TRY_AGAIN,
        group_name="acquire",
        required_resource_keys={"one_refresh_at_a_time"},
        specs=[
            dg.AssetSpec(
                key,
                deps=REGISTRY_KEYS,
                description=f"What is known from before this run: {key.path[-1].replace('_', ' ')}.",
                kinds={"parquet"},
            )
            for key in KEYS
        ],
    )
    def previous() -> Iterator[dg.MaterializeResult[Any]]:
        if not read_inputs(settings.run_inputs_file).checked_at:
            settings.previous.mkdir(parents=True, exist_ok=True)
            with named_faults_are_final():
                write_previous(settings)
                write_polls(settings)
        for key in KEYS:
            yield dg.MaterializeResult(asset_key=key)

    return previous
