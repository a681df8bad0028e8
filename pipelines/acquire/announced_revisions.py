"""What a passport says of a revision that came with its release.

The shape of ``revision:`` in a passport, and reading it from all of them, belong here. The rest of the passport is in
``raw_snapshots``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.acquire.source_registry import read_yaml, validation_lines
from pipelines.acquire.table_declaration import Text
from pipelines.problems import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PASSPORT = "passport.yml"


class Revision(BaseModel):
    """A revision as the person who filed the release describes it.

    Attributes:
        kind: ``scheduled`` when the publisher had announced it, such as the yearly update of population estimates;
            ``unscheduled`` when it puts right an error.
        reason: Why figures differ from those published before, as the publisher says it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["scheduled", "unscheduled"]
    reason: Text


@dataclass(frozen=True, slots=True)
class Announced:
    """One announced revision.

    Attributes:
        source_id: The source.
        source_release: The raw release that it came with.
        kind: ``scheduled`` or ``unscheduled``.
        reason: Why.
    """

    source_id: str
    source_release: str
    kind: str
    reason: str


def read_announced(raw: Path) -> list[Announced]:
    """Read the announced revisions of every raw release.

    Args:
        raw: Folder of raw releases.

    Returns:
        One row for each passport with ``revision``, sorted by source and release.

    Raises:
        ConfigurationError: ``revision`` of a passport lacks its kind or reason.
    """
    found: list[Announced] = []
    for path in sorted(raw.glob(f"*/*/{_PASSPORT}")):
        if path.is_symlink() or not path.is_file():
            continue  # a link or a pipe: landing refuses it with the reason
        # Most passports have none, and YAML is slow to read.
        if "\nrevision:" not in f"\n{path.read_text(encoding='utf-8', errors='replace')}":
            continue
        content = cast("Mapping[str, object]", read_yaml(path))
        where = f"{path.parent.parent.name}/{path.parent.name}"
        try:
            revision = Revision.model_validate(content["revision"])
        except ValidationError as error:
            lines = "; ".join(f"revision.{line}" for line in validation_lines(error))
            raise ConfigurationError(f"{where}/{_PASSPORT}: {lines}") from error
        found.append(Announced(path.parent.parent.name, path.parent.name, revision.kind, revision.reason))
    return found
