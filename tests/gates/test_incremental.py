"""Only what changed is read and gated again, and what was damaged is put right, whatever the damage.

Two small real sources go through landing and gate as in a refresh. That the two steps do their work is tested beside
them; here it counts when they do it, and what is left.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.acquire.landing_state import Landing, land_if_changed
from pipelines.acquire.source_registry import Source, load_sources, write_registry
from pipelines.check.gate_state import Gating, gate_if_changed, read_gate_state
from pipelines.problems import OutcomesError
from pipelines.publish.archive_release import keep_inputs
from pipelines.release_archive import Archive
from pipelines.run_inputs import changed_since, take_inputs
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
RATES, POPULATION = "ukhsa_bacteraemia", "ons_subnational"
FILE = "ukhsa_bacteraemia/2024-10/bacteraemia_rates_by_icb.csv"
FIRST = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
DAY = date(2026, 11, 26)


@dataclass
class Project:
    """A project of two sources and its warehouse; each call of ``run`` is the acquire and check stage of a refresh."""

    settings: Settings
    runs: int = 0

    def run(self) -> dict[str, tuple[Landing, Gating]]:
        self.runs += 1
        inputs = take_inputs(self.settings, DAY, FIRST.replace(hour=6 + self.runs))
        sources = load_sources(self.settings.sources)
        write_registry(sources, self.settings.registry)
        return {
            source_id: (
                land_if_changed(source, self.settings, inputs),
                gate_if_changed(source, self.settings, inputs, engine="duckdb"),
            )
            for source_id, source in sources.items()
        }

    def done(self) -> dict[str, str]:
        """Run, and say for each source which of the two steps did something."""
        steps = {True: "-", False: "done"}
        return {
            source_id: f"{steps[landing.is_unchanged]} {steps[gating.is_unchanged]}"
            for source_id, (landing, gating) in self.run().items()
        }

    def accepted(self, source_id: str) -> Path:
        return self.settings.accepted / f"{source_id}.parquet"

    def refile(self, content: bytes, rows: int = 252) -> None:
        """Replace the file of rates and have its passport vouch for it."""
        path = self.settings.raw / FILE
        path.write_bytes(content)
        passport = path.with_name("passport.yml")
        described = yaml.safe_load(passport.read_text(encoding="utf-8"))
        described["files"][0] |= {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "rows": rows,
        }
        passport.write_text(yaml.safe_dump(described), encoding="utf-8")


@pytest.fixture(scope="module")
def after_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project and its warehouse after one run."""
    base = tmp_path_factory.mktemp("incremental")
    root = base / "project"
    for folder in (f"data/raw/{RATES}", f"data/raw/{POPULATION}", "data/seeds", "expectations"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    sources = root / "pipelines" / "acquire" / "sources"
    sources.mkdir(parents=True)
    for source_id in (RATES, POPULATION):
        shutil.copy(REPOSITORY / "pipelines" / "acquire" / "sources" / f"{source_id}.yml", sources)
    assert Project(Settings(root, base / "warehouse")).done() == {RATES: "done done", POPULATION: "done done"}
    return base


@pytest.fixture
def project(after_a_run: Path, tmp_path: Path) -> Project:
    """A copy of it."""
    for part in ("project", "warehouse"):
        shutil.copytree(after_a_run / part, tmp_path / part)
    return Project(Settings(tmp_path / "project", tmp_path / "warehouse"), runs=1)


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_over_the_same_input_does_nothing_and_says_the_same(project: Project) -> None:
    left = bytes_below(project.settings.warehouse)
    first = project.run()
    again = project.run()
    assert {one: (landing.is_unchanged, gating.is_unchanged) for one, (landing, gating) in again.items()} == {
        RATES: (True, True),
        POPULATION: (True, True),
    }
    for source_id, (landing, gating) in again.items():
        assert landing.record == first[source_id][0].record
        assert gating.outcome.load == first[source_id][1].outcome.load
        assert gating.outcome.results == first[source_id][1].outcome.results
    assert {name: data for name, data in bytes_below(project.settings.warehouse).items() if "registry" not in name} == {
        name: data for name, data in left.items() if "registry" not in name
    }


def test_one_changed_source_is_read_and_gated_alone(project: Project) -> None:
    changed = (project.settings.raw / FILE).read_bytes().replace(b"Integrated Care Board", b"ICB", 1)
    assert changed != (project.settings.raw / FILE).read_bytes()
    project.refile(changed)
    assert project.done() == {RATES: "done done", POPULATION: "- -"}
    assert project.done() == {RATES: "- -", POPULATION: "- -"}


def test_a_passport_counts_and_a_new_declaration_too(project: Project) -> None:
    passport = project.settings.raw / FILE.replace("bacteraemia_rates_by_icb.csv", "passport.yml")
    passport.write_text(passport.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    # The bytes that landed are the same, so the gate has nothing new to look at.
    assert project.done() == {RATES: "done -", POPULATION: "- -"}
    declaration = project.settings.sources / f"{RATES}.yml"
    declaration.write_text(declaration.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert project.done() == {RATES: "done done", POPULATION: "- -"}


@pytest.mark.parametrize(
    ("file", "gated_again"),
    [
        (f"expectations/landed/{RATES}.json", {RATES}),
        ("expectations/shared/indicator_values.json", {RATES, POPULATION}),
        ("data/seeds/areas.csv", {RATES, POPULATION}),
        ("data/seeds/commitments.csv", set[str]()),
        ("expectations/published/v_scorecard.json", set[str]()),
    ],
)
def test_what_the_rules_read_has_them_put_again(project: Project, file: str, gated_again: set[str]) -> None:
    path = project.settings.project / file
    path.write_bytes(path.read_bytes() + b"\n")
    assert project.done() == {one: "- done" if one in gated_again else "- -" for one in (RATES, POPULATION)}


def test_a_day_that_is_over_is_landed_for_itself(project: Project) -> None:
    source = load_sources(project.settings.sources)[RATES]
    inputs = replace(take_inputs(project.settings, date(2024, 12, 1), FIRST))
    assert not land_if_changed(source, project.settings, inputs).is_unchanged


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_text(path: Path) -> None:
    path.write_text("not a table", encoding="utf-8")


def delete(path: Path) -> None:
    path.unlink()


DAMAGE = [truncate, empty, replace_by_text, delete]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_landed_data_are_landed_again(project: Project, damage: Callable[[Path], None]) -> None:
    landed = project.settings.landed / f"{RATES}.parquet"
    before = landed.read_bytes()
    damage(landed)
    assert project.done() == {RATES: "done -", POPULATION: "- -"}
    assert landed.read_bytes() == before


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("what", ["accepted", "quarantine", "load", "checks"])
def test_damage_to_what_a_gate_left_is_mended_from_the_archive(
    project: Project, damage: Callable[[Path], None], what: str
) -> None:
    settings = project.settings
    path = {
        "accepted": project.accepted(RATES),
        "quarantine": settings.quarantine / f"{RATES}.parquet",
        "load": settings.check_log / f"{RATES}.load.parquet",
        "checks": settings.check_log / f"{RATES}.checks.parquet",
    }[what]
    before = path.read_bytes()
    damage(path)
    assert project.done() == {RATES: "- -", POPULATION: "- -"}
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", DAMAGE)
def test_without_the_archive_the_source_is_gated_again_from_what_was_landed(
    project: Project, damage: Callable[[Path], None]
) -> None:
    before = pl.read_parquet(project.accepted(RATES))
    shutil.rmtree(project.settings.history)
    damage(project.accepted(RATES))
    assert project.done() == {RATES: "- done", POPULATION: "- -"}
    assert pl.read_parquet(project.accepted(RATES)).equals(before)


@pytest.mark.parametrize("damage", DAMAGE)
def test_last_good_data_of_a_refused_source_are_had_back(project: Project, damage: Callable[[Path], None]) -> None:
    good = project.accepted(RATES).read_bytes()
    project.refile((project.settings.raw / FILE).read_bytes().replace(b"Species,", b"Organism,", 1))
    landing, gating = project.run()[RATES]
    assert landing.record is None
    assert (gating.outcome.load.load_state, gating.outcome.load.is_stale) == ("refused", 1)
    damage(project.accepted(RATES))
    assert project.done() == {RATES: "- -", POPULATION: "- -"}
    assert project.accepted(RATES).read_bytes() == good


def test_a_refused_source_is_not_read_again_until_it_changes_and_then_is(project: Project) -> None:
    good = (project.settings.raw / FILE).read_bytes()
    project.refile(good.replace(b"Species,", b"Organism,", 1))
    assert project.done() == {RATES: "done done", POPULATION: "- -"}
    landing, gating = project.run()[RATES]
    assert landing.is_unchanged
    assert gating.is_unchanged
    assert [problem.rule for problem in landing.problems] == ["unknown_column", "missing_column"]
    assert gating.outcome.results[0].check_id == "readable"
    project.refile(good)
    landing, gating = project.run()[RATES]
    assert (landing.is_unchanged, gating.is_unchanged) == (False, False)
    assert gating.outcome.accepted


def test_a_gate_that_was_cut_off_half_way_begins_again_with_the_data_it_had(project: Project) -> None:
    accepted_before = hashlib.sha256(project.accepted(RATES).read_bytes()).hexdigest()
    project.refile((project.settings.raw / FILE).read_bytes().replace(b"Integrated Care Board", b"ICB", 1))
    noted = (project.settings.check_log / f"{RATES}.gate.json").read_bytes()
    project.run()
    clean = bytes_below(project.settings.check_log) | bytes_below(project.settings.accepted)
    # As if the process had died after the new data were promoted, and before that was noted.
    (project.settings.check_log / f"{RATES}.gate.json").write_bytes(noted)
    project.runs -= 1
    assert project.done() == {RATES: "- done", POPULATION: "- -"}
    assert bytes_below(project.settings.check_log) | bytes_below(project.settings.accepted) == clean
    state = read_gate_state(project.settings, RATES)
    assert state is not None
    assert state.accepted_before == accepted_before


@pytest.mark.parametrize("note", ["{RATES}.gate.json", "{RATES}.landing.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key": 1}', b"\xff\xfe"])
def test_an_unreadable_note_means_that_the_step_is_done_again(project: Project, note: str, content: bytes) -> None:
    folder = project.settings.check_log if "gate" in note else project.settings.landed
    (folder / note.replace("{RATES}", RATES)).write_bytes(content)
    expected = "- done" if "gate" in note else "done -"
    assert project.done() == {RATES: expected, POPULATION: "- -"}


def test_a_source_that_was_not_landed_cannot_be_gated(project: Project) -> None:
    shutil.rmtree(project.settings.landed)
    source: Source = load_sources(project.settings.sources)[RATES]
    write_registry({RATES: source}, project.settings.registry)
    with pytest.raises(OutcomesError, match=f"materialise landed/{RATES} first"):
        gate_if_changed(source, project.settings, take_inputs(project.settings, DAY, FIRST), engine="duckdb")


def test_notes_hold_no_path_of_the_machine(project: Project, tmp_path: Path) -> None:
    notes: list[Any] = []
    for path in (*project.settings.landed.glob("*.json"), *project.settings.check_log.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        notes.append(json.loads(text))
    assert len(notes) == 4


def test_a_release_that_arrives_under_way_is_news_for_the_next_run(project: Project) -> None:
    settings = project.settings
    source = load_sources(settings.sources)[RATES]
    inputs = take_inputs(settings, DAY, FIRST)
    shutil.copytree(settings.raw / RATES / "2024-10", settings.raw / RATES / "2025-10")
    (settings.landed / f"{RATES}.landing.json").unlink()
    landing = land_if_changed(source, settings, inputs)
    assert landing.record is not None
    assert landing.record.releases == ("2024-10",)
    landing = land_if_changed(source, settings, take_inputs(settings, DAY, FIRST))
    assert landing.record is not None
    assert landing.record.releases == ("2024-10", "2025-10")


def test_a_file_that_changes_under_way_refuses_its_source_and_is_read_again_afterwards(project: Project) -> None:
    settings = project.settings
    source = load_sources(settings.sources)[RATES]
    good = project.accepted(RATES).read_bytes()
    inputs = take_inputs(settings, DAY, FIRST)
    project.refile((settings.raw / FILE).read_bytes().replace(b"Integrated Care Board", b"ICB", 1))
    (settings.landed / f"{RATES}.landing.json").unlink()
    landing = land_if_changed(source, settings, inputs)
    assert landing.record is None
    assert {problem.rule for problem in landing.problems} == {"changed_while_read"}
    gating = gate_if_changed(source, settings, inputs, engine="duckdb")
    assert (gating.outcome.load.load_state, gating.outcome.load.is_stale) == ("refused", 1)
    assert project.accepted(RATES).read_bytes() == good
    assert project.done() == {RATES: "done done", POPULATION: "- -"}
    assert gate_if_changed(source, settings, take_inputs(settings, DAY, FIRST), engine="duckdb").outcome.accepted


def test_inputs_are_kept_as_they_were_when_the_run_began(project: Project, tmp_path: Path) -> None:
    settings = project.settings
    inputs = take_inputs(settings, DAY, FIRST)
    keep_inputs(settings, inputs)
    before = (settings.raw / FILE).read_bytes()
    (settings.raw / FILE).write_bytes(b"overwritten")
    Archive(settings.history).restore(inputs.files[f"data/raw/{FILE}"], tmp_path / "copy.csv")
    assert (tmp_path / "copy.csv").read_bytes() == before


def test_inputs_that_move_while_they_are_kept_are_an_error(project: Project) -> None:
    inputs = take_inputs(project.settings, DAY, FIRST)
    (project.settings.seeds / "areas.csv").write_bytes(b"area_code\n")
    with pytest.raises(OutcomesError, match=r"data/seeds/areas\.csv changed while the refresh began"):
        keep_inputs(project.settings, inputs)


def test_what_moved_since_the_start_is_known_and_raw_data_do_not_count(project: Project) -> None:
    settings = project.settings
    inputs = take_inputs(settings, DAY, FIRST)
    assert changed_since(settings, inputs) == []
    (settings.raw / FILE).write_bytes(b"overwritten")
    (settings.raw / RATES / "new.csv").write_bytes(b"new")
    assert changed_since(settings, inputs) == []
    (settings.seeds / "areas.csv").write_bytes(b"area_code\n")
    (settings.expectations / "landed" / "new.json").write_bytes(b"{}")
    (settings.sources / f"{POPULATION}.yml").unlink()
    assert changed_since(settings, inputs) == [
        "data/seeds/areas.csv",
        "expectations/landed/new.json",
        f"pipelines/acquire/sources/{POPULATION}.yml",
    ]
