"""One source's verified releases to one typed Parquet, with a record of what went in.

Choosing the table of a file, reconciling row counts and writing atomically belong here. Judging values does not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.acquire.raw_snapshots import RawFile, RawRelease, is_companion, tables_for, verify
from pipelines.acquire.readers import READER_VERSION, READERS
from pipelines.acquire.readers.open_table import open_table
from pipelines.acquire.readers.table_file import ReadFile, TableFile, require_scannable
from pipelines.acquire.source_registry import Source
from pipelines.acquire.table_declaration import Table
from pipelines.durable_files import sha256_of
from pipelines.problems import OutcomesError, Problem, SourceRefused

LOAD_RECORD_KEY: Final = "load_record"
CHANGED_WHILE_READ: Final = "changed_while_read"
_ROWS_A_GROUP: Final = 122_880


class LandedFile(BaseModel):
    """One table of one file of a load.

    Attributes:
        file: Name relative to ``data/raw``, with ``#`` and the sheet for a workbook: the ``source_file`` of its rows.
        sha256: Hash of the file, as hex.
        release: Its release.
        table: The table.
        rows: Rows landed.
        blank_records: Records without a filled cell.
        outside_records: Filled records of the file or sheet that are neither the header nor data of the table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    sha256: str
    release: str
    table: str
    rows: int
    blank_records: int = 0
    outside_records: int = 0


