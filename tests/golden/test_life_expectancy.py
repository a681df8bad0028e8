"""Life expectancy: the published table, each refusal at its edge, and results that do not depend on other areas."""

from __future__ import annotations

import duckdb
import pytest

AGES = [0, 1, *range(5, 95, 5)]
COLUMNS = {"area": "varchar", "sex": "varchar", "start_age": "integer", "population": "double", "deaths": "double"}
Z = {"95": 1.959963984540054, "99.8": 3.090232306167813}


def bands_of(area: str | None = "a", sex: str | None = "f", population=1000.0, deaths=40.0, **changes):
    """Twenty equal bands; ``age_85={"deaths": 3}`` changes one of them and ``age_85=None`` leaves it out."""
    bands = []
    for age in AGES:
        change = changes.get(f"age_{age}", {})
        if change is not None:
            band = {"area": area, "sex": sex, "start_age": age, "population": population, "deaths": deaths}
            bands.append({**band, **change})
    return bands


def query(methods, keys=("area",), confidence="95", relation="bands"):
    return methods.sql("life_expectancy", relation=relation, partition_columns=list(keys), confidence=confidence)


def table(methods, bands, keys=("area",), confidence="95", columns=COLUMNS):
    methods.table("bands", columns, bands)
    return methods.rows(f"select * from ({query(methods, keys, confidence)}) order by all")


def by_age(rows):
    return {row["start_age"]: row for row in rows}


def refusals(rows):
    return {row["refusal"] for row in rows}


@pytest.fixture
def published(life_expectancy_file, read_vectors):
    return [{name: float(text) for name, text in row.items()} for row in read_vectors(life_expectancy_file)]


# --- the published table


def test_published_life_expectancies(methods, published):
    """Published with ten digits, and limits with 1.96 for the quantile: that moves them by 5.3e-6 at most."""
    found = by_age(table(methods, [{**row, "area": "a"} for row in published]))
    assert len(published) == len(found) == 20
    for row in published:
        ours = found[row["start_age"]]
        assert ours["refusal"] is None
        value = ours["life_expectancy"]
        assert value == pytest.approx(row["life_expectancy"], abs=6e-9)
        for limit, name in ((ours["lower_limit"], "lower95"), (ours["upper_limit"], "upper95")):
            assert limit == pytest.approx(row[name], abs=5.5e-6), (row["start_age"], name)
            assert value + (limit - value) * 1.96 / Z["95"] == pytest.approx(row[name], abs=6e-9), (
                row["start_age"],
                name,
            )


def test_limits_at_99_8_are_wider_by_the_ratio_of_the_quantiles(methods, published):
    bands = [{**row, "area": "a"} for row in published]
    narrow, wide = table(methods, bands, confidence="95"), table(methods, bands, confidence="99.8")
    for at_95, at_998 in zip(narrow, wide, strict=True):
        assert at_998["life_expectancy"] == at_95["life_expectancy"]
        for side in ("lower_limit", "upper_limit"):
            half = at_95[side] - at_95["life_expectancy"]
            assert at_998[side] - at_998["life_expectancy"] == pytest.approx(half * Z["99.8"] / Z["95"], rel=1e-9)


@pytest.mark.parametrize("confidence", ["90", 95, ""])
def test_any_other_confidence_stops_the_rendering(methods, confidence):
    with pytest.raises(KeyError):
        query(methods, confidence=confidence)


def test_the_last_two_bands_by_hand(methods):
    """M = 0.1 in both: at 90, 1 / M years; at 85, q = 5 M / (1 + 2.5 M) = 0.4."""
    found = by_age(table(methods, bands_of(age_85={"deaths": 100}, age_90={"deaths": 100})))
    assert found[90]["life_expectancy"] == pytest.approx(10, rel=1e-14)
    assert found[85]["life_expectancy"] == pytest.approx(5 * (0.6 + 0.5 * 0.4) + 0.6 * 10, rel=1e-14)
    # Silcocks: sqrt(4 / (D M^2)) / 2 at 90, here 1; at 85 the variance of q in addition.
    variance = 0.4**2 * 0.6 / 100 * (2.5 + 10) ** 2 + 0.6**2
    for age, error in ((90, 1), (85, variance**0.5)):
        for side, sign in (("lower_limit", -1), ("upper_limit", 1)):
            limit = found[age]["life_expectancy"] + sign * Z["95"] * error
            assert found[age][side] == pytest.approx(limit, rel=1e-13)


def test_in_the_first_year_deaths_come_early(methods):
    """Those who die in the first band live a tenth of it, not a half."""
    found = by_age(table(methods, bands_of(age_0={"deaths": 100})))
    q = 0.1 / (1 + 0.1 * 0.9)
    expected = 1 - q + 0.1 * q + (1 - q) * found[1]["life_expectancy"]
    assert found[0]["life_expectancy"] == pytest.approx(expected, rel=1e-13)


