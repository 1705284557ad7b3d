"""What others chose the text of reaches the terminal escaped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.cli.boundary import say_error
from akosha_hook.errors import AkoshaHookError
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


def test_a_path_forges_no_line_of_an_error(paths: Paths, tmp_path: Path) -> None:
    home = Home(paths)
    forged = "Error: forged"
    file = tmp_path / f"a\n{forged}"
    file.write_text("no directory")
    for arguments, environ in (
        (("restore", "--to", str(file)), {}),
        (("sync",), {"SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": f"x\n{forged}"}),
        (("sync",), {"SESSION_BUDDY_DATA_DIR": str(file)}),
        (("ls", f"more\n{forged}"), {}),
    ):
        done = home.akosha_hook(*arguments, **environ)
        assert done.returncode != 0
        lines = (done.stdout + done.stderr).splitlines()
        assert not [each for each in lines if each.startswith(forged)], lines


def test_what_we_lay_out_ourselves_keeps_its_lines(paths: Paths) -> None:
    home = Home(paths)
    home.configure(akosha_cloud_bucket="memories", akosha_cloud_endpoint="http://127.0.0.1:9")
    done = home.akosha_hook("ls")
    assert "\n[default]\n" in done.stderr


def test_a_message_is_one_line_unless_it_says_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(AkoshaHookError("/a\nTry: b", hint="c\nd"))
    say_error(AkoshaHookError("a\n  b", lines=True))
    assert capsys.readouterr().err == "Error: /a\\nTry: b\nTry: c\\nd\nError: a\n  b\n"
