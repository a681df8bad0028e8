"""What tools and people find beside figures: keys of days, the newest period, figures as text, everything joined."""

from __future__ import annotations

import datetime as dt
import itertools

import duckdb
import pytest

DIMENSIONS = {
    "dim_area": "area_name",
    "dim_commitment": "title",
    "dim_date": "month_name",
    "dim_due_date": "month_name",
    "dim_framework": "framework",
    "dim_indicator": "indicator_name",
    "dim_period": "period_label",
    "dim_period_end_date": "month_name",
    "dim_period_start_date": "month_name",
    "dim_population_group": "population_group",
    "dim_published_date": "month_name",
    "dim_source": "source_title",
    "dim_status": "status_label",
    "dim_value_basis": "value_basis_label",
    "dim_value_status": "value_status_label",
}
"""Every dimension and the column that names its members."""

DAYS = {
    "dim_period": {"period_start_date_key": "period_start", "period_end_date_key": "period_end"},
    "fct_milestone": {
        "due_date_key": "due_date",
        "recorded_date_key": "recorded_on",
        "completed_date_key": "completed_on",
    },
    "fct_target": {"due_date_key": "due_date"},
    "fct_target_vs_actual": {"due_date_key": "due_date"},
    "v_actual_vs_target": {"due_date_key": "due_date", "period_end_date_key": "period_end"},
    "v_trend": {"period_start_date_key": "period_start", "period_end_date_key": "period_end"},
}
"""Table -> key of a day -> the day."""


def test_every_dimension_has_a_member_for_what_is_unknown_and_one_for_what_does_not_apply(rows):
    found = rows("""
        select table_name from information_schema.tables
        where table_schema = 'main' and starts_with(table_name, 'dim_')
    """)
    assert {row["table_name"] for row in found} == set(DIMENSIONS)
    for table, name in DIMENSIONS.items():
        key = next(iter(rows(f"from {table} limit 1")[0]))
        members = rows(f"select {key} as key, {name} as name from {table} where {key} < 0 order by {key} desc")
        assert members == [{"key": -1, "name": "Unknown"}, {"key": -2, "name": "Not applicable"}], table


# Days.


def test_the_calendar_has_every_day_of_whole_years(rows):
    days = [row["full_date"] for row in rows("select full_date from dim_date where date_key > 0 order by date_key")]
    assert (days[0].month, days[0].day, days[-1].month, days[-1].day) == (1, 1, 12, 31)
    assert all(after - before == dt.timedelta(days=1) for before, after in itertools.pairwise(days))
    dates = rows("""
        select table_name, column_name from information_schema.columns
        where table_schema = 'main' and data_type = 'DATE' and table_name <> 'dim_date'
    """)
    assert len(dates) > 30
    for date in dates:
        beyond = "{column_name} < ? or {column_name} > ?".format(**date)
        outside = rows(f"select count(*) as n from {date['table_name']} where {beyond}", days[0], days[-1])
        assert outside == [{"n": 0}], date


@pytest.mark.parametrize(("table", "key"), [(table, key) for table, keys in DAYS.items() for key in keys])
def test_a_key_of_a_day_is_the_day_itself(rows, table, key):
    found = rows(f"select {key} as key, {DAYS[table][key]} as day from {table}")
    dated = [row for row in found if row["day"] is not None]
    assert dated or key == "completed_date_key"
    assert all(row["key"] == int(f"{row['day']:%Y%m%d}") for row in dated)
    assert {row["key"] for row in found if row["day"] is None} <= {-1, -2}
    days = {row["date_key"] for row in rows("select date_key from dim_date")}
    assert {row["key"] for row in found} <= days


@pytest.mark.parametrize("role", ["period_start", "period_end", "due", "published"])
def test_each_role_of_the_calendar_is_the_calendar_under_the_name_of_the_key(rows, role):
    plain = rows("from dim_date order by date_key")
    in_role = rows(f"from dim_{role}_date order by {role}_date_key")
    assert [row | {"date_key": row.pop(f"{role}_date_key")} for row in in_role] == plain


