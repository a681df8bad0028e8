"""What is asked of Fingertips, from the register and the declarations alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.acquire.fingertips_wanted import (
    AREA_LEVELS,
    INDICATORS_A_CALL,
    Question,
    Wanted,
    batches,
    questions,
    wanted_list,
)
from pipelines.acquire.source_registry import Source, load_source

AREAS = [
    {"area_code": code, "area_type": area_type}
    for code, area_type in (
        ("E92000001", "england"),
        ("E54000060", "icb"),
        ("E06000018", "unitary_authority"),
        ("E07000170", "district"),
        ("E05000001", "ward"),
        ("E08000001", "unitary_authority"),
        ("E08000001", "district"),
    )
]


@pytest.fixture(scope="module")
def declared(small_project: Path) -> Source:
    return load_source(small_project / "pipelines/acquire/sources/fingertips.yml")


def wanted(declared: Source, measures: dict[str, str], places: dict[str, list[str]]) -> Wanted:
    """Derive what is wanted of commitments: their indicator, and their places."""
    named = declared.indicators[0].model_copy(update={"id": "other.smoking", "fingertips_id": 91547})
    beyond = declared.indicators[0].model_copy(update={"id": "other.suicide", "fingertips_id": 41001})
    unrelated = declared.indicators[0].model_copy(update={"id": "other.local", "fingertips_id": None})
    other = declared.model_copy(update={"id": "other", "indicators": (named, beyond, unrelated)})
    return wanted_list(
        [{"commitment_id": key, "indicator_id": indicator} for key, indicator in measures.items()],
        [{"commitment_id": key, "area_code": code} for key, codes in places.items() for code in codes],
        AREAS,
        {"fingertips": declared, "other": other},
        "fingertips",
    )


def test_an_indicator_is_wanted_at_the_area_types_of_its_own_places(declared):
    found = wanted(declared, {"a": "91547", "b": "93881"}, {"a": ["E54000060", "E06000018"], "b": ["E07000170"]})
    assert found == Wanted(frozenset({(91547, 221), (91547, 502), (93881, 501)}))
    assert (found.indicators, found.area_types_of(91547)) == ((91547, 93881), {221, 502})


def test_an_indicator_under_another_name_is_wanted_by_its_number(declared):
    assert wanted(declared, {"a": "other.smoking"}, {"a": ["E54000060"]}).pairs == {(91547, 221)}


def test_an_indicator_that_could_not_be_gated_is_named(declared):
    found = wanted(declared, {"a": "other.suicide", "b": "99999"}, {"a": ["E54000060"], "b": ["E54000060"]})
    assert found == Wanted(frozenset(), undeclared=(41001, 99999))


@pytest.mark.parametrize(("indicator", "places"), [("other.local", ["E54000060"]), ("91547", [])])
def test_what_is_not_of_fingertips_or_of_no_place_is_not_wanted(declared, indicator, places):
    assert wanted(declared, {"a": indicator}, {"a": places}) == Wanted(frozenset())


def test_england_is_asked_for_only_where_it_does_not_come_along(declared):
    found = wanted(declared, {"a": "91547", "b": "93881"}, {"a": ["E92000001"], "b": ["E92000001", "E54000060"]})
    assert found.pairs == {(91547, 15), (93881, 221)}


def test_a_place_without_an_area_type_of_the_service_is_named(declared):
    found = wanted(declared, {"a": "91547"}, {"a": ["E05000001", "E09999999", "E54000060"]})
    assert (found.pairs, found.without_level) == ({(91547, 221)}, ("E05000001", "E09999999"))


def test_a_code_of_two_area_types_is_wanted_at_both(declared):
    assert wanted(declared, {"a": "91547"}, {"a": ["E08000001"]}).pairs == {(91547, 501), (91547, 502)}


def test_an_area_type_belongs_to_one_level():
    area_types = [one for level in AREA_LEVELS for one in level.area_types]
    assert len(area_types) == len(set(area_types))
    assert len({level.area_type_id for level in AREA_LEVELS}) == len(AREA_LEVELS)


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_calls_hold_a_hundred_indicators_at_most(count, sizes):
    ids = list(range(1, count + 1))
    assert [len(batch) for batch in batches(ids)] == sizes
    assert [one for batch in batches(ids) for one in batch] == ids
    assert [len(one.indicators) for one in questions({(id_, 502) for id_ in ids})] == sizes
    assert INDICATORS_A_CALL == 100


def test_a_question_keeps_its_file_name_and_shares_it_with_no_other():
    asked = [
        Question(502, (1, 2)),
        Question(502, (1, 3)),
        Question(221, (1, 2)),
        Question(502, (1,)),
        Question(502, (12,)),
    ]
    assert len({one.file_name for one in asked}) == len(asked)
    assert Question(502, (1,)).file_name == "area_type_502_1.csv"
    assert str(Question(502, (1, 2))) == "1, 2 at Counties & UAs (from Apr 2023) (502)"
