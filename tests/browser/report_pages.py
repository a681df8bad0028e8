"""The report on disk, and the system's Chromium looking at it.

Finding the report, opening a window on it and asking axe-core belong here; what has to be seen belongs in the tests.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.report.site import links
from pipelines.run_inputs import read_last_run
from pipelines.settings import Settings

from .conftest import module

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
SAMPLED = 20


@dataclass
class Pages:
    """The report and what the browser asked for while it was looked at.

    Attributes:
        folder: The report.
        kinds: One page, or several, of every kind.
        commitments: A sample of the pages of commitments, always the same one.
        context: A window of the browser, with scripts of pages allowed.
        asked: Addresses that were asked for.
    """

    folder: Path
    kinds: list[str]
    commitments: list[str]
    context: Any
    asked: list[str] = field(default_factory=list)

    def open(self, path: str, width: int = 1280, media: str = "screen", scheme: str = "light") -> Any:
        """Open a page in the width, on the medium and in the colours that are asked for."""
        page = self.context.pages[0] if self.context.pages else self.context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media=media, color_scheme=scheme, reduced_motion="reduce")
        page.goto((self.folder / path).as_uri())
        return page


@pytest.fixture(scope="module")
def pages(chromium: Any, published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Generator[Pages]:
    """Take the report as the refresh left it, made from the public edition, and open a window."""
    module("axe_playwright_python.sync_playwright")
    last = read_last_run(published.state_file)
    assert last is not None
    # A copy, beside which the downloads lie as they do beside the original: tests put pages of their own into it.
    whole = tmp_path_factory.mktemp("browser") / last.release_id
    shutil.copytree(published.public / last.release_id, whole, copy_function=os.link)
    folder = whole / "report"

    def below(name: str) -> list[str]:
        return [file.relative_to(folder).as_posix() for file in sorted((folder / name).glob("*.html"))]

    kinds = [file.name for file in sorted(folder.glob("*.html"))]
    kinds += [
        *below("frameworks")[:2],
        links.place("E08000009"),
        links.place("E06000018"),
        links.place("E05015257"),
        *below("indicators")[:2],
        *below("guides")[:2],
        links.commitment("notts-prev-smoking-5pct-2035"),
        links.commitment("notts-overarching-le-gap"),
        links.commitment("traf-ces-o3-poverty"),
        links.commitment("traf-ces-ccg-monthly-bulletin"),
    ]
    commitments = random.Random(7).sample([path for path in below("commitments") if path not in kinds], SAMPLED)
    context = chromium.new_context()
    context.set_default_timeout(60_000)
    found = Pages(folder, kinds, commitments, context)
    context.on("request", lambda request: found.asked.append(request.url))
    yield found
    context.close()


def violations(page: Any) -> list[str]:
    """Return what axe-core finds on a page: rule, how many elements, and the first of them."""
    axe = module("axe_playwright_python.sync_playwright").Axe()
    options = {
        "runOnly": {"type": "tag", "values": list(TAGS)},
        "resultTypes": ["violations"],
        # It would ask for the stylesheets a second time, which the policy of the pages forbids.
        "preload": False,
    }
    found = axe.run(page, options=options).response["violations"]
    return [f"{one['id']}: {len(one['nodes'])}, {one['nodes'][0]['html'][:200]}" for one in found]


def is_wide(page: Any) -> bool:
    """Return whether the page has to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
