"""What makes a refresh necessary, and what does not.

The fingerprint of a run's inputs and the question whether there is anything new belong here, over a project of a few
files. That a refresh with nothing new leaves every file alone is shown end to end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.problems import OutcomesError
from pipelines.refresh import has_news
from pipelines.run_inputs import (
    LastRun,
    RunInputs,
    dates_passed,
    read_inputs,
    read_last_run,
    take_inputs,
    write_inputs,
    write_last_run,
)
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 22)
FILES = {
    "data/raw/fingertips/2024-10/smoking.csv": "Area Code,Value\nE08000009,11.9777\n",
    "data/raw/fingertips/2024-10/passport.yml": "publisher: OHID\n",
    "data/seeds/areas.csv": "area_code,area_name\nE08000009,Trafford\n",
    "data/seeds/commitments.csv": "commitment_id,due_date,valid_from,valid_to\n"
    "no-dates,,,\nfewer-smokers,2027-04-01,2024-01-01,2027-07-01\n",
    "data/seeds/milestone_progress.csv": "commitment_id,recorded_on,state\nfewer-smokers,2027-10-01,done\n",
    "pipelines/acquire/sources/fingertips.yml": "id: fingertips\n",
    "pipelines/refresh.py": "STEPS = 5\n",
    "dbt_project/dbt_project.yml": "name: outcomes\n",
    "dbt_project/profiles.yml": "outcomes: {}\n",
    "dbt_project/models/marts/dim_area.sql": "select 1\n",
    "dbt_project/macros/display.sql": "{% macro one() %}1{% endmacro %}\n",
    "expectations/landed/fingertips.json": "{}\n",
    "requirements.lock": "duckdb==2.0.0\n",
}
EVERY_KIND = sorted(FILES)
NOT_INPUTS = [
    "pipelines/__pycache__/refresh.cpython-311.pyc",
    "pipelines/acquire/stray.pyc",
    "dbt_project/target/manifest.json",
    "dbt_project/logs/dbt.log",
    "warehouse/outcomes.duckdb",
    "README.md",
    "tests/unit/test_something.py",
]


def write(project: Path, name: str, text: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    project = tmp_path / "project"
    for name, text in FILES.items():
        write(project, name, text)
    return Settings(project=project, warehouse=project / "warehouse")


@pytest.fixture
def served(settings: Settings) -> Callable[[date], None]:
    """Return a function that records a run over the present inputs as the one behind the served file."""

    def record(day: date) -> None:
        settings.warehouse.mkdir(exist_ok=True)
        settings.served_file.write_bytes(b"a release")
        write_last_run(
            settings.state_file, LastRun(take_inputs(settings, day).fingerprint, "20261122T153000Z-1a2b3c4d")
        )

    return record


class TestFingerprint:
    @pytest.mark.parametrize("name", EVERY_KIND)
    def test_changes_with_the_bytes_of_every_input(self, settings: Settings, name: str):
        before = take_inputs(settings, DAY)
        write(settings.project, name, FILES[name] + " ")
        assert take_inputs(settings, DAY).fingerprint != before.fingerprint

    @pytest.mark.parametrize("name", EVERY_KIND)
    def test_changes_when_an_input_disappears(self, settings: Settings, name: str):
        before = take_inputs(settings, DAY)
        (settings.project / name).unlink()
        assert take_inputs(settings, DAY).fingerprint != before.fingerprint

    @pytest.mark.parametrize(
        "name",
        [
            "data/raw/fingertips/2025-10/smoking.csv",
            "data/seeds/known_issues.csv",
            "expectations/published/dim_area.json",
            "dbt_project/tests/no_orphans.sql",
            "dbt_project/models/staging/new/stg_new__values.sql",
            "pipelines/acquire/sources/new.yml",
        ],
    )
    def test_changes_with_a_new_file(self, settings: Settings, name: str):
        before = take_inputs(settings, DAY)
        write(settings.project, name, "")
        assert take_inputs(settings, DAY).fingerprint != before.fingerprint

    @pytest.mark.parametrize("folder", ["data/raw/fingertips/2024-10", "dbt_project/models/marts"])
    def test_changes_with_the_name_of_a_file(self, settings: Settings, folder: str):
        before = take_inputs(settings, DAY)
        file = next(path for path in sorted((settings.project / folder).iterdir()) if path.suffix != ".yml")
        file.rename(file.with_name("renamed" + file.suffix))
        assert take_inputs(settings, DAY).fingerprint != before.fingerprint

    @pytest.mark.parametrize("name", NOT_INPUTS)
    def test_ignores_what_is_generated_or_only_documents(self, settings: Settings, name: str):
        before = take_inputs(settings, DAY)
        write(settings.project, name, "anything")
        assert take_inputs(settings, DAY, before.started_at) == before

    def test_is_the_same_in_another_folder_and_at_another_time(self, settings: Settings, tmp_path: Path):
        elsewhere = tmp_path / "elsewhere"
        for name in reversed(EVERY_KIND):
            write(elsewhere, name, FILES[name])
        other = Settings(project=elsewhere, warehouse=tmp_path / "warehouse")
        assert take_inputs(other, DAY).fingerprint == take_inputs(settings, DAY).fingerprint

    def test_code_version_is_of_the_code_alone(self, settings: Settings):
        before = take_inputs(settings, DAY)
        write(settings.project, "data/seeds/areas.csv", "area_code\n")
        assert take_inputs(settings, DAY).code_version == before.code_version
        write(settings.project, "pipelines/refresh.py", "STEPS = 6\n")
        assert take_inputs(settings, DAY).code_version != before.code_version


class TestDays:
    @pytest.mark.parametrize(
        ("last_day", "first_day_of_the_new_state"),
        [
            pytest.param(date(2023, 12, 31), date(2024, 1, 1), id="a commitment begins"),
            pytest.param(date(2027, 4, 1), date(2027, 4, 2), id="a due date has passed"),
            pytest.param(date(2027, 6, 30), date(2027, 7, 1), id="a commitment ends"),
            pytest.param(date(2027, 9, 30), date(2027, 10, 1), id="a progress record counts from its own day"),
        ],
    )
    def test_a_day_that_changes_what_the_model_says_is_news(
        self,
        settings: Settings,
        served: Callable[[date], None],
        last_day: date,
        first_day_of_the_new_state: date,
    ):
        served(last_day)
        assert not has_news(settings, last_day)
        assert has_news(settings, first_day_of_the_new_state)

    def test_any_other_day_is_not(self, settings: Settings, served: Callable[[date], None]):
        served(date(2026, 11, 22))
        assert not has_news(settings, date(2027, 3, 31))

    def test_a_release_for_a_later_day_does_not_stand_for_an_earlier_one(
        self, settings: Settings, served: Callable[[date], None]
    ):
        served(date(2028, 4, 1))
        assert has_news(settings, DAY)

    def test_counts_every_dated_column_and_no_blank(self, settings: Settings):
        assert dates_passed(settings.seeds, date(2000, 1, 1)) == 0
        assert dates_passed(settings.seeds, date(2100, 1, 1)) == 4

    def test_a_register_without_dates_has_none_passed(self, tmp_path: Path):
        assert dates_passed(tmp_path, DAY) == 0


class TestNews:
    def test_first_run(self, settings: Settings):
        assert has_news(settings, DAY)

    def test_nothing_changed(self, settings: Settings, served: Callable[[date], None]):
        served(DAY)
        assert not has_news(settings, DAY)

    def test_raw_data_changed(self, settings: Settings, served: Callable[[date], None]):
        served(DAY)
        write(settings.project, "data/raw/fingertips/2024-10/smoking.csv", "Area Code,Value\n")
        assert has_news(settings, DAY)

    def test_served_file_is_gone(self, settings: Settings, served: Callable[[date], None]):
        served(DAY)
        settings.served_file.unlink()
        assert has_news(settings, DAY)

    @pytest.mark.parametrize("record", ["", "{", "[]", '{"fingerprint": "ab"}', "null"])
    def test_an_unreadable_record_means_one_more_run(
        self, settings: Settings, served: Callable[[date], None], record: str
    ):
        served(DAY)
        settings.state_file.write_text(record, encoding="utf-8")
        assert read_last_run(settings.state_file) is None
        assert has_news(settings, DAY)

    def test_a_release_that_was_not_at_hand_on_the_day_before_is_news(
        self, settings: Settings, served: Callable[[date], None]
    ):
        passport = settings.raw / "fingertips" / "2024-10" / "passport.yml"
        passport.write_text("publisher: OHID\nretrieved: 2026-11-22\n", encoding="utf-8")
        served(DAY)
        assert has_news(settings, date(2026, 11, 21))
        assert not has_news(settings, date(2026, 11, 23))

    def test_asking_writes_nothing(self, settings: Settings, served: Callable[[date], None]):
        served(DAY)
        before = {path: path.stat().st_mtime_ns for path in settings.project.rglob("*")}
        has_news(settings, DAY)
        assert {path: path.stat().st_mtime_ns for path in settings.project.rglob("*")} == before

    def test_asking_imports_nothing_heavy(self):
        asked = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys, pipelines.refresh; print(*{name.split('.')[0] for name in sys.modules})",
            ],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = set(asked.stdout.split())
        assert "pipelines" in loaded
        assert not loaded & {"dagster", "dbt", "duckdb", "great_expectations", "pandas", "polars", "pydantic"}


@pytest.mark.parametrize(
    ("moment", "day", "looks_back"),
    [
        # Half past eleven at night in summer: London is a day ahead of the universal day.
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), date(2026, 6, 30), True),
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), date(2026, 7, 1), False),
        (datetime(2026, 11, 22, 15, 30, tzinfo=UTC), date(2026, 11, 21), True),
        (datetime(2026, 11, 22, 15, 30, tzinfo=UTC), date(2026, 11, 22), False),
        (datetime(2026, 11, 22, 15, 30, tzinfo=UTC), date(2028, 4, 1), False),
    ],
)
def test_a_day_that_was_over_is_looked_back_to(moment: datetime, day: date, looks_back: bool):
    assert RunInputs(day, moment, "ab", "cd").looks_back is looks_back


class TestRecords:
    def test_inputs_come_back_as_written(self, tmp_path: Path):
        inputs = RunInputs(DAY, datetime(2026, 11, 22, 15, 30, 1, 5, tzinfo=UTC), "ab" * 32, "1a2b3c4d5e6f")
        write_inputs(tmp_path / "warehouse" / "run_inputs.json", inputs)
        assert read_inputs(tmp_path / "warehouse" / "run_inputs.json") == inputs

    def test_last_run_comes_back_as_written(self, tmp_path: Path):
        last = LastRun("ab" * 32, "20261122T153000Z-1a2b3c4d")
        write_last_run(tmp_path / "state.json", last)
        assert read_last_run(tmp_path / "state.json") == last
        assert [path.name for path in tmp_path.iterdir()] == ["state.json"]

    @pytest.mark.parametrize("text", [None, "{"])
    def test_steps_without_a_first_step_say_where_to_start(self, tmp_path: Path, text: str | None):
        path = tmp_path / "run_inputs.json"
        if text is not None:
            path.write_text(text, encoding="utf-8")
        with pytest.raises(OutcomesError, match=r"run_inputs\.json .*start with the asset declared_sources"):
            read_inputs(path)

    def test_a_given_time_and_day_are_kept(self, settings: Settings):
        moment = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
        inputs = take_inputs(settings, DAY, moment)
        assert (inputs.as_at, inputs.started_at) == (DAY, moment)
