"""The record of every load and every check, as Parquet with declared types.

The shape of the two tables and how they are written belong here; what goes into them is decided in ``load_gate``.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipelines.check.gate import CheckResult

LoadState = Literal["accepted", "refused"]

LOAD: Final[dict[str, pl.DataType]] = {
    "source_id": pl.String(),
    "load_id": pl.String(),
    "load_state": pl.String(),
    "is_stale": pl.Int16(),
    "reason": pl.String(),
    "source_releases": pl.String(),
    "files": pl.Int64(),
    "landed_rows": pl.Int64(),
    "quarantined_rows": pl.Int64(),
    "refused_rows": pl.Int64(),
    "staged_rows": pl.Int64(),
    "served_rows": pl.Int64(),
    "served_load_id": pl.String(),
    "checked_at": pl.Datetime("us"),
    "served_since": pl.Datetime("us"),
}

CHECKS: Final[dict[str, pl.DataType]] = {
    "source_id": pl.String(),
    "check_id": pl.String(),
    "stage": pl.String(),
    "expectation_type": pl.String(),
    "column_name": pl.String(),
    "severity": pl.String(),
    "outcome": pl.String(),
    "rows_evaluated": pl.Int64(),
    "rows_failed": pl.Int64(),
    "observed": pl.String(),
    "details_json": pl.String(),
    "why": pl.String(),
    "evaluated_at": pl.Datetime("us"),
}


@dataclass(frozen=True, slots=True)
class LoadRow:
    """What became of the latest load of a source; ``landed_rows`` is staged + quarantined + refused.

    Attributes:
        source_id: The source.
        load_id: Identifies the bytes and the declaration of this load; ``None`` when nothing could be read.
        load_state: ``accepted`` or ``refused``.
        is_stale: 1 when this load was refused and older data are served.
        reason: Why it was refused, in a plain sentence; ``None`` if accepted.
        source_releases: Releases in the load, comma-separated.
        files: Files in the load.
        landed_rows: Rows read.
        quarantined_rows: Rows set aside.
        refused_rows: Rows turned away with the load.
        staged_rows: Rows of this load that are served.
        served_rows: Rows served after the gate, from this load or an older one.
        served_load_id: Load that the served rows come from; ``None`` when nothing is served.
        checked_at: When the gate ran, UTC.
        served_since: When the served load was first accepted, UTC; ``None`` when nothing is served.
    """

    source_id: str
    load_id: str | None
    load_state: LoadState
    is_stale: int
    reason: str | None
    source_releases: str
    files: int
    landed_rows: int
    quarantined_rows: int
    refused_rows: int
    staged_rows: int
    served_rows: int
    served_load_id: str | None
    checked_at: datetime
    served_since: datetime | None


def write_load(folder: Path, row: LoadRow) -> Path:
    """Write ``<source_id>.load.parquet`` in one step.

    Args:
        folder: The check log.
        row: The only row.

    Returns:
        The file written.
    """
    return _write(folder / f"{row.source_id}.load.parquet", [asdict(row)], LOAD)


def write_checks(folder: Path, source_id: str, results: Sequence[CheckResult]) -> Path:
    """Write ``<source_id>.checks.parquet`` in one step.

    Args:
        folder: The check log.
        source_id: Source, or published table, that the results are about.
        results: Every rule's result, evaluated or not.

    Returns:
        The file written; it has its columns and types even without results.
    """
    rows = [
        {
            "source_id": source_id,
            "check_id": one.check_id,
            "stage": one.stage,
            "expectation_type": one.expectation_type,
            "column_name": one.column_name,
            "severity": one.severity,
            "outcome": one.outcome,
            "rows_evaluated": one.rows_evaluated,
            "rows_failed": one.rows_failed,
            "observed": one.observed,
            "details_json": one.details_json,
            "why": one.why,
            "evaluated_at": one.evaluated_at,
        }
        for one in results
    ]
    return _write(folder / f"{source_id}.checks.parquet", rows, CHECKS)


def read_checks(folder: Path, source_id: str) -> tuple[CheckResult, ...]:
    """Read what every rule said the last time that it was put to a source, or to a table.

    Args:
        folder: The check log.
        source_id: Source, or published table, that the results are about.

    Returns:
        The results, in the order in which they were written; none when nothing was ever checked.
    """
    from pipelines.check.gate import CheckResult  # noqa: PLC0415 - the gate writes to this log

    path = folder / f"{source_id}.checks.parquet"
    if not path.exists():
        return ()
    return tuple(
        CheckResult(
            **{name: value for name, value in row.items() if name not in ("source_id", "details_json")},
            details=tuple(json.loads(row["details_json"])),
        )
        for row in pl.read_parquet(path).iter_rows(named=True)
    )


def read_load(folder: Path, source_id: str) -> LoadRow | None:
    """Read what became of the previous load.

    Args:
        folder: The check log.
        source_id: The source.

    Returns:
        The row, or ``None`` when the source has never been checked or the record is damaged.
    """
    path = folder / f"{source_id}.load.parquet"
    try:
        return LoadRow(**pl.read_parquet(path).row(0, named=True))
    except (OSError, TypeError, pl.exceptions.PolarsError):
        return None


def _write(path: Path, rows: Sequence[Mapping[str, Any]], schema: Mapping[str, pl.DataType]) -> Path:
    naive = [{key: _without_zone(value) for key, value in row.items()} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    pl.DataFrame(naive, schema=dict(schema), orient="row").write_parquet(part)
    os.replace(part, path)  # noqa: PTH105 - the atomic step, named as the standard library names it
    return path


def _without_zone(value: Any) -> Any:
    """Drop the zone of a UTC time: the published types have none, and every time in the log is UTC."""
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") and value.tzinfo is not None else value
