"""Where every mark of a commitment's chart stands.

What is drawn in which shape, dash and colour, the key, and the room between texts belong here; drawing does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.report.charts import sentences
from pipelines.report.charts.scale import Axis, spaced, value_axis, width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipelines.report.charts.series import Point, Series

WIDTH = 420
PLOT_HEIGHT = 220
FONT_SIZE = 14
LINE = 20
TOP = 30
BELOW_AXIS = 44
RIGHT = 14
EDGE = 30
"""Room at both ends of the time axis, at least."""

LONG_LABEL = 9
"""A period that takes more letters is written in two lines."""

PLACE = "#12436d"
FORECAST = "#4a83b8"
SECOND = "#6b6b6b"
TARGET = "#b35900"
TEXT = "#0b0c0c"
WHITE = "#ffffff"
GRID = "#dde1e4"
"""Lines that help the eye and carry nothing: the numbers at them do."""

DRAWN = (PLACE, FORECAST, SECOND, TARGET, TEXT)
"""Every colour that carries something; each stands out from white by 3 to 1 or more."""

SOLID = (1, 0)
DASHED = (7, 5)
DOTTED = (2, 4)
BROKEN = (1, 3)

KEY_SYMBOL = 26
KEY_TEXT = 34


@dataclass(frozen=True, slots=True)
class LineMark:
    """A line through points; ``name`` tells it from others."""

    name: str
    points: tuple[tuple[float, float], ...]
    colour: str
    width: float
    dash: tuple[int, int] = SOLID


@dataclass(frozen=True, slots=True)
class PointMark:
    """A symbol; ``shape`` is one of Vega's."""

    x: float
    y: float
    shape: str
    size: int
    fill: str
    stroke: str


@dataclass(frozen=True, slots=True)
class TextMark:
    """A text; ``align`` is ``left`` or ``center``."""

    x: float
    y: float
    text: str
    align: str
    colour: str = TEXT


