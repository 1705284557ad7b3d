"""What of ours can be in a file, and how each is taken out again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.install import (
    claude,
    config_hooks,
    git_hooks,
    lefthook,
    managers,
    precommit,
    record,
    script,
    wrapper,
)

if TYPE_CHECKING:
    from akosha_hook.install.plan import Change
    from akosha_hook.install.record import Entry, Remove


def remove_of(part: str, path: Path) -> Remove:
    """How `part` is taken out of `path`; one that this version does not know is left alone."""
    removes: dict[str, Remove] = {
        claude.PART: partial(claude.remove, path),
        config_hooks.PART: config_hooks.remove,
        git_hooks.PART: wrapper.remove,
        lefthook.PART: partial(lefthook.remove, path),
        managers.LINE_PART: wrapper.remove,
        precommit.PART: precommit.remove,
        script.PART: script.remove,
    }
    return removes.get(part, _leave)


def _leave(data: bytes, _original: bytes | None) -> bytes:
    return data


def undo(entry: Entry) -> tuple[Change, ...]:
    """The changes that take an entry's part out again.

    Raises PlanError where the file cannot be changed safely.
    """
    if entry.part == git_hooks.PART:
        return git_hooks.undo(entry)
    return (record.undo(entry, remove_of(entry.part, Path(entry.path))),)
