"""A process that does one step of the pipeline at a time in a child of its own, and lets the child die on purpose.

Started by ``conftest.py`` as a script: one request a line on stdin, one answer a line on stdout, both JSON. It imports
the pipeline once and forks for every step, so that a step costs its own time only. It never uses polars or DuckDB
itself: their threads would not survive the fork.

A request names the ``step`` and, if the step shall not end well, the ``fault``:

- ``kill_before``: SIGKILL just before the n-th change to the file system. Changes are what Python's audit events name
  (opening for writing, renaming, linking, deleting, making and removing folders, changing modes), below the warehouse:
  what is elsewhere is temporary. Flushing is none, because what a killed process wrote is not lost.
- ``tear_before`` and ``tear_bytes``: from the n-th change on, no file may grow beyond so many bytes, and the process is
  killed by the kernel at the write that would. That reaches into the writes of polars and DuckDB, and into files that
  Python has opened and not yet filled.
- ``full_bytes``: no file may grow beyond so many bytes, and the write that would fails as on a full disk.
- ``plain``: the child gives up root's right to pass over permissions, if it has it.

The answer holds ``killed`` (the number of the signal or null), ``changes`` (every change counted, in order), ``error``
(type, message, whether it is one of ours) and ``result``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

import pipelines.acquire.landing as landing_module
import pipelines.publish.release as release_module
from pipelines.acquire.landing import land
from pipelines.acquire.landing_state import _readers_digest, land_if_changed
from pipelines.acquire.raw_snapshots import find_releases
from pipelines.acquire.source_registry import Source, load_sources, write_registry
from pipelines.check.gate_state import _gate_digest, gate_if_changed
from pipelines.check.load_gate import check_load
from pipelines.problems import OutcomesError, Problem, SourceRefused
from pipelines.publish.release import ReleaseRecord, publish
from pipelines.refresh_lock import refresh_lock
from pipelines.release_archive import Archive, Manifest
from pipelines.run_inputs import LastRun, RunInputs, _files_below, _hash_files, take_inputs, write_last_run
from pipelines.settings import Settings

MOMENT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = frozenset(
    f"os.{name}" for name in ("rename", "link", "symlink", "remove", "rmdir", "mkdir", "chmod", "truncate")
)
BUILD = """
create table dim_area (area_key bigint primary key, area_name varchar not null);
insert into dim_area values (1, '{marker}'), (2, 'Trafford');
create table fct_indicator_value (area_key bigint not null, value double, area_name varchar);
insert into fct_indicator_value select 1, i / 7.0, '{marker}' from range({rows}) as r(i);
create view v_scorecard as select area_name, 'on_track' as status_code from dim_area;
comment on table dim_area is 'One area.';
comment on column dim_area.area_key is 'Key of the area.';
comment on column dim_area.area_name is 'Name of the area.';
comment on table fct_indicator_value is 'Published values.';
comment on column fct_indicator_value.area_key is 'Area of the value.';
comment on column fct_indicator_value.value is 'The value.';
comment on column fct_indicator_value.area_name is 'Name of the area when the value was published.';
comment on view v_scorecard is 'One row an area.';
comment on column v_scorecard.status_code is 'Where the area stands.';
"""


@cache
def _declared(folder: Path) -> dict[str, Source]:
    return load_sources(folder)


def declared(folder: Path) -> dict[str, Source]:
    """Return the declarations; every project here has the same ones, so they are read once, before the forks."""
    return _declared(folder.resolve())


def build(settings: Settings, marker: str, rows: int = 50) -> None:
    """Write a finished build file with ``marker`` in two tables."""
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    settings.build_file.unlink(missing_ok=True)
    with duckdb.connect(str(settings.build_file)) as connection:
        connection.execute(BUILD.format(marker=marker, rows=rows))


def publish_build(settings: Settings, number: int, lose_build: bool = False) -> dict[str, Any]:
    """Publish the build file as the n-th release and remember that it was, as the last step of a run does."""
    if lose_build:
        copy = release_module.copy_marts

        def after_loss(*given: Any) -> None:
            settings.build_file.unlink()
            copy(*given)

        release_module.copy_marts = after_loss
    fingerprint = f"{number:08x}ffff"
    release = publish(
        settings,
        settings.build_file,
        ReleaseRecord(MOMENT + timedelta(minutes=number), date(2026, 11, 22), "0.1.0", fingerprint),
    )
    write_last_run(settings.state_file, LastRun(fingerprint, release.release_id, release.sha256), release.served_file)
    return {name: getattr(release, name) for name in ("release_id", "content_checksum", "sha256")}


def publish_many(settings: Settings, first: int, last: int, pause: float = 0.0) -> dict[str, Any]:
    """Build and publish releases one after the other, each with a marker of its own."""
    for number in range(first, last + 1):
        build(settings, f"release {number}", rows=200)
        publish_build(settings, number)
        time.sleep(pause)
    return {"published": last - first + 1}


def locked_publish(settings: Settings, marker: str, number: int, **lock: Any) -> dict[str, Any]:
    """Publish as a refresh does, with the warehouse's lock held; ``lock`` goes to :func:`refresh_lock`."""
    with refresh_lock(settings, **lock):
        build(settings, marker)
        return publish_build(settings, number)


