"""A small release with every kind of content that a format could get wrong. What a test shows belongs in the test."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.publish.exports import workbook
from pipelines.publish.exports.described_release import describe_release, open_release
from pipelines.publish.exports.file_names import WORKBOOK
from pipelines.publish.exports.release_exports import write_exports
from pipelines.publish.exports.sheets import read_sheet

if TYPE_CHECKING:
    from pipelines.publish.exports.sheets import Sheet
    from pipelines.settings import Settings

SMALL_RELEASE = r"""
create table dim_source (
    source_key bigint primary key, source_id varchar not null, source_title varchar not null, publisher varchar,
    licence varchar, owner varchar, homepage varchar, source_releases varchar
);
insert into dim_source values
    (-1, 'unknown', 'Unknown', null, null, null, null, null),
    (
        7, 'wards', 'Ward tables', 'A council', 'Open Government Licence v3.0', 'Analyst', 'https://council.example/',
        '2026'
    ),
    (9, 'local', 'Local counts', null, 'Crown copyright', 'Analyst', null, null);

create table dim_area (
    area_key bigint primary key, area_code varchar not null unique, area_name varchar, parent_key bigint,
    is_current smallint check (is_current in (0, 1)), valid_from date
);
insert into dim_area values
    (1, 'E92000001', 'England', null, 1, date '1974-04-01'),
    (2, '00123', 'Stoke, "the" Potteries', 1, 1, null),
    (9007199254740993, '=1+1', e'two\r\nlines', 1, 0, date '2023-12-31'),
    (-5, 'łódź ✔', e'tab\tand \r alone', 2, null, null);

create table fct_value (
    area_key bigint, period integer, value double, limit_kind varchar check (limit_kind in ('published', 'it''s ours')),
    loaded_at timestamp, primary key (area_key, period)
);
insert into fct_value values
    (2, 2024, 0.1e0 + 0.2e0, 'published', timestamp '2026-11-22 15:30:00'),
    (2, 2023, 1.7976931348623157e308, 'it''s ours', timestamp '2026-11-22 15:30:00.25'),
    (1, 2025, 5e-324, null, null),
    (1, 2024, '-0.0', null, timestamp '1999-01-01 00:00:00'),
    (1, 2023, 1e21, null, null),
    (-5, 2024, null, null, null);

create table fct_empty (empty_key bigint primary key, area_key bigint, value double, note varchar);
create table key_registry (
    table_name varchar, natural_key varchar, surrogate_key bigint, primary key (table_name, natural_key)
);
insert into key_registry values ('dim_area', 'E92000001', 1);

create view v_value as
select a.area_name, a.area_code, f.period, f.value
from fct_value as f inner join dim_area as a on f.area_key = a.area_key;

create table relationships (
    from_table varchar, from_column varchar, to_table varchar, to_column varchar, cardinality varchar
);
insert into relationships values
    ('fct_value', 'area_key', 'dim_area', 'area_key', 'many_to_one'),
    ('fct_empty', 'area_key', 'dim_area', 'area_key', 'many_to_one'),
    ('dim_area', 'parent_key', 'dim_area', 'area_key', 'many_to_one');
create table release (release_id varchar primary key, built_at timestamp not null, as_at date not null);
insert into release values ('20261122T153000Z-00000000', timestamp '2026-11-22 15:30:00', date '2026-11-21');
create table data_dictionary (
    table_name varchar, column_name varchar, data_type varchar, description varchar, ordinal_position integer,
    is_key smallint, table_description varchar, aggregation_rule varchar, example varchar
);
insert into data_dictionary
select
    table_name, column_name, data_type, 'What ' || column_name || ' holds.', column_index, 0,
    'Rows of ' || table_name || '.',
    case when column_name = 'value' then 'never' end, case when column_name = 'value' then '12.5' end
from duckdb_columns() where schema_name = 'main' and not internal;
"""


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a release file of nine tables and a view, and with its export. Only to be copied."""
    folder = tmp_path_factory.mktemp("small")
    with duckdb.connect(str(folder / "small.duckdb")) as connection:
        connection.execute(SMALL_RELEASE)
    write_exports(folder / "small.duckdb", folder / "export", edition="public")
    return folder


@pytest.fixture
def small_release(small: Path, tmp_path: Path) -> Path:
    """Return the small release. It may be written to."""
    return Path(shutil.copy(small / "small.duckdb", tmp_path))


@pytest.fixture
def small_export(small: Path, tmp_path: Path) -> Path:
    """Return the folder of the exported small release. It may be damaged."""
    return Path(shutil.copytree(small / "export", tmp_path / "export"))


@pytest.fixture(scope="session")
def real_export(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the exported tables and the workbook of the data of this repository. Only to be read."""
    folder = tmp_path_factory.mktemp("exports") / "whole"
    write_exports(published.served_file, folder, edition="whole", workbook=folder / WORKBOOK)
    return folder


@pytest.fixture(scope="session")
def short_workbook(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the workbook of the data of this repository with the first rows of each sheet. Only to be read."""
    file = tmp_path_factory.mktemp("workbook") / WORKBOOK

    def first_rows(connection: duckdb.DuckDBPyConnection, sheet: Sheet) -> list[list[Any]]:
        return read_sheet(connection, sheet)[:12]

    with pytest.MonkeyPatch.context() as patch, open_release(published.served_file) as connection:
        patch.setattr(workbook, "read_sheet", first_rows)
        workbook.write_workbook(connection, describe_release(connection, "whole"), file)
    return file


@pytest.fixture
def damaged(short_workbook: Path, tmp_path: Path) -> Path:
    """Return a copy of the short workbook, to be damaged."""
    return Path(shutil.copy(short_workbook, tmp_path / WORKBOOK))
