"""The sync lock, and progress while it is held, for every command that needs both."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from typing import TYPE_CHECKING

import click

from akosha_hook.cli.activity import with_percentage
from akosha_hook.state import progress_file
from akosha_hook.state.progress_file import ProgressFile
from akosha_hook.status.trouble import trouble
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
    """Hold the sync lock inside the block; first wait for whoever has it.

    Yields a context that shows progress, unless `quiet`.
    """
    files.private_directory(context.paths.state)
    lock = Lock(context.paths.sync_lock)
    with contextlib.ExitStack() as stack:
        if not lock.acquire():
            _wait(context, lock, quiet=quiet)
        stack.callback(lock.release)
        progress = stack.enter_context(_progress(context, quiet=quiet))
        yield dataclasses.replace(context, progress=progress)


def _wait(context: Context, lock: Lock, *, quiet: bool) -> None:
    """Wait for the running sync, and show how far it is.

    It polls, since the progress has to be read again and again anyway.
    """
    shown = ""
    while not lock.acquire():
        message = _waiting_for(context)
        if not quiet and message != shown and (not shown or sys.stderr.isatty()):
            click.echo(printable(message), err=True)
            shown = message
        time.sleep(WAIT_POLL_SECONDS)


def _waiting_for(context: Context) -> str:
    state = progress_file.read(context.paths)
    timeout = context.settings.akosha_upload_timeout_seconds
    if problem := trouble(state, timeout_seconds=timeout):
        return f"Waiting for the running sync, which is {problem.kind}. Try: {problem.fix}"
    return f"Waiting for the running sync: {with_percentage(state)}".removesuffix(": ")


@contextlib.contextmanager
def _progress(context: Context, *, quiet: bool) -> Iterator[Progress]:
    """Bars on a terminal, nothing in a pipe; the progress file always."""
    progress = ProgressFile(context.paths)
    try:
        if quiet or not sys.stderr.isatty():
            yield progress
        else:
            from akosha_hook.cli.bars import Bars

            with Bars(progress) as bars:
                yield bars
    finally:
        progress.idle()
