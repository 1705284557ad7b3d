"""Keys in groups: settings, misspelt ones, wrong shapes, and what is Session-Buddy's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Settings
from akosha_hook.settings.sorting import MAX_SEARCHES

if TYPE_CHECKING:
    from tests.settings.conftest import Layers

CANARY = "hunter2-canary"
# What decides where memories go, which of them, or whether.
DECISIVE = {"akosha_cloud_bucket", "akosha_cloud_endpoint", "akosha_force_method"}


def test_a_misspelt_key_of_the_group_is_a_warning_with_a_suggestion(layers: Layers) -> None:
    path = layers.config("cloud_sync:\n  cloud_buket: x\n  akosha_max_retries: 1\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.warnings == (
        f"{path}:2: cloud_sync.cloud_buket is not a setting; did you mean cloud_bucket in cloud_sync?",
        (
            f"{path}:3: cloud_sync.akosha_max_retries is not a setting; "
            "did you mean max_retries in cloud_sync?"
        ),
    )


def test_one_underscore_for_two_is_pointed_out(layers: Layers) -> None:
    layers.environ["SESSION_BUDDY_CLOUD_SYNC_CLOUD_BUCKET"] = "x"
    (warning,) = layers.load().warnings
    assert warning == (
        "environment: SESSION_BUDDY_CLOUD_SYNC_CLOUD_BUCKET is not a setting; "
        "did you mean SESSION_BUDDY_CLOUD_SYNC__CLOUD_BUCKET?"
    )


def test_a_dotted_key_is_none_of_the_groups(layers: Layers) -> None:
    layers.config("cloud_sync.cloud_bucket: memories\n")
    loaded = layers.load()
    assert loaded.settings == Settings()
    assert "did you mean cloud_bucket in cloud_sync?" in loaded.warnings[0]


def test_session_buddys_other_groups_and_keys_are_its_own(layers: Layers) -> None:
    layers.config(
        "cloud_sync: {provider: oneiric, cloud_bucket: memories}\n"
        "paths: {log_dir: /srv/logs, data: [1]}\n"
        "database: {max_connections: 10, query_timeout: 1, query_timeout: 2}\n"
        "llm: {api_keys: {openai: x}}\n"
    )
    layers.environ["SESSION_BUDDY_LLM__API_KEYS__OPENAI"] = "x"
    layers.environ["SESSION_BUDDY_DATABASE__MAX_CONNECTIONS"] = "1"
    loaded = layers.load()
    assert loaded.problems == loaded.warnings == ()
    assert loaded.settings.akosha_cloud_bucket == "memories"


@pytest.mark.parametrize(
    ("value", "kind"), [("[cloud_bucket, x]", "a list"), ("memories", "a single value")]
)
def test_a_group_that_is_no_mapping_leaves_no_destination(
    layers: Layers, value: str, kind: str
) -> None:
    layers.base("akosha_cloud_bucket: base-bucket\n")
    path = layers.config(f"\ncloud_sync: {value}\n")
    loaded = layers.load()
    assert loaded.problems == (
        (
            f"{path}:2: cloud_sync is {kind} but must be a mapping, with keys such as "
            "cloud_sync.cloud_bucket"
        ),
    )
    assert loaded.unsafe >= DECISIVE


@pytest.mark.parametrize("group", ["paths", "database"])
def test_another_group_that_is_no_mapping_is_a_warning(layers: Layers, group: str) -> None:
    path = layers.config(f"{group}: [1]\n")
    loaded = layers.load()
    assert (loaded.problems, loaded.unsafe) == ((), frozenset())
    (warning,) = loaded.warnings
    assert warning.startswith(f"{path}:1: {group} is a list but must be a mapping")


def test_a_variable_that_names_a_group_names_no_setting(layers: Layers) -> None:
    layers.environ["SESSION_BUDDY_CLOUD_SYNC"] = CANARY
    loaded = layers.load()
    assert loaded.problems == (
        (
            "environment: SESSION_BUDDY_CLOUD_SYNC names no setting, unlike "
            "SESSION_BUDDY_CLOUD_SYNC__CLOUD_BUCKET"
        ),
    )
    assert loaded.unsafe >= DECISIVE


@pytest.mark.parametrize("text", ["cloud_sync:\n", "cloud_sync: {}\n", "paths: ~\n"])
def test_an_empty_group_sets_nothing(layers: Layers, text: str) -> None:
    layers.config(text)
    loaded = layers.load()
    assert loaded.settings == Settings()
    assert loaded.problems == loaded.warnings == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "cloud_sync: {cloud_bucket: a-bucket,\n cloud_bucket: b-bucket}\n",
            "cloud_sync.cloud_bucket",
        ),
        (
            "cloud_sync: {cloud_bucket: a-bucket}\ncloud_sync: {cloud_bucket: b-bucket}\n",
            "cloud_sync",
        ),
    ],
)
def test_what_is_set_twice_leaves_no_destination(layers: Layers, text: str, name: str) -> None:
    layers.base("akosha_cloud_bucket: base-bucket\n")
    path = layers.config(text)
    loaded = layers.load()
    assert loaded.problems == (f"{path}:2: {name} is set twice, first on line 1",)
    assert loaded.settings.akosha_cloud_bucket == "base-bucket"
    assert "akosha_cloud_bucket" in loaded.unsafe


@pytest.mark.parametrize(
    ("text", "unsafe"),
    [
        ("data_dir: /a\ndata_dir: /b\n", {"akosha_data_dir"}),
        ("paths: {data_dir: /a,\n data_dir: /b}\n", {"akosha_data_dir"}),
        ("database_path: /a/x\ndatabase_path: /b/x\n", {"akosha_databases"}),
        ("akosha_unknown: 1\nakosha_unknown: 2\n", set()),
    ],
)
def test_other_keys_that_are_set_twice_are_a_problem_too(
    layers: Layers, text: str, unsafe: set[str]
) -> None:
    layers.base(text)
    loaded = layers.load()
    assert "is set twice, first on line 1" in loaded.problems[0]
    assert loaded.unsafe == unsafe
    assert loaded.outside == ()


@pytest.mark.parametrize("key", ["secret_key", "aws_secret_access_key", "token", "key"])
def test_a_credential_in_the_group_is_an_error_that_does_not_show_it(
    layers: Layers, key: str
) -> None:
    layers.config(f"cloud_sync: {{{key}: {CANARY}}}\n")
    layers.environ[f"SESSION_BUDDY_CLOUD_SYNC__{key.upper()}"] = CANARY
    loaded = layers.load()
    assert len(loaded.problems) == 2
    assert all("AWS_ACCESS_KEY_ID" in each for each in loaded.problems)
    assert CANARY not in repr(loaded)


def test_a_group_of_very_many_keys_is_not_searched_for_each(layers: Layers) -> None:
    names = "".join(f"  {number}_theirs: 1\n" for number in range(20 * MAX_SEARCHES))
    layers.config(f"cloud_sync:\n{names}  cloud_bucket: memories\n  max_retry: 1\n")
    loaded = layers.load()
    assert loaded.settings.akosha_cloud_bucket == "memories"
    assert loaded.warnings == ()


def test_groups_may_be_anchored_and_merged(layers: Layers) -> None:
    layers.config(
        "shared: &shared {cloud_bucket: shared-bucket, max_retries: 7}\n"
        "cloud_sync:\n  <<: *shared\n  cloud_bucket: memories\n"
    )
    settings = layers.load().settings
    assert (settings.akosha_cloud_bucket, settings.akosha_max_retries) == ("memories", 7)


def test_a_group_that_contains_itself_is_read_once(layers: Layers) -> None:
    layers.config("&all\ncloud_sync: *all\nakosha_max_retries: 7\n")
    assert layers.load().settings.akosha_max_retries == 7
