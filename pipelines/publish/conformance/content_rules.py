"""The rules about what stands in the rows: flags, numbers, text, dates, statuses, order.

Keys and joins are in ``key_rules``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.publish.catalogue import quoted
from pipelines.publish.conformance.findings import LintedFile, Looked, Violation, is_flag, rows
from pipelines.publish.conformance.promises import TEXT_AS_FOUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FLAG: Final = "SMALLINT"
_CALENDAR: Final = ("dim_date", "date_key", "full_date")
_DATE_KEY: Final = "_date_key"
_READABLE: Final = 4.5
_WHITE: Final = 1.0
_VALUES: Final = "fct_indicator_value"
_STATUSES: Final = "dim_status"
_IN_THE_MART: Final = "Correct it in the mart."

LATEST: Final[Mapping[str, tuple[str, ...]]] = {
    "fct_indicator_value": ("indicator_key", "area_key", "population_group_key", "dim_period.period_months"),
    "fct_target_vs_actual": ("commitment_key", "area_key", "indicator_key", "population_group_key"),
}
"""Table with ``is_latest`` -> what makes a series. Periods of another length are another series."""


def flags_are_0_or_1(file: LintedFile) -> Looked:
    """Look at the type of every flag, and at its values; a flag of which nothing is known is NULL."""
    flags = [one for one in file.columns if is_flag(one)]
    remedy = "Cast it in its mart to SMALLINT, 1 for yes and 0 for no."
    broken = [
        Violation(one.relation, one.name, f"is a flag of type {one.data_type}", remedy, one.data_type)
        for one in flags
        if one.data_type != _FLAG
    ]
    small = file.columns_of_tables(lambda one: is_flag(one) and one.data_type == _FLAG)
    broken += [
        Violation(table, name, f"is a flag and neither 0 nor 1 in {rows(count)}", remedy, value)
        for table, name, count, value in file.per_column(small, lambda name: f"{name} not in (0, 1)")
    ]
    return Looked(len(flags), broken)


def numbers_are_finite(file: LintedFile) -> Looked:
    """Look at every DOUBLE of every table."""
    doubles = file.columns_of_tables(lambda one: one.data_type == "DOUBLE")
    return Looked(
        _cells(file, doubles),
        [
            Violation(table, name, f"is no finite number in {rows(count)}", "Guard the division in its mart.", value)
            for table, name, count, value in file.per_column(doubles, lambda name: f"not isfinite({name})")
        ],
    )


def text_is_not_empty(file: LintedFile) -> Looked:
    """Look at every text of every table but those that show somebody else's."""
    texts = file.columns_of_tables(lambda one: one.data_type == "VARCHAR" and one.name not in TEXT_AS_FOUND)
    remedy = "Say nullif(…, '') in its mart."
    return Looked(
        _cells(file, texts),
        [
            Violation(table, name, f"is a text without characters in {rows(count)}", remedy, value)
            for table, name, count, value in file.per_column(texts, lambda name: f"{name} = ''")
        ],
    )


def text_is_trimmed(file: LintedFile) -> Looked:
    """Look at every text of every table but those that show somebody else's."""
    texts = file.columns_of_tables(lambda one: one.data_type == "VARCHAR" and one.name not in TEXT_AS_FOUND)
    remedy = "Trim it where it is staged."
    return Looked(
        _cells(file, texts),
        [
            Violation(table, name, f"has a blank at an end or a control character in {rows(count)}", remedy, value)
            for table, name, count, value in file.per_column(
                texts,
                lambda name: rf"regexp_matches({name}, '[\x00-\x1f\x7f]|^[ \x{{A0}}]|[ \x{{A0}}]$')",
            )
        ],
    )