@dataclass(slots=True)
class Picture:
    """A chart ready to be drawn; x and y are in the units of the axes, also where they lie outside the plot.

    Attributes:
        x: The axis of time, in days.
        y: The axis of values.
        left: Room to the left of the plot.
        bottom: Room below it.
        lines: Lines, the first lowest.
        points: Symbols.
        texts: Texts.
        plot_height: Height of the plot.
        has_axes: Whether its axes are drawn.
        top: Room above the plot.
    """

    x: Axis
    y: Axis
    left: float
    bottom: float
    lines: list[LineMark] = field(default_factory=list[LineMark])
    points: list[PointMark] = field(default_factory=list[PointMark])
    texts: list[TextMark] = field(default_factory=list[TextMark])
    plot_height: float = PLOT_HEIGHT
    has_axes: bool = True
    top: float = TOP

    @property
    def plot_width(self) -> float:
        """Width of the plot."""
        return WIDTH - self.left - RIGHT

    def across(self, pixels: float) -> float:
        """Return the x that stands so many pixels from the left of the plot."""
        return self.x.value(pixels / self.plot_width)

    def down(self, pixels: float) -> float:
        """Return the y that stands so many pixels below the top of the plot."""
        return self.y.value(1 - pixels / self.plot_height)

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Return where x and y stand, in pixels from the left and from the top of the plot."""
        return self.x.share(x) * self.plot_width, (1 - self.y.share(y)) * self.plot_height


def days(when: date) -> float:
    """Return a day as a number on the axis of time.

    Args:
        when: The day.
    """
    return float(when.toordinal())


def picture_of(series: Series) -> Picture:
    """Lay out the chart of a series.

    Args:
        series: The series.
    """
    y = value_axis(_shown(series))
    left = max(width_of(label, FONT_SIZE) for _, label in y.ticks) + 12
    picture = Picture(x=_time_axis(series, WIDTH - left - RIGHT), y=y, left=left, bottom=0)
    _target_marks(picture, series)
    _second_marks(picture, series)
    _forecast_marks(picture, series)
    _place_marks(picture, series)
    _absent_marks(picture, series)
    _break_marks(picture, series)
    picture.texts.append(
        TextMark(picture.across(4 - left), picture.down(-16), sentences.axis_words(series.unit), "left")
    )
    key = Key(picture)
    _key_of(key, series)
    picture.bottom = key.bottom
    return picture


def _shown(series: Series) -> list[float]:
    values: list[float | None] = []
    for point in series.points:
        values.extend((point.value, point.lower, point.upper, point.second, point.path))
    values.extend(row.path for row in series.planned)
    if series.forecast:
        values.extend((series.forecast.value, series.forecast.lower, series.forecast.upper))
    if not series.target.is_comparator:
        values.append(series.target.value)
    return [value for value in values if value is not None]


def _time_axis(series: Series, pixels: float) -> Axis:
    periods = [(days(point.end), point.label) for point in series.points]
    anchor = len(periods) - 1
    seen = {end for end, _ in periods}
    periods += [(days(row.end), row.label) for row in series.planned if days(row.end) not in seen]
    ends = [end for end, _ in periods]
    if series.forecast:
        ends.append(days(series.forecast.end))
    if series.target.due and not series.target.is_none:
        ends.append(days(series.target.due))
    first, last = min(ends), max(ends)
    if first == last:
        first, last = first - 366, last + 366
    unique = [(end, _in_lines(label)) for end, label in dict(periods).items()]
    widest = max(width_of(line, FONT_SIZE) for _, label in unique for line in label.split("\n"))
    edge = max(EDGE, widest / 2 - RIGHT / 2)
    beyond = (last - first) * edge / (pixels - 2 * edge)
    axis = Axis(first - beyond, last + beyond, ())
    anchored = min(anchor, len(unique) - 1)
    ticks = spaced([(axis.share(end), label) for end, label in unique], anchored, pixels, FONT_SIZE)
    return Axis(axis.low, axis.high, tuple((axis.value(share), label) for share, label in ticks))


def _in_lines(label: str) -> str:
    return label.replace(" - ", " -\n") if len(label) > LONG_LABEL else label


def _target_marks(picture: Picture, series: Series) -> None:
    target = series.target
    if target.value is None or target.is_comparator:
        return
    start = days(series.baseline_point.end) if series.baseline_point else days(series.points[0].end)
    end = days(target.due) if target.due else max(days(series.points[-1].end), *map(days, _ahead_ends(series)), start)
    level = target.value
    if start < end:
        picture.lines.append(LineMark("target", ((start, level), (end, level)), TARGET, 2, DOTTED))
    path = [(days(row.end), row.path) for row in (*series.points, *series.planned) if row.path is not None]
    if len(path) > 1:
        # A straight path needs its ends only.
        picture.lines.append(LineMark("path", _corners(path), TARGET, 2, DASHED))
    picture.points.append(PointMark(end, level, "triangle-left" if target.due else "diamond", 130, TARGET, TARGET))


def _ahead_ends(series: Series) -> list[date]:
    return [row.end for row in series.planned] + ([series.forecast.end] if series.forecast else [])


def _corners(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Leave out points that lie on the straight line between their neighbours."""
    kept = [points[0]]
    for here, following in pairwise(points[1:]):
        (x0, y0), (x1, y1), (x2, y2) = kept[-1], here, following
        between = y0 + (y2 - y0) * (x1 - x0) / (x2 - x0)
        # Lengths of years differ by a day, so a straight path in periods bends by very little in days.
        if abs(between - y1) > 0.005 * max(abs(y0), abs(y2), 1e-9):
            kept.append(here)
    return (*kept, points[-1])


def _second_marks(picture: Picture, series: Series) -> None:
    for number, run in enumerate(series.second_segments):
        points = tuple((days(point.end), point.second) for point in run if point.second is not None)
        if len(points) > 1:
            picture.lines.append(LineMark(f"second-{number}", points, SECOND, 2))
        picture.points.extend(PointMark(x, y, "square", 50, WHITE, SECOND) for x, y in points)


