"""Reading what is served."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.problems import OutcomesError
from pipelines.publish.published_state import read_published
from pipelines.publish.release import publish

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.publish.release import ReleaseRecord
    from pipelines.settings import Settings

    MakeBuild = Callable[..., Path]
    MakeRecord = Callable[[int], ReleaseRecord]


def test_state_is_the_release_row_with_its_age_and_statuses(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    assert read_published(settings.served_file) is None
    make_build(extra="insert into dim_area values (3, 'E06000018', 'Nottingham')")
    published = publish(settings, settings.build_file, record(0))
    state = read_published(settings.served_file)
    assert state is not None
    assert (state.release.release_id, state.release.row_count) == (published.release_id, published.row_count)
    assert state.statuses == {"no_target": 2, "on_track": 1}
    assert state.size_bytes == settings.served_file.stat().st_size
    assert state.age(record(90).built_at) == timedelta(minutes=90)


def test_release_without_a_scorecard_has_no_statuses(
    settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    publish(settings, make_build(extra="drop view v_scorecard"), record(0))
    state = read_published(settings.served_file)
    assert state is not None
    assert state.statuses is None


def test_reading_does_not_stop_the_next_publish(settings: Settings, make_build: MakeBuild, record: MakeRecord) -> None:
    publish(settings, make_build("first"), record(0))
    read_published(settings.served_file)
    publish(settings, make_build("second"), record(1))
    state = read_published(settings.served_file)
    assert state is not None
    assert state.release.release_id == record(1).release_id


@pytest.mark.parametrize("kind", ["text", "other database", "emptied release"])
def test_file_that_is_not_a_release_is_named_in_plain_words(
    kind: str, settings: Settings, make_build: MakeBuild, record: MakeRecord
) -> None:
    settings.warehouse.mkdir(parents=True, exist_ok=True)
    if kind == "text":
        settings.served_file.write_text("not a database")
    elif kind == "other database":
        with duckdb.connect(str(settings.served_file)) as connection:
            connection.execute("create table t (i integer)")
    else:
        publish(settings, make_build(), record(0))
        settings.served_file.chmod(0o644)
        with duckdb.connect(str(settings.served_file)) as connection:
            connection.execute("delete from release")
    with pytest.raises(OutcomesError, match=r"outcomes\.duckdb (is not a release|has 0 rows)"):
        read_published(settings.served_file)
