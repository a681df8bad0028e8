"""Killed before every change to the file system, and inside every write, of the steps that write.

Exhaustive: each step is first done once to learn its changes, then once for every one of them with a SIGKILL just
before it, and with files that may not grow any further from it on. After each, the old or the new is whole, and the
step, done again, leaves what it would have left undisturbed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.acquire.landing import read_load_record
from pipelines.publish.verify_release import verify_release
from pipelines.release_archive import Archive
from pipelines.settings import Settings

Tree = Callable[[Path], dict[str, str]]
TEAR_AT = (0, 4096, 40_960)
"""Nothing written; the first block of a small file or the headers of a DuckDB file; in the middle of its contents."""


def faults(changes: list[str]) -> Iterator[dict[str, int]]:
    """Yield a kill before every change, and a tear from the first change, every sixth and every opening on."""
    for number, change in enumerate(changes, start=1):
        yield {"kill_before": number}
        if number % 6 == 1 or change.startswith("open"):
            for size in TEAR_AT:
                yield {"tear_before": number, "tear_bytes": size}


def restore(kept: Path, warehouse: Path) -> None:
    shutil.rmtree(warehouse, ignore_errors=True)
    shutil.copytree(kept, warehouse)


def marker(served: Path) -> str:
    with duckdb.connect(str(served), read_only=True) as connection:
        return str(connection.execute("select area_name from dim_area where area_key = 1").fetchall()[0][0])


def test_publishing(workbench: Any, make_project: Callable[..., Settings], tmp_path: Path, tree: Tree) -> None:
    settings = make_project()
    workbench.succeed(settings, "build", marker="old")
    old = workbench.succeed(settings, "publish_build", number=1)
    workbench.succeed(settings, "build", marker="new", rows=2000)
    kept = tmp_path / "kept"
    shutil.copytree(settings.warehouse, kept)
    whole = workbench.do(settings, "publish_build", number=2)
    undisturbed = tree(settings.releases)
    assert len(whole["changes"]) >= 6, "the step has fewer changes than it needs: they are not being counted"
    seen: set[str] = set()
    deaths = 0
    for fault in faults(whole["changes"]):
        restore(kept, settings.warehouse)
        answer = workbench.do(settings, "publish_build", fault=fault, number=2)
        deaths += answer["killed"] is not None
        assert answer["killed"] or (answer["error"] is None and "tear_before" in fault), (fault, answer["error"])
        served = verify_release(settings.served_file)
        expected = {"old": old, "new": whole["result"]}[marker(settings.served_file)]
        assert served.content_checksum == expected["content_checksum"], fault
        seen.add(served.release_id)

        # The next refresh begins later, and so has another name.
        after = workbench.succeed(settings, "publish_build", number=3)
        assert verify_release(settings.served_file).content_checksum == whole["result"]["content_checksum"], fault
        assert after["content_checksum"] == whole["result"]["content_checksum"], fault
        left = tree(settings.warehouse)
        assert not [name for name in left if "partial" in name or name.endswith(".wal")], (fault, left)
        with_hash = {name.removesuffix(".duckdb") for name in left if name.endswith(".duckdb") and "releases/" in name}
        assert {name.removesuffix(".sha256") for name in left if name.endswith(".sha256")} >= with_hash, fault
    assert seen == {old["release_id"], whole["result"]["release_id"]}, "kills before and after the replacement"
    assert deaths >= len(whole["changes"]) + len(TEAR_AT)
    assert len(undisturbed) == 4


def test_publishing_the_same_release_again_after_a_kill(
    workbench: Any, make_project: Callable[..., Settings], tmp_path: Path, tree: Tree
) -> None:
    """A release that is rebuilt keeps its name, so that the files of the killed attempt stand in its way."""
    settings = make_project()
    workbench.succeed(settings, "build", marker="only", rows=500)
    kept = tmp_path / "kept"
    shutil.copytree(settings.warehouse, kept)
    whole = workbench.do(settings, "publish_build", number=1)
    for number in range(1, len(whole["changes"]) + 1):
        restore(kept, settings.warehouse)
        assert workbench.do(settings, "publish_build", fault={"kill_before": number}, number=1)["killed"] == 9
        if settings.served_file.exists():
            assert verify_release(settings.served_file).release_id == whole["result"]["release_id"]
        again = workbench.succeed(settings, "publish_build", number=1)
        assert again["content_checksum"] == whole["result"]["content_checksum"]
        assert verify_release(settings.served_file).content_checksum == again["content_checksum"]


@pytest.mark.parametrize(
    ("source", "file", "find", "put"),
    [
        ("trafford_neighbours", "2026-05/cssn.csv", b"E09000006", b"E09000007"),
        ("trafford_neighbours", "2026-05/cssn.csv", b"area_code", b"area"),
        ("ukhsa_bacteraemia_tables", "", b"", b""),
    ],
    ids=["a second time", "refused after it was read", "a workbook for the first time"],
)
def test_landing(
    source: str,
    file: str,
    find: bytes,
    put: bytes,
    workbench: Any,
    make_project: Callable[..., Settings],
    tmp_path: Path,
    tree: Tree,
    vouch: Callable[..., None],
) -> None:
    settings = make_project(source)
    settings.warehouse.mkdir()
    if file:
        workbench.succeed(settings, "land_source", source=source)
        content = (settings.raw / source / file).read_bytes()
        assert find in content
        vouch(settings.raw / source / file, content.replace(find, put))
    kept, raw = tmp_path / "kept", tree(settings.raw)
    shutil.copytree(settings.warehouse, kept)
    before = shown(tree(settings.landed))
    whole = workbench.do(settings, "land_source", source=source)
    after = shown(tree(settings.landed))
    assert whole["error"] is None
    assert after != before
    deaths = 0
    for fault in faults(whole["changes"]):
        restore(kept, settings.warehouse)
        deaths += workbench.do(settings, "land_source", fault=fault, source=source)["killed"] is not None
        landed = settings.landed / f"{source}.parquet"
        if landed.exists():
            assert pl.read_parquet(landed).height == read_load_record(landed).rows
        for name, found in shown(tree(settings.landed)).items():
            assert found in (before.get(name), after.get(name)), (fault, name)
        again = workbench.succeed(settings, "land_source", source=source)
        assert {**again, "unchanged": False} == whole["result"], fault
        assert shown(tree(settings.landed)) == after, fault
        assert tree(settings.raw) == raw, fault
    assert deaths >= len(whole["changes"])


def shown(files: dict[str, str]) -> dict[str, str]:
    """Leave out what is hidden: the beginnings of files that never came to be."""
    return {name: found for name, found in files.items() if not any(part.startswith(".") for part in Path(name).parts)}


def left_by_gate(settings: Settings, tree: Tree) -> list[dict[str, str]]:
    """What a gate leaves for the model and for people; its note for the next gate depends on the code as well."""
    folders = (settings.accepted, settings.quarantine, settings.check_log)
    return [{name: found for name, found in shown(tree(one)).items() if name.endswith(".parquet")} for one in folders]


GATED = [
    ("trafford_neighbours", "2026-05/cssn.csv", b"E09000006", b"E06000030", ("accepted", 0, "set_size", "passed")),
    ("trafford_neighbours", "2026-05/cssn.csv", b"E09000006", b"E09999999", ("refused", 1, "set_size", "passed")),
    (
        "ons_subnational",
        "2022-05/Smokers-Table 1.csv",
        b"Halton,13.1,",
        b"Halton,15.1,",
        ("accepted", 0, "past_figures_changed", "warned"),
    ),
]


@pytest.mark.parametrize(
    ("source", "file", "find", "put", "outcome"),
    GATED,
    ids=["accepted", "refused with a row set aside", "accepted with a remark about the load before"],
)
def test_gating(
    source: str,
    file: str,
    find: bytes,
    put: bytes,
    outcome: tuple[str, int, str, str],
    workbench: Any,
    make_project: Callable[..., Settings],
    tmp_path: Path,
    tree: Tree,
    vouch: Callable[..., None],
) -> None:
    """Whatever a gate says of a load beside the one before, it says again after a kill, and leaves the same bytes."""
    settings = make_project(source)
    workbench.succeed(settings, "load_source", source=source)
    content = (settings.raw / source / file).read_bytes()
    assert find in content
    vouch(settings.raw / source / file, content.replace(find, put))
    workbench.succeed(settings, "land_source", source=source, minute=5)
    kept = tmp_path / "kept"
    shutil.copytree(settings.warehouse, kept)
    before = left_by_gate(settings, tree)
    whole = workbench.do(settings, "gate_source", source=source, minute=5)
    after = left_by_gate(settings, tree)
    assert whole["error"] is None
    state, set_aside, rule, verdict = outcome
    assert (whole["result"]["load"]["load_state"], whole["result"]["load"]["quarantined_rows"]) == (state, set_aside)
    assert whole["result"]["results"][rule][0] == verdict
    assert (before[0] != after[0]) == (state == "accepted")
    deaths = 0
    everywhere = rule == "set_size" and state == "accepted"
    for fault in faults(whole["changes"]) if everywhere else kills_around_renames(whole["changes"]):
        restore(kept, settings.warehouse)
        deaths += workbench.do(settings, "gate_source", fault=fault, source=source, minute=5)["killed"] is not None
        for now, old, new in zip(left_by_gate(settings, tree), before, after, strict=True):
            for name, found in now.items():
                assert found in (old.get(name), new.get(name)), (fault, name)
        again = workbench.succeed(settings, "gate_source", source=source, minute=5)
        assert {**again, "unchanged": False} == whole["result"], fault
        assert left_by_gate(settings, tree) == after, fault
    assert workbench.succeed(settings, "gate_source", source=source, minute=9)["unchanged"]
    assert deaths >= (len(whole["changes"]) if everywhere else 6)


def kills_around_renames(changes: list[str]) -> Iterator[dict[str, int]]:
    """Yield a kill before and after every file that takes its place, the archive's aside."""
    named = [change.startswith("os.rename") and "/history/" not in change for change in changes]
    renames = {number for number, is_one in enumerate(named, start=1) if is_one}
    for number in sorted(renames | {number + 1 for number in renames if number < len(changes)}):
        yield {"kill_before": number}


