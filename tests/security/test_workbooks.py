"""Workbooks made to harm: archives that unpack to gigabytes, tables of billions of cells, XML that asks for files.

Each is made here and read as a load reads it, in a process of its own with little memory and time: refused with the
reason, or read as what it says.
"""

from __future__ import annotations

import io
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.acquire.readers import workbook_archive
from pipelines.acquire.readers.workbook_archive import MAX_BYTES, MAX_CELLS, MAX_PARTS, MAX_RATIO, unsafe_archive
from pipelines.acquire.readers.workbook_sheet import read_sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
PROJECT = Path(__file__).resolve().parents[2]
MEMORY = 1 << 30
SECONDS = 20
# The whole of a load's way to the cells, in a process that may use a gigabyte beyond the interpreter.
READ = """
import sys
from pathlib import Path
from pipelines.acquire.readers.table_bounds import TableNotThere
from pipelines.acquire.readers.workbook_sheet import read_sheet

try:
    records = read_sheet(Path(sys.argv[1]), "Data", "file")
except TableNotThere as refused:
    print("refused", *refused.problems)
else:
    print("read", len(records), *records[0].cells)
"""

ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE x [<!ENTITY e0 "lol">{ENTITIES}]>'
"""Nine levels of ten: a billion laughs in a few hundred bytes."""


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(name, content)
    return buffer.getvalue()


def xlsx(rows: str, *, before: str = "", after: str = "", more: Mapping[str, str | bytes] | None = None) -> bytes:
    """Make the least workbook with one sheet, ``Data``."""
    return archive(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
            '<sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'{before}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after}'
            "</worksheet>",
            **(more or {}),
        }
    )


def ods(rows: str, *, before: str = "") -> bytes:
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": "<m:manifest xmlns:m='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'/>",
            "content.xml": f'<?xml version="1.0" encoding="UTF-8"?>{before}<office:document-content'
            ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
            ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
            ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
            f'<table:table table:name="Data">{rows}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        }
    )


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def ods_row(text: str, row: str = "", column: str = "") -> str:
    return (
        f"<table:table-row{row}><table:table-cell{column} office:value-type='string'><text:p>{text}</text:p>"
        "</table:table-cell></table:table-row>"
    )


FIRST = f'<row r="1">{cell("A1", "area")}</row>'


def repeated_row(number: int) -> str:
    return f" table:number-rows-repeated='{number}'"


def repeated_column(number: int) -> str:
    return f" table:number-columns-repeated='{number}'"


def said_of(content: bytes, folder: Path) -> str:
    """Read a workbook in a process of its own, and return what it said; it has to end by itself, within its limits."""
    path = folder / "file"
    path.write_bytes(content)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        cwd=PROJECT,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=6 * SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-500:]}"
    return done.stdout.strip()


@pytest.mark.parametrize("content", [xlsx(FIRST), ods(ods_row("area"))], ids=["xlsx", "ods"])
def test_a_workbook_without_harm_is_read(content: bytes, tmp_path: Path) -> None:
    assert said_of(content, tmp_path) == "read 1 area"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            xlsx(FIRST, more={"xl/media/a.bin": b"\0" * (MAX_BYTES + 1)}), "bytes are allowed|are allowed", id="total"
        ),
        pytest.param(
            xlsx(f'<row r="1">{cell("A1", "A" * 40_000_000)}</row>'), f"{MAX_RATIO} times are allowed", id="ratio"
        ),
        pytest.param(
            xlsx(FIRST, more={f"xl/p{number}": "" for number in range(MAX_PARTS + 1)}), "an archive of", id="many"
        ),
        pytest.param(
            xlsx(FIRST + f'<row r="1048576">{cell("XFD1048576", "x")}</row>'), "1,048,576 rows", id="far corner"
        ),
        pytest.param(
            xlsx(FIRST + f'<row r="99999999">{cell("ZZZZZ99999999", "x")}</row>'), "99,999,999 rows", id="no such place"
        ),
        pytest.param(
            xlsx(FIRST + '<row r="1048576">' + "<c><v>1</v></c>" * 20 + "</row>"), "20 columns", id="place left out"
        ),
        pytest.param(ods(ods_row("x", repeated_row(1_048_576), repeated_column(16_384))), "16,384 columns", id="ods"),
        pytest.param(ods(ods_row("x", "", repeated_column(2**64 - 1))), "columns", id="ods column"),
        pytest.param(
            ods(ods_row("x") + ods_row("y", repeated_row(1_000_000), repeated_column(100))), "1,000,001", id="ods rows"
        ),
    ],
)
def test_what_would_fill_the_memory_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    assert len(content) < 2_000_000
    said = said_of(content, tmp_path)
    assert said.startswith("refused file: [unsafe_workbook] The workbook was not opened: ")
    assert any(part in said for part in reason.split("|"))


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
@pytest.mark.parametrize(
    ("before", "text"),
    [
        pytest.param(LAUGHS, "&e9;", id="entities that multiply"),
        pytest.param('<!DOCTYPE x [<!ENTITY e SYSTEM "{file}">]>', "&e;", id="entity of a file"),
        pytest.param('<!DOCTYPE x SYSTEM "{file}">', "&missing;", id="declarations of a file"),
    ],
)
def test_xml_expands_nothing_and_reads_no_file(kind: str, before: str, text: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("do not show this", encoding="utf-8")
    before = before.replace("{file}", secret.as_uri())
    content = (
        xlsx(f'<row r="1">{cell("A1", text)}</row>', before=before)
        if kind == "xlsx"
        else ods(ods_row(text), before=before)
    )
    said = said_of(content, tmp_path)
    assert said.startswith("refused file: [unreadable_workbook]")
    assert "do not show this" not in said
    assert "lollol" not in said


def test_a_list_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    """The list says 100 bytes; unpacked are 50 million, which a parser finds out when it has them."""
    content = bytearray(xlsx(f'<row r="1">{cell("A1", "A" * 50_000_000)}</row>'))
    listed = bytes(content).rfind(b"xl/worksheets/sheet1.xml")
    size_at = listed - 46 + 24
    assert struct.unpack_from("<I", content, size_at)[0] > 50_000_000
    struct.pack_into("<I", content, size_at, 100)
    said = said_of(bytes(content), tmp_path)
    assert "[unsafe_workbook]" in said
    assert "does not have the size that its list gives" in said


def test_two_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        buffer = io.BytesIO(xlsx(FIRST))
        with zipfile.ZipFile(buffer, "a") as opened:
            opened.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    assert "two files of one name" in said_of(buffer.getvalue(), tmp_path)


def test_names_that_climb_write_nothing(tmp_path: Path) -> None:
    """Nothing is unpacked to the disk, whatever the parts are called."""
    folder = tmp_path / "inside"
    folder.mkdir()
    content = xlsx(FIRST, more={"../../climbed.txt": "x", "/climbed.txt": "x", "C:\\climbed.txt": "x"})
    assert said_of(content, folder) == "read 1 area"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "inside"]


