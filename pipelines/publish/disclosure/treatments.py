"""The decision for every column, read from ``columns.yml`` and held against a release.

Reading the list and refusing what it does not know belong here. What a flag means is in ``blanking``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from pipelines.acquire.source_registry import read_yaml
from pipelines.problems import ConfigurationError, NotPublished

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelines.publish.catalogue import Column

COLUMNS_FILE: Final = Path(__file__).with_name("columns.yml")
ALWAYS: Final = "always"
ROUNDING: Final = "rounding"
_WORDS: Final = frozenset({"keep", ALWAYS, "drop", "fixed", ROUNDING})


@dataclass(frozen=True, slots=True)
class Fixed:
    """Another content for a column.

    Attributes:
        flags: When one of these is set; ``always`` is set in every row.
        content: What the column holds then.
        is_status: Whether the content is the code of a status whose key the column holds.
    """

    flags: tuple[str, ...]
    content: str | int
    is_status: bool = False


@dataclass(frozen=True, slots=True)
class TableTreatment:
    """The decisions for one table.

    Attributes:
        keep: Columns that stay.
        blank: Column to the flags that empty it; ``always`` is set in every row.
        rounding: Columns that are emptied in withheld cells and rounded where the policy rounds.
        fixed: Column to its other content.
        drop: Flags that leave the row out.
    """

    keep: frozenset[str]
    blank: Mapping[str, tuple[str, ...]]
    rounding: frozenset[str]
    fixed: Mapping[str, Fixed]
    drop: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        """Every column with a decision."""
        return self.keep | self.blank.keys() | self.rounding | self.fixed.keys()

    @property
    def flags(self) -> frozenset[str]:
        """Every flag that is used."""
        used = {flag for flags in self.blank.values() for flag in flags} | set(self.drop)
        used |= {flag for fixed in self.fixed.values() for flag in fixed.flags}
        return frozenset(used - {ALWAYS})


@dataclass(frozen=True, slots=True)
class Treatments:
    """The whole list.

    Attributes:
        tables: Table to its decisions.
        patterns: Patterns of names that stay in any table.
    """

    tables: Mapping[str, TableTreatment]
    patterns: tuple[str, ...]

    def require_all(self, columns: Iterable[Column], tables: Iterable[str]) -> None:
        """Refuse a release with a column for which nobody has decided.

        Args:
            columns: Columns of the release, of views too.
            tables: Its tables.

        Raises:
            NotPublished: The message names each column and says where to add it.
        """
        unknown: list[str] = []
        mine = set(tables)
        for column in columns:
            if column.relation not in mine:
                continue  # a view shows what its tables hold
            table = self.tables.get(column.relation)
            if table is not None and column.name in table.columns:
                continue
            if any(fnmatchcase(column.name, pattern) for pattern in self.patterns):
                continue
            unknown.append(f"{column.relation}.{column.name}")
        if unknown:
            raise NotPublished(
                "Nobody has decided whether the public edition may show these columns. Add each under its table in "
                f"pipelines/publish/disclosure/{COLUMNS_FILE.name}: to `keep` when it says nothing about the size of a "
                "figure, otherwise beside `value`:\n  " + "\n  ".join(unknown)
            )


def read_treatments(file: Path = COLUMNS_FILE) -> Treatments:
    """Read the list.

    Args:
        file: ``columns.yml``.

    Returns:
        The decisions.

    Raises:
        ConfigurationError: A column has two decisions, or the file is not such a list.
    """
    content = read_yaml(file)
    try:
        given = cast("dict[str, Any]", content)
        tables = {str(name): _table(str(name), cast("dict[str, Any]", one)) for name, one in given["tables"].items()}
        patterns = tuple(str(pattern) for pattern in given["patterns"]["keep"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file.name} is not a list of columns: {error!r}") from error
    return Treatments(tables, patterns)


def _table(name: str, given: dict[str, Any]) -> TableTreatment:
    """Read one table.

    Raises:
        ConfigurationError: A column has two decisions.
    """
    keep, rounding, drop = (cast("list[str]", given.get(word) or []) for word in ("keep", ROUNDING, "drop"))
    contents = cast("dict[str, dict[str, Any]]", given.get("fixed") or {})
    fixed = {
        column: Fixed(tuple(one["when"]), cast("str | int", one.get("to_status", one.get("to"))), "to_status" in one)
        for column, one in contents.items()
    }
    blank: dict[str, tuple[str, ...]] = {}
    listed = [*keep, *rounding, *fixed]
    for flags, columns in given.items():
        if flags not in _WORDS or flags == ALWAYS:
            for column in columns:
                # A column may be listed under several flags: each of them empties it.
                blank[str(column)] = (*blank.get(str(column), ()), *str(flags).split())
    twice = [column for column, times in Counter([*listed, *blank]).items() if times > 1]
    if twice:
        raise ConfigurationError(f"{COLUMNS_FILE.name}: {name}: {', '.join(twice)}: two decisions for one column")
    return TableTreatment(frozenset(keep), blank, frozenset(rounding), fixed, tuple(drop))
