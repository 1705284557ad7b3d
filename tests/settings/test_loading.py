from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import ExitCode, SettingsError
from akosha_hook.settings import Layer, Settings, check_value, load_strict
from akosha_hook.settings.loading import data_directory_of_0_1

if TYPE_CHECKING:
    from tests.settings.conftest import Layers


def test_without_any_layer_the_defaults_hold(layers: Layers) -> None:
    loaded = layers.load()
    assert loaded.settings == Settings()
    assert loaded.problems == loaded.warnings == loaded.notes == ()
    assert set(loaded.origins) == set(Settings.__struct_fields__)
    assert {each.layer for each in loaded.origins.values()} == {Layer.DEFAULT}


def test_the_highest_layer_wins_and_is_named(layers: Layers) -> None:
    base = layers.base("other: 1\nakosha_system_id: base\n")
    seen = [layers.load()]
    local = layers.local("# mine\n\nakosha_system_id: local\n")
    seen.append(layers.load())
    user = layers.user('log_level = "INFO"\nakosha_system_id = "user"\n')
    seen.append(layers.load())
    layers.environ["SESSION_BUDDY_AKOSHA_SYSTEM_ID"] = "environment"
    seen.append(layers.load())
    seen.append(layers.load({"akosha_system_id": "option", "akosha_cloud_bucket": None}))
    assert [each.settings.akosha_system_id for each in seen] == [
        "base",
        "local",
        "user",
        "environment",
        "option",
    ]
    assert [str(each.origins["akosha_system_id"]) for each in seen] == [
        f"{base}:2",
        f"{local}:3",
        f"{user}:2",
        "environment SESSION_BUDDY_AKOSHA_SYSTEM_ID",
        "command line",
    ]
    assert not any(each.problems for each in seen)


def test_layers_are_mixed_field_by_field(layers: Layers) -> None:
    layers.base("akosha_cloud_bucket: base-bucket\nakosha_max_retries: 5\n")
    layers.local("akosha_max_retries: 7\n")
    settings = layers.load().settings
    assert (settings.akosha_cloud_bucket, settings.akosha_max_retries) == ("base-bucket", 7)


def test_an_empty_variable_empties_a_text(layers: Layers) -> None:
    layers.base("akosha_cloud_bucket: base-bucket\n")
    layers.environ["SESSION_BUDDY_AKOSHA_CLOUD_BUCKET"] = ""
    assert layers.load().settings.akosha_cloud_bucket == ""


def test_an_empty_variable_is_no_number_and_no_empty_list_of_databases(layers: Layers) -> None:
    layers.environ["SESSION_BUDDY_AKOSHA_MAX_RETRIES"] = ""
    layers.environ["SESSION_BUDDY_AKOSHA_DATABASES"] = ""
    loaded = layers.load()
    assert loaded.problems == (
        'environment: SESSION_BUDDY_AKOSHA_MAX_RETRIES is "" but must be a whole number from 0 to 100',
        'environment: SESSION_BUDDY_AKOSHA_DATABASES is "" but must be a list of names, at least one',
    )
    assert loaded.settings == Settings()


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_a_variable_says_yes(layers: Layers, text: str) -> None:
    layers.environ["SESSION_BUDDY_ENABLE_DEBUG_MODE"] = text
    assert layers.load().settings.enable_debug_mode


@pytest.mark.parametrize("text", ["0", "False", "no", "off"])
def test_a_variable_says_no(layers: Layers, text: str) -> None:
    layers.environ["SESSION_BUDDY_AKOSHA_ENABLE_FALLBACK"] = text
    assert not layers.load().settings.akosha_enable_fallback


def test_variables_hold_numbers_and_lists(layers: Layers) -> None:
    layers.environ |= {
        "SESSION_BUDDY_AKOSHA_MAX_RETRIES": "9",
        "SESSION_BUDDY_AKOSHA_RETRY_BACKOFF_SECONDS": ".5",
        "SESSION_BUDDY_AKOSHA_DATABASES": "reflection.duckdb, mine*.duckdb",
        "SESSION_BUDDY_LOG_LEVEL": "debug",
    }
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_max_retries == 9
    assert loaded.settings.akosha_retry_backoff_seconds == 0.5
    assert loaded.settings.akosha_databases == ("reflection.duckdb", "mine*.duckdb")
    assert loaded.settings.log_level == "DEBUG"


