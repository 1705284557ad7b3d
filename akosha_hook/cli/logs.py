"""`akosha-hook logs`."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING

import click

from akosha_hook.errors import ExitCode
from akosha_hook.paths import Paths
from akosha_hook.util.log import ROTATE_KEEP
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

POLL_SECONDS = 0.2


@click.command()
@click.option(
    "-n",
    "--lines",
    default=50,
    show_default=True,
    type=click.IntRange(0),
    help="Number of lines to show.",
)
@click.option("-f", "--follow", is_flag=True, help="Keep printing new lines until interrupted.")
def logs(lines: int, follow: bool) -> int:
    """Show the newest lines of akosha-hook's own log.

    It records every upload, retry with its delay, fallback and error, with stack traces, and never
    a key or a memory. `enable_debug_mode: true` adds more.

    \b
    akosha-hook logs -f                    follow an upload
    akosha-hook logs -n 500 | grep ERROR   recent errors
    """
    path = Paths.from_environment(os.environ).log
    if not path.exists() and not follow:
        click.echo(f"Nothing has been logged yet: {printable(str(path))} does not exist.", err=True)
        return ExitCode.OK
    following = _following(path) if follow else None
    if following is not None:
        # Opened before the older lines are read, so that none in between is lost.
        next(following)
    for line in _newest(path, lines):
        _show(line)
    try:
        for line in following or ():
            _show(line)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _show(line: bytes) -> None:
    text = line.decode(errors="replace").rstrip("\r\n").expandtabs()
    click.echo(printable(text, keep=""))


def _newest(path: Path, count: int) -> Iterator[bytes]:
    """The newest `count` lines, over rotated files too, oldest first."""
    newest: deque[bytes] = deque()
    for name in (path, *(path.with_name(f"{path.name}.{n}") for n in range(1, ROTATE_KEEP + 1))):
        if len(newest) >= count:
            break
        try:
            lines = name.read_bytes().splitlines()
        except FileNotFoundError:
            continue
        wanted = count - len(newest)
        newest.extendleft(reversed(lines[max(0, len(lines) - wanted) :]))
    yield from newest


def _following(path: Path) -> Iterator[bytes]:
    """First b"" at once, then every whole line written from then on, rotations included."""
    file = _open_at_end(path)
    yield b""
    pending = b""
    while True:
        pending += file.read() if file else b""
        *whole, pending = pending.split(b"\n")
        yield from whole
        if whole:
            continue
        moved = _replaced(path, file)
        if not moved:
            time.sleep(POLL_SECONDS)
            continue
        if file:
            # Lines written between the last read and the rotation, or rotated away since.
            missed = (pending + file.read(), *_rotated_since(path, file))
            yield from (line for data in missed for line in data.split(b"\n") if line)
            file.close()
        pending = b""
        file = path.open("rb")


def _rotated_since(path: Path, file: BinaryIO) -> list[bytes]:
    """The contents of log files that came after `file` and were rotated too, oldest first."""
    rotated: list[bytes] = []
    for name in (path.with_name(f"{path.name}.{n}") for n in range(1, ROTATE_KEEP + 1)):
        try:
            if os.path.samestat(name.stat(), os.fstat(file.fileno())):
                return rotated[::-1]
            rotated.append(name.read_bytes())
        except FileNotFoundError:
            break
    return []


def _open_at_end(path: Path) -> BinaryIO | None:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    file.seek(0, os.SEEK_END)
    return file


def _replaced(path: Path, file: BinaryIO | None) -> bool:
    """Whether `path` is now another file than the open one."""
    try:
        current = path.stat()
    except FileNotFoundError:
        return False
    return file is None or not os.path.samestat(current, os.fstat(file.fileno()))
