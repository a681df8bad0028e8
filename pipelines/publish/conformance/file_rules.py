"""The rules about the file, its objects, their names and their descriptions.

Keys and joins are in ``key_rules``, what stands in the rows in ``content_rules``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

import duckdb

from pipelines.publish.allowed_types import ALLOWED_TYPES
from pipelines.publish.catalogue import MARTS_SCHEMA, quoted
from pipelines.publish.checksum import columns_by_table, content_checksum, table_fingerprint
from pipelines.publish.conformance.findings import NUMBERS, LintedFile, Looked, Violation, is_flag, is_key, rows
from pipelines.publish.storage_format import STORAGE_HEADER, STORAGE_VERSION, storage_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLAIN: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME: Final = 63
_CREATES: Final = re.compile(r"^\s*create\s+view\s+(\"[^\"]+\"|\w+)\s*(\([^)]*\))?\s*as\s+", re.IGNORECASE)
_BUILT_IN: Final = ("", "core_functions")
_ROWS_FROM_NOTHING: Final = frozenset({"range", "generate_series", "unnest"})
_RENAME: Final = "Rename it in its mart."
_PUBLISH_AGAIN: Final = "Nobody may change a published file: publish again."
_DICTIONARY: Final = "data_dictionary"
_CAN_BE_SUMMED: Final = "can_sum"
_AGGREGATION: Final = "aggregation_rule"


def storage_format(file: LintedFile) -> Looked:
    """Look at the header of the file."""
    found = storage_header(file.path)
    if found == STORAGE_HEADER:
        return Looked(1)
    seen = f"has storage format {found} instead of {STORAGE_HEADER} ({STORAGE_VERSION})"
    return Looked(1, [Violation("", None, seen, f"Attach it with the storage version {STORAGE_VERSION}.", str(found))])


def no_write_ahead_log(file: LintedFile) -> Looked:
    """Look beside the file."""
    log = file.path.with_name(file.path.name + ".wal")
    if not log.exists():
        return Looked(1)
    return Looked(
        1, [Violation("", None, f"has {log.name} beside it", "Checkpoint before the file is closed.", log.name)]
    )


def one_schema(file: LintedFile) -> Looked:
    """Look for anything that is not a table or view of ``main``."""
    found = file.ask(
        """
        select 'table or view', schema_name || '.' || table_name from (
            select schema_name, table_name, internal, database_name from duckdb_tables()
            union all select schema_name, view_name, internal, database_name from duckdb_views()
        ) where not internal and schema_name <> $schema and database_name = current_database()
        union all
        select 'schema', schema_name from duckdb_schemas()
        where not internal and schema_name <> $schema and database_name = current_database()
        union all
        select 'macro', function_name from duckdb_functions() where not internal and database_name = current_database()
        union all select 'sequence', sequence_name from duckdb_sequences() where database_name = current_database()
        union all
        select 'type', type_name from duckdb_types()
        where not internal and database_name = current_database() and database_name not in ('system', 'temp')
        union all select 'index', index_name from duckdb_indexes() where database_name = current_database()
        order by all
        """.replace("$schema", f"'{MARTS_SCHEMA}'")
    )
    remedy = "Only tables and views of the schema main are published: leave it in the build file."
    return Looked(
        len(file.relations) + len(found),
        [Violation("", None, f"has a {kind} {name}", remedy, str(name)) for kind, name in found],
    )


def allowed_types(file: LintedFile) -> Looked:
    """Look at the type of every column."""
    remedy = f"Cast it in its mart to one of {', '.join(sorted(ALLOWED_TYPES))}."
    return Looked(
        len(file.columns),
        [
            Violation(
                one.relation, one.name, f"is {one.data_type}, which BI drivers cannot show", remedy, one.data_type
            )
            for one in file.columns
            if one.data_type not in ALLOWED_TYPES
        ],
    )


def plain_names(file: LintedFile) -> Looked:
    """Look at the letters of every name."""
    names = _names(file)
    return Looked(
        len(names),
        [
            Violation(table, column, "is not snake_case of up to 63 lower-case characters", _RENAME, column or table)
            for table, column in names
            if not _PLAIN.fullmatch(column or table) or len(column or table) > _LONGEST_NAME
        ],
    )


def no_reserved_names(file: LintedFile) -> Looked:
    """Hold every name against the reserved words of DuckDB."""
    reserved = {
        str(word)
        for (word,) in file.ask("select keyword_name from duckdb_keywords() where keyword_category = 'reserved'")
    }
    names = _names(file)
    return Looked(
        len(names),
        [
            Violation(table, column, "is called by a reserved word of SQL", _RENAME, column or table)
            for table, column in names
            if (column or table).lower() in reserved
        ],
    )


def prefixes_say_the_kind(file: LintedFile) -> Looked:
    """Hold the beginning of every name against the kind of object."""
    broken: list[Violation] = []
    # Tables about the data themselves have no prefix; they are all known by name.
    for relation in file.relations:
        if relation.kind == "VIEW" and not relation.name.startswith(("v_", "dim_")):
            broken.append(Violation(relation.name, None, "is a view and does not begin with v_", _RENAME))
        if (
            relation.kind == "TABLE"
            and not relation.name.startswith(("dim_", "fct_", "bridge_"))
            and relation.name not in file.promises.tables
        ):
            seen = "is a table and begins with none of dim_, fct_, bridge_"
            broken.append(Violation(relation.name, None, seen, _RENAME))
    return Looked(len(file.relations), broken)


def tables_are_the_promised(file: LintedFile) -> Looked:
    """Hold tables and views against the promised ones."""
    promised = {*file.promises.tables, *file.promises.views}
    here = {relation.name for relation in file.relations}
    missing = [
        Violation(
            name, None, "is promised and not in the file", "Publish it, or take the promise back in a new version."
        )
        for name in sorted(promised - here)
    ]
    unknown = [
        Violation(
            name, None, "is in the file and not promised", "Say in conformance/promises.py how its rows are sorted."
        )
        for name in sorted(set(file.tables) - set(file.promises.tables))
    ]
    return Looked(len(promised | set(file.tables)), [*missing, *unknown])


def columns_are_the_promised(file: LintedFile) -> Looked:
    """Look for the columns that others rely on."""
    wanted = [(table, column) for table, columns in file.promises.columns.items() for column in columns]
    remedy = "Others rely on it: bring it back under its name."
    return Looked(
        len(wanted),
        # A whole table that is missing is named by its own rule.
        [
            Violation(table, column, "is promised and not there", remedy)
            for table, column in wanted
            if table in file.of and column not in file.of[table]
        ],
    )


def comments_present(file: LintedFile) -> Looked:
    """Look for a comment on every table, view and column."""
    remedy = "Write a description in the YAML of its mart."
    bare = [
        Violation(one.name, None, "has no comment", remedy)
        for one in file.relations
        if not (one.description or "").strip()
    ]
    bare += [
        Violation(one.relation, one.name, "has no comment", remedy)
        for one in file.columns
        if not (one.description or "").strip()
    ]
    return Looked(len(file.relations) + len(file.columns), bare)


def dictionary_complete(file: LintedFile) -> Looked:
    """Hold the dictionary against the columns, both ways."""
    stated = {
        (str(table), str(column)): (kind, place)
        for table, column, kind, place in _dictionary(file, "data_type", "ordinal_position")
    }
    here = {(one.relation, one.name): (one.data_type, one.position) for one in file.columns}
    broken = [
        Violation(*place, "is in the file and not in the dictionary", _PUBLISH_AGAIN)
        for place in here
        if place not in stated
    ]
    for place, said in stated.items():
        if place not in here:
            broken.append(Violation(*place, "is in the dictionary and not in the file", _PUBLISH_AGAIN))
        elif said != here[place]:
            seen = f"is {here[place][0]} in place {here[place][1]} and the dictionary says otherwise"
            broken.append(Violation(*place, seen, _PUBLISH_AGAIN, f"{said[0]} in place {said[1]}"))
    return Looked(len(here | stated), broken)


def dictionary_agrees(file: LintedFile) -> Looked:
    """Hold every description of the dictionary against the comment."""
    tables = {one.name: one.description for one in file.relations}
    here = {(one.relation, one.name): one.description for one in file.columns}
    entries = _dictionary(file, "description", "table_description")
    broken: list[Violation] = []
    for table, column, text, table_text in entries:
        for said, comment, what in (
            (text, here.get((table, column)), "the column"),
            (table_text, tables.get(table), "the table"),
        ):
            if not (said or "").strip():
                broken.append(
                    Violation(table, column, f"has no description of {what} in the dictionary", _PUBLISH_AGAIN)
                )
            elif comment and said != comment:
                seen = f"has another description of {what} in the dictionary than as its comment"
                broken.append(Violation(table, column, seen, _PUBLISH_AGAIN, str(said)))
    return Looked(len(entries), broken)


def adding_up_is_said(file: LintedFile) -> Looked:
    """Look at what the dictionary says of adding up, where it says anything."""
    if not file.has(_DICTIONARY, _CAN_BE_SUMMED, _AGGREGATION):
        return Looked(0)
    here = {(one.relation, one.name): one for one in file.columns}
    views = {one.name for one in file.relations if one.kind == "VIEW"}
    broken: list[Violation] = []
    remedy = "Correct what is said of the column in the YAML of its mart."
    entries = [entry for entry in _dictionary(file, _CAN_BE_SUMMED, _AGGREGATION) if (entry[0], entry[1]) in here]
    for table, column, can_sum, rule in entries:
        known = here[table, column]
        is_figure = known.data_type in NUMBERS and not is_key(known) and not is_flag(known)
        if can_sum == 1 and (known.data_type not in NUMBERS or is_key(known)):
            broken.append(
                Violation(table, column, "is said to be a figure that may be added up", remedy, known.data_type)
            )
        if can_sum == 1 and not (rule or "").strip():
            broken.append(Violation(table, column, "may be added up by a rule that is not named", remedy))
        if is_figure and (table.startswith("fct_") or table in views) and (can_sum is None or not (rule or "").strip()):
            broken.append(Violation(table, column, "is a figure of which nobody says how it may be added up", remedy))
    return Looked(len(entries), broken)


def reads_as_a_client(file: LintedFile) -> Looked:
    """Bind a query over every table and view; what reads outside the file fails then."""
    broken: list[Violation] = []
    for relation in file.relations:
        try:
            file.ask(f"select * from {quoted(relation.name)} limit 0")
        except duckdb.Error as error:
            seen = f"cannot be read from the release alone: {str(error).splitlines()[0]}"
            broken.append(Violation(relation.name, None, seen, "Let it read published tables only."))
    return Looked(len(file.relations), broken)


def views_are_plain(file: LintedFile) -> Looked:
    """Look at every table and function that a view names."""
    # A function that DuckDB itself has too, such as +, is not one of the extension.
    foreign = {
        str(name): str(extension)
        for name, extension in file.ask(
            "select function_name, any_value(extension_name) from duckdb_functions() group by function_name "
            f"having count_if(coalesce(extension_name, '') in {_BUILT_IN}) = 0"
        )
    }
    here = {one.name for one in file.relations}
    views = [one for one in file.relations if one.kind == "VIEW"]
    broken: list[Violation] = []
    for view in views:
        query = _CREATES.sub("", view.sql).rstrip().rstrip(";")
        tree = json.loads(file.ask("select json_serialize_sql(?)", [query])[0][0])
        if tree.get("error"):
            broken.append(
                Violation(view.name, None, "cannot be parsed", "Write it as one SELECT.", tree.get("error_message"))
            )
            continue
        nodes = list(_nodes(tree))
        ctes = {str(entry["key"]) for node in nodes for entry in _entries(node) if "key" in entry}
        named = {
            *_foreign_tables(nodes, here | ctes),
            *_foreign_functions(nodes, foreign),
        }
        broken += [
            Violation(
                view.name, None, f"names {what}", "Let it read published tables with functions of DuckDB itself.", name
            )
            for what, name in sorted(named)
        ]
    return Looked(len(views), broken)


def release_states_itself(file: LintedFile) -> Looked:
    """Count and fingerprint every table and hold the result against the table ``release``."""
    if not file.has("release", "table_count", "row_count", "content_checksum"):
        return Looked(0, [Violation("release", None, "is missing or lacks its counts", _PUBLISH_AGAIN)])
    stated = file.ask("select table_count, row_count, content_checksum from release")
    if len(stated) != 1:
        return Looked(1, [Violation("release", None, f"has {rows(len(stated))} instead of one", _PUBLISH_AGAIN)])
    names = columns_by_table(file.columns)
    counted = [
        table_fingerprint(file.connection, file.database, table, names[table])
        for table in file.tables
        if table != "release"
    ]
    found = (
        len(file.tables),
        sum(count for count, _ in counted) + 1,
        content_checksum(fingerprint for _, fingerprint in counted),
    )
    return Looked(
        found[1],
        [
            Violation("release", name, f"says {said}, and the file holds {now}", _PUBLISH_AGAIN, str(said))
            for name, said, now in zip(("table_count", "row_count", "content_checksum"), stated[0], found, strict=True)
            if said != now
        ],
    )


def _names(file: LintedFile) -> list[tuple[str, str | None]]:
    return [*((one.name, None) for one in file.relations), *((one.relation, one.name) for one in file.columns)]


def _dictionary(file: LintedFile, *wanted: str) -> list[tuple[Any, ...]]:
    """Return table, column and what else is wanted of every row of the dictionary."""
    if not file.has(_DICTIONARY, "table_name", "column_name", *wanted):
        return []
    return file.ask(f"select table_name, column_name, {', '.join(map(quoted, wanted))} from {_DICTIONARY} order by all")


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Yield every object of a parsed query."""
    if isinstance(tree, dict):
        node = cast("dict[str, Any]", tree)
        yield node
        for inner in node.values():
            yield from _nodes(inner)
    elif isinstance(tree, list):
        for inner in cast("list[object]", tree):
            yield from _nodes(inner)


def _entries(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a node that is a map, as that of common table expressions is."""
    return cast("list[dict[str, Any]]", node.get("map") or [])


def _foreign_tables(nodes: Iterable[dict[str, Any]], known: set[str]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        name = str(node.get("table_name"))
        if node.get("type") == "BASE_TABLE":
            if node.get("catalog_name"):
                yield "another database", f"{node['catalog_name']}.{node.get('schema_name')}.{name}"
            elif name not in known or node.get("schema_name") not in ("", MARTS_SCHEMA):
                yield "something outside the file", name
        if node.get("type") == "TABLE_FUNCTION" and str(node["function"]["function_name"]) not in _ROWS_FROM_NOTHING:
            yield "a function that reads from elsewhere", str(node["function"]["function_name"])


def _foreign_functions(nodes: Iterable[dict[str, Any]], foreign: dict[str, str]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        name = str(node.get("function_name"))
        if node.get("class") == "FUNCTION" and name in foreign and name not in _ROWS_FROM_NOTHING:
            yield f"a function of the extension {foreign[name]}", name
