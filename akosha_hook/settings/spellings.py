"""The two spellings of a setting: flat, as in Session-Buddy's user guide, and nested in a group.

Session-Buddy 0.32 and later knows only the nested ones. Both count in its YAML files and in the
environment; a TOML file is flat.
"""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

from akosha_hook.settings.fields import ENVIRONMENT_PREFIX
from akosha_hook.settings.table import DATA_DIR, DATABASE_PATH, table
from akosha_hook.settings.wording import PREFIX, similar

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOUD_SYNC = "cloud_sync"
# Between a group and a name in it: in a key here, and in a variable.
DOT = "."
DELIMITER = "__"


@functools.cache
def groups() -> Mapping[str, Mapping[str, str]]:
    """The flat name of each nested setting, by its group and its name there."""
    ours = {name.removeprefix(PREFIX): name for name in table() if name.startswith(PREFIX)}
    return MappingProxyType(
        {CLOUD_SYNC: ours, "paths": {DATA_DIR: DATA_DIR}, "database": {"path": DATABASE_PATH}}
    )


@functools.cache
def _nested() -> Mapping[str, str]:
    return {
        flat_name: f"{group}{DOT}{name}"
        for group, names in groups().items()
        for name, flat_name in names.items()
    }


def flat(key: str) -> str:
    """The flat name of the setting that `key` spells; other keys as they are."""
    group, _, name = key.partition(DOT)
    return groups().get(group, {}).get(name, key)


def is_nested(key: str) -> bool:
    return DOT in key


def nested(name: str) -> str:
    """The nested spelling of the setting with the flat name `name`, which has one."""
    return _nested()[name]


def variable(key: str) -> str:
    """The environment variable that sets `key`, in the same spelling."""
    return ENVIRONMENT_PREFIX + key.upper().replace(DOT, DELIMITER, 1)


def key_of(name: str) -> str:
    """The key that the environment variable `name` sets."""
    key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
    group, delimiter, rest = key.partition(DELIMITER)
    return f"{group}{DOT}{rest}" if delimiter and group in groups() else key


def meant(key: str) -> str | None:
    """The key of `cloud_sync` that a misspelt one was probably meant to be.

    `key` is in that group, or begins like one: `cloud_sync_cloud_bucket`.
    """
    name = key[len(CLOUD_SYNC) :].lstrip("._-")
    found = similar(name, groups()[CLOUD_SYNC].values()) if name else None
    return nested(found) if found else None


def method(value: object) -> object:
    """A nested `force_method` as the flat one says it: Session-Buddy has no other two to choose."""
    ways = isinstance(value, str) and value.strip().lower() in {"sync", "async"}
    return "auto" if ways else value
