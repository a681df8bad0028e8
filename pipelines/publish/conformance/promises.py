"""What this warehouse promises of its published file: tables, the order of their rows, the columns others rely on.

The promises belong here, each departure from a rule with its reason. Looking whether they are kept does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class TablePromise:
    """What is promised of one table.

    Attributes:
        order: Columns by which its rows are sorted; ``dim_x.column`` is a column of the dimension that the row's
            ``x_key`` leads to.
        grain: Columns that tell one row from every other, where the table has no primary key.
        empty_because: Why it may have no row; None when it always has one.
    """

    order: tuple[str, ...]
    grain: tuple[str, ...] = ()
    empty_because: str | None = None


@dataclass(frozen=True, slots=True)
class Promises:
    """What the rules may ask of a file beyond what every published file has to be.

    Attributes:
        tables: Every table of the file.
        views: Views that are always there; a file may have others.
        columns: Table or view -> columns that others rely on.
        unrelated_keys: (table, column) of a key that leads to no table -> why.
    """

    tables: Mapping[str, TablePromise] = field(default_factory=dict[str, TablePromise])
    views: Sequence[str] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict[str, "Sequence[str]"])
    unrelated_keys: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def __bool__(self) -> bool:
        """Return whether anything is promised."""
        return bool(self.tables)


NOTHING_PROMISED: Final = Promises()
"""For a file with whatever tables: only the rules for every published file look at it."""

ROLE_NAMES: Final[Mapping[str, str]] = {
    "actual_value_key": "indicator_value_key",
    "baseline_value_key": "indicator_value_key",
    "comparator_value_key": "indicator_value_key",
    "published_value_key": "indicator_value_key",
    "value_a_key": "indicator_value_key",
    "value_b_key": "indicator_value_key",
}
"""Referring column -> referred column, where the role does not simply stand before the whole name: the role takes the
place of ``indicator``, or of the two groups that a gap lies between."""

TEXT_AS_FOUND: Final = frozenset(
    {
        "value_as_published",
        "value_note",
        "indicator_name_published",
        "load_reason",
        "reason",
        "approval_reason",
        "approved_by",
        "offending_value",
        "record_json",
        "details_json",
        "observed",
        "poll_detail",
        "detail",
        "example",
    }
)
"""Columns that show somebody else's text as it is, blanks and line ends too: changing it would hide what was found."""

_NO_RELEASE_BEFORE: Final = "There may be no release before, or none with other values."
_AS_THE_DATA_ARE: Final = "Whether there are any depends on the data that a run has."

