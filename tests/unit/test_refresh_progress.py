"""What a person who waits for a refresh sees: lines in a log, a table in a terminal.

The two displays belong here, with a clock that the test sets. Which stages report what does not.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from pipelines import refresh_progress
from pipelines.refresh_progress import STAGES, LiveProgress, PlainProgress, SilentProgress


@dataclass
class Clock:
    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(refresh_progress, "time", made)
    return made


@pytest.fixture
def lines() -> list[str]:
    return []


def shown(progress: LiveProgress) -> list[list[str]]:
    """Draw the table as it is now, and return its cells line by line without the blank ones."""
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(progress._table())
    return [line.split() for line in console.export_text().splitlines()]


def styled(progress: LiveProgress) -> str:
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(progress._table())
    return console.export_text(styles=True)


class TestPlain:
    def test_one_line_an_item_with_outcome_rows_and_seconds(self, clock: Clock, lines: list[str]):
        progress = PlainProgress(lines.append)
        progress.begin("acquire", "fingertips")
        clock.now += 2.34
        progress.end("acquire", "fingertips", "landed", 6483)
        assert lines == ["acquire  fingertips             landed (6,483 rows, 2.3 s)"]

    def test_nothing_is_written_before_an_item_ends(self, clock: Clock, lines: list[str]):
        PlainProgress(lines.append).begin("model", "dbt build")
        assert lines == []

    def test_no_rows_where_rows_make_no_sense(self, clock: Clock, lines: list[str]):
        progress = PlainProgress(lines.append)
        progress.begin("model", "dbt build")
        progress.end("model", "dbt build", "failed")
        assert lines == ["model    dbt build              failed (0.0 s)"]

    def test_no_rows_is_not_the_same_as_zero_rows(self, clock: Clock, lines: list[str]):
        PlainProgress(lines.append).end("check", "trafford_localities", "refused", 0)
        assert lines == ["check    trafford_localities    refused (0 rows, 0.0 s)"]

    def test_items_that_run_at_once_keep_their_own_time(self, clock: Clock, lines: list[str]):
        progress = PlainProgress(lines.append)
        progress.begin("acquire", "fingertips")
        clock.now += 3
        progress.begin("check", "fingertips")
        clock.now += 1
        progress.end("check", "fingertips", "accepted", 1)
        progress.end("acquire", "fingertips", "landed", 1)
        assert [line.rsplit(", ", 1)[1] for line in lines] == ["1.0 s)", "4.0 s)"]

    @pytest.mark.parametrize("stage", STAGES)
    def test_stages_line_up(self, clock: Clock, lines: list[str], stage: str):
        PlainProgress(lines.append).end(stage, "item", "built")
        assert lines[0].index("item") == 9
        assert lines[0].index("built") == 32


class TestLive:
    def test_a_running_item_counts_its_seconds(self, clock: Clock):
        progress = LiveProgress(Console(file=io.StringIO()))
        progress.begin("check", "fingertips")
        clock.now += 1.26
        header, row = shown(progress)
        assert header == ["Stage", "Item", "Rows", "Seconds"]
        assert row[:2] == ["check", "fingertips"]
        assert row[-1] == "1.3"
        assert "accepted" not in row

    def test_a_finished_item_has_outcome_and_rows_and_its_time_stands(self, clock: Clock):
        progress = LiveProgress(Console(file=io.StringIO()))
        progress.begin("check", "fingertips")
        clock.now += 5
        progress.end("check", "fingertips", "accepted", 6483)
        clock.now += 60
        assert shown(progress)[1] == ["check", "fingertips", "accepted", "6,483", "5.0"]

    def test_a_stage_is_named_once_for_its_items(self, clock: Clock):
        progress = LiveProgress(Console(file=io.StringIO()))
        for stage, item in (("acquire", "a"), ("acquire", "b"), ("check", "a")):
            progress.begin(stage, item)
            progress.end(stage, item, "done")
        assert [row[:2] for row in shown(progress)[1:]] == [["acquire", "a"], ["b", "done"], ["check", "a"]]

    def test_the_same_source_in_two_stages_ends_only_where_it_ended(self, clock: Clock):
        progress = LiveProgress(Console(file=io.StringIO()))
        progress.begin("acquire", "ukhsa")
        progress.begin("check", "ukhsa")
        progress.end("acquire", "ukhsa", "landed", 3780)
        rows = shown(progress)[1:]
        assert rows[0] == ["acquire", "ukhsa", "landed", "3,780", "0.0"]
        assert "landed" not in rows[1]

    @pytest.mark.parametrize(
        ("outcome", "is_red"),
        [("refused", True), ("refused, older data served", True), ("failed", True), ("accepted", False), ("", False)],
    )
    def test_red_marks_what_a_person_has_to_look_at(self, clock: Clock, outcome: str, is_red: bool):
        progress = LiveProgress(Console(file=io.StringIO()))
        progress.begin("check", "fingertips")
        progress.end("check", "fingertips", outcome, 0)
        assert ("\x1b[31m" in styled(progress)) is is_red

    def test_the_last_drawing_shows_what_ended_last(self, clock: Clock):
        drawn = io.StringIO()
        console = Console(file=drawn, width=100)
        with LiveProgress(console) as progress:
            progress.begin("publish", "release")
            progress.end("publish", "release", "20261122T153000Z-1a2b3c4d", 32_388)
        assert drawn.getvalue().split()[-5:] == [
            "publish",
            "release",
            "20261122T153000Z-1a2b3c4d",
            "32,388",
            "0.0",
        ]


def test_silence(capsys: pytest.CaptureFixture[str]):
    progress = SilentProgress()
    progress.begin("model", "dbt build")
    progress.end("model", "dbt build", "built", 5)
    assert capsys.readouterr() == ("", "")
