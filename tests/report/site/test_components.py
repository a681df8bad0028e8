"""Tables and lists are the library's own, names of files are safe, and Markdown is only text."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from pipelines.report.site import links
from pipelines.report.site.components import Column, Components, LibraryChanged, Table, _Mould, status_rules
from pipelines.report.site.prose_pages import read_prose, size_in_words
from pipelines.report.site.release_rows import StatusRow

STATUSES = {
    "off_track": StatusRow("off_track", "overall", "Off track", "▼", "#d4351c", 1, None),
    "unknown": StatusRow("unknown", "milestone", "No record", "?", "#505a5f", 0, None),
    "odd": StatusRow("odd", "overall", "Odd", "x", "red;} body{display:none", 1, None),
}
COLUMNS = (Column("Place"), Column("Figure", is_numeric=True))
ROWS = (("A & B", Markup("<b>1</b>")), ("<i>", "2"), ("", ""))


def words_of(markup: str) -> str:
    """Return mark-up without the space between its tags, which nobody sees."""
    return re.sub(r"\s*([<>])\s*", r"\1", " ".join(markup.split()))


@pytest.mark.parametrize("layout", ["stacked", "scrolled"])
def test_a_table_is_what_the_library_makes_of_it(layout: str) -> None:
    """The rows are cast from one row of the library; all of them have to look as if it had made each."""
    components = Components(STATUSES)
    made = components.table(Table("What & where", COLUMNS, ROWS, layout), "t")  # pyright: ignore[reportArgumentType]
    own = components._macros["table"](
        {
            "id": "t",
            "caption": {"text": "What & where", "id": "t-caption", "size": "s"},
            "head": [{"text": "Place"}, {"text": "Figure", "format": "numeric"}],
            # A cell of the library that is empty has no element for what is in it; ours has an empty one.
            "rows": [
                [{"html": cell if isinstance(cell, Markup) else Markup.escape(cell)} for cell in row]
                for row in ROWS[:2]
            ],
            "firstCellIsHeader": True,
            "responsive": layout == "stacked",
            "compact": True,
            "classes": "app-table",
        }
    )
    two = components.table(Table("What & where", COLUMNS, ROWS[:2], layout), "t")  # pyright: ignore[reportArgumentType]
    assert words_of(own) in words_of(two)
    assert ('tabindex="0"' in made) == (layout == "scrolled")
    assert "A &amp; B" in made
    assert "<i>" not in made
    assert made.count("<tr") == 4


def test_a_library_that_changed_is_noticed() -> None:
    with pytest.raises(LibraryChanged):
        _Mould.of(Markup("<table></table>"), "tr", 2)
    with pytest.raises(LibraryChanged, match="other cells"):
        _Mould.of(Markup("<tr>\ue0000\ue001 \ue0000\ue001 \ue0001\ue001</tr>"), "tr", 2)


def test_a_status_is_a_symbol_and_a_word() -> None:
    components = Components(STATUSES)
    tag = components.status("off_track")
    assert '<span aria-hidden="true">▼</span> Off track' in tag
    assert "app-status--quiet" not in tag
    assert "app-status--quiet" in components.status("unknown")
    assert "&lt;b&gt;" in components.status("<b>")
    rules = status_rules(STATUSES)
    assert ".app-status--off_track { --app-status: #d4351c; }" in rules
    assert "display" not in rules


def test_facts_leave_out_what_is_absent() -> None:
    made = Components(STATUSES).facts([("Target", "5% & less"), ("Owner", None), ("Note", "")])
    assert "5% &amp; less" in made
    assert "Owner" not in made
    assert made.count("<dt") == 1


@pytest.mark.parametrize("name", ["../../x", "a/b", "CON", "", "x" * 300, "ümlaut", ".hidden", "a\x00b"])
def test_a_name_never_leaves_its_folder(name: str) -> None:
    made = links.file_name(name)
    assert links._PLAIN.fullmatch(made)
    assert made.casefold() not in links._RESERVED
    assert made != links.file_name(name + "y")


def test_plain_names_are_kept() -> None:
    assert links.file_name("E08000009") == "E08000009"
    assert links.commitment("traf-hwbs-hle") == "commitments/traf-hwbs-hle.html"
    assert links.root_of("commitments/a.html") == "../"
    assert links.root_of("index.html") == ""


def test_markdown_becomes_the_librarys_mark_up_and_no_other() -> None:
    prose = read_prose(
        "# Title\n\n## One `two`\n\n<script>x</script> [in](#one-two) [out](https://a.uk/) [file](../x.csv) "
        "[next](excel.md#a) [bad](javascript:x) ![picture](https://a.uk/x.png)\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
        "## One `two`\n",
        ["excel"],
    )
    assert prose.title == "Title"
    assert prose.contents == (("One two", "one-two", 2), ("One two", "one-two-1", 2))
    assert "<script" not in prose.body
    assert "<img" not in prose.body
    assert 'href="#one-two"' in prose.body
    assert 'href="excel.html#a"' in prose.body
    assert "x.csv" not in prose.body
    assert "javascript:" not in prose.body.replace("[bad](javascript:x)", "")
    assert 'aria-label="Table 1: One two"' in prose.body
    assert 'tabindex="0"' in prose.body
    assert "style=" not in prose.body
    assert 'scope="col"' in prose.body


@pytest.mark.parametrize(("size", "said"), [(12, "12 bytes"), (45_300, "45 kB"), (10_400_000, "10.4 MB")])
def test_sizes_are_read_by_people(size: int, said: str) -> None:
    assert size_in_words(size) == said
