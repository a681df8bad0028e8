"""Edges of the rules that judge commitments, at which one changed sign or limit would show.

They are what ``benchmarks/mutate_rules.py`` found missing; each macro's own file holds its tests proper.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from pathlib import Path

import pytest

SEEDS = Path(__file__).resolve().parents[2] / "data" / "seeds"

# --- level ------------------------------------------------------------------------------------------------------------


def side(methods, sign, published=None, **changed):
    numbers = {"value": 65, "lower": 63, "upper": 67, "comparator": 61} | changed
    return methods.value(
        "side_of_comparator",
        **numbers,
        sign=sign,
        published=published,
        polarity="high_is_good",
    )


@pytest.mark.parametrize("absent", ["lower", "upper", "comparator"])
@pytest.mark.parametrize(("published", "expected"), [("Better", "better"), ("Similar", "similar"), ("Worse", "worse")])
def test_one_number_short_the_printed_verdict_counts(methods, absent, published, expected):
    # With all of them it is better, whatever is printed.
    assert side(methods, 1, published) == "better"
    assert side(methods, 1, published, **{absent: None}) == expected


@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_on_the_comparator_is_not_better_even_where_its_limits_leave_the_comparator_out(methods, sign):
    assert side(methods, sign, value=61, lower=63, upper=67) == "worse"


# --- change -----------------------------------------------------------------------------------------------------------


def change(methods, value, baseline, target=None, sign=1, limits=(None, None), baseline_limits=(None, None)):
    return methods.value(
        "change_since_baseline",
        value=value,
        lower=limits[0],
        upper=limits[1],
        baseline=baseline,
        baseline_lower=baseline_limits[0],
        baseline_upper=baseline_limits[1],
        target=target,
        sign=sign,
    )


def test_chance_at_both_ends_counts(methods):
    # A move of 2 with standard errors of 1 at both ends: z = 1.41; with one of them it would be 2.
    ends = (0, 3.92)
    assert change(methods, 2, 0, limits=ends, baseline_limits=ends) == "no_detectable_change"
    assert change(methods, 2, 0, limits=ends, baseline_limits=(0, 0)) == "improving"
    assert change(methods, 2, 0, limits=(0, 0), baseline_limits=ends) == "improving"


@pytest.mark.parametrize(
    ("value", "baseline", "target", "sign", "expected"),
    [
        # A tenth is a tenth: of the distance, and of the baseline.
        (math.nextafter(95, 96), 100, 50, -1, "no_detectable_change"),
        (math.nextafter(110, 0), 100, 50, -1, "no_detectable_change"),
        # Nothing moved, and nothing to move by.
        (0, 0, None, 1, "no_detectable_change"),
        # A distance below one is a distance.
        (10.2, 10, 10.5, 1, "improving"),
        (10.2, 10, None, 1, "no_detectable_change"),
        # Below nought without a distance: the size of the baseline.
        (-9.5, -10, None, 1, "no_detectable_change"),
        (-9, -10, None, 1, "improving"),
    ],
)
def test_without_limits_a_tenth_decides(methods, value, baseline, target, sign, expected):
    assert change(methods, value, baseline, target, sign) == expected


# --- pace -------------------------------------------------------------------------------------------------------------

BEGIN = dt.date(2015, 12, 31)


def after(days):
    return BEGIN + dt.timedelta(days=days)


@pytest.mark.parametrize(("days", "years"), [(389, 1.07), (557, 1.52), (3287, 9.0), (3288, 9.0), (1, 0.0), (2, 0.01)])
def test_years_are_days_by_the_average_year_to_a_hundredth(methods, days, years):
    # A year of 365.24 or 365.26 days would put the first two on the other side of a half.
    assert methods.value("years_between", start=BEGIN, finish=after(days)) == pytest.approx(years, abs=1e-9)


def path(methods, at, due, baseline=18.0, target=5.0):
    return methods.value(
        "trajectory_value", baseline=baseline, baseline_date=BEGIN, target=target, due_date=due, at_date=at
    )


def pace(methods, value, at, due, baseline=18.0, target=5.0, sign=-1):
    return methods.value(
        "pace_ratio",
        value=value,
        value_date=at,
        baseline=baseline,
        baseline_date=BEGIN,
        target=target,
        due_date=due,
        sign=sign,
    )


def test_a_path_that_is_due_on_the_day_of_the_baseline_is_none(methods):
    assert path(methods, at=BEGIN, due=BEGIN) is None
    assert path(methods, at=after(400), due=BEGIN) is None


def test_a_path_of_one_year_is_a_path(methods):
    year = after(366)
    assert methods.value("years_between", start=BEGIN, finish=year) == 1
    assert path(methods, at=after(183), due=year) == pytest.approx(18 - 13 / 2, abs=1e-9)
    assert pace(methods, 11.5, at=after(183), due=year) == pytest.approx(1)
    assert pace(methods, 5, at=year, due=after(731)) == pytest.approx(2)


def test_no_pace_where_the_years_between_are_rounded_to_none(methods):
    assert pace(methods, 12, at=after(1), due=after(3650)) is None
    assert pace(methods, 12, at=after(3650), due=after(1)) is None


def test_a_target_that_is_less_than_one_away_has_a_pace(methods):
    assert pace(methods, 0.2, after(1826), after(3652), baseline=0, target=0.4, sign=1) == pytest.approx(1)
    assert pace(methods, 0.2, after(1826), after(3652), baseline=0.4, target=0, sign=-1) == pytest.approx(1)


# --- gap --------------------------------------------------------------------------------------------------------------

GROUPS = {"a": 10, "a_lower": 9, "a_upper": 13, "b": 7, "b_lower": 5, "b_upper": 11}


def gap(methods, macro, **changed):
    named = {**GROUPS, **changed}
    columns = {name: "cast(null as double)" if value is None else f"{value}::double" for name, value in named.items()}
    return tuple(methods.rows(f"select {methods.sql(macro, **columns, side=end)} as x")[0]["x"] for end in ENDS)


ENDS = ("lower", "upper")


def test_half_the_widths_of_two_intervals_add_up_by_pythagoras(methods):
    # Widths of 4 and 6, so that halves are 2 and 3.
    half = math.hypot(2, 3)
    assert gap(methods, "gap_limit") == pytest.approx((3 - half, 3 + half), rel=1e-12)
    turned = {"a": 7, "a_lower": 5, "a_upper": 11, "b": 10, "b_lower": 9, "b_upper": 13}
    assert gap(methods, "gap_limit", **turned) == pytest.approx((-3 - half, -3 + half), rel=1e-12)
    assert gap(methods, "gap_limit", b_upper=5) == pytest.approx((1, 5), rel=1e-12)
    assert gap(methods, "gap_limit", a_upper=9) == pytest.approx((0, 6), abs=1e-12)


def test_so_do_those_of_the_logarithms_of_a_ratio(methods):
    half = math.hypot(math.log(13 / 9) / 2, math.log(11 / 5) / 2)
    expected = (10 / 7 * math.exp(-half), 10 / 7 * math.exp(half))
    assert gap(methods, "ratio_limit") == pytest.approx(expected, rel=1e-12)
    # Shares below one are above nought.
    small = {name: value / 100 for name, value in GROUPS.items()}
    assert gap(methods, "ratio_limit", **small) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("macro", ["gap_limit", "ratio_limit"])
@pytest.mark.parametrize("absent", ["a", "a_lower", "a_upper", "b", "b_lower", "b_upper"])
def test_a_gap_has_no_limits_where_a_number_is_absent(methods, macro, absent):
    assert gap(methods, macro, **{absent: None}) == (None, None)


@pytest.mark.parametrize("name", ["a", "a_lower", "b", "b_lower"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_ratio_has_no_limits_where_a_number_is_not_above_nought(methods, name, value):
    assert gap(methods, "ratio_limit", **{name: value}) == (None, None)
    assert None not in gap(methods, "gap_limit", **{name: value})


# --- process control --------------------------------------------------------------------------------------------------


def test_a_series_is_in_the_order_of_its_periods_and_has_a_step_fewer_than_points(methods):
    series = methods.sql("process_series", value="value", order_by="period")
    points = "(values (2, 12.0), (3, 11.0), (1, 10.0)) as points(period, value)"
    assert methods.rows(f"select {series} as xs from {points}") == [{"xs": [10, 12, 11]}]
    assert methods.rows(f"select {methods.sql('moving_ranges', series='[10, 12, 11]')} as steps") == [{"steps": [2, 1]}]


def test_steps_are_screened_unless_the_caller_says_otherwise(methods):
    # Steps of 3267, 733, 0 and 0: the first is screened out.
    series = "[0.0, 3267.0, 2534.0, 2534.0, 2534.0]"
    found = methods.rows(f"""
        select
            {methods.sql("average_moving_range", series=series)} as step,
            {methods.sql("process_limit", series=series, side="upper")} as upper
    """)[0]
    assert found["step"] == pytest.approx(733 / 3)
    assert found["upper"] == pytest.approx(2173.8 + 2.66 * 733 / 3)


# --- goal -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lower", "upper", "expected"), [(12, 15, "better"), (5, 9, "worse"), (9, 12, "similar")])
def test_a_single_value_with_limits_is_held_against_its_lower_bound(methods, lower, upper, expected):
    found = methods.value(
        "goal_outcome",
        goal_type="single_value_with_limits",
        value=11,
        lower=lower,
        upper=upper,
        lower_bound=10,
        upper_bound=20,
        count_of_values=4,
        polarity="high_is_good",
    )
    assert found == expected


# --- the table of status rules ----------------------------------------------------------------------------------------

RULE_TYPES = {
    "rule_order": "integer",
    "target_family": "varchar",
    "deadline_state": "varchar",
    "level_code": "varchar",
    "point_meets_target": "smallint",
    "is_slipping": "smallint",
    "needs_confidence": "smallint",
    "change_code": "varchar",
    "pace_band": "varchar",
    "status_code": "varchar",
    "why": "varchar",
}
CONDITIONS = [name for name in RULE_TYPES if name not in ("rule_order", "status_code", "why")]
KEYS = ("commitment_id", "area_code", "indicator_id", "sex", "age", "category_type", "category")

# Conditions in the order of the table -> status and words of its sentence, which tell rules of one status apart.
DECIDED = """
level      answered   not_distinguishable 1 0 0 improving            fast_enough -> achieved  At the deadline
level      answered   not_distinguishable 1 0 1 improving            fast_enough -> missed    The figure meets
level      answered   not_distinguishable 0 0 1 improving            too_slow    -> missed    The period that
comparator answered   not_met             1 0 1 improving            fast_enough -> missed    The period that
sequence   before_due not_met             1 0 0 improving            no_pace     -> at_risk   right way in every year
direction  before_due not_met             0 1 0 no_detectable_change no_pace     -> at_risk   right way since
comparator before_due not_met             1 1 0 getting_worse        no_pace     -> off_track Not met and getting worse
level      before_due not_distinguishable 0 1 0 getting_worse        wrong_way   -> off_track Moving away
level      before_due not_distinguishable 0 0 0 improving            fast_enough -> on_track  Moving at least
level      before_due not_met             0 1 0 getting_worse        wrong_way   -> off_track Moving away
"""


@pytest.fixture(scope="module")
def assessed(methods):
    """Put the lines of the table above, numbered, into the model that applies the rules."""
    lines = [line.split("->")[0].split() for line in DECIDED.strip().splitlines()]
    rows = [
        dict(zip(CONDITIONS, line, strict=True), commitment_id=str(number), period_end="2024-12-31")
        for number, line in enumerate(lines)
    ]
    columns = {
        **dict.fromkeys(KEYS, "varchar"),
        "period_end": "date",
        "target_type": "varchar",
        "not_assessable_reason": "varchar",
        **{name: RULE_TYPES[name] for name in CONDITIONS},
    }
    same = dict.fromkeys(KEYS, "same") | {"target_type": "absolute_level"}
    methods.table("int_commitment_values__assessed", columns, [same | row for row in rows])
    with (SEEDS / "status_rules.csv").open(encoding="utf-8", newline="") as file:
        rules = [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]
    methods.table("status_rules", RULE_TYPES, rules)
    sql = methods.model("intermediate/int_commitment_values__judged.sql")
    return {row["commitment_id"]: row for row in methods.rows(f"from ({sql})")}


@pytest.mark.parametrize(("number", "line"), list(enumerate(DECIDED.strip().splitlines())))
def test_status_and_sentence(assessed, number, line):
    status, words = line.split("-> ")[1].split(maxsplit=1)
    row = assessed[str(number)]
    assert row["status_code"] == status
    assert words in row["status_rule_why"]
