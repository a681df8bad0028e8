"""Where things are, as one immutable value.

Paths and the few switches of a run belong here; reading data does not. The environment is read once, in
:meth:`Settings.from_environment`, never at import.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.problems import ConfigurationError

if TYPE_CHECKING:
    from datetime import date

PROJECT_VARIABLE = "OUTCOMES_PROJECT"
WAREHOUSE_VARIABLE = "OUTCOMES_WAREHOUSE"
_MEANT_BY_SQL = re.compile(r"[*?\[\]'\"`;\x00-\x1f]")
"""DuckDB takes a path with one of the first for a pattern of paths, and dbt puts paths between quotes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every folder and file that the pipeline touches.

    Attributes:
        project: Folder that holds ``dbt_project``, ``data``, ``expectations`` (the repository).
        warehouse: Folder for everything generated.
        raw: Bytes as received, ``<source>/<release>/``.
        seeds: Hand-kept tables: commitments, areas, statuses.
        sources: Source declarations, one YAML each.
        expectations: Gate suites.
        dbt_project: The dbt project.
        releases_kept: How many published releases stay on disk.
        beside: The warehouse that people are served from, where this one is built beside it to look back or to make a
            release again; ``None`` when this is the one.
    """

    project: Path
    warehouse: Path
    raw: Path = field(init=False)
    seeds: Path = field(init=False)
    sources: Path = field(init=False)
    expectations: Path = field(init=False)
    dbt_project: Path = field(init=False)
    releases_kept: int = 3
    beside: Path | None = None

    def __post_init__(self) -> None:
        """Derive the fixed folders from the two roots."""
        for name, path in (
            ("raw", self.project / "data" / "raw"),
            ("seeds", self.project / "data" / "seeds"),
            ("sources", self.project / "pipelines" / "acquire" / "sources"),
            ("expectations", self.project / "expectations"),
            ("dbt_project", self.project / "dbt_project"),
        ):
            object.__setattr__(self, name, path)

    @classmethod
    def from_environment(cls) -> Settings:
        """Read ``OUTCOMES_PROJECT`` and ``OUTCOMES_WAREHOUSE``, or use this checkout and its ``warehouse`` folder.

        Returns:
            Settings with absolute paths.

        Raises:
            ConfigurationError: The project folder has no ``dbt_project``.
        """
        project = Path(os.environ.get(PROJECT_VARIABLE) or Path(__file__).resolve().parent.parent).resolve()
        if not (project / "dbt_project").is_dir():
            raise ConfigurationError(
                f"{project} is not a checkout of this project (no dbt_project in it). "
                f"Run from a checkout, or set {PROJECT_VARIABLE} to one."
            )
        warehouse = Path(os.environ.get(WAREHOUSE_VARIABLE) or project / "warehouse").resolve()
        for path, variable in ((project, PROJECT_VARIABLE), (warehouse, WAREHOUSE_VARIABLE)):
            if found := _MEANT_BY_SQL.search(str(path)):
                raise ConfigurationError(
                    f"The folder {path} has {found[0]!r} in its name, which SQL reads as a pattern or an end. "
                    f"Name another folder in {variable}."
                )
        return cls(project=project, warehouse=warehouse)

    def speaking_for(self, day: date) -> Settings:
        """Return settings over the same inputs for a release that speaks for another day and that nobody is served.

        Args:
            day: The day, such as that of a board meeting.

        Returns:
            Settings whose warehouse is a folder of its own below this one, so that what is served stays as it is.
        """
        return Settings(
            self.project, self.warehouse / "as_at" / day.isoformat(), releases_kept=1, beside=self.warehouse
        )

    @property
    def keeps_history(self) -> bool:
        """Whether releases are archived and compared with the one before: where people are served from."""
        return self.beside is None

    @property
    def landed(self) -> Path:
        """Parquet as parsed, one file a source, not yet gated."""
        return self.warehouse / "landed"

    @property
    def accepted(self) -> Path:
        """Parquet that passed its gate, one file a source: the last good data."""
        return self.warehouse / "accepted"

    @property
    def quarantine(self) -> Path:
        """Rows that a gate set aside, one Parquet a source."""
        return self.warehouse / "quarantine"

    @property
    def check_log(self) -> Path:
        """What every check said and what became of every load."""
        return self.warehouse / "check_log"

    @property
    def published_checks(self) -> Path:
        """What the gates over the marts said, until it is published."""
        return self.check_log / "published"

    @property
    def registry(self) -> Path:
        """Source declarations as Parquet, for the model stage."""
        return self.warehouse / "registry"

    @property
    def build_file(self) -> Path:
        """The DuckDB file under construction; no reader opens it."""
        return self.warehouse / "build" / "outcomes_build.duckdb"

    @property
    def releases(self) -> Path:
        """Published releases, newest name last."""
        return self.warehouse / "releases"

    @property
    def served_file(self) -> Path:
        """The one path that BI tools open, read-only."""
        return self.warehouse / "outcomes.duckdb"

    @property
    def exports(self) -> Path:
        """Tables of each kept release as Parquet and CSV, ``<release_id>/``: as confidential as the served file."""
        return self.warehouse / "exports"

    @property
    def public(self) -> Path:
        """Public edition of each kept release, ``<release_id>/``: file, tables, workbook, report. Safe to hand on."""
        return self.warehouse / "public"

    @property
    def dagster_home(self) -> Path:
        """Run history and schedules of Dagster."""
        return self.warehouse / "dagster"

    @property
    def live(self) -> Path:
        """Answers of a live fetch that is under way or was interrupted."""
        return self.warehouse / "live"

    @property
    def logs(self) -> Path:
        """What dbt and Dagster write while they run."""
        return self.warehouse / "logs"

    @property
    def history(self) -> Path:
        """Archive of every release: its manifest, and every input and snapshot by the hash of its bytes."""
        return self.warehouse / "history"

    @property
    def previous(self) -> Path:
        """What the model and the gates are told of the release that is served now, as Parquet."""
        return self.warehouse / "previous"

    @property
    def ledger(self) -> Path:
        """SQLite file with what happened between releases: polls, alerts."""
        return (self.beside or self.warehouse) / "ledger.sqlite"

    @property
    def runs(self) -> Path:
        """One page a run that a person can read offline, and the checks of the run as a table."""
        return self.warehouse / "runs"

    @property
    def run_inputs_file(self) -> Path:
        """What the run under way works on."""
        return self.warehouse / "run_inputs.json"

    @property
    def state_file(self) -> Path:
        """Fingerprint of the inputs of the last complete run."""
        return self.warehouse / "state.json"
