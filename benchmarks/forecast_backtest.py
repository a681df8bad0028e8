"""Backtest of the forecast against other methods, on the yearly series of a warehouse.

Cutting published series, forecasting what followed and printing how far off each method was belong here; nothing of the
project imports it. Run after `make refresh`:

    .venv/bin/python benchmarks/forecast_backtest.py --warehouse warehouse/outcomes.duckdb --limit 6

Every series with at least six points is cut after each point from the fifth on, and the next one to five years are
forecast. Neighbouring areas resemble each other and some indicators have a hundred times the series of others, so a
limited number of series of each indicator is taken, in the order of a hash, and ratios are geometric means over
indicators. All methods answer the same questions. Columns of the tables:

- error/last, error/line: mean absolute error over that of the last value, and of a straight line through all points;
- scaled: mean absolute error over the mean absolute yearly change in the points given;
- coverage: share of figures inside the 80 % interval, mean over indicators; (all): over all forecasts; below, above:
  share of figures beyond either end;
- width: mean width over that of the last value; score: interval score over that of the last value (width plus ten times
  the distance by which a figure misses; Gneiting and Raftery 2007), which rewards narrow intervals that hold;
- ms: milliseconds of a fit, which serves all years ahead; of one forecast for the method in use.

An ARIMA(0,1,0) without drift is the last value. Intervals are Student's t with the points less the parameters.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

# Before numpy is loaded: with matrices this small, a second thread only waits.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel
from statsmodels.tsa.statespace.structural import UnobservedComponents

from pipelines.model.methods.forecast import FEWEST_POINTS, FURTHEST_YEARS, Forecast, forecast

Array: TypeAlias = npt.NDArray[Any]
Fitted: TypeAlias = tuple[Array, Array, int]
"""Centres and scales one to five years ahead, and degrees of freedom."""

AHEAD = np.arange(1, FURTHEST_YEARS + 1)
IN_USE = "in use"

SERIES = """
with points as (
    select
        f.indicator_id,
        f.area_code,
        f.population_group_key,
        f.series_number,
        p.period_type,
        p.period_months // 12 as pooled_years,
        i.minimum_value,
        i.maximum_value,
        year(p.period_end) as year,
        f.value,
        concat_ws('|', g.sex, g.age, g.category_type, g.category) as population_group
    from fct_indicator_value as f
    inner join dim_period as p using (period_key)
    inner join dim_indicator as i using (indicator_key)
    inner join dim_population_group as g using (population_group_key)
    -- Even numbers are periods that span a break.
    where f.value is not null and f.series_number % 2 = 1 and p.period_months >= 12 and p.period_months % 12 = 0
)
select
    indicator_id,
    pooled_years,
    any_value(minimum_value),
    any_value(maximum_value),
    list(year order by year),
    list(value order by year)
from points
group by indicator_id, area_code, population_group, series_number, period_type, pooled_years
having count(*) > $fewest and count(*) = count(distinct year)
qualify
    row_number() over (
        partition by indicator_id, pooled_years > 1
        order by sha256(concat_ws('|', indicator_id, area_code, population_group, series_number, period_type))
    )
    <= $limit
order by all
"""


@dataclass(frozen=True, slots=True)
class Series:
    """One published series."""

    indicator_id: str
    pooled_years: int
    lower_bound: float | None
    upper_bound: float | None
    years: Array
    values: Array


def read_series(warehouse: Path, limit: int) -> list[Series]:
    """Read the series of a warehouse, at most so many of each indicator."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(SERIES, {"fewest": FEWEST_POINTS, "limit": limit}).fetchall()
    return [Series(*row[:4], np.array(row[4]), np.array(row[5], dtype=np.float64)) for row in rows]


def last_value(years: Array, values: Array) -> Fitted:
    """The last value, with the spread of yearly changes: a random walk without drift."""
    spread = math.sqrt(float(np.mean(np.diff(values) ** 2 / np.diff(years))))
    return np.full(len(AHEAD), values[-1]), spread * np.sqrt(AHEAD), len(values) - 1


def drift(years: Array, values: Array) -> Fitted:
    """Random walk with the mean yearly change as drift: ARIMA(0,1,0) with a constant."""
    span = years[-1] - years[0]
    slope = (values[-1] - values[0]) / span
    freedom = len(values) - 2
    square = float(np.sum((np.diff(values) - slope * np.diff(years)) ** 2 / np.diff(years))) / freedom
    return values[-1] + slope * AHEAD, np.sqrt(square * (AHEAD + AHEAD**2 / span)), freedom


def line(years: Array, values: Array) -> Fitted:
    """Straight line by ordinary least squares with its prediction interval."""
    design = np.column_stack([np.ones(len(values)), years - years[-1]])
    wanted = np.column_stack([np.ones(len(AHEAD)), AHEAD])
    inverse = np.linalg.inv(design.T @ design)
    found = inverse @ design.T @ values
    freedom = len(values) - 2
    square = float(np.sum((values - design @ found) ** 2)) / freedom
    return wanted @ found, np.sqrt(square * (1 + np.sum(wanted @ inverse * wanted, axis=1))), freedom