def test_null_is_not_set(layers: Layers) -> None:
    layers.base("akosha_cloud_bucket: base-bucket\n")
    layers.local("akosha_cloud_bucket:\nakosha_max_retries: ~\n")
    loaded = layers.load()
    assert loaded.settings.akosha_cloud_bucket == "base-bucket"
    assert loaded.problems == ()


def test_strict_raises_every_problem_at_once(layers: Layers) -> None:
    base = layers.base("akosha_max_retries: many\nakosha_enable_delta: 2\n")
    with pytest.raises(SettingsError) as caught:
        load_strict(layers.environ, layers.paths)
    assert f'{base}:1: akosha_max_retries is "many"' in caught.value.message
    assert f"{base}:2: akosha_enable_delta is 2" in caught.value.message
    assert "config validate" in caught.value.hint
    assert caught.value.exit_code is ExitCode.SETTINGS


def test_a_bad_value_leaves_the_next_layers(layers: Layers) -> None:
    layers.base("akosha_max_retries: 5\n")
    layers.local("akosha_max_retries: -1\n")
    loaded = layers.load()
    assert loaded.settings.akosha_max_retries == 5
    assert len(loaded.problems) == 1


def test_a_bad_value_that_is_overridden_is_a_warning(layers: Layers) -> None:
    base = layers.base("akosha_max_retries: -1\n")
    local = layers.local("akosha_max_retries: 5\n")
    loaded = layers.load()
    assert loaded.problems == ()
    (warning,) = loaded.warnings
    assert warning.startswith(f"{base}:1: akosha_max_retries is -1")
    assert warning.endswith(f"{local}:1 overrides it")


def test_a_wrong_number_leaves_no_doubt_about_the_destination(layers: Layers) -> None:
    layers.base("akosha_max_retries: many\n")
    loaded = layers.load()
    assert len(loaded.problems) == 1
    assert loaded.unsafe == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "akosha_cloud_endpoint: r2.example\n",
        "akosha_upload_on_commit: never\n",
        "akosha_cloud_bucket: one-bucket\nakosha_cloud_bucket: another\n",
        "akosha_keep_last: ten\n",
        "akosha_cloud_bucket: [\n",
    ],
)
def test_a_problem_with_where_or_whether_memories_go_is_unsafe(layers: Layers, text: str) -> None:
    layers.base("akosha_cloud_bucket: base-bucket\n")
    local = layers.local(text)
    loaded = layers.load()
    assert str(local) in loaded.problems[0]
    assert loaded.unsafe >= {text.partition(":")[0]}


def test_session_buddys_data_dir_is_ours_too(layers: Layers, home: Path) -> None:
    base = layers.base("data_dir: ~/memories\n")
    loaded = layers.load()
    assert loaded.settings.akosha_data_dir == str(home / "memories")
    assert str(loaded.origins["akosha_data_dir"]) == f"{base}:1"
    layers.environ["SESSION_BUDDY_DATA_DIR"] = "/srv/memories"
    assert layers.load().settings.akosha_data_dir == "/srv/memories"


def test_our_data_dir_beats_session_buddys_whatever_the_layer(layers: Layers) -> None:
    layers.environ["SESSION_BUDDY_DATA_DIR"] = "/srv/theirs"
    layers.base("akosha_data_dir: /srv/ours\n")
    assert layers.load().settings.akosha_data_dir == "/srv/ours"


def test_a_data_dir_that_cannot_be_followed_is_a_warning(layers: Layers) -> None:
    layers.base("data_dir: data\n")
    loaded = layers.load()
    assert loaded.settings.akosha_data_dir == ""
    assert loaded.problems == ()
    assert "set akosha_data_dir" in loaded.warnings[0]


