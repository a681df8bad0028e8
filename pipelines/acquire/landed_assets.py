"""Dagster assets that land sources: the declarations as tables, and one ``landed/<source>`` each.

Only the wiring belongs here; reading is in ``landing`` and below. A source that cannot be read fails its own check and
leaves a record of the problems for its gate; the run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.acquire.landing import LoadRecord, land
from pipelines.acquire.raw_snapshots import find_releases, known_by
from pipelines.acquire.source_registry import load_sources, write_registry
from pipelines.problems import NOT_YET_RELEASED, Problem, SourceRefused
from pipelines.run_inputs import read_inputs, take_inputs, write_inputs

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pipelines.acquire.source_registry import Source
    from pipelines.refresh_progress import RefreshProgress
    from pipelines.settings import Settings

GROUP = "acquire"
REGISTRY_KEYS = (dg.AssetKey(["registry", "indicators"]), dg.AssetKey(["registry", "sources"]))


def problems_file(settings: Settings, source_id: str) -> Path:
    """Return where the problems of an unreadable load are kept until the next load."""
    return settings.landed / f"{source_id}.problems.json"


def read_problems(settings: Settings, source_id: str) -> tuple[Problem, ...]:
    """Return why the last load of a source could not be read; empty when it could."""
    path = problems_file(settings, source_id)
    if not path.is_file():
        return ()
    return tuple(Problem(**found) for found in json.loads(path.read_text(encoding="utf-8")))


def _land_what_was_known(source: Source, settings: Settings) -> LoadRecord:
    """Land every release, or, for a day that is over, the releases that were at hand on that day.

    Raises:
        SourceRefused: As ``land`` says; with :data:`NOT_YET_RELEASED` when nothing of the source was at hand.
    """
    inputs = read_inputs(settings.run_inputs_file)
    releases = find_releases(settings.raw, source.id)
    if not inputs.looks_back:
        return land(source, releases, settings.landed)
    known = known_by(releases, inputs.as_at)
    if releases and not known:
        day = f"{inputs.as_at:%-d %B %Y}"
        raise SourceRefused(
            source.id,
            (Problem(NOT_YET_RELEASED, f"No release was at hand on {day}.", "Nothing to do: the day looks back."),),
        )
    # A table that came later has no file yet.
    return land(source, known, settings.landed, every_table=known == releases)


def declared_sources_asset(settings: Settings, as_at: date | None) -> dg.AssetsDefinition:
    """Build the first asset of a run: it fixes the inputs and writes the declarations as tables.

    Args:
        settings: Folders.
        as_at: The day the release speaks for; ``None`` for the day of the run.

    Returns:
        A multi-asset with the keys of :data:`REGISTRY_KEYS`.
    """

    @dg.multi_asset(
        name="declared_sources",
        group_name=GROUP,
        required_resource_keys={"one_refresh_at_a_time"},
        specs=[
            dg.AssetSpec(
                key, description=f"The declared {key.path[-1]} (pipelines/acquire/sources) as a table.", kinds={"yaml"}
            )
            for key in REGISTRY_KEYS
        ],
    )
    def declared_sources() -> Iterator[dg.MaterializeResult[Any]]:
        write_inputs(settings.run_inputs_file, take_inputs(settings, as_at))
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
        problems_at = problems_file(settings, source.id)
        try:
            record = _land_what_was_known(source, settings)
        except SourceRefused as refused:
            settings.landed.mkdir(parents=True, exist_ok=True)
            problems_at.write_text(json.dumps([asdict(problem) for problem in refused.problems]), encoding="utf-8")
            progress.end("acquire", source.id, "refused", 0)
            yield dg.MaterializeResult(
                asset_key=key, metadata={"dagster/row_count": 0, "state": "refused: see the check"}
            )
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name="readable",
                passed=False,
                severity=dg.AssetCheckSeverity.ERROR,
                description=str(refused.problems[0]),
                metadata={"problems": dg.MetadataValue.md("\n".join(f"- {problem}" for problem in refused.problems))},
            )
            return
        problems_at.unlink(missing_ok=True)
        progress.end("acquire", source.id, "landed", record.rows)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": record.rows,
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
