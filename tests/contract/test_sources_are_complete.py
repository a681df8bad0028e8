"""Every source is complete, the register uses only what sources have, and a new source adds files and edits none.

Comparisons between declarations, raw folders, suites, staging models, dbt variables and the register belong here. What
a declaration may say is tested with the registry, what a suite does with the gates.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.acquire.landing import land
from pipelines.acquire.raw_snapshots import find_releases
from pipelines.acquire.source_registry import load_sources
from pipelines.check.expectation_suites import load_suite
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
STAGING_NAME = re.compile(r"stg_(?P<source>[a-z0-9_]+?)__(?P<thing>[a-z0-9_]+)")
PREFIXED_CODE = r"^n(E38|E54)"
VARIABLES = {"indicator_values": "indicator_value_models", "neighbour_sets": "neighbour_set_models"}
GROUP = ("indicator_id", "sex", "age", "category_type", "category")

Row = Mapping[str, str]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(project=REPOSITORY, warehouse=tmp_path_factory.mktemp("warehouse"))


# The rules. Each returns findings, one sentence each.


def incomplete_sources(project: Path) -> list[str]:
    """Compare the five places that know a source, by its id.

    Args:
        project: A checkout.

    Returns:
        A sentence for each file that is missing, and for each that belongs to no source.
    """
    settings = Settings(project=project, warehouse=project / "warehouse")
    declared = {path.stem for path in settings.sources.glob("*.yml")}
    staging = settings.dbt_project / "models" / "staging"
    folders = {path.name for path in staging.iterdir() if path.is_dir()}
    places = {
        "raw folder": {path.name for path in settings.raw.iterdir() if path.is_dir()},
        "suite": {path.stem for path in (settings.expectations / "landed").iterdir()},
        "staging folder": folders,
    }
    findings: list[str] = []
    for place, names in places.items():
        findings += [f"{source} has no {place}" for source in sorted(declared - names)]
        findings += [f"the {place} {name} belongs to no source" for name in sorted(names - declared)]
    for folder in sorted(folders):
        models = {path.stem for path in (staging / folder).glob("*.sql")}
        properties = {path.stem for path in (staging / folder).glob("*.yml")}
        findings += [f"{folder}: {name}.sql has no .yml" for name in sorted(models - properties)]
        findings += [f"{folder}: {name}.yml has no .sql" for name in sorted(properties - models)]
        if not models:
            findings.append(f"{folder} has no staging model")
        for name in sorted(models):
            found = STAGING_NAME.fullmatch(name)
            if found is None or found["source"] != folder:
                findings.append(f"{folder}: {name} is not named stg_{folder}__<thing>")
    findings += [
        f"{source} has no release"
        for source in sorted(declared)
        if not any((settings.raw / source).glob("*/passport.yml"))
    ]
    return findings


def variables_differ(project_file: str, declared: Mapping[str, str]) -> list[str]:
    """Compare dbt's default variables with the declarations.

    Args:
        project_file: Text of ``dbt_project.yml``.
        declared: Source id to what it provides.

    Returns:
        A sentence for each list that is not what the runner would pass.
    """
    defaults: dict[str, Any] = yaml.safe_load(project_file)["vars"]
    thing = {"indicator_values": "indicator_values", "neighbour_sets": "members"}
    findings: list[str] = []
    for provides, variable in VARIABLES.items():
        wanted = [f"stg_{source}__{thing[provides]}" for source in sorted(declared) if declared[source] == provides]
        if defaults.get(variable) != wanted:
            findings.append(f"{variable} is {defaults.get(variable)}, the declarations say {wanted}")
    return findings


def suites_without_mart(suites: Iterable[str], marts: Iterable[str]) -> list[str]:
    """Return a sentence for each published suite whose name is not a mart's."""
    return [f"{suite} guards no mart" for suite in sorted(set(suites) - set(marts))]


def undeclared_indicators(mappings: Iterable[Row], declared: Iterable[str]) -> list[str]:
    """Return a sentence for each indicator that the register uses and no source declares."""
    used = {row["indicator_id"] for row in mappings}
    return [f"{one} is declared by no source" for one in sorted(used - set(declared))]


