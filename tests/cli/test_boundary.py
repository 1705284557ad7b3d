"""What others chose the text of reaches the terminal escaped."""

from __future__ import annotations

import pytest

from akosha_hook.paths import Paths
from tests.support.home import Home

ESCAPE = "\x1b]0;owned\x07"


@pytest.mark.parametrize("command", [("sync",), ("sync", "--dry-run"), ("doctor",)], ids=" ".join)
def test_no_command_passes_on_what_a_file_is_called(paths: Paths, command: tuple[str, ...]) -> None:
    home = Home(paths)
    paths.data.mkdir(parents=True)
    (paths.data / f"knowledge_graph{ESCAPE}.duckdb").write_text("no database")
    home.configure(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint="http://127.0.0.1:9",
        akosha_enable_fallback=False,
    )
    done = home.akosha_hook(*command)
    output = done.stdout + done.stderr
    assert "\\x1b]0;owned\\x07" in output
    assert "\x1b" not in output
    assert "\x07" not in output