def test_one_value_is_checked_beside_the_settings_in_use(layers: Layers) -> None:
    layers.base("akosha_allow_insecure_endpoint: true\n")
    endpoint = "http://minio.test:9000"
    assert check_value("akosha_cloud_endpoint", endpoint, layers.environ, layers.paths) == endpoint
    layers.base("{}\n")
    with pytest.raises(SettingsError, match=r"^akosha_cloud_endpoint is .* must be https://"):
        check_value("akosha_cloud_endpoint", endpoint, layers.environ, layers.paths)


def test_a_checked_value_is_given_back_as_it_would_be_written(layers: Layers) -> None:
    assert check_value("akosha_ca_file", "~/ca.pem", layers.environ, layers.paths) == "~/ca.pem"
    assert check_value("akosha_databases", "a.duckdb, b*.duckdb", layers.environ, layers.paths) == (
        "a.duckdb",
        "b*.duckdb",
    )
    with pytest.raises(SettingsError, match=r"akosha_max_retries is .*-1.* must be a whole number"):
        check_value("akosha_max_retries", "-1", layers.environ, layers.paths)


def test_the_files_of_both_generations_are_layers(layers: Layers) -> None:
    """The newer ones lie over the older, and below the user's own TOML file."""
    base = layers.base("akosha_system_id: base\n")
    seen = [layers.load()]
    local = layers.local("akosha_system_id: local\n")
    seen.append(layers.load())
    config = layers.config("paths: {log_dir: x}\ncloud_sync:\n  system_id: config\n")
    seen.append(layers.load())
    config_local = layers.config_local("akosha_system_id: config-local\n")
    seen.append(layers.load())
    user = layers.user('akosha_system_id = "user"\n')
    seen.append(layers.load())
    layers.environ["SESSION_BUDDY_CLOUD_SYNC__SYSTEM_ID"] = "environment"
    seen.append(layers.load())
    assert [str(each.origins["akosha_system_id"]) for each in seen] == [
        f"{base}:1",
        f"{local}:1",
        f"{config}:3 cloud_sync.system_id",
        f"{config_local}:1",
        f"{user}:1",
        "environment SESSION_BUDDY_CLOUD_SYNC__SYSTEM_ID",
    ]
    names = ["base", "local", "config", "config-local", "user", "environment"]
    assert [each.settings.akosha_system_id for each in seen] == names
    assert not any(each.problems or each.warnings for each in seen)


@pytest.mark.parametrize("write", ["config_local", "config", "local", "base"])
def test_both_spellings_count_in_every_yaml_file(layers: Layers, write: str) -> None:
    getattr(layers, write)("cloud_sync: {cloud_bucket: nested}\nakosha_max_retries: 7\n")
    settings = layers.load().settings
    assert (settings.akosha_cloud_bucket, settings.akosha_max_retries) == ("nested", 7)


def test_where_one_layer_says_two_things_the_flat_one_counts_and_it_is_said(
    layers: Layers,
) -> None:
    path = layers.config("cloud_sync:\n  cloud_bucket: nested\nakosha_cloud_bucket: flat\n")
    layers.environ["SESSION_BUDDY_CLOUD_SYNC__SYSTEM_ID"] = "nested"
    layers.environ["SESSION_BUDDY_AKOSHA_SYSTEM_ID"] = "flat"
    loaded = layers.load()
    assert loaded.settings.akosha_cloud_bucket == loaded.settings.akosha_system_id == "flat"
    assert str(loaded.origins["akosha_cloud_bucket"]) == f"{path}:3"
    assert loaded.warnings == (
        (
            f'{path}:2: cloud_sync.cloud_bucket is "nested", but akosha_cloud_bucket on line 3 is '
            '"flat", which counts'
        ),
        (
            'environment: SESSION_BUDDY_CLOUD_SYNC__SYSTEM_ID is "nested", but '
            'SESSION_BUDDY_AKOSHA_SYSTEM_ID is "flat", which counts'
        ),
    )


