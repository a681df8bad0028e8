"""Examples of values in the data dictionary: which, how long, and made anew from what a file holds now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.publish.catalogue import read_columns, read_relations
from pipelines.publish.column_roles import ColumnRole
from pipelines.publish.data_dictionary import EXAMPLE_LENGTH, Examples, read_examples, rewrite_examples
from pipelines.publish.release import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipelines.publish.release import ReleaseRecord
    from pipelines.settings import Settings

    MakeBuild = Callable[..., Path]
    MakeRecord = Callable[[int], ReleaseRecord]

MADE = """
create table fct (
    n bigint, x double, day date, moment timestamp,
    words varchar, shown varchar, signs varchar, long varchar, none_yet double
);
insert into fct values
    (-2, null, null, null, null, '[c]', '-0.1', null, null),
    (7, 0.1, '2024-03-31', '2026-11-22 15:30:00', 'Nottingham', '12.0%', '"quoted"', repeat('word ', 30), null),
    (3, 12.5, '2023-03-31', null, 'Mansfield', '9.0%', null, repeat('a', 60), null);
create table other (words varchar);
insert into other values ('Aardvark');
create view v_fct as select words, n, upper(words) as loud from fct;
create view v_of_v as select loud, v_fct.words from v_fct, other;
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute(MADE)
        yield made


def examples(connection: duckdb.DuckDBPyConnection) -> Examples:
    return read_examples(connection, "memory", read_relations(connection, "memory"), read_columns(connection, "memory"))


def test_the_largest_number_and_day_and_the_first_word(connection: duckdb.DuckDBPyConnection) -> None:
    found = {column: value for (table, column), value in examples(connection).items() if table == "fct"}
    assert found == {
        "n": "7",
        "x": "12.5",
        "day": "2024-03-31",
        "moment": "2026-11-22 15:30:00",
        "words": "Mansfield",
        "shown": "12.0%",  # not the shorthand
        "signs": '"quoted"',  # nothing but signs
        "long": "a" * EXAMPLE_LENGTH,
        "none_yet": None,
    }


def test_what_is_too_long_is_cut(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("delete from fct where long like 'a%'")
    long = examples(connection)["fct", "long"]
    assert long is not None
    assert len(long) == EXAMPLE_LENGTH
    assert long.endswith("…")


def test_a_view_has_the_example_of_the_table_that_it_reads(connection: duckdb.DuckDBPyConnection) -> None:
    found = examples(connection)
    assert (found["v_fct", "words"], found["v_fct", "n"], found["v_fct", "loud"]) == ("Mansfield", "7", "MANSFIELD")
    # It names v_fct before the table other.
    assert (found["v_of_v", "words"], found["v_of_v", "loud"]) == ("Mansfield", "MANSFIELD")


@pytest.mark.parametrize("threads", [1, 4])
def test_the_order_of_rows_and_the_number_of_threads_change_nothing(
    connection: duckdb.DuckDBPyConnection, threads: int
) -> None:
    before = examples(connection)
    connection.execute(f"set threads = {threads}")
    connection.execute("create temp table held as from fct order by words desc; delete from fct")
    connection.execute("insert into fct from held")
    assert examples(connection) == before


def test_a_release_has_roles_units_and_examples(settings: Settings, make_build: MakeBuild, record: MakeRecord) -> None:
    roles = {
        ("fct_data_quality_check", "rows_failed"): ColumnRole("none", "rows"),
        ("dim_area", "area_code"): ColumnRole("key"),
    }
    served = publish(settings, make_build(), record(0), column_roles=roles).served_file
    with duckdb.connect(str(served), read_only=True) as reader:
        found = reader.execute("""
            select table_name || '.' || column_name, aggregation_rule, can_sum, unit, example, is_personal
            from data_dictionary
            where table_name not in ('data_dictionary', 'relationships', 'release', 'key_registry')
            order by table_name, ordinal_position
        """).fetchall()
        undescribed = reader.execute("select count(*) from data_dictionary where table_name = 'data_dictionary'")
        assert undescribed.fetchall() == [(12,)]
    area = "Nottingham and Nottinghamshire"
    assert found == [
        ("a_view_of_a_view.area_key", "key", 0, None, "2", 0),
        ("a_view_of_a_view.area_name", "label", 0, None, area, 0),
        ("dim_area.area_key", "key", 0, None, "2", 0),
        ("dim_area.area_code", "key", 0, None, "E08000009", 0),
        ("dim_area.area_name", "label", 0, None, area, 0),
        ("fct_data_quality_check.check_id", "label", 0, None, "no_duplicate_rows", 0),
        ("fct_data_quality_check.outcome", "label", 0, None, "passed", 0),
        ("fct_data_quality_check.rows_failed", "none", 0, "rows", "0", 0),
        ("fct_indicator_value.area_key", "key", 0, None, "1", 0),
        ("fct_indicator_value.value", "none", 0, "unit of the indicator", "7.0", 0),
        ("fct_indicator_value.area_name", "label", 0, None, area, 0),
        ("v_scorecard.area_code", "key", 0, None, "E08000009", 0),
        ("v_scorecard.area_name", "label", 0, None, area, 0),
        ("v_scorecard.status_code", "label", 0, None, "no_target", 0),
        ("v_scorecard_source.area_key", "key", 0, None, "2", 0),
        ("v_scorecard_source.area_name", "label", 0, None, area, 0),
    ]


def test_examples_are_made_anew_from_what_the_file_holds_now(
    settings: Settings, make_build: MakeBuild, record: MakeRecord, tmp_path: Path
) -> None:
    served = publish(settings, make_build(), record(0)).served_file
    blanked = tmp_path / "blanked.duckdb"
    blanked.write_bytes(served.read_bytes())
    changed = "select table_name, column_name, example from data_dictionary order by all"
    with duckdb.connect(str(blanked)) as writer:
        before = set(writer.execute(changed).fetchall())
        writer.execute("update fct_indicator_value set value = null where value > 3")
        writer.execute("update dim_area set area_name = null where false")
        rewrite_examples(writer, "blanked")
        after = set(writer.execute(changed).fetchall())
    assert before - after == {("fct_indicator_value", "value", "7.0")}
    assert after - before == {("fct_indicator_value", "value", "3.0")}
