"""Whether a source has to be gated again: what the last gate looked at, and what it left.

Remembering, comparing and mending belong here; the gate is in ``load_gate``. A gate is repeated when anything that it
looks at has changed (the landed data, the suite, the seeds and declarations that its rules read, code, libraries), or
when what it left is no longer there byte for byte and cannot be had back from the archive.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.acquire.landing_state import code_digest, read_landing_state, read_problems
from pipelines.check.check_log import read_checks, read_load
from pipelines.check.load_gate import SEED_REFERENCES, LoadOutcome, check_load
from pipelines.durable_files import sha256_of, write_text
from pipelines.problems import OutcomesError
from pipelines.release_archive import Archive, ArchiveDamaged

if TYPE_CHECKING:
    from pipelines.acquire.source_registry import Source
    from pipelines.check.gate_database import Engine
    from pipelines.run_inputs import RunInputs
    from pipelines.settings import Settings

_LIBRARIES: Final = ("great-expectations", "duckdb", "polars", "sqlalchemy", "duckdb-engine")


@dataclass(frozen=True, slots=True)
class GateState:
    """What a gate looked at and what it left.

    Attributes:
        key: Hash of everything that it looked at, but for the data that were served before.
        accepted_before: SHA-256 of the data that were served before, with which its rules compared.
        left: Path below the warehouse of each file that it left, to SHA-256.
    """

    key: str
    accepted_before: str | None
    left: dict[str, str]


@dataclass(frozen=True, slots=True)
class Gating:
    """How a source came through its gate.

    Attributes:
        outcome: What the gate said, now or the last time that there was something to say.
        is_unchanged: Whether the last outcome still stands, so that no rule was put again.
    """

    outcome: LoadOutcome
    is_unchanged: bool


def gate_if_changed(
    source: Source, settings: Settings, inputs: RunInputs, *, engine: Engine = "great_expectations"
) -> Gating:
    """Gate a landed source, unless all that its gate would look at and all that it left are as they were.

    Args:
        source: The declaration.
        settings: Folders.
        inputs: What the run works on.
        engine: Who runs the rules.

    Returns:
        How it went.

    Raises:
        OutcomesError: The source has not been landed.
        ConfigurationError: Its suite is missing or wrong.
    """
    landing = read_landing_state(settings, source.id)
    if landing is None:
        raise OutcomesError(f"{source.id} has not been landed: materialise landed/{source.id} first.")
    mend(settings, source.id)
    key = _gate_key(source, settings, f"{landing.left} {landing.sha256}")
    before = read_gate_state(settings, source.id)
    if before is not None and before.key == key and not _damaged(settings, before):
        load = read_load(settings.check_log, source.id)
        if load is not None:
            return Gating(LoadOutcome(load, read_checks(settings.check_log, source.id)), is_unchanged=True)
    accepted = settings.accepted / f"{source.id}.parquet"
    accepted_before = _keep(settings, accepted) if accepted.is_file() else None
    problems = read_problems(settings, source.id)
    landed = None if problems else settings.landed / f"{source.id}.parquet"
    outcome = check_load(source, landed, problems, settings, inputs.moment_of(source.id), engine=engine)
    left = {file.relative_to(settings.warehouse).as_posix(): _keep(settings, file) for file in _left(settings, source)}
    state = GateState(key, accepted_before, left)
    write_text(_state_file(settings, source.id), json.dumps(asdict(state)) + "\n")
    return Gating(outcome, is_unchanged=False)


def read_gate_state(settings: Settings, source_id: str) -> GateState | None:
    """Return what the last gate of a source looked at and left; ``None`` when there is no readable record.

    Args:
        settings: Folders.
        source_id: The source.
    """
    try:
        found = json.loads(_state_file(settings, source_id).read_text(encoding="utf-8"))
        return GateState(str(found["key"]), found["accepted_before"], dict(found["left"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def mend(settings: Settings, source_id: str) -> tuple[str, ...]:
    """Put back, from the archive, what a gate left and somebody damaged or a crash left half done.

    Args:
        settings: Folders.
        source_id: The source.

    Returns:
        The files that were put back, below the warehouse. What the archive does not have stays as it is.
    """
    state = read_gate_state(settings, source_id)
    if state is None or not settings.keeps_history:
        return ()
    archive = Archive(settings.history)
    mended: list[str] = []
    for name in _damaged(settings, state):
        path = settings.warehouse / name
        restored = path.with_name(f".{path.name}.restored")
        try:
            archive.restore(state.left[name], restored)
        except ArchiveDamaged:
            continue
        restored.replace(path)
        mended.append(name)
    return tuple(mended)


def _damaged(settings: Settings, state: GateState) -> list[str]:
    return [name for name, sha256 in state.left.items() if _sha256(settings.warehouse / name) != sha256]


def _sha256(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None


def _keep(settings: Settings, file: Path) -> str:
    return Archive(settings.history).put(file) if settings.keeps_history else sha256_of(file)


def _left(settings: Settings, source: Source) -> tuple[Path, ...]:
    return (
        settings.accepted / f"{source.id}.parquet",
        settings.quarantine / f"{source.id}.parquet",
        settings.check_log / f"{source.id}.load.parquet",
        settings.check_log / f"{source.id}.checks.parquet",
    )


def _gate_key(source: Source, settings: Settings, landed: str) -> str:
    shared = sorted((settings.expectations / "shared").glob("*.json"))
    read = (
        settings.expectations / "landed" / f"{source.id}.json",
        *shared,
        *(settings.seeds / f"{seed}.csv" for seed in SEED_REFERENCES.values()),
        settings.registry / "indicators.parquet",
    )
    parts = (landed, source.digest, _gate_digest(), *(f"{file.name} {_sha256(file)}" for file in read))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _gate_digest() -> str:
    return code_digest(Path(__file__).parent, _LIBRARIES)


def _state_file(settings: Settings, source_id: str) -> Path:
    return settings.check_log / f"{source_id}.gate.json"
