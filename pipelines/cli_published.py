"""The commands about what is published: is the file as promised, and the report to hand on.

Options, words on the screen and exit codes belong here; the work is elsewhere and is imported when a command needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli_console import console_of_now, leave
from pipelines.problems import NotPublished
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.report.site import SiteReport


@click.command()
@click.option("--restricted", is_flag=True, help="From the whole file, for staff: it may show small counts.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pages, empty, new, or with an older report; needed with --restricted.",
)
def report(folder: Path | None, *, restricted: bool) -> None:
    """Write the report: pages that open from disk in any browser, without a network.

    Every refresh writes it from the public edition, beside the file itself, its tables and a workbook:
    warehouse/public/index.html leads to the newest. Without options this command says where that is, and makes it again
    if it is missing. With --to the same pages are written to a folder of your own.

    \b
    Exit codes:
      0  written, or there already
      1  nothing is published, or the folder holds something else

    \b
    Examples:
      outcomes report
      outcomes report --to board_papers/report
      outcomes report --restricted --to staff/report
    """  # noqa: D301 - click wants a real backspace here
    from pipelines.companions import ENTRY_PAGE, PUBLIC_FILE, have_companions, mend_companions
    from pipelines.publish.published_state import read_published
    from pipelines.refresh_lock import refresh_lock

    settings = Settings.from_environment()
    console = console_of_now()
    published = read_published(settings.served_file)
    if published is None:
        raise NotPublished("Nothing is published yet. Run: outcomes refresh")
    if restricted and folder is None:
        raise click.UsageError("--restricted needs --to: pages with small counts do not lie beside public ones.")
    if restricted and folder is not None:
        _say(folder, _site(settings, settings.served_file, folder, "whole"))
        return
    release_id = published.release.release_id
    if not have_companions(settings, release_id):
        with refresh_lock(settings):
            mend_companions(settings, release_id)
    if folder is not None:
        _say(folder, _site(settings, settings.public / release_id / PUBLIC_FILE, folder, "public"))
        return
    console.print(
        f"Report of release {release_id}: {settings.public / ENTRY_PAGE}\n"
        f"To hand on: the folder {settings.public / release_id}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _site(settings: Settings, file: Path, folder: Path, edition: str) -> SiteReport:
    from pipelines.report.site import build_site

    return build_site(
        file,
        folder.resolve(),
        edition="whole" if edition == "whole" else "public",
        methods=settings.dbt_project / "docs" / "methods.md",
    )


def _say(folder: Path, made: SiteReport) -> None:
    console_of_now().print(
        f"{made.pages:,} pages, {made.bytes / 1e6:.1f} MB, in {made.seconds:.1f} s: {folder / 'index.html'}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def conformance(file: Path | None) -> None:
    """Hold a published FILE against every rule for published files: the served one by default.

    The same rules stand between a build and its release, so that what is served has passed them. The file is opened
    read-only, as a BI tool would open it.

    \b
    Exit codes:
      0  every rule holds
      1  a rule does not hold; the table says where, and what to do

    \b
    Examples:
      outcomes conformance
      outcomes conformance warehouse/public/20261126T072436Z-e8636cdf/outcomes_public.duckdb
    """  # noqa: D301 - click wants a real backspace here
    from pipelines.publish.conformance.page import tell_conformance
    from pipelines.publish.conformance.promises import PROMISES
    from pipelines.publish.public_edition import is_public, public_promises

    settings = Settings.from_environment()
    found = settings.served_file if file is None else file
    if not found.is_file():
        raise NotPublished("Nothing is published yet. Run: outcomes refresh")
    promises = public_promises(PROMISES) if is_public(found) else PROMISES
    leave(tell_conformance(console_of_now(), found, promises))
