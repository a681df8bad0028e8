"""What a published file has to be, rule by rule, in words.

The names, sentences and reasons belong here, where the index of intended checks and the linter both find them. How a
rule is looked at does not: see ``publish.conformance``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ReleaseRule:
    """One rule for a published file.

    Attributes:
        rule_id: Its name.
        kind: Kind of check, as ``fct_data_quality_check.expectation_type`` has it.
        sentence: What holds.
        why: Why it has to.
        needs_promises: Whether it asks for what a certain warehouse has promised, and so looks at nothing in a file of
            which nothing is promised.
    """

    rule_id: str
    kind: str
    sentence: str
    why: str
    needs_promises: bool = False


_CONFORMS: Final = "published_file_conforms"


def _rule(rule_id: str, sentence: str, why: str) -> ReleaseRule:
    return ReleaseRule(rule_id, _CONFORMS, sentence, why)


def _promise(rule_id: str, sentence: str, why: str) -> ReleaseRule:
    return ReleaseRule(rule_id, _CONFORMS, sentence, why, needs_promises=True)


RELEASE_RULES: Final[tuple[ReleaseRule, ...]] = (
    ReleaseRule(
        "allowed_types",
        "column_types_are_allowed",
        "Every column of a table or view has a type that every driver shows as what it is.",
        "A type that a driver of a BI tool does not know is shown as nothing, or breaks the whole import.",
    ),
    ReleaseRule(
        "dictionary_complete",
        "every_column_is_described",
        "The dictionary has one row for every column, with its type and place, and none for anything else.",
        "A column that nobody describes is guessed at by whoever reads it.",
    ),
    ReleaseRule(
        "storage_format",
        "storage_format_is_the_intended",
        "The file has the storage format that the oldest supported client reads.",
        "A file in a newer storage format than intended does not open in the clients that people have.",
    ),
    ReleaseRule(
        "reads_as_a_client",
        "every_relation_reads_alone",
        "Every table and view can be read with no other file in reach.",
        "A view that reads something outside the file breaks at every reader but the one who built it.",
    ),
    _rule(
        "no_write_ahead_log",
        "No write-ahead log lies beside the file.",
        "What is still in the log is missing for whoever copies the file alone.",
    ),
    _rule(
        "one_schema",
        "The file holds tables and views in the schema main, and nothing else.",
        "A schema, macro, sequence or type of the build confuses a reader, and some drivers stop at it.",
    ),
    _rule(
        "plain_names",
        "Every name is lower-case letters, digits and single underscores, up to 63 characters.",
        "Another name has to be quoted, and quoted differently in every tool.",
    ),
    _rule(
        "no_reserved_names",
        "No name is a reserved word of DuckDB.",
        "A reserved word as a name breaks the queries that tools write by themselves.",
    ),
    _rule(
        "comments_present",
        "Every table, view and column has a comment.",
        "Tools that show comments show nothing where there is none.",
    ),
    _rule(
        "dictionary_agrees",
        "The dictionary says what the comments say.",
        "Two descriptions of one column leave the reader to guess which is right.",
    ),
    _rule(
        "adding_up_is_said",
        "Where the dictionary says what may be added up, it says so of every figure and of figures only.",
        "A BI tool adds up every number that it is not told to leave alone, rates too.",
    ),
    _rule(
        "keys_are_whole_numbers",
        "Every surrogate key is an integer that a double holds exactly.",
        "Excel and some drivers carry integers as doubles: a longer key would join to the wrong row.",
    ),
    _rule(
        "relationships_exist",
        "Every relationship names columns that are there, of one type.",
        "A join to a column that is not there cannot be drawn in the model of a BI tool.",
    ),
    _rule(
        "relationships_share_names",
        "Both ends of a relationship have one name, or the referring one says the role before it.",
        "BI tools propose joins by name, and people guess them by name.",
    ),
    _rule(
        "relationships_reach_one_row",
        "What a relationship refers to stands once in its table, and its cardinality is what it says.",
        "A join to two rows doubles every figure.",
    ),
    _rule(
        "relationships_have_no_orphans",
        "Every reference leads to a row.",
        "A row whose reference leads nowhere drops out of every report that joins the two tables.",
    ),
    _rule(
        "release_states_itself",
        "The table release has one row, and the tables hold the rows and the contents that it states.",
        "A file that was cut off, mixed or changed by hand must be told from a release.",
    ),
    _rule(
        "views_are_plain",
        "No view names a file, another database or a function of an extension.",
        "A client without that file or extension cannot read the view.",
    ),
    _rule(
        "flags_are_0_or_1",
        "Every flag is a SMALLINT that is 0 or 1.",
        "ODBC shows a BOOLEAN as text, and a sum over a flag has to count.",
    ),
    _rule(
        "numbers_are_finite",
        "No number is infinite or not a number.",
        "One such number makes every average and axis that it enters meaningless.",
    ),
    _rule(
        "text_is_not_empty",
        "Where there is no text there is NULL, not a text without characters.",
        "A filter on what is missing finds one of the two and not the other.",
    ),
    _rule(
        "text_is_trimmed",
        "No text begins or ends with a blank or holds a control character.",
        "Two labels that look alike and are not split a chart into two.",
    ),
    _rule(
        "identifiers_are_text",
        "Every identifier is text, and none has passed through a number.",
        "An identifier read as a number loses its leading zeros, and no longer joins.",
    ),
    _rule(
        "date_keys_say_the_date",
        "Every key of a day is that day as yyyymmdd, and stands for the date beside it.",
        "Time intelligence of a BI tool works by the key; a key of another day moves the figure.",
    ),
    _rule(
        "calendar_has_no_gap",
        "The calendar has every day from its first to its last.",
        "Time intelligence of a BI tool refuses a calendar with a gap, or counts wrongly.",
    ),
    _rule(
        "colours_are_readable",
        "Every status colour has a contrast of at least 4.5 to 1 against white.",
        "Text in a paler colour cannot be read by everybody (WCAG 2.2, 1.4.3).",
    ),
    _rule(
        "value_agrees_with_its_status",
        "A value is there exactly when its status says that there is one.",
        "A value beside a reason for its absence, or neither, says two things or nothing.",
    ),
    _rule(
        "one_latest_value",
        "Exactly one row of each series is marked as the latest.",
        "A card that filters by the mark shows nothing, or the sum of two values.",
    ),
    _promise(
        "tables_are_the_promised",
        "The file has every promised table and view, and no table that was not promised.",
        "A report that was built on a table breaks when it is gone.",
    ),
    _promise(
        "columns_are_the_promised",
        "Every column that others rely on is there.",
        "A report that was built on a column breaks when it is renamed.",
    ),
    _promise(
        "prefixes_say_the_kind",
        "Dimensions are called dim_, facts fct_, bridges bridge_, and views v_, or dim_ for a dimension in a role.",
        "The prefix tells a reader what may be added up and what is joined.",
    ),
    _promise(
        "rows_are_identified",
        "Every table has a primary key or a declared grain, and no two rows share it.",
        "Two rows for one thing double every sum that is made over the table.",
    ),
    _promise(
        "members_for_absence",
        "Every dimension has the members -1 Unknown and -2 Not applicable.",
        "A fact without a known member would otherwise drop out of every join.",
    ),
    _promise(
        "keys_are_related",
        "Every key in a table is its primary key or has a relationship.",
        "A key without a stated join is joined by guess.",
    ),
    _promise(
        "keys_are_registered",
        "The key registry has every member of every dimension, and no other as current.",
        "A key that is not remembered can come to mean something else in a later release.",
    ),
    _promise(
        "keys_keep_their_meaning",
        "Every key that the release before remembers still stands for the same thing.",
        "A saved filter or report holds keys: one that changes its meaning changes the report silently.",
    ),
    _promise(
        "rows_are_sorted",
        "Every table has its rows in the declared order.",
        "Sorted rows make the file small and let a client skip what it does not ask for.",
    ),
    _promise(
        "tables_are_filled",
        "No table is empty that is not known to be so at times.",
        "An empty table most often means that something was lost on the way.",
    ),
    _promise(
        "statuses_have_word_symbol_colour",
        "Every status has a word, a symbol and a colour.",
        "Colour alone is not seen by everybody (WCAG 2.2, 1.4.1).",
    ),
    _promise(
        "dates_are_in_the_calendar",
        "Every date in a fact lies within the calendar.",
        "A date that the calendar lacks is left out of every chart over time.",
    ),
)
"""In the order in which they are shown."""
