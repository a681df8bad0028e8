"""Faults under whole refreshes: kill them, take away their disk, their files and their rights, and see what is left.

Doing harm to refreshes over a copy of the project and printing the fault table belong here; the same faults to single
steps, in seconds, are in ``tests/faults``. Nothing of the project imports it. Run in a checkout with its packages:

    .venv/bin/python benchmarks/faults.py --kills 20                 every kind of fault; one to two minutes a fault
    .venv/bin/python benchmarks/faults.py --only kill --kills 4
    .venv/bin/python benchmarks/faults.py --only readers --refreshes 10

Every attempt begins with a copy of the same warehouse, in which a release is served, and with an input that has changed
since. After the fault, three questions are asked:

- published file valid: the file that is served, opened as a client does, is the old release or the new one; its counts
  and its checksum, computed again, are those that it states;
- data lost: files of ``data/raw`` and ``data/seeds`` that are not what they were before, the fault's own change aside;
- recovered: the next refresh, without anything having been repaired by hand, publishes, and its tables are those of a
  refresh that met no fault. Tables in which times or names of runs stand differ from run to run and are left out:
  those that differ between two undisturbed refreshes of the same inputs.

The seed (``--seed``) decides the random moments, so that a run can be repeated. A run that is broken off (Ctrl-C)
prints what it has.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.problems import OutcomesError
from pipelines.publish.verify_release import VerifiedRelease, verify_release
from pipelines.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = ("dbt_project", "data", "expectations", "pipelines/acquire/sources")
AS_AT = "2026-11-22"
"""The day that every release here speaks for, so that figures can be compared next year."""
TIME_LIMIT = 900.0
DISK_BYTES = 600_000_000
KINDS = ("kill", "disk", "two", "files", "rights", "readers")
UNSET = ("PYTHONDONTWRITEBYTECODE", "FORCE_COLOR", "TTY_COMPATIBLE", "CLICOLOR_FORCE", "DAGSTER_HOME")
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
CLIENTS = 4
QUESTIONS = 1_000

CLIENT = """
import json, pathlib, sys, time
import duckdb

served, stop, fewest = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
asked, errors, mixed, seen = 0, [], 0, set()
while not stop.exists() or asked < fewest:
    try:
        with duckdb.connect(served, read_only=True) as connection:
            ask = lambda sql: connection.execute(sql).fetchall()
            before = ask("select release_id from release")
            marker = lambda rows: rows[0][0].partition("[marker ")[2].partition("]")[0]
            one = marker(ask("select detail from known_issue where issue_id = 'KI-001'"))
            rows = ask("select status_label, count(*) from v_scorecard group by all order by all")
            other = marker(ask("select note from dim_framework where framework_id = 'traf_equality_strategy'"))
            after = ask("select release_id from release")
            asked += 5
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}")
        time.sleep(0.1)
        continue
    mixed += before != after or not one or one != other or not rows
    seen.add(before[0][0])
    time.sleep(0.2)
