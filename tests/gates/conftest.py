"""Landed-shaped Parquet from real published figures, and a project to gate it in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.acquire.landed_schema import LANDED
from pipelines.acquire.source_registry import write_registry
from pipelines.check.expectation_suites import load_suite
from pipelines.check.gate import GateReport, run_gate
from pipelines.check.gate_database import Engine
from pipelines.check.load_gate import gate_references
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)

# Fingertips 91547, smoking prevalence (QOF): area, name, type, year, value, 95 % limits, count, denominator.
SMOKING = """
E92000001|England|England|2019|16.46453126|16.45426539|16.47480227|8250060|50108077
E06000018|Nottingham|UA|2019|19.37841503|19.24383451|19.51370931|63873|329609
E08000002|Bury|UA|2019|16.42978124|16.2538077|16.60728216|27743|168858
E08000009|Trafford|UA|2019|13.37300804|13.22365182|13.52378828|26426|197607
E92000001|England|England|2020|15.93561514|15.92551916|15.94571632|8041280|50461058
E06000018|Nottingham|UA|2020|18.73181558|18.59736435|18.86701355|60261|321704
E08000002|Bury|UA|2020|15.92004294|15.74666312|16.09496709|26991|169541
E08000009|Trafford|UA|2020|12.88913548|12.74235876|13.03735028|25554|198260
E92000001|England|England|2021|15.38901|15.37914|15.39888|7901579|51345613
E06000018|Nottingham|UA|2021|18.08075|17.94976|18.21248|59620|329743
E08000002|Bury|UA|2021|15.48475|15.31406|15.65699|26478|170994
E08000009|Trafford|UA|2021|12.30015|12.15692|12.44483|24596|199965
nE54000057|NHS Greater Manchester ICB - QOP|ICBs|2021|16.76242|16.71692|16.80802|433026|2583315
E92000001|England|England|2022|14.71089355|14.70127795|14.72051436|7664426|52100343
E06000018|Nottingham|UA|2022|17.17717468|17.05017594|17.30492203|57862|336854
E08000002|Bury|UA|2022|14.85947274|14.69224669|15.02826684|25584|172173
E08000009|Trafford|UA|2022|11.97772011|11.83531739|12.12160065|23676|197667
nE54000057|NHS Greater Manchester ICB - QOP|ICBs|2022|15.94122063|15.89697043|15.98557058|418132|2622961
"""

# UKHSA, MRSA bacteraemia per 100,000, April 2023 to March 2024: board (E540000nn) and rate.
MRSA = (
    "08:1.3 10:1.4 11:1.9 13:1.4 15:1.0 18:1.0 19:0.9 22:0.6 23:1.8 24:1.7 25:1.4 26:3.5 27:2.1 28:1.8 29:2.3 30:2.7 "
    "31:1.7 32:1.3 34:1.5 36:1.2 37:1.3 38:1.2 39:3.4 40:1.8 41:2.0 42:1.5 43:0.5 44:1.1 48:1.6 50:1.5 51:0.9 54:1.4 "
    "55:2.2 56:1.6 57:2.0 58:1.6 59:1.1 60:0.8 61:1.1 62:1.1 63:1.9 64:1.5"
)

# Trafford themes dashboard, healthy life expectancy at birth: England (printed with one decimal).
LIFE = "2015 - 17|Male|63.3 2015 - 17|Female|64 2016 - 18|Male|63.3 2016 - 18|Female|64.1 2017 - 19|Male|63.2"

# Corporate Equality Strategy 2021-2025, section 4.1, as printed.
BOROUGH = ("E08000009", "Trafford", 237_354)
LOCALITIES = {"NORTH": 48_205, "SOUTH": 78_602, "CENTRAL": 56_076, "WEST": 5_610}

# Children's services statistical neighbours of Trafford, and the CIPFA set of 2019 (first eight).
NEIGHBOURS = {
    "cssn": "E10000015 E08000007 E06000060 E10000025 E10000030 E09000006 E06000049 E10000003 E10000013 E08000029",
    "cipfa2019": "E06000007 E06000030 E08000029 E06000042 E06000025 E06000034 E08000007 E06000014",
}

INDICATORS = [
    ("91547", "Smoking prevalence", "proportion", 100, 0.0, 100.0),
    ("93881", "Obesity prevalence", "proportion", 100, 0.0, 100.0),
    ("ukhsa_bacteraemia.mrsa", "MRSA bacteraemia", "crude_rate", 100_000, 0.0, 1000.0),
    ("trafford_jsna.healthy_life_expectancy", "Healthy life expectancy", "life_expectancy", 1, 30.0, 100.0),
    ("trafford_localities.resident_population", "Resident population", "count", 1, 0.0, None),
]


@dataclass(frozen=True)
class Limits:
    max_quarantined_share: float = 0.2


@dataclass(frozen=True)
class OneSource:
    """The part of a source declaration that a gate reads."""

    id: str
    provides: Any = "indicator_values"
    gate: Limits = Limits()


def frame(source: str, records: list[dict[str, Any]]) -> pl.DataFrame:
    """Landed columns and types from the columns that matter; the first record is row 2 of its file."""
    schema = LANDED["neighbour_sets" if source == "trafford_neighbours" else "indicator_values"]
    common = {
        "source_id": source,
        "source_release": "2024-10",
        "source_table": "table",
        "source_file": f"{source}/2024-10/table.csv",
        "source_file_sha256": "ab" * 32,
        "source_column": "Value",
    }
    rows = [{**common, "source_row_number": number, **record} for number, record in enumerate(records, start=2)]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=dict(schema), orient="row")


def smoking() -> pl.DataFrame:
    records: list[dict[str, Any]] = []
    for line in SMOKING.split("\n"):
        if line:
            code, name, kind, year, value, lower, upper, count, denominator = line.split("|")
            records.append(
                {
                    "indicator_id": "91547",
                    "area_code": code,
                    "area_name": name,
                    "area_type": kind,
                    "sex": "Persons",
                    "age": "15+ yrs",
                    **financial_year(int(year)),
                    **published(value),
                    "lower_ci_95": float(lower),
                    "upper_ci_95": float(upper),
                    "count": float(count),
                    "denominator": float(denominator),
                }
            )
    # The tool exports England twice, the second time with itself as its parent: not a fault.
    records.append({**records[0], "parent_code": "E92000001"})
    # A value withheld by the publisher, with its reason: not a fault either.
    records.append(
        {**records[3], **financial_year(2018), **published(None), "lower_ci_95": None, "upper_ci_95": None}
        | {"count": None, "denominator": None, "value_note": "Value suppressed for disclosure control"}
    )
    return frame("fingertips", records)


def mrsa() -> pl.DataFrame:
    pairs = [pair.split(":") for pair in MRSA.split()]
    return frame(
        "ukhsa_bacteraemia",
        [
            {
                "indicator_id": "ukhsa_bacteraemia.mrsa",
                "area_code": f"E540000{board}",
                "area_type": "ICBs",
                "sex": "Persons",
                "age": "All ages",
                "source_column": "2023 to 2024",
                **financial_year(2023),
                **published(rate),
            }
            for board, rate in pairs
        ],
    )


def life_expectancy() -> pl.DataFrame:
    records: list[dict[str, Any]] = []
    for text in LIFE.replace(" 20", "\n20").split("\n"):
        period, sex, value = text.split("|")
        start = int(period[:4])
        records.append(
            {
                "indicator_id": "trafford_jsna.healthy_life_expectancy",
                "area_code": "E92000001",
                "area_type": "Country",
                "sex": sex,
                "age": "All ages",
                "period_label": period,
                "period_start": date(start, 1, 1),
                "period_end": date(start + 2, 12, 31),
                **published(value),
            }
        )
    return frame("trafford_jsna", records)


def localities(west: int) -> pl.DataFrame:
    """The printed table; 54,471 for West is what the other figures leave for it."""
    shared = {
        "indicator_id": "trafford_localities.resident_population",
        "sex": "Persons",
        "age": "All ages",
        "period_label": "mid-2019",
        "period_start": date(2019, 6, 30),
        "period_end": date(2019, 6, 30),
    }
    code, name, total = BOROUGH
    records: list[dict[str, Any]] = [{**shared, "area_code": code, "area_name": name, **published(f"{total:,}")}]
    for locality, people in {**LOCALITIES, "WEST": west}.items():
        records.append(
            {
                **shared,
                "parent_code": code,
                "area_code": f"TRAFFORD-{locality}",
                "area_name": locality.title(),
                **published(f"{people:,}"),
            }
        )
    return frame("trafford_localities", records)


def neighbours() -> pl.DataFrame:
    return frame(
        "trafford_neighbours",
        [
            {"set_id": name, "set_as_of": "2019", "area_code": "E08000009", "neighbour_code": code}
            for name, codes in NEIGHBOURS.items()
            for code in codes.split()
        ],
    )


def financial_year(start: int) -> dict[str, Any]:
    return {
        "period_label": f"{start}/{(start + 1) % 100:02}",
        "period_type": "financial",
        "period_start": date(start, 4, 1),
        "period_end": date(start + 1, 3, 31),
    }


def published(text: str | None) -> dict[str, Any]:
    return {"value": None if text is None else float(text.replace(",", "")), "value_as_published": text}


GOOD: dict[str, Callable[[], pl.DataFrame]] = {
    "fingertips": smoking,
    "trafford_jsna": life_expectancy,
    "ukhsa_bacteraemia": mrsa,
    "trafford_localities": lambda: localities(west=54_471),
    "trafford_neighbours": neighbours,
}

Land = Callable[..., Path]
Gate = Callable[..., GateReport]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """This project's suites and seeds over an empty warehouse."""
    made = Settings(project=PROJECT, warehouse=tmp_path / "warehouse")
    write_indicators(made.registry)
    return made


