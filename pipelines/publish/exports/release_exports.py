"""Export a finished release: every table and view in two formats, two descriptions, a workbook, a text, checksums.

The order of the steps belongs here. Where the folder stands and when it takes its final name do not: whoever calls
hands over a folder that nobody reads yet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.dates_in_words import in_words
from pipelines.problems import NotPublished
from pipelines.publish.exports.checksums import write_checksums
from pipelines.publish.exports.csvw import table_group
from pipelines.publish.exports.data_package import DESCRIPTIONS, TITLES, data_package
from pipelines.publish.exports.described_release import describe_release, open_release
from pipelines.publish.exports.file_names import CHECKSUMS, CSVW_METADATA, DATA_PACKAGE, README
from pipelines.publish.exports.tables import write_table
from pipelines.publish.exports.workbook import write_workbook

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.publish.exports.described_release import DescribedRelease, Edition


@dataclass(frozen=True, slots=True)
class ExportsReport:
    """What was exported.

    Attributes:
        release_id: Of which release.
        folder: Where.
        tables: Tables and views, each in two files.
        rows: Rows of all of them.
        bytes: Size of everything in the folder.
        workbook: The workbook, if one was asked for.
    """

    release_id: str
    folder: Path
    tables: int
    rows: int
    bytes: int
    workbook: Path | None


def write_exports(release_file: Path, folder: Path, *, edition: Edition, workbook: Path | None = None) -> ExportsReport:
    """Export a release. The same file gives the same bytes.

    Args:
        release_file: A finished release, or the public edition of one. It is only read.
        folder: Where the files go; made if need be, and empty.
        edition: Which edition the file is.
        workbook: Where the workbook goes, inside the folder or beside it; none is written without a path.

    Returns:
        What was written. ``SHA256SUMS`` covers everything in the folder, a workbook there too.

    Raises:
        NotPublished: The folder holds something, the file is not a finished release, or a cell cannot be exported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise NotPublished(f"{folder} is not empty, so exports there could be mixed with something else.")
    with open_release(release_file) as connection:
        release = describe_release(connection, edition)
        tables = [write_table(connection, release, table, folder) for table in release.tables]
        if workbook is not None:
            write_workbook(connection, release, workbook)
    _write_json(folder / DATA_PACKAGE, data_package(release, tables))
    _write_json(folder / CSVW_METADATA, table_group(release, tables))
    (folder / README).write_bytes(readme(release).encode())
    write_checksums(folder)
    return ExportsReport(
        release_id=release.release_id,
        folder=folder,
        tables=len(tables),
        rows=sum(table.rows for table in tables),
        bytes=sum(file.stat().st_size for file in folder.iterdir()),
        workbook=workbook,
    )


def readme(release: DescribedRelease) -> str:
    """Say what an export is and how to check and read it.

    Args:
        release: What the file says about itself.

    Returns:
        Plain text, lines of less than 100 characters.
    """
    name, warning = TITLES[release.edition], DESCRIPTIONS[release.edition].split(". ", maxsplit=1)[1]
    return f"""{name}
{"=" * len(name)}

Release:  {release.release_id}
As at:    {in_words(release.as_at)}
Built at: {release.built_at_text}
Contact:  {release.contact}

{warning}

What is here
------------
Every table and view of the release, under its own name, twice:
  *.parquet   for tools that read it (R, Python, Power BI, DuckDB): keeps the types
  *.csv       for everything else: UTF-8, comma, dates as yyyy-mm-dd, an empty cell for "no value"
{DATA_PACKAGE}, {CSVW_METADATA}
              the same description of the CSV files twice, in the words of the Frictionless Data
              Package standard and of CSV on the Web: columns, types, keys, joins, licences
data_dictionary.csv, relationships.csv
              what each column holds and which column joins to which, as tables to read

How to check
------------
  sha256sum --check {CHECKSUMS}                    no byte has changed
  frictionless validate {DATA_PACKAGE}       every cell is what its description says

How to open
-----------
In a spreadsheet, import a CSV (Data, From Text/CSV) and set codes to text; a double click can turn
codes into dates or numbers. Rates and percentages must not be added up: see data_dictionary.csv.

Licence
-------
Published figures: Open Government Licence v3.0. {DATA_PACKAGE} names every source.
What is added to them (register of commitments, statuses, explanations): MIT License.
"""


def _write_json(file: Path, content: dict[str, Any]) -> None:
    """Write a description, readable, in a fixed order."""
    file.write_bytes((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())