def test_a_password_is_named(tmp_path: Path) -> None:
    content = bytearray(xlsx(FIRST))
    listed = bytes(content).rfind(b"xl/worksheets/sheet1.xml") - 46
    struct.pack_into("<H", content, listed + 8, 1)
    assert "it needs a password" in said_of(bytes(content), tmp_path)


def test_an_office_password_is_named(tmp_path: Path) -> None:
    """A workbook with a password is an older kind of container, not a zip."""
    said = said_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096, tmp_path)
    assert said.startswith("refused file: [unreadable_workbook]")


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_workbook_cut_off_anywhere_is_refused(kind: str, tmp_path: Path) -> None:
    content = xlsx(FIRST) if kind == "xlsx" else ods(ods_row("area"))
    path = tmp_path / "file"
    for length in range(4, len(content), 23):
        path.write_bytes(content[:length])
        problem = unsafe_archive(path, "file")
        assert problem is not None, length
        assert problem.rule == "unreadable_workbook"


def test_a_binary_workbook_is_refused(tmp_path: Path) -> None:
    assert "binary workbook" in said_of(archive({"xl/workbook.bin": b"\0"}), tmp_path)


def test_coloured_cells_to_the_last_row_do_no_harm(tmp_path: Path) -> None:
    """What spreadsheets really write: formats on whole columns and rows, without a value in them."""
    styled = '<row r="1048576" s="1"><c r="A1048576" s="1"/><c r="XFD1048576" s="1"></c></row>'
    assert said_of(xlsx(FIRST + styled), tmp_path) == "read 1 area"
    blank = f"<table:table-row{repeated_row(1_048_575)}><table:table-cell{repeated_column(16_384)}/></table:table-row>"
    assert said_of(ods(ods_row("area") + blank), tmp_path) == "read 1 area"


def test_cells_merged_where_there_are_none_do_no_harm(tmp_path: Path) -> None:
    merged = '<mergeCells count="2"><mergeCell ref="D1:E2"/><mergeCell ref="A9:B12"/></mergeCells>'
    path = tmp_path / "file"
    path.write_bytes(xlsx(FIRST + f'<row r="2">{cell("A2", "x")}</row>', after=merged))
    assert [record.cells for record in read_sheet(path, "Data", "file")] == [("area",), ("x",)]


def test_a_sheet_of_the_most_cells_passes_and_one_more_row_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_CELLS > 100 * 10_000  # a hundred columns of ten thousand rows are no harm
    monkeypatch.setattr(workbook_archive, "MAX_CELLS", 6)
    path = tmp_path / "file"
    rows = "".join(f'<row r="{row}">{cell(f"B{row}", "x")}</row>' for row in (1, 2, 3))
    path.write_bytes(xlsx(rows))
    assert unsafe_archive(path, "file") is None
    path.write_bytes(xlsx(rows + f'<row r="4">{cell("A4", "x")}</row>'))
    assert unsafe_archive(path, "file") is not None
