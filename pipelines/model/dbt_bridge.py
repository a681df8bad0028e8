"""dbt inside Dagster: the manifest, the asset keys and groups, and the one ``@dbt_assets``.

How dbt is called belongs here; what the models say is in ``dbt_project``. Annotations are evaluated (no ``__future__``
import), because Dagster checks the type of the context when it wraps the function.
"""

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets
from packaging.version import Version

from pipelines.acquire.source_registry import Source
from pipelines.durable_files import write_text
from pipelines.model.warehouse_file import count_rows, fresh_build_file
from pipelines.problems import ConfigurationError
from pipelines.refresh_progress import RefreshProgress
from pipelines.run_inputs import read_inputs
from pipelines.settings import Settings

MARTS = "marts"
COMPARISON = "comparison"
"""Folder of what is made of finished marts and the release that is served; inside it are layers of their own."""
_LAYERS = ("seeds", "staging", "intermediate", MARTS, COMPARISON)
_THING = {"indicator_values": "indicator_values", "neighbour_sets": "members"}
_VARIABLE = {"indicator_values": "indicator_value_models", "neighbour_sets": "neighbour_set_models"}


class OfflineDbt(DbtCliResource):
    """The dbt command without its version look-up, which asks the package index over the network once per process."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))


class WarehouseTranslator(DagsterDbtTranslator):
    """Asset keys ``<layer>/<name>`` and one group per layer; dbt sources are the assets of the earlier stages."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return ``accepted/<source>`` and the like for dbt sources, ``<layer>/<name>`` for seeds and models."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([_layer(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return ``model_<n>_<layer>``, so that groups sort in the order of the flow."""
        layer = COMPARISON if _compares(dbt_resource_props) else _layer(dbt_resource_props)
        return f"model_{_LAYERS.index(layer) + 1}_{layer}"

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the model's own description, without the SQL that dagster-dbt would add."""
        return str(dbt_resource_props.get("description") or "")


def _layer(props: Mapping[str, Any]) -> str:
    if props["resource_type"] == "seed":
        return "seeds"
    return str(props["fqn"][2 if _compares(props) else 1])


def _compares(props: Mapping[str, Any]) -> bool:
    return props["resource_type"] != "seed" and props["fqn"][1] == COMPARISON


def staging_model(source: Source) -> str:
    """Return the name of a source's staging model: ``stg_<source>__<thing>``."""
    return f"stg_{source.id}__{_THING[source.provides]}"


def dbt_variables(sources: Mapping[str, Source]) -> str:
    """Return the variables of every dbt call as JSON: the staging models that the declarations ask for.

    The same for parsing and building, so that a build may use the project as it was parsed.

    Args:
        sources: Every declared source.

    Returns:
        JSON for ``--vars``.
    """
    return json.dumps(
        {
            variable: [staging_model(source) for source in sources.values() if source.provides == provides]
            for provides, variable in _VARIABLE.items()
        }
    )


def prepare_manifest(
    settings: Settings, sources: Mapping[str, Source], meanwhile: Callable[[], None] = lambda: None
) -> Path:
    """Parse the whole dbt project when anything of it has changed since the last parse.

    Args:
        settings: Folders; the manifest lives in the warehouse, so that parallel warehouses do not share it.
        sources: Every declared source.
        meanwhile: Done while dbt parses in its own process, which takes 5 to 10 s; not done when nothing is parsed.

    Returns:
        The manifest file.

    Raises:
        ConfigurationError: dbt cannot parse the project; dbt's own words are in the message.
    """
    target = _target(settings)
    manifest, stamp = target / "manifest.json", target / "manifest.stamp"
    variables = dbt_variables(sources)
    digest = hashlib.sha256(f"{variables}{importlib.metadata.version('dbt-duckdb')}{settings.warehouse}".encode())
    for folder in (settings.dbt_project, settings.seeds):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".sql", ".yml", ".csv") and "target" not in path.relative_to(folder).parts:
                digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    wanted = digest.hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and _is_whole(manifest):
        return manifest
    target.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    command = [
        *_dbt_command(),
        "parse",
        "--quiet",
        "--no-partial-parse",
        *("--project-dir", str(settings.dbt_project), "--profiles-dir", str(settings.dbt_project)),
        *("--target-path", str(target), "--log-path", str(settings.logs), "--vars", variables),
    ]
    with subprocess.Popen(
        command,
        env={**os.environ, **dbt_environment(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as dbt:
        meanwhile()
        said, _ = dbt.communicate()
    if dbt.returncode != 0 or not manifest.is_file():
        raise ConfigurationError(f"dbt cannot parse {settings.dbt_project.name}:\n{said}")
    write_text(stamp, wanted)
    return manifest


def _is_whole(manifest: Path) -> bool:
    try:
        return "nodes" in json.loads(manifest.read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def dbt_environment(settings: Settings, as_at: str = "", built_at: str = "") -> dict[str, str]:
    """Return the variables that the dbt project reads: folders, the as-at day and the start of the run, no telemetry.

    The day is ISO; the start of the run is ISO in UTC, without a zone.

    dbt's debug log takes 14 MB and one second a build; the log at info level says what ran.
    """
    return {
        "OUTCOMES_AS_AT": as_at,
        "OUTCOMES_BUILT_AT": built_at,
        "OUTCOMES_WAREHOUSE": settings.warehouse.as_posix(),
        "OUTCOMES_BUILD_FILE": settings.build_file.as_posix(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_LOG_PATH": str(settings.logs),
        "DBT_LOG_LEVEL_FILE": "info",
    }


def mart_keys(manifest: Path) -> list[dg.AssetKey]:
    """Return the asset keys of every mart, tables and views, sorted."""
    nodes: dict[str, dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    return sorted(
        dg.AssetKey([MARTS, node["name"]])
        for node in nodes.values()
        if node["resource_type"] == "model" and _layer(node) == MARTS
    )


def model_assets(
    manifest: Path, sources: Mapping[str, Source], settings: Settings, progress: RefreshProgress
) -> dg.AssetsDefinition:
    """Build the one dbt step: seeds, staging, intermediate and marts, with their tests as asset checks.

    Args:
        manifest: As returned by :func:`prepare_manifest`.
        sources: Every declared source.
        settings: Folders.
        progress: Where to report.

    Returns:
        The dbt assets. A failing dbt test of severity error fails the step, and nothing is published.
    """

    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=WarehouseTranslator(),
        name="model",
        required_resource_keys={"one_refresh_at_a_time"},
    )
    def model(context: dg.AssetExecutionContext) -> Iterator[Any]:
        progress.begin("model", "dbt build")
        if not context.is_subset:
            fresh_build_file(settings.build_file)
        inputs = read_inputs(settings.run_inputs_file)
        built_at = inputs.started_at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
        os.environ.update(dbt_environment(settings, inputs.as_at.isoformat(), built_at))
        dbt = OfflineDbt(
            project_dir=str(settings.dbt_project),
            profiles_dir=str(settings.dbt_project),
            dbt_executable=_dbt_command()[0],
        )
        # The parsed project may be used as it is: `prepare_manifest` parsed all of it, and again after any change.
        call = dbt.cli(
            ["build", "--partial-parse", "--vars", dbt_variables(sources)],
            context=context,
            target_path=_target(settings),
            raise_on_error=False,
        )
        # Held until dbt has ended, so that the row counts can go with them: dagster-dbt's own counting keeps a write
        # connection to the build file open in this process.
        events = list(cast("Iterator[object]", call.stream()))
        counts = count_rows(settings.build_file)
        for event in events:
            yield _with_row_count(event, counts)
        if not call.is_successful():
            progress.end("model", "dbt build", "failed")
            raise dg.Failure(description=str(call.get_error() or "dbt build failed"), allow_retries=False)
        progress.end("model", "dbt build", "built", sum(counts[key.path[-1]] for key in mart_keys(manifest)))

    return model


def _with_row_count(event: object, counts: Mapping[str, int]) -> object:
    if not isinstance(event, dg.Output):
        return event
    output = cast("dg.Output[None]", event)
    unique_id = output.metadata.get("unique_id")
    name = unique_id.value.rsplit(".", 1)[-1] if isinstance(unique_id, dg.TextMetadataValue) and unique_id.value else ""
    if name not in counts:
        return output
    return cast("object", output.with_metadata({**output.metadata, "dagster/row_count": counts[name]}))


def build_manifest(settings: Settings) -> Path:
    """Return the manifest of the last build, which knows the relationships between marts."""
    return _target(settings) / "manifest.json"


def _target(settings: Settings) -> Path:
    return settings.warehouse / "dbt"


def _dbt_command() -> list[str]:
    beside = Path(sys.executable).with_name("dbt")
    return [str(beside)] if beside.exists() else ["dbt"]
