"""A small build file, and the settings to publish it from. What a test shows belongs in the test."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.publish.release import ReleaseRecord
from pipelines.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST_MOMENT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)

BUILD = """
create table dim_area (
    area_key bigint primary key,
    area_code varchar not null,
    area_name varchar not null,
    check (area_code <> '')
);
insert into dim_area values (1, 'E54000060', '{marker}'), (2, 'E08000009', 'Trafford');
comment on table dim_area is 'One area''s code and name.';
comment on column dim_area.area_key is 'Key of the area.';
comment on column dim_area.area_code is 'Code of the area.';
comment on column dim_area.area_name is 'Name of the area.';

create table fct_indicator_value (area_key bigint not null, value double, area_name varchar);
insert into fct_indicator_value select 1, i / 7.0, '{marker}' from range({rows}) as r(i);
comment on table fct_indicator_value is 'Published values.';
comment on column fct_indicator_value.area_key is 'Area of the value.';
comment on column fct_indicator_value.value is 'The value.';
comment on column fct_indicator_value.area_name is 'Name of the area when the value was published.';

create table fct_data_quality_check (check_id varchar primary key, outcome varchar not null, rows_failed bigint);
insert into fct_data_quality_check values ('no_duplicate_rows', 'passed', 0);
comment on table fct_data_quality_check is 'What every check said.';
comment on column fct_data_quality_check.check_id is 'Name of the check.';
comment on column fct_data_quality_check.outcome is 'What came of it.';
comment on column fct_data_quality_check.rows_failed is 'Rows that failed.';

create view v_scorecard_source as select area_key, area_name from dim_area;
create view v_scorecard as
select area_code, area_name, case when area_key = 1 then 'on_track' else 'no_target' end as status_code from dim_area;
create view a_view_of_a_view as select * from v_scorecard_source;
comment on view a_view_of_a_view is 'A view that is made before what it reads.';
comment on view v_scorecard_source is 'Areas by name.';
comment on view v_scorecard is 'One row an area.';
comment on column v_scorecard.status_code is 'Where the area stands.';

create schema staging;
create view staging.stg_values as select * from dim_area;
create schema intermediate;
create table intermediate.int_values as select 1 as i;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=tmp_path / "project", warehouse=tmp_path / "warehouse")


@pytest.fixture
def make_build(settings: Settings) -> Callable[..., Path]:
    """Return a function that writes a new build file, with ``marker`` in two tables and ``extra`` run last."""

    def make(marker: str = "Nottingham and Nottinghamshire", *, rows: int = 50, extra: str = "") -> Path:
        settings.build_file.parent.mkdir(parents=True, exist_ok=True)
        settings.build_file.unlink(missing_ok=True)
        with duckdb.connect(str(settings.build_file)) as connection:
            connection.execute(BUILD.format(marker=marker, rows=rows))
            connection.execute(extra)
        return settings.build_file

    return make


@pytest.fixture
def record() -> Callable[[int], ReleaseRecord]:
    """Return a function that gives the record of the n-th release, one minute after the one before."""

    def make(number: int = 0) -> ReleaseRecord:
        return ReleaseRecord(
            built_at=FIRST_MOMENT + timedelta(minutes=number),
            as_at=date(2026, 11, 22),
            code_version="0.1.0",
            input_fingerprint=f"{number:08x}ffff",
        )

    return make
