"""What differs between two releases, from what the archive keeps of them.

Comparing two sets of snapshots belongs here, with the SQL that the model itself uses, so that `outcomes diff` and
``fct_revision`` cannot disagree. Printing does not.
"""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl

from pipelines.acquire.announced_revisions import read_announced
from pipelines.problems import OutcomesError
from pipelines.publish.catalogue import literal
from pipelines.publish.release_sql import release_sql
from pipelines.publish.snapshot_schemas import ANNOUNCED, SNAPSHOTS, write_snapshot
from pipelines.publish.snapshots import match_release, read_snapshots, take_snapshots
from pipelines.release_archive import Archive
from pipelines.report.scorecard_csv import safe_cell
from pipelines.run_inputs import read_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipelines.acquire.announced_revisions import Announced
    from pipelines.settings import Settings

BUILD = "build"
"""Name of the last build, whether it was published or not."""


@dataclass(frozen=True, slots=True)
class DiffFilters:
    """What is asked of a comparison.

    Attributes:
        source: Only one source.
        commitment: Only one commitment, and the values of the indicators that measure it.
    """

    source: str | None = None
    commitment: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two releases.

    Attributes:
        release_id: Its name.
        as_at: Day that it speaks for.
        values: Values that it has.
    """

    release_id: str
    as_at: date
    values: int


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value that differs; the columns of ``value_changes``."""

    source_id: str
    indicator_id: str
    indicator_name: str
    area_code: str
    area_name: str
    period_label: str
    sex: str
    age: str
    category_type: str
    category: str
    revision_kind: str
    old_value: float | None
    new_value: float | None
    change_percent: float | None
    is_beyond_5_percent: int
    old_value_status_code: str | None
    new_value_status_code: str | None
    old_source_release: str | None
    new_source_release: str | None
    is_scheduled: int
    cause: str
    reason: str
    unit: str | None
    decimal_places: int | None


@dataclass(frozen=True, slots=True)
class IndicatorChanges:
    """How many values of one indicator differ in one way.

    Attributes:
        source_id: Its source.
        indicator_id: The indicator.
        indicator_name: Its name.
        kind: As in ``fct_revision``; also ``new_period`` and ``new_indicator``.
        cause: As there.
        values: How many.
        beyond: Of these, how many changed by more than 5 %.
    """

    source_id: str
    indicator_id: str
    indicator_name: str
    kind: str
    cause: str
    values: int
    beyond: int


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One line of the scorecard that appeared, went or has another status; the columns of ``status_changes``."""

    commitment_id: str
    title: str
    area_code: str
    area_name: str
    source_id: str | None
    indicator_id: str | None
    old_status_code: str | None
    old_status_label: str | None
    new_status_code: str | None
    new_status_label: str | None
    cause: str
    other_causes: str | None
    old_period_label: str | None
    new_period_label: str | None
    old_actual_value: float | None
    new_actual_value: float | None
    old_target_value: float | None
    new_target_value: float | None


@dataclass(frozen=True, slots=True)
class AreaLost:
    """An area of which a source has no value any more."""

    source_id: str
    area_code: str
    area_name: str
    values: int


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """Everything that differs.

    Attributes:
        old: The release compared with.
        new: The release compared.
        filters: What was asked.
        statuses: Lines of the scorecard.
        indicators: Differences of values, counted by indicator, kind and cause; news too.
        values: Values that differ, the largest changes first; without those of new periods and indicators.
        news: Values of new periods and indicators.
        areas_lost: Areas without any value left in a source.
    """

    old: Side
    new: Side
    filters: DiffFilters
    statuses: tuple[StatusChange, ...]
    indicators: tuple[IndicatorChanges, ...]
    values: tuple[ValueChange, ...]
    news: tuple[ValueChange, ...]
    areas_lost: tuple[AreaLost, ...]


_LARGEST_FIRST: Final = """
    from value_changes
    where revision_kind {which} ('new_period', 'new_indicator')
    order by
        is_beyond_5_percent desc,
        abs(change_percent) desc nulls last,
        indicator_id,
        area_code,
        area_type,
        period_end desc,
        period_start,
        period_type,
        sex,
        age,
        category_type,
        category
