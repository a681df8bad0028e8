"""What would become of a file that nobody has filed yet.

Landing and gating a single file beside the warehouse belongs here; nothing of it is kept, and nothing is published.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import loose_release
from pipelines.acquire.source_registry import load_sources, write_registry
from pipelines.check.expectation_suites import load_suite
from pipelines.check.file_summary import FileSummary, summarise
from pipelines.check.load_gate import LoadOutcome, check_load
from pipelines.problems import ConfigurationError, SourceRefused

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What would become of a file.

    Attributes:
        outcome: What the gate says; a file that cannot be read has the one result ``readable``.
        summary: What is in it and what of that is new; ``None`` for a file that cannot be read.
        not_asked: Rules that only a whole load can answer.
    """

    outcome: LoadOutcome
    summary: FileSummary | None
    not_asked: tuple[str, ...]


def check_file(file: Path, source_id: str, settings: Settings, now: datetime) -> FileCheck:
    """Land and gate one file as if it were the whole load of a source, without touching the warehouse.

    Rules that look back compare with the accepted data of the source, if there are any. The rules run on DuckDB alone,
    which answers in two or three seconds; tests hold it to the answers of Great Expectations, which runs the gate of a
    refresh and takes five seconds to import.

    Args:
        file: The file, anywhere. Its name has to fit a table of the declaration.
        source_id: The source it claims to be from.
        settings: Folders.
        now: Time of the check; must carry a zone.

    Returns:
        What is in the file and what every rule says.

    Raises:
        ConfigurationError: There is no such source, or no such file.
    """
    sources = load_sources(settings.sources)
    if source_id not in sources:
        raise ConfigurationError(f"There is no source {source_id!r}. Declared are: {', '.join(sources)}.")
    if not file.is_file():
        raise ConfigurationError(f"There is no file {file}.")
    source = sources[source_id]
    with tempfile.TemporaryDirectory(prefix="outcomes_check_") as folder:
        aside = replace(settings, warehouse=Path(folder))
        write_registry(sources, aside.registry)
        accepted = aside.accepted / f"{source_id}.parquet"
        served = settings.accepted / accepted.name
        if served.is_file():
            accepted.parent.mkdir(parents=True)
            shutil.copyfile(served, accepted)
        landed = aside.landed / f"{source_id}.parquet"
        try:
            land(source, [loose_release(source_id, file)], aside.landed, every_table=False)
        except SourceRefused as refused:
            return FileCheck(check_load(source, None, refused.problems, aside, now, engine="duckdb"), None, ())
        with ThreadPoolExecutor(max_workers=1) as beside:
            summary = beside.submit(summarise, landed, served)
            outcome = check_load(source, landed, (), aside, now, engine="duckdb", whole_load=False)
    suite = load_suite(settings.expectations / "landed" / f"{source_id}.json")
    return FileCheck(outcome, summary.result(), tuple(one.check_id for one in suite.expectations if one.of_whole_load))
