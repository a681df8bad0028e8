"""What a run works on, fixed at its start: the day it speaks for, the time, and the hash of every input.

Deciding whether there is anything new belongs here. It must stay cheap (no Dagster, dbt, Polars): it is all that a
refresh with nothing new does.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipelines.durable_files import sha256_of, write_text
from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipelines.settings import Settings

LONDON = ZoneInfo("Europe/London")
# A due date, or the last day of an area, has passed on the day after it; everything else counts from its own day on.
_COUNTS_AFTER = {"commitments.csv": ("due_date",), "areas.csv": ("valid_to",)}
_COUNTS_FROM = {
    "commitments.csv": ("valid_from", "valid_to"),
    "milestone_progress.csv": ("recorded_on",),
    "areas.csv": ("valid_from",),
    "area_successions.csv": ("effective_date",),
}
_CODE_FOLDERS = ("pipelines", "dbt_project/models", "dbt_project/macros", "dbt_project/tests", "expectations")
_CODE_FILES = ("dbt_project/dbt_project.yml", "dbt_project/profiles.yml", "requirements.lock")
_GENERATED = ("__pycache__", ".pyc")
_RAW = "data/raw/"
UNREADABLE = "unreadable"
"""Stands for the hash of an input that cannot be read: no permission, a broken link, a pipe."""
_RETRIEVED = re.compile(r"^retrieved:\s*['\"]?(\d{4}-\d{2}-\d{2})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What one run works on.

    Attributes:
        as_at: The day that the release speaks for.
        started_at: When the run began (UTC).
        fingerprint: Hash of raw data, seeds, code, expectations and the dates that have passed by ``as_at``, among
            them those on which releases were retrieved.
        code_version: Hash of the code alone.
        files: Every input: its path below the project, with forward slashes, to the SHA-256 of its bytes.
        checked_at: When a release is made again: the moment at which each source was gated then.
    """

    as_at: date
    started_at: datetime
    fingerprint: str
    code_version: str
    files: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    checked_at: Mapping[str, datetime] = field(default_factory=dict[str, datetime], repr=False)

    @property
    def looks_back(self) -> bool:
        """Whether the run speaks for a day that was over when it began: it uses only what was known on that day."""
        return self.as_at < self.started_at.astimezone(LONDON).date()

    def moment_of(self, source_id: str) -> datetime:
        """Return the moment that the gate of a source writes beside what it says: the start of the run."""
        return self.checked_at.get(source_id, self.started_at)

    @property
    def readable(self) -> dict[str, str]:
        """Return the inputs that could be read, with their hashes."""
        return {name: sha for name, sha in self.files.items() if sha != UNREADABLE}

    def raw_files(self, source_id: str) -> dict[str, str]:
        """Return the raw files of one source, passports included, with their hashes."""
        return {name: sha for name, sha in self.files.items() if name.startswith(f"{_RAW}{source_id}/")}


@dataclass(frozen=True, slots=True)
class LastRun:
    """The inputs of the run behind the served file, and the file as it was served.

    Attributes:
        fingerprint: Its fingerprint.
        release_id: The release it published.
        sha256: Of the served file; ``None`` when nobody noted it.
        size: Of the served file, in bytes.
        modified: Time of the served file, in nanoseconds: while size and time stand, the bytes are not read again.
    """

    fingerprint: str
    release_id: str
    sha256: str | None = None
    size: int | None = None
    modified: int | None = None


def today() -> date:
    """Return today's date in London, whatever the zone of the machine."""
    return datetime.now(LONDON).date()


def take_inputs(settings: Settings, as_at: date | None = None, now: datetime | None = None) -> RunInputs:
    """Fix what a run works on.

    Args:
        settings: Folders.
        as_at: The day to speak for; today in London by default.
        now: Start of the run; the clock by default.

    Returns:
        The inputs.
    """
    day = as_at or today()
    # Whole seconds: a release is named after its second, and every table says the same moment.
    started_at = (now or datetime.now(UTC)).replace(microsecond=0)
    code = _hash_files(settings.project, _code_files(settings))
    data = {
        name: sha
        for folder in (settings.raw, settings.seeds)
        for name, sha in _hash_files(settings.project, _files_below(folder)).items()
    }
    code_version = _digest(code)
    digest = hashlib.sha256(f"{code_version}{_digest(data)}".encode())
    digest.update(str(dates_passed(settings.seeds, day)).encode())
    digest.update(str(releases_known(settings.raw, day)).encode())
    return RunInputs(
        as_at=day,
        started_at=started_at,
        fingerprint=digest.hexdigest(),
        code_version=code_version[:12],
        files={**code, **data},
    )


def repeated_inputs(settings: Settings, orders: RunInputs) -> RunInputs:
    """Fix what a run works on that makes a release again.

    Args:
        settings: Folders, with the inputs of the release laid out in them.
        orders: Day, start, moments and fingerprint of the release.

    Returns:
        The inputs.

    Raises:
        OutcomesError: What is laid out is not what the release was made from.
    """
    inputs = take_inputs(settings, orders.as_at, orders.started_at)
    if inputs.fingerprint != orders.fingerprint:
        raise OutcomesError(
            f"The inputs at hand have the fingerprint {inputs.fingerprint[:8]}, and the release was made from "
            f"{orders.fingerprint[:8]}: it cannot be made again."
        )
    return replace(inputs, checked_at=orders.checked_at)


def dates_passed(seeds: Path, as_at: date) -> int:
    """Count the dates of the register that have passed: a new day is news only when this number changes.

    Args:
        seeds: Folder of the register.
        as_at: The day to speak for.

    Returns:
        How many due dates lie before ``as_at``, and how many first and last days of validity and progress records lie
        before or on it.
    """
    day = as_at.isoformat()
    passed = 0
    for name in {**_COUNTS_AFTER, **_COUNTS_FROM}:
        path = seeds / name
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    passed += sum("" < (row.get(column) or "") < day for column in _COUNTS_AFTER.get(name, ()))
                    passed += sum("" < (row.get(column) or "") <= day for column in _COUNTS_FROM.get(name, ()))
    return passed