def filled(years: Array, values: Array) -> Any:
    """Years without a value on the straight line between their neighbours, for methods that know no gaps."""
    return pd.Series(np.interp(np.arange(years[0], years[-1] + 1), years, values))


def smoothing(trend: str | None, damped: bool, parameters: int) -> Callable[[Array, Array], Fitted]:
    """Exponential smoothing with additive errors."""

    def fit(years: Array, values: Array) -> Fitted:
        series = filled(years, values)
        model: Any = ETSModel(series, error="add", trend=trend, damped_trend=damped)
        found = model.fit(disp=False).get_prediction(start=len(series), end=len(series) + len(AHEAD) - 1)
        freedom = max(1, len(values) - parameters)
        # The library divides by the points; with so few of them the parameters count.
        spread = np.sqrt(np.asarray(found.forecast_variance) * len(values) / freedom)
        return np.asarray(found.predicted_mean), spread, freedom

    return fit


def theta(years: Array, values: Array) -> Fitted:
    """Theta method: exponential smoothing with half the slope of the line."""
    found: Any = ThetaModel(filled(years, values), period=1, deseasonalize=False).fit()
    limits = np.asarray(found.prediction_intervals(len(AHEAD), alpha=0.2))
    # The library's interval is normal: 1.2816 standard errors either way.
    return np.asarray(found.forecast(len(AHEAD))), (limits[:, 1] - limits[:, 0]) / 2 / 1.2815515655, len(values) - 2


def structural(kind: str, freedom_lost: int) -> Callable[[Array, Array], Fitted]:
    """Structural model with variances of greatest likelihood."""

    def fit(years: Array, values: Array) -> Fitted:
        yearly = np.full(years[-1] - years[0] + 1, np.nan)
        yearly[years - years[0]] = values
        scale = float(np.std(values))
        build: Any = UnobservedComponents
        found = build(yearly / scale, kind).fit(disp=False, maxiter=100).get_forecast(len(AHEAD))
        return (
            np.asarray(found.predicted_mean) * scale,
            np.asarray(found.se_mean) * scale,
            len(values) - freedom_lost,
        )

    return fit


METHODS: Mapping[str, Callable[[Array, Array], Fitted]] = {
    "last value": last_value,
    "straight line": line,
    "random walk with drift": drift,
    "simple smoothing": smoothing(None, False, 2),
    "Holt": smoothing("add", False, 4),
    "damped Holt": smoothing("add", True, 5),
    "Theta": theta,
    "local level": structural("local level", 1),
    "local linear trend": structural("local linear trend", 2),
}


def forecasts_of(series: Series, methods: Iterable[str]) -> list[tuple[Any, ...]]:
    """Cut one series at every point from the fifth on and forecast what followed, by every method."""
    rows: list[tuple[Any, ...]] = []
    for count in range(FEWEST_POINTS, len(series.values)):
        years, values = series.years[:count], series.values[:count]
        wanted = [
            (int(year - years[-1]), float(value))
            for year, value in zip(series.years[count:], series.values[count:], strict=True)
            if year - years[-1] <= FURTHEST_YEARS
        ]
        change = float(np.mean(np.abs(np.diff(values)) / np.sqrt(np.diff(years))))
        in_use: list[tuple[float, float, float]] = []
        begun = time.perf_counter()
        for ahead, _ in wanted:
            found = forecast(
                values.tolist(),
                years.tolist(),
                ahead,
                pooled_years=series.pooled_years,
                lower_bound=series.lower_bound,
                upper_bound=series.upper_bound,
            )
            if isinstance(found, Forecast):
                in_use.append((found.value, found.lower_80, found.upper_80))
        seconds = (time.perf_counter() - begun) / max(1, len(wanted))
        # The one refusal possible here: values that never differ, or pooled periods that all overlap.
        if len(in_use) < len(wanted) or not wanted:
            continue
        known = (series.indicator_id, series.pooled_years > 1, count)
        for (ahead, value), (centre, lower, upper) in zip(wanted, in_use, strict=True):
            rows.append((*known, ahead, IN_USE, centre, lower, upper, value, change, seconds))
        for name in methods:
            begun = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # searches that do not converge are part of the method
                centres, spreads, freedom = METHODS[name](years, values)
            seconds = time.perf_counter() - begun
            margins = float(stdtrit(freedom, 0.9)) * spreads
            for ahead, value in wanted:
                centre, margin = float(centres[ahead - 1]), float(margins[ahead - 1])
                rows.append((*known, ahead, name, centre, centre - margin, centre + margin, value, change, seconds))
    return rows


