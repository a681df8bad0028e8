"""The record of a companion that describes a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.acquire.readers.companion_file import describe
from pipelines.acquire.readers.table_bounds import TableNotThere
from pipelines.acquire.table_declaration import Metadata

META = Metadata(file="../meta.csv", listed_in="data", columns={"geography": "area_type", "source": "value_note"})
FILE = "example/2024-10/data/age.csv"
HEADER = "indicator,geography,source,data\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table in a folder of its own."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "age.csv"


def describing(table: Path, content: str) -> dict[str, str]:
    (table.parent.parent / "meta.csv").write_text(content, encoding="utf-8")
    return describe(table, f"data/{table.name}", META, "utf-8", FILE)


@pytest.mark.parametrize("listed", ["https://example.org/wards/data/age.csv", "age.csv", "data\\age.csv"])
def test_a_table_is_listed_by_the_end_of_its_path(table: Path, listed: str) -> None:
    content = HEADER + f'Other,Parish,X,https://example.org/median_age.csv\nAge,"Electoral  ward",,{listed}\n'
    assert describing(table, content) == {"area_type": "Electoral ward"}


@pytest.mark.parametrize(
    "content", [HEADER + "Other,Ward,X,median_age.csv\n", HEADER + "A,Ward,X,age.csv\nB,Parish,X,age.csv\n"]
)
def test_a_table_that_is_not_listed_or_listed_twice_is_refused(table: Path, content: str) -> None:
    with pytest.raises(TableNotThere) as error:
        describing(table, content)
    (problem,) = error.value.problems
    assert (problem.rule, problem.file, problem.value) == ("table_without_metadata", FILE, "age.csv")


def test_a_companion_without_the_declared_columns(table: Path) -> None:
    with pytest.raises(TableNotThere) as error:
        describing(table, "indicator,data\nAge,age.csv\n")
    (problem,) = error.value.problems
    assert (problem.rule, problem.column) == ("metadata_without_column", "geography")


def test_a_missing_companion(table: Path) -> None:
    with pytest.raises(TableNotThere) as error:
        describe(table, f"data/{table.name}", META, "utf-8", FILE)
    assert [(one.rule, one.file) for one in error.value.problems] == [("missing_metadata", FILE)]
