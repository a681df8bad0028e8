"""Joins from a dbt manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.problems import ConfigurationError
from pipelines.publish.relationships import Relationship, read_relationships

if TYPE_CHECKING:
    from pathlib import Path


def model(name: str, **more: Any) -> dict[str, Any]:
    return {"resource_type": "model", "name": name, "alias": name, "constraints": [], "columns": {}} | more


def relationship_test(source: str, column: str, target: str, field: str) -> dict[str, Any]:
    return {
        "resource_type": "test",
        "name": "generated",
        "attached_node": source,
        "depends_on": {"nodes": sorted({source, target})},
        "test_metadata": {
            "name": "relationships",
            "kwargs": {"column_name": column, "to": "ref('ignored')", "field": field},
        },
    }


def unique_test(source: str, column: str) -> dict[str, Any]:
    return {
        "resource_type": "test",
        "name": "generated",
        "attached_node": source,
        "depends_on": {"nodes": [source]},
        "test_metadata": {"name": "unique", "kwargs": {"column_name": column}},
    }


def read(tmp_path: Path, nodes: dict[str, Any]) -> list[Relationship]:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    return read_relationships(manifest)


def test_every_tested_join_is_found_once_with_its_published_names(tmp_path: Path) -> None:
    nodes = {
        "m.area": model("dim_area"),
        "m.value": model("values_model", alias="fct_indicator_value"),
        "t.1": relationship_test("m.value", "area_key", "m.area", "area_key"),
        "t.2": relationship_test("m.value", "area_key", "m.area", "area_key"),
        "t.3": relationship_test("m.area", "successor_key", "m.area", "area_key"),
        "t.4": relationship_test("m.value", "source_id", "source.registry", "source_id"),
    }
    assert read(tmp_path, nodes) == [
        Relationship("dim_area", "successor_key", "dim_area", "area_key", "many_to_one"),
        Relationship("fct_indicator_value", "area_key", "dim_area", "area_key", "many_to_one"),
    ]


@pytest.mark.parametrize(
    ("more", "tests", "cardinality"),
    [
        ({"constraints": [{"type": "primary_key", "columns": ["k"]}]}, {}, "one_to_one"),
        ({"columns": {"k": {"constraints": [{"type": "unique"}]}}}, {}, "one_to_one"),
        ({}, {"t.2": unique_test("m.a", "k")}, "one_to_one"),
        ({"constraints": [{"type": "primary_key", "columns": ["k", "other"]}]}, {}, "many_to_one"),
        ({"columns": {"k": {"constraints": [{"type": "not_null"}]}}}, {"t.2": unique_test("m.a", "o")}, "many_to_one"),
    ],
)
def test_cardinality_follows_what_makes_the_referring_column_unique(
    more: dict[str, Any], tests: dict[str, Any], cardinality: str, tmp_path: Path
) -> None:
    nodes = {"m.a": model("a", **more), "m.b": model("b"), "t.1": relationship_test("m.a", "k", "m.b", "k"), **tests}
    assert [found.cardinality for found in read(tmp_path, nodes)] == [cardinality]


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_missing_or_foreign_manifest_is_refused(content: str | None, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    if content is not None:
        manifest.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="Run dbt first"):
        read_relationships(manifest)
