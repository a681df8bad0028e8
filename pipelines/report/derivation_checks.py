"""A status computed once more from the rows behind it, step by step, each held against what the file says.

Which inputs a step has, its arithmetic in words and its verdict belong here; the formulas themselves are those of
``recompute``, and laying the steps out is for the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.report import recompute
from pipelines.report.words import OPERATORS, added, exact, factor, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipelines.report.derivation import Derivation, Stand
    from pipelines.report.derivation_rows import AssessedRow, CommitmentRow

Figures = tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One figure or code that was computed again.

    Attributes:
        section: Heading under which it is printed.
        name: What it is.
        arithmetic: How it comes about, with the numbers.
        computed: What comes out.
        stored: What the file says.
    """

    section: str
    name: str
    arithmetic: str
    computed: float | str | None
    stored: float | str | None

    @property
    def agrees(self) -> bool:
        """Whether the file says the same."""
        return recompute.agrees(self.computed, self.stored)

    @property
    def said(self) -> str:
        """Arithmetic and result: a number after an equals sign, a code after an arrow."""
        sign = "=" if isinstance(self.computed, int | float) else "→"
        return f"{self.arithmetic} {sign} {_shown(self.computed)}" if self.arithmetic else _shown(self.computed)

    @property
    def complaint(self) -> str:
        """What does not agree, in a sentence."""
        return f"{self.name}: computed {_shown(self.computed)}, but the file says {_shown(self.stored)}."


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the arithmetic of one row starts from.

    Attributes:
        row: The row of the file.
        commitment: The commitment.
        sign: +1 when more is wanted, -1 when less; 0 when neither.
        family: How the status rules treat its type.
        now: Value and limits.
        before: Those of the baseline, if there is one that may be used.
        baseline_start: First day of its period.
        baseline_end: Last day of its period.
    """

    row: AssessedRow
    commitment: CommitmentRow
    sign: int
    family: str
    now: Figures
    before: Figures
    baseline_start: date | None
    baseline_end: date | None

    @property
    def value(self) -> float | None:
        """The value."""
        return self.now[0]

    @property
    def baseline(self) -> float | None:
        """The value of the baseline."""
        return self.before[0]

    @property
    def is_assessed(self) -> bool:
        """Whether the row can be held against a target."""
        return self.row.not_assessable_reason is None and self.family != "none"

    @property
    def has_straight_path(self) -> bool:
        """Whether a straight path leads from the baseline to the target."""
        return self.family == "level" and self.commitment.target_type not in recompute.WITHOUT_PATH

    @property
    def overlaps(self) -> bool:
        """Whether the period shares days with the baseline without being it."""
        start, end = self.row.period_start, self.row.period_end
        if start is None or end is None or self.baseline_end is None:
            return False
        return start <= self.baseline_end < end

    @property
    def point_meets(self) -> bool | None:
        """Whether the value itself meets the target."""
        if not self.is_assessed:
            return None
        return recompute.meets(self.value, self.row.target_operator, self.row.target_value)


def inputs_of(derivation: Derivation) -> Inputs | None:
    """Return what the arithmetic starts from; None for a row without figures.

    Args:
        derivation: What was read.
    """
    row, commitment = derivation.row, derivation.commitment
    if row is None or row.period_end is None:
        return None

    def measured(stand: Stand) -> Figures:
        return stand.measured(row.measured_as, commitment.gap_measure, row.polarity)

    dated = derivation.baseline.dated
    return Inputs(
        row=row,
        commitment=commitment,
        sign=recompute.sign_of(commitment.desired_direction, commitment.operator) or 0,
        family=recompute.family_of(commitment.target_type, commitment.recurrence, is_measured=True),
        now=measured(derivation.actual),
        before=measured(derivation.baseline),
        baseline_start=dated.period_start if dated else None,
        baseline_end=dated.period_end if dated else None,
    )


def check(derivation: Derivation) -> tuple[Step, ...]:
    """Compute again what the file says of a row.

    Args:
        derivation: What was read.

    Returns:
        Every step, in the order in which they follow from each other; none for a row without figures.
    """
    inputs = inputs_of(derivation)
    if inputs is None:
        return ()
    return (
        *_figures(derivation, inputs),
        *_target(inputs),
        *_level(derivation, inputs),
        *_change(inputs),
        *_pace(inputs),
        *_distance(derivation, inputs),
        *_deadline(derivation, inputs),
        *_verdicts(derivation, inputs),
    )


def _figures(derivation: Derivation, inputs: Inputs) -> Iterator[Step]:
    row, section = inputs.row, "Figures"
    is_ratio = inputs.commitment.gap_measure == "relative_gap"
    stored: tuple[tuple[str, Stand, tuple[float | None, ...], tuple[float | None, ...]], ...] = (
        (
            "value",
            derivation.actual,
            inputs.now,
            (row.actual_value, row.actual_lower_ci_95, row.actual_upper_ci_95),
        ),
        # The file keeps no limits of the baseline beside the value: they are those of its row.
        ("baseline", derivation.baseline, inputs.before[:1], (row.baseline_value,)),
    )
    for name, stand, found, said in stored:
        if stand.dated is None and found[0] is None and said[0] is None:
            continue
        for part, computed, kept in zip(("", ", lower limit", ", upper limit"), found, said, strict=False):
            if computed is not None or kept is not None:
                yield Step(section, f"{name}{part}", _where_from(stand, row, part, is_ratio), computed, kept)
    for name, figure, kept in (
        ("comparator", derivation.comparator, row.comparator_value),
        ("comparator at the baseline", derivation.baseline_comparator, row.baseline_comparator_value),
    ):
        if figure is not None and kept is not None:
            yield Step(section, name, "the row of the comparator", figure.value, kept)
    if row.measured_as == "gap_between_indicators" and derivation.actual.other is not None:
        yield Step(section, "the other indicator", "its row", derivation.actual.other.value, row.comparator_value)


def _where_from(stand: Stand, row: AssessedRow, part: str, is_ratio: bool) -> str:
    """Return in words how a measured value comes out of the rows."""
    if stand.gap is not None:
        gap = stand.gap
        if part or gap.value_a is None or gap.value_b is None:
            return "the row of the gap"
        return f"the gap between {gap.group_a} ({exact(gap.value_a)}) and {gap.group_b} ({exact(gap.value_b)})"
    if row.measured_as == "gap_between_indicators" and stand.figure and stand.other and not part:
        mine, theirs = stand.figure.value, stand.other.value
        if mine is not None and theirs is not None:
            first, second = (mine, theirs) if row.polarity == "low_is_good" else (theirs, mine)
            return f"{exact(first)} / {factor(second)}" if is_ratio else f"{exact(first)} {added(-second)}"
    return "its row"


def _target(inputs: Inputs) -> Iterator[Step]:
    found = target_arithmetic(inputs)
    if found is not None:
        yield Step("Target", "target", found[0], found[1], inputs.row.target_value)


def target_arithmetic(inputs: Inputs) -> tuple[str, float | None] | None:
    """Return how the target comes about, and the target; None where it stands in a table that is not published.

    Args:
        inputs: What the arithmetic starts from.
    """
    stated, kind = inputs.commitment.target_value, inputs.commitment.target_type
    if kind == "absolute_level":
        return "the level as registered", stated
    if kind in recompute.WITHOUT_PATH or inputs.family == "none":
        return None
    return _from_other_rows(inputs)


def _from_other_rows(inputs: Inputs) -> tuple[str, float | None]:
    """Return how a target comes about that stands on the comparator or the baseline, and the target."""
    commitment, row, baseline = inputs.commitment, inputs.row, inputs.baseline
    stated, kind = commitment.target_value, commitment.target_type
    if inputs.family == "comparator":
        return "the comparator", row.comparator_value
    if baseline is None or (stated is None and inputs.family not in recompute.POINT_FAMILIES):
        return "there is no baseline to start from", None
    if stated is None or inputs.family in recompute.POINT_FAMILIES:
        return "the baseline", baseline
    is_relative = kind != "absolute_change_from_baseline" and (commitment.change_basis or "relative") == "relative"
    if is_relative:
        return f"baseline {factor(baseline)} x (1 {added(stated)} / 100)", baseline * (1 + stated / 100.0)
    return f"baseline {exact(baseline)} {added(stated)}", baseline + stated


def _level(derivation: Derivation, inputs: Inputs) -> Iterator[Step]:
    row, section = inputs.row, "Level"
    value, target, operator = inputs.value, row.target_value, row.target_operator
    if not inputs.is_assessed or value is None:
        return
    meets = inputs.point_meets
    if meets is not None:
        yield Step(
            section,
            "target met by the figure itself",
            f"{exact(value)} {OPERATORS[str(operator)]} {exact(target)}",
            _yes(meets),
            _yes(row.is_target_met_by_point),
        )
    words, code = _level_of(derivation, inputs)
    yield Step(section, "level", words, code, row.level_code)


def _level_of(derivation: Derivation, inputs: Inputs) -> tuple[str, str | None]:
    """Return how the level comes about, and the level."""
    commitment, row = inputs.commitment, inputs.row
    kind = commitment.target_type
    by_point = None if inputs.point_meets is None else "met" if inputs.point_meets else "not_met"
    is_tolerant = kind == "statistically_similar_or_better_than_comparator" or (
        kind == "match_comparator" and commitment.comparator_rule == "not_significantly_worse"
    )
    if is_tolerant or kind == "statistically_better_than_comparator":
        words, side = _side(derivation, inputs)
        similar = "met" if is_tolerant else "not_met"
        return words, {"better": "met_confident", "similar": similar}.get(side or "", "not_met_confident")
    if kind == "sustained_annual_reduction":
        right, words = _every_step(derivation, inputs)
        return words, "met" if right and by_point == "met" else "not_met"
    if inputs.family == "direction" or kind == "match_comparator":
        return "the points are compared", by_point
    lower, upper = inputs.now[1:]
    code = recompute.level(inputs.value, lower, upper, row.target_value, row.target_operator)
    if lower is None or upper is None:
        return "no 95% limits, so the point decides", code
    sign = OPERATORS[str(row.target_operator)]
    held = [
        f"{exact(limit)} {sign} {exact(row.target_value)} is "
        f"{'true' if recompute.meets(limit, row.target_operator, row.target_value) else 'false'}"
        for limit in (lower, upper)
    ]
    return f"limits: {held[0]}, {held[1]}", code


def _side(derivation: Derivation, inputs: Inputs) -> tuple[str, str | None]:
    """Return better, similar or worse than the comparator, and how that comes about."""
    value, lower, upper = inputs.now
    comparator = inputs.row.comparator_value
    side = recompute.side_by_limits(value, lower, upper, comparator, inputs.sign)
    if side is not None:
        return f"the comparator {exact(comparator)} against the limits {exact(lower)} to {exact(upper)}: {side}", side
    figure = derivation.actual.figure
    printed = figure.compared_to_england_published if figure else None
    side = recompute.side_as_printed(printed, inputs.sign, inputs.row.polarity)
    return f"no limits; the publisher prints {printed!r}: {side}", side


def _every_step(derivation: Derivation, inputs: Inputs) -> tuple[bool, str]:
    """Return whether every step since the baseline went the right way, and the steps in words."""
    end = inputs.row.period_end
    before: Figures | None = None
    right, said = True, list[str]()
    for one in derivation.series:
        if one.period_end is None or end is None or one.period_end > end or one.actual_value is None:
            continue
        now = (one.actual_value, one.actual_lower_ci_95, one.actual_upper_ci_95)
        if before is not None and (inputs.baseline_end is None or one.period_end > inputs.baseline_end):
            step = _is_step_right(now, before, inputs)
            right = right and step
            said.append(f"{exact(before[0])} to {exact(now[0])} {'right' if step else 'not right'}")
        before = now
    return right, f"year by year: {', '.join(said) or 'no step'}"


def _is_step_right(now: Figures, before: Figures, inputs: Inputs) -> bool:
    if inputs.commitment.sequence_rule == "tested":
        z = recompute.z_score(now, before, inputs.sign)
        return z is not None and z > recompute.CHANGE_Z
    return inputs.sign * ((now[0] or 0.0) - (before[0] or 0.0)) > 0


def _change(inputs: Inputs) -> Iterator[Step]:
    row, section = inputs.row, "Change since the baseline"
    if inputs.value is None:
        return
    method, words, code = change_arithmetic(inputs)
    yield Step(section, "change", words, code, row.change_code)
    yield Step(section, "method of the change", "what the limits and periods allow", method, row.change_method)
    is_slipping = (
        inputs.family != "cap"
        and inputs.commitment.target_type != "reduction_vs_counterfactual"
        and inputs.baseline is not None
        and inputs.sign * (inputs.value - inputs.baseline) < 0
        and (method == "ten_percent_rule" or code == "getting_worse")
    )
    yield Step(
        section,
        "slipping",
        "moved away from the target, and no test says that chance explains it",
        _yes(is_slipping),
        _yes(row.is_slipping),
    )


def change_arithmetic(inputs: Inputs) -> tuple[str | None, str, str]:
    """Return method, arithmetic and code of the change since the baseline.

    Args:
        inputs: What the arithmetic starts from; it has a value.
    """
    row, sign = inputs.row, inputs.sign
    value, baseline = inputs.value, inputs.baseline
    if value is None or baseline is None or inputs.baseline_end is None:
        return None, "there is no baseline that may be used", "baseline_only"
    if row.period_end == inputs.baseline_end:
        return None, "the period is the baseline", "baseline_only"
    if inputs.overlaps:
        return "overlaps_baseline", "the period shares days with the baseline, so the two are no test", "baseline_only"
    z = recompute.z_score(inputs.now, inputs.before, sign)
    method = "ten_percent_rule" if z is None else "one_sided_normal_test"
    if z is not None:
        (_, lower, upper), (_, before_lower, before_upper) = inputs.now, inputs.before
        words = (
            f"z = {sign} x ({exact(value)} {added(-baseline)}) / √((({exact(upper)} {added(-(lower or 0.0))}) / 3.92)² "
            f"+ (({exact(before_upper)} {added(-(before_lower or 0.0))}) / 3.92)²) = {exact(round(z, 4))}; "
            f"beyond ±{exact(round(recompute.CHANGE_Z, 4))} it is more than chance"
        )
        return method, words, recompute.change_by_z(z)
    target = row.target_value if inputs.has_straight_path else None
    moved = sign * (value - baseline)
    threshold = recompute.change_threshold(moved, baseline, target, sign)
    toward_target = target is not None and moved > 0 and sign * (target - baseline) > 0
    whole = (
        f"the distance {exact(abs(float(target or 0) - baseline))}"
        if toward_target
        else f"the baseline {exact(abs(baseline))}"
    )
    words = (
        f"no limits: moved {exact(abs(moved))} the {'right' if moved > 0 else 'wrong' if moved < 0 else 'same'} way; "
        f"{exact(recompute.CHANGE_FALLBACK_PERCENT)}% of {whole} is {exact(threshold)}"
    )
    return method, words, recompute.change_by_tenth(value, baseline, target, sign)


def _pace(inputs: Inputs) -> Iterator[Step]:
    row, section = inputs.row, "Pace"
    if inputs.value is None:
        return
    words, ratio = pace_arithmetic(inputs)
    yield Step(section, "pace ratio", words, ratio, row.pace_ratio)
    yield Step(
        section,
        "pace band",
        "1 or more is fast enough, 0.5 or more too slow",
        recompute.pace_band(ratio),
        row.pace_band,
    )
    trajectory, path = trajectory_arithmetic(inputs)
    yield Step(section, "straight path at the end of the period", path, trajectory, row.trajectory_value)


def pace_arithmetic(inputs: Inputs) -> tuple[str, float | None]:
    """Return arithmetic and value of the pace: observed over required annual change.

    Args:
        inputs: What the arithmetic starts from; it has a value.
    """
    row = inputs.row
    now, before, target = inputs.value, inputs.baseline, row.target_value
    if inputs.family == "comparator":
        now = None if now is None or row.comparator_value is None else now - row.comparator_value
        other = row.baseline_comparator_value
        before = None if before is None or other is None else before - other
        target = 0.0
    elif not inputs.has_straight_path:
        return "this type of target has no straight path", None
    end, start, due = row.period_end, inputs.baseline_end, row.due_date
    if inputs.overlaps:
        return "the period shares days with the baseline, so no pace is given", None
    if now is None or before is None or target is None or end is None or start is None or due is None:
        return "it needs a baseline, a target and a due date", None
    if end <= start or due <= start or inputs.sign * (target - before) <= 0:
        return "the target was met at the baseline already, or the dates are not in order", None
    passed, whole = recompute.years_between(start, end), recompute.years_between(start, due)
    observed = recompute.annual_change(now, before, passed)
    required = recompute.annual_change(target, before, whole)
    if observed is None or required is None:
        return "no time has passed", None
    gap = "gap to the comparator: " if inputs.family == "comparator" else ""
    words = (
        f"{gap}observed ({exact(now)} {added(-before)}) / {exact(passed)} years = {exact(observed)} a year; "
        f"required ({exact(target)} {added(-before)}) / {exact(whole)} years = {exact(required)} a year"
    )
    return words, observed / required


def trajectory_arithmetic(inputs: Inputs) -> tuple[float | None, str]:
    """Return where the straight path stands at the end of the period, and the arithmetic.

    Args:
        inputs: What the arithmetic starts from.
    """
    row, before = inputs.row, inputs.baseline
    if not inputs.has_straight_path:
        if inputs.family == "level":
            return row.target_value, "the target of the period itself"
        return None, "this type of target has no straight path"
    end, start, due, target = row.period_end, inputs.baseline_end, row.due_date, row.target_value
    if before is None or target is None or end is None or start is None or due is None or due <= start or end < start:
        return None, "it needs a baseline, a target and a due date after it"
    passed, whole = recompute.years_between(start, end), recompute.years_between(start, due)
    share = min(passed / whole, 1.0) if whole else float(end >= due)
    words = f"{exact(before)} + ({exact(target)} {added(-before)}) x {exact(passed)} / {exact(whole)} years"
    return before + (target - before) * share, words if passed <= whole else f"{words}, at most the whole"


def _distance(derivation: Derivation, inputs: Inputs) -> Iterator[Step]:
    row, section = inputs.row, "Distance to the target"
    value, target, baseline = inputs.value, row.target_value, inputs.baseline
    if value is None:
        return
    if target is not None:
        yield Step(section, "gap", f"{exact(value)} {added(-target)}", value - target, row.gap_to_target)
        words, people = people_arithmetic(derivation, inputs)
        yield Step(section, "gap in people", words, people, row.gap_in_people)
    if target is not None and baseline is not None and inputs.has_straight_path and not inputs.overlaps:
        distance = target - baseline
        share = (value - baseline) / distance if inputs.sign * distance > 0 else None
        words = f"({exact(value)} {added(-baseline)}) / ({exact(target)} {added(-baseline)})"
        yield Step(
            section,
            "share of the way",
            words if share is not None else "the target was met at the baseline already",
            share,
            row.share_of_distance,
        )
    yield from _annual_changes(inputs, section)


def _annual_changes(inputs: Inputs, section: str) -> Iterator[Step]:
    row, value, target, end = inputs.row, inputs.value, inputs.row.target_value, inputs.row.period_end
    if value is None or end is None:
        return
    start, baseline = inputs.baseline_end, inputs.baseline
    if start is not None and baseline is not None and end > start and not inputs.overlaps:
        years = recompute.years_between(start, end)
        words = f"({exact(value)} {added(-baseline)}) / {exact(years)} years"
        observed = recompute.annual_change(value, baseline, years)
        yield Step(section, "change a year since the baseline", words, observed, row.observed_annual_change)
    required, words = None, "nothing more is needed, or no date says by when"
    due = row.due_date
    if (
        inputs.has_straight_path
        and inputs.point_meets is False
        and target is not None
        and due is not None
        and due > end
    ):
        years = recompute.years_between(end, due)
        required = recompute.annual_change(target, value, years)
        words = f"({exact(target)} {added(-value)}) / {exact(years)} years"
    yield Step(section, "change a year needed from now", words, required, row.required_annual_change)


def people_arithmetic(derivation: Derivation, inputs: Inputs) -> tuple[str, int | None]:
    """Return arithmetic and number of the people who would have to change side.

    Args:
        derivation: What was read.
        inputs: What the arithmetic starts from.
    """
    row = inputs.row
    single = derivation.actual.figure or derivation.actual.added_up
    value, target, multiplier = inputs.value, row.target_value, row.multiplier
    if row.measured_as != "value" or row.value_type != "proportion":
        return "it is no share of people", None
    if inputs.point_meets is not False:
        return "the figure meets the target, or none is set", None
    if single is None or single.denominator is None or not multiplier or value is None or target is None:
        return "no number of people is published behind the share", None
    figure = derivation.actual.figure
    if figure is not None and figure.is_count_numerator == 0:
        return "the counts beside the share are not those behind it", None
    people = recompute.people_to_move(value, target, multiplier, single.count, single.denominator)
    if people is None:
        return "withheld: fewer than ten people could be on one side", None
    words = (
        f"({exact(max(value, target))} {added(-min(value, target))}) / {exact(multiplier)} x "
        f"{exact(single.denominator)}, rounded up"
    )
    return words, people


def _deadline(derivation: Derivation, inputs: Inputs) -> Iterator[Step]:
    row, as_at = inputs.row, derivation.release.as_at
    due, end = row.due_date, row.period_end
    if due is None or end is None:
        words, state = "no due date is registered", "no_due_date"
    elif end >= due:
        words, state = "the period reaches the due date", "answered"
    elif due < as_at:
        words, state = (
            "the due date is before the day of the release, the period does not reach it",
            "due_awaiting_data",
        )
    else:
        words, state = "the due date is still to come", "before_due"
    yield Step("Deadline", "state of the deadline", words, state, row.deadline_state)


def _verdicts(derivation: Derivation, inputs: Inputs) -> Iterator[Step]:
    row, section = inputs.row, "What other published rules say of the same figures"
    if row.not_assessable_reason is None:
        held = None if inputs.family == "direction" else row.target_value
        _, ratio = pace_arithmetic(inputs)
        # Not said where a comparator is known by its printed verdict only.
        is_printed_only = inputs.family == "comparator" and row.target_value is None
        found = (
            (
                "Healthy People",
                None if is_printed_only else recompute.healthy_people(inputs.point_meets, held, row.change_code),
                row.healthy_people_category,
            ),
            (
                "linear pace of the SDG Index",
                None
                if inputs.family == "direction"
                else recompute.linear_pace(ratio, inputs.point_meets, row.deadline_state == "answered"),
                row.linear_pace_verdict,
            ),
            (
                "Fingertips goal, by the value",
                recompute.goal_by_value(inputs.value, held, inputs.sign),
                row.fingertips_goal_by_value,
            ),
            (
                "Fingertips goal, by the limits",
                recompute.goal_by_limits(*inputs.now[1:], held, inputs.sign),
                row.fingertips_goal_by_limits,
            ),
        )
        for name, computed, stored in found:
            yield Step(section, name, "", computed, stored)
    yield from _assurance(derivation, inputs, section)


def _assurance(derivation: Derivation, inputs: Inputs, section: str) -> Iterator[Step]:
    row = inputs.row
    name = "XmR chart (will the process meet the target?)"
    values = derivation.process
    if values is None:
        return
    if len(values) < recompute.ASSURANCE_MINIMUM_POINTS:
        words = f"{len(values)} points without a break; it needs {recompute.ASSURANCE_MINIMUM_POINTS}"
        yield Step(section, name, words, None, row.assurance_code)
        return
    limits = recompute.process_limits(values)
    code = recompute.assurance(limits, row.target_value, inputs.sign or None)
    words = (
        f"{len(values)} points; process limits {exact(round(limits[0], 4))} to {exact(round(limits[1], 4))}"
        if limits
        else ""
    )
    yield Step(section, name, words, code, row.assurance_code)


def _yes(is_so: int | None) -> str | None:
    return None if is_so is None else "yes" if is_so else "no"


def _shown(content: float | str | None) -> str:
    return plain(content) if isinstance(content, str) or content is None else exact(content)