# --- refusals of an area


@pytest.mark.parametrize(
    ("bands", "refusal"),
    [
        (bands_of(), None),
        (bands_of(age_45=None), "bands_incomplete"),
        (bands_of(age_0=None), "bands_incomplete"),
        (bands_of(age_90=None), "bands_incomplete"),
        ([*bands_of(), bands_of()[3]], "bands_incomplete"),
        ([*bands_of(age_45=None), bands_of()[3]], "bands_incomplete"),
        (bands_of(age_85={"start_age": 86}), "bands_incomplete"),
        (bands_of(age_85={"start_age": None}), "bands_incomplete"),
        ([*bands_of(), {**bands_of()[-1], "start_age": 95}], "bands_incomplete"),
        (bands_of(age_45={"deaths": None}), "bands_incomplete"),
        (bands_of(age_45={"population": None}), "bands_incomplete"),
        (bands_of(age_45={"deaths": -1}), "deaths_negative"),
        (bands_of(age_45={"deaths": -0.001}), "deaths_negative"),
        (bands_of(age_45={"deaths": 0}), None),
        (bands_of(age_45={"population": 0, "deaths": 0}), "population_not_positive"),
        (bands_of(age_45={"population": -5, "deaths": 0}), "population_not_positive"),
        (bands_of(age_45={"population": 12, "deaths": 12.001}), "deaths_exceed_population"),
        (bands_of(age_90={"population": 12, "deaths": 13}), "deaths_exceed_population"),
        (bands_of(age_0={"population": 10, "deaths": 10}), None),
        (bands_of(population=250), "population_too_small"),
        (bands_of(population=250, age_5={"population": 250.01}), None),
        (bands_of(age_90={"deaths": 0}), "no_deaths_in_last_band"),
        (bands_of(age_90={"deaths": 0.5}), None),
        # The first that applies.
        (bands_of(age_45=None, age_50={"deaths": -1}), "bands_incomplete"),
        (bands_of(population=0, age_50={"deaths": -1}), "deaths_negative"),
        (bands_of(population=0), "population_not_positive"),
        (bands_of(population=9), "deaths_exceed_population"),
        (bands_of(population=100, deaths=0), "population_too_small"),
    ],
)
def test_an_area_is_refused_with_one_reason(methods, bands, refusal):
    rows = table(methods, [*bands, *bands_of("sound")])
    mine, sound = ([row for row in rows if row["area"] == area] for area in ("a", "sound"))
    # One row a band, also of a refused area.
    ages = sorted(str(band["start_age"]) for band in bands)
    assert sorted(str(row["start_age"]) for row in mine) == ages
    computed = {row[name] is not None for row in mine for name in ("life_expectancy", "lower_limit", "upper_limit")}
    if refusal is None:
        # An interval may be wide where there are few deaths; the area is computed all the same.
        assert not refusals(mine) - {None, "interval_too_wide"}
        assert all(row["lower_limit"] is not None for row in mine)
    else:
        assert refusals(mine) == {refusal}
        assert computed == {False}
    # The neighbour in the relation is as if it stood alone.
    assert sound == table(methods, bands_of("sound"))
    assert refusals(sound) == {None}


# --- refusals of one age


def test_a_value_is_withheld_where_the_95_interval_is_wider_than_twenty_years(methods):
    """One death among n in the last band: the standard error at 90 is n years, so 10 / 1.96 = 5.102 is the edge."""
    edge = 10 / Z["95"]
    for confidence in ("95", "99.8"):
        for population, refusal in ((edge - 1e-9, None), (edge + 1e-9, "interval_too_wide")):
            bands = bands_of(age_90={"population": population, "deaths": 1})
            found = by_age(table(methods, bands, confidence=confidence))
            assert found[90]["refusal"] == refusal
            assert (found[90]["life_expectancy"] is None) == (refusal is not None)
            for side, sign in (("lower_limit", -1), ("upper_limit", 1)):
                assert found[90][side] == pytest.approx(population * (1 + sign * Z[confidence]), rel=1e-12)
            # The other ages keep their values.
            assert {found[age]["refusal"] for age in AGES[:-1]} == {None}
            assert all(found[age]["life_expectancy"] > 0 for age in AGES[:-1])


def test_nobody_left_means_no_value_for_that_age_only(methods):
    """At 0.4 deaths a year and person nobody survives five years; a little below, some do."""
    gone = by_age(table(methods, bands_of(age_85={"deaths": 400})))
    assert gone[90] == {
        "area": "a",
        "start_age": 90,
        "life_expectancy": None,
        "lower_limit": None,
        "upper_limit": None,
        "refusal": "no_survivors",
    }
    assert {gone[age]["refusal"] for age in AGES[:-1]} == {None}
    # They live half of the band, and as all of them die the table has no variance there.
    assert [gone[85][name] for name in ("life_expectancy", "lower_limit", "upper_limit")] == [2.5, 2.5, 2.5]
    assert gone[0]["lower_limit"] < gone[0]["life_expectancy"] < gone[0]["upper_limit"]

    for deaths in (401, 900, 1000):
        assert table(methods, bands_of(age_85={"deaths": deaths})) == list(gone.values())

    left = by_age(table(methods, bands_of(age_85={"deaths": 399.99})))
    assert left[90]["refusal"] is None
    assert left[85]["life_expectancy"] > 2.5


