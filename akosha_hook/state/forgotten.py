"""`forgotten.json`: databases that the user gave up, so that no upload carries them any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state.receipt import Name
from akosha_hook.util import files
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from collections.abc import Collection

    from akosha_hook.paths import Paths


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """`names` has when each was given up (ISO 8601 UTC)."""

    names: dict[Name, str] = {}


def names(paths: Paths) -> frozenset[str]:
    """The databases that were given up. Changes nothing."""
    return frozenset(_read(paths).names)


def add(paths: Paths, name: str) -> None:
    """Give a database up; the caller holds the sync lock."""
    before = files.read_json(paths.forgotten, Forgotten) or Forgotten()
    if name not in before.names:
        _write(paths, before.names | {name: now_iso()})


def discard(paths: Paths, stored: Collection[str]) -> None:
    """Databases that are stored again are missed again; the caller holds the sync lock."""
    before = _read(paths).names
    kept = {name: when for name, when in before.items() if name not in stored}
    if kept != before:
        _write(paths, kept)


def _read(paths: Paths) -> Forgotten:
    return files.peek_json(paths.forgotten, Forgotten) or Forgotten()


def _write(paths: Paths, names: dict[str, str]) -> None:
    files.private_directory(paths.state)
    files.write_json(paths.forgotten, Forgotten(names=names))
