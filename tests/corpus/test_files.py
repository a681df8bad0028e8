"""Files as they come: every layout and header, whole and broken, is landed, set aside or refused as its case says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parent
TOPICS = ("csv", "tables", "sources")


def test_case(case: Any, check_case: Callable[[Any], None]) -> None:
    check_case(case)


def test_the_corpus_is_as_large_as_promised(all_cases: list[Any]) -> None:
    assert len(all_cases) >= 60


def test_names_are_unique_and_every_file_is_used(all_cases: list[Any]) -> None:
    names = [case.name for case in all_cases]
    assert sorted(names) == sorted(set(names))
    used = {path for case in all_cases for path in (case.file, case.before, *case.beside) if path}
    files = {path.relative_to(CORPUS / "files").as_posix() for path in (CORPUS / "files").rglob("*") if path.is_file()}
    assert files == used


def test_every_topic_is_put_to_some_test() -> None:
    topics = {path.stem.removeprefix("cases_") for path in CORPUS.glob("cases_*.yml")}
    assert topics == {*TOPICS, "gates", "figures"}
