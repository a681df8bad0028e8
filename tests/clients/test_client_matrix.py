"""Every client opens the served file read-only, gives the same ten answers, and can change nothing.

What the answers have to be comes from the DuckDB of this project, and for five of them also from elsewhere: the
hand-kept tables, the accepted Parquet files, the calendar of Python. That the comparison can fail is shown with
answers, drivers and a file that are really wrong. Reading while the file is replaced is tested in ``tests/faults``.
"""

from __future__ import annotations

import copy
import csv
import datetime
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.settings import Settings

from .conftest import digest_of, require
from .matrix import (
    CLIENTS,
    FILE,
    HERE,
    OWN,
    WRITES,
    Answer,
    Client,
    Report,
    ask,
    canonical,
    differences,
    refused,
    table,
)

RECIPES = HERE.parents[1] / "pipelines" / "publish" / "recipes"
# Each DuckDB below 2.0 once, by its own library; what is built on one of them adds nothing
FIRST_GENERATION = [
    client
    for client in CLIENTS
    if (client.on or client.version).startswith("1.") and len(client.folders) == 1 and client.driver != "base_r.py"
]


def named(client: Client) -> str:
    return f"{client.name} {client.version}".strip()


@pytest.fixture(params=CLIENTS, ids=named)
def client(request: pytest.FixtureRequest) -> Client:
    require(request.param)
    return request.param


@pytest.fixture
def report(client: Client, reports: dict[Client, Report]) -> Report:
    assert "error" not in reports[client], reports[client]["error"]
    return reports[client]


@pytest.fixture
def answers(answers_and_catalogue: tuple[dict[str, Answer], Report]) -> dict[str, Answer]:
    return answers_and_catalogue[0]


@pytest.fixture
def catalogue(answers_and_catalogue: tuple[dict[str, Answer], Report]) -> Report:
    return answers_and_catalogue[1]


# Each client


def test_it_is_the_version_that_was_meant(client: Client, report: Report) -> None:
    assert report["version"] == (client.version or report["version"])
    assert report["engine"] == (client.on or client.version)


def test_it_gives_the_same_ten_answers(client: Client, report: Report, answers: dict[str, Answer]) -> None:
    found = {
        name: differences(answer, report["answers"][name], client.floats_for_blanks) for name, answer in answers.items()
    }
    assert found == {name: [] for name in answers}


def test_it_shows_every_table_and_its_comments(report: Report, catalogue: Report) -> None:
    assert report["tables"] == catalogue["tables"]
    assert report["comments"] == catalogue["comments"]


def test_it_shows_the_primary_keys_where_it_can(client: Client, report: Report, catalogue: Report) -> None:
    assert report["keys"] == (catalogue["keys"] if client.shows_keys else [])


def test_it_is_refused_every_attempt_to_write(report: Report) -> None:
    assert refused(report), report["refusals"]


def test_it_connects_as_its_recipe_says(client: Client) -> None:
    files = (HERE / "drivers").glob(f"{Path(client.driver).stem}.*")
    driver = "\n".join(file.read_text(encoding="utf-8") for file in files)
    for line in client.connect:
        assert line in driver
        assert line in (RECIPES / client.recipe).read_text(encoding="utf-8")


# All of them


def test_nobody_left_a_trace(
    published: Settings, reports: dict[Client, Report], beside_the_file: Path, bytes_before: str
) -> None:
    assert reports
    assert digest_of(published.served_file) == bytes_before
    assert [file.name for file in published.warehouse.glob(f"{FILE}*")] == [FILE]
    assert [file.name for file in beside_the_file.iterdir()] == [FILE]


def test_every_view_gives_the_oldest_duckdb_the_rows_of_the_newest(beside_the_file: Path, catalogue: Report) -> None:
    old, own = (next(every for every in CLIENTS if every.version == version) for version in ("1.1.3", OWN))
    require(old)
    of_old, of_own = (ask(every, beside_the_file, driver=HERE / "drivers" / "views.py") for every in (old, own))
    assert set(of_own) == {name for name, kind in catalogue["tables"].items() if kind == "view"}
    assert of_old == of_own


