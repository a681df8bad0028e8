"""The scorecard as a person asks for it: one line a commitment and place, filtered.

Reading it from a published file and deciding what a long list holds back belong here; laying it out does not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pipelines.report.names import Place, match_code, match_place
from pipelines.report.published_rows import ReleaseLine, read_release, reading, records

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import duckdb

NOTHING_SAID = ("not_assessable", "no_target", "unknown", "permissive")
"""Statuses of which a long list shows the number only: nothing has been measured or recorded."""


@dataclass(frozen=True, slots=True)
class ScorecardFilters:
    """What is asked of a scorecard.

    Attributes:
        framework: Id of a framework.
        place: Code or name of a place.
        status: Code of a status.
        parts: Show the parts of the signed places, too.
        everything: Hold nothing back, however long the list.
    """

    framework: str | None = None
    place: str | None = None
    status: str | None = None
    parts: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True)
class ScorecardLine:
    """A row of ``v_scorecard``, with what is needed to write it; each attribute is the column of that name.

    ``records`` is the number of progress records of an action; ``priority_sequence`` the place of the priority in its
    document.
    """

    framework_id: str
    framework: str
    aim: str | None
    priority: str | None
    commitment_id: str
    title: str
    target_type: str
    area_code: str
    area_name: str
    place_role: str
    is_counted: int
    status_code: str
    status_label: str
    status_symbol: str
    status_colour: str
    status_sort: int
    not_assessable_reason: str | None
    indicator_id: str | None
    indicator_name: str | None
    population_group: str | None
    indicator_confidence: str | None
    measured_as: str
    gap_measure: str | None
    period_label: str | None
    actual_value: float | None
    actual_lower_ci_95: float | None
    actual_upper_ci_95: float | None
    unit: str | None
    decimal_places: int | None
    target_operator: str | None
    target_value: float | None
    due_date: date | None
    forecast_probability: float | None
    no_forecast_reason: str | None
    deadline_state: str | None
    is_stale: int
    records: int
    explanation: str | None
    data_needed: str | None
    owner: str | None
    document_file: str | None
    document_line: int | None
    priority_sequence: int | None

    @property
    def says_something(self) -> bool:
        """Whether it is assessed or has a recorded state."""
        return self.status_code not in NOTHING_SAID or self.records > 0


@dataclass(frozen=True, slots=True)
class StatusName:
    """A status; each attribute is the column of that name of ``dim_status``."""

    status_code: str
    status_label: str
    status_symbol: str
    status_colour: str
    status_sort: int


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """A row of ``v_coverage``; each attribute is the column of that name."""

    framework_id: str
    framework: str
    outcome: str
    not_assessable_reason: str | None
    commitments: int


@dataclass(frozen=True, slots=True)
class Scorecard:
    """An answer.

    Attributes:
        release: The release that it was read from.
        filters: What was asked; the names as the file writes them.
        lines: All rows that fit, in the order in which they are shown.
        statuses: Every status there is, from the worst to the best.
        coverage: What can be said of the frameworks concerned, each as a whole.
        hint: Why the answer may be smaller than expected, in a sentence.
    """

    release: ReleaseLine
    filters: ScorecardFilters
    lines: tuple[ScorecardLine, ...]
    statuses: tuple[StatusName, ...]
    coverage: tuple[CoverageLine, ...]
    hint: str | None = None

    @property
    def shown(self) -> tuple[ScorecardLine, ...]:
        """The rows to show one by one: all of them when that, or a status, was asked for."""
        if self.filters.everything or self.filters.status is not None:
            return self.lines
        return tuple(line for line in self.lines if line.says_something)

    @property
    def held_back(self) -> tuple[ScorecardLine, ...]:
        """The rows of which only the number is shown."""
        shown = set(self.shown)
        return tuple(line for line in self.lines if line not in shown)

    @property
    def totals(self) -> dict[str, int]:
        """Status code -> rows that belong in a total, from the worst status to the best."""
        counted = Counter(line.status_code for line in self.lines if line.is_counted == 1)
        return {
            status.status_code: counted[status.status_code]
            for status in self.statuses
            if counted[status.status_code] > 0
        }


_LINES = """
from (
    select
        s.*,
        c.gap_measure,
        i.decimal_places,
        p.sequence as priority_sequence,
        (
            select count(*) from fct_milestone as m
            where m.commitment_key = s.commitment_key and m.recorded_state is not null
        ) as records
    from v_scorecard as s
    inner join dim_commitment as c on s.commitment_key = c.commitment_key
    inner join dim_indicator as i on s.indicator_key = i.indicator_key
    left join framework_priority as p
        on c.framework_key = p.framework_key and s.aim = p.aim and s.priority = p.priority
)
"""
_ORDER = """
order by
    framework, framework_id, priority_sequence nulls last, aim, priority, (status_code in ({said})) and records = 0,
    title, commitment_id, place_role desc, area_name, area_code
