"""Answers of a live service on disk: those that wait to be filed, the release they become, and what was fetched last.

Writing whole files, releases and their passports belongs here. Asking for answers and judging them does not.

An answer waits with a record of what it is beside it, and counts only with that record. A release appears in one step,
is never changed afterwards, and replaces nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.acquire.fingertips_wanted import Question
from pipelines.acquire.raw_snapshots import PASSPORT_NAME, Passport, PassportFile, find_releases, read_passport
from pipelines.acquire.source_registry import Source
from pipelines.problems import OutcomesError, SourceRefused

_LICENCE_URL: Final = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
_INCOMING: Final = ".incoming"
_MOST_RELEASES_A_DAY: Final = 99


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Any = TypeVar("_Any", bound=_Stored)


class KeptAnswer(_Stored):
    """An answer that passed its checks.

    Attributes:
        url: The request that it answers.
        stamps: Indicator id to when the service said its data were last uploaded.
        received: The day it came.
        rows: Records after the header.
        bytes: Size of the file.
        sha256: Hash of the file, as hex.
        first_period: Sort key and label of its earliest period.
        last_period: The same of its latest.
    """

    url: str
    stamps: dict[int, str | None]
    received: date
    rows: int
    bytes: int
    sha256: str
    first_period: tuple[int, str] | None
    last_period: tuple[int, str] | None


class LastFetch(_Stored):
    """What the last complete fetch of one indicator was about.

    Attributes:
        stamp: When the service said that its data were last uploaded.
        area_types: Area type ids at which it was wanted.
        files: The files that hold it, relative to the source's folder of releases.
    """

    stamp: str | None
    area_types: frozenset[int]
    files: frozenset[str]


class LiveState(_Stored):
    """The last complete fetch of every indicator, by indicator id. Losing it costs one fetch of everything."""

    indicators: dict[int, LastFetch] = {}


@dataclass(frozen=True, slots=True)
class Filing:
    """Where the answers of one fetch ended up.

    Attributes:
        release_id: The release that was filed; ``None`` when every file was filed before, byte for byte.
        files: File name to its place relative to the source's folder of releases.
    """

    release_id: str | None
    files: dict[str, str]


def read_state(path: Path) -> LiveState:
    """Return what was fetched last; nothing when there is no record of it, or none that can be read."""
    return _stored(path, LiveState) or LiveState()


def write_state(path: Path, state: LiveState) -> None:
    """Record what was fetched last; after the release is in place, so that a crash before means one more fetch."""
    _write(path, state.model_dump_json(indent=2).encode())


def kept_answer(folder: Path, question: Question, stamps: Mapping[int, str | None], day: date) -> KeptAnswer | None:
    """Find the answer of an earlier, interrupted fetch.

    Args:
        folder: Where answers wait.
        question: What was asked.
        stamps: When the service says that the data of its indicators were last uploaded.
        day: Today. Without a stamp nobody knows whether data have changed overnight, so such an answer keeps for a day.

    Returns:
        The record of the answer, or ``None`` if it is missing, damaged or out of date.
    """
    path = folder / question.file_name
    kept = _stored(path.with_suffix(".json"), KeptAnswer)
    if kept is None or kept.stamps != stamps or (None in stamps.values() and kept.received != day):
        return None
    return kept if path.is_file() and _sha256(path) == kept.sha256 else None


def keep_answer(folder: Path, question: Question, body: bytes, kept: KeptAnswer) -> None:
    """Keep an answer until it is filed.

    Args:
        folder: Where answers wait; made if it does not exist.
        question: What was asked.
        body: The answer as received.
        kept: The record of it.
    """
    path = folder / question.file_name
    _write(path, body)
    # Last, because an answer without its record does not count.
    _write(path.with_suffix(".json"), kept.model_dump_json().encode())


def file_release(raw: Path, source: Source, waiting: Path, answers: Mapping[Question, KeptAnswer], day: date) -> Filing:
    """File answers as one release, unless each of them is already filed byte for byte.

    Args:
        raw: The ``data/raw`` folder.
        source: The source that receives them.
        waiting: Folder of :func:`keep_answer`; it may be on another file system.
        answers: All answers of the fetch.
        day: The day that names the release. A second release of a day gets ``-02`` after its name, and so on.

    Returns:
        Where each file is.

    Raises:
        OutcomesError: A file changed since it was kept, or the day has 99 releases already.
    """
    filed = _latest_files(raw, source.id)
    same = {
        question.file_name: f"{release}/{question.file_name}"
        for question, kept in answers.items()
        for release, sha256 in [filed.get(question.file_name, ("", ""))]
        if sha256 == kept.sha256
    }
    if len(same) == len(answers):
        return Filing(None, same)
    home = raw / source.id
    release_id = _free_name(home, day)
    incoming = home / _INCOMING
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True)
    for question, kept in answers.items():
        content = (waiting / question.file_name).read_bytes()
        if hashlib.sha256(content).hexdigest() != kept.sha256:
            raise OutcomesError(f"{question.file_name} changed before it was filed. Run outcomes refresh --live again.")
        _write(incoming / question.file_name, content)
    passport = _passport(source, answers, day).model_dump()
    _write(incoming / PASSPORT_NAME, yaml.safe_dump(passport, sort_keys=False, allow_unicode=True, width=120).encode())
    os.replace(incoming, home / release_id)  # noqa: PTH105 - named for what it guarantees
    return Filing(release_id, {question.file_name: f"{release_id}/{question.file_name}" for question in answers})


def _latest_files(raw: Path, source_id: str) -> dict[str, tuple[str, str]]:
    """Return file name to the newest release that has it and its hash there."""
    latest: dict[str, tuple[str, str]] = {}
    for release in find_releases(raw, source_id):
        try:
            passport = read_passport(release)
        except SourceRefused:
            # Landing says what is wrong with it; a fetch only looks for files that it could repeat.
            continue
        latest |= {file.file: (release.release_id, file.sha256) for file in passport.files}
    return latest


def _free_name(home: Path, day: date) -> str:
    names = [day.isoformat(), *(f"{day.isoformat()}-{number:02}" for number in range(2, _MOST_RELEASES_A_DAY + 1))]
    for name in names:
        if not (home / name).exists():
            return name
    raise OutcomesError(f"{home.name} has {_MOST_RELEASES_A_DAY} releases of {day} already: something files in a loop.")


def _passport(source: Source, answers: Mapping[Question, KeptAnswer], day: date) -> Passport:
    stamps: dict[int, str | None] = {}
    for kept in answers.values():
        stamps |= kept.stamps
    indicators = ", ".join(f"{one} (uploaded {stamps[one] or 'on a day not stated'})" for one in sorted(stamps))
    received = "; ".join(
        f"{question.file_name} is {question}, received {kept.received}" for question, kept in answers.items()
    )
    first = min((kept.first_period for kept in answers.values() if kept.first_period), default=(0, "not stated"))
    last = max((kept.last_period for kept in answers.values() if kept.last_period), default=(0, "not stated"))
    return Passport(
        publisher=source.publisher,
        title=f"{source.title}: {len(stamps)} indicator{'s' if len(stamps) > 1 else ''} from the live service",
        licence=source.licence,
        licence_url=_LICENCE_URL,
        source_url=" ".join(kept.url for kept in answers.values()),
        retrieved=day,
        period_covered=f"{first[1]} to {last[1]}",
        selection=(
            f"Indicators that measure a commitment and whose data were uploaded since the fetch before: {indicators}. "
            f"Every answer is kept whole, as received, each with England as parent: {received}."
        ),
        files=tuple(
            PassportFile(
                file=question.file_name, bytes=kept.bytes, sha256=kept.sha256, encoding="utf-8", rows=kept.rows
            )
            for question, kept in answers.items()
        ),
    )


def _stored(path: Path, kind: type[_Any]) -> _Any | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, also when the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
