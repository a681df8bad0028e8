"""Releases as received: which there are, and whether their bytes are the ones that the passport describes.

Finding and verifying raw files belongs here; what is inside a file, beyond not being a table at all, does not.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from pipelines.acquire.announced_revisions import Revision
from pipelines.acquire.readers.workbook_sheet import is_workbook
from pipelines.acquire.source_registry import Source, read_yaml, validation_lines
from pipelines.acquire.table_declaration import Table, Text, path_inside
from pipelines.problems import ConfigurationError, Problem, SourceRefused

PASSPORT_NAME: Final = "passport.yml"
LOOSE_RELEASE: Final = "unreleased"
_HEAD_BYTES: Final = 65536


class PassportFile(BaseModel):
    """One file of a release as its passport describes it.

    Attributes:
        file: Path inside the release, with forward slashes.
        bytes: Size.
        sha256: Hash, as hex.
        encoding: Text encoding; ``binary`` for a workbook.
        rows: Data records of its tables; 0 for a companion.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Text
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    encoding: Text
    rows: Annotated[int, Field(ge=0)]

    @field_validator("file")
    @classmethod
    def _inside_release(cls, name: str) -> str:
        if name != str(PurePosixPath(name)):
            raise ValueError("a file is named by its path inside the release, with forward slashes")
        return path_inside(name)


class Passport(BaseModel):
    """Where a release comes from and what was selected from it.

    Attributes:
        publisher: Who published it.
        title: Its title.
        licence: Licence that allows its use.
        licence_url: Where the licence is.
        source_url: Where it was found; None if nobody knows.
        retrieved: Day on which it was received.
        retrieved_precision: ``month`` when nobody knows the day.
        period_covered: Periods that it covers, in words.
        selection: What was selected from it, in words.
        files: Its files.
        revision: What the publisher says of figures that differ from those published before; None if nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    publisher: Text
    title: Text
    licence: Text
    licence_url: Text
    source_url: Text | None
    retrieved: date
    retrieved_precision: Literal["day", "month"] = "day"
    period_covered: Text
    selection: Text
    files: Annotated[tuple[PassportFile, ...], Field(min_length=1)]
    revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class RawRelease:
    """One release of a source, not yet verified.

    Attributes:
        source_id: The source.
        release_id: Folder name; release ids sort by time.
        folder: Where its files are.
        loose_file: The one file of a release that has no passport, otherwise None.
    """

    source_id: str
    release_id: str
    folder: Path
    loose_file: Path | None = None

    def name_of(self, file: str) -> str:
        """Return a file's name relative to ``data/raw``, with forward slashes."""
        return f"{self.source_id}/{self.release_id}/{file}"


@dataclass(frozen=True, slots=True)
class RawFile:
    """One verified file.

    Attributes:
        name: Name relative to ``data/raw``, with forward slashes: source, release, path inside the release.
        path: Where it is.
        release_id: Its release.
        sha256: Hash of its bytes, as hex.
        inside: Path inside the release, with forward slashes; the whole path of a file that nobody has filed yet.
    """

    name: str
    path: Path
    release_id: str
    sha256: str
    inside: str


def is_companion(inside: str, source: Source) -> bool:
    """Tell whether a file, named as :attr:`RawFile.inside` does, describes others and is not landed itself."""
    return any(_matches(inside, pattern) for pattern in source.companions)


def tables_for(inside: str, source: Source) -> list[Table]:
    """Return the declared tables that take a file, named as :attr:`RawFile.inside` does.

    Where several patterns fit, the one that spells out most of the name wins: ``*pholio*.csv`` before ``*.csv``.
    """
    fitting = [table for table in source.tables if _matches(inside, table.file)]
    most = max((_spelled_out(table.file) for table in fitting), default=0)
    return [table for table in fitting if _spelled_out(table.file) == most]


def _spelled_out(pattern: str) -> int:
    return len(re.sub(r"\[[^]]*\]|[*?]", "", pattern))


def _matches(inside: str, pattern: str) -> bool:
    path = PurePosixPath(inside)
    # Where the release begins in the path of a file that is in none is anybody's guess.
    return (
        fnmatchcase(inside, pattern)
        or fnmatchcase(path.name, pattern)
        or (path.is_absolute() and fnmatchcase(inside, f"*/{pattern}"))
    )


