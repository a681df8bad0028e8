"""The components of NHS.UK frontend as functions, and the templates that use them.

How a table, a tag or a page is marked up belongs here. What it says does not.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import jinja2
from markupsafe import Markup, escape

from pipelines.problems import OutcomesError
from pipelines.report.site import links

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipelines.report.charts import Chart
    from pipelines.report.site.release_rows import StatusRow

Cell = str | Markup
"""A cell of a table; text is escaped, mark-up is not."""

LIBRARY: Final = "10.6.1"
"""Version of NHS.UK frontend whose stylesheet lies in the assets; the port to Jinja says to which it belongs."""

_HERE: Final = Path(__file__).parent
_MACROS: Final = {
    "breadcrumb": "breadcrumb",
    "contents-list": "contentsList",
    "details": "details",
    "footer": "footer",
    "header": "header",
    "inset-text": "insetText",
    "scroll": "scroll",
    "skip-link": "skipLink",
    "summary-list": "summaryList",
    "tables": "table",
    "tag": "tag",
    "warning-callout": "warningCallout",
}
_LOGO: Final = re.compile(r"\s*<svg class=\"nhsuk-header__logo\".*?</svg>", re.DOTALL)
_MENU: Final = re.compile(r"\s*<li class=\"nhsuk-header__menu\" hidden>.*?</li>", re.DOTALL)
_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
_CODE: Final = re.compile(r"[a-z0-9_-]{1,60}")
# What is in no HTML page, and what turns the direction of the text around it: names come from files of others.
_NOT_SHOWN: Final = {
    **{number: "\N{REPLACEMENT CHARACTER}" for number in (*range(32), *range(127, 160)) if chr(number) not in "\n\t"},
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}"),
    0x0D: None,
}


class LibraryChanged(OutcomesError):  # noqa: N818 - says what has happened
    """The library of components no longer gives the mark-up that this report was made and tested with."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: Its heading.
        is_numeric: Whether its cells stand at the right.
    """

    heading: str
    is_numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows; it is always there, for those who jump from table to table.
        columns: Headings.
        rows: Cells; the first one of a row is its heading.
        layout: ``stacked`` turns a row into a list on a narrow screen; ``scrolled`` keeps the columns and scrolls.
        is_caption_hidden: Whether only those who do not see the page hear the caption: it repeats a heading.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    layout: Literal["stacked", "scrolled"] = "stacked"
    is_caption_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be written.

    Attributes:
        path: Where it lies below the folder of the report.
        title: Its heading, and what the browser calls it.
        template: Name of the template.
        context: What the template shows.
        section: Which item of the menu is the current one.
        trail: Pages above it: text and path.
    """

    path: str
    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    section: str | None = None
    trail: Sequence[tuple[str, str]] = ()


MENU: Final = (
    ("Scorecard", links.INDEX),
    ("Commitments", links.ALL_COMMITMENTS),
    ("Places", links.ALL_PLACES),
    ("Indicators", links.INDICATORS),
    ("Data quality", links.QUALITY),
    ("Release notes", links.NOTES),
    ("Methods", links.METHODS),
    ("Downloads", links.DOWNLOADS),
)
"""Items of the menu: text and path."""

_IN_MENU: Final = frozenset(path for _, path in MENU)
SERVICE: Final = "Health commitments: target against actual"
"""What the report calls itself."""


def _token(name: str) -> str:
    """Return a place in a mould: two characters that no name of the files has, as they are kept for private use."""
    return f"\ue000{name}\ue001"


_TOKEN: Final = re.compile("\ue000([a-z0-9]+)\ue001")