def test_the_table_that_people_read_is_this_one(
    reports: dict[Client, Report], answers: dict[str, Answer], catalogue: Report
) -> None:
    for every in CLIENTS:
        require(every)
    drawn = table(answers, catalogue, list(reports.items()))
    assert drawn in (RECIPES / "README.md").read_text(encoding="utf-8"), f"\n{drawn}"


# The questions, and answers from elsewhere


def test_the_questions_try_what_clients_differ_in(answers: dict[str, Answer], catalogue: Report) -> None:
    cells = [
        (kind, cell)
        for answer in answers.values()
        for row in answer.rows
        for kind, cell in zip(answer.kinds, row, strict=True)
    ]
    assert len(answers) == 10
    assert {kind for kind, _ in cells} == {"integer", "double", "text", "date", "timestamp"}
    assert {kind for kind, cell in cells if cell is None} >= {"integer", "double", "text", "date"}
    assert any(kind == "text" and cell and not cell.isascii() for kind, cell in cells)
    assert any(kind == "integer" and cell and int(cell) > 2**32 for kind, cell in cells)
    # A double whose sixteenth or seventeenth digit matters
    assert any(kind == "double" and cell and float(f"{float(cell):.15g}") != float(cell) for kind, cell in cells)
    assert any(kind == "view" for kind in catalogue["tables"].values())


def column(answer: Answer, name: str) -> list[str | None]:
    return [row[answer.columns.index(name)] for row in answer.rows]


def test_statuses_are_those_of_the_hand_kept_table(published: Settings, answers: dict[str, Answer]) -> None:
    with (published.seeds / "statuses.csv").open(encoding="utf-8", newline="") as text:
        kept = [
            [row["status_code"], row["label"], row["symbol"], row["colour_hex"], row["sort_order"], row["is_judgement"]]
            for row in csv.DictReader(text)
        ]
    answered = [row for row in answers["statuses"].rows if row[0] not in {"unknown_status", "not_applicable"}]
    assert kept
    assert answered == sorted(kept, key=lambda row: (int(row[4]), row[0]))


def test_commitments_are_those_of_the_register(published: Settings, answers: dict[str, Answer]) -> None:
    with (published.seeds / "commitments.csv").open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if not row["valid_to"]]
    documents = sorted({row["framework_id"] for row in rows})
    counted = [
        [
            document,
            str(sum(row["framework_id"] == document for row in rows)),
            str(sum(row["framework_id"] == document and row["target_value"] != "" for row in rows)),
        ]
        for document in documents
    ]
    assert len(documents) > 1
    assert answers["commitments"].rows == counted


def test_sources_add_up_as_polars_adds_the_accepted_files(published: Settings, answers: dict[str, Answer]) -> None:
    found = {row[0]: row[1:5] for row in answers["sources"].rows}
    # Sources of which every row is published as it was accepted
    for source in ("icb_metrics", "trafford_wards", "ukhsa_bacteraemia"):
        accepted = pl.read_parquet(published.accepted / f"{source}.parquet")
        values = accepted["value"]
        assert found[source] == [
            str(accepted.height),
            str(values.count()),
            repr(float(values.min())),  # pyright: ignore[reportArgumentType]
            repr(float(values.max())),  # pyright: ignore[reportArgumentType]
        ]


def test_years_have_the_days_that_the_calendar_gives_them(answers: dict[str, Answer]) -> None:
    rows = [dict(zip(answers["calendar"].columns, row, strict=True)) for row in answers["calendar"].rows]
    first, last = (
        datetime.date.fromisoformat(str(rows[place][day])) for place, day in ((0, "first_day"), (-1, "last_day"))
    )
    april = [datetime.date(year, 4, 1) for year in range(first.year, last.year + 1)]
    starts = [first, *(day for day in april if first < day <= last)]
    ends = [*(day - datetime.timedelta(days=1) for day in starts[1:]), last]
    assert len(rows) > 20
    assert [(row["first_day"], row["last_day"], row["days"]) for row in rows] == [
        (start.isoformat(), end.isoformat(), str((end - start).days + 1))
        for start, end in zip(starts, ends, strict=True)
    ]


