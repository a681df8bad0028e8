"""The workbook says what the release says and keeps every rule of accessible spreadsheets; a broken one breaks one."""

from __future__ import annotations

import shutil
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from pipelines.publish.exports.described_release import describe_release, open_release
from pipelines.publish.exports.file_names import WORKBOOK
from pipelines.publish.exports.sheets import (
    COVERAGE,
    DATA_QUALITY,
    INDICATORS_LATEST,
    KNOWN_ISSUES,
    MILESTONES,
    OVER_TIME,
    SCORECARD,
    SHEETS,
    SHORTHAND,
    SOURCES,
    read_sheet,
)
from pipelines.publish.exports.workbook import NO_ROWS, write_workbook

from .workbook_rules import broken_rules, read_worksheets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.settings import Settings

Rows = list[dict[str, Any]]


def rows_of(file: Path, sheet: str) -> Rows:
    """Read the table of a sheet with a library that did not write it."""
    cells = CalamineWorkbook.from_path(str(file)).get_sheet_by_name(sheet).to_python()
    header = next(place for place, row in enumerate(cells) if len(row) > 1 and all(row))
    return [dict(zip(map(str, cells[header]), row, strict=True)) for row in cells[header + 1 :]]


def edit(file: Path, part: str, was: str, becomes: str, times: int = 1) -> None:
    """Replace the first occurrences of a text in one part of a workbook."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert was.encode() in parts[part], f"{part} has no {was}"
    parts[part] = parts[part].replace(was.encode(), becomes.encode(), times)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def add_part(file: Path, name: str) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, b"")


def test_the_workbook_keeps_every_rule(real_export: Path) -> None:
    assert broken_rules(real_export / WORKBOOK) == []


def test_the_workbook_that_is_broken_below_is_whole_before(short_workbook: Path) -> None:
    assert broken_rules(short_workbook) == []


SCORECARD_PART, COVERAGE_PART = "xl/worksheets/sheet4.xml", "xl/worksheets/sheet5.xml"
CONTENTS_PART, NOTES_PART = "xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml"
BROKEN: list[tuple[str, Callable[[Path], None]]] = [
    (
        "no merged cells",
        lambda file: edit(
            file,
            SCORECARD_PART,
            "</sheetData>",
            '</sheetData><mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>',
        ),
    ),
    ("title in A1", lambda file: edit(file, SCORECARD_PART, '<c r="A1"', '<c r="AZ1"')),
    (
        "no frozen panes",
        lambda file: edit(
            file,
            SCORECARD_PART,
            'workbookViewId="0"/>',
            'workbookViewId="0"><pane ySplit="6" topLeftCell="A7" state="frozen"/></sheetView>',
        ),
    ),
    ("nothing hidden", lambda file: edit(file, SCORECARD_PART, '<row r="9"', '<row r="9" hidden="1"')),
    ("nothing hidden", lambda file: edit(file, SCORECARD_PART, '<col min="2"', '<col hidden="1" min="2"')),
    (
        "nothing hidden",
        lambda file: edit(file, "xl/workbook.xml", '<sheet name="Notes"', '<sheet state="hidden" name="Notes"'),
    ),
    (
        "no filters",
        lambda file: edit(file, "xl/tables/table3.xml", "<tableColumns", '<autoFilter ref="A6:B7"/><tableColumns'),
    ),
    ("no filters", lambda file: edit(file, SCORECARD_PART, "</sheetData>", '</sheetData><autoFilter ref="A6:B7"/>')),
    ("no formulas", lambda file: edit(file, SCORECARD_PART, '<c r="A8"', '<c r="AA8"><f>1+1</f></c><c r="A8"')),
    ("one marked-up table", lambda file: edit(file, COVERAGE_PART, "<tablePart ", "<tablePast ")),
    (
        "number of tables stated",
        lambda file: edit(file, "xl/sharedStrings.xml", "This worksheet contains one table. It", "It"),
    ),
    ("tables have names", lambda file: edit(file, "xl/tables/table3.xml", 'name="scorecard"', 'name="Table3"')),
    ("table names differ", lambda file: edit(file, "xl/tables/table3.xml", 'name="scorecard"', 'name="coverage"')),
    ("one header row", lambda file: edit(file, "xl/tables/table3.xml", "<table ", '<table headerRowCount="0" ')),
    ("headings are there", lambda file: edit(file, "xl/sharedStrings.xml", "<t>Why not assessable</t>", "<t></t>")),
    ("headings are there", lambda file: edit(file, "xl/sharedStrings.xml", "<t>Place code</t>", "<t>Place</t>")),
    ("headings are those", lambda file: edit(file, "xl/tables/table3.xml", 'name="Place code"', 'name="Code"')),
    ("no blank cell", lambda file: edit(file, SCORECARD_PART, '<c r="D10"', '<c r="AZ1000"')),
    ("nothing below", lambda file: edit(file, SCORECARD_PART, '<c r="D10"', '<c r="D9999"')),
    ("nothing below", lambda file: edit(file, SCORECARD_PART, '<c r="D10"', '<c r="AZ10"')),
    ("no blank row above", lambda file: edit(file, SCORECARD_PART, '<c r="A3"', '<c r="B3"')),
    ("above a table is in column A", lambda file: edit(file, SCORECARD_PART, '<c r="A3"', '<c r="B3"')),
    ("shorthand is known", lambda file: edit(file, "xl/sharedStrings.xml", "<t>[z]</t>", "<t>[n]</t>")),
    ("symbols alone", lambda file: edit(file, "xl/sharedStrings.xml", "<t>[z]</t>", "<t>..</t>")),
    ("numbers are numbers", lambda file: edit(file, "xl/sharedStrings.xml", "<t>[x]</t>", "<t>17.2</t>")),
    (
        "numbers are numbers",
        lambda file: edit(file, "xl/sharedStrings.xml", "<t>[z]</t>", "<t>17.2 (17.1 to 17.3)</t>"),
    ),
    (
        "texts are texts",
        lambda file: edit(file, COVERAGE_PART, '<c r="B8" ', '<c r="B8" s="0"><v>1</v></c><c r="AA1000" '),
    ),
    (
        "whole numbers are whole",
        lambda file: edit(file, COVERAGE_PART, "</v></c></row></sheetData>", ".5</v></c></row></sheetData>"),
    ),
    ("document properties: dc:title", lambda file: edit(file, "docProps/core.xml", "dc:title", "dc:other", 2)),
    ("document properties: dc:subject", lambda file: edit(file, "docProps/core.xml", "dc:subject", "dc:other", 2)),
    ("document properties: dc:language", lambda file: edit(file, "docProps/core.xml", "dc:language", "dc:other", 2)),
    ("language of the document", lambda file: edit(file, "docProps/core.xml", "en-GB", "en-US")),
    ("readable width", lambda file: edit(file, SCORECARD_PART, 'width="40.', 'width="4.')),
    ("readable width", lambda file: edit(file, SCORECARD_PART, 'width="70.', 'width="170.')),
    ("readable width", lambda file: edit(file, SCORECARD_PART, "<col ", "<cold ")),
    ("long text wraps", lambda file: edit(file, "xl/styles.xml", 'wrapText="1"', 'wrapText="0"', 99)),
    ("come first", lambda file: edit(file, "xl/workbook.xml", 'name="Cover"', 'name="Front"')),
    ("names that say something", lambda file: edit(file, "xl/workbook.xml", 'name="Coverage"', 'name="Sheet5"')),
    ("contents list every sheet", lambda file: edit(file, "xl/workbook.xml", 'name="Milestones"', 'name="Actions"')),
    ("contents link to every", lambda file: edit(file, CONTENTS_PART, "Milestones", "Nowhere")),
    ("notes explain the shorthand", lambda file: edit(file, NOTES_PART, '<c r="A5"', '<c r="B5"')),
    ("what every column holds", lambda file: edit(file, "xl/workbook.xml", 'name="Columns"', 'name="Column list"')),
    ("no pictures", lambda file: add_part(file, "xl/drawings/drawing1.xml")),
    ("no pictures", lambda file: add_part(file, "xl/vbaProject.bin")),
]


@pytest.mark.parametrize(("rule", "break_it"), BROKEN, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(BROKEN)])
def test_a_broken_workbook_breaks_its_rule(damaged: Path, rule: str, break_it: Callable[[Path], None]) -> None:
    break_it(damaged)
    found = broken_rules(damaged)
    assert any(rule in one for one in found), found


def test_the_scorecard_has_every_commitment_at_every_place_that_signed(published: Settings, real_export: Path) -> None:
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        wanted = connection.execute(
            """
            select
                s.commitment_id, s.area_code, s.status_symbol || ' ' || s.status_label, s.actual_value,
                s.actual_lower_ci_95, s.actual_upper_ci_95, s.target_value, s.baseline_value, s.due_date, s.explanation
            from v_scorecard as s where s.place_role = 'signed' order by all
            """
        ).fetchall()
    found = [
        tuple(
            None if row[heading] in SHORTHAND else row[heading]
            for heading in (
                "Commitment id",
                "Place code",
                "Status",
                "Actual value",
                "Lower 95% limit",
                "Upper 95% limit",
                "Target value",
                "Baseline value",
                "Due date",
                "Explanation",
            )
        )
        for row in rows_of(real_export / WORKBOOK, SCORECARD.name)
    ]
    assert len(found) == len(wanted) > 400
    # The format keeps 16 digits of a number.
    assert sorted(found, key=lambda row: row[:2]) == [
        tuple(pytest.approx(cell, rel=1e-15) if isinstance(cell, float) else cell for cell in row) for row in wanted
    ]


@pytest.mark.parametrize(
    ("sheet", "count"),
    [
        (COVERAGE, "select count(*) from v_coverage"),
        (
            OVER_TIME,
            "select count(*) from fct_target_vs_actual where place_role = 'signed' and measured_as <> 'none' and "
            "commitment_key in (select commitment_key from dim_commitment where is_current = 1)",
        ),
        (
            MILESTONES,
            "select count(*) from fct_milestone where "
            "commitment_key in (select commitment_key from dim_commitment where is_current = 1)",
        ),
        (SOURCES, "select count(*) from dim_source where source_key > 0"),
        (KNOWN_ISSUES, "select count(*) from known_issue"),
        (DATA_QUALITY, "select count(*) from v_data_quality"),
        (
            INDICATORS_LATEST,
            "select count(*) from v_indicator_latest where is_total = 1 and indicator_id in (select indicator_id from "
            "v_scorecard) and (area_type = 'england' or area_code in (select area_code from v_scorecard where "
            "place_role = 'signed'))",
        ),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_no_row_is_lost_or_doubled(published: Settings, real_export: Path, sheet: Any, count: str) -> None:
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        (wanted,) = connection.execute(count).fetchone() or (None,)
    assert len(rows_of(real_export / WORKBOOK, sheet.name)) == wanted != 0


def test_every_column_of_every_sheet_is_explained(real_export: Path) -> None:
    rows = rows_of(real_export / WORKBOOK, "Columns")
    assert [(row["Sheet"], row["Column"]) for row in rows] == [
        (sheet.name, column.heading) for sheet in SHEETS for column in sheet.columns
    ]
    assert all(len(row["Meaning"]) > 5 for row in rows)


def test_the_cover_says_what_this_is(published: Settings, real_export: Path) -> None:
    cover = next(sheet for sheet in read_worksheets(real_export / WORKBOOK) if sheet.name == "Cover")
    said = [cell.content for cell in cover.cells.values()]
    with open_release(published.served_file) as connection:
        release = describe_release(connection, "whole")
    assert said[0] == "Integrated care outcomes, whole edition"
    assert f"Release: {release.release_id}" in said
    assert "Edition: whole." in said
    assert release.contact in said
    assert any("must not be handed on" in str(text) for text in said)
    assert any(f"{release.as_at.day} {release.as_at:%B %Y}" in str(text) for text in said)


def test_dates_are_dates_and_codes_are_texts(real_export: Path) -> None:
    rows = rows_of(real_export / WORKBOOK, SCORECARD.name)
    assert {type(row["Due date"]) for row in rows if row["Due date"] not in SHORTHAND} == {date}
    ids = rows_of(real_export / WORKBOOK, INDICATORS_LATEST.name)
    assert any(row["Indicator id"].isdigit() for row in ids)
    assert {type(row["Indicator id"]) for row in ids} == {str}


@pytest.fixture
def another_release(published: Settings, tmp_path: Path) -> Path:
    file = tmp_path / "another.duckdb"
    shutil.copy(published.served_file, file)
    file.chmod(0o644)
    return file


def workbook_of(release_file: Path) -> Path:
    file = release_file.with_suffix(".xlsx")
    with open_release(release_file) as connection:
        write_workbook(connection, describe_release(connection, "public"), file)
    return file


def test_what_is_withheld_is_marked_confidential_and_flagged_figures_stay_numbers(another_release: Path) -> None:
    with duckdb.connect(str(another_release)) as connection:
        keys = connection.execute(
            """
            select target_vs_actual_key, commitment_id, area_code, actual_value from fct_target_vs_actual
            where place_role = 'signed' and is_scorecard_period = 1 and target_value is not null
            and actual_lower_ci_95 is not null
            and commitment_id || area_code in (
                select commitment_id || area_code from v_scorecard
                where actual_value is not null and groups_scored = 1
            )
            order by all limit 2
            """
        ).fetchall()
        connection.execute(
            """
            update fct_target_vs_actual set
                value_status_code = 'suppressed', actual_value = null, actual_lower_ci_95 = null,
                actual_upper_ci_95 = null, target_value = null, gap_to_target = null, trajectory_value = null,
                baseline_value = null
            where target_vs_actual_key = ?
            """,
            [keys[0][0]],
        )
        connection.execute(
            "update fct_target_vs_actual set value_status_code = 'estimated' where target_vs_actual_key = ?",
            [keys[1][0]],
        )
        connection.execute("delete from known_issue")
        connection.execute(
            "update dim_commitment set title = '=cmd|x!A1 [a](http://x.example) [b](y) $$note$$' "
            "where commitment_id = ?",
            [keys[1][1]],
        )
    file = workbook_of(another_release)
    scorecard = {(row["Commitment id"], row["Place code"]): row for row in rows_of(file, SCORECARD.name)}
    withheld, estimated = (scorecard[key[1], key[2]] for key in keys)
    marked = ("Actual value", "Lower 95% limit", "Upper 95% limit", "Target value", "Baseline value")
    assert {withheld[heading] for heading in marked} == {"[c]"}
    assert withheld["State of the value"] == "Suppressed [c]"
    assert estimated["Actual value"] == keys[1][3]
    assert estimated["State of the value"] == "Estimated [e]"
    assert estimated["Commitment"] == "=cmd|x!A1 [a] (http://x.example) [b] (y) $ $note$ $"
    over_time = [row for row in rows_of(file, OVER_TIME.name) if row["State of the value"] == "Suppressed [c]"]
    assert {row[heading] for row in over_time for heading in ("Straight path", "Gap to target")} == {"[c]"}
    assert [row["Issue id"] for row in rows_of(file, KNOWN_ISSUES.name)] == [NO_ROWS]
    assert broken_rules(file) == []


def test_rows_read_from_the_release_have_no_empty_cell(published: Settings) -> None:
    with open_release(published.served_file) as connection:
        for sheet in SHEETS:
            assert all(cell not in (None, "") for row in read_sheet(connection, sheet) for cell in row), sheet.name
