"""Reading other programs' configuration files, which hold secrets."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from akosha_hook.errors import CredentialsError
from akosha_hook.stores.credentials.result import CredentialsWarning
from akosha_hook.util.files import OTHERS, NotRegularError, TooLargeError, read_bounded
from akosha_hook.util.text import one_line, with_tilde

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20


def read(path: Path, home: Path) -> str | None:
    """The text of `path`, None where there is no such file; raises CredentialsError.

    The error names the file only. It is raised outside of the `except` clauses: a UnicodeDecodeError
    in its context would hold what the file holds.
    """
    try:
        return read_bounded(path, MAX_BYTES).decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotRegularError:
        problem = "is not a file"
    except TooLargeError:
        problem = "is larger than a megabyte"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    name = with_tilde(path, home)
    raise CredentialsError(f"{name} {problem}.", hint=f"Correct {name}, or remove it.")


def refuse_relative(path: Path, variable: str) -> None:
    """Raise CredentialsError where the file that `variable` names depends on the working directory."""
    if not path.is_absolute():
        raise CredentialsError(
            f"{variable} names {one_line(str(path))}, which is another file in each directory.",
            hint=f"Set {variable} to a full path, or unset it.",
        )


def exposure(path: Path, home: Path) -> tuple[CredentialsWarning, ...]:
    """A warning where others on this machine can read or change a file with keys."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & OTHERS:
        return ()
    name = with_tilde(path, home)
    message = f"{name} holds keys and is open to others (mode {mode:04o})"
    return (CredentialsWarning(message, f"chmod 600 {name}"),)


def is_writable_by_anyone(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IWOTH)
