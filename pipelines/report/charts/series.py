"""What one chart is about: the figures of one place and group against one commitment.

Sorting rows into series belongs here, and what they mean; how they look does not.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from pipelines.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipelines.report.charts.chart_rows import PlannedRow, ValueRow

SKIPPED = 1.5
"""Two figures further apart than this many usual steps have a period without a figure between them."""

VINTAGES = "baseline_vintage_mismatch"
"""Why a baseline is not used where its release disagrees with the one of the value."""

BLANK = ("Not applicable", "Unknown", "Total")
"""Parts of a group that say nothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """A published period.

    Attributes:
        label: The period as published.
        end: Its last day.
        months: Its length.
        value: The figure, unless it is withheld or missing.
        lower: Lower 95 % limit.
        upper: Upper 95 % limit.
        second: Figure of the comparator or of England.
        path: Where the straight path stands.
        shorthand: Mark of the value status, such as ``[c]``.
        status: The value status in words.
        series_number: Definition of the figure; another number is another definition.
        release: Release of the source that holds it.
    """

    label: str
    end: date
    months: int
    value: float | None
    lower: float | None
    upper: float | None
    second: float | None
    path: float | None
    shorthand: str | None
    status: str
    series_number: int | None
    release: str | None

    @property
    def mark(self) -> str:
        """What stands in the place of a figure that is absent."""
        return self.shorthand or "[x]"


