"""Which clients read the served file, how each is started, and what is made of its report.

The list of clients and the comparison of their answers belong here. What a client does in its own process belongs in
``drivers``; what has to be true of all of them in ``test_client_matrix.py``. Run as a program it prints the table:
``python -m tests.clients.matrix warehouse/outcomes.duckdb``.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import duckdb

from tests.clients.install import STAMP, folder

HERE = Path(__file__).resolve().parent
SECONDS_FOR_A_CLIENT = 120
FILE = "outcomes.duckdb"
"""Every driver opens this name in the folder that it is started in, as the recipes do."""

WRITES = ("create table written_by_reader (a integer)", "delete from release", "drop view v_scorecard")
KINDS = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "SMALLINT": "integer",
    "DOUBLE": "double",
    "VARCHAR": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}

Report = dict[str, Any]
Canonical = list[list[str | None]]


@dataclass(frozen=True)
class Answer:
    """What a question has to give.

    Attributes:
        columns: Names of the columns.
        kinds: What each column holds, a value of :data:`KINDS`.
        rows: The cells, written in the one canonical way.
    """

    columns: list[str]
    kinds: list[str]
    rows: Canonical


@dataclass(frozen=True)
class Client:
    """One way to read the file.

    Attributes:
        name: What people call it.
        version: Version that the lock holds; what the driver has to report. Empty where the system brings its own.
        driver: Its program in ``drivers``.
        recipe: The recipe that tells people how to connect.
        connect: Lines that the recipe and the driver share.
        folders: Folders of ``install.py`` that it needs.
        on: The DuckDB below it, where that is not the client itself.
        program: What runs the driver.
        shows_keys: Whether its own catalogue shows the primary keys.
        floats_for_blanks: Whether a column of whole numbers with blanks arrives as doubles.
        python_below: First Python that it has no build for.
    """

    name: str
    version: str
    driver: str
    recipe: str
    connect: tuple[str, ...]
    folders: tuple[str, ...] = ()
    on: str = ""
    program: str = sys.executable
    shows_keys: bool = True
    floats_for_blanks: bool = False
    python_below: tuple[int, int] | None = None

    def why_not(self) -> str | None:
        """Say why it cannot be asked here because something is missing, or ``None``."""
        if shutil.which(self.program) is None:
            return f"the program {self.program}"
        for name in self.folders:
            if not (folder() / name / STAMP).exists():
                return f"{name} in {folder()} (python tests/clients/install.py)"
        return None

    @property
    def has_no_build(self) -> bool:
        """Whether nobody makes it for this Python, which no installation can mend."""
        return self.python_below is not None and sys.version_info[:2] >= self.python_below


PYTHON = ('duckdb.connect("outcomes.duckdb", read_only=True)',)
SUPERSET = ('ADDRESS = "duckdb:///outcomes.duckdb"', 'ENGINE_PARAMETERS = {"connect_args": {"read_only": True}}')
OWN = installed_version("duckdb")


def _python(version: str, name: str) -> Client:
    return Client("DuckDB for Python", version, "duckdb_python.py", "python.md", PYTHON, (name,))


CLIENTS = [
    _python("1.1.3", "duckdb-1.1"),
    _python("1.3.2", "duckdb-1.3"),
    _python("1.4.4", "duckdb-1.4"),
    _python("1.5.6", "duckdb-1.5"),
    Client("DuckDB for Python", OWN, "duckdb_python.py", "python.md", PYTHON),
    _python("2.0.1", "duckdb-next"),
    Client(
        "Program duckdb",
        "1.5.6",
        "command_line.py",
        "python.md",
        ("duckdb -readonly -json outcomes.duckdb",),
        ("duckdb-cli",),
    ),
    Client(
        "Node, @duckdb/node-api",
        "1.5.6",
        "node_api.cjs",
        "evidence.md",
        ("DuckDBInstance.create('outcomes.duckdb', { access_mode: 'READ_ONLY' })",),
        ("node",),
        program="node",
    ),
    Client(
        "Evidence, @evidence-dev/duckdb",
        "2.0.1",
        "evidence.cjs",
        "evidence.md",
        ("filename: outcomes.duckdb",),
        ("node",),
        on="1.5.6",
        program="node",
    ),
    Client("DuckDB-Wasm, in Node", "1.32.0", "wasm.cjs", "", (), ("node",), on="1.4.3", program="node"),
    Client(
        "SQLAlchemy 1.4, duckdb-engine",
        "0.17.0",
        "sqlalchemy_superset.py",
        "superset.md",
        SUPERSET,
        ("sqlalchemy-1.4", "duckdb-1.4"),
        on="1.4.4",
        shows_keys=False,
        python_below=(3, 13),
    ),
    Client(
        "SQLAlchemy 2.0, duckdb-engine",
        "0.17.0",
        "sqlalchemy_superset.py",
        "superset.md",
        SUPERSET,
        on=OWN,
        shows_keys=False,
    ),
    Client(
        "pandas",
        installed_version("pandas"),
        "pandas_frames.py",
        "python.md",
        PYTHON,
        on=OWN,
        floats_for_blanks=True,
    ),
    Client(
        "Polars",
        installed_version("polars"),
        "polars_frames.py",
        "python.md",
        PYTHON,
        ("arrow",),
        on=OWN,
    ),
    Client(
        "Ibis",
        "12.0.0",
        "ibis_tables.py",
        "python.md",
        ('ibis.duckdb.connect("outcomes.duckdb", read_only=True)',),
        ("arrow", "duckdb-1.5"),
        on="1.5.6",
    ),
    Client(
        "ADBC",
        "1.13.0",
        "adbc_arrow.py",
        "python.md",
        ('db_kwargs={"path": "outcomes.duckdb", "access_mode": "READ_ONLY"}',),
        ("arrow",),
        on=OWN,
    ),
    Client(
        "Base R, by the program duckdb",
        "",
        "base_r.py",
        "r.md",
        ('command <- paste("duckdb -readonly -csv outcomes.duckdb", shQuote(sql))',),
        ("duckdb-cli",),
        on="1.5.6",
        floats_for_blanks=True,
    ),
]


def questions() -> dict[str, str]:
    """Read ``questions.sql``: the SQL of each question, by its name."""
    text = (HERE / "questions.sql").read_text(encoding="utf-8")
    blocks = re.split(r"^-- ([a-z]+): .*\n", text, flags=re.MULTILINE)[1:]
    return {name: sql.strip().rstrip(";").strip() for name, sql in zip(blocks[::2], blocks[1::2], strict=True)}


def canonical(cell: Any, kind: str, floats_for_blanks: bool = False) -> str | None:
    """Write one cell in the one way in which answers are compared.

    Args:
        cell: As a driver reported it, or as Python has it.
        kind: What the column has to hold.
        floats_for_blanks: Whether a double without a fraction may stand for a whole number.

    Returns:
        ``None`` for no value; whole numbers in digits; doubles with the digits that give back the same bits; dates and
        times by ISO 8601; and text as it is. What is not of the kind is marked, so that it agrees with nothing.
    """
    if cell is None:
        return None
    written: str | None = None
    match kind, cell.isoformat() if isinstance(cell, datetime.date) else cell:
        case "double", int() | float() as number if not isinstance(number, bool):
            written = repr(float(number))
        case "integer", float() as number if floats_for_blanks and number.is_integer():
            written = str(int(number))
        case "integer", int() | str() as number if re.fullmatch(r"-?\d+", str(number)):
            written = str(number)
        case "text", str() as text:
            written = text
        case "date", str() as text if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            written = text
        case "timestamp", str() as text if re.match(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d", text):
            written = datetime.datetime.fromisoformat(text).isoformat()
        case _:
            pass
    return f"{type(cell).__name__} {cell!r} for {kind}" if written is None else written


def expected(file: Path) -> tuple[dict[str, Answer], Report]:
    """Answer the questions with the DuckDB of this project.

    Args:
        file: The published file.

    Returns:
        The answers by question, and the catalogue: tables, comments, keys.
    """
    answers: dict[str, Answer] = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        for name, sql in questions().items():
            cursor = connection.execute(sql)
            columns = [column[0] for column in cursor.description]
            kinds = [KINDS[str(column[1])] for column in cursor.description]
            rows = [[canonical(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in cursor.fetchall()]
            answers[name] = Answer(columns, kinds, rows)
        catalogue: Report = {
            "tables": dict(
                connection.execute(
                    "select table_name, if(table_type = 'VIEW', 'view', 'table') from information_schema.tables"
                ).fetchall()
            ),
            "comments": dict(
                connection.execute(
                    """
                    select table_name || '.' || column_name, comment from duckdb_columns() where comment is not null
                    union all select table_name, comment from duckdb_tables() where comment is not null
                    union all select view_name, comment from duckdb_views() where comment is not null
                    """
                ).fetchall()
            ),
            "keys": sorted(
                f"{table}({','.join(columns)})"
                for table, columns in connection.execute(
                    "select table_name, constraint_column_names from duckdb_constraints() "
                    "where constraint_type = 'PRIMARY KEY'"
                ).fetchall()
            ),
        }
    return answers, catalogue


def ask(client: Client, where: Path, *, driver: Path | None = None) -> Report:
    """Start one client in a process of its own and return its report.

    Args:
        client: The client.
        where: Folder in which ``outcomes.duckdb`` lies.
        driver: Another program than its own, to show what would be found.

    Returns:
        What the driver printed: version, answers, catalogue, refusals; or version and error when it could not open
        the file.

    Raises:
        RuntimeError: The driver itself failed.
    """
    folders = [str(folder() / name) for name in client.folders]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*folders, str(HERE / "drivers")]),
        "PYTHONWARNINGS": "ignore",
        "NODE_PATH": os.pathsep.join(f"{path}/node_modules" for path in folders),
        "CLIENT_FOLDER": folders[0] if folders else "",
    }
    done = subprocess.run(
        [client.program, str(driver or HERE / "drivers" / client.driver)],
        input=json.dumps({"questions": questions(), "writes": WRITES}),
        cwd=where,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS_FOR_A_CLIENT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{client.name} {client.version}: {done.stderr}")
    return json.loads(done.stdout)


def differences(answer: Answer, found: Mapping[str, Any], floats_for_blanks: bool = False) -> list[str]:
    """List where a client's answer is not the expected one.

    Args:
        answer: The expected answer.
        found: Columns and rows as the driver reported them.
        floats_for_blanks: Whether a double without a fraction may stand for a whole number.

    Returns:
        One line a difference, at most ten; none when the answers are the same.
    """
    if found["columns"] != answer.columns:
        return [f"columns {found['columns']} instead of {answer.columns}"]
    if len(found["rows"]) != len(answer.rows):
        return [f"{len(found['rows'])} rows instead of {len(answer.rows)}"]
    lines: list[str] = []
    for number, (row, other) in enumerate(zip(answer.rows, found["rows"], strict=True)):
        for column, kind, cell, raw in zip(answer.columns, answer.kinds, row, other, strict=True):
            seen = canonical(raw, kind, floats_for_blanks)
            if seen != cell:
                lines.append(f"row {number}, {column}: {seen!r} instead of {cell!r}")
    return lines[:10]


def refused(report: Report) -> bool:
    """Return whether every attempt to write was refused because the file is open read-only."""
    refusals = report.get("refusals", {})
    return set(refusals) == set(WRITES) and all("read-only" in (text or "") for text in refusals.values())


def table(answers: Mapping[str, Answer], catalogue: Report, reports: Sequence[tuple[Client, Report]]) -> str:
    """Draw the matrix: one line a client.

    Args:
        answers: The expected answers.
        catalogue: The expected catalogue.
        reports: Each client that was asked, with its report.

    Returns:
        A table in Markdown.
    """
    heads = ("Client", "Version", "Opens", "Same answers", "Comments", "Primary keys", "Writing refused")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for client, report in reports:
        version = " on ".join(part for part in (client.version, client.on and f"DuckDB {client.on}") if part)
        if "error" in report:
            lines.append(f"| {client.name} | {version} | no | | | | |")
            continue
        same = sum(
            name in report["answers"] and not differences(answer, report["answers"][name], client.floats_for_blanks)
            for name, answer in answers.items()
        )
        cells = (
            "yes",
            f"{same}/{len(answers)}",
            "yes" if report["comments"] == catalogue["comments"] else "no",
            "yes" if report["keys"] == catalogue["keys"] else "no",
            "yes" if refused(report) else "no",
        )
        lines.append(f"| {client.name} | {version} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table for the file that is named, with the clients that are here."""
    file = Path(sys.argv[1]).resolve()
    asked = [client for client in CLIENTS if not client.has_no_build and client.why_not() is None]
    with tempfile.TemporaryDirectory() as where:
        (Path(where) / FILE).symlink_to(file)
        with ThreadPoolExecutor(max_workers=2) as pool:
            reports = list(pool.map(lambda client: ask(client, Path(where)), asked))
    print(table(*expected(file), list(zip(asked, reports, strict=True))))


if __name__ == "__main__":
    main()
