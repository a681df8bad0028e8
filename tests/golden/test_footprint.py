"""Sums over members: what the publisher added up, and that no order of rows changes a bit."""

from __future__ import annotations

import itertools

import pytest

MEMBERS = {
    **dict.fromkeys(("time_period", "parent_code", "child_code"), "varchar"),
    **dict.fromkeys(
        ("parent_count", "parent_denominator", "parent_value", "child_count", "child_denominator"), "double"
    ),
}


def test_published_sums_of_regions_are_reproduced(methods, aggregate_published_file, read_vectors):
    rows = [
        {name: row[name] if kind == "varchar" else float(row[name]) for name, kind in MEMBERS.items()}
        for row in read_vectors(aggregate_published_file)
    ]
    methods.table("members", MEMBERS, rows)
    found = methods.rows(f"""
        select
            {methods.sql("exact_sum", value="child_count", condition="true")} as count,
            {methods.sql("exact_sum", value="child_denominator", condition="true")} as denominator,
            any_value(parent_count) as parent_count,
            any_value(parent_denominator) as parent_denominator,
            any_value(parent_value) as parent_value
        from members group by time_period, parent_code
    """)
    assert len(found) == 9
    for each in found:
        assert (each["count"], each["denominator"]) == (each["parent_count"], each["parent_denominator"])
        assert each["count"] / each["denominator"] * 100000 == pytest.approx(each["parent_value"], rel=1e-12)


def test_no_order_of_rows_changes_a_bit(methods):
    # A sum of doubles gives three results here, depending on the order.
    numbers = (0.1, 0.2, 0.3, 1e9, 1e-8)
    total = methods.sql("exact_sum", value="x", condition="true")
    sums = set()
    for order in itertools.permutations(numbers):
        values = ", ".join(f"({number!r}::double)" for number in order)
        relation = f"(values {values}) as t(x)"
        sums |= {row["s"] for row in methods.rows(f"select {total} as s from {relation}")}
    assert sums == {1000000000.60000001}


def test_rows_that_do_not_count_are_left_out_and_nothing_is_null(methods):
    relation = "(values (1.5, true), (2.5, false), (null, true)) as t(x, wanted)"
    found = methods.rows(f"select {methods.sql('exact_sum', value='x', condition='wanted')} as s from {relation}")
    assert found == [{"s": 1.5}]
    assert methods.rows(f"select {methods.sql('exact_sum', value='x', condition='x > 9')} as s from {relation}") == [
        {"s": None}
    ]
