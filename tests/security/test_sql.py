"""Names and values in SQL text: whatever they are, they stay names and values.

The functions that write them, and the commands that take them from a person, belong here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.check.gate_database import quoted_name, text_literal
from pipelines.check.one_file import check_file
from pipelines.publish.catalogue import literal, quoted
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
NASTY = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    st.sampled_from(
        ["'", "''", "'; drop table kept; --", '"; drop table kept; --', "\\'", "$$", "a\nb", "/*", "--", "%"]
    ),
)


@pytest.fixture(scope="module")
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create table kept as select 1 as x")
        yield connection


@pytest.mark.parametrize("write", [text_literal, literal])
@given(text=NASTY)
def test_a_text_stays_a_text(sql: duckdb.DuckDBPyConnection, write: Callable[[str], str], text: str) -> None:
    assert sql.execute(f"select {write(text)}, (select count(*) from kept)").fetchall() == [(text, 1)]


@pytest.mark.parametrize("write", [quoted_name, quoted])
@given(name=NASTY)
def test_a_name_stays_a_name(sql: duckdb.DuckDBPyConnection, write: Callable[[str], str], name: str) -> None:
    found = sql.execute(f"select * from (select 7 as {write(name)}), kept")
    assert found.description[0][0] == name
    assert found.fetchall() == [(7, 1)]


def test_these_tests_would_see_a_text_that_is_run(sql: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        sql.execute("select '{}'".format("it's"))


@pytest.mark.parametrize("name", ["'; drop table batch; --.csv", "[a-z]*.csv", 'a"b.csv', "a\nb.csv", "größe ☃.csv"])
def test_a_file_of_any_name_can_be_checked(tmp_path: Path, name: str) -> None:
    """`outcomes check` puts its table to fifty rules in SQL; the name of the file is in every row."""
    folder = tmp_path / "it's [a] folder"
    folder.mkdir()
    (folder / "b.csv").write_text("what a pattern would find instead\n", encoding="utf-8")
    table = PROJECT / "data" / "raw" / "icb_metrics" / "2024-10" / "icb_metrics.csv"
    (folder / name).write_bytes(table.read_bytes())
    settings = Settings(project=PROJECT, warehouse=tmp_path / "warehouse")
    checked = check_file(folder / name, "icb_metrics", settings, datetime(2026, 11, 22, tzinfo=UTC))
    assert checked.outcome.load.landed_rows == 654
    assert {one.outcome for one in checked.outcome.results} <= {"passed", "warned", "blocked"}


COMMANDS = ("select ", "insert ", "create ", "copy ", "attach ", "delete ", "drop ", "update ", "comment on ", "use ")


def quoted_in_place(source: str) -> list[str]:
    """Return SQL texts that put quotes around a value by hand, where a quote in the value would end it."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        pieces = [part.value if isinstance(part, ast.Constant) else part for part in node.values]
        first = next((piece for piece in pieces if isinstance(piece, str)), "")
        if not first.lstrip().lower().startswith(COMMANDS):
            continue
        for before, value, after in zip(pieces, pieces[1:], pieces[2:], strict=False):
            by_hand = (
                isinstance(before, str)
                and isinstance(after, str)
                and before[-1:] in ("'", '"')
                and after[:1] == before[-1:]
                and isinstance(value, ast.FormattedValue)
            )
            if by_hand:
                found.append(ast.unparse(node))
    return found


def test_no_value_is_put_between_quotes_by_hand() -> None:
    found = {
        f"{path.relative_to(PROJECT)}: {text}"
        for path in sorted((PROJECT / "pipelines").rglob("*.py"))
        for text in quoted_in_place(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_value_between_quotes_would_be_seen() -> None:
    assert quoted_in_place("f\"select * from t where a = '{name}'\"") != []
    assert quoted_in_place('f"select * from {quoted(name)}"') == []
