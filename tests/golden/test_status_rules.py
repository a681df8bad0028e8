"""The rule table from level, change, pace and deadline to one status, as a table: complete, without dead rules, right.

The model that applies the rules is run over every combination of its inputs. How a row comes by its level, change and
pace is shown by the tests of those methods and by ``tests/warehouse``.
"""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest

SEEDS = Path(__file__).resolve().parents[2] / "data" / "seeds"

AXES = {
    "target_family": ("level", "cap", "comparator", "direction", "sequence"),
    "deadline_state": ("no_due_date", "before_due", "due_awaiting_data", "answered"),
    "level_code": ("met_confident", "met", "not_distinguishable", "not_met", "not_met_confident"),
    "point_meets_target": (0, 1),
    "is_slipping": (0, 1),
    "needs_confidence": (0, 1),
    "change_code": ("improving", "no_detectable_change", "getting_worse", "baseline_only"),
    "pace_band": ("fast_enough", "too_slow", "far_too_slow", "wrong_way", "no_pace"),
}
CELLS = list(itertools.product(*AXES.values()))
RULE_TYPES = {
    "rule_order": "integer",
    **dict.fromkeys(AXES, "varchar"),
    "point_meets_target": "smallint",
    "is_slipping": "smallint",
    "needs_confidence": "smallint",
    "status_code": "varchar",
    "why": "varchar",
}

# family, deadline, level, point meets, slipping, needs confidence, change, pace -> status
NAMED = """
level      answered          met_confident       1 0 0 improving            fast_enough  -> achieved
level      answered          met                 1 0 0 no_detectable_change no_pace      -> achieved
level      answered          met                 1 1 0 getting_worse        no_pace      -> achieved
level      answered          not_distinguishable 1 0 0 improving            fast_enough  -> achieved
level      answered          not_distinguishable 0 0 0 improving            too_slow     -> missed
level      answered          not_met             0 0 0 improving            far_too_slow -> missed
level      answered          not_met_confident   0 0 0 improving            fast_enough  -> missed
cap        answered          met                 1 0 0 no_detectable_change no_pace      -> achieved
cap        answered          not_met             0 0 0 getting_worse        no_pace      -> missed
comparator answered          met                 0 0 0 improving            too_slow     -> achieved
comparator answered          not_met             1 0 0 improving            fast_enough  -> missed
direction  answered          met                 1 0 0 improving            no_pace      -> achieved
direction  answered          not_met             0 0 0 no_detectable_change no_pace      -> missed
direction  before_due        met                 1 0 0 improving            no_pace      -> on_track
direction  before_due        met                 1 0 0 no_detectable_change no_pace      -> on_track
direction  no_due_date       met                 1 0 0 improving            no_pace      -> on_track
direction  before_due        not_met             0 1 0 getting_worse        no_pace      -> off_track
direction  before_due        not_met             0 1 0 no_detectable_change no_pace      -> at_risk
sequence   before_due        met                 1 0 0 improving            no_pace      -> on_track
sequence   before_due        not_met             1 0 0 improving            no_pace      -> at_risk
sequence   before_due        not_met             0 1 0 getting_worse        no_pace      -> off_track
sequence   answered          not_met             1 0 0 improving            no_pace      -> missed
level      before_due        met                 1 1 0 no_detectable_change no_pace      -> achieved_but_slipping
level      before_due        met_confident       1 1 0 getting_worse        wrong_way    -> achieved_but_slipping
level      before_due        not_distinguishable 1 1 0 getting_worse        wrong_way    -> achieved_but_slipping
level      before_due        met_confident       1 0 0 improving            fast_enough  -> achieved
level      before_due        met                 1 0 0 improving            fast_enough  -> achieved
level      no_due_date       met                 1 0 0 baseline_only        no_pace      -> achieved
level      before_due        not_distinguishable 1 0 0 improving            fast_enough  -> on_track
level      before_due        not_distinguishable 0 0 0 no_detectable_change too_slow     -> at_risk
level      before_due        not_met             0 0 0 improving            fast_enough  -> on_track
level      before_due        not_met             0 0 0 improving            too_slow     -> at_risk
level      before_due        not_met             0 0 0 no_detectable_change far_too_slow -> off_track
level      before_due        not_met             0 1 0 getting_worse        wrong_way    -> off_track
level      before_due        not_met_confident   0 0 0 improving            too_slow     -> at_risk
level      no_due_date       not_met             0 1 0 getting_worse        no_pace      -> off_track
level      no_due_date       not_met             0 0 0 improving            no_pace      -> at_risk
level      before_due        not_met             0 0 0 baseline_only        no_pace      -> at_risk
level      due_awaiting_data met                 1 0 0 improving            fast_enough  -> achieved
level      due_awaiting_data not_met             0 0 0 improving            too_slow     -> at_risk
level      due_awaiting_data not_met             0 0 0 improving            far_too_slow -> off_track
cap        before_due        met                 1 0 0 improving            no_pace      -> achieved
cap        before_due        not_distinguishable 0 0 0 getting_worse        no_pace      -> at_risk
cap        before_due        not_distinguishable 1 0 0 improving            no_pace      -> on_track
cap        before_due        not_met             0 0 0 no_detectable_change no_pace      -> off_track
cap        before_due        not_met_confident   0 0 0 getting_worse        no_pace      -> off_track
comparator before_due        met                 0 0 0 no_detectable_change no_pace      -> achieved
comparator before_due        not_met             1 0 0 no_detectable_change fast_enough  -> on_track
comparator before_due        not_met             1 0 0 no_detectable_change no_pace      -> at_risk
comparator before_due        not_met_confident   0 1 0 getting_worse        too_slow     -> at_risk
comparator before_due        not_met_confident   0 0 0 improving            wrong_way    -> off_track
level      answered          met_confident       1 0 1 improving            fast_enough  -> achieved
level      answered          not_distinguishable 1 0 1 improving            fast_enough  -> missed
level      answered          not_distinguishable 0 0 1 improving            too_slow     -> missed
level      answered          not_met_confident   0 0 1 improving            too_slow     -> missed
level      before_due        met_confident       1 0 1 improving            fast_enough  -> achieved
level      before_due        not_distinguishable 1 0 1 improving            fast_enough  -> on_track
level      before_due        not_distinguishable 1 1 1 getting_worse        no_pace      -> achieved_but_slipping
level      before_due        not_distinguishable 0 0 1 improving            too_slow     -> at_risk
level      due_awaiting_data not_distinguishable 1 0 1 improving            fast_enough  -> on_track
level      no_due_date       not_distinguishable 1 0 1 improving            no_pace      -> on_track
cap        answered          not_distinguishable 1 0 0 no_detectable_change no_pace      -> achieved
cap        answered          not_distinguishable 1 0 1 no_detectable_change no_pace      -> missed
cap        before_due        not_distinguishable 1 0 1 no_detectable_change no_pace      -> on_track
"""


