"""A finished chart: the picture, what it says, and the numbers behind it.

Only the form belongs here; what fills it does not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChartTable:
    """The numbers behind a chart, every cell as text that is ready to print.

    Attributes:
        columns: Headings; the first column names the row.
        rows: Cells, as many a row as there are headings; none is empty.
        notes: What the marks in the table mean; empty where it has none.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that can stand on any page.

    Attributes:
        id: Lower-case letters, digits and hyphens; unique in a release and the same in the next one.
        title: Heading, as plain text.
        svg: A whole ``svg`` element to be put into a page as it is; all ids in it begin with ``id``.
        alt: What the chart shows, as plain text; also the description inside the picture.
        caption: How to read it, as plain text.
        table: The numbers behind it.
        commitment_id: The commitment, where it is about one.
        area_code: The place, where it is about one.
        place_role: ``signed`` or ``part``, where it is about a place.
    """

    id: str
    title: str
    svg: str
    alt: str
    caption: str
    table: ChartTable
    commitment_id: str | None = None
    area_code: str | None = None
    place_role: str | None = None