class LoadRecord(BaseModel):
    """What one load is made of.

    Attributes:
        load_id: Twelve hex digits that stand for the files and their companions, the declaration and the version of the
            readers.
        source_id: The source.
        releases: Its releases, oldest first.
        files: Every table of every file, by release and name.
        rows: Rows landed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    load_id: str
    source_id: str
    releases: tuple[str, ...]
    files: tuple[LandedFile, ...]
    rows: int


def read_load_record(parquet: Path) -> LoadRecord:
    """Read the record that :func:`land` keeps in a landed Parquet.

    Args:
        parquet: A landed Parquet.

    Returns:
        Its load record.

    Raises:
        OutcomesError: The file is not a landed Parquet.
    """
    try:
        return LoadRecord.model_validate_json(pl.read_parquet_metadata(parquet)[LOAD_RECORD_KEY])
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError) as error:
        raise OutcomesError(f"{parquet.name} holds no load record: {error}") from error


def land(source: Source, releases: Sequence[RawRelease], destination: Path, *, every_table: bool = True) -> LoadRecord:
    """Verify and read a source's releases and write ``destination/<source_id>.parquet``.

    Nothing is dropped but records without a single filled cell. The file appears complete or not at all: until then the
    one of the last load stays.

    Args:
        source: The declaration.
        releases: Its releases, oldest first.
        destination: Folder for landed Parquet; made if it does not exist.
        every_table: Whether each declared table has to have a file in some release.

    Returns:
        The load record, which the Parquet also holds as metadata.

    Raises:
        SourceRefused: The releases are not as passports and declaration say. Every file's problems are listed.
        OutcomesError: The rows written are not the rows counted in the files: a fault of a reader, not of the source.
    """
    verified = _verified(source, releases)
    files = [file for file in verified if not is_companion(file.inside, source)]
    if not files:
        raise SourceRefused(source.id, tuple(_only_describes(file) for file in verified))
    tables = _tables(source, files, every_table=every_table)
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{source.id}-", dir=destination) as workspace:
        copies = _copied(source, verified, Path(workspace) / "raw")
        read = _read(source, [(copies[file.name], table) for file, table in tables], Path(workspace))
        companions = [file for file in verified if is_companion(file.inside, source)]
        record = _record(source, releases, read, companions)
        partial = Path(workspace) / "landed.parquet"
        try:
            pl.concat([one.frame for _, one in read]).sink_parquet(
                partial,
                compression="zstd",
                row_group_size=_ROWS_A_GROUP,
                metadata={LOAD_RECORD_KEY: record.model_dump_json()},
                sync_on_close="all",
            )
        except pl.exceptions.ComputeError:
            for file, _ in read:
                require_scannable(file)
            raise
        _reconcile(record, partial)
        os.replace(partial, destination / f"{source.id}.parquet")  # noqa: PTH105 - named for what it guarantees
    return record


def _verified(source: Source, releases: Iterable[RawRelease]) -> list[RawFile]:
    files: list[RawFile] = []
    problems: list[Problem] = []
    for release in releases:
        try:
            files += verify(release, source)
        except SourceRefused as refused:
            problems += refused.problems
    if not files and not problems:
        problems.append(
            Problem(
                "no_release",
                "The source has no release.",
                f"Put its files and their passport into data/raw/{source.id}/<year-month>/.",
            )
        )
    if problems:
        raise SourceRefused(source.id, tuple(problems))
    return files


def _copied(source: Source, verified: Iterable[RawFile], folder: Path) -> dict[str, RawFile]:
    """Copy the verified files, companions beside them, so that nobody can change them between verifying and reading."""
    copies: dict[str, RawFile] = {}
    problems: list[Problem] = []
    for file in verified:
        if PurePosixPath(file.inside).is_absolute():  # a file that nobody has filed, alone where it is
            copies[file.name] = file
            continue
        copy = folder / file.release_id / file.inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file.path, copy)
            changed = sha256_of(copy) != file.sha256
        except OSError:
            changed = True
        if changed:
            problems.append(
                Problem(
                    CHANGED_WHILE_READ,
                    "The file was changed or taken away while it was being read.",
                    "Leave data/raw alone while a refresh runs; put the file back as it was received.",
                    file=file.name,
                )
            )
        copies[file.name] = replace(file, path=copy)
    if problems:
        raise SourceRefused(source.id, tuple(problems))
    return copies


def _only_describes(file: RawFile) -> Problem:
    return Problem(
        "companion_without_table",
        "The file describes other files of its release and holds no figures to land.",
        "Check or file the tables that it stands beside.",
        file=file.name,
    )


def _tables(source: Source, files: Iterable[RawFile], *, every_table: bool) -> list[tuple[RawFile, Table]]:
    chosen: list[tuple[RawFile, Table]] = []
    problems: list[Problem] = []
    for file in files:
        match tables_for(file.inside, source):
            case [table]:
                chosen.append((file, table))
            case several if several and all(table.parse.sheet or table.parse.below for table in several):
                chosen += ((file, table) for table in several)
            case []:
                problems.append(
                    Problem(
                        "file_without_table",
                        "No table of the declaration takes this file.",
                        f"Add a table, or widen the file pattern of one, in {source.id}.yml.",
                        file=file.name,
                    )
                )
            case several:
                problems.append(
                    Problem(
                        "file_in_two_tables",
                        f"The tables {', '.join(table.id for table in several)} all take this file.",
                        f"Narrow their file patterns in {source.id}.yml, or give each the sheet or title it is under.",
                        file=file.name,
                    )
                )
    missing = {table.id: table for table in source.tables} if every_table else {}
    for _, table in chosen:
        missing.pop(table.id, None)
    problems += (
        Problem(
            "table_without_file",
            f"No release has a file for table {table.id} ({table.file}).",
            f"File the table, or take it out of {source.id}.yml.",
        )
        for table in missing.values()
    )
    if problems:
        raise SourceRefused(source.id, tuple(problems))
    return chosen


def _read(source: Source, tables: Iterable[tuple[RawFile, Table]], workspace: Path) -> list[tuple[TableFile, ReadFile]]:
    read: list[tuple[TableFile, ReadFile]] = []
    problems: list[Problem] = []
    for raw, table in tables:
        try:
            file = open_table(source, table, raw, workspace)
            read.append((file, READERS[source.reader_of(table)](file)))
        except SourceRefused as refused:
            problems += refused.problems
    if problems:
        raise SourceRefused(source.id, tuple(problems))
    return read


def _record(
    source: Source,
    releases: Iterable[RawRelease],
    read: Sequence[tuple[TableFile, ReadFile]],
    companions: Iterable[RawFile],
) -> LoadRecord:
    files = tuple(
        LandedFile(
            file=file.name,
            sha256=file.raw.sha256,
            release=file.raw.release_id,
            table=file.table.id,
            rows=one.rows,
            blank_records=one.blank_records,
            outside_records=0 if file.grid is None else file.grid.outside,
        )
        for file, one in read
    )
    identity = hashlib.sha256()
    used = (*(f"{file.file} {file.sha256}" for file in files), *(f"{file.name} {file.sha256}" for file in companions))
    for part in (*used, source.digest, READER_VERSION):
        identity.update(f"{part}\n".encode())
    return LoadRecord(
        load_id=identity.hexdigest()[:12],
        source_id=source.id,
        releases=tuple(release.release_id for release in releases),
        files=files,
        rows=sum(file.rows for file in files),
    )


def _reconcile(record: LoadRecord, parquet: Path) -> None:
    counted = pl.scan_parquet(parquet).group_by("source_file", "source_table").agg(pl.len())
    written = {(file, table): rows for file, table, rows in counted.collect(engine="streaming").iter_rows()}
    wrong = [
        f"{file.file}, table {file.table}: {file.rows} in the file, {written.get((file.file, file.table), 0)} landed"
        for file in record.files
        if written.get((file.file, file.table), 0) != file.rows
    ]
    if wrong or sum(written.values()) != record.rows:
        raise OutcomesError(f"{record.source_id}: rows were lost or invented while landing: {'; '.join(wrong)}")
