"""The public edition: a release without what may identify somebody, in the same tables, columns and views.

The order of the steps and the file itself belong here; what is withheld, and why, is decided in
``pipelines.publish.disclosure``, whose docstring says what is promised.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from pipelines.problems import NotPublished
from pipelines.publish.catalogue import MARTS_SCHEMA, Column, Relation, literal, quoted, read_columns, read_relations
from pipelines.publish.checksum import columns_by_table, content_checksum, table_fingerprint
from pipelines.publish.conformance.promises import TablePromise
from pipelines.publish.copy_marts import copy_marts
from pipelines.publish.data_dictionary import rewrite_examples
from pipelines.publish.disclosure.blanking import BLANKED, Withheld, blank_tables, shown_numbers
from pipelines.publish.disclosure.checks import require_all_empty, require_nothing_small
from pipelines.publish.disclosure.flags import read_cells
from pipelines.publish.disclosure.history import ShownNumbers, SuppressedCells, read_suppressed, write_suppressed
from pipelines.publish.disclosure.identities import read_geography
from pipelines.publish.disclosure.secondary import decide
from pipelines.publish.disclosure.treatments import read_treatments
from pipelines.publish.served_file import PARTIAL_SUFFIX, READ_ONLY, sync
from pipelines.publish.storage_format import BLOCK_SIZE, STORAGE_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.acquire.disclosure_policy import DisclosurePolicy
    from pipelines.publish.conformance.promises import Promises
    from pipelines.publish.disclosure.flags import Cell
    from pipelines.publish.disclosure.secondary import Decision

__all__ = [
    "PublicEditionReport",
    "SuppressedCells",
    "is_public",
    "make_public_edition",
    "public_promises",
    "read_suppressed",
    "write_suppressed",
]

POLICY_TABLE: Final = "disclosure_policy"
_POLICY_DESCRIPTION: Final = (
    "One row a source: which of its figures the public edition withholds, who decides that, and how many there are."
)
_POLICY_COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "source_key": ("BIGINT NOT NULL", "Key of the source in dim_source."),
    "source_id": ("VARCHAR NOT NULL", "Source."),
    "method": ("VARCHAR NOT NULL", "threshold, round, or none where only the publisher withholds."),
    "min_count": ("INTEGER", "Smallest count of people that is shown; smaller ones but nobody are withheld."),
    "round_to": ("INTEGER", "Multiple to which other counts are rounded; empty where they are not."),
    "is_zero_shown": ("SMALLINT NOT NULL", "1 when a count of nobody is shown."),
    "levels": ("VARCHAR NOT NULL", "Area types to which the policy applies."),
    "owner": ("VARCHAR NOT NULL", "Role that decides on the policy."),
    "review_date": ("DATE NOT NULL", "Day by which the policy is looked at again."),
    "reason": ("VARCHAR NOT NULL", "Why the policy is as it is."),
    "suppressed_values": (
        "BIGINT NOT NULL",
        "Figures of the source that are withheld: small ones and those that protect them, which are not told apart.",
    ),
}
_AGGREGATION: Final = {
    "source_key": "key",
    "min_count": "none",
    "round_to": "none",
    "is_zero_shown": "flag",
    "suppressed_values": "sum",
}
_PUBLIC: Final = "The public edition, without what may identify somebody. "
_SUPPRESSED_HERE: Final = "Withheld, by the publisher or in this edition, so that nobody can be identified."


def is_public(file: Path) -> bool:
    """Return whether a file says that it is a public edition.

    Args:
        file: A DuckDB file; one that cannot be read is none.
    """
    try:
        with duckdb.connect(str(file), read_only=True, config={"enable_external_access": False}) as connection:
            return connection.execute("select edition from release").fetchall() == [("public",)]
    except duckdb.Error:
        return False


def public_promises(promises: Promises) -> Promises:
    """Return what a public edition has to hold: what a release holds, and the table of policies.

    Args:
        promises: What a release has to hold.
    """
    return replace(promises, tables={**promises.tables, POLICY_TABLE: TablePromise(order=("source_id",))})


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What is withheld of one source.

    Attributes:
        primary: Figures that are small, or imply a small count.
        inherited: Figures that the publisher withholds.
        secondary: Figures that protect others, say the same as others, or were withheld by an earlier edition.
    """

    primary: int
    inherited: int
    secondary: int