"""


def diff_releases(settings: Settings, old: str, new: str, filters: DiffFilters | None = None) -> ReleaseDiff:
    """Compare two releases of the archive; their files may have been deleted long ago.

    Args:
        settings: Folders.
        old: Release id, the beginning of one, ``served``, ``previous`` or ``build`` (the last build, published or not).
        new: The same.
        filters: What is asked.

    Returns:
        What differs.

    Raises:
        OutcomesError: There is no such release, source or commitment.
    """
    archive = Archive(settings.history)
    sides = [_side(one, archive, settings) for one in (old, new)]
    return diff_snapshots(sides[0], sides[1], read_announced(settings.raw), settings.dbt_project, filters)


def diff_snapshots(
    old: Mapping[str, pl.DataFrame],
    new: Mapping[str, pl.DataFrame],
    announced: Sequence[Announced],
    dbt_project: Path,
    filters: DiffFilters | None = None,
) -> ReleaseDiff:
    """Compare two sets of snapshots.

    Args:
        old: Name to rows, as ``read_snapshots`` gives them.
        new: The same.
        announced: Revisions that passports announce.
        dbt_project: Where the SQL is.
        filters: What is asked.

    Returns:
        What differs.

    Raises:
        OutcomesError: Neither release knows the source or commitment that was asked for.
    """
    asked = filters or DiffFilters()
    with tempfile.TemporaryDirectory(prefix="outcomes_diff_") as folder, duckdb.connect() as connection:
        relations = _relations(Path(folder), old, new, announced)
        values = release_sql(
            dbt_project,
            "value_changes",
            old=relations["old_indicator_values"],
            new=relations["new_indicator_values"],
            announced=relations["announced"],
        )
        statuses = release_sql(
            dbt_project,
            "status_changes",
            old=relations["old_statuses"],
            new=relations["new_statuses"],
            old_as_at=f"(select as_at from {relations['old_release']})",
            new_as_at=f"(select as_at from {relations['new_release']})",
        )
        for name, query in (("value_changes", values), ("status_changes", statuses)):
            connection.execute(f"create temp table {name} as {query}")
        _keep_asked(connection, relations, asked)
        return ReleaseDiff(
            old=_described(old),
            new=_described(new),
            filters=asked,
            statuses=_rows(connection, StatusChange, "from status_changes order by cause, commitment_id, area_code"),
            indicators=_rows(
                connection,
                IndicatorChanges,
                """
                from (
                    select
                        source_id,
                        indicator_id,
                        max(indicator_name) as indicator_name,
                        revision_kind as kind,
                        cause,
                        count(*) as values,
                        count(*) filter (where is_beyond_5_percent = 1) as beyond
                    from value_changes
                    group by all
                )
                order by source_id, indicator_id, kind, cause
                """,
            ),
            values=_rows(connection, ValueChange, _LARGEST_FIRST.format(which="not in")),
            news=_rows(connection, ValueChange, _LARGEST_FIRST.format(which="in")),
            areas_lost=_rows(
                connection,
                AreaLost,
                f"""
                from (
                    select source_id, area_code, max(area_name) as area_name, count(*) as values
                    from value_changes
                    where
                        old_value is not null
                        and new_value is null
                        and (source_id, area_code) not in (
                            select (source_id, area_code)
                            from {relations["new_indicator_values"]}
                            where value is not null
                        )
                    group by source_id, area_code
                )
                order by source_id, area_code
                """,
            ),
        )


def diff_csv(diff: ReleaseDiff) -> str:
    """Return every value and status that differs as a table, new values last.

    Args:
        diff: The comparison.

    Returns:
        RFC 4180 text; no cell begins like a formula.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    names = list(dict.fromkeys(field.name for kind in (ValueChange, StatusChange) for field in fields(kind)))
    writer.writerow(["old_release_id", "new_release_id", "what", *names])
    for what, lines in (("status", diff.statuses), ("value", diff.values), ("new value", diff.news)):
        for line in lines:
            cells = [diff.old.release_id, diff.new.release_id, what, *(getattr(line, name, None) for name in names)]
            writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue()


