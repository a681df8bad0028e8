"""Keys keep their meaning over releases: additions, deletions, returns, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest

from pipelines.problems import NotPublished
from pipelines.publish.checksum import ordered_tables
from pipelines.publish.key_registry import (
    MEMBERS_FOR_ABSENCE,
    NATURAL_KEYS,
    Member,
    RegisteredKey,
    key_column,
    key_conflicts,
    read_registry,
    updated_registry,
)
from pipelines.publish.release import publish
from pipelines.publish.snapshot_schemas import KEYS, SNAPSHOTS, write_empty, write_snapshot
from pipelines.publish.snapshots import read_snapshots, write_previous
from pipelines.release_archive import Archive, Manifest
from pipelines.run_inputs import LastRun, write_last_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipelines.publish.release import PublishedRelease, ReleaseRecord
    from pipelines.settings import Settings

    MakeRecord = Callable[[int], ReleaseRecord]
    Area = tuple[int, str, str]

SPECIAL: tuple[Area, ...] = ((-2, "not_applicable", "not_applicable"), (-1, "unknown", "unknown"))
NOTTINGHAM: Area = (1, "E54000060", "icb")
TRAFFORD: Area = (2, "E08000009", "borough")
BURY: Area = (3, "E08000002", "borough")
DERBY: Area = (4, "E06000015", "borough")


def release_of(settings: Settings, record: ReleaseRecord, areas: Sequence[Area], **given: Any) -> PublishedRelease:
    """Publish a build of which the dimension has these areas."""
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    settings.build_file.unlink(missing_ok=True)
    with duckdb.connect(str(settings.build_file)) as connection:
        connection.execute(
            "create table dim_area (area_key bigint primary key, area_code varchar, area_type varchar);"
            "comment on table dim_area is 'x'; comment on column dim_area.area_key is 'x';"
            "comment on column dim_area.area_code is 'x'; comment on column dim_area.area_type is 'x'"
        )
        connection.executemany("insert into dim_area values (?, ?, ?)", sorted([*SPECIAL, *areas]))
    return publish(settings, settings.build_file, record, **given)


def registry_in(file: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute("from key_registry").fetchall()


def keep(settings: Settings, file: Path) -> Path:
    """Write the snapshot of a release's registry where the next run finds it."""
    frame = pl.DataFrame(registry_in(file), schema=KEYS, orient="row")
    return write_snapshot(settings.previous / "keys.parquet", frame)


def test_five_releases_remember_every_key_and_one_that_returns_keeps_it(settings: Settings, record: MakeRecord) -> None:
    write_empty(settings.previous)
    previous = settings.previous / "keys.parquet"
    ids = [record(number).release_id for number in range(5)]
    steps = ([NOTTINGHAM, TRAFFORD], [NOTTINGHAM, TRAFFORD, BURY], [NOTTINGHAM, BURY], [BURY], [BURY, TRAFFORD, DERBY])
    for number, areas in enumerate(steps):
        published = release_of(settings, record(number), areas, previous_keys=previous)
        previous = keep(settings, published.served_file)
    first, second, _, _, last = ids
    assert registry_in(settings.served_file) == [
        ("dim_area", -2, "Not applicable", first, last, 1),
        ("dim_area", -1, "Unknown", first, last, 1),
        ("dim_area", 1, "E54000060 | icb", first, ids[2], 0),
        ("dim_area", 2, "E08000009 | borough", first, last, 1),
        ("dim_area", 3, "E08000002 | borough", second, last, 1),
        ("dim_area", 4, "E06000015 | borough", last, last, 1),
    ]
    gone = [registry_in(settings.releases / f"{release}.duckdb") for release in ids[2:4]]
    assert [[(row[1], row[4]) for row in rows if not row[5]] for rows in gone] == [
        [(2, second)],
        [(1, ids[2]), (2, second)],
    ]


