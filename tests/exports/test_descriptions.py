"""The descriptions are what their standards ask for, hold for every cell, and a damaged export breaks them."""

from __future__ import annotations

import json
import subprocess
import warnings
from typing import TYPE_CHECKING, Any

import csvw
import frictionless
import pytest

from pipelines.durable_files import sha256_of
from pipelines.publish.exports.checksums import write_checksums
from pipelines.publish.exports.described_release import allowed_values
from pipelines.publish.exports.file_names import CHECKSUMS, CSVW_METADATA, DATA_PACKAGE, README

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def package_errors(folder: Path, *, names: set[str] | None = None) -> set[str]:
    """Validate a package, or some of its resources with all that they refer to, and return the kinds of errors."""
    package = frictionless.Package(str(folder / DATA_PACKAGE))
    for name in [r.name for r in package.resources if names is not None and r.name not in names]:
        package.remove_resource(name)
    report = package.validate()
    return {error.type for error in report.errors} | {error.type for task in report.tasks for error in task.errors}


def csvw_error(folder: Path) -> str | None:
    """Check all cells against the table group; a reference may be empty, as the vocabulary allows."""
    group = csvw.CSVW(str(folder / CSVW_METADATA), validate=True, strict=False)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            valid = bool(group.is_valid)
    except ValueError as error:
        return str(error)
    said = [*(str(warning.message) for warning in [*group.warnings, *caught])]
    return None if valid and not said else "; ".join(said) or "not valid"


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sha256sum", "--check", "--strict", CHECKSUMS], cwd=folder, capture_output=True, text=True, check=False
    )


def rewrite(file: Path, was: bytes, becomes: bytes) -> None:
    content = file.read_bytes()
    assert content.count(was) == 1
    file.write_bytes(content.replace(was, becomes))


def describe_again(folder: Path, name: str) -> None:
    """Give a damaged CSV its right hash and size, so that only its contents can give it away."""
    described = json.loads((folder / DATA_PACKAGE).read_text())
    for resource in described["resources"]:
        if resource["name"] == name:
            file = folder / resource["path"]
            resource |= {"hash": f"sha256:{sha256_of(file)}", "bytes": file.stat().st_size}
    (folder / DATA_PACKAGE).write_text(json.dumps(described))


def resource(folder: Path, name: str) -> dict[str, Any]:
    found = json.loads((folder / DATA_PACKAGE).read_text())["resources"]
    return next(one for one in found if one["name"] == name)


def test_the_small_package_is_valid(small_export: Path) -> None:
    assert package_errors(small_export) == set()


def test_the_small_table_group_is_valid(small_export: Path) -> None:
    assert csvw_error(small_export) is None


def test_the_checksums_hold(small_export: Path) -> None:
    done = checked(small_export)
    assert done.returncode == 0, done.stderr
    listed = {line.split("  ")[1] for line in (small_export / CHECKSUMS).read_text().splitlines()}
    assert listed == {file.name for file in small_export.iterdir()} - {CHECKSUMS}


def test_the_real_package_is_valid(real_export: Path) -> None:
    """All but the largest tables, and all cells of what they refer to."""
    package = json.loads((real_export / DATA_PACKAGE).read_text())
    refers_to = {
        one["name"]: {key["reference"]["resource"] for key in one["schema"].get("foreignKeys", [])}
        for one in package["resources"]
    }
    names = {one["name"] for one in package["resources"] if one["bytes"] < 2_000_000}
    # What refers to a table that is left out is left out, too: its cells are read by the round trip.
    while left_out := {name for name in names if not refers_to[name] <= names}:
        names -= left_out
    assert len(names) > 35
    assert {"dim_area", "dim_commitment", "fct_milestone", "v_scorecard"} <= names
    assert package_errors(real_export, names=names) == set()


