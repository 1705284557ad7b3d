from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run
from akosha_hook.errors import ExitCode
from akosha_hook.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Command:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Result:
        code = run(cli, ["config", *map(str, arguments)])
        said = self._capsys.readouterr()
        return Result(code, said.out, said.err)


@pytest.fixture
def config(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_show_in_a_pipe_is_a_settings_file(config: Command, paths: Paths) -> None:
    write(paths.settings_yaml, "akosha_cloud_bucket: memories\n")
    result = config("show")
    values = tomllib.loads(result.out)
    assert msgspec.convert(values, Settings) == Settings(akosha_cloud_bucket="memories")
    assert (result.code, result.err) == (0, "")


def test_show_says_where_values_come_from(
    config: Command, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(paths.settings_yaml, "# x\nakosha_cloud_bucket: memories\n")
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_MAX_RETRIES", "7")
    lines = config("show", "--origin").out.splitlines()
    assert f'akosha_cloud_bucket = "memories"  # {path}:2' in lines
    assert "akosha_max_retries = 7  # environment SESSION_BUDDY_AKOSHA_MAX_RETRIES" in lines
    assert 'log_level = "INFO"  # default' in lines


def test_show_as_json_has_everything(config: Command, paths: Paths) -> None:
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


def test_show_goes_on_with_bad_settings_and_complains_on_stderr(
    config: Command, paths: Paths
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


def test_get_prints_the_bare_value(config: Command, paths: Paths) -> None:
    write(paths.settings_yaml, "akosha_cloud_bucket: memories\nakosha_enable_delta: false\n")
    assert config("get", "akosha_cloud_bucket").out == "memories\n"
    assert config("get", "akosha_enable_delta").out == "false\n"
    assert config("get", "akosha_retry_backoff_seconds").out == "2.0\n"
    assert config("get", "akosha_databases").out == "reflection.duckdb\nknowledge_graph*.duckdb\n"


@pytest.mark.parametrize("command", [("get",), ("set",)])
def test_an_unknown_name_is_a_usage_error_with_a_suggestion(
    config: Command, command: tuple[str, ...]
) -> None:
    arguments = ("cloud_bucket", "x")[: 2 if command == ("set",) else 1]
    result = config(*command, *arguments)
    assert result.code == ExitCode.USAGE
    assert "cloud_bucket is not a setting; did you mean akosha_cloud_bucket?" in result.err
    assert "did you mean" not in config(*command, "nope", *arguments[1:]).err


def test_set_writes_the_users_own_file_and_keeps_comments(config: Command, paths: Paths) -> None:
    write(paths.user_toml, "# mine\nakosha_max_retries = 1 # why\n")
    result = config("set", "akosha_max_retries", "5")
    assert result.code == 0
    assert "akosha_max_retries = 5" in result.out
    assert paths.user_toml.read_text() == "# mine\nakosha_max_retries = 5 # why\n"


def test_set_takes_values_as_the_environment_does(config: Command, paths: Paths) -> None:
    config("set", "akosha_enable_delta", "off")
    config("set", "akosha_databases", "a.duckdb, b.duckdb")
    config("set", "akosha_retry_backoff_seconds", "3")
    config("set", "akosha_data_dir", "~/memories")
    assert tomllib.loads(paths.user_toml.read_text()) == {
        "akosha_enable_delta": False,
        "akosha_databases": ["a.duckdb", "b.duckdb"],
        "akosha_retry_backoff_seconds": 3.0,
        "akosha_data_dir": "~/memories",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("akosha_max_retries", "many"),
        ("akosha_cloud_bucket", "My Bucket"),
        ("akosha_cloud_endpoint", "http://minio.example"),
    ],
)
def test_set_refuses_what_cannot_be_used_and_writes_nothing(
    config: Command, paths: Paths, name: str, value: str
) -> None:
    result = config("set", name, value)
    assert result.code == ExitCode.SETTINGS
    assert f"{name} is" in result.err
    assert "but must be" in result.err
    assert len(result.err.splitlines()) == 1
    assert not paths.user_toml.exists()


def test_set_refuses_credentials_without_showing_them(config: Command, paths: Paths) -> None:
    result = config("set", "akosha_secret_key", "hunter2")
    assert result.code == ExitCode.SETTINGS
    assert "AWS_SECRET_ACCESS_KEY" in result.err
    assert "hunter2" not in result.err + result.out
    assert not paths.user_toml.exists()


def test_set_says_what_overrides_it(
    config: Command, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_MAX_RETRIES", "7")
    result = config("set", "akosha_max_retries", "5")
    assert result.code == 0
    assert (
        "environment SESSION_BUDDY_AKOSHA_MAX_RETRIES sets it too, and takes precedence"
        in result.err
    )


def test_set_can_write_another_toml_file_but_no_yaml(
    config: Command, tmp_path: Path, paths: Paths
) -> None:
    assert config("set", "akosha_max_retries", "5", "--file", tmp_path / "x.toml").code == 0
    assert (tmp_path / "x.toml").read_text() == "akosha_max_retries = 5\n"
    result = config("set", "akosha_max_retries", "5", "--file", tmp_path / "x.yaml")
    assert result.code == ExitCode.SETTINGS
    assert not (tmp_path / "x.yaml").exists()
    assert not paths.user_toml.exists()


@pytest.mark.parametrize(
    ("options", "layer"),
    [((), "user_toml"), (("--yaml",), "settings_yaml"), (("--local",), "local_yaml")],
)
def test_init_writes_a_template_once(
    config: Command, paths: Paths, options: tuple[str, ...], layer: str
) -> None:
    path = getattr(paths, layer)
    assert config("init", *options).code == 0
    template = path.read_text()
    assert "# akosha_cloud_bucket" in template
    assert config("validate").code == 0
    write(path, "# mine\n")
    again = config("init", *options)
    assert again.code == ExitCode.FAILED
    assert "exists; nothing was written" in again.err
    assert path.read_text() == "# mine\n"


def test_a_key_set_after_init_stands_below_its_commented_default(
    config: Command, paths: Paths
) -> None:
    config("init")
    config("set", "akosha_cloud_bucket", "memories")
    text = paths.user_toml.read_text()
    assert '# akosha_cloud_bucket = ""\nakosha_cloud_bucket = "memories"\n' in text


def test_validate_checks_every_layer(config: Command, paths: Paths) -> None:
    assert config("validate").code == 0
    write(paths.settings_yaml, "akosha_max_retries: many\nakosha_buket: x\n")
    write(paths.user_toml, "broken\n")
    result = config("validate")
    assert result.code == ExitCode.SETTINGS
    assert [line.partition(":")[0] for line in result.err.splitlines()] == [
        "Error",
        "Error",
        "Warning",
    ]


def test_validate_checks_single_files_of_every_kind(config: Command, tmp_path: Path) -> None:
    good = write(tmp_path / "session-buddy.yaml", "server: x\nakosha_max_retries: 5\n")
    own = write(tmp_path / "a/.akosha-hook.toml", "akosha_upload_on_commit = false\n")
    project = write(tmp_path / "a/pyproject.toml", "[project]\nname = 'x'\n")
    assert config("validate", good, own, project).code == 0
    for bad in (
        write(tmp_path / "b.yml", "akosha_max_retries: many\n"),
        write(tmp_path / "b.toml", "akosha_max_retries = 'many'\n"),
        write(tmp_path / "b/.akosha-hook.toml", "akosha_cloud_bucket = 'x'\n"),
        write(tmp_path / "b/pyproject.toml", "[tool.akosha-hook]\nlog_level = 'DEBUG'\n"),
        write(tmp_path / "b.json", "{}"),
        tmp_path / "missing.toml",
        tmp_path,
    ):
        result = config("validate", good, bad)
        assert result.code == ExitCode.SETTINGS
        assert str(bad) in result.err


def test_hostile_names_do_not_reach_the_terminal_raw(config: Command, paths: Paths) -> None:
    write(paths.settings_yaml, '"akosha_\\e[2J": 1\nakosha_system_id: "a\\u202Eb"\n')
    result = config("show")
    assert "\x1b" not in result.out + result.err
    assert "\u202e" not in result.out + result.err
    assert "\u202e" not in config("get", "akosha_system_id").out
    assert "\u202e" not in config("show", "--json").out
