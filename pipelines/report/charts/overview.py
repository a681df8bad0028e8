"""Statuses by framework: one bar a framework, cut into the shares of its statuses.

The bars, their key, the table and the words belong here; which statuses there are does not.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from pipelines.report.charts.chart import Chart, ChartTable
from pipelines.report.charts.picture import FONT_SIZE, LINE, RIGHT, WHITE, WIDTH, Key, LineMark, Picture, TextMark
from pipelines.report.charts.scale import Axis, width_of, wrapped
from pipelines.report.charts.sentences import lower_first
from pipelines.report.charts.spec import specification
from pipelines.report.charts.svg import cleaned, drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.report.charts.chart_rows import StatusRow

ID = "chart-statuses-by-framework"
TITLE = "Statuses by framework"
LEFT = 6
BAR = 24
GAP = 2
BETWEEN = 12
NO_BREAK = "\N{NO-BREAK SPACE}"
CAPTION = (
    "Each bar is a framework, cut into the shares of its statuses; the numbers count commitments, once for every place "
    "that they name. A part that is too narrow for its number is in the table."
)


def overview_of(statuses: Sequence[StatusRow]) -> Chart:
    """Draw statuses by framework.

    Args:
        statuses: Rows, those of one framework together, its worst status first.
    """
    alt = alternative(statuses)
    return Chart(
        id=ID,
        title=TITLE,
        svg=cleaned(drawing(specification(picture_of(statuses))), ID, TITLE, alt),
        alt=alt,
        caption=CAPTION,
        table=table_of(statuses),
    )


def kinds_of(statuses: Sequence[StatusRow]) -> list[StatusRow]:
    """Return one row of every status that occurs, the worst first.

    Args:
        statuses: Rows of any framework.
    """
    first = {row.status_code: row for row in reversed(statuses)}
    return sorted(first.values(), key=lambda row: (row.status_sort, row.status_code))


def picture_of(statuses: Sequence[StatusRow]) -> Picture:
    """Lay out the bars.

    Args:
        statuses: Rows, those of one framework together.
    """
    bars = [(name, list(rows)) for name, rows in groupby(statuses, key=lambda row: row.framework)]
    room = WIDTH - LEFT - RIGHT
    titles = [wrapped(f"{name}:{NO_BREAK}{sum(row.places for row in rows)}", room, FONT_SIZE) for name, rows in bars]
    height = sum(LINE * len(lines) + BAR + BETWEEN for lines in titles)
    # Pixels are the units of both axes.
    picture = Picture(
        x=Axis(0, room, ()),
        y=Axis(-height, 0, ()),
        left=LEFT,
        bottom=0,
        plot_height=height,
        has_axes=False,
        top=LINE / 2,
    )
    top = 0.0
    for lines, (_, rows) in zip(titles, bars, strict=True):
        for line in lines:
            picture.texts.append(TextMark(0, -top, line, "left"))
            top += LINE
        _bar(picture, rows, top + BAR / 2 - LINE / 4, room)
        top += BAR + BETWEEN
    key = Key(picture)
    totals = Counter[str]()
    for row in statuses:
        totals[row.status_code] += row.places
    for kind in kinds_of(statuses):
        words = f"{kind.status_label}: {totals[kind.status_code]}"
        key.add(words, line=(kind.status_colour, 18, (1, 0)), mark=kind.status_symbol, mark_colour=WHITE)
    picture.bottom = key.bottom
    return picture


def _bar(picture: Picture, rows: Sequence[StatusRow], middle: float, room: float) -> None:
    total = sum(row.places for row in rows)
    at = 0.0
    for row in rows:
        width = room * row.places / total
        ends = ((at, -middle), (max(at + width - GAP, at + 1), -middle))
        picture.lines.append(LineMark(f"bar-{len(picture.lines)}", ends, row.status_colour, BAR))
        short = f"{row.status_symbol} {row.places}"
        for text in (f"{row.status_symbol} {row.status_label} {row.places}", short, row.status_symbol):
            if width_of(text, FONT_SIZE) + 6 <= width:
                picture.texts.append(TextMark(at + (width - GAP) / 2, -middle, text, "center", WHITE))
                break
        at += width


def alternative(statuses: Sequence[StatusRow]) -> str:
    """Say how many have which status, judged ones first.

    Args:
        statuses: All rows.
    """
    totals = Counter[str]()
    for row in statuses:
        totals[row.status_code] += row.places
    kinds = kinds_of(statuses)

    def listed(judged: int) -> str:
        asked = [row for row in kinds if row.is_judgement == judged]
        return ", ".join(f"{lower_first(row.status_label)} {totals[row.status_code]}" for row in asked) or "none"

    frameworks = len({row.framework_id for row in statuses})
    return (
        f"Of {sum(totals.values())} commitments, counted once for every place that they name, in {frameworks} "
        f"frameworks: judged {listed(1)}; without a judgement {listed(0)}."
    )


def table_of(statuses: Sequence[StatusRow]) -> ChartTable:
    """Return the numbers of the bars.

    Args:
        statuses: Rows, those of one framework together.
    """
    kinds = kinds_of(statuses)
    rows: list[tuple[str, ...]] = []
    for name, group in groupby(statuses, key=lambda row: row.framework):
        places = {row.status_code: row.places for row in group}
        numbers = [places.get(kind.status_code, 0) for kind in kinds]
        rows.append((name, *map(str, numbers), str(sum(numbers))))
    return ChartTable(
        columns=("Framework", *(kind.status_label for kind in kinds), "All"),
        rows=tuple(rows),
        notes="A commitment is counted once for every place that it names; one that repeats another is not counted.",
    )
