"""What is kept of a release for comparison with the next one: its values, statuses, revisions, notes and keys.

Taking them out of a finished release, and putting those of the release that is served where the next run looks for
them, belong here. What their columns are is in ``snapshot_schemas``, what is compared with them in
``dbt_project/macros/releases``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb
import polars as pl

from pipelines.acquire.announced_revisions import read_announced
from pipelines.check.approvals import Approval, read_approvals
from pipelines.problems import OutcomesError
from pipelines.publish.catalogue import literal, quoted
from pipelines.publish.release_sql import release_sql
from pipelines.publish.snapshot_schemas import (
    ANNOUNCED,
    APPROVALS,
    KEYS,
    NOTES,
    RELEASE,
    REVISIONS,
    SNAPSHOTS,
    VALUE_KEY,
    Schema,
    write_snapshot,
)
from pipelines.release_archive import Archive
from pipelines.run_inputs import read_last_run
from pipelines.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

SUPPRESSED: Final = "suppressed"
"""Snapshot with what public editions withheld and showed so far (``publish.disclosure.history``). The model does not
read it."""

_ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "release": ("release_id",),
    "indicator_values": VALUE_KEY,
    "statuses": ("commitment_id", "area_code"),
    "revisions": ("first_seen", *VALUE_KEY),
    "notes": ("note_number",),
    "approvals": ("change_id",),
    "keys": ("table_name", "surrogate_key"),
}
_SQL: Final[Mapping[pl.DataType, str]] = {
    pl.String(): "varchar",
    pl.Float64(): "double",
    pl.Int64(): "bigint",
    pl.Int32(): "integer",
    pl.Int16(): "smallint",
    pl.Date(): "date",
    pl.Datetime("us"): "timestamp",
}
_APPROVAL_NAMES: Final = {"summary": "change_summary", "reason": "approval_reason"}


def take_snapshots(
    release_file: Path, folder: Path, dbt_project: Path | None = None, *, unpublished_as_at: date | None = None
) -> dict[str, Path]:
    """Write what is kept of a release: one Parquet a snapshot, the same bytes for the same release.

    Args:
        release_file: The finished release; opened read-only.
        folder: Receives ``<name>.parquet``.
        dbt_project: Where the SQL is; this checkout by default.
        unpublished_as_at: For a build that was not published, and so has no table ``release``: the day it speaks for.

    Returns:
        Name to file, for every name of ``SNAPSHOTS``.
    """
    project = dbt_project or Settings.from_environment().dbt_project
    selects = {
        "release": _columns("release" if unpublished_as_at is None else _unpublished(unpublished_as_at), RELEASE),
        "indicator_values": release_sql(
            project,
            "snapshot_of_values",
            facts="fct_indicator_value",
            indicators="dim_indicator",
            areas="dim_area",
            periods="dim_period",
            groups="dim_population_group",
            loads="source_load",
        ),
        "statuses": release_sql(
            project,
            "snapshot_of_statuses",
            scorecard="v_scorecard",
            facts="fct_target_vs_actual",
            commitments="dim_commitment",
            measures="bridge_commitment_indicator",
            milestones="fct_milestone",
            indicators="dim_indicator",
            groups="dim_population_group",
            status_codes="dim_status",
            as_at="(select as_at from release)" if unpublished_as_at is None else _day(unpublished_as_at),
        ),
        "revisions": _columns("fct_revision", REVISIONS),
        "notes": _columns("release_note", NOTES),
        "approvals": _columns("release_approval", APPROVALS, _APPROVAL_NAMES),
        "keys": _columns("key_registry" if unpublished_as_at is None else _no_rows(KEYS), KEYS),
    }
    written: dict[str, Path] = {}
    folder.mkdir(parents=True, exist_ok=True)
    # One thread, so that the bytes do not depend on the machine.
    with duckdb.connect(str(release_file), read_only=True, config={"threads": 1}) as connection:
        for name, select in selects.items():
            order = ", ".join(quoted(column) for column in _ORDER[name])
            columns = ", ".join(
                f"cast({quoted(column)} as {_SQL[kind]}) as {column}" for column, kind in SNAPSHOTS[name].items()
            )
            written[name] = folder / f"{name}.parquet"
            connection.execute(
                f"copy (select {columns} from ({select}) order by {order}) "
                f"to {literal(str(written[name]))} (format parquet, compression zstd)"
            )
    return written


def write_previous(settings: Settings) -> None:
    """Put what is kept of the release that is served where the model of this run reads it.

    Every table is there afterwards, without rows when nothing is served or the archive does not know what is. Approvals
    are those of that release and those given since; ``announced`` is what the passports of the raw releases say.

    Args:
        settings: Folders.
    """
    archive = Archive(settings.history)
    frames = {name: pl.DataFrame(schema=schema) for name, schema in SNAPSHOTS.items()}
    last = read_last_run(settings.state_file)
    if last is not None and archive.knows(last.release_id):
        frames |= read_snapshots(archive, last.release_id)
    frames["approvals"] = _approvals(frames["approvals"], read_approvals(settings))
    frames["announced"] = pl.DataFrame(
        [(one.source_id, one.source_release, one.kind, one.reason) for one in read_announced(settings.raw)],
        schema=ANNOUNCED,
        orient="row",
    )
    for name, frame in frames.items():
        write_snapshot(settings.previous / f"{name}.parquet", frame)
    memory = settings.previous / f"{SUPPRESSED}.parquet"
    memory.unlink(missing_ok=True)
    if last is not None and archive.knows(last.release_id):
        kept = archive.read(last.release_id).snapshots.get(SUPPRESSED)
        if kept is not None:
            archive.restore(kept, memory)


def read_snapshots(archive: Archive, release_id: str) -> dict[str, pl.DataFrame]:
    """Read what the archive keeps of a release, in the columns of today.

    Args:
        archive: The archive.
        release_id: The release.

    Returns:
        Name to rows for every name of ``SNAPSHOTS``; a column, or a whole snapshot, that an older version did not keep
        is empty.
    """
    kept = archive.read(release_id).snapshots
    return {
        name: _conformed(pl.read_parquet(archive.object(kept[name])), schema)
        if name in kept
        else pl.DataFrame(schema=schema)
        for name, schema in SNAPSHOTS.items()
    }


def match_release(asked: str, archive: Archive, settings: Settings) -> str:
    """Return the release that was asked for.

    Args:
        asked: A release id or the beginning of one, ``served``, or ``previous`` (the one before the served).
        archive: The archive.
        settings: Folders.

    Returns:
        The id.

    Raises:
        OutcomesError: No release is meant, or several.
    """
    known = archive.release_ids()
    if asked in ("served", "previous"):
        last = read_last_run(settings.state_file)
        if last is None or last.release_id not in known:
            raise OutcomesError("Nothing that is on record is being served. Publish a release: outcomes refresh")
        if asked == "served":
            return last.release_id
        earlier = known[: known.index(last.release_id)]
        if not earlier:
            raise OutcomesError(f"{last.release_id} is the first release: there is none before it.")
        return earlier[-1]
    return archive.find(asked)


def _columns(table: str, schema: Schema, names: Mapping[str, str] | None = None) -> str:
    renamed = names or {}
    columns = ", ".join(f"{quoted(renamed.get(name, name))} as {quoted(name)}" for name in schema)
    return f"select {columns} from {table}"


def _day(day: date) -> str:
    return f"date '{day.isoformat()}'"


def _unpublished(as_at: date) -> str:
    """Return the row of a build that nobody is served."""
    known = {"release_id": "'build'", "as_at": _day(as_at)}
    columns = ", ".join(f"{known.get(name, 'null')} as {name}" for name in RELEASE)
    return f"(select {columns})"


def _no_rows(schema: Schema) -> str:
    """Return an empty table: what only publishing makes, a build does not have."""
    return f"(select {', '.join(f'null as {quoted(name)}' for name in schema)} where false)"


def _conformed(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    )


def _approvals(used: pl.DataFrame, given: list[Approval]) -> pl.DataFrame:
    """Approvals that releases were built with, and those given since."""
    known = set(used["change_id"].to_list())
    rows = [
        {
            "change_id": one.change_id,
            "source_id": one.source_id,
            "previous_release_id": one.previous_release_id,
            "summary": one.summary,
            "reason": one.reason,
            "approved_by": one.approved_by,
            "approved_at": one.approved_at.replace(tzinfo=None),
            "let_through_at": None,
        }
        for one in given
        if one.change_id not in known
    ]
    return pl.concat([used, pl.DataFrame(rows, schema=APPROVALS, orient="row")]).sort("change_id")
