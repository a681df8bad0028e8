"""BI-like clients that open the served file for every question while releases are published under them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.settings import Settings

CLIENTS = 4
QUESTIONS = 1_000
RELEASES = 12

CLIENT = """
import collections, json, pathlib, sys, time
import duckdb

served, stop = sys.argv[1], pathlib.Path(sys.argv[2])
asked, errors, mixed, seen = 0, [], 0, collections.Counter()
while not stop.exists() or asked < int(sys.argv[3]):
    try:
        with duckdb.connect(served, read_only=True) as connection:
            ask = lambda sql: connection.execute(sql).fetchall()
            release = ask("select release_id from release")[0][0]
            first = ask("select area_name from dim_area where area_key = 1")[0][0]
            second = ask("select distinct area_name from fct_indicator_value")
            again = ask("select release_id from release")[0][0]
            asked += 4
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}")
        continue
    # The n-th release is named after the n-th minute and says so in both tables.
    number = int(release.partition("-")[2], 16)
    mixed += not (release == again and second == [(first,)] and first == f"release {number}")
    seen[release] += 1
    time.sleep(0.01)  # leave the processor to the publisher now and then
print(json.dumps({"asked": asked, "errors": errors, "mixed": mixed, "releases": len(seen)}))
"""


def test_readers_meet_no_error_and_no_mixture(
    workbench: Any, make_project: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_project()
    stop = tmp_path / "stop"
    workbench.succeed(settings, "publish_many", first=0, last=0)
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(settings.served_file), str(stop), str(QUESTIONS // CLIENTS)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(CLIENTS)
    ]
    try:
        published = workbench.succeed(settings, "publish_many", first=1, last=RELEASES, pause=0.2)
    finally:
        stop.touch()
    found = [json.loads(client.communicate(timeout=60)[0]) for client in clients]
    assert published == {"published": RELEASES}
    assert [one["errors"] for one in found] == [[]] * CLIENTS
    assert sum(one["mixed"] for one in found) == 0
    assert sum(one["asked"] for one in found) >= QUESTIONS
    assert all(one["releases"] >= 3 for one in found), "clients that met one release only show nothing"