@dataclass(frozen=True, slots=True)
class PublicEditionReport:
    """What was done to make a public edition. For staff: it tells small figures from those that protect them.

    Attributes:
        by_source: Source to counts.
        reasons: Why figures were flagged, to their number.
        partners: Figures withheld to protect others against subtraction.
        twins: Figures withheld because they say the same as a withheld one.
        sticky: Figures withheld because an earlier public edition withheld them.
        derived: Table to rows of which something computed from a withheld figure was emptied or left out.
        exposed_before: Ids of flagged figures that earlier public editions show, or let be worked out. It cannot be
            taken back.
        identities: Sums looked at, by kind.
        suppressed: Memory to hand to the next public edition.
        content_checksum: Of the public file.
        row_count: Rows in it.
    """

    by_source: Mapping[str, SourceCounts]
    reasons: Mapping[str, int]
    partners: int
    twins: int
    sticky: int
    derived: Mapping[str, int]
    exposed_before: tuple[str, ...]
    identities: Mapping[str, int]
    suppressed: SuppressedCells
    content_checksum: str
    row_count: int

    def sentences(self) -> list[str]:
        """Return what a log says of it, one sentence a line."""
        primary = sum(one.primary for one in self.by_source.values())
        secondary = sum(one.secondary for one in self.by_source.values())
        said = [
            f"Public edition: {primary:,} small figures withheld, {secondary:,} more to protect them; "
            f"{sum(self.derived.values()):,} rows in {len(self.derived)} tables emptied or left out in part."
        ]
        said += [
            f"  {source}: {one.primary} small, {one.inherited} withheld by the publisher, {one.secondary} to protect."
            for source, one in self.by_source.items()
            if one.primary or one.inherited or one.secondary
        ]
        if self.exposed_before:
            said.append(
                f"Earlier public editions show {len(self.exposed_before)} figures that are withheld now, which cannot "
                f"be taken back: {', '.join(self.exposed_before)}."
            )
        return said


