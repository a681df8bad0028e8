"""The Dagster asset that publishes: the last step of a run.

Only the wiring belongs here; what publishing does is in ``release``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.check.release_comparison import comparison_checks
from pipelines.model.dbt_bridge import build_manifest
from pipelines.publish.archive_release import archive_release
from pipelines.publish.check_rows import checks_to_add
from pipelines.publish.column_roles import read_column_roles
from pipelines.publish.conformance.promises import PROMISES
from pipelines.publish.relationships import read_relationships
from pipelines.publish.release import ReleaseRecord, publish
from pipelines.run_inputs import LastRun, read_inputs, read_last_run, write_last_run
from pipelines.step_retries import TRY_AGAIN, named_faults_are_final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.companions import Companions
    from pipelines.refresh_progress import RefreshProgress
    from pipelines.settings import Settings

    MakeCompanions = Callable[[Settings, Path, str], Companions]

KEY = dg.AssetKey(["published", "outcomes"])


def published_asset(
    marts: Sequence[dg.AssetKey], settings: Settings, progress: RefreshProgress, make_companions: MakeCompanions
) -> dg.AssetsDefinition:
    """Build the asset that serves a release.

    Args:
        marts: Everything that must have been built and gated first.
        settings: Folders.
        progress: Where to report.
        make_companions: Makes exports, public edition and report of a release, before it is served.

    Returns:
        Asset ``published/outcomes``.
    """

    @dg.asset(
        key=KEY,
        group_name="publish",
        deps=list(marts),
        description="warehouse/outcomes.duckdb, replaced in one step; exports, public edition and report come with it.",
        kinds={"duckdb"},
        retry_policy=TRY_AGAIN,
        required_resource_keys={"one_refresh_at_a_time"},
    )
    def outcomes() -> dg.MaterializeResult[Any]:
        progress.begin("publish", "release")
        inputs = read_inputs(settings.run_inputs_file)
        record = ReleaseRecord(
            built_at=inputs.started_at,
            as_at=inputs.as_at,
            code_version=inputs.code_version,
            input_fingerprint=inputs.fingerprint,
        )
        before = read_last_run(settings.state_file)
        made: list[Companions] = []

        def complete_and_archive(release_file: Path, content_checksum: str) -> None:
            progress.begin("publish", "public edition, exports, report")
            made.append(companions := make_companions(settings, release_file, record.release_id))
            served = before.release_id if before and settings.served_file.is_file() else None
            with tempfile.TemporaryDirectory(prefix="outcomes_memory_") as folder:
                archive_release(
                    settings,
                    inputs,
                    record.release_id,
                    release_file,
                    content_checksum=content_checksum,
                    previous_release_id=served,
                    more_snapshots=companions.snapshots(Path(folder)),
                )
            progress.end("publish", "public edition, exports, report", f"{companions.pages:,} pages")

        manifest = build_manifest(settings)
        previous_keys = settings.previous / "keys.parquet"
        with named_faults_are_final():
            release = publish(
                settings,
                settings.build_file,
                record,
                extra_checks=checks_to_add(settings, inputs.started_at, comparison_checks()),
                relationships=read_relationships(manifest),
                column_roles=read_column_roles(manifest),
                previous_keys=previous_keys if previous_keys.is_file() else None,
                promises=PROMISES,
                before_serving=complete_and_archive if settings.keeps_history else lambda _file, _checksum: None,
            )
        write_last_run(
            settings.state_file,
            LastRun(fingerprint=inputs.fingerprint, release_id=release.release_id, sha256=release.sha256),
            release.served_file,
        )
        for companions in made:
            companions.lead_there(settings)
        progress.end("publish", "release", release.release_id, release.row_count)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": release.row_count,
                "release": release.release_id,
                "as at": inputs.as_at.isoformat(),
                "tables": release.table_count,
                "sha256": release.sha256,
                "file": dg.MetadataValue.path(str(release.served_file)),
                "size (MB)": round(release.served_file.stat().st_size / 1e6, 2),
                **(made[0].metadata() if made else {}),
            }
        )

    return outcomes
