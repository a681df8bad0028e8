"""Files that somebody truncates, empties, replaces, swaps or deletes between two refreshes, or under one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.publish.verify_release import verify_release
from pipelines.refresh import has_news
from pipelines.release_archive import Archive
from pipelines.run_inputs import LastRun, read_inputs, read_last_run, take_inputs, write_last_run
from pipelines.settings import Settings

SOURCE, OTHER = "trafford_neighbours", "trafford_localities"
DAY = date(2026, 11, 22)
Tree = Callable[[Path], dict[str, str]]
Damage = Callable[[Path, Path], object]


def _truncate(file: Path, other: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _swap(file: Path, other: Path) -> None:
    aside = file.with_name("aside")
    file.rename(aside)
    other.rename(file)
    aside.rename(other)


DAMAGES: dict[str, Damage] = {
    "truncated": _truncate,
    "emptied": lambda file, other: file.write_bytes(b""),
    "garbage": lambda file, other: file.write_bytes(b"\x00\xff garbage " * 50),
    "deleted": lambda file, other: file.unlink(),
    "swapped": _swap,
}
STATE = (
    "landed/{}.parquet",
    "landed/{}.landing.json",
    "accepted/{}.parquet",
    "quarantine/{}.parquet",
    "check_log/{}.load.parquet",
    "check_log/{}.checks.parquet",
    "check_log/{}.gate.json",
)


def served_to_the_model(settings: Settings, tree: Tree) -> dict[str, str]:
    """The data that the model reads."""
    set_aside = {f"quarantine {name}": found for name, found in tree(settings.quarantine).items()}
    return {**tree(settings.accepted), **set_aside}


@pytest.fixture(scope="module")
def loaded(workbench: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Kept warehouses, by name; made once."""
    return {}


@pytest.fixture
def twice_loaded(
    workbench: Any, make_project: Callable[..., Settings], loaded: dict[str, Path], tmp_path_factory: Any
) -> Settings:
    """A project of two sources with a warehouse into which both have been loaded."""
    settings = make_project(SOURCE, OTHER)
    if not loaded:
        for source in (SOURCE, OTHER):
            workbench.succeed(settings, "load_source", source=source)
        loaded["kept"] = tmp_path_factory.mktemp("loaded") / "warehouse"
        shutil.copytree(settings.warehouse, loaded["kept"])
    else:
        shutil.copytree(loaded["kept"], settings.warehouse)
    return settings


@pytest.mark.parametrize("name", STATE)
@pytest.mark.parametrize("damage", DAMAGES)
def test_state_between_two_refreshes(
    damage: str, name: str, twice_loaded: Settings, workbench: Any, tree: Tree
) -> None:
    """The next refresh has the same data, whatever became of its notes and copies."""
    settings = twice_loaded
    before = served_to_the_model(settings, tree)
    raw = tree(settings.raw)
    DAMAGES[damage](settings.warehouse / name.format(SOURCE), settings.warehouse / name.format(OTHER))
    for source in (SOURCE, OTHER):
        load = workbench.succeed(settings, "load_source", source=source, minute=5)["load"]
        assert load["source_id"] == source
    found = served_to_the_model(settings, tree)
    assert {name: found[name] for name in before} == before
    assert tree(settings.raw) == raw
    for source in (SOURCE, OTHER):
        assert workbench.succeed(settings, "load_source", source=source, minute=9)["unchanged"]


@pytest.mark.parametrize("name", [name for name in STATE if "landed" not in name])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "swapped"])
def test_state_before_a_new_release(
    damage: str,
    name: str,
    twice_loaded: Settings,
    workbench: Any,
    tree: Tree,
    vouch: Callable[..., None],
) -> None:
    """A new file beside damaged notes is accepted as it would have been beside whole ones."""
    settings = twice_loaded
    file = settings.raw / SOURCE / "2026-05" / "cssn.csv"
    vouch(file, file.read_bytes().replace(b"E09000006", b"E06000030"))
    whole = settings.warehouse.with_name("undisturbed")
    shutil.copytree(settings.warehouse, whole)
    undisturbed = Settings(settings.project, whole)
    expected = workbench.succeed(undisturbed, "load_source", source=SOURCE, minute=5)
    DAMAGES[damage](settings.warehouse / name.format(SOURCE), settings.warehouse / name.format(OTHER))
    found = workbench.succeed(settings, "load_source", source=SOURCE, minute=5)
    assert found["results"] == expected["results"]
    assert (found["load"]["load_state"], found["load"]["served_rows"]) == ("accepted", 70)
    accepted = f"accepted/{SOURCE}.parquet"
    assert (settings.warehouse / accepted).read_bytes() == (whole / accepted).read_bytes()


