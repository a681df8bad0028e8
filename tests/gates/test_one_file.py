"""What `outcomes check` says of a file that nobody has filed yet."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import loose_release
from pipelines.acquire.source_registry import load_sources
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
    outcome = check_file(
        settings.raw / "trafford_neighbours/2026-05/cssn.csv", "trafford_neighbours", settings, NOW
    ).outcome
    assert outcome.accepted
    assert (outcome.load.landed_rows, outcome.load.staged_rows) == (10, 10)
    assert not settings.warehouse.exists()


def test_an_unknown_neighbour_would_be_quarantined(settings: Settings, tmp_path: Path) -> None:
    good = (settings.raw / "trafford_neighbours/2026-05/cssn.csv").read_text(encoding="utf-8")
    file = tmp_path / "cssn.csv"
    file.write_text(f"{good.rstrip()}\nE99999999,Atlantis\n", encoding="utf-8")
    outcome = check_file(file, "trafford_neighbours", settings, NOW).outcome
    found = {one.check_id: one.observed for one in outcome.results if one.outcome == "quarantined"}
    assert outcome.load.quarantined_rows == 1
    assert "row 12" in found["neighbour_known"]
    assert "E99999999" in found["neighbour_known"]


def test_a_file_of_another_layout_is_refused_with_its_columns(settings: Settings) -> None:
    outcome = check_file(settings.raw / "trafford_neighbours/2026-05/cssn.csv", "fingertips", settings, NOW).outcome
    readable, *unasked = outcome.results
    assert {one.outcome for one in unasked} == {"not_evaluated"}
    assert not outcome.accepted
    assert (readable.check_id, readable.outcome) == ("readable", "blocked")
    assert "Indicator ID" in readable.observed


def test_a_source_that_nobody_declared_is_named_with_those_that_are(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"'atlantis'.*fingertips, .*trafford_jsna"):
        check_file(settings.raw / "trafford_neighbours/2026-05/cssn.csv", "atlantis", settings, NOW)


def test_it_says_what_the_file_is_and_what_of_it_is_new(settings: Settings, tmp_path: Path) -> None:
    original = settings.raw / "fingertips/2024-10/smoking_qof_91547.csv"
    first = check_file(original, "fingertips", settings, NOW)
    assert first.summary is not None
    assert first.summary.news == (("Served", "nothing of this source: everything in the file is new"),)
    contents = dict(first.summary.contents)
    assert contents["Indicators"] == "91547 Smoking prevalence in adults (15+) - current smokers (QOF) (4,137)"
    assert contents["Periods"].startswith("2013/14 to 2022/23, 10 of them")

    settings.accepted.mkdir(parents=True)
    source = load_sources(settings.sources)["fingertips"]
    land(source, [loose_release("fingertips", original)], settings.accepted, every_table=False)
    lines = original.read_text(encoding="utf-8").splitlines(keepends=True)
    revised = lines[1].replace(",19.17076526,", ",19.17,")
    assert revised != lines[1]
    new_period = lines[1].replace("2013/14", "2099/00").replace("20130000", "20990000")
    file = tmp_path / "smoking_revised.csv"
    file.write_text("".join([lines[0], revised, lines[2], new_period]), encoding="utf-8")
    second = check_file(file, "fingertips", settings, NOW)
    assert second.summary is not None
    news = dict(second.summary.news)
    assert news["New periods"] == "1: 91547 2099/00"
    assert news["New areas"] == "none"
    assert news["Figures"] == "1 served already with the same value, 1 with another value, 1 not served yet"
    assert news["This file"] == "is not filed"
    again = check_file(original, "fingertips", settings, NOW).summary
    assert again is not None
    assert dict(again.news)["This file"].startswith("is filed already, as fingertips/")
    assert news["Revised"] == "91547 E92000001 2013/14: 19.17, served 19.1708"


def test_rules_about_a_whole_load_are_not_asked_of_one_file_and_it_says_so(settings: Settings) -> None:
    checked = check_file(settings.raw / "fingertips/2024-10/smoking_qof_91547.csv", "fingertips", settings, NOW)
    asked = {one.check_id for one in checked.outcome.results}
    assert "fewer_areas_than_last_load" in checked.not_asked
    assert asked.isdisjoint(checked.not_asked)


def test_the_command_answers_without_great_expectations(settings: Settings) -> None:
    """Its import alone takes five seconds, and a person is waiting."""
    file = settings.raw / "fingertips/2024-10/smoking_qof_91547.csv"
    program = (
        "import atexit, sys\n"
        "heavy = {'great_expectations', 'dagster', 'dbt', 'sqlalchemy', 'pandas'}\n"
        "atexit.register(lambda: print('imported:', sorted(heavy & set(sys.modules))))\n"
        f"sys.argv = ['outcomes', 'check', {str(file)!r}, '--source', 'fingertips']\n"
        "from pipelines.cli import main\n"
        "main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "imported: []" in ran.stdout
    assert "What it is" in ran.stdout
    assert "What is new" in ran.stdout
    assert "Not asked of a single file" in ran.stdout
