"""The rules about keys, members of dimensions and joins.

What stands in other columns is in ``content_rules``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.publish.catalogue import literal, quoted
from pipelines.publish.conformance.findings import LintedFile, Looked, Violation, is_key, rows
from pipelines.publish.conformance.promises import ROLE_NAMES
from pipelines.publish.key_registry import (
    MEMBERS_FOR_ABSENCE,
    NATURAL_KEYS,
    REGISTRY_TABLE,
    RegisteredKey,
    key_column,
    key_conflicts,
    read_members,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXACT_AS_A_DOUBLE: Final = 2**53
_WHOLE: Final = frozenset({"SMALLINT", "INTEGER", "BIGINT"})
_CARDINALITIES: Final = ("many_to_one", "one_to_one")
_TEST: Final = "Correct the relationships test in the YAML of its mart."


def rows_are_identified(file: LintedFile) -> Looked:
    """Look for a primary key, or count the rows that share the declared grain."""
    broken: list[Violation] = []
    promised = {name: promise for name, promise in file.promises.tables.items() if name in file.tables}
    for table, promise in promised.items():
        if table in file.primary_keys:
            continue
        if not promise.grain:
            remedy = "Give it a primary key in its mart, or say its grain in conformance/promises.py."
            broken.append(Violation(table, None, "has no primary key and no declared grain", remedy))
        elif not file.has(table, *promise.grain):
            broken.append(
                Violation(table, ", ".join(promise.grain), "is its grain and not there", "Correct the promise.")
            )
        elif count := _repeated(file, table, promise.grain):
            seen = f"is its grain and is shared by {rows(count)}"
            broken.append(Violation(table, ", ".join(promise.grain), seen, "Make the rows distinct in the mart."))
    return Looked(len(promised), broken)


def keys_are_whole_numbers(file: LintedFile) -> Looked:
    """Look at the type of every surrogate key, and at its size."""
    keys = file.columns_of_tables(is_key)
    remedy = "Cast it in its mart to BIGINT, and keep it within 53 bits."
    broken: list[Violation] = []
    for table, names in keys.items():
        for name in names:
            if file.of[table][name].data_type not in _WHOLE:
                broken.append(Violation(table, name, "is a key and no integer", remedy, file.of[table][name].data_type))
    whole = {table: [one for one in names if file.of[table][one].data_type in _WHOLE] for table, names in keys.items()}
    broken += [
        Violation(table, name, f"is too large for a double in {rows(count)}", remedy, value)
        for table, name, count, value in file.per_column(
            {table: names for table, names in whole.items() if names},
            lambda name: f"{name} not between -{_EXACT_AS_A_DOUBLE} and {_EXACT_AS_A_DOUBLE}",
        )
    ]
    return Looked(sum(map(len, keys.values())), broken)


def members_for_absence(file: LintedFile) -> Looked:
    """Look for -1 and -2 in every dimension, and for their words."""
    broken: list[Violation] = []
    dimensions = [table for table in file.tables if table.startswith("dim_")]
    for table in dimensions:
        key = key_column(table)
        if not file.has(table, key):
            broken.append(
                Violation(table, key, "is the key of a dimension and not there", "Name the key as its table.")
            )
            continue
        texts = [quoted(one.name) for one in file.of[table].values() if one.data_type == "VARCHAR"]
        said = f"list_contains([{', '.join(texts)}], $word)" if texts else "false"
        for number, word in MEMBERS_FOR_ABSENCE.items():
            if not file.count_rows(table, f"{quoted(key)} = {number} and {said.replace('$word', literal(word))}"):
                remedy = f"Add the member to the mart: key {number}, {word!r} as its label."
                broken.append(Violation(table, key, f"has no member {number} that says {word}", remedy, str(number)))
    return Looked(len(dimensions) * len(MEMBERS_FOR_ABSENCE), broken)


def relationships_exist(file: LintedFile) -> Looked:
    """Look for both ends of every relationship, and hold their types against each other."""
    broken: list[Violation] = []
    for from_table, from_column, to_table, to_column, _ in file.relationships:
        ends = [(from_table, from_column), (to_table, to_column)]
        missing = [end for end in ends if not file.has(*end)]
        broken += [Violation(*end, "is named by a relationship and not there", _TEST) for end in missing]
        if not missing:
            one, other = (file.of[table][column].data_type for table, column in ends)
            if one != other:
                seen = f"is {one} and refers to {to_table}.{to_column}, which is {other}"
                broken.append(Violation(from_table, from_column, seen, "Cast both to one type.", one))
    return Looked(len(file.relationships), broken)


def relationships_share_names(file: LintedFile) -> Looked:
    """Hold the names of both ends of every relationship against each other."""
    return Looked(
        len(file.relationships),
        [
            Violation(
                from_table,
                from_column,
                f"refers to {to_table}.{to_column} under a name that does not end in it",
                "Give both one name, with the role before it where there are several.",
                from_column,
            )
            for from_table, from_column, to_table, to_column, _ in file.relationships
            if from_column != to_column
            and not from_column.endswith(f"_{to_column}")
            and ROLE_NAMES.get(from_column) != to_column
        ],
    )


def relationships_reach_one_row(file: LintedFile) -> Looked:
    """Count the rows that share what is referred to, and hold the cardinality against the rows."""
    broken: list[Violation] = []
    here = _whole_relationships(file)
    for table, column in sorted({(to_table, to_column) for _, _, to_table, to_column, _ in here}):
        if count := _repeated(file, table, (column,)):
            broken.append(Violation(table, column, f"is referred to and shared by {rows(count)}", "Make it unique."))
    for from_table, from_column, _, _, cardinality in here:
        if cardinality not in _CARDINALITIES:
            seen = "has a relationship of unknown cardinality"
            broken.append(
                Violation(from_table, from_column, seen, f"Say one of {', '.join(_CARDINALITIES)}.", cardinality)
            )
        elif cardinality == "one_to_one" and _repeated(file, from_table, (from_column,)):
            seen = "is said to be one_to_one and stands in several rows"
            broken.append(Violation(from_table, from_column, seen, _TEST, cardinality))
    return Looked(len(here), broken)


def relationships_have_no_orphans(file: LintedFile) -> Looked:
    """Join every relationship and count the rows that find nothing."""
    broken: list[Violation] = []
    looked = 0
    for from_table, from_column, to_table, to_column, _ in _whole_relationships(file):
        source, target = quoted(from_column), quoted(to_column)
        count, lost, value = file.ask(
            f"select count(f.{source}), count_if(f.{source} is not null and t.{target} is null), "
            f"any_value(f.{source}) filter (where t.{target} is null) from {quoted(from_table)} as f "
            f"left join (select distinct {target} from {quoted(to_table)}) as t on f.{source} = t.{target}"
        )[0]
        looked += int(count)
        if lost:
            seen = f"finds nothing in {to_table}.{to_column} for {rows(int(lost))}"
            remedy = "Refer to -1 where the member is not known, or add it to the dimension."
            broken.append(Violation(from_table, from_column, seen, remedy, str(value)))
    return Looked(looked, broken)


def keys_are_related(file: LintedFile) -> Looked:
    """Look for a relationship of every key of a table that is not the table's own."""
    related = {(table, column) for table, column, *_ in file.relationships}
    keys = [(table, name) for table, names in file.columns_of_tables(is_key).items() for name in names]
    remedy = "Add a relationships test to the YAML of its mart, or say in conformance/promises.py why it leads nowhere."
    return Looked(
        len(keys),
        [
            Violation(table, name, "is a key and nothing says what it leads to", remedy)
            for table, name in keys
            if (table, name) not in related
            and file.primary_keys.get(table) != (name,)
            and (table, name) not in file.promises.unrelated_keys
        ],
    )


