"""From the live Fingertips service to a release under ``data/raw``, or to a plain account of why there is none.

Deciding what to ask for, and going on or stopping, belong here. Talking to the service does not (``fingertips_api``),
nor do judging an answer (``fingertips_answers``) and keeping it (``live_filing``).

A release is filed when every answer is there and has passed, and not before; the last good one stays. Answers that came
before an interruption wait in ``live/fingertips`` of the warehouse, and the next run asks for the rest.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final, Literal, ParamSpec, TypeVar

from pipelines.acquire.fingertips_answers import (
    AnswerRefused,
    read_data_change,
    read_published_levels,
    read_table,
    read_upload_stamps,
)
from pipelines.acquire.fingertips_api import ApiOptions, FingertipsApi, NoNetwork
from pipelines.acquire.fingertips_wanted import Question, Wanted, area_type_name, batches, questions, wanted_list
from pipelines.acquire.live_filing import (
    Filing,
    KeptAnswer,
    LastFetch,
    file_release,
    keep_answer,
    kept_answer,
    read_state,
    write_state,
)
from pipelines.acquire.source_registry import Source, load_sources
from pipelines.problems import ConfigurationError, Problem
from pipelines.refresh_lock import refresh_lock
from pipelines.run_inputs import today
from pipelines.settings import Settings

SOURCE_ID: Final = "fingertips"
"""The source that receives the answers."""

_Given = ParamSpec("_Given")
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class LiveResult:
    """How a live fetch ended. No outcome keeps a refresh from going on with what is filed.

    Attributes:
        status: ``fetched`` (a release was filed), ``unchanged`` (the service has nothing that is not filed),
            ``no_network`` (it cannot be reached) or ``failed`` (it answered, but not with data that can be filed).
        message: The outcome in a few sentences, for a person.
        release_id: The release that was filed, if one was.
        fetched: Indicator ids in it.
        unchanged: Indicator ids that were not asked for, as their data have not been uploaded since the last fetch, or
            whose answers are filed already, byte for byte.
        not_published: Indicators at area types that are wanted but that the service does not publish, in words.
        not_asked: What the commitments need and nobody can ask for, one sentence each.
        problems: Every answer that was refused, with address, status and first bytes.
    """

    status: Literal["fetched", "unchanged", "no_network", "failed"]
    message: str
    release_id: str | None = None
    fetched: tuple[int, ...] = ()
    unchanged: tuple[int, ...] = ()
    not_published: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_up_to_date(self) -> bool:
        """Whether what is filed is what the service publishes; what a scheduler's exit code has to show."""
        return self.status in {"fetched", "unchanged"}


@dataclass(frozen=True, slots=True)
class LivePoll:
    """What the service says of its uploads, without asking for any figure.

    Attributes:
        status: ``changed`` (something is to be fetched), ``unchanged``, ``no_network`` (it cannot be reached) or
            ``failed`` (it answered, but not in a way that can be read).
        message: The outcome in a sentence.
        changed: Indicator ids to be fetched: uploaded since the last fetch, never fetched, or wanted at more levels.
        unchanged: Indicator ids that are filed as the service has them.
        problems: Every answer that was refused.
    """

    status: Literal["changed", "unchanged", "no_network", "failed"]
    message: str
    changed: tuple[int, ...] = ()
    unchanged: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()


def poll_uploads(settings: Settings, options: ApiOptions | None = None) -> LivePoll:
    """Ask the service when its data were last uploaded, and nothing else; nothing is written.

    Args:
        settings: Folders.
        options: How to ask the service; the public one by default.

    Returns:
        What has changed since the last fetch.

    Raises:
        ConfigurationError: A declaration, a seed or the address of the service is wrong.
    """
    source, wanted = _source_and_wanted(settings)
    with FingertipsApi(options or ApiOptions()) as api:
        fetch = _Fetch(settings, source, wanted, api, today(), lambda _: None)
        try:
            fetch.poll()
        except NoNetwork as error:
            return LivePoll("no_network", f"No network: {error}.")
        except _Outage:
            pass
    unchanged = tuple(one for one in fetch.stamps if one not in fetch.changed)
    if fetch.problems:
        # An indicator whose answer was refused is not known to have changed.
        said = f"Fingertips was asked for its uploads: {_number(len(fetch.problems), 'answer')} refused."
        return LivePoll("failed", said, unchanged=unchanged, problems=tuple(fetch.problems))
    if fetch.changed:
        said = f"New at Fingertips: {_number(len(fetch.changed), 'indicator')} of {len(fetch.stamps)} to be fetched."
        return LivePoll("changed", said, fetch.changed, unchanged)
    said = f"Nothing new at Fingertips: {_number(len(unchanged), 'indicator')} polled, all as filed."
    return LivePoll("unchanged", said, unchanged=unchanged)


