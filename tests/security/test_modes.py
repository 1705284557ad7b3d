"""The state directory: closed to others, and no way to write elsewhere."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.util import files
from tests.support.canaries import (
    KEYS,
)
from tests.support.home import Home


def test_what_was_left_open_to_others_is_closed_and_said(planted: Home) -> None:
    planted.akosha_hook("sync", **KEYS)
    loose = [planted.paths.log, planted.paths.progress, planted.paths.machine]
    for path in loose:
        path.chmod(0o644)
    for directory in (planted.paths.state, planted.paths.receipts):
        directory.chmod(0o755)
    planted.akosha_hook("sync", **KEYS)
    for path in [planted.paths.state, *planted.paths.state.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert "was open to others" in planted.paths.log.read_text()


def test_symlinks_in_the_state_directory_are_not_written_through(
    planted: Home, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    files.private_directory(planted.paths.state)
    state = planted.paths
    for path in (
        state.log,
        state.progress,
        state.machine,
        state.backoff,
        state.notice,
        state.regions,
        state.collapsed,
    ):
        path.symlink_to(victim)
    planted.akosha_hook("sync", **KEYS)
    assert victim.read_text() == "precious"
