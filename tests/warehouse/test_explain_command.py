"""``outcomes explain`` over a small published file: what is printed for each type of target, and what does not agree.

That every figure can be computed again is shown for all rows; that a wrong one is found, on doctored copies.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines import cli
from pipelines.report.derivation import read_derivation
from pipelines.report.derivation_checks import check

REPOSITORY = Path(__file__).resolve().parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(published, monkeypatch, capfd) -> Run:
    """Return a function from arguments of ``explain`` to exit code, output in one line, and errors."""

    def call(*arguments: str, warehouse: Path = published.parent) -> tuple[int, str, str]:
        monkeypatch.setenv("OUTCOMES_WAREHOUSE", str(warehouse))
        monkeypatch.setattr(sys, "argv", ["outcomes", "explain", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capfd.readouterr()
        assert max(map(len, said.out.splitlines()), default=0) <= 120
        # A wide cell is wrapped beside others, so that words are compared without the verdict between them.
        words = " ".join(said.out.replace("✓ as in the file", "").split())
        return int(left.value.code or 0), words, said.err

    return call


@pytest.mark.parametrize(
    ("commitment", "words"),
    [
        ("a_falls_fast", "the level as registered = 5"),
        ("percent_change", "baseline 50 x (1 - 20 / 100) = 40"),
        ("percent_change", "Baseline as printed 49"),
        ("absolute_change", "baseline 60 + 5 = 65"),
        ("rise_within_cap", "baseline 100 x (1 + 10 / 100) = 110"),
        ("rise_in_points", "baseline 20 + 2 = 22"),
        ("match_met", "the comparator = 61"),
        ("falls_every_year", "year by year: 10 to 9 right, 9 to 8 right, 8 to 7 right → met"),
        ("stands_still_once", "10 to 9 right, 9 to 9 not right, 9 to 8 right → not met"),
        ("direction_right", "the baseline = 60"),
        ("gap_narrows", "the baseline = 10"),
        ("external_target", "Reason no target value"),
        ("named_without_goal", "No target"),
    ],
)
def test_the_target_of_each_type(run, commitment, words):
    code, out, err = run(commitment)
    assert (code, err) == (0, "")
    assert words in out
    assert "can be computed again agree with the file." in out


@pytest.mark.parametrize(
    ("commitment", "words"),
    [
        # Level.
        ("strict_operator", "90 > 90 → no"),
        ("sure_of_it", "limits: 74 ≥ 70 is true, 82 ≥ 70 is true → met confident"),
        ("better_by_limits", "the comparator 61 against the limits 63 to 67: better → met confident"),
        ("similar_as_printed", "no limits; the publisher prints 'Similar': similar → met"),
        # Change.
        ("a_falls_fast", "no limits: moved 6 the right way; 10% of the distance 13 is 1.3 → improving"),
        ("direction_wrong", "no limits: moved 10 the wrong way; 10% of the baseline 60 is 6 → getting worse"),
        ("gap_narrows", "z = -1 x (7 - 10) / √(((9 - 5) / 3.92)² + ((12 - 8) / 3.92)²) = 2.0789; beyond ±1.6449"),
        ("overlaps_baseline", "the period shares days with the baseline, so no pace is given → none"),
        ("break_fixed_level", "Baseline refused: series break"),
        # Pace and path.
        ("a_falls_fast", "observed (12 - 18) / 9 years = -0.6666666667 a year"),
        ("a_falls_fast", "required (5 - 18) / 15 years = -0.8666666667 a year = 0.7692307692"),
        ("a_falls_fast", "18 + (5 - 18) x 9 / 15 years = 10.2"),
        ("match_not_met", "gap to the comparator: observed (-1 + 2) / 9 years"),
        # Distance.
        ("people_rounded_up", "(62.5 - 60) / 100 x 990, rounded up = 25"),
        ("people_nine", "withheld: fewer than ten people could be on one side → none"),
        # Rule, deadline.
        ("a_falls_fast", "Rule 51 of the status table: Moving at half the required pace or more. → At risk"),
        ("answered_met", "answered by 2022."),
        ("awaiting_data", "Due 31 December 2025: answered by the period that ends on"),
        # Rows.
        ("a_falls_fast", "fingertips/2025-10/values.csv, record "),
        ("a_falls_fast", "Document strategy.txt, line 1"),
        ("added_up_region", "added up here from "),
        ("two_measures", "→ fingertips.close_measure: Close measure, Persons, All ages (shown here)"),
        ("two_measures", "fingertips.stand_in_measure"),
    ],
)
def test_each_step_is_spelled_out(run, commitment, words):
    code, out, _ = run(commitment)
    assert code == 0
    assert words in out


@pytest.mark.parametrize(
    ("commitment", "words"),
    [
        ("action_done", "Due 31 December 2024: done; recorded as done on 31 December 2024. Evidence: minutes."),
        ("action_overdue", "Due 31 December 2024: overdue; recorded as in progress on 1 June 2024."),
        ("action_unknown", "Due 31 December 2027: unknown; no progress record."),
        ("action_permissive", "it permits the action rather than promising it"),
    ],
)
def test_an_action_shows_its_records(run, commitment, words):
    code, out, _ = run(commitment)
    assert code == 0
    assert words in out


def test_versions_are_dated(run):
    _, out, _ = run("percent_change")
    assert "from 1 January 2014 until before 1 January 2016; from 1 January 2016" in out


def test_a_commitment_that_is_no_longer_in_force_has_no_status(run):
    code, out, _ = run("gone_measure")
    assert code == 0
    assert "from 1 January 2016 until before 1 June 2024: no version is in force" in out
    assert "The release has no status for this commitment" in out


def test_a_member_that_stands_for_nothing_is_no_commitment(run):
    code, _, err = run("not_applicable")
    assert code == 1
    assert "There is no commitment 'not_applicable'" in err


def test_a_reason_comes_with_its_sentence(run):
    _, out, _ = run("not_for_this_place")
    assert "Reason no value for area In words The connected sources publish no value for this place" in out
    assert "Data needed not registered" in out


def test_the_group_with_the_worst_status_speaks_unless_another_is_asked_for(run):
    _, out, _ = run("two_sexes")
    assert "▼ Off track" in out.split("Release")[0]
    _, out, _ = run("two_sexes", "--group", "Male, All ages")
    assert "✔ Achieved" in out.split("Release")[0]
    _, out, _ = run("two_measures", "--group", "stand_in")
    assert "→ fingertips.stand_in_measure: Stand in measure, Persons, All ages (shown here)" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a_fals_fast",), "a_falls_fast  A falls fast"),
        (("people rounded",), "people_rounded_up"),
        (("zzzzzz",), "none with an id or a title like it"),
        (("a_falls_fast", "--place", "Traford"), "Did you mean Trafford?"),
        (("two_sexes", "--group", "all ages"), "Several groups fit 'all ages':"),
        (("two_sexes", "--group", "Elderly"), "No group fits 'Elderly'. There are:"),
        (("action_done", "--group", "Male"), "is not measured in groups"),
    ],
)
def test_an_unknown_name_is_one_message_and_exit_code_1(run, arguments, words):
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert words in err


def test_nothing_published(run, tmp_path):
    code, out, _ = run("a_falls_fast", warehouse=tmp_path)
    assert (code, out) == (1, "Nothing is published yet. Run: outcomes refresh")


def test_every_row_can_be_computed_again(published, rows):
    """All commitments, places and groups: whatever is computed here is what the model says."""
    asked = rows("""
        select t.commitment_id, t.area_code,
            case when i.indicator_key > 0
                then concat(i.indicator_id, ': ', i.indicator_name, ', ', g.population_group) end as measure
        from fct_target_vs_actual as t
        inner join dim_indicator as i on t.indicator_key = i.indicator_key
        inner join dim_population_group as g on t.population_group_key = g.population_group_key
        where t.is_scorecard_period = 1 and t.period_key <> -2
    """)
    assert len(asked) > 90
    complaints: list[str] = []
    names: set[str] = set()
    for one in asked:
        steps = check(read_derivation(published, one["commitment_id"], one["area_code"], one["measure"]))
        assert steps, one
        names |= {step.name for step in steps if step.computed is not None}
        complaints += [f"{one['commitment_id']}: {step.complaint}" for step in steps if not step.agrees]
    assert complaints == []
    assert {"target", "level", "change", "pace ratio", "gap in people", "Healthy People", "share of the way"} <= names


@pytest.mark.parametrize(
    ("commitment", "column", "content", "complaint"),
    [
        ("percent_change", "target_value", "41", "target: computed 40, but the file says 41."),
        ("percent_change", "actual_value", "46", "value: computed 45, but the file says 46."),
        ("percent_change", "baseline_value", "51", "baseline: computed 50, but the file says 51."),
        ("percent_change", "pace_ratio", "0.9", "pace ratio: computed 0.8333333333, but the file says 0.9."),
        (
            "percent_change",
            "pace_band",
            "'fast_enough'",
            "pace band: computed too slow, but the file says fast enough.",
        ),
        ("percent_change", "trajectory_value", "null", "computed 44, but the file says none."),
        ("percent_change", "level_code", "'met'", "level: computed not met, but the file says met."),
        ("percent_change", "change_code", "'getting_worse'", "change: computed improving"),
        ("percent_change", "gap_to_target", "6", "gap: computed 5, but the file says 6."),
        ("percent_change", "share_of_distance", "0.6", "share of the way: computed 0.5"),
        ("percent_change", "required_annual_change", "0", "change a year needed from now: computed -0.8333333333"),
        ("percent_change", "observed_annual_change", "0", "change a year since the baseline: computed -0.5555555556"),
        ("percent_change", "deadline_state", "'answered'", "state of the deadline: computed before due"),
        ("percent_change", "healthy_people_category", "'target_met'", "Healthy People: computed improving"),
        ("percent_change", "linear_pace_verdict", "'met'", "linear pace of the SDG Index: computed moderate"),
        ("percent_change", "fingertips_goal_by_value", "'better'", "Fingertips goal, by the value: computed worse"),
        ("percent_change", "assurance_code", "'inconsistent'", "XmR chart"),
        ("percent_change", "is_slipping", "1", "slipping: computed no, but the file says yes."),
        ("gap_narrows", "change_code", "'no_detectable_change'", "change: computed improving"),
        ("people_rounded_up", "gap_in_people", "24", "gap in people: computed 25, but the file says 24."),
        ("match_met", "comparator_value", "60", "comparator: computed 61, but the file says 60."),
        ("people_nine", "gap_in_people", "10", "gap in people: computed none, but the file says 10."),
    ],
)
def test_a_figure_that_does_not_agree_is_said_and_exit_code_1(
    run, published, tmp_path, commitment, column, content, complaint
):
    doctored = tmp_path / "outcomes.duckdb"
    doctored.write_bytes(published.read_bytes())
    with duckdb.connect(str(doctored)) as connection:
        connection.execute(
            f"update fct_target_vs_actual set {column} = {content} where commitment_id = ? and is_scorecard_period = 1",
            [commitment],
        )
    code, out, _ = run(commitment, warehouse=tmp_path)
    assert code == 1
    assert "do not agree with the file:" in out
    assert complaint in out


def test_a_source_row_that_does_not_agree_is_said(run, published, tmp_path):
    doctored = tmp_path / "outcomes.duckdb"
    doctored.write_bytes(published.read_bytes())
    with duckdb.connect(str(doctored)) as connection:
        connection.execute(
            "update fct_indicator_value set value = 44 where indicator_id = 'fingertips.percent_change' and value = 45"
        )
    code, out, _ = run("percent_change", warehouse=tmp_path)
    assert code == 1
    assert "value: computed 44, but the file says 45." in out
