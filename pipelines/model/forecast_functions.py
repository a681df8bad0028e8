"""The forecast as an SQL function of the connection that builds the warehouse.

Name, types and the conversion between SQL and Python belong here; the statistics are in
:mod:`pipelines.model.methods.forecast`. As with the functions of :mod:`pipelines.model.duckdb_functions`, a model that
calls it is a table: a view would fail on every connection that has not registered it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from duckdb.func import FunctionNullHandling

from pipelines.model.methods.forecast import NoForecast, Operator, forecast, probability_of_meeting

if TYPE_CHECKING:
    import duckdb

_FORECAST: Final = (
    "struct(value double, lower_80 double, upper_80 double, probability double, method varchar, points_used integer, "
    "reason varchar)"
)


def forecast_of(  # noqa: PLR0917 (SQL knows no names of arguments)
    values: Sequence[float | None] | None,
    times: Sequence[float | None] | None,
    horizon_years: float | None,
    pooled_years: int | None,
    operator: Operator | None,
    target: float | None,
    lower_bound: float | None,
    upper_bound: float | None,
) -> dict[str, float | str | int | None] | None:
    """Forecast of one series, and the probability of meeting one target.

    Args:
        values: Published values after the last break of the series.
        times: End of the period of each, in years.
        horizon_years: From the last time with a value to the end of the period wanted.
        pooled_years: Years that each period covers; empty is taken for one.
        operator: Comparison with the target, if there is one.
        target: Value to be met, if there is one.
        lower_bound: Least value that the measure can take.
        upper_bound: Greatest value that the measure can take.

    Returns:
        ``value``, ``lower_80``, ``upper_80``, ``probability`` (None without a target), ``method`` and ``points_used``,
        or ``reason`` why they are absent; None without a horizon, when nothing was asked. Numbers have ten significant
        digits, so that machines that differ in the last bits agree.
    """
    if horizon_years is None:
        return None
    found = forecast(
        values or (),
        [math.nan if time is None else time for time in times or ()],
        horizon_years,
        pooled_years=1 if pooled_years is None else pooled_years,
        lower_bound=lower_bound,
        upper_bound=upper_bound,
    )
    absent = dict.fromkeys(("value", "lower_80", "upper_80", "probability", "method", "reason"))
    if isinstance(found, NoForecast):
        return {**absent, "points_used": found.points_used, "reason": found.reason}
    probability = None
    if operator is not None and target is not None:
        probability = _rounded(probability_of_meeting(found, operator, target))
    return {
        **absent,
        "value": _rounded(found.value),
        "lower_80": _rounded(found.lower_80),
        "upper_80": _rounded(found.upper_80),
        "probability": probability,
        "method": found.method,
        "points_used": found.points_used,
    }


def register_forecast(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection ``forecast_of(values, times, horizon_years, pooled_years, operator, target, bounds...)``.

    Args:
        connection: Connection that will build models, or test them.
    """
    connection.create_function(
        "forecast_of",
        forecast_of,
        ["double[]", "double[]", "double", "integer", "varchar", "double", "double", "double"],
        _FORECAST,
        # An absent target or bound is an argument like any other.
        null_handling=FunctionNullHandling.SPECIAL,
    )


def _rounded(number: float) -> float:
    """The number with ten significant digits."""
    return float(f"{number:.10g}")
