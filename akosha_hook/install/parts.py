"""The kinds of content that we add to files, and how each is removed again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.install import (
    config_hooks,
    git_hooks,
    json_text,
    lefthook,
    managers,
    precommit,
    record,
    script,
    wrapper,
    yaml_text,
)
from akosha_hook.install.agents import claude
from akosha_hook.install.plan import PlanError
from akosha_hook.install.record import Part

if TYPE_CHECKING:
    from akosha_hook.install.plan import Change
    from akosha_hook.install.record import Entry


def part_of(name: str, path: Path) -> Part:
    """How to remove the part `name` from `path`; one that this version does not know stays."""
    parts = {
        claude.PART: Part(partial(claude.remove, path), claude.outline),
        config_hooks.PART: Part(config_hooks.remove),
        git_hooks.PART: Part(wrapper.remove),
        lefthook.PART: Part(partial(lefthook.remove, path)),
        managers.LINE_PART: Part(wrapper.remove),
        precommit.PART: Part(precommit.remove),
        script.PART: Part(script.remove),
    }
    return parts.get(name, Part(_leave))


def _leave(data: bytes, _original: bytes | None) -> bytes:
    return data


def undo(entry: Entry) -> tuple[Change, ...]:
    """The changes that remove an entry's part.

    Raises PlanError where the file cannot be changed safely.
    """
    if entry.part == git_hooks.PART:
        return git_hooks.undo(entry)
    try:
        return (record.undo(entry, part_of(entry.part, Path(entry.path))),)
    except (json_text.JSONTextError, yaml_text.YAMLTextError) as error:
        raise PlanError(
            f"{entry.path} {error.message}, so it was left alone.",
            hint="Correct it, then try again, or remove the akosha-hook part by hand.",
        ) from error
