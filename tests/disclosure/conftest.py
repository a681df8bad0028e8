"""Invented releases full of small counts, their public editions, and those of the real data. Only to be read."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from pipelines.acquire.source_registry import load_sources
from pipelines.publish.public_edition import PublicEditionReport, make_public_edition
from pipelines.settings import Settings

HERE = Path(__file__).parent


def _module(name: str) -> ModuleType:
    """Import a file of this folder by its name, which the import mode of the suite does not do."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


dirty_release = _module("dirty_release")
attack_module = _module("attack")


@dataclass(frozen=True)
class Edition:
    """A release, its public edition and what was done.

    Attributes:
        whole: The release.
        public: Its public edition.
        report: What was withheld.
        seconds: Time that the public edition took.
    """

    whole: Path
    public: Path
    report: PublicEditionReport
    seconds: float


@pytest.fixture(scope="session")
def real_release(published: Settings) -> Path:
    """Return the release of the real data, which also lends its tables to the invented ones."""
    return published.served_file


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("disclosure")


def _edition(whole: Path, policies, before=None) -> Edition:
    public = whole.with_name(f"{whole.stem}_public.duckdb")
    begun = time.perf_counter()
    report = make_public_edition(whole, public, policies, before)
    return Edition(whole, public, report, time.perf_counter() - begun)


@pytest.fixture(scope="session")
def first(real_release: Path, folder: Path) -> Edition:
    """Return an invented release and its public edition, the first ever."""
    world = dirty_release.invent(1)
    return _edition(dirty_release.build(real_release, folder / "first.duckdb", world), dirty_release.POLICIES)


@pytest.fixture(scope="session")
def second_release(real_release: Path, folder: Path) -> Path:
    """Return the release after the first: some counts are revised, and a year has been added."""
    years = ("2020", "2021", "2022", "2023")
    world, old = dirty_release.invent(1, revised=0.08), dirty_release.invent(1)
    newer = dirty_release.invent(3, years=years[3:])
    world.counts |= {key: count for key, count in newer.counts.items() if key[2] == "2023"}
    return dirty_release.build(real_release, folder / "second.duckdb", world, "R2", old)


@pytest.fixture(scope="session")
def second(first: Edition, second_release: Path) -> Edition:
    """Return the second release and its public edition, made with the memory of the first."""
    return _edition(second_release, dirty_release.POLICIES, first.report.suppressed)


@pytest.fixture(scope="session")
def real(published: Settings, folder: Path) -> Edition:
    """Return the release of the real data and its public edition."""
    policies = {name: source.disclosure for name, source in load_sources(published.sources).items()}
    public = folder / "real_public.duckdb"
    begun = time.perf_counter()
    report = make_public_edition(published.served_file, public, policies)
    return Edition(published.served_file, public, report, time.perf_counter() - begun)
