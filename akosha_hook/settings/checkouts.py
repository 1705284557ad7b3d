"""Where a project's files may lie, seen from a directory in it: above it, and in its main checkout."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from akosha_hook.settings.document import UnreadableError, follow, read_text, unreadable

if TYPE_CHECKING:
    from pathlib import Path

# What git writes into these files is one path.
MAX_BYTES = 16_384


def around(start: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """`start` and every directory above it, and the same for the main checkout of a linked worktree.

    The second is why there may be more of them that cannot be found, a line for each.
    """
    found: dict[Path, None] = {}
    unclear: list[str] = []
    try:
        levels = _levels(start)
    except UnreadableError as error:
        return (), (str(error),)
    for level in levels:
        found[level] = None
        try:
            main = _main_checkout(level)
            if main is not None:
                found.update(dict.fromkeys(_levels(main)))
        except UnreadableError as error:
            unclear.append(str(error))
    return tuple(found), tuple(unclear)


def _levels(start: Path) -> list[Path]:
    top = follow(start)
    return [top, *top.parents]


def _main_checkout(level: Path) -> Path | None:
    """The main checkout of the repository whose `.git` lies in `level`; None where `level` is it.

    git itself is not asked: its configuration may name programs. Raises UnreadableError.
    """
    git = level / ".git"
    if not os.path.lexists(git):
        return None
    git = follow(git)
    if not os.path.isdir(git):  # noqa: PTH112 - Path.is_dir raises where it may not look
        named = _path_in(git, "gitdir:")
        if named is None:
            return None
        git = follow(level / named)
    named = _path_in(git / "commondir")
    common = git if named is None else follow(git / named)
    main = common.parent
    return main if common.name == ".git" and main != level else None


def _path_in(path: Path, prefix: str = "") -> str | None:
    """The path that one of git's files holds; None where it is missing. Raises UnreadableError."""
    text = read_text(path, limit=MAX_BYTES)
    if text is None:
        return None
    named = text.removeprefix(prefix).strip()
    if not text.startswith(prefix) or not named or "\0" in named:
        raise unreadable(path, "is not as git writes it")
    return named