def declare(settings: Settings) -> None:
    """Write the declarations as tables."""
    write_registry(declared(settings.sources), settings.registry)


def land_source(settings: Settings, source: str, minute: int = 0, swap: Sequence[str] = ()) -> dict[str, Any]:
    """Land every release of a source, as a run does that begins at this minute.

    ``swap`` is a file and what happens to it as soon as it has been verified.
    """
    if swap:
        verify = landing_module.verify

        def then_damage(*given: Any) -> Any:
            verified = verify(*given)
            _damage(Path(swap[0]), swap[1])
            return verified

        landing_module.verify = then_damage
    landing = land_if_changed(declared(settings.sources)[source], settings, _inputs(settings, minute))
    return {
        "unchanged": landing.is_unchanged,
        "rows": landing.record.rows if landing.record else None,
        "rules": sorted({problem.rule for problem in landing.problems}),
        "says": [str(problem) for problem in landing.problems],
    }


def _damage(file: Path, how: str) -> None:
    """Replace a file by another one of its name, as a copying program does."""
    content = file.read_bytes()
    file.unlink()
    if how == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif how == "emptied":
        file.touch()
    elif how == "text":
        file.write_text("moved to the other drive\n", encoding="utf-8")
    elif how == "figures":
        file.write_bytes(content.replace(b"1", b"2"))


def gate_source(settings: Settings, source: str, minute: int = 0) -> dict[str, Any]:
    """Gate what was landed of a source. The rules run on DuckDB alone, which is faster and says the same."""
    found = declared(settings.sources)[source]
    gating = gate_if_changed(found, settings, _inputs(settings, minute), engine="duckdb")
    return {
        "unchanged": gating.is_unchanged,
        "load": asdict(gating.outcome.load),
        "results": {one.check_id: [one.outcome, one.observed] for one in gating.outcome.results},
    }


def load_source(settings: Settings, source: str, minute: int = 0) -> dict[str, Any]:
    """Write the declarations, land a source and gate it: all that a run does with a source before the model."""
    declare(settings)
    landed = land_source(settings, source, minute)
    return {"landing": landed, **gate_source(settings, source, minute)}


def load_release(settings: Settings, source: str, release: str) -> dict[str, Any]:
    """Land and gate one release as if the source had no other, without any note of what was done before."""
    began = time.monotonic()
    found = declared(settings.sources)[source]
    if not settings.registry.exists():
        declare(settings)
    releases = [one for one in find_releases(settings.raw, source) if one.release_id == release]
    landed: Path | None = settings.landed / f"{source}.parquet"
    problems: tuple[Problem, ...] = ()
    whole: dict[str, str] = {}
    try:
        record = land(found, releases, settings.landed, every_table=False)
        tables = {table.id: table for table in found.tables}
        whole = {
            file.file: found.encoding_of(tables[file.table])
            for file in record.files
            if not tables[file.table].parse.bounds
        }
    except SourceRefused as refused:
        landed, problems = None, refused.problems
    outcome = check_load(found, landed, problems, settings, MOMENT, engine="duckdb")
    return {
        "load": asdict(outcome.load),
        "results": {one.check_id: [one.outcome, one.observed] for one in outcome.results},
        "problems": [str(problem) for problem in problems],
        "whole_file": whole,
        "seconds": time.monotonic() - began,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _inputs(settings: Settings, minute: int) -> RunInputs:
    """What a run knows of raw data. Its whole inputs take as long as a small source does, and no step here asks."""
    files = _hash_files(settings.project, _files_below(settings.raw))
    return RunInputs(date(2026, 11, 22), MOMENT + timedelta(minutes=minute), "ffff", "0.1.0", files)


def take_all_inputs(settings: Settings) -> str:
    """Take the inputs of a run as the first step of a refresh does."""
    return take_inputs(settings, date(2026, 11, 22), MOMENT).fingerprint


def archive_seeds(settings: Settings, number: int) -> dict[str, str]:
    """Keep the seeds in the archive as what the n-th release was made from."""
    archive = Archive(settings.history)
    kept = archive.put_all(settings.project, {path.name: path for path in settings.seeds.glob("co*.csv")})
    moment = MOMENT + timedelta(minutes=number)
    archive.write(
        Manifest(
            release_id=f"{moment:%Y%m%dT%H%M%SZ}-{number:08x}",
            previous_release_id=None,
            as_at=moment.date(),
            started_at=moment,
            code_version="0.1.0",
            input_fingerprint="ffff",
            content_checksum="ffff",
            packages={},
            inputs=kept,
            state={},
            checked_at={},
            snapshots={},
        )
    )
    return kept


def take_lock(settings: Settings, **lock: Any) -> None:
    """Take the warehouse's lock and give it back."""
    with refresh_lock(settings, **lock):
        pass


def fill(settings: Settings, leave: int) -> dict[str, Any]:
    """Fill the disk of the warehouse but for so many bytes."""
    settings.warehouse.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.warehouse).free
    with (settings.warehouse / "ballast").open("ab", buffering=0) as stream, contextlib.suppress(OSError):
        while (left := shutil.disk_usage(settings.warehouse).free) > leave:
            stream.write(b"\0" * min(left - leave, 1 << 20))
    return {"free_before": free, "free": shutil.disk_usage(settings.warehouse).free}


