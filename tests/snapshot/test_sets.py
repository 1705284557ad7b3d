"""What belongs to which set, where it lies, and how it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.paths import Paths
from akosha_hook.settings import Settings
from akosha_hook.snapshot.sets import FileSet, included, item_of, set_of


@pytest.mark.parametrize(
    ("name", "path", "belongs"),
    [
        ("session-files", "sessions/s1/state.json", True),
        ("session-files", "sessions/a/b/c/d", True),
        ("session-files", "handoffs/h.md", True),
        ("session-files", "checkpoints/c", True),
        ("session-files", "app_monitoring/x.json", True),
        ("session-files", "sessions", False),
        ("session-files", "reflection.duckdb", False),
        ("session-files", "other/sessions/x", False),
        ("claude-memory", "CLAUDE.md", True),
        ("claude-memory", "projects/p/memory/MEMORY.md", True),
        ("claude-memory", "projects/p/memory/deep/er.md", True),
        ("claude-memory", "projects/p/CLAUDE.md", False),
        ("claude-memory", "settings.json", False),
        ("claude-memory", "projects/p/s.jsonl", False),
        ("claude-transcripts", "projects/p/s.jsonl", True),
        ("claude-transcripts", "projects/p/s/subagents/a.jsonl", True),
        ("claude-transcripts", "projects/p/s.json", False),
        ("claude-transcripts", "history.jsonl", False),
        ("claude-transcripts", "settings.json", False),
    ],
)
def test_what_belongs_to_a_set(name: str, path: str, belongs: bool) -> None:
    files = FileSet(name, Path("/nowhere"))
    parts = tuple(path.split("/"))
    assert files.includes(parts) is belongs
    if belongs:
        assert all(files.may_be_in(parts[:length]) for length in range(len(parts)))


def test_folders_that_hold_nothing_of_a_set_are_not_entered() -> None:
    assert not FileSet("session-files", Path("/nowhere")).may_be_in(("before-restore-1",))
    assert not FileSet("claude-memory", Path("/nowhere")).may_be_in(("projects", "p", "s1"))
    assert not FileSet("claude-transcripts", Path("/nowhere")).may_be_in(("plugins",))


def test_where_the_sets_lie(paths: Paths) -> None:
    names = ("session-files", "claude-memory", "claude-transcripts")
    settings = Settings(akosha_data_dir="/data", akosha_include=names)
    roots = [each.root for each in included(settings, paths)]
    assert roots == [Path("/data"), paths.claude, paths.claude]


def test_only_session_files_are_included_unasked(paths: Paths) -> None:
    assert [each.name for each in included(Settings(), paths)] == ["session-files"]


def test_names_of_items() -> None:
    assert item_of("session-files") == "session-files.tar"
    assert item_of("session-files.tar") == "session-files.tar"
    assert item_of("activity.db") == "activity.db"
    assert set_of("session-files.tar") == "session-files"
    assert set_of("other.tar") is None
    assert set_of("session-files") is None