def fetch_live(
    settings: Settings,
    options: ApiOptions | None = None,
    *,
    day: date | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> LiveResult:
    """Fetch what the commitments need of Fingertips and what has changed there, and file it as one release.

    Args:
        settings: Folders.
        options: How to ask the service; the public one by default.
        day: The day that names the release; today in London by default.
        report: Receives one line before each table that is asked for.

    Returns:
        How it ended. That the service cannot be reached, or answers nonsense, is a result and no exception.

    Raises:
        ConfigurationError: A declaration, a seed or the address of the service is wrong.
        NotPublished: Another refresh of this warehouse is under way.
    """
    source, wanted = _source_and_wanted(settings)
    with refresh_lock(settings), FingertipsApi(options or ApiOptions()) as api:
        fetch = _Fetch(settings, source, wanted, api, day or today(), report)
        try:
            fetch.poll()
            fetch.ask()
        except NoNetwork as error:
            return fetch.with_gaps(LiveResult("no_network", f"No network: {error}. What is filed stands."))
        except _Outage:
            pass
        return fetch.with_gaps(fetch.failed() if fetch.problems else fetch.file())


def _source_and_wanted(settings: Settings) -> tuple[Source, Wanted]:
    sources = load_sources(settings.sources)
    if SOURCE_ID not in sources:
        raise ConfigurationError(f"{settings.sources} declares no source {SOURCE_ID!r} to receive live extracts.")
    wanted = wanted_list(
        _rows(settings.seeds / "commitment_indicators.csv"),
        _rows(settings.seeds / "commitment_places.csv"),
        _rows(settings.seeds / "areas.csv"),
        sources,
        SOURCE_ID,
    )
    return sources[SOURCE_ID], wanted


class _Outage(Exception):  # noqa: N818 - ends a run inside this module; nobody reads its name
    """The service is in trouble: asking it further would only add to it."""


@dataclass
class _Fetch:
    """What one run knows: first ``poll``, then ``ask``, then ``file`` or say why not."""

    settings: Settings
    source: Source
    wanted: Wanted
    api: FingertipsApi
    day: date
    report: Callable[[str], None]
    stamps: dict[int, str | None] = field(default_factory=dict[int, str | None])
    changed: tuple[int, ...] = ()
    plan: tuple[Question, ...] = ()
    answers: dict[Question, KeptAnswer] = field(default_factory=dict[Question, KeptAnswer])
    not_published: list[str] = field(default_factory=list[str])
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def waiting(self) -> Path:
        """Where answers wait until all are there."""
        return self.settings.live / SOURCE_ID

    @property
    def state_file(self) -> Path:
        """What was fetched last."""
        return self.settings.warehouse / "live_state.json"

    def poll(self) -> None:
        """Find out when each indicator was last uploaded, and which have been since the last fetch."""
        for batch in batches(self.wanted.indicators):
            self.stamps |= self._judged(self._stamps_of, batch) or {}
        for indicator in [one for one, stamp in self.stamps.items() if stamp is None]:
            self.stamps[indicator] = self._judged(self._stamp_of, indicator)
        filed = read_state(self.state_file).indicators
        self.changed = tuple(one for one in self.stamps if not self._is_filed(one, filed.get(one)))

    def ask(self) -> None:
        """Ask for every table that does not wait already; a refused answer does not stop the others."""
        pairs: set[tuple[int, int]] = set()
        for indicator in self.changed:
            wanted, published = self.wanted.area_types_of(indicator), self._judged(self._levels_of, indicator)
            if published is not None:
                pairs |= {(indicator, level) for level in wanted & published}
                self.not_published += (f"{indicator} at {area_type_name(one)}" for one in sorted(wanted - published))
        self.plan = questions(pairs)
        for number, question in enumerate(self.plan, start=1):
            stamps = {indicator: self.stamps[indicator] for indicator in question.indicators}
            kept = kept_answer(self.waiting, question, stamps, self.day)
            if kept is None:
                self.report(f"{number} of {len(self.plan)}: {question}")
                kept = self._judged(self._answer_to, question, stamps)
            if kept is not None:
                self.answers[question] = kept

    def file(self) -> LiveResult:
        """File what was fetched, and remember it."""
        filing = file_release(self.settings.raw, self.source, self.waiting, self.answers, self.day)
        self._remember(filing)
        shutil.rmtree(self.waiting, ignore_errors=True)
        if filing.release_id is None:
            return LiveResult(
                "unchanged",
                f"Nothing new at Fingertips: {_number(len(self.stamps), 'indicator')} polled, all as filed.",
                unchanged=tuple(self.stamps),
            )
        asked = sorted({one for question in self.plan for one in question.indicators})
        unchanged = tuple(one for one in self.stamps if one not in asked)
        return LiveResult(
            "fetched",
            f"Fetched {_number(len(asked), 'indicator')} from Fingertips in {_number(len(self.plan), 'file')}: release "
            f"{filing.release_id}. {_number(len(unchanged), 'indicator')} unchanged since the last fetch.",
            release_id=filing.release_id,
            fetched=tuple(asked),
            unchanged=unchanged,
        )

    def failed(self) -> LiveResult:
        """Say that nothing was filed, and what waits."""
        return LiveResult(
            "failed",
            f"Nothing was filed from Fingertips: {_number(len(self.problems), 'answer')} refused. What was filed "
            f"before stands; {_number(len(self.answers), 'table')} of {len(self.plan)} kept for the next run.",
            unchanged=tuple(one for one in self.stamps if one not in self.changed),
            problems=tuple(self.problems),
        )

    def with_gaps(self, result: LiveResult) -> LiveResult:
        """Return a result with what the commitments need and the service cannot give."""
        undeclared = (
            f"Indicator {one} measures a commitment, but {SOURCE_ID}.yml does not declare it: declare it to fetch it."
            for one in self.wanted.undeclared
        )
        without_level = (f"{one} is a place of no area type that is asked for." for one in self.wanted.without_level)
        return replace(result, not_published=tuple(self.not_published), not_asked=(*undeclared, *without_level))

    def _is_filed(self, indicator: int, last: LastFetch | None) -> bool:
        """Return whether the last fetch of an indicator holds what is wanted of it, and is still there."""
        stamp = self.stamps[indicator]
        return (
            last is not None
            and stamp is not None
            and stamp == last.stamp
            and self.wanted.area_types_of(indicator) <= last.area_types
            and all((self.settings.raw / SOURCE_ID / file).is_file() for file in last.files)
        )

    def _remember(self, filing: Filing) -> None:
        fetched = {
            indicator: LastFetch(
                stamp=self.stamps[indicator],
                area_types=self.wanted.area_types_of(indicator),
                files=frozenset(filing.files[one.file_name] for one in self.plan if indicator in one.indicators),
            )
            for indicator in self.changed
        }
        state = read_state(self.state_file)
        write_state(self.state_file, state.model_copy(update={"indicators": {**state.indicators, **fetched}}))

    def _stamps_of(self, indicators: tuple[int, ...]) -> dict[int, str | None]:
        return read_upload_stamps(self.api.metadata(indicators), indicators)

    def _stamp_of(self, indicator: int) -> str | None:
        return read_data_change(self.api.data_change(indicator))

    def _levels_of(self, indicator: int) -> frozenset[int]:
        return read_published_levels(self.api.available_data(indicator), indicator)

    def _answer_to(self, question: Question, stamps: dict[int, str | None]) -> KeptAnswer:
        answer = self.api.values(question)
        facts = read_table(answer, question, self.source)
        kept = KeptAnswer(
            url=answer.url,
            stamps=stamps,
            received=self.day,
            rows=facts.rows,
            bytes=len(answer.body),
            sha256=hashlib.sha256(answer.body).hexdigest(),
            first_period=facts.first_period,
            last_period=facts.last_period,
        )
        keep_answer(self.waiting, question, answer.body, kept)
        return kept

    def _judged(self, read: Callable[_Given, _Read], *given: _Given.args, **named: _Given.kwargs) -> _Read | None:
        """Return what an answer says, or note why it was refused; a service in trouble is not asked any further."""
        try:
            return read(*given, **named)
        except AnswerRefused as refused:
            self.problems.append(refused.problem)
            if refused.outage:
                raise _Outage from refused
            return None


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path.name}: cannot be read: {error}") from error
