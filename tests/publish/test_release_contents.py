"""What is in a published file: keys, comments, types, dictionary, counts, checksum."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.problems import ConfigurationError, NotPublished
from pipelines.publish.relationships import Relationship
from pipelines.publish.release import METADATA_TABLES, ReleaseRecord, publish

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.settings import Settings

    MakeBuild = Callable[..., Path]
    MakeRecord = Callable[[int], ReleaseRecord]


def query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_only_marts_are_published_with_keys_checks_comments_and_views(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    served = publish(settings, make_build(), record(0)).served_file
    with duckdb.connect(str(settings.build_file), read_only=True) as build:
        constraints = """
            select table_name, constraint_type, constraint_text from duckdb_constraints()
            where table_name in ('dim_area', 'fct_indicator_value', 'fct_data_quality_check') order by all
        """
        wanted = build.execute(constraints).fetchall()
    assert query(served, constraints) == wanted
    assert {row[1] for row in wanted} == {"PRIMARY KEY", "NOT NULL", "CHECK"}
    assert query(served, "select distinct schema_name from duckdb_tables() where not internal") == [("main",)]
    assert query(served, "select count(*) from duckdb_schemas() where schema_name in ('staging', 'intermediate')") == [
        (0,)
    ]
    assert query(served, "select comment from duckdb_tables() where table_name = 'dim_area'") == [
        ("One area's code and name.",)
    ]
    assert query(served, "select comment from duckdb_views() where view_name = 'v_scorecard'") == [
        ("One row an area.",)
    ]
    assert query(served, "select area_name from a_view_of_a_view order by area_key") == [
        ("Nottingham and Nottinghamshire",),
        ("Trafford",),
    ]
    assert query(served, "select value from fct_indicator_value") == [(i / 7.0,) for i in range(50)]


def test_storage_format_is_the_oldest_that_keeps_keys_and_comments(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    published = publish(settings, make_build(), record(0))
    header = published.served_file.read_bytes()[:20]
    assert (header[8:12], int.from_bytes(header[12:20], "little")) == (b"DUCK", 64)
    # What this guards against: without the pin the same data come out in a format that no 1.x client opens.
    assert int.from_bytes(settings.build_file.read_bytes()[12:20], "little") > 64


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        (
            "create view v_total as select sum(area_key) as total from dim_area;"
            "comment on view v_total is 'x'; comment on column v_total.total is 'x'",
            "v_total.total HUGEINT",
        ),
        (
            "alter table dim_area add column is_open boolean; comment on column dim_area.is_open is 'x'",
            "dim_area.is_open BOOLEAN",
        ),
        (
            "alter table dim_area add column loaded_at timestamptz; comment on column dim_area.loaded_at is 'x'",
            "dim_area.loaded_at TIMESTAMP WITH TIME ZONE",
        ),
    ],
)
def test_type_that_drivers_cannot_show_is_refused(
    extra: str, named: str, settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    build = make_build(extra=extra)
    with pytest.raises(NotPublished, match=re.escape(named)):
        publish(settings, build, record(0))
    assert not settings.served_file.exists()


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ("comment on column dim_area.area_code is null", "dim_area.area_code"),
        ("comment on column dim_area.area_code is ''", "dim_area.area_code"),
        ("comment on table fct_indicator_value is null", "fct_indicator_value"),
        ("comment on view v_scorecard is null", "v_scorecard"),
        ("create view v_x as select 1 as odd; comment on view v_x is 'x'", "v_x.odd"),
        # fct_indicator_value describes a value, but this view does not read it.
        ("create view v_x as select area_key as value from dim_area; comment on view v_x is 'x'", "v_x.value"),
    ],
)
def test_missing_description_is_refused_by_name(
    extra: str, named: str, settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    build = make_build(extra=extra)
    with pytest.raises(NotPublished, match=rf"(?m)^  {re.escape(named)}$"):
        publish(settings, build, record(0))
    assert not settings.served_file.exists()


def test_view_that_reads_another_file_is_refused(
    settings: Settings, make_build: MakeBuild, record: MakeRecord, tmp_path: Path
) -> None:
    (tmp_path / "areas.csv").write_text("area_code\nE54000060\n", encoding="utf-8")
    make_build(
        extra=f"create view v_file as select area_code from read_csv('{tmp_path / 'areas.csv'}');"
        "comment on view v_file is 'x'; comment on column v_file.area_code is 'x'"
    )
    with pytest.raises(NotPublished, match="v_file cannot be read from the release alone"):
        publish(settings, settings.build_file, record(0))
    make_build(
        extra="create view v_inner as select area_key from staging.stg_values;"
        "comment on view v_inner is 'x'; comment on column v_inner.area_key is 'x'"
    )
    with pytest.raises(NotPublished, match="cannot be made from published tables alone:\n  v_inner"):
        publish(settings, settings.build_file, record(0))
    assert not settings.served_file.exists()


def test_dictionary_describes_every_column_and_itself(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    served = publish(settings, make_build(), record(0)).served_file
    undescribed = """
        select table_name, column_name from duckdb_columns() where not internal
        except select table_name, column_name from data_dictionary where description <> '' and table_description <> ''
    """
    assert query(served, undescribed) == []
    assert query(served, "select count(*) from duckdb_columns() where not internal and coalesce(comment, '') = ''") == [
        (0,)
    ]
    assert {
        row[0] for row in query(served, "select distinct table_name from data_dictionary")
    } >= METADATA_TABLES.keys()
    assert query(
        served,
        "select data_type, description, ordinal_position, is_key, table_description from data_dictionary "
        "where table_name = 'dim_area' and column_name = 'area_key'",
    ) == [("BIGINT", "Key of the area.", 1, 1, "One area's code and name.")]
    # A view of a view has the description of the table behind both.
    assert query(
        served, "select description from data_dictionary where table_name = 'a_view_of_a_view' order by column_name"
    ) == [("Key of the area.",), ("Name of the area.",)]
    # Both dim_area and fct_indicator_value describe an area_name; the view reads the first.
    assert query(
        served,
        "select description, is_key from data_dictionary "
        "where table_name = 'v_scorecard' and column_name = 'area_name'",
    ) == [("Name of the area.", 0)]


def test_only_joins_between_published_tables_are_listed(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    join = Relationship("fct_indicator_value", "area_key", "dim_area", "area_key", "many_to_one")
    hidden = Relationship("int_values", "i", "dim_area", "area_key", "many_to_one")
    served = publish(settings, make_build(), record(0), relationships=[join, hidden]).served_file
    assert query(served, "from relationships") == [
        ("fct_indicator_value", "area_key", "dim_area", "area_key", "many_to_one")
    ]


def test_release_row_states_what_the_file_holds(settings: Settings, make_build: MakeBuild, record: MakeRecord) -> None:
    published = publish(settings, make_build(), record(0))
    assert published.release_id == "20261122T153000Z-00000000"
    assert query(published.served_file, "from release") == [
        (
            "20261122T153000Z-00000000",
            datetime(2026, 11, 22, 15, 30),
            date(2026, 11, 22),
            "whole",
            "0.1.0",
            "00000000ffff",
            "v1.0.0",
            7,
            published.row_count,
            published.content_checksum,
        )
    ]
    tables = query(published.served_file, "select table_name from duckdb_tables() where not internal")
    assert len(tables) == published.table_count
    counted = sum(query(published.served_file, f"select count(*) from {name}")[0][0] for (name,) in tables)
    assert counted == published.row_count


def test_checks_on_the_marts_are_added_by_name(settings: Settings, make_build: MakeBuild, record: MakeRecord) -> None:
    without = publish(settings, make_build(), record(0))
    published = publish(
        settings,
        settings.build_file,
        record(0),
        [{"outcome": "warned", "check_id": "marts_compared"}, {"rows_failed": 2, "check_id": "b", "outcome": "passed"}],
    )
    assert query(published.served_file, "from fct_data_quality_check order by check_id") == [
        ("b", "passed", 2),
        ("marts_compared", "warned", None),
        ("no_duplicate_rows", "passed", 0),
    ]
    assert published.row_count == without.row_count + 2
    assert published.content_checksum != without.content_checksum


@pytest.mark.parametrize(
    "row",
    [
        {"check_id": "x", "outcome": "passed", "unheard_of": 1},
        {"check_id": "x", "outcome": None},
        {"check_id": "no_duplicate_rows", "outcome": "passed"},
    ],
)
def test_check_row_that_does_not_fit_is_refused(
    row: dict[str, Any], settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    build = make_build()
    with pytest.raises(NotPublished, match="does not fit fct_data_quality_check"):
        publish(settings, build, record(0), [row])
    assert not settings.served_file.exists()


def test_checksum_ignores_row_order_and_sees_one_changed_value(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    def checksum(extra: str) -> str:
        return publish(settings, make_build(extra=extra), record(0)).content_checksum

    reordered = """
        create temp table held as from fct_indicator_value order by value desc;
        delete from fct_indicator_value; insert into fct_indicator_value from held
    """
    same = checksum("")
    assert checksum(reordered) == same
    variants = {
        "value": "update fct_indicator_value set value = value + 1e-15 where value = 1.0",
        "null for zero": "update fct_indicator_value set value = null where value = 0",
        # Two equal rows must not cancel each other out.
        "one pair of rows": "insert into fct_indicator_value values (1, 8.5, 'x'), (1, 8.5, 'x')",
        "another pair of rows": "insert into fct_indicator_value values (1, 9.5, 'x'), (1, 9.5, 'x')",
        "moved between columns": "update dim_area set area_code = area_name, area_name = area_code",
    }
    seen = {name: checksum(extra) for name, extra in variants.items()}
    assert len({same, *seen.values()}) == len(variants) + 1


def test_mart_named_like_a_metadata_table_is_refused(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    build = make_build(extra="create table release (a integer)")
    with pytest.raises(NotPublished, match="may not be called release"):
        publish(settings, build, record(0))


@pytest.mark.parametrize(
    "change",
    [{"built_at": datetime(2026, 11, 22)}, {"input_fingerprint": "../../etc"}, {"input_fingerprint": "1a2b"}],
)
def test_record_that_gives_no_safe_name_is_refused(change: dict[str, Any], record: MakeRecord) -> None:
    usual = record(0)
    values: dict[str, Any] = {
        "built_at": usual.built_at,
        "as_at": usual.as_at,
        "code_version": usual.code_version,
        "input_fingerprint": usual.input_fingerprint,
    }
    with pytest.raises(ConfigurationError):
        ReleaseRecord(**(values | change))