def keys_are_registered(file: LintedFile) -> Looked:
    """Hold the current rows of the registry against the members of every dimension."""
    if not file.has(REGISTRY_TABLE, "table_name", "surrogate_key", "natural_key", "is_current"):
        return Looked(0, [Violation(REGISTRY_TABLE, None, "is missing or lacks its columns", "Publish again.")])
    members = {
        (one.table_name, one.surrogate_key): one.natural_key
        for one in read_members(file.connection, file.database, file.of)
    }
    current = {(one.table_name, one.surrogate_key): one.natural_key for one in _registry(file) if one.is_current}
    readable = {table for table, _ in members}
    broken = [
        Violation(table, None, "is a dimension whose keys are not remembered", "Name its natural key in NATURAL_KEYS.")
        for table in file.tables
        if table.startswith("dim_") and table not in readable and (table not in NATURAL_KEYS or file.row_counts[table])
    ]
    for place in sorted({*members, *current}):
        if members.get(place) != current.get(place):
            seen = f"says {current.get(place)!r} of key {place[1]}, and {place[0]} says {members.get(place)!r}"
            broken.append(Violation(REGISTRY_TABLE, "natural_key", seen, "Publish again.", str(place[1])))
    return Looked(len(current), broken)


def keys_keep_their_meaning(file: LintedFile) -> Looked:
    """Hold the registry against the one of the release before."""
    registry = _registry(file)
    previous = file.previous_keys or ()
    here = {(one.table_name, one.surrogate_key) for one in registry}
    remedy = "A key that was published is never used for something else and never forgotten."
    broken = [
        Violation(
            REGISTRY_TABLE,
            "surrogate_key",
            f"has forgotten {one.table_name} {one.natural_key!r}",
            remedy,
            str(one.surrogate_key),
        )
        for one in previous
        if (one.table_name, one.surrogate_key) not in here
    ]
    # The members of this release are its registry: a key that is gone may not have changed its meaning either.
    broken += [
        Violation(REGISTRY_TABLE, "natural_key", f"breaks with what was: {said}", remedy)
        for said in key_conflicts(previous, [one.member for one in registry])
    ]
    return Looked(len(registry), broken)


def _registry(file: LintedFile) -> list[RegisteredKey]:
    columns = "table_name, surrogate_key, natural_key, first_release_id, last_release_id, is_current"
    if not file.has(REGISTRY_TABLE, *columns.split(", ")):
        return []
    return [RegisteredKey(*row) for row in file.ask(f"select {columns} from {REGISTRY_TABLE} order by all")]


def _whole_relationships(file: LintedFile) -> list[tuple[str, str, str, str, str]]:
    """Return the relationships of which both ends are there."""
    return [one for one in file.relationships if file.has(one[0], one[1]) and file.has(one[2], one[3])]


def _repeated(file: LintedFile, table: str, columns: Sequence[str]) -> int:
    """Count the rows that share what should tell them apart; one column that is NULL tells nothing."""
    names = ", ".join(map(quoted, columns))
    known = f"{names} is not null" if len(columns) == 1 else "true"
    return int(
        file.ask(
            f"select coalesce(sum(n) filter (where n > 1), 0) from "
            f"(select count(*) as n from {quoted(table)} where {known} group by {names})"
        )[0][0]
    )