@pytest.mark.parametrize("damage", ["truncated", "emptied", "garbage", "deleted"])
def test_archived_object(damage: str, twice_loaded: Settings, workbench: Any, tree: Tree) -> None:
    """What the archive lost does not stop a refresh that does not need it, and is kept again when it comes by."""
    settings = twice_loaded
    before = served_to_the_model(settings, tree)
    for path in sorted((settings.history / "objects").rglob("*")):
        if path.is_file():
            path.chmod(0o644)
            DAMAGES[damage](path, path)
    for source in (SOURCE, OTHER):
        workbench.succeed(settings, "load_source", source=source, minute=5)
        assert served_to_the_model(settings, tree) == before


def publish_inputs(workbench: Any, settings: Settings, marker: str, number: int) -> Any:
    """Publish, and note the inputs of now as those of the release."""
    workbench.succeed(settings, "build", marker=marker, rows=500)
    released = workbench.succeed(settings, "publish_build", number=number)
    noted = LastRun(take_inputs(settings, DAY).fingerprint, released["release_id"], released["sha256"])
    write_last_run(settings.state_file, noted, settings.served_file)
    return released


def _older(file: Path, other: Path) -> None:
    file.unlink()
    shutil.copyfile(other, file)


SERVED_DAMAGES: dict[str, Damage] = {
    **DAMAGES,
    "swapped": _older,
    "a byte changed": lambda file, other: file.write_bytes(
        (content := file.read_bytes())[:70_000] + bytes([content[70_000] ^ 1]) + content[70_001:]
    ),
    "a dangling link": lambda file, other: (file.unlink(), file.symlink_to(file.with_name("nowhere"))),
    "another database": lambda file, other: (file.unlink(), duckdb.connect(str(file)).close()),
}


@pytest.mark.parametrize("damage", SERVED_DAMAGES)
def test_served_file(damage: str, workbench: Any, make_project: Callable[..., Settings]) -> None:
    """Whoever damages the served file makes news of it: the next refresh publishes again, although no input changed."""
    settings = make_project(SOURCE)
    old = publish_inputs(workbench, settings, "old", 1)
    new = publish_inputs(workbench, settings, "new", 2)
    assert not has_news(settings, DAY)
    # The served file and the newest kept release are one file with two names: whoever writes to one writes to both.
    if settings.served_file.stat().st_nlink > 1 and "deleted" not in damage:
        settings.served_file.chmod(0o644)
    SERVED_DAMAGES[damage](settings.served_file, settings.releases / f"{old['release_id']}.duckdb")
    assert has_news(settings, DAY)
    again = publish_inputs(workbench, settings, "new", 3)
    assert verify_release(settings.served_file).content_checksum == again["content_checksum"]
    assert again["content_checksum"] == new["content_checksum"]
    assert not has_news(settings, DAY)