def identifiers_are_text(file: LintedFile) -> Looked:
    """Look at the type of every identifier and code, and for traces of a number in it."""
    identifiers = [one for one in file.columns if one.name.endswith(("_id", "_code"))]
    remedy = "Read it as text from the first step on."
    broken = [
        Violation(one.relation, one.name, f"is an identifier of type {one.data_type}", remedy, one.data_type)
        for one in identifiers
        if one.data_type != "VARCHAR"
    ]
    texts = file.columns_of_tables(lambda one: one.data_type == "VARCHAR" and one.name.endswith(("_id", "_code")))
    # 92026.0 and 9.2e4 are what a spreadsheet or a data frame makes of an identifier.
    broken += [
        Violation(table, name, f"has passed through a number in {rows(count)}", remedy, value)
        for table, name, count, value in file.per_column(
            texts,
            lambda name: rf"{name} < ':' and regexp_full_match({name}, '[0-9]+(\.0+|(\.[0-9]+)?[eE]\+?[0-9]+)')",
        )
    ]
    padded = file.per_column(texts, lambda name: rf"starts_with({name}, '0') and regexp_full_match({name}, '0[0-9]+')")
    for table, name, _, _ in padded:
        both = file.ask(
            f"select any_value(code) from (select distinct {quoted(name)} as code from {quoted(table)}) "
            "where regexp_full_match(code, '[0-9]+') group by ltrim(code, '0') having count(*) > 1 limit 1"
        )
        if both:
            broken.append(
                Violation(table, name, "is there with and without its leading zeros", remedy, str(both[0][0]))
            )
    return Looked(len(identifiers), broken)


def value_agrees_with_its_status(file: LintedFile) -> Looked:
    """Hold every value against what its status says."""
    if not file.has(_VALUES, "value", "value_status_code"):
        return Looked(0)
    if not file.has("dim_value_status", "value_status_code", "has_value"):
        return Looked(
            0, [Violation("dim_value_status", None, "is missing: nothing says what a status means", _IN_THE_MART)]
        )
    found = file.ask(
        f"""
        select v.value_status_code, count(*), count_if(v.value is null) from {_VALUES} as v
        left join dim_value_status as s using (value_status_code)
        where s.has_value is null or (v.value is null) <> (s.has_value = 0) group by 1 order by 1
        """
    )
    return Looked(
        file.row_counts[_VALUES],
        [
            Violation(
                _VALUES,
                "value",
                f"does not agree with its status in {rows(int(count))}, in {int(absent):,} of them by its absence",
                "Give the row the status that says why, or the value.",
                str(code),
            )
            for code, count, absent in found
        ],
    )


def one_latest_value(file: LintedFile) -> Looked:
    """Count the rows marked as the latest of each series."""
    looked, broken = 0, list[Violation]()
    for table, series in LATEST.items():
        if not file.has(table, "is_latest"):
            continue
        expressions, joins = _with_dimensions(file, table, series)
        if expressions is None:
            broken.append(
                Violation(table, "is_latest", "marks the latest of a series that cannot be told", _IN_THE_MART)
            )
            continue
        total, wrong = file.ask(
            f"select count(*), count_if(marked <> 1) from (select sum(t.is_latest) as marked from {quoted(table)} as t "
            f"{joins} group by {', '.join(expressions)})"
        )[0]
        looked += int(total)
        if wrong:
            seen = f"marks none, or several, as the latest in {int(wrong):,} of {int(total):,} series"
            broken.append(Violation(table, "is_latest", seen, "Mark exactly one row of each series in the mart."))
    return Looked(looked, broken)