def make_room(settings: Settings) -> None:
    """Delete what :func:`fill` wrote."""
    (settings.warehouse / "ballast").unlink()


def copy_out(settings: Settings, destination: str) -> None:
    """Copy the warehouse, less the ballast, to where processes outside this mount namespace can see it."""
    shutil.copytree(settings.warehouse, destination, ignore=shutil.ignore_patterns("ballast"))


STEPS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        build,
        publish_build,
        publish_many,
        locked_publish,
        take_lock,
        declare,
        land_source,
        gate_source,
        load_source,
        load_release,
        take_all_inputs,
        archive_seeds,
        fill,
        make_room,
        copy_out,
    )
}


def give_up_root() -> None:
    """Give up the two capabilities that let root read and write what the permissions of files deny (capset(2))."""
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice, for 64 capabilities
    dac_override, dac_read_search = 1 << 1, 1 << 2
    for call in (library.capget, library.capset):
        if call(header, sets) != 0:
            raise OSError(ctypes.get_errno(), "the capabilities of this process cannot be changed")
        for position in (0, 1, 2):
            sets[position] &= ~(dac_override | dac_read_search)


class Faults:
    """Counts the changes of this process to the file system and ends it where it was asked to."""

    def __init__(self, said: int, fault: dict[str, Any], warehouse: Path) -> None:
        self._said = said
        self._fault = fault
        self._warehouse = str(warehouse)
        self._count = 0

    def install(self) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.addaudithook(self._hook)
        if (most := self._fault.get("full_bytes")) is not None:
            # Python ignores the signal, so that the write fails.
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        if self._fault.get("plain"):
            give_up_root()

    def _hook(self, event: str, given: tuple[Any, ...]) -> None:
        if event in CHANGES:
            self.change(event, given[0])
        elif event == "open" and isinstance(given[2], int) and given[2] & WRITING and not isinstance(given[0], int):
            self.change("open", given[0])

    def change(self, what: str, path: Any) -> None:
        if not os.fsdecode(path).startswith(self._warehouse):
            return
        if (what == "os.mkdir" and os.path.isdir(path)) or (what == "os.remove" and not os.path.lexists(path)):  # noqa: PTH112
            return
        self._count += 1
        os.write(self._said, json.dumps({"change": f"{what} {os.fsdecode(path)}"}).encode() + b"\n")
        if self._count == self._fault.get("kill_before"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self._count == self._fault.get("tear_before"):
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._fault["tear_bytes"],) * 2)


def child(said: int, request: dict[str, Any]) -> None:
    """Do the step and say how it went; does not return."""
    answer: dict[str, Any] = {"result": None, "error": None}
    settings = Settings(Path(request["project"]), Path(request["warehouse"]))
    try:
        Faults(said, request.get("fault", {}), settings.warehouse).install()
        answer["result"] = STEPS[request["step"]](settings, **request.get("given", {}))
    except BaseException as error:
        answer["error"] = {
            "type": type(error).__name__,
            "message": str(error),
            "ours": isinstance(error, OutcomesError),
            "system": isinstance(error, OSError),
        }
    # Through the pipe in one piece, and past everything that Python or a library would still do at its end.
    with contextlib.suppress(BrokenPipeError), os.fdopen(said, "wb", closefd=False) as stream:
        stream.write(json.dumps(answer, default=str).encode() + b"\n")
    os._exit(0)


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, and put the answer together."""
    hear, said = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(hear)
        child(said, request)
    os.close(said)
    with os.fdopen(hear, "rb") as stream:
        lines = [json.loads(line) for line in stream]
    _, status = os.waitpid(process, 0)
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    answer: dict[str, Any] = {"result": None, "error": None, "killed": killed}
    answer["changes"] = [line["change"] for line in lines if "change" in line]
    for line in lines:
        if "change" not in line:
            answer |= line
    return answer


def main() -> None:
    """Answer requests until stdin ends; with an argument, mount a disk of so many bytes at a folder first."""
    if len(sys.argv) == 3:
        folder, size = sys.argv[1:]
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "none", folder], check=True)
    declared(Path(__file__).resolve().parents[2] / "pipelines" / "acquire" / "sources")
    # Hashes of the code, which every landing and gate would otherwise take again.
    _readers_digest()
    _gate_digest()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line)), default=str), flush=True)


if __name__ == "__main__":
    main()
