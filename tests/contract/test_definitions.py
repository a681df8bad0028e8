"""The graph that Dagster sees: assets in the order of the flow, the right gates block, the schedule is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from pipelines.acquire.landed_assets import LIVE_KEY, REGISTRY_KEYS
from pipelines.acquire.source_registry import load_sources
from pipelines.check.published_gates import published_suites
from pipelines.check.register_lint import register_suites
from pipelines.definitions import JOB, LIVE_JOB, build_defs
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = [
    "acquire",
    "check",
    "model_1_seeds",
    "model_2_staging",
    "model_3_intermediate",
    "model_4_marts",
    "model_5_comparison",
    "publish",
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    project: Path = Settings.from_environment().project
    return Settings(project=project, warehouse=tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> dg.Definitions:
    return build_defs(settings)


def test_groups_sort_in_the_order_of_the_flow(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = sorted({node.group_name for node in graph.asset_nodes})
    assert found == GROUPS
    for node in graph.asset_nodes:
        for parent in graph.get(node.key).parent_keys:
            assert GROUPS.index(graph.get(parent).group_name) <= GROUPS.index(node.group_name), (parent, node.key)


def test_every_source_is_landed_and_accepted_and_everything_is_described(
    definitions: dg.Definitions, settings: Settings
) -> None:
    graph = definitions.resolve_asset_graph()
    for source_id in load_sources(settings.sources):
        assert graph.has(dg.AssetKey(["landed", source_id]))
        assert graph.has(dg.AssetKey(["accepted", source_id]))
    assert [node.key for node in graph.asset_nodes if not node.description] == []


def test_a_source_gate_does_not_block_and_those_of_register_and_marts_do(
    definitions: dg.Definitions, settings: Settings
) -> None:
    graph = definitions.resolve_asset_graph()
    gates = {key: graph.get(key).blocking for key in graph.asset_check_keys if key.name == "gate"}
    sources = {dg.AssetKey(["accepted", source_id]) for source_id in load_sources(settings.sources)}
    marts = {dg.AssetKey(["marts", suite.stem]) for suite in published_suites(settings)}
    register = {dg.AssetKey(["register", seed]) for seed in register_suites(settings)}
    assert {key.asset_key for key, blocking in gates.items() if not blocking} == sources
    assert {key.asset_key for key, blocking in gates.items() if blocking} == marts | register


def test_nothing_is_modelled_before_the_register_is_checked(definitions: dg.Definitions, settings: Settings) -> None:
    """The log of the gates waits for the register, and the step that models, which is one, waits for the log."""
    graph = definitions.resolve_asset_graph()
    log = dg.AssetKey(["check_log", "checks"])
    assert {dg.AssetKey(["register", seed]) for seed in register_suites(settings)} <= graph.get(log).parent_keys
    modelled = [node for node in graph.asset_nodes if node.group_name and node.group_name.startswith("model_")]
    assert len({node.assets_def.op.name for node in modelled}) == 1
    assert any(log in node.parent_keys for node in modelled)


def test_the_served_file_waits_for_every_mart(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    marts = {node.key for node in graph.asset_nodes if node.key.path[0] == "marts"}
    assert graph.get(dg.AssetKey(["published", "outcomes"])).parent_keys == marts


def test_the_job_runs_everything_and_the_schedule_is_off(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def(JOB)
    graph = definitions.resolve_asset_graph()
    live = definitions.resolve_job_def(LIVE_JOB)
    everything = {node.key for node in graph.asset_nodes}
    assert live.asset_layer.selected_asset_keys == everything
    assert job.asset_layer.selected_asset_keys == everything - {LIVE_KEY}
    # What is fetched is there before the inputs of the run are fixed.
    assert {LIVE_KEY} <= {key for one in REGISTRY_KEYS for key in graph.get(one).parent_keys}
    schedule = definitions.resolve_schedule_def("daily_refresh")
    assert schedule.execution_timezone == "Europe/London"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == JOB
