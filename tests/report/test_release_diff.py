"""What differs between two releases: kinds, causes, schedule, statuses, and how it is printed and exported."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from pipelines.acquire.announced_revisions import Announced
from pipelines.problems import OutcomesError
from pipelines.publish.snapshot_schemas import SNAPSHOTS
from pipelines.report.release_diff import DiffFilters, diff_csv, diff_snapshots
from pipelines.report.release_diff_page import SHOWN, print_diff

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"

VALUE = {
    "source_id": "source",
    "indicator_id": "one",
    "indicator_name": "Measure one",
    "unit": "%",
    "decimal_places": 1,
    "area_code": "A",
    "area_type": "county",
    "area_name": "Anyshire",
    "period_type": "calendar",
    "period_sort": 20201231012,
    "period_label": "2020",
    "period_start": dt.date(2020, 1, 1),
    "period_end": dt.date(2020, 12, 31),
    "sex": "Persons",
    "age": "All ages",
    "category_type": "Total",
    "category": "Total",
    "value": 10.0,
    "lower_ci_95": 9.0,
    "upper_ci_95": 11.0,
    "count": 100.0,
    "denominator": 1000.0,
    "value_status_code": "present",
    "is_stale": 0,
    "source_release": "2021-01",
    "source_file": "source/2021-01/a.csv",
    "source_file_sha256": "sha",
    "load_id": "load",
}
ELSEWHERE = {**VALUE, "area_code": "B", "area_name": "Othershire"}
NEXT_PERIOD = {"period_label": "2021", "period_start": dt.date(2021, 1, 1), "period_end": dt.date(2021, 12, 31)}
STATUS = {
    "commitment_id": "promise",
    "title": "A promise",
    "area_code": "A",
    "area_name": "Anyshire",
    "source_id": "source",
    "indicator_id": "one",
    "status_code": "off_track",
    "status_label": "Off track",
    "is_judged": 1,
    "period_label": "2020",
    "period_end": dt.date(2020, 12, 31),
    "actual_value": 10.0,
    "baseline_value": 8.0,
    "comparator_value": None,
    "target_value": 12.0,
    "deadline_state": "before_due",
    "records": None,
    "register": '{"target_value":12.0}',
}


def release(values, statuses=(), as_at=dt.date(2026, 1, 1), release_id="20260101T060000Z-00000001"):
    """Return the snapshots of a release that has these rows."""
    rows = {
        "release": [{"release_id": release_id, "as_at": as_at}],
        "indicator_values": list(values),
        "statuses": list(statuses),
    }
    return {
        name: pl.DataFrame(
            [{column: row.get(column) for column in schema} for row in rows.get(name, [])], schema=schema
        )
        for name, schema in SNAPSHOTS.items()
    }


def diff(old, new, announced=(), filters=None):
    return diff_snapshots(old, new, list(announced), PROJECT, filters)


def changed(old, new, announced=()) -> Any:
    """Return the one value that differs, where another area stands still beside it."""
    old_rows = [ELSEWHERE] if old is None else [ELSEWHERE, {**VALUE, **old}]
    new_rows = [ELSEWHERE] if new is None else [ELSEWHERE, {**VALUE, **new}]
    found = diff(release(old_rows), release(new_rows), announced)
    (counted,) = found.indicators
    assert counted.values == 1
    return found.values[0] if found.values else counted


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ({}, {"value": 10.2}, "revised"),
        ({}, {"upper_ci_95": 12.0}, "revised_limits"),
        ({}, {"count": 101.0}, "revised_limits"),
        ({}, {"denominator": None}, "revised_limits"),
        ({}, {"value": None, "value_status_code": "suppressed"}, "suppressed_now"),
        ({"value": None, "value_status_code": "suppressed"}, {}, "no_longer_suppressed"),
        ({}, {"value": None, "value_status_code": "missing"}, "value_gone"),
        ({"value": None, "value_status_code": "missing"}, {}, "value_found"),
        ({}, {"value_status_code": "estimated"}, "status_changed"),
        (
            {"value": None, "value_status_code": "missing"},
            {"value": None, "value_status_code": "suppressed"},
            "suppressed_now",
        ),
        ({}, None, "withdrawn"),
        (None, {}, "late_addition"),
    ],
)
def test_the_kind_of_a_change(old, new, kind):
    assert changed(old, new).revision_kind == kind


def test_a_later_period_and_an_indicator_are_news_and_no_revisions():
    assert changed(None, NEXT_PERIOD).kind == "new_period"
    assert changed(None, {"indicator_id": "two"}).kind == "new_indicator"
    found = diff(release([VALUE]), release([VALUE, {**VALUE, **NEXT_PERIOD}]))
    assert [(one.kind, one.values) for one in found.indicators] == [("new_period", 1)]
    assert found.values == ()


def test_noise_of_arithmetic_is_no_change():
    found = diff(release([VALUE]), release([{**VALUE, "value": 10.0 + 1e-12}]))
    assert (found.indicators, found.values) == ((), ())


@pytest.mark.parametrize(
    "column", ["area_type", "period_type", "period_start", "sex", "age", "category_type", "category"]
)
def test_every_part_of_the_key_tells_values_apart(column):
    other = {"period_start": dt.date(2018, 1, 1)}.get(column, "another")
    both = [VALUE, {**VALUE, column: other, "value": 50.0}]
    assert diff(release(both), release(both)).values == ()
    found = diff(release(both), release([VALUE, {**both[1], "value": 51.0}])).values
    assert [(one.old_value, one.new_value) for one in found] == [(50.0, 51.0)]


@pytest.mark.parametrize(
    ("old", "new", "cause", "scheduled"),
    [
        ({}, {"value": 11, "source_release": "2022-01", "load_id": "next"}, "new_release", 1),
        ({}, {"value": 11, "source_file_sha256": "other", "load_id": "next"}, "file_replaced", 0),
        ({}, {"value": 11, "correction_id": "c1", "value_status_code": "corrected"}, "correction", 0),
        ({}, {"value": 11, "load_id": "next"}, "declaration", 0),
        ({}, {"value": 11}, "rules", 0),
    ],
)
def test_the_cause_of_a_revision(old, new, cause, scheduled):
    load = new.get("load_id", "load")
    others = {**ELSEWHERE, "load_id": load}
    found = diff(release([ELSEWHERE, {**VALUE, **old}]), release([others, {**VALUE, **new}])).values
    assert [(one.cause, one.is_scheduled) for one in found] == [(cause, scheduled)]


def test_what_is_withdrawn_with_a_new_release_is_scheduled():
    newer = {**ELSEWHERE, "source_release": "2022-01"}
    (gone,) = (one for one in diff(release([VALUE, ELSEWHERE]), release([newer])).values if one.area_code == "A")
    assert (gone.revision_kind, gone.cause, gone.is_scheduled) == ("withdrawn", "new_release", 1)


def test_what_goes_with_its_raw_release_or_source_says_so():
    older = {**VALUE, "source_release": "2019-01"}
    (gone,) = diff(release([older, ELSEWHERE]), release([ELSEWHERE])).values
    assert (gone.cause, gone.is_scheduled) == ("release_withdrawn", 0)
    kept = {**ELSEWHERE, "source_id": "another"}
    (gone,) = diff(release([VALUE, kept]), release([kept])).values
    assert (gone.cause, gone.is_scheduled) == ("source_withdrawn", 0)


@pytest.mark.parametrize(("kind", "scheduled"), [("unscheduled", 0), ("scheduled", 1)])
def test_a_passport_has_the_last_word(kind, scheduled):
    found = changed(
        {}, {"value": 11, "source_release": "2022-01"}, [Announced("source", "2022-01", kind, "An error put right.")]
    )
    assert (found.is_scheduled, found.reason) == (scheduled, "An error put right.")


def test_a_passport_of_an_old_release_explains_nothing_new():
    found = changed({}, {"value": 11}, [Announced("source", "2021-01", "unscheduled", "Long ago.")])
    assert "Long ago" not in found.reason


@pytest.mark.parametrize(
    ("old", "new", "beyond"),
    [(100.0, 105.0, 0), (100.0, 105.1, 1), (100.0, 94.9, 1), (-100.0, -105.1, 1), (0.0, 0.01, 1), (-2.0, 2.0, 1)],
)
def test_five_per_cent(old, new, beyond):
    assert changed({"value": old}, {"value": new}).is_beyond_5_percent == beyond


def test_change_in_per_cent_is_of_the_old_value_without_its_sign():
    assert changed({"value": -10.0}, {"value": -8.0}).change_percent == pytest.approx(20)
    assert changed({"value": 0.0}, {"value": 8.0}).change_percent is None


def test_an_area_is_lost_when_no_value_of_it_is_left():
    blank = {**VALUE, "value": None, "value_status_code": "missing"}
    found = diff(release([VALUE, ELSEWHERE]), release([blank, ELSEWHERE])).areas_lost
    assert [(one.area_code, one.values) for one in found] == [("A", 1)]
    still = {**VALUE, "sex": "Male"}
    assert diff(release([VALUE, still]), release([blank, still])).areas_lost == ()


NEW = {"status_code": "on_track", "status_label": "On track"}
LATER = dt.date(2026, 2, 1)


@pytest.mark.parametrize(
    ("new", "as_at", "cause", "others"),
    [
        ({"register": '{"target_value":9.0}', "target_value": 9.0}, None, "changed_target", None),
        ({"target_value": 9.0}, None, "changed_target", None),
        ({"period_label": "2021", "period_end": dt.date(2021, 12, 31), "actual_value": 12.0}, None, "new_data", None),
        ({"records": "done 2026-01-01"}, None, "new_data", None),
        ({"actual_value": 12.0}, None, "revised_data", None),
        ({"baseline_value": 5.0, "target_value": 9.0}, None, "revised_data", None),
        ({"comparator_value": 5.0, "target_value": 5.0}, None, "revised_data", None),
        ({"period_label": "2019", "period_end": dt.date(2019, 12, 31)}, None, "revised_data", None),
        ({"period_label": None, "period_end": None, "actual_value": None}, None, "revised_data", None),
        ({"deadline_state": "waiting"}, LATER, "time_passed", None),
        ({"deadline_state": "waiting"}, None, "changed_rule", None),
        ({}, LATER, "changed_rule", None),
        ({}, None, "changed_rule", None),
        (
            {
                "register": "{}",
                "period_end": dt.date(2021, 12, 31),
                "baseline_value": 5.0,
                "deadline_state": "answered",
            },
            LATER,
            "changed_target",
            "new_data, revised_data, time_passed",
        ),
    ],
)
def test_the_cause_of_a_status(new, as_at, cause, others):
    old = release([VALUE], [STATUS])
    found = diff(old, release([VALUE], [{**STATUS, **NEW, **new}], as_at or dt.date(2026, 1, 1))).statuses
    assert [(one.cause, one.other_causes) for one in found] == [(cause, others)]


def test_a_status_that_stands_is_no_change_whatever_it_rests_on():
    same = {**STATUS, "actual_value": 11.0, "register": "{}"}
    assert diff(release([VALUE], [STATUS]), release([VALUE], [same])).statuses == ()


def test_commitments_come_and_go():
    other = {**STATUS, "commitment_id": "another"}
    found = diff(release([VALUE], [STATUS]), release([VALUE], [other])).statuses
    assert {(one.commitment_id, one.cause) for one in found} == {("promise", "withdrawn"), ("another", "added")}


def test_a_first_release_revises_nothing():
    empty = release([], [])
    found = diff(empty, release([VALUE], [STATUS]))
    assert (found.values, found.indicators, found.statuses) == ((), (), ())


def _many():
    old = [{**VALUE, "area_code": f"A{i}", "area_name": f"Area {i}"} for i in range(SHOWN + 5)]
    new = [{**row, "value": 100.0} for row in old]
    two = {**VALUE, "indicator_id": "two", "indicator_name": "Measure two", "source_id": "second"}
    other = {**STATUS, "commitment_id": "second", "indicator_id": "two", "source_id": "second"}
    return (
        release([*old, two], [STATUS, other]),
        release([*new, {**two, "value": 30.0}], [{**STATUS, **NEW}, {**other, **NEW}], release_id="new"),
    )


def test_filters():
    old, new = _many()
    found = diff(old, new, filters=DiffFilters(source="second"))
    assert {one.indicator_id for one in found.values} == {"two"}
    assert {one.commitment_id for one in found.statuses} == {"second"}
    found = diff(old, new, filters=DiffFilters(commitment="promise"))
    assert {one.indicator_id for one in found.values} == {"one"}
    assert {one.commitment_id for one in found.statuses} == {"promise"}
    for asked in (DiffFilters(source="sourec"), DiffFilters(commitment="promis")):
        with pytest.raises(OutcomesError, match="Neither release knows"):
            diff(old, new, filters=asked)


def _printed(found):
    text = io.StringIO()
    print_diff(Console(file=text, width=100, no_color=True), found)
    return text.getvalue()


def test_the_page_counts_everything_and_shows_the_largest():
    old, new = _many()
    page = _printed(diff(old, new))
    assert "From 20260101T060000Z-00000001, as at 1 January 2026, 26 values." in page
    assert (
        "Statuses: 2\n  Changed rule: 2\n    promise, Anyshire: Off track → On track; actual 10 (2020) → 10 (2020)"
        in page
    )
    assert (
        "  source: 25 revised (rule or code changed)\n    Measure one (one): 25 revised, 25 by more than 5%\n" in page
    )
    assert "Changed by more than 5%: 26" in page
    assert "Measure one, Area 0, 2020, All ages: 10 → 100 (+900%)" in page
    assert "  and 6 more; --csv lists them." in page
    assert "Areas without any value left: none" in page


def test_the_page_says_when_nothing_differs():
    same = release([VALUE], [STATUS])
    assert _printed(diff(same, same)).endswith("Nothing differs: the same values and the same statuses.\n")


def test_the_table_has_every_row_and_no_formula():
    evil = {**VALUE, "area_name": "=cmd|' /C calc'!A0"}
    old = release([evil, ELSEWHERE], [STATUS])
    new = release([{**evil, "value": -3.5}, {**ELSEWHERE, "value": 12.0}], [{**STATUS, **NEW, "title": "@SUM(1)"}])
    text = diff_csv(diff(old, new))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["what"] for row in rows] == ["status", "value", "value"]
    assert rows[0]["title"] == "'@SUM(1)"
    shown = {row["area_code"]: row for row in rows if row["what"] == "value"}
    assert shown["A"]["area_name"] == "'=cmd|' /C calc'!A0"
    # Numbers stay numbers.
    assert shown["A"]["new_value"] == "-3.5"
    assert text.count("\r\n") == 4
