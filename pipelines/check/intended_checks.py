"""The index of every check that a run intends: what is asked, of what, and why.

Listing what has to be asked belongs here, from the suites, the source declarations and the parsed dbt project. What was
answered does not; it is held against this list in ``publish.check_rows``, so that a check that never ran is seen.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from pipelines.check.expectation_suites import load_suite
from pipelines.check.load_gate import READABLE, READABLE_WHY
from pipelines.check.register_lint import READABLE_WHY as REGISTER_READABLE_WHY
from pipelines.check.release_rules import RELEASE_RULES
from pipelines.problems import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipelines.acquire.source_registry import Source
    from pipelines.check.expectation_suites import Severity, Suite
    from pipelines.settings import Settings

CheckStage = Literal["register", "landed", "model", "published"]

STAGES: Final[tuple[CheckStage, ...]] = ("register", "landed", "model", "published")
"""In the order of a run."""

RELEASE: Final = "release"
"""Subject of the checks that look at the finished file as a whole."""

COMPARISON: Final = "release_comparison"
"""Subject of the gate that holds a release against the one before it."""

_SEVERITY: Final[dict[str, Severity]] = {"error": "critical", "warn": "info"}

_REPRODUCED_WHY: Final = (
    "A comparison that cannot be reproduced hides a method, a vintage or a comparator that we do not know."
)

MODEL_CHECKS: Final[tuple[tuple[str, str, str], ...]] = (
    ("comparison_with_england_reproduced", "published_equals_computed", _REPRODUCED_WHY),
    ("comparison_with_parent_reproduced", "published_equals_computed", _REPRODUCED_WHY),
    (
        "recent_trend_reproduced",
        "published_equals_computed",
        "A trend that cannot be reproduced hides a method, a vintage or a series that we do not know.",
    ),
    (
        "goal_reproduced",
        "published_equals_computed",
        "A goal that gives another colour than the printed one has another limit or another rule than we know.",
    ),
    (
        "limits_reproduced",
        "published_equals_computed",
        "Limits that the counts do not give come from another method, or the counts are not those behind the value.",
    ),
    (
        "aggregates_reproduced",
        "published_equals_computed",
        "A larger area that is not the sum of its parts has other members, other rules or parts that were left out.",
    ),
    (
        "stated_baseline_found_in_extract",
        "stated_equals_extract",
        "A baseline that was revised since the document was signed changes what the target means.",
    ),
    (
        "target_not_met_at_baseline",
        "target_asks_for_something",
        "A target that was met when it was signed asks for nothing, or was written with the wrong sign.",
    ),
    (
        "counts_are_numerators",
        "ratio_equals_value",
        "A count that is not what was divided makes every sum, rate and test built on it wrong.",
    ),
    (
        "published_trend_rests_on_numerators",
        "trend_inputs_are_counts",
        "The publisher computes trends from counts: where these are something else, the printed trend means nothing.",
    ),
    (
        "corrections_still_needed",
        "guard_holds",
        "A correction of a figure that has changed at the source must be looked at again, and is not made until then.",
    ),
)
"""What the model computes for every source of indicator values: check, kind, why (fct_data_quality_check.sql)."""

ACCOUNTING: Final = (
    "rows_accounted_for",
    "row_accounting",
    "No row may be lost between the file and the published tables.",
)
"""What the model computes for every source."""

RELEASE_CHECKS: Final[tuple[tuple[str, str, str], ...]] = tuple(
    (rule.rule_id, rule.kind, rule.why) for rule in RELEASE_RULES
)
"""What publishing asks of the finished file: check, kind, why (publish/conformance)."""

_WHY_OF_TEST: Final = {
    "not_null": "An empty cell where a value is promised drops the row from counts, filters and joins without a word.",
    "unique": "A key that stands twice joins twice, and every sum behind it counts double.",
    "grain": "Two rows for one thing double every sum that is made over the table.",
    "relationships": "A reference that leads nowhere drops its row from every report that joins the two tables.",
    "accepted_values": "A word that is not on the list falls out of every filter and every legend.",
    "every_row": "A row that breaks this says something that the other tables, or the documentation, deny.",
}
_WHY_OF_OTHER_TEST: Final = "A promise of the model that its tables have to keep."


@dataclass(frozen=True, slots=True)
class IntendedCheck:
    """One check that a run has to make.

    Attributes:
        stage: ``register``, ``landed``, ``model`` or ``published``.
        subject: Source, seed, table or view that it looks at; ``release`` for the whole file.
        check_id: Its name as in ``fct_data_quality_check``; with the stage and the source it is unique.
        expectation_type: Kind of check.
        column: Column that it looks at, if it looks at one.
        severity: ``critical``, ``warning`` or ``info``.
        why: Why it is there.
        source_id: The source, when the subject is one.
    """

    stage: CheckStage
    subject: str
    check_id: str
    expectation_type: str
    column: str | None
    severity: Severity
    why: str
    source_id: str | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What a result is recognised by: source (empty if none), stage, name."""
        return (self.source_id or "", self.stage, self.check_id)


