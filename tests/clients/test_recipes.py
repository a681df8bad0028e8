"""The recipes: short, complete, and every block of code in them works on the published file.

SQL is put to the newest and to the oldest DuckDB. Python, JavaScript, base R and the commands run in a process of their
own in a folder with nothing but the file. JSON and YAML are read; other R is only parsed, Power Query is not run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines.settings import Settings

from .conftest import absent
from .install import STAMP, folder
from .matrix import FILE, HERE

RECIPES = HERE.parents[1] / "pipelines" / "publish" / "recipes"
TOOLS = ("power_bi", "excel", "tableau", "superset", "metabase", "evidence", "r", "python")
LINES = 60
SECONDS_FOR_A_BLOCK = 60
# What a block needs beyond the packages of this project, by the second word of its fence.
FOLDERS = {"polars": ("arrow",), "ibis": ("arrow", "duckdb-1.5"), "adbc": ("arrow",), "base": ("duckdb-cli",)}
RUN_OTHERWISE = {"powerquery", "text"}
"""Power BI's own language, connection strings and what stands on a page: no program here reads them."""


@dataclass(frozen=True)
class Block:
    """One fenced block of a recipe.

    Attributes:
        recipe: File name.
        language: First word of the fence.
        needs: Second word of the fence, or empty.
        number: Its place in the recipe.
        code: What stands in it.
    """

    recipe: str
    language: str
    needs: str
    number: int
    code: str