@dataclass(frozen=True, slots=True)
class _Mould:
    """What a component of the library looks like with one row, so that the library is asked once a shape.

    Its macros take a fifth of a millisecond a cell, and a report has a hundred thousand of them.

    Attributes:
        before: Mark-up before the rows.
        row: Mark-up of a row, cut at its cells.
        after: Mark-up behind the rows.
    """

    before: str
    row: tuple[str, ...]
    after: str

    @classmethod
    def of(cls, made: Markup, element: str, cells: int) -> _Mould:
        """Cut a component with one row of tokens into its parts.

        Args:
            made: The component.
            element: Element that makes a row.
            cells: Cells of a row.

        Raises:
            LibraryChanged: The component does not look as it did.
        """
        text = str(made)
        first, last = text.find(_token("0")), text.find(_token(str(cells - 1)))
        begin = text.rfind(f"<{element}", 0, first)
        end = text.find(f"</{element}>", last)
        if min(first, last, begin, end) < 0:
            raise LibraryChanged(f"a component has no row of {cells} cells any more:\n{text}")
        end += len(f"</{element}>")
        pieces = _TOKEN.split(text[begin:end])
        if [int(name) for name in pieces[1::2]] != list(range(cells)):
            raise LibraryChanged(f"a component has other cells than it was given:\n{text}")
        return cls(text[:begin], tuple(pieces[::2]), text[end:])

    def fill(self, names: Mapping[str, str], rows: Sequence[Sequence[Cell]]) -> Markup:
        """Return the component with rows.

        Args:
            names: What stands for the other tokens.
            rows: Cells of each row; text is escaped.
        """

        def named(part: str) -> str:
            return _TOKEN.sub(lambda found: str(escape(names[found[1]])), part)

        made = [named(self.before)]
        for row in rows:
            made += [
                text for piece, cell in zip(self.row, (*row, ""), strict=True) for text in (piece, str(escape(cell)))
            ]
        made.append(named(self.after))
        return Markup("".join(made))  # noqa: S704 - every cell was escaped, and the rest is the library's


