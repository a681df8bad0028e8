"""Which changes between two releases block, and the approval that lets exactly one of them through."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.acquire.source_registry import Gate
from pipelines.check.approvals import (
    NotApproved,
    PendingChange,
    approve,
    forget_pending,
    read_approvals,
    read_pending,
    write_pending,
)
from pipelines.check.release_comparison import RULES, SourceChange, comparison_checks, findings
from pipelines.problems import OutcomesError
from pipelines.settings import Settings

NOW = dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC)
REASON = "The publisher moved to the new population estimates."
STILL = SourceChange(
    source_id="source",
    change_id="source-0123456789abcdef",
    previous_release_id="before",
    values_before=1000,
    values_compared=1000,
    values_beyond=0,
    values_lost=0,
    areas_before=100,
    areas_lost=0,
    area_lost=None,
    statuses_before=20,
    statuses_changed=0,
    approved_by=None,
)


def broken(**counts):
    return [one.check_id for one in findings(dataclasses.replace(STILL, **counts), Gate())]


@pytest.mark.parametrize(
    ("counts", "rules"),
    [
        ({}, []),
        ({"values_beyond": 200}, []),
        ({"values_beyond": 201}, ["values_changed"]),
        ({"values_lost": 100}, []),
        ({"values_lost": 101}, ["values_lost"]),
        ({"areas_lost": 5, "values_lost": 50}, []),
        ({"areas_lost": 6, "values_lost": 50}, ["areas_lost"]),
        ({"statuses_changed": 5}, []),
        ({"statuses_changed": 6}, ["statuses_changed"]),
        # Everything times ten, and a file that ends half-way.
        ({"values_beyond": 1000}, ["values_changed"]),
        ({"values_lost": 500, "areas_lost": 50, "values_compared": 500}, ["values_lost", "areas_lost"]),
    ],
)
def test_shares(counts, rules):
    assert broken(**counts) == rules


@pytest.mark.parametrize(
    ("counts", "rules"),
    [
        ({"values_compared": 9, "values_beyond": 9}, []),
        ({"values_compared": 10, "values_beyond": 10}, ["values_changed"]),
        ({"values_before": 9, "values_lost": 9, "areas_before": 1, "areas_lost": 1}, []),
        ({"statuses_before": 2, "statuses_changed": 2}, []),
        ({"statuses_before": 3, "statuses_changed": 3}, ["statuses_changed"]),
    ],
)
def test_one_figure_of_a_small_source_does_not_block(counts, rules):
    assert broken(**counts) == rules


def test_a_source_sets_its_own_limits():
    changed = dataclasses.replace(STILL, values_beyond=300)
    assert findings(changed, Gate())
    assert not findings(changed, Gate(max_changed_share=0.3))
    assert not findings(changed, Gate(min_values=301))


def test_the_sentence_has_the_numbers():
    (one, two) = findings(dataclasses.replace(STILL, areas_lost=50, values_lost=500, area_lost="Anyshire"), Gate())
    assert one.sentence == "source: 500 of 1,000 values of the release before are gone (50%; up to 10% may)"
    assert two.sentence == "source: 50 of 100 areas have no value left (50%; up to 5% may), such as Anyshire"


def test_an_approved_change_is_found_and_does_not_block():
    (one,) = findings(dataclasses.replace(STILL, values_beyond=1000, approved_by="lead"), Gate())
    assert not one.blocks
    (one,) = findings(dataclasses.replace(STILL, values_beyond=1000), Gate())
    assert one.blocks


def test_every_rule_is_in_the_index_of_intended_checks():
    assert [one.check_id for one in comparison_checks()] == [f"release_comparison.{rule.check_id}" for rule in RULES]
    assert {one.severity for one in comparison_checks()} == {"critical"}


# --- approvals --------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path):
    return Settings(project=tmp_path, warehouse=tmp_path / "warehouse")


def pending(settings, change_id="source-0123456789abcdef", hour=6):
    change = PendingChange(
        change_id=change_id,
        source_id=change_id.split("-")[0],
        previous_release_id="before",
        summary="source: 500 of 1,000 values are gone",
        findings=("one", "two"),
        examples=("Anyshire, 2020: 10 before, none now",),
        seen_at=NOW.replace(hour=hour),
    )
    write_pending(settings, change)
    return change


def test_an_approval_is_kept_read_only_and_takes_the_change_off_the_list(settings):
    change = pending(settings)
    other = pending(settings, "second-0123456789abcdef", hour=7)
    assert read_pending(settings) == [other, change]
    given = approve(settings, change.change_id, f"  {REASON}\n", "intelligence lead", NOW)
    assert (given.reason, given.approved_by, given.summary) == (REASON, "intelligence lead", change.summary)
    assert read_approvals(settings) == [given]
    assert read_pending(settings) == [other]
    path = settings.history / "approvals" / f"{change.change_id}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert json.loads(path.read_text(encoding="utf-8"))["approved_at"] == "2026-03-01T06:00:00+00:00"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("reason", ["", "   ", "ok", "fine by me", "ok ok ok", "1234 5678 9012 3456", "approved"])
def test_a_reason_that_says_nothing_is_refused(settings, reason):
    change = pending(settings)
    with pytest.raises(NotApproved, match="says too little"):
        approve(settings, change.change_id, reason, "lead", NOW)
    assert read_approvals(settings) == []


def test_somebody_has_to_approve(settings):
    change = pending(settings)
    with pytest.raises(NotApproved, match="in which role"):
        approve(settings, change.change_id, REASON, " ", NOW)


@pytest.mark.parametrize("change_id", ["source-ffffffffffffffff", "../../etc/passwd", "", "source"])
def test_an_unknown_change_is_refused(settings, change_id):
    pending(settings)
    with pytest.raises(NotApproved, match=r"Waiting: source-0123456789abcdef\."):
        approve(settings, change_id, REASON, "lead", NOW)
    assert read_approvals(settings) == []


@pytest.mark.parametrize("change_id", ["../escape", "Source-0123456789abcdef", "source-0123"])
def test_a_change_cannot_name_a_file_elsewhere(settings, change_id):
    with pytest.raises(NotApproved, match="not the name of a change"):
        pending(settings, change_id)


def test_an_approval_is_given_once(settings):
    change = pending(settings)
    approve(settings, change.change_id, REASON, "lead", NOW)
    with pytest.raises(NotApproved, match=r"approved on 01 March 2026 by lead: The publisher moved"):
        approve(settings, change.change_id, "Another reason for the same.", "director", NOW)
    assert read_approvals(settings)[0].approved_by == "lead"


def test_of_two_approvals_at_once_one_stands(settings):
    change = pending(settings)

    def try_it(number):
        try:
            return approve(settings, change.change_id, REASON, f"person {'ab'[number]}", NOW)
        except NotApproved:
            return None

    with ThreadPoolExecutor(2) as pool:
        given = [one for one in pool.map(try_it, range(2)) if one]
    assert len(given) == 1
    assert read_approvals(settings) == given


def test_a_change_that_no_longer_blocks_cannot_be_approved(settings):
    change = pending(settings)
    other = pending(settings, "second-0123456789abcdef")
    forget_pending(settings, {other.change_id})
    assert read_pending(settings) == [other]
    with pytest.raises(NotApproved, match="Waiting: second-0123456789abcdef"):
        approve(settings, change.change_id, REASON, "lead", NOW)


def test_a_file_that_is_no_approval_is_named(settings):
    folder = settings.history / "approvals"
    folder.mkdir(parents=True)
    (folder / "source-0123456789abcdef.json").write_text('{"reason": "forged"}', encoding="utf-8")
    with pytest.raises(OutcomesError, match=r"source-0123456789abcdef\.json in .* is no approval"):
        read_approvals(settings)


def test_an_approval_under_the_name_of_another_change_counts_for_nothing(settings):
    change = pending(settings)
    approve(settings, change.change_id, REASON, "lead", NOW)
    folder = settings.history / "approvals"
    (folder / f"{change.change_id}.json").rename(folder / "source-ffffffffffffffff.json")
    with pytest.raises(OutcomesError, match="names change source-0123456789abcdef"):
        read_approvals(settings)