def unmeasured_commitments(mappings: Iterable[Row], places: Iterable[Row], landed: pl.DataFrame) -> list[str]:
    """Find measures of the register that have no landed row at any place of their commitment.

    Args:
        mappings: Rows of ``commitment_indicators.csv``.
        places: Rows of ``commitment_places.csv``.
        landed: Landed rows of every source with indicator values.

    Returns:
        A sentence each. A blank category stands for the total, as in the landed data; with a category type, for the gap
        across all of its categories.
    """
    conformed = landed.select(
        pl.col("indicator_id"),
        pl.col("sex").fill_null("Not applicable"),
        pl.col("age").fill_null("Not applicable"),
        pl.col("category_type").fill_null("Total"),
        pl.col("category").fill_null("Total"),
        pl.col("area_code").str.replace(PREFIXED_CODE, "${1}"),
    )
    across = conformed.filter(pl.col("category_type") != "Total").with_columns(category=pl.lit("Total"))
    present = set(pl.concat([conformed, across]).unique().iter_rows())
    where: dict[str, list[str]] = {}
    for row in places:
        where.setdefault(row["commitment_id"], []).append(row["area_code"])
    findings: list[str] = []
    for row in mappings:
        blank = {"category_type": "Total", "category": "Total"}
        group = tuple(row[name] or blank.get(name, "") for name in GROUP)
        codes = where.get(row["commitment_id"], [])
        if not any((*group, code) in present for code in codes):
            findings.append(f"{row['commitment_id']}: no row of {', '.join(group)} in {', '.join(codes) or 'no place'}")
    return findings


# What the rules are put to.


def seed(name: str) -> list[dict[str, str]]:
    with (REPOSITORY / "data" / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def landed(settings: Settings) -> pl.DataFrame:
    """Every source with indicator values, landed from the raw data of this checkout."""
    sources = [one for one in load_sources(settings.sources).values() if one.provides == "indicator_values"]
    for source in sources:
        land(source, find_releases(settings.raw, source.id), settings.landed)
    return pl.concat([pl.read_parquet(settings.landed / f"{source.id}.parquet") for source in sources])


def test_every_source_is_complete_and_nothing_is_left_over():
    assert incomplete_sources(REPOSITORY) == []


def test_every_suite_of_a_source_loads_and_is_about_it(settings: Settings):
    for source in load_sources(settings.sources):
        suite = load_suite(settings.expectations / "landed" / f"{source}.json")
        assert suite.source == source
        assert suite.expectations


def test_default_variables_are_what_the_declarations_say(settings: Settings):
    project_file = (settings.dbt_project / "dbt_project.yml").read_text(encoding="utf-8")
    declared = {source.id: source.provides for source in load_sources(settings.sources).values()}
    assert variables_differ(project_file, declared) == []


def test_every_staging_model_is_in_a_variable(settings: Settings):
    variables: dict[str, Any] = yaml.safe_load((settings.dbt_project / "dbt_project.yml").read_text("utf-8"))["vars"]
    listed = {name for variable in VARIABLES.values() for name in variables[variable]}
    assert {path.stem for path in (settings.dbt_project / "models" / "staging").rglob("*.sql")} == listed


def test_every_published_suite_guards_a_mart(settings: Settings):
    suites = [path.stem for path in (settings.expectations / "published").glob("*.json")]
    marts = [path.stem for path in (settings.dbt_project / "models" / "marts").glob("*.sql")]
    assert suites
    assert suites_without_mart(suites, marts) == []
    for path in (settings.expectations / "published").glob("*.json"):
        assert load_suite(path).table == path.stem


def test_every_indicator_of_the_register_is_declared(settings: Settings):
    declared = [one.id for source in load_sources(settings.sources).values() for one in source.indicators]
    assert undeclared_indicators(seed("commitment_indicators"), declared) == []


def test_every_measure_of_the_register_has_rows_at_a_place_of_its_commitment(landed: pl.DataFrame):
    assert unmeasured_commitments(seed("commitment_indicators"), seed("commitment_places"), landed) == []


def test_every_declared_indicator_has_rows_or_a_reason(settings: Settings, landed: pl.DataFrame):
    declared = {one.id: one for source in load_sources(settings.sources).values() for one in source.indicators}
    without_rows = set(declared) - set(landed["indicator_id"].drop_nulls())
    # Measured by the JSNA tables until a live fetch brings the Fingertips series itself.
    live = {one for one in without_rows if one.isdigit()}
    measured = {one.fingertips_id for one in declared.values() if not one.id.isdigit()}
    assert {int(one) for one in live} <= measured
    # Tables of the wards that data/raw leaves out for size.
    assert {one.split(".")[0] for one in without_rows - live} <= {"trafford_wards"}
    assert len(without_rows) < len(declared) / 10


# Each rule on a small bad example.


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """One complete source, by the names of its files alone."""
    for name in (
        "pipelines/acquire/sources/wards.yml",
        "data/raw/wards/2024-10/passport.yml",
        "expectations/landed/wards.json",
        "dbt_project/models/staging/wards/stg_wards__indicator_values.sql",
        "dbt_project/models/staging/wards/stg_wards__indicator_values.yml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    return tmp_path


def test_a_complete_source_has_no_finding(small_project: Path):
    assert incomplete_sources(small_project) == []


@pytest.mark.parametrize(
    ("gone", "finding"),
    [
        ("pipelines/acquire/sources/wards.yml", "the suite wards belongs to no source"),
        ("data/raw/wards/2024-10/passport.yml", "wards has no release"),
        ("expectations/landed/wards.json", "wards has no suite"),
        ("dbt_project/models/staging/wards/stg_wards__indicator_values.sql", "wards has no staging model"),
        (
            "dbt_project/models/staging/wards/stg_wards__indicator_values.yml",
            "wards: stg_wards__indicator_values.sql has no .yml",
        ),
    ],
)
def test_a_missing_file_is_found(small_project: Path, gone: str, finding: str):
    (small_project / gone).unlink()
    assert finding in incomplete_sources(small_project)


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("data/raw/hospitals/2024-10/passport.yml", "the raw folder hospitals belongs to no source"),
        ("expectations/landed/hospitals.json", "the suite hospitals belongs to no source"),
        (
            "dbt_project/models/staging/hospitals/stg_hospitals__x.sql",
            "the staging folder hospitals belongs to no source",
        ),
        (
            "dbt_project/models/staging/wards/stg_hospitals__x.sql",
            "wards: stg_hospitals__x is not named stg_wards__<thing>",
        ),
    ],
)
def test_a_left_over_file_is_found(small_project: Path, name: str, finding: str):
    (small_project / name).parent.mkdir(parents=True, exist_ok=True)
    (small_project / name).write_text("", encoding="utf-8")
    assert finding in incomplete_sources(small_project)


