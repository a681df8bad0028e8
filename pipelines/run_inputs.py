"""What a run works on, fixed at its start: the day it speaks for, the time, and a fingerprint of every input.

Deciding whether there is anything new belongs here. It must stay cheap (no Dagster, dbt, Polars): it is all that a
refresh with nothing new does.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    """

    as_at: date
    started_at: datetime
    fingerprint: str
    code_version: str

    @property
    def looks_back(self) -> bool:
        """Whether the run speaks for a day that was over when it began: it uses only what was known on that day."""
        return self.as_at < self.started_at.astimezone(LONDON).date()


@dataclass(frozen=True, slots=True)
class LastRun:
    """The inputs of the run behind the served file.

    Attributes:
        fingerprint: Its fingerprint.
        release_id: The release it published.
    """

    fingerprint: str
    release_id: str


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
    started_at = now or datetime.now(UTC)
    code = _hash_files(settings.project, _code_files(settings))
    digest = hashlib.sha256(code.encode())
    for folder in (settings.raw, settings.seeds):
        digest.update(_hash_files(settings.project, _files_below(folder)).encode())
    digest.update(str(dates_passed(settings.seeds, day)).encode())
    digest.update(str(releases_known(settings.raw, day)).encode())
    return RunInputs(as_at=day, started_at=started_at, fingerprint=digest.hexdigest(), code_version=code[:12])


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
    found = (_RETRIEVED.search(path.read_text(encoding="utf-8")) for path in sorted(raw.glob("*/*/passport.yml")))
    return sum(match is not None and match[1] <= day for match in found)


def write_inputs(path: Path, inputs: RunInputs) -> None:
    """Keep the inputs of the run under way, for its later steps.

    Args:
        path: File to write, replaced in one step.
        inputs: The inputs.
    """
    _write_json(
        path, {name: value if isinstance(value, str) else value.isoformat() for name, value in asdict(inputs).items()}
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
    except (OSError, ValueError) as error:
        raise OutcomesError(f"{path.name} cannot be read ({error}): start with the asset declared_sources.") from error
    return RunInputs(
        as_at=date.fromisoformat(found["as_at"]),
        started_at=datetime.fromisoformat(found["started_at"]),
        fingerprint=found["fingerprint"],
        code_version=found["code_version"],
    )


def read_last_run(state_file: Path) -> LastRun | None:
    """Return the run behind the served file, or ``None`` when there is none or its record is unreadable."""
    try:
        found = json.loads(state_file.read_text(encoding="utf-8"))
        return LastRun(fingerprint=str(found["fingerprint"]), release_id=str(found["release_id"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_last_run(state_file: Path, last: LastRun) -> None:
    """Record the run behind the served file; written after the swap, so that a crash before it means one more run."""
    _write_json(state_file, asdict(last))


def _write_json(path: Path, content: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


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


def _hash_files(project: Path, files: Iterator[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(project).as_posix().encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
