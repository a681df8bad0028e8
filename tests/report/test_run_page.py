"""What the page of a run says, whatever became of the run, and that it stands alone."""

from __future__ import annotations

import itertools
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.check.intended_checks import intended_checks, read_manifest
from pipelines.problems import ConfigurationError
from pipelines.publish.check_rows import COLUMNS
from pipelines.refresh_progress import SilentProgress, StageTime, TimedProgress
from pipelines.report.run_page import LONGEST_CELL, RunRecord, run_id_of, run_record, shown, write_run_page
from pipelines.report.run_results import gather
from pipelines.run_inputs import RunInputs, write_inputs
from pipelines.settings import Settings

from .run_folders import (
    BEGAN,
    EARLIER,
    MOMENT,
    Element,
    all_passed,
    dbt_test,
    read_page,
    result,
    small_project,
    write_dbt,
    write_source,
)

HOSTILE = '"><script>alert(1)</script><img src=http://example.org/x onerror=alert(2)>&amp;\x00\u202e'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return small_project(tmp_path)


def record(**more: Any) -> RunRecord:
    usual: dict[str, Any] = {
        "run_id": run_id_of(BEGAN, "1a2b3c4d5e"),
        "outcome": "not_published",
        "started_at": BEGAN,
        "seconds": 71.4,
        "as_at": date(2026, 3, 2),
        "previous_release_id": "20260221T063000Z-99887766",
        "failures": ("model: dbt build failed",),
    }
    return RunRecord(**{**usual, **more})


def cells(table: Element) -> list[list[str]]:
    return [
        [one.text for one in row.children if isinstance(one, Element)]
        for body in table.all("tbody")
        for row in body.all("tr")
    ]


