"""Decide from a gate's report whether a load may be used.

One pure function. Reading, writing and running rules do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.check.gate import GateReport


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a load may be used.

    Attributes:
        accepted: ``True`` when its rows (less the quarantined ones) replace the last good data.
        reason: Plain sentence why not; ``None`` when accepted.
    """

    accepted: bool
    reason: str | None


def decide(report: GateReport, landed_rows: int, quarantined_rows: int, max_quarantined_share: float) -> Decision:
    """Accept or refuse a load.

    Args:
        report: What the gate said.
        landed_rows: Rows of the load.
        quarantined_rows: Rows that warning rules would set aside.
        max_quarantined_share: Largest share of rows, 0 to 1, that may be set aside before the load as a whole is
            doubted.

    Returns:
        Refused when a critical rule failed, a rule could not be evaluated, too many rows would be set aside, or no row
        would remain: an empty answer is an error, not news that the figures are gone.
    """
    if report.refusals:
        reasons = "; ".join(f"{one.check_id}: {one.observed}" for one in report.refusals)
        return Decision(False, reasons)
    if landed_rows == 0:
        return Decision(False, "the load has no rows, and an empty answer is an error")
    if quarantined_rows == landed_rows:
        return Decision(False, f"all {landed_rows:,} rows would be set aside, and an empty answer is an error")
    share = quarantined_rows / landed_rows
    if share > max_quarantined_share:
        return Decision(
            False,
            f"{quarantined_rows:,} of {landed_rows:,} rows ({share:.1%}) would be set aside; "
            f"more than {max_quarantined_share:.0%} puts the whole load in doubt",
        )
    return Decision(True, None)
