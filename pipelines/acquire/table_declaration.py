"""What a source declares about one of its tables: where it is in which file, and what fills the landed columns.

The shape of an entry under ``tables`` belongs here, and what makes it contradict itself. What it has to agree on with
the rest of the declaration is checked in ``source_registry``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pipelines.acquire.landed_schema import MarkerMeaning
from pipelines.acquire.period_labels import YearType

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def plain_path(path: str) -> str:
    """Return a path with forward slashes that starts in a folder of the release, as it is.

    Raises:
        ValueError: It is absolute, has a drive, a backslash or a character that cannot be printed.
    """
    if PurePosixPath(path).is_absolute() or not path.isprintable() or any(sign in path for sign in "\\:"):
        raise ValueError("a file is named by its path inside the release, with forward slashes")
    return path


def path_inside(path: str) -> str:
    """Return a path, or pattern of paths, that cannot leave the release, as it is.

    Raises:
        ValueError: As :func:`plain_path` says, or it climbs.
    """
    if ".." in PurePosixPath(path).parts:
        raise ValueError("a file is named by its path inside the release, without ..")
    return plain_path(path)


InsidePath = Annotated[Text, AfterValidator(path_inside)]


class Declared(BaseModel):
    """Settings shared by every part of a declaration: an unknown key is an error, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def normal_label(text: str) -> str:
    """Return an indicator name with every run of whitespace, no-break spaces included, as one space."""
    return " ".join(text.split())


class Lookup(Declared):
    """What fills a landed column whose source gives another name for it.

    Attributes:
        column: Landed column that holds the publisher's text, or two of them. It may be the column that is filled: then
            the text is translated in place.
        values: What each text stands for, runs of whitespace counting as one space; with two columns, for each text of
            the first a mapping of the texts of the second, an empty cell being the empty text.
        patterns: What texts of one column stand for that match a regular expression as a whole; the first that matches
            counts, after ``values``. A text that neither knows makes the cell unreadable.
    """

    column: Text | tuple[Text, Text]
    values: dict[str, Text | dict[str, Text]] = {}
    patterns: dict[str, Text] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The landed columns that it reads."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def pairs(self) -> dict[tuple[str, ...], str]:
        """The texts of the columns, in order, to what they stand for."""
        return {
            key: text
            for first, found in self.values.items()
            for key, text in (
                [((first,), found)]
                if isinstance(found, str)
                else [((first, second), text) for second, text in found.items()]
            )
        }

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.values and not self.patterns:
            raise ValueError("values: name at least one text and what it stands for")
        if any(len(key) != len(self.columns) for key in self.pairs):
            raise ValueError("values: as many levels as there are columns")
        if self.patterns and len(self.columns) > 1:
            raise ValueError("patterns: only for one column")
        for pattern in self.patterns:
            _require_pattern("patterns", pattern)
        return self


