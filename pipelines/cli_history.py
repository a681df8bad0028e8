"""The commands about past releases: make one again, compare two, read the notes of one, approve a change.

Options, words on the screen and exit codes belong here; the work is elsewhere and is imported when a command needs it.
"""

from __future__ import annotations

import sys

import click

from pipelines.cli_console import NOT_PUBLISHED, PUBLISHED, console_of_now, leave
from pipelines.dates_in_words import in_words
from pipelines.settings import Settings


@click.command()
@click.argument("release")
@click.option("--keep", is_flag=True, help="Leave the file that was made, and say where it is.")
def rebuild(release: str, *, keep: bool) -> None:
    """Make RELEASE again from the archive, beside what is served, and hold it against what was published.

    RELEASE is the name of a release, or as much of its beginning as no other has. Everything comes from the archive:
    raw files, seeds, rules, declarations and code as they were, and what was known of the time before. Takes as long as
    a whole refresh, and changes nothing that is served.

    \b
    Exit codes:
      0  made again, and every table is the same
      1  a table differs, or the release cannot be made again; the reason is printed

    \b
    Examples:
      outcomes rebuild 20261126T033042Z-6b86e227
      outcomes rebuild 20261126 --keep
    """  # noqa: D301 - click wants a real backspace here
    import shutil

    from pipelines.rebuild import rebuild as make_again
    from pipelines.release_archive import Archive

    settings = Settings.from_environment()
    console = console_of_now()
    release_id = Archive(settings.history).find(release)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    made = make_again(settings, release_id, say)
    for name, (then, now) in sorted(made.other_packages.items()):
        say(f"Made with another {name}: {then} then, {now} now.")
    for one in made.differences:
        then, now = ("no table" if rows is None else f"{rows:,} rows" for rows in (one.rows_then, one.rows_now))
        say(f"Differs: {one.table} ({then} then, {now} now).")
    against = "the file that was published" if made.compared_with == "file" else "the checksum of its contents"
    verdict = "Identical to" if made.is_identical else "Differs from"
    say(f"Release {release_id} made again. {verdict} {against}.")
    if keep:
        say(f"It is {made.file}.")
    else:
        shutil.rmtree(settings.warehouse / "rebuilt" / release_id)
    leave(PUBLISHED if made.is_identical else NOT_PUBLISHED)


@click.command()
@click.argument("change_id", required=False)
@click.option("--reason", help="Why the change is right, in a sentence.")
@click.option("--by", metavar="ROLE", help="In which role you approve, such as 'public health intelligence lead'.")
def approve(change_id: str | None, reason: str | None, by: str | None) -> None:
    """Let a large change through that blocked a release: CHANGE_ID, and no other. Without it, list what waits.

    The approval is kept for good, and published in release_approval with the release that it let through. The next
    refresh publishes.

    \b
    Examples:
      outcomes approve
      outcomes approve fingertips-0f3a9c21d4e5b678 --by "public health intelligence lead" \\
          --reason "New population estimates: every rate since 2012 was revised"
    """  # noqa: D301 - click wants a real backspace here
    from datetime import UTC, datetime

    from pipelines.check.approvals import approve as let_through
    from pipelines.check.approvals import read_pending

    settings = Settings.from_environment()
    console = console_of_now()

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    if not change_id:
        waiting = read_pending(settings)
        for one in waiting:
            seen = f"{in_words(one.seen_at)}, {one.seen_at:%H:%M} UTC"
            say(f"{one.change_id}  seen {seen} against {one.previous_release_id}")
            for line in one.findings:
                say(f"  {line}")
            for line in one.examples[:5]:
                say(f"    {line}")
        if not waiting:
            say("No change waits for an approval.")
        return
    given = let_through(settings, change_id, reason or "", by or "", datetime.now(UTC))
    say(f"{given.change_id} is approved by {given.approved_by}: {given.reason}")
    say("Publish it with: outcomes refresh")


@click.command()
@click.argument("old", default="previous")
@click.argument("new", default="served")
@click.option("--source", metavar="ID", help="Only the figures of one source, and the commitments that it feeds.")
@click.option("--commitment", metavar="ID", help="Only one commitment.")
@click.option("--csv", "as_csv", is_flag=True, help="Every difference as a table (RFC 4180, UTF-8).")
def diff(old: str, new: str, source: str | None, commitment: str | None, *, as_csv: bool) -> None:
    """Show what differs between two releases: figures, areas, commitments and their statuses, each with its cause.

    OLD and NEW are the names of releases, or as much of their beginning as no other has; or `served`, `previous` (the
    one before it), or `build` (the last one that was built, be it that it was blocked). The archive answers, so
    releases that are no longer on disk can be compared too.

    \b
    Examples:
      outcomes diff
      outcomes diff served build               what blocked the last refresh?
      outcomes diff 20260901 20261126 --commitment notts-prev-smoking-5pct-2035
      outcomes diff --source fingertips --csv > changes.csv
    """  # noqa: D301 - click wants a real backspace here
    from pipelines.report.release_diff import DiffFilters, diff_csv, diff_releases
    from pipelines.report.release_diff_page import print_diff

    found = diff_releases(Settings.from_environment(), old, new, DiffFilters(source, commitment))
    if as_csv:
        # As bytes: the line ends and the encoding are part of the format.
        sys.stdout.buffer.write(diff_csv(found).encode())
        return
    print_diff(console_of_now(), found)


@click.command()
@click.argument("release", default="served")
def notes(release: str) -> None:
    """Print the notes of a release for people, as Markdown: what is new, what was revised, which statuses changed, why.

    RELEASE is the name of a release, or as much of its beginning as no other has, or `served`, `previous` or `build`.
    """
    from pipelines.report.release_notes import notes_of

    click.echo(notes_of(Settings.from_environment(), release))
