"""The public edition is a proper release: same tables, columns and views, with nothing left beside a withheld figure.

Whether somebody can read what it withholds is tried in ``test_attack``.
"""

from __future__ import annotations

import shutil
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from pipelines.problems import ConfigurationError, NotPublished
from pipelines.publish import public_edition
from pipelines.publish.catalogue import literal, read_columns, read_relations
from pipelines.publish.checksum import columns_by_table, content_checksum, ordered_tables, table_fingerprint
from pipelines.publish.conformance.lint import lint_file
from pipelines.publish.conformance.promises import PROMISES
from pipelines.publish.disclosure import checks
from pipelines.publish.disclosure.blanking import FLAGS
from pipelines.publish.disclosure.flags import read_cells
from pipelines.publish.disclosure.treatments import COLUMNS_FILE, read_treatments
from pipelines.publish.public_edition import (
    POLICY_TABLE,
    make_public_edition,
    public_promises,
    read_suppressed,
    write_suppressed,
)

if TYPE_CHECKING:
    from tests.disclosure.conftest import Edition

dirty = sys.modules["dirty_release"]


def ask(file: Path, sql: str, *given: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql, list(given)).fetchall()


def edited(file: Path, folder: Path, *statements: str) -> Path:
    """Return a copy of a release in which something has been changed."""
    copy = folder / "edited.duckdb"
    shutil.copy(file, copy)
    copy.chmod(0o644)
    with duckdb.connect(str(copy)) as connection:
        for statement in statements:
            connection.execute(statement)
    return copy


@pytest.mark.parametrize("edition", ["first", "real"])
def test_it_has_the_same_tables_columns_keys_comments_and_views(edition: str, request: pytest.FixtureRequest):
    made: Edition = request.getfixturevalue(edition)
    with duckdb.connect() as connection:
        for name, file in (("whole", made.whole), ("public", made.public)):
            connection.execute(f"attach {literal(str(file))} as {name} (read_only)")
        relations = [
            {one.name: one for one in read_relations(connection, name) if one.name != POLICY_TABLE}
            for name in ("whole", "public")
        ]
        columns = [
            [one for one in read_columns(connection, name) if one.relation != POLICY_TABLE]
            for name in ("whole", "public")
        ]
        assert relations[0].keys() == relations[1].keys()
        for name, one in relations[0].items():
            if one.kind == "TABLE":  # DuckDB writes the brackets of a view anew with every copy
                assert relations[1][name].sql == one.sql
            if name != "release":
                assert relations[1][name].description == one.description
        assert columns[0] == columns[1]
        assert "public edition" in str(relations[1]["release"].description)
        own = read_columns(connection, "public")
        names = columns_by_table(own)
        tables = [one.name for one in read_relations(connection, "public") if one.kind == "TABLE"]
        counted = [
            table_fingerprint(connection, "public", table, names[table]) for table in tables if table != "release"
        ]
        stated = connection.execute(
            "select table_count, row_count, content_checksum from public.main.release"
        ).fetchall()
    found = (len(tables), sum(rows for rows, _ in counted) + 1, content_checksum(text for _, text in counted))
    assert stated == [found]
    assert (made.report.row_count, made.report.content_checksum) == found[1:]


def test_the_rules_for_published_files_hold_as_well_as_in_the_release(real: Edition):
    broken = [
        {(result.rule.rule_id, one.table, one.column) for result in lint_file(file, promises=promises)
         for one in result.violations}
        for file, promises in ((real.whole, PROMISES), (real.public, public_promises(PROMISES)))
    ]  # fmt: skip
    assert broken[1] <= broken[0]


def test_relationships_still_lead_somewhere(real: Edition):
    joins = ask(real.public, "select from_table, from_column, to_table, to_column from relationships")
    assert (POLICY_TABLE, "source_key", "dim_source", "source_key") in joins
    for table, column, other, key in joins:
        lost = ask(real.public, f'select count(*) from {table} where "{column}" is not null and "{column}" not in '
                   f'(select "{key}" from {other})')  # fmt: skip
        assert lost == [(0,)], (table, column)


def test_nothing_is_left_beside_a_withheld_figure(first: Edition):
    withheld = {cell for cell in first.report.suppressed.suppressed if cell.startswith("fct_indicator_value")}
    assert len(withheld) > 100
    rows = ask(
        first.public,
        """select count(*), count(value), count(count), count(denominator), count(lower_ci_95),
        count(upper_ci_95_computed), count(value_as_published), count(value_supplied),
        count(value_note), count(england_value), count(parent_value),
        count(recent_trend_chi_squared) from fct_indicator_value where value_status_code = 'suppressed'""",
    )
    assert rows == [(len(withheld), *[0] * 11)]