def _side(asked: str, archive: Archive, settings: Settings) -> Mapping[str, pl.DataFrame]:
    if asked != BUILD:
        return read_snapshots(archive, match_release(asked, archive, settings))
    if not settings.build_file.is_file():
        raise OutcomesError("There is no build to compare. Make one: outcomes refresh")
    as_at = read_inputs(settings.run_inputs_file).as_at
    with tempfile.TemporaryDirectory(prefix="outcomes_build_") as folder:
        try:
            taken = take_snapshots(settings.build_file, Path(folder), settings.dbt_project, unpublished_as_at=as_at)
        except duckdb.Error as error:
            raise OutcomesError(f"The last build is not complete: {str(error).splitlines()[0]}") from error
        return {name: pl.read_parquet(path) for name, path in taken.items()}


def _relations(
    folder: Path,
    old: Mapping[str, pl.DataFrame],
    new: Mapping[str, pl.DataFrame],
    announced: Sequence[Announced],
) -> dict[str, str]:
    """Write what is compared as Parquet, and return how SQL names each of it."""
    frames = {
        f"{age}_{name}": side[name].select(SNAPSHOTS[name].keys())
        for age, side in (("old", old), ("new", new))
        for name in ("release", "indicator_values", "statuses")
    }
    frames["announced"] = pl.DataFrame(
        [(one.source_id, one.source_release, one.kind, one.reason) for one in announced],
        schema=ANNOUNCED,
        orient="row",
    )
    return {
        name: f"read_parquet({literal(str(write_snapshot(folder / f'{name}.parquet', frame)))})"
        for name, frame in frames.items()
    }


def _keep_asked(connection: duckdb.DuckDBPyConnection, relations: Mapping[str, str], asked: DiffFilters) -> None:
    """Delete what was not asked for."""
    if asked.source is not None:
        sources = _both(relations, "indicator_values")
        _require_known(connection, f"select distinct source_id from {sources}", asked.source, "source")
        connection.execute("delete from value_changes where source_id <> ?", [asked.source])
        connection.execute("delete from status_changes where source_id is distinct from ?", [asked.source])
    if asked.commitment is not None:
        statuses = _both(relations, "statuses")
        _require_known(connection, f"select distinct commitment_id from {statuses}", asked.commitment, "commitment")
        connection.execute("delete from status_changes where commitment_id <> ?", [asked.commitment])
        connection.execute(
            f"""
            delete from value_changes
            where indicator_id not in (
                select indicator_id from {statuses} where commitment_id = ? and indicator_id is not null
            )
            """,
            [asked.commitment],
        )


def _both(relations: Mapping[str, str], name: str) -> str:
    return f"(from {relations[f'old_{name}']} union all from {relations[f'new_{name}']})"


def _require_known(connection: duckdb.DuckDBPyConnection, query: str, asked: str, kind: str) -> None:
    known = {str(row[0]) for row in connection.execute(query).fetchall()}
    if asked not in known:
        shown = f" Known: {', '.join(sorted(known))}." if len(known) <= 20 else ""
        raise OutcomesError(f"Neither release knows a {kind} {asked!r}.{shown}")


def _described(side: Mapping[str, pl.DataFrame]) -> Side:
    row = side["release"].row(0, named=True)
    return Side(row["release_id"], row["as_at"], side["indicator_values"].height)


def _rows(connection: duckdb.DuckDBPyConnection, record: type[Any], tail: str) -> tuple[Any, ...]:
    columns = ", ".join(f'"{field.name}"' for field in fields(record))
    return tuple(record(*row) for row in connection.execute(f"select {columns} {tail}").fetchall())
