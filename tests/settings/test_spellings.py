"""Flat and nested names of one setting."""

from __future__ import annotations

import pytest

from akosha_hook.settings import spellings
from akosha_hook.settings.reference import GUIDE_FIELDS
from akosha_hook.settings.table import table


@pytest.mark.parametrize("name", list(table())[:GUIDE_FIELDS])
def test_every_field_of_the_guide_has_a_nested_spelling(name: str) -> None:
    nested = f"cloud_sync.{name.removeprefix('akosha_')}"
    assert spellings.nested(name) == nested
    assert spellings.flat(nested) == name
    assert spellings.key_of(spellings.variable(nested)) == nested


@pytest.mark.parametrize(
    ("key", "flat"),
    [
        ("paths.data_dir", "data_dir"),
        ("database.path", "database_path"),
        ("akosha_cloud_bucket", "akosha_cloud_bucket"),
        ("cloud_sync.unknown", "cloud_sync.unknown"),
        ("paths.cloud_bucket", "paths.cloud_bucket"),
        ("other.data_dir", "other.data_dir"),
    ],
)
def test_only_what_is_in_its_group_is_spelt_nested(key: str, flat: str) -> None:
    assert spellings.flat(key) == flat


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        ("SESSION_BUDDY_CLOUD_SYNC__CLOUD_BUCKET", "cloud_sync.cloud_bucket"),
        ("SESSION_BUDDY_PATHS__DATA_DIR", "paths.data_dir"),
        ("SESSION_BUDDY_DATABASE__PATH", "database.path"),
        ("SESSION_BUDDY_DATABASE_PATH", "database_path"),
        ("SESSION_BUDDY_LLM__DEFAULT_PROVIDER", "llm__default_provider"),
    ],
)
def test_a_variable_spells_a_key(variable: str, key: str) -> None:
    assert spellings.key_of(variable) == key


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("cloud_sync.cloud_buket", "cloud_sync.cloud_bucket"),
        ("cloud_sync.akosha_cloud_bucket", "cloud_sync.cloud_bucket"),
        ("cloud_sync_cloud_bucket", "cloud_sync.cloud_bucket"),
        ("cloud_sync.provider_of_their_own", None),
        ("cloud_sync.", None),
    ],
)
def test_a_misspelt_key_of_the_group_is_recognised(key: str, meant: str | None) -> None:
    assert spellings.meant(key) == meant


@pytest.mark.parametrize(
    ("value", "method"),
    [
        ("sync", "auto"),
        (" ASYNC ", "auto"),
        ("http", "http"),
        ("rsync", "rsync"),
        (["sync"], ["sync"]),
    ],
)
def test_session_buddys_own_methods_leave_the_choice_to_us(value: object, method: object) -> None:
    assert spellings.method(value) == method