def test_what_was_worked_out_from_one_is_withheld_too(first: Edition):
    keys = [key for (key,) in ask(first.public, "select indicator_value_key from fct_indicator_value "
                                                "where value_status_code = 'suppressed'")]  # fmt: skip
    found = ask(
        first.public,
        """select count(*), count(actual_value), count(gap_to_target), count(gap_in_people), count(target_value),
        count(share_of_distance), count(pace_ratio), count(forecast_value), count(is_target_met_by_point),
        list(distinct status_code), list(distinct not_assessable_reason), list(distinct value_status_code),
        list(distinct explanation)
        from fct_target_vs_actual where actual_value_key in (select unnest(?::bigint[]))
        or baseline_value_key in (select unnest(?::bigint[]))""",
        keys,
        keys,
    )[0]
    assert found[0] > 20
    assert found[1:9] == (0,) * 8
    assert found[9:12] == (["not_assessable"], ["suppressed"], ["suppressed"])
    assert len(found[12]) == 1
    assert not any(sign.isdigit() for sign in found[12][0])
    status = ask(first.public, "select distinct s.status_code from fct_target_vs_actual as t "
                 "join dim_status as s using (status_key) where t.status_code = 'not_assessable'")  # fmt: skip
    assert status == [("not_assessable",)]
    assert ask(first.public, "select count(*) from v_scorecard where actual_value is not null and status_code = "
                             "'not_assessable'") == [(0,)]  # fmt: skip


def test_records_and_texts_that_quote_figures_are_empty(first: Edition):
    assert ask(first.whole, "select count(record_json) > 0 from quarantined_row") == [(True,)]
    assert ask(first.public, "select count(record_json) + count(offending_value) from quarantined_row") == [(0,)]
    assert ask(first.public, "select count(details_json) + count(observed) from fct_data_quality_check") == [(0,)]
    assert ask(first.public, "select count(*) from release_note where regexp_matches(sentence, '[0-9]')") == [(0,)]


def test_what_is_withheld_is_nowhere_in_the_bytes_of_the_file(first: Edition, tmp_path: Path):
    secret = "quoted-nowhere-else-7391846205"
    chosen = next(iter(sorted(first.report.suppressed.suppressed)))
    cells = read_all(first.whole)
    key = next(cell.key for cell in cells if cell.table == "fct_indicator_value" and cell.reasons)
    whole = edited(first.whole, tmp_path, f"update fct_indicator_value set value_note = '{secret}' "
                                          f"where indicator_value_key = {key}", "checkpoint")  # fmt: skip
    make_public_edition(whole, tmp_path / "public.duckdb", dirty.POLICIES)
    assert chosen
    assert secret.encode() in whole.read_bytes()
    assert secret.encode() not in (tmp_path / "public.duckdb").read_bytes()


def read_all(file: Path):
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(file))} as whole (read_only)")
        return read_cells(connection, "whole", dirty.POLICIES)


def test_the_same_release_gives_the_same_edition(first: Edition, tmp_path: Path):
    again = make_public_edition(first.whole, tmp_path / "again.duckdb", dirty.POLICIES)
    assert again == first.report
    assert ordered_tables(tmp_path / "again.duckdb") == ordered_tables(first.public)


def test_its_own_memory_changes_nothing(first: Edition, tmp_path: Path):
    again = make_public_edition(first.whole, tmp_path / "again.duckdb", dirty.POLICIES, first.report.suppressed)
    assert again.suppressed == first.report.suppressed
    assert not again.exposed_before
    assert ordered_tables(tmp_path / "again.duckdb") == ordered_tables(first.public)


def test_the_memory_is_that_of_the_file_and_survives_being_kept(first: Edition, tmp_path: Path):
    assert read_suppressed(first.public) == first.report.suppressed
    write_suppressed(first.report.suppressed, tmp_path / "memory.parquet")
    assert read_suppressed(tmp_path / "memory.parquet") == first.report.suppressed


def test_what_was_withheld_once_stays_withheld(first: Edition, second: Edition):
    kept = first.report.suppressed.suppressed
    assert kept <= second.report.suppressed.suppressed
    assert not kept & second.report.suppressed.shown.keys() - first.report.suppressed.shown.keys()
    assert read_suppressed(second.public).suppressed >= kept


def test_what_an_earlier_edition_showed_is_said_to_be_lost(first: Edition, tmp_path: Path):
    none = {name: policy.model_copy(update={"method": "none", "min_count": None})
            for name, policy in dirty.POLICIES.items()}  # fmt: skip
    careless = make_public_edition(first.whole, tmp_path / "careless.duckdb", none)
    assert not careless.suppressed.suppressed
    report = make_public_edition(first.whole, tmp_path / "late.duckdb", dirty.POLICIES, careless.suppressed)
    primary = sum(one.primary for one in report.by_source.values())
    assert len(report.exposed_before) >= primary > 0
    assert "cannot be taken back" in " ".join(report.sentences())


def test_the_table_of_policies_counts_without_telling_small_figures_from_others(first: Edition):
    rows = ask(first.public, f"select source_id, method, min_count, suppressed_values from {POLICY_TABLE} order by 1")
    withheld = first.report.by_source
    assert rows == [
        (source, "threshold", 8, one.primary + one.inherited + one.secondary)
        for source, one in sorted(withheld.items())
    ]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("alter table fct_indicator_value add column people_below integer", "fct_indicator_value.people_below"),
        ("create table fct_small (n integer)", "fct_small.n"),
    ],
)
def test_a_column_for_which_nobody_has_decided_stops_it(first: Edition, tmp_path: Path, statement: str, named: str):
    whole = edited(first.whole, tmp_path, "drop table if exists fct_small", statement)
    with pytest.raises(NotPublished, match="Nobody has decided") as refused:
        make_public_edition(whole, tmp_path / "public.duckdb", dirty.POLICIES)
    assert named in str(refused.value)
    assert "columns.yml" in str(refused.value)
    assert not (tmp_path / "public.duckdb").exists()