def _macros() -> dict[str, Callable[..., Markup]]:
    """Return the library's components as functions.

    Its templates ask for what callers leave out, so that they need an undefined value that may be chained; ours fail on
    a name that is not there. Hence two environments.
    """
    library = jinja2.Environment(
        loader=jinja2.PackageLoader("nhsuk_frontend_jinja"),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return {
        name: getattr(library.get_template(f"nhsuk/components/{folder}/macro.jinja").module, name)
        for folder, name in _MACROS.items()
    }


class Components:
    """Components and templates, made once for all pages.

    Args:
        statuses: The statuses of the file, by code.
    """

    def __init__(self, statuses: Mapping[str, StatusRow]) -> None:
        """Load the library and the templates."""
        self._macros = _macros()
        self._statuses = statuses
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._furniture = functools.cache(self._make_furniture)
        self.status = functools.cache(self._make_status)
        self._table_mould = functools.cache(self._make_table_mould)
        self._facts_mould = functools.cache(self._make_facts_mould)
        ours: dict[str, Any] = {
            **{name: macro for name, macro in self._macros.items() if name not in ("header", "footer", "table", "tag")},
            "table": self.table,
            "chart_table": self.chart_table,
            "facts_list": self.facts,
            "status": self.status,
        }
        self._environment.globals.update(ours)

    def _make_status(self, code: str) -> Markup:
        """Return a status as a tag: symbol, word and colour."""
        status = self._statuses.get(code)
        label = status.status_label if status else code.replace("_", " ")
        inner = Markup('<span aria-hidden="true">{}</span> {}').format(status.status_symbol if status else "?", label)
        kind = "" if status is not None and status.is_judgement else " app-status--quiet"
        plain = code if _CODE.fullmatch(code) else "other"
        return self._macros["tag"]({"html": inner, "classes": f"app-status app-status--{plain}{kind}"}).strip()

    def table(self, table: Table, table_id: str) -> Markup:
        """Return a table in the mark-up of the library.

        Args:
            table: The table.
            table_id: An id that no other has on the page.
        """
        mould = self._table_mould(tuple(table.columns), table.layout, table.is_caption_hidden)
        return mould.fill({"id": table_id, "caption": table.caption}, table.rows)

    def _make_table_mould(self, columns: Sequence[Column], layout: str, is_caption_hidden: bool) -> _Mould:
        """Return what all tables of a shape have in common."""
        caption = {"text": _token("caption"), "id": f"{_token('id')}-caption", "size": "s"}
        if is_caption_hidden:
            caption["classes"] = "nhsuk-u-visually-hidden"
        made = self._macros["table"](
            {
                "id": _token("id"),
                "caption": caption,
                "head": [{"text": one.heading, **({"format": "numeric"} if one.is_numeric else {})} for one in columns],
                "rows": [[{"html": _token(str(i))} for i in range(len(columns))]],
                "firstCellIsHeader": True,
                "responsive": layout == "stacked",
                "compact": True,
                "classes": "app-table",
            }
        )
        if layout == "scrolled":
            scrolled = str(self._macros["scroll"]({"html": made, "labelledBy": caption["id"]}))
            # The library makes it reachable by keyboard with a script, and there is none here.
            made = Markup(scrolled.replace('role="region"', 'role="region" tabindex="0"', 1))  # noqa: S704
            if made == scrolled:
                raise LibraryChanged("the component scroll has no region any more")
        return _Mould.of(made, "tr", len(columns))

    def chart_table(self, chart: Chart) -> Markup:
        """Return the figures behind a chart as a table.

        Args:
            chart: The chart.
        """
        first, *others = chart.table.columns
        columns = [Column(first), *(Column(heading, True) for heading in others)]
        figures = Table(f"Figures behind: {chart.title}", columns, chart.table.rows, "scrolled")
        return self.table(figures, f"{chart.id}-table")

    def facts(self, rows: Sequence[tuple[str, Cell | None]]) -> Markup:
        """Return names with what they stand for; what is absent is left out.

        Args:
            rows: Name and content.
        """
        return self._facts_mould().fill({}, [(name, said) for name, said in rows if said])

    def _make_facts_mould(self) -> _Mould:
        made = self._macros["summaryList"](
            {"rows": [{"key": {"html": _token("0")}, "value": {"html": _token("1")}}], "classes": "app-facts"}
        )
        return _Mould.of(made, "div", 2)

    def _make_furniture(self, root: str, section: str | None, path: str | None) -> tuple[Markup, Markup]:
        """Return head and foot of a page, which many pages share."""
        header = self._macros["header"](
            {
                "service": {"text": SERVICE, "href": f"{root}{links.INDEX}"},
                "logo": {"ariaLabel": f"{SERVICE}, scorecard"},
                "navigation": {
                    "items": [
                        {
                            "text": text,
                            "href": f"{root}{target}",
                            "current": target == path,
                            "active": target == section,
                        }
                        for text, target in MENU
                    ]
                },
            }
        )
        # This is no site of the NHS: its logo is left out, and so is a button that only a script could open.
        plain, logos = _LOGO.subn("", str(header))
        plain, buttons = _MENU.subn("", plain)
        if (logos, buttons) != (1, 1):
            raise LibraryChanged(f"the component header has {logos} logos and {buttons} menu buttons, not one of each")
        footer = self._macros["footer"](
            {
                "meta": {
                    "items": [
                        {"text": "How to read this report", "href": f"{root}{links.HOW_TO_READ}"},
                        {"text": "Accessibility statement", "href": f"{root}{links.ACCESSIBILITY}"},
                    ],
                },
                "copyright": "Made from published files; each page names its sources. This is not a site of the NHS.",
            }
        )
        return Markup(plain), footer  # noqa: S704 - what the library made, without two of its parts

    def render(self, page: Page, shared: Mapping[str, Any]) -> str:
        """Return a page as HTML.

        Args:
            page: The page.
            shared: What every page shows: the release and the edition.
        """
        root = links.root_of(page.path)
        header, footer = self._furniture(root, page.section, page.path if page.path in _IN_MENU else None)
        context: dict[str, Any] = {
            **shared,
            **page.context,
            "page": page,
            "root": root,
            "header": header,
            "footer": footer,
            "service": SERVICE,
        }
        return self._environment.get_template(page.template).render(context).translate(_NOT_SHOWN)


def status_rules(statuses: Mapping[str, StatusRow]) -> str:
    """Return the stylesheet that gives every status the colour that the file gives it.

    Args:
        statuses: By code; a colour or code that is none is left out.
    """
    rules = [
        f".app-status--{one.status_code} {{ --app-status: {one.status_colour}; }}"
        for one in statuses.values()
        if _CODE.fullmatch(one.status_code) and _HEX.fullmatch(one.status_colour)
    ]
    return "\n".join(["/* Colours of the statuses, from dim_status of the release. */", *rules, ""])


def link(text: str, href: str) -> Markup:
    """Return a link in the mark-up of the library.

    Args:
        text: What it says.
        href: Where it leads.
    """
    return Markup('<a class="nhsuk-link" href="{}">{}</a>').format(href, text)