def assert_stands_alone(page: Element) -> None:
    """One heading of the first order, no level left out, tables with captions and scopes, nothing fetched or run."""
    elements = list(page.all())
    levels = [int(one.tag[1]) for one in elements if re.fullmatch(r"h[1-6]", one.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    [document] = [one for one in elements if one.tag == "html"]
    assert document.attributes["lang"] == "en-GB"
    assert [one.text for one in elements if one.tag == "title"] != [""]
    assert not {one.tag for one in elements} & {"script", "img", "link", "iframe", "object", "form", "svg", "base"}
    ids = [one.attributes["id"] for one in elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for one in elements:
        assert not {name for name in one.attributes if name.startswith("on") or name in ("src", "srcset", "style")}
        if (target := one.attributes.get("href")) is not None:
            assert re.fullmatch(r"#[a-z]+|[A-Za-z0-9._-]+\.(html|parquet)", target), target
            assert not target.startswith("#") or target[1:] in ids
        if "aria-labelledby" in one.attributes:
            assert one.attributes["aria-labelledby"] in ids
    [style] = [one.text for one in elements if one.tag == "style"]
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [one.attributes["content"] for one in elements if one.attributes.get("http-equiv")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    for table in page.all("table"):
        assert [one.text for one in table.all("caption")] != [""]
        assert len(list(table.all("caption"))) == 1
        widths = {sum(isinstance(one, Element) for one in row.children) for row in table.all("tr")}
        assert len(widths) == 1, table.text[:80]
        for header in table.all("th"):
            assert header.attributes["scope"] in ("col", "row")
    for one in elements:
        if "status" in (one.attributes.get("class") or "").split():
            assert len(one.text.split()) >= 2, "a status is a symbol and a word"


def test_a_run_that_died_before_anything_was_modelled(settings: Settings) -> None:
    found = {"source_file": "trafford/a.csv", "source_row_number": 4, "column_name": "value", "value": "5x"}
    bad = result(
        "localities_sum_to_borough", "blocked", rows_failed=23, observed="23 sums differ", details=(found,) * 20
    )
    write_source(settings, "trafford_localities", [bad], load_state="refused", is_stale=1, reason="23 sums differ")
    path = write_run_page(settings, record())
    page = read_page(path)
    assert_stands_alone(page)
    assert page.by_id("failures").text == "Why nothing was published model: dbt build failed"
    [heading] = page.all("h1")
    assert heading.text == "Refresh of 2 March 2026, 06:30 UTC: not published, the run failed"
    failed = page.by_id("failed")
    assert [one.text for one in failed.all("h3")] == ["✕ blocked trafford_localities : localities_sum_to_borough"]
    assert "23 sums differ" in failed.text
    assert "Why it matters: A figure that is wrong is worse than none." in failed.text
    [table] = failed.all("table")
    assert "The first 20 of 23 failing rows" in table.text
    assert cells(table) == [["trafford/a.csv", "4", "value", "5x"]] * 20
    lines = {row[0]: row for row in cells(next(page.by_id("sources").all("table")))}
    assert lines["trafford_localities"][1:7] == ["✕ refused", "5", "5", "0", "0", "\N{EN DASH}"]
    assert "(stale since 2 March 2026, 06:30 UTC)" in lines["trafford_localities"][7]
    assert lines["trafford_neighbours"][1] == "? not checked"
    assert "source_load.rows_present The run ended before it." not in failed.text
    assert "The run ended before it." in page.by_id("unevaluated").text
    checks = pl.read_parquet(path.with_suffix(".checks.parquet"))
    assert checks.schema == COLUMNS
    assert set(checks["outcome"]) == {"blocked", "not_evaluated"}
    counted = f"{checks.height} intended: 0 passed, 0 warned, 0 quarantined, 1 blocked, {checks.height - 1} not"
    assert counted in page.text


def test_a_run_of_which_nothing_is_left(settings: Settings) -> None:
    page = read_page(write_run_page(settings, record(failures=(), as_at=None, previous_release_id=None)))
    assert_stands_alone(page)
    assert "Every check that was evaluated passed." in page.by_id("failed").text
    assert "because the dbt project was not parsed" in page.by_id("remarks").text


def test_a_load_that_cannot_be_read_leaves_every_rule_unevaluated(settings: Settings) -> None:
    write_source(settings, "trafford_neighbours", [result("readable", "blocked")], load_state="refused")
    rows = [row for row in gather(settings, record()).checks if row["subject_name"] == "trafford_neighbours"]
    landed = [row for row in rows if row["stage"] == "landed"]
    assert [row["check_id"] for row in landed if row["outcome"] == "blocked"] == ["readable"]
    others = [row for row in landed if row["check_id"] != "readable"]
    assert len(others) == len(all_passed(settings, "trafford_neighbours")) - 1 > 5
    assert {(row["outcome"], row["observed"]) for row in others} == {("not_evaluated", "The load could not be read.")}
    assert all(row["why"] for row in others)


def test_results_of_an_earlier_run_are_not_taken_for_those_of_this(settings: Settings) -> None:
    old = [result("readable", evaluated_at=EARLIER)]
    write_source(settings, "trafford_neighbours", old, checked_at=EARLIER)
    register = result("readable", "blocked", stage="register", evaluated_at=EARLIER)
    write_source(settings, "frameworks", [register])
    tests = {"test.outcomes.a.1": dbt_test("not_null", "dim_area", "area_key")}
    stale = [{"unique_id": "test.outcomes.a.1", "status": "fail", "failures": 3}]
    write_dbt(settings, tests, stale, at=BEGAN - timedelta(days=1))
    rows = {(row["subject_name"], row["check_id"]): row for row in gather(settings, record()).checks}
    kept = rows["trafford_neighbours", "readable"]
    assert (kept["outcome"], kept["is_carried_over"], kept["evaluated_at"]) == ("passed", 1, EARLIER)
    for name in (("frameworks", "frameworks.readable"), ("dim_area", "dim_area.not_null_area_key")):
        assert (rows[name]["outcome"], rows[name]["observed"]) == ("not_evaluated", "The run ended before it.")
    page = read_page(write_run_page(settings, record()))
    assert "(an earlier run)" in page.by_id("sources").text


def test_a_failing_test_of_the_model_shows_its_rows(settings: Settings) -> None:
    settings.build_file.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.build_file)) as connection:
        connection.execute("create table dim_area as select * from (values (1, 'Trafford'), (null, 'Nowhere')) t(k, n)")
    query = "select * from dim_area where k is null"
    write_dbt(
        settings,
        {"test.outcomes.a.1": dbt_test("not_null", "dim_area", "k"), "test.outcomes.b.2": dbt_test("grain", "fct_a")},
        [
            {"unique_id": "test.outcomes.a.1", "status": "fail", "failures": 1, "compiled_code": query},
            {"unique_id": "test.outcomes.b.2", "status": "skipped", "failures": None},
        ],
    )
    page = read_page(write_run_page(settings, record()))
    assert "held back by a check" in next(page.all("h1")).text
    failed = page.by_id("failed")
    assert "✕ blocked dim_area : dim_area.not_null_k" in failed.text
    assert "1 row does not keep it: k is never empty" in failed.text
    assert cells(next(failed.all("table"))) == [["n Nowhere"]]
    assert "what it looks at was not built" in page.by_id("unevaluated").text


def test_hostile_values_are_shown_and_do_nothing(settings: Settings) -> None:
    long = "x" * 5_000
    rows = (
        {"source_file": HOSTILE, "source_row_number": 4, "column_name": HOSTILE, "value": long, "detail": HOSTILE},
        {"source_file": None, "value": ["<b>"], HOSTILE: HOSTILE},
    )
    bad = result("localities_sum_to_borough", "blocked", observed=HOSTILE, why=HOSTILE, details=rows)
    write_source(settings, "trafford_localities", [bad], reason=HOSTILE, load_state="refused")
    stages = (StageTime(HOSTILE, HOSTILE, HOSTILE, 1, 0.2), StageTime("model", "dbt build"))
    path = write_run_page(
        settings,
        record(
            failures=(HOSTILE,),
            stages=stages,
            release_notes=HOSTILE,
            trigger=HOSTILE,
            code_version=HOSTILE,
            previous_release_id=HOSTILE,
        ),
    )
    page = read_page(path)
    assert_stands_alone(page)
    assert_stands_alone(read_page(settings.runs / "index.html"))
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
    assert "\\u0000\\u202e" in page.by_id("failures").text
    assert page.text.count("<script>alert(1)</script>") >= 12, "everything hostile is there to be read"
    assert f"{'x' * LONGEST_CELL}… (cut; 5,000 characters)" in page.text
    assert "x" * (LONGEST_CELL + 1) not in text
    assert "did not end" in page.by_id("times").text


def test_a_published_run_shows_what_its_release_says(settings: Settings) -> None:
    write_source(settings, "trafford_localities", all_passed(settings, "trafford_localities"))
    release_id = "20260302T063000Z-1a2b3c4d"
    settings.releases.mkdir(parents=True)
    types: dict[pl.DataType, str] = {
        pl.Int64(): "bigint",
        pl.Int16(): "smallint",
        pl.Datetime("us"): "timestamp",
        pl.String(): "varchar",
    }
    names = ", ".join(f"{name} {types[kind]}" for name, kind in COLUMNS.items())
    with duckdb.connect(str(settings.releases / f"{release_id}.duckdb")) as connection:
        connection.execute(f"create table fct_data_quality_check ({names})")
        connection.execute("create table source_load as select 'trafford_localities' as source_id, 2 as duplicate_rows")
        connection.execute(
            "insert into fct_data_quality_check by name select 1 as data_quality_check_key, 'trafford_localities' as "
            "source_id, 'trafford_localities' as subject_name, 'landed' as stage, 'readable' as check_id, "
            "'warned' as outcome, 'so says the release' as observed, 'w' as why, 0 as is_carried_over, "
            "'critical' as severity, ? as evaluated_at",
            [MOMENT],
        )
    notes = "Added: 3 values\nChanged by more than 5 %: none"
    page = read_page(
        write_run_page(
            settings, record(outcome="published", release_id=release_id, failures=(), release_notes=notes, seconds=3.25)
        )
    )
    assert_stands_alone(page)
    assert "so says the release" in page.by_id("failed").text
    assert "Changed by more than 5 %: none" in page.by_id("changes").text
    assert "No result was recorded in this run." in page.by_id("unevaluated").text
    lines = {row[0]: row for row in cells(next(page.by_id("sources").all("table")))}
    assert lines["trafford_localities"][6] == "2"
    assert "after 3.2 s" in page.text


def test_a_result_that_nobody_intended_is_said(settings: Settings) -> None:
    strange = [*all_passed(settings, "trafford_localities"), result("made_up_rule")]
    write_source(settings, "trafford_localities", strange)
    assert gather(settings, record()).unintended == ("trafford_localities landed made_up_rule",)
    page = read_page(write_run_page(settings, record()))
    assert "a result that no check of this project asked for: trafford_localities landed made_up_rule ." in page.text


def test_damaged_remains_are_named_and_the_page_is_written(settings: Settings) -> None:
    write_source(settings, "trafford_localities", all_passed(settings, "trafford_localities"))
    (settings.check_log / "trafford_localities.load.parquet").write_bytes(b"PAR1 torn")
    (settings.check_log / "trafford_neighbours.checks.parquet").write_bytes(b"")
    settings.build_file.parent.mkdir(parents=True)
    settings.build_file.write_bytes(b"no database")
    (settings.expectations / "published" / "source_load.json").write_text("{", encoding="utf-8")
    page = read_page(write_run_page(settings, record()))
    assert_stands_alone(page)
    said = page.by_id("remarks").text
    assert "The check log trafford_neighbours.checks.parquet cannot be read." in said
    assert "What was intended cannot be listed" in said
    assert "trafford_localities ? not checked" in page.by_id("sources").text


def test_the_last_runs_are_listed_the_newest_first_and_the_others_go(settings: Settings) -> None:
    for day in range(5):
        began = BEGAN + timedelta(days=day)
        write_run_page(settings, record(run_id=run_id_of(began, "1a2b3c4d"), started_at=began), runs_kept=3)
    stranger = settings.runs / "notes.txt"
    stranger.write_text("of a person", encoding="utf-8")
    (settings.runs / "20260306T063000Z-1a2b3c4d.checks.parquet").write_bytes(b"torn")
    began = BEGAN + timedelta(days=5)
    write_run_page(settings, record(run_id=run_id_of(began), started_at=began), runs_kept=3)
    index = read_page(settings.runs / "index.html")
    assert_stands_alone(index)
    # The damaged one is listed by the time of its file, which is now.
    assert {link.attributes["href"] for link in index.all("a")} == {
        "20260306T063000Z-1a2b3c4d.html",
        "20260307T063000Z-unknown.html",
        "20260305T063000Z-1a2b3c4d.html",
    }
    assert {path.name for path in settings.runs.glob("*.html")} == {
        "index.html",
        *(str(link.attributes["href"]) for link in index.all("a")),
    }
    assert len(list(settings.runs.glob("*.parquet"))) == 3
    assert stranger.exists()
    assert not list(settings.runs.glob(".*"))


@pytest.mark.parametrize("run_id", ["../outside", "a/b", "", ".hidden", "index", "a b", "x" * 101])
def test_a_run_id_cannot_leave_the_folder(settings: Settings, run_id: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a page"):
        write_run_page(settings, record(run_id=run_id))
    assert not settings.runs.exists()


def test_the_record_of_a_run_has_its_own_inputs_and_not_those_of_an_earlier_one(settings: Settings) -> None:
    bare = run_record(settings, BEGAN, 3.0, ["it failed"])
    assert (bare.run_id, bare.outcome, bare.as_at) == ("20260302T063000Z-unknown", "not_published", None)
    started = BEGAN + timedelta(seconds=2)
    write_inputs(settings.run_inputs_file, RunInputs(date(2026, 3, 2), started, "1a2b3c4d5e", "c0de"))
    assert run_record(settings, BEGAN + timedelta(seconds=3), 3.0, ["it failed"]).input_fingerprint is None
    full = run_record(settings, BEGAN, 3.0, ["it failed"], previous_release_id="before", trigger="schedule")
    assert (full.run_id, full.started_at, full.as_at) == ("20260302T063002Z-1a2b3c4d", started, date(2026, 3, 2))
    assert (full.code_version, full.previous_release_id, full.trigger) == ("c0de", "before", "schedule")
    assert full.release_id is None
    settings.run_inputs_file.write_text("{", encoding="utf-8")
    assert run_record(settings, BEGAN, 3.0, ["it failed"]) == bare


def test_a_text_is_cut_with_its_length_said() -> None:
    assert shown("ab", 2) == "ab"
    assert shown("abc", 2) == "ab… (cut; 3 characters)"
    assert shown(None) == ""
    assert shown("a\u200bb\ud800") == "a\\u200bb\\ud800"


def test_colours_of_every_status_can_be_read() -> None:
    """WCAG AA: 4.5 to 1 for text."""
    css = (Path(__file__).resolve().parents[2] / "pipelines/report/templates/runs.css").read_text(encoding="utf-8")

    def luminance(colour: str) -> float:
        full = colour if len(colour) == 6 else "".join(one * 2 for one in colour)
        parts = [int(full[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = re.findall(r"[{ ]color: #(\w+); background: #(\w+)", css)
    soft, pale = (re.search(rf"--{name}: #(\w+)", css) for name in ("soft", "pale"))
    assert soft is not None
    assert pale is not None
    pairs += [(soft[1], "fff"), (soft[1], pale[1]), ("0b57a4", "fff")]
    assert len(pairs) == 8
    for text, ground in pairs:
        light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_times_are_kept_and_passed_on() -> None:
    heard: list[tuple[str, ...]] = []

    class Hearing(SilentProgress):
        def end(self, stage: str, item: str, outcome: str, rows: int | None = None) -> None:
            heard.append((stage, item, outcome))

    timed = TimedProgress(Hearing())
    timed.begin("acquire", "a")
    timed.begin("model", "dbt build")
    timed.end("acquire", "a", "landed", 5)
    first, second = timed.times
    assert (first.item, first.outcome, first.rows) == ("a", "landed", 5)
    assert first.seconds is not None
    assert first.seconds >= 0
    assert second == StageTime("model", "dbt build")
    assert heard == [("acquire", "a", "landed")]


def test_without_a_parsed_project_its_tests_are_left_out(settings: Settings) -> None:
    assert read_manifest(settings) is None
    assert intended_checks((), (), None)
