"""One place where we are installed, as `status` and `doctor` show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """`kind` is `claude-user`, `claude-project`, `claude-local`, `claude-plugin`, `git`,
    `git-global`, or the name of a hook manager.

    `detail` says what is there, or what is wrong with it; `fix` what to type then. `repository` is
    the common git directory of the repository it belongs to.
    """

    kind: str
    path: Path
    state: Literal["working", "broken"]
    detail: str
    fix: str = ""
    repository: Path | None = None
