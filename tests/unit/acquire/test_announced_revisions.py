"""What passports say of revisions."""

from __future__ import annotations

import pytest

from pipelines.acquire.announced_revisions import Announced, read_announced
from pipelines.problems import ConfigurationError


def passport(raw, release, text):
    folder = raw / "source" / release
    folder.mkdir(parents=True)
    (folder / "passport.yml").write_text(f"publisher: Somebody\n{text}", encoding="utf-8")


def test_only_passports_that_announce_a_revision_count(tmp_path):
    passport(tmp_path, "2026-01", "title: A revision: none\n")
    passport(tmp_path, "2026-02", "revision:\n  kind: unscheduled\n  reason: A coding error was put right.\n")
    passport(tmp_path, "2026-03", "revision: {kind: scheduled, reason: New population estimates.}\n")
    assert read_announced(tmp_path) == [
        Announced("source", "2026-02", "unscheduled", "A coding error was put right."),
        Announced("source", "2026-03", "scheduled", "New population estimates."),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("revision: {kind: unscheduled}\n", "revision.reason"),
        ("revision: {kind: planned, reason: New estimates.}\n", "revision.kind"),
        ("revision: {kind: scheduled, reason: ''}\n", "revision.reason"),
        ("revision: yes\n", "revision"),
    ],
)
def test_half_a_revision_is_refused(tmp_path, text, said):
    passport(tmp_path, "2026-02", text)
    with pytest.raises(ConfigurationError, match=rf"source/2026-02/passport\.yml: .*{said}"):
        read_announced(tmp_path)
