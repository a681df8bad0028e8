"""The Dagster asset that fetches from the live service, as the first step of the job that does.

Only the wiring belongs here; fetching is in ``live_extracts``. Whatever comes of it, the run goes on with what is
filed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.acquire.fingertips_api import ApiOptions
from pipelines.acquire.landed_assets import GROUP, LIVE_KEY
from pipelines.acquire.live_extracts import LiveResult, fetch_live
from pipelines.step_retries import TRY_AGAIN, named_faults_are_final

if TYPE_CHECKING:
    from pipelines.settings import Settings


def live_asset(settings: Settings, record: Callable[[Settings, LiveResult], object]) -> dg.AssetsDefinition:
    """Build the asset that fetches what has changed at the service.

    Args:
        settings: Folders.
        record: Notes what came of it, and when.

    Returns:
        Asset ``live/fingertips`` with the check ``fetched``, which warns.
    """

    @dg.asset(
        key=LIVE_KEY,
        group_name=GROUP,
        description="What has changed in Fingertips since the last fetch, filed as a release of data/raw/fingertips.",
        kinds={"http"},
        retry_policy=TRY_AGAIN,
        required_resource_keys={"one_refresh_at_a_time"},
        check_specs=[
            dg.AssetCheckSpec("fetched", asset=LIVE_KEY, description="The service was reached and its answers passed.")
        ],
    )
    def live() -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        with named_faults_are_final():
            fetched = fetch_live(settings, ApiOptions.from_environment(os.environ))
            record(settings, fetched)
        yield dg.MaterializeResult(
            asset_key=LIVE_KEY,
            metadata={
                "state": fetched.status,
                "release": fetched.release_id or "none",
                "indicators fetched": len(fetched.fetched),
                "indicators unchanged": len(fetched.unchanged),
            },
        )
        yield dg.AssetCheckResult(
            asset_key=LIVE_KEY,
            check_name="fetched",
            passed=fetched.is_up_to_date,
            severity=dg.AssetCheckSeverity.WARN,
            description=fetched.message,
            metadata={"problems": dg.MetadataValue.md("\n".join(f"- {one}" for one in fetched.problems))},
        )

    return live