"""


def read_scorecard(served_file: Path, filters: ScorecardFilters) -> Scorecard:
    """Read the scorecard of any published file.

    Args:
        served_file: The file.
        filters: What is asked.

    Returns:
        The answer; it may be empty.

    Raises:
        UnknownName: A filter names what the file does not have.
        NotReadable: The file is not a release that this version can read.
    """
    with reading(served_file) as connection:
        release = read_release(connection)
        statuses = records(
            connection, StatusName, "from dim_status where status_symbol is not null order by status_sort"
        )
        places = read_places(connection)
        named = _named(connection, filters, statuses)
        codes = match_place(filters.place, places) if filters.place else ()
        conditions = ["(place_role = 'signed' or ?)"]
        parameters: list[object] = [filters.parts]
        for column, wanted in (("framework_id", named.framework), ("status_code", named.status)):
            if wanted is not None:
                conditions.append(f"{column} = ?")
                parameters.append(wanted)
        if codes:
            conditions.append("list_contains(?, area_code)")
            parameters.append(list(codes))
        tail = f"{_LINES} where {' and '.join(conditions)} {_ORDER.format(said=', '.join('?' for _ in NOTHING_SAID))}"
        lines = records(connection, ScorecardLine, tail, [*parameters, *NOTHING_SAID])
        concerned = {line.framework_id for line in lines} | {named.framework}
        coverage = [
            line
            for line in records(connection, CoverageLine, "from v_coverage order by framework, framework_id, outcome")
            if line.framework_id in concerned
        ]
    is_part = bool(codes) and not any(place.is_signed for place in places if place.area_code in codes)
    return Scorecard(
        release=release,
        filters=named,
        lines=tuple(lines),
        statuses=tuple(statuses),
        coverage=tuple(coverage),
        hint="This place signed nothing itself, but lies in a place that did: add --parts."
        if is_part and not filters.parts
        else None,
    )


def read_places(connection: duckdb.DuckDBPyConnection) -> list[Place]:
    """Return every place of the scorecard.

    Args:
        connection: An open file.
    """
    found = connection.execute(
        """
        select area_code, area_name, max(cast(place_role = 'signed' as integer))
        from v_scorecard group by area_code, area_name order by area_name, area_code
        """
    ).fetchall()
    return [Place(*row) for row in found]


def _named(
    connection: duckdb.DuckDBPyConnection, filters: ScorecardFilters, statuses: list[StatusName]
) -> ScorecardFilters:
    """Return the filters with framework and status as the file writes them."""
    frameworks = [
        str(code)
        for (code,) in connection.execute(
            "select framework_id from dim_framework where framework_key > 0 order by framework_id"
        ).fetchall()
    ]
    codes = [status.status_code for status in statuses]
    return ScorecardFilters(
        framework=match_code(filters.framework, frameworks, "framework") if filters.framework else None,
        place=filters.place,
        status=match_code(filters.status, codes, "status") if filters.status else None,
        parts=filters.parts,
        everything=filters.everything,
    )


CSV_COLUMNS = tuple(field.name for field in fields(ScorecardLine) if field.name != "priority_sequence")
"""Columns of the scorecard as a table, in order."""