def test_a_forgotten_or_strange_model_in_the_variables_is_found():
    text = "vars: {indicator_value_models: [stg_a__indicator_values], neighbour_set_models: []}"
    assert variables_differ(text, {"a": "indicator_values"}) == []
    assert len(variables_differ(text, {"a": "indicator_values", "b": "neighbour_sets"})) == 1
    assert len(variables_differ(text, {})) == 1


def test_a_suite_without_a_mart_is_found():
    assert suites_without_mart(["dim_area", "dim_aera"], ["dim_area", "dim_date"]) == ["dim_aera guards no mart"]


def test_an_undeclared_indicator_is_found():
    mappings = [{"indicator_id": "91547"}, {"indicator_id": "91548"}]
    assert undeclared_indicators(mappings, ["91547"]) == ["91548 is declared by no source"]


@pytest.mark.parametrize(
    ("change", "measured"),
    [
        ({}, True),
        ({"sex": "Male"}, False),
        ({"age": "18+ yrs"}, False),
        ({"indicator_id": "93881"}, False),
        ({"category_type": "Deprivation quintiles in England", "category": "1"}, False),
        ({"commitment_id": "another"}, False),
    ],
)
def test_a_measure_without_rows_is_found(change: dict[str, str], measured: bool):
    landed = pl.DataFrame(
        {
            "indicator_id": ["91547"],
            "sex": ["Persons"],
            "age": ["15+ yrs"],
            "category_type": [None],
            "category": [None],
            "area_code": ["nE54000060"],
        },
        schema_overrides={"category_type": pl.String, "category": pl.String},
    )
    mapping = {"commitment_id": "fewer-smokers", "indicator_id": "91547", "sex": "Persons", "age": "15+ yrs"}
    places = [{"commitment_id": "fewer-smokers", "area_code": "E54000060"}]
    found = unmeasured_commitments([{**mapping, "category_type": "", "category": "", **change}], places, landed)
    assert (found == []) is measured


# A source is four new files and its data, and no edit.