@pytest.fixture(scope="module")
def rules():
    with (SEEDS / "status_rules.csv").open(encoding="utf-8", newline="") as file:
        return [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def decide(methods):
    """Return a function from rules to the status and the rule that decides, for each cell of the grid."""
    columns = {
        **dict.fromkeys(
            ("commitment_id", "area_code", "indicator_id", "sex", "age", "category_type", "category"), "varchar"
        ),
        "period_end": "date",
        "target_type": "varchar",
        "not_assessable_reason": "varchar",
        **{axis: RULE_TYPES[axis] for axis in AXES},
    }
    methods.table("int_commitment_values__assessed", columns, [])
    methods.connection.execute(f"""
        insert into int_commitment_values__assessed by name
        select
            row_number() over () as commitment_id,
            'a' as area_code, 'i' as indicator_id, 's' as sex, 'g' as age, 't' as category_type, 'c' as category,
            date '2024-12-31' as period_end, 'absolute_level' as target_type, *
        from {" cross join ".join(f"unnest({list(values)}) as {axis}({axis})" for axis, values in AXES.items())}
    """)
    sql = methods.model("intermediate/int_commitment_values__judged.sql")
    axes = ", ".join(AXES)

    def run(rules):
        methods.table("status_rules", RULE_TYPES, rules)
        found = methods.connection.execute(f"select {axes}, status_code, status_rule_why from ({sql})").fetchall()
        assert len(found) == len(CELLS)
        return {tuple(row[:-2]): (row[-2], row[-1]) for row in found}

    return run


@pytest.fixture(scope="module")
def decided(decide, rules):
    return decide(rules)


def can_happen(cell):
    """Say whether the assessment can produce a cell, by the definitions of its columns."""
    family, _, level, point, slipping, needs_confidence, change, pace = cell
    if family in ("level", "cap"):
        # A level that is not about a comparator's interval follows the figure, unless limits straddle the target.
        consistent = level == "not_distinguishable" or point == level.startswith("met")
    elif family == "direction":
        consistent = level in ("met", "not_met") and point == (level == "met")
    elif family == "sequence":
        # A sustained fall can be broken although the figure is below its baseline; never the other way round.
        consistent = level in ("met", "not_met") and point >= (level == "met")
    else:
        consistent = not (level == "met_confident" and point == 0) and not (level == "not_met_confident" and point == 1)
    has_path = family in ("level", "comparator")
    right_way_pace = pace in ("fast_enough", "too_slow", "far_too_slow")
    # It is asked of levels, and without limits there is no level to judge.
    has_limits = level in ("met_confident", "not_distinguishable", "not_met_confident")
    return (
        consistent
        and not (needs_confidence and not (family in ("level", "cap") and has_limits))
        and (has_path or pace == "no_pace")
        and not (slipping and change in ("improving", "baseline_only"))
        and not (change == "baseline_only" and pace != "no_pace")
        and not (family in ("direction", "sequence") and slipping and point)
        and not (family == "cap" and slipping)
        # The pace of a level is that of the value itself, so it agrees with the change; a comparator moves as well.
        and not (family == "level" and change == "improving" and pace == "wrong_way")
        and not (family == "level" and (change == "getting_worse" or slipping) and right_way_pace)
    )


def test_every_cell_has_exactly_one_status(decided):
    # One row a cell comes back from the model (see ``decide``); here, none is missing and none without a status.
    assert set(decided) == set(CELLS)
    assert [cell for cell, (status, _) in decided.items() if status is None] == []


def test_rules_lead_only_to_overall_statuses(rules):
    with (SEEDS / "statuses.csv").open(encoding="utf-8", newline="") as file:
        overall = {row["status_code"] for row in csv.DictReader(file) if row["family"] == "overall"}
    # The two that say why nothing is judged are not the rules' to give.
    assert {rule["status_code"] for rule in rules} == overall - {"no_target", "not_assessable"}


def test_cells_of_the_rules_are_values_of_their_columns(rules):
    for axis, values in AXES.items():
        assert {rule[axis] for rule in rules} - {None} <= {str(value) for value in values}, axis


@pytest.mark.parametrize("line", NAMED.strip().splitlines())
def test_named_cells(decided, line):
    *inputs, _, status = line.split()
    family, deadline, level, point, slipping, needs_confidence, change, pace = inputs
    cell = (family, deadline, level, int(point), int(slipping), int(needs_confidence), change, pace)
    assert can_happen(cell)
    assert decided[cell][0] == status


def test_an_answered_deadline_is_achieved_or_missed(decided):
    answered = {status for cell, (status, _) in decided.items() if cell[1] == "answered"}
    assert answered == {"achieved", "missed"}
    assert "missed" not in {status for cell, (status, _) in decided.items() if cell[1] != "answered"}


def test_beyond_chance_is_asked_at_the_deadline_only(decided):
    differing = set()
    for cell, (status, _) in decided.items():
        family, deadline, level, point, slipping, needs_confidence, change, pace = cell
        without = decided[family, deadline, level, point, slipping, 0, change, pace][0]
        if needs_confidence and status != without:
            differing.add((deadline, level, point, without, status))
    assert differing == {("answered", "not_distinguishable", 1, "achieved", "missed")}


def test_no_rule_is_dead(decide, decided, rules):
    reachable = [cell for cell in CELLS if can_happen(cell)]
    dead = []
    for rule in rules:
        # The sentence counts: a rule that gives the status of the next one may be there for its words.
        without = decide([other for other in rules if other is not rule])
        if all(without[cell] == decided[cell] for cell in reachable):
            dead.append(rule["rule_order"])
    assert dead == []


def test_rows_that_cannot_be_judged_bypass_the_rules(methods, decide, rules):
    decide(rules)
    methods.connection.execute("""
        create or replace temp table kept as from int_commitment_values__assessed;
        update int_commitment_values__assessed set not_assessable_reason = 'no_limits' where commitment_id = '1';
        update int_commitment_values__assessed set target_type = 'none' where commitment_id = '2';
    """)
    try:
        sql = methods.model("intermediate/int_commitment_values__judged.sql")
        found = methods.rows(f"""
            select status_code, status_rule_order
            from ({sql}) where commitment_id in ('1', '2') order by commitment_id
        """)
    finally:
        methods.connection.execute("create or replace table int_commitment_values__assessed as from kept")
    assert found == [
        {"status_code": "not_assessable", "status_rule_order": None},
        {"status_code": "no_target", "status_rule_order": None},
    ]
