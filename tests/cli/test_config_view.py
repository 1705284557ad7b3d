"""What `akosha-hook config show` prints, in a pipe and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook.settings import Settings
from tests.support.config_command import ConfigCommand, write

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


def test_show_in_a_pipe_is_a_settings_file(config: ConfigCommand, paths: Paths) -> None:
    write(paths.settings_yaml, "akosha_cloud_bucket: memories\n")
    result = config("show")
    values = tomllib.loads(result.out)
    assert msgspec.convert(values, Settings) == Settings(akosha_cloud_bucket="memories")
    assert (result.code, result.err) == (0, "")


def test_show_says_where_values_come_from(
    config: ConfigCommand, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(paths.settings_yaml, "# x\nakosha_cloud_bucket: memories\n")
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_MAX_RETRIES", "7")
    lines = config("show", "--origin").out.splitlines()
    assert f'akosha_cloud_bucket = "memories"  # {path}:2' in lines
    assert "akosha_max_retries = 7  # environment SESSION_BUDDY_AKOSHA_MAX_RETRIES" in lines
    assert 'log_level = "INFO"  # default' in lines


def test_show_as_json_has_everything(config: ConfigCommand, paths: Paths) -> None:
    path = write(
        paths.local_yaml, "akosha_max_retries: many\nakosha_chunk_size_mb: 2\nakosha_x: 1\n"
    )
    document = json.loads(config("show", "--json").out)
    assert document["settings"] == json.loads(msgspec.json.encode(Settings(akosha_chunk_size_mb=2)))
    assert document["origins"]["akosha_chunk_size_mb"] == {
        "layer": "local",
        "file": str(path),
        "line": 2,
        "name": "akosha_chunk_size_mb",
    }
    assert document["origins"]["log_level"]["layer"] == "default"
    assert [len(document[each]) for each in ("problems", "warnings", "notes")] == [1, 1, 1]


def test_show_names_the_spelling(config: ConfigCommand, paths: Paths) -> None:
    assert paths.config_yaml is not None
    path = write(
        paths.config_yaml,
        "cloud_sync:\n  cloud_bucket: memories\ndatabase: {path: /srv/reflection.duckdb}\n",
    )
    shown = config("show", "--origin").out
    assert f'akosha_cloud_bucket = "memories"  # {path}:2 cloud_sync.cloud_bucket\n' in shown
    line = f'# database_path = "/srv/reflection.duckdb"  # {path}:3 database.path\n'
    assert line in shown
    # What it prints is still a settings file.
    assert "database_path" not in tomllib.loads(config("show").out)
    document = json.loads(config("show", "--json").out)
    assert document["origins"]["akosha_cloud_bucket"] == {
        "layer": "config",
        "file": str(path),
        "line": 2,
        "name": "cloud_sync.cloud_bucket",
    }
    assert document["outside_databases"] == [
        {
            "path": "/srv/reflection.duckdb",
            "origin": {"layer": "config", "file": str(path), "line": 3, "name": "database.path"},
        }
    ]


def test_show_on_a_terminal_names_what_lies_outside(home: Path, paths: Paths) -> None:
    assert paths.config_yaml is not None
    write(paths.config_yaml, "database: {path: /srv/reflection.duckdb}\n")
    text = on_a_terminal(home, "show", "--origin", NO_COLOR="1", TERM="dumb")
    assert "from ~/.config/session-buddy/config.yaml:1 database.path" in " ".join(text.split())


def test_show_goes_on_with_bad_settings_and_complains_on_stderr(
    config: ConfigCommand, paths: Paths
) -> None:
    write(paths.settings_yaml, "akosha_max_retries: many\n")
    result = config("show")
    assert result.code == 0
    assert "akosha_max_retries = 3" in result.out
    assert f"Error: {paths.settings_yaml}:1: akosha_max_retries is" in result.err


def on_a_terminal(home: Path, *arguments: str, **environ: str) -> str:
    """The output of the command on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "akosha_hook", "config", *arguments]
    extra = {"TERM": "xterm-256color", "COLUMNS": "80", **environ}
    with subprocess.Popen(command, stdout=theirs, env=os.environ | extra) as process:
        os.close(theirs)
        read = b""
        while True:
            try:
                more = os.read(ours, 65_536)
            except OSError:
                break
            if not more:
                break
            read += more
    os.close(ours)
    assert process.returncode == 0
    return read.decode()


def test_show_on_a_terminal_keeps_to_its_width(home: Path, paths: Paths) -> None:
    write(paths.settings_yaml, f"akosha_data_dir: /{'x' * 100}\n")
    text = on_a_terminal(home, "show", "--origin", NO_COLOR="1", TERM="dumb")
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert any(line.startswith("akosha_data_dir ") for line in lines)
    assert "from ~/.claude/settings/session-buddy.yaml:1" in text


def test_show_on_a_terminal_has_no_colour_where_none_is_wanted(home: Path, paths: Paths) -> None:
    write(paths.settings_yaml, "akosha_cloud_bucket: memories\n")
    assert "\x1b[3" not in on_a_terminal(home, "show", NO_COLOR="1")
