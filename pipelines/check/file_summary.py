"""What is in a landed file, and what of it is new, in a few lines for the person who is about to file it.

Counting and wording belong here. What would be refused is the gate's answer, not this module's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipelines.acquire.landing import read_load_record
from pipelines.check.gate_database import MACROS, text_literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from pipelines.acquire.landing import LandedFile

MOST_NAMED: Final = 6
"""Members of a list that are named before the rest is counted."""

_SERIES_KEY: Final = (
    "hash(indicator_id, plain_area_code(area_code), area_type, sex, age, category_type, category, "
    "period_start, period_end, period_label)"
)


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What a file holds.

    Attributes:
        contents: Heading and sentence, such as ``("Periods", "2013/14 to 2023/24, 11 of them")``.
        news: The same, about what the served data do not have.
    """

    contents: tuple[tuple[str, str], ...]
    news: tuple[tuple[str, str], ...]


def summarise(landed: Path, accepted: Path) -> FileSummary:
    """Describe one landed Parquet and compare it with the accepted data of its source.

    Args:
        landed: Parquet as written by ``land``, of one file.
        accepted: Accepted Parquet of the source; it may not exist.

    Returns:
        The summary; for neighbour sets it names the sets.
    """
    import duckdb  # noqa: PLC0415 - 0.1 s, and only a look at a file needs it

    record = read_load_record(landed)
    with duckdb.connect() as sql:
        for macro in MACROS:
            sql.execute(macro)
        has_values = _show(sql, "loaded", landed)
        contents = [("File", "; ".join(_file_line(one) for one in record.files))]
        contents += _values(sql) if has_values else _neighbours(sql)
        if not accepted.is_file():
            return FileSummary(tuple(contents), (("Served", "nothing of this source: everything in the file is new"),))
        _show(sql, "served", accepted)
        return FileSummary(tuple(contents), tuple(_news(sql) if has_values else _news_of_sets(sql)))


def _file_line(file: LandedFile) -> str:
    beside = [
        f"{number:,} {what}"
        for number, what in ((file.blank_records, "blank records"), (file.outside_records, "records outside the table"))
        if number
    ]
    tail = f", {' and '.join(beside)}" if beside else ""
    return f"{file.file.rsplit('/', 1)[-1]}, table {file.table}, {file.rows:,} rows{tail}, sha256 {file.sha256[:12]}"


def _values(sql: DuckDBPyConnection) -> list[tuple[str, str]]:
    return [
        ("Indicators", _counted(sql, "coalesce(indicator_id || ' ', 'without id: ') || coalesce(indicator_name, '')")),
        ("Area types", _counted(sql, "coalesce(area_type, 'not stated')")),
        ("Areas", _text(sql, "select format('{:,}', count(distinct area_code)) || ' codes' from loaded")),
        ("Periods", _text(sql, _PERIODS)),
        ("Sex and age", _counted(sql, "coalesce(sex, 'no sex') || ', ' || coalesce(age, 'no age')")),
        ("Breakdowns", _counted(sql, "category_type", "category_type is not null") or "none"),
        (
            "Values",
            _text(sql, "select format('{:,} present, {:,} absent', count(value), count(*) - count(value)) from loaded"),
        ),
        (
            "Absent",
            _counted(sql, "coalesce(value_note, value_marker_meaning, 'no reason given')", "value is null") or "none",
        ),
        ("Repeats", _text(sql, _REPEATS)),
    ]


def _neighbours(sql: DuckDBPyConnection) -> list[tuple[str, str]]:
    return [("Sets", _counted(sql, "area_code || ' ' || set_id || ' of ' || set_as_of"))]


def _news(sql: DuckDBPyConnection) -> list[tuple[str, str]]:
    return [
        ("Served", _text(sql, _SERVED)),
        ("This file", _text(sql, _FILED)),
        ("New indicators", _absent(sql, "indicator_id")),
        ("New areas", _absent(sql, "plain_area_code(area_code)")),
        ("New periods", _absent(sql, "indicator_id || ' ' || period_label")),
        ("Figures", _text(sql, _REVISIONS)),
        ("Revised", _joined(sql, _REVISED_EXAMPLES) or "none"),
    ]