def test_the_real_descriptions_have_every_table_and_every_join(real_export: Path) -> None:
    package = json.loads((real_export / DATA_PACKAGE).read_text())
    group = json.loads((real_export / CSVW_METADATA).read_text())
    tables = sorted(file.name for file in real_export.glob("*.csv"))
    assert sorted(one["path"] for one in package["resources"]) == tables
    assert sorted(one["url"] for one in group["tables"]) == tables
    joins = (real_export / "relationships.csv").read_text().splitlines()[1:]
    assert len(joins) > 70
    assert sum(len(one["schema"].get("foreignKeys", [])) for one in package["resources"]) == len(joins)
    assert sum(len(one["tableSchema"].get("foreignKeys", [])) for one in group["tables"]) == len(joins)
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert [one["name"] for one in package["licenses"]] == ["OGL-UK-3.0", "MIT"]
    assert package["edition"] == "whole"
    assert len(package["sources"]) > 5
    with_key = [one["name"] for one in package["resources"] if "primaryKey" in one["schema"]]
    assert len(with_key) > 30
    described = [field for one in package["resources"] for field in one["schema"]["fields"]]
    assert all(field["description"] for field in described)


def test_what_the_description_says_of_a_column(small_export: Path) -> None:
    area = {field["name"]: field for field in resource(small_export, "dim_area")["schema"]["fields"]}
    assert area["area_key"]["constraints"] == {"required": True, "unique": True}
    assert area["is_current"]["constraints"] == {"enum": [0, 1]}
    assert area["valid_from"] == {"name": "valid_from", "type": "date", "description": "What valid_from holds."}
    value = resource(small_export, "fct_value")["schema"]
    fields = {field["name"]: field for field in value["fields"]}
    assert fields["value"]["aggregation_rule"] == "never"
    assert fields["value"]["example"] == "12.5"
    assert fields["limit_kind"]["constraints"] == {"enum": ["published", "it's ours"]}
    assert value["primaryKey"] == ["area_key", "period"]
    assert value["foreignKeys"] == [
        {"fields": ["area_key"], "reference": {"resource": "dim_area", "fields": ["area_key"]}}
    ]
    assert resource(small_export, "dim_area")["schema"]["foreignKeys"] == [
        {"fields": ["parent_key"], "reference": {"fields": ["area_key"]}}
    ]
    package = json.loads((small_export / DATA_PACKAGE).read_text())
    assert package["created"] == "2026-11-22T15:30:00Z"
    assert package["contributors"] == [{"title": "Analyst", "roles": ["contact"]}]
    assert [one["name"] for one in package["licenses"]] == ["Crown-copyright", "OGL-UK-3.0", "MIT"]
    assert package["sources"] == [
        {"title": "Local counts"},
        {"title": "Ward tables (A council)", "path": "https://council.example/", "version": "2026"},
    ]
    parquet = resource(small_export, "fct_value")["otherFormats"][0]
    assert parquet["hash"] == f"sha256:{sha256_of(small_export / parquet['path'])}"


@pytest.mark.parametrize(
    ("table", "was", "becomes", "error"),
    [
        ("dim_area", b"1,E92000001,England,,1,1974-04-01\r\n", b"", "foreign-key"),
        ("fct_value", b"1,2025,", b"77,2025,", "foreign-key"),
        ("fct_value", b"1,2025,", b"1,2024,", "primary-key"),
        ("dim_area", b"\n2,00123", b"\n1,00123", "unique-error"),
        ("dim_area", b"England,,1,", b"England,,2,", "constraint-error"),
        ("dim_area", b"1,E92000001,", b"1,,", "constraint-error"),
        ("fct_value", b"it's ours", b"theirs", "constraint-error"),
        ("fct_value", b"0.30000000000000004", b"0,3", "extra-cell"),
        ("fct_value", b"0.30000000000000004", b"a third", "type-error"),
        ("dim_area", b"1974-04-01", b"01/04/1974", "type-error"),
        ("dim_area", b"area_key,", b"area_id,", "incorrect-label"),
    ],
)
def test_a_cell_that_breaks_its_description_is_found(
    small_export: Path, table: str, was: bytes, becomes: bytes, error: str
) -> None:
    rewrite(small_export / f"{table}.csv", was, becomes)
    describe_again(small_export, table)
    assert error in package_errors(small_export)


