"""The exported CSV files as a table group of CSV on the Web (W3C: tabular data model and its metadata vocabulary).

Saying in that vocabulary what a release says of itself belongs here. Writing the tables does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipelines.publish.exports.data_package import DESCRIPTIONS, TITLES, licences
from pipelines.publish.exports.tables import LINE_END

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.publish.exports.described_release import DescribedColumn, DescribedRelease
    from pipelines.publish.exports.tables import ExportedTable

CONTEXT = "http://www.w3.org/ns/csvw"
LANGUAGE = "en-GB"
_TYPES = {
    "SMALLINT": "short",
    "INTEGER": "int",
    "BIGINT": "long",
    "DOUBLE": "double",
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "dateTime",
}
_DIALECT = {
    "encoding": "utf-8",
    "lineTerminators": [LINE_END],
    "quoteChar": '"',
    "doubleQuote": True,
    "delimiter": ",",
    "header": True,
    "headerRowCount": 1,
    "skipBlankRows": False,
    "commentPrefix": None,
}


def table_group(release: DescribedRelease, tables: Sequence[ExportedTable]) -> dict[str, Any]:
    """Describe an export as a table group.

    Args:
        release: What the file says about itself.
        tables: What was written.

    Returns:
        The metadata document, to be written as JSON.
    """
    exported = {table.described.name: table.csv.name for table in tables}
    return {
        "@context": [CONTEXT, {"@language": LANGUAGE}],
        "dc:title": TITLES[release.edition],
        "dc:description": DESCRIPTIONS[release.edition],
        "dc:identifier": release.release_id,
        "dc:created": release.built_at_text,
        "dc:temporal": release.as_at.isoformat(),
        "dc:license": [licence.get("path", licence["title"]) for licence in licences(release.sources)],
        "dc:source": [source.title for source in release.sources],
        "dialect": _DIALECT,
        "tables": [_table(table, exported) for table in tables],
    }


def _table(table: ExportedTable, exported: dict[str, str]) -> dict[str, Any]:
    """Describe one CSV."""
    described = table.described
    schema: dict[str, Any] = {"columns": [_column(column) for column in described.columns]}
    if described.primary_key:
        schema["primaryKey"] = list(described.primary_key)
    references = [join for join in described.references if join.to_table in exported]
    if references:
        schema["foreignKeys"] = [
            {
                "columnReference": [join.column],
                "reference": {"resource": exported[join.to_table], "columnReference": [join.to_column]},
            }
            for join in references
        ]
    return {
        "url": table.csv.name,
        "dc:title": described.name,
        "dc:description": described.description,
        "tableSchema": schema,
    }


def _column(column: DescribedColumn) -> dict[str, Any]:
    """Describe one column. Its title is what the header row says, which a validator compares."""
    described: dict[str, Any] = {
        "name": column.name,
        "titles": column.name,
        "dc:description": column.description,
        "datatype": _datatype(column),
        "null": "",
    }
    if column.is_required:
        described["required"] = True
    return described


def _datatype(column: DescribedColumn) -> str | dict[str, Any]:
    """Return the type, narrowed where only some contents are allowed and the vocabulary can say so."""
    base = _TYPES[column.data_type]
    if not column.allowed:
        return base
    texts = [value for value in column.allowed if isinstance(value, str)]
    numbers = sorted(value for value in column.allowed if isinstance(value, int))
    if texts:
        return {"base": base, "format": "|".join(re.escape(text) for text in texts)}
    unbroken = numbers == list(range(numbers[0], numbers[-1] + 1))
    return {"base": base, "minimum": numbers[0], "maximum": numbers[-1]} if unbroken else base