def releases_known(raw: Path, as_at: date) -> int:
    """Count the releases that were at hand on a day; the lines of their passports are read, not the YAML.

    Args:
        raw: Folder of raw releases.
        as_at: The day to speak for.

    Returns:
        How many passports say that they were retrieved on or before the day.
    """
    day = as_at.isoformat()
    found = (_RETRIEVED.search(_text(path)) for path in sorted(raw.glob("*/*/passport.yml")))
    return sum(match is not None and match[1] <= day for match in found)


def write_inputs(path: Path, inputs: RunInputs) -> None:
    """Keep the inputs of the run under way, for its later steps.

    Args:
        path: File to write, replaced in one step.
        inputs: The inputs.
    """
    _write_json(
        path,
        {
            "as_at": inputs.as_at.isoformat(),
            "started_at": inputs.started_at.isoformat(),
            "fingerprint": inputs.fingerprint,
            "code_version": inputs.code_version,
            "files": dict(inputs.files),
            "checked_at": {source_id: moment.isoformat() for source_id, moment in inputs.checked_at.items()},
        },
    )


def read_inputs(path: Path) -> RunInputs:
    """Read the inputs that the first step of the run wrote.

    Args:
        path: File of :func:`write_inputs`.

    Returns:
        The inputs.

    Raises:
        OutcomesError: No run has begun here.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return RunInputs(
            as_at=date.fromisoformat(found["as_at"]),
            started_at=datetime.fromisoformat(found["started_at"]),
            fingerprint=found["fingerprint"],
            code_version=found["code_version"],
            files=found["files"],
            checked_at={name: datetime.fromisoformat(moment) for name, moment in found["checked_at"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutcomesError(f"{path.name} cannot be read ({error}): start with the asset declared_sources.") from error


def read_last_run(state_file: Path) -> LastRun | None:
    """Return the run behind the served file, or ``None`` when there is none or its record is unreadable."""
    try:
        found = json.loads(state_file.read_text(encoding="utf-8"))
        return LastRun(
            fingerprint=str(found["fingerprint"]),
            release_id=str(found["release_id"]),
            sha256=found.get("sha256"),
            size=found.get("size"),
            modified=found.get("modified"),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_last_run(state_file: Path, last: LastRun, served_file: Path | None = None) -> None:
    """Record the run behind the served file; written after the swap, so that a crash before it means one more run.

    Args:
        state_file: File to write, replaced in one step.
        last: The run.
        served_file: The file that is served now, whose size and time are noted.
    """
    noted = {"fingerprint": last.fingerprint, "release_id": last.release_id, "sha256": last.sha256}
    if served_file is not None:
        found = served_file.stat()
        noted |= {"size": found.st_size, "modified": found.st_mtime_ns}
    _write_json(state_file, noted)


def is_as_served(served_file: Path, last: LastRun) -> bool:
    """Return whether the served file is still the one that was published.

    The bytes are read only when size or time are not as they were: somebody copied the file back, or damaged it.

    Args:
        served_file: The served file.
        last: What was noted when it was published.
    """
    try:
        found = served_file.stat()
    except OSError:
        return False
    if last.sha256 is None or (found.st_size, found.st_mtime_ns) == (last.size, last.modified):
        return True
    if found.st_size != last.size:
        return False
    return sha256_of(served_file) == last.sha256


def changed_since(settings: Settings, inputs: RunInputs) -> list[str]:
    """Return what a run worked on that is not as it was when the run began, but for raw data.

    Raw data are read once, into the landed tables, whose rows name the bytes they come from. What comes into
    ``data/raw`` later is news for the next run.

    Args:
        settings: Folders.
        inputs: What the run worked on.

    Returns:
        Paths below the project, sorted: code, declarations, suites and seeds that were changed, added or taken away.
    """
    now = {**_hash_files(settings.project, _code_files(settings))}
    now |= _hash_files(settings.project, _files_below(settings.seeds))
    then = {name: sha for name, sha in inputs.files.items() if not name.startswith(_RAW)}
    return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n")


def _code_files(settings: Settings) -> Iterator[Path]:
    for folder in _CODE_FOLDERS:
        yield from _files_below(settings.project / folder)
    for name in _CODE_FILES:
        path = settings.project / name
        if path.is_file():
            yield path


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _GENERATED)
        for name in sorted(names):
            if not name.endswith(_GENERATED):
                yield folder.__class__(parent) / name


def _hash_files(project: Path, files: Iterator[Path]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for path in files:
        hashes[path.relative_to(project).as_posix()] = hash_input(path)
    return hashes


def _text(path: Path) -> str:
    """Read a passport; whatever is wrong with it, landing refuses it with the reason."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if _is_own_file(path) else ""
    except OSError:
        return ""


def hash_input(path: Path) -> str:
    """Hash a file that a release is made from.

    Args:
        path: The file.

    Returns:
        SHA-256 as hex, or :data:`UNREADABLE`: such a file is an input all the same, and whoever needs it refuses it
        with the reason.
    """
    try:
        return sha256_of(path) if _is_own_file(path) else UNREADABLE
    except OSError:
        return UNREADABLE


def _is_own_file(path: Path) -> bool:
    """Tell a file from a link to one, which may be any of the machine, a pipe, which never ends, and a device."""
    return path.is_file() and not path.is_symlink()


def _digest(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256("\n".join(f"{name} {sha}" for name, sha in hashes.items()).encode()).hexdigest()