def blocks_of(name: str, text: str) -> list[Block]:
    """Read the fenced blocks of one recipe."""
    found = re.findall(r"^```(\w+) ?(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [Block(name, language, needs, number, code) for number, (language, needs, code) in enumerate(found, 1)]


BLOCKS = [
    block for file in sorted(RECIPES.glob("*.md")) for block in blocks_of(file.name, file.read_text(encoding="utf-8"))
]


def of(*languages: str) -> pytest.MarkDecorator:
    chosen = [block for block in BLOCKS if block.language in languages]
    assert chosen
    return pytest.mark.parametrize("block", chosen, ids=lambda block: f"{block.recipe}-{block.number}-{block.needs}")


@pytest.fixture
def desk(published: Settings, tmp_path: Path) -> Path:
    """Return a folder with a link to the published file in it."""
    (tmp_path / FILE).symlink_to(published.served_file)
    return tmp_path


def run(command: list[str], desk: Path, needs: str = "", *, more: dict[str, str] | None = None) -> str:
    """Run a block, or leave the test where what it needs is missing."""
    if shutil.which(command[0]) is None:
        absent(f"the program {command[0]}")
    folders = [folder() / name for name in FOLDERS.get(needs, ())]
    for path in folders:
        if not (path / STAMP).exists():
            absent(f"{path} (python tests/clients/install.py)")
    search = os.pathsep.join([str(folder() / "duckdb-cli" / "duckdb_cli"), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=desk,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "PYTHONWARNINGS": "ignore",
            "PATH": search,
            "LC_ALL": "C.UTF-8",
            **(more or {}),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS_FOR_A_BLOCK,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Their form


@pytest.mark.parametrize("tool", TOOLS)
def test_a_recipe_is_short_and_says_what_it_has_to(tool: str) -> None:
    text = (RECIPES / f"{tool}.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    for part in ("install", "read-only", "first query", "first chart", "after a release", "traps"):
        assert re.search(rf"\b{part}\b", text, flags=re.IGNORECASE), part
    assert "not run here" in text.lower() or "run in the tests" in text or "runs in the tests" in text
    assert re.search(r"November 2026", text)


def test_the_index_names_every_recipe_and_no_other() -> None:
    text = (RECIPES / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\]\((\w+\.md)\)", text))
    assert named == {f"{tool}.md" for tool in TOOLS}
    assert {file.name for file in RECIPES.glob("*.md")} == named | {"README.md"}


def test_every_block_is_tried_or_known_not_to_be() -> None:
    tried = {"sql", "python", "js", "r", "sh", "json", "yaml"}
    assert {block.language for block in BLOCKS} == tried | RUN_OTHERWISE
    fences = sum(text.count("\n```") for text in (file.read_text(encoding="utf-8") for file in RECIPES.glob("*.md")))
    assert fences == 2 * len(BLOCKS)


def test_tables_that_the_text_names_are_in_the_file(published: Settings) -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in RECIPES.glob("*.md"))
    named = set(re.findall(r"\b(?:dim|fct|bridge|v)_[a-z_]+[a-z]\b", text))
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        there = {name for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()}
    assert named - there == set()


# Their code


@of("sql")
def test_sql_gives_rows_in_the_newest_duckdb(block: Block, published: Settings) -> None:
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        assert connection.execute(block.code).fetchall()


def test_sql_gives_rows_in_the_oldest_duckdb(desk: Path) -> None:
    if not (folder() / "duckdb-1.1" / STAMP).exists():
        absent(f"duckdb-1.1 in {folder()} (python tests/clients/install.py)")
    (desk / "sql.json").write_text(json.dumps([block.code for block in BLOCKS if block.language == "sql"]), "utf-8")
    said = run(
        [
            sys.executable,
            "-c",
            "import duckdb, json\n"
            "with duckdb.connect('outcomes.duckdb', read_only=True) as connection:\n"
            "    every = [connection.execute(sql).fetchall() for sql in json.load(open('sql.json'))]\n"
            "print(all(every), duckdb.__version__)",
        ],
        desk,
        more={"PYTHONPATH": str(folder() / "duckdb-1.1")},
    )
    assert said == "True 1.1.3\n"


@pytest.mark.parametrize(("recipe", "needs"), sorted({(b.recipe, b.needs) for b in BLOCKS if b.language == "python"}))
def test_python_runs(recipe: str, needs: str, desk: Path) -> None:
    chosen = [b.code for b in BLOCKS if (b.recipe, b.language, b.needs) == (recipe, "python", needs)]
    (desk / "block.py").write_text("\n".join(chosen), encoding="utf-8")
    run([sys.executable, "block.py"], desk, needs)
    if "statuses.html" in "".join(chosen):
        assert "Off track" in (desk / "statuses.html").read_text(encoding="utf-8")


@of("js")
def test_javascript_runs(block: Block, desk: Path) -> None:
    if not (folder() / "node" / STAMP).exists():
        absent(f"node in {folder()} (python tests/clients/install.py)")
    (desk / "block.cjs").write_text(block.code, encoding="utf-8")
    assert "release_id" in run(["node", "block.cjs"], desk, more={"NODE_PATH": str(folder() / "node" / "node_modules")})


def test_base_r_runs(desk: Path) -> None:
    (desk / "block.R").write_text("\n".join(b.code for b in BLOCKS if (b.language, b.needs) == ("r", "base")), "utf-8")
    run(["Rscript", "--vanilla", "block.R"], desk, "base")
    assert (desk / "statuses.pdf").read_bytes().startswith(b"%PDF")


@of("r")
def test_r_is_r(block: Block, desk: Path) -> None:
    (desk / "block.R").write_text(block.code, encoding="utf-8")
    assert "expression" in run(["Rscript", "--vanilla", "-e", "cat(class(parse('block.R')))"], desk)


@of("sh")
def test_commands_run(block: Block, desk: Path) -> None:
    assert block.needs == "duckdb"
    if not (folder() / "duckdb-cli" / STAMP).exists():
        absent(f"duckdb-cli in {folder()} (python tests/clients/install.py)")
    assert len(json.loads(run(["bash", "-euc", block.code], desk))) == 3


@of("json", "yaml")
def test_settings_can_be_read(block: Block) -> None:
    read = json.loads(block.code) if block.language == "json" else yaml.safe_load(block.code)
    assert read in (
        {"connect_args": {"read_only": True}},
        {"name": "outcomes", "type": "duckdb", "options": {"filename": "outcomes.duckdb"}},
    )


def test_a_block_that_is_wrong_is_found(published: Settings, desk: Path) -> None:
    text = "```sql\nselect status from v_scorecard\n```\n\n```python\nimport no_such_package\n```\n"
    wrong, broken = blocks_of("wrong.md", text)
    with pytest.raises(duckdb.BinderException):
        test_sql_gives_rows_in_the_newest_duckdb(wrong, published)
    with pytest.raises(AssertionError, match="no_such_package"):
        run([sys.executable, "-c", broken.code], desk)


def test_after_a_release_a_process_has_to_close_every_connection_first(tmp_path: Path) -> None:
    for name, release in ((FILE, "old"), ("next.duckdb", "new")):
        with duckdb.connect(str(tmp_path / name)) as connection:
            connection.execute(f"create table release as select '{release}' as release_id")

    def read() -> tuple[duckdb.DuckDBPyConnection, str]:
        connection = duckdb.connect(str(tmp_path / FILE), read_only=True)
        return connection, connection.execute("select release_id from release").fetchall()[0][0]

    first, before = read()
    (tmp_path / "next.duckdb").replace(tmp_path / FILE)
    second, beside_the_open_one = read()
    first.close()
    second.close()
    third, after_closing = read()
    third.close()
    assert (before, beside_the_open_one, after_closing) == ("old", "old", "new")
