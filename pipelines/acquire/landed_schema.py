"""The columns of landed Parquet: names, order and types.

The contract between reading and checking belongs here; how a column is filled does not.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

Provides = Literal["indicator_values", "neighbour_sets"]

MarkerMeaning = Literal["missing", "suppressed", "not_available", "not_applicable", "not_calculable"]
"""What a text in place of a number says about it; ``value_marker_meaning`` holds it."""

PROVENANCE: Final[dict[str, pl.DataType]] = {
    "source_id": pl.String(),
    "source_release": pl.String(),
    "source_table": pl.String(),
    "source_file": pl.String(),
    "source_file_sha256": pl.String(),
    "source_row_number": pl.Int64(),
    "source_column": pl.String(),
}
"""Where a value comes from; filled by the pipeline, never by a declaration."""

_INDICATOR_TEXT: Final = (
    "indicator_id",
    "indicator_name",
    "parent_code",
    "parent_name",
    "area_code",
    "area_name",
    "area_type",
    "sex",
    "age",
    "category_type",
    "category",
)
_LIMITS_AND_COUNTS: Final = (
    "lower_ci_95",
    "upper_ci_95",
    "lower_ci_99_8",
    "upper_ci_99_8",
    "count",
    "denominator",
)
_NOTES: Final = (
    "value_note",
    "unit",
    "measure",
    "recent_trend_published",
    "compared_to_england_published",
    "compared_to_parent_published",
    "compared_to_goal_published",
    "new_data",
)
_NEIGHBOUR_TEXT: Final = ("set_id", "set_title", "set_as_of", "area_code", "neighbour_code", "neighbour_name")

NUMERIC: Final = frozenset({"value", *_LIMITS_AND_COUNTS})
"""Declared columns whose text has to be a number."""

PERIOD: Final = frozenset({"period_label", "period_sortable", "period_range"})
"""Declared columns from which the period is read."""

FREE: Final = frozenset(_NOTES)
"""Declared columns that neither identify a row nor measure anything: a record may end before them."""

INDICATOR_VALUES: Final[dict[str, pl.DataType]] = {
    **PROVENANCE,
    **dict.fromkeys(_INDICATOR_TEXT, pl.String()),
    "period_label": pl.String(),
    "period_sortable": pl.Int64(),
    "period_range": pl.String(),
    "period_type": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "period_pooled_years": pl.Int32(),
    "value": pl.Float64(),
    "value_as_published": pl.String(),
    "value_marker_meaning": pl.String(),
    **dict.fromkeys(_LIMITS_AND_COUNTS, pl.Float64()),
    **dict.fromkeys(_NOTES, pl.String()),
    "unreadable_cells": pl.String(),
}
NEIGHBOUR_SETS: Final[dict[str, pl.DataType]] = {
    **PROVENANCE,
    **dict.fromkeys(_NEIGHBOUR_TEXT, pl.String()),
    "unreadable_cells": pl.String(),
}

LANDED: Final[dict[Provides, dict[str, pl.DataType]]] = {
    "indicator_values": INDICATOR_VALUES,
    "neighbour_sets": NEIGHBOUR_SETS,
}

_INDICATOR_DECLARABLE: Final = frozenset({*_INDICATOR_TEXT, *PERIOD, *NUMERIC, *_NOTES})
DECLARABLE: Final[dict[Provides, frozenset[str]]] = {
    "indicator_values": _INDICATOR_DECLARABLE,
    "neighbour_sets": frozenset(_NEIGHBOUR_TEXT),
}
"""Columns that a source declaration may fill from a header or with a constant."""
