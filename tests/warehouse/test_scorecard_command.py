"""``outcomes scorecard`` over a small published file: filters, errors, totals and the table."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines import cli
from pipelines.report.scorecard import ScorecardFilters, read_scorecard

REPOSITORY = Path(__file__).resolve().parents[2]
HIDDEN = {"not_assessable", "no_target", "unknown", "permissive"}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(published, monkeypatch, capfd) -> Run:
    """Return a function from arguments of ``scorecard`` to exit code, output and errors."""

    def call(*arguments: str, warehouse: Path = published.parent) -> tuple[int, str, str]:
        monkeypatch.setenv("OUTCOMES_WAREHOUSE", str(warehouse))
        monkeypatch.setattr(sys, "argv", ["outcomes", "scorecard", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capfd.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return call


def test_every_row_that_says_something_has_a_line(run, rows):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.startswith("Release 20260301T060000Z-1a2b3c4d, as at 1 March 2026.\n")
    scorecard = rows("""
        select commitment_id, status_code, exists (
            select 1 from fct_milestone as m
            where m.commitment_key = s.commitment_key and m.recorded_state is not null
        ) as is_recorded
        from v_scorecard as s where place_role = 'signed'
    """)
    says = [row for row in scorecard if row["is_recorded"] or row["status_code"] not in HIDDEN]
    said = {row["commitment_id"] for row in says}
    held_back = len(scorecard) - len(says)
    listed = {line.split()[-1] for line in out.splitlines() if line}
    assert said <= listed
    assert f"Not listed: {held_back} of which nothing can be said yet; --all lists them." in out


def test_totals_are_those_of_the_view(run, rows):
    _, out, _ = run()
    totals = out.split("Totals", 1)[1].split("A commitment counts", 1)[0]
    for row in rows("select status_label, count(*) as n from v_scorecard where is_counted = 1 group by all"):
        said = [line.split() for line in totals.splitlines()]
        assert [*row["status_label"].split(), str(row["n"])] in [words[1:] for words in said]


def test_coverage_is_that_of_the_view(run, rows):
    _, out, _ = run()
    counts = {
        row["outcome"]: row["n"]
        for row in rows("""
            select outcome, cast(sum(commitments) as integer) as n
            from v_coverage where framework_id = 'strategy' group by outcome
        """)
    }
    columns = ("assessed", "recorded", "not_recorded", "optional", "no_target", "not_assessable", "repeated")
    (line,) = [line for line in out.splitlines() if line.startswith("Strategy ") and not line.endswith("strategy")]
    assert [int(cell) for cell in line.split()[1:]] == [sum(counts.values()), *(counts.get(one, 0) for one in columns)]


@pytest.mark.parametrize("arguments", [(), ("--all",), ("--parts", "--all"), ("--status", "not_assessable")])
def test_nothing_is_wider_than_120_columns_when_piped(run, arguments):
    _, out, _ = run(*arguments)
    assert out.count("\n") > 20
    assert max(map(len, out.splitlines())) <= 120


def test_all_lists_everything(run, rows):
    _, out, _ = run("--all")
    assert "Not listed" not in out
    listed = {line.split()[-1] for line in out.splitlines() if line}
    assert {
        row["commitment_id"] for row in rows("select commitment_id from v_scorecard where place_role = 'signed'")
    } <= listed


def test_a_status_asks_for_its_rows(run):
    _, out, _ = run("--status", "NOT_ASSESSABLE")
    assert "Not listed" not in out
    assert "no baseline" in out
    assert "▼" not in out


@pytest.mark.parametrize("place", ["E54000057", "NHS Greater Manchester ICB", "nhs greater manchester icb"])
def test_one_place(run, place, rows):
    (area,) = rows("select area_name from dim_area where area_code = 'E54000057'")
    _, out, _ = run("--place", area["area_name"] if "Manchester" in place else place)
    assert "board_with_prefix" in out
    assert "a_falls_fast" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--framework", "strategi"),
            "There is no framework 'strategi'. Did you mean strategy? Known: plan, strategy.",
        ),
        (("--place", "Traford"), "There is no place 'Traford' here. Did you mean Trafford?"),
        (("--place", "Atlantis"), "Places that signed: "),
        (("--status", "ontrack"), "There is no status 'ontrack'. Did you mean on_track"),
    ],
)
def test_an_unknown_name_is_one_message_and_exit_code_1(run, arguments, words):
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("Error: There is no ")
    assert words in err


def test_an_empty_answer_is_said_in_words(run):
    code, out, _ = run("--place", "E54000057", "--status", "missed")
    assert code == 0
    assert "No commitment fits: place E54000057, status missed, signed places." in out


def test_nothing_published(run, tmp_path):
    code, out, err = run(warehouse=tmp_path)
    assert (code, out, err) == (1, "Nothing is published yet. Run: outcomes refresh\n", "")


def test_a_file_of_another_version(run, tmp_path):
    with duckdb.connect(str(tmp_path / "outcomes.duckdb")) as connection:
        connection.execute("create table release as select 'r' as release_id, date '2026-03-01' as as_at")
    code, _, err = run(warehouse=tmp_path)
    assert code == 1
    assert "cannot be read by this version" in err
    assert "outcomes refresh --force" in err


def test_the_table_holds_every_row_and_its_numbers(run, rows):
    code, out, err = run("--csv")
    assert (code, err) == (0, "")
    found = {(row["commitment_id"], row["area_code"]): row for row in csv.DictReader(io.StringIO(out, newline=""))}
    scorecard = rows("from v_scorecard where place_role = 'signed'")
    assert len(found) == len(scorecard) > 100
    for row in scorecard:
        cells = found[row["commitment_id"], row["area_code"]]
        assert cells["status_code"] == row["status_code"]
        for number in ("actual_value", "target_value"):
            assert cells[number] == ("" if row[number] is None else repr(row[number]))


def test_a_formula_in_the_file_is_disarmed(run, published, tmp_path):
    doctored = tmp_path / "outcomes.duckdb"
    doctored.write_bytes(published.read_bytes())
    with duckdb.connect(str(doctored)) as connection:
        connection.execute("update dim_commitment set title = '=1+1' where commitment_id = 'g_negative'")
    _, out, _ = run("--csv", warehouse=tmp_path)
    found = {row["commitment_id"]: row for row in csv.DictReader(io.StringIO(out, newline=""))}
    assert found["g_negative"]["title"] == "'=1+1"
    # A negative number is a number.
    assert found["g_negative"]["actual_value"] == "-5.0"


def test_any_published_file_can_be_read(published, tmp_path):
    elsewhere = tmp_path / "what_if.duckdb"
    elsewhere.write_bytes(published.read_bytes())
    assert read_scorecard(elsewhere, ScorecardFilters()).lines == read_scorecard(published, ScorecardFilters()).lines


def test_parts_are_shown_when_asked_for(published):
    alone = read_scorecard(published, ScorecardFilters()).lines
    together = read_scorecard(published, ScorecardFilters(parts=True)).lines
    assert {line.place_role for line in alone} == {"signed"}
    assert set(alone) < set(together)
    assert {line.place_role for line in together} == {"signed", "part"}
