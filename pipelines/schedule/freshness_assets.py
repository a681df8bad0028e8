"""The Dagster check ``fresh`` of every accepted source.

Only the wiring belongs here; the judgement is in ``freshness``. Annotations are evaluated (no ``__future__`` import),
because Dagster checks the type of the context when it wraps the function.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from pipelines.acquire.source_registry import Source
from pipelines.run_inputs import read_inputs
from pipelines.schedule.alerts import freshness_of_sources
from pipelines.schedule.poll_log import read_polls
from pipelines.settings import Settings


def fresh_checks(settings: Settings, sources: Mapping[str, Source]) -> dg.AssetChecksDefinition:
    """Build the check ``fresh`` of every accepted source: a warning where a release is late or the data are stale.

    Args:
        settings: Folders.
        sources: The declarations.

    Returns:
        One step with all of the checks; it never blocks.
    """
    keys = {source_id: dg.AssetKey(["accepted", source_id]) for source_id in sources}

    @dg.multi_asset_check(
        name="fresh",
        specs=[
            dg.AssetCheckSpec(
                "fresh",
                asset=key,
                description="The release that the calendar of the source expects has come, and the data are not stale.",
            )
            for key in keys.values()
        ],
        # Without this nobody could materialise one source alone.
        can_subset=True,
    )
    def fresh(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        wanted = {one.asset_key for one in context.selected_asset_check_keys}
        day = read_inputs(settings.run_inputs_file).as_at
        found = freshness_of_sources(settings, sources, read_polls(settings.ledger, day), day)
        for source_id, one in found.items():
            if keys[source_id] not in wanted:
                continue
            facts = {
                "state": one.state,
                "expected_on": one.expected_on,
                "days_late": one.days_late,
                "newest_release": one.release,
                "poll": one.poll_state,
                "last_polled_at": one.polled_at,
            }
            yield dg.AssetCheckResult(
                asset_key=keys[source_id],
                check_name="fresh",
                passed=not one.is_late and one.state != "stale",
                severity=dg.AssetCheckSeverity.WARN,
                description=one.said,
                metadata={name: str(value) for name, value in facts.items() if value is not None},
            )

    return fresh