@pytest.mark.parametrize("beside", [".wal", ".partial", ".tmp"])
@pytest.mark.parametrize("content", [b"", b"left behind by another program" * 100])
def test_what_others_leave_beside_the_served_file(
    content: bytes, beside: str, workbench: Any, make_project: Callable[..., Settings]
) -> None:
    settings = make_project(SOURCE)
    publish_inputs(workbench, settings, "old", 1)
    stranger = settings.served_file.with_name(settings.served_file.name + beside)
    stranger.write_bytes(content)
    (settings.releases / "20250101T000000Z-00000000.duckdb.partial").write_bytes(content)
    (settings.releases / "20250101T000000Z-00000000.duckdb.partial.wal").write_bytes(content)
    new = publish_inputs(workbench, settings, "new", 2)
    assert verify_release(settings.served_file).content_checksum == new["content_checksum"]
    assert not list(settings.releases.glob("*.partial*"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"fingerprint": 1}', b"\xff\xfe"])
def test_notes_of_the_run(content: bytes, workbench: Any, make_project: Callable[..., Settings]) -> None:
    """A note that cannot be read means one more refresh, never an error."""
    settings = make_project(SOURCE)
    publish_inputs(workbench, settings, "new", 1)
    settings.state_file.write_bytes(content)
    settings.run_inputs_file.write_bytes(content)
    last = read_last_run(settings.state_file)
    assert last is None or last.fingerprint == "1"
    assert has_news(settings, DAY)
    with pytest.raises(Exception, match="run_inputs") as refused:
        read_inputs(settings.run_inputs_file)
    assert type(refused.value).__name__ == "OutcomesError"


def test_build_file_lost_while_it_is_published(workbench: Any, make_project: Callable[..., Settings]) -> None:
    settings = make_project()
    workbench.succeed(settings, "build", marker="old")
    old = workbench.succeed(settings, "publish_build", number=1)
    workbench.succeed(settings, "build", marker="new", rows=50_000)
    answer = workbench.do(settings, "publish_build", number=2, lose_build=True)
    assert answer["error"] is None or answer["error"]["ours"], answer["error"]
    served = verify_release(settings.served_file)
    assert (answer["error"] is None) != (served.content_checksum == old["content_checksum"])
    missing = workbench.do(settings, "publish_build", number=3)
    assert "There is no build file" in missing["error"]["message"]
    workbench.succeed(settings, "build", marker="new", rows=50_000)
    workbench.succeed(settings, "publish_build", number=4)


@pytest.mark.parametrize("damage", ["truncated", "emptied", "garbage", "deleted"])
@pytest.mark.parametrize(("source", "file"), [(SOURCE, "2026-05/cssn.csv"), (OTHER, "2021-01/localities.csv")])
def test_raw_file_between_two_refreshes(
    source: str, file: str, damage: str, twice_loaded: Settings, workbench: Any, tree: Tree
) -> None:
    """A source whose file is damaged is refused and its last good data stay; the file put back, all is as before."""
    settings = twice_loaded
    before, raw = served_to_the_model(settings, tree), settings.raw / source / file
    content = raw.read_bytes()
    DAMAGES[damage](raw, raw)
    load = workbench.succeed(settings, "load_source", source=source, minute=5)
    assert load["load"]["load_state"] == "refused"
    assert load["landing"]["rules"]
    assert served_to_the_model(settings, tree) == before
    raw.write_bytes(content)
    again = workbench.succeed(settings, "load_source", source=source, minute=9)
    assert again["landing"]["rules"] == []
    assert served_to_the_model(settings, tree) == before


WARDS = "2026-03/demographics"


@pytest.mark.parametrize(
    ("source", "file", "damage"),
    [
        (SOURCE, "2026-05/cssn.csv", "truncated"),
        (SOURCE, "2026-05/cssn.csv", "figures"),
        (SOURCE, "2026-05/cssn.csv", "deleted"),
        ("trafford_wards", f"{WARDS}/data/median_age.csv", "emptied"),
        ("trafford_wards", f"{WARDS}/meta.csv", "truncated"),
        ("trafford_wards", f"{WARDS}/meta.csv", "deleted"),
        ("ukhsa_bacteraemia_tables", "2024-10/ukhsa_bacteraemia_tables.ods", "text"),
        ("ukhsa_bacteraemia_tables", "2024-10/ukhsa_bacteraemia_tables.ods", "deleted"),
    ],
)
def test_raw_file_between_verifying_and_reading(
    source: str, file: str, damage: str, workbench: Any, make_project: Callable[..., Settings]
) -> None:
    """Nothing is landed under the name of bytes that it was not read from, and the message names the file."""
    settings = make_project(source)
    raw = settings.raw / source / file
    content = raw.read_bytes()
    whole = workbench.succeed(Settings(settings.project, settings.warehouse / "whole"), "land_source", source=source)
    answer = workbench.do(settings, "land_source", source=source, swap=[str(raw), damage])
    assert raw.exists() == (damage != "deleted")
    assert not raw.exists() or raw.read_bytes() != content, "the file was not damaged under the reader"
    assert answer["error"] is None, answer["error"]
    if answer["result"]["rules"]:
        assert any(Path(file).name in said for said in answer["result"]["says"])
    landed = settings.landed / f"{source}.parquet"
    undisturbed = (settings.warehouse / "whole" / "landed" / f"{source}.parquet").read_bytes()
    assert not landed.exists() or landed.read_bytes() == undisturbed
    raw.write_bytes(content)
    again = workbench.succeed(settings, "land_source", source=source, minute=5)
    assert again["rows"] == whole["rows"]
    assert landed.read_bytes() == undisturbed


def test_manifest_that_was_damaged_is_said_to_be(workbench: Any, make_project: Callable[..., Settings]) -> None:
    settings = make_project()
    workbench.succeed(settings, "archive_seeds", number=1)
    archive = Archive(settings.history)
    (release_id,) = archive.release_ids()
    manifest = settings.history / "releases" / f"{release_id}.json"
    content = manifest.read_text(encoding="utf-8")
    for damaged in ("", content[:100], json.dumps({"release_id": release_id})):
        manifest.write_text(damaged, encoding="utf-8")
        with pytest.raises(Exception, match="no readable manifest"):
            archive.read(release_id)
