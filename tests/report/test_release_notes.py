"""The notes of a release as a page for a board."""

from __future__ import annotations

import datetime as dt

from pipelines.report.release_notes import HEADINGS, SHOWN, Note, notes_markdown

DAY = dt.date(2026, 3, 1)
BEFORE = "20260101T060000Z-00000001"


def note(section, sentence="Something.", count=None):
    return Note(section, count, sentence, BEFORE)


def test_headline_numbers_and_every_heading():
    page = notes_markdown(
        "new",
        DAY,
        [
            note("status_changed"),
            note("changed_beyond_5_percent", count=1200),
            note("changed_beyond_5_percent", count=34),
            note("new_period", count=7),
        ],
    )
    assert page.startswith(
        "# What is new as at 1 March 2026\n\nCommitments: 1 with another status. Figures: 1,234 changed"
    )
    assert "none revised in another way, 7 new, none removed." in page
    assert f"Release new, compared with release {BEFORE}." in page
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == [one.title for one in HEADINGS]
    # Six headings have nothing to say, and say so.
    assert page.count("\nNone.\n") == len(HEADINGS) - 3


def test_a_first_release_and_an_unchanged_one_are_one_sentence():
    for section in ("first_release", "nothing_changed"):
        page = notes_markdown("new", DAY, [Note(section, 0, "As it is.", None)])
        assert "\nAs it is.\n" in page
        assert "##" not in page


def test_no_item_is_dropped_in_silence():
    page = notes_markdown("new", DAY, [note("area_lost", f"Place {i}.") for i in range(SHOWN + 3)])
    assert page.count("\n- Place ") == SHOWN
    assert "- And 3 more; the table release_note lists them all." in page


def test_names_of_others_are_no_markup():
    page = notes_markdown("new", DAY, [note("area_lost", "A\n# [click](http://x) <b>")])
    assert "- A \\# \\[click\\](http://x) \\<b\\>\n" in page


def test_every_section_of_the_table_has_a_heading():
    told = {section for heading in HEADINGS for section in heading.sections} | {"first_release", "nothing_changed"}
    described = (
        "first_release, nothing_changed, approved_change, status_changed, changed_beyond_5_percent, revised, "
        "presence_changed, new_period, late_addition, indicator_added, indicator_removed, values_removed, area_lost, "
        "commitment_added, commitment_withdrawn, source_blocked, source_stale"
    )
    assert told == set(described.split(", "))
