"""The sync lock and the progress of what is done under it, for every command that needs both."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from typing import TYPE_CHECKING

import click

from akosha_hook.context import Context
from akosha_hook.state import progress_file as watch
from akosha_hook.state.progress_file import ProgressFile
from akosha_hook.util import files
from akosha_hook.util.lock import Lock
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.util.progress import Progress

WAIT_POLL_SECONDS = 0.5


@contextlib.contextmanager
def exclusive(context: Context, *, quiet: bool) -> Iterator[Context]:
    """Hold the sync lock inside the block, waiting for who has it, and show progress there."""
    files.private_directory(context.paths.state)
    lock = Lock(context.paths.sync_lock)
    with contextlib.ExitStack() as stack:
        if not lock.acquire():
            _wait(context, lock, quiet=quiet)
        stack.callback(lock.release)
        progress = stack.enter_context(_progress(context, quiet=quiet))
        yield dataclasses.replace(context, progress=progress)


def _wait(context: Context, lock: Lock, *, quiet: bool) -> None:
    """Wait for the sync that is running, and say how far it is.

    It polls: how far that is has to be read again and again anyway.
    """
    said = ""
    while not lock.acquire():
        state = watch.read(context.paths)
        share = f" {state.done_bytes / state.total_bytes:.0%}" if state.total_bytes else ""
        now = f"Waiting for the running sync: {state.phase} {state.file}{share}".rstrip()
        if not quiet and now != said and (not said or sys.stderr.isatty()):
            click.echo(printable(now), err=True)
            said = now
        time.sleep(WAIT_POLL_SECONDS)


@contextlib.contextmanager
def _progress(context: Context, *, quiet: bool) -> Iterator[Progress]:
    """Bars on a terminal, nothing in a pipe; `progress.json` always."""
    written = ProgressFile(context.paths)
    try:
        if quiet or not sys.stderr.isatty():
            yield written
        else:
            from akosha_hook.cli.bars import Bars

            with Bars(written) as bars:
                yield bars
    finally:
        written.idle()
