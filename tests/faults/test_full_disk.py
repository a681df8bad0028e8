"""A disk that is full: a small one of its own (tmpfs in a private mount namespace), or a limit on the size of files.

The message names what could not be written and that there is no room, nothing half-written is served, and the step
succeeds as soon as there is room.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.publish.verify_release import verify_release
from pipelines.settings import Settings

NO_ROOM = ("no space", "disk full", "write file", "could not write", "file too large")


def names_the_fault(answer: dict[str, Any]) -> bool:
    said = (answer["error"] or {}).get("message", "").lower()
    return any(words in said for words in NO_ROOM)


def test_publishing(small_disk: tuple[Any, Settings], tmp_path: Path) -> None:
    workbench, settings = small_disk
    workbench.succeed(settings, "build", marker="old", rows=20_000)
    old = workbench.succeed(settings, "publish_build", number=1)
    workbench.succeed(settings, "build", marker="new", rows=20_000)
    failures = 0
    for number, left in enumerate((0, 20_000, 100_000, 200_000, 300_000, 400_000), start=2):
        workbench.succeed(settings, "fill", leave=left)
        answer = workbench.do(settings, "publish_build", number=number)
        if answer["error"] is not None:
            failures += 1
            assert answer["error"]["ours"], answer["error"]
            assert names_the_fault(answer), answer["error"]
            workbench.succeed(settings, "copy_out", destination=str(tmp_path / f"full {left}"))
            seen = Settings(settings.project, tmp_path / f"full {left}")
            assert verify_release(seen.served_file).content_checksum == old["content_checksum"], left
            assert [file.name for file in sorted(seen.releases.iterdir())] == [
                f"{old['release_id']}.duckdb",
                f"{old['release_id']}.sha256",
            ], left
        workbench.succeed(settings, "make_room")
        if answer["error"] is None:
            break
    assert failures >= 3, "the disk was not full enough to show anything"
    new = workbench.succeed(settings, "publish_build", number=9)
    workbench.succeed(settings, "copy_out", destination=str(tmp_path / "after"))
    assert verify_release(tmp_path / "after" / settings.served_file.name).content_checksum == new["content_checksum"]


def test_loading(small_disk: tuple[Any, Settings], tmp_path: Path, vouch: Callable[..., None]) -> None:
    workbench, settings = small_disk
    source = "trafford_neighbours"
    workbench.succeed(settings, "load_source", source=source)
    workbench.succeed(settings, "copy_out", destination=str(tmp_path / "before"))
    accepted = f"accepted/{source}.parquet"
    before = (tmp_path / "before" / accepted).read_bytes()
    seen: list[bytes] = []
    file = settings.raw / source / "2026-05" / "cssn.csv"
    vouch(file, file.read_bytes().replace(b"E09000006", b"E06000030"))
    for left in (0, 4_096, 8_192, 16_384):
        workbench.succeed(settings, "fill", leave=left)
        answer = workbench.do(settings, "load_source", source=source, minute=5)
        assert answer["error"] is not None, left
        assert names_the_fault(answer), answer["error"]
        workbench.succeed(settings, "copy_out", destination=str(tmp_path / f"full {left}"))
        seen.append((tmp_path / f"full {left}" / accepted).read_bytes())
        workbench.succeed(settings, "make_room")
    loaded = workbench.succeed(settings, "load_source", source=source, minute=9)
    assert (loaded["load"]["load_state"], loaded["unchanged"]) == ("accepted", False)
    workbench.succeed(settings, "copy_out", destination=str(tmp_path / "after"))
    after = (tmp_path / "after" / accepted).read_bytes()
    assert before != after
    assert before in seen
    assert {before, after} >= set(seen)


@pytest.mark.parametrize("most", [0, 100, 5_000, 20_000, 50_000])
def test_no_file_may_grow(most: int, workbench: Any, make_project: Callable[..., Settings]) -> None:
    """What a user without rights can try: every write beyond a size fails."""
    settings = make_project()
    workbench.succeed(settings, "build", marker="old")
    old = workbench.succeed(settings, "publish_build", number=1)
    workbench.succeed(settings, "build", marker="new", rows=20_000)
    answer = workbench.do(settings, "publish_build", fault={"full_bytes": most}, number=2)
    assert answer["error"] is not None
    assert answer["error"]["ours"], answer["error"]
    assert names_the_fault(answer), answer["error"]
    assert verify_release(settings.served_file).content_checksum == old["content_checksum"]
    new = workbench.succeed(settings, "publish_build", number=3)
    assert verify_release(settings.served_file).content_checksum == new["content_checksum"] != old["content_checksum"]