NEW = "ward_populations"
NEW_FILES: dict[str, str] = {
    f"pipelines/acquire/sources/{NEW}.yml": f"""
id: {NEW}
title: Ward population estimates
publisher: Office for National Statistics
licence: Open Government Licence v3.0
owner: Public health intelligence lead
homepage: null
provides: indicator_values
reader: tidy_table
release_calendar: {{cadence: annual, stale_after_days: 500, next_release: 2027-06-30}}
disclosure: {{method: threshold, min_count: 8, round_to: null, zero_is_safe: true, secondary: true, levels: all,
  population_indicators: [], owner: Public health intelligence lead, review_date: 2027-11-30, reason: Invented.}}
year_type: snapshot
columns: {{Area: area_code, Name: area_name, As at: period_label, People: value}}
tables:
  - id: populations
    file: "*.csv"
    constants: {{indicator_id: {NEW}.residents, sex: Persons, age: All ages}}
indicators:
  - id: {NEW}.residents
    name: Residents
    value_type: count
    unit: people
    multiplier: 1
    polarity: no_judgement
    minimum: 0
    maximum: null
    decimals: 0
    ci_method: null
    aggregation: sum
    definition: Usual residents in the middle of the year.
""",
    f"expectations/landed/{NEW}.json": json.dumps(
        {
            "suite": f"landed_{NEW}",
            "source": NEW,
            "description": "Residents of small areas, as estimated by the national statistics office.",
            "includes": [{"file": "../shared/indicator_values.json"}],
        }
    ),
    f"dbt_project/models/staging/{NEW}/stg_{NEW}__indicator_values.sql": (
        f'{{{{ conform_indicator_values(source("accepted", "{NEW}")) }}}}\n'
    ),
    f"dbt_project/models/staging/{NEW}/stg_{NEW}__indicator_values.yml": f"""
version: 2
sources:
  - name: accepted
    tables:
      - name: {NEW}
        description: Ward population estimates that passed their gate.
        config:
          meta:
            external_location: "read_parquet('{{{{ env_var('OUTCOMES_WAREHOUSE') }}}}/accepted/{NEW}.parquet')"
models:
  - name: stg_{NEW}__indicator_values
    description: Ward populations in the conformed shape; one row per accepted row.
""",
}
NEW_TABLE = "Area,Name,As at,People\nE08000009,Trafford,mid-2019,237354\n"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the project with one more source: four files, and a release of its data."""
    root = tmp_path_factory.mktemp("extended")
    project = root / "project"
    for folder in ("dbt_project", "data/seeds", "expectations", "pipelines/acquire/sources"):
        shutil.copytree(
            REPOSITORY / folder, project / folder, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages")
        )
    release = f"data/raw/{NEW}/2020-06"
    passport = {
        "publisher": "Office for National Statistics",
        "title": "Mid-year population estimates",
        "licence": "Open Government Licence v3.0",
        "licence_url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        "source_url": None,
        "retrieved": "2020-06-24",
        "period_covered": "mid-2019",
        "selection": "One area.",
        "files": [
            {
                "file": "populations.csv",
                "bytes": len(NEW_TABLE),
                "sha256": hashlib.sha256(NEW_TABLE.encode()).hexdigest(),
                "encoding": "utf-8",
                "rows": 1,
            }
        ],
    }
    data = {f"{release}/populations.csv": NEW_TABLE, f"{release}/passport.yml": yaml.safe_dump(passport)}
    for name, text in {**NEW_FILES, **data}.items():
        path = project / name
        assert not path.exists(), f"{name} would be an edit"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return Settings(project=project, warehouse=root / "warehouse")


@pytest.fixture(scope="module")
def manifest(extended: Settings) -> dict[str, Any]:
    """What dbt makes of the extended project, with the variables that a refresh would pass."""
    from pipelines.model.dbt_bridge import prepare_manifest  # noqa: PLC0415 - imports Dagster

    return json.loads(prepare_manifest(extended, load_sources(extended.sources)).read_text(encoding="utf-8"))


def test_four_files_are_enough():
    assert len(NEW_FILES) == 4


def test_the_new_source_is_declared_landed_and_has_a_suite(extended: Settings):
    source = load_sources(extended.sources)[NEW]
    record = land(source, find_releases(extended.raw, NEW), extended.landed)
    assert record.rows == 1
    landed = pl.read_parquet(extended.landed / f"{NEW}.parquet").row(0, named=True)
    assert (landed["indicator_id"], landed["area_code"], landed["value"]) == (f"{NEW}.residents", "E08000009", 237_354)
    suite = load_suite(extended.expectations / "landed" / f"{NEW}.json")
    assert suite.source == NEW
    assert "rows_present" in {one.check_id for one in suite.expectations}


def test_the_new_source_reaches_the_variables_of_dbt(extended: Settings):
    from pipelines.model.dbt_bridge import dbt_variables  # noqa: PLC0415 - imports Dagster

    variables = json.loads(dbt_variables(load_sources(extended.sources)))
    assert f"stg_{NEW}__indicator_values" in variables["indicator_value_models"]


def test_dbt_sees_the_new_source_and_the_union_reads_it(manifest: dict[str, Any]):
    staging = f"model.outcomes.stg_{NEW}__indicator_values"
    assert staging in manifest["nodes"]
    assert manifest["nodes"][staging]["depends_on"]["nodes"] == [f"source.outcomes.accepted.{NEW}"]
    assert staging in manifest["nodes"]["model.outcomes.int_indicator_values__unioned"]["depends_on"]["nodes"]


def test_the_graph_has_assets_and_a_gate_for_the_new_source(extended: Settings, manifest: dict[str, Any]):
    import dagster as dg  # noqa: PLC0415 - three seconds, for this test alone

    from pipelines.definitions import build_defs  # noqa: PLC0415

    assert manifest
    graph = build_defs(extended).resolve_asset_graph()
    landed, accepted = dg.AssetKey(["landed", NEW]), dg.AssetKey(["accepted", NEW])
    assert {landed, accepted} <= graph.get_all_asset_keys()
    assert dg.AssetCheckKey(accepted, "gate") in graph.asset_check_keys
    assert accepted in graph.get(dg.AssetKey(["staging", f"stg_{NEW}__indicator_values"])).parent_keys
