"""Make a past release again from the archive, and hold it against what was published.

Laying out what the release was made from, running the job as it was run, and comparing belong here. What is kept is
``archive_release``'s business; the steps of the job are assets.

The code, declarations, rules and data of the release run, not today's; the packages are those that are installed. Times
that a table holds are those of the release: its start, and the moments at which its sources were gated.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.problems import NotPublished
from pipelines.publish.archive_release import packages
from pipelines.release_archive import Archive
from pipelines.run_inputs import RunInputs, read_inputs, write_inputs
from pipelines.settings import PROJECT_VARIABLE, WAREHOUSE_VARIABLE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelines.release_archive import Manifest

ORDERS: Final = "rebuild.json"
"""What the process that makes the release again is told: day, start and moments. Beside the warehouse it writes."""

_ENTRY: Final = "from pipelines.rebuild import repeat; repeat()"


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A table that is not as it was.

    Attributes:
        table: Its name.
        rows_then: Rows of the release; ``None`` when the table was not there.
        rows_now: Rows of the one that was made again.
    """

    table: str
    rows_then: int | None
    rows_now: int | None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A release made again.

    Attributes:
        release_id: The release.
        file: The file that was made.
        is_identical: Whether all tables hold the same, and, where the release is still on disk, the same rows in the
            same order, byte for byte.
        compared_with: ``file`` when the release is still on disk, otherwise ``checksum``.
        differences: Tables that differ; known only where the release is still on disk.
        other_packages: Package to its version then and now, where they differ.
    """

    release_id: str
    file: Path
    is_identical: bool
    compared_with: str
    differences: tuple[TableDifference, ...]
    other_packages: Mapping[str, tuple[str, str]]


def rebuild(settings: Settings, release_id: str, report: Callable[[str], None] = lambda _: None) -> Rebuilt:
    """Make a release again, beside the served one, and compare the two.

    Args:
        settings: Folders.
        release_id: The release, by its whole name.
        report: Receives what the process that makes it says, line by line.

    Returns:
        What was made, and how it compares.

    Raises:
        ArchiveDamaged: Something that the release was made from is no longer in the archive as it was.
        NotPublished: The job did not finish, or its inputs are not those of the release.
    """
    archive = Archive(settings.history)
    manifest = archive.read(release_id)
    root = settings.warehouse / "rebuilt" / release_id
    shutil.rmtree(root, ignore_errors=True)
    own = Settings(root / "project", root / "warehouse", releases_kept=1, beside=settings.warehouse)
    for folder, files in ((own.project, manifest.inputs), (own.warehouse, manifest.state)):
        for name, sha256 in files.items():
            archive.restore(sha256, _inside(folder, name))
    orders = RunInputs(
        as_at=manifest.as_at,
        started_at=manifest.started_at,
        fingerprint=manifest.input_fingerprint,
        code_version=manifest.code_version,
        checked_at=manifest.checked_at,
    )
    write_inputs(own.warehouse / ORDERS, orders)
    _run(own, report)
    shutil.rmtree(own.project)
    return _compare(settings, own, manifest)


def repeat() -> None:
    """Run the job over the folders that the environment names, as :data:`ORDERS` says; in a process of its own.

    Raises:
        NotPublished: The job failed, or what it would work on is not what the release was made from.
    """
    from pipelines.refresh import run_job  # noqa: PLC0415 - Dagster, in the process that needs it
    from pipelines.refresh_progress import PlainProgress  # noqa: PLC0415

    settings = Settings.from_environment()
    settings = replace(settings, beside=settings.warehouse.parent, releases_kept=1)
    orders = read_inputs(settings.warehouse / ORDERS)
    said = sys.stdout
    failures = run_job(settings, PlainProgress(lambda line: print(line, file=said, flush=True)), orders.as_at, orders)
    if failures:
        raise NotPublished("; ".join(failures))


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise NotPublished(f"The manifest names {name!r}, which is outside {folder}. It was changed.")
    return path


def _run(own: Settings, report: Callable[[str], None]) -> None:
    """Run the release's own code, where it was archived with its inputs; the installed code otherwise."""
    code = own.project if (own.project / "pipelines" / "cli.py").is_file() else Path(__file__).resolve().parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", _ENTRY],
        cwd=own.project,
        env={
            **os.environ,
            "PYTHONPATH": str(code),
            PROJECT_VARIABLE: str(own.project),
            WAREHOUSE_VARIABLE: str(own.warehouse),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        said: list[str] = []
        for line in process.stdout or ():
            said.append(line.rstrip())
            report(line.rstrip())
    if process.returncode != 0:
        raise NotPublished("The release could not be made again:\n" + "\n".join(said[-15:]))


def _compare(settings: Settings, own: Settings, manifest: Manifest) -> Rebuilt:
    from pipelines.publish.checksum import ordered_tables  # noqa: PLC0415 - DuckDB, when there is something to compare
    from pipelines.publish.published_state import read_published  # noqa: PLC0415

    made = read_published(own.served_file)
    if made is None:
        raise NotPublished("The release was made again, but no file was left.")
    then = settings.releases / f"{manifest.release_id}.duckdb"
    differences: list[TableDifference] = []
    same = (made.release.release_id, made.release.content_checksum) == (manifest.release_id, manifest.content_checksum)
    if then.is_file():
        before, after = ordered_tables(then), ordered_tables(own.served_file)
        for table in sorted({*before, *after}):
            if before.get(table) != after.get(table):
                rows = (before.get(table, (None, ""))[0], after.get(table, (None, ""))[0])
                differences.append(TableDifference(table, *rows))
    now = packages()
    return Rebuilt(
        release_id=manifest.release_id,
        file=own.served_file,
        is_identical=same and not differences,
        compared_with="file" if then.is_file() else "checksum",
        differences=tuple(differences),
        other_packages={
            name: (version, now.get(name, "none"))
            for name, version in manifest.packages.items()
            if now.get(name) != version
        },
    )
