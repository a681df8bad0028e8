"""The Dagster asset that publishes: the last step of a run.

Only the wiring belongs here; what publishing does is in ``release``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from pipelines.model.dbt_bridge import build_manifest
from pipelines.publish.relationships import read_relationships
from pipelines.publish.release import ReleaseRecord, publish
from pipelines.run_inputs import LastRun, read_inputs, write_last_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.refresh_progress import RefreshProgress
    from pipelines.settings import Settings

KEY = dg.AssetKey(["published", "outcomes"])
_NOT_APPLICABLE = -2


def published_asset(marts: Sequence[dg.AssetKey], settings: Settings, progress: RefreshProgress) -> dg.AssetsDefinition:
    """Build the asset that serves a release.

    Args:
        marts: Everything that must have been built and gated first.
        settings: Folders.
        progress: Where to report.

    Returns:
        Asset ``published/outcomes``.
    """

    @dg.asset(
        key=KEY,
        group_name="publish",
        deps=list(marts),
        description="warehouse/outcomes.duckdb: the one file that BI tools open, replaced in one step.",
        kinds={"duckdb"},
        required_resource_keys={"one_refresh_at_a_time"},
    )
    def outcomes() -> dg.MaterializeResult[Any]:
        progress.begin("publish", "release")
        inputs = read_inputs(settings.run_inputs_file)
        release = publish(
            settings,
            settings.build_file,
            ReleaseRecord(
                built_at=inputs.started_at,
                as_at=inputs.as_at,
                code_version=inputs.code_version,
                input_fingerprint=inputs.fingerprint,
            ),
            extra_checks=mart_check_rows(settings),
            relationships=read_relationships(build_manifest(settings)),
        )
        write_last_run(settings.state_file, LastRun(fingerprint=inputs.fingerprint, release_id=release.release_id))
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
            }
        )

    return outcomes


def mart_check_rows(settings: Settings) -> list[dict[str, Any]]:
    """Return the results of the mart gates as rows of ``fct_data_quality_check``.

    Args:
        settings: Folders.

    Returns:
        One dict per check, keyed by column; the key is made as the model's ``surrogate_key`` makes it.
    """
    files = sorted(str(path) for path in settings.published_checks.glob("*.checks.parquet"))
    if not files:
        return []
    with duckdb.connect() as connection:
        rows = connection.execute(
            """
            select
                cast(md5_number_lower(concat_ws('|', source_id, 'published', check_id)) >> 16 as bigint)
                as data_quality_check_key,
                cast(? as bigint) as source_key,
                source_id || '.' || check_id as check_id,
                'published' as stage,
                * exclude (source_id, stage, check_id)
            from read_parquet(?)
            """,
            [_NOT_APPLICABLE, files],
        )
        names = [str(column[0]) for column in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
