"""The commands about what is to come: how fresh the sources are, who has looked, and who hears of it.

Options, words on the screen and exit codes belong here; the work is elsewhere and is imported when a command needs it.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click

from pipelines.cli_console import NOT_PUBLISHED, console_of_now
from pipelines.dates_in_words import in_words
from pipelines.settings import Settings


@click.command()
@click.argument("source", required=False)
def freshness(source: str | None) -> None:
    """Show of every source what was expected when, whether it has come, and when somebody last looked.

    With SOURCE, show the same of each of its indicators, as it was when the served release was built: when its next
    period is to be expected. Today counts for the sources, whatever day the served release speaks for.

    Exits with 1 when a source is late or stale, so that a scheduler can act on it.
    """
    from rich.table import Table

    from pipelines.acquire.source_registry import load_sources
    from pipelines.problems import ConfigurationError
    from pipelines.run_inputs import today
    from pipelines.schedule.alerts import freshness_of_sources
    from pipelines.schedule.poll_log import read_polls

    settings = Settings.from_environment()
    console = console_of_now()
    sources = load_sources(settings.sources)
    if source is not None:
        if source not in sources:
            raise ConfigurationError(f"There is no source {source!r}. Declared are: {', '.join(sources)}.")
        _print_indicators(settings, source)
        return
    found = freshness_of_sources(settings, sources, read_polls(settings.ledger), today())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Source", "State", "Looked", "In words"):
        table.add_column(name, no_wrap=name != "In words")
    for source_id, one in found.items():
        looked = (
            one.poll_state if one.polled_at is None else f"{one.poll_state} ({one.polled_at.day} {one.polled_at:%b %Y})"
        )
        table.add_row(source_id, one.state, looked, one.said, style="red" if one.state in ("late", "stale") else None)
    console.print(table)
    sys.exit(NOT_PUBLISHED if any(one.state in ("late", "stale") for one in found.values()) else 0)


def _print_indicators(settings: Settings, source_id: str) -> None:
    import duckdb
    from rich.table import Table

    from pipelines.problems import NotPublished

    if not settings.served_file.is_file():
        raise NotPublished("Nothing is published yet. Run: outcomes refresh")
    with duckdb.connect(str(settings.served_file), read_only=True) as served:
        rows = served.execute(
            "select f.indicator_id, i.indicator_name, f.freshness_state, f.freshness_words "
            "from indicator_freshness as f join dim_indicator as i using (indicator_key) "
            "where f.source_id = ? order by 1",
            [source_id],
        ).fetchall()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Indicator", "Name", "State", "In words"):
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    console_of_now().print(table)


@click.command()
@click.argument("source")
@click.option("--changed", is_flag=True, help="There is something new, which is not filed yet.")
@click.option("--note", metavar="TEXT", help="What you saw, in a sentence.")
def polled(source: str, note: str | None, *, changed: bool) -> None:
    """Note that you looked at the publisher's page of SOURCE, and whether there was anything new.

    A source that nobody looked at and one that has nothing new are different things: without a look, an old figure may
    be old because nobody fetched the new one.

    \b
    Examples:
      outcomes polled ukhsa_bacteraemia
      outcomes polled trafford_jsna --changed --note "The life expectancy table has a new year"
    """  # noqa: D301 - click wants a real backspace here
    from pipelines.schedule.poll_log import record_look

    poll = record_look(Settings.from_environment(), source, changed=changed, note=note or "")
    console_of_now().print(
        f"Noted: {poll.source_id} looked at, {poll.outcome}, {in_words(poll.polled_at)} {poll.polled_at:%H:%M} UTC.",
        highlight=False,
    )


@click.command()
@click.option("--test", is_flag=True, help="Send a test through every channel, and say what became of it.")
def alerts(*, test: bool) -> None:
    """Send what is to be told now: late or stale sources, refused loads, failing polls, and what could not be sent.

    Refreshes do this by themselves. Channels come from the environment: OUTCOMES_SMTP_HOST, OUTCOMES_ALERT_FROM and
    OUTCOMES_ALERT_TO for e-mail, OUTCOMES_WEBHOOK_URL for a chat; without them alerts go to the log only.

    Exits with 1 when a channel could not be reached.
    """
    from pipelines.schedule.alerts import send_alerts, send_test
    from pipelines.schedule.notifiers import notifiers_from_environment

    settings = Settings.from_environment()
    console = console_of_now()

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    if test:
        outcomes = send_test(notifiers_from_environment(os.environ), datetime.now(UTC))
        for channel, reason in outcomes.items():
            say(f"{channel}: {'sent' if reason is None else reason}")
        sys.exit(NOT_PUBLISHED if any(reason is not None for reason in outcomes.values()) else 0)
    report = send_alerts(settings)
    for problem in report.problems:
        say(problem)
    sys.exit(NOT_PUBLISHED if report.problems else 0)