def test_the_middle_of_a_period_lies_in_its_middle(rows):
    found = {
        row["period_label"]: row["period_mid_date"]
        for row in rows("select period_label, period_mid_date from dim_period where period_type = 'calendar'")
    }
    assert found["2024"] == dt.date(2024, 7, 1)
    assert found["2022 - 24"] == dt.date(2023, 7, 2)


def test_an_action_is_completed_on_a_day_on_an_unknown_day_or_not_at_all(rows):
    found = rows("""
        select distinct milestone_state, completed_on is not null as has_day, sign(completed_date_key) as sign,
            case when completed_date_key < 0 then completed_date_key end as absent
        from fct_milestone
    """)
    for row in found:
        done = row["milestone_state"] in {"done", "done_late"}
        if not row["has_day"]:
            assert row["absent"] == (-1 if done else -2), row
    assert {row["milestone_state"] for row in found} >= {"done", "done_late", "overdue", "unknown"}
    assert {row["absent"] for row in found} == {None, -1, -2}


def test_the_day_of_publication_is_that_of_the_release(rows):
    found = rows("select distinct source_release, published_date_key from fct_indicator_value")
    assert found
    for row in found:
        year, month = row["source_release"].split("-")[:2]
        assert row["published_date_key"] == int(f"{year}{month}01"), row


# The newest period.


def test_the_newest_period_of_a_series_has_the_flag_even_without_a_value(rows):
    found = rows("""
        select period_label, is_latest, value, is_suppressed from v_trend
        where indicator_id = 'fingertips.latest_suppressed' order by period_label
    """)
    assert [tuple(row.values()) for row in found] == [("2015", 0, 18, 0), ("2023", 0, 12, 0), ("2024", 1, None, 1)]


def test_years_and_pooled_years_each_have_a_newest_period(rows):
    found = rows("""
        select period_label from v_trend
        where indicator_id = 'fingertips.pooled_as_named' and is_latest = 1 order by period_label
    """)
    assert [row["period_label"] for row in found] == ["2022 - 24", "2024"]


def test_each_series_has_one_newest_period_and_it_is_the_newest(rows):
    found = rows("""
        select v.indicator_key, v.area_key, v.population_group_key, p.period_months, p.period_end, v.is_latest
        from fct_indicator_value as v inner join dim_period as p on v.period_key = p.period_key
    """)
    series = {}
    for row in found:
        *key, end, is_latest = row.values()
        series.setdefault(tuple(key), []).append((end, is_latest))
    assert any(len(periods) > 1 for periods in series.values())
    for key, periods in series.items():
        assert [end for end, is_latest in periods if is_latest] == [max(periods)[0]], key
    latest = rows("select indicator_value_key from v_indicator_latest")
    assert len(latest) == len(series)


def test_the_scorecard_may_show_an_earlier_period_than_the_newest(rows):
    found = rows("""
        select period_label, is_latest, is_scorecard_period from v_actual_vs_target
        where commitment_id = 'latest_suppressed' order by period_label
    """)
    assert [tuple(row.values()) for row in found][-2:] == [("2023", 0, 1), ("2024", 1, 0)]


# Figures as text.


@pytest.mark.parametrize(
    ("commitment", "actual", "target", "baseline"),
    [
        ("a_falls_fast", "12.0 per 100,000", "5.0 per 100,000", "18.0 per 100,000"),
        ("gap_of_two", "15.0 percentage points", "20.0 percentage points", "20.0 percentage points"),
        ("gap_to_a_level", "15.0 percentage points", "12.0 percentage points", "20.0 percentage points"),
        ("all_suppressed", "[c]", "5.0 per 100,000", "[x]"),
        ("goal_withheld", "[c]", "[z]", "[x]"),
    ],
)
def test_figures_of_the_scorecard_as_text(rows, commitment, actual, target, baseline):
    found = rows(
        """
        select actual_formatted, target_formatted, baseline_formatted
        from v_scorecard where commitment_id = ? and place_role = 'signed'
        """,
        commitment,
    )
    assert [tuple(row.values()) for row in found] == [(actual, target, baseline)]


