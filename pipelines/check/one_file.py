"""What would become of a file that nobody has filed yet.

Landing and gating a single file beside the warehouse belongs here; nothing of it is kept, and nothing is published.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import loose_release
from pipelines.acquire.source_registry import load_sources, write_registry
from pipelines.check.load_gate import LoadOutcome, check_load
from pipelines.problems import ConfigurationError, SourceRefused

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.settings import Settings


def check_file(file: Path, source_id: str, settings: Settings, now: datetime) -> LoadOutcome:
    """Land and gate one file as if it were the whole load of a source, without touching the warehouse.

    Rules that look back compare with the accepted data of the source, if there are any.

    Args:
        file: The file, anywhere. Its name has to fit a table of the declaration.
        source_id: The source it claims to be from.
        settings: Folders.
        now: Time of the check; must carry a zone.

    Returns:
        The outcome, with the result of every rule. A file that cannot be read gives the result ``readable``.

    Raises:
        ConfigurationError: There is no such source.
    """
    sources = load_sources(settings.sources)
    if source_id not in sources:
        raise ConfigurationError(f"There is no source {source_id!r}. Declared are: {', '.join(sources)}.")
    source = sources[source_id]
    with tempfile.TemporaryDirectory(prefix="outcomes_check_") as folder:
        aside = replace(settings, warehouse=Path(folder))
        write_registry(sources, aside.registry)
        accepted = settings.accepted / f"{source_id}.parquet"
        if accepted.is_file():
            aside.accepted.mkdir(parents=True)
            shutil.copyfile(accepted, aside.accepted / accepted.name)
        try:
            land(source, [loose_release(source_id, file)], aside.landed, every_table=False)
        except SourceRefused as refused:
            return check_load(source, None, refused.problems, aside, now)
        return check_load(source, aside.landed / f"{source_id}.parquet", (), aside, now)
