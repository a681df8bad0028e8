"""The pipeline in the browser: the graph, a refused load with its failing rows, and the schedule's switch.

What a person sees and can do at `outcomes ui` belongs here, and that nobody else can reach it. What the gate decides is
tested beside the gate.
"""

from __future__ import annotations

import importlib
import itertools
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from pipelines.cli import outcomes

pytestmark = pytest.mark.slow

STAGES = ("acquire", "check", "model_1_seeds", "model_2_staging", "model_3_intermediate", "model_4_marts", "publish")
SOURCE = "trafford_localities"
FAILED_RULE = "localities_sum_to_borough"
SCHEDULE = "daily_refresh"
PATIENCE = 60_000

# The types of the fixtures are in conftest, which tests do not import.
Ui = Any
Page = Any


def expect(found: Any) -> Any:
    return importlib.import_module("playwright.sync_api").expect(found)


def state_of_schedule(ui: Ui) -> str | None:
    """Return what the instance, and so the daemon, has been told of the schedule; None if nobody ever switched it."""
    with dg.DagsterInstance.from_config(str(ui.settings.dagster_home)) as instance:
        found = [one.status.value for one in instance.all_instigator_state() if one.name == SCHEDULE]
    assert len(found) < 2
    return found[0] if found else None


def wait_for_state(page: Page, ui: Ui, wanted: str) -> None:
    for _ in range(100):
        if state_of_schedule(ui) == wanted:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"the instance says {state_of_schedule(ui)!r}, not {wanted!r}")


def test_nothing_listens_beyond_this_machine(ui: Ui, listening: Any) -> None:
    found = listening()
    assert {host for host, _ in found} <= {"127.0.0.1", "::1"}
    # The server that was asked for is among them, so that an empty look cannot pass.
    assert int(ui.address.rpartition(":")[2]) in {port for _, port in found}


def test_the_graph_shows_every_stage(page: Page, ui: Ui, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{ui.address}/asset-groups")
    for stage in STAGES:
        expect(page.get_by_text(stage, exact=True).first).to_be_visible(timeout=PATIENCE)
    page.screenshot(path=tmp_path / "graph.png", animations="disabled")
    elsewhere = [url for url in asked if not url.startswith((ui.address, "data:", "blob:", "ws://127.0.0.1:"))]
    assert asked
    assert elsewhere == []


def test_a_refused_load_shows_its_failing_rows(page: Page, ui: Ui, tmp_path: Path) -> None:
    page.goto(f"{ui.address}/assets/accepted/{SOURCE}?view=checks&checkDetail=gate")
    expect(page.get_by_text("Evaluation result")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text("localities sum to 188,493, difference 48,861").first).to_be_visible()
    expect(page.get_by_text(FAILED_RULE, exact=True).first).to_be_visible()
    page.screenshot(path=tmp_path / "gate.png", animations="disabled", full_page=True)

    page.get_by_text("[Show JSON]").first.click()
    rows = page.get_by_role("dialog")
    expect(rows).to_contain_text(FAILED_RULE)
    expect(rows).to_contain_text("188493")
    page.screenshot(path=tmp_path / "failing_rows.png", animations="disabled")


def test_the_schedule_is_switched_on_and_off(page: Page, ui: Ui, tmp_path: Path) -> None:
    assert state_of_schedule(ui) != "RUNNING"
    page.goto(f"{ui.address}/locations/__repository__@pipelines.definitions/schedules/{SCHEDULE}")
    switch = page.get_by_role("checkbox")
    expect(page.get_by_text("Europe/London")).to_be_visible(timeout=PATIENCE)
    expect(switch).not_to_be_checked()

    # The box itself is hidden under its drawing.
    switch.dispatch_event("click")
    expect(switch).to_be_checked(timeout=PATIENCE)
    wait_for_state(page, ui, "RUNNING")
    page.screenshot(path=tmp_path / "switched_on.png", animations="disabled")

    switch.dispatch_event("click")
    expect(switch).not_to_be_checked(timeout=PATIENCE)
    wait_for_state(page, ui, "STOPPED")


def test_the_command_names_this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What `outcomes ui` becomes, whatever the environment says of hosts."""
    became: list[list[str]] = []
    here = Path.cwd()
    for name, text in {"OUTCOMES_WAREHOUSE": str(tmp_path), "DAGSTER_HOME": "", "HOST": "0.0.0.0"}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(os, "execv", lambda _, arguments: became.append(arguments))
    try:
        CliRunner().invoke(outcomes, ["ui", "--port", "4567"], catch_exceptions=False)
    finally:
        os.chdir(here)
    [command] = became
    hosts = [text for flag, text in itertools.pairwise(command) if flag in ("-h", "--host")]
    assert hosts == ["127.0.0.1"]
    assert command[-2:] == ["-p", "4567"]
