"""Where marks stand, how axes are chosen, and that colours can be told from white and from each other."""

from __future__ import annotations

from datetime import date
from itertools import combinations, pairwise

import pytest

from pipelines.report.charts import overview
from pipelines.report.charts.picture import (
    DRAWN,
    PLACE,
    SECOND,
    TARGET,
    TEXT,
    WIDTH,
    days,
    picture_of,
)
from pipelines.report.charts.scale import round_step, spaced, value_axis, width_of, wrapped
from pipelines.report.charts.series import assemble

# Simulated sight without one kind of cone: Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
DEFICIENCIES = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour):
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]


def contrast(colour, other="#ffffff"):
    """Contrast by WCAG 2.2, from 1 to 21."""
    bright = sorted(
        sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (colour, other)
    )
    return (bright[1] + 0.05) / (bright[0] + 0.05)


def lab(colour, matrix):
    red, green, blue = linear(colour)
    seen = [min(max(row[0] * red + row[1] * green + row[2] * blue, 0), 1) for row in matrix]
    to_xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(w * part for w, part in zip(row, seen, strict=True)) for row in to_xyz]
    x, y, z = (
        v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116
        for v in (part / white for part, white in zip(xyz, (0.9505, 1, 1.089), strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one, other, matrix):
    pairs = zip(lab(one, matrix), lab(other, matrix), strict=True)
    return sum((a - b) ** 2 for a, b in pairs) ** 0.5


def test_contrast_is_that_of_the_guideline():
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#777777") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffdd00") < 3


@pytest.mark.parametrize("colour", DRAWN)
def test_every_colour_stands_out_from_white(colour):
    assert contrast(colour) >= 3


def test_colours_of_texts_can_be_read(full, statuses):
    assert {mark.colour for mark in picture_of(full).texts} == {TEXT, PLACE}
    assert min(contrast(TEXT), contrast(PLACE)) >= 4.5
    assert all(contrast(row.status_colour) >= 4.5 for row in statuses)


def test_nothing_is_drawn_in_a_colour_that_was_not_checked(full):
    picture = picture_of(full)
    used = {line.colour for line in picture.lines} | {mark.stroke for mark in picture.points}
    used |= {mark.fill for mark in picture.points} - {"transparent", "#ffffff"}
    assert used
    assert used <= set(DRAWN)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_lines_are_told_apart_by_everybody(deficiency):
    for one, other in combinations((PLACE, SECOND, TARGET), 2):
        assert difference(one, other, DEFICIENCIES[deficiency]) > 15


def test_red_and_green_would_not_pass():
    assert difference("#a05a00", "#5f7a00", DEFICIENCIES["deutan"]) < 15


def test_nothing_is_told_by_colour_alone(full):
    picture = picture_of(full)
    kinds = {
        name: {(line.dash, line.width) for line in picture.lines if line.name.startswith(name)}
        for name in ("place", "second", "target", "path", "forecast", "limits")
    }
    looks = [look for kind in kinds.values() for look in kind]
    assert len(looks) == len(set(looks)) == 6
    shapes = {(mark.shape, mark.fill, mark.size) for mark in picture.points}
    assert len(shapes) == 5  # place, ring of the baseline, England, target, forecast


def test_every_figure_is_a_dot_and_a_withheld_one_is_a_mark(full):
    picture = picture_of(full)
    inside = [mark for mark in picture.points if mark.y >= picture.y.low]
    dots = [mark for mark in inside if (mark.shape, mark.fill) == ("circle", PLACE)]
    assert [mark.y for mark in dots] == [20.9, 19.9, 18.0, 17.7, 17.0, 16.6]
    assert sum(mark.shape == "square" for mark in inside) == 7
    marks = [mark for mark in picture.texts if mark.text == "[c]"]
    assert [mark.x for mark in marks if mark.y > picture.y.low] == [days(date(2018, 12, 31))]
    assert not any(mark.x == days(date(2018, 12, 31)) and mark.shape == "circle" for mark in inside)


def test_limits_baseline_path_target_and_forecast_stand_where_they_should(full):
    picture = picture_of(full)
    lines = {line.name: line.points for line in picture.lines}
    limits = [points for name, points in lines.items() if name.startswith("limits")]
    assert len(limits) == 6
    assert all((low[1], high[1]) == (15.0, 22.0) for low, high in limits)
    due = days(date(2026, 3, 31))
    assert lines["target"] == ((days(date(2016, 12, 31)), 5.0), (due, 5.0))
    assert lines["forecast"] == ((days(date(2025, 12, 31)), 13.0), (days(date(2025, 12, 31)), 17.25))
    assert next((mark.x, mark.y) for mark in picture.points if mark.shape == "triangle-left") == (due, 5.0)
    ring = next(mark for mark in picture.points if mark.fill == "transparent")
    assert (ring.x, ring.y) == (days(date(2016, 12, 31)), 20.9)


def test_a_straight_path_is_drawn_by_its_ends(one, ahead):
    path = [20.9 - 15.9 * step / 9 for step in range(10)]
    series = one({2016: 20.9}, *(ahead(2016 + step, path[step]) for step in range(1, 10)), trajectory_value=20.9)
    (line,) = [line for line in picture_of(series).lines if line.name == "path"]
    assert line.points == ((days(date(2016, 12, 31)), 20.9), (days(date(2025, 12, 31)), pytest.approx(5.0)))


def test_a_bent_path_keeps_its_bends(one, ahead):
    series = one({2016: 20.0}, ahead(2017, 15.0), ahead(2018, 14.0), trajectory_value=20.0)
    (line,) = [line for line in picture_of(series).lines if line.name == "path"]
    assert [y for _, y in line.points] == [20.0, 15.0, 14.0]


def test_a_comparator_has_no_level_of_its_own(one):
    changes = {
        "target_type": "match_comparator",
        "target_value": 8.0,
        "comparator_name": "England",
        "second_value": 8.0,
    }
    picture = picture_of(one({2019: 9.0, 2020: 9.0}, **changes))
    assert not any(line.name == "target" for line in picture.lines)
    assert "Target: to match England by 31 March 2026" in [mark.text for mark in picture.texts]


def test_figures_that_cannot_be_compared_are_parted_by_a_line(row):
    (series,) = assemble([row(2019, 9.0), row(2020, 8.0, series_number=2)], [])
    picture = picture_of(series)
    (line,) = [line for line in picture.lines if line.name.startswith("break")]
    assert days(date(2019, 12, 31)) < line.points[0][0] < days(date(2020, 12, 31))
    assert "Not comparable with figures before 2020" in [mark.text for mark in picture.texts]


def test_texts_stay_inside_the_picture(full, one, ahead):
    long = one(
        {2019: 9.0, 2020: 8.0},
        ahead(2021),
        area_name="NHS Bath and North East Somerset, Swindon and Wiltshire Integrated Care Board",
    )
    for picture in (picture_of(full), picture_of(long)):
        for mark in picture.texts:
            x, _ = picture.pixel(mark.x, mark.y)
            width = width_of(mark.text, 14)
            start = x + picture.left - (width / 2 if mark.align == "center" else 0)
            assert start >= 0
            assert start + width <= WIDTH


def test_labels_of_the_time_axis_do_not_touch(one, ahead):
    figures = {year: 9.0 for year in range(2010, 2021)}
    picture = picture_of(one(figures, *(ahead(year) for year in range(2021, 2036)), due_date=date(2035, 12, 31)))
    places = [(picture.pixel(x, 0)[0], label) for x, label in picture.x.ticks]
    assert "2020" in [label for _, label in places]
    for (left, one_label), (right, other) in pairwise(places):
        assert right - left > (width_of(one_label, 14) + width_of(other, 14)) / 2


def test_long_periods_take_two_lines_and_the_key_moves_down(one):
    short = picture_of(one({2019: 9.0}))
    long = picture_of(one({2019: 9.0}, period_label="2017/18 - 19/20"))
    assert long.x.ticks[0][1] == "2017/18 -\n19/20"
    assert long.bottom > short.bottom


@pytest.mark.parametrize(
    ("shown", "low", "high"),
    [
        ([20.9, 16.6, 5.0], 0, 30),
        ([24.1, 25.4], 22, 28),  # a small change does not fill the picture
        ([59.8, 66.0], 55, 70),
        ([57.2, 64.0], 50, 70),
        ([3.4], 0, 4),
        ([0.0], 0, 1),
        ([-2.0, 3.0], -2, 4),
        ([-5.0], -6, 0),
        ([], 0, 1),
        ([12345.0, 2000.0], 0, 15000),
    ],
)
def test_where_the_axis_starts_and_ends(shown, low, high):
    axis = value_axis(shown)
    assert (axis.low, axis.high) == (low, high)
    assert 3 <= len(axis.ticks) <= 7
    assert all(axis.low <= value <= axis.high for value in shown)


def test_ticks_are_written_with_the_digits_that_they_need():
    assert [label for _, label in value_axis([0.0, 10.0]).ticks] == ["0.0", "2.5", "5.0", "7.5", "10.0"]
    assert [label for _, label in value_axis([0.0, 4000.0]).ticks] == ["0", "1,000", "2,000", "3,000", "4,000"]
    assert [label for _, label in value_axis([-0.2, 0.2]).ticks] == ["-0.2", "-0.1", "0.0", "0.1", "0.2"]


def test_round_steps():
    assert [round_step(least) for least in (1, 1.1, 2.1, 2.6, 5.1, 0.03)] == [1, 2, 2.5, 5, 10, 0.05]


def test_labels_are_chosen_evenly_with_the_latest_among_them():
    labels = [(index / 10, str(2010 + index)) for index in range(11)]
    assert [label for _, label in spaced(labels, 7, 1000, 14)] == [label for _, label in labels]
    assert "2017" in [label for _, label in spaced(labels, 7, 200, 14)]
    assert [label for _, label in spaced(labels, 7, 30, 14)] == ["2017"]


def test_words_wrap():
    assert wrapped("one two three", width_of("one two", 14), 14) == ["one two", "three"]
    assert wrapped("one two\N{NO-BREAK SPACE}three", width_of("one two", 14), 14) == [
        "one",
        "two\N{NO-BREAK SPACE}three",
    ]
    assert wrapped("", 10, 14) == [""]


def test_bars_share_the_width_and_write_what_fits(statuses):
    picture = overview.picture_of(statuses)
    bars = [line for line in picture.lines if line.name.startswith("bar")]
    widths = [round(line.points[1][0] - line.points[0][0]) for line in bars]
    assert widths == [398, 2, 394]
    texts = [mark.text for mark in picture.texts]
    assert "▲ On track 1" in texts
    assert "? No record 99" in texts
    assert "▼ Off track 1" not in texts
    assert "Off track: 1" in texts  # in the key
