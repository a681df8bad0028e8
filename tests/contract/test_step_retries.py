"""A step that fails for a moment is tried again; a fault that this project names is not."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest

from pipelines.problems import ConfigurationError, OutcomesError, SourceRefused
from pipelines.step_retries import TRY_AGAIN, named_faults_are_final

AT_ONCE = dg.RetryPolicy(max_retries=TRY_AGAIN.max_retries, delay=0.001)


def attempts_of(work: Callable[[int], None], policy: dg.RetryPolicy = AT_ONCE) -> tuple[int, dg.ExecuteInProcessResult]:
    """Run one step and count how often it began."""
    begun: list[int] = []

    @dg.asset(retry_policy=policy)
    def step() -> None:
        begun.append(len(begun) + 1)
        with named_faults_are_final():
            work(begun[-1])

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([step], instance=instance, raise_on_error=False)
    return len(begun), result


def test_a_share_that_is_away_for_a_moment_costs_two_more_attempts() -> None:
    def away_twice(attempt: int) -> None:
        if attempt < 3:
            raise OSError("the network share is away")

    attempts, result = attempts_of(away_twice)
    assert (attempts, result.success) == (3, True)


def test_a_share_that_stays_away_fails_the_step() -> None:
    def away(_attempt: int) -> None:
        raise OSError("the network share is away")

    attempts, result = attempts_of(away)
    assert (attempts, result.success) == (3, False)


@pytest.mark.parametrize("fault", [ConfigurationError("wrong"), SourceRefused("fingertips", ()), OutcomesError("lost")])
def test_a_named_fault_ends_the_step_at_once_with_its_own_words(fault: OutcomesError) -> None:
    def named(_attempt: int) -> None:
        raise fault

    attempts, result = attempts_of(named)
    assert (attempts, result.success) == (1, False)
    failure = next(event for event in result.all_events if event.is_step_failure)
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    assert said.description == str(fault)


def test_pauses_grow() -> None:
    assert TRY_AGAIN.backoff is dg.Backoff.EXPONENTIAL
    assert TRY_AGAIN.delay
    assert TRY_AGAIN.jitter is dg.Jitter.PLUS_MINUS
