"""The exported tables as a Data Package, version 2 of the Frictionless standard (datapackage.org).

Saying in that standard's words what a release says of itself belongs here. Writing the tables does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.durable_files import sha256_of
from pipelines.publish.exports.tables import LINE_END

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipelines.publish.exports.described_release import (
        DescribedColumn,
        DescribedRelease,
        DescribedTable,
        Reference,
        Source,
    )
    from pipelines.publish.exports.tables import ExportedTable

PROFILES = "https://datapackage.org/profiles/2.0/"
OPEN_GOVERNMENT_LICENCE = {
    "name": "OGL-UK-3.0",
    "title": "Open Government Licence v3.0",
    "path": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
}
MIT = {"name": "MIT", "title": "MIT License", "path": "https://opensource.org/license/mit"}
"""Licence of what this project adds to the published figures: the register of commitments, the statuses, the words."""

TITLES = {
    "whole": "Integrated care outcomes, whole edition",
    "public": "Integrated care outcomes, public edition",
}
DESCRIPTIONS = {
    "whole": (
        "Commitments of integrated care systems beside the published figures that show whether they are kept. Whole "
        "edition, for staff: it may hold small counts and must not be handed on."
    ),
    "public": (
        "Commitments of integrated care systems beside the published figures that show whether they are kept. Public "
        "edition: cells that could disclose small counts are empty."
    ),
}
_TYPES = {
    "SMALLINT": "integer",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "DOUBLE": "number",
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "datetime",
}
_DIALECT = {
    "$schema": f"{PROFILES}tabledialect.json",
    "header": True,
    "delimiter": ",",
    "lineTerminator": LINE_END,
    "quoteChar": '"',
    "doubleQuote": True,
}


def data_package(release: DescribedRelease, tables: Sequence[ExportedTable]) -> dict[str, Any]:
    """Describe an export as a data package.

    Args:
        release: What the file says about itself.
        tables: What was written, both formats.

    Returns:
        The descriptor, to be written as JSON.
    """
    exported = {table.described.name for table in tables}
    return {
        "$schema": f"{PROFILES}datapackage.json",
        "name": f"integrated-care-outcomes-{release.edition}",
        "title": TITLES[release.edition],
        "description": DESCRIPTIONS[release.edition],
        "version": release.release_id,
        "created": release.built_at_text,
        "asAt": release.as_at.isoformat(),
        "edition": release.edition,
        "keywords": ["public health", "integrated care", "targets", "indicators"],
        "contributors": [{"title": release.contact, "roles": ["contact"]}],
        "licenses": licences(release.sources),
        "sources": [_source(source) for source in release.sources],
        "resources": [_resource(table, exported) for table in tables],
    }


def licences(sources: Sequence[Source]) -> list[dict[str, str]]:
    """List the licences under which an export stands.

    Args:
        sources: What is behind it.

    Returns:
        That of each source, once, and that of what is added to them.
    """
    found: list[dict[str, str]] = []
    for words in dict.fromkeys(source.licence for source in sources if source.licence):
        known = words == OPEN_GOVERNMENT_LICENCE["title"]
        found.append(OPEN_GOVERNMENT_LICENCE if known else {"name": words.replace(" ", "-"), "title": words})
    return [*found, MIT]


def _source(source: Source) -> dict[str, str]:
    """Describe one source; what is not known of it is left out."""
    title = f"{source.title} ({source.publisher})" if source.publisher else source.title
    said = {"title": title, "path": source.homepage, "version": source.releases}
    return {name: text for name, text in said.items() if text is not None}


def _resource(table: ExportedTable, exported: set[str]) -> dict[str, Any]:
    """Describe one table: its CSV with the schema, and where its Parquet is.

    The Parquet is no resource of its own: a validator without a reader of that format would call the package invalid.
    """
    described = table.described
    schema: dict[str, Any] = {
        "$schema": f"{PROFILES}tableschema.json",
        "fields": [_field(column) for column in described.columns],
        "missingValues": [""],
    }
    if described.primary_key:
        schema["primaryKey"] = list(described.primary_key)
    references = [join for join in described.references if join.to_table in exported]
    if references:
        schema["foreignKeys"] = [_foreign_key(described, join) for join in references]
    return {
        "$schema": f"{PROFILES}dataresource.json",
        "name": described.name,
        "type": "table",
        "path": table.csv.name,
        "description": described.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        **_bytes(table.csv),
        "rowCount": table.rows,
        "dialect": _DIALECT,
        "schema": schema,
        "otherFormats": [
            {
                "path": table.parquet.name,
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                **_bytes(table.parquet),
            }
        ],
    }


def _bytes(file: Path) -> dict[str, Any]:
    """Return size and hash of a file, as the standard spells them."""
    return {"bytes": file.stat().st_size, "hash": f"sha256:{sha256_of(file)}"}


def _field(column: DescribedColumn) -> dict[str, Any]:
    """Describe one column."""
    described: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES[column.data_type],
        "description": column.description,
    }
    constraints: dict[str, Any] = {}
    if column.is_required:
        constraints["required"] = True
    if column.is_unique:
        constraints["unique"] = True
    if column.allowed:
        constraints["enum"] = list(column.allowed)
    if constraints:
        described["constraints"] = constraints
    # The standard wants an example as text; what it does not know keeps the name that the data dictionary has for it.
    more = {name: str(said) if name == "example" else said for name, said in column.more.items()}
    return {**more, **described}


def _foreign_key(table: DescribedTable, join: Reference) -> dict[str, Any]:
    """Describe one join; one within a table names no resource."""
    to = {} if join.to_table == table.name else {"resource": join.to_table}
    return {"fields": [join.column], "reference": {**to, "fields": [join.to_column]}}