def find_releases(raw: Path, source_id: str) -> tuple[RawRelease, ...]:
    """Find the releases of a source.

    Args:
        raw: The ``data/raw`` folder.
        source_id: The source.

    Returns:
        Its releases, oldest first; empty if there are none.

    Raises:
        SourceRefused: The folder may not be read.
    """
    folder = raw / source_id
    if not folder.is_dir():
        return ()
    try:
        return tuple(
            RawRelease(source_id, path.name, path)
            for path in sorted(folder.iterdir(), key=lambda path: path.name)
            if path.is_dir() and not path.name.startswith(".")
        )
    except OSError as error:
        raise SourceRefused(source_id, (_unreadable(source_id, error),)) from error


def known_by(releases: Sequence[RawRelease], day: date) -> tuple[RawRelease, ...]:
    """Keep the releases that were at hand on a day in the past.

    Args:
        releases: Releases of one source, oldest first.
        day: The day.

    Returns:
        Those whose passport says that they were retrieved on or before the day; a month without a day counts from its
        first. A release whose passport cannot be read stays, so that landing refuses it with the reason.
    """
    return tuple(release for release in releases if _was_known(release, day))


def _was_known(release: RawRelease, day: date) -> bool:
    try:
        return read_passport(release).retrieved <= day
    except SourceRefused:
        return True


def loose_release(source_id: str, file: Path) -> RawRelease:
    """Describe one file that nobody has filed yet, so that it can be landed on its own.

    Args:
        source_id: The source it claims to be from.
        file: The file, anywhere.

    Returns:
        A release without a passport; only the content checks of :func:`verify` apply to it.
    """
    return RawRelease(source_id, LOOSE_RELEASE, file.parent, file)


def read_passport(release: RawRelease) -> Passport:
    """Read a release's passport.

    Args:
        release: A release with a folder.

    Returns:
        The passport.

    Raises:
        SourceRefused: There is none, or it is incomplete.
    """
    path = release.folder / PASSPORT_NAME
    name = release.name_of(PASSPORT_NAME)
    if leads_elsewhere(release, path):
        raise SourceRefused(release.source_id, (_link(name),))
    try:
        is_there = path.is_file()
    except OSError as error:
        raise SourceRefused(release.source_id, (_unreadable(name, error),)) from error
    if not is_there:
        raise SourceRefused(
            release.source_id,
            (
                Problem(
                    "missing_passport",
                    "The release has no passport.",
                    "Write passport.yml beside the files: where they come from, their licence, sizes and hashes.",
                    file=name,
                ),
            ),
        )
    try:
        return Passport.model_validate(read_yaml(path))
    except ConfigurationError as error:
        faults = [str(error)]
    except ValidationError as error:
        faults = validation_lines(error)
    raise SourceRefused(
        release.source_id,
        tuple(Problem("wrong_passport", f"{fault}.", "Correct the passport.", file=name) for fault in faults),
    )


def verify(release: RawRelease, source: Source) -> tuple[RawFile, ...]:
    """Check that a release is complete and unchanged, and that its files can be what the declaration takes them for.

    Args:
        release: A release.
        source: The declaration, which says which files are companions and which tables are read from workbooks.

    Returns:
        Its files in the order of the passport, with their hashes as just computed, companions included.

    Raises:
        SourceRefused: A file is missing, not listed, changed, empty, or not a table of the declared kind. Every problem
            is listed.
    """
    problems: list[Problem] = []
    files: list[RawFile] = []
    if release.loose_file is not None:
        listed = [(release.loose_file.name, None)]
    else:
        passport = read_passport(release)
        listed = [(file.file, file) for file in passport.files]
        problems += _unlisted(release, {file.file for file in passport.files})
    for file, expected in listed:
        path, name = release.folder / file, release.name_of(file)
        if leads_elsewhere(release, path):
            problems.append(_link(name))
            continue
        inside = file if release.loose_file is None else path.resolve().as_posix()
        try:
            if not path.is_file():
                problems.append(
                    Problem(
                        "missing_file",
                        "The passport lists the file, but it is not in the release.",
                        "Restore the file, or take it out of the passport.",
                        file=name,
                    )
                )
                continue
            sha256 = _sha256(path)
            found = [] if is_companion(inside, source) else [*_not_a_table(path, name, tables_for(inside, source))]
        except OSError as error:
            problems.append(_unreadable(name, error))
            continue
        if expected is not None:
            found += _changed(path, name, sha256, expected)
        problems += found
        files.append(RawFile(name, path, release.release_id, sha256, inside))
    if problems:
        raise SourceRefused(release.source_id, tuple(problems))
    return tuple(files)