def make_public_edition(
    release_file: Path,
    public_file: Path,
    policies: Mapping[str, DisclosurePolicy],
    previous_suppressed: SuppressedCells | None = None,
) -> PublicEditionReport:
    """Make the public edition of a release.

    Nothing of what is withheld is ever written to the public file, so that no free block can hold it. With the same
    arguments the file has the same contents in the same order; its bytes differ, because DuckDB places blocks freely.

    Args:
        release_file: A finished release. It is opened read-only.
        public_file: Where the public edition goes; replaced in one step, read-only.
        policies: Source to policy, of every source of the release.
        previous_suppressed: Memory of earlier public editions, from :func:`read_suppressed`.

    Returns:
        What was withheld.

    Raises:
        NotPublished: A column without a decision, a source without a policy, a count that cannot be protected, or a
            finished file that still shows a small one. No public file is left then.
    """
    before = previous_suppressed or SuppressedCells()
    partial = public_file.with_name(public_file.name + PARTIAL_SUFFIX)
    public_file.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)
    try:
        report = _make(release_file, partial, policies, before)
        sync(partial)
        partial.chmod(READ_ONLY)
        partial.replace(public_file)
    except (duckdb.Error, OSError) as error:
        raise NotPublished(f"The public edition could not be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
        Path(f"{partial}.wal").unlink(missing_ok=True)
    return replace(report, suppressed=before.and_then(report.suppressed))


def _make(
    release_file: Path, partial: Path, policies: Mapping[str, DisclosurePolicy], before: SuppressedCells
) -> PublicEditionReport:
    """Write the file, and read it again."""
    treatments = read_treatments()
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute(f"attach {literal(str(release_file))} as whole (read_only)")
        relations, columns = read_relations(connection, "whole"), read_columns(connection, "whole")
        tables = [relation.name for relation in relations if relation.kind == "TABLE"]
        treatments.require_all(columns, tables)
        _require_policies(connection, policies)
        cells = read_cells(connection, "whole", policies)
        decision = decide(cells, read_geography(connection, "whole"), before.suppressed, before.shown)
        what = Withheld(cells, decision.withheld, policies)
        derived = blank_tables(connection, treatments, columns, tables, what)
        relations, columns = _add_policies(connection, relations, columns, what)
        _describe_suppression(connection, tables)
        has_examples = ("data_dictionary", "example") in {(column.relation, column.name) for column in columns}
        if has_examples:  # emptied before they reach the file
            connection.execute(f"update {BLANKED}.{MARTS_SCHEMA}.data_dictionary set example = null")
        options = f"storage_version {literal(STORAGE_VERSION)}, block_size {BLOCK_SIZE}"
        connection.execute(f"attach {literal(str(partial))} as new ({options})")
        copy_marts(connection, BLANKED, "new", relations, columns)
        if has_examples:
            rewrite_examples(connection, "new")
        checksum, row_count = _state_release(connection, relations, columns)
        connection.execute("use memory")
        connection.execute("checkpoint new")
        require_nothing_small(connection, "new", policies)
        require_all_empty(connection, "new", treatments, cells, decision.withheld)
        connection.execute("detach new")
    return _report(cells, decision, derived, checksum, row_count)


def _require_policies(connection: duckdb.DuckDBPyConnection, policies: Mapping[str, DisclosurePolicy]) -> None:
    """Refuse a release with figures of a source for which nobody has decided.

    Raises:
        NotPublished: The message names the sources.
    """
    rows = connection.execute(
        "select distinct source_id from whole.main.dim_indicator where source_id is not null order by 1"
    ).fetchall()
    missing = [str(source) for (source,) in rows if source not in policies]
    if missing:
        raise NotPublished(
            f"No disclosure policy is declared for {', '.join(missing)}: add a `disclosure:` block to its declaration."
        )


def _add_policies(
    connection: duckdb.DuckDBPyConnection,
    relations: Sequence[Relation],
    columns: Sequence[Column],
    what: Withheld,
) -> tuple[list[Relation], list[Column]]:
    """Add the table of policies, with its entries in the dictionary and among the relationships."""
    definition = ", ".join(f"{name} {data_type}" for name, (data_type, _) in _POLICY_COLUMNS.items())
    sql = f"create table {POLICY_TABLE} ({definition}, primary key (source_key))"
    connection.execute(f"use {BLANKED}")
    connection.execute(sql)
    counted = Counter(what.cells[i].source_id for i in what.positions)
    keys = dict(connection.execute("select source_id, source_key from whole.main.dim_source").fetchall())
    rows: list[tuple[Any, ...]] = [
        (
            keys[source],
            source,
            policy.method,
            policy.min_count,
            policy.round_to,
            int(policy.zero_is_safe),
            policy.levels if isinstance(policy.levels, str) else ", ".join(policy.levels),
            policy.owner,
            policy.review_date,
            policy.reason,
            counted[source],
        )
        for source, policy in sorted(what.policies.items())
        if source in keys
    ]
    if rows:
        places = ", ".join("?" for _ in _POLICY_COLUMNS)
        connection.executemany(f"insert into {POLICY_TABLE} values ({places})", rows)
    own = [
        Column(POLICY_TABLE, name, data_type.removesuffix(" NOT NULL"), place, description, name == "source_key")
        for place, (name, (data_type, description)) in enumerate(_POLICY_COLUMNS.items(), start=1)
    ]
    _add_rows(
        connection,
        "data_dictionary",
        columns,
        [
            {
                "table_name": POLICY_TABLE,
                "column_name": column.name,
                "data_type": column.data_type,
                "description": column.description,
                "ordinal_position": column.position,
                "is_key": int(column.in_primary_key),
                "table_description": _POLICY_DESCRIPTION,
                "aggregation_rule": _AGGREGATION.get(column.name, "label"),
                "can_sum": int(_AGGREGATION.get(column.name) in {"sum", "flag"}),
                "is_personal": 0,
            }
            for column in own
        ],
        "table_name, ordinal_position",
    )
    joins = {"from_table": POLICY_TABLE, "from_column": "source_key", "to_table": "dim_source"}
    _add_rows(
        connection,
        "relationships",
        columns,
        [joins | {"to_column": "source_key", "cardinality": "one_to_one"}],
        "from_table, from_column, to_table, to_column",
    )
    here = Relation(POLICY_TABLE, "TABLE", _POLICY_DESCRIPTION, sql)
    marked = [
        replace(one, description=f"{_PUBLIC}{one.description or ''}".strip()) if one.name == "release" else one
        for one in relations
    ]
    connection.execute(
        f"update {BLANKED}.{MARTS_SCHEMA}.data_dictionary set table_description = ? || table_description "
        "where table_name = 'release'",
        [_PUBLIC],
    )
    return [*marked, here], [*columns, *own]


def _add_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, object]],
    order: str,
) -> None:
    """Add rows to a blanked table, in order; columns that are not given are empty."""
    mine = [column for column in columns if column.relation == table]
    if not mine:
        return
    names = ", ".join(quoted(column.name) for column in mine)
    places = ", ".join("?" for _ in mine)
    for row in rows:
        given = [row.get(column.name) for column in mine]
        connection.execute(f"insert into {BLANKED}.{MARTS_SCHEMA}.{table} ({names}) values ({places})", given)
    connection.execute(
        f"create or replace table {BLANKED}.{MARTS_SCHEMA}.{table} as "
        f"select * from {BLANKED}.{MARTS_SCHEMA}.{table} order by {order}"
    )