def _forecast_marks(picture: Picture, series: Series) -> None:
    forecast = series.forecast
    if forecast is None:
        return
    x = days(forecast.end)
    if forecast.lower is not None and forecast.upper is not None:
        bar = ((x, forecast.lower), (x, forecast.upper))
        picture.lines.append(LineMark("forecast", bar, FORECAST, 7))
    picture.points.append(PointMark(x, forecast.value, "circle", 90, WHITE, PLACE))


def _place_marks(picture: Picture, series: Series) -> None:
    for number, point in enumerate(series.drawn):
        if point.lower is not None and point.upper is not None:
            bar = ((days(point.end), point.lower), (days(point.end), point.upper))
            picture.lines.append(LineMark(f"limits-{number}", bar, PLACE, 1.5))
    for number, run in enumerate(series.segments):
        points = tuple((days(point.end), point.value) for point in run if point.value is not None)
        if len(points) > 1:
            picture.lines.append(LineMark(f"place-{number}", points, PLACE, 2.5))
        picture.points.extend(PointMark(x, y, "circle", 70, PLACE, PLACE) for x, y in points)
    base = series.baseline_point
    if base is not None and base.value is not None:
        picture.points.append(PointMark(days(base.end), base.value, "circle", 230, "transparent", PLACE))
    if series.drawn:
        _label_latest(picture, series, series.drawn[-1])


def _label_latest(picture: Picture, series: Series, latest: Point) -> None:
    """Write the latest figure beside its point, where least stands in its way."""
    value = latest.value or 0.0
    text = series.short(value)
    x, y = picture.pixel(days(latest.end), value)
    half = width_of(text, FONT_SIZE) / 2
    taken = _taken(picture)
    best = (float("inf"), x, y)
    for dx, dy in (
        (0, -16),
        (0, 16),
        (half + 10, -12),
        (half + 10, 12),
        (-half - 10, -12),
        (0, -28),
        (0, 28),
        (0, -42),
    ):
        at_x, at_y = x + dx, y + dy
        inside = half <= at_x <= picture.plot_width - half + RIGHT and 8 <= at_y <= picture.plot_height - 8
        hits = sum(abs(at_x - px) <= half + 4 and abs(at_y - py) <= 12 for px, py in taken)
        cost = hits + (0 if inside else 1000)
        if cost < best[0]:
            best = (cost, at_x, at_y)
    picture.texts.append(TextMark(picture.across(best[1]), picture.down(best[2]), text, "center", PLACE))


