"""The Python statistics as SQL functions of the connection that builds the warehouse.

Names, types and the conversion between SQL and Python belong here, and the plugin by which dbt registers them
(``dbt_project/profiles.yml``). The statistics themselves are pure functions in :mod:`pipelines.model.methods`.

A model that calls one of these is a table: a view would fail on every connection that has not registered them, those of
BI tools among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from duckdb.func import FunctionNullHandling

from pipelines.model.forecast_functions import register_forecast
from pipelines.model.methods.slope_index import Quantile, ValueType, seed_of, slope_index

if TYPE_CHECKING:
    import duckdb

CONFIDENCE: Final = 0.95
REPETITIONS: Final = 10_000
"""A tenth of what the R package draws by default: 1.4 to 2.7 ms a group instead of 17 to 47, and limits that miss those
of the package's own test data by 3.0 % of half the interval at worst (1.7 % with all draws; 25 November 2026)."""

_QUANTILES: Final = "struct(number integer, population double, value double, lower95 double, upper95 double)[]"
_SLOPES: Final = (
    "struct(sii double, sii_lower double, sii_upper double, rii double, rii_lower double, rii_upper double, "
    "reason varchar)"
)


def slope_index_of(
    quantiles: Sequence[Mapping[str, Any]] | None,
    quantile_count: int,
    value_type: ValueType,
    multiplier: float,
    key: Sequence[str],
) -> dict[str, float | str | None]:
    """Slope and relative index of inequality of one group, with simulated 95 % limits.

    Args:
        quantiles: Number (1 for the most deprived), population, value and 95 % limits of each quantile; values and
            limits of proportions from 0 to 1.
        quantile_count: Quantiles into which the population is cut.
        value_type: "default", "rate" or "proportion": the scale on which quantiles are drawn.
        multiplier: Scales the slope index; negative to turn it and the ratio round.
        key: Natural key of the group, from which the simulation takes its seed.

    Returns:
        ``sii`` and ``rii`` with ``_lower`` and ``_upper``, and ``reason`` why something is absent, as
        :func:`pipelines.model.methods.slope_index.slope_index` says.
    """
    index = slope_index(
        [Quantile(**one) for one in quantiles or ()],
        quantile_count=quantile_count,
        seed=seed_of(*key),
        value_type=value_type,
        multiplier=multiplier,
        confidences=(CONFIDENCE,),
        repetitions=REPETITIONS,
    )
    limits = index.limits[0] if index.limits else None
    return {
        "sii": index.sii,
        "rii": index.rii,
        "reason": index.reason,
        **{
            name: getattr(limits, name) if limits else None
            for name in ("sii_lower", "sii_upper", "rii_lower", "rii_upper")
        },
    }


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection ``slope_index_of(quantiles, quantile_count, value_type, multiplier, key)`` and ``forecast_of``.

    Args:
        connection: Connection that will build models, or test them.
    """
    connection.create_function(
        "slope_index_of",
        slope_index_of,
        [_QUANTILES, "integer", "varchar", "double", "varchar[]"],
        _SLOPES,
        # By default a function that answers NULL is an error.
        null_handling=FunctionNullHandling.SPECIAL,
    )
    register_forecast(connection)


class Plugin:
    """What dbt-duckdb calls for every connection that it opens; it asks for the methods, not for a class of its own."""

    def __init__(self, name: str, plugin_config: Mapping[str, Any], credentials: object = None) -> None:
        """Keep the name under which dbt knows the plugin; there is nothing to configure."""
        self.name = name

    def update_connection_config(self, creds: object, config: Mapping[str, Any]) -> None:
        """Change nothing of the connection's settings."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register the functions on a new connection."""
        register(conn)

    def configure_cursor(self, cursor: object) -> None:
        """Change nothing of a cursor: it has the functions of its connection."""
