"""Standardised rates and ratios and life expectancies from age bands, of councils and of what is added up from them.

What comes in is in ``numbers.txt`` under ``[bands]``, most of it the published vectors; what has to come out is theirs,
or worked out here from the formula in plain Python.
"""

from __future__ import annotations

import math

import duckdb
import pytest

from tests.warehouse.conftest import BAND_AGES, LIFE_AGES, Bands, bands_of, read_numbers, read_vectors

LIMITS = ("lower_ci_95", "upper_ci_95", "lower_ci_99_8", "upper_ci_99_8")
PUBLISHED_LIMITS = ("lower95_0cl", "upper95_0cl", "lower99_8cl", "upper99_8cl")
STANDARD = (5000, 5500, 5500, 5500, 6000, 6000, 6500, *[7000] * 4, 6500, 6000, 5500, 5000, 4000, 2500, 1500, 1000)


@pytest.fixture(scope="session")
def standardised(rows):
    """Return a function from a standardisation, an area, a year and a sex to its row, or to None."""
    found = rows("""
        select s.*, p.period_label, g.sex, g.age, g.category, a.area_type
        from fct_standardised_value as s
        inner join dim_period as p on s.period_key = p.period_key
        inner join dim_population_group as g on s.population_group_key = g.population_group_key
        inner join dim_area as a on s.area_key = a.area_key
    """)
    keyed = {(row["standardisation_id"], row["area_code"], row["period_label"], row["sex"]): row for row in found}
    assert len(keyed) == len(found) == rows("select count(*) as n from fct_standardised_value")[0]["n"]

    def find(standardisation, area, year="2024", sex="Persons"):
        return keyed.get((standardisation, area, year, sex))

    return find


def summed(*areas: Bands) -> Bands:
    """Return the bands of areas taken together."""
    return {age: (sum(area[age][0] for area in areas), sum(area[age][1] for area in areas)) for age in areas[0]}


def rate(bands: Bands) -> float:
    """Return the directly standardised rate per 100,000."""
    assert sum(STANDARD) == 100000
    return sum(weight * count / people for weight, (count, people) in zip(STANDARD, bands.values(), strict=True))


def expected_events(bands: Bands, reference: Bands) -> float:
    """Return the events that the rates of a reference bring."""
    return sum(people * reference[age][0] / reference[age][1] for age, (_, people) in bands.items())


def published(name, area, statistic):
    (found,) = [row for row in read_vectors(name) if (row["area"], row["statistic"]) == (area, statistic)]
    return float(found["value"]), [float(found[column]) for column in PUBLISHED_LIMITS]


BIG, SMALL, EVEN = bands_of("testdata_big"), bands_of("testdata_small"), bands_of("even")
TOGETHER = {"X1290": summed(BIG, SMALL), "X1200": summed(BIG, SMALL, EVEN)}

# Directly standardised rates.


@pytest.mark.parametrize(("area", "vector"), [("X1201", "testdata_big"), ("X1202", "testdata_small")])
def test_a_rate_and_its_limits_are_the_published_ones(standardised, area, vector):
    row = standardised("events_rate", area)
    value, limits = published("dsr_expected", vector, "dsr per 100000")
    assert row["value"] == pytest.approx(value, rel=1e-12)
    assert [row[name] for name in LIMITS] == pytest.approx(limits, rel=1e-9)
    assert (row["not_standardised_reason"], row["bands"], row["is_added_up"]) == (None, 19, 0)
    assert (row["method"], row["multiplier"]) == ("directly_standardised_rate", 100000)
    assert (row["age"], row["category"], row["reference_area_code"], row["expected_events"]) == (
        "All ages",
        "Total",
        None,
        None,
    )
    assert (row["events"], row["population"]) == ({"X1201": 895, "X1202": 91}[area], 8970)


def test_a_rate_by_hand(standardised):
    # One in a thousand at every age: 100 whatever the weights. Sum of w^2 x / n^2 is sum of w^2 / k / 1,000,000.
    row = standardised("events_rate", "X1203")
    assert (row["value"], row["events"], row["population"]) == (pytest.approx(100, rel=1e-12), 190, 190000)
    variance = sum(weight**2 / number for number, weight in enumerate(STANDARD, start=1)) / 1e6 / 100000**2
    z = 1.959963984540054
    byar = 190 * (1 - 1 / (9 * 190) - z / (3 * math.sqrt(190))) ** 3
    assert row["lower_ci_95"] == pytest.approx(100 + 100000 * math.sqrt(variance / 190) * (byar - 190), rel=1e-9)