def test_a_source_without_a_policy_stops_it(first: Edition, tmp_path: Path):
    policies = {"dirty": dirty.THRESHOLD}
    with pytest.raises(NotPublished, match="No disclosure policy is declared for dirty_copy"):
        make_public_edition(first.whole, tmp_path / "public.duckdb", policies)


def test_a_file_that_still_shows_a_small_count_is_refused(
    first: Edition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    nobody: frozenset[int] = frozenset()
    decide = public_edition.decide

    def forgetful(*given):
        decision = decide(*given)
        return type(decision)(nobody, nobody, nobody, nobody, nobody, nobody, {})

    monkeypatch.setattr(public_edition, "decide", forgetful)
    with pytest.raises(NotPublished, match="would show small counts") as refused:
        make_public_edition(first.whole, tmp_path / "public.duckdb", dirty.POLICIES)
    assert "more" in str(refused.value)
    assert not list(tmp_path.glob("public*"))


def test_a_file_with_something_left_beside_a_withheld_figure_is_refused(first: Edition):
    cells = read_all(first.whole)
    withheld = frozenset(i for i, cell in enumerate(cells) if cell.reasons)
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(first.whole))} as whole (read_only)")
        with pytest.raises(NotPublished, match="something left beside them") as refused:
            checks.require_all_empty(connection, "whole", read_treatments(), cells, withheld)
    assert "fct_indicator_value.lower_ci_95" in str(refused.value)


def test_rounding_rounds_counts_and_what_is_worked_out_from_them(first: Edition, tmp_path: Path):
    rounding = dirty.THRESHOLD.model_copy(update={"method": "round", "round_to": 5})
    make_public_edition(first.whole, tmp_path / "public.duckdb", {"dirty": rounding, "dirty_copy": rounding})
    shown = ask(tmp_path / "public.duckdb", "select count(*), count_if(count % 5 <> 0 or denominator % 5 <> 0), "
                "max(abs(value - 100 * count / denominator)), count(lower_ci_95), list(distinct value_basis_code) "
                "from fct_indicator_value where indicator_id = 'dirty.cases' and value is not null")[0]  # fmt: skip
    assert shown[0] > 100
    assert shown[1] == 0
    assert shown[2] < 1e-9
    assert shown[3:] == (0, ["rounded_count"])
    assert ask(tmp_path / "public.duckdb", "select count(actual_value) from fct_target_vs_actual") == [(0,)]


def test_only_levels_that_the_policy_names_are_flagged(first: Edition, tmp_path: Path):
    policy = dirty.THRESHOLD.model_copy(update={"levels": ("locality",)})
    report = make_public_edition(first.whole, tmp_path / "p.duckdb", {"dirty": policy, "dirty_copy": policy})
    small = [cell for cell in read_all(first.whole) if cell.reasons]
    wanted = sum(cell.area_type == "locality" for cell in small)
    assert sum(one.primary for one in report.by_source.values()) == wanted
    assert 0 < wanted < len(small)


def test_every_flag_and_column_of_the_list_is_known(real: Edition):
    treatments = read_treatments()
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(real.whole))} as whole (read_only)")
        columns = read_columns(connection, "whole")
        required = connection.execute(
            "select table_name, column_name from duckdb_columns() where database_name = 'whole' and not is_nullable"
        ).fetchall()
    names = columns_by_table(columns)
    for table, treatment in treatments.tables.items():
        assert treatment.flags <= FLAGS.get(table, {}).keys(), table
        for column in treatment.blank:
            assert (table, column) not in required, f"{table}.{column} may not be empty: drop the row, or fix a content"
    # A flag that nothing uses would protect nothing.
    assert all(FLAGS[table].keys() <= treatments.tables[table].flags | {"rounded"} for table in FLAGS)
    assert set(names["fct_indicator_value"]) >= treatments.tables["fct_indicator_value"].rounding


def test_two_decisions_for_one_column_are_refused(tmp_path: Path):
    content = yaml.safe_load(COLUMNS_FILE.read_text("utf-8"))
    content["tables"]["dim_status"]["always"] = ["status_label"]
    (tmp_path / "columns.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="status_label: two decisions"):
        read_treatments(tmp_path / "columns.yml")


def test_the_real_data_take_less_than_the_budget(real: Edition):
    print(f"\npublic edition of the real data: {real.seconds:.1f} s; {real.report.reasons}; {real.report.derived}")
    assert dirty.THRESHOLD.review_date > date(2026, 1, 1)
    assert real.report.by_source["fingertips"].primary
    assert real.report.by_source["ukhsa_bacteraemia_tables"].primary