@dataclass(frozen=True, slots=True)
class ModelTest:
    """One test of the dbt project.

    Attributes:
        unique_id: Its id in dbt's manifest and run results.
        check: The check that it is.
        rule: What has to hold, in words.
    """

    unique_id: str
    check: IntendedCheck
    rule: str


def checks_of_suite(suite: Suite) -> tuple[IntendedCheck, ...]:
    """Return the checks of one suite, ``readable`` first where the subject is a file.

    Args:
        suite: As returned by ``load_suite``.
    """
    stage, subject = _subject(suite)
    source_id = subject if stage == "landed" else None
    # A landed check is told from its namesakes by the source; the others carry their subject in their name.
    prefix = "" if stage == "landed" else f"{subject}."
    first: tuple[IntendedCheck, ...] = ()
    if stage != "published":
        why = READABLE_WHY if stage == "landed" else REGISTER_READABLE_WHY
        first = (IntendedCheck(stage, subject, prefix + READABLE, READABLE, None, "critical", why, source_id),)
    return first + tuple(
        IntendedCheck(stage, subject, prefix + one.check_id, one.type, one.column, one.severity, one.why, source_id)
        for one in suite.expectations
    )


def checks_of_model(sources: Iterable[Source]) -> tuple[IntendedCheck, ...]:
    """Return the checks that the model computes: of every source, and of every source of indicator values.

    Args:
        sources: Every declared source.
    """
    found: list[IntendedCheck] = []
    for source in sources:
        check_id, kind, why = ACCOUNTING
        found.append(IntendedCheck("model", source.id, check_id, kind, None, "critical", why, source.id))
        if source.indicators:
            found += [
                IntendedCheck("model", source.id, name, kind, None, "info", why, source.id)
                for name, kind, why in MODEL_CHECKS
            ]
    return tuple(found)


def checks_of_release() -> tuple[IntendedCheck, ...]:
    """Return the checks that publishing makes of the finished file."""
    return tuple(
        IntendedCheck("published", RELEASE, f"{RELEASE}.{name}", kind, None, "critical", why)
        for name, kind, why in RELEASE_CHECKS
    )


def model_tests(manifest: Mapping[str, Any]) -> tuple[ModelTest, ...]:
    """Return every test of the dbt project, sorted by the name of its check.

    Args:
        manifest: dbt's ``manifest.json``.

    Returns:
        One entry a test. A test is named after what it looks at, ``<table>.<kind>_<column>``, or as its author named
        it; where two would be called the same, the end of dbt's own id tells them apart.
    """
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    tests = {unique_id: node for unique_id, node in nodes.items() if node["resource_type"] == "test"}
    names = {unique_id: _test_name(node) for unique_id, node in tests.items()}
    used = Counter(names.values())
    found: list[ModelTest] = []
    for unique_id, node in tests.items():
        name = names[unique_id]
        if used[name] > 1:
            name = f"{name}_{unique_id.rsplit('.', 1)[-1]}"
        kind = _test_kind(node)
        severity = str(node["config"].get("severity") or "error").lower()
        check = IntendedCheck(
            "model",
            _tested_table(node),
            name,
            kind,
            node.get("column_name"),
            _SEVERITY.get(severity, "critical"),
            str(node.get("description") or "").strip() or _WHY_OF_TEST.get(kind, _WHY_OF_OTHER_TEST),
        )
        found.append(ModelTest(unique_id, check, _rule(node)))
    return tuple(sorted(found, key=lambda one: (one.check.check_id, one.unique_id)))


