"""Reading other programs' configuration files, which hold secrets."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from akosha_hook.errors import CredentialsError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20


def shown(path: Path, home: Path) -> str:
    """`path` as a user writes it, with `~` for the home directory."""
    try:
        return str("~" / path.relative_to(home))
    except ValueError:
        return str(path)


def read(path: Path, home: Path) -> str | None:
    """The text of `path`, None where there is no such file; errors name the file only."""
    problem = ""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                problem = "is not a file"
            data = b"" if problem else file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
        if len(data) > MAX_BYTES:
            problem = "is larger than a megabyte"
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        problem = "is not a file"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    if problem:
        raise CredentialsError(
            f"{shown(path, home)} {problem}.", hint=f"Correct {shown(path, home)}, or remove it."
        )
    return text


def exposure(path: Path, home: Path) -> tuple[str, ...]:
    """A warning where others on this machine can read or change a file with keys."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return ()
    name = shown(path, home)
    return (f"{name} holds keys and is open to others (mode {mode:04o}): chmod 600 {name}",)


def is_writable_by_anyone(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IWOTH)
