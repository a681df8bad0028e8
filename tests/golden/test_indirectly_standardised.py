"""Indirectly standardised ratios and rates: published values and limits, what has none, and sums without chance."""

from __future__ import annotations

import duckdb
import pytest

LIMITS = {
    "lower95_0cl": ("95", "lower"),
    "upper95_0cl": ("95", "upper"),
    "lower99_8cl": ("99.8", "lower"),
    "upper99_8cl": ("99.8", "upper"),
}
INPUTS = ("count", "population", "reference_count", "reference_population")
COLUMNS = {"area": "varchar", "position": "integer", **dict.fromkeys(INPUTS, "double")}
REFERENCE = {
    "reference_count": "reference_count",
    "reference_population": "reference_population",
    "order_by": "position",
}


def aggregate(methods, relation="bands", multiplier="100000"):
    """The query of observed, expected and reference rate by area."""
    return f"""
        select
            area,
            {methods.sql("complete_sum", value="count", order_by="position")} as observed,
            {methods.sql("isr_expected", population="population", **REFERENCE)} as expected,
            {methods.sql("isr_reference_rate", **REFERENCE, multiplier=multiplier)} as ref_rate
        from {relation}
        group by area
        order by area
    """


def areas(methods, bands, multiplier="100000"):
    methods.table("bands", COLUMNS, bands)
    return {row["area"]: row for row in methods.rows(aggregate(methods, multiplier=multiplier))}


def standardised(methods, observed, expected, scale, macro="isr_ratio"):
    """Value and limits for numbers."""
    observed, expected, scale = (
        "null::double" if number is None else f"cast('{number!r}' as double)" for number in (observed, expected, scale)
    )
    last = {"isr_ratio": "multiplier", "isr_rate": "reference_rate"}[macro]
    found = {"value": methods.sql(macro, observed=observed, expected=expected, **{last: scale})}
    for name, (confidence, side) in LIMITS.items():
        arguments = {"observed": observed, "expected": expected, "scale": scale}
        found[name] = methods.sql("isr_limit", **arguments, confidence=confidence, side=side)
    return methods.rows(f"select {', '.join(f'{sql} as {name}' for name, sql in found.items())}")[0]


# --- published


def published_bands(read_vectors, folder):
    """Bands of the inputs and how many cells are blank; the source reads a blank as nought."""
    bands, blanks = [], 0
    for i, row in enumerate(read_vectors(folder / "isr_inputs.csv")):
        cells = [row["count"], row["pop"], row["refcount"], row["refpop"]]
        blanks += cells.count(None)
        numbers = dict(zip(INPUTS, (float(cell or 0) for cell in cells), strict=True))
        bands.append({"area": row["area"], "position": i % 19, **numbers})
    return bands, blanks


def measure(row):
    """Macro and multiplier of a published row, by what it says of itself."""
    words, unit = row["statistic"].rsplit(" ", 1)
    return ("isr_rate" if "rate per" in words else "isr_ratio"), float(unit)


def test_published_ratios_and_rates(methods, isr_expected_file, read_vectors):
    bands, blanks = published_bands(read_vectors, isr_expected_file.parent)
    # The smallest area has one band without count, population and reference count.
    assert (len(bands), blanks) == (3 * 19, 3)
    rows = [row for row in read_vectors(isr_expected_file) if row["area"].startswith("testdata")]
    compared = 0
    for row in rows:
        macro, multiplier = measure(row)
        found = areas(methods, bands, repr(multiplier))[row["area"]]
        assert found["observed"] == float(row["observed"])
        assert found["expected"] == pytest.approx(float(row["expected"]), rel=1e-14)
        if macro == "isr_rate":
            assert found["ref_rate"] == pytest.approx(float(row["ref_rate"]), rel=1e-14)
        scale = found["ref_rate"] if macro == "isr_rate" else multiplier
        for name, value in standardised(methods, found["observed"], found["expected"], scale, macro).items():
            assert value == pytest.approx(float(row[name]), rel=1e-13), (row["area"], name)
            compared += 1
    assert (len(rows), compared) == (12, 12 * 5)
    assert sorted(row["method"] for row in rows) == ["Byars"] * 8 + ["Exact"] * 4


def test_published_cases_of_a_band_without_population(methods, isr_expected_file, read_vectors):
    """Their inputs are not published: value and 95 % limits follow from observed, expected and reference rate."""
    rows = [row for row in read_vectors(isr_expected_file) if not row["area"].startswith("testdata")]
    for row in rows:
        macro, multiplier = measure(row)
        scale = float(row["ref_rate"]) if macro == "isr_rate" else multiplier
        found = standardised(methods, float(row["observed"]), float(row["expected"]), scale, macro)
        for name in ("value", "lower95_0cl", "upper95_0cl"):
            assert found[name] == pytest.approx(float(row[name]), rel=1e-13), (row["area"], name)
        assert (row["lower99_8cl"], row["upper99_8cl"]) == (None, None)
    assert len(rows) == 4
    # The expected events of the first are those of the largest area without the population of its second band.
    bands, _ = published_bands(read_vectors, isr_expected_file.parent)
    bands = [band for band in bands if band["area"] == "testdata_big"]
    bands[1]["population"] = 0
    found = areas(methods, bands)["testdata_big"]
    assert found["expected"] == pytest.approx(float(rows[0]["expected"]), rel=1e-14)
    assert found["observed"] == float(rows[0]["observed"])


