"""Time of the model stage on a large table in the shape of a Fingertips extract, model by model.

Making the table and timing dbt belong here; nothing of the project imports it. Run after `make refresh`:

    .venv/bin/python benchmarks/model_stage.py --rows 5000000

The table is synthetic: indicators of three kinds (proportions and crude rates with counts, standardised rates with
limits alone) for England, its regions and upper-tier councils, boards, ten years, three sexes and the categories of
deprivation tenths. Everything else of the warehouse (registry, other sources, check log) is the one beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from pipelines.publish.snapshot_schemas import write_empty
from pipelines.schedule.poll_log import write_polls
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = REPOSITORY / "dbt_project"

TABLE = """
with kinds as (
    select
        i,
        900000 + i as indicator_id,
        ['proportion', 'crude_rate', 'directly_standardised_rate'][1 + i % 3] as value_type
    from range({indicators}) as r(i)
),
areas as (
    select
        area_code,
        area_name,
        case area_type
            when 'england' then 'England'
            when 'region' then 'Regions (statistical)'
            when 'icb' then 'ICBs'
            else 'Counties & UAs (from Apr 2023)'
        end as area_type,
        region_code,
        row_number() over (order by area_code) as a
    from read_csv('{seeds}/areas.csv', all_varchar = true)
    where
        area_type in (
            'england', 'region', 'icb', 'county', 'unitary_authority', 'metropolitan_district', 'london_borough'
        )
        and valid_to is null
        and area_code like 'E%'
),
years as (select 2014 + y as year, y from range(10) as r(y)),
sexes as (select unnest(['Persons', 'Male', 'Female']) as sex),
categories as (
    select null as category_type, null as category, 0 as c
    union all
    select category_type, category, row_number() over (order by sequence)
    from read_csv('{seeds}/categories.csv', all_varchar = true, auto_detect = true)
    where category_type = 'County & UA deprivation deciles in England (IMD2019, 4/23 geography)'
),
crossed as (
    select
        *,
        row_number() over () as n,
        greatest(500, hash(a, 1) % 200000) as denominator,
        0.02 + (hash(i, a, c) % 1000) / 4000.0 + y * (cast(hash(i, a) % 100 as integer) - 50) / 20000.0 as share
    from kinds, areas, years, sexes, categories
),
counted as (
    select
        *,
        round(denominator * greatest(share, 0.001)) as count,
        if(value_type = 'proportion', 100, 100000) as multiplier
    from crossed
),
valued as (
    select
        *,
        count / denominator * multiplier as value,
        1.96 * sqrt(count) / denominator * multiplier as half
    from counted
)
select
    'fingertips' as source_id,
    '2025-06' as source_release,
    'indicator_values' as source_table,
    'fingertips/2025-06/synthetic.csv' as source_file,
    repeat('a', 64) as source_file_sha256,
    n + 1 as source_row_number,
    'Value' as source_column,
    cast(indicator_id as varchar) as indicator_id,
    concat('Synthetic ', i) as indicator_name,
    if(area_code = 'E92000001', null, coalesce(region_code, 'E92000001')) as parent_code,
    null::varchar as parent_name,
    area_code,
    area_name,
    area_type,
    sex,
    'All ages' as age,
    category_type,
    category,
    concat(year, '/', lpad(cast((year + 1) % 100 as varchar), 2, '0')) as period_label,
    year * 10000 as period_sortable,
    '1y' as period_range,
    'financial_year' as period_type,
    make_date(year, 4, 1) as period_start,
    make_date(year + 1, 3, 31) as period_end,
    1::integer as period_pooled_years,
    value,
    cast(value as varchar) as value_as_published,
    null::varchar as value_marker_meaning,
    value - half as lower_ci_95,
    value + half as upper_ci_95,
    null::double as lower_ci_99_8,
    null::double as upper_ci_99_8,
    if(value_type = 'directly_standardised_rate', null, count) as count,
    if(value_type = 'directly_standardised_rate', null, cast(denominator as double)) as denominator,
    null::varchar as value_note,
    null::varchar as unit,
    null::varchar as measure,
    if(y = 9, 'Cannot be calculated', null) as recent_trend_published,
    'Similar' as compared_to_england_published,
    'Not compared' as compared_to_parent_published,
    null::varchar as compared_to_goal_published,
    null::varchar as new_data,
    null::varchar as unreadable_cells
