"""One small source in a project of the tests' own, whose files and names can be made to harm."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.acquire.source_registry import Source, load_source

DECLARATION: dict[str, Any] = {
    "id": "example",
    "title": "Example",
    "publisher": "A council",
    "licence": "Open Government Licence v3.0",
    "owner": "Analyst",
    "homepage": None,
    "provides": "indicator_values",
    "reader": "tidy_table",
    "release_calendar": {"cadence": "once", "stale_after_days": None},
    "disclosure": {
        "method": "threshold",
        "min_count": 8,
        "round_to": None,
        "zero_is_safe": True,
        "secondary": True,
        "levels": "all",
        "population_indicators": [],
        "owner": "Public health intelligence lead",
        "review_date": "2027-11-30",
        "reason": "Invented for a test.",
    },
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
            "aggregation": "not_additive",
            "definition": "One.",
        }
    ],
}
TABLE = "area_code,period,value,count\nE06000001,2021/22,10,1\n"


@dataclass(frozen=True)
class Project:
    """A folder with raw data, and the declaration of its one source."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "data" / "raw"

    def declare(self, **changes: Any) -> Source:
        """Read the declaration with some keys changed."""
        path = self.root / "example.yml"
        path.write_text(yaml.safe_dump({**DECLARATION, **changes}), encoding="utf-8")
        return load_source(path)

    def file(self, files: Mapping[str, str], release: str = "2024-10", listed: Mapping[str, str] | None = None) -> Path:
        """File a release; its passport may list other names than those of its files, with the same bytes."""
        folder = self.raw / "example" / release
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        entries = [
            {
                "file": name,
                "bytes": len(content.encode()),
                "sha256": hashlib.sha256(content.encode()).hexdigest(),
                "encoding": "utf-8",
                "rows": 1,
            }
            for name, content in (files if listed is None else listed).items()
        ]
        passport = {
            **{key: key for key in ("publisher", "title", "licence", "licence_url", "period_covered", "selection")},
            "source_url": None,
            "retrieved": "2024-10-01",
            "files": entries,
        }
        (folder / "passport.yml").write_text(yaml.safe_dump(passport), encoding="utf-8")
        return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    (made.root / "dbt_project").mkdir(parents=True)
    (made.root / "data" / "seeds").mkdir(parents=True)
    return made


@pytest.fixture
def table() -> str:
    return TABLE


@pytest.fixture
def in_time() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that calls another one and fails when it waits for ever, as on a pipe that nobody writes."""

    def call(function: Callable[[], Any], seconds: int = 20) -> Any:
        def give_up(*_: object) -> None:
            raise AssertionError(f"no end within {seconds} seconds")

        before = signal.signal(signal.SIGALRM, give_up)
        signal.alarm(seconds)
        try:
            return function()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)

    return call
