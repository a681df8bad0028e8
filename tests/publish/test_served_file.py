"""The served path: replaced in one step, never half-written, old releases kept and pruned."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.problems import NotPublished
from pipelines.publish.release import publish
from pipelines.publish.served_file import prune_releases

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.publish.release import ReleaseRecord
    from pipelines.settings import Settings

    MakeBuild = Callable[..., Path]
    MakeRecord = Callable[[int], ReleaseRecord]

PROJECT = Path(__file__).resolve().parents[2]

ASK = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True)\n"
NAME = "select area_name from dim_area where area_key = 1"

HOLD_AND_ASK_AGAIN = f"""{ASK}
print(c.execute("{NAME}").fetchone()[0], flush=True)
sys.stdin.readline()
print(c.execute("{NAME}").fetchone()[0], flush=True)
"""

ASK_UNTIL_STOPPED = """
import duckdb, pathlib, sys, time
served, stop = sys.argv[1], pathlib.Path(sys.argv[2])
answers = set()
asked = 0
while not stop.exists():
    with duckdb.connect(served, read_only=True) as c:
        first = c.execute("select area_name from dim_area where area_key = 1").fetchone()[0]
        second = c.execute("select distinct area_name from fct_indicator_value").fetchall()
        rows = c.execute("select count(*), (select row_count from release) from fct_indicator_value").fetchone()
    assert second == [(first,)], (first, second)
    assert rows[0] == 200 and rows[1] > rows[0], rows
    answers.add(first)
    asked += 1
    time.sleep(0.1)  # leave the processor to the publisher now and then
print(asked, len(answers), flush=True)
"""

PUBLISH_AND_CRASH = """
import os, pickle, sys
import pipelines.publish.release as release
settings, record = pickle.loads(bytes.fromhex(sys.argv[1]))
setattr(release, sys.argv[2], lambda *_: os._exit(9))
release.publish(settings, settings.build_file, record)
"""


def start(script: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_open_reader_keeps_its_release_while_a_new_process_sees_the_new_one(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    publish(settings, make_build("first"), record(0))
    with start(HOLD_AND_ASK_AGAIN, settings.served_file) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "first\n"
        publish(settings, make_build("second"), record(1))
        with start(f'{ASK}print(c.execute("{NAME}").fetchone()[0])', settings.served_file) as newcomer:
            assert newcomer.communicate(timeout=20) == ("second\n", "")
        assert reader.communicate("\n", timeout=20) == ("first\n", "")


def test_readers_during_twenty_publishes_never_fail_nor_see_two_releases_at_once(
    settings: Settings, make_build: MakeBuild, record: MakeRecord, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    publish(settings, make_build("release 0", rows=200), record(0))
    readers = [start(ASK_UNTIL_STOPPED, settings.served_file, stop) for _ in range(3)]
    try:
        for number in range(1, 21):
            publish(settings, make_build(f"release {number}", rows=200), record(number))
    finally:
        stop.touch()
    for reader in readers:
        output, errors = reader.communicate(timeout=20)
        assert (reader.returncode, errors) == (0, "")
        asked, releases = map(int, output.split())
        assert asked >= releases > 1, "the reader must have met several releases, or this shows nothing"


@pytest.mark.parametrize(
    ("step", "left"),
    [("_read_as_a_client", "*.partial"), ("serve", "20261122T153100Z-00000001.duckdb")],
)
def test_crash_before_the_replacement_leaves_the_served_file_alone(
    step: str, left: str, settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    publish(settings, make_build("first"), record(0))
    before = hashlib.sha256(settings.served_file.read_bytes()).hexdigest()
    make_build("second")
    with start(PUBLISH_AND_CRASH, pickle.dumps((settings, record(1))).hex(), step) as crashed:
        assert crashed.wait(timeout=20) == 9
    assert list(settings.releases.glob(left)), "the crash must come after something has been written"
    assert hashlib.sha256(settings.served_file.read_bytes()).hexdigest() == before
    published = publish(settings, settings.build_file, record(2))
    assert not list(settings.releases.glob("*.partial*"))
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        assert connection.execute(NAME).fetchone() == ("second",)


def test_gate_failure_keeps_the_previous_release_to_the_byte(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    publish(settings, make_build("first"), record(0))
    before = settings.served_file.read_bytes()
    make_build("second", extra="comment on table dim_area is null")
    with pytest.raises(NotPublished):
        publish(settings, settings.build_file, record(1))
    assert settings.served_file.read_bytes() == before
    assert {file.name for file in settings.releases.iterdir()} == {
        "20261122T153000Z-00000000.duckdb",
        "20261122T153000Z-00000000.sha256",
    }


def test_stale_write_ahead_log_is_removed_before_the_replacement(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    publish(settings, make_build("first"), record(0))
    log = settings.served_file.with_name("outcomes.duckdb.wal")
    log.write_bytes(b"left behind by somebody who opened the file for writing")
    publish(settings, make_build("second"), record(1))
    assert not log.exists()
    with duckdb.connect(str(settings.served_file), read_only=True) as connection:
        assert connection.execute(NAME).fetchone() == ("second",)


def test_served_and_kept_files_are_read_only_and_carry_their_checksum(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    published = publish(settings, make_build(), record(0))
    assert published.served_file.stat().st_mode & 0o777 == 0o444
    assert published.release_file.read_bytes() == published.served_file.read_bytes()
    digest = hashlib.sha256(published.served_file.read_bytes()).hexdigest()
    assert published.sha256 == digest
    assert published.release_file.with_suffix(".sha256").read_text() == f"{digest}  {published.release_file.name}\n"
    assert {file.name for file in settings.warehouse.iterdir()} == {"build", "releases", "outcomes.duckdb"}


def test_file_system_without_links_gets_a_copy(
    settings: Settings, make_build: MakeBuild, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("links are not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    published = publish(settings, make_build(), record(0))
    assert published.served_file.stat().st_ino != published.release_file.stat().st_ino
    assert published.served_file.read_bytes() == published.release_file.read_bytes()
    assert published.served_file.stat().st_mode & 0o777 == 0o444


def test_file_that_cannot_be_replaced_is_reported_and_the_release_withdrawn(
    settings: Settings, make_build: MakeBuild, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, make_build("first"), record(0))
    before = settings.served_file.read_bytes()
    replace = Path.replace

    def refuse_the_served_file(self: Path, target: Path) -> Path:
        if target == settings.served_file:
            raise PermissionError("in use by another program")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_the_served_file)
    build = make_build("second")
    with pytest.raises(NotPublished, match="Close the programs that have it open"):
        publish(settings, build, record(1))
    assert settings.served_file.read_bytes() == before
    assert not list(settings.releases.glob("*-00000001.*"))
    assert not list(settings.warehouse.glob("*.partial"))


def test_only_the_newest_releases_are_kept(settings: Settings, make_build: MakeBuild, record: MakeRecord) -> None:
    make_build()
    pruned = [publish(settings, settings.build_file, record(number)).pruned for number in range(5)]
    assert pruned == [(), (), (), ("20261122T153000Z-00000000.duckdb",), ("20261122T153100Z-00000001.duckdb",)]
    assert sorted(file.name for file in settings.releases.iterdir()) == [
        f"20261122T153{minute}00Z-0000000{minute}.{kind}" for minute in (2, 3, 4) for kind in ("duckdb", "sha256")
    ]


def test_served_release_is_never_pruned(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.duckdb").touch()
    assert prune_releases(tmp_path, 1, tmp_path / "a.duckdb") == ["b.duckdb", "c.duckdb"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.duckdb", "d.duckdb"]


def test_missing_build_file_is_reported(settings: Settings, record: MakeRecord) -> None:
    with pytest.raises(NotPublished, match="Run the model stage first"):
        publish(settings, settings.build_file, record(0))


def refuse(times: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Have the system refuse to replace a served file some times, as Windows does while a reader has it."""
    refused: list[Path] = []
    replace = Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if target.name == "outcomes.duckdb" and len(refused) < times:
            refused.append(target)
            raise PermissionError(13, "The process cannot access the file")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    monkeypatch.setattr("pipelines.publish.served_file._FIRST_PAUSE", 0.001)
    return refused


