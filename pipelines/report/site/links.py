"""Where every page of the report lies, below its folder.

Names of files belong here; a name never leaves the folder, whatever the id that it is made from. What is on the pages
does not belong here.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

INDEX: Final = "index.html"
ALL_COMMITMENTS: Final = "commitments.html"
ALL_PLACES: Final = "places.html"
INDICATORS: Final = "indicators.html"
QUALITY: Final = "quality.html"
NOTES: Final = "release-notes.html"
METHODS: Final = "methods.html"
DOWNLOADS: Final = "downloads.html"
HOW_TO_READ: Final = "how-to-read.html"
ACCESSIBILITY: Final = "accessibility.html"

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
"""Names that Windows keeps for devices."""


def file_name(name: str) -> str:
    """Return a name under which a page can lie on every system.

    Args:
        name: An id of the file; anything.

    Returns:
        The id itself where it is made of plain letters, digits, ``-`` and ``_``; else what is plain of it, and the
        start of its hash, so that two ids never share a page.
    """
    if _PLAIN.fullmatch(name) and name.casefold() not in _RESERVED:
        return name
    kept = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:60]
    return f"{kept or 'page'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def commitment(commitment_id: str) -> str:
    """Return where the page of a commitment lies."""
    return f"commitments/{file_name(commitment_id)}.html"


def framework(framework_id: str) -> str:
    """Return where the page of a framework lies."""
    return f"frameworks/{file_name(framework_id)}.html"


def place(area_code: str) -> str:
    """Return where the page of a place lies."""
    return f"places/{file_name(area_code)}.html"


def indicator(indicator_id: str) -> str:
    """Return where the page of an indicator lies."""
    return f"indicators/{file_name(indicator_id)}.html"


def guide(recipe: str) -> str:
    """Return where the page of a recipe lies."""
    return f"guides/{file_name(recipe)}.html"


def root_of(page: str) -> str:
    """Return the way from a page to the folder of the report.

    Args:
        page: Where the page lies.

    Returns:
        Empty, or one ``../`` for each folder.
    """
    return "../" * page.count("/")