def _describe_suppression(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> None:
    """Say of the status of withheld figures that this edition uses it too."""
    if "dim_value_status" in tables:
        connection.execute(
            f"update {BLANKED}.{MARTS_SCHEMA}.dim_value_status set description = ? "
            "where value_status_code = 'suppressed'",
            [_SUPPRESSED_HERE],
        )


def _state_release(
    connection: duckdb.DuckDBPyConnection, relations: Sequence[Relation], columns: Sequence[Column]
) -> tuple[str, int]:
    """Count and fingerprint the tables of the new file, and state the result in ``release``."""
    names = columns_by_table(columns)
    tables = sorted(relation.name for relation in relations if relation.kind == "TABLE")
    counted = [table_fingerprint(connection, "new", table, names[table]) for table in tables if table != "release"]
    checksum = content_checksum(fingerprint for _, fingerprint in counted)
    row_count = sum(rows for rows, _ in counted) + 1
    connection.execute(
        f"update new.{MARTS_SCHEMA}.release set table_count = ?, row_count = ?, content_checksum = ?",
        [len(tables), row_count, checksum],
    )
    if "edition" in names["release"]:
        connection.execute(f"update new.{MARTS_SCHEMA}.release set edition = 'public'")
    return checksum, row_count


def _report(
    cells: Sequence[Cell], decision: Decision, derived: Mapping[str, int], checksum: str, row_count: int
) -> PublicEditionReport:
    """Count what was done."""
    sources = sorted({cell.source_id for cell in cells})
    of = {
        kind: Counter(cells[i].source_id for i in positions)
        for kind, positions in (
            ("primary", decision.primary),
            ("inherited", decision.inherited),
            ("secondary", decision.secondary),
        )
    }
    return PublicEditionReport(
        by_source={
            source: SourceCounts(of["primary"][source], of["inherited"][source], of["secondary"][source])
            for source in sources
        },
        reasons=dict(sorted(Counter(reason for i in decision.primary for reason in cells[i].reasons).items())),
        partners=len(decision.partner),
        twins=len(decision.twin),
        sticky=len(decision.sticky),
        derived=dict(derived),
        exposed_before=tuple(sorted(cells[i].cell_id for i in decision.exposed_before)),
        identities=decision.identities,
        suppressed=_memory(cells, decision),
        content_checksum=checksum,
        row_count=row_count,
    )


def _memory(cells: Sequence[Cell], decision: Decision) -> SuppressedCells:
    """Return what the edition withholds and shows, as :func:`read_suppressed` would read it."""
    shown: dict[str, ShownNumbers] = {}
    for i, cell in enumerate(cells):
        if i not in decision.withheld:
            value, count, _ = shown_numbers(cell)
            if value is not None or count is not None:
                shown[cell.cell_id] = ShownNumbers(value, count)
    return SuppressedCells(frozenset(cells[i].cell_id for i in decision.withheld), shown)
