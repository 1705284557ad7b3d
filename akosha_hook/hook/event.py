"""Events: their names, and the format of the files that hooks write for them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SESSION_EVENTS = frozenset({"session-end", "session-start"})
REPOSITORY_EVENTS = frozenset({"post-commit", "post-merge", "post-rewrite"})
# A user who asked for a sync in the background.
MANUAL = "manual"
EVENTS = SESSION_EVENTS | REPOSITORY_EVENTS | {MANUAL}
MAX_STDIN_BYTES = 1_048_576
# Room for the event's name and a working directory as long as PATH_MAX.
MAX_HEADER_BYTES = 8_192

_SUFFIX = ".event"
_MAX_DIGITS = 11


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at `epoch` (seconds); a sync takes the newest state, whatever that is by then.

    `path` is the event's file in the outbox; `directory` is None where the hook could not tell.
    """

    name: str
    epoch: int
    directory: Path | None
    path: Path


def file_name(epoch: int, pid: int, name: str) -> str:
    """`<epoch>-<pid>-<event>.event`, as the hook script names it too."""
    return f"{epoch}-{pid}-{name}{_SUFFIX}"


def epoch_of(file_name: str) -> int | None:
    """The epoch in an event file's name; None where it is not one of ours."""
    if not file_name.endswith(_SUFFIX):
        return None
    epoch, _, rest = file_name.removesuffix(_SUFFIX).partition("-")
    pid, _, name = rest.partition("-")
    return int(epoch) if _number(epoch) and _number(pid) and name in EVENTS else None


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def header(name: str, directory: Path | None) -> bytes:
    """The event file's first two lines; a directory whose name holds a newline is left out."""
    encoded = os.fsencode(directory) if directory is not None else b""
    return name.encode() + b"\n" + (b"" if b"\n" in encoded else encoded) + b"\n"


def parse_header(data: bytes) -> tuple[str, Path | None]:
    """The name and the working directory in an event file's beginning.

    Raises ValueError where the first line is no event of ours or the second does not end. A
    directory that is not absolute says nothing to a worker that runs elsewhere: None.
    """
    first, _, rest = data[:MAX_HEADER_BYTES].partition(b"\n")
    second, ended, _ = rest.partition(b"\n")
    name = first.decode("ascii")
    if name not in EVENTS or not ended or b"\0" in second:
        raise ValueError("not an event")
    return name, Path(os.fsdecode(second)) if second.startswith(b"/") else None
