"""The program duckdb, started once a statement as a person or a script starts it, with its output as JSON."""

import json
import os
import subprocess
from pathlib import Path

from answering import Rows, answer

PROGRAM = str(Path(os.environ["CLIENT_FOLDER"]) / "duckdb_cli" / "duckdb")
COMMAND = "duckdb -readonly -json outcomes.duckdb"


def run(*arguments: str, sql: str = "") -> str:
    done = subprocess.run(
        [PROGRAM, *arguments], input=sql, capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    if done.returncode or done.stderr:
        raise RuntimeError(done.stderr)
    return done.stdout


def ask(_: object, sql: str) -> Rows:
    rows = json.loads(run(*COMMAND.split()[1:], sql=sql) or "[]")
    return list(rows[0]) if rows else [], [list(row.values()) for row in rows]


answer(run("-version").split()[0].lstrip("v"), lambda: None, ask)
