"""Real drawings: one image with one name, nothing fetched, nothing colliding, the same bytes again."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pipelines.report.charts import overview
from pipelines.report.charts.collection import chart_of
from pipelines.report.charts.picture import picture_of
from pipelines.report.charts.spec import specification
from pipelines.report.charts.svg import NAMESPACE, cleaned, drawing

ALLOWED = {
    *("id", "role", "aria-labelledby", "viewBox", "width", "height", "d", "transform", "fill", "stroke"),
    *("stroke-width", "stroke-dasharray", "stroke-miterlimit", "text-anchor", "font-family", "font-size"),
    *("x", "y", "x2", "y2"),
}


@pytest.fixture(scope="module")
def chart(full):
    return chart_of(full)


@pytest.fixture(scope="module")
def root(chart):
    return ElementTree.fromstring(chart.svg)


def named(root, tag):
    return list(root.iter(f"{{{NAMESPACE}}}{tag}"))


def texts(root):
    return ["".join(element.itertext()) for element in named(root, "text")]


def test_it_is_one_image_with_a_name_and_a_description(chart, root):
    assert root.get("role") == "img"
    title, desc = root[0], root[1]
    assert (title.tag, desc.tag) == (f"{{{NAMESPACE}}}title", f"{{{NAMESPACE}}}desc")
    assert (title.text, desc.text) == (chart.title, chart.alt)
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert (len(named(root, "title")), len(named(root, "desc"))) == (1, 1)


def test_nothing_inside_speaks_for_itself(full, root):
    raw = drawing(specification(picture_of(full)))
    assert 'role="graphics-symbol"' in raw  # what the library writes
    for element in root.iter():
        if element is not root:
            assert not any(name == "role" or name.startswith("aria") for name in element.attrib)


def test_only_known_elements_and_attributes(root):
    tags = {element.tag.removeprefix(f"{{{NAMESPACE}}}") for element in root.iter()}
    assert tags - {"tspan"} == {"svg", "title", "desc", "g", "rect", "path", "line", "text"}
    assert {name for element in root.iter() for name in element.attrib} <= ALLOWED


def test_nothing_is_fetched(chart):
    assert re.findall(r"https?://[^\"' <]+", chart.svg) == [NAMESPACE]
    assert not re.search(r"href|url\(|@import|<script|<image|<style|javascript:", chart.svg)


def test_it_takes_the_width_that_it_gets(root):
    assert root.get("width") == "100%"
    assert root.get("height") is None
    _, _, width, height = map(float, root.get("viewBox").split())
    assert width == 420
    assert 300 < height < 500


def test_letters_are_large_enough_and_letters(root):
    assert root.get("font-family").endswith("sans-serif")
    assert float(root.get("font-size").removesuffix("px")) * 640 / 420 >= 12
    assert not any(element.get("font-size") for element in named(root, "text"))


def test_it_says_what_the_data_say(root):
    said = texts(root)
    for expected in (
        "Per cent",
        "2016",
        "2022",
        "30",
        "16.6%",
        "[c]",
        "Nottingham: 16.6% in 2022",
        "Baseline: 20.9% in 2016",
        "England: 14.0% in 2022",
        "Target: 5.0% or less by 31 March 2026",
        "Straight path from baseline to target",
        "Forecast: 15.1% in 2025 (80%: 13.0 to 17.2)",
        "No figure: suppressed",
    ):
        assert expected in said


def test_as_many_symbols_as_figures(full, root):
    wanted = picture_of(full)
    filled = [path for path in named(root, "path") if path.get("fill") == "#12436d" and path.get("transform")]
    assert len(filled) == len(full.drawn) + 2  # and two in the key
    white = [path for path in named(root, "path") if path.get("fill") == "#ffffff" and path.get("transform")]
    assert len(white) == len(full.points) + 1 + 2  # England, the forecast, their keys
    lines = [path for path in named(root, "path") if path.get("stroke") and not path.get("transform")]
    assert len(lines) == len(wanted.lines)


def test_a_withheld_figure_is_not_drawn(one):
    before = chart_of(one({2019: 9.0, 2020: None, 2021: 7.0}))
    root = ElementTree.fromstring(before.svg)
    circles = [path for path in named(root, "path") if path.get("fill") == "#12436d" and path.get("transform")]
    assert len(circles) == 2 + 1
    assert "[c]" in texts(root)


def test_limits_of_a_withheld_figure_leave_no_trace(one):
    limits = {"actual_lower_ci_95": 0.5, "actual_upper_ci_95": 99.0}
    assert chart_of(one({2020: 9.0}, **limits)) != chart_of(one({2020: 9.0}))
    assert chart_of(one({2020: None}, **limits)) == chart_of(one({2020: None}))


def test_the_same_again_is_the_same_to_the_byte(chart, full, one):
    chart_of(one({2020: 1.0}))
    assert chart_of(full) == chart


def test_two_pictures_share_no_id(chart, one):
    other = chart_of(one({2020: 1.0}, commitment_id="other"))
    ids = [
        element.get("id", "")
        for svg in (chart.svg, other.svg)
        for element in ElementTree.fromstring(svg).iter()
        if element.get("id")
    ]
    assert len(ids) == len(set(ids)) == 6
    assert all(name.startswith(("chart-fewer-smoke-e06000018-", "chart-other-e06000018-")) for name in ids)


def test_names_that_the_library_counts_are_made_its_own():
    svg = (
        f'<svg xmlns="{NAMESPACE}" width="10" height="5"><g clip-path="url(#clip7)"><path d="M0,0L1.23456,1"/>'
        '<text font-family="A" font-size="1px">a</text></g>'
        '<defs><clipPath id="clip7"><rect width="1"/></clipPath></defs></svg>'
    )
    once = cleaned(svg, "mine", "T", "D")
    assert once == cleaned(svg.replace("clip7", "clip8"), "mine", "T", "D")
    assert 'clip-path="url(#mine-1)"' in once
    assert 'id="mine-1"' in once
    assert 'd="M0,0L1.23,1"' in once


def test_signs_in_names_are_escaped(one):
    chart = chart_of(one({2020: 1.0}, area_name='A < B & "C"', commitment_id="signs"))
    assert ElementTree.fromstring(chart.svg)[0].text == 'A < B & "C": Smoking prevalence'
    assert "A < B" not in chart.svg


def test_the_kinds_that_have_least_to_show(one):
    for series in (
        one({2020: None}),
        one({2020: 0.0}, target_value=None, target_type="none", due_date=None),
        one({2020: 5.0}, due_date=None),
        one({2020: -3.0, 2021: 3.0}, unit=None, decimal_places=None),
    ):
        assert ElementTree.fromstring(chart_of(series).svg).get("role") == "img"


def test_the_overview_is_drawn_without_axes(statuses):
    chart = overview.overview_of(statuses)
    root = ElementTree.fromstring(chart.svg)
    assert {
        "Plan:\N{NO-BREAK SPACE}1",
        "Strategy:\N{NO-BREAK SPACE}100",
        "▲ On track 1",
        "On track: 1",
        "No record: 99",
    } <= set(texts(root))
    assert not named(root, "line")
    assert chart.commitment_id is None