PROMISES: Final = Promises(
    tables={
        "bridge_area_footprint": TablePromise(
            ("footprint_area_key", "area_key"),
            grain=("footprint_code", "footprint_type", "constituent_code", "valid_from"),
            empty_because=_AS_THE_DATA_ARE,
        ),
        "bridge_area_neighbour": TablePromise(
            ("neighbour_set_key", "neighbour_set_id"),
            grain=("neighbour_set_id", "area_code", "neighbour_code"),
            empty_because=_AS_THE_DATA_ARE,
        ),
        "bridge_commitment_indicator": TablePromise(
            ("commitment_key", "indicator_key", "population_group_key"),
            grain=("commitment_key", "indicator_key", "population_group_key", "versus_indicator_key"),
            empty_because=_AS_THE_DATA_ARE,
        ),
        "commitment_choice": TablePromise(
            ("commitment_id", "choice"), grain=("commitment_key", "choice"), empty_because=_AS_THE_DATA_ARE
        ),
        "correction": TablePromise(("correction_id",), empty_because="Sources may have no known fault."),
        "data_dictionary": TablePromise(("table_name", "ordinal_position")),
        "dim_area": TablePromise(("area_key",)),
        "dim_commitment": TablePromise(("commitment_key",)),
        "dim_date": TablePromise(("date_key",)),
        "dim_framework": TablePromise(("framework_key",)),
        "dim_indicator": TablePromise(("indicator_key",)),
        "dim_period": TablePromise(("period_key",)),
        "dim_population_group": TablePromise(("population_group_key",)),
        "dim_source": TablePromise(("source_key",)),
        "dim_status": TablePromise(("status_key",)),
        "dim_value_basis": TablePromise(("value_basis_key",)),
        "dim_value_status": TablePromise(("value_status_key",)),
        "fct_commitment_comparison": TablePromise(
            ("commitment_id", "area_code", "comparator_relation", "comparator_id", "commitment_comparison_key"),
            empty_because=_AS_THE_DATA_ARE,
        ),
        "fct_data_quality_check": TablePromise(("source_id", "stage", "check_id")),
        "fct_footprint_value": TablePromise(
            ("indicator_id", "area_code", "dim_period.period_end", "footprint_value_key"),
            empty_because=_AS_THE_DATA_ARE,
        ),
        "fct_indicator_value": TablePromise(
            ("indicator_id", "area_code", "dim_area.area_type", "dim_period.period_end", "indicator_value_key"),
            empty_because="Every source may have been refused, and none accepted before.",
        ),
        "fct_inequality": TablePromise(
            ("indicator_id", "area_code", "dim_period.period_end", "dimension"), empty_because=_AS_THE_DATA_ARE
        ),
        "fct_milestone": TablePromise(("commitment_id", "due_date", "milestone_key"), empty_because=_AS_THE_DATA_ARE),
        "fct_reported_figure": TablePromise(("figure_id",), empty_because=_AS_THE_DATA_ARE),
        "fct_revision": TablePromise(
            ("first_seen desc", "indicator_id", "area_code"), empty_because=_NO_RELEASE_BEFORE
        ),
        "fct_standardised_value": TablePromise(
            ("standardisation_id", "area_code"), empty_because="No source need publish counts by age band."
        ),
        "fct_target": TablePromise(
            ("commitment_key", "area_key", "indicator_key", "population_group_key", "period_key"),
            empty_because=_AS_THE_DATA_ARE,
        ),
        "fct_target_vs_actual": TablePromise(
            ("commitment_id", "area_code", "dim_period.period_end"), empty_because=_AS_THE_DATA_ARE
        ),
        "framework_priority": TablePromise(
            ("framework_id", "sequence"), grain=("framework_id", "aim", "priority"), empty_because=_AS_THE_DATA_ARE
        ),
        "indicator_freshness": TablePromise(("indicator_id",)),
        "indicator_name": TablePromise(
            ("indicator_id", "indicator_name_published"), empty_because="Sources need not print a name beside a value."
        ),
        "key_registry": TablePromise(("table_name", "surrogate_key")),
        "known_issue": TablePromise(("issue_id",), empty_because="There may be none."),
        "named_duplicate": TablePromise(
            ("source_id", "duplicate_reason"),
            grain=("source_id", "duplicate_reason"),
            empty_because="Sources need not repeat a row.",
        ),
        "quarantined_row": TablePromise(
            ("source_id", "source_file", "source_row_number", "rule", "quarantined_row_key"),
            empty_because="Every row of every source may be good.",
        ),
        "relationships": TablePromise(("from_table", "from_column", "to_table", "to_column")),
        "release": TablePromise(("release_id",)),
        "release_approval": TablePromise(
            ("approved_at", "change_id"), empty_because="Nothing may have needed an approval."
        ),
        "release_note": TablePromise(("note_number",), empty_because="Nothing may have changed."),
        "source_freshness": TablePromise(("source_id",)),
        "source_load": TablePromise(("source_id",)),
    },
    views=(
        "dim_due_date",
        "dim_period_end_date",
        "dim_period_start_date",
        "dim_published_date",
        "v_actual_vs_target",
        "v_commitment_breakdown",
        "v_comparison",
        "v_coverage",
        "v_data_quality",
        "v_indicator_latest",
        "v_scorecard",
        "v_trend",
    ),
    columns={
        "data_dictionary": (
            *("table_name", "column_name", "data_type", "description", "example", "unit", "is_personal"),
            *("aggregation_rule", "can_sum"),
        ),
        "dim_area": (
            *("area_code", "area_name", "area_type", "region_code", "icb_code", "upper_tier_code"),
            *("valid_from", "valid_to", "successor_code"),
        ),
        "dim_commitment": ("commitment_key", "commitment_id", "target_type", "valid_from", "valid_to", "is_current"),
        "dim_indicator": ("indicator_id", "indicator_name", "unit", "decimal_places", "polarity", "aggregation_rule"),
        "dim_period": (
            *("period_label", "period_type", "period_start", "period_end", "period_mid_date", "period_months"),
            *("period_sort", "period_start_date_key", "period_end_date_key"),
        ),
        "dim_population_group": ("sex", "age", "category_type", "category", "is_total"),
        "dim_status": ("status_label", "status_symbol", "status_colour", "status_sort"),
        "fct_indicator_value": (
            *("value", "lower_ci_95", "upper_ci_95", "count", "denominator", "value_status_code"),
            *("compared_to_england_published", "compared_to_england_computed"),
            *("recent_trend_published", "recent_trend_computed", "source_file_sha256", "source_row_number"),
            *("is_latest", "is_suppressed", "period_start_date_key", "period_end_date_key", "published_date_key"),
        ),
        "relationships": ("from_table", "from_column", "to_table", "to_column", "cardinality"),
        "release": ("release_id", "built_at", "as_at", "edition", "code_version", "row_count", "content_checksum"),
        "v_scorecard": (
            *("framework", "commitment_id", "title", "area_code", "area_name", "status_code"),
            *("not_assessable_reason", "explanation", "actual_value", "target_value", "baseline_value"),
            *("period_label", "is_latest", "actual_formatted", "target_formatted", "unit_suffix", "decimal_places"),
            *("polarity_label", "status_label", "status_symbol", "status_hex", "status_sort"),
        ),
        "v_trend": ("value_formatted", "unit_suffix", "decimal_places", "polarity_label", "is_latest"),
    },
    unrelated_keys={
        (
            "bridge_area_neighbour",
            "neighbour_set_key",
        ): "A set of neighbours has no table of its own; its name is here.",
        ("key_registry", "surrogate_key"): "A key of whichever dimension the row names.",
    },
)
"""Of ``warehouse/outcomes.duckdb``."""
