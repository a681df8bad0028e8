"""The published file is read-only: its mode, how this project opens it, and what it lets into a spreadsheet."""

from __future__ import annotations

import ast
import os
import stat
from pathlib import Path

import duckdb
import pytest

from pipelines.publish.served_file import serve, store_release

PROJECT = Path(__file__).resolve().parents[2]
MODULES = sorted((PROJECT / "pipelines").rglob("*.py"))


@pytest.fixture
def served(tmp_path: Path) -> tuple[Path, Path]:
    """A served file and its release, put there as a refresh does."""
    partial = tmp_path / "releases" / "one.duckdb.partial"
    partial.parent.mkdir()
    with duckdb.connect(str(partial)) as connection:
        connection.execute("create table release as select 'one' as release_id")
    release, served_file = partial.with_suffix(""), tmp_path / "outcomes.duckdb"
    store_release(partial, release)
    serve(release, served_file)
    return served_file, release


def test_nobody_may_write_a_release(served: tuple[Path, Path]) -> None:
    assert [stat.S_IMODE(path.stat().st_mode) for path in served] == [0o444, 0o444]


@pytest.mark.parametrize("linked", [True, False])
def test_a_copy_is_read_only_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool) -> None:
    """Where a file system has no hard links, the served file is a copy."""
    if not linked:

        def refuse(*_: object) -> None:
            raise OSError("no hard links here")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    release = tmp_path / "one.duckdb"
    release.write_bytes(b"x")
    release.chmod(0o444)
    serve(release, tmp_path / "outcomes.duckdb")
    assert stat.S_IMODE((tmp_path / "outcomes.duckdb").stat().st_mode) == 0o444
    assert ((tmp_path / "outcomes.duckdb").stat().st_ino == release.stat().st_ino) == linked


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes whatever the mode says")
def test_a_client_that_opens_it_for_writing_is_refused(served: tuple[Path, Path]) -> None:
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(served[0]))


def connects(source: str) -> list[tuple[bool, str]]:
    """Return every call of ``duckdb.connect`` that names a file: whether it is read-only, and the call."""
    found: list[tuple[bool, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) == "duckdb.connect":
            read_only = any(word.arg == "read_only" and ast.unparse(word.value) == "True" for word in node.keywords)
            found.append((read_only, ast.unparse(node)))
    return found


# Files of a run's own, which nobody is served.
WRITTEN = {"check/gate_database.py", "check/quarantine.py"}


def test_every_file_is_opened_read_only() -> None:
    found = {
        (path.relative_to(PROJECT / "pipelines").as_posix(), call): read_only
        for path in MODULES
        for read_only, call in connects(path.read_text(encoding="utf-8"))
    }
    assert sum(found.values()) >= 6
    assert {module for (module, _), read_only in found.items() if not read_only} == WRITTEN


def test_a_file_opened_for_writing_would_be_seen() -> None:
    assert connects("duckdb.connect(str(file))") == [(False, "duckdb.connect(str(file))")]
    assert connects("duckdb.connect(str(file), read_only=True)")[0][0]


def test_every_table_for_a_spreadsheet_is_safe() -> None:
    """Whoever writes CSV passes every cell through `safe_cell`, whose own tests are beside the scorecard's."""
    writers = [path for path in MODULES if "csv.writer(" in path.read_text(encoding="utf-8")]
    assert [path.name for path in writers if "[safe_cell(" not in path.read_text(encoding="utf-8")] == []
    assert {path.name for path in writers} >= {"scorecard_csv.py"}
    others = ("write_csv(", "to_csv(", "DictWriter(", "format csv", "(format 'csv'")
    # The tables of a release are copies for programs, equal to the file cell by cell; their README.txt says how to
    # import them into a spreadsheet, and the workbook, with formulas off, is the one for people.
    copies = {"pipelines/publish/exports/tables.py"}
    writing = {
        path.relative_to(PROJECT).as_posix()
        for path in MODULES
        for way in others
        if way in path.read_text(encoding="utf-8")
    }
    assert writing == copies
