"""The scorecard as lines of a terminal: symbol and words for every status, nothing wider than the screen.

Layout belongs here; which rows there are does not.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.report import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from pipelines.report.scorecard import CoverageLine, Scorecard, ScorecardLine

INDENT = 4
GAP = 2
NARROWEST_PLACE = 12
WIDEST_PLACE = 24
HEADINGS = ("Status", "Place", "Period", "Actual (95% limits)", "Target", "Due", "Chance")
CHANCE = "Chance: of meeting the target when the deadline is answered, if the pattern so far holds; - is no forecast."
OUTCOMES = {
    "assessed": "Assessed",
    "recorded": "Recorded",
    "not_recorded": "No record",
    "optional": "Optional",
    "no_target": "No target",
    "not_assessable": "Not assessable",
    "repeated": "Repeats",
}
"""Outcome of ``v_coverage`` -> heading."""


class Cells(NamedTuple):
    """One line of the list, cell by cell; a reason stands in the place of period, actual and target."""

    status: str
    place: str
    period: str
    actual: str
    target: str
    due: str
    chance: str
    reason: str | None
    colour: str


def print_scorecard(console: Console, scorecard: Scorecard) -> None:
    """Print an answer: the list, what is held back, the totals, and what can be said of each framework.

    Args:
        console: Where to.
        scorecard: The answer.
    """
    _print_line(console, f"Release {scorecard.release.release_id}, as at {words.day(scorecard.release.as_at)}.")
    if not scorecard.lines:
        _print_line(console, f"No commitment fits: {_asked(scorecard)}.")
        if scorecard.hint:
            _print_line(console, scorecard.hint)
        return
    if scorecard.shown:
        for line in layout(scorecard.shown, console.width):
            console.print(line, highlight=False, no_wrap=True, crop=True, overflow="ellipsis")
        console.print()
        _print_line(console, CHANCE)
    else:
        _print_line(console, "Nothing that fits is assessed or has a recorded state.")
    _print_held_back(console, scorecard)
    _print_totals(console, scorecard)
    _print_coverage(console, scorecard.coverage)


def layout(lines: Sequence[ScorecardLine], width: int) -> Iterator[Text]:
    """Yield the list: a heading for each framework and priority, the commitment, and one line for each of its places.

    Args:
        lines: Rows in order.
        width: Columns of the screen.
    """
    all_cells = [cells_of(line) for line in lines]
    widths = column_widths(all_cells, width)
    yield Text(cut_line(" " * INDENT + _row(HEADINGS, widths), width), style="bold")
    in_order = zip(lines, all_cells, strict=True)
    for (framework, framework_id), in_framework in groupby(
        in_order, key=lambda pair: (pair[0].framework, pair[0].framework_id)
    ):
        yield Text()
        yield _with_id(framework, framework_id, width, "bold")
        for (aim, priority), in_priority in groupby(in_framework, key=lambda pair: (pair[0].aim, pair[0].priority)):
            yield Text(cut_line(": ".join(part for part in (aim, priority) if part), width), style="underline")
            for (title, commitment_id), at_places in groupby(
                in_priority, key=lambda pair: (pair[0].title, pair[0].commitment_id)
            ):
                yield _with_id(f"{' ' * GAP}{title}", commitment_id, width)
                for _, cells in at_places:
                    yield _line(cells, widths, width)


def cells_of(line: ScorecardLine) -> Cells:
    """Return the cells of a row.

    Args:
        line: The row.
    """
    unit = words.unit_of(line.unit, line.measured_as, line.gap_measure)
    actual = (
        ""
        if line.actual_value is None
        else words.actual_words(
            line.actual_value, (line.actual_lower_ci_95, line.actual_upper_ci_95), unit, line.decimal_places
        )
    )
    if line.actual_value is not None and line.is_stale:
        actual += ", stale"
    reason = None
    if line.not_assessable_reason is not None:
        reason = words.plain(line.not_assessable_reason)
        if actual:
            reason += f"; it was {actual} in {line.period_label}"
    target = ""
    if line.target_value is not None and line.target_operator is not None:
        # The unit stands beside the actual value.
        number = words.rounded(line.target_value, line.decimal_places)
        target = f"{words.OPERATORS[line.target_operator]} {number}{'%' if unit == '%' else ''}"
    return Cells(
        status=f"{line.status_symbol} {line.status_label}",
        place=line.area_name,
        period=line.period_label or "" if line.indicator_id and actual else "",
        actual=actual,
        target=target,
        due=words.short_day(line.due_date),
        chance=words.chance(line.forecast_probability),
        reason=reason,
        colour=line.status_colour,
    )


def column_widths(cells: Sequence[Cells], width: int) -> tuple[int, ...]:
    """Return how wide each column is; the place gives way when the screen is narrow.

    Args:
        cells: All lines.
        width: Columns of the screen.
    """
    widths = [
        max([len(heading), *(len(str(row[i])) for row in cells if row.reason is None or i not in (2, 3, 4))])
        for i, heading in enumerate(HEADINGS)
    ]
    spare = width - INDENT - GAP * (len(widths) - 1) - (sum(widths) - widths[1])
    widths[1] = min(widths[1], max(min(WIDEST_PLACE, spare), NARROWEST_PLACE))
    return tuple(widths)


def cut_line(text: str, width: int) -> str:
    """Return a line without blanks at its end that is no wider than the screen.

    Args:
        text: The line.
        width: Columns of the screen.
    """
    return words.cut(text.rstrip(), width)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * GAP).join(words.cut(cell, size).ljust(size) for cell, size in zip(cells, widths, strict=True))


def _line(cells: Cells, widths: Sequence[int], width: int) -> Text:
    if cells.reason is None:
        text = _row(cells[:7], widths)
    else:
        spanned = sum(widths[2:5]) + 2 * GAP
        text = _row(
            (cells.status, cells.place, cells.reason, cells.due, cells.chance),
            (widths[0], widths[1], spanned, widths[5], widths[6]),
        )
    line = Text(cut_line(" " * INDENT + text, width))
    line.stylize(cells.colour, INDENT, INDENT + len(cells.status))
    return line


def _with_id(title: str, own_id: str, width: int, style: str = "") -> Text:
    """Return a title with its id, which is never cut: a person types it into another command."""
    line = Text(words.cut(title, max(width - GAP - len(own_id), 1)), style=style)
    return line.append(f"{' ' * GAP}{own_id}", style="not bold dim")


def _print_line(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False)


def _asked(scorecard: Scorecard) -> str:
    asked = scorecard.filters
    said = [
        f"{name} {wanted}"
        for name, wanted in (("framework", asked.framework), ("place", asked.place), ("status", asked.status))
        if wanted
    ]
    return ", ".join([*said, "signed places and their parts" if asked.parts else "signed places"])


def _print_held_back(console: Console, scorecard: Scorecard) -> None:
    held_back = scorecard.held_back
    if not held_back:
        return
    console.print()
    _print_line(console, f"Not listed: {len(held_back):,} of which nothing can be said yet; --all lists them.")
    for status in scorecard.statuses:
        of_status = [line for line in held_back if line.status_code == status.status_code]
        if not of_status:
            continue
        reasons = Counter(words.plain(line.not_assessable_reason) for line in of_status if line.not_assessable_reason)
        named = ", ".join(f"{number:,} {reason}" for reason, number in reasons.most_common())
        label = f"{status.status_symbol} {len(of_status):,} {status.status_label.lower()}"
        console.print(Padding(Text(f"{label}: {named}" if named else label), (0, 0, 0, 2)), highlight=False)


def _print_totals(console: Console, scorecard: Scorecard) -> None:
    totals = scorecard.totals
    names = {status.status_code: status for status in scorecard.statuses}
    console.print()
    if not totals:
        _print_line(console, "Totals: none of these rows counts, as each is a part of a place or repeats another.")
        return
    table = Table(title="Totals", title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
    table.add_column("Status", no_wrap=True)
    table.add_column("Rows", justify="right", no_wrap=True)
    for code, number in totals.items():
        status = names[code]
        table.add_row(Text(f"{status.status_symbol} {status.status_label}", style=status.status_colour), f"{number:,}")
    table.add_row("Together", f"{sum(totals.values()):,}")
    console.print(table)
    _print_line(console, "A commitment counts once at each place that signed it; parts and repeats are left out.")


def _print_coverage(console: Console, coverage: Sequence[CoverageLine]) -> None:
    counts: dict[str, Counter[str]] = {}
    names: dict[str, str] = {}
    for line in coverage:
        counts.setdefault(line.framework_id, Counter())[line.outcome] += line.commitments
        names[line.framework_id] = line.framework
    console.print()
    table = Table(
        title="Commitments of each framework, at the place that says most",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    table.add_column("Framework", no_wrap=True, overflow="ellipsis", max_width=38)
    table.add_column("All", justify="right", no_wrap=True)
    for heading in OUTCOMES.values():
        table.add_column(heading, justify="right")
    for framework_id, found in counts.items():
        table.add_row(names[framework_id], f"{sum(found.values()):,}", *(f"{found[outcome]:,}" for outcome in OUTCOMES))
    console.print(table)
