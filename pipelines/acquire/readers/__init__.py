"""Readers by name: a declaration says ``reader: tidy_table`` and this is where the name is looked up.

A new file format adds one module beside these and one line here. What a source's columns are called is no reader's
business: that stands in its declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.acquire.readers import fingertips_csv, pholio_csv, tidy_table, wide_table
from pipelines.acquire.readers.table_file import Reader

READERS: Final[Mapping[str, Reader]] = {
    "fingertips_csv": fingertips_csv.read,
    "pholio_csv": pholio_csv.read,
    "tidy_table": tidy_table.read,
    "wide_table": wide_table.read,
}

READER_VERSION: Final = "2"
"""Part of what identifies a load: raise it when any reader lands the same bytes differently."""
