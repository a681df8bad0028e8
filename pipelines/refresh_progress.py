"""What a refresh tells the person who waits for it.

The words that stages report with belong here, and the two ways to show them; stages do not print.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

STAGES = ("prepare", "acquire", "check", "model", "publish")


class RefreshProgress(Protocol):
    """Where stages report to."""

    def begin(self, stage: str, item: str) -> None:
        """Say that an item of a stage has begun."""
        ...

    def end(self, stage: str, item: str, outcome: str, rows: int | None = None) -> None:
        """Say how an item of a stage ended.

        Args:
            stage: One of :data:`STAGES`.
            item: A source, or a part of the stage.
            outcome: A word or two: ``landed``, ``refused``, ``built``.
            rows: Rows that the item has now, if rows make sense.
        """
        ...


class SilentProgress:
    """Says nothing: runs that Dagster starts have their own event log."""

    def begin(self, stage: str, item: str) -> None:
        """Say nothing."""

    def end(self, stage: str, item: str, outcome: str, rows: int | None = None) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class StageTime:
    """How one item of a stage went.

    Attributes:
        stage: One of :data:`STAGES`.
        item: A source, or a part of the stage.
        outcome: A word or two; empty when it never ended.
        rows: Rows that it had, if rows make sense.
        seconds: How long it took; ``None`` when it never ended.
    """

    stage: str
    item: str
    outcome: str = ""
    rows: int | None = None
    seconds: float | None = None


@dataclass
class TimedProgress:
    """Keeps how long everything took, and passes everything on.

    Attributes:
        shown: Where to report as well.
    """

    shown: RefreshProgress
    _times: dict[tuple[str, str], StageTime] = field(default_factory=dict[tuple[str, str], StageTime])
    _begun: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    @property
    def times(self) -> tuple[StageTime, ...]:
        """Every item, in the order in which they began; one that has not ended has no time."""
        return tuple(self._times.values())

    def begin(self, stage: str, item: str) -> None:
        """Remember when the item began."""
        self._begun[stage, item] = time.monotonic()
        self._times[stage, item] = StageTime(stage, item)
        self.shown.begin(stage, item)

    def end(self, stage: str, item: str, outcome: str, rows: int | None = None) -> None:
        """Keep the item's time."""
        now = time.monotonic()
        seconds = now - self._begun.get((stage, item), now)
        self._times[stage, item] = StageTime(stage, item, outcome, rows, seconds)
        self.shown.end(stage, item, outcome, rows)


@dataclass
class PlainProgress:
    """One line an item, for logs and pipes.

    Attributes:
        write: Takes one line without its end.
    """

    write: Callable[[str], None]
    _begun: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    def begin(self, stage: str, item: str) -> None:
        """Remember when the item began."""
        self._begun[stage, item] = time.monotonic()

    def end(self, stage: str, item: str, outcome: str, rows: int | None = None) -> None:
        """Write the item's line."""
        seconds = time.monotonic() - self._begun.get((stage, item), time.monotonic())
        counted = "" if rows is None else f"{rows:,} rows, "
        self.write(f"{stage:<8} {item:<22} {outcome} ({counted}{seconds:.1f} s)")


@dataclass(slots=True)
class _Line:
    stage: str
    item: str
    began: float
    outcome: str = ""
    rows: int | None = None
    seconds: float | None = None


@dataclass
class LiveProgress:
    """A table that grows while the refresh runs: stage, item, outcome, rows, seconds.

    Attributes:
        console: Terminal to draw on.
    """

    console: Console
    _lines: list[_Line] = field(default_factory=list[_Line])
    _live: Live | None = None

    def __enter__(self) -> LiveProgress:
        """Start drawing."""
        from rich.live import Live

        self._live = Live(console=self.console, refresh_per_second=8, get_renderable=self._table)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Draw for the last time."""
        if self._live is not None:
            self._live.stop()

    def begin(self, stage: str, item: str) -> None:
        """Add a line that counts its seconds."""
        self._lines.append(_Line(stage, item, time.monotonic()))

    def end(self, stage: str, item: str, outcome: str, rows: int | None = None) -> None:
        """Finish the item's line."""
        for line in self._lines:
            if (line.stage, line.item, line.seconds) == (stage, item, None):
                line.outcome, line.rows, line.seconds = outcome, rows, time.monotonic() - line.began

    def _table(self) -> Table:
        from rich.spinner import Spinner
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, justify in (
            ("Stage", "left"),
            ("Item", "left"),
            ("", "left"),
            ("Rows", "right"),
            ("Seconds", "right"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        shown = ""
        for line in self._lines:
            running = line.seconds is None
            seconds = time.monotonic() - line.began if line.seconds is None else line.seconds
            table.add_row(
                line.stage if line.stage != shown else "",
                line.item,
                Spinner("dots") if running else line.outcome,
                "" if line.rows is None else f"{line.rows:,}",
                f"{seconds:.1f}",
                style="red" if line.outcome.startswith(("refused", "failed")) else None,
            )
            shown = line.stage
        return table
