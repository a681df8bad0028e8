"""The scorecard, and the pages of frameworks, places, indicators and all commitments.

Which rows stand in which table, and how they are counted, belong here. Layout is in the templates.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from markupsafe import Markup

from pipelines.report import words
from pipelines.report.site import links
from pipelines.report.site.components import Cell, Column, Page, Table, link
from pipelines.report.site.wording import ATTENTION, OUTCOMES, Figures, counted, day_cell, sentence, target_of
from pipelines.report.words import day, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelines.report.scorecard import CoverageLine, ScorecardLine
    from pipelines.report.site.chart_source import ChartSource
    from pipelines.report.site.components import Components
    from pipelines.report.site.release_rows import IndicatorRow, LatestRow, SiteRows

GROUPS = (
    ("Missed, off track or overdue", ("missed", "off_track", "overdue")),
    ("At risk or slipping", ("at_risk", "achieved_but_slipping")),
    ("On track, achieved or done", ("on_track", "achieved", "done", "done_late")),
    ("Under way or not started", ("in_progress", "not_started")),
    ("No record or optional", ("unknown", "permissive")),
    ("No target", ("no_target",)),
    ("Not assessable", ("not_assessable",)),
)
"""Statuses as they are put together where a row has to fit a line: heading and codes."""


class OverviewPages:
    """Pages that list commitments.

    Args:
        rows: The release.
        components: For tags.
        charts: Where the charts come from.
    """

    def __init__(self, rows: SiteRows, components: Components, charts: ChartSource) -> None:
        """Keep what all of them need."""
        self._rows = rows
        self._components = components
        self._charts = charts
        self._figures = Figures(rows)

    def index(self) -> Page:
        """Return the scorecard."""
        counted_lines = [one for one in self._rows.scorecard.lines if one.is_counted]
        attention = sorted(
            (one for one in counted_lines if one.status_code in ATTENTION),
            key=lambda one: (one.status_sort, one.title, one.commitment_id, one.area_name),
        )
        coverage = self._rows.scorecard.coverage
        by_outcome = _outcomes(coverage)
        context = {
            "commitments": len(self._rows.commitments),
            "frameworks": len({one.framework_id for one in self._rows.scorecard.lines}),
            "judged": by_outcome["assessed"],
            "recorded": by_outcome["recorded"],
            "totals": self._totals(counted_lines),
            "overview": self._charts.overview(),
            "attention": self._list(attention, "What needs attention first", "", hidden=True),
            "attention_count": len(attention),
            "by_framework": self._by_framework(coverage),
            "by_place": self._by_place(),
            "coverage": self._coverage(by_outcome),
            "reasons": self._reasons(coverage),
        }
        return Page(links.INDEX, "Scorecard", "index.html.j2", context, links.INDEX)

    def commitments(self) -> Page:
        """Return the table of all commitments."""
        rows: list[list[Cell]] = []
        for commitment_id, found in sorted(
            self._rows.commitments.items(), key=lambda item: (item[1].commitment.title.casefold(), item[0])
        ):
            commitment = found.commitment
            statuses = list(dict.fromkeys(one.status_code for one in found.signed))
            rows.append(
                [
                    link(commitment.title, links.commitment(commitment_id)),
                    link(commitment.framework, links.framework(commitment.framework_id)),
                    target_of(commitment, self._rows.area_names),
                    day_cell(commitment.due_date),
                    Markup(" ").join(self._components.status(code) for code in statuses),
                ]
            )
        columns = [Column("Commitment"), Column("Document"), Column("Target"), Column("Due"), Column("Status")]
        table = Table("All commitments in force, by title", columns, rows, is_caption_hidden=True)
        context = {"table_of_all": table, "commitments": len(rows)}
        return Page(links.ALL_COMMITMENTS, "All commitments", "commitments.html.j2", context, links.ALL_COMMITMENTS)

    def frameworks(self) -> list[Page]:
        """Return a page for every document that has a row on the scorecard or in the register."""
        return [self._framework(framework_id) for framework_id in self._rows.frameworks]

    def _framework(self, framework_id: str) -> Page:
        framework = self._rows.frameworks[framework_id]
        path = links.framework(framework_id)
        root = links.root_of(path)
        lines = [one for one in self._rows.lines_of(framework_id) if one.place_role == "signed"]
        period = " to ".join(day(one) for one in (framework.period_start, framework.period_end) if one is not None)
        facts: list[tuple[str, Cell | None]] = [
            ("Organisation", framework.organisation),
            ("System or place", framework.system_name),
            ("Published on", day(framework.published_on) if framework.published_on else None),
            ("Period", period or None),
            ("Due unless it says otherwise", day(framework.horizon_date) if framework.horizon_date else None),
            ("Document", framework.document_file),
            ("Note", framework.note),
        ]
        coverage = [one for one in self._rows.scorecard.coverage if one.framework_id == framework_id]
        sections: dict[tuple[str | None, str | None], list[ScorecardLine]] = {}
        for line in lines:
            sections.setdefault((line.aim, line.priority), []).append(line)
        open_priorities = [
            ": ".join(part for part in (one.aim, one.priority) if part)
            for one in self._rows.priorities.get(framework_id, [])
            if one.commitments == 0
        ]
        context = {
            "facts": facts,
            "totals": self._totals([one for one in lines if one.is_counted]),
            "coverage": self._coverage(_outcomes(coverage)),
            "sections": [
                (_section_title(aim, priority), self._list(found, _section_title(aim, priority), root, hidden=True))
                for (aim, priority), found in sections.items()
            ],
            "open_priorities": open_priorities,
            "commitments": len({one.commitment_id for one in lines}),
        }
        trail = (("Scorecard", links.INDEX),)
        return Page(path, framework.framework, "framework.html.j2", context, links.INDEX, trail)

    def places(self) -> list[Page]:
        """Return the list of places, and a page for every place of the scorecard."""
        signed: list[list[Cell]] = []
        parts: list[list[Cell]] = []
        for code, place in self._rows.places.items():
            lines = self._rows.lines_of(area_code=code)
            into = signed if any(one.place_role == "signed" for one in lines) else parts
            inside = place.upper_tier_name or place.icb_name or place.region_name or ""
            into.append(
                [
                    link(place.area_name, links.place(code)),
                    place.area_type_label,
                    "" if inside == place.area_name else inside,
                    f"{len({one.commitment_id for one in lines}):,}",
                    f"{sum(one.actual_value is not None for one in lines):,}",
                ]
            )
        columns = [
            Column("Place"),
            Column("Kind"),
            Column("Within"),
            Column("Commitments", True),
            Column("With a figure", True),
        ]
        overview = Page(
            links.ALL_PLACES,
            "Places",
            "places.html.j2",
            {
                "signed": Table("Places that a document commits", columns, signed, is_caption_hidden=True),
                "parts": Table("Places inside them", columns, parts, is_caption_hidden=True),
            },
            links.ALL_PLACES,
        )
        return [overview, *(self._place(code) for code in self._rows.places)]

    def _place(self, area_code: str) -> Page:
        place = self._rows.places[area_code]
        path = links.place(area_code)
        root = links.root_of(path)
        lines = self._rows.lines_of(area_code=area_code)
        is_signed = any(one.place_role == "signed" for one in lines)
        shown = sorted(
            (one for one in lines if one.says_something),
            key=lambda one: (one.status_sort, one.title, one.commitment_id),
        )
        silent = [one for one in lines if not one.says_something]
        facts: list[tuple[str, Cell | None]] = [
            ("Kind", place.area_type_label),
            ("Code", Markup("<code>{}</code>").format(area_code)),
            ("County", _other_name(place.upper_tier_name, place.area_name)),
            ("Integrated care board", _other_name(place.icb_name, place.area_name)),
            ("Region", _other_name(place.region_name, place.area_name)),
        ]
        context = {
            "place": place,
            "is_signed": is_signed,
            "facts": facts,
            "totals": self._totals([one for one in lines if one.is_counted]),
            "shown": self._list(shown, "Commitments with a status or a record", root, with_place=False, hidden=True),
            "shown_count": len(shown),
            "silent": self._list(silent, "Nothing can be said yet", root, with_place=False, hidden=True),
            "silent_count": len(silent),
            "charts": self._charts.of_place(area_code),
        }
        trail = (("Scorecard", links.INDEX), ("Places", links.ALL_PLACES))
        return Page(path, place.area_name, "place.html.j2", context, links.ALL_PLACES, trail)

    def indicators(self) -> list[Page]:
        """Return the list of indicators that measure a commitment, and a page for each."""
        measured: dict[str, list[tuple[str, str]]] = {}
        for commitment_id, found in self._rows.commitments.items():
            for one in found.measures:
                for indicator_id in (one.indicator_id, one.versus_indicator_id):
                    if indicator_id is not None:
                        measured.setdefault(indicator_id, []).append((commitment_id, found.commitment.title))
        titles = {one.source_id: one.source_title for one in self._rows.sources}
        rows: list[list[Cell]] = []
        for indicator_id, one in self._rows.indicators.items():
            freshness = self._rows.indicator_freshness.get(indicator_id)
            rows.append(
                [
                    link(one.indicator_name, links.indicator(indicator_id)),
                    titles.get(one.source_id, one.source_id),
                    freshness.latest_period or "" if freshness else "",
                    sentence(freshness.freshness_state) if freshness else "",
                    f"{len(set(measured.get(indicator_id, []))):,}",
                ]
            )
        columns = [
            Column("Indicator"),
            Column("Source"),
            Column("Latest period"),
            Column("Freshness"),
            Column("Commitments", True),
        ]
        overview = Page(
            links.INDICATORS,
            "Indicators",
            "indicators.html.j2",
            {"table_of_all": Table("Indicators that measure a commitment", columns, rows, is_caption_hidden=True)},
            links.INDICATORS,
        )
        return [
            overview,
            *(
                self._indicator(one, sorted(set(measured.get(indicator_id, [])), key=lambda item: item[::-1]), titles)
                for indicator_id, one in self._rows.indicators.items()
            ),
        ]

    def _indicator(self, one: IndicatorRow, measured: Sequence[tuple[str, str]], titles: dict[str, str]) -> Page:
        path = links.indicator(one.indicator_id)
        freshness = self._rows.indicator_freshness.get(one.indicator_id)
        compared = one.comparator_method
        if compared and one.comparator_confidence:
            compared = f"{plain(compared)}, {one.comparator_confidence}%"
        facts: list[tuple[str, Cell | None]] = [
            ("What is measured", one.definition),
            ("Source", titles.get(one.source_id, one.source_id)),
            ("Id at the source", Markup("<code>{}</code>").format(one.indicator_id)),
            ("Kind of value", sentence(plain(one.value_type)) if one.value_type else None),
            ("Unit", one.unit),
            ("Good is", plain(one.polarity) if one.polarity else None),
            ("Limits of the publisher", one.ci_method),
            ("Limits computed here", plain(one.ci_method_computed) if one.ci_method_computed else None),
            ("Areas are compared by", compared),
            ("Why so", one.comparator_reason),
            ("Freshness", freshness.freshness_words if freshness else None),
        ]
        context = {
            "facts": facts,
            "measured": [(title, links.commitment(commitment_id)) for commitment_id, title in measured],
            "latest": self._latest(one, self._rows.latest.get(one.indicator_id, [])),
        }
        trail = (("Scorecard", links.INDEX), ("Indicators", links.INDICATORS))
        return Page(path, one.indicator_name, "indicator.html.j2", context, links.INDICATORS, trail)

    def _latest(self, indicator: IndicatorRow, found: Sequence[LatestRow]) -> Table | None:
        if not found:
            return None
        rows: list[list[Cell]] = []
        for one in found:
            england = one.england_value
            rows.append(
                [
                    f"{one.area_name}: {one.population_group}",
                    one.period_label,
                    self._figures.value(
                        one.value,
                        (one.lower_ci_95, one.upper_ci_95),
                        indicator.unit,
                        indicator.decimal_places,
                        one.value_status_code,
                    ),
                    "" if england is None else words.rounded(england, indicator.decimal_places),
                    one.compared_to_england_computed or "",
                ]
            )
        columns = [
            Column("Place and group"),
            Column("Period"),
            Column("Figure (95% limits)", True),
            Column("England", True),
            Column("Compared with England"),
        ]
        caption = "Newest figures at places of the scorecard, without breakdowns"
        return Table(caption, columns, rows, is_caption_hidden=True)

    def _list(
        self,
        lines: Iterable[ScorecardLine],
        caption: str,
        root: str,
        *,
        with_place: bool = True,
        hidden: bool = False,
    ) -> Table:
        """Return rows of the scorecard as a table."""
        rows: list[list[Cell]] = []
        for line in lines:
            status = self._components.status(line.status_code)
            if line.not_assessable_reason is not None:
                status = Markup("{}<br>{}").format(status, sentence(plain(line.not_assessable_reason)))
            cells: list[Cell] = [link(line.title, f"{root}{links.commitment(line.commitment_id)}")]
            if with_place:
                cells.append(link(line.area_name, f"{root}{links.place(line.area_code)}"))
            cells += [
                status,
                self._figures.line_actual(line),
                self._figures.line_target(line),
                day_cell(line.due_date),
            ]
            rows.append(cells)
        columns = [
            Column("Commitment"),
            *([Column("Place")] if with_place else []),
            Column("Status"),
            Column("Latest figure (95% limits)"),
            Column("Target"),
            Column("Due"),
        ]
        return Table(caption, columns, rows, is_caption_hidden=hidden)

    def _totals(self, lines: Sequence[ScorecardLine]) -> Table:
        """Return how many rows have which status."""
        found = Counter(one.status_code for one in lines)
        rows: list[list[Cell]] = [
            [self._components.status(code), f"{found[code]:,}", status.description or ""]
            for code, status in self._rows.statuses.items()
            if found[code]
        ]
        columns = [Column("Status"), Column("Rows", True), Column("What it means")]
        return Table(f"{counted(len(lines), 'row')} of the scorecard by status", columns, rows)

    def _by_framework(self, coverage: Sequence[CoverageLine]) -> Table:
        rows: list[list[Cell]] = []
        for framework_id, framework in self._rows.frameworks.items():
            found = _outcomes([one for one in coverage if one.framework_id == framework_id])
            rows.append(
                [
                    link(framework.framework, links.framework(framework_id)),
                    *(f"{found[outcome]:,}" for outcome in OUTCOMES),
                    f"{sum(found.values()):,}",
                ]
            )
        columns = [
            Column("Document"),
            *(Column(title, True) for title, _ in OUTCOMES.values()),
            Column("Commitments", True),
        ]
        return Table("Commitments of every document by what can be said of them", columns, rows, "scrolled", True)

    def _by_place(self) -> Table:
        rows: list[list[Cell]] = []
        for code, place in self._rows.places.items():
            found = Counter(one.status_code for one in self._rows.lines_of(area_code=code) if one.is_counted)
            if not found:
                continue
            rows.append(
                [
                    link(place.area_name, links.place(code)),
                    *(f"{sum(found[status] for status in codes):,}" for _, codes in GROUPS),
                    f"{sum(found.values()):,}",
                ]
            )
        columns = [Column("Place"), *(Column(title, True) for title, _ in GROUPS), Column("Rows", True)]
        return Table("Rows of the scorecard of every place by status", columns, rows, "scrolled", True)

    def _coverage(self, found: Counter[str]) -> Table:
        rows: list[list[Cell]] = [
            [title, f"{found[outcome]:,}", meaning] for outcome, (title, meaning) in OUTCOMES.items() if found[outcome]
        ]
        columns = [Column("What can be said"), Column("Commitments", True), Column("What it means")]
        return Table(f"{counted(sum(found.values()), 'commitment')} by what can be said", columns, rows)

    def _reasons(self, coverage: Sequence[CoverageLine]) -> Table:
        """Return why commitments cannot be assessed, the most frequent reason first."""
        found: Counter[str] = Counter()
        for one in coverage:
            if one.not_assessable_reason is not None:
                found[one.not_assessable_reason] += one.commitments
        said: dict[str, str] = {}
        for line in self._rows.scorecard.lines:
            reason = line.not_assessable_reason
            _, _, told = (line.explanation or "").partition("Not assessable: ")
            if reason is not None and told and (reason not in said or len(told) < len(said[reason])):
                said[reason] = told
        rows: list[list[Cell]] = [
            [sentence(plain(reason)), f"{number:,}", said.get(reason, "")]
            for reason, number in sorted(found.items(), key=lambda item: (-item[1], item[0]))
        ]
        columns = [Column("Why it is not assessable"), Column("Commitments", True), Column("In words")]
        return Table("Reasons why commitments cannot be assessed", columns, rows)


def _outcomes(coverage: Iterable[CoverageLine]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in coverage:
        found[one.outcome] += one.commitments
    return found


def _section_title(aim: str | None, priority: str | None) -> str:
    parts = dict.fromkeys(part for part in (aim, priority) if part)
    return ": ".join(parts) or "Under no heading of the document"


def _other_name(name: str | None, own: str) -> str | None:
    return None if name == own else name
