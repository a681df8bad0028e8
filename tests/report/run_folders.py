"""The remains of a run, as files: what its gates, dbt and publishing leave in a warehouse.

Made-up remains and a small reader of HTML belong here; what a page has to say of them is in ``test_run_page``.
"""

from __future__ import annotations

import html.parser
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.check.check_log import LoadRow, write_checks, write_load
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import CheckResult
from pipelines.check.load_gate import READABLE
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
BEGAN = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
MOMENT = BEGAN.replace(tzinfo=None)
EARLIER = MOMENT - timedelta(days=9)
VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}


def result(check_id: str, outcome: str = "passed", **more: Any) -> CheckResult:
    """Return a result of a landed rule, as wanted where it matters."""
    usual: dict[str, Any] = {
        "stage": "landed",
        "expectation_type": check_id if check_id == READABLE else "unexpected_rows_expectation",
        "column_name": None,
        "severity": "critical",
        "rows_evaluated": 5,
        "rows_failed": 0,
        "observed": "0 rows fail",
        "details": (),
        "why": "A figure that is wrong is worse than none.",
        "evaluated_at": MOMENT,
    }
    return CheckResult(check_id=check_id, outcome=outcome, **{**usual, **more})  # type: ignore[arg-type]


def load(source_id: str, **more: Any) -> LoadRow:
    """Return an accepted load of five rows, as wanted where it matters."""
    usual: dict[str, Any] = {
        "load_id": "0123456789ab",
        "load_state": "accepted",
        "is_stale": 0,
        "reason": None,
        "source_releases": "2026-01",
        "files": 1,
        "landed_rows": 5,
        "quarantined_rows": 0,
        "refused_rows": 0,
        "staged_rows": 5,
        "served_rows": 5,
        "served_load_id": "0123456789ab",
        "checked_at": MOMENT,
        "served_since": MOMENT,
    }
    return LoadRow(source_id=source_id, **{**usual, **more})


def write_source(settings: Settings, source_id: str, results: Sequence[CheckResult], **more: Any) -> None:
    """Leave what the gate of a source leaves."""
    write_checks(settings.check_log, source_id, results)
    write_load(settings.check_log, load(source_id, **more))


def all_passed(settings: Settings, source_id: str) -> list[CheckResult]:
    """Return what a gate says of a load with nothing wrong in it."""
    suite = load_suite(settings.expectations / "landed" / f"{source_id}.json")
    return [result(READABLE), *(result(one.check_id, expectation_type=one.type) for one in suite.expectations)]


def small_project(folder: Path) -> Settings:
    """Return a project with two sources, one seed and one gated mart, and without a parsed dbt project."""
    settings = Settings(folder / "project", folder / "warehouse")
    for path in (settings.sources, *(settings.expectations / name for name in ("landed", "register", "published"))):
        path.mkdir(parents=True)
    for source_id in ("trafford_localities", "trafford_neighbours"):
        shutil.copy(PROJECT / f"pipelines/acquire/sources/{source_id}.yml", settings.sources)
        shutil.copy(PROJECT / f"expectations/landed/{source_id}.json", settings.expectations / "landed")
    shutil.copytree(PROJECT / "expectations/shared", settings.expectations / "shared")
    shutil.copy(PROJECT / "expectations/register/frameworks.json", settings.expectations / "register")
    shutil.copy(PROJECT / "expectations/published/source_load.json", settings.expectations / "published")
    return settings


def dbt_test(kind: str, table: str, column: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a test as dbt's manifest has it."""
    return {
        "resource_type": "test",
        "name": "_".join(part for part in (kind, table, column) if part),
        "attached_node": f"model.outcomes.{table}",
        "column_name": column,
        "config": {"severity": "ERROR"},
        "description": "",
        "test_metadata": {"name": kind, "kwargs": {"column_name": column}},
        **more,
    }


def write_dbt(
    settings: Settings,
    tests: Mapping[str, Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]] = (),
    at: datetime = BEGAN + timedelta(seconds=40),
) -> None:
    """Leave what dbt leaves: the parsed project and, if there are any, the results of a build."""
    folder = settings.warehouse / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"nodes": dict(tests)}), encoding="utf-8")
    if results:
        content = {"metadata": {"generated_at": at.isoformat()}, "results": list(results)}
        (folder / "run_results.json").write_text(json.dumps(content), encoding="utf-8")


@dataclass
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str | None = None) -> Iterator[Element]:
        """Yield every element below this one, in the order of the page."""
        for child in self.children:
            if isinstance(child, Element):
                if tag is None or child.tag == tag:
                    yield child
                yield from child.all(tag)

    @property
    def text(self) -> str:
        """What a reader sees, white space as one blank."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def by_id(self, name: str) -> Element:
        """Return the section that an id names."""
        [found] = [one for one in self.all() if one.attributes.get("aria-labelledby") == name]
        return found


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} stands twice"
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"{tag} closes {self.open[-1].tag}, line {self.getpos()[0]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_page(path: Path) -> Element:
    """Read a page; every element has to be closed in its place."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n")
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [reader.root], f"{reader.open[-1].tag} is not closed"
    return reader.root
