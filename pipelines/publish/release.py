"""Publish: make one finished, described, checksummed file out of the build file and put it in the served place.

The order of the steps belongs here, and the four tables that only a release can have (``data_dictionary``,
``relationships``, ``key_registry``, ``release``). Figures, statuses and the decision whether to publish do not: they
are the model's and the gates'.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.problems import ConfigurationError, NotPublished, OutcomesError
from pipelines.publish.allowed_types import require_allowed_types
from pipelines.publish.catalogue import MARTS_SCHEMA, literal, quoted, read_columns, read_relations
from pipelines.publish.checksum import columns_by_table, content_checksum, table_fingerprint
from pipelines.publish.conformance.lint import require_conformance
from pipelines.publish.conformance.promises import NOTHING_PROMISED
from pipelines.publish.copy_marts import comment_on, copy_marts
from pipelines.publish.data_dictionary import data_dictionary, read_examples, with_examples
from pipelines.publish.key_registry import (
    REGISTRY_TABLE,
    read_members,
    read_registry,
    updated_registry,
    write_registry_rows,
)
from pipelines.publish.served_file import (
    PARTIAL_SUFFIX,
    RELEASE_SUFFIX,
    clear_partials,
    prune_releases,
    remove_release,
    serve,
    store_release,
    sync,
)
from pipelines.publish.storage_format import BLOCK_SIZE, STORAGE_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence, Set
    from pathlib import Path

    from pipelines.publish.catalogue import Column, Relation
    from pipelines.publish.column_roles import ColumnRole
    from pipelines.publish.conformance.promises import Promises
    from pipelines.publish.data_dictionary import DictionaryEntry
    from pipelines.publish.key_registry import RegisteredKey
    from pipelines.publish.relationships import Relationship
    from pipelines.settings import Settings

CHECKS_TABLE = "fct_data_quality_check"

METADATA_TABLES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "data_dictionary": (
        "One row for every column of every table and view in this file: what it holds. For tools that hide comments.",
        {
            "table_name": ("VARCHAR NOT NULL", "Table or view that has the column."),
            "column_name": ("VARCHAR NOT NULL", "Name of the column."),
            "data_type": ("VARCHAR NOT NULL", "Type of the column in DuckDB."),
            "description": ("VARCHAR NOT NULL", "What the column holds."),
            "ordinal_position": ("INTEGER NOT NULL", "Place of the column in its table, the first being 1."),
            "is_key": ("SMALLINT NOT NULL", "1 when the column identifies a row or joins to a table, otherwise 0."),
            "table_description": ("VARCHAR NOT NULL", "What the table or view holds."),
            "aggregation_rule": (
                "VARCHAR NOT NULL",
                "How its numbers may be put together: sum (over any rows); semi_additive (over areas of one type, "
                "within one period, group and indicator, and counts only where is_count_numerator is not 0); none "
                "(never add or average); flag (the sum counts the rows that say yes); key and label (to join, show, "
                "sort and filter).",
            ),
            "can_sum": ("SMALLINT NOT NULL", "1 when the plain sum over any rows is true, otherwise 0."),
            "unit": (
                "VARCHAR",
                "Unit of its numbers; empty for what has none. The unit of the indicator is in dim_indicator; of a gap "
                "between percentages it is percentage points.",
            ),
            "example": (
                "VARCHAR",
                "A value of the column, at most 60 characters: of text the first in the alphabet, of anything else the "
                "largest. Empty where it has none, and for the tables that describe the release.",
            ),
            "is_personal": (
                "SMALLINT NOT NULL",
                "1 when the column holds data about people who can be identified, otherwise 0. Small counts are not "
                "such data and may still point at somebody; the public edition has none.",
            ),
        },
    ),
    "relationships": (
        "One row for every join between two tables in this file, each tested in the run that built it.",
        {
            "from_table": ("VARCHAR NOT NULL", "Table that refers to another."),
            "from_column": ("VARCHAR NOT NULL", "Column of that table that holds the reference."),
            "to_table": ("VARCHAR NOT NULL", "Table that is referred to."),
            "to_column": ("VARCHAR NOT NULL", "Column that is referred to; unique in its table."),
            "cardinality": ("VARCHAR NOT NULL", "many_to_one, or one_to_one when the referring column is unique too."),
        },
    ),
    "key_registry": (
        "One row for every surrogate key that a dimension has had in any release: what it stands for. A key never "
        "comes to stand for something else.",
        {
            "table_name": ("VARCHAR NOT NULL", "Dimension that has, or had, the key."),
            "surrogate_key": ("BIGINT NOT NULL", "The key."),
            "natural_key": (
                "VARCHAR NOT NULL",
                "What the key stands for: the codes that identify it, with a bar between them where there are several.",
            ),
            "first_release_id": (
                "VARCHAR NOT NULL",
                "First release that had the key, as far as the archive goes back.",
            ),
            "last_release_id": ("VARCHAR NOT NULL", "Newest release that had the key."),
            "is_current": ("SMALLINT NOT NULL", "1 when this release has the key, 0 when only earlier ones had it."),
        },
    ),
    "release": (
        "One row: which release this file is, and from what it was built.",
        {
            "release_id": ("VARCHAR NOT NULL", "Name of the release: when it was built, start of its fingerprint."),
            "built_at": ("TIMESTAMP NOT NULL", "When the release was built (UTC)."),
            "as_at": ("DATE NOT NULL", "Day for which the statuses speak."),
            "edition": (
                "VARCHAR NOT NULL",
                "whole, for staff: small counts may be in it; public: they, and what would give one away, are not.",
            ),
            "code_version": ("VARCHAR NOT NULL", "Version of the code that built the release."),
            "input_fingerprint": ("VARCHAR NOT NULL", "Fingerprint of all that went in: data, seeds, rules, code."),
            "storage_version": ("VARCHAR NOT NULL", "DuckDB storage format: the oldest client that opens the file."),
            "table_count": ("BIGINT NOT NULL", "Number of tables in the file, this one included, views not."),
            "row_count": ("BIGINT NOT NULL", "Number of rows in all tables of the file, this one included."),
            "content_checksum": (
                "VARCHAR NOT NULL",
                "Checksum of the contents of all other tables, whatever the order of their rows.",
            ),
        },
    ),
}
"""Table -> (its description, column -> (type, description))."""

PRIMARY_KEYS = {
    "data_dictionary": "table_name, column_name",
    "relationships": "from_table, from_column, to_table, to_column",
    "key_registry": "table_name, surrogate_key",
    "release": "release_id",
}


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """What is known of a release before its file is made.

    Attributes:
        built_at: Moment of the build, with a time zone.
        as_at: Day for which the statuses speak.
        code_version: Version of the code.
        input_fingerprint: Hexadecimal fingerprint of the inputs, eight digits or more.
    """

    built_at: datetime
    as_at: date
    code_version: str
    input_fingerprint: str

    def __post_init__(self) -> None:
        """Refuse what would give an ambiguous or unsafe release name.

        Raises:
            ConfigurationError: The time has no zone, or the fingerprint is not hexadecimal.
        """
        if self.built_at.tzinfo is None:
            raise ConfigurationError("built_at needs a time zone: a release is named after a moment, in UTC.")
        if not re.fullmatch(r"[0-9a-f]{8,}", self.input_fingerprint):
            raise ConfigurationError(f"input_fingerprint {self.input_fingerprint!r} is not lower-case hexadecimal.")

    @property
    def built_at_utc(self) -> datetime:
        """The moment of the build in UTC, whole seconds, without a zone: what a TIMESTAMP column holds."""
        return self.built_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)

    @property
    def release_id(self) -> str:
        """Name that sorts by time: ``20261122T153000Z-1a2b3c4d``."""
        return f"{self.built_at_utc:%Y%m%dT%H%M%SZ}-{self.input_fingerprint[:8]}"


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """A release that is being served.

    Attributes:
        release_id: Its name.
        served_file: The path that readers open.
        release_file: The same bytes among the kept releases.
        sha256: Of the file.
        table_count: Tables in it.
        row_count: Rows in all of them.
        content_checksum: Of their contents, whatever the order of rows.
        pruned: Files of older releases that were deleted.
    """

    release_id: str
    served_file: Path
    release_file: Path
    sha256: str
    table_count: int
    row_count: int
    content_checksum: str
    pruned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Contents:
    """Counts and checksum of a release, as its ``release`` table states them."""

    table_count: int
    row_count: int
    content_checksum: str


def publish(
    settings: Settings,
    build_file: Path,
    release: ReleaseRecord,
    extra_checks: Sequence[Mapping[str, Any]] = (),
    relationships: Sequence[Relationship] = (),
    *,
    column_roles: Mapping[tuple[str, str], ColumnRole] | None = None,
    previous_keys: Path | None = None,
    promises: Promises = NOTHING_PROMISED,
    before_serving: Callable[[Path, str], None] = lambda _file, _checksum: None,
) -> PublishedRelease:
    """Make a release from a build file that has passed its gates, and serve it.

    The served file is replaced in one step at the very end: whatever goes wrong before, readers keep the previous
    release. One publish at a time: the caller holds the run's lock.

    Args:
        settings: Where the served file and the releases are.
        build_file: Finished DuckDB file; only its schema ``main`` is published. It is opened read-only.
        release: Name and origin of the release.
        extra_checks: Rows to add to ``fct_data_quality_check``: column -> value; columns left out become NULL. They
            are the checks that look at the finished marts, and so cannot be in them yet.
        relationships: Tested joins; those of tables that are not published are left out.
        column_roles: How the models say that columns may be aggregated; None to go by their names alone.
        previous_keys: Snapshot ``keys`` of the release before; None when there is none to keep faith with.
        promises: Tables, order and columns that the file has to hold, beyond what every published file has to be.
        before_serving: Called with the stored release and its content checksum; what it raises keeps the release from
            being served.

    Returns:
        What was published.

    Raises:
        NotPublished: A type that drivers cannot show, a missing description, a name that is taken, a view that reads
            outside the file, a check row that does not fit, a key that changed its meaning, a rule for published files
            that does not hold, or a file that cannot be written or replaced as intended.
    """
    if not build_file.is_file():
        raise NotPublished(f"There is no build file at {build_file}. Run the model stage first.")
    before = read_registry(previous_keys) if previous_keys is not None else []
    settings.releases.mkdir(parents=True, exist_ok=True)
    clear_partials(settings.releases)
    release_file = settings.releases / f"{release.release_id}{RELEASE_SUFFIX}"
    partial = release_file.with_name(release_file.name + PARTIAL_SUFFIX)
    try:
        contents = _write(
            partial,
            build_file,
            release,
            extra_checks,
            relationships,
            column_roles=column_roles,
            previous_keys=before,
            order_of_checks=promises.tables[CHECKS_TABLE].order if CHECKS_TABLE in promises.tables else (),
        )
        _read_as_a_client(partial, release.release_id, promises, before)
        sha256 = store_release(partial, release_file)
    except (duckdb.Error, OSError) as error:
        raise NotPublished(f"The release could not be written: {error}") from error
    finally:
        clear_partials(settings.releases)
    try:
        before_serving(release_file, contents.content_checksum)
        serve(release_file, settings.served_file)
    except OSError as error:
        remove_release(release_file)
        raise NotPublished(f"The release could not be archived: {error}") from error
    except OutcomesError:
        remove_release(release_file)
        raise
    return PublishedRelease(
        release_id=release.release_id,
        served_file=settings.served_file,
        release_file=release_file,
        sha256=sha256,
        table_count=contents.table_count,
        row_count=contents.row_count,
        content_checksum=contents.content_checksum,
        pruned=tuple(prune_releases(settings.releases, settings.releases_kept, release_file)),
    )


def _write(
    partial: Path,
    build_file: Path,
    release: ReleaseRecord,
    extra_checks: Sequence[Mapping[str, Any]],
    relationships: Sequence[Relationship],
    *,
    column_roles: Mapping[tuple[str, str], ColumnRole] | None,
    previous_keys: Sequence[RegisteredKey],
    order_of_checks: Sequence[str],
) -> _Contents:
    """Write the complete release to ``partial`` and flush it to the disk."""
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute(f"set temp_directory = {literal(str(partial) + '.spill')}")
        connection.execute(f"attach {literal(str(build_file))} as build (read_only)")
        relations, columns = read_relations(connection, "build"), read_columns(connection, "build")
        _require_publishable(relations, columns, column_roles)
        options = f"storage_version {literal(STORAGE_VERSION)}, block_size {BLOCK_SIZE}"
        connection.execute(f"attach {literal(str(partial))} as new ({options})")
        copy_marts(connection, "build", "new", relations, columns)
        connection.begin()  # one commit, so that hundreds of rows and comments do not each wait for the disk
        _add_checks(connection, extra_checks, order_of_checks)
        for table in METADATA_TABLES:
            _create_metadata_table(connection, table)
        relations, columns = read_relations(connection, "new"), read_columns(connection, "new")
        members = read_members(connection, "new", columns_by_table(columns))
        registry = updated_registry(previous_keys, members, release.release_id)
        write_registry_rows(connection, f"new.main.{REGISTRY_TABLE}", registry)
        entries = _describe(connection, relations, columns, column_roles)
        _insert(connection, "data_dictionary", [astuple(entry) for entry in entries])
        names = {relation.name for relation in relations}
        tables = {relation.name for relation in relations if relation.kind == "TABLE"}
        _insert(
            connection,
            "relationships",
            [astuple(join) for join in relationships if {join.from_table, join.to_table} <= names],
        )
        contents = _add_release_row(connection, release, tables, columns)
        connection.commit()
        connection.execute("use memory")
        connection.execute("checkpoint new")
        connection.execute("detach new")
    sync(partial)
    return contents


def _require_publishable(
    relations: Sequence[Relation],
    columns: Sequence[Column],
    column_roles: Mapping[tuple[str, str], ColumnRole] | None,
) -> None:
    """Refuse a build that cannot be published, before anything is copied."""
    if not relations:
        raise NotPublished(f"The build file has no table in schema {MARTS_SCHEMA}: there is nothing to publish.")
    taken = sorted({relation.name for relation in relations} & METADATA_TABLES.keys())
    if taken:
        raise NotPublished(f"The marts may not be called {', '.join(taken)}: publishing makes those tables.")
    require_allowed_types(columns)
    data_dictionary(relations, columns, column_roles)


def _create_metadata_table(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Create one of the release's own tables, empty, with its comments."""
    description, columns = METADATA_TABLES[table]
    definition = ", ".join(f"{name} {data_type}" for name, (data_type, _) in columns.items())
    connection.execute(f"create table new.main.{table} ({definition}, primary key ({PRIMARY_KEYS[table]}))")
    comment_on(connection, "TABLE", f"new.main.{table}", description)
    for name, (_, text) in columns.items():
        comment_on(connection, "COLUMN", f"new.main.{table}.{name}", text)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, in the order of the table's columns."""
    if rows:
        places = ", ".join("?" for _ in rows[0])
        connection.executemany(f"insert into new.main.{table} values ({places})", rows)