def leads_elsewhere(release: RawRelease, path: Path) -> bool:
    """Tell whether a path of a release is, or goes through, a link.

    Bytes as received lie in ``data/raw``. What a link names can change without a trace, is not looked at when a refresh
    asks whether anything is new, and may be any file of the machine. ``data/raw`` itself may be a link.

    Args:
        release: A release.
        path: A path in its folder.

    Returns:
        ``True`` for a link anywhere below ``data/raw``; ``False`` for a file that nobody has filed yet.
    """
    if release.loose_file is not None:
        return False
    raw = release.folder.parent.parent
    wanted = raw.resolve() / path.relative_to(raw)
    return os.path.normcase(path.resolve()) != os.path.normcase(wanted)


def _link(name: str) -> Problem:
    return Problem(
        "link_in_release",
        "The path is, or goes through, a link: what it leads to was not received with the release.",
        "Put the file itself into the release.",
        file=name,
    )


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(
        "unreadable_file",
        f"The file cannot be read ({error.strerror or error}).",
        "Give the account that runs the refresh the right to read it.",
        file=name,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unlisted(release: RawRelease, listed: set[str]) -> Iterator[Problem]:
    for path in sorted(release.folder.rglob("*")):
        inside = path.relative_to(release.folder)
        if path.is_symlink() and path.is_dir():
            yield _link(release.name_of(inside.as_posix()))
        if path.is_dir() or any(part.startswith(".") for part in inside.parts):
            continue
        if inside.as_posix() not in listed and inside.as_posix() != PASSPORT_NAME:
            yield Problem(
                "unlisted_file",
                "The file is in the release, but its passport does not list it.",
                "List it with its size, hash, encoding and rows, or remove it.",
                file=release.name_of(inside.as_posix()),
            )


def _changed(path: Path, name: str, sha256: str, expected: PassportFile) -> Iterator[Problem]:
    remedy = "Restore the file as received; file a new version as a new release with its own passport."
    size = path.stat().st_size
    if size != expected.bytes:
        yield Problem(
            "wrong_size",
            f"The passport says {expected.bytes} bytes, the file has {size}.",
            remedy,
            file=name,
            value=str(size),
        )
    if sha256 != expected.sha256:
        yield Problem(
            "wrong_hash",
            f"The passport says sha256 {expected.sha256}, the file has {sha256}.",
            remedy,
            file=name,
            value=sha256,
        )


def _not_a_table(path: Path, name: str, tables: Collection[Table]) -> Iterator[Problem]:
    again = "Download the file again and look at it before filing it."
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        yield Problem("empty_file", "The file has no bytes.", again, file=name)
        return
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        first = start[:40].decode("latin-1").splitlines()[0]
        yield Problem(
            "html_instead_of_csv", "The file is a web page or XML, not a table.", again, file=name, value=first
        )
    elif is_workbook(head):
        if not tables or not all(table.parse.sheet for table in tables):
            yield Problem(
                "workbook_instead_of_csv",
                "The file is a workbook or archive.",
                "Save the sheet as CSV, or name the sheet in parse.sheet of its table.",
                file=name,
            )
    elif sheets := [table.parse.sheet for table in tables if table.parse.sheet]:
        yield Problem(
            "text_instead_of_workbook",
            f"The table is on the sheet {sheets[0]!r} of a workbook, but the file is none.",
            "File the workbook, or give text files a table of their own without parse.sheet.",
            file=name,
        )
    elif len(head) < _HEAD_BYTES and not b"".join(start.splitlines()[1:]).strip(b" ,;\t\r\n\x00"):
        yield Problem("header_only", "The file has a header but no data record.", again, file=name)
