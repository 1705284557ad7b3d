"""The `env` of one of Claude Code's settings files: as Claude Code reads it, or as anything at all.

A file that Claude Code may be able to read and we cannot counts as setting every variable.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.settings.document import UnreadableError, follow, place, read_text, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClaudeEnv:
    """`variables` as they are in the file. `unclear` is why any other may be set too, on one line."""

    variables: Mapping[str, object] = field(default_factory=dict)
    unclear: str = ""


class _Object(dict[str, object]):
    """A JSON object that knows whether a key was there twice."""

    repeated: frozenset[str] = frozenset()


def read(path: Path) -> ClaudeEnv:
    """What `path` sets; never raises."""
    try:
        if not os.path.lexists(path.parent):
            return ClaudeEnv()
        text = read_text(follow(path))
        return ClaudeEnv() if text is None or not text.strip() else _variables(path, text)
    except UnreadableError as error:
        return ClaudeEnv(unclear=str(error))


def _variables(path: Path, text: str) -> ClaudeEnv:
    import json

    try:
        document = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise unreadable(path, "is not JSON that can be read here", line) from error
    env = document.get("env") if isinstance(document, _Object) else None
    if isinstance(document, _Object) and "env" in document.repeated:
        return ClaudeEnv(unclear=f"{place(path)}: has the key env twice")
    if not isinstance(env, _Object):
        return ClaudeEnv()
    if env.repeated:
        return ClaudeEnv(env, unclear=f"{place(path)}: sets a variable twice")
    return ClaudeEnv(env)


def _object(pairs: list[tuple[str, object]]) -> _Object:
    found = _Object(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        found.repeated = frozenset(name for name in names if names.count(name) > 1)
    return found