def _describe(
    connection: duckdb.DuckDBPyConnection,
    relations: Sequence[Relation],
    columns: Sequence[Column],
    column_roles: Mapping[tuple[str, str], ColumnRole] | None,
) -> list[DictionaryEntry]:
    """Build the dictionary of the new file; view columns get the descriptions they inherit as comments, too."""
    entries = data_dictionary(relations, columns, column_roles)
    for column, entry in zip(columns, entries, strict=True):
        if column.description is None:
            name = f"new.main.{quoted(entry.table_name)}.{quoted(entry.column_name)}"
            comment_on(connection, "COLUMN", name, entry.description)
    return with_examples(entries, read_examples(connection, "new", relations, columns))


def _add_checks(connection: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]], order: Sequence[str]) -> None:
    """Insert check rows by column name, and sort all of them as the mart sorts its own.

    Raises:
        NotPublished: The build has no table of checks, or a row does not fit it.
    """
    for row in rows:
        names = ", ".join(quoted(name) for name in row)
        places = ", ".join("?" for _ in row)
        try:
            connection.execute(f"insert into new.main.{CHECKS_TABLE} ({names}) values ({places})", list(row.values()))
        except duckdb.Error as error:
            raise NotPublished(f"The check row {dict(row)} does not fit {CHECKS_TABLE}: {error}") from error
    if rows and order:
        connection.execute(
            f"create temp table all_checks as from new.main.{CHECKS_TABLE} order by {', '.join(map(quoted, order))}"
        )
        connection.execute(f"delete from new.main.{CHECKS_TABLE}")
        connection.execute(f"insert into new.main.{CHECKS_TABLE} from all_checks")


