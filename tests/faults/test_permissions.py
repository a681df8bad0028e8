"""Rights that were taken away: what may not be read or written is named, and given back, all goes on.

Root may pass over permissions, so the steps give that right up first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.problems import OutcomesError
from pipelines.publish.verify_release import verify_release
from pipelines.settings import Settings

SOURCE, OTHER = "trafford_neighbours", "trafford_localities"


class Plain:
    """Does steps without the rights of root."""

    def __init__(self, workbench: Any, settings: Settings) -> None:
        self.workbench, self.settings = workbench, settings

    def do(self, step: str, **given: Any) -> Any:
        return self.workbench.do(self.settings, step, fault={"plain": True}, **given)

    def succeed(self, step: str, **given: Any) -> Any:
        answer = self.do(step, **given)
        assert answer["error"] is None, answer["error"]
        return answer["result"]

    def fail(self, step: str, *words: str, **given: Any) -> None:
        """Do a step that has to end with an error of ours that has these words and no trace of code in it."""
        error = self.do(step, **given)["error"]
        assert error is not None
        assert error["ours"], error
        for word in (*words, "ermission denied"):
            assert word in error["message"], error["message"]
        assert "Traceback" not in error["message"]


@pytest.fixture
def plain(workbench: Any, make_project: Callable[..., Settings]) -> Plain:
    settings = make_project(SOURCE, OTHER)
    settings.warehouse.mkdir()
    made = Plain(workbench, settings)
    with without_rights(settings.warehouse, 0o000):
        if made.do("take_lock")["error"] is None:
            pytest.skip("permissions bind nobody here")
    return made


@contextmanager
def without_rights(path: Path, mode: int) -> Generator[None]:
    before = path.stat().st_mode & 0o7777
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


@pytest.mark.parametrize("file", ["2026-05/cssn.csv", "2026-05/passport.yml", "2026-05", "."])
def test_raw_input_that_may_not_be_read(file: str, plain: Plain) -> None:
    """Only its source is refused, with its name; the last good data stay."""
    before = {source: plain.succeed("load_source", source=source)["load"] for source in (SOURCE, OTHER)}
    accepted = (plain.settings.accepted / f"{SOURCE}.parquet").read_bytes()
    inputs = plain.succeed("take_all_inputs")
    with without_rights(plain.settings.raw / SOURCE / file, 0o000):
        assert plain.succeed("take_all_inputs") != inputs, "what can no longer be read is news"
        found = plain.succeed("load_source", source=SOURCE, minute=5)
        assert found["load"]["load_state"] == "refused"
        assert found["load"]["is_stale"] == 1
        assert any(SOURCE in said for said in found["landing"]["says"]), found["landing"]
        other = plain.succeed("load_source", source=OTHER, minute=5)
        assert other["unchanged"]
    assert (plain.settings.accepted / f"{SOURCE}.parquet").read_bytes() == accepted
    again = plain.succeed("load_source", source=SOURCE, minute=9)["load"]
    assert (again["load_state"], again["served_load_id"]) == ("accepted", before[SOURCE]["served_load_id"])


def test_warehouse_that_may_not_be_written(plain: Plain) -> None:
    with without_rights(plain.settings.warehouse, 0o555):
        plain.fail("take_lock", str(plain.settings.warehouse), "Give this account the right to write there")
    plain.succeed("take_lock")


def test_warehouse_that_may_not_be_made(plain: Plain) -> None:
    plain.settings.warehouse.rmdir()
    with without_rights(plain.settings.warehouse.parent, 0o555):
        plain.fail("take_lock", str(plain.settings.warehouse))
    plain.succeed("take_lock")


@pytest.mark.parametrize("folder", [".", "releases"])
def test_served_folder_that_may_not_be_written(folder: str, plain: Plain) -> None:
    plain.succeed("build", marker="old")
    old = plain.succeed("publish_build", number=1)
    plain.succeed("build", marker="new")
    kept = sorted(path.name for path in plain.settings.releases.iterdir())
    with without_rights(plain.settings.warehouse / folder, 0o555):
        plain.fail("publish_build", number=2)
        assert verify_release(plain.settings.served_file).release_id == old["release_id"]
        assert sorted(path.name for path in plain.settings.releases.iterdir()) == kept
    new = plain.succeed("publish_build", number=3)
    assert verify_release(plain.settings.served_file).content_checksum == new["content_checksum"]


def test_build_file_that_may_not_be_read(plain: Plain) -> None:
    plain.succeed("build", marker="old")
    with without_rights(plain.settings.build_file, 0o000):
        plain.fail("publish_build", number=1)
    plain.succeed("publish_build", number=2)


def test_release_that_was_made_writable(plain: Plain) -> None:
    """The next release is read-only again, and whoever wrote into the old one has not reached the new one."""
    plain.succeed("build", marker="old")
    plain.succeed("publish_build", number=1)
    plain.settings.served_file.chmod(0o666)
    for release in plain.settings.releases.glob("*.duckdb"):
        release.chmod(0o666)
        release.write_bytes(b"overwritten")
    plain.succeed("build", marker="new")
    new = plain.succeed("publish_build", number=2)
    assert verify_release(plain.settings.served_file).content_checksum == new["content_checksum"]
    assert plain.settings.served_file.stat().st_mode & 0o777 == 0o444


def test_served_file_that_may_not_be_read_is_said_to_be(plain: Plain) -> None:
    plain.succeed("build", marker="old")
    plain.succeed("publish_build", number=1)
    with without_rights(plain.settings.served_file, 0o000):
        if os.geteuid() != 0:
            with pytest.raises(OutcomesError, match="ermission denied"):
                verify_release(plain.settings.served_file)
        plain.succeed("build", marker="new")
        plain.succeed("publish_build", number=2)
    assert verify_release(plain.settings.served_file).release_id


@pytest.mark.parametrize("folder", ["landed", "accepted", "check_log", "history"])
def test_folder_of_a_step_that_may_not_be_written(folder: str, plain: Plain, vouch: Callable[..., None]) -> None:
    """The error of the system names the file; what was there stays, and the step succeeds with the right given back."""
    plain.succeed("load_source", source=SOURCE)
    accepted = plain.settings.accepted / f"{SOURCE}.parquet"
    before = accepted.read_bytes()
    file = plain.settings.raw / SOURCE / "2026-05" / "cssn.csv"
    vouch(file, file.read_bytes().replace(b"E09000006", b"E06000030"))
    below = [path for path in (plain.settings.warehouse / folder).rglob("*") if path.is_dir()]
    for path in (plain.settings.warehouse / folder, *below):
        path.chmod(0o555)
    error = plain.do("load_source", source=SOURCE, minute=5)["error"]
    assert error is not None
    assert "ermission denied" in error["message"]
    assert folder in error["message"]
    if folder == "landed":
        assert accepted.read_bytes() == before
    for path in (plain.settings.warehouse / folder, *below):
        path.chmod(0o755)
    load = plain.succeed("load_source", source=SOURCE, minute=9)["load"]
    assert (load["load_state"], load["served_rows"]) == ("accepted", 70)
    assert accepted.read_bytes() != before
