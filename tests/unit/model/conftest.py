"""Vectors for the methods in Python: a selection travels with the code, the whole files run where they are at hand.

Finding and reading vector files belong here; what a method has to return belongs in the tests.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

VECTOR_FOLDERS = {
    "committed": Path(__file__).resolve().parent / "vectors",
    "whole": Path(__file__).resolve().parents[4] / "shared" / "vectors",
}

Row = Mapping[str, str | None]


@pytest.fixture(scope="session")
def read_vectors() -> Callable[[Path], Sequence[Row]]:
    """Read a vector file: provenance in lines that begin with ``#``, an empty cell as None."""

    def read(path: Path) -> Sequence[Row]:
        with path.open(encoding="utf-8", newline="") as file:
            lines = (line for line in file if not line.startswith("#"))
            return [{key: value or None for key, value in row.items()} for row in csv.DictReader(lines)]

    return read


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``<name>_file`` every copy of the vectors ``<name>.csv`` that exists."""
    for fixture in metafunc.fixturenames:
        if fixture.endswith("_file"):
            name = f"{fixture.removesuffix('_file')}.csv"
            found = {where: folder / name for where, folder in VECTOR_FOLDERS.items() if (folder / name).is_file()}
            metafunc.parametrize(fixture, list(found.values()), ids=list(found), scope="session")
