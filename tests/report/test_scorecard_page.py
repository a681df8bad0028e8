"""The scorecard on a screen: what a line says, what is held back, and that nothing is wider than the screen."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipelines.report.scorecard_page import layout, print_scorecard


def printed(scorecard, width=120):
    screen = io.StringIO()
    print_scorecard(Console(file=screen, width=width), scorecard)
    return screen.getvalue()


def said(text, start):
    (found,) = [line for line in text.splitlines() if line.strip().startswith(start)]
    return " ".join(found.split())


def test_a_line_says_it_all(line, scorecard):
    text = printed(scorecard(line()))
    assert "  Fewer people smoke  fewer-smoke\n" in text
    expected = "▲ On track Trafford 2024 13.1% (11.0 to 15.2) ≤ 5.0% 31 Dec 2035 87%"
    assert said(text, "▲ On track  Trafford") == expected


def test_the_status_is_a_symbol_and_words_without_colour(line, scorecard):
    assert "\x1b" not in printed(scorecard(line()))
    assert "▽ Achieved, slipping" in printed(scorecard(line(status_code="achieved_but_slipping")))


def test_a_reason_stands_where_the_figures_would(line, scorecard):
    reason = line(figures=False, status_code="not_assessable", not_assessable_reason="no_indicator")
    text = printed(scorecard(reason, everything=True))
    assert said(text, "· Not assessable  Trafford") == "· Not assessable Trafford no indicator 31 Dec 2035 -"
    with_figure = line(status_code="not_assessable", not_assessable_reason="no_baseline", forecast_probability=None)
    text = printed(scorecard(with_figure, line(actual_value=1313.1, commitment_id="other"), everything=True))
    assert "no baseline; it was 13.1%" in text


def test_a_stale_figure_says_so(line, scorecard):
    assert "13.1% (11.0 to 15.2), stale" in printed(scorecard(line(is_stale=1)))


def test_what_nothing_can_be_said_of_is_counted_by_reason(line, scorecard):
    def missing(number, reason):
        return line(
            figures=False, status_code="not_assessable", not_assessable_reason=reason, commitment_id=f"{reason}{number}"
        )

    rows = [missing(i, "no_indicator") for i in range(3)] + [missing(i, "no_baseline") for i in range(2)]
    text = printed(scorecard(line(), *rows, line(figures=False, status_code="unknown")))
    assert "Not listed: 6 of which nothing can be said yet; --all lists them." in text
    assert "· 5 not assessable: 3 no indicator, 2 no baseline" in text
    assert "? 1 no record" in text
    assert "no_indicator0" not in text


@pytest.mark.parametrize("filters", [{"everything": True}, {"status": "not_assessable"}])
def test_a_row_that_is_asked_for_is_listed(line, scorecard, filters):
    row = line(figures=False, status_code="not_assessable", not_assessable_reason="no_indicator")
    text = printed(scorecard(row, **filters))
    assert "Not listed" not in text
    assert "fewer-smoke" in text


def test_a_recorded_state_is_shown_whatever_the_status(line, scorecard):
    assert scorecard(line(figures=False, status_code="unknown", records=1)).held_back == ()


def test_totals_count_what_is_counted(line, scorecard):
    text = printed(scorecard(line(), line(status_code="off_track"), line(is_counted=0, commitment_id="again")))
    totals = text.split("Totals")[1].split("A commitment counts")[0]
    assert " ".join(totals.split()) == "▼ Off track 1 ▲ On track 1 Together 2"


def test_parts_alone_have_no_total(line, scorecard):
    assert "Totals: none of these rows counts" in printed(scorecard(line(is_counted=0, place_role="part")))


def test_coverage_adds_up_reasons(line, scorecard):
    assert said(printed(scorecard(line())), "Strategy     9") == "Strategy 9 3 0 0 0 0 6 0"


def test_an_empty_answer_is_said_in_words(scorecard):
    text = printed(scorecard(framework="strategy", status="missed", hint="Add --parts."))
    assert "No commitment fits: framework strategy, status missed, signed places." in text
    assert "Add --parts." in text
    assert "Totals" not in text


def test_nothing_shown_is_said_in_words(line, scorecard):
    text = printed(scorecard(line(figures=False, status_code="unknown")))
    assert "Nothing that fits is assessed or has a recorded state." in text


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_nothing_is_wider_than_the_screen(line, scorecard, width):
    long = line(
        status_code="achieved_but_slipping",
        title="A long promise " * 20,
        commitment_id="an-id-of-usual-length-for-a-commitment",
        framework="A long name of a strategy " * 10,
        aim="An aim that goes on " * 10,
        area_name="NHS Nottingham and Nottinghamshire Integrated Care Board",
        period_label="2019/20 - 23/24",
        actual_value=123456.7,
        actual_lower_ci_95=123456.7,
        actual_upper_ci_95=123456.7,
        unit="people per square kilometre",
    )
    reason = line(figures=False, status_code="not_assessable", not_assessable_reason="a_reason_" * 30)
    lines = [text.plain for text in layout([long, reason], width)]
    assert max(map(len, lines)) <= width
    (title,) = [text for text in lines if text.startswith("  A long promise")]
    assert "…  an-id-of-usual-length-for-a-commitment" in title
    assert max(map(len, printed(scorecard(long, reason, everything=True), width).splitlines())) <= width


def test_a_title_that_fits_is_not_cut(line):
    title = "x" * (120 - 2 - 2 - len("fewer-smoke"))
    assert f"  {title}  fewer-smoke" in [text.plain for text in layout([line(title=title)], 120)]
    assert f"  {title}x  fewer-smoke" not in [text.plain for text in layout([line(title=f"{title}x")], 120)]
