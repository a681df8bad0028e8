"""The report as a whole: every page, every link, nothing from elsewhere, and the figures of the file."""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest

from pipelines.report import words
from pipelines.report.site import build_site, links
from pipelines.report.site.build import FolderInUse

from .conftest import METHODS, NoCharts, read_page

pytestmark = pytest.mark.slow

Report = Any


def rows_of(report: Report, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(report.file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def dead_links(folder: Path, pages: dict[str, Any]) -> list[str]:
    """Return the links that lead to no file, or to no anchor on it."""
    dead: list[str] = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https"):
                continue
            target = (
                posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path))) if parts.path else path
            )
            if parts.scheme or not (folder / target).is_file():
                dead.append(f"{path}: {link}")
            elif parts.fragment and parts.fragment not in pages[target].ids:
                dead.append(f"{path}: {link} has no such anchor")
    return dead


def test_every_commitment_place_framework_and_indicator_has_its_page(report: Report) -> None:
    expected = {links.commitment(one) for (one,) in rows_of(report, "select distinct commitment_id from v_scorecard")}
    assert len(expected) > 400
    expected |= {links.place(one) for (one,) in rows_of(report, "select distinct area_code from v_scorecard")}
    expected |= {links.framework(one) for (one,) in rows_of(report, "select distinct framework_id from v_scorecard")}
    expected |= {
        links.indicator(one)
        for (one,) in rows_of(
            report,
            "select indicator_id from dim_indicator "
            "where indicator_key in (select indicator_key from bridge_commitment_indicator)",
        )
    }
    assert expected - set(report.pages) == set()
    assert report.built.pages == len(report.pages)
    assert report.built.bytes == sum(file.stat().st_size for file in report.folder.rglob("*") if file.is_file())
    assert report.built.bytes < 40_000_000


def test_every_link_leads_to_a_file_and_an_anchor(report: Report, tmp_path: Path) -> None:
    assert sum(len(page.links) for page in report.pages.values()) > 10_000
    assert dead_links(report.folder, report.pages) == []
    # The check itself finds a dead file, a dead anchor and a scheme that no page may have.
    bad = read_page('<a href="x.html">a</a><a href="#y">b</a><a href="javascript:z">c</a><a href="https://a.uk/">d</a>')
    assert len(dead_links(tmp_path, {"bad.html": bad})) == 3


def test_nothing_is_loaded_from_elsewhere(report: Report) -> None:
    loaded = {load for page in report.pages.values() for load in page.loads}
    assert any(load.endswith(".css") for load in loaded)
    assert {load for load in loaded if "//" in load or load.startswith("/")} == set()
    for path, page in report.pages.items():
        assert not page.elements & {"script", "iframe", "object", "embed", "form", "base", "style"}, path
        for load in page.loads:
            if not load.startswith("#"):
                assert (report.folder / posixpath.dirname(path) / load).is_file(), (path, load)
    for stylesheet in sorted(report.folder.glob("assets/*.css")):
        text = stylesheet.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "font-face" not in text
        for address in re.findall(r"url\(\"?([^)\"]*)\"?\)", text):
            assert (stylesheet.parent / address).is_file(), address


def test_the_mark_up_is_sound(report: Report) -> None:
    for path, page in report.pages.items():
        assert page.faults == [], path
        assert page.unnamed == [], path
        assert set(page.labels) <= page.ids, path
        # The menu of the foot has a heading of its own behind the content.
        assert page.headings[0] == 1 and page.headings.count(1) == 1, path
        assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False)), path
        if not path.startswith((links.METHODS, "guides/")):
            assert all(caption and scopes for caption, scopes in page.tables), path
        assert page.title.endswith("Health commitments: target against actual"), path
    titles = [page.title for path, page in report.pages.items() if "/" not in path]
    assert len(set(titles)) == len(titles)
    bad = read_page('<h1 id="a">x<p></h1><img src="x"><svg></svg><table><th>y</th></table><b id="a" onclick="z">')
    assert len(bad.faults) >= 4
    assert len(bad.unnamed) == 2
    assert bad.tables == [(False, False)]


def test_nothing_is_left_unsaid_or_unrendered(report: Report) -> None:
    for path, page in report.pages.items():
        if path.startswith((links.METHODS, "guides/")):
            continue
        assert "{{" not in page.text, path
        assert "\ue000" not in page.text, path
        # "None." is an answer; a value that nobody has written out is not.
        assert not re.search(r"\b(None(?!\.)|nan|undefined)\b.{0,20}", page.text), path


def test_figures_on_a_page_are_those_of_the_file(report: Report) -> None:
    found = rows_of(
        report,
        """
        select s.commitment_id, s.area_code, s.area_name, s.actual_value, s.period_label, s.status_label, s.explanation,
            i.decimal_places, s.place_role
        from v_scorecard as s inner join dim_indicator as i on s.indicator_key = i.indicator_key
        where s.actual_value is not null
        """,
    )
    assert len(found) > 50
    for commitment_id, area_code, area_name, value, period, status, explanation, decimals, role in found:
        commitment = report.pages[links.commitment(commitment_id)].text
        assert words.rounded(value, decimals) in commitment
        assert f"in {period}" in commitment
        assert area_name in commitment
        assert status in commitment
        place = report.pages[links.place(area_code)].text
        assert words.rounded(value, decimals) in place
        assert status in place
        assert role != "signed" or " ".join(explanation.split()) in commitment


