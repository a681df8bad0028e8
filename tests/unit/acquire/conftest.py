"""Releases and declarations built in a temporary folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import RawRelease, find_releases
from pipelines.acquire.source_registry import Source, load_source
from pipelines.problems import Problem, SourceRefused

SOURCES = Path(__file__).resolve().parents[3] / "pipelines" / "acquire" / "sources"

MakeRelease = Callable[..., RawRelease]
MakeSource = Callable[..., Source]
Landed = Callable[..., pl.DataFrame]
Refused = Callable[..., tuple[Problem, ...]]


def _declaration() -> dict[str, Any]:
    return {
        "id": "example",
        "title": "Example",
        "publisher": "A council",
        "licence": "Open Government Licence v3.0",
        "owner": "Analyst",
        "homepage": None,
        "provides": "indicator_values",
        "reader": "tidy_table",
        "release_calendar": {"cadence": "annual", "stale_after_days": 400},
        "missing_markers": ["NA"],
        "year_type": "financial",
        "columns": {"area_code": "area_code", "period": "period_label", "value": "value", "count": "count"},
        "tables": [{"id": "values", "file": "*.csv", "constants": {"indicator_id": "example.one"}}],
        "indicators": [
            {
                "id": "example.one",
                "name": "One",
                "value_type": "proportion",
                "unit": "%",
                "multiplier": 100,
                "polarity": "low_is_good",
                "minimum": 0,
                "maximum": 100,
                "decimals": 1,
                "ci_method": None,
                "comparator_method": None,
                "aggregation": "not_additive",
                "definition": "One.",
            }
        ],
    }


@pytest.fixture
def declaration() -> dict[str, Any]:
    """A complete declaration, to be spoiled."""
    return _declaration()


@pytest.fixture
def real_source() -> Callable[[str], Source]:
    """The declarations of this project by id."""
    return lambda source_id: load_source(SOURCES / f"{source_id}.yml")


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """A declaration with some keys changed."""

    def make(**changes: Any) -> Source:
        path = tmp_path / "example.yml"
        path.write_text(yaml.safe_dump({**_declaration(), **changes}), encoding="utf-8")
        return load_source(path)

    return make


@pytest.fixture
def make_release(tmp_path: Path) -> MakeRelease:
    """A release with its passport; ``spoil`` may change the passport before it is written."""

    def make(
        files: Mapping[str, str | bytes],
        *,
        source_id: str = "example",
        release_id: str = "2024-10",
        spoil: Callable[[dict[str, Any]], object] | None = None,
    ) -> RawRelease:
        folder = tmp_path / "raw" / source_id / release_id
        folder.mkdir(parents=True)
        listed: list[dict[str, Any]] = []
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            listed.append({"file": name, "bytes": len(data), "sha256": digest, "encoding": "utf-8", "rows": 1})
        passport = {
            "publisher": "A council",
            "title": "Example",
            "licence": "Open Government Licence v3.0",
            "licence_url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
            "source_url": None,
            "retrieved": "2024-10-01",
            "retrieved_precision": "month",
            "period_covered": "2022/23",
            "selection": "All rows.",
            "files": listed,
        }
        if spoil is not None:
            spoil(passport)
        (folder / "passport.yml").write_text(yaml.safe_dump(passport), encoding="utf-8")
        return next(one for one in find_releases(tmp_path / "raw", source_id) if one.release_id == release_id)

    return make


@pytest.fixture
def landed(tmp_path: Path, make_release: MakeRelease) -> Landed:
    """Land one file of a source and return the rows."""

    def run(source: Source, content: str | bytes, name: str = "values.csv") -> pl.DataFrame:
        release = make_release({name: content}, source_id=source.id)
        land(source, [release], tmp_path / "landed", every_table=False)
        return pl.read_parquet(tmp_path / "landed" / f"{source.id}.parquet")

    return run


@pytest.fixture
def refused(landed: Landed, tmp_path: Path) -> Refused:
    """Land one file that must be refused, leaving nothing behind, and return the problems."""

    def run(source: Source, content: str | bytes, name: str = "values.csv") -> tuple[Problem, ...]:
        with pytest.raises(SourceRefused) as refusal:
            landed(source, content, name)
        assert refusal.value.source_id == source.id
        left = list((tmp_path / "landed").iterdir()) if (tmp_path / "landed").exists() else []
        assert left == []
        return refusal.value.problems

    return run
