"""Releases and declarations built in a temporary folder."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pytest
import yaml

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import RawRelease, find_releases
from pipelines.acquire.source_registry import Source, load_source
from pipelines.problems import Problem, SourceRefused

SOURCES = Path(__file__).resolve().parents[3] / "pipelines" / "acquire" / "sources"

MakeRelease = Callable[..., RawRelease]
MakeSource = Callable[..., Source]
Landed = Callable[..., pl.DataFrame]
Refused = Callable[..., tuple[Problem, ...]]
Sheets = Mapping[str, Sequence[Sequence[object]]]


def _declaration() -> dict[str, Any]:
    return {
        "id": "example",
        "title": "Example",
        "publisher": "A council",
        "licence": "Open Government Licence v3.0",
        "owner": "Analyst",
        "homepage": None,
        "provides": "indicator_values",
        "reader": "tidy_table",
        "release_calendar": {"cadence": "annual", "stale_after_days": 400, "next_release": "2026-09-24"},
        "disclosure": {
            "method": "threshold",
            "min_count": 8,
            "round_to": None,
            "zero_is_safe": True,
            "secondary": True,
            "levels": "all",
            "population_indicators": [],
            "owner": "Public health intelligence lead",
            "review_date": "2027-11-30",
            "reason": "Invented for a test.",
        },
        "markers": {"NA": "missing"},
        "year_type": "financial",
        "columns": {"area_code": "area_code", "period": "period_label", "value": "value", "count": "count"},
        "tables": [{"id": "values", "file": "*.csv", "constants": {"indicator_id": "example.one"}}],
        "indicators": [
            {
                "id": "example.one",
                "name": "One",
                "value_type": "proportion",
                "unit": "%",
                "multiplier": 100,
                "polarity": "low_is_good",
                "minimum": 0,
                "maximum": 100,
                "decimals": 1,
                "ci_method": None,
                "aggregation": "not_additive",
                "definition": "One.",
            }
        ],
    }


@pytest.fixture
def declaration() -> dict[str, Any]:
    """A complete declaration, to be spoiled."""
    return _declaration()


@pytest.fixture
def real_source() -> Callable[[str], Source]:
    """The declarations of this project by id."""
    return lambda source_id: load_source(SOURCES / f"{source_id}.yml")


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """A declaration with some keys changed."""

    def make(**changes: Any) -> Source:
        path = tmp_path / "example.yml"
        path.write_text(yaml.safe_dump({**_declaration(), **changes}), encoding="utf-8")
        return load_source(path)

    return make


@pytest.fixture
def make_release(tmp_path: Path) -> MakeRelease:
    """A release with its passport; ``spoil`` may change the passport before it is written."""

    def make(
        files: Mapping[str, str | bytes],
        *,
        source_id: str = "example",
        release_id: str = "2024-10",
        spoil: Callable[[dict[str, Any]], object] | None = None,
    ) -> RawRelease:
        folder = tmp_path / "raw" / source_id / release_id
        folder.mkdir(parents=True)
        listed: list[dict[str, Any]] = []
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            listed.append({"file": name, "bytes": len(data), "sha256": digest, "encoding": "utf-8", "rows": 1})
        passport = {
            "publisher": "A council",
            "title": "Example",
            "licence": "Open Government Licence v3.0",
            "licence_url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
            "source_url": None,
            "retrieved": "2024-10-01",
            "retrieved_precision": "month",
            "period_covered": "2022/23",
            "selection": "All rows.",
            "files": listed,
        }
        if spoil is not None:
            spoil(passport)
        (folder / "passport.yml").write_text(yaml.safe_dump(passport), encoding="utf-8")
        return next(one for one in find_releases(tmp_path / "raw", source_id) if one.release_id == release_id)

    return make


@pytest.fixture
def landed(tmp_path: Path, make_release: MakeRelease) -> Landed:
    """Land one file of a source and return the rows."""

    def run(source: Source, content: str | bytes, name: str = "values.csv") -> pl.DataFrame:
        release = make_release({name: content}, source_id=source.id)
        land(source, [release], tmp_path / "landed", every_table=False)
        return pl.read_parquet(tmp_path / "landed" / f"{source.id}.parquet")

    return run


@pytest.fixture
def refused(landed: Landed, tmp_path: Path) -> Refused:
    """Land one file that must be refused, leaving nothing behind, and return the problems."""

    def run(source: Source, content: str | bytes, name: str = "values.csv") -> tuple[Problem, ...]:
        with pytest.raises(SourceRefused) as refusal:
            landed(source, content, name)
        assert refusal.value.source_id == source.id
        left = list((tmp_path / "landed").iterdir()) if (tmp_path / "landed").exists() else []
        assert left == []
        return refusal.value.problems

    return run


_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">'
    "<office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"
)
_SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData>{}</worksheet>'
_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _ods_cell(cell: object) -> str:
    match cell:
        case None:
            return "<table:table-cell/>"
        case date():
            return f'<table:table-cell office:value-type="date" office:date-value="{cell.isoformat()}"/>'
        case int() | float():
            return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
        case _:
            return (
                f'<table:table-cell office:value-type="string"><text:p>{escape(str(cell))}</text:p></table:table-cell>'
            )


def _xlsx_cell(cell: object, row: int, column: int) -> str:
    place = f"{chr(ord('A') + column)}{row}"
    if cell is None:
        return ""
    if isinstance(cell, int | float):
        return f'<c r="{place}"><v>{cell}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(cell))}</t></is></c>'


def _archive(parts: Mapping[str, str]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            # A fixed date, so that the same sheets always make the same bytes.
            archive.writestr(zipfile.ZipInfo(name, (2024, 9, 26, 0, 0, 0)), content)
    return buffer.getvalue()


def ods(sheets: Sheets) -> bytes:
    """Write an OpenDocument spreadsheet."""
    tables = "".join(
        f'<table:table table:name="{escape(name)}">'
        + "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    return _archive({"mimetype": kind, "content.xml": _ODS.format(tables), "META-INF/manifest.xml": manifest})


def xlsx(sheets: Sheets, *, merged: str = "") -> bytes:
    """Write an Excel workbook; ``merged`` is a range of its first sheet such as ``A2:A3``."""
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{main}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{main}.worksheet+xml"/>'
            for number in numbers
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        f' xmlns:r="{_RELATIONSHIPS}"><sheets>'
        + "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, sheets, strict=True)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="rId{number}" Type="{_RELATIONSHIPS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in numbers
        )
        + "</Relationships>",
    }
    for number, rows in zip(numbers, sheets.values(), strict=True):
        body = "".join(
            f'<row r="{at}">{"".join(_xlsx_cell(cell, at, column) for column, cell in enumerate(row))}</row>'
            for at, row in enumerate(rows, start=1)
        )
        merges = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>' if merged and number == 1 else ""
        parts[f"xl/worksheets/sheet{number}.xml"] = _SHEET.format(body, merges)
    return _archive(parts)


@pytest.fixture
def make_ods() -> Callable[..., bytes]:
    """The bytes of an OpenDocument spreadsheet with these sheets."""
    return ods


@pytest.fixture
def make_xlsx() -> Callable[..., bytes]:
    """The bytes of an Excel workbook with these sheets."""
    return xlsx
