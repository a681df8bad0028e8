"""What is kept of a release, so that it can be made again and compared with later ones.

Choosing what goes into the archive belongs here. The archive itself is ``release_archive``; making a release again is
``rebuild``.
"""

from __future__ import annotations

import importlib.metadata
import platform
import tempfile
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.check.check_log import read_load
from pipelines.check.gate_state import read_gate_state
from pipelines.problems import NotPublished, OutcomesError
from pipelines.publish.snapshots import take_snapshots
from pipelines.release_archive import Archive, Manifest
from pipelines.run_inputs import changed_since

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pipelines.run_inputs import RunInputs
    from pipelines.settings import Settings

_DECIDE_FIGURES: Final = (
    "duckdb",
    "dbt-core",
    "dbt-duckdb",
    "great-expectations",
    "numpy",
    "polars",
    "python-calamine",
    "scipy",
    "statsmodels",
)
"""Packages that can change a figure when their version changes."""


def keep_inputs(settings: Settings, inputs: RunInputs) -> None:
    """Keep every input of a run, at its start: what comes later cannot take away what the release was made from.

    Args:
        settings: Folders.
        inputs: What the run works on.

    Raises:
        OutcomesError: A file changed since the inputs were fixed a moment ago, or the archive cannot be written.
    """
    if not settings.keeps_history:
        return
    files = {name: settings.project / name for name in inputs.readable}
    kept = Archive(settings.history).put_all(settings.project, files)
    changed = [name for name, sha256 in kept.items() if inputs.files[name] != sha256]
    if changed:
        raise OutcomesError(f"{', '.join(changed[:5])} changed while the refresh began. Refresh again.")


def archive_release(
    settings: Settings,
    inputs: RunInputs,
    release_id: str,
    release_file: Path,
    *,
    content_checksum: str,
    previous_release_id: str | None,
    more_snapshots: Mapping[str, Path] | None = None,
) -> Manifest:
    """Keep everything that a release was made from, and the snapshots with which later ones are compared.

    Args:
        settings: Folders.
        inputs: What the run worked on.
        release_id: The release.
        release_file: Its stored file, not served yet.
        content_checksum: Of its tables.
        previous_release_id: The release that is served until now.
        more_snapshots: What else the next release has to know of this one: name to file.

    Returns:
        The manifest, as written.

    Raises:
        NotPublished: Code, a rule or a seed changed while the run was under way, so that nobody could say what the
            release was made from.
        OutcomesError: The archive cannot be written.
    """
    changed = changed_since(settings, inputs)
    if changed:
        raise NotPublished(
            f"{', '.join(changed[:5])}{' and others' if len(changed) > 5 else ''} changed while the refresh was under "
            "way, so nobody could say what the release was made from. Leave the files alone and refresh again."
        )
    archive = Archive(settings.history)
    sources = sorted(path.name.removesuffix(".gate.json") for path in settings.check_log.glob("*.gate.json"))
    state = archive.put_all(
        settings.warehouse,
        {
            path.relative_to(settings.warehouse).as_posix(): path
            for path in (*settings.previous.glob("*.parquet"), *_left_by_gates(settings, sources))
        },
    )
    with tempfile.TemporaryDirectory(prefix="outcomes_snapshots_") as folder:
        taken = take_snapshots(release_file, Path(folder), settings.dbt_project)
        snapshots = archive.put_all(Path(folder), {**taken, **(more_snapshots or {})})
    manifest = Manifest(
        release_id=release_id,
        previous_release_id=previous_release_id,
        as_at=inputs.as_at,
        started_at=inputs.started_at,
        code_version=inputs.code_version,
        input_fingerprint=inputs.fingerprint,
        content_checksum=content_checksum,
        packages=packages(),
        inputs=inputs.readable,
        state={**state, **_accepted_before(settings, sources)},
        checked_at=_checked_at(settings, sources),
        snapshots=snapshots,
    )
    archive.write(manifest)
    return manifest


def packages() -> dict[str, str]:
    """Return Python and the packages that can change a figure, each with its version."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in _DECIDE_FIGURES}}


def _left_by_gates(settings: Settings, sources: Iterable[str]) -> Iterable[Path]:
    for source_id in sources:
        yield settings.quarantine / f"{source_id}.parquet"
        yield settings.check_log / f"{source_id}.load.parquet"


def _accepted_before(settings: Settings, sources: Iterable[str]) -> dict[str, str]:
    """Return the data with which the rules of each gate compared: with them, the rules say the same again."""
    states = {source_id: read_gate_state(settings, source_id) for source_id in sources}
    return {
        (settings.accepted / f"{source_id}.parquet").relative_to(settings.warehouse).as_posix(): state.accepted_before
        for source_id, state in states.items()
        if state is not None and state.accepted_before is not None
    }


def _checked_at(settings: Settings, sources: Iterable[str]) -> dict[str, datetime]:
    loads = {source_id: read_load(settings.check_log, source_id) for source_id in sources}
    return {source_id: load.checked_at.replace(tzinfo=UTC) for source_id, load in loads.items() if load is not None}