def test_archiving(workbench: Any, make_project: Callable[..., Settings], tmp_path: Path, tree: Tree) -> None:
    """An object has the bytes that its name says, or is not there; a manifest names only objects that are."""
    settings = make_project(own_seeds=True)
    settings.warehouse.mkdir()
    workbench.succeed(settings, "archive_seeds", number=1)
    with (settings.seeds / "commitments.csv").open("a", encoding="utf-8") as stream:
        stream.write("\n")
    kept = tmp_path / "kept"
    shutil.copytree(settings.warehouse, kept)
    whole = workbench.do(settings, "archive_seeds", number=2)
    after = shown(tree(settings.history))
    assert whole["error"] is None
    deaths = 0
    for fault in faults(whole["changes"]):
        restore(kept, settings.warehouse)
        deaths += workbench.do(settings, "archive_seeds", fault=fault, number=2)["killed"] is not None
        archive = Archive(settings.history)
        for name, found in shown(tree(settings.history / "objects")).items():
            assert name.endswith(found), fault
        assert 1 <= len(archive.release_ids()) <= 2
        for release_id in archive.release_ids():
            assert all(archive.object(sha256).is_file() for sha256 in archive.read(release_id).inputs.values())
        assert workbench.succeed(settings, "archive_seeds", number=2) == whole["result"], fault
        assert shown(tree(settings.history)) == after, fault
    assert deaths >= len(whole["changes"])
