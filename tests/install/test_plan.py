"""Changes are shown as they are made, made all or none, and never over somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.install import plan
from akosha_hook.install.plan import Change, Content, PlanError

if TYPE_CHECKING:
    from pathlib import Path


def test_all_changes_are_made_or_none(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("one")
    first.chmod(0o640)
    changes = [
        Change(first, plan.read(first), Content(b"new", 0o600)),
        Change(tmp_path / "made", None, Content(b"new", 0o600)),
        Change(second, None, Content(b"new", 0o600)),
    ]
    second.write_text("appeared in between")
    with pytest.raises(PlanError, match="changed by someone else"):
        plan.apply(changes)
    assert first.read_text() == "one"
    assert first.stat().st_mode & 0o777 == 0o640
    assert not (tmp_path / "made").exists()
    assert second.read_text() == "appeared in between"


def test_what_a_killed_installer_left_beside_a_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text("{}")
    left = tmp_path / f".settings.json.{2**22 - 3}.0a0a0a0a.tmp"
    left.write_text("{")
    content = plan.read(path)
    plan.apply([Change(path, content, content)])
    assert path.exists()
    assert not left.exists()


def test_a_diff_shows_modes_links_and_missing_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "hook"
    text = plan.diff(
        [
            Change(path, Content(b"one\ntwo", 0o644), Content(b"one\nthree\n", 0o755)),
            Change(path, None, Content(b"to/where", 0o777, link=True)),
            Change(path, Content(b"\xff", 0o644), None),
            Change(path, Content(b"same", 0o644), Content(b"same", 0o644)),
        ]
    )
    assert text == (
        f"old mode 0644\nnew mode 0755\n--- {path}\n+++ {path}\n@@ -1,2 +1,2 @@\n one\n-two\n"
        f"\\ No newline at end of file\n+three\n"
        f"new file mode 0777\n--- /dev/null\n+++ {path}\n@@ -0,0 +1 @@\n+symbolic link to to/where\n"
        f"--- {path}\n+++ /dev/null\nBinary files differ\n"
    )


def test_a_directory_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.json").mkdir()
    with pytest.raises(PlanError, match="is not a file"):
        plan.read(tmp_path / "settings.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(PlanError, match="a parent of it is a file"):
        plan.read(tmp_path / "file" / "settings.json")
