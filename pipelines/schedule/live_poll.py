"""The light poll of the live service: has anything changed there that is not at hand?

Asking and recording the answer belong here. How the service is asked is in ``pipelines.acquire``; opening a run is
``automation``'s.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.acquire.fingertips_api import ApiOptions
from pipelines.acquire.live_extracts import SOURCE_ID, LivePoll, poll_uploads
from pipelines.schedule.poll_log import Poll, add_poll

if TYPE_CHECKING:
    from pipelines.acquire.fingertips_api import ApiOptions
    from pipelines.schedule.freshness import PollOutcome
    from pipelines.settings import Settings

_OUTCOMES: dict[str, PollOutcome] = {
    "changed": "changed",
    "unchanged": "unchanged",
    "no_network": "unreachable",
    "failed": "refused",
}


@dataclass(frozen=True, slots=True)
class PollResult:
    """What a poll of the live service found; it is recorded.

    Attributes:
        outcome: ``changed``, ``unchanged``, ``unreachable`` or ``refused``.
        message: The outcome in a sentence.
        changed: Indicator ids that are to be fetched.
        unchanged: Indicator ids that are filed as the service has them.
    """

    outcome: PollOutcome
    message: str
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def poll_live(settings: Settings, options: ApiOptions | None = None, *, at: datetime | None = None) -> PollResult:
    """Ask the service for the days of its uploads only, and record the poll.

    Args:
        settings: Folders.
        options: How to ask the service; by default the public one, or the one that the environment names.
        at: When; now by default.

    Returns:
        What was found. That the service cannot be reached, or answers nonsense, is a result and no exception.

    Raises:
        ConfigurationError: A declaration, a seed or the address of the service is wrong.
        LedgerUnavailable: The poll cannot be recorded.
    """
    found: LivePoll = poll_uploads(settings, options or ApiOptions.from_environment(os.environ))
    result = PollResult(
        _OUTCOMES[found.status],
        found.message,
        tuple(str(one) for one in found.changed),
        tuple(str(one) for one in found.unchanged),
    )
    indicators: dict[str, PollOutcome] = {one: "unchanged" for one in result.unchanged}
    indicators |= dict.fromkeys(result.changed, "changed")
    detail = " ".join([found.message, *(str(problem) for problem in found.problems[:1])])
    add_poll(settings.ledger, Poll(SOURCE_ID, at or datetime.now(UTC), result.outcome, detail, indicators))
    return result
