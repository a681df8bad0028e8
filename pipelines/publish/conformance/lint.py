"""Hold a published file against every rule.

Which function looks at which rule belongs here, and opening the file as a client does. The rules in words are in
``check.release_rules``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from pipelines.check.release_rules import RELEASE_RULES
from pipelines.problems import NotPublished
from pipelines.publish.conformance import content_rules, file_rules, key_rules
from pipelines.publish.conformance.findings import LintedFile, Looked, RuleResult, Violation
from pipelines.publish.conformance.promises import PROMISES
from pipelines.publish.published_state import NotOurFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pipelines.publish.conformance.promises import Promises
    from pipelines.publish.key_registry import RegisteredKey

FUNCTIONS: Final[Mapping[str, Callable[[LintedFile], Looked]]] = {
    one.__name__: one
    for one in (
        file_rules.allowed_types,
        file_rules.dictionary_complete,
        file_rules.storage_format,
        file_rules.reads_as_a_client,
        file_rules.no_write_ahead_log,
        file_rules.one_schema,
        file_rules.plain_names,
        file_rules.no_reserved_names,
        file_rules.comments_present,
        file_rules.dictionary_agrees,
        file_rules.adding_up_is_said,
        key_rules.keys_are_whole_numbers,
        key_rules.relationships_exist,
        key_rules.relationships_share_names,
        key_rules.relationships_reach_one_row,
        key_rules.relationships_have_no_orphans,
        file_rules.release_states_itself,
        file_rules.views_are_plain,
        content_rules.flags_are_0_or_1,
        content_rules.numbers_are_finite,
        content_rules.text_is_not_empty,
        content_rules.text_is_trimmed,
        content_rules.identifiers_are_text,
        content_rules.date_keys_say_the_date,
        content_rules.calendar_has_no_gap,
        content_rules.colours_are_readable,
        content_rules.value_agrees_with_its_status,
        content_rules.one_latest_value,
        file_rules.tables_are_the_promised,
        file_rules.columns_are_the_promised,
        file_rules.prefixes_say_the_kind,
        key_rules.rows_are_identified,
        key_rules.members_for_absence,
        key_rules.keys_are_related,
        key_rules.keys_are_registered,
        key_rules.keys_keep_their_meaning,
        content_rules.rows_are_sorted,
        content_rules.tables_are_filled,
        content_rules.statuses_have_word_symbol_colour,
        content_rules.dates_are_in_the_calendar,
    )
}
"""Rule -> the function that looks at it, which is called the same."""


def lint_file(
    path: Path, *, promises: Promises = PROMISES, previous_registry: Sequence[RegisteredKey] | None = None
) -> list[RuleResult]:
    """Hold a published file against every rule.

    Args:
        path: The file; it is opened read-only, with no other file in reach.
        promises: What it has to hold beyond what every published file has to be; :data:`NOTHING_PROMISED` for a file
            with whatever tables.
        previous_registry: Keys that the release before remembers; None when there is none.

    Returns:
        One result a rule, in the order of ``RELEASE_RULES``. A rule that a damaged file does not let be looked at does
        not hold.

    Raises:
        NotOurFile: It is no DuckDB file, or cannot be opened.
    """
    results: list[RuleResult] = []
    try:
        with duckdb.connect(str(path), read_only=True, config={"enable_external_access": False}) as connection:
            file = LintedFile(path, connection, promises, previous_registry)
            for rule in RELEASE_RULES:
                if rule.needs_promises and not promises:
                    results.append(RuleResult(rule, 0, ()))
                    continue
                try:
                    looked = FUNCTIONS[rule.rule_id](file)
                except duckdb.Error as error:
                    said = str(error).splitlines()[0]
                    seen = f"does not let this be looked at: {said}"
                    looked = Looked(0, [Violation("", None, seen, "Look at the other violations first.")])
                results.append(RuleResult(rule, looked.count, tuple(looked.violations)))
    except (duckdb.Error, OSError) as error:
        raise NotOurFile(f"{path} is not a release of this project, or is damaged: {error}") from error
    return results


def require_conformance(
    path: Path, *, promises: Promises, previous_registry: Sequence[RegisteredKey] | None = None
) -> list[RuleResult]:
    """Refuse a file that breaks a rule.

    Args:
        path: The file.
        promises: What it has to hold.
        previous_registry: Keys that the release before remembers.

    Returns:
        What the rules looked at.

    Raises:
        NotPublished: A rule does not hold; the message lists every violation with its rule and what to do.
    """
    results = lint_file(path, promises=promises, previous_registry=previous_registry)
    broken = [f"{violation} [{result.rule.rule_id}]" for result in results for violation in result.violations]
    if broken:
        count = sum(1 for result in results if result.violations)
        raise NotPublished(
            f"The file breaks {count} of {len(results)} rules for a published file:\n  " + "\n  ".join(broken)
        )
    return results
