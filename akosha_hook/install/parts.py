"""What of ours can be in a file, and how each is taken out again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.install import claude, git, lefthook, managers, precommit, record, script, wrapper

if TYPE_CHECKING:
    from akosha_hook.install.plan import Change
    from akosha_hook.install.record import Entry, Remove


def remove_of(part: str, path: Path) -> Remove:
    """How `part` is taken out of `path`; one that this version does not know is left alone."""
    match part:
        case claude.PART:
            return partial(claude.remove, path)
        case git.HOOK_PART | managers.LINE_PART:
            return wrapper.remove
        case precommit.PART:
            return precommit.remove
        case lefthook.PART:
            return partial(lefthook.remove, path)
        case script.PART:
            return script.remove
    return lambda data, _original: data


def undo(entry: Entry) -> tuple[Change, ...]:
    """The changes that take an entry's part out again.

    Raises PlanError where the file cannot be changed safely.
    """
    if entry.part == git.HOOK_PART:
        return git.undo_hook(entry)
    return (record.undo(entry, remove_of(entry.part, Path(entry.path))),)