# --- by hand, and what has no value


def bands_of(*rows, area="a"):
    return [{"area": area, "position": i, **dict(zip(INPUTS, row, strict=True))} for i, row in enumerate(rows)]


def test_two_bands_by_hand(methods):
    found = areas(methods, bands_of((3, 100, 10, 1000), (4, 50, 60, 500)), "1000")["a"]
    assert found["observed"] == 7
    assert found["expected"] == pytest.approx(100 * 10 / 1000 + 50 * 60 / 500, rel=1e-15)
    assert found["ref_rate"] == pytest.approx(1000 * 70 / 1500, rel=1e-15)
    assert standardised(methods, 7, found["expected"], 100)["value"] == pytest.approx(100, rel=1e-15)
    rate = standardised(methods, 7, found["expected"], found["ref_rate"], "isr_rate")
    assert rate["value"] == pytest.approx(1000 * 70 / 1500, rel=1e-15)
    # Below ten events the limits are exact: 7 events lie between 2.81 and 14.42.
    assert rate["lower95_0cl"] == pytest.approx(2.8143630515 / 7 * 1000 * 70 / 1500, rel=1e-10)
    assert rate["upper95_0cl"] == pytest.approx(14.4226753617 / 7 * 1000 * 70 / 1500, rel=1e-10)


@pytest.mark.parametrize(
    ("band", "expects", "refers"),
    [
        ((4, None, 60, 500), False, True),
        ((4, 50, None, 500), False, False),
        ((4, 50, 60, None), False, False),
        ((4, 50, 60, 0), False, False),
        ((4, 0, 60, 0), False, False),
        ((4, 50, 60, -500), False, False),
        ((4, 50, -60, 500), False, False),
        ((4, -50, 60, 500), False, True),
        ((4, 0, 60, 500), True, True),
        ((4, 50, 0, 500), True, True),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_band_that_cannot_be_used_takes_the_sum_with_it(methods, band, expects, refers, first):
    pair = ((3, 100, 10, 1000), band)
    sound = bands_of((3, 100, 10, 1000), (4, 50, 60, 500), area="sound")
    found = areas(methods, [*bands_of(*(pair[::-1] if first else pair), area="broken"), *sound])
    assert (found["broken"]["expected"] is not None, found["broken"]["ref_rate"] is not None) == (expects, refers)
    assert None not in found["sound"].values()


def test_a_suppressed_count_leaves_nothing_observed(methods):
    found = areas(methods, bands_of((None, 100, 10, 1000), (4, 50, 60, 500)))["a"]
    assert found["observed"] is None
    assert set(standardised(methods, found["observed"], found["expected"], 100).values()) == {None}


@pytest.mark.parametrize("macro", ["isr_ratio", "isr_rate"])
@pytest.mark.parametrize(
    ("observed", "expected", "scale"),
    [(None, 10, 100), (20, None, 100), (20, 10, None), (20, 0, 100), (20, -10, 100), (-1, 10, 100), (-20, -10, 100)],
)
def test_what_has_neither_value_nor_limits(methods, observed, expected, scale, macro):
    assert set(standardised(methods, observed, expected, scale, macro).values()) == {None}


def test_nothing_observed_is_nought_with_an_upper_limit(methods):
    found = standardised(methods, 0, 10, 100)
    assert (found["value"], found["lower95_0cl"]) == (0, 0)
    assert found["upper95_0cl"] == pytest.approx(36.888794541, rel=1e-10)


# --- types, order and threads


@pytest.mark.parametrize("kind", ["integer", "bigint", "decimal(18, 3)"])
def test_the_type_of_a_column_changes_nothing(methods, kind):
    # Population times reference count is beyond a 32-bit integer.
    bands = bands_of((30, 1_000_000, 10_000, 3_000_000), (40, 500_000, 60_000, 7_000_000))
    expected = areas(methods, bands)["a"]
    methods.table("typed", {**COLUMNS, **dict.fromkeys(INPUTS, kind)}, bands)
    assert methods.rows(aggregate(methods, "typed")) == [expected]
    assert None not in expected.values()
    assert methods.rows(f"select {methods.sql('isr_ratio', observed='7', expected='2', multiplier='1')} as value") == [
        {"value": 3.5}
    ]


ORDERS = {"sorted": "area, position", "reversed": "area desc, position desc", "mixed": "hash(area * 100 + position)"}


def test_neither_the_order_of_rows_nor_threads_change_a_bit(methods):
    """Rows enough for several threads; a bare sum in place of the ordered one fails here."""
    found = set()
    for threads in (1, 2, 4):
        for order in ORDERS.values():
            with duckdb.connect(":memory:", config={"threads": str(threads)}) as connection:
                connection.execute(f"""
                    create table bands as
                    select
                        area,
                        position,
                        hash(area, position) % 97 as count,
                        1000 + hash(position, area) % 9973 as population,
                        100 + hash(area, position, 1) % 997 + 0.1e0 as reference_count,
                        50000 + hash(area, position, 2) % 9973 + 0.1e0 as reference_population
                    from range(7000) as areas(area), range(19) as positions(position)
                    order by {order}
                """)
                query = f"select count(expected), bit_xor(hash(columns(*))) from ({aggregate(methods)})"
                found.add(connection.execute(query).fetchone())
    assert len(found) == 1
    assert found.pop()[0] == 7000
