"""A whole fetch: what is asked for, what is filed, and what is left alone."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
import yaml

from pipelines.acquire.fingertips_api import ApiOptions
from pipelines.acquire.landing import land
from pipelines.acquire.live_extracts import LiveResult, fetch_live
from pipelines.acquire.raw_snapshots import find_releases, read_passport, verify
from pipelines.acquire.source_registry import load_source
from pipelines.problems import ConfigurationError
from pipelines.refresh_lock import refresh_lock

DAY = date(2026, 3, 4)
TABLES = "all_data/csv/by_indicator_id"
# Two area types: 91547 at boards, both indicators at upper-tier authorities.
FILES = {"area_type_221_91547.csv", "area_type_502_2_indicators_fa8e8c74.csv"}


@pytest.fixture
def fetch(project, fast) -> Callable[..., LiveResult]:
    def fetch(day: date = DAY, options: ApiOptions = fast, **more) -> LiveResult:
        return fetch_live(project.settings, options, day=day, **more)

    return fetch


def test_what_is_fetched_is_a_release_like_any_other(project, service, fetch):
    result = fetch()
    assert (result.status, result.release_id, result.problems) == ("fetched", "2026-03-04", ())
    assert (result.fetched, result.unchanged, result.is_up_to_date) == ((91547, 93881), (), True)
    (release,) = find_releases(project.settings.raw, "fingertips")
    files = verify(release, load_source(project.settings.sources / "fingertips.yml"))
    assert {file.path.name for file in files} == FILES
    # A date, as in the passports that people write.
    assert "\nretrieved: 2026-03-04\n" in (release.folder / "passport.yml").read_text("utf-8")
    passport = read_passport(release)
    assert (passport.publisher, passport.licence) == (
        "Office for Health Improvement and Disparities",
        "Open Government Licence v3.0",
    )
    assert (passport.retrieved, passport.period_covered) == (DAY, "2021/22 to 2023/24")
    assert {file.file: file.rows for file in passport.files} == dict(zip(sorted(FILES), (6, 16), strict=True))
    assert "91547 (uploaded 2026-02-03T09:30:00)" in passport.selection
    for url in (passport.source_url or "").split():
        assert url.startswith(f"{service.url}{TABLES}?indicator_ids=91547")
        assert "parent_area_type_id=15" in url


def test_every_byte_is_kept_as_received(project, service, fetch):
    fetch()
    filed = (project.settings.raw / "fingertips/2026-03-04/area_type_221_91547.csv").read_bytes()
    assert filed == service.reply_to(TABLES, {"indicator_ids": "91547", "child_area_type_id": "221"}).body


def test_a_fetched_release_can_be_landed(project, fetch, tmp_path):
    fetch()
    source = load_source(project.settings.sources / "fingertips.yml")
    releases = find_releases(project.settings.raw, "fingertips")
    assert land(source, releases, tmp_path / "landed", every_table=False).rows == 6 + 16


@pytest.mark.parametrize("written", ["quoted_with_mark", "compressed", "chunked"])
def test_other_ways_to_write_the_same_table_are_fine(service, fetch, written):
    def quoted(good: bytes) -> bytes:
        records = io.StringIO()
        csv.writer(records, quoting=csv.QUOTE_ALL).writerows(csv.reader(io.StringIO(good.decode())))
        return records.getvalue().replace("Area Name", "AreaName").encode("utf-8-sig")

    ways: dict[str, Callable[[bytes], dict[str, object]]] = {
        "quoted_with_mark": lambda good: {"body": quoted(good)},
        "compressed": lambda good: {"body": gzip.compress(good), "headers": {"Content-Encoding": "gzip"}},
        "chunked": lambda _: {"chunked": True},
    }
    service.always(TABLES, ways[written])
    assert fetch().status == "fetched"


def test_file_names_are_those_of_the_declared_table(project, fetch):
    fetch()
    source = yaml.safe_load((project.settings.sources / "fingertips.yml").read_text("utf-8"))
    folder = project.settings.raw / "fingertips/2026-03-04"
    tables = {one["id"]: {path.name for path in folder.glob(one["file"])} & FILES for one in source["tables"]}
    assert tables.pop("indicator_values") == FILES
    assert not any(tables.values())


def test_nothing_else_is_left_behind(project, fetch):
    fetch()
    assert {path.name for path in (project.settings.raw / "fingertips").iterdir()} == {"2026-03-04"}
    assert {path.name for path in project.settings.warehouse.iterdir()} == {"live_state.json", ".refresh.lock", "live"}
    assert list((project.settings.warehouse / "live").iterdir()) == []


def test_unchanged_indicators_are_not_fetched(project, service, fetch):
    fetch()
    before, asked = project.tree, service.count(TABLES)
    result = fetch(date(2026, 3, 5))
    assert (result.status, result.release_id, result.unchanged) == ("unchanged", None, (91547, 93881))
    assert service.count(TABLES) == asked
    assert project.tree == before


def test_only_the_indicator_that_changed_is_fetched(project, service, fetch):
    fetch()
    service.asked.clear()
    service.stamps["93881"] = "2026-03-05T10:00:00"
    result = fetch(date(2026, 3, 5))
    assert (result.status, result.fetched, result.unchanged) == ("fetched", (93881,), (91547,))
    assert [query["indicator_ids"] for path, query, _ in service.asked if path == TABLES] == ["93881"]
    assert project.releases == ["2026-03-04", "2026-03-05"]


def test_an_indicator_wanted_at_another_area_type_is_fetched_again(project, service, fetch):
    fetch()
    project.measure({"91547": ["E54000060", "E06000018"], "93881": ["E08000032", "E12000004"]})
    result = fetch(date(2026, 3, 5))
    assert result.fetched == (93881,)
    assert "area_type_6_93881.csv" in {name.rpartition("/")[2] for name in project.tree}


def test_an_indicator_whose_release_was_removed_is_fetched_again(project, fetch):
    fetch()
    (project.settings.raw / "fingertips/2026-03-04").rename(project.settings.project / "away")
    assert fetch().status == "fetched"


def test_identical_bytes_make_no_second_release(project, service, fetch):
    fetch()
    before = project.tree
    service.stamps = {"91547": "2026-03-05T10:00:00", "93881": "2026-03-05T10:00:00"}
    result = fetch(date(2026, 3, 6))
    assert service.count(TABLES) == 4
    assert (result.status, result.release_id) == ("unchanged", None)
    assert project.tree == before
    # The stamps are remembered, so that the same answers are not fetched every day.
    fetch(date(2026, 3, 7))
    assert service.count(TABLES) == 4


def test_a_lost_warehouse_does_not_file_the_same_again(project, service, fetch):
    fetch()
    before = project.tree
    (project.settings.warehouse / "live_state.json").write_text("{broken", "utf-8")
    assert fetch(date(2026, 3, 5)).status == "unchanged"
    assert project.tree == before


def test_two_releases_of_a_day_stay_apart(project, service, fetch):
    fetch()
    before = project.tree
    service.stamps["93881"] = "2026-03-04T18:00:00"
    assert fetch().release_id == "2026-03-04-02"
    assert project.tree.items() > before.items()


def test_without_a_stamp_in_the_metadata_the_data_changes_are_asked(project, service, fetch):
    service.next("indicator_metadata", lambda _: {"body": b'{"91547": {"IID": 91547}, "93881": {"DataChange": null}}'})
    fetch()
    assert service.count("data_changes") == 2
    assert fetch(date(2026, 3, 5)).unchanged == (91547, 93881)
    assert service.count(TABLES) == 2


def test_data_that_nobody_dates_are_fetched_every_time(project, service, fetch):
    service.stamps = {"91547": None, "93881": None}
    assert fetch().status == "fetched"
    assert fetch(date(2026, 3, 5)).status == "unchanged"
    assert service.count(TABLES) == 4


def test_what_is_not_published_at_an_area_type_is_said_and_not_asked(project, service, fetch):
    service.levels["91547"] = {502, 15}
    result = fetch()
    assert (result.status, result.not_published) == ("fetched", ("91547 at ICBs (221)",))
    assert [query["child_area_type_id"] for path, query, _ in service.asked if path == TABLES] == ["502"]
    # That it is published nowhere else is remembered too.
    assert fetch(date(2026, 3, 5)).unchanged == (91547, 93881)


def test_after_an_interruption_only_the_rest_is_asked_for(project, service, fetch):
    project.measure({"91547": ["E54000060", "E06000018", "E12000004", "E07000170"]})

    def interrupted(line: str) -> None:
        if line.startswith("3 of 4"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(report=interrupted)
    assert (service.count(TABLES), project.releases) == (2, [])
    result = fetch()
    assert (service.count(TABLES), result.status) == (4, "fetched")
    levels = [query["child_area_type_id"] for path, query, _ in service.asked if path == TABLES]
    assert levels == ["6", "221", "501", "502"]
    (release,) = find_releases(project.settings.raw, "fingertips")
    assert len(read_passport(release).files) == 4


@pytest.mark.parametrize("fault", ["uploaded_since", "damaged", "without_record"])
def test_a_kept_answer_that_cannot_be_trusted_is_asked_for_again(project, service, fetch, fault):
    service.next(TABLES, lambda good: {}, lambda _: {"body": b""})
    assert fetch().status == "failed"
    kept = project.settings.warehouse / "live/fingertips/area_type_221_91547.csv"
    if fault == "uploaded_since":
        service.stamps["91547"] = "2026-03-05T10:00:00"
    elif fault == "damaged":
        kept.write_bytes(kept.read_bytes()[:-1])
    else:
        kept.with_suffix(".json").unlink()
    assert fetch().status == "fetched"
    assert service.count(TABLES) == 4


def test_an_undated_answer_of_another_day_is_asked_for_again(service, fetch):
    service.stamps = {"91547": None, "93881": None}
    service.next(TABLES, lambda good: {}, lambda _: {"body": b""})
    assert fetch().status == "failed"
    assert fetch(date(2026, 3, 5)).status == "fetched"
    assert service.count(TABLES) == 4


def test_what_a_crash_left_half_filed_is_not_filed(project, fetch):
    crashed = project.settings.raw / "fingertips/.incoming"
    crashed.mkdir(parents=True)
    (crashed / "area_type_502_1.csv").write_text("half", "utf-8")
    fetch()
    assert {name.rpartition("/")[2] for name in project.tree} == FILES | {"passport.yml"}


def test_one_refused_answer_does_not_stop_the_others(project, service, fetch):
    service.next(TABLES, lambda _: {"body": b""})
    result = fetch()
    assert (result.status, len(result.problems), project.releases) == ("failed", 1, [])
    assert service.count(TABLES) == 2
    assert fetch().status == "fetched"
    assert service.count(TABLES) == 3


def test_more_than_a_hundred_indicators_are_asked_in_two_calls(project, service, fetch):
    ids = [str(number) for number in range(90001, 90102)]
    project.declare(ids)
    project.measure({one: ["E06000018"] for one in ids})
    assert len(fetch().fetched) == 101
    for path in ("indicator_metadata", TABLES):
        sizes = [len(query["indicator_ids"].split(",")) for one, query, _ in service.asked if one.startswith(path)]
        assert sizes == [100, 1]


def test_requests_keep_their_distance(service, fetch, fast):
    fetch(options=replace(fast, seconds_between_requests=0.1))
    times = [when for _, _, when in service.asked]
    # Metadata, two lists of area types, two tables. A slow first arrival may shorten one gap, never their sum.
    assert len(times) == 5
    assert times[-1] - times[0] > 0.35
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.05


def test_nothing_wanted_asks_nothing(project, service, fetch):
    project.measure({})
    assert fetch().status == "unchanged"
    assert service.asked == []


def test_what_nobody_can_ask_for_is_said(project, fetch):
    project.measure({"41001": ["E06000018"], "91547": ["E05000001", "E06000018"]})
    result = fetch()
    assert result.fetched == (91547,)
    assert [sentence.split()[:2] for sentence in result.not_asked] == [["Indicator", "41001"], ["E05000001", "is"]]


def test_a_project_without_the_source_cannot_fetch(project, fetch):
    source = project.settings.sources / "fingertips.yml"
    other = source.read_text("utf-8").replace("id: fingertips\n", "id: other\n")
    source.unlink()
    (project.settings.sources / "other.yml").write_text(other, "utf-8")
    with pytest.raises(ConfigurationError, match="no source 'fingertips'"):
        fetch()


def test_the_lock_of_a_refresh_is_taken(project, service, fetch):
    with refresh_lock(project.settings):
        assert fetch().status == "fetched"


def test_a_filed_file_has_the_hash_of_its_passport(project, fetch):
    fetch()
    (release,) = find_releases(project.settings.raw, "fingertips")
    for file in read_passport(release).files:
        assert hashlib.sha256((release.folder / file.file).read_bytes()).hexdigest() == file.sha256
