"""Every case of ``cases.txt``: the row of the period that the scorecard shows."""

from __future__ import annotations

COLUMNS = {
    "status": "status_code",
    "level": "level_code",
    "change": "change_code",
    "reason": "not_assessable_reason",
}


def test_outcome(rows, case):
    found = rows(
        """
        select t.*, p.period_label
        from fct_target_vs_actual as t
        inner join dim_indicator as i on t.indicator_key = i.indicator_key
        inner join dim_population_group as g on t.population_group_key = g.population_group_key
        inner join dim_period as p on t.period_key = p.period_key
        where
            t.commitment_id = $1
            and t.is_scorecard_period = 1
            and (i.indicator_id = $2 or ($2 is null and t.indicator_key = -2))
            and (g.sex = $3 or t.population_group_key = -2)
            and t.area_code = $4
        """,
        case.commitment,
        case.indicator,
        case.sex,
        case.area,
    )
    if case.expected("status") is None:
        assert found == []
        return
    assert len(found) == 1
    row = found[0]
    assert row["place_role"] == "signed"
    has_period = row["period_key"] != -2
    pace = None if row["pace_ratio"] is None else f"{row['pace_ratio']:.2f}"
    got = {"period": row["period_label"] if has_period else None, "pace": pace}
    got |= {name: row[column] for name, column in COLUMNS.items()}
    wanted = {name: case.expected(name) for name in ("period", "status", "level", "change", "pace", "reason")}
    laid_down = {name: value for name, value in wanted.items() if value != "*"}
    assert {name: got[name] for name in laid_down} == laid_down
