"""The README's way from the file to a chart: the sheet, columns, rows and figures that it names are in the workbook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from pipelines.publish.exports.file_names import WORKBOOK
from pipelines.run_inputs import read_last_run
from pipelines.settings import Settings

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def steps() -> str:
    return " ".join(README.partition("**From the file to a chart**")[2].partition("**A tool to connect?**")[0].split())


@pytest.fixture(scope="module")
def sheet(steps: str, published: Settings) -> list[list[Any]]:
    last = read_last_run(published.state_file)
    assert last is not None
    workbook = CalamineWorkbook.from_path(published.public / last.release_id / WORKBOOK)
    return workbook.get_sheet_by_name(re.findall(r'On the sheet "([^"]+)"', steps)[0]).to_python()


def test_the_rows_and_figures_of_the_readme_are_in_the_workbook(steps: str, sheet: list[list[Any]]) -> None:
    commitment = re.findall(r"such as `([a-z0-9-]+)`", steps)[0]
    place, group = re.findall(r"one place and group: (\w+), persons aged (\d+) and over", steps)[0]
    falls_from, falls_to, level = re.findall(
        r"fall from ([\d.]+) to ([\d.]+) per cent.* level line at ([\d.]+)\.", steps
    )[0]
    header = next(row for row in sheet if "Period" in row)
    named = [
        name.strip() for name in re.findall(r"the columns (.+?), which stand side by side", steps)[0].split(" and ")
    ]
    columns = [*named[0].split(", "), *named[1:]]
    first = header.index("Period")
    assert header[first : first + 3] == columns
    rows = [
        row
        for row in sheet
        if commitment in row and place in row and f"Persons, {group}+ yrs" in row and row[first] != "[z]"
    ]
    assert len(rows) == 10
    assert "has ten years" in steps
    values = [row[first + 1] for row in rows]
    assert [f"{values[0]:.1f}", f"{values[-1]:.1f}"] == [falls_from, falls_to]
    assert {f"{row[first + 2]:.1f}" for row in rows} == {level}
    periods = [row[first] for row in rows]
    assert periods == sorted(periods)