def _add_release_row(
    connection: duckdb.DuckDBPyConnection, release: ReleaseRecord, tables: Set[str], columns: Sequence[Column]
) -> _Contents:
    """Count and fingerprint every table, and state the result in the table ``release``."""
    names = columns_by_table(columns)
    counted = [table_fingerprint(connection, "new", table, names[table]) for table in sorted(tables - {"release"})]
    contents = _Contents(
        table_count=len(tables),
        row_count=sum(rows for rows, _ in counted) + 1,
        content_checksum=content_checksum(fingerprint for _, fingerprint in counted),
    )
    values = {
        "release_id": release.release_id,
        "built_at": release.built_at_utc,
        "as_at": release.as_at,
        "edition": "whole",
        "code_version": release.code_version,
        "input_fingerprint": release.input_fingerprint,
        "storage_version": STORAGE_VERSION,
        **{field.name: getattr(contents, field.name) for field in fields(contents)},
    }
    _insert(connection, "release", [tuple(values[name] for name in METADATA_TABLES["release"][1])])
    return contents


def _read_as_a_client(
    partial: Path, release_id: str, promises: Promises, previous_keys: Sequence[RegisteredKey]
) -> None:
    """Open the finished file as a BI tool would, with no other file in reach, and hold it against every rule.

    Raises:
        NotPublished: It has another name than intended, or breaks a rule.
    """
    with duckdb.connect(str(partial), read_only=True, config={"enable_external_access": False}) as connection:
        row = connection.execute("select release_id from release").fetchone()
        if row != (release_id,):
            raise NotPublished(f"The release calls itself {row} instead of {release_id}.")
    require_conformance(partial, promises=promises, previous_registry=previous_keys)
