"""Nobody reads a withheld count from public files; and whoever tries the same on badly made ones reads many.

What the attacker does is in ``attack``. That the public edition is otherwise a proper release is tested beside it.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.publish import public_edition
from pipelines.publish.disclosure import secondary
from pipelines.publish.public_edition import make_public_edition

if TYPE_CHECKING:
    from tests.disclosure.conftest import Edition

attack = sys.modules["attack"].attack
POLICIES = sys.modules["dirty_release"].POLICIES


def without(monkeypatch: pytest.MonkeyPatch, **emptied: frozenset[int]) -> None:
    """Let the public edition forget a part of the decision."""
    decide = secondary.decide
    monkeypatch.setattr(public_edition, "decide", lambda *given: replace(decide(*given), **emptied))


def test_the_public_edition_gives_nothing_away(first: Edition):
    result = attack([first.public], first.whole)
    print(f"\ninvented release: {result}")
    assert result.suppressed > 50
    assert sum(result.tried.values()) > 10_000
    assert not result.recovered
    assert not result.pinned


def test_the_attack_reads_a_file_in_which_only_the_counts_are_blank(first: Edition, tmp_path: Path):
    naive = tmp_path / "naive.duckdb"
    shutil.copy(first.whole, naive)
    naive.chmod(0o644)
    with duckdb.connect(str(naive)) as connection:
        for table in ("fct_indicator_value", "fct_footprint_value"):
            connection.execute(f"update {table} set count = null where count between 1 and 7")
    result = attack([naive], first.whole)
    print(f"\nonly the counts blank: {result}")
    cells = {cell for _, cell, _ in result.recovered}
    kinds = {kind for kind, _, _ in result.recovered}
    assert len(cells) > 0.9 * result.suppressed
    assert kinds >= {
        "value times denominator", "limits", "number in a text", "count in a text", "record in a text", "comparison",
        "target and gap", "target and gap in people", "share of distance", "pace", "observed change", "trend",
        "standardised rate", "same figure twice", "inequality", "baseline value",
        "planned target from baseline", "text of the cell",
    }  # fmt: skip


def test_the_attack_reads_a_file_without_partners(first: Edition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    none: frozenset[int] = frozenset()
    without(monkeypatch, partner=none)
    make_public_edition(first.whole, tmp_path / "public.duckdb", POLICIES)
    result = attack([tmp_path / "public.duckdb"], first.whole)
    print(f"\nno partners: {result}")
    assert len({cell for kind, cell, _ in result.recovered if kind == "linear programme"}) > 0.5 * result.suppressed


def test_the_attack_reads_a_file_that_forgets_the_copies(
    first: Edition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    none: frozenset[int] = frozenset()
    without(monkeypatch, partner=none, twin=none)
    make_public_edition(first.whole, tmp_path / "public.duckdb", POLICIES)
    result = attack([tmp_path / "public.duckdb"], first.whole)
    print(f"\nno partners and no twins: {result}")
    assert {kind for kind, _, _ in result.recovered} >= {"same figure twice", "linear programme"}


def test_two_editions_in_a_row_give_nothing_away(first: Edition, second: Edition):
    assert second.report.sticky
    exposed = {tuple(cell.split("|")[1:-1]) for cell in second.report.exposed_before}
    print(f"\nshown by the first edition and withheld by the second: {len(exposed)}")
    for whole in (first.whole, second.whole):
        result = attack([first.public, second.public], whole)
        print(f"two editions, for the counts of {whole.stem}: {result}")
        assert {cell for _, cell, _ in result.recovered} <= exposed
        assert result.pinned <= exposed


def test_two_editions_that_choose_for_themselves_give_counts_away(
    first: Edition, second: Edition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # The second edition prefers other partners, as after any change of the rules.
    monkeypatch.setattr(secondary._Search, "_cost", lambda search, i: tuple(-ord(c) for c in search.cells[i].cell_id))
    make_public_edition(second.whole, tmp_path / "public.duckdb", POLICIES)
    result = attack([first.public, tmp_path / "public.duckdb"], second.whole)
    print(f"\ntwo editions without memory: {result}")
    exposed = {tuple(cell.split("|")[1:-1]) for cell in second.report.exposed_before}
    assert {cell for _, cell, _ in result.recovered} - exposed


def test_the_public_edition_of_the_real_data_gives_nothing_away(real: Edition):
    result = attack([real.public], real.whole)
    print(f"\nreal data, {real.seconds:.1f} s: {result}\n" + "\n".join(real.report.sentences()))
    assert result.suppressed > 50
    assert not result.recovered
    assert not result.pinned
