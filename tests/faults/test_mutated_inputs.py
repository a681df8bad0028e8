"""Two hundred damaged files, each with a passport that vouches for it, through landing and the gate.

Whatever a file looks like: it is refused with reasons or landed, never anything else; every landed row is accepted, set
aside or refused; every filled record of a text table is among the landed rows; what is accepted afterwards is the new
load entirely or the old one to the byte; and it takes little time and memory. The name of a case holds all that is
needed to repeat it: number, source, kind, file.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from pipelines.acquire.landing import read_load_record
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
RAW = PROJECT / "data" / "raw"
CASES = 200
LARGEST = 160_000
MOST_SECONDS = 20.0
MOST_MEGABYTES = 1_500


def _load_mutators() -> Any:
    """Import the module beside this one, whose folder is no package."""
    spec = importlib.util.spec_from_file_location("fault_mutators", Path(__file__).with_name("mutators.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutators = _load_mutators()


@dataclass(frozen=True)
class Case:
    number: int
    kind: str
    file: Path
    """Below ``data/raw``: source, release, path inside the release."""

    @property
    def source(self) -> str:
        return self.file.parts[0]

    @property
    def content(self) -> bytes:
        chance = Random(self.number)
        kinds = mutators.WORKBOOK if self.file.suffix == ".ods" else mutators.TEXT
        return kinds[self.kind]((RAW / self.file).read_bytes(), chance)


def _cases() -> list[Case]:
    by_source: dict[str, list[Path]] = {}
    for path in sorted(RAW.rglob("*.*")):
        if path.suffix in (".csv", ".ods") and path.stat().st_size < LARGEST:
            by_source.setdefault(path.relative_to(RAW).parts[0], []).append(path.relative_to(RAW))
    workbooks = {source: files for source, files in by_source.items() if files[0].suffix == ".ods"}
    texts = {source: files for source, files in by_source.items() if source not in workbooks}
    found: list[Case] = []
    for kind in mutators.WORKBOOK:
        for files in workbooks.values():
            found.append(Case(len(found), kind, files[0]))
    while len(found) < CASES:
        number = len(found)
        kind = list(mutators.TEXT)[number % len(mutators.TEXT)]
        files = texts[sorted(texts)[number % len(texts)]]
        found.append(Case(number, kind, Random(number).choice(files)))
    return found


def _name(case: Case) -> str:
    return f"{case.number:03}-{case.source}-{case.kind}-{case.file.name}"


ACCEPTED_BEFORE: dict[tuple[str, str], Path] = {}


@pytest.fixture(scope="module")
def accepted_before(workbench: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Settings, Case], Path]:
    """Return the warehouse after the release of a case was loaded as it is; made once a release."""

    def load(settings: Settings, case: Case) -> Path:
        key = (case.file.parts[0], case.file.parts[1])
        if key not in ACCEPTED_BEFORE:
            kept = Settings(settings.project, tmp_path_factory.mktemp("before") / "warehouse")
            workbench.succeed(kept, "load_release", source=key[0], release=key[1])
            ACCEPTED_BEFORE[key] = kept.warehouse
        return ACCEPTED_BEFORE[key]

    return load


@pytest.mark.parametrize("case", _cases(), ids=_name)
def test_damaged_file(
    case: Case,
    workbench: Any,
    make_project: Callable[..., Settings],
    accepted_before: Callable[[Settings, Case], Path],
    vouch: Callable[..., None],
) -> None:
    settings = make_project(case.source)
    shutil.copytree(accepted_before(settings, case), settings.warehouse)
    accepted = settings.accepted / f"{case.source}.parquet"
    before = accepted.read_bytes()
    content = case.content
    vouch(settings.raw / case.file, content)

    answer = workbench.do(settings, "load_release", source=case.source, release=case.file.parts[1])

    assert answer["killed"] is None
    assert answer["error"] is None, answer["error"]
    result = answer["result"]
    load = result["load"]
    assert result["seconds"] < MOST_SECONDS
    assert result["megabytes"] < MOST_MEGABYTES
    assert load["landed_rows"] == load["staged_rows"] + load["quarantined_rows"] + load["refused_rows"]
    assert (load["load_state"] == "accepted") == (load["reason"] is None)
    if load["load_state"] == "refused":
        assert accepted.read_bytes() == before
    if result["problems"]:
        assert load["load_state"] == "refused"
        assert all(problem for problem in result["problems"])
        return
    unable = {rule: said for rule, (outcome, said) in result["results"].items() if outcome == "not_evaluated"}
    assert not unable, "a rule that a strange figure can break tells nobody which figure is strange"
    landed = pl.read_parquet(settings.landed / f"{case.source}.parquet")
    assert landed.height == load["landed_rows"] == read_load_record(settings.landed / f"{case.source}.parquet").rows
    if load["load_state"] == "accepted":
        assert pl.read_parquet(accepted).height == load["staged_rows"]
        assert read_load_record(accepted).load_id == load["load_id"]
    if result["whole_file"] and case.file.as_posix() in result["whole_file"]:
        of_file = landed.filter(pl.col("source_file") == case.file.as_posix())
        assert set(of_file["source_row_number"]) == filled_records(content, result["whole_file"][case.file.as_posix()])


def filled_records(content: bytes, encoding: str) -> set[int]:
    """Number the filled records after the header, with the standard library alone."""
    text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    records = csv.reader(io.StringIO(text, newline=""))
    return {number for number, cells in enumerate(records, start=1) if number > 1 and any(cells)}


def test_there_are_two_hundred_of_every_kind_and_source() -> None:
    cases = _cases()
    assert len(cases) == CASES
    assert {case.source for case in cases} == {path.name for path in RAW.iterdir() if path.is_dir()}
    assert {case.kind for case in cases} == {*mutators.TEXT, *mutators.WORKBOOK}
    same = [_name(case) for case in cases if case.content == (RAW / case.file).read_bytes()]
    assert len(same) <= CASES // 20, same
