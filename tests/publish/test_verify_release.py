"""A release that is not whole, or not what it says, is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.publish.published_state import NotOurFile
from pipelines.publish.release import publish
from pipelines.publish.verify_release import verify_release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.publish.release import PublishedRelease, ReleaseRecord
    from pipelines.settings import Settings


@pytest.fixture
def published(
    settings: Settings, make_build: Callable[..., Path], record: Callable[[int], ReleaseRecord]
) -> PublishedRelease:
    return publish(settings, make_build("whole", rows=50), record(0))


def test_a_release_verifies_as_what_it_says(published: PublishedRelease) -> None:
    found = verify_release(published.served_file)
    assert (found.release_id, found.table_count, found.row_count, found.content_checksum) == (
        published.release_id,
        published.table_count,
        published.row_count,
        published.content_checksum,
    )


@pytest.mark.parametrize(
    "change",
    [
        "update dim_area set area_name = 'Salford' where area_key = 2",
        "delete from fct_indicator_value where area_key = 1",
        "insert into dim_area values (3, 'E08000006', 'Salford')",
        "create table another (i bigint)",
        "drop table fct_data_quality_check",
        "update release set row_count = row_count + 1",
        "delete from release",
    ],
)
def test_any_change_is_found(published: PublishedRelease, tmp_path: Path, change: str) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(published.served_file.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute(change)
    with pytest.raises(NotOurFile):
        verify_release(copy)


@pytest.mark.parametrize("content", [b"", b"not a database", None])
def test_what_is_no_release_is_said(published: PublishedRelease, tmp_path: Path, content: bytes | None) -> None:
    copy = tmp_path / "copy.duckdb"
    whole = published.served_file.read_bytes()
    copy.write_bytes(whole[: len(whole) // 3] if content is None else content)
    with pytest.raises(NotOurFile):
        verify_release(copy)