def test_an_action_has_no_figures_and_what_is_not_known_says_so(rows):
    found = rows("""
        select distinct d.status_family, s.actual_value is null as no_actual, s.actual_formatted, s.target_formatted
        from v_scorecard as s inner join dim_status as d on s.status_key = d.status_key
        where s.actual_value is null
    """)
    of_actions = {(r["actual_formatted"], r["target_formatted"]) for r in found if r["status_family"] == "milestone"}
    assert of_actions == {("[z]", "[z]")}
    others = {r["actual_formatted"] for r in found if r["status_family"] == "overall"}
    assert others == {"[x]", "[c]"}


@pytest.mark.parametrize("view", ["v_trend", "v_indicator_latest", "v_commitment_breakdown"])
def test_every_value_has_a_text_that_agrees_with_it(rows, view):
    found = rows(f"""
        select x.value, x.value_formatted, x.unit_suffix, x.decimal_places, s.shorthand, x.is_suppressed, s.has_value
        from {view} as x inner join dim_value_status as s on x.value_status_code = s.value_status_code
    """)
    assert found
    for row in found:
        if row["value"] is None:
            assert row["value_formatted"] == row["shorthand"] != ""
        else:
            bare = row["value_formatted"].removesuffix(row["shorthand"] or "").strip()
            number = bare.removesuffix(row["unit_suffix"] or "")
            assert float(number.replace(",", "")) == pytest.approx(
                row["value"], abs=0.51 * 10 ** -row["decimal_places"]
            )
        assert row["is_suppressed"] == (row["shorthand"] == "[c]")


def test_a_mark_on_a_value_stands_behind_it(rows):
    found = rows("""
        select distinct value_status_code, value_formatted from v_trend
        where value is not null and value_status_code <> 'present'
    """)
    assert found
    assert all(row["value_formatted"].endswith(("[e]", "[u]", "[r]")) for row in found)


def test_a_status_is_a_symbol_and_words_and_a_colour(rows):
    found = rows("""
        select distinct status_text, status_symbol, status_label, status_hex, status_colour from v_actual_vs_target
    """)
    assert len(found) > 10
    for row in found:
        assert row["status_text"] == f"{row['status_symbol']} {row['status_label']}"
        assert row["status_hex"] == row["status_colour"]
        assert len(row["status_hex"]) == len("#000000")


def test_polarity_in_words(rows):
    found = {row["polarity"]: row["polarity_label"] for row in rows("select polarity, polarity_label from v_trend")}
    assert found == {
        "high_is_good": "High is good",
        "low_is_good": "Low is good",
        "no_judgement": "No judgement",
    }


# Everything joined.


def test_every_scored_period_is_joined_to_its_labels_once(rows):
    wide = rows("from v_actual_vs_target order by target_vs_actual_key")
    scored = {row["target_vs_actual_key"]: row for row in rows("from fct_target_vs_actual")}
    assert [row["target_vs_actual_key"] for row in wide] == sorted(scored)
    for row in wide:
        source = scored[row["target_vs_actual_key"]]
        shared = row.keys() & source.keys()
        assert len(shared) > 40
        assert {column: row[column] for column in shared} == {column: source[column] for column in shared}
    assert any(row["is_scorecard_period"] == 0 for row in wide)


def test_the_scorecard_is_a_part_of_it(rows):
    wide = {row["target_vs_actual_key"]: row for row in rows("from v_actual_vs_target")}
    scorecard = rows("from v_scorecard")
    assert scorecard
    for row in scorecard:
        of_the_wide = wide[row["target_vs_actual_key"]]
        assert {key: value for key, value in row.items() if key != "groups_scored"} == {
            key: of_the_wide[key] for key in row if key != "groups_scored"
        }


# The dictionary.


