"""The command ``outcomes``.

Options, words on the screen and exit codes belong here; the work is elsewhere and is imported when a command needs it,
so that ``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from pipelines.cli_console import LIVE_FAILED, NOT_PUBLISHED, PUBLISHED, SOURCES_BLOCKED, console_of_now, leave
from pipelines.cli_history import approve, diff, notes, rebuild
from pipelines.cli_published import conformance, report
from pipelines.cli_sources import alerts, freshness, polled
from pipelines.dates_in_words import in_words
from pipelines.problems import OutcomesError
from pipelines.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from rich.console import Console

    from pipelines.acquire.live_extracts import LiveResult
    from pipelines.problems import Problem
    from pipelines.refresh import RefreshResult
    from pipelines.refresh_progress import RefreshProgress


_as_at_option = click.option(
    "--as-at",
    type=click.DateTime(["%Y-%m-%d"]),
    help="As it stood on another day, such as a board meeting. The file is built once (about a minute) from the "
    "releases, commitments and progress of that day, and kept; what is served stays as it is.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def outcomes() -> None:
    """Where we are, where we said we would be, and whether the difference is real.

    Reads extracts in data/raw and commitments in data/seeds, gates every load, and publishes one DuckDB file for BI
    tools: warehouse/outcomes.duckdb. Open it read-only; it is replaced in one step, so a reader is never in the way.

    \b
    Start here:
      outcomes refresh      land, gate, model and publish whatever is new
      outcomes status       what is published, how old it is, and which sources are blocked
      outcomes scorecard    where every commitment stands, from the published file
      outcomes explain ID   where one status comes from, number by number, down to file and record
      outcomes report       where the pages to hand on are, for a browser, without a network
      outcomes check        what would become of a file, before you file it
      outcomes register     what is wrong with the commitment register, before you refresh
      outcomes freshness    what is due, late or stale, and whether anybody has looked
      outcomes polled       note that you looked at a publisher's page
      outcomes notes        what the release that is served changed, for people to read
      outcomes diff         the same, figure by figure, between any two releases
      outcomes approve      let a large change through that blocked a release
      outcomes rebuild ID   make a past release again, and prove that it is the same
      outcomes conformance  hold the published file against every rule for it
      outcomes ui           the same pipeline in the browser, on this machine only
    """  # noqa: D301 - click wants a real backspace here


@outcomes.command()
@click.option(
    "--as-at",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day the release speaks for: decides which due dates have passed. Today in London by default.",
)
@click.option(
    "--serve",
    is_flag=True,
    help="With --as-at and a day in the past: serve that release, although what is served speaks for a later day.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Run even when no input has changed since the last release, and read and gate every source again.",
)
@click.option(
    "--wait",
    "wait_minutes",
    type=click.FloatRange(min=0),
    default=0,
    metavar="MINUTES",
    help="Wait for another refresh of this warehouse to end. Without it a second one says who is at work, and ends.",
)
@click.option("--strict", is_flag=True, help="Exit with 2 when any source was blocked, although the others published.")
@click.option("--plain", is_flag=True, help="One line an item, no live table (the default when not in a terminal).")
@click.option(
    "--live",
    is_flag=True,
    help="First fetch from Fingertips what the commitments need and what has changed there. Without a network, or when "
    "an answer is refused, the refresh goes on with what is filed and says so.",
)
def refresh(
    as_at: datetime | None,
    wait_minutes: float,
    *,
    serve: bool,
    force: bool,
    strict: bool,
    plain: bool,
    live: bool,
) -> None:
    """Land, gate, model and publish whatever is new.

    Only sources that changed are read and gated again. A source whose gate fails stops only itself: its last good data
    stay, marked stale, and the others publish. A gate over the finished tables, or a large change that nobody has
    explained, stops everything: the served file stays as it was.

    \b
    Exit codes:
      0  published, or nothing new
      1  not published; the reason is printed, and the served file is untouched
      2  with --strict: published, but a source was blocked
      3  with --live: published, or nothing new, but Fingertips sent answers that were refused
         (with --strict also: it could not be reached)

    \b
    Examples:
      outcomes refresh
      outcomes refresh --live                    fetch what has changed in Fingertips first
      outcomes refresh --strict --plain --wait 30    from a scheduler
      outcomes refresh --as-at 2028-04-01        what would the day after the deadline say?
      outcomes refresh --as-at 2025-06-30        what was known on that day: built beside what is served
    """  # noqa: D301 - click wants a real backspace here
    from pipelines.refresh import looks_back
    from pipelines.refresh import refresh as run_refresh
    from pipelines.refresh_lock import refresh_lock
    from pipelines.refresh_progress import LiveProgress, PlainProgress

    settings = Settings.from_environment()
    console = console_of_now()
    day: date | None = as_at.date() if as_at else None
    wait_seconds = wait_minutes * 60
    if day is not None and not serve and looks_back(settings, day):
        console.print(
            f"What is served speaks for a later day than {in_words(day)} and stays; this release is built beside it.",
            highlight=False,
        )
        settings = settings.speaking_for(day)

    def run(progress: RefreshProgress) -> RefreshResult:
        return run_refresh(settings, progress, as_at=day, force=force, wait_seconds=wait_seconds)

    with refresh_lock(settings, wait_seconds) if live else contextlib.nullcontext():
        fetched = _fetch_live(console, settings) if live else None
        if console.is_terminal and not plain:
            with LiveProgress(console) as shown:
                result = run(shown)
        else:
            result = run(PlainProgress(console.out))

    if day is None:
        _tell(console, settings, result)
    _say_how_it_went(console, settings, result)
    if result.outcome == "not_published":
        leave(NOT_PUBLISHED)
    if fetched is not None and (fetched.status == "failed" or (strict and not fetched.is_up_to_date)):
        leave(LIVE_FAILED)
    if strict and _blocked_sources(settings):
        leave(SOURCES_BLOCKED)
    leave(PUBLISHED)


@outcomes.command()
def status() -> None:
    """Show what is published, how old it is, which sources are blocked or stale, and whether new input is waiting.

    Exits with 1 when nothing is published.
    """
    from pipelines.publish.published_state import read_published
    from pipelines.refresh import has_news

    settings = Settings.from_environment()
    console = console_of_now()
    published = read_published(settings.served_file)
    if published is None:
        console.print("Nothing is published yet. Run: outcomes refresh", highlight=False)
        sys.exit(NOT_PUBLISHED)
    age = published.age(datetime.now(UTC))
    console.print(
        f"Release {published.release.release_id}, as at {in_words(published.release.as_at)}, "
        f"built {age.days} days {age.seconds // 3600} hours {age.seconds % 3600 // 60} minutes ago, "
        f"{published.size_bytes / 1e6:.1f} MB: {_shown(settings)}",
        highlight=False,
        soft_wrap=True,
    )
    _print_summary(console, settings)
    console.print(
        "New input is waiting: run outcomes refresh." if has_news(settings) else "No input has changed since.",
        highlight=False,
    )


@outcomes.command()
@click.option("--framework", metavar="ID", help="Only the commitments of one framework, such as notts_ics_strategy.")
@click.option("--place", metavar="CODE_OR_NAME", help="Only one place, by its code or its name.")
@click.option("--status", metavar="CODE", help="Only one status, such as off_track; its rows are all listed.")
@click.option("--parts", is_flag=True, help="The parts of the places that signed, too: authorities, districts, wards.")
@click.option("--all", "everything", is_flag=True, help="List the rows, too, of which nothing can be said yet.")
@click.option("--csv", "as_csv", is_flag=True, help="Every row that fits as a table (RFC 4180, UTF-8).")
@_as_at_option
def scorecard(
    framework: str | None,
    place: str | None,
    status: str | None,
    as_at: datetime | None,
    *,
    parts: bool,
    everything: bool,
    as_csv: bool,
) -> None:
    """Show where every commitment stands: one line for each place that signed it, then the totals.

    Rows of which nothing can be said yet (not assessable, no target, no record, optional) are counted by reason, unless
    --all or --status asks for them. Totals count a commitment once at each place that signed it.

    \b
    Exit codes:
      0  shown, be it that nothing fits
      1  nothing is published, or there is no such framework, place or status

    \b
    Examples:
      outcomes scorecard
      outcomes scorecard --framework notts_ics_strategy --all
      outcomes scorecard --place Trafford --status off_track
      outcomes scorecard --parts --csv > scorecard.csv
      outcomes scorecard --as-at 2025-06-30      as the board of that day would have seen it
    """  # noqa: D301 - click wants a real backspace here
    from pipelines.report.scorecard import ScorecardFilters, read_scorecard

    console = console_of_now()
    served_file = _published_file(console, as_at)
    found = read_scorecard(served_file, ScorecardFilters(framework, place, status, parts, everything))
    if as_csv:
        from pipelines.report.scorecard_csv import scorecard_csv

        # As bytes: the line ends and the encoding are part of the format.
        sys.stdout.buffer.write(scorecard_csv(found).encode())
        return
    from pipelines.report.scorecard_page import print_scorecard

    print_scorecard(console, found)


@outcomes.command()
@click.argument("commitment")
@click.option("--place", metavar="CODE_OR_NAME", help="The place; by default the one with the worst status.")
@click.option("--group", metavar="TEXT", help="Another group or measure: part of its name, or of the indicator's.")
@_as_at_option
def explain(commitment: str, place: str | None, group: str | None, as_at: datetime | None) -> None:
    """Print where the status of COMMITMENT comes from, number by number, down to file and record.

    Whatever can be computed again from the figures that are shown is computed again and held against the published
    file.

    \b
    Exit codes:
      0  shown, and all that can be computed again agrees with the file
      1  a figure does not agree, nothing is published, or there is no such commitment, place or group

    \b
    Examples:
      outcomes explain notts-prev-smoking-5pct-2035
      outcomes explain notts-prev-smoking-5pct-2035 --place Nottinghamshire
      outcomes explain notts-overarching-hle --group female
    """  # noqa: D301 - click wants a real backspace here
    from pipelines.report.derivation import read_derivation
    from pipelines.report.derivation_checks import check as check_derivation
    from pipelines.report.derivation_page import print_derivation

    console = console_of_now()
    served_file = _published_file(console, as_at)
    found = read_derivation(served_file, commitment, place, group)
    steps = check_derivation(found)
    print_derivation(console, found, steps)
    if not all(step.agrees for step in steps):
        sys.exit(NOT_PUBLISHED)


@outcomes.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--source", "source_id", required=True, help="The source that the file comes from, such as fingertips.")
def check(file: str, source_id: str) -> None:
    """Say what would become of FILE: read, gated, refused or quarantined, and why. Nothing is kept.

    Exits with 1 when the file would be refused.
    """
    from pathlib import Path

    from pipelines.check.one_file import check_file

    console = console_of_now()
    checked = check_file(Path(file).resolve(), source_id, Settings.from_environment(), datetime.now(UTC))
    outcome, load = checked.outcome, checked.outcome.load
    if checked.summary is not None:
        _print_facts(console, "What it is", checked.summary.contents)
        _print_facts(console, "What is new", checked.summary.news)
    unread = outcome.results[0].check_id == "readable" and outcome.results[0].outcome == "blocked"
    for one in outcome.results:
        if one.outcome != "passed" and not (unread and one.outcome == "not_evaluated"):
            said = one.observed.replace("; ", "\n  ")
            console.print(f"{one.outcome}: {one.check_id}", style="bold", highlight=False)
            console.print(f"  {said}\n  Why: {one.why}", markup=False, highlight=False, soft_wrap=True)
    if checked.not_asked:
        console.print(f"Not asked of a single file: {', '.join(checked.not_asked)}.", highlight=False, soft_wrap=True)
    passed = sum(one.outcome == "passed" for one in outcome.results)
    console.print(
        f"{'Accepted' if outcome.accepted else 'Refused'}: {load.landed_rows:,} rows landed, "
        f"{load.staged_rows:,} accepted, {load.quarantined_rows:,} quarantined, {load.refused_rows:,} refused; "
        f"{passed} of {len(outcome.results)} rules passed.",
        highlight=False,
        soft_wrap=True,
    )
    leave(PUBLISHED if outcome.accepted else NOT_PUBLISHED)


@outcomes.command()
@click.option(
    "--as-at",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day a release would speak for: progress recorded later is a warning. Today in London by default.",
)
def register(as_at: datetime | None) -> None:
    """Put the rules of the commitment register to data/seeds. Nothing is built, and no data are needed.

    Every finding is one line: severity, file and line, column, value, rule, what is wrong and what to do. A refresh
    puts the same rules before it models anything: a critical finding stops it, a warning is published with the figures.

    Exits with 1 when there is a critical finding.
    """
    from pipelines.check.register_lint import lint_register
    from pipelines.run_inputs import today

    console = console_of_now()
    day = as_at.date() if as_at else today()
    report = lint_register(Settings.from_environment(), day, datetime.now(UTC), engine="duckdb")
    for severity in ("critical", "warning"):
        for seed in report.seeds:
            for found in seed.findings(seed.refusals if severity == "critical" else seed.warnings):
                console.print(f"{severity}: {_finding(found)}", markup=False, highlight=False, soft_wrap=True)
    rules = [one for seed in report.seeds for one in seed.results]
    broken, warned, passed = (
        sum(one.outcome in kinds for one in rules) for kinds in (("blocked", "not_evaluated"), ("warned",), ("passed",))
    )
    console.print(
        f"{'Refused' if report.refused else 'Accepted'}: {report.rows:,} rows in {len(report.seeds)} tables; "
        f"{passed} of {len(rules)} rules passed, {broken} refuse the register, {warned} warn.",
        highlight=False,
        soft_wrap=True,
    )
    leave(NOT_PUBLISHED if report.refused else PUBLISHED)


@outcomes.command()
@click.option("--port", default=3000, show_default=True, help="Port on this machine.")
def ui(port: int) -> None:
    """Open the pipeline in the browser: http://127.0.0.1:3000, reachable from this machine only.

    Shows the assets in the order of the flow with their row counts and checks, runs the job `refresh`, and holds the
    daily schedule (six in the morning, London time), which is off until you switch it on.
    """
    from pathlib import Path

    from pipelines.refresh import prepare_dagster_home

    settings = Settings.from_environment()
    prepare_dagster_home(settings)
    dagster = Path(sys.executable).with_name("dagster")
    os.chdir(settings.project)
    os.execv(dagster, [str(dagster), "dev", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", str(port)])


for command in (alerts, approve, conformance, diff, freshness, notes, polled, rebuild, report):
    outcomes.add_command(command)


def _say_how_it_went(console: Console, settings: Settings, result: RefreshResult) -> None:
    """Say what a refresh published, or why it did not."""
    if result.outcome == "not_published":
        console.print(
            f"[red]Not published[/red] ({result.seconds:.1f} s). The served file is as it was.", highlight=False
        )
        for failure in result.failures:
            console.print(f"  {failure}", markup=False, highlight=False, soft_wrap=True)
        console.print(
            f"  Details: {settings.runs / 'index.html'}, {settings.logs / 'refresh.log'}, or `outcomes ui`.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    if result.mended:
        console.print("Exports, public edition or report were missing, and were made again.", highlight=False)
    if result.outcome == "nothing_new":
        console.print(f"Nothing new: release {result.release_id} stands ({result.seconds:.1f} s).", highlight=False)
    else:
        _print_summary(console, settings)
        console.print(
            f"Published release {result.release_id} in {result.seconds:.1f} s: {_shown(settings)}",
            highlight=False,
            soft_wrap=True,
        )
        if settings.keeps_history:
            entry = _shown(settings, settings.public / "index.html")
            console.print(
                f"To hand on (report, workbook, tables; small counts withheld): {entry}",
                highlight=False,
                soft_wrap=True,
            )


def _print_summary(console: Console, settings: Settings) -> None:
    """Show the sources and the statuses of the served release.

    Raises:
        OutcomesError: The release was made by a version of this project that had other tables.
    """
    import duckdb
    from rich.columns import Columns
    from rich.table import Table
    from rich.text import Text

    with _of_this_version(), duckdb.connect(str(settings.served_file), read_only=True) as served:
        loads = served.execute(
            """
            select source_id, load_state, is_stale, landed_rows, staged_rows, quarantined_rows, refused_rows,
                duplicate_rows, published_rows, load_reason
            from source_load order by source_id
            """
        ).fetchall()
        counts = served.execute(
            """
            select area_name, status_label, status_symbol, status_sort, count(*)
            from v_scorecard where is_counted = 1 group by all order by area_name, status_sort
            """
        ).fetchall()
        totals = served.execute(
            """
            select 'All places', status_label, status_symbol, status_sort, count(*)
            from v_scorecard where is_counted = 1 group by all order by status_sort
            """
        ).fetchall()

    sources = Table(title="Sources", title_justify="left", box=None, pad_edge=False, header_style="bold")
    sources.add_column("Source", no_wrap=True)
    sources.add_column("State", no_wrap=True)
    for name in ("Landed", "Accepted", "Quarantined", "Refused", "Duplicates", "Published"):
        sources.add_column(name, justify="right")
    for source_id, state, is_stale, *numbers, _ in loads:
        words = "blocked" + (", stale" if is_stale else "") if state == "refused" else "accepted"
        sources.add_row(
            source_id, words, *(f"{number:,}" for number in numbers), style="red" if state == "refused" else None
        )
    console.print(sources)
    for source_id, state, _, *_, reason in loads:
        if state == "refused":
            console.print(f"  {source_id}: {reason}", markup=False, highlight=False, soft_wrap=True)

    by_place: dict[str, list[str]] = {}
    for area, label, symbol, _, number in [*counts, *totals]:
        by_place.setdefault(area, []).append(f"{symbol} {number} {label.lower()}")
    places = Table(title="Commitments by place", title_justify="left", box=None, pad_edge=False, header_style="bold")
    places.add_column("Place", no_wrap=True)
    places.add_column("Status")
    for area, found in by_place.items():
        places.add_row(area, Columns([Text(words, no_wrap=True) for words in found], padding=(0, 3)))
    console.print(places)


def _tell(console: Console, settings: Settings, result: RefreshResult) -> None:
    """Tell those who want to hear of it; that nobody can be reached fails nothing.

    What goes to the log goes to a file: the person at the terminal reads the summary.
    """
    import logging

    from pipelines.schedule.alerts import send_alerts

    written = settings.logs / "alerts.log"
    written.parent.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger("outcomes.alerts")
    log.propagate = False
    handler = logging.FileHandler(written, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    report = send_alerts(settings, result)
    handler.close()
    for problem in report.problems:
        console.print(problem, markup=False, highlight=False, soft_wrap=True)
    if report.alerts:
        number = len(report.alerts)
        console.print(
            f"{number} {'thing is' if number == 1 else 'things are'} new to tell: {written}",
            highlight=False,
            soft_wrap=True,
        )


def _fetch_live(console: Console, settings: Settings) -> LiveResult:
    """Fetch from Fingertips and say how it went; whatever comes of it, the refresh goes on."""
    from pipelines.acquire.fingertips_api import ApiOptions
    from pipelines.acquire.live_extracts import fetch_live
    from pipelines.schedule.ledger import LedgerUnavailable
    from pipelines.schedule.poll_log import record_poll

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    fetched = fetch_live(settings, ApiOptions.from_environment(os.environ), report=say)
    try:
        record_poll(settings, fetched)
    except LedgerUnavailable as error:
        say(str(error))
    say(f"Live: {fetched.message}")
    for problem in fetched.problems:
        say(f"  {problem}")
    for missing in (*fetched.not_published, *fetched.not_asked):
        say(f"  {missing}")
    return fetched


def _finding(found: Problem) -> str:
    """Return a finding as one line that begins with ``file:line``, which a terminal or an editor can open."""
    where = ":".join(str(part) for part in (found.file, found.row) if part is not None)
    value = found.value if found.value is None or len(found.value) <= 60 else f"{found.value[:59]}…"
    what = " ".join(part for part in (found.column, None if found.value is None else repr(value)) if part)
    return f"{where}: {what + ': ' if what else ''}[{found.rule}] {found.message} {found.remedy}".rstrip()


def _print_facts(console: Console, title: str, facts: Iterable[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False, title_style="bold")
    table.add_column(no_wrap=True)
    table.add_column()
    for heading, sentence in facts:
        table.add_row(heading, Text(sentence))
    console.print(table)


def _published_file(console: Console, as_at: datetime | None) -> Path:
    """Return the served file, or one that speaks for another day; end with 1 when there is none.

    Progress goes to stderr, so that a table on stdout stays a table.
    """
    settings = Settings.from_environment()
    if as_at is not None:
        from rich.console import Console

        from pipelines.refresh import release_as_at
        from pipelines.refresh_progress import PlainProgress

        return release_as_at(settings, PlainProgress(Console(stderr=True).out), as_at.date())
    if not settings.served_file.exists():
        console.print("Nothing is published yet. Run: outcomes refresh", highlight=False)
        sys.exit(NOT_PUBLISHED)
    return settings.served_file


@contextlib.contextmanager
def _of_this_version() -> Generator[None]:
    """Say what to do when the served release has other tables and columns than this version reads."""
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise OutcomesError(
            f"The served release was made by another version of this project ({str(error).splitlines()[0]}). "
            "BI tools can still read it; run outcomes refresh to make one of this version."
        ) from error


def _blocked_sources(settings: Settings) -> list[str]:
    import duckdb

    with duckdb.connect(str(settings.served_file), read_only=True) as served:
        rows = served.execute("select source_id from source_load where load_state = 'refused' order by 1").fetchall()
    return [str(source_id) for (source_id,) in rows]


def _shown(settings: Settings, file: Path | None = None) -> str:
    """Return a file, the served one by default, as somebody in the project's folder would name it."""
    shown = file or settings.served_file
    return str(shown.relative_to(settings.project)) if shown.is_relative_to(settings.project) else str(shown)


def main() -> None:
    """Run the command; an error of ours is one message on stderr and exit code 1, never a traceback."""
    try:
        outcomes(standalone_mode=True)
    except OutcomesError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(NOT_PUBLISHED)
    except OSError as error:
        # A full disk, or no right to write: what was asked for did not happen, and a traceback would not say more.
        click.echo(f"Error: {error}. What is served is as it was.", err=True)
        sys.exit(NOT_PUBLISHED)


if __name__ == "__main__":
    main()