def test_the_dictionary_names_the_columns_of_the_models(published: Settings, answers: dict[str, Answer]) -> None:
    files = (published.dbt_project / "models").glob("**/*.yml")
    declared = "\n".join(file.read_text(encoding="utf-8") for file in files)
    rows = [dict(zip(answers["model"].columns, row, strict=True)) for row in answers["model"].rows]
    facts = [row for row in rows if str(row["table_name"]).startswith(("dim_commitment", "fct_target_vs_actual"))]
    assert len(facts) > 80
    assert [row["column_name"] for row in facts if f"name: {row['column_name']}\n" not in declared] == []


def test_locks_are_by_hash_and_name_no_registry() -> None:
    for lock in (HERE / "locks").glob("*.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert all(
            block.count("--hash=sha256:") >= 1 for block in re.split(r"^(?=[\w-]+==)", text, flags=re.MULTILINE)[1:]
        )
    node = json.loads((HERE / "node" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in node.items() if "resolved" in package] == []
    assert [name for name, package in node.items() if name and not package["integrity"].startswith("sha512-")] == []


# What is really wrong is found


def test_a_last_bit_a_blank_and_a_missing_row_are_found(answers: dict[str, Answer]) -> None:
    for name, answer in answers.items():
        good: dict[str, Any] = {"columns": answer.columns, "rows": [list(row) for row in answer.rows]}
        # What a driver prints: doubles as numbers, everything else as written here
        for row in good["rows"]:
            for place, kind in enumerate(answer.kinds):
                row[place] = float(row[place]) if kind == "double" and row[place] is not None else row[place]
        assert differences(answer, good) == [], name
        assert differences(answer, {**good, "rows": good["rows"][1:]}), name
        assert differences(answer, {**good, "columns": [column.upper() for column in answer.columns]}), name
        for place, kind in enumerate(answer.kinds):
            filled = next((row for row in range(len(good["rows"])) if good["rows"][row][place] is not None), None)
            if filled is None:
                continue
            spoilt = copy.deepcopy(good)
            cell = spoilt["rows"][filled][place]
            spoilt["rows"][filled][place] = math.nextafter(cell, math.inf) if kind == "double" else None
            assert differences(answer, spoilt), (name, answer.columns[place])


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (0.1 + 0.2, "double"),
        ("0.3", "double"),
        (True, "integer"),
        (3.0, "integer"),
        ("3.0", "integer"),
        (20453, "date"),
        ("2025-12-31T00:00:00", "date"),
        ("31/12/2025", "timestamp"),
        (5, "text"),
    ],
)
def test_a_cell_of_another_kind_agrees_with_nothing(cell: Any, kind: str) -> None:
    right = {"double": 0.3, "integer": 3, "date": "2025-12-31", "timestamp": "2025-12-31T00:00:00", "text": "5"}
    assert canonical(cell, kind) != canonical(right[kind], kind)


def test_a_double_may_stand_for_a_whole_number_only_where_that_is_known() -> None:
    assert canonical(3.0, "integer", floats_for_blanks=True) == "3"
    assert canonical(3.5, "integer", floats_for_blanks=True) != "3"


def test_a_client_that_can_write_is_found(published: Settings, tmp_path: Path) -> None:
    copied = tmp_path / FILE
    shutil.copyfile(published.served_file, copied)
    before = digest_of(copied)
    own = next(client for client in CLIENTS if not client.folders)
    driver = tmp_path / "careless.py"
    text = (HERE / "drivers" / own.driver).read_text(encoding="utf-8")
    assert text.count("read_only=True") == 1
    driver.write_text(text.replace("read_only=True", "read_only=False"), encoding="utf-8")
    report = ask(own, tmp_path, driver=driver)
    assert not refused(report)
    assert report["refusals"][WRITES[0]] is None
    assert digest_of(copied) != before


@pytest.mark.parametrize("old", FIRST_GENERATION, ids=named)
def test_a_file_in_the_newest_storage_is_refused_by_older_clients(old: Client, tmp_path: Path) -> None:
    require(old)
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        connection.execute("create table release as select 'newest storage' as release_id")
    report = ask(old, tmp_path)
    assert "error" in report, report
    assert "answers" not in report
    assert "| no | | | | |" in table({}, {}, [(old, report)])
