"""Which tables and views a view reads, from the text of its definition.

What is done with that belongs to the callers: a column of a view takes over what is known of the column behind it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.publish.catalogue import Relation


def read_by(relation: Relation, by_name: Mapping[str, Relation]) -> list[str]:
    """List the relations whose names occur in a view's definition.

    Args:
        relation: A table or view; a table reads nothing.
        by_name: All tables and views.

    Returns:
        Names, the first mentioned first, each before what it reads itself.
    """
    if relation.kind != "VIEW":
        return []
    found: list[str] = []
    for name in re.findall(r"\w+", relation.sql):
        if name in by_name and name != relation.name and name not in found:
            found.append(name)
            found += [inner for inner in read_by(by_name[name], by_name) if inner not in found]
    return found
