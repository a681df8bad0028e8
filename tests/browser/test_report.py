"""The report in the browser: accessible, self-contained, and usable by keyboard, on a phone and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .report_pages import is_wide, pages, violations

__all__ = ["pages"]

pytestmark = pytest.mark.slow

Pages = Any


LARGE = ("methods.html", "commitments.html", "places/E08000009.html")
"""Pages that take axe-core many seconds, and have nothing that other kinds do not have too."""


def test_no_kind_of_page_violates_a_rule(pages: Pages) -> None:
    assert len(pages.kinds) > 20
    assert {path: bad for path in pages.kinds if (bad := violations(pages.open(path)))} == {}


def test_no_kind_of_page_violates_a_rule_on_a_narrow_screen(pages: Pages) -> None:
    looked_at = [path for path in pages.kinds if path not in LARGE]
    assert {path: bad for path in looked_at if (bad := violations(pages.open(path, 320)))} == {}


def test_no_commitment_of_the_sample_violates_a_rule(pages: Pages) -> None:
    assert len(pages.commitments) == 20
    assert {path: bad for path in pages.commitments if (bad := violations(pages.open(path)))} == {}


@pytest.mark.parametrize(("media", "scheme"), [("print", "light"), ("screen", "dark")])
def test_paper_and_dark_colours_violate_no_rule(pages: Pages, media: str, scheme: str) -> None:
    looked_at = ["index.html", "quality.html", "places/E06000018.html", "commitments/notts-prev-smoking-5pct-2035.html"]
    found = {path: bad for path in looked_at if (bad := violations(pages.open(path, media=media, scheme=scheme)))}
    assert found == {}


def test_the_rules_find_what_is_wrong(pages: Pages) -> None:
    """A page with faults of several kinds is not let through."""
    text = (pages.folder / "index.html").read_text(encoding="utf-8")
    broken = text.replace("<html lang=", "<html data-lang=").replace("</main>", '<img src="x.svg"><h5>y</h5></main>')
    (pages.folder / "broken.html").write_text(broken, encoding="utf-8")
    try:
        found = {one.partition(":")[0] for one in violations(pages.open("broken.html"))}
    finally:
        (pages.folder / "broken.html").unlink()
    assert {"html-has-lang", "image-alt", "heading-order"} <= found


def test_no_page_is_scrolled_sideways(pages: Pages) -> None:
    looked_at = [*pages.kinds, *pages.commitments]
    assert [path for path in looked_at if is_wide(pages.open(path, 320))] == []
    assert [path for path in pages.kinds if is_wide(pages.open(path, 800))] == []
    page = pages.open("index.html", 320)
    page.evaluate("document.querySelector('h1').style.width = '400px'")
    assert is_wide(page)


def test_no_request_leaves_the_folder(pages: Pages) -> None:
    pages.asked.clear()
    for path in pages.kinds:
        pages.open(path)
    root = pages.folder.as_uri()
    assert any(address.endswith(".css") for address in pages.asked)
    assert [address for address in pages.asked if not address.startswith(root + "/")] == []
    # What the policy of the pages does not allow is seen here when a page without it asks for it.
    page = pages.open("index.html")
    text = page.content()
    elsewhere = "http://127.0.0.1:9/picture.png"
    (pages.folder / "leak.html").write_text(f'<img alt="" src="{elsewhere}">', encoding="utf-8")
    try:
        pages.open("leak.html")
    finally:
        (pages.folder / "leak.html").unlink()
    assert elsewhere in pages.asked
    assert "default-src 'none'" in text


def test_the_policy_stops_scripts_and_addresses(pages: Pages) -> None:
    """Should a name of a publisher ever come out as mark-up, it would do nothing."""
    text = (pages.folder / "index.html").read_text(encoding="utf-8")
    added = '<script>document.title = "run"</script><img alt="" src="http://127.0.0.1:9/x.png">'
    (pages.folder / "added.html").write_text(text.replace("</main>", f"{added}</main>"), encoding="utf-8")
    answered: list[str] = []
    pages.context.on("requestfinished", lambda request: answered.append(request.url))
    try:
        page = pages.open("added.html")
    finally:
        (pages.folder / "added.html").unlink()
    assert page.title() != "run"
    assert any(address.endswith(".css") for address in answered)
    assert not any("127.0.0.1" in address for address in answered)


def test_the_keyboard_gets_everywhere(pages: Pages) -> None:
    page = pages.open("commitments/notts-prev-smoking-5pct-2035.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().height") > 20
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "maincontent"
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        kind, is_shown, is_marked = page.evaluate(
            """() => {
                const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
                const inner = getComputedStyle(one.firstElementChild ?? one), after = getComputedStyle(one, "::after");
                const is_marked = [style, inner].some(
                    (each) => each.outlineStyle !== "none" || each.boxShadow !== "none"
                ) || after.boxShadow !== "none";
                return [one.tagName, box.bottom > 0 && box.top < innerHeight, is_marked];
            }"""
        )
        if kind == "BODY":  # behind the last element
            break
        seen.append(kind)
        assert is_shown, kind
        assert is_marked, kind
    assert len(seen) > 30
    assert {"A", "SUMMARY"} <= set(seen)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None


def test_links_are_large_enough_to_hit(pages: Pages) -> None:
    page = pages.open("index.html", 390)
    heights = page.evaluate("[...document.querySelectorAll('nav a')].map((one) => one.getBoundingClientRect().height)")
    assert len(heights) > 8
    assert min(heights) >= 24


def test_paper_shows_what_the_screen_hides_and_no_menu(pages: Pages, tmp_path: Path) -> None:
    path = "commitments/notts-prev-smoking-5pct-2035.html"
    tables = "[...document.querySelectorAll('details table')]"
    is_seen = f"{tables}.map((one) => one.checkVisibility({{contentVisibilityAuto: true}}))"
    screen = pages.open(path)
    assert screen.locator(".nhsuk-header__navigation").is_visible()
    assert not any(screen.evaluate(is_seen))
    paper = pages.open(path, media="print")
    assert not paper.locator(".nhsuk-header__navigation").is_visible()
    found = paper.evaluate(is_seen)
    assert found and all(found)
    made = paper.pdf(path=tmp_path / "page.pdf", format="A4")
    assert made.startswith(b"%PDF")
    assert len(made) > 50_000


def test_every_status_has_its_colour_and_can_be_read_without_it(pages: Pages, tmp_path: Path) -> None:
    page = pages.open("how-to-read.html")
    found = page.evaluate(
        """[...document.querySelectorAll(".app-status")].map((one) => {
            const style = getComputedStyle(one);
            return [one.textContent.trim(), style.backgroundColor, style.color];
        })"""
    )
    assert len(found) >= 15
    assert len({(background, colour) for _, background, colour in found}) >= 8
    assert all(len(text.split()) >= 2 for text, _, _ in found)
    for width in (1280, 390):
        for path in ("index.html", "commitments/notts-prev-smoking-5pct-2035.html"):
            pages.open(path, width).screenshot(path=tmp_path / f"{Path(path).stem}_{width}.png", full_page=True)