@pytest.mark.parametrize(
    ("areas", "said"),
    [
        (
            [NOTTINGHAM, (5, "E08000009", "borough")],
            "dim_area: 'E08000009 | borough' has key 5 and has had key 2",
        ),
        (
            [NOTTINGHAM, (2, "E08000003", "borough")],
            "dim_area: key 2 stands for 'E08000003 | borough' and has stood for 'E08000009 | borough'",
        ),
        (
            [(2, "E08000009", "borough"), (1, "E54000060", "sub_icb")],
            "dim_area: key 1 stands for 'E54000060 | sub_icb' and has stood for 'E54000060 | icb'",
        ),
    ],
)
def test_a_key_that_is_changed_or_used_again_is_refused_though_it_was_gone_meanwhile(
    areas: Sequence[Area], said: str, settings: Settings, record: MakeRecord
) -> None:
    write_empty(settings.previous)
    previous = settings.previous / "keys.parquet"
    for number, now in enumerate(([NOTTINGHAM, TRAFFORD], [])):  # both are gone in the second
        published = release_of(settings, record(number), now, previous_keys=previous)
        previous = keep(settings, published.served_file)
    served = settings.served_file.read_bytes()
    with pytest.raises(NotPublished) as refused:
        release_of(settings, record(2), areas, previous_keys=previous)
    assert said in str(refused.value)
    assert "Give what is new a natural key of its own" in str(refused.value)
    assert settings.served_file.read_bytes() == served
    # Without the memory nothing would have been noticed.
    release_of(settings, record(3), areas)


def test_the_same_release_made_again_has_the_same_registry_and_checksum(settings: Settings, record: MakeRecord) -> None:
    first = release_of(settings, record(0), [NOTTINGHAM, TRAFFORD])
    previous = keep(settings, first.served_file)
    second = release_of(settings, record(1), [BURY], previous_keys=previous)
    rows = ordered_tables(second.served_file)["key_registry"]
    again = release_of(settings, record(1), [BURY], previous_keys=previous)
    assert ordered_tables(again.served_file)["key_registry"] == rows
    assert again.content_checksum == second.content_checksum
    # The registry is part of what the checksum covers.
    assert release_of(settings, record(1), [BURY]).content_checksum != second.content_checksum


def test_the_registry_is_described_like_every_table(settings: Settings, record: MakeRecord) -> None:
    served = release_of(settings, record(0), [NOTTINGHAM]).served_file
    with duckdb.connect(str(served), read_only=True) as connection:
        found = connection.execute(
            "select column_name, data_type, is_key from data_dictionary where table_name = 'key_registry' "
            "order by ordinal_position"
        ).fetchall()
        [(comment,)] = connection.execute(
            "select comment from duckdb_tables() where table_name = 'key_registry'"
        ).fetchall()
    assert [row[:2] for row in found] == [
        ("table_name", "VARCHAR"),
        ("surrogate_key", "BIGINT"),
        ("natural_key", "VARCHAR"),
        ("first_release_id", "VARCHAR"),
        ("last_release_id", "VARCHAR"),
        ("is_current", "SMALLINT"),
    ]
    assert "what it stands for" in comment


@pytest.mark.parametrize("content", [None, b"", b"not parquet"])
def test_a_memory_that_cannot_be_read_is_not_taken_for_none(
    content: bytes | None, settings: Settings, record: MakeRecord, tmp_path: Path
) -> None:
    memory = tmp_path / "keys.parquet"
    if content is not None:
        memory.write_bytes(content)
    with pytest.raises(NotPublished, match="What the release before remembers of its keys cannot be read"):
        release_of(settings, record(0), [NOTTINGHAM], previous_keys=memory)
    write_snapshot(memory, pl.DataFrame({"table_name": ["dim_area"]}))
    with pytest.raises(NotPublished, match="cannot be read"):
        read_registry(memory)


