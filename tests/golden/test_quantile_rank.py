"""Quantiles by rank: the groups of the R package's own tests, and the edges of the rule."""

from __future__ import annotations

from collections import Counter

import pytest

QUANTILES = {"IndSexReg": 10, "IndSex": 7, "None": 4}
"""Number of quantiles of each set of groups, from the provenance of the vectors."""
INVERTED = {"RAG - Low is good": True, "True": True, "RAG - High is good": False, "False": False}


def integer(text):
    return None if text is None else int(text)


def group_of(row):
    """Return what a row is ranked among."""
    within = {"IndSexReg": ("IndSexRef", "ParentCode"), "IndSex": ("IndSexRef",), "None": ()}
    return (row["GroupSet"], *(row[name] for name in within[row["GroupSet"]]))


@pytest.fixture
def ranked(methods, quantiles_r_file, read_vectors):
    """Rows of the vectors, with rank and number of values counted from the values, in a table ``ranked``.

    A group of which only a selection is at hand keeps the rank and number that the vectors give.
    """
    rows = [
        {
            "i": i,
            "value": None if row["Value"] is None else float(row["Value"]),
            "in_group": " ".join(group_of(row)),
            # One call, one direction: where the flag varies inside a group, the vectors took it as set.
            "is_inverted": INVERTED[row["Polarity"]] or row["Test"] == "BadPolarity" or row["GroupSet"] == "None",
            "quantiles": QUANTILES[row["GroupSet"]],
            "rank_given": integer(row["RankinGrp"]),
            "rows_given": integer(row["RowsInGrp"]),
            "expected": integer(row["QuantileInGrp"]),
        }
        for i, row in enumerate(read_vectors(quantiles_r_file))
    ]
    columns = {
        **dict.fromkeys(("i", "quantiles", "rank_given", "rows_given", "expected"), "integer"),
        "value": "double",
        "in_group": "varchar",
        "is_inverted": "boolean",
    }
    methods.table("vectors", columns, rows)
    methods.connection.execute("""
        create or replace table ranked as
        select
            *,
            case when value is not null then rank() over direction end as rank_counted,
            count(value) over (partition by in_group) as rows_counted,
            coalesce(rows_counted = max(rows_given) over (partition by in_group), false) as is_whole
        from vectors
        window direction as (
            partition by in_group order by case when is_inverted then -value else value end nulls last
        )
    """)
    return rows


def test_quantiles_of_the_r_package_are_reproduced(methods, ranked):
    found = methods.over("ranked", "i", "quantile_rank", rank="rank_given", rows="rows_given", quantiles="quantiles")
    assert found == [row["expected"] for row in ranked]
    assert (len(ranked), len({row["in_group"] for row in ranked})) in ((195, 10), (1017, 23))


def test_rank_and_number_of_values_are_counted_as_the_r_package_does(methods, ranked):
    found = methods.rows("""
        select in_group, bool_and(rank_counted is not distinct from rank_given) as agrees
        from ranked where is_whole group by in_group
    """)
    assert all(row["agrees"] for row in found)
    whole = methods.rows("select * from ranked where is_whole order by i")
    computed = methods.over(
        "(select * from ranked where is_whole)",
        "i",
        "quantile_rank",
        rank="rank_counted",
        rows="rows_counted",
        quantiles="quantiles",
    )
    assert computed == [row["expected"] for row in whole]
    assert len(found) == (23 if len(ranked) == 1017 else 9)


@pytest.mark.parametrize(
    ("rank", "rows", "quantiles", "quantile"),
    [
        (1, 10, 10, 1),
        (10, 10, 10, 10),
        (1, 9, 10, None),
        (9, 9, 10, None),
        (1, 11, 10, 1),
        (2, 11, 10, 1),
        (3, 11, 10, 2),
        (11, 11, 10, 10),
        (1, 4, 4, 1),
        (4, 4, 4, 4),
        (1, 3, 4, None),
        (2, 8, 4, 1),
        (3, 8, 4, 2),
        (8, 8, 4, 4),
        (5, 5, 1, 1),
        # On a boundary that N / k as a double misses: 17 values from the end of 34 are seven fourteenths.
        (18, 34, 14, 8),
        (None, 10, 4, None),
        (1, None, 4, None),
        (1, 0, 4, None),
    ],
)
def test_edges_of_the_rule(methods, rank, rows, quantiles, quantile):
    assert methods.value("quantile_rank", rank=rank, rows=rows, quantiles=quantiles) == quantile


@pytest.mark.parametrize(("rows", "quantiles"), [(20, 5), (23, 5), (100, 10), (37, 4), (32844, 10)])
def test_without_ties_quantiles_differ_by_at_most_one_value(methods, rows, quantiles):
    methods.connection.execute(f"create or replace table ranks as select r from range(1, {rows} + 1) as ranks(r)")
    found = methods.over("ranks", "r", "quantile_rank", rank="r", rows=str(rows), quantiles=str(quantiles))
    sizes = Counter(found)
    assert sorted(sizes) == list(range(1, quantiles + 1))
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert found == sorted(found)
