"""Where events wait: one small file each, written by hooks, read and removed by the worker."""

from __future__ import annotations

import errno
import logging
import os
import time
from typing import TYPE_CHECKING

from akosha_hook.hook.event import (
    MAX_HEADER_BYTES,
    MAX_STDIN_BYTES,
    Event,
    epoch_of,
    file_name,
    header,
    parse_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from akosha_hook.paths import Paths

logger = logging.getLogger(__name__)

KEPT = 1000
# A hook renames its temporary file within milliseconds; Claude Code kills one after a minute.
ABANDONED_SECONDS = 120

_NEVER_READABLE = frozenset({errno.EACCES, errno.EPERM, errno.ENXIO})


def record(paths: Paths, name: str, directory: Path | None, stdin: bytes) -> Path:
    """Leave an event for the worker, with the first MiB of `stdin`; raises OSError."""
    for folder in (paths.state, paths.outbox):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = paths.outbox / f".{os.getpid()}-{name}-{time.time_ns()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(header(name, directory) + stdin[:MAX_STDIN_BYTES])
        return temporary.replace(_free_name(paths, name))
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _free_name(paths: Paths, name: str) -> Path:
    """A name no waiting event has: one process may record twice in a second."""
    epoch, number = int(time.time()), os.getpid()
    while (path := paths.outbox / file_name(epoch, number, name)).exists():
        number += 1
    return path


def waiting(paths: Paths) -> tuple[Event, ...]:
    """The events in the outbox, oldest first, at most the newest 1000: older ones are removed.

    A file that is no event is set aside as `<name>.corrupt`; what a hook killed half-way left is
    taken in if it is whole and removed if not. Never raises.
    """
    names = _names(paths.outbox)
    for name in names:
        if name.startswith(".") and name.endswith(".tmp"):
            _adopt(paths.outbox / name)
    entries = [(epoch_of(name), name) for name in _names(paths.outbox) if name.endswith(".event")]
    for epoch, name in entries:
        if epoch is None:
            _set_aside(paths.outbox / name, "its name is not an event's")
    ordered = sorted((epoch, name) for epoch, name in entries if epoch is not None)
    for _, name in ordered[:-KEPT]:
        _remove(paths.outbox / name)
    events = (_read(paths.outbox / name, epoch) for epoch, name in ordered[-KEPT:])
    return tuple(event for event in events if event is not None)


def acknowledge(events: Iterable[Event]) -> None:
    """Remove events that need no more work; one already gone is fine."""
    for event in events:
        _remove(event.path)


def corrupt(paths: Paths) -> tuple[Path, ...]:
    """The files that were set aside, for `status` to mention."""
    return tuple(
        paths.outbox / name for name in sorted(_names(paths.outbox)) if name.endswith(".corrupt")
    )


def _names(outbox: Path) -> list[str]:
    try:
        return [path.name for path in outbox.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        logger.warning("Cannot read the outbox %s: %s", outbox, error.strerror)
        return []


def _read(path: Path, epoch: int) -> Event | None:
    """The event in `path`; None where it is gone, not readable now, or set aside."""
    try:
        name, directory = parse_header(_beginning(path))
    except FileNotFoundError:
        return None
    except ValueError as error:
        _set_aside(path, str(error))
        return None
    except OSError as error:
        if error.errno in _NEVER_READABLE:
            _set_aside(path, error.strerror or "unreadable")
        return None
    return Event(name, epoch, directory, path)


def _beginning(path: Path) -> bytes:
    """Enough of `path` for the header; raises ValueError for what no hook of ours has written."""
    from akosha_hook.util.files import read_bounded

    limit = MAX_HEADER_BYTES + MAX_STDIN_BYTES
    return read_bounded(path, limit, first=MAX_HEADER_BYTES, follow=False)


def _adopt(temporary: Path) -> None:
    """Turn a whole event that never got its name into one that has; remove any other old file."""
    try:
        modified = temporary.lstat().st_mtime
        if abs(time.time() - modified) < ABANDONED_SECONDS:
            return
        name, _ = parse_header(_beginning(temporary))
        pid = temporary.name.removeprefix(".").partition("-")[0]
        number = int(pid) if pid.isdecimal() else 0
        temporary.replace(temporary.with_name(file_name(int(modified), number, name)))
    except (OSError, ValueError):
        _remove(temporary)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("Cannot remove %s: %s", path, error.strerror)


def _set_aside(path: Path, why: str) -> None:
    from akosha_hook.util.files import set_aside

    aside = set_aside(path)
    logger.warning(
        "Event %r cannot be used (%s); set aside as %r", path.name, why, aside and aside.name
    )
