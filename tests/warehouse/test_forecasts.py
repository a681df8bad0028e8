"""What the model asks of the forecast, and what it keeps: the right points, the right day, the right target.

The method is tested in ``tests/unit/model``; why a row has no forecast in ``test_targets_planned``.
"""

from __future__ import annotations

import pytest

from pipelines.model.methods.forecast import Forecast, forecast, probability_of_meeting

TOLERANCE = 1e-8


@pytest.fixture(scope="session")
def forecasts(rows):
    """Every row with a forecast of a value or of the gap to England, with the series behind it."""
    found = rows("""
        select
            t.*, c.target_type, i.value_type, p.period_months, p.period_end, v.series_number
        from fct_target_vs_actual as t
        inner join dim_commitment as c on t.commitment_key = c.commitment_key
        inner join dim_indicator as i on t.indicator_key = i.indicator_key
        inner join dim_period as p on t.period_key = p.period_key
        inner join fct_indicator_value as v on t.actual_value_key = v.indicator_value_key
        where t.forecast_value is not null and t.measured_as = 'value'
        order by t.commitment_id
    """)
    assert len(found) >= 4
    return found


def series_of(rows, row):
    """Return the points of the series of one row, and their times in years, from the published values alone."""
    points = rows(
        """
        select
            v.value - case when ? then e.value else 0 end as point,
            year(p.period_end) + month(p.period_end) / 12.0 as time
        from fct_indicator_value as v
        inner join dim_period as p on v.period_key = p.period_key
        left join fct_indicator_value as e
            on v.indicator_key = e.indicator_key and v.period_key = e.period_key
            and v.population_group_key = e.population_group_key and e.area_code = 'E92000001'
        where v.indicator_key = ? and v.area_key = ? and v.population_group_key = ? and p.period_months = ?
            and v.series_number = ? and v.value is not null
        order by p.period_end
        """,
        "comparator" in row["target_type"],
        *(row[key] for key in ("indicator_key", "area_key", "population_group_key", "period_months", "series_number")),
    )
    points = [one for one in points if one["point"] is not None]
    return [one["point"] for one in points], [float(one["time"]) for one in points]


def test_every_forecast_is_that_of_its_series(rows, forecasts):
    kinds = set()
    for row in forecasts:
        values, times = series_of(rows, row)
        compared = "comparator" in row["target_type"]
        horizon = round((row["answering_period_end"] - row["period_end"]).days / 365.25, 2)
        known = forecast(
            values,
            times,
            horizon,
            pooled_years=max(round(row["period_months"] / 12), 1),
            lower_bound=None if compared else 0.0,
            upper_bound=100.0 if not compared and row["value_type"] == "proportion" else None,
        )
        assert isinstance(known, Forecast), row["commitment_id"]
        kept = [row[f"forecast_{name}"] for name in ("value", "lower_80", "upper_80")]
        assert kept == pytest.approx([known.value, known.lower_80, known.upper_80], rel=TOLERANCE), row["commitment_id"]
        assert (row["forecast_method"], row["forecast_points"]) == (known.method, known.points_used)
        target = 0.0 if compared else row["target_value"]
        if row["target_type"] in ("meet_external_annual_target", "reduction_vs_counterfactual"):
            continue
        chance = probability_of_meeting(known, row["target_operator"], target)
        assert row["forecast_probability"] == pytest.approx(chance, rel=1e-6, abs=TOLERANCE), row["commitment_id"]
        kinds.add(compared)
    assert kinds == {True, False}
    assert {row["forecast_method"] for row in forecasts} == {"local_level_and_trend", "last_value"}


def test_a_forecast_stands_on_the_row_of_the_scorecard_only(rows):
    assert rows("from fct_target_vs_actual where forecast_value is not null and is_scorecard_period = 0") == []


def test_the_sentence_says_the_forecast(rows, forecasts):
    said = [row["explanation"] for row in forecasts if row["deadline_state"] != "answered"]
    assert said
    assert all("If the pattern so far holds" in sentence and "% of meeting the target" in sentence for sentence in said)
