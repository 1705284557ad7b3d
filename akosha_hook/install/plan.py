"""Changes to files as data: shown by `--dry-run`, applied all or none, undone from the record."""

from __future__ import annotations

import difflib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import AkoshaHookError
from akosha_hook.util import files
from akosha_hook.util.temporary import remove_abandoned, temporary_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 50_000_000


class Content(msgspec.Struct, frozen=True):
    """What a path holds; for a symbolic link that is itself replaced, `data` is its target."""

    data: bytes
    mode: int
    link: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """`path` is to change from `before` to `after`; None: no such file.

    `part` names what of ours is in the file (see `parts`), "" where the change needs no record of
    its own; `place` is where we are installed by it, `repository` the common git
    directory, or the project, that it belongs to.
    """

    path: Path
    before: Content | None
    after: Content | None
    part: str = ""
    place: str = ""
    repository: Path | None = None

    @property
    def writes(self) -> bool:
        return self.before != self.after


class PlanError(AkoshaHookError):
    """A file that cannot be changed; nothing was written, or everything was put back."""


def read(path: Path, *, follow: bool = True) -> Content | None:
    """What `path` holds now; None where it does not exist.

    Raises PlanError for what is neither a file nor, without `follow`, a symbolic link.
    """
    try:
        status = path.stat() if follow else path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return Content(os.fsencode(path.readlink()), stat.S_IMODE(status.st_mode), link=True)
        if not stat.S_ISREG(status.st_mode):
            raise PlanError(f"{path} is not a file.", hint="Move it away, then try again.")
        if status.st_size > MAX_BYTES:
            raise PlanError(f"{path} is too large ({status.st_size} bytes).")
        return Content(path.read_bytes(), stat.S_IMODE(status.st_mode))
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise PlanError(f"{path} cannot exist: a parent of it is a file.") from error
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror}.") from error


def target(path: Path) -> Path:
    """The file that a settings path means: the target of a symbolic link, even of a dangling one.

    Raises PlanError for a loop.
    """
    try:
        return Path(os.path.realpath(path)) if path.is_symlink() else path
    except OSError as error:
        raise PlanError(
            f"{path} is a symbolic link that cannot be followed: {error.strerror}."
        ) from error


def refuse_leaving(path: Path, top: Path) -> None:
    """Raise PlanError where a repository's own file, or a folder on the way, leads out of `top`.

    A clone may hold any symbolic link: what is behind one is not the repository's to have changed.
    """
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(top)):
        raise PlanError(
            f"{path} leads out of the repository, to {os.path.realpath(path)}; it was left alone.",
            hint=f"Replace it by a file of its own, then try again: ls -l {path}",
        )


def writable(path: Path, content: Content | None) -> None:
    """Raise PlanError where the file is read-only or its directory is not writable."""
    if content is not None and not content.link and not content.mode & 0o222:
        raise PlanError(
            f"{path} is read-only, so it was left alone.",
            hint=f"chmod u+w {path} and try again, or add the hooks by hand (--dry-run shows them).",
        )
    directory = path.parent
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PlanError(f"{directory} is not writable, so {path.name} cannot be changed.")


def missing_directories(path: Path) -> tuple[Path, ...]:
    """The parents of `path` that writing it would make, deepest first."""
    missing = []
    directory = path.parent
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    return tuple(missing)


def apply(changes: Iterable[Change]) -> None:
    """Write all of `changes`, or, where one fails, none; what killed writers left beside them goes.

    Raises PlanError for a file that is no longer as it was when the change was made.
    """
    done: list[Change] = []
    try:
        for change in changes:
            remove_abandoned(change.path.parent, change.path.name)
            if change.writes:
                _expect(change)
                _put(change.path, change.after)
                done.append(change)
    except BaseException as error:
        for change in reversed(done):
            _put(change.path, change.before)
        if isinstance(error, OSError):
            raise PlanError(f"{error.filename or 'A file'}: {error.strerror}.") from error
        raise


def _expect(change: Change) -> None:
    link = any(content is not None and content.link for content in (change.before, change.after))
    if read(change.path, follow=not link) != change.before:
        raise PlanError(f"{change.path} was changed by someone else just now.", hint="Try again.")


def _put(path: Path, content: Content | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if content.link:
        temporary = temporary_beside(path)
        temporary.symlink_to(os.fsdecode(content.data))
        temporary.replace(path)
    else:
        files.write_atomic(path, content.data, mode=content.mode)


def diff(changes: Iterable[Change]) -> str:
    """What `apply` would do, as a unified diff."""
    return "".join(_diff_one(change) for change in changes if change.writes)


def _diff_one(change: Change) -> str:
    old, new = _lines(change.before), _lines(change.after)
    names = [
        str(change.path) if content is not None else "/dev/null"
        for content in (change.before, change.after)
    ]
    text = f"--- {names[0]}\n+++ {names[1]}\n"
    if change.before and change.after and change.before.mode != change.after.mode:
        text = f"old mode {change.before.mode:04o}\nnew mode {change.after.mode:04o}\n{text}"
    elif change.after and not change.before:
        text = f"new file mode {change.after.mode:04o}\n{text}"
    if old is None or new is None:
        return text + "Binary files differ\n"
    body = list(difflib.unified_diff(old, new, n=2))[2:]
    return text + "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in body
    )


def _lines(content: Content | None) -> list[str] | None:
    if content is None:
        return []
    if content.link:
        return [f"symbolic link to {os.fsdecode(content.data)}\n"]
    try:
        return content.data.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None
