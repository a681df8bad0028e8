"""What comes with a release beside its file: exports, the public edition with its own, and the report.

Putting them together, giving them their place and taking away those of old releases belong here; what is in them does
not. All of it follows from the finished release file and from what earlier public editions withheld, so that it can be
made again at any time: a folder that is lost is made again by the next refresh.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.durable_files import sha256_of, sync, write_text
from pipelines.problems import NotPublished
from pipelines.publish.exports.file_names import CHECKSUMS, DATA_PACKAGE, WORKBOOK
from pipelines.publish.served_file import PARTIAL_SUFFIX, RELEASE_SUFFIX

if TYPE_CHECKING:
    from pipelines.publish.public_edition import SuppressedCells
    from pipelines.report.site import Download
    from pipelines.settings import Settings

PUBLIC_FILE: Final = "outcomes_public.duckdb"
DATA_FOLDER: Final = "data"
REPORT_FOLDER: Final = "report"
REPORT_PAGE: Final = f"{REPORT_FOLDER}/index.html"
ENTRY_PAGE: Final = "index.html"
"""In the folder of public editions: leads to the report of the release that is served, whatever its name."""
LATEST: Final = "latest.json"
"""In both folders: the release that is served, for programs."""

_ENTRY: Final = """\
<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={release_id}/{page}">
<title>Outcomes report, newest release</title>
</head>
<body>
<main>
<h1>Outcomes report</h1>
<p><a href="{release_id}/{page}">Report of release {release_id}</a></p>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Companions:
    """What was made beside a release, in its final places.

    Attributes:
        release_id: Of which release.
        exports: Folder with the tables of the whole edition, a workbook and their descriptions.
        public: Folder that may be handed on: the public file, its tables, its workbook and the report.
        suppressed_figures: Figures that the public edition withholds, beyond those that a publisher withholds.
        pages: Pages of the report.
        seconds: How long each part took.
        memory: What public editions withheld and showed so far, for the next one.
        said: What staff should know of the public edition, one sentence a line.
    """

    release_id: str
    exports: Path
    public: Path
    suppressed_figures: int
    pages: int
    seconds: dict[str, float]
    memory: SuppressedCells
    said: tuple[str, ...]

    def snapshots(self, folder: Path) -> dict[str, Path]:
        """Write what the next release has to know for the archive.

        Args:
            folder: Receives the file.

        Returns:
            Name of the snapshot to its file.
        """
        from pipelines.publish.public_edition import write_suppressed
        from pipelines.publish.snapshots import SUPPRESSED

        file = folder / f"{SUPPRESSED}.parquet"
        write_suppressed(self.memory, file)
        return {SUPPRESSED: file}

    def lead_there(self, settings: Settings) -> None:
        """Have both folders lead to this release, now that it is served, and take away what came with old releases.

        Args:
            settings: Folders.
        """
        point_to(settings, self.release_id)
        prune_companions(settings)

    def metadata(self) -> dict[str, str | int | float]:
        """Return what Dagster shows of them."""
        return {
            "report": str(self.public / REPORT_PAGE),
            "report pages": self.pages,
            "withheld in the public edition": self.suppressed_figures,
            "public edition": "\n".join(self.said),
            **{f"seconds, {part}": round(taken, 1) for part, taken in self.seconds.items()},
        }


def companions_of_new_release(settings: Settings, release_file: Path, release_id: str) -> Companions:
    """Make everything that comes with a release that is about to be served.

    Args:
        settings: Folders; ``previous`` was filled at the start of the run.
        release_file: The finished release.
        release_id: Its name.

    Returns:
        What was made.

    Raises:
        NotPublished: As :func:`make_companions` says.
        OutcomesError: As :func:`make_companions` says.
    """
    return make_companions(settings, release_file, release_id, read_memory(settings))


