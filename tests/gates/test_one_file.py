"""What `outcomes check` says of a file that nobody has filed yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipelines.check.one_file import check_file
from pipelines.problems import ConfigurationError
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=Settings.from_environment().project, warehouse=tmp_path / "warehouse")


def test_a_good_file_is_accepted_and_nothing_is_kept(settings: Settings) -> None:
    outcome = check_file(settings.raw / "trafford_neighbours/2026-05/cssn.csv", "trafford_neighbours", settings, NOW)
    assert outcome.accepted
    assert (outcome.load.landed_rows, outcome.load.staged_rows) == (10, 10)
    assert not settings.warehouse.exists()


def test_an_unknown_neighbour_would_be_quarantined(settings: Settings, tmp_path: Path) -> None:
    good = (settings.raw / "trafford_neighbours/2026-05/cssn.csv").read_text(encoding="utf-8")
    file = tmp_path / "cssn.csv"
    file.write_text(f"{good.rstrip()}\nE99999999,Atlantis\n", encoding="utf-8")
    outcome = check_file(file, "trafford_neighbours", settings, NOW)
    found = {one.check_id: one.observed for one in outcome.results if one.outcome == "quarantined"}
    assert outcome.load.quarantined_rows == 1
    assert "row 12" in found["neighbour_known"]
    assert "E99999999" in found["neighbour_known"]


def test_a_file_of_another_layout_is_refused_with_its_columns(settings: Settings) -> None:
    outcome = check_file(settings.raw / "trafford_neighbours/2026-05/cssn.csv", "fingertips", settings, NOW)
    [readable] = outcome.results
    assert not outcome.accepted
    assert (readable.check_id, readable.outcome) == ("readable", "blocked")
    assert "Indicator ID" in readable.observed


def test_a_source_that_nobody_declared_is_named_with_those_that_are(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"'atlantis'.*fingertips, trafford_jsna"):
        check_file(settings.raw / "trafford_neighbours/2026-05/cssn.csv", "atlantis", settings, NOW)
