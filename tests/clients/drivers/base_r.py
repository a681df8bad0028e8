"""Base R, started once a statement; this only carries the statement over and the answer back (``base_r.R``)."""

import csv
import io
import os
import subprocess
from pathlib import Path
from typing import Any

from answering import Rows, answer

SCRIPT = str(Path(__file__).with_suffix(".R"))
ENVIRONMENT = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(os.environ["CLIENT_FOLDER"]) / "duckdb_cli"), os.environ["PATH"]]),
    # Text is UTF-8 in a terminal of today; a scheduler may say nothing.
    "LC_ALL": "C.UTF-8",
}
READ = {"integer": int, "numeric": float, "character": str, "logical": str}


def run(*arguments: str, sql: str = "") -> str:
    done = subprocess.run(
        ["Rscript", "--vanilla", *arguments],
        input=sql,
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def ask(_: object, sql: str) -> Rows:
    names, types, *rows = csv.reader(io.StringIO(run(SCRIPT, sql=sql), newline=""), delimiter="\t")

    def cell(text: str, kind: str) -> Any:
        return READ[kind](text) if text else None

    return names, [[cell(text, kind) for text, kind in zip(row, types, strict=True)] for row in rows]


answer(run("-e", "cat(as.character(getRversion()))"), lambda: None, ask)