def make_companions(
    settings: Settings, release_file: Path, release_id: str, memory: SuppressedCells | None = None
) -> Companions:
    """Make everything that comes with a release, and put it in its place. Nothing points to it yet.

    Args:
        settings: Folders.
        release_file: The finished release.
        release_id: Its name.
        memory: What earlier public editions withheld and showed; see :func:`read_memory`.

    Returns:
        What was made.

    Raises:
        NotPublished: Something cannot be exported, a small count could not be protected, or the public edition breaks
            a rule for published files. Neither folder has the release then.
        OutcomesError: The report cannot be built.
        OSError: A folder cannot be written to.
    """
    from pipelines.acquire.source_registry import load_sources
    from pipelines.publish.conformance.lint import require_conformance
    from pipelines.publish.conformance.promises import PROMISES
    from pipelines.publish.exports.checksums import write_checksums
    from pipelines.publish.exports.release_exports import write_exports
    from pipelines.publish.public_edition import make_public_edition, public_promises
    from pipelines.report.site import build_site

    clear_unfinished(settings)
    exports = settings.exports / f"{release_id}{PARTIAL_SUFFIX}"
    public = settings.public / f"{release_id}{PARTIAL_SUFFIX}"
    public.mkdir(parents=True)
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def lap(part: str) -> None:
        nonlocal began
        now = time.perf_counter()
        seconds[part], began = now - began, now

    try:
        # Drawing charts and reading tables leave Python free, so that the two editions are exported side by side.
        with ThreadPoolExecutor(max_workers=1) as beside:
            whole = beside.submit(write_exports, release_file, exports, edition="whole", workbook=exports / WORKBOOK)
            edition = make_public_edition(
                release_file,
                public / PUBLIC_FILE,
                {name: source.disclosure for name, source in load_sources(settings.sources).items()},
                memory,
            )
            require_conformance(public / PUBLIC_FILE, promises=public_promises(PROMISES))
            lap("public edition")
            write_exports(public / PUBLIC_FILE, public / DATA_FOLDER, edition="public", workbook=public / WORKBOOK)
            lap("exports")
            site = build_site(
                public / PUBLIC_FILE,
                public / REPORT_FOLDER,
                edition="public",
                methods=settings.dbt_project / "docs" / "methods.md",
                downloads=downloads_beside(public),
            )
            whole.result()
        write_checksums(public)
        lap("report")
        for partial, final in ((exports, settings.exports / release_id), (public, settings.public / release_id)):
            if final.exists():
                shutil.rmtree(final)
            partial.replace(final)
            sync(final.parent)
    except BaseException:
        clear_unfinished(settings)
        remove_companions(settings, release_id)
        raise
    said = tuple(edition.sentences())
    if edition.exposed_before:
        logging.getLogger(__name__).warning(said[-1])
    return Companions(
        release_id=release_id,
        exports=settings.exports / release_id,
        public=settings.public / release_id,
        suppressed_figures=sum(one.primary + one.secondary for one in edition.by_source.values()),
        pages=site.pages,
        seconds=seconds,
        memory=edition.suppressed,
        said=said,
    )


def downloads_beside(public: Path) -> list[Download]:
    """List the files of a public folder for the page of downloads in its report.

    Args:
        public: The folder, complete but for the report.

    Returns:
        The downloads, with paths as seen from the report.
    """
    from pipelines.report.site import Download

    listed = (
        (PUBLIC_FILE, "DuckDB file", "Every table and view, for Power BI, Excel, Tableau, R, Python and others."),
        (WORKBOOK, "Workbook", "The main tables for Excel and LibreOffice, one a sheet."),
        (f"{DATA_FOLDER}/{DATA_PACKAGE}", "Data package", "Every table as CSV and Parquet, described for programs."),
        (f"{DATA_FOLDER}/{CHECKSUMS}", "Checksums", "To see that no byte of the tables has changed."),
    )
    return [
        Download(title, f"../{name}", (public / name).stat().st_size, sha256_of(public / name), description)
        for name, title, description in listed
    ]


def read_memory(settings: Settings) -> SuppressedCells:
    """Return what earlier public editions withheld and showed: as the archive has it, or read from those at hand.

    Args:
        settings: Folders; ``previous`` was filled at the start of the run.
    """
    from pipelines.publish.public_edition import SuppressedCells, read_suppressed
    from pipelines.publish.snapshots import SUPPRESSED

    kept = settings.previous / f"{SUPPRESSED}.parquet"
    memory = read_suppressed(kept) if kept.is_file() else SuppressedCells()
    if memory.suppressed or memory.shown:
        return memory
    for edition in sorted(settings.public.glob(f"*/{PUBLIC_FILE}")):
        memory = memory.and_then(read_suppressed(edition))
    return memory