print(json.dumps({"asked": asked, "errors": errors, "mixed": mixed, "releases": len(seen)}))
"""


@dataclass(frozen=True)
class Said:
    """What a refresh said: exit code, or minus the signal that ended it, and everything it printed."""

    code: int
    out: str
    seconds: float

    @property
    def last_line(self) -> str:
        """The last line that it printed."""
        return next((line.strip() for line in reversed(self.out.splitlines()) if line.strip()), "")


@dataclass
class Refresh:
    """A refresh under way, in a process group of its own."""

    process: subprocess.Popen[str]
    began: float
    lines: list[str] = field(default_factory=list[str])

    def watch(self, react: Callable[[Refresh, str], object] = lambda _refresh, _line: None) -> Said:
        """Read every line to the end and hand it to ``react``, which may do something about it."""
        timer = threading.Timer(TIME_LIMIT, self.kill)
        timer.start()
        try:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))
                react(self, self.lines[-1])
            self.process.wait()
        finally:
            timer.cancel()
        return Said(self.process.returncode, "\n".join(self.lines), time.monotonic() - self.began)

    def kill(self) -> None:
        """Kill the process and everything that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Place:
    """A copy of the project, and its warehouse."""

    settings: Settings

    def start(self, *arguments: str, before: Sequence[str] = ()) -> Refresh:
        """Start a refresh; ``before`` is a command that starts it."""
        kept = {name: value for name, value in os.environ.items() if name not in UNSET}
        process = subprocess.Popen(
            [*before, sys.executable, "-u", "-m", "pipelines.cli", "refresh", "--plain", "--as-at", AS_AT, *arguments],
            cwd=self.settings.project,
            env={
                **kept,
                "PYTHONPATH": str(REPOSITORY),
                "OUTCOMES_PROJECT": str(self.settings.project),
                "OUTCOMES_WAREHOUSE": str(self.settings.warehouse),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Refresh(process, time.monotonic())

    def refresh(self, *arguments: str, before: Sequence[str] = ()) -> Said:
        """Refresh to the end."""
        return self.start(*arguments, before=before).watch()

    def copy(self, folder: Path) -> Place:
        """Copy project and warehouse."""
        for part in ("project", "warehouse"):
            shutil.copytree(getattr(self.settings, part), folder / part, symlinks=True)
        return Place(Settings(folder / "project", folder / "warehouse"))

    def inputs(self) -> dict[str, str]:
        """Return every file of raw data and of the register, with the hash of its bytes."""
        root = self.settings.project / "data"
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def mark(self, number: int) -> None:
        """Make news: write a number into a known issue and into the note of a framework."""
        for seed, text in (("known_issues", "The four localities sum"), ("frameworks", None)):
            path = self.settings.seeds / f"{seed}.csv"
            content = path.read_text(encoding="utf-8")
            path.write_text(_marked(content, text, number), encoding="utf-8")


def _marked(content: str, before: str | None, number: int) -> str:
    """Put ``[marker n]`` before a text; without one, at the end of the note of the equality strategy."""
    marker = f"[marker {number}]"
    content = re.sub(r" ?\[marker \d+\] ?", "", content)
    if before is not None:
        return content.replace(before, f"{marker} {before}", 1)
    rows = list(csv.reader(io.StringIO(content, newline="")))
    note = rows[0].index("note")
    for row in rows:
        if row[0] == "traf_equality_strategy":
            row[note] = f"{row[note]} {marker}".strip()
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


@dataclass
class Row:
    """One line of the fault table."""

    kind: str
    tried: int = 0
    valid: int = 0
    lost: int = 0
    recovered: int = 0
    remarks: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Reference:
    """What undisturbed refreshes did.

    Attributes:
        before: A place in which a release is served and nothing is new.
        old: That release.
        new: The release after the change, undisturbed.
        same: Tables that two undisturbed refreshes of the change made equal.
        lines: What such a refresh prints.
        seconds: How long it takes.
    """

    before: Place
    old: VerifiedRelease
    new: VerifiedRelease
    same: frozenset[str]
    lines: tuple[str, ...]
    seconds: float


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


def make_reference(root: Path, *, compared: bool = True) -> Reference:
    """Refresh a copy of the project, and then, if something is to be compared, twice the same change of it."""
    for folder in FOLDERS:
        shutil.copytree(
            REPOSITORY / folder, root / "before" / "project" / folder, ignore=shutil.ignore_patterns("target", "logs")
        )
    before = Place(Settings(root / "before" / "project", root / "before" / "warehouse"))
    before.mark(0)
    said = before.refresh()
    if said.code:
        raise SystemExit(f"The refresh fails without any fault:\n{said.out}")
    say(f"first refresh: {said.seconds:.0f} s")
    old = verify_release(before.settings.served_file)
    if not compared:
        return Reference(before, old, old, frozenset(), (), said.seconds)
    found: list[VerifiedRelease] = []
    for number in (1, 2):
        place = before.copy(root / f"undisturbed {number}")
        place.mark(1)
        # The second reads and gates everything again, so that tables which say when that was are left out as well.
        said = place.refresh(*(["--force"] if number == 2 else []))
        found.append(verify_release(place.settings.served_file))
        say(f"undisturbed refresh of the change: {said.seconds:.0f} s")
    one, other = found
    same = {table for table, value in one.fingerprints.items() if other.fingerprints.get(table) == value}
    say(f"{len(same)} of {len(one.fingerprints)} tables are compared")
    progress = tuple(line for line in said.out.splitlines() if line.split(" ")[0] in STAGES)
    return Reference(before, old, other, frozenset(same), progress, said.seconds)


STAGES = ("prepare", "acquire", "check", "model", "publish")


def judge(row: Row, what: str, place: Place, reference: Reference, *, inputs: Mapping[str, str], said: Said) -> None:
    """Look at a place after a fault: is what is served whole, and is every input there?"""
    row.tried += 1
    try:
        served = verify_release(place.settings.served_file)
        same_old = served.content_checksum == reference.old.content_checksum
        valid = same_old or _equal(served, reference)
        if not valid:
            row.remarks.append(f"{what}: serves neither the old nor the new release, but {served.release_id}")
    except OutcomesError as error:
        valid = False
        row.remarks.append(f"{what}: {error}")
    row.valid += valid
    now = place.inputs()
    lost = sorted(name for name in inputs if now.get(name) != inputs[name])
    row.lost += len(lost)
    row.remarks += [f"{what}: {name} is not what it was" for name in lost]
    if "Traceback" in said.out:
        row.remarks.append(f"{what}: a traceback was printed")


def recover(row: Row, what: str, place: Place, reference: Reference) -> Said:
    """Refresh again and compare with the refresh that met no fault."""
    said = place.refresh()
    try:
        served = verify_release(place.settings.served_file)
        differing = sorted(t for t in reference.same if served.fingerprints.get(t) != reference.new.fingerprints[t])
    except OutcomesError as error:
        differing = [str(error)]
    if said.code or differing:
        row.remarks.append(f"{what}: the next refresh ended with {said.code} ({said.last_line}); other: {differing}")
    else:
        row.recovered += 1
    say(f"  {row.kind}: {what}; recovered in {said.seconds:.0f} s" + (f"; {row.remarks[-1]}" if differing else ""))
    return said


def _equal(served: VerifiedRelease, reference: Reference) -> bool:
    return all(served.fingerprints.get(table) == reference.new.fingerprints[table] for table in reference.same)


@contextmanager
def attempt(root: Path, reference: Reference) -> Generator[tuple[Place, dict[str, str]]]:
    """Copy the place, make the change in it, and clean up afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="attempt_", dir=root))
    try:
        place = reference.before.copy(folder)
        place.mark(1)
        yield place, place.inputs()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def kills(root: Path, reference: Reference, number: int, chance: random.Random) -> Iterator[Row]:
    """Kill refreshes after lines that they print, and at random moments: about half of the number each."""
    boundaries = Row("SIGKILL at a stage boundary")
    yield boundaries
    of_lines, tries = len(reference.lines), number - number // 2
    chosen = sorted({round(step * (of_lines - 1) / max(tries - 1, 1)) for step in range(tries)})
    for line in chosen:
        with attempt(root, reference) as (place, inputs):
            seen = 0

            def react(refresh: Refresh, text: str, stop: int = line + 1) -> None:
                nonlocal seen
                if text.split(" ", maxsplit=1)[0] in STAGES:
                    seen += 1
                    if seen == stop:
                        refresh.kill()

            said = place.start().watch(react)
            what = f"after {' '.join(reference.lines[line].split()[:3])!r} (code {said.code})"
            judge(boundaries, what, place, reference, inputs=inputs, said=said)
            recover(boundaries, what, place, reference)
    moments = Row("SIGKILL at a random moment")
    yield moments
    for _ in range(number // 2):
        with attempt(root, reference) as (place, inputs):
            moment = chance.uniform(0, 0.95 * reference.seconds)
            refresh = place.start()
            timer = threading.Timer(moment, refresh.kill)
            timer.start()
            said = refresh.watch()
            timer.cancel()
            what = f"after {moment:.1f} s (code {said.code}: {said.last_line[:160]})"
            if said.code >= 0:
                # It had ended by itself, sooner than the undisturbed one: nothing was killed.
                moments.remarks.append(f"{what}: not counted, the refresh had ended")
                continue
            judge(moments, what, place, reference, inputs=inputs, said=said)
            recover(moments, what, place, reference)


def disk(root: Path, reference: Reference, number: int) -> Iterator[Row]:
    """Refresh on a small disk with less and less room, in a mount namespace that this script enters again."""
    row = Row("Disk full")
    yield row
    for step in range(number):
        left = (0, 2_000_000, 10_000_000, 30_000_000, 60_000_000, 5_000_000)[step % 6]
        with attempt(root, reference) as (place, inputs):
            kept = place.settings.warehouse.rename(place.settings.warehouse.with_name("kept"))
            place.settings.warehouse.mkdir()
            done = subprocess.run(
                [
                    *NAMESPACE,
                    sys.executable,
                    __file__,
                    "--inside",
                    json.dumps({"root": str(kept.parent), "left": left}),
                ],
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
            if done.returncode:
                row.remarks.append("not tried: this account may not make a mount namespace")
                break
            found = json.loads(done.stdout)
            said = Said(found["code"], found["out"], found["seconds"])
            what = f"{left / 1e6:.0f} MB left (code {said.code}: {said.last_line[:160]})"
            shutil.rmtree(place.settings.warehouse)
            (kept.parent / "full").rename(place.settings.warehouse)
            judge(row, what, place, reference, inputs=inputs, said=said)
            recover(row, what, place, reference)


def inside(root: Path, left: int) -> None:
    """In the namespace: mount the disk, fill it, refresh, and copy out what is there then."""
    warehouse = root / "warehouse"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(warehouse)], check=True)
    shutil.copytree(root / "kept", warehouse, dirs_exist_ok=True, symlinks=True)
    ballast = warehouse / "ballast"
    with ballast.open("wb", buffering=0) as stream, suppress(OSError):
        while (free := shutil.disk_usage(warehouse).free) > left:
            stream.write(b"\0" * min(free - left, 1 << 22))
    said = Place(Settings(root / "project", warehouse)).refresh()
    ballast.unlink()
    shutil.copytree(warehouse, root / "full", symlinks=True)
    print(json.dumps({"code": said.code, "out": said.out, "seconds": said.seconds}))


def two(root: Path, reference: Reference, number: int) -> Iterator[Row]:
    """Start two refreshes of one warehouse at once: one publishes, the other says why not."""
    row = Row("Two refreshes at once")
    yield row
    for _ in range(number):
        with attempt(root, reference) as (place, inputs):
            started = [place.start(), place.start()]
            with ThreadPoolExecutor() as pool:
                ended = list(pool.map(Refresh.watch, started))
            codes = sorted(said.code for said in ended)
            refused = [said for said in ended if "Another refresh is writing" in said.out]
            what = f"codes {codes}"
            if codes not in ([0, 0], [0, 1]) or (codes == [0, 1] and len(refused) != 1):
                row.remarks.append(f"{what}: {[said.last_line for said in ended]}")
            judge(row, what, place, reference, inputs=inputs, said=max(ended, key=lambda said: len(said.out)))
            recover(row, what, place, reference)


def files(root: Path, reference: Reference) -> Iterator[Row]:
    """Truncate, empty, replace and delete files while a refresh is under way; raw files are put back afterwards."""
    raw = Row("Raw file truncated, replaced or deleted under a refresh")
    yield raw
    for after, name, how in (
        ("prepare", "fingertips/2024-10/smoking_qof_91547.csv", "truncated"),
        ("acquire", "fingertips/2024-10/smoking_qof_91547.csv", "truncated"),
        ("check", "trafford_jsna/2026-05/life_expectancy.csv", "replaced"),
        ("model", "icb_metrics/2024-10/icb_metrics.csv", "deleted"),
    ):
        with attempt(root, reference) as (place, inputs):
            path = place.settings.raw / name
            content = path.read_bytes()
            said = place.start().watch(_once(after, lambda path=path, how=how: _harm(path, how)))
            what = f"{name} {how} after {after} (code {said.code}: {said.last_line[:160]})"
            now = {"raw/" + name: place.inputs().get(f"raw/{name}", "")}
            expected = {**inputs, **now} if path.exists() else _less(inputs, now)
            judge(raw, what, place, reference, inputs=expected, said=said)
            path.write_bytes(content)
            recover(raw, what, place, reference)
    generated = Row("Generated file truncated or deleted under a refresh")
    yield generated
    for after, name, how in (
        ("acquire", "landed/fingertips.parquet", "truncated"),
        ("check", "accepted/trafford_jsna.parquet", "truncated"),
        ("check", "run_inputs.json", "truncated"),
        ("check", "outcomes.duckdb", "deleted"),
        ("model", "build/outcomes_build.duckdb", "deleted"),
    ):
        with attempt(root, reference) as (place, inputs):
            path = place.settings.warehouse / name
            said = place.start().watch(_once(after, lambda path=path, how=how: _harm(path, how)))
            what = f"{name} {how} after {after} (code {said.code}: {said.last_line[:160]})"
            if name == "outcomes.duckdb" and not path.exists():
                generated.tried += 1
                generated.remarks.append(f"{what}: nothing is served until the next refresh")
            else:
                judge(generated, what, place, reference, inputs=inputs, said=said)
            recover(generated, what, place, reference)
    between = Row("State of the warehouse damaged between refreshes")
    yield between
    for name, how in (
        ("outcomes.duckdb", "replaced"),
        ("outcomes.duckdb", "deleted"),
        ("state.json", "truncated"),
        ("dbt/manifest.json", "truncated"),
        ("dbt/partial_parse.msgpack", "truncated"),
        ("registry/indicators.parquet", "truncated"),
        ("accepted/fingertips.parquet", "replaced"),
        ("check_log/fingertips.load.parquet", "truncated"),
        ("ledger.sqlite", "replaced"),
        ("previous/release.parquet", "truncated"),
        ("dagster/dagster.yaml", "truncated"),
    ):
        with attempt(root, reference) as (place, inputs):
            path = place.settings.warehouse / name
            if not path.exists():
                between.remarks.append(f"{name} is not there")
                continue
            _harm(path, how)
            between.tried += 1
            if recover(between, f"{name} {how}", place, reference).code == 0:
                between.valid += 1
            between.lost += sum(place.inputs().get(name) != value for name, value in inputs.items())


def _less(inputs: Mapping[str, str], gone: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in inputs.items() if name not in gone}


def _once(stage: str, act: Callable[[], object]) -> Callable[[Refresh, str], None]:
    """Return a reaction to the first line of a stage."""
    done: list[str] = []

    def react(_refresh: Refresh, line: str) -> None:
        if not done and line.split(" ", maxsplit=1)[0] == stage:
            done.append(line)
            act()

    return react


def _harm(path: Path, how: str) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    path.unlink()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "replaced":
        path.write_text("moved to the other drive\n", encoding="utf-8")


def rights(root: Path, reference: Reference) -> Iterator[Row]:
    """Take rights away for one refresh. Root gives up what lets it pass over permissions."""
    row = Row("Permissions revoked")
    yield row
    plain = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    for name, mode in (
        ("project/data/raw/fingertips/2024-10/smoking_qof_91547.csv", 0o000),
        ("project/data/raw/icb_metrics", 0o000),
        ("project/data/seeds/commitments.csv", 0o000),
        ("warehouse", 0o555),
        ("warehouse/releases", 0o555),
        ("warehouse/landed", 0o555),
        ("warehouse/history/objects", 0o555),
    ):
        with attempt(root, reference) as (place, inputs):
            path = place.settings.project.parent / name
            path.chmod(mode)
            said = place.refresh(before=plain)
            path.chmod(0o755 if path.is_dir() else 0o644)
            what = f"{name} {mode:03o} (code {said.code}: {said.last_line[:160]})"
            judge(row, what, place, reference, inputs=inputs, said=said)
            recover(row, what, place, reference)


def readers(root: Path, reference: Reference, refreshes: int) -> None:
    """Ask questions from four processes while releases are published, and print how it went."""
    place = reference.before.copy(root / "read")
    stop = root / "stop"
    given = [str(place.settings.served_file), str(stop), str(QUESTIONS // CLIENTS)]
    clients = [
        subprocess.Popen([sys.executable, "-c", CLIENT, *given], stdout=subprocess.PIPE, text=True)
        for _ in range(CLIENTS)
    ]
    published, seconds = 0, 0.0
    try:
        for number in range(1, refreshes + 1):
            place.mark(number)
            said = place.refresh()
            published += said.code == 0
            seconds += said.seconds
            say(f"  readers: refresh {number} ended with {said.code} in {said.seconds:.0f} s")
    finally:
        stop.touch()
        found = [json.loads(client.communicate()[0]) for client in clients]
    errors = [error for one in found for error in one["errors"]]
    print(
        f"\n{sum(one['asked'] for one in found):,} questions by {CLIENTS} clients during {published} published "
        f"refreshes ({seconds:.0f} s): {len(errors)} errors, {sum(one['mixed'] for one in found)} mixed releases; each "
        f"client met {min(one['releases'] for one in found)} to {max(one['releases'] for one in found)} releases."
    )
    for error in sorted(set(errors)):
        print(f"- {error}")


def print_table(rows: Sequence[Row]) -> None:
    """Print the fault table as Markdown, and below it what was not as it should be."""
    print("\n| fault | tried | published file valid | data lost | recovered without help |\n|---|---:|---:|---:|---:|")
    for row in rows:
        print(f"| {row.kind} | {row.tried} | {row.valid} | {row.lost} | {row.recovered} |")
    for row in rows:
        for remark in row.remarks:
            print(f"- {row.kind}: {remark}")


def main() -> None:
    """Do the faults that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="refreshes to kill, half of them at random moments")
    parser.add_argument("--only", choices=KINDS, action="append", help="only this kind of fault; may be repeated")
    parser.add_argument("--disks", type=int, default=4, help="refreshes on a full disk")
    parser.add_argument("--pairs", type=int, default=2, help="pairs of refreshes at once")
    parser.add_argument("--refreshes", type=int, default=10, help="refreshes under readers")
    parser.add_argument("--seed", type=int, default=20261122, help="of the random moments")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(Path(given.inside["root"]), given.inside["left"])
        return
    wanted = given.only or KINDS
    with tempfile.TemporaryDirectory(prefix="outcomes_faults_") as folder:
        root = Path(folder)
        reference = make_reference(root, compared=set(wanted) != {"readers"})
        # A row is listed when its first attempt begins, so that a table can be printed of a run that is broken off.
        rows: list[Row] = []
        try:
            if "kill" in wanted:
                rows += kills(root, reference, given.kills, random.Random(given.seed))
            if "readers" in wanted:
                readers(root, reference, given.refreshes)
            if "two" in wanted:
                rows += two(root, reference, given.pairs)
            if "rights" in wanted:
                rows += rights(root, reference)
            if "disk" in wanted:
                rows += disk(root, reference, given.disks)
            if "files" in wanted:
                rows += files(root, reference)
        except KeyboardInterrupt:
            print("Broken off: the attempt that was under way is counted as tried, if at all.")
        if rows:
            print_table(rows)


if __name__ == "__main__":
    main()