def test_nobody_left_at_several_ages(methods):
    found = by_age(table(methods, bands_of(age_75={"deaths": 500})))
    assert [age for age in AGES if found[age]["refusal"] == "no_survivors"] == [80, 85, 90]
    assert found[75]["life_expectancy"] == 2.5


def test_no_deaths_in_a_band_add_no_variance(methods):
    """Without deaths before 90 everyone reaches it: 90 more years at birth, and the same interval."""
    found = by_age(table(methods, bands_of(deaths=0, age_90={"deaths": 100})))
    assert found[90]["life_expectancy"] == pytest.approx(10, rel=1e-14)
    assert found[0]["life_expectancy"] == pytest.approx(100, rel=1e-14)
    for side in ("lower_limit", "upper_limit"):
        assert found[0][side] - found[0]["life_expectancy"] == pytest.approx(
            found[90][side] - found[90]["life_expectancy"], rel=1e-12
        )


# --- columns of the relation


def test_areas_are_told_apart_by_any_columns(methods):
    """Two columns, one, or none; a null is a key like any other."""
    groups = {("a", "f"): 40, ("a", "m"): 50, (None, "f"): 60, (None, None): 70}
    bands = [band for (area, sex), deaths in groups.items() for band in bands_of(area, sex, deaths=deaths)]
    rows = table(methods, bands, ("area", "sex"))
    assert list(rows[0]) == ["area", "sex", "start_age", "life_expectancy", "lower_limit", "upper_limit", "refusal"]
    for (area, sex), deaths in groups.items():
        alone = table(methods, bands_of(deaths=deaths), ())
        assert list(alone[0]) == ["start_age", "life_expectancy", "lower_limit", "upper_limit", "refusal"]
        found = [row for row in rows if (row["area"], row["sex"]) == (area, sex)]
        assert found == [{"area": area, "sex": sex, **row} for row in alone]
    # Without the sex there are two areas of forty bands.
    assert refusals(table(methods, bands, ("area",))) == {"bands_incomplete"}


@pytest.mark.parametrize("kind", ["integer", "bigint", "decimal(18, 3)"])
def test_the_type_of_a_column_changes_nothing(methods, published, kind):
    bands = [{**row, "area": "a"} for row in published]
    expected = table(methods, bands)
    assert table(methods, bands, columns={**COLUMNS, "population": kind, "deaths": kind}) == expected
    assert refusals(expected) == {None}


def test_the_query_stands_inside_another(methods, published):
    methods.table("bands", COLUMNS, [{**row, "area": "a"} for row in published])
    inside = f"with mine as (select * from bands) select * from ({query(methods, relation='mine')}) order by start_age"
    assert methods.rows(inside) == table(methods, [{**row, "area": "a"} for row in published])


# --- order and threads

ORDERS = {
    "sorted": "area, start_age",
    "reversed": "area desc, start_age desc",
    "mixed": "hash(area * 100 + start_age)",
}
MANY = f"""
    select
        area,
        start_age,
        1000 + hash(area, start_age) % 997 as population,
        40 + hash(start_age, area) % 97 + 0.1e0 as deaths
    from range(6500) as areas(area), unnest({AGES}) as ages(start_age)
"""


def test_neither_the_order_of_rows_nor_threads_change_a_bit(methods):
    """Rows enough for several threads."""
    found = set()
    for threads in (1, 2, 4):
        for order in ORDERS.values():
            with duckdb.connect(":memory:", config={"threads": str(threads)}) as connection:
                connection.execute(f"create table bands as {MANY} order by {order}")
                fingerprint = f"select count(life_expectancy), bit_xor(hash(columns(*))) from ({query(methods)})"
                found.add(connection.execute(fingerprint).fetchone())
    assert len(found) == 1
    assert found.pop()[0] > 100_000


def test_other_areas_of_the_relation_do_not_change_a_bit(methods):
    """Windowed sums of doubles do not keep this: their tree spans areas."""
    methods.connection.execute(f"create or replace table many as {MANY}")
    together = methods.rows(f"select * from ({query(methods, relation='many')}) where area < 200 order by all")
    apart = []
    for area in range(200):
        methods.connection.execute(f"create or replace table bands as select * from many where area = {area}")
        apart += methods.rows(f"select * from ({query(methods)}) order by all")
    assert apart == together
    assert len(apart) == 4000