def point_to(settings: Settings, release_id: str) -> None:
    """Lead whoever opens the two folders to a release: a page for people, a file for programs.

    Args:
        settings: Folders.
        release_id: The release that is served; its companions are there.
    """
    write_text(settings.public / ENTRY_PAGE, _ENTRY.format(release_id=release_id, page=REPORT_PAGE))
    for folder, page in ((settings.public, f"{release_id}/{REPORT_PAGE}"), (settings.exports, None)):
        found = {"release_id": release_id, "folder": release_id} | ({"report": page} if page else {})
        write_text(folder / LATEST, json.dumps(found, indent=1) + "\n")


def have_companions(settings: Settings, release_id: str) -> bool:
    """Return whether a release has what comes with it, and is the one that both folders lead to."""
    pointed = [folder / LATEST for folder in (settings.public, settings.exports)]
    try:
        leads = all(json.loads(file.read_text(encoding="utf-8"))["release_id"] == release_id for file in pointed)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return leads and (settings.public / ENTRY_PAGE).is_file() and _are_made(settings, release_id)


def _are_made(settings: Settings, release_id: str) -> bool:
    """Return whether both folders of a release are there; they took their names when they were complete."""
    needed = (
        settings.public / release_id / PUBLIC_FILE,
        settings.public / release_id / WORKBOOK,
        settings.public / release_id / DATA_FOLDER / CHECKSUMS,
        settings.public / release_id / REPORT_PAGE,
        settings.exports / release_id / CHECKSUMS,
    )
    return all(file.is_file() for file in needed)


def mend_companions(settings: Settings, release_id: str) -> None:
    """Bring the companions of the served release back, after somebody deleted them or the machine died.

    Args:
        settings: Folders.
        release_id: The release that is served.

    Raises:
        NotPublished: The release's file is not among the kept releases, or as :func:`make_companions` says.
    """
    if not _are_made(settings, release_id):
        release_file = settings.releases / f"{release_id}{RELEASE_SUFFIX}"
        if not release_file.is_file():
            raise NotPublished(f"{release_file} is missing, so its report cannot be made. Refresh with --force.")
        make_companions(settings, release_file, release_id, _own_memory(settings, release_id))
    point_to(settings, release_id)


def _own_memory(settings: Settings, release_id: str) -> SuppressedCells | None:
    """Return what public editions up to that of a release withheld and showed, so that it is made as it was."""
    from pipelines.publish.public_edition import read_suppressed
    from pipelines.publish.snapshots import SUPPRESSED
    from pipelines.release_archive import Archive

    archive = Archive(settings.history)
    kept = archive.read(release_id).snapshots if archive.knows(release_id) else {}
    if SUPPRESSED not in kept:
        return None
    with tempfile.TemporaryDirectory(prefix="outcomes_memory_") as folder:
        file = Path(folder) / f"{SUPPRESSED}.parquet"
        archive.restore(kept[SUPPRESSED], file)
        return read_suppressed(file)


def remove_companions(settings: Settings, release_id: str) -> None:
    """Delete what comes with a release, whatever of it exists."""
    for folder in (settings.public, settings.exports):
        shutil.rmtree(folder / release_id, ignore_errors=True)


def prune_companions(settings: Settings) -> list[str]:
    """Delete the companions of releases whose file is no longer kept.

    Args:
        settings: Folders.

    Returns:
        Ids of the releases, oldest first.
    """
    kept = {file.name.removesuffix(RELEASE_SUFFIX) for file in settings.releases.glob(f"*{RELEASE_SUFFIX}")}
    there = {
        folder.name for parent in (settings.public, settings.exports) for folder in parent.glob("*/") if folder.is_dir()
    }
    gone = sorted(there - kept)
    for release_id in gone:
        remove_companions(settings, release_id)
    return gone


def clear_unfinished(settings: Settings) -> None:
    """Delete what an interrupted run left half made."""
    for folder in (settings.public, settings.exports):
        for leftover in folder.glob(f"*{PARTIAL_SUFFIX}"):
            shutil.rmtree(leftover, ignore_errors=True)
