"""The corpus: small files, real or broken on purpose, and what has to become of each of their rows.

The cases are data: ``cases_<topic>.yml`` beside this module, with their files in ``files/``. A case is landed and gated
as a load of its own, by the declaration and the suite of its source, and the whole outcome is compared: rows landed,
the rules that refuse, the rows each rule sets aside, and the rules that only speak. The rules run on DuckDB alone,
which ``tests/gates`` holds to the answers of Great Expectations. A test module names its ``TOPICS`` and asks for
``case`` and ``check_case``; there are two such modules so that two workers share the cases.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import RawRelease, loose_release
from pipelines.acquire.source_registry import Source, load_sources, write_registry
from pipelines.check.load_gate import LoadOutcome, check_load
from pipelines.problems import SourceRefused
from pipelines.settings import Settings

CORPUS = Path(__file__).resolve().parent
PROJECT = CORPUS.parents[1]
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


class Expected(BaseModel):
    """What has to come of a case; see the module.

    Attributes:
        landed: Rows landed; 0 when the file cannot be read.
        accepted: Whether the load is accepted.
        blocked: Every rule that refuses the load, or every problem that makes the file unreadable.
        quarantined: Rule to the number of rows it sets aside.
        warned: Every rule that only speaks.
        says: Text that has to stand in what some rule observed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    landed: int
    accepted: bool
    blocked: tuple[str, ...] = ()
    quarantined: dict[str, int] = {}
    warned: tuple[str, ...] = ()
    says: tuple[str, ...] | str = ()


class Case(BaseModel):
    """One case.

    Attributes:
        name: What it shows.
        source: Declaration that takes the file.
        declared_in: ``pipelines``, or ``corpus`` for a source that exists for the corpus only.
        file: The file, below ``files/``.
        filed_as: Name under which it is presented, where the declaration goes by names.
        beside: Files that stand in the same release; a path keeps its folders below the first.
        before: A file accepted first, for the rules that look back.
        origin: Where the figures come from and what was done to them.
        expect: The outcome.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]+$")]
    source: str
    declared_in: Literal["pipelines", "corpus"] = "pipelines"
    file: str
    filed_as: str | None = None
    beside: tuple[str, ...] = ()
    before: str | None = None
    origin: Annotated[str, Field(min_length=20)]
    expect: Expected


def read_cases(*topics: str) -> list[Case]:
    """Read the cases of these topics, or of all."""
    return [
        Case.model_validate(case)
        for path in sorted(CORPUS.glob("cases_*.yml"))
        if not topics or path.stem.removeprefix("cases_") in topics
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


Registries = dict[str, tuple[Settings, dict[str, Source]]]


@pytest.fixture(scope="session")
def all_cases() -> list[Case]:
    """Every case of every topic."""
    return read_cases()


@pytest.fixture(scope="session")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Registries:
    """The declarations of the project and of the corpus, each with its registry written once."""
    own = tmp_path_factory.mktemp("corpus")
    shutil.copytree(CORPUS / "sources", own / "pipelines" / "acquire" / "sources")
    shutil.copytree(CORPUS / "expectations" / "landed", own / "expectations" / "landed")
    shutil.copytree(PROJECT / "expectations" / "shared", own / "expectations" / "shared")
    shutil.copytree(PROJECT / "data" / "seeds", own / "data" / "seeds")
    found: Registries = {}
    for where, project in (("pipelines", PROJECT), ("corpus", own)):
        settings = Settings(project=project, warehouse=tmp_path_factory.mktemp(where))
        sources = load_sources(settings.sources)
        write_registry(sources, settings.registry)
        found[where] = (settings, sources)
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for a case those of its module's topics."""
    if "case" in metafunc.fixturenames:
        cases = read_cases(*getattr(metafunc.module, "TOPICS", ()))
        metafunc.parametrize("case", cases, ids=[case.name for case in cases])


@pytest.fixture
def check_case(registries: Registries, tmp_path: Path) -> Callable[[Case], None]:
    """Return what lands and gates a case and compares the whole outcome with what it expects."""
    return lambda case: _check(case, registries, tmp_path)


def _check(case: Case, registries: Registries, tmp_path: Path) -> None:
    common, sources = registries[case.declared_in]
    settings = replace(common, warehouse=tmp_path / "warehouse")
    shutil.copytree(common.registry, settings.registry)
    source = sources[case.source]
    if case.before is not None:
        earlier = replace(file_away(case, case.before, tmp_path / "first"), release_id="2000-01")
        first = outcome_of(source, earlier, settings)
        assert first.accepted, f"the load before was refused: {first.load.reason}"
    problems: set[str] = set()
    outcome = outcome_of(source, file_away(case, case.file, tmp_path / "second"), settings, problems)
    load, expect = outcome.load, case.expect
    said = {
        "landed": load.landed_rows,
        "accepted": outcome.accepted,
        "blocked": sorted(
            problems or {one.check_id for one in outcome.results if one.outcome in ("blocked", "not_evaluated")}
        ),
        "quarantined": {one.check_id: one.rows_failed for one in outcome.results if one.outcome == "quarantined"},
        "warned": sorted(one.check_id for one in outcome.results if one.outcome == "warned"),
    }
    observed = "\n".join(f"{one.check_id}: {one.observed}" for one in outcome.results if one.outcome != "passed")
    wanted = expect.model_dump(exclude={"says"}) | {
        "blocked": sorted(expect.blocked),
        "warned": sorted(expect.warned),
    }
    assert said == wanted, observed
    assert load.landed_rows == load.staged_rows + load.quarantined_rows + load.refused_rows
    for text in (expect.says,) if isinstance(expect.says, str) else expect.says:
        assert text in observed


def file_away(case: Case, file: str, folder: Path) -> RawRelease:
    """Copy a case's file, and what stands beside it, into a release of its own."""
    target = folder / (case.filed_as or Path(file).name)
    target.parent.mkdir(parents=True)
    shutil.copyfile(CORPUS / "files" / file, target)
    for name in case.beside:
        beside = folder / Path(*Path(name).parts[1:])
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CORPUS / "files" / name, beside)
    return loose_release(case.source, target)


def outcome_of(
    source: Source, release: RawRelease, settings: Settings, problems: set[str] | None = None
) -> LoadOutcome:
    """Land and gate one release as a whole load; add the rules of the problems that made it unreadable."""
    try:
        land(source, [release], settings.landed, every_table=False)
    except SourceRefused as refused:
        if problems is not None:
            problems.update(problem.rule for problem in refused.problems)
        return check_load(source, None, refused.problems, settings, NOW, engine="duckdb")
    landed = settings.landed / f"{source.id}.parquet"
    return check_load(source, landed, (), settings, NOW, engine="duckdb")
