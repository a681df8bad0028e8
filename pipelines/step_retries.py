"""Which failures of a step are tried again, and how often.

A disk or a network share that is away for a moment deserves another attempt; a fault that this project names on purpose
is the same the second time. The steps themselves do not belong here.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import dagster as dg

from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Generator

TRY_AGAIN: Final = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Two more attempts, after about two and four seconds: a refresh is waited for, and the next one comes tomorrow."""


@contextmanager
def named_faults_are_final() -> Generator[None]:
    """Let a fault that this project names end the step at once, with its own words.

    Yields:
        Nothing; any other exception goes on, and is tried again by the policy of the step.

    Raises:
        dg.Failure: In place of an :class:`OutcomesError`.
    """
    try:
        yield
    except OutcomesError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