def test_a_served_file_that_is_in_use_for_a_moment_is_replaced_a_moment_later(
    settings: Settings, make_build: MakeBuild, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, make_build("first"), record(0))
    refused = refuse(3, monkeypatch)
    publish(settings, make_build("second"), record(1))
    assert len(refused) == 3
    with duckdb.connect(str(settings.served_file), read_only=True) as connection:
        assert connection.execute(NAME).fetchall() == [("second",)]


def test_a_served_file_that_stays_in_use_is_said_and_stays(
    settings: Settings, make_build: MakeBuild, record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, make_build("first"), record(0))
    refuse(100, monkeypatch)
    with pytest.raises(NotPublished, match=r"could not be replaced .* Close the programs"):
        publish(settings, make_build("second"), record(1))
    with duckdb.connect(str(settings.served_file), read_only=True) as connection:
        assert connection.execute(NAME).fetchall() == [("first",)]
    assert len(list(settings.releases.glob("*.duckdb"))) == 1


def test_what_is_told_before_serving_sees_the_release_and_may_stop_it(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    seen: list[tuple[bytes, str]] = []
    first = publish(
        settings,
        make_build("first"),
        record(0),
        before_serving=lambda file, checksum: seen.append((file.read_bytes(), checksum)),
    )
    assert seen == [(settings.served_file.read_bytes(), first.content_checksum)]

    def stop(_file: Path, _checksum: str) -> None:
        raise NotPublished("an input changed")

    with pytest.raises(NotPublished, match="an input changed"):
        publish(settings, make_build("second"), record(1), before_serving=stop)
    assert settings.served_file.read_bytes() == seen[0][0]
    assert [path.name for path in settings.releases.glob("*.duckdb")] == [first.release_file.name]