@pytest.mark.parametrize(
    ("table", "was", "becomes", "error"),
    [
        ("dim_area", b"1,E92000001,England,,1,1974-04-01\r\n", b"", "Key `1` not found in table dim_area.csv"),
        ("fct_value", b"1,2025,", b"77,2025,", "Key `77` not found"),
        ("fct_value", b"1,2025,", b"1,2024,", "duplicate primary key"),
        ("dim_area", b"England,,1,", b"England,,2,", "is_current: value must be <= 1"),
        ("dim_area", b"1,E92000001,", b"1,,", "area_code: required column value is missing"),
        ("fct_value", b"it's ours", b"theirs", "limit_kind: invalid lexical value"),
        ("fct_value", b"0.30000000000000004", b"a third", "fct_value.csv:2:3 value"),
        ("dim_area", b"1974-04-01", b"01/04/1974", "valid_from"),
        ("dim_area", b"area_key,", b"area_id,", "missing required columns"),
    ],
)
def test_a_cell_that_breaks_the_table_group_is_found(
    small_export: Path, table: str, was: bytes, becomes: bytes, error: str
) -> None:
    rewrite(small_export / f"{table}.csv", was, becomes)
    assert error in str(csvw_error(small_export))


def change_a_byte(folder: Path) -> None:
    file = folder / "fct_value.parquet"
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)


def drop_a_row(folder: Path) -> None:
    file = folder / "dim_source.csv"
    file.write_bytes(b"\r\n".join(file.read_bytes().split(b"\r\n")[:-2]) + b"\r\n")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a byte of a Parquet file": change_a_byte,
    "a row of a CSV": drop_a_row,
    "a file that is gone": lambda folder: (folder / README).unlink(),
    "a description": lambda folder: rewrite(folder / CSVW_METADATA, b"@language", b"@langauge"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_does_not_pass_the_checksums(small_export: Path, damage: Callable[[Path], None]) -> None:
    damage(small_export)
    assert checked(small_export).returncode != 0


def test_a_dropped_row_is_found_by_size_and_hash(small_export: Path) -> None:
    drop_a_row(small_export)
    assert {"hash-count", "byte-count"} <= package_errors(small_export)


def test_a_list_of_checksums_covers_folders_below(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a b.csv").write_text("x")
    (tmp_path / "data" / CHECKSUMS).write_text("of the folder below")
    (tmp_path / "file.duckdb").write_text("y")
    write_checksums(tmp_path)
    write_checksums(tmp_path)
    lines = (tmp_path / CHECKSUMS).read_text().splitlines()
    assert [line[66:] for line in lines] == ["data/SHA256SUMS", "data/a b.csv", "file.duckdb"]
    assert checked(tmp_path).returncode == 0


def test_the_text_names_release_edition_and_check(small_export: Path, real_export: Path) -> None:
    public, whole = ((folder / README).read_text() for folder in (small_export, real_export))
    assert "20261122T153000Z-00000000" in public
    assert "21 November 2026" in public
    assert f"sha256sum --check {CHECKSUMS}" in public
    assert "Public edition: cells that could disclose small counts are empty." in public
    assert "must not be handed on" in whole
    assert "must not be handed on" not in public
    assert max(map(len, (public + whole).splitlines())) <= 100


@pytest.mark.parametrize(
    ("listed", "values"),
    [("0, 1", (0, 1)), ("'a', 'it''s', 'b, c'", ("a", "it's", "b, c")), ("-1", (-1,))],
)
def test_allowed_values_are_read_from_a_constraint(listed: str, values: tuple[str | int, ...]) -> None:
    assert allowed_values(listed) == values