def rows_are_sorted(file: LintedFile) -> Looked:
    """Hold the physical order of every table against the declared one."""
    looked, broken = 0, list[Violation]()
    for table, promise in file.promises.tables.items():
        if table not in file.tables:
            continue
        names = tuple(name.removesuffix(" desc") for name in promise.order)
        expressions, joins = _with_dimensions(file, table, names)
        if expressions is None:
            broken.append(
                Violation(table, ", ".join(names), "is its declared order and not there", "Correct the promise.")
            )
            continue
        directions = ["desc" if name.endswith(" desc") else "asc" for name in promise.order]
        order = ", ".join(f"{one} {way} nulls last" for one, way in zip(expressions, directions, strict=True))
        total, wrong = file.ask(
            f"select count(*), count_if(place <> wanted) from (select row_number() over (order by t.rowid) as place, "
            f"row_number() over (order by {order}, t.rowid) as wanted from {quoted(table)} as t {joins})"
        )[0]
        looked += int(total)
        if wrong:
            seen = f"is not sorted by {', '.join(promise.order)}: {rows(int(wrong))} out of place"
            broken.append(Violation(table, None, seen, "Add the order at the end of its mart."))
    return Looked(looked, broken)


def tables_are_filled(file: LintedFile) -> Looked:
    """Look for tables without a row."""
    return Looked(
        len(file.tables),
        [
            Violation(
                table, None, "is empty", "Look for what was lost, or say in conformance/promises.py why it may be."
            )
            for table in file.tables
            if not file.row_counts[table]
            and not (table in file.promises.tables and file.promises.tables[table].empty_because)
        ],
    )


def calendar_has_no_gap(file: LintedFile) -> Looked:
    """Count the days of the calendar between its first and its last."""
    table, _, day = _CALENDAR
    if not file.has(table, day):
        return Looked(0)
    days, distinct, span, first, last = file.ask(
        f"select count({day}), count(distinct {day}), date_diff('day', min({day}), max({day})) + 1, "
        f"min({day}), max({day}) from {table}"
    )[0]
    if days == distinct == (span or 0):
        return Looked(int(days))
    seen = f"has {days:,} days, {distinct:,} of them different, for the {span or 0:,} from {first} to {last}"
    return Looked(int(days), [Violation(table, day, seen, "Generate every day once, from the first to the last.")])


def date_keys_say_the_date(file: LintedFile) -> Looked:
    """Hold every key of a day against the date beside it; what has no date is -1 or -2."""
    pairs: list[tuple[str, str, str]] = []
    for table, names in file.columns_of_tables(lambda one: one.name.endswith(_DATE_KEY)).items():
        for name in names:
            role = name.removesuffix(_DATE_KEY)
            beside = [day for day in (role, f"{role}_date", f"{role}_on") if file.has(table, day)]
            pairs += [(table, name, day) for day in beside if file.of[table][day].data_type == "DATE"][:1]
    table, key, day = _CALENDAR
    if file.has(table, key, day):
        pairs.append((table, key, day))
    looked, broken = 0, list[Violation]()
    for table, key, day in pairs:
        meant = f"year({quoted(day)}) * 10000 + month({quoted(day)}) * 100 + day({quoted(day)})"
        total, wrong, value = file.ask(
            f"select count(*), count_if(wrong), any_value(key) filter (where wrong) from "
            f"(select {quoted(key)} as key, case when {quoted(day)} is null "
            f"then coalesce({quoted(key)} not in (-1, -2), true) "
            f"else {quoted(key)} is distinct from {meant} end as wrong from {quoted(table)})"
        )[0]
        looked += int(total)
        if wrong:
            seen = f"is another day than {day}, or none, in {rows(int(wrong))}"
            broken.append(Violation(table, key, seen, "Make it with the macro date_key.", str(value)))
    return Looked(looked, broken)


def dates_are_in_the_calendar(file: LintedFile) -> Looked:
    """Look for dates before the first or after the last day of the calendar.

    Only facts are shown over time; the years in which an area was valid may lie long before.
    """
    calendar, _, full_date = _CALENDAR
    if not file.has(calendar, full_date):
        return Looked(0, [Violation(calendar, full_date, "is missing", "Publish a calendar.")])
    first, last = file.ask(f"select min({full_date}), max({full_date}) from {calendar}")[0]
    days = file.columns_of_tables(lambda one: one.data_type == "DATE" and one.relation.startswith("fct_"))
    remedy = f"Let {calendar} reach it."
    return Looked(
        _cells(file, days),
        [
            Violation(table, name, f"lies outside {first} to {last} in {rows(count)}", remedy, value)
            for table, name, count, value in file.per_column(
                days, lambda name: f"{name} not between date '{first}' and date '{last}'"
            )
        ],
    )


