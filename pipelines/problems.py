"""What goes wrong, in words that say what to do about it.

Every stage raises subclasses of :class:`OutcomesError` and describes bad input with :class:`Problem`. Stage logic does
not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

NOT_YET_RELEASED = "not_yet_released"
"""Rule of the one problem that is no fault: the run looks back to a day on which the source had no release."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        rule: Short snake_case name of the rule that was broken.
        message: What was seen, in one plain sentence.
        remedy: What a person should do next.
        file: File relative to ``data/raw`` (or to the project root for configuration), if known.
        row: Record number as a spreadsheet shows it (the header is record 1), if known.
        column: Publisher's column header, if known.
        value: The offending text, if there is one.
    """

    rule: str
    message: str
    remedy: str
    file: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        """Return ``file, row n, column c, value v: [rule] message Remedy.`` with the unknown parts left out."""
        where = ", ".join(
            part
            for part in (
                self.file,
                None if self.row is None else f"row {self.row}",
                None if self.column is None else f"column {self.column!r}",
                None if self.value is None else f"value {self.value!r}",
            )
            if part
        )
        return f"{where + ': ' if where else ''}[{self.rule}] {self.message} {self.remedy}"


class OutcomesError(Exception):
    """Base of every error that this project raises on purpose."""


class ConfigurationError(OutcomesError):
    """A file of the project itself (source declaration, suite, seed) is wrong."""


class SourceRefused(OutcomesError):  # noqa: N818 - the word the field uses for a load that is turned away
    """A source's raw input cannot be read as declared; the other sources go on.

    Args:
        source_id: The source that is refused.
        problems: At least one problem, the most useful first.
    """

    def __init__(self, source_id: str, problems: tuple[Problem, ...]) -> None:
        """Keep the problems; the message lists them, one a line."""
        self.source_id = source_id
        self.problems = problems
        super().__init__(f"{source_id} refused:\n" + "\n".join(f"  {problem}" for problem in problems))


class NotPublished(OutcomesError):  # noqa: N818 - says what happened, which is what a reader of the log looks for
    """A gate after the sources failed, so the served file was left as it was."""