@pytest.mark.parametrize("area", ["X1290", "X1200"])
def test_the_rate_of_a_system_is_that_of_its_summed_bands(standardised, area):
    row, bands = standardised("events_rate", area), TOGETHER[area]
    assert row["value"] == pytest.approx(rate(bands), rel=1e-12)
    assert (row["is_added_up"], row["bands"], row["not_standardised_reason"]) == (1, 19, None)
    assert (row["events"], row["population"]) == (sum(x for x, _ in bands.values()), sum(n for _, n in bands.values()))
    assert row["lower_ci_99_8"] < row["lower_ci_95"] < row["value"] < row["upper_ci_95"] < row["upper_ci_99_8"]


def test_the_rate_of_a_system_is_no_average(standardised):
    rates = {area: standardised("events_rate", area)["value"] for area in ("X1201", "X1202", "X1203", "X1200")}
    people = {area: standardised("events_rate", area)["population"] for area in rates}
    system = rates.pop("X1200")
    assert abs(system - sum(rates.values()) / 3) > 1000
    assert abs(system - sum(rates[area] * people[area] for area in rates) / people["X1200"]) > 100


def test_a_system_without_a_member_has_no_rate(standardised):
    assert standardised("events_rate", "X1400") is None


def test_sexes_are_apart(standardised):
    assert standardised("events_rate", "X1201", sex="Female")["value"] == pytest.approx(100, rel=1e-12)
    # England has no figures of women.
    ratio = standardised("events_ratio", "X1201", sex="Female")
    assert (ratio["value"], ratio["not_standardised_reason"]) == (None, "no_reference_value")


def test_other_ages_beside_the_bands_of_a_rate_are_left_aside(standardised):
    row, plain = standardised("events_rate", "X1401"), standardised("events_rate", "X1201")
    assert [row[name] for name in ("value", *LIMITS)] == [plain[name] for name in ("value", *LIMITS)]
    assert row["bands"] == 19


def test_ten_events_are_enough(standardised):
    row = standardised("events_rate", "X1402", "2023")
    bands = bands_of("testdata_tiny") | {"0-4 yrs": (1, 636)}
    assert (row["events"], row["value"]) == (10, pytest.approx(rate(bands), rel=1e-12))


# Ratios.


@pytest.mark.parametrize(
    ("area", "vector"), [("X1201", "testdata_big"), ("X1202", "testdata_small"), ("X1402", "testdata_tiny")]
)
def test_a_ratio_and_its_limits_are_the_published_ones(standardised, area, vector):
    row = standardised("events_ratio", area)
    value, limits = published("isr_expected", vector, "indirectly standardised ratio x 100")
    assert row["value"] == pytest.approx(value, rel=1e-12)
    assert [row[name] for name in LIMITS] == pytest.approx(limits, rel=1e-9)
    assert row["expected_events"] == pytest.approx(835.8835612311743, rel=1e-12)
    assert (row["reference_area_code"], row["not_standardised_reason"]) == ("E92000001", None)


def test_the_reference_has_as_many_events_as_expected(standardised):
    assert standardised("events_ratio", "E92000001")["value"] == pytest.approx(100, rel=1e-12)


@pytest.mark.parametrize("area", ["X1290", "X1200"])
def test_the_ratio_of_a_system_is_that_of_its_summed_bands(standardised, area):
    row, bands = standardised("events_ratio", area), TOGETHER[area]
    expected = expected_events(bands, bands_of("reference"))
    assert (row["is_added_up"], row["expected_events"]) == (1, pytest.approx(expected, rel=1e-12))
    assert row["value"] == pytest.approx(100 * row["events"] / expected, rel=1e-12)


def test_the_reference_may_be_an_area_that_is_added_up(standardised):
    row = standardised("events_ratio_to_region", "X1203")
    expected = expected_events(EVEN, TOGETHER["X1200"])
    assert row["value"] == pytest.approx(190 / expected, rel=1e-12)
    assert row["reference_area_code"] == "X1200"
    assert standardised("events_ratio_to_region", "X1200")["value"] == pytest.approx(1, rel=1e-12)


def test_a_ratio_takes_whatever_bands_both_have(standardised):
    row = standardised("broad_ratio", "X1201")
    assert (row["events"], row["expected_events"], row["bands"]) == (170, pytest.approx(155), 3)
    assert (row["value"], row["lower_ci_95"], row["upper_ci_95"]) == pytest.approx((109.68, 93.81, 127.46), abs=5e-3)


def test_without_events_a_ratio_is_nought(standardised):
    row = standardised("broad_ratio", "X1201", "2018")
    assert (row["value"], row["lower_ci_95"], row["events"], row["expected_events"]) == (0, 0, 0, pytest.approx(145))
    assert row["upper_ci_95"] > 0


# Life expectancy.