def _news_of_sets(sql: DuckDBPyConnection) -> list[tuple[str, str]]:
    return [("Served", _text(sql, _SERVED)), ("New members", _absent(sql, "set_id || ' ' || neighbour_code"))]


def _show(sql: DuckDBPyConnection, view: str, parquet: Path) -> bool:
    """Make a view of a Parquet, with the key of a figure if it holds figures, and tell whether it does."""
    rows = f"select * from read_parquet({text_literal(parquet)})"
    has_values = "indicator_id" in {str(row[0]) for row in sql.execute(f"describe {rows}").fetchall()}
    key = f", {_SERIES_KEY} as series_key" if has_values else ""
    sql.execute(f"create view {view} as select *{key} from ({rows})")
    return has_values


def _text(sql: DuckDBPyConnection, query: str) -> str:
    row: tuple[Any, ...] | None = sql.execute(query).fetchone()
    return str(row[0]) if row else ""


def _joined(sql: DuckDBPyConnection, query: str) -> str:
    return "; ".join(str(row[0]) for row in sql.execute(query).fetchall())


def _counted(sql: DuckDBPyConnection, words: str, where: str = "true") -> str:
    """Name the most frequent members with their rows, and count the others."""
    query = f"select {words} as words, count(*) from loaded where {where} group by 1 order by 2 desc, 1"
    return _named([f"{text} ({number:,})" for text, number in sql.execute(query).fetchall()])


def _absent(sql: DuckDBPyConnection, key: str) -> str:
    """Name the members that the served data do not have."""
    query = f"select {key} from loaded where {key} is not null except select {key} from served order by 1"
    found = [str(row[0]) for row in sql.execute(query).fetchall()]
    return f"{len(found):,}: {_named(found)}" if found else "none"


def _named(members: Sequence[str]) -> str:
    more = len(members) - MOST_NAMED
    return "; ".join([*members[:MOST_NAMED], *([f"and {more:,} more"] if more > 0 else [])])


_PERIODS: Final = """
select coalesce(
    arg_min(period_label, period_start) || ' to ' || arg_max(period_label, period_end) || ', '
    || count(distinct (period_start, period_end)) || ' of them', 'none that can be read'
) from loaded where period_start is not null
"""
_REPEATS: Final = """
select format('{:,} rows repeat another of the same key and value', coalesce(sum(copies - 1), 0)::bigint)
from (select count(*) as copies from loaded where indicator_id is not null group by series_key, value)
"""
_SERVED: Final = """
select
    format('{:,} rows of ', count(*))
    || coalesce(string_agg(distinct source_release, ', ' order by source_release), 'no release')
from served
"""
_FILED: Final = """
select coalesce('is filed already, as ' || any_value(source_file), 'is not filed')
from served where source_file_sha256 in (select source_file_sha256 from loaded)
"""
# Of several releases the latest counts, as it does in the model.
_COMPARED: Final = """
with before as (
    select series_key, first(value order by source_release desc) as value, true as found from served group by all
),
compared as (
    select
        loaded.*, coalesce(before.found, false) as is_served, before.value as value_before,
        coalesce(before.found, false) and before.value is distinct from loaded.value as is_revised
    from loaded
    left join before using (series_key)
)
"""
_REVISIONS: Final = f"""{_COMPARED}
select format(
    '{{:,}} served already with the same value, {{:,}} with another value, {{:,}} not served yet',
    count(*) filter (where is_served and not is_revised), count(*) filter (where is_revised),
    count(*) filter (where not is_served)
)
from compared
"""
_REVISED_EXAMPLES: Final = f"""{_COMPARED}
select format(
    '{{}} {{}} {{}}: {{}}, served {{}}', indicator_id, area_code, period_label,
    coalesce(value_as_published, 'no value'), coalesce(figure(value_before), 'no value')
)
from compared where is_revised
order by source_row_number, source_column
limit 3
"""
