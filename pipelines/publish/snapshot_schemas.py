"""The columns of what is kept of a release for comparison with the next one.

Names, types and order of the columns belong here, and files without rows. Taking the rows out of a release does not:
see ``snapshots``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Schema = dict[str, pl.DataType]

RELEASE: Final[Schema] = {
    "release_id": pl.String(),
    "built_at": pl.Datetime("us"),
    "as_at": pl.Date(),
    "code_version": pl.String(),
    "input_fingerprint": pl.String(),
    "storage_version": pl.String(),
    "table_count": pl.Int64(),
    "row_count": pl.Int64(),
    "content_checksum": pl.String(),
}

VALUE_KEY: Final = (
    "indicator_id",
    "area_code",
    "area_type",
    "period_type",
    "period_start",
    "period_end",
    "sex",
    "age",
    "category_type",
    "category",
)
"""What names one published value. The kind of period belongs to it (a financial year and twelve months from April are
two series), and so does the kind of area: a unitary authority stands among counties and among districts under one code.
An indicator has one source, so the source need not."""

INDICATOR_VALUES: Final[Schema] = {
    "source_id": pl.String(),
    "indicator_id": pl.String(),
    "indicator_name": pl.String(),
    "unit": pl.String(),
    "decimal_places": pl.Int32(),
    "area_code": pl.String(),
    "area_type": pl.String(),
    "area_name": pl.String(),
    "period_type": pl.String(),
    "period_sort": pl.Int64(),
    "period_label": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "sex": pl.String(),
    "age": pl.String(),
    "category_type": pl.String(),
    "category": pl.String(),
    "value": pl.Float64(),
    "lower_ci_95": pl.Float64(),
    "upper_ci_95": pl.Float64(),
    "count": pl.Float64(),
    "denominator": pl.Float64(),
    "value_status_code": pl.String(),
    "correction_id": pl.String(),
    "is_stale": pl.Int16(),
    "source_release": pl.String(),
    "source_file": pl.String(),
    "source_file_sha256": pl.String(),
    "load_id": pl.String(),
}

STATUSES: Final[Schema] = {
    "commitment_id": pl.String(),
    "valid_from": pl.Date(),
    "title": pl.String(),
    "area_code": pl.String(),
    "area_name": pl.String(),
    "place_role": pl.String(),
    "source_id": pl.String(),
    "indicator_id": pl.String(),
    "population_group": pl.String(),
    "status_code": pl.String(),
    "status_label": pl.String(),
    "is_judged": pl.Int16(),
    "status_rule_order": pl.Int32(),
    "status_rule_why": pl.String(),
    "not_assessable_reason": pl.String(),
    "period_label": pl.String(),
    "period_end": pl.Date(),
    "actual_value": pl.Float64(),
    "actual_lower_ci_95": pl.Float64(),
    "actual_upper_ci_95": pl.Float64(),
    "baseline_period_label": pl.String(),
    "baseline_value": pl.Float64(),
    "comparator_value": pl.Float64(),
    "target_operator": pl.String(),
    "target_value": pl.Float64(),
    "deadline_state": pl.String(),
    "due_date": pl.Date(),
    "records": pl.String(),
    "register": pl.String(),
}

REVISIONS: Final[Schema] = {
    "revision_key": pl.Int64(),
    "source_id": pl.String(),
    "indicator_id": pl.String(),
    "indicator_name": pl.String(),
    "area_code": pl.String(),
    "area_type": pl.String(),
    "area_name": pl.String(),
    "period_type": pl.String(),
    "period_label": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "sex": pl.String(),
    "age": pl.String(),
    "category_type": pl.String(),
    "category": pl.String(),
    "revision_kind": pl.String(),
    "old_value": pl.Float64(),
    "new_value": pl.Float64(),
    "change_percent": pl.Float64(),
    "is_beyond_5_percent": pl.Int16(),
    "old_lower_ci_95": pl.Float64(),
    "new_lower_ci_95": pl.Float64(),
    "old_upper_ci_95": pl.Float64(),
    "new_upper_ci_95": pl.Float64(),
    "old_count": pl.Float64(),
    "new_count": pl.Float64(),
    "old_denominator": pl.Float64(),
    "new_denominator": pl.Float64(),
    "old_value_status_code": pl.String(),
    "new_value_status_code": pl.String(),
    "old_source_release": pl.String(),
    "new_source_release": pl.String(),
    "is_scheduled": pl.Int16(),
    "cause": pl.String(),
    "reason": pl.String(),
    "previous_release_id": pl.String(),
    "first_seen": pl.Datetime("us"),
}

NOTES: Final[Schema] = {
    "release_note_key": pl.Int64(),
    "note_number": pl.Int32(),
    "section": pl.String(),
    "source_id": pl.String(),
    "indicator_id": pl.String(),
    "commitment_id": pl.String(),
    "area_code": pl.String(),
    "value_count": pl.Int64(),
    "old_text": pl.String(),
    "new_text": pl.String(),
    "cause": pl.String(),
    "sentence": pl.String(),
    "change_id": pl.String(),
    "previous_release_id": pl.String(),
}

APPROVALS: Final[Schema] = {
    "change_id": pl.String(),
    "source_id": pl.String(),
    "previous_release_id": pl.String(),
    "summary": pl.String(),
    "reason": pl.String(),
    "approved_by": pl.String(),
    "approved_at": pl.Datetime("us"),
    "let_through_at": pl.Datetime("us"),
}

ANNOUNCED: Final[Schema] = {
    "source_id": pl.String(),
    "source_release": pl.String(),
    "revision_kind": pl.String(),
    "revision_reason": pl.String(),
}

KEYS: Final[Schema] = {
    "table_name": pl.String(),
    "surrogate_key": pl.Int64(),
    "natural_key": pl.String(),
    "first_release_id": pl.String(),
    "last_release_id": pl.String(),
    "is_current": pl.Int16(),
}

SNAPSHOTS: Final[Mapping[str, Schema]] = {
    "release": RELEASE,
    "indicator_values": INDICATOR_VALUES,
    "statuses": STATUSES,
    "revisions": REVISIONS,
    "notes": NOTES,
    "approvals": APPROVALS,
    "keys": KEYS,
}
"""What is kept of every release: name -> columns."""


def write_snapshot(path: Path, frame: pl.DataFrame) -> Path:
    """Write a Parquet file whose bytes depend on its rows alone.

    Args:
        path: File to write, in one step.
        frame: The rows, in their order.

    Returns:
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    frame.write_parquet(partial, compression="zstd", compression_level=3, statistics=True, row_group_size=100_000)
    partial.replace(path)
    return path


def write_empty(folder: Path) -> None:
    """Write every table that the model is told of an earlier release, without rows: nothing has been published.

    Args:
        folder: Receives ``<name>.parquet`` for each of :data:`SNAPSHOTS`, and ``announced.parquet``.
    """
    for name, schema in {**SNAPSHOTS, "announced": ANNOUNCED}.items():
        write_snapshot(folder / f"{name}.parquet", pl.DataFrame(schema=schema))
