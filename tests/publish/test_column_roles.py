"""How every column may be aggregated: by what its model declares, by what a view reads, by its name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.problems import ConfigurationError, NotPublished
from pipelines.publish.catalogue import Column, Relation
from pipelines.publish.column_roles import ROLES, ColumnRole, column_roles, read_column_roles, role_of_name
from pipelines.publish.view_sources import read_by

if TYPE_CHECKING:
    from pathlib import Path


def manifest(path: Path, **columns: dict[str, Any]) -> Path:
    """Write a manifest with one model, ``fct_rate``, whose columns have these ``meta``."""
    file = path / "manifest.json"
    described = {name: {"name": name, "config": {"meta": meta}} for name, meta in columns.items()}
    nodes = {
        "model.outcomes.fct_rate": {"name": "fct_rate", "columns": described},
        "test.outcomes.some_test": {"name": "some_test"},
    }
    file.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    return file


def table(name: str) -> Relation:
    return Relation(name, "TABLE", "x", f"create table {name}")


def view(name: str, sql: str) -> Relation:
    return Relation(name, "VIEW", "x", sql)


def column(relation: str, name: str, data_type: str = "DOUBLE") -> Column:
    return Column(relation, name, data_type, 1, "x", in_primary_key=False)


@pytest.mark.parametrize(
    ("name", "data_type", "aggregation", "unit"),
    [
        ("area_key", "BIGINT", "key", None),
        ("due_date_key", "INTEGER", "key", None),
        ("is_latest", "SMALLINT", "flag", None),
        ("has_value", "SMALLINT", "flag", None),
        ("can_sum", "SMALLINT", "flag", None),
        ("status_sort", "INTEGER", "label", None),
        ("series_number", "SMALLINT", "label", None),
        ("calendar_year", "INTEGER", "label", None),
        ("decimal_places", "SMALLINT", "label", None),
        ("count", "DOUBLE", "semi_additive", "people or events, as the indicator counts them"),
        ("denominator", "DOUBLE", "semi_additive", "people or events, as the indicator counts them"),
        ("old_count", "DOUBLE", "none", None),
        ("landed_rows", "BIGINT", "sum", "rows"),
        ("value", "DOUBLE", "none", "unit of the indicator"),
        ("england_value", "DOUBLE", "none", "unit of the indicator"),
        ("upper_ci_99_8_computed", "DOUBLE", "none", "unit of the indicator"),
        ("forecast_lower_80", "DOUBLE", "none", "unit of the indicator"),
        ("forecast_probability", "DOUBLE", "none", "probability from 0 to 1"),
        ("days_late", "INTEGER", "none", "days"),
        # Text and dates are never added up, whatever they are called.
        ("value_formatted", "VARCHAR", "label", None),
        ("count", "VARCHAR", "label", None),
        ("due_date", "DATE", "label", None),
    ],
)
def test_what_a_name_says(name: str, data_type: str, aggregation: str, unit: str | None) -> None:
    assert role_of_name(name, data_type) == ColumnRole(aggregation, unit)


@pytest.mark.parametrize("name", ["population", "coverage", "keynote", "history", "valued", "miscount"])
def test_a_number_whose_name_does_not_tell_has_no_role(name: str) -> None:
    assert role_of_name(name, "DOUBLE") is None


def test_only_a_sum_or_a_flag_can_be_summed() -> None:
    assert {role for role in ROLES if ColumnRole(role).can_sum} == {"sum", "flag"}


def test_roles_are_read_from_the_manifest(tmp_path: Path) -> None:
    file = manifest(
        tmp_path, people={"aggregation": "semi_additive", "unit": "people"}, x={"aggregation": "none"}, y={}
    )
    assert read_column_roles(file) == {
        ("fct_rate", "people"): ColumnRole("semi_additive", "people"),
        ("fct_rate", "x"): ColumnRole("none"),
    }


@pytest.mark.parametrize(
    ("meta", "said"),
    [({"aggregation": "average"}, "fct_rate.people: average"), ({"unit": "people"}, "fct_rate.people: nothing")],
)
def test_a_role_outside_the_list_is_refused_by_name(tmp_path: Path, meta: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"(?m)^  {re.escape(said)}$"):
        read_column_roles(manifest(tmp_path, people=meta))


@pytest.mark.parametrize("text", ["", "{}", "[]"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is not a dbt manifest"):
        read_column_roles(tmp_path / "manifest.json")


def test_a_view_takes_the_role_of_what_it_reads_and_its_own_goes_first() -> None:
    relations = [
        table("fct_rate"),
        table("fct_other"),
        view("v_inner", "create view v_inner as select * from fct_rate"),
        view("v_outer", "create view v_outer as select * from v_inner join fct_other"),
    ]
    declared = {
        ("fct_rate", "people"): ColumnRole("semi_additive", "people"),
        ("fct_other", "people"): ColumnRole("sum"),
        ("v_outer", "events"): ColumnRole("none"),
        ("fct_rate", "events"): ColumnRole("semi_additive"),
    }
    columns = [
        column("v_inner", "people"),
        column("v_outer", "people"),
        column("v_outer", "events"),
        column("v_inner", "events"),
        column("fct_other", "people"),
    ]
    roles = column_roles(relations, columns, declared)
    assert [role.aggregation for role in roles] == ["semi_additive", "semi_additive", "none", "semi_additive", "sum"]
    assert read_by(relations[3], {relation.name: relation for relation in relations}) == [
        "v_inner",
        "fct_rate",
        "fct_other",
    ]


def test_what_a_model_declares_goes_before_the_name() -> None:
    declared = {("fct_rate", "value"): ColumnRole("sum", "people")}
    assert column_roles([table("fct_rate")], [column("fct_rate", "value")], declared) == [ColumnRole("sum", "people")]


def test_a_number_of_which_nothing_says_how_it_adds_up_is_refused_by_name() -> None:
    relations = [table("fct_rate"), view("v_rate", "create view v_rate as select coverage from fct_rate")]
    columns = [column("fct_rate", "coverage"), column("v_rate", "coverage", "BIGINT"), column("fct_rate", "value")]
    with pytest.raises(NotPublished) as refused:
        column_roles(relations, columns, {})
    assert str(refused.value).splitlines()[1:] == ["  fct_rate.coverage", "  v_rate.coverage"]
    # Without models to ask, it is left alone.
    assert column_roles(relations, columns, None)[0] == ColumnRole("none")