from valued
order by hash(n)
"""

INDICATORS = """
with likeness as (select * from read_parquet('{registry}') where id = '91547')

select * from read_parquet('{registry}')
union all by name
select
    * replace (
        cast(900000 + i as varchar) as id,
        concat('Synthetic ', i) as name,
        900000 + i as fingertips_id,
        ['proportion', 'crude_rate', 'directly_standardised_rate'][1 + i % 3] as value_type,
        if(i % 3 = 0, 100, 100000) as multiplier,
        if(i % 3 = 2, 'not_additive', 'sum_counts') as aggregation
    )
from likeness, range({indicators}) as r(i)
"""


def make_warehouse(scratch: Path, rows: int) -> int:
    """Copy what the model stage reads and put the synthetic table in the place of the Fingertips load.

    Args:
        scratch: Empty folder for the copy.
        rows: Rows wanted; whole indicators are made, so there may be a few more.

    Returns:
        Rows made.
    """
    for part in ("accepted", "check_log", "quarantine", "registry"):
        shutil.copytree(REPOSITORY / "warehouse" / part, scratch / part)
    write_empty(scratch / "previous")
    write_polls(Settings(project=REPOSITORY, warehouse=scratch))
    with duckdb.connect() as connection:
        seeds = REPOSITORY / "data" / "seeds"
        settings = {"seeds": seeds, "indicators": 1, "registry": scratch / "registry" / "indicators.parquet"}
        query = TABLE.format(**settings)
        found = connection.execute(f"select count(*) from ({query})").fetchone()
        settings["indicators"] = -(-rows // (found[0] if found else 1))
        connection.execute(
            f"copy ({TABLE.format(**settings)}) to '{scratch}/accepted/fingertips.parquet' (compression zstd)"
        )
        connection.execute(f"copy ({INDICATORS.format(**settings)}) to '{scratch}/registry/with.parquet'")
        (scratch / "registry" / "with.parquet").replace(scratch / "registry" / "indicators.parquet")
        made = connection.execute(f"select count(*) from '{scratch}/accepted/fingertips.parquet'").fetchone()
    return made[0] if made else 0


def dbt(scratch: Path, project: Path, *arguments: str) -> None:
    """Run one dbt command over the scratch warehouse; its words are shown when it fails."""
    environment = {
        **os.environ,
        "OUTCOMES_WAREHOUSE": str(scratch),
        "OUTCOMES_BUILD_FILE": str(scratch / "build.duckdb"),
        "OUTCOMES_AS_AT": "2026-11-22",
    }
    command = [
        str(Path(sys.executable).with_name("dbt")),
        "--quiet",
        *arguments,
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(scratch / "dbt"), "--log-path", str(scratch / "logs")),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def main() -> None:
    """Make the table, build the facts and print the seconds of each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--scratch", type=Path, help="folder to keep; a temporary one by default")
    parser.add_argument("--project", type=Path, default=PROJECT, help="dbt project to time, such as an older one")
    parser.add_argument("--select", default="+fct_indicator_value", help="dbt selection to build")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        if not (scratch / "registry").is_dir():
            scratch.mkdir(parents=True, exist_ok=True)
            print(f"{make_warehouse(scratch, given.rows):,} rows")
        (scratch / "build.duckdb").unlink(missing_ok=True)
        dbt(scratch, given.project, "seed")
        begun = time.perf_counter()
        dbt(scratch, given.project, "run", "--select", given.select)
        whole = time.perf_counter() - begun
        results = json.loads((scratch / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    took = sorted(((one["execution_time"], one["unique_id"].rsplit(".", 1)[-1]) for one in results), reverse=True)
    models = sum(seconds for seconds, _ in took)
    for seconds, model in took:
        if seconds >= 0.05:
            print(f"{seconds:8.1f} s  {seconds / models:5.0%}  {model}")
    print(f"{models:8.1f} s  models; {whole:.1f} s with the start of dbt")


if __name__ == "__main__":
    main()
