"""Pages of prose: methods and recipes from Markdown, downloads, how to read the report, and its accessibility.

Turning Markdown into the library's mark-up belongs here; the prose lies in ``dbt_project/docs``,
``pipelines/publish/recipes`` and the templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from pipelines.report.site import links
from pipelines.report.site.components import Cell, Column, Page, Table, link

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pipelines.report.site.components import Components
    from pipelines.report.site.release_rows import SiteRows


@dataclass(frozen=True, slots=True)
class Download:
    """A file that lies beside the report.

    Attributes:
        title: What it is.
        href: The way to it from the folder of the report, such as ``../outcomes_public.duckdb``.
        size: Bytes.
        sha256: Hash of its bytes, in hexadecimal.
        description: What it is for.
    """

    title: str
    href: str
    size: int
    sha256: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """A text in the mark-up of the library.

    Attributes:
        title: Its first heading.
        body: All that follows.
        contents: Headings of the second and third level: text, anchor, level.
    """

    title: str
    body: Markup
    contents: tuple[tuple[str, str, int], ...]


def _anchor(text: str, taken: set[str]) -> str:
    """Return the anchor of a heading as GitHub makes it, so that the links of the text find it."""
    plain = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
    anchor, n = plain, 0
    while anchor in taken:
        n += 1
        anchor = f"{plain}-{n}"
    taken.add(anchor)
    return anchor


def _inline_text(token: Token) -> str:
    return "".join(child.content for child in token.children or [] if child.type in ("text", "code_inline"))


def read_prose(text: str, siblings: Collection[str] = ()) -> Prose:
    """Turn Markdown into the mark-up of the library.

    Mark-up in the text is shown as text. Links within it and to addresses on the web stay; any other becomes plain
    text, because what it leads to does not lie in the report.

    Args:
        text: Markdown whose first line is its title.
        siblings: Names of texts that lie beside it, whose pages lie beside its page.

    Returns:
        Title, body and contents.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    taken: set[str] = set()
    contents: list[tuple[str, str, int]] = []
    title = ""
    kept: list[Token] = []
    last_heading = ""
    tables = 0
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.type == "heading_open":
            said = _inline_text(tokens[i + 1])
            last_heading = said
            if token.tag == "h1" and not title:
                title = said
                taken.add(_anchor(said, set()))
                i += 3
                continue
            level = int(token.tag[1])
            anchor = _anchor(said, taken)
            token.attrs["id"] = anchor
            token.attrs["class"] = {2: "nhsuk-heading-l", 3: "nhsuk-heading-m"}.get(level, "nhsuk-heading-s")
            if level <= 3:
                contents.append((said, anchor, level))
        elif token.type == "table_open":
            token.attrs["class"] = "nhsuk-table app-table"
            tables += 1
            label = escape(f"Table {tables}: {last_heading}")
            kept.append(
                _raw(
                    '<div class="nhsuk-scroll"><div class="nhsuk-scroll__content" role="region" tabindex="0" '
                    f'aria-label="{label}">'
                )
            )
        elif token.type == "inline":
            _settle_links(token, siblings)
        kept.append(_dressed(token))
        if token.type == "table_close":
            kept.append(_raw("</div></div>\n"))
        i += 1
    body = str(markdown.renderer.render(kept, markdown.options, {}))
    return Prose(title, Markup(body), tuple(contents))  # noqa: S704 - mark-up in the text was escaped


def _raw(content: str) -> Token:
    """Return mark-up of our own among the tokens."""
    return Token("html_block", "", 0, content=content)


def _dressed(token: Token) -> Token:
    """Give a token the class that the library's stylesheet knows."""
    classes = {
        "bullet_list_open": "nhsuk-list nhsuk-list--bullet",
        "ordered_list_open": "nhsuk-list nhsuk-list--number",
        "thead_open": "nhsuk-table__head",
        "tbody_open": "nhsuk-table__body",
        "tr_open": "nhsuk-table__row",
        "th_open": "nhsuk-table__header",
        "td_open": "nhsuk-table__cell",
    }
    if token.type in classes:
        # The alignment is written as a style, which the policy of the pages forbids.
        is_right = "right" in str(token.attrs.pop("style", ""))
        token.attrs["class"] = classes[token.type] + (" app-right" if is_right else "")
    if token.type == "th_open":
        token.attrs["scope"] = "col"
    return token