@pytest.fixture(scope="session")
def good() -> Mapping[str, Callable[[], pl.DataFrame]]:
    return GOOD


@pytest.fixture(scope="session")
def printed_localities() -> pl.DataFrame:
    return localities(west=LOCALITIES["WEST"])


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def source() -> type[OneSource]:
    return OneSource


@pytest.fixture
def land(settings: Settings) -> Land:
    """Write a frame as the landed Parquet of its source, with a load record."""

    def write(rows: pl.DataFrame, source_id: str, load_id: str = "0123456789ab") -> Path:
        settings.landed.mkdir(parents=True, exist_ok=True)
        record = {
            "load_id": load_id,
            "source_id": source_id,
            "releases": ["2024-10"],
            "files": [
                {
                    "file": f"{source_id}/2024-10/table.csv",
                    "sha256": "ab" * 32,
                    "release": "2024-10",
                    "table": "table",
                    "rows": rows.height,
                }
            ],
            "rows": rows.height,
        }
        path = settings.landed / f"{source_id}.parquet"
        rows.write_parquet(path, metadata={"load_record": json.dumps(record)})
        return path

    return write


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """Run a landed suite of this project over a frame, with another frame as the last accepted load.

    On DuckDB alone, which takes a third of the time; ``test_engines_agree`` holds it to Great Expectations.
    """

    def run(
        source_id: str,
        rows: pl.DataFrame,
        before: pl.DataFrame | None = None,
        *,
        engine: Engine = "duckdb",
    ) -> GateReport:
        settings = Settings(project=PROJECT, warehouse=tmp_path_factory.mktemp(source_id))
        write_indicators(settings.registry)
        settings.accepted.mkdir()
        rows.write_parquet(settings.warehouse / "landed.parquet")
        (rows.clear() if before is None else before).write_parquet(settings.accepted / f"{source_id}.parquet")
        return run_gate(
            settings.warehouse / "landed.parquet",
            load_suite(PROJECT / "expectations" / "landed" / f"{source_id}.json"),
            gate_references(OneSource(source_id), settings),
            now=NOW,
            failing_rows=settings.warehouse / "failing.parquet",
            engine=engine,
        )

    return run


def write_indicators(folder: Path) -> None:
    """Write a registry of the columns that a declaration gives, filled where the rules of these tests look."""
    write_registry({}, folder)
    names = ["id", "name", "value_type", "multiplier", "minimum", "maximum"]
    declared = pl.DataFrame(INDICATORS, schema=names, orient="row").with_columns(
        pl.lit([], pl.List(pl.String)).alias("labels")
    )
    empty = pl.read_parquet(folder / "indicators.parquet")
    pl.concat([empty, declared], how="diagonal_relaxed").write_parquet(folder / "indicators.parquet")
