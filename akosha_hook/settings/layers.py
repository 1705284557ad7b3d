"""Each layer of settings as candidates: a field, a raw value, and its origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.settings import spellings
from akosha_hook.settings.document import Entry, UnreadableError
from akosha_hook.settings.fields import ENVIRONMENT_PREFIX
from akosha_hook.settings.origin import Candidate, Content, Layer, Origin
from akosha_hook.settings.sorting import sort_out
from akosha_hook.settings.spellings import CLOUD_SYNC
from akosha_hook.settings.table import session_buddys, table
from akosha_hook.settings.toml_file import toml_entries
from akosha_hook.settings.wording import is_credential_name
from akosha_hook.settings.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def command_line(overrides: Mapping[str, object]) -> Content:
    """Values of command-line options, typed or as text; None is not set."""
    rows = table()
    return Content(
        tuple(
            Candidate(
                rows[name],
                value,
                Origin(Layer.COMMAND_LINE, None, None, name),
                textual=isinstance(value, str),
            )
            for name, value in overrides.items()
            if value is not None
        )
    )


def environment(environ: Mapping[str, str]) -> Content:
    """`SESSION_BUDDY_` and the upper-case field; other variables of Session-Buddy are its own."""
    ours = {
        spellings.key_of(name): value
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name.isupper()
    }
    entries = [
        Entry(key, value, None, group=key.partition(spellings.DOT)[0] * spellings.is_nested(key))
        for key, value in ours.items()
        if _is_of_interest(key)
    ]
    return sort_out(entries, Layer.ENVIRONMENT, None)


def user_toml(path: Path) -> Content:
    """The user's own TOML file: every key in it is meant for us."""
    return _file(path, Layer.USER)


def yaml_layer(path: Path, layer: Layer) -> Content:
    """One of Session-Buddy's YAML files, which holds its own keys too."""
    return _file(path, layer)


def _file(path: Path, layer: Layer) -> Content:
    try:
        if layer is Layer.USER:
            entries = toml_entries(path)
        else:
            entries = read_yaml(path, _is_of_interest, spellings.groups())
    except UnreadableError as error:
        return Content(problems=(str(error),), unsafe=None)
    return sort_out(entries, layer, path)


def _is_of_interest(key: str) -> bool:
    return (
        key.lower().startswith(("akosha", CLOUD_SYNC))
        or spellings.flat(key) in table()
        or spellings.flat(key) in session_buddys()
        or key in spellings.groups()
        or (key.lower().startswith(("aws_", "minio_", "s3_", "r2_")) and is_credential_name(key))
    )