@pytest.fixture(scope="module")
def dictionary(published):
    """Return the published data dictionary: (table, column) to its row."""
    with duckdb.connect(str(published), read_only=True) as connection:
        found = connection.execute("from data_dictionary")
        names = [column[0] for column in found.description or ()]
        entries = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {(entry["table_name"], entry["column_name"]): entry for entry in entries}


@pytest.mark.parametrize(
    ("table", "column", "rule", "unit"),
    [
        ("fct_indicator_value", "value", "none", "unit of the indicator"),
        ("v_trend", "value", "none", "unit of the indicator"),
        ("v_trend", "denominator", "semi_additive", "people or events, as the indicator counts them"),
        ("v_scorecard", "gap_in_people", "semi_additive", "people"),
        ("v_scorecard", "is_counted", "flag", None),
        ("fct_standardised_value", "events", "semi_additive", "events"),
        ("fct_inequality", "relative_gap", "none", "ratio"),
        ("fct_inequality", "slope_index", "none", "unit of the indicator"),
        ("fct_data_quality_check", "rows_failed", "none", "rows"),
        ("v_data_quality", "passed_checks", "sum", "checks"),
        ("v_coverage", "commitments", "sum", "commitments"),
        ("source_load", "landed_rows", "sum", "rows"),
        ("dim_date", "calendar_year", "label", None),
        ("dim_due_date", "due_date_key", "key", None),
        ("v_actual_vs_target", "actual_formatted", "label", None),
    ],
)
def test_the_dictionary_says_how_a_column_may_be_added_up(dictionary, table, column, rule, unit):
    entry = dictionary[table, column]
    assert (entry["aggregation_rule"], entry["unit"]) == (rule, unit)
    assert entry["can_sum"] == (1 if rule in {"sum", "flag"} else 0)


def test_nothing_but_counts_of_rows_and_flags_may_be_summed(dictionary):
    summed = {column for (_, column), entry in dictionary.items() if entry["can_sum"]}
    counts = {column for column in summed if column.endswith(("_rows", "_checks"))} | {"commitments", "files"}
    flags = {column for column in summed if column.startswith(("is_", "has_", "can_"))}
    assert summed == counts | flags


def test_an_example_is_a_value_of_its_column(dictionary, rows):
    examples = {key: entry["example"] for key, entry in dictionary.items()}
    assert examples["dim_status", "status_code"] == "achieved"
    assert examples["dim_value_status", "shorthand"] == "[c]"
    assert examples["v_trend", "value_formatted"].startswith(("0", "1"))
    present = [key for key, example in examples.items() if example is not None]
    looked_at = [key for key in present if key[0].startswith(("dim_", "fct_"))]
    assert len(looked_at) > 300
    for table, column in looked_at:
        shown = examples[table, column].removesuffix("…")
        found = rows(f"select 1 as n from {table} where starts_with(cast({column} as varchar), ?) limit 1", shown)
        assert found, (table, column, shown)


def test_joins_to_each_role_of_the_calendar_are_listed(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        found = connection.execute("""
            select from_table, from_column, to_table from relationships where ends_with(to_column, 'date_key')
        """).fetchall()
    assert set(found) == {
        ("dim_period", "period_end_date_key", "dim_date"),
        ("dim_period", "period_start_date_key", "dim_date"),
        ("fct_indicator_value", "period_end_date_key", "dim_period_end_date"),
        ("fct_indicator_value", "period_start_date_key", "dim_period_start_date"),
        ("fct_indicator_value", "published_date_key", "dim_published_date"),
        ("fct_milestone", "completed_date_key", "dim_date"),
        ("fct_milestone", "due_date_key", "dim_due_date"),
        ("fct_milestone", "recorded_date_key", "dim_date"),
        ("fct_revision", "first_seen_date_key", "dim_date"),
        ("fct_target", "due_date_key", "dim_due_date"),
        ("fct_target_vs_actual", "due_date_key", "dim_due_date"),
        ("fct_target_vs_actual", "period_end_date_key", "dim_period_end_date"),
    }