def test_a_life_expectancy_and_its_limits_are_the_published_ones(standardised):
    row = standardised("life", "X1201")
    at_birth = read_vectors("life_expectancy")[0]
    assert row["value"] == pytest.approx(float(at_birth["life_expectancy"]), abs=6e-9)
    # Published with 1.96 for the quantile.
    for limit in ("lower", "upper"):
        assert row[f"{limit}_ci_95"] == pytest.approx(float(at_birth[f"{limit}95"]), abs=5.5e-6)
        wider = (row[f"{limit}_ci_95"] - row["value"]) * 3.090232306167813 / 1.959963984540054
        assert row[f"{limit}_ci_99_8"] - row["value"] == pytest.approx(wider, rel=1e-9)
    bands = bands_of("life")
    assert list(bands) == LIFE_AGES
    assert (row["events"], row["population"]) == (sum(x for x, _ in bands.values()), sum(n for _, n in bands.values()))
    assert (row["bands"], row["is_added_up"], row["multiplier"], row["not_standardised_reason"]) == (20, 0, None, None)


def test_the_life_expectancy_of_a_system_is_that_of_its_summed_bands(standardised):
    # Twice the same council: the same years, and limits narrower by the root of two, which no average would give.
    row, half = standardised("life", "X1290"), standardised("life", "X1201")
    assert (row["value"], row["is_added_up"]) == (pytest.approx(half["value"], rel=1e-12), 1)
    for limit in LIMITS:
        assert row[limit] - row["value"] == pytest.approx((half[limit] - half["value"]) / math.sqrt(2), rel=1e-9)


def test_bands_without_deaths_and_other_ages_do_no_harm(standardised):
    row, plain = standardised("life", "X1202", sex="Female"), standardised("life", "X1202")
    assert (row["not_standardised_reason"], row["events"]) == (None, plain["events"] - 8)
    assert row["value"] > plain["value"]
    beside = standardised("life", "X1304")
    assert [beside[name] for name in ("value", "bands", *LIMITS)] == [
        plain[name] for name in ("value", "bands", *LIMITS)
    ]


# Refusals.

REFUSED = [
    ("events_rate", "X1201", "2010", "bands_incomplete", 18),
    ("events_ratio", "X1201", "2010", "bands_incomplete", 18),
    ("events_rate", "X1403", "2024", "bands_incomplete", 0),
    ("events_ratio", "X1403", "2024", "bands_incomplete", 0),
    ("events_ratio", "X1401", "2024", "bands_incomplete", 21),  # bands that overlap
    ("broad_rate", "X1201", "2024", "bands_incomplete", 0),
    ("broad_ratio", "X1201", "2023", "bands_incomplete", 4),  # one overlaps
    ("broad_ratio", "X1201", "2022", "bands_incomplete", 2),  # the youngest is missing
    ("broad_ratio", "X1201", "2021", "bands_incomplete", 3),  # nobody above 74
    ("broad_ratio", "X1201", "2020", "bands_incomplete", 2),  # one between is missing
    ("part_rate", "X1203", "2024", "bands_incomplete", 19),  # published and added up
    ("events_rate", "X1201", "2011", "count_suppressed_or_missing", 19),
    ("events_ratio", "X1201", "2011", "count_suppressed_or_missing", 19),
    ("events_rate", "X1201", "2012", "count_suppressed_or_missing", 19),
    ("events_rate", "X1201", "2013", "count_suppressed_or_missing", 19),
    ("events_rate", "X1201", "2021", "count_suppressed_or_missing", 19),  # its counts stand beside
    ("events_ratio", "X1201", "2020", "count_suppressed_or_missing", 19),  # a count below nought
    ("events_rate", "X1201", "2020", "count_suppressed_or_missing", 19),
    ("events_rate", "X1201", "2014", "count_is_not_numerator", 19),
    ("events_ratio", "X1201", "2014", "count_is_not_numerator", 19),
    ("events_rate", "X1201", "2015", "counts_of_another_area", 19),
    ("events_rate", "X1402", "2024", "fewer_than_ten_events", 19),
    ("events_rate", "X1201", "2019", "population_not_positive", 19),
    ("events_ratio", "X1201", "2009", "population_not_positive", 19),  # for a ratio, below nought
    ("events_ratio", "X1201", "2016", "no_reference_value", 19),  # England lacks the band
    ("events_ratio", "X1201", "2017", "no_reference_value", 19),  # England's is suppressed
    ("events_ratio", "X1201", "2018", "no_reference_value", 19),  # no England
    ("events_ratio", "X1201", "2022", "no_reference_value", 19),  # England's count is not the numerator
    ("events_ratio_to_region", "X1201", "2018", "no_reference_value", 19),  # the region is not added up
    ("broad_ratio", "X1201", "2019", "no_reference_value", 2),  # England's bands are others
    ("broad_ratio", "X1201", "2017", "no_reference_value", 3),  # nothing is expected
    ("life", "X1304", "2010", "bands_incomplete", 19),
    ("life", "X1304", "2011", "bands_incomplete", 18),  # 0 to 4 instead of 0 and 1 to 4
    ("life", "X1304", "2012", "bands_incomplete", 21),  # one under two labels
    ("life", "X1304", "2013", "count_suppressed_or_missing", 20),
    ("life", "X1304", "2014", "deaths_negative", 20),
    ("life", "X1304", "2015", "population_not_positive", 20),
    ("life", "X1304", "2016", "deaths_exceed_population", 20),
    ("life", "X1304", "2017", "no_deaths_in_last_band", 20),
    ("life", "X1304", "2018", "population_too_small", 20),
    ("life", "X1304", "2019", "interval_too_wide", 20),
]