@dataclass(frozen=True, slots=True)
class Planned:
    """A period still to come, and where the straight path stands then."""

    label: str
    end: date
    path: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The value expected for the period that answers the deadline, with its 80 % interval."""

    value: float
    lower: float | None
    upper: float | None
    label: str
    end: date


@dataclass(frozen=True, slots=True)
class Target:
    """The target in force for the latest period.

    Attributes:
        kind: Type of target of the register.
        operator: Comparison, as the file writes it.
        value: In the unit of the measure.
        due: Last day by which it is due.
        rule: Rule of a comparator.
    """

    kind: str | None
    operator: str | None
    value: float | None
    due: date | None
    rule: str | None

    @property
    def is_comparator(self) -> bool:
        """Whether the target moves with another place."""
        return "comparator" in (self.kind or "")

    @property
    def is_none(self) -> bool:
        """Whether there is nothing to be reached."""
        return not self.is_comparator and self.value is None


@dataclass(frozen=True, slots=True)
class Series:
    """Everything that one chart shows.

    Attributes:
        id: Of the chart.
        commitment_id: The commitment.
        area_code: The place.
        place: Its name.
        place_title: Its name as a heading has it: told from others of the same name.
        place_role: ``signed`` or ``part``.
        measure: What is measured, with the group.
        unit: Unit of what is measured.
        decimals: Decimal places.
        points: Published periods, oldest first.
        planned: Periods still to come.
        baseline: Value and period of the baseline, where one is used.
        baseline_refused: Why a baseline that is in the data is not used.
        target: The target.
        second_name: Whose figures the second line shows.
        forecast: The forecast of the value, where there is one.
        gap_forecast: The forecast of the gap to the comparator, where the target is one.
        limits_computed: Whether limits were calculated here and not published.
        change_code: Change since the baseline, as the file judges it.
        is_overlapping: Whether the latest period shares years with the baseline.
        status: Status in words.
        reason: Why it is not assessable.
    """

    id: str
    commitment_id: str
    area_code: str
    place: str
    place_title: str
    place_role: str
    measure: str
    unit: str | None
    decimals: int | None
    points: tuple[Point, ...]
    planned: tuple[Planned, ...]
    baseline: tuple[float, str] | None
    baseline_refused: str | None
    target: Target
    second_name: str | None
    forecast: Forecast | None
    gap_forecast: Forecast | None
    limits_computed: bool
    change_code: str | None
    is_overlapping: bool
    status: str
    reason: str | None

    @property
    def title(self) -> str:
        """Heading of the chart."""
        return f"{self.place_title}: {self.measure}"

    @property
    def drawn(self) -> tuple[Point, ...]:
        """The periods that have a figure."""
        return tuple(point for point in self.points if point.value is not None)

    @property
    def baseline_point(self) -> Point | None:
        """The period of the baseline, where it is among the figures."""
        if self.baseline is None:
            return None
        return next((point for point in self.drawn if point.label == self.baseline[1]), None)

    @property
    def segments(self) -> tuple[tuple[Point, ...], ...]:
        """Runs of figures that a line may join: comparable, one length of period, nothing missing between."""
        return self._runs([point.value for point in self.points])

    @property
    def second_segments(self) -> tuple[tuple[Point, ...], ...]:
        """The same for the second line."""
        return self._runs([point.second for point in self.points])

    @property
    def breaks(self) -> tuple[tuple[Point, Point], ...]:
        """Neighbouring figures that cannot be compared."""
        return tuple((before, after) for before, after in pairwise(self.drawn) if not self.comparable(before, after))

    def comparable(self, before: Point, after: Point) -> bool:
        """Say whether two figures are of one definition, and of releases that the file does not hold to disagree.

        Args:
            before: A figure.
            after: A later one.
        """
        vintages = self.baseline_refused == VINTAGES and before.release != after.release
        return before.series_number == after.series_number and not vintages

    def _runs(self, values: Sequence[float | None]) -> tuple[tuple[Point, ...], ...]:
        usual = usual_step(self.points)
        found: list[list[Point]] = []
        previous: Point | None = None
        for point, value in zip(self.points, values, strict=True):
            if value is None:
                previous = None
                continue
            if (
                previous is not None
                and self.comparable(previous, point)
                and previous.months == point.months
                and (point.end - previous.end).days <= SKIPPED * usual
            ):
                found[-1].append(point)
            else:
                found.append([point])
            previous = point
        return tuple(tuple(run) for run in found)

    def written(self, value: float) -> str:
        """Write a value with its unit.

        Args:
            value: A value.
        """
        return words.with_unit(words.rounded(value, self.decimals), self.unit)

    def short(self, value: float) -> str:
        """Write a value where the axis says the unit.

        Args:
            value: A value.
        """
        return self.written(value) if self.unit == "%" else words.rounded(value, self.decimals)


def usual_step(points: Sequence[Point]) -> int:
    """Return the commonest number of days from one period to the next, to the month; a year without two periods.

    Args:
        points: Periods, oldest first.
    """
    steps = Counter(max(round((later.end - earlier.end).days / 30.4), 1) for earlier, later in pairwise(points))
    if not steps:
        return 365
    most = max(steps.values())
    return round(30.4 * min(step for step, times in steps.items() if times == most))


def assemble(values: Sequence[ValueRow], planned: Iterable[PlannedRow]) -> list[Series]:
    """Sort rows into series.

    Args:
        values: Rows with a figure or a reason for having none, in the order of the charts.
        planned: Rows of periods still to come.

    Returns:
        One series a commitment, place, indicator and group; ids are unique.
    """
    ahead: dict[tuple[str, ...], list[PlannedRow]] = {}
    for row in planned:
        ahead.setdefault(_key(row), []).append(row)
    grouped = [(key, list(rows)) for key, rows in groupby(values, key=_key)]
    names = Counter(name for name, _ in {(row.area_name, row.area_code) for row in values})
    series: list[Series] = []
    taken: Counter[tuple[str, str]] = Counter((key[0], key[1]) for key, _ in grouped)
    for key, rows in grouped:
        only = taken[key[0], key[1]] == 1
        series.append(_one(rows, ahead.get(key, []), names[rows[0].area_name] > 1, only))
    return series


def _key(row: ValueRow | PlannedRow) -> tuple[str, ...]:
    return (row.commitment_id, row.area_code, row.indicator_id, row.sex, row.age, row.category_type, row.category)


def _one(rows: Sequence[ValueRow], planned: Sequence[PlannedRow], is_namesake: bool, is_only: bool) -> Series:
    latest = next((row for row in rows if row.is_scorecard_period == 1), rows[-1])
    first = rows[0]
    group = group_words(first.sex, first.age, first.category_type, first.category)
    target = Target(
        kind=latest.target_type,
        operator=latest.target_operator,
        value=None if latest.target_type == "none" else latest.target_value,
        due=latest.due_date,
        rule=latest.comparator_rule,
    )
    forecast = _forecast(latest, planned)
    has_second = any(row.second_value is not None for row in rows)
    place_title = (
        f"{first.area_name} ({first.area_type_label.lower()})" if first.place_role == "part" else first.area_name
    )
    return Series(
        id=_chart_id(first, group, is_only),
        commitment_id=first.commitment_id,
        area_code=first.area_code,
        place=first.area_name,
        place_title=f"{first.area_name} ({first.area_code})" if is_namesake else place_title,
        place_role=first.place_role,
        measure=measure_words(first, group),
        unit=words.unit_of(first.unit, first.measured_as, first.gap_measure),
        decimals=first.decimal_places,
        points=tuple(_point(row) for row in rows),
        planned=tuple(Planned(row.period_label, row.period_end, row.trajectory_value) for row in planned),
        baseline=(latest.baseline_value, latest.baseline_period_label)
        if latest.baseline_value is not None and latest.baseline_period_label is not None
        else None,
        baseline_refused=latest.baseline_refused_reason,
        target=target,
        second_name=(first.comparator_name or "England") if has_second else None,
        forecast=None if target.is_comparator else forecast,
        gap_forecast=forecast if target.is_comparator else None,
        limits_computed=any(row.actual_limits_basis == "computed" for row in rows),
        change_code=latest.change_code,
        is_overlapping=latest.is_overlapping_baseline == 1,
        status=latest.status_label,
        reason=latest.not_assessable_reason,
    )


def _point(row: ValueRow) -> Point:
    absent = row.actual_value is None
    return Point(
        label=row.period_label,
        end=row.period_end,
        months=row.period_months,
        value=row.actual_value,
        # Limits of a figure that is blanked would give it away.
        lower=None if absent else row.actual_lower_ci_95,
        upper=None if absent else row.actual_upper_ci_95,
        second=row.second_value,
        path=row.trajectory_value,
        shorthand=row.value_shorthand,
        status=row.value_label,
        series_number=row.series_number,
        release=row.actual_source_release,
    )


def _forecast(latest: ValueRow, planned: Sequence[PlannedRow]) -> Forecast | None:
    end = latest.answering_period_end
    if latest.forecast_value is None or end is None:
        return None
    label = next((row.period_label for row in planned if row.period_end == end), f"the period to {words.day(end)}")
    return Forecast(latest.forecast_value, latest.forecast_lower_80, latest.forecast_upper_80, label, end)


def group_words(sex: str, age: str, category_type: str, category: str) -> str:
    """Return a group in as few words as tell it from others: ``female, 18+ yrs``; empty for everybody.

    Args:
        sex: As published.
        age: As published.
        category_type: As published.
        category: As published.
    """
    parts = [sex.lower()] if sex not in (*BLANK, "Persons") else []
    if age not in (*BLANK, "All ages"):
        parts.append(age)
    if category_type not in BLANK and category not in BLANK:
        parts.append(f"{category_type}: {category}")
    return ", ".join(parts)


def measure_words(row: ValueRow, group: str) -> str:
    """Return what is measured: the indicator, or the gap in it, with the group.

    Args:
        row: Any row of the series.
        group: The group in words.
    """
    name = row.indicator_name
    if row.measured_as == "gap_across_groups":
        name = f"Gap across {words.plain(row.gap_dimension or 'groups')} in {name}"
    elif row.measured_as == "gap_between_indicators":
        name = f"Gap between {name} and {row.versus_name or 'another indicator'}"
    return f"{name} ({group})" if group else name


def _chart_id(row: ValueRow, group: str, is_only: bool) -> str:
    parts = ["chart", row.commitment_id, row.area_code]
    if not is_only:
        parts.extend([row.indicator_id.rsplit(".", 1)[-1], group])
    return slug("-".join(part for part in parts if part))


def slug(text: str) -> str:
    """Return a text as an id: lower-case letters, digits and hyphens; signs that tell groups apart become words.

    Args:
        text: Any text.
    """
    told = text.lower().replace("<", "under-").replace("+", "-and-over").replace(">", "over-")
    return re.sub(r"[^a-z0-9]+", "-", told).strip("-")
