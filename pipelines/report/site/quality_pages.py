"""Data quality and freshness, and the notes of the release.

Which checks, sources and changes stand in which table belongs here. Layout is in the templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from pipelines.dates_in_words import in_words
from pipelines.report.release_notes import HEADINGS
from pipelines.report.site import links
from pipelines.report.site.components import Cell, Column, Page, Table, link
from pipelines.report.site.wording import counted, sentence
from pipelines.report.words import day, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.report.site.release_rows import CheckRow, NoteRow, SiteRows

LONGEST = 600
"""Characters of what a check has seen that are shown; the table fct_data_quality_check has all."""
ITEMS = 200
"""Items of a section of the notes that are shown; the table release_note has all."""
STAGES = {
    "register": "Commitment register",
    "landed": "Landed sources",
    "model": "Model",
    "published": "Finished tables and file",
}
_OUTCOMES = {"blocked": "✖ Blocked", "quarantined": "⊘ Quarantined", "warned": "! Warned"}


def quality(rows: SiteRows) -> Page:
    """Return the page on data quality and freshness.

    Args:
        rows: The release.
    """
    failed = [one for one in rows.checks if one.outcome != "not_evaluated"]
    unevaluated = [one for one in rows.checks if one.outcome == "not_evaluated"]
    late = [one for one in rows.indicator_freshness.values() if one.is_late and one.indicator_id in rows.indicators]
    context = {
        "totals": _totals(rows),
        "freshness": _freshness(rows),
        "loads": _loads(rows),
        "refused": [(one.source_title, one.load_reason) for one in rows.sources if one.load_reason],
        "late": Table(
            "Indicators of commitments whose next period is late",
            [Column("Indicator"), Column("Latest period"), Column("Expected on"), Column("Days late", True)],
            [
                [
                    link(rows.indicators[one.indicator_id].indicator_name, links.indicator(one.indicator_id)),
                    one.latest_period or "",
                    day(one.expected_on),
                    f"{one.days_late or 0:,}",
                ]
                for one in sorted(late, key=lambda one: (-(one.days_late or 0), one.indicator_id))
            ],
            is_caption_hidden=True,
        ),
        "failed": Table(
            "Checks that did not pass",
            [
                Column("Check"),
                Column("Looks at"),
                Column("Outcome"),
                Column("Rows failed", True),
                Column("What was seen, and why it matters"),
            ],
            [_failed(one) for one in failed],
            is_caption_hidden=True,
        ),
        "failed_count": len(failed),
        "unevaluated": Table(
            "Checks that were not evaluated",
            [Column("Check"), Column("Looks at"), Column("Why not")],
            [
                [Markup("<code>{}</code>").format(one.check_id), one.subject_name, _cut(one.observed)]
                for one in unevaluated
            ],
            is_caption_hidden=True,
        ),
        "unevaluated_count": len(unevaluated),
        "quarantined": Table(
            "Records that were set aside, by source and rule",
            [Column("Source"), Column("Rule"), Column("Records", True)],
            [[one.source_id, sentence(plain(one.rule)), f"{one.records:,}"] for one in rows.quarantined],
            is_caption_hidden=True,
        ),
        "issues": Table(
            "Known faults of sources and documents",
            [Column("Fault"), Column("About"), Column("Severity"), Column("What is known"), Column("State")],
            [
                [
                    f"{one.issue_id}: {one.title}",
                    Markup("{} <code>{}</code>").format(one.subject, one.subject_id),
                    one.severity,
                    f"{one.detail or ''} {one.evidence or ''}".strip(),
                    one.issue_status,
                ]
                for one in rows.issues
            ],
            is_caption_hidden=True,
        ),
        "corrections": Table(
            "Published figures that are known to be wrong",
            [Column("Correction"), Column("Figure"), Column("What is done"), Column("Why, and how it can be checked")],
            [
                [
                    one.correction_id,
                    f"{one.indicator_id}, {one.area_code}, {one.period_label}",
                    f"{sentence(plain(one.correction_action))}: {plain(one.correction_state)}",
                    f"{one.reason} {one.evidence}",
                ]
                for one in rows.corrections
            ],
            is_caption_hidden=True,
        ),
    }
    return Page(links.QUALITY, "Data quality and freshness", "quality.html.j2", context, links.QUALITY)


def _totals(rows: SiteRows) -> Table:
    table: list[list[Cell]] = [
        [
            STAGES.get(one.stage, one.stage),
            *(
                f"{number:,}"
                for number in (
                    one.intended,
                    one.passed,
                    one.warned,
                    one.quarantined,
                    one.blocked,
                    one.not_evaluated,
                )
            ),
        ]
        for one in rows.check_totals
    ]
    headings = ("Intended", "Passed", "Warned", "Quarantined", "Blocked", "Not evaluated")
    columns = [Column("Looks at"), *(Column(heading, True) for heading in headings)]
    return Table("Checks of this release by outcome", columns, table, is_caption_hidden=True)


def _freshness(rows: SiteRows) -> Table:
    table: list[list[Cell]] = [
        [
            link(one.source_title, one.homepage) if _is_address(one.homepage) and one.homepage else one.source_title,
            one.publisher or "",
            one.licence or "",
            sentence(one.freshness_state or "not known"),
            one.freshness_words or "",
        ]
        for one in rows.sources
    ]
    columns = [Column("Source"), Column("Publisher"), Column("Licence"), Column("State"), Column("In words")]
    return Table("Sources and how old their data are", columns, table, is_caption_hidden=True)


def _is_address(homepage: str | None) -> bool:
    """Whether it is an address that a browser may follow: nothing else becomes a link."""
    return homepage is not None and homepage.startswith(("https://", "http://"))


def _loads(rows: SiteRows) -> Table:
    def number(value: int | None) -> str:
        return "" if value is None else f"{value:,}"

    table: list[list[Cell]] = []
    for one in rows.sources:
        state = "✔ accepted" if one.load_state == "accepted" else f"✖ {one.load_state or 'not loaded'}"
        stale = " (an older load is served)" if one.is_stale else ""
        table.append(
            [
                one.source_title,
                f"{state}{stale}",
                *(
                    number(value)
                    for value in (
                        one.landed_rows,
                        one.quarantined_rows,
                        one.refused_rows,
                        one.duplicate_rows,
                        one.published_rows,
                    )
                ),
                in_words(one.checked_at.date()) if one.checked_at is not None else "",
            ]
        )
    headings = ("Landed", "Quarantined", "Refused", "Duplicates", "Published")
    columns = [
        Column("Source"),
        Column("Last load"),
        *(Column(heading, True) for heading in headings),
        Column("Checked on"),
    ]
    return Table("What became of the rows of every source", columns, table, "scrolled", True)


def _failed(one: CheckRow) -> list[Cell]:
    return [
        Markup("<code>{}</code>").format(one.check_id),
        f"{STAGES.get(one.stage, one.stage)}: {one.subject_name}",
        _OUTCOMES.get(one.outcome, plain(one.outcome)),
        "" if one.rows_failed is None else f"{one.rows_failed:,}",
        Markup("{}<br>Why it matters: {}").format(_cut(one.observed), one.why or ""),
    ]


def _cut(text: str | None) -> str:
    if text is None or len(text) <= LONGEST:
        return text or ""
    return f"{text[:LONGEST].rstrip()}… ({len(text) - LONGEST:,} more characters in the table fct_data_quality_check)"


def release_notes(rows: SiteRows) -> Page:
    """Return the notes of the release.

    Args:
        rows: The release.
    """
    alone = [one.sentence for one in rows.notes if one.section in ("first_release", "nothing_changed")]
    sections = [
        (heading.title, *_items(rows, [one for one in rows.notes if one.section in heading.sections]))
        for heading in HEADINGS
    ]
    before = next((one.previous_release_id for one in rows.notes if one.previous_release_id), None)
    context = {
        "alone": alone,
        "sections": [] if alone else sections,
        "before": before,
        "revisions": Table(
            "Figures that differ from the release before they changed",
            [
                Column("Source"),
                Column("What"),
                Column("Cause"),
                Column("Figures", True),
                Column("By > 5%", True),
            ],
            [
                [
                    one.source_id,
                    sentence(plain(one.revision_kind)),
                    plain(one.cause),
                    f"{one.revisions:,}",
                    f"{one.beyond or 0:,}",
                ]
                for one in rows.revisions
            ],
            is_caption_hidden=True,
        ),
        "approvals": Table(
            "Large changes that a person approved",
            [Column("Source"), Column("Change"), Column("Why it was let through"), Column("Approved by")],
            [
                [one.source_id, one.change_summary or "", one.approval_reason or "", one.approved_by or ""]
                for one in rows.approvals
            ],
            is_caption_hidden=True,
        ),
    }
    return Page(links.NOTES, "Release notes", "release-notes.html.j2", context, links.NOTES)


def _items(rows: SiteRows, notes: Sequence[NoteRow]) -> tuple[list[tuple[str, str | None]], str | None]:
    """Return sentences with the page that each is about, and what is not shown."""
    items = [
        (one.sentence, links.commitment(one.commitment_id) if one.commitment_id in rows.commitments else None)
        for one in notes[:ITEMS]
    ]
    more = len(notes) - len(items)
    return items, f"And {counted(more, 'more item')}; the table release_note has all." if more else None