@pytest.mark.parametrize(("standardisation", "area", "year", "reason", "bands"), REFUSED)
def test_a_value_is_there_or_one_reason_is(standardised, standardisation, area, year, reason, bands):
    row = standardised(standardisation, area, year)
    assert (row["not_standardised_reason"], row["bands"], row["value"]) == (reason, bands, None)
    if reason == "interval_too_wide":
        assert row["upper_ci_95"] - row["lower_ci_95"] > 20
    else:
        assert [row[name] for name in LIMITS] == [None] * 4
    if reason in (
        "bands_incomplete",
        "count_suppressed_or_missing",
        "count_is_not_numerator",
        "counts_of_another_area",
    ):
        assert (row["events"], row["population"], row["expected_events"]) == (None,) * 3


def test_nothing_is_said_of_a_system_from_which_a_member_could_be_subtracted(standardised):
    # The council's band of 2011 is suppressed: its partner's total would give it away by subtraction.
    row = standardised("events_rate", "X1290", "2011")
    assert (row["not_standardised_reason"], row["bands"], row["is_added_up"]) == ("bands_incomplete", 18, 1)
    assert (row["value"], row["events"], row["population"]) == (None,) * 3


def test_every_reason_is_met(rows):
    found = rows("select distinct not_standardised_reason as reason from fct_standardised_value")
    assert {row["reason"] for row in found} == {None, *(reason for _, _, _, reason, _ in REFUSED)}


def test_a_population_of_nought_expects_nothing(standardised):
    row = standardised("events_ratio", "X1201", "2019")
    bands = BIG | {"45-49 yrs": (0, 0)}
    assert row["expected_events"] == pytest.approx(expected_events(bands, bands_of("reference")), rel=1e-12)
    assert row["value"] == pytest.approx(100 * (895 - 32) / row["expected_events"], rel=1e-12)


# Coverage, and rows in another order.


def test_every_standardisation_of_the_seed_has_rows(rows):
    found = rows("select standardisation_id, count(*) as n from fct_standardised_value group by all")
    assert {row["standardisation_id"] for row in found} == {
        row["standardisation_id"] for row in read_numbers()["standardised"]
    }


def test_bands_are_in_the_order_of_age():
    assert len(BAND_AGES) == len(STANDARD) == 19
    assert list(BIG) == BAND_AGES


COMPILED = "models/intermediate/int_age_bands__standardised.sql"


def test_neither_the_order_of_rows_nor_threads_change_a_bit(built):
    """The model again over its inputs in three orders, with many copies of two areas, so that threads have work."""
    (file,) = (built.target / "compiled").rglob(COMPILED)
    query = file.read_text(encoding="utf-8")
    database = built.file.stem
    valued = f'"{database}"."intermediate"."int_indicator_values__valued"'
    assert valued in query
    found = set()
    for threads in (1, 2, 4):
        for order in ("area_code, age", "area_code desc, age desc", "hash(area_code || age)"):
            with duckdb.connect(config={"threads": str(threads)}) as connection:
                connection.execute(f"attach '{built.file}' as \"{database}\" (read_only)")
                connection.execute(f"""
                    create table shuffled as
                    select v.* replace (v.area_code || case when n > 0 then '-' || n else '' end as area_code)
                    from {valued} as v, range(case when v.area_code in ('X1201', 'X1200') then 300 else 1 end) as t(n)
                    where v.indicator_id like 'trafford_wards.%'
                    order by {order}
                """)
                fingerprint = connection.execute(
                    "select count(*), count(value), bit_xor(hash(columns(*))) "
                    f"from ({query.replace(valued, 'shuffled')})"
                ).fetchone()
                found.add(fingerprint)
    assert len(found) == 1
    assert found.pop()[1] > 1000