def test_totals_of_the_scorecard_are_those_of_the_file(report: Report) -> None:
    text = report.pages[links.INDEX].text
    [(commitments, counted, judged)] = rows_of(
        report,
        """
        select
            (select count(*) from dim_commitment where is_current = 1 and commitment_key > 0),
            (select count(*) from v_scorecard where is_counted = 1),
            (select sum(commitments) from v_coverage where outcome = 'assessed')
        """,
    )
    assert f"Where {commitments} published commitments" in text
    assert f"{judged} can be judged by figures" in text
    assert f"{counted} rows of the scorecard by status" in text
    for label, number in rows_of(
        report, "select status_label, count(*) from v_scorecard where is_counted = 1 group by status_label"
    ):
        assert re.search(rf"{label} (Rows )?{number}\b", text), label
    [(release_id,)] = rows_of(report, "select release_id from release")
    assert all(release_id in page.text for page in report.pages.values())
    assert all("Public edition" in page.text for page in report.pages.values())


def test_a_figure_is_told_down_to_its_record(report: Report) -> None:
    found = rows_of(
        report,
        """
        select t.commitment_id, v.source_file, v.source_row_number, v.source_file_sha256, v.value_as_published
        from fct_target_vs_actual as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key and c.is_current = 1
        inner join fct_indicator_value as v on v.indicator_value_key in (t.actual_value_key, t.baseline_value_key)
        where t.is_scorecard_period = 1
        """,
    )
    assert len(found) > 200
    for commitment_id, file, row, sha256, text in found:
        page = report.pages[links.commitment(commitment_id)].text
        assert f"{file}, record {row}" in page
        assert sha256 in page
        assert text is None or text in page


def test_every_chart_stands_on_a_page_with_its_table(report: Report) -> None:
    page = (report.folder / links.commitment("notts-prev-smoking-5pct-2035")).read_text(encoding="utf-8")
    figures = re.findall(r'<figure class="app-chart" id="([^"]+)">(.*?)</figure>', page, re.DOTALL)
    assert len(figures) >= 3
    for own, inner in figures:
        assert 'role="img"' in inner
        assert f'id="{own}-table"' in inner
    withchart = [path for path in report.pages if "app-chart" in (report.folder / path).read_text(encoding="utf-8")]
    assert links.INDEX in withchart
    assert len(withchart) > 40


def test_data_quality_tells_what_did_not_pass(report: Report) -> None:
    text = report.pages[links.QUALITY].text
    found = rows_of(report, "select check_id, subject_name from fct_data_quality_check where outcome <> 'passed'")
    assert found
    for check_id, subject in found:
        assert check_id in text
        assert subject in text
    for title, words_of_freshness in rows_of(
        report, "select source_title, freshness_words from source_freshness inner join dim_source using (source_key)"
    ):
        assert title in text
        assert words_of_freshness in text
    for (issue,) in rows_of(report, "select issue_id from known_issue"):
        assert issue in text


def test_hostile_names_stay_text(altered: Report, hostile: str) -> None:
    page = altered.pages[links.commitment("../../escape")]
    shown = hostile.replace("\u202e", "\ufffd").replace("\x07", "\ufffd")
    assert shown in page.text
    assert page.title.startswith(shown)
    assert page.faults == []
    for path, one in altered.pages.items():
        assert "script" not in one.elements, path
        assert not any(link.startswith("javascript") for link in one.links), path
    assert dead_links(altered.folder, altered.pages) == []
    files = {file.parent for file in altered.folder.rglob("*")}
    assert all(altered.folder in (folder, *folder.parents) for folder in files)
    assert not (altered.folder.parent.parent / "escape.html").exists()


def test_what_is_withheld_is_marked(altered: Report) -> None:
    page = altered.pages[links.commitment("traf-hwbs-hle-increase")]
    assert "[c] Suppressed" in page.text
    assert "The value is withheld so that nobody can be identified." in page.text
    assert "Not assessable" in page.text


def test_the_same_file_gives_the_same_bytes(altered: Report, tmp_path: Path) -> None:
    again = tmp_path / "report"
    build_site(altered.file, again, edition="public", methods=METHODS, charts=NoCharts())

    def hashes(folder: Path) -> dict[str, str]:
        return {
            file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in folder.rglob("*")
            if file.is_file()
        }

    assert hashes(again) == hashes(altered.folder)
    # A second build replaces the first, and leaves no page of it behind.
    (again / "commitments" / "old.html").write_text("old", encoding="utf-8")
    build_site(altered.file, again, edition="whole", methods=METHODS, charts=NoCharts())
    assert not (again / "commitments" / "old.html").exists()
    assert "Restricted" in (again / links.INDEX).read_text(encoding="utf-8")


def test_a_folder_with_other_things_is_left_alone(altered: Report, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("irreplaceable", encoding="utf-8")
    with pytest.raises(FolderInUse, match="something else"):
        build_site(altered.file, tmp_path, edition="public", methods=METHODS, charts=NoCharts())
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