def test_a_member_that_stands_under_two_keys_is_a_conflict_without_any_memory() -> None:
    members = [Member("dim_area", 1, "a"), Member("dim_area", 2, "a"), Member("dim_source", 1, "a")]
    assert key_conflicts([], members) == ["dim_area: 'a' has key 2 and has had key 1"]
    with pytest.raises(NotPublished, match="dim_area: 'a' has key 2"):
        updated_registry([], members, "r")


def test_many_conflicts_are_counted_and_not_all_listed() -> None:
    before = [RegisteredKey("dim_area", number, f"a{number}", "r", "r", 1) for number in range(30)]
    now = [Member("dim_area", number, f"b{number}") for number in range(30)]
    with pytest.raises(NotPublished) as refused:
        updated_registry(before, now, "s")
    assert str(refused.value).count("has stood for") == 20
    assert "and 10 more" in str(refused.value)


def test_what_a_run_is_told_of_keys_is_what_the_served_release_remembers(settings: Settings) -> None:
    write_previous(settings)
    assert read_registry(settings.previous / "keys.parquet") == []
    remembered = [RegisteredKey("dim_area", 1, "E54000060 | icb", "r", "r", 1)]
    archive = archived(settings, "20261122T153000Z-00000001", {"keys": pl.DataFrame(remembered, schema=KEYS)})
    write_last_run(settings.state_file, LastRun(fingerprint="f", release_id="20261122T153000Z-00000001"))
    write_previous(settings)
    assert read_registry(settings.previous / "keys.parquet") == remembered
    # A release that was archived before keys were remembered.
    archived(settings, "20261122T153100Z-00000002", {})
    write_last_run(settings.state_file, LastRun(fingerprint="f", release_id="20261122T153100Z-00000002"))
    write_previous(settings)
    frame = pl.read_parquet(settings.previous / "keys.parquet")
    assert (frame.height, dict(frame.schema)) == (0, KEYS)
    assert read_snapshots(archive, "20261122T153100Z-00000002").keys() == SNAPSHOTS.keys()


def archived(settings: Settings, release_id: str, snapshots: dict[str, pl.DataFrame]) -> Archive:
    archive = Archive(settings.history)
    folder = settings.warehouse / "snapshots"
    files = {name: write_snapshot(folder / f"{name}.parquet", frame) for name, frame in snapshots.items()}
    archive.write(
        Manifest(
            release_id=release_id,
            previous_release_id=None,
            as_at=date(2026, 11, 22),
            started_at=datetime(2026, 11, 22, tzinfo=UTC),
            code_version="c",
            input_fingerprint="f",
            content_checksum="s",
            packages={},
            inputs={},
            state={},
            checked_at={},
            snapshots=archive.put_all(folder, files),
        )
    )
    return archive


def test_the_real_release_remembers_every_member_of_every_dimension(published: Settings) -> None:
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        dimensions = [
            str(name)
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where starts_with(table_name, 'dim_') order by 1"
            ).fetchall()
        ]
        assert set(dimensions) == set(NATURAL_KEYS)
        [(release_id,)] = connection.execute("select release_id from release").fetchall()
        for name in dimensions:
            members = connection.execute(f"select {key_column(name)} from {name} order by 1").fetchall()
            known = connection.execute(
                "select surrogate_key from key_registry where table_name = ? and is_current = 1 order by 1", [name]
            ).fetchall()
            assert known == members
            assert {(key,) for key in MEMBERS_FOR_ABSENCE} <= set(known)
        [(keys, meanings, last)] = connection.execute(
            "select count(distinct (table_name, surrogate_key)), count(distinct (table_name, natural_key)), "
            "max(last_release_id) from key_registry"
        ).fetchall()
    assert keys == meanings > 2_000
    assert last == release_id


def test_the_real_release_keeps_its_keys_in_the_archive(published: Settings) -> None:
    archive = Archive(published.history)
    kept = read_snapshots(archive, archive.release_ids()[-1])["keys"]
    assert kept.rows() == registry_in(published.served_file)