def test_two_spellings_of_one_value_are_no_contradiction(layers: Layers) -> None:
    layers.config(
        "akosha_cloud_endpoint: https://s3.example/\nakosha_force_method: auto\ndata_dir: ~/x\n"
        "cloud_sync: {cloud_endpoint: https://s3.example, force_method: async}\n"
        "paths: {data_dir: ~/x}\n"
    )
    assert layers.load().warnings == ()


def test_layers_may_differ_in_any_spelling(layers: Layers) -> None:
    layers.base("akosha_cloud_bucket: flat\n")
    layers.config("cloud_sync: {cloud_bucket: nested}\n")
    loaded = layers.load()
    assert (loaded.settings.akosha_cloud_bucket, loaded.warnings) == ("nested", ())


def test_a_bad_flat_value_is_not_made_good_by_the_nested_one(layers: Layers) -> None:
    path = layers.config("akosha_cloud_bucket: A/B\ncloud_sync: {cloud_bucket: nested}\n")
    loaded = layers.load()
    assert loaded.problems[0].startswith(f"{path}:1: akosha_cloud_bucket is")
    assert "akosha_cloud_bucket" in loaded.unsafe


@pytest.mark.parametrize("method", ["sync", "async"])
def test_session_buddys_own_methods_mean_auto(layers: Layers, method: str) -> None:
    layers.base("akosha_force_method: http\n")
    layers.config(f"cloud_sync: {{force_method: {method}}}\n")
    loaded = layers.load()
    assert (loaded.settings.akosha_force_method, loaded.problems) == ("auto", ())
    layers.environ["SESSION_BUDDY_CLOUD_SYNC__FORCE_METHOD"] = method
    assert layers.load().problems == ()


def test_data_dir_is_followed_in_both_spellings(layers: Layers, home: Path) -> None:
    path = layers.config("\npaths: {data_dir: ~/nested}\n")
    loaded = layers.load()
    assert loaded.settings.akosha_data_dir == str(home / "nested")
    assert str(loaded.origins["akosha_data_dir"]) == f"{path}:2 paths.data_dir"
    layers.config("data_dir: ~/flat\npaths: {data_dir: ~/nested}\n")
    loaded = layers.load()
    assert loaded.settings.akosha_data_dir == str(home / "flat")
    assert "paths.data_dir" in loaded.warnings[0]
    layers.environ["SESSION_BUDDY_PATHS__DATA_DIR"] = "/srv/variable"
    assert layers.load().settings.akosha_data_dir == "/srv/variable"


def test_toml_stays_flat(layers: Layers) -> None:
    layers.user('data_dir = "/srv"\ndatabase_path = "/srv/x"\n[cloud_sync]\ncloud_bucket = "x"\n')
    loaded = layers.load()
    assert loaded.settings == Settings()
    assert loaded.outside == ()
    assert len(loaded.warnings) == 3


def test_a_broken_newer_file_leaves_no_destination(layers: Layers) -> None:
    layers.base("akosha_cloud_bucket: base-bucket\n")
    path = layers.config("cloud_sync: {\n")
    loaded = layers.load()
    assert str(path) in loaded.problems[0]
    assert "akosha_cloud_bucket" in loaded.unsafe


def test_version_0_1_knows_flat_keys_and_no_newer_file(layers: Layers, home: Path) -> None:
    def directory() -> Path:
        return data_directory_of_0_1(layers.environ, layers.paths)

    layers.config("data_dir: /srv/newer\n")
    layers.base("paths: {data_dir: /srv/nested}\n")
    layers.environ["SESSION_BUDDY_PATHS__DATA_DIR"] = "/srv/variable"
    assert directory() == home / ".claude" / "data"
    layers.base("data_dir: ~/flat\npaths: {data_dir: /srv/nested}\n")
    assert directory() == home / "flat"
    layers.environ["SESSION_BUDDY_DATA_DIR"] = "/srv/flat"
    assert directory() == Path("/srv/flat")
