"""Level against a target: every operator, equality, limits and absence. Comparators are in ``test_comparison``."""

from __future__ import annotations

import pytest

# operator, target, value, lower limit, upper limit, level
LEVELS = [
    (">=", 20, 20, None, None, "met"),
    (">=", 20, 19.999, None, None, "not_met"),
    (">=", 20, 22, 20, 25, "met_confident"),
    (">=", 20, 22, 19, 25, "not_distinguishable"),
    (">=", 20, 18, 15, 20, "not_distinguishable"),
    (">=", 20, 18, 15, 19.999, "not_met_confident"),
    (">", 20, 20, None, None, "not_met"),
    (">", 20, 20.001, None, None, "met"),
    (">", 20, 22, 20, 25, "not_distinguishable"),
    (">", 20, 22, 20.001, 25, "met_confident"),
    (">", 20, 18, 15, 20, "not_met_confident"),
    (">", 20, 18, 15, 20.001, "not_distinguishable"),
    ("<=", 20, 20, None, None, "met"),
    ("<=", 20, 20.001, None, None, "not_met"),
    ("<=", 20, 18, 15, 20, "met_confident"),
    ("<=", 20, 18, 15, 20.001, "not_distinguishable"),
    ("<=", 20, 22, 20, 25, "not_distinguishable"),
    ("<=", 20, 22, 20.001, 25, "not_met_confident"),
    ("<", 20, 20, None, None, "not_met"),
    ("<", 20, 19.999, None, None, "met"),
    ("<", 20, 18, 15, 20, "not_distinguishable"),
    ("<", 20, 18, 15, 19.999, "met_confident"),
    ("<", 20, 22, 20, 25, "not_met_confident"),
    ("<", 20, 22, 19.999, 25, "not_distinguishable"),
    # "Over 90 %" is not reached at 90.
    (">", 90, 90.0, None, None, "not_met"),
    # Nought is a target like any other, and a count of nought meets it.
    ("<=", 0, 0, None, None, "met"),
    ("<=", 0, 0, 0, 0, "met_confident"),
    ("<=", 0, 0, 0, 3.7, "not_distinguishable"),
    ("<=", 0, 1, 0.1, 2, "not_met_confident"),
    ("<", 0, 0, None, None, "not_met"),
    (">=", 100, 100, None, None, "met"),
    (">=", 100, 100, 96.3, 100, "not_distinguishable"),
    (">=", 100, 99.9, 99, 99.99, "not_met_confident"),
    (">=", -3, -5, None, None, "not_met"),
    (">=", -3, -3, -3, -1, "met_confident"),
    # One limit is as good as none.
    (">=", 20, 22, 21, None, "met"),
    (">=", 20, 18, None, 19, "not_met"),
    (">=", 20, None, None, None, None),
    (">=", 20, None, 18, 22, None),
    (">=", None, 20, 18, 22, None),
    (None, 20, 20, 18, 22, None),
]


@pytest.mark.parametrize(("operator", "target", "value", "lower", "upper", "level"), LEVELS)
def test_level_against_a_target(methods, operator, target, value, lower, upper, level):
    found = methods.value(
        "level_against_target", value=value, lower=lower, upper=upper, target=target, operator=operator
    )
    assert found == level


@pytest.mark.parametrize(("operator", "mirrored"), [(">=", "<="), (">", "<")])
def test_wanting_less_mirrors_wanting_more(methods, operator, mirrored):
    methods.connection.execute("""
        create or replace temp table grid as
        select row_number() over () as i, l.l as lower, v.v as value, u.u as upper
        from range(-3, 4) as l(l), range(-3, 4) as v(v), range(-3, 4) as u(u)
        where l.l <= v.v and v.v <= u.u
    """)
    plain = {"value": "value", "lower": "lower", "upper": "upper", "target": "1"}
    turned = {"value": "-value", "lower": "-upper", "upper": "-lower", "target": "-1"}
    more = methods.over("grid", "i", "level_against_target", **plain, operator=f"'{operator}'")
    less = methods.over("grid", "i", "level_against_target", **turned, operator=f"'{mirrored}'")
    assert more == less
    assert set(more) == {"met_confident", "not_met_confident", "not_distinguishable"}


def test_fingertips_goals_agree_except_where_an_interval_is_one_point(methods, target_unit_file, read_vectors):
    words = {
        "Better": {"met", "met_confident"},
        "Same": {"not_distinguishable"},
        "Worse": {"not_met", "not_met_confident"},
    }
    rows = [
        row
        for row in read_vectors(target_unit_file)
        if row["target_type"] == "single value" and row["expected"] in words
    ]
    disagree = []
    for row in rows:
        lower, upper = row["lower95"], row["upper95"]
        found = methods.value(
            "level_against_target",
            # Vectors with limits give no value: any point of the interval serves.
            value=float(row["value"] or lower),
            lower=float(lower) if lower else None,
            upper=float(upper) if upper else None,
            target=float(row["lower_limit"]),
            operator=">=" if row["polarity_id"] == "1" else "<=",
        )
        if found not in words[row["expected"]]:
            disagree.append((row["polarity_id"], lower, upper, row["expected"], found))
    assert len(rows) == 13
    # Fingertips counts an interval that is exactly the limit as above it; here the operator decides.
    assert disagree == [("0", "10", "10", "Worse", "met_confident")]
