"""Recent trend as Fingertips computes it: published and unit-test series through the whole model, and its edges."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict

import pytest

POLARITY = {
    "0": "low_is_good",
    "1": "high_is_good",
    "Low is good": "low_is_good",
    "High is good": "high_is_good",
}
SERIES = ("indicator_id", "area_code", "sex", "age", "category_type", "category")
VALUES = {
    "value_key": "bigint",
    **dict.fromkeys((*SERIES, "area_type", "polarity", "source_id", "source_table"), "varchar"),
    "series_number": "smallint",
    "period_type": "varchar",
    "period_label": "varchar",
    "period_end": "date",
    "period_months": "integer",
    **dict.fromkeys(
        (
            "value",
            "lower_ci_95",
            "upper_ci_95",
            "lower_ci_95_computed",
            "upper_ci_95_computed",
            "count",
            "denominator",
        ),
        "double",
    ),
}
INDICATORS = {"id": "varchar", "value_type": "varchar", "multiplier": "integer"}
TOTAL = {
    "area_code": "area",
    "area_type": "district",
    "sex": "Persons",
    "age": "All ages",
    "category_type": "Total",
    "category": "Total",
    "series_number": 1,
    "period_type": "calendar_year",
    "source_id": "source",
    "source_table": "csv",
}
RULES = [
    {"trend_method": "counts_for_proportions"},
    {"source_id": "source", "source_table": "database", "trend_method": "limits_for_all"},
]


@pytest.fixture
def run_trends(methods):
    """Run the model over points and return its rows in their order, an empty one for a point that carries no trend."""
    sql = methods.model("intermediate/int_recent_trends__computed.sql")
    is_count_numerator = methods.sql(
        "is_count_numerator",
        value_type="i.value_type",
        value="v.value",
        count="v.count",
        denominator="v.denominator",
        multiplier="i.multiplier",
        as_published="null",
    )

    def run(points, indicators):
        rows = [
            {**TOTAL, "period_months": 12, "period_label": str(point["period_end"].year), **point, "value_key": key}
            for key, point in enumerate(points)
        ]
        methods.table("points", VALUES, rows)
        methods.table("indicators", INDICATORS, indicators)
        methods.table("trend_rules", dict.fromkeys(("source_id", "source_table", "trend_method"), "varchar"), RULES)
        methods.connection.execute(f"""
            create or replace table int_indicator_values__valued as
            select v.*, i.value_type, {is_count_numerator} as is_count_numerator
            from points as v inner join indicators as i on v.indicator_id = i.id
        """)
        found = {row["value_key"]: row for row in methods.rows(f"select * from ({sql})")}
        return [found.get(key, {}) for key in range(len(points))]

    return run


@pytest.fixture
def trends(run_trends):
    """Run the model over points and return the computed trend of each, in their order."""
    return lambda points, indicators: [row.get("recent_trend_computed") for row in run_trends(points, indicators)]


def number(text):
    return None if text is None else float(text)


def point(row, **fields):
    return {
        "value": number(row["value"]),
        "lower_ci_95": number(row["lower95"]),
        "upper_ci_95": number(row["upper95"]),
        "count": number(row["count"]),
        "denominator": number(row["denominator"]),
        **fields,
    }


def last_of_each_series(points, found):
    """Return the trend on the newest point of each series, and check that no other point carries one."""
    newest = {}
    for each, trend in zip(points, found, strict=True):
        key = tuple(each[name] for name in SERIES)
        if key not in newest or each["period_end"] > newest[key][0]:
            assert newest.get(key, (None, None))[1] is None
            newest[key] = (each["period_end"], trend)
        else:
            assert trend is None
    return {key: trend for key, (_, trend) in newest.items()}


def test_published_trends_are_reproduced(trends, trend_published_file, read_vectors):
    rows = read_vectors(trend_published_file)
    points, expected = [], {}
    for row in rows:
        group = {name: row[name] for name in ("indicator_id", "area_code", "sex", "age")}
        group |= {name: row[name] or "Total" for name in ("category_type", "category")}
        # The year of 2021/22 ends in 2022; only the order matters.
        end = dt.date(int(row["sortable"][:4]) + 1, 3, 31)
        points.append(point(row, **group, period_end=end, polarity=POLARITY[row["polarity_id"]]))
        expected[tuple(group[name] for name in SERIES)] = row["expected_published"]
    indicators = [
        {"id": one, "value_type": "proportion", "multiplier": 100} for one in {row["indicator_id"] for row in rows}
    ]

    found = last_of_each_series(points, trends(points, indicators))

    assert found == expected
    assert len(found) >= 20


def test_series_of_the_engines_own_tests_are_reproduced(trends, trend_unit_file, read_vectors):
    by_series = defaultdict(list)
    for row in read_vectors(trend_unit_file):
        by_series[row["series_id"]].append(row)
    points, indicators, expected = [], [], {}
    for series, rows in by_series.items():
        for value_type, marker in methods_of(rows[0]):
            indicator = f"{series} {value_type}"
            # The files do not say per how many: it is the power of ten that turns the share into the value.
            share = float(rows[-2]["count"]) / float(rows[-2]["denominator"])
            multiplier = 10 ** round(math.log10(float(rows[-2]["value"]) / share))
            indicators.append({"id": indicator, "value_type": value_type, "multiplier": multiplier})
            polarity = POLARITY.get(rows[0]["polarity"] or "")
            fields = {"indicator_id": indicator, "polarity": polarity}
            points += [point(row, **TOTAL, **fields, period_end=dt.date(int(row["year"]), 12, 31)) for row in rows]
            expected[indicator] = label(marker, polarity)

    found = last_of_each_series(points, trends(points, indicators))

    assert {key[0]: trend for key, trend in found.items()} == expected
    assert len(expected) == 10


def methods_of(row):
    """Return the value types under which a series is run, each with the direction that the file gives for it."""
    declared = row["value_type"]
    if "/" in declared:
        return [("proportion", row["marker_prop"]), ("crude_rate", row["marker_wls"])]
    # The rewrite of Fingertips weighs every type by its limits; the live service, and we, count proportions.
    return [("proportion", row["marker_prop"])] if declared == "Proportion" else [("crude_rate", row["marker_wls"])]


def label(marker, polarity):
    if marker == "NaN":
        return "Cannot be calculated"
    if polarity is None or marker == "No significant change":
        return marker
    good = (marker == "Increasing") == (polarity == "high_is_good")
    return f"{marker} and getting {'better' if good else 'worse'}"


RATE = {"id": "rate", "value_type": "crude_rate", "multiplier": 100000}
SHARE = {"id": "share", "value_type": "proportion", "multiplier": 100}


def rates(values, half_width=1.0, **fields):
    return [
        {
            "indicator_id": "rate",
            "polarity": "low_is_good",
            "period_end": dt.date(2020 + i, 12, 31),
            "value": float(value),
            "lower_ci_95": value - half_width,
            "upper_ci_95": value + half_width,
            **fields,
        }
        for i, value in enumerate(values)
        if value is not None
    ]


def shares(counts, denominator=1000.0, **fields):
    return [
        {
            "indicator_id": "share",
            "polarity": "high_is_good",
            "period_end": dt.date(2020 + i, 12, 31),
            "value": count / denominator * 100,
            "count": float(count),
            "denominator": denominator,
            **fields,
        }
        for i, count in enumerate(counts)
    ]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param(rates([10, 12, 14, 16, 18]), "Increasing and getting worse", id="rising"),
        pytest.param(rates([18, 16, 14, 12, 10]), "Decreasing and getting better", id="falling"),
        pytest.param(rates([18, 16, 14, 12, 10], polarity="no_judgement"), "Decreasing", id="no judgement"),
        pytest.param(rates([10, 10, 10, 10, 10]), "No significant change", id="flat"),
        pytest.param(rates([10, 12, 14, 16]), "Cannot be calculated", id="four points"),
        pytest.param(rates([90, 10, 12, 14, 16, 18]), "Increasing and getting worse", id="only the newest five count"),
        pytest.param(rates([10, 12, None, 14, 16, 18]), "Increasing and getting worse", id="a hole is stepped over"),
        # Without the last point the slope is downward; with it, upward and significant.
        pytest.param(rates([14, 13, 12, 11, 40]), "No significant change", id="one point makes the slope"),
        pytest.param(rates([10, 12, 14, 16, 18], half_width=0.0), "Cannot be calculated", id="limits without width"),
        pytest.param(rates([10, 12, 14, 16, 18], lower_ci_95=None), "Cannot be calculated", id="no limits"),
        pytest.param(rates([10, 12, 14, 16, 18], period_months=36), "Cannot be calculated", id="pooled periods"),
        pytest.param(rates([10, 12, 14, 16, 18], period_months=3), "Cannot be calculated", id="quarters"),
        pytest.param(shares([500, 540, 580, 620, 660]), "Increasing and getting better", id="share rising"),
        pytest.param(shares([500, 540, 580, 620, 1000]), "Cannot be calculated", id="a count equals its denominator"),
        pytest.param(shares([0, 540, 580, 620, 660]), "Cannot be calculated", id="a count of nought"),
        pytest.param(
            shares([500, 540, 580, 620, 660], value=25.0), "Cannot be calculated", id="counts of something else"
        ),
        pytest.param(shares([5e7, 5.4e7, 5.8e7, 6.2e7, 6.6e7], 1e8), "Increasing and getting better", id="England"),
        pytest.param(
            rates([10, 12, 14, 16], series_number=1) + rates([None] * 4 + [18], series_number=3),
            "Cannot be calculated",
            id="a break before the last point",
        ),
        pytest.param(
            rates([90], series_number=1) + rates([None, 10, 12, 14, 16, 18], series_number=3),
            "Increasing and getting worse",
            id="five points since the break",
        ),
        pytest.param(
            rates([10, 12, 14, 16], area_type="ccg") + rates([None] * 4 + [18], area_type="sub_icb_location"),
            "Cannot be calculated",
            id="one code under two types",
        ),
    ],
)
def test_edges_of_the_trend(trends, points, expected):
    assert trends(points, [RATE, SHARE])[-1] == expected
    assert trends(points, [RATE, SHARE])[:-1] == [None] * (len(points) - 1)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        pytest.param(rates([10, 12, 14, 16]), "fewer_than_five_points", id="four points"),
        pytest.param(rates([10, 12, 14, 16, 18], period_months=36), "period_is_not_one_year", id="pooled"),
        pytest.param(rates([10, 12, 14, 16, 18], lower_ci_95=None), "no_limits", id="no limits"),
        pytest.param(rates([10, 12, 14, 16, 18], half_width=0.0), "limits_without_width", id="limits without width"),
        pytest.param(shares([500, 540, 580, 620, 660], count=None), "no_counts", id="no counts"),
        pytest.param(
            rates([10, 12, 14, 16, 18], source_table="database"), "no_counts", id="the database extract asks for counts"
        ),
        pytest.param(shares([500, 540, 580, 620, 660], value=25.0), "count_is_not_numerator", id="other counts"),
        pytest.param(shares([500, 540, 580, 620, 1000]), "count_is_none_or_all", id="everybody"),
        pytest.param(shares([0, 540, 580, 620, 660]), "count_is_none_or_all", id="nobody"),
        pytest.param(rates([10, 12, 14, 16, 18]), None, id="a trend"),
        pytest.param(
            rates(
                [10, 12, 14, 16, 18],
                lower_ci_95=None,
                upper_ci_95=None,
                lower_ci_95_computed=9.0,
                upper_ci_95_computed=11.0,
            ),
            None,
            id="limits of our own",
        ),
    ],
)
def test_a_trend_that_cannot_be_calculated_says_why(run_trends, points, reason):
    *_, last = run_trends(points, [RATE, SHARE])
    assert last["no_trend_reason"] == reason
    assert (last["recent_trend_computed"] == "Cannot be calculated") is (reason is not None)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        # By the counts this is a clear rise; the limits are so wide that it is none.
        pytest.param(
            shares([500, 540, 580, 620, 660], lower_ci_95=20.0, upper_ci_95=90.0), "No significant change", id="wide"
        ),
        pytest.param(
            shares([500, 540, 580, 620, 660], lower_ci_95=50.0, upper_ci_95=51.0),
            "Increasing and getting better",
            id="narrow",
        ),
        pytest.param(rates([10, 12, 14, 16, 18]), "Cannot be calculated", id="a point needs a count as well"),
        pytest.param(
            rates([10, 12, 14, 16, 18], count=10.0, denominator=1e5), "Increasing and getting worse", id="a rate"
        ),
        pytest.param(
            shares([500, 540, 580, 620, 1000], lower_ci_95=50.0, upper_ci_95=51.0), "Cannot be calculated", id="all"
        ),
    ],
)
def test_the_database_extract_weighs_every_value_by_its_limits(trends, points, expected):
    assert trends([{**point, "source_table": "database"} for point in points], [RATE, SHARE])[-1] == expected


def test_the_method_is_that_of_the_newest_table(run_trends):
    points = shares([500, 540, 580, 620, 660], lower_ci_95=20.0, upper_ci_95=90.0)
    for table, basis in (("csv", "counts"), ("database", "published_limits")):
        *_, last = run_trends([*points[:-1], {**points[-1], "source_table": table}], [RATE, SHARE])
        assert last["recent_trend_basis"] == basis


@pytest.mark.parametrize("value_type", ["score", "count"])
def test_counts_and_scores_have_no_trend(run_trends, value_type):
    *_, last = run_trends(rates([10, 12, 14, 16, 18]), [{**RATE, "value_type": value_type}])
    assert (last["recent_trend_computed"], last["no_trend_reason"]) == ("Cannot be calculated", "type_has_no_trend")


def test_a_slope_that_is_flat_without_one_point_does_not_turn(trends):
    # Without the last point the slope is nought to the last bit.
    assert trends(rates([10, 10, 10, 10, 14]), [RATE])[-1] == "Increasing and getting worse"
    assert trends(rates([10, 10, 10, 10, 6]), [RATE])[-1] == "Decreasing and getting better"


def test_the_points_behind_a_trend_are_named_and_may_be_old(run_trends):
    points = [*rates([9, 10, 12, 14, 16, 18]), {**rates([20])[0], "period_end": dt.date(2026, 12, 31)}]
    points[-1] |= {"lower_ci_95": None, "upper_ci_95": None}
    *_, last = run_trends(points, [RATE])
    assert last["recent_trend_periods"] == "2021, 2022, 2023, 2024, 2025"
    assert last["recent_trend_points"] == 5
    assert last["recent_trend_chi_squared"] == pytest.approx(40 / (1 / 1.96) ** 2)


@pytest.mark.parametrize(("half_width", "expected"), [(3.0, True), (3.02, False)])
def test_chance_is_left_behind_at_a_chi_squared_of_nine_and_a_half(trends, half_width, expected):
    # Equal weights: chi2 = slope^2 * sum((t - 3)^2) / se^2 = 1.5^2 * 10 / (half / 1.96)^2: 9.60 at 3.0, 9.48 at 3.02.
    found = trends(rates([10, 11.5, 13, 14.5, 16], half_width=half_width), [RATE])
    assert (found[-1] == "Increasing and getting worse") is expected


def test_a_series_that_ended_before_the_indicator_did_stays_blank(trends):
    older = rates([10, 12, 14, 16, 18], area_code="older")
    newer = rates([None, 10, 12, 14, 16, 18], area_code="newer")
    assert trends(older + newer, [RATE]) == [None] * 9 + ["Increasing and getting worse"]