def statuses_have_word_symbol_colour(file: LintedFile) -> Looked:
    """Look at the word, symbol and colour of every status that a row can have."""
    wanted = ("status_key", "status_code", "status_label", "status_symbol", "status_colour")
    if not file.has(_STATUSES, *wanted):
        return Looked(0, [Violation(_STATUSES, None, f"lacks one of {', '.join(wanted)}", "Bring it back.")])
    found = file.ask(f"select status_code, {', '.join(wanted[2:])} from {_STATUSES} where status_key >= 0 order by all")
    return Looked(
        len(found),
        [
            Violation(_STATUSES, name, "is missing for a status", "Add it to the seed of statuses.", str(code))
            for code, *shown in found
            for name, text in zip(wanted[2:], shown, strict=True)
            if not (text or "").strip()
        ],
    )


def colours_are_readable(file: LintedFile) -> Looked:
    """Compute the contrast of every status colour against white."""
    if not file.has(_STATUSES, "status_code", "status_colour"):
        return Looked(0)
    found = file.ask(f"select status_code, status_colour from {_STATUSES} where status_colour is not null order by all")
    broken: list[Violation] = []
    remedy = "Choose a darker colour in the seed of statuses."
    for code, colour in found:
        contrast = contrast_with_white(str(colour))
        if contrast is None:
            seen = f"of {code} is no colour like #1d70b8"
            broken.append(Violation(_STATUSES, "status_colour", seen, remedy, str(colour)))
        elif contrast < _READABLE:
            seen = f"of {code} has a contrast of {contrast:.2f} to 1 against white"
            broken.append(Violation(_STATUSES, "status_colour", seen, remedy, str(colour)))
    return Looked(len(found), broken)


def contrast_with_white(colour: str) -> float | None:
    """Return the contrast of a colour against white, as WCAG 2.2 defines it (relative luminance, sRGB).

    Args:
        colour: ``#rrggbb``.

    Returns:
        From 1 (white) to 21 (black); None when it is no such colour.
    """
    digits = colour.removeprefix("#")
    if len(colour) != 7 or len(digits) != 6 or not all(one in "0123456789abcdefABCDEF" for one in digits):
        return None
    linear: list[float] = []
    for place in (0, 2, 4):
        channel = int(digits[place : place + 2], 16) / 255
        linear.append(channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (_WHITE + 0.05) / (luminance + 0.05)


def _cells(file: LintedFile, columns: Mapping[str, Sequence[str]]) -> int:
    """Return how many cells those columns have."""
    return sum(file.row_counts[table] * len(names) for table, names in columns.items())


def _with_dimensions(file: LintedFile, table: str, names: Sequence[str]) -> tuple[list[str] | None, str]:
    """Turn names into SQL over ``table as t``: ``dim_x.column`` is joined by ``x_key``.

    Returns:
        One expression a name, or None when one of them is not there; and the joins.
    """
    expressions: list[str] = []
    joins: dict[str, str] = {}
    for name in names:
        dimension, _, column = name.rpartition(".")
        if not dimension:
            if not file.has(table, column):
                return None, ""
            expressions.append(f"t.{quoted(column)}")
            continue
        key = f"{dimension.removeprefix('dim_')}_key"
        if not (file.has(table, key) and file.has(dimension, key, column)):
            return None, ""
        expressions.append(f"{dimension}.{quoted(column)}")
        joins[dimension] = f"left join {dimension} on t.{quoted(key)} = {dimension}.{quoted(key)}"
    return expressions, " ".join(joins.values())