def _taken(picture: Picture) -> list[tuple[float, float]]:
    """Return pixels on which something stands already, along every line and at every symbol."""
    found = [picture.pixel(mark.x, mark.y) for mark in picture.points]
    for line in picture.lines:
        for start, end in pairwise(line.points):
            (x0, y0), (x1, y1) = picture.pixel(*start), picture.pixel(*end)
            steps = max(int(max(abs(x1 - x0), abs(y1 - y0)) // 5), 1)
            found.extend((x0 + (x1 - x0) * n / steps, y0 + (y1 - y0) * n / steps) for n in range(steps + 1))
    return found


def _absent_marks(picture: Picture, series: Series) -> None:
    for point in series.points:
        if point.value is None:
            picture.texts.append(TextMark(days(point.end), picture.down(PLOT_HEIGHT - 12), point.mark, "center"))


def _break_marks(picture: Picture, series: Series) -> None:
    """Draw an upright line where figures on its two sides cannot be compared."""
    for number, (before, after) in enumerate(series.breaks):
        x = (days(before.end) + days(after.end)) / 2
        ends = ((x, picture.y.low), (x, picture.y.high))
        picture.lines.append(LineMark(f"break-{number}", ends, TEXT, 1, BROKEN))


class Key:
    """Lines of symbol and words under the plot."""

    def __init__(self, picture: Picture) -> None:
        """Begin under the labels of the time axis."""
        self.picture = picture
        lines = max((label.count("\n") for _, label in picture.x.ticks), default=0)
        self.row = picture.plot_height + (BELOW_AXIS + lines * FONT_SIZE if picture.has_axes else 0) + 6.0
        self.count = 0

    @property
    def bottom(self) -> float:
        """Room that is needed under the plot."""
        return self.row - self.picture.plot_height - LINE / 4

    def _at(self, pixels: float) -> float:
        return self.picture.across(pixels - self.picture.left + 6)

    def add(
        self,
        words: str,
        line: tuple[str, float, tuple[int, int]] | None = None,
        symbols: Sequence[tuple[str, int, str, str]] = (),
        mark: str | None = None,
        mark_colour: str = TEXT,
    ) -> None:
        """Add an entry: a piece of line, symbols or a mark in letters, and words that wrap.

        Args:
            words: What it means.
            line: Colour, width and dash.
            symbols: Shape, size, fill and stroke of each, the first lowest.
            mark: Letters that stand for it.
            mark_colour: Their colour.
        """
        y = self.picture.down(self.row)
        if line is not None:
            colour, width, dash = line
            ends = ((self._at(0), y), (self._at(KEY_SYMBOL), y))
            self.picture.lines.append(LineMark(f"key-{self.count}", ends, colour, width, dash))
        for symbol in symbols:
            self.picture.points.append(PointMark(self._at(KEY_SYMBOL / 2), y, *symbol))
        if mark is not None:
            self.picture.texts.append(TextMark(self._at(KEY_SYMBOL / 2), y, mark, "center", mark_colour))
        for text in wrapped(words, WIDTH - KEY_TEXT - 2 * RIGHT, FONT_SIZE):
            at = self.picture.down(self.row)
            self.picture.texts.append(TextMark(self._at(KEY_TEXT), at, text, "left"))
            self.row += LINE
        self.count += 1


def _key_of(key: Key, series: Series) -> None:
    if series.drawn:
        latest = series.drawn[-1]
        words = f"{series.place}: {series.short(latest.value or 0.0)} in {latest.label}"
        key.add(words, line=(PLACE, 2.5, SOLID), symbols=(("circle", 70, PLACE, PLACE),))
    if series.baseline_point is not None and series.baseline is not None:
        value, label = series.baseline
        ringed = (("circle", 230, "transparent", PLACE), ("circle", 70, PLACE, PLACE))
        key.add(f"Baseline: {series.short(value)} in {label}", symbols=ringed)
    seconds = [point for point in series.points if point.second is not None]
    if series.second_name and seconds:
        words = f"{series.second_name}: {series.short(seconds[-1].second or 0.0)} in {seconds[-1].label}"
        key.add(words, line=(SECOND, 2, SOLID), symbols=(("square", 50, WHITE, SECOND),))
    target = sentences.target_words(series, series.short)
    if series.target.is_comparator:
        key.add(f"Target: {target}")
    elif target:
        shape = "triangle-left" if series.target.due else "diamond"
        key.add(f"Target: {target}", line=(TARGET, 2, DOTTED), symbols=((shape, 130, TARGET, TARGET),))
    if any(line.name == "path" for line in key.picture.lines):
        key.add("Straight path from baseline to target", line=(TARGET, 2, DASHED))
    if series.forecast:
        words = f"Forecast: {sentences.forecast_words(series, series.forecast, series.short, '80%: ')}"
        key.add(words, line=(FORECAST, 7, SOLID), symbols=(("circle", 90, WHITE, PLACE),))
    for _, after in series.breaks:
        key.add(f"Not comparable with figures before {after.label}", line=(TEXT, 1, BROKEN))
    absent = {point.mark: sentences.absence_words(point) for point in series.points if point.value is None}
    for mark, words in absent.items():
        key.add(f"No figure: {words.removesuffix(mark).strip()}", mark=mark)