def backtest(series: Sequence[Series], methods: Iterable[str]) -> pd.DataFrame:
    """Errors and intervals of all forecasts."""
    chosen = [name for name in METHODS if name in {"last value", "straight line", *methods}]
    columns = [
        "indicator",
        "pooled",
        "points",
        "ahead",
        "method",
        "centre",
        "lower",
        "upper",
        "value",
        "change",
        "seconds",
    ]
    table = pd.DataFrame([row for one in series for row in forecasts_of(one, chosen)], columns=columns)
    low, high = (table["lower"] - table["value"]).clip(lower=0), (table["value"] - table["upper"]).clip(lower=0)
    table["error"] = (table["value"] - table["centre"]).abs()
    table["below"], table["above"] = (low > 0).astype(float), (high > 0).astype(float)
    table["coverage"] = 1 - table["below"] - table["above"]
    table["width"] = table["upper"] - table["lower"]
    table["score"] = table["width"] + 10 * (low + high)
    return table


def geometric_mean(ratios: pd.Series[float]) -> float:
    """Geometric mean of the ratios that exist: an indicator that a method hits exactly has none."""
    usable = ratios[ratios.between(1e-6, 1e6)]
    return float(np.exp(np.log(usable).mean()))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method, as the docstring of this file says."""
    measures = ["error", "width", "score", "coverage", "below", "above", "change"]
    by_indicator: Any = table.groupby(["method", "indicator"])[measures].mean()
    last, straight = by_indicator.loc["last value"], by_indicator.loc["straight line"]
    rows: dict[str, dict[str, float | int]] = {}
    for name in (IN_USE, *METHODS):
        if name not in by_indicator.index:
            continue
        one, every = by_indicator.loc[name], table[table["method"] == name]
        rows[name] = {
            "forecasts": len(every),
            "error/last": geometric_mean(one["error"] / last["error"]),
            "error/line": geometric_mean(one["error"] / straight["error"]),
            "scaled": geometric_mean(one["error"] / one["change"]),
            "coverage": float(one["coverage"].mean()),
            "(all)": float(every["coverage"].mean()),
            "below": float(one["below"].mean()),
            "above": float(one["above"].mean()),
            "width": geometric_mean(one["width"] / last["width"]),
            "score": geometric_mean(one["score"] / last["score"]),
            "ms": float(every["seconds"].mean()) * 1000,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def print_table(title: str, table: pd.DataFrame) -> None:
    """Print a summary as a Markdown table, if there is anything to sum up."""
    if table.empty:
        return
    found = summary(table)
    decimals = {"forecasts": 0, "error/last": 3, "error/line": 3, "width": 3, "score": 3, "ms": 1}
    print(f"\n### {title}\n\n| method | {' | '.join(found.columns)} |\n|---|{'---:|' * len(found.columns)}")
    for name, row in found.iterrows():
        cells = " | ".join(f"{value:.{decimals.get(str(column), 2)}f}" for column, value in row.items())
        print(f"| {name} | {cells} |")


def main() -> None:
    """Backtest the series of a warehouse and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warehouse", type=Path, required=True, help="DuckDB file")
    parser.add_argument("--limit", type=int, default=6, help="series of each indicator; 6 take two to four minutes")
    parser.add_argument(
        "--only-naive", action="store_true", help="compare with the two naive methods only: six times as fast"
    )
    given = parser.parse_args()
    begun = time.perf_counter()
    series = read_series(given.warehouse, given.limit)
    table = backtest(series, () if given.only_naive else METHODS)
    indicators = table["indicator"].nunique()
    print(f"{len(series):,} series of {indicators} indicators, {time.perf_counter() - begun:.0f} s")
    for pooled, title in ((False, "Single years"), (True, "Pooled years")):
        part = table[table["pooled"] == pooled]
        print_table(title, part)
        main_three = part[part["method"].isin([IN_USE, "last value", "straight line"])]
        for ahead in AHEAD:
            print_table(f"{title}, {ahead} ahead", main_three[main_three["ahead"] == ahead])
        for fewest, most in ((5, 5), (6, 7), (8, 99)):
            print_table(f"{title}, {fewest} to {most} points", main_three[main_three["points"].between(fewest, most)])
        halves = part["indicator"].map(lambda name: hashlib.sha256(name.encode()).digest()[-1] % 2)
        for half in (0, 1):
            if not pooled:
                print_table(f"{title}, half {half + 1} of the indicators", part[halves == half])
    in_use = table[table["method"] == IN_USE].groupby("indicator")["coverage"].agg(["mean", "size"])
    print("\n### Coverage of the method in use, by indicator\n\n| indicator | coverage | forecasts |\n|---|---:|---:|")
    for name, row in in_use.sort_values("mean").iterrows():
        print(f"| {name} | {row['mean']:.2f} | {row['size']:.0f} |")


if __name__ == "__main__":
    main()