def _settle_links(token: Token, siblings: Collection[str]) -> None:
    """Keep links within the text, to its siblings and to the web; of others only the words."""
    kept: list[Token] = []
    is_dropped = False
    for child in token.children or []:
        if child.type == "link_open":
            href = str(child.attrs.get("href", ""))
            name, ending, rest = href.partition(".md")
            is_sibling = name in siblings and bool(ending) and (not rest or rest.startswith("#"))
            if is_sibling:
                child.attrs["href"] = f"{links.file_name(name)}.html{rest}"
            is_dropped = not is_sibling and not href.startswith(("#", "https://", "http://"))
            child.attrs["class"] = "nhsuk-link"
        if child.type in ("link_open", "link_close") and is_dropped:
            is_dropped = child.type == "link_open"
            continue
        if child.type != "image":
            kept.append(child)
    token.children = kept


def methods(text: str) -> Page:
    """Return the page on methods.

    Args:
        text: The page of methods in Markdown.
    """
    prose = read_prose(text)
    return Page(links.METHODS, prose.title or "Methods", "prose.html.j2", {"prose": prose}, links.METHODS)


def guides(recipes: Sequence[tuple[str, str]]) -> list[Page]:
    """Return a page for every recipe.

    Args:
        recipes: Name of the file without its ending, and its Markdown.
    """
    pages: list[Page] = []
    for name, text in recipes:
        prose = read_prose(text, [own for own, _ in recipes])
        trail = (("Scorecard", links.INDEX), ("Downloads", links.DOWNLOADS))
        title = prose.title or name.replace("_", " ")
        pages.append(Page(links.guide(name), title, "prose.html.j2", {"prose": prose}, links.DOWNLOADS, trail))
    return pages


def read_recipes(folder: Path) -> list[tuple[str, str]]:
    """Return the recipes of a folder, by name.

    Args:
        folder: Where they lie; without it there are none.
    """
    return [(file.stem, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.md"))]


def size_in_words(size: int) -> str:
    """Return a size as people read it: ``10.4 MB``.

    Args:
        size: Bytes.
    """
    if size < 1_000:
        return f"{size} bytes"
    return f"{size / 1_000:,.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"


def downloads(files: Sequence[Download], recipes: Sequence[Page]) -> Page:
    """Return the page with what can be taken away.

    Args:
        files: Files beside the report.
        recipes: Pages on how to open them.
    """
    rows: list[list[Cell]] = [
        [
            link(one.title, one.href),
            one.description,
            size_in_words(one.size),
            Markup('<code class="app-hash">{}</code>').format(one.sha256),
        ]
        for one in files
    ]
    columns = [Column("File"), Column("What it is"), Column("Size", True), Column("SHA-256")]
    context = {
        "table_of_all": Table("Files beside this report", columns, rows, is_caption_hidden=True),
        "guides": [(one.title, one.path) for one in recipes],
    }
    return Page(links.DOWNLOADS, "Downloads", "downloads.html.j2", context, links.DOWNLOADS)


def how_to_read(rows: SiteRows, components: Components) -> Page:
    """Return the page that explains statuses, signs and words.

    Args:
        rows: The release.
        components: For tags.
    """
    families = (
        ("overall", "Statuses of commitments that are measured, from the worst to the best"),
        ("milestone", "States of actions"),
    )
    tables = [
        Table(
            title,
            [Column("Status"), Column("What it means")],
            [
                [components.status(one.status_code), one.description or ""]
                for one in rows.statuses.values()
                if one.status_family == family
            ],
        )
        for family, title in families
    ]
    signs = Table(
        "Signs beside or instead of a figure",
        [Column("Sign"), Column("Name"), Column("What it means")],
        [
            [one.shorthand, one.value_status_label, one.description or ""]
            for one in rows.value_statuses.values()
            if one.shorthand
        ],
    )
    context = {"tables": tables, "signs": signs}
    return Page(links.HOW_TO_READ, "How to read this report", "how-to-read.html.j2", context)


def accessibility() -> Page:
    """Return the accessibility statement."""
    return Page(links.ACCESSIBILITY, "Accessibility statement", "accessibility.html.j2")
