"""What a person typed, matched with what the file knows, and what is said when it is not there."""

from __future__ import annotations

import pytest

from pipelines.report.names import Place, UnknownName, close, match_code, match_place

PLACES = [
    Place("E06000018", "Nottingham", 1),
    Place("E10000024", "Nottinghamshire", 1),
    Place("E07000170", "Ashfield", 0),
    Place("W1", "Old Trafford", 0),
    Place("W2", "Old Trafford", 0),
]


@pytest.mark.parametrize("asked", ["on_track", "ON_TRACK", " on_track "])
def test_a_code_is_found_whatever_its_case(asked):
    assert match_code(asked, ["off_track", "on_track"], "status") == "on_track"


def test_an_unknown_code_names_those_there_are():
    with pytest.raises(UnknownName) as error:
        match_code("offtrack", ["off_track", "missed"], "status")
    assert str(error.value) == "There is no status 'offtrack'. Did you mean off_track? Known: off_track, missed."
    with pytest.raises(UnknownName, match=r"There is no status 'zzz'\. Known: off_track, missed\."):
        match_code("zzz", ["off_track", "missed"], "status")


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("nottingham", ("E06000018",)),
        ("e10000024", ("E10000024",)),
        ("Old Trafford", ("W1", "W2")),
    ],
)
def test_a_place_is_found_by_code_or_whole_name(asked, codes):
    assert match_place(asked, PLACES) == codes


def test_an_unknown_place_names_close_ones_or_those_that_signed():
    with pytest.raises(UnknownName, match="Did you mean Nottingham or Nottinghamshire"):
        match_place("Notingham", PLACES)
    with pytest.raises(UnknownName) as error:
        match_place("Bath", PLACES)
    assert "Places that signed: Nottingham (E06000018), Nottinghamshire (E10000024)." in str(error.value)
    assert "Ashfield" not in str(error.value)


def test_close_names_are_alike_or_hold_all_words():
    known = ["notts-prev-smoking-5pct-2035", "notts-prev-alcohol", "traf-smoking"]
    assert close("notts-prev-smoking-5pct-2053", known)[0] == known[0]
    assert close("smoking", known) == ["traf-smoking", "notts-prev-smoking-5pct-2035"]
    assert close("", known) == []
    assert len(close("smoking", [f"smoking-{i}" for i in range(99)])) == 8
