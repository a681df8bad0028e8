"""The report from a published file: every page, written in one step.

Putting the pages together and writing them belong here; what is on them does not. The same file gives the same bytes:
nothing here looks at a clock.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pipelines.problems import OutcomesError
from pipelines.report.site import prose_pages, quality_pages
from pipelines.report.site.chart_source import ChartSource, ReleaseCharts
from pipelines.report.site.commitment_page import CommitmentPages
from pipelines.report.site.components import LIBRARY, Components, status_rules
from pipelines.report.site.overview_pages import OverviewPages
from pipelines.report.site.prose_pages import Download
from pipelines.report.site.read_release import read_site_rows
from pipelines.report.words import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.report.site.components import Page

__all__ = ["Download", "SiteReport", "build_site"]

Edition = Literal["public", "whole"]

_ASSETS: Final = Path(__file__).with_name("assets")
_STYLESHEET: Final = f"nhsuk-frontend-{LIBRARY}.min.css"
_COPIED: Final = (_STYLESHEET, "nhsuk-frontend-LICENCE.txt", "site.css")
_MARK: Final = "assets/site.css"
"""A folder that has this file was written here, and may be replaced."""

EDITIONS: Final = {
    "public": "Public edition: small counts, and figures that would reveal one, are withheld and marked [c].",
    "whole": "Restricted: whole edition for staff. It may hold small counts, which could identify people.",
}


class FolderInUse(OutcomesError):  # noqa: N818 - says what is the matter with the folder
    """The folder holds something else than a report, which is not to be deleted."""


class PagesCollide(OutcomesError):  # noqa: N818 - says what has happened
    """Two pages would lie in the same file."""


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What was written.

    Attributes:
        pages: How many pages.
        bytes: Size of all files.
        seconds: How long it took.
    """

    pages: int
    bytes: int
    seconds: float


def build_site(
    file: Path,
    folder: Path,
    *,
    edition: Edition,
    methods: Path,
    recipes: Path | None = None,
    downloads: Sequence[Download] = (),
    charts: ChartSource | None = None,
) -> SiteReport:
    """Write the report of a published file.

    Args:
        file: The file, of the edition that is named.
        folder: Where the report is to lie. An older report there is replaced, and nothing else.
        edition: ``public`` or ``whole``; every page says which.
        methods: The page of methods, in Markdown.
        recipes: Folder with recipes in Markdown; those of this project by default.
        downloads: Files that lie beside the report.
        charts: Where the charts come from; from the file by default.

    Returns:
        How much was written, and how long it took.

    Raises:
        FolderInUse: The folder holds something else.
        NotReadable: The file is not a release that this version can read.
    """
    began = time.perf_counter()
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise FolderInUse(f"{folder} holds something else than a report; name a folder that is empty or new.")
    rows = read_site_rows(file)
    components = Components(rows.statuses)
    source = ReleaseCharts(file) if charts is None else charts
    overviews = OverviewPages(rows, components, source)
    commitments = CommitmentPages(rows, components, source)
    guides = prose_pages.guides(prose_pages.read_recipes(_recipes_folder() if recipes is None else recipes))

    def pages() -> Sequence[Page]:
        return [
            overviews.index(),
            overviews.commitments(),
            *overviews.frameworks(),
            *overviews.places(),
            *overviews.indicators(),
            quality_pages.quality(rows),
            quality_pages.release_notes(rows),
            prose_pages.methods(methods.read_text(encoding="utf-8")),
            prose_pages.downloads(downloads, guides),
            *guides,
            prose_pages.how_to_read(rows, components),
            prose_pages.accessibility(),
        ]

    shared = {
        "release": rows.release,
        "as_at": day(rows.release.as_at),
        "built_on": day(rows.release.built_at),
        "edition": edition,
        "edition_words": EDITIONS[edition],
        "stylesheet": _STYLESHEET,
    }
    partial = folder.with_name(f".{folder.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    written: dict[str, str] = {}

    def write(page: Page) -> None:
        name = page.path.casefold()
        if name in written:
            raise PagesCollide(f"{written[name]!r} and {page.title!r} would both lie in {page.path}")
        written[name] = page.title
        target = partial / page.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(components.render(page, shared), encoding="utf-8", newline="\n")

    for page in pages():
        write(page)
    for commitment_id in rows.commitments:
        write(commitments.page(commitment_id))
    _copy_assets(partial, status_rules(rows.statuses))
    if folder.exists():
        shutil.rmtree(folder)
    partial.replace(folder)
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    return SiteReport(pages=len(written), bytes=size, seconds=time.perf_counter() - began)


def _recipes_folder() -> Path:
    return Path(__file__).parents[2] / "publish" / "recipes"


def _copy_assets(folder: Path, statuses: str) -> None:
    assets = folder / "assets"
    (assets / "images").mkdir(parents=True)
    for name in _COPIED:
        shutil.copyfile(_ASSETS / name, assets / name)
    for picture in sorted((_ASSETS / "images").iterdir()):
        shutil.copyfile(picture, assets / "images" / picture.name)
    (assets / "statuses.css").write_text(statuses, encoding="utf-8", newline="\n")
