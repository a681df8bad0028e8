"""Land a source when there is reason to: what the last landing was made from, and what it left.

Remembering and comparing belong here; landing is in ``landing``. A landing is repeated when anything that it read has
changed (files, passports, declaration, readers, libraries, what was known on the day) or when what it left is no longer
there byte for byte.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.acquire.landing import CHANGED_WHILE_READ, LoadRecord, land, read_load_record
from pipelines.acquire.raw_snapshots import RawRelease, find_releases, known_by
from pipelines.dates_in_words import in_words
from pipelines.durable_files import sha256_of, write_text
from pipelines.problems import NOT_YET_RELEASED, Problem, SourceRefused
from pipelines.run_inputs import hash_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelines.acquire.source_registry import Source
    from pipelines.run_inputs import RunInputs
    from pipelines.settings import Settings

_LIBRARIES: Final = ("polars", "python-calamine", "pydantic", "PyYAML")


@dataclass(frozen=True, slots=True)
class LandingState:
    """What a landing was made from and what it left.

    Attributes:
        key: Hash of everything that it read.
        left: Name of the file that it left in the folder of landed data: the Parquet, or the list of problems.
        sha256: Of that file.
    """

    key: str
    left: str
    sha256: str


def code_digest(package: Path, libraries: Iterable[str]) -> str:
    """Hash the Python files of one of our folders and the versions of the libraries that it stands on.

    Args:
        package: The folder.
        libraries: Names of distributions.

    Returns:
        SHA-256 as hex.
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    for library in libraries:
        digest.update(f"{library} {importlib.metadata.version(library)}".encode())
    return digest.hexdigest()


@cache
def _readers_digest() -> str:
    return code_digest(Path(__file__).parent, _LIBRARIES)


def landing_key(source: Source, inputs: RunInputs) -> str:
    """Hash everything that landing a source reads.

    Args:
        source: The declaration.
        inputs: What the run works on.

    Returns:
        SHA-256 as hex. A day that is over has its own, because it may know fewer releases.
    """
    day = inputs.as_at.isoformat() if inputs.looks_back else ""
    files = sorted(inputs.raw_files(source.id).items())
    parts = (source.digest, _readers_digest(), day, *(f"{name} {sha}" for name, sha in files))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_landing_state(settings: Settings, source_id: str) -> LandingState | None:
    """Return what the last landing of a source left, if all of it is still there byte for byte.

    Args:
        settings: Folders.
        source_id: The source.

    Returns:
        The state; ``None`` when nothing was landed, or somebody changed what was left.
    """
    try:
        state = LandingState(**json.loads(_state_file(settings, source_id).read_text(encoding="utf-8")))
        found = sha256_of(settings.landed / Path(state.left).name)
    except (OSError, ValueError, TypeError):
        return None
    return state if found == state.sha256 else None


def remember_landing(settings: Settings, source_id: str, key: str, left: Path) -> LandingState:
    """Note what a landing was made from and what it left; the last thing that a landing does.

    Args:
        settings: Folders.
        source_id: The source.
        key: As :func:`landing_key` says.
        left: The file that it left.

    Returns:
        The state.
    """
    state = LandingState(key, left.name, sha256_of(left))
    write_text(_state_file(settings, source_id), json.dumps(asdict(state)) + "\n")
    return state


def _state_file(settings: Settings, source_id: str) -> Path:
    return settings.landed / f"{source_id}.landing.json"


def problems_file(settings: Settings, source_id: str) -> Path:
    """Return where the problems of an unreadable load are kept until the next load."""
    return settings.landed / f"{source_id}.problems.json"


def read_problems(settings: Settings, source_id: str) -> tuple[Problem, ...]:
    """Return why the last load of a source could not be read; empty when it could."""
    path = problems_file(settings, source_id)
    if not path.is_file():
        return ()
    return tuple(Problem(**found) for found in json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Landing:
    """How a source came through landing.

    Attributes:
        record: What was landed; ``None`` when reading was refused.
        problems: Why reading was refused.
        is_unchanged: Whether nothing was read, because the last landing still stands.
    """

    record: LoadRecord | None
    problems: tuple[Problem, ...]
    is_unchanged: bool


def land_if_changed(source: Source, settings: Settings, inputs: RunInputs) -> Landing:
    """Land a source, unless all that it would read and all that the last landing left are as they were.

    Args:
        source: The declaration.
        settings: Folders.
        inputs: What the run works on.

    Returns:
        How it went. That the source cannot be read is a result and no exception.
    """
    key = landing_key(source, inputs)
    landed, problems_at = settings.landed / f"{source.id}.parquet", problems_file(settings, source.id)
    before = read_landing_state(settings, source.id)
    if before is not None and before.key == key:
        problems = read_problems(settings, source.id)
        if problems:
            return Landing(None, problems, is_unchanged=True)
        if before.left == landed.name:
            return Landing(read_load_record(landed), (), is_unchanged=True)
    try:
        record = _land_what_was_known(source, settings, inputs)
    except SourceRefused as refused:
        write_text(problems_at, json.dumps([asdict(problem) for problem in refused.problems]))
        # Where a file moved under the run, the next one reads the source again.
        still = key if not _moved(source, settings, inputs) else ""
        remember_landing(settings, source.id, still, problems_at)
        return Landing(None, refused.problems, is_unchanged=False)
    problems_at.unlink(missing_ok=True)
    remember_landing(settings, source.id, key, landed)
    return Landing(record, (), is_unchanged=False)


def _moved(source: Source, settings: Settings, inputs: RunInputs) -> list[str]:
    """Return the raw files of a source that are not as they were when the run began."""
    noted = inputs.raw_files(source.id)
    return [name for name, sha256 in noted.items() if hash_input(settings.project / name) != sha256]


def _land_what_was_known(source: Source, settings: Settings, inputs: RunInputs) -> LoadRecord:
    """Land every release, or, for a day that is over, the releases that were at hand on that day.

    Raises:
        SourceRefused: As ``land`` says; with :data:`NOT_YET_RELEASED` when nothing of the source was at hand.
    """
    # A release that arrives while the run is under way is news for the next one.
    noted = {name.split("/")[3] for name in inputs.raw_files(source.id) if name.count("/") > 3}
    releases = tuple(one for one in find_releases(settings.raw, source.id) if one.release_id in noted)
    if not inputs.looks_back:
        return _land_as_noted(source, releases, settings, inputs)
    known = known_by(releases, inputs.as_at)
    if releases and not known:
        day = f"{in_words(inputs.as_at)}"
        raise SourceRefused(
            source.id,
            (Problem(NOT_YET_RELEASED, f"No release was at hand on {day}.", "Nothing to do: the day looks back."),),
        )
    # A table that came later has no file yet.
    return _land_as_noted(source, known, settings, inputs, every_table=known == releases)


def _land_as_noted(
    source: Source,
    releases: Sequence[RawRelease],
    settings: Settings,
    inputs: RunInputs,
    *,
    every_table: bool = True,
) -> LoadRecord:
    """Land releases, and make sure that what was read is what the run noted, and the archive keeps, at its start.

    Raises:
        SourceRefused: As ``land`` says, or because a file changed since the run began.
    """
    record = land(source, releases, settings.landed, every_table=every_table)
    moved = _moved(source, settings, inputs)
    if moved:
        raise SourceRefused(
            source.id,
            tuple(
                Problem(
                    CHANGED_WHILE_READ,
                    "The file was changed or taken away while the refresh was under way.",
                    "Leave data/raw alone while a refresh runs; put the file back as it was received.",
                    file=name.removeprefix("data/raw/"),
                )
                for name in moved
            ),
        )
    return record