def _require_pattern(where: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{where}: not a regular expression ({error})") from error


class Metadata(Declared):
    """A file beside the table that describes it.

    Attributes:
        file: Where it is, relative to the folder of the table and inside the release; comma-separated text with a
            header.
        listed_in: Its header under which a cell ends with the name of the table's file.
        columns: Its header to the landed column that it fills.
    """

    file: Annotated[Text, AfterValidator(plain_path)]
    listed_in: Text
    columns: Annotated[dict[str, Text], Field(min_length=1)]


class Parse(Declared):
    """Where in a file the table is, and what stands around it. Each step may be left out.

    Attributes:
        sheet: Exact name of the sheet; a workbook needs it and a text file cannot have it.
        below: Text with which the first filled cell of the record above the table starts.
        header_at: Text of the first filled cell of the header; without it the first record is the header.
        until: ``blank``, or the text with which the first filled cell of the record after the table starts; without it
            the table goes on to the end.
        drop_empty_columns: Whether columns without a name are left out; a filled cell in one refuses the file.
        header_notes: Regular expression of what is taken out of the headers before they are compared.
        preamble: Landed column to the label above the header, whose next filled cell fills the column.
        metadata: The file beside the table that describes it.
    """

    sheet: Text | None = None
    below: Text | None = None
    header_at: Text | None = None
    until: Text | None = None
    drop_empty_columns: bool = False
    header_notes: Text | None = None
    preamble: dict[str, Text] = {}
    metadata: Metadata | None = None

    @property
    def bounds(self) -> bool:
        """Whether the records have to be looked at one by one, because not all of the file is the table."""
        return bool(
            self.sheet
            or self.below
            or self.header_at
            or self.until
            or self.drop_empty_columns
            or self.header_notes
            or self.preamble
        )

    @property
    def fills(self) -> tuple[str, ...]:
        """The landed columns that texts around the table fill."""
        return (*self.preamble, *(self.metadata.columns.values() if self.metadata else ()))

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.header_notes is not None:
            _require_pattern("header_notes", self.header_notes)
        return self


class Table(Declared):
    """One table of the source: the files that match a pattern, in every release.

    Attributes:
        id: Name of the table, unique in the source.
        file: Glob for the path of the file inside the release, with forward slashes, or for its bare name. Where the
            globs of several tables fit, the one that spells out most of the name wins.
        reader: Name of the reader, where it differs from the source's.
        parse: Where in the file the table is.
        encoding: Text encoding, where it differs from the source's.
        markers: Texts that stand for "no value" and what each means, over and above the source's.
        columns: Publisher's header to landed column, over and above the source's ``columns``; null for a header of the
            source that this table does not have.
        composed: Landed column to a template of headers in braces, for what the publisher spreads over several columns
            (``{Financial year} Q{Financial quarter}``) or says in one column that also fills another.
        constants: Landed column to text, for what the file leaves to its title.
        optional_columns: Landed columns that a file may lack, over and above the source's.
        ignored_columns: Publisher's headers that are not landed.
        period_columns: For ``wide_table``, the pattern of its period headers, where it differs from the source's.
        indicator_column: For ``wide_table``, the header that names the indicator, where it differs from the source's.
        year_type: Meaning of labels such as 2014/15, where it differs from the source's.
        category_type_when_category: Text for ``category_type`` in the rows that have a category.
        thousands_separator: ``,`` if numbers may be written 237,354.
        percentages: Landed numbers that a spreadsheet shows as per cent and stores as a fraction of 1: they land times
            100. A number with a per cent sign lands as it is.
        lookups: Landed column to the names and codes that fill it.
    """

    id: Identifier
    file: InsidePath
    reader: Text | None = None
    parse: Parse = Parse()
    encoding: Text | None = None
    markers: dict[str, MarkerMeaning] = {}
    columns: dict[str, Text | None] = {}
    composed: dict[str, Text] = {}
    constants: dict[str, Text] = {}
    optional_columns: tuple[Text, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    period_columns: Text | None = None
    indicator_column: Text | None = None
    year_type: YearType | None = None
    category_type_when_category: Text | None = None
    thousands_separator: Literal[","] | None = None
    percentages: tuple[Text, ...] = ()
    lookups: dict[str, Lookup] = {}

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield the key of every place that names a landed column, and the name."""
        for header, name in self.columns.items():
            if name is not None:
                yield f"columns.{header}", name
        lists = {
            "optional_columns": self.optional_columns,
            "composed": self.composed,
            "constants": self.constants,
            "lookups": self.lookups,
            **{f"lookups.{name}": lookup.columns for name, lookup in self.lookups.items()},
            "parse.preamble": self.parse.preamble,
        }
        for key, names in lists.items():
            for name in names:
                yield f"{key}.{name}", name
        if self.parse.metadata:
            for header, name in self.parse.metadata.columns.items():
                yield f"parse.metadata.columns.{header}", name
