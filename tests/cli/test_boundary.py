"""What others chose the text of reaches the terminal escaped."""

from __future__ import annotations

import subprocess
import sys

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


def test_a_disk_that_takes_nothing_more_is_a_message_and_no_crash(paths: Paths) -> None:
    home = Home(paths)
    paths.data.mkdir(parents=True)
    (paths.data / "reflection.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"x" * 100)
    home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint="http://127.0.0.1:9")
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "akosha_hook", "sync"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    assert "Free some space" in done.stderr
