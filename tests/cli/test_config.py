"""`akosha-hook config get`, `set`, `init` and `validate`."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import ExitCode
from tests.support.config_command import ConfigCommand, write

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


def test_get_prints_the_bare_value(config: ConfigCommand, paths: Paths) -> None:
    write(paths.settings_yaml, "akosha_cloud_bucket: memories\nakosha_enable_delta: false\n")
    assert config("get", "akosha_cloud_bucket").out == "memories\n"
    assert config("get", "akosha_enable_delta").out == "false\n"
    assert config("get", "akosha_retry_backoff_seconds").out == "2.0\n"
    assert config("get", "akosha_databases").out == "*\n"


@pytest.mark.parametrize("command", [("get",), ("set",)])
def test_an_unknown_name_is_a_usage_error_with_a_suggestion(
    config: ConfigCommand, command: tuple[str, ...]
) -> None:
    arguments = ("cloud_bucket", "x")[: 2 if command == ("set",) else 1]
    result = config(*command, *arguments)
    assert result.code == ExitCode.USAGE
    assert "cloud_bucket is not a setting; did you mean akosha_cloud_bucket?" in result.err
    assert "did you mean" not in config(*command, "nope", *arguments[1:]).err


def test_set_writes_the_users_own_file_and_keeps_comments(
    config: ConfigCommand, paths: Paths
) -> None:
    write(paths.user_toml, "# mine\nakosha_max_retries = 1 # why\n")
    result = config("set", "akosha_max_retries", "5")
    assert result.code == 0
    assert "akosha_max_retries = 5" in result.out
    assert paths.user_toml.read_text() == "# mine\nakosha_max_retries = 5 # why\n"


def test_set_takes_values_as_the_environment_does(config: ConfigCommand, paths: Paths) -> None:
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
    config: ConfigCommand, paths: Paths, name: str, value: str
) -> None:
    result = config("set", name, value)
    assert result.code == ExitCode.SETTINGS
    assert f"{name} is" in result.err
    assert "but must be" in result.err
    assert len(result.err.splitlines()) == 1
    assert not paths.user_toml.exists()


def test_set_refuses_credentials_without_showing_them(config: ConfigCommand, paths: Paths) -> None:
    result = config("set", "akosha_secret_key", "hunter2")
    assert result.code == ExitCode.SETTINGS
    assert "AWS_SECRET_ACCESS_KEY" in result.err
    assert "hunter2" not in result.err + result.out
    assert not paths.user_toml.exists()


def test_set_says_what_overrides_it(
    config: ConfigCommand, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_MAX_RETRIES", "7")
    result = config("set", "akosha_max_retries", "5")
    assert result.code == 0
    assert (
        "environment SESSION_BUDDY_AKOSHA_MAX_RETRIES sets it too, and takes precedence"
        in result.err
    )


@pytest.mark.parametrize("layer", ["config_local_yaml", "config_yaml", "local_yaml"])
def test_set_writes_where_it_counts(config: ConfigCommand, paths: Paths, layer: str) -> None:
    write(getattr(paths, layer), "cloud_sync: {system_id: theirs}\nakosha_max_retries: 7\n")
    for name, value in (("cloud_sync.system_id", "mine"), ("akosha_max_retries", "5")):
        result = config("set", name, value)
        assert (result.code, result.err) == (0, "")
        assert config("get", name).out == f"{value}\n"


def test_set_names_the_nested_variable_that_hides_it(
    config: ConfigCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_BUDDY_CLOUD_SYNC__MAX_RETRIES", "7")
    result = config("set", "akosha_max_retries", "5")
    assert result.code == 0
    assert "environment SESSION_BUDDY_CLOUD_SYNC__MAX_RETRIES sets it too" in result.err


def test_an_emptied_data_directory_leaves_session_buddys_own(
    config: ConfigCommand, paths: Paths
) -> None:
    write(paths.settings_yaml, "data_dir: /srv/memories\n")
    result = config("set", "akosha_data_dir", "")
    assert result.code == 0
    assert "takes precedence" not in result.err
    assert config("get", "akosha_data_dir").out == "/srv/memories\n"


def test_set_takes_session_buddys_own_methods(config: ConfigCommand, paths: Paths) -> None:
    assert config("set", "cloud_sync.force_method", "async").code == 0
    assert paths.user_toml.read_text() == 'akosha_force_method = "auto"\n'
    assert config("set", "akosha_force_method", "async").code == ExitCode.SETTINGS


@pytest.mark.parametrize("name", ["data_dir", "paths.data_dir", "database_path", "database.path"])
def test_session_buddys_own_settings_are_not_ours_to_set(config: ConfigCommand, name: str) -> None:
    result = config("set", name, "/srv")
    assert result.code == ExitCode.USAGE
    assert f"{name} is a setting of Session-Buddy's own" in result.err
    assert ("akosha_data_dir" in result.err) == ("data_dir" in name)


def test_a_misspelt_nested_name_gets_a_suggestion(config: ConfigCommand) -> None:
    assert "did you mean cloud_sync.cloud_bucket?" in config("get", "cloud_sync.cloud_buket").err


def test_init_writes_one_file(config: ConfigCommand) -> None:
    assert config("init", "--yaml", "--config").code == ExitCode.USAGE


def test_set_can_write_another_toml_file_but_no_yaml(
    config: ConfigCommand, tmp_path: Path, paths: Paths
) -> None:
    assert config("set", "akosha_max_retries", "5", "--file", tmp_path / "x.toml").code == 0
    assert (tmp_path / "x.toml").read_text() == "akosha_max_retries = 5\n"
    result = config("set", "akosha_max_retries", "5", "--file", tmp_path / "x.yaml")
    assert result.code == ExitCode.SETTINGS
    assert not (tmp_path / "x.yaml").exists()
    assert not paths.user_toml.exists()


@pytest.mark.parametrize(
    ("options", "layer"),
    [
        ((), "user_toml"),
        (("--yaml",), "settings_yaml"),
        (("--local",), "local_yaml"),
        (("--config",), "config_yaml"),
        (("--config", "--local"), "config_local_yaml"),
    ],
)
def test_init_writes_a_template_once(
    config: ConfigCommand, paths: Paths, options: tuple[str, ...], layer: str
) -> None:
    path = getattr(paths, layer)
    assert config("init", *options).code == 0
    template = path.read_text()
    assert ("# cloud_bucket" if "--config" in options else "# akosha_cloud_bucket") in template
    assert config("validate").code == 0
    write(path, "# mine\n")
    again = config("init", *options)
    assert again.code == ExitCode.FAILED
    assert "exists; nothing was written" in again.err
    assert path.read_text() == "# mine\n"


def test_a_key_set_after_init_stands_below_its_commented_default(
    config: ConfigCommand, paths: Paths
) -> None:
    config("init")
    config("set", "akosha_cloud_bucket", "memories")
    text = paths.user_toml.read_text()
    assert '# akosha_cloud_bucket = ""\nakosha_cloud_bucket = "memories"\n' in text


def test_validate_checks_every_layer(config: ConfigCommand, paths: Paths) -> None:
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


def test_validate_checks_single_files_of_every_kind(config: ConfigCommand, tmp_path: Path) -> None:
    good = write(tmp_path / "session-buddy.yaml", "server: x\nakosha_max_retries: 5\n")
    newer = write(tmp_path / "config.yaml", "cloud_sync: {max_retries: 5, provider: x}\n")
    assert config("validate", newer).code == 0
    own = write(tmp_path / "a/.akosha-hook.toml", "akosha_upload_on_commit = false\n")
    project = write(tmp_path / "a/pyproject.toml", "[project]\nname = 'x'\n")
    assert config("validate", good, own, project).code == 0
    for bad in (
        write(tmp_path / "b.yml", "akosha_max_retries: many\n"),
        write(tmp_path / "c.yml", "cloud_sync: {max_retries: many}\n"),
        write(tmp_path / "d.yml", "cloud_sync: [1]\n"),
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


def test_hostile_names_do_not_reach_the_terminal_raw(config: ConfigCommand, paths: Paths) -> None:
    write(paths.settings_yaml, '"akosha_\\e[2J": 1\nakosha_system_id: "a\\u202Eb"\n')
    result = config("show")
    assert "\x1b" not in result.out + result.err
    assert "\u202e" not in result.out + result.err
    assert "\u202e" not in config("get", "akosha_system_id").out
    assert "\u202e" not in config("show", "--json").out
