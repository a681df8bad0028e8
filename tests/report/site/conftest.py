"""The report of a published release, read back page by page.

Building it once, and turning pages into what tests ask for, belong here. What has to hold belongs in the tests.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from pipelines.report.charts import Chart
from pipelines.report.site import Download, SiteReport, build_site
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[3]
METHODS = REPOSITORY / "dbt_project" / "docs" / "methods.md"
VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "wbr", "col"})
LOADING = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "image": "href",
    "use": "href",
}


@dataclass
class Read:
    """What a page says to a browser.

    Attributes:
        faults: Elements that are closed in the wrong order or not at all, and ids that stand twice.
        ids: Anchors.
        links: Where links lead.
        loads: What the browser would fetch.
        headings: Levels, in order.
        unnamed: Pictures without a name.
        tables: For each table, whether it has a caption and a scope on every heading.
        text: All of its words.
        title: What the browser calls it.
    """

    faults: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    tables: list[tuple[bool, bool]] = field(default_factory=list)
    text: str = ""
    title: str = ""
    elements: set[str] = field(default_factory=set)


class PageReader(HTMLParser):
    """Reads a page as strictly as a library without a validator can."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.read = Read()
        self._open: list[str] = []
        self._words: list[str] = []
        self._caption = self._scopes = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = self.read
        given = dict(attrs)
        found.elements.add(tag)
        if len(given) != len(attrs):
            found.faults.append(f"<{tag}> has an attribute twice")
        if any(name.startswith("on") for name in given):
            found.faults.append(f"<{tag}> has a handler")
        if (own := given.get("id")) is not None:
            if own in found.ids:
                found.faults.append(f"id {own} stands twice")
            found.ids.add(own)
        if re.fullmatch("h[1-6]", tag):
            found.headings.append(int(tag[1]))
        self._follow(tag, given)
        self._name(tag, given)
        if tag not in VOID:
            self._open.append(tag)

    def _follow(self, tag: str, given: dict[str, str | None]) -> None:
        """Keep what leads elsewhere."""
        found = self.read
        if tag == "a" and given.get("href"):
            found.links.append(given["href"] or "")
        if tag in LOADING and given.get(LOADING[tag]):
            found.loads.append(given[LOADING[tag]] or "")
        found.loads += re.findall(r"url\(([^)]*)\)", given.get("style") or "")
        for name in ("aria-labelledby", "aria-describedby"):
            found.labels += (given.get(name) or "").split()

    def _name(self, tag: str, given: dict[str, str | None]) -> None:
        """Keep what has no name, and what tables have."""
        is_named = given.get("aria-label") or given.get("aria-labelledby")
        if tag == "img" and given.get("alt") is None:
            self.read.unnamed.append(str(given))
        if tag == "svg" and given.get("aria-hidden") != "true" and not is_named:
            self.read.unnamed.append(str(given))
        if tag == "table":
            self._caption, self._scopes = False, True
        self._caption |= tag == "caption"
        self._scopes &= tag != "th" or given.get("scope") in ("col", "row")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.read.faults.append(f"</{tag}> closes nothing that is open")
        if tag == "table":
            self.read.tables.append((self._caption, self._scopes))

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        if self._open[-1:] == ["title"] and "svg" not in self._open:
            self.read.title += data

    def finish(self) -> Read:
        self.close()
        self.read.faults += [f"<{tag}> is never closed" for tag in self._open]
        self.read.text = " ".join(" ".join(self._words).split())
        return self.read


def read_page(text: str) -> Read:
    """Read one page."""
    reader = PageReader()
    reader.feed(text)
    return reader.finish()


class NoCharts:
    """A report without pictures, for tests of everything else."""

    def of_commitment(self, commitment_id: str) -> Sequence[Chart]:
        return []

    def held_back(self, commitment_id: str) -> str:
        return ""

    def of_place(self, area_code: str) -> Sequence[Chart]:
        return []

    def overview(self) -> Chart | None:
        return None


@dataclass
class Report:
    """A report on disk.

    Attributes:
        folder: Where it lies.
        file: The file that it was made from.
        built: What was said of it.
        pages: Path below the folder -> what the page says.
    """

    folder: Path
    file: Path
    built: SiteReport
    pages: dict[str, Read]


def read_report(folder: Path) -> dict[str, Read]:
    """Read all pages of a report."""
    return {
        file.relative_to(folder).as_posix(): read_page(file.read_text(encoding="utf-8"))
        for file in sorted(folder.rglob("*.html"))
    }


@pytest.fixture(scope="session")
def report(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Build the report of the published release, with its charts and a file to download beside it."""
    folder = tmp_path_factory.mktemp("site") / "report"
    beside = folder.parent / "outcomes_public.duckdb"
    beside.write_bytes(b"not a real file")
    download = Download("The database", "../outcomes_public.duckdb", 15, "0f" * 32, "One DuckDB file with every table")
    built = build_site(published.served_file, folder, edition="public", methods=METHODS, downloads=[download])
    return Report(folder, published.served_file, built, read_report(folder))


@pytest.fixture(scope="session")
def altered(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Build a report of a file with hostile names, and with a figure that is withheld."""
    folder = tmp_path_factory.mktemp("altered")
    file = folder / "altered.duckdb"
    shutil.copyfile(published.served_file, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            """
            update dim_commitment set title = $hostile, commitment_id = '../../escape'
            where commitment_id = 'notts-prev-smoking-5pct-2035'
            """,
            {"hostile": HOSTILE},
        )
        for table in ("fct_target_vs_actual", "fct_milestone", "commitment_choice"):
            connection.execute(
                f"update {table} set commitment_id = '../../escape' "
                "where commitment_id = 'notts-prev-smoking-5pct-2035'"
            )
        connection.execute(
            "update dim_area set area_name = $hostile where area_code = 'E08000009'", {"hostile": HOSTILE}
        )
        connection.execute("update dim_source set homepage = 'javascript:alert(1)'")
        connection.execute(
            """
            update fct_target_vs_actual
            set
                actual_value = null, actual_lower_ci_95 = null, actual_upper_ci_95 = null,
                value_status_code = 'suppressed', status_code = 'not_assessable', not_assessable_reason = 'suppressed',
                explanation = 'Not assessable: The value is withheld so that nobody can be identified.',
                gap_to_target = null, gap_in_people = null, actual_value_key = null, level_code = null,
                status_key = (select status_key from dim_status where status_code = 'not_assessable')
            where commitment_id = 'traf-hwbs-hle-increase' and is_scorecard_period = 1
            """
        )
    site = folder / "report"
    built = build_site(file, site, edition="public", methods=METHODS, charts=NoCharts())
    return Report(site, file, built, read_report(site))


HOSTILE = """<script>alert(1)</script>"' onload=x \u202e{{ 7 * 7 }} \ue0001\ue001 \x07&lt;"""


@pytest.fixture(scope="session")
def hostile() -> str:
    """A name as an attacker would write it."""
    return HOSTILE