def intended_checks(
    suites: Iterable[Suite],
    sources: Iterable[Source],
    manifest: Mapping[str, Any] | None,
    others: Iterable[IntendedCheck] = (),
) -> tuple[IntendedCheck, ...]:
    """Return the index of a run, in the order of its stages.

    Args:
        suites: Every suite of landed sources, of the register and of marts.
        sources: Every declared source.
        manifest: dbt's ``manifest.json``; ``None`` when the project could not be parsed, which leaves its tests out.
        others: Checks of gates that have no suite.

    Returns:
        Every check once.

    Raises:
        ConfigurationError: Two checks are called the same.
    """
    found = [check for suite in suites for check in checks_of_suite(suite)]
    found += checks_of_model(sources)
    found += [test.check for test in model_tests(manifest)] if manifest is not None else []
    found += [*others, *checks_of_release()]
    twice = [identity for identity, times in Counter(one.identity for one in found).items() if times > 1]
    if twice:
        raise ConfigurationError(f"Two checks are called {' '.join(part for part in sorted(twice)[0] if part)}.")
    return tuple(sorted(found, key=lambda one: (STAGES.index(one.stage), one.subject, one.check_id)))


def read_suites(settings: Settings, sources: Iterable[str]) -> Iterator[Suite]:
    """Yield every suite that a run puts: of each declared source, each seed of the register, each gated mart.

    Args:
        settings: Folders.
        sources: Ids of the declared sources.

    Yields:
        The suites.

    Raises:
        ConfigurationError: A suite is missing or wrong.
    """
    for source_id in sources:
        yield load_suite(settings.expectations / "landed" / f"{source_id}.json")
    for folder in ("register", "published"):
        for path in sorted((settings.expectations / folder).glob("*.json")):
            yield load_suite(path)


def manifest_file(settings: Settings) -> Path:
    """Return where the parsed dbt project is."""
    return settings.warehouse / "dbt" / "manifest.json"


def read_manifest(settings: Settings) -> dict[str, Any] | None:
    """Return the parsed dbt project, or ``None`` when there is none that can be read."""
    try:
        return cast("dict[str, Any]", json.loads(manifest_file(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def read_intended(
    settings: Settings, sources: Mapping[str, Source], others: Sequence[IntendedCheck] = ()
) -> tuple[IntendedCheck, ...]:
    """Return the index of a run of this project.

    Args:
        settings: Folders.
        sources: Every declared source.
        others: Checks of gates that have no suite.

    Returns:
        The index.

    Raises:
        ConfigurationError: A suite is missing or wrong, or two checks are called the same.
    """
    return intended_checks(read_suites(settings, sources), sources.values(), read_manifest(settings), others)


def _subject(suite: Suite) -> tuple[CheckStage, str]:
    if suite.source:
        return "landed", suite.source
    if suite.seed:
        return "register", suite.seed
    return "published", suite.table or suite.suite


def _test_kind(node: Mapping[str, Any]) -> str:
    metadata: Mapping[str, Any] = node.get("test_metadata") or {}
    return str(metadata.get("name") or "query")


def _tested_table(node: Mapping[str, Any]) -> str:
    """Return the table that a test is attached to; a query of its own is about what it is called after."""
    attached = str(node.get("attached_node") or "")
    return attached.rsplit(".", 1)[-1] or str(node["name"])


def _test_name(node: Mapping[str, Any]) -> str:
    kind, table, name = _test_kind(node), _tested_table(node), str(node["name"])
    if not node.get("attached_node"):
        return name
    if not name.startswith(f"{kind}_{table}"):
        return f"{table}.{name}"
    column = node.get("column_name")
    return f"{table}.{kind}_{column}" if column else f"{table}.{kind}"


def _rule(node: Mapping[str, Any]) -> str:
    metadata: Mapping[str, Any] = node.get("test_metadata") or {}
    given: Mapping[str, Any] = metadata.get("kwargs") or {}
    column = node.get("column_name") or "the row"
    table = re.sub(r"^(?:ref|source)\(.*?'(\w+)'\)$", r"\1", str(given.get("to", "")))
    rules = {
        "not_null": f"{column} is never empty",
        "unique": f"every {column} stands once",
        "grain": f"one row for every {_listed(given.get('columns'))}",
        "relationships": f"every {column} is found in {table}.{given.get('field')}",
        "accepted_values": f"{column} is one of {_listed(given.get('values'))}",
        "every_row": " ".join(str(given.get("condition", "")).split()),
    }
    return rules.get(_test_kind(node)) or str(node["name"]).replace("_", " ")


def _listed(values: Sequence[object] | None) -> str:
    return ", ".join(str(one) for one in values or ())
