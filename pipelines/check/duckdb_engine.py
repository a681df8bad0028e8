"""Put a suite to a batch with DuckDB alone: the same rules without the seconds that Great Expectations takes to import.

For looking at one file while a person waits. A load is gated by Great Expectations; a test holds the two to the same
answers. The SQL of the built-in rules belongs here, in the meaning that Great Expectations gives them: a null breaks no
rule but the one against nulls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, cast

from pipelines.check.expectation_suites import IDENTITY
from pipelines.check.gate_database import quoted_name, text_literal
from pipelines.check.rule_verdict import Verdict, first_line

if TYPE_CHECKING:
    from pipelines.check.expectation_suites import Expectation, Suite
    from pipelines.check.gate_database import GateDatabase


_AT_ONCE: Final = 2
"""Rules put at once: most of a rule's time is planning, which uses one processor."""


def verdicts(database: GateDatabase, suite: Suite, detail_rows: int) -> dict[str, Verdict]:
    """Run the suite.

    Args:
        database: Opened for this engine.
        suite: The rules.
        detail_rows: How many failing values to list.

    Returns:
        ``check_id`` to verdict, for every rule.
    """

    def put(one: Expectation) -> tuple[str, Verdict]:
        return one.check_id, _verdict(database.another_connection(), one, detail_rows)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return dict(pool.map(put, suite.expectations))


def _verdict(database: GateDatabase, one: Expectation, detail_rows: int) -> Verdict:
    try:
        if one.query is not None:
            failed = database.number(f"select count(*) from ({one.query})")
            return Verdict(failed == 0, {"observed_value": failed})
        if one.type in _ROW_CONDITIONS:
            return _row_rule(database, one, _ROW_CONDITIONS[one.type](one.kwargs), detail_rows)
        return _TABLE_RULES[one.type](database, one.kwargs)
    except Exception as error:  # whatever it is, the rule has not been evaluated, and the gate has to know
        return Verdict(False, error=first_line(error))


def _row_rule(database: GateDatabase, one: Expectation, condition: str, detail_rows: int) -> Verdict:
    """Return the verdict on a rule that every row keeps or breaks."""
    failing = f"select * from batch where {condition}"
    failed = database.number(f"select count(*) from ({failing})")
    result: dict[str, Any] = {"unexpected_count": failed}
    if failed:
        index = ", ".join(IDENTITY)
        column = one.column
        shown = quoted_name(column) if column else "null"
        rows = database.rows(f"select *, {shown} as _shown from ({failing}) limit {detail_rows}")
        result["partial_unexpected_list"] = [row["_shown"] for row in rows]
        if set(database.columns()).issuperset(IDENTITY):
            named = (*IDENTITY, column) if column else IDENTITY
            result["partial_unexpected_index_list"] = [{name: row[name] for name in named} for row in rows]
            selected = f"{index}, {shown}" if column else index
            result["unexpected_index_query"] = f"select {selected} from ({failing})"
    return Verdict(failed == 0, result)


Arguments = Mapping[str, Any]


def _between(expression: str, arguments: Arguments) -> str:
    """Return the condition of values that are outside the bounds; a null is inside."""
    known = {"column", "min_value", "max_value"}
    if unknown := sorted(set(arguments) - known):
        raise ValueError(f"the argument {unknown[0]!r} is not known here")
    outside = [
        f"{expression} {sign} {float(arguments[name])!r}"
        for name, sign in (("min_value", "<"), ("max_value", ">"))
        if arguments.get(name) is not None
    ]
    return " or ".join(outside) or "false"


def _not_in_set(arguments: Arguments) -> str:
    column = quoted_name(str(arguments["column"]))
    allowed = ", ".join(_literal(value) for value in cast("list[object]", arguments["value_set"]))
    return f"{column} is not null and {column} not in ({allowed})"


def _repeated(columns: list[str]) -> str:
    keys = ", ".join(quoted_name(column) for column in columns)
    filled = " and ".join(f"{quoted_name(column)} is not null" for column in columns)
    return f"{filled} and ({keys}) in (select ({keys}) from batch group by {keys} having count(*) > 1)"


def _not_greater(arguments: Arguments) -> str:
    a, b = quoted_name(str(arguments["column_A"])), quoted_name(str(arguments["column_B"]))
    return f"{a} {'<' if arguments.get('or_equal') else '<='} {b}"


_ROW_CONDITIONS: Final[dict[str, Callable[[Arguments], str]]] = {
    "expect_column_values_to_be_between": lambda a: _between(quoted_name(a["column"]), a),
    "expect_column_value_lengths_to_be_between": lambda a: _between(f"length({quoted_name(a['column'])})", a),
    "expect_column_values_to_be_in_set": _not_in_set,
    "expect_column_values_to_be_unique": lambda a: _repeated([a["column"]]),
    "expect_column_values_to_not_be_null": lambda a: f"{quoted_name(a['column'])} is null",
    "expect_column_pair_values_a_to_be_greater_than_b": _not_greater,
    "expect_compound_columns_to_be_unique": lambda a: _repeated(list(a["column_list"])),
}


def _within(number: int, arguments: Arguments) -> bool:
    lowest, highest = arguments.get("min_value"), arguments.get("max_value")
    return (lowest is None or number >= lowest) and (highest is None or number <= highest)


def _row_count(database: GateDatabase, arguments: Arguments) -> Verdict:
    rows = database.number("select count(*) from batch")
    return Verdict(_within(rows, arguments), {"observed_value": rows})


def _distinct_count(database: GateDatabase, arguments: Arguments) -> Verdict:
    found = database.number(f"select count(distinct {quoted_name(str(arguments['column']))}) from batch")
    return Verdict(_within(found, arguments), {"observed_value": found})


def _distinct_in_set(database: GateDatabase, arguments: Arguments) -> Verdict:
    column = quoted_name(str(arguments["column"]))
    found = [row["found"] for row in database.rows(f"select distinct {column} as found from batch order by 1")]
    allowed = {None, *cast("list[object]", arguments["value_set"])}
    strange = [value for value in found if value not in allowed]
    return Verdict(not strange, {"observed_value": found, "unexpected_count": len(strange)})


def _columns_match(database: GateDatabase, arguments: Arguments) -> Verdict:
    found, wanted = set(database.columns()), {str(name) for name in cast("list[object]", arguments["column_set"])}
    mismatched = {"missing": sorted(wanted - found)}
    if arguments.get("exact_match", True):
        mismatched["unexpected"] = sorted(found - wanted)
    mismatched = {kind: names for kind, names in mismatched.items() if names}
    result: dict[str, Any] = {"observed_value": sorted(found), "details": {"mismatched": mismatched}}
    return Verdict(not mismatched, result)


_TABLE_RULES: Final[dict[str, Callable[[GateDatabase, Arguments], Verdict]]] = {
    "expect_table_row_count_to_be_between": _row_count,
    "expect_column_unique_value_count_to_be_between": _distinct_count,
    "expect_column_distinct_values_to_be_in_set": _distinct_in_set,
    "expect_table_columns_to_match_set": _columns_match,
}


def _literal(value: object) -> str:
    return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else text_literal(value)
